use std::cell::Cell;

use stratagem_domain::{Ending, LabelledTask, Limits, LimitsOverlay, RunReport, escape, grouped, quote};
use stratagem_runtime::Description;

use crate::{Case, Catalogue, Seen, Subject};

/// Fuel of a run where the case does not say: a tenth of the default, so that the whole suite takes seconds.
const USUAL_FUEL: u64 = 2_000_000_000;

/// What a case works with: the plugin in two sandboxes, and the limits to begin from. One a case.
pub struct Bench<'a> {
    pub here: &'a dyn Subject,
    /// The same plugin in a sandbox that was made separately.
    pub elsewhere: &'a dyn Subject,
    pub catalogue: &'a Catalogue,
    pub grants: &'a Grants,
    /// How well the manifest fits; loading has found out.
    pub manifest: &'a Seen,
    pub runs: Cell<u32>,
}

/// What the plugin asks for, and what the operator allows at most.
pub struct Grants {
    pub asked: LimitsOverlay,
    pub bounds: Limits,
}

/// One run of a case.
pub struct Trial<'a> {
    pub task: &'a LabelledTask,
    pub seed: u64,
    pub limits: Limits,
    /// What tells it from the others of its case.
    pub name: String,
}

impl Grants {
    /// The limits of a case before its rungs: what the plugin asks for, except that fuel is kept low.
    pub fn limits(&self, case: &Case) -> Limits {
        let asked = Limits::default().with(&self.asked);
        let usual = Limits { fuel: asked.fuel.min(USUAL_FUEL), ..asked };
        usual.with(&case.text.limits).clamped(&self.bounds)
    }

    /// The limits of each rung, with the words for what it changes.
    pub fn rungs(&self, case: &Case) -> Vec<(Limits, String)> {
        let base = self.limits(case);
        if case.text.rungs.is_empty() {
            return vec![(base, String::new())];
        }
        let rung = |rung: &LimitsOverlay| (base.with(rung).clamped(&self.bounds), words(rung));
        case.text.rungs.iter().map(rung).collect()
    }
}

impl<'a> Bench<'a> {
    /// Every task of a case under every seed on every rung.
    pub fn trials(&self, case: &'a Case) -> Vec<Trial<'a>> {
        let mut trials = Vec::new();
        for task in &case.tasks {
            for &seed in &case.text.seeds {
                for (limits, rung) in self.grants.rungs(case) {
                    let mut name = format!("task {}", quote(&task.task.id, 80));
                    if case.text.seeds.len() > 1 {
                        name += &format!(", seed {}", grouped(seed));
                    }
                    if !rung.is_empty() {
                        name += &format!(", {rung}");
                    }
                    trials.push(Trial { task, seed, limits, name });
                }
            }
        }
        trials
    }

    pub fn solve(&self, trial: &Trial<'_>) -> RunReport {
        self.solve_within(trial, &trial.limits)
    }

    /// The same trial under other limits.
    pub fn solve_within(&self, trial: &Trial<'_>, limits: &Limits) -> RunReport {
        self.count();
        self.here.solve(&trial.task.task, trial.seed, limits)
    }

    pub fn describe(&self, seed: u64, limits: &Limits) -> (Option<Description>, RunReport) {
        self.count();
        self.here.describe(seed, limits)
    }

    pub fn learn(&self, lessons: &[LabelledTask], seed: u64, limits: &Limits) -> RunReport {
        self.count();
        self.here.learn(lessons, seed, limits)
    }

    pub fn count(&self) {
        self.runs.set(self.runs.get() + 1);
    }
}

/// Limits that one source names, in words.
fn words(overlay: &LimitsOverlay) -> String {
    let named = serde_json::to_value(overlay).unwrap_or_default();
    let word = |(name, value): (&String, &serde_json::Value)| {
        format!("{name} {}", grouped(value.as_u64().unwrap_or_default()))
    };
    named.as_object().into_iter().flatten().map(word).collect::<Vec<_>>().join(", ")
}

/// How a run ended, with the limit that ended it.
pub fn told(ending: &Ending, limits: &Limits) -> String {
    match ending {
        Ending::Returned => "returned".to_owned(),
        Ending::GaveUp(reason) => format!("gave up: {}", quote(reason, 400)),
        Ending::OutOfFuel => format!("ran out of fuel: limit {}", grouped(limits.fuel)),
        Ending::PastDeadline => format!("ran past its deadline: limit {} ms", grouped(limits.wall_ms)),
        Ending::OutOfMemory => format!("ran out of memory: limit {} MiB", grouped(limits.memory_mb)),
        Ending::Trapped { reason, .. } => format!("trapped: {}", quote(reason, 400)),
        other => escape(&other.reason().unwrap_or_default(), 400),
    }
}
