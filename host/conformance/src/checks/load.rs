use stratagem_runtime::{LoadError, LoadedStrategy, Package, Sandbox};

use crate::trial::Bench;
use crate::{Case, Seen, Verdict};

/// Loads a package as the operator does, with what is granted to it.
pub type Load<'a> = dyn Fn(&Sandbox, &Package) -> Result<LoadedStrategy, LoadError> + 'a;

/// A plugin as far as it could be loaded.
pub enum Opened {
    /// In both sandboxes, with what is to be said of its manifest.
    Loaded(Box<[LoadedStrategy; 2]>, Seen),
    /// The component is at fault.
    Refused(LoadError),
}

/// Loads a plugin in both sandboxes. One that loads without its manifest only has a fault in the manifest: the rest
/// of the suite goes on without.
///
/// *Errors*: the host's or the operator's; nothing is said of the plugin then.
pub fn open(package: &Package, sandboxes: [&Sandbox; 2], load: &Load<'_>) -> Result<Opened, LoadError> {
    let both = |package: &Package| -> Result<_, LoadError> {
        Ok([load(sandboxes[0], package)?, load(sandboxes[1], package)?])
    };
    let error = match both(package) {
        Ok(loaded) => {
            let seen = fit(package, &loaded[0]);
            return Ok(Opened::Loaded(Box::new(loaded), seen));
        }
        Err(error) if error.refusal().is_none() => return Err(error),
        Err(error) => error,
    };
    let bare = Package { manifest: None, ..package.clone() };
    Ok(match both(&bare) {
        Ok(loaded) if package.manifest.is_some() => Opened::Loaded(Box::new(loaded), refusal(&error)),
        _ => Opened::Refused(error),
    })
}

/// A refusal of the host's, in its words.
pub fn refusal(error: &LoadError) -> Seen {
    Seen { hint: error.hint(), ..Seen::of(Verdict::Fail, error.to_string()) }
}

fn fit(package: &Package, loaded: &LoadedStrategy) -> Seen {
    let Some(manifest) = &package.manifest else {
        return Seen::of(Verdict::Skip, "a bare component: there is no plugin.toml to fit");
    };
    let mut seen = Seen::default();
    let used = loaded.surface.capabilities();
    let named = manifest.capabilities.iter().chain(&manifest.optional);
    for asked in named.filter(|asked| !used.contains(asked)) {
        seen.fail(format!("plugin.toml asks for `{}`, which the component does not import", asked.as_str()));
    }
    seen
}

/// A component that was not loaded comes no further than [`open`].
pub fn interface(_: &Bench<'_>, _: &Case) -> Seen {
    Seen::default()
}

pub fn manifest(bench: &Bench<'_>, _: &Case) -> Seen {
    bench.manifest.clone()
}
