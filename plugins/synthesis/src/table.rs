//! Looking each cell up by what a few pieces show there.

use crate::pieces::Pieces;
use stratagem_kit::{Budget, Share, Target};

/// A table that explains every cell of every demonstration.
pub struct Table {
    /// Pieces that give the key, in order.
    pub keys: Vec<usize>,
    /// Key to colour, in order of key.
    pub rows: Vec<(Vec<u8>, u8)>,
    /// Rows that only one demonstration speaks for.
    pub lone_rows: usize,
}

/// Marks an empty slot of a table under construction.
const EMPTY: u8 = 0xff;

/// Searches tables of one to three keys; `found` gets each that holds without exception.
///
/// *Limits:* the `width` cheapest pieces take part.
pub fn search(
    pieces: &Pieces,
    target: &Target,
    width: usize,
    budget: &mut Share,
    found: &mut dyn FnMut(Table),
) {
    let count = pieces.all.len().min(width);
    let order = scattered(target.cells.len());
    let keys: Vec<Vec<[u8; AT_ONCE]>> =
        pieces.all[..count].iter().map(|p| in_parts(&p.cells, &order)).collect();
    let mut trial = Trial {
        cells: order.len(),
        wanted: in_parts(&target.cells, &order),
        told: Box::new([0; SLOTS]),
        number: 0,
    };
    let mut hits = 0;
    let mut alone = vec![false; count];
    for (a, alone) in alone.iter_mut().enumerate() {
        if budget.left() == 0 {
            return;
        }
        if trial.holds([&keys[a]], budget) {
            *alone = true;
            hits += 1;
            found(read_off(pieces, target, &[a]));
        }
    }
    for b in 1..count {
        for a in 0..b {
            if budget.left() == 0 || hits > 40 {
                return;
            }
            if !alone[a] && !alone[b] && trial.holds([&keys[a], &keys[b]], budget) {
                hits += 1;
                found(read_off(pieces, target, &[a, b]));
            }
        }
    }
    if hits > 0 {
        return;
    }
    for c in 2..count.min(130) {
        for b in 1..c {
            if budget.left() == 0 || hits > 20 {
                return;
            }
            if trial.holds([&keys[0], &keys[b], &keys[c]], budget) {
                hits += 1;
                found(read_off(pieces, target, &[0, b, c]));
            }
        }
    }
}

/// Slots for three colours of four bits.
const SLOTS: usize = 1 << 12;
/// Cells that are looked at in one go.
const AT_ONCE: usize = 4;

/// Trying out whether keys tell what is wanted.
struct Trial {
    cells: usize,
    wanted: Vec<[u8; AT_ONCE]>,
    /// What each slot stands for, and above its four bits the number of the trial that says so: nothing is to be
    /// cleared between trials.
    told: Box<[u32; SLOTS]>,
    number: u32,
}

impl Trial {
    /// Whether cells that show the same in all keys are wanted the same.
    fn holds<const KEYS: usize>(&mut self, keys: [&[[u8; AT_ONCE]]; KEYS], budget: &mut Share) -> bool {
        self.number += 1;
        for (part, wanted) in self.wanted.iter().enumerate() {
            for (i, &want) in wanted.iter().enumerate() {
                let slot = keys.iter().fold(0, |slot, key| slot << 4 | usize::from(key[part][i]));
                let told = &mut self.told[slot % SLOTS];
                let tells = self.number << 4 | u32::from(want);
                if *told >> 4 == self.number && *told != tells {
                    let seen = (part * AT_ONCE + i) as u64;
                    budget.spend(seen / 2 + 10u64.pow(KEYS as u32) / 32 + 2);
                    return false;
                }
                *told = tells;
            }
        }
        budget.spend(self.cells as u64);
        true
    }
}

/// Cells in a given order, a few at a time; the last is said again to fill up, which contradicts nothing.
fn in_parts(cells: &[u8], order: &[usize]) -> Vec<[u8; AT_ONCE]> {
    let part = |part: &[usize]| std::array::from_fn(|i| cells[part[i.min(part.len() - 1)]]);
    order.chunks(AT_ONCE).map(part).collect()
}

/// A fixed order of cells that jumps about, so that contradictions show early.
fn scattered(n: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by_key(|&i| (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    order
}

fn read_off(pieces: &Pieces, target: &Target, keys: &[usize]) -> Table {
    let mut colour = [EMPTY; 1000];
    let mut witnesses = [0u32; 1000];
    for pair in 0..target.pairs() {
        for i in target.starts[pair]..target.starts[pair + 1] {
            let slot = slot_of(keys.iter().map(|&k| pieces.all[k].cells[i]));
            colour[slot] = target.cells[i];
            witnesses[slot] |= 1 << pair.min(31);
        }
    }
    let digits = keys.len() as u32;
    let rows: Vec<(Vec<u8>, u8)> = (0..10usize.pow(digits))
        .filter(|&slot| colour[slot] != EMPTY)
        .map(|slot| {
            let key = (0..digits).rev().map(|d| (slot / 10usize.pow(d) % 10) as u8).collect();
            (key, colour[slot])
        })
        .collect();
    let lone_rows = witnesses.iter().filter(|w| w.is_power_of_two()).count();
    Table { keys: keys.to_vec(), rows, lone_rows }
}

fn slot_of(key: impl Iterator<Item = u8>) -> usize {
    key.fold(0, |s, k| s * 10 + k as usize)
}

impl Table {
    /// The answer on one test canvas; none where a key was never seen or a piece does not apply.
    pub fn answer(&self, pieces: &Pieces, test: usize) -> Option<Vec<u8>> {
        let layers: Vec<&[u8]> =
            self.keys.iter().map(|&k| pieces.all[k].tests[test].as_deref()).collect::<Option<_>>()?;
        let mut colour = [EMPTY; 1000];
        for (key, c) in &self.rows {
            colour[slot_of(key.iter().copied())] = *c;
        }
        (0..layers[0].len())
            .map(|i| {
                let c = colour[slot_of(layers.iter().map(|l| l[i]))];
                (c != EMPTY).then_some(c)
            })
            .collect()
    }
}
