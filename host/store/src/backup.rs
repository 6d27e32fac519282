//! Copies of the whole database: made while others write, opened and counted before they get their name, put back.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags, params};
use serde::Serialize;
use stratagem_domain::{Digest, quote};

use crate::actor::Role;
use crate::draft::{Draft, settle};
use crate::error::Failure;
use crate::key::Key;
use crate::open::{BUSY_TIMEOUT, connect, new_id, now};
use crate::repair::dangling;
use crate::{Store, StoreError, StoreOptions, migrate};

/// Pages that are copied before others have their turn: 2 MiB.
const STEP_PAGES: i32 = 512;
/// Between two steps that found the file locked.
const PAUSE: Duration = Duration::from_millis(5);
/// Lines of an integrity check that a message shows.
const SHOWN: usize = 3;

/// How a copy is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Page by page, as the file is.
    Online,
    /// Row by row into a file without free pages: smaller, slower, and nothing that was deleted is in it.
    VacuumInto,
}

impl Method {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::VacuumInto => "vacuum_into",
        }
    }
}

/// What a database file was found to be: opened, every page checked, every row counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verified {
    pub path: PathBuf,
    pub bytes: u64,
    /// BLAKE3 of the file.
    pub digest: Digest,
    pub schema: u32,
    pub encrypted: bool,
    /// Rows that point at rows which are not there.
    pub dangling: u64,
    /// Rows by table.
    pub rows: BTreeMap<String, u64>,
}

/// Told of pages that are copied, of all that are to be copied.
pub type Progress<'a> = &'a dyn Fn(u64, u64);

impl Store {
    /// Copies the database into a new file while others go on writing: the copy is what was committed when it began.
    ///
    /// The file has its name only after it was verified; then it is written down in `backups`.
    pub fn backup(&self, to: &Path, method: Method, progress: Progress<'_>) -> Result<Verified, StoreError> {
        self.permit(Role::Admin, "making a backup")?;
        if fs::symlink_metadata(to).is_ok() {
            return Err(StoreError::Invalid {
                what: format!("{} is there already", to.display()),
                hint: Some("name another file: a backup is never written over".to_owned()),
            });
        }
        let draft = Draft::of(to);
        let copied = match method {
            Method::Online => copy_pages(self.path(), self.key(), draft.path(), progress).map(Some),
            Method::VacuumInto => self.copy_rows(draft.path()),
        };
        // The copy's own faults are the backup's: the database is as it was.
        let expected = copied.map_err(|failure| failure.in_file(to))?;
        let mut verified = verify(draft.path(), to, self.key())?;
        if let Some(expected) = expected.filter(|expected| *expected != verified.rows) {
            let what = difference(&expected, &verified.rows);
            return Err(StoreError::BadBackup { path: to.to_owned(), what });
        }
        draft.publish()?;
        verified.path = to.canonicalize().unwrap_or_else(|_| to.to_owned());
        // One that nobody wrote down would be in the way of the next under this name.
        self.write_down(&verified, method).inspect_err(|_| {
            let _ = fs::remove_file(to);
        })?;
        Ok(verified)
    }

    /// None where somebody wrote meanwhile, so that rows cannot be compared.
    fn copy_rows(&self, to: &Path) -> Result<Option<BTreeMap<String, u64>>, Failure> {
        let connection = connect(self.path(), OpenFlags::SQLITE_OPEN_READ_WRITE, self.key())?;
        let changes = || connection.query_row("PRAGMA data_version", [], |row| row.get::<_, i64>(0));
        let (before, rows) = (changes()?, count(&connection)?);
        let Some(name) = to.to_str() else {
            let what = format!("{} is not UTF-8", quote(&to.to_string_lossy(), 200));
            return Err(StoreError::Invalid { what, hint: Some("name another file".to_owned()) }.into());
        };
        connection.execute("VACUUM INTO ?1", [name])?;
        Ok((changes()? == before).then_some(rows))
    }

    fn write_down(&self, verified: &Verified, method: Method) -> Result<(), StoreError> {
        let Verified { path, bytes, digest, rows, .. } = verified.clone();
        self.administer("making a backup", move |change| {
            let id = new_id();
            change.made("backup.make", "backups", &id);
            change.execute(
                "INSERT INTO backups (id, path, bytes, digest, method, counts, verified_at, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)",
                params![
                    id,
                    path.to_string_lossy(),
                    bytes as i64,
                    digest.to_string(),
                    method.as_str(),
                    serde_json::json!(rows).to_string(),
                    now()
                ],
            )?;
            Ok(())
        })
    }
}

