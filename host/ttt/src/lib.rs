//! Training at test time: a small network that is trained on the demonstrations of one task alone.
//!
//! - [`model`] says what a network consists of: its sizes and its weights.
//! - [`reference`] computes it and its gradients on the processor.
//! - [`train`] fits one to a task, and asks it for answers.
//!
//! What must never be here: what a run may spend. Those limits are the sandbox's.

pub mod board;
pub mod model;
pub mod reference;
pub mod train;
