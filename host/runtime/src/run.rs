use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use stratagem_domain::{
    Backing, Digest, Ending, Grid, LabelledTask, Lesson, Limits, LimitsOverlay, NoBacking, Pair,
    PluginIdentity, RunReport, Settings, Strategy, Task, escape, quote,
};
use wasmtime::component::{Component, ComponentExportIndex, ComponentNamedList, InstancePre, Lift, Lower};
use wasmtime::{Engine, Store, Trap, WasmBacktrace};

use crate::bindings::{DescriptionView, GridParam, LessonParam, PairParam, TaskParam};
use crate::cache::again;
use crate::contract::{Contract, Surface};
use crate::engine::{SLICE, Stage, Stages, Tuning};
use crate::host::Breach;
use crate::isolate::Isolated;
use crate::lent::Lent;
use crate::manifest::is_plain;
use crate::policy::Grants;
use crate::state::RunState;
use crate::wasi::{Exit, Links};
use crate::{LoadError, Package, Sandbox};

/// Frames of a backtrace that are kept, and characters of each.
pub const MAX_FRAMES: usize = 20;
pub const MAX_FRAME_CHARS: usize = 200;
/// Characters of a reason that is not a panic's.
pub const MAX_REASON_CHARS: usize = 2_000;

/// What a plugin says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    pub name: String,
    pub version: String,
    pub kind: String,
    pub summary: String,
}

/// A component that is linked and runs in this process.
pub struct Linked {
    stages: Arc<Stages>,
    /// Of the stack that it was linked with; runs with another are made ready as they come.
    component: Component,
    ready: Mutex<BTreeMap<u64, Arc<Ready>>>,
    contract: Contract,
    links: Links,
    metered: bool,
    accounted: bool,
}

/// A plugin that was checked, compiled and linked: runs tasks, from any thread.
pub struct LoadedStrategy {
    linked: Linked,
    /// Where it runs instead, if not in this process.
    isolated: Option<Isolated>,
    identity: PluginIdentity,
    pub contract: Contract,
    pub description: Description,
    pub surface: Surface,
    /// What the policy grants it, used or not.
    pub granted: Grants,
    /// The limits that its manifest names.
    pub limits: LimitsOverlay,
}

/// The plugin on one engine.
struct Ready {
    engine: Engine,
    instance: InstancePre<RunState>,
    describe: ComponentExportIndex,
    solve: ComponentExportIndex,
    learn: ComponentExportIndex,
}

impl Description {
    /// As messages show it.
    #[must_use]
    pub fn plain(self) -> Self {
        let plain = |text: String| escape(&text, 400);
        Self {
            name: plain(self.name),
            version: plain(self.version),
            kind: plain(self.kind),
            summary: plain(self.summary),
        }
    }
}

impl Ready {
    fn new(stage: &Stage, component: &Component, contract: Contract, links: &Links) -> Result<Self, String> {
        let linked =
            links.linker(&stage.linker, contract).and_then(|linker| linker.instantiate_pre(component));
        let instance = linked.map_err(|error| format!("{error:#}"))?;
        let strategy = contract.interface("strategy");
        let export = |name: &str| {
            let interface = component.get_export_index(None, &strategy);
            let function = interface.and_then(|interface| component.get_export_index(Some(&interface), name));
            function.ok_or_else(|| format!("`{strategy}` has no function `{name}`"))
        };
        let [describe, solve, learn] = ["describe", "solve", "learn"].map(export);
        Ok(Self { engine: stage.engine.clone(), instance, describe: describe?, solve: solve?, learn: learn? })
    }
}

type Done = (Result<(), String>,);

