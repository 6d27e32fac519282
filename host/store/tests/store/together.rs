use std::collections::BTreeSet;
use std::thread;

use stratagem_domain::{Ledger, Split, StoredRun};
use stratagem_store::{RunFilter, Store};

use crate::Bench;
use crate::fixtures::{COMPONENT, WORLD, plugin, set, solved, task};

#[test]
fn two_programs_that_write_at_once_lose_nothing() {
    const EACH: u64 = 40;
    let task = task("3c9b0459", 4);
    let bench = Bench::with(std::slice::from_ref(&task));
    let other = Store::open_existing(&bench.path).unwrap();
    let stores = [&bench.store, &other];
    let ids: BTreeSet<String> = thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let (store, task) = (stores[writer % 2], &task);
                scope.spawn(move || {
                    let run = solved(plugin("mirror"), task);
                    let record = |n| {
                        let run = StoredRun { started_at: writer as u64 * EACH + n, ..run.clone() };
                        store.record(&run, task, None).unwrap()
                    };
                    (0..EACH).map(record).collect::<Vec<_>>()
                })
            })
            .collect();
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
    });
    assert_eq!(ids.len() as u64, 4 * EACH);
    let kept = bench.store.runs(&RunFilter { limit: usize::MAX, ..RunFilter::default() }).unwrap();
    assert_eq!(kept.iter().map(|line| line.id.clone()).collect::<BTreeSet<_>>(), ids);
    let starts: BTreeSet<u64> = kept.iter().map(|line| line.started_at).collect();
    assert_eq!(starts.len() as u64, 4 * EACH);
    assert!(bench.store.health().unwrap().is_empty());
}

#[test]
fn programs_that_open_a_new_file_at_once_agree_on_its_schema() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..5 {
        let path = folder.path().join(format!("runs{round}.db"));
        let set = set("arc", &[(Split::Training, task("a", 1))]);
        let new = thread::scope(|scope| {
            let programs: Vec<_> = (0..6)
                .map(|_| {
                    scope.spawn(|| {
                        let store = Store::open(&path).unwrap();
                        store.keep_component(&plugin("mirror"), WORLD, "{}", COMPONENT).unwrap();
                        store.import(&set).unwrap().is_new
                    })
                })
                .collect();
            programs.into_iter().map(|program| program.join().unwrap()).filter(|&new| new).count()
        });
        assert_eq!(new, 1);
        assert_eq!(Store::open(&path).unwrap().datasets().unwrap().len(), 1);
    }
}
