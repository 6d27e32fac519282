//! Builds, checks and solves again at every save.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};

use crate::args::{Solve, Watch};
use crate::failure::Failure;
use crate::guest::{self, Lock, Toolchain};
use crate::output::outln;
use crate::workbench::Workbench;
use crate::{check, interrupt, solve};

/// An editor saves in several steps; a round begins when nothing has changed for so long.
const QUIET: Duration = Duration::from_millis(150);
/// How often a waiting program looks whether it was interrupted.
const TICK: Duration = Duration::from_millis(100);
/// Lies in a folder that a program can make again: the convention that cargo keeps too.
const CACHE_MARK: &str = "CACHEDIR.TAG";

pub fn run(bench: &Workbench, watch: &Watch) -> Result<(), Failure> {
    let folder = watch.folder.as_path();
    guest::manifest_of(folder)?;
    let toolchain = Toolchain::find()?;
    if watch.once {
        return round(bench, watch, folder, &toolchain);
    }
    let cancel = interrupt::quiet_flag();
    // Before the first round, so that a save during it is not missed.
    let saves = Saves::of(bench, folder).map_err(|error| {
        Failure::new(format!("{}: this folder cannot be watched: {error}", folder.display()))
            .hint("see that it is a local folder; `--once` does one round without watching")
    })?;
    while !cancel.load(Ordering::SeqCst) {
        match round(bench, watch, folder, &toolchain) {
            Err(failure) if !cancel.load(Ordering::SeqCst) => failure.print(),
            _ => {}
        }
        if !cancel.load(Ordering::SeqCst) {
            outln!("watching {}: save a file for the next round, Ctrl-C ends", folder.display());
        }
        saves.wait(cancel);
    }
    Ok(())
}

/// From the sources to a task's picture, which is shown even where the check finds something.
fn round(bench: &Workbench, watch: &Watch, folder: &Path, toolchain: &Toolchain) -> Result<(), Failure> {
    let built = guest::build(folder, toolchain, &bench.places.built(), Lock::Renewed)?;
    outln!("{}", built.line());
    let plugin = built.folder.to_string_lossy().into_owned();
    let checked = if watch.no_check { Ok(()) } else { check::shortcomings(bench, &plugin) };
    let Some(what) = watch.task.clone().or_else(|| usual_task(folder)) else {
        outln!("no task to solve: put one into {}, or name one with --task", folder.join("tasks").display());
        return checked;
    };
    let solved = solve::run(bench, &Solve { what, strategies: vec![plugin], ..Solve::default() });
    if let (Err(failure), Err(_)) = (&checked, &solved) {
        failure.print();
    }
    solved.and(checked)
}

/// The task that a new plugin comes with, else the first by name.
fn usual_task(folder: &Path) -> Option<String> {
    let tasks = folder.join("tasks");
    let first = tasks.join("first.json");
    let entries = std::fs::read_dir(tasks).ok()?.flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    files.sort();
    let chosen = if files.contains(&first) { Some(first) } else { files.into_iter().next() };
    chosen.map(|path| path.to_string_lossy().into_owned())
}

/// What changes below a plugin's folder, less what this program and cargo write there.
struct Saves {
    events: Receiver<notify::Result<Event>>,
    written: Written,
    /// Events come as long as it lives.
    _watcher: RecommendedWatcher,
}

/// Tells a source from what a round writes.
struct Written {
    root: PathBuf,
    /// Nothing below them is a source.
    folders: Vec<PathBuf>,
    /// The folder they lie in, made with the first of them.
    data: PathBuf,
    /// Files lie beside it whose names begin as its own.
    database: PathBuf,
}

impl Saves {
    fn of(bench: &Workbench, folder: &Path) -> notify::Result<Self> {
        let root = folder.canonicalize().map_err(notify::Error::io)?;
        let (sender, events) = channel();
        let mut watcher = notify::recommended_watcher(sender)?;
        watcher.watch(&root, RecursiveMode::Recursive)?;
        let places = &bench.places;
        let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let written = Written {
            folders: vec![root.join("target"), whole(&places.cache), whole(&places.built())],
            data: whole(&places.data),
            database: whole(&places.database),
            root,
        };
        Ok(Self { events, written, _watcher: watcher })
    }

