//! Text that means harm, through every way in that the store has.
//!
//! A new way in is a line of [`WAYS`]: it keeps one text in every field that takes text and gives back what it reads
//! there. One that bounds its text is a line of [`TOO_LARGE`], one that searches a line of [`SEARCHES`].

use std::sync::LazyLock;

use serde_json::{Value, json};
use stratagem_domain::{
    Answer, Call, Declined, Digest, Ending, Exchange, LabelledTask, Ledger, Level, LogLine, Place,
    PluginIdentity, Reply, Split, Step, StoredAnswer, StoredRun, TaskError, Trust,
};
use stratagem_store::{AddedPlugin, Papers, RunFilter, Store, StoreError, StoreOptions, TaskFilter};

use crate::Bench;
use crate::fixtures::{COMPONENT, WORLD, cell, plugin, set, solved, task};

const TEXTS: &[&str] = &[
    "",
    "plain",
    "'; DROP TABLE runs; --",
    "x' OR '1'='1",
    "\"; DELETE FROM arc_tasks; SELECT \"",
    "'",
    "\"",
    "`",
    "'''\"\"\"",
    "] UNION SELECT sql FROM sqlite_schema --",
    "?1 ?2 :name @name $name",
    "100%_of_%%",
    "\\%\\_\\",
    "a AND b OR NOT (c NEAR d)",
    "\"unclosed phrase",
    "context_json : *",
    "^start AND col:x* -- {a b}",
    "NEAR(a b, 2147483648)",
    "nul\0in the middle\0",
    "\0",
    "\u{202e}right to left\u{202c} \u{2066}isolated\u{2069} שלום مرحبا",
    "four bytes: 😀𝕏🏴‍☠️ \u{10ffff}",
    "e\u{301} and \u{e9} are not the same bytes",
    "\u{feff}mark \u{fffd} \u{fffe}",
    "line\r\nline\n\ttab \u{b} \u{7f} \u{1b}[2J\u{1b}]0;title\u{7}",
    "{\"json\": [1, 2",
    "null",
    "1e999",
    "0x41",
    "../../../etc/passwd",
    "file:memory?mode=ro",
    "-- comment\n/* open",
    "\u{1}\u{2}\u{3}",
];

/// What keeps a text wherever it takes one, and reads it back.
type Way = fn(&Bench, &str) -> Vec<String>;

const WAYS: &[(&str, Way)] = &[
    ("event", event),
    ("dataset", dataset),
    ("plugin kept", plugin_kept),
    ("plugin refused", plugin_refused),
    ("plugin added", plugin_added),
    ("run", run),
];

fn newest(bench: &Bench, columns: &str, from: &str) -> Vec<String> {
    let sql = format!("SELECT {columns} FROM {from} ORDER BY rowid DESC LIMIT 1");
    let raw = bench.raw();
    let mut select = raw.prepare(&sql).unwrap();
    let count = select.column_count();
    select.query_row([], |row| (0..count).map(|column| row.get(column)).collect()).unwrap()
}

fn event(bench: &Bench, text: &str) -> Vec<String> {
    bench.store.event("info", text, text, text, &json!({ text: text })).unwrap();
    let mut read = newest(bench, "source, kind, message, context", "system_events");
    let context: Value = serde_json::from_str(&read.pop().unwrap()).unwrap();
    let (name, value) = context.as_object().unwrap().iter().next().unwrap();
    read.extend([name.clone(), value.as_str().unwrap().to_owned()]);
    read
}

fn dataset(bench: &Bench, text: &str) -> Vec<String> {
    let kept = bench.store.import(&set(text, &[(Split::Custom, task("a", 2))])).unwrap().dataset;
    let found = bench.store.dataset(text, Some(&kept.version)).unwrap().unwrap();
    assert_eq!(found, kept);
    let filter = TaskFilter { dataset: Some(text.to_owned()), ..TaskFilter::default() };
    let lines = bench.store.list_tasks(&filter).unwrap();
    vec![found.name, lines[0].dataset.clone()]
}

fn identity(text: &str) -> PluginIdentity {
    PluginIdentity {
        name: text.into(),
        version: text.into(),
        kind: text.into(),
        digest: Digest::of(COMPONENT),
    }
}

fn papers(text: &str) -> Papers {
    Papers { manifest: Some(text.into()), signature: Some(text.into()) }
}

