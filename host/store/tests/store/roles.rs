//! What each role may do, at the store's door and behind it.

use serde_json::Value;
use stratagem_domain::{Ledger, Split};
use stratagem_store::{
    AuditFilter, MessageFilter, NewMessage, Papers, Role, RunFilter, Store, StoreError, StoreOptions,
};

use crate::Bench;
use crate::fixtures::{COMPONENT, WORLD, plugin, set, solved, task};

type Operation = (&'static str, fn(&Store) -> Result<(), StoreError>);

/// Reading, of every kind.
const READS: [Operation; 9] = [
    ("runs", |store| store.runs(&RunFilter::default()).map(drop)),
    ("datasets", |store| store.datasets().map(drop)),
    ("component", |store| store.component(&plugin("mirror").digest).map(drop)),
    ("users", |store| store.users().map(drop)),
    ("messages", |store| store.messages(&MessageFilter::default()).map(drop)),
    ("todos", |store| store.todos(true).map(drop)),
    ("audit", |store| store.audit(&AuditFilter::default()).map(drop)),
    ("verify", |store| store.verify_audit(None).map(drop)),
    ("a dry run of retention", |store| store.retain(1, true).map(drop)),
];

/// Writing what runs leave.
const WRITES: [Operation; 7] = [
    ("event", |store| store.event("info", "test", "kind", "text", &Value::Null)),
    ("import", |store| store.import(&set("more", &[(Split::Training, task("b", 2))])).map(drop)),
    ("component", |store| store.keep_component(&plugin("other"), WORLD, "{}", COMPONENT)),
    ("plugin", |store| store.keep_plugin(&plugin("third"), WORLD, "{}", COMPONENT, &Papers::default())),
    ("message", |store| {
        let message = NewMessage { kind: "text".into(), body: "hello".into(), ..NewMessage::default() };
        store.add_message(message).map(drop)
    }),
    ("todo", |store| store.add_todo("title", None, None).map(drop)),
    ("own embeddings", |store| store.forget_embeddings(&store.actor().id.clone()).map(drop)),
];

/// Changing what others are held to.
const ORDERS: [Operation; 11] = [
    ("add a user", |store| store.add_user("new", Role::Reader).map(drop)),
    ("rename", |store| store.rename_user("target", "aim").map(drop)),
    ("rename back", |store| store.rename_user(&id_of(store, "aim", "target"), "target").map(drop)),
    ("role", |store| store.set_role("target", Role::Runner).map(drop)),
    ("disable", |store| store.set_active("target", false).map(drop)),
    ("handle", |store| store.add_handle("target", "email", "t@example.org").map(drop)),
    ("no handle", |store| store.remove_handle("target", "email", "t@example.org").map(drop)),
    ("keep", |store| store.set_retention("messages", 86_400_000, None)),
    ("keep for ever", |store| store.remove_retention("messages")),
    ("retain", |store| store.retain(1, false).map(drop)),
    ("erase", |store| store.erase_user("target", &mut |_, _| {}).map(drop)),
];

/// Whichever of two names there is.
fn id_of(store: &Store, one: &str, other: &str) -> String {
    store.user(one).or_else(|_| store.user(other)).unwrap().id
}

/// A database with a user of each role, and one to be worked on.
fn bench() -> Bench {
    let task = task("a", 1);
    let bench = Bench::with(std::slice::from_ref(&task));
    bench.store.record(&solved(plugin("mirror"), &task), &task, None).unwrap();
    for role in Role::ALL {
        bench.store.add_user(role.as_str(), role).unwrap();
    }
    bench.store.add_user("target", Role::Runner).unwrap();
    bench
}

fn open(bench: &Bench, user: &str, role: Option<Role>) -> Store {
    let options = StoreOptions { user: Some(user.to_owned()), role, ..StoreOptions::default() };
    Store::open_with(&bench.path, &options).unwrap()
}

#[test]
fn every_operation_needs_its_role_and_a_refusal_changes_nothing() {
    let bench = bench();
    let kinds = [(Role::Reader, &READS[..]), (Role::Runner, &WRITES[..]), (Role::Admin, &ORDERS[..])];
    for role in Role::ALL {
        let store = open(&bench, role.as_str(), None);
        assert_eq!(store.actor().role, role);
        for (needed, operations) in kinds {
            for (what, operation) in operations {
                let before = bench.count("audit_log");
                let done = operation(&store);
                if role >= needed {
                    done.unwrap_or_else(|error| panic!("{role}: {what}: {error}"));
                } else {
                    let error = done.expect_err(what);
                    assert!(
                        matches!(&error, StoreError::Forbidden { needed: wanted, .. } if *wanted == needed),
                        "{role}: {what}: {error}"
                    );
                    assert_eq!(bench.count("audit_log"), before, "{role}: {what}");
                }
            }
        }
    }
    // What was done is under the name of who did it.
    let runner = bench.store.user("runner").unwrap().id;
    let by_runner = AuditFilter { actor: Some(runner), ..AuditFilter::default() };
    assert!(bench.store.audit(&by_runner).unwrap().iter().all(|line| line.role == "runner"));
}

#[test]
fn a_reader_cannot_record_a_run() {
    let bench = bench();
    let task = task("a", 1);
    let error =
        open(&bench, "reader", None).record(&solved(plugin("mirror"), &task), &task, None).unwrap_err();
    assert!(error.message.contains("keeping a run needs runner"), "{}", error.message);
    assert_eq!(bench.count("runs"), 1);
}

#[test]
fn what_an_option_lowers_is_low_and_it_raises_nothing() {
    let bench = bench();
    let lowered = open(&bench, "admin", Some(Role::Reader));
    assert!(matches!(lowered.add_todo("x", None, None), Err(StoreError::Forbidden { .. })));
    assert_eq!(open(&bench, "reader", Some(Role::Admin)).actor().role, Role::Reader);
}

#[test]
fn whoever_is_disabled_or_lowered_writes_no_more_with_what_is_open() {
    let bench = bench();
    let (admin, runner) = (open(&bench, "admin", None), open(&bench, "runner", None));
    bench.store.set_role("admin", Role::Runner).unwrap();
    let error = admin.add_user("new", Role::Reader).unwrap_err();
    assert!(error.to_string().contains("may no longer write"), "{error}");
    runner.add_todo("x", None, None).unwrap();
    bench.store.set_active("runner", false).unwrap();
    assert!(runner.add_todo("y", None, None).is_err());
    assert!(
        Store::open_with(
            &bench.path,
            &StoreOptions { user: Some("runner".into()), ..StoreOptions::default() }
        )
        .is_err()
    );
    assert_eq!((bench.count("todos"), bench.count("user_identities")), (1, 5));
    bench.store.set_active("runner", true).unwrap();
    runner.add_todo("y", None, None).unwrap();
}

#[test]
fn a_guest_neither_makes_nor_migrates_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/runs.db");
    let guest = StoreOptions { user: Some("ada".to_owned()), ..StoreOptions::default() };
    assert!(matches!(Store::open_with(&path, &guest), Err(StoreError::NoDatabase { .. })));
    assert!(!path.exists() && !folder.path().join("new").exists());
    std::fs::create_dir(folder.path().join("new")).unwrap();
    std::fs::write(&path, "").unwrap();
    let low = StoreOptions { role: Some(Role::Runner), ..StoreOptions::default() };
    for options in [&guest, &low] {
        assert!(matches!(Store::open_with(&path, options), Err(StoreError::OlderSchema { found: 0, .. })));
    }
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 0);
}
