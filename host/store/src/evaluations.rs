//! Evaluations: one strategy with one configuration over a list of tasks that is frozen when it begins.
//!
//! A run writes itself into its evaluation in its own transaction, so a list is never behind its runs. An evaluation
//! knows which process works on it: one whose process is gone is *stale*, and may be gone on with.

use std::fs;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use serde_json::{Value, json as value};
use stratagem_domain::{Digest, LabelledTask, Limits, Outcome, PluginIdentity, Score, Settings, StoredRun};

use crate::audit::Entry;
use crate::datasets;
use crate::documents::invalid;
use crate::error::Failure;
use crate::open::{new_id, now};
use crate::plugins;
use crate::rows::{json, parse_digest, parse_json, parse_outcome};
use crate::writer::Change;
use crate::{Store, StoreError};

/// Without a sign of life for a run's longest time and this much more, a process elsewhere is held to be gone.
const SLACK_MS: i64 = 600_000;
/// Characters of a name.
const NAME_CHARS: usize = 200;

/// What an evaluation is of.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvaluation {
    pub name: String,
    pub plugin: PluginIdentity,
    /// Of `document_versions`: where its settings come from.
    pub config_version: Option<String>,
    pub seed: u64,
    pub limits: Limits,
    pub settings: Settings,
}

/// An evaluation with what its runs came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    pub id: String,
    pub name: String,
    /// Of `experiments`; none where it was a piece of work of its own.
    pub experiment: Option<String>,
    pub strategy: String,
    pub version: String,
    /// Of the plugin's component.
    pub digest: Digest,
    /// Of `document_versions`, and as people write it: NAME@VERSION.
    pub config_version: Option<String>,
    pub setup: Option<String>,
    pub status: String,
    /// It says that it runs, but nobody works on it: it may be gone on with.
    pub is_stale: bool,
    pub seed: u64,
    #[serde(skip)]
    pub limits: Limits,
    #[serde(skip)]
    pub settings: Settings,
    pub error: Option<String>,
    /// Milliseconds since 1970, UTC.
    pub created_at: u64,
    pub finished_at: Option<u64>,
    #[serde(flatten)]
    pub totals: Totals,
}

/// What came of the tasks of an evaluation.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Totals {
    pub tasks: usize,
    /// Tasks whose run has ended, well or not.
    pub ended: usize,
    /// Of these, runs that did not come to their end.
    pub failed: usize,
    /// Ended tasks whose outputs are known; the solved counts are out of these.
    pub scored: usize,
    pub solved_at_1: usize,
    pub solved_at_2: usize,
    pub solved_at_3: usize,
    /// The mean fraction of test inputs right @2, over scored tasks.
    pub partial_credit: f64,
    pub cpu_seconds: f64,
    pub fuel_spent: u64,
    /// Summed over runs, in real time.
    pub wall_ms: u64,
    pub cost_micros: u64,
}

/// A frozen task of an evaluation and the run that counts for it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TaskRun {
    pub digest: Digest,
    pub code: String,
    /// `pending`, `completed`, `failed`, ...
    pub status: String,
    pub run: Option<CountedRun>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CountedRun {
    pub id: String,
    pub outcome: Outcome,
    /// None where the outputs are not known.
    pub score: Option<Score>,
    pub cpu_seconds: f64,
    pub fuel_spent: u64,
    pub wall_ms: u64,
    pub cost_micros: u64,
}

/// Why nobody works on an evaluation any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkEnd {
    /// Completed where every task has ended; else it may be gone on with.
    Done,
    /// Left as it is, to be gone on with.
    Left,
    Cancelled,
    Failed(String),
}

impl Store {
    /// Begins an evaluation of tasks that the database has, or with `go_on` takes up a stale one of the same: same
    /// plugin, configuration, seed, limits, settings and tasks. Returns its id.
    pub fn begin_evaluation(
        &self,
        new: &NewEvaluation,
        tasks: &[Digest],
        dataset: Option<&str>,
        go_on: bool,
    ) -> Result<String, StoreError> {
        let (new, tasks, dataset) = (new.clone(), tasks.to_vec(), dataset.map(str::to_owned));
        self.write("beginning an evaluation", move |change| {
            let mut rows = Vec::new();
            for digest in &tasks {
                let row = find_task(change, digest, dataset.as_deref())?;
                rows.push(row.ok_or_else(|| {
                    invalid(format!("task with digest {} is not stored", digest.short()), "import it first")
                })?);
            }
            let mut seen = std::collections::HashSet::new();
            rows.retain(|row| seen.insert(row.clone()));
            if go_on && let Some(id) = stale_twin(change, &new, &rows)? {
                claim(change, &id)?;
                return Ok(id);
            }
            insert(change, &new, None, &rows, true)
        })
    }

