use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::json;
use stratagem_store::{
    AfterFailure, Handlers, JobError, JobFilter, JobStatus, NewJob, Role, Store, StoreError, StoreOptions,
    WorkOptions,
};

use crate::Bench;

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

fn job(kind: &str, n: u64) -> NewJob {
    NewJob::new(kind, json!({ "n": n }))
}

fn quick() -> WorkOptions {
    WorkOptions { until_idle: true, poll: Duration::from_millis(5), ..WorkOptions::default() }
}

#[test]
fn jobs_are_claimed_by_priority_then_by_time_then_by_age() {
    let bench = Bench::new();
    let store = &bench.store;
    let early = now() - 5_000;
    let add = |priority, run_at, n| {
        store.enqueue(&NewJob { priority, run_at, ..job("a", n) }).unwrap();
    };
    add(5, None, 1);
    add(5, None, 2);
    add(5, Some(early), 3);
    add(10, None, 4);
    add(10, Some(now() + 3_600_000), 5);
    add(1, Some(0), 6);
    store.enqueue(&NewJob { priority: 10, ..job("other", 7) }).unwrap();
    let mut order = Vec::new();
    while let Some(claim) = store.claim("w", &["a", "unheard-of"]).unwrap() {
        order.push(claim.job.payload["n"].as_u64().unwrap());
    }
    assert_eq!(order, [4, 3, 1, 2, 6], "later and other kinds stay");
    let both = store.claim("w", &["a", "other"]).unwrap().unwrap();
    assert_eq!(both.job.payload["n"], 7);
    let depth = store.queue_depth().unwrap();
    assert_eq!((depth.by_status[&JobStatus::Pending], depth.by_status[&JobStatus::InProgress]), (1, 6));
    assert_eq!((depth.due, depth.oldest_due_ms), (0, None));
}

#[test]
fn many_are_claimed_in_one_commit_in_the_same_order() {
    let bench = Bench::new();
    let store = &bench.store;
    for n in 0..7 {
        store.enqueue(&NewJob { priority: 1 + (n % 3) as u8, ..job("a", n) }).unwrap();
    }
    let taken = |most| -> Vec<u64> {
        let claims = store.claim_many("w", &["a"], most).unwrap();
        claims.iter().map(|claim| claim.job.payload["n"].as_u64().unwrap()).collect()
    };
    assert_eq!(taken(3), [2, 5, 1]);
    assert_eq!(taken(0), [0; 0]);
    assert_eq!(taken(9), [4, 0, 3, 6]);
    assert_eq!(taken(9), [0; 0]);
    assert_eq!(bench.count("audit_log WHERE subject_kind = 'queue'"), 7, "only that they were added");
    assert_eq!(bench.count("(SELECT DISTINCT lease_token FROM queue)"), 7);
}

#[test]
fn a_job_of_a_key_that_waits_or_runs_is_not_made_twice() {
    let bench = Bench::new();
    let store = &bench.store;
    let nightly = NewJob { dedupe_key: Some("nightly".into()), ..job("a", 1) };
    let first = store.enqueue(&nightly).unwrap();
    let again = store.enqueue(&nightly).unwrap();
    assert_eq!((again.id.as_str(), again.is_new), (first.id.as_str(), false));
    let claim = store.claim("w", &["a"]).unwrap().unwrap();
    assert!(!store.enqueue(&nightly).unwrap().is_new, "it runs");
    store.complete(&claim, &json!(null)).unwrap();
    let next = store.enqueue(&nightly).unwrap();
    assert!(next.is_new && next.id != first.id);
    store.cancel_job(&next.id).unwrap();
    let third = store.enqueue(&nightly).unwrap();
    assert!(third.is_new);
    let error = store.retry_job(&next.id).unwrap_err();
    assert!(error.to_string().contains("same dedupe key"), "{error}");
    assert_eq!(bench.count("queue"), 3);
}

