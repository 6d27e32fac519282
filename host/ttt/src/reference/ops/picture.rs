//! How far what is drawn is from the grids that are shown, wherever on the canvas they lie.

use ndarray::NdFloat;

use crate::model::compression::{COLOURS_HEAD, COLUMNS_HEAD, ROWS_HEAD};
use crate::model::multi::{Axes, Shape};
use crate::model::real;
use crate::puzzle::Puzzle;

/// How much drawing weighs, beside what is said.
pub const WEIGHT: f64 = 10.0;
/// Updates until sides that are guessed count in full.
const PATIENCE: f64 = 100.0;
/// What is added to a line beyond the longest grid of an example.
const BEYOND: f64 = -1e3;

/// The numbers of the heads: colours (example × colour × row × column × 2), rows and columns (example × line × 2); the
/// last is input, then output.
pub struct Heads<'a, F> {
    pub colours: &'a [F],
    pub sides: [&'a [F]; 2],
}

impl<'a, F> Heads<'a, F> {
    pub fn of(shape: &Shape, numbers: &'a [F]) -> Self {
        let part = |axes: Axes| {
            &numbers[shape.range(axes.index().unwrap_or_else(|| unreachable!("heads are sensible")))]
        };
        Self { colours: part(COLOURS_HEAD), sides: [part(ROWS_HEAD), part(COLUMNS_HEAD)] }
    }
}

/// One grid of one example.
#[derive(Clone, Copy)]
pub struct Which {
    pub example: usize,
    /// 0 for the input, 1 for the output.
    pub role: usize,
}

impl<F: NdFloat> Heads<'_, F> {
    /// How strong a colour is at a place; black is 0 everywhere.
    pub fn strength(&self, puzzle: &Puzzle, which: Which, colour: usize, place: usize) -> F {
        let [_, colours, height, width, _] = puzzle.extent.0;
        match colour.checked_sub(1) {
            None => F::zero(),
            Some(c) => {
                let at = (which.example * colours + c) * height * width + place;
                self.colours[at * 2 + which.role]
            }
        }
    }

    /// How much a line speaks for being part of the grid; `side` is 0 for rows, 1 for columns.
    pub fn line(&self, puzzle: &Puzzle, which: Which, side: usize) -> Vec<F> {
        let along = puzzle.extent.0[2 + side];
        let reach = puzzle.reach(which.example, side);
        let own = |i: usize| self.sides[side][(which.example * along + i) * 2 + which.role];
        (0..along).map(|i| own(i) + if i < reach { F::zero() } else { real(BEYOND) }).collect()
    }
}

/// How much each run of so many lines speaks for being the grid, by where it begins.
pub fn runs<F: NdFloat>(lines: &[F], length: usize) -> Vec<F> {
    let total = lines.iter().fold(F::zero(), |sum, &x| sum + x);
    let two = real::<F>(2.0);
    lines.windows(length).map(|run| two * run.iter().fold(F::zero(), |sum, &x| sum + x) - total).collect()
}

fn log_sum_exp<F: NdFloat>(numbers: &[F]) -> F {
    let most = numbers.iter().fold(F::neg_infinity(), |most, &x| most.max(x));
    numbers.iter().fold(F::zero(), |sum, &x| sum + (x - most).exp()).ln() + most
}

/// Where one side of a grid lies, as logarithms of how likely that is, and what they come of.
struct Side<F> {
    likely: Vec<F>,
    length: usize,
    /// For each length that comes into question and each beginning how likely it is, all in all 1.
    all: Vec<(usize, Vec<F>)>,
}

impl<F: NdFloat> Side<F> {
    fn new(lines: &[F], length: usize, is_known: bool) -> Self {
        let lengths = if is_known { length..=length } else { 1..=lines.len() };
        let mut all: Vec<(usize, Vec<F>)> = lengths.map(|length| (length, runs(lines, length))).collect();
        let every: Vec<F> = all.iter().flat_map(|(_, runs)| runs.iter().copied()).collect();
        let total = log_sum_exp(&every);
        let likely = runs(lines, length).into_iter().map(|x| x - total).collect();
        all.iter_mut().flat_map(|(_, runs)| runs).for_each(|x| *x = (*x - total).exp());
        Self { likely, length, all }
    }

    /// The slopes by lines, of slopes by [`likely`](Self::likely), which all in all are `sum`.
    fn back(&self, slopes: &[F], sum: F, lines: &mut [F]) {
        let mut add = |length: usize, begin: usize, slope: F| {
            for (i, line) in lines.iter_mut().enumerate() {
                *line += if (begin..begin + length).contains(&i) { slope } else { -slope };
            }
        };
        slopes.iter().enumerate().for_each(|(begin, &slope)| add(self.length, begin, slope));
        for (length, shares) in &self.all {
            shares.iter().enumerate().for_each(|(begin, &share)| add(*length, begin, -sum * share));
        }
    }
}

