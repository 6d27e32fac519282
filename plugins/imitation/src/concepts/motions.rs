//! The whole grid turned, flipped, repeated or scaled.

use stratagem_dsl::geometry::{Rigid, rigid, tile};
use stratagem_dsl::{Grid, Size};

use super::Concept;
use super::draw::{Style, blank, noise};
use crate::chance::Chance;

fn patch(c: &mut Chance, s: &Style, low: usize, high: usize) -> Grid {
    let (w, h) = (c.between(low, high), c.between(low, high));
    noise(c, w, h, &s.ink[..3], 60)
}

/// A grid of another size, its cells taken from places of the first.
fn placed(g: &Grid, w: usize, h: usize, from: impl Fn(usize, usize) -> (usize, usize)) -> (Grid, Grid) {
    let out = blank(w, h).redraw(|x, y| {
        let (i, j) = from(x, y);
        g.at(i.min(g.width() - 1), j.min(g.height() - 1))
    });
    (g.clone(), out)
}

/// Whether every cell of a grid satisfies a condition.
fn every(g: &Grid, holds: impl Fn(usize, usize) -> bool) -> bool {
    (0..g.height()).all(|y| (0..g.width()).all(|x| holds(x, y)))
}

/// Whether the output consists of whole copies of the input's size, and `copy` gives the one at a place.
fn copies(
    i: &Grid,
    o: &Grid,
    across: usize,
    down: usize,
    copy: impl Fn(usize, usize) -> Option<Grid>,
) -> bool {
    o.size() == Size::new(i.width() * across, i.height() * down)
        && every(&blank(across, down), |x, y| {
            let part = o.crop(x * i.width(), y * i.height(), i.size());
            part.map(|p| p.cells().to_vec()) == copy(x, y).map(|p| p.cells().to_vec())
        })
}

