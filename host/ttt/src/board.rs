//! Grids as one list of cells.

use stratagem_domain::Grid;

/// Cells that a cell sees: itself and the eight around it, row by row.
pub const SIGHT: usize = 9;

/// The cells of several grids one after another, row by row: an operation over them is one, however many grids there are.
#[derive(Clone, Debug, Default)]
pub struct Board {
    /// For each cell the cells that it sees; none beyond its grid's edge.
    pub seen: Vec<[Option<u32>; SIGHT]>,
    /// 0 to 9, one a cell.
    pub colours: Vec<u8>,
}

impl Board {
    pub fn of<'a>(grids: impl IntoIterator<Item = &'a Grid>) -> Self {
        let mut board = Self::default();
        for grid in grids {
            let start = board.colours.len();
            let (width, height) = (grid.width() as isize, grid.height() as isize);
            let at = |x: isize, y: isize| {
                let inside = (0..width).contains(&x) && (0..height).contains(&y);
                inside.then(|| (start as isize + y * width + x) as u32)
            };
            let around = |x: isize, y: isize| {
                std::array::from_fn(|i| at(x + i as isize % 3 - 1, y + i as isize / 3 - 1))
            };
            board
                .seen
                .extend((0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| around(x, y)));
            board.colours.extend_from_slice(grid.cells());
        }
        board
    }

    /// Cells.
    pub fn len(&self) -> usize {
        self.colours.len()
    }

    pub fn is_empty(&self) -> bool {
        self.colours.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_see_their_own_grid_alone() {
        let grid = |width, height, cells: &[u8]| Grid::new(width, height, cells).unwrap();
        let board = Board::of(&[grid(2, 1, &[1, 2]), grid(2, 2, &[3, 4, 5, 6])]);
        assert_eq!(board.colours, [1, 2, 3, 4, 5, 6]);
        let seen = |cell: usize| board.seen[cell].iter().flatten().copied().collect::<Vec<u32>>();
        assert_eq!((seen(0), seen(2), seen(5)), (vec![0, 1], vec![2, 3, 4, 5], vec![2, 3, 4, 5]));
        assert_eq!(board.seen[2][4], Some(2), "itself in the middle");
        assert_eq!(board.seen[5][0], Some(2), "up and to the left first");
    }
}
