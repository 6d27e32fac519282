//! Symmetry, repetition, borders and noise.

use stratagem_dsl::geometry::{Rigid, rigid};
use stratagem_dsl::{Grid, Size};

use super::Concept;
use super::draw::{Rect, blank, fill, frame, noise, rects};
use crate::chance::Chance;

/// A grid with a black box over a part of it.
fn covered(c: &mut Chance, g: Grid) -> Option<(Grid, Grid)> {
    let mut input = g.clone();
    let r = rects(c, &g, 1, 2, 3)?[0];
    fill(&mut input, r, 0);
    Some((input, g))
}

/// Whether the output shows all that the input does, and nothing black.
fn completes(i: &Grid, o: &Grid) -> bool {
    i.size() == o.size()
        && o.ink() == o.area()
        && i.cells().iter().zip(o.cells()).all(|(a, b)| *a == 0 || a == b)
}

fn repeats(g: &Grid, dx: usize, dy: usize) -> bool {
    (dy..g.height()).all(|y| (dx..g.width()).all(|x| g.at(x, y) == g.at(x - dx, y - dy)))
}

fn whole(g: &Grid) -> Rect {
    Rect { x: 0, y: 0, w: g.width(), h: g.height() }
}

pub const ALL: &[Concept] = &[
    Concept {
        name: "complete a mirror image",
        pair: |c, s| {
            let (w, h) = (c.between(3, 5), c.between(4, 9));
            let half = noise(c, w, h, &s.ink[..4], 100);
            let g = blank(2 * w, h).redraw(|x, y| half.at(x.min(2 * w - 1 - x), y));
            let (mut input, output) = (g.clone(), g);
            let (x, y) = (c.below(w - 1), c.below(h - 1));
            fill(&mut input, Rect { x, y, w: 2, h: 2 }, 0);
            (x + 2 <= w).then_some((input, output))
        },
        holds: |i, o| completes(i, o) && rigid(o, Rigid::FlipX) == *o,
    },
    Concept {
        name: "complete a tiling",
        pair: |c, s| {
            let (w, h) = (c.between(2, 3), c.between(2, 3));
            let tile = noise(c, w, h, &s.ink[..4], 100);
            let (gw, gh) = (c.between(9, 14), c.between(9, 14));
            let g = blank(gw, gh).redraw(|x, y| tile.at(x % w, y % h));
            covered(c, g)
        },
        holds: |i, o| completes(i, o) && (1..4).any(|k| repeats(o, k, 0)) && (1..4).any(|k| repeats(o, 0, k)),
    },
    Concept {
        name: "complete diagonal stripes",
        pair: |c, s| {
            let (w, h) = (c.between(7, 12), c.between(7, 12));
            let n = c.between(3, 4);
            let g = blank(w, h).redraw(|x, y| s.ink[(x + y) % n]);
            covered(c, g)
        },
        holds: |i, o| {
            completes(i, o)
                && (1..o.height()).all(|y| (0..o.width() - 1).all(|x| o.at(x, y) == o.at(x + 1, y - 1)))
        },
    },
    Concept {
        name: "continue rows",
        pair: |c, s| {
            let (w, h) = (c.between(10, 14), c.between(3, 7));
            let periods: Vec<usize> = (0..h).map(|_| c.between(1, 2)).collect();
            let shift = c.below(3);
            let output = blank(w, h).redraw(|x, y| s.ink[x % periods[y] + (y + shift) % 3]);
            let input = output.redraw(|x, y| if x < 5 { output.at(x, y) } else { 0 });
            Some((input, output))
        },
        holds: |i, o| {
            completes(i, o)
                && (0..o.height())
                    .all(|y| (1..3).any(|k| (k..o.width()).all(|x| o.at(x, y) == o.at(x - k, y))))
        },
    },
    Concept {
        name: "a border",
        pair: |c, s| {
            let (w, h) = (c.between(4, 10), c.between(4, 10));
            let input = noise(c, w, h, &s.ink[..2], 50);
            let mut output = input.clone();
            frame(&mut output, whole(&input), s.ink[3]);
            Some((input, output))
        },
        holds: |i, o| {
            let inner =
                |g: &Grid| g.crop(1, 1, Size::new(g.width() - 2, g.height() - 2)).map(|g| g.cells().to_vec());
            let rim = 2 * (o.width() + o.height()) - 4;
            inner(i) == inner(o)
                && o.histogram().iter().zip(i.histogram()).any(|(a, b)| a - a.min(&b) > 0 && *a >= rim)
        },
    },
    Concept {
        name: "remove the border",
        pair: |c, s| {
            let (w, h) = (c.between(3, 9), c.between(3, 9));
            let output = noise(c, w, h, &s.ink[..2], 70);
            let mut input = blank(w + 2, h + 2);
            output.cells().iter().enumerate().for_each(|(k, &v)| input.set(k % w + 1, k / w + 1, v));
            let r = whole(&input);
            frame(&mut input, r, s.ink[3]);
            Some((input, output))
        },
        holds: |i, o| {
            i.crop(1, 1, o.size()).is_some_and(|g| g.cells() == o.cells()) && i.width() == o.width() + 2
        },
    },
    Concept {
        name: "a frame around the grid",
        pair: |c, s| {
            let (w, h) = (c.between(2, 8), c.between(2, 8));
            let input = noise(c, w, h, &s.ink[..3], 100);
            let at = |x: usize, side: usize| x.checked_sub(1).filter(|&x| x < side);
            let output = blank(w + 2, h + 2).redraw(|x, y| match (at(x, w), at(y, h)) {
                (Some(x), Some(y)) => input.at(x, y),
                _ => s.ink[4],
            });
            Some((input, output))
        },
        holds: |i, o| {
            let corner = o.at(0, 0);
            let rim = Rect { x: 0, y: 0, w: o.width(), h: o.height() };
            o.crop(1, 1, i.size()).is_some_and(|g| g.cells() == i.cells())
                && rim.cells().all(|(x, y)| !rim.rim(x, y) || o.at(x, y) == corner)
        },
    },
    Concept {
        name: "a checkerboard of two colours",
        pair: |c, s| {
            let (w, h) = (c.between(3, 9), c.between(3, 9));
            let input = blank(w, h).map(|_| s.ink[0]);
            let output = input.redraw(|x, y| s.ink[(x + y) % 2]);
            Some((input, output))
        },
        holds: |i, o| {
            i.size() == o.size()
                && o.colours() == 2
                && repeats(o, 1, 1)
                && (1..o.width()).all(|x| o.at(x, 0) != o.at(x - 1, 0))
        },
    },
    Concept {
        name: "rings from the edge",
        pair: |c, s| {
            let (w, h) = (c.between(4, 11), c.between(4, 11));
            let input = blank(w, h).map(|_| s.ink[0]);
            let output = input.redraw(|x, y| s.ink[x.min(y).min(w - 1 - x).min(h - 1 - y) % 2]);
            Some((input, output))
        },
        holds: |i, o| {
            let mut inner = Some(o.clone());
            let mut rings = Vec::new();
            while let Some(g) = inner {
                rings.push(g.at(0, 0));
                inner = stratagem_dsl::geometry::peel(&g);
            }
            i.size() == o.size()
                && rings.len() > 1
                && rings.windows(2).all(|w| w[0] != w[1])
                && rigid(o, Rigid::FlipX) == *o
        },
    },
    Concept {
        name: "merge equal lines",
        pair: |c, s| {
            let (w, h) = (c.between(2, 4), c.between(2, 4));
            let output = noise(c, w, h, &s.ink[..4], 100);
            let differ =
                |g: &Grid| (1..g.width()).all(|x| (0..g.height()).any(|y| g.at(x, y) != g.at(x - 1, y)));
            if !differ(&output) || !differ(&rigid(&output, Rigid::Transpose)) {
                return None;
            }
            let spans =
                |c: &mut Chance, n: usize| (0..n).flat_map(|i| vec![i; c.between(1, 3)]).collect::<Vec<_>>();
            let (xs, ys) = (spans(c, w), spans(c, h));
            Some((blank(xs.len(), ys.len()).redraw(|x, y| output.at(xs[x], ys[y])), output))
        },
        holds: |i, o| stratagem_dsl::geometry::dedupe_lines(i).as_ref() == Some(o),
    },
];
