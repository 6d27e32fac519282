use std::collections::{BTreeMap, HashSet};

use rusqlite::{Connection, OptionalExtension, Params, Row, params};
use serde::Serialize;
use stratagem_domain::{Digest, Grid, LabelledTask, Pair, Split, TaskSet};

use crate::bounds;
use crate::error::Failure;
use crate::families;
use crate::features::{self, Kept};
use crate::open::{new_id, now};
use crate::rows::{json, parse_digest, parse_json, parse_split};
use crate::writer::Change;
use crate::{Store, StoreError};

/// A stored dataset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Dataset {
    pub id: String,
    pub name: String,
    /// The first twelve digits of the digest.
    pub version: String,
    pub digest: Digest,
    /// Milliseconds since 1970, UTC.
    pub created_at: u64,
    /// Tasks by split; a split without tasks is not there.
    pub counts: BTreeMap<Split, usize>,
}

/// What came of an import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Imported {
    pub dataset: Dataset,
    /// False where the name already had this content: nothing was written.
    pub is_new: bool,
}

impl Store {
    /// Keeps a dataset, whole or not at all. The same content under the same name is kept once.
    ///
    /// *Errors*: [`StoreError::DuplicateTask`] where a split has two tasks of one id.
    pub fn import(&self, set: &TaskSet) -> Result<Imported, StoreError> {
        bounds::names(&[("name of a dataset", &set.name)])?;
        bounds::at_most("dataset", "tasks", set.tasks.len(), bounds::TASKS)?;
        let mut seen = HashSet::new();
        for (split, labelled) in &set.tasks {
            let code = &labelled.task.id;
            if !seen.insert((split, code)) {
                let (dataset, code) = (set.name.clone(), code.clone());
                return Err(StoreError::DuplicateTask { dataset, split: *split, code });
            }
        }
        let digest = set.digest();
        // Features take longer than rows: they are computed before the writer is asked for, and not for content that
        // is there. Somebody who imports the same at this moment only makes them superfluous.
        let is_there = self.read(|connection| {
            let sql = "SELECT EXISTS (SELECT 1 FROM datasets WHERE name = ?1 AND digest = ?2)";
            Ok(connection
                .query_row(sql, params![set.name, digest.to_string()], |row| row.get::<_, bool>(0))?)
        })?;
        let kept = if is_there { Vec::new() } else { features_of(set) };
        let set = set.clone();
        self.write("importing a dataset", move |connection| {
            let id: Option<String> = connection
                .query_row(
                    "SELECT id FROM datasets WHERE name = ?1 AND digest = ?2",
                    params![set.name, digest.to_string()],
                    |row| row.get(0),
                )
                .optional()?;
            let is_new = id.is_none();
            let id = match id {
                Some(id) => id,
                // Gone since it was looked for.
                None if kept.len() < set.tasks.len() => {
                    insert_dataset(connection, &set, &digest, &features_of(&set))?
                }
                None => insert_dataset(connection, &set, &digest, &kept)?,
            };
            if is_new {
                connection.made("dataset.import", "datasets", &id);
            }
            let dataset = list(connection, "WHERE d.id = ?1", [&id])?.pop();
            let dataset = dataset.ok_or_else(|| Failure::Row(format!("dataset {id} is not there")))?;
            Ok(Imported { dataset, is_new })
        })
    }

    /// Every dataset, the newest import last.
    pub fn datasets(&self) -> Result<Vec<Dataset>, StoreError> {
        self.read(|connection| list(connection, "", []))
    }

    /// A dataset by its name and version, none where there is none. A version may be cut short as
    /// long as one dataset fits; without one it is the latest import.
    pub fn dataset(&self, name: &str, version: Option<&str>) -> Result<Option<Dataset>, StoreError> {
        let mut found = self.read(|connection| list(connection, "WHERE d.name = ?1", [name]))?;
        let Some(version) = version else { return Ok(found.pop()) };
        found.retain(|dataset| dataset.digest.to_string().starts_with(&version.to_ascii_lowercase()));
        match found.len() {
            0 | 1 => Ok(found.pop()),
            found => {
                let (dataset, version) = (name.to_owned(), version.to_owned());
                Err(StoreError::AmbiguousDataset { dataset, version, found })
            }
        }
    }

    /// The tasks of a dataset or of one of its splits, by split and id.
    pub fn tasks(&self, dataset: &Dataset, split: Option<Split>) -> Result<Vec<LabelledTask>, StoreError> {
        let split = split.map(Split::as_str);
        let tasks = self.read(|connection| {
            load(connection, "t.dataset_id = ?1 AND (?2 IS NULL OR t.split = ?2)", params![dataset.id, split])
        })?;
        Ok(tasks.into_iter().map(|stored| stored.task).collect())
    }

    /// A task by its id in every dataset that has it, the newest import last.
    pub fn find_task(&self, code: &str) -> Result<Vec<(Dataset, Split, LabelledTask)>, StoreError> {
        self.read(|connection| {
            let holders = "WHERE d.id IN (SELECT dataset_id FROM arc_tasks WHERE code = ?1)";
            let mut found = Vec::new();
            for dataset in list(connection, holders, [code])? {
                for stored in load(connection, "t.dataset_id = ?1 AND t.code = ?2", [&dataset.id, code])? {
                    found.push((dataset.clone(), stored.split, stored.task));
                }
            }
            Ok(found)
        })
    }
}

fn features_of(set: &TaskSet) -> Vec<Kept> {
    set.tasks.iter().map(|(_, labelled)| Kept::of(&labelled.task)).collect()
}

