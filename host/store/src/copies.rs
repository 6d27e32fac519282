//! Copies that outlive the process: a redb file beside the database, `NAME.cache.redb`.
//!
//! Nothing is in it that cannot be made again, so nothing about it is an error: a file that is missing, damaged,
//! another program's or held by another process (redb has one) means doing without, or beginning anew, and
//! [`CopyStats::state`] says which. A copy is handed out only whole (it carries a checksum) and only for as long as its
//! shelf says. Its age is measured on a clock that never goes back: the later of the wall clock and what the wall clock
//! said first plus the time since; a file from a later time than now is begun anew.
//!
//! The file holds plain text, so there is none where the database is encrypted.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use redb::{Builder, Database, DatabaseError, ReadableDatabase, ReadableTableMetadata, TableDefinition};
use serde::{Deserialize, Serialize};

use crate::open::now;

/// Puts that wait in memory before they are written together.
const TOGETHER: usize = 64;
/// How long to do without before a file that another process held is tried again.
const PATIENCE: Duration = Duration::from_secs(10);
/// What redb keeps of the file in memory.
const PAGES_BYTES: usize = 16 << 20;
/// Format, flags, time, checksum.
const HEAD: usize = 18;
const FORMAT: u8 = 1;
const COMPRESSED: u8 = 1;

/// The latest time at which anything was written.
const CLOCK: TableDefinition<'static, &str, u64> = TableDefinition::new("clock");

/// What a copy is of: each shelf keeps its copies for a time of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shelf {
    Episodes,
    Patterns,
    Queries,
}

impl Shelf {
    pub const ALL: [Self; 3] = [Self::Episodes, Self::Patterns, Self::Queries];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Episodes => "episodes",
            Self::Patterns => "patterns",
            Self::Queries => "queries",
        }
    }

    fn table(self) -> TableDefinition<'static, &'static str, &'static [u8]> {
        TableDefinition::new(self.as_str())
    }
}

/// How copies are kept: `[copies]` of the settings.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CopyOptions {
    pub enabled: bool,
    pub episodes_ms: u64,
    pub patterns_ms: u64,
    pub queries_ms: u64,
    /// Values of at least so many bytes are compressed.
    pub compress_bytes: usize,
    /// A file that is larger is begun anew when it is swept.
    pub most_bytes: u64,
}

impl Default for CopyOptions {
    fn default() -> Self {
        Self {
            enabled: true,
            episodes_ms: 3_600_000,
            patterns_ms: 1_800_000,
            queries_ms: 300_000,
            compress_bytes: 2_048,
            most_bytes: 268_435_456,
        }
    }
}

impl CopyOptions {
    fn longest_ms(&self, shelf: Shelf) -> u64 {
        match shelf {
            Shelf::Episodes => self.episodes_ms,
            Shelf::Patterns => self.patterns_ms,
            Shelf::Queries => self.queries_ms,
        }
    }
}

/// Whether there are copies, and if not, why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CopyState {
    /// Nobody needed the file yet.
    Unopened,
    Open,
    /// Another process has the file: this one does without.
    Held,
    /// The file could not be made or was given up: this process does without.
    Unavailable,
    /// The settings say so, or the database is encrypted.
    Off,
}

impl CopyState {
    /// Why there are none; none where there are, or would be if anybody needed them.
    pub fn why_off(self) -> Option<String> {
        let why = match self {
            Self::Unopened | Self::Open => return None,
            Self::Held => "another process has the file",
            Self::Unavailable => "the file could not be made",
            Self::Off => "the settings say so, or the database is encrypted",
        };
        Some(why.to_owned())
    }
}

/// What the file holds, and how often it had what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CopyStats {
    pub state: CopyState,
    /// Copies by shelf, expired ones included.
    pub entries: BTreeMap<Shelf, u64>,
    pub file_bytes: u64,
    pub hits: u64,
    pub misses: u64,
    /// How often the file was begun anew because it was damaged, foreign or from the future.
    pub rebuilt: u64,
}

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    pub removed: u64,
    pub kept: u64,
    /// True where the file had grown past its bound and was begun anew.
    pub is_rebuilt: bool,
}

/// The file of copies.
pub struct Copies {
    path: PathBuf,
    options: CopyOptions,
    file: RwLock<File>,
    waiting: Mutex<BTreeMap<(Shelf, String), Vec<u8>>>,
    clock: Clock,
    hits: AtomicU64,
    misses: AtomicU64,
    rebuilt: AtomicU64,
}

