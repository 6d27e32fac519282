//! How far what is drawn is from the grids that are shown, wherever on the canvas they lie.

use crate::model::compression::{COLOURS_HEAD, COLUMNS_HEAD, ROWS_HEAD};
use crate::model::multi::Axes;
use crate::ops::multi::Multi;
use crate::ops::plain::{total, zero};
use crate::ops::tape::{Span, Tape, row};
use crate::puzzle::Puzzle;

row!(Row {
    colours_head,
    rows_head,
    columns_head,
    colours_slope,
    rows_slope,
    columns_slope,
    cells,
    tall,
    wide,
    height,
    width,
    reach_rows,
    reach_columns,
    colours,
    is_known,
    settings,
    shares,
    likely,
    loss,
});

/// Updates until sides that are guessed count in full.
const PATIENCE: f64 = 100.0;
const LONGEST_SIDE: u64 = 30;
const MOST_COLOURS: u64 = 10;

/// The heads of one task, and where the loss goes.
#[derive(Clone, Copy)]
pub struct Picture<'a> {
    pub puzzle: &'a Puzzle,
    pub heads: Multi<'a>,
    pub slopes: Span,
    /// [`settings`] of the update.
    pub settings: Span,
    pub missing: Span,
}

/// What an update does differently from others: how many came before it, how far guessed sides are trusted, and how much
/// the likeliest place counts more than others.
pub fn settings(update: usize) -> [f32; 3] {
    let early = (1.0 - update as f64 / PATIENCE).max(0.0);
    [update as f32, 0.01f64.powf(early) as f32, 0.1f64.powf(early) as f32]
}

/// The loss in drawing, in nats, and its slope by the heads, ten times.
pub fn loss(tape: &mut Tape, of: &[Picture<'_>]) {
    let (mut rows, mut losses, mut taken) = (Vec::new(), Vec::new(), Vec::new());
    for picture in of {
        let Picture { puzzle, heads, slopes, settings, missing } = picture;
        let slopes = heads.at(*slopes);
        let [_, colours, height, width, _] = puzzle.extent.0.map(|length| length as u64);
        assert!(colours < MOST_COLOURS && height.max(width) <= LONGEST_SIDE, "a grid's colours and sides");
        let begin = |of: &Multi<'_>, axes: Axes, each: u64, example: usize, role: usize| {
            let head = axes.index().map_or_else(|| unreachable!("heads are sensible"), |t| of.tensor(t));
            assert_eq!(head.length, each * 2 * puzzle.extent.0[0] as u64, "two roles a place");
            head.at + example as u64 * each * 2 + role as u64
        };
        let canvas = height * width;
        let shown: Vec<(usize, usize, &Vec<u8>)> = (puzzle.cells.iter().enumerate())
            .flat_map(|(example, both)| {
                both.iter().enumerate().map(move |(role, cells)| (example, role, cells))
            })
            .filter_map(|(example, role, cells)| Some((example, role, cells.as_ref()?)))
            .collect();
        let loss = tape.take(shown.len());
        for (i, (example, role, cells)) in shown.into_iter().enumerate() {
            let [tall, wide] = puzzle.sides[example][role].map(|side| side as u64);
            assert!(
                cells.len() as u64 == tall * wide && tall <= height && wide <= width,
                "a grid on its canvas"
            );
            assert!(cells.iter().all(|&cell| u64::from(cell) <= colours), "colours of the palette");
            let (shares, likely) = (tape.take((canvas * (colours + 1)) as usize), tape.take(canvas as usize));
            taken.extend([shares, likely]);
            let [head, slope] = [heads, &slopes].map(|of| {
                [(COLOURS_HEAD, colours * canvas), (ROWS_HEAD, height), (COLUMNS_HEAD, width)]
                    .map(|(axes, each)| begin(of, axes, each, example, role))
            });
            rows.push(Row {
                colours_head: head[0],
                rows_head: head[1],
                columns_head: head[2],
                colours_slope: slope[0],
                rows_slope: slope[1],
                columns_slope: slope[2],
                cells: tape.list(cells.iter().map(|&cell| u64::from(cell))),
                tall,
                wide,
                height,
                width,
                reach_rows: puzzle.reach(example, 0) as u64,
                reach_columns: puzzle.reach(example, 1) as u64,
                colours,
                is_known: u64::from(puzzle.sides_known[role]),
                settings: settings.at,
                shares: shares.at,
                likely: likely.at,
                loss: loss.part(i, 1).at,
            });
        }
        losses.push((loss, *missing));
        taken.push(loss);
    }
    zero(tape, of.iter().map(|picture| picture.slopes));
    tape.launch("picture", &rows, |_| 1);
    total(tape, losses);
    taken.into_iter().for_each(|span| tape.give_back(span));
}