    /// Waits for a save and for the quiet after it, or for an interrupt.
    fn wait(&self, cancel: &AtomicBool) {
        let mut saved: Option<Instant> = None;
        while !cancel.load(Ordering::SeqCst) && saved.is_none_or(|at| at.elapsed() < QUIET) {
            match self.events.recv_timeout(TICK) {
                Ok(Ok(event)) if self.matters(&event) => saved = Some(Instant::now()),
                Ok(Err(error)) => eprintln!("warning: a change may be missed: {error}"),
                _ => {}
            }
        }
    }

    fn matters(&self, event: &Event) -> bool {
        let kind = event.kind;
        let changed = kind.is_create() || kind.is_modify() || kind.is_remove();
        event.need_rescan() || changed && event.paths.iter().any(|path| self.written.leaves(path))
    }
}

impl Written {
    /// Whether a path is none of what a round or an editor writes for itself.
    fn leaves(&self, path: &Path) -> bool {
        let Ok(inner) = path.strip_prefix(&self.root) else { return false };
        let Some(name) = inner.file_name().map(|name| name.to_string_lossy()) else { return false };
        let is_hidden = inner.components().any(|part| part.as_os_str().as_encoded_bytes().starts_with(b"."));
        // Cargo renews its lock while it builds; an editor keeps a backup beside the file.
        let is_side = name == "Cargo.lock" || name.ends_with('~');
        let database = self.database.as_os_str().as_encoded_bytes();
        let is_kept = path == self.data
            || path.as_os_str().as_encoded_bytes().starts_with(database)
            || self.folders.iter().any(|folder| path.starts_with(folder));
        let within = path.ancestors().take_while(|folder| *folder != self.root);
        let is_cache = || within.into_iter().any(|folder| folder.join(CACHE_MARK).is_file());
        !is_hidden && !is_side && !is_kept && !is_cache()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_told_from_what_a_round_writes() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let at = |path: &str| root.join(path);
        std::fs::create_dir_all(at("out/release")).unwrap();
        std::fs::write(at("out/CACHEDIR.TAG"), "").unwrap();
        let written = Written {
            root: root.clone(),
            folders: vec![at("target"), at("data/compiled"), at("data/plugins")],
            data: at("data"),
            database: at("data/stratagem.db"),
        };
        let sources =
            ["src/lib.rs", "plugin.toml", "tasks/first.json", "data/table.txt", "data.rs", "src/target/a.rs"];
        for path in sources {
            assert!(written.leaves(&at(path)), "{path}");
        }
        let others = [
            "",
            "target",
            "target/release/x.d",
            "out",
            "out/release/x.d",
            "Cargo.lock",
            ".git/index",
            "src/.lib.rs.swp",
            "src/lib.rs~",
            "data",
            "data/stratagem.db-wal",
            "data/compiled/a",
            "data/plugins/mirror/plugin.toml",
            "../else",
        ];
        for path in others {
            assert!(!written.leaves(&at(path)), "{path}");
        }
    }

    #[test]
    fn the_first_task_is_the_one_of_that_name_else_the_first_by_name() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(usual_task(folder.path()), None);
        let tasks = folder.path().join("tasks");
        std::fs::create_dir(&tasks).unwrap();
        std::fs::write(tasks.join("b.json"), "").unwrap();
        std::fs::write(tasks.join("a.txt"), "").unwrap();
        assert!(usual_task(folder.path()).unwrap().ends_with("b.json"));
        std::fs::write(tasks.join("a.json"), "").unwrap();
        assert!(usual_task(folder.path()).unwrap().ends_with("a.json"));
        std::fs::write(tasks.join("first.json"), "").unwrap();
        assert!(usual_task(folder.path()).unwrap().ends_with("first.json"));
    }
}
