use std::fs;
use std::path::Path;

use rusqlite::Connection;
use stratagem_domain::Ledger;
use stratagem_store::{Role, RolledBack, SCHEMA_VERSION, Schema, Store, StoreError, StoreOptions};

use crate::Bench;
use crate::fixtures::{plugin, raw, solved, task};

/// The ways back, the newest first.
fn down() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/sqlite");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.to_string_lossy().ends_with(".down.sql"));
    files.sort();
    assert_eq!(files.len(), SCHEMA_VERSION as usize);
    files.iter().rev().map(|file| fs::read_to_string(file).unwrap()).collect()
}

/// Everything that the schema consists of, as text.
fn schema(connection: &Connection) -> Vec<(String, String, Option<String>)> {
    let mut select =
        connection.prepare("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name").unwrap();
    select
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap()
}

#[test]
fn opening_makes_the_folder_the_file_and_the_schema_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/er/runs.db");
    let error = Store::open_existing(&path).unwrap_err();
    assert!(matches!(error, StoreError::NoDatabase { .. }) && error.hint().is_some(), "{error}");
    assert!(!path.parent().unwrap().exists());
    for _ in 0..2 {
        let store = Store::open(&path).unwrap();
        assert_eq!((store.version(), store.path()), (SCHEMA_VERSION, path.as_path()));
        assert!(store.health().unwrap().is_empty());
    }
    Store::open_existing(&path).unwrap();
    let raw = raw(&path);
    let applied: (u32, String, i64) = raw
        .query_row("SELECT max(version), name, length(checksum) FROM schema_migrations", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .unwrap();
    assert_eq!(applied, (SCHEMA_VERSION, "0011_queue_indexes".into(), 64));
    let mode: String = raw.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
}

#[test]
fn every_table_is_strict() {
    let bench = Bench::new();
    let tables = "pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%'";
    assert_eq!(bench.count(tables), 56);
    assert_eq!(bench.count(&format!("{tables} AND NOT strict")), 0);
}

#[test]
fn every_foreign_key_points_at_a_table_that_is_there() {
    let bench = Bench::new();
    let keys = "sqlite_schema s, pragma_foreign_key_list(s.name) k WHERE s.type = 'table'";
    assert!(bench.count(keys) > 20);
    assert_eq!(bench.count(&format!("{keys} AND k.\"table\" NOT IN (SELECT name FROM sqlite_schema)")), 0);
}

#[test]
fn down_takes_all_back_and_up_makes_the_same_again() {
    let task = task("3c9b0459", 4);
    let bench = Bench::with(std::slice::from_ref(&task));
    bench.store.record(&solved(plugin("mirror"), &task), &task, None).unwrap();
    let raw = bench.raw();
    raw.pragma_update(None, "foreign_keys", true).unwrap();
    let before = schema(&raw);
    raw.execute_batch(&format!("BEGIN; {} DELETE FROM schema_migrations; COMMIT", down())).unwrap();
    let left: Vec<String> = schema(&raw).into_iter().map(|(_, name, _)| name).collect();
    assert_eq!(left, ["schema_migrations"]);
    Store::open(&bench.path).unwrap();
    assert_eq!(schema(&raw), before);
}

#[test]
fn a_database_of_a_newer_program_is_left_alone() {
    let bench = Bench::new();
    bench
        .raw()
        .execute_batch("INSERT INTO schema_migrations VALUES (99, '0099_later', printf('%064d', 0), 0)")
        .unwrap();
    let error = Store::open(&bench.path).unwrap_err();
    let text = format!(
        "database {} is of schema version 99, this program knows {SCHEMA_VERSION}",
        bench.path.display()
    );
    assert_eq!(error.to_string(), text);
    assert!(matches!(error, StoreError::NewerSchema { found: 99, known: SCHEMA_VERSION, .. }));
    assert!(error.hint().unwrap().starts_with("use a newer program"));
}

#[test]
fn a_migration_that_is_not_the_applied_one_is_refused() {
    let bench = Bench::new();
    bench.raw().execute_batch("UPDATE schema_migrations SET checksum = printf('%064d', 0)").unwrap();
    let error = Store::open_existing(&bench.path).unwrap_err();
    assert!(matches!(&error, StoreError::MigrationDrift { name, .. } if name == "0001_core"), "{error}");
    assert!(error.hint().is_some());
}

