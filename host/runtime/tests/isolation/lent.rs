//! What is lent to a worker: the same answers for the same fuel as in the host, and a host that believes no more.

use std::sync::Arc;

use stratagem_domain::{Backing, Capability, Ending, Limits, RunReport, Settings, Strategy};
use stratagem_runtime::{Grants, LoadedStrategy};

use crate::fake::{EVERY_CALL, Fake, calls};
use crate::runs::{Test, package, sandbox, task, timeless, worker};

pub const TESTS: &[Test] = &[
    ("a worker is lent what the host lends", a_worker_is_lent_what_the_host_lends),
    ("what a lost worker was lent is known", what_a_lost_worker_was_lent_is_known),
    ("a worker does without what is optional", a_worker_does_without_what_is_optional),
];

fn load(name: &str, isolated: bool) -> LoadedStrategy {
    let grants = Grants { capabilities: Capability::ALL.into(), ..Grants::default() };
    sandbox(isolated.then(worker)).unwrap().load_granted(&package(name), &grants).unwrap()
}

fn run(strategy: &LoadedStrategy, lines: &[&str], limits: &Limits) -> RunReport {
    strategy.run_with(&task(), 7, limits, &calls(lines), Fake::new())
}

fn a_worker_is_lent_what_the_host_lends() {
    let usual = Limits::default();
    let large = Limits { memory_mb: 128, ..Limits::default() };
    let few = Limits { memory_calls: 100, lent_bytes: 50_000, artifact_bytes: 4_000, ..Limits::default() };
    let poor = Limits { tokens: 150, cost_micros: 2_500, ..Limits::default() };
    let short = Limits { device_ms: 8, ..Limits::default() };
    let cases: [(&str, &[&str], &Limits); 10] = [
        ("lent-probe", &EVERY_CALL, &usual),
        ("lent-probe", &EVERY_CALL, &few),
        ("lent-probe", &["flood 5000 patterns a 0 1"], &few),
        ("lent-probe", &["flood 300 search 3 words"], &usual),
        ("lent-probe", &["load 15000000", "keep a @250000 1"], &large),
        ("lent-probe", &["keep a b 1", "trap"], &usual),
        ("model-probe", &["complete m 100 hello", "complete down 1 a", "prompt p a=1"], &usual),
        ("model-probe", &["complete cached 10 a", "complete m 10 a", "complete m 10 a"], &poor),
        ("ttt-probe", &["start -", "train 0 5 0.5", "predict 0 3", "score 0", "save 0", "drop 0"], &usual),
        ("ttt-probe", &["start huge", "start -", "train 0 9", "train 0 9", "start -"], &short),
    ];
    let load = |name| (load(name, false), load(name, true));
    let (lent, models, trains) = (load("lent-probe"), load("model-probe"), load("ttt-probe"));
    for (name, lines, limits) in cases {
        let (host, cell) = match name {
            "lent-probe" => &lent,
            "model-probe" => &models,
            _ => &trains,
        };
        let (here, there) = (timeless(run(host, lines, limits)), timeless(run(cell, lines, limits)));
        assert!(!here.journal.is_empty(), "{lines:?}");
        assert_eq!(there, here, "{lines:?}");
    }
    let (host, cell) = &lent;
    let learn = |strategy: &LoadedStrategy| {
        let backing: Arc<dyn Backing> = Fake::new();
        timeless(strategy.learn_with(&[], 7, &usual, &Settings::new(), backing))
    };
    assert_eq!(learn(cell), learn(host));
}

fn a_worker_does_without_what_is_optional() {
    let mut package = package("ttt-probe");
    let manifest = package.manifest.as_mut().unwrap();
    manifest.optional = std::mem::take(&mut manifest.capabilities);
    let strategy = sandbox(Some(worker())).unwrap().load_granted(&package, &Grants::default()).unwrap();
    let report = run(&strategy, &["start -"], &Limits::default());
    assert_eq!(report.ending, Ending::Returned);
    assert_eq!(report.steps[0].detail, "unavailable: `ttt` is not granted here");
}

/// A run that its host ended: its answers are lost, what it asked and spent is not.
fn what_a_lost_worker_was_lent_is_known() {
    let cell = load("lent-probe", true);
    let hasty = Limits { wall_ms: 300, fuel: u64::MAX >> 12, ..Limits::default() };
    let report = run(&cell, &["keep a b 1", "burn"], &hasty);
    assert_eq!((&report.ending, report.journal.len()), (&Ending::PastDeadline, 1));
    assert_eq!(report.usage.calls.memory, 1);
    let report = run(&cell, &["flood 3 search 1 slow"], &hasty);
    assert_eq!(report.ending, Ending::PastDeadline);
    assert!(!report.journal.is_empty() && report.usage.lent_bytes > 0, "{:?}", report.usage);
}
