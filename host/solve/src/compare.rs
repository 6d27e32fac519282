use std::collections::BTreeMap;

use serde::Serialize;
use stratagem_domain::Digest;

use crate::stats::{ALPHA, Interval, McNemar, holm};

/// One strategy's finished work on one task.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// What the task is recognised by.
    pub task: Digest,
    /// What people call it.
    pub code: String,
    /// Solved with two attempts; none where the outputs are not known.
    pub solved: Option<bool>,
    /// 0 to 1; none where the outputs are not known.
    pub score: Option<f64>,
    pub cpu_seconds: f64,
    pub fuel_spent: u64,
    /// Millionths of a dollar.
    pub cost_micros: u64,
}

/// What one side of a comparison did.
#[derive(Clone, Debug, PartialEq)]
pub struct Side {
    pub name: String,
    pub trials: Vec<Trial>,
}

/// Two sides on the tasks that both finished. Differences are the second less the first, a task.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    pub first: String,
    pub second: String,
    /// Tasks that both finished: what all figures are of.
    pub tasks: usize,
    /// Tasks that only one finished: they are left out.
    pub left_out: LeftOut,
    /// Tasks whose outputs are known: what `solved` and `score` are of.
    pub scored: usize,
    pub solved: Solved,
    pub test: McNemar,
    /// Of [`McNemar::p`], held together with the other comparisons that were made; the same where it is the only one.
    pub p_adjusted: f64,
    pub score: Interval,
    pub cpu_seconds: Interval,
    pub fuel: Interval,
    pub cost_usd: Interval,
    pub verdict: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    pub of_first: usize,
    pub of_second: usize,
}

/// Which tasks were solved by whom, by code.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Solved {
    pub both: usize,
    pub neither: usize,
    pub only_first: Vec<String>,
    pub only_second: Vec<String>,
}

/// Compares pairs of sides, and holds their tests together.
pub fn compare(pairs: &[(&Side, &Side)], seed: u64) -> Vec<Comparison> {
    let mut found: Vec<Comparison> = pairs.iter().map(|(first, second)| pair(first, second, seed)).collect();
    let values: Vec<f64> = found.iter().map(|comparison| comparison.test.p).collect();
    for (comparison, adjusted) in found.iter_mut().zip(holm(&values)) {
        comparison.p_adjusted = adjusted;
        comparison.verdict = comparison.words();
    }
    found
}

fn pair(first: &Side, second: &Side, seed: u64) -> Comparison {
    let others: BTreeMap<Digest, &Trial> = second.trials.iter().map(|trial| (trial.task, trial)).collect();
    let firsts: BTreeMap<Digest, &Trial> = first.trials.iter().map(|trial| (trial.task, trial)).collect();
    let both: Vec<(&Trial, &Trial)> =
        firsts.iter().filter_map(|(task, trial)| Some((*trial, *others.get(task)?))).collect();
    let mut solved = Solved::default();
    let mut scores = Vec::new();
    for (one, other) in &both {
        match (one.solved, other.solved) {
            (Some(true), Some(true)) => solved.both += 1,
            (Some(false), Some(false)) => solved.neither += 1,
            (Some(true), Some(false)) => solved.only_first.push(one.code.clone()),
            (Some(false), Some(true)) => solved.only_second.push(one.code.clone()),
            _ => continue,
        }
        scores.push(other.score.unwrap_or(0.0) - one.score.unwrap_or(0.0));
    }
    solved.only_first.sort_unstable();
    solved.only_second.sort_unstable();
    let interval = |value: fn(&Trial) -> f64| {
        let differences: Vec<f64> = both.iter().map(|(one, other)| value(other) - value(one)).collect();
        Interval::of(&differences, seed)
    };
    let test = McNemar::of(solved.only_first.len() as u64, solved.only_second.len() as u64);
    Comparison {
        first: first.name.clone(),
        second: second.name.clone(),
        tasks: both.len(),
        left_out: LeftOut { of_first: firsts.len() - both.len(), of_second: others.len() - both.len() },
        scored: scores.len(),
        solved,
        p_adjusted: test.p,
        test,
        score: Interval::of(&scores, seed),
        cpu_seconds: interval(|trial| trial.cpu_seconds),
        fuel: interval(|trial| trial.fuel_spent as f64),
        cost_usd: interval(|trial| trial.cost_micros as f64 / 1e6),
        verdict: String::new(),
    }
}

impl Comparison {
    /// True where the same side is better more often than chance explains.
    pub fn is_difference(&self) -> bool {
        self.p_adjusted < ALPHA
    }

