//! The audit log: who changed what, as a chain of hashes.
//!
//! A row's hash covers every column before it and the hash of the row before, so that a row that was changed, taken
//! out or put between shows at [`Store::verify_audit`]. The chain cannot show that its *last* rows were cut off: an
//! operator who fears that keeps a head that `verify` printed, and hands it in next time.

use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use serde_json::Value;
use stratagem_domain::{Digest, quote};

use crate::actor::{Actor, Role};
use crate::error::Failure;
use crate::open::now;
use crate::rows::parse_json;
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

/// What an operator sees of a row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AuditLine {
    pub seq: u64,
    /// Milliseconds since 1970, UTC.
    pub at: u64,
    pub actor_id: String,
    pub role: String,
    pub action: String,
    pub subject_kind: String,
    pub subject_id: String,
    pub before: Option<Value>,
    pub after: Option<Value>,
    pub hash: String,
}

/// Which rows to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditFilter {
    /// The id of who did it.
    pub actor: Option<String>,
    /// The id of what was changed.
    pub subject: Option<String>,
    /// The beginning of the action, such as `user.`.
    pub action: Option<String>,
    pub limit: usize,
}

impl Default for AuditFilter {
    fn default() -> Self {
        Self { actor: None, subject: None, action: None, limit: 50 }
    }
}

/// Appends entries to the chain; the transaction is the caller's.
///
/// *Errors*: [`StoreError::Invalid`] where the actor was disabled, erased or lowered after coming in: what they had
/// open ends with its next write.
pub(crate) fn append(connection: &Connection, actor: &Actor, entries: &[Entry]) -> Result<(), Failure> {
    if entries.is_empty() {
        return Ok(());
    }
    still_allowed(connection, actor)?;
    let (mut seq, mut previous) = head(connection)?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO audit_log (seq, at, actor_id, role, action, subject_kind, subject_id, before, after, prev_hash, hash)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?;
    for entry in entries {
        seq += 1;
        let row = Row {
            seq,
            at: now(),
            actor_id: actor.id.clone(),
            role: actor.role.as_str().to_owned(),
            action: entry.action.to_owned(),
            subject_kind: entry.subject_kind.to_owned(),
            subject_id: entry.subject_id.clone(),
            before: entry.before.as_ref().map(Value::to_string),
            after: entry.after.as_ref().map(Value::to_string),
            ip: None,
            user_agent: None,
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

fn still_allowed(connection: &Connection, actor: &Actor) -> Result<(), Failure> {
    let role: Option<String> = connection
        .prepare_cached("SELECT role FROM user_identities WHERE id = ?1 AND status = 'active'")?
        .query_row([&actor.id], |row| row.get(0))
        .optional()?;
    if role.as_deref().and_then(Role::parse).is_some_and(|role| role >= actor.role) {
        return Ok(());
    }
    let what =
        format!("user {} may no longer write: disabled, erased or lowered meanwhile", quote(&actor.name, 80));
    Err(StoreError::Invalid { what, hint: Some("ask an admin".to_owned()) }.into())
}

/// The number and the hash of the newest row, or of the anchor where there is none.
pub(crate) fn head(connection: &Connection) -> Result<(i64, String), Failure> {
    let newest = connection
        .prepare_cached("SELECT seq, hash FROM audit_log ORDER BY seq DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    match newest {
        Some(newest) => Ok(newest),
        None => anchor(connection),
    }
}

/// Where the chain begins: the number and the hash of the last row that was let go.
fn anchor(connection: &Connection) -> Result<(i64, String), Failure> {
    Ok(connection
        .prepare_cached("SELECT seq, hash FROM audit_anchor")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

/// Lets the oldest rows go, `most` at most: those before the first that is as young as `cutoff`. The anchor moves
/// in the same transaction, so that the chain that is left still verifies. The newest row always stays: it is
/// the head that somebody may have noted.
pub(crate) fn let_go(connection: &Connection, cutoff: i64, most: u64) -> Result<u64, Failure> {
    let (from, _) = anchor(connection)?;
    let (newest, _) = head(connection)?;
    let young: Option<i64> = connection
        .prepare_cached("SELECT seq FROM audit_log WHERE at >= ?1 ORDER BY seq LIMIT 1")?
        .query_row([cutoff], |row| row.get(0))
        .optional()?;
    let last = (young.unwrap_or(newest).min(newest) - 1).min(from + i64::try_from(most).unwrap_or(i64::MAX));
    if last <= from {
        return Ok(0);
    }
    connection.execute(
        "UPDATE audit_anchor SET (seq, hash) = (SELECT seq, hash FROM audit_log WHERE seq = ?1)",
        [last],
    )?;
    Ok(connection.execute("DELETE FROM audit_log WHERE seq <= ?1", [last])? as u64)
}

/// How many rows [`let_go`] would let go.
pub(crate) fn due(connection: &Connection, cutoff: i64) -> Result<u64, Failure> {
    Ok(connection.query_row(
        "SELECT count(*) FROM audit_log WHERE seq < (SELECT max(seq) FROM audit_log)
         AND seq < coalesce((SELECT min(seq) FROM audit_log WHERE at >= ?1), 9223372036854775807)",
        [cutoff],
        |row| row.get::<_, i64>(0),
    )? as u64)
}

/// A row without its hashes.
struct Row {
    seq: i64,
    at: i64,
    actor_id: String,
    role: String,
    action: String,
    subject_kind: String,
    subject_id: String,
    before: Option<String>,
    after: Option<String>,
    ip: Option<String>,
    user_agent: Option<String>,
}

impl Row {
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
            self.ip,
            self.user_agent,
        ]);
        Digest::of(columns.to_string().as_bytes()).to_string()
    }

    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            seq: row.get("seq")?,
            at: row.get("at")?,
            actor_id: row.get("actor_id")?,
            role: row.get("role")?,
            action: row.get("action")?,
            subject_kind: row.get("subject_kind")?,
            subject_id: row.get("subject_id")?,
            before: row.get("before")?,
            after: row.get("after")?,
            ip: row.get("ip")?,
            user_agent: row.get("user_agent")?,
        })
    }
}

