//! Rules that say of each cell what becomes of it, learned from the demonstrations.
//!
//! Three learners share what is known of the cells: [lists](cover) of conditions found by sequential covering,
//! [growth](growth) whose fixed point is the output, and rays and mending tried out by their few
//! [parameters](trials). Only rules that fit every demonstration are ranked; how far they can be trusted
//! follows from their length and from whether they are found again when a demonstration is left out.

mod bits;
mod conjoin;
mod costs;
mod cover;
mod growth;
mod sheet;
mod trials;

use stratagem_dsl::cells::{CellRule, Pass};
use stratagem_dsl::{Body, Program, Task, View};
use stratagem_kit::{Budget, Merit, Ranking, Share};

use sheet::Sheet;

/// What one found rule says.
pub(crate) struct Found {
    pub passes: Vec<Pass>,
    /// Length of the rule and doubt about it, in units of one common step.
    pub complexity: f64,
    /// Whether it explains all that changes; otherwise it explains some, and errs nowhere.
    pub whole: bool,
}

/// How much less likely long rules are to hold than their length says: they have many ways to fit by chance.
const LENGTH: f64 = 0.08;

/// Learns rules and puts what they answer before the ranking.
pub fn search(task: &Task, budget: &mut dyn Budget, ranking: &mut Ranking) {
    if task.train.is_empty() || task.test.is_empty() {
        return;
    }
    let mut found = |rule: Found| {
        if rule.whole {
            weigh(task, rule, ranking);
        }
    };
    let left = budget.left();
    trials::mend(task, &mut Share::of(budget, left / 4), &mut found);
    let same_size = task.train.iter().all(|p| p.input.size() == p.output.size());
    if !same_size || task.train.iter().all(|p| p.input == p.output) {
        return;
    }
    let left = budget.left();
    trials::shoot(task, &mut Share::of(budget, left / 4), &mut found);
    let sheet = Sheet::new(task, budget);
    let left = budget.left();
    growth::search(task, &sheet, &mut Share::of(budget, left / 4), &mut found);
    cover::search(&sheet, budget, &mut found);
}

/// Tells rays and growths that explain some of what changes and err nowhere.
pub fn partial(task: &Task, budget: &mut dyn Budget, tell: &mut dyn FnMut(Program, f64)) {
    if task.train.iter().any(|p| p.input.size() != p.output.size()) {
        return;
    }
    let mut found = |rule: Found| {
        if !rule.whole {
            tell(program(&CellRule(rule.passes)), doubted(rule.complexity));
        }
    };
    let left = budget.left();
    trials::shoot(task, &mut Share::of(budget, left / 2), &mut found);
    let sheet = Sheet::new(task, budget);
    growth::search(task, &sheet, budget, &mut found);
}

fn doubted(complexity: f64) -> f64 {
    complexity + LENGTH * complexity * complexity
}

fn program(rule: &CellRule) -> Program {
    Program { view: View::Plain, size: None, body: Body::Cells(Box::new(rule.clone())) }
}

/// Considers a rule's answers.
fn weigh(task: &Task, found: Found, ranking: &mut Ranking) {
    let Found { passes, complexity, .. } = found;
    let rule = CellRule(passes);
    let pairs = task.train.len();
    for (test, input) in task.test.iter().enumerate() {
        let Some(grid) = rule.run(input) else { continue };
        // A rule that changes nothing has found nothing to work on.
        let idle = if grid == *input { 4.0 } else { 0.0 };
        let complexity = doubted(complexity) + idle;
        let merit = Merit { fits: pairs, pairs, complexity };
        ranking.consider(test, grid.moved_to(0, 0), merit, || program(&rule));
    }
}
