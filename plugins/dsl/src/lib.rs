//! The language that strategies search over: grids, transforms, and programs made of them.
//!
//! Everything here is pure: no input or output, no clock, no randomness, no dependency. The same
//! program on the same grid gives the same answer natively and in a plugin, which is what lets an
//! answer's rationale be printed, stored, parsed back and run again.
//!
//! Every transform is total: on any grid it either yields a grid within `Size::fits_working` or
//! nothing, and never panics. Colour 0 (black) stands for "nothing here", as in most tasks; a
//! [`View`] renames colours where a task sees it otherwise.

pub mod canvas;
pub mod colour;
pub mod feature;
pub mod geometry;
pub mod grid;
pub mod lines;
pub mod lists;
pub mod measure;
pub mod objects;
pub mod program;
mod program_text;
pub mod repair;
pub mod shape;
pub mod task;
pub mod transform;
pub mod view;

pub use grid::{Grid, MAX_SIDE, Size};
pub use program::{Body, Extent, Layer, Mode, Pipeline, Program, SizeRule};
pub use task::{Pair, Task};
pub use transform::{Kind, ParseError, Transform, Value};
pub use view::{Renaming, View};
