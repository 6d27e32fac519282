//! The portfolio: several strategies that share a task's fuel, and one list of attempts made of their answers.
//!
//! [`Experience`] says who comes first and how long, learned from stored runs; a task is left as soon as its answers
//! are sure enough; [`merge`] ranks what all of them offered, by what each confidence was worth before, by agreement
//! of different strategies, by whether the host finds the named programs to give the answers, and by brevity.

mod calibration;
mod experience;
mod merge;

pub use calibration::{Bin, Calibration, Reliability};
pub use experience::{Claim, Experience, Lived, Turn, Worth};
pub use merge::{Check, Choice, Verifier, Voice, merge};

use stratagem_domain::Limits;

/// How strategies share a task.
pub struct Portfolio<'a> {
    /// One, or one a fold of the tasks: see [`crate::Bench::folds`].
    pub experiences: Vec<Experience>,
    pub verifier: &'a dyn Verifier,
    /// Fuel of a task, for all strategies together.
    pub fuel: u64,
    /// A task is left once its first attempts are all as sure as this.
    pub sure: f64,
}

/// Fuel below which no strategy is begun.
pub const LEAST_FUEL: u64 = 50_000_000;

impl Portfolio<'_> {
    /// Fuel of a task: less than 10 CPU seconds.
    pub const FUEL: u64 = 70_000_000_000;
    /// Confidence beyond which other strategies are not asked.
    pub const SURE: f64 = 0.9;

    pub fn experience(&self, fold: usize) -> &Experience {
        &self.experiences[fold.min(self.experiences.len() - 1)]
    }

    /// What a strategy's turn may take of what is left; none where that is not worth beginning.
    pub fn grant(&self, turn: &Turn, limits: &Limits, left: u64) -> Option<Limits> {
        let fuel = turn.fuel.unwrap_or(u64::MAX).max(LEAST_FUEL).min(left).min(limits.fuel);
        (fuel >= LEAST_FUEL).then(|| Limits { fuel, ..limits.clone() })
    }
}
