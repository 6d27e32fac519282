//! What programs draw, compared with the wanted outputs cell by cell: the cases that selection goes by.

use stratagem_dsl::grid::mix;
use stratagem_dsl::tree::drawn;
use stratagem_dsl::{Grid, Task};
use stratagem_kit::Budget;
use stratagem_synthesis::hashing::Prints;

use crate::arena::{Arena, NOTHING};
use crate::learn;

/// A set of cells, over the wanted outputs of all demonstrations one after another.
pub type Bits = Box<[u64]>;

/// The wanted outputs, laid end to end.
pub struct Target {
    pub cells: Vec<u8>,
    /// Where each demonstration's cells start; one more than there are demonstrations.
    pub starts: Vec<usize>,
    /// Test inputs.
    pub tests: usize,
}

impl Target {
    pub fn new(task: &Task) -> Self {
        let mut cells = Vec::new();
        let mut starts = vec![0];
        for pair in &task.train {
            cells.extend_from_slice(pair.output.cells());
            starts.push(cells.len());
        }
        Self { cells, starts, tests: task.test.len() }
    }

    pub fn pairs(&self) -> usize {
        self.starts.len() - 1
    }

    /// How many demonstrations have none of the wrong cells.
    pub fn fits(&self, piece: &Piece) -> usize {
        let right = |c: usize| piece.right[c / 64] >> (c % 64) & 1 == 1;
        (0..self.pairs()).filter(|&p| (self.starts[p]..self.starts[p + 1]).all(right)).count()
    }
}

/// Packs flags into words, first flag in the lowest bit.
pub fn bits(flags: impl ExactSizeIterator<Item = bool>) -> Bits {
    let mut words = vec![0u64; flags.len().div_ceil(64)];
    for (i, flag) in flags.enumerate() {
        words[i / 64] |= u64::from(flag) << (i % 64);
    }
    words.into_boxed_slice()
}

pub fn count(words: impl Iterator<Item = u64>) -> u32 {
    words.map(u64::count_ones).sum()
}

/// What one or more states draw.
pub struct Piece {
    /// The cheapest state that draws it.
    pub state: u32,
    /// Cells over all demonstrations, end to end.
    pub cells: Box<[u8]>,
    /// What it draws for each test input, where it does.
    pub tests: Vec<Option<Grid>>,
    /// Cells that are not black.
    pub ink: Bits,
    /// Cells that are as wanted.
    pub right: Bits,
    /// How many they are.
    pub rightness: u32,
    /// Cells that come out right when the ground is recoloured by this piece.
    pub explains: Bits,
    /// How many they are.
    pub explained: u32,
    /// The pieces that this one has been tried as a base for.
    pub tried_to: usize,
}

/// All that has been drawn, each drawing once.
#[derive(Default)]
pub struct Pieces {
    pub all: Vec<Piece>,
    by_print: Prints<u32>,
    /// The piece of each state, where it draws one.
    of_state: Vec<u32>,
    /// The piece that recolouring starts from: the input, where it has the size of the answer.
    pub ground: Option<usize>,
    /// Exact pieces that another program has come to, once for each program.
    pub met_again: Vec<usize>,
    pub bytes: usize,
}

impl Pieces {
    /// The piece that a state draws, where it does.
    pub fn of(&self, state: u32) -> Option<usize> {
        self.of_state.get(state as usize).filter(|&&p| p != NOTHING).map(|&p| p as usize)
    }

    /// Draws the states that have not been drawn yet; `fresh` gets each new piece.
    pub fn gather(
        &mut self,
        arena: &Arena,
        target: &Target,
        budget: &mut dyn Budget,
        fresh: &mut dyn FnMut(usize),
    ) {
        while self.of_state.len() < arena.len() {
            let state = self.of_state.len() as u32;
            let known = self.all.len();
            let piece = self.draw(arena, target, state, budget);
            self.of_state.push(piece.map_or(NOTHING, |p| p as u32));
            if state == 0 {
                self.ground = piece;
                self.weigh_ground(target);
            }
            if self.all.len() > known {
                fresh(known);
            }
        }
    }

    fn draw(&mut self, arena: &Arena, target: &Target, state: u32, budget: &mut dyn Budget) -> Option<usize> {
        let mut cells = Vec::with_capacity(target.cells.len());
        let mut print = 0;
        for pair in 0..target.pairs() {
            let grid = drawn(arena.value(state, pair)?, arena.canvases[pair])?;
            print = mix(print, grid.fingerprint());
            cells.extend_from_slice(grid.cells());
            if cells.len() != target.starts[pair + 1] {
                return None;
            }
        }
        let mut tests = Vec::new();
        for input in target.pairs()..target.pairs() + target.tests {
            let value = arena.value(state, input);
            let sized = arena.canvases[0].is_none() || arena.canvases[input].is_some();
            let grid = value.filter(|_| sized).and_then(|v| drawn(v, arena.canvases[input]));
            print = mix(print, grid.as_ref().map_or(0, Grid::fingerprint));
            tests.push(grid);
        }
        budget.spend(5 * cells.len() as u64 + 60 * (target.pairs() + target.tests) as u64 + 100);
        let next = self.all.len() as u32;
        let id = *self.by_print.entry(print).or_insert(next);
        if id != next {
            let known = &mut self.all[id as usize];
            if arena.state(state).cost < arena.state(known.state).cost {
                known.state = state;
            }
            if known.rightness as usize == cells.len() {
                self.met_again.push(id as usize);
            }
            return Some(id as usize);
        }
        let ink = bits(cells.iter().map(|&c| c != 0));
        let right = bits(cells.iter().zip(&target.cells).map(|(a, b)| a == b));
        let ground = self.ground.map(|g| &*self.all[g].cells);
        let explains = learn::explained(&cells, ground, &target.cells);
        let rightness = count(right.iter().copied());
        let explained = count(explains.iter().copied());
        self.bytes += cells.len() * 3 / 2 + 200;
        let cells = cells.into_boxed_slice();
        self.all.push(Piece { state, cells, tests, ink, right, rightness, explains, explained, tried_to: 0 });
        Some(id as usize)
    }

    fn weigh_ground(&mut self, target: &Target) {
        if let Some(g) = self.ground {
            let ground = &mut self.all[g];
            ground.explains = learn::explained(&ground.cells, Some(&ground.cells), &target.cells);
            ground.explained = count(ground.explains.iter().copied());
        }
    }
}
