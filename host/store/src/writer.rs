//! The one thread that writes.
//!
//! Callers hand it closures and wait. What is in its queue together is committed together, each closure after the first
//! in a savepoint of its own, up to [`GROUP_ROWS`] rows or [`GROUP_TIME`]: one that fails takes back its own changes
//! and no other's. A caller hears of success after the commit, never before. The queue is bounded: where it is full,
//! callers wait, so that writes cannot pile up in memory. A caller that finds nobody writing and nobody waiting does
//! its own work with the thread's connection: to wake a thread and be woken by it takes as long as a small commit.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior};

use crate::StoreError;
use crate::actor::Actor;
use crate::audit::{self, Entry};
use crate::error::{Failure, repeat};

/// Rows after which a group is committed.
pub const GROUP_ROWS: u64 = 1_000;
/// Time after which a group is committed; nobody waits for it where nothing else is queued.
pub const GROUP_TIME: Duration = Duration::from_millis(50);
/// Closures that may wait; the next caller waits for room.
pub const QUEUED: usize = 1_024;

/// How much must be on the disk before a caller hears of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Outlives a killed process; a power cut may take the last ones, whole.
    Process,
    /// Outlives a power cut: money, and what admins decide.
    Power,
}

/// A transaction under way. Whoever changes something says so with [`Change::note`].
pub(crate) struct Change<'a> {
    connection: &'a Connection,
    pub(crate) actor: &'a Actor,
    entries: RefCell<Vec<Entry>>,
    is_bookkeeping: Cell<bool>,
}

impl Change<'_> {
    /// Lets changes pass that the audit log is not told of: signs of life and counters of caches, which say nothing
    /// about what anybody stored.
    pub(crate) fn is_bookkeeping(&self) {
        self.is_bookkeeping.set(true);
    }

    /// Writes the change down for the audit log.
    pub(crate) fn note(&self, entry: Entry) {
        self.entries.borrow_mut().push(entry);
    }

    /// As [`Self::note`], for something new.
    pub(crate) fn made(&self, action: &'static str, kind: &'static str, id: &str) {
        let after = Some(serde_json::json!({}));
        self.note(Entry { action, subject_kind: kind, subject_id: id.to_owned(), before: None, after });
    }
}

impl Deref for Change<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}

/// What became of a closure.
type Reply<T> = Result<Result<T, StoreError>, Box<dyn Any + Send>>;

trait Job: Send {
    fn durability(&self) -> Durability;
    /// Runs in a savepoint; an error, with `SQLite`'s own where there is one, takes its changes back.
    fn run(&mut self, connection: &Connection) -> Result<(), Option<rusqlite::Error>>;
    /// The group was committed, or not; the caller hears of it.
    fn end(self: Box<Self>, path: &Path, commit: Option<&rusqlite::Error>);
}

enum Message {
    Job(Box<dyn Job>),
    /// Has the connection to itself, outside any transaction.
    Alone(Box<dyn FnOnce(&mut Connection) + Send>),
}

#[derive(Debug)]
pub(crate) struct Writer {
    sender: Option<SyncSender<Message>>,
    connection: Arc<Mutex<Connection>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    path: PathBuf,
    pub(crate) counts: Arc<Counts>,
}

/// What the writer did, for `db health`.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub waiting: AtomicUsize,
    pub groups: AtomicU64,
    pub jobs: AtomicU64,
    /// Milliseconds since 1970 of the last commit; 0 before the first.
    pub last_commit_at: AtomicU64,
}

