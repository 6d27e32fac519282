use std::time::{Duration, Instant};

use serde_json::json;
use stratagem_domain::Declined;
use stratagem_llm::{AskError, Blame, ModelError};

use crate::server::Server;
use crate::{Bench, settings};

#[test]
fn a_question_is_sent_as_the_protocol_says_and_its_reply_is_taken() {
    let server = Server::start(&[]);
    let bench = Bench::at(&server, &["ok"]);
    let answered = bench.ask("ok").unwrap();
    assert_eq!(answered.reply.text, "you said: hello");
    assert_eq!((answered.reply.prompt_tokens, answered.reply.completion_tokens), (10, 5));
    assert_eq!((answered.reply.cached, answered.reply.cost_micros, answered.is_estimate), (false, 20, false));
    let seen = server.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0]["path"], "/v1/chat/completions");
    assert_eq!(seen[0]["authorization"], json!(null));
    let body = json!({
        "model": "ok", "temperature": 0.0, "max_tokens": 100, "messages": [{"role": "user", "content": "hello"}],
    });
    assert_eq!(seen[0]["body"], body);
    let usage = bench.books.only();
    assert_eq!((usage.tries, usage.cost_micros, usage.error), (1, 20, None));
    assert_eq!((usage.prompt_bytes, usage.reply_bytes), (5, 15));
}

/// What goes wrong, whose fault it is, and whether the provider may want to be paid for it.
#[test]
fn every_bad_end_is_told_apart_and_written_down() {
    let server = Server::start(&[]);
    let cases = [
        ("status-401", "auth", Blame::Operator, false, "does not accept its key"),
        ("status-402", "credit", Blame::Operator, false, "paid"),
        ("quota", "credit", Blame::Operator, false, "no credit"),
        ("status-403", "auth", Blame::Operator, false, "403"),
        ("status-400", "bad_request", Blame::Asker, false, "not so"),
        ("status-404", "bad_request", Blame::Asker, false, "404"),
        ("garbage", "protocol", Blame::Provider, true, "cannot be read"),
        ("empty", "protocol", Blame::Provider, true, "cannot be read"),
        ("list", "protocol", Blame::Provider, true, "cannot be read"),
        ("truncated", "protocol", Blame::Provider, true, "broke off"),
        ("reset", "protocol", Blame::Provider, true, "broke off"),
        ("badchunk", "protocol", Blame::Provider, true, ""),
        ("huge-200000", "protocol", Blame::Provider, true, "longer than 100,000 bytes"),
        ("redirect", "protocol", Blame::Operator, false, "307"),
    ];
    let more = json!({"providers": {"near": {"max_reply_bytes": 100_000}}});
    for (model, kind, blame, may_cost, words) in cases {
        let bench = Bench::new(settings(&server.base(), &[model], &more));
        let error = bench.ask(model).unwrap_err();
        let AskError::Model(cause) = &error else { panic!("{model}: {error}") };
        assert_eq!((cause.kind(), cause.blame()), (kind, blame), "{model}: {error}");
        let said = error.to_string();
        assert!(said.contains(words) && said.contains("near"), "{model}: {said}");
        assert!(!said.contains('\u{1b}') && !cause.hint().is_empty(), "{model}: {said}");
        let usage = bench.books.only();
        assert_eq!((usage.error.as_deref(), usage.tries), (Some(kind), 1), "{model}");
        let held = bench.books.open().held[0].micros;
        assert_eq!(usage.cost_micros, if may_cost { held } else { 0 }, "{model}");
        assert_eq!(server.asked(model), 1, "{model}: none of these is asked again");
    }
}

#[test]
fn what_passes_is_asked_again() {
    let server = Server::start(&[]);
    for (model, tries) in [("fail-1-500", 2), ("fail-2-503", 3), ("inside-1", 2), ("limit-1-0.2", 2)] {
        let bench = Bench::at(&server, &[model]);
        let answered = bench.ask(model).unwrap();
        assert_eq!(answered.reply.text, "you said: hello", "{model}");
        assert_eq!((bench.books.only().tries, server.asked(model)), (tries, tries as usize), "{model}");
        assert_eq!(answered.reply.cost_micros, 20, "{model}: what failed costs nothing");
    }
}

