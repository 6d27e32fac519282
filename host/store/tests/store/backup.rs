use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use stratagem_domain::{Digest, LabelledTask, Ledger, StoredRun};
use stratagem_store::{
    Method, Role, RunFilter, SCHEMA_VERSION, Store, StoreError, StoreOptions, restore, verify_backup,
};

use crate::Bench;
use crate::fixtures::{old_database, plugin, raw, solved, task};

const QUIET: &dyn Fn(u64, u64) = &|_, _| {};

fn bench(runs: u64) -> (Bench, LabelledTask) {
    let task = task("3c9b0459", 4);
    let bench = Bench::with(std::slice::from_ref(&task));
    record(&bench.store, &task, runs);
    (bench, task)
}

fn record(store: &Store, task: &LabelledTask, runs: u64) {
    let run = solved(plugin("mirror"), task);
    for n in 0..runs {
        store.record(&StoredRun { started_at: n, ..run.clone() }, task, None).unwrap();
    }
}

fn beside(bench: &Bench, name: &str) -> PathBuf {
    bench.path.with_file_name(name)
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn rows(path: &Path) -> BTreeMap<String, u64> {
    verify_backup(path, &StoreOptions::default()).unwrap().rows
}

#[test]
fn a_backup_is_verified_counted_and_written_down() {
    let (bench, task) = bench(3);
    for (name, method) in [("online.db", Method::Online), ("vacuumed.db", Method::VacuumInto)] {
        let to = beside(&bench, name);
        let made = bench.store.backup(&to, method, QUIET).unwrap();
        assert_eq!((made.schema, made.dangling, made.rows["runs"]), (SCHEMA_VERSION, 0, 3));
        assert_eq!(made.digest, Digest::of(&fs::read(&to).unwrap()));
        assert_eq!(made.bytes, fs::metadata(&to).unwrap().len());
        assert_eq!(verify_backup(&to, &StoreOptions::default()).unwrap().rows, made.rows);
        let row: (String, i64, String, String) = bench
            .raw()
            .query_row(
                "SELECT path, json_extract(counts, '$.runs'), digest, method FROM backups ORDER BY id DESC LIMIT 1",
                [],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
            )
            .unwrap();
        let path = made.path.to_string_lossy().into_owned();
        assert_eq!(row, (path, 3, made.digest.to_string(), method.as_str().into()));
        // A file alone: it opens where nothing else of it is, and has every run as it was.
        let elsewhere = tempfile::tempdir().unwrap();
        let copy = elsewhere.path().join("copy.db");
        fs::copy(&to, &copy).unwrap();
        let copy = Store::open_existing(&copy).unwrap();
        for line in bench.store.runs(&RunFilter::default()).unwrap() {
            assert_eq!(copy.run(&line.id).unwrap(), bench.store.run(&line.id).unwrap());
        }
        assert!(copy.health().unwrap().is_empty());
        let error = bench.store.backup(&to, method, QUIET).unwrap_err();
        assert!(error.to_string().ends_with("is there already") && error.hint().is_some(), "{error}");
    }
    record(&bench.store, &task, 1);
    let left = names(bench.path.parent().unwrap());
    assert!(left.iter().all(|name| !name.contains("draft")), "{left:?}");
}

#[test]
fn a_backup_is_one_state_while_others_write() {
    let (bench, task) = bench(50);
    let done = AtomicBool::new(false);
    let made = thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let run = solved(plugin("mirror"), &task);
                while !done.load(Ordering::Relaxed) {
                    bench.store.record(&run, &task, None).unwrap();
                }
            });
        }
        let to = beside(&bench, "busy.db");
        // Slow enough that writes come between its steps.
        let slow: &dyn Fn(u64, u64) = &|_, _| thread::sleep(std::time::Duration::from_millis(20));
        let made: Vec<_> = ["busy1.db", "busy2.db"]
            .iter()
            .map(|name| bench.store.backup(&to.with_file_name(name), Method::Online, slow).unwrap())
            .collect();
        done.store(true, Ordering::Relaxed);
        made
    });
    for backup in &made {
        let rows = &backup.rows;
        assert!(rows["runs"] >= 50);
        assert!(
            ["run_tasks", "episodes", "resource_usage", "outcomes"]
                .iter()
                .all(|one| rows[*one] == rows["runs"])
        );
    }
    assert!(made[1].rows["runs"] > made[0].rows["runs"], "somebody wrote meanwhile");
}

