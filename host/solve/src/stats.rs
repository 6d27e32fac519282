//! Statistics of paired results: what the same tasks show of two strategies, and how far chance explains it.

use serde::Serialize;

/// Samples that a bootstrap draws.
pub const RESAMPLES: usize = 10_000;
/// What chance alone may do before a difference is called one.
pub const ALPHA: f64 = 0.05;

/// `McNemar`'s exact test: of the tasks that only one of two solved, how unlikely the split is by chance.
///
/// *Source*: `McNemar` 1947; mid-p after Fagerland, Lydersen and Laake 2013, which is less careful than `p` and rarely
/// wrong.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct McNemar {
    /// Tasks that only the first solved.
    pub b: u64,
    /// Tasks that only the second solved.
    pub c: u64,
    /// Two-sided, exact: b of b + c fair coins.
    pub p: f64,
    pub mid_p: f64,
}

impl McNemar {
    pub fn of(b: u64, c: u64) -> Self {
        let n = b + c;
        let fewer = b.min(c);
        if n == 0 {
            return Self { b, c, p: 1.0, mid_p: 1.0 };
        }
        // Logarithms: 0.5^n leaves the range of a double at n = 1075.
        let (mut log, mut tail, mut last) = (-(n as f64) * std::f64::consts::LN_2, 0.0, 0.0);
        for k in 0..=fewer {
            if k > 0 {
                log += ((n - k + 1) as f64 / k as f64).ln();
            }
            last = log.exp();
            tail += last;
        }
        // Twice the tail counts the middle twice where both sides are equal.
        let p = (2.0 * tail).min(1.0);
        let mid_p = (2.0 * tail - last).clamp(0.0, 1.0);
        Self { b, c, p, mid_p }
    }

    /// The least p that any split of so many tasks can have: above [`ALPHA`], nothing could have been shown.
    pub fn least_p(&self) -> f64 {
        Self::of(0, self.b + self.c).p
    }
}

/// The mean of paired differences with the interval that a bootstrap gives.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    pub mean: f64,
    /// Percentiles 2.5 and 97.5 of the resampled means.
    pub low: f64,
    pub high: f64,
}

impl Interval {
    /// Resamples differences with replacement, [`RESAMPLES`] times; the same seed gives the same interval.
    pub fn of(differences: &[f64], seed: u64) -> Self {
        let n = differences.len();
        let mean = |sum: f64| sum / n.max(1) as f64;
        let centre = mean(differences.iter().sum());
        if n < 2 || differences.iter().all(|difference| difference.total_cmp(&differences[0]).is_eq()) {
            return Self { mean: centre, low: centre, high: centre };
        }
        let mut chance = fastrand::Rng::with_seed(seed);
        let mut means: Vec<f64> =
            (0..RESAMPLES).map(|_| mean((0..n).map(|_| differences[chance.usize(..n)]).sum())).collect();
        means.sort_by(f64::total_cmp);
        Self {
            mean: centre,
            low: percentile(&means, ALPHA / 2.0),
            high: percentile(&means, 1.0 - ALPHA / 2.0),
        }
    }

    /// True where chance explains the difference: the interval holds 0.
    pub fn holds_zero(&self) -> bool {
        self.low <= 0.0 && self.high >= 0.0
    }
}

/// A percentile of sorted values, between two of them in proportion.
fn percentile(sorted: &[f64], share: f64) -> f64 {
    let at = share * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    below + (above - below) * at.fract()
}

