//! Walks through a program, forth and back.

use std::sync::Arc;

use ndarray::NdFloat;

use crate::model::compression::{SOFTMAX, subsets};
use crate::model::multi::{Axes, DIRECTIONS, Shape};
use crate::model::program::{Latent, Op, Part, Program, Value};
use crate::model::real;
use crate::noise::Noise;
use crate::puzzle::Puzzle;
use crate::reference::ops::draw::{Said, SaidSlopes};
use crate::reference::ops::lines::Lines;
use crate::reference::ops::share::Sharing;
use crate::reference::ops::softmax::Groups;
use crate::reference::ops::{draw, linear, norm, picture, silu};

/// How much one direction tells another, by how many eighths of a turn lie between them.
const TELLS: [f64; DIRECTIONS] = [1.0, 0.2, 0.4, 0.2, 1.0, 0.2, 0.4, 0.2];

/// What one walk came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loss<F> {
    /// Nats that were said.
    pub said: F,
    /// Nats that were missing for drawing what is shown.
    pub missing: F,
}

impl<F: NdFloat> Loss<F> {
    pub fn total(&self) -> F {
        self.said + real::<F>(picture::WEIGHT) * self.missing
    }
}

/// A program, the puzzle that it is for, and the room for everything that it computes.
pub struct Engine<F> {
    puzzle: Arc<Puzzle>,
    program: Arc<Program>,
    sharing: Sharing<F>,
    lines: Lines<F>,
    groups: Vec<Groups>,
    values: Vec<Vec<F>>,
    slopes: Slopes<F>,
    /// For each operation what norms scaled by.
    scales: Vec<Vec<Vec<F>>>,
    noise: Vec<F>,
}

impl<F: NdFloat> Engine<F> {
    pub fn new(puzzle: Arc<Puzzle>, program: Arc<Program>) -> Self {
        Self {
            sharing: Sharing::new(&puzzle),
            lines: Lines::new(&puzzle),
            groups: Axes::SENSIBLE.iter().map(|&axes| Groups::new(&puzzle.extent, axes)).collect(),
            values: program.values.iter().map(|shape| vec![F::zero(); shape.len()]).collect(),
            slopes: Slopes::new(program.values.len()),
            scales: vec![Vec::new(); program.ops.len()],
            noise: Vec::new(),
            puzzle,
            program,
        }
    }

    /// Bytes that an engine takes, about.
    pub fn bytes(puzzle: &Puzzle, program: &Program) -> u64 {
        /// Slopes that are there at the same time, each at most as large as the largest value.
        const SLOPES: usize = 5;
        let lengths = || program.values.iter().map(Shape::len);
        let numbers = lengths().sum::<usize>() + SLOPES * lengths().max().unwrap_or(0);
        // Which numbers share a softmax' sum, and what places count in means over each axis.
        let tables = Axes::SENSIBLE.iter().map(|&axes| {
            let subsets = subsets(axes).len();
            puzzle.extent.positions(axes) * (subsets * size_of::<u32>() + 5 * size_of::<F>())
        });
        (numbers * size_of::<F>() + tables.sum::<usize>()) as u64
    }

    pub fn puzzle(&self) -> &Puzzle {
        &self.puzzle
    }

