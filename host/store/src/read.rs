use rusqlite::{Connection, Row, ToSql};
use serde::{Deserialize, Serialize};
use stratagem_domain::{
    Answer, LabelledTask, LogLine, Outcome, Place, PluginIdentity, Recipe, Score, Step, StoredAnswer,
    StoredRun, Usage,
};

use crate::datasets;
use crate::error::Failure;
use crate::journal;
use crate::rows::{bytes, parse_digest, parse_json, parse_level, parse_outcome};
use crate::{Store, StoreError};

/// Fewer characters of a run's id would only say in which decade it ran.
const LEAST_PREFIX: usize = 4;

/// Which runs to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFilter {
    /// The plugin's name.
    pub strategy: Option<String>,
    /// The task's id.
    pub task: Option<String>,
    pub outcome: Option<Outcome>,
    /// The most lines; 50 by default.
    pub limit: usize,
}

impl Default for RunFilter {
    fn default() -> Self {
        Self { strategy: None, task: None, outcome: None, limit: 50 }
    }
}

/// A run in one line of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunLine {
    pub id: String,
    /// Milliseconds since 1970, UTC.
    pub started_at: u64,
    pub strategy: String,
    pub version: String,
    pub task_id: String,
    pub outcome: Outcome,
    /// None where the outputs are not known.
    pub solved_at_2: Option<bool>,
    /// None where the outputs are not known.
    pub partial_credit: Option<f64>,
    pub fuel_spent: u64,
    pub cpu_seconds: f64,
    pub wall_ms: u64,
    pub memory_peak_bytes: u64,
    /// How many answers are kept.
    pub answers: usize,
}

impl Store {
    /// A run by its id or by the start of it.
    ///
    /// *Errors*: [`StoreError::UnknownRun`], [`StoreError::AmbiguousRun`], [`StoreError::ShortRunId`].
    pub fn run(&self, id_or_prefix: &str) -> Result<StoredRun, StoreError> {
        self.read(|connection| load(connection, &self.resolve(connection, id_or_prefix)?))
    }

    /// The task of a run as it was when it ran, known outputs included.
    pub fn task_of(&self, run_id: &str) -> Result<LabelledTask, StoreError> {
        self.read(|connection| {
            let id = self.resolve(connection, run_id)?;
            let condition = "t.id IN (SELECT task_id FROM run_tasks WHERE run_id = ?1)";
            let task = datasets::load(connection, condition, [&id])?.pop();
            Ok(task.ok_or_else(|| Failure::Row(format!("run {id} without task")))?.task)
        })
    }

    /// The runs that a filter lets through, newest first.
    pub fn runs(&self, filter: &RunFilter) -> Result<Vec<RunLine>, StoreError> {
        // Only the conditions that are there, so that the planner picks the index that fits them; the page
        // of runs is cut before anything is joined to it.
        let outcome = filter.outcome.map(Outcome::as_str);
        let limit = i64::try_from(filter.limit).unwrap_or(i64::MAX);
        let mut values: Vec<(&str, &dyn ToSql)> = vec![(":limit", &limit)];
        let mut conditions = String::new();
        if let Some(strategy) = &filter.strategy {
            conditions.push_str(OF_STRATEGY);
            values.push((":strategy", strategy));
        }
        if let Some(task) = &filter.task {
            conditions.push_str(OF_TASK);
            values.push((":task", task));
        }
        if let Some(outcome) = &outcome {
            conditions.push_str(" AND outcome = :outcome");
            values.push((":outcome", outcome));
        }
        let sql = LINES.replace("{conditions}", &conditions);
        let key = serde_json::json!([filter.strategy, filter.task, outcome, limit]).to_string();
        let lines = self.remembered(None, "runs", &key, |connection| {
            let mut select = connection.prepare_cached(&sql)?;
            let mut rows = select.query(values.as_slice())?;
            let mut lines = Vec::new();
            while let Some(row) = rows.next()? {
                lines.push(line(row)?);
            }
            Ok(lines)
        })?;
        Ok((*lines).clone())
    }

