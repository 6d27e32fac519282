//! Training at test time as a run asks for it: what it asks, and what it is told.

use serde::{Deserialize, Serialize};

use crate::lent::{Declined, RECORD_BYTES, invalid, named, size};
use crate::{Grid, Pair};

/// The longest name of a base, in characters.
const MAX_BASE_CHARS: usize = 200;

/// Which of a run's adaptations: they are counted from 0 as they are started.
pub type AdaptationNumber = u32;

/// How an adaptation is trained.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// Updates of the weights.
    pub steps: u32,
    /// 0 for the model's own.
    pub learning_rate: f32,
    /// Turned and mirrored views of the demonstrations, where the model knows views: 1 for none, 0 for the model's own.
    pub views: u32,
}

/// What a run asks of the training engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Training {
    Start {
        /// A model's name, or the id of what an earlier run saved; none for the usual model.
        base: Option<String>,
        demonstrations: Vec<Pair>,
        /// The inputs whose outputs will be asked for.
        inputs: Vec<Grid>,
        seed: u64,
    },
    Train {
        adaptation: AdaptationNumber,
        schedule: Schedule,
    },
    Predict {
        adaptation: AdaptationNumber,
        input: Grid,
        samples: u32,
    },
    Score {
        adaptation: AdaptationNumber,
        input: Grid,
        output: Grid,
    },
    Save {
        adaptation: AdaptationNumber,
    },
    /// Gives back what it holds of the device.
    Release {
        adaptation: AdaptationNumber,
    },
}

/// What a training came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Updates that were done: fewer than were asked for where the device's time ran out.
    pub steps: u32,
    /// The mean loss over equal parts of the updates, in order; at most [`Metrics::MOST_LOSSES`].
    pub losses: Vec<f32>,
    /// The share of demonstrations whose outputs are drawn without a wrong cell.
    pub accuracy: f32,
    /// What trained: `cpu`, or the device's name.
    pub device: String,
}

/// A grid that a model makes of an input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    pub output: Grid,
    /// The logarithm of its share among all that the model makes.
    pub log_likelihood: f64,
    /// How often the model came to it: by views, or by updates.
    pub votes: u32,
}

/// What the engine says, and what of the device it took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trained {
    pub said: Said,
    /// Milliseconds of the device's time.
    pub device_ms: u64,
    /// Bytes that the run's adaptations hold together.
    pub device_bytes: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    Started(AdaptationNumber),
    Metrics(Metrics),
    /// The likeliest first.
    Samples(Vec<Sample>),
    /// The logarithm of how likely an output is; none where the model cannot make it.
    Score(Option<f64>),
    Saved {
        id: String,
        weights: Vec<u8>,
    },
    Released,
}

impl Training {
    /// The most pairs, and the most inputs, of an adaptation.
    pub const MAX_GRIDS: usize = 100;

