//! A model that is adapted to one task: what a run is lent.

use stratagem_domain::{Grid, Pair, grouped};

use crate::launch::{Device, Failed};
use crate::train::{Stopped, Unfit, automaton, compression, device};

/// The models that there are to start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    Compression,
    Automaton,
}

/// How an adaptation is trained.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// Updates of the weights.
    pub steps: u32,
    /// None for the model's own.
    pub learning_rate: Option<f64>,
    /// Whether demonstrations are turned and mirrored, where the model knows views; none for the model's own.
    pub is_turning: Option<bool>,
}

/// What a training came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Metrics {
    /// Before each update that was done.
    pub losses: Vec<f32>,
    /// The share of demonstrations whose outputs are drawn without a wrong cell.
    pub accuracy: f64,
}

/// A grid that a model makes of an input.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub output: Grid,
    /// The logarithm of its share among all that the model makes.
    pub log_likelihood: f64,
    /// How often the model came to it: by views, or by updates.
    pub votes: u32,
}

/// Why an adaptation is refused, or ends.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refused {
    #[error("no base {0}: there are compression and automaton, or none for compression")]
    NoBase(String),
    #[error("no demonstrations: at least one")]
    NoDemonstrations,
    #[error("an automaton keeps sizes: every output has to be as large as its input")]
    Sizes,
    #[error("the adaptation needs {} bytes: {} are left", grouped(*needs), grouped(*room))]
    TooLarge { needs: u64, room: u64 },
    #[error("the device is full: {} bytes are left, the adaptation needs {}", grouped(*room), grouped(*needs))]
    Full { needs: u64, room: u64 },
    #[error("{0} steps: 1 to {most}", most = Schedule::MOST_STEPS)]
    Steps(u32),
    #[error("learning rate {0}: a number above 0")]
    Rate(f64),
    #[error("the loss is no number any more after {0} steps: lower the learning rate")]
    Diverged(u32),
    #[error("training diverged: the adaptation is of no use any more, start another")]
    Broken,
    #[error("the input is none of those that the adaptation was started with")]
    NotAsked,
    #[error("{0}")]
    Device(#[from] Failed),
    #[error("the weights are another task's, or another model's")]
    OtherWeights,
    #[error("nothing is trained yet: train at least one step")]
    Untrained,
}

impl Base {
    pub fn name(self) -> &'static str {
        match self {
            Self::Compression => "compression",
            Self::Automaton => "automaton",
        }
    }

    /// The base of a name; none is the compression model.
    pub fn named(name: Option<&str>) -> Result<Self, Refused> {
        match name {
            None | Some("compression") => Ok(Self::Compression),
            Some("automaton") => Ok(Self::Automaton),
            Some(other) => Err(Refused::NoBase(stratagem_domain::quote(other, 80))),
        }
    }
}

impl Schedule {
    pub const MOST_STEPS: u32 = 100_000;

    fn check(&self) -> Result<(), Refused> {
        if !(1..=Self::MOST_STEPS).contains(&self.steps) {
            return Err(Refused::Steps(self.steps));
        }
        match self.learning_rate {
            Some(rate) if !(rate > 0.0 && rate.is_finite()) => Err(Refused::Rate(rate)),
            _ => Ok(()),
        }
    }
}

/// What an adaptation begins with.
#[derive(Clone, Copy, Debug)]
pub struct Beginning<'a> {
    pub base: Base,
    pub demonstrations: &'a [Pair],
    /// The inputs whose outputs are asked for.
    pub asked: &'a [Grid],
    pub seed: u64,
    /// Weights that were kept of the same task, as [`Adaptation::weights`] gives them.
    pub kept: Option<&'a [u8]>,
}

enum Model {
    Compression(Box<compression::Training>),
    Device(Box<device::Training>),
    Automaton(Box<automaton::Training>),
}

/// A model, the inputs whose outputs it is asked for, and how far it has come.
pub struct Adaptation {
    model: Model,
    asked: Vec<Grid>,
    /// Updates, here and before the weights were kept.
    steps: u32,
    is_broken: bool,
}

