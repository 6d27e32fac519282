use serde::Serialize;
use stratagem_domain::Capability;
use wasmtime::Engine;
use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;

use crate::LoadError;

/// The world that a plugin is built against.
pub const WORLD: &str = "stratagem:strategy/plugin@0.1.0";
/// The interface that a plugin exports.
pub const STRATEGY: &str = "stratagem:strategy/strategy@0.1.0";
/// The interface that every plugin may import.
pub const RUN: &str = "stratagem:strategy/run@0.1.0";

const PACKAGE: &str = "stratagem:strategy/";
const VERSION: &str = "@0.1.0";

/// One interface that a component imports or exports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Interface {
    pub name: String,
    pub functions: Vec<String>,
}

/// What a component shows to the outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Surface {
    pub imports: Vec<Interface>,
    pub exports: Vec<Interface>,
}

impl Surface {
    pub fn of(component: &Component, engine: &Engine) -> Self {
        let interface = |(name, item): (&str, ComponentItem)| Interface {
            name: name.to_owned(),
            functions: match item {
                ComponentItem::ComponentInstance(instance) => instance
                    .exports(engine)
                    .filter(|(_, item)| matches!(item.ty, ComponentItem::ComponentFunc(_)))
                    .map(|(name, _)| name.to_owned())
                    .collect(),
                _ => Vec::new(),
            },
        };
        let ty = component.component_type();
        Self {
            imports: ty.imports(engine).map(|(name, item)| interface((name, item.ty))).collect(),
            exports: ty.exports(engine).map(|(name, item)| interface((name, item.ty))).collect(),
        }
    }

    /// The capabilities whose interfaces the component imports.
    pub fn capabilities(&self) -> Vec<Capability> {
        self.imports.iter().filter_map(|import| capability(&import.name)).collect()
    }

    /// Holds the component to the world, to what its manifest asks for and to what the host backs.
    ///
    /// *Errors*: the plugin's fault, with the interface's name.
    pub fn check(&self, plugin: &str, asked: &[Capability]) -> Result<(), LoadError> {
        let wrong = |reason: String| LoadError::WrongWorld { plugin: plugin.to_owned(), reason };
        if !self.exports.iter().any(|export| export.name == STRATEGY) {
            let other =
                self.exports.iter().find(|export| export.name.starts_with("stratagem:strategy/strategy"));
            return Err(wrong(match other {
                Some(export) => format!("exports `{}`, this host runs `{STRATEGY}`", export.name),
                None => format!("does not export `{STRATEGY}`"),
            }));
        }
        for import in &self.imports {
            let name = import.name.as_str();
            match capability(name) {
                Some(capability) if !asked.contains(&capability) => {
                    let interface = capability.as_str().to_owned();
                    return Err(LoadError::NotAsked { plugin: plugin.to_owned(), interface });
                }
                // No capability has a backend yet: the ones that come are linked where they are granted.
                Some(capability) => {
                    let interface = capability.as_str().to_owned();
                    return Err(LoadError::NotBacked { plugin: plugin.to_owned(), interface });
                }
                None if name == RUN || is_types(name) => {}
                None => return Err(wrong(format!("imports `{name}`, which no plugin is given"))),
            }
        }
        Ok(())
    }
}

fn is_types(name: &str) -> bool {
    name.strip_prefix(PACKAGE).and_then(|rest| rest.strip_suffix(VERSION)) == Some("types")
}

fn capability(import: &str) -> Option<Capability> {
    import.strip_prefix(PACKAGE)?.strip_suffix(VERSION).and_then(Capability::parse)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surface(imports: &[&str], exports: &[&str]) -> Surface {
        let list = |names: &[&str]| {
            names.iter().map(|name| Interface { name: (*name).to_owned(), functions: Vec::new() }).collect()
        };
        Surface { imports: list(imports), exports: list(exports) }
    }

    #[test]
    fn every_import_is_run_types_or_refused_by_name() {
        let ttt = "stratagem:strategy/ttt@0.1.0";
        let ok = surface(&[RUN, "stratagem:strategy/types@0.1.0"], &[STRATEGY]);
        ok.check("p", &[]).unwrap();
        let cases = [
            (
                surface(&[ttt], &[STRATEGY]),
                vec![],
                "plugin p imports `ttt`, which plugin.toml does not ask for",
            ),
            (surface(&[ttt], &[STRATEGY]), vec![Capability::Ttt], "plugin p asks for `ttt`, which this host"),
            (
                surface(&["wasi:cli/environment@0.2.0"], &[STRATEGY]),
                vec![],
                "imports `wasi:cli/environment@0.2.0`",
            ),
            (
                surface(&["stratagem:strategy/run@0.2.0"], &[STRATEGY]),
                vec![],
                "imports `stratagem:strategy/run@0.2.0`",
            ),
            (surface(&[RUN], &["wasi:cli/run@0.2.0"]), vec![], "does not export"),
            (surface(&[RUN], &["stratagem:strategy/strategy@9.0.0"]), vec![], "this host runs"),
        ];
        for (surface, asked, reason) in cases {
            let error = surface.check("p", &asked).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
