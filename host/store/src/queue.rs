//! The queue: work for later, or for another process, in the database itself.
//!
//! A job waits (`pending`), is claimed under a lease with a random token (`in_progress`), and ends `completed`,
//! `failed` (trying again would not help), `dead` (its tries are used up) or `cancelled`. Whoever holds the token may
//! say what became of the job; with any other token nothing changes. A claim counts as a try, so that a job that kills
//! its worker ends as `dead` and does not kill workers for ever.
//!
//! A lease is a time by which its worker must have shown that it lives; who works longer extends it. A clock that is
//! set back would make leases longer than they were granted: those are cut to their time-out from now, by every claim
//! that finds nothing due and by every worker's sign of life.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::audit::Entry;
use crate::error::Failure;
use crate::open::{new_id, now};
use crate::rows::{counter, parse_json};
use crate::writer::Change;
use crate::{Store, StoreError};

/// Bytes of a payload or of a result.
pub const JOB_BYTES: usize = 1_048_576;
/// Characters of an error that are kept.
const ERROR_CHARS: usize = 4_000;
/// The first wait before another try; each one after is twice as long.
const BACK_OFF_MS: u64 = 1_000;
/// The longest wait before another try.
const BACK_OFF_MOST_MS: u64 = 3_600_000;

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    Pending,
    InProgress,
    Completed,
    /// Ended without another try: it would not have helped.
    Failed,
    Cancelled,
    /// Its tries are used up.
    Dead,
}

impl JobStatus {
    pub const ALL: [Self; 6] =
        [Self::Pending, Self::InProgress, Self::Completed, Self::Failed, Self::Cancelled, Self::Dead];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Dead => "dead",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// A job to be.
#[derive(Clone, Debug, PartialEq)]
pub struct NewJob {
    pub kind: String,
    pub payload: Value,
    /// 1 to 10; 10 first.
    pub priority: u8,
    /// Not before this time, in milliseconds since 1970; at once where there is none.
    pub run_at: Option<u64>,
    /// While a job of this key waits or runs, another is not made.
    pub dedupe_key: Option<String>,
    /// How often it is tried before it is dead.
    pub max_tries: u32,
    /// How long a worker may be silent before the job is another's.
    pub timeout_ms: u64,
}

impl NewJob {
    /// A job of priority 5 that is tried three times, with leases of five minutes.
    pub fn new(kind: impl Into<String>, payload: Value) -> Self {
        let kind = kind.into();
        let (run_at, dedupe_key) = (None, None);
        Self { kind, payload, priority: 5, run_at, dedupe_key, max_tries: 3, timeout_ms: 300_000 }
    }

    fn check(&self) -> Result<String, StoreError> {
        let refuse =
            |what: String, hint: &str| Err(StoreError::Invalid { what, hint: Some(hint.to_owned()) });
        if !(1..=100).contains(&self.kind.chars().count()) || self.kind.contains('\0') {
            return refuse("the kind of a job must have 1 to 100 characters".to_owned(), "shorten it");
        }
        if !(1..=10).contains(&self.priority) {
            return refuse(format!("priority {}: 1 to 10", self.priority), "10 is worked on first");
        }
        if self.max_tries == 0 || self.timeout_ms == 0 {
            return refuse("a job needs at least one try and a time-out".to_owned(), "give more than 0");
        }
        if self.dedupe_key.as_ref().is_some_and(|key| key.len() > 1_000) {
            return refuse("a dedupe key is longer than 1,000 bytes".to_owned(), "hand in a digest of it");
        }
        text_of(&self.payload, "payload")
    }
}

/// Payload or result as text, within its bound.
fn text_of(value: &Value, what: &str) -> Result<String, StoreError> {
    let text = value.to_string();
    if text.len() <= JOB_BYTES {
        return Ok(text);
    }
    let what = format!("the {what} of a job is {} bytes: limit {JOB_BYTES}", text.len());
    let hint = Some("keep the data elsewhere and hand in where it lies".to_owned());
    Err(StoreError::Invalid { what, hint })
}

/// What came of [`Store::enqueue`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Enqueued {
    pub id: String,
    /// False where a job of that dedupe key waited or ran already: it is that one.
    pub is_new: bool,
}

