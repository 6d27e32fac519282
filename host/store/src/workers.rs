//! Workers: threads that claim jobs and hand each to what its kind is registered with.
//!
//! A job of a kind that is not registered is left alone. A handler that panics has failed its try, and its thread goes
//! on. While handlers work, one more thread extends their leases and says in `workers` that this process lives; a
//! handler whose job was cancelled or taken over meanwhile sees it in [`Task::is_over`].

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::params;
use serde::Serialize;
use serde_json::Value;

use crate::open::{new_id, now};
use crate::queue::{AfterFailure, Claim, Job};
use crate::{Store, StoreError};

/// Threads that one worker may have.
pub const MOST_THREADS: usize = 256;
/// Rows of workers that have been silent for so long go.
const FORGOTTEN_MS: i64 = 86_400_000;

/// Why a try failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobError {
    pub message: String,
    /// Whether another try may go better.
    pub is_retryable: bool,
}

impl JobError {
    pub fn once(message: impl Into<String>) -> Self {
        Self { message: message.into(), is_retryable: false }
    }

    pub fn again(message: impl Into<String>) -> Self {
        Self { message: message.into(), is_retryable: true }
    }
}

impl From<StoreError> for JobError {
    fn from(error: StoreError) -> Self {
        let is_retryable = !matches!(error, StoreError::Invalid { .. } | StoreError::Forbidden { .. });
        Self { message: stratagem_domain::LedgerError::from(error).message, is_retryable }
    }
}

/// What a handler is given.
pub struct Task<'a> {
    pub job: &'a Job,
    is_stale: &'a AtomicBool,
    stop: &'a AtomicBool,
}

impl Task<'_> {
    /// True where going on is in vain or unwanted: the job was cancelled or is another's, or the worker stops.
    pub fn is_over(&self) -> bool {
        self.is_stale.load(Ordering::Relaxed) || self.stop.load(Ordering::Relaxed)
    }
}

type Handler<'a> = Box<dyn Fn(&Task<'_>) -> Result<Value, JobError> + Send + Sync + 'a>;

/// What each kind of job is done by.
#[derive(Default)]
pub struct Handlers<'a>(BTreeMap<String, Handler<'a>>);

impl<'a> Handlers<'a> {
    pub fn new() -> Self {
        Self::default()
    }

    #[must_use]
    pub fn with(
        mut self,
        kind: impl Into<String>,
        handler: impl Fn(&Task<'_>) -> Result<Value, JobError> + Send + Sync + 'a,
    ) -> Self {
        self.0.insert(kind.into(), Box::new(handler));
        self
    }

    pub fn kinds(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }
}

/// How a worker works.
#[derive(Clone, Copy, Debug)]
pub struct WorkOptions {
    pub threads: usize,
    /// How often it looks for jobs where there were none.
    pub poll: Duration,
    /// Ends once nothing is due.
    pub until_idle: bool,
    /// How often it says that it lives, at least; leases that are short are extended sooner.
    pub heartbeat: Duration,
}

impl Default for WorkOptions {
    fn default() -> Self {
        let (poll, heartbeat) = (Duration::from_millis(500), Duration::from_secs(10));
        Self { threads: 1, poll, until_idle: false, heartbeat }
    }
}

/// What a worker did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WorkReport {
    pub completed: u64,
    /// Tries that failed and are tried again.
    pub to_retry: u64,
    /// Jobs that ended badly: failed or dead.
    pub failed: u64,
    /// Jobs that were cancelled or taken over while they were worked on.
    pub lost: u64,
}

/// How a job ended, for who watches.
#[derive(Clone, Debug)]
pub enum JobEnd {
    Completed(Value),
    Failed(JobError, AfterFailure),
    Lost,
}

