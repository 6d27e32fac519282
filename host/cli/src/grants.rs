//! What `plugin inspect` says of trust: who signed, what is asked, granted, imported, and what is missing.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;
use stratagem_domain::{Capability, Trust, quote};
use stratagem_runtime::{Grants, Package, Signed, Surface};

use crate::failure::Failure;
use crate::output::outln;
use crate::paint;
use crate::workbench::Workbench;

/// Trust and capabilities of one plugin.
#[derive(Serialize)]
pub struct Report {
    trust: Trust,
    signed: Signed,
    /// The table of the policy that decided on the capabilities.
    rule: String,
    /// Nothing but its name earns the plugin what it is granted.
    granted_by_name_alone: bool,
    /// Those that it asks for or imports.
    capabilities: Vec<Line>,
    folders: BTreeMap<String, PathBuf>,
}

/// One capability; it is linked where all three are true and this host backs it.
#[derive(Serialize)]
struct Line {
    name: Capability,
    asked: bool,
    optional: bool,
    granted: bool,
    imported: bool,
    backed: bool,
}

impl Report {
    /// *Errors*: as the plugin's refusal: a signature that does not fit or is missing, another component than pinned.
    pub fn new(bench: &Workbench, package: &Package, surface: &Surface) -> Result<Self, Failure> {
        let Grants { trust, capabilities: granted, folders, rule, .. } = bench.grants(package)?;
        let policy = &bench.config.policy;
        let name = package.manifest.as_ref().map(|manifest| manifest.name.as_str()).unwrap_or_default();
        let asked = package.manifest.as_ref().map_or(&[][..], |manifest| &manifest.capabilities);
        let optional = package.manifest.as_ref().map_or(&[][..], |manifest| &manifest.optional);
        let imported = surface.capabilities();
        let concerned = |capability: &Capability| {
            asked.contains(capability) || optional.contains(capability) || imported.contains(capability)
        };
        let lacks = bench.lacks();
        let line = |name: Capability| Line {
            name,
            asked: asked.contains(&name) || optional.contains(&name),
            optional: optional.contains(&name),
            granted: granted.contains(&name),
            imported: imported.contains(&name),
            backed: !lacks.contains_key(&name),
        };
        Ok(Self {
            trust,
            signed: policy.signed(package)?,
            rule,
            granted_by_name_alone: policy.granted_by_name_alone().contains(&name),
            capabilities: Capability::ALL.into_iter().filter(concerned).map(line).collect(),
            folders: if granted.contains(&Capability::Files) { folders } else { BTreeMap::new() },
        })
    }

    pub fn print(&self, plugin: &str) {
        let field = |name: &str, value: &str| outln!("  {name:<12}{value}");
        let alone = if self.granted_by_name_alone {
            ", by its name alone: pin it with `blake3` or `signer`"
        } else {
            ""
        };
        field("trust", &format!("{}{alone}", self.trust.as_str()));
        field("signed by", &self.signed.to_string());
        for line in &self.capabilities {
            let name = line.name.as_str();
            let state = match line {
                Line { optional: true, granted, backed, .. } if !(*granted && *backed) => {
                    format!("not granted by {}: the plugin does without", self.rule)
                }
                Line { backed: false, .. } => paint::bad("not backed by this host"),
                Line { asked: false, .. } => {
                    format!(
                        "{}: add it to `capabilities` in plugin.toml",
                        paint::bad("imported and not asked for")
                    )
                }
                Line { granted: false, .. } => format!(
                    "{} by {}: add it to `capabilities` under [policy.plugins.{plugin}]",
                    paint::bad("not granted"),
                    self.rule
                ),
                Line { imported: false, .. } => format!("granted by {}, not used", self.rule),
                _ => format!("{} by {}", paint::good("granted"), self.rule),
            };
            field("capability", &format!("{name}: {state}"));
        }
        for (name, place) in &self.folders {
            field("folder", &format!("{} is {}, read-only", quote(name, 200), place.display()));
        }
    }
}
