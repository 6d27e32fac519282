use std::collections::BTreeMap;
use std::path::PathBuf;

use stratagem_domain::{Capability, LabelledTask, Limits, LimitsOverlay, quote};
use stratagem_runtime::{
    CompilerProcess, Grants, LoadedStrategy, Manifest, Package, Sandbox, SandboxConfig, WorkerProcess,
};
use stratagem_store::{Key, Papers, Store, StoreOptions};

use crate::args::Global;
use crate::config::{Config, Places, is_path};
use crate::failure::Failure;
use crate::lender;
use crate::trust::Found;

/// Each job is a thread, and a slot of the sandbox's pool with its address space.
const MAX_JOBS: usize = 256;

/// Settings and places, from which every command takes the backends that it needs.
pub struct Workbench {
    pub config: Config,
    pub places: Places,
    /// Who is at the database's door.
    pub door: StoreOptions,
}

impl Workbench {
    pub fn new(global: &Global) -> Result<Self, Failure> {
        let config = Config::read(global)?;
        let places = config.places(global)?;
        let user = global.door.clone().or_else(|| config.database.user.clone());
        let door = StoreOptions { user, role: config.database.role, ..StoreOptions::default() };
        Ok(Self { config, places, door })
    }

    /// The database, made where there is none.
    pub fn store(&self) -> Result<Store, Failure> {
        Ok(Store::open_with(&self.places.database, &self.options()?)?)
    }

    /// The database, refused where there is none.
    pub fn existing_store(&self) -> Result<Store, Failure> {
        Ok(Store::open_existing_with(&self.places.database, &self.options()?)?)
    }

    /// How the database is opened: with the environment's key, else the one in the file that the settings name.
    pub fn options(&self) -> Result<StoreOptions, Failure> {
        let key = match (Key::from_environment()?, &self.config.encryption.key_file) {
            (None, Some(file)) => Some(Key::from_file(file)?),
            (key, _) => key,
        };
        Ok(StoreOptions {
            key,
            copies: self.config.copies.clone(),
            quotas: self.config.memory.clone(),
            ..self.door.clone()
        })
    }

    pub fn sandbox(&self, jobs: usize) -> Result<Sandbox, Failure> {
        self.sandbox_for(jobs, false)
    }

    /// A sandbox that runs plugins in workers where a flag or the settings say so, else in this process.
    pub fn sandbox_for(&self, jobs: usize, isolate: bool) -> Result<Sandbox, Failure> {
        let slots = u32::try_from(jobs).unwrap_or(u32::MAX);
        let cache = Some(self.places.cache.clone());
        let bounds = self.config.bounds();
        let program =
            std::env::current_exe().map_err(|error| Failure::new(format!("this program: {error}")))?;
        let isolate = isolate || self.config.isolate;
        let worker = isolate.then(|| WorkerProcess { program: program.clone(), args: vec!["worker".into()] });
        let compiler =
            Some(CompilerProcess { program, args: vec!["compile".into()], limits: self.config.compile });
        let lacks = self.lacks();
        let config =
            SandboxConfig { cache, slots, bounds, compiler, worker, lacks, ..SandboxConfig::default() };
        let sandbox = Sandbox::new(&config)?;
        if let Some(found) = sandbox.confinement.as_ref().filter(|found| found.landlock.is_none()) {
            eprintln!("warning: plugins are isolated with less than there could be: {found}");
        }
        Ok(sandbox)
    }

    /// What of the contract is not backed here, each with what to do about it.
    pub fn lacks(&self) -> BTreeMap<Capability, String> {
        lender::lacks(self.config.llm.is_some())
    }

    /// How many tasks at the same time: as asked, else one a processor.
    pub fn jobs(&self, asked: Option<usize>) -> Result<usize, Failure> {
        let usual = || std::thread::available_parallelism().map_or(1, usize::from);
        match asked.or(self.config.jobs).unwrap_or_else(usual) {
            jobs @ 1..=MAX_JOBS => Ok(jobs),
            jobs => {
                Err(Failure::misuse(format!("{jobs} jobs: 1 to {MAX_JOBS}")).hint("one a processor is best"))
            }
        }
    }

    /// Finds and reads a plugin.
    pub fn package(&self, name: &str) -> Result<Package, Failure> {
        Ok(self.find(name)?.package()?)
    }

