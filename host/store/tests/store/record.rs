use stratagem_domain::{
    Digest, Ending, Ledger, Outcome, PluginIdentity, Refusal, Score, Split, StoredRun, Usage,
};
use stratagem_store::{RunFilter, RunLine, StoreError};

use crate::Bench;
use crate::fixtures::{COMPONENT, WORLD, ended, open_task, plugin, set, solved, task};

/// Every table that a run has rows in.
const TABLES: [&str; 10] = [
    "runs",
    "run_tasks",
    "answers",
    "run_logs",
    "task_submissions",
    "submission_grids",
    "outcomes",
    "resource_usage",
    "episodes",
    "steps",
];

#[test]
fn a_run_comes_back_as_it_went_in() {
    let task = task("3c9b0459", 4);
    let bench = Bench::with(std::slice::from_ref(&task));
    let run = solved(plugin("mirror"), &task);
    let id = bench.store.record(&run, &task, None).unwrap();
    let kept = StoredRun { id: id.clone(), ..run };
    assert_eq!(bench.store.run(&id).unwrap(), kept);
    assert_eq!(bench.store.run(&id[..13].to_uppercase()).unwrap(), kept);
    assert_eq!(bench.store.task_of(&id).unwrap(), task);
    // Equality of doubles does not tell every bit.
    let read = bench.store.run(&id).unwrap();
    assert_eq!(read.usage.cpu_seconds.to_bits(), kept.usage.cpu_seconds.to_bits());
    for (read, kept) in read.answers.iter().zip(&kept.answers) {
        assert_eq!(read.answer.confidence.to_bits(), kept.answer.confidence.to_bits());
    }
}

