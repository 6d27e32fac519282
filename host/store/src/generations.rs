//! Generations: how a copy of a query's result is told from a stale one.
//!
//! `cache_generations` has a number a subject, raised by triggers in the very transaction that writes to it: whoever
//! writes, from whichever process or program, raises it, and a write that is taken back takes the number back too. A
//! copy carries the number that was read *before* the data it holds, so the data may be newer than its number and
//! never older: a reader that asks for the current number after a write never meets a copy from before it.
//!
//! Asking costs little because `PRAGMA data_version` says in about 2 µs whether anybody at all has committed since; only
//! then is the subject's row read again. A number is at least the time in milliseconds, so that it does not come back
//! where a database is restored from a backup and written to again.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags, OptionalExtension};

use crate::error::Failure;
use crate::key::Key;
use crate::open::connect;
use crate::{Store, StoreError};

/// A connection that only asks what changed.
#[derive(Debug)]
pub(crate) struct Watch {
    key: Option<Key>,
    watching: Mutex<Option<Watching>>,
}

#[derive(Debug)]
struct Watching {
    connection: Connection,
    version: i64,
    /// Of the state that `version` stands for, or of a later one.
    seen: HashMap<&'static str, u64>,
}

impl Watch {
    pub(crate) fn new(key: Option<Key>) -> Self {
        Self { key, watching: Mutex::default() }
    }

    /// The generation of a subject: of every commit that had ended when this was called, or later.
    pub(crate) fn generation(&self, path: &Path, subject: &'static str) -> Result<u64, Failure> {
        let mut slot = self.watching.lock().unwrap_or_else(PoisonError::into_inner);
        let watching = match &mut *slot {
            Some(watching) => watching,
            None => slot.insert(Watching::new(path, self.key.as_ref())?),
        };
        let found = watching.generation(subject);
        if found.is_err() {
            *slot = None;
        }
        found
    }
}

impl Watching {
    fn new(path: &Path, key: Option<&Key>) -> Result<Self, Failure> {
        let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE, key)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(Self { connection, version: -1, seen: HashMap::new() })
    }

    fn generation(&mut self, subject: &'static str) -> Result<u64, Failure> {
        let version =
            self.connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        if version != self.version {
            self.seen.clear();
            self.version = version;
        }
        if let Some(&generation) = self.seen.get(subject) {
            return Ok(generation);
        }
        let found: Option<i64> = self
            .connection
            .prepare_cached("SELECT generation FROM cache_generations WHERE subject = ?1")?
            .query_row([subject], |row| row.get(0))
            .optional()?;
        let generation = found.unwrap_or(0) as u64;
        self.seen.insert(subject, generation);
        Ok(generation)
    }
}

impl Store {
    /// How often a table was written to, in a number that only grows: `runs`, `episodes`, `patterns`, `datasets` or
    /// `documents`; 0 where never.
    pub fn generation(&self, subject: &'static str) -> Result<u64, StoreError> {
        let found = self.readers().watch.generation(self.path(), subject);
        found.map_err(|failure| failure.in_file(self.path()))
    }
}