impl Adaptation {
    /// Readies a model: on a device where there is one and the model can be trained there, else on the processor.
    ///
    /// *Limits*: `claim` is told how many bytes it takes, about, before it takes them.
    pub fn start(
        beginning: &Beginning<'_>,
        device: Option<&dyn Device>,
        claim: impl FnOnce(u64) -> Result<(), Refused>,
    ) -> Result<Self, Refused> {
        let &Beginning { base, demonstrations, asked, seed, kept } = beginning;
        let refused = |unfit| match unfit {
            Unfit::Empty => Refused::NoDemonstrations,
            Unfit::Sizes => Refused::Sizes,
            Unfit::Diverged => Refused::Diverged(0),
        };
        let kept = kept.map(numbers).transpose()?;
        let is_kept = kept.is_some();
        let model = match base {
            Base::Compression => {
                let mut plan = compression::Plan::new(demonstrations, asked, seed).map_err(refused)?;
                if kept.is_some_and(|weights| !plan.resume(weights)) {
                    return Err(Refused::OtherWeights);
                }
                if let Some(device) = device {
                    claim(device::Batch::bytes(std::slice::from_ref(&plan)))?;
                    Model::Device(Box::new(device::Training::new(device, &plan)?))
                } else {
                    claim(plan.bytes())?;
                    Model::Compression(Box::new(plan.begin()))
                }
            }
            Base::Automaton => {
                let habits = automaton::Habits::default();
                let mut training = automaton::Training::new(demonstrations, habits, seed).map_err(refused)?;
                if kept.is_some_and(|weights| !training.resume(&weights)) {
                    return Err(Refused::OtherWeights);
                }
                Model::Automaton(Box::new(if let Some(device) = device {
                    claim(training.bytes_on_device())?;
                    training.on(device)?
                } else {
                    claim(training.bytes())?;
                    training
                }))
            }
        };
        Ok(Self { model, asked: asked.to_vec(), steps: u32::from(is_kept), is_broken: false })
    }

    /// Whether a device trains it, rather than the processor.
    pub fn is_on_device(&self) -> bool {
        match &self.model {
            Model::Compression(_) => false,
            Model::Device(_) => true,
            Model::Automaton(training) => training.is_on_device(),
        }
    }

    /// Trains until the schedule is done or `go_on`, which is asked before every step, says no.
    pub fn train(&mut self, schedule: Schedule, go_on: &mut dyn FnMut() -> bool) -> Result<Metrics, Refused> {
        schedule.check()?;
        if self.is_broken {
            return Err(Refused::Broken);
        }
        let mut losses = Vec::new();
        let mut steps = 0;
        while steps < schedule.steps && go_on() {
            let loss = self.update(schedule, f64::from(steps)).inspect_err(|_| self.is_broken = true);
            let loss = loss.map_err(|refused| match refused {
                Refused::Diverged(_) => Refused::Diverged(self.steps + steps),
                other => other,
            })?;
            losses.push(loss);
            steps += 1;
        }
        self.steps += steps;
        let accuracy = match &mut self.model {
            _ if self.steps == 0 => 0.0,
            Model::Compression(training) => training.accuracy(),
            Model::Device(training) => training.accuracy(),
            Model::Automaton(training) => training.accuracy()?,
        };
        Ok(Metrics { losses, accuracy })
    }

    /// One update, after so many of the schedule.
    fn update(&mut self, schedule: Schedule, steps: f64) -> Result<f32, Refused> {
        let rate = schedule.learning_rate;
        let stopped = |stopped| match stopped {
            Stopped::Diverged => Refused::Diverged(0),
            Stopped::Failed(failed) => Refused::Device(failed),
        };
        match &mut self.model {
            Model::Compression(training) => {
                let loss = training.update(rate.unwrap_or(compression::LEARNING_RATE));
                loss.map(|loss| loss.total()).map_err(|_| Refused::Diverged(0))
            }
            Model::Device(training) => {
                let loss = training.update(rate.unwrap_or(compression::LEARNING_RATE));
                loss.map(|loss| loss.total()).map_err(stopped)
            }
            Model::Automaton(training) => {
                if let Some(is_turning) = schedule.is_turning {
                    training.habits.is_turning = is_turning;
                }
                // The model's own rate falls to 0: what is learned last is what holds for all.
                let left = 1.0 - steps / f64::from(schedule.steps);
                training.update(rate.unwrap_or(automaton::LEARNING_RATE * left)).map_err(stopped)
            }
        }
    }

