//! What is done while the disk fails, and what must be so afterwards.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use stratagem_domain::{Ledger, Split, StoredRun};
use stratagem_store::{
    Method, RunFilter, SCHEMA_VERSION, Store, StoreError, StoreOptions, check, restore, verify_backup,
};

use crate::fixtures::{COMPONENT, WORLD, plugin, raw, set, solved, task};

/// What the process said before it ended.
pub struct Said {
    pub acknowledged: Vec<String>,
    /// What was answered with an error.
    pub refused: Vec<String>,
    /// In the middle, without a word.
    pub died: bool,
}

/// Something that writes.
pub struct Job {
    pub name: &'static str,
    /// Makes what is there before, once.
    pub prepare: fn(&Path),
    /// Runs under the fault, in a process of its own; says `ack …` of what was done and `refused …` of what was not.
    pub work: fn(&Path),
    /// Looks at what is left, and does the work again.
    pub check: fn(&Path, &Said) -> Result<(), String>,
}

pub const JOBS: [Job; 6] = [
    Job { name: "record", prepare: prepare_runs, work: record, check: check_record },
    Job { name: "migrate-new", prepare: |_| {}, work: migrate, check: check_new },
    Job { name: "migrate-old", prepare: prepare_old, work: migrate, check: check_old },
    Job { name: "backup", prepare: prepare_runs, work: back_up, check: check_backup },
    Job { name: "vacuum-into", prepare: prepare_runs, work: vacuum, check: check_backup },
    Job { name: "restore", prepare: prepare_restore, work: put_back, check: check_restore },
];

/// Runs that are there before.
const BEFORE: usize = 12;
const QUIET: &dyn Fn(u64, u64) = &|_, _| {};

fn database(folder: &Path) -> PathBuf {
    folder.join("runs.db")
}

fn prepare_runs(folder: &Path) {
    let store = Store::open(&database(folder)).unwrap();
    store.keep_component(&plugin("mirror"), WORLD, "{}", COMPONENT).unwrap();
    store.import(&set("arc", &[(Split::Training, task("a", 4))])).unwrap();
    (0..BEFORE).for_each(|n| drop(keep(&store, n as u64).unwrap()));
}

/// Records the run that started at `n`.
fn keep(store: &Store, n: u64) -> Result<String, String> {
    let task = task("a", 4);
    let run = StoredRun { started_at: n, ..solved(plugin("mirror"), &task) };
    store.record(&run, &task, None).map_err(|error| error.message)
}

/// Says what became of something.
fn say<T>(what: &str, done: Result<T, String>) {
    match done {
        Ok(_) => println!("ack {what}"),
        Err(error) => println!("refused {what} {}", error.replace('\n', " ")),
    }
}

fn told<T>(done: Result<T, StoreError>) -> Result<T, String> {
    done.map_err(|error| error.to_string())
}

/// The file has no fault of any kind that `check` knows.
fn is_sound(path: &Path) -> Result<(), String> {
    let checked = told(check(path, &StoreOptions::default(), &|_| {}))?;
    if checked.findings.is_empty() { Ok(()) } else { Err(format!("{:?}", checked.findings)) }
}

fn ensure(is_so: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if is_so { Ok(()) } else { Err(what()) }
}

fn record(folder: &Path) {
    let store = match Store::open_existing(&database(folder)) {
        Ok(store) => store,
        Err(error) => return println!("refused open {error}"),
    };
    // Two at once, so that groups of several are committed; then one that comes after a fault.
    thread::scope(|scope| {
        for first in [100, 200] {
            let store = &store;
            scope.spawn(move || (first..first + 3).for_each(|n| say(&n.to_string(), keep(store, n))));
        }
    });
    say("300", keep(&store, 300));
}

fn check_record(folder: &Path, said: &Said) -> Result<(), String> {
    let path = database(folder);
    is_sound(&path)?;
    let store = told(Store::open_existing(&path))?;
    let lines = told(store.runs(&RunFilter { limit: 999, ..RunFilter::default() }))?;
    let started: Vec<String> = lines.iter().map(|line| line.started_at.to_string()).collect();
    for run in &said.acknowledged {
        ensure(started.contains(run), || format!("run {run} was acknowledged and is not there"))?;
    }
    for line in &lines {
        let run = told(store.run(&line.id))?;
        let whole = solved(plugin("mirror"), &task("a", 4));
        let same = run.answers == whole.answers && run.steps == whole.steps && run.journal == whole.journal;
        ensure(same, || format!("run {} is not whole", line.started_at))?;
    }
    for refused in &said.refused {
        let run = refused.split(' ').next().unwrap_or_default();
        ensure(!started.iter().any(|one| one == run), || format!("run {refused} was refused and is there"))?;
    }
    let most = BEFORE + 7;
    ensure((BEFORE..=most).contains(&lines.len()), || format!("{} runs", lines.len()))?;
    keep(&store, 400).map(drop)
}

