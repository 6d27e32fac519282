//! Trains an automaton on the demonstrations of a task whose grids keep their size, on the processor or on a device.

use std::collections::HashMap;

use fastrand::Rng;
use ndarray::Array2;
use stratagem_domain::{Grid, MAX_SIDE, Pair};

use crate::board::{Board, SIGHT};
use crate::launch::{Device, Failed};
use crate::model::COLOURS;
use crate::model::automaton::{Automaton, CHANNELS, DECAY, HIDDEN, LONGEST};
use crate::ops::automaton::Automaton as OnDevice;
use crate::reference::adam::Adam;
use crate::reference::automaton::{Scratch, cross_entropy, loss, start, step};
use crate::train::{Stopped, Unfit};
use crate::views::{SYMMETRIES, View, unnamed};

pub const LEARNING_RATE: f64 = 2e-3;
/// Demonstrations of an update.
const BATCH: usize = 3;
/// Ways in which an input is looked at for answers and scores, where there is more than one.
const LOOKS: usize = SYMMETRIES;

/// How an automaton is trained.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Habits {
    /// How fast weights fall to 0 by themselves, as a share of the learning rate.
    pub fading: f64,
    /// Steps from input to output, at least; some updates take half as many more, so that an answer stays when it is there.
    pub steps: usize,
    /// Whether demonstrations are turned and mirrored: a rule that does not care for directions is learned from fewer.
    pub is_turning: bool,
}

impl Default for Habits {
    fn default() -> Self {
        Self { fading: 0.1, steps: 12, is_turning: true }
    }
}

/// An automaton that is being trained on one task.
pub struct Training {
    demonstrations: Vec<Pair>,
    /// Colours that are exchanged for one another in every update, so that a rule is learned for all of them.
    unnamed: Vec<u8>,
    pub habits: Habits,
    weights: Weights,
    chance: Rng,
}

/// Where the weights lie, and what moves them.
enum Weights {
    Here(Automaton<f32>, Adam<f32>),
    OnDevice(OnDevice),
}

impl Weights {
    fn fresh(weights: Automaton<f32>) -> Self {
        let adam = Adam::new(LEARNING_RATE, DECAY, numbers(&weights));
        Self::Here(weights, adam)
    }

    /// One update that leaves weights this share of themselves; gives the loss before it.
    fn update(
        &mut self,
        board: &Board,
        wanted: &[u8],
        steps: usize,
        rate: f64,
        kept: f32,
    ) -> Result<f32, Stopped> {
        match self {
            Self::OnDevice(weights) => match weights.update(board, wanted, steps, Some((rate, kept)))? {
                loss if loss.is_finite() => Ok(loss),
                _ => Err(Stopped::Diverged),
            },
            Self::Here(weights, adam) => {
                let mut gradient = Automaton::zero();
                let loss = loss(weights, board, wanted, steps, &mut Scratch::new(board), &mut gradient);
                if !loss.is_finite() {
                    return Err(Stopped::Diverged);
                }
                shorten(&mut gradient);
                weights.parts_mut().into_iter().flatten().for_each(|weight| *weight *= kept);
                adam.learning_rate = rate;
                adam.step(weights.parts_mut().into_iter().zip(gradient.parts()));
                Ok(loss)
            }
        }
    }

    /// What all cells hold after so many steps.
    fn run(&mut self, board: &Board, steps: usize) -> Result<Array2<f32>, Failed> {
        match self {
            Self::OnDevice(weights) => {
                let last = weights.run(board, steps)?;
                let shaped = Array2::from_shape_vec((board.len(), CHANNELS), last);
                Ok(shaped.unwrap_or_else(|error| unreachable!("so many numbers were read: {error}")))
            }
            Self::Here(weights, _) => {
                let mut scratch = Scratch::new(board);
                Ok((0..steps).fold(start(board), |state, _| step(weights, board, &state, &mut scratch)))
            }
        }
    }

