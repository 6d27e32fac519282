//! One plugin, many manners: the setting `act` says what it does after it has offered an answer.

mod compute;

use std::hint::black_box;

use stratagem_sdk::{Answer, Description, Grid, Lesson, Level, Run, Strategy, Task, export};

struct Probe;

impl Strategy for Probe {
    fn describe() -> Description {
        Description::new("probe", "0.1.0", "fixture", "does what the setting `act` says, good or bad")
    }

    fn solve(task: &Task, run: &Run) -> Result<(), String> {
        let act = run.setting("act").unwrap_or_default();
        let count: u64 = run.setting("count").map_or(0, |count| count.parse().unwrap_or(0));
        if act == "nothing" {
            return Ok(());
        }
        run.offer(&Answer::new(0, task.test[0].clone(), 0.5, "offered first"))?;
        run.step("act", &act, true);
        match act.as_str() {
            "answer" | "" => Ok(()),
            "give-up" => Err("no idea".into()),
            "burn" => loop {
                black_box(0);
            },
            "grow" => {
                let mut held: Vec<Vec<u8>> = Vec::new();
                loop {
                    held.push(black_box(vec![1; 1 << 20]));
                }
            }
            "hold" => {
                black_box(vec![1_u8; count as usize]);
                Ok(())
            }
            "panic" => panic!("the probe panics: {}", task.id),
            "overflow-stack" => Err(descend(count).to_string()),
            "answers" => offer_until_refused(task, run),
            "log" => {
                (0..count).for_each(|line| run.log(Level::Info, &format!("line {line} of many")));
                Ok(())
            }
            "long-log" => {
                run.log(Level::Info, &"x".repeat(count as usize));
                Ok(())
            }
            "steps" => {
                (0..count).for_each(|_| run.step("again", "", false));
                Ok(())
            }
            "calls" => loop {
                run.seed();
            },
            "host-calls" => {
                for _ in 0..count {
                    black_box(run.seed());
                }
                Ok(())
            }
            "offers" => {
                let answer = Answer::new(0, task.test[0].clone(), 0.5, "");
                for _ in 0..count {
                    let _ = run.offer(&answer);
                }
                Ok(())
            }
            "invalid" => offer_invalid(task, run),
            "chance" => {
                let colour = (run.seed() % 10) as u8;
                run.offer(&Answer::new(0, grid(1, 1, vec![colour]), 0.9, "by seed"))?;
                Ok(())
            }
            "compute" => {
                let sum = compute::compute(&task.test[0].cells, count);
                run.offer(&Answer::new(0, grid(1, 1, vec![(sum % 10) as u8]), 0.9, sum.to_string()))?;
                Ok(())
            }
            "nan" => {
                let bits = f64::NAN.to_bits() ^ (black_box(0.0_f64) / black_box(0.0_f64)).to_bits();
                run.step("nan", &format!("{bits:x}"), true);
                Ok(())
            }
            "budget" => {
                let left = run.budget();
                run.step("budget", &format!("{left:?}"), true);
                Ok(())
            }
            other => Err(format!("the probe knows no act {other}")),
        }
    }

    fn learn(lessons: &[Lesson], run: &Run) -> Result<(), String> {
        let outputs: usize = lessons.iter().map(|lesson| lesson.outputs.len()).sum();
        run.log(Level::Info, &format!("{} lessons, {outputs} outputs", lessons.len()));
        Ok(())
    }
}

fn grid(width: u32, height: u32, cells: Vec<u8>) -> Grid {
    Grid { width, height, cells }
}

fn descend(depth: u64) -> u64 {
    if depth == u64::MAX { 0 } else { black_box(descend(black_box(depth + 1))) + 1 }
}

fn offer_until_refused(task: &Task, run: &Run) -> Result<(), String> {
    loop {
        run.offer(&Answer::new(0, task.test[0].clone(), 0.1, "one more"))?;
    }
}

/// Offers what the host must refuse, and says in steps how it was refused.
fn offer_invalid(task: &Task, run: &Run) -> Result<(), String> {
    let good = || task.test[0].clone();
    let cases = [
        Answer::new(99, good(), 0.5, ""),
        Answer::new(0, good(), 1.5, ""),
        Answer::new(0, good(), f64::NAN, ""),
        Answer::new(0, grid(2, 2, vec![0; 3]), 0.5, ""),
        Answer::new(0, grid(1, 1, vec![10]), 0.5, ""),
        Answer::new(0, grid(31, 1, vec![0; 31]), 0.5, ""),
        Answer::new(0, grid(0, 0, vec![]), 0.5, ""),
        Answer::new(0, grid(u32::MAX, u32::MAX, vec![]), 0.5, ""),
    ];
    for case in &cases {
        match run.offer(case) {
            Ok(()) => run.step("offer", "taken", false),
            Err(refusal) => run.step("offer", &String::from(refusal), true),
        }
    }
    Ok(())
}

export!(Probe);
