//! What must hold in the database after processes were killed.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::ops::RangeInclusive;
use std::path::Path;

use rusqlite::Connection;
use stratagem_store::Store;

use crate::load::{DATABASE, acknowledged};

/// What a look at the database counted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Verdict {
    pub acknowledged: usize,
    runs: i64,
    outcomes: i64,
    memories: i64,
    messages: i64,
    versions: i64,
    jobs: i64,
    done: i64,
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { acknowledged, runs, outcomes, memories, messages, versions, jobs, done } = self;
        write!(
            formatter,
            "{acknowledged} writes were acknowledged and are there: {runs} runs, {outcomes} outcomes, {memories} memories, \
             {messages} messages, {versions} versions of documents and {jobs} jobs, {done} of them done"
        )
    }
}

/// What may not be there, each as a query that counts it. Where no index leads from a row to what belongs to it, all are
/// grouped first: a look at everything must stay cheap as the database grows.
const NEVER: [(&str, &str); 15] = [
    (
        "a run in part",
        "SELECT count(*) FROM runs r WHERE (SELECT count(*) FROM answers WHERE run_id = r.id) <> 5
        OR (SELECT count(*) FROM run_logs WHERE run_id = r.id) <> 4
        OR coalesce((SELECT n FROM (SELECT run_id, count(*) AS n FROM task_submissions GROUP BY run_id)
            WHERE run_id = r.id), 0) <> 2
        OR (SELECT count(*) FROM outcomes WHERE run_id = r.id) <> 1
        OR (SELECT count(*) FROM resource_usage WHERE run_id = r.id AND kind = 'wasm') <> 1
        OR (SELECT count(*) FROM run_journals WHERE run_id = r.id) <> 1
        OR (SELECT count(*) FROM steps s JOIN episodes e ON e.id = s.episode_id WHERE e.run_id = r.id) <> 2",
    ),
    (
        "an outcome without its failure",
        "SELECT count(*) FROM outcomes o WHERE run_id = 'bulk'
        AND (SELECT count(*) FROM failure_patterns WHERE outcome_id = o.id) <> 1",
    ),
    (
        "an outcome without its tool",
        "SELECT count(*) FROM outcomes o LEFT JOIN
        (SELECT outcome_id, count(*) AS n FROM resource_usage WHERE kind = 'tool' GROUP BY outcome_id) u
        ON u.outcome_id = o.id WHERE o.run_id = 'bulk' AND u.n IS NOT 1",
    ),
    (
        "a failure without its outcome",
        "SELECT count(*) FROM failure_patterns WHERE outcome_id NOT IN
        (SELECT id FROM outcomes)",
    ),
    (
        "a cluster that counts others",
        "SELECT count(*) FROM failure_clusters c WHERE similar_count <>
        (SELECT count(*) FROM failure_patterns WHERE cluster_id = c.id)",
    ),
    (
        "a document whose newest version is not its head",
        "SELECT count(*) FROM documents d WHERE head IS NOT
        (SELECT max(version) FROM document_versions WHERE document_id = d.id)",
    ),
    (
        "a version of a document that is left out",
        "SELECT count(*) FROM documents d WHERE head <>
        (SELECT count(*) FROM document_versions WHERE document_id = d.id)",
    ),
    ("half of a memory", "SELECT count(*) FROM memories WHERE content NOT LIKE '% again'"),
    (
        "a memory that the index of words lacks",
        "SELECT (SELECT count(*) FROM memories) -
        (SELECT count(*) FROM memories_fts WHERE memories_fts MATCH 'whale AND sings AND again')",
    ),
    (
        "an episode that the index of words lacks",
        "SELECT (SELECT count(*) FROM episodes) -
        (SELECT count(*) FROM episodes_fts WHERE episodes_fts MATCH 'search')",
    ),
    (
        "a job that was made and is not noted",
        "SELECT count(*) FROM queue WHERE id NOT IN
        (SELECT subject_id FROM audit_log WHERE action = 'queue.add')",
    ),
    (
        "a message that is kept or noted alone",
        "SELECT count(*) FROM (SELECT id FROM (SELECT id FROM messages UNION ALL
        SELECT subject_id FROM audit_log WHERE action = 'message.add') GROUP BY id HAVING count(*) <> 2)",
    ),
    (
        "a job that was completed twice",
        "SELECT count(*) FROM (SELECT subject_id FROM audit_log
        WHERE action = 'queue.complete' GROUP BY subject_id HAVING count(*) > 1)",
    ),
    (
        "a job that is done by another than its last claim",
        "SELECT count(*) FROM queue WHERE status = 'completed'
        AND (json_extract(result, '$.try') <> tries OR json_extract(result, '$.worker') <> worker)",
    ),
    ("a row that points at nothing", "SELECT count(*) FROM pragma_foreign_key_check"),
];

