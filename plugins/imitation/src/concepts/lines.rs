//! Cells that fall, shoot rays, and are joined.

use stratagem_dsl::{Grid, lines};

use super::Concept;
use super::draw::{Style, blank, canvas, dots, noise, put, transposed, turned};
use crate::chance::Chance;

/// Single cells on a canvas, and another grid with a line drawn from each.
fn rays(
    c: &mut Chance,
    s: &Style,
    colours: usize,
    ray: impl Fn(&Grid, usize, usize) -> Vec<(usize, usize)>,
) -> Option<(Grid, Grid)> {
    let mut input = canvas(c, 6, 13);
    let count = c.between(1, 3);
    let cells = dots(c, &input, count)?;
    // Rays that cross would need a rule of their own.
    let apart =
        cells.iter().enumerate().all(|(n, a)| cells[n + 1..].iter().all(|b| a.0 != b.0 && a.1 != b.1));
    if !apart {
        return None;
    }
    let mut output = input.clone();
    for &(x, y) in &cells {
        let colour = s.ink[c.below(colours)];
        input.set(x, y, colour);
        let line = ray(&input, x, y);
        if line.iter().any(|&(i, j)| output.at(i, j) != 0) {
            return None;
        }
        put(&mut output, &line, colour);
        output.set(x, y, colour);
    }
    Some((input, output))
}

/// Each line sorted so that what is drawn lies at its end, in order.
fn fallen(g: &Grid, to_end: bool) -> Grid {
    let mut out = blank(g.width(), g.height());
    for x in 0..g.width() {
        let column: Vec<u8> = (0..g.height()).map(|y| g.at(x, y)).filter(|&v| v != 0).collect();
        let from = if to_end { g.height() - column.len() } else { 0 };
        column.iter().enumerate().for_each(|(n, &v)| out.set(x, from + n, v));
    }
    out
}

/// Whether every column keeps its colours in order and has no gap below what is drawn.
fn has_fallen(i: &Grid, o: &Grid) -> bool {
    let column = |g: &Grid, x: usize| (0..g.height()).map(|y| g.at(x, y)).collect::<Vec<u8>>();
    i.size() == o.size()
        && (0..i.width()).all(|x| {
            let (a, b) = (column(i, x), column(o, x));
            let drawn = |v: &[u8]| v.iter().copied().filter(|&v| v != 0).collect::<Vec<u8>>();
            drawn(&a) == drawn(&b) && b.windows(2).all(|w| w[0] == 0 || w[1] != 0)
        })
}

/// Pairs of cells of one colour on lines of their own, and another grid with the cells between them drawn.
fn joined(c: &mut Chance, s: &Style, turn: bool) -> (Grid, Grid) {
    let mut input = canvas(c, 6, 13);
    let mut output = input.clone();
    for y in 0..input.height() {
        if !c.once_in(3) {
            continue;
        }
        let (a, b) = (c.below(input.width()), c.below(input.width()));
        let colour = s.ink[c.below(2)];
        if a + 1 < b {
            put(&mut input, &[(a, y), (b, y)], colour);
            put(&mut output, &(a..=b).map(|x| (x, y)).collect::<Vec<_>>(), colour);
        }
    }
    turned(turn, (input, output))
}

fn is_joined(i: &Grid, o: &Grid) -> bool {
    i.size() == o.size()
        && (0..i.area()).all(|k| {
            let (x, y) = (k % i.width(), k / i.width());
            let left = (0..x).rev().map(|x| i.at(x, y)).find(|&v| v != 0);
            let right = (x + 1..i.width()).map(|x| i.at(x, y)).find(|&v| v != 0);
            let between = i.at(x, y) == 0 && left.is_some() && left == right;
            o.at(x, y) == if between { left.unwrap_or(0) } else { i.at(x, y) }
        })
}

