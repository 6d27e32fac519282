//! The nearest of many vectors, by cosine: every one is looked at, in memory.
//!
//! Rows are normalised once, when they are put in, and lie one after another in one block, so that a search is a walk
//! through memory with a sum of products a row, which the compiler turns into vector instructions. An index that skips
//! rows was rejected: at the sizes of a strategy's memory this takes milliseconds, and it misses nothing.

use std::cmp::Ordering;

use serde::Serialize;

/// Products that are summed apart, so that they need not wait for one another.
const LANES: usize = 16;

/// Vectors of one length.
#[derive(Clone, Debug, Default)]
pub struct Nearest {
    dim: usize,
    rows: Vec<f32>,
}

/// A row that is near.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Near {
    /// The number of the row, in the order in which they were put in.
    pub row: usize,
    /// Cosine: -1 to 1.
    pub similarity: f32,
}

impl Nearest {
    pub fn new(dim: usize) -> Self {
        Self { dim, rows: Vec::new() }
    }

    pub fn with_capacity(dim: usize, rows: usize) -> Self {
        Self { dim, rows: Vec::with_capacity(dim * rows) }
    }

    pub fn len(&self) -> usize {
        self.rows.len().checked_div(self.dim).unwrap_or(0)
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Puts a vector in; false, and nothing changes, where it has another length, a part that is no number, or no
    /// direction.
    pub fn push(&mut self, vector: &[f32]) -> bool {
        let Some(scale) = scale(vector).filter(|_| vector.len() == self.dim) else { return false };
        self.rows.extend(vector.iter().map(|part| part * scale));
        true
    }

    /// The `k` rows that are nearest, nearest first; of equals the earlier row. None where the query has another length
    /// or no direction.
    pub fn top(&self, query: &[f32], k: usize) -> Vec<Near> {
        let Some(scale) = scale(query).filter(|_| query.len() == self.dim && k > 0) else {
            return Vec::new();
        };
        let query: Vec<f32> = query.iter().map(|part| part * scale).collect();
        let mut best: Vec<Near> = Vec::with_capacity(k.min(self.len()) + 1);
        let mut least = f32::NEG_INFINITY;
        for (row, vector) in self.rows.chunks_exact(self.dim).enumerate() {
            let similarity = dot(&query, vector);
            if best.len() == k && similarity <= least {
                continue;
            }
            let at = best.partition_point(|near| near.similarity >= similarity);
            best.insert(at, Near { row, similarity });
            best.truncate(k);
            least = best.last().map_or(f32::NEG_INFINITY, |near| near.similarity);
        }
        best
    }
}

/// What a vector is multiplied with to be of length one; none where nothing makes it so.
fn scale(vector: &[f32]) -> Option<f32> {
    let squares: f64 = vector.iter().map(|&part| f64::from(part) * f64::from(part)).sum();
    let scale = (1.0 / squares.sqrt()) as f32;
    (squares > 0.0 && squares.is_finite() && scale.partial_cmp(&f32::MAX) == Some(Ordering::Less))
        .then_some(scale)
}

fn dot(one: &[f32], other: &[f32]) -> f32 {
    let mut sums = [0.0_f32; LANES];
    let (ones, others) = (one.chunks_exact(LANES), other.chunks_exact(LANES));
    let rest: f32 = ones.remainder().iter().zip(others.remainder()).map(|(a, b)| a * b).sum();
    for (one, other) in ones.zip(others) {
        for lane in 0..LANES {
            sums[lane] += one[lane] * other[lane];
        }
    }
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(dim: usize) -> Vec<f32> {
        (0..dim).map(|_| fastrand::f32() - 0.5).collect()
    }

    #[test]
    fn the_nearest_are_those_of_a_full_sort() {
        fastrand::seed(7);
        for dim in [1, 3, 16, 37, 384] {
            let mut nearest = Nearest::with_capacity(dim, 500);
            let rows: Vec<Vec<f32>> = (0..500).map(|_| random(dim)).collect();
            assert!(rows.iter().all(|row| nearest.push(row)));
            let query = random(dim);
            let cosine = |row: &[f32]| {
                let product = |a: &[f32], b: &[f32]| -> f64 {
                    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
                };
                product(row, &query) / (product(row, row) * product(&query, &query)).sqrt()
            };
            let mut expected: Vec<f64> = rows.iter().map(|row| cosine(row)).collect();
            expected.sort_by(|a, b| b.total_cmp(a));
            let found = nearest.top(&query, 10);
            assert_eq!(found.len(), 10);
            for (near, expected) in found.iter().zip(expected) {
                assert!((f64::from(near.similarity) - expected).abs() < 1e-5, "{dim}: {near:?}, {expected}");
                assert!((cosine(&rows[near.row]) - expected).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn of_equals_the_earlier_and_of_few_all() {
        let mut nearest = Nearest::new(2);
        for row in [[1.0, 0.0], [2.0, 0.0], [0.0, 3.0], [-1.0, 0.0]] {
            assert!(nearest.push(&row));
        }
        let rows = |k| nearest.top(&[5.0, 0.0], k).iter().map(|near| near.row).collect::<Vec<_>>();
        assert_eq!(rows(1), [0]);
        assert_eq!(rows(9), [0, 1, 2, 3]);
        assert!(rows(0).is_empty());
    }

    #[test]
    fn what_has_no_direction_or_another_length_is_refused() {
        let mut nearest = Nearest::new(2);
        for row in [&[0.0, 0.0][..], &[f32::NAN, 1.0], &[f32::INFINITY, 1.0], &[1.0], &[1.0, 2.0, 3.0]] {
            assert!(!nearest.push(row), "{row:?}");
        }
        assert!(nearest.is_empty() && nearest.push(&[1e-30, 1e-30]) && nearest.len() == 1);
        assert!(nearest.top(&[0.0, 0.0], 3).is_empty() && nearest.top(&[1.0], 3).is_empty());
        assert!((nearest.top(&[1e30, 1e30], 3)[0].similarity - 1.0).abs() < 1e-6);
    }
}
