//! A grid with what has been worked out about it, and the value of every fact at every cell.

use std::cell::OnceCell;

use crate::geometry::rigid;
use crate::grid::Grid;
use crate::lines::Direction;
use crate::objects::Linkage;

use super::fact::{Fact, Group, Line, Part, Ring};
use super::groups::Groups;

/// The colour of what is not there: beyond the edge, or not to be had.
pub const NONE: u8 = 10;

/// A grid and its groups, worked out when first asked for.
pub struct Scene<'a> {
    pub grid: &'a Grid,
    pub background: u8,
    roles: [u8; 5],
    groups: [OnceCell<Groups>; 4],
}

impl<'a> Scene<'a> {
    pub fn new(grid: &'a Grid) -> Self {
        let background = background(grid);
        let counts = grid.histogram();
        let mut order: Vec<usize> = (0..10).filter(|&c| counts[c] > 0 && c as u8 != background).collect();
        order.sort_by_key(|&c| (usize::MAX - counts[c], c));
        let nth = |n: usize| order.get(n).map_or(NONE, |&c| c as u8);
        let least = order.last().map_or(NONE, |&c| c as u8);
        let roles = [background, nth(0), nth(1), least, grid.cells()[0]];
        Self { grid, background, roles, groups: Default::default() }
    }

    pub fn groups(&self, group: Group) -> &Groups {
        self.groups[group as usize].get_or_init(|| match group {
            Group::Patch => Groups::linked(self.grid, Linkage::BesideAlike, self.background),
            Group::Web => Groups::linked(self.grid, Linkage::AroundAlike, self.background),
            Group::Object => Groups::linked(self.grid, Linkage::Around, self.background),
            Group::Panel => Groups::panels(self.grid, self.background),
        })
    }

    pub fn role(&self, part: Part) -> u8 {
        self.roles[part as usize]
    }

    /// The value of a fact at every cell, in reading order.
    pub fn layer(&self, fact: Fact) -> Vec<u8> {
        let g = self.grid;
        match fact {
            Fact::Role(part) => vec![self.role(part); g.area()],
            Fact::Own => g.cells().to_vec(),
            Fact::Next(d) => self.near(d, 1),
            Fact::Second(d) => self.near(d, 2),
            Fact::Drawn(ring) => self.tally(ring, |_, c| c != self.background && c != NONE),
            Fact::Alike(ring) => self.tally(ring, |own, c| own == c),
            Fact::Touches(ring, colour) => {
                self.tally(ring, |_, c| c == colour).into_iter().map(|n| n.min(1)).collect()
            }
            Fact::Sees(d) => self.sight(d, |_, c| c != self.background).0,
            Fact::Gap(d) => self.sight(d, |_, c| c != self.background).1,
            Fact::Beyond(d) => self.sight(d, |own, c| c != own).0,
            Fact::Count(d) => self.count(d),
            Fact::Nearest => self.nearest().0,
            Fact::Distance => self.nearest().1,
            Fact::Group(group, what) => {
                let groups = self.groups(group);
                (0..g.area()).map(|i| groups.value(what, i, g.width())).collect()
            }
            Fact::With(group, colour) => self.with(group, colour),
            Fact::First(_)
            | Fact::Last(_)
            | Fact::LineMost(_)
            | Fact::LineDrawn(_)
            | Fact::Plain(_)
            | Fact::Fullest(_)
            | Fact::Has(..) => self.line(fact),
            Fact::Within(colour) => self.within(colour),
            Fact::Image(motion) => {
                let image = rigid(g, motion);
                if image.size() == g.size() { image.cells().to_vec() } else { vec![NONE; g.area()] }
            }
            _ => self.place(fact),
        }
    }

    fn each(&self, mut f: impl FnMut(usize, usize) -> usize) -> Vec<u8> {
        let w = self.grid.width();
        (0..self.grid.area()).map(|i| f(i % w, i / w).min(250) as u8).collect()
    }

