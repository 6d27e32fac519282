//! Holds the kernels to the reference on a device, and times training there: `just gpu`.
//!
//! ```text
//! gpu [--device N | --emulator] [--tasks FOLDER] [--limit N] [--batches 1,16,64] [--updates N] [--train STEPS] [--out FILE]
//! ```
//!
//! The program stands alone: built on one machine, it runs on another that has a device and its driver. `FOLDER` holds tasks,
//! one JSON file each; without it tasks are random. Results are written as JSON. It fails where there is no device, and where
//! anything that was computed is wrong. What a framework takes on the same device, `tests/torch/compression.py` says:
//!
//! ```text
//! compression.py TASK.json --updates 20 --device cuda
//! ```

#[path = "../tests/checks/mod.rs"]
mod checks;

use std::error::Error;
use std::fs;
use std::process::ExitCode;
use std::time::Instant;

use checks::Found;
use serde_json::{Value, json};
use stratagem_domain::{Grid, Pair};
use stratagem_ttt::launch::Device;
use stratagem_ttt::launch::cuda::Cuda;
use stratagem_ttt::launch::emulator::Emulator;
use stratagem_ttt::train::automaton;
use stratagem_ttt::train::compression::{LEARNING_RATE, Plan};
use stratagem_ttt::train::device::Batch;

type Fallible<T> = Result<T, Box<dyn Error>>;

/// Updates that a task takes, as published.
const STEPS: f64 = 2_000.0;
/// Updates that are not timed.
const WARM: usize = 20;

struct Arguments {
    device: u32,
    is_emulated: bool,
    tasks: Option<String>,
    limit: usize,
    batches: Vec<usize>,
    updates: usize,
    train: usize,
    out: String,
}

struct Task {
    name: String,
    shown: Vec<Pair>,
    asked: Vec<Grid>,
    /// Where they are known.
    wanted: Vec<Option<Grid>>,
}

fn arguments() -> Fallible<Arguments> {
    let mut all = Arguments {
        device: 0,
        is_emulated: false,
        tasks: None,
        limit: 64,
        batches: vec![1, 4, 16, 64],
        updates: 200,
        train: 0,
        out: "gpu.json".to_owned(),
    };
    let mut given = std::env::args().skip(1);
    while let Some(name) = given.next() {
        if name == "--emulator" {
            all.is_emulated = true;
            continue;
        }
        let value = given.next().ok_or_else(|| format!("{name} takes a value, or is unknown"))?;
        match name.as_str() {
            "--device" => all.device = value.parse()?,
            "--tasks" => all.tasks = Some(value),
            "--limit" => all.limit = value.parse()?,
            "--batches" => all.batches = value.split(',').map(str::parse).collect::<Result<_, _>>()?,
            "--updates" => all.updates = value.parse()?,
            "--train" => all.train = value.parse()?,
            "--out" => all.out = value,
            _ => return Err(format!("unknown: {name}").into()),
        }
    }
    Ok(all)
}

fn grid(value: &Value) -> Fallible<Grid> {
    let rows: Vec<Vec<u8>> = serde_json::from_value(value.clone())?;
    Grid::from_rows(&rows).map_err(|error| error.to_string().into())
}

fn task(name: String, text: &str) -> Fallible<Task> {
    let read: Value = serde_json::from_str(text)?;
    let list = |key: &str| read[key].as_array().cloned().ok_or_else(|| format!("{name}: no {key}"));
    let pair = |pair: &Value| Ok(Pair { input: grid(&pair["input"])?, output: grid(&pair["output"])? });
    let shown = list("train")?.iter().map(pair).collect::<Fallible<_>>()?;
    let test = list("test")?;
    let asked = test.iter().map(|pair| grid(&pair["input"])).collect::<Fallible<_>>()?;
    let wanted = test.iter().map(|pair| grid(&pair["output"]).ok()).collect();
    Ok(Task { name, shown, asked, wanted })
}

