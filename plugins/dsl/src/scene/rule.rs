//! A rule: how to see a grid, and what happens to the objects that are seen.

use std::collections::BTreeMap;

use super::action::Action;
use super::object::{ABSENT, Object};
use super::parsing::{Parsing, Scene};
use super::property::Property;
use super::test::Test;
use super::words::words;
use crate::grid::{Grid, Size};

words! {
    /// What is kept of the one object that a rule picks.
    Crop {
        /// Its box as it is on the grid.
        Box = "box",
        /// Only its own cells, on black.
        Alone = "alone",
        /// One cell of its main colour.
        Cell = "cell",
        /// One cell of its second colour.
        MinorCell = "minor-cell",
    }
}

/// What the answer is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// The grid, changed.
    Canvas,
    /// The one object that passes the first clause.
    Crop(Crop),
    /// A cell for each panel, in the colour that its clause paints its body; black without one.
    Lattice,
}

/// What happens to objects that pass all tests, and no clause before.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Clause {
    pub tests: Vec<Test>,
    pub actions: Vec<Action>,
}

/// What happens to the objects of a grid; those that pass no clause stay as they are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectRule {
    pub parsing: Parsing,
    pub form: Form,
    pub clauses: Vec<Clause>,
}

impl ObjectRule {
    /// Runs the rule; none where an action that is called for does not apply.
    pub fn run(&self, grid: &Grid) -> Option<Grid> {
        let grid = grid.clone().moved_to(0, 0);
        let scene = Scene::parse(&grid, self.parsing)?;
        let chosen = self.choose(&scene);
        match self.form {
            Form::Canvas => self.change(&scene, &chosen),
            Form::Crop(crop) => {
                let mut picked = (0..chosen.len()).filter(|&i| chosen[i] == Some(0));
                let (one, other) = (picked.next()?, picked.next());
                if other.is_some() { None } else { crop.of(&scene, &scene.objects[one]) }
            }
            Form::Lattice => self.summarise(&scene, &chosen),
        }
    }

    /// The first clause that each object passes.
    fn choose(&self, scene: &Scene<'_>) -> Vec<Option<usize>> {
        let mut values: BTreeMap<Property, Vec<i32>> = BTreeMap::new();
        let mut chosen = vec![None; scene.objects.len()];
        for (k, clause) in self.clauses.iter().enumerate() {
            let mut passes = vec![true; chosen.len()];
            for test in &clause.tests {
                let measured = values.entry(test.property).or_insert_with(|| test.property.measure(scene));
                passes.iter_mut().zip(test.pass(measured)).for_each(|(all, this)| *all &= this);
            }
            for (choice, _) in chosen.iter_mut().zip(passes).filter(|(c, p)| *p && c.is_none()) {
                *choice = Some(k);
            }
        }
        chosen
    }

    /// Clears what is to be cleared, then draws what is to be drawn.
    fn change(&self, scene: &Scene<'_>, chosen: &[Option<usize>]) -> Option<Grid> {
        let mut out = scene.grid.clone();
        let mut dots = Vec::new();
        for (i, clause) in chosen.iter().enumerate() {
            for action in clause.map_or(&[][..], |k| &self.clauses[k].actions) {
                let edit = action.edit(scene, i)?;
                if edit.erase {
                    scene.objects[i].cells().for_each(|(x, y, _)| out.set(x, y, scene.background));
                }
                dots.extend(edit.dots);
            }
        }
        for (x, y, c) in dots {
            out.set(x, y, c);
        }
        Some(out)
    }

    fn summarise(&self, scene: &Scene<'_>, chosen: &[Option<usize>]) -> Option<Grid> {
        let (across, down) = scene.lattice?;
        let mut out = Grid::filled(Size::new(across, down), 0)?;
        for (i, clause) in chosen.iter().enumerate().take(across * down) {
            if let Some(Action::Paint(_, paint)) = clause.and_then(|k| self.clauses[k].actions.first()) {
                out.set(i % across, i / across, paint.colour(scene, i)?);
            }
        }
        Some(out)
    }
}

impl Crop {
    /// What is kept of an object.
    pub fn of(self, scene: &Scene<'_>, object: &Object) -> Option<Grid> {
        let size = Size::new(object.width, object.height);
        match self {
            Self::Box => scene.grid.crop(object.x, object.y, size).map(|g| g.moved_to(0, 0)),
            Self::Alone => Grid::build(size, |x, y| match object.at(x, y) {
                ABSENT => 0,
                c => c,
            }),
            Self::Cell => Grid::filled(Size::new(1, 1), object.colour),
            Self::MinorCell => Grid::filled(Size::new(1, 1), object.minor()?),
        }
    }
}
