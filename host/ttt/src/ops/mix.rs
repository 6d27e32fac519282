//! Every direction's channels times a matrix to every direction.

use std::collections::BTreeMap;

use crate::model::multi::DIRECTIONS;
use crate::model::program::{Blocks, Part};
use crate::ops::multi::{Back, Multi, Pass};
use crate::ops::plain::{self, combine, copy};
use crate::ops::tape::{NONE, Span, Tape, chunks, parts, row};

row!(Row { from, to, onto, rows, blocks, matrix, slope, from_slope, adds, parts, partial });
row!(Unmix { to, uses, count });

/// Channels of a direction, and the side of the matrix.
const BLOCK: usize = 8;
const SIDE: usize = DIRECTIONS * BLOCK;
/// Rows of a block of threads.
const ROWS: u64 = 32;

/// The weights that lead from each direction to each, among those of the task, and where the matrices made of them lie.
#[derive(Clone, Copy)]
pub struct Mix<'a> {
    pub onto: Multi<'a>,
    pub blocks: &'a Blocks,
    pub weights: Span,
    pub matrices: Span,
}

/// Numbers of all matrices of a task.
pub fn matrices(blocks: &Blocks) -> usize {
    blocks.iter().flatten().count() * SIDE * SIDE
}

fn rows(tape: &mut Tape, pass: &Pass<'_>, mix: &Mix<'_>) -> Vec<(usize, Row)> {
    assert_eq!(mix.onto.shape, pass.to.shape, "what is added to is of the shape that is written");
    let mixed = mix.blocks.iter().enumerate().filter_map(|(t, blocks)| Some((t, blocks.as_ref()?)));
    mixed
        .enumerate()
        .map(|(which, (t, blocks))| {
            assert!(
                pass.from.channels(t) == BLOCK as u64 && pass.to.channels(t) == BLOCK as u64,
                "8 channels"
            );
            let at = |part: &Part| {
                assert_eq!((part.rows, part.columns), (BLOCK, BLOCK), "a block of tensor {t}");
                mix.weights.part(part.start, BLOCK * BLOCK).at
            };
            let blocks = tape.list(blocks.iter().flatten().map(at).collect::<Vec<u64>>());
            let rows = pass.from.tensor(t).length / SIDE as u64;
            let row = Row {
                from: pass.from.tensor(t).at,
                to: pass.to.tensor(t).at,
                onto: mix.onto.tensor(t).at,
                rows,
                blocks,
                matrix: mix.matrices.part(which * SIDE * SIDE, SIDE * SIDE).at,
                slope: NONE,
                from_slope: NONE,
                adds: 0,
                parts: parts(rows),
                partial: NONE,
            };
            (t, row)
        })
        .collect()
}

/// Mixes; the matrices stay for the way back.
pub fn forth(tape: &mut Tape, of: &[(Pass<'_>, Mix<'_>)]) {
    let (mut all, mut kept) = (Vec::new(), Vec::new());
    for (pass, mix) in of {
        let still = pass.tensors().filter(|(t, ..)| mix.blocks[*t].is_none());
        kept.extend(still.map(|(t, ..)| (mix.onto.tensor(t), pass.to.tensor(t))));
        all.extend(rows(tape, pass, mix).into_iter().map(|(_, row)| row));
    }
    tape.launch("mix_matrix", &all, |_| chunks((SIDE * SIDE) as u64));
    tape.launch("mix_forth", &all, |row| row.rows.div_ceil(ROWS));
    copy(tape, kept);
}

/// The slopes by what was mixed, and those by the weights, which are written into `gradient`, laid out as the weights are.
pub fn back(tape: &mut Tape, of: &[(Back<'_>, Mix<'_>, Span)]) {
    let square = SIDE * SIDE;
    let (mut all, mut sums, mut unmixed, mut taken) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (back, mix, gradient) in of {
        let mut uses = BTreeMap::<usize, Vec<[u64; 3]>>::new();
        for (t, row) in rows(tape, &back.pass, mix) {
            let partial = tape.take(row.parts as usize * square);
            let to = tape.take(square);
            taken.extend([partial, to]);
            sums.push(plain::Parts {
                from: partial.at,
                count: row.parts,
                stride: square as u64,
                to,
                scale: 1.0,
            });
            for (sink, sources) in mix.blocks[t].iter().flatten().enumerate() {
                for (source, part) in sources.iter().enumerate() {
                    uses.entry(part.start).or_default().push([to.at, sink as u64, source as u64]);
                }
            }
            all.push(Row {
                slope: back.slope().tensor(t).at,
                from_slope: back.before().tensor(t).at,
                adds: u64::from(back.adds),
                partial: partial.at,
                ..row
            });
        }
        for (start, uses) in uses {
            let (to, count) = (gradient.part(start, BLOCK * BLOCK).at, uses.len() as u64);
            unmixed.push(Unmix { to, uses: tape.list(uses.into_iter().flatten()), count });
        }
    }
    tape.launch("mix_back", &all, |row| row.rows.div_ceil(ROWS));
    tape.launch("mix_weights", &all, |row| row.parts);
    combine(tape, sums);
    tape.launch("unmix", &unmixed, |_| chunks((BLOCK * BLOCK) as u64));
    taken.into_iter().for_each(|span| tape.give_back(span));
}
