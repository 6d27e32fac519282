//! The cellular automaton on a device.

use crate::board::{Board, SIGHT};
use crate::launch::{Device, Failed, Session};
use crate::model::COLOURS;
use crate::model::automaton::{Automaton as Weights, CHANNELS, DECAY, HIDDEN, LONGEST};
use crate::ops::adam::Adam;
use crate::ops::plain::{Parts, combine};
use crate::ops::tape::{NONE, Span, Tape, chunks, row};

row!(Row {
    state,
    next,
    seen,
    cells,
    weights,
    slope,
    slope_before,
    hidden,
    hidden_slope,
    sight_slope,
    parts,
    partial,
    adds,
});
row!(CrossEntropy { state, wanted, cells, slope, loss });

/// Cells of a block.
const TILE: u64 = 16;
/// Parts that cells are divided into where weights' gradients are summed.
const PARTS: u64 = 16;

/// An automaton whose weights lie on a device.
pub struct Automaton {
    session: Box<dyn Session>,
    /// With the weights laid out; what an update needs beside them is laid out after them anew for each board.
    tape: Tape,
    adam: Adam,
    loss: Span,
}

/// Where the weights lie, and that of the longest walk over the largest board.
struct Layout {
    tape: Tape,
    adam: Adam,
    loss: Span,
    room: Tape,
}

/// Where the numbers of one walk lie.
struct Walk {
    states: Vec<Span>,
    row: Row,
}

impl Automaton {
    /// Takes memory for boards of at most so many cells and walks of at most so many steps.
    pub fn new(
        device: &dyn Device,
        weights: &Weights<f32>,
        cells: usize,
        steps: usize,
    ) -> Result<Self, Failed> {
        let weights = weights.parts().concat();
        let Layout { tape, adam, loss, room } = Self::lay_out(weights.len(), cells, steps);
        let mut session = device.open(room.floats())?;
        adam.begin(session.as_mut(), &weights)?;
        Ok(Self { session, tape, adam, loss })
    }

    /// Bytes of a device's memory that so many weights take there, with what [`Self::new`] takes memory for.
    pub fn bytes(weights: usize, cells: usize, steps: usize) -> u64 {
        let room = Self::lay_out(weights, cells, steps).room;
        // What a cell sees goes along as words.
        room.floats() * size_of::<f32>() as u64 + (cells * SIGHT * size_of::<u64>()) as u64
    }

    fn lay_out(weights: usize, cells: usize, steps: usize) -> Layout {
        let mut tape = Tape::default();
        let adam = Adam::new(&mut tape, weights, DECAY);
        let loss = tape.take(1);
        let mut room = tape.clone();
        Self::walk(&mut room, adam.weights, &full(cells), steps);
        room.take(1);
        Layout { tape, adam, loss, room }
    }

    /// Lays a walk out.
    fn walk(tape: &mut Tape, weights: Span, board: &Board, steps: usize) -> Walk {
        let cells = board.len();
        let states = (0..=steps).map(|_| tape.take(cells * CHANNELS)).collect();
        let seen = board.seen.iter().flatten().map(|cell| cell.map_or(NONE, u64::from));
        let parts = PARTS.min(cells as u64);
        let parts = (cells as u64).div_ceil((cells as u64).div_ceil(parts));
        let row = Row {
            state: NONE,
            next: NONE,
            seen: tape.list(seen.collect::<Vec<u64>>()),
            cells: cells as u64,
            weights: weights.at,
            slope: tape.take(cells * CHANNELS).at,
            slope_before: tape.take(cells * CHANNELS).at,
            hidden: tape.take(cells * HIDDEN).at,
            hidden_slope: tape.take(cells * HIDDEN).at,
            sight_slope: tape.take(cells * SIGHT * CHANNELS).at,
            parts,
            partial: tape.take(PARTS as usize * weights.length as usize).at,
            adds: 0,
        };
        Walk { states, row }
    }

