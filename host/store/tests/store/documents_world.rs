//! A database with something in every place that the documents' queries look at: runs as `solve` records them, and
//! rows beside them as other parts of the program write them.

use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::Connection;
use rusqlite::types::Value;
use stratagem_domain::{Ending, LabelledTask, Ledger, StoredRun};

use crate::Bench;
use crate::fixtures::{ended, plugin, solved, task};

pub const DAY: i64 = 86_400_000;

pub fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

/// The rows of a query, columns between `|`, NULL as nothing.
pub fn rows(db: &Connection, sql: &str) -> Vec<String> {
    let mut select = db.prepare(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    let width = select.column_count();
    let text = |row: &rusqlite::Row<'_>| {
        let cells = (0..width).map(|at| {
            Ok(match row.get(at)? {
                Value::Null => String::new(),
                Value::Integer(number) => number.to_string(),
                Value::Real(number) => number.to_string(),
                Value::Text(text) => text,
                Value::Blob(bytes) => format!("{} bytes", bytes.len()),
            })
        });
        Ok(cells.collect::<rusqlite::Result<Vec<_>>>()?.join("|"))
    };
    let rows = select.query_map([], text).unwrap().collect::<rusqlite::Result<_>>();
    rows.unwrap_or_else(|error| panic!("{sql}: {error}"))
}

pub fn one(db: &Connection, sql: &str) -> String {
    let found = rows(db, sql);
    assert_eq!(found.len(), 1, "{sql}: {found:?}");
    found.into_iter().next().unwrap()
}

/// How `SQLite` would go about a query.
pub fn plan(db: &Connection, sql: &str) -> String {
    let lines = rows(db, &format!("EXPLAIN QUERY PLAN {sql}"));
    lines.iter().map(|line| line.rsplit('|').next().unwrap()).collect::<Vec<_>>().join("; ")
}

pub fn refuses(db: &Connection, sql: &str, word: &str) {
    let error = db.execute_batch(sql).expect_err(sql).to_string();
    assert!(error.contains(word), "{sql}: {error}");
}

/// Two tasks; on the first a run that solved it and one that ran out of fuel, on the second one that solved it; all
/// of today. One evaluation of an experiment, with a configuration, over both tasks.
pub fn world() -> Bench {
    let tasks: [LabelledTask; 2] = [task("007bbfb7", 4), task("3c9b0459", 2)];
    let bench = Bench::with(&tasks);
    let at = now();
    let run = |task: &LabelledTask, ago: i64| StoredRun {
        started_at: (at - ago - 811).unsigned_abs(),
        finished_at: (at - ago).unsigned_abs(),
        ..solved(plugin("mirror"), task)
    };
    for (run, task) in [
        (run(&tasks[0], 3_000), &tasks[0]),
        (ended(&run(&tasks[0], 2_000), Ending::OutOfFuel, None), &tasks[0]),
        (run(&tasks[1], 1_000), &tasks[1]),
    ] {
        bench.store.record(&run, task, None).unwrap();
    }
    bench.raw().execute_batch(&BESIDE.replace("$NOW", &at.to_string())).unwrap();
    bench
}

/// What other parts of the program write beside the runs.
const BESIDE: &str = r#"
INSERT INTO user_identities (id, display_name, meta, created_at, updated_at) VALUES ('u', 'ann', '{"city": "Graz"}', 1, 1);
INSERT INTO user_handles VALUES ('email', 'ann@example.org', 'u'), ('discord', 'ann#1', 'u');

INSERT INTO documents (id, kind, name, description, owner_id, head, active, meta, created_at, updated_at) VALUES
    ('c', 'strategy_config', 'deep', NULL, 'u', 2, 2, '{"sandbox_config": {"fuel": 5}}', 1, 2),
    ('c0', 'strategy_config', 'off', NULL, 'u', 1, 1, NULL, 1, 2),
    ('pr', 'prompt', 'ask', 'asks', 'u', 2, 1, NULL, 1, 2),
    ('ca', 'capability', 'search', NULL, 'u', 1, 1, NULL, 1, 2),
    ('se', 'setting', 'greeting', 'said first', 'u', 2, 2, NULL, 1, 2);
UPDATE documents SET is_active = 0 WHERE id = 'c0';
INSERT INTO document_versions (id, document_id, version, format, body, parsed, hash, author_id, reason, created_at) VALUES
    ('c.1', 'c', 1, 'yaml', 'model: small', '{"model":"small","temperature":0}', printf('%064d', 1), 'u', 'first', 1),
    ('c.2', 'c', 2, 'yaml', 'model: large', '{"model":"large","temperature":0}', printf('%064d', 2), 'u', 'better', 2),
    ('c0.1', 'c0', 1, 'yaml', 'model: small', '{"model":"small"}', printf('%064d', 1), 'u', NULL, 1),
    ('pr.1', 'pr', 1, 'text', 'What is the rule?', NULL, printf('%064d', 3), 'u', 'first', 1),
    ('pr.2', 'pr', 2, 'text', 'Say the rule.', NULL, printf('%064d', 4), 'u', 'shorter', 2),
    ('ca.1', 'ca', 1, 'json', '{"depth": 3}', '{"depth":3}', printf('%064d', 5), 'u', NULL, 1),
    ('se.1', 'se', 1, 'text', 'hello', NULL, printf('%064d', 6), 'u', 'first', 1),
    ('se.2', 'se', 2, 'text', 'good day', NULL, printf('%064d', 7), 'u', 'politer', 2);
INSERT INTO document_changes (id, document_id, from_version, to_version, diff, summary, impact, created_at)
VALUES ('ch', 'c', 1, 2, '-model: small +model: large', '[{"op":"replace","path":"/model","value":"large"}]', '{"score":0.1}', 2);

