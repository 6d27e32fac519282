//! What the fuzz targets share: what is held of every message and of every run, and a strategy to put modules into.
//!
//! A target takes bytes and panics, aborts or runs out of time or memory where a promise of the host does not hold.
//! `just fuzz` runs them all; docs/decisions/0008-fuzzing.md says what was chosen and why.

use std::alloc::System;
use std::fmt::Display;
use std::path::Path;

use cap::Cap;
use stratagem_domain::{
    Calls, Ending, Grid, Limits, MAX_COLOUR, MAX_SIDE, Pair, RunReport, Settings, Strategy, Task,
};
use stratagem_runtime::{LoadError, LoadedStrategy, Package, Sandbox, SandboxConfig};

#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

/// Does work that may hold `bytes` more of the heap than is held now; the process aborts where it asks for more.
pub fn within<T>(bytes: usize, work: impl FnOnce() -> T) -> T {
    HEAP.set_limit(HEAP.allocated() + bytes).expect("the limit is above what is held");
    let done = work();
    HEAP.set_limit(usize::MAX).expect("no limit is below what is held");
    done
}

/// Holds a message to what a terminal shows as it is: nothing in it may steer one.
pub fn assert_plain(message: impl Display) {
    let message = message.to_string();
    let plain = |letter: char| matches!(letter, '\'' | '"' | '\\') || letter.escape_debug().len() == 1;
    assert!(message.chars().all(plain), "not plain: {message:?}");
    assert!(message.len() <= MAX_MESSAGE_BYTES, "{} bytes of message: {message:.400}…", message.len());
}

/// Some quoted names, each of which is cut, and the words between them.
const MAX_MESSAGE_BYTES: usize = 8 << 10;

pub fn assert_valid(grid: &Grid) {
    assert!((1..=MAX_SIDE).contains(&grid.width()) && (1..=MAX_SIDE).contains(&grid.height()));
    assert_eq!(grid.cells().len(), grid.width() * grid.height());
    assert!(grid.cells().iter().all(|&cell| cell <= MAX_COLOUR));
}

/// The runs' limits: small enough that a few bytes of input reach each of them.
pub fn limits() -> Limits {
    Limits {
        fuel: 1_000_000,
        wall_ms: 200,
        memory_mb: 4,
        table_elements: 1_000,
        answers: 4,
        answer_bytes: 2_000,
        rationale_bytes: 64,
        steps: 8,
        log_lines: 12,
        log_bytes: 512,
        host_calls: 64,
        offer_calls: 16,
        note_calls: 48,
        query_calls: 32,
        lifted_bytes_call: 16 << 10,
        lifted_bytes: 32 << 10,
        ..Limits::default()
    }
}

/// What a run may hold of the host's heap: its limits' worth, the compiled code's tables, a store.
const RUN_HEAP_BYTES: usize = 4 << 20;
/// What compiling and describing may: a compiler's tables are large where its input is small.
const LOAD_HEAP_BYTES: usize = 512 << 20;
/// How late a loaded machine may notice a deadline.
const LATE_MS: u64 = 10_000;

/// A sandbox, and in it a strategy that is known to run: what anybody else does must not change what it does.
pub struct Bench {
    sandbox: Sandbox,
    task: Task,
    /// `values.wat` in the frame.
    pub guest: LoadedStrategy,
    known: RunReport,
}

impl Bench {
    pub fn new() -> Self {
        let bounds = Limits { memory_mb: 16, table_elements: 10_000, ..Limits::bounds() };
        let sandbox = Sandbox::new(&SandboxConfig { bounds, ..SandboxConfig::default() }).expect("a sandbox");
        let values = strategy(include_str!("values.wat")).expect("the frame fits it");
        let guest = load(&sandbox, values).expect("the frame's strategy");
        let grid = Grid::new(3, 2, &[1, 2, 3, 4, 5, 6]).expect("a grid");
        let train = vec![Pair { input: grid.clone(), output: grid.clone() }];
        let task = Task { id: "t".to_owned(), train, test: vec![grid.clone(), grid] };
        let known = timeless(guest.run(&task, 7, &unhurried(), &Settings::new()));
        assert_eq!((&known.ending, known.answers.len(), known.log.len()), (&Ending::Returned, 1, 1));
        Self { sandbox, task, guest, known }
    }

    /// Loads a component, or says why not in words that any terminal can show.
    pub fn load(&self, component: Vec<u8>) -> Option<LoadedStrategy> {
        let loaded = within(LOAD_HEAP_BYTES, || load(&self.sandbox, component));
        loaded.inspect_err(assert_blames_the_plugin).ok()
    }

