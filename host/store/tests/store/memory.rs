//! What runs leave for later ones: whose it is, how much of it there may be, and that it is found.

use stratagem_domain::training::{Metrics, Said, Schedule, Trained, Training};
use stratagem_domain::{
    Backing, Call, Declined, Ending, Episode, Exchange, LabelledTask, Ledger, Outcome, Pattern, Place, Reply,
    Step, StoredRun, pattern_id,
};
use stratagem_store::{Quotas, RunMemory, Store, StoreOptions};

use crate::Bench;
use crate::fixtures::{ended, plugin, solved, task};

const LOCAL: &str = "00000000-0000-7000-8000-000000000001";

/// Of runs; tasks have theirs.
const EMBEDDED: &str = "embeddings WHERE subject_kind = 'episode'";

fn keep(kind: &str, data: &str, success: bool) -> Call {
    Call::KeepPattern { kind: kind.into(), data: data.into(), success }
}

fn embed(content: &str, vector: &[f32]) -> Call {
    Call::Embed { content: content.into(), vector: vector.to_vec(), model: "m".into() }
}

fn save(name: &str, bytes: &[u8]) -> Call {
    Call::Save { name: name.into(), bytes: bytes.to_vec() }
}

fn load(name: &str) -> Call {
    Call::Load { name: name.into() }
}

/// A run of `mirror` in a domain with what it asked; it solved its task.
fn run_of(domain: &str, memory: &RunMemory, calls: &[Call]) -> StoredRun {
    let journal =
        calls.iter().map(|call| Exchange { call: call.clone(), reply: memory.answer(call) }).collect();
    let place = Place { domain: Some(domain.to_owned()), ..Place::default() };
    StoredRun { journal, place, ..solved(plugin("mirror"), &the_task()) }
}

fn the_task() -> LabelledTask {
    task("3c9b0459", 4)
}

/// Has a run ask, keeps it, and returns what it was told.
fn play(store: &Store, domain: &str, calls: &[Call]) -> Vec<Result<Reply, Declined>> {
    let run = run_of(domain, &store.memory_for(domain), calls);
    store.record(&run, &the_task(), None).unwrap();
    run.journal.into_iter().map(|then| then.reply).collect()
}

fn patterns(memory: &RunMemory, kind: &str, least: f64, limit: u32) -> Vec<Pattern> {
    let call = Call::Patterns { kind: kind.into(), min_success_rate: least, limit };
    match memory.answer(&call) {
        Ok(Reply::Patterns(patterns)) => patterns,
        other => panic!("{other:?}"),
    }
}

fn episodes(memory: &RunMemory, call: &Call) -> Vec<Episode> {
    match memory.answer(call) {
        Ok(Reply::Episodes(episodes)) => episodes,
        other => panic!("{other:?}"),
    }
}

fn recall(memory: &RunMemory, vector: &[f32], limit: u32) -> Vec<Episode> {
    episodes(memory, &Call::Recall { vector: vector.to_vec(), model: "m".into(), limit })
}

fn search(memory: &RunMemory, query: &str) -> Vec<Episode> {
    episodes(memory, &Call::Search { query: query.into(), limit: 10 })
}

fn loaded(memory: &RunMemory, name: &str) -> Option<Vec<u8>> {
    match memory.answer(&load(name)) {
        Ok(Reply::Loaded(bytes)) => bytes,
        other => panic!("{other:?}"),
    }
}

fn bench() -> Bench {
    Bench::with(&[the_task()])
}

/// The same file, for another user.
fn other_user(bench: &Bench) -> Store {
    let id = "00000000-0000-7000-8000-00000000000b";
    bench
        .raw()
        .execute(
            "INSERT INTO user_identities (id, display_name, created_at, updated_at) VALUES (?1, 'bea', 0, 0)",
            [id],
        )
        .unwrap();
    let options = StoreOptions { user: Some("bea".into()), ..StoreOptions::default() };
    Store::open_existing_with(&bench.path, &options).unwrap()
}

fn everything() -> [Call; 3] {
    [keep("fill", "red", true), embed("words", &[1.0, 0.0]), save("policy", b"first")]
}

