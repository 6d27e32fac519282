use std::path::Path;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use stratagem_domain::Digest;

use crate::StoreError;
use crate::error::Failure;
use crate::open::now;

/// "STRG" in the file's header: tells our databases from those of other programs.
pub(crate) const APPLICATION_ID: i32 = 0x5354_5247;

/// The version of the schema that this program reads and writes.
pub const SCHEMA_VERSION: u32 = MIGRATIONS.len() as u32;

struct Migration {
    name: &'static str,
    up: &'static str,
    down: &'static str,
}

macro_rules! migrations {
    ($($name:literal),* $(,)?) => {
        [$(Migration {
            name: $name,
            up: include_str!(concat!("../../../migrations/sqlite/", $name, ".up.sql")),
            down: include_str!(concat!("../../../migrations/sqlite/", $name, ".down.sql")),
        }),*]
    };
}

/// In order: the first is version 1. Frozen once released; a change is a new one at the end.
static MIGRATIONS: [Migration; 11] = migrations![
    "0001_core",
    "0002_plugin_papers",
    "0003_tasks",
    "0004_documents",
    "0005_experiments",
    "0006_memory",
    "0007_queue",
    "0008_models",
    "0009_keeping",
    "0010_views",
    "0011_queue_indexes",
];

impl Migration {
    fn checksum(&self) -> String {
        Digest::of(self.up.as_bytes()).to_string()
    }
}

/// Brings the schema up to date and returns its version.
pub(crate) fn migrate(connection: &mut Connection, path: &Path) -> Result<u32, Failure> {
    migrate_to(connection, path, SCHEMA_VERSION, &mut |_, _| Ok(()))?;
    Ok(SCHEMA_VERSION)
}

/// Hears, within the transaction, which migrations ran.
pub(crate) type Note<'a> = &'a mut dyn FnMut(&Connection, &[&'static str]) -> Result<(), Failure>;

/// Runs every migration up to `target` that is not applied, in one transaction with `note`. A file that is sick is left
/// as it was, and one that would be sick afterwards too.
pub(crate) fn migrate_to(
    connection: &mut Connection,
    path: &Path,
    target: u32,
    note: Note<'_>,
) -> Result<(), Failure> {
    if applied(connection, path)? >= target {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Again, now that nobody else writes: another process may have migrated meanwhile.
    let from = applied(&transaction, path)?;
    if from == 0 {
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.execute_batch(
            "CREATE TABLE IF NOT EXISTS schema_migrations (
                version    INTEGER PRIMARY KEY,
                name       TEXT NOT NULL,
                checksum   TEXT NOT NULL,
                applied_at INTEGER NOT NULL
            ) STRICT",
        )?;
    } else {
        hold_healthy(&transaction, path, "before the migration")?;
    }
    let mut names = Vec::new();
    for (version, migration) in numbered(from, target) {
        transaction.execute_batch(migration.up)?;
        transaction.execute(
            "INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES (?1, ?2, ?3, ?4)",
            params![version, migration.name, migration.checksum(), now()],
        )?;
        names.push(migration.name);
    }
    if from > 0 {
        hold_healthy(&transaction, path, "after the migration, which was taken back")?;
    }
    note(&transaction, &names)?;
    transaction.commit()?;
    Ok(())
}

/// Takes every migration after `target` back, the newest first; the transaction is the caller's.
pub(crate) fn take_back(
    connection: &Connection,
    from: u32,
    target: u32,
) -> Result<Vec<&'static str>, Failure> {
    let mut names = Vec::new();
    for (version, migration) in numbered(target, from).collect::<Vec<_>>().into_iter().rev() {
        connection.execute_batch(migration.down)?;
        connection.execute("DELETE FROM schema_migrations WHERE version = ?1", [version])?;
        names.push(migration.name);
    }
    Ok(names)
}

/// The migrations that lie between two versions, with the version that each leads to.
fn numbered(from: u32, to: u32) -> impl Iterator<Item = (u32, &'static Migration)> {
    (1..).zip(&MIGRATIONS).skip(from as usize).take(to.saturating_sub(from) as usize)
}

/// Name and checksum of every migration that this program knows, in order.
pub(crate) fn known() -> impl Iterator<Item = (&'static str, String)> {
    MIGRATIONS.iter().map(|migration| (migration.name, migration.checksum()))
}

/// Refuses a database whose pages, constraints or references are broken.
pub(crate) fn hold_healthy(connection: &Connection, path: &Path, when: &'static str) -> Result<(), Failure> {
    let faults = faults(connection)?;
    if faults.is_empty() {
        return Ok(());
    }
    Err(StoreError::Sick { path: path.to_owned(), when, faults }.into())
}

/// One line a fault of the pages, the constraints or the references; none where all is well.
pub(crate) fn faults(connection: &Connection) -> Result<Vec<String>, Failure> {
    let mut faults = Vec::new();
    let mut check = connection.prepare("PRAGMA quick_check")?;
    for line in check.query_map([], |row| row.get::<_, String>(0))? {
        faults.extend(Some(line?).filter(|line| line != "ok"));
    }
    let mut check = connection.prepare("PRAGMA foreign_key_check")?;
    let mut rows = check.query([])?;
    while let Some(row) = rows.next()? {
        let (table, id, parent): (String, Option<i64>, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let id = id.map_or_else(|| "without number".to_owned(), |id| id.to_string());
        faults.push(format!("row {id} of {table} points at a row of {parent} that is not there"));
    }
    Ok(faults)
}

/// The version that the file has, 0 where it is empty. Refuses a file that is another program's, that
/// a newer program wrote, or whose migrations are not ours; nothing is written.
pub(crate) fn applied(connection: &Connection, path: &Path) -> Result<u32, Failure> {
    let is_empty: bool =
        connection.query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))?;
    if is_empty {
        return Ok(0);
    }
    let found = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    if found != APPLICATION_ID {
        return Err(StoreError::Foreign { path: path.to_owned(), found }.into());
    }
    let newest: Option<u32> =
        connection.query_row("SELECT max(version) FROM schema_migrations", [], |row| row.get(0))?;
    let newest = newest.unwrap_or(0);
    if newest > SCHEMA_VERSION {
        return Err(
            StoreError::NewerSchema { path: path.to_owned(), found: newest, known: SCHEMA_VERSION }.into()
        );
    }
    for (version, migration) in (1..=newest).zip(&MIGRATIONS) {
        let checksum: Option<String> = connection
            .query_row("SELECT checksum FROM schema_migrations WHERE version = ?1", [version], |row| {
                row.get(0)
            })
            .optional()?;
        if checksum != Some(migration.checksum()) {
            let name = migration.name.to_owned();
            return Err(StoreError::MigrationDrift { path: path.to_owned(), name }.into());
        }
    }
    Ok(newest)
}
