//! Trains compression models on a device: one, or several together, each as [`Training`](crate::train::compression::Training) does it on
//! the processor.

use std::sync::Arc;
use std::thread;

use stratagem_domain::Grid;

use crate::launch::{Device, Failed};
use crate::ops::engine::{Engine, Problem};
use crate::puzzle::Puzzle;
use crate::reference::compression::Loss;
use crate::reference::ops::picture::Heads;
use crate::train::compression::Plan;
use crate::train::opinions::{Opinions, accuracy};
use crate::train::{Stopped, Unfit};

/// Tasks that are trained together, step by step: small ones fill a device only together.
pub struct Batch {
    engine: Engine,
    opinions: Vec<Opinions>,
    updates: usize,
}

/// What is weighed of one task in one update.
struct Work<'a> {
    opinions: &'a mut Opinions,
    puzzle: &'a Puzzle,
    heads: Heads<'a, f32>,
}

fn problem(plan: &Plan) -> Problem {
    Problem {
        puzzle: Arc::new(plan.puzzle.clone()),
        program: Arc::new(plan.program.clone()),
        weights: plan.weights.clone(),
        seed: plan.seed,
    }
}

impl Batch {
    /// Bytes of a device's memory that these tasks take together.
    pub fn bytes(plans: &[Plan]) -> u64 {
        Engine::bytes(&plans.iter().map(problem).collect::<Vec<_>>())
    }

    /// *Errors*: [`Failed::OutOfMemory`], for fewer tasks at a time to be tried.
    pub fn new(device: &dyn Device, plans: &[Plan]) -> Result<Self, Failed> {
        let engine = Engine::new(device, plans.iter().map(problem).collect())?;
        let opinions = plans.iter().map(|plan| Opinions::new(&plan.puzzle, plan.asked)).collect();
        Ok(Self { engine, opinions, updates: 0 })
    }

    /// Launches of an update.
    pub fn launches(&self) -> usize {
        self.engine.launches()
    }

    /// One update of all tasks: draws them, weighs what is drawn, and moves the weights. A task whose loss is no number any
    /// more does not trouble the others.
    pub fn update(&mut self, rate: f64) -> Result<Vec<Result<Loss<f32>, Unfit>>, Failed> {
        let losses = self.engine.update(rate)?;
        let (engine, updates) = (&self.engine, self.updates);
        let mut work: Vec<Work<'_>> = (self.opinions.iter_mut().zip(&losses).enumerate())
            .filter(|(_, (_, loss))| loss.total().is_finite())
            .map(|(n, (opinions, _))| Work {
                opinions,
                puzzle: &engine.problems()[n].puzzle,
                heads: heads(engine, n),
            })
            .collect();
        let weigh = |share: &mut [Work<'_>]| {
            share.iter_mut().for_each(|work| work.opinions.weigh(work.puzzle, &work.heads, updates));
        };
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let share = work.len().div_ceil(threads).max(1);
        let mine = share.min(work.len());
        let (mine, others) = work.split_at_mut(mine);
        thread::scope(|scope| {
            others.chunks_mut(share).for_each(|share| drop(scope.spawn(move || weigh(share))));
            weigh(mine);
        });
        self.updates += 1;
        let finite = |loss: Loss<f32>| if loss.total().is_finite() { Ok(loss) } else { Err(Unfit::Diverged) };
        Ok(losses.into_iter().map(finite).collect())
    }

    /// The share of a task's demonstrations whose outputs were last drawn without a wrong cell.
    pub fn accuracy(&self, task: usize) -> f64 {
        accuracy(&self.engine.problems()[task].puzzle, &heads(&self.engine, task))
    }

    /// All weights of a task, in one order.
    pub fn weights(&self, task: usize) -> Result<Vec<f32>, Failed> {
        self.engine.weights(task)
    }

    /// As [`compression`](crate::train::compression::Training::score)'s.
    pub fn score(&self, task: usize, asked: usize, grid: &Grid) -> Option<f64> {
        self.opinions[task].score(&self.engine.problems()[task].puzzle, asked, grid)
    }

    /// As [`compression`](crate::train::compression::Training::answers)'s.
    pub fn answers(&self, task: usize, asked: usize) -> Vec<(Grid, f64, u32)> {
        self.opinions[task].answers(asked)
    }
}

fn heads(engine: &Engine, task: usize) -> Heads<'_, f32> {
    let program = &engine.problems()[task].program;
    Heads::of(&program.values[program.heads], engine.heads(task))
}

/// One task on a device, with the face that [`compression`](crate::train::compression::Training)'s has.
pub struct Training(Batch);

impl Training {
    pub fn new(device: &dyn Device, plan: &Plan) -> Result<Self, Failed> {
        Batch::new(device, std::slice::from_ref(plan)).map(Self)
    }

    /// One update: draws the task, weighs what is drawn, and moves the weights.
    pub fn update(&mut self, rate: f64) -> Result<Loss<f32>, Stopped> {
        let mut losses = self.0.update(rate)?;
        losses.swap_remove(0).map_err(|_| Stopped::Diverged)
    }

    /// The share of demonstrations whose outputs were last drawn without a wrong cell.
    pub fn accuracy(&self) -> f64 {
        self.0.accuracy(0)
    }

    /// All weights, in one order.
    pub fn weights(&self) -> Result<Vec<f32>, Failed> {
        self.0.weights(0)
    }

    /// As [`compression`](crate::train::compression::Training::score)'s.
    pub fn score(&self, asked: usize, grid: &Grid) -> Option<f64> {
        self.0.score(0, asked, grid)
    }

    /// As [`compression`](crate::train::compression::Training::answers)'s.
    pub fn answers(&self, asked: usize) -> Vec<(Grid, f64, u32)> {
        self.0.answers(0, asked)
    }
}
