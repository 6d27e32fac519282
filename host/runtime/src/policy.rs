//! The operator's policy: which plugin is trusted how far, and what it is therefore granted.
//!
//! Pure: the binary reads it from `[policy]` in stratagem.toml. A plugin gets a capability that its plugin.toml
//! asks for *and* the policy allows; neither alone links anything.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use stratagem_domain::{Capability, Digest, Limits, LimitsOverlay, PluginIdentity, Trust, quote};

use crate::manifest::is_plain;
use crate::signature::{PublicKey, Signed};
use crate::{LoadError, Package};

/// `[policy]`, checked: every signer that it names is there, every folder has a place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Draft")]
pub struct Policy {
    pub require_signature: bool,
    trust: Levels,
    pub signers: BTreeMap<String, Signer>,
    pub plugins: BTreeMap<String, Entry>,
}

/// `[policy]` as it is written.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Draft {
    require_signature: bool,
    trust: Levels,
    signers: BTreeMap<String, Signer>,
    plugins: BTreeMap<String, Entry>,
}

/// `[policy.trust.LEVEL]`: what a level grants where nothing more exact does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Levels {
    untrusted: Level,
    reviewed: Level,
    builtin: Level,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Level {
    capabilities: Option<BTreeSet<Capability>>,
    /// Lower bounds than `[bounds]` for plugins of this level.
    bounds: LimitsOverlay,
}

/// `[policy.signers.NAME]`: whoever signs with this key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signer {
    pub key: PublicKey,
    #[serde(default)]
    pub trust: Trust,
    #[serde(default)]
    pub capabilities: Option<BTreeSet<Capability>>,
}

/// `[policy.plugins.NAME]`: one plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Entry {
    /// The only component that may run under this name.
    pub blake3: Option<Digest>,
    pub trust: Option<Trust>,
    pub capabilities: Option<BTreeSet<Capability>>,
    /// What the plugin calls a folder, and where it lies.
    pub folders: BTreeMap<String, PathBuf>,
    /// Who must have signed it.
    pub signer: Option<String>,
    /// Where what it keeps is found again, instead of under its own name: plugins with one domain share it.
    pub domain: Option<String>,
}

/// What a plugin is granted, and by which rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grants {
    pub trust: Trust,
    /// Who signed it, of the signers that the policy names.
    pub signer: Option<String>,
    pub capabilities: BTreeSet<Capability>,
    pub folders: BTreeMap<String, PathBuf>,
    /// Bounds of its trust level, beside the operator's own.
    pub bounds: LimitsOverlay,
    /// The table of the policy that decided on the capabilities.
    pub rule: String,
    pub home: Home,
}

/// Why a plugin's memory is its own: anybody may call a plugin anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Home {
    /// Nobody vouches for the name: it is the component's, to the byte.
    #[default]
    Component,
    /// The operator names it in the policy, or it came with the program.
    Name,
    /// Its signer vouches for the name.
    Signer(String),
    /// The domain that the operator chose.
    Domain(String),
}

impl Policy {
    /// Decides on a plugin that is called `name`. `builtin`: it came with the program, byte for byte.
    ///
    /// *Errors*: a signature that does not fit or is missing, a component that is not the pinned one.
    pub fn decide(&self, package: &Package, name: &str, builtin: bool) -> Result<Grants, LoadError> {
        let whose = self.signed(package)?;
        let entry = self.plugins.get(name).cloned().unwrap_or_default();
        if let Some(pinned) = entry.blake3
            && pinned != package.digest
        {
            return Err(LoadError::NotPinned { plugin: package.label(), found: package.digest, pinned });
        }
        let unsigned = |wanted: String| {
            let found = whose.to_string();
            Err(LoadError::Unsigned { plugin: package.label(), found, wanted })
        };
        match &entry.signer {
            Some(wanted) if whose.signer() != Some(wanted) => return unsigned(quote(wanted, 64)),
            None if self.require_signature && whose.signer().is_none() && !builtin => {
                return unsigned("a signer that the policy names".into());
            }
            _ => {}
        }
        let signer = whose.signer().and_then(|name| self.signers.get_key_value(name));
        let level = if builtin { Trust::Builtin } else { Trust::Untrusted };
        let trust =
            entry.trust.unwrap_or_else(|| level.max(signer.map_or(level, |(_, signer)| signer.trust)));
        // The most exact list holds: the plugin's, else its signer's, else its trust level's.
        let by_signer = || {
            let (name, signer) = signer?;
            Some((signer.capabilities.clone()?, format!("[policy.signers.{name}]")))
        };
        let by_level = || (self.level(trust), format!("[policy.trust.{}]", trust.as_str()));
        let (capabilities, rule) = match entry.capabilities {
            Some(list) => (list, format!("[policy.plugins.{name}]")),
            None => by_signer().unwrap_or_else(by_level),
        };
        let bounds = self.trust.of(trust).bounds.clone();
        let signer = signer.map(|(name, _)| name.clone());
        let home = match (&entry.domain, &signer) {
            (Some(domain), _) => Home::Domain(domain.clone()),
            _ if builtin || self.plugins.contains_key(name) => Home::Name,
            (None, Some(signer)) => Home::Signer(signer.clone()),
            (None, None) => Home::Component,
        };
        Ok(Grants { trust, signer, capabilities, folders: entry.folders, bounds, rule, home })
    }

