//! Each number times its logistic function.

use ndarray::NdFloat;

fn logistic<F: NdFloat>(x: F) -> F {
    F::one() / (F::one() + (-x).exp())
}

pub fn forth<F: NdFloat>(from: &[F], to: &mut [F]) {
    to.iter_mut().zip(from).for_each(|(to, &x)| *to = x * logistic(x));
}

pub fn back<F: NdFloat>(from: &[F], slope: &[F], from_slope: &mut [F]) {
    for ((to, &x), &s) in from_slope.iter_mut().zip(from).zip(slope) {
        let share = logistic(x);
        *to += s * share * (F::one() + x * (F::one() - share));
    }
}