#[test]
fn how_runs_on_the_very_task_were_scored_stays_unsaid() {
    let bench = bench();
    play(&bench.store, "mirrors", &everything());
    let told = |memory: &RunMemory| {
        let found = recall(memory, &[1.0, 0.0], 1).into_iter().chain(search(memory, "turn"));
        found.map(|episode| (episode.actions.is_empty(), episode.success_rate)).collect::<Vec<_>>()
    };
    let on_another = told(&bench.store.memory_for("mirrors").on(task("another", 4).digest()));
    assert!(!on_another.is_empty() && on_another.iter().all(|(_, rate)| rate.is_some()), "{on_another:?}");
    let on_it = told(&bench.store.memory_for("mirrors").on(the_task().digest()));
    let unsaid: Vec<_> = on_another.iter().map(|(silent, _)| (*silent, None)).collect();
    assert_eq!(on_it, unsaid, "what was done is told");
}

#[test]
fn what_a_run_keeps_is_found_by_the_same_owner_in_the_same_domain_and_by_nobody_else() {
    let bench = bench();
    let bea = other_user(&bench);
    play(&bench.store, "mirrors", &everything());
    let sees = |memory: &RunMemory| {
        [
            patterns(memory, "fill", 0.0, 10).len(),
            recall(memory, &[1.0, 0.0], 10).len(),
            usize::from(loaded(memory, "policy").is_some()),
            search(memory, "search").len(),
        ]
    };
    assert_eq!(sees(&bench.store.memory_for("mirrors")), [1, 1, 1, 1]);
    for other in ["mirror", "Mirrors", "mirrors ", "%", "", "mirrors' OR 1=1 --"] {
        assert_eq!(sees(&bench.store.memory_for(other)), [0; 4], "{other:?}");
    }
    assert_eq!(sees(&bea.memory_for("mirrors")), [0; 4], "another owner");
    // The same name elsewhere is another thing.
    play(&bea, "mirrors", &[save("policy", b"hers"), keep("fill", "red", false)]);
    assert_eq!(loaded(&bench.store.memory_for("mirrors"), "policy").unwrap(), b"first");
    assert!(
        (patterns(&bench.store.memory_for("mirrors"), "fill", 0.0, 1)[0].success_rate - 1.0).abs() < 1e-9
    );
    assert_eq!(patterns(&bea.memory_for("mirrors"), "fill", 0.0, 1)[0].usage_count, 1);
    assert_eq!(bench.store.patterns("mirrors", "fill", 0.0, 9).unwrap().len(), 1);
    assert_eq!(bench.store.nearest_episodes("mirrors", "m", &[2.0, 0.1], 9).unwrap().len(), 1);
    assert_eq!(bench.store.search_episodes(None, "sear*", 9).unwrap().len(), 1);
    assert_eq!(bench.store.search_episodes(Some("elsewhere"), "search", 9).unwrap().len(), 0);
}

#[test]
fn a_run_sees_what_it_kept_itself_and_others_only_what_was_recorded() {
    let bench = bench();
    let (one, other) = (bench.store.memory_for("d"), bench.store.memory_for("d"));
    for call in everything() {
        assert!(one.answer(&call).is_ok());
    }
    let id = pattern_id(LOCAL, "d", "fill", "red");
    assert_eq!(one.answer(&keep("fill", "red", false)), Ok(Reply::Kept(id.clone())));
    let own = patterns(&one, "fill", 0.0, 10);
    assert_eq!((own.len(), &own[0].id, own[0].usage_count), (1, &id, 2));
    assert!((own[0].success_rate - 0.5).abs() < 1e-9 && patterns(&one, "fill", 0.6, 10).is_empty());
    assert_eq!(loaded(&one, "policy").unwrap(), b"first");
    assert!(recall(&one, &[1.0, 0.0], 5).is_empty(), "its own episode is not finished");
    assert!(patterns(&other, "fill", 0.0, 10).is_empty() && loaded(&other, "policy").is_none());
    // Dropped, as a run that was killed is: nothing is left.
    drop(one);
    for table in ["patterns", EMBEDDED, "learned_artifacts", "episode_patterns", "run_journals"] {
        assert_eq!(bench.count(table), 0, "{table}");
    }
}

