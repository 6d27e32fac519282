use serde_json::Value;

use crate::harness::{Host, PROBE};

fn solve(host: &Host, flags: &[&str]) -> Value {
    host.json(&[&["solve", "./tasks", "--strategy", PROBE, "--json", "-"], flags].concat())
}

/// Runs of several endings, all of which fuel, memory or the plugin itself decides.
fn host() -> Host {
    let host = Host::new();
    host.write_tasks(2);
    for (act, flags) in [
        ("answer", &[][..]),
        ("chance", &["--seed", "7"]),
        ("compute", &[]),
        ("burn", &["--fuel", "3000000"]),
        ("grow", &["--memory-mb", "8"]),
        ("panic", &[]),
        ("invalid", &[]),
    ] {
        host.probe_does("", &format!("act = \"{act}\"\ncount = \"100\""));
        solve(&host, flags);
    }
    // What the settings say now does not matter: a replay takes all from the database.
    host.probe_does("", "act = \"nothing\"");
    std::fs::remove_dir_all(host.path("guests")).unwrap();
    std::fs::remove_dir_all(host.path("tasks")).unwrap();
    host
}

#[test]
fn every_run_replays_to_the_unit_from_the_database_alone_at_any_number_of_jobs() {
    let host = host();
    let one = host.succeeds(&["runs", "replay", "--last", "5", "--jobs", "1"]);
    let two = host.succeeds(&["runs", "replay", "--last", "5", "--jobs", "2"]);
    assert_eq!(one, two);
    assert!(one.ends_with("5 of 5 runs gave the same answers for the same fuel\n"), "{one}");
    let all = host.json(&["runs", "replay", "--last", "14", "--json"]);
    let rows = all.as_array().unwrap();
    assert_eq!(rows.len(), 14);
    assert!(rows.iter().all(|row| row["verdict"] == "same"), "{all:#}");
    let id = rows[3]["run"].as_str().unwrap();
    assert!(host.succeeds(&["runs", "replay", id]).contains("1 of 1 runs"));
}

#[test]
fn a_stored_run_that_was_changed_is_found_out() {
    let host = host();
    let newest = "(SELECT run_id FROM resource_usage ORDER BY at DESC, run_id DESC LIMIT 1)";
    let cases = [
        ("fuel", format!("UPDATE resource_usage SET fuel_spent = fuel_spent + 1 WHERE run_id = {newest}")),
        ("answer", format!("UPDATE answers SET grid = '[[9,9,9]]' WHERE run_id = {newest}")),
        ("ending", format!("UPDATE runs SET ending = '\"out_of_fuel\"' WHERE id = {newest}")),
    ];
    for (what, sql) in cases {
        let copy = std::fs::read(host.database()).unwrap();
        assert!(host.db().execute(&sql, []).unwrap() > 0, "{what}");
        let said = host.run(&["runs", "replay", "--last", "3"]);
        assert_eq!(said.status, Some(1), "{what}: {said:?}");
        assert!(said.stdout.contains(&format!("differs  {what}")), "{what}: {}", said.stdout);
        assert!(said.stdout.contains("2 of 3 runs gave the same"), "{what}: {}", said.stdout);
        assert!(said.stderr.contains("1 of 3 runs differ"), "{what}: {}", said.stderr);
        assert!(said.stderr.contains("\n  hint: "), "{what}: {}", said.stderr);
        std::fs::write(host.database(), copy).unwrap();
    }
    host.succeeds(&["runs", "replay", "--last", "3"]);
}

#[test]
fn another_seed_gives_other_answers_and_the_same_seed_the_same() {
    let host = Host::new();
    host.write_tasks(2);
    host.probe_does("", "act = \"chance\"");
    let answers = |seed: &str| {
        let report = solve(&host, &["--seed", seed]);
        let runs: Vec<&str> =
            report["tasks"].as_array().unwrap().iter().map(|row| row["runs"][0].as_str().unwrap()).collect();
        let show = |run: &&str| host.json(&["runs", "show", run, "--json"])["answers"].clone();
        (runs.iter().map(show).collect::<Vec<Value>>(), report["summary"]["fuel_spent"].clone())
    };
    let first = answers("3");
    assert_eq!(first, answers("3"));
    assert_ne!(first.0, answers("4").0);
}
