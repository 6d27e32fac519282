//! Adam: steps as long as the rate says, however steep the slope.

use ndarray::NdFloat;

use crate::model::real;

/// What keeps a step finite where gradients are 0.
const LEAST: f64 = 1e-8;

/// The optimiser's memory and settings.
///
/// *Source*: Kingma and Ba 2015, with the bias of the first steps corrected.
#[derive(Clone, Debug)]
pub struct Adam<F> {
    pub learning_rate: f64,
    decay: [f64; 2],
    /// Of each weight's gradients, and of their squares.
    means: Vec<[F; 2]>,
    steps: i32,
}

impl<F: NdFloat> Adam<F> {
    /// `decay` is what a step keeps of the mean of gradients, and of that of their squares.
    pub fn new(learning_rate: f64, decay: [f64; 2], weights: usize) -> Self {
        Self { learning_rate, decay, means: vec![[F::zero(); 2]; weights], steps: 0 }
    }

    /// Moves weights against their gradient: parts of both, always in the same order.
    pub fn step<'a>(&mut self, parts: impl IntoIterator<Item = (&'a mut [F], &'a [F])>) {
        self.steps += 1;
        let [first, second] = self.decay;
        let rate =
            self.learning_rate * (1.0 - second.powi(self.steps)).sqrt() / (1.0 - first.powi(self.steps));
        // What is added to the root as if it were not scaled.
        let least = LEAST * (1.0 - second.powi(self.steps)).sqrt();
        let [first, second, rate, least, one] = [first, second, rate, least, 1.0].map(real::<F>);
        let mut means = self.means.as_mut_slice();
        for (weights, gradient) in parts {
            let (here, rest) = means.split_at_mut(weights.len());
            means = rest;
            for ((weight, &slope), [mean, square]) in weights.iter_mut().zip(gradient).zip(here) {
                *mean = first * *mean + (one - first) * slope;
                *square = second * *square + (one - second) * slope * slope;
                *weight -= rate * *mean / (square.sqrt() + least);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_as_long_as_the_rate_whatever_the_slope_and_end_at_the_bottom() {
        let mut weights = [0.0f64; 3];
        let mut gradient = [1e-3, -50.0, 0.0];
        let mut adam = Adam::new(0.1, [0.9, 0.999], 3);
        let mut step = |weights: &mut [f64], gradient: &[f64]| {
            let ((a, b), (c, d)) = (weights.split_at_mut(1), gradient.split_at(1));
            adam.step([(a, c), (b, d)]);
        };
        step(&mut weights, &gradient);
        assert!((weights[0] + 0.1).abs() < 1e-4 && (weights[1] - 0.1).abs() < 1e-4);
        assert!(weights[2] == 0.0);
        // The bottom of (w - 3)² / 2.
        for _ in 0..2_000 {
            gradient[0] = weights[0] - 3.0;
            step(&mut weights, &gradient);
        }
        assert!((weights[0] - 3.0).abs() < 1e-2, "{}", weights[0]);
    }
}