pub const ALL: &[Concept] = &[
    Concept {
        name: "flip left and right",
        pair: |c, s| {
            let g = patch(c, s, 3, 9);
            let (w, h) = (g.width(), g.height());
            Some(placed(&g, w, h, |x, y| (w - 1 - x, y)))
        },
        holds: |i, o| rigid(i, Rigid::FlipX) == *o,
    },
    Concept {
        name: "flip top and bottom",
        pair: |c, s| {
            let g = patch(c, s, 3, 9);
            let (w, h) = (g.width(), g.height());
            Some(placed(&g, w, h, |x, y| (x, h - 1 - y)))
        },
        holds: |i, o| rigid(i, Rigid::FlipY) == *o,
    },
    Concept {
        name: "turn a quarter",
        pair: |c, s| {
            let g = patch(c, s, 3, 8);
            Some(placed(&g, g.height(), g.width(), |x, y| (y, g.height() - 1 - x)))
        },
        holds: |i, o| rigid(&rigid(i, Rigid::Transpose), Rigid::FlipX) == *o,
    },
    Concept {
        name: "turn a half",
        pair: |c, s| {
            let g = patch(c, s, 3, 9);
            let (w, h) = (g.width(), g.height());
            Some(placed(&g, w, h, |x, y| (w - 1 - x, h - 1 - y)))
        },
        holds: |i, o| i.size() == o.size() && i.cells().iter().rev().eq(o.cells()),
    },
    Concept {
        name: "transpose",
        pair: |c, s| {
            let g = patch(c, s, 3, 9);
            Some(placed(&g, g.height(), g.width(), |x, y| (y, x)))
        },
        holds: |i, o| rigid(i, Rigid::Transpose) == *o,
    },
    Concept {
        name: "tile",
        pair: |c, s| {
            let g = patch(c, s, 2, 5);
            let (w, h) = (g.width(), g.height());
            Some(placed(&g, w * s.k, h * s.k, |x, y| (x % w, y % h)))
        },
        holds: |i, o| {
            let k = o.width() / i.width();
            tile(i, k, k, false).as_ref() == Some(o)
        },
    },
    Concept {
        name: "tile in a row",
        pair: |c, s| {
            let g = patch(c, s, 2, 6);
            let (w, h) = (g.width(), g.height());
            Some(placed(&g, w * s.k, h, |x, y| (x % w, y)))
        },
        holds: |i, o| copies(i, o, o.width() / i.width(), 1, |_, _| Some(i.clone())),
    },
    Concept {
        name: "mirror to the right",
        pair: |c, s| {
            let g = patch(c, s, 2, 7);
            let (w, h) = (g.width(), g.height());
            Some(placed(&g, 2 * w, h, |x, y| (x.min(2 * w - 1 - x), y)))
        },
        holds: |i, o| {
            rigid(o, Rigid::FlipX) == *o
                && copies(i, o, 2, 1, |x, _| Some(if x == 0 { i.clone() } else { rigid(i, Rigid::FlipX) }))
        },
    },
    Concept {
        name: "mirror upwards",
        pair: |c, s| {
            let g = patch(c, s, 2, 7);
            let (w, h) = (g.width(), g.height());
            Some(placed(&g, w, 2 * h, |x, y| (x, if y < h { h - 1 - y } else { y - h })))
        },
        holds: |i, o| {
            copies(i, o, 1, 2, |_, y| Some(if y == 1 { i.clone() } else { rigid(i, Rigid::FlipY) }))
        },
    },
    Concept {
        name: "mirror both ways",
        pair: |c, s| {
            let g = patch(c, s, 2, 6);
            let (w, h) = (g.width(), g.height());
            Some(placed(&g, 2 * w, 2 * h, |x, y| (x.min(2 * w - 1 - x), y.min(2 * h - 1 - y))))
        },
        holds: |i, o| tile(i, 2, 2, true).as_ref() == Some(o),
    },
    Concept {
        name: "scale up",
        pair: |c, s| {
            let g = patch(c, s, 2, 6);
            Some(placed(&g, g.width() * s.k, g.height() * s.k, |x, y| (x / s.k, y / s.k)))
        },
        holds: |i, o| {
            let k = o.width() / i.width();
            o.size() == Size::new(i.width() * k, i.height() * k)
                && every(o, |x, y| o.at(x, y) == i.at(x / k, y / k))
        },
    },
    Concept {
        name: "scale down",
        pair: |c, s| {
            let g = patch(c, s, 2, 6);
            let (small, large) = placed(&g, g.width() * s.k, g.height() * s.k, |x, y| (x / s.k, y / s.k));
            Some((large, small))
        },
        holds: |i, o| {
            let k = i.width() / o.width();
            stratagem_dsl::geometry::scale_down(i, k).as_ref() == Some(o)
        },
    },
    Concept {
        name: "draw itself in its own cells",
        pair: |c, s| {
            let n = c.between(2, 4);
            let g = noise(c, n, n, &s.ink[..1], 50);
            let out = blank(n * n, n * n);
            let out = out.redraw(|x, y| if g.at(x / n, y / n) == 0 { 0 } else { g.at(x % n, y % n) });
            Some((g, out))
        },
        holds: |i, o| {
            copies(i, o, i.width(), i.height(), |x, y| {
                Some(if i.at(x, y) == 0 { i.map(|_| 0) } else { i.clone() })
            })
        },
    },
    Concept {
        name: "the left half",
        pair: |c, s| {
            let (w, h) = (c.between(2, 6), c.between(2, 9));
            let g = noise(c, 2 * w, h, &s.ink[..3], 60);
            Some(placed(&g, w, h, |x, y| (x, y)))
        },
        holds: |i, o| i.crop(0, 0, Size::new(i.width() / 2, i.height())).as_ref() == Some(o),
    },
    Concept {
        name: "shift round by one",
        pair: |c, s| {
            let g = patch(c, s, 3, 9);
            let (w, h) = (g.width(), g.height());
            Some(placed(&g, w, h, |x, y| ((x + w - 1) % w, y)))
        },
        holds: |i, o| i.size() == o.size() && every(i, |x, y| o.at((x + 1) % i.width(), y) == i.at(x, y)),
    },
];
