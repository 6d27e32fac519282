//! Experiments: a question, the arms that answer it, and the tasks on which they do.
//!
//! The tasks are chosen and frozen when an experiment is first run, the same for every arm. It is completed when every
//! frozen task of every arm has ended, and by nothing else; one that was cancelled stays so.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json as value};
use stratagem_domain::{LimitsOverlay, quote};

use crate::audit::Entry;
use crate::documents::{check_words, invalid};
use crate::error::Failure;
use crate::evaluations::{self, Evaluation, NewEvaluation};
use crate::open::{new_id, now};
use crate::rows::{json, parse_json};
use crate::selection::{Chosen, Selection};
use crate::writer::Change;
use crate::{Store, StoreError};

/// Characters of a name.
const NAME_CHARS: usize = 200;
/// Fewer characters of an id would name many experiments.
const LEAST_PREFIX: usize = 8;
const MAX_ARMS: usize = 32;

/// One arm: a strategy and what it is configured with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Arm {
    pub name: String,
    /// By name or path.
    pub strategy: String,
    /// Of `document_versions`, and as people write it: NAME@VERSION.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setup: Option<String>,
    pub seed: u64,
    /// What the command line asked for.
    pub limits: LimitsOverlay,
    /// The parts of the tasks that what was learned is kept apart for; none where it is used as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folds: Option<usize>,
}

/// An experiment before it is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewExperiment {
    pub name: String,
    pub hypothesis: Option<String>,
    pub description: Option<String>,
    pub arms: Vec<Arm>,
    pub selection: Selection,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Experiment {
    pub id: String,
    pub name: String,
    pub hypothesis: Option<String>,
    pub description: Option<String>,
    pub arms: Vec<Arm>,
    pub selection: Selection,
    pub status: String,
    /// What the arms came to, written when it was completed.
    pub results: Option<Value>,
    pub insights: Vec<Insight>,
    pub owner: String,
    /// Milliseconds since 1970, UTC.
    pub created_at: u64,
    pub started_at: Option<u64>,
    pub finished_at: Option<u64>,
}

/// What somebody concluded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Insight {
    pub at: u64,
    pub by: String,
    pub text: String,
}

