//! Decision lists by sequential covering: pure clauses, the one that explains most for its length first.

use stratagem_dsl::cells::{Clause, Fact, Family, Ink, List, Literal, Pass};
use stratagem_kit::Budget;

use super::bits::{self, Bits};
use super::conjoin::{Conjunction, conjoin, literals};
use super::sheet::Sheet;
use super::{Found, costs};

/// The most clauses of a list, turned ones not counted.
const CLAUSES: usize = 4;
/// How many inks are tried for a clause.
const INKS: usize = 5;
/// How many clauses are tried turned before the best is taken.
const TURNED: usize = 6;
/// Complexity for a list that no other demonstrations bear out.
const DOUBT: f64 = 3.0;
/// Complexity for a clause that only one demonstration speaks for.
const LONE: f64 = 0.6;

/// A clause, and what it comes to in the demonstrations.
#[derive(Clone)]
struct Step {
    clause: Clause,
    /// All cells of which it holds.
    met: Bits,
    /// All cells where its ink is right.
    right: Bits,
}

/// A clause and the same turned, which count as little more than one.
#[derive(Clone)]
struct Group {
    steps: Vec<Step>,
    hits: u32,
    cost: u32,
    /// Demonstrations in which it makes a difference.
    witnesses: usize,
}

#[derive(Clone)]
struct Draft {
    groups: Vec<Group>,
    otherwise: usize,
}

/// What is still to be explained.
struct Open {
    /// Cells that no clause has taken.
    rest: Bits,
    /// Those of them that the last word of the list gets wrong.
    unmet: Bits,
}

impl Group {
    /// Explained cells for the length.
    fn worth(&self) -> f64 {
        f64::from(self.hits) / f64::from(60 + self.cost)
    }

    fn new(sheet: &Sheet, steps: Vec<Step>, cost: u32, open: &Open) -> Self {
        let mut met = vec![0; sheet.words];
        for step in &steps {
            for (all, one) in met.iter_mut().zip(&step.met) {
                *all |= one;
            }
        }
        let hit = bits::and(&met, &open.unmet);
        let shows = |&pair: &usize| {
            (sheet.starts[pair]..sheet.starts[pair + 1]).any(|i| hit[i / 64] >> (i % 64) & 1 == 1)
        };
        let witnesses = (0..sheet.pairs()).filter(shows).count();
        let cost = cost + costs::TURNED * (steps.len() as u32 - 1);
        Self { hits: bits::count(&hit), steps, cost, witnesses }
    }

    /// The clause alone, and with its turned copies where they are pure and of use.
    fn variants(self, sheet: &Sheet, open: &Open, budget: &mut dyn Budget) -> Vec<Self> {
        let mut all = Vec::new();
        let (base, cost) = (&self.steps[0], self.cost);
        for turns in [&[1, 2, 3][..], &[2]] {
            let mut steps = vec![base.clone()];
            let mut rest = bits::minus(&open.rest, &base.met);
            let (mut pure, mut useful) = (true, false);
            for &quarters in turns {
                let copy = base.turned(quarters, sheet, budget);
                if steps.iter().any(|s| s.clause == copy.clause) {
                    continue;
                }
                let met = bits::and(&copy.met, &rest);
                pure &= bits::is_empty(&bits::minus(&met, &copy.right));
                if !pure {
                    break;
                }
                useful |= bits::count_both(&met, &open.unmet) > 0;
                rest = bits::minus(&rest, &met);
                steps.push(copy);
            }
            if pure && useful {
                all.push(Self::new(sheet, steps, cost, open));
            }
        }
        all.push(self);
        all
    }
}

impl Step {
    fn turned(&self, quarters: usize, sheet: &Sheet, budget: &mut dyn Budget) -> Self {
        let mut clause = self.clause.clone();
        for _ in 0..quarters {
            for literal in &mut clause.when {
                *literal = literal.turned();
            }
            clause.ink = clause.ink.turned();
        }
        let met = clause.when.iter().fold(sheet.everything(), |cells, literal: &Literal| {
            bits::and(&cells, &sheet.holds_of(literal, budget))
        });
        let right = sheet.right_of(clause.ink);
        Self { clause, met, right }
    }
}

/// Learns lists for the active cells; alternatives differ in the last clause.
fn learn(
    sheet: &Sheet,
    active: &[u64],
    allowed: &[usize],
    otherwise: usize,
    budget: &mut dyn Budget,
) -> Vec<Draft> {
    let mut draft = Draft { groups: Vec::new(), otherwise };
    let mut rest = active.to_vec();
    for _ in 0..CLAUSES {
        let unmet = bits::minus(&rest, sheet.right(otherwise));
        let all = bits::count(&unmet);
        let open = Open { rest, unmet };
        let mut options = options(sheet, &open, allowed, budget);
        options.sort_by(|a, b| b.worth().total_cmp(&a.worth()));
        let Some(best) = options.first() else { return Vec::new() };
        if best.hits == all {
            let whole = options.into_iter().filter(|o| o.hits == all).take(6);
            let with = |group| {
                let mut draft = draft.clone();
                draft.groups.push(group);
                draft
            };
            return whole.map(with).collect();
        }
        rest = best.steps.iter().fold(open.rest, |rest, step| bits::minus(&rest, &step.met));
        draft.groups.push(best.clone());
    }
    Vec::new()
}

