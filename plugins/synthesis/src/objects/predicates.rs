//! Tests, and pairs of them, that tell the objects of the demonstrations apart.

use std::collections::BTreeMap;

use stratagem_dsl::scene::{Aspect, Property, Relation, Test};
use stratagem_kit::Budget;

use super::bits::Bits;
use super::prices;
use super::study::Study;

/// The most sets of objects that are told apart.
const SETS_MAX: usize = 1500;
/// The most single tests that pairs are made of.
const PAIRED_MAX: usize = 90;
/// The most ways to tell one set apart that are remembered.
const WAYS_MAX: usize = 4;
/// The most different values of a property that are asked for one by one.
const VALUES_MAX: usize = 12;

/// A way to tell a set apart.
#[derive(Clone, Debug)]
pub struct Way {
    pub tests: Vec<Test>,
    pub price: u32,
}

/// A set of objects, and ways to tell it apart, the cheapest first.
pub struct Told {
    pub set: Bits,
    pub ways: Vec<Way>,
}

/// All sets that can be told apart, the cheapest first; the first is that of all objects.
pub struct Predicates {
    pub all: Vec<Told>,
    /// How many of them take no more than one test.
    pub singles: usize,
}

impl Predicates {
    pub fn of(study: &Study<'_>, budget: &mut dyn Budget) -> Self {
        let mut sets = Sets::default();
        let everything = Bits::of(study.objects.iter().map(|_| true));
        sets.add(everything, Way { tests: Vec::new(), price: 0 });
        for property in properties(study) {
            budget.spend(4 * study.weight());
            let values = study.measure(property);
            for relation in relations(property, &values) {
                for negated in [false, true] {
                    let test = Test { property, relation, negated };
                    let set = Bits::of(values.iter().flat_map(|scene| test.pass(scene)));
                    sets.add(set, Way { tests: vec![test], price: prices::of_test(&test) });
                }
                budget.spend(8 * study.objects.len() as u64);
            }
        }
        let mut all = sets.sorted();
        let singles = all.len();
        let paired = singles.min(PAIRED_MAX + 1);
        for a in 1..paired {
            for b in a + 1..paired {
                let way = Way {
                    tests: [&all[a].ways[0].tests[..], &all[b].ways[0].tests[..]].concat(),
                    price: all[a].ways[0].price + all[b].ways[0].price + 4,
                };
                sets.add(all[a].set.and(&all[b].set), way);
            }
            budget.spend(20 * paired as u64);
        }
        all = sets.sorted();
        all.truncate(SETS_MAX);
        Self { all, singles }
    }
}

/// Sets by their members.
#[derive(Default)]
struct Sets(BTreeMap<Bits, Vec<Way>>);

impl Sets {
    fn add(&mut self, set: Bits, way: Way) {
        if set.is_empty() {
            return;
        }
        let ways = self.0.entry(set).or_default();
        let doubles = way.tests.len() > 1 && ways.iter().any(|w| w.tests.len() < way.tests.len());
        if doubles || ways.len() == WAYS_MAX && ways.iter().all(|w| w.price <= way.price) {
            return;
        }
        let at = ways.partition_point(|w| w.price <= way.price);
        ways.insert(at, way);
        ways.truncate(WAYS_MAX);
    }

    fn sorted(&self) -> Vec<Told> {
        let mut all: Vec<Told> = self.0.iter().map(|(&set, ways)| Told { set, ways: ways.clone() }).collect();
        all.sort_by_key(|told| (told.ways[0].tests.len(), told.ways[0].price, told.set));
        all
    }
}

/// The properties worth asking about: colours count only where they occur.
fn properties(study: &Study<'_>) -> Vec<Property> {
    let mut present = [0usize; 10];
    for scene in &study.scenes {
        for (c, n) in scene.grid.histogram().iter().enumerate() {
            present[c] += usize::from(*n > 0);
        }
    }
    let mut all: Vec<Property> = Aspect::ALL.iter().map(|&a| Property::Of(a)).collect();
    let colours = (0..10u8).filter(|&c| present[c as usize] > 0);
    all.extend(colours.flat_map(|c| [Property::CellsOf(c), Property::Beside(c)]));
    all
}

fn relations(property: Property, values: &[Vec<i32>]) -> Vec<Relation> {
    let mut distinct: Vec<i32> = values.concat();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.len() < 2 {
        return Vec::new();
    }
    let mut asked = Vec::new();
    if distinct.len() <= VALUES_MAX {
        asked.extend(distinct.iter().map(|&v| Relation::Is(v)));
    }
    let is_name = matches!(property, Property::Of(Aspect::Colour | Aspect::Ink));
    let is_flag = distinct.len() == 2;
    if !is_name && !is_flag {
        let inner = &distinct[..distinct.len() - 1];
        asked.extend(inner.iter().take(VALUES_MAX).map(|&v| Relation::Over(v)));
    }
    let is_binary = distinct == [0, 1];
    if !is_name && !is_binary {
        asked.extend([Relation::Most, Relation::Least]);
    }
    asked.push(Relation::Odd);
    asked
}
