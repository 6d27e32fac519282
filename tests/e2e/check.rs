use std::collections::BTreeSet;
use std::fs;

use quick_junit::TestCaseStatus;
use serde_json::Value;

use crate::harness::{FAULTY, Host, PROBE, SINCE_0_1_0, WASI_PROBE};

const MARKER: &[u8] = b"FAULT=..........................";

/// Cases that hold the sandbox as much as the plugin, so that no component breaks them:
/// host/conformance/tests/faults.rs does.
const OF_THE_HOST: [&str; 3] = ["same-seed", "runs-are-independent", "cut-short"];

/// Every case that a component breaks, and what is then said of it.
const FAULTS: [(&str, &str); 26] = [
    (
        "describe-stable",
        "memory_mb 32: summary is \"Breaks one rule of the conformance suite, in little memory\"",
    ),
    ("describe-cheap", "`describe` ran out of fuel: limit 20,000,000"),
    ("describe-alone", "`describe` calls the host 1 times: none is allowed"),
    ("valid-answers", "task \"1x1\": 1 of 3 answers were refused as invalid"),
    ("answers-early", "task \"fall\": the first answer came after "),
    ("refused-offers", "answers 1: trapped: \"panicked at "),
    ("no-output-after-the-end", "then `learn` of nothing: 1 answers were offered: allowed 0"),
    ("text-fits", "bytes of step and log text were dropped: limit `log_bytes` is 65,536"),
    ("any-seed", "seed 9,007,199,254,740,991: trapped: \"panicked at "),
    ("small-fuel", "fuel 1,000,000: trapped: \"panicked at "),
    ("small-memory", "memory_mb 32: trapped: \"panicked at "),
    ("no-room-for-text", "steps 0: trapped: \"panicked at "),
    ("few-host-calls", "host_calls 3: trapped: \"panicked at "),
    ("task-1x1", "task \"1x1\": trapped: \"panicked at "),
    ("task-30x30", "task \"30x30\": trapped: \"panicked at "),
    ("task-one-pair", "task \"one-pair\": trapped: \"panicked at "),
    ("task-ten-pairs", "task \"ten-pairs\": trapped: \"panicked at "),
    ("task-two-tests", "task \"two-tests\": trapped: \"panicked at "),
    ("task-many-tests", "task \"many-tests\": trapped: \"panicked at "),
    ("task-no-change", "task \"no-change\": trapped: \"panicked at "),
    ("task-constant-output", "task \"constant-output\": trapped: \"panicked at "),
    ("task-all-colours", "task \"all-colours\": trapped: \"panicked at "),
    ("task-sizes-differ", "task \"sizes-differ\": trapped: \"panicked at "),
    ("task-not-square", "task \"not-square\": trapped: \"panicked at "),
    ("learn-nothing", "`learn` of 0 lessons trapped: \"panicked at "),
    ("learn-one", "`learn` of 1 lessons trapped: \"panicked at "),
];

/// Writes the plugin that has one fault, or "none", in a folder of the fault's name, with a manifest that fits; returns its path.
fn faulty(host: &Host, fault: &str) -> String {
    let mut component = fs::read(host.path(FAULTY).join("component.wasm")).unwrap();
    let places: Vec<usize> = component
        .windows(MARKER.len())
        .enumerate()
        .filter(|(_, window)| *window == MARKER)
        .map(|(at, _)| at)
        .collect();
    let [at] = places[..] else { panic!("the marker is there {} times", places.len()) };
    let at = at + b"FAULT=".len();
    component[at..at + fault.len()].copy_from_slice(fault.as_bytes());
    let manifest = fs::read_to_string(host.path(FAULTY).join("plugin.toml")).unwrap();
    let unpinned: Vec<&str> = manifest.lines().filter(|line| !line.starts_with("blake3")).collect();
    host.write(&format!("{fault}/component.wasm"), component);
    host.write(&format!("{fault}/plugin.toml"), unpinned.join("\n"));
    format!("./{fault}")
}

fn report(stdout: &str) -> Value {
    serde_json::from_str(stdout).unwrap_or_else(|error| panic!("{error}: {stdout}"))
}

/// The cases of a report with a verdict.
fn with(report: &Value, verdict: &str) -> BTreeSet<String> {
    let cases = report["cases"].as_array().unwrap().iter();
    cases
        .filter(|case| case["verdict"] == verdict)
        .map(|case| case["case"].as_str().unwrap().to_owned())
        .collect()
}

fn one(case: &str) -> BTreeSet<String> {
    BTreeSet::from([case.to_owned()])
}

