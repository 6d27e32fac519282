use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use stratagem_domain::{Capability, quote};
use wasmtime::Engine;
use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;

use crate::policy::Grants;
use crate::{LoadError, wasi};

/// A version of the contract that this host runs: each has its folder in `wit/`.
///
/// What a host function does is written once, for the latest; an older version is linked to the same functions,
/// through the records that it knows. Versions below 1.0.0 differ in their second number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Contract {
    V0_1,
    V0_2,
}

impl Contract {
    pub const ALL: [Self; 2] = [Self::V0_1, Self::V0_2];
    /// What the SDK is built against.
    pub const LATEST: Self = Self::V0_2;

    pub fn version(self) -> &'static str {
        match self {
            Self::V0_1 => "0.1.0",
            Self::V0_2 => "0.2.0",
        }
    }

    /// The full name of one of its interfaces.
    pub fn interface(self, name: &str) -> String {
        format!("{PACKAGE}{name}@{}", self.version())
    }

    /// The world that a plugin is built against.
    pub fn world(self) -> String {
        self.interface("plugin")
    }

    /// All versions, for people.
    pub fn versions() -> String {
        Self::ALL.map(Self::version).join(" and ")
    }
}

const PACKAGE: &str = "stratagem:strategy/";

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

    /// The capabilities that the component uses. What several are built of counts for none of them, unless it is
    /// imported by itself.
    pub fn capabilities(&self) -> BTreeSet<Capability> {
        let needs = || self.imports.iter().filter_map(Interface::needs);
        let mut used: BTreeSet<Capability> =
            needs().filter(|any| any.len() == 1).flatten().copied().collect();
        let alone = |any: &&[Capability]| any.iter().all(|capability| !used.contains(capability));
        let shared: Vec<Capability> = needs().filter(alone).flatten().copied().collect();
        used.extend(shared);
        used
    }

    /// The version of the contract that the component is built against.
    ///
    /// *Errors*: the plugin's fault: it exports no strategy, or one of a version that this host does not run.
    pub fn contract(&self) -> Result<Contract, String> {
        let exported = |contract: Contract| {
            let name = contract.interface("strategy");
            self.exports.iter().any(|export| export.name == name).then_some(contract)
        };
        if let Some(contract) = Contract::ALL.into_iter().rev().find_map(exported) {
            return Ok(contract);
        }
        let runs = format!("this host runs {}", Contract::versions());
        let strategy = |export: &&Interface| part(&export.name).is_some_and(|(name, _)| name == "strategy");
        Err(match self.exports.iter().find(strategy) {
            Some(other) => format!("exports {}: {runs}", quote(&other.name, 120)),
            None => format!("does not export `{PACKAGE}strategy`: {runs}"),
        })
    }

    /// Holds the component to its contract, to what its manifest asks for, to what the host backs and to what the
    /// policy grants; what is `optional` may be neither. `lacks`: what the host does not back, and what to do about it.
    ///
    /// *Errors*: the plugin's fault, with the interface's name.
    pub fn check(
        &self,
        plugin: &str,
        asked: &[Capability],
        optional: &[Capability],
        grants: &Grants,
        lacks: &BTreeMap<Capability, String>,
    ) -> Result<Contract, LoadError> {
        let wrong = |reason: String| LoadError::WrongWorld { plugin: plugin.to_owned(), reason };
        let contract = self.contract().map_err(wrong)?;
        for import in &self.imports {
            let name = quote(&import.name, 120);
            let (plugin, interface) = (plugin.to_owned(), part(&import.name));
            match interface {
                Some((_, version)) if version != contract.version() => {
                    let exported = contract.version();
                    return Err(wrong(format!("imports {name}, but exports the strategy of {exported}")));
                }
                Some(("run" | "types", _)) => {}
                _ if let Some(any) = import.needs() => {
                    if any.iter().any(|capability| optional.contains(capability)) {
                        continue;
                    }
                    let named = |capability: Capability| capability.as_str().to_owned();
                    let Some(&of_asked) = any.iter().find(|capability| asked.contains(capability)) else {
                        return Err(LoadError::NotAsked { plugin, interface: named(any[0]) });
                    };
                    if let Some(remedy) = lacks.get(&of_asked) {
                        let (interface, remedy) = (named(of_asked), remedy.clone());
                        return Err(LoadError::NotBacked { plugin, interface, remedy });
                    }
                    if !any.iter().any(|capability| asked.contains(capability) && grants.allows(*capability))
                    {
                        let rule = grants.rule.clone();
                        return Err(LoadError::NotGranted { plugin, interface: named(of_asked), rule });
                    }
                }
                _ => return Err(wrong(format!("imports {name}, which no plugin is given"))),
            }
        }
        Ok(contract)
    }
}

