//! A task: demonstrations, and the inputs to answer.

use crate::grid::Grid;

/// A demonstration: what goes in, what comes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    pub input: Grid,
    pub output: Grid,
}

/// A task as a strategy sees it: without the test outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    pub train: Vec<Pair>,
    pub test: Vec<Grid>,
}

impl Task {
    /// All inputs: those of the demonstrations, then those to answer.
    pub fn inputs(&self) -> impl Iterator<Item = &Grid> {
        self.train.iter().map(|p| &p.input).chain(&self.test)
    }
}
