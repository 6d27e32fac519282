//! Numbers: measured, counted and reckoned with.

use super::entry::{Arguments, Entry, op};
use super::object::gap;
use crate::drawing;
use crate::expression::Type::{self, A, Colour, Grid, List, Number, Position};
use crate::geometry::{self, Rigid};
use crate::objects::{self, Linkage, label};
use crate::value::Value;

const TWO: &[(&str, Type)] = &[("a", Number), ("b", Number)];
const GRID: &[(&str, Type)] = &[("grid", Grid)];

pub(super) const ENTRIES: &[Entry] = &[
    op("add", TWO, Number, "{a} plus {b}", |a| reckon(a, |x, y| Some(x.saturating_add(y)))).costs(5).shows(
        "(add 2 3)",
        "1",
        "5",
    ),
    op("subtract", TWO, Number, "{a} less {b}", |a| reckon(a, |x, y| Some(x.saturating_sub(y))))
        .costs(5)
        .shows("(subtract 2 3)", "1", "-1"),
    op("multiply", TWO, Number, "{a} times {b}", |a| reckon(a, |x, y| Some(x.saturating_mul(y))))
        .costs(5)
        .shows("(multiply 2 3)", "1", "6"),
    op("divide", TWO, Number, "{a} divided by {b}, rounded down", |a| reckon(a, i32::checked_div_euclid))
        .costs(6)
        .shows("(divide 7 2)", "1", "3"),
    op("modulo", TWO, Number, "what remains of {a} when divided by {b}", |a| {
        reckon(a, i32::checked_rem_euclid)
    })
    .costs(6)
    .shows("(modulo 7 2)", "1", "1"),
    op("smaller", TWO, Number, "the smaller of {a} and {b}", |a| reckon(a, |x, y| Some(x.min(y)))).shows(
        "(smaller (width input) (height input))",
        "12",
        "1",
    ),
    op("larger", TWO, Number, "the larger of {a} and {b}", |a| reckon(a, |x, y| Some(x.max(y)))).shows(
        "(larger (width input) (height input))",
        "12",
        "2",
    ),
    op("absolute", &[("a", Number)], Number, "{a} without its sign", |a| {
        Some(a.number(0)?.saturating_abs().into())
    })
    .shows("(absolute -3)", "1", "3"),
    op("half-of", &[("a", Number)], Number, "half of {a}, rounded down", |a| {
        Some(a.number(0)?.div_euclid(2).into())
    })
    .shows("(half-of (width input))", "123", "1"),
    op("width", GRID, Number, "the width of {grid}", |a| Some(a.grid(0)?.width().into())).costs(5).shows(
        "(width input)",
        "123/456",
        "3",
    ),
    op("height", GRID, Number, "the height of {grid}", |a| Some(a.grid(0)?.height().into())).costs(5).shows(
        "(height input)",
        "123/456",
        "2",
    ),
    op("area", GRID, Number, "the number of cells of {grid}", |a| Some(a.grid(0)?.area().into()))
        .costs(6)
        .shows("(area input)", "123/456", "6"),
    op("ink", GRID, Number, "the number of drawn cells of {grid}", |a| Some(a.grid(0)?.ink().into()))
        .costs(6)
        .shows("(ink input)", "103", "2"),
    op("count-colours", GRID, Number, "the number of colours of {grid}, black left out", |a| {
        Some(a.grid(0)?.colours().into())
    })
    .costs(7)
    .shows("(count-colours input)", "1032", "3"),
    op(
        "count-colour",
        &[("grid", Grid), ("colour", Colour)],
        Number,
        "the number of cells of {grid} that are {colour}",
        |a| Some(a.grid(0)?.histogram()[a.colour(1)? as usize].into()),
    )
    .costs(7)
    .shows("(count-colour input #3)", "1033", "2"),
    op(
        "count-components",
        GRID,
        Number,
        "the number of parts of {grid} that hang together in one colour",
        |a| Some(label(a.grid(0)?, Linkage::AroundAlike, |c| c != 0).1.into()),
    )
    .effort(10)
    .costs(8)
    .shows("(count-components input)", "1011", "2"),
    op("count-holes", GRID, Number, "the number of holes in {grid}", |a| {
        Some(objects::holes(a.grid(0)?).len().into())
    })
    .effort(10)
    .shows("(count-holes input)", "11111/10101/11111", "2"),
    op(
        "perimeter",
        GRID,
        Number,
        "the number of sides where drawn cells of {grid} meet black or the edge",
        |a| {
            let g = a.grid(0)?;
            let drawn = drawing::places(g, |c| c != 0);
            let open = |p: &crate::value::Position| {
                let beside = drawing::neighbours(g.size(), *p, false);
                4 - beside.iter().filter_map(|q| q.on(g.size())).filter(|&(x, y)| g.at(x, y) != 0).count()
            };
            Some(drawn.iter().map(open).sum::<usize>().into())
        },
    )
    .effort(10)
    .shows("(perimeter input)", "110", "6"),
    op("symmetry-count", GRID, Number, "how many turns and flips leave {grid} as it is", |a| {
        let g = a.grid(0)?;
        Some(Rigid::ALL.iter().filter(|&&motion| geometry::rigid(g, motion) == *g).count().into())
    })
    .effort(8)
    .shows("(symmetry-count input)", "121", "3"),
    op("period-across", GRID, Number, "the smallest shift across by which {grid} repeats", |a| {
        Some(drawing::period(a.grid(0)?, true).into())
    })
    .effort(20)
    .shows("(period-across input)", "12121", "2"),
    op("period-down", GRID, Number, "the smallest shift down by which {grid} repeats", |a| {
        Some(drawing::period(a.grid(0)?, false).into())
    })
    .effort(20)
    .shows("(period-down input)", "1/2/2/1/2/2", "3"),
    op(
        "count-around",
        &[("grid", Grid), ("place", Position), ("colour", Colour)],
        Number,
        "how many of the cells of {grid} around {place} are {colour}",
        |a| {
            let (g, colour) = (a.grid(0)?, a.colour(2)?);
            let around = drawing::neighbours(g.size(), a.position(1)?, true);
            Some(
                around
                    .iter()
                    .filter_map(|p| p.on(g.size()))
                    .filter(|&(x, y)| g.at(x, y) == colour)
                    .count()
                    .into(),
            )
        },
    )
    .shows("(count-around input (position 1 0) #1)", "101/010", "3"),
    op("colour-number", &[("colour", Colour)], Number, "the number of {colour}", |a| {
        Some(i32::from(a.colour(0)?).into())
    })
    .shows("(colour-number (colour-at input (position 0 0)))", "7", "7"),
    op(
        "distance",
        &[("from", Position), ("to", Position)],
        Number,
        "the steps side by side from {from} to {to}",
        |a| {
            let (dx, dy) = apart(a)?;
            Some((dx + dy).into())
        },
    )
    .shows("(distance (position 0 0) (position 2 3))", "1", "5"),
    op(
        "king-distance",
        &[("from", Position), ("to", Position)],
        Number,
        "the steps from {from} to {to}, diagonal ones too",
        |a| {
            let (dx, dy) = apart(a)?;
            Some(dx.max(dy).into())
        },
    )
    .shows("(king-distance (position 0 0) (position 2 3))", "1", "3"),
    op(
        "gap",
        &[("one", Grid), ("other", Grid)],
        Number,
        "the cells between the boxes of {one} and {other}",
        |a| Some(gap(a.grid(0)?, a.grid(1)?).into()),
    )
    .shows("(gap (trim (keep 1 input)) (trim (keep 2 input)))", "1002", "2"),
    op("length", &[("list", List(&A))], Number, "the number of {list}", |a| Some(a.items(0)?.len().into()))
        .costs(6)
        .shows("(length (split colours input))", "1203", "3"),
    op("count-of", &[("list", List(&A)), ("item", A)], Number, "how many of {list} are {item}", |a| {
        let item = a.value(1)?;
        Some(a.items(0)?.iter().filter(|other| *other == item).count().into())
    })
    .shows("(count-of (map (split rows input) (ink it)) 1)", "10/11/01", "2"),
    op("sum", &[("numbers", Type::NUMBERS)], Number, "the sum of {numbers}", |a| {
        Some(a.numbers(0)?.into_iter().fold(0, i32::saturating_add).into())
    })
    .shows("(sum (range 4))", "1", "6"),
    op("greatest", &[("numbers", Type::NUMBERS)], Number, "the greatest of {numbers}", |a| {
        a.numbers(0)?.into_iter().max().map(Into::into)
    })
    .shows("(greatest (range 4))", "1", "3"),
    op("lowest", &[("numbers", Type::NUMBERS)], Number, "the lowest of {numbers}", |a| {
        a.numbers(0)?.into_iter().min().map(Into::into)
    })
    .shows("(lowest (range 4))", "1", "0"),
    op("sort", &[("numbers", Type::NUMBERS)], Type::NUMBERS, "{numbers} in order, the lowest first", |a| {
        let mut numbers = a.numbers(0)?;
        numbers.sort_unstable();
        Some(numbers.into())
    })
    .shows("(sort (reverse (range 3)))", "1", "0 1 2"),
];

fn reckon(a: &Arguments<'_>, f: impl Fn(i32, i32) -> Option<i32>) -> Option<Value> {
    f(a.number(0)?, a.number(1)?).map(Value::Number)
}

/// How far two places are from each other, across and down.
fn apart(a: &Arguments<'_>) -> Option<(i32, i32)> {
    let step = a.position(1)?.minus(a.position(0)?)?;
    Some((i32::from(step.x).abs(), i32::from(step.y).abs()))
}
