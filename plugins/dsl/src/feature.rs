//! Properties of cells, drawn as colours: keys that tables look answers up by.

use crate::grid::Grid;
use crate::mask::Mask;
use crate::objects::{Linkage, holes, label};

/// What is known of a cell, as a number from 0 to 9 (9 and above are one).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Feature {
    /// Drawn neighbours side by side.
    Sides,
    /// Drawn neighbours at the corners.
    Corners,
    /// Neighbours of the same colour, all round, less one for 9.
    Kin,
    /// The size of the cell's component.
    Size,
    /// The rank of the component's size among all sizes, largest first.
    Rank,
    /// The same, smallest first.
    RankUp,
    /// The holes of the component.
    Holes,
    /// The width of the component's box.
    Width,
    /// The height of the component's box.
    Height,
    /// Whether the component reaches the edge (2) or not (1).
    Edge,
    /// Whether the component fills its box (2) or not (1).
    Solid,
    /// The order of the component from the left.
    FromLeft,
    /// The order of the component from the top.
    FromTop,
    /// The least frequent colour of the component, diagonal neighbours of any colour included.
    Rare,
    /// The size of the hole that a black cell lies in.
    HoleSize,
    /// Whether the hole is a square (2) or not (1).
    HoleSquare,
    /// Drawn cells of the row.
    RowInk,
    /// Drawn cells of the column.
    ColumnInk,
    /// The main colour of the row.
    RowColour,
    /// The main colour of the column.
    ColumnColour,
    /// Whether column and row are odd: 0 to 3.
    Parity,
    /// Column modulo 3 and row modulo 3: 0 to 8.
    Third,
    /// Rings from the edge.
    Depth,
    /// Steps from the left, from 0.
    Column,
    /// Steps from the top, from 0.
    Row,
    /// Colours of the whole grid.
    Colours,
    /// Components of the whole grid.
    Components,
}

impl Feature {
    pub const ALL: [Self; 27] = [
        Self::Sides,
        Self::Corners,
        Self::Kin,
        Self::Size,
        Self::Rank,
        Self::RankUp,
        Self::Holes,
        Self::Width,
        Self::Height,
        Self::Edge,
        Self::Solid,
        Self::FromLeft,
        Self::FromTop,
        Self::Rare,
        Self::HoleSize,
        Self::HoleSquare,
        Self::RowInk,
        Self::ColumnInk,
        Self::RowColour,
        Self::ColumnColour,
        Self::Parity,
        Self::Third,
        Self::Depth,
        Self::Column,
        Self::Row,
        Self::Colours,
        Self::Components,
    ];
}

const SIDES: [(isize, isize); 4] = [(1, 0), (-1, 0), (0, 1), (0, -1)];
const CORNERS: [(isize, isize); 4] = [(1, 1), (-1, 1), (1, -1), (-1, -1)];

/// Draws a feature of every cell.
pub fn feature(g: &Grid, feature: Feature) -> Option<Grid> {
    let (w, h) = (g.width(), g.height());
    let cap = |n: usize| n.min(9) as u8;
    let drawn = |x: usize, y: usize, around: &[(isize, isize)]| {
        around.iter().filter(|(dx, dy)| g.at_or(x as isize + dx, y as isize + dy, 0) != 0).count()
    };
    let out = match feature {
        Feature::Sides => g.redraw(|x, y| cap(drawn(x, y, &SIDES))),
        Feature::Corners => g.redraw(|x, y| cap(drawn(x, y, &CORNERS))),
        Feature::Kin => g.redraw(|x, y| {
            let kin = SIDES
                .iter()
                .chain(&CORNERS)
                .filter(|(dx, dy)| g.at_or(x as isize + dx, y as isize + dy, 10) == g.at(x, y));
            cap(kin.count())
        }),
        Feature::Size
        | Feature::Rank
        | Feature::RankUp
        | Feature::Holes
        | Feature::Width
        | Feature::Height
        | Feature::Edge
        | Feature::Solid
        | Feature::FromLeft
        | Feature::FromTop => by_component(g, feature, Linkage::AroundAlike),
        Feature::Rare => by_component(g, feature, Linkage::Around),
        Feature::HoleSize => over_holes(g, |hole| cap(hole.ink())),
        Feature::HoleSquare => over_holes(g, |hole| {
            let square = hole.width() == hole.height() && hole.ink() == hole.area();
            1 + u8::from(square)
        }),
        Feature::RowInk => {
            let ink: Vec<u8> = (0..h).map(|y| cap((0..w).filter(|&x| g.at(x, y) != 0).count())).collect();
            g.redraw(|_, y| ink[y])
        }
        Feature::ColumnInk => {
            let ink: Vec<u8> = (0..w).map(|x| cap((0..h).filter(|&y| g.at(x, y) != 0).count())).collect();
            g.redraw(|x, _| ink[x])
        }
        Feature::RowColour => {
            let main: Vec<u8> = (0..h).map(|y| main_of((0..w).map(|x| g.at(x, y)))).collect();
            g.redraw(|_, y| main[y])
        }
        Feature::ColumnColour => {
            let main: Vec<u8> = (0..w).map(|x| main_of((0..h).map(|y| g.at(x, y)))).collect();
            g.redraw(|x, _| main[x])
        }
        Feature::Parity => g.redraw(|x, y| (x % 2 + 2 * (y % 2)) as u8),
        Feature::Third => g.redraw(|x, y| (x % 3 + 3 * (y % 3)) as u8),
        Feature::Depth => g.redraw(|x, y| cap(x.min(y).min(w - 1 - x).min(h - 1 - y))),
        Feature::Column => g.redraw(|x, _| cap(x)),
        Feature::Row => g.redraw(|_, y| cap(y)),
        Feature::Colours => {
            let n = cap(g.colours());
            g.map(|_| n)
        }
        Feature::Components => {
            let n = cap(label(g, Linkage::AroundAlike, |c| c != 0).1);
            g.map(|_| n)
        }
    };
    (out.ink() > 0).then_some(out)
}