    /// Whose the package is, of the signers that the policy names.
    pub fn signed(&self, package: &Package) -> Result<Signed, LoadError> {
        Signed::check(package, self.signers.iter().map(|(name, signer)| (name.as_str(), &signer.key)))
    }

    /// What a level grants: as written, else nothing to the untrusted, all that reaches nothing of the
    /// operator's to the reviewed, and all to what came with the program.
    fn level(&self, trust: Trust) -> BTreeSet<Capability> {
        self.trust.of(trust).capabilities.clone().unwrap_or_else(|| match trust {
            Trust::Untrusted => BTreeSet::new(),
            Trust::Reviewed => {
                [Capability::Stdio, Capability::Clock, Capability::Random, Capability::Process].into()
            }
            Trust::Builtin => Capability::ALL.into(),
        })
    }

    /// Names whose entry gives something to whatever plugin calls itself so.
    pub fn granted_by_name_alone(&self) -> Vec<&str> {
        let loose = |entry: &Entry| {
            let gives = entry.trust.is_some_and(|trust| trust > Trust::Untrusted)
                || entry.capabilities.as_ref().is_some_and(|list| !list.is_empty())
                || !entry.folders.is_empty()
                || entry.domain.is_some();
            gives && entry.blake3.is_none() && entry.signer.is_none()
        };
        self.plugins.iter().filter(|(_, entry)| loose(entry)).map(|(name, _)| name.as_str()).collect()
    }

    /// Makes the folders' places relative to `base`, the folder of the file that names them.
    pub fn resolve(&mut self, base: &Path) {
        for place in self.plugins.values_mut().flat_map(|entry| entry.folders.values_mut()) {
            *place = base.join(&*place);
        }
    }
}

impl Grants {
    pub fn allows(&self, capability: Capability) -> bool {
        self.capabilities.contains(&capability)
    }

    /// Where the plugin's memory lies; none where that is its name.
    pub fn domain(&self, plugin: &PluginIdentity) -> Option<String> {
        match &self.home {
            Home::Name => None,
            Home::Domain(domain) => Some(domain.clone()),
            // No name has these signs in it: no plugin can call itself so.
            Home::Signer(signer) => Some(format!("{signer}/{}", plugin.name)),
            Home::Component => Some(format!("{}@{}", plugin.name, plugin.digest.short())),
        }
    }

    /// The operator's bounds, lowered to those of the plugin's trust level.
    pub fn bounds(&self, operator: &Limits) -> Limits {
        operator.with(&self.bounds).clamped(operator)
    }
}

impl Levels {
    fn of(&self, trust: Trust) -> &Level {
        match trust {
            Trust::Untrusted => &self.untrusted,
            Trust::Reviewed => &self.reviewed,
            Trust::Builtin => &self.builtin,
        }
    }
}

impl TryFrom<Draft> for Policy {
    type Error = String;

