//! The faults of the design documents, each held to what was made of it: a test fails where one comes back.

use std::collections::BTreeSet;

use rusqlite::Connection;

use crate::Bench;
use crate::documents_world::{DAY, now, one, plan, refuses, rows, world};

#[test]
fn every_document_is_enforced_by_types_references_and_json() {
    let bench = world();
    let db = bench.raw();
    db.pragma_update(None, "foreign_keys", true).unwrap();
    for (sql, word) in [
        ("UPDATE outcomes SET score = 'high'", "cannot store TEXT value in REAL column"),
        ("UPDATE arc_tasks SET is_active = 'yes'", "cannot store TEXT value in INTEGER column"),
        ("UPDATE arc_tasks SET is_active = 2", "CHECK constraint failed"),
        ("UPDATE arc_tasks SET difficulty = 'easyish'", "CHECK constraint failed"),
        ("UPDATE arc_tasks SET meta = '{broken'", "CHECK constraint failed"),
        ("UPDATE memories SET tags = '{}'", "CHECK constraint failed"),
        ("UPDATE arc_tasks SET family_id = 'nobody'", "FOREIGN KEY constraint failed"),
        (
            "INSERT INTO steps (episode_id, n, action, at) VALUES ('nobody', 1, 'x', 1)",
            "FOREIGN KEY constraint failed",
        ),
        ("UPDATE memories SET user_id = NULL", "NOT NULL constraint failed"),
        ("UPDATE recommendations SET confidence = 1.5", "CHECK constraint failed"),
        ("UPDATE failure_patterns SET recovery_ok = 1", "CHECK constraint failed"),
        ("UPDATE evaluations SET status = 'completed'", "CHECK constraint failed"),
        ("UPDATE evaluations SET started_at = created_at - 1", "CHECK constraint failed"),
    ] {
        refuses(&db, sql, word);
    }
    // JSON is text: no engine's idea of a type turns 1.0 into 1.
    db.execute_batch("UPDATE documents SET meta = '1.0' WHERE id = 'pr'").unwrap();
    assert_eq!(one(&db, "SELECT metadata, typeof(metadata) FROM prompts"), "1.0|text");
}

fn keep_reply(
    db: &Connection,
    key: u32,
    model: &str,
    temperature: f64,
    expires_at: i64,
) -> rusqlite::Result<()> {
    db.execute_batch(&format!(
        "INSERT INTO llm_cache (key, provider, model, prompt_hash, params, response, prompt_tokens, completion_tokens,
             created_at, last_hit_at, expires_at)
         VALUES (printf('%064d', {key}), 'near', '{model}', printf('%064d', 9), json_object('temperature', {temperature}),
             'a reply', 3, 4, 1, 1, {expires_at})"
    ))
}

#[test]
fn the_same_prompt_on_another_model_is_another_reply() {
    let bench = world();
    let db = bench.raw();
    keep_reply(&db, 1, "small", 0.0, 5).unwrap();
    keep_reply(&db, 2, "large", 0.0, 5).unwrap();
    keep_reply(&db, 3, "small", 0.5, 5).unwrap();
    assert!(keep_reply(&db, 1, "small", 0.0, 5).is_err(), "a key is there once");
    let sql = "SELECT model_name, temperature, token_count, access_count FROM llm_cache ORDER BY cache_id";
    assert_eq!(rows(&db, sql), ["small|0|7|1", "large|0|7|1", "small|0.5|7|1"]);
}

#[test]
fn every_kept_reply_leaves_when_it_expires() {
    let bench = world();
    let db = bench.raw();
    // Never read again, and read often: both have their time.
    keep_reply(&db, 1, "small", 0.0, now() - 1).unwrap();
    keep_reply(&db, 2, "large", 0.0, now() - 1).unwrap();
    keep_reply(&db, 3, "large", 0.5, now() + DAY).unwrap();
    db.execute_batch("UPDATE llm_cache SET hits = 50 WHERE model = 'large'").unwrap();
    refuses(&db, "UPDATE llm_cache SET expires_at = NULL", "NOT NULL constraint failed");
    let sweep = format!("DELETE FROM llm_cache WHERE expires_at <= {}", now());
    assert_eq!(db.execute(&sweep, []).unwrap(), 2);
    assert_eq!(one(&db, "SELECT hits FROM llm_cache"), "50");
}