/// The tasks of a folder, or random ones as large as many of ARC's.
fn tasks(folder: Option<&str>, limit: usize, is_emulated: bool) -> Fallible<Vec<Task>> {
    let Some(folder) = folder else {
        let sides = if is_emulated { [[4, 3]; 2] } else { [[12, 15]; 2] };
        let one = |seed: usize| {
            let (shown, asked) = checks::task(seed as u64, &[sides; 4], sides[0], &[0, 1, 2, 3, 5]);
            Task { name: format!("random-{seed}"), shown, asked: vec![asked], wanted: vec![None] }
        };
        return Ok((0..limit).map(one).collect());
    };
    let mut paths: Vec<_> = fs::read_dir(folder)?.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "json"));
    paths.sort();
    paths.truncate(limit);
    let read = |path: &std::path::PathBuf| {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        task(name, &fs::read_to_string(path)?)
    };
    paths.iter().map(read).collect()
}

fn plan(task: &Task) -> Fallible<Plan> {
    Plan::new(&task.shown, &task.asked, 1).map_err(|unfit| format!("{}: {unfit:?}", task.name).into())
}

fn held(found: &[Found]) -> Value {
    let wrong: Vec<&Found> = found.iter().filter(|found| !found.is_right()).collect();
    wrong.iter().for_each(|found| {
        println!("  wrong: {}: {:.1e}, at most {:.1e}", found.what, found.error, found.most);
    });
    let each =
        found.iter().map(|found| json!({"what": found.what, "error": found.error, "most": found.most}));
    json!({"compared": found.len(), "wrong": wrong.len(), "each": each.collect::<Vec<_>>()})
}

/// Whether the same training twice comes to the same weights, to the bit.
fn is_repeatable(device: &dyn Device, task: &Task) -> Fallible<bool> {
    let weights = || -> Fallible<Vec<f32>> {
        let mut batch = Batch::new(device, &[plan(task)?])?;
        for _ in 0..5 {
            batch.update(LEARNING_RATE)?;
        }
        Ok(batch.weights(0)?)
    };
    Ok(weights()? == weights()?)
}

/// Times updates of some tasks together.
fn timed(device: &dyn Device, tasks: &[Task], updates: usize) -> Fallible<Value> {
    let plans = tasks.iter().map(plan).collect::<Fallible<Vec<Plan>>>()?;
    let begun = Instant::now();
    let mut batch = Batch::new(device, &plans)?;
    let readied = begun.elapsed();
    for _ in 0..WARM.min(updates) {
        batch.update(LEARNING_RATE)?;
    }
    let begun = Instant::now();
    for _ in 0..updates {
        batch.update(LEARNING_RATE)?;
    }
    let wall_ms = begun.elapsed().as_secs_f64() * 1e3 / updates as f64;
    let seconds = wall_ms * STEPS / 1e3;
    println!(
        "  {:>3} together: {wall_ms:.3} ms an update, {seconds:.1} s for {STEPS} updates, {:.0} tasks an hour",
        tasks.len(),
        3_600.0 / seconds * tasks.len() as f64
    );
    Ok(json!({
        "tasks": tasks.len(),
        "launches": batch.launches(),
        "memory_bytes": Batch::bytes(&plans),
        "ready_ms": readied.as_secs_f64() * 1e3,
        "update_ms": wall_ms,
        "all_updates_s": seconds,
        "tasks_an_hour": 3_600.0 / seconds * tasks.len() as f64,
    }))
}

/// Times updates of an automaton on the first task that keeps its sizes; none where there is no such task.
fn automaton_timed(device: &dyn Device, tasks: &[Task], updates: usize) -> Fallible<Value> {
    let begin = |task: &Task| automaton::Training::new(&task.shown, automaton::Habits::default(), 1).ok();
    let Some(training) = tasks.iter().find_map(begin) else { return Ok(Value::Null) };
    let memory_bytes = training.bytes_on_device();
    let mut training = training.on(device)?;
    for _ in 0..WARM.min(updates) {
        training.update(automaton::LEARNING_RATE)?;
    }
    let begun = Instant::now();
    for _ in 0..updates {
        training.update(automaton::LEARNING_RATE)?;
    }
    let update_ms = begun.elapsed().as_secs_f64() * 1e3 / updates as f64;
    println!("  an automaton: {update_ms:.3} ms an update");
    Ok(json!({"memory_bytes": memory_bytes, "update_ms": update_ms}))
}

