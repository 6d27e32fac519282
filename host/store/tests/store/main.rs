//! The store as its users see it: what goes in comes back, what fails leaves nothing.

mod added;
mod analysis;
mod audit;
mod backup;
mod caches;
mod documents;
mod documents_faults;
mod documents_queries;
mod documents_world;
#[cfg(feature = "sqlcipher")]
mod encryption;
mod erasure;
mod experiments;
mod failures;
mod features;
mod fixtures;
mod hostile_text;
mod import;
mod memories;
mod memory;
mod migrations;
mod models;
mod planted;
mod queue;
mod record;
mod recorder;
mod repair;
mod replies;
mod retention;
mod roles;
mod together;
mod users;
mod vitals;
mod writer;

use std::path::PathBuf;

use rusqlite::Connection;
use stratagem_domain::{LabelledTask, Split};
use stratagem_store::Store;
use tempfile::TempDir;

use fixtures::{COMPONENT, WORLD, plugin, set};

/// A store in a folder that goes when the test ends.
struct Bench {
    store: Store,
    path: PathBuf,
    _folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs.db");
        Self { store: Store::open(&path).unwrap(), path, _folder: folder }
    }

    /// With plugin `mirror` and one dataset of these tasks.
    fn with(tasks: &[LabelledTask]) -> Self {
        let bench = Self::new();
        bench.store.keep_component(&plugin("mirror"), WORLD, "{}", COMPONENT).unwrap();
        let tasks: Vec<_> = tasks.iter().map(|task| (Split::Training, task.clone())).collect();
        bench.store.import(&set("arc", &tasks)).unwrap();
        bench
    }

    /// A second connection, past the store.
    fn raw(&self) -> Connection {
        fixtures::raw(&self.path)
    }

    fn count(&self, from: &str) -> i64 {
        self.raw().query_row(&format!("SELECT count(*) FROM {from}"), [], |row| row.get(0)).unwrap()
    }
}
