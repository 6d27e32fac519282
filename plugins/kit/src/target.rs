//! What is wanted of all demonstrations, laid end to end, and sets of its cells.

use stratagem_dsl::{Size, Task};

/// A set of cells, over the wanted outputs of all demonstrations one after another.
pub type Bits = Box<[u64]>;

/// Packs flags into words, first flag in the lowest bit.
pub fn bits(flags: impl Iterator<Item = bool>) -> Bits {
    let mut words = Vec::new();
    for (i, flag) in flags.enumerate() {
        if i % 64 == 0 {
            words.push(0u64);
        }
        if flag {
            words[i / 64] |= 1 << (i % 64);
        }
    }
    words.into_boxed_slice()
}

/// The wanted outputs, laid end to end.
pub struct Target {
    pub cells: Vec<u8>,
    /// Where each demonstration's cells start; one more than there are demonstrations.
    pub starts: Vec<usize>,
    /// Cells that are not black.
    pub ink: Bits,
    /// The canvas of every input; test inputs may lack one.
    pub canvases: Vec<Option<Size>>,
}

impl Target {
    pub fn new(task: &Task, canvases: Vec<Option<Size>>) -> Self {
        let mut cells = Vec::new();
        let mut starts = vec![0];
        for pair in &task.train {
            cells.extend_from_slice(pair.output.cells());
            starts.push(cells.len());
        }
        let ink = bits(cells.iter().map(|&c| c != 0));
        Self { cells, starts, ink, canvases }
    }

    pub fn pairs(&self) -> usize {
        self.starts.len() - 1
    }

    /// How many words a set of cells takes.
    pub fn words(&self) -> usize {
        self.ink.len()
    }

    /// The cells of the chosen demonstrations.
    pub fn mask(&self, pairs: &[usize]) -> Bits {
        let mut inside = vec![false; self.cells.len()];
        for &p in pairs {
            inside[self.starts[p]..self.starts[p + 1]].fill(true);
        }
        bits(inside.into_iter())
    }

    /// How many demonstrations have no cell in the set.
    pub fn pairs_without(&self, set: &[u64]) -> usize {
        let clear = |i: usize| set[i / 64] >> (i % 64) & 1 == 0;
        (0..self.pairs()).filter(|&p| (self.starts[p]..self.starts[p + 1]).all(clear)).count()
    }
}
