//! The memory that a plugin is checked with: empty before every run, as on its first day, so that the suite asks the
//! same of every plugin every time. What is trained there learns to answer with the input, a millisecond a step.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use stratagem_domain::training::{AdaptationNumber, Metrics, Said, Sample, Trained, Training};
use stratagem_domain::{Backing, Call, Declined, Pattern, Reply, pattern_id};

/// Remembers what the run under way kept, and asks no model.
#[derive(Default)]
pub struct Blank {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// Each with its trials and successes.
    patterns: Vec<(Pattern, u32)>,
    saved: BTreeMap<String, Vec<u8>>,
    adaptations: AdaptationNumber,
}

impl Backing for Blank {
    fn answer(&self, call: &Call) -> Result<Reply, Declined> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(match call {
            Call::Patterns { kind, min_success_rate, limit } => {
                let fits = |found: &Pattern| found.kind == *kind && found.success_rate >= *min_success_rate;
                let found = kept.patterns.iter().map(|(found, _)| found).filter(|found| fits(found));
                let mut found: Vec<Pattern> = found.cloned().collect();
                found.sort_by(|a, b| b.success_rate.total_cmp(&a.success_rate));
                found.truncate(*limit as usize);
                Reply::Patterns(found)
            }
            Call::KeepPattern { kind, data, success } => Reply::Kept(kept.keep(kind, data, *success)),
            Call::Save { name, bytes } => {
                kept.saved.insert(name.clone(), bytes.clone());
                Reply::Done
            }
            Call::Load { name } => Reply::Loaded(kept.saved.get(name).cloned()),
            Call::Embed { .. } => Reply::Done,
            Call::Recall { .. } | Call::Search { .. } => Reply::Episodes(Vec::new()),
            Call::Training(asked) => Reply::Trained(kept.train(asked)),
            Call::Complete(_) | Call::Prompt { .. } => {
                return Err(Declined::Unavailable("no language model is asked in a check".to_owned()));
            }
        })
    }
}

impl Kept {
    /// No model, so that a check says the same on every machine.
    fn train(&mut self, asked: &Training) -> Trained {
        let mut device_ms = 0;
        let said = match asked {
            Training::Start { .. } => {
                self.adaptations += 1;
                Said::Started(self.adaptations - 1)
            }
            Training::Train { schedule, .. } => {
                device_ms = u64::from(schedule.steps);
                let device = "check".to_owned();
                Said::Metrics(Metrics { steps: schedule.steps, losses: vec![1.0], accuracy: 1.0, device })
            }
            Training::Predict { input, .. } => {
                Said::Samples(vec![Sample { output: input.clone(), log_likelihood: 0.0, votes: 1 }])
            }
            Training::Score { input, output, .. } => Said::Score((input == output).then_some(0.0)),
            Training::Save { .. } => Said::Saved { id: "check".to_owned(), weights: vec![0; 4] },
            Training::Release { .. } => Said::Released,
        };
        Trained { said, device_ms, device_bytes: 1 << 20 }
    }

    fn keep(&mut self, kind: &str, data: &str, success: bool) -> String {
        let id = pattern_id("", "", kind, data);
        let at = self.patterns.iter().position(|(found, _)| found.id == id).unwrap_or_else(|| {
            let (kind, data) = (kind.to_owned(), data.to_owned());
            let new = Pattern { id: id.clone(), kind, data, success_rate: 0.0, usage_count: 0 };
            self.patterns.push((new, 0));
            self.patterns.len() - 1
        });
        let (found, successes) = &mut self.patterns[at];
        *successes += u32::from(success);
        found.usage_count += 1;
        found.success_rate = f64::from(*successes) / f64::from(found.usage_count);
        id
    }
}

#[cfg(test)]
mod tests {
    use stratagem_domain::Grid;

    use super::*;

    #[test]
    fn a_run_finds_what_it_kept_and_nothing_else() {
        let blank = Blank::default();
        let keep = |data: &str, success| {
            blank.answer(&Call::KeepPattern { kind: "k".into(), data: data.into(), success }).unwrap()
        };
        assert_eq!(keep("a", false), keep("a", true));
        keep("b", true);
        let patterns = |least| -> Vec<(String, u32)> {
            match blank.answer(&Call::Patterns { kind: "k".into(), min_success_rate: least, limit: 9 }) {
                Ok(Reply::Patterns(found)) => {
                    found.into_iter().map(|found| (found.data, found.usage_count)).collect()
                }
                other => panic!("{other:?}"),
            }
        };
        let both: Vec<(String, u32)> = vec![("b".into(), 1), ("a".into(), 2)];
        assert_eq!(patterns(0.0), both);
        assert_eq!(patterns(0.9), both[..1]);
        let input = Grid::new(1, 2, &[1, 2]).unwrap();
        let asked = Training::Predict { adaptation: 0, input: input.clone(), samples: 2 };
        let Ok(Reply::Trained(trained)) = blank.answer(&Call::Training(asked)) else { panic!() };
        let sample = Sample { output: input, log_likelihood: 0.0, votes: 1 };
        assert_eq!(trained.said, Said::Samples(vec![sample]));
        blank.answer(&Call::Save { name: "n".into(), bytes: vec![7] }).unwrap();
        assert_eq!(blank.answer(&Call::Load { name: "n".into() }), Ok(Reply::Loaded(Some(vec![7]))));
        assert_eq!(Blank::default().answer(&Call::Load { name: "n".into() }), Ok(Reply::Loaded(None)));
    }
}
