//! What a confidence is worth: how often answers that were offered with it were right.

use serde::{Deserialize, Serialize};

/// Answers of a step of the curve at least, so that a step is no accident of a few.
const LEAST: f64 = 8.0;
/// Bins of a reliability diagram.
const BINS: usize = 10;

/// From a strategy's own confidence to the share of such answers that were right: steps that never go down.
///
/// *Source*: isotonic regression by pooling adjacent violators (Ayer and others 1955).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Where a step begins and what answers on it are worth, both 0 to 1, both rising.
    steps: Vec<(f64, f64)>,
}

impl Calibration {
    /// Learns from confidences and whether their answers were right.
    pub fn of(answers: &[(f64, bool)]) -> Self {
        let mut sorted = answers.to_vec();
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut pools: Vec<Pool> = Vec::new();
        for (confidence, is_right) in sorted {
            pools.push(Pool { from: confidence, right: f64::from(u8::from(is_right)), count: 1.0 });
            while let [.., below, above] = pools.as_slice()
                && (above.share() <= below.share() || below.count < LEAST)
            {
                let (above, below) = (pools.pop(), pools.pop());
                if let (Some(above), Some(below)) = (above, below) {
                    pools.push(below.with(&above));
                }
            }
        }
        // The last pool may be short of answers.
        if let [.., below, above] = pools.as_slice()
            && above.count < LEAST
        {
            let joined = below.with(above);
            pools.truncate(pools.len() - 2);
            pools.push(joined);
        }
        // Care draws small pools to the middle, and must not turn their order.
        let mut least = 0.0;
        let careful = |pool: &Pool| {
            least = pool.careful_share().max(least);
            (pool.from, least)
        };
        Self { steps: pools.iter().map(careful).collect() }
    }

    /// The share that was right of answers with such a confidence; the confidence itself where nothing is known.
    pub fn apply(&self, confidence: f64) -> f64 {
        let step = self.steps.iter().rev().find(|(from, _)| *from <= confidence);
        step.or(self.steps.first()).map_or(confidence, |(_, share)| *share)
    }
}

struct Pool {
    from: f64,
    right: f64,
    count: f64,
}

impl Pool {
    fn share(&self) -> f64 {
        self.right / self.count
    }

    /// As if one more answer had been right and one more wrong.
    fn careful_share(&self) -> f64 {
        (self.right + 1.0) / (self.count + 2.0)
    }

    fn with(&self, above: &Self) -> Self {
        Self { from: self.from, right: self.right + above.right, count: self.count + above.count }
    }
}

/// How far confidences can be believed: a reliability diagram in numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reliability {
    /// Answers that were looked at: the first attempt at each test input whose output is known.
    pub answers: usize,
    /// The mean distance between confidence and share right, weighted by answers (Naeini and others 2015).
    pub expected_calibration_error: f64,
    /// Bins that have answers, from the lowest confidence up.
    pub bins: Vec<Bin>,
}

/// Answers whose confidence is between `from` and the next tenth.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bin {
    pub from: f64,
    pub answers: usize,
    /// Mean.
    pub confidence: f64,
    pub share_right: f64,
}

impl Reliability {
    pub fn of(answers: &[(f64, bool)]) -> Self {
        let mut sums = vec![(0_usize, 0.0, 0_usize); BINS];
        for &(confidence, is_right) in answers {
            let bin = &mut sums[((confidence * BINS as f64) as usize).min(BINS - 1)];
            bin.0 += 1;
            bin.1 += confidence;
            bin.2 += usize::from(is_right);
        }
        let bins: Vec<Bin> = sums
            .iter()
            .enumerate()
            .filter(|(_, (count, ..))| *count > 0)
            .map(|(at, &(count, confidence, right))| Bin {
                from: at as f64 / BINS as f64,
                answers: count,
                confidence: confidence / count as f64,
                share_right: right as f64 / count as f64,
            })
            .collect();
        let error: f64 =
            bins.iter().map(|bin| bin.answers as f64 * (bin.confidence - bin.share_right).abs()).sum();
        let expected_calibration_error = error / answers.len().max(1) as f64;
        Self { answers: answers.len(), expected_calibration_error, bins }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Confidence c, of which a share of c² is right.
    fn boastful(count: usize) -> Vec<(f64, bool)> {
        let mut chance = fastrand::Rng::with_seed(5);
        let mut answer = || {
            let confidence = chance.f64();
            (confidence, chance.f64() < confidence * confidence)
        };
        (0..count).map(|_| answer()).collect()
    }

    #[test]
    fn what_boasts_is_believed_less_and_order_is_kept() {
        let calibration = Calibration::of(&boastful(4_000));
        for confidence in [0.1, 0.3, 0.5, 0.7, 0.9_f64] {
            let worth = calibration.apply(confidence);
            assert!((worth - confidence * confidence).abs() < 0.08, "{confidence}: {worth}");
        }
        let worth: Vec<f64> = (0..=100).map(|at| calibration.apply(f64::from(at) / 100.0)).collect();
        assert!(worth.is_sorted(), "{worth:?}");
    }

    #[test]
    fn it_mends_what_was_not_seen() {
        let (seen, unseen) = (boastful(2_000), boastful(6_000).split_off(4_000));
        let calibration = Calibration::of(&seen);
        let mended: Vec<(f64, bool)> =
            unseen.iter().map(|&(confidence, is_right)| (calibration.apply(confidence), is_right)).collect();
        let (before, after) = (Reliability::of(&unseen), Reliability::of(&mended));
        assert!(before.expected_calibration_error > 0.12, "{before:?}");
        assert!(after.expected_calibration_error < 0.05, "{after:?}");
        assert_eq!(after.bins.iter().map(|bin| bin.answers).sum::<usize>(), after.answers);
    }

    #[test]
    fn nothing_seen_changes_nothing_and_few_are_no_proof() {
        assert!((Calibration::default().apply(0.4) - 0.4).abs() < 1e-12);
        let one = Calibration::of(&[(0.9, true)]);
        assert!(one.apply(0.9) < 0.7, "one right answer proves little: {}", one.apply(0.9));
        let right = Calibration::of(&[(0.5, true); 50]);
        assert!(right.apply(0.99) > 0.9 && right.apply(0.1) > 0.9, "one step, for all");
        assert!(Reliability::of(&[]).bins.is_empty());
    }

    #[test]
    fn an_error_is_the_distance_weighted_by_answers() {
        let answers = [vec![(0.95, true); 3], vec![(0.95, false)], vec![(0.25, false); 4]].concat();
        let reliability = Reliability::of(&answers);
        assert_eq!(reliability.bins.len(), 2);
        assert!((reliability.expected_calibration_error - (0.5 * 0.2 + 0.5 * 0.25)).abs() < 1e-9);
        assert!((reliability.bins[1].share_right - 0.75).abs() < 1e-9);
    }
}
