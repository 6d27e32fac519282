use std::sync::Barrier;

use serde_json::json;
use stratagem_store::{
    DocumentFormat, DocumentKind, Draft, Put, Role, Store, StoreError, StoreOptions, Which,
};

use crate::Bench;

const CONFIG: DocumentKind = DocumentKind::StrategyConfig;

fn draft(name: &str, body: &str) -> Draft {
    Draft {
        kind: CONFIG,
        name: name.to_owned(),
        format: DocumentFormat::Yaml,
        body: body.to_owned(),
        category: None,
        description: None,
        reason: None,
    }
}

fn put(store: &Store, name: &str, body: &str) -> Put {
    store.put_document(&draft(name, body), false).unwrap()
}

/// Another user's door to the same file.
fn as_user(bench: &Bench, name: &str, role: Role) -> Store {
    let id = format!("00000000-0000-7000-8000-{:0>12}", name.len());
    bench
        .raw()
        .execute(
            "INSERT OR IGNORE INTO user_identities (id, display_name, role, created_at, updated_at)
             VALUES (?1, ?2, ?3, 1, 1)",
            [&id, name, role.as_str()],
        )
        .unwrap();
    let options = StoreOptions { user: Some(name.to_owned()), ..StoreOptions::default() };
    Store::open_with(&bench.path, &options).unwrap()
}

fn refusal<T: std::fmt::Debug>(result: Result<T, StoreError>) -> String {
    let error = result.unwrap_err();
    assert!(error.hint().is_some(), "{error}");
    error.to_string()
}

#[test]
fn a_document_has_numbered_versions_and_the_same_body_makes_none() {
    let bench = Bench::new();
    let store = &bench.store;
    let first = put(store, "fast", "strategy: probe\nlimits: {fuel: 7}\n");
    assert!(first.is_new && first.version.version == 1 && !first.version.is_active);
    assert_eq!(first.version.parsed, Some(json!({"strategy": "probe", "limits": {"fuel": 7}})));
    let again = put(store, "fast", "strategy: probe\nlimits: {fuel: 7}\n");
    assert_eq!(again, Put { version: first.version.clone(), is_new: false });
    let second = put(store, "fast", "strategy: probe\nlimits: {fuel: 8}\n");
    assert_eq!((second.is_new, second.version.version), (true, 2));
    let older = put(store, "fast", "strategy: probe\nlimits: {fuel: 7}\n");
    assert_eq!((older.is_new, older.version.version), (false, 1), "an older version has this body");
    let other = put(store, "slow", "strategy: probe\nlimits: {fuel: 7}\n");
    assert!(other.is_new, "another name is another document");
    assert_eq!((bench.count("documents"), bench.count("document_versions")), (2, 3));
    assert_eq!(store.document(CONFIG, "fast", Which::Head).unwrap(), second.version);
    assert_eq!(store.document(CONFIG, "fast", Which::Number(1)).unwrap(), first.version);
    assert_eq!(store.document_version(&first.version.id).unwrap(), first.version);
    let names: Vec<_> =
        store.documents(Some(CONFIG)).unwrap().into_iter().map(|found| (found.name, found.head)).collect();
    assert_eq!(names, [("fast".to_owned(), 2), ("slow".to_owned(), 1)]);
    assert!(store.documents(Some(DocumentKind::Prompt)).unwrap().is_empty());
}

#[test]
fn a_version_never_changes_not_even_past_the_store() {
    let bench = Bench::new();
    put(&bench.store, "fast", "strategy: probe");
    for column in ["version = 9", "format = 'text'", "parsed = NULL", "hash = 'x'", "created_at = 1"] {
        let error = bench.raw().execute(&format!("UPDATE document_versions SET {column}"), []).unwrap_err();
        assert!(error.to_string().contains("never changed"), "{column}: {error}");
    }
}