fn migrate(folder: &Path) {
    say("open", told(Store::open(&database(folder))));
}

/// The version that a file has by its own table; 0 where it has no table at all.
fn version(path: &Path) -> Result<u32, String> {
    if !path.exists() {
        return Ok(0);
    }
    let db = raw(path);
    let tables: i64 = db
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(|error| error.to_string())?;
    if tables == 0 {
        return Ok(0);
    }
    db.query_row("SELECT max(version) FROM schema_migrations", [], |row| row.get(0))
        .map_err(|error| format!("half a schema: {error}"))
}

fn check_migrated(folder: &Path, said: &Said, before: u32) -> Result<Store, String> {
    let path = database(folder);
    let found = version(&path)?;
    ensure(found == before || found == SCHEMA_VERSION, || format!("version {found}"))?;
    if !said.acknowledged.is_empty() {
        ensure(found == SCHEMA_VERSION, || format!("acknowledged, and of version {found}"))?;
    }
    let store = told(Store::open(&path))?;
    ensure(store.version() == SCHEMA_VERSION, || "the second attempt".to_owned())?;
    is_sound(&path)?;
    Ok(store)
}

fn check_new(folder: &Path, said: &Said) -> Result<(), String> {
    let store = check_migrated(folder, said, 0)?;
    told(store.import(&set("arc", &[(Split::Training, task("a", 4))]))).map(drop)
}

fn prepare_old(folder: &Path) {
    crate::fixtures::old_database(&database(folder));
}

fn check_old(folder: &Path, said: &Said) -> Result<(), String> {
    let store = check_migrated(folder, said, 2)?;
    let events: i64 = raw(&database(folder))
        .query_row("SELECT count(*) FROM system_events_fts WHERE system_events_fts MATCH 'old'", [], |row| {
            row.get(0)
        })
        .map_err(|error| error.to_string())?;
    ensure(events == 1, || format!("{events} events of old are found"))?;
    drop(store);
    Ok(())
}

fn copy_with(folder: &Path, method: Method) {
    match Store::open_existing(&database(folder)) {
        Ok(store) => say("backup", told(store.backup(&folder.join("backup.db"), method, QUIET))),
        Err(error) => println!("refused open {error}"),
    }
}

fn back_up(folder: &Path) {
    copy_with(folder, Method::Online);
}

fn vacuum(folder: &Path) {
    copy_with(folder, Method::VacuumInto);
}

fn check_backup(folder: &Path, said: &Said) -> Result<(), String> {
    let (path, backup) = (database(folder), folder.join("backup.db"));
    is_sound(&path)?;
    if backup.exists() {
        let verified = told(verify_backup(&backup, &StoreOptions::default()))?;
        ensure(verified.rows["runs"] == BEFORE as u64, || format!("{:?}", verified.rows))?;
    } else {
        ensure(said.acknowledged.is_empty(), || "acknowledged, and not there".to_owned())?;
    }
    if !said.died {
        let mut names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        let left = names.find(|name| name.to_string_lossy().contains("draft"));
        ensure(left.is_none(), || format!("{left:?} was left behind"))?;
    }
    let store = told(Store::open_existing(&path))?;
    let kept = told(store.runs(&RunFilter { limit: 999, ..RunFilter::default() }))?.len();
    ensure(kept == BEFORE, || format!("{kept} runs"))?;
    told(store.backup(&folder.join("again.db"), Method::Online, QUIET)).map(drop)
}

/// The backup has fewer runs than the database: which one it is can be told.
fn prepare_restore(folder: &Path) {
    prepare_runs(folder);
    let store = Store::open_existing(&database(folder)).unwrap();
    store.backup(&folder.join("backup.db"), Method::Online, QUIET).unwrap();
    keep(&store, 500).unwrap();
}

fn put_back(folder: &Path) {
    let done = restore(&folder.join("backup.db"), &database(folder), &StoreOptions::default(), QUIET);
    say("restore", told(done));
}

fn check_restore(folder: &Path, said: &Said) -> Result<(), String> {
    let path = database(folder);
    is_sound(&path)?;
    let runs = |store: &Store| -> Result<usize, String> {
        Ok(told(store.runs(&RunFilter { limit: 999, ..RunFilter::default() }))?.len())
    };
    let store = told(Store::open_existing(&path))?;
    let found = runs(&store)?;
    ensure(found == BEFORE || found == BEFORE + 1, || {
        format!("{found} runs: neither the one nor the other")
    })?;
    ensure(said.acknowledged.is_empty() || found == BEFORE, || "acknowledged, and not in place".to_owned())?;
    keep(&store, 600)?;
    drop(store);
    let again = told(restore(&folder.join("backup.db"), &path, &StoreOptions::default(), QUIET))?;
    ensure(again.aside.is_some_and(|aside| aside.exists()), || "what was there is not kept".to_owned())?;
    let store = told(Store::open_existing(&path))?;
    ensure(runs(&store)? == BEFORE, || "the second attempt".to_owned())
}
