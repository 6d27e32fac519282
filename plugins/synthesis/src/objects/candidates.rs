//! What may have become of each object: actions, and the objects of the demonstrations that they agree with.

use std::collections::BTreeMap;

use stratagem_dsl::scene::{Action, Area, Aspect, Edit, Paint, Part, Property, Target};
use stratagem_kit::Budget;

use super::bits::Bits;
use super::predicates::Predicates;
use super::prices;
use super::repertoire;
use super::stamps;
use super::study::{Study, UNCHANGED};

/// The most ways to say an action that are remembered.
const WAYS_MAX: usize = 4;

/// For each object, the changed cells that actions of a kind explain where they agree.
pub type Cover = Vec<Vec<u16>>;

/// Actions that agree with the same objects.
pub struct Candidate {
    /// The cheapest first.
    pub ways: Vec<(Action, u32)>,
    /// The objects that agree.
    pub set: Bits,
    /// Which cover is its own.
    pub cover: usize,
}

/// All candidates, the covers that they share, and how many cells there are to cover.
#[derive(Default)]
pub struct Candidates {
    pub all: Vec<Candidate>,
    pub covers: Vec<Cover>,
    pub changed: usize,
}

/// What an object's area has become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    /// The area is empty.
    Nothing,
    Colour(u8),
    /// More than one colour.
    Mixed,
}

impl Candidates {
    /// The candidates for outputs that are the inputs changed.
    pub fn of_canvas(study: &Study<'_>, predicates: &Predicates, budget: &mut dyn Budget) -> Self {
        let mut found = Self { changed: study.changed, ..Self::default() };
        let sources = sources(study, budget);
        for area in repertoire::areas(study.is_dotted()) {
            if budget.left() == 0 {
                return found;
            }
            let (seen, cover) = observe(study, area, budget);
            found.add_painted(study, area, &seen, cover, &sources, budget);
        }
        for action in repertoire::motions(study.is_dotted()) {
            if budget.left() == 0 {
                return found;
            }
            budget.spend(study.weight());
            found.add_fixed(study, action);
        }
        for stamp in stamps::learn(study, predicates, budget) {
            found.add_fixed(study, stamp);
        }
        found
    }

    /// The candidates for outputs that have a cell for each panel.
    pub fn of_lattice(study: &Study<'_>, budget: &mut dyn Budget) -> Self {
        let mut found = Self::default();
        let mut cover = Cover::new();
        let mut seen = Vec::new();
        for &(p, i) in &study.objects {
            let colour = study.task.train[p].output.cells().get(i).copied().unwrap_or(0);
            seen.push(Seen::Colour(colour));
            cover.push(if colour == 0 { vec![] } else { vec![found.changed as u16] });
            found.changed += usize::from(colour != 0);
        }
        let sources = sources(study, budget);
        found.add_painted(study, Area::Body, &seen, cover, &sources, budget);
        found
    }

    /// Adds the ways to colour an area that agree with what is seen of it.
    fn add_painted(
        &mut self,
        study: &Study<'_>,
        area: Area,
        seen: &[Seen],
        cover: Cover,
        sources: &[(Paint, Vec<Option<u8>>)],
        budget: &mut dyn Budget,
    ) {
        if cover.iter().all(Vec::is_empty) {
            return;
        }
        let at = self.covers.len();
        let price = prices::of_area(area);
        for (paint, colours) in sources {
            let agrees = seen.iter().zip(colours).map(|(seen, colour)| match seen {
                Seen::Nothing => true,
                Seen::Colour(c) => *colour == Some(*c),
                Seen::Mixed => false,
            });
            let way = (Action::Paint(area, paint.clone()), price + prices::of_paint(paint));
            self.add(Bits::of(agrees), at, way, &cover);
        }
        budget.spend((sources.len() * seen.len() * 2) as u64);
        for (paint, lone) in maps(study, seen, &cover, budget) {
            let Paint::Map(property, table) = &paint else { continue };
            let values = study.measure(*property).concat();
            let agrees = seen.iter().zip(&values).map(|(seen, value)| match seen {
                Seen::Nothing => true,
                Seen::Colour(c) => table.iter().any(|row| row == &(*value, *c)),
                Seen::Mixed => false,
            });
            let set = Bits::of(agrees);
            let way = (Action::Paint(area, paint.clone()), price + prices::of_paint(&paint) + 4 * lone);
            self.add(set, at, way, &cover);
        }
        self.covers.push(cover);
    }

    fn add_fixed(&mut self, study: &Study<'_>, action: Action) {
        let at = self.covers.len();
        let mut set = Bits::default();
        let mut cover = Cover::new();
        for (k, &(p, i)) in study.objects.iter().enumerate() {
            let edit = action.edit(&study.scenes[p], i).filter(|e| agrees(study, p, i, e));
            if edit.is_some() {
                set.insert(k);
            }
            cover.push(edit.map_or(vec![], |e| gain(study, p, i, &e)));
        }
        let price = prices::of_action(&action);
        self.add(set, at, (action, price), &cover);
        self.covers.push(cover);
    }

    fn add(&mut self, set: Bits, cover: usize, way: (Action, u32), cells: &Cover) {
        if set.iter().all(|k| cells[k].is_empty()) {
            return;
        }
        if let Some(known) = self.all.iter_mut().find(|c| c.cover == cover && c.set == set) {
            let at = known.ways.partition_point(|(_, price)| *price <= way.1);
            known.ways.insert(at, way);
            known.ways.truncate(WAYS_MAX);
        } else {
            self.all.push(Candidate { ways: vec![way], set, cover });
        }
    }
}

