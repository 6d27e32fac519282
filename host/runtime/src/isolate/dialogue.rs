//! The host's side of what a worker asks while it runs: its calls of `memory`, `artifacts`, `ttt` and `llm`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use stratagem_domain::{Backing, Call, Calls, Capability, Declined, Limits, Reply, RunReport, Usage};

use super::wire::{ASKS, frame, message, next_frame};
use crate::child::Turn;
use crate::lent::Lent;
use crate::run::thread_cpu;

/// Answers one worker. The worker held its plugin to the limits; the host does so once more, since a worker may have
/// been taken over.
pub struct Dialogue<'a> {
    limits: &'a Limits,
    /// What the plugin is linked with.
    capabilities: &'a BTreeSet<Capability>,
    lent: Lent,
    /// Of what was lent, and of nothing else.
    usage: Usage,
    /// Processor time of the answers.
    cpu: Duration,
    /// What no worker asks.
    pub lie: Option<String>,
}

impl<'a> Dialogue<'a> {
    pub fn new(
        limits: &'a Limits,
        capabilities: &'a BTreeSet<Capability>,
        backing: Arc<dyn Backing>,
    ) -> Self {
        let (lent, usage) = (Lent::of(backing), Usage::default());
        Self { limits, capabilities, lent, usage, cpu: Duration::ZERO, lie: None }
    }

    /// Takes the next question off what the worker said, and answers it.
    pub fn turn(&mut self, said: &mut Vec<u8>) -> Turn {
        let mut rest = said.as_slice();
        // The first frame says how the worker is confined, and stays.
        let Some(_) = next_frame(&mut rest) else { return Turn::Hear };
        let start = said.len() - rest.len();
        let Some(&[ASKS, ref question @ ..]) = next_frame(&mut rest) else { return Turn::Hear };
        let end = said.len() - rest.len();
        match self.answer(question) {
            Ok(reply) => {
                said.drain(start..end);
                Turn::Tell(frame(&reply))
            }
            Err(lie) => {
                self.lie = Some(lie);
                Turn::End
            }
        }
    }

    /// *Errors*: what is wrong with the question; its worker is not to be believed then.
    fn answer(&mut self, question: &[u8]) -> Result<Result<Reply, Declined>, String> {
        let call: Call = message(question)?;
        let (name, kind) = (call.name(), call.kind());
        if !self.capabilities.contains(&call.capability()) {
            return Err(format!("{name}, which its plugin was not granted"));
        }
        let (asked, limit) = (self.usage.calls.of(kind), self.limits.calls(kind));
        *asked += 1;
        if *asked > limit {
            return Err(format!("{name}, after {limit} calls of its kind, which are all"));
        }
        let began = thread_cpu();
        let reply = self.lent.ask(call, self.limits, &mut self.usage);
        self.cpu += thread_cpu().saturating_sub(began);
        Ok(reply)
    }

    /// Holds a worker's report to the calls that were answered.
    ///
    /// *Errors*: it tells of fewer.
    pub fn fits(&self, report: &RunReport) -> Result<(), String> {
        let Calls { memory, artifacts, ttt, llm, .. } = self.usage.calls;
        let told = &report.usage.calls;
        let pairs = [(memory, told.memory), (artifacts, told.artifacts), (ttt, told.ttt), (llm, told.llm)];
        match pairs.into_iter().find(|(heard, told)| told < heard) {
            Some((heard, told)) => Err(format!("{told} calls, and {heard} were answered")),
            None => Ok(()),
        }
    }

    /// Puts what the host saw into the report, in the place of what the worker says of it: what was spent is spent.
    pub fn settle(self, report: &mut RunReport) {
        let Usage {
            limits_hit,
            artifact_bytes,
            lent_bytes,
            prompt_tokens,
            completion_tokens,
            cost_micros,
            device_memory_peak_bytes,
            device_ms,
            ..
        } = self.usage;
        report.usage.limits_hit.extend(limits_hit);
        report.usage.artifact_bytes = artifact_bytes;
        report.usage.lent_bytes = lent_bytes;
        report.usage.prompt_tokens = prompt_tokens;
        report.usage.completion_tokens = completion_tokens;
        report.usage.cost_micros = cost_micros;
        report.usage.cpu_seconds += self.cpu.as_secs_f64();
        report.usage.device_memory_peak_bytes = device_memory_peak_bytes;
        report.usage.device_ms = device_ms;
        report.journal = self.lent.journal;
    }
}

