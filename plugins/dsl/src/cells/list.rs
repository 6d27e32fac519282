//! Decision lists: the first clause that holds of a cell gives its colour.

use crate::grid::Grid;

use super::fact::Fact;
use super::scene::{NONE, Scene};

/// What a fact is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Test {
    /// A value; `NONE` for a colour that is not there.
    Is(u8),
    /// The value of another fact.
    IsAs(Fact),
    AtMost(u8),
    Odd,
}

/// A fact, a test, and whether the test must fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Literal {
    pub fact: Fact,
    pub test: Test,
    pub negated: bool,
}

impl Literal {
    /// Where it holds, in reading order.
    pub fn holds(&self, scene: &Scene) -> Vec<bool> {
        let layer = scene.layer(self.fact);
        let other = match self.test {
            Test::IsAs(other) => scene.layer(other),
            _ => Vec::new(),
        };
        let test = |i: usize, v: u8| match self.test {
            Test::Is(k) => v == k,
            // Two colours that are not there have nothing in common.
            Test::IsAs(_) => v == other[i] && v != NONE,
            Test::AtMost(k) => v <= k,
            Test::Odd => v % 2 == 1,
        };
        layer.iter().enumerate().map(|(i, &v)| test(i, v) != self.negated).collect()
    }
}

/// Where all literals hold, in reading order.
pub fn all_hold(when: &[Literal], scene: &Scene) -> Vec<bool> {
    let mut all = vec![true; scene.grid.area()];
    for literal in when {
        for (one, now) in all.iter_mut().zip(literal.holds(scene)) {
            *one &= now;
        }
    }
    all
}

/// What a cell is painted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ink {
    Colour(u8),
    /// The colour that a fact tells.
    As(Fact),
}

impl Ink {
    /// The colour at every cell; `NONE` where there is none to be had.
    pub fn layer(self, scene: &Scene) -> Vec<u8> {
        match self {
            Self::Colour(c) => vec![c; scene.grid.area()],
            Self::As(fact) => scene.layer(fact),
        }
    }
}

/// A condition and the colour of the cells that meet it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Clause {
    pub when: Vec<Literal>,
    pub ink: Ink,
}

/// Clauses in order, and the colour of cells that meet none.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct List {
    pub clauses: Vec<Clause>,
    pub otherwise: Ink,
}

impl List {
    /// Paints every cell; none where a colour is not to be had.
    pub fn run(&self, grid: &Grid) -> Option<Grid> {
        let scene = Scene::new(grid);
        let mut out = self.otherwise.layer(&scene);
        for clause in self.clauses.iter().rev() {
            let ink = clause.ink.layer(&scene);
            for (i, holds) in all_hold(&clause.when, &scene).into_iter().enumerate() {
                if holds {
                    out[i] = ink[i];
                }
            }
        }
        out.iter().all(|&c| c < NONE).then(|| grid.with_cells(out))
    }
}
