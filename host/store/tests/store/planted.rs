//! One row of a user's in every table that can hold one, with a word of theirs in every column that can hold a text.

use std::collections::BTreeMap;

use rusqlite::Connection;

/// Columns of docs/keeping.md: table and column, then what they hold and what becomes of them.
pub fn documented() -> BTreeMap<(String, String), (String, String)> {
    let text = include_str!("../../../../docs/keeping.md");
    let mut columns = BTreeMap::new();
    let rows = text.lines().skip_while(|line| !line.starts_with("| table | columns")).skip(2);
    for line in rows.take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [table, names, holds, fate] = cells[..] else { panic!("four cells: {line}") };
        for column in names.split(", ") {
            let key = (table.trim_matches('`').to_owned(), column.trim_matches('`').to_owned());
            let twice = columns.insert(key.clone(), (holds.to_owned(), fate.to_owned()));
            assert!(twice.is_none(), "{key:?} stands twice in docs/keeping.md");
        }
    }
    columns
}

/// Tables that are stored, without those of an index.
pub fn tables(db: &Connection) -> Vec<String> {
    strings(
        db,
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%'
         ORDER BY name",
    )
}

pub fn strings(db: &Connection, sql: &str) -> Vec<String> {
    let mut select = db.prepare(sql).unwrap();
    select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// Rows of a column that hold the word.
pub fn holding(db: &Connection, table: &str, column: &str, word: &str) -> i64 {
    let sql =
        format!("SELECT count(*) FROM {table} WHERE instr(CAST({column} AS BLOB), CAST(?1 AS BLOB)) > 0");
    db.query_row(&sql, [word], |row| row.get(0)).unwrap()
}

pub fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from_digit(digit.into(), 16).unwrap()).collect()
}

