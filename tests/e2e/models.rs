use std::process::Child;
use std::thread;

use serde_json::json;

use crate::harness::{Host, Said};

#[path = "../llm/server.rs"]
mod server;

use server::Server;

const KEY: &str = "sk-test-0123456789";

/// A host whose settings name one provider at this server. `tokens-200000-0` costs 0.20 USD a question.
fn host(server: &Server, top: &str) -> Host {
    let host = Host::empty();
    host.write("key", format!("{KEY}\n"));
    let price = "{ prompt_micros = 1_000_000, completion_micros = 2_000_000 }";
    let models: Vec<String> = ["ok", "tokens-200000-0", "status-401", "slow-300", "garbage", "fail-1-503"]
        .iter()
        .map(|model| format!("\"{model}\" = {price}"))
        .collect();
    let text = format!(
        "[llm]\ndefault = \"near/ok\"\n{top}\n[llm.providers.near]\nbase_url = \"{}\"\nkey_file = \"key\"\n\
         timeout_ms = 20_000\nmodels = {{ {} }}\n\
         credit = {{ path = \"/credits\", total = \"/data/total_credits\", used = \"/data/total_usage\", \
         low_micros = 8_000_000 }}\n",
        server.base(),
        models.join(", ")
    );
    host.write("stratagem.toml", text);
    host
}

fn finish(child: Child) -> Said {
    Said::of(child.wait_with_output().unwrap())
}

#[test]
fn without_settings_there_is_no_model_and_every_command_says_what_to_write() {
    let host = Host::empty();
    for args in [&["llm", "ask", "hello"][..], &["llm", "status"], &["credits", "refresh"]] {
        host.refuses("no [llm]", args, 2, &["no language model is configured", "[llm]", "docs/models.md"]);
    }
    assert!(!host.database().exists(), "nothing was asked, so nothing is kept");
}

#[test]
fn a_question_is_answered_kept_and_paid_for_once() {
    let server = Server::start(&[]);
    let host = host(&server, "");
    let said = host.run(&["llm", "ask", "which colour?"]);
    assert_eq!(said.stdout, "you said: which colour?\n");
    assert_eq!(said.stderr, "near/ok: 10 + 5 tokens, 0.00002 USD\n");
    let again = host.json(&["llm", "ask", "which colour?", "--json"]);
    let wanted = json!({
        "provider": "near", "model": "ok", "text": "you said: which colour?", "prompt_tokens": 10,
        "completion_tokens": 5, "cost_micros": 0, "cached": true, "is_estimate": false, "alerts": [],
    });
    assert_eq!(again, wanted);
    // Another temperature, another system message and another model are other questions.
    for more in [&["--temperature", "0.5"][..], &["--system", "be brief"], &["--model", "near/slow-300"]] {
        let args = [&["llm", "ask", "which colour?", "--json"], more].concat();
        assert_eq!(host.json(&args)["cached"], false, "{more:?}");
    }
    assert_eq!(server.seen().len(), 4);
    assert!(server.seen().iter().all(|seen| seen["authorization"] == format!("Bearer {KEY}")));
    let status = host.json(&["llm", "status", "--json"]);
    assert_eq!((&status["replies"]["replies"], &status["replies"]["hits"]), (&json!(3), &json!(1)));
    assert_eq!(status["spending"][0]["cost_micros"], 60);
    assert_eq!(status["providers"][0]["obstacle"], json!(null));
    let text = host.succeeds(&["llm", "status"]);
    assert!(
        text.contains("near (default)") && text.contains("kept replies: 3 (0 expired), 1 hits"),
        "{text}"
    );
    // Replies whose time is over are not handed out, and the sweeper takes them.
    host.db().execute("UPDATE llm_cache SET expires_at = 1", []).unwrap();
    assert_eq!(host.json(&["llm", "ask", "which colour?", "--json"])["cached"], false);
    assert_eq!(host.json(&["llm", "cache", "sweep", "--json"]), json!({"swept": 2}));
    // The key is nowhere in what is kept.
    let bytes = std::fs::read(host.database()).unwrap();
    assert!(!bytes.windows(KEY.len()).any(|part| part == KEY.as_bytes()));
}

