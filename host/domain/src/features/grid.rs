//! What one grid is like.

use serde::{Deserialize, Serialize};

use super::board::{Board, Turn};
use super::objects::{self, Touch};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GridFeatures {
    pub width: usize,
    pub height: usize,
    /// Every colour that is there, ascending.
    pub colours: Vec<u8>,
    /// The shares of the three colours of most cells, largest first; 0 where there are fewer.
    pub shares: [f64; 3],
    pub background: u8,
    pub background_share: f64,
    pub objects: ObjectCounts,
    pub symmetry: Symmetry,
    pub period: Period,
}

/// How many objects there are off the background, and of what kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ObjectCounts {
    /// Of one colour, joined by sides.
    pub four: usize,
    /// Of one colour, joined by sides or corners.
    pub eight: usize,
    /// Of any colours, joined by sides or corners.
    pub any_colour: usize,
    /// Of `eight`, those of one cell.
    pub single_cells: usize,
    /// Of `eight`, those of more than one cell that fill their box.
    pub rectangles: usize,
    /// Cells of the largest of `eight`.
    pub largest: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools, reason = "each is a symmetry of its own, and any may hold")]
pub struct Symmetry {
    /// The left half mirrors the right one.
    pub left_right: bool,
    pub top_bottom: bool,
    /// The same when transposed; of squares alone, as the next and the last.
    pub diagonal: bool,
    pub antidiagonal: bool,
    pub half_turn: bool,
    pub quarter_turn: bool,
}

/// After how many rows and columns a grid repeats, where it does at least twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    pub rows: Option<usize>,
    pub columns: Option<usize>,
}

impl GridFeatures {
    pub(super) fn of(board: &Board, background: u8) -> Self {
        let counts = board.counts();
        let share = |count| share(count, board.cells.len());
        let mut falling = counts;
        falling.sort_unstable_by(|a, b| b.cmp(a));
        Self {
            width: board.width,
            height: board.height,
            colours: (0..10).filter(|&colour| counts[usize::from(colour)] > 0).collect(),
            shares: [share(falling[0]), share(falling[1]), share(falling[2])],
            background,
            background_share: share(counts[usize::from(background)]),
            objects: ObjectCounts::of(board, background),
            symmetry: Symmetry::of(board),
            period: Period::of(board),
        }
    }

    pub fn cells(&self) -> usize {
        self.width * self.height
    }
}

impl ObjectCounts {
    fn of(board: &Board, ground: u8) -> Self {
        let eight = objects::of(board, ground, Touch::Eight);
        Self {
            four: objects::of(board, ground, Touch::Four).len(),
            eight: eight.len(),
            any_colour: objects::of(board, ground, Touch::AnyColour).len(),
            single_cells: eight.iter().filter(|object| object.cells == 1).count(),
            rectangles: eight.iter().filter(|object| object.cells > 1 && object.is_rectangle()).count(),
            largest: eight.iter().map(|object| object.cells).max().unwrap_or(0),
        }
    }
}

impl Symmetry {
    pub(super) fn of(board: &Board) -> Self {
        let holds = |turn| board.is_same_turned(turn);
        Self {
            left_right: holds(Turn::LEFT_RIGHT),
            top_bottom: holds(Turn::TOP_BOTTOM),
            diagonal: holds(Turn::DIAGONAL),
            antidiagonal: holds(Turn::ANTIDIAGONAL),
            half_turn: holds(Turn::HALF),
            quarter_turn: holds(Turn::QUARTERS[0]),
        }
    }

    pub fn any(self) -> bool {
        self.each().contains(&true)
    }

    pub(super) fn each(self) -> [bool; 6] {
        [
            self.left_right,
            self.top_bottom,
            self.diagonal,
            self.antidiagonal,
            self.half_turn,
            self.quarter_turn,
        ]
    }
}

impl Period {
    pub(super) fn of(board: &Board) -> Self {
        let (width, height) = (board.width, board.height);
        let columns = |by: usize| {
            (0..height)
                .all(|row| (by..width).all(|column| board.at(row, column) == board.at(row, column - by)))
        };
        Self {
            rows: (1..=height / 2)
                .find(|by| board.cells[by * width..] == board.cells[..(height - by) * width]),
            columns: (1..=width / 2).find(|&by| columns(by)),
        }
    }

    pub fn any(self) -> bool {
        self.rows.is_some() || self.columns.is_some()
    }
}

/// A share to four places: enough for any grid, and the same again when read back from text.
pub(super) fn share(count: usize, of: usize) -> f64 {
    (count as f64 / of as f64 * 1e4).round() / 1e4
}
