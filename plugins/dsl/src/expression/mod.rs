//! Typed expressions: operations of the catalogue, nested as far as a program needs.
//!
//! `(overlay (paint-box input (position 0 0) (size 2 2) #3) (trim input))`
//!
//! An operation stands in brackets before its arguments. Arguments are expressions: `input` is the
//! program's input, `3` a number, `#3` a colour, `true` a truth, `left` a step to the left. Where
//! an operation takes a function, as `map` does, the argument is an expression in which `it` is
//! what the function is given; `other` is its second argument, or, where the function takes one
//! argument only, what `it` was outside. The transforms of pipelines are operations too, with
//! their parameters first: `(keep 3 input)`.
//!
//! Expressions are total: they yield a value within the limits or nothing, on any grid, in a
//! bounded number of steps.

mod explain;
mod machine;
mod text;
mod types;

pub(crate) use machine::{Machine, Scope};
pub use types::Type;
pub(crate) use types::{Bindings, TypeScope};

use crate::catalogue::{self, Entry};
use crate::grid::{Grid, Size};
use crate::lines::Direction;
use crate::transform::{Kind, Transform};
use crate::value::Value;

/// The most expressions inside one another.
pub const MAX_DEPTH: usize = 32;
/// The most parts of an expression.
pub const MAX_PARTS: usize = 500;

/// An expression; made by parsing, or by hand and then checked with [`Expression::type_of`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Expression {
    /// The program's input.
    Input,
    /// What the nearest function is given.
    It,
    /// The second thing that it is given, or what `it` is outside of it.
    Other,
    Number(i32),
    Colour(u8),
    Truth(bool),
    /// One step in a direction.
    Direction(Direction),
    /// A transform of a grid or of a list.
    Step(Transform, Box<Expression>),
    /// An operation with its arguments.
    Call(&'static Entry, Vec<Expression>),
}

impl Expression {
    /// Runs the expression; none where a part does not apply or the work is beyond the limits.
    pub fn run(&self, input: &Grid, canvas: Option<Size>) -> Option<Value> {
        Machine::new(input, canvas).value(self, Scope::default())
    }

    /// What the expression yields, where its parts fit together.
    pub fn type_of(&self) -> Option<Type> {
        let within = self.depth() <= MAX_DEPTH && self.parts() <= MAX_PARTS;
        within.then(|| self.type_within(TypeScope::default())).flatten()
    }

    fn type_within(&self, scope: TypeScope) -> Option<Type> {
        match self {
            Self::Input => Some(Type::Grid),
            Self::It => scope.it,
            Self::Other => scope.other,
            Self::Number(_) => Some(Type::Number),
            Self::Colour(c) => (*c < 10).then_some(Type::Colour),
            Self::Truth(_) => Some(Type::Truth),
            Self::Direction(_) => Some(Type::Position),
            Self::Step(t, of) => step_type(*t, of.type_within(scope)?),
            Self::Call(entry, arguments) => {
                let mut bindings = Bindings::default();
                if entry.is_transform() || arguments.len() != entry.takes.len() {
                    return None;
                }
                for ((_, wanted), argument) in entry.takes.iter().zip(arguments) {
                    let found = argument.type_within(bindings.scope(*wanted, scope)?)?;
                    bindings.accept(*wanted, found).then_some(())?;
                }
                bindings.resolve(entry.gives)
            }
        }
    }

    /// What the expression costs to say: the costs of its operations, and 2 for each other part.
    pub fn cost(&self) -> u32 {
        let own = match self {
            Self::Step(t, _) => catalogue::of_transform(*t).map_or(10, |entry| entry.cost),
            Self::Call(entry, _) => entry.cost,
            _ => 2,
        };
        self.children().iter().map(Self::cost).fold(u32::from(own), u32::saturating_add)
    }

    /// The arguments.
    pub fn children(&self) -> &[Self] {
        match self {
            Self::Step(_, of) => std::slice::from_ref(of),
            Self::Call(_, arguments) => arguments,
            _ => &[],
        }
    }

    /// How many parts there are, this one included.
    pub fn parts(&self) -> usize {
        1 + self.children().iter().map(Self::parts).sum::<usize>()
    }

    /// How many parts lie inside one another at most.
    pub fn depth(&self) -> usize {
        1 + self.children().iter().map(Self::depth).max().unwrap_or(0)
    }
}

/// What a transform yields for a type. Transforms of single grids also take lists, item by item.
pub(crate) fn step_type(t: Transform, of: Type) -> Option<Type> {
    match (t.kind(), of) {
        (Kind::Each | Kind::Filter, Type::GRIDS) | (Kind::Split, Type::Grid) => Some(Type::GRIDS),
        (Kind::Each, Type::Grid) | (Kind::Join, Type::GRIDS) => Some(Type::Grid),
        _ => None,
    }
}