#[test]
fn three_questions_of_20_cents_under_50_warn_once_and_stop() {
    let server = Server::start(&[]);
    let host = host(&server, "cache = \"off\"");
    let set = host.succeeds(&["budget", "set", "global", "--usd", "0.50", "--every", "day"]);
    assert!(set.contains("global, 0.50 USD a day, warns at 70 %, then stops"), "{set}");
    let ask = || host.run(&["llm", "ask", "hello", "--model", "tokens-200000-0", "--max-tokens", "99000"]);
    let (first, second, third) = (ask(), ask(), ask());
    assert_eq!((first.status, second.status), (Some(0), Some(0)), "{first:?} {second:?}");
    assert!(!first.stderr.contains("warning"), "{first:?}");
    let warning = "warning: budget of everybody, a day: 0.40 of 0.50 USD are spent, past 70 %\n";
    assert!(second.stderr.starts_with(warning), "{second:?}");
    third.refused("the third", 1, &["budget of everybody, a day is 0.50 USD", "0.40 spent", "budget set"]);
    assert_eq!(server.seen().len(), 2, "what a budget refuses is not sent");
    let alerts = host.json(&["alerts", "list", "--json"]);
    assert_eq!(alerts.as_array().unwrap().len(), 2, "{alerts}");
    assert_eq!((&alerts[0]["rule"], &alerts[1]["rule"]), (&json!("budget_limit"), &json!("budget_warning")));
    ask().refused("the fourth", 1, &["budget"]);
    assert_eq!(host.json(&["alerts", "list", "--json"]).as_array().unwrap().len(), 2, "one alert a window");
    let id = alerts[0]["id"].as_str().unwrap();
    assert_eq!(host.json(&["alerts", "ack", id, "--json"]), json!({"acknowledged": [id]}));
    assert_eq!(host.succeeds(&["alerts", "ack", "--all"]), "acknowledged 1 alerts\n");
    assert_eq!(host.json(&["alerts", "list", "--json"]), json!([]));
    let line = &host.json(&["budget", "list", "--json"])[0];
    assert_eq!((&line["spent_micros"], &line["held_micros"]), (&json!(400_000), &json!(0)));
    let id = line["id"].as_str().unwrap();
    host.succeeds(&["budget", "remove", id]);
    assert_eq!(host.json(&["budget", "list", "--json"]), json!([]));
    assert_eq!(ask().status, Some(0));
    host.refuses("a budget that is gone", &["budget", "remove", id], 1, &["no budget"]);
}

/// Processes that know nothing of one another share a budget through the database alone.
#[test]
fn many_processes_at_once_never_pass_a_hard_stop() {
    const LIMIT: i64 = 4_000;
    let server = Server::start(&[]);
    let host = host(&server, "cache = \"off\"");
    host.succeeds(&["budget", "set", "provider", "near", "--usd", "0.004", "--every", "once"]);
    // Each may cost 1,000 tokens of reply at two dollars a million and something for its prompt, and costs 0.00002.
    let ask = |n: usize| {
        let question = format!("question {n}");
        host.start(&["llm", "ask", &question, "--model", "slow-300", "--max-tokens", "900"])
    };
    let said: Vec<Said> = thread::scope(|scope| {
        let rounds: Vec<_> =
            (0..8).map(|n| scope.spawn(move || [finish(ask(2 * n)), finish(ask(2 * n + 1))])).collect();
        rounds.into_iter().flat_map(|round| round.join().unwrap()).collect()
    });
    let answered = said.iter().filter(|said| said.status == Some(0)).count();
    let refused = said.iter().filter(|said| said.stderr.contains("held by questions under way")).count();
    assert_eq!((answered + refused, refused > 0), (16, true), "{said:?}");
    assert_eq!(server.seen().len(), answered);
    // At no moment was more on its way than the limit: every hold was there before its question was sent.
    let spent: i64 = host.one("SELECT sum(cost_micros) FROM resource_usage WHERE kind = 'llm'");
    assert_eq!(spent, 20 * answered as i64);
    assert!(spent <= LIMIT);
    assert_eq!(host.one::<i64>("SELECT count(*) FROM budget_holds"), 0);
}

