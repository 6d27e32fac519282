//! What is lent to a run: calls cross whole, are held to their limits, cost the same fuel, and are in the journal.

#[path = "support/fake.rs"]
mod fake;
mod support;

use std::sync::Arc;

use stratagem_domain::{
    Backing, Call, Capability, ChatRole, Declined, Ending, Exchange, LabelledTask, Lesson, Limits, Reply,
    RunReport, Settings, Strategy, Usage, grouped,
};
use stratagem_runtime::{Grants, LoadError, LoadedStrategy, Sandbox, SandboxConfig, Tuning};

use crate::fake::{EVERY_CALL, Fake, calls};
use crate::support::{package, sandbox, task};

fn grants() -> Grants {
    Grants { capabilities: Capability::ALL.into(), rule: "[policy]".into(), ..Grants::default() }
}

fn load(name: &str, tuning: Tuning) -> LoadedStrategy {
    sandbox(tuning).load_granted(&package(name), &grants()).unwrap()
}

fn run_with(name: &str, lines: &[&str], limits: &Limits, backing: Arc<dyn Backing>) -> RunReport {
    load(name, Tuning::Tuned).run_with(&task(), 7, limits, &calls(lines), backing)
}

fn run(name: &str, lines: &[&str], limits: &Limits) -> RunReport {
    run_with(name, lines, limits, Fake::new())
}

fn details(report: &RunReport) -> Vec<&str> {
    report.steps.iter().map(|step| step.detail.as_str()).collect()
}

/// Answers from a journal.
struct Again(std::sync::Mutex<std::collections::VecDeque<Exchange>>);

impl Backing for Again {
    fn answer(&self, call: &Call) -> Result<Reply, Declined> {
        let then = self.0.lock().unwrap().pop_front().expect("no more calls than then");
        assert_eq!(then.call, *call);
        then.reply
    }
}

fn again(report: &RunReport) -> Arc<dyn Backing> {
    Arc::new(Again(std::sync::Mutex::new(report.journal.clone().into())))
}

#[test]
fn every_call_crosses_whole_and_its_answer_comes_back() {
    let backing = Fake::new();
    let report = run_with("lent-probe", &EVERY_CALL, &Limits::default(), Arc::<Fake>::clone(&backing));
    assert_eq!((&report.ending, report.answers.len()), (&Ending::Returned, 1));
    let episode = "t1 of d 0.500 Some(0.6666666666666666): turn,fill";
    let expected = [
        &stratagem_domain::pattern_id("o", "d", "fill", "red"),
        "data0 1.000 1; data1 0.500 2; data2 0.333 3",
        "invalid: min-success-rate 7: 0 to 1",
        "kept",
        "t1 of d 0.300 Some(0.6666666666666666): turn,fill",
        "invalid: vector without a direction: all 0, or a number that is not finite",
        &format!("{episode}; {episode}"),
        "nothing",
        "70000 bytes: bbbbbbbbbbbbbbbbbbbb",
        "unavailable: artifacts.load: another call was answered",
        "saved",
        "saved",
    ];
    assert_eq!(details(&report), expected);
    // What was invalid never reached the backing, and is not in the journal: it follows from the recipe.
    assert_eq!(backing.asked().len(), 10);
    assert_eq!(report.journal.iter().map(|then| then.call.clone()).collect::<Vec<_>>(), backing.asked());
    let embed = Call::Embed { content: "words".into(), vector: vec![0.5, -1.25], model: "m".into() };
    assert_eq!(report.journal[2].call, embed);
    let Usage { calls, artifact_bytes, lent_bytes, lifted_bytes, .. } = report.usage.clone();
    assert_eq!((calls.memory, calls.artifacts, artifact_bytes), (7, 5, 5_004));
    let bytes =
        |then: &Exchange| then.call.bytes() + then.reply.as_ref().map_or_else(Declined::bytes, Reply::bytes);
    assert_eq!(lent_bytes, report.journal.iter().map(bytes).sum::<u64>());
    assert!(lent_bytes > 75_000 && lifted_bytes < 10_000, "{lent_bytes} {lifted_bytes}");
}