impl Store {
    /// Keeps an experiment that is still to be run. Its tasks are chosen now to see that there are some, and frozen
    /// when it is run.
    pub fn new_experiment(&self, new: &NewExperiment) -> Result<Experiment, StoreError> {
        check_name(&new.name)?;
        [&new.hypothesis, &new.description].into_iter().flatten().try_for_each(|words| check_words(words))?;
        check_arms(&new.arms)?;
        self.choose(&new.selection)?;
        let new = new.clone();
        self.write("beginning an experiment", move |change| {
            if find(change, &new.name)?.is_some() {
                let what = format!("there is an experiment {} already", quote(&new.name, 80));
                return Err(invalid(what, "choose another name").into());
            }
            let (id, at) = (new_id(), now());
            change.execute(
                "INSERT INTO experiments (id, name, description, hypothesis, strategy_configs_json, selection, owner_id,
                     created_at, updated_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)",
                params![
                    id,
                    new.name,
                    new.description,
                    new.hypothesis,
                    json(&new.arms),
                    json(&new.selection),
                    change.actor.id,
                    at
                ],
            )?;
            change.made("experiment.new", "experiments", &id);
            load(change, &id)
        })
    }

    /// An experiment by its name, its id or the beginning of it.
    pub fn experiment(&self, name: &str) -> Result<Experiment, StoreError> {
        self.read(|connection| {
            let found = find(connection, name)?;
            let id = found.ok_or_else(|| {
                let what = format!("no experiment {}", quote(name, 80));
                invalid(what, "list them with `stratagem experiment list`")
            })?;
            load(connection, &id)
        })
    }

    /// Experiments, the newest first.
    pub fn experiments(&self, limit: usize) -> Result<Vec<Experiment>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read(|connection| {
            let ids = connection
                .prepare("SELECT id FROM experiments ORDER BY created_at DESC, id DESC LIMIT ?1")?
                .query_map([limit], |row| row.get(0))?
                .collect::<rusqlite::Result<Vec<String>>>()?;
            ids.iter().map(|id| load(connection, id)).collect()
        })
    }

    /// Freezes tasks and arms: from here on nothing about them changes. Where somebody else has done it, theirs holds.
    pub fn start_experiment(
        &self,
        id: &str,
        arms: &[NewEvaluation],
        tasks: &[Chosen],
    ) -> Result<Vec<Evaluation>, StoreError> {
        let (id, arms) = (id.to_owned(), arms.to_vec());
        let tasks: Vec<String> = tasks.iter().map(|task| task.id.clone()).collect();
        self.write("starting an experiment", move |change| {
            if status_of(change, &id)? == "created" {
                for arm in &arms {
                    evaluations::insert(change, arm, Some(&id), &tasks, false)?;
                }
                change.execute(
                    "UPDATE experiments SET status = 'running', started_at = ?2, updated_at = ?2 WHERE id = ?1",
                    params![id, now()],
                )?;
                note(change, "experiment.start", &id, "running");
            }
            evaluations::list(change, "e.experiment_id = ?1 ORDER BY e.created_at, e.id", [&id])
        })
    }

    /// Takes an arm for this process, until [`Self::end_evaluation`].
    ///
    /// *Errors*: where another process works on it, or it has ended.
    pub fn claim_evaluation(&self, id: &str) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.write("taking an arm", move |change| evaluations::claim(change, &id))
    }

    /// Completes an experiment of which every frozen task has ended; returns the status that it has then.
    pub fn settle_experiment(&self, id: &str, results: &Value) -> Result<String, StoreError> {
        let (id, results) = (id.to_owned(), results.to_string());
        self.write("completing an experiment", move |change| {
            let before = status_of(change, &id)?;
            let open: i64 = change.query_row(
                "SELECT count(*) FROM evaluations e WHERE e.experiment_id = ?1 AND (e.status <> 'completed' OR EXISTS
                     (SELECT 1 FROM evaluation_tasks k WHERE k.evaluation_id = e.id AND k.status IN ('pending', 'running')))",
                [&id],
                |row| row.get(0),
            )?;
            if before != "running" || open > 0 {
                return Ok(before);
            }
            change.execute(
                "UPDATE experiments SET status = 'completed', results = ?2, finished_at = ?3, updated_at = ?3
                 WHERE id = ?1",
                params![id, results, now()],
            )?;
            note(change, "experiment.complete", &id, "completed");
            Ok("completed".to_owned())
        })
    }

    /// Cancels an experiment and what is open of it; what was run stays.
    pub fn cancel_experiment(&self, id: &str) -> Result<Experiment, StoreError> {
        let id = id.to_owned();
        self.write("cancelling an experiment", move |change| {
            match status_of(change, &id)?.as_str() {
                "created" | "running" => {}
                "cancelled" => return load(change, &id),
                ended => {
                    return Err(invalid(format!("the experiment is {ended}"), "nothing is left to cancel").into());
                }
            }
            change.execute(
                "UPDATE evaluations SET status = 'cancelled', finished_at = max(?2, created_at)
                 WHERE experiment_id = ?1 AND status IN ('pending', 'running')",
                params![id, now()],
            )?;
            change.execute(
                "UPDATE experiments SET status = 'cancelled', finished_at = ?2, updated_at = ?2 WHERE id = ?1",
                params![id, now()],
            )?;
            note(change, "experiment.cancel", &id, "cancelled");
            load(change, &id)
        })
    }

    /// Adds what somebody concluded.
    pub fn note_experiment(&self, id: &str, text: &str) -> Result<Experiment, StoreError> {
        check_words(text)?;
        if text.trim().is_empty() {
            return Err(invalid("an insight without words", "say what was learnt"));
        }
        let (id, text) = (id.to_owned(), text.to_owned());
        self.write("noting an insight", move |change| {
            let insight = Insight { at: now() as u64, by: change.actor.name.clone(), text };
            change.execute(
                "UPDATE experiments SET insights = json_insert(coalesce(insights, '[]'), '$[#]', json(?2)),
                     updated_at = ?3
                 WHERE id = ?1",
                params![id, json(&insight), now()],
            )?;
            change.made("experiment.note", "experiments", &id);
            load(change, &id)
        })
    }
}