#[test]
fn what_goes_wrong_is_said_with_whose_fault_it_is_and_without_the_key() {
    let server = Server::start(&[]);
    let host = host(&server, "");
    let said = host.run(&["llm", "ask", "hello", "--model", "status-401"]);
    said.refused("a key that is not accepted", 1, &["does not accept its key: status 401", "key_file"]);
    assert!(!said.stderr.contains(KEY) && said.stderr.contains("[key]"), "{}", said.stderr);
    let said = host.run(&["llm", "ask", "hello", "--model", "garbage"]);
    said.refused("no protocol", 1, &["does not speak the protocol", "base_url"]);
    host.refuses("no such model", &["llm", "ask", "hello", "--model", "large"], 2, &["no model", "near/ok"]);
    host.refuses("heat", &["llm", "ask", "hello", "--temperature", "3"], 2, &["temperature", "0 to 2"]);
    assert_eq!(
        host.json(&["llm", "ask", "hello", "--model", "fail-1-503", "--json"])["text"],
        "you said: hello"
    );
    let kinds: String = host.one(
        "SELECT group_concat(name || ' ' || calls || ' ' || coalesce(error_type, '-'), ', ' ORDER BY at, id)
         FROM resource_usage WHERE kind = 'llm'",
    );
    assert_eq!(kinds, "status-401 1 auth, garbage 1 protocol, fail-1-503 2 -");
    // What a garbled reply may have cost counts.
    assert!(host.one::<i64>("SELECT cost_micros FROM resource_usage WHERE name = 'garbage'") > 0);
    std::fs::remove_file(host.path("key")).unwrap();
    let said = host.run(&["llm", "ask", "more", "--model", "ok"]);
    said.refused("no key", 1, &["near has no key", "write the provider's key"]);
    let text = host.succeeds(&["llm", "status"]);
    assert!(text.contains("cannot be asked: provider near has no key"), "{text}");
    assert_eq!(
        host.json(&["llm", "status", "--json"])["providers"][0]["hint"],
        "write the provider's key into it"
    );
}

#[test]
fn credit_is_shown_and_a_low_balance_is_told() {
    let server = Server::start(&["--used", "3.0021"]);
    let host = host(&server, "");
    let said = host.run(&["credits", "refresh", "--json"]);
    assert_eq!(said.status, Some(0), "{said:?}");
    assert!(said.stderr.contains("credit of provider near: 6.9979 USD are left, less than 8.00"), "{said:?}");
    let line = &host.json(&["credits", "--json"])[0];
    assert_eq!((&line["remaining_micros"], &line["used_micros"]), (&json!(6_997_900), &json!(3_002_100)));
    let again = host.run(&["credits", "refresh"]);
    assert!(!again.stderr.contains("warning") && again.stdout.contains("6.9979"), "{again:?}");
    assert_eq!(host.json(&["alerts", "list", "--json"])[0]["rule"], "low_balance");
    assert_eq!(
        host.one::<i64>("SELECT count(*) FROM credit_balance WHERE raw_response LIKE '%total_usage%'"),
        2
    );
}

#[test]
fn settings_that_cannot_work_are_refused_by_name() {
    let host = Host::empty();
    for (case, text, words) in [
        ("no default", "[llm]\n[llm.providers]\n", "default"),
        ("no such provider", "[llm]\ndefault = \"far\"\n[llm.providers]\n", "far"),
        ("an unknown key", "[llm]\ndefault = \"a\"\nkeys = 1\n[llm.providers]\n", "keys"),
        (
            "no model",
            "[llm]\ndefault = \"a\"\n[llm.providers.a]\nbase_url = \"https://a.example\"\nmodels = {}\n",
            "lists no model",
        ),
        (
            "a key in the settings",
            "[llm]\ndefault = \"a\"\n[llm.providers.a]\nbase_url = \"https://a.example\"\nkey = \"sk-1\"\nmodels = {}\n",
            "key",
        ),
    ] {
        host.write("stratagem.toml", text);
        host.refuses(case, &["llm", "status"], 2, &["stratagem.toml", words]);
    }
    host.write(
        "stratagem.toml",
        "[llm]\ndefault = \"a\"\n[llm.providers.a]\nbase_url = \"http://a.example/v1\"\n\
         models = { m = { prompt_micros = 1, completion_micros = 1 } }\n",
    );
    host.refuses("plain http", &["llm", "ask", "hello"], 2, &["plain http", "allow_http"]);
}
