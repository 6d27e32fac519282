//! A backing that answers by its question alone, and remembers what it was asked.

#![allow(dead_code, reason = "two test programs share it, and not each uses all")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use stratagem_domain::training::{Metrics, Said, Sample, Trained, Training};
use stratagem_domain::{Backing, Call, Declined, Episode, ModelReply, Pattern, Reply, Settings, pattern_id};

#[derive(Default)]
pub struct Fake {
    asked: Mutex<Vec<Call>>,
}

impl Fake {
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    pub fn asked(&self) -> Vec<Call> {
        self.asked.lock().unwrap().clone()
    }
}

impl Backing for Fake {
    fn answer(&self, call: &Call) -> Result<Reply, Declined> {
        let started = {
            let mut asked = self.asked.lock().unwrap();
            let starts = |call: &&Call| matches!(call, Call::Training(Training::Start { .. }));
            let started = asked.iter().filter(starts).count() as u32;
            asked.push(call.clone());
            started
        };
        let episode = |similarity| Episode {
            id: "e1".into(),
            task_id: "t1".into(),
            domain: "d".into(),
            success_rate: Some(2.0 / 3.0),
            actions: vec!["turn".into(), "fill".into()],
            similarity,
        };
        Ok(match call {
            Call::Patterns { kind, limit, .. } => Reply::Patterns(
                (0..*limit)
                    .map(|at| Pattern {
                        id: at.to_string(),
                        kind: kind.clone(),
                        data: format!("data{at}"),
                        success_rate: 1.0 / f64::from(at + 1),
                        usage_count: at + 1,
                    })
                    .collect(),
            ),
            Call::KeepPattern { kind, data, .. } => Reply::Kept(pattern_id("o", "d", kind, data)),
            Call::Embed { .. } | Call::Save { .. } => Reply::Done,
            Call::Recall { vector, .. } => Reply::Episodes(vec![episode(f64::from(vector[0]))]),
            Call::Search { query, .. } if query == "slow" => {
                std::thread::sleep(Duration::from_millis(400));
                Reply::Episodes(Vec::new())
            }
            Call::Search { limit, .. } => Reply::Episodes(vec![episode(0.5); *limit as usize]),
            Call::Load { name } => match name.as_str() {
                "none" => Reply::Loaded(None),
                "lie" => Reply::Done,
                size => Reply::Loaded(Some(vec![b'b'; size.parse().unwrap_or(3)])),
            },
            Call::Training(asked) => Reply::Trained(trained(asked, started)?),
            Call::Complete(request) if request.model == "down" => {
                return Err(Declined::Unavailable("the model is down. ".repeat(400)));
            }
            Call::Complete(request) => Reply::Completed(ModelReply {
                text: request.messages.last().map_or_else(String::new, |message| message.content.clone()),
                prompt_tokens: 10,
                completion_tokens: 5,
                cached: request.model == "cached",
                cost_micros: 2_500,
            }),
            Call::Prompt { name, variables } => {
                Reply::Prompted { text: format!("{name} {variables:?}"), version_id: "v1".into() }
            }
        })
    }
}

/// Steps take a millisecond each; the first adaptation cannot make what it is to score.
fn trained(asked: &Training, started: u32) -> Result<Trained, Declined> {
    let mut device_ms = 0;
    let said = match asked {
        Training::Start { base: Some(base), .. } if base == "huge" => {
            return Err(Declined::Exhausted("device_memory_mb: it is huge".to_owned()));
        }
        Training::Start { .. } => Said::Started(started),
        Training::Train { schedule, .. } => {
            device_ms = u64::from(schedule.steps);
            let device = "fake".to_owned();
            Said::Metrics(Metrics { steps: schedule.steps, losses: vec![2.0, 0.5], accuracy: 0.75, device })
        }
        Training::Predict { input, samples, .. } => {
            let one = |at| Sample { output: input.clone(), log_likelihood: -f64::from(at), votes: 9 - at };
            Said::Samples((0..*samples).map(one).collect())
        }
        Training::Score { adaptation, .. } => Said::Score((*adaptation > 0).then_some(-1.5)),
        Training::Save { .. } => Said::Saved { id: "a1".to_owned(), weights: vec![7; 100] },
        Training::Release { .. } => Said::Released,
    };
    Ok(Trained { said, device_ms, device_bytes: 3 << 20 })
}

/// The setting of the probes that says what to ask.
pub fn calls(lines: &[&str]) -> Settings {
    Settings::from([("calls".to_owned(), lines.join("\n"))])
}

/// Something of everything.
pub const EVERY_CALL: [&str; 12] = [
    "keep fill red 1",
    "patterns fill 0.25 3",
    "patterns fill 7 3",
    "embed words 0.5,-1.25 m",
    "recall 0.3,0.1 m 2",
    "recall 0,0 m 2",
    "search 2 some words",
    "load none",
    "load 70000",
    "load lie",
    "save name text",
    "save name @5000",
];