    fn words(&self) -> String {
        let Self { first, second, scored, test, p_adjusted, .. } = self;
        let McNemar { b, c, .. } = test;
        let solving = match (*scored, b + c) {
            (0, _) => "no task in common has known outputs: nothing can be said about solving".to_owned(),
            (_, 0) => format!("no difference on these {scored} tasks: both solve the same ones"),
            _ if self.is_difference() => {
                let (better, worse, more, fewer) =
                    if c > b { (second, first, c, b) } else { (first, second, b, c) };
                format!(
                    "{better} solves more than {worse}: {more} tasks that {worse} does not, against {fewer} \
                     (p {p_adjusted:.4})"
                )
            }
            (_, apart) if test.least_p() >= ALPHA => format!(
                "no difference that {scored} tasks can show: they part on {apart}, and no split of {apart} is beyond \
                 chance"
            ),
            _ => format!("no difference that {scored} tasks can show: {b} against {c} (p {p_adjusted:.2})"),
        };
        let mut words = vec![solving];
        for (name, interval) in [("CPU", &self.cpu_seconds), ("money", &self.cost_usd)] {
            if self.tasks > 1 && !interval.holds_zero() {
                let (less, more) = if interval.mean < 0.0 { (second, first) } else { (first, second) };
                words.push(format!("{less} takes less {name} than {more}"));
            }
        }
        words.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(task: usize, solved: Option<bool>, cpu_seconds: f64) -> Trial {
        Trial {
            task: Digest::of(&task.to_le_bytes()),
            code: format!("t{task:03}"),
            solved,
            score: solved.map(|solved| f64::from(u8::from(solved))),
            cpu_seconds,
            fuel_spent: (cpu_seconds * 1e9) as u64,
            cost_micros: 0,
        }
    }

    fn side(name: &str, trials: impl Iterator<Item = Trial>) -> Side {
        Side { name: name.to_owned(), trials: trials.collect() }
    }

    fn one(first: &Side, second: &Side) -> Comparison {
        compare(&[(first, second)], 1).remove(0)
    }

    #[test]
    fn a_clear_difference_is_told_with_its_tasks() {
        let weak = side("weak", (0..40).map(|at| trial(at, Some(at < 10), 1.0)));
        let strong = side("strong", (0..40).map(|at| trial(at, Some(at < 22), 2.0 + at as f64 / 100.0)));
        let found = one(&weak, &strong);
        assert_eq!((found.tasks, found.scored, found.solved.both, found.solved.neither), (40, 40, 10, 18));
        assert_eq!(found.solved.only_second.len(), 12);
        assert_eq!((found.test.b, found.test.c), (0, 12));
        assert!(found.is_difference() && found.score.mean > 0.29 && !found.score.holds_zero());
        assert!(
            found.verdict.starts_with("strong solves more than weak: 12 tasks that weak does not, against 0")
        );
        assert!(found.verdict.ends_with("weak takes less CPU than strong"), "{}", found.verdict);
        let turned = one(&strong, &weak);
        assert_eq!((turned.test.b, turned.test.c, turned.test.p), (12, 0, found.test.p));
        assert!((turned.cpu_seconds.mean + found.cpu_seconds.mean).abs() < 1e-9);
        assert!(turned.verdict.starts_with("strong solves more than weak"), "{}", turned.verdict);
    }

    #[test]
    fn too_few_tasks_show_nothing_and_it_is_said() {
        let first = side("a", (0..9).map(|at| trial(at, Some(at == 0), 1.0)));
        let second = side("b", (0..9).map(|at| trial(at, Some(at == 1 || at == 2), 1.0)));
        let words = one(&first, &second).verdict;
        assert!(words.starts_with("no difference that 9 tasks can show: they part on 3"), "{words}");
        let same = one(&first, &first);
        assert_eq!((same.test.p, same.cpu_seconds.mean), (1.0, 0.0));
        assert!(same.verdict.starts_with("no difference on these 9 tasks"), "{}", same.verdict);
    }

    #[test]
    fn only_what_both_finished_counts_and_what_is_unscored_is_only_paid() {
        let first = side("a", (0..10).map(|at| trial(at, Some(true), 1.0)));
        let second = side("b", (4..20).map(|at| trial(at, (at > 5).then_some(false), 3.0)));
        let found = one(&first, &second);
        assert_eq!((found.tasks, found.scored), (6, 4));
        assert_eq!(found.left_out, LeftOut { of_first: 4, of_second: 10 });
        assert_eq!((found.test.b, found.test.c), (4, 0));
        assert!((found.cpu_seconds.mean - 2.0).abs() < 1e-9);
        let nothing = one(&first, &side("c", (90..99).map(|at| trial(at, Some(true), 1.0))));
        assert_eq!((nothing.tasks, nothing.test.p), (0, 1.0));
        assert!(nothing.verdict.starts_with("no task in common"), "{}", nothing.verdict);
    }

    #[test]
    fn several_comparisons_are_held_together() {
        let side_of =
            |name: &str, from: usize| side(name, (0..30).map(|at| trial(at, Some(at >= from), 1.0)));
        let (a, b, c) = (side_of("a", 6), side_of("b", 0), side_of("c", 0));
        let alone = one(&a, &b);
        assert!(alone.is_difference());
        let together = compare(&[(&a, &b), (&a, &c), (&b, &c)], 1);
        assert!(together[0].p_adjusted > alone.p_adjusted && !together[0].is_difference());
        assert!(together[0].verdict.starts_with("no difference that 30 tasks can show: 0 against 6"));
    }
}