#[test]
fn every_case_has_a_plugin_that_breaks_it_and_no_other() {
    let host = Host::new();
    let list = report(&host.succeeds(&["plugin", "check", "--list", "--json"]));
    let all: BTreeSet<&str> =
        list.as_array().unwrap().iter().map(|case| case["case"].as_str().unwrap()).collect();
    let broken = FAULTS.iter().map(|(case, _)| *case);
    let known: BTreeSet<&str> = broken.chain(OF_THE_HOST).chain(["interface", "manifest"]).collect();
    assert_eq!(all, known, "a case that nothing breaks proves nothing");
    let plugins: Vec<String> = FAULTS.iter().map(|(fault, _)| faulty(&host, fault)).collect();
    let args = [&["plugin", "check", "--json"], &plugins.iter().map(String::as_str).collect::<Vec<_>>()[..]]
        .concat();
    let said = host.run(&args);
    assert_eq!(said.status, Some(1), "{}", said.stderr);
    let reports = report(&said.stdout);
    assert_eq!(reports["passed"], false);
    for ((fault, words), report) in FAULTS.iter().zip(reports["plugins"].as_array().unwrap()) {
        let verdict = if *fault == "text-fits" { "warn" } else { "fail" };
        assert_eq!(
            with(report, "fail").union(&with(report, "warn")).cloned().collect::<BTreeSet<_>>(),
            one(fault)
        );
        assert_eq!(with(report, verdict), one(fault));
        let case = report["cases"].as_array().unwrap().iter().find(|case| case["case"] == *fault).unwrap();
        let seen = case["seen"].to_string().replace("\\\"", "\"");
        assert!(seen.contains(words), "{fault}: {seen}");
        assert_eq!(report["passed"], verdict == "warn");
    }
}

#[test]
fn people_are_told_what_was_seen_why_it_matters_and_how_to_mend_it() {
    let host = Host::new();
    let plugin = faulty(&host, "task-1x1");
    let said = host.run(&["plugin", "check", &plugin]);
    assert_eq!(said.status, Some(1));
    let lines = [
        "  FAIL  task-1x1",
        "  pass  task-30x30",
        "    seen     task \"1x1\": trapped: \"panicked at ",
        "    matters  ",
        "    mend     Look for `width - 1`",
        "30 passed, 1 failed, 0 warned, 0 skipped in ",
    ];
    for line in lines {
        assert!(said.stdout.contains(line), "{line:?} is not in {}", said.stdout);
    }
    let error = "error: plugin \"faulty\" does not conform: 1 of 31 cases failed\n  hint: ";
    assert!(said.stderr.starts_with(error), "{}", said.stderr);
    let only = host.run(&["plugin", "check", &plugin, "--case", "task-30x30", "--case", "learn-one"]);
    assert_eq!(only.status, Some(0), "{}", only.stderr);
    assert!(only.stdout.contains("2 passed, 0 failed"), "{}", only.stdout);
}

#[test]
fn a_plugin_without_a_fault_passes_and_one_that_offers_nothing_is_told_what_was_skipped() {
    let host = Host::new();
    host.write("calm.wasm", crate::harness::calm());
    let plugin = faulty(&host, "none");
    let reports =
        report(&host.succeeds(&["plugin", "check", &plugin, "calm.wasm", PROBE, SINCE_0_1_0, "--json"]));
    let [sound, calm, ..] = &reports["plugins"].as_array().unwrap()[..] else { panic!("{reports}") };
    assert_eq!(with(sound, "pass").len(), 31, "{sound}");
    let skipped = ["answers-early", "manifest", "refused-offers"].map(str::to_owned);
    assert_eq!(with(calm, "skip"), BTreeSet::from(skipped), "{calm}");
    assert_eq!(sound["counts"]["passed"], 31);
    assert!(sound["cases"].as_array().unwrap().iter().any(|case| case["runs"].as_u64() > Some(10)));
}

#[test]
fn a_plugin_that_is_refused_has_a_report_too() {
    let host = Host::new();
    host.write("core.wasm", crate::harness::component("(module)"));
    let older = include_str!("calm.wat").replace("strategy/strategy@0.1.0", "strategy/strategy@9.0.0");
    host.write("older.wasm", crate::harness::component(&older));
    for (plugin, words) in [("./core.wasm", "core module"), ("./older.wasm", "strategy/strategy@9.0.0")] {
        let said = host.run(&["plugin", "check", plugin, "--json"]);
        assert_eq!(said.status, Some(1), "{plugin}: {}", said.stderr);
        let report = &report(&said.stdout)["plugins"][0];
        assert_eq!((with(report, "fail"), with(report, "skip").len()), (one("interface"), 30), "{report}");
        let interface = &report["cases"][0];
        assert!(interface["seen"][0].as_str().unwrap().contains(words), "{interface}");
        // Whatever was asked for: what is refused does not pass.
        let said = host.run(&["plugin", "check", plugin, "--case", "learn-one"]);
        assert_eq!(said.status, Some(1), "{plugin}: {}", said.stdout);
    }
}