impl LoadedStrategy {
    pub(crate) fn load(sandbox: &Sandbox, package: &Package, grants: &Grants) -> Result<Self, LoadError> {
        let plugin = package.label();
        let stages = sandbox.stages();
        let stage = stages.of(Limits::default().stack_kb)?;
        let component = sandbox.cache.component(&stage.engine, package)?;
        let surface = Surface::of(&component, &stage.engine);
        let manifest = package.manifest.as_ref();
        let asked = manifest.map_or(&[][..], |manifest| &manifest.capabilities);
        let optional = manifest.map_or(&[][..], |manifest| &manifest.optional);
        let contract = surface.check(&plugin, asked, optional, grants, &sandbox.lacks)?;
        let used = surface.capabilities().into_iter();
        let used = used.filter(|capability| asked.contains(capability) || optional.contains(capability));
        let (used, declined) = used
            .partition(|capability| grants.allows(*capability) && !sandbox.lacks.contains_key(capability));
        let links = Links::new(package, used, declined, grants)?;
        let wrong = |reason: String| LoadError::WrongWorld { plugin: plugin.clone(), reason };
        let isolate = |worker| Isolated::new(worker, &component, contract, &links);
        let isolated = sandbox.worker.as_ref().map(isolate).transpose()?;
        let linked = Linked::new(stages, &stage, component, contract, links).map_err(wrong)?;
        // The first that runs of the plugin.
        let (limits, settings) = (small(), Settings::new());
        let Introduction { said, report, types } = match &isolated {
            Some(isolated) => isolated.introduce(0, &limits, &settings),
            None => linked.introduce(0, &limits, &settings),
        };
        let said = said.ok_or_else(|| match report.ending {
            Ending::HostFault(reason) => LoadError::NoIsolation(reason),
            ending => {
                LoadError::Undescribed { plugin: plugin.clone(), reason: ending.reason().unwrap_or_default() }
            }
        })?;
        types.map_err(wrong)?;
        if let Some(manifest) = &package.manifest
            && (&manifest.name, manifest.version.to_string(), &manifest.kind)
                != (&said.name, said.version.clone(), &said.kind)
        {
            let said =
                format!("{} {} ({})", quote(&said.name, 64), quote(&said.version, 32), quote(&said.kind, 64));
            let written = format!("{} {} ({})", manifest.name, manifest.version, manifest.kind);
            return Err(LoadError::OtherManifest { plugin, said, written });
        }
        if !is_plain(&said.name, b'-') || !is_plain(&said.kind, b'_') {
            let (name, kind) = (quote(&said.name, 64), quote(&said.kind, 64));
            let said = format!("describes itself as {name} of kind {kind}");
            let rule = "lower-case letters and digits, with '-' in a name and '_' in a kind";
            return Err(LoadError::Undescribed { plugin, reason: format!("{said}: {rule}") });
        }
        let Description { name, version, kind, .. } = said.clone();
        let identity = PluginIdentity { name, version, kind, digest: package.digest };
        let limits = package.manifest.as_ref().map(|manifest| manifest.limits.clone()).unwrap_or_default();
        let granted = grants.clone();
        Ok(Self { linked, isolated, identity, contract, description: said, surface, granted, limits })
    }

    pub fn identity(&self) -> &PluginIdentity {
        &self.identity
    }

    /// Asks the plugin again what it is: the same every time, if it keeps to the contract; none where it does not
    /// come to say.
    pub fn describe(
        &self,
        seed: u64,
        limits: &Limits,
        settings: &Settings,
    ) -> (Option<Description>, RunReport) {
        match &self.isolated {
            Some(isolated) => {
                let Introduction { said, report, .. } = isolated.introduce(seed, limits, settings);
                (said, report)
            }
            None => self.linked.describe(seed, limits, settings),
        }
    }

    /// Has the plugin learn from solved tasks; a lesson whose outputs are not all known is left out.
    pub fn learn(
        &self,
        lessons: &[LabelledTask],
        seed: u64,
        limits: &Limits,
        settings: &Settings,
    ) -> RunReport {
        self.learn_with(&Lesson::untold(lessons), seed, limits, settings, Arc::new(NoBacking))
    }

    /// As [`Self::learn`], with how each was solved, and where what the plugin asks of the host is answered.
    pub fn learn_with(
        &self,
        lessons: &[Lesson],
        seed: u64,
        limits: &Limits,
        settings: &Settings,
        backing: Arc<dyn Backing>,
    ) -> RunReport {
        match &self.isolated {
            Some(isolated) => isolated.learn(lessons, seed, limits, settings, backing),
            None => self.linked.learn(lessons, seed, limits, settings, Lent::of(backing)),
        }
    }
}

/// All that runs of a plugin before its first task.
pub struct Introduction {
    /// None where `describe` did not come to say it.
    pub said: Option<Description>,
    pub report: RunReport,
    /// What is wrong with the types of the other functions.
    pub types: Result<(), String>,
}

