use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use stratagem_domain::{Capability, Digest, LimitsOverlay, escape, quote};

/// `plugin.toml`: what a plugin is, what it asks for, and which component it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub name: String,
    pub version: semver::Version,
    /// `ttt`, `program_synthesis`, `evolution`, `imitation` or a new kind.
    pub kind: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// The component's file beside the manifest.
    #[serde(default = "default_component")]
    pub component: String,
    /// Of the component's bytes; packing sets it. A source folder has none yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blake3: Option<Digest>,
    /// What it asks for beyond `run`; the operator's policy grants it or does not.
    #[serde(default)]
    pub capabilities: Vec<Capability>,
    /// What it uses where it is granted and backed, and does without where it is not; interfaces of the contract alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub optional: Vec<Capability>,
    /// What the plugin runs with where nobody says otherwise.
    #[serde(default)]
    pub limits: LimitsOverlay,
}

/// Why a `plugin.toml` cannot be used: its author's fault.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", .path.display())]
pub struct ManifestError {
    pub path: PathBuf,
    pub reason: String,
    hint: Option<&'static str>,
}

impl ManifestError {
    pub fn hint(&self) -> Option<String> {
        self.hint.map(str::to_owned)
    }
}

/// What names and kinds are made of: 1 to 64 lower-case letters, digits and one more.
pub fn is_plain(text: &str, extra: u8) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == extra;
    (1..=64).contains(&text.len()) && text.bytes().all(plain)
}

fn default_component() -> String {
    Manifest::COMPONENT.to_owned()
}

impl Manifest {
    pub const FILE: &'static str = "plugin.toml";
    pub const COMPONENT: &'static str = "component.wasm";

    /// Reads and checks a manifest; `path` is only named in errors.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ManifestError> {
        let fail = |reason: String, hint| ManifestError { path: path.to_owned(), reason, hint };
        let manifest: Self = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
            let hint = "keys: name, version, kind, summary, component, blake3, capabilities (stdio, clock, random, files, process, memory, artifacts, ttt, llm), optional (memory, artifacts, ttt, llm), [limits]";
            fail(format!("line {line}: {}", escape(error.message(), 400)), Some(hint))
        })?;
        if !is_plain(&manifest.name, b'-') {
            let hint = "a name has 1 to 64 lower-case letters, digits and '-'";
            return Err(fail(format!("name {} is not usable", quote(&manifest.name, 80)), Some(hint)));
        }
        if !is_plain(&manifest.kind, b'_') {
            let hint = "ttt, program_synthesis, evolution, imitation, or a kind of your own in lower case";
            return Err(fail(format!("kind {} is not usable", quote(&manifest.kind, 80)), Some(hint)));
        }
        if let Some(wasi) = manifest.optional.iter().find(|capability| capability.is_wasi()) {
            let hint = "memory, artifacts, ttt or llm: nothing of WASI can be refused call by call";
            return Err(fail(format!("`{}` cannot be optional", wasi.as_str()), Some(hint)));
        }
        let file = Path::new(&manifest.component);
        if file.file_name().is_none_or(|name| name != file.as_os_str()) {
            let reason = format!("component {} is not a plain file name", quote(&manifest.component, 80));
            return Err(fail(reason, Some("the component lies beside plugin.toml")));
        }
        Ok(manifest)
    }

    pub fn to_toml(&self) -> String {
        toml::to_string(self).unwrap_or_else(|error| unreachable!("a manifest is always TOML: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "name = \"mirror-fill\"\nversion = \"1.2.0\"\nkind = \"program_synthesis\"\n";

    fn reason(text: &str) -> String {
        Manifest::parse(text, Path::new("p/plugin.toml")).unwrap_err().to_string()
    }

    #[test]
    fn a_manifest_crosses_toml_unchanged() {
        let text = format!("{GOOD}capabilities = [\"ttt\"]\n[limits]\nfuel = 5\n");
        let manifest = Manifest::parse(&text, Path::new("plugin.toml")).unwrap();
        assert_eq!(manifest.capabilities, [Capability::Ttt]);
        assert_eq!(manifest.limits.fuel, Some(5));
        assert_eq!(Manifest::parse(&manifest.to_toml(), Path::new("plugin.toml")).unwrap(), manifest);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let unknown = reason(&format!("{GOOD}capabilities = [\"network\"]\n"));
        assert!(unknown.starts_with("p/plugin.toml: line 4: unknown variant `network`"), "{unknown}");
        assert!(reason(&format!("{GOOD}colour = 1\n")).contains("unknown field `colour`"));
        assert!(reason(&format!("{GOOD}[limits]\nfuell = 1\n")).contains("unknown field `fuell`"));
        assert!(reason("name = \"a\"\n").contains("missing field"));
        assert!(reason(&GOOD.replace("mirror-fill", "../up")).contains("name \"../up\" is not usable"));
        assert!(reason(&GOOD.replace("1.2.0", "one")).contains("version"));
        assert!(reason(&format!("{GOOD}component = \"../x.wasm\"\n")).contains("not a plain file name"));
        assert!(reason(&format!("{GOOD}optional = [\"clock\"]\n")).contains("`clock` cannot be optional"));
        assert!(reason(&format!("{GOOD}blake3 = \"12\"\n")).contains("64 hexadecimal digits"));
    }
}
