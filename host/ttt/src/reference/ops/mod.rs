//! The operations of a program, each with its way back: from slopes by what it wrote to slopes by what it read.
//!
//! Slopes by what is read are added to what is there; numbers lie as [`Shape`](crate::model::multi::Shape) says.

pub mod draw;
pub mod linear;
pub mod lines;
pub mod norm;
pub mod picture;
pub mod share;
pub mod silu;
pub mod softmax;
