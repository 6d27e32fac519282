use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use directories::ProjectDirs;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use stratagem_domain::{Limits, LimitsOverlay, Settings, escape, grouped};
use stratagem_llm::LlmSettings;
use stratagem_runtime::{CompileLimits, Policy};
use stratagem_store::{CopyOptions, Quotas, Role};
use stratagem_ttt::launch::Missing;
use stratagem_ttt::launch::setting::{Chosen, Setting};
use stratagem_ttt::lent::Trainer;

use crate::args::Global;
use crate::failure::Failure;

/// `stratagem.toml`. Every key may be left out; docs/configuration.md says what each means.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    data_dir: Option<PathBuf>,
    #[serde(deserialize_with = "path_or_table")]
    pub database: Database,
    cache: Option<PathBuf>,
    plugins: Vec<PathBuf>,
    pub strategies: Vec<String>,
    pub seed: u64,
    pub jobs: Option<usize>,
    pub isolate: bool,
    pub limits: LimitsOverlay,
    pub compile: CompileLimits,
    pub policy: Policy,
    pub llm: Option<LlmSettings>,
    pub ttt: TttSettings,
    pub memory: Quotas,
    bounds: LimitsOverlay,
    pub settings: BTreeMap<String, Settings>,
    pub copies: CopyOptions,
    pub portfolio: PortfolioSettings,
    pub encryption: Encryption,
    /// The file it was read from; none where there is none.
    #[serde(skip)]
    pub file: Option<PathBuf>,
}

/// `[database]`, or `database = "PATH"` for its path alone.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Database {
    path: Option<PathBuf>,
    /// Who is at the door.
    pub user: Option<String>,
    /// Lowers what the user may do.
    pub role: Option<Role>,
}

/// By hand, so that an unknown key is refused by its name.
fn path_or_table<'de, D: Deserializer<'de>>(found: D) -> Result<Database, D::Error> {
    struct Either;

    impl<'de> Visitor<'de> for Either {
        type Value = Database;

        fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
            text.write_str("a path or a table")
        }

        fn visit_str<E>(self, path: &str) -> Result<Database, E> {
            Ok(Database { path: Some(path.into()), ..Database::default() })
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Database, A::Error> {
            Database::deserialize(MapAccessDeserializer::new(map))
        }
    }

    found.deserialize_any(Either)
}

/// `[portfolio]`: how strategies share a task under `--strategy auto`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PortfolioSettings {
    /// By name; those that are not there are left out.
    pub members: Vec<String>,
    /// The tasks whose stored runs it learns from.
    pub learn_from: String,
    /// Fuel of a task, for all members together.
    pub fuel: u64,
    /// The confidence beyond which no other member is asked, 0 to 1.
    pub sure: f64,
}

impl Default for PortfolioSettings {
    fn default() -> Self {
        let members = ["synthesis", "evolution", "imitation"].map(ToOwned::to_owned).to_vec();
        let learn_from = crate::portfolio::LEARNED_FROM.to_owned();
        let (fuel, sure) = (stratagem_solve::Portfolio::FUEL, stratagem_solve::Portfolio::SURE);
        Self { members, learn_from, fuel, sure }
    }
}

/// `[ttt]`: what trains at test time.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TttSettings {
    #[serde(deserialize_with = "device")]
    pub device: Setting,
    /// MiB that the adaptations of all runs hold together; none for what is usual.
    memory_mb: Option<u64>,
}

fn device<'de, D: Deserializer<'de>>(found: D) -> Result<Setting, D::Error> {
    String::deserialize(found)?.parse().map_err(serde::de::Error::custom)
}

/// What trains for the runs of this process.
pub struct Training {
    pub trainer: Trainer,
    /// In words.
    pub on: String,
    /// Why it is not a device, where one was looked for.
    pub instead: Option<Missing>,
}

impl TttSettings {
    /// What a processor's trainings hold together where nobody says.
    const PROCESSOR_MB: u64 = 4_096;
    /// Trainings that share a device at a time: their graphs fill one another's gaps.
    const DEVICE_AT_ONCE: usize = 4;

    /// Readies the device, or as many trainings at once as there are cores.
    ///
    /// *Errors*: the operator's: the device that is named is not there, or not to be used.
    pub fn training(&self) -> Result<Training, Missing> {
        let bytes = |usual: u64| self.memory_mb.map_or(usual, |mb| mb.saturating_mul(1 << 20));
        let told = |what: &str, bytes: u64| format!("{what}, {} MiB", grouped(bytes >> 20));
        match self.device.choose()? {
            Chosen::Device(cuda) => {
                let about = cuda.description()?;
                // Others use the device too.
                let bytes = bytes(about.memory_free_bytes / 10 * 9);
                let what = format!("on {about}");
                let trainer = Trainer::on(Arc::new(cuda), about.name, Self::DEVICE_AT_ONCE, bytes);
                Ok(Training { trainer, on: told(&what, bytes), instead: None })
            }
            Chosen::Processor(instead) => {
                let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
                let bytes = bytes(Self::PROCESSOR_MB << 20);
                let on = told(&format!("on the processor, {cores} at once"), bytes);
                Ok(Training { trainer: Trainer::new(cores, bytes), on, instead })
            }
        }
    }
}

/// `[encryption]`: where the database's key lies; the environment's wins.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Encryption {
    pub key_file: Option<PathBuf>,
}

/// Where everything of one installation lies.
#[derive(Debug)]
pub struct Places {
    pub data: PathBuf,
    pub database: PathBuf,
    pub cache: PathBuf,
    /// Folders of plugins, searched in order.
    pub plugins: Vec<PathBuf>,
}

const FILE: &str = "stratagem.toml";
/// What a 32-bit memory can hold.
const MAX_MEMORY_MB: u64 = 4_096;

