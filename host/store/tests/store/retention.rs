use stratagem_domain::{Ledger, StoredRun};
use stratagem_store::{RetentionAction, RetentionReport, Role, RunFilter, StoreError, parse_age};

use crate::Bench;
use crate::fixtures::{plugin, solved, task};
use crate::planted::plant;

const DAY: u64 = 86_400_000;
/// Long after all that is planted, which is from 1970.
const LATER: u64 = 4_000_000_000_000;

fn rows(report: &RetentionReport, subject: &str) -> u64 {
    report.policies.iter().find(|line| line.subject == subject).unwrap_or_else(|| panic!("{subject}")).rows
}

#[test]
fn a_new_database_has_the_policies_that_the_documents_ask_for() {
    let bench = Bench::new();
    let set: Vec<_> = bench
        .store
        .retention()
        .unwrap()
        .into_iter()
        .filter_map(|line| Some((line.subject, line.max_age_ms? / DAY, line.action?)))
        .collect();
    let delete = RetentionAction::Delete;
    let wanted = [
        ("outcomes", 730, delete),
        ("failure_patterns", 365, delete),
        ("tool_usage", 182, delete),
        ("audit_log", 365, delete),
    ];
    assert_eq!(set, wanted);
}

/// Everything planted is too old, so that every policy has something to do.
#[test]
fn every_subject_goes_by_its_policy_and_nothing_else_does() {
    for (subject, action, table, left) in [
        ("outcomes", RetentionAction::Delete, "outcomes", 0),
        ("failure_patterns", RetentionAction::Delete, "failure_patterns", 0),
        ("run_logs", RetentionAction::Delete, "run_logs", 0),
        ("steps", RetentionAction::Delete, "steps", 0),
        ("steps", RetentionAction::Thin, "steps", 2),
        ("episodes", RetentionAction::Archive, "episodes WHERE status <> 'archived'", 0),
        ("runs", RetentionAction::Delete, "runs", 0),
        ("system_events", RetentionAction::Delete, "system_events", 0),
        ("llm_cache", RetentionAction::Delete, "llm_cache", 0),
        ("messages", RetentionAction::Delete, "messages", 0),
        ("memories", RetentionAction::Delete, "memories", 0),
        ("patterns", RetentionAction::Delete, "patterns", 0),
        ("learned_artifacts", RetentionAction::Thin, "learned_artifacts", 1),
        ("queue", RetentionAction::Delete, "queue WHERE status = 'completed'", 0),
        ("alerts", RetentionAction::Delete, "alerts", 0),
        ("recommendations", RetentionAction::Delete, "recommendations WHERE status <> 'open'", 0),
        ("todos", RetentionAction::Delete, "todos WHERE status <> 'open'", 0),
        ("credit_balance", RetentionAction::Delete, "credit_balance", 0),
        ("ttt_adaptations", RetentionAction::Delete, "ttt_adaptations", 0),
        ("tool_usage", RetentionAction::Delete, "resource_usage WHERE kind = 'tool'", 0),
    ] {
        let bench = old();
        let tables =
            ["runs", "messages", "memories", "steps", "queue", "todos", "recommendations", "outcomes"];
        let before = tables.map(|table| bench.count(table));
        for line in bench.store.retention().unwrap() {
            if line.max_age_ms.is_some() {
                bench.store.remove_retention(line.subject).unwrap();
            }
        }
        bench.store.set_retention(subject, 90 * DAY, Some(action)).unwrap();
        let planned = bench.store.retain(LATER, true).unwrap();
        let done = bench.store.retain(LATER, false).unwrap();
        assert!(rows(&planned, subject) > 0, "{subject} {action:?}");
        assert_eq!(rows(&planned, subject), rows(&done, subject), "{subject}: a dry run counts what goes");
        assert_eq!(bench.count(table), left, "{subject} {action:?}");
        assert_eq!(rows(&bench.store.retain(LATER, false).unwrap(), subject), 0, "{subject}: once is enough");
        for (other, count) in tables.into_iter().zip(before) {
            let is_touched = other == subject || (subject == "runs" && other == "steps");
            assert!(is_touched || bench.count(other) == count, "{subject} took rows of {other}");
        }
        // No vector without what it is of, no row that points at nothing.
        assert_eq!(bench.count("embeddings WHERE content = 'goes'"), 0, "{subject}");
        assert!(bench.store.health().unwrap().is_empty(), "{subject}");
        assert_eq!(bench.store.verify_audit(None).unwrap().broken, None);
    }
}

