//! Imitation for ARC tasks: a plain library ([`learn`], [`solve`]), and a plugin around it on wasm.
//!
//! Solved tasks teach a small [policy](policy) which transforms are likely next, from what a [task and a
//! state](features) look like; [lessons] come from outside, from [concepts] that generate tasks, and
//! from [relabelling](relabel): every program that was ever run is a right solution of the task that it does solve.
//! [Training](train) is plain gradient descent. A [search] then takes the steps in the policy's order: it
//! grows one [graph] of pipelines for all inputs in lockstep, and puts their results together as [stack]s
//! and [table]s on a [canvas]. Programs of the [nearest lessons](retrieval) are tried first; what is left of the work
//! goes to tasks [recast], with rules behind rules that go [halfway] and behind the policy's first steps.
//!
//! What was learned is an [artifact], which names the lessons that it was trained on by [canonical] hashes.
//!
//! Nothing here knows a clock or a thread, and chance is the seed's: the same lessons, seed and budget give the
//! same policy, and the same policy and budget the same answers.

// The map above links to private modules, for those who read the source.
#![allow(rustdoc::private_intra_doc_links)]

pub mod artifact;
pub mod canonical;
mod canvas;
pub mod chance;
pub mod concepts;
pub mod features;
mod graph;
mod halfway;
mod learn;
pub mod lessons;
pub mod maths;
mod pieces;
#[cfg(all(target_arch = "wasm32", feature = "plugin"))]
mod plugin;
pub mod policy;
mod recast;
pub mod relabel;
pub mod retrieval;
mod search;
mod stack;
mod table;
pub mod train;
pub mod vocabulary;

pub use learn::learn;
pub use lessons::Lesson;
pub use policy::Policy;
pub use search::solve;

/// The work that serves most tasks.
pub const WORK_USUAL: u64 = 4_200_000_000;
/// The work of learning from a few hundred lessons.
pub const LEARN_WORK: u64 = 20_000_000_000;
