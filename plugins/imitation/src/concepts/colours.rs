//! Colours changed cell by cell.

use stratagem_dsl::Grid;

use super::Concept;
use super::draw::{Style, blank, canvas, fill, noise, rects};
use crate::chance::Chance;

fn speckled(c: &mut Chance, s: &Style, colours: usize) -> Grid {
    let (w, h) = (c.between(3, 12), c.between(3, 12));
    noise(c, w, h, &s.ink[..colours], 55)
}

fn each(g: &Grid, f: impl FnMut(u8) -> u8) -> (Grid, Grid) {
    (g.clone(), g.map(f))
}

fn counts(g: &Grid) -> Vec<usize> {
    g.histogram()[1..].to_vec()
}

/// Whether the shapes of what is drawn agree.
fn same_ink(i: &Grid, o: &Grid) -> bool {
    i.size() == o.size() && i.cells().iter().zip(o.cells()).all(|(a, b)| (*a == 0) == (*b == 0))
}

pub const ALL: &[Concept] = &[
    Concept {
        name: "exchange two colours",
        pair: |c, s| {
            let g = speckled(c, s, 2);
            let [a, b, ..] = s.ink;
            (g.colours() == 2).then(|| each(&g, |x| if x == 0 { 0 } else { a ^ b ^ x }))
        },
        holds: |i, o| {
            let other = |x: u8| (1..10).find(|&d| d != x && i.cells().contains(&d)).unwrap_or(x);
            i.map(|x| if x == 0 { 0 } else { other(x) }) == *o
        },
    },
    Concept {
        name: "paint one colour as another",
        pair: |c, s| {
            let g = speckled(c, s, 3);
            Some(each(&g, |x| if x == s.ink[0] { s.ink[3] } else { x }))
        },
        holds: |i, o| {
            let changed: Vec<(u8, u8)> =
                i.cells().iter().zip(o.cells()).filter(|(a, b)| a != b).map(|(a, b)| (*a, *b)).collect();
            same_ink(i, o)
                && changed.windows(2).all(|w| w[0] == w[1])
                && changed.iter().all(|p| !o.cells().contains(&p.0))
        },
    },
    Concept {
        name: "paint all alike",
        pair: |c, s| {
            let g = speckled(c, s, 3);
            Some(each(&g, |x| if x == 0 { 0 } else { s.ink[4] }))
        },
        holds: |i, o| same_ink(i, o) && o.colours() == 1,
    },
    Concept {
        name: "keep one colour",
        pair: |c, s| {
            let g = speckled(c, s, 3);
            g.cells().contains(&s.ink[1]).then(|| each(&g, |x| if x == s.ink[1] { x } else { 0 }))
        },
        holds: |i, o| o.colours() == 1 && counts(o).iter().zip(counts(i)).all(|(&o, i)| o == 0 || o == i),
    },
    Concept {
        name: "erase one colour",
        pair: |c, s| {
            let g = speckled(c, s, 3);
            (g.colours() == 3).then(|| each(&g, |x| if x == s.ink[2] { 0 } else { x }))
        },
        holds: |i, o| {
            i.colours() == o.colours() + 1 && counts(o).iter().zip(counts(i)).all(|(&o, i)| o == 0 || o == i)
        },
    },
    Concept {
        name: "exchange black and colour",
        pair: |c, s| {
            let ink = s.ink[c.below(3)];
            let (w, h) = (c.between(3, 10), c.between(3, 10));
            let g = noise(c, w, h, &[ink], 50);
            (g.ink() > 0).then(|| each(&g, |x| if x == 0 { ink } else { 0 }))
        },
        holds: |i, o| {
            i.size() == o.size() && i.cells().iter().zip(o.cells()).all(|(a, b)| a + b == i.main_colour())
        },
    },
    Concept {
        name: "fill the grid with its most frequent colour",
        pair: |c, s| {
            let (w, h) = (c.between(3, 8), c.between(3, 8));
            let mut ink = s.ink;
            c.shuffle(&mut ink);
            let palette = [ink[0], ink[0], ink[1], ink[2]];
            let g = noise(c, w, h, &palette, 100);
            let n = g.histogram();
            let most = ink[0] as usize;
            (1..10).all(|k| k == most || n[k] < n[most]).then(|| each(&g, |_| ink[0]))
        },
        holds: |i, o| i.size() == o.size() && o.cells().iter().all(|&x| x == i.background()),
    },
    Concept {
        name: "remember a table of colours",
        pair: |c, s| {
            let (w, h) = (c.between(3, 8), c.between(3, 8));
            let [a, b, d, ..] = s.ink;
            let g = noise(c, w, h, &[a, b, d], 100);
            Some(each(&g, |x| {
                if x == a {
                    b
                } else if x == b {
                    d
                } else {
                    a
                }
            }))
        },
        holds: |i, o| {
            i.size() == o.size()
                && (1..10).all(|x| {
                    let seen = |k: usize| i.cells()[k] == x;
                    let images: Vec<u8> = (0..i.area()).filter(|&k| seen(k)).map(|k| o.cells()[k]).collect();
                    images.iter().all(|&y| y == images[0] && y != x)
                })
        },
    },
    Concept {
        name: "paint each box by its height",
        pair: |c, s| {
            let mut input = canvas(c, 8, 14);
            let mut output = input.clone();
            let count = c.between(2, 4);
            for r in rects(c, &input, count, 1, 3)? {
                fill(&mut input, r, s.ink[4]);
                fill(&mut output, r, s.ink[r.h - 1]);
            }
            Some((input, output))
        },
        holds: |i, o| {
            let parts = stratagem_dsl::objects::components(o, stratagem_dsl::objects::Linkage::BesideAlike);
            let height =
                |c: u8| parts.iter().filter(|p| p.main_colour() == c).map(Grid::height).collect::<Vec<_>>();
            same_ink(i, o) && i.colours() == 1 && (1..10).all(|c| height(c).windows(2).all(|w| w[0] == w[1]))
        },
    },
    Concept {
        name: "show the most frequent colour",
        pair: |c, s| {
            let mut ink = s.ink;
            c.shuffle(&mut ink);
            let (w, h) = (c.between(3, 9), c.between(3, 9));
            let g = noise(c, w, h, &[ink[0], ink[0], ink[1], ink[2]], 60);
            let n = g.histogram();
            let most = ink[0] as usize;
            let output = blank(1, 1).map(|_| ink[0]);
            (1..10).all(|k| k == most || n[k] < n[most]).then_some((g, output))
        },
        holds: |i, o| {
            o.area() == 1 && (1..10).all(|c| i.histogram()[c] <= i.histogram()[o.at(0, 0) as usize])
        },
    },
];
