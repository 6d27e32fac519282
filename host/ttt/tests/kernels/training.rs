//! Training as `train::compression` does it, with the answers that come of it.

use stratagem_domain::{Grid, Pair};
use stratagem_ttt::launch::emulator::Emulator;
use stratagem_ttt::train::compression::{LEARNING_RATE, Plan};
use stratagem_ttt::train::device::{Batch, Training};

fn grid(rows: &[[u8; 2]]) -> Grid {
    Grid::from_rows(rows).unwrap()
}

/// What is 3 becomes 2.
fn shown() -> Vec<Pair> {
    [[[0, 3], [3, 3]], [[3, 0], [0, 3]]]
        .map(|rows| Pair {
            input: grid(&rows),
            output: grid(&rows.map(|row| row.map(|c| if c == 3 { 2 } else { c }))),
        })
        .to_vec()
}

#[test]
fn a_device_answers_as_the_processor_does() {
    let asked = [grid(&[[3, 3], [3, 0]])];
    let plan = |seed| Plan::new(&shown(), &asked, seed).unwrap();
    let mut expected = plan(1).begin();
    let mut training = Training::new(&Emulator, &plan(1)).unwrap();
    let loss = training.update(LEARNING_RATE).unwrap();
    let its = expected.update(LEARNING_RATE).unwrap();
    assert!((loss.total() - its.total()).abs() < 1e-5 * its.total(), "{loss:?} {its:?}");
    let near = |a: f64, b: f64| (a - b).abs() < 1e-4 * b.abs().max(1.0);
    let [answers, others] = [training.answers(0), expected.answers(0)];
    assert!(
        answers.iter().zip(&others).all(|(a, b)| a.0 == b.0 && near(a.1, b.1))
            && answers.len() == others.len()
    );
    let right = grid(&[[2, 2], [2, 0]]);
    assert!(near(training.score(0, &right).unwrap(), expected.score(0, &right).unwrap()));
    assert!(near(training.accuracy(), expected.accuracy()));
    assert_eq!(training.score(0, &Grid::from_rows(&[[2, 2, 0]]).unwrap()), None, "of another size");
    // What is missing falls; from here on, rounding leads both on ways of their own.
    let losses = (0..12).map(|_| training.update(LEARNING_RATE).unwrap().missing);
    let last = losses.last().unwrap();
    assert!(last < loss.missing / 3.0, "{loss:?} {last}");
}

#[test]
fn tasks_together_are_what_each_is_alone() {
    let asked = [grid(&[[3, 3], [3, 0]])];
    let other = [Pair { input: grid(&[[1, 0]]), output: grid(&[[0, 1]]) }];
    let plans = [
        Plan::new(&shown(), &asked, 1).unwrap(),
        Plan::new(&other, &[grid(&[[1, 1]]), grid(&[[0, 0]])], 2).unwrap(),
    ];
    let mut together = Batch::new(&Emulator, &plans).unwrap();
    for _ in 0..2 {
        together.update(LEARNING_RATE).unwrap();
    }
    for (n, plan) in plans.iter().enumerate() {
        let mut alone = Training::new(&Emulator, plan).unwrap();
        for _ in 0..2 {
            alone.update(LEARNING_RATE).unwrap();
        }
        // To the bit: what a task comes to does not depend on its company.
        assert_eq!(alone.weights().unwrap(), together.weights(n).unwrap());
        assert_eq!(alone.answers(0), together.answers(n, 0));
    }
    assert!(Batch::bytes(&plans) > Batch::bytes(&plans[..1]));
}

#[test]
fn a_task_of_black_grids_alone_is_no_trouble() {
    let black = grid(&[[0, 0], [0, 0]]);
    let pair = Pair { input: black.clone(), output: black.clone() };
    let plan = || Plan::new(&[pair.clone(), pair.clone()], std::slice::from_ref(&black), 1).unwrap();
    let mut training = Training::new(&Emulator, &plan()).unwrap();
    let mut expected = plan().begin();
    let both = [training.update(LEARNING_RATE).unwrap(), expected.update(LEARNING_RATE).unwrap()];
    assert!((both[0].total() - both[1].total()).abs() < 1e-4 * both[1].total(), "{both:?}");
    training.update(LEARNING_RATE).unwrap();
    assert_eq!(training.answers(0)[0].0, black);
}