impl Writer {
    pub(crate) fn start(connection: Connection, path: &Path) -> Self {
        let (sender, receiver) = sync_channel(QUEUED);
        let counts = Arc::new(Counts::default());
        let connection = Arc::new(Mutex::new(connection));
        let (place, shared, lent) = (path.to_owned(), Arc::clone(&counts), Arc::clone(&connection));
        let thread = thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || work(&lent, &receiver, &place, &shared))
            .unwrap_or_else(|error| panic!("no thread for the store's writer: {error}"));
        Self {
            sender: Some(sender),
            connection,
            thread: Mutex::new(Some(thread)),
            path: path.to_owned(),
            counts,
        }
    }

    /// Runs `work` in a transaction and returns after its commit.
    pub(crate) fn write<T: Send + 'static>(
        &self,
        actor: &Actor,
        durability: Durability,
        work: impl FnOnce(&Change<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = sync_channel(1);
        let actor = actor.clone();
        let work = move |connection: &Connection| {
            let change = Change {
                connection,
                actor: &actor,
                entries: RefCell::default(),
                is_bookkeeping: Cell::default(),
            };
            let before = connection.total_changes();
            let value = work(&change)?;
            let Change { entries, is_bookkeeping, .. } = change;
            let entries = entries.into_inner();
            if entries.is_empty() && !is_bookkeeping.get() && connection.total_changes() != before {
                return Err(Failure::Row("a change that the audit log was not told of".to_owned()));
            }
            audit::append(connection, &actor, &entries)?;
            Ok(value)
        };
        let task = Box::new(Task { durability, work: Some(work), outcome: None, reply });
        match self.idle() {
            Some(mut connection) => {
                self.counts.waiting.fetch_add(1, Ordering::Relaxed);
                group(&mut connection, task, None, &self.path, &self.counts);
            }
            None => self.send(Message::Job(task)),
        }
        match answer.recv() {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => unreachable!("the writer answers every job"),
        }
    }

    /// Runs `work` with the writer's connection, outside any transaction and alone.
    pub(crate) fn alone<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = sync_channel(1);
        let path = self.path.clone();
        self.send(Message::Alone(Box::new(move |connection| {
            let done =
                catch_unwind(AssertUnwindSafe(|| work(connection).map_err(|failure| failure.in_file(&path))));
            let _ = reply.send(done);
        })));
        match answer.recv() {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => unreachable!("the writer answers every job"),
        }
    }

    /// The connection, where nobody writes and nobody waits: who waits comes first.
    fn idle(&self) -> Option<MutexGuard<'_, Connection>> {
        if self.counts.waiting.load(Ordering::Relaxed) > 0 {
            return None;
        }
        match self.connection.try_lock() {
            Ok(connection) => Some(connection),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    fn send(&self, message: Message) {
        self.counts.waiting.fetch_add(1, Ordering::Relaxed);
        let Some(sender) = &self.sender else { unreachable!("only `drop` takes the sender") };
        sender.send(message).unwrap_or_else(|_| unreachable!("the writer lives as long as its sender"));
    }
}

