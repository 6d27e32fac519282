use std::fs;
use std::path::Path;

use rusqlite::Connection;
use stratagem_domain::Ledger;
use stratagem_store::{SCHEMA_VERSION, Store, StoreError};

use crate::Bench;
use crate::fixtures::{plugin, solved, task};

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
    let raw = Connection::open(&path).unwrap();
    let applied: (u32, String, i64) = raw
        .query_row("SELECT max(version), name, length(checksum) FROM schema_migrations", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .unwrap();
    assert_eq!(applied, (SCHEMA_VERSION, "0010_views".into(), 64));
    let mode: String = raw.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
}

#[test]
fn every_table_is_strict() {
    let bench = Bench::new();
    let tables = "pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%'";
    assert_eq!(bench.count(tables), 55);
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
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE schema_migrations (version TEXT)").unwrap();
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
        Err(error) => assert!(matches!(error, StoreError::Damaged { .. }), "{error}"),
    }
}
