//! The cheapest lists of clauses that explain every cell that changes.
//!
//! A beam of lists, each a clause or an action longer than the one it comes from. The next clause always explains the
//! first cell that is not explained yet, so that every list is met once and those that lead nowhere end early.

use std::collections::BTreeMap;

use stratagem_dsl::scene::{Clause, Form, ObjectRule};
use stratagem_kit::Budget;

use super::Found;
use super::bits::Bits;
use super::candidates::{Candidate, Candidates};
use super::predicates::{Predicates, Told};
use super::prices;
use super::study::Study;

/// How many lists go on from each length.
const BEAM: usize = 40;
/// The most clauses and further actions.
const LENGTH_MAX: usize = 4;
/// The most complete lists that are written down.
const COMPLETE_MAX: usize = 12;
/// What it costs that a clause does something in one demonstration only, or not in all.
const DOUBT_LONE: u32 = 12;
const DOUBT_SOME: u32 = 3;
/// The most lists that are written down where none is complete.
const NEARLY_MAX: usize = 2;
/// Sets that are tried for one candidate from one list.
const SETS_PER_CANDIDATE: usize = 6;

/// A clause by its parts.
#[derive(Clone)]
struct Part {
    told: usize,
    /// Its objects that no earlier clause has taken.
    set: Bits,
    candidates: Vec<usize>,
    doubt: u32,
}

#[derive(Clone)]
struct List {
    parts: Vec<Part>,
    taken: Bits,
    open: Vec<u64>,
    left: u32,
    price: u32,
}

struct Search<'a> {
    study: &'a Study<'a>,
    predicates: &'a Predicates,
    candidates: &'a Candidates,
    /// For each changed cell the covers and objects that may explain it.
    by_cell: Vec<Vec<(usize, usize)>>,
    /// The candidates of each cover.
    by_cover: Vec<Vec<usize>>,
}

/// Searches for lists that explain everything, and writes them as rules; where `partly`, everything that any action
/// explains.
pub fn search<'a>(
    study: &'a Study<'a>,
    form: Form,
    predicates: &'a Predicates,
    candidates: &'a Candidates,
    partly: bool,
    budget: &mut dyn Budget,
) -> Vec<Found> {
    let search = Search::of(study, predicates, candidates);
    let start = search.start();
    if start.left == 0 || (!partly && start.left < candidates.changed as u32) {
        return Vec::new();
    }
    let mut beam = vec![start];
    let mut complete: Vec<List> = Vec::new();
    let mut nearly: Vec<List> = Vec::new();
    for _ in 0..LENGTH_MAX {
        let mut next: BTreeMap<(Vec<u64>, Bits), List> = BTreeMap::new();
        for list in &beam {
            if budget.left() == 0 {
                break;
            }
            search.lengthen(list, budget, &mut |longer| {
                let key = (longer.open.clone(), longer.taken);
                match next.get(&key) {
                    Some(known) if known.price <= longer.price => {}
                    _ => drop(next.insert(key, longer)),
                }
            });
        }
        let (done, mut open): (Vec<List>, Vec<List>) = next.into_values().partition(|l| l.left == 0);
        complete.extend(done);
        open.sort_by_key(|l| (l.price + l.left * 60 / candidates.changed as u32, l.taken));
        open.truncate(BEAM);
        nearly.extend(open.iter().cloned());
        beam = open;
    }
    if complete.is_empty() {
        nearly.sort_by_key(|l| (l.left, l.price));
        nearly.truncate(NEARLY_MAX);
        return nearly.iter().flat_map(|list| search.write(list, form)).collect();
    }
    complete.sort_by_key(|l| l.price);
    complete.truncate(COMPLETE_MAX);
    complete.iter().flat_map(|list| search.write(list, form)).collect()
}

impl<'a> Search<'a> {
    fn of(study: &'a Study<'a>, predicates: &'a Predicates, candidates: &'a Candidates) -> Self {
        let mut by_cover = vec![Vec::new(); candidates.covers.len()];
        for (k, candidate) in candidates.all.iter().enumerate() {
            by_cover[candidate.cover].push(k);
        }
        let mut by_cell = vec![Vec::new(); candidates.changed];
        for (k, cover) in candidates.covers.iter().enumerate().filter(|(k, _)| !by_cover[*k].is_empty()) {
            for (object, cells) in cover.iter().enumerate() {
                cells.iter().for_each(|&cell| by_cell[cell as usize].push((k, object)));
            }
        }
        Self { study, predicates, candidates, by_cell, by_cover }
    }

    /// The empty list; open are the cells that some action explains.
    fn start(&self) -> List {
        let mut open = vec![0u64; self.by_cell.len().div_ceil(64)];
        let explained = (0..self.by_cell.len()).filter(|&cell| !self.by_cell[cell].is_empty());
        explained.for_each(|cell| open[cell / 64] |= 1 << (cell % 64));
        let left = open.iter().map(|w| w.count_ones()).sum();
        List { parts: Vec::new(), taken: Bits::default(), open, left, price: 0 }
    }