fn check_name(name: &str) -> Result<(), StoreError> {
    let is_long = name.chars().count() > NAME_CHARS;
    if !is_long
        && !name.trim().is_empty()
        && name.trim() == name
        && !name.contains(|c: char| c == '/' || c.is_control())
    {
        return Ok(());
    }
    let what = format!("{} is no name of an experiment", quote(name, 80));
    Err(invalid(what, format!("1 to {NAME_CHARS} characters in one line without '/'")))
}

fn check_arms(arms: &[Arm]) -> Result<(), StoreError> {
    if !(1..=MAX_ARMS).contains(&arms.len()) {
        let what = format!("an experiment of {} arms: 1 to {MAX_ARMS}", arms.len());
        return Err(invalid(what, "name strategies or setups"));
    }
    for (at, arm) in arms.iter().enumerate() {
        if arms[..at].iter().any(|other| other.name == arm.name) {
            let what = format!("two arms are named {}", quote(&arm.name, 80));
            return Err(invalid(what, "name each strategy and setup once"));
        }
    }
    Ok(())
}

fn note(change: &Change<'_>, action: &'static str, id: &str, status: &str) {
    change.note(Entry {
        action,
        subject_kind: "experiments",
        subject_id: id.to_owned(),
        before: None,
        after: Some(value!({ "status": status })),
    });
}

fn status_of(connection: &Connection, id: &str) -> Result<String, Failure> {
    let status = connection
        .query_row("SELECT status FROM experiments WHERE id = ?1", [id], |row| row.get(0))
        .optional()?;
    status.ok_or_else(|| invalid(format!("no experiment {id}"), "it was taken away meanwhile").into())
}

/// The id of the experiment of a name, or of an id or its beginning where no name is equal.
fn find(connection: &Connection, name: &str) -> Result<Option<String>, Failure> {
    let by_name: Option<String> = connection
        .query_row(
            "SELECT id FROM experiments WHERE name = ?1 ORDER BY created_at DESC LIMIT 1",
            [name],
            |row| row.get(0),
        )
        .optional()?;
    if by_name.is_some() || name.len() < LEAST_PREFIX {
        return Ok(by_name);
    }
    let (id, found): (Option<String>, i64) = connection.query_row(
        "SELECT min(id), count(*) FROM experiments WHERE id BETWEEN ?1 AND ?1 || '~'",
        [name.to_ascii_lowercase()],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    Ok(id.filter(|_| found == 1))
}

fn load(connection: &Connection, id: &str) -> Result<Experiment, Failure> {
    connection
        .prepare_cached(
            "SELECT x.id, x.name, x.hypothesis, x.description, x.strategy_configs_json, x.selection, x.status,
                 x.results, x.insights, u.display_name, x.created_at, x.started_at, x.finished_at
             FROM experiments x JOIN user_identities u ON u.id = x.owner_id WHERE x.id = ?1",
        )?
        .query_row([id], |row| Ok(experiment(row)))?
}

fn experiment(row: &Row<'_>) -> Result<Experiment, Failure> {
    let optional = |column: usize| row.get::<_, Option<String>>(column);
    let time = |column: usize| row.get::<_, Option<i64>>(column).map(|at| at.map(|at| at as u64));
    Ok(Experiment {
        id: row.get(0)?,
        name: row.get(1)?,
        hypothesis: row.get(2)?,
        description: row.get(3)?,
        arms: parse_json(&row.get::<_, String>(4)?, "the arms of an experiment")?,
        selection: parse_json(&row.get::<_, String>(5)?, "the selection of an experiment")?,
        status: row.get(6)?,
        results: optional(7)?.map(|text| parse_json(&text, "the results of an experiment")).transpose()?,
        insights: optional(8)?
            .map(|text| parse_json(&text, "the insights of an experiment"))
            .transpose()?
            .unwrap_or_default(),
        owner: row.get(9)?,
        created_at: row.get::<_, i64>(10)? as u64,
        started_at: time(11)?,
        finished_at: time(12)?,
    })
}
