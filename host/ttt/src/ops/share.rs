//! What tensors tell one another: those of fewer axes are repeated along the missing ones, those of more are averaged over
//! them, axis by axis.

use crate::model::multi::{Axes, Axis, Extent, TENSORS};
use crate::ops::multi::Multi;
use crate::ops::tape::{NONE, Span, Tape, bits, chunks, row};
use crate::puzzle::Puzzle;

row!(Row {
    large,
    small,
    along,
    inner,
    channels,
    length,
    fewer,
    weights,
    weight,
    height,
    width,
    by_example,
    by_row,
    rows,
    by_column,
    columns,
});

/// Keeps a mean over nothing finite.
const LEAST: f32 = 1e-4;
/// In the order in which means are taken.
const ORDER: [Axis; 5] = [Axis::Column, Axis::Row, Axis::Direction, Axis::Colour, Axis::Example];

/// How much each place of the canvas counts in a mean over rows, and over columns: examples × rows × columns each, one after
/// the other.
#[derive(Clone, Copy, Debug)]
pub struct Masks {
    /// None where all places count alike.
    pub span: Option<Span>,
}

impl Masks {
    /// Lays them out; [`numbers`](Self::numbers) go there.
    pub fn new(tape: &mut Tape, puzzle: &Puzzle) -> Self {
        let [examples, _, height, width, _] = puzzle.extent.0;
        Self { span: puzzle.is_masked.then(|| tape.take(2 * examples * height * width)) }
    }

    pub fn numbers(puzzle: &Puzzle) -> Vec<f32> {
        let [examples, _, height, width, _] = puzzle.extent.0;
        let inside = |example, row, column| f32::from(u8::from(puzzle.is_inside(example, row, column)));
        let places =
            (0..examples * height * width).map(|i| (i / width / height, i / width % height, i % width));
        let by_row = places.clone().map(|(example, row, column)| {
            inside(example, row, column)
                / (0..height).fold(LEAST, |sum, row| sum + inside(example, row, column))
        });
        let by_column = places.map(|(example, row, column)| {
            inside(example, row, column)
                / (0..width).fold(LEAST, |sum, column| sum + inside(example, row, column))
        });
        by_row.chain(by_column).collect()
    }
}

/// What a mean counts, or 1 for a sum.
#[derive(Clone, Copy)]
enum Counts {
    Once,
    AsMean(Masks),
}

/// The steps along one axis, each from a tensor to the one without it, or the other way.
fn steps(extent: &Extent, numbers: &Multi<'_>, axis: Axis, counts: Counts, rows: &mut Vec<Row>) {
    let [examples, _, height, width, _] = extent.0.map(|length| length as u64);
    for large in 0..TENSORS {
        let axes = Axes::SENSIBLE[large];
        let Some(small) = axes.without(axis).index().filter(|_| axes.has(axis)) else { continue };
        assert_eq!(
            numbers.channels(large),
            numbers.channels(small),
            "tensors that share have the same channels"
        );
        let (_, along, inner) = extent.around(axes, axis);
        let after = |axis| if axes.has(axis) { extent.around(axes, axis).2 as u64 } else { 1 };
        let (weights, weight) = match counts {
            Counts::Once => (NONE, 1.0),
            Counts::AsMean(Masks { span: Some(span) }) if axis == Axis::Row => (span.at, 0.0),
            Counts::AsMean(Masks { span: Some(span) }) if axis == Axis::Column => {
                (span.at + examples * height * width, 0.0)
            }
            Counts::AsMean(_) => (NONE, 1.0 / along as f32),
        };
        rows.push(Row {
            large: numbers.tensor(large).at,
            small: numbers.tensor(small).at,
            along: along as u64,
            inner: inner as u64,
            channels: numbers.channels(large),
            length: numbers.tensor(large).length,
            fewer: numbers.tensor(small).length,
            weights,
            weight: bits(weight),
            height,
            width,
            by_example: after(Axis::Example),
            by_row: after(Axis::Row),
            rows: if axes.has(Axis::Row) { height } else { 1 },
            by_column: after(Axis::Column),
            columns: if axes.has(Axis::Column) { width } else { 1 },
        });
    }
}

fn each_axis(
    tape: &mut Tape,
    of: &[(Extent, Multi<'_>, Counts)],
    order: impl Iterator<Item = Axis>,
    kernel: &'static str,
) {
    for axis in order {
        let mut rows = Vec::new();
        of.iter().for_each(|(extent, numbers, counts)| steps(extent, numbers, axis, *counts, &mut rows));
        tape.launch(kernel, &rows, |row| chunks(if kernel == "share_up" { row.length } else { row.fewer }));
    }
}

fn counted<'a>(of: &[(Extent, Multi<'a>, Masks)]) -> Vec<(Extent, Multi<'a>, Counts)> {
    of.iter().map(|&(extent, numbers, masks)| (extent, numbers, Counts::AsMean(masks))).collect()
}

fn once<'a>(of: &[(Extent, Multi<'a>)]) -> Vec<(Extent, Multi<'a>, Counts)> {
    of.iter().map(|&(extent, numbers)| (extent, numbers, Counts::Once)).collect()
}

/// Adds to each tensor all those of fewer axes.
pub fn spread(tape: &mut Tape, of: &[(Extent, Multi<'_>)]) {
    each_axis(tape, &once(of), ORDER.into_iter().rev(), "share_up");
}

/// Makes slopes by what was spread slopes by what was there before.
pub fn spread_back(tape: &mut Tape, of: &[(Extent, Multi<'_>)]) {
    each_axis(tape, &once(of), ORDER.into_iter(), "share_down");
}

/// Adds to each tensor the means of all those of more axes.
pub fn gather(tape: &mut Tape, of: &[(Extent, Multi<'_>, Masks)]) {
    each_axis(tape, &counted(of), ORDER.into_iter(), "share_down");
}

pub fn gather_back(tape: &mut Tape, of: &[(Extent, Multi<'_>, Masks)]) {
    each_axis(tape, &counted(of), ORDER.into_iter().rev(), "share_up");
}