/// The loss in drawing, in nats, and its slope by the heads, times [`WEIGHT`], added to `slopes`.
///
/// `update` is the number of updates before this one: at first, guessed sides hardly count.
pub fn loss<F: NdFloat>(puzzle: &Puzzle, update: usize, shape: &Shape, numbers: &[F], slopes: &mut [F]) -> F {
    let heads = Heads::of(shape, numbers);
    let [_, colours, height, width, _] = puzzle.extent.0;
    let canvas = height * width;
    let weight = real::<F>(WEIGHT);
    let early = (1.0 - update as f64 / PATIENCE).max(0.0);
    let range =
        |axes: Axes| shape.range(axes.index().unwrap_or_else(|| unreachable!("heads are sensible"))).start;
    let [at_colours, at_rows, at_columns] = [COLOURS_HEAD, ROWS_HEAD, COLUMNS_HEAD].map(range);
    let mut loss = F::zero();
    let mut shares = vec![F::zero(); canvas * (colours + 1)];
    for (example, both) in puzzle.cells.iter().enumerate() {
        for (role, cells) in both.iter().enumerate() {
            let Some(cells) = cells else { continue };
            let which = Which { example, role };
            let is_known = puzzle.sides_known[role];
            let [faith, sharpness] =
                [0.01f64, 0.1].map(|x| real::<F>(if is_known { 1.0 } else { x.powf(early) }));
            let lengths = puzzle.sides[example][role];
            let side = |side: usize| {
                let lines: Vec<F> = heads.line(puzzle, which, side).iter().map(|&x| faith * x).collect();
                Side::new(&lines, lengths[side], is_known)
            };
            let sides = [side(0), side(1)];
            // What is left of a certain colour at each place: minus the logarithm of its share.
            for place in 0..canvas {
                let strengths = &mut shares[place * (colours + 1)..(place + 1) * (colours + 1)];
                for (colour, to) in strengths.iter_mut().enumerate() {
                    *to = heads.strength(puzzle, which, colour, place);
                }
                let total = log_sum_exp(strengths);
                strengths.iter_mut().for_each(|x| *x -= total);
            }
            let [rows, columns] = [0, 1].map(|side| sides[side].likely.len());
            let at = |row: usize, column: usize, i: usize| {
                (row + i / lengths[1]) * width + column + i % lengths[1]
            };
            let mut likely = Vec::with_capacity(rows * columns);
            for row in 0..rows {
                for column in 0..columns {
                    let drawn = cells.iter().enumerate().fold(F::zero(), |sum, (i, &cell)| {
                        sum + shares[at(row, column, i) * (colours + 1) + usize::from(cell)]
                    });
                    likely.push(sharpness * (sides[0].likely[row] + sides[1].likely[column] + drawn));
                }
            }
            let total = log_sum_exp(&likely);
            loss -= total / sharpness;
            // Back: each place that the grid may lie at counts by its share.
            let mut side_slopes = [vec![F::zero(); rows], vec![F::zero(); columns]];
            let mut covered = vec![F::zero(); canvas];
            let mut slope_of = |colour: usize, place: usize, slope: F| {
                if let Some(c) = colour.checked_sub(1) {
                    let number = ((example * colours + c) * canvas + place) * 2 + role;
                    slopes[at_colours + number] += weight * slope;
                }
            };
            for (i, &x) in likely.iter().enumerate() {
                let (row, column) = (i / columns, i % columns);
                let share = (x - total).exp();
                if share == F::zero() {
                    continue;
                }
                side_slopes[0][row] -= share;
                side_slopes[1][column] -= share;
                for (i, &cell) in cells.iter().enumerate() {
                    let place = at(row, column, i);
                    covered[place] += share;
                    slope_of(usize::from(cell), place, -share);
                }
            }
            for (place, &covered) in covered.iter().enumerate().filter(|(_, covered)| **covered > F::zero()) {
                for colour in 1..=colours {
                    slope_of(colour, place, covered * shares[place * (colours + 1) + colour].exp());
                }
            }
            for (side, at_side) in [at_rows, at_columns].into_iter().enumerate() {
                let along = puzzle.extent.0[2 + side];
                let mut lines = vec![F::zero(); along];
                sides[side].back(&side_slopes[side], -F::one(), &mut lines);
                for (i, &slope) in lines.iter().enumerate() {
                    slopes[at_side + (example * along + i) * 2 + role] += weight * faith * slope;
                }
            }
        }
    }
    loss
}
