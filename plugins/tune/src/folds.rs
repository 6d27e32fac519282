//! Policies for measuring imitation: each task is solved by one that was trained without its quarter of the tasks.

use std::collections::BTreeMap;

use serde_json::Value;
use stratagem_imitation::lessons::example;
use stratagem_imitation::train::loss;
use stratagem_imitation::{Lesson, Policy, learn};
use stratagem_kit::Work;

use crate::read_task;

/// How many parts the tasks are divided into.
const FOLDS: usize = 4;
/// Work for training one policy.
const LEARN_WORK: u64 = 30_000_000_000;
/// Names a file of an earlier pass of this tool: `ID rank seconds work confidence program`.
const PROGRAMS: &str = "PROGRAMS";

/// The policies, and which task belongs to which.
pub struct Folds {
    fold_of: BTreeMap<String, usize>,
    policies: Vec<Option<Policy>>,
    untrained: Policy,
}

impl Folds {
    /// No policy but the untrained one.
    pub fn none() -> Self {
        Self { fold_of: BTreeMap::new(), policies: Vec::new(), untrained: Policy::untrained(1) }
    }

    /// Trains the policies that the chosen tasks need, on lessons that the file of programs knows a solution of.
    pub fn learn(tasks: &serde_json::Map<String, Value>, chosen: &[&String]) -> Self {
        let Ok(path) = std::env::var(PROGRAMS) else {
            eprintln!("{PROGRAMS} names no file of programs: the policy stays untrained");
            return Self::none();
        };
        let programs = std::fs::read_to_string(path).expect("programs file");
        let known: BTreeMap<&str, &str> = programs.lines().filter_map(solution).collect();
        let mut ids: Vec<&String> = tasks.keys().collect();
        ids.sort();
        let fold_of: BTreeMap<String, usize> =
            ids.iter().enumerate().map(|(i, id)| ((*id).clone(), i % FOLDS)).collect();
        let lessons = |fold: usize, inside: bool| -> Vec<Lesson> {
            let here = |id: &&&String| (fold_of[id.as_str()] == fold) == inside;
            let solved = |id: &&String| Some(lesson(&tasks[id.as_str()], known.get(id.as_str())?));
            ids.iter().filter(here).filter_map(solved).collect()
        };
        let policies = (0..FOLDS).map(|fold| {
            let needed = chosen.iter().any(|id| fold_of[id.as_str()] == fold);
            needed.then(|| train_fold(fold, &lessons(fold, false), &lessons(fold, true)))
        });
        let policies = policies.collect();
        Self { fold_of, policies, untrained: Policy::untrained(1) }
    }

    pub fn policy(&self, id: &str) -> &Policy {
        let fold = self.fold_of.get(id).and_then(|&f| self.policies.get(f)?.as_ref());
        fold.unwrap_or(&self.untrained)
    }
}

/// The task and its program in a line of an earlier pass, where it was solved.
fn solution(line: &str) -> Option<(&str, &str)> {
    let mut words = line.splitn(6, ' ');
    let (id, rank) = (words.next()?, words.next()?);
    let program = words.nth(3)?;
    rank.parse::<usize>().ok().map(|_| (id, program))
}

fn lesson(json: &Value, rationale: &str) -> Lesson {
    let (task, outputs) = read_task(json);
    Lesson::from_rationale(task, outputs, rationale)
}

/// Trains one policy, and tells what it makes of the lessons that it was not shown.
fn train_fold(fold: usize, lessons: &[Lesson], held_out: &[Lesson]) -> Policy {
    let start = std::time::Instant::now();
    let mut budget = Work(LEARN_WORK);
    let policy = learn(lessons, 1, &mut budget, &mut |note| eprintln!("fold {fold}: {note}"));
    let examples: Vec<_> = held_out
        .iter()
        .filter_map(|l| {
            example(l.program.as_ref()?, &l.task.inputs().collect::<Vec<_>>(), &mut Work(u64::MAX))
        })
        .collect();
    eprintln!(
        "fold {fold}: {:.1} s, {:.1} G units; nats a step on {} held-out lessons: {:.3}, untrained {:.3}",
        start.elapsed().as_secs_f64(),
        (LEARN_WORK - budget.0) as f64 / 1e9,
        examples.len(),
        loss(&policy, &examples),
        loss(&Policy::untrained(1), &examples),
    );
    policy
}
