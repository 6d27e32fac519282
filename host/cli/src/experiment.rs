//! `stratagem experiment`: strategies on the same frozen tasks, and whether a difference is more than chance.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use serde_json::json;
use stratagem_domain::{grouped, quote};
use stratagem_runtime::Sandbox;
use stratagem_solve::{Bench, Contender};
use stratagem_store::{
    Arm, Evaluation, Experiment as Stored, NewEvaluation, NewExperiment, Selection, Store, WorkEnd,
};

use crate::args::LimitFlags;
use crate::comparison::{self, Results};
use crate::config::is_path;
use crate::entrants::{Asked, Entrant, Setup};
use crate::failure::Failure;
use crate::interrupt;
use crate::learn;
use crate::lender::Lending;
use crate::output::{out, outln, print_json, table, utc};
use crate::paint;
use crate::solve::{seed, with_progress};
use crate::workbench::Workbench;

/// How often work looks whether its experiment was cancelled elsewhere.
const LOOK: Duration = Duration::from_secs(1);

#[derive(Debug, Subcommand)]
pub enum Experiment {
    /// Ask a question: which arms, on which tasks
    New(Box<New>),
    /// Work on an experiment, from where it stands
    Run {
        /// An experiment's name or id
        name: String,
        /// Tasks at the same time [default: one a processor]
        #[arg(long)]
        jobs: Option<usize>,
        /// Run plugins in processes of their own that can open no file and no connection (Linux)
        #[arg(long)]
        isolate: bool,
        /// Let runs of the same recipe count that were made before
        #[arg(long)]
        reuse: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show where an experiment stands and what its arms came to
    Show {
        /// An experiment's name or id
        name: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List experiments, newest first
    List {
        /// How many
        #[arg(long, default_value_t = 20, value_name = "N")]
        limit: usize,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List evaluations, those of `solve` among them, newest first
    Evaluations {
        /// How many
        #[arg(long, default_value_t = 20, value_name = "N")]
        limit: usize,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Compare the arms of one experiment, or those of two on the tasks that both have
    Compare {
        /// NAME, or NAME/ARM for one arm
        first: String,
        /// NAME, or NAME/ARM for one arm
        second: Option<String>,
        /// Decides the samples of the bootstrap
        #[arg(long, default_value_t = 0)]
        seed: u64,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Give an experiment up; what was run stays
    Cancel {
        /// An experiment's name or id
        name: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Write down what was learnt
    Note {
        /// An experiment's name or id
        name: String,
        text: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub struct New {
    /// What to call it
    pub name: String,
    /// What is expected, and why
    #[arg(long)]
    pub hypothesis: Option<String>,
    #[arg(long)]
    pub description: Option<String>,
    /// An arm: a plugin by name or NAME@BLAKE3, or the path of one; may be given again
    #[arg(long = "strategy", value_name = "NAME")]
    pub strategies: Vec<String>,
    /// An arm: a stored configuration, NAME or NAME@VERSION; may be given again
    #[arg(long = "setup", value_name = "NAME")]
    pub setups: Vec<String>,
    /// A dataset, NAME@VERSION, NAME/SPLIT or a task's id; may be given again
    #[arg(long = "tasks", value_name = "WHAT")]
    pub tasks: Vec<String>,
    /// Only tasks of this family; may be given again
    #[arg(long = "family", value_name = "NAME")]
    pub families: Vec<String>,
    /// Only tasks with this feature, such as `size_relation=same` or width<=10; may be given again
    #[arg(long = "feature", value_name = "NAME=VALUE")]
    pub features: Vec<String>,
    /// Only tasks that are easy, medium, hard or unknown; may be given again
    #[arg(long = "difficulty", value_name = "LEVEL")]
    pub difficulties: Vec<String>,
    /// So many of the tasks by chance
    #[arg(long, value_name = "N")]
    pub sample: Option<usize>,
    /// Decides which tasks a sample has
    #[arg(long, default_value_t = 0, value_name = "SEED")]
    pub sample_seed: u64,
    /// Only the first N tasks
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Use for each of K parts of the tasks what was learned without it: see `learn --folds`
    #[arg(long, value_name = "K")]
    pub folds: Option<usize>,
    /// The seed of every arm whose setup names none
    #[arg(long)]
    pub seed: Option<u64>,
    #[command(flatten)]
    pub limits: LimitFlags,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

pub fn run(bench: &Workbench, command: &Experiment) -> Result<(), Failure> {
    let store = Arc::new(bench.existing_store()?);
    match command {
        Experiment::New(new) => begin(bench, &store, new),
        Experiment::Run { name, jobs, isolate, reuse, json } => {
            let jobs = bench.jobs(*jobs)?;
            let sandbox = bench.sandbox_for(jobs, *isolate)?;
            work(bench, &store, &sandbox, &Orders { name, jobs, reuse: *reuse })?;
            show(&store, name, *json)
        }
        Experiment::Show { name, json } => show(&store, name, *json),
        Experiment::List { limit, json } => list(&store, *limit, *json),
        Experiment::Evaluations { limit, json } => evaluations(&store, *limit, *json),
        Experiment::Compare { first, second, seed, json } => {
            comparison::run(&store, first, second.as_deref(), *seed, *json)
        }
        Experiment::Cancel { name, json } => {
            let cancelled = store.cancel_experiment(&store.experiment(name)?.id)?;
            told(&cancelled, &format!("{} is {}", cancelled.name, cancelled.status), *json)
        }
        Experiment::Note { name, text, json } => {
            let noted = store.note_experiment(&store.experiment(name)?.id, text)?;
            told(&noted, &format!("{} has {} insights", noted.name, noted.insights.len()), *json)
        }
    }
}

fn told(experiment: &Stored, line: &str, json: bool) -> Result<(), Failure> {
    if json {
        return print_json(experiment);
    }
    outln!("{line}");
    Ok(())
}

fn begin(bench: &Workbench, store: &Store, new: &New) -> Result<(), Failure> {
    let limits = new.limits.overlay();
    let folds = new.folds.map(learn::folds).transpose()?;
    let mut arms = Vec::new();
    for strategy in &new.strategies {
        bench.find(strategy)?;
        let path = Path::new(strategy);
        // It may be run from another folder than it was asked from.
        let whole = if is_path(strategy) { std::path::absolute(path).ok() } else { None };
        let whole = whole.map_or_else(|| strategy.clone(), |path| path.to_string_lossy().into_owned());
        let name =
            path.file_name().map_or_else(|| strategy.clone(), |name| name.to_string_lossy().into_owned());
        let seed = seed(new.seed.unwrap_or(bench.config.seed))?;
        arms.push(Arm { name, strategy: whole, seed, limits: limits.clone(), folds, ..Arm::default() });
    }
    for setup in &new.setups {
        let setup = Setup::find(store, setup)?;
        bench.find(&setup.body.strategy)?;
        arms.push(Arm {
            name: setup.label().replace('/', "."),
            strategy: setup.body.strategy.clone(),
            config_version: Some(setup.version.id.clone()),
            setup: Some(setup.label()),
            seed: seed(new.seed.or(setup.body.seed).unwrap_or(bench.config.seed))?,
            limits: limits.clone(),
            folds,
        });
    }
    let selection = Selection {
        tasks: new.tasks.clone(),
        families: new.families.clone(),
        features: new.features.clone(),
        difficulties: new.difficulties.clone(),
        sample: new.sample,
        seed: new.sample_seed,
        limit: new.limit,
    };
    let (name, hypothesis, description) = (new.name.clone(), new.hypothesis.clone(), new.description.clone());
    let new_experiment = NewExperiment { name, hypothesis, description, arms, selection };
    let experiment = store.new_experiment(&new_experiment)?;
    let tasks = store.choose(&experiment.selection)?.len();
    let arms = experiment.arms.len();
    let line = format!(
        "{}: {arms} arms on {tasks} tasks\n{}",
        experiment.name,
        paint::dim("run it: `stratagem experiment run NAME`")
    );
    told(&experiment, &line, new.json)
}

/// What `experiment run` was asked for.
struct Orders<'a> {
    name: &'a str,
    jobs: usize,
    reuse: bool,
}

/// Works on every arm that is open, one after the other.
fn work(
    bench: &Workbench,
    store: &Arc<Store>,
    sandbox: &Sandbox,
    orders: &Orders<'_>,
) -> Result<(), Failure> {
    let lending = Lending::new(bench, Some(store))?;
    let experiment = store.experiment(orders.name)?;
    if !matches!(experiment.status.as_str(), "created" | "running") {
        let message = format!("experiment {} is {}", quote(&experiment.name, 80), experiment.status);
        return Err(Failure::misuse(message).hint("begin a new one to run again: `stratagem experiment new`"));
    }
    let entrants = load(bench, store, sandbox, &experiment)?;
    let arms = start(bench, store, &experiment, &entrants)?;
    let folds = experiment.arms.iter().map(|arm| arm.folds.unwrap_or(1));
    let open = entrants.iter().zip(&arms).zip(folds).filter(|((_, arm), _)| arm.status != "completed");
    for ((entrant, arm), folds) in open {
        if entrant.strategy().plugin().digest != arm.digest {
            let digest = arm.digest.short();
            let message =
                format!("arm {} began with the component {digest}, this is another", quote(&arm.name, 80));
            return Err(Failure::new(message).hint("bring that component back, or begin a new experiment"));
        }
        entrant.refuse_leaks(store, &store.open_tasks(&arm.id)?, folds)?;
        store.claim_evaluation(&arm.id)?;
        let end = work_on(store, &lending, &experiment, (entrant, arm, folds), orders);
        let ended = store.end_evaluation(&arm.id, if end.is_ok() { WorkEnd::Done } else { WorkEnd::Left });
        if end?.is_interrupted && store.experiment(&experiment.id)?.status == "running" {
            let hint = format!("`stratagem experiment run {:?}` goes on with the rest", experiment.name);
            return Err(Failure::new("interrupted: what was run is kept").hint(hint));
        }
        if ended? == "cancelled" {
            break;
        }
    }
    // A refused plugin's runs are failures on record; its reason is told once.
    entrants.iter().filter_map(Entrant::refusal).for_each(|refusal| refusal.print());
    let results = Results::of(store, &experiment.id)?;
    store.settle_experiment(&experiment.id, &json!(results))?;
    Ok(())
}

fn load(
    bench: &Workbench,
    store: &Store,
    sandbox: &Sandbox,
    experiment: &Stored,
) -> Result<Vec<Entrant>, Failure> {
    let entrant = |arm: &Arm| {
        let asked = match &arm.config_version {
            Some(version) => Asked::Setup(Box::new(Setup::of(store.document_version(version)?)?)),
            None => Asked::Strategy(arm.strategy.clone()),
        };
        Entrant::load(bench, sandbox, asked)
    };
    experiment.arms.iter().map(entrant).collect()
}

/// The arms as they are frozen, by this call where nobody did it before.
fn start(
    bench: &Workbench,
    store: &Store,
    experiment: &Stored,
    entrants: &[Entrant],
) -> Result<Vec<Evaluation>, Failure> {
    if experiment.status != "created" {
        return Ok(store.evaluations(Some(&experiment.id), usize::MAX)?);
    }
    let mut arms: Vec<NewEvaluation> = Vec::new();
    for (entrant, arm) in entrants.iter().zip(&experiment.arms) {
        let (limits, settings) = (entrant.limits(bench, &arm.limits)?, entrant.settings(bench));
        arms.push(entrant.evaluation(arm.name.clone(), arm.seed, limits, settings));
    }
    entrants.iter().try_for_each(|entrant| entrant.keep(store))?;
    Ok(store.start_experiment(&experiment.id, &arms, &store.choose(&experiment.selection)?)?)
}

struct ArmEnd {
    is_interrupted: bool,
}

fn work_on(
    store: &Store,
    lending: &Lending,
    experiment: &Stored,
    (entrant, arm, folds): (&Entrant, &Evaluation, usize),
    orders: &Orders<'_>,
) -> Result<ArmEnd, Failure> {
    let tasks = store.open_tasks(&arm.id)?;
    let contender = Contender {
        strategy: entrant.strategy(),
        limits: arm.limits.clone(),
        settings: arm.settings.clone(),
        place: entrant.place(arm.id.clone()),
    };
    let cancel = interrupt::flag();
    let work = Bench {
        contenders: vec![contender],
        tasks: &tasks,
        dataset: None,
        seed: arm.seed,
        jobs: orders.jobs,
        ledger: Some(store),
        lender: Some(lending),
        resume: orders.reuse,
        portfolio: None,
        folds,
        cancel,
    };
    let looked = Mutex::new(Instant::now());
    let watch = || {
        let mut looked = looked.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if looked.elapsed() > LOOK {
            *looked = Instant::now();
            let status = store.experiment(&experiment.id).map(|now| now.status);
            if status.is_ok_and(|status| status == "cancelled") {
                cancel.store(true, Ordering::SeqCst);
            }
        }
    };
    let results = with_progress(&work, &format!("{}  ", arm.name), &watch)?;
    Ok(ArmEnd { is_interrupted: results.len() < tasks.len() })
}

fn show(store: &Store, name: &str, json: bool) -> Result<(), Failure> {
    let experiment = store.experiment(name)?;
    let found = Results::of(store, &experiment.id)?;
    if json {
        // What the arms come to now, also where it was kept when the experiment was completed.
        let mut report = json!(experiment);
        report["results"] = json!(found);
        return print_json(&report);
    }
    outln!("{}  {}", experiment.name, status(&experiment.status, found.arms.iter().any(|arm| arm.is_stale)));
    let field = |name: &str, value: &str| outln!("  {name:<12}{value}");
    field("id", &experiment.id);
    if let Some(words) = &experiment.hypothesis {
        field("hypothesis", &words.escape_debug().to_string());
    }
    if let Some(words) = &experiment.description {
        field("description", &words.escape_debug().to_string());
    }
    field("began", &format!("{} UTC by {}", utc(experiment.created_at), experiment.owner));
    if found.arms.is_empty() {
        let names: Vec<&str> = experiment.arms.iter().map(|arm| arm.name.as_str()).collect();
        field("arms", &names.join(", "));
        field(
            "tasks",
            &format!("{} fit, and are frozen by the first run", store.choose(&experiment.selection)?.len()),
        );
    } else {
        out!("\n{}", arms_table(&found.arms));
    }
    if experiment.status == "completed" {
        for comparison in &found.comparisons {
            let words = &comparison.verdict;
            outln!("\n{}", if comparison.is_difference() { paint::good(words) } else { words.clone() });
        }
    }
    for insight in &experiment.insights {
        outln!("\n{}  {}  {}", utc(insight.at), insight.by, insight.text.escape_debug());
    }
    if found.arms.iter().any(|arm| arm.is_stale) {
        eprintln!("warning: nobody works on it\n  hint: `stratagem experiment run NAME` goes on");
    }
    Ok(())
}

fn status(status: &str, is_stale: bool) -> String {
    match status {
        "completed" => paint::good(status),
        "cancelled" | "failed" => paint::bad(status),
        "running" if is_stale => paint::bad("running, but nobody works on it"),
        status => status.to_owned(),
    }
}

fn arms_table(arms: &[Evaluation]) -> String {
    let rows: Vec<Vec<String>> = arms
        .iter()
        .map(|arm| {
            let totals = &arm.totals;
            vec![
                arm.name.clone(),
                format!("{} {}", arm.strategy, arm.version),
                if arm.is_stale { "stale".to_owned() } else { arm.status.clone() },
                format!("{}/{}", totals.ended, totals.tasks),
                totals.failed.to_string(),
                totals.solved_at_1.to_string(),
                totals.solved_at_2.to_string(),
                totals.solved_at_3.to_string(),
                totals.scored.to_string(),
                format!("{:.3}", totals.partial_credit),
                format!("{:.2}", totals.cpu_seconds),
                grouped(totals.fuel_spent),
                format!("{:.4}", totals.cost_micros as f64 / 1e6),
            ]
        })
        .collect();
    let head = [
        "arm", "strategy", "status", "tasks", "failed", "@1", "@2", "@3", "of", "credit", "CPU s", "fuel",
        "USD",
    ];
    table(&head, &rows)
}

fn list(store: &Store, limit: usize, json: bool) -> Result<(), Failure> {
    let found = store.experiments(limit)?;
    if json {
        return print_json(&found);
    }
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|experiment| {
            vec![
                experiment.name.clone(),
                experiment.status.clone(),
                experiment.arms.len().to_string(),
                utc(experiment.created_at),
                experiment.id.clone(),
            ]
        })
        .collect();
    out!("{}", table(&["experiment", "status", "arms", "began (UTC)", "id"], &rows));
    Ok(())
}

fn evaluations(store: &Store, limit: usize, json: bool) -> Result<(), Failure> {
    let found = store.evaluations(None, limit)?;
    if json {
        return print_json(&found);
    }
    out!("{}", arms_table(&found));
    Ok(())
}
