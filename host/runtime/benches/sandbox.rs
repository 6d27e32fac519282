//! What the sandbox costs, as ratios of one process on one machine: `just bench`.
//!
//! Figures are medians of the thread's CPU time, taken in turns, so that a busy neighbour weighs on
//! all of them alike. The marks are those that this design was chosen by; a ratio is within its mark
//! up to a factor of 1.3.

#[path = "../../../tests/guests/probe/src/compute.rs"]
mod compute;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use stratagem_domain::{Ending, Grid, Limits, Pair, Settings, Strategy, Task};
use stratagem_runtime::{LoadedStrategy, Package, Sandbox, SandboxConfig, Tuning};

const TURNS: usize = 41;
const TOLERANCE: f64 = 1.3;
const RUNS: u32 = 100;
/// As many offers as a run may make by default, less the probe's own first.
const CALLS: u32 = 250;
const ROUNDS: u64 = 2_000;

fn main() {
    let package = Package::read(&guests().join("probe")).unwrap_or_else(|error| {
        panic!("{error}: build the fixture plugins with `just guests`");
    });
    let task = task();
    let sandbox =
        |tuning| Sandbox::new(&SandboxConfig { tuning, ..SandboxConfig::default() }).expect("sandbox");
    let (tuned, on_demand, unlimited) =
        (sandbox(Tuning::Tuned), sandbox(Tuning::OnDemand), sandbox(Tuning::Unlimited));
    let load = |sandbox: &Sandbox| sandbox.load(&package).expect("the probe loads");
    let (tuned, on_demand, unlimited) = (load(&tuned), load(&on_demand), load(&unlimited));

    let cells = task.test[0].cells();
    let runs =
        |strategy: &LoadedStrategy| per(RUNS, || (0..RUNS).for_each(|_| act(strategy, &task, "nothing", 0)));
    let one_call = |name: &str| {
        let runs = |count: u32| per(RUNS, || (0..RUNS).for_each(|_| act(&tuned, &task, name, count.into())));
        runs(CALLS).saturating_sub(runs(0)) / CALLS
    };
    let compute = |strategy: &LoadedStrategy| cpu(|| act(strategy, &task, "compute", ROUNDS));
    let native = || cpu(|| assert_ne!(compute::compute(std::hint::black_box(cells), ROUNDS), 0));
    let mut turns: [Vec<Duration>; 7] = Default::default();
    for _ in 0..TURNS {
        let figures = [
            runs(&on_demand),
            runs(&tuned),
            one_call("host-calls"),
            one_call("offers"),
            native(),
            compute(&tuned),
            compute(&unlimited),
        ];
        turns.iter_mut().zip(figures).for_each(|(turn, figure)| turn.push(figure));
    }
    let [slow, fast, empty, grid, native, sandboxed, bare] = turns.map(median);
    println!("store + instantiate + solve: on demand {}, tuned {}", us(slow), us(fast));
    println!("a host call: empty {} ns, with a 30×30 grid {} ns", empty.as_nanos(), grid.as_nanos());
    println!("compute: native {}, no limits {}, all limits {}", us(native), us(bare), us(sandboxed));
    println!();
    let mut held = true;
    let mut row = |what: &str, ratio: f64, mark: f64, more_is_better: bool| {
        let within = if more_is_better { ratio >= mark / TOLERANCE } else { ratio <= mark * TOLERANCE };
        held &= within;
        println!(
            "{what:<52}{ratio:>6.2}   mark {mark:.2}   {}",
            if within { "within 1.3 ×" } else { "BEYOND 1.3 ×" }
        );
    };
    row("solve, on demand : tuned", ratio(slow, fast), 68.8 / 29.9, true);
    row("host call, 30×30 grid : empty", ratio(grid, empty), 149.0 / 68.0, false);
    row("compute, no limits : native", ratio(bare, native), 1.29, false);
    row("compute, all limits : native", ratio(sandboxed, native), 1.53, false);
    // The mark of the call with a grid is of one that reads the grid; an offer also copies and keeps it.
    if !held {
        println!("\na mark was missed: run it again on a quiet machine before believing it");
    }
}

fn guests() -> PathBuf {
    let usual = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/guests");
    std::env::var_os("STRATAGEM_GUESTS").map_or_else(usual, PathBuf::from)
}

fn task() -> Task {
    let grid = |shift: usize| {
        let cells: Vec<u8> = (0..900).map(|at| ((at * 7 + shift) % 10) as u8).collect();
        Grid::new(30, 30, &cells).expect("a valid grid")
    };
    let train = (0..3).map(|pair| Pair { input: grid(pair), output: grid(pair + 3) }).collect();
    Task { id: "bench".into(), train, test: vec![grid(9)] }
}

fn act(strategy: &LoadedStrategy, task: &Task, name: &str, count: u64) {
    let settings = Settings::from([("act".into(), name.into()), ("count".into(), count.to_string())]);
    let report = strategy.run(task, 0, &Limits::default(), &settings);
    assert_eq!(report.ending, Ending::Returned, "{name}");
}

fn cpu(work: impl FnOnce()) -> Duration {
    let now = || {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
    };
    let started = now();
    work();
    now().saturating_sub(started)
}

fn per(times: u32, work: impl FnOnce()) -> Duration {
    cpu(work) / times
}

fn median(mut figures: Vec<Duration>) -> Duration {
    figures.sort_unstable();
    figures[figures.len() / 2]
}

fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64()
}

fn us(time: Duration) -> String {
    format!("{:.1} µs", time.as_secs_f64() * 1e6)
}
