//! Holds whatever runs the kernels to the reference in double precision: what the tests do with the emulator, and
//! `examples/gpu.rs` with a device.

pub mod automaton;
pub mod ops;
pub mod step;

use fastrand::Rng;
use stratagem_domain::{Grid, Pair};
use stratagem_ttt::puzzle::Puzzle;

/// How far a device was from the reference.
#[derive(Clone, Debug)]
pub struct Found {
    pub what: String,
    /// The largest error, as a share of the largest number of its tensor.
    pub error: f64,
    pub most: f64,
}

impl Found {
    pub fn is_right(&self) -> bool {
        self.error <= self.most
    }
}

pub fn grid(chance: &mut Rng, height: usize, width: usize, colours: &[u8]) -> Grid {
    let mut row = || (0..width).map(|_| colours[chance.usize(..colours.len())]).collect::<Vec<u8>>();
    Grid::from_rows(&(0..height).map(|_| row()).collect::<Vec<_>>()).unwrap()
}

/// A task of random grids of these sides, and the input that is asked for.
pub fn task(seed: u64, sides: &[[[usize; 2]; 2]], asked: [usize; 2], colours: &[u8]) -> (Vec<Pair>, Grid) {
    let mut chance = Rng::with_seed(seed);
    let mut one = |[height, width]: [usize; 2]| grid(&mut chance, height, width, colours);
    let shown =
        sides.iter().map(|&[input, output]| Pair { input: one(input), output: one(output) }).collect();
    (shown, one(asked))
}

/// Tasks whose sides are kept, always the same, and neither; and one that has more numbers than one block takes.
pub fn puzzles() -> Vec<Puzzle> {
    let few = [0, 2, 5];
    let tasks = [
        task(1, &[[[2, 3], [2, 3]], [[3, 2], [3, 2]]], [2, 2], &few),
        task(2, &[[[3, 2], [1, 2]], [[2, 2], [1, 2]]], [3, 3], &few),
        task(3, &[[[2, 3], [1, 2]], [[2, 3], [2, 1]]], [3, 2], &few),
        task(4, &[[[6, 5], [4, 5]], [[5, 7], [3, 6]], [[4, 4], [2, 2]]], [3, 5], &[0, 1, 4, 6]),
    ];
    tasks.into_iter().map(|(shown, asked)| Puzzle::new(&shown, &[asked])).collect()
}

/// The largest error beside the largest of the expected numbers, or beside `least` where they are all smaller.
pub fn error(found: &[f32], expected: &[f64], least: f64) -> f64 {
    assert_eq!(found.len(), expected.len(), "as many numbers");
    let largest = expected.iter().fold(least, |most, x| most.max(x.abs()));
    let errors = found.iter().zip(expected).map(|(&found, &expected)| (f64::from(found) - expected).abs());
    // What is no number is as wrong as can be.
    errors.map(|error| if error.is_nan() { f64::INFINITY } else { error / largest }).fold(0.0, f64::max)
}
