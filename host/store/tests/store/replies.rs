use std::thread;
use std::time::Duration;

use stratagem_domain::{Held, Keeping, ModelLedger, Question};
use stratagem_store::{Store, StoreOptions};

use crate::Bench;
use crate::models::{HOUR, hold, question, reply, spend, usage};

fn keep(store: &Store, question: &Question, text: &str, keeping: Keeping) {
    let Held::Granted(id) = store.hold(&hold(10)).unwrap() else { panic!() };
    store.settle(&id, &hold(10), &usage(10), Some((question, &reply(text), &keeping))).unwrap();
}

/// The document's unique prompt hash refused the same prompt on another model.
#[test]
fn the_same_prompt_on_another_model_or_at_another_temperature_is_another_reply() {
    let bench = Bench::new();
    let asked = [question("small", 0.0), question("large", 0.0), question("small", 0.5)];
    for (at, question) in asked.iter().enumerate() {
        assert_eq!(bench.store.kept(question, &HOUR).unwrap(), None);
        keep(&bench.store, question, &format!("reply {at}\0'\""), HOUR);
    }
    for (at, question) in asked.iter().enumerate() {
        assert_eq!(bench.store.kept(question, &HOUR).unwrap(), Some(reply(&format!("reply {at}\0'\""))));
    }
    assert_eq!(bench.count("llm_cache"), 3);
    let hashes: i64 = bench
        .raw()
        .query_row("SELECT count(DISTINCT prompt_hash) FROM llm_cache", [], |row| row.get(0))
        .unwrap();
    assert_eq!(hashes, 1);
    assert_eq!(
        bench.count("llm_cache WHERE model_name = 'small' AND temperature = 0.5 AND access_count = 2"),
        1
    );
    let counts = bench.store.reply_counts().unwrap();
    assert_eq!((counts.replies, counts.hits, counts.saved_micros), (3, 3, 30));
}

#[test]
fn one_users_reply_is_handed_to_another_only_where_they_share() {
    let bench = Bench::new();
    bench
        .raw()
        .execute(
            "INSERT INTO user_identities (id, display_name, role, created_at, updated_at)
             VALUES ('u2', 'second', 'runner', 1, 1)",
            [],
        )
        .unwrap();
    let options = StoreOptions { user: Some("second".into()), ..StoreOptions::default() };
    let second = Store::open_existing_with(&bench.path, &options).unwrap();
    let question = question("small", 0.0);
    keep(&bench.store, &question, "mine", HOUR);
    assert_eq!(second.kept(&question, &HOUR).unwrap(), None);
    let shared = Keeping { is_shared: true, ..HOUR };
    assert_eq!(second.kept(&question, &shared).unwrap(), None);
    keep(&bench.store, &question, "ours", shared);
    assert_eq!(second.kept(&question, &shared).unwrap(), Some(reply("ours")));
    assert_eq!(bench.store.kept(&question, &HOUR).unwrap(), Some(reply("mine")));
    // Both go with who asked first.
    bench
        .raw()
        .execute_batch("PRAGMA foreign_keys = ON; DELETE FROM llm_cache WHERE user_id <> 'u2'")
        .unwrap();
    keep(&second, &question, "theirs", shared);
    bench
        .raw()
        .execute_batch(
            "PRAGMA foreign_keys = ON; DELETE FROM resource_usage; DELETE FROM user_identities WHERE id = 'u2'",
        )
        .unwrap();
    assert_eq!(bench.count("llm_cache"), 0);
    // A budget of one user is no other's.
    assert_eq!(spend(&bench.store, &hold(10)), Ok(vec![]));
}

#[test]
fn an_expired_reply_is_never_handed_out_and_the_sweeper_takes_it() {
    let bench = Bench::new();
    let (brief, lasting) = (question("small", 0.0), question("large", 0.0));
    keep(&bench.store, &brief, "old", Keeping { lasts_ms: 30, ..HOUR });
    keep(&bench.store, &lasting, "new", HOUR);
    thread::sleep(Duration::from_millis(40));
    assert_eq!(bench.store.kept(&brief, &HOUR).unwrap(), None);
    assert_eq!(bench.store.reply_counts().unwrap().expired, 1);
    // A reply from after now has no age that the clock could tell.
    bench
        .raw()
        .execute("UPDATE llm_cache SET created_at = created_at + 3600000 WHERE model = 'large'", [])
        .unwrap();
    assert_eq!(bench.store.kept(&lasting, &HOUR).unwrap(), None);
    bench
        .raw()
        .execute("UPDATE llm_cache SET created_at = created_at - 3600000 WHERE model = 'large'", [])
        .unwrap();
    assert!(bench.store.kept(&lasting, &HOUR).unwrap().is_some());
    // More than the sweeper takes in one transaction, and used often: neither keeps them.
    bench
        .raw()
        .execute_batch(
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 1200)
             INSERT INTO llm_cache (key, provider, model, prompt_hash, params, response, prompt_tokens,
                 completion_tokens, hits, created_at, last_hit_at, expires_at)
             SELECT printf('%064d', n), 'near', 'small', printf('%064d', 1), '{}', 'x', 1, 1, 99, 1, 1, 2 FROM n",
        )
        .unwrap();
    assert_eq!(bench.store.sweep_llm_cache().unwrap(), 1_201);
    assert_eq!(bench.store.sweep_llm_cache().unwrap(), 0);
    assert_eq!(bench.count("llm_cache"), 1);
    keep(&bench.store, &brief, "newer", HOUR);
    assert_eq!(bench.store.kept(&brief, &HOUR).unwrap(), Some(reply("newer")));
}
