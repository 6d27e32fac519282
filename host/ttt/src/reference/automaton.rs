//! The cellular automaton: its steps, its loss, and the gradient of that.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, Axis, NdFloat, Zip};

use crate::board::{Board, SIGHT};
use crate::model::automaton::{Automaton, CHANNELS, HIDDEN};
use crate::model::{COLOURS, real};

/// What every cell holds at the start.
///
/// *Shape*: cells × channels.
pub fn start<F: NdFloat>(board: &Board) -> Array2<F> {
    let mut state = Array2::zeros((board.len(), CHANNELS));
    for (mut cell, &colour) in state.outer_iter_mut().zip(&board.colours) {
        cell[colour as usize] = F::one();
        cell[COLOURS] = F::one();
    }
    state
}

/// What is held between two steps while one is computed, so that none allocates.
pub struct Scratch<F> {
    /// Cells × (9 × channels).
    sight: Array2<F>,
    /// Cells × hidden.
    hidden: Array2<F>,
    hidden_slope: Array2<F>,
}

impl<F: NdFloat> Scratch<F> {
    pub fn new(board: &Board) -> Self {
        let cells = board.len();
        Self {
            sight: Array2::zeros((cells, SIGHT * CHANNELS)),
            hidden: Array2::zeros((cells, HIDDEN)),
            hidden_slope: Array2::zeros((cells, HIDDEN)),
        }
    }

    /// Computes what cells see and make of it.
    fn look(&mut self, automaton: &Automaton<F>, board: &Board, state: &Array2<F>) {
        for (mut sight, seen) in self.sight.outer_iter_mut().zip(&board.seen) {
            for (i, cell) in seen.iter().enumerate() {
                let mut part = sight.slice_mut(ndarray::s![i * CHANNELS..(i + 1) * CHANNELS]);
                match cell {
                    Some(cell) => part.assign(&state.row(*cell as usize)),
                    None => part.fill(F::zero()),
                }
            }
        }
        self.hidden.assign(&automaton.see_bias);
        general_mat_mul(F::one(), &self.sight, &automaton.see, F::one(), &mut self.hidden);
        self.hidden.mapv_inplace(|x| x.max(F::zero()));
    }
}

/// One step of all cells at once.
pub fn step<F: NdFloat>(
    automaton: &Automaton<F>,
    board: &Board,
    state: &Array2<F>,
    scratch: &mut Scratch<F>,
) -> Array2<F> {
    scratch.look(automaton, board, state);
    let mut next = state + &automaton.act_bias;
    general_mat_mul(F::one(), &scratch.hidden, &automaton.act, F::one(), &mut next);
    next
}

/// How far what cells show is from the colours that are wanted, and the gradient of that by the weights, added to `gradient`.
///
/// The loss is the mean over cells of the cross-entropy of the first ten channels. Only states are kept on the way; what
/// lies between two of them is computed again on the way back.
pub fn loss<F: NdFloat>(
    automaton: &Automaton<F>,
    board: &Board,
    wanted: &[u8],
    steps: usize,
    scratch: &mut Scratch<F>,
    gradient: &mut Automaton<F>,
) -> F {
    let mut states = vec![start(board)];
    for at in 0..steps {
        states.push(step(automaton, board, &states[at], scratch));
    }
    let last = states.pop().unwrap_or_else(|| unreachable!("the start is one"));
    let (loss, mut slope) = cross_entropy(&last, wanted);
    for state in states.iter().rev() {
        back(automaton, board, state, scratch, &mut slope, gradient);
    }
    loss
}

/// The mean cross-entropy of colours, and its slope by what cells hold.
pub fn cross_entropy<F: NdFloat>(state: &Array2<F>, wanted: &[u8]) -> (F, Array2<F>) {
    let share = F::one() / real(wanted.len() as f64);
    let mut slope = Array2::zeros(state.raw_dim());
    let mut loss = F::zero();
    for ((cell, mut slope), &colour) in state.outer_iter().zip(slope.outer_iter_mut()).zip(wanted) {
        let strengths = cell.slice(ndarray::s![..COLOURS]);
        let most = strengths.fold(F::neg_infinity(), |most, &x| most.max(x));
        let sum = strengths.fold(F::zero(), |sum, &x| sum + (x - most).exp());
        loss += (sum.ln() + most - strengths[colour as usize]) * share;
        for (slope, &x) in slope.iter_mut().zip(strengths) {
            *slope = (x - most).exp() / sum * share;
        }
        slope[colour as usize] -= share;
    }
    (loss, slope)
}