#[test]
fn files_of_others_are_refused_and_left_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.txt");
    for content in ["short", &"a longer file that is no database. ".repeat(200)] {
        fs::write(&text, content).unwrap();
        let error = Store::open(&text).unwrap_err();
        assert!(matches!(error, StoreError::NotADatabase { .. }), "{error}");
        assert_eq!(fs::read_to_string(&text).unwrap(), content);
    }
    let other = folder.path().join("other.db");
    raw(&other).execute_batch("CREATE TABLE schema_migrations (version TEXT)").unwrap();
    let content = fs::read(&other).unwrap();
    let error = Store::open(&other).unwrap_err();
    assert!(matches!(error, StoreError::Foreign { found: 0, .. }), "{error}");
    assert_eq!(fs::read(&other).unwrap(), content);
}

#[test]
fn a_path_that_cannot_hold_a_file_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Store::open(&file.join("runs.db")).unwrap_err();
    assert!(matches!(error, StoreError::Folder { .. }) && error.hint().is_some(), "{error}");
    let error = Store::open(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::CannotOpen { .. }) && error.hint().is_some(), "{error}");
}

#[test]
fn health_names_what_is_wrong() {
    let task = task("3c9b0459", 4);
    let bench = Bench::with(std::slice::from_ref(&task));
    bench.store.record(&solved(plugin("mirror"), &task), &task, None).unwrap();
    assert!(bench.store.health().unwrap().is_empty());
    let raw = bench.raw();
    raw.execute_batch("PRAGMA foreign_keys = OFF; DELETE FROM plugins").unwrap();
    let faults = bench.store.health().unwrap();
    assert!(
        faults.iter().any(|fault| fault.contains("plugin_versions points at a row of plugins")),
        "{faults:?}"
    );
}

#[test]
fn damaged_pages_are_told() {
    let tasks: Vec<_> = (0..200).map(|n| task(&format!("t{n}"), 4)).collect();
    let Bench { store, path, _folder } = Bench::with(&tasks);
    drop(store);
    let mut bytes = fs::read(&path).unwrap();
    let end = bytes.len();
    bytes[end / 2..].fill(0xA5);
    fs::write(&path, bytes).unwrap();
    match Store::open_existing(&path).and_then(|store| store.health()) {
        Ok(faults) => assert!(!faults.is_empty()),
        Err(error) => assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}"),
    }
}

fn schema_of(path: &Path) -> Schema {
    Schema::open(path, &StoreOptions::default()).unwrap()
}

/// A store with one run, so that there is something to lose.
fn with_a_run() -> Bench {
    let task = task("3c9b0459", 4);
    let bench = Bench::with(std::slice::from_ref(&task));
    bench.store.record(&solved(plugin("mirror"), &task), &task, None).unwrap();
    bench
}

#[test]
fn status_says_what_is_applied_and_what_is_pending() {
    let bench = with_a_run();
    let mut schema = schema_of(&bench.path);
    schema.rollback(8, true).unwrap();
    let status = schema.status().unwrap();
    let versions: Vec<u32> = status.iter().map(|migration| migration.version).collect();
    assert_eq!(versions, (1..=SCHEMA_VERSION).collect::<Vec<_>>());
    assert!(status[..8].iter().all(|migration| migration.applied_at.is_some_and(|at| at > 0)));
    assert!(status[8..].iter().all(|migration| migration.applied_at.is_none()));
    assert_eq!((status[3].name.as_str(), status[3].checksum.len()), ("0004_documents", 64));
    assert_eq!(schema.version().unwrap(), 8);
}

#[test]
fn every_version_can_be_gone_back_to_and_come_from_again() {
    let bench = with_a_run();
    let full = schema(&bench.raw());
    let mut ladder = vec![full.clone()];
    let mut versions = schema_of(&bench.path);
    for to in (1..SCHEMA_VERSION).rev() {
        let done = versions.rollback(to, true).unwrap();
        assert_eq!((done.from, done.to, done.taken_back.len(), done.is_done), (to + 1, to, 1, true));
        ladder.push(schema(&bench.raw()));
    }
    // The run is of version 1: it outlives every way back.
    assert_eq!((bench.count("runs"), bench.count("episodes"), bench.count("answers")), (1, 1, 5));
    for (to, expected) in (2..=SCHEMA_VERSION).zip(ladder.iter().rev().skip(1)) {
        let done = versions.migrate(Some(to)).unwrap();
        assert_eq!((done.from, done.to, done.applied.len()), (to - 1, to, 1));
        assert_eq!(&schema(&bench.raw()), expected, "version {to}");
    }
    assert_eq!(schema(&bench.raw()), full);
    assert_eq!(versions.migrate(None).unwrap().applied, Vec::<String>::new());
    assert!(Store::open(&bench.path).unwrap().health().unwrap().is_empty());
}

