//! What tasks are like: features, nearest tasks, families, difficulty.

use clap::Args as Group;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use stratagem_domain::features::GridFeatures;
use stratagem_domain::{Features, Hint, SizeRelation, Split, quote};
use stratagem_store::{
    Difficulty, EASY_FROM, HARD_BELOW, RATED_RUNS, RATED_STRATEGIES, Rating, SimilarTask, Store, TaskFilter,
    TaskLine,
};

use crate::failure::Failure;
use crate::output::{out, outln, print_json, table};
use crate::paint::{self, Panel};
use crate::workbench::{Workbench, find_task};

/// Tasks with a longer side are too large to stand beside others.
const SMALL_SIDE: usize = 15;

#[derive(Debug, Group)]
pub struct ListTasks {
    /// Only tasks of this dataset
    #[arg(long, value_name = "NAME")]
    dataset: Option<String>,
    /// training, evaluation, test or custom
    #[arg(long, value_parser = |text: &str| one_of(text, Split::parse, &Split::ALL.map(Split::as_str)))]
    split: Option<Split>,
    /// A family's name, as `tasks families` lists it
    #[arg(long, value_name = "NAME")]
    family: Option<String>,
    /// How the outputs' sizes follow from the inputs': same, multiple, fraction, constant, object, ...
    #[arg(long, value_parser = |text: &str| one_of(text, SizeRelation::parse, &SizeRelation::ALL.map(SizeRelation::as_str)))]
    relation: Option<SizeRelation>,
    /// A transform that the demonstrations allow: mirror, recolour, crop, fill, ...
    #[arg(long, value_parser = parse_hint)]
    hint: Option<Hint>,
    /// easy, medium, hard or unknown
    #[arg(long, value_parser = |text: &str| one_of(text, Difficulty::parse, &Difficulty::ALL.map(Difficulty::as_str)))]
    difficulty: Option<Difficulty>,
    /// Only the first N tasks
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Group)]
pub struct ShowFeatures {
    /// A task's id, or DATASET/ID
    #[arg(required_unless_present = "rebuild")]
    id: Option<String>,
    /// Compute the features and families of all tasks again
    #[arg(long, conflicts_with = "id")]
    rebuild: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Group)]
pub struct Similar {
    /// A task's id, or DATASET/ID
    id: String,
    /// How many
    #[arg(long, default_value_t = 5, value_name = "N")]
    limit: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn one_of<T>(text: &str, parse: impl Fn(&str) -> Option<T>, names: &[&str]) -> Result<T, String> {
    parse(text).ok_or_else(|| format!("one of {}", names.join(", ")))
}

fn parse_hint(text: &str) -> Result<Hint, String> {
    let parse = |text: &str| Hint::ALL.iter().copied().find(|hint| hint.as_str() == text);
    one_of(text, parse, &Hint::ALL.iter().map(|hint| hint.as_str()).collect::<Vec<_>>())
}

impl ListTasks {
    /// True where nothing of a task is asked for: then the datasets are listed.
    pub fn is_of_datasets(&self) -> bool {
        self.filter() == TaskFilter::default()
    }

    pub fn json(&self) -> bool {
        self.json
    }

