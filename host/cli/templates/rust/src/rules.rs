//! What might turn an input into an output: a rule is a function from grid to grid.

use stratagem_sdk::Grid;

pub type Rule = fn(&Grid) -> Grid;

/// Every rule with its name. Of two that explain a task, the earlier one answers first.
pub const RULES: &[(&str, Rule)] = &[
    ("left as it is", Grid::clone),
    ("mirrored", mirrored),
    ("upside down", upside_down),
];

/// Each row from its end to its beginning.
pub fn mirrored(grid: &Grid) -> Grid {
    let mut output = grid.clone();
    for row in output.cells.chunks_mut(grid.width as usize) {
        row.reverse();
    }
    output
}

/// The last row first. `cells` holds one row after the other, `width` cells each.
pub fn upside_down(grid: &Grid) -> Grid {
    let rows = grid.cells.chunks(grid.width as usize);
    Grid {
        width: grid.width,
        height: grid.height,
        cells: rows.rev().flatten().copied().collect(),
    }
}
