//! Which answers are best so far, and offering them.

use stratagem_dsl::{Grid, Program};

/// An answer to one test input.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Index into the task's test inputs.
    pub test_index: usize,
    pub grid: Grid,
    /// 0 to 1; programs that fit every demonstration stand above [`EXACT`], others below 0.45.
    pub confidence: f64,
    /// The program, and how many demonstrations it fits.
    pub rationale: String,
}

/// The confidence above which a program fits every demonstration.
pub const EXACT: f64 = 0.55;

/// What the ranking writes after a program.
const FITS: &str = " (fits";

/// The program that a rationale names; none where it names none, or one of another version's.
pub fn program_in(rationale: &str) -> Option<Program> {
    rationale.rsplit_once(FITS)?.0.parse().ok()
}

/// How good a program is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Merit {
    /// Demonstrations that it answers without a wrong cell.
    pub fits: usize,
    /// All demonstrations.
    pub pairs: usize,
    /// Steps, layers and table rows, in units of one common step.
    pub complexity: f64,
}

impl Merit {
    /// The confidence of an answer: exact fits first, then short programs.
    pub fn confidence(self) -> f64 {
        let brevity = 1.0 / (1.0 + 0.12 * self.complexity.max(0.0));
        if self.fits == self.pairs {
            let trust = if self.pairs == 1 { 0.9 } else { 1.0 };
            EXACT + 0.44 * brevity * trust
        } else {
            let share = self.fits as f64 / self.pairs as f64;
            0.45 * share * (0.6 + 0.4 * brevity)
        }
    }
}

/// The confidences of answers to one test input when a model of the task has said how likely it finds each, in nats a
/// cell; none where it cannot make an answer.
///
/// What it finds likeliest rises to the top of its kind: an answer that does not fit every demonstration stays behind
/// those that do.
pub fn preferred(answers: &[(f64, Option<f64>)]) -> Vec<f64> {
    /// How much a nat a cell sets answers apart, as in the published weighing of the model's own.
    const SHARPNESS: f64 = 10.0;
    /// How far the likeliest rises towards the highest confidence there is.
    const RISE: f64 = 0.9;
    let best = answers.iter().filter_map(|(_, nats)| *nats).fold(f64::NEG_INFINITY, f64::max);
    let risen = |&(confidence, nats): &(f64, Option<f64>)| {
        let share = nats.map_or(0.0, |nats| (SHARPNESS * (nats - best)).exp());
        let most = if confidence > EXACT { 0.99 } else { EXACT };
        confidence.max(confidence + RISE * share * (most - confidence))
    };
    answers.iter().map(risen).collect()
}

struct Entry {
    grid: Grid,
    confidence: f64,
    merit: Merit,
    /// Programs that fit every demonstration and answer so.
    votes: u32,
    program: Program,
    offered: Option<f64>,
}

impl Entry {
    /// The merit of the best program, and a little for every doubling of those that agree.
    fn standing(&self) -> f64 {
        let agreement = VOTE * f64::from(self.votes.max(1)).log2().min(5.0);
        (self.confidence + agreement).min(0.99)
    }
}

/// What a doubling of the programs that agree adds to the confidence.
const VOTE: f64 = 0.006;

/// The best distinct answers for each test input.
pub struct Ranking {
    entries: Vec<Vec<Entry>>,
    offers: Vec<usize>,
    offers_max: usize,
}

/// How many distinct answers are kept for each test input.
const KEPT: usize = 10;
/// How many of them are worth offering.
const SHOWN: usize = 3;

impl Ranking {
    pub fn new(tests: usize, offers_max: usize) -> Self {
        Self { entries: (0..tests).map(|_| Vec::new()).collect(), offers: vec![0; tests], offers_max }
    }

    /// Whether an answer of this merit would be kept.
    pub fn wants(&self, test: usize, merit: Merit) -> bool {
        let entries = &self.entries[test];
        merit.fits > 0
            && (entries.len() < KEPT
                || entries.last().is_some_and(|e| e.confidence < merit.confidence() + 5.0 * VOTE))
    }

    /// Takes in an answer; `program` is asked for only where it is kept.
    pub fn consider(&mut self, test: usize, grid: Grid, merit: Merit, program: impl FnOnce() -> Program) {
        if !self.wants(test, merit) || !grid.size().fits_task() {
            return;
        }
        let confidence = merit.confidence();
        let entries = &mut self.entries[test];
        let vote = u32::from(merit.fits == merit.pairs);
        if let Some(known) = entries.iter_mut().find(|e| e.grid == grid) {
            known.votes += vote;
            if known.confidence < confidence {
                known.confidence = confidence;
                known.merit = merit;
                known.program = program();
            }
        } else {
            entries.push(Entry { grid, confidence, merit, votes: vote, program: program(), offered: None });
        }
        entries.sort_by(|a, b| b.standing().total_cmp(&a.standing()));
        entries.truncate(KEPT);
    }

    /// Hands all answers on to another ranking: dearer by so much, each grid and program made another.
    pub fn hand_on(
        self,
        into: &mut Self,
        dearer: f64,
        grid: impl Fn(usize, &Grid) -> Grid,
        wrap: impl Fn(Program) -> Program,
    ) {
        for (test, entries) in self.entries.into_iter().enumerate() {
            for entry in entries {
                let merit = Merit { complexity: entry.merit.complexity + dearer, ..entry.merit };
                into.consider(test, grid(test, &entry.grid), merit, || wrap(entry.program));
            }
        }
    }

    /// The programs that fit every demonstration, best first, and how complex they are; one for each answer to the
    /// first test input.
    pub fn into_exact(self) -> impl Iterator<Item = (Program, f64)> {
        let first = self.entries.into_iter().next().into_iter().flatten();
        let exact = first.filter(|e| e.merit.fits == e.merit.pairs);
        exact.map(|e| (e.program, e.merit.complexity))
    }

    /// The confidence of the best answer to the test input that is worst off.
    pub fn best_everywhere(&self) -> f64 {
        let best = |e: &Vec<Entry>| e.iter().map(|e| e.confidence).fold(0.0, f64::max);
        self.entries.iter().map(best).fold(1.0, f64::min)
    }

    /// Offers the best answers that have not been offered at their present confidence.
    pub fn flush(&mut self, offer: &mut dyn FnMut(Answer)) {
        for (test, entries) in self.entries.iter_mut().enumerate() {
            for entry in entries.iter_mut().take(SHOWN) {
                let standing = entry.standing();
                let known = entry.offered.is_some_and(|c| c + VOTE >= standing);
                if known || self.offers[test] == self.offers_max {
                    continue;
                }
                entry.offered = Some(standing);
                self.offers[test] += 1;
                let Merit { fits, pairs, .. } = entry.merit;
                offer(Answer {
                    test_index: test,
                    grid: entry.grid.clone(),
                    confidence: standing,
                    rationale: format!("{}{FITS} {fits} of {pairs})", entry.program),
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_orders_what_fits_and_lifts_nothing_above_it() {
        let found = [(0.9, Some(-2.0)), (0.8, Some(-0.1)), (0.3, Some(-0.05)), (0.2, None)];
        let risen = preferred(&found);
        assert!(risen[1] > risen[0] && risen[0] > risen[2], "{risen:?}");
        assert!(risen[2] > 0.5 && risen[2] < EXACT, "{risen:?}");
        assert_eq!(risen[3].to_bits(), 0.2_f64.to_bits());
        assert_eq!(preferred(&[(0.9, None), (0.8, None)]), [0.9, 0.8]);
    }
}
