//! Faults that no component can have, since the sandbox stands before them: the suite finds them in subjects of its
//! own. Every other case is broken by a real component in tests/e2e/check.rs.

use std::collections::BTreeSet;
use std::sync::Mutex;

use stratagem_conformance::{Case, Catalogue, Finding, Seen, Subject, Suite, Verdict};
use stratagem_domain::{Answer, Ending, Grid, LabelledTask, Limits, LimitsOverlay, RunReport, Task, Usage};
use stratagem_runtime::Description;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// Another sandbox takes other fuel.
    Elsewhere,
    /// A task that comes back after others is known from before.
    Remembers,
    /// A run that is cut short keeps its last answers.
    KeepsTheLast,
}

/// A host without a sandbox: it offers the inputs and the first output.
struct Native {
    fault: Fault,
    /// Ids of the tasks so far, the latest at the end.
    seen: Mutex<Vec<String>>,
}

impl Native {
    fn new(fault: Fault) -> Self {
        Self { fault, seen: Mutex::default() }
    }

    fn report(&self, ending: Ending, answers: Vec<Answer>, fuel_spent: u64) -> RunReport {
        let fuel_spent = fuel_spent + u64::from(self.fault == Fault::Elsewhere);
        let answers_offered = answers.len() as u64;
        let usage = Usage { fuel_spent, answers_offered, ..Usage::default() };
        RunReport { ending, answers, steps: Vec::new(), log: Vec::new(), usage, journal: Vec::new() }
    }
}

impl Subject for Native {
    fn describe(&self, _: u64, _: &Limits) -> (Option<Description>, RunReport) {
        let said = Description { name: "native".into(), ..Description::default() };
        (Some(said), self.report(Ending::Returned, Vec::new(), 10))
    }

    fn solve(&self, task: &Task, _: u64, limits: &Limits) -> RunReport {
        let mut seen = self.seen.lock().unwrap();
        let comes_back = seen.contains(&task.id) && seen.last() != Some(&task.id);
        seen.push(task.id.clone());
        let fuel = if comes_back && self.fault == Fault::Remembers { 500 } else { 1_000 };
        let answer = |(test_index, grid): (usize, &Grid)| Answer {
            test_index,
            grid: grid.clone(),
            confidence: 0.5,
            rationale: String::new(),
        };
        let output = (0, &task.train[0].output);
        let answers: Vec<Answer> = task.test.iter().enumerate().chain([output]).map(answer).collect();
        if limits.wall_ms > 100 {
            return self.report(Ending::Returned, answers, fuel);
        }
        let kept = if self.fault == Fault::KeepsTheLast { &answers[1..] } else { &answers[..1] };
        self.report(Ending::PastDeadline, kept.to_vec(), fuel)
    }

    fn learn(&self, _: &[LabelledTask], _: u64, _: &Limits) -> RunReport {
        self.report(Ending::Returned, Vec::new(), 10)
    }
}

/// The cases that fail, each looked at with subjects of its own.
fn failing(fault: Fault) -> BTreeSet<String> {
    let held = |case: &Case| {
        let suite = Suite::new(std::slice::from_ref(&case.name), 1, Limits::bounds()).unwrap();
        let here = if fault == Fault::Elsewhere { Fault::None } else { fault };
        let subjects = [Native::new(here), Native::new(fault)];
        let done = |_: &Finding| {};
        suite.hold([&subjects[0], &subjects[1]], &LimitsOverlay::default(), &Seen::default(), &done)
    };
    let findings = Catalogue::shipped().cases.iter().flat_map(held).collect::<Vec<_>>();
    findings.into_iter().filter(|one| one.verdict == Verdict::Fail).map(|one| one.case).collect()
}

#[test]
fn each_fault_of_a_host_is_found_by_its_case_alone() {
    for (fault, case) in [
        (Fault::None, None),
        (Fault::Elsewhere, Some("same-seed")),
        (Fault::Remembers, Some("runs-are-independent")),
        (Fault::KeepsTheLast, Some("cut-short")),
    ] {
        assert_eq!(failing(fault), case.map(str::to_owned).into_iter().collect());
    }
}
