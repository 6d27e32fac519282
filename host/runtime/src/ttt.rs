//! The interface `ttt`: adaptations are trained by the run's backing; a plugin holds them as resources, by their numbers.
//!
//! *Limits*: as in `lent`; beyond them `device_ms`, and `device_memory_mb`, to which the backing keeps.

use stratagem_domain::training::{AdaptationNumber, Said, Schedule, Trained, Training};
use stratagem_domain::{Call, Grid, HostCall, Pair, Reply};
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, LinkerInstance, Resource, ResourceType};

use crate::bindings::{
    AdaptationHandle, GridView, MetricsRecord, MetricsRecord01, PairView, Refusal, SampleRecord, ScheduleView,
};
use crate::contract::Contract;
use crate::host::charge;
use crate::lent::ask;
use crate::state::RunState;

type Context<'a> = StoreContextMut<'a, RunState>;
type Adaptation = Resource<AdaptationHandle>;
type Told<T> = wasmtime::Result<(Result<T, Refusal>,)>;

pub fn link(linker: &mut Linker<RunState>, contract: Contract) -> wasmtime::Result<()> {
    let mut ttt = linker.instance(&contract.interface("ttt"))?;
    ttt.resource("adaptation", ResourceType::host::<AdaptationHandle>(), |mut store, adaptation| {
        trained(&mut store, Training::Release { adaptation }).map(drop)
    })?;
    match contract {
        Contract::V0_1 => link_0_1(&mut ttt)?,
        Contract::V0_2 => link_latest(&mut ttt)?,
    }
    ttt.func_wrap(
        "[method]adaptation.predict",
        |mut store: Context<'_>, (adaptation, input, samples): (Adaptation, GridView, u32)| {
            let input = match read(&mut store, &input, "input")? {
                Ok(input) => input,
                Err(refusal) => return Ok((Err(refusal),)),
            };
            let told =
                trained(&mut store, Training::Predict { adaptation: adaptation.rep(), input, samples })?;
            Ok((told.map(|trained| match trained.said {
                Said::Samples(samples) => samples.into_iter().map(SampleRecord::from).collect(),
                _ => Vec::new(),
            }),))
        },
    )?;
    ttt.func_wrap("[method]adaptation.save", |mut store: Context<'_>, (adaptation,): (Adaptation,)| {
        let told = trained(&mut store, Training::Save { adaptation: adaptation.rep() })?;
        Ok((told.map(|trained| match trained.said {
            Said::Saved { id, .. } => id,
            _ => String::new(),
        }),))
    })
}

/// What differs in 0.1.0: the inputs that are asked for are the run's own, and every output has a likelihood.
fn link_0_1(ttt: &mut LinkerInstance<'_, RunState>) -> wasmtime::Result<()> {
    ttt.func_wrap(
        "[static]adaptation.start",
        |mut store: Context<'_>, (base, shown, seed): (Option<String>, Vec<PairView>, u64)| {
            let inputs = store.data().inputs.clone();
            start(&mut store, base, &shown, inputs, seed)
        },
    )?;
    ttt.func_wrap(
        "[method]adaptation.train",
        |mut store: Context<'_>, (adaptation, schedule): (Adaptation, ScheduleView)| {
            let (told,) = train(&mut store, &adaptation, &schedule)?;
            Ok((told.map(MetricsRecord01::from),))
        },
    )?;
    ttt.func_wrap(
        "[method]adaptation.score",
        |mut store: Context<'_>, (adaptation, input, output): (Adaptation, GridView, GridView)| {
            let (told,) = score(&mut store, &adaptation, &input, &output)?;
            Ok((told.map(|score| score.unwrap_or(f64::NEG_INFINITY)),))
        },
    )
}

fn link_latest(ttt: &mut LinkerInstance<'_, RunState>) -> wasmtime::Result<()> {
    type Started = (Option<String>, Vec<PairView>, Vec<GridView>, u64);
    ttt.func_wrap(
        "[static]adaptation.start",
        |mut store: Context<'_>, (base, shown, asked, seed): Started| {
            let mut inputs = Vec::with_capacity(asked.len());
            for input in &asked {
                match read(&mut store, input, "inputs")? {
                    Ok(input) => inputs.push(input),
                    Err(refusal) => return Ok((Err(refusal),)),
                }
            }
            start(&mut store, base, &shown, inputs, seed)
        },
    )?;
    ttt.func_wrap(
        "[method]adaptation.train",
        |mut store: Context<'_>, (adaptation, schedule): (Adaptation, ScheduleView)| {
            train(&mut store, &adaptation, &schedule)
        },
    )?;
    ttt.func_wrap(
        "[method]adaptation.score",
        |mut store: Context<'_>, (adaptation, input, output): (Adaptation, GridView, GridView)| {
            score(&mut store, &adaptation, &input, &output)
        },
    )
}

fn start(
    store: &mut Context<'_>,
    base: Option<String>,
    shown: &[PairView],
    inputs: Vec<Grid>,
    seed: u64,
) -> Told<Adaptation> {
    let mut demonstrations = Vec::with_capacity(shown.len());
    for PairView { input, output } in shown {
        let pair = match (read(store, input, "demonstrations")?, read(store, output, "demonstrations")?) {
            (Ok(input), Ok(output)) => Pair { input, output },
            (Err(refusal), _) | (_, Err(refusal)) => return Ok((Err(refusal),)),
        };
        demonstrations.push(pair);
    }
    let told = trained(store, Training::Start { base, demonstrations, inputs, seed })?;
    let number = |trained: Trained| match trained.said {
        Said::Started(number) => number,
        _ => AdaptationNumber::MAX,
    };
    Ok((told.map(|trained| Resource::new_own(number(trained))),))
}

fn train(store: &mut Context<'_>, adaptation: &Adaptation, schedule: &ScheduleView) -> Told<MetricsRecord> {
    let &ScheduleView { steps, learning_rate, views } = schedule;
    let schedule = Schedule { steps, learning_rate, views };
    let told = trained(store, Training::Train { adaptation: adaptation.rep(), schedule })?;
    Ok((told.map(MetricsRecord::from),))
}

fn score(
    store: &mut Context<'_>,
    adaptation: &Adaptation,
    input: &GridView,
    output: &GridView,
) -> Told<Option<f64>> {
    let (input, output) = match (read(store, input, "input")?, read(store, output, "output")?) {
        (Ok(input), Ok(output)) => (input, output),
        (Err(refusal), _) | (_, Err(refusal)) => return Ok((Err(refusal),)),
    };
    let told = trained(store, Training::Score { adaptation: adaptation.rep(), input, output })?;
    Ok((told.map(|trained| match trained.said {
        Said::Score(score) => score,
        _ => None,
    }),))
}

fn trained(store: &mut Context<'_>, asked: Training) -> wasmtime::Result<Result<Trained, Refusal>> {
    let reply = ask(store, Call::Training(asked))?;
    Ok(reply.and_then(|reply| match reply {
        Reply::Trained(trained) => Ok(trained),
        _ => Err(Refusal::Unavailable("nothing was trained".to_owned())),
    }))
}

/// Copies a valid grid out of the plugin's memory; one that is not is counted as a call.
fn read(store: &mut Context<'_>, view: &GridView, what: &str) -> wasmtime::Result<Result<Grid, Refusal>> {
    let read = Grid::new(view.width, view.height, view.cells.as_le_slice(&*store));
    if read.is_err() {
        charge(store, HostCall::Ttt, view.cells.len())?;
    }
    Ok(read.map_err(|error| Refusal::Invalid(format!("{what}: {error}"))))
}