#[test]
fn every_ending_has_its_place_in_every_table() {
    let scored = Some(Score { right_at: vec![Some(1), None] });
    let trapped =
        Ending::Trapped { reason: "unreachable".into(), backtrace: vec!["solve".into(), "main".into()] };
    let refused = |cause| Ending::Refused { cause, reason: "imports `wasi`".into() };
    let cases = [
        (Ending::Returned, scored.clone(), "completed", "success", "completed", true, 0.5),
        (Ending::GaveUp("no idea \"at\" all".into()), scored, "completed", "success", "completed", true, 0.5),
        (Ending::Returned, None, "completed", "success", "completed", true, 0.0),
        (Ending::OutOfFuel, None, "failed", "error", "failed", false, 0.0),
        (Ending::PastDeadline, None, "timeout", "timeout", "failed", false, 0.0),
        (Ending::OutOfMemory, None, "failed", "error", "failed", false, 0.0),
        (trapped, None, "failed", "error", "failed", false, 0.0),
        (refused(Refusal::NotAsked), None, "failed", "error", "failed", false, 0.0),
        (refused(Refusal::NotGranted), None, "failed", "error", "failed", false, 0.0),
        (Ending::HostFault("disk".into()), None, "failed", "error", "failed", false, 0.0),
    ];
    let task = task("3c9b0459", 4);
    let bench = Bench::with(std::slice::from_ref(&task));
    let base = solved(plugin("mirror"), &task);
    for (ending, score, status, outcome, episode, ok, credit) in cases {
        let run = ended(&base, ending, score);
        let id = bench.store.record(&run, &task, None).unwrap();
        assert_eq!(bench.store.run(&id).unwrap(), StoredRun { id: id.clone(), ..run.clone() });
        let row: (String, String, String, bool, f64, Option<String>, Option<String>, String) = bench
            .raw()
            .query_row(
                "SELECT r.status, o.status, e.status, u.ok, o.score, o.error_category, u.error_type, r.fault
                 FROM runs r JOIN outcomes o ON o.run_id = r.id JOIN episodes e ON e.run_id = r.id
                 JOIN resource_usage u ON u.run_id = r.id AND u.outcome_id = o.id WHERE r.id = ?1",
                [&id],
                |row| {
                    let at = |column| row.get(column);
                    Ok((at(0)?, at(1)?, at(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?, at(7)?))
                },
            )
            .unwrap();
        let error = (!ok).then(|| run.outcome.as_str().to_owned());
        let fault = run.ending.fault().as_str().to_owned();
        let expected =
            (status.into(), outcome.into(), episode.into(), ok, credit, error.clone(), error, fault);
        assert_eq!(row, expected, "{:?}", run.outcome);
    }
    let kept = bench.store.runs(&RunFilter { limit: 99, ..RunFilter::default() }).unwrap();
    let all = Outcome::ALL.into_iter().filter(|outcome| kept.iter().any(|line| line.outcome == *outcome));
    assert_eq!(all.count(), Outcome::ALL.len() - 1, "all but solved, which the round trip has");
}

#[test]
fn the_two_attempts_hold_the_ranked_grids_and_no_others() {
    let task = task("3c9b0459", 4);
    let bench = Bench::with(std::slice::from_ref(&task));
    let run = solved(plugin("mirror"), &task);
    bench.store.record(&run, &task, None).unwrap();
    let raw = bench.raw();
    let mut select = raw
        .prepare(
            "SELECT s.attempt, s.confidence, g.test_ord, g.grid, g.is_correct FROM task_submissions s
             JOIN submission_grids g ON g.submission_id = s.id ORDER BY 1, 3",
        )
        .unwrap();
    let rows: Vec<(i64, f64, i64, String, bool)> = select
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let expected = [
        (1, 1.0 / 3.0, 0, "[[9]]".to_owned(), false),
        (1, 1.0 / 3.0, 1, "[[5]]".to_owned(), true),
        (2, 0.1 + 0.2, 0, "[[4]]".to_owned(), true),
    ];
    assert_eq!(rows, expected);
    // Without an answer there is no attempt.
    bench.store.record(&StoredRun { answers: Vec::new(), ..run }, &task, None).unwrap();
    assert_eq!(bench.count("task_submissions"), 2);
}

#[test]
fn usage_is_in_the_units_of_its_columns() {
    let task = task("3c9b0459", 4);
    let bench = Bench::with(std::slice::from_ref(&task));
    bench.store.record(&solved(plugin("mirror"), &task), &task, None).unwrap();
    let run = solved(plugin("mirror"), &task);
    let row: (String, String, i64, f64, f64, i64, String) = bench
        .raw()
        .query_row(
            "SELECT kind, name, calls, memory_mb, gpu_memory_mb, fuel_spent, detail FROM resource_usage",
            [],
            |row| {
                let number = |column| row.get::<_, f64>(column);
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, number(3)?, number(4)?, row.get(5)?, row.get(6)?))
            },
        )
        .unwrap();
    let mib = |bytes: u64| bytes as f64 / 1_048_576.0;
    let Usage { host_calls, device_memory_peak_bytes, .. } = run.usage;
    assert_eq!((row.0, row.1), ("wasm".into(), "mirror".into()));
    assert_eq!((row.2, row.3), (host_calls as i64, mib(70_000_001)));
    assert_eq!((row.4, row.5), (mib(device_memory_peak_bytes), 123_456_789_012));
    assert_eq!(serde_json::from_str::<Usage>(&row.6).unwrap().limits_hit, run.usage.limits_hit);
    let metrics: String =
        bench.raw().query_row("SELECT metrics FROM outcomes", [], |row| row.get(0)).unwrap();
    assert_eq!(metrics, r#"{"solved_at_1":false,"solved_at_2":true,"solved_at_3":true}"#);
}

#[test]
fn a_failure_in_the_middle_leaves_no_row_and_a_working_store() {
    let task = task("3c9b0459", 4);
    let bench = Bench::with(std::slice::from_ref(&task));
    let run = solved(plugin("mirror"), &task);
    bench.store.record(&run, &task, None).unwrap();
    let before = TABLES.map(|table| bench.count(table));
    assert!(before.iter().all(|&rows| rows > 0), "{before:?}");
    bench
        .raw()
        .execute_batch(
            "CREATE TRIGGER fault BEFORE INSERT ON steps WHEN new.n = 2
             BEGIN SELECT RAISE(ABORT, 'injected'); END",
        )
        .unwrap();
    let error = bench.store.record(&run, &task, None).unwrap_err();
    assert!(error.message.contains("runs.db refused a statement: injected"), "{}", error.message);
    assert_eq!(TABLES.map(|table| bench.count(table)), before);
    bench.raw().execute_batch("DROP TRIGGER fault").unwrap();
    bench.store.record(&run, &task, None).unwrap();
    assert_eq!(bench.count("steps"), 4);
}

