//! Training as a run is lent it: adaptations are resources, their use is counted, and the journal has it all.

#[path = "support/fake.rs"]
mod fake;
mod support;

use std::sync::Arc;

use stratagem_domain::training::{Schedule, Training};
use stratagem_domain::{Call, Capability, Ending, Limits, RunReport, Strategy};
use stratagem_runtime::{Grants, Sandbox, SandboxConfig, Tuning};

use crate::fake::{Fake, calls};
use crate::support::{package, sandbox, task};

fn run(name: &str, lines: &[&str], limits: &Limits) -> (RunReport, Vec<Call>) {
    let grants =
        Grants { capabilities: Capability::ALL.into(), rule: "[policy]".into(), ..Grants::default() };
    let strategy = sandbox(Tuning::Tuned).load_granted(&package(name), &grants).unwrap();
    let backing = Fake::new();
    let report = strategy.run_with(&task(), 7, limits, &calls(lines), Arc::<Fake>::clone(&backing));
    (report, backing.asked())
}

fn details(report: &RunReport) -> Vec<&str> {
    report.steps.iter().map(|step| step.detail.as_str()).collect()
}

#[test]
fn adaptations_are_trained_asked_kept_and_given_back() {
    let lines = [
        "start -",
        "start automaton",
        "train 1 5 0.25",
        "predict 1 2",
        "score 0",
        "score 1",
        "save 1",
        "drop 1",
        "left",
    ];
    let (report, asked) = run("ttt-probe", &lines, &Limits::default());
    let expected = [
        "1 held",
        "2 held",
        "5 steps, 2 to 0.5, 0.75 right on fake, 3145728 bytes, 5 ms",
        "[1, 2, 3, 4, 5, 6] -0 9; [1, 2, 3, 4, 5, 6] -1 8",
        "None",
        "Some(-1.5)",
        "a1",
        "dropped",
        "59995",
    ];
    assert_eq!((&report.ending, details(&report)), (&Ending::Returned, expected.to_vec()));
    let Call::Training(Training::Start { base, demonstrations, inputs, seed }) = &asked[1] else {
        panic!("{asked:?}")
    };
    let task = task();
    assert_eq!((base.as_deref(), *seed), (Some("automaton"), 7));
    assert_eq!((demonstrations, inputs), (&task.train, &task.test));
    let schedule = Schedule { steps: 5, learning_rate: 0.25, views: 0 };
    assert_eq!(asked[2], Call::Training(Training::Train { adaptation: 1, schedule }));
    // What the plugin still held when it returned is given back too.
    let released = |asked: &[Call]| -> Vec<u32> {
        let number = |call: &Call| match call {
            Call::Training(Training::Release { adaptation }) => Some(*adaptation),
            _ => None,
        };
        asked.iter().filter_map(number).collect()
    };
    assert_eq!(released(&asked), [1, 0]);
    let usage = &report.usage;
    assert_eq!((usage.device_ms, usage.device_memory_peak_bytes, usage.calls.ttt), (5, 3 << 20, 9));
    assert_eq!(usage.artifact_bytes, 100);
    assert_eq!(
        report.journal.iter().map(|then| &then.call).collect::<Vec<_>>(),
        asked.iter().collect::<Vec<_>>()
    );
}

#[test]
fn what_makes_no_sense_is_refused_and_the_run_goes_on() {
    let lines = [
        "start empty",
        "start huge",
        "start -",
        "train 0 0",
        "train 0 5 NaN",
        "predict 0 0",
        "score 0 broken",
        "left",
    ];
    let (report, asked) = run("ttt-probe", &lines, &Limits::default());
    let details = details(&report);
    let wanted = [
        "invalid: 0 demonstrations: 1 to 100",
        "exhausted: device_memory_mb: it is huge",
        "1 held",
        "invalid: steps 0: at least 1",
        "invalid: learning-rate NaN",
        "invalid: samples 0: at least 1",
        "invalid: output: ",
        "60000",
    ];
    assert_eq!(details.len(), wanted.len());
    for (detail, wanted) in details.iter().zip(wanted) {
        assert!(detail.starts_with(wanted), "{detail}: {wanted}");
    }
    assert_eq!(report.ending, Ending::Returned);
    assert_eq!(asked.len(), 3, "two starts and a release reached the engine: {asked:?}");
    assert!(report.usage.limits_hit.contains("device_memory_mb"));
}

#[test]
fn the_devices_time_is_a_limit_and_so_are_calls_and_kept_weights() {
    let limits = Limits { device_ms: 8, artifact_bytes: 99, ..Limits::default() };
    let (report, _) =
        run("ttt-probe", &["start -", "train 0 5", "train 0 5", "left", "train 0 1", "save 0"], &limits);
    let details = details(&report);
    assert_eq!(details[3..5], ["0", "exhausted: device_ms: limit 8"]);
    assert_eq!(details[5], "exhausted: artifact_bytes: limit 99");
    assert_eq!((report.usage.device_ms, report.usage.artifact_bytes), (8, 0));
    let hit: Vec<&str> = report.usage.limits_hit.iter().map(String::as_str).collect();
    assert_eq!(hit, ["artifact_bytes", "device_ms"]);
    let few = Limits { ttt_calls: 2, ..Limits::default() };
    let (report, asked) = run("ttt-probe", &["start -", "train 0 5", "train 0 5"], &few);
    let Ending::Trapped { reason, .. } = &report.ending else { panic!("{:?}", report.ending) };
    assert!(reason.contains("limit `ttt_calls` is 2"), "{reason}");
    assert_eq!(asked.len(), 2);
}

/// There the inputs that are asked for are the run's own, and what cannot be made is infinitely unlikely.
#[test]
fn the_first_contract_trains_too() {
    let (report, asked) = run("ttt-since-0-1-0", &[], &Limits::default());
    assert_eq!(details(&report), ["3 0.5 fake 3 ms", "2", "-inf", "a1"], "{:?}", report.ending);
    let Call::Training(Training::Start { base: None, inputs, .. }) = &asked[0] else { panic!("{asked:?}") };
    assert_eq!(*inputs, task().test);
}

#[test]
fn what_is_optional_is_done_without_where_it_is_not_granted_or_not_backed() {
    let mut package = package("ttt-probe");
    let manifest = package.manifest.as_mut().unwrap();
    manifest.optional = std::mem::take(&mut manifest.capabilities);
    let all = Grants { capabilities: Capability::ALL.into(), ..Grants::default() };
    let lacking = [(Capability::Ttt, "buy one".to_owned())];
    for (grants, lacks, is_granted) in
        [(&all, &[][..], true), (&Grants::default(), &[], false), (&all, &lacking, false)]
    {
        let config = SandboxConfig { lacks: lacks.iter().cloned().collect(), ..SandboxConfig::default() };
        let strategy = Sandbox::new(&config).unwrap().load_granted(&package, grants).unwrap();
        assert_eq!(strategy.grants().is_some(), is_granted);
        let backing = Fake::new();
        let run = strategy.run_with(
            &task(),
            7,
            &Limits::default(),
            &calls(&["start -", "left"]),
            Arc::<Fake>::clone(&backing),
        );
        let told = if is_granted { "1 held" } else { "unavailable: `ttt` is not granted here" };
        assert_eq!((&run.ending, details(&run)), (&Ending::Returned, vec![told, "60000"]));
        assert_eq!((backing.asked().is_empty(), run.journal.is_empty()), (!is_granted, !is_granted));
    }
}