impl Interface {
    /// The capabilities any of which this import is linked for; none where it needs none or nobody is given it.
    fn needs(&self) -> Option<&'static [Capability]> {
        let own = part(&self.name).and_then(|(name, _)| Capability::parse(name));
        let Some(own) = own.filter(|capability| !capability.is_wasi()) else {
            return wasi::needs(&self.name, self.functions.is_empty());
        };
        let at = Capability::ALL.iter().position(|capability| *capability == own)?;
        Some(&Capability::ALL[at..=at])
    }
}

/// The name and the version of an interface of the contract; none of any other.
fn part(interface: &str) -> Option<(&str, &str)> {
    interface.strip_prefix(PACKAGE)?.split_once('@')
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
        let lacks = BTreeMap::from([(Capability::Ttt, "buy one".to_owned())]);
        let strategy = "stratagem:strategy/strategy@0.1.0";
        let run = "stratagem:strategy/run@0.1.0";
        let ttt = "stratagem:strategy/ttt@0.1.0";
        let memory = "stratagem:strategy/memory@0.1.0";
        for contract in Contract::ALL {
            let imports = ["run", "types"].map(|name| contract.interface(name));
            let exports = [contract.interface("strategy")];
            let ok =
                surface(&imports.each_ref().map(String::as_str), &exports.each_ref().map(String::as_str));
            assert_eq!(ok.check("p", &[], &[], &Grants::default(), &lacks).unwrap(), contract);
        }
        let granted =
            Grants { capabilities: [Capability::Clock].into(), rule: "[policy]".into(), ..Grants::default() };
        let clock = surface(&["wasi:clocks/monotonic-clock@0.2.0", "wasi:io/poll@0.2.0"], &[strategy]);
        clock.check("p", &[Capability::Clock], &[], &granted, &lacks).unwrap();
        surface(&[ttt], &[strategy]).check("p", &[], &[Capability::Ttt], &granted, &lacks).unwrap();
        let cases = [
            (
                surface(&[ttt], &[strategy]),
                vec![],
                "plugin p imports `ttt`, which plugin.toml does not ask for",
            ),
            (surface(&[ttt], &[strategy]), vec![Capability::Ttt], "plugin p asks for `ttt`, which this host"),
            (
                surface(&[memory], &[strategy]),
                vec![Capability::Memory],
                "plugin p imports `memory`, which [policy] does not grant",
            ),
            (
                surface(&["wasi:cli/environment@0.2.0"], &[strategy]),
                vec![],
                "plugin p imports `process`, which plugin.toml does not ask for",
            ),
            (
                surface(&["wasi:cli/environment@0.2.0"], &[strategy]),
                vec![Capability::Process, Capability::Clock],
                "plugin p imports `process`, which [policy] does not grant",
            ),
            (
                surface(&["wasi:sockets/tcp@0.2.0"], &[strategy]),
                Capability::ALL.to_vec(),
                "imports \"wasi:sockets/tcp@0.2.0\", which no plugin is given",
            ),
            (
                surface(&["stratagem:strategy/run@0.2.0"], &[strategy]),
                vec![],
                "imports \"stratagem:strategy/run@0.2.0\", but exports the strategy of 0.1.0",
            ),
            (surface(&["stratagem:strategy/spy@0.1.0"], &[strategy]), vec![], "which no plugin is given"),
            (surface(&[run], &["wasi:cli/run@0.2.0"]), vec![], "does not export"),
            (
                surface(&[run], &["stratagem:strategy/strategy@9.0.0"]),
                vec![],
                "exports \"stratagem:strategy/strategy@9.0.0\": this host runs 0.1.0 and 0.2.0",
            ),
        ];
        for (surface, asked, reason) in cases {
            let error = surface.check("p", &asked, &[], &granted, &lacks).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
