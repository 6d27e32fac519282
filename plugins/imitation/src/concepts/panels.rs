//! Panels beside each other, combined cell by cell or chosen from.

use stratagem_dsl::{Grid, Size};

use super::Concept;
use super::draw::{Style, blank, noise, turned};
use crate::chance::Chance;

/// Two panels with a line between, and their combination.
fn combined(c: &mut Chance, s: &Style, turn: bool, rule: impl Fn(u8, u8) -> u8) -> Option<(Grid, Grid)> {
    let (w, h) = (c.between(3, 6), c.between(3, 6));
    let (a, b) = (noise(c, w, h, &s.ink[..1], 50), noise(c, w, h, &s.ink[1..2], 50));
    let input = blank(2 * w + 1, h).redraw(|x, y| match x {
        _ if x < w => a.at(x, y),
        _ if x > w => b.at(x - w - 1, y),
        _ => s.ink[2],
    });
    let output = a.redraw(|x, y| rule(a.at(x, y), b.at(x, y)));
    let shown = |g: &Grid| g.ink() > 0 && g.ink() < g.area();
    (shown(&a) && shown(&b) && output.ink() > 0).then(|| turned(turn, (input, output)))
}

/// Whether every output cell follows from the two panels' cells by being drawn or not.
fn follows(i: &Grid, o: &Grid, rule: impl Fn(bool, bool) -> bool) -> bool {
    let side_by_side = i.height() == o.height();
    (0..o.area()).all(|k| {
        let (x, y) = (k % o.width(), k / o.width());
        let (x2, y2) = if side_by_side { (x + o.width() + 1, y) } else { (x, y + o.height() + 1) };
        x2 < i.width() && y2 < i.height() && (o.at(x, y) != 0) == rule(i.at(x, y) != 0, i.at(x2, y2) != 0)
    })
}

/// Three or four panels in a row with lines between them.
fn row(s: &Style, panels: &[Grid]) -> Option<Grid> {
    let (w, h) = (panels.first()?.width(), panels.first()?.height());
    Some(blank((w + 1) * panels.len() - 1, h).redraw(|x, y| match x % (w + 1) {
        i if i < w => panels[x / (w + 1)].at(i, y),
        _ => s.ink[4],
    }))
}

fn drawn(c: &mut Chance, s: &Style, n: usize, w: usize, h: usize) -> Vec<Grid> {
    (0..n).map(|_| noise(c, w, h, &s.ink[..2], 50)).collect()
}

/// Panels of a width, with a line after each.
fn panels_of(i: &Grid, width: usize) -> Vec<Grid> {
    let starts = (0..i.width()).step_by(width + 1);
    starts.filter_map(|x| Some(i.crop(x, 0, Size::new(width, i.height()))?.moved_to(0, 0))).collect()
}

pub const ALL: &[Concept] = &[
    Concept {
        name: "cells drawn in both panels",
        pair: |c, s| combined(c, s, false, |a, b| if a != 0 && b != 0 { s.ink[3] } else { 0 }),
        holds: |i, o| follows(i, o, |a, b| a && b),
    },
    Concept {
        name: "cells drawn in either panel",
        pair: |c, s| combined(c, s, true, |a, b| if a != 0 || b != 0 { s.ink[3] } else { 0 }),
        holds: |i, o| follows(i, o, |a, b| a || b),
    },
    Concept {
        name: "cells drawn in one panel alone",
        pair: |c, s| combined(c, s, false, |a, b| if (a != 0) == (b != 0) { 0 } else { s.ink[3] }),
        holds: |i, o| follows(i, o, |a, b| a != b),
    },
    Concept {
        name: "cells drawn in no panel",
        pair: |c, s| combined(c, s, true, |a, b| if a == 0 && b == 0 { s.ink[3] } else { 0 }),
        holds: |i, o| follows(i, o, |a, b| !a && !b),
    },
    Concept {
        name: "the first panel over the second",
        pair: |c, s| combined(c, s, false, |a, b| if a == 0 { b } else { a }),
        holds: |i, o| {
            follows(i, o, |a, b| a || b)
                && (0..o.area()).all(|k| {
                    let (x, y) = (k % o.width(), k / o.width());
                    i.at(x, y) == 0 || i.at(x, y) == o.at(x, y)
                })
        },
    },
    Concept {
        name: "the panel with most cells",
        pair: |c, s| {
            let (n, w, h) = (c.between(2, 4), c.between(2, 4), c.between(3, 5));
            let mut panels = drawn(c, s, n, w, h);
            let input = row(s, &panels)?;
            panels.sort_by_key(|g| std::cmp::Reverse(g.ink()));
            (panels[0].ink() > panels[1].ink()).then(|| (input, panels.swap_remove(0)))
        },
        holds: |i, o| {
            let all = panels_of(i, o.width());
            all.contains(o) && all.iter().all(|g| g.ink() <= o.ink())
        },
    },
    Concept {
        name: "the panel unlike the others",
        pair: |c, s| {
            let (n, w, h) = (c.between(3, 4), c.between(2, 4), c.between(3, 5));
            let two = drawn(c, s, 2, w, h);
            let odd = c.below(n);
            let panels: Vec<Grid> = (0..n).map(|k| two[usize::from(k == odd)].clone()).collect();
            let input = row(s, &panels)?;
            (two[0] != two[1] && two.iter().all(|g| g.ink() > 0)).then(|| (input, two[1].clone()))
        },
        holds: |i, o| panels_of(i, o.width()).iter().filter(|g| *g == o).count() == 1,
    },
    Concept {
        name: "the last panel",
        pair: |c, s| {
            let (n, w, h) = (c.between(2, 4), c.between(2, 4), c.between(3, 5));
            let mut panels = drawn(c, s, n, w, h);
            let input = row(s, &panels)?;
            panels.pop().map(|last| (input, last))
        },
        holds: |i, o| {
            let x = i.width().checked_sub(o.width());
            x.and_then(|x| i.crop(x, 0, Size::new(o.width(), i.height())))
                .is_some_and(|g| g.cells() == o.cells())
        },
    },
];
