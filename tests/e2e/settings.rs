use std::process::Command;

use serde_json::Value;

use crate::harness::{Host, PROBE, Said, identity, skipped};

fn json_of(said: &Said) -> Value {
    serde_json::from_str(&said.stdout).unwrap_or_else(|error| panic!("{error}: {said:?}"))
}

#[test]
fn settings_are_found_here_then_in_the_platforms_folder_and_flags_win() {
    let host = Host::new();
    host.write("before.json", identity(1));
    let solve = |flags: &[&str]| {
        let args = [&["solve", "before.json", "--strategy", PROBE], flags].concat();
        Said::of(host.bare(&args).output().unwrap()).succeeded(&args);
    };
    host.write("config/stratagem/stratagem.toml", "data_dir = \"platform\"");
    solve(&[]);
    assert!(host.path("config/stratagem/platform/stratagem.db").exists(), "beside the file that names it");
    host.write("stratagem.toml", "data_dir = \"here\"");
    solve(&[]);
    assert!(host.path("here/stratagem.db").exists());
    host.write("named.toml", "data_dir = \"named\"\ndatabase = \"elsewhere.db\"\ncache = \"code\"");
    solve(&["--config", "named.toml"]);
    assert!(host.path("elsewhere.db").exists() && host.path("code").exists());
    assert!(!host.path("named").exists());
    solve(&["--config", "named.toml", "--data-dir", "flag"]);
    assert!(host.path("flag/stratagem.db").exists() && host.path("flag/compiled").exists());
}

#[test]
fn the_file_names_strategies_seed_and_folders_of_plugins_and_flags_win() {
    let host = Host::new();
    host.write_tasks(1);
    host.write("stratagem.toml", "plugins = [\"guests\"]\nstrategies = [\"probe\"]\nseed = 5\njobs = 1");
    let report = host.json(&["solve", "tasks", "--json", "-"]);
    assert_eq!(report["tasks"][0]["strategy"], "probe");
    assert_eq!(host.one::<i64>("SELECT seed FROM runs"), 5);
    host.succeeds(&["solve", "tasks", "--strategy", "probe", "--seed", "6"]);
    assert_eq!(host.one::<i64>("SELECT count(*) FROM runs WHERE seed = 6"), 1);
}

#[test]
fn limits_come_from_the_file_and_flags_win_over_it() {
    let host = Host::new();
    host.write_tasks(1);
    host.probe_does("[limits]\nfuel = 2_000_000", "act = \"burn\"");
    for (flags, fuel) in [(&[][..], 2_000_000), (&["--fuel", "3000000"], 3_000_000)] {
        let args = [&["solve", "tasks", "--strategy", PROBE, "--json", "-"], flags].concat();
        let row = &host.json(&args)["tasks"][0];
        assert_eq!((&row["outcome"], &row["fuel_spent"]), (&"out_of_fuel".into(), &fuel.into()));
    }
}

