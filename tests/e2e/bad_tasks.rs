use std::fs::File;
use std::io::{Cursor, Write};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::harness::{Host, PROBE, identity};

/// Both ways in refuse a path alike, and leave what was stored.
fn refused(host: &Host, case: &str, path: &str, words: &[&str]) {
    let words = [&[path], words].concat();
    host.refuses(case, &["tasks", "import", path], 1, &words);
    host.refuses(case, &["solve", path, "--strategy", PROBE], 1, &words);
}

fn zip_of(members: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in members {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn a_grid_that_is_none_is_named_by_file_pair_and_line() {
    let host = Host::with_a_run();
    let tall = format!("[{}]", vec!["[1]"; 31].join(","));
    let wide = format!("[[{}]]", vec!["1"; 31].join(","));
    let cases: [(&str, &str, &[&str]); 10] = [
        ("empty", "[]", &["grid is empty"]),
        ("empty row", "[[]]", &["empty"]),
        ("ragged", "[[1,2],[3]]", &["row 1", "all rows are equally long"]),
        ("31 rows", &tall, &["rows", "limit 30"]),
        ("31 columns", &wide, &["columns", "limit 30"]),
        ("cell 10", "[[10]]", &["10", "0 to 9"]),
        ("cell -1", "[[-1]]", &["-1"]),
        ("cell 1.5", "[[1.5]]", &["1.5"]),
        ("cell of text", "[[\"1\"]]", &["\"1\""]),
        ("no rows", "7", &["7"]),
    ];
    for (case, grid, words) in cases {
        let text = format!(
            r#"{{"train":[{{"input":[[1]],"output":[[1]]}},{{"input":{grid},"output":[[1]]}}],"test":[{{"input":[[1]]}}]}}"#
        );
        host.write("bad.json", text);
        refused(&host, case, "bad.json", &[&["train[1].input", "(line 1 column"], words].concat());
    }
}

#[test]
fn a_file_that_is_no_task_says_what_is_missing() {
    let host = Host::with_a_run();
    let pair = r#"{"input":[[1]],"output":[[1]]}"#;
    let cases: [(&str, String, &[&str]); 13] = [
        ("no train", format!(r#"{{"test":[{pair}]}}"#), &["key \"train\" is missing"]),
        ("no test key", format!(r#"{{"train":[{pair}]}}"#), &["key \"test\" is missing"]),
        ("no test", format!(r#"{{"train":[{pair}],"test":[]}}"#), &["no test input"]),
        ("no pair", format!(r#"{{"train":[],"test":[{pair}]}}"#), &["no training pair"]),
        (
            "no input",
            format!(r#"{{"train":[{{"output":[[1]]}}],"test":[{pair}]}}"#),
            &["train[0]", "key \"input\" is missing"],
        ),
        (
            "no output",
            format!(r#"{{"train":[{{"input":[[1]]}}],"test":[{pair}]}}"#),
            &["train[0]", "key \"output\" is missing"],
        ),
        ("a key too many", format!(r#"{{"train":[{pair}],"test":[{pair}],"more":1}}"#), &["more"]),
        ("a key twice", format!(r#"{{"train":[{pair}],"train":[{pair}]}}"#), &["\"train\" is there twice"]),
        (
            "an id twice",
            format!(
                r#"{{"ab":{{"train":[{pair}],"test":[{pair}]}},"ab":{{"train":[{pair}],"test":[{pair}]}}}}"#
            ),
            &["\"ab\" is there twice"],
        ),
        ("cut short", r#"{"train":[{"input":[[1"#.to_owned(), &["EOF", "line 1"]),
        ("nothing", String::new(), &["EOF"]),
        ("a list", "[1]".to_owned(), &["an object"]),
        ("no task at all", "{}".to_owned(), &["no task"]),
    ];
    for (case, text, words) in cases {
        host.write("bad.json", text);
        refused(&host, case, "bad.json", words);
    }
}

#[test]
fn files_that_are_not_what_they_seem_are_refused_unread() {
    let host = Host::with_a_run();
    File::create(host.path("huge.json")).unwrap().set_len(1 << 30).unwrap();
    host.write("latin.json", b"{\"train\": \"caf\xe9\"}");
    host.write("no good.json", identity(1));
    host.write("empty/readme.txt", "nothing here");
    host.write("both/a.json", identity(1));
    host.write("both/training/b.json", identity(2));
    let cases: [(&str, &[&str]); 6] = [
        ("huge.json", &["1,073,741,824 bytes", "limit 67,108,864"]),
        ("latin.json", &["byte 14 is not UTF-8"]),
        ("no good.json", &["task id", "rename the file"]),
        ("./empty", &["no task found"]),
        ("./both", &["side by side"]),
        ("missing.json", &["no"]),
    ];
    for (path, words) in cases {
        if path == "missing.json" {
            host.refuses(path, &["tasks", "import", path], 1, &[path, "no such file"]);
        } else {
            refused(&host, path, path, words);
        }
    }
}

#[test]
fn archives_that_are_broken_or_climb_out_are_refused_whole() {
    let host = Host::with_a_run();
    let (good, evil) = (identity(1), identity(2));
    let whole = zip_of(&[("training/a.json", &good), ("training/b.json", &evil)]);
    let mut flipped = whole.clone();
    flipped[45] ^= 0xff;
    host.write("cut.zip", &whole[..whole.len() / 2]);
    host.write("flipped.zip", flipped);
    host.write("text.zip", "this is text");
    host.write("climbs.zip", zip_of(&[("training/a.json", &good), ("../../evil.json", &evil)]));
    host.write("absolute.zip", zip_of(&[("/etc/evil.json", &evil)]));
    host.write("none.zip", zip_of(&[("readme.txt", "nothing")]));
    host.write("grid.zip", zip_of(&[("training/a.json", &good.replace("[[0,0,1]]", "[[0,0,11]]"))]));
    let cases: [(&str, &[&str]); 7] = [
        ("cut.zip", &["not a whole zip archive"]),
        ("flipped.zip", &["zip"]),
        ("text.zip", &["not a whole zip archive"]),
        ("climbs.zip", &["../../evil.json", "leads out of the archive"]),
        ("absolute.zip", &["/etc/evil.json", "absolute name"]),
        ("none.zip", &["no task found"]),
        ("grid.zip", &["training/a.json", "test[0].input", "cell 11"]),
    ];
    for (path, words) in cases {
        refused(&host, path, path, words);
    }
    assert!(!host.path("evil.json").exists() && !host.path("../evil.json").exists());
}

#[test]
fn two_tasks_of_one_id_are_refused_with_both_places() {
    let host = Host::with_a_run();
    host.write("x/same.json", identity(1));
    host.write("y/same.json", identity(2));
    let args = ["tasks", "import", "x/same.json", "y/same.json"];
    host.refuses("twice", &args, 1, &["task same is there twice", "x/same.json", "y/same.json"]);
}

#[test]
fn one_bad_file_keeps_the_whole_folder_out() {
    let host = Host::with_a_run();
    host.write_tasks(3);
    host.write("tasks/t01.json", "{}");
    refused(&host, "one of three", "./tasks", &["t01.json"]);
    host.write("tasks/t01.json", identity(1));
    assert!(host.succeeds(&["tasks", "import", "./tasks"]).contains("3 custom"));
}
