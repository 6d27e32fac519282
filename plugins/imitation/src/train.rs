//! Training the policy: plain stochastic gradient descent on the steps of known programs.

use stratagem_dsl::Transform;
use stratagem_kit::Budget;

use crate::chance::Chance;
use crate::features::TASK;
use crate::lessons::{Example, Step};
use crate::maths::ln;
use crate::policy::{HIDDEN, Policy, STATE, allows, dot, hidden, softmax};
use crate::vocabulary::{COLOURED, Vocabulary};

/// The work of one step of the descent.
const STEP_WORK: u64 = 40_000;
/// How far a step goes at first, and at last.
const RATES: (f32, f32) = (0.06, 0.004);
/// What weights lose at each turn.
const DECAY: f32 = 2e-6;

/// Examples, and how often each is gone through.
pub struct Course<'a> {
    pub examples: Vec<(&'a Example, u32)>,
    pub epochs: usize,
}

/// Classes that can be taken on a grid, and on a list.
fn takes() -> [Vec<bool>; 2] {
    let vocabulary = Vocabulary::get();
    [false, true].map(|list| {
        let mut takes = vec![false; vocabulary.classes().len()];
        for (word, &t) in vocabulary.words().iter().zip(Transform::all()) {
            takes[word.class] |= allows(t, list);
        }
        takes
    })
}

/// Trains a policy; it stops early where the budget does. The same course and seed give the same bits.
pub fn train(policy: &mut Policy, course: &Course, seed: u64, budget: &mut dyn Budget) {
    let mut order: Vec<usize> = course
        .examples
        .iter()
        .enumerate()
        .flat_map(|(i, (_, times))| std::iter::repeat_n(i, *times as usize))
        .collect();
    let takes = takes();
    let mut chance = Chance::new(seed);
    let total = (order.len() * course.epochs).max(1);
    let mut done = 0;
    for _ in 0..course.epochs {
        chance.shuffle(&mut order);
        for &i in &order {
            if budget.left() == 0 {
                return;
            }
            let rate = RATES.0 + (RATES.1 - RATES.0) * done as f32 / total as f32;
            let example = course.examples[i].0;
            for step in &example.steps {
                learn_step(policy, example, step, &takes[usize::from(step.list)], rate);
                budget.spend(STEP_WORK);
                policy.examples += 1;
            }
            learn_form(policy, example, rate);
            done += 1;
        }
    }
}

/// The mean cost of a step under the policy, in nats.
pub fn loss(policy: &Policy, examples: &[Example]) -> f32 {
    let takes = takes();
    let (mut sum, mut count) = (0.0, 0);
    for example in examples {
        for step in &example.steps {
            let (chances, _) = forward(policy, example, step, &takes[usize::from(step.list)]);
            let word = Vocabulary::get().word(step.taken);
            sum -= ln(chances[word.class]);
            if let Some((coloured, c)) = word.colour {
                sum -= ln(policy.colours(coloured, &example.features.colours)[c as usize]);
            }
            count += 1;
        }
    }
    sum / count.max(1) as f32
}

fn forward(policy: &Policy, example: &Example, step: &Step, takes: &[bool]) -> (Vec<f32>, [f32; HIDDEN]) {
    let w = &policy.weights;
    let base = std::array::from_fn(|j| {
        w.hidden_bias[j] + dot(&w.task[j * TASK..(j + 1) * TASK], &example.features.task)
    });
    let hidden = hidden(w, &base, &step.state, step.previous);
    let mut chances: Vec<f32> = (0..takes.len())
        .map(|k| {
            if takes[k] {
                w.class_bias[k] + dot(&w.class[k * HIDDEN..(k + 1) * HIDDEN], &hidden)
            } else {
                f32::NEG_INFINITY
            }
        })
        .collect();
    softmax(&mut chances);
    (chances, hidden)
}

fn learn_step(policy: &mut Policy, example: &Example, step: &Step, takes: &[bool], rate: f32) {
    let (mut error, hidden) = forward(policy, example, step, takes);
    let word = Vocabulary::get().word(step.taken);
    error[word.class] -= 1.0;
    let w = &mut policy.weights;
    let mut back = [0.0f32; HIDDEN];
    for (k, &e) in error.iter().enumerate().filter(|(k, _)| takes[*k]) {
        let row = &mut w.class[k * HIDDEN..(k + 1) * HIDDEN];
        for ((weight, back), &h) in row.iter_mut().zip(&mut back).zip(&hidden) {
            *back += e * *weight;
            *weight -= rate * (e * h + DECAY * *weight);
        }
        w.class_bias[k] -= rate * e;
    }
    let before = step.previous.unwrap_or(w.previous.len() / HIDDEN - 1) * HIDDEN;
    for (j, back) in back.into_iter().enumerate() {
        if hidden[j] <= 0.0 {
            continue;
        }
        let pull = rate * back;
        w.hidden_bias[j] -= pull;
        w.previous[before + j] -= pull;
        for (weight, x) in w.task[j * TASK..(j + 1) * TASK].iter_mut().zip(&example.features.task) {
            *weight -= pull * x;
        }
        for (weight, x) in w.state[j * STATE..(j + 1) * STATE].iter_mut().zip(&step.state) {
            *weight -= pull * x;
        }
    }
    if let Some((coloured, c)) = word.colour {
        learn_colour(policy, example, coloured, c as usize, rate);
    }
}

fn learn_colour(policy: &mut Policy, example: &Example, coloured: usize, c: usize, rate: f32) {
    let chances = policy.colours(coloured, &example.features.colours);
    let width = policy.weights.colour.len() / COLOURED;
    let row = &mut policy.weights.colour[coloured * width..(coloured + 1) * width];
    for (other, chance) in chances.into_iter().enumerate().skip(1) {
        let error = chance - f32::from(u8::from(other == c));
        for (weight, x) in row.iter_mut().zip(&example.features.colours[other]) {
            *weight -= rate * error * x;
        }
    }
}

fn learn_form(policy: &mut Policy, example: &Example, rate: f32) {
    let chances = policy.forms(&example.features.task);
    for (k, chance) in chances.into_iter().enumerate() {
        let error = chance - f32::from(u8::from(k == example.form));
        let row = &mut policy.weights.form[k * (TASK + 1)..(k + 1) * (TASK + 1)];
        for (weight, x) in row.iter_mut().zip(&example.features.task) {
            *weight -= 0.2 * rate * error * x;
        }
        row[TASK] -= 0.2 * rate * error;
    }
}
