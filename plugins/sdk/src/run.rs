use crate::bindings::stratagem::strategy::run;
use crate::{Allowance, Answer, Level, Refusal};

/// The run that a strategy works in. Only the exported functions are handed one.
pub struct Run(());

impl Run {
    #[doc(hidden)]
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self(())
    }

    /// Keeps an answer, whatever becomes of the run.
    ///
    /// *Errors*: `invalid` where the grid, the index or the confidence is not valid, `exhausted`
    /// where the run's answers are spent.
    pub fn offer(&self, answer: &Answer) -> Result<(), Refusal> {
        run::offer(answer)
    }

    /// Records one step of the trajectory: an action and what came of it.
    pub fn step(&self, action: &str, detail: &str, success: bool) {
        run::step(action, detail, success);
    }

    pub fn log(&self, level: Level, message: &str) {
        run::log(level, message);
    }

    /// What is left of the run's limits.
    pub fn budget(&self) -> Allowance {
        run::budget()
    }

    /// The only source of chance.
    pub fn seed(&self) -> u64 {
        run::seed()
    }

    /// A setting of this run; none where it is not set.
    pub fn setting(&self, key: &str) -> Option<String> {
        run::setting(key)
    }
}
