use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use crate::harness::{Host, PROBE, identity, told};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn the_page_of_the_schema_is_what_the_program_prints() {
    let host = Host::empty();
    let page = fs::read_to_string(root().join("docs/schema.md")).unwrap();
    let printed = host.succeeds(&["db", "schema", "--markdown"]);
    let line = page.lines().zip(printed.lines()).find(|(page, printed)| page != printed);
    assert_eq!(line, None, "write it anew: `stratagem db schema --markdown > docs/schema.md`");
    assert_eq!(page, printed);
    assert!(!host.database().exists(), "to describe the schema needs no database");
}

#[derive(Deserialize)]
struct Coverage {
    /// Tests that other work has still to bring.
    awaited: BTreeSet<String>,
    document: Vec<Document>,
}

#[derive(Deserialize)]
struct Document {
    name: String,
    rows: Vec<(String, String, String, Vec<String>)>,
}

/// The names of all tests in the sources.
fn tests() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![root().join("host"), root().join("tests")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.extend(Some(path).filter(|path| !path.ends_with("target")));
            } else if path.extension().is_some_and(|end| end == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let after = text.split("#[test]").skip(1).filter_map(|rest| rest.split_once("fn "));
                found.extend(after.filter_map(|(_, rest)| Some(rest.split_once('(')?.0.to_owned())));
            }
        }
    }
    found
}

/// What the schema has by name: tables, views, searches, their columns, indexes and triggers.
fn places(host: &Host) -> BTreeSet<String> {
    let relations = host.json(&["db", "schema", "--json"]);
    let mut places = BTreeSet::new();
    for relation in relations.as_array().unwrap() {
        let table = relation["name"].as_str().unwrap();
        places.insert(table.to_owned());
        let columns = relation["columns"].as_array().unwrap().iter();
        places.extend(columns.map(|column| format!("{table}.{}", column["name"].as_str().unwrap())));
        for list in ["indexes", "triggers"] {
            let named = relation[list].as_array().unwrap().iter().filter_map(Value::as_str);
            places.extend(named.filter_map(|text| text.split('`').nth(1)).map(str::to_owned));
        }
    }
    places
}

#[test]
fn the_coverage_of_the_documents_names_only_what_there_is() {
    let text = fs::read_to_string(root().join("migrations/documents.toml")).unwrap();
    let coverage: Coverage = toml::from_str(&text).unwrap();
    let (tests, places) = (tests(), places(&Host::empty()));
    assert!(tests.len() > 200 && places.len() > 1_000);
    let (mut rows, mut missing) = (0, BTreeSet::new());
    for Document { name, rows: of_document } in &coverage.document {
        for (what, there, here, shown) in of_document {
            rows += 1;
            assert!(!shown.is_empty(), "{name}: {what} {there}: no test shows it");
            for test in shown.iter().filter(|test| !tests.contains(*test)) {
                assert!(coverage.awaited.contains(test), "{name}: {what} {there}: there is no test {test}");
                missing.insert(test);
            }
            for place in here.split('`').skip(1).step_by(2) {
                let is_name =
                    |it: &str| it.chars().all(|it| it.is_ascii_lowercase() || "_.0123456789".contains(it));
                assert!(
                    !is_name(place) || places.contains(place),
                    "{name}: {what} {there}: there is no {place}"
                );
            }
        }
    }
    assert!(rows > 150, "{rows}");
    let names: BTreeSet<&str> = coverage.document.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, BTreeSet::from(["000", "001", "002", "003", "004"]));
    if !missing.is_empty() {
        told(&format!("awaited by migrations/documents.toml: {} tests: {missing:?}", missing.len()));
    }
    let idle: Vec<_> = coverage.awaited.iter().filter(|test| !missing.contains(test)).collect();
    if !idle.is_empty() {
        told(&format!("migrations/documents.toml awaits what is there: {idle:?}"));
    }
}

#[test]
fn the_way_back_says_what_it_takes_and_needs_a_yes() {
    let host = Host::with_a_run();
    let applied = |host: &Host| {
        let status = host.json(&["db", "status", "--json"]);
        let list = status.as_array().unwrap();
        (list.iter().filter(|it| !it["applied_at"].is_null()).count(), list.len())
    };
    assert_eq!(applied(&host), (11, 11));
    assert!(host.succeeds(&["db", "migrate"]).starts_with("nothing is pending"));
    let before = host.kept();
    let said = host.run(&["db", "rollback", "--to", "4"]);
    assert_eq!(said.status, Some(2), "{said:?}");
    for word in ["would take back 0010_views", "would be lost", "audit_log", "task_submissions.strategy_used"]
    {
        assert!(said.stdout.contains(word), "{said:?}");
    }
    assert!(said.stderr.contains("nothing was changed") && said.stderr.contains("hint: "), "{said:?}");
    assert!(before == host.kept());
    let done = host.json(&["db", "rollback", "--to", "4", "--yes", "--json"]);
    assert_eq!((&done["from"], &done["to"], &done["is_done"]), (&11.into(), &4.into(), &true.into()));
    assert!(done["tables"]["audit_log"].as_u64().unwrap() > 0);
    let text = host.succeeds(&["db", "status"]);
    assert_eq!((applied(&host), text.matches("pending").count()), ((4, 11), 7));
    let done = host.json(&["db", "migrate", "--to", "6", "--json"]);
    assert_eq!(done["applied"], serde_json::json!(["0005_experiments", "0006_memory"]));
    // Every other command brings the rest up by itself, and the run is still there.
    assert_eq!(host.json(&["runs", "list", "--json"]).as_array().unwrap().len(), 1);
    assert_eq!(applied(&host), (11, 11));
}

