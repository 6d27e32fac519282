//! Renaming colours by the part they play, so that one program serves pairs that differ in colour.

use crate::grid::Grid;

/// A way to rename colours, worked out from the input alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum View {
    /// Colours as they are.
    Plain,
    /// The most frequent colour trades places with black.
    Background,
    /// Colours are renamed 1, 2, 3 … from the most frequent to the least; black and the colours
    /// whose bit is set in the mask keep their names.
    Ranked(u16),
    /// As `Ranked`, the other way round.
    RankedUp(u16),
}

/// A permutation of the ten colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Renaming {
    to: [u8; 10],
    from: [u8; 10],
}

impl Renaming {
    /// Renames every cell.
    pub fn apply(&self, g: &Grid) -> Grid {
        g.map(|c| self.to[c as usize])
    }

    /// Takes the renaming back.
    pub fn undo(&self, g: &Grid) -> Grid {
        g.map(|c| self.from[c as usize])
    }
}

impl View {
    /// The renaming for one input.
    pub fn renaming(self, input: &Grid) -> Renaming {
        let mut to: [u8; 10] = std::array::from_fn(|c| c as u8);
        match self {
            Self::Plain => {}
            Self::Background => to.swap(0, input.background() as usize),
            Self::Ranked(kept) | Self::RankedUp(kept) => {
                let free = |c: &usize| *c != 0 && kept >> c & 1 == 0;
                let counts = input.histogram();
                let mut order: Vec<usize> = (0..10).filter(free).collect();
                order.sort_by_key(|&c| {
                    let rank = if matches!(self, Self::Ranked(_)) {
                        usize::MAX - counts[c]
                    } else if counts[c] == 0 {
                        usize::MAX
                    } else {
                        counts[c]
                    };
                    (rank, c)
                });
                for (name, &c) in (0..10).filter(free).zip(&order) {
                    to[c] = name as u8;
                }
            }
        }
        let mut from = [0; 10];
        for (c, &name) in to.iter().enumerate() {
            from[name as usize] = c as u8;
        }
        Renaming { to, from }
    }
}
