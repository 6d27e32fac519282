//! What networks consist of.

pub mod automaton;
pub mod compression;
pub mod multi;
pub mod program;

use ndarray::NdFloat;

/// Colours of a grid.
pub const COLOURS: usize = 10;

/// A number in the precision that is computed in.
pub fn real<F: NdFloat>(number: f64) -> F {
    F::from(number).unwrap_or_else(|| unreachable!("floats are made of floats"))
}
