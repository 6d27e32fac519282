//! Rules learned from the demonstrations: which colour of a key means what.
//!
//! A choice among trees is not bred blindly: given a key and a base, the rule for each colour of the key is counted
//! from the cells; given two trees, the mask between them is the one that agrees with most of them.

use std::ops::Range;

use stratagem_dsl::{Rules, Take};
use stratagem_kit::Budget;

use crate::piece::{Bits, Pieces, Target, bits, count};

/// For each colour of a key: how many cells want each colour, and how many the base has right.
#[derive(Clone, Copy, Default)]
struct Tally {
    wanted: [u32; 10],
    base_right: u32,
}

impl Tally {
    /// What serves most cells, and how many; the base on a tie.
    fn best(&self) -> (Take, u32) {
        let mut best = (Take::Base, self.base_right);
        for (c, &n) in self.wanted.iter().enumerate() {
            if n > best.1 {
                best = (Take::Colour(c as u8), n);
            }
        }
        best
    }
}

fn tally(key: &[u8], base: Option<&[u8]>, wanted: &[u8]) -> [Tally; 10] {
    let mut tallies = [Tally::default(); 10];
    match base {
        Some(base) => {
            for ((&k, &b), &w) in key.iter().zip(base).zip(wanted) {
                let t = &mut tallies[k as usize];
                t.wanted[w as usize] += 1;
                t.base_right += u32::from(b == w);
            }
        }
        None => key.iter().zip(wanted).for_each(|(&k, &w)| tallies[k as usize].wanted[w as usize] += 1),
    }
    tallies
}

/// The cells that come out right when the base is recoloured by the key under the best rules.
pub fn explained(key: &[u8], base: Option<&[u8]>, wanted: &[u8]) -> Bits {
    let takes = tally(key, base, wanted).map(|t| t.best().0);
    let base = base.unwrap_or(key);
    bits((0..wanted.len()).map(|i| match takes[key[i] as usize] {
        Take::Base => base[i] == wanted[i],
        Take::Colour(c) => c == wanted[i],
    }))
}

/// The best rules for recolouring the base by the key, and how many of them only one demonstration speaks for.
///
/// What several colours of the key share becomes the rule for all others.
pub fn rules(key: &[u8], base: &[u8], target: &Target) -> (Rules, u8) {
    let tallies = tally(key, Some(base), &target.cells);
    let mut witnesses = [0u32; 10];
    for pair in 0..target.pairs() {
        for &k in &key[target.starts[pair]..target.starts[pair + 1]] {
            witnesses[k as usize] |= 1 << pair.min(31);
        }
    }
    let rows: Vec<(u8, Take)> = (0..10u8)
        .filter(|&k| witnesses[k as usize] != 0)
        .map(|k| (k, tallies[k as usize].best().0))
        .collect();
    let sharing = |take: Take| rows.iter().filter(|(_, t)| *t == take).count();
    let common = rows.iter().map(|&(_, t)| (sharing(t), t == Take::Base, t)).max();
    let other = common.filter(|&(n, is_base, _)| n > 1 || is_base).map(|(_, _, take)| take);
    let kept: Vec<(u8, Take)> = rows.into_iter().filter(|(_, take)| Some(*take) != other).collect();
    let is_lone = |&&(k, take): &&(u8, Take)| take != Take::Base && witnesses[k as usize].is_power_of_two();
    let lone = kept.iter().filter(is_lone).count();
    let lone = if target.pairs() > 1 { lone as u8 } else { 0 };
    (Rules { rows: kept, other }, lone)
}

/// A key for a base, and how many more cells it gets right than the base does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    pub gain: u32,
    pub key: usize,
}

impl Found {
    /// Puts a find in its place among the best so far, which stay at most `limit`.
    fn join(self, best: &mut Vec<Self>, limit: usize) {
        if best.len() < limit || self.gain > best[limit - 1].gain {
            let at = best.partition_point(|f| f.gain >= self.gain);
            best.insert(at, self);
            best.truncate(limit);
        }
    }
}