    /// What the network says of colours and sides, after [`forth`](Self::forth).
    pub fn heads(&self) -> picture::Heads<'_, F> {
        let heads = self.program.heads;
        picture::Heads::of(&self.program.values[heads], &self.values[heads])
    }

    /// Draws the task with noise of its own; gives the loss, and readies the way back.
    ///
    /// `update` is the number of updates before this one.
    pub fn forth(&mut self, weights: &[F], update: usize, mut noise: Noise) -> Loss<F> {
        let mut said = F::zero();
        let program = Arc::clone(&self.program);
        for (i, op) in program.ops.iter().enumerate() {
            if let Op::Draw { to, .. } = op {
                let numbers = self.program.values[*to].len();
                self.noise.clear();
                self.noise.extend((0..numbers).map(|_| real::<F>(f64::from(noise.normal()))));
            }
            said += self.one_forth(i, op, weights);
        }
        let heads = self.program.heads;
        // What a walk without a way back left.
        let left = self.slopes.take(heads);
        self.slopes.give_back(left);
        let slope = self.slopes.of(heads, &program.values);
        let shape = &program.values[heads];
        let missing = picture::loss(&self.puzzle, update, shape, &self.values[heads], slope);
        Loss { said, missing }
    }

    /// The gradient of the last loss by the weights, added to `gradient`.
    pub fn back(&mut self, weights: &[F], gradient: &mut [F]) {
        let program = Arc::clone(&self.program);
        for (i, op) in program.ops.iter().enumerate().rev() {
            self.one_back(i, op, weights, gradient);
        }
    }

    fn one_forth(&mut self, i: usize, op: &Op, weights: &[F]) -> F {
        let (shapes, values) = (&self.program.values, &mut self.values);
        let mut said = F::zero();
        match op {
            Op::Draw { latents, to } => {
                for (t, latent) in latents.iter().enumerate() {
                    let range = shapes[*to].range(t);
                    let what = what(latent, weights, &self.noise[range.clone()]);
                    said += draw::forth(&what, &mut values[*to][range]);
                }
            }
            Op::Linear { from, weights: parts, bias, to } => {
                let (before, out) = between(values, *from, *to);
                out.fill(F::zero());
                multiply(parts, &shapes[*from], before, weights, &shapes[*to], out);
                for (t, row) in bias.iter().flatten().enumerate() {
                    if let Some((part, scale)) = row {
                        linear::add_row(part.of(weights), real(*scale), &mut out[shapes[*to].range(t)]);
                    }
                }
            }
            Op::Residual { onto, from, weights: parts, to } => {
                let (before, out) = between(values, *onto, *to);
                out.copy_from_slice(before);
                let (before, out) = between(values, *from, *to);
                multiply(parts, &shapes[*from], before, weights, &shapes[*to], out);
            }
            Op::Spread { from, to } => {
                let (before, out) = between(values, *from, *to);
                out.copy_from_slice(before);
                self.sharing.spread(&shapes[*to], out);
            }
            Op::Gather { from, to } => {
                let (before, out) = between(values, *from, *to);
                out.copy_from_slice(before);
                self.sharing.gather(&shapes[*to], out);
            }
            Op::Norm { from, to } => {
                let (before, out) = between(values, *from, *to);
                self.scales[i] = tensors(&shapes[*to])
                    .map(|(t, channels)| {
                        let (read, written) = (shapes[*from].range(t), shapes[*to].range(t));
                        norm::forth(&before[read], channels, &mut out[written])
                    })
                    .collect();
            }
            Op::Softmax { from, to } => {
                let (before, out) = between(values, *from, *to);
                for (t, groups) in self.groups.iter().enumerate() {
                    groups
                        .forth::<F, SOFTMAX>(&before[shapes[*from].range(t)], &mut out[shapes[*to].range(t)]);
                }
            }
            Op::Cummax { from, to } | Op::Shift { from, to } => {
                let (before, out) = between(values, *from, *to);
                for (t, channels) in tensors(&shapes[*to]) {
                    let range = shapes[*to].range(t);
                    let (before, out) = (&before[range.clone()], &mut out[range]);
                    match op {
                        Op::Cummax { .. } => self.lines.cummax(before, channels, out),
                        _ => self.lines.shift(before, channels, out),
                    }
                }
            }
            Op::Silu { from, to } => {
                let (before, out) = between(values, *from, *to);
                silu::forth(before, out);
            }
            Op::Mix { onto, from, blocks, to } => {
                let (before, out) = between(values, *onto, *to);
                out.copy_from_slice(before);
                let (before, out) = between(values, *from, *to);
                for (t, blocks) in blocks.iter().enumerate() {
                    let Some(blocks) = blocks else { continue };
                    let (matrix, k) = (mixer(blocks, weights), DIRECTIONS * shapes[*from].channels[t]);
                    linear::forth(
                        &before[shapes[*from].range(t)],
                        &matrix,
                        k,
                        &mut out[shapes[*to].range(t)],
                    );
                }
            }
        }
        said
    }

    fn one_back(&mut self, i: usize, op: &Op, weights: &[F], gradient: &mut [F]) {
        let program = Arc::clone(&self.program);
        let (shapes, values, slopes) = (&program.values, &self.values, &mut self.slopes);
        match op {
            Op::Draw { latents, to } => {
                let slope = slopes.take(*to);
                for (t, latent) in latents.iter().enumerate() {
                    let range = shapes[*to].range(t);
                    let what = what(latent, weights, &self.noise[range.clone()]);
                    let [mean, capacity, target] =
                        apart(gradient, [latent.mean, latent.capacity, latent.target]);
                    draw::back(&what, &slope[range], &mut SaidSlopes { mean, capacity, target });
                }
                slopes.give_back(slope);
            }
            Op::Linear { from, weights: parts, bias, to } => {
                let slope = slopes.take(*to);
                for (t, row) in bias.iter().flatten().enumerate() {
                    if let Some((part, scale)) = row {
                        linear::add_row_back(
                            &slope[shapes[*to].range(t)],
                            real(*scale),
                            part.of_mut(gradient),
                        );
                    }
                }
                let (read, before) = (&values[*from], slopes.of(*from, shapes));
                multiply_back(parts, [&shapes[*from], &shapes[*to]], read, weights, &slope, before, gradient);
                slopes.give_back(slope);
            }
            Op::Residual { onto, from, weights: parts, to } => {
                let slope = slopes.take(*to);
                let (read, before) = (&values[*from], slopes.of(*from, shapes));
                multiply_back(parts, [&shapes[*from], &shapes[*to]], read, weights, &slope, before, gradient);
                slopes.hand_on(slope, *onto);
            }
            Op::Spread { from, to } => {
                let mut slope = slopes.take(*to);
                self.sharing.spread_back(&shapes[*to], &mut slope);
                slopes.hand_on(slope, *from);
            }
            Op::Gather { from, to } => {
                let mut slope = slopes.take(*to);
                self.sharing.gather_back(&shapes[*to], &mut slope);
                slopes.hand_on(slope, *from);
            }
            Op::Norm { from, to } => {
                let slope = slopes.take(*to);
                let before = slopes.of(*from, shapes);
                for ((t, _), scale) in tensors(&shapes[*to]).zip(&self.scales[i]) {
                    let range = shapes[*to].range(t);
                    let normed = &values[*to][range.clone()];
                    norm::back(normed, scale, &slope[range], &mut before[shapes[*from].range(t)]);
                }
                slopes.give_back(slope);
            }
            Op::Softmax { from, to } => {
                let slope = slopes.take(*to);
                let before = slopes.of(*from, shapes);
                for (t, groups) in self.groups.iter().enumerate() {
                    let range = shapes[*to].range(t);
                    let soft = &values[*to][range.clone()];
                    groups.back::<F, SOFTMAX>(soft, &slope[range], &mut before[shapes[*from].range(t)]);
                }
                slopes.give_back(slope);
            }
            Op::Cummax { from, to } | Op::Shift { from, to } => {
                let slope = slopes.take(*to);
                let before = slopes.of(*from, shapes);
                for (t, channels) in tensors(&shapes[*to]) {
                    let range = shapes[*to].range(t);
                    let read = &values[*from][range.clone()];
                    let (slope, before) = (&slope[range.clone()], &mut before[range]);
                    match op {
                        Op::Cummax { .. } => self.lines.cummax_back(read, channels, slope, before),
                        _ => self.lines.shift_back(read, channels, slope, before),
                    }
                }
                slopes.give_back(slope);
            }
            Op::Silu { from, to } => {
                let slope = slopes.take(*to);
                silu::back(&values[*from], &slope, slopes.of(*from, shapes));
                slopes.give_back(slope);
            }
            Op::Mix { onto, from, blocks, to } => {
                let slope = slopes.take(*to);
                let before = slopes.of(*from, shapes);
                for (t, blocks) in blocks.iter().enumerate() {
                    let Some(blocks) = blocks else { continue };
                    let (matrix, k) = (mixer(blocks, weights), DIRECTIONS * shapes[*from].channels[t]);
                    let mut matrix_slope = vec![F::zero(); matrix.len()];
                    let (read, written) = (shapes[*from].range(t), shapes[*to].range(t));
                    let values = &values[*from][read.clone()];
                    linear::back(values, &matrix, k, &slope[written], &mut before[read], &mut matrix_slope);
                    unmix(blocks, &matrix_slope, gradient);
                }
                slopes.hand_on(slope, *onto);
            }
        }
    }
}

