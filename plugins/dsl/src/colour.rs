//! Filters and paints by colour.

use crate::grid::Grid;

/// A colour by the part that it plays in its own grid, black left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The most frequent colour.
    Most,
    /// The second most frequent colour.
    Second,
    /// The least frequent colour.
    Least,
    /// The colour of the top left cell.
    Corner,
}

impl Role {
    pub const ALL: [Self; 4] = [Self::Most, Self::Second, Self::Least, Self::Corner];

    /// The colour that plays this part, where one does without a tie.
    pub fn colour(self, g: &Grid) -> Option<u8> {
        if self == Self::Corner {
            return Some(g.at(0, 0)).filter(|&c| c != 0);
        }
        let counts = g.histogram();
        let mut order: Vec<usize> = (1..10).filter(|&c| counts[c] > 0).collect();
        order.sort_by_key(|&c| (std::cmp::Reverse(counts[c]), c));
        let index = match self {
            Self::Second => 1,
            Self::Least => order.len().checked_sub(1)?,
            Self::Most | Self::Corner => 0,
        };
        let &colour = order.get(index)?;
        let unique = order.iter().filter(|&&c| counts[c] == counts[colour]).count() == 1;
        (unique && order.len() > 1).then_some(colour as u8)
    }
}

/// Keeps the cells of one colour; `keep(0)` paints the black cells 1 and blackens the rest.
pub fn keep(g: &Grid, colour: u8) -> Grid {
    if colour == 0 { g.map(|c| u8::from(c == 0)) } else { g.map(|c| if c == colour { c } else { 0 }) }
}

/// Blackens the cells of one colour.
pub fn erase(g: &Grid, colour: u8) -> Option<Grid> {
    g.cells().contains(&colour).then(|| g.map(|c| if c == colour { 0 } else { c }))
}

/// Paints every cell that is not black.
pub fn paint(g: &Grid, colour: u8) -> Grid {
    g.map(|c| if c == 0 { 0 } else { colour })
}

/// Fills the whole box with one colour.
pub fn flood(g: &Grid, colour: u8) -> Grid {
    g.map(|_| colour)
}

/// Exchanges two colours that are the only ones but black.
pub fn exchange(g: &Grid) -> Option<Grid> {
    let counts = g.histogram();
    let present: Vec<u8> = (1..10).filter(|&c| counts[c as usize] > 0).collect();
    let &[a, b] = present.as_slice() else {
        return None;
    };
    Some(g.map(|c| {
        if c == a {
            b
        } else if c == b {
            a
        } else {
            c
        }
    }))
}

/// Exchanges black and the most frequent colour.
pub fn negative(g: &Grid) -> Option<Grid> {
    let main = g.main_colour();
    (main != 0).then(|| {
        g.map(|c| {
            if c == 0 {
                main
            } else if c == main {
                0
            } else {
                c
            }
        })
    })
}

/// A single cell of the main colour.
pub fn main_cell(g: &Grid) -> Option<Grid> {
    Grid::from_rows(&[[g.main_colour()]])
}
