use std::sync::Arc;

use stratagem_domain::{LabelledTask, Lesson, Limits, RunReport, Settings, Strategy, Task};
use stratagem_runtime::{Description, LoadedStrategy};

use crate::blank::Blank;

/// What the suite looks at: a plugin by its three exports, each call in a store of its own.
pub trait Subject: Sync {
    /// What it says of itself, if it does, and the run in which it said so.
    fn describe(&self, seed: u64, limits: &Limits) -> (Option<Description>, RunReport);

    fn solve(&self, task: &Task, seed: u64, limits: &Limits) -> RunReport;

    fn learn(&self, lessons: &[LabelledTask], seed: u64, limits: &Limits) -> RunReport;
}

/// Without settings and with an empty memory: they are the operator's, and a plugin must do without.
impl Subject for LoadedStrategy {
    fn describe(&self, seed: u64, limits: &Limits) -> (Option<Description>, RunReport) {
        self.describe(seed, limits, &Settings::new())
    }

    fn solve(&self, task: &Task, seed: u64, limits: &Limits) -> RunReport {
        self.run_with(task, seed, limits, &Settings::new(), Arc::<Blank>::default())
    }

    fn learn(&self, lessons: &[LabelledTask], seed: u64, limits: &Limits) -> RunReport {
        self.learn_with(&Lesson::untold(lessons), seed, limits, &Settings::new(), Arc::<Blank>::default())
    }
}
