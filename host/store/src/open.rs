use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::actor::{Actor, Role};
use crate::copies::CopyOptions;
use crate::error::Failure;
use crate::hot::Caches;
use crate::key::{self, Key};
use crate::memory::Quotas;
use crate::migrate;
use crate::readers::Readers;
use crate::writer::{Change, Durability, Writer};
use crate::{StoreError, embeddings};

/// How long a write waits for another program's write.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Statements that stay prepared on a connection.
const CACHED_STATEMENTS: usize = 128;
/// Pages that a connection keeps in memory: 40 MiB of 4 KiB.
const CACHE_PAGES: i64 = 10_000;

/// The owner of what the command line writes; migration 0001 makes the row.
pub(crate) const LOCAL_USER: &str = "00000000-0000-7000-8000-000000000001";

/// How a database is opened.
#[derive(Clone, Debug, Default)]
pub struct StoreOptions {
    /// Who is at the door, by id or name; the local user, an admin, where nobody is named.
    pub user: Option<String>,
    /// Lowers what the user may do.
    pub role: Option<Role>,
    /// Leaves the schema as it is and opens only one that is up to date.
    pub no_migration: bool,
    /// Of an encrypted database; the one in [`Key::VARIABLE`] where none is given.
    pub key: Option<Key>,
    /// Which copies outlive the process, and for how long; none of an encrypted database, whose text they would show.
    pub copies: CopyOptions,
    /// What an owner may keep in a domain.
    pub quotas: Quotas,
}

impl StoreOptions {
    /// Somebody who was let in, or the owner with less than an owner's rights.
    fn is_guest(&self) -> bool {
        self.user.as_deref().is_some_and(|user| user != LOCAL_USER)
            || self.role.is_some_and(|role| role < Role::Admin)
    }
}

/// An open database: one thread writes, a pool reads.
#[derive(Debug)]
pub struct Store {
    writer: Writer,
    pub(crate) readers: Arc<Readers>,
    pub(crate) vectors: Arc<embeddings::Cache>,
    pub(crate) quotas: Quotas,
    actor: Actor,
    path: PathBuf,
    key: Option<Key>,
    version: u32,
    caches: Caches,
}

