//! Stacking pieces greedily, top first, until the demonstrations are covered.

use stratagem_dsl::Mode;

use crate::pieces::Pieces;
use stratagem_kit::{Bits, Budget, Target};

/// The most layers of a stack.
const LAYERS_MAX: usize = 8;
/// The most first layers that are tried for their own sake.
const STARTS_MAX: usize = 48;

/// A layer: a piece and how it takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    pub piece: usize,
    pub mode: Mode,
}

/// Cells that a piece would settle among the open ones, or none where it would settle one wrong.
fn gain(pieces: &Pieces, target: &Target, open: &[u64], piece: usize, mode: Mode) -> Option<u32> {
    let p = &pieces.all[piece];
    let mut settled = 0;
    for (i, &open) in open.iter().enumerate() {
        let (settles, wrong) = match mode {
            Mode::Over => (p.ink[i], !p.right[i]),
            Mode::Opaque => (!0, !p.right[i]),
            Mode::Cut => (p.ink[i], target.ink[i]),
            Mode::Mask => (!p.ink[i], target.ink[i]),
        };
        let settles = settles & open;
        if settles & wrong != 0 {
            return None;
        }
        settled += settles.count_ones();
    }
    (settled > 0).then_some(settled)
}

fn close(pieces: &Pieces, open: &mut Bits, placed: Placed) {
    let p = &pieces.all[placed.piece];
    for (i, open) in open.iter_mut().enumerate() {
        *open &= match placed.mode {
            Mode::Over | Mode::Cut => !p.ink[i],
            Mode::Opaque => 0,
            Mode::Mask => p.ink[i],
        };
    }
}

/// Searches stacks that are right on the chosen demonstrations; `found` gets each as it grows.
///
/// Pieces beyond `cost_max` are left out: the same search over fewer pieces often generalises
/// better than over more.
pub fn search(
    pieces: &Pieces,
    target: &Target,
    pairs: &[usize],
    cost_max: u16,
    budget: &mut dyn Budget,
    found: &mut dyn FnMut(&[Placed]),
) {
    let count = pieces.all.partition_point(|p| p.cost <= cost_max);
    let open = target.mask(pairs);
    grow(pieces, target, count, open.clone(), Vec::new(), budget, found);
    let mut starts = 0;
    for piece in 0..count {
        for mode in [Mode::Cut, Mode::Mask] {
            if starts == STARTS_MAX || budget.left() == 0 {
                return;
            }
            if gain(pieces, target, &open, piece, mode).is_some() {
                starts += 1;
                let first = Placed { piece, mode };
                let mut rest = open.clone();
                close(pieces, &mut rest, first);
                grow(pieces, target, count, rest, vec![first], budget, found);
            }
        }
    }
}

/// Adds the piece that settles most, over and over.
fn grow(
    pieces: &Pieces,
    target: &Target,
    count: usize,
    mut open: Bits,
    mut layers: Vec<Placed>,
    budget: &mut dyn Budget,
    found: &mut dyn FnMut(&[Placed]),
) {
    while layers.len() < LAYERS_MAX && budget.left() > 0 {
        budget.spend((count * open.len()) as u64 / 2 + 10);
        let mut best: Option<(u32, usize)> = None;
        for piece in 0..count {
            match gain(pieces, target, &open, piece, Mode::Over) {
                Some(settled) if best.is_none_or(|(most, _)| settled > most) => {
                    best = Some((settled, piece));
                }
                _ => {}
            }
        }
        let Some((_, piece)) = best else { return };
        let placed = Placed { piece, mode: Mode::Over };
        close(pieces, &mut open, placed);
        layers.push(placed);
        found(&layers);
        let wanting = open.iter().zip(&*target.ink).any(|(o, ink)| o & ink != 0);
        if !wanting {
            return;
        }
    }
}
