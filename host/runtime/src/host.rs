//! The interface `run`: what every plugin may call.
//!
//! *Limits*: a call costs [`CALL_FUEL`], and one unit a byte that it hands over, before anything
//! is kept of it; it counts against `host_calls`, the limit of its kind, `lifted_bytes_call` and `lifted_bytes`.

use std::time::Instant;

use stratagem_domain::{Grid, HostCall, Level};
use wasmtime::component::{Linker, WasmStr};
use wasmtime::{StoreContextMut, Trap};

use crate::bindings::{Allowance, Allowance01, AnswerView, LogLevel, Refusal};
use crate::contract::Contract;
use crate::state::RunState;

/// Fuel of a host call: about the instructions that the crossing and the bookkeeping take.
pub const CALL_FUEL: u64 = 200;

/// A rule that ends the run of a plugin that breaks it.
#[derive(Debug, thiserror::Error)]
#[error("{what}: limit `{name}` is {limit}")]
pub struct Breach {
    what: &'static str,
    name: &'static str,
    limit: u64,
}

impl Breach {
    pub fn new(what: &'static str, name: &'static str, limit: u64) -> Self {
        Self { what, name, limit }
    }
}

type Context<'a> = StoreContextMut<'a, RunState>;

/// Links `run` of a contract, and `types` by way of it.
pub fn link_run(linker: &mut Linker<RunState>, contract: Contract) -> wasmtime::Result<()> {
    let mut run = linker.instance(&contract.interface("run"))?;
    run.func_wrap("offer", |mut store: Context<'_>, (answer,): (AnswerView,)| {
        let offered = offer(&mut store, &answer)?;
        if offered.is_err() {
            store.data_mut().usage.answers_refused += 1;
        }
        Ok((offered,))
    })?;
    run.func_wrap("step", |mut store: Context<'_>, (action, detail, success): (WasmStr, WasmStr, bool)| {
        let texts = [action.to_str(&store)?, detail.to_str(&store)?].map(std::borrow::Cow::into_owned);
        let [action, detail] = texts;
        charge(&mut store, HostCall::Note, action.len() + detail.len())?;
        store.data_mut().step(&action, &detail, success);
        Ok(())
    })?;
    run.func_wrap("log", |mut store: Context<'_>, (level, message): (LogLevel, WasmStr)| {
        let message = message.to_str(&store)?.into_owned();
        charge(&mut store, HostCall::Note, message.len())?;
        store.data_mut().log(level.into(), &message);
        Ok(())
    })?;
    match contract {
        Contract::V0_1 => run.func_wrap("budget", |mut store: Context<'_>, (): ()| {
            let Allowance { fuel, memory_bytes, answers, .. } = budget(&mut store)?;
            Ok((Allowance01 { fuel, memory_bytes, answers },))
        })?,
        Contract::V0_2 => {
            run.func_wrap("budget", |mut store: Context<'_>, (): ()| Ok((budget(&mut store)?,)))?;
        }
    }
    run.func_wrap("seed", |mut store: Context<'_>, (): ()| {
        charge(&mut store, HostCall::Query, 0)?;
        Ok((store.data().seed,))
    })?;
    run.func_wrap("setting", |mut store: Context<'_>, (key,): (WasmStr,)| {
        let key = key.to_str(&store)?.into_owned();
        let value = store.data().settings.get(&key).cloned();
        charge(&mut store, HostCall::Query, key.len() + value.as_ref().map_or(0, String::len))?;
        Ok((value,))
    })?;
    Ok(())
}

/// Reads an answer where it lies in the plugin's memory; only a valid grid is copied out.
fn offer(store: &mut Context<'_>, answer: &AnswerView) -> wasmtime::Result<Result<(), Refusal>> {
    let rationale = answer.rationale.to_str(&*store)?.into_owned();
    charge(store, HostCall::Offer, answer.output.cells.len() + rationale.len())?;
    let state = store.data_mut();
    if state.answers_left() == 0 {
        state.hit("answers");
        return Ok(Err(Refusal::Exhausted(format!("answers: limit {}", state.limits.answers))));
    }
    let cells = answer.output.cells.as_le_slice(&*store);
    let grid = match Grid::new(answer.output.width, answer.output.height, cells) {
        Ok(grid) => grid,
        Err(error) => return Ok(Err(Refusal::Invalid(format!("output: {error}")))),
    };
    Ok(store.data_mut().offer(answer.test_index, grid, answer.confidence, &rationale))
}