    /// Runs a strategy twice and its neighbour after it, and holds all three to what is promised.
    pub fn run(&self, strategy: &LoadedStrategy, settings: &Settings) -> RunReport {
        let limits = limits();
        let run = || within(RUN_HEAP_BYTES, || strategy.run(&self.task, 7, &limits, settings));
        let (first, second) = (run(), run());
        for report in [&first, &second] {
            self.assert_within(report, &limits);
        }
        let (first, second) = (timeless(first), timeless(second));
        if first.ending.is_replayable() && second.ending.is_replayable() {
            assert_eq!(first, second, "one recipe, two runs");
        }
        let neighbour = timeless(self.guest.run(&self.task, 7, &unhurried(), &Settings::new()));
        assert_eq!(neighbour, self.known, "the neighbour runs as it did");
        first
    }

    /// Holds a run to its limits, and what was kept of it to the contract.
    fn assert_within(&self, report: &RunReport, limits: &Limits) {
        let RunReport { ending, answers, steps, log, usage, journal } = report;
        assert!(journal.is_empty(), "nothing is lent here");
        match ending {
            Ending::HostFault(_) | Ending::Refused { .. } => panic!("{ending:?}"),
            Ending::GaveUp(reason) => assert!(reason.chars().count() <= 2_000),
            Ending::Trapped { reason, backtrace } => {
                assert!(!reason.is_empty() && reason.len() <= MAX_MESSAGE_BYTES, "{reason:.400}");
                assert!(backtrace.len() <= 20 && backtrace.iter().all(|frame| frame.len() <= 800));
            }
            _ => {}
        }
        for answer in answers {
            assert!(answer.test_index < self.task.test.len() && (0.0..=1.0).contains(&answer.confidence));
            assert!(answer.rationale.len() as u64 <= limits.rationale_bytes);
            assert_valid(&answer.grid);
        }
        assert_eq!(answers.len() as u64, usage.answers_offered);
        let kept: usize =
            answers.iter().map(|answer| answer.grid.cells().len() + answer.rationale.len()).sum();
        assert!(usage.answer_bytes == kept as u64 && usage.answer_bytes <= limits.answer_bytes, "{usage:?}");
        assert!(usage.answers_offered <= limits.answers && steps.len() as u64 <= limits.steps);
        let step_bytes: usize = steps.iter().map(|step| step.action.len() + step.detail.len()).sum();
        let log_bytes: usize = log.iter().map(|line| line.message.len()).sum();
        assert!((step_bytes + log_bytes) as u64 <= limits.log_bytes && log.len() as u64 <= limits.log_lines);
        assert!(usage.fuel_spent <= limits.fuel && usage.memory_peak_bytes <= limits.memory_bytes());
        assert!(usage.table_elements_peak <= limits.table_elements);
        // The call that breaks a limit is counted before it ends the run.
        assert!(usage.host_calls <= limits.host_calls + 1);
        let Calls { offer, note, query, .. } = usage.calls;
        assert!(
            offer <= limits.offer_calls + 1
                && note <= limits.note_calls + 1
                && query <= limits.query_calls + 1
        );
        let known = |name: &String| Limits::KEYS.iter().any(|key| key.name == name);
        assert!(usage.limits_hit.iter().all(known), "{usage:?}");
        assert_eq!(*ending == Ending::OutOfFuel, usage.limits_hit.contains("fuel"));
        assert!(usage.lifted_bytes <= limits.lifted_bytes + limits.lifted_bytes_call, "{usage:?}");
        assert!(usage.wall_ms <= limits.wall_ms + LATE_MS, "{usage:?}");
    }
}

impl Default for Bench {
    fn default() -> Self {
        Self::new()
    }
}

/// The frame with a core module in it, which exports `solve` and may import all that the frame has.
///
/// *Errors*: where its text is none. Whether the module is valid and fits is for the host to see.
pub fn strategy(module: &str) -> Result<Vec<u8>, wat::Error> {
    wat::parse_str(include_str!("strategy.wat").replace(";; MODULE", module))
}

fn load(sandbox: &Sandbox, component: Vec<u8>) -> Result<LoadedStrategy, LoadError> {
    sandbox.load(&Package::from_bytes(None, component, Path::new("fuzz.wasm"))?)
}

/// Whatever bytes are loaded: if they are refused it is their own fault.
fn assert_blames_the_plugin(error: &LoadError) {
    assert!(error.refusal().is_some(), "{error}");
    assert_plain(error);
    error.hint().iter().for_each(assert_plain);
}

/// The neighbour's limits: no deadline that a loaded machine could miss.
fn unhurried() -> Limits {
    Limits { wall_ms: 60_000, ..limits() }
}

/// A report without what the clock says.
fn timeless(mut report: RunReport) -> RunReport {
    (report.usage.wall_ms, report.usage.cpu_seconds) = (0, 0.0);
    report
}
