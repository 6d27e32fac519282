//! The cellular automaton: a walk, its gradient, and what updates make of the weights.

use fastrand::Rng;
use stratagem_domain::Grid;
use stratagem_ttt::board::Board;
use stratagem_ttt::launch::emulator::Emulator;
use stratagem_ttt::model::automaton::Automaton;
use stratagem_ttt::ops::automaton::Automaton as OnDevice;
use stratagem_ttt::reference::automaton::{Scratch, loss, start, step};

fn grid(chance: &mut Rng, width: u32, height: u32) -> Grid {
    let cells: Vec<u8> = (0..width * height).map(|_| chance.u8(0..10)).collect();
    Grid::new(width, height, &cells).unwrap()
}

#[test]
fn it_walks_and_learns_as_the_reference_does() {
    let mut chance = Rng::with_seed(9);
    // More cells than a block has, and not a multiple of them.
    let grids = [grid(&mut chance, 7, 5), grid(&mut chance, 1, 1), grid(&mut chance, 3, 6)];
    let board = Board::of(&grids);
    let wanted: Vec<u8> = board.colours.iter().map(|colour| (colour + 1) % 10).collect();
    let mut weights = Automaton::<f32>::fresh(&mut chance);
    weights.parts_mut().into_iter().flatten().for_each(|w| *w += (chance.f32() - 0.5) * 0.05);
    let wide = wide(&weights);
    let mut on_device = OnDevice::new(&Emulator, &weights, board.len(), 5).unwrap();

    let mut scratch = Scratch::new(&board);
    let walked = (0..3).fold(start::<f64>(&board), |state, _| step(&wide, &board, &state, &mut scratch));
    near("states", &on_device.run(&board, 3).unwrap(), walked.as_slice().unwrap());

    let mut gradient = Automaton::<f64>::zero();
    let expected = loss(&wide, &board, &wanted, 5, &mut scratch, &mut gradient);
    let found = on_device.update(&board, &wanted, 5, None).unwrap();
    assert!((f64::from(found) - expected).abs() < 1e-5 * expected, "{found} for {expected}");
    near("gradient", &on_device.gradient().unwrap(), &gradient.parts().concat());
}

fn wide(weights: &Automaton<f32>) -> Automaton<f64> {
    let mut wide = Automaton::<f64>::zero();
    for (to, from) in wide.parts_mut().into_iter().zip(weights.parts()) {
        to.iter_mut().zip(from).for_each(|(to, &x)| *to = f64::from(x));
    }
    wide
}

fn near(what: &str, found: &[f32], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(0.0f64, |most, x| most.max(x.abs()));
    for (i, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        let error = (f64::from(found) - expected).abs() / largest;
        assert!(error < 1e-4, "{what} {i}: {found} for {expected}, where the largest is {largest}");
    }
}
