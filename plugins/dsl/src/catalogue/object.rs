//! Taking grids apart in ways that depend on values, and placing the parts.

use super::entry::{Arguments, Entry, op};
use crate::expression::Type::{self, Colour, Grid, Number, Position, Size};
use crate::geometry::{self, Rigid};
use crate::grid;
use crate::objects::{Linkage, label};
use crate::value::{self, Value};

pub(super) const ENTRIES: &[Entry] = &[
    op(
        "cut-by",
        &[("grid", Grid), ("colour", Colour)],
        Type::GRIDS,
        "the panels of {grid} between full lines of {colour}",
        |a| Some(panels(a.grid(0)?, a.colour(1)?).into()),
    )
    .costs(8)
    .shows("(cut-by input #5)", "12511/34522", "12/34 11/22"),
    op(
        "blocks",
        &[("grid", Grid), ("size", Size)],
        Type::GRIDS,
        "{grid} cut into blocks of {size}, row by row",
        |a| {
            let (g, size) = (a.grid(0)?, a.size(1)?);
            if !g.width().is_multiple_of(size.width) || !g.height().is_multiple_of(size.height) {
                return None;
            }
            windows(g, size, size)
        },
    )
    .shows("(blocks input (size 2 1))", "1234", "12 34"),
    op(
        "windows",
        &[("grid", Grid), ("size", Size)],
        Type::GRIDS,
        "all parts of {grid} of {size} cells",
        |a| windows(a.grid(0)?, a.size(1)?, grid::Size::new(1, 1)),
    )
    .shows("(windows input (size 2 1))", "123", "12 23"),
    op(
        "region-at",
        &[("grid", Grid), ("place", Position)],
        Grid,
        "what hangs together in {grid} at {place}, in any colour but black, diagonally too",
        |a| {
            let g = a.grid(0)?;
            let (x, y) = a.position(1)?.on(g.size())?;
            let (labels, _) = label(g, Linkage::Around, |c| c != 0);
            let here = labels[y * g.width() + x];
            let only = g.redraw(|x, y| if labels[y * g.width() + x] == here { g.at(x, y) } else { 0 });
            Some(geometry::trim(&only)?.into())
        },
    )
    .effort(10)
    .shows("(region-at input (position 0 0))", "1203/0004", "12"),
    op(
        "draw-all",
        &[("under", Grid), ("list", Type::GRIDS)],
        Grid,
        "{under} with each of {list} drawn on it at its place, the last on top",
        |a| {
            let mut out = a.grid(0)?.clone();
            a.grids(1)?.iter().for_each(|g| out.draw(g));
            Some(out.into())
        },
    )
    .costs(6)
    .shows("(draw-all (blank (size-of input) #4) (split components beside input))", "101", "141"),
    op(
        "without",
        &[("grid", Grid), ("object", Grid)],
        Grid,
        "{grid} with black in place of the drawn cells of {object}",
        |a| {
            let (g, object) = (a.grid(0)?, a.grid(1)?);
            let (dx, dy) =
                (isize::from(g.x) - isize::from(object.x), isize::from(g.y) - isize::from(object.y));
            let covered = |x: usize, y: usize| object.at_or(x as isize + dx, y as isize + dy, 0) != 0;
            Some(g.redraw(|x, y| if covered(x, y) { 0 } else { g.at(x, y) }).into())
        },
    )
    .shows("(without input (keep 2 input))", "120", "100"),
    op(
        "slide",
        &[("object", Grid), ("step", Position), ("obstacles", Grid)],
        Grid,
        "{object} moved by {step} until it meets what is drawn in {obstacles} or its edge",
        |a| slide(a.grid(0)?, a.position(1)?, a.grid(2)?).map(Value::One),
    )
    .effort(60)
    .shows(
        "(overlay (keep 2 input) (slide (trim (keep 1 input)) right (keep 2 input)))",
        "10002",
        "00012",
    ),
    op(
        "align-left",
        &[("object", Grid), ("with", Grid)],
        Grid,
        "{object} moved across until its left side is level with that of {with}",
        |a| Some(a.grid(0)?.clone().moved_to(a.grid(1)?.x, a.grid(0)?.y).into()),
    )
    .shows("(place (align-left (trim input) (blank (size 1 1) #1)))", "00/01", "0,1"),
    op(
        "align-top",
        &[("object", Grid), ("with", Grid)],
        Grid,
        "{object} moved down or up until its top is level with that of {with}",
        |a| Some(a.grid(0)?.clone().moved_to(a.grid(0)?.x, a.grid(1)?.y).into()),
    )
    .shows("(place (align-top (trim input) (blank (size 1 1) #1)))", "00/01", "1,0"),
    op(
        "centre-on",
        &[("object", Grid), ("with", Grid)],
        Grid,
        "{object} moved so that its middle is that of {with}",
        |a| {
            let (object, with) = (a.grid(0)?, a.grid(1)?);
            let middle = |at: i16, outer: usize, inner: usize| {
                i32::from(at) + (outer as i32 - inner as i32).div_euclid(2)
            };
            let x = middle(with.x, with.width(), object.width());
            let y = middle(with.y, with.height(), object.height());
            let p = value::Position::new(x, y)?;
            Some(object.clone().moved_to(p.x, p.y).into())
        },
    )
    .shows("(place (centre-on (trim input) input))", "100/000/000", "1,1"),
    op(
        "nearest",
        &[("list", Type::GRIDS), ("to", Grid)],
        Grid,
        "the one of {list} that is nearest to {to}",
        |a| {
            let to = a.grid(1)?;
            a.grids(0)?.iter().min_by_key(|g| (gap(g, to), off_centre(g, to))).cloned().map(Value::One)
        },
    )
    .shows("(nearest (split rows input) (trim (keep 3 input)))", "12/00/30", "30"),
    op(
        "symmetries",
        &[("grid", Grid)],
        Type::GRIDS,
        "{grid} and its seven images, turned and flipped",
        |a| Some(images(a.grid(0)?).into()),
    )
    .shows("(symmetries input)", "12", "12 21 12 21 1/2 2/1 1/2 2/1"),
    op(
        "canonical",
        &[("grid", Grid)],
        Grid,
        "that one of the eight images of {grid} which comes first in order, so that all of them yield it",
        |a| images(a.grid(0)?).into_iter().min_by(|g, h| order(g).cmp(&order(h))).map(Value::One),
    )
    .shows("(canonical input)", "20/11", "01/21"),
    op(
        "shrink-box",
        &[("grid", Grid), ("by", Number)],
        Grid,
        "{grid} without its {by} outermost rings",
        |a| {
            let (g, k) = (a.grid(0)?, a.count(1)?.min(grid::MAX_WORKING_SIDE));
            let size = grid::Size::new(g.width().checked_sub(2 * k)?, g.height().checked_sub(2 * k)?);
            Some(g.crop(k, k, size)?.into())
        },
    )
    .shows("(shrink-box input 1)", "111/121/111", "2"),
];

