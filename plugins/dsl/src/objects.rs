//! Connected components, enclosed regions and what can be measured of them.

use crate::geometry::{Rigid, is_symmetric};
use crate::grid::{Grid, Size};
use crate::mask::Mask;

/// What makes neighbouring cells one component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Linkage {
    /// Side by side or diagonal, of any colour.
    Around,
    /// Side by side or diagonal, of one colour.
    AroundAlike,
    /// Side by side, of one colour.
    BesideAlike,
    /// Side by side, of any colour.
    Beside,
}

impl Linkage {
    pub const ALL: [Self; 4] = [Self::Around, Self::AroundAlike, Self::BesideAlike, Self::Beside];

    fn diagonal(self) -> bool {
        matches!(self, Self::Around | Self::AroundAlike)
    }

    fn same_colour(self) -> bool {
        matches!(self, Self::AroundAlike | Self::BesideAlike)
    }
}

/// Components by cell: a label for each cell (0 where `inside` refuses), and how many there are.
///
/// Labels rise in reading order of each component's first cell.
pub fn label(g: &Grid, linkage: Linkage, inside: impl Fn(u8) -> bool) -> (Vec<u16>, usize) {
    let (w, alike, diagonal) = (g.width(), linkage.same_colour(), linkage.diagonal());
    let mut labels = vec![0u16; g.area()];
    // The lowest label that each is known to be one with; label 0 is nobody's.
    let mut roots = vec![0u16];
    for y in 0..g.height() {
        let row = g.row(y);
        let (above, here) = labels.split_at_mut(y * w);
        let above = if y > 0 { Some((g.row(y - 1), &above[(y - 1) * w..])) } else { None };
        for x in 0..w {
            let c = row[x];
            if !inside(c) {
                continue;
            }
            let mut mine = 0;
            let mut link = |label: u16, colour: u8| {
                if label != 0 && label != mine && (!alike || colour == c) {
                    mine = if mine == 0 { label } else { unite(&mut roots, mine, label) };
                }
            };
            if let Some((row, labels)) = above {
                link(labels[x], row[x]);
                if diagonal && x > 0 {
                    link(labels[x - 1], row[x - 1]);
                }
                if diagonal && x + 1 < w {
                    link(labels[x + 1], row[x + 1]);
                }
            }
            if x > 0 {
                link(here[x - 1], row[x - 1]);
            }
            if mine == 0 {
                mine = roots.len() as u16;
                roots.push(mine);
            }
            here[x] = mine;
        }
    }
    let count = number(&mut roots);
    labels.iter_mut().for_each(|l| *l = roots[*l as usize]);
    (labels, count)
}

fn root(roots: &[u16], mut label: u16) -> u16 {
    while roots[label as usize] != label {
        label = roots[label as usize];
    }
    label
}

/// Makes two labels one, by the lower of their roots.
fn unite(roots: &mut [u16], a: u16, b: u16) -> u16 {
    let (a, b) = (root(roots, a), root(roots, b));
    let low = a.min(b);
    roots[a.max(b) as usize] = low;
    low
}

/// Numbers the roots from 1 without a gap, and every other label as its root; says how many there are.
fn number(roots: &mut [u16]) -> usize {
    let mut count = 0;
    for label in 1..roots.len() {
        let up = roots[label] as usize;
        // What a label points to lies below it, and has its number already.
        roots[label] = if up == label {
            count += 1;
            count
        } else {
            roots[up]
        };
    }
    count as usize
}

/// The components of the non-black cells as grids of their own, in reading order.
pub fn components(g: &Grid, linkage: Linkage) -> Vec<Grid> {
    let (labels, count) = label(g, linkage, |c| c != 0);
    parts(g, &labels, count)
}

/// The regions of black cells that do not reach the edge, painted 1, in reading order.
pub fn holes(g: &Grid) -> Vec<Grid> {
    let inner = Mask::enclosed(g);
    if inner.is_empty() {
        return Vec::new();
    }
    let black = g.with_cells(inner.flags(g.width()).map(u8::from).collect());
    let (labels, count) = label(&black, Linkage::BesideAlike, |c| c != 0);
    parts(&black, &labels, count)
}

