//! What this process holds of the machine, as the kernel tells it.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// What must be the same after a round as before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holdings {
    pub descriptors: usize,
    pub threads: usize,
}

impl Holdings {
    fn now() -> Result<Self, String> {
        Ok(Self { descriptors: count("/proc/self/fd")?, threads: count("/proc/self/task")? })
    }

    /// What is held at rest: a thread that was joined is still listed for a moment.
    pub fn at_rest() -> Result<Self, String> {
        sleep(PATIENCE / 10);
        Self::now()
    }

    /// Says what is held beyond `before`, once it has had its time to go.
    pub fn check(before: &Self) -> Result<(), String> {
        let started = Instant::now();
        loop {
            let Self { descriptors, threads } = Self::now()?;
            if descriptors <= before.descriptors && threads <= before.threads {
                return Ok(());
            }
            if started.elapsed() > PATIENCE {
                let then = (before.descriptors, before.threads);
                return Err(format!(
                    "{descriptors} descriptors and {threads} threads are held, {} and {} were",
                    then.0, then.1
                ));
            }
            sleep(PATIENCE / 100);
        }
    }
}

/// What the kernel may take to forget a thread.
const PATIENCE: Duration = Duration::from_secs(1);

/// Says which children of this process are left, zombies too.
pub fn check_children() -> Result<(), String> {
    let own = std::process::id().to_string();
    for entry in fs::read_dir("/proc").map_err(|error| error.to_string())?.flatten() {
        // A process may end while it is looked at.
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        // After the name, which may hold anything: state, parent.
        let mut fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
        let (state, parent) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
        if parent == own {
            let pid = entry.file_name();
            return Err(format!("process {} of this one is left in state {state}", pid.display()));
        }
    }
    Ok(())
}

/// Says what lies in a folder that must be empty.
pub fn check_empty(folder: &Path) -> Result<(), String> {
    match fs::read_dir(folder).map_err(|error| error.to_string())?.flatten().next() {
        Some(entry) => Err(format!("{} is left", entry.path().display())),
        None => Ok(()),
    }
}

/// Resident bytes, counted now: the counters of `status` lag behind.
pub fn resident_bytes() -> Result<u64, String> {
    field("/proc/self/smaps_rollup", "Rss:")
}

/// The most that was ever resident, or since [`forget_peak`].
pub fn peak_bytes() -> Result<u64, String> {
    field("/proc/self/status", "VmHWM:")
}

/// Has the kernel count the peak anew; false where it does not let us.
pub fn forget_peak() -> bool {
    fs::write("/proc/self/clear_refs", "5").is_ok()
}

fn field(file: &str, name: &str) -> Result<u64, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let kilobytes = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.map(|kilobytes| kilobytes << 10).ok_or_else(|| format!("{file} does not say {name}"))
}

fn count(folder: &str) -> Result<usize, String> {
    Ok(fs::read_dir(folder).map_err(|error| format!("{folder}: {error}"))?.count())
}