/// A job as it is stored. Times are milliseconds since 1970, UTC.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Job {
    pub id: String,
    pub kind: String,
    pub status: JobStatus,
    pub priority: u8,
    pub payload: Value,
    pub dedupe_key: Option<String>,
    pub tries: u32,
    pub max_tries: u32,
    pub timeout_ms: u64,
    pub run_at: u64,
    pub lease_until: Option<u64>,
    /// Of `workers`: who has it, or had it last.
    pub worker: Option<String>,
    pub error: Option<String>,
    pub result: Option<Value>,
    pub created_at: u64,
    pub started_at: Option<u64>,
    pub finished_at: Option<u64>,
    pub updated_at: u64,
}

const COLUMNS: &str = "id, kind, status, priority, payload, dedupe_key, tries, max_tries, timeout_ms, run_at,
    lease_until, worker, error, result, created_at, started_at, finished_at, updated_at";

impl Job {
    fn of(row: &Row<'_>) -> Result<Self, Failure> {
        let time = |column: usize| row.get::<_, Option<i64>>(column).map(|time| time.map(|time| time as u64));
        let status: String = row.get(2)?;
        let result: Option<String> = row.get(13)?;
        Ok(Self {
            id: row.get(0)?,
            kind: row.get(1)?,
            status: JobStatus::parse(&status).ok_or_else(|| Failure::Row(format!("status {status:?}")))?,
            priority: row.get(3)?,
            payload: parse_json(&row.get::<_, String>(4)?, "the payload of a job")?,
            dedupe_key: row.get(5)?,
            tries: row.get(6)?,
            max_tries: row.get(7)?,
            timeout_ms: row.get::<_, i64>(8)? as u64,
            run_at: row.get::<_, i64>(9)? as u64,
            lease_until: time(10)?,
            worker: row.get(11)?,
            error: row.get(12)?,
            result: result.map(|text| parse_json(&text, "the result of a job")).transpose()?,
            created_at: row.get::<_, i64>(14)? as u64,
            started_at: time(15)?,
            finished_at: time(16)?,
            updated_at: row.get::<_, i64>(17)? as u64,
        })
    }
}

/// A job that is ours for a while.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    pub job: Job,
    token: String,
}

/// Which jobs to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobFilter {
    pub kind: Option<String>,
    pub status: Option<JobStatus>,
    /// The most jobs; 50 by default.
    pub limit: usize,
}

impl Default for JobFilter {
    fn default() -> Self {
        Self { kind: None, status: None, limit: 50 }
    }
}

/// The queue at a glance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct QueueDepth {
    /// Jobs by status; a status without jobs is not there.
    pub by_status: BTreeMap<JobStatus, u64>,
    /// Jobs that wait and whose time has come.
    pub due: u64,
    /// How long the longest of them has been due, in milliseconds.
    pub oldest_due_ms: Option<u64>,
    /// Leases whose time is over and whose job nobody took.
    pub lapsed: u64,
}

/// What came of a try that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AfterFailure {
    /// It waits for another try until then, in milliseconds since 1970.
    Again {
        run_at: u64,
    },
    Failed,
    Dead,
}

