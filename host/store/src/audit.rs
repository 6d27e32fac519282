//! The audit log: who changed what, as a chain of hashes.
//!
//! A row's hash covers every column before it and the hash of the row before, so that a row that was changed, taken
//! out or put between shows at [`Store::verify_audit`]. The chain cannot show that its *last* rows were cut off: an
//! operator who fears that keeps a head that `verify` printed, and hands it in next time.

use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use serde_json::Value;
use stratagem_domain::Digest;

use crate::actor::Actor;
use crate::error::Failure;
use crate::open::now;
use crate::{Store, StoreError};

/// One change: ids and digests of what was before and after, never a text that somebody may ask to have erased.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub action: &'static str,
    pub subject_kind: &'static str,
    pub subject_id: String,
    /// None where it was made.
    pub before: Option<Value>,
    /// None where it was taken away.
    pub after: Option<Value>,
}

/// What a walk over the chain found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditReport {
    /// Rows that fit.
    pub rows: u64,
    /// Of the last row: hand it to a later `verify` to see that nothing was cut off since.
    pub head: String,
    /// The first row that does not fit, and why; none where the chain is whole.
    pub broken: Option<String>,
}

/// Appends entries to the chain; the transaction is the caller's.
pub(crate) fn append(connection: &Connection, actor: &Actor, entries: &[Entry]) -> Result<(), Failure> {
    let Some((mut seq, mut previous)) = (!entries.is_empty()).then(|| head(connection)).transpose()? else {
        return Ok(());
    };
    let mut insert = connection.prepare_cached(
        "INSERT INTO audit_log (seq, at, actor_id, role, action, subject_kind, subject_id, before, after, prev_hash, hash)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?;
    for entry in entries {
        seq += 1;
        let row = Row {
            seq,
            at: now(),
            actor_id: &actor.id,
            role: actor.role.as_str(),
            action: entry.action,
            subject_kind: entry.subject_kind,
            subject_id: &entry.subject_id,
            before: entry.before.as_ref().map(Value::to_string),
            after: entry.after.as_ref().map(Value::to_string),
        };
        let hash = row.hash(&previous);
        insert.execute(params![
            row.seq,
            row.at,
            row.actor_id,
            row.role,
            row.action,
            row.subject_kind,
            row.subject_id,
            row.before,
            row.after,
            previous,
            hash
        ])?;
        previous = hash;
    }
    Ok(())
}

/// The number and the hash of the newest row, or of the anchor where there is none.
pub(crate) fn head(connection: &Connection) -> Result<(i64, String), Failure> {
    let newest = connection
        .prepare_cached("SELECT seq, hash FROM audit_log ORDER BY seq DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    match newest {
        Some(newest) => Ok(newest),
        None => Ok(connection
            .prepare_cached("SELECT seq, hash FROM audit_anchor")?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?),
    }
}

/// A row without its hashes.
struct Row<'a> {
    seq: i64,
    at: i64,
    actor_id: &'a str,
    role: &'a str,
    action: &'a str,
    subject_kind: &'a str,
    subject_id: &'a str,
    before: Option<String>,
    after: Option<String>,
}

impl Row<'_> {
    /// JSON keeps the columns apart: no text can be moved from one into the next.
    fn hash(&self, previous: &str) -> String {
        let columns = serde_json::json!([
            previous,
            self.seq,
            self.at,
            self.actor_id,
            self.role,
            self.action,
            self.subject_kind,
            self.subject_id,
            self.before,
            self.after,
        ]);
        Digest::of(columns.to_string().as_bytes()).to_string()
    }
}

impl Store {
    /// Walks the audit log from its anchor and holds every row to the one before. `expected` is a head that an
    /// earlier walk gave: it must still be in the chain.
    pub fn verify_audit(&self, expected: Option<&str>) -> Result<AuditReport, StoreError> {
        self.read(|connection| {
            let (mut seq, mut previous): (i64, String) =
                connection
                    .query_row("SELECT seq, hash FROM audit_anchor", [], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let mut seen = expected.is_none_or(|hash| hash == previous);
            let mut select = connection.prepare(
                "SELECT seq, at, actor_id, role, action, subject_kind, subject_id, before, after, prev_hash, hash
                 FROM audit_log ORDER BY seq",
            )?;
            let mut rows = select.query([])?;
            let mut report = AuditReport { rows: 0, head: previous.clone(), broken: None };
            while let Some(row) = rows.next()? {
                let text = |column: usize| row.get::<_, String>(column);
                let (actor_id, role, action) = (text(2)?, text(3)?, text(4)?);
                let (subject_kind, subject_id) = (text(5)?, text(6)?);
                let found = Row {
                    seq: row.get(0)?,
                    at: row.get(1)?,
                    actor_id: &actor_id,
                    role: &role,
                    action: &action,
                    subject_kind: &subject_kind,
                    subject_id: &subject_id,
                    before: row.get(7)?,
                    after: row.get(8)?,
                };
                let fault = if found.seq != seq + 1 {
                    Some(format!("row {} follows row {seq}", found.seq))
                } else if text(9)? != previous {
                    Some(format!("row {} does not carry the hash of the row before", found.seq))
                } else if text(10)? != found.hash(&previous) {
                    Some(format!("row {} was changed after it was written", found.seq))
                } else {
                    None
                };
                if fault.is_some() {
                    report.broken = fault;
                    return Ok(report);
                }
                (seq, previous) = (found.seq, text(10)?);
                seen |= expected == Some(previous.as_str());
                report.rows += 1;
            }
            report.head = previous;
            if !seen {
                report.broken = Some("the expected head is not in the chain: rows were cut off".to_owned());
            }
            Ok(report)
        })
    }
}
