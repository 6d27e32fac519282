//! Stacking pieces greedily, top first, until the demonstrations are covered.

use stratagem_dsl::Mode;

use crate::pieces::{Piece, Pieces};
use stratagem_kit::{Bits, Budget, Share, Target};

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
    let rows = p.ink.iter().zip(&p.right).zip(&target.ink).zip(open);
    let mut settled = 0;
    for (((&ink, &right), &wanted), &open) in rows {
        let (settles, wrong) = match mode {
            Mode::Over => (ink, !right),
            Mode::Opaque => (!0, !right),
            Mode::Cut => (ink, wanted),
            Mode::Mask => (!ink, wanted),
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

/// Stacks of one set of pieces, searched over and over.
pub struct Stacks<'a> {
    pieces: &'a Pieces,
    target: &'a Target,
    /// For each piece a word of the cells that it draws wrong, that which told last: most pieces that were wrong
    /// once are wrong there again, and need no other look.
    doubts: Vec<Doubt>,
}

#[derive(Clone, Copy)]
struct Doubt {
    wrong: u64,
    at: usize,
}

impl<'a> Stacks<'a> {
    pub fn new(pieces: &'a Pieces, target: &'a Target) -> Self {
        Self { pieces, target, doubts: vec![Doubt { wrong: 0, at: 0 }; pieces.all.len()] }
    }

    /// Searches stacks that are right on the chosen demonstrations; `found` gets each as it grows.
    ///
    /// Pieces beyond `cost_max` are left out: the same search over fewer pieces often generalises
    /// better than over more.
    pub fn search(
        &mut self,
        pairs: &[usize],
        cost_max: u16,
        budget: &mut Share,
        found: &mut dyn FnMut(&[Placed]),
    ) {
        let Self { pieces, target, .. } = *self;
        let count = pieces.all.partition_point(|p| p.cost <= cost_max);
        let open = target.mask(pairs);
        self.grow(count, open.clone(), Vec::new(), budget, found);
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
                    self.grow(count, rest, vec![first], budget, found);
                }
            }
        }
    }

    /// Adds the piece that settles most, over and over.
    fn grow(
        &mut self,
        count: usize,
        mut open: Bits,
        mut layers: Vec<Placed>,
        budget: &mut Share,
        found: &mut dyn FnMut(&[Placed]),
    ) {
        while layers.len() < LAYERS_MAX && budget.left() > 0 {
            budget.spend((count * open.len()) as u64 / 2 + 10);
            let Some(piece) = self.best(count, &open) else { return };
            let placed = Placed { piece, mode: Mode::Over };
            close(self.pieces, &mut open, placed);
            layers.push(placed);
            found(&layers);
            let wanting = open.iter().zip(&*self.target.ink).any(|(o, ink)| o & ink != 0);
            if !wanting {
                return;
            }
        }
    }

    /// The first piece that settles most of the open cells over what lies below, and none wrong.
    fn best(&mut self, count: usize, open: &[u64]) -> Option<usize> {
        let mut best = (0, None);
        for (piece, doubt) in self.doubts[..count].iter_mut().enumerate() {
            if doubt.wrong & open[doubt.at] != 0 {
                continue;
            }
            match settled(&self.pieces.all[piece], open) {
                Ok(settled) if settled > best.0 => best = (settled, Some(piece)),
                Ok(_) => {}
                Err(wrong) => *doubt = wrong,
            }
        }
        best.1
    }
}

/// Cells that a piece settles among the open ones, or where it first settles one wrong.
fn settled(p: &Piece, open: &[u64]) -> Result<u32, Doubt> {
    let mut settled = 0;
    for (at, ((ink, right), open)) in p.ink.iter().zip(&p.right).zip(open).enumerate() {
        let wrong = ink & !right;
        if wrong & open != 0 {
            return Err(Doubt { wrong, at });
        }
        settled += (ink & open).count_ones();
    }
    Ok(settled)
}