fn insert_dataset(
    connection: &Change<'_>,
    set: &TaskSet,
    digest: &Digest,
    kept: &[Kept],
) -> Result<String, Failure> {
    let (id, at) = (new_id(), now());
    connection.execute(
        "INSERT INTO datasets (id, name, version, digest, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![id, set.name, digest.short(), digest.to_string(), at],
    )?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO arc_tasks (id, dataset_id, code, split, digest, family_id, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)",
    )?;
    let families = families::keep(connection, kept.iter().map(|kept| &kept.features), at)?;
    for ((split, labelled), kept) in set.tasks.iter().zip(kept) {
        let task_id = new_id();
        let digest = labelled.digest().to_string();
        let family = &families[&kept.family];
        insert.execute(params![task_id, id, labelled.task.id, split.as_str(), digest, family, at])?;
        insert_pairs(connection, &task_id, labelled)?;
        features::insert(connection, &task_id, kept, at)?;
    }
    families::refresh(connection, families.values())?;
    Ok(id)
}

fn insert_pairs(connection: &Connection, task_id: &str, labelled: &LabelledTask) -> Result<(), Failure> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO task_pairs (task_id, part, ord, input, output) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for (ord, pair) in labelled.task.train.iter().enumerate() {
        insert.execute(params![task_id, "train", ord as i64, json(&pair.input), json(&pair.output)])?;
    }
    for (ord, (input, truth)) in labelled.task.test.iter().zip(&labelled.truth).enumerate() {
        insert.execute(params![task_id, "test", ord as i64, json(input), truth.as_ref().map(json)])?;
    }
    Ok(())
}

/// Lists datasets in the order of their import. `condition` is a constant of this file.
fn list(connection: &Connection, condition: &str, params: impl Params) -> Result<Vec<Dataset>, Failure> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT d.id, d.name, d.version, d.digest, d.created_at FROM datasets d {condition}
         ORDER BY d.created_at, d.id"
    ))?;
    let mut count = connection
        .prepare_cached("SELECT split, count(*) FROM arc_tasks WHERE dataset_id = ?1 GROUP BY split")?;
    let mut rows = select.query(params)?;
    let mut datasets = Vec::new();
    while let Some(row) = rows.next()? {
        let (id, created_at): (String, i64) = (row.get(0)?, row.get(4)?);
        let counts = count
            .query_map([&id], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)? as usize)))?
            .map(|row| row.map_err(Failure::Sql).and_then(|(split, tasks)| Ok((parse_split(&split)?, tasks))))
            .collect::<Result<_, Failure>>()?;
        datasets.push(Dataset {
            name: row.get(1)?,
            version: row.get(2)?,
            digest: parse_digest(&row.get::<_, String>(3)?)?,
            created_at: created_at as u64,
            counts,
            id,
        });
    }
    Ok(datasets)
}

pub(crate) struct StoredTask {
    /// Of `arc_tasks`.
    pub(crate) id: String,
    pub(crate) split: Split,
    pub(crate) task: LabelledTask,
}

/// Loads tasks by split and id. `condition` is a constant of this crate.
pub(crate) fn load(
    connection: &Connection,
    condition: &str,
    params: impl Params,
) -> Result<Vec<StoredTask>, Failure> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT t.id, t.code, t.split, t.digest, p.part, p.input, p.output
         FROM arc_tasks t LEFT JOIN task_pairs p ON p.task_id = t.id
         WHERE {condition} ORDER BY t.split, t.code, t.id, p.part DESC, p.ord"
    ))?;
    let mut rows = select.query(params)?;
    let mut drafts: Vec<Draft> = Vec::new();
    while let Some(row) = rows.next()? {
        let id: String = row.get(0)?;
        if drafts.last().is_none_or(|draft| draft.id != id) {
            drafts.push(Draft::new(id, row)?);
        }
        if let (Some(draft), Some(part)) = (drafts.last_mut(), row.get::<_, Option<String>>(4)?) {
            draft.add(&part, row)?;
        }
    }
    let mut tasks = drafts.into_iter().map(Draft::finish).collect::<Result<Vec<_>, _>>()?;
    tasks.sort_by_key(|stored| stored.split);
    Ok(tasks)
}

/// A task while its rows arrive, demonstrations first.
struct Draft {
    id: String,
    code: String,
    split: Split,
    digest: Digest,
    train: Vec<Pair>,
    test: Vec<(Grid, Option<Grid>)>,
}

impl Draft {
    fn new(id: String, row: &Row<'_>) -> Result<Self, Failure> {
        Ok(Self {
            id,
            code: row.get(1)?,
            split: parse_split(&row.get::<_, String>(2)?)?,
            digest: parse_digest(&row.get::<_, String>(3)?)?,
            train: Vec::new(),
            test: Vec::new(),
        })
    }

    fn add(&mut self, part: &str, row: &Row<'_>) -> Result<(), Failure> {
        let input = parse_json(&row.get::<_, String>(5)?, "the input of a pair")?;
        let output: Option<String> = row.get(6)?;
        let output = output.map(|text| parse_json(&text, "the output of a pair")).transpose()?;
        match (part, output) {
            ("train", Some(output)) => self.train.push(Pair { input, output }),
            ("test", output) => self.test.push((input, output)),
            _ => return Err(Failure::Row(format!("a {part} pair of task {} without output", self.code))),
        }
        Ok(())
    }

    fn finish(self) -> Result<StoredTask, Failure> {
        let task = LabelledTask::new(&self.code, self.train, self.test)
            .map_err(|error| Failure::Row(format!("task {}: {error}", self.code)))?;
        if task.digest() != self.digest {
            return Err(Failure::Row(format!("task {} does not have its digest", self.code)));
        }
        Ok(StoredTask { id: self.id, split: self.split, task })
    }
}
