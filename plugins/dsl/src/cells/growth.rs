//! Rules that are applied until nothing changes: a cell is painted for what its neighbours have become.

use crate::grid::Grid;
use crate::lines::Direction;

use super::fact::Ring;
use super::list::{Literal, all_hold};
use super::scene::{NONE, Scene};

/// Where a cell looks for the colour that spreads to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reach {
    Next(Direction),
    Ring(Ring),
}

impl Reach {
    /// The directions in which a cell looks.
    pub fn directions(self) -> &'static [Direction] {
        match self {
            Self::Next(d) => d.alone(),
            Self::Ring(Ring::Beside) => &Direction::ALL[..4],
            Self::Ring(Ring::Around) => &Direction::ALL,
            Self::Ring(Ring::Corners) => &Direction::ALL[4..],
        }
    }
}

/// A cell of which `when` holds in the input takes a colour once a neighbour has one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Spread {
    pub when: Vec<Literal>,
    pub reach: Reach,
    /// The colour that the neighbour must have; none for any but the background.
    pub from: Option<u8>,
    /// The colour that the cell takes; none for the neighbour's.
    pub ink: Option<u8>,
}

/// Spreads that go on until nothing changes; a painted cell stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Growth(pub Vec<Spread>);

impl Growth {
    pub fn run(&self, grid: &Grid) -> Grid {
        let scene = Scene::new(grid);
        let open: Vec<Vec<bool>> = self.0.iter().map(|s| all_hold(&s.when, &scene)).collect();
        let open: Vec<&[bool]> = open.iter().map(Vec::as_slice).collect();
        grow(&scene, &self.0, &open)
    }
}

/// Runs spreads where it is known already which cells are open to each.
pub fn grow(scene: &Scene, spreads: &[Spread], open: &[&[bool]]) -> Grid {
    let grid = scene.grid;
    let (w, h) = (grid.width() as isize, grid.height() as isize);
    let mut out = grid.clone();
    let mut painted = vec![false; grid.area()];
    let mut front: Vec<usize> = (0..grid.area()).collect();
    let mut wanted = vec![NONE; grid.area()];
    while !front.is_empty() {
        let mut next = Vec::new();
        for (spread, open) in spreads.iter().zip(open) {
            for &i in &front {
                let c = out.cells()[i];
                if spread.from.map_or(c == scene.background, |from| c != from) {
                    continue;
                }
                for d in spread.reach.directions() {
                    let (x, y) = (i as isize % w - d.step().0, i as isize / w - d.step().1);
                    if x < 0 || y < 0 || x >= w || y >= h {
                        continue;
                    }
                    let j = (y * w + x) as usize;
                    let ink = spread.ink.unwrap_or(c);
                    if open[j] && !painted[j] && wanted[j] == NONE && grid.cells()[j] != ink {
                        wanted[j] = ink;
                        next.push(j);
                    }
                }
            }
        }
        // A round ends before its colours count, so that no order of cells matters.
        for &j in &next {
            painted[j] = true;
            out.set(j % grid.width(), j / grid.width(), wanted[j]);
        }
        front = next;
    }
    out
}
