use std::collections::BTreeMap;

use serde::Serialize;
use stratagem_domain::features::SizeGroup;
use stratagem_domain::{Features, Hint, Usage};

use crate::TaskResult;
use crate::portfolio::{Choice, Reliability};

/// The report of a piece of work: what `--json` writes and the closing table shows.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub summary: Summary,
    /// One a strategy that ran.
    pub strategies: Vec<StrategyRow>,
    /// A task is in one category by its sizes, and in one by what it seems to ask for.
    pub categories: Vec<CategoryRow>,
    /// Of the first attempts; none where no output is known.
    pub reliability: Option<Reliability>,
    pub tasks: Vec<TaskRow>,
}

/// What one strategy did beside the others.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct StrategyRow {
    pub strategy: String,
    /// Tasks that it was run on.
    pub tasks: usize,
    pub solved_at_2: usize,
    /// Solved @2 by it and by no other that ran on the task.
    pub alone: usize,
    pub cpu_seconds: f64,
    pub fuel_spent: u64,
}

/// Tasks of a category and how many of them were solved @2.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CategoryRow {
    pub category: &'static str,
    pub tasks: usize,
    pub solved_at_2: usize,
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
    /// Why the attempts are what they are, where a portfolio chose them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Choice>,
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
        let first: Vec<(f64, bool)> = results.iter().flat_map(first_attempts).collect();
        Self {
            summary,
            strategies: strategies(results),
            categories: categories(results),
            reliability: (!first.is_empty()).then(|| Reliability::of(&first)),
            tasks,
        }
    }
}

/// Confidence of the first attempt at each test input whose output is known, and whether it was right.
fn first_attempts(result: &TaskResult) -> impl Iterator<Item = (f64, bool)> {
    result.task.truth.iter().enumerate().filter_map(|(test, truth)| {
        let (truth, first) = (truth.as_ref()?, result.attempts(test).next()?);
        let chosen = result.choices.iter().find(|choice| choice.test_index == test && choice.attempt == 1);
        Some((chosen.map_or(first.confidence, |choice| choice.confidence), first.grid == *truth))
    })
}

fn strategies(results: &[TaskResult]) -> Vec<StrategyRow> {
    let mut rows: BTreeMap<&str, StrategyRow> = BTreeMap::new();
    for result in results {
        let solved =
            |run: &&stratagem_domain::StoredRun| run.score.as_ref().is_some_and(|score| score.solved_at(2));
        let by = result.runs.iter().filter(solved).count();
        for run in &result.runs {
            let row = rows.entry(&run.recipe.plugin.name).or_default();
            let is_solved = solved(&run);
            row.tasks += 1;
            row.solved_at_2 += usize::from(is_solved);
            row.alone += usize::from(is_solved && by == 1);
            row.cpu_seconds += run.usage.cpu_seconds;
            row.fuel_spent += run.usage.fuel_spent;
        }
    }
    rows.into_iter().map(|(name, row)| StrategyRow { strategy: name.to_owned(), ..row }).collect()
}

fn categories(results: &[TaskResult]) -> Vec<CategoryRow> {
    let mut counts: Vec<CategoryRow> =
        CATEGORIES.iter().map(|&category| CategoryRow { category, tasks: 0, solved_at_2: 0 }).collect();
    for result in results.iter().filter(|result| result.score.is_some()) {
        let features = Features::of(&result.task.task);
        for category in [by_size(features.size_relation.group()), by_hint(&features.hints)] {
            if let Some(row) = counts.iter_mut().find(|row| row.category == category) {
                row.tasks += 1;
                row.solved_at_2 += usize::from(result.solved_at(2) == Some(true));
            }
        }
    }
    counts.retain(|row| row.tasks > 0);
    counts
}

const CATEGORIES: [&str; 12] = [
    "same size",
    "growing",
    "shrinking",
    "mixed sizes",
    "object motion",
    "counting",
    "lines",
    "symmetry",
    "tiling",
    "colour",
    "selection",
    "other",
];

fn by_size(group: SizeGroup) -> &'static str {
    match group {
        SizeGroup::Same => "same size",
        SizeGroup::Larger => "growing",
        SizeGroup::Smaller => "shrinking",
        SizeGroup::Mixed => "mixed sizes",
    }
}

/// By the first hint, which tells most.
fn by_hint(hints: &[Hint]) -> &'static str {
    use Hint as H;
    match hints.first() {
        Some(H::Move | H::Gravity) => "object motion",
        Some(H::Count) => "counting",
        Some(H::Connect | H::DrawLines | H::Outline) => "lines",
        Some(H::Mirror | H::Rotate | H::RepairSymmetry | H::MirrorTile) => "symmetry",
        Some(H::Tile | H::SelfSimilar | H::Scale | H::ExtendPattern | H::RepairPattern) => "tiling",
        Some(H::Recolour | H::RecolourObjects | H::Fill | H::OneColour) => "colour",
        Some(H::SelectPart | H::CombineParts | H::ExtractObject | H::Crop | H::Uncover) => "selection",
        _ => "other",
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
            choices: result.choices.clone(),
            runs: result.runs.iter().map(|run| run.id.clone()).filter(|id| !id.is_empty()).collect(),
        }
    }
}