    /// Says that this process stops working on an evaluation, and why; returns the status that it has then.
    pub fn end_evaluation(&self, id: &str, end: WorkEnd) -> Result<String, StoreError> {
        let id = id.to_owned();
        self.write("ending an evaluation", move |change| {
            let before = status_of(change, &id)?;
            if before != "running" {
                return Ok(before);
            }
            let open: i64 = change.query_row(
                "SELECT count(*) FROM evaluation_tasks WHERE evaluation_id = ?1 AND status IN ('pending', 'running')",
                [&id],
                |row| row.get(0),
            )?;
            let (status, error) = match end {
                WorkEnd::Done if open == 0 => ("completed", None),
                WorkEnd::Done | WorkEnd::Left => ("running", None),
                WorkEnd::Cancelled => ("cancelled", None),
                WorkEnd::Failed(why) => ("failed", Some(why)),
            };
            change.execute(
                "UPDATE evaluations SET status = ?2, error = ?3, meta = ?4,
                     finished_at = CASE ?2 WHEN 'running' THEN NULL ELSE ?5 END
                 WHERE id = ?1",
                params![id, status, error, value!({ "process": "none" }).to_string(), now()],
            )?;
            note(change, "evaluation.end", &id, Some(&before), status);
            Ok(status.to_owned())
        })
    }

    /// Evaluations, the newest first; those of one experiment in the order of its arms.
    pub fn evaluations(&self, experiment: Option<&str>, limit: usize) -> Result<Vec<Evaluation>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read(|connection| match experiment {
            Some(id) => list(
                connection,
                "e.experiment_id = ?1 ORDER BY e.created_at, e.id LIMIT ?2",
                params![id, limit],
            ),
            None => {
                list(connection, "?1 = ?1 ORDER BY e.created_at DESC, e.id DESC LIMIT ?2", params![0, limit])
            }
        })
    }

    /// One evaluation by its id.
    pub fn evaluation(&self, id: &str) -> Result<Evaluation, StoreError> {
        let found = self.read(|connection| list(connection, "e.id = ?1", [id]))?.pop();
        found.ok_or_else(|| StoreError::Invalid { what: format!("no evaluation {id}"), hint: None })
    }

    /// The frozen tasks of an evaluation in their order, with the runs that count.
    pub fn evaluation_runs(&self, id: &str) -> Result<Vec<TaskRun>, StoreError> {
        self.read(|connection| task_runs(connection, id))
    }

    /// The tasks of an evaluation that have no run yet.
    pub fn open_tasks(&self, id: &str) -> Result<Vec<LabelledTask>, StoreError> {
        let tasks = self.read(|connection| {
            let open = "t.id IN (SELECT task_id FROM evaluation_tasks
                                 WHERE evaluation_id = ?1 AND status IN ('pending', 'running'))";
            datasets::load(connection, open, [id])
        })?;
        Ok(tasks.into_iter().map(|stored| stored.task).collect())
    }

    /// Lets a run of another evaluation, or of none, count for a task of this one.
    pub(crate) fn link_run(&self, run: &StoredRun, evaluation: &str) -> Result<(), StoreError> {
        let (id, digest, evaluation) = (run.id.clone(), run.recipe.task, evaluation.to_owned());
        let status =
            if run.ending.fault() == stratagem_domain::Fault::Nobody { "completed" } else { "failed" };
        self.write("counting a run", move |change| {
            let task = task_row(change, &evaluation, &digest)?;
            let changed = change
                .prepare_cached(
                    "UPDATE evaluation_tasks SET status = ?3, run_id = ?4, started_at = ?5, finished_at = ?5
                     WHERE evaluation_id = ?1 AND task_id = ?2 AND status = 'pending'",
                )?
                .execute(params![evaluation, task, status, id, now()])?;
            if changed > 0 {
                change.note(Entry {
                    action: "evaluation.count",
                    subject_kind: "evaluations",
                    subject_id: evaluation,
                    before: None,
                    after: Some(value!({ "run": id })),
                });
            }
            Ok(())
        })
    }
}

