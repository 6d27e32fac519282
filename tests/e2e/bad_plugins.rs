use crate::harness::{GREEDY, Host, PROBE, component};

/// Exports an interface of a name, without a function.
fn exporting(name: &str) -> String {
    format!("(component (component $c) (instance $i (instantiate $c)) (export \"{name}\" (instance $i)))")
}

/// Imports an interface that no plugin is given, and is else as it should be.
fn importing(name: &str) -> String {
    let calm = include_str!("calm.wat");
    calm.replacen("(component", &format!("(component (import \"{name}\" (instance))"), 1)
}

/// Holds a plugin that is handed in to its refusal: said in words, and on record with its cause and whose fault
/// it was, without an answer.
fn refused(host: &Host, case: &str, plugin: &str, why: &str, words: &[&str]) {
    let before = host.stored();
    host.run(&["solve", "./tasks", "--strategy", plugin]).refused(case, 1, words);
    assert_eq!(host.stored(), before + 1, "{case}: a task, a row");
    let row: (String, String, String, String, i64) = host
        .db()
        .query_row(
            "SELECT outcome, fault, json_extract(ending, '$.refused.cause'), error, u.fuel_spent FROM runs
             JOIN resource_usage u ON u.run_id = runs.id WHERE json_extract(u.detail, '$.answers_offered') = 0
             ORDER BY runs.id DESC LIMIT 1",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)),
        )
        .unwrap();
    let fault = if why == "not_granted" { "operator" } else { "plugin" };
    assert_eq!((row.0.as_str(), row.1.as_str(), row.2.as_str(), row.4), ("refused", fault, why, 0), "{case}");
    assert!(words[..words.len().min(1)].iter().all(|word| row.3.contains(word)), "{case}: {}", row.3);
}

#[test]
fn a_file_that_is_no_plugin_says_what_it_is() {
    let host = Host::with_a_run();
    host.write_tasks(1);
    let header =
        |layer: u8, rest: &[u8]| [b"\0asm", &[if layer == 1 { 13 } else { 1 }, 0, layer, 0], rest].concat();
    let cases: [(&str, Vec<u8>, &str, &[&str]); 13] = [
        ("core.wasm", component("(module)"), "invalid", &["core module", "plugin build"]),
        ("core-garbage.wasm", header(0, b"garbage"), "invalid", &["core module"]),
        ("garbage.wasm", b"garbage".to_vec(), "invalid", &["not WebAssembly"]),
        ("nothing.wasm", Vec::new(), "invalid", &["not WebAssembly"]),
        ("broken.wasm", header(1, b"\x01\xff\xff\xff\xff\x0f"), "invalid", &["not valid"]),
        ("cut.wasm", crate::harness::calm()[..200].to_vec(), "invalid", &["not valid"]),
        (
            "steering.wasm",
            component("(component (import \"run\\1b[2J\" (instance)))"),
            "invalid",
            &["import name `run\\u{1b}[2J` is not a valid extern name"],
        ),
        (
            "empty.wasm",
            component("(component)"),
            "interface",
            &["does not export `stratagem:strategy/strategy`"],
        ),
        (
            "older.wasm",
            component(&exporting("stratagem:strategy/strategy@0.0.9")),
            "interface",
            &["exports \"stratagem:strategy/strategy@0.0.9\"", "this host runs 0.1.0 and 0.2.0"],
        ),
        (
            "hollow.wasm",
            component(&exporting("stratagem:strategy/strategy@0.1.0")),
            "interface",
            &["no function"],
        ),
        (
            "wasi.wasm",
            component(&importing("wasi:cli/environment@0.2.0")),
            "not_asked",
            &["imports `process`", "does not ask for"],
        ),
        (
            "wrong-type.wasm",
            component(
                &include_str!("calm.wat")
                    .replace("(result (result (error string)))", "(result (result (error u32)))"),
            ),
            "interface",
            &["`solve`"],
        ),
        (
            "mute.wasm",
            component(
                &include_str!("calm.wat").replace("(result i32) (i32.const 64)", "(result i32) unreachable"),
            ),
            "describe",
            &["`describe` failed"],
        ),
    ];
    for (name, bytes, cause, words) in cases {
        host.write(name, bytes);
        refused(&host, name, &format!("./{name}"), cause, &[&[name], words].concat());
    }
}

