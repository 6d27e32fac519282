//! The kernels' text, run on the processor, against the reference.

mod automaton;
mod engine;