/// The slopes by values, each there only between who reads the value last and who wrote it: what is used again and again
/// stays close to the processor.
struct Slopes<F> {
    of: Vec<Vec<F>>,
    spare: Vec<Vec<F>>,
}

impl<F: NdFloat> Slopes<F> {
    fn new(values: usize) -> Self {
        Self { of: (0..values).map(|_| Vec::new()).collect(), spare: Vec::new() }
    }

    /// The slope by a value, to be added to; 0 at first.
    fn of(&mut self, value: Value, shapes: &[Shape]) -> &mut [F] {
        let slope = &mut self.of[value];
        if slope.is_empty() {
            let length = shapes[value].len();
            let fitting = self.spare.iter().enumerate().filter(|(_, spare)| spare.capacity() >= length);
            let at = fitting.min_by_key(|(_, spare)| spare.capacity()).map(|(at, _)| at);
            *slope = at.map_or_else(Vec::new, |at| self.spare.swap_remove(at));
            slope.clear();
            slope.resize(length, F::zero());
        }
        slope
    }

    fn take(&mut self, value: Value) -> Vec<F> {
        std::mem::take(&mut self.of[value])
    }

    fn give_back(&mut self, slope: Vec<F>) {
        self.spare.push(slope);
    }

    /// Makes a slope one by another value of the same shape.
    fn hand_on(&mut self, slope: Vec<F>, value: Value) {
        if self.of[value].is_empty() {
            self.of[value] = slope;
        } else {
            linear::add(&slope, &mut self.of[value]);
            self.give_back(slope);
        }
    }
}

