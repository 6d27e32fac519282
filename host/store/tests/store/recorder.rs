use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use stratagem_store::{
    FailureCategory, FailureRecord, OutcomeRecord, OutcomeStatus, Recorder, RecorderOptions, Role, Store,
    StoreError, StoreOptions, ToolUse,
};

use crate::Bench;

fn outcome(n: u64) -> OutcomeRecord {
    OutcomeRecord {
        executed_at: 1_760_000_000_000 + n,
        run_id: format!("run-{}", n % 7),
        task_id: format!("task-{n}"),
        score: (n % 5) as f64 / 4.0,
        duration_ms: n,
        ..OutcomeRecord::default()
    }
}

fn keyed(n: u64) -> OutcomeRecord {
    OutcomeRecord { idempotency_key: Some(format!("key-{n}")), ..outcome(n) }
}

/// A bench whose store is opened a second time, to be shared with the recorder's thread.
fn bench() -> (Bench, Arc<Store>) {
    let bench = Bench::new();
    let store = Arc::new(Store::open_existing(&bench.path).unwrap());
    (bench, store)
}

fn slow(batch: usize) -> RecorderOptions {
    RecorderOptions { batch, interval: Duration::from_hours(1), waiting: batch * 4 }
}

#[test]
fn a_batch_is_written_when_it_is_full_in_one_transaction_with_one_entry() {
    let (bench, store) = bench();
    let recorder = Recorder::start(store, slow(50)).unwrap();
    let tickets: Vec<_> = (0..49).map(|n| recorder.record(outcome(n)).unwrap()).collect();
    assert_eq!((bench.count("outcomes"), recorder.stats().waiting), (0, 49));
    let last = recorder.record(outcome(49)).unwrap().wait().unwrap();
    assert!(last.is_new);
    assert_eq!(bench.count("outcomes"), 50);
    for (n, ticket) in tickets.iter().enumerate() {
        let id = ticket.wait().unwrap().id;
        let task: String = bench
            .raw()
            .query_row("SELECT task_id FROM outcomes WHERE id = ?1", [id], |row| row.get(0))
            .unwrap();
        assert_eq!(task, format!("task-{n}"), "a ticket is of its own outcome");
    }
    assert_eq!(bench.count("audit_log WHERE action = 'outcomes.record'"), 1);
    let after: String = bench
        .raw()
        .query_row("SELECT after FROM audit_log WHERE action = 'outcomes.record'", [], |row| row.get(0))
        .unwrap();
    assert!(after.starts_with("{\"count\":50,\"ids\":\""), "{after}");
    assert_eq!((recorder.stats().batches, recorder.stats().recorded), (1, 50));
}

#[test]
fn a_batch_that_does_not_fill_is_written_after_the_interval() {
    let (bench, store) = bench();
    let interval = Duration::from_millis(150);
    let options = RecorderOptions { batch: 1_000, interval, waiting: 1_000 };
    let recorder = Recorder::start(store, options).unwrap();
    for round in 1..=2 {
        let started = Instant::now();
        let ticket = recorder.record(outcome(round)).unwrap();
        ticket.wait().unwrap();
        assert!(started.elapsed() >= interval.mul_f32(0.9), "{:?}", started.elapsed());
        assert!(started.elapsed() < interval * 20, "{:?}", started.elapsed());
        assert_eq!(bench.count("outcomes") as u64, round);
    }
}

#[test]
fn what_waits_is_written_by_flush_and_by_drop() {
    let (bench, store) = bench();
    let recorder = Recorder::start(store, slow(1_000)).unwrap();
    recorder.flush();
    recorder.record(outcome(1)).unwrap();
    recorder.record(outcome(2)).unwrap();
    recorder.flush();
    assert_eq!(bench.count("outcomes"), 2);
    let ticket = recorder.record(outcome(3)).unwrap();
    drop(recorder);
    assert_eq!(bench.count("outcomes"), 3);
    assert!(ticket.wait().unwrap().is_new, "a ticket outlives its recorder");
}

#[test]
fn the_same_key_again_changes_nothing() {
    let (bench, store) = bench();
    let recorder = Recorder::start(Arc::clone(&store), slow(1_000)).unwrap();
    let tool = ToolUse { name: "search".into(), calls: 1, wall_ms: 2, cost_micros: 3, ok: true };
    let first = recorder.record(OutcomeRecord { tools: vec![tool.clone()], ..keyed(1) }).unwrap();
    let same = recorder.record(OutcomeRecord { score: 0.75, tools: vec![tool], ..keyed(1) }).unwrap();
    recorder.record(keyed(2)).unwrap();
    recorder.flush();
    let (first, same) = (first.wait().unwrap(), same.wait().unwrap());
    assert_eq!((first.is_new, same.is_new, &same.id), (true, false, &first.id));
    drop(recorder);
    let again = Recorder::start(store, slow(1_000)).unwrap();
    let later = again.record(keyed(1)).unwrap();
    again.flush();
    assert_eq!(later.wait().unwrap().id, first.id);
    assert_eq!((bench.count("outcomes"), bench.count("resource_usage")), (2, 1));
    assert_eq!((again.stats().recorded, again.stats().repeated), (0, 1));
    assert_eq!(
        bench.count("audit_log WHERE action = 'outcomes.record'"),
        1,
        "nothing changed, nothing is noted"
    );
    let score: f64 = bench
        .raw()
        .query_row("SELECT score FROM outcomes WHERE id = ?1", [first.id], |row| row.get(0))
        .unwrap();
    assert!((score - 0.25).abs() < f64::EPSILON);
}

