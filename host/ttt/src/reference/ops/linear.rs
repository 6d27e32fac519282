//! Each place's channels times a matrix.

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2, NdFloat};
use pulp::{Arch, Simd, with_simd};

/// Rows of a matrix from which it is worth packing for a product by blocks.
const LARGE: usize = 64;

/// Places whose products are summed before the sum is put away.
const TOGETHER: usize = 4;

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
    if k >= LARGE {
        general_mat_mul(F::one(), &rows(from, k), &rows(matrix, m), F::one(), &mut rows_mut(to, m));
    } else {
        product(from, matrix, k, to);
    }
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
    if k >= LARGE {
        let slope = rows(slope, m);
        general_mat_mul(F::one(), &slope, &rows(matrix, m).t(), F::one(), &mut rows_mut(from_slope, k));
        general_mat_mul(F::one(), &rows(from, k).t(), &slope, F::one(), &mut rows_mut(matrix_slope, m));
        return;
    }
    let turned: Vec<F> = (0..m * k).map(|i| matrix[i % k * m + i / k]).collect();
    product(slope, &turned, m, from_slope);
    match m {
        2 => sum_products::<F, 2>(from, slope.as_chunks().0, matrix_slope.as_chunks_mut().0),
        4 => sum_products::<F, 4>(from, slope.as_chunks().0, matrix_slope.as_chunks_mut().0),
        8 => sum_products::<F, 8>(from, slope.as_chunks().0, matrix_slope.as_chunks_mut().0),
        16 => sum_products::<F, 16>(from, slope.as_chunks().0, matrix_slope.as_chunks_mut().0),
        _ => unreachable!("streams and what layers work on have 2, 4, 8 or 16 channels"),
    }
}

/// A product with a matrix so small that it stays at hand.
fn product<F: NdFloat>(from: &[F], matrix: &[F], k: usize, to: &mut [F]) {
    match matrix.len() / k {
        2 => product_of::<F, 2>(from, matrix.as_chunks().0, to.as_chunks_mut().0),
        4 => product_of::<F, 4>(from, matrix.as_chunks().0, to.as_chunks_mut().0),
        8 => product_of::<F, 8>(from, matrix.as_chunks().0, to.as_chunks_mut().0),
        16 => product_of::<F, 16>(from, matrix.as_chunks().0, to.as_chunks_mut().0),
        _ => product_of_any(from, matrix, k, to),
    }
}

#[with_simd(product_of = Arch::new())]
#[inline(always)]
fn product_with<S: Simd, F: NdFloat, const M: usize>(_: S, from: &[F], matrix: &[[F; M]], to: &mut [[F; M]]) {
    let k = matrix.len();
    for (from, to) in from.chunks_exact(k).zip(to) {
        let mut sum = *to;
        for (&x, row) in from.iter().zip(matrix) {
            (0..M).for_each(|j| sum[j] += x * row[j]);
        }
        *to = sum;
    }
}

#[with_simd(product_of_any = Arch::new())]
#[inline(always)]
fn product_of_any_with<S: Simd, F: NdFloat>(_: S, from: &[F], matrix: &[F], k: usize, to: &mut [F]) {
    let m = matrix.len() / k;
    for (from, to) in from.chunks_exact(k).zip(to.chunks_exact_mut(m)) {
        for (&x, row) in from.iter().zip(matrix.chunks_exact(m)) {
            to.iter_mut().zip(row).for_each(|(to, &w)| *to += x * w);
        }
    }
}

/// Adds, for each place, each number of `from` times each of `slope`.
#[with_simd(sum_products = Arch::new())]
#[inline(always)]
fn sum_products_with<S: Simd, F: NdFloat, const M: usize>(
    _: S,
    from: &[F],
    slope: &[[F; M]],
    to: &mut [[F; M]],
) {
    let k = to.len();
    // Some places at a time: what is summed goes to memory and back only once for them.
    let (slopes, rest) = slope.as_chunks::<TOGETHER>();
    let mut places = from.chunks_exact(k * TOGETHER);
    for (from, slopes) in places.by_ref().zip(slopes) {
        for (i, to) in to.iter_mut().enumerate() {
            let mut sum = *to;
            for (place, slope) in slopes.iter().enumerate() {
                let x = from[place * k + i];
                (0..M).for_each(|j| sum[j] += x * slope[j]);
            }
            *to = sum;
        }
    }
    for (from, slope) in places.remainder().chunks_exact(k).zip(rest) {
        for (&x, to) in from.iter().zip(to.iter_mut()) {
            (0..M).for_each(|j| to[j] += x * slope[j]);
        }
    }
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

/// Adds numbers to numbers.
#[with_simd(add = Arch::new())]
#[inline(always)]
pub fn add_with<S: Simd, F: NdFloat>(_: S, from: &[F], to: &mut [F]) {
    to.iter_mut().zip(from).for_each(|(to, &x)| *to += x);
}