    fn resolve(&self, connection: &Connection, given: &str) -> Result<String, Failure> {
        if given.chars().count() < LEAST_PREFIX {
            return Err(StoreError::ShortRunId { id: given.to_owned(), least: LEAST_PREFIX }.into());
        }
        // '~' sorts after every digit of an id, so that the index finds the range.
        let (whole, found) = connection
            .prepare_cached("SELECT min(id), count(*) FROM runs WHERE id BETWEEN ?1 AND ?1 || '~'")?
            .query_row([given.to_ascii_lowercase()], |row| {
                Ok((row.get::<_, Option<String>>(0)?, row.get::<_, i64>(1)? as usize))
            })?;
        let (path, id) = (self.path().to_owned(), given.to_owned());
        match (whole, found) {
            (None, _) => Err(StoreError::UnknownRun { path, id }.into()),
            (Some(whole), 1) => Ok(whole),
            (Some(_), found) => Err(StoreError::AmbiguousRun { path, id, found }.into()),
        }
    }
}

const OF_STRATEGY: &str = "
    AND plugin_version_id IN
        (SELECT v.id FROM plugins p JOIN plugin_versions v ON v.plugin_id = p.id WHERE p.name = :strategy)";

const OF_TASK: &str = "
    AND id IN (SELECT k.run_id FROM arc_tasks t JOIN run_tasks k ON k.task_id = t.id WHERE t.code = :task)";

/// `CROSS JOIN` keeps the planner from walking all usage for a page of runs.
const LINES: &str = "
    WITH page AS MATERIALIZED (
        SELECT id, started_at, plugin_version_id, outcome, metrics FROM runs
        WHERE finished_at IS NOT NULL {conditions}
        ORDER BY started_at DESC, id DESC LIMIT :limit
    )
    SELECT r.id, r.started_at, p.name, v.semver, t.code, r.outcome, r.metrics, u.fuel_spent, u.cpu_seconds,
        u.wall_ms, u.memory_mb, (SELECT count(*) FROM answers a WHERE a.run_id = r.id)
    FROM page r
    CROSS JOIN resource_usage u ON u.run_id = r.id AND u.kind = 'wasm'
    JOIN plugin_versions v ON v.id = r.plugin_version_id
    JOIN plugins p ON p.id = v.plugin_id
    JOIN run_tasks k ON k.run_id = r.id
    JOIN arc_tasks t ON t.id = k.task_id
    ORDER BY r.started_at DESC, r.id DESC";

fn line(row: &Row<'_>) -> Result<RunLine, Failure> {
    let score = parse_score(row.get(6)?)?;
    Ok(RunLine {
        id: row.get(0)?,
        started_at: row.get::<_, i64>(1)? as u64,
        strategy: row.get(2)?,
        version: row.get(3)?,
        task_id: row.get(4)?,
        outcome: parse_outcome(&row.get::<_, String>(5)?)?,
        solved_at_2: score.as_ref().map(|score| score.solved_at(2)),
        partial_credit: score.as_ref().map(Score::partial_credit),
        fuel_spent: row.get::<_, i64>(7)? as u64,
        cpu_seconds: row.get(8)?,
        wall_ms: row.get::<_, i64>(9)? as u64,
        memory_peak_bytes: bytes(row.get(10)?),
        answers: row.get::<_, i64>(11)? as usize,
    })
}

