use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use stratagem_domain::{Capability, Limits};
use wasmtime::component::Linker;
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, OperatorCost, OptLevel, PoolingAllocationConfig,
    VariableOperatorCost, WasmBacktraceDetails,
};

use crate::cache::CodeCache;
use crate::compiler::CompilerProcess;
use crate::contract::{Contract, Surface};
use crate::isolate::{Confinement, WorkerProcess};
use crate::policy::Grants;
use crate::state::RunState;
use crate::{LoadError, LoadedStrategy, Package, host};

/// Fuel between two looks at the deadline: a tenth of a millisecond of usual code, some tens of milliseconds where every
/// instruction waits for memory.
pub const SLICE: u64 = 1_000_000;

/// What a plugin's own needs at least.
const LEAST_STACK_KB: u64 = 64;

/// What the host's functions need beyond a plugin's own stack.
const HOST_STACK_BYTES: usize = 1 << 20;

/// How instances are made. Only benchmarks and their tests choose; everything else is tuned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tuning {
    /// Pooled memories that stay resident between runs, and no state for concurrent calls.
    #[default]
    Tuned,
    /// wasmtime's default: memories are mapped afresh for every run.
    OnDemand,
    /// On demand and without fuel and deadline: what limits cost is measured against it.
    Unlimited,
    /// Tuned, with fuel and deadline, but nothing else is limited, counted or timed.
    Unaccounted,
}

/// What a sandbox is made with.
#[derive(Clone, Debug)]
pub struct SandboxConfig {
    /// Where compiled code is kept; none compiles every time.
    pub cache: Option<PathBuf>,
    /// Runs at the same time.
    pub slots: u32,
    /// The operator's bounds: the pool's slots are as large as the largest run.
    pub bounds: Limits,
    pub tuning: Tuning,
    /// Compiles what is not in the cache; none compiles in this process, which is for plugins of one's own.
    pub compiler: Option<CompilerProcess>,
    /// Runs plugins; none runs them in this process.
    pub worker: Option<WorkerProcess>,
    /// The interfaces of the contract that this host does not back, each with what to do about it.
    pub lacks: BTreeMap<Capability, String>,
}

/// What plugins run in: shared by all runs, cheap to call, one a process.
pub struct Sandbox {
    stages: Arc<Stages>,
    pub(crate) cache: CodeCache,
    pub(crate) worker: Option<WorkerProcess>,
    pub(crate) lacks: BTreeMap<Capability, String>,
    /// How far workers are confined; none where plugins run in this process.
    pub confinement: Option<Confinement>,
}

/// The engines, one for each size of stack that is asked for: it is a setting of the engine, not of a run.
pub struct Stages {
    config: SandboxConfig,
    made: Mutex<BTreeMap<u64, Stage>>,
}

/// An engine with all that a plugin may be linked to.
#[derive(Clone)]
pub struct Stage {
    pub stack_kb: u64,
    pub engine: Engine,
    pub linker: Arc<Linker<RunState>>,
}

impl Stages {
    pub fn new(config: SandboxConfig) -> Self {
        Self { config, made: Mutex::default() }
    }

    pub fn tuning(&self) -> Tuning {
        self.config.tuning
    }

    /// The size of stack that a run gets. Sizes are powers of two: a plugin that asks for one of its own does not
    /// get an engine, and a pool, of its own.
    pub fn stack_kb(asked: u64) -> u64 {
        asked.clamp(LEAST_STACK_KB, Limits::MAX_STACK_KB).next_power_of_two()
    }

    /// The engine for runs with that much stack, made where there is none yet.
    pub fn of(&self, stack_kb: u64) -> Result<Stage, LoadError> {
        let stack_kb = Self::stack_kb(stack_kb);
        let fail = |error: wasmtime::Error| LoadError::Engine(format!("{error:#}"));
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stage) = made.get(&stack_kb) {
            return Ok(stage.clone());
        }
        let engine = Engine::new(&engine_config(&self.config, stack_kb)).map_err(fail)?;
        let mut linker = Linker::new(&engine);
        Contract::ALL
            .into_iter()
            .try_for_each(|contract| host::link_run(&mut linker, contract))
            .map_err(fail)?;
        let stage = Stage { stack_kb, engine, linker: Arc::new(linker) };
        made.insert(stack_kb, stage.clone());
        Ok(stage)
    }
}

impl Default for SandboxConfig {
    fn default() -> Self {
        Self {
            cache: None,
            slots: 1,
            bounds: Limits::bounds(),
            tuning: Tuning::Tuned,
            compiler: None,
            worker: None,
            lacks: BTreeMap::new(),
        }
    }
}

