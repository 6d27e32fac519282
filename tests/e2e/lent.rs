//! What plugins remember from one command to the next: theirs alone, unless the operator has them share it.

use serde_json::Value;

use crate::harness::{Host, LENT_PROBE, PROBE};

/// The probe by another name: another plugin, of somebody else.
const OTHER: &str = "guests/lost-probe";
const GRANTED: &str = "capabilities = [\"memory\", \"artifacts\"]";
const KEEP: &str =
    "keep fill red 1\nkeep fill red 0\nembed words 1,0 m\nsave policy first\npatterns fill 0 9\nload policy";
const LOOK: &str = "patterns fill 0 9\nrecall 1,0.1 m 5\nsearch 5 embed\nload policy";

fn host() -> Host {
    let host = Host::new();
    let bytes = std::fs::read(host.path(LENT_PROBE).join("component.wasm")).unwrap();
    let (name, renamed) = (b"lent-probe", b"lost-probe");
    let mut other = bytes.clone();
    for at in 0..bytes.len() - name.len() {
        if bytes[at..].starts_with(name) {
            other[at..at + name.len()].copy_from_slice(renamed);
        }
    }
    assert_ne!(bytes, other);
    host.write(&format!("{OTHER}/component.wasm"), other);
    let manifest = std::fs::read_to_string(host.path(LENT_PROBE).join("plugin.toml")).unwrap();
    let manifest: Vec<&str> = manifest.lines().filter(|line| !line.starts_with("blake3")).collect();
    host.write(&format!("{OTHER}/plugin.toml"), manifest.join("\n").replace("lent-probe", "lost-probe"));
    host.write_tasks(1);
    host
}

/// What the settings say: `more` on both probes' entries of the policy.
fn settings(host: &Host, top: &str, more: &str, calls: &str) {
    let entry = |name: &str| {
        format!("[policy.plugins.{name}]\n{GRANTED}\n{more}\n[settings.{name}]\ncalls = '''\n{calls}'''\n")
    };
    host.write("stratagem.toml", format!("{top}\n{}{}", entry("lent-probe"), entry("lost-probe")));
}

const NEWEST: &str = "SELECT id FROM runs ORDER BY id DESC LIMIT 1";

/// Solves the one task and returns the stored run.
fn solve(host: &Host, plugin: &str, flags: &[&str]) -> Value {
    host.json(&[&["solve", "./tasks", "--strategy", plugin, "--json", "-"], flags].concat());
    let id: String = host.one(NEWEST);
    host.json(&["runs", "show", &id, "--json"])
}

fn told(run: &Value) -> Vec<&str> {
    run["steps"].as_array().unwrap().iter().map(|step| step["detail"].as_str().unwrap()).collect()
}

/// Of the very task that the run is on it is not told how earlier runs were scored.
const FOUND: [&str; 4] = [
    "red 0.500 2",
    "t00 of lent-probe 0.995 None: keep,keep,embed,save,patterns,load",
    "t00 of lent-probe 1.000 None: keep,keep,embed,save,patterns,load",
    "5 bytes: first",
];
const NOTHING: [&str; 4] = ["", "", "", "nothing"];

#[test]
fn what_a_plugin_keeps_it_finds_next_time_and_another_plugin_does_not() {
    let host = host();
    settings(&host, "", "", KEEP);
    let kept = solve(&host, LENT_PROBE, &[]);
    assert_eq!(told(&kept)[2..], ["kept", "saved", "red 0.500 2", "5 bytes: first"]);
    settings(&host, "", "", LOOK);
    assert_eq!(told(&solve(&host, LENT_PROBE, &[])), FOUND);
    assert_eq!(told(&solve(&host, OTHER, &[])), NOTHING);
    host.write_tasks(2);
    host.succeeds(&["solve", "./tasks/t01.json", "--strategy", LENT_PROBE]);
    let on_another = host.json(&["runs", "show", &host.one::<String>(NEWEST), "--json"]);
    assert_eq!(told(&on_another)[1], FOUND[1].replace("None", "Some(1.0)"));
    std::fs::remove_file(host.path("tasks/t01.json")).unwrap();
    // The operator has them share: both begin anew in the place that they share.
    settings(&host, "", "domain = \"both\"", KEEP);
    solve(&host, LENT_PROBE, &[]);
    settings(&host, "", "domain = \"both\"", LOOK);
    let shared = FOUND.map(|line| line.replace("of lent-probe", "of both"));
    assert_eq!(told(&solve(&host, OTHER, &[])), shared);
    // What it did and cost is in its rows.
    let usage = &kept["usage"];
    assert_eq!((&usage["calls"]["memory"], &usage["calls"]["artifacts"]), (&4.into(), &2.into()));
    assert_eq!(usage["artifact_bytes"], 5);
    assert!(usage["lent_bytes"].as_u64().unwrap() > 300, "{usage}");
    assert_eq!(host.one::<i64>("SELECT exchanges FROM run_journals ORDER BY run_id LIMIT 1"), 6);
    assert_eq!(host.one::<i64>("SELECT count(*) FROM episode_patterns WHERE role = 'extracted'"), 2);
}

