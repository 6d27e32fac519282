//! A network as a list of operations on multitensors: what whoever computes it walks through, forth and back.

use std::ops::Range;

use crate::model::multi::{DIRECTIONS, Shape};

/// A matrix among the weights, row by row; a row of numbers where `rows` is 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    pub start: usize,
    pub rows: usize,
    pub columns: usize,
}

impl Part {
    /// Where its numbers lie.
    pub fn range(&self) -> Range<usize> {
        self.start..self.start + self.rows * self.columns
    }

    pub fn of<'a, F>(&self, weights: &'a [F]) -> &'a [F] {
        &weights[self.range()]
    }

    pub fn of_mut<'a, F>(&self, weights: &'a mut [F]) -> &'a mut [F] {
        &mut weights[self.range()]
    }
}

/// For each tensor the weights that it is multiplied with, if any; tensors that are one another's mirror images share theirs.
pub type Parts = Vec<Option<Part>>;
/// For each tensor and each two directions the weights that lead from the second to the first.
pub type Blocks = Vec<Option<[[Part; DIRECTIONS]; DIRECTIONS]>>;
/// A multitensor that the program computes: its place in [`Program::values`].
pub type Value = usize;

/// What is said of a tensor of the task before anything is computed: how much of it is told, and what.
#[derive(Clone, Copy, Debug)]
pub struct Latent {
    /// A number a place and channel.
    pub mean: Part,
    /// Beside `target`, how many nats are spent on each number; of the same shape.
    pub capacity: Part,
    /// How many nats are spent on a number of a channel, as a tenth of a logarithm.
    pub target: Part,
}

/// One operation. `from` and `to` are values; `to` is written by no other operation.
#[derive(Clone, Debug)]
pub enum Op {
    /// Draws what is said of the task, and charges for it.
    Draw { latents: Vec<Latent>, to: Value },
    /// Each place's channels times a matrix, plus a row times `scale`.
    Linear { from: Value, weights: Parts, bias: Option<Vec<Option<(Part, f64)>>>, to: Value },
    /// As `Linear` without a row, added to what `onto` holds. Tensors without weights are handed on.
    Residual { onto: Value, from: Value, weights: Parts, to: Value },
    /// To each tensor the sum of those of fewer axes, and itself.
    Spread { from: Value, to: Value },
    /// To each tensor the sum of the means of those of more axes, and itself.
    Gather { from: Value, to: Value },
    /// Channels shifted and scaled to mean 0 and variance 1 over all places.
    Norm { from: Value, to: Value },
    /// For each subset of the axes but examples, in the order of [`subsets`](super::compression::subsets), the softmax
    /// of every channel over it.
    Softmax { from: Value, to: Value },
    /// For each direction, half of the channels' highest number so far, as a share of the line's; the other half's
    /// against the direction.
    Cummax { from: Value, to: Value },
    /// For each direction, half of the channels moved on by one place; the other half against the direction.
    Shift { from: Value, to: Value },
    /// Each number times its logistic function.
    Silu { from: Value, to: Value },
    /// Every direction's channels times a matrix to every direction, added to what `onto` holds.
    Mix { onto: Value, from: Value, blocks: Blocks, to: Value },
}

/// A network: its values, its operations, and how many weights they take.
#[derive(Clone, Debug)]
pub struct Program {
    pub values: Vec<Shape>,
    pub ops: Vec<Op>,
    /// The value whose tensors are what the network says of colours and of sides.
    pub heads: Value,
    pub weights: usize,
}