/// Opens a backup without changing it, checks every page, and counts every row.
///
/// *Errors*: [`StoreError::BadBackup`] where it is not sound; those of its key, and of a schema that is not ours.
pub fn verify_backup(path: &Path, options: &StoreOptions) -> Result<Verified, StoreError> {
    if !path.is_file() {
        let what = "there is no such file".to_owned();
        return Err(StoreError::BadBackup { path: path.to_owned(), what });
    }
    verify(path, path, options.key()?.as_ref())
}

/// Verifies a file under the name that people know it by.
pub(crate) fn verify(file: &Path, name: &Path, key: Option<&Key>) -> Result<Verified, StoreError> {
    let bad = |what: String| StoreError::BadBackup { path: name.to_owned(), what };
    let look = || -> Result<_, Failure> {
        let connection = connect(file, OpenFlags::SQLITE_OPEN_READ_ONLY, key)?;
        let schema = migrate::applied(&connection, name)?;
        if schema == 0 {
            return Err(bad("it is empty".to_owned()).into());
        }
        let faults = integrity(&connection, SHOWN)?;
        if !faults.is_empty() {
            return Err(bad(faults.join("; ")).into());
        }
        Ok((schema, dangling(&connection)?, count(&connection)?))
    };
    let (schema, dangling, rows) = look().map_err(|failure| match failure {
        Failure::Sql(error) if is_damage(&error) => bad(error.to_string()),
        failure => failure.in_file(name),
    })?;
    let unread = |source| StoreError::File { what: "reading", path: name.to_owned(), source };
    let bytes = fs::metadata(file).map_err(unread)?.len();
    let digest = File::open(file).and_then(Digest::of_reader).map_err(unread)?;
    Ok(Verified { path: name.to_owned(), bytes, digest, schema, encrypted: key.is_some(), dangling, rows })
}

/// The first lines of an integrity check; none where all is well.
pub(crate) fn integrity(connection: &Connection, lines: usize) -> rusqlite::Result<Vec<String>> {
    let mut check = connection.prepare(&format!("PRAGMA integrity_check({lines})"))?;
    let found = check.query_map([], |row| row.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(found.into_iter().filter(|line| line != "ok").collect())
}

pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    matches!(error.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase))
        || crate::error::is_undecipherable(error)
}

/// The names of our tables, without those that an index consists of.
pub(crate) fn table_names(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare(
            "SELECT name FROM pragma_table_list
             WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
        )?
        .query_map([], |row| row.get(0))?
        .collect()
}

/// Rows by table.
pub(crate) fn count(connection: &Connection) -> rusqlite::Result<BTreeMap<String, u64>> {
    let count = |name: String| {
        let rows: i64 =
            connection.query_row(&format!("SELECT count(*) FROM \"{name}\""), [], |row| row.get(0))?;
        Ok((name, rows.unsigned_abs()))
    };
    table_names(connection)?.into_iter().map(count).collect()
}

/// Copies a database as it is now, page by page, into a file that is not there yet; returns the rows of that state.
pub(crate) fn copy_pages(
    from: &Path,
    key: Option<&Key>,
    to: &Path,
    progress: Progress<'_>,
) -> Result<BTreeMap<String, u64>, Failure> {
    let source = connect(from, OpenFlags::SQLITE_OPEN_READ_WRITE, key)?;
    let rows = {
        // One state for all steps: a write meanwhile would otherwise begin the copy anew.
        let state = source.unchecked_transaction()?;
        let rows = count(&state)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let mut copy = connect(to, flags, key)?;
        step_through(&state, &mut copy, from, progress)?;
        copy.close().map_err(|(_, error)| error)?;
        rows
    };
    settle(to, key)?;
    Ok(rows)
}

fn step_through(
    from: &Connection,
    to: &mut Connection,
    path: &Path,
    progress: Progress<'_>,
) -> Result<(), Failure> {
    let backup = Backup::new(from, to)?;
    let mut waiting_since = None;
    loop {
        let step = backup.step(STEP_PAGES)?;
        let pages = backup.progress();
        let total = u64::from(pages.pagecount.unsigned_abs());
        progress(total - u64::from(pages.remaining.unsigned_abs()), total);
        match step {
            StepResult::Done => return Ok(()),
            StepResult::More => waiting_since = None,
            _ => {
                if waiting_since.get_or_insert_with(Instant::now).elapsed() > BUSY_TIMEOUT {
                    return Err(StoreError::Busy { path: path.to_owned() }.into());
                }
                thread::sleep(PAUSE);
            }
        }
    }
}

/// Names the first table whose rows are not as many as they should be.
pub(crate) fn difference(expected: &BTreeMap<String, u64>, found: &BTreeMap<String, u64>) -> String {
    let differs = expected.iter().find(|(table, rows)| found.get(*table) != Some(rows));
    match differs {
        Some((table, rows)) => {
            format!("{table} has {} rows: {rows} expected", found.get(table).copied().unwrap_or_default())
        }
        None => "it has tables that the database does not have".to_owned(),
    }
}
