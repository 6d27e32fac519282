//! Hot rows: what was read lately, in the memory of this process.
//!
//! *Rows that never change* (a task, a run) are kept under their id and handed out without a look at the database.
//! They may be deleted, by an erasure or by retention: this process forgets them then ([`Store::drop_copies`]), and
//! another one after [`LONGEST`] at the latest, since an entry is not handed out for longer.
//!
//! *Results of queries* are kept under a key that carries the generation of what was queried (see `generations`), so
//! that a write by any process is never followed by a stale read. That costs a look of about 2 µs where a row that
//! never changes costs a fraction of one: no process can know of another's commit without asking.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use rusqlite::Connection;
use serde::Serialize;
use serde::de::DeserializeOwned;
use stratagem_domain::{LabelledTask, StoredRun};

use crate::copies::{Copies, CopyOptions, CopyStats, Shelf};
use crate::error::Failure;
use crate::{Store, StoreError, datasets, read};

/// How long an entry is handed out: what another process deleted is gone here after that.
pub const LONGEST: Duration = Duration::from_mins(1);
/// Bytes of runs, of tasks, and of results of queries, each.
const CAPACITY: u64 = 32 << 20;
/// Entries that the tables are made for at first.
const EXPECTED: usize = 1_024;

struct Entry<V: ?Sized> {
    value: Arc<V>,
    bytes: u64,
    since: Instant,
}

impl<V: ?Sized> Clone for Entry<V> {
    fn clone(&self) -> Self {
        Self { value: Arc::clone(&self.value), ..*self }
    }
}

#[derive(Clone)]
struct ByBytes;

impl<V: ?Sized> Weighter<String, Entry<V>> for ByBytes {
    fn weight(&self, key: &String, entry: &Entry<V>) -> u64 {
        entry.bytes + key.len() as u64
    }
}

/// The least recently used leave first. Values are shared, never copied.
pub(crate) struct Hot<V: ?Sized> {
    entries: Cache<String, Entry<V>, ByBytes>,
    hits: AtomicU64,
    misses: AtomicU64,
}

impl<V: ?Sized> Hot<V> {
    fn new(capacity: u64) -> Self {
        let entries = Cache::with_weighter(EXPECTED, capacity, ByBytes);
        Self { entries, hits: AtomicU64::new(0), misses: AtomicU64::new(0) }
    }

    pub(crate) fn get(&self, key: &str) -> Option<Arc<V>> {
        let found = self.entries.get(key).filter(|entry| entry.since.elapsed() < LONGEST);
        let counter = if found.is_some() { &self.hits } else { &self.misses };
        counter.fetch_add(1, Ordering::Relaxed);
        found.map(|entry| entry.value)
    }

    /// Keeps a value that takes about `bytes`.
    pub(crate) fn put(&self, key: String, value: Arc<V>, bytes: u64) {
        self.entries.insert(key, Entry { value, bytes, since: Instant::now() });
    }

    fn stats(&self) -> HotStats {
        HotStats {
            entries: self.entries.len() as u64,
            bytes: self.entries.weight(),
            capacity_bytes: self.entries.capacity(),
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
        }
    }
}

/// What a cache holds, and how often it had what was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct HotStats {
    pub entries: u64,
    pub bytes: u64,
    pub capacity_bytes: u64,
    pub hits: u64,
    pub misses: u64,
}

/// All caches of a store, since it was opened.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CacheStats {
    pub runs: HotStats,
    pub tasks: HotStats,
    pub queries: HotStats,
    pub copies: CopyStats,
}

/// Everything of a store that only saves work.
pub(crate) struct Caches {
    runs: Hot<StoredRun>,
    tasks: Hot<LabelledTask>,
    queries: Hot<dyn Any + Send + Sync>,
    pub(crate) copies: Copies,
}

impl std::fmt::Debug for Caches {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Caches").finish_non_exhaustive()
    }
}

impl Caches {
    pub(crate) fn new(database: &std::path::Path, options: &CopyOptions) -> Self {
        Self {
            runs: Hot::new(CAPACITY),
            tasks: Hot::new(CAPACITY),
            queries: Hot::new(CAPACITY),
            copies: Copies::new(database, options),
        }
    }

    fn clear(&self) {
        self.runs.entries.clear();
        self.tasks.entries.clear();
        self.queries.entries.clear();
    }
}

impl Store {
    /// A run by its whole id, shared with whoever read it lately.
    pub fn shared_run(&self, id: &str) -> Result<Arc<StoredRun>, StoreError> {
        if let Some(run) = self.caches().runs.get(id) {
            return Ok(run);
        }
        let (path, wanted) = (self.path().to_owned(), id.to_owned());
        let run = self.read(|connection| {
            let is_there = connection
                .prepare_cached("SELECT 1 FROM runs WHERE id = ?1 AND finished_at IS NOT NULL")?
                .exists([id])?;
            if !is_there {
                return Err(StoreError::UnknownRun { path, id: wanted }.into());
            }
            read::load(connection, id)
        })?;
        let (run, bytes) = shared(run);
        self.caches().runs.put(id.to_owned(), Arc::clone(&run), bytes);
        Ok(run)
    }

