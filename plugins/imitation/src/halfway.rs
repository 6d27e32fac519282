//! Starts halfway: rules that draw a part of what is wanted and nothing else, for other rules to go on from.
//!
//! What one rule explains alone is easily missed where another had its hand in every output. Two ways to part them:
//! rules that explain some of the changes and err nowhere, and [outputs on the way](stages), which show the changes of
//! one colour, or all but those, and are explained like any others.

use stratagem_dsl::{Body, Grid, Pair, Program, Task, View};
use stratagem_kit::{Budget, Ranking, Share};

use crate::recast::Start;

/// The work of explaining one sort of output on the way.
const STAGE_WORK: u64 = 72_000_000;
/// The most rules that are taken from there.
const STAGE_RULES: usize = 3;
/// How many starts are gone on from to further starts.
const FURTHER: usize = 8;

/// Starts that are nearer to what is wanted than the input, the nearest and the simplest in turn; none where sizes
/// change.
pub fn starts(task: &Task, budget: &mut dyn Budget) -> Vec<Start> {
    if task.train.iter().any(|p| p.input.size() != p.output.size()) {
        return Vec::new();
    }
    let mut found: Vec<Start> = Vec::new();
    let mut keep = |program: Program, complexity: f64| {
        let drawn: Option<Vec<Grid>> = task.inputs().map(|g| program.run(g)).collect();
        if let Some(drawn) = drawn.filter(|d| is_halfway(task, d)) {
            match found.iter_mut().find(|s| s.drawn == drawn) {
                Some(known) if known.complexity <= complexity => {}
                Some(known) => *known = Start { program, drawn, complexity },
                None => found.push(Start { program, drawn, complexity }),
            }
        }
    };
    let part = budget.left() / 2;
    stratagem_synthesis::partial_rules(task, &mut Share::of(budget, part), &mut keep);
    for outputs in stages(task) {
        let pairs = task.train.iter().zip(outputs);
        let train = pairs.map(|(p, output)| Pair { input: p.input.clone(), output }).collect();
        let stage = Task { train, test: task.test.clone() };
        let mut ranking = Ranking::new(task.test.len(), 0);
        stratagem_synthesis::rules(&stage, &mut Share::of(budget, STAGE_WORK), &mut ranking, &mut |_| {});
        ranking.into_exact().take(STAGE_RULES).for_each(|(program, complexity)| keep(program, complexity));
    }
    in_turn(task, found)
}

/// Starts behind the first of these starts.
pub fn further(task: &Task, starts: &[Start], budget: &mut dyn Budget) -> Vec<Start> {
    let mut found: Vec<Start> = Vec::new();
    for (done, first) in starts.iter().take(FURTHER).enumerate() {
        let part = budget.left() / (FURTHER.min(starts.len()) - done) as u64;
        for then in self::starts(&first.recast(task), &mut Share::of(budget, part)) {
            let known = starts.iter().chain(&found).any(|s| s.drawn == then.drawn);
            if !known {
                let body =
                    Body::Chain { first: Box::new(first.program.clone()), then: Box::new(then.program) };
                let program = Program { view: View::Plain, size: None, body };
                let complexity = first.complexity + then.complexity;
                found.push(Start { program, drawn: then.drawn, complexity });
            }
        }
    }
    in_turn(task, found)
}

/// In turn the nearest and the simplest.
fn in_turn(task: &Task, mut starts: Vec<Start>) -> Vec<Start> {
    starts.sort_by(|a, b| a.complexity.total_cmp(&b.complexity));
    let mut nearest: Vec<usize> = (0..starts.len()).collect();
    nearest.sort_by_key(|&k| missing(task, &starts[k].drawn));
    let mut place = vec![usize::MAX; starts.len()];
    for (turn, &near) in nearest.iter().enumerate() {
        place[near] = place[near].min(2 * turn);
        place[turn] = place[turn].min(2 * turn + 1);
    }
    let mut placed: Vec<(usize, Start)> = place.into_iter().zip(starts).collect();
    placed.sort_by_key(|(place, _)| *place);
    placed.into_iter().map(|(_, start)| start).collect()
}

/// Cells of the demonstrations that are not as wanted.
fn missing(task: &Task, drawn: &[Grid]) -> usize {
    let wrong =
        |(p, g): (&Pair, &Grid)| g.cells().iter().zip(p.output.cells()).filter(|(a, b)| a != b).count();
    task.train.iter().zip(drawn).map(wrong).sum()
}

