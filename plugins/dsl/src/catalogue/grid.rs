//! Drawing on grids, moving them and joining them.

use super::entry::{Arguments, Entry, op};
use crate::drawing;
use crate::expression::Type::{Colour, Grid, Number, Position, Size};
use crate::geometry::{self, Rigid};
use crate::grid::{self, MAX_WORKING_SIDE};
use crate::lists::{self, Join};
use crate::value::{self, Value};

pub(super) const ENTRIES: &[Entry] = &[
    op("blank", &[("size", Size), ("colour", Colour)], Grid, "a grid of {size} cells, all {colour}", |a| {
        Some(grid::Grid::filled(a.size(0)?, a.colour(1)?)?.into())
    })
    .shows("(blank (size 2 1) #3)", "1", "33"),
    op(
        "checkered",
        &[("size", Size), ("even", Colour), ("odd", Colour)],
        Grid,
        "a chessboard of {size} cells, {even} in the corner and {odd} beside it",
        |a| {
            let (even, odd) = (a.colour(1)?, a.colour(2)?);
            let cell = |x, y| if (x + y) % 2 == 0 { even } else { odd };
            Some(grid::Grid::build(a.size(0)?, cell)?.into())
        },
    )
    .shows("(checkered (size 3 2) #1 #2)", "0", "121/212"),
    op(
        "turn",
        &[("grid", Grid), ("times", Number)],
        Grid,
        "{grid} turned {times} quarters to the right",
        |a| {
            let g = a.grid(0)?;
            let turned = match a.number(1)?.rem_euclid(4) {
                0 => g.clone(),
                1 => geometry::rigid(g, Rigid::Rotate90),
                2 => geometry::rigid(g, Rigid::Rotate180),
                _ => geometry::rigid(g, Rigid::Rotate270),
            };
            Some(turned.into())
        },
    )
    .shows("(turn input 1)", "12/34", "31/42"),
    op(
        "shift-by",
        &[("grid", Grid), ("step", Position)],
        Grid,
        "{grid} with its cells shifted by {step} inside its box, black coming in",
        |a| shifted(a, false),
    )
    .costs(8)
    .shows("(shift-by input (position 1 1))", "12/34", "00/01"),
    op(
        "roll-by",
        &[("grid", Grid), ("step", Position)],
        Grid,
        "{grid} with its cells shifted by {step}, those that leave coming back on the other side",
        |a| shifted(a, true),
    )
    .shows("(roll-by input (position 2 0))", "123", "231"),
    op("move-to", &[("grid", Grid), ("place", Position)], Grid, "{grid} moved to {place}", |a| {
        let p = a.position(1)?;
        Some(a.grid(0)?.clone().moved_to(p.x, p.y).into())
    })
    .costs(8)
    .shows("(on-canvas (move-to input (position 1 0)) (size 3 1) #5)", "2", "525"),
    op("move-by", &[("grid", Grid), ("step", Position)], Grid, "{grid} moved by {step}", |a| {
        let g = a.grid(0)?;
        let p = value::Position::new(g.x.into(), g.y.into())?.plus(a.position(1)?)?;
        Some(g.clone().moved_to(p.x, p.y).into())
    })
    .costs(8)
    .shows("(on-canvas (move-by input right) (size 3 1) #0)", "2", "020"),
    op(
        "on-canvas",
        &[("grid", Grid), ("size", Size), ("colour", Colour)],
        Grid,
        "{grid} drawn at its place on {size} cells of {colour}",
        |a| {
            let mut out = grid::Grid::filled(a.size(1)?, a.colour(2)?)?;
            out.draw(a.grid(0)?);
            Some(out.into())
        },
    )
    .shows("(on-canvas (trim input) (size 3 1) #5)", "020", "525"),
    op(
        "crop-box",
        &[("grid", Grid), ("corner", Position), ("size", Size)],
        Grid,
        "the part of {grid} that is {size} large and begins at {corner}",
        |a| {
            let g = a.grid(0)?;
            let (x, y) = a.position(1)?.on(g.size())?;
            Some(g.crop(x, y, a.size(2)?)?.into())
        },
    )
    .costs(8)
    .shows("(crop-box input (position 1 0) (size 2 1))", "123/456", "23"),
    op(
        "crop-around",
        &[("grid", Grid), ("centre", Position), ("reach", Number)],
        Grid,
        "the part of {grid} within {reach} cells of {centre}, black beyond its edge",
        |a| {
            let (g, centre, reach) = (a.grid(0)?, a.position(1)?, a.count(2)?.min(MAX_WORKING_SIDE));
            let (x0, y0) = (centre.x as isize - reach as isize, centre.y as isize - reach as isize);
            let side = 2 * reach + 1;
            let cell = |x, y| g.at_or(x0 + x as isize, y0 + y as isize, 0);
            Some(grid::Grid::build(grid::Size::new(side, side), cell)?.into())
        },
    )
    .shows("(crop-around input (position 0 0) 1)", "12/34", "000/012/034"),
    op("row", &[("grid", Grid), ("y", Number)], Grid, "row {y} of {grid}", |a| {
        let g = a.grid(0)?;
        Some(g.crop(0, index(a.number(1)?, g.height())?, grid::Size::new(g.width(), 1))?.into())
    })
    .shows("(row input -1)", "12/34", "34"),
    op("column", &[("grid", Grid), ("x", Number)], Grid, "column {x} of {grid}", |a| {
        let g = a.grid(0)?;
        Some(g.crop(index(a.number(1)?, g.width())?, 0, grid::Size::new(1, g.height()))?.into())
    })
    .shows("(column input 1)", "12/34", "2/4"),
    op("without-row", &[("grid", Grid), ("y", Number)], Grid, "{grid} without row {y}", |a| {
        let g = a.grid(0)?;
        let gone = index(a.number(1)?, g.height())?;
        let size = grid::Size::new(g.width(), g.height() - 1);
        Some(grid::Grid::build(size, |x, y| g.at(x, y + usize::from(y >= gone)))?.into())
    })
    .shows("(without-row input 0)", "12/34", "34"),
    op("without-column", &[("grid", Grid), ("x", Number)], Grid, "{grid} without column {x}", |a| {
        let g = a.grid(0)?;
        let gone = index(a.number(1)?, g.width())?;
        let size = grid::Size::new(g.width() - 1, g.height());
        Some(grid::Grid::build(size, |x, y| g.at(x + usize::from(x >= gone), y))?.into())
    })
    .shows("(without-column input 0)", "12/34", "2/4"),
    op(
        "pad",
        &[("grid", Grid), ("width", Number), ("colour", Colour)],
        Grid,
        "{grid} with a border of {colour}, {width} cells wide",
        |a| {
            let (g, k, c) = (a.grid(0)?, a.count(1)?.min(MAX_WORKING_SIDE), a.colour(2)?);
            let size = grid::Size::new(g.width() + 2 * k, g.height() + 2 * k);
            let k = k as isize;
            let out = grid::Grid::build(size, |x, y| g.at_or(x as isize - k, y as isize - k, c))?;
            Some(out.moved_to(g.x.saturating_sub(k as i16), g.y.saturating_sub(k as i16)).into())
        },
    )
    .shows("(pad input 1 #5)", "12", "5555/5125/5555"),
    op(
        "scale-by",
        &[("grid", Grid), ("across", Number), ("down", Number)],
        Grid,
        "{grid} with each cell drawn as a block of {across} by {down}",
        |a| {
            let (g, kx, ky) = (a.grid(0)?, factor(a, 1)?, factor(a, 2)?);
            let size = grid::Size::new(g.width() * kx, g.height() * ky);
            Some(grid::Grid::build(size, |x, y| g.at(x / kx, y / ky))?.into())
        },
    )
    .shows("(scale-by input 1 2)", "12", "12/12"),
    op(
        "copies",
        &[("grid", Grid), ("across", Number), ("down", Number)],
        Grid,
        "{across} copies of {grid} across and {down} down",
        |a| Some(geometry::tile(a.grid(0)?, factor(a, 1)?, factor(a, 2)?, false)?.into()),
    )
    .shows("(copies input 2 (count-colours input))", "12", "1212/1212"),
    op("tile-to", &[("grid", Grid), ("size", Size)], Grid, "{grid} repeated to fill {size} cells", |a| {
        let g = a.grid(0)?;
        Some(grid::Grid::build(a.size(1)?, |x, y| g.at(x % g.width(), y % g.height()))?.into())
    })
    .shows("(tile-to input (size 3 2))", "12", "121/121"),
    op(
        "resize",
        &[("grid", Grid), ("size", Size)],
        Grid,
        "{grid} stretched or shrunk to {size} cells",
        |a| {
            let (g, size) = (a.grid(0)?, a.size(1)?);
            let cell = |x, y| g.at(x * g.width() / size.width, y * g.height() / size.height);
            Some(grid::Grid::build(size, cell)?.into())
        },
    )
    .shows("(resize input (size 2 2))", "1122/1122/3344/3344", "12/34"),
    op("beside", &[("left", Grid), ("right", Grid)], Grid, "{left} with {right} on its right", |a| {
        lists::join(&[a.grid(0)?.clone(), a.grid(1)?.clone()], Join::Beside).map(Value::One)
    })
    .costs(8)
    .shows("(beside input (rigid flip-x input))", "12", "1221"),
    op("below", &[("top", Grid), ("bottom", Grid)], Grid, "{top} with {bottom} below it", |a| {
        lists::join(&[a.grid(0)?.clone(), a.grid(1)?.clone()], Join::Below).map(Value::One)
    })
    .costs(8)
    .shows("(below input (rigid flip-x input))", "12", "12/21"),
    op(
        "overlay",
        &[("under", Grid), ("over", Grid)],
        Grid,
        "{under} with {over} drawn on it at its place",
        |a| {
            let mut out = a.grid(0)?.clone();
            out.draw(a.grid(1)?);
            Some(out.into())
        },
    )
    .costs(6)
    .shows("(overlay input (keep 3 (rigid flip-x input)))", "103", "303"),
    op(
        "product",
        &[("coarse", Grid), ("fine", Grid)],
        Grid,
        "{fine} drawn in place of each cell of {coarse} that is not black",
        |a| Some(geometry::outer_product(a.grid(0)?, a.grid(1)?)?.into()),
    )
    .shows("(product input (rigid flip-x input))", "12", "2121"),
    op(
        "panel-and",
        &[("one", Grid), ("other", Grid)],
        Grid,
        "the cells of {one} where {other} is drawn too",
        |a| cells(a, |c, d| if d == 0 { 0 } else { c }),
    )
    .costs(8)
    .shows("(panel-and (half left input) (half right input))", "11020220", "0100"),
    op(
        "panel-or",
        &[("one", Grid), ("other", Grid)],
        Grid,
        "the cells of {one}, and of {other} where it is black",
        |a| cells(a, |c, d| if c == 0 { d } else { c }),
    )
    .costs(8)
    .shows("(panel-or (half left input) (half right input))", "1002", "12"),
    op(
        "panel-xor",
        &[("one", Grid), ("other", Grid)],
        Grid,
        "the cells that only one of {one} and {other} has",
        |a| cells(a, |c, d| if (c == 0) == (d == 0) { 0 } else { c.max(d) }),
    )
    .shows("(panel-xor (half left input) (half right input))", "1120", "01"),
    op(
        "panel-minus",
        &[("one", Grid), ("other", Grid)],
        Grid,
        "the cells of {one} where {other} is black",
        |a| cells(a, |c, d| if d == 0 { c } else { 0 }),
    )
    .shows("(panel-minus (half left input) (half right input))", "1120", "01"),
    op(
        "panel-nor",
        &[("one", Grid), ("other", Grid), ("colour", Colour)],
        Grid,
        "{colour} where both {one} and {other} are black, black elsewhere",
        |a| {
            let colour = a.colour(2)?;
            cells(a, |c, d| if c == 0 && d == 0 { colour } else { 0 })
        },
    )
    .shows("(panel-nor (half left input) (half right input) #3)", "1000", "03"),
    op(
        "panel-same",
        &[("one", Grid), ("other", Grid)],
        Grid,
        "the cells where {one} and {other} agree",
        |a| cells(a, |c, d| if c == d { c } else { 0 }),
    )
    .shows("(panel-same (half left input) (half right input))", "1213", "10"),
    op(
        "panel-differ",
        &[("one", Grid), ("other", Grid), ("colour", Colour)],
        Grid,
        "{colour} where {one} and {other} differ, black elsewhere",
        |a| {
            let colour = a.colour(2)?;
            cells(a, |c, d| if c == d { 0 } else { colour })
        },
    )
    .shows("(panel-differ (half left input) (half right input) #4)", "1213", "04"),
    op(
        "sort-rows",
        &[("grid", Grid)],
        Grid,
        "{grid} with its rows in order of their drawn cells, fewest first",
        |a| Some(sorted_rows(a.grid(0)?).into()),
    )
    .shows("(sort-rows input)", "110/000/100", "000/100/110"),
    op(
        "sort-columns",
        &[("grid", Grid)],
        Grid,
        "{grid} with its columns in order of their drawn cells, fewest first",
        |a| {
            let turned = sorted_rows(&geometry::rigid(a.grid(0)?, Rigid::Transpose));
            Some(geometry::rigid(&turned, Rigid::Transpose).into())
        },
    )
    .shows("(sort-columns input)", "101/001", "011/001"),
];

