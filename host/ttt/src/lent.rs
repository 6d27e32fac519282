//! Adaptations as runs are lent them: by number, on a device that all runs share, within each run's limits.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use stratagem_domain::training::{
    AdaptationNumber, Metrics, Said, Sample, Schedule as Asked, Trained, Training,
};
use stratagem_domain::{Declined, Digest, Grid, Limits, pattern_id};

use crate::adaptation::{Adaptation, Base, Beginning, Refused, Schedule};
use crate::launch::Device;
use crate::turns::{Seat, Turn, Turns};

/// How long a turn lasts, about: shorter ones cost more in passing it on, longer ones let others wait.
const TURN: Duration = Duration::from_millis(5);
/// The most samples that a question is answered with.
const MOST_SAMPLES: u32 = 100;

/// A device and those who share it; one a process.
pub struct Trainer {
    turns: Arc<Turns>,
    memory: Arc<Memory>,
    place: Place,
}

/// What trains.
#[derive(Clone, Default)]
struct Place {
    /// None is the processor.
    device: Option<(Arc<dyn Device>, String)>,
}

/// Bytes that adaptations of all runs hold.
#[derive(Debug)]
struct Memory {
    held: AtomicU64,
    most: u64,
}

/// Part of the memory, until it is dropped.
#[derive(Debug)]
struct Share {
    memory: Arc<Memory>,
    bytes: u64,
}

/// The device as one run is lent it. What the run holds of it is free when this is dropped.
pub struct LentTrainer {
    seat: Seat,
    memory: Arc<Memory>,
    place: Place,
    /// The run's deadline, which training keeps to.
    until: Instant,
    device_bytes: u64,
    device_time: Duration,
    desk: Mutex<Desk>,
}

/// What a run has of the device.
#[derive(Default)]
struct Desk {
    adaptations: BTreeMap<AdaptationNumber, Held>,
    started: AdaptationNumber,
    spent: Duration,
}

struct Held {
    adaptation: Adaptation,
    /// The model's name.
    base: &'static str,
    /// None where it needs nothing.
    share: Option<Share>,
}

/// The weights that an earlier run kept, and the name of their model.
pub type Kept = (String, Vec<u8>);

impl Trainer {
    /// On the processor: so many trainings may run at once, and hold so many bytes together.
    pub fn new(at_once: usize, bytes: u64) -> Self {
        let memory = Arc::new(Memory { held: AtomicU64::new(0), most: bytes });
        Self { turns: Turns::new(at_once), memory, place: Place::default() }
    }

    /// On a device of that name.
    pub fn on(device: Arc<dyn Device>, name: String, at_once: usize, bytes: u64) -> Self {
        Self { place: Place { device: Some((device, name)) }, ..Self::new(at_once, bytes) }
    }

    /// Trainings that may run at once.
    pub fn at_once(&self) -> usize {
        self.turns.at_once()
    }

    /// Bytes that adaptations hold now.
    pub fn held(&self) -> u64 {
        self.memory.held.load(Ordering::Relaxed)
    }

    /// Runs that are lent the device now.
    pub fn runs(&self) -> usize {
        self.turns.seats()
    }

    /// For a run that began then.
    pub fn lend(&self, limits: &Limits, began: Instant) -> LentTrainer {
        LentTrainer {
            seat: self.turns.join(),
            memory: Arc::clone(&self.memory),
            place: self.place.clone(),
            until: began + Duration::from_millis(limits.wall_ms),
            device_bytes: limits.device_bytes(),
            device_time: Duration::from_millis(limits.device_ms),
            desk: Mutex::default(),
        }
    }
}