/// Takes a slope by what cells hold after a step back to before it, and adds what it says of the weights.
fn back<F: NdFloat>(
    automaton: &Automaton<F>,
    board: &Board,
    state: &Array2<F>,
    scratch: &mut Scratch<F>,
    slope: &mut Array2<F>,
    gradient: &mut Automaton<F>,
) {
    let (zero, one) = (F::zero(), F::one());
    scratch.look(automaton, board, state);
    let Scratch { sight, hidden, hidden_slope } = scratch;
    general_mat_mul(one, &hidden.t(), slope, one, &mut gradient.act);
    gradient.act_bias += &slope.sum_axis(Axis(0));
    general_mat_mul(one, slope, &automaton.act.t(), zero, hidden_slope);
    Zip::from(&mut *hidden_slope).and(&*hidden).for_each(|slope, &hidden| {
        if hidden <= zero {
            *slope = zero;
        }
    });
    general_mat_mul(one, &sight.t(), hidden_slope, one, &mut gradient.see);
    gradient.see_bias += &hidden_slope.sum_axis(Axis(0));
    // What was seen is not needed any more: its slope takes its place.
    general_mat_mul(one, hidden_slope, &automaton.see.t(), zero, sight);
    for (sight, seen) in sight.outer_iter().zip(&board.seen) {
        for (i, cell) in seen.iter().enumerate() {
            if let Some(cell) = cell {
                let part = sight.slice(ndarray::s![i * CHANNELS..(i + 1) * CHANNELS]);
                let mut row = slope.row_mut(*cell as usize);
                row += &part;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;
    use stratagem_domain::Grid;

    use super::*;

    fn random(chance: &mut Rng, width: u32, height: u32) -> Grid {
        let cells: Vec<u8> = (0..width * height).map(|_| chance.u8(0..10)).collect();
        Grid::new(width, height, &cells).unwrap()
    }

    /// Weights none of which is 0.
    fn busy(chance: &mut Rng) -> Automaton<f64> {
        let mut automaton = Automaton::fresh(chance);
        for part in automaton.parts_mut() {
            part.iter_mut().for_each(|weight| *weight += (chance.f64() - 0.5) * 0.1);
        }
        automaton
    }

    #[test]
    fn the_gradient_is_that_of_finite_differences() {
        const STEPS: usize = 4;
        const NUDGE: f64 = 1e-6;
        let mut chance = Rng::with_seed(3);
        let grids = [random(&mut chance, 4, 3), random(&mut chance, 1, 1), random(&mut chance, 2, 5)];
        let board = Board::of(&grids);
        let wanted: Vec<u8> = board.colours.iter().map(|colour| (colour + 1) % 10).collect();
        let mut scratch = Scratch::new(&board);
        let mut automaton = busy(&mut chance);
        let mut gradient = Automaton::zero();
        loss(&automaton, &board, &wanted, STEPS, &mut scratch, &mut gradient);
        for part in 0..4 {
            let weights = automaton.parts()[part].len();
            for _ in 0..40 {
                let at = chance.usize(..weights);
                let mut nudged = |by: f64| {
                    let before = automaton.parts()[part][at];
                    automaton.parts_mut()[part][at] = before + by;
                    let loss = loss(&automaton, &board, &wanted, STEPS, &mut scratch, &mut Automaton::zero());
                    automaton.parts_mut()[part][at] = before;
                    loss
                };
                let expected = (nudged(NUDGE) - nudged(-NUDGE)) / (2.0 * NUDGE);
                let found = gradient.parts()[part][at];
                let error = (found - expected).abs() / expected.abs().max(1e-3);
                assert!(error < 1e-5, "part {part}, weight {at}: {found} for {expected}");
            }
        }
    }

    #[test]
    fn a_fresh_automaton_does_nothing_and_edges_are_felt() {
        let mut chance = Rng::with_seed(5);
        let board = Board::of(&[random(&mut chance, 3, 3)]);
        let mut scratch = Scratch::new(&board);
        let before: Array2<f32> = start(&board);
        assert_eq!(step(&Automaton::fresh(&mut chance), &board, &before, &mut scratch), before);
        // One that counts the cells around it by the channel that is 1 inside.
        let mut counts = Automaton::<f32>::zero();
        (0..SIGHT).for_each(|i| counts.see[[i * CHANNELS + COLOURS, 0]] = 1.0);
        counts.act[[0, CHANNELS - 1]] = 1.0;
        let after = step(&counts, &board, &before, &mut scratch);
        let around: Vec<f32> = after.column(CHANNELS - 1).to_vec();
        assert_eq!(around, [4.0, 6.0, 4.0, 6.0, 9.0, 6.0, 4.0, 6.0, 4.0]);
    }
}