#[test]
fn failures_are_clustered_and_tools_counted() {
    let (bench, store) = bench();
    let recorder = Recorder::start(store, slow(1_000)).unwrap();
    for n in 0..4 {
        let failure = FailureRecord {
            category: FailureCategory::Trap,
            kind: "bounds".into(),
            message: Some(if n == 3 {
                "out of memory".into()
            } else {
                format!("index {n} of 12; DROP TABLE runs")
            }),
        };
        let tools = ["memory", "llm"].map(|name| ToolUse {
            name: name.into(),
            calls: n + 1,
            wall_ms: 10,
            cost_micros: 5,
            ok: n % 2 == 0,
        });
        let record = OutcomeRecord {
            status: OutcomeStatus::Error,
            error_category: Some("trap".into()),
            failure: Some(failure),
            tools: tools.into(),
            metrics: Some(json!({ "n": n })),
            ..outcome(n)
        };
        recorder.record(record).unwrap();
    }
    recorder.flush();
    assert_eq!((bench.count("failure_patterns"), bench.count("failure_clusters")), (4, 2));
    let largest = "failure_clusters WHERE similar_count = 3 AND label = 'index # of #; DROP TABLE runs'";
    assert_eq!(bench.count(largest), 1);
    assert_eq!(
        bench.count(
            "failure_patterns f JOIN outcomes o ON o.id = f.outcome_id AND o.executed_at = f.executed_at"
        ),
        4
    );
    assert_eq!(bench.count("tool_usage WHERE tool_name = 'llm'"), 4, "the view of the tools shows them");
    assert_eq!(bench.count("failure_trends_daily WHERE failure_count = 4"), 1);
}

#[test]
fn an_outcome_that_is_refused_fails_alone() {
    let (bench, store) = bench();
    let recorder = Recorder::start(store, slow(1_000)).unwrap();
    let bad = [
        OutcomeRecord { score: 1.5, ..outcome(1) },
        OutcomeRecord { score: f64::NAN, ..outcome(1) },
        OutcomeRecord { run_id: String::new(), ..outcome(1) },
        OutcomeRecord { idempotency_key: Some("k".repeat(201)), ..outcome(1) },
    ];
    for record in bad {
        assert!(matches!(recorder.record(record), Err(StoreError::Invalid { .. })));
    }
    bench
        .raw()
        .execute_batch(
            "CREATE TRIGGER fault BEFORE INSERT ON outcomes WHEN new.task_id = 'task-5'
             BEGIN SELECT RAISE(ABORT, 'injected'); END",
        )
        .unwrap();
    let tickets: Vec<_> = (0..10).map(|n| recorder.record(keyed(n)).unwrap()).collect();
    recorder.flush();
    for (n, ticket) in tickets.iter().enumerate() {
        match ticket.wait() {
            Ok(recorded) => assert!(n != 5 && recorded.is_new),
            Err(error) => {
                assert_eq!(n, 5);
                assert!(error.to_string().contains("refused a statement"), "{error}");
            }
        }
    }
    assert_eq!((bench.count("outcomes"), recorder.stats().failed), (9, 1));
    assert_eq!(recorder.store().verify_audit(None).unwrap().broken, None);
}

#[test]
fn callers_wait_where_the_buffer_is_full_and_nothing_is_lost() {
    const EACH: u64 = 2_000;
    let (bench, store) = bench();
    let options = RecorderOptions { batch: 20, interval: Duration::from_millis(5), waiting: 20 };
    let recorder = Recorder::start(store, options).unwrap();
    let most = thread::scope(|scope| {
        for caller in 0..4 {
            let recorder = &recorder;
            scope.spawn(move || {
                (0..EACH).for_each(|n| drop(recorder.record(keyed(caller * EACH + n)).unwrap()));
            });
        }
        let watching = scope.spawn(|| {
            let seen = std::iter::repeat_with(|| {
                thread::sleep(Duration::from_millis(1));
                recorder.stats()
            });
            seen.take_while(|stats| stats.recorded < 4 * EACH).map(|stats| stats.waiting).max().unwrap_or(0)
        });
        watching.join().unwrap()
    });
    assert!(most <= 40, "{most} waited: a full buffer and a batch under way are 40");
    assert_eq!(bench.count("outcomes") as u64, 4 * EACH);
    assert_eq!(bench.count("(SELECT DISTINCT idempotency_key FROM outcomes)") as u64, 4 * EACH);
}

#[test]
fn a_reader_records_nothing() {
    let bench = Bench::new();
    let options = StoreOptions { role: Some(Role::Reader), ..StoreOptions::default() };
    let store = Arc::new(Store::open_existing_with(&bench.path, &options).unwrap());
    assert!(matches!(Recorder::start(store, slow(10)), Err(StoreError::Forbidden { .. })));
}
