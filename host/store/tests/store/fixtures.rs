//! What the tests keep: tasks, plugins and runs of plain data.
#![allow(dead_code, reason = "two test programs share these, and not each uses all")]

use std::path::Path;

use rusqlite::Connection;
use serde_json::Value;
use stratagem_domain::{
    Answer, Call, Declined, Digest, Ending, Exchange, Fault, Grid, LabelledTask, Level, Limits, LogLine,
    Outcome, Pair, Place, PluginIdentity, Recipe, Reply, Score, Split, Step, StoredAnswer, StoredRun,
    TaskSet, Usage,
};

pub const WORLD: &str = "stratagem:strategy/strategy@0.1.0";
pub const COMPONENT: &[u8] = b"\0asm as good as any";

/// A connection past the store; it has the key that the whole suite may run with.
pub fn raw(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    if let Ok(key) = std::env::var("STRATAGEM_DB_KEY") {
        connection.query_row(&format!("PRAGMA key = \"x'{key}'\""), [], |_| Ok(())).unwrap();
    }
    connection
}

pub fn cell(colour: u8) -> Grid {
    Grid::new(1, 1, &[colour]).unwrap()
}

/// A task with two test inputs whose outputs are `colour` and the next one.
pub fn task(id: &str, colour: u8) -> LabelledTask {
    let train = vec![
        Pair { input: Grid::new(3, 2, &[1, 2, 3, 4, 5, 6]).unwrap(), output: cell(2) },
        Pair { input: cell(3), output: Grid::new(1, 2, &[7, 8]).unwrap() },
    ];
    LabelledTask::new(id, train, vec![(cell(1), Some(cell(colour))), (cell(2), Some(cell(colour + 1)))])
        .unwrap()
}

/// A task whose output is not known.
pub fn open_task(id: &str) -> LabelledTask {
    let train = vec![Pair { input: cell(1), output: cell(2) }];
    LabelledTask::new(id, train, vec![(cell(1), None)]).unwrap()
}

pub fn set(name: &str, tasks: &[(Split, LabelledTask)]) -> TaskSet {
    TaskSet { name: name.to_owned(), tasks: tasks.to_vec() }
}

pub fn plugin(name: &str) -> PluginIdentity {
    PluginIdentity {
        name: name.to_owned(),
        version: "0.1.0".to_owned(),
        kind: "program_synthesis".to_owned(),
        digest: Digest::of(COMPONENT),
    }
}

fn answer(test_index: usize, colour: u8, confidence: f64, rank: Option<usize>, right: bool) -> StoredAnswer {
    let rationale = format!("it is {colour}: \"quoted\", \u{1b}[2J, 日本, \0");
    let answer = Answer { test_index, grid: cell(colour), confidence, rationale };
    StoredAnswer { answer, rank, is_correct: Some(right) }
}

/// A run that solved [`task`] of colour 4: values that a careless column would change.
pub fn solved(plugin: PluginIdentity, task: &LabelledTask) -> StoredRun {
    let settings = [("depth".to_owned(), "3".to_owned()), ("key \"π\"".to_owned(), String::new())];
    StoredRun {
        id: String::new(),
        recipe: Recipe {
            plugin,
            task: task.digest(),
            seed: u64::MAX - 1,
            limits: Limits { fuel: 7_000_000_001, ..Limits::default() },
            settings: settings.into(),
            grants: Some(Digest::of(b"clock")),
        },
        task_id: task.task.id.clone(),
        outcome: Outcome::Solved,
        ending: Ending::Returned,
        score: Some(Score { right_at: vec![Some(2), Some(1)] }),
        answers: vec![
            answer(0, 4, 0.1 + 0.2, Some(2), true),
            answer(1, 5, 1.0 / 3.0, Some(1), true),
            answer(0, 9, 1.0, Some(1), false),
            answer(0, 9, 0.0, None, false),
            answer(0, 8, f64::MIN_POSITIVE, Some(3), false),
        ],
        steps: vec![
            Step { action: "search".to_owned(), detail: "depth 1\0".to_owned(), success: false },
            Step { action: "search".to_owned(), detail: String::new(), success: true },
        ],
        log: [Level::Debug, Level::Info, Level::Warn, Level::Error]
            .map(|level| LogLine { level, message: format!("{level:?}\nsecond line") })
            .into(),
        usage: usage(),
        journal: vec![
            Exchange {
                call: Call::Load { name: "weights \"π\"".to_owned() },
                reply: Ok(Reply::Loaded(Some(vec![0, 255, 7]))),
            },
            Exchange {
                call: Call::Patterns { kind: "program".to_owned(), min_success_rate: 1.0 / 3.0, limit: 7 },
                reply: Err(Declined::Exhausted("patterns: limit 3".to_owned())),
            },
        ],
        place: Place { domain: Some("mirrors".to_owned()), ..Place::default() },
        started_at: 1_760_000_000_123,
        finished_at: 1_760_000_000_934,
    }
}

/// A different number in every field: one that is stored in another's place, or not at all, is seen.
fn usage() -> Usage {
    let zero = serde_json::to_value(Usage::default()).unwrap();
    let numbered = |fields: &serde_json::Map<String, Value>, from: u64| -> Value {
        fields.keys().zip(from..).map(|(name, number)| (name.clone(), Value::from(number))).collect()
    };
    let mut fields = numbered(zero.as_object().unwrap(), 100);
    fields["calls"] = numbered(zero["calls"].as_object().unwrap(), 200);
    fields["limits_hit"] = serde_json::json!(["fuel", "steps"]);
    let usage = serde_json::from_value(fields).unwrap();
    Usage { fuel_spent: 123_456_789_012, cpu_seconds: 0.1 + 0.7, memory_peak_bytes: 70_000_001, ..usage }
}

/// The same run with another ending; only one that came to its end is scored.
pub fn ended(run: &StoredRun, ending: Ending, score: Option<Score>) -> StoredRun {
    let outcome = Outcome::of(&ending, score.as_ref());
    let score = score.filter(|_| ending.fault() == Fault::Nobody);
    StoredRun { outcome, ending, score, ..run.clone() }
}

/// A database as an earlier release left it: schema 2, with one event in it.
pub fn old_database(path: &Path) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/sqlite");
    let db = raw(path);
    db.execute_batch(
        "PRAGMA application_id = 0x53545247;
         CREATE TABLE schema_migrations (
             version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at INTEGER NOT NULL
         ) STRICT;",
    )
    .unwrap();
    for (version, name) in [(1, "0001_core"), (2, "0002_plugin_papers")] {
        let sql = std::fs::read_to_string(folder.join(format!("{name}.up.sql"))).unwrap();
        let checksum = Digest::of(sql.as_bytes()).to_string();
        db.execute_batch(&sql).unwrap();
        db.execute("INSERT INTO schema_migrations VALUES (?1, ?2, ?3, 0)", (version, name, checksum))
            .unwrap();
    }
    db.execute_batch(
        "INSERT INTO system_events (id, at, level, source, kind, message) VALUES ('e', 1, 'info', 's', 'k', 'of old')",
    )
    .unwrap();
}

/// Whether the databases of these tests are encrypted: `just encrypted` sets the key.
pub fn is_encrypted() -> bool {
    std::env::var_os("STRATAGEM_DB_KEY").is_some()
}
