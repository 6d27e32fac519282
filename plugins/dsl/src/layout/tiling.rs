//! Copies of one grid.

use crate::colour;
use crate::geometry::{self, Rigid};
use crate::grid::{Grid, Size};

/// What is drawn in one place of a tiling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TileKind {
    Same,
    Blank,
    Rigid(Rigid),
    /// Black and the main colour exchanged.
    Negative,
    /// All of the main colour.
    Flood,
}

impl TileKind {
    /// Every kind, the plainest first.
    pub fn all() -> Vec<Self> {
        let mut all = vec![Self::Same, Self::Blank];
        all.extend(Rigid::ALL.map(Self::Rigid));
        all.extend([Self::Negative, Self::Flood]);
        all
    }

    /// The tile that is drawn, of the same size; none where it cannot be.
    pub fn draw(self, g: &Grid) -> Option<Grid> {
        let drawn = match self {
            Self::Same => g.clone(),
            Self::Blank => Grid::filled(g.size(), 0)?,
            Self::Rigid(motion) => geometry::rigid(g, motion),
            Self::Negative => colour::negative(g)?,
            Self::Flood => Grid::filled(g.size(), g.main_colour())?,
        };
        (drawn.size() == g.size()).then_some(drawn)
    }
}

/// What a cell of the coarse grid is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CellTest {
    Is(u8),
    /// Whether it has the most frequent colour of all.
    Most,
    /// Whether it has the least frequent colour.
    Least,
    Ink,
}

impl CellTest {
    /// Every test.
    pub fn all() -> Vec<Self> {
        let mut all = vec![Self::Ink, Self::Most, Self::Least];
        all.extend((0..10).map(Self::Is));
        all
    }

    fn holds(self, g: &Grid, c: u8) -> bool {
        let counts = g.histogram();
        let least = || (0..10).filter(|&c| counts[c] > 0).min_by_key(|&c| counts[c]);
        match self {
            Self::Is(wanted) => c == wanted,
            Self::Most => c == g.background(),
            Self::Least => Some(c as usize) == least(),
            Self::Ink => c != 0,
        }
    }
}

/// What is counted for the number of copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Amount {
    Ink,
    Black,
    Colours,
}

impl Amount {
    pub const ALL: [Self; 3] = [Self::Ink, Self::Black, Self::Colours];

    fn of(self, g: &Grid) -> usize {
        match self {
            Self::Ink => g.ink(),
            Self::Black => g.area() - g.ink(),
            Self::Colours => g.colours(),
        }
    }
}

/// How copies are laid out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Tiling {
    /// So many across, and what each place shows.
    Places(u8, Vec<TileKind>),
    /// One copy for each of the grid's own cells: what those that pass a test and the others show.
    Cells(CellTest, TileKind, TileKind),
    /// Flipped so often across and down, neighbours sharing their edge.
    Unfold(u8, u8),
    /// A square of places, as many a side as one amount says, filled by as many copies as another says.
    Copies(Amount, Amount),
    /// A block for each cell by its colour; colours that have no row become blank.
    Blocks(Vec<(u8, Grid)>),
    /// The smallest piece that repeats to give the grid.
    Period,
}

impl Tiling {
    /// Lays the copies out; none where they do not apply or do not fit a grid.
    pub(super) fn draw(&self, g: &Grid) -> Option<Grid> {
        match self {
            Self::Places(across, kinds) => {
                let tiles: Vec<Grid> = kinds.iter().map(|k| k.draw(g)).collect::<Option<_>>()?;
                lay(&tiles.iter().collect::<Vec<_>>(), usize::from(*across))
            }
            Self::Cells(test, yes, no) => {
                let (yes, no) = (yes.draw(g)?, no.draw(g)?);
                let tiles = g.cells().iter().map(|&c| if test.holds(g, c) { &yes } else { &no });
                lay(&tiles.collect::<Vec<_>>(), g.width())
            }
            Self::Unfold(across, down) => {
                let (w, h) = (g.width(), g.height());
                let side = |n: usize, k: u8| (n - 1) * usize::from(k) + 1;
                let fold = |i: usize, n: usize| {
                    let turn = 2 * (n - 1).max(1);
                    let k = i % turn;
                    if k < n { k } else { turn - k }
                };
                Grid::build(Size::new(side(w, *across), side(h, *down)), |x, y| g.at(fold(x, w), fold(y, h)))
            }
            Self::Copies(side, copies) => {
                let (side, copies) = (side.of(g), copies.of(g));
                let blank = Grid::filled(g.size(), 0)?;
                if side > 30 {
                    return None;
                }
                let tiles: Vec<&Grid> =
                    (0..side * side).map(|i| if i < copies { g } else { &blank }).collect();
                lay(&tiles, side)
            }
            Self::Blocks(rows) => {
                let size = rows.first()?.1.size();
                let blank = Grid::filled(size, 0)?;
                let find = |c: u8| rows.iter().find(|(key, _)| *key == c).map_or(&blank, |(_, block)| block);
                lay(&g.cells().iter().map(|&c| find(c)).collect::<Vec<_>>(), g.width())
            }
            Self::Period => {
                let (w, h) = (g.width(), g.height());
                let repeats =
                    |px: usize, py: usize| (0..h).all(|y| (0..w).all(|x| g.at(x, y) == g.at(x % px, y % py)));
                let px = (1..=w).find(|&p| w.is_multiple_of(p) && repeats(p, h))?;
                let py = (1..=h).find(|&p| h.is_multiple_of(p) && repeats(w, p))?;
                g.crop(0, 0, Size::new(px, py)).filter(|t| t.area() < g.area())
            }
        }
    }
}

/// Lays tiles of one size, so many in a row.
fn lay(tiles: &[&Grid], across: usize) -> Option<Grid> {
    let size = tiles.first()?.size();
    let uneven = across == 0 || !tiles.len().is_multiple_of(across);
    if uneven || tiles.iter().any(|t| t.size() != size) {
        return None;
    }
    let (w, h) = (size.width, size.height);
    Grid::build(Size::new(w * across, h * (tiles.len() / across)), |x, y| {
        tiles[y / h * across + x / w].at(x % w, y % h)
    })
}