/// Looks at everything; the first thing that is not as it must be.
pub fn of(folder: &Path, processes: usize) -> Result<Verdict, String> {
    let store = Store::open_existing(&folder.join(DATABASE)).map_err(|error| error.to_string())?;
    let report = store.verify_audit(None).map_err(|error| error.to_string())?;
    if let Some(fault) = report.broken {
        return Err(format!("the audit log: {fault}"));
    }
    drop(store);
    let db = open(folder)?;
    let checked: String = one(&db, "PRAGMA integrity_check")?;
    if checked != "ok" {
        return Err(checked);
    }
    for (what, sql) in NEVER {
        let found: i64 = one(&db, sql)?;
        if found != 0 {
            return Err(format!("{what}: {found}"));
        }
    }
    for index in ["episodes_fts", "memories_fts", "system_events_fts"] {
        // `1`: held against the rows that it is of, not only against itself.
        let check = format!("INSERT INTO {index} ({index}, rank) VALUES ('integrity-check', 1)");
        db.execute(&check, []).map_err(|error| format!("{index}: {error}"))?;
    }
    let acks = acknowledgements(folder, 1..=processes)?;
    all_there(&db, &acks)?;
    Ok(Verdict {
        acknowledged: acks.len(),
        runs: one(&db, "SELECT count(*) FROM runs")?,
        outcomes: one(&db, "SELECT count(*) FROM outcomes WHERE run_id = 'bulk'")?,
        memories: one(&db, "SELECT count(*) FROM memories")?,
        messages: one(&db, "SELECT count(*) FROM messages")?,
        versions: one(&db, "SELECT count(*) FROM document_versions")?,
        jobs: one(&db, "SELECT count(*) FROM queue")?,
        done: one(&db, "SELECT count(*) FROM queue WHERE status = 'completed'")?,
    })
}

/// How many writes these processes were told are stored, where all of them are there.
pub fn of_round(folder: &Path, processes: RangeInclusive<usize>) -> Result<usize, String> {
    let acks = acknowledgements(folder, processes)?;
    all_there(&open(folder)?, &acks)?;
    Ok(acks.len())
}

pub fn all_jobs_ended(folder: &Path) -> Result<(), String> {
    let left: i64 = one(&open(folder)?, "SELECT count(*) FROM queue WHERE status <> 'completed'")?;
    if left == 0 { Ok(()) } else { Err(format!("{left} jobs did not end")) }
}

fn open(folder: &Path) -> Result<Connection, String> {
    Connection::open(folder.join(DATABASE)).map_err(|error| error.to_string())
}

fn one<T: rusqlite::types::FromSql>(db: &Connection, sql: &str) -> Result<T, String> {
    db.query_row(sql, [], |row| row.get(0)).map_err(|error| format!("{sql}: {error}"))
}

/// What every process was told is stored: kind, id and what else the line says. A last line without an end was not.
fn acknowledgements(
    folder: &Path,
    processes: RangeInclusive<usize>,
) -> Result<Vec<(String, String)>, String> {
    let mut acks = Vec::new();
    for number in processes {
        let Ok(text) = fs::read_to_string(acknowledged(folder, number)) else { continue };
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        for line in whole.lines() {
            let (kind, rest) =
                line.split_once(' ').ok_or_else(|| format!("a line of process {number}: {line:?}"))?;
            acks.push((kind.to_owned(), rest.to_owned()));
        }
    }
    Ok(acks)
}

fn all_there(db: &Connection, acks: &[(String, String)]) -> Result<(), String> {
    let mut completed: BTreeMap<&str, usize> = BTreeMap::new();
    for (kind, rest) in acks {
        let id = rest.split(' ').next().unwrap_or_default();
        let sql = match kind.as_str() {
            "run" => "SELECT count(*) FROM runs WHERE id = ?1",
            "outcome" => "SELECT count(*) FROM outcomes WHERE idempotency_key = ?1",
            "memory" => "SELECT count(*) FROM memories WHERE id = ?1",
            "message" => "SELECT count(*) FROM messages WHERE id = ?1",
            "document" => "SELECT count(*) FROM documents WHERE id = ?1",
            "version" => "SELECT count(*) FROM document_versions WHERE id = ?1",
            "job" => "SELECT count(*) FROM queue WHERE id = ?1",
            "failed" => {
                "SELECT count(*) > 0 FROM audit_log
                 WHERE subject_kind = 'queue' AND subject_id = ?1 AND action = 'queue.fail'"
            }
            "done" => {
                *completed.entry(id).or_default() += 1;
                "SELECT count(*) FROM queue WHERE id = ?1 AND status = 'completed'"
            }
            other => return Err(format!("an acknowledgement of {other}")),
        };
        let found: i64 = db
            .prepare_cached(sql)
            .and_then(|mut select| select.query_row([id], |row| row.get(0)))
            .map_err(|error| error.to_string())?;
        if found != 1 {
            return Err(format!("{kind} {rest} was acknowledged and is there {found} times"));
        }
    }
    match completed.into_iter().find(|(_, times)| *times > 1) {
        Some((id, times)) => Err(format!("job {id} was completed {times} times")),
        None => Ok(()),
    }
}
