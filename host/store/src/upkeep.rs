//! What keeps a store quick: jobs of the queue call these.

use serde::Serialize;
use serde_json::json;

use crate::actor::Role;
use crate::audit::Entry;
use crate::copies::Swept;
use crate::open::now;
use crate::{Store, StoreError};

/// What [`Store::sweep_caches`] removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CacheSweep {
    pub copies: Swept,
    /// Replies of language models whose time was over.
    pub replies: u64,
}

impl Store {
    /// Removes copies and kept replies whose time is over. Nothing that is served goes.
    pub fn sweep_caches(&self) -> Result<CacheSweep, StoreError> {
        let copies = self.copies().sweep();
        let replies = self.write("sweeping the caches", |change| {
            let removed = change.execute("DELETE FROM llm_cache WHERE expires_at <= ?1", [now()])?;
            if removed > 0 {
                change.note(Entry {
                    action: "llm_cache.sweep",
                    subject_kind: "llm_cache",
                    subject_id: "*".to_owned(),
                    before: Some(json!({ "rows": removed })),
                    after: None,
                });
            }
            Ok(removed as u64)
        })?;
        Ok(CacheSweep { copies, replies })
    }

    /// Lets `SQLite` count again where its idea of a table is old, so that queries take the right index.
    pub fn optimize(&self) -> Result<(), StoreError> {
        self.alone(Role::Runner, "optimizing the database", |connection| {
            // At most so many rows of an index are looked at: a sample is enough, and a large table takes no longer.
            connection.execute_batch("PRAGMA analysis_limit = 1000; PRAGMA optimize = 0x10002;")?;
            Ok(())
        })
    }
}