    fn near(&self, d: Direction, steps: isize) -> Vec<u8> {
        let (dx, dy) = d.step();
        self.each(|x, y| self.grid.at_or(x as isize + steps * dx, y as isize + steps * dy, NONE) as usize)
    }

    fn tally(&self, ring: Ring, counts: impl Fn(u8, u8) -> bool) -> Vec<u8> {
        let directions = match ring {
            Ring::Beside => &Direction::ALL[..4],
            Ring::Around => &Direction::ALL[..],
            Ring::Corners => &Direction::ALL[4..],
        };
        self.each(|x, y| {
            let own = self.grid.at(x, y);
            let hit = |d: &&Direction| {
                let (dx, dy) = d.step();
                counts(own, self.grid.at_or(x as isize + dx, y as isize + dy, NONE))
            };
            directions.iter().filter(hit).count()
        })
    }

    /// The first colour in a direction that `stops` takes, and the cells on the way.
    fn sight(&self, d: Direction, stops: impl Fn(u8, u8) -> bool) -> (Vec<u8>, Vec<u8>) {
        let g = self.grid;
        let (dx, dy) = d.step();
        let mut gaps = vec![0u8; g.area()];
        let mut seen = vec![NONE; g.area()];
        for y in 0..g.height() {
            for x in 0..g.width() {
                let own = g.at(x, y);
                let (mut i, mut j, mut gap) = (x as isize + dx, y as isize + dy, 0);
                let c = loop {
                    match g.at_or(i, j, NONE) {
                        NONE => break NONE,
                        c if stops(own, c) => break c,
                        _ => (i, j, gap) = (i + dx, j + dy, gap + 1),
                    }
                };
                seen[y * g.width() + x] = c;
                gaps[y * g.width() + x] = gap;
            }
        }
        (seen, gaps)
    }

    fn count(&self, d: Direction) -> Vec<u8> {
        let g = self.grid;
        let (dx, dy) = d.step();
        self.each(|x, y| {
            let (mut i, mut j, mut n) = (x as isize + dx, y as isize + dy, 0);
            while let c @ 0..NONE = g.at_or(i, j, NONE) {
                n += usize::from(c != self.background);
                (i, j) = (i + dx, j + dy);
            }
            n
        })
    }

    /// The nearest drawn cell's colour (none on a tie between colours) and its distance.
    fn nearest(&self) -> (Vec<u8>, Vec<u8>) {
        let g = self.grid;
        let (w, h) = (g.width() as isize, g.height() as isize);
        let mut colour: Vec<u8> =
            g.cells().iter().map(|&c| if c == self.background { NONE } else { c }).collect();
        let mut distance: Vec<u8> = colour.iter().map(|&c| if c == NONE { 250 } else { 0 }).collect();
        let mut front: Vec<usize> = (0..g.area()).filter(|&i| distance[i] == 0).collect();
        let mut step = 0;
        while !front.is_empty() {
            step += 1;
            let mut next = Vec::new();
            for &i in &front {
                let (x, y) = (i as isize % w, i as isize / w);
                for d in Direction::ALL {
                    let (nx, ny) = (x + d.step().0, y + d.step().1);
                    if nx < 0 || ny < 0 || nx >= w || ny >= h {
                        continue;
                    }
                    let j = (ny * w + nx) as usize;
                    if distance[j] == 250 {
                        (distance[j], colour[j]) = (step, colour[i]);
                        next.push(j);
                    } else if distance[j] == step && colour[j] != colour[i] {
                        colour[j] = NONE;
                    }
                }
            }
            front = next;
        }
        (colour, distance)
    }

    fn with(&self, group: Group, colour: u8) -> Vec<u8> {
        let groups = self.groups(group);
        let has: Vec<u8> = groups
            .members
            .iter()
            .map(|m| match group {
                Group::Patch | Group::Web => u8::from(m.neighbours >> colour & 1 == 1),
                Group::Object | Group::Panel => u8::from(m.colours[colour as usize % 10] > 0),
            })
            .collect();
        let of = |&l: &u16| (l as usize).checked_sub(1).and_then(|k| has.get(k)).copied().unwrap_or(0);
        groups.labels.iter().map(of).collect()
    }

