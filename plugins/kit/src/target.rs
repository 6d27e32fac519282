//! What is wanted of all demonstrations, laid end to end, and sets of its cells.

use stratagem_dsl::{Size, Task};

/// A set of cells, over the wanted outputs of all demonstrations one after another.
pub type Bits = Box<[u64]>;

/// The cells for which something holds of what two layers of equal length have there, first cell in the lowest bit.
pub fn bits_where(one: &[u8], other: &[u8], holds: impl Fn(u8, u8) -> bool) -> Bits {
    let word = |(one, other): (&[u8], &[u8])| {
        // Eight cells a step: searches pack more cells than they do anything else with.
        let ((ones, one_rest), (others, other_rest)) = (one.as_chunks::<8>(), other.as_chunks::<8>());
        let flag = |byte: u64, (k, (&a, &b)): (usize, (&u8, &u8))| byte | u64::from(holds(a, b)) << k;
        let bytes = ones.iter().zip(others).map(|(a, b)| a.iter().zip(b).enumerate().fold(0, flag));
        let rest = one_rest.iter().zip(other_rest).enumerate().fold(0, flag);
        bytes.chain([rest]).enumerate().fold(0, |word, (i, byte)| word | byte << (8 * i % 64))
    };
    one.chunks(64).zip(other.chunks(64)).map(word).collect()
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
        let ink = bits_where(&cells, &cells, |c, _| c != 0);
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
        let mut inside = vec![0; self.cells.len()];
        for &p in pairs {
            inside[self.starts[p]..self.starts[p + 1]].fill(1);
        }
        bits_where(&inside, &inside, |inside, _| inside == 1)
    }

    /// How many demonstrations have no cell in the set.
    pub fn pairs_without(&self, set: &[u64]) -> usize {
        let clear = |i: usize| set[i / 64] >> (i % 64) & 1 == 0;
        (0..self.pairs()).filter(|&p| (self.starts[p]..self.starts[p + 1]).all(clear)).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_set_where_the_layers_say_so() {
        for cells in [1, 7, 8, 63, 64, 65, 130] {
            let one: Vec<u8> = (0..cells).map(|i| (i * i % 7) as u8).collect();
            let other: Vec<u8> = (0..cells).map(|i| (i % 5) as u8).collect();
            let bits = bits_where(&one, &other, |a, b| a == b);
            assert_eq!(bits.len(), one.len().div_ceil(64));
            let alike = |i: usize| one.get(i).is_some_and(|a| *a == other[i]);
            assert!((0..64 * bits.len()).all(|i| (bits[i / 64] >> (i % 64) & 1 == 1) == alike(i)));
        }
    }
}
