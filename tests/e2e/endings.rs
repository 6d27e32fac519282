use serde_json::{Value, json};

use crate::harness::{Host, PROBE};

/// A way for a plugin to end, and what is to be seen of it.
#[derive(Default)]
struct Case<'a> {
    act: &'a str,
    /// Above `[settings.probe]`.
    top: &'a str,
    flags: &'a [&'a str],
    outcome: &'a str,
    /// What stderr says of it; nothing where it ended well.
    complaint: &'a str,
    /// What `runs show` says.
    shown: &'a [&'a str],
    answers: i64,
}

const SOLVE: [&str; 6] = ["solve", "./tasks", "--strategy", PROBE, "--jobs", "1"];

/// Holds one manner of a plugin to its outcome: reported, stored, shown; and the next runs are well.
fn check(case: &Case) {
    let Case { act, outcome, complaint, .. } = case;
    let host = Host::new();
    host.write_tasks(2);
    host.write("calm.wasm", crate::harness::calm());
    host.probe_does(case.top, &format!("act = \"{act}\"\ncount = \"1000\""));
    let said = host.run(&[&SOLVE[..], case.flags, &["--json", "-"]].concat());
    let report: Value = serde_json::from_str(&said.stdout).unwrap_or_else(|_| panic!("{act}: {said:?}"));
    for row in report["tasks"].as_array().unwrap() {
        assert_eq!(row["outcome"], *outcome, "{act}: {}", said.stderr);
        assert_eq!(row["solved_at_1"], case.answers > 0, "{act}: the answer offered first counts");
        assert_eq!(row["answers"], case.answers, "{act}");
    }
    assert_eq!(said.status, Some(0), "{act}: the plugin's faults are not the command's");
    if complaint.is_empty() {
        assert_eq!(said.stderr, "", "{act}");
    } else {
        let line = format!("strategy \"probe\" on task t00 {complaint}");
        assert!(said.stderr.contains(&line) && said.stderr.contains("\n  hint: "), "{act}: {}", said.stderr);
    }
    let kept = format!(
        "SELECT count(*) FROM runs JOIN resource_usage ON run_id = runs.id WHERE outcome = '{outcome}'"
    );
    assert_eq!(host.one::<i64>(&kept), 2, "{act}");
    let right = "SELECT count(*) FROM answers WHERE rank = 1 AND is_correct = 1";
    assert_eq!(host.one::<i64>(right), 2 * i64::from(case.answers > 0), "{act}");
    let id: String = host.one("SELECT id FROM runs ORDER BY id LIMIT 1");
    let text = host.succeeds(&["runs", "show", &id]);
    for word in [&[*outcome], case.shown].concat() {
        assert!(text.contains(word), "{act}: {text} lacks {word:?}");
    }
    // The same process goes on with another plugin, task after task.
    host.succeeds(&[&SOLVE[..], case.flags, &["--strategy", "./calm.wasm"]].concat());
    let calm = "SELECT count(*) FROM resource_usage WHERE name = 'calm' AND ok = 1";
    assert_eq!(host.one::<i64>(calm), 2, "{act}");
    host.probe_does("", "");
    let after = host.json(&[&SOLVE[..], &["--json", "-"]].concat());
    assert_eq!(after["summary"]["solved_at_1"], json!(2), "{act}");
}

#[test]
fn a_spent_limit_ends_the_run_and_keeps_its_answers() {
    let cases = [
        Case {
            act: "burn",
            flags: &["--fuel", "20000000"],
            outcome: "out_of_fuel",
            complaint: "ran out of fuel: limit 20,000,000",
            shown: &["at fault: plugin", "20,000,000 of 20,000,000"],
            answers: 1,
            ..Case::default()
        },
        Case {
            act: "burn",
            flags: &["--fuel", "1000000000000", "--wall-ms", "200"],
            outcome: "past_deadline",
            complaint: "ran past its deadline: limit 200 ms",
            shown: &["ms of 200 ms"],
            answers: 1,
            ..Case::default()
        },
        Case {
            act: "grow",
            flags: &["--memory-mb", "16"],
            outcome: "out_of_memory",
            complaint: "ran out of memory: limit 16 MiB",
            shown: &["of 16 MiB"],
            answers: 1,
            ..Case::default()
        },
        Case {
            act: "calls",
            top: "[limits]\nhost_calls = 500",
            outcome: "trap",
            complaint: "trapped: \"too many host calls: limit `host_calls` is 500\"",
            shown: &["too many host calls: limit `host_calls` is 500"],
            answers: 1,
            ..Case::default()
        },
        Case {
            act: "long-log",
            top: "[limits]\nlifted_bytes_call = 900",
            outcome: "trap",
            complaint: "trapped: ",
            shown: &["hint: a fault of the plugin"],
            answers: 1,
            ..Case::default()
        },
        Case {
            act: "log",
            top: "[limits]\nlifted_bytes = 900",
            outcome: "trap",
            complaint: "trapped: \"too many bytes handed to the host: limit `lifted_bytes` is 900\"",
            answers: 1,
            ..Case::default()
        },
    ];
    cases.iter().for_each(check);
}

