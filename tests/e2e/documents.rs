use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::harness::{Host, PROBE, Said};

const ANSWERS: &str = "# what works\nstrategy: guests/probe\nseed: 3\nlimits: {fuel: 5000000}\nsettings: {act: answer, count: 7}\n";
const NOTHING: &str = "strategy: guests/probe\nseed: 3\nlimits: {fuel: 6000000}\nsettings: {act: nothing}\n";

/// An installation with tasks that are solved by their input.
fn host() -> Host {
    let host = Host::new();
    host.write_tasks(3);
    host.succeeds(&["tasks", "import", "./tasks", "--name", "small"]);
    host
}

fn put(host: &Host, name: &str, body: &str, flags: &[&str]) -> Value {
    host.write("body.yaml", body);
    host.json(&[&["document", "put", name, "body.yaml", "--json"], flags].concat())
}

fn versions(host: &Host) -> i64 {
    host.one("SELECT count(*) FROM document_versions")
}

#[test]
fn a_document_goes_from_a_file_into_use_and_back() {
    let host = host();
    let first = put(&host, "config/fast", ANSWERS, &["--activate", "--reason", "a start"]);
    assert_eq!((&first["version"]["version"], &first["is_new"]), (&json!(1), &json!(true)));
    assert_eq!(put(&host, "config/fast", ANSWERS, &[])["is_new"], json!(false));
    let shown = host.succeeds(&["document", "show", "config/fast", "--body"]);
    assert_eq!(shown, ANSWERS, "to the byte");
    assert_eq!(put(&host, "config/fast", NOTHING, &[])["version"]["version"], 2);
    host.refuses("unapproved", &["document", "activate", "config/fast"], 1, &["nobody approved version 2"]);
    let difference = host.json(&["document", "diff", "config/fast", "--json"]);
    assert_eq!((&difference["from"], &difference["to"]), (&json!(1), &json!(2)));
    let text = host.succeeds(&["document", "diff", "config/fast", "1", "2"]);
    assert!(text.contains("--- fast@1\n+++ fast@2\n"), "{text}");
    assert!(
        text.contains("-settings: {act: answer, count: 7}\n") && text.contains("+settings: {act: nothing}\n"),
        "{text}"
    );
    host.succeeds(&["document", "propose", "config/fast@2", "--reason", "it is quicker"]);
    host.succeeds(&["document", "approve", "config/fast@2"]);
    let active = host.json(&["document", "activate", "config/fast@2", "--json"]);
    assert_eq!((&active["version"], &active["is_active"]), (&json!(2), &json!(true)));
    let back = host.json(&["document", "rollback", "config/fast@1", "--reason", "solved nothing", "--json"]);
    assert_eq!(
        (&back["version"], &back["rollback_of"], &back["is_active"]),
        (&json!(3), &json!(1), &json!(true))
    );
    let told = host.json(&["document", "history", "config/fast", "--json"]);
    let told: Vec<String> = told
        .as_array()
        .unwrap()
        .iter()
        .map(|line| {
            format!("{} {} {} {}", line["what"], line["version"], line["who"], line["why"]).replace('"', "")
        })
        .collect();
    for line in [
        "put 1 local a start",
        "activated 1 local null",
        "approved 2 local it is quicker",
        "activated 2 local null",
        "rolled back 3 local solved nothing",
    ] {
        assert!(told.iter().any(|known| known == line), "{line}: {told:#?}");
    }
    let list = host.json(&["document", "list", "--kind", "config", "--json"]);
    assert_eq!(
        (&list[0]["name"], &list[0]["active"], &list[0]["head"]),
        (&json!("fast"), &json!(3), &json!(3))
    );
    for args in [
        &["document", "list"][..],
        &["document", "history", "config/fast"],
        &["document", "show", "config/fast"],
    ] {
        assert!(host.succeeds(args).contains("local"), "{args:?}");
    }
    host.succeeds(&["document", "deactivate", "config/fast"]);
    host.refuses("out of use", &["solve", "small", "--setup", "fast"], 1, &["out of use"]);
}