    /// A task by the id of its row, shared with whoever read it lately; none where there is none.
    pub fn shared_task(&self, id: &str) -> Result<Option<Arc<LabelledTask>>, StoreError> {
        if let Some(task) = self.caches().tasks.get(id) {
            return Ok(Some(task));
        }
        let found = self.read(|connection| datasets::load(connection, "t.id = ?1", [id]))?.pop();
        let Some(found) = found else { return Ok(None) };
        let cells = found.task.task.test.iter().chain(found.task.truth.iter().flatten());
        let cells: usize = cells.map(|grid| grid.width() * grid.height()).sum();
        let pairs = found.task.task.train.iter();
        let train: usize = pairs
            .map(|pair| pair.input.width() * pair.input.height() + pair.output.width() * pair.output.height())
            .sum();
        let task = Arc::new(found.task);
        self.caches().tasks.put(id.to_owned(), Arc::clone(&task), (cells + train) as u64 + 512);
        Ok(Some(task))
    }

    /// The result of a query over `subject` (see [`Store::generation`]): from memory, else from the copies of `shelf`,
    /// else from the database, and then kept in both. `key` names the query with all that decides its result.
    pub(crate) fn remembered<T>(
        &self,
        shelf: Option<Shelf>,
        subject: &'static str,
        key: &str,
        load: impl FnOnce(&Connection) -> Result<T, Failure>,
    ) -> Result<Arc<T>, StoreError>
    where
        T: Serialize + DeserializeOwned + Send + Sync + 'static,
    {
        let key = format!("{subject}@{} {key}", self.generation(subject)?);
        let caches = self.caches();
        if let Some(value) = caches.queries.get(&key).and_then(|value| value.downcast::<T>().ok()) {
            return Ok(value);
        }
        let copy = shelf.and_then(|shelf| caches.copies.get(shelf, &key));
        if let Some(value) = copy.as_ref().and_then(|copy| serde_json::from_slice::<T>(copy).ok()) {
            let (value, bytes) = (Arc::new(value), copy.map_or(0, |copy| copy.len() as u64));
            caches.queries.put(key, Arc::clone(&value) as Arc<dyn Any + Send + Sync>, bytes);
            return Ok(value);
        }
        let value = Arc::new(self.read(load)?);
        let body = serde_json::to_vec(&*value)
            .map_err(|error| Failure::Row(format!("a result of a query: {error}")).in_file(self.path()))?;
        if let Some(shelf) = shelf {
            caches.copies.put(shelf, &key, &body);
        }
        caches.queries.put(key, Arc::clone(&value) as Arc<dyn Any + Send + Sync>, body.len() as u64);
        Ok(value)
    }

    /// Copies that outlive this process, in a file beside the database.
    pub fn copies(&self) -> &Copies {
        &self.caches().copies
    }

    /// How much the caches hold and how often they helped, since the store was opened.
    pub fn cache_stats(&self) -> CacheStats {
        let caches = self.caches();
        CacheStats {
            runs: caches.runs.stats(),
            tasks: caches.tasks.stats(),
            queries: caches.queries.stats(),
            copies: caches.copies.stats(),
        }
    }

    /// Forgets every copy, in memory and in the file beside the database, which goes: for an erasure, and after the
    /// database was restored. Nothing is lost but time.
    pub fn drop_copies(&self) -> Result<(), StoreError> {
        self.caches().clear();
        self.caches().copies.drop_file().map_err(|(path, source)| StoreError::Invalid {
            what: format!("the copies in {} cannot be removed: {source}", path.display()),
            hint: Some("remove the file by hand: nothing is lost with it".to_owned()),
        })
    }
}

/// A value to share, and about how many bytes it takes.
fn shared<T: Serialize>(value: T) -> (Arc<T>, u64) {
    let bytes = serde_json::to_vec(&value).map_or(0, |text| text.len() as u64);
    (Arc::new(value), bytes)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use stratagem_domain::Split;

    use super::*;
    use crate::fixtures::{set, task};

    /// From the database once, from memory while the process lives, from the copies of the next, and anew after a write.
    #[test]
    fn a_result_is_loaded_again_only_after_a_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs.db");
        let loads = Cell::new(0);
        let ask = |store: &Store| {
            let load = |_: &Connection| {
                loads.set(loads.get() + 1);
                Ok(vec![loads.get()])
            };
            store.remembered::<Vec<u32>>(Some(Shelf::Queries), "datasets", "all", load).unwrap()
        };
        let store = Store::open(&path).unwrap();
        let first = ask(&store);
        assert!(Arc::ptr_eq(&first, &ask(&store)) && loads.get() == 1);
        drop(store);
        let store = Store::open(&path).unwrap();
        assert_eq!((*ask(&store) == *first, loads.get()), (true, 1));
        assert_eq!((store.cache_stats().copies.hits, store.cache_stats().queries.misses), (1, 1));
        store.import(&set("arc", &[(Split::Test, task("a", 1))])).unwrap();
        assert_eq!((ask(&store)[0], loads.get()), (2, 2), "nothing from before the write");
        store.drop_copies().unwrap();
        assert_eq!((ask(&store)[0], loads.get()), (3, 3));
    }
}
