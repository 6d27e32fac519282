//! Crossover by learning: a base recoloured by a key, two programs under a mask.

use std::ops::Range;

use stratagem_dsl::tree::choose_where;
use stratagem_dsl::{Grid, Take};
use stratagem_kit::Budget;

use crate::arena::Origin;
use crate::evolve::Evolution;
use crate::learn;
use crate::piece::{Bits, bits};

/// Parts that are put in another's place.
const SPARE_PARTS: usize = 8;
/// The most pieces that are looked through for a key or a mask.
const IN_VIEW: usize = 4000;

impl Evolution<'_> {
    /// A drawing to improve on: of the best, or the ground itself.
    fn base(&mut self) -> Option<usize> {
        let ground = self.pieces.ground.filter(|_| self.chance.percent(15));
        ground.or_else(|| {
            let top = self.bases.len();
            let at = self.chance.below(top).min(self.chance.below(top)).min(self.chance.below(top));
            self.bases.get(at).copied()
        })
    }

    /// Recolours a base by the keys that improve it most.
    pub fn recolour(&mut self, budget: &mut dyn Budget) {
        let Some(base) = self.base() else { return };
        let from = self.pieces.all[base].tried_to;
        let keys = from..self.pieces.all.len().min(from + IN_VIEW);
        self.pieces.all[base].tried_to = keys.end;
        let short = self.target.cells.len() as u32 - self.pieces.all[base].rightness;
        for found in learn::keys_for(&self.pieces, &self.target, base, keys, 8, budget) {
            if found.gain == short || self.chance.percent(50) {
                self.join_by(base, found.key);
            }
        }
    }

    /// The base recoloured by a key, under rules learned from the demonstrations.
    pub fn join_by(&mut self, base: usize, key: usize) -> Option<u32> {
        let (b, k) = (&self.pieces.all[base], &self.pieces.all[key]);
        let (rules, lone_rows) = learn::rules(&k.cells, &b.cells, &self.target);
        let draw = |key: &Grid, base: &Grid| rules.apply(key, base);
        let grids = self.grids(key).into_iter().zip(self.grids(base));
        let grids = grids.map(|(k, b)| draw(&k?, &b?)).collect();
        let origin = Origin::By { key: k.state, base: b.state, rules: rules.clone(), lone_rows };
        self.admit(origin, grids)
    }

    fn admit(&mut self, origin: Origin, grids: Vec<Option<Grid>>) -> Option<u32> {
        let known = self.arena.len();
        let state = self.arena.choose(origin, grids)?;
        self.learned += 1;
        let met = self.pieces.of(state).filter(|_| (state as usize) < known);
        self.pieces.met_again.extend(met.filter(|&p| self.is_exact(p)));
        Some(state)
    }

    fn is_exact(&self, piece: usize) -> bool {
        self.pieces.all[piece].rightness as usize == self.target.cells.len()
    }

    /// Joins a base and what is right where it is wrong, under the masks that tell them apart best.
    pub fn mask(&mut self, budget: &mut dyn Budget) {
        let Some(other) = self.base() else { return };
        let among = self.in_view();
        let helpers = learn::helpers_for(&self.pieces, other, &among, 12, budget);
        let cells = self.target.cells.len() as u32;
        for _ in 0..2 {
            let Some(then) = self.chance.pick(&helpers).map(|h| h.key) else { return };
            let before = self.pieces.all[then].rightness.max(self.pieces.all[other].rightness);
            for found in learn::masks_for(&self.pieces, then, other, &among, 4, budget) {
                if found.gain == cells || found.gain > before && self.chance.percent(40) {
                    self.join_where(found.key, then, other);
                }
            }
        }
    }

    /// The pieces that are looked through: the first, which are short, and some of the others.
    fn in_view(&mut self) -> [Range<usize>; 2] {
        let all = self.pieces.all.len();
        let first = all.min(IN_VIEW / 2);
        let from = first + self.chance.below(all - first);
        [0..first, from..all.min(from + IN_VIEW / 2)]
    }

    /// One piece's cells under a mask, another's elsewhere.
    pub fn join_where(&mut self, mask: usize, then: usize, other: usize) -> Option<u32> {
        let parts = self.grids(mask).into_iter().zip(self.grids(then)).zip(self.grids(other));
        let grids = parts.map(|((m, a), b)| choose_where(&m?, &a?, &b?)).collect();
        let state = |piece: usize| self.pieces.all[piece].state;
        let origin = Origin::Where { mask: state(mask), then: state(then), other: state(other) };
        self.admit(origin, grids)
    }

    /// Exchanges each part of an exact program for others that serve as well: shorter ones come to light, and answers
    /// that many programs agree on.
    pub fn exchange_parts(&mut self, budget: &mut dyn Budget) {
        let Some(state) = self.exact.pop() else { return };
        let of = |part: u32| self.pieces.of(part);
        match &self.arena.state(state).origin {
            Origin::Where { mask, then, other } => {
                if let (Some(mask), Some(then), Some(other)) = (of(*mask), of(*then), of(*other)) {
                    self.exchange_where(mask, then, other, budget);
                }
            }
            Origin::By { key, base, rules, .. } => {
                if let (Some(key), Some(base)) = (of(*key), of(*base)) {
                    let kept = self.pieces.all[key].cells.iter().map(|&k| rules.take(k) == Some(Take::Base));
                    let kept = bits(kept);
                    self.exchange_by(key, base, &kept, budget);
                }
            }
            Origin::Input | Origin::Step { .. } => {}
        }
    }

    fn exchange_where(&mut self, mask: usize, then: usize, other: usize, budget: &mut dyn Budget) {
        let among = self.in_view();
        let cells = self.target.cells.len() as u32;
        for found in learn::masks_for(&self.pieces, then, other, &among, SPARE_PARTS, budget) {
            if found.gain == cells {
                self.join_where(found.key, then, other);
            }
        }
        let inside = self.pieces.all[mask].ink.clone();
        let outside = bits(self.pieces.all[mask].cells.iter().map(|&c| c == 0));
        for found in learn::right_on(&self.pieces, &inside, &among, SPARE_PARTS, budget) {
            self.join_where(mask, found, other);
        }
        for found in learn::right_on(&self.pieces, &outside, &among, SPARE_PARTS, budget) {
            self.join_where(mask, then, found);
        }
    }

    fn exchange_by(&mut self, key: usize, base: usize, kept: &Bits, budget: &mut dyn Budget) {
        let among = self.in_view();
        let short = self.target.cells.len() as u32 - self.pieces.all[base].rightness;
        for keys in among.clone() {
            for found in learn::keys_for(&self.pieces, &self.target, base, keys, SPARE_PARTS, budget) {
                if found.gain == short {
                    self.join_by(base, found.key);
                }
            }
        }
        for found in learn::right_on(&self.pieces, kept, &among, SPARE_PARTS, budget) {
            self.join_by(found, key);
        }
    }

    /// What a piece draws on every input.
    fn grids(&self, piece: usize) -> Vec<Option<Grid>> {
        let p = &self.pieces.all[piece];
        let pairs = self.scene.task.train.iter().enumerate().map(|(i, pair)| {
            let cells = &p.cells[self.target.starts[i]..self.target.starts[i + 1]];
            Grid::from_cells(pair.output.size(), cells.to_vec())
        });
        pairs.chain(p.tests.iter().cloned()).collect()
    }
}
