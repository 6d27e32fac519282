//! Mutation and splicing: how one program comes of another.

use stratagem_dsl::{Kind, Transform};
use stratagem_kit::Budget;
use stratagem_synthesis::priors;

use crate::evolve::Evolution;

/// Steps as lots to draw from, each as often as its prior says.
pub struct Lots {
    grid: Vec<u16>,
    list: Vec<u16>,
}

impl Lots {
    pub fn new(steps: &[Transform]) -> Self {
        let of = |fits: &dyn Fn(Kind) -> bool| {
            let fitting = steps.iter().enumerate().filter(|(_, t)| fits(t.kind()));
            fitting.flat_map(|(i, &t)| std::iter::repeat_n(i as u16, lots_for(priors::cost(t)))).collect()
        };
        Self { grid: of(&|k| matches!(k, Kind::Each | Kind::Split)), list: of(&|k| k != Kind::Split) }
    }
}

fn lots_for(cost: u16) -> usize {
    match cost {
        0..=5 => 12,
        6 => 10,
        7..=8 => 7,
        9 => 6,
        10 => 5,
        11 => 4,
        12 => 3,
        _ => 2,
    }
}

impl Evolution<'_> {
    /// Makes one child: a step more, a step in another's place, or the end of another program put on.
    pub fn vary(&mut self, budget: &mut dyn Budget) {
        let parent = self.population.parent(&self.pieces, &self.hard, &mut self.chance);
        match self.chance.below(20) {
            0..13 => {
                self.step_from(parent, budget);
            }
            13..15 => {
                if let Some(child) = self.step_from(parent, budget) {
                    self.step_from(child, budget);
                }
            }
            15..17 => {
                let parent = self.arena.parent(parent).unwrap_or(parent);
                self.step_from(parent, budget);
            }
            17..18 => self.alter(parent, budget),
            _ => self.splice(parent, budget),
        }
    }

    /// Takes a step that has not been taken, by its prior.
    fn step_from(&mut self, state: u32, budget: &mut dyn Budget) -> Option<u32> {
        let is_list = self.arena.state(state).is_list;
        for _ in 0..8 {
            let lots = if is_list { &self.lots.list } else { &self.lots.grid };
            let step = *self.chance.pick(lots)?;
            if self.arena.is_open(state, step) {
                return self.arena.take(state, step, budget);
            }
        }
        // Eight draws and as many look-ups; they are where a search that has run dry spends its time.
        budget.spend(400);
        None
    }

    /// Runs a program again with one step changed or left out, or one put in.
    fn alter(&mut self, state: u32, budget: &mut dyn Budget) {
        let (start, steps) = self.arena.tail(state);
        if steps.is_empty() {
            return;
        }
        let place = self.chance.below(steps.len());
        let mut at = Some(start);
        for &step in &steps[..place] {
            at = at.and_then(|at| self.arena.take(at, step, budget));
        }
        let Some(mut at) = at else { return };
        let how = self.chance.below(3);
        if how > 0 {
            let Some(next) = self.step_from(at, budget) else { return };
            at = next;
        }
        let rest = if how == 2 { &steps[place..] } else { &steps[place + 1..] };
        self.follow(at, rest, budget);
    }

    /// Goes on from a program with the end of another.
    fn splice(&mut self, state: u32, budget: &mut dyn Budget) {
        let other = self.population.elite(&mut self.chance);
        let (_, steps) = self.arena.tail(other);
        let from = self.chance.below(steps.len().max(1));
        self.follow(state, &steps[from.min(steps.len())..], budget);
    }

    fn follow(&mut self, mut at: u32, steps: &[u16], budget: &mut dyn Budget) {
        for &step in steps {
            match self.arena.take(at, step, budget) {
                Some(next) => at = next,
                None => return,
            }
        }
    }
}
