//! Tests along straight lines: rows, columns and diagonals.

use super::Demo;
use super::board::{Board, Turn};
use super::hints::{is_drawing, is_edit};

/// Half of the eight directions; the others are their opposites.
const AXES: [(isize, isize); 4] = [(0, 1), (1, 0), (1, 1), (1, -1)];

/// True where rows, or columns, keep what is off the background in its order, and all of it goes the same way.
pub(super) fn gravity(demos: &[Demo]) -> bool {
    is_edit(demos)
        && [Turn::SAME, Turn::LEFT_RIGHT, Turn::DIAGONAL, Turn::ANTIDIAGONAL].iter().any(|&turn| {
            demos
                .iter()
                .all(|demo| slides_left(&demo.input.turned(turn), &demo.output.turned(turn), demo.ground))
        })
}

fn slides_left(before: &Board, after: &Board, ground: u8) -> bool {
    (0..before.height).all(|row| {
        let line = |board: &Board| -> Vec<(usize, u8)> {
            let cells = board.cells[row * board.width..][..board.width].iter().copied().enumerate();
            cells.filter(|&(_, cell)| cell != ground).collect()
        };
        let (before, after) = (line(before), line(after));
        before.len() == after.len()
            && before.iter().zip(&after).all(|((from, colour), (to, same))| colour == same && to <= from)
    })
}

/// True where each cell that is drawn lies between two cells of one colour that see one another.
pub(super) fn connect(demos: &[Demo]) -> bool {
    is_drawing(demos)
        && demos.iter().all(|demo| {
            demo.changes().all(|(at, _, _)| {
                AXES.iter().any(|&(down, across)| {
                    let ahead = seen(demo, at, (down, across));
                    ahead.is_some() && ahead == seen(demo, at, (-down, -across))
                })
            })
        })
}

/// The first colour of the input that is off the background, from a cell on.
fn seen(demo: &Demo, at: usize, (down, across): (isize, isize)) -> Option<u8> {
    let (mut row, mut column) = ((at / demo.input.width) as isize, (at % demo.input.width) as isize);
    loop {
        (row, column) = (row + down, column + across);
        match demo.input.get(row, column) {
            Some(cell) if cell == demo.ground => {}
            end => return end,
        }
    }
}

/// True where each cell that is drawn is in a straight run of three or more of its colour, and no square is filled.
pub(super) fn draw(demos: &[Demo]) -> bool {
    is_drawing(demos)
        && demos.iter().all(|demo| {
            let mut is_drawn = vec![false; demo.input.cells.len()];
            for (at, ..) in demo.changes() {
                is_drawn[at] = true;
            }
            demo.changes().all(|(at, _, colour)| {
                AXES.iter().any(|&axis| run(&demo.output, at, colour, axis) >= 3)
                    && !fills_square(&demo.output, &is_drawn, at, colour)
            })
        })
}

fn run(board: &Board, at: usize, colour: u8, (down, across): (isize, isize)) -> usize {
    let (row, column) = ((at / board.width) as isize, (at % board.width) as isize);
    let side = |sign: isize| {
        let far = (1..).take_while(|&step| {
            board.get(row + sign * step * down, column + sign * step * across) == Some(colour)
        });
        far.count()
    };
    1 + side(1) + side(-1)
}

/// True where the cell and its right, lower and lower right neighbours were all drawn in one colour.
fn fills_square(board: &Board, is_drawn: &[bool], at: usize, colour: u8) -> bool {
    let (row, column) = (at / board.width, at % board.width);
    row + 1 < board.height
        && column + 1 < board.width
        && [at + 1, at + board.width, at + board.width + 1]
            .iter()
            .all(|&near| is_drawn[near] && board.cells[near] == colour)
}
