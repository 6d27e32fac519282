use serde_json::json;
use stratagem_domain::{
    Digest, Ending, LabelledTask, Ledger, Limits, Place, Score, Settings, Split, StoredRun,
};
use stratagem_store::{Arm, Experiment, NewEvaluation, NewExperiment, Selection, Store, StoreError, WorkEnd};

use crate::Bench;
use crate::fixtures::{ended, plugin, set, solved, task};

fn tasks(count: u8) -> Vec<LabelledTask> {
    // Ids that a reader of numbers would change.
    (0..count).map(|at| task(&format!("0{at:02}e1bfb"), at % 9)).collect()
}

fn work(name: &str) -> NewEvaluation {
    NewEvaluation {
        name: name.to_owned(),
        plugin: plugin("mirror"),
        config_version: None,
        seed: u64::MAX,
        limits: Limits::default(),
        settings: Settings::new(),
    }
}

fn digests(tasks: &[LabelledTask]) -> Vec<Digest> {
    tasks.iter().map(LabelledTask::digest).collect()
}

/// A run of the task in an evaluation; solved at the given rank.
fn run_in(evaluation: &str, task: &LabelledTask, rank: Option<usize>) -> StoredRun {
    let place = Place { evaluation: Some(evaluation.to_owned()), ..Place::default() };
    let run = StoredRun { place, ..solved(plugin("mirror"), task) };
    ended(&run, Ending::Returned, Some(Score { right_at: vec![rank, Some(1)] }))
}

fn selection(terms: &[&str]) -> Selection {
    Selection { tasks: terms.iter().map(|&term| term.to_owned()).collect(), ..Selection::default() }
}

fn arm(name: &str) -> Arm {
    Arm { name: name.to_owned(), strategy: "mirror".to_owned(), ..Arm::default() }
}

fn new(store: &Store, name: &str, selection: Selection) -> Result<Experiment, StoreError> {
    let arms = vec![arm("one"), arm("two")];
    store.new_experiment(&NewExperiment {
        name: name.to_owned(),
        arms,
        selection,
        ..NewExperiment::default()
    })
}

fn refusal<T: std::fmt::Debug>(result: Result<T, StoreError>) -> String {
    let error = result.unwrap_err();
    assert!(error.hint().is_some(), "{error}");
    error.to_string()
}

#[test]
fn runs_write_themselves_into_their_evaluation() {
    let tasks = tasks(3);
    let bench = Bench::with(&tasks);
    let store = &bench.store;
    let id = store.begin_evaluation(&work("first"), &digests(&tasks), None, false).unwrap();
    assert_eq!(store.evaluation(&id).unwrap().totals.tasks, 3);
    let good = store.record(&run_in(&id, &tasks[0], Some(1)), &tasks[0], None).unwrap();
    store.record(&run_in(&id, &tasks[1], None), &tasks[1], None).unwrap();
    assert_eq!(store.open_tasks(&id).unwrap(), tasks[2..]);
    assert_eq!(store.end_evaluation(&id, WorkEnd::Done).unwrap(), "running", "one task is open");
    store.claim_evaluation(&id).unwrap();
    let failed = ended(&run_in(&id, &tasks[2], None), Ending::OutOfFuel, None);
    store.record(&failed, &tasks[2], None).unwrap();
    assert_eq!(store.end_evaluation(&id, WorkEnd::Done).unwrap(), "completed");
    let found = store.evaluation(&id).unwrap();
    let totals = &found.totals;
    assert_eq!((totals.tasks, totals.ended, totals.failed, totals.scored), (3, 3, 1, 2));
    assert_eq!((totals.solved_at_1, totals.solved_at_2, totals.solved_at_3), (1, 1, 1));
    assert!((totals.partial_credit - 0.75).abs() < 1e-9 && totals.cpu_seconds > 2.0);
    assert_eq!((found.seed, found.is_stale, found.strategy.as_str()), (u64::MAX, false, "mirror"));
    let runs = store.evaluation_runs(&id).unwrap();
    assert_eq!(
        runs.iter().map(|task| task.code.as_str()).collect::<Vec<_>>(),
        ["000e1bfb", "001e1bfb", "002e1bfb"]
    );
    assert_eq!(runs[0].run.as_ref().map(|run| run.id.clone()), Some(good.clone()));
    assert_eq!(store.run(&good).unwrap().place.evaluation, Some(id));
    assert_eq!(bench.count("evaluation_tasks WHERE tries = 1 AND started_at IS NOT NULL"), 3);
}

