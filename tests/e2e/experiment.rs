use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Host, PROBE, Said, identity, interrupt};

const SETUP: &str = "strategy: guests/probe\nsettings: {act: ";

/// Tasks that are solved by their input, and two setups: one that answers and one that does not.
fn host(tasks: usize) -> Host {
    let host = Host::new();
    host.write_tasks(tasks);
    host.succeeds(&["tasks", "import", "./tasks", "--name", "small"]);
    for (name, body) in [
        ("answers", "answer}"),
        ("silent", "nothing}"),
        ("slow", "compute, count: 60000}"),
        ("burns", "burn}\nlimits: {fuel: 400000000}"),
    ] {
        host.write("setup.yaml", format!("{SETUP}{body}\n"));
        host.succeeds(&["document", "put", &format!("config/{name}"), "setup.yaml", "--activate"]);
    }
    host
}

fn new(host: &Host, name: &str, flags: &[&str]) -> Value {
    host.json(&[&["experiment", "new", name, "--json"], flags].concat())
}

fn status(host: &Host, name: &str) -> String {
    host.json(&["experiment", "show", name, "--json"])["status"].as_str().unwrap().to_owned()
}

const ANSWERS_AND_SILENT: [&str; 6] = ["--setup", "silent", "--setup", "answers", "--tasks", "small"];

