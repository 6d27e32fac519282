//! The interface `run`: what every plugin may call.
//!
//! *Limits*: a call costs [`CALL_FUEL`], and one unit a byte that it hands over, before anything
//! is kept of it; it counts against `host_calls`, `lifted_bytes_call` and `lifted_bytes`.

use stratagem_domain::{Grid, Level};
use wasmtime::component::{Linker, WasmStr};
use wasmtime::{StoreContextMut, Trap};

use crate::bindings::{Allowance, AnswerView, LogLevel, Refusal};
use crate::contract::RUN;
use crate::state::RunState;

/// Fuel of a host call: about the instructions that the crossing and the bookkeeping take.
pub const CALL_FUEL: u64 = 200;

/// A rule that ends the run of a plugin that breaks it.
#[derive(Debug, thiserror::Error)]
#[error("{what}: limit {limit}")]
pub struct Breach {
    what: &'static str,
    limit: u64,
}

type Context<'a> = StoreContextMut<'a, RunState>;

/// Links `run`, and `types` by way of it.
pub fn link_run(linker: &mut Linker<RunState>) -> wasmtime::Result<()> {
    let mut run = linker.instance(RUN)?;
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
        charge(&mut store, action.len() + detail.len())?;
        store.data_mut().step(&action, &detail, success);
        Ok(())
    })?;
    run.func_wrap("log", |mut store: Context<'_>, (level, message): (LogLevel, WasmStr)| {
        let message = message.to_str(&store)?.into_owned();
        charge(&mut store, message.len())?;
        store.data_mut().log(level.into(), &message);
        Ok(())
    })?;
    run.func_wrap("budget", |mut store: Context<'_>, (): ()| {
        charge(&mut store, 0)?;
        let fuel = store.get_fuel()?;
        let state = store.data();
        let answers = u32::try_from(state.answers_left()).unwrap_or(u32::MAX);
        Ok((Allowance { fuel, memory_bytes: state.limiter.memory_left(), answers },))
    })?;
    run.func_wrap("seed", |mut store: Context<'_>, (): ()| {
        charge(&mut store, 0)?;
        Ok((store.data().seed,))
    })?;
    run.func_wrap("setting", |mut store: Context<'_>, (key,): (WasmStr,)| {
        let key = key.to_str(&store)?.into_owned();
        let value = store.data().settings.get(&key).cloned();
        charge(&mut store, key.len() + value.as_ref().map_or(0, String::len))?;
        Ok((value,))
    })?;
    Ok(())
}

/// Reads an answer where it lies in the plugin's memory; only a valid grid is copied out.
fn offer(store: &mut Context<'_>, answer: &AnswerView) -> wasmtime::Result<Result<(), Refusal>> {
    let rationale = answer.rationale.to_str(&*store)?.into_owned();
    charge(store, answer.output.cells.len() + rationale.len())?;
    if store.data().answers_left() == 0 {
        return Ok(Err(Refusal::Exhausted(format!("answers: limit {}", store.data().limits.answers))));
    }
    let cells = answer.output.cells.as_le_slice(&*store);
    let grid = match Grid::new(answer.output.width, answer.output.height, cells) {
        Ok(grid) => grid,
        Err(error) => return Ok(Err(Refusal::Invalid(format!("output: {error}")))),
    };
    Ok(store
        .data_mut()
        .offer(answer.test_index, grid, answer.confidence, &rationale)
        .map_err(Refusal::Invalid))
}

/// Counts a call and takes its fuel.
///
/// *Errors*: the plugin's fault; they end the run.
fn charge(store: &mut Context<'_>, bytes: usize) -> wasmtime::Result<()> {
    let state = store.data_mut();
    state.forget_last_error();
    state.usage.host_calls += 1;
    state.usage.lifted_bytes += bytes as u64;
    let limits = &state.limits;
    let breach = |what, limit| Err(wasmtime::Error::from(Breach { what, limit }));
    if state.usage.host_calls > limits.host_calls {
        return breach("too many host calls", limits.host_calls);
    }
    if state.usage.lifted_bytes > limits.lifted_bytes {
        return breach("too many bytes handed to the host", limits.lifted_bytes);
    }
    if !state.metered {
        return Ok(());
    }
    let left = store.get_fuel()?.checked_sub(CALL_FUEL + bytes as u64);
    store.set_fuel(left.unwrap_or(0))?;
    left.map(|_| ()).ok_or_else(|| Trap::OutOfFuel.into())
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
