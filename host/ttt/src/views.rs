//! Grids looked at in other ways, under which a rule may stay the same.

use fastrand::Rng;
use stratagem_domain::{Grid, Pair};

use crate::model::COLOURS;

/// The symmetries of a square.
pub const SYMMETRIES: usize = 8;

/// A way to look at a grid: turned or mirrored, and in other colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    symmetry: usize,
    /// What each colour becomes.
    colours: [u8; COLOURS],
}

impl View {
    /// The symmetry, 0 to 7, of which 0 is none; and some colours exchanged for one another at random.
    pub fn new(symmetry: usize, exchanged: &[u8], chance: &mut Rng) -> Self {
        let mut others = exchanged.to_vec();
        chance.shuffle(&mut others);
        let mut colours = std::array::from_fn(|colour| colour as u8);
        exchanged.iter().zip(others).for_each(|(&colour, other)| colours[usize::from(colour)] = other);
        Self { symmetry, colours }
    }

    /// What a grid looks like.
    pub fn of(&self, grid: &Grid) -> Grid {
        recoloured(&turned(grid, self.symmetry), &self.colours)
    }

    /// The grid that looks like this.
    pub fn undone(&self, grid: &Grid) -> Grid {
        let mut before = [0; COLOURS];
        self.colours.iter().zip(0..).for_each(|(&colour, was)| before[usize::from(colour)] = was);
        recoloured(&turned(grid, undoing(self.symmetry)), &before)
    }
}

/// Colours that a rule does not seem to name: not every input has them, and no output has one that its input has not.
///
/// Black is never among them.
pub fn unnamed(demonstrations: &[Pair]) -> Vec<u8> {
    let has = |grid: &Grid, colour: u8| grid.cells().contains(&colour);
    let is_brought_in = |pair: &Pair, colour| has(&pair.output, colour) && !has(&pair.input, colour);
    (1..COLOURS as u8)
        .filter(|&colour| demonstrations.iter().any(|pair| !has(&pair.input, colour)))
        .filter(|&colour| !demonstrations.iter().any(|pair| is_brought_in(pair, colour)))
        .collect()
}

fn recoloured(grid: &Grid, colours: &[u8; COLOURS]) -> Grid {
    let cells: Vec<u8> = grid.cells().iter().map(|&colour| colours[usize::from(colour)]).collect();
    Grid::new(grid.width() as u32, grid.height() as u32, &cells)
        .unwrap_or_else(|error| unreachable!("as many cells as before: {error}"))
}

/// A grid under one of the eight symmetries.
fn turned(grid: &Grid, symmetry: usize) -> Grid {
    let (width, height) = (grid.width(), grid.height());
    let (is_turned, is_mirrored, is_upside_down) = (symmetry & 1 > 0, symmetry & 2 > 0, symmetry & 4 > 0);
    let (across, down) = if is_turned { (height, width) } else { (width, height) };
    let cell = |(x, y): (usize, usize)| {
        let (x, y) = if is_turned { (y, x) } else { (x, y) };
        let x = if is_mirrored { width - 1 - x } else { x };
        let y = if is_upside_down { height - 1 - y } else { y };
        grid.cells()[y * width + x]
    };
    let cells: Vec<u8> = (0..down).flat_map(|y| (0..across).map(move |x| (x, y))).map(cell).collect();
    Grid::new(across as u32, down as u32, &cells)
        .unwrap_or_else(|error| unreachable!("as many cells as before: {error}"))
}

/// The symmetry that undoes a symmetry.
fn undoing(symmetry: usize) -> usize {
    // Turned, mirroring swaps rows and columns.
    if symmetry & 1 == 0 { symmetry } else { 1 | (symmetry & 2) << 1 | (symmetry & 4) >> 1 }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_view_is_another_and_is_undone() {
        let grid = Grid::from_rows(&[[1, 2, 3], [4, 5, 6]]).unwrap();
        let mut chance = Rng::with_seed(1);
        let plain: HashSet<Grid> =
            (0..SYMMETRIES).map(|symmetry| View::new(symmetry, &[], &mut chance).of(&grid)).collect();
        assert_eq!(plain.len(), SYMMETRIES);
        for symmetry in 0..SYMMETRIES {
            let view = View::new(symmetry, &[2, 4, 5, 9], &mut chance);
            assert_eq!(view.undone(&view.of(&grid)), grid, "{view:?}");
            let kept = |grid: &Grid| grid.cells().iter().filter(|cell| [1, 3, 6].contains(cell)).count();
            assert_eq!(kept(&view.of(&grid)), 3, "{view:?}");
        }
        let colours: HashSet<Grid> =
            (0..50).map(|_| View::new(0, &[1, 2, 3], &mut chance).of(&grid)).collect();
        assert_eq!(colours.len(), 6, "all orders of three");
    }

    #[test]
    fn colours_that_a_rule_names_are_not_exchanged() {
        let pair = |input: [u8; 3], output: [u8; 3]| Pair {
            input: Grid::from_rows(&[input]).unwrap(),
            output: Grid::from_rows(&[output]).unwrap(),
        };
        // 5 is in every input, 8 is brought in; 3 and 4 come and go as those that were never seen.
        let shown = [pair([0, 5, 3], [3, 5, 8]), pair([4, 5, 8], [4, 4, 8])];
        assert_eq!(unnamed(&shown), [1, 2, 3, 4, 6, 7, 9]);
        assert_eq!(unnamed(&shown[..1]), [1, 2, 4, 6, 7, 9], "of one demonstration all colours count");
    }
}
