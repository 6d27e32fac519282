//! The sizes that answers may have, from the sizes of what the search has found.

use stratagem_dsl::{Extent, Pipeline, Size, SizeRule, Task};

use crate::graph::Graph;

/// A size for every input, and the rule that gives it.
pub struct Canvas {
    pub rule: SizeRule,
    /// One for each input; none for a test input that the rule does not apply to.
    pub sizes: Vec<Option<Size>>,
}

/// How one side follows from something found.
struct Side {
    extent: Extent,
    sides: Vec<Option<usize>>,
    cost: u32,
}

/// Rules kept for a side.
const SIDES: usize = 8;

/// The likeliest rules that hold for every demonstration, at most `limit` that differ on some input.
pub fn canvases(task: &Task, graph: &Graph, limit: usize) -> Vec<Canvas> {
    let widths: Vec<usize> = task.train.iter().map(|p| p.output.width()).collect();
    let heights: Vec<usize> = task.train.iter().map(|p| p.output.height()).collect();
    let (across, down) = (sides(task, graph, &widths, false), sides(task, graph, &heights, true));
    let mut order: Vec<(u32, usize, usize)> = Vec::new();
    for (i, a) in across.iter().enumerate() {
        for (j, b) in down.iter().enumerate() {
            let scale = |e: &Extent| (e.times, e.over, e.plus);
            let alike = a.extent.of == b.extent.of && scale(&a.extent) == scale(&b.extent);
            order.push((if alike { a.cost.max(b.cost) } else { a.cost + b.cost + 600 }, i, j));
        }
    }
    order.sort_unstable();
    let mut found: Vec<Canvas> = Vec::new();
    for (_, i, j) in order {
        let (a, b) = (&across[i], &down[j]);
        let size = |k: usize| Some(Size::new(a.sides[k]?, b.sides[k]?)).filter(|s| s.fits_task());
        let sizes: Vec<Option<Size>> = (0..a.sides.len()).map(size).collect();
        let usable = sizes[task.train.len()..].iter().any(Option::is_some);
        if usable && found.len() < limit && found.iter().all(|c| c.sizes != sizes) {
            found
                .push(Canvas { rule: SizeRule { width: a.extent.clone(), height: b.extent.clone() }, sizes });
        }
    }
    found
}

/// Rules for one side, likeliest first and no two alike on all inputs.
fn sides(task: &Task, graph: &Graph, wanted: &[usize], height: bool) -> Vec<Side> {
    let inputs = task.train.len() + task.test.len();
    let mut found: Vec<Side> = Vec::new();
    let mut keep = |side: Side| match found.iter_mut().find(|s| s.sides == side.sides) {
        Some(known) if known.cost > side.cost => *known = side,
        Some(_) => {}
        None => found.push(side),
    };
    let first = wanted.first().copied().unwrap_or(0);
    if wanted.iter().all(|&w| w == first) {
        let cost = if wanted.len() > 1 { 1200 } else { 5000 };
        keep(Side { extent: Extent::fixed(first), sides: vec![Some(first); inputs], cost });
    }
    for id in 0..graph.len() {
        if (0..wanted.len()).any(|i| graph.grid(id, i).is_none()) {
            continue;
        }
        for turned in [false, true] {
            let measured = height != turned;
            let length = |i: usize| {
                let size = graph.grid(id, i)?.size();
                Some(if measured { size.height } else { size.width })
            };
            let lengths: Vec<Option<usize>> = (0..inputs).map(length).collect();
            let base = graph.state(id).cost + if turned { 1800 } else { 0 };
            for (times, over, plus, extra) in scalings(lengths[0].unwrap_or(0), first) {
                let extent = Extent { of: Some(Pipeline::default()), height: measured, times, over, plus };
                let sides: Vec<Option<usize>> = lengths.iter().map(|l| extent.of_length((*l)?)).collect();
                if (0..wanted.len()).all(|i| sides[i] == Some(wanted[i])) {
                    let extent = Extent { of: Some(graph.pipeline(id)), ..extent };
                    keep(Side { extent, sides, cost: base + extra });
                }
            }
        }
    }
    found.sort_by_key(|s| s.cost);
    found.truncate(SIDES);
    found
}

/// The few scalings that can lead from a length to a side: times, over, plus, cost.
fn scalings(from: usize, to: usize) -> Vec<(u8, u8, i8, u32)> {
    let mut found = Vec::new();
    if from == to {
        found.push((1, 1, 0, 0));
    }
    for k in 2..=6u8 {
        if from * k as usize == to {
            found.push((k, 1, 0, 1500));
        }
        if to * k as usize == from {
            found.push((1, k, 0, 1500));
        }
    }
    for (times, over) in [(1usize, 1usize), (2, 1), (3, 1), (4, 1), (1, 2), (1, 3)] {
        let plus = to as isize - (from * times / over) as isize;
        if (from * times).is_multiple_of(over) && plus != 0 && plus.abs() <= 4 {
            let cost = 1800 + 500 * (times + over) as u32 + 300 * plus.unsigned_abs() as u32;
            found.push((times as u8, over as u8, plus as i8, cost));
        }
    }
    found
}
