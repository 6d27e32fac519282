//! Strategies that learn from solved tasks are not scored on them, however those are drawn; and a portfolio of
//! strategies shares a task.

use serde_json::{Value, json};

use crate::harness::{Host, LENT_PROBE, PROBE};

const GRANTED: &str = "[policy.plugins.lent-probe]\ncapabilities = [\"memory\", \"artifacts\"]\n";

fn host() -> Host {
    let host = Host::new();
    host.write("stratagem.toml", GRANTED);
    host
}

/// A task of two pairs and a test that nobody else writes: `turned` draws it mirrored and in other colours.
fn task(number: usize, turned: bool) -> String {
    let grid = |at: usize| {
        let cell = |x: usize, y: usize| {
            let n = (number * 1_000 + at * 50 + x * 7 + y) as u64;
            (n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) % 5
        };
        let seen = |x, y| if turned { 9 - cell(4 - x, y) } else { cell(x, y) };
        let row = |y| (0..5).map(|x| seen(x, y)).collect::<Vec<_>>();
        json!((0..3).map(row).collect::<Vec<_>>())
    };
    let pair = |at: usize| json!({"input": grid(at), "output": grid(at + 1)});
    json!({"train": [pair(0), pair(5)], "test": [pair(11)]}).to_string()
}

fn import(host: &Host, folder: &str, numbers: std::ops::Range<usize>, turned: bool) {
    for number in numbers {
        host.write(&format!("{folder}/t{number:02}.json"), task(number, turned));
    }
    host.succeeds(&["tasks", "import", folder, "--name", folder]);
}

fn learn(host: &Host, more: &[&str]) -> Value {
    host.json(&[&["learn", "--strategy", LENT_PROBE, "--json"], more].concat())
}

#[test]
fn what_was_learned_from_is_on_record_and_is_never_scored() {
    let host = host();
    import(&host, "seen", 0..4, false);
    import(&host, "mirrored", 2..3, true);
    import(&host, "fresh", 20..22, false);
    let learned = learn(&host, &["--from", "seen"]);
    let artifacts = learned[0]["artifacts"].as_array().unwrap();
    let names: Vec<&str> = artifacts.iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["learned-from", "lessons"]);
    assert_eq!(artifacts[1]["lessons"]["tasks"].as_array().unwrap().len(), 4);
    assert_eq!(host.one::<i64>("SELECT count(*) FROM learned_artifacts WHERE json_valid(lessons)"), 2);
    for what in ["seen", "mirrored"] {
        let words = [
            "has learned from",
            "of these tasks",
            "hint: score it on other tasks, or learn again",
            "--apart-from",
            "in folds",
        ];
        host.refuses(what, &["solve", what, "--strategy", LENT_PROBE], 2, &words);
    }
    host.succeeds(&["solve", "fresh", "--strategy", LENT_PROBE]);
    host.succeeds(&["solve", "seen", "--strategy", PROBE]);
    host.succeeds(&["experiment", "new", "leak", "--strategy", LENT_PROBE, "--tasks", "seen"]);
    let said = host.run(&["experiment", "run", "leak"]);
    assert!(said.status == Some(2) && said.stderr.contains("has learned from 4"), "{said:?}");
    // A run that saves an artifact in place of the learned one does not wash it clean.
    host.write("stratagem.toml", format!("{GRANTED}[settings.lent-probe]\ncalls = \"save lessons more\"\n"));
    host.succeeds(&["solve", "fresh", "--strategy", LENT_PROBE]);
    host.write("stratagem.toml", GRANTED);
    host.refuses("washed", &["solve", "seen", "--strategy", LENT_PROBE], 2, &["has learned from 4"]);
}

#[test]
fn what_is_learned_apart_from_tasks_may_be_scored_on_them() {
    let host = host();
    import(&host, "seen", 0..4, false);
    import(&host, "mirrored", 2..3, true);
    import(&host, "fresh", 20..22, false);
    let apart = ["--from", "seen", "--apart-from", "mirrored", "--apart-from", "fresh"];
    let learned = learn(&host, &apart);
    assert_eq!((&learned[0]["lessons"], &learned[0]["left_out"]), (&json!(3), &json!(1)));
    let told = host.succeeds(&[&["learn", "--strategy", LENT_PROBE][..], &apart].concat());
    assert!(told.contains("1 left out"), "{told}");
    for what in ["mirrored", "fresh"] {
        host.succeeds(&["solve", what, "--strategy", LENT_PROBE]);
    }
    host.refuses("seen", &["solve", "seen", "--strategy", LENT_PROBE], 2, &["has learned from 3"]);
    let nothing = ["learn", "--strategy", LENT_PROBE, "--from", "mirrored", "--apart-from", "seen"];
    host.refuses("nothing is left", &nothing, 2, &["no task of mirrored is left apart from seen"]);
}

