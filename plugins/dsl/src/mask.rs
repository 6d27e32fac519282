//! Sets of cells as one word a row: what floods, rims and mirrors work with.

use crate::grid::{Grid, MAX_WORKING_SIDE};

/// A set of cells of a grid; column `x` is bit `x` of its row.
pub struct Mask {
    pub rows: Vec<u64>,
}

const _: () = assert!(MAX_WORKING_SIDE < 64);

impl Mask {
    /// The cells that are not black.
    pub fn ink(g: &Grid) -> Self {
        Self { rows: g.cells().chunks_exact(g.width()).map(ink_of_row).collect() }
    }

    /// The black cells that do not reach the edge through black cells, side by side.
    pub fn enclosed(g: &Grid) -> Self {
        let full = (1 << g.width()) - 1;
        let black: Vec<u64> = Self::ink(g).rows.iter().map(|row| !row & full).collect();
        let (edge, last) = (1 | 1 << (g.width() - 1), black.len() - 1);
        let seed = |(y, &row): (usize, &u64)| if y == 0 || y == last { row } else { row & edge };
        let mut reached: Vec<u64> = black.iter().enumerate().map(seed).collect();
        flood(&mut reached, &black);
        Self { rows: black.iter().zip(&reached).map(|(black, reached)| black & !reached).collect() }
    }

    pub fn is_empty(&self) -> bool {
        self.rows.iter().all(|&row| row == 0)
    }

    /// The cells that are drawn, as are all around them within the grid's edge.
    pub fn core(g: &Grid) -> Self {
        let ink = Self::ink(g).rows;
        let row = |y: usize| ink.get(y).copied().unwrap_or(0);
        let within = |y: usize| row(y) & row(y) << 1 & row(y) >> 1;
        Self { rows: (0..ink.len()).map(|y| within(y) & within(y.wrapping_sub(1)) & within(y + 1)).collect() }
    }

    /// The cells as flags, one row after the other.
    pub fn flags(&self, width: usize) -> impl Iterator<Item = bool> {
        self.rows.iter().flat_map(move |&row| (0..width).map(move |x| row >> x & 1 != 0))
    }
}

/// Grows a set side by side within what is open.
fn flood(set: &mut [u64], open: &[u64]) {
    let height = set.len();
    let (mut downwards, mut idle) = (true, 0);
    // Sweeps go down and up in turn until two change nothing.
    while idle < 2 {
        let (mut beside, mut changed) = (0, false);
        for step in 0..height {
            let y = if downwards { step } else { height - 1 - step };
            let grown = run_along((set[y] | beside) & open[y], open[y]);
            changed |= grown != set[y];
            set[y] = grown;
            beside = grown;
        }
        idle = if changed { 0 } else { idle + 1 };
        downwards = !downwards;
    }
}

/// Fills the runs of open cells in a row that hold a cell of the set.
fn run_along(mut set: u64, open: u64) -> u64 {
    if set == 0 || set == open {
        return set;
    }
    // A carry runs up through open cells; what is left to do lies below and is reached step by step.
    set |= open & !open.wrapping_add(set);
    loop {
        let grown = set | set >> 1 & open;
        if grown == set {
            return set;
        }
        set = grown;
    }
}

/// The cells of a row that are not black, eight at a time.
pub fn ink_of_row(row: &[u8]) -> u64 {
    let (words, rest) = row.as_chunks::<8>();
    let mut bits = 0;
    for (i, word) in words.iter().enumerate() {
        bits |= ink_of_word(u64::from_le_bytes(*word)) << (8 * i);
    }
    rest.iter().enumerate().fold(bits, |bits, (i, &c)| bits | u64::from(c != 0) << (8 * words.len() + i))
}

/// A bit for each of eight colours that is not black.
fn ink_of_word(word: u64) -> u64 {
    // Colours are below 16, so adding 0x7f raises a byte's top bit where the colour is not 0.
    let tops = (word + 0x7f7f_7f7f_7f7f_7f7f) >> 7 & 0x0101_0101_0101_0101;
    tops.wrapping_mul(0x0102_0408_1020_4080) >> 56
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ink_has_a_bit_for_each_drawn_cell() {
        assert_eq!(ink_of_row(&[0, 1, 9, 0, 0, 0, 0, 5, 0, 3]), 0b10_1000_0110);
    }

    #[test]
    fn holes_are_what_the_edge_does_not_reach() {
        let g = Grid::from_rows(&[[1, 1, 1, 1, 0], [1, 0, 1, 0, 0], [1, 1, 1, 1, 0]]).expect("a grid");
        assert_eq!(Mask::enclosed(&g).rows, [0, 0b10, 0]);
    }

    #[test]
    fn floods_follow_winding_ways() {
        let open = [0b11111, 0b00001, 0b11111, 0b10000, 0b11111];
        let mut set = [0, 0, 0, 0, 0b00001];
        flood(&mut set, &open);
        assert_eq!(set, open);
    }
}