impl Linked {
    /// Links a component on the engine that it was made for; nothing of it runs yet.
    ///
    /// *Errors*: what it lacks of the contract.
    pub fn new(
        stages: &Arc<Stages>,
        stage: &Stage,
        component: Component,
        contract: Contract,
        links: Links,
    ) -> Result<Self, String> {
        let ready = Arc::new(Ready::new(stage, &component, contract, &links)?);
        let ready = Mutex::new(BTreeMap::from([(stage.stack_kb, ready)]));
        let tuning = stages.tuning();
        let (metered, accounted) = (tuning != Tuning::Unlimited, tuning != Tuning::Unaccounted);
        Ok(Self { stages: Arc::clone(stages), component, ready, contract, links, metered, accounted })
    }

    pub fn introduce(&self, seed: u64, limits: &Limits, settings: &Settings) -> Introduction {
        let (said, report) = self.describe(seed, limits, settings);
        let types = if said.is_some() { self.check_types(limits) } else { Ok(()) };
        Introduction { said, report, types }
    }

    fn describe(&self, seed: u64, limits: &Limits, settings: &Settings) -> (Option<Description>, RunReport) {
        let mut said = None;
        let state = RunState::new(limits, seed, settings.clone(), Vec::new(), self.metered);
        let report = self.measured(
            state,
            |ready| &ready.describe,
            (),
            |(view,): (DescriptionView,)| {
                let DescriptionView { name, version, kind, summary } = view;
                said = Some(Description { name, version, kind, summary }.plain());
                Ending::Returned
            },
        );
        (said, report)
    }

    pub fn learn(
        &self,
        lessons: &[Lesson],
        seed: u64,
        limits: &Limits,
        settings: &Settings,
        lent: Lent,
    ) -> RunReport {
        let mut state = RunState::new(limits, seed, settings.clone(), Vec::new(), self.metered);
        state.lent = lent;
        let lowered: Vec<_> = lessons
            .iter()
            .filter_map(|lesson| {
                let outputs: Option<Vec<GridParam<'_>>> =
                    lesson.task.truth.iter().map(|grid| grid.as_ref().map(lower)).collect();
                Some((lesson, lower_task(&lesson.task.task), outputs?))
            })
            .collect();
        let params: Vec<LessonParam<'_>> = lowered
            .iter()
            .map(|(lesson, (train, test), outputs)| LessonParam {
                task: TaskParam { id: &lesson.task.task.id, train, test },
                outputs,
                rationale: &lesson.rationale,
            })
            .collect();
        self.measured(state, |ready| &ready.learn, (&params[..],), done)
    }

    pub fn run(&self, task: &Task, seed: u64, limits: &Limits, settings: &Settings, lent: Lent) -> RunReport {
        let mut state = RunState::new(limits, seed, settings.clone(), task.test.clone(), self.metered);
        state.lent = lent;
        let (train, test) = lower_task(task);
        let param = TaskParam { id: &task.id, train: &train, test: &test };
        self.measured(state, |ready| &ready.solve, (param,), done)
    }

