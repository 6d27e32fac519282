//! Counting, with the count drawn as a grid.

use crate::grid::{Grid, Size};
use crate::objects::{Linkage, label};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quantity {
    Ink,
    Colours,
    /// Components of one colour, diagonals included.
    Components,
    /// Two by two blocks of one colour.
    Squares,
}

impl Quantity {
    pub const ALL: [Self; 4] = [Self::Ink, Self::Colours, Self::Components, Self::Squares];

    /// The count.
    pub fn of(self, g: &Grid) -> usize {
        match self {
            Self::Ink => g.ink(),
            Self::Colours => g.colours(),
            Self::Components => label(g, Linkage::AroundAlike, |c| c != 0).1,
            Self::Squares => (1..g.height())
                .flat_map(|y| (1..g.width()).map(move |x| (x, y)))
                .filter(|&(x, y)| {
                    let c = g.at(x, y);
                    c != 0 && g.at(x - 1, y) == c && g.at(x, y - 1) == c && g.at(x - 1, y - 1) == c
                })
                .count(),
        }
    }
}

/// What the count is drawn as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    Row,
    Column,
    Square,
    /// Every cell drawn as a square block of that side.
    Scale,
    /// Copies of the grid, that many across and down.
    Copies,
}

impl Form {
    pub const ALL: [Self; 5] = [Self::Row, Self::Column, Self::Square, Self::Scale, Self::Copies];
}

/// Draws a count in the main colour, or with the grid itself.
pub fn count(g: &Grid, quantity: Quantity, form: Form) -> Option<Grid> {
    let n = quantity.of(g);
    if n == 0 {
        return None;
    }
    let colour = g.main_colour();
    match form {
        Form::Row => Grid::filled(Size::new(n, 1), colour),
        Form::Column => Grid::filled(Size::new(1, n), colour),
        Form::Square => Grid::filled(Size::new(n, n), colour),
        Form::Scale => crate::geometry::scale_up(g, n),
        Form::Copies => crate::geometry::tile(g, n, n, false),
    }
}