#[test]
fn a_plugin_that_breaks_is_named_with_its_own_words() {
    let cases = [
        Case {
            act: "panic",
            outcome: "trap",
            complaint: "trapped: \"",
            shown: &["the probe panics: t00", "\n    at ", "rust_panic"],
            answers: 1,
            ..Case::default()
        },
        Case {
            act: "overflow-stack",
            outcome: "trap",
            complaint: "trapped: \"call stack exhausted\"",
            shown: &["call stack exhausted", "\n    at ", "descend"],
            answers: 1,
            ..Case::default()
        },
    ];
    cases.iter().for_each(check);
}

#[test]
fn a_plugin_that_returns_is_judged_by_its_answers() {
    let cases = [
        Case {
            act: "give-up",
            outcome: "solved",
            complaint: "gave up: \"no idea\"",
            shown: &["at fault: nobody", "gave up: \"no idea\""],
            answers: 1,
            ..Case::default()
        },
        Case { act: "nothing", outcome: "unsolved", shown: &["0 kept, 0 refused"], ..Case::default() },
        Case {
            act: "answers",
            top: "[limits]\nanswers = 5",
            outcome: "solved",
            complaint: "gave up: \"exhausted: answers: limit 5\"",
            shown: &["5 kept, 1 refused", "answers: limit 5"],
            answers: 5,
            ..Case::default()
        },
        Case {
            act: "invalid",
            outcome: "solved",
            shown: &["1 kept, 8 refused", "limit 30"],
            answers: 1,
            ..Case::default()
        },
    ];
    cases.iter().for_each(check);
}

#[test]
fn text_and_steps_beyond_their_limits_are_counted_and_dropped() {
    let host = Host::new();
    host.write_tasks(1);
    let dropped = |field: &str| {
        host.one::<i64>(&format!(
            "SELECT json_extract(detail, '$.{field}') FROM resource_usage ORDER BY at DESC, id DESC LIMIT 1"
        ))
    };
    host.probe_does("[limits]\nlog_bytes = 300", "act = \"log\"\ncount = \"1000\"");
    host.succeeds(&SOLVE);
    let kept: i64 = host.one("SELECT sum(length(message)) FROM run_logs");
    assert!((100..=300).contains(&kept), "{kept} bytes of log");
    assert!(dropped("log_bytes_dropped") > 10_000);
    host.probe_does("[limits]\nsteps = 20", "act = \"steps\"\ncount = \"1000\"");
    host.succeeds(&SOLVE);
    assert_eq!(host.one::<i64>("SELECT max(n) FROM steps"), 20);
    assert_eq!(dropped("steps_dropped"), 981);
    host.probe_does("[limits]\nrationale_bytes = 7", "");
    host.succeeds(&SOLVE);
    assert_eq!(host.one::<i64>("SELECT min(length(rationale)) FROM answers"), 7);
}

#[test]
fn a_run_that_the_clock_ended_is_not_replayed() {
    let host = Host::new();
    host.write_tasks(1);
    host.probe_does("", "act = \"burn\"");
    host.succeeds(&[&SOLVE[..], &["--fuel", "1000000000000", "--wall-ms", "100"]].concat());
    let said = host.run(&["runs", "replay", "--last", "1"]);
    assert_eq!(said.status, Some(1));
    assert!(said.stdout.contains("not replayable: its outcome was past_deadline"), "{}", said.stdout);
    assert!(said.stderr.contains("no run was replayed") && said.stderr.contains("hint: "), "{}", said.stderr);
}
