//! What the processes do until they are killed.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior, params};
use serde_json::json;
use stratagem_domain::{Ledger, Split, StoredRun};
use stratagem_store::{
    AfterFailure, DocumentFormat, DocumentKind, Draft, FailureCategory, FailureRecord, JobStatus, NewJob,
    NewMemory, NewMessage, OutcomeRecord, Recorder, RecorderOptions, Store, StoreError, Ticket, ToolUse,
};

#[path = "../store/fixtures.rs"]
mod fixtures;

use fixtures::{COMPONENT, WORLD, plugin, set, solved, task};

pub const DATABASE: &str = "runs.db";
/// While this file is there, processes end by themselves.
pub const STOP: &str = "stop";
const CODE: &str = "3c9b0459";
/// How long a worker may be silent before its job is another's.
const LEASE_MS: u64 = 400;

/// The database with what every process needs.
pub fn prepare(folder: &Path) -> Store {
    let store = Store::open(&folder.join(DATABASE)).expect("a database");
    store.keep_component(&plugin("mirror"), WORLD, "{}", COMPONENT).expect("a plugin");
    store.import(&set("arc", &[(Split::Training, task(CODE, 4))])).expect("a dataset");
    store
}

/// The file into which process `number` writes what was acknowledged.
pub fn acknowledged(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("acknowledged-{number}"))
}

/// How many processes of this round are at work.
pub fn at_work(folder: &Path) -> usize {
    signs(folder).count()
}

pub fn clear_signs(folder: &Path) {
    signs(folder).for_each(|path| fs::remove_file(path).expect("a sign"));
}

fn signs(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder").flatten().map(|entry| entry.path());
    entries.filter(|path| path.extension().is_some_and(|end| end == "working"))
}

/// Every kind of write, in random order, until it is killed or told to end.
pub fn run(folder: &Path, number: &str) -> ExitCode {
    fastrand::seed(number.parse::<u64>().expect("a number") * 7919);
    match Load::new(folder, number).and_then(|mut load| load.work()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("process {number}: {error}");
            ExitCode::FAILURE
        }
    }
}

struct Load {
    store: Arc<Store>,
    recorder: Recorder,
    raw: Connection,
    folder: PathBuf,
    acks: File,
    number: String,
    count: u64,
    /// Outcomes whose tickets were not waited for yet.
    tickets: Vec<(String, Ticket)>,
    run: StoredRun,
    /// The message before, which the next one answers.
    message: Option<String>,
}

type Done = Result<(), String>;

fn told<T, E: std::fmt::Display>(result: Result<T, E>) -> Result<T, String> {
    result.map_err(|error| error.to_string())
}

impl Load {
    fn new(folder: &Path, number: &str) -> Result<Self, String> {
        let path = folder.join(DATABASE);
        let store = Arc::new(told(Store::open_existing(&path))?);
        let options = RecorderOptions { batch: 20, interval: Duration::from_millis(10), waiting: 60 };
        let recorder = told(Recorder::start(Arc::clone(&store), options))?;
        let raw = told(Connection::open(&path))?;
        told(raw.busy_timeout(Duration::from_secs(20)))?;
        told(raw.pragma_update(None, "foreign_keys", true))?;
        Ok(Self {
            store,
            recorder,
            raw,
            folder: folder.to_owned(),
            acks: told(File::create(acknowledged(folder, number.parse().map_err(|_| "no number")?)))?,
            number: number.to_owned(),
            count: 0,
            tickets: Vec::new(),
            run: solved(plugin("mirror"), &task(CODE, 4)),
            message: None,
        })
    }

    fn work(&mut self) -> Done {
        told(fs::write(self.folder.join(format!("{}.working", self.number)), b""))?;
        while !self.folder.join(STOP).exists() {
            self.count += 1;
            match fastrand::u8(..14) {
                0 | 1 => self.a_run()?,
                2 | 3 => self.outcomes()?,
                4 => self.a_foreign_memory()?,
                5 => self.a_foreign_document()?,
                6 => self.a_memory()?,
                7 => self.a_message()?,
                8 => self.a_version()?,
                9 | 10 => self.a_new_job()?,
                _ => self.a_job()?,
            }
        }
        self.settle_outcomes()
    }

