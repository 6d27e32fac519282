//! What a task is like: numbers and hints that find its family and its nearest tasks.
//!
//! [`Features::of`] takes a [`Task`], the form without test outputs, so that none can enter: two tasks that differ in
//! their test outputs alone have equal features. It is total and takes well under a millisecond for a usual task:
//! every test is a few passes over at most 80 grids of 900 cells.
//!
//! A feature never depends on which colour is which, nor on how the grids lie: background, objects and hints follow
//! from counts and places, and every test of a direction tries all of them. What a tie in the background breaks is
//! the one exception, and only for turned grids.

mod board;
mod grid;
mod hints;
mod lines;
mod motifs;
mod objects;
mod parts;
mod relation;
mod vector;

use serde::{Deserialize, Serialize};

use crate::Task;
use board::Board;
pub use grid::{GridFeatures, ObjectCounts, Period, Symmetry};
pub use hints::Hint;
pub use motifs::Motif;
pub use relation::{SizeGroup, SizeRelation};
pub use vector::DIMENSION;

/// A task's features, by rules that [`Features::EXTRACTOR`] names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Features {
    /// The rules' name and version; other rules have another name.
    pub extractor: String,
    pub size_relation: SizeRelation,
    /// What the demonstrations allow, the most telling first.
    pub hints: Vec<Hint>,
    pub motifs: Vec<Motif>,
    /// The colour that all demonstrations' inputs have most of; none where no colour is in all of them.
    pub background: Option<u8>,
    pub pairs: Vec<PairFeatures>,
    pub tests: Vec<GridFeatures>,
}

/// A demonstration's features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairFeatures {
    pub input: GridFeatures,
    pub output: GridFeatures,
    /// Shares of cells; none where output and input differ in size.
    pub change: Option<Change>,
    pub colours_added: Vec<u8>,
    pub colours_removed: Vec<u8>,
    /// What each colour of the input becomes, where it always becomes the same.
    pub colour_map: Option<Vec<(u8, u8)>>,
}

/// How much of a grid changed: shares of its cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Change {
    pub all: f64,
    /// From the background to a colour.
    pub drawn: f64,
    /// From a colour to the background.
    pub removed: f64,
}

/// A demonstration on its way through the tests.
struct Demo {
    input: Board,
    output: Board,
    /// The background of the input, and of the output.
    ground: u8,
    output_ground: u8,
}

impl Features {
    /// The rules' name and version, also the model of the embeddings that [`Self::vector`] makes.
    pub const EXTRACTOR: &'static str = "features-1";

    pub fn of(task: &Task) -> Self {
        let inputs: Vec<Board> = task.train.iter().map(|pair| Board::of(&pair.input)).collect();
        let background = common_background(&inputs);
        let ground = |board: &Board| match background {
            Some(colour) if board.cells.contains(&colour) => colour,
            _ => board.ground(),
        };
        let demos: Vec<Demo> = inputs
            .into_iter()
            .zip(&task.train)
            .map(|(input, pair)| {
                let output = Board::of(&pair.output);
                Demo { ground: ground(&input), output_ground: ground(&output), input, output }
            })
            .collect();
        let tests = task.test.iter().map(Board::of).map(|board| GridFeatures::of(&board, ground(&board)));
        let tests: Vec<_> = tests.collect();
        let pairs: Vec<_> = demos.iter().map(PairFeatures::of).collect();
        Self {
            extractor: Self::EXTRACTOR.to_owned(),
            size_relation: SizeRelation::of(&demos),
            hints: hints::of(&demos),
            motifs: motifs::of(&demos, &pairs),
            background,
            pairs,
            tests,
        }
    }

    /// The first demonstration's input, which every task has.
    pub fn first(&self) -> &GridFeatures {
        &self.pairs[0].input
    }

    /// The family's name: how sizes relate and the most telling hint.
    pub fn family(&self) -> String {
        let group = self.size_relation.group().title();
        let hint = self.hints.first().map_or("no hint", |hint| hint.title());
        format!("{group}: {hint}")
    }

