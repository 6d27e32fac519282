//! Channels shifted and scaled to mean 0 and variance 1 over all places; tensors that are not written are left out.

use crate::ops::multi::{Back, Pass};
use crate::ops::plain::zero;
use crate::ops::tape::{NONE, Span, Tape, parts, row};

row!(Row { from, to, channels, places, parts, stats, scale, slope, from_slope, adds });

/// Numbers that [`forth`] keeps for the way back: a scale a channel of each tensor.
pub fn scales(pass: &Pass<'_>) -> usize {
    pass.to.shape.channels.iter().sum()
}

fn rows(tape: &mut Tape, pass: &Pass<'_>, scales: Span, rows: &mut Vec<Row>) -> Span {
    let places = || pass.tensors().map(|(t, _, places)| (t, places, parts(places)));
    let stats = tape.take(places().map(|(t, _, parts)| 2 * parts as usize * pass.to.shape.channels[t]).sum());
    let (mut at, mut scale) = (0, 0);
    for (t, places, parts) in places() {
        let channels = pass.to.channels(t);
        assert_eq!(pass.from.channels(t), channels, "channels of tensor {t}");
        assert!(channels.is_power_of_two() && channels <= 16, "{channels} channels to norm");
        rows.push(Row {
            from: pass.from.tensor(t).at,
            to: pass.to.tensor(t).at,
            channels,
            places,
            parts,
            stats: stats.at + at,
            scale: scales.part(scale, channels as usize).at,
            slope: NONE,
            from_slope: NONE,
            adds: 0,
        });
        at += 2 * parts * channels;
        scale += channels as usize;
    }
    stats
}

/// Norms; `Span`s are for [`scales`].
pub fn forth(tape: &mut Tape, of: &[(Pass<'_>, Span)]) {
    let mut all = Vec::new();
    let taken: Vec<Span> = of.iter().map(|(pass, scales)| rows(tape, pass, *scales, &mut all)).collect();
    tape.launch("norm_measure", &all, |row| row.parts);
    tape.launch("norm_forth", &all, |row| row.parts);
    taken.into_iter().for_each(|span| tape.give_back(span));
}

pub fn back(tape: &mut Tape, of: &[(Back<'_>, Span)]) {
    let (mut all, mut blank, mut taken) = (Vec::new(), Vec::new(), Vec::new());
    for (back, scales) in of {
        let first = all.len();
        // What is not read has no slope, which has to be said where nobody else does.
        let untold = !back.adds && back.pass.from.shape != back.pass.to.shape;
        blank.extend(untold.then_some(back.before));
        taken.push(rows(tape, &back.pass, *scales, &mut all));
        for (row, (t, ..)) in all[first..].iter_mut().zip(back.pass.tensors()) {
            row.slope = back.slope().tensor(t).at;
            row.from_slope = back.before().tensor(t).at;
            row.adds = u64::from(back.adds || untold);
        }
    }
    zero(tape, blank);
    tape.launch("norm_back_measure", &all, |row| row.parts);
    tape.launch("norm_back", &all, |row| row.parts);
    taken.into_iter().for_each(|span| tape.give_back(span));
}
