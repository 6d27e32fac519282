//! The operations on a device, each with the checks that its kernels leave out: what is written down here fits together,
//! so that whatever a [`tape`] holds may run.
//!
//! One file an operation, named as its kernels in `host/ttt/kernels`; the kernels share no line with
//! [`reference`](crate::reference), which they are held against.

pub mod adam;
pub mod automaton;
pub mod plain;
pub mod tape;