/// Loads a run with all that is kept of it. `id` is whole.
pub(crate) fn load(connection: &Connection, id: &str) -> Result<StoredRun, Failure> {
    let mut select = connection.prepare_cached(
        "SELECT p.name, v.semver, e.task_type, v.wasm_digest, r.task_digest, r.seed, r.limits, r.settings,
             t.code, r.outcome, r.ending, r.metrics, r.started_at, r.finished_at,
             u.fuel_spent, u.cpu_seconds, u.wall_ms, u.memory_mb, u.calls, u.detail, e.id, r.grants, r.evaluation_id,
             r.config_version_id, e.domain
         FROM runs r
         JOIN plugin_versions v ON v.id = r.plugin_version_id
         JOIN plugins p ON p.id = v.plugin_id
         JOIN run_tasks k ON k.run_id = r.id
         JOIN arc_tasks t ON t.id = k.task_id
         JOIN episodes e ON e.run_id = r.id
         JOIN resource_usage u ON u.run_id = r.id AND u.kind = 'wasm'
         WHERE r.id = ?1",
    )?;
    let mut rows = select.query([id])?;
    let Some(row) = rows.next()? else {
        return Err(Failure::Row(format!("run {id} without one of its rows")));
    };
    let text = |column: usize| row.get::<_, String>(column);
    let number = |column: usize| row.get::<_, i64>(column);
    let name = text(0)?;
    let plugin = PluginIdentity {
        name: name.clone(),
        version: text(1)?,
        kind: text(2)?,
        digest: parse_digest(&text(3)?)?,
    };
    let recipe = Recipe {
        plugin,
        task: parse_digest(&text(4)?)?,
        seed: number(5)?.cast_unsigned(),
        limits: parse_json(&text(6)?, "the limits of a run")?,
        settings: parse_json(&text(7)?, "the settings of a run")?,
        grants: row.get::<_, Option<String>>(21)?.map(|text| parse_digest(&text)).transpose()?,
    };
    Ok(StoredRun {
        recipe,
        task_id: text(8)?,
        outcome: parse_outcome(&text(9)?)?,
        ending: parse_json(&text(10)?, "the ending of a run")?,
        score: parse_score(row.get(11)?)?,
        answers: answers(connection, id)?,
        steps: steps(connection, &text(20)?)?,
        log: log(connection, id)?,
        usage: usage(row)?,
        journal: journal::load(connection, id)?,
        place: Place {
            evaluation: row.get(22)?,
            config_version: row.get(23)?,
            domain: row.get::<_, Option<String>>(24)?.filter(|domain| *domain != name),
        },
        started_at: number(12)? as u64,
        finished_at: number(13)? as u64,
        id: id.to_owned(),
    })
}

fn usage(row: &Row<'_>) -> Result<Usage, Failure> {
    let detail: Usage = parse_json(&row.get::<_, String>(19)?, "the usage of a run")?;
    Ok(Usage {
        fuel_spent: row.get::<_, i64>(14)? as u64,
        cpu_seconds: row.get(15)?,
        wall_ms: row.get::<_, i64>(16)? as u64,
        memory_peak_bytes: bytes(row.get(17)?),
        host_calls: row.get::<_, i64>(18)? as u64,
        ..detail
    })
}

fn answers(connection: &Connection, run_id: &str) -> Result<Vec<StoredAnswer>, Failure> {
    let mut select = connection.prepare_cached(
        "SELECT test_ord, grid, confidence, rationale, rank, is_correct FROM answers WHERE run_id = ?1 ORDER BY n",
    )?;
    let mut rows = select.query([run_id])?;
    let mut answers = Vec::new();
    while let Some(row) = rows.next()? {
        let answer = Answer {
            test_index: row.get::<_, i64>(0)? as usize,
            grid: parse_json(&row.get::<_, String>(1)?, "the grid of an answer")?,
            confidence: row.get(2)?,
            rationale: row.get(3)?,
        };
        let rank = row.get::<_, Option<i64>>(4)?.map(|rank| rank as usize);
        answers.push(StoredAnswer { answer, rank, is_correct: row.get(5)? });
    }
    Ok(answers)
}

fn steps(connection: &Connection, episode_id: &str) -> Result<Vec<Step>, Failure> {
    let steps = connection
        .prepare_cached("SELECT action, result, ok FROM steps WHERE episode_id = ?1 ORDER BY n")?
        .query_map([episode_id], |row| {
            Ok(Step { action: row.get(0)?, detail: row.get(1)?, success: row.get(2)? })
        })?
        .collect::<rusqlite::Result<_>>()?;
    Ok(steps)
}

fn log(connection: &Connection, run_id: &str) -> Result<Vec<LogLine>, Failure> {
    let mut select =
        connection.prepare_cached("SELECT level, message FROM run_logs WHERE run_id = ?1 ORDER BY n")?;
    let mut rows = select.query([run_id])?;
    let mut lines = Vec::new();
    while let Some(row) = rows.next()? {
        lines.push(LogLine { level: parse_level(&row.get::<_, String>(0)?)?, message: row.get(1)? });
    }
    Ok(lines)
}

fn parse_score(metrics: Option<String>) -> Result<Option<Score>, Failure> {
    metrics.map(|text| parse_json(&text, "the score of a run")).transpose()
}
