//! Rules about objects: what the lockstep search of grids misses.
//!
//! Every input is [taken apart](study) in several ways. For each object of each demonstration we note which
//! [actions](candidates) agree with what became of it; [predicates] tell objects apart; and a [cover] search looks
//! for the cheapest short list "where predicate, action" that explains every cell that changed.

mod bits;
mod candidates;
mod cover;
mod crops;
mod predicates;
mod prices;
mod repertoire;
mod stamps;
mod study;

use stratagem_dsl::scene::{Backdrop, Form, Grouping, ObjectRule, Parsing};
use stratagem_dsl::{Body, Program, Task, View};
use stratagem_kit::{Budget, Merit, Ranking, Share};

use candidates::Candidates;
use predicates::Predicates;
use study::Study;

/// What seeing objects costs before anything is said of them.
const COMPLEXITY_BASE: f64 = 2.5;
/// The most rules of one parsing that are run.
const RULES_MAX: usize = 40;
/// The most rules of one parsing that are told where they explain a part.
const PARTIAL_MAX: usize = 8;

/// The work that serves most tasks.
pub const WORK_USUAL: u64 = 120_000_000;
/// Objects are handled less evenly than cells: what a unit counted here takes, in units.
const UNITS: u64 = 3;

/// A budget counted in larger units.
struct Coarse<'a>(&'a mut dyn Budget);

impl Budget for Coarse<'_> {
    fn left(&self) -> u64 {
        self.0.left() / UNITS
    }

    fn spend(&mut self, units: u64) {
        self.0.spend(units * UNITS);
    }
}

/// A rule and its price in tenths of a common step.
struct Found {
    rule: ObjectRule,
    price: u32,
}

/// Searches for rules that explain the demonstrations, and ranks what they answer.
///
/// *Limits:* stops soon after the budget reaches zero.
pub fn search(task: &Task, budget: &mut dyn Budget, ranking: &mut Ranking) {
    each_study(task, budget, &mut |study, share| {
        let found = explain(study, share);
        weigh(study, found, ranking, share);
    });
}

/// Tells rules that explain what they can of the cells that change, where outputs are the inputs changed.
pub fn partial(task: &Task, budget: &mut dyn Budget, tell: &mut dyn FnMut(Program, f64)) {
    each_study(task, budget, &mut |study, share| {
        if !study.keeps_size {
            return;
        }
        let predicates = Predicates::of(study, share);
        let candidates = Candidates::of_canvas(study, &predicates, share);
        let mut found = cover::search(study, Form::Canvas, &predicates, &candidates, true, share);
        found.sort_by_key(|f| f.price);
        for Found { rule, price } in found.into_iter().take(PARTIAL_MAX) {
            tell(program(&rule), complexity(price));
        }
    });
}

/// Looks at a task taken apart in every way that differs, each with its part of the budget.
fn each_study(task: &Task, budget: &mut dyn Budget, look: &mut dyn FnMut(&Study<'_>, &mut Share<'_>)) {
    let budget = &mut Coarse(budget);
    let mut known: Vec<Study<'_>> = Vec::new();
    let parsings: Vec<Parsing> = Backdrop::ALL
        .iter()
        .flat_map(|&backdrop| Grouping::ALL.iter().map(move |&grouping| Parsing { grouping, backdrop }))
        .collect();
    for (done, &parsing) in parsings.iter().enumerate() {
        if budget.left() == 0 {
            return;
        }
        let Some(study) = Study::of(task, parsing) else { continue };
        budget.spend(20 * task.inputs().map(|g| g.area() as u64).sum::<u64>());
        if known.iter().any(|other| other.sees_as(&study)) {
            continue;
        }
        let part = budget.left() / (parsings.len() - done).div_ceil(3) as u64;
        let mut share = Share::of(budget, part);
        look(&study, &mut share);
        known.push(study);
    }
}

fn explain(study: &Study<'_>, budget: &mut dyn Budget) -> Vec<Found> {
    let predicates = Predicates::of(study, budget);
    let mut found = Vec::new();
    if study.keeps_size {
        let candidates = Candidates::of_canvas(study, &predicates, budget);
        found.extend(cover::search(study, Form::Canvas, &predicates, &candidates, false, budget));
    } else {
        found.extend(crops::search(study, &predicates, budget));
        if study.is_lattice() {
            let candidates = Candidates::of_lattice(study, budget);
            found.extend(cover::search(study, Form::Lattice, &predicates, &candidates, false, budget));
        }
    }
    found.sort_by_key(|f| f.price);
    found.truncate(RULES_MAX);
    found
}

/// Runs the rules and ranks what they answer; where none fits all demonstrations, those that fit some.
fn weigh(study: &Study<'_>, found: Vec<Found>, ranking: &mut Ranking, budget: &mut dyn Budget) {
    let task = study.task;
    let pairs = task.train.len();
    for Found { rule, price } in found {
        budget.spend(50 * task.inputs().map(|g| g.area() as u64).sum::<u64>());
        let fits = task.train.iter().filter(|p| rule.run(&p.input).as_ref() == Some(&p.output)).count();
        let merit = Merit { fits, pairs, complexity: complexity(price) };
        for (t, input) in task.test.iter().enumerate() {
            if let Some(answer) = ranking.wants(t, merit).then(|| rule.run(input)).flatten() {
                ranking.consider(t, answer, merit, || program(&rule));
            }
        }
    }
}

fn complexity(price: u32) -> f64 {
    COMPLEXITY_BASE + f64::from(price) / 10.0
}

fn program(rule: &ObjectRule) -> Program {
    Program { view: View::Plain, size: None, body: Body::Objects(Box::new(rule.clone())) }
}
