//! Transforms as data: what a search enumerates, prints, stores and runs.

use std::sync::OnceLock;

use crate::canvas::{self, Fit};
use crate::colour::{self, Role};
use crate::feature::{self, Feature};
use crate::geometry::{self, Half, Rigid};
use crate::grid::{Grid, Size};
use crate::lines::{self, Axis, Direction, Rays};
use crate::lists::{self, Choice, Join, Split, Use};
use crate::measure::{self, Form, Quantity};
pub use crate::parse_error::ParseError;
use crate::repair::{self, Lattice, Mirror};
use crate::shape;
pub use crate::value::Value;

/// One step of a program.
///
/// Steps on single grids apply to every grid of a list; those that yield nothing drop out of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transform {
    /// Keeps one colour: `keep 3` turns `1302` into `0300`. `keep 0` marks the black cells with 1.
    Keep(u8),
    /// Keeps the colour that plays a part: `keep least`.
    KeepRole(Role),
    /// Blackens one colour.
    Erase(u8),
    /// Blackens the colour that plays a part.
    EraseRole(Role),
    /// Paints all that is not black: `paint 4` turns `1302` into `4404`.
    Paint(u8),
    /// Paints all that is not black in the colour that plays a part.
    PaintRole(Role),
    /// Fills the box with the main colour: `0200` becomes `2222`.
    Flood,
    /// Exchanges the only two colours.
    Exchange,
    /// Exchanges black and the main colour.
    Negative,
    /// One cell of the main colour.
    MainCell,
    /// Crops to what is not black.
    Trim,
    /// Crops to what differs from the most frequent colour.
    TrimBackground,
    /// Moves to the top left.
    ToOrigin,
    /// Removes the outer ring.
    Peel,
    /// Crops to a half.
    Half(Half),
    /// Merges equal neighbouring lines.
    DedupeLines,
    /// Removes lines of one colour.
    DropPlainLines,
    /// Removes black lines.
    DropBlackLines,
    /// Enlarges each cell to a block.
    ScaleUp(u8),
    /// Shrinks each block to a cell.
    ScaleDown(u8),
    /// Copies: so many across, so many down.
    Tile(u8, u8),
    /// Copies, every other one flipped.
    MirrorTile(u8, u8),
    /// Draws the grid in place of each of its cells.
    Fractal,
    /// Turns or flips.
    Rigid(Rigid),
    /// Fills holes with the main colour.
    Fill,
    /// Only the holes, in the main colour.
    Interior,
    /// Fills each hole with the colour of its own wall.
    FloodHoles,
    /// Only the cells next to black or the edge.
    Outline,
    /// Only the other cells.
    Core,
    /// Marks the black cells beside the drawing, diagonals included where true.
    Halo(bool),
    /// A frame around the box.
    Frame,
    /// Grows the colours over black, diagonally too where true.
    Spread(bool),
    /// Shoots rays over black.
    Smear(Rays),
    /// Lets cells fall.
    Gravity(Direction),
    /// Joins like colours along lines.
    Connect(Axis),
    /// Shifts by a cell.
    Shift(Direction),
    /// Shifts by a cell, coming back on the other side.
    Roll(Direction),
    /// The colour seen first in a direction.
    Sight(Direction),
    /// Completes from the image about the middle.
    FillMirrored(Rigid),
    /// Completes from the image about the best axis.
    Symmetrize(Mirror),
    /// Completes a repeating pattern.
    Continue(Lattice),
    /// Completes from like patches.
    Patches,
    /// Takes apart.
    Split(Split),
    /// Picks one of a list.
    Pick(Choice),
    /// Picks all that qualify.
    PickAll(Choice),
    /// Picks all that do not qualify.
    DropAll(Choice),
    /// Puts a list together.
    Join(Join),
    /// A property of each cell, as a number.
    Feature(Feature),
    /// Draws a count.
    Count(Quantity, Form),
    /// Brings to the size of the answer.
    Fit(Fit),
}

/// What a transform takes and gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Grid to grid, each grid of a list by itself.
    Each,
    /// Grid to list.
    Split,
    /// List to grid.
    Join,
    /// List to list.
    Filter,
}

impl Transform {
    /// What the transform takes and gives.
    pub fn kind(self) -> Kind {
        match self {
            Self::Split(_) => Kind::Split,
            Self::Pick(_) | Self::Join(_) => Kind::Join,
            Self::PickAll(_) | Self::DropAll(_) => Kind::Filter,
            _ => Kind::Each,
        }
    }

    /// Whether the transform needs the size of the answer.
    pub fn needs_canvas(self) -> bool {
        matches!(self, Self::Fit(_))
    }