/// Writes an evaluation and its frozen tasks; with `begun` this process works on it.
pub(crate) fn insert(
    change: &Change<'_>,
    new: &NewEvaluation,
    experiment: Option<&str>,
    task_rows: &[String],
    begun: bool,
) -> Result<String, Failure> {
    if task_rows.is_empty() {
        return Err(invalid("an evaluation of no task", "choose at least one task").into());
    }
    let Some(plugin) = plugins::find(change, &new.plugin)? else {
        return Err(Failure::Row(format!("plugin {} has no row", new.plugin.name)));
    };
    let (id, at) = (new_id(), now());
    let status = if begun { "running" } else { "pending" };
    let name: String = new.name.chars().take(NAME_CHARS).collect();
    change.execute(
        "INSERT INTO evaluations (id, experiment_id, name, plugin_version_id, config_version_id, owner_id, status, seed,
             limits, settings, meta, created_at, started_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, CASE ?7 WHEN 'running' THEN ?12 END)",
        params![
            id,
            experiment,
            name,
            plugin.version_id,
            new.config_version,
            change.actor.id,
            status,
            new.seed.cast_signed(),
            json(&new.limits),
            json(&new.settings),
            begun.then(|| value!({ "process": this_process() }).to_string()),
            at,
        ],
    )?;
    let mut insert = change
        .prepare_cached("INSERT INTO evaluation_tasks (evaluation_id, task_id, ord) VALUES (?1, ?2, ?3)")?;
    for (ord, task) in (1_i64..).zip(task_rows) {
        insert.execute(params![id, task, ord])?;
    }
    change.made("evaluation.begin", "evaluations", &id);
    Ok(id)
}

/// Takes an evaluation for this process.
///
/// *Errors*: where another process works on it, or it has ended.
pub(crate) fn claim(change: &Change<'_>, id: &str) -> Result<(), Failure> {
    let before = status_of(change, id)?;
    let is_stale: bool = change.query_row(
        &format!("SELECT meta, limits, {LAST_SIGN} FROM evaluations e WHERE id = ?1"),
        [id],
        |row| is_stale(row, 0),
    )?;
    match before.as_str() {
        "pending" => {}
        "running" if is_stale => {}
        "running" => {
            let hint = "wait for it, or end that process";
            return Err(invalid("another process works on this evaluation", hint).into());
        }
        ended => {
            return Err(invalid(format!("evaluation {id} is {ended}"), "begin a new one").into());
        }
    }
    change.execute(
        "UPDATE evaluations SET status = 'running', started_at = coalesce(started_at, max(created_at, ?2)), meta = ?3
         WHERE id = ?1",
        params![id, now(), value!({ "process": this_process() }).to_string()],
    )?;
    note(change, "evaluation.claim", id, Some(&before), "running");
    Ok(())
}

fn note(change: &Change<'_>, action: &'static str, id: &str, before: Option<&str>, after: &str) {
    change.note(Entry {
        action,
        subject_kind: "evaluations",
        subject_id: id.to_owned(),
        before: before.map(|status| value!({ "status": status })),
        after: Some(value!({ "status": after })),
    });
}

fn status_of(connection: &Connection, id: &str) -> Result<String, Failure> {
    let status = connection
        .query_row("SELECT status FROM evaluations WHERE id = ?1", [id], |row| row.get(0))
        .optional()?;
    status.ok_or_else(|| StoreError::Invalid { what: format!("no evaluation {id}"), hint: None }.into())
}

