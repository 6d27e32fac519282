//! Families of tasks, lists of tasks by what they are like, and how difficult they are.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row, ToSql, params};
use serde::{Deserialize, Serialize};
use serde_json::json;
use stratagem_domain::{Features, Hint, SizeRelation, Split};

use crate::audit::Entry;
use crate::error::Failure;
use crate::features::families_of;
use crate::open::{new_id, now};
use crate::rows::{json, parse_json, parse_split};
use crate::writer::Change;
use crate::{Store, StoreError};

/// A hint or motif is common to a family that has it in at least this share of its tasks.
const COMMON: f64 = 0.5;

/// Below these samples a task's difficulty stays as it is.
pub const RATED_STRATEGIES: usize = 2;
pub const RATED_RUNS: usize = 3;
/// From this mean share of solved runs on a task is easy, and below the next it is hard.
pub const EASY_FROM: f64 = 0.5;
pub const HARD_BELOW: f64 = 0.1;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Difficulty {
    Easy,
    Medium,
    Hard,
    Unknown,
}

/// A family of tasks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Family {
    pub id: String,
    pub name: String,
    pub description: String,
    /// Hints and motifs that most of its tasks have.
    pub common_patterns: Vec<CommonPattern>,
    /// 1 easy, 2 medium, 3 hard; none where no task of it is rated.
    pub avg_difficulty: Option<f64>,
    /// The same content in several datasets counts once.
    pub tasks: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CommonPattern {
    pub pattern: String,
    /// Of the family's tasks.
    pub share: f64,
}

/// Which tasks to list; none of a field lets all through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskFilter {
    /// The dataset's name; its latest import.
    pub dataset: Option<String>,
    pub split: Option<Split>,
    /// A task's id.
    pub code: Option<String>,
    pub family: Option<String>,
    pub relation: Option<SizeRelation>,
    pub hint: Option<Hint>,
    pub difficulty: Option<Difficulty>,
    pub limit: Option<usize>,
}

/// A task in one line of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TaskLine {
    /// Of the task in its dataset.
    pub row: String,
    /// The task's id.
    pub id: String,
    pub dataset: String,
    pub version: String,
    pub split: Split,
    pub difficulty: Difficulty,
    /// None, as the next, where features were never computed; the list of hints is empty then.
    pub family: Option<String>,
    pub size_relation: Option<String>,
    pub hints: Vec<String>,
}

/// What rating tasks by their runs came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Rating {
    pub easy: usize,
    pub medium: usize,
    pub hard: usize,
    /// Tasks with runs that are too few or of too few strategies.
    pub too_few_runs: usize,
    /// Tasks, in all their datasets, whose difficulty is another now.
    pub changed: usize,
}

impl Difficulty {
    pub const ALL: [Self; 4] = [Self::Easy, Self::Medium, Self::Hard, Self::Unknown];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Easy => "easy",
            Self::Medium => "medium",
            Self::Hard => "hard",
            Self::Unknown => "unknown",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|difficulty| difficulty.as_str() == text)
    }

    /// Of the mean over strategies of the share of runs that solved.
    fn of(solved: f64) -> Self {
        match solved {
            solved if solved >= EASY_FROM => Self::Easy,
            solved if solved < HARD_BELOW => Self::Hard,
            _ => Self::Medium,
        }
    }
}

impl Store {
    /// The tasks that a filter lets through, by dataset, split and id.
    pub fn list_tasks(&self, filter: &TaskFilter) -> Result<Vec<TaskLine>, StoreError> {
        let (split, relation) = (filter.split.map(Split::as_str), filter.relation.map(SizeRelation::as_str));
        let (hint, difficulty) = (filter.hint.map(Hint::as_str), filter.difficulty.map(Difficulty::as_str));
        let limit = filter.limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
        let mut sql = format!("{LINES} WHERE 1");
        let mut values: Vec<(&str, &dyn ToSql)> = vec![(":limit", &limit)];
        let conditions: [(&str, &str, Option<&dyn ToSql>); 7] = [
            (":dataset", OF_DATASET, filter.dataset.as_ref().map(|name| name as &dyn ToSql)),
            (":split", " AND t.split = :split", split.as_ref().map(|split| split as &dyn ToSql)),
            (":code", " AND t.code = :code", filter.code.as_ref().map(|code| code as &dyn ToSql)),
            (":family", " AND f.name = :family", filter.family.as_ref().map(|name| name as &dyn ToSql)),
            (
                ":relation",
                " AND x.size_relation = :relation",
                relation.as_ref().map(|name| name as &dyn ToSql),
            ),
            (":hint", OF_HINT, hint.as_ref().map(|hint| hint as &dyn ToSql)),
            (
                ":difficulty",
                " AND t.difficulty = :difficulty",
                difficulty.as_ref().map(|name| name as &dyn ToSql),
            ),
        ];
        for (name, condition, value) in conditions {
            if let Some(value) = value {
                sql.push_str(condition);
                values.push((name, value));
            }
        }
        sql.push_str(" ORDER BY d.created_at, d.id, t.split, t.code LIMIT :limit");
        self.read(|connection| {
            let mut select = connection.prepare_cached(&sql)?;
            let mut rows = select.query(values.as_slice())?;
            let mut lines = Vec::new();
            while let Some(row) = rows.next()? {
                lines.push(parse_line(row)?);
            }
            Ok(lines)
        })
    }