#[test]
fn a_schema_that_cannot_be_changed_so_says_why() {
    let host = Host::with_a_run();
    host.refuses("below the first", &["db", "rollback", "--to", "0", "--yes"], 1, &["1 to 10", "db status"]);
    host.refuses("not known", &["db", "migrate", "--to", "99"], 1, &["99 is not known", "1 to 11"]);
    host.refuses("no table", &["db", "schema", "nothing"], 2, &["no table or view \"nothing\""]);
    host.db().execute_batch("PRAGMA foreign_keys = OFF; DELETE FROM plugins").unwrap();
    let words = ["is not sound before going back", "plugins that is not there", "db repair"];
    host.refuses("sick", &["db", "rollback", "--to", "9", "--yes"], 1, &words);
    Host::empty().refuses("no database", &["db", "status"], 1, &["there is no database"]);
}

#[test]
fn a_table_is_described_with_meanings_and_units() {
    let host = Host::empty();
    let text = host.succeeds(&["db", "schema", "outcomes"]);
    assert!(text.contains("ms since 1970") && text.contains("= `coalesce(evaluation_id, run_id)`"), "{text}");
    assert!(host.succeeds(&["db", "schema"]).lines().count() > 80);
    let all = host.json(&["db", "schema", "--json"]);
    let columns = all.as_array().unwrap().iter().flat_map(|relation| relation["columns"].as_array().unwrap());
    assert!(columns.clone().count() > 900);
    assert!(columns.clone().all(|column| !column["meaning"].as_str().unwrap().is_empty()));
    assert!(columns.filter(|column| column["unit"] == "ms since 1970").count() > 100);
}

#[test]
fn advice_is_made_listed_and_decided() {
    let host = Host::new();
    host.write_tasks(6);
    host.probe_does("", "act = \"burn\"");
    host.succeeds(&["solve", "tasks", "--strategy", PROBE, "--fuel", "1000000"]);
    let analysis = host.json(&["advise", "run", "--json"]);
    assert_eq!(
        (&analysis["outcomes_seen"], analysis["recommendations"].as_array().unwrap().len()),
        (&6.into(), 1)
    );
    assert!(host.succeeds(&["advise", "run", "--days", "1"]).contains("0 new recommendations"));
    let listed = host.json(&["advise", "list", "--json"]);
    let id = listed[0]["id"].as_str().unwrap();
    assert!(
        host.succeeds(&["advise", "list"]).contains("6 of 6 runs of strategy \"probe\" ended as out_of_fuel")
    );
    let decided = host.json(&["advise", "apply", id, "--feedback", "5", "--json"]);
    assert_eq!((&decided["status"], &decided["feedback"]), (&"applied".into(), &5.into()));
    host.refuses("twice", &["advise", "dismiss", id], 1, &["is applied already"]);
    assert!(host.succeeds(&["advise", "list"]).contains("nothing is advised"));
    assert_eq!(host.json(&["advise", "list", "--all", "--json"]).as_array().unwrap().len(), 1);
}

#[test]
fn what_solve_wrote_is_found_by_queries_of_the_documents() {
    let host = Host::new();
    host.write("good.json", identity(7));
    host.write("bad.json", identity(8));
    host.succeeds(&["solve", "good.json", "--strategy", PROBE]);
    host.probe_does("", "act = \"burn\"");
    host.succeeds(&["solve", "bad.json", "--strategy", PROBE, "--fuel", "1000000"]);
    let runs: i64 = host.one("SELECT count(*) FROM runs");
    assert_eq!(runs, 2);
    // Nobody vouches for the name, so its domain carries what it is to the byte.
    let domain: String = host.one("SELECT DISTINCT domain FROM episodes");
    assert!(domain.starts_with("probe@"), "{domain}");
    let by_domain = format!("SELECT count(*) FROM episodes WHERE domain = '{domain}' AND created_at > 5");
    for (sql, count) in [
        (by_domain.as_str(), 2),
        ("SELECT count(*) FROM episodes_fts WHERE episodes_fts MATCH 'good OR bad'", 2),
        ("SELECT count(*) FROM strategy_metrics m JOIN scenarios s ON s.scenario_id = m.task_id", 2),
        ("SELECT total_executions FROM v_dashboard_performance_trends", 2),
        ("SELECT error_count FROM v_dashboard_performance_trends", 1),
        ("SELECT count(*) FROM strategy_metrics WHERE error_type = 'out_of_fuel'", 1),
        ("SELECT sum(total_outcomes) FROM simulation_performance_hourly", 2),
        ("SELECT sum(executions) FROM v_llm_scenario_trends", 2),
        ("SELECT count(*) FROM arc_task_examples WHERE json_array_length(train_examples) = 1", 2),
        ("SELECT count(*) FROM tool_usage WHERE call_count > 0 AND success_rate <= 1", 0),
    ] {
        let found: i64 = host.one(sql);
        assert!(found == count || count == 0 && found > 0, "{sql}: {found}");
    }
}
