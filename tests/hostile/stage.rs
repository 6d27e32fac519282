//! Where cases are played: one sandbox, one database, and a well-behaved plugin that runs after each of them.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use stratagem_domain::{
    Backing, Grid, LabelledTask, Lender, Lesson, Limits, LimitsOverlay, Outcome, Pair, Place, PluginIdentity,
    Recipe, RunReport, Settings, Split, StoredRun, Strategy, Task, TaskSet, Trust, escape,
};
use stratagem_runtime::{
    CompileLimits, CompilerProcess, LoadError, LoadedStrategy, Package, Policy, RefusedStrategy, Sandbox,
    SandboxConfig, SecretKey, Signer, Tuning,
};
use stratagem_solve::{Bench, Contender};
use stratagem_store::Store;
use tempfile::TempDir;

use crate::case::{Case, Component, Signature, TaskSize};
use crate::row;

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_stratagem");

/// What every case runs with unless it says otherwise: small, so that the whole corpus takes seconds.
fn small() -> Limits {
    Limits {
        fuel: 5_000_000,
        wall_ms: 20_000,
        memory_mb: 16,
        table_elements: 10_000,
        answers: 32,
        rationale_bytes: 256,
        steps: 50,
        log_bytes: 4_096,
        log_lines: 200,
        host_calls: 5_000,
        lifted_bytes_call: 65_536,
        lifted_bytes: 1 << 20,
        ..Limits::default()
    }
}

/// MiB that only the operator raises: what the sandbox's slots are made for, and what `describe` may take too.
pub const BOUND_MEMORY_MB: u64 = 32;

/// Memories of a slot: of each the sandbox keeps up to 1 MiB for the next run.
pub const BOUND_MEMORIES: u64 = 2;

/// Where the plugins lie.
pub struct Grounds {
    scratch: PathBuf,
    /// Whom every policy of the corpus trusts.
    signer: SecretKey,
}

/// The plugin that the signer signed.
const SIGNED: &str = "burn-fuel";

impl Grounds {
    /// Lays out what a plugin may be granted: a folder with links and a pipe, and a file beside it that nobody may.
    fn new(scratch: &Path) -> Result<Self, String> {
        let shared = scratch.join("shared");
        fs::create_dir_all(shared.join("inner")).map_err(text_of)?;
        fs::write(scratch.join("secret.txt"), "not for plugins").map_err(text_of)?;
        fs::write(shared.join("priors.txt"), "these are priors").map_err(text_of)?;
        for (target, link) in [
            ("inner/../priors.txt", "inside"),
            ("../secret.txt", "outside"),
            ("/etc/passwd", "absolute"),
            ("inner/../../secret.txt", "roundabout"),
            ("itself", "itself"),
            ("..", "up"),
        ] {
            symlink(target, shared.join(link)).map_err(text_of)?;
        }
        pipe(&shared.join("pipe"))?;
        let (file, _) = SecretKey::generate("")?;
        Ok(Self { scratch: scratch.to_owned(), signer: SecretKey::open(&file, "")? })
    }

    /// A case's policy, which trusts the signer.
    fn policy(&self, case: &Case) -> Result<Policy, String> {
        let mut policy = case.policy.clone();
        policy.resolve(&self.scratch);
        let signer = Signer { key: self.signer.public()?, trust: Trust::Reviewed, capabilities: None };
        policy.signers.insert("trusted".into(), signer);
        Ok(policy)
    }

    pub fn package(&self, case: &str) -> Result<Package, String> {
        Package::read(&self.folder(case)).map_err(text_of)
    }

    fn folder(&self, case: &str) -> PathBuf {
        self.scratch.join("guests").join(case)
    }