/// A stale evaluation of the same work, that is part of no experiment.
fn stale_twin(
    connection: &Connection,
    new: &NewEvaluation,
    task_rows: &[String],
) -> Result<Option<String>, Failure> {
    let Some(plugin) = plugins::find(connection, &new.plugin)? else { return Ok(None) };
    let mut select = connection.prepare(&format!(
        "SELECT meta, limits, {LAST_SIGN}, id FROM evaluations e
         WHERE status = 'running' AND experiment_id IS NULL AND plugin_version_id = ?1 AND config_version_id IS ?2
           AND seed = ?3 AND limits = ?4 AND settings = ?5
         ORDER BY created_at DESC, id DESC"
    ))?;
    let key = params![
        plugin.version_id,
        new.config_version,
        new.seed.cast_signed(),
        json(&new.limits),
        json(&new.settings)
    ];
    let found = select.query_map(key, |row| Ok((is_stale(row, 0)?, row.get::<_, String>(3)?)))?;
    let mut wanted = task_rows.to_vec();
    wanted.sort_unstable();
    for row in found {
        let (is_stale, id) = row?;
        let frozen = connection
            .prepare_cached("SELECT task_id FROM evaluation_tasks WHERE evaluation_id = ?1 ORDER BY task_id")?
            .query_map([&id], |row| row.get(0))?
            .collect::<rusqlite::Result<Vec<String>>>()?;
        if is_stale && frozen == wanted {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

/// The row of a task that has this digest: of a dataset, else the latest import.
pub(crate) fn find_task(
    connection: &Connection,
    digest: &Digest,
    dataset: Option<&str>,
) -> Result<Option<String>, Failure> {
    Ok(connection
        .prepare_cached(
            "SELECT id FROM arc_tasks WHERE digest = ?1 AND (?2 IS NULL OR dataset_id = ?2) ORDER BY id DESC LIMIT 1",
        )?
        .query_row(params![digest.to_string(), dataset], |row| row.get(0))
        .optional()?)
}

/// The row of an evaluation's frozen task that has this digest, one without a run first.
pub(crate) fn task_row(
    connection: &Connection,
    evaluation: &str,
    digest: &Digest,
) -> Result<String, Failure> {
    let found = connection
        .prepare_cached(
            "SELECT t.id FROM arc_tasks t CROSS JOIN evaluation_tasks k ON k.evaluation_id = ?1 AND k.task_id = t.id
             WHERE t.digest = ?2 ORDER BY k.run_id IS NOT NULL, k.ord LIMIT 1",
        )?
        .query_row(params![evaluation, digest.to_string()], |row| row.get(0))
        .optional()?;
    found.ok_or_else(|| {
        let what = format!("task with digest {} is none of evaluation {evaluation}", digest.short());
        invalid(what, "the tasks of an evaluation are frozen when it begins").into()
    })
}

/// Lets a run that was just written count for its task; the transaction and its note are the run's.
pub(crate) fn task_ended(
    change: &Change<'_>,
    evaluation: &str,
    task: &str,
    run: &str,
    status: &str,
    (started_at, finished_at): (i64, i64),
) -> Result<(), Failure> {
    change
        .prepare_cached(
            "UPDATE evaluation_tasks SET status = ?3, run_id = ?4, tries = tries + 1,
                 started_at = coalesce(started_at, ?5), finished_at = ?6
             WHERE evaluation_id = ?1 AND task_id = ?2",
        )?
        .execute(params![evaluation, task, status, run, started_at, finished_at])?;
    Ok(())
}

/// When an evaluation last showed life, as SQL.
const LAST_SIGN: &str = "coalesce((SELECT max(k.finished_at) FROM evaluation_tasks k WHERE k.evaluation_id = e.id), \
                         e.started_at, e.created_at)";

/// Columns `meta`, `limits` and [`LAST_SIGN`], from `at` on.
fn is_stale(row: &Row<'_>, at: usize) -> rusqlite::Result<bool> {
    let (meta, limits): (Option<String>, String) = (row.get(at)?, row.get(at + 1)?);
    let meta: Value = meta.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let process = meta["process"].as_str();
    Ok(process.and_then(is_alive).map_or_else(
        || {
            let limits: Limits = serde_json::from_str(&limits).unwrap_or_default();
            let quiet = i64::try_from(limits.wall_ms).unwrap_or(i64::MAX).saturating_add(SLACK_MS);
            row.get::<_, i64>(at + 2).is_ok_and(|last| now().saturating_sub(last) > quiet)
        },
        |is_alive| !is_alive,
    ))
}

/// This process among all of this machine, which no later one is mistaken for; none where the system does not tell.
fn this_process() -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let space = fs::read_link("/proc/self/ns/pid").ok()?;
    let pid = std::process::id();
    Some(format!("{} {} {pid} {}", boot.trim(), space.display(), started(pid)?))
}

/// In ticks since the machine started.
fn started(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in brackets may hold anything; the 20th field after it is the start.
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

/// None where it cannot be told from here.
fn is_alive(process: &str) -> Option<bool> {
    if process == "none" {
        return Some(false);
    }
    let here = this_process()?;
    let [boot, space, pid, start] = process.split(' ').collect::<Vec<_>>().try_into().ok()?;
    if !here.starts_with(&format!("{boot} {space} ")) {
        return None;
    }
    Some(started(pid.parse().ok()?) == start.parse().ok())
}

const COLUMNS: &str = "e.id, e.name, e.experiment_id, p.name, v.semver, v.wasm_digest, e.config_version_id,
    (SELECT d.name || '@' || c.version FROM document_versions c JOIN documents d ON d.id = c.document_id
     WHERE c.id = e.config_version_id),
    e.status, e.seed, e.settings, e.error, e.created_at, e.finished_at, e.meta, e.limits";

/// Lists evaluations. `condition` is a constant of this file.
pub(crate) fn list(
    connection: &Connection,
    condition: &str,
    params: impl rusqlite::Params,
) -> Result<Vec<Evaluation>, Failure> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT {COLUMNS}, {LAST_SIGN} FROM evaluations e
         JOIN plugin_versions v ON v.id = e.plugin_version_id JOIN plugins p ON p.id = v.plugin_id
         WHERE {condition}"
    ))?;
    let mut rows = select.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let id: String = row.get(0)?;
        let status: String = row.get(8)?;
        found.push(Evaluation {
            name: row.get(1)?,
            experiment: row.get(2)?,
            strategy: row.get(3)?,
            version: row.get(4)?,
            digest: parse_digest(&row.get::<_, String>(5)?)?,
            config_version: row.get(6)?,
            setup: row.get(7)?,
            is_stale: status == "running" && is_stale(row, 14)?,
            status,
            seed: row.get::<_, i64>(9)?.cast_unsigned(),
            settings: parse_json(&row.get::<_, String>(10)?, "the settings of an evaluation")?,
            error: row.get(11)?,
            created_at: row.get::<_, i64>(12)? as u64,
            finished_at: row.get::<_, Option<i64>>(13)?.map(|at| at as u64),
            limits: parse_json(&row.get::<_, String>(15)?, "the limits of an evaluation")?,
            totals: Totals::of(&task_runs(connection, &id)?),
            id,
        });
    }
    Ok(found)
}

