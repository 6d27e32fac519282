//! Answers on their way to the host, and a model of the task that ranks them where the run is lent one.

use std::collections::BTreeMap;

use stratagem_sdk as sdk;
use stratagem_sdk::ttt::{Adaptation, Schedule};
use stratagem_sdk::{Refusal, Run};

use crate::bridge::answer_of;
use crate::ranking::{Answer, EXACT, preferred};

/// The setting that has a model of the task rank the answers, after so many steps of training.
const SCORE_SETTING: &str = "score";
/// Grids of a test input that are ranked, the most confident.
const RANKED: usize = 8;

/// Offers answers as they are found.
pub struct Offers<'a> {
    run: &'a Run,
    task: &'a sdk::Task,
    offered: Vec<sdk::Answer>,
    refused: Option<Refusal>,
}

impl<'a> Offers<'a> {
    pub fn new(run: &'a Run, task: &'a sdk::Task) -> Self {
        Self { run, task, offered: Vec::new(), refused: None }
    }

    pub fn offer(&mut self, answer: &Answer) {
        self.run.step("propose", &answer.rationale, answer.confidence > EXACT);
        let answer = answer_of(answer);
        match self.run.offer(&answer) {
            Ok(()) => self.offered.push(answer),
            Err(refusal) => self.refused = Some(refusal),
        }
    }

    /// Has a model rank what was offered, if the setting says so; goes without where none is lent.
    ///
    /// *Errors*: an answer was refused, or the setting is no number of steps.
    pub fn finish(mut self) -> Result<(), String> {
        if let Some(refusal) = self.refused.take() {
            return Err(refusal.into());
        }
        let Some(setting) = self.run.setting(SCORE_SETTING) else { return Ok(()) };
        let steps = setting.parse().ok().filter(|&steps| steps > 0);
        let steps =
            steps.ok_or_else(|| format!("setting `{SCORE_SETTING}` is {setting:?}: steps of training"))?;
        match self.rank(steps) {
            Ok(told) => self.run.step("rank", &told, true),
            Err(refusal) => self.run.step("rank", &String::from(refusal), false),
        }
        Ok(())
    }

    fn rank(&self, steps: u32) -> Result<String, Refusal> {
        let mut candidates: BTreeMap<u32, Vec<&sdk::Answer>> = BTreeMap::new();
        let mut best_first: Vec<&sdk::Answer> = self.offered.iter().collect();
        best_first.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
        for answer in best_first {
            let ranked = candidates.entry(answer.test_index).or_default();
            if ranked.len() < RANKED && ranked.iter().all(|other| other.output != answer.output) {
                ranked.push(answer);
            }
        }
        candidates.retain(|_, ranked| ranked.len() > 1);
        if candidates.is_empty() {
            return Ok("nothing to choose from".to_owned());
        }
        let model = Adaptation::start(None, &self.task.train, &self.task.test, self.run.seed())?;
        let told = model.train(Schedule { steps, learning_rate: 0.0, views: 0 })?;
        let mut moved = 0;
        for (test_index, ranked) in candidates {
            let input = &self.task.test[test_index as usize];
            let scored: Vec<(f64, Option<f64>)> = ranked
                .iter()
                .map(|answer| {
                    let nats = model.score(input, &answer.output)?;
                    let cells = answer.output.cells.len() as f64;
                    Ok((answer.confidence, nats.map(|nats| nats / cells)))
                })
                .collect::<Result<_, Refusal>>()?;
            for (answer, confidence) in ranked.into_iter().zip(preferred(&scored)) {
                if confidence > answer.confidence {
                    moved += 1;
                    self.run.offer(&sdk::Answer { confidence, ..answer.clone() })?;
                }
            }
        }
        Ok(format!("{moved} answers by a model of {} steps on {}", told.steps, told.device))
    }
}
