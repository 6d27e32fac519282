//! How long things are kept: policies by subject, and the job that holds the database to them.
//!
//! What has no policy is kept for ever. A policy is worked through in small transactions, so that the writer is never
//! held long and whoever stops it halfway has lost nothing. What goes takes with it what only makes sense beside it;
//! what others point at stays consistent through foreign keys.

use std::time::Instant;

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stratagem_domain::quote;

use crate::actor::Role;
use crate::audit::{self, Entry};
use crate::error::Failure;
use crate::open::now;
use crate::users::invalid;
use crate::writer::Change;
use crate::{Store, StoreError, artifacts};

/// The shortest age; a slip of a unit must not empty a table.
pub const LEAST_AGE_MS: u64 = 3_600_000;
const DAY_MS: u64 = 86_400_000;
/// Content that goes in one transaction: a component is megabytes.
const ARTIFACTS: usize = 50;

/// What becomes of rows that are too old.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RetentionAction {
    Delete,
    /// Marked as archived: kept, and out of the way of who looks for what is new.
    Archive,
    /// All but what tells the story: see the subject.
    Thin,
}

impl RetentionAction {
    pub const ALL: [Self; 3] = [Self::Delete, Self::Archive, Self::Thin];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Archive => "archive",
            Self::Thin => "thin",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == text)
    }
}

use RetentionAction::{Archive, Delete, Thin};

/// Something that has an age.
struct Subject {
    name: &'static str,
    table: &'static str,
    action: RetentionAction,
    /// What goes, for people.
    about: &'static str,
    /// Which rows are too old: `?1` is the time before which they are.
    due: &'static str,
    /// What goes with each of them: `?1` is its rowid.
    with: &'static [&'static str],
    batch: usize,
}

const fn subject(
    name: &'static str,
    action: RetentionAction,
    about: &'static str,
    due: &'static str,
    with: &'static [&'static str],
) -> Subject {
    Subject { name, table: name, action, about, due, with, batch: 500 }
}

