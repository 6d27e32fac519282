//! Looking each cell up by what a few pieces show there.

use crate::pieces::Pieces;
use stratagem_kit::{Budget, Target};

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
    budget: &mut dyn Budget,
    found: &mut dyn FnMut(Table),
) {
    let count = pieces.all.len().min(width);
    let order = scattered(target.cells.len());
    let wanted: Vec<u8> = order.iter().map(|&i| target.cells[i]).collect();
    let keys: Vec<Vec<u8>> =
        pieces.all[..count].iter().map(|p| order.iter().map(|&i| p.cells[i]).collect()).collect();
    let consistent = |tables: &mut [u8; 1000], chosen: &[usize], budget: &mut dyn Budget| {
        let slots = 10usize.pow(chosen.len() as u32);
        tables[..slots].fill(EMPTY);
        for (i, &want) in wanted.iter().enumerate() {
            let slot = chosen.iter().fold(0, |s, &k| s * 10 + keys[k][i] as usize);
            if tables[slot] == EMPTY {
                tables[slot] = want;
            } else if tables[slot] != want {
                budget.spend(i as u64 / 2 + slots as u64 / 32 + 2);
                return false;
            }
        }
        budget.spend(wanted.len() as u64);
        true
    };
    let mut slots = [EMPTY; 1000];
    let mut hits = 0;
    let mut alone = vec![false; count];
    for (a, alone) in alone.iter_mut().enumerate() {
        if budget.left() == 0 {
            return;
        }
        if consistent(&mut slots, &[a], budget) {
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
            if !alone[a] && !alone[b] && consistent(&mut slots, &[a, b], budget) {
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
            if consistent(&mut slots, &[0, b, c], budget) {
                hits += 1;
                found(read_off(pieces, target, &[0, b, c]));
            }
        }
    }
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