/// Tells a plugin's path from its name.
pub fn is_path(strategy: &str) -> bool {
    let end = Path::new(strategy).extension();
    strategy.contains(['/', '\\']) || end.is_some_and(|end| end == "wasm" || end == "toml")
}

impl Config {
    /// Reads the file that was named, or the one here, or the one in the platform's folder.
    pub fn read(global: &Global) -> Result<Self, Failure> {
        let usual = || {
            let platform = project_dirs().map(|dirs| dirs.config_dir().join(FILE));
            [Some(PathBuf::from(FILE)), platform].into_iter().flatten().find(|file| file.is_file())
        };
        let Some(file) = global.config.clone().or_else(usual) else { return Ok(Self::default()) };
        let text = fs::read_to_string(&file).map_err(|error| {
            Failure::misuse(format!("{}: {error}", file.display())).hint("name a settings file that exists")
        })?;
        let mut config = Self::parse(&text, &file)?;
        let base = file.parent().unwrap_or(Path::new("")).to_owned();
        for strategy in &mut config.strategies {
            if is_path(strategy) {
                *strategy = base.join(&*strategy).to_string_lossy().into_owned();
            }
        }
        config.policy.resolve(&base);
        if let Some(llm) = &mut config.llm {
            llm.resolve(&base);
        }
        if let Some(file) = &mut config.encryption.key_file {
            *file = base.join(&*file);
        }
        let bounds = config.bounds();
        for (name, asked, most, hint) in [
            ("memory_mb", bounds.memory_mb, MAX_MEMORY_MB, "a WebAssembly memory has 32-bit addresses"),
            ("stack_kb", bounds.stack_kb, Limits::MAX_STACK_KB, "the threads that run plugins have no more"),
        ] {
            if !(1..=most).contains(&asked) {
                let (asked, most) = (grouped(asked), grouped(most));
                let message = format!("{}: bound `{name}` is {asked}: 1 to {most}", file.display());
                return Err(Failure::misuse(message).hint(hint));
            }
        }
        config.file = Some(file);
        Ok(config)
    }

    fn parse(text: &str, file: &Path) -> Result<Self, Failure> {
        toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
            Failure::misuse(format!("{}: line {line}: {}", file.display(), escape(error.message(), 400)))
                .hint("every key is described in docs/configuration.md")
        })
    }

    pub fn bounds(&self) -> Limits {
        Limits::bounds().with(&self.bounds)
    }

    /// Paths in the file are relative to it; flags win.
    pub fn places(&self, global: &Global) -> Result<Places, Failure> {
        let base = self.file.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
        let named = |path: &Option<PathBuf>| path.as_ref().map(|path| base.join(path));
        let usual = || project_dirs().map(|dirs| dirs.data_dir().to_owned());
        let data =
            global.data_dir.clone().or_else(|| named(&self.data_dir)).or_else(usual).ok_or_else(|| {
                Failure::new("no home folder, so no place for data").hint("name one with --data-dir")
            })?;
        let chosen = global.data_dir.is_some();
        let place = |path: &Option<PathBuf>, name: &str| match named(path) {
            Some(path) if !chosen => path,
            _ => data.join(name),
        };
        let mut plugins: Vec<PathBuf> = self.plugins.iter().map(|folder| base.join(folder)).collect();
        plugins.push(data.join("plugins"));
        plugins.extend(beside_program());
        Ok(Places {
            database: place(&self.database.path, "stratagem.db"),
            cache: place(&self.cache, "compiled"),
            plugins,
            data,
        })
    }
}

impl Places {
    /// Where plugins that are built here go; `--strategy` looks there before it looks beside the program.
    pub fn built(&self) -> PathBuf {
        self.data.join("plugins")
    }
}

/// The folder of the plugins that come with the program.
pub fn beside_program() -> Option<PathBuf> {
    Some(std::env::current_exe().ok()?.parent()?.join("plugins"))
}

fn project_dirs() -> Option<ProjectDirs> {
    ProjectDirs::from("", "", "stratagem")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_are_refused_by_name_and_place() {
        let error = Config::parse("seed = 1\n[limits]\nfuell = 2\n", Path::new("s.toml")).unwrap_err();
        let text = format!("{error:?}");
        assert!(text.contains("s.toml: line 3") && text.contains("fuell"), "{text}");
        assert_eq!(error.status, 2);
        let error = Config::parse("seed = 1\ncolour = 2\n", Path::new("s.toml")).unwrap_err();
        assert!(error.to_string().starts_with("s.toml: line 2: "), "{error}");
    }

    /// The keys of the documentation are those of the program, with their defaults.
    #[test]
    fn the_documentation_names_every_key() {
        let text = include_str!("../../../docs/limits.md");
        for key in Limits::KEYS {
            let row = format!("| `{}` | {} | {} |", key.name, grouped(key.default), grouped(key.bound));
            assert!(text.contains(&row), "docs/limits.md lacks {row}");
        }
        let text = include_str!("../../../docs/configuration.md");
        for key in [
            "data_dir",
            "database",
            "database.path",
            "database.user",
            "database.role",
            "cache",
            "plugins",
            "strategies",
            "seed",
            "jobs",
            "isolate",
            "limits",
            "compile",
            "ttt",
            "policy",
            "policy.trust.untrusted",
            "policy.signers.NAME",
            "policy.plugins.NAME",
            "memory",
            "bounds",
            "llm",
            "settings",
            "copies",
            "encryption",
        ] {
            assert!(text.contains(&format!("`{key}`")) || text.contains(&format!("`[{key}")), "{key}");
        }
        let example = text.split("```toml").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        Config::parse(example, Path::new("example")).unwrap();
    }
}