INSERT INTO experiments (id, name, hypothesis, strategy_configs_json, selection, status, owner_id, created_at, updated_at)
VALUES ('x', 'sizes', 'larger is better', '{"deep": 2}', '{"task_ids": ["007bbfb7", "3c9b0459"]}', 'running', 'u', 1, 1);
INSERT INTO evaluations (id, experiment_id, name, plugin_version_id, config_version_id, owner_id, status, limits, settings,
    created_at, started_at)
SELECT 'e', 'x', 'large', (SELECT id FROM plugin_versions), 'c.2', 'u', 'running', '{"wall_ms": 60000}', '{"depth": "3"}',
    $NOW - 60000, $NOW - 60000;
INSERT INTO evaluation_tasks (evaluation_id, task_id, ord, status, run_id, tries, started_at, finished_at)
SELECT 'e', t.id, row_number() OVER (ORDER BY t.code), 'pending', NULL, 0, NULL, NULL FROM arc_tasks t;
UPDATE evaluation_tasks SET status = 'completed', tries = 2, started_at = $NOW - 2000, finished_at = $NOW - 1000,
    run_id = (SELECT r.id FROM runs r JOIN run_tasks k ON k.run_id = r.id WHERE k.task_id = evaluation_tasks.task_id
              AND r.outcome = 'solved')
WHERE task_id = (SELECT id FROM arc_tasks WHERE code = '007bbfb7');
UPDATE runs SET evaluation_id = 'e', experiment_id = 'x', config_version_id = 'c.2'
WHERE id = (SELECT run_id FROM evaluation_tasks WHERE run_id IS NOT NULL);
UPDATE outcomes SET cost_micros = 0;
UPDATE outcomes SET evaluation_id = 'e', config_version_id = 'c.2', cost_micros = 2100
WHERE run_id = (SELECT run_id FROM evaluation_tasks WHERE run_id IS NOT NULL);

UPDATE failure_clusters SET resolution = 'raise the fuel';

INSERT INTO patterns (id, owner_id, domain, type, hash, data, trials, successes, created_at) VALUES
    ('p1', 'u', 'mirrors', 'tool_sequence', printf('%064d', 1), '["flip"]', 4, 3, 1),
    ('p2', 'u', 'mirrors', 'tool_sequence', printf('%064d', 2), '["turn"]', 4, 4, 1),
    ('p3', 'u', 'mirrors', 'tool_sequence', printf('%064d', 3), '["fill"]', 4, 1, 1),
    ('p4', 'u', 'mirrors', 'optimization', printf('%064d', 4), '["cut"]', 0, 0, 1);
INSERT INTO episode_patterns (episode_id, pattern_id) SELECT id, 'p1' FROM episodes;
INSERT INTO memories (id, user_id, content, tags, context, importance, occurred_at, created_at, updated_at) VALUES
    ('m1', 'u', 'likes pizza from italian kitchens', '["food"]', 'chat', 7, 1, 1, 1),
    ('m2', 'u', 'user preferences: pizza without cheese', '[]', '', 5, 2, 2, 2),
    ('m3', 'u', 'prefers the user interface dark', '["food"]', '', 5, 3, 3, 3);
INSERT INTO messages (id, user_id, channel, kind, body, reply_to, created_at) VALUES
    ('q', 'u', 'general', 'question', 'what is there?', NULL, 1), ('a', NULL, 'general', 'answer', 'pizza', 'q', 2);
INSERT INTO embeddings (subject_kind, subject_id, model, dim, vec, content_hash, created_at)
VALUES ('message', 'q', 'standard', 1, x'00000000', printf('%064d', 1), 1),
    ('message', 'q', 'other', 1, x'00000000', printf('%064d', 1), 1);

INSERT INTO resource_usage (id, at, kind, name, user_id, calls, wall_ms, prompt_tokens, completion_tokens, cost_micros,
    provider, experiment_id) VALUES
    ('l1', $NOW - 3, 'llm', 'small', 'u', 1, 900, 100, 20, 200000, 'near', 'x'),
    ('l2', $NOW - 2, 'llm', 'small', 'u', 1, 1100, 100, 40, 200000, 'near', 'x'),
    ('l3', $NOW - 1, 'llm', 'large', 'u', 1, 4000, 100, 60, 200000, 'near', 'x'),
    ('l4', $NOW - 40 * 86400000, 'llm', 'large', 'u', 1, 4000, 100, 60, 900000, 'near', NULL);
INSERT INTO budgets (id, scope, scope_id, period, limit_micros, created_at) VALUES ('b', 'user', 'u', 'day', 500000, 1);

INSERT INTO llm_recommendation_sessions (id, user_id, model, window_start, window_end, outcomes_seen, status, started_at)
VALUES ('s', 'u', 'rules', $NOW - 1000, $NOW, 3, 'completed', $NOW);
INSERT INTO recommendations (id, session_id, source_type, source_id, kind, description, change_id, confidence, created_at)
VALUES ('r1', 's', 'pattern_analysis', (SELECT id FROM failure_clusters), 'config_change', 'raise the fuel of deep', 'ch', 0.9, $NOW),
    ('r2', 's', 'outcome', 'o', 'performance_tuning', 'look at the depth', NULL, 0.6, $NOW);
INSERT INTO recommendations (id, session_id, source_type, source_id, kind, description, confidence, status, decided_at, created_at)
VALUES ('r3', 's', 'outcome', 'o', 'performance_tuning', 'this was done already', 0.95, 'applied', $NOW, $NOW);
INSERT INTO system_events (id, at, level, source, kind, message, context)
VALUES ('ev', $NOW, 'warning', 'budgets', 'high_cost', 'spending is high', '{"user": "ann"}');
"#;