#[test]
fn a_manifest_that_does_not_fit_its_component_is_refused() {
    let host = Host::with_a_run();
    host.write_tasks(1);
    let manifest = std::fs::read_to_string(host.path("guests/probe/plugin.toml")).unwrap();
    let greedy = std::fs::read_to_string(host.path("guests/greedy/plugin.toml")).unwrap();
    let other = host.path("guests/other");
    let line = manifest.lines().find(|line| line.starts_with("blake3")).unwrap();
    let digest = line.split('"').nth(1).unwrap().to_owned();
    let flipped: String = digest.chars().rev().collect();
    let cases: [(&str, &str, String, &str, &[&str]); 8] = [
        (
            "unknown capability",
            PROBE,
            manifest.replace("capabilities = []", "capabilities = [\"network\"]"),
            "manifest",
            &["guests/other/plugin.toml: line 7", "network"],
        ),
        (
            "wrong digest",
            PROBE,
            manifest.replace(&digest, &flipped),
            "hash",
            &["component.wasm", &digest, &flipped],
        ),
        (
            "no digest",
            PROBE,
            manifest.replace(&digest, "12"),
            "manifest",
            &["plugin.toml: line 6", "64 hexadecimal"],
        ),
        (
            "unknown key",
            PROBE,
            format!("colour = 1\n{manifest}"),
            "manifest",
            &["plugin.toml: line 1", "colour"],
        ),
        (
            "unknown limit",
            PROBE,
            format!("{manifest}\nfuell = 1\n"),
            "manifest",
            &["plugin.toml: line", "fuell"],
        ),
        (
            "another name",
            PROBE,
            manifest.replace("\"probe\"", "\"other\""),
            "manifest",
            &["describes itself as \"probe\""],
        ),
        (
            "not asked for",
            GREEDY,
            greedy.clone(),
            "not_asked",
            &["imports `artifacts`", "plugin.toml does not ask for"],
        ),
        (
            "not granted",
            GREEDY,
            greedy.replace("capabilities = []", "capabilities = [\"artifacts\"]"),
            "not_granted",
            &["imports `artifacts`, which [policy.trust.untrusted] does not grant"],
        ),
    ];
    for (case, plugin, text, cause, words) in cases {
        let bytes = std::fs::read(host.path(plugin).join("component.wasm")).unwrap();
        host.write("guests/other/component.wasm", bytes);
        host.write("guests/other/plugin.toml", text);
        refused(&host, case, "guests/other", cause, words);
    }
    std::fs::remove_file(other.join("component.wasm")).unwrap();
    let unread = |case: &str, words: &[&str]| {
        host.refuses(case, &["solve", "./tasks", "--strategy", "guests/other"], 1, words);
    };
    unread("no component", &["guests/other/component.wasm"]);
    std::fs::remove_file(other.join("plugin.toml")).unwrap();
    unread("no manifest", &["guests/other: there is no plugin here"]);
}

#[test]
fn inspect_says_what_a_refused_plugin_is_and_why_it_is_refused() {
    let host = Host::new();
    let said = host.run(&["plugin", "inspect", GREEDY]);
    assert_eq!(said.status, Some(1));
    for word in ["greedy 0.1.0", "stratagem:strategy/artifacts@0.2.0", "refuses it"] {
        assert!(said.stdout.contains(word), "{word}: {}", said.stdout);
    }
    assert!(said.stderr.contains("hint: add \"artifacts\" to `capabilities`"), "{}", said.stderr);
}

#[test]
fn a_refused_plugin_does_not_keep_a_good_one_from_running() {
    let host = Host::with_a_run();
    host.write_tasks(3);
    let said = host.run(&["solve", "./tasks", "--strategy", PROBE, "--strategy", GREEDY, "--json", "-"]);
    assert_eq!(said.status, Some(1));
    assert!(said.stderr.starts_with("error: plugin \"greedy\" imports `artifacts`"), "{}", said.stderr);
    let report: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(report["summary"]["solved_at_1"], 3, "{report}");
    let count = |outcome: &str| -> i64 {
        host.one(&format!(
            "SELECT count(*) FROM runs WHERE outcome = '{outcome}' AND task_digest IN
                           (SELECT digest FROM arc_tasks WHERE code LIKE 't0%')"
        ))
    };
    assert_eq!((count("solved"), count("refused")), (3, 3));
    // What is refused today may be granted tomorrow: it is tried again.
    host.run(&["solve", "./tasks", "--strategy", GREEDY, "--resume"]).refused("again", 1, &["artifacts"]);
    assert_eq!(count("refused"), 6);
    let id: String = host.one("SELECT id FROM runs WHERE outcome = 'refused' LIMIT 1");
    let shown = host.succeeds(&["runs", "show", &id]);
    for word in ["refused (at fault: plugin)", "imports `artifacts`", "plugin inspect"] {
        assert!(shown.contains(word), "{word}: {shown}");
    }
    assert!(host.run(&["runs", "replay", &id]).stdout.contains("not replayable"));
}

#[test]
fn a_damaged_file_in_the_code_cache_is_made_again() {
    let host = Host::with_a_run();
    let cache = host.path("data/compiled");
    for entry in std::fs::read_dir(&cache).unwrap() {
        std::fs::write(entry.unwrap().path(), "not what was compiled").unwrap();
    }
    let report = host.json(&["solve", "before", "--strategy", PROBE, "--json", "-"]);
    assert_eq!(report["summary"]["solved_at_1"], 1);
}

/// A few hundred kilobytes can ask a compiler for minutes and gigabytes.
#[test]
fn a_component_that_is_hard_to_compile_costs_its_load_and_nothing_else() {
    let host = Host::with_a_run();
    host.write_tasks(1);
    let work = "(i32.add (i32.mul (local.get 0) (i32.const 7)) (i32.const 1)) local.set 0 ".repeat(150_000);
    host.write("bomb.wasm", component(&format!("(component (core module (func (param i32) {work})))")));
    for (limits, words) in [
        ("wall_ms = 150", ["it was not done in time", "limits 150 ms"]),
        ("memory_mb = 96", ["the compiler ended with signal", "96 MiB"]),
    ] {
        host.write("small.toml", format!("[compile]\n{limits}\n"));
        let args = ["--config", "small.toml", "solve", "./tasks", "--strategy", "./bomb.wasm"];
        let said = host.run(&args);
        said.refused(limits, 1, &["bomb.wasm", "does not compile", "[compile]", words[0], words[1]]);
        let cause: String =
            host.one("SELECT json_extract(ending, '$.refused.cause') FROM runs ORDER BY id DESC");
        assert_eq!(cause, "compile");
    }
    host.succeeds(&["solve", "./tasks", "--strategy", PROBE]);
}