/// The tensors that a value has, and their channels.
fn tensors(shape: &Shape) -> impl Iterator<Item = (usize, usize)> + '_ {
    shape.channels.iter().copied().enumerate().filter(|(_, channels)| *channels > 0)
}

/// What one operation reads and what it writes.
fn between<F>(all: &mut [Vec<F>], read: Value, written: Value) -> (&[F], &mut [F]) {
    all.get_disjoint_mut([read, written]).map_or_else(
        |_| unreachable!("no operation reads what it writes"),
        |[read, written]| (&**read, &mut **written),
    )
}

fn what<'a, F>(latent: &Latent, weights: &'a [F], noise: &'a [F]) -> Said<'a, F> {
    let Latent { mean, capacity, target } = latent;
    Said { mean: mean.of(weights), capacity: capacity.of(weights), target: target.of(weights), noise }
}

/// Parts that share nothing.
fn apart<F, const N: usize>(numbers: &mut [F], parts: [Part; N]) -> [&mut [F]; N] {
    numbers
        .get_disjoint_mut(parts.map(|part| part.range()))
        .unwrap_or_else(|_| unreachable!("parts of a latent are its own"))
}

fn multiply<F: NdFloat>(
    parts: &[Option<Part>],
    from_shape: &Shape,
    from: &[F],
    weights: &[F],
    to_shape: &Shape,
    to: &mut [F],
) {
    for (t, part) in parts.iter().enumerate() {
        if let Some(part) = part {
            let (from, to) = (&from[from_shape.range(t)], &mut to[to_shape.range(t)]);
            linear::forth(from, part.of(weights), part.rows, to);
        }
    }
}