/// Trains tasks to the end, and counts those whose wanted grids are all among the first two answers.
fn trained(device: &dyn Device, tasks: &[Task], together: usize, steps: usize) -> Fallible<Value> {
    let begun = Instant::now();
    let mut each = Vec::new();
    for tasks in tasks.chunks(together.max(1)) {
        let plans = tasks.iter().map(plan).collect::<Fallible<Vec<Plan>>>()?;
        let mut batch = Batch::new(device, &plans)?;
        for _ in 0..steps {
            batch.update(LEARNING_RATE)?;
        }
        for (n, task) in tasks.iter().enumerate() {
            let is_right = |(i, wanted): (usize, &Option<Grid>)| {
                let answers = batch.answers(n, i);
                wanted.as_ref().is_some_and(|wanted| answers.iter().take(2).any(|(grid, ..)| grid == wanted))
            };
            let solved = task.wanted.iter().enumerate().all(is_right);
            each.push(json!({"task": task.name, "solved": solved, "accuracy": batch.accuracy(n)}));
        }
    }
    let solved = each.iter().filter(|task| task["solved"] == true).count();
    let wall_s = begun.elapsed().as_secs_f64();
    println!("  {solved} of {} solved after {steps} updates, {wall_s:.0} s in all", each.len());
    Ok(json!({"steps": steps, "solved": solved, "wall_s": wall_s, "each": each}))
}

fn run() -> Fallible<bool> {
    let given = arguments()?;
    let (device, description): (Box<dyn Device>, Value) = if given.is_emulated {
        (Box::new(Emulator), json!({"name": "emulator"}))
    } else {
        let cuda = Cuda::new(given.device)?;
        let about = cuda.description()?;
        let description = json!({
            "name": about.name,
            "compute_capability": about.compute_capability,
            "driver_version": about.driver_version,
            "memory_bytes": about.memory_bytes,
            "memory_free_bytes": about.memory_free_bytes,
        });
        (Box::new(cuda), description)
    };
    println!("{description}");
    let device = device.as_ref();
    let tasks = tasks(given.tasks.as_deref(), given.limit, given.is_emulated)?;
    let Some(first) = tasks.first() else { return Err("no tasks".into()) };
    println!("operations");
    let ops = held(&checks::ops::all(device));
    println!("updates");
    let updates = held(&checks::step::all(device));
    let automaton = held(&checks::automaton::all(device));
    let repeats = is_repeatable(device, first)?;
    println!("the same again: {repeats}");
    let sizes = given.batches.iter().filter(|&&size| size <= tasks.len());
    let benchmark =
        sizes.map(|&size| timed(device, &tasks[..size], given.updates)).collect::<Fallible<Vec<Value>>>()?;
    let automaton_benchmark = automaton_timed(device, &tasks, given.updates)?;
    let together = given.batches.iter().copied().max().unwrap_or(1);
    let training =
        if given.train > 0 { trained(device, &tasks, together, given.train)? } else { Value::Null };
    let is_right = [&ops, &updates, &automaton].iter().all(|held| held["wrong"] == 0) && repeats;
    let result = json!({
        "device": description,
        "operations": ops,
        "updates": updates,
        "automaton": automaton,
        "is_repeatable": repeats,
        "benchmark": benchmark,
        "automaton_benchmark": automaton_benchmark,
        "training": training,
        "is_right": is_right,
    });
    fs::write(&given.out, serde_json::to_string_pretty(&result)?)?;
    println!("{}: {}", if is_right { "all is right" } else { "something is wrong" }, given.out);
    Ok(is_right)
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
