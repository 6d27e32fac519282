//! The language of programs at the command line.

use crate::harness::{Host, identity};

#[test]
fn operations_are_listed_explained_and_run_on_tasks() {
    let host = Host::empty();
    let all = host.json(&["dsl", "list", "--json"]);
    assert!(all.as_array().unwrap().len() >= 150, "{}", all.as_array().unwrap().len());
    let colours = host.succeeds(&["dsl", "list", "--category", "colour"]);
    assert!(colours.contains("operations") && !colours.contains(" object "), "{colours}");
    assert!(host.succeeds(&["dsl", "explain", "trim"]).starts_with("trim"));
    let words = host.json(&["dsl", "explain", "keep 3 > trim (fits 3 of 3)", "--json"]);
    assert!(words["words"].as_str().unwrap().contains("green"), "{words}");
    assert_eq!(words["program"], "keep 3 > trim");
    host.write("tasks/t00.json", identity(0));
    host.succeeds(&["tasks", "import", "tasks", "--name", "own"]);
    let rows = host.json(&["dsl", "run", "input", "t00", "--json"]);
    assert!(rows.as_array().unwrap().iter().all(|row| row["is_right"] == true), "{rows}");
    assert!(host.succeeds(&["dsl", "run", "paint 7", "t00"]).contains("program"));
    host.refuses(
        "category",
        &["dsl", "list", "--category", "fruit"],
        2,
        &["no category \"fruit\"", "colour"],
    );
    host.refuses("program", &["dsl", "run", "kep 3", "t00"], 2, &["kep", "did you mean \"keep", "dsl list"]);
    host.refuses("task", &["dsl", "run", "input", "nothing"], 2, &["no task \"nothing\""]);
}