    /// Holds `solve` and `learn` to their types before the first run, so that a wrong one is refused and not run.
    fn check_types(&self, limits: &Limits) -> Result<(), String> {
        let ready = self.ready(limits)?;
        let mut store =
            self.store(&ready, RunState::new(limits, 0, Settings::new(), Vec::new(), self.metered));
        let deadline = store.data().deadline;
        let instance = in_time(deadline, ready.instance.instantiate_async(&mut store))
            .map_err(|error| format!("{error:#}"))?;
        let wrong = |name: &str, error: wasmtime::Error| format!("`{name}`: {error:#}");
        instance
            .get_typed_func::<(TaskParam<'_>,), Done>(&mut store, &ready.solve)
            .map_err(|error| wrong("solve", error))?;
        instance
            .get_typed_func::<(&[LessonParam<'_>],), Done>(&mut store, &ready.learn)
            .map_err(|error| wrong("learn", error))?;
        Ok(())
    }

    /// The plugin on the engine that has the stack of these limits.
    fn ready(&self, limits: &Limits) -> Result<Arc<Ready>, String> {
        let stack_kb = Stages::stack_kb(limits.stack_kb);
        let mut made = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ready) = made.get(&stack_kb) {
            return Ok(Arc::clone(ready));
        }
        let stage = self.stages.of(stack_kb).map_err(|error| error.to_string())?;
        let component = again(&self.component, &stage.engine).map_err(|error| format!("{error:#}"))?;
        let ready = Arc::new(Ready::new(&stage, &component, self.contract, &self.links)?);
        made.insert(stack_kb, Arc::clone(&ready));
        Ok(ready)
    }

    /// A fresh store: limits are set before the first instruction of the plugin, its start functions too.
    fn store(&self, ready: &Ready, state: RunState) -> Store<RunState> {
        let limits = state.limits.clone();
        let size = |limit: u64| usize::try_from(limit).unwrap_or(usize::MAX);
        let mut store = Store::new(&ready.engine, state);
        if self.accounted {
            store.limiter(|state| &mut state.limiter);
            store.set_hostcall_fuel(size(limits.lifted_bytes_call));
            store.set_max_component_handles(size(limits.handles));
        }
        if self.metered {
            store.set_fuel(limits.fuel).unwrap_or_else(|error| unreachable!("fuel is configured: {error}"));
            store
                .fuel_async_yield_interval(Some(SLICE))
                .unwrap_or_else(|error| unreachable!("fuel is configured: {error}"));
        }
        self.links.equip(&mut store);
        store
    }

    /// One call of the plugin in a store of its own, measured; `ended` says how one ended that returned.
    fn measured<Params, Return>(
        &self,
        state: RunState,
        export: fn(&Ready) -> &ComponentExportIndex,
        params: Params,
        ended: impl FnOnce(Return) -> Ending,
    ) -> RunReport
    where
        Params: ComponentNamedList + Lower,
        Return: ComponentNamedList + Lift + 'static,
    {
        let started = self.accounted.then(|| (Instant::now(), thread_cpu()));
        let ready = match self.ready(&state.limits) {
            Ok(ready) => ready,
            Err(reason) => return state.into_report(Ending::HostFault(reason)),
        };
        let fuel = state.limits.fuel;
        let mut store = self.store(&ready, state);
        let ending = match call::<_, Return>(&ready, &mut store, export(&ready), params) {
            Ok(returned) => ended(returned),
            Err(error) => ending(&error, &mut store),
        };
        let fuel_spent = if self.metered { fuel - store.get_fuel().unwrap_or(0) } else { 0 };
        let mut report = store.into_data().into_report(ending);
        report.usage.fuel_spent = fuel_spent;
        if let Some((wall, cpu)) = started {
            report.usage.cpu_seconds = thread_cpu().saturating_sub(cpu).as_secs_f64();
            report.usage.wall_ms = wall.elapsed().as_millis() as u64;
        }
        report
    }
}

fn call<Params, Return>(
    ready: &Ready,
    store: &mut Store<RunState>,
    export: &ComponentExportIndex,
    params: Params,
) -> wasmtime::Result<Return>
where
    Params: ComponentNamedList + Lower,
    Return: ComponentNamedList + Lift + 'static,
{
    in_time(store.data().deadline, async {
        let instance = ready.instance.instantiate_async(&mut *store).await?;
        let function = instance.get_typed_func::<Params, Return>(&mut *store, export)?;
        function.call_async(&mut *store, params).await
    })
}

/// Drives a call, which halts after each [`SLICE`] of its fuel, to its end or its deadline, where it is left as it is.
///
/// Fuel bounds time as well as epochs would, since bulk work is charged by the byte, and costs compiled code nothing
/// beyond what fuel does: see docs/decisions/0017.
fn in_time<T>(
    deadline: Option<Instant>,
    call: impl Future<Output = wasmtime::Result<T>>,
) -> wasmtime::Result<T> {
    let mut call = pin!(call);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        match call.as_mut().poll(&mut context) {
            Poll::Ready(result) => return result,
            Poll::Pending if deadline.is_some_and(|at| Instant::now() >= at) => {
                return Err(Trap::Interrupt.into());
            }
            Poll::Pending => {}
        }
    }
}

/// How a call ended that returned this.
fn done((result,): Done) -> Ending {
    match result {
        Ok(()) => Ending::Returned,
        Err(reason) => Ending::GaveUp(reason.chars().take(MAX_REASON_CHARS).collect()),
    }
}

/// What a plugin that only says what it is may take.
pub fn small() -> Limits {
    Limits { fuel: 200_000_000, wall_ms: 5_000, ..Limits::default() }
}

impl Strategy for LoadedStrategy {
    fn plugin(&self) -> &PluginIdentity {
        self.identity()
    }

