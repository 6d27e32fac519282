//! Fits an automaton to the demonstrations of a task.

use fastrand::Rng;
use stratagem_domain::{Grid, Pair};

use crate::board::Board;
use crate::model::COLOURS;
use crate::model::automaton::Automaton;
use crate::reference::adam::Adam;
use crate::reference::automaton::{Scratch, loss, start, step};
use crate::train::Unfit;

/// Gradients longer than this are shortened to it: a rule that is repeated many times can have steep ones.
const LONGEST: f32 = 1.0;
/// How much of the past gradients' and squares' means each update keeps.
const DECAY: [f64; 2] = [0.9, 0.999];

/// How a model is trained.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// Updates of the weights.
    pub updates: usize,
    pub learning_rate: f64,
    /// Steps of the automaton from input to output.
    pub steps: usize,
    /// Loss that is low enough to stop.
    pub enough: f32,
}

impl Default for Schedule {
    fn default() -> Self {
        Self { updates: 400, learning_rate: 2e-3, steps: 30, enough: 1e-3 }
    }
}

/// Trains an automaton until its loss is low enough or the updates are used up; `watch` is told the loss before each.
///
/// The same demonstrations, schedule and seed give the same weights on the same machine.
pub fn train(
    demonstrations: &[Pair],
    schedule: &Schedule,
    seed: u64,
    watch: &mut dyn FnMut(f32),
) -> Result<Automaton<f32>, Unfit> {
    if demonstrations.is_empty() {
        return Err(Unfit::Empty);
    }
    let size = |grid: &Grid| (grid.width(), grid.height());
    if demonstrations.iter().any(|pair| size(&pair.input) != size(&pair.output)) {
        return Err(Unfit::Sizes);
    }
    let board = Board::of(demonstrations.iter().map(|pair| &pair.input));
    let wanted: Vec<u8> = demonstrations.iter().flat_map(|pair| pair.output.cells()).copied().collect();
    let mut scratch = Scratch::new(&board);
    let mut weights = Automaton::fresh(&mut Rng::with_seed(seed));
    let mut adam = Adam::new(schedule.learning_rate, DECAY, weights.parts().map(<[f32]>::len).iter().sum());
    for _ in 0..schedule.updates {
        let mut gradient = Automaton::zero();
        let loss = loss(&weights, &board, &wanted, schedule.steps, &mut scratch, &mut gradient);
        watch(loss);
        if !loss.is_finite() {
            return Err(Unfit::Diverged);
        }
        if loss <= schedule.enough {
            break;
        }
        shorten(&mut gradient);
        adam.step(weights.parts_mut().into_iter().zip(gradient.parts()));
    }
    Ok(weights)
}

fn shorten(gradient: &mut Automaton<f32>) {
    let length = gradient.parts().into_iter().flatten().map(|slope| slope * slope).sum::<f32>().sqrt();
    if length > LONGEST {
        gradient.parts_mut().into_iter().flatten().for_each(|slope| *slope *= LONGEST / length);
    }
}

/// What an automaton makes of a grid: in each cell the strongest colour.
pub fn answer(automaton: &Automaton<f32>, input: &Grid, steps: usize) -> Grid {
    let board = Board::of([input]);
    let mut scratch = Scratch::new(&board);
    let last = (0..steps).fold(start(&board), |state, _| step(automaton, &board, &state, &mut scratch));
    let strongest = |cell: ndarray::ArrayView1<'_, f32>| {
        (1..COLOURS).fold(0, |best, colour| if cell[colour] > cell[best] { colour } else { best }) as u8
    };
    let cells: Vec<u8> = last.outer_iter().map(strongest).collect();
    Grid::new(input.width() as u32, input.height() as u32, &cells)
        .unwrap_or_else(|error| unreachable!("as large as the input, and of its colours: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(rows: &[[u8; 6]]) -> Grid {
        Grid::from_rows(rows).unwrap()
    }

    /// Every 3 runs down to the bottom.
    fn falling(column: usize, top: usize) -> Pair {
        let mut input = [[0; 6]; 6];
        let mut output = input;
        input[top][column] = 3;
        (top..6).for_each(|y| output[y][column] = 3);
        Pair { input: grid(&input), output: grid(&output) }
    }

    const SCHEDULE: Schedule = Schedule { updates: 200, learning_rate: 4e-3, steps: 8, enough: 1e-3 };

    #[test]
    fn it_learns_a_local_rule_and_applies_it_where_it_was_not_shown() {
        let demonstrations = [falling(1, 1), falling(4, 3), falling(2, 0), falling(3, 4)];
        let mut losses = Vec::new();
        let trained = train(&demonstrations, &SCHEDULE, 1, &mut |loss| losses.push(loss)).unwrap();
        assert!(losses[losses.len() - 1] < losses[0] / 100.0, "{losses:?}");
        let unseen = falling(2, 2);
        assert_eq!(answer(&trained, &unseen.input, SCHEDULE.steps), unseen.output);
        let again = train(&demonstrations, &SCHEDULE, 1, &mut |_| {}).unwrap();
        assert_eq!(again, trained, "the same seed, the same weights");
    }

    #[test]
    fn what_cannot_be_trained_on_is_named() {
        let fails = |demonstrations: &[Pair], rate: f64| {
            let schedule = Schedule { learning_rate: rate, updates: 50, ..SCHEDULE };
            train(demonstrations, &schedule, 1, &mut |_| {}).unwrap_err()
        };
        assert_eq!(fails(&[], 1e-3), Unfit::Empty);
        let wider = Pair { input: grid(&[[1; 6]; 2]), output: grid(&[[1; 6]; 3]) };
        assert_eq!(fails(&[wider], 1e-3), Unfit::Sizes);
        assert_eq!(fails(&[falling(1, 1)], f64::NAN), Unfit::Diverged);
    }
}
