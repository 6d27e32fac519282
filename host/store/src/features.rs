//! Features of tasks: kept when a dataset is imported, found again by what is near.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use serde_json::json;
use stratagem_domain::{Digest, Features, Task};

use crate::audit::Entry;
use crate::datasets;
use crate::error::Failure;
use crate::families::{self, TaskLine};
use crate::open::now;
use crate::rows::{json, parse_json};
use crate::writer::Change;
use crate::{Store, StoreError};

/// Tasks whose features are computed again in one transaction.
const REBUILT_AT_ONCE: usize = 100;

/// A task that is near another.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SimilarTask {
    #[serde(flatten)]
    pub line: TaskLine,
    /// The cosine of the two vectors: 1 for tasks that no feature tells apart.
    pub similarity: f64,
}

impl Store {
    /// The features of a task by its row; none where it was imported before there were any.
    pub fn features(&self, task_row: &str) -> Result<Option<Features>, StoreError> {
        self.read(|connection| {
            let detail: Option<Option<String>> = connection
                .prepare_cached("SELECT detail FROM task_features WHERE task_id = ?1 AND extractor = ?2")?
                .query_row([task_row, Features::EXTRACTOR], |row| row.get(0))
                .optional()?;
            detail.flatten().map(|text| parse_json(&text, "the features of a task")).transpose()
        })
    }

    /// The tasks whose features are nearest, nearest first; the same content in several datasets is one task, and
    /// the task itself is left out. Nothing where it has no features.
    pub fn similar_tasks(&self, task_row: &str, limit: usize) -> Result<Vec<SimilarTask>, StoreError> {
        self.read(|connection| {
            let Some((digest, vector)) = vectors(connection, "AND e.subject_id = ?2", Some(task_row))?
                .pop()
                .map(|found| (found.digest, found.vector))
            else {
                return Ok(Vec::new());
            };
            let mut near: Vec<(f64, Embedded)> = vectors(connection, "", None)?
                .into_iter()
                .filter(|other| other.digest != digest && other.vector.len() == vector.len())
                .map(|other| (cosine(&vector, &other.vector), other))
                .collect();
            near.sort_by(|(one, a), (other, b)| match other.total_cmp(one) {
                Ordering::Equal => a.task_row.cmp(&b.task_row),
                order => order,
            });
            let mut seen = HashSet::new();
            near.retain(|(_, other)| seen.insert(other.digest.clone()));
            near.truncate(limit);
            let line = |(similarity, other): (f64, Embedded)| {
                let line = families::line(connection, &other.task_row)?;
                Ok(SimilarTask { line, similarity })
            };
            near.into_iter().map(line).collect()
        })
    }