impl Store {
    /// Works until `stop`, or until nothing is due where the options say so. Jobs under way are finished first.
    pub fn work(
        &self,
        handlers: &Handlers<'_>,
        options: &WorkOptions,
        stop: &AtomicBool,
        watch: &(dyn Fn(&Job, &JobEnd) + Sync),
    ) -> Result<WorkReport, StoreError> {
        if !(1..=MOST_THREADS).contains(&options.threads) {
            let what = format!("{} threads: 1 to {MOST_THREADS}", options.threads);
            return Err(StoreError::Invalid { what, hint: Some("one a processor is best".to_owned()) });
        }
        self.settle_times()?;
        let worker = Worker {
            store: self,
            handlers,
            options,
            stop,
            watch,
            id: new_id(),
            held: Mutex::default(),
            counts: Counts::default(),
            working: AtomicUsize::new(options.threads),
            fault: Mutex::default(),
        };
        worker.announce()?;
        thread::scope(|scope| {
            scope.spawn(|| worker.beat());
            for _ in 0..options.threads {
                scope.spawn(|| worker.run());
            }
        });
        worker.leave()?;
        match worker.fault.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok(worker.counts.report()),
        }
    }
}

#[derive(Default)]
struct Counts {
    completed: AtomicU64,
    to_retry: AtomicU64,
    failed: AtomicU64,
    lost: AtomicU64,
}

impl Counts {
    fn report(&self) -> WorkReport {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        WorkReport {
            completed: count(&self.completed),
            to_retry: count(&self.to_retry),
            failed: count(&self.failed),
            lost: count(&self.lost),
        }
    }
}

/// A lease that is kept alive.
struct Held {
    claim: Claim,
    is_stale: Arc<AtomicBool>,
    extended: Instant,
}

struct Worker<'a> {
    store: &'a Store,
    handlers: &'a Handlers<'a>,
    options: &'a WorkOptions,
    stop: &'a AtomicBool,
    watch: &'a (dyn Fn(&Job, &JobEnd) + Sync),
    id: String,
    held: Mutex<Vec<Held>>,
    counts: Counts,
    /// Threads that still look for jobs.
    working: AtomicUsize,
    /// What ended the worker: the first that went wrong with the database itself.
    fault: Mutex<Option<StoreError>>,
}

/// Counts a thread out, also where it panics.
struct Out<'a>(&'a AtomicUsize);

impl Drop for Out<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Release);
    }
}