impl Sandbox {
    /// Makes the engine and links the contract's `run` interface.
    pub fn new(config: &SandboxConfig) -> Result<Self, LoadError> {
        let worker = config.worker.clone();
        let confinement = worker.as_ref().map(WorkerProcess::confinement).transpose()?;
        let stages = Arc::new(Stages::new(config.clone()));
        let engine = stages.of(Limits::default().stack_kb)?.engine;
        let cache = CodeCache::new(config.cache.clone(), config.compiler.clone(), &engine);
        let lacks = config.lacks.clone();
        Ok(Self { stages, cache, worker, lacks, confinement })
    }

    pub(crate) fn stages(&self) -> &Arc<Stages> {
        &self.stages
    }

    /// Checks a package against the contract and makes it ready to run, with nothing beyond `run`.
    ///
    /// *Errors*: [`LoadError`]; nothing of the plugin has run then but its `describe`.
    pub fn load(&self, package: &Package) -> Result<LoadedStrategy, LoadError> {
        self.load_granted(package, &Grants::default())
    }

    /// As [`Self::load`], with what a policy grants: of that, what the plugin asks for and imports is linked.
    pub fn load_granted(&self, package: &Package, grants: &Grants) -> Result<LoadedStrategy, LoadError> {
        LoadedStrategy::load(self, package, grants)
    }

    /// What a component imports and exports, whether or not this host would run it.
    pub fn inspect(&self, package: &Package) -> Result<Surface, LoadError> {
        let engine = self.stages.of(Limits::default().stack_kb)?.engine;
        Ok(Surface::of(&self.cache.component(&engine, package)?, &engine))
    }
}

fn engine_config(config: &SandboxConfig, stack_kb: u64) -> Config {
    let stack = usize::try_from(stack_kb.saturating_mul(1 << 10)).unwrap_or(usize::MAX);
    let mut engine = Config::new();
    engine
        .wasm_component_model(true)
        // Nothing of a run may depend on the machine: one bit pattern a NaN, no relaxed SIMD.
        .cranelift_nan_canonicalization(true)
        .wasm_relaxed_simd(false)
        .wasm_memory64(false)
        .wasm_tail_call(true)
        .cranelift_opt_level(OptLevel::Speed)
        .max_wasm_stack(stack)
        // Runs have stacks of their own, so that they can be left at their deadline.
        .async_stack_size(stack.saturating_add(HOST_STACK_BYTES))
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        // Backtraces name functions, no places in them, and nobody else walks these stacks: less to keep and load.
        .generate_address_map(false)
        .native_unwind_info(false)
        .concurrency_support(false)
        .memory_init_cow(true);
    if config.tuning != Tuning::Unlimited {
        engine.consume_fuel(true).operator_cost(operator_cost());
    }
    if matches!(config.tuning, Tuning::Tuned | Tuning::Unaccounted) {
        engine.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(config)));
    }
    engine
}

/// What a process is configured with that only compiles: the same code comes of it as of the tuned
/// engine, and no address space is taken for a pool.
pub fn compile_config() -> Config {
    let config = SandboxConfig { tuning: Tuning::OnDemand, ..SandboxConfig::default() };
    engine_config(&config, Limits::default().stack_kb)
}

/// A grown page is zeroed by the host: it costs as much as that work, which wasmtime charges nothing for.
fn operator_cost() -> OperatorCost {
    let variable = VariableOperatorCost { memory_grow_per_page: u8::MAX, ..VariableOperatorCost::new() };
    OperatorCost { MemoryGrow: u8::MAX, TableGrow: u8::MAX, variable, ..OperatorCost::new() }
}

fn pool(config: &SandboxConfig) -> PoolingAllocationConfig {
    let slots = config.slots.max(1);
    // Older kernels cannot tell which pages were touched: what stays resident is then cleared in full.
    let resident = if PoolingAllocationConfig::is_pagemap_scan_available() { 1 << 20 } else { 64 << 10 };
    let count = |limit: u64| u32::try_from(limit).unwrap_or(u32::MAX);
    let Limits { instances, memories, tables, .. } = config.bounds;
    let [instances, memories, tables] = [instances, memories, tables].map(count);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(slots)
        .total_stacks(slots)
        .total_core_instances(slots.saturating_mul(instances))
        .total_memories(slots.saturating_mul(memories))
        .total_tables(slots.saturating_mul(tables))
        .max_core_instances_per_component(instances)
        .max_memories_per_component(memories)
        .max_tables_per_component(tables)
        .max_memory_size(usize::try_from(config.bounds.memory_bytes()).unwrap_or(usize::MAX))
        .table_elements(usize::try_from(config.bounds.table_elements).unwrap_or(usize::MAX))
        .linear_memory_keep_resident(resident)
        .pagemap_scan(Enabled::Auto);
    pool
}
