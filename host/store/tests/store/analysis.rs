use stratagem_domain::{Ending, Ledger, StoredRun};
use stratagem_store::{Role, Store, StoreError, StoreOptions};

use crate::Bench;
use crate::documents_world::{DAY, now};
use crate::fixtures::{ended, plugin, solved, task};

/// Runs of today: `good` that end, `bad` that run out of fuel.
fn bench(good: usize, bad: usize) -> Bench {
    let task = task("3c9b0459", 4);
    let bench = Bench::with(std::slice::from_ref(&task));
    let at = (now() - 1_000).unsigned_abs();
    let run = StoredRun { started_at: at, finished_at: at, ..solved(plugin("mirror"), &task) };
    for n in 0..good + bad {
        let run = if n < good { run.clone() } else { ended(&run, Ending::OutOfFuel, None) };
        bench.store.record(&run, &task, None).unwrap();
    }
    bench
}

#[test]
fn an_analysis_counts_what_it_saw_and_advises() {
    let bench = bench(2, 6);
    let analysis = bench.store.analyse(7 * DAY).unwrap();
    assert_eq!((analysis.outcomes_seen, analysis.recommendations.len()), (8, 1));
    assert_eq!(analysis.window_end - analysis.window_start, 7 * DAY);
    let advice = &analysis.recommendations[0];
    let words =
        "6 of 8 runs of strategy \"mirror\" ended as out_of_fuel: raise `fuel` above the limit of 7000000001";
    assert_eq!((advice.kind.as_str(), advice.description.as_str()), ("config_change", words));
    assert_eq!((&advice.evidence["failed"], &advice.evidence["of"]), (&6.into(), &8.into()));
    assert!(advice.confidence > 0.4 && advice.confidence < 0.75, "{}", advice.confidence);
    let session =
        "llm_recommendation_sessions WHERE model = 'rules' AND status = 'completed' AND outcomes_seen = 8
                   AND recommendations_generated = 1";
    assert_eq!(bench.count(session), 1);
    // The same is not said twice while it is open.
    assert!(bench.store.analyse(7 * DAY).unwrap().recommendations.is_empty());
    assert_eq!(bench.store.recommendations(false).unwrap().len(), 1);
    assert_eq!(bench.store.verify_audit(None).unwrap().broken, None);
}

#[test]
fn little_or_old_or_good_work_gives_no_advice() {
    for (good, bad) in [(0, 4), (20, 4), (8, 0)] {
        assert!(bench(good, bad).store.analyse(7 * DAY).unwrap().recommendations.is_empty(), "{good} {bad}");
    }
    let analysis = bench(0, 20).store.analyse(1).unwrap();
    assert_eq!((analysis.outcomes_seen, analysis.recommendations.len()), (0, 0));
    for window in [0, -1, i64::MAX] {
        assert!(matches!(bench(0, 0).store.analyse(window), Err(StoreError::Invalid { .. })));
    }
}

#[test]
fn a_version_that_does_worse_is_told_with_both_scores() {
    let bench = bench(0, 0);
    bench
        .raw()
        .execute_batch(&format!(
            "INSERT INTO documents (id, kind, name, owner_id, head, active, created_at, updated_at)
             SELECT 'c', 'strategy_config', 'deep', id, 2, 2, 1, 1 FROM user_identities;
             INSERT INTO document_versions (id, document_id, version, format, body, hash, created_at)
             VALUES ('c.1', 'c', 1, 'text', 'a', printf('%064d', 1), 1), ('c.2', 'c', 2, 'text', 'b', printf('%064d', 2), 1);
             WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n LIMIT 40)
             INSERT INTO outcomes (id, executed_at, run_id, task_id, status, score, duration_ms, config_version_id)
             SELECT n, {at}, 'r', 't', 'success', CASE WHEN n % 2 = 0 THEN n % 8 > 0 ELSE n % 8 = 1 END, 5,
                 CASE WHEN n % 2 = 0 THEN 'c.1' ELSE 'c.2' END FROM n",
            at = now() - 1_000
        ))
        .unwrap();
    let advice = bench.store.analyse(DAY).unwrap().recommendations;
    assert_eq!(advice.len(), 1, "{advice:?}");
    assert_eq!((advice[0].source_type.as_str(), advice[0].source_id.as_str()), ("config_diff", "c.2"));
    assert_eq!(
        (&advice[0].evidence["score_before"], &advice[0].evidence["score"]),
        (&0.75.into(), &0.25.into())
    );
    assert!(advice[0].confidence > 0.95 && advice[0].description.contains("go back to that version"));
}

#[test]
fn advice_is_decided_once_and_by_whom_is_known() {
    let bench = bench(0, 6);
    let id = bench.store.analyse(DAY).unwrap().recommendations.remove(0).id;
    for (feedback, wanted) in [(Some(0), "1 to 5"), (Some(6), "1 to 5")] {
        let error = bench.store.decide(&id, true, feedback).unwrap_err();
        assert!(error.to_string().contains(wanted), "{error}");
    }
    assert!(
        bench.store.decide("' OR 1 --", true, None).unwrap_err().to_string().contains("no recommendation")
    );
    let reader = StoreOptions { role: Some(Role::Reader), ..StoreOptions::default() };
    let reader = Store::open_existing_with(&bench.path, &reader).unwrap();
    assert!(matches!(reader.decide(&id, true, None), Err(StoreError::Forbidden { .. })));
    assert!(matches!(reader.analyse(DAY), Err(StoreError::Forbidden { .. })));
    let decided = bench.store.decide(&id, true, Some(4)).unwrap();
    assert_eq!((decided.status.as_str(), decided.feedback), ("applied", Some(4)));
    assert_eq!(decided.decided_by.as_deref(), Some(bench.store.actor().id.as_str()));
    assert_eq!(
        bench.count("recommendations WHERE applied = 1 AND applied_at IS NOT NULL AND feedback_score = 4"),
        1
    );
    assert!(bench.store.decide(&id, false, None).unwrap_err().to_string().contains("is applied already"));
    assert!(bench.store.recommendations(false).unwrap().is_empty());
    assert_eq!(bench.store.recommendations(true).unwrap(), [decided]);
    // What was decided may be advised again.
    assert_eq!(bench.store.analyse(DAY).unwrap().recommendations.len(), 1);
}

#[test]
fn runs_that_take_longer_than_before_are_told() {
    let bench = bench(0, 0);
    let rows = |from: &str, at: i64, duration: &str| {
        format!(
            "WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n LIMIT 20)
             INSERT INTO outcomes (id, executed_at, run_id, task_id, status, score, duration_ms)
             SELECT '{from}' || n, {at}, 'r', 't', 'success', 1, {duration} FROM n;"
        )
    };
    bench.raw().execute_batch(&rows("old", now() - 3 * DAY / 2, "100 + n")).unwrap();
    assert!(bench.store.analyse(DAY).unwrap().recommendations.is_empty());
    bench.raw().execute_batch(&rows("new", now() - DAY / 2, "200 + n")).unwrap();
    let advice = bench.store.analyse(DAY).unwrap().recommendations;
    assert_eq!(advice.len(), 1, "{advice:?}");
    assert!(
        advice[0].description.starts_with("runs take 210 ms, in the window before they took 110 ms"),
        "{advice:?}"
    );
    assert_eq!(advice[0].evidence["runs_before"], 20);
}