    /// Lays a case's plugin out as its author would hand it over.
    fn lay_out(&self, case: &Case, prelude: &str) -> Result<(), String> {
        let folder = self.folder(&case.name);
        fs::create_dir_all(&folder).map_err(text_of)?;
        let file = folder.join("component.wasm");
        match case.component(prelude)? {
            Component::Bytes(bytes) => fs::write(&file, bytes),
            Component::Sparse(length) => fs::File::create(&file).and_then(|file| file.set_len(length)),
            Component::Link(target) => symlink(target, &file),
            Component::Pipe => pipe(&file).map_err(std::io::Error::other),
        }
        .map_err(text_of)?;
        let signature = folder.join("component.wasm.minisig");
        match case.signature {
            None => {}
            Some(Signature::WithoutEnd) => symlink("/dev/zero", signature).map_err(text_of)?,
            Some(Signature::OfNoise) => fs::write(signature, "\u{1b}[2J\n\u{202e}\n").map_err(text_of)?,
            Some(Signature::Replayed) => {
                let other = self.package(SIGNED)?;
                fs::write(signature, self.signer.sign(&other)?).map_err(text_of)?;
            }
        }
        match case.manifest() {
            Some(manifest) => fs::write(folder.join("plugin.toml"), manifest).map_err(text_of),
            None => Ok(()),
        }
    }
}

fn pipe(path: &Path) -> Result<(), String> {
    let status = Command::new("mkfifo").arg(path).status().map_err(text_of)?;
    if status.success() { Ok(()) } else { Err(format!("mkfifo {}: {status}", path.display())) }
}

/// What a sandbox of the corpus is made with.
pub fn config(slots: u32, cache: &Path, tuning: Tuning, compile: Option<CompileLimits>) -> SandboxConfig {
    let limits = compile.unwrap_or_default();
    let compiler = CompilerProcess { program: PROGRAM.into(), args: vec!["compile".into()], limits };
    let cache = Some(cache.to_owned());
    let mut config = SandboxConfig { cache, slots, bounds: bounds(), tuning, ..SandboxConfig::default() };
    // An engine without limits compiles other code than the child does.
    config.compiler = (tuning == Tuning::Tuned).then_some(compiler);
    config
}

/// What came of a case.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Played {
    pub case: String,
    pub stated: String,
    pub got: String,
    pub reason: String,
    pub fuel_spent: u64,
    pub memory_peak_bytes: u64,
    /// Of the case and its neighbour.
    pub wall_ms: u64,
    /// How far the host's memory rose above where it was, in bytes; only where the case ran alone.
    pub host_rise_bytes: Option<u64>,
    /// What was not as stated; empty where all was.
    pub faults: Vec<String>,
    /// Of the stored run, where there is one.
    pub run: Option<String>,
}

pub struct Stage<'a> {
    grounds: Grounds,
    cases: &'a [Case],
    sandbox: Sandbox,
    store: Store,
    small: LabelledTask,
    large: LabelledTask,
    dataset: String,
    neighbour: LoadedStrategy,
    /// What the neighbour did before any case was played.
    undisturbed: Option<StoredRun>,
    /// What each case did the first time: where neither clock nor machine decides, it does so every time.
    first: Mutex<BTreeMap<String, StoredRun>>,
}

impl<'a> Stage<'a> {
    pub fn new(scratch: &Path, corpus: &Path, cases: &'a [Case], slots: usize) -> Result<Self, String> {
        let grounds = Grounds::new(scratch)?;
        let prelude = fs::read_to_string(corpus.join("prelude.wat")).map_err(text_of)?;
        cases.iter().try_for_each(|case| {
            grounds.lay_out(case, &prelude).map_err(|error| format!("{}: {error}", case.name))
        })?;
        let cache = scratch.join("compiled");
        let sandbox = Sandbox::new(&config(slots as u32, &cache, Tuning::Tuned, None)).map_err(text_of)?;
        let store = Store::open(&scratch.join("data/stratagem.db")).map_err(text_of)?;
        let (small, large) = (small_task()?, large_task()?);
        let tasks = vec![(Split::Custom, small.clone()), (Split::Custom, large.clone())];
        let imported = store.import(&TaskSet { name: "corpus".into(), tasks }).map_err(text_of)?;
        let probe = guests().join("probe");
        let package = Package::read(&probe)
            .map_err(|error| format!("{error}\n  hint: run `just guests` before the corpus"))?;
        let neighbour = sandbox.load(&package).map_err(text_of)?;
        keep(&store, &neighbour, &package)?;
        let dataset = imported.dataset.id;
        let first = Mutex::default();
        let undisturbed = None;
        let mut stage =
            Self { grounds, cases, sandbox, store, small, large, dataset, neighbour, undisturbed, first };
        stage.undisturbed = Some(stage.neighbour()?);
        Ok(stage)
    }

