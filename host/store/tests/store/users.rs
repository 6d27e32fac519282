use stratagem_store::{Handle, MessageFilter, NewMessage, Role, StoreError};

use crate::Bench;

fn refused<T: std::fmt::Debug>(result: Result<T, StoreError>, words: &str) {
    let error = result.unwrap_err();
    assert!(error.to_string().contains(words) && error.hint().is_some(), "{error}");
}

#[test]
fn users_are_added_renamed_disabled_and_found_by_name_or_id() {
    let bench = Bench::new();
    let ada = bench.store.add_user("ada", Role::Reader).unwrap();
    assert_eq!((ada.status.as_str(), ada.role), ("active", Role::Reader));
    assert_eq!(bench.store.user(&ada.id).unwrap(), ada);
    let renamed = bench.store.rename_user("ada", "ada l. \"the first\"; DROP TABLE runs").unwrap();
    assert_eq!((&renamed.id, bench.store.user(&renamed.name).unwrap()), (&ada.id, renamed.clone()));
    refused(bench.store.user("ada"), "no user \"ada\"");
    assert_eq!(bench.store.set_role(&ada.id, Role::Admin).unwrap().role, Role::Admin);
    assert_eq!(bench.store.set_active(&ada.id, false).unwrap().status, "disabled");
    assert_eq!(bench.store.set_active(&ada.id, true).unwrap().status, "active");
    let names: Vec<_> = bench.store.users().unwrap().into_iter().map(|user| user.name).collect();
    assert_eq!(names, ["local", renamed.name.as_str()]);
}

#[test]
fn names_that_would_mislead_are_refused() {
    let bench = Bench::new();
    let ada = bench.store.add_user("ada", Role::Runner).unwrap();
    for (name, words) in [
        ("", "is empty"),
        (" ada", "begins or ends"),
        ("a\u{1b}[2J", "control character"),
        (ada.id.as_str(), "looks like an id"),
        ("ada", "there is a user \"ada\" already"),
        ("local", "there is a user \"local\" already"),
        (&"x".repeat(101), "longer than 100"),
    ] {
        refused(bench.store.add_user(name, Role::Runner), words);
        if name != "ada" {
            refused(bench.store.rename_user("ada", name), words);
        }
    }
    assert_eq!(bench.count("user_identities"), 2);
}

#[test]
fn the_local_user_stays_active_and_admin() {
    let bench = Bench::new();
    refused(bench.store.set_role("local", Role::Runner), "is always an admin");
    refused(bench.store.set_active("local", false), "is always active");
    assert_eq!(bench.store.rename_user("local", "operator").unwrap().role, Role::Admin);
}

#[test]
fn a_handle_belongs_to_one_user() {
    let bench = Bench::new();
    bench.store.add_user("ada", Role::Runner).unwrap();
    bench.store.add_user("bob", Role::Runner).unwrap();
    bench.store.add_handle("ada", "discord", "ada#1").unwrap();
    bench.store.add_handle("ada", "discord", "ada#1").unwrap();
    let user = bench.store.add_handle("ada", "email", "ada@example.org").unwrap();
    let handle = |provider: &str, handle: &str| Handle { provider: provider.into(), handle: handle.into() };
    assert_eq!(user.handles, [handle("discord", "ada#1"), handle("email", "ada@example.org")]);
    let email: String = bench
        .raw()
        .query_row("SELECT email FROM user_contacts WHERE user_id = ?1", [&user.id], |row| row.get(0))
        .unwrap();
    assert_eq!(email, "ada@example.org");
    refused(bench.store.add_handle("bob", "discord", "ada#1"), "is another user's");
    refused(bench.store.add_handle("bob", "Discord Server", "x"), "provider");
    refused(bench.store.add_handle("bob", "phone", ""), "handle");
    refused(bench.store.remove_handle("bob", "discord", "ada#1"), "has no such handle");
    assert_eq!(bench.store.remove_handle("ada", "discord", "ada#1").unwrap().handles.len(), 1);
    bench.store.add_handle("bob", "discord", "ada#1").unwrap();
}

#[test]
fn messages_come_back_as_they_went_in() {
    let bench = Bench::new();
    let ada = bench.store.add_user("ada", Role::Runner).unwrap();
    let said = NewMessage {
        user: Some(ada.id.clone()),
        channel: Some("general".to_owned()),
        guild: Some("42".to_owned()),
        kind: "text".to_owned(),
        body: "what is it? \0 '; DROP TABLE messages; -- 日本".to_owned(),
        reply_to: None,
        meta: Some(serde_json::json!({"email": {"subject": "π"}})),
    };
    let id = bench.store.add_message(said.clone()).unwrap();
    let reply = NewMessage {
        kind: "reply".into(),
        body: "it is 4".into(),
        reply_to: Some(id.clone()),
        ..NewMessage::default()
    };
    bench.store.add_message(reply).unwrap();
    let all = bench.store.messages(&MessageFilter::default()).unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!(all.iter().find(|message| message.user.is_none()).unwrap().reply_to.as_ref(), Some(&id));
    let of_ada = MessageFilter { user: Some(ada.id), channel: Some("general".into()), limit: 5 };
    let [message] = &bench.store.messages(&of_ada).unwrap()[..] else { panic!("one message") };
    assert_eq!((&message.id, &message.body, &message.meta), (&id, &said.body, &said.meta));
    let nowhere = |message: NewMessage| refused(bench.store.add_message(message), "message");
    nowhere(NewMessage { body: String::new(), ..said.clone() });
    nowhere(NewMessage { body: "x".repeat(1_048_577), ..said.clone() });
    nowhere(NewMessage { reply_to: Some("nothing".into()), ..said.clone() });
    nowhere(NewMessage { user: Some("nobody".into()), ..said });
    assert_eq!(bench.count("messages"), 2);
}

#[test]
fn todos_are_open_until_they_are_done_or_dropped() {
    let bench = Bench::new();
    bench.store.add_user("ada", Role::Runner).unwrap();
    let first = bench.store.add_todo("look at run 7", Some("it trapped"), Some("ada")).unwrap();
    let second = bench.store.add_todo("write it down", None, None).unwrap();
    let open = bench.store.todos(false).unwrap();
    assert_eq!(open.iter().map(|todo| &todo.id).collect::<Vec<_>>(), [&first, &second]);
    assert_eq!(open[0].assignee.as_deref(), Some("ada"));
    assert_eq!(bench.store.end_todo(&first, true).unwrap(), first);
    refused(bench.store.end_todo(&first, true), "no open todo");
    refused(bench.store.end_todo("", true), "characters long");
    bench.store.end_todo(&second, false).unwrap();
    assert!(bench.store.todos(false).unwrap().is_empty());
    let all = bench.store.todos(true).unwrap();
    assert_eq!(all.iter().map(|todo| todo.status.as_str()).collect::<Vec<_>>(), ["done", "dropped"]);
    refused(bench.store.add_todo("", None, None), "title");
    refused(bench.store.add_todo("x", None, Some("nobody")), "no user");
}