/// Plants the word of a user of this id; `mark` keeps ids apart. Needs one task.
pub fn plant(db: &Connection, user: &str, mark: char, word: &str) {
    let journal = lz4_flex::compress_prepend_size(format!(r#"["{word} journal"]"#).as_bytes());
    let mut vector = format!("{word} vector").into_bytes();
    vector.resize(64, 0);
    let sql = SQL
        .replace("{u}", user)
        .replace("{w}", word)
        .replace("{m}", &mark.to_string())
        .replace("{journal}", &hex(&journal))
        .replace("{vec}", &hex(&vector))
        .replace("{body}", &hex(format!("{word} bytes").as_bytes()));
    // Digests of 64 digits.
    let sql = (1..=4).fold(sql, |sql, n| sql.replace(&format!("{{d{n}}}"), &format!("{mark}{n}").repeat(32)));
    db.execute_batch(&format!("PRAGMA foreign_keys = ON; BEGIN; {sql} COMMIT;")).unwrap();
}

const SQL: &str = r#"
UPDATE user_identities SET meta = '{"m": "{w}"}' WHERE id = '{u}';
INSERT INTO user_handles VALUES ('{w}-provider', '{w}@example.org', '{u}');
INSERT INTO artifacts (digest, bytes, media_type, store, ref, body, created_at)
    VALUES ('{d1}', 1, 'application/wasm', 'sql', 'body', x'{body}', 1), ('{d2}', 1, 'x/y', 'sql', 'body', x'{body}', 1);
INSERT INTO plugins (id, name, family, owner_id, created_at) VALUES ('{m}plugin', '{w} plugin', '{w}', '{u}', 1);
INSERT INTO plugin_versions (id, plugin_id, semver, wasm_digest, wit_world, created_at, manifest, signature, signer)
    VALUES ('{m}version', '{m}plugin', '{w}', '{d1}', 'w', 1, '{w} manifest', '{w} signature', '{w} signer');
INSERT INTO documents (id, kind, name, category, description, owner_id, head, active, meta, created_at, updated_at)
    VALUES ('{m}doc', 'prompt', '{w} doc', '{w}', '{w}', '{u}', 2, 1, '{"m": "{w}"}', 1, 1);
INSERT INTO document_versions (id, document_id, version, format, body, parsed, hash, author_id, reason, created_at)
    VALUES ('{m}dv1', '{m}doc', 1, 'json', '"{w}"', '"{w}"', '{d1}', '{u}', '{w} reason', 1),
           ('{m}dv2', '{m}doc', 2, 'json', '"{w} 2"', '"{w} 2"', '{d2}', '{u}', '{w} reason', 1);
INSERT INTO document_changes (id, document_id, from_version, to_version, diff, summary, impact, status, decided_by,
        decided_at, reason, created_at)
    VALUES ('{m}change', '{m}doc', 1, 2, '{w} diff', '"{w}"', '"{w}"', 'approved', '{u}', 1, '{w} reason', 1);
INSERT INTO experiments (id, name, description, hypothesis, strategy_configs_json, selection, results, insights, owner_id,
        created_at, updated_at)
    VALUES ('{m}exp', '{w}', '{w}', '{w}', '"{w}"', '"{w}"', '"{w}"', '"{w}"', '{u}', 1, 1);
INSERT INTO evaluations (id, experiment_id, name, plugin_version_id, config_version_id, owner_id, status, limits, settings,
        meta, error, created_at, finished_at)
    VALUES ('{m}eval', '{m}exp', '{w}', '{m}version', '{m}dv1', '{u}', 'completed', '"{w}"', '"{w}"', '"{w}"', '{w}', 1, 2);
INSERT INTO runs (id, kind, plugin_version_id, owner_id, status, recipe, task_digest, limits, settings, outcome, fault,
        ending, metrics, error, created_at, started_at, finished_at, config_version_id, experiment_id, evaluation_id)
    VALUES ('{m}run', 'evaluation', '{m}version', '{u}', 'completed', '{d1}', '{d2}', '{}', '"{w}"', 'trap', 'plugin',
        '"{w}"', '"{w}"', '{w} error', 1, 1, 2, '{m}dv1', '{m}exp', '{m}eval');
INSERT INTO evaluation_tasks (evaluation_id, task_id, ord, run_id)
    SELECT '{m}eval', id, 1, '{m}run' FROM arc_tasks LIMIT 1;
INSERT INTO run_tasks (run_id, task_id, ord) SELECT '{m}run', id, 0 FROM arc_tasks LIMIT 1;
INSERT INTO answers SELECT '{m}run', 1, id, 0, '"{w}"', 0.5, '{w} rationale', 1, 0 FROM arc_tasks LIMIT 1;
INSERT INTO run_logs VALUES ('{m}run', 1, 'info', '{w} log');
INSERT INTO run_journals VALUES ('{m}run', 1, 9, x'{journal}');
INSERT INTO task_submissions (id, run_id, task_id, user_id, attempt, meta, submitted_at, strategy_used)
    SELECT '{m}sub', '{m}run', id, '{u}', 1, '"{w}"', 1, '{w} plugin' FROM arc_tasks LIMIT 1;
INSERT INTO submission_grids VALUES ('{m}sub', 0, '"{w}"', 0);
INSERT INTO outcomes (id, executed_at, run_id, task_id, status, score, duration_ms, error_category, error_code, trajectory,
        metrics, idempotency_key)
    SELECT '{m}outcome', 2, '{m}run', id, 'error', 0, 7, '{w}', '{w}', '"{w}"', '"{w}"', '{w} key' FROM arc_tasks LIMIT 1;
INSERT INTO failure_clusters (id, key, label, resolution, created_at) VALUES ('{m}cluster', '{d1}', '{w} label', '{w}', 1);
INSERT INTO failure_patterns (id, outcome_id, executed_at, category, type, message, cluster_id, analysis, created_at)
    VALUES ('{m}failure', '{m}outcome', 2, 'trap', '{w}', '{w} message', '{m}cluster', '"{w}"', 1);
INSERT INTO resource_usage (id, at, kind, name, user_id, run_id, detail, cost_micros)
    VALUES ('{m}usage1', 2, 'wasm', '{w} plugin', '{u}', '{m}run', '{"name": "{w}"}', 5),
           ('{m}usage2', 2, 'llm', 'model', '{u}', NULL, '{"name": "{w}"}', 70);
INSERT INTO llm_recommendation_sessions (id, user_id, model, prompt_version_id, window_start, window_end, error, started_at)
    VALUES ('{m}session', '{u}', 'rules', '{m}dv1', 1, 2, '{w}', 1);
INSERT INTO recommendations (id, session_id, source_type, source_id, kind, description, change_id, evidence, impact,
        confidence, created_at)
    VALUES ('{m}rec', '{m}session', 'simulation', '{m}eval', 'config_change', '{w} description', '{m}change', '"{w}"',
        '"{w}"', 0.9, 1);
INSERT INTO episodes (id, run_id, user_id, owner_id, plugin_id, task_type, domain, context, meta, summary, created_at)
    VALUES ('{m}episode', '{m}run', '{u}', '{u}', '{m}plugin', '{w}', '{w}', '{w} context', '"{w}"', '{w} summary', 1);
INSERT INTO steps (episode_id, n, action, result, at) VALUES ('{m}episode', 1, '{w} action', '{w} result', 1);
INSERT INTO patterns (id, owner_id, domain, type, hash, data, meta, created_at)
    VALUES ('{m}pattern', '{u}', '{w}', '{w}', '{d1}', '{w} data', '"{w}"', 1);
INSERT INTO episode_patterns (episode_id, pattern_id) VALUES ('{m}episode', '{m}pattern');
INSERT INTO memories (id, user_id, domain, episode_id, content, tags, context, occurred_at, created_at, updated_at)
    VALUES ('{m}memory', '{u}', '{w}', '{m}episode', '{w} content', '["{w}"]', '{w}', 1, 1, 1);
INSERT INTO messages (id, user_id, channel, guild_id, kind, body, meta, created_at)
    VALUES ('{m}message', '{u}', '{w}', '{w}', '{w}', '{w} body', '{"email": "{w}"}', 1);
INSERT INTO messages (id, kind, body, reply_to, created_at)
    VALUES ('{m}reply1', 'reply', 'you said {w}', '{m}message', 2), ('{m}reply2', 'reply', '{w} it is', '{m}reply1', 3);
INSERT INTO embeddings (subject_kind, subject_id, owner_id, domain, model, dim, vec, content, content_hash, created_at)
    VALUES ('memory', '{m}memory', '{u}', '{w}', 'm', 16, x'{vec}', '{w} embedded', '{d1}', 1),
           ('message', '{m}reply2', NULL, '{w}', 'm', 16, x'{vec}', '{w} embedded', '{d2}', 1),
           ('episode', '{m}episode', NULL, '{w}', 'm', 16, x'{vec}', '{w} embedded', '{d2}', 1),
           ('step', '{m}episode/1', NULL, '{w}', 'm', 16, x'{vec}', '{w} embedded', '{d2}', 1),
           ('outcome', '{m}outcome', NULL, '{w}', 'm', 16, x'{vec}', '{w} embedded', '{d2}', 1),
           ('failure', '{m}failure', NULL, '{w}', 'm', 16, x'{vec}', '{w} embedded', '{d2}', 1),
           ('document_version', '{m}dv1', NULL, '{w}', 'm', 16, x'{vec}', '{w} embedded', '{d2}', 1);
INSERT INTO learned_artifacts (id, owner_id, domain, name, version, digest, run_id, lessons, created_at)
    VALUES ('{m}learned', '{u}', '{w}', '{w}', 1, '{d2}', '{m}run', '["{w}"]', 1);
INSERT INTO queue (id, kind, dedupe_key, payload, run_at, respond_to, metadata, created_by, error, result, created_at,
        updated_at)
    VALUES ('{m}job', '{w}', '{w}', '"{w}"', 1, '"{w}"', '"{w}"', '{u}', '{w}', '"{w}"', 1, 1);
INSERT INTO llm_cache (key, provider, model, prompt_hash, params, response, user_id, prompt_tokens, completion_tokens,
        created_at, last_hit_at, expires_at)
    VALUES ('{d1}', 'p', 'm', '{d1}', '{"p": "{w}"}', '{w} reply', '{u}', 1, 1, 1, 1, 1);
INSERT INTO budgets (id, scope, scope_id, period, limit_micros, created_at) VALUES ('{m}budget', 'user', '{u}', 'day', 1, 1);
INSERT INTO budget_holds (id, user_id, provider, micros, expires_at, created_at) VALUES ('{m}hold', '{u}', 'p', 1, 1, 1);
INSERT INTO alerts (id, rule, scope, scope_id, window_key, severity, message, acknowledged_by, created_at)
    VALUES ('{m}alert1', 'r', 'user', '{u}', 'k', 'info', '{w} alert', NULL, 1),
           ('{m}alert2', 'r', 'experiment', '{m}exp', 'k', 'info', '{w} experiment', '{u}', 1),
           ('{m}alert3', 'r', 'provider', '{m}', 'k', 'info', 'spent', '{u}', 1);
INSERT INTO todos (id, title, description, data, assignee_id, created_by, created_at, updated_at)
    VALUES ('{m}todo', '{w}', '{w}', '"{w}"', '{u}', '{u}', 1, 1);
INSERT INTO system_events (id, at, level, source, kind, message, context, stack)
    VALUES ('{m}event', 1, 'info', '{w}', '{w}', 'of {w}@example.org', '{"user": "{w}@example.org"}', '{w}');
"#;
