use stratagem_domain::{RunReport, Usage, grouped};

use crate::trial::{Bench, told};
use crate::{Case, Seen};

/// Twice here and once in a sandbox of another make.
pub fn same_seed(bench: &Bench<'_>, case: &Case) -> Seen {
    let mut seen = Seen::default();
    for trial in bench.trials(case) {
        let first = bench.solve(&trial);
        if !first.ending.is_replayable() {
            let ending = told(&first.ending, &trial.limits);
            seen.fail(format!("{}: {ending}, which another run need not do", trial.name));
            continue;
        }
        let again = bench.solve(&trial);
        bench.count();
        let elsewhere = bench.elsewhere.solve(&trial.task.task, trial.seed, &trial.limits);
        for (place, other) in [("run again", &again), ("run in another sandbox", &elsewhere)] {
            if let Some(difference) = difference(&first, other) {
                seen.fail(format!("{}, {place}: {difference}", trial.name));
            }
        }
    }
    seen
}

/// Each task before and after all of the others.
pub fn independent(bench: &Bench<'_>, case: &Case) -> Seen {
    let mut seen = Seen::default();
    let trials = bench.trials(case);
    let before: Vec<RunReport> = trials.iter().map(|trial| bench.solve(trial)).collect();
    for (trial, before) in trials.iter().zip(&before).rev().skip(1) {
        if let Some(difference) = difference(before, &bench.solve(trial)) {
            seen.fail(format!("{}, after other tasks: {difference}", trial.name));
        }
    }
    seen
}

/// The first thing in which two runs differ; real and CPU time always do.
fn difference(one: &RunReport, other: &RunReport) -> Option<String> {
    if one.ending != other.ending {
        let [one, other] =
            [one, other].map(|run| run.ending.reason().unwrap_or_else(|| "returned".to_owned()));
        return Some(format!("ended as {one:?}, then as {other:?}"));
    }
    let lists = [
        ("answers", one.answers == other.answers, one.answers.len(), other.answers.len()),
        ("steps", one.steps == other.steps, one.steps.len(), other.steps.len()),
        ("lines of log", one.log == other.log, one.log.len(), other.log.len()),
    ];
    if let Some((what, _, one, other)) = lists.into_iter().find(|(_, equal, ..)| !equal) {
        return Some(format!("{what} differ: there are {one}, then {other}"));
    }
    let numbers = |usage: &Usage| {
        [
            ("units of fuel", usage.fuel_spent),
            ("host calls", usage.host_calls),
            ("bytes handed over", usage.lifted_bytes),
            ("bytes of memory", usage.memory_peak_bytes),
        ]
    };
    let mut pairs = numbers(&one.usage).into_iter().zip(numbers(&other.usage));
    let ((what, one), (_, other)) = pairs.find(|(one, other)| one != other)?;
    Some(format!("took {} {what}, then {}", grouped(one), grouped(other)))
}

/// What is kept under a limit that the plugin cannot see is the beginning of what it offers without.
pub fn cut_short(bench: &Bench<'_>, case: &Case) -> Seen {
    let mut seen = Seen::default();
    let whole = bench.grants.limits(case);
    for trial in bench.trials(case) {
        let all = bench.solve_within(&trial, &whole).answers;
        let cut = bench.solve(&trial);
        if !all.starts_with(&cut.answers) {
            let (kept, offered) = (cut.answers.len(), all.len());
            seen.fail(format!("{}: the {kept} answers kept are not the first of {offered}", trial.name));
        }
        let returned = cut.ending == stratagem_domain::Ending::Returned;
        if returned && cut.answers.len() < all.len() {
            seen.fail(format!(
                "{}: returned with {} of {} answers",
                trial.name,
                cut.answers.len(),
                all.len()
            ));
        }
    }
    seen
}
