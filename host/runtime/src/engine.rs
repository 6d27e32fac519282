use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use stratagem_domain::Limits;
use wasmtime::component::Linker;
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, OperatorCost, OptLevel, PoolingAllocationConfig,
    VariableOperatorCost, WasmBacktraceDetails,
};

use crate::cache::CodeCache;
use crate::compiler::CompilerProcess;
use crate::contract::Surface;
use crate::limiter::{MAX_INSTANCES, MAX_MEMORIES, MAX_TABLES};
use crate::state::RunState;
use crate::{LoadError, LoadedStrategy, Package, host};

/// How often the deadline is looked at.
pub const TICK: Duration = Duration::from_millis(5);

/// Native stack of one run. The thread that runs plugins needs this much and its own.
const MAX_WASM_STACK_BYTES: usize = 1 << 20;

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
}

/// The engine that plugins run in: shared by all runs, cheap to call, one a process.
pub struct Sandbox {
    pub(crate) engine: Engine,
    pub(crate) linker: Linker<RunState>,
    pub(crate) cache: CodeCache,
    pub(crate) metered: bool,
    stop: Arc<AtomicBool>,
    ticker: Option<JoinHandle<()>>,
}

impl Default for SandboxConfig {
    fn default() -> Self {
        Self { cache: None, slots: 1, bounds: Limits::bounds(), tuning: Tuning::Tuned, compiler: None }
    }
}

impl Sandbox {
    /// Makes the engine, links the contract's `run` interface, and starts the thread that ticks deadlines.
    pub fn new(config: &SandboxConfig) -> Result<Self, LoadError> {
        let fail = |error: wasmtime::Error| LoadError::Engine(format!("{error:#}"));
        let engine = Engine::new(&engine_config(config)).map_err(fail)?;
        let mut linker = Linker::new(&engine);
        host::link_run(&mut linker).map_err(fail)?;
        let cache = CodeCache::new(config.cache.clone(), config.compiler.clone(), &engine);
        let stop = Arc::new(AtomicBool::new(false));
        let ticker = start_ticker(&engine, &stop)?;
        let metered = config.tuning != Tuning::Unlimited;
        Ok(Self { engine, linker, cache, metered, stop, ticker: Some(ticker) })
    }

    /// Checks a package against the contract and makes it ready to run.
    ///
    /// *Errors*: [`LoadError`]; nothing of the plugin has run then but its `describe`.
    pub fn load(&self, package: &Package) -> Result<LoadedStrategy, LoadError> {
        LoadedStrategy::load(self, package)
    }

    /// What a component imports and exports, whether or not this host would run it.
    pub fn inspect(&self, package: &Package) -> Result<Surface, LoadError> {
        Ok(Surface::of(&self.cache.component(&self.engine, package)?, &self.engine))
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(ticker) = self.ticker.take() {
            ticker.thread().unpark();
            let _ = ticker.join();
        }
    }
}

/// Deadlines tick on a thread of their own: no run, and no pool of workers, can hold them up.
fn start_ticker(engine: &Engine, stop: &Arc<AtomicBool>) -> Result<JoinHandle<()>, LoadError> {
    let (engine, stop) = (engine.clone(), Arc::clone(stop));
    let tick = move || {
        while !stop.load(Ordering::Relaxed) {
            std::thread::park_timeout(TICK);
            engine.increment_epoch();
        }
    };
    std::thread::Builder::new()
        .name("deadline".into())
        .spawn(tick)
        .map_err(|error| LoadError::Engine(format!("no thread for deadlines: {error}")))
}

fn engine_config(config: &SandboxConfig) -> Config {
    let mut engine = Config::new();
    engine
        .wasm_component_model(true)
        // Nothing of a run may depend on the machine: one bit pattern a NaN, no relaxed SIMD.
        .cranelift_nan_canonicalization(true)
        .wasm_relaxed_simd(false)
        .wasm_memory64(false)
        .wasm_tail_call(true)
        .cranelift_opt_level(OptLevel::Speed)
        .max_wasm_stack(MAX_WASM_STACK_BYTES)
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .concurrency_support(false)
        .memory_init_cow(true);
    if config.tuning != Tuning::Unlimited {
        engine.consume_fuel(true).operator_cost(operator_cost()).epoch_interruption(true);
    }
    if config.tuning == Tuning::Tuned {
        engine.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(config)));
    }
    engine
}

/// What a process is configured with that only compiles: the same code comes of it as of the tuned
/// engine, and no address space is taken for a pool.
pub fn compile_config() -> Config {
    engine_config(&SandboxConfig { tuning: Tuning::OnDemand, ..SandboxConfig::default() })
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
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(slots)
        .total_core_instances(slots * MAX_INSTANCES as u32)
        .total_memories(slots * MAX_MEMORIES as u32)
        .total_tables(slots * MAX_TABLES as u32)
        .max_core_instances_per_component(MAX_INSTANCES as u32)
        .max_memories_per_component(MAX_MEMORIES as u32)
        .max_tables_per_component(MAX_TABLES as u32)
        .max_memory_size(usize::try_from(config.bounds.memory_bytes()).unwrap_or(usize::MAX))
        .table_elements(usize::try_from(config.bounds.table_elements).unwrap_or(usize::MAX))
        .linear_memory_keep_resident(resident)
        .pagemap_scan(Enabled::Auto);
    pool
}
