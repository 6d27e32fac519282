//! What experiments came to: their arms beside one another, told with how certain that is.

use serde::Serialize;
use stratagem_domain::quote;
use stratagem_solve::{ALPHA, Comparison, Interval, Side, Trial, compare};
use stratagem_store::{Evaluation, Store};

use crate::failure::Failure;
use crate::output::{outln, print_json};
use crate::paint;

/// Tasks that only one side solved are named up to so many.
const NAMED: usize = 10;

/// Compares the arms of one experiment, or those of two.
pub fn run(store: &Store, first: &str, second: Option<&str>, seed: u64, json: bool) -> Result<(), Failure> {
    let found = match second {
        None => compare_arms(&sides(store, first)?, seed),
        Some(second) => compare_two(&sides(store, first)?, &sides(store, second)?, seed)?,
    };
    if found.is_empty() {
        let message = format!("experiment {} has one arm: nothing to compare", quote(first, 80));
        return Err(Failure::misuse(message).hint("name another experiment, or another arm"));
    }
    if json {
        return print_json(&found);
    }
    found.iter().for_each(print_comparison);
    Ok(())
}

/// What an experiment came to: what `show` prints and a completed experiment keeps.
#[derive(Serialize)]
pub struct Results {
    pub arms: Vec<Evaluation>,
    pub comparisons: Vec<Comparison>,
}

impl Results {
    pub fn of(store: &Store, experiment: &str) -> Result<Self, Failure> {
        let arms = store.evaluations(Some(experiment), usize::MAX)?;
        let sides =
            arms.iter().map(|arm| side(store, arm, &arm.name)).collect::<Result<Vec<_>, Failure>>()?;
        Ok(Self { arms, comparisons: compare_arms(&sides, 0) })
    }
}

/// What an arm did on the tasks that it has finished.
fn side(store: &Store, arm: &Evaluation, name: &str) -> Result<Side, Failure> {
    let trials = store.evaluation_runs(&arm.id)?.into_iter().filter_map(|task| {
        let run = task.run?;
        Some(Trial {
            task: task.digest,
            code: task.code,
            solved: run.score.as_ref().map(|score| score.solved_at(2)),
            score: run.score.as_ref().map(stratagem_domain::Score::partial_credit),
            cpu_seconds: run.cpu_seconds,
            fuel_spent: run.fuel_spent,
            cost_micros: run.cost_micros,
        })
    });
    Ok(Side { name: name.to_owned(), trials: trials.collect() })
}

/// The arms that NAME or NAME/ARM means, under names that say which experiment they are of.
fn sides(store: &Store, what: &str) -> Result<Vec<Side>, Failure> {
    let (name, arm) = what.split_once('/').map_or((what, None), |(name, arm)| (name, Some(arm)));
    let experiment = store.experiment(name)?;
    let mut arms = store.evaluations(Some(&experiment.id), usize::MAX)?;
    let known: Vec<String> = experiment.arms.iter().map(|arm| arm.name.clone()).collect();
    if arms.is_empty() {
        let message = format!("experiment {} was not run yet", quote(&experiment.name, 80));
        return Err(Failure::new(message).hint("run it: `stratagem experiment run NAME`"));
    }
    if let Some(arm) = arm {
        arms.retain(|known| known.name == arm);
        if arms.is_empty() {
            let message = format!("experiment {} has no arm {}", quote(&experiment.name, 80), quote(arm, 80));
            return Err(Failure::misuse(message).hint(format!("it has: {}", known.join(", "))));
        }
    }
    arms.iter().map(|arm| side(store, arm, &format!("{}/{}", experiment.name, arm.name))).collect()
}

/// Every pair of arms.
fn compare_arms(sides: &[Side], seed: u64) -> Vec<Comparison> {
    let pairs: Vec<(&Side, &Side)> = sides
        .iter()
        .enumerate()
        .flat_map(|(at, first)| sides[at + 1..].iter().map(move |second| (first, second)))
        .collect();
    compare(&pairs, seed)
}

/// Arms of two experiments: one with one, else those of the same name.
fn compare_two(first: &[Side], second: &[Side], seed: u64) -> Result<Vec<Comparison>, Failure> {
    if let ([one], [other]) = (first, second) {
        return Ok(compare(&[(one, other)], seed));
    }
    let arm = |side: &Side| side.name.split_once('/').map(|(_, arm)| arm.to_owned());
    let pairs: Vec<(&Side, &Side)> = first
        .iter()
        .filter_map(|one| Some((one, second.iter().find(|other| arm(other) == arm(one))?)))
        .collect();
    if pairs.is_empty() {
        return Err(Failure::misuse("the experiments have no arm of the same name")
            .hint("name one of each: NAME/ARM NAME/ARM"));
    }
    Ok(compare(&pairs, seed))
}

fn print_comparison(found: &Comparison) {
    outln!("\n{} against {}", found.first, found.second);
    let field = |name: &str, value: &str| outln!("  {name:<16}{value}");
    let left_out = found.left_out.of_first + found.left_out.of_second;
    let note = match left_out {
        0 => "all that both have".to_owned(),
        left_out => format!("{left_out} that only one has finished are left out"),
    };
    field("tasks in common", &format!("{} ({note}), {} scored", found.tasks, found.scored));
    let solved = &found.solved;
    field("solved", &format!("{} by both, {} by neither", solved.both, solved.neither));
    for (name, codes) in [(&found.first, &solved.only_first), (&found.second, &solved.only_second)] {
        let named: Vec<&str> = codes.iter().take(NAMED).map(String::as_str).collect();
        let named = if named.is_empty() { String::new() } else { format!(": {}", named.join(" ")) };
        let more = codes.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        field("", &format!("{} by {name} alone{named}{more}", codes.len()));
    }
    let test = &found.test;
    field(
        "McNemar, exact",
        &format!("p {:.4} (mid-p {:.4}), held together {:.4}", test.p, test.mid_p, found.p_adjusted),
    );
    let interval = |interval: &Interval, digits: usize| {
        let Interval { mean, low, high } = interval;
        format!(
            "{mean:+.digits$} a task ({:.0} %: {low:+.digits$} to {high:+.digits$})",
            100.0 * (1.0 - ALPHA)
        )
    };
    field("score", &interval(&found.score, 3));
    field("CPU seconds", &interval(&found.cpu_seconds, 4));
    field("fuel", &interval(&found.fuel, 0));
    field("USD", &interval(&found.cost_usd, 6));
    let verdict = if found.is_difference() { paint::good(&found.verdict) } else { found.verdict.clone() };
    outln!("  {verdict}");
}