/// The cells of each label as a grid of their own.
pub(crate) fn parts(g: &Grid, labels: &[u16], count: usize) -> Vec<Grid> {
    let w = g.width();
    let mut boxes = vec![(usize::MAX, usize::MAX, 0, 0); count];
    for (y, row) in labels.chunks_exact(w).enumerate() {
        for (x, &l) in row.iter().enumerate().filter(|(_, l)| **l != 0) {
            let b = &mut boxes[l as usize - 1];
            *b = (b.0.min(x), b.1.min(y), b.2.max(x), y);
        }
    }
    let blank = |&(x0, y0, x1, y1): &(usize, usize, usize, usize)| {
        let part = Grid::filled(Size::new(x1 + 1 - x0, y1 + 1 - y0), 0)?;
        Some(part.moved_to(g.x.saturating_add(x0 as i16), g.y.saturating_add(y0 as i16)))
    };
    let mut parts: Vec<Grid> = boxes.iter().filter_map(blank).collect();
    for (y, (row, cells)) in labels.chunks_exact(w).zip(g.cells().chunks_exact(w)).enumerate() {
        for (x, (&l, &c)) in row.iter().zip(cells).enumerate() {
            if let Some(k) = (l as usize).checked_sub(1) {
                parts[k].set(x - boxes[k].0, y - boxes[k].1, c);
            }
        }
    }
    parts
}

/// What tells one grid of a list from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Property {
    /// Cells that are not black.
    Ink,
    /// Cells of the box.
    Area,
    Width,
    Height,
    /// Ink over area.
    Density,
    /// Colours but black.
    Colours,
    /// Cells that are not of the main colour, nor black.
    Minority,
    /// Components, side by side or diagonal, of any colour.
    Components,
    /// Black regions that do not reach the edge.
    Holes,
    /// How far to the right.
    Right,
    /// How far down.
    Down,
    /// Symmetries that hold, of flips and transposes.
    Symmetry,
    /// How many grids of the list equal it, wherever they are.
    Copies,
    /// How many grids of the list have its shape, whatever their colours.
    ShapeCopies,
    /// How many grids of the list share its main colour.
    ColourCopies,
    /// The main colour's number.
    Colour,
}

impl Property {
    pub const ALL: [Self; 16] = [
        Self::Ink,
        Self::Area,
        Self::Width,
        Self::Height,
        Self::Density,
        Self::Colours,
        Self::Minority,
        Self::Components,
        Self::Holes,
        Self::Right,
        Self::Down,
        Self::Symmetry,
        Self::Copies,
        Self::ShapeCopies,
        Self::ColourCopies,
        Self::Colour,
    ];

    /// The property of every grid of a list.
    pub fn measure(self, list: &[Grid]) -> Vec<i32> {
        let tally = |keys: Vec<u64>| {
            keys.iter().map(|k| keys.iter().filter(|other| *other == k).count() as i32).collect()
        };
        match self {
            Self::Copies => tally(list.iter().map(content_hash).collect()),
            Self::ShapeCopies => {
                tally(list.iter().map(|g| content_hash(&g.map(|c| u8::from(c != 0)))).collect())
            }
            Self::ColourCopies => tally(list.iter().map(|g| u64::from(g.main_colour())).collect()),
            _ => list.iter().map(|g| self.of(g)).collect(),
        }
    }

    fn of(self, g: &Grid) -> i32 {
        let measured = match self {
            Self::Ink => g.ink(),
            Self::Area => g.area(),
            Self::Width => g.width(),
            Self::Height => g.height(),
            Self::Density => g.ink() * 10_000 / g.area(),
            Self::Colours => g.colours(),
            Self::Minority => g.ink() - g.histogram()[g.main_colour().max(1) as usize],
            Self::Components => label(g, Linkage::Around, |c| c != 0).1,
            Self::Holes => holes(g).len(),
            Self::Right => return 2 * i32::from(g.x) + g.width() as i32,
            Self::Down => return 2 * i32::from(g.y) + g.height() as i32,
            Self::Symmetry => Rigid::ALL.iter().filter(|&&m| is_symmetric(g, m)).count(),
            Self::Colour => g.main_colour() as usize,
            Self::Copies | Self::ShapeCopies | Self::ColourCopies => 1,
        };
        measured as i32
    }
}

fn content_hash(g: &Grid) -> u64 {
    g.clone().moved_to(0, 0).fingerprint()
}
