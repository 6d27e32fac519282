//! Places and sizes, and the items of lists by their place.

use super::entry::{Entry, Run, op};
use super::grid::index;
use crate::drawing;
use crate::expression::Type::{self, A, Colour, Grid, List, Number, Position, Size};
use crate::grid::{self, MAX_WORKING_SIDE};
use crate::lists::MAX_ITEMS;
use crate::value::{self, Value};

const ANYS: Type = List(&A);

pub(super) const ENTRIES: &[Entry] = &[
    op(
        "position",
        &[("x", Number), ("y", Number)],
        Position,
        "the place {x} to the right and {y} down",
        |a| Some(value::Position::new(a.number(0)?, a.number(1)?)?.into()),
    )
    .costs(4)
    .shows("(position 1 (height input))", "1", "1,1"),
    op("size", &[("width", Number), ("height", Number)], Size, "{width} by {height}", |a| {
        let side = |i| a.count(i).filter(|s| (1..=MAX_WORKING_SIDE).contains(s));
        Some(grid::Size::new(side(0)?, side(1)?).into())
    })
    .costs(4)
    .shows("(size 2 3)", "1", "2x3"),
    op("size-of", &[("grid", Grid)], Size, "the size of {grid}", |a| Some(a.grid(0)?.size().into()))
        .costs(5)
        .shows("(size-of input)", "123/456", "3x2"),
    Entry::new("canvas", &[], Size, "the size of the answer", Run::Canvas)
        .costs(4)
        .shows("(canvas)", "1", "4x4"),
    op("turned-size", &[("size", Size)], Size, "{size} with width and height exchanged", |a| {
        let size = a.size(0)?;
        Some(grid::Size::new(size.height, size.width).into())
    })
    .shows("(turned-size (size-of input))", "123", "1x3"),
    op("across", &[("size", Size)], Number, "the width of {size}", |a| Some(a.size(0)?.width.into())).shows(
        "(across (canvas))",
        "1",
        "4",
    ),
    op("down-of", &[("size", Size)], Number, "the height of {size}", |a| Some(a.size(0)?.height.into()))
        .shows("(down-of (canvas))", "1", "4"),
    op("x-of", &[("place", Position)], Number, "the column of {place}", |a| {
        Some(i32::from(a.position(0)?.x).into())
    })
    .costs(5)
    .shows("(x-of (position 4 7))", "1", "4"),
    op("y-of", &[("place", Position)], Number, "the row of {place}", |a| {
        Some(i32::from(a.position(0)?.y).into())
    })
    .costs(5)
    .shows("(y-of (position 4 7))", "1", "7"),
    op("place", &[("grid", Grid)], Position, "the place of the top left cell of {grid}", |a| {
        let g = a.grid(0)?;
        Some(value::Position::new(g.x.into(), g.y.into())?.into())
    })
    .costs(6)
    .shows("(place (trim input))", "00/01", "1,1"),
    op("far-corner", &[("grid", Grid)], Position, "the place of the bottom right cell of {grid}", |a| {
        let g = a.grid(0)?;
        let (w, h) = (g.width() as i32, g.height() as i32);
        Some(value::Position::new(i32::from(g.x) + w - 1, i32::from(g.y) + h - 1)?.into())
    })
    .shows("(far-corner input)", "12/34", "1,1"),
    op(
        "middle",
        &[("grid", Grid)],
        Position,
        "the place of the middle of {grid}, rounded up and left",
        |a| {
            let g = a.grid(0)?;
            let (w, h) = (g.width() as i32, g.height() as i32);
            Some(value::Position::new(i32::from(g.x) + (w - 1) / 2, i32::from(g.y) + (h - 1) / 2)?.into())
        },
    )
    .shows("(middle input)", "123/456/789", "1,1"),
    op("moved", &[("place", Position), ("step", Position)], Position, "{place} moved by {step}", |a| {
        Some(a.position(0)?.plus(a.position(1)?)?.into())
    })
    .costs(6)
    .shows("(moved (position 1 1) down-left)", "1", "0,2"),
    op(
        "step-between",
        &[("from", Position), ("to", Position)],
        Position,
        "the step from {from} to {to}",
        |a| Some(a.position(1)?.minus(a.position(0)?)?.into()),
    )
    .shows("(step-between (position 1 1) (position 3 0))", "1", "2,-1"),
    op(
        "direction",
        &[("from", Position), ("to", Position)],
        Position,
        "one step from {from} towards {to}",
        |a| {
            let step = a.position(1)?.minus(a.position(0)?)?;
            Some(value::Position { x: step.x.signum(), y: step.y.signum() }.into())
        },
    )
    .shows("(direction (position 0 0) (position 3 0))", "1", "1,0"),
    op("times", &[("step", Position), ("by", Number)], Position, "{step} taken {by} times", |a| {
        let (step, by) = (a.position(0)?, a.number(1)?);
        Some(value::Position::new(by.saturating_mul(step.x.into()), by.saturating_mul(step.y.into()))?.into())
    })
    .shows("(times down-right 3)", "1", "3,3"),
    op("opposite", &[("step", Position)], Position, "{step} the other way round", |a| {
        let step = a.position(0)?;
        Some(value::Position::new(-i32::from(step.x), -i32::from(step.y))?.into())
    })
    .shows("(opposite left)", "1", "1,0"),
    op("turned-right", &[("step", Position)], Position, "{step} turned to the right", |a| {
        let step = a.position(0)?;
        Some(value::Position::new(-i32::from(step.y), step.x.into())?.into())
    })
    .shows("(turned-right up)", "1", "1,0"),
    op(
        "midpoint",
        &[("one", Position), ("other", Position)],
        Position,
        "the place halfway between {one} and {other}",
        |a| {
            let (p, q) = (a.position(0)?, a.position(1)?);
            let half = |u: i16, v: i16| (i32::from(u) + i32::from(v)).div_euclid(2);
            Some(value::Position::new(half(p.x, q.x), half(p.y, q.y))?.into())
        },
    )
    .shows("(midpoint (position 0 0) (position 4 2))", "1", "2,1"),
    op(
        "positions-of",
        &[("grid", Grid), ("colour", Colour)],
        Type::POSITIONS,
        "the places of the cells of {grid} that are {colour}",
        |a| {
            let colour = a.colour(1)?;
            Some(drawing::places(a.grid(0)?, |c| c == colour).into())
        },
    )
    .costs(8)
    .shows("(positions-of input #2)", "120/002", "1,0 2,1"),
    op(
        "drawn-positions",
        &[("grid", Grid)],
        Type::POSITIONS,
        "the places of the drawn cells of {grid}",
        |a| Some(drawing::places(a.grid(0)?, |c| c != 0).into()),
    )
    .shows("(drawn-positions input)", "100/002", "0,0 2,1"),
    op(
        "occurrences",
        &[("grid", Grid), ("pattern", Grid)],
        Type::POSITIONS,
        "the places in {grid} where {pattern} occurs",
        |a| Some(drawing::occurrences(a.grid(0)?, a.grid(1)?).into()),
    )
    .effort(30)
    .shows("(occurrences input (crop-box input (position 0 0) (size 2 1)))", "12012", "0,0 3,0"),
    op(
        "neighbours",
        &[("grid", Grid), ("place", Position)],
        Type::POSITIONS,
        "the places on {grid} around {place}",
        |a| Some(drawing::neighbours(a.grid(0)?.size(), a.position(1)?, true).into()),
    )
    .shows("(neighbours input (position 0 0))", "12/34", "1,0 0,1 1,1"),
    op(
        "sides",
        &[("grid", Grid), ("place", Position)],
        Type::POSITIONS,
        "the places on {grid} above, below and beside {place}",
        |a| Some(drawing::neighbours(a.grid(0)?.size(), a.position(1)?, false).into()),
    )
    .shows("(sides input (position 0 0))", "12/34", "1,0 0,1"),
    op(
        "line",
        &[("from", Position), ("to", Position)],
        Type::POSITIONS,
        "the places on the line from {from} to {to}",
        |a| Some(drawing::line(a.position(0)?, a.position(1)?)?.into()),
    )
    .shows("(line (position 0 0) (position 2 2))", "1", "0,0 1,1 2,2"),
    op(
        "path",
        &[("grid", Grid), ("from", Position), ("to", Position)],
        Type::POSITIONS,
        "a shortest way over black cells of {grid} from {from} to {to}",
        |a| Some(drawing::path(a.grid(0)?, a.position(1)?, a.position(2)?)?.into()),
    )
    .effort(20)
    .shows("(path input (position 0 0) (position 2 0))", "150/000", "0,0 0,1 1,1 2,1 2,0"),
    op(
        "range",
        &[("count", Number)],
        Type::NUMBERS,
        "the numbers from 0 up to but not including {count}",
        |a| {
            let n = a.count(0).filter(|&n| n <= Value::MAX_ITEMS)?;
            Some((0..n as i32).collect::<Vec<i32>>().into())
        },
    )
    .shows("(range 3)", "1", "0 1 2"),
    op("nth", &[("list", ANYS), ("n", Number)], A, "item {n} of {list}", |a| {
        let mut items = a.items(0)?;
        let i = index(a.number(1)?, items.len())?;
        Some(items.swap_remove(i))
    })
    .costs(6)
    .shows("(nth (split rows input) -1)", "12/34", "34"),
    op("take", &[("list", ANYS), ("count", Number)], ANYS, "the first {count} of {list}", |a| {
        Value::list(a.items(0)?.into_iter().take(a.count(1)?).collect())
    })
    .shows("(take (split rows input) 1)", "12/34", "12"),
    op("drop", &[("list", ANYS), ("count", Number)], ANYS, "{list} without the first {count}", |a| {
        Value::list(a.items(0)?.into_iter().skip(a.count(1)?).collect())
    })
    .shows("(drop (split rows input) 1)", "12/34", "34"),
    op(
        "rotate-list",
        &[("list", ANYS), ("by", Number)],
        ANYS,
        "{list} with the first {by} moved to the end",
        |a| {
            let mut items = a.items(0)?;
            let by = i64::from(a.number(1)?).rem_euclid((items.len() as i64).max(1));
            items.rotate_left(by as usize);
            Value::list(items)
        },
    )
    .shows("(rotate-list (range 4) 1)", "1", "1 2 3 0"),
    op("reverse", &[("list", ANYS)], ANYS, "{list} the other way round", |a| {
        Value::list(a.items(0)?.into_iter().rev().collect())
    })
    .shows("(reverse (split rows input))", "12/34", "34 12"),
    op("concat", &[("one", ANYS), ("other", ANYS)], ANYS, "{one} followed by {other}", |a| {
        let (mut one, other) = (a.items(0)?, a.items(1)?);
        one.extend(other);
        Value::list(one)
    })
    .shows("(concat (range 2) (range 3))", "1", "0 1 0 1 2"),
    op("pair", &[("one", A), ("other", A)], ANYS, "the list of {one} and {other}", |a| {
        Value::list(vec![a.value(0)?.clone(), a.value(1)?.clone()])
    })
    .costs(6)
    .shows("(pair input (rigid flip-x input))", "12", "12 21"),
    op("single", &[("item", A)], ANYS, "the list of {item} alone", |a| {
        Value::list(vec![a.value(0)?.clone()])
    })
    .shows("(single 7)", "1", "7"),
    op("repeated", &[("item", A), ("count", Number)], ANYS, "the list of {item}, {count} times", |a| {
        let limit = if a.grid(0).is_some() { MAX_ITEMS } else { Value::MAX_ITEMS };
        let n = a.count(1).filter(|&n| n <= limit)?;
        Value::list(vec![a.value(0)?.clone(); n])
    })
    .shows("(join beside (repeated input 2))", "12", "1212"),
    op(
        "every-nth",
        &[("list", ANYS), ("n", Number)],
        ANYS,
        "the first of {list} and every {n}th after it",
        |a| {
            let n = a.count(1).filter(|&n| n > 0)?;
            Value::list(a.items(0)?.into_iter().step_by(n).collect())
        },
    )
    .shows("(every-nth (range 5) 2)", "1", "0 2 4"),
    op("index-of", &[("list", ANYS), ("item", A)], Number, "the place of {item} in {list}", |a| {
        let item = a.value(1)?;
        Some(a.items(0)?.iter().position(|other| other == item)?.into())
    })
    .shows("(index-of (colours-of input) #3)", "113", "1"),
];
