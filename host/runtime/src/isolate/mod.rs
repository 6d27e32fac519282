//! Runs plugins in processes of their own: what breaks out of the sandbox finds itself in a cell.
//!
//! A process runs one job and ends: nothing of a run can reach another. What it may reach is in
//! [`confine`], what it may say in `wire`, and docs/decisions/0006-worker-processes.md says why so.

#[cfg(target_os = "linux")]
pub mod confine;
mod dialogue;
mod links;
mod wire;
#[cfg(target_os = "linux")]
mod worker;

use std::borrow::Cow;
use std::fmt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use stratagem_domain::{Backing, Ending, Lesson, Limits, RunReport, Settings, Task, Usage, escape, grouped};
use wasmtime::component::Component;

use crate::LoadError;
use crate::child::{Answer, Said, converse};
use crate::contract::Contract;
use crate::run::{Description, Introduction, MAX_REASON_CHARS, small};
use crate::wasi::Links;

use dialogue::Dialogue;
use links::files;
pub use wire::Confinement;
use wire::{DONE, IntroductionMessage, Job, ReportMessage, Work, frame, message, most_asked, next_frame};
#[cfg(target_os = "linux")]
pub use worker::worker_child;

/// What a worker may take beyond a run's own deadline: to start, to read its code, to answer.
const GRACE: Duration = Duration::from_secs(10);
/// The most that a worker says beside its report: its confinement, or a description.
const MAX_SMALL_BYTES: usize = 16 << 10;

/// The program that is a worker. It calls [`worker_child`] and nothing else.
#[derive(Clone, Debug)]
pub struct WorkerProcess {
    pub program: PathBuf,
    pub args: Vec<String>,
}

/// A plugin that runs in workers only.
pub(crate) struct Isolated {
    worker: WorkerProcess,
    contract: Contract,
    links: Links,
    code: Vec<u8>,
}

#[cfg(not(target_os = "linux"))]
pub fn worker_child() -> Result<(), String> {
    Err("workers can be confined on Linux only".to_owned())
}

impl fmt::Display for Confinement {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.landlock {
            Some(abi) => write!(out, "rlimits, Landlock ABI {abi}, seccomp"),
            None => write!(out, "rlimits, seccomp; this kernel has no Landlock"),
        }
    }
}

impl WorkerProcess {
    /// Has a worker confine itself as it would before a run, and says how far that went.
    ///
    /// *Errors*: the host's: without limits or without the filter of system calls no worker works.
    pub fn confinement(&self) -> Result<Confinement, LoadError> {
        if !cfg!(target_os = "linux") {
            return Err(LoadError::NoIsolation("workers can be confined on Linux only".to_owned()));
        }
        let heard = self.ask(Work::Confine, &small(), Contract::LATEST, &Links::default(), &[], None);
        let heard = heard.map_err(|ending| LoadError::NoIsolation(ending.reason().unwrap_or_default()))?;
        Ok(heard.confinement)
    }

