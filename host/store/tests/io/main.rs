//! A disk that fails at the n-th write, for n to the end: over runs that are recorded, migrations, backups, a restore.
//!
//! Each round is a process of its own, this program under a small library (`faults.c`) that stands before the C
//! library and fails one call on files of one folder: with `EIO`, with `ENOSPC` from then on, with half of the bytes, or
//! with half of them and the end of the process. What is left is then opened without faults: what was acknowledged is
//! there, all else is wholly there or wholly absent, and the same work done again succeeds.
//!
//! Where all n would take too long, some are passed over, evenly, and the line says so; `STRATAGEM_IO=each` takes each
//! n once, `STRATAGEM_IO=all` in every way.

#[path = "../store/fixtures.rs"]
mod fixtures;
mod jobs;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use jobs::{JOBS, Job};

const HOWS: [&str; 4] = ["eio", "enospc", "short", "torn"];
/// What one job may take, in all.
const BUDGET: Duration = Duration::from_secs(6);
/// Rounds at the same time.
const THREADS: usize = 2;

fn main() -> ExitCode {
    let args: Vec<String> = env::args().collect();
    if let [_, mark, job, folder] = &args[..]
        && mark == "work"
    {
        let job = JOBS.iter().find(|one| one.name == job).expect("a job of the list");
        (job.work)(Path::new(folder));
        return ExitCode::SUCCESS;
    }
    let place = tempfile::Builder::new().prefix("stratagem-io").tempdir_in(fast_folder()).unwrap();
    let Some(shim) = build(place.path()) else {
        println!("skipped: faults are injected on Linux with a C compiler alone");
        return ExitCode::SUCCESS;
    };
    let wanted = |job: &&Job| args.len() < 2 || args[1].starts_with('-') || job.name.contains(&args[1]);
    let failures: usize = JOBS.iter().filter(wanted).map(|job| rounds(job, &shim, place.path())).sum();
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// In memory where there is a place for it: what a power cut does to a disk is not what is tried here.
fn fast_folder() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if fs::write(memory.join(".stratagem-io"), "").is_ok() {
        let _ = fs::remove_file(memory.join(".stratagem-io"));
        return memory;
    }
    env::temp_dir()
}

fn build(place: &Path) -> Option<PathBuf> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let shim = place.join("faults.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/io/faults.c");
    let mut compiler = Command::new(env::var_os("CC").unwrap_or_else(|| "cc".into()));
    let built = compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&shim).arg(source).arg("-ldl").status();
    match built {
        Ok(status) if status.success() => Some(shim),
        _ => None,
    }
}

/// Fails one call after another until there is none left to fail; the number of rounds that went wrong.
fn rounds(job: &Job, shim: &Path, place: &Path) -> usize {
    let template = place.join(format!("{}-before", job.name));
    fs::create_dir_all(&template).unwrap();
    (job.prepare)(&template);
    let round =
        |at: usize, how: &str| Round { job, shim, place, template: &template, at, how: how.to_owned() };
    let started = Instant::now();
    let calls = round(0, "eio").play().expect("without faults it succeeds").calls;
    let each = started.elapsed();
    let affordable = BUDGET.as_micros() * THREADS as u128 / each.as_micros().max(1);
    let wish = env::var("STRATAGEM_IO").unwrap_or_default();
    let all = wish == "all";
    let stride = if all || wish == "each" { 1 } else { calls.div_ceil((affordable as usize).max(1)).max(1) };
    // Each n in one way, or in every way where all are asked for; near the end some threads find no call to fail.
    let plan: Vec<(usize, &str)> = (1..=calls)
        .filter(|n| (n - 1) % stride == 0 || *n + 12 > calls)
        .flat_map(|n| {
            if all { HOWS.to_vec() } else { vec![HOWS[n / stride % 4]] }.into_iter().map(move |how| (n, how))
        })
        .collect();
    let [next, failed, told, died] = [const { AtomicUsize::new(0) }; 4];
    let count = |counter: &AtomicUsize, is_so: bool| counter.fetch_add(usize::from(is_so), Ordering::Relaxed);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some((n, how)) = plan.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match round(*n, how).play() {
                        Ok(seen) => {
                            count(&told, seen.was_told);
                            count(&died, seen.died);
                        }
                        Err(fault) => {
                            count(&failed, true);
                            println!("FAILED {} with {how} at call {n}: {fault}", job.name);
                        }
                    }
                }
            });
        }
    });
    let [failed, told, died] = [failed, told, died].map(AtomicUsize::into_inner);
    // Faults that nobody noticed at all would mean that none was injected.
    let failed = failed + usize::from(told == 0 || died == 0);
    let passed_over = if stride > 1 { format!(", one in {stride}") } else { String::new() };
    println!(
        "{}: {calls} calls to fail, {} rounds{passed_over}: {told} were told of it, {died} died of it, the others did \
         without the call; {failed} went wrong ({:.1} s)",
        job.name,
        plan.len(),
        started.elapsed().as_secs_f64()
    );
    failed
}

/// What a round that went right was like.
struct Seen {
    calls: usize,
    /// Something was answered with an error.
    was_told: bool,
    died: bool,
}

/// One process under one fault.
struct Round<'a> {
    job: &'a Job,
    shim: &'a Path,
    place: &'a Path,
    template: &'a Path,
    at: usize,
    how: String,
}

impl Round<'_> {
    /// An error says what was wrong afterwards.
    fn play(&self) -> Result<Seen, String> {
        let name = format!("{}-{}-{}", self.job.name, self.at, self.how);
        let (folder, count) = (self.place.join(&name), self.place.join(format!("{name}.count")));
        fs::create_dir_all(&folder).unwrap();
        for entry in fs::read_dir(self.template).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
        }
        let said = Command::new(env::current_exe().unwrap())
            .args(["work", self.job.name])
            .arg(&folder)
            .env("LD_PRELOAD", self.shim)
            .env("FAULT_DIR", folder.canonicalize().unwrap())
            .env("FAULT_AT", self.at.to_string())
            .env("FAULT_HOW", &self.how)
            .env("FAULT_COUNT", &count)
            .output()
            .unwrap();
        let (text, words) = (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
        let died = said.status.code() == Some(9) && self.how == "torn";
        if !died && !said.status.success() {
            return Err(format!("the process ended with {}: {}", said.status, words.trim()));
        }
        let calls = fs::read_to_string(&count).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
        let lines = |mark: &str| -> Vec<String> {
            text.lines()
                .filter_map(|line| line.strip_prefix(mark))
                .map(|line| line.trim().to_owned())
                .collect()
        };
        let said = jobs::Said { acknowledged: lines("ack "), refused: lines("refused "), died };
        if self.at == 0 && !said.refused.is_empty() {
            return Err(format!("refused without a fault: {:?}", said.refused));
        }
        let seen = std::panic::catch_unwind(|| (self.job.check)(&folder, &said));
        match seen {
            Ok(done) => done?,
            Err(panic) => {
                let text = panic.downcast_ref::<String>().map_or("a panic", String::as_str);
                return Err(text.to_owned());
            }
        }
        fs::remove_dir_all(&folder).unwrap();
        let _ = fs::remove_file(count);
        Ok(Seen { calls, was_told: !said.refused.is_empty(), died })
    }
}
