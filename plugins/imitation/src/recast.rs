//! Tasks recast: what a likely pipeline makes of the inputs is taken for the inputs, and rules are looked for there.
//!
//! A rule sees objects, cells and layouts as they are drawn. Behind the right first steps (mirrored copies in place,
//! noise gone, one colour kept) a short rule explains what none explains from the input itself. There are too many first
//! steps to try them all: the policy says which are likely, and those go first that bring the drawing nearer to what
//! is wanted.

use stratagem_dsl::{Grid, Pair, Task};
use stratagem_kit::{Budget, Ranking, Share};

use crate::graph::Graph;

/// The most states that rules are looked for behind.
const STATES_MAX: usize = 400;
/// The work that the rules behind one state may take.
const STATE_WORK: u64 = 24_000_000;

/// Looks for rules behind the states of a graph; `found` gets each state with what the rules answer, and says whether
/// to go on.
pub fn search(
    task: &Task,
    graph: &Graph,
    budget: &mut dyn Budget,
    found: &mut dyn FnMut(usize, Ranking) -> bool,
) {
    for id in order(task, graph) {
        if budget.left() == 0 {
            return;
        }
        let recast = Task {
            train: task
                .train
                .iter()
                .enumerate()
                .filter_map(|(i, p)| Some(Pair { input: drawn(graph, id, i)?, output: p.output.clone() }))
                .collect(),
            test: (task.train.len()..).map_while(|i| drawn(graph, id, i)).take(task.test.len()).collect(),
        };
        let mut ranking = Ranking::new(task.test.len(), 0);
        let mut share = Share::of(budget, STATE_WORK);
        stratagem_synthesis::rules(&recast, &mut share, &mut ranking, &mut |_| {});
        if !found(id, ranking) {
            return;
        }
    }
}

/// The states that draw something on every input: in turn the likeliest, and the one nearest to what is wanted of
/// those that are nearer than the input.
fn order(task: &Task, graph: &Graph) -> Vec<usize> {
    let inputs = task.train.len() + task.test.len();
    let speaks = |&id: &usize| (0..inputs).all(|i| drawn(graph, id, i).is_some_and(|g| g.colours() > 1));
    let likely: Vec<usize> = (1..graph.len()).filter(speaks).collect();
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
        if order.len() >= STATES_MAX {
            break;
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
