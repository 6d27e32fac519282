use stratagem_domain::{
    Ending, Features, Grid, LabelledTask, Ledger, Pair, PluginIdentity, Score, SizeRelation, Split,
};
use stratagem_store::{Difficulty, Store, StoreOptions, TaskFilter};

use crate::Bench;
use crate::fixtures::{COMPONENT, WORLD, cell, ended, open_task, plugin, set, solved, task};

fn grid(rows: &[&[u8]]) -> Grid {
    Grid::from_rows(rows).unwrap()
}

/// A task whose output is its input mirrored; `colour` tells it from others.
fn mirrored(id: &str, colour: u8, truth: u8) -> LabelledTask {
    let train = vec![Pair {
        input: grid(&[&[colour, 0, 0], &[0, colour, 0]]),
        output: grid(&[&[0, 0, colour], &[0, colour, 0]]),
    }];
    LabelledTask::new(id, train, vec![(grid(&[&[colour, 0, 0]]), Some(cell(truth)))]).unwrap()
}

/// A task that crops.
fn cropped(id: &str) -> LabelledTask {
    let train = vec![Pair {
        input: grid(&[&[0, 0, 0, 0], &[0, 1, 2, 0], &[0, 2, 3, 0], &[0, 0, 0, 0]]),
        output: grid(&[&[1, 2], &[2, 3]]),
    }];
    LabelledTask::new(id, train, vec![(cell(1), None)]).unwrap()
}

fn only(store: &Store, code: &str) -> stratagem_store::TaskLine {
    let filter = TaskFilter { code: Some(code.to_owned()), ..TaskFilter::default() };
    store.list_tasks(&filter).unwrap().remove(0)
}

#[test]
fn features_come_with_the_import_and_as_they_were_computed() {
    let task = mirrored("a", 3, 1);
    let bench = Bench::with(&[task.clone(), cropped("b")]);
    let line = only(&bench.store, "a");
    assert_eq!(bench.store.features(&line.row).unwrap(), Some(Features::of(&task.task)));
    assert_eq!(
        (line.family.as_deref(), line.size_relation.as_deref()),
        (Some("same size: mirror"), Some("same"))
    );
    assert_eq!(line.difficulty, Difficulty::Unknown);
    let row = "width = 3 AND height = 2 AND color_count = 2 AND object_count = 1 AND symmetry = 0
        AND size_relation = 'same' AND extractor = 'features-1' AND has_symmetry = 0
        AND grid_dimensions = '[3,2]' AND json_extract(transformation_hints, '$[0]') = 'mirror'";
    assert_eq!(bench.count(&format!("task_features WHERE {row}")), 1);
    assert_eq!(bench.count("embeddings WHERE subject_kind = 'task' AND model = 'features-1'"), 2);
    assert_eq!(bench.store.features("no such row").unwrap(), None);
}

/// What plugins may be shown of a task's neighbours must not tell its answer.
#[test]
fn the_outputs_of_tests_leave_no_trace_in_features_and_vectors() {
    let bench = Bench::with(&[mirrored("a", 3, 1), mirrored("b", 3, 9)]);
    let distinct = |column: &str, from: &str| bench.count(&format!("(SELECT DISTINCT {column} FROM {from})"));
    assert_eq!(distinct("digest", "arc_tasks"), 2);
    assert_eq!(distinct("detail", "task_features"), 1);
    assert_eq!(distinct("vec", "embeddings"), 1);
    assert_eq!(distinct("family_id", "arc_tasks"), 1);
}

#[test]
fn the_nearest_come_first_once_each_and_never_the_task_itself() {
    let bench = Bench::with(&[mirrored("a", 3, 1), cropped("c"), mirrored("b", 7, 1)]);
    let copy = [(Split::Custom, mirrored("a", 3, 1)), (Split::Custom, mirrored("b", 7, 1))];
    bench.store.import(&set("copy", &copy)).unwrap();
    let near = bench.store.similar_tasks(&only(&bench.store, "a").row, 10).unwrap();
    let ids: Vec<&str> = near.iter().map(|near| near.line.id.as_str()).collect();
    assert_eq!(ids, ["b", "c"]);
    assert!((near[0].similarity - 1.0).abs() < 1e-6, "only a colour differs: {}", near[0].similarity);
    assert!(near[1].similarity < 0.5, "{}", near[1].similarity);
    assert_eq!(bench.store.similar_tasks(&only(&bench.store, "a").row, 1).unwrap().len(), 1);
    assert!(bench.store.similar_tasks("no such row", 3).unwrap().is_empty());
}

