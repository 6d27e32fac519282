//! Numbers put, copied, added and summed.

use crate::ops::tape::{Span, Tape, bits, chunks, row};

row!(Plain { from, to, length });
row!(Combine { from, parts, stride, to, length, scale });

/// Parts of a sum: `from` holds `count` × `stride` numbers, of which `to.length` are summed over parts, times `scale`.
pub(crate) struct Parts {
    pub from: u64,
    pub count: u64,
    pub stride: u64,
    pub to: Span,
    pub scale: f32,
}

fn each(tape: &mut Tape, kernel: &'static str, of: impl IntoIterator<Item = (Span, Span)>) {
    let row = |(from, to): (Span, Span)| {
        assert_eq!(from.length, to.length, "as many numbers as places");
        Plain { from: from.at, to: to.at, length: to.length }
    };
    let rows: Vec<Plain> = of.into_iter().map(row).collect();
    tape.launch(kernel, &rows, |row| chunks(row.length));
}

pub fn zero(tape: &mut Tape, of: impl IntoIterator<Item = Span>) {
    each(tape, "zero", of.into_iter().map(|to| (to, to)));
}

/// From each first to each second.
pub fn copy(tape: &mut Tape, of: impl IntoIterator<Item = (Span, Span)>) {
    each(tape, "copy", of);
}

/// Each first to each second.
pub fn add(tape: &mut Tape, of: impl IntoIterator<Item = (Span, Span)>) {
    each(tape, "add", of);
}

/// The sum of each first's numbers, to the first place of each second.
pub fn total(tape: &mut Tape, of: impl IntoIterator<Item = (Span, Span)>) {
    let rows: Vec<Plain> =
        of.into_iter().map(|(from, to)| Plain { from: from.at, to: to.at, length: from.length }).collect();
    tape.launch("total", &rows, |_| 1);
}

/// Sums parts in their order: the same numbers give the same sum.
pub(crate) fn combine(tape: &mut Tape, of: impl IntoIterator<Item = Parts>) {
    let row = |Parts { from, count, stride, to, scale }| Combine {
        from,
        parts: count,
        stride,
        to: to.at,
        length: to.length,
        scale: bits(scale),
    };
    let rows: Vec<Combine> = of.into_iter().map(row).collect();
    tape.launch("combine", &rows, |row| chunks(row.length));
}
