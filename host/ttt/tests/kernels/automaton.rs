//! The cellular automaton: a walk, its gradient, and what updates make of the weights.

use fastrand::Rng;
use stratagem_domain::{Grid, Pair};
use stratagem_ttt::adaptation::{Adaptation, Base, Beginning, Metrics, Schedule};
use stratagem_ttt::board::Board;
use stratagem_ttt::launch::Device;
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

#[test]
fn a_task_is_trained_on_a_device_as_on_the_processor() {
    // What is 3 becomes 2.
    let row = |row: [u8; 3]| Grid::from_rows(&[row; 2]).unwrap();
    let shown: Vec<Pair> = [[0, 3, 0], [3, 3, 0], [0, 0, 3]]
        .map(|cells| Pair { input: row(cells), output: row(cells.map(|c| if c == 3 { 2 } else { c })) })
        .to_vec();
    let asked = row([3, 0, 3]);
    let learned = |device: Option<&dyn Device>| {
        let asked = std::slice::from_ref(&asked);
        let beginning =
            Beginning { base: Base::Automaton, demonstrations: &shown, asked, seed: 1, kept: None };
        let mut claimed = 0;
        let claim = |needs| {
            claimed = needs;
            Ok(())
        };
        let mut adaptation = Adaptation::start(&beginning, device, claim).unwrap();
        assert_eq!(adaptation.is_on_device(), device.is_some());
        let schedule = Schedule { steps: 30, learning_rate: None, is_turning: Some(true) };
        let Metrics { losses, accuracy } = adaptation.train(schedule, &mut || true).unwrap();
        let drawn = adaptation.predict(&asked[0], 1).unwrap().swap_remove(0);
        let score = adaptation.score(&asked[0], &drawn.output).unwrap().unwrap();
        let kept = adaptation.weights().unwrap();
        let again = Beginning { kept: Some(&kept), ..beginning };
        let resumed = Adaptation::start(&again, device, |_| Ok(())).unwrap().weights().unwrap();
        assert_eq!(resumed, kept);
        // Any grid may be asked about, the largest too.
        let largest = Grid::from_rows(&vec![[3; 30]; 30]).unwrap();
        adaptation.predict(&largest, 1).unwrap();
        (losses, accuracy, drawn.output, score, claimed)
    };
    let (losses, accuracy, drawn, score, claimed) = learned(Some(&Emulator));
    let (expected, accuracy_here, drawn_here, score_here, _) = learned(None);
    assert_eq!(losses.len(), expected.len());
    for (update, (found, expected)) in losses.iter().zip(&expected).enumerate() {
        assert!((found - expected).abs() < 1e-3 * expected.max(0.1), "{update}: {found} for {expected}");
    }
    assert!((accuracy - accuracy_here).abs() < 1e-9);
    assert_eq!(drawn, drawn_here);
    assert!((score - score_here).abs() < 1e-2 * score_here.abs().max(0.1), "{score} for {score_here}");
    assert!((1 << 20..100 << 20).contains(&claimed), "{claimed}");
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
