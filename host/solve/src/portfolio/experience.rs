//! What stored runs teach: which strategy first, how long, and what its confidence is worth.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use stratagem_domain::Digest;
use stratagem_domain::features::SizeGroup;

use super::Calibration;

/// Share of a strategy's solved tasks that its turn must be long enough for.
const ENOUGH: f64 = 0.98;
/// Fuel beyond what was seen to be enough: the next task may be a little harder.
const SPARE: f64 = 1.25;
/// Tasks of a kind below which all kinds are taken together.
const LEAST_TASKS: usize = 20;

/// One run as experience: what kind of task, what it cost, what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Lived {
    pub strategy: String,
    pub task: Digest,
    pub kind: SizeGroup,
    pub is_solved: bool,
    pub fuel: u64,
    /// Its best answers to each test input.
    pub answers: Vec<Claim>,
}

/// An answer as experience.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Claim {
    pub confidence: f64,
    /// Whether its strategy offered none at the same test input that it was surer of.
    pub is_first: bool,
    pub is_right: bool,
}

/// What a strategy's confidences are worth: its second answer is seldom right however sure it is of it, since its first
/// mostly is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Worth {
    pub first: Calibration,
    pub later: Calibration,
}

impl Worth {
    fn of(claims: &[Claim]) -> Self {
        let calibration = |is_first: bool| {
            let claims = claims.iter().filter(|claim| claim.is_first == is_first);
            Calibration::of(&claims.map(|claim| (claim.confidence, claim.is_right)).collect::<Vec<_>>())
        };
        Self { first: calibration(true), later: calibration(false) }
    }
}

/// A strategy's turn at a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    pub strategy: String,
    /// Fuel that its turn may take; what is left of the task's, where none is named.
    pub fuel: Option<u64>,
    /// Of the tasks that those before it leave unsolved, the share that it solves.
    pub gain: f64,
    /// The fuel that it spends on those, in the mean.
    pub expense: f64,
}

/// What is known of strategies before a task is begun.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Experience {
    /// The order for each kind of task: most solved for its fuel first.
    pub turns: BTreeMap<SizeGroup, Vec<Turn>>,
    pub calibrations: BTreeMap<String, Worth>,
}

impl Experience {
    /// What shipped with the program: learned from runs of the shipped strategies on ARC-AGI-1's training tasks.
    pub fn shipped() -> Self {
        serde_json::from_str(include_str!("shipped.json"))
            .unwrap_or_else(|error| unreachable!("the shipped experience is JSON: {error}"))
    }

    /// Learns from runs; strategies without runs are not known.
    pub fn of(lived: &[Lived]) -> Self {
        let mut answers: BTreeMap<String, Vec<Claim>> = BTreeMap::new();
        for run in lived {
            answers.entry(run.strategy.clone()).or_default().extend(&run.answers);
        }
        let calibrations = answers.into_iter().map(|(name, claims)| (name, Worth::of(&claims))).collect();
        let turns = SizeGroup::ALL.into_iter().map(|kind| {
            let of_kind: Vec<&Lived> = lived.iter().filter(|run| run.kind == kind).collect();
            let tasks: BTreeSet<Digest> = of_kind.iter().map(|run| run.task).collect();
            let all = || lived.iter().collect();
            (kind, order(&if tasks.len() < LEAST_TASKS { all() } else { of_kind }))
        });
        Self { turns: turns.collect(), calibrations }
    }

    /// The turns at a task, of the strategies that there are; those that nothing is known of come last.
    pub fn turns(&self, kind: SizeGroup, strategies: &[&str]) -> Vec<Turn> {
        let known = self.turns.get(&kind).into_iter().flatten();
        let mut turns: Vec<Turn> =
            known.filter(|turn| strategies.contains(&turn.strategy.as_str())).cloned().collect();
        for &name in strategies {
            if turns.iter().all(|turn| turn.strategy != name) {
                turns.push(Turn { strategy: name.to_owned(), fuel: None, gain: 0.0, expense: 0.0 });
            }
        }
        turns
    }

    /// What a strategy's confidence in its first answer to a test input is worth, or in a later one.
    pub fn worth(&self, strategy: &str, confidence: f64, is_first: bool) -> f64 {
        self.calibrations.get(strategy).map_or(confidence, |known| {
            let calibration = if is_first { &known.first } else { &known.later };
            calibration.apply(confidence)
        })
    }
}

