//! Two parts with different roles.

use super::cut::Parts;
use super::keep::{Keep, Measure};
use crate::geometry;
use crate::grid::{Grid, Size};

/// How the second part meets the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PairOp {
    /// The second, stretched to the first, shows where the first has ink.
    MaskUp,
    /// The second, stretched to the first, shows where the first is black.
    HoleUp,
    /// The second shows where the first, shrunk to it, has ink.
    MaskDown,
    /// The second shows where the first, shrunk to it, is black.
    HoleDown,
    /// The first's shape in place of each cell of the second, in that cell's colour.
    Stamp,
    /// The second's shape in place of each cell of the first, in that cell's colour.
    Print,
    /// The second, stretched, fills the inside of the first, which is a frame.
    Inset,
}

impl PairOp {
    pub const ALL: [Self; 7] =
        [Self::MaskUp, Self::HoleUp, Self::MaskDown, Self::HoleDown, Self::Stamp, Self::Print, Self::Inset];

    /// Draws the pair; the first part is the one with the most of a measure, the second all others.
    pub(super) fn draw(self, parts: &Parts, by: Measure, input: &Grid) -> Option<Grid> {
        let values = by.of(&parts.list, input);
        let found = Keep::Most(by).among(&values)?;
        let &[index] = found.as_slice() else { return None };
        let first = &parts.list[index];
        let second = rest(parts, index)?;
        let shown = |shape: &Grid, colours: &Grid, ink: bool| {
            Some(colours.redraw(|x, y| if (shape.at(x, y) != 0) == ink { colours.at(x, y) } else { 0 }))
        };
        match self {
            Self::MaskUp | Self::HoleUp => {
                shown(first, &stretch(&second, first.size())?, self == Self::MaskUp)
            }
            Self::MaskDown | Self::HoleDown => {
                shown(&shrink(first, second.size())?, &second, self == Self::MaskDown)
            }
            Self::Stamp => stamp(first, &second),
            Self::Print => stamp(&second, first),
            Self::Inset => {
                let inside = geometry::peel(first)?;
                let fitted = stretch(&second, inside.size())?.moved_to(inside.x, inside.y);
                let mut out = first.clone();
                out.draw(&fitted);
                Some(out)
            }
        }
    }
}

/// The other parts as one: alone, or as the lattice has them with empty parts left out.
fn rest(parts: &Parts, index: usize) -> Option<Grid> {
    let others: Vec<usize> =
        (0..parts.list.len()).filter(|&i| i != index && parts.list[i].ink() > 0).collect();
    let &first = others.first()?;
    if others.len() == 1 {
        return Some(parts.list[first].clone());
    }
    let across = parts.across.checked_sub(1)? + 1;
    let mut columns: Vec<usize> = others.iter().map(|i| i % across).collect();
    let mut rows: Vec<usize> = others.iter().map(|i| i / across).collect();
    for lines in [&mut columns, &mut rows] {
        lines.sort_unstable();
        lines.dedup();
    }
    let size = parts.list[first].size();
    let full = others.len() == columns.len() * rows.len();
    if !full || others.iter().any(|&i| parts.list[i].size() != size) {
        return None;
    }
    let (w, h) = (size.width, size.height);
    Grid::build(Size::new(w * columns.len(), h * rows.len()), |x, y| {
        parts.list[rows[y / h] * across + columns[x / w]].at(x % w, y % h)
    })
}

/// A shape in place of each cell, in that cell's colour.
fn stamp(shape: &Grid, cells: &Grid) -> Option<Grid> {
    let (w, h) = (shape.width(), shape.height());
    let size = Size::new(cells.width() * w, cells.height() * h);
    Grid::build(size, |x, y| if shape.at(x % w, y % h) == 0 { 0 } else { cells.at(x / w, y / h) })
}

fn stretch(g: &Grid, size: Size) -> Option<Grid> {
    if !size.width.is_multiple_of(g.width()) || !size.height.is_multiple_of(g.height()) {
        return None;
    }
    let (kx, ky) = (size.width / g.width(), size.height / g.height());
    Grid::build(size, |x, y| g.at(x / kx, y / ky))
}

/// Takes one cell of each block; every block must be of one colour.
fn shrink(g: &Grid, size: Size) -> Option<Grid> {
    if !g.width().is_multiple_of(size.width) || !g.height().is_multiple_of(size.height) {
        return None;
    }
    let (kx, ky) = (g.width() / size.width, g.height() / size.height);
    let small = Grid::build(size, |x, y| g.at(x * kx, y * ky))?;
    let exact = (0..g.height()).all(|y| (0..g.width()).all(|x| g.at(x, y) == small.at(x / kx, y / ky)));
    exact.then_some(small)
}
