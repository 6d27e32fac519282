use serde::Serialize;
use stratagem_domain::Usage;

use crate::TaskResult;

/// The report of a piece of work: what `--json` writes and the closing table shows.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub summary: Summary,
    pub tasks: Vec<TaskRow>,
}

/// *Units*: counts of tasks; partial credit is the mean fraction of test inputs right @2, over scorable tasks.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    pub tasks: usize,
    /// Tasks whose outputs are all known; the solved counts are out of these.
    pub scored: usize,
    pub solved_at_1: usize,
    pub solved_at_2: usize,
    pub solved_at_3: usize,
    pub partial_credit: f64,
    /// Summed over runs.
    pub cpu_seconds: f64,
    pub cpu_seconds_median: f64,
    pub fuel_spent: u64,
    /// The highest of any run.
    pub memory_peak_bytes: u64,
    /// From the first task to the last, in real time.
    pub wall_ms: u64,
    /// Runs that were found finished.
    pub resumed: usize,
}

/// One task; what it cost is summed over its runs.
#[derive(Clone, Debug, Serialize)]
pub struct TaskRow {
    pub id: String,
    /// None where the outputs are not known.
    pub solved_at_1: Option<bool>,
    pub solved_at_2: Option<bool>,
    pub solved_at_3: Option<bool>,
    pub strategy: String,
    pub outcome: &'static str,
    pub answers: usize,
    pub cpu_seconds: f64,
    pub wall_ms: u64,
    pub fuel_spent: u64,
    pub memory_peak_bytes: u64,
    /// Ids in the store, one a strategy; empty where nothing was stored.
    pub runs: Vec<String>,
}

impl Report {
    pub fn new(results: &[TaskResult], wall_ms: u64) -> Self {
        let tasks: Vec<TaskRow> = results.iter().map(TaskRow::new).collect();
        let solved =
            |attempts| results.iter().filter(|result| result.solved_at(attempts) == Some(true)).count();
        let credits: Vec<f64> =
            results.iter().filter_map(|result| Some(result.score.as_ref()?.partial_credit())).collect();
        let mut seconds: Vec<f64> = tasks.iter().map(|row| row.cpu_seconds).collect();
        seconds.sort_by(f64::total_cmp);
        let summary = Summary {
            tasks: tasks.len(),
            scored: credits.len(),
            solved_at_1: solved(1),
            solved_at_2: solved(2),
            solved_at_3: solved(3),
            partial_credit: total(&credits) / credits.len().max(1) as f64,
            cpu_seconds: total(&seconds),
            cpu_seconds_median: seconds.get(seconds.len() / 2).copied().unwrap_or(0.0),
            fuel_spent: tasks.iter().map(|row| row.fuel_spent).sum(),
            memory_peak_bytes: tasks.iter().map(|row| row.memory_peak_bytes).max().unwrap_or(0),
            wall_ms,
            resumed: results.iter().map(|result| result.resumed).sum(),
        };
        Self { summary, tasks }
    }
}

/// A sum that is 0 and not −0 where there is nothing to add.
fn total(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |sum, value| sum + value)
}

impl TaskRow {
    pub fn new(result: &TaskResult) -> Self {
        let usage = || result.runs.iter().map(|run| &run.usage);
        let sum = |field: fn(&Usage) -> u64| usage().map(field).sum();
        let names: Vec<&str> = result.runs.iter().map(|run| run.recipe.plugin.name.as_str()).collect();
        Self {
            id: result.task.task.id.clone(),
            solved_at_1: result.solved_at(1),
            solved_at_2: result.solved_at(2),
            solved_at_3: result.solved_at(3),
            strategy: names.join("+"),
            outcome: result.outcome().as_str(),
            answers: result.answers.len(),
            cpu_seconds: total(&usage().map(|usage| usage.cpu_seconds).collect::<Vec<_>>()),
            wall_ms: sum(|usage| usage.wall_ms),
            fuel_spent: sum(|usage| usage.fuel_spent),
            memory_peak_bytes: usage().map(|usage| usage.memory_peak_bytes).max().unwrap_or(0),
            runs: result.runs.iter().map(|run| run.id.clone()).filter(|id| !id.is_empty()).collect(),
        }
    }
}
