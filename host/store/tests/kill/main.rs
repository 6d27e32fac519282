//! Processes of mixed load on one database, killed at random moments: every write that was acknowledged is there, no
//! other is there in part, and no job is done twice.
//!
//! The program calls itself as the processes that it kills. Each writes what the store acknowledged into a file of its
//! own, one line a write, after the acknowledgement and before the next write; a line that is cut short was not
//! acknowledged. A line outlives the process as the store's commits do, without a sync: a power cut is another test.
//! After each round the database is looked at by a program that never wrote to it.
//!
//! `KILLS` says how many processes are killed in all, `SEED` when.

mod load;
mod verdict;

use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use stratagem_store::Store;

use crate::verdict::Verdict;

/// Processes at the same time.
const PROCESSES: usize = 8;
/// How many are killed where nobody says; `KILLS=200` is the whole of it.
const KILLS: usize = 40;
/// The longest that a process lives after all of its round are at work.
const LONGEST: Duration = Duration::from_millis(600);

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [_, "--load", folder, number] => load::run(Path::new(folder), number),
        // What `cargo test -- --list` expects of a test program.
        _ if args.iter().any(|arg| arg == "--list") => ExitCode::SUCCESS,
        _ => play(),
    }
}

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn play() -> ExitCode {
    let kills = number("KILLS", KILLS as u64) as usize;
    let seed = number("SEED", fastrand::u64(..1_000_000));
    fastrand::seed(seed);
    println!("kill: {kills} of {PROCESSES} processes at a time, seed {seed}");
    let folder = tempfile::tempdir().expect("a folder");
    drop(load::prepare(folder.path()));
    let started = Instant::now();
    let (mut killed, mut born, mut verdict) = (0, 0, Verdict::default());
    while killed < kills {
        let round = PROCESSES.min(kills - killed);
        let children: Vec<Child> = (0..PROCESSES)
            .map(|_| {
                born += 1;
                spawn(folder.path(), born)
            })
            .collect();
        killed += end(folder.path(), children, round);
        let before = verdict;
        verdict = match verdict::of(folder.path(), born) {
            Ok(verdict) => verdict,
            Err(fault) => {
                println!("after {killed} kills, seed {seed}: {fault}");
                println!("kept at {}", folder.keep().display());
                return ExitCode::FAILURE;
            }
        };
        if before.acknowledged == verdict.acknowledged {
            println!(
                "after {killed} kills, seed {seed}: a round in which nothing was acknowledged shows nothing"
            );
            return ExitCode::FAILURE;
        }
    }
    let finished = match finish(folder.path(), born) {
        Ok(finished) => finished,
        Err(fault) => {
            println!("afterwards, seed {seed}: {fault}");
            return ExitCode::FAILURE;
        }
    };
    println!(
        "{verdict}; {finished} jobs were left and done once by others; {:.1} s",
        started.elapsed().as_secs_f64()
    );
    println!("test result: ok. {killed} processes were killed");
    ExitCode::SUCCESS
}

fn spawn(folder: &Path, number: usize) -> Child {
    let program = std::env::current_exe().expect("this program");
    let mut command = Command::new(program);
    command.arg("--load").arg(folder).arg(number.to_string()).stdin(Stdio::null());
    command.spawn().expect("a process")
}

/// Kills so many of the processes, each at a moment of its own, and lets the others end by themselves.
fn end(folder: &Path, mut children: Vec<Child>, kills: usize) -> usize {
    let started = Instant::now();
    let mut moments: Vec<Duration> =
        (0..kills).map(|_| Duration::from_micros(fastrand::u64(..LONGEST.as_micros() as u64))).collect();
    moments.sort_unstable();
    // The clock starts when the round is at work: a process that is killed before it did anything shows little.
    while load::at_work(folder) < children.len() && started.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(2));
    }
    let begun = Instant::now();
    for moment in moments {
        std::thread::sleep(moment.saturating_sub(begun.elapsed()));
        let mut child = children.swap_remove(fastrand::usize(..children.len()));
        child.kill().expect("SIGKILL");
        let status = child.wait().expect("an end");
        assert!(status.code().is_none(), "a process ended by itself: {status}");
    }
    std::fs::write(folder.join(load::STOP), b"").expect("a sign");
    for mut child in children {
        assert!(child.wait().expect("an end").success(), "a process that was let live failed");
    }
    std::fs::remove_file(folder.join(load::STOP)).expect("a sign");
    load::clear_signs(folder);
    kills
}

/// Others take over what the killed ones had, once their leases lapse.
fn finish(folder: &Path, born: usize) -> Result<u64, String> {
    let store = Store::open_existing(&folder.join(load::DATABASE)).map_err(|error| error.to_string())?;
    let left = load::drain(&store, folder, born + 1)?;
    drop(store);
    verdict::of(folder, born + 1)?;
    verdict::all_jobs_ended(folder)?;
    Ok(left)
}
