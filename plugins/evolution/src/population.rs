//! The population: elites of many niches, and the choice of parents among them.

use stratagem_dsl::Transform;
use stratagem_synthesis::priors;

use crate::arena::Arena;
use crate::chance::Chance;
use crate::piece::{Bits, Pieces};

/// Elites of one niche.
const NICHE_SIZE: usize = 6;
/// Elites among which cells decide.
const CONTEST: usize = 24;
/// Cells that decide, at most.
const CASES: usize = 12;
/// What explaining every cell is worth, in units of cost: ten common steps.
const WORTH: i64 = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Elite {
    score: i64,
    state: u32,
}

/// The elites by niche, as MAP-Elites keeps them: programs compete only with those that draw in a like way.
#[derive(Default)]
pub struct Population {
    niches: Vec<Vec<Elite>>,
    /// The number of each niche's kind of drawing, in the same order.
    kinds: Vec<u16>,
    /// Every state by cost, so that short programs stay in play whatever they explain.
    by_cost: Vec<Vec<u32>>,
    next_state: u32,
}

impl Population {
    /// Takes in the states that are new.
    pub fn gather(&mut self, arena: &Arena, pieces: &Pieces) {
        while (self.next_state as usize) < arena.len() {
            let state = self.next_state;
            self.next_state += 1;
            let cost = usize::from(arena.state(state).cost);
            if self.by_cost.len() <= cost {
                self.by_cost.resize_with(cost + 1, Vec::new);
            }
            self.by_cost[cost].push(state);
            if priors::is_leaf(arena.last_step(state)) && !arena.state(state).is_list {
                continue;
            }
            let kind = niche(arena, pieces, state);
            let at = self.kinds.iter().position(|&k| k == kind).unwrap_or_else(|| {
                self.kinds.push(kind);
                self.niches.push(Vec::new());
                self.kinds.len() - 1
            });
            let elites = &mut self.niches[at];
            let elite = Elite { score: score(arena, pieces, state), state };
            let at = elites.partition_point(|e| e.score >= elite.score);
            if at < NICHE_SIZE {
                elites.insert(at, elite);
                elites.truncate(NICHE_SIZE);
            }
        }
    }

    /// How many niches are taken, and by how many elites.
    pub fn spread(&self) -> (usize, usize) {
        (self.niches.len(), self.niches.iter().map(Vec::len).sum())
    }

    /// A parent: short, or of any niche, or one that explains cells which few others do.
    pub fn parent(&self, pieces: &Pieces, hard: &[usize], chance: &mut Chance) -> u32 {
        match chance.below(10) {
            0..3 => self.short(chance),
            3..6 => self.elite(chance),
            _ => self.lexicase(pieces, hard, chance),
        }
    }

    /// A state, short ones more often.
    fn short(&self, chance: &mut Chance) -> u32 {
        let top = self.by_cost.len().min(36);
        // The lower of two: half of the states come from the cheaper third.
        let cost = chance.below(top).min(chance.below(top));
        let filled = self.by_cost[cost..].iter().find(|states| !states.is_empty());
        filled.and_then(|states| chance.pick(states)).copied().unwrap_or(0)
    }

    /// An elite of any niche, the better ones more often.
    pub fn elite(&self, chance: &mut Chance) -> u32 {
        let Some(elites) = chance.pick(&self.niches) else { return 0 };
        let at = chance.below(elites.len()).min(chance.below(elites.len()));
        elites.get(at).map_or(0, |e| e.state)
    }

    /// The elite that is left when one hard cell after another, in random order, rules out those that fail it.
    fn lexicase(&self, pieces: &Pieces, hard: &[usize], chance: &mut Chance) -> u32 {
        let explains =
            |state: u32, cell: usize| pieces.of(state).is_some_and(|p| is_set(&pieces.all[p].explains, cell));
        let mut left: Vec<u32> = (0..CONTEST).map(|_| self.elite(chance)).collect();
        for _ in 0..CASES {
            let Some(&cell) = chance.pick(hard) else { break };
            if left.iter().any(|&s| explains(s, cell)) {
                left.retain(|&s| explains(s, cell));
            }
        }
        chance.pick(&left).copied().unwrap_or(0)
    }
}

pub fn is_set(bits: &Bits, at: usize) -> bool {
    bits[at / 64] >> (at % 64) & 1 == 1
}

/// What a state is worth: cells explained, less what it costs.
fn score(arena: &Arena, pieces: &Pieces, state: u32) -> i64 {
    let cost = i64::from(arena.state(state).cost);
    let Some(piece) = pieces.of(state) else { return -cost };
    let floor = pieces.ground.map_or(0, |g| pieces.all[g].explained);
    let cells = pieces.all[piece].cells.len() as i64;
    let hard = (cells - i64::from(floor)).max(1);
    let gain = i64::from(pieces.all[piece].explained) - i64::from(floor);
    WORTH * gain / hard - cost
}

/// How a state draws: a list or a grid, how large, how unlike the ground, in how many colours, and what it did last.
fn niche(arena: &Arena, pieces: &Pieces, state: u32) -> u16 {
    let area = |state: u32| arena.value(state, 0).map_or(0, stratagem_dsl::Value::area);
    let size = match area(state).cmp(&area(0)) {
        std::cmp::Ordering::Less => 0,
        std::cmp::Ordering::Equal => 1,
        std::cmp::Ordering::Greater => 2,
    };
    let list = u16::from(arena.state(state).is_list);
    let (change, colours) = match (pieces.of(state), pieces.ground) {
        (Some(piece), Some(ground)) => {
            let (piece, ground) = (&pieces.all[piece].cells, &pieces.all[ground].cells);
            let changed = piece.iter().zip(ground).filter(|(a, b)| a != b).count();
            (bucket(changed * 100 / piece.len().max(1)), colours_of(piece))
        }
        (Some(piece), None) => (0, colours_of(&pieces.all[piece].cells)),
        (None, _) => (5, 0),
    };
    let kind = match arena.last_step(state) {
        None => 0,
        Some(Transform::Pick(_) | Transform::PickAll(_) | Transform::DropAll(_) | Transform::Join(_)) => 1,
        Some(_) => 2,
    };
    (((list * 3 + size) * 6 + change) * 4 + colours) * 3 + kind
}

fn bucket(percent: usize) -> u16 {
    match percent {
        0..2 => 0,
        2..8 => 1,
        8..25 => 2,
        25..60 => 3,
        _ => 4,
    }
}

fn colours_of(cells: &[u8]) -> u16 {
    let mut seen = 0u16;
    cells.iter().filter(|&&c| c != 0).for_each(|&c| seen |= 1 << c);
    seen.count_ones().min(3) as u16
}
