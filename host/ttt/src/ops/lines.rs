//! What runs along the lines of a grid in all eight directions.

use crate::model::multi::{Axis, DIRECTIONS};
use crate::ops::multi::{Back, Pass};
use crate::ops::tape::{NONE, Span, Tape, chunks, row};
use crate::puzzle::Puzzle;

row!(Row { from, to, canvases, colours, height, width, inside, slope, from_slope, adds });

/// Channels that run.
const RUNNING: u64 = 4;

/// Whether each place of the canvas lies inside of an example's grids: examples × rows × columns.
pub fn inside(puzzle: &Puzzle) -> Vec<f32> {
    let [examples, _, height, width, _] = puzzle.extent.0;
    (0..examples * height * width)
        .map(|i| f32::from(u8::from(puzzle.is_inside(i / width / height, i / width % height, i % width))))
        .collect()
}

/// What a launch does on a line's thread, or on a place's.
#[derive(Clone, Copy)]
enum By {
    Line,
    Place,
}

impl By {
    fn blocks(self, row: &Row) -> u64 {
        let each = match self {
            Self::Line => row.height + row.width - 1,
            Self::Place => row.height * row.width,
        };
        chunks(row.canvases * each * DIRECTIONS as u64 * RUNNING)
    }
}

fn rows(pass: &Pass<'_>, inside: Span) -> Vec<Row> {
    let pass = pass.alike();
    let [examples, colours, height, width, _] = pass.extent.0.map(|length| length as u64);
    assert_eq!(inside.length, examples * height * width, "a number a place of each example");
    pass.tensors()
        .map(|(t, axes, _)| {
            let all = [Axis::Example, Axis::Row, Axis::Column, Axis::Direction];
            assert!(all.iter().all(|&axis| axes.has(axis)), "lines run on canvases, in directions");
            assert_eq!(pass.to.channels(t), RUNNING, "channels that run");
            let colours = if axes.has(Axis::Colour) { colours } else { 1 };
            Row {
                from: pass.from.tensor(t).at,
                to: pass.to.tensor(t).at,
                canvases: examples * colours,
                colours,
                height,
                width,
                inside: inside.at,
                slope: NONE,
                from_slope: NONE,
                adds: 0,
            }
        })
        .collect()
}

fn forth(tape: &mut Tape, of: &[(Pass<'_>, Span)], kernel: &'static str, by: By) {
    let rows: Vec<Row> = of.iter().flat_map(|(pass, inside)| rows(pass, *inside)).collect();
    tape.launch(kernel, &rows, |row| by.blocks(row));
}

fn back(tape: &mut Tape, of: &[(Back<'_>, Span)], kernel: &'static str, by: By) {
    let each = |(back, inside): &(Back<'_>, Span)| {
        let slopes =
            back.pass.tensors().map(|(t, ..)| (back.slope().tensor(t).at, back.before().tensor(t).at));
        let adds = u64::from(back.adds);
        let row = |(row, (slope, from_slope))| Row { slope, from_slope, adds, ..row };
        rows(&back.pass, *inside).into_iter().zip(slopes).map(row).collect::<Vec<Row>>()
    };
    let rows: Vec<Row> = of.iter().flat_map(each).collect();
    tape.launch(kernel, &rows, |row| by.blocks(row));
}

/// The highest number so far, as a share of the line's; `Span`s are where [`inside`] lies.
pub fn cummax(tape: &mut Tape, of: &[(Pass<'_>, Span)]) {
    forth(tape, of, "cummax_forth", By::Line);
}

pub fn cummax_back(tape: &mut Tape, of: &[(Back<'_>, Span)]) {
    back(tape, of, "cummax_back", By::Line);
}

/// The number before.
pub fn shift(tape: &mut Tape, of: &[(Pass<'_>, Span)]) {
    forth(tape, of, "shift_forth", By::Place);
}

pub fn shift_back(tape: &mut Tape, of: &[(Back<'_>, Span)]) {
    back(tape, of, "shift_back", By::Place);
}
