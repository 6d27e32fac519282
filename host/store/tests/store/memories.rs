use stratagem_store::{MemoryFilter, NewMemory, Role, Store, StoreOptions};

use crate::Bench;

fn memory(content: &str, tags: &[&str], importance: u8) -> NewMemory {
    let tags = tags.iter().map(|&tag| tag.to_owned()).collect();
    NewMemory {
        content: content.into(),
        tags,
        domain: String::new(),
        context: "mirror tasks".into(),
        importance,
    }
}

fn all() -> MemoryFilter {
    MemoryFilter { tag: None, domain: None, least_importance: 1, limit: 10 }
}

#[test]
fn memories_are_found_by_words_tags_and_importance_and_can_be_forgotten() {
    let bench = Bench::new();
    let store = &bench.store;
    let turn = store.remember(&memory("turning helps with spirals", &["spiral", "turn", "turn"], 8)).unwrap();
    store.remember(&memory("filling is never enough", &["fill"], 2)).unwrap();
    let contents = |filter: &MemoryFilter| -> Vec<String> {
        store.memories(filter).unwrap().into_iter().map(|memory| memory.content).collect()
    };
    assert_eq!(contents(&all()), ["filling is never enough", "turning helps with spirals"]);
    assert_eq!(contents(&MemoryFilter { least_importance: 5, ..all() }).len(), 1);
    assert_eq!(contents(&MemoryFilter { tag: Some("fill".into()), ..all() }), ["filling is never enough"]);
    assert_eq!(contents(&MemoryFilter { tag: Some("fil".into()), ..all() }), [""; 0]);
    let found = |typed: &str| store.search_memories(typed, 10).unwrap();
    assert_eq!(found("turn")[0].id, turn, "by the word's stem");
    assert_eq!(found("turn")[0].tags, ["spiral", "turn"]);
    assert_eq!((found("mirror").len(), found("turn OR fill").len(), found("turn fill").len()), (2, 2, 0));
    assert_eq!(found("'); DROP TABLE memories; --").len(), 0);
    assert_eq!(store.forget_memory(&turn[..30]).unwrap(), turn);
    assert!(found("turn").is_empty());
    let unknown = store.forget_memory(&turn).unwrap_err();
    assert!(unknown.to_string().starts_with("no memory ") && unknown.hint().is_some(), "{unknown}");
    store.remember(&memory("more", &[], 5)).unwrap();
    assert!(store.forget_memory("0").unwrap_err().to_string().contains("fits several"));
    assert!(store.forget_memory("").unwrap_err().to_string().contains("fits several"));
    assert_eq!(bench.count("memories"), 2);
    assert_eq!(bench.count("audit_log WHERE action IN ('memory.add', 'memory.forget')"), 4);
    assert_eq!(bench.count("audit_log WHERE after LIKE '%turning%' OR before LIKE '%turning%'"), 0);
}

#[test]
fn what_is_no_memory_is_refused_and_a_reader_keeps_none() {
    let bench = Bench::new();
    let long = "x".repeat((1 << 20) + 1);
    for (wrong, words) in [
        (memory(" \n", &[], 5), "without content"),
        (memory(&long, &[], 5), "1048577 bytes"),
        (memory("a", &[], 0), "importance 0"),
        (memory("a", &[], 11), "importance 11"),
        (memory("a", &[""], 5), "tags"),
        (memory("a", &["t"; 51], 5), "51 tags"),
    ] {
        let error = bench.store.remember(&wrong).unwrap_err();
        assert!(error.to_string().contains(words) && error.hint().is_some(), "{error}");
    }
    let options = StoreOptions { role: Some(Role::Reader), ..StoreOptions::default() };
    let reader = Store::open_existing_with(&bench.path, &options).unwrap();
    assert!(reader.remember(&memory("a", &[], 5)).unwrap_err().to_string().contains("needs runner"));
    assert_eq!(bench.count("memories"), 0);
    assert!(reader.memories(&all()).unwrap().is_empty());
}