#[test]
fn colour_is_for_terminals_unless_asked_for_or_forbidden() {
    let host = Host::new();
    host.write("before.json", identity(1));
    let args = ["solve", "before.json", "--strategy", PROBE, "--no-store"];
    let piped = |more: &[&str]| Said::of(host.bare(&[&args, more].concat()).output().unwrap()).stdout;
    assert!(!piped(&[]).contains('\u{1b}'), "a pipe is no terminal");
    assert!(piped(&["--color", "always"]).contains("\u{1b}["));
    let line = format!("{} {}", env!("CARGO_BIN_EXE_stratagem"), args.join(" "));
    // `script` gives the program a terminal.
    let on_terminal = |no_color: Option<&str>| {
        let mut script = Command::new("script");
        script.args(["-qec", &line, "/dev/null"]).current_dir(host.path("")).env("TERM", "xterm");
        script.env("HOME", host.path("")).env_remove("NO_COLOR");
        script.envs(no_color.map(|value| ("NO_COLOR", value)));
        let output = script.output().ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    // Cells are painted as backgrounds in colour and as digits without.
    let is_coloured = |text: &str| text.contains("\u{1b}[32msolved");
    match (on_terminal(None), on_terminal(Some("1")), on_terminal(Some(""))) {
        (Some(usual), Some(forbidden), Some(empty)) => {
            assert!(is_coloured(&usual), "{usual:?}");
            assert!(!is_coloured(&forbidden) && forbidden.contains("solved"), "{forbidden:?}");
            assert!(is_coloured(&empty), "an empty NO_COLOR forbids nothing");
        }
        _ => skipped("`script` gives no terminal here"),
    }
}

#[test]
fn the_help_lists_every_command_and_needs_no_settings() {
    let host = Host::new();
    host.write("stratagem.toml", "broken = ");
    let help = |args: &[&str]| Said::of(host.bare(args).output().unwrap()).succeeded(args);
    let cases: [(&[&str], &[&str]); 10] = [
        (&["--help"], &["tasks", "solve", "plugin", "runs", "doctor", "--data-dir", "--config", "--color"]),
        (&["tasks", "--help"], &["import", "list", "show"]),
        (
            &["solve", "--help"],
            &["--strategy", "--seed", "--fuel", "--resume", "--submission", "--no-store", "--isolate"],
        ),
        (&["plugin", "--help"], &["list", "inspect", "build", "add", "keygen", "sign", "verify"]),
        (&["runs", "--help"], &["list", "show", "replay"]),
        (&["runs", "replay", "--help"], &["--last", "--jobs", "--json"]),
        (
            &["document", "--help"],
            &["put", "show", "list", "history", "diff", "propose", "approve", "activate", "rollback"],
        ),
        (&["experiment", "--help"], &["new", "run", "show", "list", "compare", "cancel", "note"]),
        (&["doctor", "--help"], &["--json"]),
        (&["--version"], &["stratagem 0."]),
    ];
    for (args, words) in cases {
        let text = help(args);
        for word in words {
            assert!(text.contains(word), "{args:?}: {word}: {text}");
        }
    }
    let nothing = Said::of(host.bare(&[]).output().unwrap());
    assert_eq!(nothing.status, Some(2));
    assert!(nothing.stderr.contains("Usage: stratagem"), "{}", nothing.stderr);
}

#[test]
fn the_doctor_is_content_with_an_empty_place_and_says_what_is_missing() {
    let host = Host::new();
    let said = host.run(&["doctor", "--json"]);
    assert_eq!(said.status, Some(0), "{said:?}");
    let checks = json_of(&said);
    let state = |name: &str| {
        let checks = checks.as_array().unwrap();
        checks.iter().find(|check| check["name"] == name).unwrap()["state"].as_str().unwrap().to_owned()
    };
    assert_eq!(state("program"), "ok");
    assert_eq!(state("sandbox"), "ok");
    assert_eq!(state("database"), "missing");
    assert!(
        checks
            .as_array()
            .unwrap()
            .iter()
            .all(|check| (check["state"] == "missing") == check["hint"].is_string())
    );
    assert!(!host.database().exists());
    host.write_tasks(1);
    host.succeeds(&["solve", "tasks", "--strategy", PROBE]);
    let text = host.succeeds(&["doctor"]);
    assert!(text.contains("schema 11") && text.contains("tasks@"), "{text}");
}

#[test]
fn the_doctor_finds_what_is_broken() {
    let host = Host::new();
    host.write("data/stratagem.db", "this is text, long enough to be a header of something else entirely");
    let said = host.run(&["doctor", "--json"]);
    assert_eq!(said.status, Some(1));
    let checks = json_of(&said);
    let broken = checks.as_array().unwrap().iter().find(|check| check["state"] == "broken").unwrap();
    assert_eq!(broken["name"], "database");
    assert!(said.stderr.contains("1 of"), "{}", said.stderr);
}

#[test]
fn plugins_are_listed_and_inspected_as_json_too() {
    let host = Host::new();
    host.write("stratagem.toml", "plugins = [\"guests\"]");
    let list = host.json(&["plugin", "list", "--json"]);
    let line =
        |name: &str| list.as_array().unwrap().iter().find(|line| line["name"] == name).cloned().unwrap();
    assert_eq!(line("probe")["version"], "0.1.0");
    assert_eq!(line("greedy")["kind"], "fixture");
    let probe = host.json(&["plugin", "inspect", "probe", "--json"]);
    assert_eq!(probe["digest"], line("probe")["digest"]);
    assert_eq!(probe["refused"], Value::Null);
    assert_eq!(probe["surface"]["exports"][0]["name"], "stratagem:strategy/strategy@0.2.0");
    let greedy = host.run(&["plugin", "inspect", "greedy", "--json"]);
    assert_eq!(greedy.status, Some(1));
    assert!(json_of(&greedy)["refused"].as_str().unwrap().contains("artifacts"));
    host.write("guests/broken/plugin.toml", "name = 1");
    let list = host.run(&["plugin", "list", "--json"]);
    assert_eq!(list.status, Some(0));
    let text = list.stdout;
    assert!(text.contains("broken/plugin.toml: line 1"), "{text}");
}

#[test]
fn a_strategy_named_by_path_is_relative_to_the_file_that_names_it() {
    let host = Host::new();
    host.write_tasks(1);
    host.write("sub/place/stratagem.toml", "strategies = [\"../../guests/probe\"]");
    let report = host.json(&["--config", "sub/place/stratagem.toml", "solve", "./tasks", "--json", "-"]);
    assert_eq!(report["tasks"][0]["strategy"], "probe");
}

#[test]
fn a_bound_that_no_memory_can_reach_and_a_limit_of_nothing_are_refused() {
    let host = Host::with_a_run();
    host.write_tasks(1);
    let solve = ["solve", "./tasks", "--strategy", PROBE];
    host.write("stratagem.toml", "[bounds]\nmemory_mb = 8192");
    host.refuses("bound", &solve, 2, &["stratagem.toml", "bound `memory_mb` is 8,192: 1 to 4,096"]);
    host.write("stratagem.toml", "[limits]\nmemory_mb = 0");
    host.refuses("limit", &solve, 2, &["limit `memory_mb` is 0"]);
    host.write("stratagem.toml", "");
    host.refuses("jobs", &[&solve[..], &["--jobs", "100000"]].concat(), 2, &["100000 jobs: 1 to 256"]);
}

/// `plugin inspect` is what one runs on a plugin before trusting it.
#[test]
fn what_a_manifest_says_cannot_steer_the_terminal() {
    let host = Host::new();
    let manifest = std::fs::read_to_string(host.path("guests/probe/plugin.toml")).unwrap();
    let component = std::fs::read(host.path("guests/probe/component.wasm")).unwrap();
    let lines = manifest
        .lines()
        .map(|line| if line.starts_with("summary") { r#"summary = "\u001b[2Jgone""# } else { line });
    host.write("sly/plugin.toml", lines.collect::<Vec<_>>().join("\n"));
    host.write("sly/component.wasm", component);
    let text = host.succeeds(&["plugin", "inspect", "./sly"]);
    assert!(text.contains("\\u{1b}[2Jgone") && !text.contains('\u{1b}'), "{text:?}");
    host.write("odd/plugin.toml", "\"\\u001b[2J\" = 1\nname = \"a\"\nversion = \"1.0.0\"\nkind = \"b\"");
    let said = host.run(&["plugin", "inspect", "./odd"]);
    assert!(said.stderr.contains("\\u{1b}[2J") && !said.stderr.contains('\u{1b}'), "{said:?}");
}
