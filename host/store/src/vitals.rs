//! How a database is: sizes, latencies, ages, and what of it is not as it should be.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::Instant;

use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;

use crate::actor::Role;
use crate::draft::beside;
use crate::error::Failure;
use crate::open::{new_id, now};
use crate::writer::QUEUED;
use crate::{Store, StoreError};

/// Writes that are made and taken back to see how long one takes.
const PROBES: usize = 7;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Healthy,
    /// Works, and somebody should look at it.
    Degraded,
    /// Does not work, or will not for long.
    Failing,
}

/// From when on a figure is not as it should be. A figure at a mark has reached it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Threshold {
    pub name: &'static str,
    pub unit: &'static str,
    pub degraded: f64,
    pub failing: f64,
    /// What to do about it.
    pub remedy: &'static str,
}

/// Never reached.
const NEVER: f64 = f64::INFINITY;
const HOUR_MS: f64 = 3_600_000.0;

/// Every mark, in one place. Of what there should be much of, the missing part is measured.
pub const THRESHOLDS: [Threshold; 13] = [
    mark("write_failed", "failures", 1.0, 1.0, "see what the error says: disk, permissions, a lock"),
    mark("write_ms", "ms", 50.0, 2_000.0, "look for a slow disk or a long transaction of another program"),
    mark("disk_used", "share of the disk", 0.95, 0.99, "free space on the disk"),
    mark("wal_bytes", "bytes", 268_435_456.0, 4_294_967_296.0, "end readers that have been open for long"),
    mark(
        "free_pages",
        "share of the file",
        0.5,
        NEVER,
        "a backup with `--method vacuum-into`, put back, is smaller",
    ),
    mark(
        "waiting_writes",
        "closures",
        QUEUED as f64 / 2.0,
        QUEUED as f64,
        "write less at once, or on a faster disk",
    ),
    mark("oldest_job_ms", "ms", HOUR_MS, 24.0 * HOUR_MS, "start `stratagem queue work`"),
    mark("lapsed_leases", "jobs", 1.0, 100.0, "start `stratagem queue work`: it takes over what others left"),
    mark("dead_jobs", "jobs", 1.0, NEVER, "see why with `stratagem queue list`, then retry or cancel them"),
    mark("backup_age_ms", "ms", 7.0 * 24.0 * HOUR_MS, NEVER, "make one: `stratagem db backup FILE`"),
    mark("critical_alerts", "alerts", 1.0, NEVER, "look at what they say and acknowledge them"),
    mark("clock_behind_ms", "ms", 60_000.0, NEVER, "set the clock of this machine right"),
    mark("audit_gap", "rows", 1.0, NEVER, "`stratagem db check` walks the whole chain"),
];

const fn mark(
    name: &'static str,
    unit: &'static str,
    degraded: f64,
    failing: f64,
    remedy: &'static str,
) -> Threshold {
    Threshold { name, unit, degraded, failing, remedy }
}

/// A figure that reached a mark.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reason {
    pub name: &'static str,
    pub verdict: Verdict,
    pub measured: f64,
    /// The mark that it reached.
    pub mark: f64,
    pub unit: &'static str,
    pub remedy: &'static str,
}

/// A cache as whoever has it tells of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CacheVitals {
    pub name: String,
    pub entries: u64,
    pub bytes: u64,
    pub hits: u64,
    pub misses: u64,
    /// Why it is not in use; none where it is.
    pub off: Option<String>,
}

/// The writer of this process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WriterVitals {
    pub waiting: u64,
    pub capacity: u64,
    /// Commits, and the closures in them.
    pub groups: u64,
    pub jobs: u64,
    /// Milliseconds since 1970; none before the first commit of this process.
    pub last_commit_at: Option<u64>,
}

/// The queue of work.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Work {
    pub by_status: BTreeMap<String, u64>,
    /// How long the oldest job that could be worked on has waited.
    pub oldest_ms: Option<u64>,
    /// Jobs whose worker has not been heard of in time.
    pub lapsed_leases: u64,
}

