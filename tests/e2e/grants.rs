//! What a plugin is granted beyond `run`: nothing that it did not ask for, nothing that the policy does not allow,
//! and nothing that makes a run another one when it is run again.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{Host, Said, WASI_PROBE, component};

/// Everything that the probe asks for, and a folder of the operator's.
const POLICY: &str = r#"
[policy.plugins.wasi-probe]
capabilities = ["stdio", "clock", "random", "files", "process"]
folders = { "/data" = "shared" }
"#;

const RESOURCES: &str = r#"(import "wasi:io/streams@0.2.0" (instance $io (export "input-stream" (type (sub resource)))))
  (alias export $io "input-stream" (type $stream))"#;

/// One import of each group, as a component of another release of WASI would write it.
fn imports() -> [(&'static str, String); 5] {
    let function = |interface: &str, function: &str| {
        format!(r#"(import "wasi:{interface}@0.2.3" (instance (export {function})))"#)
    };
    let stdin = r#"(import "wasi:cli/stdin@0.2.0" (instance (alias outer 1 $stream (type $outer))
        (export "input-stream" (type $t (eq $outer))) (export "get-stdin" (func (result (own $t))))))"#;
    let types = r#"(import "wasi:filesystem/types@0.2.0" (instance (export "descriptor" (type $t (sub resource)))
        (export "[method]descriptor.is-same-object"
            (func (param "self" (borrow $t)) (param "other" (borrow $t)) (result bool)))))"#;
    [
        ("stdio", format!("{RESOURCES} {stdin}")),
        ("clock", function("clocks/monotonic-clock", r#""now" (func (result u64))"#)),
        ("random", function("random/random", r#""get-random-u64" (func (result u64))"#)),
        ("files", types.to_owned()),
        ("process", function("cli/environment", r#""get-arguments" (func (result (list string)))"#)),
    ]
}

fn importing(imports: &str) -> Vec<u8> {
    component(&include_str!("calm.wat").replacen("(component", &format!("(component {imports}"), 1))
}

fn manifest(asked: &str) -> String {
    format!("name = \"calm\"\nversion = \"0.1.0\"\nkind = \"fixture\"\ncapabilities = [{asked}]\n")
}

/// A host with one task, and a folder with a file, a folder, links and a pipe.
fn host() -> Host {
    let host = Host::new();
    host.write_tasks(1);
    host.write("secret.txt", "not for plugins");
    host.write("shared/priors.txt", "these are priors");
    host.write("shared/inner/leaf.txt", "leaf");
    for (target, link) in [
        ("inner/leaf.txt", "inside"),
        ("../secret.txt", "outside"),
        ("/etc/passwd", "absolute"),
        ("inner/../../secret.txt", "roundabout"),
    ] {
        symlink(target, host.path("shared").join(link)).unwrap();
    }
    assert!(Command::new("mkfifo").arg(host.path("shared/pipe")).status().unwrap().success());
    host
}

/// Runs the probe under `policy` and returns the run as it was stored.
fn run(host: &Host, policy: &str, settings: &str, flags: &[&str]) -> Value {
    host.write("stratagem.toml", format!("{policy}\n[settings.wasi-probe]\n{settings}\n"));
    let report = host.json(&[&["solve", "tasks", "--strategy", WASI_PROBE, "--json", "-"], flags].concat());
    let id = report["tasks"][0]["runs"][0].as_str().unwrap().to_owned();
    host.json(&["runs", "show", &id, "--json"])
}

/// What the probe told in a step.
fn told<'a>(run: &'a Value, action: &str) -> &'a str {
    let steps = run["steps"].as_array().unwrap();
    let step = steps.iter().find(|step| step["action"] == action);
    step.unwrap_or_else(|| panic!("no step {action}: {run}"))["detail"].as_str().unwrap()
}

fn ending(run: &Value) -> String {
    run["ending"].to_string()
}

/// Holds a plugin that is handed in to its refusal; it leaves a row, with its cause.
fn refuses(host: &Host, case: &str, solve: &[&str], words: &[&str]) {
    host.run(solve).refused(case, 1, words);
}

#[test]
fn each_group_must_be_asked_for_and_granted() {
    let host = host();
    for (name, imports) in imports() {
        host.write("calm/component.wasm", importing(&imports));
        let solve = ["solve", "tasks", "--strategy", "./calm"];
        host.write("stratagem.toml", format!("[policy.plugins.calm]\ncapabilities = [\"{name}\"]\n"));
        host.write("calm/plugin.toml", manifest(""));
        let words = format!("imports `{name}`, which plugin.toml does not ask for");
        let hint = format!("hint: add \"{name}\" to `capabilities` in plugin.toml");
        refuses(&host, name, &solve, &["plugin \"calm\"", &words, &hint]);
        host.write("calm/plugin.toml", manifest(&format!("\"{name}\"")));
        host.succeeds(&solve);
        for (policy, rule) in [
            ("", "[policy.trust.untrusted]"),
            ("[policy.plugins.calm]\ncapabilities = []", "[policy.plugins.calm]"),
            ("[policy.plugins.other]\ncapabilities = [\"clock\"]", "[policy.trust.untrusted]"),
        ] {
            host.write("stratagem.toml", policy);
            let words = format!("imports `{name}`, which {rule} does not grant");
            let hint = format!("add \"{name}\" to `capabilities` under [policy.plugins.calm]");
            refuses(&host, name, &solve, &["plugin \"calm\"", &words, &hint]);
        }
        host.write("stratagem.toml", format!("[policy.trust.untrusted]\ncapabilities = [\"{name}\"]"));
        host.succeeds(&solve);
    }
}

#[test]
fn sockets_are_nobodys_and_what_has_no_backend_is_not_granted() {
    let host = host();
    let all = r#""memory", "artifacts", "ttt", "llm", "stdio", "clock", "random", "files", "process""#;
    host.write("stratagem.toml", format!("[policy.plugins.calm]\ncapabilities = [{all}]\n"));
    host.write("calm/plugin.toml", manifest(all));
    for (import, words) in [
        (
            "wasi:sockets/instance-network@0.2.0",
            "imports \"wasi:sockets/instance-network@0.2.0\", which no plugin is given",
        ),
        ("wasi:http/outgoing-handler@0.2.0", "which no plugin is given"),
        ("wasi:cli/stdin@0.3.0", "which no plugin is given"),
        ("stratagem:strategy/llm@0.1.0", "asks for `llm`, which this host does not back"),
        ("stratagem:strategy/llm@0.1.0", "hint: name a provider under [llm.providers.NAME]"),
    ] {
        host.write("calm/component.wasm", importing(&format!("(import \"{import}\" (instance))")));
        refuses(&host, import, &["solve", "tasks", "--strategy", "./calm"], &[words]);
    }
}

#[test]
fn what_is_printed_goes_into_the_log_within_its_limit() {
    let host = host();
    let printed = run(&host, POLICY, "act = \"print\"", &[]);
    let log: Vec<(&str, &str)> = printed["log"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (line["level"].as_str().unwrap(), line["message"].as_str().unwrap()))
        .collect();
    let expected =
        [("info", "first line"), ("warn", "a warning"), ("info", "second line"), ("info", "no end \u{fffd}")];
    assert_eq!(log, expected);
    assert_eq!(told(&run(&host, POLICY, "act = \"stdin\"", &[]), "stdin"), "Err(StreamError::Closed)");
    let policy = format!("[limits]\nlog_bytes = 500\n{POLICY}");
    let much = run(&host, &policy, "act = \"print-much\"\ncount = \"1000\"", &[]);
    assert!(much["log"].as_array().unwrap().len() < 20);
    assert!(much["usage"]["log_bytes_dropped"].as_u64().unwrap() > 30_000);
    assert!(much["usage"]["host_calls"].as_u64().unwrap() > 1_000);
}

#[test]
fn the_process_has_no_environment_and_may_end_itself() {
    let host = host();
    let process = run(&host, POLICY, "act = \"process\"", &[]);
    assert_eq!(told(&process, "process"), "[] [] None");
    assert_eq!(told(&process, "terminal"), "false");
    assert_eq!(ending(&run(&host, POLICY, "act = \"exit\"", &[])), "\"returned\"");
    let failed = run(&host, POLICY, "act = \"exit\"\ncount = \"1\"", &[]);
    assert!(ending(&failed).contains("exited with status 1"), "{failed}");
}

#[test]
fn clock_and_chance_follow_from_the_seed_and_nobody_sleeps() {
    let host = host();
    let act = |act: &str, seed: &str| run(&host, POLICY, act, &["--seed", seed]);
    let random = |seed| {
        let run = act("act = \"random\"", seed);
        (told(&run, "random").to_owned(), run["usage"]["fuel_spent"].as_u64().unwrap())
    };
    assert_eq!(random("1"), random("1"));
    assert_ne!(random("1").0, random("2").0);
    let clock = act("act = \"clock\"", "1");
    assert_eq!(told(&clock, "clock"), "[1000000, 2000000, 1577836800]");
    assert_eq!(clock["steps"], act("act = \"clock\"", "2")["steps"]);
    let started = Instant::now();
    let slept = act("act = \"sleep\"\ncount = \"1000000\"", "1");
    assert!(started.elapsed() < Duration::from_secs(30), "a plugin slept");
    assert_eq!((told(&slept, "woke"), told(&slept, "poll")), ("1000000", "[0, 1]"));
    let much = act("act = \"random-bytes\"\ncount = \"18446744073709551615\"", "1");
    assert!(
        ending(&much).contains("too many random bytes in one call: limit `lifted_bytes_call` is "),
        "{much}"
    );
}

#[test]
fn a_folder_is_read_and_nothing_beside_it() {
    let host = host();
    let listed = run(&host, POLICY, "act = \"folders\"", &[]);
    let names = "absolute DescriptorType::SymbolicLink, inner DescriptorType::Directory, \
                 inside DescriptorType::SymbolicLink, outside DescriptorType::SymbolicLink, \
                 pipe DescriptorType::Unknown, priors.txt DescriptorType::RegularFile, \
                 roundabout DescriptorType::SymbolicLink";
    assert_eq!(told(&listed, "/data"), names);
    let started = Instant::now();
    for (path, expected) in [
        ("priors.txt", "\"these are priors\" 15 true 16 None false"),
        ("./inner/../priors.txt", "\"these are priors\" 15 true 16 None false"),
        ("inside", "\"leaf\" 3 true 4 None false"),
        ("none", "error no-entry"),
        ("../secret.txt", "error not-permitted"),
        ("inner/../../secret.txt", "error not-permitted"),
        ("/etc/passwd", "error not-permitted"),
        ("outside", "error not-permitted"),
        ("roundabout", "error not-permitted"),
        ("absolute", "error not-permitted"),
        ("pipe", "error not-permitted"),
        ("inner", "error is-directory"),
    ] {
        let read = run(&host, POLICY, &format!("act = \"read\"\npath = '{path}'"), &[]);
        assert_eq!(told(&read, path), expected, "{path}");
    }
    assert!(started.elapsed() < Duration::from_mins(1), "a pipe was waited for");
}

#[test]
fn a_folder_cannot_be_changed() {
    let host = host();
    let content = || {
        let listed =
            Command::new("ls").args(["-lR", "--full-time"]).arg(host.path("shared")).output().unwrap();
        (String::from_utf8(listed.stdout).unwrap(), fs::read(host.path("shared/priors.txt")).unwrap())
    };
    let before = content();
    let tried = run(&host, POLICY, "act = \"write\"\npath = \"priors.txt\"", &[]);
    let steps = tried["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 15);
    for step in steps {
        assert_eq!(step["detail"], "error read-only", "{step}");
    }
    assert_eq!(content(), before);
}

#[test]
fn work_of_the_host_costs_fuel_and_has_its_limits() {
    let host = host();
    host.write("shared/long.txt", "x".repeat(60_000));
    let fuel = |count: u32| {
        let run =
            run(&host, POLICY, &format!("act = \"read\"\npath = \"long.txt\"\ncount = \"{count}\""), &[]);
        run["usage"]["fuel_spent"].as_u64().unwrap()
    };
    let ten = fuel(20) - fuel(10);
    assert!((600_000..700_000).contains(&ten), "{ten}");
    let settings = "act = \"read\"\npath = \"long.txt\"\ncount = \"1000000\"";
    let policy = format!("[limits]\nfuel = 20_000_000\n{POLICY}");
    assert_eq!(ending(&run(&host, &policy, settings, &[])), "\"out_of_fuel\"");
    let policy = format!("[limits]\nlifted_bytes = 2_000_000\n{POLICY}");
    let bytes = run(&host, &policy, settings, &[]);
    assert!(
        ending(&bytes).contains("too many bytes handed to the host: limit `lifted_bytes` is 2000000"),
        "{bytes}"
    );
    let policy = format!("[limits]\nhost_calls = 100\n{POLICY}");
    let calls = run(&host, &policy, settings, &[]);
    assert!(ending(&calls).contains("too many host calls: limit `host_calls` is 100"), "{calls}");
    let many = run(&host, POLICY, "act = \"open-many\"\ncount = \"100000\"", &[]);
    assert!(ending(&many).contains("trapped"), "{many}");
    assert_eq!(ending(&run(&host, POLICY, "act = \"process\"", &[])), "\"returned\"", "the next run is well");
}

#[test]
fn a_run_is_replayed_only_under_the_same_grants_and_folders() {
    let host = host();
    let first = run(&host, POLICY, "act = \"read\"\npath = \"priors.txt\"", &[]);
    let id = first["id"].as_str().unwrap();
    assert!(first["recipe"]["grants"].is_string());
    let verdict = || {
        let said = host.run(&["runs", "replay", id, "--json"]);
        serde_json::from_str::<Value>(&said.stdout).unwrap_or_else(|error| panic!("{error}: {said:?}"))[0]
            .clone()
    };
    assert_eq!(verdict()["verdict"], "same");
    let resumed = || {
        let args = ["solve", "tasks", "--strategy", WASI_PROBE, "--resume", "--json", "-"];
        host.json(&args)["summary"]["resumed"].clone()
    };
    assert_eq!(resumed(), 1);
    host.write("shared/priors.txt", "other priors");
    let changed = verdict();
    assert_eq!(changed["verdict"], "not_replayable");
    assert!(changed["why"].as_str().unwrap().contains("other content of its folders"), "{changed}");
    assert_eq!(resumed(), 0, "another folder is another recipe");
    host.write("shared/priors.txt", "these are priors");
    assert_eq!(verdict()["verdict"], "same");
    host.write("stratagem.toml", "");
    host.refuses(
        "revoked",
        &["runs", "replay", id],
        1,
        &["imports `process`", "[policy.trust.untrusted] does not grant"],
    );
}

#[test]
fn a_run_without_grants_has_the_recipe_that_it_always_had() {
    let host = host();
    host.succeeds(&["solve", "tasks", "--strategy", crate::harness::PROBE]);
    assert_eq!(host.one::<i64>("SELECT count(*) FROM runs WHERE grants IS NULL"), 1);
    host.write("stratagem.toml", POLICY.replace("wasi-probe", "probe"));
    let args = ["solve", "tasks", "--strategy", crate::harness::PROBE, "--resume", "--json", "-"];
    assert_eq!(host.json(&args)["summary"]["resumed"], 1, "what is granted and not used changes nothing");
}

#[test]
fn a_folder_that_cannot_be_taken_is_the_operators_to_mend() {
    let host = host();
    let solve = ["solve", "tasks", "--strategy", WASI_PROBE];
    for (place, words) in [("none", "No such file"), ("secret.txt", "not a folder")] {
        host.write("stratagem.toml", POLICY.replace("\"shared\"", &format!("\"{place}\"")));
        host.refuses(place, &solve, 1, &["folder", place, words, "under `folders` in stratagem.toml"]);
    }
    for (policy, words) in [
        ("[policy]\ncolour = 1", &["stratagem.toml: line", "unknown field `colour`"][..]),
        ("[policy.plugins.a]\ncapabilities = [\"network\"]", &["unknown variant `network`"]),
        ("[policy.plugins.a]\nfolders = { data = \"x\" }", &["folder \"data\" of plugin \"a\""]),
        ("[policy.plugins.a]\nsigner = \"ann\"", &["demands signer \"ann\""]),
        ("[policy.signers.ann]\nkey = \"RW\"", &["a public key has 56 letters"]),
    ] {
        host.write("stratagem.toml", policy);
        host.refuses(policy, &solve, 2, words);
    }
}

#[test]
fn a_trust_level_has_bounds_of_its_own() {
    let host = host();
    host.write(
        "stratagem.toml",
        "[policy.trust.untrusted.bounds]\nfuel = 1_000_000\n[settings.probe]\nact = \"burn\"",
    );
    let solve = ["solve", "tasks", "--strategy", crate::harness::PROBE];
    let report = host.json(&[&solve[..], &["--json", "-"]].concat());
    assert_eq!(report["tasks"][0]["fuel_spent"], 1_000_000);
    let asked = [&solve[..], &["--fuel", "2000000"]].concat();
    host.refuses("flag", &asked, 2, &["limit `fuel` is 2,000,000: the operator's bound is 1,000,000"]);
}

/// What lies beside the program came with it, to the byte: another manifest makes it a stranger.
#[test]
fn what_came_with_the_program_is_builtin() {
    let host = host();
    fs::create_dir(host.path("program")).unwrap();
    let program = host.path("program/stratagem");
    if fs::hard_link(env!("CARGO_BIN_EXE_stratagem"), &program).is_err() {
        fs::copy(env!("CARGO_BIN_EXE_stratagem"), &program).unwrap();
    }
    for file in ["component.wasm", "plugin.toml"] {
        let bytes = fs::read(host.path(WASI_PROBE).join(file)).unwrap();
        host.write(&format!("program/plugins/wasi-probe/{file}"), bytes);
    }
    let inspect = |what: &str| {
        let mut command = Command::new(&program);
        command.args(["plugin", "inspect", what, "--json", "--data-dir", "data"]).current_dir(host.path(""));
        command.env("HOME", host.path("")).env("XDG_CONFIG_HOME", host.path("config"));
        let said = Said::of(command.output().unwrap());
        serde_json::from_str::<Value>(&said.stdout).unwrap_or_else(|error| panic!("{error}: {said:?}"))
    };
    for place in ["wasi-probe", WASI_PROBE] {
        let shipped = inspect(place);
        assert_eq!(
            (&shipped["grants"]["trust"], &shipped["refused"]),
            (&"builtin".into(), &Value::Null),
            "{place}"
        );
    }
    let manifest = fs::read_to_string(host.path(WASI_PROBE).join("plugin.toml")).unwrap();
    host.write(&format!("{WASI_PROBE}/plugin.toml"), format!("{manifest}\n# and more\n"));
    let copy = inspect(WASI_PROBE);
    assert_eq!(copy["grants"]["trust"], "untrusted");
    assert!(copy["refused"].as_str().unwrap().contains("[policy.trust.untrusted] does not grant"), "{copy}");
}

#[test]
fn inspect_says_what_is_asked_granted_and_missing() {
    let host = host();
    let said = host.run(&["plugin", "inspect", WASI_PROBE]);
    assert_eq!(said.status, Some(1));
    for words in [
        "trust       untrusted",
        "signed by   nobody",
        "files: not granted by [policy.trust.untrusted]: add it to `capabilities` under [policy.plugins.wasi-probe]",
        "refuses it",
    ] {
        assert!(said.stdout.contains(words), "{words}: {}", said.stdout);
    }
    host.write("stratagem.toml", POLICY);
    let text = host.succeeds(&["plugin", "inspect", WASI_PROBE]);
    for words in [
        "untrusted, by its name alone: pin it with `blake3` or `signer`",
        "capability  random: granted by [policy.plugins.wasi-probe]",
        "folder      \"/data\" is shared, read-only",
        "runs it",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let json = host.json(&["plugin", "inspect", WASI_PROBE, "--json"]);
    assert_eq!(json["grants"]["rule"], "[policy.plugins.wasi-probe]");
    let first = &json["grants"]["capabilities"][0];
    assert_eq!(first["name"], "stdio");
    assert!(["asked", "granted", "imported"].iter().all(|key| first[key] == true), "{first}");
    let doctor = host.run(&["doctor"]).stdout;
    assert!(doctor.contains("whoever calls itself so is granted: wasi-probe"), "{doctor}");
}
