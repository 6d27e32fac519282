//! Tasks recast: what a program makes of the inputs is taken for the inputs, and rules are looked for there.
//!
//! A rule sees objects, cells and layouts as they are drawn. Behind the right first steps (mirrored copies in place,
//! noise gone, one colour kept) a short rule explains what none explains from the input itself. There are too many first
//! steps to try them all: the policy says which are likely, and those go first that bring the drawing nearer to what
//! is wanted.

use stratagem_dsl::{Grid, Pair, Program, Task};
use stratagem_kit::{Budget, Ranking, Share};

use crate::graph::Graph;

/// The states that come into question, the likeliest; what lies deeper fits by chance.
const STATES: usize = 1_000;

/// A program that goes part of the way, and what it draws on every input.
pub struct Start {
    pub program: Program,
    pub drawn: Vec<Grid>,
    pub complexity: f64,
}

impl Start {
    /// The task with what is drawn for its inputs.
    pub fn recast(&self, task: &Task) -> Task {
        let (train, test) = self.drawn.split_at(task.train.len());
        let pair = |(p, g): (&Pair, &Grid)| Pair { input: g.clone(), output: p.output.clone() };
        Task { train: task.train.iter().zip(train).map(pair).collect(), test: test.to_vec() }
    }

    /// What rules answer behind it, within so much work.
    pub fn behind(&self, task: &Task, work: u64, budget: &mut dyn Budget) -> Ranking {
        let mut ranking = Ranking::new(task.test.len(), 0);
        stratagem_synthesis::rules(
            &self.recast(task),
            &mut Share::of(budget, work),
            &mut ranking,
            &mut |_| {},
        );
        ranking
    }
}

/// What a state draws on every input.
pub fn drawings(task: &Task, graph: &Graph, id: usize) -> Option<Vec<Grid>> {
    (0..task.train.len() + task.test.len()).map(|i| drawn(graph, id, i)).collect()
}

/// The states that draw something on every input: in turn the likeliest, and the one nearest to what is wanted of
/// those that are nearer than the input.
pub fn order(task: &Task, graph: &Graph) -> Vec<usize> {
    let is_plain = |g: &Grid| g.cells().iter().all(|c| *c == g.cells()[0]);
    let speaks = |&id: &usize| drawings(task, graph, id).is_some_and(|all| !all.iter().any(is_plain));
    let likely: Vec<usize> = (1..graph.len().min(STATES)).filter(speaks).collect();
    let start = distance(task, graph, 0).unwrap_or(f64::INFINITY);
    let mut near: Vec<(f64, usize)> = likely
        .iter()
        .filter_map(|&id| Some((distance(task, graph, id).filter(|&d| d < start)?, id)))
        .collect();
    near.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut order: Vec<usize> = Vec::new();
    for (turn, &id) in likely.iter().enumerate() {
        for id in near.get(turn).map(|n| n.1).into_iter().chain([id]) {
            if !order.contains(&id) {
                order.push(id);
            }
        }
    }
    order
}

/// What a state draws on an input, as a program's answer would be.
fn drawn(graph: &Graph, id: usize, input: usize) -> Option<Grid> {
    let grid = graph.grid(id, input)?;
    grid.size().fits_task().then(|| grid.clone().moved_to(0, 0))
}

/// The share of wrong cells, summed over the demonstrations; none where a size is wrong.
fn distance(task: &Task, graph: &Graph, id: usize) -> Option<f64> {
    let wrong = |(i, p): (usize, &Pair)| {
        let grid = graph.grid(id, i)?;
        let same = grid.size() == p.output.size();
        let wrong = grid.cells().iter().zip(p.output.cells()).filter(|(a, b)| a != b).count();
        same.then(|| wrong as f64 / grid.area() as f64)
    };
    task.train.iter().enumerate().map(wrong).sum()
}
