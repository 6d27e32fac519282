//! Each place's channels times a matrix.

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2, NdFloat};

/// Rows of `columns` numbers.
fn rows<F>(numbers: &[F], columns: usize) -> ArrayView2<'_, F> {
    ArrayView2::from_shape((numbers.len() / columns, columns), numbers)
        .unwrap_or_else(|_| unreachable!("as many numbers as places and channels"))
}

fn rows_mut<F>(numbers: &mut [F], columns: usize) -> ArrayViewMut2<'_, F> {
    ArrayViewMut2::from_shape((numbers.len() / columns, columns), numbers)
        .unwrap_or_else(|_| unreachable!("as many numbers as places and channels"))
}

/// Adds `from` (places × k) · `matrix` (k × m) to `to` (places × m).
pub fn forth<F: NdFloat>(from: &[F], matrix: &[F], k: usize, to: &mut [F]) {
    let m = matrix.len() / k;
    general_mat_mul(F::one(), &rows(from, k), &rows(matrix, m), F::one(), &mut rows_mut(to, m));
}

/// Adds the slopes by `from` and by `matrix` to what is there.
pub fn back<F: NdFloat>(
    from: &[F],
    matrix: &[F],
    k: usize,
    slope: &[F],
    from_slope: &mut [F],
    matrix_slope: &mut [F],
) {
    let m = matrix.len() / k;
    let slope = rows(slope, m);
    general_mat_mul(F::one(), &slope, &rows(matrix, m).t(), F::one(), &mut rows_mut(from_slope, k));
    general_mat_mul(F::one(), &rows(from, k).t(), &slope, F::one(), &mut rows_mut(matrix_slope, m));
}

/// Adds `scale` times a row to every place.
pub fn add_row<F: NdFloat>(row: &[F], scale: F, to: &mut [F]) {
    for place in to.chunks_exact_mut(row.len()) {
        place.iter_mut().zip(row).for_each(|(x, &r)| *x += scale * r);
    }
}

/// Adds the slope by such a row.
pub fn add_row_back<F: NdFloat>(slope: &[F], scale: F, row_slope: &mut [F]) {
    for place in slope.chunks_exact(row_slope.len()) {
        row_slope.iter_mut().zip(place).for_each(|(sum, &s)| *sum += scale * s);
    }
}
