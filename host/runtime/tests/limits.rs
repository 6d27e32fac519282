//! Every limit of a run: what happens there, and that the run's usage names it.

mod support;

use stratagem_domain::{Ending, Limits, RunReport, Strategy, Usage};
use stratagem_runtime::{LoadedStrategy, Package, Sandbox, Tuning};

use crate::support::{run, sandbox, settings, task};

fn hits(usage: &Usage) -> Vec<&str> {
    usage.limits_hit.iter().map(String::as_str).collect()
}

fn load(sandbox: &Sandbox, text: &str) -> LoadedStrategy {
    let component = wat::parse_str(text).unwrap();
    sandbox.load(&Package::from_bytes(None, component, "x.wasm".as_ref()).unwrap()).unwrap()
}

fn trap(report: &RunReport) -> &str {
    match &report.ending {
        Ending::Trapped { reason, .. } => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn fuel_time_memory_and_stack_end_the_run_and_are_named() {
    let cases: [(&str, u64, Limits, &str); 4] = [
        ("burn", 0, Limits { fuel: 10_000_000, ..Limits::default() }, "fuel"),
        ("burn", 0, Limits { wall_ms: 50, fuel: 1_000_000_000_000, ..Limits::default() }, "wall_ms"),
        ("grow", 0, Limits { memory_mb: 16, ..Limits::default() }, "memory_mb"),
        ("overflow-stack", 0, Limits::default(), "stack_kb"),
    ];
    for (act, count, limits, name) in cases {
        let report = run(act, count, &limits);
        assert_eq!(hits(&report.usage), [name], "{act}: {:?}", report.ending);
    }
    assert!(run("grow", 0, &Limits { memory_mb: 16, ..Limits::default() }).usage.growths_denied > 0);
    assert!(hits(&run("answer", 0, &Limits::default()).usage).is_empty());
}

/// The stack is a setting of the engine: each size has an engine of its own, and the same code runs on it.
#[test]
fn a_deeper_stack_reaches_deeper() {
    let sandbox = sandbox(Tuning::Tuned);
    let text = include_str!("../../../tests/e2e/calm.wat").replacen(
        "(core module $m",
        "(core module $m (func $down (call $down))",
        1,
    );
    let plugin = load(
        &sandbox,
        &text.replacen("(result i32) (i32.const 128))", "(result i32) (call $down) (i32.const 128))", 1),
    );
    let depth = |stack_kb| {
        let limits = Limits { stack_kb, ..Limits::default() };
        let thread = std::thread::Builder::new().stack_size(Limits::THREAD_STACK_BYTES);
        std::thread::scope(|scope| {
            let run = || plugin.run(&task(), 0, &limits, &settings("", 0));
            let report = thread.spawn_scoped(scope, run).unwrap().join().unwrap();
            assert!(matches!(report.ending, Ending::StackExhausted { .. }), "{:?}", report.ending);
            report.usage.fuel_spent
        })
    };
    let (small, usual, large) = (depth(256), depth(1_024), depth(Limits::MAX_STACK_KB));
    assert!(small * 3 < usual && usual * 7 < large, "{small} {usual} {large}");
}

#[test]
fn answers_steps_and_log_stop_at_their_limits() {
    let limits = Limits { answers: 5, steps: 3, log_bytes: 200, ..Limits::default() };
    let report = run("answers", 0, &limits);
    assert_eq!(report.answers.len(), 5);
    assert_eq!(report.ending, Ending::GaveUp("exhausted: answers: limit 5".into()));
    assert_eq!(hits(&report.usage), ["answers"]);
    let report = run("answers", 0, &Limits { answer_bytes: 100, ..Limits::default() });
    assert_eq!(report.ending, Ending::GaveUp("exhausted: bytes of answers: limit 100".into()));
    assert!(report.usage.answer_bytes <= 100 && hits(&report.usage) == ["answer_bytes"]);
    let report = run("answer", 0, &Limits { rationale_bytes: 7, ..Limits::default() });
    assert_eq!((&*report.answers[0].rationale, hits(&report.usage)), ("offered", vec!["rationale_bytes"]));
    let report = run("steps", 10, &limits);
    assert_eq!((report.steps.len(), report.usage.steps_dropped), (3, 8));
    assert_eq!(hits(&report.usage), ["steps"]);
    let report = run("log", 1_000, &limits);
    assert!(report.log.iter().map(|line| line.message.len()).sum::<usize>() <= 200);
    assert!(report.usage.log_bytes_dropped > 10_000 && hits(&report.usage) == ["log_bytes"]);
    let report = run("log", 1_000, &Limits { log_lines: 4, ..Limits::default() });
    assert_eq!((report.log.len(), report.usage.log_lines_dropped), (4, 996));
    assert_eq!(hits(&report.usage), ["log_lines"]);
    let report = run("long-log", 10_000, &limits);
    assert!(report.usage.log_bytes_dropped > 9_000);
}

#[test]
fn host_calls_and_bytes_beyond_their_limits_end_the_run() {
    let cases: [(&str, u64, Limits, &str, &str); 7] = [
        (
            "calls",
            0,
            Limits { host_calls: 1_000, ..Limits::default() },
            "host_calls",
            "too many host calls: limit `host_calls` is 1000",
        ),
        (
            "calls",
            0,
            Limits { query_calls: 99, ..Limits::default() },
            "query_calls",
            "too many host calls of this kind: limit `query_calls` is 99",
        ),
        ("log", 100, Limits { note_calls: 50, ..Limits::default() }, "note_calls", "`note_calls` is 50"),
        ("offers", 100, Limits { offer_calls: 9, ..Limits::default() }, "offer_calls", "`offer_calls` is 9"),
        (
            "log",
            10_000,
            Limits { lifted_bytes: 10_000, ..Limits::default() },
            "lifted_bytes",
            "too many bytes handed to the host: limit `lifted_bytes` is 10000",
        ),
        (
            "long-log",
            2_000,
            Limits { lifted_bytes_call: 1_000, ..Limits::default() },
            "lifted_bytes_call",
            "fuel allocated for hostcalls has been exhausted",
        ),
        ("answer", 0, Limits { lifted_bytes: 1, ..Limits::default() }, "lifted_bytes", "handed to the host"),
    ];
    for (act, count, limits, name, words) in cases {
        let report = run(act, count, &limits);
        assert!(trap(&report).contains(words), "{act}: {}", trap(&report));
        assert_eq!(hits(&report.usage), [name], "{act}");
    }
}

#[test]
fn calls_are_counted_by_kind() {
    let usage = run("host-calls", 40, &Limits::default()).usage;
    // Besides the forty: two settings, an offer and a step.
    assert_eq!((usage.calls.query, usage.calls.offer, usage.calls.note), (42, 1, 1));
    assert_eq!(usage.host_calls, 44);
}

const IMPORTS: &str = "(import \"\" \"new\" (func $new (param i32) (result i32)))";
const WITH: &str = "(instantiate $m (with \"\" (instance (export \"new\" (func $new)))))";

/// What wasmtime counts for us is told by its words: this holds them.
#[test]
fn instances_memories_tables_elements_and_handles_have_their_limits() {
    let sandbox = sandbox(Tuning::Tuned);
    let with = |core: &str, solve: &str| {
        let text = include_str!("../../../tests/e2e/calm.wat")
            .replacen("(component", &format!("(component {core}"), 1)
            .replacen(
                "(core module $m",
                &format!("(core module $m {}", if core.contains("$new") { IMPORTS } else { "" }),
                1,
            )
            .replacen("(instantiate $m)", if core.contains("$new") { WITH } else { "(instantiate $m)" }, 1)
            .replacen("(result i32) (i32.const 128))", &format!("(result i32) {solve} (i32.const 128))"), 1);
        load(&sandbox, &text)
    };
    let empty = "(core module $e (memory 1) (table 3 funcref))";
    let instances = |count: usize| empty.to_owned() + &"(core instance (instantiate $e))".repeat(count);
    let handles = "(type $r (resource (rep i32))) (core func $new (canon resource.new $r))";
    let forever = "(loop (drop (call $new (i32.const 1))) (br 0))";
    let grown = "(core module $e (table 1 funcref) (func $s (drop (table.grow (ref.null func) (i32.const 99)))) (start $s)) \
                 (core instance (instantiate $e))";
    let cases = [
        (instances(3), "", Limits { instances: 3, ..Limits::default() }, "instances"),
        (instances(3), "", Limits { memories: 3, ..Limits::default() }, "memories"),
        (instances(3), "", Limits { tables: 2, ..Limits::default() }, "tables"),
        (grown.to_owned(), "", Limits { table_elements: 50, ..Limits::default() }, "table_elements"),
        (handles.to_owned(), forever, Limits { handles: 50, ..Limits::default() }, "handles"),
    ];
    for (core, solve, limits, name) in cases {
        let plugin = with(&core, solve);
        let calm = Limits { fuel: 1_000_000, ..Limits::default() };
        let report = plugin.run(&task(), 0, &calm, &settings("", 0));
        let expected: &[&str] = if solve.is_empty() { &[] } else { &["handles"] };
        assert_eq!(hits(&report.usage), expected, "{name} at its default: {:?}", report.ending);
        let report = plugin.run(&task(), 0, &Limits { fuel: 1_000_000, ..limits }, &settings("", 0));
        assert_eq!(hits(&report.usage), [name], "{:?}", report.ending);
    }
}

#[test]
fn host_calls_cost_fuel_in_proportion() {
    let fuel = |act: &str, count| run(act, count, &Limits::default()).usage.fuel_spent;
    let calls = fuel("host-calls", 1_000) - fuel("host-calls", 0);
    assert!(calls >= 200_000, "{calls}");
    let (short, long) = (fuel("long-log", 1_000), fuel("long-log", 100_000));
    assert!(long - short >= 99_000, "{short} {long}");
}

#[test]
fn the_allowance_holds_no_clock_and_shrinks() {
    let limits = Limits { answers: 9, steps: 7, host_calls: 100, ..Limits::default() };
    let report = run("budget", 0, &limits);
    let said = &report.steps[1].detail;
    let left = |name: &str| -> u64 {
        let rest = said.split(&format!("{name}: ")).nth(1).unwrap_or_else(|| panic!("{name}: {said}"));
        rest.split([',', ' ']).next().unwrap().parse().unwrap()
    };
    assert!(left("fuel") < limits.fuel && left("memory-bytes") < 256 << 20, "{said}");
    // Two settings, an offer and a step went before.
    assert_eq!((left("answers"), left("steps"), left("host-calls")), (8, 6, 95), "{said}");
    assert!(left("log-bytes") < limits.log_bytes && left("handed-bytes") < limits.lifted_bytes, "{said}");
    // What trainings took of the device is no clock: it stands in the journal.
    assert_eq!(left("device-ms"), limits.device_ms, "{said}");
    let said = said.replace("device-ms", "");
    assert!(["ms", "time", "clock"].iter().all(|word| !said.contains(word)), "{said}");
    assert_eq!(report, RunReport { usage: report.usage.clone(), ..run("budget", 0, &limits) });
}
