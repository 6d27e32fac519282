//! Programs as trees: pipelines that start from the input, or from cells chosen among other trees.

use crate::grid::{Grid, Size};
use crate::lists::Join;
use crate::program::Pipeline;
use crate::transform::{Transform, Value};

/// The deepest tree that is read from text.
pub const MAX_DEPTH: usize = 16;

/// What a cell takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Take {
    /// The colour of the base.
    Base,
    /// A colour of its own.
    Colour(u8),
}

/// What each colour of a key means for the cells that have it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rules {
    /// In order of key colour, none twice.
    pub rows: Vec<(u8, Take)>,
    /// For key colours without a row; none where such a cell leaves the answer unknown.
    pub other: Option<Take>,
}

impl Rules {
    /// What a cell of this key colour takes.
    pub fn take(&self, key: u8) -> Option<Take> {
        self.rows.iter().find(|(k, _)| *k == key).map(|(_, take)| *take).or(self.other)
    }

    /// Recolours the base by the key; none where sizes differ or a cell is unknown.
    pub fn apply(&self, key: &Grid, base: &Grid) -> Option<Grid> {
        if key.size() != base.size() {
            return None;
        }
        let takes: [Option<Take>; 10] = std::array::from_fn(|k| self.take(k as u8));
        let cells = key.cells().iter().zip(base.cells());
        let cells = cells.map(|(&k, &b)| match takes[k as usize]? {
            Take::Base => Some(b),
            Take::Colour(c) => Some(c),
        });
        Grid::from_cells(key.size(), cells.collect::<Option<_>>()?)
    }
}

/// The cells of `then` where the mask is drawn, those of `other` elsewhere; none where sizes differ.
pub fn choose_where(mask: &Grid, then: &Grid, other: &Grid) -> Option<Grid> {
    if mask.size() != then.size() || mask.size() != other.size() {
        return None;
    }
    let cells = mask.cells().iter().zip(then.cells().iter().zip(other.cells()));
    Grid::from_cells(mask.size(), cells.map(|(&m, (&a, &b))| if m == 0 { b } else { a }).collect())
}

/// What a tree's pipeline starts from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Head {
    #[default]
    Input,
    /// The cells of `then` where the mask is drawn, those of `other` elsewhere.
    Where { mask: Box<Tree>, then: Box<Tree>, other: Box<Tree> },
    /// The base recoloured by what the key has in each cell.
    By { key: Box<Tree>, base: Box<Tree>, rules: Rules },
}

/// A pipeline and what it starts from. Prints as `by (feature size) over (input) : 6=2 else=1 > trim`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tree {
    pub head: Head,
    pub steps: Pipeline,
}

impl Tree {
    /// Runs the tree; none where a step does not apply.
    pub fn run(&self, input: &Grid, canvas: Option<Size>) -> Option<Value> {
        let part = |tree: &Self| tree.draw(input, canvas);
        match &self.head {
            Head::Input => self.steps.run(input, canvas),
            Head::Where { mask, then, other } => {
                self.steps.run(&choose_where(&part(mask)?, &part(then)?, &part(other)?)?, canvas)
            }
            Head::By { key, base, rules } => self.steps.run(&rules.apply(&part(key)?, &part(base)?)?, canvas),
        }
    }

    /// Runs the tree to one grid at the origin.
    pub fn draw(&self, input: &Grid, canvas: Option<Size>) -> Option<Grid> {
        drawn(&self.run(input, canvas)?, canvas)
    }
}

/// A value as one grid at the origin: lists composed, and on the canvas where there is one.
pub fn drawn(value: &Value, canvas: Option<Size>) -> Option<Grid> {
    let composed;
    let grid = match value {
        Value::One(grid) => grid,
        Value::Many(_) => {
            composed = Transform::Join(Join::Compose).apply(value, canvas)?;
            composed.grid()?
        }
        _ => return None,
    };
    match canvas {
        Some(size) => grid.embed(size),
        None => Some(grid.clone().moved_to(0, 0)),
    }
}
