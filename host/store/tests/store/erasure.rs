use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use serde_json::Value;
use stratagem_store::{ErasureReport, Method, NewMessage, Role, Store, StoreError, StoreOptions, User};

use crate::Bench;
use crate::fixtures::{is_encrypted, task};
use crate::planted::{documented, hex, holding, plant, strings, tables};

/// Words that stand nowhere else.
const WORD: &str = "zirkonquax";
const OTHER: &str = "bramblewort";
/// Enough for pages to be split many times.
const MESSAGES: usize = 400;

/// A database with two users, each with a row in every table and many messages.
struct Planted {
    bench: Bench,
    user: User,
    other: User,
}

fn planted(messages: usize) -> Planted {
    let bench = Bench::with(&[task("3c9b0459", 4)]);
    let user = bench.store.add_user(&format!("{WORD} the user"), Role::Runner).unwrap();
    let other = bench.store.add_user(&format!("{OTHER} the user"), Role::Runner).unwrap();
    let raw = bench.raw();
    plant(&raw, &user.id, 'a', WORD);
    plant(&raw, &other.id, 'b', OTHER);
    // In turns and of many sizes, so that rows of both share pages and pages are split.
    let mut random = 7_u64;
    raw.execute_batch("BEGIN").unwrap();
    for n in 0..messages {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (id, word) = if n % 2 == 0 { (&user.id, WORD) } else { (&other.id, OTHER) };
        let body = format!("{word} {} {n}", word.repeat((random >> 40) as usize % 90));
        let key = format!("{random:016x}{n}");
        raw.execute(
            "INSERT INTO messages (id, user_id, kind, body, created_at) VALUES (?1, ?2, 'text', ?3, ?4)",
            (&key, id, &body, n as i64),
        )
        .unwrap();
        raw.execute(
            "INSERT INTO memories (id, user_id, content, occurred_at, created_at, updated_at)
             VALUES (?1, ?2, ?3, 1, 1, 1)",
            (&key, id, &body),
        )
        .unwrap();
    }
    raw.execute_batch("COMMIT; ANALYZE").unwrap();
    let user = bench.store.user(&user.id).unwrap();
    Planted { bench, user, other }
}

fn erase(bench: &Bench, who: &str) -> Result<ErasureReport, StoreError> {
    bench.store.erase_user(who, &mut |_, _| {})
}

/// How often a word stands in the bytes of a file, whatever the case.
fn copies(path: &Path, word: &str) -> usize {
    let bytes = fs::read(path).unwrap().to_ascii_lowercase();
    bytes.windows(word.len()).filter(|window| *window == word.as_bytes()).count()
}

/// The same of every file in a folder.
fn copies_in(folder: &Path, word: &str) -> usize {
    fs::read_dir(folder).unwrap().map(|entry| copies(&entry.unwrap().path(), word)).sum()
}

fn export(store: &Store, who: &str) -> Value {
    let mut out = Vec::new();
    store.export_user(who, &mut out).unwrap();
    serde_json::from_slice(&out).unwrap()
}

#[test]
fn the_documentation_says_of_every_column_what_becomes_of_it() {
    let Planted { bench, .. } = planted(0);
    let (db, mut documented) = (bench.raw(), documented());
    for table in tables(&db) {
        let columns = strings(
            &db,
            &format!(
                "SELECT name FROM pragma_table_xinfo('{table}') WHERE hidden = 0 AND type IN ('TEXT', 'BLOB')"
            ),
        );
        for column in columns {
            let row = documented.remove(&(table.clone(), column.clone()));
            let (holds, fate) = row.unwrap_or_else(|| panic!("docs/keeping.md lacks {table}.{column}"));
            let is_known = ["deleted", "cleared", "kept"].iter().any(|word| fate.starts_with(word));
            assert!(is_known, "{table}.{column}: {fate}");
            // What the documentation calls a text of the user is a text that the tests below plant.
            if holds.starts_with("text") && !fate.starts_with("kept") {
                assert!(holding(&db, &table, &column, WORD) > 0, "{table}.{column} was not planted");
            }
        }
    }
    assert!(documented.is_empty(), "docs/keeping.md names what there is not: {documented:?}");
}

