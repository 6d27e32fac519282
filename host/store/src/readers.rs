//! A pool of connections that read: no reader waits for the writer, and none sees half of what it writes.

use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::error::Failure;
use crate::generations::Watch;
use crate::key::Key;
use crate::open::connect;

/// Connections that may be open at once; the next reader waits.
pub const READERS: usize = 8;

#[derive(Debug)]
pub(crate) struct Readers {
    path: PathBuf,
    key: Option<Key>,
    pool: Mutex<Pool>,
    returned: Condvar,
    pub(crate) watch: Watch,
}

#[derive(Debug, Default)]
struct Pool {
    idle: Vec<Connection>,
    out: usize,
}

impl Readers {
    pub(crate) fn new(path: &Path, key: Option<Key>) -> Self {
        Self {
            path: path.to_owned(),
            watch: Watch::new(key.clone()),
            key,
            pool: Mutex::default(),
            returned: Condvar::new(),
        }
    }

    /// Runs `work` on one state of the database. A connection on which it panicked is not used again.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Failure>) -> Result<T, Failure> {
        let mut lease = self.lease()?;
        let transaction = lease.connection()?.transaction_with_behavior(TransactionBehavior::Deferred)?;
        let value = work(&transaction)?;
        transaction.commit()?;
        lease.is_good = true;
        Ok(value)
    }

    fn lease(&self) -> Result<Lease<'_>, Failure> {
        let mut pool = self.lock();
        while pool.idle.is_empty() && pool.out >= READERS {
            pool = self.returned.wait(pool).unwrap_or_else(PoisonError::into_inner);
        }
        pool.out += 1;
        let connection = pool.idle.pop();
        drop(pool);
        let mut lease = Lease { readers: self, connection, is_good: false };
        if lease.connection.is_none() {
            let connection = connect(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE, self.key.as_ref())?;
            connection.pragma_update(None, "query_only", true)?;
            connection.pragma_update(None, "mmap_size", MMAP_BYTES)?;
            lease.connection = Some(connection);
        }
        Ok(lease)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How much of the file readers map into memory.
const MMAP_BYTES: i64 = 268_435_456;

/// A connection on its way: it goes back when this is dropped.
struct Lease<'a> {
    readers: &'a Readers,
    connection: Option<Connection>,
    is_good: bool,
}

impl Lease<'_> {
    fn connection(&mut self) -> Result<&mut Connection, Failure> {
        self.connection.as_mut().ok_or_else(|| Failure::Row("a reader without connection".to_owned()))
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let mut pool = self.readers.lock();
        pool.out -= 1;
        if self.is_good {
            pool.idle.extend(self.connection.take());
        }
        drop(pool);
        self.readers.returned.notify_one();
    }
}
