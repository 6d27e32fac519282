use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use stratagem_domain::{Answer, Capability, Grid, Level, Limits, LogLine, RunReport, Settings, Step, Usage};

use crate::bindings::Refusal;
use crate::lent::Lent;
use crate::limiter::RunLimiter;
use crate::wasi::Wasi;

/// A log line costs the host more than its text: without this an endless log of empty lines is free.
pub const LINE_BYTES: u64 = 16;

/// What one run holds in the host: bounded by its limits, dropped with its store.
pub struct RunState {
    pub limits: Limits,
    pub limiter: RunLimiter,
    /// False only where a benchmark measures what metering costs.
    pub metered: bool,
    /// None where it is not metered.
    pub deadline: Option<Instant>,
    pub seed: u64,
    pub settings: Settings,
    /// Test inputs of the task: an answer to any other is refused.
    pub inputs: Vec<Grid>,
    pub answers: Vec<Answer>,
    pub steps: Vec<Step>,
    pub log: Vec<LogLine>,
    pub usage: Usage,
    /// What the plugin does without.
    pub declined: BTreeSet<Capability>,
    /// What answers beyond `run`.
    pub lent: Lent,
    /// Only where something of WASI is linked.
    pub wasi: Option<Box<Wasi>>,
    /// An error that was logged, and how much memory had been denied by then. The next host call drops it: what
    /// is left when a run traps is the panic's own words.
    last_error: Option<(u64, String)>,
}

impl RunState {
    pub fn new(limits: &Limits, seed: u64, settings: Settings, inputs: Vec<Grid>, metered: bool) -> Self {
        Self {
            limits: limits.clone(),
            limiter: RunLimiter::new(limits),
            metered,
            deadline: metered.then(|| Instant::now() + Duration::from_millis(limits.wall_ms)),
            seed,
            settings,
            inputs,
            answers: Vec::new(),
            steps: Vec::new(),
            log: Vec::new(),
            usage: Usage::default(),
            declined: BTreeSet::new(),
            lent: Lent::default(),
            wasi: None,
            last_error: None,
        }
    }

    /// Notes that the run came up against a limit.
    pub fn hit(&mut self, limit: &str) {
        if !self.usage.limits_hit.contains(limit) {
            self.usage.limits_hit.insert(limit.to_owned());
        }
    }

    /// Validates an answer and keeps it; the refusal says what is wrong with it.
    pub fn offer(
        &mut self,
        test_index: u32,
        grid: Grid,
        confidence: f64,
        rationale: &str,
    ) -> Result<(), Refusal> {
        let test_index = test_index as usize;
        let tests = self.inputs.len();
        if test_index >= tests {
            let reason = format!("test-index {test_index}: the task has {tests} test inputs");
            return Err(Refusal::Invalid(reason));
        }
        if !(0.0..=1.0).contains(&confidence) {
            return Err(Refusal::Invalid(format!("confidence {confidence}: 0 to 1")));
        }
        let kept = cut(rationale, self.limits.rationale_bytes);
        let bytes = (grid.cells().len() + kept.len()) as u64;
        if self.usage.answer_bytes + bytes > self.limits.answer_bytes {
            self.hit("answer_bytes");
            let limit = self.limits.answer_bytes;
            return Err(Refusal::Exhausted(format!("bytes of answers: limit {limit}")));
        }
        if kept.len() < rationale.len() {
            self.usage.rationale_bytes_cut += (rationale.len() - kept.len()) as u64;
            self.hit("rationale_bytes");
        }
        self.answers.push(Answer { test_index, grid, confidence, rationale: kept.to_owned() });
        self.usage.answers_offered += 1;
        self.usage.answer_bytes += bytes;
        Ok(())
    }

    pub fn answers_left(&self) -> u64 {
        self.limits.answers.saturating_sub(self.usage.answers_offered)
    }

    pub fn step(&mut self, action: &str, detail: &str, success: bool) {
        if self.steps.len() as u64 >= self.limits.steps {
            self.usage.steps_dropped += 1;
            self.hit("steps");
            return;
        }
        let (action, detail) = (self.keep_text(action), self.keep_text(detail));
        self.steps.push(Step { action, detail, success });
    }