    /// The function, as the contract names it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Start { .. } => "ttt.adaptation.start",
            Self::Train { .. } => "ttt.adaptation.train",
            Self::Predict { .. } => "ttt.adaptation.predict",
            Self::Score { .. } => "ttt.adaptation.score",
            Self::Save { .. } => "ttt.adaptation.save",
            Self::Release { .. } => "ttt.adaptation, dropped",
        }
    }

    /// What it takes where it is kept, beside the record itself.
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Self::Start { base, demonstrations, inputs, .. } => {
                let pair = |pair: &Pair| cells(&pair.input) + cells(&pair.output);
                base.as_deref().map_or(0, size)
                    + demonstrations.iter().map(pair).sum::<u64>()
                    + inputs.iter().map(cells).sum::<u64>()
            }
            Self::Predict { input, .. } => cells(input),
            Self::Score { input, output, .. } => cells(input) + cells(output),
            Self::Train { .. } | Self::Save { .. } | Self::Release { .. } => 0,
        }
    }

    /// See [`Call::check`](crate::Call::check).
    pub(crate) fn check(&self) -> Result<(), Declined> {
        match self {
            Self::Start { base, demonstrations, inputs, .. } => {
                base.as_deref().map_or(Ok(()), |base| named("base", base, MAX_BASE_CHARS))?;
                let counts = [("demonstrations", demonstrations.len()), ("inputs", inputs.len())];
                match counts.into_iter().find(|(_, count)| !(1..=Self::MAX_GRIDS).contains(count)) {
                    Some((what, count)) => invalid(format!("{count} {what}: 1 to {}", Self::MAX_GRIDS)),
                    None => Ok(()),
                }
            }
            Self::Train { schedule: Schedule { steps, learning_rate, .. }, .. } => match *learning_rate {
                _ if *steps == 0 => invalid("steps 0: at least 1".to_owned()),
                rate if rate.is_finite() && rate >= 0.0 => Ok(()),
                rate => invalid(format!("learning-rate {rate}: a number above 0, or 0 for the model's own")),
            },
            Self::Predict { samples: 0, .. } => invalid("samples 0: at least 1".to_owned()),
            _ => Ok(()),
        }
    }
}

impl Metrics {
    pub const MOST_LOSSES: usize = 64;
}

impl Trained {
    /// What it takes where it is kept, beside the record itself.
    pub(crate) fn bytes(&self) -> u64 {
        match &self.said {
            Said::Metrics(metrics) => 4 * metrics.losses.len() as u64 + size(&metrics.device),
            Said::Samples(samples) => samples.iter().map(|sample| cells(&sample.output)).sum(),
            Said::Saved { id, weights } => size(id) + weights.len() as u64,
            Said::Started(_) | Said::Score(_) | Said::Released => 0,
        }
    }

    /// True where this answers such a question.
    pub(crate) fn answers(&self, asked: &Training) -> bool {
        matches!(
            (asked, &self.said),
            (Training::Start { .. }, Said::Started(_))
                | (Training::Train { .. }, Said::Metrics(_))
                | (Training::Predict { .. }, Said::Samples(_))
                | (Training::Score { .. }, Said::Score(_))
                | (Training::Save { .. }, Said::Saved { .. })
                | (Training::Release { .. }, Said::Released)
        )
    }
}

fn cells(grid: &Grid) -> u64 {
    RECORD_BYTES + grid.cells().len() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_engine_could_do_is_refused_by_name() {
        let grid = Grid::new(1, 1, &[3]).unwrap();
        let pair = Pair { input: grid.clone(), output: grid.clone() };
        let start = |base: Option<&str>, pairs: usize, inputs: usize| Training::Start {
            base: base.map(str::to_owned),
            demonstrations: vec![pair.clone(); pairs],
            inputs: vec![grid.clone(); inputs],
            seed: 1,
        };
        let train = |steps, learning_rate| Training::Train {
            adaptation: 0,
            schedule: Schedule { steps, learning_rate, views: 0 },
        };
        let cases = [
            (start(None, 0, 1), "0 demonstrations: 1 to 100"),
            (start(None, 1, 0), "0 inputs: 1 to 100"),
            (start(None, 101, 1), "101 demonstrations: 1 to 100"),
            (start(Some(""), 1, 1), "base of 0 characters"),
            (train(0, 0.0), "steps 0: at least 1"),
            (train(1, f32::NAN), "learning-rate NaN"),
            (train(1, -0.1), "learning-rate -0.1"),
            (train(1, f32::INFINITY), "learning-rate inf"),
            (Training::Predict { adaptation: 0, input: grid.clone(), samples: 0 }, "samples 0"),
        ];
        for (asked, words) in cases {
            let declined = asked.check().unwrap_err();
            assert!(declined.words().contains(words), "{declined:?}");
        }
        start(Some("automaton"), 3, 1).check().unwrap();
        train(100, 0.0).check().unwrap();
    }
}