enum File {
    Unopened,
    Open(Database),
    Held(Instant),
    Unavailable,
    Off,
}

/// A clock that never goes back.
struct Clock {
    began: u64,
    since: Instant,
    /// How far a test has moved the wall clock.
    #[cfg(test)]
    moved: std::sync::atomic::AtomicI64,
}

impl Clock {
    fn new() -> Self {
        Self {
            began: now() as u64,
            since: Instant::now(),
            #[cfg(test)]
            moved: std::sync::atomic::AtomicI64::new(0),
        }
    }

    #[cfg(test)]
    fn wall(&self) -> u64 {
        (now() + self.moved.load(Ordering::Relaxed)) as u64
    }

    #[cfg(not(test))]
    #[allow(clippy::unused_self, reason = "a test moves the clock")]
    fn wall(&self) -> u64 {
        now() as u64
    }

    fn now(&self) -> u64 {
        self.wall().max(self.began + self.since.elapsed().as_millis() as u64)
    }
}

/// Any failure of redb: what it was does not matter, the file is begun anew.
struct Broken;

impl<E: std::error::Error> From<E> for Broken {
    fn from(_: E) -> Self {
        Self
    }
}

impl Copies {
    pub(crate) fn new(database: &Path, options: &CopyOptions) -> Self {
        let file = if options.enabled { File::Unopened } else { File::Off };
        Self {
            path: path_of(database),
            options: options.clone(),
            file: RwLock::new(file),
            waiting: Mutex::default(),
            clock: Clock::new(),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            rebuilt: AtomicU64::new(0),
        }
    }

    /// Where the copies of a database lie.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A copy, unless it is older than its shelf allows, not whole, or not there.
    pub fn get(&self, shelf: Shelf, key: &str) -> Option<Vec<u8>> {
        let found = self.find(shelf, key);
        let counter = if found.is_some() { &self.hits } else { &self.misses };
        counter.fetch_add(1, Ordering::Relaxed);
        found
    }

    fn find(&self, shelf: Shelf, key: &str) -> Option<Vec<u8>> {
        {
            let waiting = self.waiting();
            if !waiting.is_empty()
                && let Some(record) = waiting.get(&(shelf, key.to_owned()))
            {
                return self.unpack(shelf, record);
            }
        }
        self.with_file(|database| {
            let reading = database.begin_read()?;
            let table = match reading.open_table(shelf.table()) {
                Ok(table) => table,
                Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
                Err(_) => return Err(Broken),
            };
            Ok(table.get(key)?.and_then(|record| self.unpack(shelf, record.value())))
        })
        .flatten()
    }

    /// Keeps a copy, in place of an older one. It is written with others, at the latest when the store is closed.
    pub fn put(&self, shelf: Shelf, key: &str, value: &[u8]) {
        if matches!(*self.read_file(), File::Off | File::Unavailable) {
            return;
        }
        let record = self.pack(value);
        let mut waiting = self.waiting();
        waiting.insert((shelf, key.to_owned()), record);
        if waiting.len() >= TOGETHER {
            let batch = std::mem::take(&mut *waiting);
            drop(waiting);
            self.write(&batch);
        }
    }

    /// Writes what waits.
    pub fn flush(&self) {
        let batch = std::mem::take(&mut *self.waiting());
        if !batch.is_empty() {
            self.write(&batch);
        }
    }

    /// Removes what has expired or is not whole.
    pub fn sweep(&self) -> Swept {
        self.flush();
        if !self.is_open() && !self.path.exists() {
            return Swept::default();
        }
        let swept = self.with_file(|database| {
            let mut swept = Swept::default();
            let writing = database.begin_write()?;
            for shelf in Shelf::ALL {
                let mut table = writing.open_table(shelf.table())?;
                table.retain(|_, record| {
                    let is_kept = self.is_fresh(shelf, record);
                    if is_kept {
                        swept.kept += 1;
                    } else {
                        swept.removed += 1;
                    }
                    is_kept
                })?;
            }
            writing.commit()?;
            Ok(swept)
        });
        let mut swept = swept.unwrap_or_default();
        let bytes = std::fs::metadata(&self.path).map_or(0, |found| found.len());
        if bytes > self.options.most_bytes && matches!(*self.read_file(), File::Open(_)) {
            swept =
                Swept { removed: swept.removed + swept.kept, kept: 0, is_rebuilt: self.drop_file().is_ok() };
        }
        swept
    }

