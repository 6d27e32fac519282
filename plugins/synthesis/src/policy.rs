//! What to try next, learned from programs that solve tasks.
//!
//! `policy.txt` counts which step followed which, on a grid or a list, and in which of its ways each
//! was taken: `smear` is a step, `smear one up` one way of it. A cost is the improbability of a step in
//! those counts, so that the cost of a program says how unlikely it is before a task is looked at.

use std::collections::BTreeMap;
use std::sync::OnceLock;

const COUNTS: &str = include_str!("policy.txt");

/// The count that all steps share out among them before any is seen, by the roots of their ways.
const UNSEEN: f64 = 200.0;
/// The count that a place as a whole weighs against what followed the very step before.
const PLACE: f64 = 120.0;
/// The count of each way before any is seen.
const UNSEEN_WAY: f64 = 7.0;
/// How much less likely a step is that costs one more.
const PER_COST: f64 = 1.72;
/// The dearest step.
const COST_MAX: u16 = 60;

type Weights = BTreeMap<&'static str, f64>;

/// Counts of steps in one place, and how many they are together.
#[derive(Default)]
struct Seen {
    steps: Weights,
    total: f64,
}

impl Seen {
    fn add(&mut self, step: &'static str, count: f64) {
        *self.steps.entry(step).or_default() += count;
        self.total += count;
    }

    fn of(&self, step: &str) -> f64 {
        self.steps.get(step).copied().unwrap_or(0.0)
    }
}

/// Where a step is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    Start,
    Grid,
    List,
}

/// The counts.
#[derive(Default)]
pub struct Policy {
    places: BTreeMap<Place, Seen>,
    after: BTreeMap<(Place, &'static str), Seen>,
    ways: BTreeMap<&'static str, Weights>,
}

impl Policy {
    /// The policy that the search goes by.
    pub fn learned() -> &'static Self {
        static LEARNED: OnceLock<Policy> = OnceLock::new();
        LEARNED.get_or_init(|| {
            let mut policy = Self::default();
            for line in COUNTS.lines().filter(|line| !line.starts_with('#')) {
                if let Some((head, counts)) = line.split_once(": ") {
                    let counts = counts.split(", ").filter_map(|item| item.rsplit_once(' '));
                    let counts = counts.filter_map(|(name, n)| Some((name, n.parse().ok()?)));
                    policy.read(head, counts);
                }
            }
            policy
        })
    }

    fn read(&mut self, head: &'static str, counts: impl Iterator<Item = (&'static str, f64)>) {
        let (place, last) = match head.split_once(" after ") {
            Some(("grid", "start")) => (Place::Start, "start"),
            Some(("grid", last)) => (Place::Grid, last),
            Some((_, last)) => (Place::List, last),
            None => {
                let step = head.strip_prefix("ways to ").unwrap_or(head);
                self.ways.entry(step).or_default().extend(counts);
                return;
            }
        };
        for (step, count) in counts {
            self.places.entry(place).or_default().add(step, count);
            self.after.entry((place, last)).or_default().add(step, count);
        }
    }

    /// How often a step was taken in one way; `_` stands for all ways that are not named.
    pub fn way(&self, step: &str, way: &str) -> f64 {
        let ways = self.ways.get(step);
        UNSEEN_WAY + ways.and_then(|w| w.get(way).or_else(|| w.get("_"))).copied().unwrap_or(0.0)
    }

    /// How likely each step is in a place after another, given how many ways each may be taken in.
    pub fn steps(&self, place: Place, last: &str, steps: &[(String, usize)]) -> Vec<f64> {
        let unseen = Seen::default();
        let roots: f64 = steps.iter().map(|(_, ways)| (*ways as f64).sqrt()).sum();
        let here = self.places.get(&place).unwrap_or(&unseen);
        let after = self.after.get(&(place, last)).filter(|_| place != Place::Start).unwrap_or(&unseen);
        let likely = |(step, ways): &(String, usize)| {
            let share = (*ways as f64).sqrt() / roots.max(1.0);
            let in_place = (here.of(step) + UNSEEN * share) / (here.total + UNSEEN);
            (after.of(step) + PLACE * in_place) / (after.total + PLACE)
        };
        steps.iter().map(likely).collect()
    }
}

/// The cost of something this likely.
pub fn cost(likely: f64) -> u16 {
    let mut rest = likely * PER_COST.sqrt();
    let mut cost = 0;
    while rest < 1.0 && cost < COST_MAX {
        rest *= PER_COST;
        cost += 1;
    }
    cost.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use stratagem_dsl::Transform;

    #[test]
    fn every_count_is_of_a_transform() {
        let names: Vec<String> = Transform::all().iter().map(ToString::to_string).collect();
        let policy = Policy::learned();
        let steps = policy.after.values().flat_map(|seen| seen.steps.keys());
        for step in steps.chain(policy.ways.keys()) {
            assert!(names.iter().any(|n| n.split(' ').next() == Some(step)), "{step}");
        }
        for (step, ways) in &policy.ways {
            for way in ways.keys().filter(|way| **way != "_") {
                assert!(names.contains(&format!("{step} {way}")), "{step} {way}");
            }
        }
    }

    #[test]
    fn what_is_likely_costs_little() {
        assert_eq!(cost(1.0), 1);
        assert!(cost(0.1) < cost(0.01));
        assert_eq!(cost(0.0), COST_MAX);
        let steps = [("pick".to_string(), 48), ("drop-all".to_string(), 48)];
        let likely = Policy::learned().steps(Place::List, "split", &steps);
        assert!(likely[0] > 4.0 * likely[1] && likely[1] > 0.0);
    }
}