static SUBJECTS: [Subject; 21] = [
    subject(
        "outcomes",
        Delete,
        "results over time; the runs stay",
        "executed_at < ?1",
        &["DELETE FROM embeddings WHERE subject_kind = 'outcome'
             AND subject_id = (SELECT id FROM outcomes WHERE rowid = ?1)"],
    ),
    subject(
        "failure_patterns",
        Delete,
        "failures; their clusters stay, with how they were resolved",
        "executed_at < ?1",
        &["DELETE FROM embeddings WHERE subject_kind = 'failure'
             AND subject_id = (SELECT id FROM failure_patterns WHERE rowid = ?1)"],
    ),
    Subject {
        table: "resource_usage",
        ..subject("tool_usage", Delete, "use of tools and devices", "kind IN ('tool', 'gpu') AND at < ?1", &[])
    },
    subject("audit_log", Delete, "who changed what, from the oldest on", "at < ?1", &[]),
    subject(
        "run_logs",
        Delete,
        "what runs logged; the runs stay",
        "run_id IN (SELECT id FROM runs WHERE finished_at < ?1)",
        &[],
    ),
    subject(
        "steps",
        Thin,
        "steps of episodes but the first and the last",
        "at < ?1 AND n > 1 AND n < (SELECT max(s.n) FROM steps s WHERE s.episode_id = steps.episode_id)",
        &["DELETE FROM embeddings WHERE subject_kind = 'step'
             AND subject_id = (SELECT episode_id || '/' || n FROM steps WHERE rowid = ?1)"],
    ),
    subject(
        "steps",
        Delete,
        "all steps of episodes",
        "at < ?1",
        &["DELETE FROM embeddings WHERE subject_kind = 'step'
             AND subject_id = (SELECT episode_id || '/' || n FROM steps WHERE rowid = ?1)"],
    ),
    subject(
        "episodes",
        Archive,
        "episodes that ended, marked as archived",
        "status IN ('completed', 'failed') AND coalesce(completed_at, created_at) < ?1",
        &[],
    ),
    Subject {
        // Each takes a dozen rows with it.
        batch: 50,
        ..subject(
            "runs",
            Delete,
            "runs with all that they left but outcomes and money; those of an unfinished evaluation stay",
            "finished_at < ?1
             AND NOT EXISTS (SELECT 1 FROM evaluations e WHERE e.id = runs.evaluation_id AND e.finished_at IS NULL)
             AND NOT EXISTS (SELECT 1 FROM evaluation_tasks k JOIN evaluations e ON e.id = k.evaluation_id
                             WHERE k.run_id = runs.id AND e.finished_at IS NULL)",
            &[
                "DELETE FROM embeddings WHERE subject_kind = 'episode' AND subject_id IN
                   (SELECT e.id FROM episodes e JOIN runs r ON r.id = e.run_id WHERE r.rowid = ?1)",
                "DELETE FROM embeddings WHERE subject_kind = 'step' AND subject_id IN
                   (SELECT s.episode_id || '/' || s.n FROM steps s JOIN episodes e ON e.id = s.episode_id
                    JOIN runs r ON r.id = e.run_id WHERE r.rowid = ?1)",
                "DELETE FROM resource_usage WHERE kind <> 'llm'
                   AND run_id = (SELECT id FROM runs WHERE rowid = ?1)",
            ],
        )
    },
    subject("system_events", Delete, "events of the host", "at < ?1", &[]),
    subject("llm_cache", Delete, "replies of models that nobody asked for again", "last_hit_at < ?1", &[]),
    subject(
        "messages",
        Delete,
        "messages with their vectors",
        "created_at < ?1",
        &["DELETE FROM embeddings WHERE subject_kind = 'message'
             AND subject_id = (SELECT id FROM messages WHERE rowid = ?1)"],
    ),
    subject(
        "memories",
        Delete,
        "memories that were not changed since, with their vectors",
        "updated_at < ?1",
        &["DELETE FROM embeddings WHERE subject_kind = 'memory'
             AND subject_id = (SELECT id FROM memories WHERE rowid = ?1)"],
    ),
    subject(
        "patterns",
        Delete,
        "patterns that nobody used since",
        "coalesce(last_used_at, created_at) < ?1",
        &["DELETE FROM embeddings WHERE subject_kind = 'pattern'
             AND subject_id = (SELECT id FROM patterns WHERE rowid = ?1)"],
    ),
    subject(
        "learned_artifacts",
        Thin,
        "what plugins learned, but the newest version of each name",
        "created_at < ?1 AND version < (SELECT max(l.version) FROM learned_artifacts l
             WHERE l.owner_id = learned_artifacts.owner_id AND l.domain = learned_artifacts.domain
               AND l.name = learned_artifacts.name)",
        &[],
    ),
    subject("ttt_adaptations", Delete, "adapted weights", "coalesce(last_used_at, created_at) < ?1", &[]),
    subject("queue", Delete, "jobs that ended", "finished_at < ?1", &[]),
    subject("credit_balance", Delete, "snapshots of credit", "at < ?1", &[]),
    subject("alerts", Delete, "alerts", "created_at < ?1", &[]),
    subject(
        "recommendations",
        Delete,
        "recommendations that were decided upon",
        "status <> 'open' AND decided_at < ?1",
        &[],
    ),
    subject("todos", Delete, "todos that ended", "status <> 'open' AND updated_at < ?1", &[]),
];

impl Subject {
    fn named(name: &str) -> impl Iterator<Item = &'static Self> {
        SUBJECTS.iter().filter(move |subject| subject.name == name)
    }

    fn find(name: &str, action: RetentionAction) -> Option<&'static Self> {
        Self::named(name).find(|subject| subject.action == action)
    }

    /// Works on the next rows; returns how many.
    fn batch(&self, change: &Change<'_>, cutoff: i64) -> Result<u64, Failure> {
        if self.name == "audit_log" {
            return audit::let_go(change, cutoff, self.batch as u64);
        }
        let Self { table, due, batch, .. } = self;
        let rows = change
            .prepare_cached(&format!("SELECT rowid FROM {table} WHERE {due} LIMIT {batch}"))?
            .query_map([cutoff], |row| row.get(0))?
            .collect::<rusqlite::Result<Vec<i64>>>()?;
        let own = match self.action {
            Archive => format!("UPDATE {table} SET status = 'archived' WHERE rowid = ?1"),
            Delete | Thin => format!("DELETE FROM {table} WHERE rowid = ?1"),
        };
        for row in &rows {
            for with in self.with.iter().copied().chain([own.as_str()]) {
                change.prepare_cached(with)?.execute([row])?;
            }
        }
        Ok(rows.len() as u64)
    }

    fn due(&self, connection: &Connection, cutoff: i64) -> Result<u64, Failure> {
        if self.name == "audit_log" {
            return audit::due(connection, cutoff);
        }
        let sql = format!("SELECT count(*) FROM {} WHERE {}", self.table, self.due);
        Ok(connection.query_row(&sql, [cutoff], |row| row.get::<_, i64>(0))?.unsigned_abs())
    }
}

/// A subject with the policy that holds for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RetentionLine {
    pub subject: &'static str,
    /// None where it is kept for ever.
    pub max_age_ms: Option<u64>,
    pub action: Option<RetentionAction>,
    /// What may be done with it, and what that means.
    pub choices: Vec<(RetentionAction, &'static str)>,
}

/// What a policy did, or would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Retained {
    pub subject: &'static str,
    pub action: RetentionAction,
    /// Rows from before this went; milliseconds since 1970, UTC.
    pub cutoff: i64,
    pub rows: u64,
    /// The longest that the writer was held.
    pub longest_ms: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RetentionReport {
    pub dry_run: bool,
    pub policies: Vec<Retained>,
    /// Content by digest that nothing pointed at any more.
    pub artifacts: u64,
    pub artifact_bytes: u64,
}

impl Store {
    /// Every subject with its policy.
    pub fn retention(&self) -> Result<Vec<RetentionLine>, StoreError> {
        self.read(|connection| {
            let mut lines: Vec<RetentionLine> = Vec::new();
            for subject in &SUBJECTS {
                let choice = (subject.action, subject.about);
                if let Some(line) = lines.iter_mut().find(|line| line.subject == subject.name) {
                    line.choices.push(choice);
                    continue;
                }
                let (max_age_ms, action) = policy(connection, subject.name)?.unzip();
                lines.push(RetentionLine {
                    subject: subject.name,
                    max_age_ms,
                    action,
                    choices: vec![choice],
                });
            }
            Ok(lines)
        })
    }

    /// Keeps a subject for so long; without an action, the first of its choices. Needs an admin.
    pub fn set_retention(
        &self,
        name: &str,
        max_age_ms: u64,
        action: Option<RetentionAction>,
    ) -> Result<(), StoreError> {
        let Some(first) = Subject::named(name).next() else { return Err(unknown_subject(name)) };
        let action = action.unwrap_or(first.action);
        if Subject::find(name, action).is_none() {
            let choices: Vec<_> = Subject::named(name).map(|subject| subject.action.as_str()).collect();
            let what = format!("{name} cannot be kept by `{}`", action.as_str());
            return Err(StoreError::Invalid { what, hint: Some(format!("choose {}", choices.join(" or "))) });
        }
        let Some(age) = i64::try_from(max_age_ms).ok().filter(|_| max_age_ms >= LEAST_AGE_MS) else {
            let what = format!("age of {max_age_ms} ms: at least {LEAST_AGE_MS}, an hour");
            return Err(StoreError::Invalid { what, hint: Some("such as 90d".to_owned()) });
        };
        let name = first.name;
        self.administer("setting how long things are kept", move |change| {
            let before = policy(change, name)?;
            change.execute(
                "INSERT INTO retention_policies (subject, max_age_ms, action, updated_at) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (subject) DO UPDATE SET max_age_ms = excluded.max_age_ms, action = excluded.action,
                     enabled = 1, updated_at = excluded.updated_at",
                params![name, age, action.as_str(), now()],
            )?;
            change.note(Entry {
                action: "retention.set",
                subject_kind: "retention_policies",
                subject_id: name.to_owned(),
                before: before.map(|(age, action)| json!({ "max_age_ms": age, "action": action })),
                after: Some(json!({ "max_age_ms": age, "action": action })),
            });
            Ok(())
        })
    }

    /// Keeps a subject for ever. Needs an admin.
    pub fn remove_retention(&self, name: &str) -> Result<(), StoreError> {
        let Some(first) = Subject::named(name).next() else { return Err(unknown_subject(name)) };
        let name = first.name;
        self.administer("setting how long things are kept", move |change| {
            let Some((age, action)) = policy(change, name)? else {
                return invalid(
                    &format!("{name} has no policy: it is kept for ever"),
                    "nothing is left to do",
                );
            };
            change.execute("DELETE FROM retention_policies WHERE subject = ?1", [name])?;
            change.note(Entry {
                action: "retention.remove",
                subject_kind: "retention_policies",
                subject_id: name.to_owned(),
                before: Some(json!({ "max_age_ms": age, "action": action })),
                after: None,
            });
            Ok(())
        })
    }

    /// Holds the database to its policies; with `dry_run` only counts what would go. `at` is the time to reckon from.
    /// Needs an admin, but for a dry run.
    pub fn retain(&self, at: u64, dry_run: bool) -> Result<RetentionReport, StoreError> {
        self.retain_telling(at, dry_run, &mut |_, _| {})
    }

    /// As [`Self::retain`]; `told` hears of every batch.
    pub fn retain_telling(
        &self,
        at: u64,
        dry_run: bool,
        told: &mut dyn FnMut(&str, u64),
    ) -> Result<RetentionReport, StoreError> {
        if !dry_run {
            self.permit(Role::Admin, "letting old things go")?;
        }
        let mut policies = Vec::new();
        for line in self.retention()? {
            let (Some(age), Some(action)) = (line.max_age_ms, line.action) else { continue };
            let Some(subject) = Subject::find(line.subject, action) else { continue };
            let cutoff = i64::try_from(at.saturating_sub(age)).unwrap_or(i64::MAX);
            policies.push(self.retain_subject(subject, cutoff, dry_run, told)?);
        }
        let mut swept = if dry_run { self.read(artifacts::orphans)? } else { artifacts::Swept::default() };
        while !dry_run && self.read(|connection| Ok(artifacts::orphans(connection)?.rows > 0))? {
            let part = self.administer("letting old things go", |change| {
                let part = artifacts::sweep(change, ARTIFACTS)?;
                let before = json!({ "rows": part.rows, "bytes": part.bytes });
                note(change, "retention.sweep", "artifacts", "artifacts", before);
                Ok(part)
            })?;
            told("artifacts", part.rows);
            swept.rows += part.rows;
            swept.bytes += part.bytes;
        }
        Ok(RetentionReport { dry_run, policies, artifacts: swept.rows, artifact_bytes: swept.bytes })
    }

    /// The queue's job of this name: its payload may say `{"dry_run": true}`; its result is the report.
    pub fn retention_job(&self, payload: &Value) -> Result<Value, StoreError> {
        let dry_run = payload.get("dry_run").and_then(Value::as_bool).unwrap_or(false);
        Ok(json!(self.retain(now().unsigned_abs(), dry_run)?))
    }

    fn retain_subject(
        &self,
        subject: &'static Subject,
        cutoff: i64,
        dry_run: bool,
        told: &mut dyn FnMut(&str, u64),
    ) -> Result<Retained, StoreError> {
        let Subject { name, action, .. } = *subject;
        let mut done = Retained { subject: name, action, cutoff, rows: 0, longest_ms: 0 };
        let due = self.read(|connection| subject.due(connection, cutoff))?;
        if dry_run {
            done.rows = due;
        }
        while !dry_run && done.rows < due {
            let (rows, held_ms) = self.administer("letting old things go", move |change| {
                let started = Instant::now();
                let rows = subject.batch(change, cutoff)?;
                note(
                    change,
                    "retention.apply",
                    subject.table,
                    name,
                    json!({ "rows": rows, "cutoff": cutoff }),
                );
                Ok((rows, started.elapsed().as_millis() as u64))
            })?;
            if rows == 0 {
                break;
            }
            done.rows += rows;
            done.longest_ms = done.longest_ms.max(held_ms);
            told(name, rows);
        }
        Ok(done)
    }
}

/// An age as an operator writes it: a number and `h`, `d`, `w` or `y` (365 days).
pub fn parse_age(text: &str) -> Option<u64> {
    let number = text.get(..text.len().checked_sub(1)?)?;
    let unit = match text.as_bytes().last()? {
        b'h' => DAY_MS / 24,
        b'd' => DAY_MS,
        b'w' => DAY_MS * 7,
        b'y' => DAY_MS * 365,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

fn note(change: &Change<'_>, action: &'static str, table: &'static str, id: &str, before: Value) {
    let subject_id = id.to_owned();
    change.note(Entry { action, subject_kind: table, subject_id, before: Some(before), after: None });
}

/// Age and action, where there is a policy and it is on.
fn policy(connection: &Connection, name: &str) -> Result<Option<(u64, RetentionAction)>, Failure> {
    let row: Option<(i64, String)> = connection
        .query_row(
            "SELECT max_age_ms, action FROM retention_policies WHERE subject = ?1 AND enabled",
            [name],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    let Some((age, action)) = row else { return Ok(None) };
    let action = RetentionAction::parse(&action).ok_or_else(|| Failure::Row(format!("action {action:?}")))?;
    Ok(Some((age.unsigned_abs(), action)))
}

fn unknown_subject(name: &str) -> StoreError {
    let mut names: Vec<_> = SUBJECTS.iter().map(|subject| subject.name).collect();
    names.dedup();
    let hint = Some(format!("there are: {}", names.join(", ")));
    StoreError::Invalid { what: format!("no subject {} to keep", quote(name, 80)), hint }
}
