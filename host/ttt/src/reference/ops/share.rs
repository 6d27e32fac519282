//! What tensors tell one another: those of fewer axes are repeated along the missing ones, those of more are averaged over
//! them.
//!
//! Both go axis by axis over all tensors at once: a sum over all smaller (or larger) subsets takes as many additions as a
//! tensor has axes, not as many as there are subsets.

use ndarray::NdFloat;
use pulp::{Arch, Simd, with_simd};

use crate::model::multi::{Axes, Axis, Shape, TENSORS};
use crate::model::real;
use crate::puzzle::Puzzle;

/// A tensor, the one with an axis less, and how places lie around that axis.
#[derive(Clone, Debug)]
struct Step<F> {
    large: usize,
    small: usize,
    along: usize,
    inner: usize,
    /// How much each place of the large tensor counts in the mean.
    weights: Vec<F>,
}

/// How tensors of one puzzle lie around one another's axes.
#[derive(Clone, Debug)]
pub struct Sharing<F> {
    /// In the order in which means are taken: columns, rows, directions, colours, examples.
    steps: Vec<Step<F>>,
}

impl<F: NdFloat> Sharing<F> {
    pub fn new(puzzle: &Puzzle) -> Self {
        let order = [Axis::Column, Axis::Row, Axis::Direction, Axis::Colour, Axis::Example];
        let steps = order.into_iter().flat_map(|axis| {
            (0..TENSORS).filter_map(move |large| {
                let axes = Axes::SENSIBLE[large];
                let small = axes.without(axis).index().filter(|_| axes.has(axis))?;
                let (_, along, inner) = puzzle.extent.around(axes, axis);
                let weights = weights(puzzle, axes, axis).into_iter().map(real).collect();
                Some(Step { large, small, along, inner, weights })
            })
        });
        Self { steps: steps.collect() }
    }

    /// Adds to each tensor all those of fewer axes.
    pub fn spread(&self, shape: &Shape, numbers: &mut [F]) {
        for step in self.steps.iter().rev() {
            step.each(shape, numbers, |large, small, _| *large += *small);
        }
    }

    pub fn spread_back(&self, shape: &Shape, slopes: &mut [F]) {
        for step in &self.steps {
            step.each(shape, slopes, |large, small, _| *small += *large);
        }
    }

    /// Adds to each tensor the means of all those of more axes.
    pub fn gather(&self, shape: &Shape, numbers: &mut [F]) {
        for step in &self.steps {
            step.each(shape, numbers, |large, small, weight| *small += weight * *large);
        }
    }

    pub fn gather_back(&self, shape: &Shape, slopes: &mut [F]) {
        for step in self.steps.iter().rev() {
            step.each(shape, slopes, |large, small, weight| *large += weight * *small);
        }
    }
}

impl<F: NdFloat> Step<F> {
    /// Hands over each number of the large tensor, the one of the small that it belongs to, and what its place counts.
    fn each(&self, shape: &Shape, numbers: &mut [F], of: impl Fn(&mut F, &mut F, F)) {
        match shape.channels[self.large] {
            // A task that is black all over has no colour to sum over.
            _ if shape.range(self.large).is_empty() => {}
            8 => self.each_of::<8>(shape, numbers, of),
            16 => self.each_of::<16>(shape, numbers, of),
            _ => unreachable!("what is shared has 8 or 16 channels"),
        }
    }

    fn each_of<const C: usize>(&self, shape: &Shape, numbers: &mut [F], of: impl Fn(&mut F, &mut F, F)) {
        // A tensor of fewer axes lies before those of more.
        let (before, after) = numbers.split_at_mut(shape.range(self.large).start);
        let (large, _) = after[..shape.range(self.large).len()].as_chunks_mut::<C>();
        let (small, _) = before[shape.range(self.small)].as_chunks_mut::<C>();
        each_number(large, small, &self.weights, self.along, self.inner, of);
    }
}

/// As [`Step::each`], of two tensors of the same channels.
#[with_simd(each_number = Arch::new())]
#[inline(always)]
fn each_number_with<S: Simd, F: NdFloat, O: Fn(&mut F, &mut F, F), const C: usize>(
    _: S,
    large: &mut [[F; C]],
    small: &mut [[F; C]],
    weights: &[F],
    along: usize,
    inner: usize,
    of: O,
) {
    let outer = large.chunks_exact_mut(inner * along).zip(small.chunks_exact_mut(inner));
    for ((large, small), weights) in outer.zip(weights.chunks_exact(inner * along)) {
        for (large, weights) in large.chunks_exact_mut(inner).zip(weights.chunks_exact(inner)) {
            for ((large, small), &weight) in large.iter_mut().zip(small.iter_mut()).zip(weights) {
                (0..C).for_each(|c| of(&mut large[c], &mut small[c], weight));
            }
        }
    }
}

/// How much each place of a tensor counts in the mean over an axis.
///
/// Where sides are masked, what lies outside of an example's grids does not count in means over rows and columns.
fn weights(puzzle: &Puzzle, axes: Axes, axis: Axis) -> Vec<f64> {
    /// Keeps a mean over nothing finite.
    const LEAST: f64 = 1e-4;
    let extent = &puzzle.extent;
    if !puzzle.is_masked || !matches!(axis, Axis::Row | Axis::Column) {
        return vec![1.0 / extent.along(axis) as f64; extent.positions(axes)];
    }
    let [examples, rows, columns] =
        [Axis::Example, Axis::Row, Axis::Column].map(|axis| extent.places(axes, Axes::of(&[axis])));
    let inside: Vec<f64> = (0..examples.len())
        .map(|i| puzzle.is_inside(examples[i] as usize, rows[i] as usize, columns[i] as usize))
        .map(|inside| f64::from(u8::from(inside)))
        .collect();
    let lines = extent.places(axes, axes.without(axis));
    let mut sums = vec![LEAST; extent.positions(axes.without(axis))];
    lines.iter().zip(&inside).for_each(|(&line, inside)| sums[line as usize] += inside);
    lines.iter().zip(&inside).map(|(&line, inside)| inside / sums[line as usize]).collect()
}
