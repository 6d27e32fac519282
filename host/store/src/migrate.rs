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
const MIGRATIONS: [Migration; 10] = migrations![
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
];

impl Migration {
    fn checksum(&self) -> String {
        Digest::of(self.up.as_bytes()).to_string()
    }
}

/// Brings the schema up to date in one transaction and returns its version.
pub(crate) fn migrate(connection: &mut Connection, path: &Path) -> Result<u32, Failure> {
    if applied(connection, path)? == SCHEMA_VERSION {
        return Ok(SCHEMA_VERSION);
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
    }
    for (version, migration) in (1..).zip(&MIGRATIONS).skip(from as usize) {
        transaction.execute_batch(migration.up)?;
        transaction.execute(
            "INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES (?1, ?2, ?3, ?4)",
            params![version, migration.name, migration.checksum(), now()],
        )?;
    }
    transaction.commit()?;
    Ok(SCHEMA_VERSION)
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
