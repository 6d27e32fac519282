use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use stratagem_domain::{
    Backing, Digest, Ending, Limits, PluginIdentity, Refusal, RunReport, Settings, Strategy, Task, Usage,
};

use crate::manifest::is_plain;
use crate::{LoadError, Manifest, Package};

/// A plugin that was not loaded, in the place of the strategy that it would have been: each of its runs is
/// refused, so that what was handed in leaves its rows as everything else does.
pub struct RefusedStrategy {
    identity: PluginIdentity,
    cause: Refusal,
    reason: String,
    hint: Option<String>,
}

impl RefusedStrategy {
    /// Takes the place of the plugin at `path`; none where the plugin is not what is at fault.
    pub fn new(path: &Path, error: &LoadError) -> Option<Self> {
        error.refusal()?;
        Self::of(&identify(path)?, error)
    }

    /// Takes the place of a plugin that is known by name: one that the database keeps.
    pub fn of(identity: &PluginIdentity, error: &LoadError) -> Option<Self> {
        let cause = error.refusal()?;
        Some(Self { identity: identity.clone(), cause, reason: error.to_string(), hint: error.hint() })
    }

    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl Strategy for RefusedStrategy {
    fn plugin(&self) -> &PluginIdentity {
        &self.identity
    }

    fn run_with(&self, _: &Task, _: u64, _: &Limits, _: &Settings, _: Arc<dyn Backing>) -> RunReport {
        let ending = Ending::Refused { cause: self.cause, reason: self.reason.clone() };
        RunReport {
            ending,
            answers: vec![],
            steps: vec![],
            log: vec![],
            usage: Usage::default(),
            journal: vec![],
        }
    }
}

/// What can be told of a plugin that is no usable one: what its manifest says, else its file's name.
fn identify(path: &Path) -> Option<PluginIdentity> {
    let beside = match path {
        _ if path.is_dir() => path.join(Manifest::FILE),
        _ => path.with_file_name(Manifest::FILE),
    };
    let mut text = String::new();
    if beside.is_file()
        && let Ok(file) = File::open(&beside)
    {
        drop(file.take(Package::MAX_MANIFEST_BYTES).read_to_string(&mut text));
    }
    let manifest = Manifest::parse(&text, &beside).ok();
    let component = match &manifest {
        Some(manifest) => beside.with_file_name(&manifest.component),
        None if path.is_dir() || path.extension().is_some_and(|end| end == "toml") => {
            beside.with_file_name(Manifest::COMPONENT)
        }
        None => path.to_owned(),
    };
    // A pipe would wait for a writer and a device never ends. What is longer than any component may be is known
    // by its beginning: a file may claim any length.
    let file = component.is_file().then(|| File::open(&component));
    let digest = match file {
        Some(Ok(file)) => Digest::of_reader(file.take(Package::MAX_COMPONENT_BYTES + 1)).ok()?,
        _ => Digest::of(text.as_bytes()),
    };
    if let Some(Manifest { name, version, kind, .. }) = manifest {
        return Some(PluginIdentity { name, version: version.to_string(), kind, digest });
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
    let name = if is_plain(&stem, b'-') { stem } else { "unnamed".to_owned() };
    Some(PluginIdentity { name, version: "0.0.0".into(), kind: "unknown".into(), digest })
}
