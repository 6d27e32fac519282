//! Faults that need the store's own connection: a full disk, a lock, a read-only file.

use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use stratagem_domain::{Ledger, LedgerError, Split, Step, StoredRun};
use tempfile::TempDir;

use crate::fixtures::{COMPONENT, WORLD, plugin, raw, set, solved, task};
use crate::{Role, Store, StoreError, StoreOptions};

fn store() -> (Store, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("runs.db")).unwrap();
    store.keep_component(&plugin("mirror"), WORLD, "{}", COMPONENT).unwrap();
    store.import(&set("arc", &[(Split::Training, task("a", 4))])).unwrap();
    (store, folder)
}

/// Lets the file grow by `pages` from now on; `SQLite` then says that the disk is full.
fn leave_pages(store: &Store, pages: i64) {
    alone(store, move |connection| {
        let now: i64 = connection.query_row("PRAGMA page_count", [], |row| row.get(0))?;
        connection.query_row(&format!("PRAGMA max_page_count = {}", now + pages), [], |_| Ok(()))
    });
}

/// Does something with the writer's connection.
fn alone(store: &Store, work: impl FnOnce(&Connection) -> rusqlite::Result<()> + Send + 'static) {
    store.alone(Role::Admin, "a test", move |connection| Ok(work(connection)?)).unwrap();
}

/// Every row of every table, to compare before with after.
fn content(store: &Store) -> Vec<String> {
    let connection = raw(store.path());
    let mut names =
        connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY 1").unwrap();
    let names: Vec<String> = names.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let mut lines = Vec::new();
    for name in names {
        let mut select = connection.prepare(&format!("SELECT * FROM {name} ORDER BY 1, 2")).unwrap();
        let columns = select.column_count();
        let mut rows = select.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let values: Vec<_> = (0..columns).map(|column| row.get_ref(column).unwrap()).collect();
            lines.push(format!("{name} {values:?}"));
        }
    }
    lines
}

#[test]
fn a_full_disk_costs_the_run_and_nothing_else() {
    let (store, _folder) = store();
    let task = task("a", 4);
    let run = solved(plugin("mirror"), &task);
    let first = store.record(&run, &task, None).unwrap();
    let before = content(&store);
    let step = Step { action: "look".into(), detail: "x".repeat(1_000), success: true };
    let large = StoredRun { steps: vec![step; 1_000], ..run.clone() };
    // Full at the first page, in the middle, and near the end of the transaction.
    for pages in [0, 20, 120, 250] {
        leave_pages(&store, pages);
        let error = store.record(&large, &task, None).unwrap_err();
        assert!(error.message.starts_with("no space is left for database"), "{pages}: {}", error.message);
        assert!(error.hint.unwrap().starts_with("free space"));
        assert_eq!(content(&store), before, "{pages} pages");
        assert_eq!(store.run(&first).unwrap().steps, run.steps);
    }
    leave_pages(&store, 1_000_000);
    let second = store.record(&large, &task, None).unwrap();
    assert_eq!(store.run(&second).unwrap(), StoredRun { id: second, ..large });
    assert!(store.health().unwrap().is_empty());
}

#[test]
fn a_lock_that_does_not_go_is_told() {
    let (store, _folder) = store();
    let task = task("a", 4);
    let run = solved(plugin("mirror"), &task);
    alone(&store, |connection| connection.busy_timeout(Duration::from_millis(30)));
    let other = raw(store.path());
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = store.record(&run, &task, None).unwrap_err();
    assert!(error.message.contains("is locked by another program"), "{}", error.message);
    assert_eq!(store.datasets().unwrap().len(), 1, "readers do not wait");
    other.execute_batch("ROLLBACK").unwrap();
    store.record(&run, &task, None).unwrap();
}

#[test]
fn a_file_that_may_only_be_read_is_told() {
    let (store, _folder) = store();
    let error =
        Store::connect(store.path(), OpenFlags::SQLITE_OPEN_READ_ONLY, &StoreOptions::default()).unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly { .. }) && error.hint().is_some(), "{error}");
    // A file that became read-only while it was open.
    alone(&store, |connection| connection.pragma_update(None, "query_only", true));
    let error = store.event("info", "test", "test", "test", &serde_json::Value::Null).unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error}");
}

#[test]
fn a_file_without_permission_to_write_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let (store, folder) = store();
    let path = store.path().to_owned();
    drop(store);
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o444)).unwrap();
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o555)).unwrap();
    let is_root = std::fs::write(folder.path().join("probe"), "").is_ok();
    if is_root {
        eprintln!("skipped: this user may write what is read-only");
    } else {
        let error = Store::open(&path).unwrap_err();
        assert!(matches!(error, StoreError::ReadOnly { .. } | StoreError::CannotOpen { .. }), "{error}");
        let error = Store::open(&folder.path().join("new.db")).unwrap_err();
        assert!(matches!(error, StoreError::CannotOpen { .. }), "{error}");
    }
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
}

#[test]
fn a_ledger_error_carries_the_cause_and_the_remedy() {
    let (store, _folder) = store();
    let source = rusqlite::Error::InvalidQuery;
    let error = LedgerError::from(StoreError::of_sql(store.path(), source));
    let expected = format!("database {} refused a statement: Query is not read-only", store.path().display());
    assert_eq!((error.message, error.hint), (expected, None));
    let io = std::io::Error::other("no such device");
    let error = LedgerError::from(StoreError::Folder { folder: "/data".into(), source: io });
    assert_eq!(error.message, "folder /data for the database cannot be made: no such device");
    assert!(error.hint.is_some());
}

#[test]
fn a_thread_that_panics_does_not_take_the_store_along() {
    let (store, _folder) = store();
    let before = content(&store);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        store.write::<()>("a test", |connection| {
            connection.execute("DELETE FROM task_pairs", [])?;
            panic!("in the middle")
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(content(&store), before);
    store.event("info", "test", "test", "test", &serde_json::Value::Null).unwrap();
}
