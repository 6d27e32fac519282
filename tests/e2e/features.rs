use serde_json::{Value, json};

use crate::harness::{Host, PROBE, identity, task};

/// A task whose outputs are its inputs mirrored.
fn mirrored(colour: u8) -> String {
    task(
        &json!([[[[colour, 0, 0], [0, colour, 0]], [[0, 0, colour], [0, colour, 0]]]]),
        &json!([[[[colour, 0, 0]]]]),
    )
}

/// A task whose outputs are parts of its inputs.
fn cropped() -> String {
    task(
        &json!([[[[0, 0, 0, 0], [0, 1, 2, 0], [0, 2, 3, 0], [0, 0, 0, 0]], [[1, 2], [2, 3]]]]),
        &json!([[[[0, 4, 4, 0]]]]),
    )
}

fn host() -> Host {
    let host = Host::new();
    host.write("set/training/m3.json", mirrored(3));
    host.write("set/training/m7.json", mirrored(7));
    host.write("set/evaluation/c1.json", cropped());
    host.succeeds(&["tasks", "import", "set"]);
    host
}

fn ids(lines: &Value) -> Vec<&str> {
    lines.as_array().unwrap().iter().map(|line| line["id"].as_str().unwrap()).collect()
}

#[test]
fn an_imported_task_has_features_neighbours_and_a_family() {
    let host = host();
    let shown = host.json(&["tasks", "features", "m3", "--json"]);
    assert_eq!(shown["task"]["family"], "same size: mirror");
    assert_eq!(shown["features"]["size_relation"], "same");
    assert_eq!(shown["features"]["hints"][0], "mirror");
    assert_eq!(shown["features"]["pairs"][0]["input"]["objects"]["eight"], 1);
    let text = host.succeeds(&["tasks", "features", "set/c1"]);
    for words in ["c1  set/evaluation", "fraction", "crop", "4 × 4"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let near = host.json(&["tasks", "similar", "m3", "--json"]);
    assert_eq!(near["task"]["id"], "m3");
    assert_eq!(ids(&near["similar"]), ["m7", "c1"]);
    assert!(near["similar"][0]["similarity"].as_f64() > near["similar"][1]["similarity"].as_f64());
    let text = host.succeeds(&["tasks", "similar", "m3", "--limit", "1"]);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[1].starts_with("m3") && lines[2].starts_with("m7"), "{text}");
    assert!(text.contains("7 · ·    · · 7") && !text.contains("c1"), "pictures of both: {text}");
}

#[test]
fn tasks_are_listed_by_what_they_are_like() {
    let host = host();
    let listed = |filter: &[&str]| {
        let lines = host.json(&[&["tasks", "list", "--json"], filter].concat());
        ids(&lines).join(" ")
    };
    assert_eq!(listed(&["--split", "training"]), "m3 m7");
    assert_eq!(listed(&["--family", "same size: mirror", "--limit", "1"]), "m3");
    assert_eq!(listed(&["--relation", "same"]), "m3 m7");
    assert_eq!(listed(&["--hint", "crop", "--dataset", "set"]), "c1");
    assert_eq!(listed(&["--difficulty", "hard"]), "");
    let datasets = host.json(&["tasks", "list", "--json"]);
    assert_eq!(datasets[0]["name"], "set", "without a filter the datasets are listed");
    let text = host.succeeds(&["tasks", "list", "--split", "evaluation"]);
    assert!(text.contains("c1") && !text.contains("m3"), "{text}");
    let families = host.json(&["tasks", "families", "--json"]);
    assert_eq!(
        (families[0]["name"].as_str(), families[0]["tasks"].as_u64()),
        (Some("same size: mirror"), Some(2))
    );
    assert!(host.succeeds(&["tasks", "families"]).contains("same size: mirror"));
    host.refuses(
        "unknown family",
        &["tasks", "list", "--family", "no"],
        2,
        &["no family \"no\"", "tasks families"],
    );
    host.refuses("unknown dataset", &["tasks", "list", "--dataset", "no"], 2, &["no dataset \"no\""]);
    host.refuses("unknown task", &["tasks", "similar", "zz"], 2, &["no task \"zz\""]);
    host.refuses("unknown task", &["tasks", "features", "set/zz"], 2, &["no task \"set/zz\""]);
    let said = host.run(&["tasks", "list", "--relation", "round"]);
    assert!(said.status == Some(2) && said.stderr.contains("one of same, transposed"), "{said:?}");
}

#[test]
fn features_that_are_missing_are_told_and_rebuilt() {
    let host = host();
    host.db()
        .execute_batch(
            "DELETE FROM task_features; DELETE FROM embeddings; UPDATE arc_tasks SET family_id = NULL",
        )
        .unwrap();
    host.refuses("none yet", &["tasks", "features", "m3"], 1, &["before there were features", "--rebuild"]);
    host.refuses("none yet", &["tasks", "similar", "m3"], 1, &["--rebuild"]);
    let rebuilt = host.json(&["tasks", "features", "--rebuild", "--json"]);
    assert_eq!(rebuilt, json!({"tasks": 3, "families": 2, "extractor": "features-1"}));
    assert_eq!(ids(&host.json(&["tasks", "similar", "m3", "--json"])["similar"]), ["m7", "c1"]);
    assert!(host.succeeds(&["tasks", "features", "--rebuild"]).contains("3 tasks have features"));
}

#[test]
fn difficulty_comes_from_runs_and_needs_enough_of_them() {
    let host = Host::new();
    host.write("one.json", identity(1));
    host.probe_does("", "act = \"answer\"");
    for seed in ["1", "2", "3"] {
        host.succeeds(&["solve", "one.json", "--strategy", PROBE, "--seed", seed]);
    }
    let rating = host.json(&["tasks", "rate", "--json"]);
    assert_eq!(rating, json!({"easy": 0, "medium": 0, "hard": 0, "too_few_runs": 1, "changed": 0}));
    let text = host.succeeds(&["tasks", "rate"]);
    assert!(text.contains("1 left as they were: rated from 3 runs and 2 strategies on"), "{text}");
    // A second strategy that has not solved it: half of the two.
    host.probe_does("", "act = \"answer\"");
    host.succeeds(&["solve", "one.json", "--strategy", crate::harness::SINCE_0_1_0]);
    let rating = host.json(&["tasks", "rate", "--json"]);
    assert_eq!(rating["too_few_runs"], 0, "{rating}");
    let difficulty: String = host.one("SELECT difficulty FROM arc_tasks");
    assert_ne!(difficulty, "unknown");
    let listed = host.json(&["tasks", "list", "--difficulty", &difficulty, "--json"]);
    assert_eq!(ids(&listed), ["one"]);
}