/// Whether some of the changes are drawn, not all, and no cell is wrong that was not wrong before in the same way.
fn is_halfway(task: &Task, drawn: &[Grid]) -> bool {
    let (mut some, mut all) = (false, true);
    for (p, g) in task.train.iter().zip(drawn) {
        if g.size() != p.output.size() {
            return false;
        }
        for ((&a, &b), &o) in p.input.cells().iter().zip(p.output.cells()).zip(g.cells()) {
            if o != a && o != b {
                return false;
            }
            some |= o != a;
            all &= o == b;
        }
    }
    some && !all
}

/// Outputs on the way: the changes to or from one colour, or all changes but those.
fn stages(task: &Task) -> Vec<Vec<Grid>> {
    let mut found: Vec<Vec<Grid>> = Vec::new();
    for colour in 0..10 {
        for (to, of) in [(true, true), (true, false), (false, true), (false, false)] {
            let staged = |p: &Pair| {
                let cell = |x, y| {
                    let (before, after) = (p.input.at(x, y), p.output.at(x, y));
                    let is_of = colour == if to { after } else { before };
                    if is_of == of { after } else { before }
                };
                p.input.redraw(cell)
            };
            let outputs: Vec<Grid> = task.train.iter().map(staged).collect();
            let changes = task.train.iter().zip(&outputs).filter(|(p, g)| p.input.cells() != g.cells());
            let shown = 2 * changes.count() >= task.train.len();
            if shown && missing(task, &outputs) > 0 && !found.contains(&outputs) {
                found.push(outputs);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use stratagem_kit::Work;

    use super::*;

    /// Three inputs with single cells, answered by a program; the last is the test.
    fn task(text: &str) -> Task {
        let program: Program = text.parse().expect("a program");
        let inputs = [
            &[[0, 0, 0, 0, 0, 0], [0, 0, 3, 0, 0, 0], [0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]][..],
            &[[0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 3, 0], [0, 0, 0, 0, 0, 0]],
            &[[0, 0, 0, 0, 0, 0], [0, 3, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 3]],
        ];
        let inputs = inputs.map(|rows| Grid::from_rows(rows).expect("a grid"));
        let pair = |g: &Grid| Pair { input: g.clone(), output: program.run(g).expect("an answer") };
        Task { train: inputs[..2].iter().map(pair).collect(), test: vec![inputs[2].clone()] }
    }

    const TWO_HANDS: &str = "chain { cells shoot vertical , 4 , stop , no other , open , 1 , if own is 3 } { cells list touches beside 4 is 1 & own is 0 : 7 , else own }";

    #[test]
    fn starts_are_nearer_err_nowhere_and_run_again() {
        let task = task(TWO_HANDS);
        let inputs: Vec<Grid> = task.inputs().cloned().collect();
        let found = starts(&task, &mut Work(200_000_000));
        assert!(!found.is_empty());
        let more = further(&task, &found, &mut Work(200_000_000));
        for start in found.iter().chain(&more) {
            assert!(is_halfway(&task, &start.drawn), "{}", start.program);
            assert!(missing(&task, &start.drawn) < missing(&task, &inputs), "{}", start.program);
            let again: Program = start.program.to_string().parse().expect("its own text");
            assert!(inputs.iter().map(|g| again.run(g)).eq(start.drawn.iter().cloned().map(Some)), "{again}");
        }
    }

    #[test]
    fn every_start_is_met_once_in_turn() {
        let task = task(TWO_HANDS);
        let found = starts(&task, &mut Work(200_000_000));
        let simplest = found.iter().map(|s| s.complexity).fold(f64::INFINITY, f64::min);
        let nearest = found.iter().map(|s| missing(&task, &s.drawn)).min();
        let first: Vec<&Start> = found.iter().take(2).collect();
        assert!(first.iter().any(|s| s.complexity <= simplest));
        assert!(first.iter().any(|s| Some(missing(&task, &s.drawn)) == nearest));
        assert!((1..found.len()).all(|k| found[..k].iter().all(|s| s.drawn != found[k].drawn)));
    }

    #[test]
    fn outputs_on_the_way_show_some_changes_and_no_others() {
        let task = task(TWO_HANDS);
        let all = stages(&task);
        assert!(!all.is_empty());
        for outputs in all {
            assert!(missing(&task, &outputs) > 0);
            for (p, g) in task.train.iter().zip(&outputs) {
                let cells = p.input.cells().iter().zip(p.output.cells()).zip(g.cells());
                assert!(cells.into_iter().all(|((a, b), o)| o == a || o == b));
            }
        }
    }

    #[test]
    fn outputs_of_another_size_have_no_way() {
        let task = task("rigid transpose");
        assert!(starts(&task, &mut Work(50_000_000)).is_empty());
    }
}
