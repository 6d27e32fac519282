use rusqlite::params;

use crate::open::{new_id, now};
use crate::{Store, StoreError};

impl Store {
    /// Keeps an event of the host. `level` is `debug`, `info`, `warning` (or `warn`), `error` or
    /// `critical`; the table refuses any other.
    pub fn event(
        &self,
        level: &str,
        source: &str,
        kind: &str,
        message: &str,
        context: &serde_json::Value,
    ) -> Result<(), StoreError> {
        let level = if level == "warn" { "warning" } else { level };
        self.write(|connection| {
            connection
                .prepare_cached(
                    "INSERT INTO system_events (id, at, level, source, kind, message, context)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                )?
                .execute(params![new_id(), now(), level, source, kind, message, context.to_string()])?;
            Ok(())
        })
    }
}