#[test]
fn patterns_are_counted_over_runs_and_ranked_by_what_their_sample_is_worth() {
    let bench = bench();
    let uses = |data: &str, successes: usize, trials: usize| -> Vec<Call> {
        (0..trials).map(|at| keep("k", data, at < successes)).collect()
    };
    for part in [uses("often", 18, 20), uses("once", 1, 1), uses("half", 3, 6), uses("never", 0, 4)] {
        let (first, second) = part.split_at(part.len() / 2);
        play(&bench.store, "d", first);
        play(&bench.store, "d", second);
    }
    play(&bench.store, "d", &[keep("another", "often", false)]);
    let memory = bench.store.memory_for("d");
    let names = |least, limit| -> Vec<String> {
        patterns(&memory, "k", least, limit).into_iter().map(|pattern| pattern.data).collect()
    };
    assert_eq!(names(0.0, 10), ["often", "once", "half", "never"]);
    assert_eq!(names(0.5, 10), ["often", "once", "half"]);
    assert_eq!(names(0.95, 10), ["once"], "the least rate is the plain one");
    assert_eq!(names(0.0, 2), ["often", "once"]);
    assert_eq!(names(0.0, 0), [""; 0]);
    // What the run adds counts at once: four more failures put `once` behind `half`.
    (0..4).for_each(|_| drop(memory.answer(&keep("k", "once", false))));
    assert_eq!(names(0.0, 10), ["often", "half", "once", "never"]);
    let often = &patterns(&memory, "k", 0.0, 1)[0];
    assert_eq!((often.usage_count, often.success_rate.to_bits()), (20, 0.9_f64.to_bits()));
    let links = "episode_patterns WHERE role = 'extracted'";
    assert_eq!((bench.count(links), bench.count("episode_patterns") > 5), (5, true));
    let stored: (i64, f64) = bench
        .raw()
        .query_row(
            "SELECT usage_count, success_rate FROM patterns WHERE pattern_data = 'often' AND type = 'k'",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    assert_eq!((stored.0, stored.1.to_bits()), (20, 0.9_f64.to_bits()));
}

#[test]
fn blobs_lie_once_in_versions_and_not_in_the_journal() {
    let bench = bench();
    let large = vec![7_u8; 300_000];
    play(&bench.store, "d", &[save("w", &large), save("w", b"second"), save("w", &large), save("v", &large)]);
    play(&bench.store, "d", &[load("w"), save("w", &large)]);
    assert_eq!(bench.count("learned_artifacts"), 2, "the last of a run is a version, the same again is none");
    let whole = "artifacts WHERE bytes = 300000 AND media_type = 'application/octet-stream'";
    assert_eq!(bench.count(whole), 1);
    let bytes: i64 =
        bench.raw().query_row("SELECT max(bytes) FROM run_journals", [], |row| row.get(0)).unwrap();
    assert!(bytes < 2_000, "{bytes}");
    for version in 2..=6_u8 {
        play(&bench.store, "d", &[save("w", &[version])]);
    }
    assert_eq!(loaded(&bench.store.memory_for("d"), "w").unwrap(), [6]);
    assert_eq!(bench.count("learned_artifacts WHERE name = 'w'"), 3, "older versions go");
    assert_eq!(bench.count("learned_artifacts WHERE name = 'w' AND version = 6"), 1);
    // Every journal comes back whole, of versions that went too.
    let line = |at: usize| {
        let runs = bench.store.runs(&stratagem_store::RunFilter::default()).unwrap();
        bench.store.run(&runs[runs.len() - 1 - at].id).unwrap()
    };
    let bytes: Vec<_> = (0..7).map(|at| line(at).journal).collect();
    assert!(bytes.iter().flatten().any(|then| then.call == save("w", b"second")));
    assert!(bytes.iter().flatten().any(|then| then.reply == Ok(Reply::Loaded(Some(large.clone())))));
    let raw = bench.raw();
    raw.execute_batch("PRAGMA foreign_keys = ON").unwrap();
    assert!(raw.execute("DELETE FROM artifacts WHERE bytes = 6", []).is_err(), "a journal holds it");
}

#[test]
fn what_is_gone_is_said_where_a_journal_is_read() {
    let bench = bench();
    play(&bench.store, "d", &[save("w", b"bytes")]);
    play(&bench.store, "d", &[load("w")]);
    let raw = bench.raw();
    raw.execute_batch("PRAGMA foreign_keys = OFF; DELETE FROM artifacts WHERE ref = 'learned'").unwrap();
    let runs = bench.store.runs(&stratagem_store::RunFilter::default()).unwrap();
    for run in runs {
        let journal = bench.store.run(&run.id).unwrap().journal;
        let Err(Declined::Unavailable(words)) = &journal[0].reply else { panic!("{journal:?}") };
        assert!(words.contains("not kept any more"), "{words}");
    }
}

#[test]
fn a_quota_refuses_with_the_number_and_holds_when_runs_race() {
    let bench = bench();
    let quotas =
        Quotas { patterns: 3, pattern_kb: 1, embeddings: 2, embedding_kb: 1, artifacts: 2, artifact_mb: 1 };
    let options = StoreOptions { quotas, ..StoreOptions::default() };
    let store = Store::open_existing_with(&bench.path, &options).unwrap();
    let exhausted = |reply: Result<Reply, Declined>| match reply {
        Err(Declined::Exhausted(words)) => words,
        other => panic!("{other:?}"),
    };
    let memory = store.memory_for("d");
    let large = "x".repeat(1_025);
    assert_eq!(
        exhausted(memory.answer(&keep("k", &large, true))),
        "bytes of a pattern 1,025: the quota is 1,024"
    );
    for data in ["a", "b", "c", "a"] {
        assert!(memory.answer(&keep("k", data, true)).is_ok());
    }
    assert_eq!(exhausted(memory.answer(&keep("k", "d", true))), "patterns 4: the quota is 3");
    assert!(memory.answer(&embed("a", &[1.0])).is_ok() && memory.answer(&embed("b", &[1.0])).is_ok());
    assert_eq!(exhausted(memory.answer(&embed("c", &[1.0]))), "embeddings 3: the quota is 2");
    assert!(exhausted(memory.answer(&embed(&large, &[1.0]))).starts_with("bytes of an embedding's content"));
    let half = vec![0; 600_000];
    assert!(memory.answer(&save("a", &half)).is_ok());
    assert_eq!(
        exhausted(memory.answer(&save("b", &half))),
        "bytes of artifacts 1,200,000: the quota is 1,048,576"
    );
    assert!(memory.answer(&save("a", &half)).is_ok(), "it takes its own place");
    assert!(memory.answer(&save("b", b"")).is_ok());
    assert_eq!(exhausted(memory.answer(&save("c", b""))), "artifacts 3: the quota is 2");
    // Ten runs that all began in an empty scope are each told yes, and no more than the quota is kept.
    let racing: Vec<StoredRun> = (0..10)
        .map(|at| {
            let one = |what: &str| format!("{what}{at}");
            let calls = [
                keep("k", &one("p"), true),
                keep("k", &one("q"), true),
                embed(&one("e"), &[1.0]),
                save(&one("s"), &half),
            ];
            run_of("d", &store.memory_for("d"), &calls)
        })
        .collect();
    assert!(racing.iter().flat_map(|run| &run.journal).all(|then| then.reply.is_ok()));
    racing.iter().for_each(|run| drop(store.record(run, &the_task(), None).unwrap()));
    let counts = ["patterns", EMBEDDED, "learned_artifacts", "runs"].map(|table| bench.count(table));
    assert_eq!(counts, [3, 2, 1, 10]);
    let memory = store.memory_for("other");
    assert!(memory.answer(&keep("k", "a", true)).is_ok(), "every domain has its own");
}

#[test]
fn the_nearest_episodes_are_those_that_are_there() {
    let bench = bench();
    let vectors: [&[f32]; 5] = [&[1.0, 0.0], &[0.9, 0.1], &[0.0, 1.0], &[-1.0, 0.0], &[1.0, 0.0, 0.0]];
    for (at, vector) in vectors.iter().enumerate() {
        play(&bench.store, "d", &[embed(&at.to_string(), vector), embed(&at.to_string(), vector)]);
    }
    assert_eq!(bench.count(EMBEDDED), 5, "the same content by the same model once");
    let memory = bench.store.memory_for("d");
    let near = |limit| -> Vec<String> {
        let found = recall(&memory, &[3.0, 0.0], limit).into_iter();
        found.map(|episode| format!("{:.2}", episode.similarity)).collect()
    };
    assert_eq!(near(10), ["1.00", "0.99", "0.00", "-1.00"], "of its own length only");
    assert_eq!(near(2), ["1.00", "0.99"]);
    assert_eq!(near(0), [""; 0]);
    assert_eq!(recall(&memory, &[0.0, 0.0, 1.0], 5).len(), 1);
    let none = Call::Recall { vector: vec![1.0, 0.0], model: "other".into(), limit: 5 };
    assert!(episodes(&memory, &none).is_empty());
    // What comes is found, and what goes is not, whether it goes with its episode or without.
    play(&bench.store, "d", &[embed("new", &[1.0, 0.001]), embed("newer", &[-1.0, 0.0])]);
    assert_eq!(near(10), ["1.00", "1.00", "0.99", "0.00", "-1.00"], "an episode counts once, by its best");
    bench.raw().execute("DELETE FROM embeddings WHERE content = '0'", []).unwrap();
    assert_eq!(near(10), ["1.00", "0.99", "0.00", "-1.00"]);
    let raw = bench.raw();
    raw.execute("DELETE FROM embeddings WHERE content IN ('new', 'newer')", []).unwrap();
    assert_eq!(near(10), ["0.99", "0.00", "-1.00"]);
    raw.execute("UPDATE episodes SET status = 'archived' WHERE id IN (SELECT subject_id FROM embeddings WHERE content = '1')", [])
        .unwrap();
    assert_eq!(near(10), ["0.00", "-1.00"]);
    bench.store.forget_vectors();
    assert_eq!(near(1).len(), 1);
}

#[test]
fn an_episode_tells_whether_it_solved_its_task_and_not_how_nearly() {
    let bench = bench();
    let task = the_task();
    let steps = |word: &str| vec![Step { action: "paint".into(), detail: word.into(), success: true }];
    let place = || Place { domain: Some("d".into()), ..Place::default() };
    let whole = StoredRun { steps: steps("whole"), place: place(), ..solved(plugin("mirror"), &task) };
    let half = StoredRun { steps: steps("half"), outcome: Outcome::Unsolved, ..whole.clone() };
    let mut half = half;
    half.score.as_mut().unwrap().right_at = vec![Some(1), None];
    let open = StoredRun { steps: steps("open"), score: None, outcome: Outcome::Unscored, ..whole.clone() };
    for run in [&whole, &half, &open] {
        bench.store.record(run, &task, None).unwrap();
    }
    let memory = bench.store.memory_for("d");
    let rate = |word: &str| search(&memory, word)[0].success_rate;
    assert_eq!((rate("whole"), rate("half"), rate("open")), (Some(1.0), Some(0.0), None));
    let found = search(&memory, "paint");
    let actions: Vec<&[String]> = found.iter().map(|episode| &*episode.actions).collect();
    assert_eq!((actions, found[0].task_id.as_str()), (vec![&["paint".to_owned()][..]; 3], "3c9b0459"));
    let ranks: Vec<String> = found.iter().map(|episode| format!("{:.2}", episode.similarity)).collect();
    assert_eq!(ranks, ["1.00", "0.50", "0.33"]);
    for hostile in
        ["\"", "paint\" OR \"x", "summary : paint", "') --", "paint AND (", "*", "\0", "NEAR(", "{a}:"]
    {
        search(&memory, hostile);
        bench.store.search_episodes(None, hostile, 3).unwrap();
    }
    assert_eq!(search(&memory, "paint NOT half").len(), 2);
    assert_eq!(search(&memory, "\"paint open\" OR who*").len(), 2);
}

#[test]
fn a_run_that_crashed_or_that_the_host_failed_keeps_nothing_but_its_journal() {
    let bench = bench();
    let memory = bench.store.memory_for("d");
    let good = run_of("d", &memory, &everything());
    for ending in [Ending::Crashed("gone".into()), Ending::HostFault("full".into())] {
        bench.store.record(&ended(&good, ending, None), &the_task(), None).unwrap();
    }
    assert_eq!((bench.count("patterns"), bench.count("learned_artifacts"), bench.count(EMBEDDED)), (0, 0, 0));
    assert_eq!(bench.count("run_journals"), 2);
    bench.store.record(&ended(&good, Ending::OutOfFuel, None), &the_task(), None).unwrap();
    assert_eq!((bench.count("patterns"), bench.count("learned_artifacts"), bench.count(EMBEDDED)), (1, 1, 1));
}

#[test]
fn a_prompt_is_its_active_version_filled_in() {
    let bench = bench();
    let bea = other_user(&bench);
    let body = "Task {{task}}: {{ rule }}";
    let sql = format!(
        "INSERT INTO documents (id, kind, name, owner_id, head, active, created_at, updated_at)
             VALUES ('d1', 'prompt', 'solve', '{LOCAL}', 2, 2, 0, 0);
         INSERT INTO document_versions (id, document_id, version, format, body, hash, created_at)
             VALUES ('v1', 'd1', 1, 'text', 'old', '{hash}', 0), ('v2', 'd1', 2, 'text', '{body}', '{hash}', 0);",
        hash = "0".repeat(64)
    );
    bench.raw().execute_batch(&sql).unwrap();
    let prompt = |store: &Store, name: &str, variables: &[(&str, &str)]| {
        let variables =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        store.memory_for("d").answer(&Call::Prompt { name: name.into(), variables })
    };
    let both = [("task", "t1"), ("rule", "{{task}}")];
    let filled = Reply::Prompted { text: "Task t1: {{task}}".into(), version_id: "v2".into() };
    assert_eq!(prompt(&bench.store, "solve", &both), Ok(filled.clone()));
    assert_eq!(prompt(&bea, "solve", &both), Ok(filled), "the local user's are everybody's");
    let missing = prompt(&bench.store, "solve", &both[..1]);
    assert_eq!(missing, Err(Declined::Invalid("variable \"rule\" is not given".into())));
    let unknown = Err(Declined::Unavailable("no active prompt \"other\"".into()));
    assert_eq!(prompt(&bench.store, "other", &both), unknown);
    bench.raw().execute_batch("UPDATE documents SET active = 0").unwrap();
    assert!(matches!(prompt(&bench.store, "solve", &both), Err(Declined::Unavailable(_))));
}

#[test]
fn what_was_adapted_and_kept_is_found_again_and_its_uses_are_counted() {
    let bench = bench();
    let exchange = |asked: Training, said: Said| Exchange {
        call: Call::Training(asked),
        reply: Ok(Reply::Trained(Trained { said, device_ms: 20, device_bytes: 4_096 })),
    };
    let start = |base: Option<&str>| {
        let pairs = the_task().task.train.clone();
        let (base, inputs) = (base.map(str::to_owned), the_task().task.test.clone());
        exchange(Training::Start { base, demonstrations: pairs, inputs, seed: 3 }, Said::Started(0))
    };
    let train = |steps, losses: &[f32]| {
        let schedule = Schedule { steps, learning_rate: 0.01, views: 0 };
        let (losses, device) = (losses.to_vec(), "cpu".to_owned());
        let metrics = Metrics { steps, losses, accuracy: 0.5, device };
        exchange(Training::Train { adaptation: 0, schedule }, Said::Metrics(metrics))
    };
    let save = |id: &str, weights: &[u8]| {
        let said = Said::Saved { id: id.to_owned(), weights: weights.to_vec() };
        exchange(Training::Save { adaptation: 0 }, said)
    };
    let record = |journal: &[Exchange]| {
        let run = StoredRun { journal: journal.to_vec(), ..solved(plugin("mirror"), &the_task()) };
        let id = bench.store.record(&run, &the_task(), None).unwrap();
        assert_eq!(bench.store.run(&id).unwrap().journal, run.journal);
    };
    let declined = Exchange {
        call: Call::Training(Training::Save { adaptation: 9 }),
        reply: Err(Declined::Invalid("there is none".to_owned())),
    };
    record(&[
        start(None),
        train(50, &[9.0, 4.5]),
        train(30, &[4.0, 2.0]),
        save("first", &[1, 2, 3, 4]),
        declined,
    ]);
    let memory = bench.store.memory_for("mirrors");
    assert_eq!(memory.adaptation("first"), Some(("compression".to_owned(), vec![1, 2, 3, 4])));
    assert_eq!(memory.adaptation("compression"), None);
    // Goes on from there, and keeps what comes of it; the same weights once more are the same row.
    record(&[start(Some("first")), train(10, &[1.5]), save("second", &[5, 6, 7, 8])]);
    record(&[start(None), train(80, &[2.0]), save("first", &[1, 2, 3, 4])]);
    assert_eq!(memory.adaptation("second").unwrap().0, "compression");
    let raw = bench.raw();
    let rows: Vec<String> = raw
        .prepare(
            "SELECT id || ' ' || base_checkpoint || ' ' || use_count || ' ' || (last_used_at IS NOT NULL) || ' '
                 || (metrics ->> 'steps') || ' ' || (metrics ->> 'last_loss') || ' ' || (metrics ->> 'device_ms')
                 || ' ' || json_array_length(examples)
             FROM ttt_adaptations ORDER BY id",
        )
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let pairs = the_task().task.train.len();
    let expected = ["first compression 1 1 80 2.0 60", "second compression 0 0 10 1.5 40"];
    assert_eq!(rows, expected.map(|row| format!("{row} {pairs}")));
}
