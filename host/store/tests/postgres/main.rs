//! The migrations for PostgreSQL, on a real one: they go up and back, make what those of `SQLite` make, and hold the
//! same rows to the same rules.
#![cfg(unix)]

mod server;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use stratagem_store::{Catalogue, Column, RelationKind};

use server::{Database, skipped};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations").join(name)
}

/// The names of a folder's migrations, in order, without their endings.
fn names(of: &str) -> Vec<String> {
    let files = fs::read_dir(folder(of)).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> =
        files.filter_map(|name| name.to_string_lossy().strip_suffix(".up.sql").map(str::to_owned)).collect();
    names.sort();
    names
}

fn migration(of: &str, name: &str, way: &str) -> String {
    fs::read_to_string(folder(of).join(format!("{name}.{way}.sql"))).unwrap()
}

fn migrated(name: &str) -> Option<Database> {
    let database = Database::new(name)?;
    for name in names("postgres") {
        database.ask(&migration("postgres", &name, "up")).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    Some(database)
}

/// Everything that a migration could have made, by kind and name, with what it consists of.
fn made(database: &Database) -> BTreeSet<String> {
    let rows = database.rows(
        "SELECT 'relation', c.relname || ' ' || c.relkind::text, CASE c.relkind WHEN 'v' THEN pg_get_viewdef(c.oid) ELSE '' END
         FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v', 'm', 'p', 'S')
         UNION ALL SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
         UNION ALL SELECT 'column', table_name || '.' || column_name, data_type || is_nullable || is_generated
         FROM information_schema.columns WHERE table_schema = 'public'
         UNION ALL SELECT 'check', conname, pg_get_constraintdef(oid) FROM pg_constraint
         WHERE connamespace = 'public'::regnamespace
         UNION ALL SELECT 'function', proname, '' FROM pg_proc WHERE pronamespace = 'public'::regnamespace
         UNION ALL SELECT 'trigger', tgname, '' FROM pg_trigger WHERE NOT tgisinternal",
    );
    rows.into_iter().collect()
}

#[test]
fn the_numbers_and_names_are_those_of_sqlite() {
    assert_eq!(names("postgres"), names("sqlite"));
    for name in names("postgres") {
        assert!(!migration("postgres", &name, "down").trim().is_empty(), "{name}");
    }
}

#[test]
fn every_migration_goes_up_and_back_and_leaves_nothing() {
    let Some(database) = Database::new("ladder") else { return };
    let names = names("postgres");
    let mut ladder = Vec::new();
    for round in 0..2 {
        for name in &names {
            if round == 0 {
                ladder.push(made(&database));
            }
            database
                .ask(&migration("postgres", name, "up"))
                .unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        assert!(made(&database).len() > 1_000);
        for (name, before) in names.iter().zip(&ladder).rev() {
            database
                .ask(&migration("postgres", name, "down"))
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(&made(&database), before, "what {name} leaves");
        }
    }
    assert_eq!(made(&database), BTreeSet::new());
}

/// The types of PostgreSQL that a column of `SQLite` may have there.
fn types(table: &str, column: &Column) -> &'static [&'static str] {
    // Its hash is of the very text, which JSONB does not keep.
    let is_text = table == "audit_log";
    match column.r#type.as_str() {
        "TEXT" if column.is_json && !is_text => &["jsonb"],
        "TEXT" if column.expression.is_some() && !is_text => &["text", "jsonb"],
        "TEXT" => &["text"],
        "INTEGER" if column.is_truth => &["boolean"],
        "INTEGER" if column.expression.is_some() => &["bigint", "boolean"],
        "INTEGER" => &["bigint"],
        "REAL" => &["double precision"],
        "BLOB" => &["bytea"],
        other => panic!("{table}.{}: {other}", column.name),
    }
}