/// How a database is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Vitals {
    pub verdict: Verdict,
    pub reasons: Vec<Reason>,
    pub path: PathBuf,
    pub schema: u32,
    pub encrypted: bool,
    pub file_bytes: u64,
    pub wal_bytes: u64,
    pub pages: u64,
    pub free_pages: u64,
    /// None where this machine does not say.
    pub disk_free_bytes: Option<u64>,
    pub disk_bytes: Option<u64>,
    pub writer: WriterVitals,
    /// Of the newest change by any process: milliseconds since 1970.
    pub last_change_at: Option<u64>,
    /// Median and highest of writes that were made and taken back; none where none could be made.
    pub write_us_median: Option<u64>,
    pub write_us_highest: Option<u64>,
    /// Why no write could be made.
    pub write_error: Option<String>,
    pub queue: Work,
    pub last_backup_at: Option<u64>,
    pub backup_age_ms: Option<u64>,
    /// Alerts that nobody acknowledged, by severity.
    pub alerts_open: BTreeMap<String, u64>,
    pub caches: Vec<CacheVitals>,
}

impl Store {
    /// Looks at how the database is. `caches` are those of the caller, as they tell of themselves.
    pub fn vitals(&self, caches: Vec<CacheVitals>) -> Result<Vitals, StoreError> {
        let probe = self.alone(Role::Reader, "a probe", |connection| Ok(probe(connection)));
        let (mut write_us, write_error) =
            match probe.and_then(|done| done.map_err(|e| e.in_file(self.path()))) {
                Ok(times) => (times, None),
                Err(error) => (Vec::new(), Some(error.to_string())),
            };
        write_us.sort_unstable();
        let at = now();
        let disk = disk(self.path());
        let counts = &self.writer().counts;
        let size = |path: &Path| fs::metadata(path).map_or(0, |found| found.len());
        let mut found = self.read(|connection| {
            let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
            let last_backup = number_or_none(connection, "SELECT max(verified_at) FROM backups")?;
            let gap = number(
                "SELECT max(coalesce((SELECT max(seq) FROM audit_log) - (SELECT seq FROM audit_anchor)
                     - (SELECT count(*) FROM audit_log), 0), 0)",
            )?;
            let has_runs = number("SELECT EXISTS (SELECT 1 FROM runs)")? == 1;
            let vitals = Vitals {
                verdict: Verdict::Healthy,
                reasons: Vec::new(),
                path: self.path().to_owned(),
                schema: self.version(),
                encrypted: self.is_encrypted(),
                file_bytes: size(self.path()),
                wal_bytes: size(&beside(self.path(), "-wal")),
                pages: number("PRAGMA page_count")?.unsigned_abs(),
                free_pages: number("PRAGMA freelist_count")?.unsigned_abs(),
                disk_free_bytes: disk.map(|(_, free)| free),
                disk_bytes: disk.map(|(all, _)| all),
                writer: WriterVitals {
                    waiting: counts.waiting.load(Ordering::Relaxed) as u64,
                    capacity: QUEUED as u64,
                    groups: counts.groups.load(Ordering::Relaxed),
                    jobs: counts.jobs.load(Ordering::Relaxed),
                    last_commit_at: Some(counts.last_commit_at.load(Ordering::Relaxed)).filter(|at| *at > 0),
                },
                last_change_at: number_or_none(
                    connection,
                    "SELECT at FROM audit_log ORDER BY seq DESC LIMIT 1",
                )?,
                write_us_median: write_us.get(write_us.len() / 2).copied(),
                write_us_highest: write_us.last().copied(),
                write_error,
                queue: work(connection, at)?,
                last_backup_at: last_backup,
                backup_age_ms: last_backup.map(|made| at.unsigned_abs().saturating_sub(made)),
                alerts_open: tally(
                    connection,
                    "SELECT severity, count(*) FROM alerts WHERE acknowledged_at IS NULL GROUP BY 1",
                )?,
                caches,
            };
            Ok((vitals, gap, has_runs))
        })?;
        let (vitals, gap, has_runs) = (&mut found.0, found.1, found.2);
        vitals.reasons = reasons(vitals, gap, has_runs, at);
        vitals.verdict = vitals.reasons.iter().map(|reason| reason.verdict).max().unwrap_or(Verdict::Healthy);
        Ok(found.0)
    }
}

