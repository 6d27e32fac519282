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
pub mod catalogue;
pub mod cells;
pub mod colour;
pub mod drawing;
mod explain;
pub mod expression;
pub mod feature;
pub mod geometry;
pub mod grid;
mod grid_text;
pub mod layout;
pub mod lines;
pub mod lists;
mod mask;
pub mod measure;
pub mod objects;
mod palette;
mod parse_error;
pub mod program;
mod program_text;
pub mod repair;
pub mod scene;
pub mod shape;
pub mod task;
pub mod transform;
mod transform_all;
mod transform_text;
pub mod tree;
mod tree_text;
pub mod value;
pub mod view;

pub use expression::{Expression, Type};
pub use grid::{Grid, MAX_SIDE, Size};
pub use parse_error::nearest;
pub use program::{Body, Extent, Layer, Mode, Pipeline, Program, SizeRule};
pub use task::{Pair, Task};
pub use transform::{Kind, ParseError, Transform, Value};
pub use tree::{Head, Rules, Take, Tree};
pub use value::Position;
pub use view::{Renaming, View};