#[test]
fn what_was_not_imported_or_kept_is_refused_by_name() {
    let (known, unknown) = (task("3c9b0459", 4), task("00d62c1b", 4));
    let bench = Bench::with(std::slice::from_ref(&known));
    let refused = |run: &StoredRun, task| {
        let error = bench.store.record(run, task, None).unwrap_err();
        (error.message, error.hint)
    };
    let (message, hint) = refused(&solved(plugin("mirror"), &unknown), &unknown);
    assert!(message.starts_with("task 00d62c1b with digest"), "{message}");
    assert_eq!(hint.as_deref(), Some("import the dataset first"));
    let rebuilt = PluginIdentity { digest: Digest::of(b"other"), ..plugin("mirror") };
    for plugin in [plugin("spiral"), rebuilt, PluginIdentity { version: "0.2.0".into(), ..plugin("mirror") }]
    {
        let (message, _) = refused(&solved(plugin.clone(), &known), &known);
        let expected = format!("plugin \"{}\" version \"{}\" with digest", plugin.name, plugin.version);
        assert!(message.starts_with(&expected), "{message}");
    }
    let (message, _) = refused(&solved(plugin("mirror"), &unknown), &known);
    assert!(message.starts_with("run is of task \"00d62c1b\""), "{message}");
    assert_eq!(bench.count("runs"), 0);
}

#[test]
fn a_finished_run_is_found_by_its_recipe() {
    let task = task("3c9b0459", 4);
    let bench = Bench::with(std::slice::from_ref(&task));
    let run = solved(plugin("mirror"), &task);
    assert_eq!(bench.store.finished(&run.recipe, None).unwrap(), None);
    bench.store.record(&ended(&run, Ending::HostFault("disk".into()), None), &task, None).unwrap();
    assert_eq!(bench.store.finished(&run.recipe, None).unwrap(), None, "a host fault is no result");
    let first = StoredRun { finished_at: run.finished_at + 9, ..run.clone() };
    let id = bench.store.record(&first, &task, None).unwrap();
    bench.store.record(&run, &task, None).unwrap();
    let found = bench.store.finished(&run.recipe, None).unwrap();
    assert_eq!(found, Some(StoredRun { id, ..first }), "the latest to finish, not the last recorded");
    let mut other = run.recipe.clone();
    other.seed = 7;
    assert_eq!(bench.store.finished(&other, None).unwrap(), None);
}