impl Store {
    /// Walks the audit log from its anchor and holds every row to the one before. `expected` is a head that an
    /// earlier walk gave: it must still be in the chain.
    pub fn verify_audit(&self, expected: Option<&str>) -> Result<AuditReport, StoreError> {
        self.read(|connection| {
            let (mut seq, mut previous) = anchor(connection)?;
            let mut seen = expected.is_none_or(|hash| hash == previous);
            let mut select = connection.prepare("SELECT * FROM audit_log ORDER BY seq")?;
            let mut rows = select.query([])?;
            let mut report = AuditReport { rows: 0, head: previous.clone(), broken: None };
            while let Some(row) = rows.next()? {
                let found = Row::read(row)?;
                let (carried, hash): (String, String) = (row.get("prev_hash")?, row.get("hash")?);
                let fault = if found.seq != seq + 1 {
                    Some(format!("row {} follows row {seq}", found.seq))
                } else if carried != previous {
                    Some(format!("row {} does not carry the hash of the row before", found.seq))
                } else if hash != found.hash(&previous) {
                    Some(format!("row {} was changed after it was written", found.seq))
                } else {
                    None
                };
                if fault.is_some() {
                    report.broken = fault;
                    return Ok(report);
                }
                (seq, previous) = (found.seq, hash);
                seen |= expected == Some(previous.as_str());
                report.rows += 1;
                report.head.clone_from(&previous);
            }
            if !seen {
                report.broken = Some(
                    "the expected head is not in the chain: rows were cut off, or retention let it go"
                        .to_owned(),
                );
            }
            Ok(report)
        })
    }

    /// Rows of the audit log, newest first.
    pub fn audit(&self, filter: &AuditFilter) -> Result<Vec<AuditLine>, StoreError> {
        let limit = i64::try_from(filter.limit).unwrap_or(i64::MAX);
        self.read(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT * FROM audit_log
                 WHERE (?1 IS NULL OR actor_id = ?1) AND (?2 IS NULL OR subject_id = ?2)
                   AND (?3 IS NULL OR substr(action, 1, length(?3)) = ?3)
                 ORDER BY seq DESC LIMIT ?4",
            )?;
            let mut rows = select.query(params![filter.actor, filter.subject, filter.action, limit])?;
            let mut lines = Vec::new();
            while let Some(row) = rows.next()? {
                let hash = row.get("hash")?;
                let Row { seq, at, actor_id, role, action, subject_kind, subject_id, before, after, .. } =
                    Row::read(row)?;
                let json = |text: Option<String>| -> Result<Option<Value>, Failure> {
                    text.map(|text| parse_json(&text, "a row of the audit log")).transpose()
                };
                lines.push(AuditLine {
                    seq: seq.unsigned_abs(),
                    at: at.unsigned_abs(),
                    actor_id,
                    role,
                    action,
                    subject_kind,
                    subject_id,
                    before: json(before)?,
                    after: json(after)?,
                    hash,
                });
            }
            Ok(lines)
        })
    }
}
