//! What may hold or not.

use super::entry::{Arguments, Entry, op};
use super::object::{gap, same_shape, same_shape_turned};
use crate::drawing;
use crate::expression::Type::{self, A, Colour, Grid, List, Number, Position, Truth};
use crate::geometry::{self, Rigid};
use crate::objects::holes;
use crate::value::Value;

const GRID: &[(&str, Type)] = &[("grid", Grid)];
const GRIDS: &[(&str, Type)] = &[("one", Grid), ("other", Grid)];
const NUMBERS: &[(&str, Type)] = &[("a", Number), ("b", Number)];
const TRUTHS: &[(&str, Type)] = &[("a", Truth), ("b", Truth)];

pub(super) const ENTRIES: &[Entry] = &[
    op("equals", &[("one", A), ("other", A)], Truth, "{one} is {other}", |a| {
        Some((a.value(0)? == a.value(1)?).into())
    })
    .costs(6)
    .shows("(equals (width input) 2)", "12", "true"),
    op("greater", NUMBERS, Truth, "{a} is greater than {b}", |a| Some((a.number(0)? > a.number(1)?).into()))
        .costs(6)
        .shows("(greater (width input) (height input))", "12", "true"),
    op("less", NUMBERS, Truth, "{a} is less than {b}", |a| Some((a.number(0)? < a.number(1)?).into()))
        .costs(6)
        .shows("(less (width input) (height input))", "12", "false"),
    op("and", TRUTHS, Truth, "{a}, and {b}", |a| Some((a.truth(0)? && a.truth(1)?).into())).costs(6).shows(
        "(and true (greater 2 1))",
        "1",
        "true",
    ),
    op("or", TRUTHS, Truth, "{a}, or {b}", |a| Some((a.truth(0)? || a.truth(1)?).into())).costs(6).shows(
        "(or false (greater 2 1))",
        "1",
        "true",
    ),
    op("xor", TRUTHS, Truth, "either {a}, or {b}, but not both", |a| {
        Some((a.truth(0)? != a.truth(1)?).into())
    })
    .shows("(xor true (greater 2 1))", "1", "false"),
    op("not", &[("a", Truth)], Truth, "it is not so that {a}", |a| Some((!a.truth(0)?).into()))
        .costs(6)
        .shows("(not (is-black #0))", "1", "false"),
    op("is-even", &[("a", Number)], Truth, "{a} is even", |a| Some((a.number(0)?.rem_euclid(2) == 0).into()))
        .shows("(is-even (width input))", "123", "false"),
    op("divides", NUMBERS, Truth, "{a} divides {b}", |a| {
        Some((a.number(1)?.checked_rem_euclid(a.number(0)?)? == 0).into())
    })
    .shows("(divides 2 (width input))", "1234", "true"),
    op(
        "is-between",
        &[("a", Number), ("low", Number), ("high", Number)],
        Truth,
        "{a} is from {low} to {high}",
        |a| Some((a.number(1)?..=a.number(2)?).contains(&a.number(0)?).into()),
    )
    .shows("(is-between (width input) 1 3)", "12", "true"),
    op("is-black", &[("colour", Colour)], Truth, "{colour} is black", |a| Some((a.colour(0)? == 0).into()))
        .costs(6)
        .shows("(is-black (colour-at input (position 0 0)))", "01", "true"),
    op("has-colour", &[("grid", Grid), ("colour", Colour)], Truth, "{grid} has a cell of {colour}", |a| {
        Some(a.grid(0)?.cells().contains(&a.colour(1)?).into())
    })
    .costs(7)
    .shows("(has-colour input #3)", "12", "false"),
    op("same-colours", GRIDS, Truth, "{one} and {other} have the same colours", |a| {
        let has = |i| a.grid(i).map(|g| g.histogram().map(|n| n > 0));
        Some((has(0)?[1..] == has(1)?[1..]).into())
    })
    .shows("(same-colours (half left input) (half right input))", "1021", "false"),
    op("same-size", GRIDS, Truth, "{one} is as large as {other}", |a| {
        Some((a.grid(0)?.size() == a.grid(1)?.size()).into())
    })
    .shows("(same-size input (rigid rotate90 input))", "12", "false"),
    op("same-shape", GRIDS, Truth, "{one} and {other} have the same cells drawn, in any colour", |a| {
        Some(same_shape(a.grid(0)?, a.grid(1)?).into())
    })
    .shows("(same-shape (half left input) (half right input))", "1020", "true"),
    op(
        "same-shape-turned",
        GRIDS,
        Truth,
        "{one}, turned or flipped, has the same cells drawn as {other}",
        same_shape_turned,
    )
    .effort(10)
    .shows("(same-shape-turned (half left input) (half right input))", "1002", "true"),
    op("same-cells", GRIDS, Truth, "{one} and {other} have the same cells, wherever they lie", |a| {
        let (one, other) = (a.grid(0)?, a.grid(1)?);
        Some((one.size() == other.size() && one.cells() == other.cells()).into())
    })
    .shows("(same-cells (half left input) (half right input))", "1212", "true"),
    op("is-square", GRID, Truth, "{grid} is as wide as high", |a| {
        Some((a.grid(0)?.width() == a.grid(0)?.height()).into())
    })
    .shows("(is-square input)", "12", "false"),
    op("is-wide", GRID, Truth, "{grid} is wider than high", |a| {
        Some((a.grid(0)?.width() > a.grid(0)?.height()).into())
    })
    .shows("(is-wide input)", "12", "true"),
    op("is-plain", GRID, Truth, "{grid} is of one colour throughout", |a| {
        let cells = a.grid(0)?.cells();
        Some(cells.iter().all(|c| *c == cells[0]).into())
    })
    .shows("(is-plain input)", "22/22", "true"),
    op("is-solid", GRID, Truth, "{grid} has no black cell", |a| {
        Some((a.grid(0)?.ink() == a.grid(0)?.area()).into())
    })
    .shows("(is-solid input)", "12/30", "false"),
    op("is-blank", GRID, Truth, "{grid} is black throughout", |a| Some((a.grid(0)?.ink() == 0).into()))
        .shows("(is-blank input)", "00", "true"),
    op("is-line", GRID, Truth, "{grid} is one cell wide or high", |a| {
        Some((a.grid(0)?.width() == 1 || a.grid(0)?.height() == 1).into())
    })
    .shows("(is-line input)", "12", "true"),
    op("is-symmetric-x", GRID, Truth, "{grid} is the same flipped left to right", |a| {
        unmoved(a, Rigid::FlipX)
    })
    .shows("(is-symmetric-x input)", "121", "true"),
    op("is-symmetric-y", GRID, Truth, "{grid} is the same flipped upside down", |a| unmoved(a, Rigid::FlipY))
        .shows("(is-symmetric-y input)", "12/21", "false"),
    op("is-symmetric-diagonal", GRID, Truth, "{grid} is the same with rows and columns exchanged", |a| {
        unmoved(a, Rigid::Transpose)
    })
    .shows("(is-symmetric-diagonal input)", "12/21", "true"),
    op("is-symmetric-turned", GRID, Truth, "{grid} is the same turned by half", |a| {
        unmoved(a, Rigid::Rotate180)
    })
    .shows("(is-symmetric-turned input)", "12/21", "true"),
    op("has-hole", GRID, Truth, "{grid} has a hole", |a| Some((!holes(a.grid(0)?).is_empty()).into()))
        .effort(10)
        .shows("(has-hole input)", "111/101/111", "true"),
    op(
        "touches-edge",
        &[("object", Grid), ("of", Grid)],
        Truth,
        "the box of {object} reaches the edge of {of}",
        |a| {
            let (object, of) = (a.grid(0)?, a.grid(1)?);
            let ends = |at: i16, side: usize| (i32::from(at), i32::from(at) + side as i32);
            let reaches = |(a0, a1): (i32, i32), (b0, b1): (i32, i32)| a0 <= b0 || a1 >= b1;
            let across = reaches(ends(object.x, object.width()), ends(of.x, of.width()));
            Some((across || reaches(ends(object.y, object.height()), ends(of.y, of.height()))).into())
        },
    )
    .shows("(touches-edge (trim input) input)", "000/010/000", "false"),
    op(
        "is-inside",
        &[("object", Grid), ("of", Grid)],
        Truth,
        "the box of {object} lies within that of {of}",
        |a| {
            let (object, of) = (a.grid(0)?, a.grid(1)?);
            let within = |at: i16, side: usize, outer: i16, outer_side: usize| {
                at >= outer && i32::from(at) + side as i32 <= i32::from(outer) + outer_side as i32
            };
            let across = within(object.x, object.width(), of.x, of.width());
            Some((across && within(object.y, object.height(), of.y, of.height())).into())
        },
    )
    .shows("(is-inside (trim (keep 2 input)) (trim (keep 1 input)))", "111/121/111", "true"),
    op("is-beside", GRIDS, Truth, "no cell lies between the boxes of {one} and {other}", |a| {
        Some((gap(a.grid(0)?, a.grid(1)?) == 0).into())
    })
    .shows("(is-beside (trim (keep 1 input)) (trim (keep 2 input)))", "1002", "false"),
    op("is-on", &[("place", Position), ("grid", Grid)], Truth, "{place} is a place on {grid}", |a| {
        Some(a.position(0)?.on(a.grid(1)?.size()).is_some().into())
    })
    .shows("(is-on (position 2 0) input)", "12", "false"),
    op("occurs-in", &[("pattern", Grid), ("grid", Grid)], Truth, "{pattern} occurs in {grid}", |a| {
        Some((!drawing::occurrences(a.grid(1)?, a.grid(0)?).is_empty()).into())
    })
    .effort(30)
    .shows("(occurs-in (row input 1) input)", "12/34", "true"),
    op("contains", &[("list", List(&A)), ("item", A)], Truth, "{item} is one of {list}", |a| {
        Some(a.items(0)?.contains(a.value(1)?).into())
    })
    .shows("(contains (colours-of input) #3)", "12", "false"),
    op("is-empty", &[("list", List(&A))], Truth, "nothing is in {list}", |a| {
        Some(a.items(0)?.is_empty().into())
    })
    .shows("(is-empty (positions-of input #3))", "12", "true"),
    op("all-alike", &[("list", List(&A))], Truth, "all of {list} are the same", |a| {
        let items = a.items(0)?;
        Some(items.iter().all(|item| *item == items[0]).into())
    })
    .shows("(all-alike (map (split rows input) (ink it)))", "10/01", "true"),
];

fn unmoved(a: &Arguments<'_>, motion: Rigid) -> Option<Value> {
    let g = a.grid(0)?;
    Some((geometry::rigid(g, motion) == *g).into())
}
