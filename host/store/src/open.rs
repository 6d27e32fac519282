use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use crate::StoreError;
use crate::error::Failure;
use crate::migrate;

/// How long a write waits for another program's write.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Statements that stay prepared; the store has fewer.
const CACHED_STATEMENTS: usize = 64;

/// The owner of what the command line writes; migration 0001 makes the row.
pub(crate) const LOCAL_USER: &str = "00000000-0000-7000-8000-000000000001";

/// An open database.
#[derive(Debug)]
pub struct Store {
    pub(crate) connection: Mutex<Connection>,
    path: PathBuf,
    version: u32,
}

impl Store {
    /// Opens the database at `path`, made with its folder where there is none, and migrates it.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder)
                .map_err(|source| StoreError::Folder { folder: folder.to_owned(), source })?;
        }
        Self::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)
    }

    /// Opens the database at `path` and migrates it; refuses where there is no file.
    pub fn open_existing(path: &Path) -> Result<Self, StoreError> {
        if !path.exists() {
            return Err(StoreError::NoDatabase { path: path.to_owned() });
        }
        Self::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
    }

    /// Without `SQLITE_OPEN_URI`: a path that begins with `file:` is a path.
    pub(crate) fn connect(path: &Path, flags: OpenFlags) -> Result<Self, StoreError> {
        let ready = || {
            let mut connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
            let version = prepare(&mut connection, path)?;
            Ok((connection, version))
        };
        let (connection, version) = ready().map_err(|failure: Failure| failure.in_file(path))?;
        Ok(Self { connection: Mutex::new(connection), path: path.to_owned(), version })
    }

    /// The version of the schema, the same as [`SCHEMA_VERSION`](crate::SCHEMA_VERSION) once open.
    pub fn version(&self) -> u32 {
        self.version
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads from one state of the database.
    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        self.within(TransactionBehavior::Deferred, work)
    }

    /// Writes all of it or nothing. The write lock is taken at the start: a transaction that reads
    /// first and then writes would fail without waiting when another program wrote in between.
    pub(crate) fn write<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        self.within(TransactionBehavior::Immediate, work)
    }

    fn within<T>(
        &self,
        behavior: TransactionBehavior,
        work: impl FnOnce(&Connection) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        // A thread that panicked has rolled back by dropping its transaction.
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let attempt = || {
            let transaction = connection.transaction_with_behavior(behavior)?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        };
        attempt().map_err(|failure: Failure| failure.in_file(&self.path))
    }
}

/// Sets a connection up and migrates; a file that is not ours is left as it was.
fn prepare(connection: &mut Connection, path: &Path) -> Result<u32, Failure> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    migrate::applied(connection, path)?;
    if connection.is_readonly("main")? {
        return Err(StoreError::ReadOnly { path: path.to_owned() }.into());
    }
    // A file system without shared memory stays with the rollback journal, where NORMAL could lose more.
    let synchronous = if use_wal(connection)? { "NORMAL" } else { "FULL" };
    connection.pragma_update(None, "synchronous", synchronous)?;
    migrate::migrate(connection, path)
}

/// Turns WAL on; true where it is. `SQLite` does not wait for this lock by itself.
fn use_wal(connection: &Connection) -> rusqlite::Result<bool> {
    let mode: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
    if mode == "wal" {
        return Ok(true);
    }
    let started = Instant::now();
    loop {
        match connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0)) {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && started.elapsed() < BUSY_TIMEOUT =>
            {
                thread::sleep(Duration::from_millis(10));
            }
            result => return Ok(result? == "wal"),
        }
    }
}

/// Milliseconds since 1970, UTC.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_millis() as i64
}

pub(crate) fn new_id() -> String {
    uuid::Uuid::now_v7().to_string()
}
