//! What is no task is refused by name, place and line, and nothing is returned.

mod support;

use std::fs::{self, File};
use std::time::{Duration, Instant};

use support::{CHALLENGE, Folder, TASK, by_id};

/// Names and texts.
type Files<'a> = &'a [(&'a str, &'a str)];

fn rows(count: usize) -> String {
    serde_json::to_string(&vec![vec![0; 3]; count]).unwrap()
}

/// A task whose second output is the given text.
fn with_output(grid: &str) -> String {
    let pair = r#"{"input":[[1]],"output":[[1]]}"#;
    format!(r#"{{"train":[{pair},{{"input":[[1]],"output":{grid}}}],"test":[{{"input":[[1]]}}]}}"#)
}

fn with_sides(train: &str, test: &str) -> String {
    format!(r#"{{"train":{train},"test":{test}}}"#)
}

#[test]
fn a_bad_file_is_refused_with_its_place_and_its_line() {
    let pair = r#"{"input":[[1]],"output":[[1]]}"#;
    let one = format!("[{pair}]");
    let many = |count| format!("[{}]", vec![pair; count].join(","));
    let cases: Vec<(String, &str)> = vec![
        (
            with_output("[]"),
            "a.json: train[1].output: grid is empty: each side has 1 to 30 cells (line 1 column ",
        ),
        (with_output("[[]]"), "train[1].output: grid is empty"),
        (with_output("[[1,2],[3]]"), "train[1].output: row 1 of the grid has 1 cells, row 0 has 2: all rows"),
        (with_output(&rows(31)), "a.json: train[1].output: grid has 31 rows: limit 30 (line 1 column "),
        (with_output(&rows(9000)), "train[1].output: grid has over 31 rows: limit 30"),
        (with_output("[[1,10]]"), "train[1].output[0][1]: cell 10 is not a colour: 0 to 9 (line 1 column "),
        (with_output("[[1.5]]"), "train[1].output[0][0]: invalid type: floating point `1.5`"),
        (with_output("null"), "train[1].output: invalid type: null, expected a grid"),
        (with_output("\"\\u001b[2J\""), r#"invalid type: string "\u{1b}[2J", expected a grid"#),
        (
            with_output("[[1]],\"weight\":1"),
            r#"train[1]: unknown key "weight": a pair has "input" and "output""#,
        ),
        (with_output("[[1]],\"output\":[[2]]"), r#"train[1]: key "output" is there twice"#),
        (with_sides(r#"[{"input":[[1]]}]"#, &one), r#"train[0]: key "output" is missing: a training pair"#),
        (with_sides(&one, r#"[{"output":[[1]]}]"#), r#"test[0]: key "input" is missing"#),
        (with_sides("[]", &one), "a.json: task has no training pair: 1 to 32 (line 1 column "),
        (with_sides(&one, "[]"), "task has no test input: 1 to 16"),
        (with_sides(&many(33), &one), "train: task has 33 training pairs: limit 32"),
        (with_sides(&one, &many(17)), "test: task has 17 test inputs: limit 16"),
        (format!(r#"{{"train":{one}}}"#), r#"a.json: key "test" is missing: a task has "train" and "test""#),
        (format!(r#"{{"test":{one}}}"#), r#"a.json: key "train" is missing"#),
        (r#"{"name":"x"}"#.into(), "object holds no task"),
        ("{}".into(), "object holds no task: at least one (line 1 column 2)"),
        ("[]".into(), "invalid type: sequence, expected an object: a task,"),
        (String::new(), "EOF while parsing a value (line 1 column 0)"),
        ("{\"train\":\n[{]".into(), "(line 2 column 3)"),
        (format!("{TASK} x"), "trailing characters"),
        (TASK.replacen('{', r#"{"level":"hard","#, 1), r#"level: unknown key "level": a task has"#),
        (
            format!(r#"{},"le\nvel":[1]}}"#, &TASK[..TASK.len() - 1]),
            r#""le\nvel": unknown key "le\nvel": a task"#,
        ),
        (TASK.replace(r#""test""#, r#""train""#), r#"key "train" is there twice"#),
        (by_id(&["a", "b", "a"], TASK), r#"key "a" is there twice: once an object"#),
        (format!(r#"{{"eval":{}}}"#, by_id(&["a", "a"], TASK)), r#"eval: key "a" is there twice"#),
        (
            format!(r#"{{"train":{}}}"#, by_id(&["a"], "[]")),
            "train.a: invalid type: sequence, expected a task",
        ),
        (
            by_id(&["007bbfb7"], &with_output(&rows(31))),
            "007bbfb7.train[1].output: grid has 31 rows: limit 30",
        ),
        (by_id(&["../x"], TASK), r#""../x": task id "../x" is not plain: 1 to 128 bytes of letters"#),
        (
            by_id(&["b"], TASK).replacen('{', r#"{"a":[[[1]]],"#, 1),
            "a task under key \"b\", after the outputs",
        ),
        (by_id(&["b"], "[[[1,10]]]"), "b[0][0][1]: cell 10 is not a colour"),
        (by_id(&["b"], TASK).replacen('{', r#"{"name":"x","#, 1), r#"unknown key "name""#),
        ("[".repeat(10_000), "invalid type: sequence"),
        (r#"{"a":"#.repeat(10_000), r#"a: unknown key "a": a task has "train", "test""#),
        (
            format!(r#"{{"train":[{}"#, r#"{"input":[["#.repeat(10_000)),
            "train[0].input[0][0]: invalid type: map",
        ),
        (
            format!(r#"{{"train":[{},{}"#, vec![pair; 32].join(","), "[".repeat(10_000)),
            "a.json: train[32]: EOF while parsing a list (line 1 column ",
        ),
        (format!(r#"{{"train":"{}"}}"#, "x".repeat(1 << 20)), r#"train: unknown key "train""#),
    ];
    for (text, expected) in cases {
        let folder = Folder::new(&[("a.json", &text)]);
        let found = folder.refusal(&["a.json"]);
        let cut: String = text.chars().take(200).collect();
        assert!(found.contains(expected), "{cut}\n  found {found}\n  expected {expected}");
        assert!(found.starts_with("a.json: ") && found.len() < 1000 && !found.contains('\n'), "{found}");
        // The same file after a good one gives nothing either.
        folder.write("folder/0.json", TASK.as_bytes());
        folder.write("folder/a.json", text.as_bytes());
        assert!(folder.refusal(&["folder"]).starts_with("folder/a.json: "), "{cut}");
    }
}

#[test]
fn every_truncation_of_a_good_file_is_refused() {
    let arckit = format!(r#"{{"train":{},"eval":{}}}"#, by_id(&["a"], TASK), by_id(&["b"], TASK));
    let folder = Folder::new(&[]);
    for text in [TASK.to_owned(), by_id(&["a", "b"], CHALLENGE), arckit] {
        for end in 0..text.len() {
            folder.write("a.json", &text.as_bytes()[..end]);
            assert!(folder.read(&["a.json"], None).is_err(), "{}", &text[..end]);
        }
    }
}

#[test]
fn a_changed_byte_never_panics() {
    let folder = Folder::new(&[]);
    let text = by_id(&["a", "b"], TASK);
    for at in 0..text.len() {
        for byte in [0, b'"', b'{', b']', b',', b'9', b'\\', 0xff] {
            let mut changed = text.clone().into_bytes();
            changed[at] = byte;
            folder.write("a.json", &changed);
            drop(folder.read(&["a.json"], None));
        }
    }
}

#[test]
fn text_that_is_not_utf8_is_refused_with_its_byte() {
    let folder = Folder::new(&[]);
    folder.write("a.json", b"{\"a\xff\":1}");
    assert_eq!(folder.refusal(&["a.json"]), "a.json: byte 3 is not UTF-8: JSON is UTF-8 text");
}

#[test]
fn an_id_is_a_plain_file_name() {
    let folder = Folder::new(&[("my task.json", TASK)]);
    let message = folder.refusal(&["my task.json"]);
    assert!(
        message.starts_with("my task.json: task id \"my task\" is not plain: 1 to 128 bytes of letters"),
        "{message}"
    );
    let hint = folder.read(&["my task.json"], None).unwrap_err().hint().unwrap();
    assert!(hint.contains("rename the file"), "{hint}");
}

#[test]
fn an_id_that_is_there_twice_is_refused_with_both_places() {
    let arckit = format!(r#"{{"train":{},"eval":{}}}"#, by_id(&["a"], TASK), by_id(&["a"], TASK));
    let cases: [(Files, &[&str], &str); 4] = [
        (
            &[("s/training/a.json", TASK), ("s/evaluation/a.json", TASK)],
            &["s"],
            "task a is there twice: in s/evaluation/a.json (evaluation) and in s/training/a.json (training)",
        ),
        (&[("a.json", TASK)], &["a.json", "a.json"], "in a.json (custom) and in a.json (custom)"),
        (&[("x.json", &arckit)], &["x.json"], "in x.json (training) and in x.json (evaluation)"),
        (
            &[("k_training_challenges.json", &by_id(&["a"], CHALLENGE)), ("a.json", TASK)],
            &["k_training_challenges.json", "a.json"],
            "in k_training_challenges.json (training) and in a.json (custom)",
        ),
    ];
    for (files, paths, expected) in cases {
        let found = Folder::new(files).refusal(paths);
        assert!(found.ends_with(expected), "found {found}\n  expected {expected}");
    }
    // A test split that is no copy of another is not left out.
    let other = by_id(&["a"], &CHALLENGE.replace("[[6]]", "[[8]]"));
    let folder = Folder::new(&[
        ("k_test_challenges.json", &other),
        ("k_training_challenges.json", &by_id(&["a"], CHALLENGE)),
    ]);
    let found = folder.refusal(&["k_test_challenges.json", "k_training_challenges.json"]);
    assert!(
        found.ends_with("in k_test_challenges.json (test) and in k_training_challenges.json (training)"),
        "{found}"
    );
}

#[test]
fn solutions_fit_their_challenges_or_are_refused() {
    let challenges = by_id(&["a", "b"], CHALLENGE);
    let cases = [
        (
            by_id(&["a", "b", "c"], "[[[7]]]"),
            r#"x_solutions.json: outputs for task "c", which x_challenges.json does not have"#,
        ),
        (
            by_id(&["a"], "[[[7]]]"),
            "x_solutions.json: no outputs for task b of x_challenges.json: all of its tasks or none",
        ),
        (
            r#"{"a":[[[7]]],"b":[[[7]],[[7]]]}"#.to_owned(),
            "x_solutions.json: 2 outputs for task b, which has 1 test inputs: one a test input",
        ),
        (r#"{"a":[[[7]]],"b":[]}"#.to_owned(), "x_solutions.json: 0 outputs for task b"),
        (by_id(&["a", "b"], "[[[10]]]"), "x_solutions.json: a[0][0][0]: cell 10 is not a colour: 0 to 9"),
    ];
    for (solutions, expected) in cases {
        let folder = Folder::new(&[("x_challenges.json", &challenges), ("x_solutions.json", &solutions)]);
        for paths in [&["x_challenges.json"][..], &["x_solutions.json", "x_challenges.json"]] {
            let found = folder.refusal(paths);
            assert!(found.starts_with(expected), "found {found}\n  expected {expected}");
        }
    }
    let folder = Folder::new(&[("x_solutions.json", &by_id(&["a"], "[[[7]]]"))]);
    assert!(folder.refusal(&["x_solutions.json"]).ends_with("no challenges that they belong to"));
    let folder = Folder::new(&[
        ("x_challenges.json", &by_id(&["a"], TASK)),
        ("x_solutions.json", &by_id(&["a"], "[[[8]]]")),
    ]);
    assert!(
        folder
            .refusal(&["x_challenges.json"])
            .ends_with("output 0 of task a differs from the one in x_challenges.json")
    );
}

#[test]
fn paths_that_hold_nothing_are_refused() {
    let folder = Folder::new(&[("empty/readme.txt", "no task"), ("far/one/deep/a.json", TASK)]);
    assert_eq!(folder.refusal(&["nowhere"]), "nowhere: no such file or folder");
    assert_eq!(folder.refusal(&["empty"]), "empty: no task found");
    assert_eq!(folder.refusal(&["far"]), "far: no task found");
    let blank = Folder::new(&[("a.json", r#"{"train":{},"eval":{}}"#)]);
    assert_eq!(blank.refusal(&["a.json"]), "a.json: no task found");
    assert!(folder.read(&[], None).unwrap_err().hint().unwrap().contains("ID.json"));
}

#[test]
fn names_that_cannot_stand_are_refused() {
    let folder =
        Folder::new(&[("a.json", TASK), ("one/s/training/a.json", TASK), ("two/s/training/b.json", TASK)]);
    for name in ["", "a b", "../x", &"x".repeat(65)] {
        let message = folder.read(&["a.json"], Some(name)).unwrap_err().to_string();
        assert!(message.contains("is not plain: 1 to 64 letters"), "{message}");
    }
    assert_eq!(folder.refusal(&["one/s", "two/s"]), "two datasets would be called s: one/s and two/s");
    let both = Folder::new(&[("s/a.json", TASK), ("s/training/b.json", TASK)]);
    assert_eq!(
        both.refusal(&["s"]),
        "s: folders of splits and JSON files stand side by side: one layout a folder"
    );
}

#[test]
fn a_file_over_the_cap_is_refused_before_it_is_read() {
    let folder = Folder::new(&[]);
    for (name, limit) in [("a.json", "67,108,864"), ("a.zip", "268,435,456")] {
        File::create(folder.path(name)).unwrap().set_len(1 << 30).unwrap();
        let start = Instant::now();
        assert_eq!(folder.refusal(&[name]), format!("{name}: 1,073,741,824 bytes: limit {limit}"));
        assert!(start.elapsed() < Duration::from_millis(500));
    }
}

#[cfg(unix)]
#[test]
fn links_to_folders_are_not_followed_and_pipes_not_opened() {
    use std::os::unix::fs::symlink;

    let folder = Folder::new(&[("s/training/a.json", TASK), ("s/real.txt", TASK)]);
    symlink(folder.path("s"), folder.path("s/loop")).unwrap();
    symlink(folder.path("s"), folder.path("s/training/loop")).unwrap();
    symlink(folder.path("s/real.txt"), folder.path("s/training/b.json")).unwrap();
    let sets = folder.read(&["s"], None).unwrap();
    assert_eq!(support::lines(&sets[0]), ["training a known", "training b known"]);

    symlink(folder.path("s/training"), folder.path("s/evaluation")).unwrap();
    assert_eq!(folder.refusal(&["s"]), "s/evaluation: a link to a folder: only folders themselves are read");
    fs::remove_file(folder.path("s/evaluation")).unwrap();

    symlink(folder.path("s/gone"), folder.path("s/training/c.json")).unwrap();
    assert_eq!(folder.refusal(&["s"]), "s/training/c.json: no such file or folder");
    fs::remove_file(folder.path("s/training/c.json")).unwrap();

    let _socket = std::os::unix::net::UnixListener::bind(folder.path("s/training/d.json")).unwrap();
    assert_eq!(folder.refusal(&["s"]), "s/training/d.json: neither a file nor a folder");
    assert_eq!(folder.refusal(&["s/training/d.json"]), "s/training/d.json: neither a file nor a folder");
}

/// Root may read all files, so that one is taken which nobody can read from its start.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_cannot_be_read_is_named_and_its_cause_kept() {
    use std::error::Error;

    let error = stratagem_tasks::read(&["/proc/self/mem".into()], None).unwrap_err();
    assert_eq!(error.to_string(), "/proc/self/mem: cannot be read");
    assert!(error.source().is_some() && error.hint().is_some());
}