    /// What the automaton makes of a grid: in each cell the strongest colour.
    fn made(&mut self, input: &Grid, steps: usize) -> Result<Grid, Failed> {
        let last = self.run(&Board::of([input]), steps)?;
        let strongest = |cell: ndarray::ArrayView1<'_, f32>| {
            (1..COLOURS).fold(0, |best, colour| if cell[colour] > cell[best] { colour } else { best }) as u8
        };
        let cells: Vec<u8> = last.outer_iter().map(strongest).collect();
        Ok(Grid::new(input.width() as u32, input.height() as u32, &cells)
            .unwrap_or_else(|error| unreachable!("as large as the input, and of its colours: {error}")))
    }
}

impl Training {
    /// The same demonstrations, habits, rates and seed give the same weights on the same machine.
    pub fn new(demonstrations: &[Pair], habits: Habits, seed: u64) -> Result<Self, Unfit> {
        if demonstrations.is_empty() {
            return Err(Unfit::Empty);
        }
        let size = |grid: &Grid| (grid.width(), grid.height());
        if demonstrations.iter().any(|pair| size(&pair.input) != size(&pair.output)) {
            return Err(Unfit::Sizes);
        }
        let mut chance = Rng::with_seed(seed);
        let weights = Weights::fresh(Automaton::fresh(&mut chance));
        let unnamed = unnamed(demonstrations);
        Ok(Self { demonstrations: demonstrations.to_vec(), unnamed, habits, weights, chance })
    }

    /// Goes on on a device, from the same weights.
    pub fn on(mut self, device: &dyn Device) -> Result<Self, Failed> {
        if let Weights::Here(weights, _) = &self.weights {
            let there = OnDevice::new(device, weights, self.cells_on_device(), self.most_steps())?;
            self.weights = Weights::OnDevice(there);
        }
        Ok(self)
    }

    pub fn is_on_device(&self) -> bool {
        matches!(self.weights, Weights::OnDevice(_))
    }

    /// One update, on some of the demonstrations; gives the loss before it.
    ///
    /// The rate should fall to 0 over the updates: what is learned last is then what holds for all.
    pub fn update(&mut self, rate: f64) -> Result<f32, Stopped> {
        let Self { demonstrations, unnamed, habits, weights, chance } = self;
        let symmetries = if habits.is_turning { SYMMETRIES } else { 1 };
        let some: Vec<Pair> = (0..BATCH.min(demonstrations.len()))
            .map(|_| {
                let pair = &demonstrations[chance.usize(..demonstrations.len())];
                let view = View::new(chance.usize(..symmetries), unnamed, chance);
                Pair { input: view.of(&pair.input), output: view.of(&pair.output) }
            })
            .collect();
        let board = Board::of(some.iter().map(|pair| &pair.input));
        let wanted: Vec<u8> = some.iter().flat_map(|pair| pair.output.cells()).copied().collect();
        let steps = habits.steps + chance.usize(..=habits.steps / 2);
        weights.update(&board, &wanted, steps, rate, (1.0 - rate * habits.fading) as f32)
    }

    /// The share of demonstrations that it makes without a wrong cell.
    pub fn accuracy(&mut self) -> Result<f64, Failed> {
        let mut right = 0;
        for pair in &self.demonstrations {
            right += usize::from(self.weights.made(&pair.input, self.habits.steps)? == pair.output);
        }
        Ok(right as f64 / self.demonstrations.len() as f64)
    }

    /// The logarithm of how likely an output is, cell by cell, on average over views; none where it is of another size.
    pub fn score(&mut self, input: &Grid, output: &Grid) -> Result<Option<f64>, Failed> {
        if (input.width(), input.height()) != (output.width(), output.height()) {
            return Ok(None);
        }
        let views = self.views();
        let mut sum = 0.0;
        for view in &views {
            let last = self.weights.run(&Board::of([&view.of(input)]), self.habits.steps)?;
            let (missing, _) = cross_entropy(&last, view.of(output).cells());
            sum -= f64::from(missing) * output.cells().len() as f64;
        }
        Ok(Some(sum / views.len() as f64))
    }