/// Pure clauses for the inks that would get most cells right.
fn options(sheet: &Sheet, open: &Open, allowed: &[usize], budget: &mut dyn Budget) -> Vec<Group> {
    let mut inks: Vec<(u32, usize)> = (0..sheet.inks.len())
        .map(|k| (bits::count_both(sheet.right(k), &open.unmet), k))
        .filter(|&(n, _)| n > 0)
        .collect();
    inks.sort_by_key(|&(n, k)| (u32::MAX - n, sheet.ink_costs[k]));
    let mut found: Vec<Group> = Vec::new();
    for &(_, k) in inks.iter().take(INKS) {
        let wanted = bits::and(sheet.right(k), &open.unmet);
        let unwanted = bits::minus(&open.rest, sheet.right(k));
        for c in conjoin(sheet, &wanted, &unwanted, allowed, budget).into_iter().take(12) {
            let cost = costs::CLAUSE + c.cost + sheet.ink_costs[k];
            let step = Step {
                clause: Clause { when: literals(sheet, &c), ink: sheet.inks[k] },
                met: cells_of(sheet, &c),
                right: sheet.right(k).to_vec(),
            };
            found.push(Group::new(sheet, vec![step], cost, open));
        }
    }
    found.sort_by(|a, b| b.worth().total_cmp(&a.worth()));
    let rest = found.split_off(found.len().min(TURNED));
    let turned = found.into_iter().flat_map(|group| group.variants(sheet, open, budget));
    turned.chain(rest).collect()
}

/// All cells where a conjunction holds.
fn cells_of(sheet: &Sheet, c: &Conjunction) -> Bits {
    c.literals.iter().fold(sheet.everything(), |cells, &(l, negated)| {
        if negated { bits::minus(&cells, sheet.holds(l)) } else { bits::and(&cells, sheet.holds(l)) }
    })
}

impl Draft {
    /// Whether every cell of `within` comes out right.
    fn is_right(&self, sheet: &Sheet, within: &[u64]) -> bool {
        let mut rest = within.to_vec();
        for step in self.groups.iter().flat_map(|g| &g.steps) {
            let met = bits::and(&rest, &step.met);
            if !bits::is_empty(&bits::minus(&met, &step.right)) {
                return false;
            }
            rest = bits::minus(&rest, &met);
        }
        bits::is_empty(&bits::minus(&rest, sheet.right(self.otherwise)))
    }

    fn list(&self, sheet: &Sheet) -> List {
        let steps = self.groups.iter().flat_map(|g| &g.steps);
        List { clauses: steps.map(|s| s.clause.clone()).collect(), otherwise: sheet.inks[self.otherwise] }
    }

    /// Length, and doubt where few demonstrations speak for it; `again` is the share of demonstrations
    /// that come out right when left out.
    fn complexity(&self, sheet: &Sheet, again: f64) -> f64 {
        let cost: u32 = self.groups.iter().map(|g| g.cost).sum::<u32>() + sheet.ink_costs[self.otherwise];
        let lone = self.groups.iter().filter(|g| g.witnesses == 1 && sheet.pairs() > 1).count();
        1.2 * f64::from(cost) / 100.0 + LONE * lone as f64 + DOUBT * (1.0 - again)
    }
}

/// The families of facts that a list may speak of.
const SETS: [&[Family]; 8] = [
    &[Family::Colour, Family::Near, Family::Sight, Family::Group, Family::Line, Family::Place],
    &[Family::Colour, Family::Near],
    &[Family::Colour, Family::Sight],
    &[Family::Colour, Family::Group],
    &[Family::Colour, Family::Line],
    &[Family::Colour, Family::Place],
    &[Family::Colour, Family::Near, Family::Group],
    &[Family::Colour, Family::Sight, Family::Line],
];

/// Searches lists over several sets of facts.
pub fn search(sheet: &Sheet, budget: &mut dyn Budget, found: &mut dyn FnMut(Found)) {
    let active = sheet.everything();
    let mut defaults: Vec<usize> = (0..sheet.inks.len()).collect();
    defaults.sort_by_key(|&k| {
        let own = sheet.inks[k] == Ink::As(Fact::Own);
        (!own, u32::MAX - bits::count_both(sheet.right(k), &active))
    });
    // What was found again of lists already known.
    let mut known: Vec<(List, f64)> = Vec::new();
    for families in SETS {
        let allowed: Vec<usize> =
            (0..sheet.literals.len()).filter(|&l| families.contains(&sheet.families[l])).collect();
        for &otherwise in defaults.iter().take(2) {
            let drafts = learn(sheet, &active, &allowed, otherwise, budget);
            let Some(first) = drafts.first().map(|d| d.list(sheet)) else { continue };
            let again = known.iter().find(|(list, _)| *list == first).map(|(_, again)| *again);
            let again = again.unwrap_or_else(|| found_again(sheet, &allowed, otherwise, budget));
            known.push((first, again));
            for draft in &drafts {
                let complexity = draft.complexity(sheet, again);
                found(Found { passes: vec![Pass::List(draft.list(sheet))], complexity, whole: true });
            }
        }
    }
}

/// The share of demonstrations that a list learned from the others gets right.
fn found_again(sheet: &Sheet, allowed: &[usize], otherwise: usize, budget: &mut dyn Budget) -> f64 {
    let again = (0..sheet.pairs()).filter(|&pair| {
        let left_out = sheet.pair(pair);
        let rest = bits::minus(&sheet.everything(), &left_out);
        let drafts = learn(sheet, &rest, allowed, otherwise, budget);
        drafts.first().is_some_and(|d| d.is_right(sheet, &left_out))
    });
    again.count() as f64 / sheet.pairs() as f64
}
