use rusqlite::params;
use stratagem_domain::quote;

use crate::bounds;
use crate::open::{new_id, now};
use crate::{Store, StoreError};

const LEVELS: [&str; 5] = ["debug", "info", "warning", "error", "critical"];

impl Store {
    /// Keeps an event of the host. `level` is `debug`, `info`, `warning` (or `warn`), `error` or `critical`.
    ///
    /// *Errors*: [`StoreError::Invalid`] for another level, and for what is too long.
    pub fn event(
        &self,
        level: &str,
        source: &str,
        kind: &str,
        message: &str,
        context: &serde_json::Value,
    ) -> Result<(), StoreError> {
        let level = if level == "warn" { "warning" } else { level };
        if !LEVELS.contains(&level) {
            return Err(StoreError::Invalid {
                what: format!("level {} of an event is not known", quote(level, 80)),
                hint: Some(format!("one of {}", LEVELS.join(", "))),
            });
        }
        bounds::names(&[("source of an event", source), ("kind of an event", kind)])?;
        bounds::text("message of an event", message, bounds::MESSAGE_BYTES)?;
        let context = bounds::json("context of an event", context, bounds::JSON_BYTES)?;
        let (level, source, kind) = (level.to_owned(), source.to_owned(), kind.to_owned());
        let message = message.to_owned();
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