#[test]
fn a_run_of_a_task_that_is_not_frozen_is_refused_whole() {
    let tasks = tasks(2);
    let bench = Bench::with(&tasks);
    let id = bench.store.begin_evaluation(&work("first"), &digests(&tasks[..1]), None, false).unwrap();
    let error = bench.store.record(&run_in(&id, &tasks[1], None), &tasks[1], None).unwrap_err();
    assert!(error.message.contains("is none of evaluation"), "{}", error.message);
    assert_eq!(bench.count("runs"), 0);
    let empty = bench.store.begin_evaluation(&work("none"), &[], None, false);
    assert!(refusal(empty).contains("no task"));
    let unknown = bench.store.begin_evaluation(&work("none"), &[Digest::of(b"x")], None, false);
    assert!(refusal(unknown).contains("is not stored"));
}

#[test]
fn an_evaluation_whose_process_is_gone_is_stale_and_gone_on_with() {
    let tasks = tasks(2);
    let bench = Bench::with(&tasks);
    let store = &bench.store;
    let begin = |go_on| store.begin_evaluation(&work("first"), &digests(&tasks), None, go_on).unwrap();
    let first = begin(false);
    store.record(&run_in(&first, &tasks[0], Some(1)), &tasks[0], None).unwrap();
    assert!(!store.evaluation(&first).unwrap().is_stale);
    assert_ne!(begin(true), first, "this process still works on it");
    bench.raw().execute("DELETE FROM evaluations WHERE id <> ?1", [&first]).unwrap();
    // A process of this machine that is no more: the number of this one, another start.
    bench
        .raw()
        .execute(
            "UPDATE evaluations SET meta = json_object('process', json_extract(meta, '$.process') || '0')",
            [],
        )
        .unwrap();
    assert!(store.evaluation(&first).unwrap().is_stale);
    let other = NewEvaluation { seed: 1, ..work("first") };
    assert_ne!(store.begin_evaluation(&other, &digests(&tasks), None, true).unwrap(), first);
    assert_ne!(store.begin_evaluation(&work("first"), &digests(&tasks[..1]), None, true).unwrap(), first);
    assert_eq!(begin(true), first);
    assert!(!store.evaluation(&first).unwrap().is_stale);
    assert_eq!(store.open_tasks(&first).unwrap().len(), 1);
    // A process elsewhere is held to be gone after a run's longest time.
    let elsewhere =
        "UPDATE evaluations SET meta = '{\"process\":\"machine space 1 1\"}', started_at = created_at";
    bench.raw().execute(elsewhere, []).unwrap();
    bench
        .raw()
        .execute("UPDATE evaluation_tasks SET finished_at = unixepoch() * 1000 WHERE run_id IS NOT NULL", [])
        .unwrap();
    assert!(!store.evaluation(&first).unwrap().is_stale);
    bench.raw().execute("UPDATE evaluation_tasks SET finished_at = 1 WHERE run_id IS NOT NULL", []).unwrap();
    assert!(store.evaluation(&first).unwrap().is_stale);
}

#[test]
fn an_earlier_run_counts_for_a_later_evaluation() {
    let tasks = tasks(1);
    let bench = Bench::with(&tasks);
    let store = &bench.store;
    let run = ended(
        &solved(plugin("mirror"), &tasks[0]),
        Ending::Returned,
        Some(Score { right_at: vec![Some(1), Some(2)] }),
    );
    let earlier = store.record(&run, &tasks[0], None).unwrap();
    let id = store.begin_evaluation(&work("later"), &digests(&tasks), None, true).unwrap();
    let found = store.finished(&run.recipe, None).unwrap().unwrap();
    let place = Place { evaluation: Some(id.clone()), ..Place::default() };
    for _ in 0..2 {
        store.count(&found, &place).unwrap();
    }
    assert_eq!(store.end_evaluation(&id, WorkEnd::Done).unwrap(), "completed");
    assert_eq!(store.evaluation_runs(&id).unwrap()[0].run.as_ref().unwrap().id, earlier);
    assert_eq!(bench.count("audit_log WHERE action = 'evaluation.count'"), 1);
    assert_eq!(bench.count("runs"), 1);
}

