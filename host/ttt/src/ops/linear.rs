//! Each place's channels times a matrix, plus a row, plus what was there before.

use std::collections::BTreeMap;

use crate::model::program::{Part, Parts};
use crate::ops::multi::{Back, Multi, Pass};
use crate::ops::plain::{self, combine, zero};
use crate::ops::tape::{NONE, Span, Tape, bits, parts, row};

row!(Row {
    from,
    to,
    onto,
    weights,
    bias,
    scale,
    places,
    k,
    m,
    slope,
    from_slope,
    adds,
    parts,
    partial,
    blocks
});

/// Channels on either side, with one more for the row, at most.
const WIDE: u64 = 32;
/// Places of a block.
const PLACES: u64 = 128;

/// The weights that each tensor is multiplied with, among those of its task, and what else is added.
#[derive(Clone, Copy)]
pub struct Linear<'a> {
    pub parts: &'a Parts,
    /// A row and how often it counts.
    pub bias: Option<&'a Vec<Option<(Part, f64)>>>,
    /// What the product is added to, of the shape that is written.
    pub onto: Option<Multi<'a>>,
    pub weights: Span,
}

impl Linear<'_> {
    fn bias(&self, tensor: usize) -> Option<(Part, f64)> {
        self.bias.and_then(|bias| bias[tensor])
    }

    fn row(&self, pass: &Pass<'_>, t: usize, places: u64) -> Row {
        let (k, m) = (pass.from.channels(t), pass.to.channels(t));
        let part = self.parts[t];
        if let Some(part) = part {
            assert_eq!((part.rows as u64, part.columns as u64), (k, m), "the matrix of tensor {t}");
            assert!(k < WIDE && m <= WIDE, "a matrix of {k} × {m}");
        }
        let bias = self.bias(t);
        assert!(bias.is_none_or(|(row, _)| row.rows * row.columns == m as usize), "the row of tensor {t}");
        let weights = |part: Part| self.weights.part(part.start, part.rows * part.columns).at;
        Row {
            from: if part.is_some() { pass.from.tensor(t).at } else { NONE },
            to: pass.to.tensor(t).at,
            onto: self.onto.map_or(NONE, |onto| onto.tensor(t).at),
            weights: part.map_or(NONE, weights),
            bias: bias.map_or(NONE, |(row, _)| weights(row)),
            scale: bits(bias.map_or(0.0, |(_, scale)| scale as f32)),
            places,
            k,
            m,
            slope: NONE,
            from_slope: NONE,
            adds: 0,
            parts: parts(places),
            partial: NONE,
            blocks: places.div_ceil(PLACES),
        }
    }
}

/// Parts of the slopes by weights, to be summed: those of many operations in one launch.
#[derive(Default)]
pub struct Sums {
    parts: Vec<plain::Parts>,
    taken: Vec<Span>,
}

impl Sums {
    pub fn sum(self, tape: &mut Tape) {
        combine(tape, self.parts);
        self.taken.into_iter().for_each(|span| tape.give_back(span));
    }
}

pub fn forth(tape: &mut Tape, of: &[(Pass<'_>, Linear<'_>)]) {
    let mut rows = Vec::new();
    for (pass, linear) in of {
        assert!(
            linear.onto.is_none_or(|onto| onto.shape == pass.to.shape),
            "what is added to is of one shape"
        );
        rows.extend(pass.tensors().map(|(t, _, places)| linear.row(pass, t, places)));
    }
    tape.launch("linear_forth", &rows, |row| row.blocks);
}

/// The slopes by what was read, and parts of those by the weights: their sums go to `gradient`, laid out as the weights are.
pub fn back(tape: &mut Tape, of: &[(Back<'_>, Linear<'_>, Span)], sums: &mut Sums) {
    let (mut rows, mut blank) = (Vec::new(), Vec::new());
    for (back, linear, gradient) in of {
        let pass = &back.pass;
        // Tensors that share weights lie one after another, so that their parts are summed as one.
        let mut tied = BTreeMap::<usize, Vec<Row>>::new();
        let mut untold = false;
        for (t, channels) in
            pass.from.shape.channels.into_iter().enumerate().filter(|(_, channels)| *channels > 0)
        {
            let Some(part) = linear.parts[t] else {
                untold = true;
                continue;
            };
            let places = pass.from.tensor(t).length / channels as u64;
            tied.entry(part.start).or_default().push(Row {
                slope: back.slope().tensor(t).at,
                from_slope: back.before().tensor(t).at,
                adds: u64::from(back.adds),
                ..linear.row(pass, t, places)
            });
        }
        let first = rows.len();
        for (t, part) in linear.parts.iter().enumerate() {
            let Some((part, mut twins)) = part.and_then(|part| Some((part, tied.remove(&part.start)?)))
            else {
                continue;
            };
            let bias = linear.bias(t);
            let stride = ((part.rows + usize::from(bias.is_some())) * part.columns) as u64;
            let all: u64 = twins.iter().map(|row| row.parts).sum();
            let partial = tape.take((all * stride) as usize);
            sums.taken.push(partial);
            let mut at = partial.at;
            for row in &mut twins {
                row.partial = at;
                at += row.parts * stride;
            }
            let matrix = part.rows * part.columns;
            let to = gradient.part(part.start, matrix);
            sums.parts.push(plain::Parts { from: partial.at, count: all, stride, to, scale: 1.0 });
            if let Some((row, scale)) = bias {
                let to = gradient.part(row.start, row.columns);
                let from = partial.at + matrix as u64;
                sums.parts.push(plain::Parts { from, count: all, stride, to, scale: scale as f32 });
            }
            rows.extend(twins);
        }
        // What is not read has no slope, which has to be said where nobody else does.
        if untold && !back.adds {
            blank.push(back.before);
            rows[first..].iter_mut().for_each(|row| row.adds = 1);
        }
    }
    zero(tape, blank);
    tape.launch("linear_back", &rows, |row| row.blocks + row.parts);
}
