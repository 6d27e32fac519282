//! What runs trained on one task and kept: the weights by their digest, with what they were trained on.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use stratagem_domain::training::{AdaptationNumber, Metrics, Said, Trained, Training};
use stratagem_domain::{Call, Exchange, Pair, Reply};

use crate::error::Failure;
use crate::learned;
use crate::memory::RunMemory;
use crate::rows::json;
use crate::writer::Change;

/// One of a run's adaptations, as far as its journal tells.
#[derive(Serialize)]
struct Course<'a> {
    #[serde(skip)]
    base: &'a str,
    #[serde(skip)]
    demonstrations: &'a [Pair],
    steps: u64,
    last_loss: Option<f32>,
    accuracy: Option<f32>,
    device: &'a str,
    device_ms: u64,
}

/// Writes a row for each adaptation that the run kept, and counts the uses of those that it went on from.
pub(crate) fn keep(change: &Change<'_>, task: &str, journal: &[Exchange], now: i64) -> Result<(), Failure> {
    let mut courses: HashMap<AdaptationNumber, Course<'_>> = HashMap::new();
    for exchange in journal {
        let (Call::Training(asked), Ok(Reply::Trained(Trained { said, device_ms, .. }))) =
            (&exchange.call, &exchange.reply)
        else {
            continue;
        };
        match (asked, said) {
            (Training::Start { base, demonstrations, .. }, Said::Started(number)) => {
                let base = base.as_deref().unwrap_or("compression");
                let course = Course {
                    base,
                    demonstrations,
                    steps: 0,
                    last_loss: None,
                    accuracy: None,
                    device: "",
                    device_ms: *device_ms,
                };
                courses.insert(*number, course);
                // Names of models are no ids: they match nothing.
                change
                    .prepare_cached(
                        "UPDATE ttt_adaptations SET use_count = use_count + 1, last_used_at = ?2 WHERE id = ?1",
                    )?
                    .execute(params![base, now])?;
            }
            (Training::Train { adaptation, .. }, Said::Metrics(metrics)) => {
                let Some(course) = courses.get_mut(adaptation) else { continue };
                let Metrics { steps, losses, accuracy, device } = metrics;
                course.steps += u64::from(*steps);
                course.last_loss = losses.last().copied().or(course.last_loss);
                (course.accuracy, course.device) = (Some(*accuracy), device);
                course.device_ms += device_ms;
            }
            (Training::Save { adaptation }, Said::Saved { id, weights }) => {
                let Some(course) = courses.get(adaptation) else { continue };
                save(change, task, (id, weights), course, now)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// The same weights are one row, however often they come out.
fn save(
    change: &Change<'_>,
    task: &str,
    (id, weights): (&str, &[u8]),
    course: &Course<'_>,
    now: i64,
) -> Result<(), Failure> {
    let digest = learned::put(change, weights)?;
    // What it went on from says which model it is.
    let base = find(change, course.base)?.map_or_else(|| course.base.to_owned(), |kept| kept.0);
    change
        .prepare_cached(
            "INSERT INTO ttt_adaptations (id, task_id, base_checkpoint, weights_digest, examples, metrics, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO NOTHING",
        )?
        .execute(params![id, task, base, digest, json(&course.demonstrations), json(course), now])?;
    Ok(())
}

/// The model's name and the weights of what was kept under an id.
fn find(connection: &Connection, id: &str) -> Result<Option<(String, Vec<u8>)>, Failure> {
    let row: Option<(String, String)> = connection
        .prepare_cached("SELECT base_checkpoint, weights_digest FROM ttt_adaptations WHERE id = ?1")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((base, digest)) = row else { return Ok(None) };
    Ok(learned::bytes(connection, &digest)?.map(|weights| (base, weights)))
}

impl RunMemory {
    /// The model's name and the weights of what a run kept under an id; none where nothing is kept, or cannot be read.
    pub fn adaptation(&self, id: &str) -> Option<(String, Vec<u8>)> {
        self.readers.read(|connection| find(connection, id)).ok().flatten()
    }
}