    /// Plays a case and then the neighbour, and says what was not as it should be.
    pub fn play(&self, case: &Case) -> Played {
        let mut played =
            Played { case: case.name.clone(), stated: case.outcome.as_str().to_owned(), ..Played::default() };
        let started = Instant::now();
        if let Err(fault) = self.attempt(case, &mut played) {
            played.faults.push(fault);
        }
        if let Err(fault) = self.neighbour().and_then(|run| self.same_neighbour(&run)) {
            played.faults.push(format!("the next plugin: {fault}"));
        }
        played.wall_ms = started.elapsed().as_millis() as u64;
        played
    }

    /// Fills every slot of the sandbox: what it keeps of them for the next runs is configured, and is no leak.
    pub fn fill_slots(&self, slots: usize) -> Result<(), String> {
        const TIMES: usize = 3;
        let package = self.grounds.package("residue-left")?;
        let strategy = self.sandbox.load(&package).map_err(text_of)?;
        keep(&self.store, &strategy, &package)?;
        let limits = Limits { fuel: 100_000_000, ..small() };
        let start = std::sync::Barrier::new(slots);
        let fill = || -> Result<(), String> {
            (0..TIMES).try_for_each(|_| {
                start.wait();
                self.bench(&strategy, &self.small, limits.clone(), Settings::new()).map(drop)
            })
        };
        std::thread::scope(|scope| {
            let filling: Vec<_> = (0..slots).map(|_| scope.spawn(fill)).collect();
            filling.into_iter().try_for_each(|one| one.join().map_err(|_| "a slot was not filled")?)
        })
    }

    fn attempt(&self, case: &Case, played: &mut Played) -> Result<(), String> {
        if !case.stands_alone() {
            return self.run_in(&self.sandbox, case, played);
        }
        let folder = TempDir::new().map_err(text_of)?;
        let cache = folder.path().join("compiled");
        let package = || self.grounds.package(&case.name);
        let prepared = case.cache.map(|how| how.prepare(&self.grounds, &cache, &package()?)).transpose()?;
        let mut own = config(1, &cache, Tuning::Tuned, case.compile);
        if let Some(other) = &case.bounds {
            own.bounds = own.bounds.with(other);
        }
        let sandbox = Sandbox::new(&own).map_err(text_of)?;
        if let Some(before) = case.after.as_ref().and_then(|name| self.find(name)) {
            self.run_in(&sandbox, before, &mut Played::default())?;
        }
        self.run_in(&sandbox, case, played)?;
        prepared.map_or(Ok(()), |prepared| prepared.check())
    }

    /// Loads and runs a case's plugin, and holds what is stored of it to the case. What is refused is stored too.
    fn run_in(&self, sandbox: &Sandbox, case: &Case, played: &mut Played) -> Result<(), String> {
        let folder = self.grounds.folder(&case.name);
        let path = if case.manifest().is_none() { folder.join("component.wasm") } else { folder };
        let policy = self.grounds.policy(case)?;
        let loaded = Package::read(&path).and_then(|package| {
            let grants = policy.decide(&package, &case.name, false)?;
            Ok((sandbox.load_granted(&package, &grants)?, package))
        });
        let task = if case.task == TaskSize::Large { &self.large } else { &self.small };
        let bounds = case.bounds.as_ref().map_or_else(bounds, |other| bounds().with(other));
        let limits = |asked| small().with(asked).clamped(&bounds).with(&case.limits);
        let (limits, run) = match loaded {
            Ok((strategy, package)) => {
                keep(&self.store, &strategy, &package)?;
                let limits = limits(&strategy.limits);
                let learning = Learning { strategy: &strategy, task };
                let entry: &dyn Strategy = if case.learns { &learning } else { &strategy };
                (limits.clone(), self.bench(entry, task, limits, Settings::new())?)
            }
            Err(error) => {
                check_words(&error)?;
                let refused = RefusedStrategy::new(&path, &error)
                    .ok_or_else(|| format!("the plugin is not at fault: {error}"))?;
                self.store.keep_refused(refused.plugin()).map_err(text_of)?;
                let limits = limits(&LimitsOverlay::default());
                (limits.clone(), self.bench(&refused, task, limits, Settings::new())?)
            }
        };
        run.outcome.as_str().clone_into(&mut played.got);
        played.reason = run.ending.reason().unwrap_or_default();
        played.fuel_spent = run.usage.fuel_spent;
        played.memory_peak_bytes = run.usage.memory_peak_bytes;
        played.run = Some(run.id.clone());
        played.faults.extend(row::faults(case, &limits, &run));
        if run.ending.is_replayable() {
            let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
            let first = first.entry(case.name.clone()).or_insert_with(|| run.clone());
            played
                .faults
                .extend(row::difference(first, &run).map(|fault| format!("unlike the first time: {fault}")));
        }
        Ok(())
    }