#[cfg(test)]
mod tests {
    use stratagem_domain::{Ending, NoBacking};

    use super::super::wire::{Confinement, DONE};
    use super::*;

    /// Loads what it is asked for.
    struct Echo;

    impl Backing for Echo {
        fn answer(&self, call: &Call) -> Result<Reply, Declined> {
            match call {
                Call::Load { name } => Ok(Reply::Loaded(Some(name.clone().into_bytes()))),
                _ => NoBacking.answer(call),
            }
        }
    }

    fn load(name: &str) -> Vec<u8> {
        frame(&(ASKS, Call::Load { name: name.to_owned() }))
    }

    fn began() -> Vec<u8> {
        frame(&Confinement { landlock: None })
    }

    fn report(usage: Usage) -> RunReport {
        let ending = Ending::Returned;
        RunReport { ending, answers: vec![], steps: vec![], log: vec![], usage, journal: vec![] }
    }

    #[test]
    fn questions_are_taken_and_answered_in_order_and_the_report_is_left() {
        let (limits, capabilities) = (Limits::default(), [Capability::Artifacts].into());
        let mut dialogue = Dialogue::new(&limits, &capabilities, Arc::new(Echo));
        let done = frame(&(DONE, 7_u8));
        let mut said = [began(), load("a"), load("b"), done.clone()].concat();
        for name in ["a", "b"] {
            let Turn::Tell(told) = dialogue.turn(&mut said) else { panic!("no answer") };
            let told: Result<Reply, Declined> = message(next_frame(&mut told.as_slice()).unwrap()).unwrap();
            assert_eq!(told, Ok(Reply::Loaded(Some(name.as_bytes().to_vec()))));
        }
        assert!(matches!(dialogue.turn(&mut said), Turn::Hear));
        assert_eq!(said, [began(), done].concat());
        let calls = Calls { artifacts: 2, ..Calls::default() };
        // What a worker says of what was lent counts for nothing.
        let mut heard = report(Usage { calls, lent_bytes: 1, cost_micros: 9, ..Usage::default() });
        assert_eq!(dialogue.fits(&heard), Ok(()));
        dialogue.settle(&mut heard);
        assert_eq!((heard.journal.len(), heard.usage.lent_bytes, heard.usage.cost_micros), (2, 4 * 33, 0));
    }

    #[test]
    fn a_question_that_no_worker_asks_ends_it() {
        let limits = Limits { artifact_calls: 1, ..Limits::default() };
        let prompt = frame(&(ASKS, Call::Prompt { name: "p".into(), variables: vec![] }));
        let twice = [load("a"), load("a")].concat();
        let cases = [
            (prompt, "llm.prompt, which its plugin was not granted"),
            (twice, "artifacts.load, after 1 calls of its kind"),
            (frame(&(ASKS, 200_u8)), ""),
            (frame(&(ASKS, Call::Load { name: "a".into() }, 1_u8)), "1 bytes too many"),
        ];
        for (questions, words) in cases {
            let capabilities = [Capability::Artifacts].into();
            let mut dialogue = Dialogue::new(&limits, &capabilities, Arc::new(Echo));
            let mut said = [began(), questions].concat();
            while let Turn::Tell(_) = dialogue.turn(&mut said) {}
            let lie = dialogue.lie.expect(words);
            assert!(lie.contains(words), "{lie}");
        }
    }

    #[test]
    fn half_a_question_is_waited_for() {
        let (limits, capabilities) = (Limits::default(), [Capability::Artifacts].into());
        let mut dialogue = Dialogue::new(&limits, &capabilities, Arc::new(Echo));
        let whole = [began(), load("a")].concat();
        for cut in 0..whole.len() {
            assert!(matches!(dialogue.turn(&mut whole[..cut].to_vec()), Turn::Hear), "cut at {cut}");
        }
        assert_eq!(dialogue.fits(&report(Usage::default())), Ok(()));
        let mut dialogue = Dialogue::new(&limits, &capabilities, Arc::new(Echo));
        assert!(matches!(dialogue.turn(&mut whole.clone()), Turn::Tell(_)));
        let lie = dialogue.fits(&report(Usage::default())).unwrap_err();
        assert_eq!(lie, "0 calls, and 1 were answered");
    }
}