#[test]
fn a_way_back_counts_what_goes_and_changes_nothing_without_consent() {
    let bench = with_a_run();
    let before = schema(&bench.raw());
    let asked = schema_of(&bench.path).rollback(3, false).unwrap();
    assert_eq!(schema(&bench.raw()), before);
    assert_eq!(asked.taken_back[0], "0011_queue_indexes");
    assert_eq!(asked.taken_back.last().unwrap(), "0004_documents");
    assert_eq!(asked.tables["run_journals"], 1);
    assert_eq!(asked.tables["audit_log"], bench.count("audit_log").unsigned_abs());
    assert!(!asked.tables.contains_key("runs") && !asked.tables.contains_key("task_features"));
    assert_eq!(asked.columns["task_submissions.strategy_used"], 2);
    assert_eq!(asked.columns["runs.config_version_id"], 0);
    // Generated columns hold nothing, and those of tables that go are gone with them.
    assert!(
        !asked.columns.keys().any(|place| place == "outcomes.cost_usd" || place.starts_with("audit_log."))
    );
    let done = schema_of(&bench.path).rollback(3, true).unwrap();
    assert_eq!(done, RolledBack { is_done: true, ..asked });
    assert_eq!(schema_of(&bench.path).version().unwrap(), 3);
}

#[test]
fn a_way_back_ends_at_the_first_version_and_never_goes_forward() {
    let bench = with_a_run();
    let mut schema = schema_of(&bench.path);
    for to in [0, SCHEMA_VERSION, SCHEMA_VERSION + 1, u32::MAX] {
        let error = schema.rollback(to, true).unwrap_err();
        assert!(matches!(error, StoreError::Invalid { .. }) && error.hint().is_some(), "{error}");
    }
    for to in [0, SCHEMA_VERSION + 1] {
        let error = schema.migrate(Some(to)).unwrap_err();
        assert!(error.to_string().contains("is not known: 1 to"), "{error}");
    }
    let error = schema.migrate(Some(4)).unwrap_err();
    assert!(error.hint().unwrap().contains("rollback --to 4"), "{error}");
    assert_eq!(schema.version().unwrap(), SCHEMA_VERSION);
}

#[test]
fn only_an_admin_changes_the_schema_and_it_is_written_down() {
    let bench = with_a_run();
    for role in [Role::Reader, Role::Runner] {
        let options = StoreOptions { role: Some(role), ..StoreOptions::default() };
        let mut schema = Schema::open(&bench.path, &options).unwrap();
        assert_eq!(schema.status().unwrap().len(), SCHEMA_VERSION as usize);
        for error in [schema.rollback(9, false).map(drop), schema.migrate(None).map(drop)] {
            assert!(matches!(error, Err(StoreError::Forbidden { needed: Role::Admin, .. })));
        }
    }
    schema_of(&bench.path).rollback(9, true).unwrap();
    let noted = "audit_log WHERE action = 'schema.rollback' AND subject_id = '9'";
    assert_eq!(bench.count(noted), 1);
    schema_of(&bench.path).migrate(None).unwrap();
    assert_eq!(bench.count("audit_log WHERE action = 'schema.migrate'"), 1);
    assert_eq!(Store::open(&bench.path).unwrap().verify_audit(None).unwrap().broken, None);
}

#[test]
fn a_sick_database_is_neither_migrated_nor_taken_back() {
    let bench = with_a_run();
    schema_of(&bench.path).rollback(9, true).unwrap();
    bench.raw().execute_batch("PRAGMA foreign_keys = OFF; DELETE FROM plugins").unwrap();
    let before = schema(&bench.raw());
    let up = Store::open(&bench.path).map(drop);
    let down = schema_of(&bench.path).rollback(8, true).map(drop);
    for error in [up, down].map(Result::unwrap_err) {
        assert!(matches!(&error, StoreError::Sick { faults, .. } if faults.len() >= 2), "{error}");
        assert!(error.to_string().contains("points at a row of plugins that is not there"), "{error}");
        assert!(error.hint().is_some());
    }
    assert_eq!(schema(&bench.raw()), before);
}

#[test]
fn what_was_left_from_a_migration_that_failed_is_nothing() {
    let bench = with_a_run();
    schema_of(&bench.path).rollback(5, true).unwrap();
    // In the way of what 0009 makes, so that 0006 to 0008 have run when it fails.
    bench.raw().execute_batch("CREATE TABLE todos (id INTEGER) STRICT").unwrap();
    let before = schema(&bench.raw());
    let error = schema_of(&bench.path).migrate(None).unwrap_err();
    assert!(matches!(error, StoreError::Sql { .. }), "{error}");
    assert_eq!(schema(&bench.raw()), before);
    assert_eq!(schema_of(&bench.path).version().unwrap(), 5);
    bench.raw().execute_batch("DROP TABLE todos").unwrap();
    assert_eq!(schema_of(&bench.path).migrate(None).unwrap().applied.len(), 6);
}
