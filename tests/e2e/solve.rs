use serde_json::{Value, json};

use crate::harness::{Host, PROBE, identity, task};

const SUMMARY: [&str; 12] = [
    "tasks",
    "scored",
    "solved_at_1",
    "solved_at_2",
    "solved_at_3",
    "partial_credit",
    "cpu_seconds",
    "cpu_seconds_median",
    "fuel_spent",
    "memory_peak_bytes",
    "wall_ms",
    "resumed",
];
const ROW: [&str; 11] = [
    "id",
    "solved_at_1",
    "solved_at_2",
    "solved_at_3",
    "strategy",
    "outcome",
    "answers",
    "cpu_seconds",
    "wall_ms",
    "fuel_spent",
    "memory_peak_bytes",
];

fn keys(object: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = object.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

fn sorted<'a>(names: &[&'a str]) -> Vec<&'a str> {
    let mut names = names.to_vec();
    names.sort_unstable();
    names
}

#[test]
fn the_report_of_a_solved_task_has_exactly_these_keys() {
    let host = Host::new();
    host.write("one.json", identity(1));
    host.probe_does("", "act = \"answer\"");
    let report = host.json(&["solve", "one.json", "--strategy", PROBE, "--json", "-"]);
    assert_eq!(keys(&report), ["categories", "evaluations", "reliability", "strategies", "summary", "tasks"]);
    let evaluation = &report["evaluations"][0];
    assert_eq!(keys(evaluation), ["config_version", "evaluation", "setup", "strategy"]);
    assert_eq!(
        evaluation["evaluation"],
        host.one::<String>("SELECT id FROM evaluations WHERE status = 'completed'")
    );
    let unkept = host.json(&["solve", "one.json", "--strategy", PROBE, "--no-store", "--json", "-"]);
    assert_eq!(keys(&unkept), ["categories", "reliability", "strategies", "summary", "tasks"]);
    assert_eq!(keys(&report["summary"]), sorted(&SUMMARY));
    assert_eq!(keys(&report["tasks"][0]), sorted(&[&ROW[..], &["runs"]].concat()));
    let summary = &report["summary"];
    for key in ["tasks", "scored", "solved_at_1", "solved_at_2", "solved_at_3"] {
        assert_eq!(summary[key], 1, "{key}");
    }
    assert_eq!(summary["partial_credit"], 1.0);
    assert_eq!(summary["fuel_spent"], report["tasks"][0]["fuel_spent"]);
    let row = &report["tasks"][0];
    assert_eq!((&row["id"], &row["strategy"]), (&json!("one"), &json!("probe")));
    assert_eq!((&row["outcome"], &row["answers"]), (&json!("solved"), &json!(1)));
    assert!(row["fuel_spent"].as_u64().unwrap() > 0 && row["cpu_seconds"].as_f64().unwrap() > 0.0);
}