    /// Finds a plugin: a path where it looks like one, else a name in the plugin folders, else among those that
    /// were added; NAME@BLAKE3 is exact.
    pub fn find(&self, name: &str) -> Result<Found, Failure> {
        if is_path(name) {
            return Ok(Found::At(PathBuf::from(name)));
        }
        if let Some((name, pin)) = name.split_once('@') {
            return self.find_pinned(name, pin);
        }
        let found = self.places.plugins.iter().map(|folder| folder.join(name));
        if let Some(folder) = found.into_iter().find(|folder| folder.join(Manifest::FILE).is_file()) {
            return Ok(Found::At(folder));
        }
        let added = self.added()?;
        if let Some(plugin) = added.iter().find(|plugin| plugin.identity.name == name) {
            return self.find_added(plugin);
        }
        let mut known = self
            .plugin_folders()
            .iter()
            .filter_map(|folder| Some(folder.file_name()?.to_string_lossy().into_owned()))
            .chain(added.into_iter().map(|plugin| plugin.identity.name))
            .collect::<Vec<_>>();
        known.sort();
        known.dedup();
        let hint = if known.is_empty() {
            "build the shipped ones with `just plugins`, or name the path of a plugin".to_owned()
        } else {
            format!("there are: {}; or name the path of a plugin", known.join(", "))
        };
        Err(Failure::misuse(format!("no strategy {}", quote(name, 80))).hint(hint))
    }

    /// Every plugin that a name finds, the first of equal names only, by name.
    pub fn plugin_folders(&self) -> Vec<PathBuf> {
        let mut found: Vec<PathBuf> = Vec::new();
        for place in &self.places.plugins {
            let entries = std::fs::read_dir(place).into_iter().flatten().flatten();
            let mut folders: Vec<PathBuf> = entries
                .map(|entry| entry.path())
                .filter(|path| path.join(Manifest::FILE).is_file())
                .collect();
            folders.retain(|path| found.iter().all(|other| other.file_name() != path.file_name()));
            found.extend(folders);
        }
        found.sort_by(|a, b| a.file_name().cmp(&b.file_name()));
        found
    }

    /// The limits of a run: the defaults, what the plugin names (up to the bounds), the settings, the flags; the
    /// bounds are the operator's, lowered to those of the plugin's trust level.
    ///
    /// *Errors*: the operator's, for a setting or flag beyond a bound.
    pub fn limits(
        &self,
        asked: &LimitsOverlay,
        grants: &Grants,
        flags: &LimitsOverlay,
    ) -> Result<Limits, Failure> {
        let bounds = grants.bounds(&self.config.bounds());
        let limits = Limits::default().with(asked).clamped(&bounds);
        let limits = limits.with(&self.config.limits).with(flags);
        if let Some(name) = limits.zero() {
            return Err(Failure::misuse(format!("limit `{name}` is 0")).hint("a run needs some of it"));
        }
        limits.check(&bounds).map_err(|over| {
            Failure::misuse(&over)
                .hint(format!("ask for less, or raise `{}` under [bounds] in stratagem.toml", over.name))
        })?;
        Ok(limits)
    }
}

/// Keeps a plugin's component, so that its runs can be replayed from the database alone.
pub fn keep_plugin(store: &Store, strategy: &LoadedStrategy, package: &Package) -> Result<(), Failure> {
    let limits = serde_json::to_string(&strategy.limits).map_err(Failure::new)?;
    let papers = Papers { manifest: package.manifest_text.clone(), signature: package.signature.clone() };
    let world = strategy.contract.world();
    Ok(store.keep_plugin(strategy.identity(), &world, &limits, &package.component, &papers)?)
}

/// Finds one task by id, or by DATASET/ID, with the dataset's id; of several datasets that have it, the one
/// imported first.
pub fn find_task(store: &Store, what: &str) -> Result<Option<(String, LabelledTask)>, Failure> {
    let (dataset, id) = what.split_once('/').map_or((None, what), |(dataset, id)| (Some(dataset), id));
    let found = store.find_task(id)?;
    let mut fitting = found.into_iter().filter(|(place, ..)| dataset.is_none_or(|name| place.name == name));
    Ok(fitting.next().map(|(place, _, task)| (place.id, task)))
}
