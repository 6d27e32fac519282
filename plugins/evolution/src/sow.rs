//! Seeds: programs found elsewhere, taken apart and grown again on this task.

use stratagem_dsl::{Body, Head, Mode, Pipeline, Program, Tree};
use stratagem_kit::Budget;

use crate::evolve::Evolution;

impl Evolution<'_> {
    /// Grows what seed programs are made of. Rules are learned anew, so a program that served another task brings its
    /// shape and not its colours.
    pub fn sow(&mut self, seeds: &[Program], budget: &mut dyn Budget) {
        for program in seeds {
            if budget.left() == 0 {
                return;
            }
            self.sow_body(&program.body, budget);
        }
    }

    fn sow_body(&mut self, body: &Body, budget: &mut dyn Budget) {
        match body {
            Body::Single(pipeline) => {
                self.grow(0, pipeline, budget);
            }
            Body::Stack(layers) => {
                // From the bottom: each layer over what lies below it.
                let mut below = None;
                for layer in layers.iter().rev() {
                    let top =
                        self.grow(0, &layer.pipeline, budget).and_then(|state| self.piece(state, budget));
                    let joined = match (below, top, layer.mode) {
                        (_, None, _) => return,
                        (None, Some(_), Mode::Cut | Mode::Mask) => None,
                        (_, Some(top), Mode::Opaque) | (None, Some(top), Mode::Over) => Some(top),
                        (Some(below), Some(top), Mode::Over) => self.over(top, below, budget),
                        (Some(below), Some(top), _) => {
                            self.join_by(below, top).and_then(|state| self.piece(state, budget))
                        }
                    };
                    below = joined.or(below);
                }
            }
            Body::Table { keys, .. } => {
                let keys: Vec<usize> = keys
                    .iter()
                    .filter_map(|key| self.grow(0, key, budget).and_then(|state| self.piece(state, budget)))
                    .collect();
                if let [first, second, ..] = keys[..] {
                    self.join_by(first, second);
                    self.join_by(second, first);
                }
            }
            Body::Product { coarse, fine } => {
                self.sow_body(&coarse.body, budget);
                self.sow_body(&fine.body, budget);
            }
            Body::Tree(tree) => {
                self.sow_tree(tree, budget);
            }
            // Rules are not made of pipelines.
            _ => {}
        }
    }

    fn over(&mut self, top: usize, below: usize, budget: &mut dyn Budget) -> Option<usize> {
        let state = self.join_where(top, top, below)?;
        self.piece(state, budget)
    }

    fn sow_tree(&mut self, tree: &Tree, budget: &mut dyn Budget) -> Option<u32> {
        let start = match &tree.head {
            Head::Input => 0,
            Head::Where { mask, then, other } => {
                let (mask, then) = (self.sow_part(mask, budget)?, self.sow_part(then, budget)?);
                let other = self.sow_part(other, budget)?;
                self.join_where(mask, then, other)?
            }
            Head::By { key, base, .. } => {
                let (key, base) = (self.sow_part(key, budget)?, self.sow_part(base, budget)?);
                self.join_by(base, key)?
            }
        };
        self.grow(start, &tree.steps, budget)
    }

    fn sow_part(&mut self, tree: &Tree, budget: &mut dyn Budget) -> Option<usize> {
        let state = self.sow_tree(tree, budget)?;
        self.piece(state, budget)
    }

    /// Takes the steps of a pipeline, as far as they are open to this task.
    fn grow(&mut self, start: u32, pipeline: &Pipeline, budget: &mut dyn Budget) -> Option<u32> {
        let mut at = start;
        for t in &pipeline.0 {
            let step = self.arena.steps.iter().position(|s| s == t)?;
            at = self.arena.take(at, step as u16, budget)?;
        }
        Some(at)
    }
}