#[test]
fn a_manifest_at_fault_is_told_apart_from_the_component() {
    let host = Host::new();
    let plugin = faulty(&host, "none");
    let manifest = fs::read_to_string(host.path("none/plugin.toml")).unwrap();
    let capable = |list: &str| manifest.replace("capabilities = []", &format!("capabilities = [{list}]"));
    let cases = [
        (manifest.replace("0.1.0", "0.2.0"), "plugin.toml says faulty 0.2.0 (fixture)", 30),
        (capable("\"ttt\""), "asks for `ttt`, which the component does not import", 30),
        (format!("blake3 = \"{}\"\n{manifest}", "0".repeat(64)), "component has BLAKE3", 0),
        (manifest.replace("name", "nom"), "plugin.toml: line 1: unknown field `nom`", 0),
    ];
    for (manifest, words, passed) in cases {
        host.write("none/plugin.toml", manifest);
        let said = host.run(&["plugin", "check", &plugin, "--json"]);
        assert_eq!(said.status, Some(1), "{words}");
        let report = &report(&said.stdout)["plugins"][0];
        assert_eq!((with(report, "fail"), with(report, "pass").len()), (one("manifest"), passed), "{report}");
        assert!(report["cases"][1]["seen"].to_string().contains(words), "{report}");
    }
}

/// The file is read by CI servers: well-formed, counted, with the words of a failure.
#[test]
fn junit_names_every_case_of_every_plugin() {
    let host = Host::new();
    let plugins = [faulty(&host, "task-1x1"), faulty(&host, "text-fits")];
    host.write("calm.wasm", crate::harness::calm());
    let args = ["plugin", "check", &plugins[0], &plugins[1], "calm.wasm", "--junit"];
    let said = host.run(&[&args[..], &["out.xml"]].concat());
    assert_eq!(said.status, Some(1));
    let xml = fs::read_to_string(host.path("out.xml")).unwrap();
    let junit = quick_junit::Report::deserialize_from_str(&xml).unwrap();
    assert_eq!((junit.tests, junit.failures), (93, 1));
    let [broken, noisy, calm] = &junit.test_suites[..] else { panic!("{xml}") };
    let skipped = |suite: &quick_junit::TestSuite| {
        let is_skipped =
            |case: &&quick_junit::TestCase| matches!(case.status, TestCaseStatus::Skipped { .. });
        suite.test_cases.iter().filter(is_skipped).count()
    };
    assert_eq!((broken.name.as_str(), broken.tests, broken.failures, skipped(broken)), ("faulty", 31, 1, 0));
    assert_eq!((calm.tests, calm.failures, skipped(calm)), (31, 0, 3));
    let failed = broken.test_cases.iter().find(|case| case.name.as_str() == "task-1x1").unwrap();
    let TestCaseStatus::NonSuccess { description: Some(why), .. } = &failed.status else { panic!("{xml}") };
    assert!(why.as_str().contains("trapped") && why.as_str().contains("mend: "), "{why:?}");
    let advised = noisy.test_cases.iter().find(|case| case.name.as_str() == "text-fits").unwrap();
    assert!(advised.system_out.as_ref().is_some_and(|text| text.as_str().contains("were dropped")), "{xml}");
    // On stdout it stands alone.
    let said = host.run(&[&args[..], &["-"]].concat());
    assert!(quick_junit::Report::deserialize_from_str(&said.stdout).is_ok(), "{}", said.stdout);
}

#[test]
fn what_cannot_be_checked_is_misuse() {
    let host = Host::new();
    let cases: [(&str, &[&str], i32, &[&str]); 4] = [
        ("unknown case", &["--case", "task-0x0"], 2, &["no case \"task-0x0\"", "--list"]),
        ("no folder", &["--junit", "nowhere/out.xml"], 2, &["nowhere"]),
        ("both to stdout", &["--junit", "-", "--json"], 2, &["both go to stdout"]),
        ("no such plugin", &["./nothing.wasm"], 1, &["nothing.wasm"]),
    ];
    for (case, args, status, words) in cases {
        host.refuses(case, &[&["plugin", "check", PROBE], args].concat(), status, words);
    }
    host.refuses("unknown name", &["plugin", "check", "nobody"], 2, &["no strategy \"nobody\""]);
}

#[test]
fn a_plugin_is_held_to_the_cases_with_what_the_operator_grants_it() {
    let host = Host::new();
    let check = ["plugin", "check", WASI_PROBE, "--json"];
    let said = host.run(&check);
    assert_eq!(said.status, Some(1), "{}", said.stderr);
    let refused = &report(&said.stdout)["plugins"][0];
    assert_eq!(with(refused, "fail"), one("interface"));
    assert!(refused["cases"][0]["seen"].to_string().contains("does not grant"), "{refused}");
    let grants = "capabilities = [\"stdio\", \"clock\", \"random\", \"files\", \"process\"]";
    host.write("stratagem.toml", format!("[policy.plugins.wasi-probe]\n{grants}\n"));
    let granted = &report(&host.run(&check).stdout)["plugins"][0];
    assert_eq!((with(granted, "pass").len(), with(granted, "skip").len()), (29, 2), "{granted}");
}
