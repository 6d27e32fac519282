//! Scenes of objects, and rules that say what happens to each of them.
//!
//! A [`Parsing`] takes a grid apart into objects; a [`Test`] on a [`Property`] tells objects apart; an [`Action`]
//! is what happens to those that pass. An [`ObjectRule`] is a short list of such clauses, and data throughout: it
//! prints, parses back, runs, and explains itself.

mod action;
mod area;
mod object;
mod paint;
mod parsing;
mod property;
mod relation;
mod rule;
mod test;
mod text;
mod words;

pub use action::{Action, Dot, Edit, Level, Shift, Symmetry};
pub use area::{Area, Axis, Origin, Reach};
pub use object::{ABSENT, Object, Turn};
pub use paint::{Paint, Part};
pub use parsing::{Backdrop, Grouping, OBJECTS_MAX, Parsing, Scene};
pub use property::{Aspect, Property};
pub use relation::{Compass, Heading, Target};
pub use rule::{Clause, Crop, Form, ObjectRule};
pub use test::{Relation, Test};
