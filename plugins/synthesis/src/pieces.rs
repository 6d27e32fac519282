//! Pieces: what the walk found, drawn on the canvas and compared with the wanted outputs.

use stratagem_dsl::grid::mix;

use crate::hashing::PrintSet;
use crate::walk::Walk;
use stratagem_kit::{Bits, Budget, Target, bits_where};

/// One state of the walk on the canvas.
pub struct Piece {
    pub state: usize,
    pub cost: u16,
    /// Cells over all demonstrations, end to end.
    pub cells: Box<[u8]>,
    /// Cells on each test canvas, where the program applies.
    pub tests: Vec<Option<Box<[u8]>>>,
    /// Cells that are not black.
    pub ink: Bits,
    /// Cells that are as wanted.
    pub right: Bits,
}

/// The pieces found so far, cheapest first within each gathering.
pub struct Pieces {
    pub all: Vec<Piece>,
    seen: PrintSet,
    next_state: usize,
    bytes: usize,
    limit_bytes: usize,
}

impl Pieces {
    pub fn new(limit_bytes: usize) -> Self {
        Self { all: Vec::new(), seen: PrintSet::default(), next_state: 0, bytes: 0, limit_bytes }
    }

    /// Takes in the states that the walk has found since the last time.
    pub fn gather(&mut self, walk: &Walk, target: &Target, budget: &mut dyn Budget) {
        while self.next_state < walk.len() {
            if budget.left() == 0 || self.bytes > self.limit_bytes {
                break;
            }
            self.add(walk, target, self.next_state, budget);
            self.next_state += 1;
        }
        self.all.sort_by_key(|p| (p.cost, p.state));
    }

    fn add(&mut self, walk: &Walk, target: &Target, state: usize, budget: &mut dyn Budget) {
        let mut cells = Vec::with_capacity(target.cells.len());
        let mut print = 0;
        for pair in 0..target.pairs() {
            let (Some(grid), Some(canvas)) = (walk.grid(state, pair), target.canvases[pair]) else {
                return;
            };
            let Some(drawn) = grid.embed(canvas) else { return };
            cells.extend_from_slice(drawn.cells());
            print = mix(print, drawn.fingerprint());
        }
        let mut tests = Vec::new();
        for input in target.pairs()..target.canvases.len() {
            let drawn = target.canvases[input].and_then(|canvas| walk.grid(state, input)?.embed(canvas));
            print = mix(print, drawn.as_ref().map_or(0, stratagem_dsl::Grid::fingerprint));
            tests.push(drawn.map(|g| g.cells().into()));
        }
        budget.spend(2 * cells.len() as u64 + 50);
        if !self.seen.insert(print) {
            return;
        }
        let ink = bits_where(&cells, &cells, |c, _| c != 0);
        let right = bits_where(&cells, &target.cells, |a, b| a == b);
        self.bytes += cells.len() * 5 / 4 + cells.len() / 2 + 160;
        self.all.push(Piece { state, cost: walk.state(state).cost, cells: cells.into(), tests, ink, right });
    }
}
