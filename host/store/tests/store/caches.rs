use std::fs;
use std::thread;
use std::time::Duration;

use stratagem_domain::{Ledger, Split};
use stratagem_store::{CopyOptions, CopyState, RunFilter, Shelf, Store, StoreError, StoreOptions};

use crate::Bench;
use crate::fixtures::{is_encrypted, plugin, set, solved, task};

fn reopened(bench: &Bench, copies: CopyOptions) -> Store {
    Store::open_existing_with(&bench.path, &StoreOptions { copies, ..StoreOptions::default() }).unwrap()
}

#[test]
fn a_run_and_a_task_are_read_once_and_shared() {
    let task = task("3c9b0459", 4);
    let bench = Bench::with(std::slice::from_ref(&task));
    let id = bench.store.record(&solved(plugin("mirror"), &task), &task, None).unwrap();
    let first = bench.store.shared_run(&id).unwrap();
    assert_eq!(*first, bench.store.run(&id).unwrap());
    assert!(std::sync::Arc::ptr_eq(&first, &bench.store.shared_run(&id).unwrap()));
    let row: String = bench.raw().query_row("SELECT id FROM arc_tasks", [], |row| row.get(0)).unwrap();
    assert_eq!(*bench.store.shared_task(&row).unwrap().unwrap(), task);
    bench.store.shared_task(&row).unwrap().unwrap();
    assert!(bench.store.shared_task("nobody's").unwrap().is_none());
    assert!(matches!(bench.store.shared_run(&id[..8]), Err(StoreError::UnknownRun { .. })));
    let stats = bench.store.cache_stats();
    assert_eq!((stats.runs.hits, stats.runs.misses, stats.runs.entries), (1, 2, 1));
    assert_eq!((stats.tasks.hits, stats.tasks.entries), (1, 1));
    assert!(stats.runs.bytes > 500 && stats.runs.bytes < stats.runs.capacity_bytes);

    bench.raw().execute_batch("PRAGMA foreign_keys = ON; DELETE FROM runs").unwrap();
    bench.store.drop_copies().unwrap();
    assert!(matches!(bench.store.shared_run(&id), Err(StoreError::UnknownRun { .. })), "forgotten at once");
}

#[test]
fn a_write_by_anybody_is_never_followed_by_a_stale_list() {
    let task = task("3c9b0459", 4);
    let bench = Bench::with(std::slice::from_ref(&task));
    let other = Store::open_existing(&bench.path).unwrap();
    let all = RunFilter { limit: usize::MAX, ..RunFilter::default() };
    let run = solved(plugin("mirror"), &task);
    for round in 0..50 {
        let writer = if round % 2 == 0 { &bench.store } else { &other };
        let id = writer.record(&run, &task, None).unwrap();
        for reader in [&bench.store, &other] {
            let lines = reader.runs(&all).unwrap();
            assert_eq!(lines.len(), round + 1);
            assert!(lines.iter().any(|line| line.id == id));
        }
    }
    let stats = bench.store.cache_stats().queries;
    assert_eq!((stats.hits, stats.misses), (0, 50), "every list was after a write");
    bench.store.runs(&all).unwrap();
    bench.store.runs(&RunFilter { limit: 3, ..all.clone() }).unwrap();
    let stats = bench.store.cache_stats().queries;
    assert_eq!((stats.hits, stats.misses), (1, 51));
    // Past every store, in another program.
    bench.raw().execute_batch("PRAGMA foreign_keys = ON; DELETE FROM runs").unwrap();
    assert!(bench.store.runs(&all).unwrap().is_empty());
}

#[test]
fn a_reader_beside_a_writer_never_goes_back() {
    let task = task("3c9b0459", 4);
    let bench = Bench::with(std::slice::from_ref(&task));
    let other = Store::open_existing(&bench.path).unwrap();
    let all = RunFilter { limit: usize::MAX, ..RunFilter::default() };
    let written = std::sync::atomic::AtomicUsize::new(0);
    let order = std::sync::atomic::Ordering::SeqCst;
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..200 {
                other.record(&solved(plugin("mirror"), &task), &task, None).unwrap();
                written.fetch_add(1, order);
            }
        });
        for _ in 0..2 {
            scope.spawn(|| {
                let mut last = 0;
                while last < 200 {
                    let before = written.load(order);
                    let seen = bench.store.runs(&all).unwrap().len();
                    assert!(
                        seen >= before && seen >= last,
                        "saw {seen}, {before} were there, {last} seen before"
                    );
                    last = seen;
                }
            });
        }
    });
}