    fn grants(&self) -> Option<Digest> {
        self.linked.links.digest()
    }

    fn run_with(
        &self,
        task: &Task,
        seed: u64,
        limits: &Limits,
        settings: &Settings,
        backing: Arc<dyn Backing>,
    ) -> RunReport {
        match &self.isolated {
            Some(isolated) => isolated.run(task, seed, limits, settings, backing),
            None => self.linked.run(task, seed, limits, settings, Lent::of(backing)),
        }
    }
}

fn lower_task(task: &Task) -> (Vec<PairParam<'_>>, Vec<GridParam<'_>>) {
    (task.train.iter().map(lower_pair).collect(), task.test.iter().map(lower).collect())
}

fn lower_pair(pair: &Pair) -> PairParam<'_> {
    PairParam { input: lower(&pair.input), output: lower(&pair.output) }
}

fn lower(grid: &Grid) -> GridParam<'_> {
    GridParam { width: grid.width() as u32, height: grid.height() as u32, cells: grid.cells() }
}

pub fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Says how a run ended that did not return, and notes the limit that ended it.
fn ending(error: &wasmtime::Error, store: &mut Store<RunState>) -> Ending {
    let state = store.data_mut();
    let trap = error.downcast_ref::<Trap>();
    let words = state.take_last_error();
    match trap {
        Some(Trap::OutOfFuel) => {
            state.hit("fuel");
            return Ending::OutOfFuel;
        }
        Some(Trap::Interrupt) => {
            state.hit("wall_ms");
            return Ending::PastDeadline;
        }
        Some(Trap::StackOverflow) => {
            state.hit("stack_kb");
            return Ending::StackExhausted { backtrace: backtrace(error) };
        }
        _ => {}
    }
    match error.downcast_ref::<Exit>() {
        Some(Exit(0)) => return Ending::Returned,
        Some(exit) => return Ending::GaveUp(exit.to_string()),
        None => {}
    }
    let breached = error.is::<Breach>();
    // An allocator that was denied memory aborts without a word; a panic leaves its text in the log.
    let aborted = matches!(trap, None | Some(Trap::UnreachableCodeReached | Trap::MemoryOutOfBounds));
    if state.limiter.denials > 0 && aborted && words.is_none() && !breached {
        return Ending::OutOfMemory;
    }
    if trap.is_none() && error.is::<wasmtime::PoolConcurrencyLimitError>() {
        return Ending::HostFault(format!("no slot for the run: {error:#}"));
    }
    let reason = match (trap, words) {
        (Some(Trap::UnreachableCodeReached), Some(words)) => words,
        (Some(trap), _) => trap.to_string(),
        (None, _) => error.root_cause().to_string().chars().take(MAX_REASON_CHARS).collect(),
    };
    if trap.is_none() && !breached {
        ENGINE_LIMITS
            .iter()
            .filter(|(words, _)| reason.contains(words))
            .for_each(|(_, name)| state.hit(name));
    }
    Ending::Trapped { reason, backtrace: backtrace(error) }
}

/// Limits that wasmtime holds for us, by the words in which it says so: it has no types for them.
const ENGINE_LIMITS: [(&str, &str); 5] = [
    ("fuel allocated for hostcalls has been exhausted", "lifted_bytes_call"),
    ("store handle limit exceeded", "handles"),
    ("instance count too high", "instances"),
    ("memory count too high", "memories"),
    ("table count too high", "tables"),
];

/// The names of the functions that were running, innermost first.
fn backtrace(error: &wasmtime::Error) -> Vec<String> {
    let frames = error.downcast_ref::<WasmBacktrace>().map(WasmBacktrace::frames).unwrap_or_default();
    let name = |frame: &wasmtime::FrameInfo| match frame.func_name() {
        Some(name) => format!("{:#}", rustc_demangle::demangle(name)).chars().take(MAX_FRAME_CHARS).collect(),
        None => format!("function {}", frame.func_index()),
    };
    frames.iter().take(MAX_FRAMES).map(name).collect()
}