    /// Computes the features of every task again, and from them the families. `progress` hears how many of how many
    /// are done. What is done stays where this is interrupted.
    pub fn rebuild_features(&self, mut progress: impl FnMut(usize, usize)) -> Result<usize, StoreError> {
        let rows: Vec<String> = self.read(|connection| {
            let mut select = connection.prepare("SELECT id FROM arc_tasks ORDER BY id")?;
            Ok(select.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
        })?;
        progress(0, rows.len());
        for (batch, ids) in rows.chunks(REBUILT_AT_ONCE).enumerate() {
            let ids = json(&ids);
            let tasks = self.read(|connection| {
                datasets::load(connection, "t.id IN (SELECT value FROM json_each(?1))", [&ids])
            })?;
            let found: Vec<(String, Kept)> =
                tasks.into_iter().map(|stored| (stored.id, Kept::of(&stored.task.task))).collect();
            let count = found.len();
            self.write("computing features", move |change| {
                let at = now();
                let families = families::keep(change, found.iter().map(|(_, kept)| &kept.features), at)?;
                for (id, kept) in &found {
                    change
                        .prepare_cached("UPDATE arc_tasks SET family_id = ?2, updated_at = ?3 WHERE id = ?1")?
                        .execute(params![id, families[&kept.family], at])?;
                    insert(change, id, kept, at)?;
                }
                note(change, "features.rebuild", count);
                Ok(())
            })?;
            progress((batch * REBUILT_AT_ONCE + count).min(rows.len()), rows.len());
        }
        self.write("computing families", |change| {
            forget(change)?;
            families::refresh_all(change)?;
            note(change, "families.rebuild", 0);
            Ok(())
        })?;
        Ok(rows.len())
    }
}

fn note(change: &Change<'_>, action: &'static str, tasks: usize) {
    change.note(Entry {
        action,
        subject_kind: "task_features",
        subject_id: Features::EXTRACTOR.to_owned(),
        before: None,
        after: Some(json!({ "tasks": tasks })),
    });
}

/// Features with what is derived from them, computed before the writer is asked for.
pub(crate) struct Kept {
    pub(crate) features: Features,
    pub(crate) family: String,
    vector: Vec<u8>,
}

impl Kept {
    /// Of a [`Task`]: the outputs of the tests are not at hand here.
    pub(crate) fn of(task: &Task) -> Self {
        let features = Features::of(task);
        let vector = features.vector().into_iter().flat_map(f32::to_le_bytes).collect();
        Self { family: features.family(), vector, features }
    }
}

/// Writes the features and the vector of a task, in place of those that there are.
pub(crate) fn insert(change: &Change<'_>, task_row: &str, kept: &Kept, at: i64) -> Result<(), Failure> {
    let Kept { features, vector, .. } = kept;
    let first = features.first();
    change
        .prepare_cached(
            "INSERT OR REPLACE INTO task_features (task_id, width, height, color_count, object_count, symmetry,
                 size_relation, patterns, hints, detail, extractor, computed_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?
        .execute(params![
            task_row,
            first.width as i64,
            first.height as i64,
            first.colours.len() as i64,
            first.objects.eight as i64,
            first.symmetry.any(),
            features.size_relation.as_str(),
            json(&features.motifs),
            json(&features.hints),
            json(features),
            features.extractor,
            at,
        ])?;
    change
        .prepare_cached(
            "DELETE FROM embeddings WHERE subject_kind = 'task' AND subject_id = ?1 AND model = ?2",
        )?
        .execute([task_row, &features.extractor])?;
    change
        .prepare_cached(
            "INSERT INTO embeddings (subject_kind, subject_id, model, dim, vec, content_hash, created_at)
             VALUES ('task', ?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            task_row,
            features.extractor,
            (vector.len() / size_of::<f32>()) as i64,
            vector,
            Digest::of(vector).to_string(),
            at,
        ])?;
    Ok(())
}

/// Takes away what older rules left, and vectors of tasks that are gone.
fn forget(change: &Change<'_>) -> Result<(), Failure> {
    change.execute("DELETE FROM task_features WHERE extractor <> ?1", [Features::EXTRACTOR])?;
    change.execute(
        "DELETE FROM embeddings WHERE subject_kind = 'task' AND model GLOB 'features-*'
             AND (model <> ?1 OR subject_id NOT IN (SELECT id FROM arc_tasks))",
        [Features::EXTRACTOR],
    )?;
    Ok(())
}

/// A task's vector as it is stored.
struct Embedded {
    task_row: String,
    digest: String,
    vector: Vec<f32>,
}

/// Reads vectors. `condition` is a constant of this file.
fn vectors(connection: &Connection, condition: &str, of: Option<&str>) -> Result<Vec<Embedded>, Failure> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT t.id, t.digest, e.vec FROM embeddings e JOIN arc_tasks t ON t.id = e.subject_id
         WHERE e.subject_kind = 'task' AND e.model = ?1 {condition} ORDER BY t.id"
    ))?;
    let read = |row: &rusqlite::Row<'_>| {
        let bytes = row.get_ref(2)?.as_blob()?;
        let numbers = bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
        Ok(Embedded { task_row: row.get(0)?, digest: row.get(1)?, vector: numbers.collect() })
    };
    let found = match of {
        Some(task_row) => select.query_map([Features::EXTRACTOR, task_row], read)?.collect(),
        None => select.query_map([Features::EXTRACTOR], read)?.collect::<rusqlite::Result<Vec<_>>>(),
    };
    Ok(found?)
}

/// Of vectors of length 1.
fn cosine(one: &[f32], other: &[f32]) -> f64 {
    one.iter().zip(other).map(|(a, b)| f64::from(a * b)).sum()
}

/// The families that a set of features belongs to, by name, with what describes each.
pub(crate) fn families_of<'a>(all: impl Iterator<Item = &'a Features>) -> BTreeMap<String, String> {
    let mut seen = BTreeSet::new();
    all.filter(|features| seen.insert(features.family()))
        .map(|features| (features.family(), features.family_description()))
        .collect()
}