    fn forth(tape: &mut Tape, walk: &Walk) {
        for pair in walk.states.windows(2) {
            let row = Row { state: pair[0].at, next: pair[1].at, ..walk.row };
            tape.launch("automaton_step", &[row], |row| row.cells.div_ceil(TILE));
        }
    }

    fn begin(&mut self, walk: &Walk, board: &Board) -> Result<(), Failed> {
        let mut start = vec![0.0; board.len() * CHANNELS];
        for (cell, &colour) in start.chunks_exact_mut(CHANNELS).zip(&board.colours) {
            cell[usize::from(colour)] = 1.0;
            cell[COLOURS] = 1.0;
        }
        self.session.write(walk.states[0].at, &start)
    }

    /// What all cells hold after so many steps.
    ///
    /// *Shape*: cells × channels.
    pub fn run(&mut self, board: &Board, steps: usize) -> Result<Vec<f32>, Failed> {
        let mut tape = self.tape.clone();
        let walk = Self::walk(&mut tape, self.adam.weights, board, steps);
        Self::forth(&mut tape, &walk);
        self.begin(&walk, board)?;
        self.session.run(&tape.script())?;
        let mut last = vec![0.0; board.len() * CHANNELS];
        self.session.read(walk.states[steps].at, &mut last)?;
        Ok(last)
    }

    /// How far what cells show after so many steps is from what is wanted; and one update of the weights where a rate and
    /// the share that they keep of themselves are given, else their gradient alone.
    pub fn update(
        &mut self,
        board: &Board,
        wanted: &[u8],
        steps: usize,
        update: Option<(f64, f32)>,
    ) -> Result<f32, Failed> {
        assert_eq!(board.len(), wanted.len(), "a colour a cell");
        assert!(wanted.iter().all(|&colour| usize::from(colour) < COLOURS), "colours of a grid");
        let mut tape = self.tape.clone();
        let walk = Self::walk(&mut tape, self.adam.weights, board, steps);
        Self::forth(&mut tape, &walk);
        let wanted = tape.list(wanted.iter().map(|&colour| u64::from(colour)));
        let last = walk.states[steps].at;
        let cells = walk.row.cells;
        let row = CrossEntropy { state: last, wanted, cells, slope: walk.row.slope, loss: self.loss.at };
        tape.launch("cross_entropy", &[row], |_| 1);
        let mut row = walk.row;
        for state in walk.states[..steps].iter().rev() {
            row.state = state.at;
            tape.launch("automaton_back", &[row], |row| row.cells.div_ceil(TILE));
            tape.launch("automaton_weights", &[row], |row| row.parts * (SIGHT as u64 + 1));
            tape.launch("automaton_gather", &[row], |row| chunks(row.cells * CHANNELS as u64));
            (row.slope, row.slope_before) = (row.slope_before, row.slope);
            row.adds = 1;
        }
        let stride = self.adam.weights.length;
        let sum = Parts { from: row.partial, count: row.parts, stride, to: self.adam.gradient, scale: 1.0 };
        combine(&mut tape, [sum]);
        if let Some((rate, kept)) = update {
            self.adam.shorten(&mut tape, LONGEST);
            self.adam.step(&mut tape);
            self.adam.ready(self.session.as_mut(), rate, kept)?;
        }
        self.begin(&walk, board)?;
        self.session.run(&tape.script())?;
        let mut loss = [0.0];
        self.session.read(self.loss.at, &mut loss)?;
        Ok(loss[0])
    }

    /// The gradient of the last loss by the weights.
    pub fn gradient(&mut self) -> Result<Vec<f32>, Failed> {
        let mut gradient = vec![0.0; self.adam.gradient.length as usize];
        self.session.read(self.adam.gradient.at, &mut gradient)?;
        Ok(gradient)
    }

    /// All weights, in one order.
    pub fn weights(&mut self) -> Result<Vec<f32>, Failed> {
        self.adam.read(self.session.as_mut())
    }
}

/// A board of so many cells, for its size alone.
fn full(cells: usize) -> Board {
    Board { seen: vec![[None; SIGHT]; cells], colours: vec![0; cells] }
}
