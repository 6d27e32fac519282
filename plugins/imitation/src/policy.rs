//! The policy: from what a task and a state look like to how likely each transform is the next step.
//!
//! One hidden layer of rectified units over the task's features, the state's and the previous step, and a
//! softmax over the classes of transforms; within a class that differs in colour, a softmax over colours by the
//! part that each plays. Additions, multiplications and comparisons alone, in a fixed order: the sandbox computes
//! the same bits as a native build.

use stratagem_dsl::{Kind, Transform};
use stratagem_synthesis::priors;

use crate::chance::Chance;
use crate::features::{COLOUR, TASK, TaskFeatures};
use crate::maths::{exp, ln};
use crate::retrieval::Known;
use crate::vocabulary::{COLOURED, Vocabulary};

/// Hidden units.
pub const HIDDEN: usize = 40;
/// How many numbers describe a state.
pub const STATE: usize = 14;
/// Forms that a program can have.
pub const FORMS: usize = 4;

/// What a state looks like beside what is wanted.
pub type StateFeatures = [f32; STATE];

/// The share of the probability that is spread over all transforms alike, so that none is out of reach.
const SPREAD: f32 = 0.06;
/// Costs are in thousandths of a nat.
pub const NAT: f32 = 1000.0;

/// The weights, each a matrix in rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// Hidden by task.
    pub task: Vec<f32>,
    /// Hidden by state.
    pub state: Vec<f32>,
    /// Previous step by hidden; the last row is for the first step.
    pub previous: Vec<f32>,
    pub hidden_bias: Vec<f32>,
    /// Class by hidden.
    pub class: Vec<f32>,
    pub class_bias: Vec<f32>,
    /// Coloured class by colour feature.
    pub colour: Vec<f32>,
    /// Form by task, and a bias at the end of each row.
    pub form: Vec<f32>,
}

impl Weights {
    /// All matrices, in the order in which they are kept.
    pub fn parts(&self) -> [&Vec<f32>; 8] {
        let Self { task, state, previous, hidden_bias, class, class_bias, colour, form } = self;
        [task, state, previous, hidden_bias, class, class_bias, colour, form]
    }

    pub fn parts_mut(&mut self) -> [&mut Vec<f32>; 8] {
        let Self { task, state, previous, hidden_bias, class, class_bias, colour, form } = self;
        [task, state, previous, hidden_bias, class, class_bias, colour, form]
    }
}

/// What was learned, and from what.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    pub weights: Weights,
    /// Solved lessons, to be recalled.
    pub known: Vec<Known>,
    /// Canonical hashes of the lessons' tasks, in rising order.
    pub trained_on: Vec<u64>,
    /// Steps that it was trained with; 0 where it is untrained.
    pub examples: u64,
    pub seed: u64,
}

impl Policy {
    /// A policy that knows nothing yet but how common each step is by hand.
    pub fn untrained(seed: u64) -> Self {
        let vocabulary = Vocabulary::get();
        let classes = vocabulary.classes().len();
        let mut chance = Chance::new(seed ^ 0x1317_a7e5);
        let mut random = |n: usize, scale: f32| (0..n).map(|_| (chance.unit() - 0.5) * scale).collect();
        let mut class_bias = vec![0.0; classes];
        for (word, &t) in vocabulary.words().iter().zip(Transform::all()) {
            class_bias[word.class] = -f32::from(priors::cost(t)) / 5.0;
        }
        let weights = Weights {
            task: random(HIDDEN * TASK, 0.3),
            state: random(HIDDEN * STATE, 0.5),
            previous: random((classes + 1) * HIDDEN, 0.5),
            hidden_bias: vec![0.1; HIDDEN],
            class: vec![0.0; classes * HIDDEN],
            class_bias,
            colour: vec![0.0; COLOURED * COLOUR],
            form: vec![0.0; FORMS * (TASK + 1)],
        };
        Self { weights, known: Vec::new(), trained_on: Vec::new(), examples: 0, seed }
    }

    /// How likely each form of program is for a task.
    pub fn forms(&self, features: &[f32; TASK]) -> [f32; FORMS] {
        let mut logits = [0.0; FORMS];
        for (k, logit) in logits.iter_mut().enumerate() {
            let row = &self.weights.form[k * (TASK + 1)..(k + 1) * (TASK + 1)];
            *logit = dot(&row[..TASK], features) + row[TASK];
        }
        softmax(&mut logits);
        logits
    }