#[test]
fn a_run_leaves_one_row_of_usage_that_says_what_the_report_says() {
    let host = Host::new();
    host.write("one.json", identity(1));
    let report = host.json(&["solve", "one.json", "--strategy", PROBE, "--json", "-"]);
    let row = &report["tasks"][0];
    let (fuel, cpu, memory, run): (i64, f64, f64, String) = host
        .db()
        .query_row("SELECT fuel_spent, cpu_seconds, memory_mb, run_id FROM resource_usage", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .unwrap();
    assert_eq!(json!(fuel), row["fuel_spent"]);
    assert_eq!(json!(cpu), row["cpu_seconds"]);
    assert_eq!(json!((memory * 1_048_576.0) as u64), row["memory_peak_bytes"]);
    assert_eq!(json!([run]), row["runs"]);
    for table in [
        "runs",
        "run_tasks",
        "resource_usage",
        "answers",
        "task_submissions",
        "submission_grids",
        "outcomes",
        "episodes",
        "steps",
        "arc_tasks",
        "plugins",
        "plugin_versions",
    ] {
        assert_eq!(host.one::<i64>(&format!("SELECT count(*) FROM {table}")), 1, "{table}");
    }
    assert_eq!(host.one::<String>("SELECT outcome FROM runs"), "solved");
    assert_eq!(host.one::<String>("SELECT grid FROM submission_grids"), "[[0,0,1]]");
    assert_eq!(host.one::<i64>("SELECT is_correct FROM answers WHERE rank = 1"), 1);
    let peak: i64 = host.one("SELECT memory_peak_bytes FROM outcomes");
    assert_eq!(json!(peak), row["memory_peak_bytes"]);
}

#[test]
fn what_is_not_known_is_not_scored_and_what_is_wrong_is_not_solved() {
    let host = Host::new();
    host.write("unknown/open.json", task(&json!([[[[1]], [[1]]]]), &json!([[[[2]]]])));
    host.write("wrong/other.json", task(&json!([[[[1]], [[2]]]]), &json!([[[[2]], [[3]]]])));
    for (folder, outcome, solved, scored) in
        [("unknown", "unscored", Value::Null, 0), ("wrong", "unsolved", json!(false), 1)]
    {
        let report = host.json(&["solve", &format!("./{folder}"), "--strategy", PROBE, "--json", "-"]);
        let row = &report["tasks"][0];
        assert_eq!((&row["outcome"], &row["solved_at_2"]), (&json!(outcome), &solved));
        assert_eq!(report["summary"]["scored"], scored);
        assert_eq!(report["summary"]["solved_at_3"], 0);
    }
    let text = host.succeeds(&["solve", "./unknown", "--strategy", PROBE]);
    assert!(text.contains("not scored") && !text.contains("solved @1"), "{text}");
}

#[test]
fn the_submission_has_two_attempts_for_every_test_input() {
    let host = Host::new();
    let train = json!([[[[1]], [[1]]]]);
    host.write("tasks/b.json", task(&train, &json!([[[[2, 3]]], [[[4]]]])));
    host.write("tasks/a.json", task(&train, &json!([[[[5]]]])));
    let flags = ["solve", "tasks", "--strategy", PROBE, "--no-store", "--submission", "out.json"];
    host.succeeds(&flags);
    let written: Value = serde_json::from_slice(&std::fs::read(host.path("out.json")).unwrap()).unwrap();
    let black = json!([[0, 0], [0, 0]]);
    assert_eq!(
        written,
        json!({
            "a": [{"attempt_1": [[5]], "attempt_2": [[5]]}],
            "b": [{"attempt_1": [[2, 3]], "attempt_2": [[2, 3]]}, {"attempt_1": black, "attempt_2": black}],
        })
    );
}

#[test]
fn no_store_writes_no_database() {
    let host = Host::new();
    host.write_tasks(1);
    let report = host.json(&["solve", "tasks", "--strategy", PROBE, "--no-store", "--json", "-"]);
    assert_eq!(report["summary"]["solved_at_1"], 1);
    assert_eq!(report["tasks"][0]["runs"], json!([]));
    assert!(!host.database().exists());
}

#[test]
fn limit_takes_the_first_tasks_in_order() {
    let host = Host::new();
    host.write_tasks(4);
    let args = ["solve", "tasks", "--strategy", PROBE, "--limit", "2", "--jobs", "2", "--json", "-"];
    let report = host.json(&args);
    let ids: Vec<&Value> = report["tasks"].as_array().unwrap().iter().map(|row| &row["id"]).collect();
    assert_eq!(ids, [&json!("t00"), &json!("t01")]);
    assert_eq!(host.one::<i64>("SELECT count(*) FROM runs"), 2);
}

#[test]
fn every_form_of_naming_tasks_finds_them() {
    let host = Host::new();
    host.write("sets/training/a.json", identity(1));
    host.write("sets/training/b.json", identity(2));
    host.write("sets/evaluation/c.json", identity(3));
    host.succeeds(&["tasks", "import", "sets", "--name", "mine"]);
    let version: String = host.one("SELECT version FROM datasets");
    let cases = [
        ("a", "a"),
        ("mine/b", "b"),
        ("mine", "a b c"),
        ("mine/training", "a b"),
        ("mine/evaluation", "c"),
        (&format!("mine@{version}/training"), "a b"),
        ("./sets", "a b c"),
        ("sets/training", "a b"),
        ("sets/evaluation/c.json", "c"),
        (&host.path("sets/training/a.json").display().to_string(), "a"),
    ];
    for (what, expected) in cases {
        let report = host.json(&["solve", what, "--strategy", PROBE, "--json", "-"]);
        let rows = report["tasks"].as_array().unwrap();
        let ids: Vec<&str> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
        assert_eq!(ids.join(" "), expected, "{what}");
        assert!(rows.iter().all(|row| row["solved_at_1"] == true), "{what}");
    }
}

#[test]
fn several_strategies_are_ranked_together_and_stored_apart() {
    let host = Host::new();
    host.write_tasks(2);
    host.write("calm.wasm", crate::harness::calm());
    let args =
        ["solve", "tasks", "--strategy", PROBE, "--strategy", "./calm.wasm", "--jobs", "1", "--json", "-"];
    let report = host.json(&args);
    let row = &report["tasks"][0];
    assert_eq!((&row["strategy"], &row["outcome"]), (&json!("probe+calm"), &json!("solved")));
    assert_eq!(row["runs"].as_array().unwrap().len(), 2);
    let total: i64 = host.one("SELECT sum(fuel_spent) FROM resource_usage");
    assert_eq!(report["summary"]["fuel_spent"], total);
    let names = "SELECT group_concat(name || n) FROM (SELECT name, count(*) AS n FROM resource_usage
                 GROUP BY name ORDER BY name)";
    assert_eq!(host.one::<String>(names), "calm2,probe2");
    let twice = host.json(&["solve", "tasks", "--strategy", PROBE, "--strategy", PROBE, "--json", "-"]);
    assert_eq!(
        (&twice["tasks"][1]["strategy"], &twice["tasks"][1]["answers"]),
        (&json!("probe+probe"), &json!(2))
    );
    assert_eq!(twice["summary"]["solved_at_1"], 2);
    assert_eq!(host.one::<String>(names), "calm2,probe6");
}