    /// Every family that has tasks, the largest first.
    pub fn families(&self) -> Result<Vec<Family>, StoreError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT f.id, f.name, f.description, f.common_patterns, f.avg_difficulty,
                     (SELECT count(DISTINCT t.digest) FROM arc_tasks t WHERE t.family_id = f.id) AS tasks
                 FROM task_families f WHERE tasks > 0 ORDER BY tasks DESC, f.name",
            )?;
            let mut rows = select.query([])?;
            let mut families = Vec::new();
            while let Some(row) = rows.next()? {
                let common: Option<String> = row.get(3)?;
                let common = common.map(|text| parse_json(&text, "the common patterns of a family"));
                families.push(Family {
                    id: row.get(0)?,
                    name: row.get(1)?,
                    description: row.get::<_, Option<String>>(2)?.unwrap_or_default(),
                    common_patterns: common.transpose()?.unwrap_or_default(),
                    avg_difficulty: row.get(4)?,
                    tasks: row.get::<_, i64>(5)? as usize,
                });
            }
            Ok(families)
        })
    }

    /// Sets the difficulty of tasks from their runs, in every dataset that has the task.
    ///
    /// A strategy's share is that of its runs which solved the task; a run that failed for the plugin's reasons did
    /// not, and those that the host, the operator or the clock ended do not count. The mean of the shares decides: from
    /// [`EASY_FROM`] on easy, below [`HARD_BELOW`] hard. A task keeps what it has where fewer than
    /// [`RATED_STRATEGIES`] strategies or [`RATED_RUNS`] runs tried it.
    pub fn rate_tasks(&self) -> Result<Rating, StoreError> {
        self.write("rating tasks", |change| {
            let mut rating = Rating::default();
            let mut update = change.prepare_cached(
                "UPDATE arc_tasks SET difficulty = ?2, updated_at = ?3 WHERE digest = ?1 AND difficulty <> ?2",
            )?;
            for (digest, sample) in samples(change)? {
                let runs: usize = sample.iter().map(|(runs, _)| runs).sum();
                if sample.len() < RATED_STRATEGIES || runs < RATED_RUNS {
                    rating.too_few_runs += 1;
                    continue;
                }
                let shares = sample.iter().map(|&(runs, solved)| solved as f64 / runs as f64);
                let difficulty = Difficulty::of(shares.sum::<f64>() / sample.len() as f64);
                match difficulty {
                    Difficulty::Easy => rating.easy += 1,
                    Difficulty::Medium => rating.medium += 1,
                    Difficulty::Hard | Difficulty::Unknown => rating.hard += 1,
                }
                rating.changed += update.execute(params![digest, difficulty.as_str(), now()])?;
            }
            if rating.changed > 0 {
                refresh_all(change)?;
                change.note(Entry {
                    action: "tasks.rate",
                    subject_kind: "arc_tasks",
                    subject_id: "all".to_owned(),
                    before: None,
                    after: Some(json!(rating)),
                });
            }
            Ok(rating)
        })
    }
}

/// Of a task with known outputs: runs and solved runs, an entry a strategy.
fn samples(connection: &Connection) -> Result<BTreeMap<String, Vec<(usize, usize)>>, Failure> {
    let mut select = connection.prepare_cached(
        "SELECT r.task_digest, count(*), sum(r.outcome = 'solved')
         FROM runs r JOIN plugin_versions v ON v.id = r.plugin_version_id
         WHERE r.finished_at IS NOT NULL AND r.outcome NOT IN ('unscored', 'refused', 'past_deadline', 'host_fault')
           AND EXISTS (SELECT 1 FROM arc_tasks t WHERE t.digest = r.task_digest AND NOT EXISTS (
               SELECT 1 FROM task_pairs p WHERE p.task_id = t.id AND p.part = 'test' AND p.output IS NULL))
         GROUP BY r.task_digest, v.plugin_id",
    )?;
    let mut rows = select.query([])?;
    let mut samples: BTreeMap<String, Vec<(usize, usize)>> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let sample = (row.get::<_, i64>(1)? as usize, row.get::<_, i64>(2)? as usize);
        samples.entry(row.get(0)?).or_default().push(sample);
    }
    Ok(samples)
}

