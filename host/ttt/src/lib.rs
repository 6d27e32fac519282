//! Training at test time: a small network that is trained on the demonstrations of one task alone.
//!
//! - [`puzzle`], [`board`] and [`views`] lay a task's grids out for a network; [`noise`] is what networks draw with.
//! - [`model`] says what a network consists of: its sizes, its weights, its operations.
//! - [`reference`] computes it and its gradients on the processor.
//! - [`ops`] computes the same on a device, and [`launch`] is the way there.
//! - [`train`] fits one to a task, and asks it for answers.
//! - [`adaptation`] is a model of one task as a run is lent it.
//! - [`turns`] says whose turn it is where several share a device.
//! - [`lent`] lends runs adaptations on it, by number, within their limits.

pub mod adaptation;
pub mod board;
pub mod launch;
pub mod lent;
pub mod model;
pub mod noise;
pub mod ops;
pub mod puzzle;
pub mod reference;
pub mod train;
pub mod turns;
pub mod views;