#[test]
fn generations_grow_with_every_write_and_go_back_with_none() {
    let bench = Bench::with(&[task("3c9b0459", 4)]);
    let before = bench.store.generation("datasets").unwrap();
    assert!(before > 1_700_000_000_000, "{before}: at least the time");
    assert_eq!(bench.store.generation("patterns").unwrap(), 0);
    bench.store.event("info", "test", "unrelated", "", &serde_json::json!({})).unwrap();
    assert_eq!(bench.store.generation("datasets").unwrap(), before);
    let taken_back = "BEGIN; UPDATE datasets SET version = 'x'; ROLLBACK";
    bench.raw().execute_batch(taken_back).unwrap();
    assert_eq!(bench.store.generation("datasets").unwrap(), before);
    bench.store.import(&set("more", &[(Split::Test, task("00d62c1b", 1))])).unwrap();
    assert!(bench.store.generation("datasets").unwrap() > before);
}

/// True of an encrypted database: copies would show its text, so there are none, whatever the settings say.
fn copies_nothing(bench: &Bench) -> bool {
    if !is_encrypted() {
        return false;
    }
    let store = reopened(bench, CopyOptions::default());
    store.copies().put(Shelf::Episodes, "e", b"text");
    store.copies().flush();
    assert_eq!(store.copies().get(Shelf::Episodes, "e"), None);
    assert_eq!(store.copies().stats().state, CopyState::Off);
    assert!(!bench.path.with_extension("cache.redb").exists());
    true
}

#[test]
fn copies_outlive_the_process_until_their_time_is_over() {
    let bench = Bench::new();
    if copies_nothing(&bench) {
        return;
    }
    let copies = CopyOptions { queries_ms: 300, ..CopyOptions::default() };
    let long = "0123456789".repeat(10_000);
    {
        let store = reopened(&bench, copies.clone());
        assert_eq!(store.copies().stats().state, CopyState::Unopened);
        assert_eq!(store.copies().get(Shelf::Episodes, "e"), None);
        store.copies().put(Shelf::Episodes, "e", long.as_bytes());
        store.copies().put(Shelf::Queries, "q", b"short");
        assert_eq!(
            store.copies().get(Shelf::Queries, "q").as_deref(),
            Some(&b"short"[..]),
            "before it is written"
        );
        assert_eq!(store.copies().get(Shelf::Patterns, "q"), None, "shelves are apart");
    }
    assert!(bench.path.with_extension("cache.redb").exists());
    thread::sleep(Duration::from_millis(320));
    let store = reopened(&bench, copies);
    assert_eq!(store.copies().get(Shelf::Episodes, "e").as_deref(), Some(long.as_bytes()));
    assert_eq!(store.copies().get(Shelf::Queries, "q"), None);
    let stats = store.copies().stats();
    assert_eq!((stats.hits, stats.misses, stats.entries[&Shelf::Queries]), (1, 1, 1));
    let swept = store.copies().sweep();
    assert_eq!((swept.removed, swept.kept), (1, 1));
    assert_eq!(store.copies().stats().entries[&Shelf::Queries], 0);
}

