//! Parts beside or below each other.

use super::keep::Measure;
use super::series;
use crate::grid::{Grid, Size};

/// Where parts of different sizes stand across the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Align {
    Start,
    Middle,
    End,
}

impl Align {
    pub const ALL: [Self; 3] = [Self::Start, Self::Middle, Self::End];
}

/// A line of parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Line {
    /// One below the other rather than beside.
    pub down: bool,
    pub align: Align,
    /// Black lines between neighbours.
    pub gap: u8,
}

impl Line {
    /// Every line.
    pub fn all() -> Vec<Self> {
        let ways = [false, true].into_iter().flat_map(|down| Align::ALL.map(|align| (down, align)));
        ways.flat_map(|(down, align)| [0, 1].map(|gap| Self { down, align, gap })).collect()
    }

    /// Draws the parts in the order of a measure; none where they do not fit.
    pub(super) fn draw(self, list: &[Grid], by: Measure, falling: bool, input: &Grid) -> Option<Grid> {
        let along = |g: &Grid| if self.down { g.height() } else { g.width() };
        let across = |g: &Grid| if self.down { g.width() } else { g.height() };
        let gaps = list.len().checked_sub(1).filter(|n| *n > 0)? * usize::from(self.gap);
        let length = list.iter().map(along).sum::<usize>() + gaps;
        let breadth = list.iter().map(across).max()?;
        let size = if self.down { Size::new(breadth, length) } else { Size::new(length, breadth) };
        let mut out = Grid::filled(size, 0)?;
        let mut at = 0;
        for i in series::order(list, by, falling, input) {
            let spare = breadth - across(&list[i]);
            let side = match self.align {
                Align::Start => 0,
                Align::Middle => spare / 2,
                Align::End => spare,
            };
            let (x, y) = if self.down { (side, at) } else { (at, side) };
            out.draw(&list[i].clone().moved_to(x as i16, y as i16));
            at += along(&list[i]) + usize::from(self.gap);
        }
        Some(out)
    }
}