impl Store {
    /// Adds a job, unless one of its dedupe key waits or runs already.
    pub fn enqueue(&self, job: &NewJob) -> Result<Enqueued, StoreError> {
        let payload = job.check()?;
        let job = job.clone();
        self.write("adding a job", move |change| {
            if let Some(key) = &job.dedupe_key {
                let held: Option<String> = change
                    .prepare_cached(
                        "SELECT id FROM queue WHERE dedupe_key = ?1 AND status IN ('pending', 'in_progress')",
                    )?
                    .query_row([key], |row| row.get(0))
                    .optional()?;
                if let Some(id) = held {
                    return Ok(Enqueued { id, is_new: false });
                }
            }
            let (id, at) = (new_id(), now());
            change.made("queue.add", "queue", &id);
            change
                .prepare_cached(
                    "INSERT INTO queue (id, kind, dedupe_key, payload, priority, max_tries, run_at, timeout_ms, created_by,
                         created_at, updated_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10)",
                )?
                .execute(params![
                    id,
                    job.kind,
                    job.dedupe_key,
                    payload,
                    job.priority,
                    job.max_tries,
                    job.run_at.map_or(at, counter),
                    counter(job.timeout_ms),
                    change.actor.id,
                    at
                ])?;
            Ok(Enqueued { id, is_new: true })
        })
    }

    /// Takes the job that comes first of the kinds that `worker` knows, and whose time has come; jobs whose worker
    /// fell silent wait again.
    pub fn claim(&self, worker: &str, kinds: &[&str]) -> Result<Option<Claim>, StoreError> {
        Ok(self.claim_many(worker, kinds, 1)?.pop())
    }

    /// As [`Self::claim`], for up to `most` jobs in one commit, which is what a claim mostly costs. The leases of all
    /// begin now: take no more than are worked on at once.
    pub fn claim_many(&self, worker: &str, kinds: &[&str], most: usize) -> Result<Vec<Claim>, StoreError> {
        let (worker, kinds) =
            (worker.to_owned(), kinds.iter().map(|&kind| kind.to_owned()).collect::<Vec<_>>());
        self.write("claiming a job", move |change| {
            // Not a line of the audit log: the row names the worker and counts the try, and how it ends is noted.
            change.is_bookkeeping();
            let at = now();
            end_lapsed(change, at)?;
            let mut claims = Vec::new();
            while claims.len() < most
                && let Some(id) = first_due(change, &kinds, at)?
            {
                claims.push(take(change, &id, &worker, at)?);
            }
            if claims.is_empty() {
                // There is time to look at every lease.
                cut_leases(change, at)?;
            }
            Ok(claims)
        })
    }

    /// Shows that the worker lives: the lease counts anew from now.
    ///
    /// *Errors*: [`StoreError::StaleLease`] where the job was cancelled or is another's.
    pub fn extend(&self, claim: &Claim) -> Result<(), StoreError> {
        let (id, token) = (claim.job.id.clone(), claim.token.clone());
        self.write("extending a lease", move |change| {
            change.is_bookkeeping();
            let at = now();
            let mut update = change.prepare_cached(
                "UPDATE queue SET lease_until = ?1 + timeout_ms, updated_at = ?1 WHERE id = ?2 AND lease_token = ?3",
            )?;
            held(update.execute(params![at, id, token])?, &id)
        })
    }

    /// Ends a job well.
    ///
    /// *Errors*: [`StoreError::StaleLease`] where the job was cancelled or is another's: nothing changed.
    pub fn complete(&self, claim: &Claim, result: &Value) -> Result<(), StoreError> {
        let result = text_of(result, "result")?;
        let (id, token) = (claim.job.id.clone(), claim.token.clone());
        self.write("completing a job", move |change| {
            let at = now();
            let mut update = change.prepare_cached(
                "UPDATE queue SET status = 'completed', lease_until = NULL, lease_token = NULL, result = ?1, error = NULL,
                     finished_at = ?2, updated_at = ?2
                 WHERE id = ?3 AND lease_token = ?4",
            )?;
            held(update.execute(params![result, at, id, token])?, &id)?;
            moved(change, "queue.complete", &id, JobStatus::InProgress, JobStatus::Completed);
            Ok(())
        })
    }

    /// Says that a try failed. It waits for the next one, longer each time; where trying again would not help it has
    /// failed, and where its tries are used up it is dead.
    ///
    /// *Errors*: [`StoreError::StaleLease`] where the job was cancelled or is another's: nothing changed.
    pub fn fail(&self, claim: &Claim, error: &str, is_retryable: bool) -> Result<AfterFailure, StoreError> {
        let error: String = error.chars().take(ERROR_CHARS).collect();
        let (job, token) = (claim.job.clone(), claim.token.clone());
        self.write("failing a job", move |change| {
            let at = now();
            let after = match (is_retryable, job.tries < job.max_tries) {
                (false, _) => AfterFailure::Failed,
                (true, true) => AfterFailure::Again { run_at: at as u64 + back_off(job.tries) },
                (true, false) => AfterFailure::Dead,
            };
            let (status, run_at, finished) = match after {
                AfterFailure::Again { run_at } => (JobStatus::Pending, run_at, None),
                AfterFailure::Failed => (JobStatus::Failed, job.run_at, Some(at)),
                AfterFailure::Dead => (JobStatus::Dead, job.run_at, Some(at)),
            };
            let mut update = change.prepare_cached(
                "UPDATE queue SET status = ?1, run_at = ?2, finished_at = ?3, error = ?4, lease_until = NULL,
                     lease_token = NULL, updated_at = ?5
                 WHERE id = ?6 AND lease_token = ?7",
            )?;
            let values = params![status.as_str(), counter(run_at), finished, error, at, job.id, token];
            held(update.execute(values)?, &job.id)?;
            moved(change, "queue.fail", &job.id, JobStatus::InProgress, status);
            Ok(after)
        })
    }

    /// Cancels a job: one that waits at once; of one that runs the token stops being good, and its worker hears of it
    /// at its next sign of life.
    pub fn cancel_job(&self, id: &str) -> Result<Job, StoreError> {
        let (id, path) = (id.to_owned(), self.path().to_owned());
        self.write("cancelling a job", move |change| {
            let job = find(change, &id)?.ok_or(StoreError::UnknownJob { path, id })?;
            if !matches!(job.status, JobStatus::Pending | JobStatus::InProgress) {
                let what = format!("job {} is {} already", job.id, job.status.as_str());
                let hint = Some("only a job that waits or runs can be cancelled".to_owned());
                return Err(StoreError::Invalid { what, hint }.into());
            }
            moved(change, "queue.cancel", &job.id, job.status, JobStatus::Cancelled);
            change.execute(
                "UPDATE queue SET status = 'cancelled', lease_until = NULL, lease_token = NULL, finished_at = ?1,
                     updated_at = ?1
                 WHERE id = ?2",
                params![now(), job.id],
            )?;
            reread(change, &job.id)
        })
    }

    /// Lets a job that failed, is dead or was cancelled wait again, with all its tries.
    pub fn retry_job(&self, id: &str) -> Result<Job, StoreError> {
        let (id, path) = (id.to_owned(), self.path().to_owned());
        self.write("retrying a job", move |change| {
            let job = find(change, &id)?.ok_or(StoreError::UnknownJob { path, id })?;
            if !matches!(job.status, JobStatus::Failed | JobStatus::Dead | JobStatus::Cancelled) {
                let what = format!("job {} is {}: only one that ended badly is retried", job.id, job.status.as_str());
                let hint = Some("list those with `stratagem queue list --status dead`".to_owned());
                return Err(StoreError::Invalid { what, hint }.into());
            }
            if let Some(other) = same_key(change, &job)? {
                let what = format!("job {} of the same dedupe key waits or runs: {other}", job.id);
                return Err(StoreError::Invalid { what, hint: Some("cancel that one first".to_owned()) }.into());
            }
            moved(change, "queue.retry", &job.id, job.status, JobStatus::Pending);
            change.execute(
                "UPDATE queue SET status = 'pending', tries = 0, run_at = ?1, finished_at = NULL, updated_at = ?1
                 WHERE id = ?2",
                params![now(), job.id],
            )?;
            reread(change, &job.id)
        })
    }

    /// A job by its id or by the start of it, where one alone fits.
    pub fn job(&self, id: &str) -> Result<Job, StoreError> {
        let (path, id) = (self.path().to_owned(), id.to_owned());
        self.read(|connection| Ok(find(connection, &id)?.ok_or(StoreError::UnknownJob { path, id })?))
    }

    /// The jobs that a filter lets through: those that wait and run first, then the newest to end.
    pub fn jobs(&self, filter: &JobFilter) -> Result<Vec<Job>, StoreError> {
        let status = filter.status.map(JobStatus::as_str);
        let limit = i64::try_from(filter.limit).unwrap_or(i64::MAX);
        let mut conditions = String::new();
        let mut values: Vec<(&str, &dyn ToSql)> = vec![(":limit", &limit)];
        if let Some(kind) = &filter.kind {
            conditions.push_str(" AND kind = :kind");
            values.push((":kind", kind));
        }
        if let Some(status) = &status {
            conditions.push_str(" AND status = :status");
            values.push((":status", status));
        }
        let sql = format!(
            "SELECT {COLUMNS} FROM queue WHERE true {conditions}
             ORDER BY finished_at IS NOT NULL, finished_at DESC, priority DESC, run_at, id LIMIT :limit"
        );
        self.read(|connection| {
            let mut select = connection.prepare_cached(&sql)?;
            let mut rows = select.query(values.as_slice())?;
            let mut jobs = Vec::new();
            while let Some(row) = rows.next()? {
                jobs.push(Job::of(row)?);
            }
            Ok(jobs)
        })
    }

    /// How much waits, runs and ended, and whether somebody should look at it.
    pub fn queue_depth(&self) -> Result<QueueDepth, StoreError> {
        self.read(|connection| {
            let mut depth = QueueDepth::default();
            let mut select =
                connection.prepare_cached("SELECT status, count(*) FROM queue GROUP BY status")?;
            let mut rows = select.query([])?;
            while let Some(row) = rows.next()? {
                let status: String = row.get(0)?;
                let status =
                    JobStatus::parse(&status).ok_or_else(|| Failure::Row(format!("status {status:?}")))?;
                depth.by_status.insert(status, row.get::<_, i64>(1)? as u64);
            }
            let at = now();
            let (due, first): (i64, Option<i64>) = connection
                .prepare_cached(
                    "SELECT count(*), min(run_at) FROM queue WHERE status = 'pending' AND run_at <= ?1",
                )?
                .query_row([at], |row| Ok((row.get(0)?, row.get(1)?)))?;
            depth.due = due as u64;
            depth.oldest_due_ms = first.map(|first| (at - first) as u64);
            depth.lapsed = connection
                .prepare_cached(
                    "SELECT count(*) FROM queue INDEXED BY ix_queue_lease
         WHERE status = 'in_progress' AND lease_until <= ?1",
                )?
                .query_row([at], |row| row.get::<_, i64>(0))? as u64;
            Ok(depth)
        })
    }

    /// Mends what a clock that was set back did: leases too long, and jobs whose time moved out of reach.
    pub(crate) fn settle_times(&self) -> Result<(), StoreError> {
        self.write("settling the queue", |change| {
            let at = now();
            cut_leases(change, at)?;
            let mut update = change.prepare_cached(
                "UPDATE queue SET run_at = ?1 + max(run_at - created_at, 0), created_at = ?1, updated_at = ?1
                 WHERE status = 'pending' AND run_at > ?1 AND created_at > ?1",
            )?;
            let jobs = update.execute([at])?;
            if jobs > 0 {
                let after = Some(json!({ "jobs": jobs }));
                change.note(entry("queue.settle", "*", None, after));
            }
            Ok(())
        })
    }
}