    pub fn log(&mut self, level: Level, message: &str) {
        if level == Level::Error {
            let words = cut(message, self.limits.rationale_bytes).to_owned();
            self.last_error = Some((self.limiter.denials, words));
        }
        let full = if self.log.len() as u64 >= self.limits.log_lines {
            "log_lines"
        } else if self.usage.log_bytes + LINE_BYTES > self.limits.log_bytes {
            "log_bytes"
        } else {
            self.usage.log_bytes += LINE_BYTES;
            let message = self.keep_text(message);
            self.log.push(LogLine { level, message });
            return;
        };
        self.usage.log_lines_dropped += 1;
        self.usage.log_bytes_dropped += message.len() as u64;
        self.hit(full);
    }

    /// Cuts text to what is left of the run's text and counts what is dropped.
    fn keep_text(&mut self, text: &str) -> String {
        let kept = cut(text, self.limits.log_bytes.saturating_sub(self.usage.log_bytes));
        self.usage.log_bytes += kept.len() as u64;
        if kept.len() < text.len() {
            self.usage.log_bytes_dropped += (text.len() - kept.len()) as u64;
            self.hit("log_bytes");
        }
        kept.to_owned()
    }

    /// The words that a plugin left just before it trapped: none where memory was denied after them.
    pub fn take_last_error(&mut self) -> Option<String> {
        let (denials, words) = self.last_error.take()?;
        (denials == self.limiter.denials).then_some(words)
    }

    pub fn forget_last_error(&mut self) {
        self.last_error = None;
    }

    pub fn into_report(mut self, ending: stratagem_domain::Ending) -> RunReport {
        self.close_lines();
        self.usage.memory_peak_bytes = self.limiter.memory_peak_bytes;
        self.usage.table_elements_peak = self.limiter.table_elements_peak;
        self.usage.growths_denied = self.limiter.denials;
        for limit in self.limiter.hits() {
            self.hit(limit);
        }
        RunReport {
            ending,
            answers: self.answers,
            steps: self.steps,
            log: self.log,
            usage: self.usage,
            journal: self.lent.journal,
        }
    }
}

/// The longest prefix of `text` that has at most `bytes` bytes and cuts no character.
fn cut(text: &str, bytes: u64) -> &str {
    let end = usize::try_from(bytes).unwrap_or(usize::MAX).min(text.len());
    &text[..text.floor_char_boundary(end)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(limits: &Limits) -> RunState {
        RunState::new(limits, 0, Settings::new(), vec![Grid::new(1, 1, &[1]).unwrap()], true)
    }

    #[test]
    fn text_beyond_the_limit_is_cut_counted_and_never_kept() {
        let mut state = state(&Limits { log_bytes: 40, ..Limits::default() });
        for _ in 0..1000 {
            state.log(Level::Info, "näive");
            state.log(Level::Info, "");
        }
        assert!(state.log.len() <= 3, "{}", state.log.len());
        assert!(state.usage.log_bytes_dropped > 5000);
    }

    #[test]
    fn steps_beyond_the_limit_are_counted() {
        let mut state = state(&Limits { steps: 2, ..Limits::default() });
        (0..5).for_each(|_| state.step("a", "b", true));
        assert_eq!((state.steps.len(), state.usage.steps_dropped), (2, 3));
    }

    #[test]
    fn an_answer_is_held_to_the_task() {
        let mut state = state(&Limits::default());
        let grid = || Grid::new(1, 1, &[1]).unwrap();
        let invalid = |refusal: Refusal| match refusal {
            Refusal::Invalid(reason) => reason,
            other => panic!("{other:?}"),
        };
        assert!(invalid(state.offer(1, grid(), 0.5, "").unwrap_err()).contains("1 test inputs"));
        assert!(invalid(state.offer(0, grid(), f64::NAN, "").unwrap_err()).contains("0 to 1"));
        assert!(state.offer(0, grid(), 1.5, "").is_err());
        state.offer(0, grid(), 1.0, &"x".repeat(10_000)).unwrap();
        assert_eq!(state.answers[0].rationale.len(), 4096);
        assert_eq!(state.usage.rationale_bytes_cut, 10_000 - 4096);
        assert!(state.usage.limits_hit.contains("rationale_bytes"));
    }

    #[test]
    fn answers_share_one_store_of_bytes() {
        let mut state = state(&Limits { answer_bytes: 10, ..Limits::default() });
        let grid = || Grid::new(2, 2, &[1; 4]).unwrap();
        state.offer(0, grid(), 0.5, "four").unwrap();
        let refusal = state.offer(0, grid(), 0.5, "").unwrap_err();
        assert!(matches!(refusal, Refusal::Exhausted(reason) if reason == "bytes of answers: limit 10"));
        assert_eq!((state.usage.answer_bytes, state.answers.len()), (8, 1));
    }
}