/// Writes a row and takes it back, several times; microseconds each.
fn probe(connection: &mut Connection) -> Result<Vec<u64>, Failure> {
    let once = |_| {
        let started = Instant::now();
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        transaction.execute(
            "INSERT INTO system_events (id, at, level, source, kind, message)
             VALUES (?1, ?2, 'debug', 'health', 'probe', 'taken back')",
            params![new_id(), now()],
        )?;
        transaction.rollback()?;
        Ok(started.elapsed().as_micros() as u64)
    };
    (0..PROBES).map(once).collect()
}

fn number_or_none(connection: &Connection, sql: &str) -> rusqlite::Result<Option<u64>> {
    let number: Option<Option<i64>> = connection.query_row(sql, [], |row| row.get(0)).optional()?;
    Ok(number.flatten().map(i64::unsigned_abs))
}

fn tally(connection: &Connection, sql: &str) -> rusqlite::Result<BTreeMap<String, u64>> {
    let count = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()));
    connection.prepare(sql)?.query_map([], count)?.collect()
}

fn work(connection: &Connection, at: i64) -> rusqlite::Result<Work> {
    let oldest: Option<i64> = connection.query_row(
        "SELECT min(run_at) FROM queue WHERE status = 'pending' AND run_at <= ?1",
        [at],
        |row| row.get(0),
    )?;
    let lapsed: i64 = connection.query_row(
        "SELECT count(*) FROM queue WHERE status = 'in_progress' AND lease_until < ?1",
        [at],
        |row| row.get(0),
    )?;
    Ok(Work {
        by_status: tally(connection, "SELECT status, count(*) FROM queue GROUP BY 1")?,
        oldest_ms: oldest.map(|oldest| (at - oldest).unsigned_abs()),
        lapsed_leases: lapsed.unsigned_abs(),
    })
}

/// The figures that reached a mark, the worst first.
fn reasons(vitals: &Vitals, audit_gap: i64, has_runs: bool, at: i64) -> Vec<Reason> {
    let share = |part: u64, whole: u64| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
    let disk = vitals.disk_bytes.zip(vitals.disk_free_bytes);
    let critical = vitals.alerts_open.get("critical").copied().unwrap_or_default();
    let dead = vitals.queue.by_status.get("dead").copied().unwrap_or_default();
    // What was never copied is as old as can be; of a database without a run there is nothing to lose.
    let backup_age = match vitals.backup_age_ms {
        Some(age) => age as f64,
        None if has_runs => f64::MAX,
        None => 0.0,
    };
    // A file of few pages is not worth the trouble.
    let free_pages = if vitals.pages < 10_000 { 0.0 } else { share(vitals.free_pages, vitals.pages) };
    let ahead = vitals.last_change_at.unwrap_or_default() as f64 - at as f64;
    let measured = [
        f64::from(u8::from(vitals.write_error.is_some())),
        vitals.write_us_median.unwrap_or_default() as f64 / 1_000.0,
        disk.map_or(0.0, |(all, free)| 1.0 - share(free, all)),
        vitals.wal_bytes as f64,
        free_pages,
        vitals.writer.waiting as f64,
        vitals.queue.oldest_ms.unwrap_or_default() as f64,
        vitals.queue.lapsed_leases as f64,
        dead as f64,
        backup_age,
        critical as f64,
        ahead,
        audit_gap as f64,
    ];
    let reached = THRESHOLDS.iter().zip(measured).filter_map(|(threshold, measured)| {
        let Threshold { name, unit, degraded, failing, remedy } = *threshold;
        let (verdict, mark) = match measured {
            value if value >= failing => (Verdict::Failing, failing),
            value if value >= degraded => (Verdict::Degraded, degraded),
            _ => return None,
        };
        Some(Reason { name, verdict, measured, mark, unit, remedy })
    });
    let mut reasons: Vec<Reason> = reached.collect();
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.verdict));
    reasons
}

/// Bytes of the file system that a file lies on, all and free, as POSIX `df` tells: the standard library does not.
fn disk(path: &Path) -> Option<(u64, u64)> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let said = Command::new("df").arg("-Pk").arg("--").arg(folder).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(said.stdout).ok()?;
    let mut fields = text.lines().nth(1)?.split_whitespace().rev();
    // From the end, since the device's name may have spaces: mount point, share, free, used, all.
    let free: u64 = fields.nth(2)?.parse().ok()?;
    let all: u64 = fields.nth(1)?.parse().ok()?;
    Some((all * 1_024, free * 1_024))
}
