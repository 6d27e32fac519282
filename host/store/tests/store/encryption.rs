use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde_json::json;
use stratagem_domain::Ledger;
use stratagem_store::{
    Key, Method, Repair, RunFilter, Store, StoreError, StoreOptions, check, rekey, restore, salvage,
    verify_backup,
};
use tempfile::TempDir;

use crate::fixtures::{COMPONENT, WORLD, plugin, set, solved, task};

/// Told apart from anything that a library might write by itself.
const PLANTED: &str = "quodlibet-7731-zimt";
const QUIET: &dyn Fn(u64, u64) = &|_, _| {};

fn with(key: &str) -> StoreOptions {
    StoreOptions { key: Some(Key::parse(key, "the test").unwrap()), ..StoreOptions::default() }
}

fn hex(byte: &str) -> String {
    byte.repeat(32)
}

/// An encrypted database with a run and a planted text in tables, an index and a name.
fn planted(options: &StoreOptions) -> (TempDir, PathBuf, Store) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs.db");
    let store = Store::open_with(&path, options).unwrap();
    store.keep_component(&plugin(PLANTED), WORLD, "{}", COMPONENT).unwrap();
    let task = task("3c9b0459", 4);
    store.import(&set(PLANTED, &[(stratagem_domain::Split::Training, task.clone())])).unwrap();
    let mut run = solved(plugin(PLANTED), &task);
    run.steps[0].detail = format!("{PLANTED} as a step");
    run.log[0].message = format!("{PLANTED} as a line");
    for n in 0..30 {
        run.started_at = n;
        store.record(&run, &task, None).unwrap();
        store.event("info", "test", "test", &format!("{PLANTED} {n}"), &json!({"a": PLANTED})).unwrap();
    }
    (folder, path, store)
}

