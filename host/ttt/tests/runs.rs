//! Runs that end in every way give everything back, and share a device fairly.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use fastrand::Rng;
use stratagem_domain::training::{Said, Schedule, Trained, Training};
use stratagem_domain::{Declined, Grid, Limits, Pair};
use stratagem_ttt::lent::{LentTrainer, Trainer};

/// What is 3 becomes 2, on grids of such sides.
fn start(base: &str, side: u32, seed: u64) -> Training {
    let mut chance = Rng::with_seed(seed);
    let mut grid = || {
        let cells: Vec<u8> = (0..side * side).map(|_| 3 * chance.u8(..2)).collect();
        Grid::new(side, side, &cells).unwrap()
    };
    let recoloured = |grid: &Grid| {
        let cells: Vec<u8> = grid.cells().iter().map(|&cell| cell.min(2)).collect();
        Grid::new(side, side, &cells).unwrap()
    };
    let mut pair = || {
        let input = grid();
        Pair { output: recoloured(&input), input }
    };
    let demonstrations = vec![pair(), pair()];
    Training::Start { base: Some(base.to_owned()), demonstrations, inputs: vec![pair().input], seed }
}

fn train(steps: u32) -> Training {
    Training::Train { adaptation: 0, schedule: Schedule { steps, learning_rate: 0.0, views: 0 } }
}

fn ask(lent: &LentTrainer, asked: &Training) -> Result<Trained, Declined> {
    lent.answer(asked, &|_| None)
}

/// A run that begins, trains and is cut short by something; what it was told makes sense, whatever that was.
fn cut_short(trainer: &Trainer, chance: &mut Rng) {
    let limits = Limits {
        device_ms: chance.u64(..6),
        device_memory_mb: chance.u64(..4),
        wall_ms: chance.u64(..20),
        ..Limits::default()
    };
    let lent = trainer.lend(&limits, Instant::now());
    for _ in 0..chance.u32(1..4) {
        let base = ["compression", "automaton"][chance.usize(..2)];
        match ask(&lent, &start(base, chance.u32(1..5), chance.u64(..))) {
            Ok(started) => assert!(started.device_bytes <= limits.device_bytes()),
            Err(Declined::Exhausted(_) | Declined::Unavailable(_)) => return,
            Err(Declined::Invalid(words)) => panic!("{words}"),
        }
        // At the limit, at the deadline, or done.
        let trained = ask(&lent, &train(chance.u32(1..50))).unwrap();
        assert!(matches!(trained.said, Said::Metrics(_)));
        if chance.bool() {
            ask(&lent, &Training::Release { adaptation: 0 }).unwrap();
            assert!(matches!(ask(&lent, &train(1)), Err(Declined::Invalid(_))));
            return;
        }
    }
}

/// Bytes of this process that lie in memory.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4_096
}

#[test]
fn a_thousand_runs_that_are_cut_short_leave_nothing_behind() {
    const RUNS: u64 = 1_000;
    let trainer = Trainer::new(2, 16 << 20);
    let play = |runs: std::ops::Range<u64>| {
        std::thread::scope(|scope| {
            for worker in 0..4 {
                let (trainer, runs) = (&trainer, runs.clone());
                scope.spawn(move || {
                    for run in runs.filter(|run| run % 4 == worker) {
                        cut_short(trainer, &mut Rng::with_seed(run));
                    }
                });
            }
        });
        assert_eq!((trainer.held(), trainer.runs()), (0, 0));
        resident()
    };
    let (first, all) = (play(0..RUNS / 5), play(RUNS / 5..RUNS));
    println!("resident after {} runs: {} KiB, after {RUNS}: {} KiB", RUNS / 5, first >> 10, all >> 10);
    assert!(all < first + (24 << 20), "{first} bytes lay in memory, then {all}");
    // The device still trains.
    let lent = trainer.lend(&Limits::default(), Instant::now());
    ask(&lent, &start("compression", 3, 1)).unwrap();
    let Said::Metrics(metrics) = ask(&lent, &train(20)).unwrap().said else { panic!() };
    assert_eq!(metrics.steps, 20);
}

/// Steps of different length, and a thread each: what counts is what each has had of the device.
#[test]
fn runs_share_a_device_evenly_however_long_their_steps_are() {
    const WALL: Duration = Duration::from_secs(8);
    let trainer = Trainer::new(1, 1 << 30);
    let sides = [2, 4, 9];
    let ready = Barrier::new(sides.len());
    let had: Vec<u64> = std::thread::scope(|scope| {
        let run = |side| {
            let (trainer, ready) = (&trainer, &ready);
            scope.spawn(move || {
                let limits = Limits { wall_ms: WALL.as_millis() as u64, ..Limits::default() };
                let asked = start("compression", side, 7);
                ready.wait();
                let lent = trainer.lend(&limits, Instant::now());
                ask(&lent, &asked).unwrap();
                ready.wait();
                ask(&lent, &train(100_000)).unwrap().device_ms
            })
        };
        let runs: Vec<_> = sides.into_iter().map(run).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    let fair = had.iter().sum::<u64>() as f64 / had.len() as f64;
    println!("milliseconds of the device: {had:?}");
    assert!(had.iter().all(|&had| (had as f64 - fair).abs() <= 0.2 * fair), "{had:?}");
}