impl Memory {
    fn take(self: &Arc<Self>, bytes: u64) -> Result<Share, Refused> {
        let add = |held: u64| held.checked_add(bytes).filter(|&all| all <= self.most);
        match self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add) {
            Ok(_) => Ok(Share { memory: Arc::clone(self), bytes }),
            Err(held) => Err(Refused::Full { needs: bytes, room: self.most - held }),
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.memory.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl LentTrainer {
    /// Answers what a run asks; `kept` finds what an earlier run saved under an id.
    pub fn answer(&self, asked: &Training, kept: &dyn Fn(&str) -> Option<Kept>) -> Result<Trained, Declined> {
        let mut desk = self.desk.lock().unwrap_or_else(PoisonError::into_inner);
        let before = desk.spent.as_millis();
        let clock = self.place.clock();
        let began = clock();
        let said = match asked {
            Training::Train { adaptation, schedule } => return self.train(&mut desk, *adaptation, schedule),
            Training::Start { .. } => self.start(&mut desk, asked, kept),
            Training::Predict { adaptation, input, samples } => desk.predict(*adaptation, input, *samples),
            Training::Score { adaptation, input, output } => {
                desk.of(*adaptation)?.adaptation.score(input, output).map(Said::Score).map_err(Declined::from)
            }
            Training::Save { adaptation } => desk.save(*adaptation),
            Training::Release { adaptation } => {
                desk.adaptations.remove(adaptation);
                Ok(Said::Released)
            }
        };
        desk.spent += clock().saturating_sub(began);
        Ok(desk.told(said?, before))
    }

    fn start(
        &self,
        desk: &mut Desk,
        asked: &Training,
        kept: &dyn Fn(&str) -> Option<Kept>,
    ) -> Result<Said, Declined> {
        let Training::Start { base: name, demonstrations, inputs, seed } = asked else {
            unreachable!("nothing else is started")
        };
        let kept = match Base::named(name.as_deref()) {
            Ok(_) => None,
            Err(unknown) => Some(name.as_deref().and_then(kept).ok_or(unknown)?),
        };
        let base = Base::named(kept.as_ref().map(|kept| kept.0.as_str()).or(name.as_deref()));
        let base = base?;
        let room = self.device_bytes - desk.held();
        let mut share = None;
        let claim = |needs| {
            if needs > room {
                return Err(Refused::TooLarge { needs, room });
            }
            share = Some(self.memory.take(needs)?);
            Ok(())
        };
        let kept = kept.as_ref().map(|kept| kept.1.as_slice());
        let beginning = Beginning { base, demonstrations, asked: inputs, seed: *seed, kept };
        let device = self.place.device.as_ref().map(|(device, _)| &**device);
        let adaptation = Adaptation::start(&beginning, device, claim)?;
        let number = desk.started;
        desk.started += 1;
        desk.adaptations.insert(number, Held { adaptation, base: base.name(), share });
        Ok(Said::Started(number))
    }

    /// Trains in turns with other runs, until the schedule is done, the run's time on the device is spent, or its
    /// deadline has come.
    fn train(&self, desk: &mut Desk, number: AdaptationNumber, asked: &Asked) -> Result<Trained, Declined> {
        let before = desk.spent.as_millis();
        let left = self.device_time.saturating_sub(desk.spent);
        let clock = self.place.clock();
        let held = desk.of(number)?;
        let device = match &self.place.device {
            Some((_, name)) if held.adaptation.is_on_device() => name.clone(),
            _ => "cpu".to_owned(),
        };
        let schedule = Schedule {
            steps: asked.steps,
            learning_rate: (asked.learning_rate > 0.0).then(|| f64::from(asked.learning_rate)),
            is_turning: (asked.views > 0).then_some(asked.views > 1),
        };
        let mut spent = Duration::ZERO;
        let mut turn: Option<(Turn<'_>, Duration)> = None;
        let trained = held.adaptation.train(schedule, &mut || {
            let now = clock();
            let had = turn.as_ref().map_or(Duration::ZERO, |(_, since)| now.saturating_sub(*since));
            if spent + had >= left || Instant::now() >= self.until {
                return false;
            }
            if turn.is_some() && had < TURN {
                return true;
            }
            spent += had;
            let next = match turn.take() {
                Some((done, _)) => done.pass(had, self.until),
                None => self.seat.wait(self.until),
            };
            turn = next.map(|turn| (turn, clock()));
            turn.is_some()
        });
        if let Some((done, since)) = turn {
            let had = clock().saturating_sub(since);
            spent += had;
            done.end(had);
        }
        // What it took is taken, whatever came of it.
        desk.spent += spent;
        let crate::adaptation::Metrics { losses, accuracy } = trained?;
        let said = Said::Metrics(Metrics {
            steps: losses.len() as u32,
            losses: thinned(&losses),
            accuracy: accuracy as f32,
            device,
        });
        Ok(desk.told(said, before))
    }
}

impl Desk {
    fn of(&mut self, number: AdaptationNumber) -> Result<&mut Held, Declined> {
        let none = || Declined::Invalid(format!("adaptation {number}: the run has none of that number"));
        self.adaptations.get_mut(&number).ok_or_else(none)
    }

    fn held(&self) -> u64 {
        self.adaptations.values().map(|held| held.share.as_ref().map_or(0, |share| share.bytes)).sum()
    }

    /// Whole milliseconds since `before`: those of all answers make up all that was spent.
    fn told(&self, said: Said, before: u128) -> Trained {
        Trained { said, device_ms: (self.spent.as_millis() - before) as u64, device_bytes: self.held() }
    }

    fn predict(&mut self, number: AdaptationNumber, input: &Grid, samples: u32) -> Result<Said, Declined> {
        let samples = self.of(number)?.adaptation.predict(input, samples.min(MOST_SAMPLES) as usize);
        let sample = |sample: crate::adaptation::Sample| {
            let crate::adaptation::Sample { output, log_likelihood, votes } = sample;
            // What is left of a share that is too small for a number is none.
            Sample { output, log_likelihood: log_likelihood.max(f64::MIN), votes }
        };
        Ok(Said::Samples(samples?.into_iter().map(sample).collect()))
    }

    fn save(&mut self, number: AdaptationNumber) -> Result<Said, Declined> {
        let held = self.of(number)?;
        let weights = held.adaptation.weights()?;
        let digest = Digest::of(&weights).to_string();
        Ok(Said::Saved { id: pattern_id("", held.base, "adaptation", &digest), weights })
    }
}

impl Place {
    /// What a run's time is told by: on the processor that of its thread, so that what others do meanwhile costs it
    /// nothing; a device works on while the thread waits.
    fn clock(&self) -> impl Fn() -> Duration + use<> {
        let clock = if self.device.is_some() { ClockId::Monotonic } else { ClockId::ThreadCPUTime };
        move || {
            let now = clock_gettime(clock);
            Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
        }
    }
}

/// The mean loss over equal parts of the updates.
fn thinned(losses: &[f32]) -> Vec<f32> {
    let part = losses.len().div_ceil(Metrics::MOST_LOSSES).max(1);
    losses.chunks(part).map(|part| part.iter().sum::<f32>() / part.len() as f32).collect()
}

impl From<Refused> for Declined {
    fn from(refused: Refused) -> Self {
        let words = refused.to_string();
        match refused {
            Refused::TooLarge { .. } => Self::Exhausted(format!("device_memory_mb: {words}")),
            Refused::Full { .. } | Refused::Device(_) | Refused::Diverged(_) | Refused::Broken => {
                Self::Unavailable(words)
            }
            _ => Self::Invalid(words),
        }
    }
}

#[cfg(test)]
mod tests {
    use stratagem_domain::Pair;

    use super::*;

    fn grid(row: [u8; 4]) -> Grid {
        Grid::from_rows(&[row; 3]).unwrap()
    }

    fn start(base: Option<&str>) -> Training {
        let pair =
            |row: [u8; 4]| Pair { input: grid(row), output: grid(row.map(|c| if c == 3 { 2 } else { c })) };
        Training::Start {
            base: base.map(str::to_owned),
            demonstrations: vec![pair([0, 3, 0, 3]), pair([3, 3, 0, 0])],
            inputs: vec![grid([3, 0, 0, 3])],
            seed: 1,
        }
    }

    fn train(adaptation: u32, steps: u32) -> Training {
        Training::Train { adaptation, schedule: Asked { steps, learning_rate: 0.0, views: 0 } }
    }

    fn ask(lent: &LentTrainer, asked: &Training) -> Result<Trained, Declined> {
        lent.answer(asked, &|_| None)
    }

    fn trainer() -> Trainer {
        Trainer::new(1, 1 << 30)
    }

    #[test]
    fn a_run_trains_asks_and_keeps_and_gives_everything_back() {
        let trainer = trainer();
        let lent = trainer.lend(&Limits::default(), Instant::now());
        for (number, base) in [(0, None), (1, Some("automaton"))] {
            assert_eq!(ask(&lent, &start(base)).unwrap().said, Said::Started(number));
            let trained = ask(&lent, &train(number, 150)).unwrap();
            let Said::Metrics(metrics) = &trained.said else { panic!("{trained:?}") };
            assert_eq!((metrics.steps, metrics.losses.len(), metrics.device.as_str()), (150, 50, "cpu"));
            assert!(metrics.losses[49] < metrics.losses[0] / 2.0);
            assert!(trained.device_ms > 0 && trained.device_bytes == trainer.held());
            let input = grid([3, 0, 0, 3]);
            let asked = Training::Predict { adaptation: number, input: input.clone(), samples: 1 };
            let Said::Samples(samples) = ask(&lent, &asked).unwrap().said else { panic!() };
            assert_eq!((samples.len(), &samples[0].output), (1, &grid([2, 0, 0, 2])));
            assert!(samples[0].votes > 0);
            let score = |output| {
                let asked = Training::Score { adaptation: number, input: input.clone(), output };
                match ask(&lent, &asked).unwrap().said {
                    Said::Score(score) => score,
                    other => panic!("{other:?}"),
                }
            };
            assert!(score(grid([2, 0, 0, 2])) > score(input.clone()));
            assert_eq!(score(Grid::new(1, 1, &[2]).unwrap()), None);
            let Said::Saved { id, weights } =
                ask(&lent, &Training::Save { adaptation: number }).unwrap().said
            else {
                panic!()
            };
            // A later run goes on from there.
            let later = trainer.lend(&Limits::default(), Instant::now());
            let kept = |asked: &str| {
                (asked == id).then(|| (base.unwrap_or("compression").to_owned(), weights.clone()))
            };
            assert_eq!(later.answer(&start(Some(&id)), &kept).unwrap().said, Said::Started(0));
            let Said::Saved { id: again, .. } = ask(&later, &Training::Save { adaptation: 0 }).unwrap().said
            else {
                panic!()
            };
            assert_eq!(again, id);
        }
        let held = trainer.held();
        ask(&lent, &Training::Release { adaptation: 0 }).unwrap();
        assert!((1..held).contains(&trainer.held()));
        let gone = ask(&lent, &train(0, 1)).unwrap_err();
        assert_eq!(gone, Declined::Invalid("adaptation 0: the run has none of that number".to_owned()));
        drop(lent);
        assert_eq!((trainer.held(), trainer.runs()), (0, 0));
    }

    #[test]
    fn a_run_keeps_to_its_limits_and_the_device_to_its_own() {
        let trainer = trainer();
        let lend = |limits: Limits| trainer.lend(&limits, Instant::now());
        let tight = lend(Limits { device_ms: 30, ..Limits::default() });
        let started = ask(&tight, &start(None)).unwrap();
        let stopped = ask(&tight, &train(0, 100_000)).unwrap();
        let Said::Metrics(metrics) = &stopped.said else { panic!() };
        assert!(started.device_ms + stopped.device_ms >= 30, "{stopped:?}");
        assert!((1..100_000).contains(&metrics.steps), "{stopped:?}");
        let Said::Metrics(metrics) = ask(&tight, &train(0, 5)).unwrap().said else { panic!() };
        assert_eq!(metrics.steps, 0, "nothing is left");
        let late = lend(Limits { wall_ms: 0, ..Limits::default() });
        ask(&late, &start(None)).unwrap();
        let Said::Metrics(metrics) = ask(&late, &train(0, 5)).unwrap().said else { panic!() };
        assert_eq!(metrics.steps, 0, "its deadline has passed");
        let small = lend(Limits { device_memory_mb: 0, ..Limits::default() });
        let refused = ask(&small, &start(None)).unwrap_err();
        assert!(matches!(&refused, Declined::Exhausted(words) if words.starts_with("device_memory_mb: ")));
        // A thousand at once: each is taken or refused, and the bound holds.
        let full = Trainer::new(1, 8 << 20);
        let lent = full.lend(&Limits::default(), Instant::now());
        let started = (0..1_000).filter(|_| ask(&lent, &start(None)).is_ok()).count();
        assert!((1..1_000).contains(&started) && full.held() <= 8 << 20, "{started}");
        let refused = ask(&full.lend(&Limits::default(), Instant::now()), &start(None)).unwrap_err();
        assert!(refused.words().starts_with("the device is full"), "{refused:?}");
        drop(lent);
        ask(&full.lend(&Limits::default(), Instant::now()), &start(None)).unwrap();
    }
}
