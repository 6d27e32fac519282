//! The worker's side: takes one job from stdin, confines itself, does it, and is gone.

use std::io::{self, Write};
use std::sync::Arc;
use std::thread;

use stratagem_domain::{Backing, Call, Declined, GridError, Lesson, Limits, Reply, Task};

use super::GRACE;
use super::confine::{self, Phase, Rations};
use super::wire::{
    ASKS, Confinement, DONE, IntroductionMessage, Job, ReportMessage, Work, frame, message, read_bytes,
    read_frame,
};
use crate::cache::deserialize;
use crate::contract::Contract;
use crate::engine::{SandboxConfig, Stage, Stages, Tuning};
use crate::lent::Lent;
use crate::run::{Introduction, Linked, thread_cpu};
use crate::wasi::Links;

/// What the process itself takes: its stacks, its engine and what the allocator keeps.
const OWN_BYTES: u64 = 256 << 20;
/// Bytes of a table's element.
const ELEMENT_BYTES: u64 = 16;

/// Does the one job that stands on stdin. The program calls this and nothing else.
///
/// The plugin runs on a thread whose stack no `ulimit` decides; this one ticks its deadline.
///
/// *Errors*: why nothing was run, for stderr; the process then ends with status 1.
pub fn worker_child() -> Result<(), String> {
    // The first look at a clock asks the system where it is, which is forbidden below.
    thread_cpu();
    let unread = |error: io::Error| format!("no job: {error}");
    let mut stdin = io::stdin().lock();
    let job: Job<'static> = message(&read_frame(&mut stdin).map_err(unread)?)?;
    let Job { parent, limits, contract, links, code_bytes, work } = job;
    let rations = rations(&limits, code_bytes, links.bytes(), links.lends());
    let code = read_bytes(&mut stdin, code_bytes).map_err(unread)?;
    let links = links.receive(&mut stdin).map_err(unread)?;
    // What the host answers is read where the plugin runs.
    drop(stdin);
    confine::detach(parent)?;
    let confinement = Confinement { landlock: confine::landlock()? };
    confine::limit(rations)?;
    // No pool: this process has one run, and no address space for more.
    let config = SandboxConfig { tuning: Tuning::OnDemand, ..SandboxConfig::default() };
    let stages = Arc::new(Stages::new(config));
    let stage = stages.of(limits.stack_kb).map_err(|error| error.to_string())?;
    let run = move || {
        confine::filter(Phase::Load)?;
        let link = || link(&stages, &stage, &code, contract, links);
        let linked = if code.is_empty() { None } else { Some(link()?) };
        drop(code);
        confine::forbid_more()?;
        confine::filter(Phase::Run)?;
        // From here on whatever ends the process may be the plugin's doing.
        say(&frame(&confinement))?;
        say(&answer(work, linked.as_ref(), &limits)?)?;
        // The system takes back the plugin's memory faster than it is taken apart here.
        std::process::exit(0)
    };
    let run = thread::Builder::new()
        .name("run".into())
        .stack_size(Limits::THREAD_STACK_BYTES)
        .spawn(run)
        .map_err(|error| format!("no thread to run on: {error}"))?;
    // Its words are on stderr already.
    run.join().unwrap_or_else(|_| Err("the worker panicked".to_owned()))
}

/// Enough for a run that keeps to its limits: whoever reaches these is out of the sandbox.
fn rations(limits: &Limits, code_bytes: u64, links_bytes: u64, lends: bool) -> Rations {
    let report = ReportMessage::most_bytes(limits) as u64;
    let parts = [
        OWN_BYTES,
        limits.memory_bytes(),
        limits.table_elements.saturating_mul(ELEMENT_BYTES),
        // As they came, and as they are mapped to be run.
        code_bytes.saturating_mul(3),
        // As they came, and as they are shared.
        links_bytes.saturating_mul(2),
        report.saturating_mul(3),
        // What it gets, as it comes, as it is read and as it is handed over.
        if lends { limits.lent_bytes.saturating_mul(3) } else { 0 },
        limits.lifted_bytes_call.saturating_mul(3),
    ];
    Rations {
        cpu_seconds: limits.wall_ms.div_ceil(1_000) + GRACE.as_secs(),
        data_bytes: parts.into_iter().fold(0, u64::saturating_add),
        image_bytes: code_bytes,
    }
}

/// The host, behind the pipes: what a plugin asks for crosses to it.
struct Beyond;

impl Backing for Beyond {
    fn answer(&self, call: &Call) -> Result<Reply, Declined> {
        let asked = say(&frame(&(ASKS, call))).and_then(|()| {
            let reply = read_frame(&mut io::stdin().lock()).map_err(|error| format!("stdin: {error}"))?;
            message(&reply)
        });
        // Without a host nobody hears what becomes of the run.
        asked.unwrap_or_else(|error| Err(Declined::Unavailable(error)))
    }
}

/// Does the work, and frames what came of it.
fn answer(work: Work<'_>, linked: Option<&Linked>, limits: &Limits) -> Result<Vec<u8>, String> {
    let wrong = |error: GridError| format!("no task: {error}");
    let lent = || Lent::elsewhere(Arc::new(Beyond));
    Ok(match (work, linked) {
        (Work::Introduce { seed, settings }, Some(linked)) => {
            let Introduction { said, report, types } = linked.introduce(seed, limits, &settings);
            frame(&(DONE, IntroductionMessage { said, report: report.into(), types }))
        }
        (Work::Learn { lessons, seed, settings }, Some(linked)) => {
            let lessons = lessons.into_iter().map(Lesson::try_from).collect::<Result<Vec<_>, _>>();
            let report = linked.learn(&lessons.map_err(wrong)?, seed, limits, &settings, lent());
            frame(&(DONE, ReportMessage::from(report)))
        }
        (Work::Solve { task, seed, settings }, Some(linked)) => {
            let task = Task::try_from(task).map_err(wrong)?;
            frame(&(DONE, ReportMessage::from(linked.run(&task, seed, limits, &settings, lent()))))
        }
        _ => frame(&(DONE, ())),
    })
}

fn link(
    stages: &Arc<Stages>,
    stage: &Stage,
    code: &[u8],
    contract: Contract,
    links: Links,
) -> Result<Linked, String> {
    let load = || {
        let component = deserialize(&stage.engine, code)?;
        // Later no file can be made, and a memory that is filled without one costs the plugin fuel.
        component.initialize_copy_on_write_image()?;
        Ok(component)
    };
    let component = load().map_err(|error: wasmtime::Error| format!("{error:#}"))?;
    Linked::new(stages, stage, component, contract, links)
}

fn say(bytes: &[u8]) -> Result<(), String> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(|error| format!("stdout: {error}"))
}