#[test]
fn what_is_not_active_is_found_by_number_only() {
    let bench = Bench::new();
    let store = &bench.store;
    put(store, "fast", "strategy: a");
    let words = refusal(store.document(CONFIG, "fast", Which::Active));
    assert!(words.contains("no active version"), "{words}");
    assert_eq!(store.document(CONFIG, "fast", Which::Current).unwrap().version, 1);
    let active = store.put_document(&draft("fast", "strategy: b"), true).unwrap();
    assert!(active.version.is_active);
    put(store, "fast", "strategy: c");
    assert_eq!(store.document(CONFIG, "fast", Which::Active).unwrap().version, 2);
    assert_eq!(store.document(CONFIG, "fast", Which::Current).unwrap().version, 2);
    assert_eq!(store.document(CONFIG, "fast", Which::Head).unwrap().version, 3);
    assert!(!store.deactivate_document(CONFIG, "fast").unwrap().is_active);
    assert!(refusal(store.document(CONFIG, "fast", Which::Active)).contains("out of use"));
    assert!(store.activate_document(CONFIG, "fast", Which::Number(2)).unwrap().is_active);
    for (which, words) in [(Which::Number(9), "no version 9"), (Which::Number(0), "no version 0")] {
        assert!(refusal(store.document(CONFIG, "fast", which)).contains(words));
    }
    assert!(refusal(store.document(DocumentKind::Prompt, "fast", Which::Head)).contains("no prompt named"));
}

#[test]
fn a_change_is_proposed_approved_and_only_then_active() {
    let bench = Bench::new();
    let store = &bench.store;
    store.put_document(&draft("fast", "strategy: a\nseed: 1\n"), true).unwrap();
    put(store, "fast", "strategy: a\nseed: 2\n");
    assert!(
        refusal(store.activate_document(CONFIG, "fast", Which::Head)).contains("nobody approved version 2")
    );
    let change = store.propose_document(CONFIG, "fast", Which::Head, Some("more luck")).unwrap();
    assert_eq!((change.from, change.to, change.status.as_str()), (1, 2, "proposed"));
    assert!(change.diff.contains("-seed: 1\n+seed: 2\n"), "{}", change.diff);
    assert_eq!(change.changes, Some(json!([{"op": "replace", "path": "/seed", "value": 2}])));
    assert_eq!(store.propose_document(CONFIG, "fast", Which::Head, None).unwrap(), change);
    assert!(refusal(store.activate_document(CONFIG, "fast", Which::Head)).contains("nobody approved"));
    let approved = store.decide_document(CONFIG, "fast", Which::Head, true, None).unwrap();
    assert_eq!((approved.status.as_str(), approved.reason.as_deref()), ("approved", Some("more luck")));
    assert!(
        refusal(store.decide_document(CONFIG, "fast", Which::Head, false, None)).contains("approved already")
    );
    assert!(store.activate_document(CONFIG, "fast", Which::Head).unwrap().is_active);
    put(store, "fast", "strategy: a\nseed: 3\n");
    store.propose_document(CONFIG, "fast", Which::Head, None).unwrap();
    let rejected = store.decide_document(CONFIG, "fast", Which::Head, false, Some("no")).unwrap();
    assert_eq!((rejected.status.as_str(), rejected.reason.as_deref()), ("rejected", Some("no")));
    assert!(refusal(store.activate_document(CONFIG, "fast", Which::Head)).contains("nobody approved"));
    assert!(refusal(store.propose_document(CONFIG, "fast", Which::Number(1), None)).contains("version 1"));
    assert!(refusal(store.propose_document(CONFIG, "fast", Which::Number(2), None)).contains("not newer"));
    let told: Vec<_> = store
        .document_history(CONFIG, "fast")
        .unwrap()
        .into_iter()
        .map(|line| format!("{} {}", line.what, line.version))
        .collect();
    for line in ["put 1", "activated 1", "put 2", "proposed 2", "approved 2", "activated 2", "rejected 3"] {
        assert!(told.iter().any(|known| known == line), "{line}: {told:?}");
    }
    assert_eq!(store.verify_audit(None).unwrap().broken, None);
}

#[test]
fn going_back_makes_a_new_version_of_the_old_body() {
    let bench = Bench::new();
    let store = &bench.store;
    for body in ["strategy: a", "strategy: b", "strategy: c"] {
        store.put_document(&draft("fast", body), true).unwrap();
    }
    let back = store.roll_document_back(CONFIG, "fast", 1, Some("b and c were worse")).unwrap().version;
    assert_eq!((back.version, back.rollback_of, back.body.as_str()), (4, Some(1), "strategy: a"));
    assert!(back.is_active && back.generated_by == "rollback");
    assert_eq!(
        store.document_changes(CONFIG, "fast").unwrap().last().map(|change| (change.from, change.to)),
        Some((3, 4))
    );
    let history = store.document_history(CONFIG, "fast").unwrap();
    assert!(
        history.iter().all(|line| line.what != "proposed"),
        "an admin did all of it directly: {history:?}"
    );
    let line = history.iter().find(|line| line.what == "rolled back").unwrap();
    assert_eq!(
        (line.version, line.who.as_deref(), line.why.as_deref()),
        (4, Some("local"), Some("b and c were worse"))
    );
    assert!(refusal(store.roll_document_back(CONFIG, "fast", 4, None)).contains("newest"));
    assert!(refusal(store.roll_document_back(CONFIG, "fast", 9, None)).contains("no version 9"));
}