#[test]
fn ended_work_keeps_its_status() {
    let tasks = tasks(1);
    let bench = Bench::with(&tasks);
    let store = &bench.store;
    for (end, status) in [(WorkEnd::Cancelled, "cancelled"), (WorkEnd::Failed("disk".into()), "failed")] {
        let id = store.begin_evaluation(&work("first"), &digests(&tasks), None, false).unwrap();
        assert_eq!(store.end_evaluation(&id, end).unwrap(), status);
        store.record(&run_in(&id, &tasks[0], Some(1)), &tasks[0], None).unwrap();
        assert_eq!(store.end_evaluation(&id, WorkEnd::Done).unwrap(), status, "a late run changes nothing");
        assert!(refusal(store.claim_evaluation(&id)).contains(status));
    }
    let words = store
        .evaluations(None, 9)
        .unwrap()
        .iter()
        .filter_map(|found| found.error.clone())
        .collect::<Vec<_>>();
    assert_eq!(words, ["disk"]);
}

#[test]
fn an_experiment_is_completed_by_its_last_task_and_by_nothing_else() {
    let tasks = tasks(2);
    let bench = Bench::with(&tasks);
    let store = &bench.store;
    let experiment = new(store, "seeds", selection(&["arc"])).unwrap();
    assert_eq!((experiment.status.as_str(), experiment.arms.len()), ("created", 2));
    assert_eq!(store.settle_experiment(&experiment.id, &json!({})).unwrap(), "created");
    let chosen = store.choose(&experiment.selection).unwrap();
    let arms = [work("one"), work("two")];
    let started = store.start_experiment(&experiment.id, &arms, &chosen).unwrap();
    let names: Vec<_> = started.iter().map(|arm| (arm.name.as_str(), arm.status.as_str())).collect();
    assert_eq!(names, [("one", "pending"), ("two", "pending")]);
    // Frozen: a second start, with other tasks, changes nothing.
    assert_eq!(store.start_experiment(&experiment.id, &arms[..1], &chosen[..1]).unwrap(), started);
    for (at, arm) in started.iter().enumerate() {
        store.claim_evaluation(&arm.id).unwrap();
        assert!(refusal(store.claim_evaluation(&arm.id)).contains("another process"));
        for task in &tasks {
            store.record(&run_in(&arm.id, task, Some(1)), task, None).unwrap();
            assert_eq!(store.settle_experiment(&experiment.id, &json!({})).unwrap(), "running");
        }
        assert_eq!(store.end_evaluation(&arm.id, WorkEnd::Done).unwrap(), "completed");
        let status = store.settle_experiment(&experiment.id, &json!({"arms": at})).unwrap();
        assert_eq!(status, if at == 0 { "running" } else { "completed" });
    }
    let done = store.experiment("seeds").unwrap();
    assert_eq!((done.results, done.status.as_str()), (Some(json!({"arms": 1})), "completed"));
    assert!(done.finished_at.is_some());
    assert!(refusal(store.cancel_experiment(&done.id)).contains("completed"));
    assert_eq!(bench.count("runs WHERE experiment_id IS NOT NULL"), 4);
    let ids: String =
        bench.raw().query_row("SELECT task_ids FROM experiment_runs LIMIT 1", [], |row| row.get(0)).unwrap();
    assert_eq!(ids, r#"["000e1bfb","001e1bfb"]"#);
}

#[test]
fn a_cancelled_experiment_never_turns_completed() {
    let tasks = tasks(1);
    let bench = Bench::with(&tasks);
    let store = &bench.store;
    let experiment = new(store, "seeds", selection(&["arc"])).unwrap();
    let chosen = store.choose(&experiment.selection).unwrap();
    let arms = store.start_experiment(&experiment.id, &[work("one")], &chosen).unwrap();
    store.claim_evaluation(&arms[0].id).unwrap();
    assert_eq!(store.cancel_experiment(&experiment.id).unwrap().status, "cancelled");
    // The run that was under way ends after that.
    store.record(&run_in(&arms[0].id, &tasks[0], Some(1)), &tasks[0], None).unwrap();
    assert_eq!(store.end_evaluation(&arms[0].id, WorkEnd::Done).unwrap(), "cancelled");
    assert_eq!(store.settle_experiment(&experiment.id, &json!({})).unwrap(), "cancelled");
    assert_eq!(store.cancel_experiment(&experiment.id).unwrap().status, "cancelled");
    assert_eq!(store.experiment("seeds").unwrap().results, None);
}

#[test]
fn an_experiment_is_found_by_name_or_id_and_keeps_what_was_learnt() {
    let bench = Bench::with(&tasks(1));
    let store = &bench.store;
    let first = new(store, "does it \"help\"? '); DROP TABLE experiments; --", selection(&["arc"])).unwrap();
    assert!(refusal(new(store, &first.name, selection(&["arc"]))).contains("already"));
    assert_eq!(store.experiment(&first.name).unwrap(), first);
    assert_eq!(store.experiment(&first.id[..30].to_uppercase()).unwrap(), first);
    assert!(refusal(store.experiment("none")).contains("no experiment"));
    let text = "it does: '{\"a\"}' \u{1f600}";
    store.note_experiment(&first.id, text).unwrap();
    let noted = store.note_experiment(&first.id, "or not").unwrap();
    assert_eq!(
        noted.insights.iter().map(|insight| insight.text.as_str()).collect::<Vec<_>>(),
        [text, "or not"]
    );
    assert_eq!(noted.insights[0].by, "local");
    assert!(refusal(store.note_experiment(&first.id, " ")).contains("without words"));
    for name in ["", " a", "a/b", "a\nb", "a\u{1b}[2J"] {
        assert!(refusal(new(store, name, selection(&["arc"]))).contains("is no name"), "{name:?}");
    }
    let twice = NewExperiment {
        name: "twice".into(),
        arms: vec![arm("a"), arm("a")],
        selection: selection(&["arc"]),
        ..NewExperiment::default()
    };
    assert!(refusal(store.new_experiment(&twice)).contains("two arms"));
    assert_eq!(store.experiments(9).unwrap().len(), 1);
}

/// Six tasks with features, a family and difficulties.
fn described() -> Bench {
    let bench = Bench::with(&tasks(6));
    bench
        .raw()
        .execute_batch(
            "DELETE FROM task_features; UPDATE arc_tasks SET family_id = NULL; DELETE FROM task_families;
             INSERT INTO task_families (id, name, created_at) VALUES ('f', 'symmetry', 1);
             UPDATE arc_tasks SET family_id = 'f' WHERE code < '002';
             UPDATE arc_tasks SET difficulty = CASE WHEN code < '003' THEN 'easy' ELSE 'hard' END;
             INSERT INTO task_features (task_id, width, height, color_count, object_count, symmetry, size_relation,
                 patterns, hints, detail, extractor, computed_at)
             SELECT id, 1 + substr(code, 3, 1), 3, 2, 4, code > '003', iif(code < '004', 'same', 'larger'),
                 '[\"grid\"]', iif(code < '001', '[\"flip\",\"rotate\"]', '[]'),
                 json_object('density', 0.25, 'name', 'x'), 'test', 1 FROM arc_tasks;",
        )
        .unwrap();
    bench
}

#[test]
fn tasks_are_chosen_by_dataset_id_family_feature_and_difficulty() {
    let bench = described();
    let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<String>>();
    let codes = |selection: &Selection| -> String {
        let found = bench.store.choose(selection).unwrap();
        found.iter().map(|task| task.code[2..3].to_owned()).collect()
    };
    let plain = Selection::default();
    let cases = [
        (selection(&["arc"]), "012345"),
        (selection(&["arc/training"]), "012345"),
        (selection(&["003e1bfb", "arc/001e1bfb"]), "13"),
        (Selection { families: texts(&["symmetry"]), ..plain.clone() }, "01"),
        (Selection { difficulties: texts(&["hard"]), ..plain.clone() }, "345"),
        (Selection { difficulties: texts(&["hard", "easy"]), limit: Some(4), ..plain.clone() }, "0123"),
        (Selection { features: texts(&["size_relation=same"]), ..plain.clone() }, "0123"),
        (Selection { features: texts(&["width>=3", "width<=5"]), ..plain.clone() }, "234"),
        (Selection { features: texts(&["hint=rotate"]), ..plain.clone() }, "0"),
        (Selection { features: texts(&["pattern=grid", "symmetry=1"]), ..plain.clone() }, "345"),
        (Selection { features: texts(&["detail.density>=0.2", "detail.name=x"]), ..plain.clone() }, "012345"),
        (
            Selection {
                features: texts(&["size_relation=same"]),
                difficulties: texts(&["hard"]),
                ..selection(&["arc"])
            },
            "3",
        ),
    ];
    for (selection, expected) in cases {
        assert_eq!(codes(&selection), expected, "{selection:?}");
        let json = serde_json::to_string(&selection).unwrap();
        assert_eq!(serde_json::from_str::<Selection>(&json).unwrap(), selection);
    }
    bench.raw().execute("UPDATE arc_tasks SET is_active = 0 WHERE code = '002e1bfb'", []).unwrap();
    assert_eq!(codes(&selection(&["arc"])), "01345", "what is out of use is not chosen");
}

#[test]
fn a_sample_is_the_same_for_the_same_seed_and_a_task_of_two_datasets_counts_once() {
    let bench = Bench::with(&tasks(30));
    let twice: Vec<_> = tasks(30).into_iter().map(|task| (Split::Evaluation, task)).collect();
    bench.store.import(&set("copy", &twice)).unwrap();
    let sample = |seed| {
        let asked = Selection { sample: Some(10), seed, ..selection(&["arc", "copy"]) };
        bench.store.choose(&asked).unwrap().into_iter().map(|task| task.code).collect::<Vec<_>>()
    };
    assert_eq!(sample(1), sample(1));
    assert_ne!(sample(1), sample(2));
    assert!(sample(1).is_sorted() && sample(1).len() == 10);
    let all = bench.store.choose(&Selection { sample: Some(99), ..selection(&["arc", "copy"]) }).unwrap();
    assert_eq!(all.len(), 30);
}

#[test]
fn a_selection_of_nothing_and_a_criterion_that_is_none_are_refused() {
    let bench = described();
    let texts = |text: &str| vec![text.to_owned()];
    let plain = Selection::default();
    let cases = [
        (plain.clone(), "no criterion"),
        (selection(&["none"]), "no dataset, split or task \"none\""),
        (selection(&["arc/none"]), "no dataset, split or task"),
        (selection(&["' OR 1=1 --"]), "no dataset, split or task"),
        (selection(&["arc/test"]), "the selection is empty"),
        (Selection { limit: Some(0), ..selection(&["arc"]) }, "the selection is empty"),
        (Selection { sample: Some(0), ..selection(&["arc"]) }, "the selection is empty"),
        (Selection { families: texts("none"), ..plain.clone() }, "no family \"none\""),
        (Selection { difficulties: texts("odd"), ..plain.clone() }, "no difficulty \"odd\""),
        (Selection { features: texts("width"), ..plain.clone() }, "there is no value"),
        (Selection { features: texts("width<3"), ..plain.clone() }, "none of =, <= and >="),
        (Selection { features: texts("width=wide"), ..plain.clone() }, "no whole number"),
        (Selection { features: texts("size_relation>=same"), ..plain.clone() }, "no order"),
        (Selection { features: texts("colour=3"), ..plain.clone() }, "none of that name"),
        (Selection { features: texts("detail.a') --=3"), ..plain.clone() }, "not plain"),
        (
            Selection { features: texts("size_relation=' OR 1=1 --"), ..plain.clone() },
            "the selection is empty",
        ),
        (Selection { features: texts("width>=9"), ..plain.clone() }, "the selection is empty"),
    ];
    for (asked, words) in cases {
        let said = refusal(bench.store.choose(&asked));
        assert!(said.contains(words), "{asked:?}: {said}");
        assert!(refusal(new(&bench.store, "x", asked)).contains(words));
    }
    assert_eq!(bench.count("experiments"), 0);
}
