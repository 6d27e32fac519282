use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;
use stratagem_domain::{
    Ending, Grid, Limits, LimitsOverlay, PluginIdentity, RunReport, Settings, Strategy, Task, escape, quote,
};
use wasmtime::component::{ComponentExportIndex, ComponentNamedList, InstancePre, Lift, Lower};
use wasmtime::{Engine, Store, Trap, WasmBacktrace};

use crate::bindings::{DescriptionView, GridParam, PairParam, TaskParam};
use crate::contract::{STRATEGY, Surface};
use crate::engine::TICK;
use crate::manifest::is_plain;
use crate::state::RunState;
use crate::{LoadError, Package, Sandbox};

/// Handles of resources that live at once: `ttt` adaptations are the only ones in the contract.
const MAX_HANDLES: usize = 1_000;
/// Frames of a backtrace that are kept.
const MAX_FRAMES: usize = 20;

/// What a plugin says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Description {
    pub name: String,
    pub version: String,
    pub kind: String,
    pub summary: String,
}

/// A plugin that was checked, compiled and linked: runs tasks, from any thread.
pub struct LoadedStrategy {
    engine: Engine,
    ready: InstancePre<RunState>,
    solve: ComponentExportIndex,
    metered: bool,
    identity: PluginIdentity,
    pub description: Description,
    pub surface: Surface,
    /// The limits that its manifest names.
    pub limits: LimitsOverlay,
}

impl LoadedStrategy {
    pub(crate) fn load(sandbox: &Sandbox, package: &Package) -> Result<Self, LoadError> {
        let plugin = package.label();
        let component = sandbox.cache.component(&sandbox.engine, package)?;
        let surface = Surface::of(&component, &sandbox.engine);
        let asked = package.manifest.as_ref().map_or(&[][..], |manifest| &manifest.capabilities);
        surface.check(&plugin, asked)?;
        let wrong = |reason: String| LoadError::WrongWorld { plugin: plugin.clone(), reason };
        let ready =
            sandbox.linker.instantiate_pre(&component).map_err(|error| wrong(format!("{error:#}")))?;
        let export = |name: &str| {
            let interface = component.get_export_index(None, STRATEGY);
            let function = interface.and_then(|interface| component.get_export_index(Some(&interface), name));
            function.ok_or_else(|| wrong(format!("`{STRATEGY}` has no function `{name}`")))
        };
        let (solve, describe) = (export("solve")?, export("describe")?);
        export("learn")?;
        let nameless = PluginIdentity {
            name: String::new(),
            version: String::new(),
            kind: String::new(),
            digest: package.digest,
        };
        let mut loaded = Self {
            engine: sandbox.engine.clone(),
            ready,
            solve,
            metered: sandbox.metered,
            identity: nameless,
            description: Description::default(),
            surface,
            limits: package.manifest.as_ref().map(|manifest| manifest.limits.clone()).unwrap_or_default(),
        };
        loaded.description = loaded.describe(&describe).map_err(|ending| LoadError::Undescribed {
            plugin: plugin.clone(),
            reason: ending.reason().unwrap_or_default(),
        })?;
        loaded.check_solve().map_err(&wrong)?;
        let said = &loaded.description;
        if let Some(manifest) = &package.manifest
            && (&manifest.name, manifest.version.to_string(), &manifest.kind)
                != (&said.name, said.version.clone(), &said.kind)
        {
            let said =
                format!("{} {} ({})", quote(&said.name, 64), quote(&said.version, 32), quote(&said.kind, 64));
            let written = format!("{} {} ({})", manifest.name, manifest.version, manifest.kind);
            return Err(wrong(format!("describes itself as {said}, plugin.toml says {written}")));
        }
        if !is_plain(&said.name, b'-') || !is_plain(&said.kind, b'_') {
            let (name, kind) = (quote(&said.name, 64), quote(&said.kind, 64));
            return Err(wrong(format!(
                "describes itself as {name} of kind {kind}: lower-case letters and digits, with '-' in a name and '_' in a kind"
            )));
        }
        let Description { name, version, kind, .. } = said.clone();
        loaded.identity = PluginIdentity { name, version, kind, digest: package.digest };
        Ok(loaded)
    }

    pub fn identity(&self) -> &PluginIdentity {
        &self.identity
    }

    fn describe(&self, export: &ComponentExportIndex) -> Result<Description, Ending> {
        let small = Limits { fuel: 200_000_000, wall_ms: 5_000, ..Limits::default() };
        let mut store = self.store(RunState::new(&small, 0, Settings::new(), 0, self.metered));
        let described = self.call::<_, (DescriptionView,)>(&mut store, export, ());
        let (view,) = described.map_err(|error| ending(&error, &mut store))?;
        let plain = |text: &str| escape(text, 400);
        Ok(Description {
            name: plain(&view.name),
            version: plain(&view.version),
            kind: plain(&view.kind),
            summary: plain(&view.summary),
        })
    }