/// What was spent of the budget in its window, once for all who ask in this way.
const SPENT: &str =
    "SELECT b.id, sum(u.cost_micros), sum(u.cost_micros) * 1000 >= b.limit_micros * b.warn_permille
     FROM budgets b JOIN resource_usage u ON b.scope = 'user' AND u.user_id = b.scope_id
     WHERE u.cost_micros > 0 AND u.at >= $START GROUP BY b.id";

#[test]
fn costs_are_summed_and_alert_once_a_window() {
    let bench = world();
    let db = bench.raw();
    // Three of 0.20, each below every threshold, pass 70 % of 0.50; what was spent before the window does not count.
    let spent = SPENT.replace("$START", &(now() - DAY).to_string());
    assert_eq!(one(&db, &spent), "b|600000|1");
    for (value, fired) in [(0.4, 1), (0.6, 0)] {
        let alert = format!(
            "INSERT INTO alerts (id, rule, scope, scope_id, window_key, severity, threshold, value, message, created_at)
             VALUES ('{value}', 'budget_warning', 'user', 'u', '2026-01-01', 'warning', 0.35, {value}, 'spent', 1)
             ON CONFLICT (rule, scope, scope_id, window_key) DO NOTHING"
        );
        assert_eq!(db.execute(&alert, []).unwrap(), fired);
    }
    let sql = "SELECT alert_type, threshold_value, current_value, severity, acknowledged FROM credit_alerts";
    assert_eq!(one(&db, sql), "budget_warning|0.35|0.4|warning|0");
    // No trigger watches: nothing is written beside a row of usage.
    assert_eq!(one(&db, "SELECT count(*) FROM system_events"), "1");
}

/// An experiment is complete where it has tasks and every frozen one of them ended.
const COMPLETE: &str = "UPDATE experiments SET status = 'completed', finished_at = 9
     WHERE id = 'x' AND status = 'running' AND EXISTS (SELECT 1 FROM evaluations WHERE experiment_id = 'x')
       AND NOT EXISTS (SELECT 1 FROM evaluations e LEFT JOIN evaluation_tasks k ON k.evaluation_id = e.id
                       WHERE e.experiment_id = 'x' AND (k.task_id IS NULL OR k.finished_at IS NULL))";

#[test]
fn an_experiment_completes_when_every_frozen_task_ended() {
    let bench = world();
    let db = bench.raw();
    assert_eq!(db.execute(COMPLETE, []).unwrap(), 0, "one of two tasks is still to come");
    // An id that begins like an octal number is a text like any other.
    assert_eq!(
        one(&db, "SELECT json_extract(task_selection_json, '$.task_ids[0]') FROM experiments"),
        "007bbfb7"
    );
    db.execute_batch(
        "UPDATE evaluation_tasks SET status = 'failed', started_at = 1, finished_at = 2 WHERE run_id IS NULL",
    )
    .unwrap();
    assert_eq!(db.execute(COMPLETE, []).unwrap(), 1);
    assert_eq!(one(&db, "SELECT status, completed_at FROM experiments"), "completed|9");
}

#[test]
fn no_selection_never_completes_and_a_cancelled_experiment_stays_cancelled() {
    let bench = world();
    let db = bench.raw();
    db.execute_batch(
        "UPDATE evaluation_tasks SET started_at = 1, finished_at = 2, status = 'completed';
                      UPDATE experiments SET status = 'cancelled', finished_at = 3",
    )
    .unwrap();
    assert_eq!(db.execute(COMPLETE, []).unwrap(), 0);
    assert_eq!(one(&db, "SELECT status, completed_at FROM experiments"), "cancelled|3");
    db.execute_batch(
        "UPDATE experiments SET status = 'running', finished_at = NULL; DELETE FROM evaluation_tasks",
    )
    .unwrap();
    assert_eq!(db.execute(COMPLETE, []).unwrap(), 0);
    refuses(&db, "UPDATE experiments SET selection = NULL", "NOT NULL constraint failed");
}

