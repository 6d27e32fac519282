//! What the policy makes of a plugin, and the plugins that a name finds in the database.

use std::path::PathBuf;

use stratagem_domain::{PluginIdentity, quote};
use stratagem_runtime::{Grants, LoadError, LoadedStrategy, Package, Sandbox};
use stratagem_store::{AddedPlugin, Papers};

use crate::config::beside_program;
use crate::failure::Failure;
use crate::workbench::Workbench;

/// Where a name led: to a path, or to what the database keeps.
pub enum Found {
    At(PathBuf),
    Kept(PluginIdentity, Box<Package>),
}

impl Found {
    /// Reads the plugin.
    pub fn package(&self) -> Result<Package, LoadError> {
        match self {
            Self::At(path) => Package::read(path),
            Self::Kept(_, package) => Ok(package.as_ref().clone()),
        }
    }
}

/// Fewer digits of a digest would pin nothing.
const LEAST_PIN: usize = 8;

impl Workbench {
    /// Loads a plugin with what the policy grants it.
    pub fn load(&self, sandbox: &Sandbox, package: &Package) -> Result<LoadedStrategy, LoadError> {
        let strategy = sandbox.load_granted(package, &self.grants(package)?)?;
        // A bare component says its name when it is described: the policy may pin that name.
        if package.manifest.is_none() {
            self.config.policy.decide(package, &strategy.identity().name, false)?;
        }
        Ok(strategy)
    }

    /// What the policy grants a plugin.
    pub fn grants(&self, package: &Package) -> Result<Grants, LoadError> {
        let name = package.manifest.as_ref().map(|manifest| manifest.name.as_str());
        self.config.policy.decide(package, name.unwrap_or_default(), is_shipped(package))
    }

    /// The plugins that were added; none where there is no database.
    pub fn added(&self) -> Result<Vec<AddedPlugin>, Failure> {
        if !self.places.database.exists() {
            return Ok(Vec::new());
        }
        Ok(self.existing_store()?.added_plugins()?)
    }

    /// A plugin that was added.
    pub fn find_added(&self, plugin: &AddedPlugin) -> Result<Found, Failure> {
        let identity = &plugin.identity;
        let component = self.existing_store()?.component(&identity.digest)?.ok_or_else(|| {
            Failure::new(format!("the component {} is not in the database", identity.digest.short()))
        })?;
        let Papers { manifest, signature } = plugin.papers.clone();
        let path = PathBuf::from(format!("{}@{}", identity.name, identity.digest.short()));
        let package = Package::stored(manifest, signature, component, &path)?;
        Ok(Found::Kept(identity.clone(), Box::new(package)))
    }

    /// Finds NAME@DIGEST: the plugin of that name whose BLAKE3 begins so, wherever it lies.
    pub fn find_pinned(&self, name: &str, pin: &str) -> Result<Found, Failure> {
        let is_hex = pin.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !is_hex || !(LEAST_PIN..=64).contains(&pin.len()) {
            let message = format!("{} is no beginning of a BLAKE3", quote(pin, 80));
            return Err(Failure::misuse(message).hint(format!(
                "{LEAST_PIN} to 64 lower-case hexadecimal digits; `stratagem plugin list` shows twelve"
            )));
        }
        let fits = |digest: &stratagem_domain::Digest| digest.to_string().starts_with(pin);
        let folders = self.plugin_folders().into_iter();
        let mut in_folders = folders.filter(|folder| folder.file_name().is_some_and(|file| file == name));
        if let Some(folder) = in_folders.next()
            && Package::read(&folder).is_ok_and(|package| fits(&package.digest))
        {
            return Ok(Found::At(folder));
        }
        let known: Vec<AddedPlugin> =
            self.added()?.into_iter().filter(|plugin| plugin.identity.name == name).collect();
        let mut fitting = known.iter().filter(|plugin| fits(&plugin.identity.digest));
        match (fitting.next(), fitting.next()) {
            (Some(plugin), None) => self.find_added(plugin),
            (Some(_), Some(_)) => {
                Err(Failure::misuse(format!("{}@{pin} fits several plugins", quote(name, 80)))
                    .hint("write more digits of the BLAKE3"))
            }
            (None, _) => {
                let digests: Vec<String> =
                    known.iter().map(|plugin| plugin.identity.digest.short()).collect();
                let hint = match digests.as_slice() {
                    [] => "add it: `stratagem plugin add FILE`".to_owned(),
                    digests => format!("added under this name: {}", digests.join(", ")),
                };
                Err(Failure::misuse(format!("no strategy {}@{pin}", quote(name, 80))).hint(hint))
            }
        }
    }
}

/// True where the same component lies under the same manifest in the folder beside the program.
fn is_shipped(package: &Package) -> bool {
    let shipped = || {
        let name = &package.manifest.as_ref()?.name;
        Package::read(&beside_program()?.join(name)).ok()
    };
    shipped().is_some_and(|shipped| {
        shipped.digest == package.digest && shipped.manifest_text == package.manifest_text
    })
}
