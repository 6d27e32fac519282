//! Stacks of pieces, top first, by a beam: those that leave least open for their cost go on.

use stratagem_dsl::Mode;
use stratagem_kit::{Bits, Budget, Target};

use crate::pieces::Pieces;

/// The most layers of a stack.
const LAYERS_MAX: usize = 7;
/// How many ways each stack of the beam goes on.
const BRANCHES: usize = 10;
/// How much of what is open a layer has to settle to make up for a nat, in thousandths.
const NAT_WORTH: u64 = 60;

/// A layer: a piece and how it takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    pub piece: usize,
    pub mode: Mode,
}

struct Stack {
    layers: Vec<Placed>,
    open: Bits,
    /// Open cells that want a colour, and the layers' cost on the same scale: the lower the better.
    score: u64,
    cost: u64,
}

/// Searches stacks that err nowhere on the demonstrations but `without`; `found` gets each that leaves no ink open.
///
/// *Limits:* the `width` likeliest pieces take part; `beam` stacks of each height go on.
pub fn search(
    pieces: &Pieces,
    target: &Target,
    without: Option<usize>,
    (width, beam): (usize, usize),
    budget: &mut dyn Budget,
    found: &mut dyn FnMut(&[Placed]),
) {
    let others: Vec<usize> = (0..target.pairs()).filter(|&p| Some(p) != without).collect();
    let open = target.mask(&others);
    let total = wanting(&open, target).max(1);
    let mut level = vec![Stack { layers: Vec::new(), open, score: 0, cost: 0 }];
    for height in 0..LAYERS_MAX {
        let mut next: Vec<Stack> = Vec::new();
        for stack in &level {
            for (placed, settled) in layers(pieces, target, stack, width, height < 2, budget) {
                let p = &pieces.all[placed.piece];
                let mut open = stack.open.clone();
                for (word, open) in open.iter_mut().enumerate() {
                    *open &= !p.settles(placed.mode, word, target).0;
                }
                let mut layers = stack.layers.clone();
                layers.push(placed);
                let left = wanting(&open, target);
                if left == 0 {
                    found(&layers);
                    continue;
                }
                if settled == 0 {
                    continue;
                }
                let cost = stack.cost + u64::from(p.cost) * NAT_WORTH / 1000 + 30;
                next.push(Stack { layers, open, score: left * 1000 / total + cost, cost });
            }
        }
        next.sort_by_key(|s| s.score);
        next.dedup_by(|a, b| a.open == b.open);
        next.truncate(beam);
        if next.is_empty() || budget.left() == 0 {
            return;
        }
        level = next;
    }
}

fn wanting(open: &[u64], target: &Target) -> u64 {
    open.iter().zip(&*target.ink).map(|(o, ink)| u64::from((o & ink).count_ones())).sum()
}

/// The best layers to add to a stack: those that settle much, wrong nowhere, for their cost.
fn layers(
    pieces: &Pieces,
    target: &Target,
    stack: &Stack,
    width: usize,
    carving: bool,
    budget: &mut dyn Budget,
) -> Vec<(Placed, u32)> {
    let modes: &[Mode] = if carving {
        &[Mode::Over, Mode::Cut, Mode::Mask, Mode::Opaque]
    } else {
        &[Mode::Over, Mode::Opaque]
    };
    let mut best: Vec<(u64, Placed, u32)> = Vec::new();
    let count = pieces.all.len().min(width);
    budget.spend((count * stack.open.len() * modes.len()) as u64 / 3 + 50);
    let open: u32 = stack.open.iter().map(|o| o.count_ones()).sum();
    for (index, p) in pieces.all[..count].iter().enumerate() {
        for &mode in modes {
            let (mut settled, mut erred) = (0, false);
            for (word, &open) in stack.open.iter().enumerate() {
                let (settles, wrong) = p.settles(mode, word, target);
                let settles = settles & open;
                if settles & wrong != 0 {
                    erred = true;
                    break;
                }
                settled += settles.count_ones();
            }
            if erred || settled == 0 {
                continue;
            }
            let left = u64::from(open - settled) * 1000 / u64::from(open.max(1));
            let score = left + u64::from(p.cost) * NAT_WORTH / 1000;
            let full = best.len() == BRANCHES;
            if full && best.last().is_some_and(|worst| worst.0 <= score) {
                continue;
            }
            let at = best.partition_point(|b| b.0 <= score);
            best.insert(at, (score, Placed { piece: index, mode }, settled));
            best.truncate(BRANCHES);
        }
    }
    best.into_iter().map(|(_, placed, settled)| (placed, settled)).collect()
}