/// Gives a job that waits to a worker, under a token of its own.
fn take(change: &Change<'_>, id: &str, worker: &str, at: i64) -> Result<Claim, Failure> {
    let token = format!("{:032x}", fastrand::u128(..));
    let sql = format!(
        "UPDATE queue SET status = 'in_progress', tries = tries + 1, lease_until = ?1 + timeout_ms, lease_token = ?2,
             worker = ?3, started_at = ?1, updated_at = ?1
         WHERE id = ?4 RETURNING {COLUMNS}"
    );
    let mut update = change.prepare_cached(&sql)?;
    let mut rows = update.query(params![at, token, worker, id])?;
    let job = rows.next()?.map(Job::of).transpose()?;
    let job = job.ok_or_else(|| Failure::Row(format!("job {id} is gone")))?;
    Ok(Claim { job, token })
}

/// Lets jobs of silent workers wait again, or end where their tries are used up.
fn end_lapsed(change: &Change<'_>, at: i64) -> Result<(), Failure> {
    let mut select = change.prepare_cached(
        "SELECT id, tries < max_tries FROM queue INDEXED BY ix_queue_lease
         WHERE status = 'in_progress' AND lease_until <= ?1",
    )?;
    let lapsed = select
        .query_map([at], |row| Ok((row.get::<_, String>(0)?, row.get::<_, bool>(1)?)))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    for (id, is_tried_again) in lapsed {
        let status = if is_tried_again { JobStatus::Pending } else { JobStatus::Dead };
        change.execute(
            "UPDATE queue SET status = ?1, lease_until = NULL, lease_token = NULL, error = 'the worker fell silent',
                 finished_at = CASE ?1 WHEN 'dead' THEN ?2 END, updated_at = ?2
             WHERE id = ?3",
            params![status.as_str(), at, id],
        )?;
        moved(change, "queue.lapse", &id, JobStatus::InProgress, status);
    }
    Ok(())
}