    pub fn stats(&self) -> CopyStats {
        let entries = self.is_open().then(|| {
            self.with_file(|database| {
                let reading = database.begin_read()?;
                let mut entries = BTreeMap::new();
                for shelf in Shelf::ALL {
                    match reading.open_table(shelf.table()) {
                        Ok(table) => entries.insert(shelf, table.len()?),
                        Err(redb::TableError::TableDoesNotExist(_)) => None,
                        Err(_) => return Err(Broken),
                    };
                }
                Ok(entries)
            })
        });
        let mut entries = entries.flatten().unwrap_or_default();
        for (shelf, _) in self.waiting().keys() {
            *entries.entry(*shelf).or_default() += 1;
        }
        let state = match *self.read_file() {
            File::Unopened => CopyState::Unopened,
            File::Open(_) => CopyState::Open,
            File::Held(_) => CopyState::Held,
            File::Unavailable => CopyState::Unavailable,
            File::Off => CopyState::Off,
        };
        CopyStats {
            state,
            entries,
            file_bytes: std::fs::metadata(&self.path).map_or(0, |found| found.len()),
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            rebuilt: self.rebuilt.load(Ordering::Relaxed),
        }
    }

    /// Forgets everything and removes the file, also where copies are off or another process has it.
    pub(crate) fn drop_file(&self) -> Result<(), (PathBuf, io::Error)> {
        let mut file = self.file.write().unwrap_or_else(PoisonError::into_inner);
        self.waiting().clear();
        if !matches!(*file, File::Off) {
            *file = File::Unopened;
        }
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err((self.path.clone(), error)),
            _ => Ok(()),
        }
    }

    fn write(&self, batch: &BTreeMap<(Shelf, String), Vec<u8>>) {
        self.with_file(|database| {
            let writing = database.begin_write()?;
            for shelf in Shelf::ALL {
                let of_shelf = batch.iter().filter(|((of, _), _)| *of == shelf);
                let mut table = writing.open_table(shelf.table())?;
                for ((_, key), record) in of_shelf {
                    table.insert(key.as_str(), record.as_slice())?;
                }
            }
            writing.open_table(CLOCK)?.insert("latest", self.clock.now())?;
            writing.commit()?;
            Ok(())
        });
    }

    /// Works with the open file; none where there is none. Where redb fails or panics, the file is begun anew.
    fn with_file<T>(&self, work: impl FnOnce(&Database) -> Result<T, Broken>) -> Option<T> {
        if !self.is_open() {
            self.open();
        }
        let done = match &*self.read_file() {
            File::Open(database) => catch_unwind(AssertUnwindSafe(|| work(database))),
            _ => return None,
        };
        if let Ok(Ok(value)) = done {
            Some(value)
        } else {
            self.rebuilt.fetch_add(1, Ordering::Relaxed);
            if self.drop_file().is_err() {
                *self.file.write().unwrap_or_else(PoisonError::into_inner) = File::Unavailable;
            }
            None
        }
    }

    fn is_open(&self) -> bool {
        matches!(*self.read_file(), File::Open(_))
    }

    fn open(&self) {
        let mut file = self.file.write().unwrap_or_else(PoisonError::into_inner);
        match *file {
            File::Unopened => {}
            File::Held(until) if until <= Instant::now() => {}
            _ => return,
        }
        *file = self.try_open().unwrap_or_else(|| {
            self.rebuilt.fetch_add(1, Ordering::Relaxed);
            let removed = std::fs::remove_file(&self.path);
            removed.ok().and_then(|()| self.try_open()).unwrap_or(File::Unavailable)
        });
    }

    /// None where the file is of no use.
    fn try_open(&self) -> Option<File> {
        let opened = catch_unwind(AssertUnwindSafe(|| {
            Builder::new().set_cache_size(PAGES_BYTES).set_check_integrity_on_open(true).create(&self.path)
        }));
        match opened {
            Ok(Ok(database)) => {
                let checked = catch_unwind(AssertUnwindSafe(|| self.is_from_the_past(&database)));
                matches!(checked, Ok(Ok(true))).then_some(File::Open(database))
            }
            Ok(Err(DatabaseError::DatabaseAlreadyOpen)) => Some(File::Held(Instant::now() + PATIENCE)),
            _ => None,
        }
    }

    /// Whether the clock is not behind the last write: else nobody knows how old the copies are.
    fn is_from_the_past(&self, database: &Database) -> Result<bool, Broken> {
        let reading = database.begin_read()?;
        let latest = match reading.open_table(CLOCK) {
            Ok(table) => table.get("latest")?.map(|latest| latest.value()),
            Err(redb::TableError::TableDoesNotExist(_)) => None,
            Err(_) => return Err(Broken),
        };
        Ok(latest.is_none_or(|latest| latest <= self.clock.now()))
    }

    fn pack(&self, value: &[u8]) -> Vec<u8> {
        let smaller = (value.len() >= self.options.compress_bytes)
            .then(|| lz4_flex::compress_prepend_size(value))
            .filter(|packed| packed.len() < value.len());
        let flags = if smaller.is_some() { COMPRESSED } else { 0 };
        let body = smaller.as_deref().unwrap_or(value);
        let at = self.clock.now();
        let mut record = Vec::with_capacity(HEAD + body.len());
        record.extend([FORMAT, flags]);
        record.extend(at.to_le_bytes());
        record.extend(checksum(flags, at, body).to_le_bytes());
        record.extend(body);
        record
    }

    fn unpack(&self, shelf: Shelf, record: &[u8]) -> Option<Vec<u8>> {
        if !self.is_fresh(shelf, record) {
            return None;
        }
        let (head, body) = record.split_at(HEAD);
        let sum = u64::from_le_bytes(head[10..HEAD].try_into().ok()?);
        if sum != checksum(head[1], written_at(head)?, body) {
            return None;
        }
        if head[1] == COMPRESSED {
            lz4_flex::decompress_size_prepended(body).ok()
        } else {
            Some(body.to_vec())
        }
    }

    fn is_fresh(&self, shelf: Shelf, record: &[u8]) -> bool {
        let written = written_at(record).filter(|_| record.first() == Some(&FORMAT));
        let at = self.clock.now();
        written.is_some_and(|written| written <= at && at - written < self.options.longest_ms(shelf))
    }

    fn read_file(&self) -> std::sync::RwLockReadGuard<'_, File> {
        self.file.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<(Shelf, String), Vec<u8>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Copies {
    fn drop(&mut self) {
        self.flush();
    }
}