#[test]
fn an_erasure_leaves_no_copy_of_the_users_text_anywhere() {
    let Planted { bench, user, other } = planted(MESSAGES);
    let folder = bench.path.parent().unwrap();
    let raw = bench.raw();
    // One part lies in the file, the other in the write-ahead log alone.
    raw.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    for n in 0..20 {
        let message = NewMessage {
            user: Some(user.id.clone()),
            kind: "text".to_owned(),
            body: format!("{WORD} in the log {n}"),
            ..NewMessage::default()
        };
        bench.store.add_message(message).unwrap();
    }
    bench.store.event("info", "test", "named", &format!("{WORD} the user came"), &Value::Null).unwrap();
    fs::write(folder.join("runs.cache.redb"), format!("a copy of {WORD}")).unwrap();
    let wal = folder.join("runs.db-wal");
    // An encrypted file shows none of it before, and must not after.
    let seen = (copies(&bench.path, WORD), copies(&wal, WORD));
    assert!(if is_encrypted() { seen == (0, 0) } else { seen.0 > MESSAGES && seen.1 >= 20 }, "{seen:?}");
    assert!(holding(&raw, "sqlite_stat4", "sample", WORD) > 0, "the planner took samples");
    let before = export(&bench.store, &other.id);

    let report = erase(&bench, &user.name).unwrap();
    assert_eq!(copies_in(folder, WORD), 0);
    for (name, method) in [("later.db", Method::VacuumInto), ("online.db", Method::Online)] {
        bench.store.backup(&folder.join(name), method, &|_, _| {}).unwrap();
    }
    assert_eq!(copies_in(folder, WORD), 0, "backups made afterwards");
    for backup in ["later.db", "online.db"] {
        let others = copies(&folder.join(backup), OTHER);
        assert!(if is_encrypted() { others == 0 } else { others > 100 }, "{backup} is a backup: {others}");
    }

    assert_eq!(report.counts["messages"], 1 + MESSAGES as u64 / 2 + 20);
    assert_eq!(report.counts["messages.replies"], 2);
    assert_eq!(report.counts["system_events.mentions"], 2);
    assert!(report.copies_removed);
    let (status, counts): (String, String) = raw
        .query_row("SELECT status, counts FROM erasure_requests WHERE user_id = ?1", [&user.id], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    assert_eq!(status, "completed");
    assert_eq!(serde_json::from_str::<Value>(&counts).unwrap(), serde_json::json!(report.counts));
    assert_eq!(bench.store.verify_audit(None).unwrap().broken, None);
    assert!(bench.store.health().unwrap().is_empty());
    for index in ["episodes_fts", "memories_fts", "system_events_fts"] {
        raw.execute(&format!("INSERT INTO {index} ({index}, rank) VALUES ('integrity-check', 1)"), [])
            .unwrap();
    }
    // Nobody else lost anything, and money adds up as before.
    let after = export(&bench.store, &other.id);
    for (table, rows) in before["tables"].as_object().unwrap() {
        if table != "audit_log" {
            assert_eq!(after["tables"][table], *rows, "{table}");
        }
    }
    assert_eq!(bench.count("resource_usage WHERE kind = 'llm' AND cost_micros = 70"), 2);
    assert_eq!(bench.count("outcomes"), 2);
}

#[test]
fn an_interrupted_erasure_goes_on_at_the_next_call() {
    // As a kill would, a panic between two batches ends it; every seventh batch is a place.
    let mut ended = false;
    for stop in (1..).step_by(7) {
        let Planted { bench, user, .. } = planted(4);
        let mut batches = 0;
        let work = AssertUnwindSafe(|| {
            bench.store.erase_user(&user.name, &mut |_, _| {
                batches += 1;
                assert!(batches < stop, "the plug is pulled");
            })
        });
        let first = catch_unwind(work);
        if let Ok(done) = first {
            done.unwrap();
            ended = true;
            break;
        }
        assert_eq!(bench.store.unfinished_erasures().unwrap(), std::slice::from_ref(&user.id));
        assert_ne!(bench.store.user(&user.id).unwrap().status, "active", "they write no more");
        let folder = bench.path.parent().unwrap();
        let again = Store::open(&bench.path).unwrap();
        let report = again.erase_user(&user.id, &mut |_, _| {}).unwrap();
        assert_eq!(copies_in(folder, WORD), 0, "stopped after {stop}");
        // What the first call took is counted once, with what the second took.
        assert_eq!((report.counts["messages"], report.counts["embeddings"]), (3, 7), "stopped after {stop}");
        assert_eq!(bench.count("erasure_requests"), 1);
        assert!(again.unfinished_erasures().unwrap().is_empty());
    }
    assert!(ended);
}

/// The name goes before the file is cleaned: whoever is stopped there goes on by the id.
#[test]
fn an_erasure_that_another_program_holds_up_says_so_and_goes_on_by_id() {
    let Planted { bench, user, .. } = planted(4);
    let stopped = catch_unwind(AssertUnwindSafe(|| {
        bench.store.erase_user(&user.name, &mut |what, _| assert_ne!(what, "the file", "the plug is pulled"))
    }));
    assert!(stopped.is_err());
    assert_eq!(bench.store.user(&user.id).unwrap().status, "erased");
    assert!(erase(&bench, &user.name).is_err(), "nobody has the name any more");
    erase(&bench, &user.id).unwrap();
    assert_eq!(copies_in(bench.path.parent().unwrap(), WORD), 0);
    let again = erase(&bench, &user.id).unwrap_err();
    assert!(again.to_string().contains("erased already"), "{again}");
}

#[test]
fn what_others_point_at_stays_theirs() {
    let Planted { bench, user, other } = planted(0);
    let raw = bench.raw();
    raw.execute_batch(&format!(
        "PRAGMA foreign_keys = ON;
         UPDATE runs SET plugin_version_id = 'aversion', config_version_id = 'adv1' WHERE id = 'brun';
         UPDATE evaluations SET experiment_id = 'aexp', config_version_id = 'adv2' WHERE id = 'beval';
         UPDATE memories SET episode_id = 'aepisode' WHERE id = 'bmemory';
         UPDATE evaluation_tasks SET run_id = 'arun' WHERE evaluation_id = 'beval';
         UPDATE learned_artifacts SET run_id = 'arun', digest = (SELECT digest FROM learned_artifacts WHERE id = 'alearned')
             WHERE id = 'blearned';
         UPDATE failure_patterns SET cluster_id = 'acluster' WHERE id = 'bfailure';
         UPDATE document_versions SET author_id = '{user}', reason = 'because' WHERE id = 'bdv1';
         UPDATE document_changes SET decided_by = '{user}', reason = 'because' WHERE id = 'bchange';
         UPDATE todos SET assignee_id = '{user}' WHERE id = 'btodo';
         UPDATE recommendations SET status = 'applied', decided_by = '{user}', decided_at = 1 WHERE id = 'brec';",
        user = user.id
    ))
    .unwrap();
    erase(&bench, &user.name).unwrap();
    let of_plugin = "plugins WHERE id = 'aplugin' AND owner_id = '00000000-0000-7000-8000-000000000001'";
    for (what, count) in [
        (of_plugin, 1),
        ("plugin_versions WHERE id = 'aversion' AND manifest IS NOT NULL", 1),
        ("artifacts WHERE body IS NOT NULL AND digest IN (SELECT wasm_digest FROM plugin_versions)", 3),
        ("runs WHERE id = 'brun' AND config_version_id IS NULL", 1),
        ("evaluations WHERE id = 'beval' AND experiment_id IS NULL AND config_version_id IS NULL", 1),
        ("memories WHERE id = 'bmemory' AND episode_id IS NULL", 1),
        ("evaluation_tasks WHERE evaluation_id = 'beval' AND run_id IS NULL", 1),
        ("learned_artifacts l JOIN artifacts a ON a.digest = l.digest WHERE l.run_id IS NULL", 1),
        ("failure_clusters WHERE id = 'acluster'", 1),
        ("document_versions WHERE id = 'bdv1' AND author_id IS NULL AND reason IS NULL AND body <> ''", 1),
        ("document_changes WHERE id = 'bchange' AND decided_by IS NULL AND reason IS NULL", 1),
        ("todos WHERE id = 'btodo' AND assignee_id IS NULL", 1),
        ("recommendations WHERE id = 'brec' AND decided_by IS NULL", 1),
    ] {
        assert_eq!(bench.count(what), count, "{what}");
    }
    assert!(bench.store.health().unwrap().is_empty());
    assert_eq!(bench.store.user(&other.id).unwrap().status, "active");
}

#[test]
fn the_local_user_oneself_and_nobody_are_not_erased() {
    let bench = Bench::new();
    bench.store.add_user("ada", Role::Admin).unwrap();
    let options = StoreOptions { user: Some("ada".to_owned()), ..StoreOptions::default() };
    let ada = Store::open_with(&bench.path, &options).unwrap();
    for (store, who, words) in [
        (&bench.store, "local", "the local user cannot be erased"),
        (&ada, "ada", "nobody can erase themselves"),
        (&bench.store, "bob", "no user \"bob\""),
    ] {
        let error = store.erase_user(who, &mut |_, _| {}).unwrap_err();
        assert!(error.to_string().contains(words) && error.hint().is_some(), "{who}: {error}");
    }
    assert_eq!(bench.count("erasure_requests"), 0);
    assert_eq!(bench.count("user_identities WHERE status = 'active'"), 2);
}

#[test]
fn an_erased_user_cannot_write_with_what_was_open() {
    let bench = Bench::new();
    bench.store.add_user("ada", Role::Runner).unwrap();
    let options = StoreOptions { user: Some("ada".to_owned()), ..StoreOptions::default() };
    let ada = Store::open_with(&bench.path, &options).unwrap();
    ada.add_todo("before", None, None).unwrap();
    erase(&bench, "ada").unwrap();
    let error = ada.add_todo("after", None, None).unwrap_err();
    assert!(error.to_string().contains("may no longer write"), "{error}");
    assert_eq!(bench.count("todos"), 0);
    assert!(matches!(Store::open_with(&bench.path, &options), Err(StoreError::UnknownUser { .. })));
}

#[test]
fn embeddings_go_without_what_they_are_of() {
    let Planted { bench, user, .. } = planted(4);
    assert_eq!(bench.store.forget_embeddings(&user.name).unwrap(), 7);
    let raw = bench.raw();
    assert_eq!(holding(&raw, "embeddings", "content", WORD), 0);
    assert_eq!(holding(&raw, "embeddings", "content", OTHER), 7);
    assert_eq!(bench.count(&format!("messages WHERE user_id = '{}'", user.id)), 3);
    assert_eq!(bench.store.forget_embeddings(&user.name).unwrap(), 0);
}

#[test]
fn an_export_has_all_that_is_held_on_a_user() {
    let Planted { bench, user, other } = planted(4);
    let db = bench.raw();
    let document = export(&bench.store, &user.name);
    let held = document["tables"].as_object().unwrap();
    let is_held = |table: &str| held.keys().any(|name| name.split('.').next() == Some(table));
    for table in tables(&db) {
        let points: i64 = db
            .query_row(
                "SELECT count(*) FROM pragma_foreign_key_list(?1) WHERE \"table\" = 'user_identities'",
                [&table],
                |row| row.get(0),
            )
            .unwrap();
        let named: i64 = db
            .query_row(
                "SELECT count(*) FROM pragma_table_xinfo(?1) WHERE hidden = 0
                 AND name IN ('user_id', 'owner_id', 'actor_id', 'created_by', 'author_id')",
                [&table],
                |row| row.get(0),
            )
            .unwrap();
        assert!(points + named == 0 || is_held(&table), "{table} points at users and is not exported");
    }
    for ((table, column), (holds, fate)) in documented() {
        if holds.starts_with("text") && !fate.starts_with("kept") {
            let found = held.iter().filter(|(name, _)| name.split('.').next() == Some(table.as_str())).any(
                |(_, rows)| {
                    rows.as_array().unwrap().iter().any(|row| {
                        let text = row[&column].to_string();
                        text.contains(WORD) || text.contains(&hex(WORD.as_bytes()))
                    })
                },
            );
            assert!(found, "{table}.{column} is held and not exported");
        }
    }
    assert!(!document.to_string().contains(OTHER), "nothing of another user");
    assert_eq!(document["counts"]["messages"], 3);
    assert_eq!(document["tables"]["messages"].as_array().unwrap().len(), 3);
    assert_eq!(document["tables"]["run_journals"][0]["body"][0], format!("{WORD} journal"));
    // Everybody may have their own, and no one else's.
    let options = StoreOptions {
        user: Some(user.id.clone()),
        role: Some(Role::Reader),
        no_migration: true,
        ..StoreOptions::default()
    };
    let own = Store::open_with(&bench.path, &options).unwrap();
    let again = export(&own, &user.id);
    assert_eq!(again["tables"]["messages"], document["tables"]["messages"]);
    let error = own.export_user(&other.id, &mut Vec::new()).unwrap_err();
    assert!(matches!(error, StoreError::Forbidden { needed: Role::Admin, .. }), "{error}");
}