/// The keys that improve a base most, best first, at most `limit` of them.
pub fn keys_for(
    pieces: &Pieces,
    target: &Target,
    base: usize,
    keys: Range<usize>,
    limit: usize,
    budget: &mut dyn Budget,
) -> Vec<Found> {
    let b = &pieces.all[base];
    let wrong: Vec<usize> =
        (0..target.cells.len()).filter(|&i| b.right[i / 64] >> (i % 64) & 1 == 0).collect();
    let mut found: Vec<Found> = Vec::new();
    for key in keys {
        if budget.left() == 0 {
            break;
        }
        let cells = &pieces.all[key].cells;
        let floor = if found.len() == limit { found[limit - 1].gain } else { 0 };
        let mut seen = [[0u16; 10]; 10];
        for &i in &wrong {
            seen[cells[i] as usize][target.cells[i] as usize] += 1;
        }
        let bound: u32 = seen.iter().map(|row| u32::from(row.iter().fold(0, |most, &n| most.max(n)))).sum();
        budget.spend(wrong.len() as u64 + 100);
        if bound <= floor {
            continue;
        }
        budget.spend(2 * target.cells.len() as u64 + 100);
        let after: u32 = tally(cells, Some(&b.cells), &target.cells).iter().map(|t| t.best().1).sum();
        let gain = after.saturating_sub(b.rightness);
        if gain > floor {
            Found { gain, key }.join(&mut found, limit);
        }
    }
    found
}

/// The pieces that are right where a base is wrong, most cells first.
pub fn helpers_for(
    pieces: &Pieces,
    base: usize,
    among: &[Range<usize>],
    limit: usize,
    budget: &mut dyn Budget,
) -> Vec<Found> {
    let right = &pieces.all[base].right;
    best_of(among, right.len(), limit, budget, |key| {
        count(pieces.all[key].right.iter().zip(right).map(|(r, b)| r & !b))
    })
}

/// Masks under which cells come from `then` rather than from `other`: the best first, with the cells that come out
/// right.
pub fn masks_for(
    pieces: &Pieces,
    then: usize,
    other: usize,
    among: &[Range<usize>],
    limit: usize,
    budget: &mut dyn Budget,
) -> Vec<Found> {
    let (a, b) = (&pieces.all[then].right, &pieces.all[other].right);
    best_of(among, a.len(), limit, budget, |key| {
        let mask = &pieces.all[key].ink;
        count(mask.iter().zip(a.iter().zip(b)).map(|(m, (a, b))| (m & a) | (!m & b)))
    })
}

/// The first pieces that are right on all cells of a set.
pub fn right_on(
    pieces: &Pieces,
    cells: &[u64],
    among: &[Range<usize>],
    limit: usize,
    budget: &mut dyn Budget,
) -> Vec<usize> {
    let tried: usize = among.iter().map(ExactSizeIterator::len).sum();
    budget.spend(20 * tried as u64);
    let serves = |&key: &usize| pieces.all[key].right.iter().zip(cells).all(|(r, c)| c & !r == 0);
    among.iter().cloned().flatten().filter(serves).take(limit).collect()
}

fn best_of(
    among: &[Range<usize>],
    words: usize,
    limit: usize,
    budget: &mut dyn Budget,
    cells: impl Fn(usize) -> u32,
) -> Vec<Found> {
    let mut found = Vec::new();
    for key in among.iter().cloned().flatten() {
        let gain = cells(key);
        if gain > 0 {
            Found { gain, key }.join(&mut found, limit);
        }
    }
    let tried: usize = among.iter().map(ExactSizeIterator::len).sum();
    budget.spend((tried * (3 * words + 16)) as u64);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(cells: &[u8]) -> Target {
        Target { cells: cells.to_vec(), starts: vec![0, cells.len() / 2, cells.len()], tests: 0 }
    }

    #[test]
    fn what_several_colours_share_is_the_rule_for_others() {
        let (rules, lone) = rules(&[1, 2, 3, 0, 3, 0], &[5, 5, 5, 0, 5, 0], &target(&[7, 7, 4, 0, 4, 0]));
        assert_eq!(rules.other, Some(Take::Colour(7)));
        assert_eq!(rules.rows, [(0, Take::Base), (3, Take::Colour(4))]);
        assert_eq!(lone, 0);
    }

    #[test]
    fn rules_that_one_demonstration_speaks_for_are_counted() {
        let (rules, lone) = rules(&[0, 6, 0, 4], &[0, 5, 0, 5], &target(&[0, 2, 0, 5]));
        assert_eq!((rules.rows.as_slice(), rules.other), (&[(6, Take::Colour(2))][..], Some(Take::Base)));
        assert_eq!(lone, 1);
    }

    #[test]
    fn the_cells_that_a_key_explains_are_those_of_its_best_rules() {
        let cells = explained(&[0, 1, 1, 1], Some(&[3, 3, 3, 3]), &[3, 2, 2, 3]);
        assert_eq!(cells[0], 0b0111);
    }
}
