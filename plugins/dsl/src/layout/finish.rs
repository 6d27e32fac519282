//! Last steps on what has been laid out.

use crate::geometry;
use crate::grid::{Grid, Size};
use crate::transform::Transform;

/// A last step.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Finish {
    /// A transform of grids.
    Step(Transform),
    /// Each block of the largest size that fits becomes a cell.
    Shrink,
    /// Each cell becomes a block of so many cells across and down.
    Stretch(u8, u8),
    /// Colours are renamed.
    Recolour(Vec<(u8, u8)>),
    /// Painted in the input's most frequent colour that the grid does not have, black left out.
    PaintOther,
}

impl Finish {
    /// Runs the step; none where it does not apply.
    pub fn apply(&self, g: &Grid, input: &Grid) -> Option<Grid> {
        let origin = g.clone().moved_to(0, 0);
        match self {
            Self::Step(step) => super::prepare(*step, &origin),
            Self::Shrink => {
                (2..=g.width().min(g.height())).rev().find_map(|k| geometry::scale_down(&origin, k))
            }
            Self::Stretch(w, h) => {
                let (w, h) = (*w as usize, *h as usize);
                if w == 0 || h == 0 {
                    return None;
                }
                let size = Size::new(g.width() * w, g.height() * h);
                Grid::build(size, |x, y| g.at(x / w, y / h))
            }
            Self::Recolour(rows) => {
                Some(origin.map(|c| rows.iter().find(|(from, _)| *from == c).map_or(c, |(_, to)| *to)))
            }
            Self::PaintOther => {
                let (own, all) = (g.histogram(), input.histogram());
                let others = (1..10).rev().filter(|&c| own[c] == 0 && all[c] > 0);
                let colour = others.max_by_key(|&c| all[c])? as u8;
                Some(crate::colour::paint(&origin, colour))
            }
        }
    }
}
