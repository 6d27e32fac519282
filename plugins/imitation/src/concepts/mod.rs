//! Concepts: named ideas that tasks are made of, each with a generator of tasks and an independent check.
//!
//! A generator draws input and output together from seeded chance; the check looks at a pair alone and works
//! another way, so that a slip in either shows. All are our own.

mod colours;
mod draw;
mod lines;
mod motions;
mod objects;
mod panels;
mod patterns;

use stratagem_dsl::grid::mix;
use stratagem_dsl::{Grid, Pair, Task};

use crate::chance::Chance;
use draw::Style;

/// An idea, a generator of pairs and a check of pairs.
pub struct Concept {
    pub name: &'static str,
    pair: fn(&mut Chance, &Style) -> Option<(Grid, Grid)>,
    /// Whether an output follows from an input by this concept.
    pub holds: fn(&Grid, &Grid) -> bool,
}

/// A task with its answers.
pub struct Generated {
    pub task: Task,
    /// One for each test input.
    pub outputs: Vec<Grid>,
}

/// How often a generator is asked before a task goes without another pair.
const ATTEMPTS: usize = 400;

impl Concept {
    /// A task of three or four demonstrations and a test input, the same for the same seed.
    pub fn task(&self, seed: u64) -> Generated {
        let name = self.name.bytes().fold(seed, |h, b| mix(h, u64::from(b)));
        let mut chance = Chance::new(name);
        let style = Style::draw(&mut chance);
        let wanted = 4 + chance.below(2);
        let mut pairs: Vec<Pair> = Vec::new();
        for _ in 0..ATTEMPTS {
            let Some((input, output)) = (self.pair)(&mut chance, &style) else { continue };
            let new = input != output && pairs.iter().all(|p| p.input != input);
            if new && input.size().fits_task() && output.size().fits_task() {
                pairs.push(Pair { input, output });
            }
            if pairs.len() == wanted {
                break;
            }
        }
        let last = pairs.pop();
        let (test, outputs) = last.map(|p| (p.input, p.output)).into_iter().unzip();
        Generated { task: Task { train: pairs, test }, outputs }
    }
}

/// All concepts, by family.
pub fn all() -> impl Iterator<Item = &'static Concept> {
    [motions::ALL, colours::ALL, objects::ALL, lines::ALL, patterns::ALL, panels::ALL].into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::all;
    use std::collections::BTreeSet;

    #[test]
    fn every_concept_passes_its_check() {
        for concept in all() {
            for seed in 0..50 {
                let made = concept.task(seed);
                let name = concept.name;
                assert!(made.task.train.len() >= 3, "{name}, seed {seed}: {} pairs", made.task.train.len());
                assert_eq!(made.outputs.len(), 1, "{name}, seed {seed}");
                let answer = made.task.test.iter().zip(&made.outputs);
                for (input, output) in made.task.train.iter().map(|p| (&p.input, &p.output)).chain(answer) {
                    assert!((concept.holds)(input, output), "{name}, seed {seed}\n{input:?}{output:?}");
                    assert!(input != output, "{name}, seed {seed}: nothing happens");
                }
            }
        }
    }

    #[test]
    fn checks_refuse_the_wrong_output() {
        for concept in all() {
            let refused = (0..20).any(|seed| {
                let made = concept.task(seed);
                !(concept.holds)(&made.task.train[0].input, &made.task.train[0].input)
                    || !(concept.holds)(&made.task.train[0].input, &made.task.train[1].output)
            });
            assert!(refused, "{} holds for anything", concept.name);
        }
    }

    #[test]
    fn there_are_sixty_with_names_of_their_own() {
        let names: BTreeSet<&str> = all().map(|c| c.name).collect();
        assert_eq!(names.len(), all().count());
        assert!(names.len() >= 60, "{}", names.len());
    }
}
