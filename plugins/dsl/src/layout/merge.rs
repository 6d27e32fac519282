//! Parts of one size, merged cell by cell.

use crate::grid::Grid;

/// Stands in a table for the colour of the first part that has ink there.
pub const FIRST_INK: u8 = 10;

/// How the cells of the parts decide a cell.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Merge {
    /// The first in this order of parts that is not black there.
    Order(Vec<u8>),
    /// The most frequent colour, the lowest on a tie.
    Majority,
    /// The colour that all share, else black.
    Agreement,
    /// The colour that only one part has where the rest agree, else black.
    Dissent,
    /// Looked up by how many parts have ink there.
    Count(Vec<(u8, u8)>),
    /// Looked up by which parts have ink there, the first part as the lowest bit.
    Bits(Vec<(u8, u8)>),
}

impl Merge {
    /// Merges the parts; none where sizes differ or a table has no row.
    pub fn draw(&self, list: &[Grid]) -> Option<Grid> {
        let first = list.first()?;
        if list.len() < 2 || list.iter().any(|g| g.size() != first.size()) {
            return None;
        }
        if let Self::Order(order) = self
            && (order.len() != list.len() || order.iter().any(|&i| usize::from(i) >= list.len()))
        {
            return None;
        }
        let mut unknown = false;
        let mut colours = vec![0; list.len()];
        let out = first.redraw(|x, y| {
            for (colour, g) in colours.iter_mut().zip(list) {
                *colour = g.at(x, y);
            }
            let found = self.cell(&colours);
            unknown |= found.is_none();
            found.unwrap_or(0)
        });
        (!unknown).then_some(out)
    }

    fn cell(&self, colours: &[u8]) -> Option<u8> {
        let look_up = |rows: &[(u8, u8)], key: u8| {
            let row = rows.iter().find(|(k, _)| *k == key)?;
            Some(if row.1 == FIRST_INK { first_ink(colours) } else { row.1 })
        };
        let tally = |c: u8| colours.iter().filter(|&&d| d == c).count();
        match self {
            Self::Order(order) => {
                let inked = order.iter().map(|&i| colours[usize::from(i)]).find(|&c| c != 0);
                Some(inked.unwrap_or(0))
            }
            Self::Majority => (0..10).rev().max_by_key(|&c| tally(c)),
            Self::Agreement => Some(if tally(colours[0]) == colours.len() { colours[0] } else { 0 }),
            Self::Dissent => {
                let odd = colours.iter().find(|&&c| tally(c) == 1);
                let distinct = (0..10).filter(|&c| tally(c) > 0).count();
                Some(odd.filter(|_| distinct == 2).copied().unwrap_or(0))
            }
            Self::Count(rows) => look_up(rows, ink_count(colours)),
            Self::Bits(rows) => look_up(rows, ink_bits(colours)?),
        }
    }
}

pub(super) fn first_ink(colours: &[u8]) -> u8 {
    colours.iter().copied().find(|&c| c != 0).unwrap_or(0)
}

fn ink_count(colours: &[u8]) -> u8 {
    colours.iter().filter(|&&c| c != 0).count().min(255) as u8
}

fn ink_bits(colours: &[u8]) -> Option<u8> {
    let bits = colours.iter().enumerate().map(|(i, &c)| usize::from(c != 0) << i.min(8)).sum::<usize>();
    u8::try_from(bits).ok().filter(|_| colours.len() <= 6)
}