    fn filter(&self) -> TaskFilter {
        let Self { split, relation, hint, difficulty, limit, .. } = *self;
        let (dataset, family) = (self.dataset.clone(), self.family.clone());
        TaskFilter { dataset, split, code: None, family, relation, hint, difficulty, limit }
    }
}

/// Lists the tasks that a filter lets through.
pub fn list(bench: &Workbench, list: &ListTasks) -> Result<(), Failure> {
    let store = bench.existing_store()?;
    if let Some(name) = &list.family
        && !store.families()?.iter().any(|family| family.name == *name)
    {
        return Err(Failure::misuse(format!("no family {}", quote(name, 80)))
            .hint("list them with `stratagem tasks families`"));
    }
    if let Some(name) = &list.dataset
        && store.dataset(name, None)?.is_none()
    {
        return Err(Failure::misuse(format!("no dataset {}", quote(name, 80)))
            .hint("list them with `stratagem tasks list`"));
    }
    let lines = store.list_tasks(&list.filter())?;
    if list.json {
        return print_json(&lines);
    }
    let rows: Vec<Vec<String>> = lines.iter().map(|line| cells(line, None)).collect();
    out!("{}", table(&["task", "dataset", "split", "size", "difficulty", "family"], &rows));
    Ok(())
}

fn cells(line: &TaskLine, first: Option<String>) -> Vec<String> {
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let mut cells = vec![
        line.id.clone(),
        line.dataset.clone(),
        line.split.as_str().to_owned(),
        or_dash(&line.size_relation),
        line.difficulty.as_str().to_owned(),
        or_dash(&line.family),
    ];
    cells.splice(1..1, first);
    cells
}

/// Finds a task by id, or by DATASET/ID; of several datasets that have it, in the one imported first.
fn find(store: &Store, what: &str) -> Result<TaskLine, Failure> {
    let (dataset, code) = what.split_once('/').map_or((None, what), |(dataset, code)| (Some(dataset), code));
    let filter = TaskFilter {
        dataset: dataset.map(str::to_owned),
        code: Some(code.to_owned()),
        ..TaskFilter::default()
    };
    store.list_tasks(&filter)?.into_iter().next().ok_or_else(|| {
        Failure::misuse(format!("no task {}", quote(what, 200)))
            .hint("name a task's id, or DATASET/ID; `stratagem tasks list`")
    })
}

fn features_of(store: &Store, line: &TaskLine) -> Result<Features, Failure> {
    store.features(&line.row)?.ok_or_else(|| {
        Failure::new(format!("task {} was imported before there were features", line.id))
            .hint("compute them with `stratagem tasks features --rebuild`")
    })
}

pub fn show(bench: &Workbench, command: &ShowFeatures) -> Result<(), Failure> {
    let store = bench.existing_store()?;
    let Some(id) = &command.id else { return rebuild(&store, command.json) };
    let line = find(&store, id)?;
    let features = features_of(&store, &line)?;
    if command.json {
        return print_json(&json!({ "task": line, "features": features }));
    }
    outln!("{}  {}/{}", line.id, line.dataset, line.split.as_str());
    let names = |names: Vec<&str>| if names.is_empty() { "-".to_owned() } else { names.join(", ") };
    outln!("  family       {}", line.family.as_deref().unwrap_or("-"));
    outln!("  difficulty   {}", line.difficulty.as_str());
    outln!("  output size  {}", features.size_relation.as_str());
    outln!("  hints        {}", names(features.hints.iter().map(|hint| hint.as_str()).collect()));
    outln!("  motifs       {}", names(features.motifs.iter().map(|motif| motif.as_str()).collect()));
    outln!(
        "  background   {}",
        features.background.map_or_else(|| "-".to_owned(), |colour| colour.to_string())
    );
    let mut rows = Vec::new();
    for (at, pair) in features.pairs.iter().enumerate() {
        let change = pair.change.map(|change| format!("{:.0} %", change.all * 100.0));
        rows.push(grid_cells(format!("pair {}", at + 1), &pair.input, None));
        rows.push(grid_cells("  output".to_owned(), &pair.output, change));
    }
    for (at, test) in features.tests.iter().enumerate() {
        rows.push(grid_cells(format!("test {}", at + 1), test, None));
    }
    out!("{}", table(&["grid", "size", "colours", "objects", "symmetry", "changed"], &rows));
    Ok(())
}

fn grid_cells(title: String, grid: &GridFeatures, changed: Option<String>) -> Vec<String> {
    let symmetry = grid.symmetry;
    let held = [
        (symmetry.left_right, "left-right"),
        (symmetry.top_bottom, "top-bottom"),
        (symmetry.diagonal, "diagonal"),
        (symmetry.antidiagonal, "antidiagonal"),
        (symmetry.half_turn, "half-turn"),
        (symmetry.quarter_turn, "quarter-turn"),
    ];
    let held: Vec<&str> = held.iter().filter(|(holds, _)| *holds).map(|(_, name)| *name).collect();
    vec![
        title,
        format!("{} × {}", grid.height, grid.width),
        grid.colours.len().to_string(),
        grid.objects.eight.to_string(),
        if held.is_empty() { "-".to_owned() } else { held.join(" ") },
        changed.unwrap_or_default(),
    ]
}

fn rebuild(store: &Store, json: bool) -> Result<(), Failure> {
    let bar = ProgressBar::new(0);
    bar.set_style(
        ProgressStyle::with_template("{bar:30} {pos}/{len} tasks")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    let tasks = store.rebuild_features(|done, all| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    });
    bar.finish_and_clear();
    let (tasks, families) = (tasks?, store.families()?.len());
    if json {
        return print_json(
            &json!({ "tasks": tasks, "families": families, "extractor": Features::EXTRACTOR }),
        );
    }
    outln!("{tasks} tasks have features of {}, in {families} families", Features::EXTRACTOR);
    Ok(())
}

pub fn similar(bench: &Workbench, command: &Similar) -> Result<(), Failure> {
    let store = bench.existing_store()?;
    let line = find(&store, &command.id)?;
    features_of(&store, &line)?;
    let found = store.similar_tasks(&line.row, command.limit)?;
    if command.json {
        return print_json(&json!({ "task": line, "similar": found }));
    }
    let mut rows = vec![cells(&line, Some("1.000".to_owned()))];
    rows.extend(found.iter().map(|near| cells(&near.line, Some(format!("{:.3}", near.similarity)))));
    out!("{}", table(&["task", "similarity", "dataset", "split", "size", "difficulty", "family"], &rows));
    pictures(&store, &line, &found)
}

/// Shows the first demonstration of each, where they are small.
fn pictures(store: &Store, line: &TaskLine, found: &[SimilarTask]) -> Result<(), Failure> {
    for shown in std::iter::once(line).chain(found.iter().map(|near| &near.line)) {
        let Some((_, labelled)) = find_task(store, &format!("{}/{}", shown.dataset, shown.id))? else {
            continue;
        };
        let first = &labelled.task.train[0];
        let sides = [&first.input, &first.output].map(|grid| grid.width().max(grid.height()));
        if sides.into_iter().all(|side| side <= SMALL_SIDE) {
            let input = Panel { title: shown.id.clone(), grid: &first.input };
            out!("{}", paint::panels(&[input, Panel { title: "output".into(), grid: &first.output }]));
        }
    }
    Ok(())
}

pub fn families(bench: &Workbench, json: bool) -> Result<(), Failure> {
    let families = bench.existing_store()?.families()?;
    if json {
        return print_json(&families);
    }
    let row = |family: &stratagem_store::Family| {
        let common: Vec<&str> = family.common_patterns.iter().map(|common| common.pattern.as_str()).collect();
        let difficulty = family.avg_difficulty.map_or_else(|| "-".to_owned(), |mean| format!("{mean:.1}"));
        vec![family.name.clone(), family.tasks.to_string(), difficulty, common.join(" ")]
    };
    let rows: Vec<_> = families.iter().map(row).collect();
    out!("{}", table(&["family", "tasks", "difficulty (1 to 3)", "most have"], &rows));
    Ok(())
}

pub fn rate(bench: &Workbench, json: bool) -> Result<(), Failure> {
    let rating = bench.existing_store()?.rate_tasks()?;
    if json {
        return print_json(&rating);
    }
    let Rating { easy, medium, hard, too_few_runs, changed } = rating;
    outln!("{easy} easy, {medium} medium, {hard} hard; {changed} changed");
    outln!(
        "  easy: solved by {:.0} % of runs or more, hard: by less than {:.0} %, as a mean over strategies",
        EASY_FROM * 100.0,
        HARD_BELOW * 100.0
    );
    if too_few_runs > 0 {
        outln!(
            "  {too_few_runs} left as they were: rated from {RATED_RUNS} runs and {RATED_STRATEGIES} strategies on"
        );
    }
    Ok(())
}
