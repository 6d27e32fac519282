//! The cellular automaton: a walk, its gradient, and what an update makes of the weights.

use fastrand::Rng;
use stratagem_ttt::board::Board;
use stratagem_ttt::launch::Device;
use stratagem_ttt::model::automaton::{Automaton, DECAY, LONGEST};
use stratagem_ttt::ops::automaton::Automaton as OnDevice;
use stratagem_ttt::reference::adam::Adam;
use stratagem_ttt::reference::automaton::{Scratch, loss, start, step};

use super::{Found, error, grid};

/// Of what cells hold and of a gradient, of the loss, and of weights after an update.
const MOST: [f64; 3] = [1e-4, 1e-5, 1e-5];
const STEPS: usize = 5;
const RATE: f64 = 0.002;
const KEPT: f32 = 0.99;

pub fn all(device: &dyn Device) -> Vec<Found> {
    let mut chance = Rng::with_seed(9);
    let colours: Vec<u8> = (0..10).collect();
    // More cells than a block has, and not a multiple of them.
    let grids = [[5, 7], [1, 1], [6, 3]].map(|[height, width]| grid(&mut chance, height, width, &colours));
    let board = Board::of(&grids);
    let wanted: Vec<u8> = board.colours.iter().map(|colour| (colour + 1) % 10).collect();
    let mut weights = Automaton::<f32>::fresh(&mut chance);
    weights.parts_mut().into_iter().flatten().for_each(|w| *w += (chance.f32() - 0.5) * 0.05);
    let mut on_device = OnDevice::new(device, &weights, board.len(), STEPS).unwrap();
    let mut wide = wide(&weights);
    let mut found = Vec::new();
    let mut note = |what: &str, error, most| {
        found.push(Found { what: format!("automaton: {what}"), error, most });
    };

    let mut scratch = Scratch::new(&board);
    let walked = (0..3).fold(start::<f64>(&board), |state, _| step(&wide, &board, &state, &mut scratch));
    note("states", error(&on_device.run(&board, 3).unwrap(), walked.as_slice().unwrap(), 0.0), MOST[0]);

    let mut gradient = Automaton::<f64>::zero();
    let expected = loss(&wide, &board, &wanted, STEPS, &mut scratch, &mut gradient);
    let told = on_device.update(&board, &wanted, STEPS, None).unwrap();
    note("loss", error(&[told], &[expected], 0.0), MOST[1]);
    let slopes = on_device.gradient().unwrap();
    note("gradient", error(&slopes, &gradient.parts().concat(), 0.0), MOST[0]);

    // From the device's own gradient: Adam's first step goes as far for the least slope as for the steepest.
    on_device.update(&board, &wanted, STEPS, Some((RATE, KEPT))).unwrap();
    let mut slopes: Vec<f64> = on_device.gradient().unwrap().into_iter().map(f64::from).collect();
    let length = slopes.iter().map(|slope| slope * slope).sum::<f64>().sqrt();
    let shorter = (f64::from(LONGEST) / length).min(1.0);
    slopes.iter_mut().for_each(|slope| *slope *= shorter);
    wide.parts_mut().into_iter().flatten().for_each(|weight| *weight *= f64::from(KEPT));
    let mut moved = wide.parts().concat();
    Adam::new(RATE, DECAY, moved.len()).step([(moved.as_mut_slice(), slopes.as_slice())]);
    note("weights", error(&on_device.weights().unwrap(), &moved, 0.0), MOST[2]);
    found
}

fn wide(weights: &Automaton<f32>) -> Automaton<f64> {
    let mut wide = Automaton::<f64>::zero();
    for (to, from) in wide.parts_mut().into_iter().zip(weights.parts()) {
        to.iter_mut().zip(from).for_each(|(to, &x)| *to = f64::from(x));
    }
    wide
}
