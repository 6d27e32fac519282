//! How far what is drawn is from the grids that are shown, wherever on the canvas they lie.

use ndarray::NdFloat;

use crate::model::compression::{COLOURS_HEAD, COLUMNS_HEAD, ROWS_HEAD};
use crate::model::multi::{Axes, Shape};
use crate::model::real;
use crate::puzzle::{Puzzle, Sides};

/// How much drawing weighs, beside what is said.
pub const WEIGHT: f64 = 10.0;
/// Updates until sides that are guessed count in full.
const PATIENCE: f64 = 100.0;
/// What is added to a line beyond the longest grid of an example.
const BEYOND: f64 = -1e3;

/// The numbers of the heads: colours (example × colour × row × column × 2), rows and columns (example × line × 2); the
/// last is input, then output.
pub struct Heads<'a, F> {
    colours: &'a [F],
    sides: [&'a [F]; 2],
}

/// One grid of one example.
#[derive(Clone, Copy)]
pub struct Which {
    pub example: usize,
    /// 0 for the input, 1 for the output.
    pub role: usize,
}

/// What a network draws for one grid; or slopes by that.
#[derive(Clone, Debug)]
pub struct Drawing<F> {
    /// How strong each colour is at each place: canvas × (colours with black, which is 0 everywhere).
    pub strengths: Vec<F>,
    /// How much each row, and each column, speaks for being part of the grid.
    pub sides: [Vec<F>; 2],
}

/// Where the numbers of a head begin.
fn begin(shape: &Shape, axes: Axes) -> usize {
    shape.range(axes.index().unwrap_or_else(|| unreachable!("heads are sensible"))).start
}

impl<'a, F: NdFloat> Heads<'a, F> {
    pub fn of(shape: &Shape, numbers: &'a [F]) -> Self {
        let [colours, rows, columns] =
            [COLOURS_HEAD, ROWS_HEAD, COLUMNS_HEAD].map(|axes| &numbers[begin(shape, axes)..]);
        Self { colours, sides: [rows, columns] }
    }

    pub fn drawing(&self, puzzle: &Puzzle, which: Which) -> Drawing<F> {
        let [_, colours, height, width, _] = puzzle.extent.0;
        let canvas = height * width;
        let mut strengths = vec![F::zero(); canvas * (colours + 1)];
        for colour in 0..colours {
            let head = &self.colours[(which.example * colours + colour) * canvas * 2..][..canvas * 2];
            for (place, both) in head.chunks_exact(2).enumerate() {
                strengths[place * (colours + 1) + colour + 1] = both[which.role];
            }
        }
        let sides = [0, 1].map(|side| {
            let along = puzzle.extent.0[2 + side];
            let reach = puzzle.reach(which.example, side);
            let head = &self.sides[side][which.example * along * 2..][..along * 2];
            let beyond = |i| if i < reach { F::zero() } else { real(BEYOND) };
            head.chunks_exact(2).enumerate().map(|(i, both)| both[which.role] + beyond(i)).collect()
        });
        Drawing { strengths, sides }
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
    fn back(&self, slopes: &[F], sum: F, along: usize) -> Vec<F> {
        let mut lines = vec![F::zero(); along];
        let mut add = |length: usize, begin: usize, slope: F| {
            for (i, line) in lines.iter_mut().enumerate() {
                *line += if (begin..begin + length).contains(&i) { slope } else { -slope };
            }
        };
        slopes.iter().enumerate().for_each(|(begin, &slope)| add(self.length, begin, slope));
        for (length, shares) in &self.all {
            shares.iter().enumerate().for_each(|(begin, &share)| add(*length, begin, -sum * share));
        }
        lines
    }
}

/// How sure one is of sides, and how much the likeliest place counts more than others: both 1 in the end.
#[derive(Clone, Copy)]
struct Trust {
    faith: f64,
    sharpness: f64,
}

impl Trust {
    const FULL: Self = Self { faith: 1.0, sharpness: 1.0 };

    /// Of sides that are guessed, after so many updates.
    fn after(updates: usize) -> Self {
        let early = (1.0 - updates as f64 / PATIENCE).max(0.0);
        Self { faith: 0.01f64.powf(early), sharpness: 0.1f64.powf(early) }
    }
}

/// A grid, laid at every place of the canvas where it fits.
struct Laid<'a, F> {
    cells: &'a [u8],
    sides: [Side<F>; 2],
    /// The canvas' width, and colours with black.
    width: usize,
    colours: usize,
    /// The logarithm of each colour's share at each place.
    shares: Vec<F>,
    /// For each place of the first cell, row by row, how likely the grid is there, as a logarithm times the sharpness.
    likely: Vec<F>,
    /// Of all together.
    total: F,
    faith: F,
    sharpness: F,
}