/// Anybody may call a plugin anything: without somebody who vouches for the name, memory is the component's.
#[test]
fn an_impostor_by_name_reaches_nothing_of_the_one_that_it_imitates() {
    let host = host();
    let by_trust = |calls: &str| {
        let setting = format!("[settings.lent-probe]\ncalls = '''\n{calls}'''\n");
        host.write("stratagem.toml", format!("[policy.trust.untrusted]\n{GRANTED}\n{setting}"));
    };
    by_trust(KEEP);
    solve(&host, LENT_PROBE, &[]);
    by_trust(LOOK);
    assert!(told(&solve(&host, LENT_PROBE, &[]))[3].contains("first"));
    // Another component under the same name: one more custom section is enough.
    let mut bytes = std::fs::read(host.path(LENT_PROBE).join("component.wasm")).unwrap();
    bytes.extend([0, 4, 1, b'x', 1, 2]);
    host.write("guests/imposed/component.wasm", bytes);
    let manifest = std::fs::read_to_string(host.path(LENT_PROBE).join("plugin.toml")).unwrap();
    let manifest: Vec<&str> = manifest.lines().filter(|line| !line.starts_with("blake3")).collect();
    host.write("guests/imposed/plugin.toml", manifest.join("\n"));
    assert_eq!(told(&solve(&host, "guests/imposed", &[])), NOTHING);
}

#[test]
fn a_replay_is_told_what_the_run_was_told_whatever_became_of_the_memory_since() {
    let host = host();
    for calls in [KEEP, LOOK] {
        settings(&host, "", "", calls);
        solve(&host, LENT_PROBE, &[]);
    }
    let long = format!("{LOOK}\nkeep fill blue 1\nsave policy second\nsave large @40000\nload large");
    settings(&host, "", "", &long);
    for _ in 0..3 {
        solve(&host, LENT_PROBE, &[]);
    }
    let before = host.kept();
    for flags in [&["--jobs", "2"][..], &["--isolate"]] {
        let args = [&["runs", "replay", "--last", "5", "--json"], flags].concat();
        let verdicts = host.json(&args);
        let same = verdicts.as_array().unwrap().iter().filter(|row| row["verdict"] == "same").count();
        assert_eq!(same, 5, "{flags:?}: {verdicts:#}");
    }
    assert!(before == host.kept(), "a replay writes nothing");
    // A journal that says otherwise is found out, at the call that differs.
    host.db().execute("UPDATE runs SET settings = json_set(settings, '$.calls', 'load other')", []).unwrap();
    let said = host.run(&["runs", "replay", "--last", "1"]);
    let words = "call 1: then `memory.patterns` \"fill\", now `artifacts.load` \"other\"";
    assert!(said.stdout.contains(words), "{}", said.stdout);
}

#[test]
fn a_run_that_is_killed_leaves_nothing_and_one_that_fails_leaves_what_it_kept() {
    let host = host();
    settings(&host, "", "", "keep fill red 1\nsave policy first\nburn");
    let mut child = host.start(&["solve", "./tasks", "--strategy", LENT_PROBE]);
    assert!(
        host.waits_until("SELECT count(*) FROM plugin_versions", 1, &mut child),
        "its plugin is kept first"
    );
    std::thread::sleep(std::time::Duration::from_secs(1));
    assert!(child.try_wait().unwrap().is_none(), "it burns");
    child.kill().unwrap();
    child.wait().unwrap();
    for table in ["runs", "patterns", "learned_artifacts", "run_journals"] {
        assert_eq!(host.one::<i64>(&format!("SELECT count(*) FROM {table}")), 0, "{table}");
    }
    for (last, outcome) in [("trap", "trap"), ("burn", "out_of_fuel")] {
        settings(&host, "[limits]\nfuel = 50_000_000", "", &format!("keep fill {last} 1\n{last}"));
        assert_eq!(solve(&host, LENT_PROBE, &[])["outcome"], outcome);
    }
    assert_eq!(host.one::<i64>("SELECT count(*) FROM patterns"), 2);
}