    fn line(&self, fact: Fact) -> Vec<u8> {
        let (Fact::First(line)
        | Fact::Last(line)
        | Fact::LineMost(line)
        | Fact::LineDrawn(line)
        | Fact::Plain(line)
        | Fact::Fullest(line)
        | Fact::Has(line, _)) = fact
        else {
            return vec![0; self.grid.area()];
        };
        let g = self.grid;
        let (w, h) = (g.width(), g.height());
        let (count, index): (usize, &dyn Fn(usize, usize) -> usize) = match line {
            Line::Row => (h, &|_, y| y),
            Line::Column => (w, &|x, _| x),
            Line::Falling => (w + h, &|x, y| x + h - 1 - y),
            Line::Rising => (w + h, &|x, y| x + y),
        };
        let mut lines: Vec<Vec<u8>> = vec![Vec::new(); count];
        for y in 0..h {
            for x in 0..w {
                lines[index(x, y)].push(g.at(x, y));
            }
        }
        let drawn = |cells: &[u8]| cells.iter().filter(|&&c| c != self.background).count();
        let fullest = lines.iter().map(|l| drawn(l)).max().unwrap_or(0);
        let values: Vec<usize> = lines
            .iter()
            .map(|cells| match fact {
                Fact::First(_) => cells.first().map_or(NONE, |&c| c) as usize,
                Fact::Last(_) => cells.last().map_or(NONE, |&c| c) as usize,
                Fact::LineMost(_) => most(cells, self.background) as usize,
                Fact::LineDrawn(_) => drawn(cells),
                Fact::Plain(_) => usize::from(cells.iter().all(|c| Some(c) == cells.first())),
                Fact::Fullest(_) => usize::from(drawn(cells) == fullest),
                Fact::Has(_, colour) => usize::from(cells.contains(&colour)),
                _ => 0,
            })
            .collect();
        self.each(|x, y| values[index(x, y)])
    }

    fn within(&self, colour: u8) -> Vec<u8> {
        let Some((x0, y0, size)) = self.grid.bounds(|c| c == colour) else {
            return vec![0; self.grid.area()];
        };
        let inside = |v: usize, start: usize, length: usize| v >= start && v < start + length;
        self.each(|x, y| usize::from(inside(x, x0, size.width) && inside(y, y0, size.height)))
    }

    fn place(&self, fact: Fact) -> Vec<u8> {
        let (w, h) = (self.grid.width(), self.grid.height());
        self.each(|x, y| match fact {
            Fact::X2 => x % 2,
            Fact::Y2 => y % 2,
            Fact::Sum2 => (x + y) % 2,
            Fact::X3 => x % 3,
            Fact::Y3 => y % 3,
            Fact::Sum3 => (x + y) % 3,
            Fact::Difference3 => (x + 2 * y) % 3,
            Fact::FromLeft => x,
            Fact::FromRight => w - 1 - x,
            Fact::FromTop => y,
            Fact::FromBottom => h - 1 - y,
            Fact::FromEdge => x.min(y).min(w - 1 - x).min(h - 1 - y),
            _ => 0,
        })
    }
}

/// Black where it is a fair part of the grid, else the most frequent colour.
pub fn background(g: &Grid) -> u8 {
    if g.histogram()[0] * 5 >= g.area() { 0 } else { g.background() }
}

fn most(cells: &[u8], background: u8) -> u8 {
    let mut counts = [0usize; 11];
    for &c in cells {
        counts[c.min(NONE) as usize] += 1;
    }
    let present = (0..10).filter(|&c| counts[c] > 0 && c as u8 != background);
    present.min_by_key(|&c| usize::MAX - counts[c]).map_or(NONE, |c| c as u8)
}