fn task_runs(connection: &Connection, id: &str) -> Result<Vec<TaskRun>, Failure> {
    let mut select = connection.prepare_cached(
        "SELECT t.digest, t.code, k.status, r.id, r.outcome, r.metrics, u.cpu_seconds, u.fuel_spent, u.wall_ms,
             r.cost_micros
         FROM evaluation_tasks k JOIN arc_tasks t ON t.id = k.task_id
         LEFT JOIN runs r ON r.id = k.run_id
         LEFT JOIN resource_usage u ON u.run_id = r.id AND u.kind = 'wasm'
         WHERE k.evaluation_id = ?1 ORDER BY k.ord",
    )?;
    let mut rows = select.query([id])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let number = |column: usize| row.get::<_, Option<i64>>(column).map(|value| value.unwrap_or(0) as u64);
        let run = match row.get::<_, Option<String>>(3)? {
            None => None,
            Some(id) => Some(CountedRun {
                id,
                outcome: parse_outcome(&row.get::<_, String>(4)?)?,
                score: row
                    .get::<_, Option<String>>(5)?
                    .map(|text| parse_json(&text, "the score of a run"))
                    .transpose()?,
                cpu_seconds: row.get::<_, Option<f64>>(6)?.unwrap_or(0.0),
                fuel_spent: number(7)?,
                wall_ms: number(8)?,
                cost_micros: number(9)?,
            }),
        };
        found.push(TaskRun {
            digest: parse_digest(&row.get::<_, String>(0)?)?,
            code: row.get(1)?,
            status: row.get(2)?,
            run,
        });
    }
    Ok(found)
}

impl Totals {
    pub fn of(tasks: &[TaskRun]) -> Self {
        let runs = || tasks.iter().filter_map(|task| task.run.as_ref());
        let scores: Vec<&Score> = runs().filter_map(|run| run.score.as_ref()).collect();
        let solved = |attempts| scores.iter().filter(|score| score.solved_at(attempts)).count();
        let credit = scores.iter().fold(0.0, |sum, score| sum + score.partial_credit());
        let with = |statuses: &[&str]| tasks.iter().filter(|task| statuses.contains(&&*task.status)).count();
        Self {
            tasks: tasks.len(),
            ended: with(&["completed", "failed", "skipped"]),
            failed: with(&["failed"]),
            scored: scores.len(),
            solved_at_1: solved(1),
            solved_at_2: solved(2),
            solved_at_3: solved(3),
            partial_credit: credit / scores.len().max(1) as f64,
            cpu_seconds: runs().fold(0.0, |sum, run| sum + run.cpu_seconds),
            fuel_spent: runs().map(|run| run.fuel_spent).sum(),
            wall_ms: runs().map(|run| run.wall_ms).sum(),
            cost_micros: runs().map(|run| run.cost_micros).sum(),
        }
    }
}
