//! Processes of mixed load on one database, killed at random moments: every write that was acknowledged is there, no
//! other is there in part, and no job is done twice.
//!
//! The program calls itself as the processes that it kills. Each writes what the store acknowledged into a file of its
//! own, one line a write, after the acknowledgement and before the next write; a line that is cut short was not
//! acknowledged. A line outlives the process as the store's commits do, without a sync: a power cut is another test.
//! After each round every write that its processes were told of is looked for by a program that never wrote to the
//! database; after every fifth, and at the end, everything in it is looked at.
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
/// How many are killed where nobody says.
const KILLS: usize = 200;
/// Rounds from one look at everything to the next.
const WHOLE: usize = 5;
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
    match rounds(folder.path(), kills).and_then(|born| finish(folder.path(), born)) {
        Ok((verdict, finished)) => {
            println!(
                "{verdict}; {finished} jobs were left and done once by others; {:.1} s",
                started.elapsed().as_secs_f64()
            );
            println!("test result: ok. {kills} processes were killed");
            ExitCode::SUCCESS
        }
        Err(fault) => {
            println!("seed {seed}: {fault}");
            println!("kept at {}", folder.keep().display());
            ExitCode::FAILURE
        }
    }
}

/// Kills so many processes, round after round; how many were born.
fn rounds(folder: &Path, kills: usize) -> Result<usize, String> {
    let (mut killed, mut born) = (0, 0);
    for round in 1.. {
        let children: Vec<Child> = (1..=PROCESSES).map(|number| spawn(folder, born + number)).collect();
        let first = born + 1;
        born += PROCESSES;
        killed += end(folder, children, PROCESSES.min(kills - killed));
        let after = |fault| format!("after {killed} kills: {fault}");
        if verdict::of_round(folder, first..=born).map_err(after)? == 0 {
            return Err(after("a round in which nothing was acknowledged shows nothing".to_owned()));
        }
        if killed == kills {
            break;
        }
        if round % WHOLE == 0 {
            verdict::of(folder, born).map_err(after)?;
        }
    }
    Ok(born)
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
fn finish(folder: &Path, born: usize) -> Result<(Verdict, u64), String> {
    verdict::of(folder, born)?;
    let store = Store::open_existing(&folder.join(load::DATABASE)).map_err(|error| error.to_string())?;
    let left = load::drain(&store, folder, born + 1)?;
    drop(store);
    let verdict = verdict::of(folder, born + 1)?;
    verdict::all_jobs_ended(folder)?;
    Ok((verdict, left))
}