fn multiply_back<F: NdFloat>(
    parts: &[Option<Part>],
    [from_shape, to_shape]: [&Shape; 2],
    from: &[F],
    weights: &[F],
    slope: &[F],
    from_slope: &mut [F],
    gradient: &mut [F],
) {
    for (t, part) in parts.iter().enumerate() {
        if let Some(part) = part {
            let (read, written) = (from_shape.range(t), to_shape.range(t));
            let (from, from_slope) = (&from[read.clone()], &mut from_slope[read]);
            linear::back(
                from,
                part.of(weights),
                part.rows,
                &slope[written],
                from_slope,
                part.of_mut(gradient),
            );
        }
    }
}

/// The matrix from all directions' channels to all directions'.
fn mixer<F: NdFloat>(blocks: &[[Part; DIRECTIONS]; DIRECTIONS], weights: &[F]) -> Vec<F> {
    let channels = blocks[0][0].rows;
    let width = DIRECTIONS * channels;
    let mut matrix = vec![F::zero(); width * width];
    for (sink, blocks) in blocks.iter().enumerate() {
        for (source, part) in blocks.iter().enumerate() {
            let tells: F = tells(sink, source);
            for (k, row) in part.of(weights).chunks_exact(channels).enumerate() {
                let at = (source * channels + k) * width + sink * channels;
                matrix[at..at + channels].iter_mut().zip(row).for_each(|(to, &w)| *to = tells * w);
            }
        }
    }
    matrix
}

fn unmix<F: NdFloat>(blocks: &[[Part; DIRECTIONS]; DIRECTIONS], matrix_slope: &[F], gradient: &mut [F]) {
    let channels = blocks[0][0].rows;
    let width = DIRECTIONS * channels;
    for (sink, blocks) in blocks.iter().enumerate() {
        for (source, part) in blocks.iter().enumerate() {
            let tells: F = tells(sink, source);
            for (k, row) in part.of_mut(gradient).chunks_exact_mut(channels).enumerate() {
                let at = (source * channels + k) * width + sink * channels;
                row.iter_mut().zip(&matrix_slope[at..at + channels]).for_each(|(to, &s)| *to += tells * s);
            }
        }
    }
}

