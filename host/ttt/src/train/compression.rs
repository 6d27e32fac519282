//! Trains the compression model on a task, and weighs what it draws for the grids that are asked for.

use std::sync::Arc;

use stratagem_domain::{Grid, Pair};

use crate::model::compression::compression;
use crate::model::program::Program;
use crate::noise::Noise;
use crate::puzzle::Puzzle;
use crate::reference::adam::Adam;
use crate::reference::compression::{Engine, Loss};
use crate::train::Unfit;
use crate::train::opinions::{Opinions, accuracy};

/// As published.
pub const LEARNING_RATE: f64 = 0.01;
/// How much of the past gradients' and squares' means each update keeps.
const DECAY: [f64; 2] = [0.5, 0.9];

/// A network that is being trained on one task.
pub struct Training {
    engine: Engine<f32>,
    weights: Vec<f32>,
    gradient: Vec<f32>,
    adam: Adam<f32>,
    seed: u64,
    updates: usize,
    opinions: Opinions,
}

/// A network for a task, before anything is taken for computing it.
pub struct Plan {
    pub(crate) puzzle: Puzzle,
    pub(crate) program: Program,
    pub(crate) weights: Vec<f32>,
    pub(crate) asked: usize,
    pub(crate) seed: u64,
}

impl Plan {
    pub fn new(shown: &[Pair], asked: &[Grid], seed: u64) -> Result<Self, Unfit> {
        if shown.is_empty() {
            return Err(Unfit::Empty);
        }
        let puzzle = Puzzle::new(shown, asked);
        let (program, weights) = compression(&puzzle, seed);
        Ok(Self { puzzle, program, weights, asked: asked.len(), seed })
    }

    /// Begins with such weights instead; false where they are another task's.
    pub fn resume(&mut self, weights: Vec<f32>) -> bool {
        let fits = weights.len() == self.weights.len();
        if fits {
            self.weights = weights;
        }
        fits
    }

    /// Bytes that training takes, about.
    pub fn bytes(&self) -> u64 {
        // Weights, their gradient and the optimiser's two means.
        let weights = 4 * size_of::<f32>() * self.weights.len();
        Engine::<f32>::bytes(&self.puzzle, &self.program) + weights as u64
    }

    /// The same task and seed give the same weights on the same machine.
    pub fn begin(self) -> Training {
        let Self { puzzle, program, weights, asked, seed } = self;
        Training {
            opinions: Opinions::new(&puzzle, asked),
            gradient: vec![0.0; weights.len()],
            adam: Adam::new(LEARNING_RATE, DECAY, weights.len()),
            engine: Engine::new(Arc::new(puzzle), Arc::new(program)),
            weights,
            seed,
            updates: 0,
        }
    }
}

impl Training {
    /// One update: draws the task, weighs what is drawn, and moves the weights.
    pub fn update(&mut self, rate: f64) -> Result<Loss<f32>, Unfit> {
        // Draw 0 was for the weights.
        let noise = Noise::new(self.seed, self.updates as u64 + 1);
        let loss = self.engine.forth(&self.weights, self.updates, noise);
        if !loss.total().is_finite() {
            return Err(Unfit::Diverged);
        }
        self.opinions.weigh(self.engine.puzzle(), &self.engine.heads(), self.updates);
        self.gradient.fill(0.0);
        self.engine.back(&self.weights, &mut self.gradient);
        self.adam.learning_rate = rate;
        self.adam.step([(self.weights.as_mut_slice(), self.gradient.as_slice())]);
        self.updates += 1;
        Ok(loss)
    }

    /// The share of demonstrations whose outputs were last drawn without a wrong cell.
    pub fn accuracy(&self) -> f64 {
        accuracy(self.engine.puzzle(), &self.engine.heads())
    }

    /// All weights, in one order.
    pub fn weights(&self) -> Vec<f32> {
        self.weights.clone()
    }

    /// The logarithm of how likely a grid is for what is asked for, by the running mean of what was drawn.
    ///
    /// None where the network cannot draw it: too large, of sides that are known to be others, in colours that the task
    /// does not have.
    pub fn score(&self, asked: usize, grid: &Grid) -> Option<f64> {
        self.opinions.score(self.engine.puzzle(), asked, grid)
    }

    /// The grids drawn for what is asked for, the likeliest first, the share of all that speaks for each, and how often
    /// each was drawn.
    pub fn answers(&self, asked: usize) -> Vec<(Grid, f64, u32)> {
        self.opinions.answers(asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(rows: &[&[u8]]) -> Grid {
        Grid::from_rows(rows).unwrap()
    }

    /// Every cell that is not black becomes red.
    fn shown() -> Vec<Pair> {
        let pair = |input: &[&[u8]], output: &[&[u8]]| Pair { input: grid(input), output: grid(output) };
        vec![
            pair(&[&[0, 3, 0], &[3, 0, 0], &[0, 0, 3]], &[&[0, 2, 0], &[2, 0, 0], &[0, 0, 2]]),
            pair(&[&[3, 3, 0], &[0, 0, 0], &[0, 3, 0]], &[&[2, 2, 0], &[0, 0, 0], &[0, 2, 0]]),
            pair(&[&[0, 0, 0], &[3, 0, 3], &[0, 3, 0]], &[&[0, 0, 0], &[2, 0, 2], &[0, 2, 0]]),
        ]
    }

    #[test]
    fn it_learns_a_task_and_answers_it() {
        let asked = grid(&[&[3, 0, 3], &[0, 3, 0], &[0, 0, 0]]);
        let train = |seed| {
            let mut training = Plan::new(&shown(), std::slice::from_ref(&asked), seed).unwrap().begin();
            let losses: Vec<f32> =
                (0..300).map(|_| training.update(LEARNING_RATE).unwrap().missing).collect();
            (training, losses)
        };
        let (training, losses) = train(1);
        assert!(losses[losses.len() - 1] < losses[0] / 20.0, "{losses:?}");
        assert!((training.accuracy() - 1.0).abs() < 1e-9);
        let (answer, share, _) = training.answers(0).swap_remove(0);
        assert_eq!(answer, grid(&[&[2, 0, 2], &[0, 2, 0], &[0, 0, 0]]));
        assert!(share > 0.5, "{share}");
        let score = |grid: &Grid| training.score(0, grid);
        let (right, wrong) = (score(&answer).unwrap(), score(&asked).unwrap());
        assert!(right > wrong + 1.0 && right < 0.0, "{right} {wrong}");
        assert_eq!(score(&grid(&[&[2, 0, 2], &[0, 2, 0]])), None, "sides are kept here");
        assert_eq!(score(&grid(&[&[2, 0, 2], &[0, 9, 0], &[0, 0, 0]])), None, "no such colour");
        assert_eq!(train(1).1, losses, "the same seed, the same losses");
        assert_ne!(train(2).1, losses);
    }

    #[test]
    fn without_demonstrations_there_is_nothing_to_train_on() {
        assert_eq!(Plan::new(&[], &[grid(&[&[1]])], 1).err(), Some(Unfit::Empty));
    }
}
