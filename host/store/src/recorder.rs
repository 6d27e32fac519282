//! The recorder: outcomes that come many at a time, written in batches.
//!
//! [`Recorder::record`] puts an outcome into the buffer and returns a [`Ticket`]; a thread writes the buffer when it
//! holds [`RecorderOptions::batch`] or when its oldest has waited for [`RecorderOptions::interval`], whichever comes
//! first, each batch in one transaction with one entry of the audit log. [`Ticket::wait`] returns after the commit:
//! what it acknowledged is there whatever happens to the process then. Where the buffer is full, callers wait. What
//! is in it when the recorder is dropped is written first.
//!
//! An outcome that the tables refuse fails alone: the others of its batch are written one by one.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::json;
use stratagem_domain::Digest;

use crate::audit::Entry;
use crate::error::Failure;
use crate::open::new_id;
use crate::records::OutcomeRecord;
use crate::writer::Change;
use crate::{Store, StoreError};

/// When the buffer is written.
#[derive(Clone, Copy, Debug)]
pub struct RecorderOptions {
    /// Outcomes of a batch.
    pub batch: usize,
    /// The longest that an outcome waits for its batch to fill.
    pub interval: Duration,
    /// Outcomes that may wait; the next caller waits for room.
    pub waiting: usize,
}

impl Default for RecorderOptions {
    /// Batches of 100 and of 1,000 write about as many rows a second (`just bench` shows both); the larger make a tenth of
    /// the commits and of the lines of the audit log, which others wait for.
    fn default() -> Self {
        Self { batch: 1_000, interval: Duration::from_millis(100), waiting: 5_000 }
    }
}

/// What became of an outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Recorded {
    /// Of `outcomes`.
    pub id: String,
    /// False where an outcome of the same idempotency key was there: it is that one, and nothing changed.
    pub is_new: bool,
}

/// What a recorder did since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RecorderStats {
    pub recorded: u64,
    /// Outcomes whose key was there already.
    pub repeated: u64,
    pub failed: u64,
    pub batches: u64,
    pub waiting: u64,
}

type Verdict = Result<Recorded, Arc<StoreError>>;

/// What became of a batch, in the order of its outcomes.
#[derive(Default)]
struct Batch(OnceLock<Vec<Verdict>>);

/// A promise that an outcome will be written.
pub struct Ticket {
    shared: Arc<Shared>,
    batch: Arc<Batch>,
    at: usize,
}

