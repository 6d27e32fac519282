use stratagem_domain::{Ending, LabelledTask, Limits, grouped, quote};

use super::ends::is_well;
use crate::trial::{Bench, told};
use crate::{Case, Seen, Verdict};

/// A first answer within this much fuel is early, whatever the run spends: a thousandth of the default.
const EARLY_FUEL: u64 = 20_000_000;

/// On the tasks of all cases.
pub fn valid(bench: &Bench<'_>, case: &Case) -> Seen {
    let mut seen = Seen::default();
    let limits = bench.grants.limits(case);
    for task in bench.catalogue.every_task() {
        bench.count();
        let usage = bench.here.solve(&task.task, 0, &limits).usage;
        // Beyond the limit an offer is refused whatever it is.
        if usage.answers_refused > 0 && usage.answers_offered < limits.answers {
            let (id, refused) = (quote(&task.task.id, 80), grouped(usage.answers_refused));
            let offers = grouped(usage.answers_refused + usage.answers_offered);
            seen.fail(format!("task {id}: {refused} of {offers} answers were refused as invalid"));
        }
    }
    seen
}

/// Holds each task's first answer to half of its fuel, and the plugin to one such task.
pub fn early(bench: &Bench<'_>, case: &Case) -> Seen {
    let mut seen = Seen::default();
    let (mut early, mut late) = (0, 0);
    for trial in bench.trials(case) {
        let whole = bench.solve(&trial);
        if whole.answers.is_empty() {
            if whole.ending == Ending::OutOfFuel {
                let fuel = grouped(whole.usage.fuel_spent);
                seen.warn(format!(
                    "{}: nothing was offered before {fuel} units of fuel were spent",
                    trial.name
                ));
            }
            continue;
        }
        // Calls of `offer` are counted where a plugin cannot see it, and so cannot plan with it.
        let at_first_offer = Limits { offer_calls: 0, ..trial.limits.clone() };
        let first = bench.solve_within(&trial, &at_first_offer).usage.fuel_spent;
        let allowed = EARLY_FUEL.max(whole.usage.fuel_spent / 2);
        if first <= allowed {
            early += 1;
            continue;
        }
        late += 1;
        let [first, spent, allowed] = [first, whole.usage.fuel_spent, allowed].map(grouped);
        seen.warn(format!(
            "{}: the first answer came after {first} of {spent} units of fuel: allowed {allowed}",
            trial.name
        ));
    }
    match (early, late) {
        (0, 1..) => seen.verdict = Verdict::Fail,
        (0, 0) => {
            seen.add(Verdict::Skip, "no answer was offered on any task: there is none that could be early");
        }
        _ => {}
    }
    seen
}

/// A run in which no offer was refused says nothing.
pub fn refused(bench: &Bench<'_>, case: &Case) -> Seen {
    let mut seen = Seen::default();
    let mut refusals = 0;
    for trial in bench.trials(case) {
        let run = bench.solve(&trial);
        refusals += run.usage.answers_refused;
        if !is_well(&run.ending) {
            seen.fail(format!("{}: {}", trial.name, told(&run.ending, &trial.limits)));
        }
    }
    if refusals == 0 {
        seen.add(Verdict::Skip, "no offer was refused: the plugin offers none");
    }
    seen
}

/// `describe` and `learn` are the only calls that can come after `solve`.
pub fn after_the_end(bench: &Bench<'_>, case: &Case) -> Seen {
    let mut seen = Seen::default();
    let limits = bench.grants.limits(case);
    for trial in bench.trials(case) {
        bench.solve(&trial);
        let lesson: &[LabelledTask] = std::slice::from_ref(trial.task);
        let later = [
            ("`describe`", bench.describe(trial.seed, &limits).1),
            ("`learn` of nothing", bench.learn(&[], trial.seed, &limits)),
            ("`learn` of the task", bench.learn(lesson, trial.seed, &limits)),
        ];
        for (call, report) in later {
            let offers = report.usage.answers_offered + report.usage.answers_refused;
            if offers > 0 {
                let offers = grouped(offers);
                seen.fail(format!("{}, then {call}: {offers} answers were offered: allowed 0", trial.name));
            }
        }
    }
    seen
}