impl Store {
    /// Opens the database at `path`, made with its folder where there is none, and migrates it.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_with(path, &StoreOptions::default())
    }

    /// As [`Self::open`]; the file is made and migrated by the local user alone, who owns it.
    pub fn open_with(path: &Path, options: &StoreOptions) -> Result<Self, StoreError> {
        if options.is_guest() && !path.exists() {
            return Err(StoreError::NoDatabase { path: path.to_owned() });
        }
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder)
                .map_err(|source| StoreError::Folder { folder: folder.to_owned(), source })?;
        }
        Self::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE, options)
    }

    /// Opens the database at `path` and migrates it; refuses where there is no file.
    pub fn open_existing(path: &Path) -> Result<Self, StoreError> {
        Self::open_existing_with(path, &StoreOptions::default())
    }

    pub fn open_existing_with(path: &Path, options: &StoreOptions) -> Result<Self, StoreError> {
        if !path.exists() {
            return Err(StoreError::NoDatabase { path: path.to_owned() });
        }
        Self::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE, options)
    }

    pub(crate) fn connect(path: &Path, flags: OpenFlags, options: &StoreOptions) -> Result<Self, StoreError> {
        Self::connect_keyed(path, flags, options, options.key()?)
    }

    /// As [`Self::connect`], with this key or with none, whatever the environment says.
    pub(crate) fn connect_keyed(
        path: &Path,
        flags: OpenFlags,
        options: &StoreOptions,
        key: Option<Key>,
    ) -> Result<Self, StoreError> {
        let ready = || {
            let mut connection = connect(path, flags, key.as_ref())?;
            let version = prepare(&mut connection, path, options)?;
            let actor = Actor::find(&connection, path, options.user.as_deref(), options.role)?;
            Ok((connection, version, actor))
        };
        let (connection, version, actor) = ready().map_err(|failure: Failure| failure.in_file(path))?;
        let writer = Writer::start(connection, path);
        let readers = Arc::new(Readers::new(path, key.clone()));
        let copies =
            CopyOptions { enabled: options.copies.enabled && key.is_none(), ..options.copies.clone() };
        let caches = Caches::new(path, &copies);
        let (vectors, quotas) = (Arc::default(), options.quotas.clone());
        Ok(Self { writer, readers, vectors, quotas, actor, path: path.to_owned(), key, version, caches })
    }

    /// The version of the schema, the same as [`SCHEMA_VERSION`](crate::SCHEMA_VERSION) once open.
    pub fn version(&self) -> u32 {
        self.version
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// True where the file is encrypted, and nothing of it may lie beside it in plain text.
    pub fn is_encrypted(&self) -> bool {
        self.key.is_some()
    }

    pub(crate) fn key(&self) -> Option<&Key> {
        self.key.as_ref()
    }

    pub(crate) fn writer(&self) -> &Writer {
        &self.writer
    }

    /// Who is at the door.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    pub(crate) fn readers(&self) -> &Readers {
        &self.readers
    }

    pub(crate) fn caches(&self) -> &Caches {
        &self.caches
    }

    /// Reads from one state of the database.
    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        self.readers.read(work).map_err(|failure| failure.in_file(&self.path))
    }

    /// Writes all of it or nothing, as a runner may, and returns after the commit.
    pub(crate) fn write<T: Send + 'static>(
        &self,
        what: &'static str,
        work: impl FnOnce(&Change<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.permit(Role::Runner, what)?;
        self.writer.write(&self.actor, Durability::Process, work)
    }

    /// As [`Self::write`], for money: on the disk before it returns.
    pub(crate) fn write_durably<T: Send + 'static>(
        &self,
        what: &'static str,
        work: impl FnOnce(&Change<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.permit(Role::Runner, what)?;
        self.writer.write(&self.actor, Durability::Power, work)
    }

    /// As [`Self::write_durably`], for what only an admin may do.
    pub(crate) fn administer<T: Send + 'static>(
        &self,
        what: &'static str,
        work: impl FnOnce(&Change<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.permit(Role::Admin, what)?;
        self.writer.write(&self.actor, Durability::Power, work)
    }

    /// Hands out the writer's connection outside any transaction, for what `SQLite` does only there.
    pub(crate) fn alone<T: Send + 'static>(
        &self,
        needed: Role,
        what: &'static str,
        work: impl FnOnce(&mut Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.permit(needed, what)?;
        self.writer.alone(work)
    }

    /// Refuses what the actor's role does not cover. `what` names it for people.
    pub(crate) fn permit(&self, needed: Role, what: &'static str) -> Result<(), StoreError> {
        if self.actor.role >= needed {
            return Ok(());
        }
        Err(StoreError::Forbidden { user: self.actor.name.clone(), role: self.actor.role, needed, what })
    }
}

impl StoreOptions {
    /// The key that was given, else the environment's.
    pub(crate) fn key(&self) -> Result<Option<Key>, StoreError> {
        self.key.clone().map_or_else(Key::from_environment, |key| Ok(Some(key)))
    }
}

/// Opens and unlocks a connection; what is no database is told as what it seems to be.
///
/// Without `SQLITE_OPEN_URI`: a path that begins with `file:` is a path.
pub(crate) fn connect(path: &Path, flags: OpenFlags, key: Option<&Key>) -> Result<Connection, Failure> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    unlock(&connection, path, key)?;
    connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    Ok(connection)
}

/// Gives a connection its key and reads once, so that a key that does not fit is told as such.
fn unlock(connection: &Connection, path: &Path, key: Option<&Key>) -> Result<(), Failure> {
    if let Some(key) = key {
        if !key::can_encrypt() {
            return Err(StoreError::NoEncryption { path: path.to_owned() }.into());
        }
        key.unlock(connection)?;
    }
    match connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())) {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
            Err(key::not_readable(path, key).into())
        }
        // Anything else shows again, and better, at what the connection is for.
        _ => Ok(()),
    }
}

/// Sets the writer's connection up and migrates; a file that is not ours is left as it was.
fn prepare(connection: &mut Connection, path: &Path, options: &StoreOptions) -> Result<u32, Failure> {
    let found = migrate::applied(connection, path)?;
    if connection.is_readonly("main")? {
        return Err(StoreError::ReadOnly { path: path.to_owned() }.into());
    }
    if (options.no_migration || options.is_guest()) && found != migrate::SCHEMA_VERSION {
        let (path, known) = (path.to_owned(), migrate::SCHEMA_VERSION);
        return Err(StoreError::OlderSchema { path, found, known }.into());
    }
    // A file system without shared memory stays with the rollback journal, where NORMAL could lose more.
    let synchronous = if use_wal(connection)? { "NORMAL" } else { "FULL" };
    connection.pragma_update(None, "synchronous", synchronous)?;
    // What is deleted is overwritten: an erasure leaves no copy on a page that is free.
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "cache_size", CACHE_PAGES)?;
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
