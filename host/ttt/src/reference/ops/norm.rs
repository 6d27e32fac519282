//! Channels shifted and scaled to mean 0 and variance 1 over all places.

use ndarray::NdFloat;
use pulp::{Arch, Simd, with_simd};

use crate::model::real;

/// Added to the variance: a channel that is the same everywhere becomes 0.
const LEAST: f64 = 1e-8;
/// Places that are summed before their sum joins the others': rounding errors stay small.
const BLOCK: usize = 128;

/// Writes the normed numbers; gives each channel's scale, which the way back needs.
pub fn forth<F: NdFloat>(from: &[F], channels: usize, to: &mut [F]) -> Vec<F> {
    match channels {
        4 => forth_of::<F, 4>(from.as_chunks().0, to.as_chunks_mut().0),
        8 => forth_of::<F, 8>(from.as_chunks().0, to.as_chunks_mut().0),
        16 => forth_of::<F, 16>(from.as_chunks().0, to.as_chunks_mut().0),
        _ => unreachable!("what is normed has 4, 8 or 16 channels"),
    }
}

/// `normed` is what [`forth`] wrote, `scale` what it gave.
pub fn back<F: NdFloat>(normed: &[F], scale: &[F], slope: &[F], from_slope: &mut [F]) {
    match scale.len() {
        4 => back_of::<F, 4>(normed.as_chunks().0, scale, slope.as_chunks().0, from_slope.as_chunks_mut().0),
        8 => back_of::<F, 8>(normed.as_chunks().0, scale, slope.as_chunks().0, from_slope.as_chunks_mut().0),
        16 => {
            back_of::<F, 16>(normed.as_chunks().0, scale, slope.as_chunks().0, from_slope.as_chunks_mut().0);
        }
        _ => unreachable!("what is normed has 4, 8 or 16 channels"),
    }
}

/// For each channel the mean over places of what `term` adds for a place.
#[inline(always)]
fn means<F: NdFloat, const C: usize>(places: usize, term: impl Fn(usize, &mut [F; C])) -> [F; C] {
    let mut sums = [F::zero(); C];
    for block in (0..places).step_by(BLOCK) {
        let mut part = [F::zero(); C];
        (block..places.min(block + BLOCK)).for_each(|place| term(place, &mut part));
        (0..C).for_each(|c| sums[c] += part[c]);
    }
    let share = F::one() / real(places as f64);
    sums.map(|sum| sum * share)
}

#[with_simd(forth_of = Arch::new())]
#[inline(always)]
fn forth_with<S: Simd, F: NdFloat, const C: usize>(_: S, from: &[[F; C]], to: &mut [[F; C]]) -> Vec<F> {
    let mean = means(from.len(), |place, sum: &mut [F; C]| (0..C).for_each(|c| sum[c] += from[place][c]));
    let variance = means(from.len(), |place, sum: &mut [F; C]| {
        (0..C).for_each(|c| sum[c] += (from[place][c] - mean[c]) * (from[place][c] - mean[c]));
    });
    let scale = variance.map(|variance| F::one() / (variance + real(LEAST)).sqrt());
    for (from, to) in from.iter().zip(to) {
        (0..C).for_each(|c| to[c] = (from[c] - mean[c]) * scale[c]);
    }
    scale.to_vec()
}

#[with_simd(back_of = Arch::new())]
#[inline(always)]
fn back_with<S: Simd, F: NdFloat, const C: usize>(
    _: S,
    normed: &[[F; C]],
    scale: &[F],
    slope: &[[F; C]],
    from_slope: &mut [[F; C]],
) {
    let mean = means(slope.len(), |place, sum: &mut [F; C]| (0..C).for_each(|c| sum[c] += slope[place][c]));
    let along = means(slope.len(), |place, sum: &mut [F; C]| {
        (0..C).for_each(|c| sum[c] += slope[place][c] * normed[place][c]);
    });
    let scale: [F; C] = std::array::from_fn(|c| scale[c]);
    for ((normed, slope), to) in normed.iter().zip(slope).zip(from_slope) {
        (0..C).for_each(|c| to[c] += scale[c] * (slope[c] - mean[c] - normed[c] * along[c]));
    }
}