    /// What the model makes of an input, the likeliest first.
    pub fn predict(&mut self, input: &Grid, samples: usize) -> Result<Vec<Sample>, Refused> {
        self.is_ready()?;
        let asked = asked(&self.asked, input);
        let grids = match &mut self.model {
            Model::Compression(training) => training.answers(asked?),
            Model::Device(training) => training.answers(asked?),
            Model::Automaton(training) => training.answers(input)?,
        };
        let sample =
            |(output, share, votes): (Grid, f64, u32)| Sample { output, log_likelihood: share.ln(), votes };
        Ok(grids.into_iter().take(samples).map(sample).collect())
    }

    /// The logarithm of how likely an output is; none where the model cannot make it.
    pub fn score(&mut self, input: &Grid, output: &Grid) -> Result<Option<f64>, Refused> {
        self.is_ready()?;
        let asked = asked(&self.asked, input);
        match &mut self.model {
            Model::Compression(training) => Ok(training.score(asked?, output)),
            Model::Device(training) => Ok(training.score(asked?, output)),
            Model::Automaton(training) => Ok(training.score(input, output)?),
        }
    }

    /// All weights, as little-endian 32-bit floats.
    pub fn weights(&mut self) -> Result<Vec<u8>, Refused> {
        let weights = match &mut self.model {
            Model::Compression(training) => training.weights(),
            Model::Device(training) => training.weights()?,
            Model::Automaton(training) => training.weights()?,
        };
        Ok(weights.iter().flat_map(|weight| weight.to_le_bytes()).collect())
    }

    fn is_ready(&self) -> Result<(), Refused> {
        match self {
            Self { is_broken: true, .. } => Err(Refused::Broken),
            Self { steps: 0, .. } => Err(Refused::Untrained),
            _ => Ok(()),
        }
    }
}

/// Which of the inputs that are asked for this is.
fn asked(all: &[Grid], input: &Grid) -> Result<usize, Refused> {
    all.iter().position(|asked| asked == input).ok_or(Refused::NotAsked)
}

