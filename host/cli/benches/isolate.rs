//! What a process of its own costs a run: `just bench`.
//!
//! Figures are medians of real time, taken in turns, so that a busy neighbour weighs on both alike. A worker
//! costs the same whatever its run does: the longer the run, the less of it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use stratagem_domain::{Ending, Grid, Limits, Pair, RunReport, Settings, Strategy, Task, Usage};
use stratagem_runtime::{LoadedStrategy, Package, Sandbox, SandboxConfig, WorkerProcess};

const TURNS: usize = 21;
/// What a run of a tenth of a second may take, in a worker, of what it takes in the host.
const MARK: f64 = 1.1;
const LONG: Duration = Duration::from_millis(100);

fn main() {
    let package = Package::read(&guests().join("probe")).unwrap_or_else(|error| {
        panic!("{error}: build the fixture plugins with `just guests`");
    });
    let program = PathBuf::from(env!("CARGO_BIN_EXE_stratagem"));
    let worker = WorkerProcess { program, args: vec!["worker".into()] };
    let sandbox = |worker| {
        Sandbox::new(&SandboxConfig { worker, ..SandboxConfig::default() })
            .unwrap_or_else(|error| panic!("{error}"))
    };
    let (host, cell) = (sandbox(None), sandbox(Some(worker)));
    let load = |sandbox: &Sandbox| sandbox.load(&package).unwrap_or_else(|error| panic!("{error}"));
    let (host, cell) = (load(&host), load(&cell));

    // As many rounds as take twice as long as the shortest run that the mark is for.
    let mut rounds = 1_000;
    while timed(&host, "compute", rounds).1 < LONG * 2 {
        rounds *= 2;
    }
    let mut turns: [Vec<Duration>; 4] = Default::default();
    for _ in 0..TURNS {
        let runs = [(&host, "nothing"), (&cell, "nothing"), (&host, "compute"), (&cell, "compute")]
            .map(|(strategy, act)| timed(strategy, act, rounds));
        assert_eq!(runs[0].0, runs[1].0, "a worker does what the host does");
        assert_eq!(runs[2].0, runs[3].0, "a worker does what the host does");
        turns.iter_mut().zip(runs).for_each(|(turn, (_, time))| turn.push(time));
    }
    let [idle, idle_in_worker, here, there] = turns.map(median);
    let (worker, ratio) = (idle_in_worker.saturating_sub(idle), there.as_secs_f64() / here.as_secs_f64());
    println!("a worker: {:.1} ms a run", ms(worker));
    println!("compute: in the host {:.1} ms, in a worker {:.1} ms", ms(here), ms(there));
    // Of a run that is as short as the mark allows.
    let shortest = 1.0 + worker.as_secs_f64() / LONG.as_secs_f64();
    for (what, ratio) in
        [("compute, in a worker : in the host", ratio), ("the same, of a run of 100 ms", shortest)]
    {
        println!(
            "{what:<52}{ratio:>6.2}   mark {MARK:.2}   {}",
            if ratio <= MARK { "within" } else { "BEYOND" }
        );
    }
}

fn timed(strategy: &LoadedStrategy, act: &str, rounds: u64) -> (RunReport, Duration) {
    let settings = Settings::from([("act".into(), act.into()), ("count".into(), rounds.to_string())]);
    let started = Instant::now();
    let report = strategy.run(&task(), 0, &Limits::default(), &settings);
    let time = started.elapsed();
    assert_eq!(report.ending, Ending::Returned, "{act}");
    let usage = Usage { cpu_seconds: 0.0, wall_ms: 0, ..report.usage };
    (RunReport { usage, ..report }, time)
}

fn guests() -> PathBuf {
    let usual = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/guests");
    std::env::var_os("STRATAGEM_GUESTS").map_or_else(usual, PathBuf::from)
}

fn task() -> Task {
    let cells: Vec<u8> = (0..900).map(|at| (at % 10) as u8).collect();
    let grid = Grid::new(30, 30, &cells).unwrap_or_else(|error| panic!("{error}"));
    let train = vec![Pair { input: grid.clone(), output: grid.clone() }; 3];
    Task { id: "bench".into(), train, test: vec![grid] }
}

fn median(mut figures: Vec<Duration>) -> Duration {
    figures.sort_unstable();
    figures[figures.len() / 2]
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
