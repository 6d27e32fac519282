use ndarray::NdFloat;

use crate::model::{Automaton, real};

/// The optimiser's memory and settings.
///
/// *Source*: Kingma and Ba 2015, with the bias of the first steps corrected.
#[derive(Clone, Debug)]
pub struct Adam<F> {
    pub learning_rate: f64,
    pub decay: [f64; 2],
    /// Of gradients and of their squares.
    means: [Automaton<F>; 2],
    steps: i32,
}

/// What keeps a step finite where gradients are 0.
const LEAST: f64 = 1e-8;

impl<F: NdFloat> Adam<F> {
    pub fn new(learning_rate: f64) -> Self {
        Self { learning_rate, decay: [0.9, 0.999], means: [Automaton::zero(), Automaton::zero()], steps: 0 }
    }

    /// Moves the weights against the gradient.
    pub fn step(&mut self, weights: &mut Automaton<F>, gradient: &Automaton<F>) {
        self.steps += 1;
        let [first, second] = self.decay;
        let rate =
            self.learning_rate * (1.0 - second.powi(self.steps)).sqrt() / (1.0 - first.powi(self.steps));
        let [first, second, rate, least, one] = [first, second, rate, LEAST, 1.0].map(real::<F>);
        let [means, squares] = &mut self.means;
        let parts = weights.parts_mut().into_iter().zip(gradient.parts());
        for ((weights, gradient), (means, squares)) in
            parts.zip(means.parts_mut().into_iter().zip(squares.parts_mut()))
        {
            for (((weight, &slope), mean), square) in weights.iter_mut().zip(gradient).zip(means).zip(squares)
            {
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
        let mut weights = Automaton::<f64>::zero();
        let mut gradient = Automaton::zero();
        gradient.act[[0, 0]] = 1e-3;
        gradient.act[[0, 1]] = -50.0;
        let mut adam = Adam::new(0.1);
        adam.step(&mut weights, &gradient);
        assert!((weights.act[[0, 0]] + 0.1).abs() < 1e-4 && (weights.act[[0, 1]] - 0.1).abs() < 1e-4);
        assert!(weights.act[[0, 2]] == 0.0);
        // The bottom of (w - 3)² / 2.
        for _ in 0..2_000 {
            gradient.act[[0, 0]] = weights.act[[0, 0]] - 3.0;
            adam.step(&mut weights, &gradient);
        }
        assert!((weights.act[[0, 0]] - 3.0).abs() < 1e-2, "{}", weights.act[[0, 0]]);
    }
}