/// Greedy: next comes who solves most of what is unsolved yet for the fuel that it takes there.
fn order(lived: &[&Lived]) -> Vec<Turn> {
    let mut unsolved: BTreeSet<Digest> = lived.iter().map(|run| run.task).collect();
    let mut open: BTreeSet<&str> = lived.iter().map(|run| run.strategy.as_str()).collect();
    let mut turns = Vec::new();
    while !open.is_empty() {
        let next = open.iter().map(|&name| turn(name, lived, &unsolved)).max_by(|a, b| {
            let value = |turn: &Turn| turn.gain / turn.expense.max(1.0);
            value(a).total_cmp(&value(b)).then_with(|| b.strategy.cmp(&a.strategy))
        });
        let Some(next) = next else { break };
        open.remove(next.strategy.as_str());
        let solved = lived.iter().filter(|run| run.strategy == next.strategy && run.is_solved);
        solved.for_each(|run| {
            unsolved.remove(&run.task);
        });
        turns.push(next);
    }
    turns
}

/// What a strategy's turn would bring and take, were it the next.
fn turn(name: &str, lived: &[&Lived], unsolved: &BTreeSet<Digest>) -> Turn {
    let own = || lived.iter().filter(|run| run.strategy == name && unsolved.contains(&run.task));
    let runs = own().count().max(1) as f64;
    let mut enough: Vec<u64> = own().filter(|run| run.is_solved).map(|run| run.fuel).collect();
    enough.sort_unstable();
    let at = ((enough.len() as f64 * ENOUGH).ceil() as usize).saturating_sub(1);
    let fuel = enough.get(at).map(|&fuel| (fuel as f64 * SPARE) as u64);
    Turn {
        strategy: name.to_owned(),
        fuel,
        gain: enough.len() as f64 / runs,
        expense: own().map(|run| run.fuel as f64).sum::<f64>() / runs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lived(strategy: &str, task: u8, is_solved: bool, fuel: u64) -> Lived {
        let (strategy, task) = (strategy.to_owned(), Digest::of(&[task]));
        let claim = |is_first, is_right| Claim { confidence: 0.5, is_first, is_right };
        let answers = vec![claim(true, is_solved), claim(false, false)];
        Lived { strategy, task, kind: SizeGroup::Same, is_solved, fuel, answers }
    }

    fn names(turns: &[Turn]) -> Vec<&str> {
        turns.iter().map(|turn| turn.strategy.as_str()).collect()
    }

    #[test]
    fn the_cheap_one_comes_first_and_the_next_is_judged_by_what_is_left() {
        let mut runs = Vec::new();
        for task in 0..10 {
            // `twin` solves what `cheap` solves; `other` few, but others.
            runs.push(lived("cheap", task, task < 6, 10));
            runs.push(lived("twin", task, task < 6, 30));
            runs.push(lived("other", task, task >= 8, 100));
        }
        let experience = Experience::of(&runs);
        let turns = experience.turns(SizeGroup::Same, &["twin", "cheap", "other", "new"]);
        assert_eq!(names(&turns), ["cheap", "other", "twin", "new"]);
        assert_eq!((turns[0].fuel, turns[1].fuel), (Some(12), Some(125)));
        assert!((turns[1].gain - 0.5).abs() < 1e-9 && turns[2].gain == 0.0);
        // A kind with few tasks is judged by all.
        assert_eq!(names(&experience.turns(SizeGroup::Larger, &["cheap", "other"])), ["cheap", "other"]);
        assert_eq!(names(&experience.turns(SizeGroup::Same, &["other"])), ["other"]);
    }

    #[test]
    fn confidences_are_worth_what_they_were_and_unknown_ones_what_they_say() {
        let runs: Vec<Lived> = (0..60).map(|task| lived("s", task, task % 3 == 0, 1)).collect();
        let experience = Experience::of(&runs);
        assert!((experience.worth("s", 0.5, true) - 1.0 / 3.0).abs() < 0.03);
        assert!(experience.worth("s", 0.5, false) < 0.03, "a second answer is another matter");
        assert!((experience.worth("who", 0.5, true) - 0.5).abs() < 1e-9);
        let text = serde_json::to_string(&experience).unwrap();
        assert_eq!(serde_json::from_str::<Experience>(&text).unwrap(), experience);
    }

    #[test]
    fn the_shipped_experience_can_be_read_and_knows_every_kind() {
        let shipped = Experience::shipped();
        for kind in SizeGroup::ALL {
            assert!(!shipped.turns(kind, &["synthesis"]).is_empty());
        }
    }
}