    /// The ways in which inputs are looked at for answers and scores: as they were in training, and always the same.
    fn views(&self) -> Vec<View> {
        let is_recolouring = self.unnamed.len() > 1;
        let looks = if self.habits.is_turning || is_recolouring { LOOKS } else { 1 };
        let mut chance = Rng::with_seed(0);
        let view = |look: usize| {
            // As it is, first of all.
            let exchanged = if look == 0 { &[] } else { self.unnamed.as_slice() };
            View::new(if self.habits.is_turning { look } else { 0 }, exchanged, &mut chance)
        };
        (0..looks).map(view).collect()
    }

    /// Bytes that training takes, about: weights, their gradient and means, and what the cells of an update go through.
    pub fn bytes(&self) -> u64 {
        // What a cell sees, what is between, its slope; and what it holds at each step.
        let cell = SIGHT * CHANNELS + 2 * HIDDEN + (self.most_steps() + 2) * CHANNELS;
        ((4 * numbers(&Automaton::zero()) + self.cells() * cell) * size_of::<f32>()) as u64
    }

    /// Bytes of a device's memory that it takes there.
    pub fn bytes_on_device(&self) -> u64 {
        OnDevice::bytes(numbers(&Automaton::zero()), self.cells_on_device(), self.most_steps())
    }

    /// Cells of an update, at most.
    fn cells(&self) -> usize {
        BATCH * self.demonstrations.iter().map(|pair| pair.input.cells().len()).max().unwrap_or(0)
    }

    /// Also for any grid that may be asked about.
    fn cells_on_device(&self) -> usize {
        self.cells().max(MAX_SIDE * MAX_SIDE)
    }

    fn most_steps(&self) -> usize {
        self.habits.steps * 3 / 2
    }

    /// Goes on from such weights; false where there are more or fewer.
    pub fn resume(&mut self, weights: &[f32]) -> bool {
        let mut from = Automaton::zero();
        let fits = weights.len() == numbers(&from);
        if fits {
            let all = from.parts_mut().into_iter().flatten();
            all.zip(weights).for_each(|(weight, &kept)| *weight = kept);
            self.weights = Weights::fresh(from);
        }
        fits
    }

    /// All weights, in one order.
    pub fn weights(&mut self) -> Result<Vec<f32>, Failed> {
        match &mut self.weights {
            Weights::Here(weights, _) => Ok(weights.parts().concat()),
            Weights::OnDevice(weights) => weights.weights(),
        }
    }

    /// The grids that the automaton makes of an input seen in different views, the commonest first, each with its share and
    /// its number of them.
    pub fn answers(&mut self, input: &Grid) -> Result<Vec<(Grid, f64, u32)>, Failed> {
        let views = self.views();
        let lengths =
            [0, 4, 2].map(|part| self.habits.steps + self.habits.steps.checked_div(part).unwrap_or(0));
        let mut votes: HashMap<Grid, u32> = HashMap::new();
        for view in &views {
            for steps in lengths {
                let made = self.weights.made(&view.of(input), steps)?;
                *votes.entry(view.undone(&made)).or_default() += 1;
            }
        }
        let all = (views.len() * lengths.len()) as f64;
        let mut grids: Vec<(Grid, f64, u32)> =
            votes.into_iter().map(|(grid, n)| (grid, f64::from(n) / all, n)).collect();
        // Grids as well as votes, so that the order is always the same.
        grids.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cells().cmp(b.0.cells())));
        Ok(grids)
    }
}

fn numbers(weights: &Automaton<f32>) -> usize {
    weights.parts().iter().map(|part| part.len()).sum()
}