#[test]
fn what_is_no_sound_backup_is_refused_and_left_as_it_was() {
    let (bench, _) = bench(40);
    let good = beside(&bench, "good.db");
    bench.store.backup(&good, Method::Online, QUIET).unwrap();
    let bytes = fs::read(&good).unwrap();
    let mut flipped = bytes.clone();
    let at = flipped.len() * 2 / 3;
    flipped[at..at + 3_000].fill(0x5A);
    let cases: [(&str, Vec<u8>); 4] = [
        ("empty.db", Vec::new()),
        ("text.db", b"no database, and long enough to tell".repeat(300)),
        ("cut.db", bytes[..bytes.len() / 2].to_vec()),
        ("flipped.db", flipped),
    ];
    for (name, bytes) in cases {
        let file = beside(&bench, name);
        fs::write(&file, &bytes).unwrap();
        let error = verify_backup(&file, &StoreOptions::default()).unwrap_err();
        assert!(error.to_string().contains(name) && error.hint().is_some(), "{name}: {error}");
        let other = beside(&bench, "other.db");
        restore(&file, &other, &StoreOptions::default(), QUIET).unwrap_err();
        assert!(!other.exists(), "{name}");
        assert_eq!(fs::read(&file).unwrap(), bytes, "{name}");
    }
    let error = verify_backup(&beside(&bench, "nowhere.db"), &StoreOptions::default()).unwrap_err();
    assert!(error.to_string().ends_with("there is no such file"), "{error}");
    raw(&good)
        .execute_batch("INSERT INTO schema_migrations VALUES (99, 'later', printf('%064d', 0), 0)")
        .unwrap();
    let error = verify_backup(&good, &StoreOptions::default()).unwrap_err();
    assert!(matches!(error, StoreError::NewerSchema { found: 99, .. }), "{error}");
}

#[test]
fn a_backup_is_put_back_and_what_was_there_is_kept() {
    let (bench, task) = bench(2);
    let backup = beside(&bench, "backup.db");
    bench.store.backup(&backup, Method::Online, QUIET).unwrap();
    record(&bench.store, &task, 5);
    let error = restore(&backup, &bench.path, &StoreOptions::default(), QUIET).unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }) && error.hint().is_some(), "{error}");
    assert_eq!(bench.count("runs"), 7, "one that is in use is left alone");
    let Bench { store, path, _folder } = bench;
    drop(store);
    let restored = restore(&backup, &path, &StoreOptions::default(), QUIET).unwrap();
    let store = Store::open_existing(&path).unwrap();
    assert_eq!(store.runs(&RunFilter::default()).unwrap().len(), 2);
    assert!(store.health().unwrap().is_empty());
    assert_eq!(store.verify_audit(None).unwrap().broken, None);
    let action: String = raw(&path)
        .query_row("SELECT action FROM audit_log ORDER BY seq DESC LIMIT 1", [], |row| row.get(0))
        .unwrap();
    assert_eq!(action, "database.restore");
    let aside = restored.aside.unwrap();
    assert!(
        aside.file_name().unwrap().to_string_lossy().starts_with("runs.db.before-restore-2"),
        "{aside:?}"
    );
    assert_eq!(rows(&aside)["runs"], 7);
    record(&store, &task, 1);
    assert_eq!(rows(&aside)["runs"], 7, "it is a file of its own");
    assert_eq!(rows(&backup)["runs"], 2);
}

#[test]
fn a_database_that_cannot_be_read_is_no_obstacle_and_its_journal_goes_with_it() {
    let (bench, _) = bench(2);
    let backup = beside(&bench, "backup.db");
    bench.store.backup(&backup, Method::Online, QUIET).unwrap();
    let Bench { store, path, _folder } = bench;
    drop(store);
    fs::write(&path, vec![0xA5; 40_960]).unwrap();
    let wal = PathBuf::from(format!("{}-wal", path.display()));
    fs::write(&wal, b"of another time").unwrap();
    let restored = restore(&backup, &path, &StoreOptions::default(), QUIET).unwrap();
    let aside = restored.aside.unwrap();
    assert_eq!(fs::read(&aside).unwrap(), vec![0xA5; 40_960]);
    assert!(!wal.exists(), "the log of one database must not lie beside another");
    assert_eq!(Store::open_existing(&path).unwrap().runs(&RunFilter::default()).unwrap().len(), 2);
}

#[test]
fn a_backup_of_an_older_program_is_brought_up_to_date_as_it_is_restored() {
    let folder = tempfile::tempdir().unwrap();
    let (old, path) = (folder.path().join("old.db"), folder.path().join("runs.db"));
    old_database(&old);
    let restored = restore(&old, &path, &StoreOptions::default(), QUIET).unwrap();
    assert_eq!((restored.backup.schema, restored.aside), (2, None));
    assert_eq!(Store::open_existing(&path).unwrap().version(), SCHEMA_VERSION);
    assert_eq!(verify_backup(&old, &StoreOptions::default()).unwrap().schema, 2);
}

#[test]
fn an_admin_alone_copies_and_restores() {
    let (bench, _) = bench(1);
    let backup = beside(&bench, "backup.db");
    bench.store.backup(&backup, Method::Online, QUIET).unwrap();
    let Bench { store, path, _folder } = bench;
    drop(store);
    let runner = StoreOptions { role: Some(Role::Runner), ..StoreOptions::default() };
    let before = fs::read(&path).unwrap();
    let error = restore(&backup, &path, &runner, QUIET).unwrap_err();
    assert!(matches!(error, StoreError::Forbidden { needed: Role::Admin, .. }), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
    let store = Store::open_existing_with(&path, &runner).unwrap();
    let error = store.backup(&path.with_file_name("b2.db"), Method::Online, QUIET).unwrap_err();
    assert!(matches!(error, StoreError::Forbidden { .. }), "{error}");
}
