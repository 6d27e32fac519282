use std::collections::BTreeSet;
use std::thread;

use serde_json::json;
use stratagem_domain::{Ledger, Split};
use stratagem_store::{NewJob, Store};

use crate::Bench;
use crate::fixtures::{COMPONENT, WORLD, plugin, set, solved, task};

/// Callers that write at once share transactions; what one of them got wrong is taken back alone.
#[test]
fn what_fails_beside_others_is_taken_back_alone() {
    const EACH: u64 = 60;
    let known = task("3c9b0459", 4);
    let bench = Bench::with(std::slice::from_ref(&known));
    bench
        .raw()
        .execute_batch(
            "CREATE TRIGGER fault BEFORE INSERT ON steps
             WHEN (SELECT r.started_at FROM episodes e JOIN runs r ON r.id = e.run_id WHERE e.id = new.episode_id) % 3 = 0
             BEGIN SELECT RAISE(ABORT, 'injected'); END",
        )
        .unwrap();
    let kept: BTreeSet<u64> = thread::scope(|scope| {
        let callers: Vec<_> = (0..8)
            .map(|caller| {
                let (bench, known) = (&bench, &known);
                scope.spawn(move || {
                    let mut kept = Vec::new();
                    for n in 0..EACH {
                        let mut run = solved(plugin("mirror"), known);
                        run.started_at = caller * EACH + n;
                        match bench.store.record(&run, known, None) {
                            Ok(_) => kept.push(run.started_at),
                            Err(error) => assert!(error.message.contains("injected"), "{}", error.message),
                        }
                        assert_eq!(kept.last() == Some(&run.started_at), !run.started_at.is_multiple_of(3));
                    }
                    kept
                })
            })
            .collect();
        callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect()
    });
    assert_eq!(kept.len() as u64, 8 * EACH * 2 / 3);
    let raw = bench.raw();
    let mut select = raw.prepare("SELECT started_at FROM runs").unwrap();
    let there: BTreeSet<u64> =
        select.query_map([], |row| row.get::<_, i64>(0)).unwrap().map(|at| at.unwrap() as u64).collect();
    assert_eq!(there, kept);
    assert_eq!(bench.count("audit_log WHERE action = 'run.record'") as usize, kept.len());
    assert_eq!(bench.store.verify_audit(None).unwrap().broken, None);
    assert!(bench.store.health().unwrap().is_empty());
}

#[test]
fn a_write_that_fails_alone_leaves_nothing_and_the_next_goes_through() {
    let bench = Bench::new();
    let key = NewJob { dedupe_key: Some("k".into()), ..NewJob::new("a", json!({})) };
    let fault = "CREATE TRIGGER fault BEFORE INSERT ON queue BEGIN SELECT RAISE(ABORT, 'injected'); END";
    bench.raw().execute_batch(fault).unwrap();
    for _ in 0..3 {
        let error = bench.store.enqueue(&key).unwrap_err();
        assert!(error.to_string().contains("refused a statement"), "{error}");
    }
    bench.raw().execute_batch("DROP TRIGGER fault").unwrap();
    assert!(bench.store.enqueue(&key).unwrap().is_new);
    assert_eq!((bench.count("queue"), bench.count("audit_log WHERE subject_kind = 'queue'")), (1, 1));
}

/// What is queued when a store is closed is written first.
#[test]
fn closing_waits_for_what_is_queued() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs.db");
    let known = task("3c9b0459", 4);
    let store = Store::open(&path).unwrap();
    store.keep_component(&plugin("mirror"), WORLD, "{}", COMPONENT).unwrap();
    store.import(&set("arc", &[(Split::Training, known.clone())])).unwrap();
    let store = std::sync::Arc::new(store);
    let callers: Vec<_> = (0..6)
        .map(|_| {
            let (store, known) = (std::sync::Arc::clone(&store), known.clone());
            thread::spawn(move || store.record(&solved(plugin("mirror"), &known), &known, None).unwrap())
        })
        .collect();
    drop(store);
    let ids: BTreeSet<String> = callers.into_iter().map(|caller| caller.join().unwrap()).collect();
    let store = Store::open_existing(&path).unwrap();
    assert!(ids.iter().all(|id| store.run(id).is_ok()));
    assert_eq!(ids.len(), 6);
}
