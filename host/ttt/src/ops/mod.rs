//! The operations on a device, each with the checks that its kernels leave out: what is written down here fits together,
//! so that whatever a [`tape`] holds may run.
//!
//! One file an operation, named as its kernels in `host/ttt/kernels`; the kernels share no line with
//! [`reference`](crate::reference), which they are held against.

// Reasoned: they say that the host put together what does not fit, which its tests would have found; each assertion says what.
#![allow(clippy::missing_panics_doc)]

pub mod adam;
pub mod automaton;
pub mod draw;
pub mod engine;
pub mod linear;
pub mod lines;
pub mod mix;
pub mod multi;
pub mod norm;
pub mod picture;
pub mod plain;
pub mod share;
pub mod silu;
pub mod softmax;
pub mod tape;