#[test]
fn a_task_in_two_datasets_is_recorded_with_the_latest() {
    let task = task("3c9b0459", 4);
    let bench = Bench::with(std::slice::from_ref(&task));
    let again = set("copy", &[(Split::Test, task.clone())]);
    bench.store.import(&again).unwrap();
    bench.store.record(&solved(plugin("mirror"), &task), &task, None).unwrap();
    let name: String = bench
        .raw()
        .query_row(
            "SELECT d.name FROM run_tasks k JOIN arc_tasks t ON t.id = k.task_id
             JOIN datasets d ON d.id = t.dataset_id",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(name, "copy");
}

#[test]
fn runs_are_listed_newest_first_and_filtered() {
    let tasks = [task("3c9b0459", 4), open_task("00d62c1b")];
    let bench = Bench::with(&tasks);
    bench.store.keep_component(&plugin("spiral"), WORLD, "{}", COMPONENT).unwrap();
    let old = solved(plugin("mirror"), &tasks[0]);
    let mut new = ended(&solved(plugin("spiral"), &tasks[1]), Ending::Returned, None);
    new.started_at += 50;
    let old_id = bench.store.record(&old, &tasks[0], None).unwrap();
    let new_id = bench.store.record(&new, &tasks[1], None).unwrap();
    let ids = |filter: &RunFilter| -> Vec<String> {
        bench.store.runs(filter).unwrap().into_iter().map(|line| line.id).collect()
    };
    let all = RunFilter::default();
    assert_eq!(ids(&all), [new_id.clone(), old_id.clone()]);
    assert_eq!(ids(&RunFilter { limit: 1, ..all.clone() }), std::slice::from_ref(&new_id));
    assert_eq!(
        ids(&RunFilter { strategy: Some("mirror".into()), ..all.clone() }),
        std::slice::from_ref(&old_id)
    );
    assert_eq!(
        ids(&RunFilter { task: Some("00d62c1b".into()), ..all.clone() }),
        std::slice::from_ref(&new_id)
    );
    let solved = RunFilter { outcome: Some(Outcome::Solved), ..all };
    assert_eq!(ids(&solved), std::slice::from_ref(&old_id));
    assert!(ids(&RunFilter { task: Some("00d62c1b".into()), ..solved.clone() }).is_empty());
    let expected = RunLine {
        id: old_id,
        started_at: old.started_at,
        strategy: "mirror".into(),
        version: "0.1.0".into(),
        task_id: "3c9b0459".into(),
        outcome: Outcome::Solved,
        solved_at_2: Some(true),
        partial_credit: Some(1.0),
        fuel_spent: old.usage.fuel_spent,
        cpu_seconds: old.usage.cpu_seconds,
        wall_ms: old.usage.wall_ms,
        memory_peak_bytes: old.usage.memory_peak_bytes,
        answers: 5,
    };
    assert_eq!(bench.store.runs(&solved).unwrap(), [expected]);
}

#[test]
fn an_id_that_is_short_unknown_or_shared_is_told() {
    let task = task("3c9b0459", 4);
    let bench = Bench::with(std::slice::from_ref(&task));
    let run = solved(plugin("mirror"), &task);
    let id = bench.store.record(&run, &task, None).unwrap();
    bench.store.record(&run, &task, None).unwrap();
    assert!(matches!(bench.store.run("019"), Err(StoreError::ShortRunId { least: 4, .. })));
    assert!(matches!(bench.store.run("ffff"), Err(StoreError::UnknownRun { .. })));
    assert!(matches!(bench.store.task_of("%%%%"), Err(StoreError::UnknownRun { .. })));
    let error = bench.store.run(&id[..4]).unwrap_err();
    assert!(matches!(error, StoreError::AmbiguousRun { found: 2, .. }), "{error}");
    assert_eq!(error.hint().as_deref(), Some("give more characters"));
}

#[test]
fn what_another_program_put_in_is_told_not_guessed() {
    let task = task("3c9b0459", 4);
    let bench = Bench::with(std::slice::from_ref(&task));
    let id = bench.store.record(&solved(plugin("mirror"), &task), &task, None).unwrap();
    bench.raw().execute_batch("UPDATE answers SET grid = '[[77]]' WHERE n = 1").unwrap();
    let error = bench.store.run(&id).unwrap_err();
    assert!(matches!(error, StoreError::Unreadable { .. }), "{error}");
    assert!(error.to_string().contains("the grid of an answer: cell 77 is not a colour"), "{error}");
    bench
        .raw()
        .execute_batch("UPDATE task_pairs SET output = '[[0]]' WHERE part = 'test' AND ord = 0")
        .unwrap();
    let error = bench.store.task_of(&id).unwrap_err();
    assert!(error.to_string().ends_with("task 3c9b0459 does not have its digest"), "{error}");
}

/// The published datasets share tasks: a run belongs to the one that was worked on, not to the latest import.
#[test]
fn a_run_is_filed_under_the_dataset_that_was_worked_on() {
    let task = task("3c9b0459", 4);
    let bench = Bench::with(std::slice::from_ref(&task));
    let first = bench.store.datasets().unwrap().remove(0);
    let again = set("again", &[(Split::Evaluation, task.clone())]);
    let second = bench.store.import(&again).unwrap().dataset;
    let run = solved(plugin("mirror"), &task);
    let dataset_of = |id: &str| -> String {
        let sql = "SELECT t.dataset_id FROM run_tasks rt JOIN arc_tasks t ON t.id = rt.task_id WHERE rt.run_id = ?1";
        bench.raw().query_row(sql, [id], |row| row.get(0)).unwrap()
    };
    let id = bench.store.record(&run, &task, Some(&first.id)).unwrap();
    assert_eq!(dataset_of(&id), first.id);
    assert_eq!(bench.store.finished(&run.recipe, Some(&first.id)).unwrap().unwrap().id, id);
    assert_eq!(bench.store.finished(&run.recipe, Some(&second.id)).unwrap(), None);
    let id = bench.store.record(&run, &task, Some(&second.id)).unwrap();
    assert_eq!(dataset_of(&id), second.id);
}

#[test]
fn a_run_that_the_clock_ended_is_not_finished() {
    let task = task("3c9b0459", 4);
    let bench = Bench::with(std::slice::from_ref(&task));
    let run = ended(&solved(plugin("mirror"), &task), Ending::PastDeadline, None);
    bench.store.record(&run, &task, None).unwrap();
    assert_eq!(bench.store.finished(&run.recipe, None).unwrap(), None);
}