/// What is left of the run's limits.
fn budget(store: &mut Context<'_>) -> wasmtime::Result<Allowance> {
    charge(store, HostCall::Query, 0)?;
    let fuel = store.get_fuel()?;
    let state = store.data();
    let (limits, usage) = (&state.limits, &state.usage);
    Ok(Allowance {
        fuel,
        memory_bytes: state.limiter.memory_left(),
        answers: u32::try_from(state.answers_left()).unwrap_or(u32::MAX),
        steps: limits.steps.saturating_sub(state.steps.len() as u64),
        log_bytes: limits.log_bytes.saturating_sub(usage.log_bytes),
        host_calls: limits.host_calls.saturating_sub(usage.host_calls),
        handed_bytes: limits.lifted_bytes.saturating_sub(usage.lifted_bytes),
        device_ms: limits.device_ms.saturating_sub(usage.device_ms),
    })
}

/// Counts a call and takes its fuel.
///
/// *Errors*: the plugin's fault; they end the run.
pub fn charge(store: &mut Context<'_>, kind: HostCall, bytes: usize) -> wasmtime::Result<()> {
    count(store.data_mut(), kind, bytes)?;
    if !store.data().metered {
        return Ok(());
    }
    let left = store.get_fuel()?.checked_sub(CALL_FUEL + bytes as u64);
    store.set_fuel(left.unwrap_or(0))?;
    left.map(|_| ()).ok_or_else(|| Trap::OutOfFuel.into())
}

/// Counts a call and the bytes that cross with it.
pub fn count(state: &mut RunState, kind: HostCall, bytes: usize) -> wasmtime::Result<()> {
    // A call sets the fuel, and begins a new slice with it.
    if state.deadline.is_some_and(|at| Instant::now() >= at) {
        return Err(Trap::Interrupt.into());
    }
    state.forget_last_error();
    let (limits, usage) = (&state.limits, &mut state.usage);
    usage.host_calls += 1;
    let of_kind = usage.calls.of(kind);
    *of_kind += 1;
    let breach = if usage.host_calls > limits.host_calls {
        Some(("host_calls", "too many host calls", limits.host_calls))
    } else if *of_kind > limits.calls(kind) {
        Some((limit_name(kind), "too many host calls of this kind", limits.calls(kind)))
    } else {
        None
    };
    if let Some((name, what, limit)) = breach {
        state.hit(name);
        return Err(Breach { what, name, limit }.into());
    }
    count_bytes(state, bytes)
}

/// Counts bytes of the call that is under way.
pub fn count_bytes(state: &mut RunState, bytes: usize) -> wasmtime::Result<()> {
    let (limits, usage) = (&state.limits, &mut state.usage);
    usage.lifted_bytes += bytes as u64;
    usage.lifted_bytes_call_peak = usage.lifted_bytes_call_peak.max(bytes as u64);
    if usage.lifted_bytes <= limits.lifted_bytes {
        return Ok(());
    }
    let limit = limits.lifted_bytes;
    state.hit("lifted_bytes");
    Err(Breach::new("too many bytes handed to the host", "lifted_bytes", limit).into())
}

fn limit_name(kind: HostCall) -> &'static str {
    match kind {
        HostCall::Offer => "offer_calls",
        HostCall::Note => "note_calls",
        HostCall::Query => "query_calls",
        HostCall::Wasi => "wasi_calls",
        HostCall::Memory => "memory_calls",
        HostCall::Artifacts => "artifact_calls",
        HostCall::Ttt => "ttt_calls",
        HostCall::Llm => "llm_calls",
    }
}

impl From<LogLevel> for Level {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Debug => Self::Debug,
            LogLevel::Info => Self::Info,
            LogLevel::Warn => Self::Warn,
            LogLevel::Error => Self::Error,
        }
    }
}
