//! How complex a bred program is, on the scale of the program search.

use stratagem_synthesis::priors;

use crate::arena::{Arena, Origin};

/// Roughly what it takes to tell one piece from the others.
const BITS_PER_CHOICE: f64 = 10.0;
/// Complexity for as many bits of choice as there are cells to explain.
const DOUBT: f64 = 4.0;

/// What a program is made of.
#[derive(Default)]
struct Makeup {
    /// Costs of the pipelines, the input's own left out.
    costs: Vec<u16>,
    heads: usize,
    rows: usize,
    lone_rows: usize,
    seen: Vec<u32>,
}

impl Makeup {
    fn add(&mut self, arena: &Arena, state: u32) {
        if self.seen.contains(&state) {
            return;
        }
        self.seen.push(state);
        let (start, steps) = arena.tail(state);
        let cost: u16 = steps.iter().map(|&s| priors::cost(arena.steps[s as usize])).sum();
        if cost > 0 {
            self.costs.push(cost);
        }
        match &arena.state(start).origin {
            Origin::Where { mask, then, other } => {
                self.heads += 1;
                [mask, then, other].into_iter().for_each(|&part| self.add(arena, part));
            }
            Origin::By { key, base, rules, lone_rows } => {
                self.heads += 1;
                self.rows += rules.rows.len() + usize::from(rules.other.is_some());
                self.lone_rows += usize::from(*lone_rows);
                [key, base].into_iter().for_each(|&part| self.add(arena, part));
            }
            Origin::Input | Origin::Step { .. } => {}
        }
    }
}

/// Steps, choices and rules, in units of one common step; more where few cells bear the choices out.
pub fn complexity(arena: &Arena, state: u32, cells: usize) -> f64 {
    let mut makeup = Makeup::default();
    makeup.add(arena, state);
    let evidence = 4.0 + cells as f64;
    let choices = makeup.costs.len() as f64 + makeup.heads as f64 * 0.5 + 0.3 * makeup.rows as f64;
    let doubt = DOUBT * (choices * BITS_PER_CHOICE / evidence).min(2.0);
    let sum: f64 = makeup.costs.iter().map(|&c| f64::from(c)).sum();
    let most = makeup.costs.iter().copied().max().map_or(0.0, f64::from);
    0.06 * most
        + 0.04 * sum
        + makeup.heads as f64
        + 0.12 * makeup.rows as f64
        + 0.35 * makeup.lone_rows as f64
        + doubt
}
