//! How much of each kind the store takes: a text is measured before it is copied, so that one too long costs nothing.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;
use stratagem_domain::{StoredRun, grouped, quote};

use crate::StoreError;

/// Bytes of a name, a version, a kind or another word.
pub const NAME_BYTES: usize = 1_024;
/// Bytes of a message.
pub const MESSAGE_BYTES: usize = 65_536;
/// Bytes of JSON that describes something.
pub const JSON_BYTES: usize = 1_048_576;
/// Levels of brackets in JSON: `SQLite` reads at most a thousand.
pub const JSON_DEPTH: usize = 100;
/// Bytes of a manifest or a signature.
pub const PAPER_BYTES: usize = 1_048_576;
/// Bytes of a component, as the sandbox takes them.
pub const COMPONENT_BYTES: usize = 67_108_864;
/// Bytes of all that a run says: rationales, steps, log, settings. Its limits allow less.
pub const RUN_BYTES: usize = 134_217_728;
/// Bytes of the journal of a run as JSON, where bytes of artifacts take up to four each.
pub const JOURNAL_BYTES: usize = 1_073_741_824;
/// Tasks of a dataset.
pub const TASKS: usize = 1_000_000;

/// Refuses what is too large. `what` names it for people.
pub(crate) fn at_most(what: &str, unit: &str, found: usize, limit: usize) -> Result<(), StoreError> {
    if found <= limit {
        return Ok(());
    }
    let (found, limit) = (grouped(found as u64), grouped(limit as u64));
    Err(StoreError::Invalid {
        what: format!("{what} has {found} {unit}: limit {limit}"),
        hint: Some("give less of it; nothing was stored".to_owned()),
    })
}

/// Refuses text that is too long.
pub(crate) fn text(what: &str, text: &str, limit: usize) -> Result<(), StoreError> {
    at_most(what, "bytes", text.len(), limit)
}

/// Refuses names that are too long: pairs of what a name is of and the name.
pub(crate) fn names(names: &[(&str, &str)]) -> Result<(), StoreError> {
    names.iter().try_for_each(|(what, name)| text(what, name, NAME_BYTES))
}

/// Refuses text that is too long or no JSON.
pub(crate) fn json_text(what: &str, json: &str, limit: usize) -> Result<(), StoreError> {
    text(what, json, limit)?;
    let parsed: Result<Value, _> = serde_json::from_str(json);
    let parsed = parsed.map_err(|error| StoreError::Invalid {
        what: format!("{what} is no JSON: {error}: {}", quote(json, 80)),
        hint: Some("give one JSON value".to_owned()),
    })?;
    at_most(what, "levels", depth(&parsed), JSON_DEPTH)
}

/// Writes a value as JSON and stops where it is too long.
pub(crate) fn json(what: &str, value: &Value, limit: usize) -> Result<String, StoreError> {
    at_most(what, "levels", depth(value), JSON_DEPTH)?;
    at_most(what, "bytes", json_bytes(value, limit), limit)?;
    Ok(value.to_string())
}

/// The length of a value as JSON, counted to the first piece past `limit`.
fn json_bytes(value: &impl Serialize, limit: usize) -> usize {
    let mut count = Count { bytes: 0, limit };
    // Only the count can fail, and then it says more than the limit.
    let _ = serde_json::to_writer(&mut count, value);
    count.bytes
}

/// How many brackets are open at once; counts no further than what is refused.
fn depth(value: &Value) -> usize {
    let (mut level, mut depth) = (vec![value], 0);
    while !level.is_empty() && depth <= JSON_DEPTH {
        let mut below = Vec::new();
        for value in level {
            match value {
                Value::Array(values) => below.extend(values),
                Value::Object(fields) => below.extend(fields.values()),
                _ => {}
            }
        }
        level = below;
        depth += 1;
    }
    depth
}

/// Refuses a run that says more than any run may.
pub(crate) fn run(run: &StoredRun) -> Result<(), StoreError> {
    let plugin = &run.recipe.plugin;
    names(&[
        ("name of a strategy", &plugin.name),
        ("version of a strategy", &plugin.version),
        ("kind of a strategy", &plugin.kind),
        ("domain of a run", run.place.domain.as_deref().unwrap_or_default()),
    ])?;
    let answers =
        run.answers.iter().map(|stored| stored.answer.rationale.len() + stored.answer.grid.cells().len());
    let steps = run.steps.iter().map(|step| step.action.len() + step.detail.len());
    let log = run.log.iter().map(|line| line.message.len());
    let settings = run.recipe.settings.iter().map(|(name, value)| name.len() + value.len());
    let said = answers.chain(steps).chain(log).chain(settings).sum::<usize>();
    let said = said + json_bytes(&run.ending, RUN_BYTES);
    at_most("what a run says", "bytes", said, RUN_BYTES)?;
    if run.journal.is_empty() {
        return Ok(());
    }
    at_most("journal of a run", "bytes", json_bytes(&run.journal, JOURNAL_BYTES), JOURNAL_BYTES)
}

struct Count {
    bytes: usize,
    limit: usize,
}

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes += bytes.len();
        if self.bytes > self.limit { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