#[test]
fn in_folds_each_task_is_solved_with_what_was_learned_without_it() {
    let host = host();
    import(&host, "seen", 0..12, false);
    let learned = learn(&host, &["--from", "seen", "--folds", "3"]);
    let lessons: Vec<u64> =
        learned.as_array().unwrap().iter().map(|one| one["lessons"].as_u64().unwrap()).collect();
    assert!(
        lessons.len() == 3 && lessons.iter().sum::<u64>() == 24,
        "each task is in two of three: {lessons:?}"
    );
    host.write("stratagem.toml", format!("{GRANTED}[settings.lent-probe]\ncalls = \"load lessons\"\n"));
    host.succeeds(&["solve", "seen", "--strategy", LENT_PROBE, "--folds", "3"]);
    let without = "SELECT count(*) FROM runs r JOIN episodes e ON e.run_id = r.id
        JOIN learned_artifacts l ON l.domain = e.domain AND l.name = 'learned-from'
        WHERE e.domain LIKE '%/fold-%-of-3' AND instr(l.lessons, r.task_digest) = 0";
    assert_eq!(host.one::<i64>(without), 12, "no task is among the lessons of its fold");
    let found = "SELECT count(*) FROM steps WHERE result LIKE '1 bytes: %'";
    assert_eq!(host.one::<i64>(found), 12, "each found what was learned for its fold");
    // An experiment measures in the same way, and begins only where it may.
    let new = ["experiment", "new", "honest", "--strategy", LENT_PROBE, "--tasks", "seen", "--folds"];
    host.refuses("folds", &[&new[..], &["21"]].concat(), 2, &["21 folds: 1 to 20"]);
    host.succeeds(&[&new[..], &["3"]].concat());
    host.succeeds(&["experiment", "run", "honest"]);
    assert_eq!((host.one::<i64>(without), host.one::<i64>(found)), (24, 24));
}

#[test]
fn bad_lessons_are_refused_in_words() {
    let host = host();
    import(&host, "seen", 0..2, false);
    let learn = |more: &[&'static str]| [&["learn", "--strategy", LENT_PROBE][..], more].concat();
    host.refuses("nothing", &learn(&["--from", "nowhere"]), 2, &["no task or dataset", "tasks list"]);
    host.refuses("folds", &learn(&["--from", "seen", "--folds", "0"]), 2, &["0 folds: 1 to 20"]);
    let learner = ["learn", "--strategy", PROBE, "--from", "seen"];
    host.refuses("learns nothing", &learner, 1, &["the strategy learned nothing", "plugin.toml must ask"]);
    host.write("stratagem.toml", format!("{GRANTED}[settings.lent-probe]\ncalls = \"trap\"\n"));
    let before = host.kept();
    let said = host.run(&learn(&["--from", "seen"]));
    assert_eq!(said.status, Some(1), "{said:?}");
    assert!(said.stderr.contains("learning did not come to its end") && before == host.kept(), "{said:?}");
}

#[test]
fn a_portfolio_shares_a_task_and_says_why() {
    let host = host();
    host.write_tasks(3);
    let members = format!("[portfolio]\nmembers = [\"{PROBE}\", \"{LENT_PROBE}\", \"not-there\"]\n");
    host.write("stratagem.toml", format!("{GRANTED}{members}"));
    let report = host.json(&["solve", "./tasks", "--json", "-"]);
    let rows = report["tasks"].as_array().unwrap();
    assert_eq!(rows.len(), 3);
    for row in rows {
        let choice = &row["choices"][0];
        assert!(choice["confidence"].as_f64().unwrap() > 0.0, "{row:#}");
        assert_eq!(choice["checked"], "no_program");
        let voices: Vec<&str> =
            choice["voices"].as_array().unwrap().iter().map(|v| v["strategy"].as_str().unwrap()).collect();
        assert!(voices.contains(&"probe"), "{row:#}");
    }
    assert!(!report["categories"].as_array().unwrap().is_empty());
    let said = host.succeeds(&["solve", "./tasks/t00.json"]);
    assert!(said.contains("attempt 1: ") && said.contains("by probe"), "{said}");
    // What was learned can be looked at, and learned anew from stored runs.
    host.succeeds(&["tasks", "import", "tasks", "--name", "own"]);
    host.succeeds(&["solve", "own", "--strategy", PROBE, "--strategy", LENT_PROBE]);
    host.succeeds(&["portfolio", "learn", "--from", "own", "--out", "experience.json"]);
    let text = std::fs::read_to_string(host.path("experience.json")).unwrap();
    let experience: Value = serde_json::from_str(&text).unwrap();
    assert!(experience["calibrations"]["probe"]["first"]["steps"].is_array(), "{experience:#}");
    assert!(host.succeeds(&["portfolio", "show"]).contains("lent-probe"));
    let auto = ["solve", "./tasks", "--strategy", "auto", "--strategy", PROBE];
    host.refuses("beside", &auto, 2, &["`auto` beside other strategies", "[portfolio]"]);
}