fn plugin_kept(bench: &Bench, text: &str) -> Vec<String> {
    let plugin = identity(text);
    bench
        .store
        .keep_plugin(&plugin, text, &json!({ "name": text }).to_string(), COMPONENT, &papers(text))
        .unwrap();
    let read = bench.store.papers(&plugin).unwrap();
    let mut read = vec![read.manifest.unwrap(), read.signature.unwrap()];
    let columns = "v.semver, v.wit_world, json_extract(v.limits, '$.name')";
    read.extend(newest(bench, columns, "(SELECT *, rowid FROM plugin_versions) v"));
    read.extend(newest(bench, "name, family", "plugins"));
    read
}

fn plugin_refused(bench: &Bench, text: &str) -> Vec<String> {
    let plugin = PluginIdentity { digest: Digest::of(text.as_bytes()), ..identity(text) };
    bench.store.keep_refused(&plugin).unwrap();
    newest(bench, "semver", "plugin_versions")
}

fn plugin_added(bench: &Bench, text: &str) -> Vec<String> {
    let plugin = AddedPlugin {
        identity: identity(text),
        papers: papers(text),
        trust: Trust::Untrusted,
        signer: Some(text.to_owned()),
        added_at: 0,
    };
    bench.store.add_plugin(&plugin, text, "{}", COMPONENT).unwrap();
    let added = bench.store.added_plugins().unwrap();
    let read = added.into_iter().find(|added| added.identity == plugin.identity).unwrap();
    assert_eq!(read.papers, plugin.papers);
    vec![read.identity.name, read.identity.version, read.identity.kind, read.signer.unwrap()]
}

/// A run that says a text wherever it can.
fn saying(text: &str, task: &LabelledTask) -> StoredRun {
    let mut run = solved(plugin("mirror"), task);
    run.recipe.settings = [(text.to_owned(), text.to_owned())].into();
    run.place = Place { domain: Some(text.to_owned()), ..Place::default() };
    run.ending = Ending::GaveUp(text.to_owned());
    let answer = Answer { test_index: 0, grid: cell(4), confidence: 0.5, rationale: text.to_owned() };
    run.answers = vec![StoredAnswer { answer, rank: Some(1), is_correct: Some(true) }];
    run.steps = vec![Step { action: text.to_owned(), detail: text.to_owned(), success: true }];
    run.log = vec![LogLine { level: Level::Info, message: text.to_owned() }];
    let call = Call::KeepPattern { kind: "program".to_owned(), data: text.to_owned(), success: true };
    let saved = Call::Save { name: text.to_owned(), bytes: text.as_bytes().to_vec() };
    run.journal = vec![
        Exchange { call, reply: Ok(Reply::Kept(text.to_owned())) },
        Exchange { call: saved, reply: Err(Declined::Unavailable(text.to_owned())) },
    ];
    run
}

fn run(bench: &Bench, text: &str) -> Vec<String> {
    let task = task("known", 4);
    let kept = saying(text, &task);
    let id = bench.store.record(&kept, &task, None).unwrap();
    let read = bench.store.run(&id).unwrap();
    assert_eq!(read, StoredRun { id, ..kept });
    let Ending::GaveUp(reason) = read.ending else { panic!("{:?}", read.ending) };
    vec![read.place.domain.unwrap(), reason, read.log[0].message.clone()]
}

fn bench() -> Bench {
    Bench::with(&[task("known", 4)])
}

/// What must be as it was, whatever was written.
fn is_whole(bench: &Bench, tables: i64) {
    let raw = bench.raw();
    let said: String = raw.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(said, "ok");
    assert!(raw.prepare("PRAGMA foreign_key_check").unwrap().query([]).unwrap().next().unwrap().is_none());
    for index in ["system_events_fts", "episodes_fts", "memories_fts"] {
        raw.execute_batch(&format!("INSERT INTO {index} ({index}, rank) VALUES ('integrity-check', 1)"))
            .unwrap();
    }
    assert_eq!(bench.count("sqlite_schema"), tables);
    assert_eq!(bench.store.find_task("known").unwrap().len(), 1);
    assert_eq!(bench.store.verify_audit(None).unwrap().broken, None);
}

#[test]
fn hostile_text_comes_back_as_it_went_in_and_changes_nothing_else() {
    let bench = bench();
    let tables = bench.count("sqlite_schema");
    for (name, way) in WAYS {
        for text in TEXTS {
            for (at, read) in way(&bench, text).iter().enumerate() {
                assert_eq!(read, text, "{name}, field {at}");
            }
        }
        is_whole(&bench, tables);
    }
}

/// What looks for a text in a search box; how many it finds.
type Search = fn(&Store, &str) -> usize;

