//! The operations of a program, each with its way back: from slopes by what it wrote to slopes by what it read.
//!
//! Loops run with the widest instructions of the processor (`with_simd`); nothing is added up in another order for that.
//! Slopes by what is read are added to what is there; numbers lie as [`Shape`](crate::model::multi::Shape) says.

#![allow(clippy::inline_always, reason = "only what is inlined gets the wide instructions")]

pub mod draw;
pub mod linear;
pub mod lines;
pub mod norm;
pub mod picture;
pub mod share;
pub mod silu;
pub mod softmax;
