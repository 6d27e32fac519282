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
        let (level, source, kind) = (level.to_owned(), source.to_owned(), kind.to_owned());
        let (message, context) = (message.to_owned(), context.to_string());
        self.write("keeping an event", move |connection| {
            let id = new_id();
            connection.made("event.record", "system_events", &id);
            connection
                .prepare_cached(
                    "INSERT INTO system_events (id, at, level, source, kind, message, context)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                )?
                .execute(params![id, now(), level, source, kind, message, context])?;
            Ok(())
        })
    }
}