/// The files of a folder whose bytes have a text, in the clear.
fn holding(folder: &Path, text: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let has =
        |path: &PathBuf| fs::read(path).unwrap().windows(text.len()).any(|part| part == text.as_bytes());
    entries.filter(has).map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

#[test]
fn nothing_of_an_encrypted_database_can_be_read_in_file_log_or_backup() {
    let options = with(&hex("a1"));
    let (folder, path, store) = planted(&options);
    for (name, method) in [("online.db", Method::Online), ("vacuumed.db", Method::VacuumInto)] {
        let made = store.backup(&path.with_file_name(name), method, QUIET).unwrap();
        assert!(made.encrypted && made.rows["runs"] == 30);
    }
    let files: BTreeSet<_> =
        fs::read_dir(folder.path()).unwrap().map(|one| one.unwrap().file_name()).collect();
    for name in ["runs.db", "runs.db-wal", "online.db", "vacuumed.db"] {
        assert!(files.contains(std::ffi::OsStr::new(name)), "{files:?}");
    }
    assert_eq!(holding(folder.path(), PLANTED), BTreeSet::new());
    assert_eq!(holding(folder.path(), "SQLite format 3"), BTreeSet::new());
    assert_eq!(holding(folder.path(), "CREATE TABLE"), BTreeSet::new());
    assert!(
        fs::metadata(path.with_file_name("runs.db-wal")).unwrap().len() > 100_000,
        "the log was looked at too"
    );
    // The same text is found where nothing is encrypted: the search itself works.
    if std::env::var_os(Key::VARIABLE).is_none() {
        let (plain, _, _store) = planted(&StoreOptions::default());
        assert!(holding(plain.path(), PLANTED).contains("runs.db-wal"));
    }
}

#[test]
fn a_passphrase_opens_what_it_closed_for_every_connection() {
    let options = with("correct horse, battery 'staple'");
    let (_folder, path, store) = planted(&options);
    assert!(store.is_encrypted());
    let backup = path.with_file_name("backup.db");
    store.backup(&backup, Method::Online, QUIET).unwrap();
    let lines = store.runs(&RunFilter::default()).unwrap();
    assert_eq!(lines.len(), 30);
    drop(store);
    assert_eq!(check(&path, &options, &|_| {}).unwrap().findings, []);
    let restored = restore(&backup, &path, &options, QUIET).unwrap();
    assert_eq!(restored.backup.rows["runs"], 30);
    let copied = salvage(&path, &path.with_file_name("salvaged.db"), &options, &|_| {}).unwrap();
    assert!(copied.is_whole() && copied.file.encrypted);
    let store = Store::open_existing_with(&path, &options).unwrap();
    assert_eq!(store.repair(Repair::default()).unwrap().dangling, 0);
    assert_eq!(store.run(&lines[0].id).unwrap().log[0].message, format!("{PLANTED} as a line"));
}

/// What each mismatch says; the file is to the byte what it was.
#[test]
fn a_key_that_does_not_fit_is_told_and_leaves_the_file_as_it_was() {
    let options = with(&hex("a1"));
    let (_folder, path, store) = planted(&options);
    let backup = path.with_file_name("backup.db");
    store.backup(&backup, Method::Online, QUIET).unwrap();
    drop(store);
    let before = fs::read(&path).unwrap();
    let cannot = format!("file {} cannot be read with this key, or it is no database", path.display());
    for other in [hex("a2"), "another passphrase".to_owned()] {
        let other = with(&other);
        let error = Store::open_with(&path, &other).unwrap_err();
        assert!(matches!(error, StoreError::WrongKey { .. }), "{error}");
        assert_eq!(error.to_string(), cannot);
        assert!(error.hint().unwrap().contains("the file was left as it was"));
        assert!(matches!(check(&path, &other, &|_| {}), Err(StoreError::WrongKey { .. })));
        assert!(matches!(verify_backup(&backup, &other), Err(StoreError::WrongKey { .. })));
        assert!(restore(&backup, &path, &other, QUIET).is_err());
        assert!(matches!(rekey(&path, &other, None), Err(StoreError::WrongKey { .. })));
        assert_eq!(fs::read(&path).unwrap(), before);
    }
    if std::env::var_os(Key::VARIABLE).is_none() {
        let error = Store::open(&path).unwrap_err();
        assert!(matches!(error, StoreError::Encrypted { .. }), "{error}");
        assert!(error.hint().unwrap().contains(Key::VARIABLE));
    }
    assert_eq!(fs::read(&path).unwrap(), before);
    let plain = path.with_file_name("plain.db");
    Connection::open(&plain).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
    let before = fs::read(&plain).unwrap();
    let error = Store::open_with(&plain, &options).unwrap_err();
    assert!(
        matches!(error, StoreError::NotEncrypted { .. }) && error.hint().unwrap().contains("rekey"),
        "{error}"
    );
    assert_eq!(fs::read(&plain).unwrap(), before);
}

#[test]
fn a_database_is_encrypted_gets_another_key_and_is_opened_again() {
    let (folder, path, store) = planted(&with(&hex("a1")));
    let error = rekey(&path, &with(&hex("a1")), Some(&Key::parse(&hex("b2"), "").unwrap())).unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");
    let all: Vec<_> =
        store.runs(&RunFilter::default()).unwrap().iter().map(|line| store.run(&line.id).unwrap()).collect();
    drop(store);
    let mut now = with(&hex("a1"));
    for next in [Some("a passphrase at last"), None, Some(&*hex("c3"))] {
        let new = next.map(|text| Key::parse(text, "the test").unwrap());
        let done = rekey(&path, &now, new.as_ref()).unwrap();
        assert_eq!(done.is_encrypted, new.is_some());
        assert_eq!(holding(folder.path(), PLANTED).is_empty(), new.is_some(), "{next:?}");
        // The environment's key is taken where no other is given.
        now = StoreOptions { key: new, ..StoreOptions::default() };
        if now.key.is_none() && std::env::var_os(Key::VARIABLE).is_some() {
            return;
        }
        let store = Store::open_existing_with(&path, &now).unwrap();
        assert!(store.health().unwrap().is_empty());
        for run in &all {
            assert_eq!(&store.run(&run.id).unwrap(), run, "{next:?}");
        }
        assert_eq!(store.verify_audit(None).unwrap().broken, None);
        drop(store);
        assert_eq!(check(&path, &now, &|_| {}).unwrap().findings, [], "{next:?}");
    }
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|one| one.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains("draft")), "{left:?}");
}

#[test]
fn a_page_that_was_changed_is_damage_not_a_wrong_key() {
    let options = with(&hex("a1"));
    let (_folder, path, store) = planted(&options);
    drop(store);
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.len() / 2 / 4096 * 4096 + 100;
    bytes[at] ^= 1;
    fs::write(&path, bytes).unwrap();
    let findings = check(&path, &options, &|_| {}).unwrap().findings;
    assert!(findings.iter().any(|one| one.name == "page"), "one bit: {findings:?}");
}
