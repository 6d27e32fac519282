//! Users and roles, the audit log, retention, export and erasure, as an operator does them.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::harness::{Host, PROBE, is_encrypted};

const WORD: &str = "zirkonquax";

/// How often a word stands in the bytes of the files of a folder.
fn copies_in(folder: &Path, word: &str) -> usize {
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap().flatten().filter(|entry| entry.path().is_file()) {
        let bytes = fs::read(entry.path()).unwrap();
        count += bytes.windows(word.len()).filter(|window| *window == word.as_bytes()).count();
    }
    count
}

/// A host with a stored run of the local user's, and one of ada's that carries her word.
fn host() -> Host {
    let host = Host::with_a_run();
    host.succeeds(&["user", "add", "ada"]);
    host.succeeds(&["user", "handle", "add", "ada", "email", &format!("{WORD}@example.org")]);
    host.write_tasks(1);
    host.probe_does("", &format!("note = \"{WORD}\""));
    host.succeeds(&["--user", "ada", "solve", "tasks", "--strategy", PROBE]);
    host
}

#[test]
fn users_are_managed_and_whoever_is_at_the_door_owns_what_is_kept() {
    let host = host();
    let users = host.json(&["user", "list", "--json"]);
    let names: Vec<&str> =
        users.as_array().unwrap().iter().map(|user| user["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["local", "ada"]);
    let ada = host.json(&["user", "show", "ada", "--json"]);
    assert_eq!((&ada["role"], &ada["handles"][0]["provider"]), (&"runner".into(), &"email".into()));
    let owned = |who: &str| {
        let sql = format!(
            "SELECT count(*) FROM runs r JOIN user_identities u ON u.id = r.owner_id WHERE u.display_name = '{who}'"
        );
        host.one::<i64>(&sql)
    };
    assert_eq!((owned("ada"), owned("local")), (1, 1));
    assert!(host.succeeds(&["user", "list"]).contains("ada"));
    assert!(host.succeeds(&["user", "show", "ada"]).contains(&format!("{WORD}@example.org")));

    let solve = ["solve", "tasks", "--strategy", PROBE, "--seed", "9"];
    host.refuses("unknown", &[&["--user", "bob"][..], &solve].concat(), 1, &["no active user \"bob\""]);
    host.succeeds(&["user", "role", "ada", "reader"]);
    host.refuses(
        "reader",
        &[&["--user", "ada"][..], &solve].concat(),
        1,
        &["\"ada\" is reader", "needs runner"],
    );
    host.refuses("order", &["--user", "ada", "user", "add", "eve"], 1, &["adding a user needs admin"]);
    assert_eq!(host.json(&["--user", "ada", "runs", "list", "--json"]).as_array().unwrap().len(), 2);
    // The settings name a user too, and the flag wins; their role only lowers.
    host.write("stratagem.toml", "[database]\nuser = \"ada\"");
    host.refuses("setting", &solve, 1, &["\"ada\" is reader"]);
    host.succeeds(&[&["--user", "local"][..], &solve].concat());
    host.write("stratagem.toml", "[database]\nrole = \"reader\"");
    host.refuses("lowered", &["todo", "add", "x"], 1, &["\"local\" is reader"]);
    host.write("stratagem.toml", "[database]\nrule = \"reader\"");
    host.refuses("misspelt", &["user", "list"], 2, &["line 2", "rule"]);
    host.write("stratagem.toml", "");
    host.succeeds(&["user", "disable", "ada"]);
    host.refuses("disabled", &["--user", "ada", "runs", "list"], 1, &["no active user \"ada\""]);
    host.succeeds(&["user", "enable", "ada"]);
    host.succeeds(&["user", "rename", "ada", "ada l."]);
    host.refuses("twice", &["user", "add", "ada l."], 1, &["there is a user \"ada l.\" already"]);
    host.refuses("owner", &["user", "disable", "local"], 1, &["the local user is always active"]);
}

#[test]
fn the_audit_log_says_who_did_what_and_shows_forgery() {
    let host = host();
    let ada = host.json(&["user", "show", "ada", "--json"])["id"].as_str().unwrap().to_owned();
    let lines = host.json(&["db", "audit", "list", "--by", "ada", "--json"]);
    let lines = lines.as_array().unwrap();
    assert!(!lines.is_empty() && lines.iter().all(|line| line["actor_id"] == ada.as_str()));
    assert!(host.succeeds(&["db", "audit", "list", "--action", "user."]).contains("user.handle.add"));
    let whole = host.json(&["db", "audit", "verify", "--json"]);
    let head = whole["head"].as_str().unwrap();
    host.succeeds(&["todo", "add", "more"]);
    let said = host.succeeds(&["db", "audit", "verify", "--expect", head]);
    assert!(said.contains("rows fit; head "), "{said}");
    host.refuses("half a head", &["db", "audit", "verify", "--expect", "ab12"], 2, &["head of 4 characters"]);
    host.db()
        .execute_batch("DROP TRIGGER audit_log_frozen; UPDATE audit_log SET actor_id = 'eve' WHERE seq = 3")
        .unwrap();
    host.refuses("forged", &["db", "audit", "verify"], 1, &["row 3 was changed after it was written"]);
}

#[test]
fn retention_is_tried_set_run_and_removed() {
    let host = host();
    assert!(host.succeeds(&["retention", "list"]).contains("audit_log"));
    let said = host.run(&["retention", "set", "runs", "--keep", "soon"]);
    assert!(said.status == Some(2) && said.stderr.contains("such as 90d"), "{said:?}");
    host.succeeds(&["retention", "set", "runs", "--keep", "90d"]);
    let runs = |report: &Value| {
        let lines = report["policies"].as_array().unwrap();
        lines.iter().find(|line| line["subject"] == "runs").map(|line| line["rows"].as_u64().unwrap())
    };
    assert_eq!(runs(&host.json(&["retention", "run", "--json"])), Some(0), "nothing is so old");
    host.db().execute_batch("UPDATE runs SET started_at = 1, finished_at = 2 WHERE rowid = 1").unwrap();
    assert_eq!(runs(&host.json(&["retention", "run", "--dry-run", "--json"])), Some(1));
    assert_eq!(host.stored(), 2);
    let said = host.succeeds(&["retention", "run"]);
    assert!(said.contains("runs") && said.contains("content that nothing points at: 0"), "{said}");
    assert_eq!(host.stored(), 1);
    host.succeeds(&["retention", "remove", "runs"]);
    assert_eq!(runs(&host.json(&["retention", "run", "--json"])), None);
    host.refuses(
        "nothing",
        &["retention", "set", "everything", "--keep", "1d"],
        1,
        &["no subject \"everything\""],
    );
    assert!(host.run(&["doctor"]).stdout.contains("database       ok"));
}

#[test]
fn a_user_leaves_with_everything_and_nobody_else_loses_anything() {
    let host = host();
    host.succeeds(&["user", "rename", "ada", &format!("{WORD} l.")]);
    let name = format!("{WORD} l.");
    host.succeeds(&["todo", "add", &format!("ask {WORD}"), "--for", &name]);
    host.succeeds(&["--user", &name, "todo", "add", &format!("{WORD} wants it")]);
    host.succeeds(&["user", "export", &name, "--out", "export.json"]);
    let document: Value = serde_json::from_slice(&fs::read(host.path("export.json")).unwrap()).unwrap();
    assert_eq!(document["counts"]["runs"], 1);
    assert!(document["tables"]["runs"][0]["settings"].as_str().unwrap().contains(WORD));
    let to_stdout = host.json(&["user", "export", &name, "--out", "-"]);
    assert_eq!(to_stdout["counts"]["runs"], 1);

    let folder = host.database().parent().unwrap().to_owned();
    // Of an encrypted database nobody finds a word, before or after.
    assert_eq!(copies_in(&folder, WORD) > 0, !is_encrypted());
    host.refuses("unsure", &["user", "erase", &name], 2, &["for good"]);
    host.refuses("oneself", &["user", "erase", "local", "--yes"], 1, &["the local user cannot be erased"]);
    let report = host.json(&["user", "erase", &name, "--yes", "--json"]);
    assert_eq!((&report["counts"]["runs"], &report["counts"]["todos"]), (&1.into(), &1.into()));
    // What others wrote of them is theirs, and here that is one todo.
    assert_eq!(copies_in(&folder, WORD), usize::from(!is_encrypted()));
    assert_eq!(host.one::<String>("SELECT title FROM todos"), format!("ask {WORD}"));
    host.refuses("again", &["user", "erase", &name, "--yes"], 1, &["no user"]);
    let left = host.json(&["runs", "list", "--json"]);
    let [run] = &left.as_array().unwrap()[..] else { panic!("one run: {left}") };
    host.succeeds(&["runs", "show", run["id"].as_str().unwrap()]);
    host.succeeds(&["runs", "replay", "--last", "1"]);
    host.succeeds(&["db", "audit", "verify"]);
    assert_eq!(host.one::<String>("SELECT status FROM erasure_requests"), "completed");
}

#[test]
fn an_erasure_that_was_killed_goes_on() {
    let host = host();
    let ada = host.json(&["user", "show", "ada", "--json"])["id"].as_str().unwrap().to_owned();
    host.db()
        .execute_batch(&format!(
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 40000)
             INSERT INTO messages (id, user_id, kind, body, created_at)
             SELECT 'm' || n, '{ada}', 'text', '{WORD} ' || n, n FROM n"
        ))
        .unwrap();
    let mut child = host.start(&["user", "erase", "ada", "--yes"]);
    let begun = "SELECT count(*) FROM erasure_requests WHERE json_extract(counts, '$.messages') > 0";
    assert!(host.waits_until(begun, 1, &mut child), "it is still at work");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(host.one::<String>("SELECT status FROM erasure_requests"), "running");
    assert!(host.one::<i64>("SELECT count(*) FROM messages") > 0);
    host.refuses("gone", &["--user", "ada", "runs", "list"], 1, &["no active user"]);
    host.refuses("who", &["user", "erase", "eve", "--yes"], 1, &[&format!("user erase {ada} --yes")]);
    let report = host.json(&["user", "erase", "ada", "--yes", "--json"]);
    assert_eq!(report["counts"]["messages"], 40_000, "each row is counted once");
    assert_eq!(copies_in(host.database().parent().unwrap(), WORD), 0);
}

#[test]
fn what_is_to_do_is_listed_until_it_is_done() {
    let host = host();
    let id = host.json(&["todo", "add", "look at \u{1b}[2J", "--for", "ada", "--json"])["id"].clone();
    let text = host.succeeds(&["todo", "list"]);
    assert!(text.contains("ada") && !text.contains('\u{1b}'), "{text:?}");
    host.succeeds(&["todo", "done", id.as_str().unwrap()]);
    assert_eq!(host.json(&["todo", "list", "--json"]), serde_json::json!([]));
    assert_eq!(host.json(&["todo", "list", "--all", "--json"])[0]["status"], "done");
}