/// A database in which everything is of 1970, with three steps in its episode.
fn old() -> Bench {
    let bench = Bench::with(&[task("3c9b0459", 4)]);
    let user = bench.store.add_user("ada", Role::Runner).unwrap();
    let raw = bench.raw();
    plant(&raw, &user.id, 'a', "word");
    raw.execute_batch(
        "PRAGMA foreign_keys = ON;
         INSERT INTO steps (episode_id, n, action, at) VALUES ('aepisode', 2, 'b', 1), ('aepisode', 3, 'c', 1);
         UPDATE episodes SET status = 'completed';
         UPDATE recommendations SET status = 'applied', decided_at = 1;
         UPDATE todos SET status = 'done';
         INSERT INTO queue (id, kind, payload, status, run_at, created_at, finished_at, updated_at)
             VALUES ('ended', 'k', '{}', 'completed', 1, 1, 1, 1);
         INSERT INTO credit_balance (provider, at) VALUES ('p', 1);
         INSERT INTO resource_usage (id, at, kind, name) VALUES ('tool', 1, 'tool', 'search');
         INSERT INTO ttt_adaptations (id, task_id, base_checkpoint, weights_digest, examples, metrics, created_at)
             SELECT 'ttt', (SELECT id FROM arc_tasks), 'base', digest, '[]', '{}', 1 FROM learned_artifacts;
         INSERT INTO learned_artifacts (id, owner_id, domain, name, version, digest, created_at)
             SELECT 'newer', owner_id, domain, name, 2, digest, 1 FROM learned_artifacts;",
    )
    .unwrap();
    bench
}

#[test]
fn what_is_young_stays_and_ages_are_reckoned_from_the_given_time() {
    let task = task("3c9b0459", 4);
    let bench = Bench::with(std::slice::from_ref(&task));
    let start = 1_760_000_000_000;
    for n in 0..10 {
        let run = solved(plugin("mirror"), &task);
        let run = StoredRun { started_at: start + n * DAY, finished_at: start + n * DAY, ..run };
        bench.store.record(&run, &task, None).unwrap();
    }
    bench.store.set_retention("runs", 30 * DAY, None).unwrap();
    let report = bench.store.retain(start + 34 * DAY, false).unwrap();
    assert_eq!(rows(&report, "runs"), 4);
    let left = bench.store.runs(&RunFilter::default()).unwrap();
    assert_eq!(left.len(), 6);
    assert!(left.iter().all(|line| line.started_at >= start + 4 * DAY));
    for line in left {
        bench.store.run(&line.id).unwrap();
    }
    // A clock that went backwards takes nothing.
    assert_eq!(rows(&bench.store.retain(start, false).unwrap(), "runs"), 0);
    assert_eq!(bench.count("outcomes"), 10, "outcomes have a policy of their own");
    assert_eq!(bench.count("resource_usage"), 6);
    assert_eq!(bench.count("episodes"), 6);
}

#[test]
fn runs_of_an_evaluation_that_is_not_finished_stay() {
    let bench = old();
    bench.raw().execute_batch("UPDATE evaluations SET status = 'running', finished_at = NULL").unwrap();
    bench.store.set_retention("runs", DAY, None).unwrap();
    assert_eq!(rows(&bench.store.retain(LATER, false).unwrap(), "runs"), 0);
    bench.raw().execute_batch("UPDATE evaluations SET status = 'completed', finished_at = 3").unwrap();
    assert_eq!(rows(&bench.store.retain(LATER, false).unwrap(), "runs"), 1);
    assert_eq!(bench.count("learned_artifacts WHERE run_id IS NULL"), 2, "what was learned outlives its run");
    assert_eq!(bench.count("memories WHERE episode_id IS NULL"), 1);
    assert_eq!(bench.count("evaluation_tasks WHERE run_id IS NULL"), 1);
}

