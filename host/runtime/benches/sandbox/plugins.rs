//! The fixture plugin `probe`, run as `solve` runs any plugin.

#[path = "../../../../tests/guests/probe/src/compute.rs"]
mod compute;

use std::path::{Path, PathBuf};
use std::time::Duration;

use stratagem_domain::{Ending, Grid, Limits, Pair, Settings, Strategy, Task};
use stratagem_runtime::{LoadedStrategy, Package, Sandbox, SandboxConfig, Tuning};

use crate::table::{Table, Turns, cpu, process_cpu, us};

const TURNS: usize = 41;
const RUNS: u32 = 100;
/// As many offers as a run may make by default, less the probe's own first.
const CALLS: u32 = 250;
const ROUNDS: u64 = 2_000;

pub fn measure(table: &mut Table) {
    let package = package();
    let task = task();
    let load = |tuning| {
        let sandbox = Sandbox::new(&SandboxConfig { tuning, ..SandboxConfig::default() }).expect("sandbox");
        let strategy = sandbox.load(&package).expect("the probe loads");
        (strategy, sandbox)
    };
    let [(tuned, _t), (on_demand, _d), (unlimited, _l), (unaccounted, _a)] =
        [Tuning::Tuned, Tuning::OnDemand, Tuning::Unlimited, Tuning::Unaccounted].map(load);
    let runs =
        |strategy: &LoadedStrategy| cpu(|| (0..RUNS).for_each(|_| act(strategy, &task, "nothing", 0))) / RUNS;
    let one_call = |name: &str| {
        let runs = |count: u32| cpu(|| (0..RUNS).for_each(|_| act(&tuned, &task, name, count.into()))) / RUNS;
        runs(CALLS).saturating_sub(runs(0)) / CALLS
    };
    let compute = |strategy: &LoadedStrategy| cpu(|| act(strategy, &task, "compute", ROUNDS));
    let cells = task.test[0].cells();
    let native = || cpu(|| assert_ne!(compute::compute(std::hint::black_box(cells), ROUNDS), 0));
    let turns =
        Turns::take(TURNS, || [runs(&on_demand), runs(&tuned), one_call("host-calls"), one_call("offers")]);
    let [slow, fast, empty, offer] = turns.medians();
    table.figure("fresh sandbox and solve: on demand, tuned", format!("{}, {}", us(slow), us(fast)));
    table.figure("a host call: empty, an offer of a 30×30 grid", format!("{}, {}", us(empty), us(offer)));
    table.ratio("fresh sandbox and solve, tuned : on demand", turns.ratio(1, 0), 0.45);
    let turns =
        Turns::take(3 * TURNS, || [native(), compute(&unlimited), compute(&tuned), compute(&unaccounted)]);
    let [native, bare, accounted, unaccounted] = turns.medians();
    table.figure("compute: native, unmetered", format!("{}, {}", us(native), us(bare)));
    let limited = format!("{}, {}", us(accounted), us(unaccounted));
    table.figure("compute: all limits, fuel and deadline alone", limited);
    table.ratio("compute, all limits : unmetered", turns.ratio(2, 1), 1.20);
    table.ratio("compute, all limits : native", turns.ratio(2, 0), 1.55);
    table.ratio("compute, accounted : fuel and deadline alone", turns.ratio(2, 3), 1.02);
    loads(table, &package);
}

/// A load from the cache against one that compiles, in this process: both end with a plugin that is ready to run.
fn loads(table: &mut Table, package: &Package) {
    let folder = tempfile::tempdir().expect("a folder");
    let cached = SandboxConfig { cache: Some(folder.path().join("compiled")), ..SandboxConfig::default() };
    let [cached, fresh] =
        [cached, SandboxConfig::default()].map(|config| Sandbox::new(&config).expect("sandbox"));
    let load = |sandbox: &Sandbox| process_cpu(|| drop(sandbox.load(package).expect("the probe loads")));
    load(&cached);
    let turns = Turns::take(9, || [(0..10).map(|_| load(&cached)).sum::<Duration>() / 10, load(&fresh)]);
    let [hit, miss] = turns.medians();
    table.figure("load: from the cache, compiled", format!("{}, {}", us(hit), us(miss)));
    table.ratio("load, from the cache : compiled", turns.ratio(0, 1), 0.005);
}

pub fn package() -> Package {
    let usual = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/guests");
    let guests = std::env::var_os("STRATAGEM_GUESTS").map_or_else(usual, PathBuf::from);
    Package::read(&guests.join("probe"))
        .unwrap_or_else(|error| panic!("{error}: build the fixture plugins with `just guests`"))
}

pub fn task() -> Task {
    let grid = |shift: usize| {
        let cells: Vec<u8> = (0..900).map(|at| ((at * 7 + shift) % 10) as u8).collect();
        Grid::new(30, 30, &cells).expect("a valid grid")
    };
    let train = (0..3).map(|pair| Pair { input: grid(pair), output: grid(pair + 3) }).collect();
    Task { id: "bench".into(), train, test: vec![grid(9)] }
}

pub fn settings(act: &str, count: u64) -> Settings {
    Settings::from([("act".into(), act.into()), ("count".into(), count.to_string())])
}

fn act(strategy: &LoadedStrategy, task: &Task, name: &str, count: u64) {
    let report = strategy.run(task, 0, &Limits::default(), &settings(name, count));
    assert_eq!(report.ending, Ending::Returned, "{name}");
}
