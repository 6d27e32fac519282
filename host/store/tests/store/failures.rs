use stratagem_domain::{Ending, Ledger, Outcome, Refusal, StoredRun};

use crate::Bench;
use crate::fixtures::{ended, plugin, solved, task};

#[test]
fn every_run_that_fails_leaves_its_pattern_and_those_alike_one_cluster() {
    let task = task("3c9b0459", 4);
    let bench = Bench::with(std::slice::from_ref(&task));
    let base = solved(plugin("mirror"), &task);
    let trapped = |reason: &str| Ending::Trapped { reason: reason.to_owned(), backtrace: vec![] };
    let refused = |cause| Ending::Refused { cause, reason: "imports `wasi`".into() };
    let cases = [
        (Ending::Returned, None),
        (Ending::GaveUp("no idea".into()), None),
        (Ending::OutOfFuel, Some(("fuel", "out_of_fuel"))),
        (Ending::PastDeadline, Some(("timeout", "past_deadline"))),
        (Ending::OutOfMemory, Some(("memory", "out_of_memory"))),
        (trapped("index 7 of 3"), Some(("trap", "trapped"))),
        (trapped("index 12 of 0xfe"), Some(("trap", "trapped"))),
        (trapped("unreachable"), Some(("trap", "trapped"))),
        (Ending::StackExhausted { backtrace: vec![] }, Some(("trap", "stack_exhausted"))),
        (Ending::Crashed("signal 11".into()), Some(("sandbox_error", "crashed"))),
        (refused(Refusal::NotAsked), Some(("validation_error", "refused_not_asked"))),
        (refused(Refusal::NotGranted), Some(("validation_error", "refused_not_granted"))),
        (Ending::HostFault("disk".into()), Some(("system_error", "host_fault"))),
    ];
    for (ending, expected) in cases {
        let run = ended(&base, ending, None);
        let id = bench.store.record(&run, &task, None).unwrap();
        let found: Option<(String, String, Option<String>)> = bench
            .raw()
            .query_row(
                "SELECT f.category, f.type, f.message FROM failure_patterns f
                 JOIN outcomes o ON o.id = f.outcome_id AND o.executed_at = f.executed_at WHERE o.run_id = ?1",
                [&id],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )
            .ok();
        let expected =
            expected.map(|(category, kind)| (category.to_owned(), kind.to_owned(), run.ending.reason()));
        assert_eq!(found, expected, "{:?}", run.ending);
    }
    let clusters = bench.store.failure_clusters(99).unwrap();
    assert_eq!(clusters.len(), 10);
    let top = &clusters[0];
    assert_eq!((top.count, top.label.as_str(), top.category.as_str()), (2, "index # of #", "trap"));
    let shown = bench.store.run(top.run_id.as_deref().unwrap()).unwrap();
    assert_eq!(shown.outcome, Outcome::Trap);
    assert_eq!(bench.count("v_llm_failure_analysis"), 0, "these runs are of last year");
    assert!(bench.count("failure_trends_daily") >= 6);
}

#[test]
fn a_message_of_any_length_and_any_text_is_kept_cut() {
    let task = task("3c9b0459", 4);
    let bench = Bench::with(std::slice::from_ref(&task));
    let base = solved(plugin("mirror"), &task);
    for reason in
        ["日".repeat(50_000), "'); DROP TABLE runs; --".to_owned(), String::new(), "\0\u{1b}[2J".to_owned()]
    {
        let run = StoredRun { ..ended(&base, Ending::Crashed(reason), None) };
        bench.store.record(&run, &task, None).unwrap();
    }
    let longest: i64 = bench
        .raw()
        .query_row("SELECT max(length(message)) FROM failure_patterns", [], |row| row.get(0))
        .unwrap();
    assert_eq!((longest, bench.count("failure_patterns"), bench.count("runs")), (10_000, 4, 4));
}