    fn try_from(draft: Draft) -> Result<Self, String> {
        let Draft { require_signature, trust, signers, plugins } = draft;
        for (name, entry) in &plugins {
            if let Some(signer) = entry.signer.as_ref().filter(|signer| !signers.contains_key(*signer)) {
                let (name, signer) = (quote(name, 64), quote(signer, 64));
                return Err(format!(
                    "plugin {name} demands signer {signer}, who is not under [policy.signers]"
                ));
            }
            if let Some(domain) = entry.domain.as_ref().filter(|domain| !is_plain(domain, b'-')) {
                let (name, domain) = (quote(name, 64), quote(domain, 200));
                let rule = "1 to 64 lower-case letters, digits and '-'";
                return Err(format!("domain {domain} of plugin {name}: {rule}"));
            }
            if let Some(folder) = entry.folders.keys().find(|folder| !is_absolute(folder)) {
                let (name, folder) = (quote(name, 64), quote(folder, 200));
                return Err(format!(
                    "folder {folder} of plugin {name}: what the plugin calls it begins with \"/\""
                ));
            }
        }
        Ok(Self { require_signature, trust, signers, plugins })
    }
}

/// A path as a plugin names it: from the root, without parts that lead elsewhere.
fn is_absolute(path: &str) -> bool {
    path.strip_prefix('/')
        .is_some_and(|rest| rest.is_empty() || rest.split('/').all(|part| !matches!(part, "" | "." | "..")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::SecretKey;

    fn policy(text: &str) -> Policy {
        toml::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    fn refusal(text: &str) -> String {
        toml::from_str::<Policy>(text).unwrap_err().to_string()
    }

    fn package(component: &[u8]) -> Package {
        Package::from_bytes(None, component.to_vec(), Path::new("p.wasm")).unwrap()
    }

    fn names(grants: &Grants) -> Vec<&'static str> {
        grants.capabilities.iter().map(|capability| capability.as_str()).collect()
    }

    #[test]
    fn without_a_policy_only_what_is_shipped_is_granted_anything() {
        let decide = |builtin| Policy::default().decide(&package(b"a"), "a", builtin).unwrap();
        let stranger = decide(false);
        assert_eq!((stranger.trust, names(&stranger), stranger.rule.as_str()), {
            (Trust::Untrusted, vec![], "[policy.trust.untrusted]")
        });
        let shipped = decide(true);
        assert_eq!((shipped.trust, shipped.capabilities.len()), (Trust::Builtin, Capability::ALL.len()));
    }

    #[test]
    fn the_plugins_own_entry_wins_over_its_trust_level() {
        let policy = policy(
            "[trust.untrusted]\ncapabilities = [\"random\"]\n\
             [plugins.a]\ntrust = \"reviewed\"\n\
             [plugins.b]\ncapabilities = [\"files\"]\nfolders = { \"/data\" = \"priors\" }\n\
             [plugins.shipped]\ntrust = \"untrusted\"\n",
        );
        let decide = |name, builtin| policy.decide(&package(b"a"), name, builtin).unwrap();
        assert_eq!(names(&decide("other", false)), ["random"]);
        assert_eq!(names(&decide("a", false)), ["stdio", "clock", "random", "process"]);
        let grants = decide("b", false);
        assert_eq!((names(&grants), grants.rule.as_str()), (vec!["files"], "[policy.plugins.b]"));
        assert_eq!(grants.folders["/data"], Path::new("priors"));
        assert_eq!(decide("shipped", true).trust, Trust::Untrusted, "the operator's word wins");
        assert_eq!(policy.granted_by_name_alone(), ["a", "b"]);
    }

    #[test]
    fn a_signer_lends_trust_and_a_missing_one_is_refused() {
        let (file, public) = SecretKey::generate("").unwrap();
        let secret = SecretKey::open(&file, "").unwrap();
        let signers =
            format!("[signers.ann]\nkey = \"{public}\"\ntrust = \"reviewed\"\ncapabilities = [\"clock\"]\n");
        let signed = Package { signature: Some(secret.sign(&package(b"a")).unwrap()), ..package(b"a") };
        let demanding =
            policy(&format!("require_signature = true\n{signers}[plugins.b]\nsigner = \"ann\"\n"));
        let grants = demanding.decide(&signed, "a", false).unwrap();
        assert_eq!((grants.trust, names(&grants)), (Trust::Reviewed, vec!["clock"]));
        assert_eq!((grants.signer.as_deref(), grants.rule.as_str()), (Some("ann"), "[policy.signers.ann]"));
        demanding.decide(&signed, "b", false).unwrap();
        demanding.decide(&package(b"a"), "a", true).unwrap();
        let refused =
            |name, builtin| demanding.decide(&package(b"a"), name, builtin).unwrap_err().to_string();
        let words = "plugin \"p.wasm\" is signed by nobody, the policy demands ";
        assert_eq!(refused("a", false), format!("{words}a signer that the policy names"));
        assert_eq!(refused("b", true), format!("{words}\"ann\""), "shipped or not");
        let stranger =
            policy("require_signature = true").decide(&signed, "a", false).unwrap_err().to_string();
        assert!(stranger.contains(&format!("signed by unknown key {}", public.id())), "{stranger}");
        assert_eq!(Policy::default().decide(&signed, "a", false).unwrap().trust, Trust::Untrusted);
    }

    #[test]
    fn a_pin_is_exact() {
        let digest = package(b"a").digest;
        let policy = policy(&format!("[plugins.a]\nblake3 = \"{digest}\"\ntrust = \"reviewed\"\n"));
        assert!(policy.decide(&package(b"a"), "a", false).is_ok());
        assert!(policy.granted_by_name_alone().is_empty());
        let error = policy.decide(&package(b"b"), "a", false).unwrap_err().to_string();
        assert!(error.contains(&format!("the policy pins {digest}")), "{error}");
    }

    /// Memory follows who vouches for a name: an impostor reaches none of it.
    #[test]
    fn a_plugins_memory_is_its_own_by_who_vouches_for_its_name() {
        let (file, public) = SecretKey::generate("").unwrap();
        let secret = SecretKey::open(&file, "").unwrap();
        let policy = policy(&format!(
            "[signers.ann]\nkey = \"{public}\"\n[plugins.known]\n[plugins.a]\ndomain = \"shared\"\n[plugins.b]\ndomain = \"shared\"\n"
        ));
        let domain = |name: &str, package: &Package, builtin: bool| {
            let (version, kind) = ("1.0.0".to_owned(), "search".to_owned());
            let plugin = PluginIdentity { name: name.to_owned(), version, kind, digest: package.digest };
            policy.decide(package, name, builtin).unwrap().domain(&plugin)
        };
        let plain = package(b"one");
        let nobody = domain("mirror", &plain, false).unwrap();
        assert_eq!(nobody, format!("mirror@{}", plain.digest.short()));
        assert_ne!(
            domain("mirror", &package(b"two"), false).unwrap(),
            nobody,
            "another component of that name"
        );
        assert_eq!(domain("known", &plain, false), None);
        assert_eq!(domain("mirror", &plain, true), None);
        assert_eq!(domain("a", &plain, false), domain("b", &package(b"two"), false));
        assert_eq!(domain("a", &plain, false).unwrap(), "shared");
        let mut signed = package(b"one");
        signed.signature = Some(secret.sign(&signed).unwrap());
        assert_eq!(domain("mirror", &signed, false).unwrap(), "ann/mirror");
        assert_eq!(policy.granted_by_name_alone(), ["a", "b"]);
    }

    #[test]
    fn a_levels_bounds_only_lower() {
        let policy = policy("[trust.untrusted.bounds]\nfuel = 5\nmemory_mb = 999_999\n");
        let bounds = policy.decide(&package(b"a"), "a", false).unwrap().bounds(&Limits::bounds());
        assert_eq!((bounds.fuel, bounds.memory_mb), (5, Limits::bounds().memory_mb));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, words) in [
            ("colour = 1", "unknown field `colour`"),
            ("[trust.friend]", "unknown field `friend`"),
            ("[plugins.a]\ncapabilities = [\"network\"]", "unknown variant `network`"),
            ("[plugins.a]\nsigner = \"ann\"", "demands signer \"ann\", who is not under [policy.signers]"),
            ("[plugins.a]\nfolders = { data = \"x\" }", "folder \"data\" of plugin \"a\""),
            ("[plugins.a]\nfolders = { \"/a/../b\" = \"x\" }", "folder \"/a/../b\""),
            ("[plugins.a]\ndomain = \"b@c\"", "domain \"b@c\" of plugin \"a\""),
            ("[signers.ann]\nkey = \"RW\"", "a public key has 56 letters"),
            ("[signers.ann]\ntrust = \"reviewed\"", "missing field `key`"),
        ] {
            let error = refusal(text);
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