pub const ALL: &[Concept] = &[
    Concept {
        name: "fall down",
        pair: |c, s| {
            let (w, h) = (c.between(3, 10), c.between(3, 10));
            let g = noise(c, w, h, &s.ink[..3], 35);
            let out = fallen(&g, true);
            Some((g, out))
        },
        holds: has_fallen,
    },
    Concept {
        name: "fall to the left",
        pair: |c, s| {
            let (w, h) = (c.between(3, 10), c.between(3, 10));
            let g = noise(c, w, h, &s.ink[..3], 35);
            let out = fallen(&g, false);
            Some(turned(true, (g, out)))
        },
        holds: |i, o| {
            let row = |g: &Grid, y: usize| (0..g.width()).map(|x| g.at(x, y)).collect::<Vec<u8>>();
            i.size() == o.size()
                && (0..i.height()).all(|y| {
                    let mut wanted: Vec<u8> = row(i, y).into_iter().filter(|&v| v != 0).collect();
                    wanted.resize(i.width(), 0);
                    wanted == row(o, y)
                })
        },
    },
    Concept {
        name: "rays to the right",
        pair: |c, s| rays(c, s, 3, |g, x, y| (x..g.width()).map(|x| (x, y)).collect()),
        holds: |i, o| i.redraw(|x, y| (0..=x).rev().map(|x| i.at(x, y)).find(|&v| v != 0).unwrap_or(0)) == *o,
    },
    Concept {
        name: "rays upwards",
        pair: |c, s| rays(c, s, 3, |_, x, y| (0..=y).map(|y| (x, y)).collect()),
        holds: |i, o| {
            let seen = |x: usize, y: usize| (y..i.height()).map(|y| i.at(x, y)).find(|&v| v != 0);
            i.redraw(|x, y| seen(x, y).unwrap_or(0)) == *o
        },
    },
    Concept {
        name: "a row through each cell",
        pair: |c, s| rays(c, s, 3, |g, _, y| (0..g.width()).map(|x| (x, y)).collect()),
        holds: |i, o| i.redraw(|_, y| (0..i.width()).map(|x| i.at(x, y)).max().unwrap_or(0)) == *o,
    },
    Concept {
        name: "a column through each cell",
        pair: |c, s| rays(c, s, 3, |g, x, _| (0..g.height()).map(|y| (x, y)).collect()),
        holds: |i, o| i.redraw(|x, _| (0..i.height()).map(|y| i.at(x, y)).max().unwrap_or(0)) == *o,
    },
    Concept {
        name: "a cross through a cell",
        pair: |c, s| {
            let mut input = canvas(c, 5, 13);
            let (x, y) = dots(c, &input, 1)?[0];
            input.set(x, y, s.ink[0]);
            Some((input.clone(), input.redraw(|i, j| if i == x || j == y { s.ink[0] } else { 0 })))
        },
        holds: |i, o| lines::smear(i, lines::Rays::Cross) == *o,
    },
    Concept {
        name: "diagonals through a cell",
        pair: |c, s| {
            let mut input = canvas(c, 5, 13);
            let (x, y) = dots(c, &input, 1)?[0];
            input.set(x, y, s.ink[0]);
            let output = input.redraw(|i, j| if i.abs_diff(x) == j.abs_diff(y) { s.ink[0] } else { 0 });
            Some((input, output))
        },
        holds: |i, o| lines::smear(i, lines::Rays::Diagonal) == *o,
    },
    Concept { name: "join like cells of a row", pair: |c, s| Some(joined(c, s, false)), holds: is_joined },
    Concept {
        name: "join like cells of a column",
        pair: |c, s| Some(joined(c, s, true)),
        holds: |i, o| is_joined(&transposed(i), &transposed(o)),
    },
    Concept {
        name: "shift down by one",
        pair: |c, s| {
            let (w, h) = (c.between(3, 10), c.between(3, 10));
            let g = noise(c, w, h, &s.ink[..2], 30);
            let out = g.redraw(|x, y| if y == 0 { 0 } else { g.at(x, y - 1) });
            Some((g, out))
        },
        holds: |i, o| {
            let (a, b) = (i.cells(), o.cells());
            i.size() == o.size()
                && b[i.width()..] == a[..a.len() - i.width()]
                && b[..i.width()].iter().all(|&v| v == 0)
        },
    },
    Concept {
        name: "another colour down from each cell",
        pair: |c, s| {
            let mut input = canvas(c, 6, 12);
            let count = c.between(1, 4);
            let cells = dots(c, &input, count)?;
            let mut output = input.clone();
            for &(x, y) in &cells {
                (y + 1..input.height()).for_each(|y| output.set(x, y, s.ink[1]));
            }
            put(&mut input, &cells, s.ink[0]);
            put(&mut output, &cells, s.ink[0]);
            Some((input, output))
        },
        holds: |i, o| {
            let new = (1..10).find(|c| o.cells().contains(c) && !i.cells().contains(c));
            let below = |x: usize, y: usize| (0..y).any(|y| i.at(x, y) != 0);
            let wanted = |x, y| if i.at(x, y) == 0 && below(x, y) { new.unwrap_or(0) } else { i.at(x, y) };
            i.redraw(wanted) == *o
        },
    },
];
