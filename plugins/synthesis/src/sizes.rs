//! Predicting the size of the answer from the sizes of what the walk has found.

use stratagem_dsl::{Extent, Pipeline, Size, SizeRule, Task};

use crate::walk::Walk;

/// A size for every input, and the rule that gives it.
pub struct Prediction {
    pub rule: SizeRule,
    /// One for each input; none for a test input that the rule does not apply to.
    pub sizes: Vec<Option<Size>>,
}

/// What one side is made from, and what that costs.
struct Fitted {
    extent: Extent,
    sides: Vec<Option<usize>>,
    cost: u32,
}

/// The cheapest rules that hold for every demonstration, at most `limit` that differ on the tests.
pub fn predict(task: &Task, walk: &Walk, limit: usize) -> Vec<Prediction> {
    let widths: Vec<usize> = task.train.iter().map(|p| p.output.width()).collect();
    let heights: Vec<usize> = task.train.iter().map(|p| p.output.height()).collect();
    let across = fit_side(task, walk, &widths, false);
    let down = fit_side(task, walk, &heights, true);
    let mut joint: Vec<(u32, usize, usize)> = Vec::new();
    for (i, a) in across.iter().enumerate() {
        for (j, b) in down.iter().enumerate() {
            let same = a.extent.of == b.extent.of
                && a.extent.height != b.extent.height
                && (a.extent.times, a.extent.over, a.extent.plus)
                    == (b.extent.times, b.extent.over, b.extent.plus);
            let cost = if same { a.cost.max(b.cost) } else { a.cost + b.cost + 2 };
            joint.push((cost, i, j));
        }
    }
    joint.sort_unstable();
    let mut found: Vec<Prediction> = Vec::new();
    for (_, i, j) in joint {
        let (a, b) = (&across[i], &down[j]);
        let sizes: Vec<Option<Size>> = (0..a.sides.len())
            .map(|k| {
                let size = Size::new(a.sides[k]?, b.sides[k]?);
                size.fits_task().then_some(size)
            })
            .collect();
        let usable = sizes[task.train.len()..].iter().any(Option::is_some);
        if usable && found.iter().all(|p| p.sizes != sizes) {
            let rule = SizeRule { width: a.extent.clone(), height: b.extent.clone() };
            found.push(Prediction { rule, sizes });
            if found.len() == limit {
                break;
            }
        }
    }
    found
}

/// Rules for one side, cheapest first and no two alike on all inputs.
fn fit_side(task: &Task, walk: &Walk, wanted: &[usize], height: bool) -> Vec<Fitted> {
    let inputs = task.train.len() + task.test.len();
    let mut fits: Vec<Fitted> = Vec::new();
    let mut keep = |fit: Fitted| match fits.iter_mut().find(|f| f.sides == fit.sides) {
        Some(known) if known.cost > fit.cost => *known = fit,
        Some(_) => {}
        None => fits.push(fit),
    };
    if wanted.iter().all(|&w| w == wanted[0]) {
        keep(Fitted {
            extent: Extent::fixed(wanted[0]),
            sides: vec![Some(wanted[0]); inputs],
            cost: if wanted.len() > 1 { 4 } else { 14 },
        });
    }
    for id in 0..walk.len() {
        for turned in [false, true] {
            let measured_height = height != turned;
            let lengths: Vec<Option<usize>> = (0..inputs)
                .map(|i| {
                    let size = walk.grid(id, i)?.size();
                    Some(if measured_height { size.height } else { size.width })
                })
                .collect();
            if lengths[..task.train.len()].iter().any(Option::is_none) {
                continue;
            }
            let base = u32::from(walk.state(id).cost) + if turned { 6 } else { 0 };
            for (times, over, plus, extra) in scalings(&lengths, wanted) {
                let extent =
                    Extent { of: Some(Pipeline::default()), height: measured_height, times, over, plus };
                let sides: Vec<Option<usize>> = lengths.iter().map(|l| extent.of_length((*l)?)).collect();
                if (0..wanted.len()).all(|i| sides[i] == Some(wanted[i])) {
                    let extent = Extent { of: Some(walk.pipeline(id)), ..extent };
                    keep(Fitted { extent, sides, cost: base + extra });
                }
            }
        }
    }
    fits.sort_by_key(|f| f.cost);
    fits.truncate(12);
    fits
}

/// The few scalings that can lead from the first length to the first side: times, over, plus, cost.
fn scalings(lengths: &[Option<usize>], wanted: &[usize]) -> Vec<(u8, u8, i8, u32)> {
    let (Some(from), to) = (lengths[0], wanted[0]) else {
        return Vec::new();
    };
    let mut out = Vec::new();
    if from == to {
        out.push((1, 1, 0, 0));
    }
    for k in 2..=6u8 {
        if from * k as usize == to {
            out.push((k, 1, 0, 4));
        }
        if to * k as usize == from {
            out.push((1, k, 0, 4));
        }
    }
    for times in 1..=4usize {
        let plus = to as isize - (from * times) as isize;
        if plus != 0 && plus.abs() <= 4 {
            out.push((times as u8, 1, plus as i8, 6 + times as u32 + plus.unsigned_abs() as u32));
        }
    }
    for over in 2..=4usize {
        let plus = to as isize - (from / over) as isize;
        if from % over == 0 && plus != 0 && plus.abs() <= 1 {
            out.push((1, over as u8, plus as i8, 12));
        }
    }
    out
}