    /// Runs a strategy as `solve` does, and reads the run back from the database.
    fn bench(
        &self,
        strategy: &dyn Strategy,
        task: &LabelledTask,
        limits: Limits,
        settings: Settings,
    ) -> Result<StoredRun, String> {
        static NEVER: AtomicBool = AtomicBool::new(false);
        let bench = Bench {
            contenders: vec![Contender { strategy, limits, settings, place: Place::default() }],
            tasks: std::slice::from_ref(task),
            dataset: Some(&self.dataset),
            seed: 7,
            jobs: 1,
            ledger: Some(&self.store),
            lender: Some(&Memory(&self.store)),
            resume: false,
            portfolio: None,
            folds: 1,
            cancel: &NEVER,
        };
        let mut results = bench.run(&|_| ()).map_err(text_of)?;
        let told = results.pop().and_then(|mut result| result.runs.pop()).ok_or("nothing was run")?;
        let stored = self.store.run(&told.id).map_err(text_of)?;
        if stored == told { Ok(stored) } else { Err(format!("stored is {stored:?}, told was {told:?}")) }
    }

    fn neighbour(&self) -> Result<StoredRun, String> {
        let settings = [("act", "compute"), ("count", "3")];
        let settings = settings.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        self.bench(&self.neighbour, &self.small, Limits::default().clamped(&bounds()), settings)
    }

    fn same_neighbour(&self, run: &StoredRun) -> Result<(), String> {
        let first = self.undisturbed.as_ref().ok_or("it never ran undisturbed")?;
        if first.outcome != Outcome::Solved {
            return Err(format!("undisturbed it ended as {}", first.outcome.as_str()));
        }
        row::difference(first, run).map_or(Ok(()), Err)
    }

    fn find(&self, name: &str) -> Option<&Case> {
        self.cases.iter().find(|case| case.name == name)
    }

    /// Says what of a stored run could steer the terminal of who looks at it.
    pub fn show(&self, run: &str) -> Result<(), String> {
        let data = self.grounds.scratch.join("data");
        let args = ["runs", "show", run, "--color", "never", "--data-dir"];
        let output = Command::new(PROGRAM).args(args).arg(data).current_dir(&self.grounds.scratch).output();
        let output = output.map_err(text_of)?;
        if !output.status.success() {
            return Err(format!("`runs show` failed: {}", String::from_utf8_lossy(&output.stderr)));
        }
        let text = String::from_utf8(output.stdout).map_err(text_of)?;
        text.lines().try_for_each(|line| tame(line).map_err(|line| format!("`runs show` says {line:?}")))
    }

    /// Says what is wrong with the database as a whole.
    pub fn check_rows(&self) -> Result<u64, String> {
        row::check_all(self.store.path())
    }
}

