//! Breaks exactly one rule of the conformance suite, or none: [`FAULT`] says which.
//!
//! The suite runs plugins without settings, so the fault lies in the component itself. A component carries no
//! checksum: a test writes the fault's name over the marker's dots and has another plugin, without another build.

use std::hint::black_box;

use stratagem_sdk::{Answer, Description, Grid, Lesson, Level, Run, Strategy, Task, export};

static FAULT: [u8; 32] = *b"FAULT=..........................";

struct Faulty;

/// The name of the fault, read anew each time so that no compiler knows it.
fn fault() -> &'static str {
    let text = std::str::from_utf8(black_box(&FAULT)).unwrap_or_default();
    text.trim_start_matches("FAULT=").trim_end_matches('.')
}

impl Strategy for Faulty {
    fn describe() -> Description {
        let mut summary = "Breaks one rule of the conformance suite".to_owned();
        match fault() {
            "describe-stable" if !can_hold(64 << 20) => summary += ", in little memory",
            "describe-cheap" => burn(10_000_000),
            "describe-alone" => Run::new().log(Level::Info, "somebody asks"),
            _ => {}
        }
        Description::new("faulty", "0.1.0", "fixture", &summary)
    }

    fn solve(task: &Task, run: &Run) -> Result<(), String> {
        let budget = run.budget();
        match fault() {
            "answers-early" => burn(20_000_000),
            "any-seed" => assert!(run.seed() == 0, "seed {} is not 0", run.seed()),
            "small-fuel" => assert!(budget.fuel > 5_000_000, "the plan needs more fuel than {}", budget.fuel),
            "small-memory" => {
                assert!(budget.memory_bytes > 40 << 20, "{} bytes are few", budget.memory_bytes)
            }
            "no-room-for-text" => assert!(budget.steps > 0, "there is always room for a step"),
            "few-host-calls" => assert!(budget.host_calls > 10, "{} calls are few", budget.host_calls),
            "text-fits" => (0..200).for_each(|_| run.log(Level::Debug, &"x".repeat(1_000))),
            "valid-answers" => {
                let blank = Grid { width: 1, height: 1, cells: vec![10] };
                // The refusal is not looked at.
                let _ = run.offer(&Answer::new(0, blank, 0.5, "a colour that there is not"));
            }
            odd => assert!(!is(odd, task), "this task is not one that was thought of"),
        }
        for (test_index, input) in task.test.iter().enumerate() {
            for output in [input, &task.train[0].output] {
                let offered = run.offer(&Answer::new(test_index, output.clone(), 0.1, ""));
                if fault() == "refused-offers" {
                    offered.expect("an answer is always taken");
                }
            }
        }
        Ok(())
    }

    fn learn(lessons: &[Lesson], run: &Run) -> Result<(), String> {
        match fault() {
            "learn-nothing" => run.log(Level::Info, &lessons[0].task.id),
            "learn-one" => assert!(lessons.len() != 1, "one lesson is not enough"),
            "no-output-after-the-end" => {
                let late = Grid { width: 1, height: 1, cells: vec![0] };
                let _ = run.offer(&Answer::new(0, late, 0.5, "found when all was over"));
            }
            _ => {}
        }
        Ok(())
    }
}

/// Whether a task is odd in the way that the case of this name looks at.
fn is(odd: &str, task: &Task) -> bool {
    let inputs = || task.train.iter().map(|pair| &pair.input).chain(&task.test);
    let size = |grid: &Grid| (grid.width, grid.height);
    let has_colours = |grid: &Grid| (0..10).all(|colour| grid.cells.contains(&colour));
    let first = &task.train[0];
    match odd {
        "task-1x1" => inputs().all(|grid| size(grid) == (1, 1)),
        "task-30x30" => inputs().any(|grid| size(grid) == (30, 30)),
        "task-one-pair" => task.train.len() == 1,
        "task-ten-pairs" => task.train.len() == 10,
        "task-two-tests" => task.test.len() == 2,
        "task-many-tests" => task.test.len() > 2,
        "task-no-change" => task.train.iter().all(|pair| pair.input == pair.output),
        "task-constant-output" => {
            task.train.len() > 1 && task.train.iter().all(|pair| pair.output == first.output)
        }
        "task-all-colours" => inputs().any(has_colours),
        "task-sizes-differ" => inputs().any(|grid| size(grid) != size(&first.input)),
        "task-not-square" => inputs().any(|grid| grid.width != grid.height),
        _ => false,
    }
}

/// Whether so much memory is to be had.
fn can_hold(bytes: usize) -> bool {
    let mut held: Vec<u8> = Vec::new();
    let can = held.try_reserve_exact(bytes).is_ok();
    black_box(held);
    can
}

/// Takes a few units of fuel a step.
fn burn(steps: u64) {
    for step in 0..steps {
        black_box(step);
    }
}

export!(Faulty);