    /// Runs the transform; none where it does not apply to this value.
    pub fn apply(self, value: &Value, canvas: Option<Size>) -> Option<Value> {
        match (self, value) {
            (Self::Split(how), Value::One(g)) => lists::split(g, how).map(Value::Many),
            (Self::Pick(choice) | Self::PickAll(choice) | Self::DropAll(choice), Value::Many(l)) => {
                self.choose(l, &choice.property().measure(l))
            }
            (Self::Join(how), Value::Many(l)) => lists::join(l, how).map(Value::One),
            _ if self.kind() != Kind::Each => None,
            (_, Value::One(g)) => self.draw(g, canvas).map(Value::One),
            (_, Value::Many(list)) => {
                let drawn: Vec<Grid> = list.iter().filter_map(|g| self.draw(g, canvas)).collect();
                lists::bounded(drawn).map(Value::Many)
            }
            _ => None,
        }
    }

    /// The choice that a choosing transform makes.
    pub fn choice(self) -> Option<Choice> {
        match self {
            Self::Pick(choice) | Self::PickAll(choice) | Self::DropAll(choice) => Some(choice),
            _ => None,
        }
    }

    /// Runs a choosing transform on a list whose property has been measured already: many choices
    /// go by one property.
    pub fn choose(self, list: &[Grid], values: &[i32]) -> Option<Value> {
        let choice = self.choice()?;
        match self {
            Self::Pick(_) => lists::choose(list, values, choice, Use::One)?.pop().map(Value::One),
            Self::PickAll(_) => lists::choose(list, values, choice, Use::All).map(Value::Many),
            _ => lists::choose(list, values, choice, Use::Others).map(Value::Many),
        }
    }

    /// Runs a transform of `Kind::Each` on one grid.
    fn draw(self, g: &Grid, canvas: Option<Size>) -> Option<Grid> {
        match self {
            Self::Keep(c) => Some(colour::keep(g, c)).filter(|k| k.ink() > 0),
            Self::KeepRole(role) => Some(colour::keep(g, role.colour(g)?)),
            Self::Erase(c) => colour::erase(g, c),
            Self::EraseRole(role) => colour::erase(g, role.colour(g)?),
            Self::Paint(c) => Some(colour::paint(g, c)),
            Self::PaintRole(role) => Some(colour::paint(g, role.colour(g)?)),
            Self::Flood => Some(colour::flood(g, g.main_colour())),
            Self::Exchange => colour::exchange(g),
            Self::Negative => colour::negative(g),
            Self::MainCell => colour::main_cell(g),
            Self::Trim => geometry::trim(g),
            Self::TrimBackground => geometry::trim_background(g),
            Self::ToOrigin => Some(g.clone().moved_to(0, 0)),
            Self::Peel => geometry::peel(g),
            Self::Half(part) => geometry::half(g, part),
            Self::DedupeLines => geometry::dedupe_lines(g),
            Self::DropPlainLines => geometry::drop_plain_lines(g),
            Self::DropBlackLines => geometry::drop_black_lines(g),
            Self::ScaleUp(k) => geometry::scale_up(g, k as usize),
            Self::ScaleDown(k) => geometry::scale_down(g, k as usize),
            Self::Tile(a, d) => geometry::tile(g, a as usize, d as usize, false),
            Self::MirrorTile(a, d) => geometry::tile(g, a as usize, d as usize, true),
            Self::Fractal => geometry::fractal(g),
            Self::Rigid(motion) => Some(geometry::rigid(g, motion)),
            Self::Fill => Some(shape::fill(g)),
            Self::Interior => shape::interior(g),
            Self::FloodHoles => shape::flood_holes(g),
            Self::Outline => Some(shape::outline(g)),
            Self::Core => shape::core(g),
            Self::Halo(diagonal) => shape::halo(g, diagonal),
            Self::Frame => shape::frame(g),
            Self::Spread(diagonal) => shape::spread(g, diagonal),
            Self::Smear(rays) => Some(lines::smear(g, rays)),
            Self::Gravity(d) => Some(lines::gravity(g, d)),
            Self::Connect(axis) => Some(lines::connect(g, axis)),
            Self::Shift(d) => Some(lines::shift(g, d, false)),
            Self::Roll(d) => Some(lines::shift(g, d, true)),
            Self::Sight(d) => Some(lines::sight(g, d)),
            Self::FillMirrored(motion) => repair::fill_mirrored(g, motion),
            Self::Symmetrize(mirror) => repair::symmetrize(g, mirror),
            Self::Continue(lattice) => repair::continue_pattern(g, lattice),
            Self::Patches => repair::fill_from_patches(g),
            Self::Feature(f) => feature::feature(g, f),
            Self::Count(quantity, form) => measure::count(g, quantity, form),
            Self::Fit(how) => canvas::fit(g, how, canvas?),
            Self::Split(_) | Self::Pick(_) | Self::PickAll(_) | Self::DropAll(_) | Self::Join(_) => None,
        }
    }

    /// Every transform, in a fixed order.
    pub fn all() -> &'static [Self] {
        static ALL: OnceLock<Vec<Transform>> = OnceLock::new();
        ALL.get_or_init(crate::transform_all::enumerate)
    }
}
