//! A grid that is taken apart: cut, turned, counted.

use crate::Grid;

/// *Shape*: `height` rows × `width` columns, row-major.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Board {
    pub width: usize,
    pub height: usize,
    pub cells: Vec<u8>,
}

/// One of the eight ways in which a square can lie: transposed or not, then rows and columns reversed or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn(u8);

impl Turn {
    pub const SAME: Self = Self(0);
    pub const LEFT_RIGHT: Self = Self(1);
    pub const TOP_BOTTOM: Self = Self(2);
    pub const HALF: Self = Self(3);
    pub const DIAGONAL: Self = Self(4);
    pub const QUARTERS: [Self; 2] = [Self(5), Self(6)];
    pub const ANTIDIAGONAL: Self = Self(7);
    pub const MIRRORS: [Self; 4] = [Self::LEFT_RIGHT, Self::TOP_BOTTOM, Self::DIAGONAL, Self::ANTIDIAGONAL];
    pub const ROTATIONS: [Self; 3] = [Self::HALF, Self(5), Self(6)];
    pub const ALL: [Self; 8] = [
        Self::SAME,
        Self::LEFT_RIGHT,
        Self::TOP_BOTTOM,
        Self::HALF,
        Self::DIAGONAL,
        Self(5),
        Self(6),
        Self::ANTIDIAGONAL,
    ];

    fn is_transposed(self) -> bool {
        self.0 & 4 != 0
    }
}

impl Board {
    pub fn of(grid: &Grid) -> Self {
        Self { width: grid.width(), height: grid.height(), cells: grid.cells().to_vec() }
    }

    pub fn at(&self, row: usize, column: usize) -> u8 {
        self.cells[row * self.width + column]
    }

    /// The cell at a place that may lie outside.
    pub fn get(&self, row: isize, column: isize) -> Option<u8> {
        let row = usize::try_from(row).ok().filter(|&row| row < self.height)?;
        let column = usize::try_from(column).ok().filter(|&column| column < self.width)?;
        Some(self.at(row, column))
    }

    pub fn is_like(&self, other: &Self) -> bool {
        (self.width, self.height) == (other.width, other.height)
    }

    pub fn is_one_colour(&self) -> bool {
        self.cells.iter().all(|&cell| cell == self.cells[0])
    }

    pub fn counts(&self) -> [usize; 10] {
        let mut counts = [0; 10];
        for &cell in &self.cells {
            counts[usize::from(cell)] += 1;
        }
        counts
    }

    /// The colour of most cells; ties as in [`super::common_background`].
    pub fn ground(&self) -> u8 {
        let counts = self.counts();
        let weight = |colour: u8| {
            let first = self.cells.iter().position(|&cell| cell == colour).unwrap_or(usize::MAX);
            (counts[usize::from(colour)], self.spread(colour), std::cmp::Reverse(first))
        };
        (0..10).max_by_key(|&colour| weight(colour)).unwrap_or(0)
    }

    /// How far a colour's cells lie from the middle: the same however the grid is turned.
    pub fn spread(&self, colour: u8) -> usize {
        let far = |place: usize, side: usize| (2 * place + 1).abs_diff(side).pow(2);
        let cells = self.cells.iter().enumerate().filter(|&(_, &cell)| cell == colour);
        cells.map(|(at, _)| far(at / self.width, self.height) + far(at % self.width, self.width)).sum()
    }

    pub fn turned(&self, turn: Turn) -> Self {
        let (width, height) =
            if turn.is_transposed() { (self.height, self.width) } else { (self.width, self.height) };
        let mut cells = Vec::with_capacity(self.cells.len());
        for row in 0..height {
            for column in 0..width {
                let row = if turn.0 & 2 == 0 { row } else { height - 1 - row };
                let column = if turn.0 & 1 == 0 { column } else { width - 1 - column };
                let (row, column) = if turn.is_transposed() { (column, row) } else { (row, column) };
                cells.push(self.at(row, column));
            }
        }
        Self { width, height, cells }
    }

    pub fn is_same_turned(&self, turn: Turn) -> bool {
        (!turn.is_transposed() || self.width == self.height) && self.turned(turn) == *self
    }

    /// The rectangle of these rows and columns.
    pub fn part(&self, (top, left): (usize, usize), (height, width): (usize, usize)) -> Self {
        let rows = (top..top + height).map(|row| row * self.width + left);
        let cells = rows.flat_map(|start| self.cells[start..start + width].iter().copied()).collect();
        Self { width, height, cells }
    }

    /// True where `other` is at that place.
    pub fn has_at(&self, other: &Self, (top, left): (usize, usize)) -> bool {
        top + other.height <= self.height
            && left + other.width <= self.width
            && (0..other.height).all(|row| {
                let start = (top + row) * self.width + left;
                self.cells[start..start + other.width] == other.cells[row * other.width..][..other.width]
            })
    }

    /// True where `other` is somewhere.
    pub fn contains(&self, other: &Self) -> bool {
        let fits = other.height <= self.height && other.width <= self.width;
        fits && (0..=self.height - other.height)
            .any(|top| (0..=self.width - other.width).any(|left| self.has_at(other, (top, left))))
    }

    /// Every cell as a block of `rows` × `columns` cells.
    pub fn scaled(&self, rows: usize, columns: usize) -> Self {
        let (height, width) = (self.height * rows, self.width * columns);
        let cells = (0..height).flat_map(|row| (0..width).map(move |column| (row, column)));
        let cells = cells.map(|(row, column)| self.at(row / rows, column / columns)).collect();
        Self { width, height, cells }
    }
}