/// Has this process open and start what its first engine opens and its first compilation starts, and keeps.
pub fn warm_up() -> Result<(), String> {
    let calm = wat::parse_str(include_str!("../e2e/calm.wat")).map_err(text_of)?;
    let package = Package::from_bytes(None, calm, Path::new("calm.wasm")).map_err(text_of)?;
    Sandbox::new(&SandboxConfig::default()).and_then(|sandbox| sandbox.load(&package)).map_err(text_of)?;
    Ok(())
}

/// The store's memory, each plugin by its own name.
struct Memory<'a>(&'a Store);

impl Lender for Memory<'_> {
    fn lend(&self, recipe: &Recipe, _: &Place) -> Arc<dyn Backing> {
        Arc::new(self.0.memory_for(&recipe.plugin.name))
    }
}

/// Has a plugin learn in the place of solving, so that it leaves a row as every run does.
struct Learning<'a> {
    strategy: &'a LoadedStrategy,
    task: &'a LabelledTask,
}

impl Strategy for Learning<'_> {
    fn plugin(&self) -> &PluginIdentity {
        self.strategy.plugin()
    }

    fn run_with(
        &self,
        _: &Task,
        seed: u64,
        limits: &Limits,
        settings: &Settings,
        backing: Arc<dyn Backing>,
    ) -> RunReport {
        self.strategy.learn_with(
            &Lesson::untold(std::slice::from_ref(self.task)),
            seed,
            limits,
            settings,
            backing,
        )
    }
}

/// Holds the words of a refusal to what a person can be shown.
fn check_words(error: &LoadError) -> Result<(), String> {
    let text = error.to_string();
    if text.len() > 4_096 {
        return Err(format!("the reason has {} bytes", text.len()));
    }
    tame(&text).map_err(|text| format!("the reason could steer a terminal: {text:?}"))
}

/// The text where it holds nothing that a terminal would act upon.
fn tame(text: &str) -> Result<(), &str> {
    if escape(text, usize::MAX) == text { Ok(()) } else { Err(text) }
}

fn keep(store: &Store, strategy: &LoadedStrategy, package: &Package) -> Result<(), String> {
    let limits = serde_json::to_string(&strategy.limits).map_err(text_of)?;
    let world = strategy.contract.world();
    store.keep_component(strategy.identity(), &world, &limits, &package.component).map_err(text_of)
}

/// The operator's bounds.
fn bounds() -> Limits {
    Limits { memory_mb: BOUND_MEMORY_MB, memories: BOUND_MEMORIES, ..Limits::bounds() }
}

/// Bytes that one job may take of the host: the memories and tables of its run, what is lifted from them and kept
/// of it, twice where it is stored, and `OVERHEAD` for what does not depend on the plugin.
pub fn bound_of_a_job() -> u64 {
    /// Stacks of a worker, compiled code, the pages of the database, the allocator's slack.
    const OVERHEAD: u64 = 24 << 20;
    let limits = small();
    let kept = limits.log_bytes + limits.answers * (limits.rationale_bytes + 900);
    (BOUND_MEMORY_MB << 20) + 8 * limits.table_elements + 2 * limits.lifted_bytes_call + 2 * kept + OVERHEAD
}

fn small_task() -> Result<LabelledTask, String> {
    let grid = || Grid::new(3, 2, &[1, 2, 3, 4, 5, 6]).map_err(text_of);
    LabelledTask::new("small", vec![Pair { input: grid()?, output: grid()? }], vec![(grid()?, Some(grid()?))])
        .map_err(text_of)
}

fn large_task() -> Result<LabelledTask, String> {
    let grid = || Grid::new(30, 30, &[7; 900]).map_err(text_of);
    let pair = |_| Ok(Pair { input: grid()?, output: grid()? });
    let train = (0..Task::MAX_PAIRS).map(pair).collect::<Result<_, String>>()?;
    let test = (0..Task::MAX_TESTS).map(|_| Ok((grid()?, Some(grid()?)))).collect::<Result<_, String>>()?;
    LabelledTask::new("large", train, test).map_err(text_of)
}

fn guests() -> PathBuf {
    let built = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/guests");
    std::env::var_os("STRATAGEM_GUESTS").map_or_else(built, PathBuf::from)
}

pub fn text_of(error: impl Display) -> String {
    error.to_string()
}