/// Sources of colour, and what they give for each object.
fn sources(study: &Study<'_>, budget: &mut dyn Budget) -> Vec<(Paint, Vec<Option<u8>>)> {
    let mut used = [0; 10];
    for pair in &study.task.train {
        let counts = pair.output.histogram();
        (0..10).for_each(|c| used[c] += counts[c]);
    }
    let mut paints: Vec<Paint> = (0..10).filter(|&c| used[c as usize] > 0).map(Paint::Fixed).collect();
    paints.extend(Part::ALL.iter().map(|&p| Paint::Of(p)));
    paints.extend(Target::ALL.iter().map(|&t| Paint::From(t)));
    budget.spend(3 * (paints.len() as u64) * study.weight());
    let colours = |paint: &Paint| {
        study.objects.iter().map(|&(p, i)| paint.colour(&study.scenes[p], i)).collect::<Vec<_>>()
    };
    paints.into_iter().map(|paint| (colours(&paint), paint)).map(|(c, p)| (p, c)).collect()
}

/// What has become of an area, for each object, and the changed cells in it.
fn observe(study: &Study<'_>, area: Area, budget: &mut dyn Budget) -> (Vec<Seen>, Cover) {
    let mut work = 0;
    let observed = study.objects.iter().map(|&(p, i)| {
        let cells = area.cells(&study.scenes[p], i);
        work += 20 + 4 * cells.len() as u64;
        let output = &study.task.train[p].output;
        let mut colours = cells.iter().map(|&(x, y)| output.at(x, y));
        let Some(first) = colours.next() else { return (Seen::Nothing, vec![]) };
        if colours.any(|c| c != first) {
            return (Seen::Mixed, vec![]);
        }
        let width = output.width();
        let mut gain: Vec<u16> = cells.iter().map(|&(x, y)| study.changes[p][y * width + x]).collect();
        gain.retain(|&n| n != UNCHANGED);
        (Seen::Colour(first), gain)
    });
    let both = observed.unzip();
    budget.spend(work);
    both
}

/// Properties that a colour may be looked up by.
const KEYS: [Aspect; 16] = [
    Aspect::Colour,
    Aspect::Ink,
    Aspect::Size,
    Aspect::SizeRank,
    Aspect::Holes,
    Aspect::Width,
    Aspect::Height,
    Aspect::Long,
    Aspect::Bays,
    Aspect::Ends,
    Aspect::Colours,
    Aspect::Column,
    Aspect::Row,
    Aspect::InkCells,
    Aspect::Contents,
    Aspect::ShapeCopies,
];

/// Tables from a property to the colour seen, and how many of their rows one demonstration alone bears out.
fn maps(study: &Study<'_>, seen: &[Seen], cover: &Cover, budget: &mut dyn Budget) -> Vec<(Paint, u32)> {
    let colour_of = |k: usize| match seen[k] {
        Seen::Colour(c) if !cover[k].is_empty() => Some(c),
        _ => None,
    };
    let mut colours: Vec<u8> = (0..seen.len()).filter_map(colour_of).collect();
    colours.sort_unstable();
    colours.dedup();
    if colours.len() < 2 {
        return Vec::new();
    }
    let mut found = Vec::new();
    for aspect in KEYS {
        budget.spend(study.weight());
        let property = Property::Of(aspect);
        let values = study.measure(property).concat();
        // By value: the colour, unless they differ, and the demonstrations that show it.
        let mut rows: BTreeMap<i32, (Option<u8>, Vec<usize>)> = BTreeMap::new();
        for (k, value) in values.iter().enumerate() {
            let Some(c) = colour_of(k) else { continue };
            let (colour, shown) = rows.entry(*value).or_insert((Some(c), Vec::new()));
            *colour = colour.filter(|known| *known == c);
            shown.push(study.objects[k].0);
        }
        let lone = |shown: &[usize]| shown.iter().all(|p| *p == shown[0]);
        let kept = || rows.iter().filter_map(|(v, (c, shown))| c.map(|c| (*v, c, shown)));
        let table: Vec<(i32, u8)> = kept().map(|(v, c, _)| (v, c)).collect();
        if table.len() > 1 {
            let lones = kept().filter(|(_, _, shown)| lone(shown)).count() as u32;
            found.push((Paint::Map(property, table), lones));
        }
    }
    found
}

/// Whether an edit agrees with the output: what is drawn is there, and what is cleared is gone.
fn agrees(study: &Study<'_>, p: usize, i: usize, edit: &Edit) -> bool {
    let (scene, output) = (&study.scenes[p], &study.task.train[p].output);
    if edit.dots.iter().any(|&(x, y, c)| output.at(x, y) != c) {
        return false;
    }
    !edit.erase
        || scene.objects[i].cells().all(|(x, y, c)| {
            let now = output.at(x, y);
            now == scene.background || now != c || edit.dots.iter().any(|&(u, v, _)| (u, v) == (x, y))
        })
}

/// The changed cells that an edit which agrees explains.
fn gain(study: &Study<'_>, p: usize, i: usize, edit: &Edit) -> Vec<u16> {
    let (scene, output) = (&study.scenes[p], &study.task.train[p].output);
    let width = output.width();
    let drawn = edit.dots.iter().map(|&(x, y, _)| (x, y));
    let cleared =
        scene.objects[i].cells().filter(|&(x, y, _)| edit.erase && output.at(x, y) == scene.background);
    let mut cells: Vec<u16> =
        drawn.chain(cleared.map(|(x, y, _)| (x, y))).map(|(x, y)| study.changes[p][y * width + x]).collect();
    cells.retain(|&n| n != UNCHANGED);
    cells.sort_unstable();
    cells.dedup();
    cells
}
