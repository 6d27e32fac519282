//! Rules that say of each cell what becomes of it, as data: lists of conditions, growth, rays and mending.

pub mod fact;
pub mod groups;
pub mod growth;
pub mod list;
pub mod mend;
pub mod scene;
pub mod shoot;
mod text;
mod turn;

pub use fact::{Fact, Family, Group, Line, Part, Ring, Trait};
pub use growth::{Growth, Reach, Spread};
pub use list::{Clause, Ink, List, Literal, Test};
pub use mend::{Mend, Symmetry};
pub use scene::{NONE, Scene};
pub use shoot::{Heading, Meet, Shoot};

use crate::grid::Grid;

/// One way over the grid.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Pass {
    List(List),
    Growth(Growth),
    Shoot(Shoot),
    Mend(Mend),
}

/// Passes in a row, each over what the one before left.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CellRule(pub Vec<Pass>);

impl Pass {
    /// Runs over the whole grid; none where the rule does not apply.
    pub fn run(&self, grid: &Grid) -> Option<Grid> {
        match self {
            Self::List(list) => list.run(grid),
            Self::Growth(growth) => Some(growth.run(grid)),
            Self::Shoot(shoot) => Some(shoot.run(grid)),
            Self::Mend(mend) => mend.run(grid),
        }
    }
}

impl CellRule {
    /// Runs all passes; none where one does not apply.
    pub fn run(&self, grid: &Grid) -> Option<Grid> {
        self.0.iter().try_fold(grid.clone(), |g, pass| pass.run(&g))
    }
}