    /// One line in one write: it is there whole, or what is there of it has no end.
    fn acknowledge(&mut self, kind: &str, id: &str) -> Done {
        told(self.acks.write_all(format!("{kind} {id}\n").as_bytes()))
    }

    fn a_run(&mut self) -> Done {
        let run = StoredRun { started_at: self.run.started_at + self.count, ..self.run.clone() };
        let id = self.store.record(&run, &task(CODE, 4), None).map_err(|error| error.message)?;
        self.acknowledge("run", &id)
    }

    /// Some outcomes with their failures and tools; now and then those of before are waited for.
    fn outcomes(&mut self) -> Done {
        for n in 0..fastrand::u64(1..30) {
            let key = format!("{}-{}-{n}", self.number, self.count);
            let failure = FailureRecord {
                category: FailureCategory::Trap,
                kind: "bounds".to_owned(),
                message: Some(format!("index {n} of process {}", self.number)),
            };
            let tool = ToolUse { name: "search".into(), calls: 2, wall_ms: 1, cost_micros: 0, ok: true };
            let record = OutcomeRecord {
                idempotency_key: Some(key.clone()),
                executed_at: 1_760_000_000_000 + n,
                run_id: "bulk".to_owned(),
                task_id: CODE.to_owned(),
                failure: Some(failure),
                tools: vec![tool],
                ..OutcomeRecord::default()
            };
            self.tickets.push((key, told(self.recorder.record(record))?));
        }
        if fastrand::bool() { self.settle_outcomes() } else { Ok(()) }
    }

    fn settle_outcomes(&mut self) -> Done {
        for (key, ticket) in std::mem::take(&mut self.tickets) {
            told(ticket.wait())?;
            self.acknowledge("outcome", &key)?;
        }
        Ok(())
    }

    /// By a connection of another program, with the index of words that follows by triggers.
    fn a_foreign_memory(&mut self) -> Done {
        let id = format!("memory-{}-{}", self.number, self.count);
        let user = self.store.actor().id.clone();
        let transaction = told(self.raw.transaction_with_behavior(TransactionBehavior::Immediate))?;
        let words = format!("whale {} sings {}", self.number, self.count);
        told(transaction.execute(
            "INSERT INTO memories (id, user_id, content, occurred_at, created_at, updated_at) VALUES (?1, ?2, ?3, 1, 1, 1)",
            params![id, user, words],
        ))?;
        told(transaction.execute("UPDATE memories SET content = content || ' again' WHERE id = ?1", [&id]))?;
        told(transaction.commit())?;
        self.acknowledge("memory", &id)
    }

    /// A document and its first version, or neither, by a connection of another program.
    fn a_foreign_document(&mut self) -> Done {
        let id = format!("document-{}-{}", self.number, self.count);
        let user = self.store.actor().id.clone();
        let transaction = told(self.raw.transaction_with_behavior(TransactionBehavior::Immediate))?;
        told(transaction.execute(
            "INSERT INTO documents (id, kind, name, owner_id, head, active, created_at, updated_at)
             VALUES (?1, 'prompt', ?1, ?2, 1, 1, 1, 1)",
            [&id, &user],
        ))?;
        told(transaction.execute(
            "INSERT INTO document_versions (id, document_id, version, format, body, hash, created_at)
             VALUES (?1 || '/1', ?1, 1, 'text', 'body', ?2, 1)",
            [&id, &"0".repeat(64)],
        ))?;
        told(transaction.commit())?;
        self.acknowledge("document", &id)
    }

    fn a_memory(&mut self) -> Done {
        let memory = NewMemory {
            content: format!("whale {} sings {} again", self.number, self.count),
            tags: vec!["whales".to_owned()],
            domain: String::new(),
            context: String::new(),
            importance: fastrand::u8(1..=10),
        };
        let id = told(self.store.remember(&memory))?;
        self.acknowledge("memory", &id)
    }

