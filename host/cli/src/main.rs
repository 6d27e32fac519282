//! The binary `stratagem`: the only place that chooses backends.
//!
//! A command reads its arguments, wires sandbox, store and readers, and prints a report; the work
//! itself is in the crates below. Reports go to stdout, progress and failures to stderr.

mod advise;
mod args;
mod audit;
mod check;
mod comparison;
mod config;
mod db;
mod doctor;
mod documents;
mod dsl;
mod entrants;
mod experiment;
mod failure;
mod features;
mod grants;
mod guest;
mod interrupt;
mod keeping;
mod keys;
mod leaks;
mod learn;
mod lender;
mod llm;
mod llm_alerts;
mod llm_budget;
mod llm_credits;
mod meanings;
mod memory;
mod models;
mod output;
mod paint;
mod plugins;
mod portfolio;
mod progress;
mod queue;
mod runs;
mod scaffold;
mod schema;
mod solve;
mod tasks;
mod trust;
mod ttt;
mod users;
mod vault;
mod verify;
mod watch;
mod workbench;

use std::process::ExitCode;

use clap::Parser;
use stratagem_runtime::{CompileLimits, compile_child, worker_child};

use crate::args::{Args, Command};
use crate::failure::Failure;
use crate::workbench::Workbench;

fn main() -> ExitCode {
    let args = Args::parse();
    paint::choose(args.global.color);
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print();
            ExitCode::from(failure.status)
        }
    }
}

fn run(args: &Args) -> Result<(), Failure> {
    let bench = || Workbench::new(&args.global);
    match &args.command {
        Command::Tasks(command) => tasks::run(&bench()?, command),
        Command::Solve(solve) => solve::run(&bench()?, solve),
        Command::Learn(learn) => learn::run(&bench()?, learn),
        Command::Portfolio(command) => portfolio::run(&bench()?, command),
        Command::Plugin(command) => plugins::run(&bench()?, command),
        Command::Runs(command) => runs::run(&bench()?, command),
        Command::Advise(command) => advise::run(&bench()?, command),
        Command::Db(command) => db::run(&bench()?, command),
        Command::Llm(command) => llm::run(&bench()?, command),
        Command::Budget(command) => llm_budget::run(&bench()?, command),
        Command::Alerts(command) => llm_alerts::run(&bench()?, command),
        Command::Credits(credits) => llm_credits::run(&bench()?, credits),
        Command::Document(command) => documents::run(&bench()?, command),
        Command::Experiment(command) => experiment::run(&bench()?, command),
        Command::Queue(command) => queue::run(&bench()?, command),
        Command::User(command) => users::run(&bench()?, command),
        Command::Retention(command) => keeping::run(&bench()?, command),
        Command::Todo(command) => keeping::todo(&bench()?, command),
        Command::Memory(command) => memory::run(&bench()?, command),
        Command::Dsl(command) => dsl::run(&bench()?, command),
        Command::Ttt(command) => ttt::run(&bench()?, command),
        Command::Doctor(doctor) => doctor::run(&bench()?, doctor),
        // The child of this program that compiles: it has no settings, no folder and no home.
        &Command::Compile { wall_ms, memory_mb } => {
            compile_child(CompileLimits { wall_ms, memory_mb }).map_err(Failure::new)
        }
        Command::Worker => worker_child().map_err(Failure::new),
    }
}