#[test]
fn a_failed_try_waits_longer_each_time_and_ends_dead() {
    let bench = Bench::new();
    let store = &bench.store;
    let id = store.enqueue(&NewJob { max_tries: 3, ..job("a", 1) }).unwrap().id;
    let hurry = || bench.raw().execute("UPDATE queue SET run_at = 0", []).unwrap();
    for (tries, least, most) in [(1, 500, 1_000), (2, 1_000, 2_000)] {
        let claim = store.claim("w", &["a"]).unwrap().unwrap();
        assert_eq!(claim.job.tries, tries);
        let at = now();
        let AfterFailure::Again { run_at } = store.fail(&claim, "no luck", true).unwrap() else {
            panic!("try {tries} of 3 is not the last")
        };
        assert!((at + least..=now() + most).contains(&run_at), "{tries}: {}", run_at - at);
        assert!(store.claim("w", &["a"]).unwrap().is_none(), "its time has not come");
        hurry();
    }
    let claim = store.claim("w", &["a"]).unwrap().unwrap();
    assert_eq!(store.fail(&claim, "no luck", true).unwrap(), AfterFailure::Dead);
    let dead = store.job(&id).unwrap();
    assert_eq!((dead.status, dead.tries, dead.error.as_deref()), (JobStatus::Dead, 3, Some("no luck")));
    assert!(dead.finished_at.is_some());
    hurry();
    assert!(store.claim("w", &["a"]).unwrap().is_none(), "a dead job stays dead");
    let again = store.retry_job(&id).unwrap();
    assert_eq!((again.status, again.tries), (JobStatus::Pending, 0));
    let claim = store.claim("w", &["a"]).unwrap().unwrap();
    assert_eq!(store.fail(&claim, "never will", false).unwrap(), AfterFailure::Failed);
    assert_eq!(store.job(&id).unwrap().status, JobStatus::Failed);
}

#[test]
fn a_stale_token_changes_nothing_and_says_so() {
    let bench = Bench::new();
    let store = &bench.store;
    let id = store.enqueue(&job("a", 1)).unwrap().id;
    let old = store.claim("one", &["a"]).unwrap().unwrap();
    bench.raw().execute("UPDATE queue SET lease_until = 1", []).unwrap();
    let new = store.claim("two", &["a"]).unwrap().unwrap();
    assert_eq!((new.job.id.as_str(), new.job.tries), (id.as_str(), 2));
    let before = store.job(&id).unwrap();
    let stale = |result: Result<(), StoreError>| {
        let error = result.unwrap_err();
        assert!(matches!(error, StoreError::StaleLease { .. }), "{error}");
        assert_eq!(store.job(&id).unwrap(), before);
    };
    stale(store.complete(&old, &json!("old")));
    stale(store.extend(&old));
    stale(store.fail(&old, "old", true).map(|_| ()));
    store.complete(&new, &json!("new")).unwrap();
    let done = store.job(&id).unwrap();
    assert_eq!((done.status, done.result.clone()), (JobStatus::Completed, Some(json!("new"))));
    assert!(matches!(store.complete(&new, &json!("twice")), Err(StoreError::StaleLease { .. })));
    assert_eq!(store.job(&id).unwrap(), done);
}

#[test]
fn cancelling_takes_a_waiting_job_at_once_and_a_running_ones_token() {
    let bench = Bench::new();
    let store = &bench.store;
    let waiting = store.enqueue(&job("a", 1)).unwrap().id;
    assert_eq!(store.cancel_job(&waiting).unwrap().status, JobStatus::Cancelled);
    assert!(store.claim("w", &["a"]).unwrap().is_none());
    let running = store.enqueue(&job("a", 2)).unwrap().id;
    let claim = store.claim("w", &["a"]).unwrap().unwrap();
    assert_eq!(store.cancel_job(&running).unwrap().status, JobStatus::Cancelled);
    assert!(matches!(store.complete(&claim, &json!(1)), Err(StoreError::StaleLease { .. })));
    let error = store.cancel_job(&running).unwrap_err();
    assert!(error.to_string().ends_with("is cancelled already"), "{error}");
    assert!(matches!(store.cancel_job("ffff0000"), Err(StoreError::UnknownJob { .. })));
    assert!(matches!(store.job("0"), Err(StoreError::UnknownJob { .. })), "too short to say which");
}

#[test]
fn a_job_that_silences_its_workers_ends_dead() {
    let bench = Bench::new();
    let store = &bench.store;
    let id = store.enqueue(&NewJob { max_tries: 2, ..job("poison", 1) }).unwrap().id;
    for _ in 0..2 {
        store.claim("w", &["poison"]).unwrap().unwrap();
        bench.raw().execute("UPDATE queue SET lease_until = 1", []).unwrap();
        assert_eq!(store.queue_depth().unwrap().lapsed, 1);
    }
    assert!(store.claim("w", &["poison"]).unwrap().is_none());
    let job = store.job(&id).unwrap();
    assert_eq!((job.status, job.error.as_deref()), (JobStatus::Dead, Some("the worker fell silent")));
}

