//! The cellular automaton.

use fastrand::Rng;
use ndarray::{Array1, Array2, NdFloat};

use crate::board::SIGHT;
use crate::model::real;

/// Numbers that a cell of the automaton holds: the first ten are how strongly it is of a colour, one is 1 at the start in
/// every cell, since beyond the edge all are 0, and the rest is for the automaton to write.
pub const CHANNELS: usize = 20;
/// Numbers between what a cell sees and how it changes.
pub const HIDDEN: usize = 128;
/// Gradients longer than this are shortened to it: a rule that is repeated many times can have steep ones.
pub const LONGEST: f32 = 1.0;
/// How much of the past gradients' and squares' means each update keeps.
pub const DECAY: [f64; 2] = [0.9, 0.999];

/// A cellular automaton: every cell changes by what it and the eight around it hold, by the same rule in every step.
///
/// *Shape*: `see` (9 × channels) × hidden, `act` hidden × channels.
#[derive(Clone, Debug, PartialEq)]
pub struct Automaton<F> {
    pub see: Array2<F>,
    pub see_bias: Array1<F>,
    pub act: Array2<F>,
    pub act_bias: Array1<F>,
}

impl<F: NdFloat> Automaton<F> {
    /// All weights 0: what gradients are summed in.
    pub fn zero() -> Self {
        Self {
            see: Array2::zeros((SIGHT * CHANNELS, HIDDEN)),
            see_bias: Array1::zeros(HIDDEN),
            act: Array2::zeros((HIDDEN, CHANNELS)),
            act_bias: Array1::zeros(CHANNELS),
        }
    }

    /// Weights to start from: cells see something, and do nothing yet.
    ///
    /// *Source*: He and others 2015 for what is seen; Mordvintsev and others 2020 for doing nothing.
    pub fn fresh(chance: &mut Rng) -> Self {
        let mut fresh = Self::zero();
        // As wide as a uniform distribution must be for a variance of 2 / inputs.
        let width = (6.0 / (SIGHT * CHANNELS) as f64).sqrt();
        fresh.see.mapv_inplace(|_| real((chance.f64() * 2.0 - 1.0) * width));
        fresh
    }

    /// All weights, in one order.
    pub fn parts(&self) -> [&[F]; 4] {
        let Self { see, see_bias, act, act_bias } = self;
        [see.as_slice(), see_bias.as_slice(), act.as_slice(), act_bias.as_slice()].map(whole)
    }

    pub fn parts_mut(&mut self) -> [&mut [F]; 4] {
        let Self { see, see_bias, act, act_bias } = self;
        [see.as_slice_mut(), see_bias.as_slice_mut(), act.as_slice_mut(), act_bias.as_slice_mut()].map(whole)
    }
}

fn whole<T>(slice: Option<T>) -> T {
    slice.unwrap_or_else(|| unreachable!("weights are laid out row by row"))
}
