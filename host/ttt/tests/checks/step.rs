//! Whole updates of whole networks: loss, gradient, weights.

use std::sync::Arc;

use fastrand::Rng;
use stratagem_ttt::launch::Device;
use stratagem_ttt::model::compression::compression;
use stratagem_ttt::model::program::Op;
use stratagem_ttt::noise::Noise;
use stratagem_ttt::ops::engine::{Engine as OnDevice, Problem};
use stratagem_ttt::puzzle::Puzzle;
use stratagem_ttt::reference::adam::Adam;
use stratagem_ttt::reference::compression::Engine;

use super::{Found, error, puzzles};

/// Of the loss, of a gradient, and of weights after an update.
const MOST: [f64; 3] = [1e-5, 1e-3, 1e-5];
/// Networks of small puzzles norm over a few places, whose numbers may lie close together: a gradient may be a few times as
/// far off as that of the reference in single precision.
const FEW: f64 = 4.0;
const RATE: f64 = 0.01;

/// The network of a puzzle, no weight at its start value, and capacities low enough that noise is felt.
fn problem(puzzle: Puzzle, seed: u64) -> Problem {
    let (program, mut weights) = compression(&puzzle, seed);
    let mut chance = Rng::with_seed(seed);
    weights.iter_mut().for_each(|w| *w += (chance.f32() - 0.5) * 0.1);
    let Some(Op::Draw { latents, .. }) = program.ops.first() else { panic!("first is drawn") };
    for latent in latents {
        latent.target.of_mut(&mut weights).iter_mut().for_each(|t| *t -= 0.6);
    }
    Problem { puzzle: Arc::new(puzzle), program: Arc::new(program), weights, seed }
}

/// Two updates of several tasks at once, each held to the reference's of it alone.
///
/// Adam's first steps go as far for the least slope as for the steepest, wherever rounding points it: so each update is
/// compared from the weights that the device has before it, and what it makes of them from its own gradient.
pub fn all(device: &dyn Device) -> Vec<Found> {
    let problems: Vec<Problem> =
        puzzles().into_iter().zip(5..).map(|(puzzle, seed)| problem(puzzle, seed)).collect();
    let mut on_device = OnDevice::new(device, problems.clone()).unwrap();
    let mut engines: Vec<_> = problems
        .iter()
        .map(|Problem { puzzle, program, weights, .. }| {
            let adam = Adam::<f64>::new(RATE, [0.5, 0.9], weights.len());
            (Engine::<f64>::new(Arc::clone(puzzle), Arc::clone(program)), adam)
        })
        .collect();
    let wide = |numbers: Vec<f32>| numbers.into_iter().map(f64::from).collect::<Vec<f64>>();
    let mut found = Vec::new();
    for update in 0..2 {
        let before: Vec<_> = (0..problems.len()).map(|n| wide(on_device.weights(n).unwrap())).collect();
        let losses = on_device.update(RATE).unwrap();
        for (n, ((engine, adam), mut weights)) in engines.iter_mut().zip(before).enumerate() {
            let mut note = |what: &str, error, most| {
                let what = format!("puzzle {n}, update {update}: {what}");
                found.push(Found { what, error, most });
            };
            let expected = engine.forth(&weights, update, Noise::new(problems[n].seed, update as u64 + 1));
            note("said", error(&[losses[n].said], &[expected.said], 0.0), MOST[0]);
            note("missing", error(&[losses[n].missing], &[expected.missing], 0.0), MOST[0]);
            let mut gradient = vec![0.0; weights.len()];
            engine.back(&weights, &mut gradient);
            let its = on_device.gradient(n).unwrap();
            // What single precision comes to anyway.
            let Problem { puzzle, program, seed, .. } = &problems[n];
            let narrow: Vec<f32> = weights.iter().map(|&w| w as f32).collect();
            let mut engine = Engine::<f32>::new(Arc::clone(puzzle), Arc::clone(program));
            let mut other = vec![0.0; narrow.len()];
            engine.forth(&narrow, update, Noise::new(*seed, update as u64 + 1));
            engine.back(&narrow, &mut other);
            let inevitable = error(&other, &gradient, 0.0);
            note("gradient", error(&its, &gradient, 0.0), MOST[1].max(FEW * inevitable));
            adam.step([(weights.as_mut_slice(), wide(its).as_slice())]);
            note("weights", error(&on_device.weights(n).unwrap(), &weights, 0.0), MOST[2]);
        }
    }
    found
}
