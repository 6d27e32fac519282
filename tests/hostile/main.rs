//! The hostile corpus: every plugin of `tests/guests/hostile` ends as its case says, leaves the row that it
//! says, stays within the host's memory, and the next plugin runs as if nothing had been.
//!
//! First every case is played alone, by name, and its share of the host's memory is measured. Then come rounds
//! of the whole corpus in random order, several cases at once. After each round nothing may be left: no child,
//! no descriptor, no thread, no file in the temporary folder; and from the fifth round on no memory.

mod cache;
mod case;
mod generate;
mod report;
mod row;
mod stage;
mod watch;

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use clap::Parser;
use tempfile::TempDir;

use crate::case::Case;
use crate::report::{Report, Round};
use crate::stage::{BOUND_MEMORIES, Played, Stage, bound_of_a_job, text_of};
use crate::watch::Holdings;

/// Plays the hostile corpus.
#[derive(Debug, Parser)]
pub struct Options {
    /// Only cases whose names contain this
    filter: Option<String>,
    /// Rounds in random order, after every case was played alone
    #[arg(long, default_value_t = 1)]
    rounds: usize,
    /// Cases at the same time in these rounds
    #[arg(long, default_value_t = 8)]
    jobs: usize,
    /// Decides the order
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Say which cases there are, and play none
    #[arg(long)]
    list: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// What `cargo test` passes on to every test
    #[arg(long, hide = true)]
    nocapture: bool,
    #[arg(long, hide = true)]
    test_threads: Option<usize>,
}

/// After so many rounds memory has found its level.
const SETTLED: usize = 5;
/// What it may grow afterwards, in hundredths.
const MOST_GROWTH: u64 = 5;

/// How many arenas malloc makes. With one a thread, freed memory stays with the arena that it came from, and
/// memory finds its level only after each of them has served the largest case.
const ARENAS: (&str, &str) = ("MALLOC_ARENA_MAX", "1");

fn main() -> ExitCode {
    let options = Options::parse();
    if std::env::var_os(ARENAS.0).is_none() {
        let again = std::env::current_exe().map(|program| {
            Command::new(program).args(std::env::args_os().skip(1)).env(ARENAS.0, ARENAS.1).exec()
        });
        eprintln!("error: the corpus does not start again: {again:?}");
        return ExitCode::FAILURE;
    }
    let done = if options.list { list(&options) } else { play(&options) };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/guests/hostile")
}

/// The cases that are asked for.
fn wanted<'a>(cases: &'a [Case], options: &Options) -> Vec<&'a Case> {
    let part = options.filter.as_deref().unwrap_or_default();
    cases.iter().filter(|case| case.name.contains(part)).collect()
}

fn list(options: &Options) -> Result<bool, String> {
    let all = Case::read_all(&corpus())?;
    let cases = wanted(&all, options);
    if options.json {
        let row = |case: &&Case| {
            let Case { name, tries, outcome, reason, .. } = case;
            serde_json::json!({ "case": name, "tries": tries, "outcome": outcome, "reason": reason })
        };
        println!("{:#}", serde_json::Value::from(cases.iter().map(row).collect::<Vec<_>>()));
        return Ok(true);
    }
    for case in &cases {
        println!("{:<44} {:<14} {}", case.name, case.outcome.as_str(), case.tries);
    }
    println!("{} cases", cases.len());
    Ok(true)
}

fn play(options: &Options) -> Result<bool, String> {
    let all = Case::read_all(&corpus())?;
    let cases = wanted(&all, options);
    if cases.is_empty() {
        println!("no case has such a name");
        return Ok(true);
    }
    let started = Instant::now();
    let scratch = TempDir::with_prefix("hostile-").map_err(text_of)?;
    // From here on whatever makes a temporary file makes it where it would be found.
    let temporary = scratch.path().join("tmp");
    std::fs::create_dir(&temporary).map_err(text_of)?;
    tempfile::env::override_temp_dir(&temporary).map_err(|other| format!("{} is used", other.display()))?;
    stage::warm_up()?;
    let empty = Holdings::at_rest()?;
    let can_forget = watch::forget_peak();
    let jobs = options.jobs.max(1);
    let mut report = Report::new(options, cases.len());
    {
        let stage = Stage::new(scratch.path(), &corpus(), &all, jobs)?;
        report.base_bytes = watch::resident_bytes()?;
        report.bound_bytes = bound(report.base_bytes, jobs);
        alone(&stage, &cases, &mut report)?;
        if options.rounds > SETTLED {
            stage.fill_slots(jobs)?;
        }
        let mut settled = Holdings::at_rest()?;
        settled.descriptors += READERS;
        let mut order = cases.clone();
        let mut rng = fastrand::Rng::with_seed(options.seed);
        for number in 1..=options.rounds {
            rng.shuffle(&mut order);
            let round = round(&stage, &order, jobs, number)?;
            report.after_round(round, &settled, &temporary);
        }
        report.check_growth(SETTLED, MOST_GROWTH);
        report.runs = stage.check_rows()?;
    }
    report.peak_bytes = report.peak_bytes.max(watch::peak_bytes()?);
    report.peak_since_start = !can_forget;
    report.check_end(&empty, &temporary);
    report.seconds = started.elapsed().as_secs_f64();
    scratch.close().map_err(text_of)?;
    report.print(options.json);
    Ok(report.faults.is_empty())
}

/// Descriptors of the store's readers, which are opened as they are first needed at once: eight of three files each.
const READERS: usize = 24;

/// The configured sum: what the process is before any case, and for each job a run's limits and its slot's
/// memories, of which the sandbox keeps up to 1 MiB each.
fn bound(base_bytes: u64, jobs: usize) -> u64 {
    base_bytes + jobs as u64 * (bound_of_a_job() + (BOUND_MEMORIES << 20))
}

/// Plays every case by itself and measures how far the host's memory rises.
fn alone(stage: &Stage<'_>, cases: &[&Case], report: &mut Report) -> Result<(), String> {
    for case in cases {
        let can_forget = watch::forget_peak();
        let before = watch::resident_bytes()?;
        let mut played = stage.play(case);
        if can_forget {
            let peak = watch::peak_bytes()?;
            report.peak_bytes = report.peak_bytes.max(peak);
            let rise = peak.saturating_sub(before);
            played.host_rise_bytes = Some(rise);
            let bound = bound(0, 1);
            if rise > bound {
                played.faults.push(format!("the host's memory rose by {rise} bytes: bound {bound}"));
            }
        }
        if let Some(run) = &played.run
            && let Err(fault) = stage.show(run)
        {
            played.faults.push(fault);
        }
        if let Err(fault) = watch::check_children() {
            played.faults.push(fault);
        }
        report.played(played);
    }
    Ok(())
}

/// Plays the cases in their order, several at a time.
fn round(stage: &Stage<'_>, order: &[&Case], jobs: usize, number: usize) -> Result<Round, String> {
    let started = Instant::now();
    let next = AtomicUsize::new(0);
    let played: Mutex<Vec<Played>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while let Some(case) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let done = stage.play(case);
                    played.lock().unwrap_or_else(PoisonError::into_inner).push(done);
                }
            });
        }
    });
    let played = played.into_inner().unwrap_or_else(PoisonError::into_inner);
    let faults = played.into_iter().flat_map(|played| {
        let case = played.case;
        played.faults.into_iter().map(move |fault| format!("{case}: {fault}"))
    });
    Ok(Round {
        number,
        faults: faults.collect(),
        seconds: started.elapsed().as_secs_f64(),
        resident_bytes: watch::resident_bytes()?,
    })
}
