//! The binary, end to end: what a user types, sees, and finds in the database afterwards.
//!
//! Every test runs `stratagem` in a folder of its own, on tasks that it writes itself. The plugins are
//! the fixtures of `tests/guests`, built by `just guests`, and small components written as text.

mod author;
mod bad_places;
mod bad_plugins;
mod bad_tasks;
mod check;
mod documents;
mod dsl;
mod endings;
mod experiment;
mod features;
mod grants;
mod guide;
mod harness;
#[cfg(target_os = "linux")]
mod isolate;
mod keeping;
mod learn;
mod lent;
mod models;
mod outputs;
mod queue;
mod replay;
mod resume;
mod schema;
mod settings;
mod shipped;
mod signatures;
mod solve;
mod tmpfs;
mod training;
mod vault;
