//! Objects: cells off the background that touch.

use super::board::Board;

/// Which cells belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Touch {
    /// One colour, by their sides.
    Four,
    /// One colour, by sides or corners.
    Eight,
    /// Any colours, by sides or corners.
    AnyColour,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Object {
    /// Of its first cell.
    pub colour: u8,
    pub cells: usize,
    pub top: usize,
    pub left: usize,
    pub height: usize,
    pub width: usize,
}

impl Object {
    /// True where it fills its box.
    pub fn is_rectangle(&self) -> bool {
        self.cells == self.height * self.width
    }
}

const NEIGHBOURS: [(isize, isize); 8] =
    [(0, 1), (1, 0), (0, -1), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1)];

/// The objects of a board, in reading order of their first cells.
pub(super) fn of(board: &Board, ground: u8, touch: Touch) -> Vec<Object> {
    let mut is_seen = vec![false; board.cells.len()];
    let mut found = Vec::new();
    for start in 0..board.cells.len() {
        if board.cells[start] != ground && !is_seen[start] {
            found.push(flood(board, ground, touch, start, &mut is_seen));
        }
    }
    found
}

fn flood(board: &Board, ground: u8, touch: Touch, start: usize, is_seen: &mut [bool]) -> Object {
    let colour = board.cells[start];
    let reach = if touch == Touch::Four { 4 } else { 8 };
    let (mut top, mut left, mut bottom, mut right) = (usize::MAX, usize::MAX, 0, 0);
    let (mut open, mut cells) = (vec![start], 0);
    is_seen[start] = true;
    while let Some(at) = open.pop() {
        let (row, column) = (at / board.width, at % board.width);
        (top, left, bottom, right) = (top.min(row), left.min(column), bottom.max(row), right.max(column));
        cells += 1;
        for (down, across) in &NEIGHBOURS[..reach] {
            let (row, column) = (row as isize + down, column as isize + across);
            let belongs = match board.get(row, column) {
                Some(cell) if touch == Touch::AnyColour => cell != ground,
                cell => cell == Some(colour),
            };
            if belongs {
                let next = row as usize * board.width + column as usize;
                if !std::mem::replace(&mut is_seen[next], true) {
                    open.push(next);
                }
            }
        }
    }
    Object { colour, cells, top, left, height: bottom - top + 1, width: right - left + 1 }
}

/// True for each cell of the background that no way over background, side by side, joins to the border.
pub(super) fn enclosed(board: &Board, ground: u8) -> Vec<bool> {
    let is_ground = |at: usize| board.cells[at] == ground;
    let mut is_enclosed: Vec<bool> = (0..board.cells.len()).map(is_ground).collect();
    let on_border = |at: &usize| {
        let (row, column) = (at / board.width, at % board.width);
        row == 0 || column == 0 || row + 1 == board.height || column + 1 == board.width
    };
    let mut open: Vec<usize> = (0..board.cells.len()).filter(on_border).filter(|&at| is_ground(at)).collect();
    for &at in &open {
        is_enclosed[at] = false;
    }
    while let Some(at) = open.pop() {
        for (down, across) in &NEIGHBOURS[..4] {
            let (row, column) = ((at / board.width) as isize + down, (at % board.width) as isize + across);
            if board.get(row, column) == Some(ground) {
                let next = row as usize * board.width + column as usize;
                if std::mem::replace(&mut is_enclosed[next], false) {
                    open.push(next);
                }
            }
        }
    }
    is_enclosed
}
