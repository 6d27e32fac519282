//! Models on the processor. Plain Rust over matrices, in either precision: what kernels compute is held against it, and it
//! against finite differences.

pub mod adam;
pub mod automaton;
pub mod compression;
pub mod ops;