fn panels(g: &grid::Grid, colour: u8) -> Vec<grid::Grid> {
    let (w, h) = (g.width(), g.height());
    let spans = |side: usize, is_line: &dyn Fn(usize) -> bool| {
        let mut spans = Vec::new();
        let mut start = 0;
        for i in 0..=side {
            if i == side || is_line(i) {
                if i > start {
                    spans.push((start, i - start));
                }
                start = i + 1;
            }
        }
        spans
    };
    let across = spans(w, &|x| (0..h).all(|y| g.at(x, y) == colour));
    let down = spans(h, &|y| (0..w).all(|x| g.at(x, y) == colour));
    let boxes = down.iter().flat_map(|&row| across.iter().map(move |&column| (column, row)));
    boxes.filter_map(|((x, width), (y, height))| g.crop(x, y, grid::Size::new(width, height))).collect()
}

fn windows(g: &grid::Grid, size: grid::Size, step: grid::Size) -> Option<Value> {
    let (w, h) = (g.width().checked_sub(size.width)?, g.height().checked_sub(size.height)?);
    let corners = (0..=h).step_by(step.height).flat_map(|y| (0..=w).step_by(step.width).map(move |x| (x, y)));
    // One more than the longest list, so that too many are too many rather than cut.
    let parts = corners.take(crate::lists::MAX_ITEMS + 1).map(|(x, y)| g.crop(x, y, size));
    parts.collect::<Option<Vec<_>>>().map(Value::Many)
}

/// Whether a drawn cell of an object lies on one of the obstacles, or off their grid.
fn collides(object: &grid::Grid, obstacles: &grid::Grid) -> bool {
    let (dx, dy) =
        (isize::from(object.x) - isize::from(obstacles.x), isize::from(object.y) - isize::from(obstacles.y));
    let blocked = |x: usize, y: usize| obstacles.at_or(x as isize + dx, y as isize + dy, 1) != 0;
    (0..object.height()).any(|y| (0..object.width()).any(|x| object.at(x, y) != 0 && blocked(x, y)))
}

fn slide(object: &grid::Grid, step: value::Position, obstacles: &grid::Grid) -> Option<grid::Grid> {
    let mut object = object.clone();
    if (step.x, step.y) == (0, 0) || object.ink() == 0 {
        return None;
    }
    for _ in 0..grid::MAX_WORKING_SIDE {
        let at = value::Position::new(object.x.into(), object.y.into())?.plus(step)?;
        let next = object.clone().moved_to(at.x, at.y);
        if collides(&next, obstacles) {
            break;
        }
        object = next;
    }
    Some(object)
}

/// How many cells lie between two boxes, across and down; 0 where they touch or overlap.
pub(super) fn gap(a: &grid::Grid, b: &grid::Grid) -> i32 {
    let between = |a: i16, a_side: usize, b: i16, b_side: usize| {
        let (a, b) = (i32::from(a), i32::from(b));
        (b - (a + a_side as i32)).max(a - (b + b_side as i32)).max(0)
    };
    between(a.x, a.width(), b.x, b.width()) + between(a.y, a.height(), b.y, b.height())
}

/// Twice how far the middles of two boxes are from each other, across and down.
fn off_centre(a: &grid::Grid, b: &grid::Grid) -> i32 {
    let off = |a: i16, a_side: usize, b: i16, b_side: usize| {
        (2 * (i32::from(a) - i32::from(b)) + a_side as i32 - b_side as i32).abs()
    };
    off(a.x, a.width(), b.x, b.width()) + off(a.y, a.height(), b.y, b.height())
}

fn images(g: &grid::Grid) -> Vec<grid::Grid> {
    let turned = Rigid::ALL.iter().map(|&motion| geometry::rigid(g, motion));
    [g.clone()].into_iter().chain(turned).collect()
}

fn order(g: &grid::Grid) -> (usize, &[u8]) {
    (g.height(), g.cells())
}

/// Whether two grids have the same cells drawn; any colours.
pub(super) fn same_shape(a: &grid::Grid, b: &grid::Grid) -> bool {
    a.size() == b.size() && a.cells().iter().zip(b.cells()).all(|(c, d)| (*c == 0) == (*d == 0))
}

/// Whether an image of one grid has the shape of another.
pub(super) fn same_shape_turned(a: &Arguments<'_>) -> Option<Value> {
    let other = a.grid(1)?;
    Some(images(a.grid(0)?).iter().any(|g| same_shape(g, other)).into())
}