#[test]
fn models_are_asked_and_what_they_cost_is_counted_but_not_of_what_was_there() {
    let lines = [
        "complete m 100 hello there",
        "complete cached 100 hello",
        "complete down 1 hello",
        "prompt p a=1 b=2",
    ];
    let report = run("model-probe", &lines, &Limits::default());
    let told = details(&report);
    assert_eq!(told[..2], ["hello there 10 5 false 0.0025", "hello 10 5 true 0.0025"]);
    assert!(told[2].starts_with("unavailable: the model is down.") && told[2].len() < 1_050, "{}", told[2]);
    assert_eq!(told[3], r#"p [("a", "1"), ("b", "2")]"#);
    let Usage { prompt_tokens, completion_tokens, cost_micros, calls, .. } = report.usage;
    assert_eq!((prompt_tokens, completion_tokens, cost_micros, calls.llm), (10, 5, 2_500, 4));
    let Call::Complete(request) = &report.journal[0].call else { panic!("{:?}", report.journal[0]) };
    assert_eq!((request.max_tokens, request.temperature.to_bits()), (100, 0.5_f32.to_bits()));
    let roles: Vec<ChatRole> = request.messages.iter().map(|message| message.role).collect();
    assert_eq!(roles, [ChatRole::System, ChatRole::User]);
}

/// The limit, the lines, and what the last of them is told.
type Spent = (Limits, &'static str, &'static [&'static str], &'static str);

#[test]
fn what_a_limit_has_no_room_for_is_refused_by_name_and_the_run_goes_on() {
    let limits = Limits::default;
    let cases: [Spent; 7] = [
        (
            Limits { artifact_bytes: 10, ..limits() },
            "lent-probe",
            &["save a 123456", "save b 12345"],
            "exhausted: artifact_bytes: limit 10",
        ),
        (
            Limits { lent_bytes: 1_000, ..limits() },
            "lent-probe",
            &["load 100", "load 900"],
            "exhausted: lent_bytes: limit 1,000",
        ),
        (
            Limits { lent_bytes: 1_000, ..limits() },
            "lent-probe",
            &["keep a @990 1"],
            "exhausted: lent_bytes: limit 1,000",
        ),
        (
            Limits { tokens: 130, ..limits() },
            "model-probe",
            &["complete m 100 a", "complete m 100 a"],
            "exhausted: tokens: limit 130",
        ),
        (
            Limits { tokens: 100, ..limits() },
            "model-probe",
            &["complete m 90 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"],
            "exhausted: tokens: limit 100",
        ),
        (
            Limits { cost_micros: 2_500, ..limits() },
            "model-probe",
            &["complete m 10 a", "complete m 10 a"],
            "exhausted: cost_micros: limit 2,500",
        ),
        (
            Limits { lent_bytes: 700, ..limits() },
            "model-probe",
            &[
                "complete m 10 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                "complete m 10 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                "complete m 10 a",
            ],
            "exhausted: lent_bytes: limit 700",
        ),
    ];
    for (limits, plugin, lines, words) in cases {
        let report = run(plugin, lines, &limits);
        assert_eq!(report.ending, Ending::Returned, "{words}");
        assert_eq!(details(&report).last().copied(), Some(words), "{:?}", report.steps);
        let name = words.split(": ").nth(1).unwrap();
        assert_eq!(report.usage.limits_hit.iter().collect::<Vec<_>>(), [name]);
        assert!(report.usage.lent_bytes <= limits.lent_bytes);
        // The same journal is the same run, also where a limit cut it.
        let replayed =
            load(plugin, Tuning::OnDemand).run_with(&task(), 7, &limits, &calls(lines), again(&report));
        assert_eq!((&replayed.steps, &replayed.journal), (&report.steps, &report.journal), "{words}");
        assert_eq!(replayed.usage.fuel_spent, report.usage.fuel_spent, "{words}");
    }
}

#[test]
fn a_flood_of_calls_ends_the_run_and_the_backing_hears_no_more_than_the_limit() {
    for (line, limits, name, most) in [
        ("flood 5000 patterns a 0 1", Limits { memory_calls: 100, ..Limits::default() }, "memory_calls", 100),
        ("flood 5000 load none", Limits { artifact_calls: 7, ..Limits::default() }, "artifact_calls", 7),
        ("flood 5000 load none", Limits { host_calls: 40, ..Limits::default() }, "host_calls", 40),
        ("keep a @300000 1", Limits::default(), "lifted_bytes_call", 0),
        ("flood 5000 keep a @200000 1", Limits::default(), "lifted_bytes", 335),
    ] {
        let backing = Fake::new();
        let limits = Limits { lent_bytes: 1 << 30, ..limits };
        let report = run_with("lent-probe", &[line], &limits, Arc::<Fake>::clone(&backing));
        assert!(matches!(report.ending, Ending::Trapped { .. }), "{name}: {:?}", report.ending);
        assert!(report.usage.limits_hit.contains(name), "{name}: {:?}", report.usage.limits_hit);
        assert!(backing.asked().len() <= most, "{name}: {}", backing.asked().len());
        assert_eq!(backing.asked().len(), report.journal.len());
    }
}

#[test]
fn fuel_is_the_same_on_any_engine_and_counts_the_bytes_both_ways() {
    let spent = |tuning, lines: &[&str]| {
        let report =
            load("lent-probe", tuning).run_with(&task(), 7, &Limits::default(), &calls(lines), Fake::new());
        (report.usage.fuel_spent, report.steps, report.journal)
    };
    let tuned = spent(Tuning::Tuned, &EVERY_CALL);
    assert_eq!(tuned, spent(Tuning::OnDemand, &EVERY_CALL));
    let fuel = |line: &str| spent(Tuning::Tuned, &[line]).0;
    let (small, large) = (fuel("load 1000"), fuel("load 9000"));
    assert!(large - small >= 8_000, "{} {}", grouped(small), grouped(large));
    let (small, large) = (fuel("save a @1000"), fuel("save a @9000"));
    assert!(large - small >= 8_000, "{} {}", grouped(small), grouped(large));
}

#[test]
fn fuel_that_does_not_pay_for_the_answer_ends_the_run_before_it_is_handed_over() {
    let whole = run("lent-probe", &["load 10000000"], &Limits { memory_mb: 64, ..Limits::default() });
    assert_eq!(whole.ending, Ending::Returned);
    let limits = Limits { fuel: 9_000_000, memory_mb: 64, ..Limits::default() };
    let report = run("lent-probe", &["load 10000000"], &limits);
    assert_eq!((report.ending, report.usage.fuel_spent), (Ending::OutOfFuel, 9_000_000));
    assert!(report.usage.memory_peak_bytes < 4 << 20 && whole.usage.memory_peak_bytes > 10_000_000);
}

#[test]
fn what_waits_outlives_the_deadline_by_its_own_time_and_no_more() {
    let limits = Limits { wall_ms: 100, ..Limits::default() };
    // The sandbox ticks the deadline: it must be there.
    let sandbox = sandbox(Tuning::Tuned);
    let probe = sandbox.load_granted(&package("lent-probe"), &grants()).unwrap();
    let calls = calls(&["flood 50 search 1 slow"]);
    let report = probe.run_with(&task(), 7, &limits, &calls, Fake::new());
    assert_eq!((&report.ending, report.answers.len()), (&Ending::PastDeadline, 1));
    assert!((400..5_000).contains(&report.usage.wall_ms), "{}", report.usage.wall_ms);
    assert_eq!(report.journal.len(), 1);
}

/// Without a backing, in `describe` or in a host that is not given one, every call is told so.
#[test]
fn what_nothing_backs_is_unavailable_and_never_a_trap() {
    let strategy = load("lent-probe", Tuning::Tuned);
    let report = strategy.run(&task(), 7, &Limits::default(), &calls(&EVERY_CALL));
    assert_eq!(report.ending, Ending::Returned);
    let told = details(&report);
    assert_eq!(told.iter().filter(|told| told.starts_with("unavailable: ")).count(), 10, "{told:?}");
    let pair = task().train[0].clone();
    let lesson = LabelledTask::new("l", vec![pair.clone()], vec![(pair.input, Some(pair.output))]).unwrap();
    let backing = Fake::new();
    let settings = Settings::new();
    let limits = Limits::default();
    let report =
        strategy.learn_with(&Lesson::untold(&[lesson]), 7, &limits, &settings, Arc::<Fake>::clone(&backing));
    let saved = Call::Save { name: "lessons".into(), bytes: vec![1] };
    assert_eq!((report.ending, backing.asked()), (Ending::Returned, vec![saved]));
}

#[test]
fn what_a_host_lacks_or_a_policy_does_not_grant_is_refused_by_name_with_the_remedy() {
    let load = |lacks: &[Capability], grants: &Grants| {
        let lacks = lacks.iter().map(|&name| (name, format!("configure {}", name.as_str()))).collect();
        let sandbox = Sandbox::new(&SandboxConfig { lacks, ..SandboxConfig::default() }).unwrap();
        sandbox.load_granted(&package("model-probe"), grants).map(|_| ())
    };
    load(&[], &grants()).unwrap();
    load(&[Capability::Ttt], &grants()).unwrap();
    let error = load(&[Capability::Llm], &grants()).unwrap_err();
    assert!(matches!(error, LoadError::NotBacked { .. }), "{error}");
    assert_eq!(error.to_string(), "plugin \"model-probe\" asks for `llm`, which this host does not back");
    assert_eq!(error.hint().unwrap(), "configure llm");
    let memory =
        Grants { capabilities: [Capability::Memory].into(), rule: "[here]".into(), ..Grants::default() };
    let error = load(&[], &memory).unwrap_err().to_string();
    assert_eq!(error, "plugin \"model-probe\" imports `llm`, which [here] does not grant");
}
