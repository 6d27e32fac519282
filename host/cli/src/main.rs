//! The binary `stratagem`: the only place that chooses backends.
//!
//! A command reads its arguments, wires sandbox, store and readers, and prints a report; the work
//! itself is in the crates below. Reports go to stdout, progress and failures to stderr.

mod args;
mod check;
mod config;
mod doctor;
mod failure;
mod grants;
mod guest;
mod interrupt;
mod keys;
mod lender;
mod memory;
mod output;
mod paint;
mod plugins;
mod runs;
mod scaffold;
mod solve;
mod tasks;
mod trust;
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
        Command::Plugin(command) => plugins::run(&bench()?, command),
        Command::Runs(command) => runs::run(&bench()?, command),
        Command::Memory(command) => memory::run(&bench()?, command),
        Command::Doctor(doctor) => doctor::run(&bench()?, doctor),
        // The child of this program that compiles: it has no settings, no folder and no home.
        &Command::Compile { wall_ms, memory_mb } => {
            compile_child(CompileLimits { wall_ms, memory_mb }).map_err(Failure::new)
        }
        Command::Worker => worker_child().map_err(Failure::new),
    }
}