    /// What the tasks of [`Self::family`] have in common, for people.
    pub fn family_description(&self) -> String {
        let group = self.size_relation.group().description();
        let hint = self.hints.first().map_or("none of the tests for hints holds", |hint| hint.description());
        format!("{group}; {hint}")
    }

    /// What stands for the task where nearest tasks are searched for: of length 1.
    ///
    /// *Shape*: [`DIMENSION`].
    pub fn vector(&self) -> Vec<f32> {
        vector::of(self)
    }
}

impl PairFeatures {
    fn of(demo: &Demo) -> Self {
        let (input, output) = (&demo.input, &demo.output);
        let (before, after) = (input.counts(), output.counts());
        let only = |some: [usize; 10], other: [usize; 10]| -> Vec<u8> {
            (0..10)
                .filter(|&colour| some[usize::from(colour)] > 0 && other[usize::from(colour)] == 0)
                .collect()
        };
        Self {
            input: GridFeatures::of(input, demo.ground),
            output: GridFeatures::of(output, demo.output_ground),
            change: input.is_like(output).then(|| Change::of(demo)),
            colours_added: only(after, before),
            colours_removed: only(before, after),
            colour_map: colour_map(std::iter::once(demo)),
        }
    }
}

impl Change {
    fn of(demo: &Demo) -> Self {
        let changes = || demo.changes();
        let share = |count| grid::share(count, demo.input.cells.len());
        Self {
            all: share(changes().count()),
            drawn: share(changes().filter(|&(_, before, _)| before == demo.ground).count()),
            removed: share(changes().filter(|&(_, _, after)| after == demo.ground).count()),
        }
    }
}

impl Demo {
    fn is_same_size(&self) -> bool {
        self.input.is_like(&self.output)
    }

    /// The cells that differ: place, colour before, colour after. Only for grids of one size.
    fn changes(&self) -> impl Iterator<Item = (usize, u8, u8)> + '_ {
        let cells = self.input.cells.iter().zip(&self.output.cells).enumerate();
        cells
            .filter(|(_, (before, after))| before != after)
            .map(|(at, (&before, &after))| (at, before, after))
    }
}

/// What each colour becomes in all demonstrations of one size; none where one colour becomes two.
fn colour_map<'a>(demos: impl Iterator<Item = &'a Demo>) -> Option<Vec<(u8, u8)>> {
    let mut map = [None; 10];
    for demo in demos {
        if !demo.is_same_size() {
            return None;
        }
        for (&before, &after) in demo.input.cells.iter().zip(&demo.output.cells) {
            if *map[usize::from(before)].get_or_insert(after) != after {
                return None;
            }
        }
    }
    let known = (0..10).zip(map).filter_map(|(before, after): (u8, Option<u8>)| Some((before, after?)));
    Some(known.collect())
}

/// The colour that is in every input and has the largest share of them all; equal shares go to the one nearer to the
/// borders, then to the one that is met first, so that no colour is preferred for its number.
fn common_background(inputs: &[Board]) -> Option<u8> {
    let in_all = (0..10).filter(|colour| inputs.iter().all(|board| board.cells.contains(colour)));
    let weight = |colour: u8| -> (u64, usize, std::cmp::Reverse<usize>) {
        // Shares in millionths: whole numbers add up to the same in any order.
        let share =
            |board: &Board| board.counts()[usize::from(colour)] as u64 * 1_000_000 / board.cells.len() as u64;
        let first = inputs[0].cells.iter().position(|&cell| cell == colour).unwrap_or(usize::MAX);
        let spread = inputs.iter().map(|board| board.spread(colour)).sum();
        (inputs.iter().map(share).sum(), spread, std::cmp::Reverse(first))
    };
    in_all.max_by_key(|&colour| weight(colour))
}

#[cfg(test)]
mod tests;
