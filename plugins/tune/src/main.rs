//! Runs a strategy natively over a file of tasks: `tune STRATEGY TASKS.json [work] [threads] [id …]`.
//!
//! `tune policy LINES.txt` counts for synthesis' policy what lines of an earlier pass solve tasks with.
//!
//! Prints a line a task and the totals: the tuning tool, and the measure of what the sandbox costs. With ids,
//! prints every answer to the first test input too.

mod folds;
mod policy;

use std::time::Instant;

use folds::Folds;
use serde_json::Value;
use stratagem_dsl::{Grid, Pair, Task};
use stratagem_kit::{Answer, Budget, Ranking, Work, program_in};
use stratagem_synthesis::{Limits, WORK_USUAL};

const USAGE: &str = "usage: tune STRATEGY TASKS.json [work] [threads] [id …]";

struct Outcome {
    /// The rank at which all test inputs are right, from 1.
    solved_at: Option<usize>,
    right: Vec<Option<usize>>,
    seconds: f64,
    work: u64,
    /// Answers whose printed program does not parse or answers otherwise.
    unreproduced: usize,
    line: String,
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let strategy = args.first().expect(USAGE);
    let path = args.get(1).expect(USAGE);
    let work: u64 = args.get(2).map_or(WORK_USUAL, |w| w.parse().expect("work"));
    let threads: usize = args.get(3).map_or(1, |w| w.parse().expect("threads"));
    let only = args.get(4..).unwrap_or_default();
    let text = std::fs::read_to_string(path).expect("tasks file");
    if strategy == "policy" {
        print!("{}", policy::counts(&text));
        return;
    }
    let tasks: serde_json::Map<String, Value> = serde_json::from_str(&text).expect("JSON");
    let chosen: Vec<(&String, &Value)> =
        tasks.iter().filter(|(id, _)| only.is_empty() || only.contains(id)).collect();
    let ids: Vec<&String> = chosen.iter().map(|(id, _)| *id).collect();
    let folds = if strategy == "imitation" { Folds::learn(&tasks, &ids) } else { Folds::none() };
    let folds = &folds;
    let mut outcomes: Vec<Outcome> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|w| {
                let mine: Vec<_> = chosen.iter().skip(w).step_by(threads).collect();
                scope.spawn(move || {
                    mine.into_iter()
                        .map(|(id, task)| attempt(strategy, folds, id, task, work, !only.is_empty()))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        workers.into_iter().flat_map(|w| w.join().expect("worker")).collect()
    });
    outcomes.sort_by(|a, b| a.line.cmp(&b.line));
    for o in &outcomes {
        println!("{}", o.line);
    }
    let at = |k: usize| outcomes.iter().filter(|o| o.solved_at.is_some_and(|r| r <= k)).count();
    let mut seconds: Vec<f64> = outcomes.iter().map(|o| o.seconds).collect();
    seconds.sort_by(f64::total_cmp);
    let total_work: u64 = outcomes.iter().map(|o| o.work).sum();
    let total: f64 = seconds.iter().sum();
    let partial: f64 = outcomes
        .iter()
        .map(|o| {
            let hit = o.right.iter().filter(|r| r.is_some_and(|r| r <= 2)).count();
            hit as f64 / o.right.len() as f64
        })
        .sum();
    println!(
        "tasks {} solved @1 {} @2 {} @3 {} partial@2 {:.1} | seconds median {:.3} p95 {:.3} max {:.3} total {:.1} | {:.0} M work/s | peak {} MB | unreproduced {}",
        outcomes.len(),
        at(1),
        at(2),
        at(3),
        partial,
        seconds[seconds.len() / 2],
        seconds[seconds.len() * 95 / 100],
        seconds[seconds.len() - 1],
        total,
        total_work as f64 / total / 1e6,
        peak_megabytes(),
        outcomes.iter().map(|o| o.unreproduced).sum::<usize>(),
    );
}

/// A task and its test outputs.
fn read_task(json: &Value) -> (Task, Vec<Grid>) {
    let pairs = |part: &str| -> Vec<Pair> {
        json[part]
            .as_array()
            .expect("pairs")
            .iter()
            .map(|p| Pair { input: grid(&p["input"]), output: grid(&p["output"]) })
            .collect()
    };
    let (test, outputs) = pairs("test").into_iter().map(|p| (p.input, p.output)).unzip();
    (Task { train: pairs("train"), test }, outputs)
}

fn attempt(strategy: &str, folds: &Folds, id: &str, json: &Value, work: u64, verbose: bool) -> Outcome {
    let (task, outputs) = read_task(json);
    let mut answers: Vec<Answer> = Vec::new();
    let mut budget = Work(work);
    let (start, cpu) = (Instant::now(), cpu_seconds());
    let mut offer = |answer| answers.push(answer);
    match strategy {
        "evolution" => {
            let (seed, memory_bytes) = (7, 80 << 20);
            stratagem_evolution::search(
                &task,
                seed,
                &[],
                memory_bytes,
                &mut budget,
                &mut |g| told(verbose, id, &g),
                &mut offer,
            );
        }
        "synthesis" => stratagem_synthesis::search(&task, Limits::default(), &mut budget, &mut offer),
        "objects" => {
            let mut ranking = Ranking::new(task.test.len(), 12);
            stratagem_synthesis::objects::search(&task, &mut budget, &mut ranking);
            ranking.flush(&mut offer);
        }
        "cells" => {
            let mut ranking = Ranking::new(task.test.len(), 12);
            stratagem_synthesis::cells::search(&task, &mut budget, &mut ranking);
            ranking.flush(&mut offer);
        }
        "layout" => {
            let mut ranking = Ranking::new(task.test.len(), 12);
            stratagem_synthesis::layout::search(&task, &mut budget, &mut ranking);
            ranking.flush(&mut offer);
        }
        "imitation" => {
            stratagem_imitation::solve(&task, folds.policy(id), &mut budget, &mut offer);
        }
        other => panic!("no strategy {other}: synthesis, objects, cells, layout, evolution, imitation"),
    }
    let seconds = cpu.zip(cpu_seconds()).map_or(start.elapsed().as_secs_f64(), |(a, b)| b - a);
    let right: Vec<Option<usize>> =
        outputs.iter().enumerate().map(|(t, wanted)| rank_of(&answers, t, wanted)).collect();
    let solved_at = right.iter().copied().try_fold(0, |worst, r| Some(worst.max(r?)));
    let mut best: Vec<&Answer> = answers.iter().filter(|a| a.test_index == 0).collect();
    best.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    let rationale =
        best.first().map_or("nothing".to_string(), |a| format!("{:.2} {}", a.confidence, a.rationale));
    let verdict = solved_at.map_or("-".to_string(), |r| r.to_string());
    let spent = work - budget.left();
    if let Some(wanted) = verbose.then(|| &outputs[0]) {
        for a in &best {
            let mark = if a.grid == *wanted { "right" } else { "wrong" };
            println!("  {id} {mark} {:.3} {}", a.confidence, a.rationale);
        }
    }
    let line = format!("{id} {verdict} {seconds:.3}s {:.1}M {rationale}", spent as f64 / 1e6);
    let unreproduced = answers.iter().filter(|a| !is_reproduced(a, &task)).count();
    Outcome { solved_at, right, seconds, work: spent, unreproduced, line }
}

fn is_reproduced(answer: &Answer, task: &Task) -> bool {
    program_in(&answer.rationale).and_then(|p| p.run(&task.test[answer.test_index])).as_ref()
        == Some(&answer.grid)
}

/// The rank of the right grid among the distinct grids offered for a test input.
fn rank_of(answers: &[Answer], test: usize, wanted: &Grid) -> Option<usize> {
    let mut distinct: Vec<(&Grid, f64)> = Vec::new();
    for a in answers.iter().filter(|a| a.test_index == test) {
        match distinct.iter_mut().find(|(g, _)| *g == &a.grid) {
            Some(known) => known.1 = known.1.max(a.confidence),
            None => distinct.push((&a.grid, a.confidence)),
        }
    }
    distinct.sort_by(|a, b| b.1.total_cmp(&a.1));
    distinct.iter().position(|(g, _)| *g == wanted).map(|i| i + 1)
}

fn grid(json: &Value) -> Grid {
    let rows: Vec<Vec<u8>> = json
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| {
            let cells = row.as_array().expect("cells");
            cells.iter().map(|c| c.as_u64().expect("colour") as u8).collect()
        })
        .collect();
    Grid::from_rows(&rows).expect("a grid")
}

/// What this thread has used of a processor, where the system tells.
fn cpu_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(text.split_whitespace().next()?.parse::<f64>().ok()? / 1e9)
}

fn peak_megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmHWM"));
    line.and_then(|l| l.split_whitespace().nth(1)?.parse::<u64>().ok()).unwrap_or(0) / 1024
}

fn told(verbose: bool, id: &str, generation: &stratagem_evolution::Generation) {
    if verbose {
        println!("  {id} generation {generation}");
    }
}