#[test]
fn families_say_what_their_tasks_share() {
    let bench = Bench::with(&[mirrored("a", 3, 1), mirrored("b", 7, 1), cropped("c")]);
    bench.store.import(&set("copy", &[(Split::Custom, mirrored("a", 3, 1))])).unwrap();
    let families = bench.store.families().unwrap();
    let names: Vec<_> = families.iter().map(|family| (family.name.as_str(), family.tasks)).collect();
    assert_eq!(names, [("same size: mirror", 2), ("smaller output: extract an object", 1)]);
    assert!(
        families[0].common_patterns.iter().any(|common| common.pattern == "mirror" && common.share >= 1.0)
    );
    assert!(families[0].description.contains("mirrored"), "{}", families[0].description);
    assert_eq!(families[0].avg_difficulty, None);
    let listed = |filter: TaskFilter| -> Vec<String> {
        bench
            .store
            .list_tasks(&filter)
            .unwrap()
            .into_iter()
            .map(|line| format!("{}/{}", line.dataset, line.id))
            .collect()
    };
    let all = TaskFilter::default();
    assert_eq!(listed(all.clone()), ["arc/a", "arc/b", "arc/c", "copy/a"]);
    assert_eq!(
        listed(TaskFilter { family: Some("same size: mirror".into()), ..all.clone() }),
        ["arc/a", "arc/b", "copy/a"]
    );
    assert_eq!(
        listed(TaskFilter { relation: Some(SizeRelation::Same), limit: Some(1), ..all.clone() }),
        ["arc/a"]
    );
    assert_eq!(listed(TaskFilter { hint: Some(stratagem_domain::Hint::Crop), ..all.clone() }), ["arc/c"]);
    assert_eq!(listed(TaskFilter { split: Some(Split::Custom), ..all.clone() }), ["copy/a"]);
    assert_eq!(listed(TaskFilter { dataset: Some("copy".into()), ..all.clone() }), ["copy/a"]);
    assert!(listed(TaskFilter { difficulty: Some(Difficulty::Easy), ..all }).is_empty());
}

#[test]
fn a_refused_import_leaves_no_family_and_no_vector() {
    let bench = Bench::new();
    bench
        .raw()
        .execute_batch(
            "CREATE TRIGGER broken BEFORE INSERT ON embeddings BEGIN SELECT RAISE(ABORT, 'no'); END",
        )
        .unwrap();
    bench.store.import(&set("arc", &[(Split::Custom, mirrored("a", 3, 1))])).unwrap_err();
    for table in ["datasets", "arc_tasks", "task_pairs", "task_features", "task_families", "embeddings"] {
        assert_eq!(bench.count(table), 0, "{table}");
    }
}

#[test]
fn what_was_imported_before_gets_its_features_and_old_ones_go() {
    let tasks: Vec<_> = (0..250).map(|at| mirrored(&format!("t{at:03}"), 1 + (at % 9) as u8, 1)).collect();
    let bench = Bench::with(&tasks);
    bench
        .raw()
        .execute_batch(
            "DELETE FROM task_features WHERE task_id IN (SELECT id FROM arc_tasks WHERE code < 't100');
             UPDATE task_features SET extractor = 'features-0';
             UPDATE embeddings SET model = 'features-0';
             UPDATE arc_tasks SET family_id = NULL;
             INSERT INTO task_families (id, name, created_at) VALUES ('old', 'old', 1);",
        )
        .unwrap();
    assert_eq!(bench.store.features(&only(&bench.store, "t000").row).unwrap(), None);
    let mut heard = Vec::new();
    let count = bench.store.rebuild_features(|done, all| heard.push((done, all))).unwrap();
    assert_eq!((count, heard), (250, vec![(0, 250), (100, 250), (200, 250), (250, 250)]));
    let features = bench.store.features(&only(&bench.store, "t000").row).unwrap();
    assert_eq!(features, Some(Features::of(&tasks[0].task)));
    assert_eq!(bench.count("task_features WHERE extractor = 'features-1'"), 250);
    assert_eq!((bench.count("embeddings"), bench.count("embeddings WHERE model = 'features-1'")), (250, 250));
    assert_eq!((bench.count("task_families"), bench.count("arc_tasks WHERE family_id IS NULL")), (1, 0));
    assert!(bench.store.verify_audit(None).unwrap().broken.is_none());
}