/// Cuts leases that a clock that was set back made longer than they were granted.
fn cut_leases(change: &Change<'_>, at: i64) -> Result<(), Failure> {
    change
        .prepare_cached(
            "UPDATE queue INDEXED BY ix_queue_lease SET lease_until = ?1 + timeout_ms
             WHERE status = 'in_progress' AND lease_until > ?1 + timeout_ms",
        )?
        .execute([at])?;
    Ok(())
}

/// The job that comes first: of each kind the highest priority that has one whose time has come.
fn first_due(connection: &Connection, kinds: &[String], at: i64) -> Result<Option<String>, Failure> {
    let mut next = connection.prepare_cached(
        "SELECT priority FROM queue INDEXED BY ix_queue_kind
         WHERE status = 'pending' AND kind = ?1 AND priority < ?2 ORDER BY priority DESC LIMIT 1",
    )?;
    let mut due = connection.prepare_cached(
        "SELECT run_at, id FROM queue INDEXED BY ix_queue_kind
         WHERE status = 'pending' AND kind = ?1 AND priority = ?2 AND run_at <= ?3 ORDER BY run_at, id LIMIT 1",
    )?;
    let mut best: Option<(i64, i64, String)> = None;
    for kind in kinds {
        let mut below = i64::MAX;
        let least = best.as_ref().map_or(i64::MIN, |(priority, ..)| -priority);
        while let Some(priority) =
            next.query_row(params![kind, below], |row| row.get::<_, i64>(0)).optional()?
            && priority >= least
        {
            let found = due.query_row(params![kind, priority, at], |row| Ok((row.get(0)?, row.get(1)?)));
            if let Some((run_at, id)) = found.optional()? {
                let found = (-priority, run_at, id);
                if best.as_ref().is_none_or(|best| found < *best) {
                    best = Some(found);
                }
                break;
            }
            below = priority;
        }
    }
    Ok(best.map(|(.., id)| id))
}