#[test]
fn tables_columns_keys_indexes_and_views_are_those_of_sqlite() {
    let Some(database) = migrated("compared") else { return };
    let mut there: BTreeMap<String, Vec<[String; 4]>> = BTreeMap::new();
    for row in database.rows(
        "SELECT c.table_name, c.column_name, c.data_type, c.is_nullable, c.is_generated
         FROM information_schema.columns c WHERE c.table_schema = 'public' ORDER BY c.table_name, c.ordinal_position",
    ) {
        let mut cells = row.split('|').map(str::to_owned);
        let mut next = || cells.next().unwrap();
        let (table, column) = (next(), [next(), next(), next(), next()]);
        there.entry(table).or_default().push(column);
    }
    let catalogue = Catalogue::read().unwrap();
    let ours: BTreeSet<&String> = catalogue.relations.iter().map(|relation| &relation.name).collect();
    assert_eq!(there.keys().collect::<BTreeSet<_>>(), ours);
    for relation in &catalogue.relations {
        let is_own = |name: &str| name == "fts" || name == "rowid" && relation.kind == RelationKind::Search;
        let columns: Vec<&[String; 4]> = there[&relation.name].iter().filter(|it| !is_own(&it[0])).collect();
        let names = |list: Vec<&String>| list.into_iter().cloned().collect::<Vec<String>>();
        assert_eq!(
            names(columns.iter().map(|column| &column[0]).collect()),
            names(relation.columns.iter().map(|column| &column.name).collect()),
            "{}",
            relation.name
        );
        if relation.kind != RelationKind::Table {
            continue;
        }
        for (column, [name, r#type, is_nullable, is_generated]) in relation.columns.iter().zip(columns) {
            let place = format!("{}.{name}", relation.name);
            assert!(types(&relation.name, column).contains(&r#type.as_str()), "{place}: {type}");
            assert_eq!(is_nullable == "YES", column.is_nullable.unwrap(), "{place}");
            assert_eq!(is_generated == "ALWAYS", column.expression.is_some(), "{place}");
        }
    }
    assert_eq!(indexes(&database), indexes_of(&catalogue));
    assert_eq!(references(&database), references_of(&catalogue));
}

/// Named indexes: unique or not, and whether they are of some rows only. Those for search and for JSON are
/// PostgreSQL's own.
fn indexes(database: &Database) -> BTreeSet<String> {
    let rows = database.rows(
        "SELECT c.relname, i.indisunique, i.indpred IS NOT NULL FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
         JOIN pg_am a ON a.oid = c.relam
         WHERE c.relnamespace = 'public'::regnamespace AND c.relname LIKE 'ix%' AND a.amname = 'btree'",
    );
    rows.into_iter().collect()
}

fn indexes_of(catalogue: &Catalogue) -> BTreeSet<String> {
    let truth = |is: bool| if is { "t" } else { "f" };
    let all = catalogue.relations.iter().flat_map(|relation| &relation.indexes);
    all.map(|it| format!("{}|{}|{}", it.name, truth(it.is_unique), truth(it.on.contains(" WHERE "))))
        .collect()
}

fn references(database: &Database) -> BTreeSet<String> {
    let rows = database.rows(
        "SELECT k.conrelid::regclass || '.' || a.attname || ' ' || k.confrelid::regclass || '.' || b.attname
         FROM pg_constraint k CROSS JOIN generate_subscripts(k.conkey, 1) at
         JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[at]
         JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = k.confkey[at] WHERE k.contype = 'f'",
    );
    rows.into_iter().collect()
}

fn references_of(catalogue: &Catalogue) -> BTreeSet<String> {
    let columns = catalogue
        .relations
        .iter()
        .flat_map(|relation| relation.columns.iter().map(move |column| (&relation.name, column)));
    columns
        .filter_map(|(table, column)| {
            Some(format!("{table}.{} {}", column.name, column.references.as_ref()?))
        })
        .collect()
}

/// What a run leaves, as far as the queries below look at it.
const ROWS: &str = r#"
INSERT INTO user_identities (id, display_name, meta, created_at, updated_at) VALUES ('u', 'ann', '{"city": "Graz"}', 1, 1);
INSERT INTO artifacts VALUES (repeat('a', 64), 1, 'application/wasm', 'sql', repeat('a', 64), '\x00', 1);
INSERT INTO plugins VALUES ('p', 'mirror', 'program_synthesis', 'u', 'untrusted', 1);
INSERT INTO plugin_versions (id, plugin_id, semver, wasm_digest, wit_world, created_at)
VALUES ('v', 'p', '0.1.0', repeat('a', 64), 'w', 1);
INSERT INTO datasets VALUES ('d', 'arc', 'v1', repeat('d', 64), 1);
INSERT INTO arc_tasks (id, dataset_id, code, split, digest, created_at, updated_at)
VALUES ('t', 'd', '007bbfb7', 'training', repeat('b', 64), 1, 1);
INSERT INTO task_pairs VALUES ('t', 'train', 0, '[[1]]', '[[2]]'), ('t', 'test', 0, '[[3]]', NULL);
INSERT INTO documents (id, kind, name, owner_id, head, active, created_at, updated_at)
VALUES ('c', 'strategy_config', 'deep', 'u', 1, 1, 1, 1);
INSERT INTO document_versions (id, document_id, version, format, body, parsed, hash, created_at)
VALUES ('cv', 'c', 1, 'yaml', 'model: small', '{"model": "small", "temperature": 0.5}', repeat('c', 64), 1);
INSERT INTO runs (id, kind, plugin_version_id, owner_id, status, recipe, task_digest, limits, settings, outcome, fault,
    ending, score, created_at, started_at, finished_at, config_version_id)
VALUES ('r', 'evaluation', 'v', 'u', 'completed', repeat('e', 64), repeat('b', 64), '{}', '{}', 'solved', 'nobody', '{}',
    1, 1, 1, 2, 'cv');
INSERT INTO outcomes (id, executed_at, run_id, task_id, status, score, duration_ms, cost_micros, config_version_id)
VALUES ('o1', (extract(epoch FROM now()) * 1000)::bigint, 'r', 't', 'success', 1, 10, 2100, 'cv'),
    ('o2', (extract(epoch FROM now()) * 1000)::bigint, 'r', 't', 'error', 0, 30, 0, 'cv');
INSERT INTO failure_patterns (id, outcome_id, executed_at, category, type, message, created_at)
SELECT 'f', id, executed_at, 'fuel', 'out_of_fuel', 'ran out', 1 FROM outcomes WHERE id = 'o2';
INSERT INTO resource_usage (id, at, kind, name, run_id, wall_ms, detail)
VALUES ('x', 1, 'wasm', 'mirror', 'r', 100, '{"calls": {"offer": 4, "note": 0}, "limits_hit": ["offer_calls"]}');
INSERT INTO episodes (id, run_id, task_type, domain, context, created_at, summary)
VALUES ('e', 'r', 'program_synthesis', 'mirrors', '007bbfb7', 5, 'searched the reflections of a grid');
INSERT INTO patterns (id, owner_id, domain, type, hash, data, trials, successes, created_at)
VALUES ('pt', 'u', 'mirrors', 'program', repeat('f', 64), 'flip', 3, 2, 1);
INSERT INTO memories (id, user_id, content, tags, occurred_at, created_at, updated_at)
VALUES ('m1', 'u', 'likes pizza from italian kitchens', '["food"]', 1, 1, 1),
    ('m2', 'u', 'pizza again', '[]', 2, 2, 2);
"#;

#[test]
fn rows_go_in_and_the_queries_of_the_documents_run() {
    let Some(database) = migrated("queried") else { return };
    database.ask(ROWS).unwrap();
    for (sql, answer) in [
        ("SELECT metadata ->> 'city' FROM user_identities WHERE id = 'u'", "Graz"),
        ("SELECT train_examples -> 0 -> 'output' FROM arc_task_examples", "[[2]]"),
        ("SELECT id FROM episodes WHERE domain = 'mirrors' AND created_at > 1 ORDER BY created_at DESC LIMIT 5", "e"),
        ("SELECT round(success_rate::numeric, 3) FROM patterns WHERE pattern_type = 'program' AND success_rate > 0.5",
            "0.667"),
        ("SELECT count(*) FROM memories_fts WHERE fts @@ to_tsquery('english', 'pizza')", "2"),
        ("SELECT rowid FROM memories_fts WHERE fts @@ phraseto_tsquery('english', 'italian kitchen')", "1"),
        ("SELECT rowid FROM memories_fts WHERE fts @@ to_tsquery('english', 'pizza & !italian')", "2"),
        ("SELECT count(*) FROM memories_fts WHERE fts @@ to_tsquery('english', 'food')", "1"),
        ("SELECT rowid FROM episodes_fts WHERE fts @@ to_tsquery('english', 'reflection')", "1"),
        ("SELECT c.name, v.parsed_config ->> 'model' FROM configurations c
          JOIN config_versions v ON c.latest_version_id = v.version_id WHERE c.name = 'deep' AND c.is_active = true",
            "deep|small"),
        ("SELECT version_id FROM config_versions WHERE parsed_config ? 'temperature'", "cv"),
        ("SELECT count(*), sum(cost_usd) FROM outcomes WHERE simulation_id = 'r'", "2|0.0021"),
        ("SELECT total_executions, avg_reliability, daily_cost, error_count, error_rate_pct
          FROM v_dashboard_performance_trends", "2|0.5|0.0021|1|50"),
        ("SELECT config_id, version_number, avg_reliability FROM v_llm_config_performance", "c|1|0.5"),
        ("SELECT scenario_id, executions, reliability_variance FROM v_llm_scenario_trends", "t|2|0.5"),
        ("SELECT failure_category, daily_failures, sample_errors ->> 0, affected_scenarios ->> 0
          FROM v_llm_failure_analysis", "fuel|1|ran out|t"),
        ("SELECT total_outcomes, error_count FROM simulation_performance_hourly", "2|1"),
        ("SELECT tool_name, call_count, avg_duration_ms, success_rate FROM tool_usage", "offer|4|25|0.75"),
        ("SELECT success, strategy_name FROM strategy_metrics WHERE metric_id = 'o1'", "t|mirror"),
        // In UTC, wherever the server is: it runs with New Zealand's clock here.
        ("SELECT utc_day(0), utc_day(86399999), utc_day(86400000)", "1970-01-01|1970-01-01|1970-01-02"),
    ] {
        assert_eq!(database.one(sql), answer, "{sql}");
    }
    // A search finds no more what was changed, nor what is gone.
    database.ask("UPDATE memories SET content = 'likes soup' WHERE id = 'm1'; DELETE FROM memories WHERE id = 'm2'").unwrap();
    assert_eq!(
        database.one("SELECT count(*) FROM memories_fts WHERE fts @@ to_tsquery('english', 'pizza')"),
        "0"
    );
}

#[test]
fn what_sqlite_refuses_is_refused() {
    let Some(database) = migrated("refused") else { return };
    database.ask(ROWS).unwrap();
    for (sql, word) in [
        ("UPDATE runs SET status = 'walking'", "check constraint"),
        ("UPDATE runs SET finished_at = NULL", "check constraint"),
        ("UPDATE outcomes SET score = 1.5", "check constraint"),
        ("UPDATE patterns SET successes = 4", "check constraint"),
        ("UPDATE memories SET tags = '{}'", "check constraint"),
        ("UPDATE memories SET tags = '[1'", "invalid input syntax for type json"),
        ("UPDATE memories SET importance = 11", "check constraint"),
        ("UPDATE documents SET active = 2", "check constraint"),
        ("UPDATE document_versions SET body = 'other', parsed = '1'", "a version of a document is never changed"),
        ("INSERT INTO steps (episode_id, n, action, at) VALUES ('nobody', 1, 'x', 1)", "foreign key"),
        ("INSERT INTO embeddings (subject_kind, subject_id, model, dim, vec, content_hash, created_at)
          VALUES ('task', 't', 'm', 2, '\\x00', repeat('a', 64), 1)", "check constraint"),
        ("INSERT INTO outcomes (id, executed_at, run_id, task_id, status, score, duration_ms, idempotency_key)
          VALUES ('k1', 1, 'r', 't', 'success', 1, 1, 'k'), ('k2', 2, 'r', 't', 'success', 1, 1, 'k')", "ix_outcomes_key"),
        ("INSERT INTO audit_log (seq, at, actor_id, role, action, subject_kind, subject_id, before, prev_hash, hash)
          VALUES (1, 1, 'u', 'admin', 'a', 'k', 's', 'no json', repeat('0', 64), repeat('1', 64))",
            "invalid input syntax for type json"),
    ] {
        let error = database.ask(sql).expect_err(sql);
        assert!(error.contains(word), "{sql}: {error}");
    }
    database
        .ask("INSERT INTO audit_log (seq, at, actor_id, role, action, subject_kind, subject_id, after, prev_hash, hash)
              VALUES (1, 1, 'u', 'admin', 'a', 'k', 's', '{\"b\":1, \"a\":2}', repeat('0', 64), repeat('1', 64))")
        .unwrap();
    assert_eq!(database.one("SELECT operation, new_data FROM audit_log"), "INSERT|{\"b\":1, \"a\":2}");
    let error = database.ask("UPDATE audit_log SET actor_id = 'somebody'").unwrap_err();
    assert!(error.contains("the audit log is never changed"), "{error}");
}

#[test]
fn timescale_has_its_part_where_it_is() {
    let Some(database) = migrated("timescale") else { return };
    if database.one("SELECT count(*) FROM pg_available_extensions WHERE name = 'timescaledb'") == "0" {
        skipped("TimescaleDB: this PostgreSQL has no such extension");
        return;
    }
    let part = names("postgres/timescale").pop().unwrap();
    database.ask(&migration("postgres/timescale", &part, "up")).unwrap();
    database.ask(ROWS).unwrap();
    assert_eq!(database.one("SELECT count(*) FROM timescaledb_information.hypertables"), "1");
    assert_eq!(database.one("SELECT sum(outcomes) FROM outcomes_hourly"), "2");
    assert_eq!(database.one("SELECT count(*) FROM v_dashboard_performance_trends"), "1");
    database.ask(&migration("postgres/timescale", &part, "down")).unwrap();
    assert_eq!(database.one("SELECT count(*) FROM outcomes"), "2");
}
