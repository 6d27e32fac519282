//! Objects kept, dropped, cropped, coloured, counted and drawn around.

use stratagem_dsl::Grid;
use stratagem_dsl::objects::{Linkage, components};

use super::Concept;
use super::draw::{Rect, Style, blank, canvas, dots, fill, frame, put, ranked, rects, shape};
use crate::chance::Chance;

fn parts(g: &Grid) -> Vec<Grid> {
    components(g, Linkage::BesideAlike)
}

fn same_cells(a: &Grid, b: &Grid) -> bool {
    a.size() == b.size() && a.cells() == b.cells()
}

fn largest(g: &Grid) -> Option<Grid> {
    parts(g).into_iter().max_by_key(Grid::ink)
}

fn smallest(g: &Grid) -> Option<Grid> {
    parts(g).into_iter().min_by_key(Grid::ink)
}

/// Boxes of different areas on a canvas, each in a colour of its own or all in one.
fn boxes(c: &mut Chance, s: &Style, alike: bool) -> Option<(Grid, Vec<(Rect, u8)>)> {
    let g = canvas(c, 9, 15);
    let count = c.between(2, 4);
    let list = ranked(c, &g, count, 1, 5)?;
    let colours = list.iter().map(|_| if alike { s.ink[0] } else { s.ink[c.below(4)] }).collect::<Vec<_>>();
    let mut input = g;
    let list: Vec<(Rect, u8)> = list.into_iter().zip(colours).collect();
    list.iter().for_each(|&(r, colour)| fill(&mut input, r, colour));
    Some((input, list))
}

fn cropped(input: Grid, (r, colour): (Rect, u8)) -> (Grid, Grid) {
    (input, blank(r.w, r.h).map(|_| colour))
}

/// Draws boxes and, on another grid, what becomes of each; the number counts from the largest.
fn each_box(
    c: &mut Chance,
    s: &Style,
    mut becomes: impl FnMut(&mut Grid, usize, Rect, u8),
) -> Option<(Grid, Grid)> {
    let (input, list) = boxes(c, s, true)?;
    let mut output = blank(input.width(), input.height());
    list.iter().enumerate().for_each(|(n, &(r, colour))| becomes(&mut output, n, r, colour));
    Some((input, output))
}

/// Boxes large enough to have an inside, as frames or solid.
fn hollow(
    c: &mut Chance,
    s: &Style,
    becomes: impl Fn(&mut Grid, &mut Grid, Rect, &Style),
) -> Option<(Grid, Grid)> {
    let mut input = canvas(c, 10, 16);
    let count = c.between(1, 3);
    let mut output = input.clone();
    for r in rects(c, &input, count, 3, 6)? {
        becomes(&mut input, &mut output, r, s);
    }
    Some((input, output))
}

/// Whether `o` differs from `i` only where `i` has a cell with this property, and there everywhere in one new colour.
fn painted(i: &Grid, o: &Grid, property: impl Fn(&Grid, usize, usize) -> bool) -> bool {
    let mut new = None;
    i.size() == o.size()
        && (0..i.area()).all(|k| {
            let (x, y) = (k % i.width(), k / i.width());
            if property(i, x, y) {
                *new.get_or_insert(o.at(x, y)) == o.at(x, y) && o.at(x, y) != i.at(x, y)
            } else {
                o.at(x, y) == i.at(x, y)
            }
        })
}

fn drawn_beside(g: &Grid, x: usize, y: usize) -> usize {
    let (x, y) = (x as isize, y as isize);
    (0..9).filter(|k| *k != 4 && g.at_or(x + k % 3 - 1, y + k / 3 - 1, 0) != 0).count()
}

