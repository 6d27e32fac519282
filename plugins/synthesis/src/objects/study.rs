//! The demonstrations seen in one way: their objects, and the cells that change.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use stratagem_dsl::Task;
use stratagem_dsl::scene::{Parsing, Property, Scene};

use super::bits::OBJECTS_ALL;

/// Stands for a cell that does not change.
pub const UNCHANGED: u16 = u16::MAX;

/// The demonstrations of a task, taken apart.
pub struct Study<'a> {
    pub task: &'a Task,
    pub parsing: Parsing,
    pub scenes: Vec<Scene<'a>>,
    /// The scene of each object, and its place in it.
    pub objects: Vec<(usize, usize)>,
    /// Whether every output has the size of its input.
    pub keeps_size: bool,
    /// For each demonstration and cell its number among all cells that change, or [`UNCHANGED`].
    pub changes: Vec<Vec<u16>>,
    pub changed: usize,
    /// Properties that have been asked for.
    measured: RefCell<BTreeMap<Property, Rc<Vec<Vec<i32>>>>>,
}

impl<'a> Study<'a> {
    /// Takes the demonstrations apart; none where one of them, or a test, gives no scene or too large a one.
    pub fn of(task: &'a Task, parsing: Parsing) -> Option<Self> {
        let scenes: Vec<Scene<'a>> =
            task.train.iter().map(|p| Scene::parse(&p.input, parsing)).collect::<Option<_>>()?;
        Scene::parse(task.test.first()?, parsing)?;
        let objects: Vec<(usize, usize)> =
            scenes.iter().enumerate().flat_map(|(p, s)| (0..s.objects.len()).map(move |i| (p, i))).collect();
        if objects.len() > OBJECTS_ALL {
            return None;
        }
        let keeps_size = task.train.iter().all(|p| p.input.size() == p.output.size());
        let mut changed = 0;
        let mut changes = Vec::new();
        for pair in task.train.iter().filter(|_| keeps_size) {
            let cells = pair.input.cells().iter().zip(pair.output.cells());
            let number = |(a, b)| {
                if a == b {
                    return UNCHANGED;
                }
                changed += 1;
                changed as u16 - 1
            };
            changes.push(cells.map(number).collect());
        }
        (changed < UNCHANGED as usize).then_some(Self {
            task,
            parsing,
            scenes,
            objects,
            keeps_size,
            changes,
            changed,
            measured: RefCell::default(),
        })
    }

    /// Whether the same objects are seen.
    pub fn sees_as(&self, other: &Self) -> bool {
        let same = |(a, b): (&Scene<'_>, &Scene<'_>)| {
            a.objects == b.objects && a.background == b.background && a.lattice == b.lattice
        };
        self.scenes.iter().zip(&other.scenes).all(same)
    }

    /// Whether every object is a single cell.
    pub fn is_dotted(&self) -> bool {
        self.scenes.iter().flat_map(|s| &s.objects).all(|o| o.tile.len() == 1)
    }

    /// Whether every output has a cell for each panel of its input.
    pub fn is_lattice(&self) -> bool {
        self.scenes.iter().zip(&self.task.train).all(|(s, p)| {
            let size = p.output.size();
            s.lattice == Some((size.width, size.height)) && s.objects.len() == size.area()
        })
    }

    /// A property of all objects, scene after scene.
    pub fn measure(&self, property: Property) -> Rc<Vec<Vec<i32>>> {
        let mut measured = self.measured.borrow_mut();
        let measure = || Rc::new(self.scenes.iter().map(|s| property.measure(s)).collect());
        measured.entry(property).or_insert_with(measure).clone()
    }

    /// What handling every object's cells once costs.
    pub fn weight(&self) -> u64 {
        self.scenes.iter().flat_map(|s| &s.objects).map(|o| 10 + o.tile.len() as u64).sum()
    }
}
