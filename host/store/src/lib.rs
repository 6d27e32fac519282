//! The store: one `SQLite` file with all that is kept; copies beside it are rebuilt from it.
//!
//! - [`Store::open`] makes the file where there is none and brings its schema up to date from
//!   `migrations/sqlite`; applied migrations are frozen and held to their checksum.
//! - [`Store::import`] keeps tasks and [`Store::keep_plugin`] a plugin to the byte, so that the file
//!   alone is enough to replay a run on another machine; [`Store::add_plugin`] lets its name find it.
//! - The store is the [`Ledger`](stratagem_domain::Ledger) of `solve`: a finished run goes in with one
//!   `BEGIN IMMEDIATE` transaction, whole or not at all, and comes back equal to what went in.
//!
//! One thread writes and groups commits, a pool reads; every change goes through the door, which knows the actor's
//! role and writes it down in the audit log. Several processes may share the file: it is in WAL mode, readers do not
//! wait, writers wait up to [`BUSY_TIMEOUT`]. What was acknowledged outlives a killed process; a power cut may take the
//! last commits, whole, but for money and what admins decide.
//!
//! What must never be here: a decision about a run. Outcomes, scores and ranks arrive ready.

mod actor;
mod adaptations;
mod added;
mod analysis;
mod artifacts;
mod audit;
mod backup;
mod bodies;
mod bounds;
mod catalogue;
mod changes;
mod check;
mod copies;
mod datasets;
mod documents;
mod draft;
mod embeddings;
mod erasure;
mod error;
mod evaluations;
mod events;
mod experiments;
mod export;
mod failures;
mod families;
mod features;
mod generations;
mod health;
mod hot;
mod journal;
mod key;
mod learned;
mod lessons;
mod memories;
mod memory;
mod messages;
mod migrate;
mod models;
mod nearest;
mod open;
mod patterns;
mod personal;
mod plugins;
mod prompt;
mod queue;
mod read;
mod readers;
mod recorder;
mod records;
mod repair;
mod restore;
mod retention;
mod rows;
mod runs;
mod salvage;
mod schema;
mod search;
mod selection;
mod todos;
mod upkeep;
mod users;
mod vitals;
mod workers;
mod writer;

pub use actor::{Actor, Role};
pub use added::{AddedPlugin, Addition, Papers};
pub use analysis::{Analysis, Recommendation};
pub use audit::{AuditFilter, AuditLine, AuditReport};
pub use backup::{Method, Progress, Verified, verify_backup};
pub use bodies::{Difference, DocumentFormat, MAX_BODY_BYTES};
pub use catalogue::{Catalogue, Column, Index, Relation, RelationKind};
pub use changes::{DocumentChange, HistoryLine};
pub use check::{Checked, Finding, check};
pub use copies::{Copies, CopyOptions, CopyState, CopyStats, Shelf, Swept};
pub use datasets::{Dataset, Imported};
pub use documents::{Document, DocumentKind, DocumentVersion, Draft, Put, Which};
pub use embeddings::Vectors;
pub use erasure::ErasureReport;
pub use error::StoreError;
pub use evaluations::{CountedRun, Evaluation, NewEvaluation, TaskRun, Totals, WorkEnd};
pub use experiments::{Arm, Experiment, Insight, NewExperiment};
pub use export::ExportReport;
pub use failures::FailureCluster;
pub use families::{
    CommonPattern, Difficulty, EASY_FROM, Family, HARD_BELOW, RATED_RUNS, RATED_STRATEGIES, Rating,
    TaskFilter, TaskLine,
};
pub use features::SimilarTask;
pub use hot::{CacheStats, HotStats, LONGEST as HOT_LONGEST};
pub use key::{Key, can_encrypt};
pub use lessons::{LearnedArtifact, Lessons, PastAnswer, PastRun};
pub use memories::{Memory, MemoryFilter, NewMemory};
pub use memory::{Quotas, RunMemory};
pub use messages::{LONGEST_MESSAGE, Message, MessageFilter, NewMessage};
pub use migrate::SCHEMA_VERSION;
pub use models::{
    Alert, Budget, BudgetLine, BudgetScope, Credit, CreditLine, ModelSpending, Period, ReplyCounts,
};
pub use nearest::{Near, Nearest};
pub use open::{BUSY_TIMEOUT, Store, StoreOptions};
pub use patterns::CountedPattern;
pub use queue::{AfterFailure, Claim, Enqueued, JOB_BYTES, Job, JobFilter, JobStatus, NewJob, QueueDepth};
pub use read::{RunFilter, RunLine};
pub use recorder::{Recorded, Recorder, RecorderOptions, RecorderStats, Ticket};
pub use records::{FailureCategory, FailureRecord, OutcomeRecord, OutcomeStatus, ToolUse};
pub use repair::{Mended, Repair, Repaired};
pub use restore::{Rekeyed, Restored, rekey, restore};
pub use retention::{LEAST_AGE_MS, Retained, RetentionAction, RetentionLine, RetentionReport, parse_age};
pub use salvage::{Rescued, Salvaged, salvage};
pub use schema::{Migrated, MigrationStatus, RolledBack, Schema};
pub use selection::{Chosen, Selection};
pub use todos::Todo;
pub use upkeep::CacheSweep;
pub use users::{Handle, User};
pub use vitals::{CacheVitals, Reason, THRESHOLDS, Threshold, Verdict, Vitals, Work, WriterVitals};
pub use workers::{Handlers, JobEnd, JobError, Task, WorkOptions, WorkReport};

#[cfg(test)]
mod faults;
#[cfg(test)]
#[path = "../tests/store/fixtures.rs"]
mod fixtures;
