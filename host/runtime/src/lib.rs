//! The sandbox: the only user of wasmtime.
//!
//! A [`Package`] (a manifest and a component) is loaded by the [`Sandbox`], which checks it against
//! the contract in `wit/`, takes its compiled code from the cache and links what a [`Policy`] granted. The
//! [`LoadedStrategy`] that comes of it runs tasks: one store a run, always dropped, with fuel, a
//! deadline, and limits on memory, tables, bytes handed over, answers, steps, log and host calls.
//!
//! What must never be here: a database, the outputs of a task's tests, an ambient clock or file
//! that a plugin could reach.

mod bindings;
mod cache;
mod child;
mod compiler;
mod componentize;
mod contract;
mod engine;
mod error;
mod folder;
mod host;
mod isolate;
mod lent;
mod limiter;
mod manifest;
mod package;
mod policy;
mod refused;
mod run;
mod signature;
mod state;
mod ttt;
mod wasi;

pub use compiler::{CompileLimits, CompilerProcess, compile_child};
pub use componentize::componentize;
pub use contract::{Contract, Interface, Surface};
pub use engine::{Sandbox, SandboxConfig, Tuning};
pub use error::LoadError;
#[cfg(target_os = "linux")]
pub use isolate::confine;
pub use isolate::{Confinement, WorkerProcess, worker_child};
pub use manifest::{Manifest, ManifestError, is_plain};
pub use package::Package;
pub use policy::{Entry, Grants, Home, Policy, Signer};
pub use refused::RefusedStrategy;
pub use run::{Description, LoadedStrategy};
pub use signature::{PublicKey, SecretKey, Signed};