/// As if the clock had been ten hours ahead when the job was claimed or added.
#[test]
fn a_clock_that_is_set_back_lengthens_no_lease_and_loses_no_job() {
    let bench = Bench::new();
    let store = &bench.store;
    let ahead = 36_000_000_u64;
    store.enqueue(&NewJob { timeout_ms: 1_000, ..job("a", 1) }).unwrap();
    let claim = store.claim("w", &["a"]).unwrap().unwrap();
    bench.raw().execute("UPDATE queue SET lease_until = lease_until + ?1", [ahead as i64]).unwrap();
    assert!(store.claim("w", &["a"]).unwrap().is_none(), "its worker may still live");
    let until = store.job(&claim.job.id).unwrap().lease_until.unwrap();
    assert!(until <= now() + 1_000, "{} ms", until - now());
    store.complete(&claim, &json!(1)).unwrap();

    let id = store.enqueue(&job("a", 2)).unwrap().id;
    bench
        .raw()
        .execute(
            "UPDATE queue SET run_at = run_at + ?1, created_at = run_at + ?1 WHERE id = ?2",
            (ahead as i64, &id),
        )
        .unwrap();
    assert!(store.claim("w", &["a"]).unwrap().is_none());
    let handlers = Handlers::new().with("a", |_| Ok(json!(null)));
    let report = store.work(&handlers, &quick(), &AtomicBool::new(false), &|_, _| {}).unwrap();
    assert_eq!(report.completed, 1);
}

#[test]
fn a_worker_leaves_other_kinds_alone_and_outlives_a_handler_that_panics() {
    let bench = Bench::new();
    let store = &bench.store;
    let ids = ["good", "bad", "wild", "late", "other"]
        .map(|kind| store.enqueue(&NewJob { max_tries: 1, ..NewJob::new(kind, json!({})) }).unwrap().id);
    let handlers = Handlers::new()
        .with("good", |task| Ok(json!({ "kind": task.job.kind })))
        .with("bad", |_| Err(JobError::once("a bad payload")))
        .with("wild", |_| panic!("out of bounds"))
        .with("late", |_| Ok(json!("x".repeat(2_000_000))));
    let ended = AtomicUsize::new(0);
    let watch = |_: &_, _: &_| {
        ended.fetch_add(1, Ordering::Relaxed);
    };
    let report = store.work(&handlers, &quick(), &AtomicBool::new(false), &watch).unwrap();
    assert_eq!((report.completed, report.failed, report.to_retry, report.lost), (1, 3, 0, 0));
    assert_eq!(ended.into_inner(), 4);
    let state = |id: &str| {
        let job = store.job(id).unwrap();
        (job.status, job.error)
    };
    assert_eq!(state(&ids[0]), (JobStatus::Completed, None));
    assert_eq!(state(&ids[1]), (JobStatus::Failed, Some("a bad payload".into())));
    assert_eq!(state(&ids[2]), (JobStatus::Dead, Some("the handler panicked: out of bounds".into())));
    let (status, error) = state(&ids[3]);
    assert_eq!(status, JobStatus::Failed);
    assert!(error.unwrap().starts_with("the result of a job is 2000002 bytes: limit"));
    assert_eq!(state(&ids[4]), (JobStatus::Pending, None));
    assert_eq!(bench.count("workers"), 0, "who leaves says so");
}

