//! Channels shifted and scaled to mean 0 and variance 1 over all places.

use ndarray::NdFloat;

use crate::model::real;

/// Added to the variance: a channel that is the same everywhere becomes 0.
const LEAST: f64 = 1e-8;
/// Places that are summed before their sum joins the others': rounding errors stay small.
const BLOCK: usize = 128;

/// For each channel the mean over places of what `term` says of a place.
fn means<F: NdFloat>(places: usize, channels: usize, mut term: impl FnMut(usize, &mut [F])) -> Vec<F> {
    let mut sums = vec![F::zero(); channels];
    let mut part = vec![F::zero(); channels];
    for block in (0..places).step_by(BLOCK) {
        part.fill(F::zero());
        (block..places.min(block + BLOCK)).for_each(|place| term(place, &mut part));
        sums.iter_mut().zip(&part).for_each(|(sum, &p)| *sum += p);
    }
    let share = F::one() / real(places as f64);
    sums.iter_mut().for_each(|sum| *sum *= share);
    sums
}

/// Writes the normed numbers; gives each channel's scale, which the way back needs.
pub fn forth<F: NdFloat>(from: &[F], channels: usize, to: &mut [F]) -> Vec<F> {
    let places = from.len() / channels;
    let at = |place: usize| &from[place * channels..(place + 1) * channels];
    let mean = means(places, channels, |place, sum| {
        sum.iter_mut().zip(at(place)).for_each(|(sum, &x)| *sum += x);
    });
    let variance = means(places, channels, |place, sum| {
        for ((sum, &x), &mean) in sum.iter_mut().zip(at(place)).zip(&mean) {
            *sum += (x - mean) * (x - mean);
        }
    });
    let scale: Vec<F> = variance.iter().map(|&v: &F| F::one() / (v + real(LEAST)).sqrt()).collect();
    for (to, from) in to.chunks_exact_mut(channels).zip(from.chunks_exact(channels)) {
        for (((to, &x), &mean), &scale) in to.iter_mut().zip(from).zip(&mean).zip(&scale) {
            *to = (x - mean) * scale;
        }
    }
    scale
}

/// `normed` is what [`forth`] wrote, `scale` what it gave.
pub fn back<F: NdFloat>(normed: &[F], scale: &[F], slope: &[F], from_slope: &mut [F]) {
    let channels = scale.len();
    let places = normed.len() / channels;
    let range = |place: usize| place * channels..(place + 1) * channels;
    let mean = means(places, channels, |place, sum| {
        sum.iter_mut().zip(&slope[range(place)]).for_each(|(sum, &s)| *sum += s);
    });
    let along = means(places, channels, |place, sum| {
        let both = slope[range(place)].iter().zip(&normed[range(place)]);
        sum.iter_mut().zip(both).for_each(|(sum, (&s, &y))| *sum += s * y);
    });
    for place in 0..places {
        let range = range(place);
        let read = slope[range.clone()].iter().zip(&normed[range.clone()]);
        let channel = scale.iter().zip(&mean).zip(&along);
        for ((to, (&s, &y)), ((&scale, &mean), &along)) in from_slope[range].iter_mut().zip(read).zip(channel)
        {
            *to += scale * (s - mean - y * along);
        }
    }
}
