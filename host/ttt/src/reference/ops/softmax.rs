//! The softmax of every channel over each subset of a tensor's axes but examples.

use ndarray::NdFloat;

use crate::model::compression::subsets;
use crate::model::multi::{Axes, Axis, Extent};

/// Which numbers of one tensor share a sum.
#[derive(Clone, Debug)]
pub struct Groups {
    /// For each place and subset the group that it belongs to, of all subsets' groups.
    of: Vec<u32>,
    subsets: usize,
    count: usize,
}

impl Groups {
    pub fn new(extent: &Extent, axes: Axes) -> Self {
        let subsets = subsets(axes);
        let places = extent.positions(axes);
        let mut of = vec![0; places * subsets.len()];
        let mut count = 0;
        for (s, subset) in subsets.iter().enumerate() {
            let others = [Axis::Example, Axis::Colour, Axis::Row, Axis::Column, Axis::Direction];
            let others: Vec<Axis> =
                others.into_iter().filter(|&axis| axes.has(axis) && !subset.has(axis)).collect();
            let others = Axes::of(&others);
            for (place, group) in extent.places(axes, others).into_iter().enumerate() {
                of[place * subsets.len() + s] = count as u32 + group;
            }
            count += extent.positions(others);
        }
        Self { of, subsets: subsets.len(), count }
    }

    /// Places × (subsets × channels) of places × channels.
    pub fn forth<F: NdFloat, const C: usize>(&self, from: &[F], to: &mut [F]) {
        let mut most = vec![[F::neg_infinity(); C]; self.count];
        let mut sums = vec![[F::zero(); C]; self.count];
        let (from, _) = from.as_chunks::<C>();
        let (to, _) = to.as_chunks_mut::<C>();
        for (x, groups) in from.iter().zip(self.of.chunks_exact(self.subsets)) {
            for &group in groups {
                let most = &mut most[group as usize];
                (0..C).for_each(|c| most[c] = most[c].max(x[c]));
            }
        }
        let places = from.iter().zip(self.of.chunks_exact(self.subsets));
        for ((x, groups), to) in places.zip(to.chunks_exact_mut(self.subsets)) {
            for (&group, to) in groups.iter().zip(to) {
                let (most, sum) = (&most[group as usize], &mut sums[group as usize]);
                for c in 0..C {
                    to[c] = (x[c] - most[c]).exp();
                    sum[c] += to[c];
                }
            }
        }
        sums.iter_mut().flatten().for_each(|sum| *sum = F::one() / *sum);
        for (to, &group) in to.iter_mut().zip(&self.of) {
            let share = &sums[group as usize];
            (0..C).for_each(|c| to[c] *= share[c]);
        }
    }

    /// `soft` is what [`forth`](Self::forth) wrote.
    pub fn back<F: NdFloat, const C: usize>(&self, soft: &[F], slope: &[F], from_slope: &mut [F]) {
        let mut along = vec![[F::zero(); C]; self.count];
        let (soft, _) = soft.as_chunks::<C>();
        let (slope, _) = slope.as_chunks::<C>();
        let (to, _) = from_slope.as_chunks_mut::<C>();
        for ((y, s), &group) in soft.iter().zip(slope).zip(&self.of) {
            let along = &mut along[group as usize];
            (0..C).for_each(|c| along[c] += y[c] * s[c]);
        }
        let places = soft.chunks_exact(self.subsets).zip(slope.chunks_exact(self.subsets));
        for ((to, (y, s)), groups) in to.iter_mut().zip(places).zip(self.of.chunks_exact(self.subsets)) {
            for ((y, s), &group) in y.iter().zip(s).zip(groups) {
                let along = &along[group as usize];
                (0..C).for_each(|c| to[c] += y[c] * (s[c] - along[c]));
            }
        }
    }
}