#[test]
fn content_that_nothing_points_at_is_swept_and_no_other() {
    let bench = old();
    bench.raw().execute_batch("DELETE FROM ttt_adaptations; DELETE FROM learned_artifacts").unwrap();
    let planned = bench.store.retain(LATER, true).unwrap();
    assert_eq!((planned.artifacts, planned.artifact_bytes), (1, 1));
    assert_eq!(bench.count("artifacts"), 3);
    let report = bench.store.retain(LATER, false).unwrap();
    assert_eq!((report.artifacts, report.artifact_bytes), (1, 1));
    assert_eq!(bench.count("artifacts WHERE digest IN (SELECT wasm_digest FROM plugin_versions)"), 2);
    assert_eq!(bench.store.retain(LATER, false).unwrap().artifacts, 0);
}

/// Ten thousand rows go in batches, between which others write.
#[test]
fn the_writer_is_never_held_long() {
    let bench = Bench::new();
    bench
        .raw()
        .execute_batch(
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 10000)
             INSERT INTO outcomes (id, executed_at, run_id, task_id, status, score, duration_ms)
             SELECT printf('%06d', n), n, 'r', 't', 'success', 1, 1 FROM n",
        )
        .unwrap();
    let (mut batches, mut between) = (0, 0);
    let report = bench
        .store
        .retain_telling(LATER, false, &mut |subject, rows| {
            batches += usize::from(subject == "outcomes");
            between += usize::from(bench.store.add_todo("between", None, None).is_ok());
            assert!(rows <= 500);
        })
        .unwrap();
    assert_eq!((rows(&report, "outcomes"), bench.count("outcomes")), (10_000, 0));
    assert!(batches == 20 && between >= batches, "{batches} {between}");
    // A batch takes about 5 ms; this holds on a loaded machine too.
    let longest = report.policies.iter().map(|line| line.longest_ms).max().unwrap();
    assert!(longest < 1_000, "{longest} ms");
}

#[test]
fn policies_that_make_no_sense_are_refused() {
    let bench = Bench::new();
    let refused = |result: Result<(), StoreError>, words: &str| {
        let error = result.unwrap_err();
        assert!(error.to_string().contains(words) && error.hint().is_some(), "{error}");
    };
    refused(bench.store.set_retention("user_identities", DAY, None), "no subject \"user_identities\"");
    refused(bench.store.set_retention("runs; DROP TABLE runs", DAY, None), "no subject");
    refused(bench.store.set_retention("runs", DAY, Some(RetentionAction::Thin)), "cannot be kept by `thin`");
    refused(bench.store.set_retention("runs", 1, None), "at least 3600000");
    refused(bench.store.set_retention("runs", u64::MAX, None), "age of");
    refused(bench.store.remove_retention("runs"), "has no policy");
    assert_eq!(bench.count("retention_policies"), 4);
}

#[test]
fn ages_are_read_as_people_write_them() {
    for (text, days) in [("1d", 1), ("24h", 1), ("2w", 14), ("2y", 730)] {
        assert_eq!(parse_age(text), Some(days * DAY), "{text}");
    }
    for text in ["", "d", "1", "1m", "-1d", "1.5d", "é", "99999999999999999999d"] {
        assert_eq!(parse_age(text), None, "{text}");
    }
}

#[test]
fn the_job_does_what_the_command_does() {
    let bench = old();
    bench.store.set_retention("messages", DAY, None).unwrap();
    let planned = bench.store.retention_job(&serde_json::json!({"dry_run": true})).unwrap();
    assert_eq!((&planned["dry_run"], bench.count("messages")), (&true.into(), 3));
    let done = bench.store.retention_job(&serde_json::json!({})).unwrap();
    let messages = done["policies"].as_array().unwrap().iter().find(|line| line["subject"] == "messages");
    assert_eq!((&messages.unwrap()["rows"], bench.count("messages")), (&3.into(), 0));
}

/// A table that a later migration adds is known by its foreign key alone.
#[test]
fn whatever_points_at_content_keeps_it() {
    let bench = old();
    bench
        .raw()
        .execute_batch(
            "DELETE FROM ttt_adaptations;
             CREATE TABLE holders (digest TEXT NOT NULL REFERENCES artifacts (digest)) STRICT;
             INSERT INTO holders SELECT digest FROM learned_artifacts LIMIT 1;
             DELETE FROM learned_artifacts;",
        )
        .unwrap();
    assert_eq!(bench.store.retain(LATER, false).unwrap().artifacts, 0);
    bench.raw().execute_batch("DROP TABLE holders").unwrap();
    assert_eq!(bench.store.retain(LATER, false).unwrap().artifacts, 1);
}