#[test]
fn no_trigger_sets_times_versions_or_states() {
    let bench = world();
    let db = bench.raw();
    db.pragma_update(None, "recursive_triggers", true).unwrap();
    db.execute_batch("UPDATE arc_tasks SET prompt = 'p'; UPDATE memories SET content = 'c'; UPDATE documents SET category = 'x'")
        .unwrap();
    assert_eq!(one(&db, "SELECT count(*) FROM memories WHERE updated_at > 3"), "0");
    // Those that there are keep a search, raise the number of a cached subject, or refuse; they write nowhere else.
    let mut kinds = BTreeSet::new();
    for trigger in rows(&db, "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'") {
        let (name, sql) = trigger.split_once('|').unwrap();
        let (when, does) = sql.split_once("BEGIN").unwrap();
        let kind =
            ["_insert", "_update", "_delete"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        kinds.insert(kind.to_owned());
        let does: Vec<&str> =
            does.split(';').map(str::trim).filter(|part| !["", "END"].contains(part)).collect();
        let only = if kind.ends_with("_fts") {
            format!("INSERT INTO {kind} (")
        } else if kind.ends_with("_generation") {
            "INSERT INTO cache_generations (".to_owned()
        } else {
            assert!(when.contains(" BEFORE "), "{sql}");
            "SELECT raise(ABORT, ".to_owned()
        };
        assert!(!does.is_empty() && does.iter().all(|part| part.starts_with(&only)), "{sql}");
    }
    let searches = ["episodes_fts", "memories_fts", "system_events_fts"];
    let cached =
        ["datasets", "documents", "episodes", "patterns", "runs"].map(|of| format!("{of}_generation"));
    let frozen = ["audit_log_frozen", "audit_log_kept", "document_versions_frozen"];
    let expected = searches.into_iter().chain(frozen).map(str::to_owned).chain(cached);
    assert_eq!(kinds, expected.collect());
}

#[test]
fn searches_follow_every_change_and_survive_a_dump() {
    let bench = world();
    let db = bench.raw();
    let found = |db: &Connection, word: &str| {
        rows(
            db,
            &format!(
                "SELECT m.id FROM memories_fts f JOIN memories m ON m.seq = f.rowid
                           WHERE memories_fts MATCH '{word}' ORDER BY m.id"
            ),
        )
    };
    assert_eq!(found(&db, "pizza"), ["m1", "m2"]);
    db.execute_batch(
        "UPDATE memories SET content = 'soup' WHERE id = 'm1'; DELETE FROM memories WHERE id = 'm2'",
    )
    .unwrap();
    assert_eq!(found(&db, "pizza"), Vec::<String>::new());
    assert_eq!(found(&db, "soup"), ["m1"]);
    // Rows keep their numbers through a copy of the file without gaps, so the search finds the right ones.
    db.execute_batch("DELETE FROM memories WHERE id = 'm1'; INSERT INTO memories (id, user_id, content, occurred_at,
        created_at, updated_at) VALUES ('m4', 'u', 'bread', 1, 1, 1); DELETE FROM memories WHERE id = 'm3'; VACUUM").unwrap();
    assert_eq!(found(&db, "bread"), ["m4"]);
    for table in ["memories_fts", "episodes_fts", "system_events_fts"] {
        db.execute_batch(&format!("INSERT INTO {table} ({table}, rank) VALUES ('integrity-check', 1)"))
            .unwrap();
    }
}

#[test]
fn memory_has_owners_links_and_counted_rates() {
    let bench = world();
    let db = bench.raw();
    let unowned = "INSERT INTO patterns (id, domain, type, hash, data, created_at)
                   VALUES ('p', 'd', 't', printf('%064d', 5), '', 1)";
    refuses(&db, unowned, "NOT NULL constraint failed: patterns.owner_id");
    assert_eq!(one(&db, "SELECT count(*) FROM episodes WHERE owner_id IS NULL"), "0");
    let twice =
        "INSERT INTO steps (episode_id, n, action, at) SELECT id, 1, 'again', 1 FROM episodes LIMIT 1";
    refuses(&db, twice, "UNIQUE constraint failed: steps.episode_id, steps.n");
    refuses(&db, "UPDATE patterns SET successes = trials + 1", "CHECK constraint failed");
    refuses(&db, "UPDATE patterns SET success_rate = 1", "cannot UPDATE generated column");
    db.execute_batch("UPDATE patterns SET trials = trials + 1 WHERE id = 'p2'").unwrap();
    assert_eq!(one(&db, "SELECT success_rate, usage_count FROM patterns WHERE id = 'p2'"), "0.8|5");
    db.execute_batch("PRAGMA foreign_keys = ON; DELETE FROM patterns WHERE id = 'p1'").unwrap();
    assert_eq!(one(&db, "SELECT count(*) FROM episode_patterns"), "0");
}

#[test]
fn versions_of_documents_are_counted_by_the_store_and_never_change() {
    let bench = world();
    let db = bench.raw();
    refuses(&db, "UPDATE document_versions SET parsed = '{}'", "a version of a document is never changed");
    refuses(
        &db,
        "UPDATE document_versions SET version = version + 1",
        "a version of a document is never changed",
    );
    let twice = "INSERT INTO document_versions (id, document_id, version, format, body, hash, created_at)
                 VALUES ('again', 'pr', 2, 'text', 'other', printf('%064d', 5), 1)";
    refuses(&db, twice, "UNIQUE constraint failed: document_versions.document_id, document_versions.version");
    refuses(&db, "UPDATE documents SET active = head + 1", "CHECK constraint failed");
    // An edit that changes nothing else makes no version.
    db.execute_batch("UPDATE documents SET description = 'asks again' WHERE id = 'pr'").unwrap();
    assert_eq!(one(&db, "SELECT count(*), max(version) FROM prompt_history"), "2|2");
    refuses(&db, "UPDATE prompts SET version = 7", "cannot modify prompts because it is a view");
}

#[test]
fn jobs_have_ids_of_their_own_leases_and_keys() {
    let bench = world();
    let db = bench.raw();
    let add = |id: &str, key: &str| {
        format!(
            "INSERT INTO queue (id, kind, payload, dedupe_key, run_at, created_at, updated_at)
                 VALUES ('{id}', 'k', '{{}}', {key}, 1, 1, 1)"
        )
    };
    db.execute_batch(&add("a", "'once'")).unwrap();
    refuses(&db, &add("b", "'once'"), "UNIQUE constraint failed: queue.dedupe_key");
    refuses(&db, &add("a", "NULL"), "UNIQUE constraint failed: queue.id");
    refuses(&db, "UPDATE queue SET status = 'in_progress'", "CHECK constraint failed");
    refuses(&db, "UPDATE queue SET status = 'completed'", "CHECK constraint failed");
    refuses(&db, "UPDATE queue SET status = 'walking'", "CHECK constraint failed");
    db.execute_batch("UPDATE queue SET status = 'completed', finished_at = 2").unwrap();
    db.execute_batch(&add("c", "'once'")).unwrap();
    let claim = "SELECT id FROM queue INDEXED BY ix_queue_kind WHERE status = 'pending' AND kind = 'k' AND run_at <= 5 ORDER BY priority DESC, run_at, id LIMIT 1";
    let plan = plan(&db, claim);
    assert!(plan.contains("ix_queue_kind") && !plan.contains("TEMP B-TREE"), "{plan}");
}

#[test]
fn a_table_has_one_primary_key() {
    let bench = Bench::new();
    let keys =
        "sqlite_schema s WHERE s.type = 'table' AND s.name NOT LIKE 'sqlite_%' AND s.name NOT LIKE '%_fts%'
                AND (SELECT count(*) FROM pragma_table_info(s.name) WHERE pk > 0) = 0";
    assert_eq!(bench.count(keys), 0);
    let key = "SELECT group_concat(name) FROM pragma_table_info('failure_patterns') WHERE pk > 0";
    assert_eq!(one(&bench.raw(), key), "id");
}

#[test]
fn money_sums_exactly() {
    let bench = Bench::new();
    let db = bench.raw();
    db.execute_batch(
        "BEGIN; WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT 100000)
         INSERT INTO resource_usage (id, at, kind, name, cost_micros) SELECT n, n, 'llm', 'm', 2100 FROM n; COMMIT",
    )
    .unwrap();
    assert_eq!(
        one(&db, "SELECT sum(cost_micros), sum(cost_micros) / 1e6 FROM resource_usage"),
        "210000000|210"
    );
    refuses(
        &db,
        "UPDATE resource_usage SET cost_micros = 0.0021",
        "cannot store REAL value in INTEGER column",
    );
}

#[test]
fn the_same_outcome_is_recorded_once() {
    let bench = world();
    let db = bench.raw();
    let add = |id: u32, key: &str| {
        db.execute(
            &format!(
                "INSERT INTO outcomes (id, executed_at, run_id, task_id, status, score, duration_ms, idempotency_key)
                 VALUES ('{id}', {id}, 'r', 't', 'success', 1, 1, {key})
                 ON CONFLICT (idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING"
            ),
            [],
        )
        .unwrap()
    };
    assert_eq!(
        [add(1, "'k'"), add(2, "'k'"), add(3, "'other'"), add(4, "NULL"), add(5, "NULL")],
        [1, 0, 1, 1, 1]
    );
}