#[test]
fn a_question_is_asked_run_and_answered_with_its_certainty() {
    let host = host(12);
    let asked = new(
        &host,
        "does it speak",
        &[&ANSWERS_AND_SILENT[..], &["--hypothesis", "answers solve more"]].concat(),
    );
    assert_eq!((&asked["status"], &asked["arms"][1]["setup"]), (&json!("created"), &json!("answers@1")));
    assert_eq!(
        host.one::<i64>("SELECT count(*) FROM evaluation_tasks"),
        0,
        "nothing is frozen before it runs"
    );
    let text = host.succeeds(&["experiment", "show", "does it speak"]);
    assert!(text.contains("12 fit") && text.contains("answers solve more"), "{text}");
    let shown = host.json(&["experiment", "run", "does it speak", "--json", "--jobs", "2"]);
    assert_eq!(shown["status"], "completed");
    let arms = shown["results"]["arms"].as_array().unwrap();
    let solved: Vec<_> = arms
        .iter()
        .map(|arm| (arm["name"].as_str().unwrap(), arm["solved_at_1"].as_u64().unwrap()))
        .collect();
    assert_eq!(solved, [("silent@1", 0), ("answers@1", 12)]);
    let found = &shown["results"]["comparisons"][0];
    assert_eq!((&found["test"]["b"], &found["test"]["c"]), (&json!(0), &json!(12)));
    assert!((found["test"]["p"].as_f64().unwrap() - 2.0 * 0.5_f64.powi(12)).abs() < 1e-12, "{found}");
    assert_eq!((&found["score"]["mean"], &found["score"]["low"]), (&json!(1.0), &json!(1.0)));
    let kept: String = host.one("SELECT results FROM experiments");
    let kept: Value = serde_json::from_str(&kept).unwrap();
    assert_eq!(kept["comparisons"][0]["test"], found["test"]);
    let text = host.succeeds(&["experiment", "show", "does it speak"]);
    for words in ["completed", "silent@1", "12/12", "answers@1 solves more than silent@1: 12 tasks"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let again = host.json(&["experiment", "compare", "does it speak", "--json"]);
    assert_eq!(
        again,
        host.json(&["experiment", "compare", "does it speak", "--json"]),
        "the same seed, the same interval"
    );
    let text = host.succeeds(&["experiment", "compare", "does it speak"]);
    for words in [
        "0 by both, 0 by neither",
        "12 by does it speak/answers@1 alone: t00 t01",
        "and 2 more",
        "McNemar, exact",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    host.succeeds(&["experiment", "note", "does it speak", "it does; \u{1b}[2J not surprising"]);
    let text = host.succeeds(&["experiment", "show", "does it speak"]);
    assert!(text.contains("not surprising") && !text.contains('\u{1b}'), "{text:?}");
    host.refuses("run again", &["experiment", "run", "does it speak"], 2, &["is completed"]);
    host.refuses("cancel", &["experiment", "cancel", "does it speak"], 1, &["is completed"]);
    assert_eq!(
        host.one::<i64>(
            "SELECT count(*) FROM runs WHERE experiment_id IS NOT NULL AND config_version_id IS NOT NULL"
        ),
        24
    );
    let views = host.one::<i64>("SELECT count(*) FROM experiment_runs WHERE status = 'completed' AND experiment_name = 'does it speak'");
    assert_eq!(views, 2);
    let ends = host.json(&["experiment", "evaluations", "--json"]);
    assert_eq!(ends.as_array().unwrap().len(), 2);
    assert!(host.succeeds(&["experiment", "list"]).contains("does it speak"));
}

#[test]
fn few_tasks_show_no_difference_and_it_is_said() {
    let host = host(3);
    new(&host, "small one", &ANSWERS_AND_SILENT);
    let text = host.succeeds(&["experiment", "run", "small one"]);
    assert!(text.contains("no difference that 3 tasks can show"), "{text}");
}

#[test]
fn killed_and_run_again_it_ends_as_if_undisturbed_and_shows_that_nobody_worked() {
    let host = host(12);
    new(&host, "slow", &["--setup", "slow", "--strategy", PROBE, "--tasks", "small"]);
    let run = ["experiment", "run", "slow", "--jobs", "1"];
    let mut kills = 0;
    for wanted in [2, 5, 9] {
        let mut child = host.start(&run);
        kills += i32::from(host.waits_for_runs(wanted, &mut child));
        child.kill().unwrap();
        child.wait().unwrap();
        let shown = host.json(&["experiment", "show", "slow", "--json"]);
        let arms = shown["results"]["arms"].as_array().unwrap();
        assert_eq!(shown["status"], "running");
        assert!(arms.iter().any(|arm| arm["is_stale"] == true), "{shown}");
    }
    assert!(kills >= 2, "only {kills} of the kills met a running process");
    let said = host.run(&["experiment", "show", "slow"]);
    assert!(said.stdout.contains("nobody works on it") && said.stderr.contains("hint: "), "{said:?}");
    assert_eq!(host.json(&[&run[..], &["--json"]].concat())["status"], "completed");
    assert_eq!(host.stored(), 24, "no task twice");
    assert_eq!(
        host.one::<i64>("SELECT count(*) FROM evaluation_tasks WHERE tries = 1 AND status = 'completed'"),
        24
    );
    assert_eq!(host.one::<i64>("SELECT count(*) FROM pragma_foreign_key_check"), 0);
}

#[test]
fn an_interrupt_leaves_it_to_be_gone_on_with_and_two_never_work_on_one_arm() {
    let host = host(20);
    new(&host, "slow", &["--setup", "slow", "--tasks", "small"]);
    let run = ["experiment", "run", "slow", "--jobs", "1"];
    let mut child = host.start(&run);
    assert!(host.waits_for_runs(2, &mut child), "the work ended before it could be interrupted");
    let said = host.run(&run);
    said.refused("a second process", 1, &["another process works on this evaluation"]);
    interrupt(&child);
    let said = Said::of(child.wait_with_output().unwrap());
    assert_eq!(said.status, Some(1), "{said:?}");
    assert!(
        said.stderr.contains("interrupted: what was run is kept") && said.stderr.contains("experiment run"),
        "{said:?}"
    );
    assert!(host.stored() < 20);
    assert_eq!(status(&host, "slow"), "running");
    host.succeeds(&run);
    assert_eq!((status(&host, "slow").as_str(), host.stored()), ("completed", 20));
}

#[test]
fn cancelled_elsewhere_the_work_stops_and_is_never_completed() {
    let host = host(60);
    new(&host, "slow", &["--setup", "burns", "--tasks", "small"]);
    let run = ["experiment", "run", "slow", "--jobs", "1"];
    let mut child = host.start(&run);
    assert!(host.waits_for_runs(1, &mut child), "the work ended before it could be cancelled");
    host.succeeds(&["experiment", "cancel", "slow"]);
    let said = Said::of(child.wait_with_output().unwrap());
    assert_eq!(said.status, Some(0), "{said:?}");
    assert!(said.stdout.contains("cancelled"), "{said:?}");
    std::thread::sleep(Duration::from_millis(10));
    assert_eq!(status(&host, "slow"), "cancelled");
    assert_eq!(host.one::<String>("SELECT status FROM evaluations"), "cancelled");
    host.refuses("run again", &run, 2, &["is cancelled"]);
    let clusters = "SELECT similar_count = (SELECT count(*) FROM runs) FROM failure_clusters";
    assert!(host.one::<bool>(clusters), "every run ran out of fuel: one cluster");
    let told = host.json(&["runs", "failures", "--json"]);
    assert_eq!((&told[0]["category"], &told[0]["kind"]), (&json!("fuel"), &json!("out_of_fuel")));
    assert!(host.succeeds(&["runs", "failures"]).contains("out of fuel"));
}

#[test]
fn what_chooses_no_task_or_no_arm_is_refused_and_ids_are_text() {
    let host = host(3);
    for code in ["007bbfb7", "00000e10", "12345678"] {
        host.write(&format!("odd/{code}.json"), identity(500));
    }
    host.succeeds(&["tasks", "import", "./odd"]);
    let cases: [(&[&str], i32, &str); 9] = [
        (&["--setup", "answers"], 1, "no criterion chooses tasks"),
        (&["--tasks", "small"], 1, "an experiment of 0 arms"),
        (&["--setup", "answers", "--tasks", "none"], 1, "no dataset, split or task \"none\""),
        (&["--setup", "answers", "--tasks", "small/test"], 1, "the selection is empty"),
        (&["--setup", "answers", "--tasks", "small", "--feature", "wide=3"], 1, "none of that name"),
        (&["--setup", "answers", "--tasks", "small", "--limit", "0"], 1, "the selection is empty"),
        (&["--setup", "answers", "--setup", "answers@1", "--tasks", "small"], 1, "two arms are named"),
        (&["--setup", "none", "--tasks", "small"], 1, "no strategy_config named"),
        (&["--strategy", "nobody", "--tasks", "small"], 2, "no strategy \"nobody\""),
    ];
    for (flags, status, words) in cases {
        host.refuses(words, &[&["experiment", "new", "x"], flags].concat(), status, &[words]);
    }
    new(
        &host,
        "odd ids",
        &["--setup", "answers", "--tasks", "007bbfb7", "--tasks", "odd/00000e10", "--tasks", "12345678"],
    );
    assert_eq!(
        host.json(&["experiment", "run", "odd ids", "--json"])["results"]["arms"][0]["solved_at_1"],
        3
    );
    let ids: String = host.one("SELECT task_ids FROM experiment_runs");
    assert_eq!(ids, r#"["00000e10","007bbfb7","12345678"]"#);
    for args in [&["show", "none"][..], &["run", "none"], &["compare", "none"], &["cancel", "none"]] {
        host.refuses(&args.join(" "), &[&["experiment"], args].concat(), 1, &["no experiment \"none\""]);
    }
    host.refuses("one arm", &["experiment", "compare", "odd ids"], 2, &["one arm: nothing to compare"]);
    host.refuses(
        "no arm",
        &["experiment", "compare", "odd ids/slow"],
        2,
        &["has no arm \"slow\"", "answers@1"],
    );
}

#[test]
fn two_experiments_are_compared_on_the_tasks_that_both_have() {
    let host = host(10);
    new(&host, "all", &["--setup", "answers", "--tasks", "small"]);
    new(&host, "some", &["--setup", "silent", "--tasks", "small", "--sample", "6", "--sample-seed", "5"]);
    host.refuses("not run", &["experiment", "compare", "all", "some"], 1, &["was not run yet"]);
    for name in ["all", "some"] {
        host.succeeds(&["experiment", "run", name]);
    }
    let found = &host.json(&["experiment", "compare", "all", "some", "--json"])[0];
    assert_eq!((&found["tasks"], &found["left_out"]), (&json!(6), &json!({"of_first": 4, "of_second": 0})));
    assert_eq!((&found["test"]["b"], &found["test"]["c"]), (&json!(6), &json!(0)));
    let text = host.succeeds(&["experiment", "compare", "some", "all/answers@1"]);
    assert!(text.contains("6 (4 that only one has finished are left out), 6 scored"), "{text}");
    assert!(text.contains("all/answers@1 solves more than some/silent@1"), "{text}");
}