fn tells<F: NdFloat>(sink: usize, source: usize) -> F {
    real(TELLS[(source + DIRECTIONS - sink) % DIRECTIONS])
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;
    use stratagem_domain::{Grid, Pair};

    use super::*;
    use crate::model::compression::compression;

    fn grid(chance: &mut Rng, height: usize, width: usize, colours: &[u8]) -> Grid {
        let row = |chance: &mut Rng| {
            (0..width).map(|_| colours[chance.usize(..colours.len())]).collect::<Vec<u8>>()
        };
        Grid::from_rows(&(0..height).map(|_| row(chance)).collect::<Vec<_>>()).unwrap()
    }

    /// Puzzles whose sides are kept, always the same, and neither.
    fn puzzles() -> [Puzzle; 3] {
        let mut chance = Rng::with_seed(11);
        let mut puzzle = |sides: &[[[usize; 2]; 2]], asked: [usize; 2]| {
            let mut one = |[height, width]: [usize; 2]| grid(&mut chance, height, width, &[0, 2, 5]);
            let shown: Vec<Pair> = sides
                .iter()
                .map(|&[input, output]| Pair { input: one(input), output: one(output) })
                .collect();
            Puzzle::new(&shown, &[one(asked)])
        };
        [
            puzzle(&[[[2, 3], [2, 3]], [[3, 2], [3, 2]]], [2, 2]),
            puzzle(&[[[3, 2], [1, 2]], [[2, 2], [1, 2]]], [3, 3]),
            puzzle(&[[[2, 3], [1, 2]], [[2, 3], [2, 1]]], [3, 2]),
        ]
    }

    #[test]
    fn the_gradient_of_the_whole_network_is_that_of_finite_differences() {
        const NUDGE: f64 = 2e-7;
        for (which, puzzle) in puzzles().iter().enumerate() {
            for update in [20, 500] {
                let (program, weights) = compression(puzzle, 5);
                let mut chance = Rng::with_seed(7);
                // Nothing at its start value, and capacities low enough that noise is felt.
                let mut weights: Vec<f64> =
                    weights.iter().map(|&w| f64::from(w) + (chance.f64() - 0.5) * 0.1).collect();
                let Some(Op::Draw { latents, .. }) = program.ops.first() else { panic!("first is drawn") };
                for latent in latents {
                    latent.target.of_mut(&mut weights).iter_mut().for_each(|t| *t -= 0.6);
                }
                let mut engine = Engine::<f64>::new(Arc::new(puzzle.clone()), Arc::new(program));
                let mut gradient = vec![0.0; weights.len()];
                engine.forth(&weights, update, Noise::new(3, 0));
                engine.back(&weights, &mut gradient);
                let mut loss = |weights: &[f64]| engine.forth(weights, update, Noise::new(3, 0)).total();
                let mut worst: f64 = 0.0;
                let largest = gradient.iter().fold(0.0f64, |most, g| most.max(g.abs()));
                for _ in 0..120 {
                    let at = chance.usize(..weights.len());
                    let before = weights[at];
                    let mut nudged = |by: f64| {
                        weights[at] = before + by;
                        loss(&weights)
                    };
                    // Five points: what is said is an exponential of a weight.
                    let mut across = |by: f64| nudged(by) - nudged(-by);
                    let expected = (8.0 * across(NUDGE) - across(2.0 * NUDGE)) / (12.0 * NUDGE);
                    weights[at] = before;
                    let error = (gradient[at] - expected).abs() / expected.abs().max(largest * 1e-3);
                    worst = worst.max(error);
                    assert!(error < 1e-5, "puzzle {which}, weight {at}: {} for {expected}", gradient[at]);
                }
                assert!(worst > 0.0 && largest > 1e-3, "{worst} {largest}");
            }
        }
    }

    /// What an operation reads, and what it writes.
    fn ends(op: &Op) -> (Vec<Value>, Value) {
        match op {
            Op::Draw { to, .. } => (Vec::new(), *to),
            Op::Linear { from, to, .. }
            | Op::Spread { from, to }
            | Op::Gather { from, to }
            | Op::Norm { from, to }
            | Op::Softmax { from, to }
            | Op::Cummax { from, to }
            | Op::Shift { from, to }
            | Op::Silu { from, to } => (vec![*from], *to),
            Op::Residual { onto, from, to, .. } | Op::Mix { onto, from, to, .. } => (vec![*onto, *from], *to),
        }
    }

    /// The slope of `of` at the middle of numbers that `nudge` moves one of.
    fn slope_of(mut of: impl FnMut(f64) -> f64) -> f64 {
        const NUDGE: f64 = 1e-4;
        let mut across = |by: f64| of(by) - of(-by);
        (8.0 * across(NUDGE) - across(2.0 * NUDGE)) / (12.0 * NUDGE)
    }

    /// Some of many places.
    fn some(chance: &mut Rng, places: impl Iterator<Item = usize>) -> Vec<usize> {
        let mut places: Vec<usize> = places.collect();
        chance.shuffle(&mut places);
        places.truncate(40);
        places
    }

    /// Each operation by itself, by what it reads and by its weights: the way back goes against a random slope of what it
    /// writes.
    #[test]
    fn every_operation_has_the_gradient_of_finite_differences() {
        let mut kinds = std::collections::HashSet::new();
        for puzzle in &puzzles() {
            let (program, fresh) = compression(puzzle, 5);
            let (ops, shapes) = (program.ops.clone(), program.values.clone());
            let mut chance = Rng::with_seed(13);
            let mut weights: Vec<f64> = fresh.iter().map(|&w| f64::from(w) + chance.f64() - 0.5).collect();
            let mut engine = Engine::<f64>::new(Arc::new(puzzle.clone()), Arc::new(program));
            engine.noise =
                (0..shapes.iter().map(Shape::len).max().unwrap()).map(|_| chance.f64() - 0.5).collect();
            for (i, op) in ops.iter().enumerate() {
                let (read, written) = ends(op);
                for &value in &read {
                    engine.values[value].iter_mut().for_each(|number| *number = 3.0 * (chance.f64() - 0.5));
                }
                let against: Vec<f64> = (0..shapes[written].len()).map(|_| chance.f64() - 0.5).collect();
                let loss = |engine: &mut Engine<f64>, weights: &[f64]| {
                    let said = engine.one_forth(i, op, weights);
                    let written = engine.values[written].iter().zip(&against);
                    said + written.map(|(number, slope)| number * slope).sum::<f64>()
                };
                loss(&mut engine, &weights);
                let mut gradient = vec![0.0; weights.len()];
                engine.slopes.of(written, &shapes).copy_from_slice(&against);
                engine.one_back(i, op, &weights, &mut gradient);
                let mut check = |got: f64, expected: f64, scale: f64| {
                    let error = (got - expected).abs() / expected.abs().max(1e-3 * scale).max(1e-6);
                    assert!(error < 1e-5, "operation {i}, {op:.60?}: {got} for {expected}");
                    kinds.insert(std::mem::discriminant(op));
                };
                let largest =
                    |slopes: &[f64]| slopes.iter().fold(0.0f64, |most, slope| most.max(slope.abs()));
                for &value in &read {
                    let slope = engine.slopes.take(value);
                    for at in some(&mut chance, 0..slope.len()) {
                        let before = engine.values[value][at];
                        let expected = slope_of(|by| {
                            engine.values[value][at] = before + by;
                            loss(&mut engine, &weights)
                        });
                        engine.values[value][at] = before;
                        check(slope[at], expected, largest(&slope));
                    }
                }
                let touched = (0..weights.len()).filter(|&at| gradient[at] != 0.0);
                for at in some(&mut chance, touched) {
                    let before = weights[at];
                    let expected = slope_of(|by| {
                        weights[at] = before + by;
                        loss(&mut engine, &weights)
                    });
                    weights[at] = before;
                    check(gradient[at], expected, largest(&gradient));
                }
            }
            let heads = engine.program.heads;
            for update in [20, 500] {
                let shape = &shapes[heads];
                let mut said: Vec<f64> = (0..shape.len()).map(|_| chance.f64() - 0.5).collect();
                let mut slope = vec![0.0; shape.len()];
                picture::loss(puzzle, update, shape, &said, &mut slope);
                for at in some(&mut chance, 0..said.len()) {
                    let before = said[at];
                    let mut unused = vec![0.0; shape.len()];
                    let expected = slope_of(|by| {
                        said[at] = before + by;
                        picture::WEIGHT * picture::loss(puzzle, update, shape, &said, &mut unused)
                    });
                    said[at] = before;
                    let error = (slope[at] - expected).abs() / expected.abs().max(1e-3);
                    assert!(error < 1e-5, "picture {at}: {} for {expected}", slope[at]);
                }
            }
        }
        assert_eq!(kinds.len(), 11, "all kinds of operations");
    }
}