const SEARCHES: &[(&str, Search)] = &[
    ("dataset", |store, text| usize::from(store.dataset(text, None).unwrap().is_some())),
    ("task", |store, text| store.find_task(text).unwrap().len()),
    ("runs of a strategy", |store, text| {
        store.runs(&RunFilter { strategy: Some(text.to_owned()), ..RunFilter::default() }).unwrap().len()
    }),
    ("runs of a task", |store, text| {
        store.runs(&RunFilter { task: Some(text.to_owned()), ..RunFilter::default() }).unwrap().len()
    }),
    ("tasks of a family", |store, text| {
        store
            .list_tasks(&TaskFilter { family: Some(text.to_owned()), ..TaskFilter::default() })
            .unwrap()
            .len()
    }),
    ("tasks of an id", |store, text| {
        store.list_tasks(&TaskFilter { code: Some(text.to_owned()), ..TaskFilter::default() }).unwrap().len()
    }),
    ("features", |store, text| usize::from(store.features(text).unwrap().is_some())),
    ("similar tasks", |store, text| store.similar_tasks(text, 5).unwrap().len()),
    ("component", |store, text| {
        usize::from(store.component(&Digest::of(text.as_bytes())).unwrap().is_some())
    }),
    ("run", |store, text| {
        let error = store.run(text).unwrap_err();
        assert!(matches!(error, StoreError::UnknownRun { .. } | StoreError::ShortRunId { .. }), "{error}");
        0
    }),
];

#[test]
fn hostile_text_finds_nothing_and_is_no_error() {
    let bench = bench();
    let tables = bench.count("sqlite_schema");
    let known = task("known", 4);
    bench.store.record(&solved(plugin("mirror"), &known), &known, None).unwrap();
    for (name, search) in SEARCHES {
        for text in TEXTS {
            assert_eq!(search(&bench.store, text), 0, "{name}: {text:?}");
        }
    }
    is_whole(&bench, tables);
    for text in TEXTS {
        let options = StoreOptions { user: Some((*text).to_owned()), ..StoreOptions::default() };
        let error = Store::open_with(&bench.path, &options).unwrap_err();
        assert!(matches!(error, StoreError::UnknownUser { .. }), "{text:?}: {error}");
    }
}

static HUGE: LazyLock<String> = LazyLock::new(|| "x".repeat(100 << 20));

/// What is given 100 MB in one field; the message of the refusal.
type Refusal = fn(&Store, &str) -> String;

const TOO_LARGE: &[(&str, Refusal)] = &[
    ("source of an event", |store, huge| told(store.event("info", huge, "k", "m", &Value::Null))),
    ("kind of an event", |store, huge| told(store.event("info", "s", huge, "m", &Value::Null))),
    ("message of an event", |store, huge| told(store.event("info", "s", "k", huge, &Value::Null))),
    ("context of an event", |store, huge| told(store.event("info", "s", "k", "m", &json!([huge])))),
    ("name of a dataset", |store, huge| told(store.import(&set(huge, &[(Split::Custom, task("a", 1))])))),
    ("name of a plugin", |store, huge| {
        told(store.keep_component(
            &PluginIdentity { name: huge.into(), ..plugin("p") },
            WORLD,
            "{}",
            COMPONENT,
        ))
    }),
    ("version of a plugin", |store, huge| {
        told(store.keep_refused(&PluginIdentity { version: huge.into(), ..plugin("p") }))
    }),
    ("kind of a plugin", |store, huge| {
        told(store.keep_refused(&PluginIdentity { kind: huge.into(), ..plugin("p") }))
    }),
    ("world of a plugin", |store, huge| told(store.keep_component(&plugin("p"), huge, "{}", COMPONENT))),
    ("limits of a plugin", |store, huge| told(store.keep_component(&plugin("p"), WORLD, huge, COMPONENT))),
    ("component of a plugin", |store, huge| {
        told(store.keep_component(&plugin("p"), WORLD, "{}", huge.as_bytes()))
    }),
    ("manifest of a plugin", |store, huge| {
        let papers = Papers { manifest: Some(huge.into()), signature: None };
        told(store.keep_plugin(&plugin("p"), WORLD, "{}", COMPONENT, &papers))
    }),
    ("signature of a plugin", |store, huge| {
        let papers = Papers { manifest: None, signature: Some(huge.into()) };
        told(store.keep_plugin(&plugin("p"), WORLD, "{}", COMPONENT, &papers))
    }),
    ("signer of a plugin", |store, huge| {
        let (identity, papers) = (plugin("p"), Papers::default());
        let signer = Some(huge.to_owned());
        let added = AddedPlugin { identity, papers, trust: Trust::Untrusted, signer, added_at: 0 };
        told(store.add_plugin(&added, WORLD, "{}", COMPONENT))
    }),
    ("domain of a run", |store, huge| {
        let task = task("known", 4);
        let place = Place { domain: Some(huge.into()), ..Place::default() };
        store
            .record(&StoredRun { place, ..solved(plugin("mirror"), &task) }, &task, None)
            .unwrap_err()
            .message
    }),
    ("what a run says", |store, huge| {
        let task = task("known", 4);
        let step = Step { action: "look".into(), detail: huge.into(), success: true };
        let run = StoredRun { steps: vec![step.clone(), step], ..solved(plugin("mirror"), &task) };
        store.record(&run, &task, None).unwrap_err().message
    }),
];