#[test]
fn difficulty_follows_from_enough_runs_of_enough_strategies() {
    let scored = |id: &str| task(id, 4);
    let (easy, medium, hard, few, open) =
        (scored("e"), scored("m"), scored("h"), scored("f"), open_task("o"));
    let bench = Bench::with(&[easy.clone(), medium.clone(), hard.clone(), few.clone(), open.clone()]);
    bench.store.import(&set("copy", &[(Split::Custom, easy.clone())])).unwrap();
    let other = PluginIdentity { name: "other".into(), ..plugin("other") };
    bench.store.keep_component(&other, WORLD, "{}", COMPONENT).unwrap();
    let missed = Score { right_at: vec![None, Some(1)] };
    let run = |task: &LabelledTask, strategy: &PluginIdentity, is_solved: bool| {
        let run = solved(strategy.clone(), task);
        let run = if is_solved { run } else { ended(&run, Ending::Returned, Some(missed.clone())) };
        bench.store.record(&run, task, None).unwrap();
    };
    let (mirror, other) = (&plugin("mirror"), &other);
    for (task, results) in [
        (&easy, &[(mirror, true), (mirror, true), (other, false)][..]),
        (&medium, &[(mirror, true), (mirror, false), (mirror, false), (other, false)]),
        (&hard, &[(mirror, false), (mirror, false), (other, false)]),
        // Many runs of one strategy say what that strategy can.
        (&few, &[(mirror, true), (mirror, true), (mirror, true), (mirror, true)]),
    ] {
        for &(strategy, is_solved) in results {
            run(task, strategy, is_solved);
        }
    }
    // Without known outputs a failure says nothing of the task.
    for strategy in [mirror, mirror, other] {
        let trapped = Ending::OutOfFuel;
        bench.store.record(&ended(&solved(strategy.clone(), &open), trapped, None), &open, None).unwrap();
    }
    let rating = bench.store.rate_tasks().unwrap();
    assert_eq!((rating.easy, rating.medium, rating.hard, rating.too_few_runs), (1, 1, 1, 1));
    assert_eq!(rating.changed, 4, "the easy one is in two datasets");
    let difficulty = |code: &str| only(&bench.store, code).difficulty;
    let found = ["e", "m", "h", "f", "o"].map(difficulty);
    let (unknown, of) = (Difficulty::Unknown, [Difficulty::Easy, Difficulty::Medium, Difficulty::Hard]);
    assert_eq!(found, [of[0], of[1], of[2], unknown, unknown]);
    assert_eq!(bench.count("arc_tasks WHERE code = 'e' AND difficulty_level = 'easy'"), 2);
    let family =
        bench.store.families().unwrap().into_iter().find(|family| family.avg_difficulty.is_some()).unwrap();
    assert!((family.avg_difficulty.unwrap() - 2.0).abs() < 1e-9, "{:?}", family.avg_difficulty);
    assert_eq!(bench.store.rate_tasks().unwrap().changed, 0);
}

#[test]
fn a_reader_rebuilds_and_rates_nothing() {
    let bench = Bench::with(&[mirrored("a", 3, 1)]);
    let role = Some(stratagem_store::Role::Reader);
    let reader = Store::open_with(&bench.path, &StoreOptions { role, ..StoreOptions::default() }).unwrap();
    assert!(reader.rate_tasks().is_err() && reader.rebuild_features(|_, _| ()).is_err());
    assert_eq!(reader.families().unwrap().len(), 1);
}
