//! The store: one `SQLite` file with datasets, plugins and every run, and nothing else.
//!
//! - [`Store::open`] makes the file where there is none and brings its schema up to date from
//!   `migrations/sqlite`; applied migrations are frozen and held to their checksum.
//! - [`Store::import`] keeps tasks and [`Store::keep_plugin`] a plugin to the byte, so that the file
//!   alone is enough to replay a run on another machine; [`Store::add_plugin`] lets its name find it.
//! - The store is the [`Ledger`](stratagem_domain::Ledger) of `solve`: a finished run goes in with one
//!   `BEGIN IMMEDIATE` transaction, whole or not at all, and comes back equal to what went in.
//!
//! One connection behind a lock serves a process: a run is written in about 0.5 ms and takes longer than
//! that, and a pool would wait on the one writer of `SQLite` anyway. Several processes may share the file:
//! it is in WAL mode, readers do not wait, writers wait up to [`BUSY_TIMEOUT`]. A recorded run outlives a
//! killed process; a power cut may take the last ones, whole.
//!
//! What must never be here: a decision about a run. Outcomes, scores and ranks arrive ready.

mod actor;
mod added;
mod audit;
mod datasets;
mod embeddings;
mod error;
mod events;
mod health;
mod journal;
mod learned;
mod memories;
mod memory;
mod migrate;
mod open;
mod patterns;
mod plugins;
mod prompt;
mod read;
mod readers;
mod rows;
mod runs;
mod search;
mod writer;

pub use actor::{Actor, Role};
pub use added::{AddedPlugin, Addition, Papers};
pub use audit::AuditReport;
pub use datasets::{Dataset, Imported};
pub use embeddings::Vectors;
pub use error::StoreError;
pub use memories::{Memory, MemoryFilter, NewMemory};
pub use memory::{Quotas, RunMemory};
pub use migrate::SCHEMA_VERSION;
pub use open::{BUSY_TIMEOUT, Store, StoreOptions};
pub use patterns::CountedPattern;
pub use read::{RunFilter, RunLine};

#[cfg(test)]
mod faults;
#[cfg(test)]
#[path = "../tests/store/fixtures.rs"]
mod fixtures;