#[test]
fn isolated_or_not_the_same_is_kept_and_found() {
    let host = host();
    settings(&host, "", "", KEEP);
    let here = solve(&host, LENT_PROBE, &[]);
    settings(&host, "", "domain = \"apart\"", KEEP);
    let there = solve(&host, LENT_PROBE, &["--isolate"]);
    assert_eq!(there["usage"]["fuel_spent"], here["usage"]["fuel_spent"]);
    // Only ids follow from the domain.
    let text = |run: &Value| run["steps"].as_array().unwrap()[2..].to_vec();
    assert_eq!(text(&there), text(&here));
    settings(&host, "", "domain = \"apart\"", LOOK);
    let found = FOUND.map(|line| line.replace("of lent-probe", "of apart"));
    assert_eq!(told(&solve(&host, LENT_PROBE, &["--isolate"])), found);
}

#[test]
fn limits_quotas_and_hostile_arguments_refuse_and_the_run_goes_on() {
    let host = host();
    let calls = "keep a 1 1\nkeep a 2 1\nkeep a 3 1\nsave a @600000\nsave b @600000\nsearch 9 \" OR ( *\nload ../../etc/passwd\n\
                 patterns x'; 0 5\nrecall nan,1 m 5\nload @201";
    let top = "[memory]\npatterns = 2\nartifact_mb = 1\n[limits]\nlifted_bytes_call = 1_000_000";
    settings(&host, top, "", calls);
    let run = solve(&host, LENT_PROBE, &[]);
    let told = told(&run);
    let expected = [
        "exhausted: patterns 3: the quota is 2",
        "saved",
        "exhausted: bytes of artifacts 1,200,000: the quota is 1,048,576",
        "",
        "nothing",
        "",
    ];
    assert_eq!(told[2..8], expected);
    assert!(told[8].starts_with("invalid: vector") && told[9].contains("name of 201 characters"), "{told:?}");
    assert_eq!(run["outcome"], "solved");
    settings(&host, "[limits]\nmemory_calls = 50", "", "flood 100000 search 1 a");
    let flood = solve(&host, LENT_PROBE, &[]);
    assert_eq!(
        flood["ending"]["trapped"]["reason"],
        "too many host calls of this kind: limit `memory_calls` is 50"
    );
    settings(&host, "", "", LOOK);
    let none = host.json(&["solve", "./tasks", "--strategy", LENT_PROBE, "--no-store", "--json", "-"]);
    assert_eq!(
        none["summary"]["solved_at_1"], 1,
        "without a database nothing is remembered, and the run goes on"
    );
    settings(&host, "[memory]\npattern = 2", "", "");
    host.refuses("a wrong key", &["solve", "./tasks", "--strategy", PROBE], 2, &["unknown field `pattern`"]);
}

#[test]
fn memories_are_written_found_listed_and_forgotten() {
    let host = Host::with_a_run();
    let add = |text: &str, flags: &[&str]| {
        let id = host.json(&[&["memory", "add", text, "--json"], flags].concat());
        id["id"].as_str().unwrap().to_owned()
    };
    let turn = add("turning helps with spirals", &["--tag", "spiral", "--importance", "9"]);
    add("filling is never enough", &["--context", "mirror tasks"]);
    let found = host.json(&["memory", "search", "turns OR mirror", "--json"]);
    assert_eq!(found.as_array().unwrap().len(), 2, "{found}");
    let listed = host.succeeds(&["memory", "list", "--importance", "6"]);
    assert!(listed.contains("turning helps") && !listed.contains("filling"), "{listed}");
    assert_eq!(host.json(&["memory", "list", "--tag", "spiral", "--json"])[0]["id"], turn.as_str());
    host.refuses("importance", &["memory", "add", "a", "--importance", "11"], 1, &["importance 11: 1 to 10"]);
    host.refuses("no memory", &["memory", "forget", "ffff"], 1, &["no memory \"ffff\""]);
    assert!(host.succeeds(&["memory", "forget", &turn]).contains(&turn));
    assert_eq!(host.json(&["memory", "list", "--json"]).as_array().unwrap().len(), 1);
    let episodes = host.json(&["memory", "episodes", "ac*", "--json"]);
    assert_eq!(episodes[0]["task_id"], "before", "{episodes}");
    host.refuses("rate", &["memory", "patterns", "d", "k", "--min-rate", "2"], 2, &["--min-rate 2"]);
}
