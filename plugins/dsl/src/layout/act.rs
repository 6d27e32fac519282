//! What is laid out from the parts.

use super::assemble::Puzzle;
use super::cut::Parts;
use super::hidden;
use super::keep::Measure;
use super::line::Line;
use super::merge::Merge;
use super::pair::PairOp;
use super::redraw::Redraw;
use super::series::{self, Draw};
use super::stamp::Stamp;
use super::tiling::Tiling;
use crate::grid::Grid;

/// How a part is read as one cell.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reading {
    /// Its most frequent colour, black included.
    Most,
    /// Its most frequent colour but black.
    Main,
    /// Its least frequent colour but black.
    Least,
    /// A colour looked up by a measure.
    Table(Measure, Vec<(i32, u8)>),
}

impl Reading {
    /// The cell of every part.
    pub(super) fn read(&self, list: &[Grid], input: &Grid) -> Option<Vec<u8>> {
        match self {
            Self::Most => Some(list.iter().map(Grid::background).collect()),
            Self::Main => Some(list.iter().map(Grid::main_colour).collect()),
            Self::Least => Some(list.iter().map(least_colour).collect()),
            Self::Table(measure, rows) => {
                let find = |v: i32| rows.iter().find(|(key, _)| *key == v).map(|(_, c)| *c);
                measure.of(list, input).into_iter().map(find).collect()
            }
        }
    }
}

fn least_colour(g: &Grid) -> u8 {
    let counts = g.histogram();
    (1..10).filter(|&c| counts[c] > 0).min_by_key(|&c| counts[c]).unwrap_or(0) as u8
}

/// What a whole answer is looked up by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lookup {
    /// How many parts there are.
    Number,
    /// A measure of the only part, or of parts that agree.
    By(Measure),
}

impl Lookup {
    /// The value for one input.
    pub fn value(self, parts: &Parts, input: &Grid) -> Option<i32> {
        match self {
            Self::Number => i32::try_from(parts.list.len()).ok(),
            Self::By(measure) => {
                let values = measure.of(&parts.list, input);
                let &first = values.first()?;
                values.iter().all(|&v| v == first).then_some(first)
            }
        }
    }
}

/// What is laid out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    /// The only part, or parts that are alike.
    Take,
    /// Parts of one size, one over the other.
    Merge(Merge),
    /// One cell for each part of a lattice; parts that form none are arranged by their places.
    Summary(Reading),
    /// Parts in the order of a measure, falling where true, as cells or bars.
    Series(Measure, bool, Draw),
    /// Parts in the order of a measure, falling where true, beside or below each other.
    Line(Measure, bool, Line),
    /// One of the answers that have been seen.
    Table(Lookup, Vec<(i32, Grid)>),
    /// Parts fitted together.
    Puzzle(Puzzle),
    /// Two parts that play different roles: the first has the most of a measure.
    Pair(Measure, PairOp),
    /// What a patch of one colour hides, by the symmetry of the input.
    Hidden(u8),
    /// Copies of the only part.
    Tiling(Tiling),
    /// The input again, its parts drawn anew.
    Redraw(Redraw),
    /// The only part again, its templates drawn wherever their marks are.
    Stamp(Stamp),
}

impl Act {
    /// Lays out the answer; none where the parts do not allow it.
    pub fn draw(&self, parts: &Parts, input: &Grid) -> Option<Grid> {
        let drawn = match self {
            Self::Take => only(&parts.list)?.clone(),
            Self::Merge(merge) => merge.draw(&parts.list)?,
            Self::Summary(reading) => {
                let cells = reading.read(&parts.list, input)?;
                let (size, places) = parts.places()?;
                let mut out = Grid::filled(size, 0)?;
                for ((x, y), colour) in places.into_iter().zip(cells) {
                    out.set(x, y, colour.min(9));
                }
                out
            }
            Self::Line(measure, falling, line) => line.draw(&parts.list, *measure, *falling, input)?,
            Self::Series(measure, falling, draw) => {
                series::draw(&parts.list, *measure, *falling, *draw, input)?
            }
            Self::Table(lookup, rows) => {
                let value = lookup.value(parts, input)?;
                rows.iter().find(|(key, _)| *key == value)?.1.clone()
            }
            Self::Puzzle(puzzle) => puzzle.draw(&parts.list)?,
            Self::Pair(measure, op) => op.draw(parts, *measure, input)?,
            Self::Hidden(colour) => hidden::uncover(only(&parts.list)?, *colour)?,
            Self::Tiling(tiling) => tiling.draw(only(&parts.list)?)?,
            Self::Redraw(redraw) => redraw.draw(parts, input)?,
            Self::Stamp(stamp) => stamp.draw(only(&parts.list)?)?,
        };
        Some(drawn.moved_to(0, 0))
    }
}

/// The only part, or the first of parts that are alike.
fn only(list: &[Grid]) -> Option<&Grid> {
    let first = list.first()?;
    let alike = list.iter().all(|g| g.size() == first.size() && g.cells() == first.cells());
    alike.then_some(first)
}