impl Drop for Writer {
    /// What is queued is written first.
    fn drop(&mut self) {
        self.sender = None;
        let thread = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

struct Task<T, F> {
    durability: Durability,
    work: Option<F>,
    outcome: Option<Result<Result<T, Failure>, Box<dyn Any + Send>>>,
    reply: SyncSender<Reply<T>>,
}

impl<T: Send, F: FnOnce(&Connection) -> Result<T, Failure> + Send> Job for Task<T, F> {
    fn durability(&self) -> Durability {
        self.durability
    }

    fn run(&mut self, connection: &Connection) -> Result<(), Option<rusqlite::Error>> {
        let Some(work) = self.work.take() else { return Err(None) };
        let outcome = catch_unwind(AssertUnwindSafe(|| work(connection)));
        let result = match &outcome {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(Failure::Sql(error))) => Err(Some(repeat(error))),
            _ => Err(None),
        };
        self.outcome = Some(outcome);
        result
    }

    fn end(self: Box<Self>, path: &Path, commit: Option<&rusqlite::Error>) {
        let reply = match (self.outcome, commit) {
            (Some(Err(panic)), _) => Err(panic),
            (Some(Ok(Err(failure))), _) => Ok(Err(failure.in_file(path))),
            (_, Some(error)) => Ok(Err(StoreError::of_sql(path, repeat(error)))),
            (Some(Ok(Ok(value))), None) => Ok(Ok(value)),
            (None, None) => unreachable!("a job of a committed group ran"),
        };
        // A caller that is gone does not care.
        let _ = self.reply.send(reply);
    }
}

fn work(connection: &Mutex<Connection>, receiver: &Receiver<Message>, path: &Path, counts: &Counts) {
    let mut carried = None;
    while let Some(message) = carried.take().or_else(|| receiver.recv().ok()) {
        let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
        match message {
            Message::Alone(work) => {
                counts.waiting.fetch_sub(1, Ordering::Relaxed);
                work(&mut connection);
            }
            Message::Job(job) => carried = group(&mut connection, job, Some(receiver), path, counts),
        }
    }
}

/// Commits a job with those that are queued behind it, if any are received; returns the message that did not fit.
fn group(
    connection: &mut Connection,
    first: Box<dyn Job>,
    receiver: Option<&Receiver<Message>>,
    path: &Path,
    counts: &Counts,
) -> Option<Message> {
    let (mut jobs, mut carried) = (vec![first], None);
    let commit = commit(connection, &mut jobs, receiver, &mut carried).err();
    counts.groups.fetch_add(1, Ordering::Relaxed);
    if commit.is_none() {
        counts.last_commit_at.store(crate::open::now().unsigned_abs(), Ordering::Relaxed);
    }
    for job in jobs {
        counts.waiting.fetch_sub(1, Ordering::Relaxed);
        counts.jobs.fetch_add(1, Ordering::Relaxed);
        job.end(path, commit.as_ref());
    }
    carried
}

fn commit(
    connection: &mut Connection,
    jobs: &mut Vec<Box<dyn Job>>,
    receiver: Option<&Receiver<Message>>,
    carried: &mut Option<Message>,
) -> rusqlite::Result<()> {
    let durability = jobs[0].durability();
    if durability == Durability::Power {
        let usual: i64 = connection.query_row("PRAGMA synchronous", [], |row| row.get(0))?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        let done = transact(connection, durability, jobs, receiver, carried);
        connection.pragma_update(None, "synchronous", usual)?;
        return done;
    }
    transact(connection, durability, jobs, receiver, carried)
}

fn transact(
    connection: &mut Connection,
    durability: Durability,
    jobs: &mut Vec<Box<dyn Job>>,
    receiver: Option<&Receiver<Message>>,
    carried: &mut Option<Message>,
) -> rusqlite::Result<()> {
    let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let (started, before) = (Instant::now(), transaction.total_changes());
    loop {
        let is_first = jobs.len() == 1;
        let Some(job) = jobs.last_mut() else { break };
        if !is_first {
            savepoint(&transaction, &mut **job)?;
        } else if let Err(cause) = job.run(&transaction) {
            // Nobody else's work is in the transaction yet, so the first needs no savepoint: that costs a copy of every
            // page that is changed.
            if transaction.is_autocommit() {
                return Err(cause.unwrap_or(rusqlite::Error::InvalidQuery));
            }
            transaction.rollback()?;
            transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        }
        if transaction.total_changes() - before >= GROUP_ROWS || started.elapsed() >= GROUP_TIME {
            break;
        }
        match receiver.and_then(|receiver| receiver.try_recv().ok()) {
            Some(Message::Job(job)) if job.durability() == durability => jobs.push(job),
            Some(other) => {
                *carried = Some(other);
                break;
            }
            None => break,
        }
    }
    transaction.commit()
}

/// Runs a job so that its failure takes back its own changes alone.
fn savepoint(connection: &Connection, job: &mut dyn Job) -> rusqlite::Result<()> {
    connection.prepare_cached("SAVEPOINT job")?.execute([])?;
    if let Err(cause) = job.run(connection) {
        // A full disk may have ended the whole transaction already; then there is nothing to go back to.
        if connection.is_autocommit() {
            return Err(cause.unwrap_or(rusqlite::Error::InvalidQuery));
        }
        connection.prepare_cached("ROLLBACK TO job")?.execute([])?;
    }
    connection.prepare_cached("RELEASE job")?.execute([])?;
    Ok(())
}
