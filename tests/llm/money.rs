use serde_json::json;
use stratagem_domain::{Backing, Call, Purpose, Reply};
use stratagem_llm::{AskError, LlmSettings, Models};

use crate::server::Server;
use crate::{Bench, question, settings};

/// A reply that does not say what it took counts as the most that it can have been.
#[test]
fn who_does_not_count_is_counted_at_the_most_that_it_can_be() {
    let server = Server::start(&[]);
    for model in ["uncounted", "lies"] {
        let bench = Bench::at(&server, &[model]);
        let answered = bench.ask(model).unwrap();
        let held = bench.books.open().held[0].micros;
        assert!(answered.is_estimate && answered.reply.cost_micros == held, "{model}: {answered:?}");
        assert_eq!(answered.reply.completion_tokens, 100, "{model}");
        assert!(bench.books.only().is_estimate);
    }
}

#[test]
fn what_is_held_covers_every_tokenizer() {
    let server = Server::start(&[]);
    let bench = Bench::at(&server, &["ok"]);
    let text = "日本語のテキスト 🙂 words";
    bench.models.ask(&question("ok", text), &Purpose::default()).unwrap();
    let held = bench.books.open().held[0].micros;
    // A token a byte, at a dollar a million, and a hundred tokens of reply at two.
    assert!(held >= text.len() as u64 + 200, "{held}");
    assert!(held < text.len() as u64 + 200 + 200, "{held}");
}

#[test]
fn a_kept_reply_is_neither_sent_nor_held_nor_paid() {
    let server = Server::start(&[]);
    let folded = json!({"cache": "deterministic", "providers": {"near": {"models": {
        "ok": {"prompt_micros": 1_000_000, "completion_micros": 2_000_000},
        "tokens-7-7": {"prompt_micros": 1, "completion_micros": 1, "parameters": {"seed": 5}},
    }}}});
    let bench = Bench::new(settings(&server.base(), &["ok"], &folded));
    let ask = |model: &str, temperature| {
        let request = stratagem_domain::ModelRequest { temperature, ..question(model, "hello") };
        bench.models.ask(&request, &Purpose::default()).unwrap().reply
    };
    let (first, second) = (ask("ok", 0.0), ask("ok", 0.0));
    assert_eq!((first.cached, second.cached, second.cost_micros), (false, true, 0));
    assert_eq!((second.text, second.prompt_tokens), (first.text, first.prompt_tokens));
    assert_eq!((server.asked("ok"), bench.books.open().held.len()), (1, 1));
    // Chance without a seed is asked anew; with one it is kept.
    assert!(!ask("ok", 0.7).cached && !ask("ok", 0.7).cached);
    assert!(!ask("tokens-7-7", 0.7).cached && ask("tokens-7-7", 0.7).cached);
    assert_eq!(server.seen().last().unwrap()["body"]["seed"], 5);
    assert_eq!(server.seen().last().unwrap()["body"]["temperature"], 0.7);
    // An error is never kept.
    let all = json!({"cache": "all"});
    let bench = Bench::new(settings(&server.base(), &["garbage", "ok"], &all));
    for _ in 0..2 {
        bench.ask("garbage").unwrap_err();
    }
    assert_eq!(server.asked("garbage"), 2);
}