fn find(connection: &Connection, given: &str) -> Result<Option<Job>, Failure> {
    let sql = format!(
        "SELECT {COLUMNS} FROM queue WHERE id BETWEEN ?1 AND ?1 || '~' AND length(?1) >= 4 ORDER BY id LIMIT 2"
    );
    let mut select = connection.prepare_cached(&sql)?;
    let mut rows = select.query([given.to_ascii_lowercase()])?;
    let job = rows.next()?.map(Job::of).transpose()?;
    match (job, rows.next()?.is_some()) {
        (Some(job), true) if job.id != given => Ok(None),
        (job, _) => Ok(job),
    }
}

fn reread(connection: &Connection, id: &str) -> Result<Job, Failure> {
    find(connection, id)?.ok_or_else(|| Failure::Row(format!("job {id} is gone")))
}

fn same_key(connection: &Connection, job: &Job) -> Result<Option<String>, Failure> {
    Ok(connection
        .query_row(
            "SELECT id FROM queue WHERE dedupe_key = ?1 AND status IN ('pending', 'in_progress') AND id <> ?2",
            params![job.dedupe_key, job.id],
            |row| row.get(0),
        )
        .optional()?)
}

fn held(rows: usize, id: &str) -> Result<(), Failure> {
    if rows == 1 { Ok(()) } else { Err(StoreError::StaleLease { id: id.to_owned() }.into()) }
}

fn moved(change: &Change<'_>, action: &'static str, id: &str, from: JobStatus, to: JobStatus) {
    let status = |status: JobStatus| Some(json!({ "status": status }));
    change.note(entry(action, id, status(from), status(to)));
}

fn entry(action: &'static str, id: &str, before: Option<Value>, after: Option<Value>) -> Entry {
    Entry { action, subject_kind: "queue", subject_id: id.to_owned(), before, after }
}

/// Milliseconds until the try after try number `tries`: twice as long each time, the half of it by chance, so that
/// jobs that failed together do not come back together.
fn back_off(tries: u32) -> u64 {
    let whole = BACK_OFF_MS.saturating_mul(1 << (tries.max(1) - 1).min(20)).min(BACK_OFF_MOST_MS);
    whole / 2 + fastrand::u64(..=whole / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_an_hour() {
        for (tries, whole) in
            [(1, 1_000), (2, 2_000), (5, 16_000), (12, 2_048_000), (13, 3_600_000), (99, 3_600_000)]
        {
            let waits: Vec<u64> = (0..200).map(|_| back_off(tries)).collect();
            assert!(waits.iter().all(|wait| (whole / 2..=whole).contains(wait)), "{tries}: {waits:?}");
            assert!(waits.iter().any(|wait| *wait != waits[0]), "{tries}: no chance in it");
        }
    }
}