fn told<T>(result: Result<T, StoreError>) -> String {
    let error = result.err().expect("100 MB are refused");
    assert!(error.hint().is_some(), "{error}");
    error.to_string()
}

#[test]
fn a_hundred_megabytes_are_refused_in_words_and_leave_nothing() {
    let bench = bench();
    let tables = bench.count("sqlite_schema");
    let rows = |bench: &Bench| {
        ["system_events", "datasets", "plugins", "plugin_versions", "artifacts", "runs", "audit_log"]
            .map(|table| bench.count(table))
    };
    let before = rows(&bench);
    for (what, refuse) in TOO_LARGE {
        let message = refuse(&bench.store, &HUGE);
        assert!(
            message.starts_with(&format!("{what} has ")) && message.contains(": limit "),
            "{what}: {message:.200}"
        );
        assert!(message.len() < 300, "{what}: the message repeats what was refused");
        assert_eq!(rows(&bench), before, "{what}");
    }
    is_whole(&bench, tables);
}

#[test]
fn json_that_is_none_and_words_that_are_unknown_are_refused() {
    let bench = bench();
    for limits in ["", "{", "{\"fuel\": }", "nul", "{} {}", "{\"a\": \u{1}}", "\0", &"[".repeat(120)] {
        let error = bench.store.keep_component(&plugin("p"), WORLD, limits, COMPONENT).unwrap_err();
        assert!(error.to_string().starts_with("limits of a plugin"), "{error}");
        assert!(error.hint().is_some(), "{error}");
    }
    let deep = (0..2_000).fold(Value::Null, |inner, _| json!([inner]));
    let error = bench.store.event("info", "s", "k", "m", &deep).unwrap_err();
    assert!(error.to_string().ends_with("levels: limit 100"), "{error}");
    for level in ["", "INFO", "loud", "info'", "info\0", "информация"] {
        let error = bench.store.event(level, "s", "k", "m", &Value::Null).unwrap_err();
        assert!(matches!(error, StoreError::Invalid { .. }) && error.hint().is_some(), "{level:?}: {error}");
    }
    assert_eq!((bench.count("system_events"), bench.count("plugins")), (0, 1));
}

#[test]
fn what_points_at_nothing_is_refused_whole() {
    let bench = bench();
    let known = task("known", 4);
    let run = solved(plugin("mirror"), &known);
    let nowhere =
        |place: Place| bench.store.record(&StoredRun { place, ..run.clone() }, &known, None).unwrap_err();
    for text in TEXTS {
        let text = Some((*text).to_owned());
        let of_evaluation = nowhere(Place { evaluation: text.clone(), ..Place::default() });
        let of_version = nowhere(Place { config_version: text.clone(), ..Place::default() });
        assert!(of_evaluation.message.contains("is none of evaluation"), "{}", of_evaluation.message);
        assert!(of_version.message.contains("no row that a new one points at"), "{}", of_version.message);
        assert!(of_version.hint.is_some());
        let error = bench.store.record(&run, &known, text.as_deref()).unwrap_err();
        assert!(error.message.contains("is in no dataset"), "{}", error.message);
    }
    let other = StoredRun {
        recipe: stratagem_domain::Recipe { plugin: plugin("nobody"), ..run.recipe.clone() },
        ..run.clone()
    };
    let error = bench.store.record(&other, &known, None).unwrap_err();
    assert!(error.message.contains("\"nobody\""), "{}", error.message);
    for table in ["runs", "run_tasks", "answers", "episodes", "steps", "outcomes"] {
        assert_eq!(bench.count(table), 0, "{table}");
    }
}

/// A task's id stands in file names and command lines: only plain ones come so far as to the store.
#[test]
fn a_hostile_task_id_is_refused_before_the_store() {
    let train = task("a", 1).task.train;
    for text in TEXTS.iter().filter(|text| !matches!(**text, "plain" | "null" | "1e999" | "0x41")) {
        let refused = LabelledTask::new(text, train.clone(), vec![(cell(1), None)]);
        assert!(matches!(refused, Err(TaskError::BadId(_))), "{text:?}");
    }
}
