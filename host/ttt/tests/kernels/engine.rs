//! Whole updates: loss, gradient, weights.

use std::sync::Arc;

use fastrand::Rng;
use stratagem_domain::{Grid, Pair};
use stratagem_ttt::launch::emulator::Emulator;
use stratagem_ttt::model::compression::compression;
use stratagem_ttt::model::program::Op;
use stratagem_ttt::noise::Noise;
use stratagem_ttt::ops::engine::{Engine as OnDevice, Problem};
use stratagem_ttt::puzzle::Puzzle;
use stratagem_ttt::reference::compression::Engine;

fn grid(chance: &mut Rng, height: usize, width: usize, colours: &[u8]) -> Grid {
    let mut row = || (0..width).map(|_| colours[chance.usize(..colours.len())]).collect::<Vec<u8>>();
    Grid::from_rows(&(0..height).map(|_| row()).collect::<Vec<_>>()).unwrap()
}

#[test]
fn one() {
    let mut chance = Rng::with_seed(11);
    let mut puzzle = |sides: &[[[usize; 2]; 2]], asked: [usize; 2]| {
        let mut one = |[height, width]: [usize; 2]| grid(&mut chance, height, width, &[0, 2, 5]);
        let shown: Vec<Pair> =
            sides.iter().map(|&[input, output]| Pair { input: one(input), output: one(output) }).collect();
        Puzzle::new(&shown, &[one(asked)])
    };
    let puzzles = [
            puzzle(&[[[2, 3], [2, 3]], [[3, 2], [3, 2]]], [2, 2]),
            puzzle(&[[[3, 2], [1, 2]], [[2, 2], [1, 2]]], [3, 3]),
            puzzle(&[[[2, 3], [1, 2]], [[2, 3], [2, 1]]], [3, 2]),
        ];
    for (which, puzzle) in puzzles.iter().enumerate() {
    let (program, mut weights) = compression(puzzle, 5);
    let mut chance = Rng::with_seed(7);
    weights.iter_mut().for_each(|w| *w += (chance.f32() - 0.5) * 0.1);
    let Some(Op::Draw { latents, .. }) = program.ops.first() else { panic!("first is drawn") };
    for latent in latents {
        latent.target.of_mut(&mut weights).iter_mut().for_each(|t| *t -= 0.6);
    }
    let (puzzle, program) = (Arc::new(puzzle.clone()), Arc::new(program));
    let mut on_device = OnDevice::new(&Emulator, vec![Problem { puzzle: puzzle.clone(), program: program.clone(), weights: weights.clone(), seed: 3 }]).unwrap();
    eprintln!("{} launches", on_device.launches());
    let begun = std::time::Instant::now();
    let loss = on_device.update(0.01).unwrap();
    eprintln!("{:?}", begun.elapsed());
    let wide: Vec<f64> = weights.iter().map(|&w| f64::from(w)).collect();
    let mut engine = Engine::<f64>::new(puzzle.clone(), program.clone());
    let expected = engine.forth(&wide, 0, Noise::new(3, 1));
    eprintln!("{which}: {loss:?} {expected:?}");
    let mut gradient = vec![0.0; wide.len()];
    engine.back(&wide, &mut gradient);
    let found = on_device.gradient(0).unwrap();
    let largest = gradient.iter().fold(0.0f64, |m, g| m.max(g.abs()));
    let worst = found.iter().zip(&gradient).map(|(&f, &g)| (f64::from(f) - g).abs()).fold(0.0f64, |a, b| if b > a || b.is_nan() { b } else { a });
    eprintln!("{worst} of {largest}");
    let mut narrow = Engine::<f32>::new(puzzle, program.clone());
    narrow.forth(&weights, 0, Noise::new(3, 1));
    let mut other = vec![0.0f32; wide.len()];
    narrow.back(&weights, &mut other);
    let worst = other.iter().zip(&gradient).map(|(&f, &g)| (f64::from(f) - g).abs()).fold(0.0f64, |a, b| if b > a || b.is_nan() { b } else { a });
    eprintln!("reference in f32 {worst} of {largest}");
    let mut bad = 0;
    for (i, (&f, &g)) in found.iter().zip(&gradient).enumerate() {
        let error = (f64::from(f) - g).abs() / largest;
        if !(error < 1e-4) && bad < 10 { bad += 1; eprintln!("{i}: {f} for {g}"); }
    }
    }
}