impl Ticket {
    /// Waits until the outcome is written, or cannot be.
    pub fn wait(&self) -> Verdict {
        let mut state = self.shared.lock();
        loop {
            if let Some(verdicts) = self.batch.0.get() {
                return verdicts[self.at].clone();
            }
            state = self.shared.written.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

struct Shared {
    state: Mutex<State>,
    options: RecorderOptions,
    /// There is something to do for the thread.
    filled: Condvar,
    /// A batch was written.
    written: Condvar,
}

#[derive(Default)]
struct State {
    buffer: Vec<OutcomeRecord>,
    batch: Arc<Batch>,
    /// When the oldest came.
    since: Option<Instant>,
    /// Outcomes of batches that are being written.
    under_way: usize,
    /// Somebody wants the buffer to be written now.
    is_urgent: bool,
    is_ending: bool,
    stats: RecorderStats,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes outcomes in batches. It belongs to one store and one thread; callers may be many.
pub struct Recorder {
    shared: Arc<Shared>,
    store: Arc<Store>,
    thread: Option<JoinHandle<()>>,
}

impl Recorder {
    /// *Errors*: [`StoreError::Forbidden`] for a reader, [`StoreError::Invalid`] for a batch of nothing.
    pub fn start(store: Arc<Store>, options: RecorderOptions) -> Result<Self, StoreError> {
        store.permit(crate::Role::Runner, "recording outcomes")?;
        if options.batch == 0 || options.waiting < options.batch {
            let what = format!(
                "batches of {} with {} that wait: at least one, and a batch",
                options.batch, options.waiting
            );
            return Err(StoreError::Invalid { what, hint: Some("take the defaults".to_owned()) });
        }
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            options,
            filled: Condvar::new(),
            written: Condvar::new(),
        });
        let (of_thread, on) = (Arc::clone(&shared), Arc::clone(&store));
        let thread =
            thread::Builder::new().name("store-recorder".to_owned()).spawn(move || work(&of_thread, &on));
        let thread = thread.map_err(|error| StoreError::Invalid {
            what: format!("no thread for the recorder: {error}"),
            hint: Some("use fewer jobs".to_owned()),
        })?;
        Ok(Self { shared, store, thread: Some(thread) })
    }

    /// Takes an outcome; waits where the buffer is full.
    ///
    /// *Errors*: [`StoreError::Invalid`] for one that the tables would refuse.
    pub fn record(&self, outcome: OutcomeRecord) -> Result<Ticket, StoreError> {
        outcome.check()?;
        let mut state = self.shared.lock();
        while state.buffer.len() >= self.shared.options.waiting {
            state = self.shared.written.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let ticket = Ticket {
            shared: Arc::clone(&self.shared),
            batch: Arc::clone(&state.batch),
            at: state.buffer.len(),
        };
        state.buffer.push(outcome);
        // The thread is woken for the first, to wait for the interval, and where a batch is whole.
        let first = state.since.is_none();
        state.since.get_or_insert_with(Instant::now);
        let full = state.buffer.len() == self.shared.options.batch;
        drop(state);
        if first || full {
            self.shared.filled.notify_one();
        }
        Ok(ticket)
    }

    /// Writes what is in the buffer, and returns when it is written or failed; the tickets say which.
    pub fn flush(&self) {
        let mut state = self.shared.lock();
        let batch = Arc::clone(&state.batch);
        if !state.buffer.is_empty() {
            state.is_urgent = true;
            self.shared.filled.notify_one();
            while batch.0.get().is_none() {
                state = self.shared.written.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
        while state.under_way > 0 {
            state = self.shared.written.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub fn stats(&self) -> RecorderStats {
        let state = self.shared.lock();
        RecorderStats { waiting: (state.buffer.len() + state.under_way) as u64, ..state.stats }
    }

    /// The store that it writes to.
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.shared.lock().is_ending = true;
        self.shared.filled.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Writes batches until the recorder is dropped and the buffer empty.
fn work(shared: &Shared, store: &Store) {
    let mut state = shared.lock();
    loop {
        let waited = state.since.map(|since| since.elapsed());
        let is_due = waited.is_some_and(|waited| waited >= shared.options.interval);
        if state.buffer.len() >= shared.options.batch || state.is_urgent || is_due || state.is_ending {
            if state.buffer.is_empty() {
                if state.is_ending {
                    return;
                }
                state.is_urgent = false;
                continue;
            }
            let records = Arc::new(std::mem::take(&mut state.buffer));
            let batch = std::mem::take(&mut state.batch);
            (state.since, state.is_urgent, state.under_way) = (None, false, records.len());
            drop(state);
            // Whoever waited for room goes on while this batch is written.
            shared.written.notify_all();
            let verdicts = write(store, &records);
            state = shared.lock();
            state.under_way = 0;
            state.stats.batches += 1;
            for verdict in &verdicts {
                match verdict {
                    Ok(Recorded { is_new: true, .. }) => state.stats.recorded += 1,
                    Ok(_) => state.stats.repeated += 1,
                    Err(_) => state.stats.failed += 1,
                }
            }
            let _ = batch.0.set(verdicts);
            shared.written.notify_all();
            continue;
        }
        state = match waited {
            None => shared.filled.wait(state).unwrap_or_else(PoisonError::into_inner),
            Some(waited) => {
                let rest = shared.options.interval.saturating_sub(waited);
                shared.filled.wait_timeout(state, rest).unwrap_or_else(PoisonError::into_inner).0
            }
        };
    }
}

/// Writes a batch in one transaction; where one of it is refused, each in its own.
fn write(store: &Store, records: &Arc<Vec<OutcomeRecord>>) -> Vec<Verdict> {
    let error = match write_range(store, records, 0, records.len()) {
        Ok(recorded) => return recorded.into_iter().map(Ok).collect(),
        Err(error) => error,
    };
    if records.len() == 1 || !matches!(error, StoreError::Sql { .. }) {
        let error = Arc::new(error);
        return records.iter().map(|_| Err(Arc::clone(&error))).collect();
    }
    let alone = |at: usize| {
        let recorded = write_range(store, records, at, at + 1).map_err(Arc::new)?.pop();
        recorded.ok_or_else(|| {
            let what = "an outcome was written without a word of it".to_owned();
            Arc::new(StoreError::Unreadable { path: store.path().to_owned(), what })
        })
    };
    (0..records.len()).map(alone).collect()
}

fn write_range(
    store: &Store,
    records: &Arc<Vec<OutcomeRecord>>,
    from: usize,
    to: usize,
) -> Result<Vec<Recorded>, StoreError> {
    let records = Arc::clone(records);
    store.write("recording outcomes", move |change| {
        let actor = change.actor.id.as_str();
        let written = records[from..to].iter().map(|record| {
            let id = new_id();
            let there = record.write(change, &id, actor)?;
            Ok(there.map_or(Recorded { id, is_new: true }, |id| Recorded { id, is_new: false }))
        });
        let recorded = written.collect::<Result<Vec<_>, Failure>>()?;
        note(change, &recorded);
        Ok(recorded)
    })
}

/// One entry for all: how many, and the digest of their ids in order.
fn note(change: &Change<'_>, recorded: &[Recorded]) {
    let new: Vec<&str> =
        recorded.iter().filter(|recorded| recorded.is_new).map(|recorded| recorded.id.as_str()).collect();
    if let Some(first) = new.first() {
        let digest = Digest::of_parts(new.iter().map(|id| id.as_bytes())).to_string();
        change.note(Entry {
            action: "outcomes.record",
            subject_kind: "outcomes",
            subject_id: (*first).to_owned(),
            before: None,
            after: Some(json!({ "count": new.len(), "ids": digest })),
        });
    }
}