/// An index that counts from the end where it is negative.
pub(super) fn index(i: i32, len: usize) -> Option<usize> {
    let i = if i < 0 { len as i64 + i64::from(i) } else { i64::from(i) };
    usize::try_from(i).ok().filter(|&i| i < len)
}

fn factor(a: &Arguments<'_>, i: usize) -> Option<usize> {
    a.count(i).filter(|k| (1..=MAX_WORKING_SIDE).contains(k))
}

fn cells(a: &Arguments<'_>, f: impl Fn(u8, u8) -> u8) -> Option<Value> {
    drawing::cell_by_cell(a.grid(0)?, a.grid(1)?, f).map(Value::One)
}

fn shifted(a: &Arguments<'_>, wrapping: bool) -> Option<Value> {
    let (g, step) = (a.grid(0)?, a.position(1)?);
    let (w, h) = (g.width() as isize, g.height() as isize);
    let out = g.redraw(|x, y| {
        let (i, j) = (x as isize - step.x as isize, y as isize - step.y as isize);
        if wrapping { g.at(i.rem_euclid(w) as usize, j.rem_euclid(h) as usize) } else { g.at_or(i, j, 0) }
    });
    Some(out.into())
}

fn sorted_rows(g: &grid::Grid) -> grid::Grid {
    let mut rows: Vec<&[u8]> = g.cells().chunks(g.width()).collect();
    rows.sort_by_key(|row| row.iter().filter(|&&c| c != 0).count());
    g.redraw(|x, y| rows[y][x])
}
