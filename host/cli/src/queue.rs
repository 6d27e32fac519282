//! `stratagem queue`: work that waits in the database, and workers that do it.

use std::path::PathBuf;
use std::time::Duration;

use clap::Subcommand;
use serde_json::{Value, json};
use stratagem_store::{
    AfterFailure, Handlers, Job, JobEnd, JobError, JobFilter, JobStatus, NewJob, Store, WorkOptions,
};

use crate::failure::Failure;
use crate::interrupt;
use crate::output::{out, outln, print_json, table, utc};
use crate::workbench::Workbench;

#[derive(Debug, Subcommand)]
pub enum Queue {
    /// List jobs: those that wait or run first, then the newest to end
    List {
        #[arg(long)]
        kind: Option<String>,
        /// pending, `in_progress`, completed, failed, cancelled or dead
        #[arg(long, value_parser = parse_status)]
        status: Option<JobStatus>,
        /// How many
        #[arg(long, default_value_t = 20, value_name = "N")]
        limit: usize,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show a job: its payload, its tries, what came of it
    Show {
        /// A job's id or its beginning
        id: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Let jobs that failed, are dead or were cancelled wait again
    Retry {
        /// Ids of jobs or their beginnings
        #[arg(required = true)]
        ids: Vec<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Cancel jobs; a worker that has one hears of it and stops
    Cancel {
        /// Ids of jobs or their beginnings
        #[arg(required = true)]
        ids: Vec<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Add a job
    Add(Add),
    /// Do what is due, until Ctrl-C
    Work {
        /// Jobs at the same time [default: one a processor]
        #[arg(long)]
        jobs: Option<usize>,
        /// End once nothing is due
        #[arg(long)]
        once: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, clap::Args)]
pub struct Add {
    /// What is to be done; `stratagem queue work` says which kinds it knows
    kind: String,
    /// What it is done with, as JSON
    #[arg(long, default_value = "{}", conflicts_with = "payload_file")]
    payload: String,
    /// The payload's file
    #[arg(long, value_name = "FILE")]
    payload_file: Option<PathBuf>,
    /// 1 to 10; 10 first
    #[arg(long, default_value_t = 5)]
    priority: u8,
    /// Not before so many seconds from now
    #[arg(long, value_name = "SECONDS")]
    after: Option<u64>,
    /// While a job of this key waits or runs, no other is added
    #[arg(long, value_name = "KEY")]
    dedupe: Option<String>,
    /// How often it is tried
    #[arg(long, default_value_t = 3, value_name = "N")]
    max_tries: u32,
    /// How long its worker may be silent before the job is another's, in seconds
    #[arg(long, default_value_t = 300, value_name = "SECONDS")]
    timeout: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn run(bench: &Workbench, command: &Queue) -> Result<(), Failure> {
    match command {
        Queue::List { kind, status, limit, json } => {
            let filter = JobFilter { kind: kind.clone(), status: *status, limit: *limit };
            list(&bench.existing_store()?, &filter, *json)
        }
        Queue::Show { id, json } => show(&bench.existing_store()?.job(id)?, *json),
        Queue::Retry { ids, json } => {
            let store = bench.existing_store()?;
            each(&store, ids, *json, "waits again", |id| store.retry_job(id))
        }
        Queue::Cancel { ids, json } => {
            let store = bench.existing_store()?;
            each(&store, ids, *json, "is cancelled", |id| store.cancel_job(id))
        }
        Queue::Add(add) => enqueue(&bench.store()?, add),
        Queue::Work { jobs, once, json } => work(bench, *jobs, *once, *json),
    }
}

fn parse_status(text: &str) -> Result<JobStatus, String> {
    JobStatus::parse(text).ok_or_else(|| {
        let names: Vec<&str> = JobStatus::ALL.into_iter().map(JobStatus::as_str).collect();
        format!("one of {}", names.join(", "))
    })
}

fn list(store: &Store, filter: &JobFilter, json: bool) -> Result<(), Failure> {
    let (jobs, depth) = (store.jobs(filter)?, store.queue_depth()?);
    if json {
        return print_json(&json!({ "jobs": jobs, "depth": depth }));
    }
    let time = |time: Option<u64>| time.map_or_else(|| "-".to_owned(), utc);
    let rows: Vec<Vec<String>> = jobs
        .iter()
        .map(|job| {
            vec![
                job.id.clone(),
                job.kind.escape_debug().to_string(),
                job.status.as_str().to_owned(),
                job.priority.to_string(),
                format!("{} of {}", job.tries, job.max_tries),
                utc(job.run_at),
                time(job.finished_at),
            ]
        })
        .collect();
    out!(
        "{}",
        table(&["job", "kind", "status", "priority", "tries", "not before (UTC)", "ended (UTC)"], &rows)
    );
    let counts: Vec<String> =
        depth.by_status.iter().map(|(status, count)| format!("{count} {}", status.as_str())).collect();
    let oldest =
        depth.oldest_due_ms.map_or_else(String::new, |ms| format!(", the oldest for {} s", ms / 1_000));
    let counts = if counts.is_empty() { "no jobs".to_owned() } else { counts.join(", ") };
    outln!("{counts}; {} due{oldest}; {} leases lapsed", depth.due, depth.lapsed);
    Ok(())
}

fn show(job: &Job, json: bool) -> Result<(), Failure> {
    if json {
        return print_json(job);
    }
    outln!("job {}", job.id);
    let field = |name: &str, value: String| outln!("  {name:<12}{value}");
    let time = |name: &str, time: Option<u64>| {
        if let Some(time) = time {
            field(name, format!("{} UTC", utc(time)));
        }
    };
    field("kind", job.kind.escape_debug().to_string());
    field("status", job.status.as_str().to_owned());
    field("priority", job.priority.to_string());
    field("tries", format!("{} of {}", job.tries, job.max_tries));
    time("added", Some(job.created_at));
    time("not before", Some(job.run_at));
    time("started", job.started_at);
    time("lease until", job.lease_until);
    time("ended", job.finished_at);
    let text = |name: &str, text: &Option<String>| {
        if let Some(text) = text {
            field(name, text.escape_debug().to_string());
        }
    };
    text("worker", &job.worker);
    text("dedupe key", &job.dedupe_key);
    text("error", &job.error);
    field("payload", job.payload.to_string());
    if let Some(result) = &job.result {
        field("result", result.to_string());
    }
    Ok(())
}

/// Does the same to each job, all or as far as it goes; every id is looked up first.
fn each(
    store: &Store,
    ids: &[String],
    json: bool,
    what: &str,
    act: impl Fn(&str) -> Result<Job, stratagem_store::StoreError>,
) -> Result<(), Failure> {
    let found = ids.iter().map(|id| Ok(store.job(id)?.id)).collect::<Result<Vec<_>, Failure>>()?;
    let jobs = found.iter().map(|id| Ok(act(id)?)).collect::<Result<Vec<_>, Failure>>()?;
    if json {
        return print_json(&jobs);
    }
    jobs.iter().for_each(|job| outln!("job {} {what}", job.id));
    Ok(())
}

fn enqueue(store: &Store, add: &Add) -> Result<(), Failure> {
    let text = match &add.payload_file {
        Some(file) => std::fs::read_to_string(file).map_err(|error| Failure::file(file, &error))?,
        None => add.payload.clone(),
    };
    let payload: Value = serde_json::from_str(&text).map_err(|error| {
        Failure::misuse(format!("the payload is no JSON: {error}"))
            .hint("quote it for the shell: '{\"key\": 1}'")
    })?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let job = NewJob {
        priority: add.priority,
        run_at: add
            .after
            .map(|seconds| (now.as_millis() as u64).saturating_add(seconds.saturating_mul(1_000))),
        dedupe_key: add.dedupe.clone(),
        max_tries: add.max_tries,
        timeout_ms: add.timeout.saturating_mul(1_000),
        ..NewJob::new(&add.kind, payload)
    };
    let enqueued = store.enqueue(&job)?;
    if add.json {
        return print_json(&enqueued);
    }
    let verb = if enqueued.is_new { "added" } else { "already there:" };
    outln!("{verb} job {}", enqueued.id);
    Ok(())
}

/// What this program does for each kind of job. A new kind is one line here.
fn handlers(store: &Store) -> Handlers<'_> {
    Handlers::new()
        .with("cache-sweep", |_| {
            let swept = store.sweep_caches().map_err(JobError::from)?;
            Ok(json!(swept))
        })
        .with("retention", |task| store.retention_job(&task.job.payload).map_err(JobError::from))
        .with("optimize", |_| {
            store.optimize().map_err(JobError::from)?;
            Ok(json!({}))
        })
}

fn work(bench: &Workbench, jobs: Option<usize>, once: bool, as_json: bool) -> Result<(), Failure> {
    let store = bench.store()?;
    let handlers = handlers(&store);
    let options = WorkOptions {
        threads: bench.jobs(jobs)?,
        until_idle: once,
        poll: Duration::from_millis(500),
        ..WorkOptions::default()
    };
    let stop = interrupt::flag();
    eprintln!("working on {}, {} at a time; Ctrl-C ends", handlers.kinds().join(", "), options.threads);
    let watch = |job: &Job, end: &JobEnd| {
        let what = match end {
            JobEnd::Completed(result) => format!("done: {result}"),
            JobEnd::Failed(error, AfterFailure::Again { run_at }) => {
                format!("failed, again from {} UTC: {}", utc(*run_at), error.message.escape_debug())
            }
            JobEnd::Failed(error, AfterFailure::Failed) => {
                format!("failed: {}", error.message.escape_debug())
            }
            JobEnd::Failed(error, AfterFailure::Dead) => format!("dead: {}", error.message.escape_debug()),
            JobEnd::Lost => "lost: it was cancelled or is another's".to_owned(),
        };
        eprintln!("job {} {}: {what}", job.id, job.kind.escape_debug());
    };
    let report = store.work(&handlers, &options, stop, &watch)?;
    if as_json {
        return print_json(&report);
    }
    outln!(
        "{} jobs done, {} to try again, {} ended badly, {} lost",
        report.completed,
        report.to_retry,
        report.failed,
        report.lost
    );
    Ok(())
}