/// The file beside a database: `runs.db` has `runs.cache.redb`.
fn path_of(database: &Path) -> PathBuf {
    database.with_extension("cache.redb")
}

fn written_at(record: &[u8]) -> Option<u64> {
    Some(u64::from_le_bytes(record.get(2..10)?.try_into().ok()?)).filter(|_| record.len() >= HEAD)
}

/// Another release of the compiler may sum differently: then every copy is a miss, once.
fn checksum(flags: u8, at: u64, body: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write_u8(flags);
    hasher.write_u64(at);
    hasher.write(body);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copies(folder: &Path) -> Copies {
        Copies::new(&folder.join("runs.db"), &CopyOptions::default())
    }

    #[test]
    fn a_clock_that_is_set_back_serves_nothing_for_longer() {
        let folder = tempfile::tempdir().unwrap();
        let copies = copies(folder.path());
        copies.put(Shelf::Queries, "k", b"v");
        let hours = |hours: i64| copies.clock.moved.store(hours * 3_600_000, Ordering::Relaxed);
        assert_eq!(copies.get(Shelf::Queries, "k").as_deref(), Some(&b"v"[..]));
        hours(-5);
        assert_eq!(copies.get(Shelf::Queries, "k").as_deref(), Some(&b"v"[..]), "it is as old as before");
        hours(1);
        assert_eq!(copies.get(Shelf::Queries, "k"), None, "an hour later it is too old");
        copies.put(Shelf::Episodes, "late", b"v");
        hours(0);
        assert_eq!(copies.get(Shelf::Episodes, "late"), None, "written by a clock that was ahead");
    }

    #[test]
    fn a_file_from_the_future_is_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let ahead = copies(folder.path());
        ahead.clock.moved.store(3_600_000, Ordering::Relaxed);
        ahead.put(Shelf::Episodes, "k", b"v");
        drop(ahead);
        let later = copies(folder.path());
        assert_eq!(later.get(Shelf::Episodes, "k"), None);
        assert_eq!((later.stats().rebuilt, later.stats().state), (1, CopyState::Open));
    }
}