    /// The chances of the colours 1 to 9 within a coloured class; slot 0 stays empty.
    pub fn colours(&self, coloured: usize, features: &[[f32; COLOUR]; 10]) -> [f32; 10] {
        let row = &self.weights.colour[coloured * COLOUR..(coloured + 1) * COLOUR];
        let mut chances: [f32; 10] = std::array::from_fn(|c| dot(row, &features[c]));
        softmax(&mut chances[1..]);
        chances[0] = 0.0;
        chances
    }
}

pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// Turns logits into probabilities; those at minus infinity become 0.
pub fn softmax(logits: &mut [f32]) {
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for l in logits.iter_mut() {
        *l = exp(*l - top);
        sum += *l;
    }
    logits.iter_mut().for_each(|l| *l /= sum.max(f32::MIN_POSITIVE));
}

/// Which classes a state allows: transforms of lists on lists, others on grids.
pub fn allows(t: Transform, list: bool) -> bool {
    match t.kind() {
        Kind::Each => true,
        Kind::Split => !list,
        _ => list,
    }
}

/// A policy that looks at one task.
pub struct Guide<'a> {
    policy: &'a Policy,
    /// The task's part of the hidden layer.
    base: [f32; HIDDEN],
    /// The chances of each colour in each coloured class.
    colours: [[f32; 10]; COLOURED],
    /// Transforms worth trying on this task.
    usable: Vec<bool>,
    /// Which classes take lists, and which take grids.
    takes: [Vec<bool>; 2],
}

impl<'a> Guide<'a> {
    /// Looks at a task; `usable` tells of every transform whether it can be of use.
    pub fn new(policy: &'a Policy, features: &TaskFeatures, usable: Vec<bool>) -> Self {
        let w = &policy.weights;
        let base = std::array::from_fn(|j| {
            w.hidden_bias[j] + dot(&w.task[j * TASK..(j + 1) * TASK], &features.task)
        });
        let mut colours = [[0.0; 10]; COLOURED];
        for (coloured, chances) in colours.iter_mut().enumerate() {
            *chances = policy.colours(coloured, &features.colours);
        }
        let vocabulary = Vocabulary::get();
        let takes = [false, true].map(|list| {
            let mut takes = vec![false; vocabulary.classes().len()];
            for ((word, &t), usable) in vocabulary.words().iter().zip(Transform::all()).zip(&usable) {
                takes[word.class] |= allows(t, list) && *usable;
            }
            takes
        });
        Self { policy, base, colours, usable, takes }
    }

    /// The cost of each transform as the next step, `None` where it is of no use.
    pub fn costs(&self, previous: Option<usize>, state: &StateFeatures, list: bool) -> Vec<Option<u32>> {
        let vocabulary = Vocabulary::get();
        let classes = vocabulary.classes().len();
        let hidden = hidden(&self.policy.weights, &self.base, state, previous);
        let mut chances = vec![f32::NEG_INFINITY; classes];
        let mut count = 0;
        for (k, chance) in chances.iter_mut().enumerate() {
            if self.takes[usize::from(list)][k] {
                *chance = self.policy.weights.class_bias[k]
                    + dot(&self.policy.weights.class[k * HIDDEN..(k + 1) * HIDDEN], &hidden);
                count += 1;
            }
        }
        softmax(&mut chances);
        let even = SPREAD / count.max(1) as f32;
        let cost = |(word, usable): (&crate::vocabulary::Word, &bool)| {
            if !*usable || !self.takes[usize::from(list)][word.class] {
                return None;
            }
            let mut chance = chances[word.class] * (1.0 - SPREAD) + even;
            if let Some((coloured, c)) = word.colour {
                chance *= 0.9 * self.colours[coloured][c as usize] + 0.1 / 9.0;
            }
            Some((-ln(chance) * NAT) as u32)
        };
        vocabulary.words().iter().zip(&self.usable).map(cost).collect()
    }
}

/// The hidden layer: what the task gives, what the state adds and what the previous step adds.
pub fn hidden(
    w: &Weights,
    base: &[f32; HIDDEN],
    state: &StateFeatures,
    previous: Option<usize>,
) -> [f32; HIDDEN] {
    let row = previous.unwrap_or(w.previous.len() / HIDDEN - 1) * HIDDEN;
    std::array::from_fn(|j| {
        let sum = base[j] + w.previous[row + j] + dot(&w.state[j * STATE..(j + 1) * STATE], state);
        sum.max(0.0)
    })
}
