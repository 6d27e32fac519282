//! Files that appear whole or not at all, and a database taken out of everybody's hands while its file is replaced.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::StoreError;
use crate::error::Failure;
use crate::key::Key;
use crate::open::connect;

/// What `SQLite` keeps beside a database.
pub(crate) const SIDES: [&str; 3] = ["-wal", "-shm", "-journal"];

/// How long a database that is to be replaced may still be in use.
const PATIENCE: Duration = Duration::from_secs(2);

/// A file in the making beside the one that it will be. It vanishes unless it is put in place.
#[derive(Debug)]
pub(crate) struct Draft {
    path: PathBuf,
    target: PathBuf,
}

impl Draft {
    pub(crate) fn of(target: &Path) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = target.with_file_name(format!(".{name}.draft-{}-{count}", std::process::id()));
        // Of a process that had the same number and was killed.
        remove(&path);
        Self { path, target: target.to_owned() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// On the disk and under its name, in place of what was there. No connection to it may be open.
    pub(crate) fn publish(self) -> Result<(), StoreError> {
        let target = &self.target;
        let failed = |what| move |source| StoreError::File { what, path: target.clone(), source };
        File::open(&self.path).and_then(|file| file.sync_all()).map_err(failed("writing"))?;
        fs::rename(&self.path, &self.target).map_err(failed("putting in place"))?;
        sync_folder(&self.target).map_err(failed("writing the folder of"))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

fn remove(path: &Path) {
    let _ = fs::remove_file(path);
    for side in SIDES {
        let _ = fs::remove_file(beside(path, side));
    }
}

/// A file's name with something after it.
pub(crate) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(end);
    PathBuf::from(name)
}

/// A name is on the disk only once its folder is.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// Takes a database for one connection alone, all of its journal written into the file, until that is closed.
///
/// *Errors*: [`StoreError::InUse`] where any other connection to it is open, in this process or another.
pub(crate) fn seize(path: &Path, key: Option<&Key>) -> Result<Connection, StoreError> {
    let take = || -> Result<Connection, Failure> {
        let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE, key)?;
        connection.busy_timeout(PATIENCE)?;
        let mode: String = connection.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0))?;
        if mode != "delete" {
            return Err(StoreError::InUse { path: path.to_owned() }.into());
        }
        connection.query_row("PRAGMA main.locking_mode = EXCLUSIVE", [], |_| Ok(()))?;
        connection.execute_batch("BEGIN EXCLUSIVE; COMMIT")?;
        Ok(connection)
    };
    take().map_err(|failure| match failure {
        Failure::Sql(error)
            if matches!(
                error.sqlite_error_code(),
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
            ) =>
        {
            StoreError::InUse { path: path.to_owned() }
        }
        failure => failure.in_file(path),
    })
}

/// Ends the write-ahead log of a file that no other connection has, so that the file alone is the database.
pub(crate) fn settle(path: &Path, key: Option<&Key>) -> Result<(), StoreError> {
    seize(path, key)?.close().map_err(|(_, error)| StoreError::of_sql(path, error))
}