#[test]
fn a_difference_is_of_any_two_versions() {
    let bench = Bench::new();
    for body in
        ["strategy: a\nseed: 1\n", "strategy: b\nseed: 1\n", "strategy: b\nseed: 1\nlimits: {fuel: 9}\n"]
    {
        put(&bench.store, "fast", body);
    }
    let (from, to, found) = bench.store.document_diff(CONFIG, "fast", Which::Number(1), Which::Head).unwrap();
    assert_eq!((from, to), (1, 3));
    assert!(found.text.starts_with("--- fast@1\n+++ fast@3\n"), "{}", found.text);
    let changes = found.changes.unwrap();
    assert!(
        changes.as_array().unwrap().contains(&json!({"op": "add", "path": "/limits", "value": {"fuel": 9}}))
    );
    let (.., none) = bench.store.document_diff(CONFIG, "fast", Which::Head, Which::Head).unwrap();
    assert_eq!((none.text.as_str(), none.changes), ("", Some(json!([]))));
}

#[test]
fn of_two_that_activate_at_once_one_wins_and_the_other_is_told() {
    for _ in 0..5 {
        let bench = Bench::new();
        bench.store.put_document(&draft("fast", "strategy: a"), true).unwrap();
        for (number, body) in [(2, "strategy: b"), (3, "strategy: c")] {
            put(&bench.store, "fast", body);
            bench.store.propose_document(CONFIG, "fast", Which::Number(number), None).unwrap();
            bench.store.decide_document(CONFIG, "fast", Which::Number(number), true, None).unwrap();
        }
        let start = Barrier::new(2);
        let results: Vec<_> = std::thread::scope(|scope| {
            let activate = |number| {
                let (start, path) = (&start, &bench.path);
                scope.spawn(move || {
                    let store = Store::open_existing(path).unwrap();
                    start.wait();
                    store.activate_document(CONFIG, "fast", Which::Number(number))
                })
            };
            let both = [activate(2), activate(3)];
            both.map(|thread| thread.join().unwrap()).into()
        });
        let (won, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
        assert_eq!((won.len(), lost.len()), (1, 1));
        let active = bench.store.document(CONFIG, "fast", Which::Active).unwrap().version;
        assert_eq!(won.into_iter().next().unwrap().unwrap().version, active);
        let words = refusal(lost.into_iter().next().unwrap());
        assert!(words.contains("was approved in place of version 1, but version"), "{words}");
        assert!(words.contains(&format!("version {active} is active now")), "{words}");
    }
}

#[test]
fn two_that_put_at_once_never_share_a_number() {
    let bench = Bench::new();
    std::thread::scope(|scope| {
        for side in 0..4 {
            let path = &bench.path;
            scope.spawn(move || {
                let store = Store::open_existing(path).unwrap();
                (0..10).for_each(|at| drop(put(&store, "fast", &format!("seed: {side}{at}"))));
            });
        }
    });
    assert_eq!(bench.store.document(CONFIG, "fast", Which::Head).unwrap().version, 40);
    assert_eq!((bench.count("documents"), bench.count("document_versions")), (1, 40));
}

#[test]
fn a_runner_puts_and_proposes_and_an_admin_decides() {
    let bench = Bench::new();
    bench.store.put_document(&draft("fast", "strategy: a"), true).unwrap();
    let runner = as_user(&bench, "ann", Role::Runner);
    let second = put(&runner, "fast", "strategy: b");
    assert_eq!(
        (second.version.version, second.version.author.as_deref()),
        (2, Some("ann")),
        "the operator's document"
    );
    let forbidden = |result: Result<(), StoreError>| {
        assert!(matches!(result, Err(StoreError::Forbidden { needed: Role::Admin, .. })), "{result:?}");
    };
    forbidden(runner.put_document(&draft("fast", "strategy: c"), true).map(drop));
    forbidden(runner.decide_document(CONFIG, "fast", Which::Head, true, None).map(drop));
    forbidden(runner.roll_document_back(CONFIG, "fast", 1, None).map(drop));
    forbidden(runner.deactivate_document(CONFIG, "fast").map(drop));
    runner.propose_document(CONFIG, "fast", Which::Head, None).unwrap();
    assert!(refusal(runner.activate_document(CONFIG, "fast", Which::Head)).contains("nobody approved"));
    bench.store.decide_document(CONFIG, "fast", Which::Head, true, None).unwrap();
    assert!(
        runner.activate_document(CONFIG, "fast", Which::Head).unwrap().is_active,
        "approved, so anybody may"
    );
    // A document of a runner's own, which the operator approves and another runner never sees.
    put(&runner, "mine", "strategy: a");
    forbidden(runner.activate_document(CONFIG, "mine", Which::Head).map(drop));
    assert!(bench.store.activate_document(CONFIG, "mine", Which::Head).unwrap().is_active);
    let other = as_user(&bench, "robert", Role::Runner);
    assert!(refusal(other.document(CONFIG, "mine", Which::Head)).contains("no strategy_config named"));
    assert_eq!(other.documents(None).unwrap().len(), 1);
    let reader = as_user(&bench, "eve01", Role::Reader);
    assert!(matches!(reader.put_document(&draft("x", "a: 1"), false), Err(StoreError::Forbidden { .. })));
    assert_eq!(reader.document(CONFIG, "fast", Which::Active).unwrap().version, 2);
}

#[test]
fn a_prompt_lists_its_variables_and_its_views_show_what_is_active() {
    let bench = Bench::new();
    let prompt = |body: &str| Draft {
        kind: DocumentKind::Prompt,
        format: DocumentFormat::Text,
        ..draft("greet", body)
    };
    bench.store.put_document(&prompt("Hello {{name}}, {{ rule }}!"), true).unwrap();
    let second = bench.store.put_document(&prompt("Bye {{name}}"), false).unwrap();
    assert_eq!(second.version.variables, ["name"]);
    assert_eq!(bench.store.documents(None).unwrap()[0].variables, ["name"]);
    let (content, version): (String, u32) = bench
        .raw()
        .query_row("SELECT content, version FROM prompts WHERE name = 'greet'", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    assert_eq!((content.as_str(), version), ("Hello {{name}}, {{ rule }}!", 1));
    assert_eq!(bench.count("prompt_history"), 2);
}

#[test]
fn names_bodies_and_words_that_are_none_are_refused_and_text_is_only_text() {
    let bench = Bench::new();
    let injection = "'); DROP TABLE documents; --";
    let long = "n".repeat(201);
    for name in ["", " ", "a b", "a@1", injection, long.as_str(), "a\0b", "a\u{1b}[2J", "{{a}}"] {
        let words = refusal(bench.store.put_document(&draft(name, "a: 1"), false));
        assert!(words.contains("is no name of a document"), "{words}");
        assert!(!words.contains('\u{1b}') && words.len() < 200, "{words:?}");
        assert!(
            refusal(bench.store.document(CONFIG, name, Which::Head)).contains("no strategy_config named")
        );
    }
    for (body, words) in [
        ("- a list\n", "is fields with values"),
        ("just text", "is fields with values"),
        ("a: [1", "no yaml"),
    ] {
        assert!(refusal(bench.store.put_document(&draft("fast", body), false)).contains(words), "{body}");
    }
    let large = Draft {
        format: DocumentFormat::Text,
        kind: DocumentKind::Setting,
        ..draft("big", &"x".repeat((1 << 20) + 1))
    };
    assert!(refusal(bench.store.put_document(&large, false)).contains("limit 1048576"));
    let wordy = Draft { reason: Some("x".repeat(4_001)), ..draft("fast", "a: 1") };
    assert!(refusal(bench.store.put_document(&wordy, false)).contains("4001 characters"));
    assert_eq!(bench.count("documents"), 0);
    let text = format!("{injection} \u{1b}[2J 日本 {{{{x}}}}\r\n");
    let quoted = Draft {
        kind: DocumentKind::Setting,
        format: DocumentFormat::Text,
        body: text.clone(),
        category: Some(injection.into()),
        description: Some(injection.into()),
        reason: Some(injection.into()),
        ..draft("odd", "")
    };
    bench.store.put_document(&quoted, true).unwrap();
    let kept = bench.store.document(DocumentKind::Setting, "odd", Which::Active).unwrap();
    assert_eq!((kept.body, kept.reason.as_deref()), (text, Some(injection)));
    assert_eq!(bench.store.documents(None).unwrap()[0].category, injection);
    let told: String = bench
        .raw()
        .query_row(
            "SELECT group_concat(coalesce(before, '') || coalesce(after, '')) FROM audit_log",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert!(!told.contains("DROP"), "the audit log has ids and digests only: {told}");
}