pub const ALL: &[Concept] = &[
    Concept {
        name: "keep the largest object",
        pair: |c, s| {
            let (input, list) = boxes(c, s, false)?;
            let mut output = blank(input.width(), input.height());
            fill(&mut output, list[0].0, list[0].1);
            Some((input, output))
        },
        holds: |i, o| largest(i) == largest(o) && parts(o).len() == 1 && i.size() == o.size(),
    },
    Concept {
        name: "remove the smallest object",
        pair: |c, s| {
            let (input, list) = boxes(c, s, false)?;
            let mut output = input.clone();
            fill(&mut output, list.last()?.0, 0);
            Some((input, output))
        },
        holds: |i, o| {
            let rest: Vec<Grid> = parts(i).into_iter().filter(|p| Some(p) != smallest(i).as_ref()).collect();
            rest == parts(o) && i.size() == o.size()
        },
    },
    Concept {
        name: "crop the largest object",
        pair: |c, s| {
            let (input, list) = boxes(c, s, false)?;
            Some(cropped(input, list[0]))
        },
        holds: |i, o| largest(i).is_some_and(|g| same_cells(&g, o)),
    },
    Concept {
        name: "crop the smallest object",
        pair: |c, s| {
            let (input, list) = boxes(c, s, false)?;
            Some(cropped(input, *list.last()?))
        },
        holds: |i, o| smallest(i).is_some_and(|g| same_cells(&g, o)),
    },
    Concept {
        name: "crop the object of an odd colour",
        pair: |c, s| {
            let mut input = canvas(c, 9, 15);
            let list = rects(c, &input, 4, 1, 4)?;
            let odd = c.below(4);
            for (n, r) in list.iter().enumerate() {
                fill(&mut input, *r, s.ink[usize::from(n == odd)]);
            }
            let r = list[odd];
            Some(cropped(input, (r, s.ink[1])))
        },
        holds: |i, o| {
            let all = parts(i);
            let same = |g: &Grid| all.iter().filter(|p| p.main_colour() == g.main_colour()).count();
            all.iter().find(|p| same(p) == 1).is_some_and(|p| same_cells(p, o))
        },
    },
    Concept {
        name: "crop the odd shape",
        pair: |c, s| {
            let mut input = canvas(c, 9, 13);
            let list = rects(c, &input, 4, 3, 3)?;
            let usual = shape(c, Rect { x: 0, y: 0, w: 3, h: 3 })?;
            let odd = shape(c, Rect { x: 0, y: 0, w: 3, h: 3 })?;
            let key = |cells: &[(usize, usize)]| cells.iter().map(|(x, y)| 1 << (y * 3 + x)).sum::<i32>();
            let mut output = blank(3, 3);
            put(&mut output, &odd, s.ink[1]);
            for (n, r) in list.iter().enumerate() {
                let cells: Vec<_> =
                    (if n == 0 { &odd } else { &usual }).iter().map(|(x, y)| (x + r.x, y + r.y)).collect();
                put(&mut input, &cells, s.ink[1]);
            }
            (key(&usual) != key(&odd)).then_some((input, output))
        },
        holds: |i, o| {
            let all = parts(i);
            let alike = |g: &Grid| all.iter().filter(|p| same_cells(p, g)).count();
            alike(o) == 1 && all.iter().filter(|p| alike(p) == 1).count() == 1
        },
    },
    Concept {
        name: "paint the largest object",
        pair: |c, s| each_box(c, s, |o, n, r, colour| fill(o, r, if n == 0 { s.ink[1] } else { colour })),
        holds: |i, o| {
            let most = largest(i).map_or(0, |g| g.ink());
            parts(i)
                .iter()
                .zip(parts(o))
                .all(|(a, b)| (a.main_colour() != b.main_colour()) == (a.ink() == most))
        },
    },
    Concept {
        name: "paint objects by the rank of their size",
        pair: |c, s| each_box(c, s, |o, n, r, _| fill(o, r, s.ink[n + 1])),
        holds: |i, o| {
            let mut list: Vec<(usize, u8)> =
                parts(i).iter().zip(parts(o)).map(|(a, b)| (a.ink(), b.main_colour())).collect();
            list.sort_unstable();
            i.size() == o.size() && list.windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 != w[1].1)
        },
    },
    Concept {
        name: "remove single cells",
        pair: |c, s| {
            let mut output = canvas(c, 8, 14);
            let count = c.between(1, 3);
            let list = rects(c, &output, count + 4, 1, 4)?;
            list.iter().filter(|r| r.w * r.h > 1).for_each(|&r| fill(&mut output, r, s.ink[0]));
            let mut input = output.clone();
            list.iter().filter(|r| r.w * r.h == 1).for_each(|&r| fill(&mut input, r, s.ink[0]));
            Some((input, output))
        },
        holds: |i, o| {
            let lone = |x, y| drawn_beside(i, x, y) == 0;
            i.redraw(|x, y| if lone(x, y) { 0 } else { i.at(x, y) }) == *o
        },
    },
    Concept {
        name: "fill frames",
        pair: |c, s| {
            hollow(c, s, |i, o, r, s| {
                frame(i, r, s.ink[0]);
                fill(o, r, s.ink[1]);
                frame(o, r, s.ink[0]);
            })
        },
        holds: |i, o| {
            let enclosed = stratagem_dsl::shape::enclosed(i);
            painted(i, o, |g, x, y| enclosed[y * g.width() + x])
        },
    },
    Concept {
        name: "empty boxes",
        pair: |c, s| {
            hollow(c, s, |i, o, r, s| {
                fill(i, r, s.ink[0]);
                frame(o, r, s.ink[0]);
            })
        },
        holds: |i, o| i.redraw(|x, y| if drawn_beside(i, x, y) == 8 { 0 } else { i.at(x, y) }) == *o,
    },
    Concept {
        name: "paint the inside of boxes",
        pair: |c, s| {
            hollow(c, s, |i, o, r, s| {
                fill(i, r, s.ink[0]);
                fill(o, r, s.ink[1]);
                frame(o, r, s.ink[0]);
            })
        },
        holds: |i, o| painted(i, o, |g, x, y| g.at(x, y) != 0 && drawn_beside(g, x, y) == 8),
    },
    Concept {
        name: "draw around single cells",
        pair: |c, s| {
            let mut input = canvas(c, 7, 13);
            let count = c.between(1, 4);
            let list = rects(c, &input, count, 3, 3)?;
            let mut output = input.clone();
            for r in list {
                frame(&mut output, r, s.ink[1]);
                input.set(r.x + 1, r.y + 1, s.ink[0]);
                output.set(r.x + 1, r.y + 1, s.ink[0]);
            }
            Some((input, output))
        },
        holds: |i, o| painted(i, o, |g, x, y| g.at(x, y) == 0 && drawn_beside(g, x, y) > 0),
    },
    Concept {
        name: "count objects in a bar",
        pair: |c, s| {
            let mut input = canvas(c, 8, 12);
            let count = c.between(1, 6);
            rects(c, &input, count, 1, 2)?.into_iter().for_each(|r| fill(&mut input, r, s.ink[0]));
            Some((input, blank(count, 1).map(|_| s.ink[0])))
        },
        holds: |i, o| o.area() == parts(i).len() && o.height() == 1 && o.ink() == o.area(),
    },
    Concept {
        name: "count cells in a column",
        pair: |c, s| {
            let mut input = canvas(c, 4, 8);
            let count = c.between(1, 5);
            let cells = dots(c, &input, count)?;
            put(&mut input, &cells, s.ink[2]);
            Some((input, blank(1, count).map(|_| s.ink[2])))
        },
        holds: |i, o| o.height() == i.ink() && o.width() == 1 && o.ink() == i.ink(),
    },
    Concept {
        name: "crop to what is drawn",
        pair: |c, s| {
            let mut input = canvas(c, 7, 14);
            let r = rects(c, &input, 1, 2, 5)?[0];
            let cells = shape(c, r)?;
            put(&mut input, &cells, s.ink[c.below(3)]);
            let output = input.crop(r.x, r.y, stratagem_dsl::Size::new(r.w, r.h))?.moved_to(0, 0);
            Some((input, output))
        },
        holds: |i, o| {
            let lines = |g: &Grid| {
                let rows = (0..g.height()).filter(|&y| (0..g.width()).any(|x| g.at(x, y) != 0)).count();
                let columns = (0..g.width()).filter(|&x| (0..g.height()).any(|y| g.at(x, y) != 0)).count();
                (columns, rows)
            };
            lines(i) == (o.width(), o.height()) && lines(o) == lines(i) && i.ink() == o.ink()
        },
    },
    Concept {
        name: "fill the box of each object",
        pair: |c, s| {
            let mut input = canvas(c, 8, 14);
            let mut output = input.clone();
            let count = c.between(1, 3);
            for r in rects(c, &input, count, 2, 4)? {
                fill(&mut output, r, s.ink[1]);
                let cells = shape(c, r)?;
                put(&mut input, &cells, s.ink[0]);
                put(&mut output, &cells, s.ink[0]);
            }
            Some((input, output))
        },
        holds: |i, o| {
            let all = parts(i);
            painted(i, o, |g, x, y| {
                let within = |p: &Grid| {
                    let (dx, dy) = (x as isize - p.x as isize, y as isize - p.y as isize);
                    (0..p.width() as isize).contains(&dx) && (0..p.height() as isize).contains(&dy)
                };
                g.at(x, y) == 0 && all.iter().any(within)
            })
        },
    },
];