fn main_of(line: impl Iterator<Item = u8>) -> u8 {
    let mut counts = [0; 10];
    line.for_each(|c| counts[c as usize] += 1);
    (1..10u8).filter(|&c| counts[c as usize] > 0).max_by_key(|&c| (counts[c as usize], 10 - c)).unwrap_or(0)
}

fn over_holes(g: &Grid, value: impl Fn(&Grid) -> u8) -> Grid {
    let mut out = g.map(|_| 0);
    for hole in holes(g) {
        let v = value(&hole);
        let painted = hole.map(|c| if c == 0 { 0 } else { v });
        out.draw(&painted);
    }
    out
}

/// What is measured of one component.
#[derive(Clone, Copy)]
struct Extent {
    x0: usize,
    y0: usize,
    x1: usize,
    y1: usize,
    size: usize,
    counts: [usize; 10],
}

fn by_component(g: &Grid, feature: Feature, linkage: Linkage) -> Grid {
    let (w, h) = (g.width(), g.height());
    let (labels, count) = label(g, linkage, |c| c != 0);
    let blank = Extent { x0: w, y0: h, x1: 0, y1: 0, size: 0, counts: [0; 10] };
    let mut all = vec![blank; count];
    for (i, &l) in labels.iter().enumerate() {
        if l != 0 {
            let (x, y) = (i % w, i / w);
            let e = &mut all[l as usize - 1];
            e.x0 = e.x0.min(x);
            e.y0 = e.y0.min(y);
            e.x1 = e.x1.max(x);
            e.y1 = e.y1.max(y);
            e.size += 1;
            e.counts[g.cells()[i] as usize] += 1;
        }
    }
    let rank = |key: &dyn Fn(&Extent) -> isize| -> Vec<usize> {
        let mut keys: Vec<isize> = all.iter().map(key).collect();
        keys.sort_unstable();
        keys.dedup();
        all.iter().map(|e| 1 + keys.binary_search(&key(e)).unwrap_or(0)).collect()
    };
    let values: Vec<usize> = match feature {
        Feature::Rank => rank(&|e| -(e.size as isize)),
        Feature::RankUp => rank(&|e| e.size as isize),
        Feature::FromLeft => rank(&|e| e.x0 as isize),
        Feature::FromTop => rank(&|e| e.y0 as isize),
        Feature::Width => all.iter().map(|e| e.x1 + 1 - e.x0).collect(),
        Feature::Height => all.iter().map(|e| e.y1 + 1 - e.y0).collect(),
        Feature::Edge => all
            .iter()
            .map(|e| 1 + usize::from(e.x0 == 0 || e.y0 == 0 || e.x1 == w - 1 || e.y1 == h - 1))
            .collect(),
        Feature::Solid => {
            all.iter().map(|e| 1 + usize::from(e.size == (e.x1 + 1 - e.x0) * (e.y1 + 1 - e.y0))).collect()
        }
        Feature::Holes => hole_counts(g, &labels, count),
        Feature::Rare => all
            .iter()
            .map(|e| (1..10).filter(|&c| e.counts[c] > 0).min_by_key(|&c| e.counts[c]).unwrap_or(0))
            .collect(),
        _ => all.iter().map(|e| e.size).collect(),
    };
    let cells =
        labels.iter().map(|&l| if l == 0 { 0 } else { values[l as usize - 1].min(9) as u8 }).collect();
    g.with_cells(cells)
}

/// For each component, one more than the black regions that only it surrounds.
fn hole_counts(g: &Grid, labels: &[u16], count: usize) -> Vec<usize> {
    let w = g.width();
    let inner = Mask::enclosed(g);
    if inner.is_empty() {
        return vec![1; count];
    }
    let black = g.with_cells(inner.flags(w).map(u8::from).collect());
    let (regions, n) = label(&black, Linkage::BesideAlike, |c| c != 0);
    let mut wall = vec![0u16; n];
    let mut shared = vec![false; n];
    for (i, &r) in regions.iter().enumerate() {
        if r == 0 {
            continue;
        }
        for j in [i.wrapping_sub(1), i + 1, i.wrapping_sub(w), i + w] {
            let l = labels.get(j).copied().unwrap_or(0);
            if l != 0 {
                let known = &mut wall[r as usize - 1];
                shared[r as usize - 1] |= *known != 0 && *known != l;
                *known = l;
            }
        }
    }
    let mut counts = vec![1; count];
    for (r, &l) in wall.iter().enumerate() {
        if l != 0 && !shared[r] {
            counts[l as usize - 1] += 1;
        }
    }
    counts
}
