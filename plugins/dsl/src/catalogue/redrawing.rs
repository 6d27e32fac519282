//! Combinators that redraw a grid: cell by cell, line by line, in a part, all round.

use super::entry::{Entry, lazy};
use crate::drawing;
use crate::expression::Type::{self, Colour, Function, Grid, Position, Size};
use crate::expression::{Expression, Machine, Scope};
use crate::geometry::{self, Rigid};
use crate::grid;
use crate::lists::{self, Join, Split};
use crate::value::Value;

const REDRAW: Type = Function(&[Grid], &Grid);

pub(super) const ENTRIES: &[Entry] = &[
    lazy(
        "map-cells",
        &[("grid", Grid), ("colour", Function(&[Colour, Position], &Colour))],
        Grid,
        "{grid} with each cell replaced by {colour}, the item being its colour and the other its place",
        |m, e, s| {
            let g = m.value(&e[0], s)?;
            redraw(g.grid()?, |x, y, c| m.apply_both(&e[1], &c.into(), &drawing::place(x, y).into()))
        },
    )
    .shows("(map-cells input (if-then-else (is-even (x-of other)) it #5))", "1234", "1535"),
    lazy(
        "map-colours",
        &[("grid", Grid), ("colour", Function(&[Colour], &Colour))],
        Grid,
        "{grid} with each colour replaced by {colour}",
        |m, e, s| {
            let g = m.value(&e[0], s)?;
            let mut table = [None; 10];
            redraw(g.grid()?, |_, _, c| {
                if table[c as usize].is_none() {
                    table[c as usize] = Some(m.apply(&e[1], &c.into(), s)).and_then(colour);
                }
                table[c as usize].map(Value::Colour)
            })
        },
    )
    .shows("(map-colours input (if-then-else (is-black it) #1 #0))", "120", "001"),
    lazy(
        "build",
        &[("size", Size), ("colour", Function(&[Position], &Colour))],
        Grid,
        "a grid of {size} cells, each of them {colour}, the item being its place",
        |m, e, s| {
            let Value::Size(size) = m.value(&e[0], s)? else { return None };
            redraw(&grid::Grid::filled(size, 0)?, |x, y, _| m.apply(&e[1], &drawing::place(x, y).into(), s))
        },
    )
    .shows("(build (size 3 1) (if-then-else (is-even (x-of it)) #1 #2))", "0", "121"),
    lazy(
        "map-rows",
        &[("grid", Grid), ("change", REDRAW)],
        Grid,
        "{grid} with each row replaced by {change}",
        |m, e, s| lines(m, e, s, Split::Rows, Join::Below),
    )
    .shows("(map-rows input (if-then-else (is-plain it) it (rigid flip-x it)))", "12/33", "21/33"),
    lazy(
        "map-columns",
        &[("grid", Grid), ("change", REDRAW)],
        Grid,
        "{grid} with each column replaced by {change}",
        |m, e, s| lines(m, e, s, Split::Columns, Join::Beside),
    )
    .shows("(map-columns input (gravity down it))", "10/02", "00/12"),
    lazy(
        "on-box",
        &[("grid", Grid), ("corner", Position), ("size", Size), ("change", REDRAW)],
        Grid,
        "{grid} with its part of {size} cells at {corner} replaced by {change}, black left out",
        |m, e, s| {
            let (g, corner, size) = (m.value(&e[0], s)?, m.value(&e[1], s)?, m.value(&e[2], s)?);
            let (g, Value::Position(corner), Value::Size(size)) = (g.grid()?, corner, size) else {
                return None;
            };
            let (x, y) = corner.on(g.size())?;
            let part = m.apply(&e[3], &g.crop(x, y, size)?.into(), s)?;
            let bare = g.redraw(|i, j| {
                let inside = i >= x && j >= y && i < x + size.width && j < y + size.height;
                if inside { 0 } else { g.at(i, j) }
            });
            Some(drawing::stamp(&bare, corner, part.grid()?).into())
        },
    )
    .shows("(on-box input (position 1 0) (size 2 1) (rigid flip-x it))", "1234", "1324"),
    lazy(
        "in-all-turns",
        &[("grid", Grid), ("change", REDRAW)],
        Grid,
        "{grid} redrawn four times by {change}, with a quarter turn to the right after each",
        |m, e, s| {
            let start = m.value(&e[0], s)?;
            (0..4).try_fold(start, |value, _| {
                let value = m.apply(&e[1], &value, s)?;
                value.grid().map(|g| geometry::rigid(g, Rigid::Rotate90).into())
            })
        },
    )
    .shows("(in-all-turns input (paint-at it (position 0 0) #5))", "12/34", "55/55"),
];

fn colour(value: Option<Value>) -> Option<u8> {
    match value? {
        Value::Colour(c) => Some(c),
        _ => None,
    }
}

/// Computes each cell anew; none where one comes to nothing.
fn redraw(g: &grid::Grid, mut cell: impl FnMut(usize, usize, u8) -> Option<Value>) -> Option<Value> {
    let mut out = g.clone();
    for y in 0..g.height() {
        for x in 0..g.width() {
            out.set(x, y, colour(cell(x, y, g.at(x, y)))?);
        }
    }
    Some(out.into())
}

/// Takes a grid apart into lines, changes each and puts them together.
fn lines(m: &mut Machine<'_>, e: &[Expression], s: Scope<'_>, split: Split, join: Join) -> Option<Value> {
    let g = m.value(&e[0], s)?;
    let lines = lists::split(g.grid()?, split)?;
    let changed = lines.into_iter().map(|line| m.apply(&e[1], &line.into(), s));
    let mut grids = Vec::new();
    for value in changed {
        grids.push(value?.grid()?.clone());
    }
    if grids.len() == 1 { grids.pop().map(Value::One) } else { lists::join(&grids, join).map(Value::One) }
}
