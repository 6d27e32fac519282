//! Draws what is said of a task: numbers sent through a noisy channel, and the nats that they cost.

use crate::model::program::{Latent, Part};
use crate::ops::multi::Multi;
use crate::ops::plain::total;
use crate::ops::tape::{NONE, Span, Tape, parts, row};

row!(Row {
    mean,
    capacity,
    target,
    places,
    parts,
    stats,
    to,
    first,
    nats,
    seed,
    settings,
    slope,
    sums,
    mean_slope,
    capacity_slope,
    target_slope,
});

/// Channels of what is said.
const SAID: usize = 4;

/// What is said of one task.
#[derive(Clone, Copy)]
pub struct Draw<'a> {
    pub latents: &'a [Latent],
    pub to: Multi<'a>,
    pub weights: Span,
    /// What parts measure, which the way back needs: see [`stats`].
    pub stats: Span,
    pub seed: u64,
    /// The number of updates before this one.
    pub settings: Span,
    /// Where the nats go.
    pub nats: Span,
}

fn places(latent: &Latent) -> u64 {
    latent.mean.rows as u64
}

/// Numbers of [`Draw::stats`].
pub fn stats(latents: &[Latent]) -> usize {
    latents.iter().map(|latent| 3 * SAID * parts(places(latent)) as usize).sum()
}

impl Draw<'_> {
    fn parts(&self) -> u64 {
        self.latents.iter().map(|latent| parts(places(latent))).sum()
    }

    fn rows(&self, nats: Span) -> Vec<Row> {
        let (mut stats, mut spent) = (0, 0);
        let row = |(t, latent): (usize, &Latent)| {
            let (places, parts) = (places(latent), parts(places(latent)));
            let Latent { mean, capacity, target } = latent;
            let numbers = places as usize * SAID;
            let part = |part: &Part, length| {
                assert_eq!(part.rows * part.columns, length, "what is said of tensor {t}");
                self.weights.part(part.start, length).at
            };
            let range = self.to.shape.range(t);
            assert_eq!(range.len(), numbers, "as much arrives as is said of tensor {t}");
            let row = Row {
                mean: part(mean, numbers),
                capacity: part(capacity, numbers),
                target: part(target, SAID),
                places,
                parts,
                stats: self.stats.part(stats, 3 * SAID * parts as usize).at,
                to: self.to.tensor(t).at,
                first: range.start as u64,
                nats: if nats.length > 0 { nats.part(spent, parts as usize).at } else { NONE },
                seed: self.seed,
                settings: self.settings.at,
                slope: NONE,
                sums: NONE,
                mean_slope: NONE,
                capacity_slope: NONE,
                target_slope: NONE,
            };
            stats += 3 * SAID * parts as usize;
            spent += parts as usize;
            row
        };
        self.latents.iter().enumerate().map(row).collect()
    }
}

pub fn forth(tape: &mut Tape, of: &[Draw<'_>]) {
    let nats: Vec<Span> = of.iter().map(|draw| tape.take(draw.parts() as usize)).collect();
    let rows: Vec<Row> = of.iter().zip(&nats).flat_map(|(draw, &nats)| draw.rows(nats)).collect();
    tape.launch("draw_measure", &rows, |row| row.parts);
    tape.launch("draw_forth", &rows, |row| row.parts);
    total(tape, nats.iter().copied().zip(of.iter().map(|draw| draw.nats)));
    nats.into_iter().for_each(|span| tape.give_back(span));
}

/// The slopes by what is said, of `slope` by what arrives and of the nats, which count as they are; `gradient` is laid out
/// as the weights are.
pub fn back(tape: &mut Tape, of: &[(Draw<'_>, Span, Span)]) {
    let (mut all, mut taken) = (Vec::new(), Vec::new());
    for (draw, slope, gradient) in of {
        let slope = draw.to.at(*slope);
        let sums = tape.take(draw.parts() as usize * 4 * SAID);
        let mut at = sums.at;
        for ((t, latent), row) in draw.latents.iter().enumerate().zip(draw.rows(Span { at: 0, length: 0 })) {
            let part = |part: &Part| gradient.part(part.start, part.rows * part.columns).at;
            all.push(Row {
                slope: slope.tensor(t).at,
                sums: at,
                mean_slope: part(&latent.mean),
                capacity_slope: part(&latent.capacity),
                target_slope: part(&latent.target),
                ..row
            });
            at += row.parts * 4 * SAID as u64;
        }
        taken.push(sums);
    }
    tape.launch("draw_back_measure", &all, |row| row.parts);
    tape.launch("draw_back", &all, |row| row.parts);
    taken.into_iter().for_each(|span| tape.give_back(span));
}
