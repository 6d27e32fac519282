//! Short conjunctions that hold where they should and nowhere that they should not.

use stratagem_dsl::cells::Literal;
use stratagem_kit::Budget;

use super::bits::{self, Bits};
use super::sheet::Sheet;

/// Conjunctions kept on the way to the next literal.
const BEAM: usize = 6;
/// The most literals of a clause.
const LITERALS: usize = 3;
/// The least share of the cells wanted that each literal of a clause covers.
const SHARE: u32 = 5;

/// Literals that hold together, and the cells where they do.
#[derive(Clone)]
pub struct Conjunction {
    pub literals: Vec<(usize, bool)>,
    pub cells: Bits,
    /// Cells wanted and unwanted among them.
    pub hits: u32,
    pub misses: u32,
    pub cost: u32,
}

/// Finds conjunctions that hold nowhere in `unwanted`, those that hold most in `wanted` first.
pub fn conjoin(
    sheet: &Sheet,
    wanted: &[u64],
    unwanted: &[u64],
    allowed: &[usize],
    budget: &mut dyn Budget,
) -> Vec<Conjunction> {
    let (all, bad) = (bits::count(wanted), bits::count(unwanted));
    let root = Conjunction {
        literals: Vec::new(),
        cells: wanted.iter().zip(unwanted).map(|(a, b)| a | b).collect(),
        hits: all,
        misses: bad,
        cost: 0,
    };
    if all == 0 || bad == 0 {
        return if all == 0 { Vec::new() } else { vec![root] };
    }
    // The share hit, less the share missed, less 0.0003 for each unit of cost; times 10 000 and what both shares are of,
    // in whole numbers: floats cost more in a sandbox.
    let (each_hit, each_miss) = (10_000 * i64::from(bad), 10_000 * i64::from(all));
    let each_cost = 3 * i64::from(all) * i64::from(bad);
    let quality = |hits: u32, misses: u32, cost: u32| {
        i64::from(hits) * each_hit - i64::from(misses) * each_miss - i64::from(cost) * each_cost
    };
    let mut pure: Vec<Conjunction> = Vec::new();
    let mut beam = vec![root];
    let mut useful: Vec<(usize, bool)> = allowed.iter().flat_map(|&l| [(l, false), (l, true)]).collect();
    for depth in 0..LITERALS {
        let mut open: Vec<Step> = Vec::new();
        let mut shut: Vec<Step> = Vec::new();
        let mut worth = Vec::new();
        for (from, state) in beam.iter().enumerate() {
            let (hit, miss) = (bits::and(&state.cells, wanted), bits::and(&state.cells, unwanted));
            if budget.left() == 0 {
                return pure;
            }
            budget.spend((useful.len() * (sheet.words + 8)) as u64);
            // A literal and its contrary follow one another, and are counted once.
            let (mut counted, mut counts) = (usize::MAX, [0; 2]);
            for &(l, negated) in &useful {
                if l != counted {
                    (counted, counts) = (l, bits::count_in_each(sheet.holds(l), [&hit, &miss]));
                }
                let [mut hits, mut misses] = counts;
                if negated {
                    (hits, misses) = (state.hits - hits, state.misses - misses);
                }
                if hits == 0 || hits * SHARE < all || misses == state.misses {
                    continue;
                }
                if depth == 0 {
                    worth.push((l, negated));
                }
                let cost = state.cost + sheet.costs[l] + 10 * u32::from(negated);
                let step = Step {
                    quality: quality(hits, misses, cost),
                    from,
                    literal: (l, negated),
                    hits,
                    misses,
                    cost,
                };
                if misses == 0 { shut.push(step) } else { open.push(step) }
            }
        }
        if depth == 0 {
            useful = worth;
        }
        let extended = |step: &Step| beam[step.from].and(sheet, step);
        best(&mut shut, 24);
        pure.extend(shut.iter().map(extended));
        if pure.iter().any(|c| c.hits == all) {
            break;
        }
        best(&mut open, 6 * BEAM);
        let open = distinct(open.iter().map(extended));
        beam = open;
    }
    pure.sort_by_key(|c| (all - c.hits, c.cost));
    pure
}

/// A conjunction about to be longer by one literal.
struct Step {
    quality: i64,
    from: usize,
    literal: (usize, bool),
    hits: u32,
    misses: u32,
    cost: u32,
}

/// Keeps the best steps, best first.
fn best(steps: &mut Vec<Step>, keep: usize) {
    let order =
        |a: &Step, b: &Step| b.quality.cmp(&a.quality).then((a.from, a.literal).cmp(&(b.from, b.literal)));
    if steps.len() > keep {
        steps.select_nth_unstable_by(keep, order);
        steps.truncate(keep);
    }
    steps.sort_by(order);
}

impl Conjunction {
    fn and(&self, sheet: &Sheet, step: &Step) -> Self {
        let row = sheet.holds(step.literal.0);
        let cells = if step.literal.1 { bits::minus(&self.cells, row) } else { bits::and(&self.cells, row) };
        let mut literals = self.literals.clone();
        literals.push(step.literal);
        Self { literals, cells, hits: step.hits, misses: step.misses, cost: step.cost }
    }
}

/// The first conjunctions whose cells differ.
fn distinct(states: impl Iterator<Item = Conjunction>) -> Vec<Conjunction> {
    let mut kept: Vec<Conjunction> = Vec::new();
    for state in states {
        if kept.len() == BEAM {
            break;
        }
        if kept.iter().all(|k| k.cells != state.cells) {
            kept.push(state);
        }
    }
    kept
}

/// The literals of a conjunction as data.
pub fn literals(sheet: &Sheet, c: &Conjunction) -> Vec<Literal> {
    c.literals.iter().map(|&(l, negated)| Literal { negated, ..sheet.literals[l] }).collect()
}
