//! Outputs that draw one grid in place of each cell of another.

use stratagem_dsl::{Grid, Task};

use crate::walk::Walk;
use stratagem_kit::Budget;

/// The dearest state that takes part.
const COST_MAX: u16 = 12;

/// A product that explains every demonstration: the states of its two factors.
#[derive(Clone, Copy, Debug)]
pub struct Product {
    pub coarse: usize,
    pub fine: usize,
}

/// Searches pairs of the walk's cheapest states whose outer product is the wanted output.
pub fn search(walk: &Walk, task: &Task, budget: &mut dyn Budget, found: &mut dyn FnMut(Product)) {
    let factors: Vec<usize> = (0..walk.len())
        .filter(|&id| walk.state(id).cost <= COST_MAX && divides_outputs(walk, task, id))
        .collect();
    for &coarse in &factors {
        for &fine in &factors {
            if budget.left() == 0 {
                return;
            }
            budget.spend(20);
            let holds = task.train.iter().enumerate().all(|(i, pair)| {
                let factors = walk.grid(coarse, i).zip(walk.grid(fine, i));
                factors.is_some_and(|(c, f)| is_product(c, f, &pair.output))
            });
            if holds {
                found(Product { coarse, fine });
            }
        }
    }
}

/// Whether a state's size goes into every output's, and is not that size itself.
fn divides_outputs(walk: &Walk, task: &Task, id: usize) -> bool {
    task.train.iter().enumerate().all(|(i, pair)| {
        walk.grid(id, i).is_some_and(|g| {
            g.area() > 1
                && g.area() < pair.output.area()
                && pair.output.width().is_multiple_of(g.width())
                && pair.output.height().is_multiple_of(g.height())
        })
    })
}

fn is_product(coarse: &Grid, fine: &Grid, wanted: &Grid) -> bool {
    let (w, h) = (fine.width(), fine.height());
    coarse.width() * w == wanted.width()
        && coarse.height() * h == wanted.height()
        && (0..wanted.height()).all(|y| {
            (0..wanted.width()).all(|x| {
                let drawn = if coarse.at(x / w, y / h) == 0 { 0 } else { fine.at(x % w, y % h) };
                drawn == wanted.at(x, y)
            })
        })
}