    /// Holds `solve` to its type before the first run, so that a wrong one is refused and not run.
    fn check_solve(&self) -> Result<(), String> {
        let limits = Limits { fuel: 200_000_000, wall_ms: 5_000, ..Limits::default() };
        let mut store = self.store(RunState::new(&limits, 0, Settings::new(), 0, self.metered));
        let instance = self.ready.instantiate(&mut store).map_err(|error| format!("{error:#}"))?;
        instance
            .get_typed_func::<(TaskParam<'_>,), (Result<(), String>,)>(&mut store, &self.solve)
            .map(|_| ())
            .map_err(|error| format!("`solve`: {error:#}"))
    }

    /// A fresh store: limits are set before the first instruction of the plugin, its start functions too.
    fn store(&self, state: RunState) -> Store<RunState> {
        let limits = state.limits.clone();
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| &mut state.limiter);
        store.set_hostcall_fuel(usize::try_from(limits.lifted_bytes_call).unwrap_or(usize::MAX));
        store.set_max_component_handles(MAX_HANDLES);
        if self.metered {
            store.set_fuel(limits.fuel).unwrap_or_else(|error| unreachable!("fuel is configured: {error}"));
            store.set_epoch_deadline(limits.wall_ms.div_ceil(TICK.as_millis() as u64) + 1);
        }
        store
    }

    fn call<Params, Return>(
        &self,
        store: &mut Store<RunState>,
        export: &ComponentExportIndex,
        params: Params,
    ) -> wasmtime::Result<Return>
    where
        Params: ComponentNamedList + Lower,
        Return: ComponentNamedList + Lift + 'static,
    {
        let instance = self.ready.instantiate(&mut *store)?;
        instance.get_typed_func::<Params, Return>(&mut *store, export)?.call(&mut *store, params)
    }
}

impl Strategy for LoadedStrategy {
    fn plugin(&self) -> &PluginIdentity {
        self.identity()
    }

    fn run(&self, task: &Task, seed: u64, limits: &Limits, settings: &Settings) -> RunReport {
        let (wall, cpu) = (Instant::now(), thread_cpu());
        let state = RunState::new(limits, seed, settings.clone(), task.test.len(), self.metered);
        let mut store = self.store(state);
        let train: Vec<PairParam<'_>> = task
            .train
            .iter()
            .map(|pair| PairParam { input: lower(&pair.input), output: lower(&pair.output) })
            .collect();
        let test: Vec<GridParam<'_>> = task.test.iter().map(lower).collect();
        let param = TaskParam { id: &task.id, train: &train, test: &test };
        let ending = match self.call::<_, (Result<(), String>,)>(&mut store, &self.solve, (param,)) {
            Ok((Ok(()),)) => Ending::Returned,
            Ok((Err(reason),)) => Ending::GaveUp(reason.chars().take(2_000).collect()),
            Err(error) => ending(&error, &mut store),
        };
        let fuel_spent = if self.metered { limits.fuel - store.get_fuel().unwrap_or(0) } else { 0 };
        let mut report = store.into_data().into_report(ending);
        report.usage.fuel_spent = fuel_spent;
        report.usage.cpu_seconds = thread_cpu().saturating_sub(cpu).as_secs_f64();
        report.usage.wall_ms = wall.elapsed().as_millis() as u64;
        report
    }
}

fn lower(grid: &Grid) -> GridParam<'_> {
    GridParam { width: grid.width() as u32, height: grid.height() as u32, cells: grid.cells() }
}

fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Says how a run ended that did not return.
fn ending(error: &wasmtime::Error, store: &mut Store<RunState>) -> Ending {
    let state = store.data_mut();
    let trap = error.downcast_ref::<Trap>();
    let words = state.take_last_error();
    match trap {
        Some(Trap::OutOfFuel) => return Ending::OutOfFuel,
        Some(Trap::Interrupt) => return Ending::PastDeadline,
        Some(Trap::StackOverflow) => return Ending::StackExhausted { backtrace: backtrace(error) },
        _ => {}
    }
    // An allocator that was denied memory aborts without a word; a panic leaves its text in the log.
    let aborted = matches!(trap, None | Some(Trap::UnreachableCodeReached | Trap::MemoryOutOfBounds));
    if state.limiter.denials > 0
        && aborted
        && words.is_none()
        && error.downcast_ref::<crate::host::Breach>().is_none()
    {
        return Ending::OutOfMemory;
    }
    if trap.is_none() && error.is::<wasmtime::PoolConcurrencyLimitError>() {
        return Ending::HostFault(format!("no slot for the run: {error:#}"));
    }
    let reason = match (trap, words) {
        (Some(Trap::UnreachableCodeReached), Some(words)) => words,
        (Some(trap), _) => trap.to_string(),
        (None, _) => error.root_cause().to_string(),
    };
    Ending::Trapped { reason, backtrace: backtrace(error) }
}

/// The names of the functions that were running, innermost first.
fn backtrace(error: &wasmtime::Error) -> Vec<String> {
    let frames = error.downcast_ref::<WasmBacktrace>().map(WasmBacktrace::frames).unwrap_or_default();
    let name = |frame: &wasmtime::FrameInfo| match frame.func_name() {
        Some(name) => format!("{:#}", rustc_demangle::demangle(name)).chars().take(200).collect(),
        None => format!("function {}", frame.func_index()),
    };
    frames.iter().take(MAX_FRAMES).map(name).collect()
}
