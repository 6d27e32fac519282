//! Which strategy runs when, on what limits; how its answers are ranked, scored and reported.
//!
//! [`Bench`] takes tasks and strategies and yields one [`TaskResult`] a task; every run goes through
//! the ledger before it is reported. Reports are made of results alone: they never run a plugin.
//! [`compare`] says what the same tasks show of two strategies, and how far chance explains it.
//!
//! What must never be here: wasmtime, SQL, files. Both sides are reached through the ports of `domain`.

mod bench;
mod compare;
mod portfolio;
mod replay;
mod report;
mod stats;
mod submission;

pub use bench::{Bench, BenchError, Contender, TaskResult, domain_of_fold, fold_of};
pub use compare::{Comparison, LeftOut, Side, Solved, Trial, compare};
pub use portfolio::{
    Bin, Calibration, Check, Choice, Claim, Experience, Lived, Portfolio, Reliability, Turn, Verifier, Voice,
    Worth, merge,
};
pub use replay::{Verdict, replay};
pub use report::{CategoryRow, Report, StrategyRow, Summary, TaskRow};
pub use stats::{ALPHA, Interval, McNemar, RESAMPLES, holm};
pub use submission::submission;