#[test]
fn retries_end_with_their_number_or_with_the_deadline() {
    let server = Server::start(&[]);
    let more = json!({"providers": {"near": {"max_retries": 1}}});
    let bench = Bench::new(settings(&server.base(), &["fail-9-502"], &more));
    let error = bench.ask("fail-9-502").unwrap_err();
    assert!(error.to_string().contains("failed 2 times: status 502: \"try again\""), "{error}");
    assert_eq!((bench.books.only().tries, server.asked("fail-9-502")), (2, 2));
    // The provider wants a minute, the settings allow half a second: nobody waits.
    let more = json!({"providers": {"near": {"deadline_ms": 500}}});
    let bench = Bench::new(settings(&server.base(), &["limit-9-60"], &more));
    let started = Instant::now();
    let error = bench.ask("limit-9-60").unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(5));
    let AskError::Model(ModelError::RateLimit { again_ms, .. }) = error else { panic!("{error}") };
    assert_eq!(again_ms, Some(60_000));
    // The next question is not even sent.
    let error = bench.ask("limit-9-60").unwrap_err();
    assert!(matches!(&error, AskError::Model(ModelError::RateLimit { again_ms: Some(_), .. })), "{error}");
    assert_eq!(server.asked("limit-9-60"), 1);
    assert!(bench.books.open().limits[0].is_refused);
}

#[test]
fn a_pause_that_the_provider_asks_for_is_kept_by_all() {
    let server = Server::start(&[]);
    let bench = Bench::at(&server, &["limit-1-1", "ok", "spent-1"]);
    let started = Instant::now();
    bench.ask("limit-1-1").unwrap();
    assert!(started.elapsed() >= Duration::from_secs(1), "{:?}", started.elapsed());
    bench.ask("spent-1").unwrap();
    let started = Instant::now();
    bench.ask("ok").unwrap();
    assert!(started.elapsed() >= Duration::from_millis(900), "{:?}", started.elapsed());
    let limits = bench.books.open().limits[0];
    assert_eq!(limits.remaining, Some(0));
}

#[test]
fn time_is_bounded_for_replies_that_are_slow_or_never_end() {
    let server = Server::start(&[]);
    let more = json!({"providers": {"near": {"timeout_ms": 400}}});
    for model in ["slow-5000", "drip"] {
        let bench = Bench::new(settings(&server.base(), &[model], &more));
        let started = Instant::now();
        let error = bench.ask(model).unwrap_err();
        assert!(started.elapsed() < Duration::from_secs(3), "{model}: {:?}", started.elapsed());
        assert!(error.to_string().contains("did not reply within 400 ms"), "{model}: {error}");
        let usage = bench.books.only();
        assert_eq!((usage.error.as_deref(), server.asked(model)), (Some("timeout"), 1), "{model}");
        assert_eq!(usage.cost_micros, bench.books.open().held[0].micros, "{model}: it may have to be paid");
    }
}

#[test]
fn nobody_there_costs_nothing() {
    let more = json!({"providers": {"near": {"max_retries": 1}}});
    // Port 1 of this machine, and a name that no resolver knows.
    for base in ["http://localhost:1/v1", "https://no-such-host.invalid/v1"] {
        let bench = Bench::new(settings(base, &["ok"], &more));
        let error = bench.ask("ok").unwrap_err();
        assert!(error.to_string().contains("cannot be reached"), "{base}: {error}");
        assert_eq!(error.blame(), Blame::Operator);
        let usage = bench.books.only();
        assert_eq!((usage.cost_micros, usage.tries), (0, 2), "{base}");
    }
}

/// A plugin hears what it can act on: nothing of the operator's files, nothing that a provider said.
#[test]
fn a_plugin_hears_no_more_than_it_needs() {
    let server = Server::start(&[]);
    let bench = Bench::at(&server, &["status-401", "status-400", "garbage"]);
    for (model, declined) in [
        ("status-401", Declined::Unavailable("the model's provider did not reply: auth".into())),
        ("garbage", Declined::Unavailable("the model's provider did not reply: protocol".into())),
        ("status-400", Declined::Invalid("the model's provider refused the request: status 400".into())),
        ("other", Declined::Invalid("no model \"other\"".into())),
    ] {
        assert_eq!(bench.ask(model).unwrap_err().declined(), declined, "{model}");
    }
    bench.books.open().is_spent = true;
    let error = bench.ask("garbage").unwrap_err();
    let Declined::Exhausted(said) = error.declined() else { panic!("{error}") };
    assert!(said.starts_with("budget of everybody, a day is 0.000009 USD: 0.000009 spent"), "{said}");
    assert_eq!(server.asked("garbage"), 1, "what a budget refuses is not sent");
}
