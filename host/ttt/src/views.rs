//! Grids turned and mirrored.

use stratagem_domain::Grid;

/// The symmetries of a square.
pub const VIEWS: usize = 8;

/// A grid in one of the eight views; view 0 is the grid itself.
pub fn seen(grid: &Grid, view: usize) -> Grid {
    let (width, height) = (grid.width(), grid.height());
    let (is_turned, is_mirrored, is_upside_down) = (view & 1 > 0, view & 2 > 0, view & 4 > 0);
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

/// The view that undoes a view.
pub fn undoing(view: usize) -> usize {
    // Turned, mirroring swaps rows and columns.
    if view & 1 == 0 { view } else { 1 | (view & 2) << 1 | (view & 4) >> 1 }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_view_is_another_and_is_undone() {
        let grid = Grid::from_rows(&[[1, 2, 3], [4, 5, 6]]).unwrap();
        let views: HashSet<Grid> = (0..VIEWS).map(|view| seen(&grid, view)).collect();
        assert_eq!(views.len(), VIEWS);
        for view in 0..VIEWS {
            assert_eq!(seen(&seen(&grid, view), undoing(view)), grid, "view {view}");
        }
    }
}
