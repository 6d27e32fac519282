//! Trains the compression model on a task, and weighs what it draws for the grids that are asked for.

use std::collections::HashMap;
use std::sync::Arc;

use stratagem_domain::{Grid, Pair};

use crate::model::compression::compression;
use crate::model::program::Program;
use crate::noise::Noise;
use crate::puzzle::Puzzle;
use crate::reference::adam::Adam;
use crate::reference::compression::{Engine, Loss};
use crate::reference::ops::picture::{Drawing, Which, runs};
use crate::train::Unfit;

/// As published.
pub const LEARNING_RATE: f64 = 0.01;
/// How much of the past gradients' and squares' means each update keeps.
const DECAY: [f64; 2] = [0.5, 0.9];
/// How much of what was drawn before the running mean keeps.
const INERTIA: f32 = 0.97;
/// Updates whose drawings hardly count.
const EARLY: usize = 150;
/// What counts less by these many nats: early drawings, and those of the running mean.
const DISCOUNTS: [f64; 2] = [10.0, 4.0];
/// How much a nat of doubt a cell counts.
const DOUBT: f64 = 10.0;

/// A network that is being trained on one task.
pub struct Training {
    engine: Engine<f32>,
    weights: Vec<f32>,
    gradient: Vec<f32>,
    adam: Adam<f32>,
    seed: u64,
    updates: usize,
    /// One for each grid that is asked for.
    opinions: Vec<Opinion>,
}

/// What the network has drawn for one grid.
struct Opinion {
    /// The running mean.
    mean: Drawing<f32>,
    /// For each grid the logarithm of what speaks for it, and how often it was drawn.
    grids: HashMap<Grid, (f64, u32)>,
}

/// A network for a task, before anything is taken for computing it.
pub struct Plan {
    puzzle: Puzzle,
    program: Program,
    weights: Vec<f32>,
    asked: usize,
    seed: u64,
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

    /// Bytes that training takes, about.
    pub fn bytes(&self) -> u64 {
        // Weights, their gradient and the optimiser's two means.
        let weights = 4 * size_of::<f32>() * self.weights.len();
        Engine::<f32>::bytes(&self.puzzle, &self.program) + weights as u64
    }

    /// The same task and seed give the same weights on the same machine.
    pub fn begin(self) -> Training {
        let Self { puzzle, program, weights, asked, seed } = self;
        let [_, colours, height, width, _] = puzzle.extent.0;
        let blank = Drawing {
            strengths: vec![0.0; height * width * (colours + 1)],
            sides: [vec![0.0; height], vec![0.0; width]],
        };
        let opinion = |_| Opinion { mean: blank.clone(), grids: HashMap::new() };
        Training {
            opinions: (0..asked).map(opinion).collect(),
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
        let (puzzle, heads) = (self.engine.puzzle(), self.engine.heads());
        for (i, opinion) in self.opinions.iter_mut().enumerate() {
            let which = Which { example: puzzle.shown + i, role: 1 };
            opinion.weigh(puzzle, &heads.drawing(puzzle, which), which, self.updates);
        }
        self.gradient.fill(0.0);
        self.engine.back(&self.weights, &mut self.gradient);
        self.adam.learning_rate = rate;
        self.adam.step([(self.weights.as_mut_slice(), self.gradient.as_slice())]);
        self.updates += 1;
        Ok(loss)
    }

    /// The share of demonstrations whose outputs were last drawn without a wrong cell.
    pub fn accuracy(&self) -> f64 {
        let (puzzle, heads) = (self.engine.puzzle(), self.engine.heads());
        let is_right = |example: &usize| {
            let which = Which { example: *example, role: 1 };
            let (grid, _) = drawn(puzzle, which, &heads.drawing(puzzle, which));
            let wanted = puzzle.cells[*example][1].as_ref();
            let [height, width] = puzzle.sides[*example][1];
            let cells = wanted.map(|cells| cells.iter().map(|&at| puzzle.palette[usize::from(at)]));
            (grid.height(), grid.width()) == (height, width)
                && cells.is_some_and(|cells| cells.eq(grid.cells().iter().copied()))
        };
        (0..puzzle.shown).filter(is_right).count() as f64 / puzzle.shown as f64
    }

    /// Goes on from such weights; false where they are another task's.
    pub fn resume(&mut self, weights: &[f32]) -> bool {
        let fits = weights.len() == self.weights.len();
        if fits {
            self.weights.copy_from_slice(weights);
        }
        fits
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
        let puzzle = self.engine.puzzle();
        let [_, _, height, width, _] = puzzle.extent.0;
        let (lengths, is_known) = ([grid.height(), grid.width()], puzzle.sides_known[1]);
        let fits = grid.height() <= height && grid.width() <= width;
        if !fits || (is_known && lengths != puzzle.sides[puzzle.shown + asked][1]) {
            return None;
        }
        let place = |colour: &u8| puzzle.palette.iter().position(|c| c == colour).map(|at| at as u8);
        let cells: Vec<u8> = grid.cells().iter().map(place).collect::<Option<_>>()?;
        Some(f64::from(self.opinions[asked].mean.likelihood(&cells, lengths, is_known)))
    }

    /// The grids drawn for what is asked for, the likeliest first, the share of all that speaks for each, and how often
    /// each was drawn.
    pub fn answers(&self, asked: usize) -> Vec<(Grid, f64, u32)> {
        let mut grids: Vec<(&Grid, f64, u32)> =
            self.opinions[asked].grids.iter().map(|(g, &(x, times))| (g, x, times)).collect();
        // Grids as well as scores, so that the order is always the same.
        grids.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cells().cmp(b.0.cells())));
        let most = grids.first().map_or(0.0, |first| first.1);
        let share = |x: f64| (x - most).exp();
        let all: f64 = grids.iter().map(|&(_, x, _)| share(x)).sum();
        grids.into_iter().map(|(grid, x, times)| (grid.clone(), share(x) / all, times)).collect()
    }
}