/// Makes the families that features name where they are not there yet; their ids by name.
pub(crate) fn keep<'a>(
    change: &Change<'_>,
    all: impl Iterator<Item = &'a Features>,
    at: i64,
) -> Result<BTreeMap<String, String>, Failure> {
    let mut insert = change.prepare_cached(
        "INSERT INTO task_families (id, name, description, created_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (name) DO UPDATE SET description = excluded.description RETURNING id",
    )?;
    let mut ids = BTreeMap::new();
    for (name, description) in families_of(all) {
        let id: String = insert.query_row(params![new_id(), name, description, at], |row| row.get(0))?;
        ids.insert(name, id);
    }
    Ok(ids)
}

/// Takes away families without tasks, and derives anew what the others say of theirs.
pub(crate) fn refresh_all(change: &Change<'_>) -> Result<(), Failure> {
    change.execute(
        "DELETE FROM task_families WHERE id NOT IN (SELECT family_id FROM arc_tasks WHERE family_id IS NOT NULL)",
        [],
    )?;
    let ids: Vec<String> = change
        .prepare_cached("SELECT id FROM task_families")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    refresh(change, ids.iter())
}

/// Derives what a family says of its tasks.
pub(crate) fn refresh<'a>(change: &Change<'_>, ids: impl Iterator<Item = &'a String>) -> Result<(), Failure> {
    let mut select = change.prepare_cached(
        "WITH mine AS MATERIALIZED (
             SELECT t.digest, x.hints, x.patterns FROM arc_tasks t JOIN task_features x ON x.task_id = t.id
             WHERE t.family_id = ?1 GROUP BY t.digest)
         SELECT e.value, count(*) * 1.0 / (SELECT count(*) FROM mine) AS share
         FROM (SELECT hints AS list FROM mine UNION ALL SELECT patterns FROM mine) l, json_each(l.list) e
         GROUP BY e.value HAVING share >= ?2 ORDER BY share DESC, e.value",
    )?;
    let mut update = change.prepare_cached(
        "UPDATE task_families SET common_patterns = ?2, avg_difficulty = (
             SELECT avg(CASE difficulty WHEN 'easy' THEN 1 WHEN 'medium' THEN 2 ELSE 3 END)
             FROM (SELECT DISTINCT digest, difficulty FROM arc_tasks
                   WHERE family_id = ?1 AND difficulty <> 'unknown'))
         WHERE id = ?1",
    )?;
    for id in ids {
        let common: Vec<CommonPattern> = select
            .query_map(params![id, COMMON], |row| {
                let share: f64 = row.get(1)?;
                Ok(CommonPattern { pattern: row.get(0)?, share: (share * 1e3).round() / 1e3 })
            })?
            .collect::<rusqlite::Result<_>>()?;
        update.execute(params![id, json(&common)])?;
    }
    Ok(())
}

const LINES: &str = "
    SELECT t.id, t.code, d.name, d.version, t.split, t.difficulty, f.name, x.size_relation, x.hints
    FROM arc_tasks t JOIN datasets d ON d.id = t.dataset_id
    LEFT JOIN task_families f ON f.id = t.family_id
    LEFT JOIN task_features x ON x.task_id = t.id";

const OF_DATASET: &str = " AND t.dataset_id =
    (SELECT id FROM datasets WHERE name = :dataset ORDER BY created_at DESC, id DESC LIMIT 1)";

const OF_HINT: &str = " AND EXISTS (SELECT 1 FROM json_each(x.hints) h WHERE h.value = :hint)";

/// A task's line by its row.
pub(crate) fn line(connection: &Connection, task_row: &str) -> Result<TaskLine, Failure> {
    let mut select = connection.prepare_cached(&format!("{LINES} WHERE t.id = ?1"))?;
    let mut rows = select.query([task_row])?;
    let row = rows.next()?.ok_or_else(|| Failure::Row(format!("task {task_row} is not there")))?;
    parse_line(row)
}

fn parse_line(row: &Row<'_>) -> Result<TaskLine, Failure> {
    let difficulty: String = row.get(5)?;
    let hints: Option<String> = row.get(8)?;
    Ok(TaskLine {
        row: row.get(0)?,
        id: row.get(1)?,
        dataset: row.get(2)?,
        version: row.get(3)?,
        split: parse_split(&row.get::<_, String>(4)?)?,
        difficulty: Difficulty::parse(&difficulty)
            .ok_or_else(|| Failure::Row(format!("difficulty {difficulty:?}")))?,
        family: row.get(6)?,
        size_relation: row.get(7)?,
        hints: hints.map(|text| parse_json(&text, "the hints of a task")).transpose()?.unwrap_or_default(),
    })
}