#[test]
fn the_pictures_and_the_table_say_what_was_solved() {
    let host = Host::new();
    host.write_tasks(2);
    let text = host.succeeds(&["solve", "tasks", "--strategy", PROBE]);
    for word in ["t00  solved", "attempt 1 ✓", "solved @2       2 of 2 (100.0 %)", "stratagem runs list"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    assert!(!text.contains('\u{1b}'), "no colour was asked for");
}

/// The first run imports the folder under its name; the second must still read what was edited.
#[test]
fn a_folder_is_read_again_even_where_a_dataset_has_its_name() {
    let host = Host::new();
    host.write_tasks(1);
    let tasks =
        || host.json(&["solve", "tasks", "--strategy", PROBE, "--json", "-"])["summary"]["tasks"].clone();
    assert_eq!(tasks(), 1);
    host.write_tasks(3);
    assert_eq!(tasks(), 3);
}

/// Datasets share tasks: the run belongs to the one that was named.
#[test]
fn a_run_is_filed_under_the_dataset_that_was_named() {
    let host = Host::new();
    host.write("one/evaluation/t.json", identity(1));
    host.write("two/training/t.json", identity(1));
    host.succeeds(&["tasks", "import", "one"]);
    host.succeeds(&["tasks", "import", "two"]);
    for place in ["one", "two"] {
        std::fs::rename(host.path(place), host.path(&format!("{place}-away"))).unwrap();
    }
    host.succeeds(&["solve", "one/evaluation", "--strategy", PROBE]);
    let split = "SELECT split FROM run_tasks k JOIN arc_tasks t ON t.id = k.task_id";
    assert_eq!(host.one::<String>(split), "evaluation");
    let resumed = |what: &str| {
        host.json(&["solve", what, "--strategy", PROBE, "--resume", "--json", "-"])["summary"]["resumed"]
            .clone()
    };
    assert_eq!(resumed("two/training"), 0, "another dataset's run is not this one's");
    assert_eq!((resumed("one/evaluation"), resumed("two/training")), (1.into(), 1.into()));
}