#[test]
fn a_file_of_copies_that_is_damaged_foreign_or_gone_loses_nothing() {
    let bench = Bench::new();
    if copies_nothing(&bench) {
        return;
    }
    let path = bench.path.with_extension("cache.redb");
    let fill = || {
        let store = reopened(&bench, CopyOptions::default());
        (0..500).for_each(|n| store.copies().put(Shelf::Episodes, &format!("{n}"), &[7; 300]));
    };
    fill();
    let whole = fs::read(&path).unwrap();
    let scrambled = |from: usize, step: usize| {
        let mut bytes = whole.clone();
        bytes.iter_mut().skip(from).step_by(step).for_each(|byte| *byte ^= 0x5a);
        bytes
    };
    let cases = [
        ("empty", Vec::new()),
        ("foreign", b"not redb at all".repeat(1_000)),
        ("cut", whole[..whole.len() / 2].to_vec()),
        ("head", scrambled(0, 7)),
        ("pages", scrambled(4_096, 501)),
        ("one byte of a page", scrambled(20_000, usize::MAX)),
    ];
    for (name, bytes) in cases {
        fs::write(&path, bytes).unwrap();
        let store = reopened(&bench, CopyOptions::default());
        for n in 0..500 {
            let found = store.copies().get(Shelf::Episodes, &format!("{n}"));
            assert!(found.is_none_or(|found| found == [7; 300]), "{name}: what is handed out is whole");
        }
        store.copies().put(Shelf::Episodes, "new", b"value");
        store.copies().flush();
        assert_eq!(store.copies().get(Shelf::Episodes, "new").as_deref(), Some(&b"value"[..]), "{name}");
        assert_eq!(store.copies().stats().state, CopyState::Open, "{name}");
        assert!(store.health().unwrap().is_empty());
    }
    fs::remove_file(&path).unwrap();
    let store = reopened(&bench, CopyOptions::default());
    assert_eq!(store.copies().get(Shelf::Episodes, "1"), None);
    assert_eq!(store.copies().stats().rebuilt, 0, "a file that is gone is no damage");
}

#[test]
fn who_finds_the_copies_held_or_switched_off_does_without() {
    let bench = Bench::new();
    if copies_nothing(&bench) {
        return;
    }
    let holder = reopened(&bench, CopyOptions::default());
    holder.copies().put(Shelf::Queries, "k", b"v");
    holder.copies().flush();
    let second = reopened(&bench, CopyOptions::default());
    assert_eq!(second.copies().get(Shelf::Queries, "k"), None);
    second.copies().put(Shelf::Queries, "k", b"w");
    second.copies().flush();
    assert_eq!(second.copies().stats().state, CopyState::Held);
    assert_eq!(holder.copies().get(Shelf::Queries, "k").as_deref(), Some(&b"v"[..]));

    let off = reopened(&bench, CopyOptions { enabled: false, ..CopyOptions::default() });
    off.copies().put(Shelf::Queries, "k", b"w");
    assert_eq!(off.copies().get(Shelf::Queries, "k"), None);
    assert_eq!(off.copies().stats().state, CopyState::Off);
    drop(holder);
    off.drop_copies().unwrap();
    assert!(!bench.path.with_extension("cache.redb").exists(), "an erasure removes the file in any case");
}

#[test]
fn dropped_copies_are_gone_from_memory_and_disk() {
    let bench = Bench::new();
    if copies_nothing(&bench) {
        return;
    }
    let store = reopened(&bench, CopyOptions::default());
    store.copies().put(Shelf::Queries, "written", b"secret");
    store.copies().flush();
    store.copies().put(Shelf::Queries, "waiting", b"secret");
    store.drop_copies().unwrap();
    assert!(!bench.path.with_extension("cache.redb").exists());
    assert_eq!(store.copies().get(Shelf::Queries, "written"), None);
    assert_eq!(store.copies().get(Shelf::Queries, "waiting"), None);
    store.copies().put(Shelf::Queries, "later", b"new");
    store.copies().flush();
    assert_eq!(store.copies().get(Shelf::Queries, "later").as_deref(), Some(&b"new"[..]));
    let bounded = CopyOptions { most_bytes: 1, ..CopyOptions::default() };
    drop(store);
    let store = reopened(&bench, bounded);
    assert_eq!(store.copies().get(Shelf::Queries, "later").as_deref(), Some(&b"new"[..]));
    assert!(store.copies().sweep().is_rebuilt, "a file past its bound is begun anew");
    assert_eq!(store.copies().get(Shelf::Queries, "later"), None);
}
