use rusqlite::params;
use serde::Serialize;

use crate::audit::Entry;
use crate::error::Failure;
use crate::open::{new_id, now};
use crate::writer::Change;
use crate::{Store, StoreError};

/// Something that somebody should know.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Alert {
    pub id: String,
    pub rule: String,
    pub scope: String,
    pub scope_id: String,
    pub window: String,
    pub severity: String,
    /// In dollars where the rule is about money.
    pub threshold: Option<f64>,
    pub value: Option<f64>,
    pub message: String,
    /// Of `user_identities`.
    pub acknowledged_by: Option<String>,
    pub acknowledged_at: Option<i64>,
    pub created_at: i64,
}

/// An alert that may be there already.
pub(super) struct NewAlert<'a> {
    pub rule: &'static str,
    pub scope: &'static str,
    pub scope_id: &'a str,
    /// Equal rules, scopes and windows are one alert.
    pub window: String,
    pub severity: &'static str,
    pub threshold: Option<f64>,
    pub value: Option<f64>,
    pub message: String,
}

impl NewAlert<'_> {
    /// Keeps the alert and an event of it, unless its window has it; true where it is new.
    pub(super) fn raise(&self, change: &Change<'_>) -> Result<bool, Failure> {
        let id = new_id();
        let is_new = change
            .prepare_cached(
                "INSERT INTO alerts (id, rule, scope, scope_id, window_key, severity, threshold, value, message,
                     created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
                 ON CONFLICT (rule, scope, scope_id, window_key) DO NOTHING",
            )?
            .execute(params![
                id,
                self.rule,
                self.scope,
                self.scope_id,
                self.window,
                self.severity,
                self.threshold,
                self.value,
                self.message,
                now()
            ])?
            == 1;
        if !is_new {
            return Ok(false);
        }
        change.made("alert.raise", "alerts", &id);
        let context = serde_json::json!({
            "alert": id, "scope": self.scope, "scope_id": self.scope_id, "value": self.value,
            "threshold": self.threshold,
        });
        change
            .prepare_cached(
                "INSERT INTO system_events (id, at, level, source, kind, message, context)
                 VALUES (?1, ?2, ?3, 'models', ?4, ?5, ?6)",
            )?
            .execute(params![new_id(), now(), self.severity, self.rule, self.message, context.to_string()])?;
        Ok(true)
    }
}

impl Store {
    /// The newest alerts first; those that nobody acknowledged alone where `open` says so.
    pub fn alerts(&self, open: bool, limit: usize) -> Result<Vec<Alert>, StoreError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT id, rule, scope, scope_id, window_key, severity, threshold, value, message, acknowledged_by,
                     acknowledged_at, created_at
                 FROM alerts WHERE NOT ?1 OR acknowledged_at IS NULL ORDER BY created_at DESC, id DESC LIMIT ?2",
            )?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let alerts = select.query_map(params![open, limit], |row| {
                Ok(Alert {
                    id: row.get(0)?,
                    rule: row.get(1)?,
                    scope: row.get(2)?,
                    scope_id: row.get(3)?,
                    window: row.get(4)?,
                    severity: row.get(5)?,
                    threshold: row.get(6)?,
                    value: row.get(7)?,
                    message: row.get(8)?,
                    acknowledged_by: row.get(9)?,
                    acknowledged_at: row.get(10)?,
                    created_at: row.get(11)?,
                })
            })?;
            Ok(alerts.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Notes who has seen an alert; the first to do so stays. Returns false where somebody had.
    ///
    /// *Errors*: [`StoreError::Invalid`] where there is no such alert.
    pub fn acknowledge(&self, alert: &str) -> Result<bool, StoreError> {
        let id = alert.to_owned();
        self.write("acknowledging an alert", move |change| {
            let there: bool =
                change.query_row("SELECT EXISTS (SELECT 1 FROM alerts WHERE id = ?1)", [&id], |row| {
                    row.get(0)
                })?;
            if !there {
                return Err(unknown("alert", &id, "list them with `stratagem alerts list`").into());
            }
            let is_first = change
                .prepare_cached(
                    "UPDATE alerts SET acknowledged_by = ?2, acknowledged_at = ?3
                     WHERE id = ?1 AND acknowledged_at IS NULL",
                )?
                .execute(params![id, change.actor.id, now()])?
                == 1;
            if is_first {
                let (before, after) = (Some(serde_json::json!({})), Some(serde_json::json!({"seen": true})));
                change.note(Entry {
                    action: "alert.acknowledge",
                    subject_kind: "alerts",
                    subject_id: id,
                    before,
                    after,
                });
            }
            Ok(is_first)
        })
    }
}

/// Of a thing that is named and not there.
pub(super) fn unknown(kind: &str, name: &str, hint: &str) -> StoreError {
    StoreError::Invalid {
        what: format!("no {kind} {}", stratagem_domain::quote(name, 80)),
        hint: Some(hint.to_owned()),
    }
}