#[test]
fn a_prompt_comes_from_stdin_and_lists_its_variables() {
    let host = Host::empty();
    let mut child = host
        .command(&["document", "put", "prompt/greet", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all("Find {{rule}} of {{ task }}: '\u{1b}[2J' {{rule}}".as_bytes())
        .unwrap();
    let said = Said::of(child.wait_with_output().unwrap()).succeeded(&["put"]);
    let put: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(put["version"]["variables"], json!(["rule", "task"]));
    assert_eq!(put["version"]["format"], "text");
    let shown = host.succeeds(&["document", "show", "prompt/greet"]);
    assert!(shown.contains("rule, task") && !shown.contains('\u{1b}'), "{shown:?}");
}

#[test]
fn what_is_no_document_is_refused_in_words_and_nothing_is_kept() {
    let host = host();
    put(&host, "config/fast", ANSWERS, &[]);
    host.write("list.yaml", "- a\n");
    host.write("torn.json", "{\"a\":");
    host.write("large.txt", vec![b'x'; (1 << 20) + 1]);
    host.write("bytes.txt", [0xff, 0xfe]);
    let cases: [(&[&str], i32, &str); 15] = [
        (&["put", "fast", "body.yaml"], 2, "does not say what kind"),
        (&["put", "plan/fast", "body.yaml"], 2, "does not say what kind"),
        (&["put", "config/fast@3", "body.yaml"], 2, "a version is not named here"),
        (&["put", "config/a b", "body.yaml"], 1, "no name of a document"),
        (&["put", "config/'; DROP TABLE runs; --", "body.yaml"], 1, "no name of a document"),
        (&["put", "config/x", "missing.yaml"], 2, "missing.yaml"),
        (&["put", "config/x", "list.yaml"], 1, "fields with values"),
        (&["put", "setting/x", "torn.json"], 1, "no json"),
        (&["put", "setting/x", "large.txt"], 2, "more than 1048576 bytes"),
        (&["put", "setting/x", "bytes.txt"], 2, "no UTF-8"),
        (&["show", "config/none"], 1, "no strategy_config named"),
        (&["show", "config/fast@9"], 1, "no version 9"),
        (&["show", "config/fast@new"], 2, "no version of a document"),
        (&["approve", "config/fast"], 1, "nobody proposed version 1"),
        (&["rollback", "config/fast"], 2, "the version to go back to"),
    ];
    for (args, status, words) in cases {
        host.refuses(&args.join(" "), &[&["document"], args].concat(), status, &[words]);
    }
    for (body, words) in [
        ("limits: {fuel: 1}", "missing field `strategy`"),
        ("strategy: guests/probe\nlimit: {fuel: 1}", "unknown field `limit`"),
        ("strategy: guests/probe\nlimits: {fuell: 1}", "unknown field `fuell`"),
        ("strategy: guests/probe\nsettings: {a: [1]}", "setting `a` is no text"),
    ] {
        put(&host, "config/odd", body, &["--activate"]);
        host.refuses(body, &["solve", "small", "--setup", "odd"], 2, &["setup \"odd@", words]);
    }
    host.refuses("not active", &["solve", "small", "--setup", "fast"], 1, &["no active version"]);
}

#[test]
fn a_run_records_the_exact_version_it_was_configured_with() {
    let host = host();
    host.probe_does("", "act = \"panic\"\nother = \"kept\"");
    put(&host, "config/fast", ANSWERS, &["--activate"]);
    let solve = |flags: &[&str]| host.json(&[&["solve", "small", "--json", "-"], flags].concat());
    let report = solve(&["--setup", "fast"]);
    assert_eq!(report["summary"]["solved_at_1"], 3);
    let kept = &report["evaluations"][0];
    let (strategy, setup) = (&kept["strategy"], &kept["setup"]);
    assert_eq!((strategy, setup), (&json!("probe"), &json!("fast@1")));
    let run = host.json(&["runs", "show", report["tasks"][0]["runs"][0].as_str().unwrap(), "--json"]);
    assert_eq!(run["place"]["config_version"], kept["config_version"]);
    assert_eq!((&run["recipe"]["seed"], &run["recipe"]["limits"]["fuel"]), (&json!(3), &json!(5_000_000)));
    assert_eq!(run["recipe"]["settings"], json!({"act": "answer", "count": "7", "other": "kept"}));
    put(&host, "config/fast", NOTHING, &[]);
    assert_eq!(solve(&["--setup", "fast"])["evaluations"][0]["setup"], "fast@1", "the newest is not active");
    let second = solve(&["--setup", "fast@2", "--fuel", "7000000", "--seed", "4"]);
    assert_eq!(
        (&second["summary"]["solved_at_1"], &second["evaluations"][0]["setup"]),
        (&json!(0), &json!("fast@2"))
    );
    let run = host.json(&["runs", "show", second["tasks"][0]["runs"][0].as_str().unwrap(), "--json"]);
    assert_eq!(
        (&run["recipe"]["seed"], &run["recipe"]["limits"]["fuel"]),
        (&json!(4), &json!(7_000_000)),
        "flags win"
    );
    let text = host.succeeds(&["runs", "show", run["id"].as_str().unwrap()]);
    assert!(text.contains("fast@2 ("), "{text}");
    let used = "SELECT count(*) FROM runs r JOIN document_versions v ON v.id = r.config_version_id WHERE v.version = ";
    assert_eq!((host.one::<i64>(&format!("{used}1")), host.one::<i64>(&format!("{used}2"))), (6, 3));
    assert_eq!(host.one::<i64>("SELECT count(*) FROM outcomes WHERE config_version_id IS NULL"), 0);
    let words =
        host.succeeds(&["solve", "small", "--setup", "fast", "--setup", "fast@2", "--pictures", "never"]);
    assert!(words.contains("fast@1\n") && words.contains("fast@2\n"), "{words}");
    let both = solve(&["--strategy", PROBE, "--setup", "fast", "--no-store"]);
    assert_eq!(
        (both["tasks"][0]["strategy"].as_str(), &both["evaluations"]),
        (Some("probe+probe"), &Value::Null)
    );
}

#[test]
fn of_two_processes_that_activate_at_once_one_wins_and_the_other_is_told() {
    let host = Host::empty();
    put(&host, "setting/mode", "a: 1", &["--activate"]);
    for version in ["2", "3"] {
        put(&host, "setting/mode", &format!("a: {version}"), &[]);
        host.succeeds(&["document", "propose", &format!("setting/mode@{version}")]);
        host.succeeds(&["document", "approve", &format!("setting/mode@{version}")]);
    }
    let children =
        ["2", "3"].map(|version| host.start(&["document", "activate", &format!("setting/mode@{version}")]));
    let said = children.map(|child| Said::of(child.wait_with_output().unwrap()));
    let lost: Vec<&Said> = said.iter().filter(|said| said.status != Some(0)).collect();
    assert_eq!(lost.len(), 1, "{said:?}");
    lost[0].refused("the slower", 1, &["was approved in place of version 1, but version", "is active now"]);
    assert_eq!(versions(&host), 3);
    assert_eq!(host.one::<i64>("SELECT count(*) FROM audit_log WHERE action = 'document.activate'"), 2);
}
