//! A folder of `tests/guests/hostile`: what its plugin tries, and how that must end.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use stratagem_domain::{LimitsOverlay, Outcome, Refusal};
use stratagem_runtime::{CompileLimits, Policy};

use crate::cache::Tampering;
use crate::generate;

/// One hostile plugin: `case.toml` beside its source. The folder's name says what is tried.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    #[serde(skip)]
    pub name: String,
    #[serde(skip)]
    folder: PathBuf,
    /// In a few words: an attempt at what.
    pub tries: String,
    pub outcome: Outcome,
    /// Why it was not started, where it is refused.
    pub cause: Option<Refusal>,
    /// Text that the ending's words contain.
    pub reason: Option<String>,
    #[serde(default)]
    pub source: Source,
    /// `plugin.toml` where it is not the plain one; `none` for a bare component.
    manifest: Option<String>,
    #[serde(default)]
    pub task: TaskSize,
    /// Its `learn` is called in the place of `solve`.
    #[serde(default)]
    pub learns: bool,
    /// A case that runs just before in the same slot of the sandbox.
    pub after: Option<String>,
    /// What lies in the place of the component's signature.
    pub signature: Option<Signature>,
    /// The operator's policy; folders lie beside the corpus's own.
    #[serde(default)]
    pub policy: Policy,
    /// What is done to the compiled code before the plugin is loaded.
    pub cache: Option<Tampering>,
    pub compile: Option<CompileLimits>,
    /// The operator's bounds where they are not the usual ones.
    pub bounds: Option<LimitsOverlay>,
    /// Text that the stored answers, steps or log contain.
    #[serde(default)]
    pub says: Vec<String>,
    #[serde(default)]
    pub limits: LimitsOverlay,
    /// All limits that the stored row names as reached.
    #[serde(default)]
    pub hits: BTreeSet<String>,
    /// What is measured of the stored row, by name.
    #[serde(default)]
    pub row: BTreeMap<String, Span>,
}

/// Where the component comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// `guest.wat`: a component, or what goes into `prelude.wat`.
    #[default]
    Text,
    /// Made by the function of the case's name: too large to keep, or no text at all.
    Generated,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaskSize {
    #[default]
    Small,
    /// As large as a task may be.
    Large,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signature {
    /// Made for another plugin, by a signer whom the policy trusts.
    Replayed,
    OfNoise,
    WithoutEnd,
}

/// A number, or from one to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Span {
    Exactly(u64),
    Between([u64; 2]),
}

impl Span {
    pub fn contains(self, value: u64) -> bool {
        match self {
            Self::Exactly(wanted) => value == wanted,
            Self::Between([least, most]) => (least..=most).contains(&value),
        }
    }
}

impl std::fmt::Display for Span {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exactly(wanted) => write!(out, "{wanted}"),
            Self::Between([least, most]) => write!(out, "{least} to {most}"),
        }
    }
}

/// What a case's plugin lies as on disk.
pub enum Component {
    Bytes(Vec<u8>),
    /// A file of so many zeros, which takes no room.
    Sparse(u64),
    Link(&'static str),
    Pipe,
}

impl Case {
    /// Reads every case, by name.
    ///
    /// *Errors*: a folder without a case, a case with keys that nothing reads, a source that is not there,
    /// a generator that no case names: nothing of the corpus lies idle.
    pub fn read_all(corpus: &Path) -> Result<Vec<Self>, String> {
        let mut folders: Vec<PathBuf> = fs::read_dir(corpus)
            .map_err(|error| format!("{}: {error}", corpus.display()))?
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.is_dir())
            .collect();
        folders.sort();
        let cases = folders.into_iter().map(Self::read).collect::<Result<Vec<_>, _>>()?;
        let named = |name: &str| cases.iter().find(|case| case.name == name);
        for case in &cases {
            if let Some(before) = &case.after
                && named(before).is_none_or(|before| before.after.is_some())
            {
                return Err(format!("{}: there is no case {before} to run before it", case.name));
            }
        }
        for (name, _) in generate::GENERATORS {
            if named(name).is_none_or(|case| case.source != Source::Generated) {
                return Err(format!("generate.rs makes {name}, which no case asks for"));
            }
        }
        for tampering in Tampering::ALL {
            if !cases.iter().any(|case| case.cache == Some(tampering)) {
                return Err(format!("cache.rs can do {tampering:?}, which no case asks for"));
            }
        }
        Ok(cases)
    }

    fn read(folder: PathBuf) -> Result<Self, String> {
        let file = folder.join("case.toml");
        let fail = |error: String| format!("{}: {error}", file.display());
        let text = fs::read_to_string(&file).map_err(|error| fail(error.to_string()))?;
        let mut case: Self = toml::from_str(&text).map_err(|error| fail(error.to_string()))?;
        case.name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        case.folder = folder;
        let text = case.folder.join("guest.wat").is_file();
        match case.source {
            Source::Text if !text => Err(fail("there is no guest.wat beside it".into())),
            Source::Generated if text => {
                Err(fail("guest.wat is read by nobody: the source is generated".into()))
            }
            Source::Generated if generate::find(&case.name).is_none() => {
                Err(fail(format!("generate.rs does not make {}", case.name)))
            }
            _ => Ok(case),
        }
    }

    pub fn component(&self, prelude: &str) -> Result<Component, String> {
        if self.source == Source::Generated {
            let make = generate::find(&self.name).ok_or("there is no generator")?;
            return Ok(make());
        }
        let file = self.folder.join("guest.wat");
        let guest = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let text = if guest.contains("(component\n") || guest.starts_with("(component ") {
            guest
        } else {
            assemble(prelude, &guest, &self.name)
        };
        wat::parse_str(&text).map(Component::Bytes).map_err(|error| format!("{}: {error}", file.display()))
    }

    /// The text of `plugin.toml`; none where there is none.
    pub fn manifest(&self) -> Option<String> {
        let Self { name, manifest, .. } = self;
        match manifest.as_deref() {
            Some("none") => None,
            Some(text) => Some(text.replace("LONG", &"x".repeat(70_000))),
            None => Some(format!("name = \"{name}\"\nversion = \"0.1.0\"\nkind = \"hostile\"\n")),
        }
    }

    /// True where the plugin needs a sandbox of its own: other limits of the compiler, another cache, one slot.
    pub fn stands_alone(&self) -> bool {
        self.after.is_some() || self.cache.is_some() || self.compile.is_some() || self.bounds.is_some()
    }
}

/// Puts a guest's sections into the prelude, as its head says.
fn assemble(prelude: &str, guest: &str, name: &str) -> String {
    let mut sections: BTreeMap<&str, String> = BTreeMap::new();
    let mut section = "guest";
    for line in guest.lines() {
        if let Some(next) = line.trim().strip_prefix(";;; ") {
            section = next;
        } else {
            let text = sections.entry(section).or_default();
            text.push_str(line);
            text.push('\n');
        }
    }
    let mut text = String::new();
    let mut skipping = false;
    for line in prelude.lines() {
        let told = line.trim();
        if let Some(owned) = told.strip_prefix(";; unless ") {
            skipping = guest.contains(owned);
        } else if told == ";; end" {
            skipping = false;
        } else if let Some(section) = told.strip_prefix(";;; ") {
            text.push_str(sections.get(section).map_or("", String::as_str));
        } else if !skipping && !told.starts_with(";;") {
            text.push_str(line);
            text.push('\n');
        }
    }
    text.replace("NAME_BYTES", &name.len().to_string()).replace("NAME", name)
}