impl Worker<'_> {
    fn run(&self) {
        let _out = Out(&self.working);
        let kinds = self.handlers.kinds();
        while !self.stop.load(Ordering::Relaxed) && lock(&self.fault).is_none() {
            match self.store.claim(&self.id, &kinds) {
                Ok(Some(claim)) => {
                    if let Err(error) = self.work_on(&claim) {
                        lock(&self.fault).get_or_insert(error);
                    }
                }
                Ok(None) if self.options.until_idle => return,
                // Nothing is due, or others write for long: there is time.
                Ok(None) | Err(StoreError::Busy { .. }) => self.rest(),
                Err(error) => {
                    lock(&self.fault).get_or_insert(error);
                }
            }
        }
    }

    fn rest(&self) {
        let started = Instant::now();
        while started.elapsed() < self.options.poll && !self.stop.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(20).min(self.options.poll));
        }
    }

    fn work_on(&self, claim: &Claim) -> Result<(), StoreError> {
        let job = &claim.job;
        let Some(handler) = self.handlers.0.get(&job.kind) else {
            unreachable!("a worker claims the kinds that it knows")
        };
        let is_stale = Arc::new(AtomicBool::new(false));
        lock(&self.held).push(Held {
            claim: claim.clone(),
            is_stale: Arc::clone(&is_stale),
            extended: Instant::now(),
        });
        let task = Task { job, is_stale: &is_stale, stop: self.stop };
        let done = catch_unwind(AssertUnwindSafe(|| handler(&task)));
        lock(&self.held).retain(|held| held.claim != *claim);
        let done = done.unwrap_or_else(|panic| {
            Err(JobError::again(format!("the handler panicked: {}", words(panic.as_ref()))))
        });
        let end = match self.settle(claim, done) {
            Ok(end) => end,
            // Where others write for too long, the lease lapses, and the job is tried again.
            Err(StoreError::StaleLease { .. } | StoreError::Busy { .. }) => JobEnd::Lost,
            Err(error) => return Err(error),
        };
        let counter = match &end {
            JobEnd::Completed(_) => &self.counts.completed,
            JobEnd::Failed(_, AfterFailure::Again { .. }) => &self.counts.to_retry,
            JobEnd::Failed(..) => &self.counts.failed,
            JobEnd::Lost => &self.counts.lost,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        (self.watch)(job, &end);
        Ok(())
    }

    fn settle(&self, claim: &Claim, done: Result<Value, JobError>) -> Result<JobEnd, StoreError> {
        let error = match done {
            Ok(result) => match self.store.complete(claim, &result) {
                Ok(()) => return Ok(JobEnd::Completed(result)),
                // What the handler gave cannot be kept, and would not be next time either.
                Err(error @ StoreError::Invalid { .. }) => JobError::from(error),
                Err(error) => return Err(error),
            },
            Err(error) => error,
        };
        let after = self.store.fail(claim, &error.message, error.is_retryable)?;
        Ok(JobEnd::Failed(error, after))
    }

    /// Extends leases while there are threads at work.
    fn beat(&self) {
        let mut shown = Instant::now();
        while self.working.load(Ordering::Acquire) > 0 {
            thread::sleep(Duration::from_millis(20));
            if shown.elapsed() >= self.options.heartbeat {
                // A sign of life that is late harms nobody.
                let _ = self.announce();
                let _ = self.store.settle_times();
                shown = Instant::now();
            }
            for (claim, is_stale) in self.to_extend() {
                if let Err(StoreError::StaleLease { .. }) = self.store.extend(&claim) {
                    is_stale.store(true, Ordering::Relaxed);
                }
            }
        }
    }

    /// The leases of which a third has passed.
    fn to_extend(&self) -> Vec<(Claim, Arc<AtomicBool>)> {
        let mut held = lock(&self.held);
        let due = held.iter_mut().filter(|held| {
            let third = Duration::from_millis(held.claim.job.timeout_ms / 3).min(self.options.heartbeat);
            !held.is_stale.load(Ordering::Relaxed) && held.extended.elapsed() >= third
        });
        due.map(|held| {
            held.extended = Instant::now();
            (held.claim.clone(), Arc::clone(&held.is_stale))
        })
        .collect()
    }

    fn announce(&self) -> Result<(), StoreError> {
        let (id, capacity) = (self.id.clone(), self.options.threads as i64);
        self.store.write("announcing a worker", move |change| {
            let at = now();
            change.is_bookkeeping();
            change.execute("DELETE FROM workers WHERE heartbeat_at < ?1", [at - FORGOTTEN_MS])?;
            change.execute(
                "INSERT INTO workers (id, host, pid, version, capacity, started_at, heartbeat_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)
                 ON CONFLICT (id) DO UPDATE SET heartbeat_at = excluded.heartbeat_at",
                params![id, host(), std::process::id(), env!("CARGO_PKG_VERSION"), capacity, at],
            )?;
            Ok(())
        })
    }

    fn leave(&self) -> Result<(), StoreError> {
        let id = self.id.clone();
        self.store.write("dismissing a worker", move |change| {
            change.is_bookkeeping();
            change.execute("DELETE FROM workers WHERE id = ?1", [id])?;
            Ok(())
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without words".to_owned())
}

/// The machine's name, where it says one.
fn host() -> String {
    let told = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let told = told.or_else(|| std::env::var("HOSTNAME").ok()).unwrap_or_default();
    let told = told.trim();
    if told.is_empty() { "unknown".to_owned() } else { told.to_owned() }
}