/// Weights as they were kept.
fn numbers(bytes: &[u8]) -> Result<Vec<f32>, Refused> {
    let (numbers, rest) = bytes.as_chunks::<4>();
    let numbers: Vec<f32> = numbers.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
    let is_whole = rest.is_empty() && numbers.iter().all(|number| number.is_finite());
    if is_whole { Ok(numbers) } else { Err(Refused::OtherWeights) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(rows: &[[u8; 3]]) -> Grid {
        Grid::from_rows(rows).unwrap()
    }

    /// What is 3 becomes 2.
    fn shown() -> Vec<Pair> {
        [[0, 3, 0], [3, 3, 0], [0, 0, 3]]
            .map(|row| Pair {
                input: grid(&[row; 2]),
                output: grid(&[row.map(|c| if c == 3 { 2 } else { c }); 2]),
            })
            .to_vec()
    }

    fn within(room: u64) -> impl FnOnce(u64) -> Result<(), Refused> {
        move |needs| if needs > room { Err(Refused::TooLarge { needs, room }) } else { Ok(()) }
    }

    const ROOM: u64 = 64 << 20;

    fn begin<'a>(base: Base, demonstrations: &'a [Pair], asked: &'a [Grid]) -> Beginning<'a> {
        Beginning { base, demonstrations, asked, seed: 1, kept: None }
    }

    fn schedule(steps: u32) -> Schedule {
        Schedule { steps, learning_rate: None, is_turning: None }
    }

    #[test]
    fn both_models_learn_answer_and_rank() {
        let asked = grid(&[[3, 0, 3]; 2]);
        let right = grid(&[[2, 0, 2]; 2]);
        for (base, steps) in [(None, 250), (Some("automaton"), 150)] {
            let base = Base::named(base).unwrap();
            let shown = shown();
            let beginning = begin(base, &shown, std::slice::from_ref(&asked));
            let resume = |kept| Adaptation::start(&Beginning { kept, ..beginning }, None, within(ROOM));
            let start = || resume(None).unwrap();
            let mut adaptation = start();
            assert_eq!(adaptation.predict(&asked, 2), Err(Refused::Untrained), "{base:?}");
            let metrics = adaptation.train(schedule(steps), &mut || true).unwrap();
            let Metrics { losses, accuracy } = metrics;
            assert_eq!(losses.len(), steps as usize);
            assert!(
                losses[losses.len() - 1] < losses[0] && accuracy > 0.9,
                "{base:?}: {accuracy} {losses:?}"
            );
            let samples = adaptation.predict(&asked, 2).unwrap();
            assert_eq!(samples[0].output, right, "{base:?}");
            assert!(samples[0].log_likelihood <= 0.0 && samples.len() <= 2);
            let mut score = |output| adaptation.score(&asked, output).unwrap();
            assert!(score(&right) > score(&asked), "{base:?}");
            assert_eq!(score(&grid(&[[2, 0, 2]; 3])), None, "of another size");
            // Weights that were kept say the same again.
            let weights = adaptation.weights().unwrap();
            assert_eq!(resume(Some(&weights)).unwrap().weights().unwrap(), weights);
            // Too few, and no number.
            for other in [&[0; 8], &[0, 0, 0xc0, 0x7f][..]] {
                assert_eq!(resume(Some(other)).err(), Some(Refused::OtherWeights));
            }
            // In two parts it comes to the same weights where the rate does not fall.
            if base == Base::Compression {
                let mut again = start();
                let mut left = 100;
                let stopped = again.train(schedule(steps), &mut || {
                    left -= 1;
                    left >= 0
                });
                assert_eq!(stopped.unwrap().losses.len(), 100);
                again.train(schedule(steps - 100), &mut || true).unwrap();
                assert_eq!(again.weights(), adaptation.weights());
            }
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_a_reason() {
        let asked = [grid(&[[3, 0, 3]; 2])];
        let start = |base: &str, shown: &[Pair], room| {
            Base::named(Some(base))
                .and_then(|base| Adaptation::start(&begin(base, shown, &asked), None, within(room)))
                .map(drop)
        };
        assert_eq!(start("oracle", &shown(), ROOM), Err(Refused::NoBase("\"oracle\"".to_owned())));
        assert_eq!(start("compression", &[], ROOM), Err(Refused::NoDemonstrations));
        let grown = Pair { input: grid(&[[1; 3]; 2]), output: grid(&[[1; 3]; 3]) };
        assert_eq!(start("automaton", &[grown], ROOM), Err(Refused::Sizes));
        for base in ["compression", "automaton"] {
            let Err(Refused::TooLarge { needs, room: 1_000 }) = start(base, &shown(), 1_000) else {
                panic!("{base} fits into 1,000 bytes")
            };
            assert!(needs > 100_000, "{needs}");
        }
        let shown = shown();
        let started = |base| Adaptation::start(&begin(base, &shown, &asked), None, within(ROOM)).unwrap();
        let mut adaptation = started(Base::Compression);
        let mut train = |steps, rate: f64| {
            let schedule = Schedule { learning_rate: Some(rate), ..schedule(steps) };
            adaptation.train(schedule, &mut || true).map(|metrics| metrics.losses.len())
        };
        assert_eq!(train(0, 0.01), Err(Refused::Steps(0)));
        assert_eq!(train(1_000_000_000, 0.01), Err(Refused::Steps(1_000_000_000)));
        assert!(matches!(train(1, f64::NAN), Err(Refused::Rate(_))));
        assert_eq!(train(1, -1.0), Err(Refused::Rate(-1.0)));
        assert_eq!(train(1, 0.01), Ok(1));
        assert_eq!(adaptation.predict(&grid(&[[1; 3]; 2]), 1), Err(Refused::NotAsked));
        // A rate that throws the weights out of what numbers hold.
        let mut wild = started(Base::Automaton);
        let schedule = Schedule { learning_rate: Some(1e30), ..schedule(1_000) };
        assert!(matches!(wild.train(schedule, &mut || true), Err(Refused::Diverged(_))));
        assert_eq!(wild.train(schedule, &mut || true), Err(Refused::Broken));
        assert_eq!(wild.predict(&asked[0], 1), Err(Refused::Broken));
    }

    #[test]
    fn the_largest_task_is_refused_before_anything_is_taken() {
        let full = |colour: u8| {
            let row: Vec<u8> = (0..30).map(|x| (x + colour) % 10).collect();
            Grid::from_rows(&vec![row; 30]).unwrap()
        };
        let shown: Vec<Pair> = (0..10).map(|i| Pair { input: full(i), output: full(i + 1) }).collect();
        let asked = [full(3)];
        let beginning = begin(Base::Compression, &shown, &asked);
        let refused = Adaptation::start(&beginning, None, within(2 << 30)).map(drop);
        let Err(Refused::TooLarge { needs, .. }) = refused else { panic!("{refused:?}") };
        assert!((3 << 30..12 << 30).contains(&needs), "{needs}");
    }
}