    /// Offers every list that is a clause, or an action, longer and explains the first open cell.
    fn lengthen(&self, list: &List, budget: &mut dyn Budget, offer: &mut dyn FnMut(List)) {
        let Some(word) = list.open.iter().position(|w| *w != 0) else { return };
        let cell = 64 * word + list.open[word].trailing_zeros() as usize;
        for &(cover, object) in &self.by_cell[cell] {
            for &k in &self.by_cover[cover] {
                let candidate = &self.candidates.all[k];
                if !candidate.set.has(object) {
                    continue;
                }
                if list.taken.has(object) {
                    budget.spend(20);
                    self.add_action(list, k, object, budget, offer);
                } else {
                    budget.spend(6 * self.predicates.all.len() as u64);
                    self.add_clause(list, k, object, budget, offer);
                }
            }
        }
    }

    fn add_action(
        &self,
        list: &List,
        k: usize,
        object: usize,
        budget: &mut dyn Budget,
        offer: &mut dyn FnMut(List),
    ) {
        let candidate = &self.candidates.all[k];
        let Some(at) = list.parts.iter().position(|p| p.set.has(object)) else { return };
        let set = list.parts[at].set;
        if set.is_within(&candidate.set) && list.parts[at].candidates.len() < 3 {
            let mut longer = list.clone();
            longer.parts[at].candidates.push(k);
            longer.price += candidate.ways[0].1 + 3;
            self.close(&mut longer, candidate, &set, budget);
            offer(longer);
        }
    }

    fn add_clause(
        &self,
        list: &List,
        k: usize,
        object: usize,
        budget: &mut dyn Budget,
        offer: &mut dyn FnMut(List),
    ) {
        let candidate = &self.candidates.all[k];
        let mut tried: Vec<Bits> = Vec::new();
        for (told, Told { set, ways }) in self.predicates.all.iter().enumerate() {
            if !set.has(object) {
                continue;
            }
            let fresh = set.less(&list.taken);
            // Sets come cheapest first: one within a set that has been tried explains no more, for no less.
            if !fresh.is_within(&candidate.set) || tried.iter().any(|known| fresh.is_within(known)) {
                continue;
            }
            tried.push(fresh);
            let doubt = self.doubt(candidate, &fresh);
            let mut longer = list.clone();
            longer.taken = list.taken.or(&fresh);
            longer.price += prices::CLAUSE + ways[0].price + candidate.ways[0].1 + doubt;
            longer.parts.push(Part { told, set: fresh, candidates: vec![k], doubt });
            self.close(&mut longer, candidate, &fresh, budget);
            offer(longer);
            if tried.len() == SETS_PER_CANDIDATE {
                break;
            }
        }
    }

    /// What it adds to the price of a clause that few demonstrations bear it out.
    fn doubt(&self, candidate: &Candidate, set: &Bits) -> u32 {
        let cover = &self.candidates.covers[candidate.cover];
        let pairs = self.study.scenes.len();
        let mut shown = vec![false; pairs];
        for object in set.iter().filter(|&k| !cover[k].is_empty()) {
            shown[self.study.objects[object].0] = true;
        }
        match shown.iter().filter(|s| **s).count() {
            n if n == pairs => 0,
            1 => DOUBT_LONE,
            _ => DOUBT_SOME,
        }
    }

    /// Closes the cells that a candidate explains for a set of objects.
    fn close(&self, list: &mut List, candidate: &Candidate, set: &Bits, budget: &mut dyn Budget) {
        let cover = &self.candidates.covers[candidate.cover];
        for object in set.iter() {
            cover[object].iter().for_each(|&cell| list.open[cell as usize / 64] &= !(1 << (cell % 64)));
            budget.spend(4 + cover[object].len() as u64);
        }
        list.left = list.open.iter().map(|w| w.count_ones()).sum();
    }

    /// A list as rules: the cheapest, and those that differ in one place.
    fn write(&self, list: &List, form: Form) -> Vec<Found> {
        let clause = |part: &Part, way: usize, action_way: usize| {
            let ways = &self.predicates.all[part.told].ways;
            let way = &ways[way.min(ways.len() - 1)];
            let chosen = part.candidates.iter().map(|&k| {
                let ways = &self.candidates.all[k].ways;
                ways[action_way.min(ways.len() - 1)].clone()
            });
            let (actions, prices): (Vec<_>, Vec<u32>) = chosen.unzip();
            let price =
                prices::CLAUSE + part.doubt + way.price + prices.iter().map(|p| p + 3).sum::<u32>() - 3;
            (Clause { tests: way.tests.clone(), actions }, price)
        };
        let mut found: Vec<Found> = Vec::new();
        for changed in 0..list.parts.len() {
            for (way, action_way) in [(0, 0), (1, 0), (0, 1), (2, 0), (0, 2), (1, 1), (3, 0), (0, 3)] {
                let clauses = list.parts.iter().enumerate().map(|(i, part)| {
                    if i == changed { clause(part, way, action_way) } else { clause(part, 0, 0) }
                });
                let (clauses, prices): (Vec<Clause>, Vec<u32>) = clauses.unzip();
                if found.iter().all(|f| f.rule.clauses != clauses) {
                    let rule = ObjectRule { parsing: self.study.parsing, form, clauses };
                    found.push(Found { rule, price: prices.iter().sum() });
                }
            }
        }
        found
    }
}
