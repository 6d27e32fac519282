//! Colours found, and colours changed.

use super::entry::{Entry, op};
use super::grid::index;
use crate::colour;
use crate::drawing;
use crate::expression::Type::{self, Colour, Grid, Number, Position};
use crate::grid::Grid as Cells;

pub(super) const ENTRIES: &[Entry] = &[
    op("colour-at", &[("grid", Grid), ("place", Position)], Colour, "the colour of {grid} at {place}", |a| {
        let g = a.grid(0)?;
        let (x, y) = a.position(1)?.on(g.size())?;
        Some(g.at(x, y).into())
    })
    .costs(8)
    .shows("(colour-at input (position 1 0))", "12", "#2"),
    op(
        "most-common-colour",
        &[("grid", Grid)],
        Colour,
        "the most frequent colour of {grid}, black left out",
        |a| by_frequency(a.grid(0)?).first().copied().map(Into::into),
    )
    .costs(7)
    .shows("(most-common-colour input)", "000223/000300", "#2"),
    op(
        "least-common-colour",
        &[("grid", Grid)],
        Colour,
        "the least frequent colour of {grid}, black left out",
        |a| by_frequency(a.grid(0)?).last().copied().map(Into::into),
    )
    .costs(7)
    .shows("(least-common-colour input)", "0022/0223", "#3"),
    op(
        "nth-colour",
        &[("grid", Grid), ("n", Number)],
        Colour,
        "colour {n} of {grid}, the most frequent first",
        |a| {
            let colours = by_frequency(a.grid(0)?);
            Some(colours[index(a.number(1)?, colours.len())?].into())
        },
    )
    .shows("(nth-colour input 1)", "0022/0223", "#3"),
    op("background", &[("grid", Grid)], Colour, "the most frequent colour of {grid}, be it black", |a| {
        Some(a.grid(0)?.background().into())
    })
    .shows("(background input)", "5535", "#5"),
    op("edge-colour", &[("grid", Grid)], Colour, "the most frequent colour on the edge of {grid}", |a| {
        let g = a.grid(0)?;
        let (w, h) = (g.width(), g.height());
        let mut counts = [0usize; 10];
        for y in 0..h {
            for x in 0..w {
                if x == 0 || y == 0 || x + 1 == w || y + 1 == h {
                    counts[g.at(x, y) as usize] += 1;
                }
            }
        }
        Some(((0..10u8).rev().max_by_key(|&c| counts[c as usize])?).into())
    })
    .shows("(edge-colour input)", "444/414/441", "#4"),
    op(
        "colours-of",
        &[("grid", Grid)],
        Type::COLOURS,
        "the colours of {grid}, the most frequent first, black left out",
        |a| Some(by_frequency(a.grid(0)?).into()),
    )
    .costs(8)
    .shows("(colours-of input)", "0022/0223", "#2 #3"),
    op(
        "shared-colours",
        &[("one", Grid), ("other", Grid)],
        Type::COLOURS,
        "the colours that {one} and {other} both have",
        |a| {
            let other = a.grid(1)?;
            let shared = by_frequency(a.grid(0)?).into_iter().filter(|c| other.cells().contains(c));
            Some(shared.collect::<Vec<u8>>().into())
        },
    )
    .shows("(shared-colours (half left input) (half right input))", "1223", "#2"),
    op(
        "colour-around",
        &[("grid", Grid), ("place", Position)],
        Colour,
        "the most frequent colour of {grid} around {place}, black left out",
        |a| {
            let g = a.grid(0)?;
            let mut counts = [0usize; 10];
            for (x, y) in
                drawing::neighbours(g.size(), a.position(1)?, true).iter().filter_map(|p| p.on(g.size()))
            {
                counts[g.at(x, y) as usize] += 1;
            }
            let met = (1..10u8).rev().filter(|&c| counts[c as usize] > 0);
            met.max_by_key(|&c| counts[c as usize]).map(Into::into)
        },
    )
    .shows("(colour-around input (position 1 0))", "203/330", "#3"),
    op("numbered-colour", &[("number", Number)], Colour, "the colour of number {number}", |a| {
        Some((a.count(0).filter(|&n| n < 10)? as u8).into())
    })
    .shows("(numbered-colour (width input))", "123", "#3"),
    op(
        "either-colour",
        &[("one", Colour), ("other", Colour)],
        Colour,
        "{one}, or {other} where that is black",
        |a| {
            let (one, other) = (a.colour(0)?, a.colour(1)?);
            Some((if one == 0 { other } else { one }).into())
        },
    )
    .shows("(map-colours input (either-colour it #7))", "102", "172"),
    op(
        "recolour",
        &[("grid", Grid), ("from", Colour), ("to", Colour)],
        Grid,
        "{grid} with every cell of {from} painted {to}",
        |a| {
            let (from, to) = (a.colour(1)?, a.colour(2)?);
            Some(a.grid(0)?.map(|c| if c == from { to } else { c }).into())
        },
    )
    .costs(7)
    .shows("(recolour input #1 #4)", "1201", "4204"),
    op(
        "swap-colours",
        &[("grid", Grid), ("one", Colour), ("other", Colour)],
        Grid,
        "{grid} with {one} and {other} exchanged",
        |a| {
            let (one, other) = (a.colour(1)?, a.colour(2)?);
            let swap = |c: u8| match c {
                _ if c == one => other,
                _ if c == other => one,
                _ => c,
            };
            Some(a.grid(0)?.map(swap).into())
        },
    )
    .costs(8)
    .shows("(swap-colours input #1 #0)", "1201", "0210"),
    op(
        "recolour-by-table",
        &[("grid", Grid), ("from", Type::COLOURS), ("to", Type::COLOURS)],
        Grid,
        "{grid} with each colour of {from} painted in the colour of {to} at the same place in the list",
        |a| {
            let mut table: [u8; 10] = std::array::from_fn(|c| c as u8);
            // The first of equal colours counts.
            for (from, to) in a.colours(1)?.into_iter().zip(a.colours(2)?).rev() {
                table[from as usize] = to;
            }
            Some(a.grid(0)?.map(|c| table[c as usize]).into())
        },
    )
    .shows(
        "(recolour-by-table input (colours-of input) (reverse (colours-of input)))",
        "1122200",
        "2211100",
    ),
    op(
        "keep-colours",
        &[("grid", Grid), ("colours", Type::COLOURS)],
        Grid,
        "only the cells of {grid} that are one of {colours}",
        |a| {
            let kept = a.colours(1)?;
            Some(a.grid(0)?.map(|c| if kept.contains(&c) { c } else { 0 }).into())
        },
    )
    .shows("(keep-colours input (take (colours-of input) 1))", "1123", "1100"),
    op(
        "keep-colour",
        &[("grid", Grid), ("colour", Colour)],
        Grid,
        "only the cells of {grid} that are {colour}",
        |a| Some(colour::keep(a.grid(0)?, a.colour(1)?).into()),
    )
    .costs(7)
    .shows("(keep-colour input (least-common-colour input))", "1123/1123/1133", "0020/0020/0000"),
    op(
        "without-colour",
        &[("grid", Grid), ("colour", Colour)],
        Grid,
        "{grid} with its cells of {colour} blackened",
        |a| {
            let gone = a.colour(1)?;
            Some(a.grid(0)?.map(|c| if c == gone { 0 } else { c }).into())
        },
    )
    .costs(8)
    .shows("(without-colour input (most-common-colour input))", "1123", "0023"),
    op(
        "paint-drawn",
        &[("grid", Grid), ("colour", Colour)],
        Grid,
        "{grid} with all that is not black painted {colour}",
        |a| Some(colour::paint(a.grid(0)?, a.colour(1)?).into()),
    )
    .costs(7)
    .shows("(paint-drawn input (colour-at input (position 0 0)))", "3012", "3033"),
    op(
        "paint-black",
        &[("grid", Grid), ("colour", Colour)],
        Grid,
        "{grid} with its black cells painted {colour}",
        |a| {
            let colour = a.colour(1)?;
            Some(a.grid(0)?.map(|c| if c == 0 { colour } else { c }).into())
        },
    )
    .shows("(paint-black input #5)", "102", "152"),
];

/// The colours but black, the most frequent first, the lower number first on a tie.
fn by_frequency(g: &Cells) -> Vec<u8> {
    let counts = g.histogram();
    let mut colours: Vec<u8> = (1..10).filter(|&c| counts[c as usize] > 0).collect();
    colours.sort_by_key(|&c| (std::cmp::Reverse(counts[c as usize]), c));
    colours
}
