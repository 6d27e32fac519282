//! Painting on grids: cells, boxes, lines, rays, floods, and patterns replaced.

use super::entry::{Arguments, Entry, op};
use super::grid::index;
use crate::drawing;
use crate::expression::Type::{self, Colour, Grid, Number, Position, Size};
use crate::grid;
use crate::value::Value;

pub(super) const ENTRIES: &[Entry] = &[
    op(
        "stamp",
        &[("grid", Grid), ("stamp", Grid), ("places", Type::POSITIONS)],
        Grid,
        "{grid} with {stamp} drawn at each of {places}",
        |a| {
            let (stamp, places) = (a.grid(1)?, a.positions(2)?);
            if stamp.area() * places.len() > 200_000 {
                return None;
            }
            Some(places.iter().fold(a.grid(0)?.clone(), |g, p| drawing::stamp(&g, *p, stamp)).into())
        },
    )
    .effort(20)
    .shows("(stamp input (blank (size 1 2) #4) (positions-of input #1))", "010/000", "040/040"),
    op(
        "replace",
        &[("grid", Grid), ("pattern", Grid), ("by", Grid)],
        Grid,
        "{grid} with {by} wherever {pattern} occurs",
        |a| Some(drawing::replace(a.grid(0)?, a.grid(1)?, a.grid(2)?)?.into()),
    )
    .effort(30)
    .shows(
        "(replace input (crop-box input (position 0 0) (size 2 1)) (blank (size 2 1) #7))",
        "12012",
        "77077",
    ),
    op(
        "paint-at",
        &[("grid", Grid), ("place", Position), ("colour", Colour)],
        Grid,
        "{grid} with the cell at {place} painted {colour}",
        |a| Some(drawing::paint_cells(a.grid(0)?, &[a.position(1)?], a.colour(2)?).into()),
    )
    .shows("(paint-at input (position 1 0) #5)", "12/34", "15/34"),
    op(
        "paint-cells",
        &[("grid", Grid), ("places", Type::POSITIONS), ("colour", Colour)],
        Grid,
        "{grid} with the cells at {places} painted {colour}",
        |a| Some(drawing::paint_cells(a.grid(0)?, &a.positions(1)?, a.colour(2)?).into()),
    )
    .costs(8)
    .shows("(paint-cells input (neighbours input (position 0 0)) #5)", "12/34", "15/55"),
    op(
        "paint-box",
        &[("grid", Grid), ("corner", Position), ("size", Size), ("colour", Colour)],
        Grid,
        "{grid} with the box of {size} cells at {corner} painted {colour}",
        |a| boxed(a, |_, _, _| true),
    )
    .shows("(paint-box input (position 1 0) (size 2 2) #5)", "111/111", "155/155"),
    op(
        "frame-box",
        &[("grid", Grid), ("corner", Position), ("size", Size), ("colour", Colour)],
        Grid,
        "{grid} with a frame of {colour} around the inside of the box of {size} cells at {corner}",
        |a| boxed(a, |x, y, size| x == 0 || y == 0 || x + 1 == size.width || y + 1 == size.height),
    )
    .shows("(frame-box input (position 0 0) (size 3 3) #5)", "111/111/111", "555/515/555"),
    op(
        "paint-row",
        &[("grid", Grid), ("y", Number), ("colour", Colour)],
        Grid,
        "{grid} with row {y} painted {colour}",
        |a| {
            let (g, c) = (a.grid(0)?, a.colour(2)?);
            let row = index(a.number(1)?, g.height())?;
            Some(g.redraw(|x, y| if y == row { c } else { g.at(x, y) }).into())
        },
    )
    .shows("(paint-row input -1 #5)", "12/34", "12/55"),
    op(
        "paint-column",
        &[("grid", Grid), ("x", Number), ("colour", Colour)],
        Grid,
        "{grid} with column {x} painted {colour}",
        |a| {
            let (g, c) = (a.grid(0)?, a.colour(2)?);
            let column = index(a.number(1)?, g.width())?;
            Some(g.redraw(|x, y| if x == column { c } else { g.at(x, y) }).into())
        },
    )
    .shows("(paint-column input 0 #5)", "12/34", "52/54"),
    op(
        "line-between",
        &[("grid", Grid), ("from", Position), ("to", Position), ("colour", Colour)],
        Grid,
        "{grid} with a straight line of {colour} from {from} to {to}",
        |a| {
            Some(
                drawing::paint_cells(
                    a.grid(0)?,
                    &drawing::line(a.position(1)?, a.position(2)?)?,
                    a.colour(3)?,
                )
                .into(),
            )
        },
    )
    .shows("(line-between input (position 0 0) (position 2 2) #5)", "000/000/000", "500/050/005"),
    op(
        "ray-until-wall",
        &[("grid", Grid), ("from", Position), ("step", Position), ("colour", Colour)],
        Grid,
        "{grid} with a ray of {colour} from {from}, going by {step} over black up to what is drawn",
        |a| {
            let met = drawing::ray(a.grid(0)?, a.position(1)?, a.position(2)?)?;
            Some(drawing::paint_cells(a.grid(0)?, &met, a.colour(3)?).into())
        },
    )
    .shows("(ray-until-wall input (position 0 0) right #5)", "100020", "155520"),
    op(
        "bouncing-ray",
        &[("grid", Grid), ("from", Position), ("step", Position), ("colour", Colour)],
        Grid,
        "{grid} with a ray of {colour} from {from}, going by {step} and thrown back by walls and edges",
        |a| {
            let met = drawing::bounce(a.grid(0)?, a.position(1)?, a.position(2)?)?;
            Some(drawing::paint_cells(a.grid(0)?, &met, a.colour(3)?).into())
        },
    )
    .shows("(bouncing-ray input (position 0 0) down-right #5)", "1000/0000", "1050/0505"),
    op(
        "flood-from",
        &[("grid", Grid), ("place", Position), ("colour", Colour)],
        Grid,
        "{grid} with all that hangs together with {place} in one colour painted {colour}",
        |a| {
            let region = drawing::region(a.grid(0)?, a.position(1)?)?;
            Some(drawing::paint_cells(a.grid(0)?, &region, a.colour(2)?).into())
        },
    )
    .effort(10)
    .shows("(flood-from input (position 0 0) #5)", "002/022/200", "552/522/200"),
    op(
        "fill-holes",
        &[("grid", Grid), ("colour", Colour)],
        Grid,
        "{grid} with the black cells that it encloses painted {colour}",
        |a| {
            let (g, c) = (a.grid(0)?, a.colour(1)?);
            let enclosed = crate::mask::Mask::enclosed(g);
            let is_enclosed = |x: usize, y: usize| enclosed.rows[y] >> x & 1 == 1;
            Some(g.redraw(|x, y| if is_enclosed(x, y) { c } else { g.at(x, y) }).into())
        },
    )
    .effort(10)
    .costs(8)
    .shows("(fill-holes input #4)", "111/101/111", "111/141/111"),
    op(
        "surround",
        &[("grid", Grid), ("colour", Colour)],
        Grid,
        "{grid} with the black cells around what is drawn painted {colour}, diagonal ones too",
        |a| {
            let (g, c) = (a.grid(0)?, a.colour(1)?);
            let beside = |x: usize, y: usize| {
                (-1..=1).any(|dy| (-1..=1).any(|dx| g.at_or(x as isize + dx, y as isize + dy, 0) != 0))
            };
            Some(g.redraw(|x, y| if g.at(x, y) == 0 && beside(x, y) { c } else { g.at(x, y) }).into())
        },
    )
    .effort(10)
    .shows("(surround input #4)", "1000/0000", "1400/4400"),
    op(
        "fill-box",
        &[("grid", Grid), ("colour", Colour)],
        Grid,
        "{grid} with the black cells in the box of what is drawn painted {colour}",
        |a| {
            let (g, c) = (a.grid(0)?, a.colour(1)?);
            let (x0, y0, size) = g.bounds(|c| c != 0)?;
            let within = |x, y| x >= x0 && y >= y0 && x < x0 + size.width && y < y0 + size.height;
            Some(g.redraw(|x, y| if g.at(x, y) == 0 && within(x, y) { c } else { g.at(x, y) }).into())
        },
    )
    .shows("(fill-box input #4)", "100/001/000", "144/441/000"),
];

/// Paints those cells of a box that are chosen by their place in it.
fn boxed(a: &Arguments<'_>, chosen: impl Fn(usize, usize, grid::Size) -> bool) -> Option<Value> {
    let (g, corner, size, colour) = (a.grid(0)?, a.position(1)?, a.size(2)?, a.colour(3)?);
    let out = g.redraw(|x, y| {
        let (i, j) = (x as isize - corner.x as isize, y as isize - corner.y as isize);
        let inside = i >= 0 && j >= 0 && (i as usize) < size.width && (j as usize) < size.height;
        if inside && chosen(i as usize, j as usize, size) { colour } else { g.at(x, y) }
    });
    Some(out.into())
}