    fn a_message(&mut self) -> Done {
        let message = NewMessage {
            user: Some(self.store.actor().id.clone()),
            kind: "text".to_owned(),
            body: format!("message {} of process {}", self.count, self.number),
            reply_to: self.message.take(),
            ..NewMessage::default()
        };
        let id = told(self.store.add_message(message))?;
        self.acknowledge("message", &id)?;
        self.message = Some(id);
        Ok(())
    }

    /// The next version of one of a few documents, which other processes add to as well.
    fn a_version(&mut self) -> Done {
        let draft = Draft {
            kind: DocumentKind::Prompt,
            name: format!("shared-{}", fastrand::u8(..5)),
            format: DocumentFormat::Text,
            body: format!("version {} of process {}", self.count, self.number),
            category: None,
            description: None,
            reason: None,
        };
        let put = told(self.store.put_document(&draft, false))?;
        self.acknowledge("version", &put.version.id)
    }

    fn a_new_job(&mut self) -> Done {
        let priority = fastrand::u8(1..=10);
        let job =
            NewJob { priority, max_tries: 1_000, timeout_ms: LEASE_MS, ..NewJob::new("work", json!({})) };
        let id = told(self.store.enqueue(&job))?.id;
        self.acknowledge("job", &id)
    }

    fn a_job(&mut self) -> Done {
        let mut acks = Vec::new();
        one_job(&self.store, &format!("process-{}", self.number), |kind, id| {
            acks.push((kind, id.to_owned()));
        })?;
        acks.iter().try_for_each(|(kind, id)| self.acknowledge(kind, id))
    }
}

/// Claims a job and says what became of it; true where there was one. The result names the try.
fn one_job(store: &Store, worker: &str, mut ack: impl FnMut(&'static str, &str)) -> Result<bool, String> {
    let Some(claim) = told(store.claim(worker, &["work"]))? else { return Ok(false) };
    if fastrand::u8(..4) == 0 {
        std::thread::sleep(Duration::from_millis(fastrand::u64(..20)));
    }
    let what = format!("{} {} {worker}", claim.job.id, claim.job.tries);
    // Later tries wait for long.
    if fastrand::u8(..10) == 0 && claim.job.tries <= 2 {
        match store.fail(&claim, "no luck", true) {
            Ok(AfterFailure::Again { .. }) => ack("failed", &what),
            Ok(after) => return Err(format!("try {} of 1,000 was the last: {after:?}", claim.job.tries)),
            Err(StoreError::StaleLease { .. }) => {}
            Err(error) => return Err(error.to_string()),
        }
        return Ok(true);
    }
    match store.complete(&claim, &json!({ "try": claim.job.tries, "worker": worker })) {
        Ok(()) => ack("done", &what),
        // It was silent for too long, and the job is another's.
        Err(StoreError::StaleLease { .. }) => {}
        Err(error) => return Err(error.to_string()),
    }
    Ok(true)
}

/// Does what is left until every job has ended; how many that were.
pub fn drain(store: &Store, folder: &Path, number: usize) -> Result<u64, String> {
    let mut acks = told(File::create(acknowledged(folder, number)))?;
    let (started, mut done) = (Instant::now(), 0);
    loop {
        let mut line = String::new();
        if one_job(store, "the last", |kind, id| line = format!("{kind} {id}\n"))? {
            done += u64::from(line.starts_with("done"));
            told(acks.write_all(line.as_bytes()))?;
            continue;
        }
        let depth = told(store.queue_depth())?;
        let waits = |status| depth.by_status.get(&status).copied().unwrap_or(0);
        if waits(JobStatus::Pending) + waits(JobStatus::InProgress) == 0 {
            return Ok(done);
        }
        if started.elapsed() > Duration::from_secs(30) {
            return Err(format!("jobs that nobody does: {depth:?}"));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
