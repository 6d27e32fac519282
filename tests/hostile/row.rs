//! What must hold of a stored run: what its case states, and what holds of every run.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use stratagem_domain::{Ending, Limits, StoredRun};

use crate::case::Case;

/// The most characters of a plugin's last words that are kept.
const LAST_WORDS: usize = 2_000;

/// What of a run is not as its case states, or beyond its limits.
pub fn faults(case: &Case, limits: &Limits, run: &StoredRun) -> Vec<String> {
    let mut faults = Vec::new();
    let (got, reason) = (run.outcome, run.ending.reason().unwrap_or_default());
    if got != case.outcome {
        faults.push(format!("outcome {} ({reason}), stated is {}", got.as_str(), case.outcome.as_str()));
    }
    let refusal = match &run.ending {
        Ending::Refused { cause, .. } => Some(*cause),
        _ => None,
    };
    if refusal != case.cause {
        faults.push(format!("cause {refusal:?} ({reason}), stated is {:?}", case.cause));
    }
    if let Some(wanted) = &case.reason
        && !reason.contains(wanted.as_str())
    {
        faults.push(format!("the reason {reason:?} lacks {wanted:?}"));
    }
    if reason.chars().count() > LAST_WORDS.max(limits.rationale_bytes as usize) {
        faults.push(format!("the reason has {} characters", reason.chars().count()));
    }
    if !run.usage.limits_hit.iter().eq(&case.hits) {
        faults.push(format!("limits hit {:?}, stated are {:?}", run.usage.limits_hit, case.hits));
    }
    for (name, span) in &case.row {
        match measured(run, name) {
            None => faults.push(format!("nothing measures `{name}`")),
            Some(value) if !span.contains(value) => faults.push(format!("{name} {value}, stated is {span}")),
            Some(_) => {}
        }
    }
    for words in case.says.iter().filter(|words| !texts(run).any(|text| text.contains(words.as_str()))) {
        faults.push(format!("no answer, step or line says {words:?}"));
    }
    faults.extend(beyond(limits, run));
    faults
}

/// A number of a row by its name in `case.toml`: a count of what is kept, or a field of its usage.
fn measured(run: &StoredRun, name: &str) -> Option<u64> {
    Some(match name {
        "answers" => run.answers.len() as u64,
        "steps" => run.steps.len() as u64,
        "log_lines" => run.log.len() as u64,
        name => usage(run).get(name)?.as_u64()?,
    })
}

/// All that was measured, but for the clock.
fn usage(run: &StoredRun) -> Value {
    let mut usage = serde_json::to_value(&run.usage).unwrap_or_default();
    usage["cpu_seconds"] = Value::Null;
    usage
}

fn texts(run: &StoredRun) -> impl Iterator<Item = &str> {
    let answers = run.answers.iter().map(|stored| stored.answer.rationale.as_str());
    let steps = run.steps.iter().flat_map(|step| [step.action.as_str(), step.detail.as_str()]);
    answers.chain(steps).chain(run.log.iter().map(|line| line.message.as_str()))
}

/// The limits that a run got past.
fn beyond(limits: &Limits, run: &StoredRun) -> Vec<String> {
    let usage = &run.usage;
    let kept = run.steps.iter().map(|step| step.action.len() + step.detail.len()).sum::<usize>()
        + run.log.iter().map(|line| line.message.len()).sum::<usize>();
    let rationale = run.answers.iter().map(|stored| stored.answer.rationale.len()).max().unwrap_or(0);
    let held = [
        ("fuel_spent", usage.fuel_spent, limits.fuel),
        ("memory_peak_bytes", usage.memory_peak_bytes, limits.memory_bytes()),
        // The call that is one too many is counted, and so are its bytes.
        ("host_calls", usage.host_calls, limits.host_calls + 1),
        ("lifted_bytes", usage.lifted_bytes, limits.lifted_bytes + limits.lifted_bytes_call),
        ("answers", run.answers.len() as u64, limits.answers),
        ("answers_offered", usage.answers_offered, run.answers.len() as u64),
        ("rationale_bytes", rationale as u64, limits.rationale_bytes),
        ("steps", run.steps.len() as u64, limits.steps),
        ("log_bytes", kept as u64, limits.log_bytes),
    ];
    held.iter()
        .filter(|(_, value, limit)| value > limit)
        .map(|(name, value, limit)| format!("{name} {value}: limit {limit}"))
        .collect()
}

/// The first difference of two runs of one recipe, but for the clock.
pub fn difference(first: &StoredRun, run: &StoredRun) -> Option<String> {
    let differs = |what: &str, first: &dyn std::fmt::Debug, now: &dyn std::fmt::Debug| {
        Some(format!("{what} {now:?}, was {first:?}"))
    };
    if first.recipe != run.recipe {
        return differs("recipe", &first.recipe, &run.recipe);
    }
    if first.ending != run.ending {
        return differs("ending", &first.ending, &run.ending);
    }
    let timeless = |run: &StoredRun| {
        let mut usage = usage(run);
        usage["wall_ms"] = Value::Null;
        usage
    };
    if timeless(first) != timeless(run) {
        return differs("usage", &timeless(first), &timeless(run));
    }
    if first.answers != run.answers || first.score != run.score {
        return differs("answers", &first.answers, &run.answers);
    }
    if first.steps != run.steps || first.log != run.log {
        return differs("trajectory", &(&first.steps, &first.log), &(&run.steps, &run.log));
    }
    None
}

/// Holds the whole database to its rules, and counts its runs.
pub fn check_all(path: &Path) -> Result<u64, String> {
    let text = |error: rusqlite::Error| error.to_string();
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(text)?;
    let one = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(text);
    let sound: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).map_err(text)?;
    if sound != "ok" {
        return Err(format!("the database is damaged: {sound}"));
    }
    let wrong = [
        ("rows that point nowhere", "SELECT count(*) FROM pragma_foreign_key_check"),
        (
            "runs without exactly one row of usage, outcome, task and episode",
            "SELECT count(*) FROM runs r
             WHERE (SELECT count(*) FROM resource_usage u WHERE u.run_id = r.id) <> 1
                OR (SELECT count(*) FROM outcomes o WHERE o.run_id = r.id) <> 1
                OR (SELECT count(*) FROM run_tasks t WHERE t.run_id = r.id) <> 1
                OR (SELECT count(*) FROM episodes e WHERE e.run_id = r.id) <> 1",
        ),
        (
            "rows of usage that do not say how their run ended",
            "SELECT count(*) FROM resource_usage u JOIN runs r ON r.id = u.run_id
             WHERE u.ok <> (r.fault = 'nobody') OR (u.ok = 0 AND u.error_type <> r.outcome)
                OR (u.ok = 1 AND u.error_type IS NOT NULL)",
        ),
        ("runs that never finished", "SELECT count(*) FROM runs WHERE finished_at IS NULL"),
        ("runs that the host failed", "SELECT count(*) FROM runs WHERE fault = 'host'"),
    ];
    for (what, sql) in wrong {
        let count = one(sql)?;
        if count != 0 {
            return Err(format!("{count} {what}"));
        }
    }
    Ok(one("SELECT count(*) FROM runs")? as u64)
}