    /// Has a worker do one job.
    ///
    /// *Errors*: how a run ends whose worker did not answer.
    fn ask(
        &self,
        work: Work<'_>,
        limits: &Limits,
        contract: Contract,
        links: &Links,
        code: &[u8],
        mut dialogue: Option<&mut Dialogue<'_>>,
    ) -> Result<Heard, Ending> {
        let asked = if dialogue.is_some() { most_asked(limits) } else { 0 };
        let most = MAX_SMALL_BYTES.saturating_add(ReportMessage::most_bytes(limits).max(asked));
        let job = Job {
            parent: std::process::id(),
            limits: Cow::Borrowed(limits),
            contract,
            links: links.into(),
            code_bytes: code.len() as u64,
            work,
        };
        let mut command = Command::new(&self.program);
        command.args(&self.args).env_clear().current_dir("/");
        // Ctrl-C is the host's: it lets running tasks finish, or ends, and its workers with it.
        command.process_group(0);
        let limit = Duration::from_millis(limits.wall_ms).saturating_add(GRACE);
        let asked = frame(&job);
        let input: Vec<&[u8]> = [asked.as_slice(), code].into_iter().chain(files(links)).collect();
        let said = {
            let mut turn = dialogue.as_deref_mut().map(|dialogue| |said: &mut Vec<u8>| dialogue.turn(said));
            let answer = turn.as_mut().map(|turn| turn as Answer<'_>);
            converse(&mut command, &input, limit, most, answer)
        };
        if let Some(lie) = dialogue.and_then(|dialogue| dialogue.lie.take()) {
            return Err(nonsense(&lie));
        }
        let said = said
            .map_err(|error| Ending::HostFault(format!("no worker process: {error}")))?
            .ok_or(Ending::PastDeadline)?;
        Heard::of(&said, most)
    }
}

/// What a worker said that did its job.
struct Heard {
    confinement: Confinement,
    reply: Vec<u8>,
}

impl Heard {
    fn of(said: &Said, most: usize) -> Result<Self, Ending> {
        let mut rest = said.output.as_slice();
        let Some(began) = next_frame(&mut rest) else { return Err(not_begun(said)) };
        if said.output.len() > most {
            return Err(Ending::Crashed(format!("the worker said over {} bytes", grouped(most as u64))));
        }
        match next_frame(&mut rest) {
            Some(&[DONE, ref reply @ ..]) if rest.is_empty() && said.status.success() => {
                let confinement = message(began).map_err(|error| nonsense(&error))?;
                Ok(Self { confinement, reply: reply.to_vec() })
            }
            Some(_) if said.status.success() => Err(nonsense("no report, or more than one")),
            _ => Err(lost(said)),
        }
    }
}

/// A worker that ended before its plugin began: that is no plugin's doing.
fn not_begun(said: &Said) -> Ending {
    Ending::HostFault(format!("the worker {} before the plugin began", how(said)))
}

/// A worker that ended while its plugin ran. Signals that no instruction raises came from outside.
fn lost(said: &Said) -> Ending {
    let signal = said.status.signal();
    let is = |signals: &[Signal]| signals.iter().any(|one| signal == Some(one.as_raw()));
    if is(&[Signal::XCPU]) {
        return Ending::PastDeadline;
    }
    if is(&[Signal::KILL, Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT]) {
        let who = "by somebody, or by the system for want of memory";
        return Ending::HostFault(format!("the worker {}, {who}", how(said)));
    }
    Ending::Crashed(if is(&[Signal::SYS]) {
        format!("the worker {}: it made a system call that no worker makes", how(said))
    } else {
        format!("the worker {}", how(said))
    })
}

fn nonsense(what: &str) -> Ending {
    Ending::Crashed(format!("the worker said what none says: {}", escape(what, 200)))
}

/// How a process ended, and its last words.
fn how(Said { status, words, .. }: &Said) -> String {
    let status: ExitStatus = *status;
    let words = words.trim_start_matches("error: ");
    if words.is_empty() {
        format!("ended with {status}")
    } else {
        format!("ended with {status} ({})", escape(words, 400))
    }
}

impl Isolated {
    /// *Errors*: the host's; the component's code cannot be handed on.
    pub fn new(
        worker: &WorkerProcess,
        component: &Component,
        contract: Contract,
        links: &Links,
    ) -> Result<Self, LoadError> {
        let code = component.serialize().map_err(|error| LoadError::Engine(format!("{error:#}")))?;
        Ok(Self { worker: worker.clone(), contract, links: links.clone(), code })
    }

    fn ask(
        &self,
        work: Work<'_>,
        limits: &Limits,
        dialogue: Option<&mut Dialogue<'_>>,
    ) -> Result<Heard, Ending> {
        self.worker.ask(work, limits, self.contract, &self.links, &self.code, dialogue)
    }

    /// All that runs of the plugin before its first task.
    pub fn introduce(&self, seed: u64, limits: &Limits, settings: &Settings) -> Introduction {
        let (mut said, mut types) = (None, Ok(()));
        let work = Work::Introduce { seed, settings: Cow::Borrowed(settings) };
        let report = self.measured(work, limits, None, |reply| {
            let introduction: IntroductionMessage = message(reply)?;
            said = introduction.said.map(Description::plain);
            types = introduction.types.map_err(|reason| escape(&reason, MAX_REASON_CHARS));
            introduction.report.check(limits, 0)
        });
        // Whoever was lost has said nothing.
        let said = said.filter(|_| report.ending == Ending::Returned);
        Introduction { said, report, types }
    }

    pub fn learn(
        &self,
        lessons: &[Lesson],
        seed: u64,
        limits: &Limits,
        settings: &Settings,
        backing: Arc<dyn Backing>,
    ) -> RunReport {
        let lessons = lessons.iter().map(wire::LessonMessage::from).collect();
        let work = Work::Learn { lessons, seed, settings: Cow::Borrowed(settings) };
        let dialogue = self.dialogue(limits, backing);
        self.measured(work, limits, dialogue, |reply| message::<ReportMessage>(reply)?.check(limits, 0))
    }

