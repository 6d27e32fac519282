use std::collections::BTreeMap;

use stratagem_domain::{Digest, Ledger, PluginIdentity, Split};
use stratagem_store::StoreError;

use crate::Bench;
use crate::fixtures::{COMPONENT, WORLD, open_task, plugin, set, solved, task};

#[test]
fn a_dataset_comes_back_by_split_and_id() {
    let bench = Bench::new();
    let (a, b, c) = (task("a", 1), task("b", 2), open_task("c"));
    let tasks = [
        (Split::Test, c.clone()),
        (Split::Evaluation, a.clone()),
        (Split::Training, b.clone()),
        (Split::Training, a.clone()),
    ];
    let set = set("arc", &tasks);
    let imported = bench.store.import(&set).unwrap();
    assert!(imported.is_new);
    let dataset = imported.dataset;
    assert_eq!((dataset.digest, &dataset.version), (set.digest(), &set.digest().short()));
    let counts = BTreeMap::from([(Split::Training, 2), (Split::Evaluation, 1), (Split::Test, 1)]);
    assert_eq!(dataset.counts, counts);
    assert_eq!(bench.store.tasks(&dataset, None).unwrap(), [a.clone(), b.clone(), a.clone(), c.clone()]);
    assert_eq!(bench.store.tasks(&dataset, Some(Split::Training)).unwrap(), [a.clone(), b]);
    assert!(bench.store.tasks(&dataset, Some(Split::Custom)).unwrap().is_empty());
    let found = bench.store.find_task("a").unwrap();
    assert_eq!(found, [(dataset.clone(), Split::Training, a.clone()), (dataset, Split::Evaluation, a)]);
    assert!(bench.store.find_task("z").unwrap().is_empty());
}

#[test]
fn the_same_content_under_the_same_name_is_kept_once() {
    let bench = Bench::new();
    let tasks = [(Split::Training, task("a", 1)), (Split::Training, task("b", 2))];
    let first = bench.store.import(&set("arc", &tasks)).unwrap();
    let turned = [tasks[1].clone(), tasks[0].clone()];
    let again = bench.store.import(&set("arc", &turned)).unwrap();
    assert!(!again.is_new);
    assert_eq!(again.dataset, first.dataset);
    assert_eq!((bench.count("datasets"), bench.count("arc_tasks"), bench.count("task_pairs")), (1, 2, 8));
    let other = bench.store.import(&set("copy", &tasks)).unwrap();
    assert!(other.is_new && other.dataset.id != first.dataset.id);
    assert_eq!(bench.count("arc_tasks"), 4);
    assert_eq!(bench.store.find_task("a").unwrap().len(), 2);
}

#[test]
fn a_dataset_is_found_by_name_and_version() {
    let bench = Bench::new();
    let versions: Vec<_> = (1..9)
        .map(|colour| bench.store.import(&set("arc", &[(Split::Custom, task("a", colour))])).unwrap().dataset)
        .collect();
    assert_eq!(bench.store.datasets().unwrap(), versions);
    assert_eq!(bench.store.dataset("arc", None).unwrap().as_ref(), versions.last());
    for dataset in &versions {
        let found = bench.store.dataset("arc", Some(&dataset.version)).unwrap();
        assert_eq!(found.as_ref(), Some(dataset));
        assert_eq!(bench.store.dataset("arc", Some(&dataset.version[..8])).unwrap(), found);
    }
    assert_eq!(bench.store.dataset("arc", Some("zz")).unwrap(), None);
    assert_eq!(bench.store.dataset("none", None).unwrap(), None);
    let error = bench.store.dataset("arc", Some("")).unwrap_err();
    assert!(matches!(error, StoreError::AmbiguousDataset { found: 8, .. }), "{error}");
}

#[test]
fn a_split_with_one_id_twice_is_refused_whole() {
    let bench = Bench::new();
    let twice = set("arc", &[(Split::Test, task("a", 1)), (Split::Test, task("a", 2))]);
    let error = bench.store.import(&twice).unwrap_err();
    assert_eq!(error.to_string(), "dataset \"arc\" has task a twice in split test");
    assert_eq!(bench.count("datasets"), 0);
}

#[test]
fn a_component_is_kept_to_the_byte_and_once() {
    let bench = Bench::new();
    let digest = Digest::of(COMPONENT);
    assert_eq!(bench.store.component(&digest).unwrap(), None);
    for _ in 0..2 {
        bench.store.keep_component(&plugin("mirror"), WORLD, "{}", COMPONENT).unwrap();
    }
    assert_eq!(bench.store.component(&digest).unwrap().as_deref(), Some(COMPONENT));
    let rows = || (bench.count("plugins"), bench.count("plugin_versions"), bench.count("artifacts"));
    assert_eq!(rows(), (1, 1, 1));
    // Rebuilt under the same version, then the version raised without a rebuild.
    let rebuilt = PluginIdentity { digest: Digest::of(b"rebuilt"), ..plugin("mirror") };
    bench.store.keep_component(&rebuilt, WORLD, "{}", b"rebuilt").unwrap();
    assert_eq!(rows(), (1, 2, 2));
    let raised = PluginIdentity { version: "0.2.0".into(), ..plugin("mirror") };
    bench.store.keep_component(&raised, WORLD, "{}", COMPONENT).unwrap();
    assert_eq!(rows(), (1, 3, 2));
    let error = bench.store.keep_component(&plugin("mirror"), WORLD, "{}", b"other").unwrap_err();
    assert!(matches!(error, StoreError::WrongComponent { .. }), "{error}");
}

#[test]
fn a_run_keeps_the_labels_that_its_plugin_had() {
    let task = task("a", 4);
    let bench = Bench::with(std::slice::from_ref(&task));
    let old = plugin("mirror");
    let old_id = bench.store.record(&solved(old.clone(), &task), &task, None).unwrap();
    let new = PluginIdentity { version: "0.2.0".into(), kind: "evolution".into(), ..old.clone() };
    bench.store.keep_component(&new, WORLD, "{}", COMPONENT).unwrap();
    let new_id = bench.store.record(&solved(new.clone(), &task), &task, None).unwrap();
    assert_eq!(bench.store.run(&old_id).unwrap().recipe.plugin, old);
    assert_eq!(bench.store.run(&new_id).unwrap().recipe.plugin, new);
}

#[test]
fn bytes_changed_in_the_file_are_not_handed_out() {
    let bench = Bench::with(&[task("a", 1)]);
    bench.raw().execute_batch("UPDATE artifacts SET body = x'00'").unwrap();
    let error = bench.store.component(&Digest::of(COMPONENT)).unwrap_err();
    assert!(error.to_string().ends_with("does not have its digest"), "{error}");
}

#[test]
fn events_are_kept_under_known_levels() {
    let bench = Bench::new();
    let context = serde_json::json!({ "path": "a\"b" });
    for level in ["debug", "info", "warn", "warning", "error", "critical"] {
        bench.store.event(level, "solve", "started", "began", &context).unwrap();
    }
    assert_eq!(
        bench.count("system_events WHERE level = 'warning' AND json_extract(context, '$.path') = 'a\"b'"),
        2
    );
    let error = bench.store.event("loud", "solve", "started", "began", &context).unwrap_err();
    assert!(matches!(error, StoreError::Invalid { .. }), "{error}");
    assert_eq!(error.hint().unwrap(), "one of debug, info, warning, error, critical");
    assert_eq!(bench.count("system_events"), 6);
}