#[test]
fn a_long_job_keeps_its_lease_and_a_cancelled_one_hears_of_it() {
    let bench = Bench::new();
    let (store, other) = (&bench.store, Store::open_existing(&bench.path).unwrap());
    let long = store.enqueue(&NewJob { timeout_ms: 300, ..job("long", 1) }).unwrap().id;
    let stop = AtomicBool::new(false);
    let handlers = Handlers::new().with("long", |task| {
        let started = Instant::now();
        while started.elapsed() < Duration::from_millis(1_200) && !task.is_over() {
            thread::sleep(Duration::from_millis(5));
        }
        Ok(json!({ "over": task.is_over(), "ms": started.elapsed().as_millis() as u64 }))
    });
    thread::scope(|scope| {
        let working = scope.spawn(|| store.work(&handlers, &quick(), &stop, &|_, _| {}).unwrap());
        while other.job(&long).unwrap().status == JobStatus::Pending {
            thread::sleep(Duration::from_millis(2));
        }
        while !working.is_finished() {
            assert!(other.claim("thief", &["long"]).unwrap().is_none(), "a job that is worked on was taken");
            thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(working.join().unwrap().completed, 1);
    });
    assert_eq!(store.job(&long).unwrap().result.unwrap()["over"], false);

    let cancelled = store.enqueue(&NewJob { timeout_ms: 300, ..job("long", 2) }).unwrap().id;
    let started = Instant::now();
    let report = thread::scope(|scope| {
        let working = scope.spawn(|| store.work(&handlers, &quick(), &stop, &|_, _| {}).unwrap());
        while other.job(&cancelled).unwrap().status != JobStatus::InProgress {
            thread::sleep(Duration::from_millis(2));
        }
        assert!(bench.count("workers") == 1);
        other.cancel_job(&cancelled).unwrap();
        working.join().unwrap()
    });
    assert_eq!((report.lost, report.completed), (1, 0));
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    assert_eq!(store.job(&cancelled).unwrap().status, JobStatus::Cancelled);
}

#[test]
fn a_worker_that_is_stopped_finishes_what_it_has_and_takes_no_more() {
    let bench = Bench::new();
    let store = &bench.store;
    for n in 0..10 {
        store.enqueue(&job("a", n)).unwrap();
    }
    let stop = AtomicBool::new(false);
    let handlers = Handlers::new().with("a", |_| {
        stop.store(true, Ordering::Relaxed);
        thread::sleep(Duration::from_millis(50));
        Ok(json!(1))
    });
    let options = WorkOptions { until_idle: false, threads: 2, ..quick() };
    let report = store.work(&handlers, &options, &stop, &|_, _| {}).unwrap();
    assert!((1..=2).contains(&report.completed), "{report:?}");
    let depth = store.queue_depth().unwrap();
    assert_eq!(depth.by_status.get(&JobStatus::InProgress), None, "nothing is left half done");
    assert_eq!(depth.due, 10 - report.completed);
    assert!(depth.oldest_due_ms.is_some());
}

#[test]
fn two_workers_of_many_threads_do_every_job_once() {
    const JOBS: u64 = 300;
    let bench = Bench::new();
    let other = Store::open_existing(&bench.path).unwrap();
    for n in 0..JOBS {
        bench.store.enqueue(&NewJob { priority: (n % 10) as u8 + 1, ..job("a", n) }).unwrap();
    }
    let done = Mutex::new(Vec::new());
    let work = |store: &Store| {
        let handlers = Handlers::new().with("a", |task| {
            done.lock().unwrap().push(task.job.payload["n"].as_u64().unwrap());
            Ok(json!(null))
        });
        let options = WorkOptions { threads: 4, ..quick() };
        store.work(&handlers, &options, &AtomicBool::new(false), &|_, _| {}).unwrap().completed
    };
    let completed = thread::scope(|scope| {
        let working = [&bench.store, &other].map(|store| scope.spawn(|| work(store)));
        working.map(|working| working.join().unwrap())
    });
    assert_eq!(completed.iter().sum::<u64>(), JOBS);
    let done = done.into_inner().unwrap();
    assert_eq!(done.len() as u64, JOBS, "a job was done twice");
    assert_eq!(done.into_iter().collect::<BTreeSet<_>>().len() as u64, JOBS);
}

#[test]
fn what_is_no_job_is_refused_and_nothing_kept() {
    let bench = Bench::new();
    let refused = |job: NewJob, words: &str| {
        let error = bench.store.enqueue(&job).unwrap_err();
        assert!(error.to_string().contains(words) && error.hint().is_some(), "{error}");
    };
    refused(NewJob::new("", json!(1)), "1 to 100 characters");
    refused(NewJob::new("k".repeat(101), json!(1)), "1 to 100 characters");
    refused(NewJob { priority: 0, ..job("a", 1) }, "priority 0: 1 to 10");
    refused(NewJob { priority: 11, ..job("a", 1) }, "priority 11: 1 to 10");
    refused(NewJob { max_tries: 0, ..job("a", 1) }, "at least one try");
    refused(NewJob { timeout_ms: 0, ..job("a", 1) }, "time-out");
    refused(NewJob { dedupe_key: Some("k".repeat(1_001)), ..job("a", 1) }, "1,000 bytes");
    refused(NewJob::new("a", json!("x".repeat(100_000_000))), "100000002 bytes: limit 1048576");
    assert_eq!(bench.count("queue"), 0);
    let hostile = "'); DROP TABLE queue; --\u{202e}";
    let id = bench.store.enqueue(&NewJob::new(hostile, json!({ hostile: hostile }))).unwrap().id;
    let kept = bench.store.job(&id).unwrap();
    assert_eq!((kept.kind.as_str(), kept.payload), (hostile, json!({ hostile: hostile })));
    let filter = JobFilter { kind: Some(hostile.into()), ..JobFilter::default() };
    assert_eq!(bench.store.jobs(&filter).unwrap().len(), 1);
    let filter = JobFilter { status: Some(JobStatus::Dead), ..filter };
    assert!(bench.store.jobs(&filter).unwrap().is_empty());

    let options = StoreOptions { role: Some(Role::Reader), ..StoreOptions::default() };
    let reader = Store::open_existing_with(&bench.path, &options).unwrap();
    let forbidden = [
        reader.enqueue(&job("a", 1)).map(|_| ()),
        reader.claim("w", &["a"]).map(|_| ()),
        reader.cancel_job(&id).map(|_| ()),
    ];
    assert!(forbidden.iter().all(|result| matches!(result, Err(StoreError::Forbidden { .. }))));
    assert_eq!(reader.job(&id[..13]).unwrap().id, id, "a reader reads, by the start of an id");
    assert_eq!(bench.store.verify_audit(None).unwrap().broken, None);
}