impl<'a, F: NdFloat> Laid<'a, F> {
    fn new(drawing: &Drawing<F>, cells: &'a [u8], lengths: Sides, is_known: bool, trust: Trust) -> Self {
        let [faith, sharpness] = [trust.faith, trust.sharpness].map(real::<F>);
        let [height, width] = [0, 1].map(|side| drawing.sides[side].len());
        let colours = drawing.strengths.len() / (height * width);
        let sides = [0, 1].map(|side| {
            let lines: Vec<F> = drawing.sides[side].iter().map(|&x| faith * x).collect();
            Side::new(&lines, lengths[side], is_known)
        });
        let mut shares = drawing.strengths.clone();
        for place in shares.chunks_exact_mut(colours) {
            let total = log_sum_exp(place);
            place.iter_mut().for_each(|x| *x -= total);
        }
        let likely = Vec::with_capacity(sides[0].likely.len() * sides[1].likely.len());
        let mut laid =
            Self { cells, sides, width, colours, shares, likely, total: F::zero(), faith, sharpness };
        for (row, &by_row) in laid.sides[0].likely.iter().enumerate() {
            for (column, &by_column) in laid.sides[1].likely.iter().enumerate() {
                let drawn = cells.iter().enumerate().fold(F::zero(), |sum, (i, &cell)| {
                    sum + laid.shares[laid.place(row, column, i) * colours + usize::from(cell)]
                });
                laid.likely.push(sharpness * (by_row + by_column + drawn));
            }
        }
        laid.total = log_sum_exp(&laid.likely);
        laid
    }

    /// Where a cell lies when the first lies there.
    fn place(&self, row: usize, column: usize, cell: usize) -> usize {
        let width = self.sides[1].length;
        (row + cell / width) * self.width + column + cell % width
    }

    /// The logarithm of how likely the grid is.
    fn likelihood(&self) -> F {
        self.total / self.sharpness
    }

    /// The slopes of minus the likelihood: each place counts by its share.
    fn back(&self) -> Drawing<F> {
        let columns = self.sides[1].likely.len();
        let mut by_side = [0, 1].map(|side| vec![F::zero(); self.sides[side].likely.len()]);
        let canvas = self.shares.len() / self.colours;
        let mut covered = vec![F::zero(); canvas];
        let mut strengths = vec![F::zero(); self.shares.len()];
        for (i, &x) in self.likely.iter().enumerate() {
            let (row, column) = (i / columns, i % columns);
            let share = (x - self.total).exp();
            if share == F::zero() {
                continue;
            }
            by_side[0][row] -= share;
            by_side[1][column] -= share;
            for (i, &cell) in self.cells.iter().enumerate() {
                let place = self.place(row, column, i);
                covered[place] += share;
                strengths[place * self.colours + usize::from(cell)] -= share;
            }
        }
        let places = strengths.chunks_exact_mut(self.colours).zip(self.shares.chunks_exact(self.colours));
        for ((slopes, shares), &covered) in places.zip(&covered).filter(|(_, covered)| **covered > F::zero())
        {
            slopes.iter_mut().zip(shares).for_each(|(slope, share)| *slope += covered * share.exp());
        }
        let lengths = [canvas / self.width, self.width];
        let sides = [0, 1].map(|side| {
            let lines = self.sides[side].back(&by_side[side], -F::one(), lengths[side]);
            lines.into_iter().map(|slope| self.faith * slope).collect()
        });
        Drawing { strengths, sides }
    }
}

impl<F: NdFloat> Drawing<F> {
    /// The logarithm of how likely a grid is, of cells as places in the palette.
    pub fn likelihood(&self, cells: &[u8], lengths: Sides, is_known: bool) -> F {
        Laid::new(self, cells, lengths, is_known, Trust::FULL).likelihood()
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
    let [at_colours, at_rows, at_columns] =
        [COLOURS_HEAD, ROWS_HEAD, COLUMNS_HEAD].map(|axes| begin(shape, axes));
    let mut loss = F::zero();
    for (example, both) in puzzle.cells.iter().enumerate() {
        for (role, cells) in both.iter().enumerate() {
            let Some(cells) = cells else { continue };
            let is_known = puzzle.sides_known[role];
            let trust = if is_known { Trust::FULL } else { Trust::after(update) };
            let drawing = heads.drawing(puzzle, Which { example, role });
            let laid = Laid::new(&drawing, cells, puzzle.sides[example][role], is_known, trust);
            loss -= laid.likelihood();
            let back = laid.back();
            for (place, back) in back.strengths.chunks_exact(colours + 1).enumerate() {
                for (colour, &slope) in back[1..].iter().enumerate() {
                    let at = ((example * colours + colour) * canvas + place) * 2 + role;
                    slopes[at_colours + at] += weight * slope;
                }
            }
            for ((lines, begin), along) in back.sides.iter().zip([at_rows, at_columns]).zip([height, width]) {
                for (i, &slope) in lines.iter().enumerate() {
                    slopes[begin + (example * along + i) * 2 + role] += weight * slope;
                }
            }
        }
    }
    loss
}