fn shorten(gradient: &mut Automaton<f32>) {
    let length = gradient.parts().into_iter().flatten().map(|slope| slope * slope).sum::<f32>().sqrt();
    if length > LONGEST {
        gradient.parts_mut().into_iter().flatten().for_each(|slope| *slope *= LONGEST / length);
    }
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

    const HABITS: Habits = Habits { fading: 0.0, steps: 8, is_turning: false };
    const UPDATES: usize = 300;

    fn trained(demonstrations: &[Pair], habits: Habits) -> (Training, Vec<f32>) {
        let mut training = Training::new(demonstrations, habits, 1).unwrap();
        let rate = |update: usize| 4e-3 * (1.0 - update as f64 / UPDATES as f64);
        let losses = (0..UPDATES).map(|update| training.update(rate(update)).unwrap()).collect();
        (training, losses)
    }

    #[test]
    fn it_learns_a_local_rule_and_applies_it_where_it_was_not_shown() {
        let demonstrations = [falling(1, 1), falling(4, 3), falling(2, 0), falling(3, 4)];
        let (mut training, losses) = trained(&demonstrations, HABITS);
        assert!(losses[losses.len() - 1] < losses[0] / 50.0, "{losses:?}");
        let unseen = falling(2, 2);
        assert_eq!(training.answers(&unseen.input).unwrap()[0].0, unseen.output);
        assert!((training.accuracy().unwrap() - 1.0).abs() < 1e-9);
        let mut score = |output: &Grid| training.score(&unseen.input, output).unwrap();
        assert!(score(&unseen.output).unwrap() > score(&unseen.input).unwrap() + 1.0);
        assert_eq!(score(&grid(&[[0; 6]; 2])), None, "of another size");
        assert_eq!(trained(&demonstrations, HABITS).1, losses, "the same seed, the same losses");
    }

    #[test]
    fn a_rule_without_directions_is_learned_from_one_view_for_all() {
        // What touches a 3 becomes 5.
        let around = |x: usize, y: usize| {
            let mut input = [[0; 6]; 6];
            input[y][x] = 3;
            let is_near = |a: usize, b: usize| a.abs_diff(b) <= 1;
            let mut output = input;
            for (row, cells) in output.iter_mut().enumerate() {
                for (column, cell) in cells.iter_mut().enumerate() {
                    if *cell == 0 && is_near(row, y) && is_near(column, x) {
                        *cell = 5;
                    }
                }
            }
            Pair { input: grid(&input), output: grid(&output) }
        };
        let habits = Habits { is_turning: true, ..HABITS };
        // Along one edge alone.
        let (mut training, _) = trained(&[around(0, 1), around(0, 3)], habits);
        let unseen = around(3, 5);
        let (answer, share, _) = training.answers(&unseen.input).unwrap().swap_remove(0);
        assert_eq!(answer, unseen.output);
        assert!(share > 0.5, "{share}");
    }

    #[test]
    fn a_rule_without_colours_is_learned_for_those_that_were_never_shown() {
        // What touches the left edge fills its row.
        let filled = |colour: u8, row: usize| {
            let mut input = [[0; 6]; 6];
            input[row][0] = colour;
            let mut output = input;
            output[row] = [colour; 6];
            Pair { input: grid(&input), output: grid(&output) }
        };
        let (mut training, _) = trained(&[filled(1, 1), filled(2, 4), filled(3, 2)], HABITS);
        let unseen = filled(8, 3);
        assert_eq!(training.answers(&unseen.input).unwrap()[0].0, unseen.output);
        // Of one colour that every input has, nothing is learned for another.
        let (mut training, _) = trained(&[filled(1, 1), filled(1, 4), filled(1, 2)], HABITS);
        assert_ne!(training.answers(&unseen.input).unwrap()[0].0, unseen.output);
    }

    #[test]
    fn what_cannot_be_trained_on_is_named() {
        let fails = |demonstrations: &[Pair], rate: f64| {
            let mut training = Training::new(demonstrations, HABITS, 1)?;
            (0..3).try_for_each(|_| training.update(rate).map(drop)).map_err(|_| Unfit::Diverged)
        };
        assert_eq!(fails(&[], 1e-3), Err(Unfit::Empty));
        let wider = Pair { input: grid(&[[1; 6]; 2]), output: grid(&[[1; 6]; 3]) };
        assert_eq!(fails(&[wider], 1e-3), Err(Unfit::Sizes));
        assert_eq!(fails(&[falling(1, 1)], f64::NAN), Err(Unfit::Diverged));
    }
}
