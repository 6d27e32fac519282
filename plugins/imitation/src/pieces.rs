//! Pieces: what the search found that has its place on the canvas, compared with the wanted outputs.

use stratagem_dsl::grid::mix;
use stratagem_dsl::{Grid, Mode};
use stratagem_kit::{Bits, Budget, Target, bits_where};
use stratagem_synthesis::hashing::PrintSet;

use crate::graph::Graph;

/// One state on the canvas.
pub struct Piece {
    pub state: usize,
    /// Thousandths of a nat.
    pub cost: u32,
    pub cells: Box<[u8]>,
    /// Cells on each test canvas, where the program applies.
    pub tests: Vec<Option<Box<[u8]>>>,
    /// Cells that are not black.
    pub ink: Bits,
    /// Cells that are as wanted.
    pub right: Bits,
}

impl Piece {
    /// One word of the cells that the piece settles as a layer, and of those that it would settle wrong.
    pub fn settles(&self, mode: Mode, word: usize, target: &Target) -> (u64, u64) {
        match mode {
            Mode::Over => (self.ink[word], !self.right[word]),
            Mode::Opaque => (!0, !self.right[word]),
            Mode::Cut => (self.ink[word], target.ink[word]),
            Mode::Mask => (!self.ink[word], target.ink[word]),
        }
    }
}

/// The pieces found so far, likeliest first.
pub struct Pieces {
    pub all: Vec<Piece>,
    seen: PrintSet,
    next_state: usize,
    bytes: usize,
    limit_bytes: usize,
    /// Whether states that took the size of the answer belong here.
    sized: bool,
}

impl Pieces {
    pub fn new(limit_bytes: usize, sized: bool) -> Self {
        Self { sized, all: Vec::new(), seen: PrintSet::default(), next_state: 0, bytes: 0, limit_bytes }
    }

    /// Takes in the states found since the last time.
    pub fn gather(&mut self, graph: &Graph, target: &Target, budget: &mut dyn Budget) {
        while self.next_state < graph.len() && budget.left() > 0 && self.bytes <= self.limit_bytes {
            self.add(graph, target, self.next_state, budget);
            self.next_state += 1;
        }
        self.all.sort_by_key(|p| (p.cost, p.state));
    }

    fn add(&mut self, graph: &Graph, target: &Target, state: usize, budget: &mut dyn Budget) -> Option<()> {
        if graph.state(state).sized && !self.sized {
            return None;
        }
        let mut cells = Vec::with_capacity(target.cells.len());
        let mut print = 0;
        for pair in 0..target.pairs() {
            let drawn = graph.grid(state, pair)?.embed(target.canvases[pair]?)?;
            cells.extend_from_slice(drawn.cells());
            print = mix(print, drawn.fingerprint());
        }
        let mut tests = Vec::new();
        for input in target.pairs()..target.canvases.len() {
            let drawn = target.canvases[input].and_then(|canvas| graph.grid(state, input)?.embed(canvas));
            print = mix(print, drawn.as_ref().map_or(0, Grid::fingerprint));
            tests.push(drawn.map(|g| g.cells().into()));
        }
        budget.spend(5 * cells.len() as u64 + 100);
        if cells.len() == target.cells.len() && self.seen.insert(print) {
            let ink = bits_where(&cells, &cells, |c, _| c != 0);
            let right = bits_where(&cells, &target.cells, |a, b| a == b);
            self.bytes += cells.len() * 5 / 4 + cells.len() / 2 + 160;
            self.all.push(Piece {
                state,
                cost: graph.state(state).cost,
                cells: cells.into(),
                tests,
                ink,
                right,
            });
        }
        Some(())
    }
}