/// Raises the p of several tests so that all of them together are wrong no more often than one.
///
/// *Source*: Holm 1979.
pub fn holm(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut adjusted = vec![0.0; values.len()];
    let mut highest: f64 = 0.0;
    for (rank, &at) in order.iter().enumerate() {
        highest = highest.max((values[at] * (values.len() - rank) as f64).min(1.0));
        adjusted[at] = highest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 5e-4, "{found} is not {expected}");
    }

    /// Fagerland, Lydersen and Laake 2013, BMC Medical Research Methodology 13:91, airways before and after: 1 and 7.
    /// The sign test of 5 of 20 is in every table.
    #[test]
    fn mcnemar_gives_what_was_published() {
        let airways = McNemar::of(1, 7);
        near(airways.p, 0.0703);
        near(airways.mid_p, 0.0391);
        near(McNemar::of(5, 15).p, 0.0414);
        near(McNemar::of(0, 5).p, 0.0625);
        near(McNemar::of(0, 6).p, 0.0313);
    }

    /// Sums of binomial coefficients as fractions, made with integers of any size.
    #[test]
    fn mcnemar_is_exact_far_from_the_middle_and_with_many_tasks() {
        let relative = |found: f64, expected: f64| assert!((found / expected - 1.0).abs() < 1e-9, "{found}");
        relative(McNemar::of(86, 150).p, EXACT_86_150);
        relative(McNemar::of(121, 59).p, EXACT_121_59);
        relative(McNemar::of(900, 1_100).p, EXACT_900_1100);
        assert!(McNemar::of(100_000, 100_300).p.is_finite());
    }

    const EXACT_86_150: f64 = 3.715_936_139_571_442e-5;
    const EXACT_121_59: f64 = 4.434_449_263_755_176e-6;
    const EXACT_900_1100: f64 = 8.457_089_535_503_927e-6;

    #[test]
    fn the_test_is_symmetric_stays_a_probability_and_falls_as_the_sides_part() {
        for n in 0..60 {
            let mut before = 0.0;
            for b in 0..=n / 2 {
                let test = McNemar::of(b, n - b);
                let mirrored = McNemar::of(n - b, b);
                assert_eq!((test.p, test.mid_p), (mirrored.p, mirrored.mid_p));
                assert!((0.0..=1.0).contains(&test.p) && test.mid_p <= test.p, "{test:?}");
                assert!(test.p >= before, "{b} of {n}");
                before = test.p;
            }
            assert!(before > 0.5, "an even split is chance: {n}");
        }
        assert!(McNemar::of(2, 3).least_p() > ALPHA && McNemar::of(2, 4).least_p() < ALPHA);
    }

    #[test]
    fn an_interval_is_the_same_for_the_same_seed_and_holds_its_mean() {
        let mut chance = fastrand::Rng::with_seed(7);
        for n in [2, 3, 10, 100] {
            let differences: Vec<f64> = (0..n).map(|_| chance.f64() - 0.5).collect();
            let interval = Interval::of(&differences, 1);
            assert_eq!(interval, Interval::of(&differences, 1));
            assert!(interval.low <= interval.mean && interval.mean <= interval.high, "{interval:?}");
            let (least, most) = differences
                .iter()
                .fold((1.0, -1.0_f64), |(least, most): (f64, f64), x| (least.min(*x), most.max(*x)));
            assert!(least <= interval.low && interval.high <= most, "means stay among the values");
            let shifted: Vec<f64> = differences.iter().map(|x| x + 10.0).collect();
            let moved = Interval::of(&shifted, 1);
            assert!((moved.low - interval.low - 10.0).abs() < 1e-9, "a shift of all moves the interval");
            assert!(!moved.holds_zero());
        }
    }

    #[test]
    fn what_does_not_vary_has_no_width_and_nothing_has_no_difference() {
        assert_eq!(Interval::of(&[0.25; 40], 3), Interval { mean: 0.25, low: 0.25, high: 0.25 });
        assert_eq!(Interval::of(&[], 3), Interval { mean: 0.0, low: 0.0, high: 0.0 });
        assert!(Interval::of(&[0.0; 9], 3).holds_zero());
    }

    /// Of 200 samples without a difference, the interval misses 0 about as often as it says.
    #[test]
    fn an_interval_misses_about_as_often_as_it_says() {
        let mut chance = fastrand::Rng::with_seed(11);
        let misses = (0..200)
            .filter(|&round| {
                let sample: Vec<f64> = (0..40).map(|_| chance.f64() - 0.5).collect();
                !Interval::of(&sample, round).holds_zero()
            })
            .count();
        assert!((2..=24).contains(&misses), "{misses} of 200, about 10 to 12 expected");
    }

    /// The example of Holm's procedure with four tests that textbooks carry.
    #[test]
    fn several_tests_are_held_together() {
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.005]);
        for (found, expected) in adjusted.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            near(*found, expected);
        }
        assert!(holm(&[]).is_empty());
    }
}