    /// Runs the plugin on a task.
    pub fn run(
        &self,
        task: &Task,
        seed: u64,
        limits: &Limits,
        settings: &Settings,
        backing: Arc<dyn Backing>,
    ) -> RunReport {
        let work = Work::Solve { task: task.into(), seed, settings: Cow::Borrowed(settings) };
        let (tests, dialogue) = (task.test.len(), self.dialogue(limits, backing));
        self.measured(work, limits, dialogue, |reply| message::<ReportMessage>(reply)?.check(limits, tests))
    }

    /// None for a plugin that may ask for nothing.
    fn dialogue<'a>(&'a self, limits: &'a Limits, backing: Arc<dyn Backing>) -> Option<Dialogue<'a>> {
        self.links.lends().then(|| Dialogue::new(limits, &self.links.capabilities, backing))
    }

    /// One call of the plugin in a worker of its own, on the host's clock.
    fn measured(
        &self,
        work: Work<'_>,
        limits: &Limits,
        mut dialogue: Option<Dialogue<'_>>,
        check: impl FnOnce(&[u8]) -> Result<RunReport, String>,
    ) -> RunReport {
        let started = Instant::now();
        let heard = self.ask(work, limits, dialogue.as_mut());
        let report = heard.and_then(|heard| {
            let report = check(&heard.reply).map_err(|error| nonsense(&error))?;
            dialogue
                .as_ref()
                .map_or(Ok(()), |dialogue| dialogue.fits(&report))
                .map_err(|lie| nonsense(&lie))?;
            Ok(report)
        });
        // What a worker had done that did not answer is not known, except for what it was lent.
        let mut report = report.unwrap_or_else(|ending| RunReport {
            ending,
            answers: Vec::new(),
            steps: Vec::new(),
            log: Vec::new(),
            usage: Usage::default(),
            journal: Vec::new(),
        });
        if let Some(dialogue) = dialogue {
            dialogue.settle(&mut report);
        }
        let wall = started.elapsed();
        report.usage.wall_ms = wall.as_millis() as u64;
        report.usage.cpu_seconds = report.usage.cpu_seconds.min(wall.as_secs_f64());
        report
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 1 << 10;

    /// What is made of a worker that ended with a status, before or after its plugin began.
    fn heard(raw: i32, began: bool, words: &str) -> Ending {
        let output = if began { frame(&Confinement { landlock: Some(7) }) } else { Vec::new() };
        let said = Said { status: ExitStatus::from_raw(raw), output, words: words.into() };
        Heard::of(&said, MOST).err().unwrap()
    }

    #[test]
    fn whose_fault_a_lost_worker_is_follows_from_how_and_when() {
        let is_host = |ending: &Ending| matches!(ending, Ending::HostFault(_));
        for signal in [Signal::SEGV, Signal::SYS, Signal::KILL] {
            assert!(is_host(&heard(signal.as_raw(), false, "")), "{signal:?}: before the plugin began");
        }
        assert!(is_host(&heard(1 << 8, false, "error: no Landlock")));
        assert!(is_host(&heard(Signal::KILL.as_raw(), true, "")));
        assert_eq!(heard(Signal::XCPU.as_raw(), true, ""), Ending::PastDeadline);
        for signal in [Signal::SEGV, Signal::BUS, Signal::ILL, Signal::ABORT, Signal::SYS] {
            let ending = heard(signal.as_raw(), true, "");
            assert!(
                matches!(&ending, Ending::Crashed(_)) && !ending.is_replayable(),
                "{signal:?}: {ending:?}"
            );
        }
        let panicked = heard(1 << 8, true, "thread 'run' panicked\u{1b}[2J");
        let said = "the worker ended with exit status: 1 (thread 'run' panicked\\u{1b}[2J)";
        assert_eq!(panicked, Ending::Crashed(said.into()));
    }

    #[test]
    fn a_worker_that_says_what_none_says_is_not_believed() {
        let began = || frame(&Confinement { landlock: None });
        let heard = |output: Vec<u8>| {
            let said = Said { status: ExitStatus::from_raw(0), output, words: String::new() };
            Heard::of(&said, MOST)
        };
        let done = || frame(&(DONE, ()));
        assert!(heard([began(), done()].concat()).is_ok());
        let crashes = [
            [began(), done(), done()].concat(),
            // A question behind which nobody waits for an answer, and a report that is no report.
            [began(), frame(&(wire::ASKS, ()))].concat(),
            [began(), frame(&())].concat(),
            [began(), vec![1; 7]].concat(),
            [began(), vec![0xff; 64]].concat(),
            [frame(&"x".repeat(40)), done()].concat(),
            [began(), vec![0; MOST]].concat(),
            began(),
        ];
        for output in crashes {
            let ending = heard(output.clone()).err();
            assert!(matches!(ending, Some(Ending::Crashed(_))), "{output:?}: {ending:?}");
        }
    }
}