impl Opinion {
    fn weigh(&mut self, puzzle: &Puzzle, now: &Drawing<f32>, which: Which, updates: usize) {
        let towards = |mean: &mut [f32], now: &[f32]| {
            mean.iter_mut().zip(now).for_each(|(mean, &x)| *mean = INERTIA * *mean + (1.0 - INERTIA) * x);
        };
        towards(&mut self.mean.strengths, &now.strengths);
        self.mean.sides.iter_mut().zip(&now.sides).for_each(|(mean, now)| towards(mean, now));
        let early = if updates < EARLY { DISCOUNTS[0] } else { 0.0 };
        for (drawing, discount) in [(now, 0.0), (&self.mean, DISCOUNTS[1])] {
            let (grid, doubt) = drawn(puzzle, which, drawing);
            let speaks = -DOUBT * doubt - early - discount;
            let (all, times) = self.grids.entry(grid).or_insert((f64::NEG_INFINITY, 0));
            *times += 1;
            let most = all.max(speaks);
            *all = most + ((*all - most).exp() + (speaks - most).exp()).ln();
        }
    }
}

/// The grid that is drawn, and the nats of doubt a cell that there are about its colours.
fn drawn(puzzle: &Puzzle, which: Which, drawing: &Drawing<f32>) -> (Grid, f64) {
    let [_, colours, _, width, _] = puzzle.extent.0;
    let [rows, columns] = [0, 1].map(|side| {
        let lengths = if puzzle.sides_known[which.role] {
            let length = puzzle.sides[which.example][which.role][side];
            length..=length
        } else {
            1..=drawing.sides[side].len()
        };
        let mut best = (f32::NEG_INFINITY, 0..0);
        for length in lengths {
            for (begin, likely) in runs(&drawing.sides[side], length).into_iter().enumerate() {
                if likely > best.0 {
                    best = (likely, begin..begin + length);
                }
            }
        }
        best.1
    });
    let mut cells = Vec::with_capacity(rows.len() * columns.len());
    let mut doubt = 0.0;
    for row in rows.clone() {
        for column in columns.clone() {
            let strengths = &drawing.strengths[(row * width + column) * (colours + 1)..][..=colours];
            let best = (1..=colours).fold(0, |best, c| if strengths[c] > strengths[best] { c } else { best });
            doubt += f64::from(strengths.iter().map(|x| (x - strengths[best]).exp()).sum::<f32>().ln());
            cells.push(puzzle.palette[best]);
        }
    }
    let grid = Grid::new(columns.len() as u32, rows.len() as u32, &cells)
        .unwrap_or_else(|error| unreachable!("a part of a canvas as large as a grid: {error}"));
    (grid, doubt / cells.len() as f64)
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