#[test]
fn models_are_found_by_name_and_what_cannot_be_asked_is_refused_before_it_is_held() {
    let server = Server::start(&[]);
    let far = json!({"default": "near/tokens-1-1", "providers": {"far": {
        "base_url": server.base(),
        "models": {"ok": {"prompt_micros": 0, "completion_micros": 0, "max_tokens_field": "max_completion_tokens"},
            "vendor/large": {"prompt_micros": 0, "completion_micros": 0}},
    }}});
    let bench = Bench::new(settings(&server.base(), &["ok", "tokens-1-1"], &far));
    for (name, provider, model) in
        [("", "near", "tokens-1-1"), ("ok", "near", "ok"), ("far/ok", "far", "ok"), ("near/ok", "near", "ok")]
    {
        let answered = bench.ask(name).unwrap();
        assert_eq!((answered.provider.as_str(), answered.model.as_str()), (provider, model), "{name}");
    }
    let sent = server.seen().into_iter().find(|seen| seen["body"]["max_completion_tokens"] == 100).unwrap();
    assert_eq!(sent["body"]["max_tokens"], json!(null));
    let held = bench.books.open().held.len();
    let good = question("ok", "hello");
    for (case, request) in [
        ("no message", stratagem_domain::ModelRequest { messages: Vec::new(), ..good.clone() }),
        ("no tokens", stratagem_domain::ModelRequest { max_tokens: 0, ..good.clone() }),
        ("temperature", stratagem_domain::ModelRequest { temperature: f32::NAN, ..good.clone() }),
        ("temperature", stratagem_domain::ModelRequest { temperature: 2.5, ..good.clone() }),
        ("16 MiB", question("ok", &"x".repeat((16 << 20) + 1))),
        ("no model", question("large\u{1b}", "hello")),
    ] {
        let error = bench.models.ask(&request, &Purpose::default()).unwrap_err();
        assert!(matches!(&error, AskError::Invalid { .. }) && error.to_string().contains(case), "{error}");
    }
    assert_eq!(bench.books.open().held.len(), held);
}

#[test]
fn a_run_is_lent_models_for_its_own_purpose_and_nothing_else() {
    let server = Server::start(&[]);
    let bench = Bench::at(&server, &["ok"]);
    let purpose = Purpose { experiment: Some("e".into()), run: Some("r".into()), task: Some("t".into()) };
    let lent = bench.models.lend(purpose.clone());
    let Ok(Reply::Completed(reply)) = lent.answer(&Call::Complete(question("ok", "hello"))) else { panic!() };
    assert_eq!(reply.text, "you said: hello");
    assert_eq!(bench.books.open().held[0].purpose, purpose);
    assert!(lent.answer(&Call::Load { name: "weights".into() }).is_err());
}

#[test]
fn settings_that_cannot_work_are_refused_with_what_to_do() {
    let refused = |more: serde_json::Value| {
        let settings: LlmSettings = settings("https://one.example/v1", &["ok"], &more);
        let books = std::sync::Arc::new(crate::Books::default());
        let error = Models::new(settings, books).err().unwrap_or_else(|| panic!("{more} was taken"));
        assert!(!error.hint.is_empty());
        error.to_string()
    };
    let near = |more: serde_json::Value| json!({"providers": {"near": more}});
    for (more, word) in [
        (json!({"default": "far"}), "far"),
        (json!({"default": "near/large"}), "large"),
        (json!({"cache_hours": 0}), "cache_hours"),
        (near(json!({"key_env": "A", "key_file": "b"})), "key_file"),
        (near(json!({"timeout_ms": 0})), "timeout_ms"),
        (near(json!({"max_retries": 99})), "max_retries"),
        (near(json!({"models": {"ok": {"prompt_micros": 99_000_000_000_u64}}})), "price"),
        (near(json!({"models": {"ok": {"parameters": {"messages": []}}}})), "messages"),
        (near(json!({"models": {"ok": {"max_tokens_field": "most"}}})), "most"),
        (json!({"providers": {"a b": {"base_url": "https://a", "models": {}}}}), "a b"),
    ] {
        let said = refused(more);
        assert!(said.contains(word), "{said}");
    }
}

#[test]
fn credit_is_asked_for_where_the_settings_say() {
    let server = Server::start(&["--used", "3.0021"]);
    let credit = json!({"path": "/credits", "total": "/data/total_credits", "used": "/data/total_usage"});
    let bench =
        Bench::new(settings(&server.base(), &["ok"], &json!({"providers": {"near": {"credit": credit}}})));
    let found = bench.models.credit("near").unwrap().unwrap();
    assert_eq!((found.remaining_micros, found.used_micros), (Some(6_997_900), Some(3_002_100)));
    let wrong = json!({"providers": {"near": {"credit": {"path": "gone", "total": "/a"}}}});
    let bench = Bench::new(settings(&server.base(), &["ok"], &wrong));
    assert!(bench.models.credit("near").unwrap_err().to_string().contains("404"));
    assert_eq!(Bench::at(&server, &["ok"]).models.credit("near").unwrap(), None);
}
