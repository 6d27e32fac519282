//! What is known of an operation, as data.

use std::fmt;
use std::hash::{Hash, Hasher};

use crate::expression::{Expression, Machine, Scope, Type};
use crate::grid::{Grid, Size};
use crate::transform::Transform;
use crate::value::{Position, Value};

/// What an operation is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// Drawing, moving and joining whole grids.
    Grid,
    /// Taking grids apart, and what is done with the parts.
    Object,
    /// Places, sizes, and items by their place in a list.
    Index,
    Colour,
    Number,
    Predicate,
    /// Operations that take functions.
    Combinator,
}

impl Category {
    pub const ALL: [Self; 7] = [
        Self::Grid,
        Self::Object,
        Self::Index,
        Self::Colour,
        Self::Number,
        Self::Predicate,
        Self::Combinator,
    ];

    /// The category's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Grid => "grid",
            Self::Object => "object",
            Self::Index => "index",
            Self::Colour => "colour",
            Self::Number => "number",
            Self::Predicate => "predicate",
            Self::Combinator => "combinator",
        }
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An expression, an input, and what the one yields for the other on [`Example::CANVAS`].
#[derive(Clone, Copy, Debug)]
pub struct Example {
    pub expression: &'static str,
    pub input: &'static str,
    pub output: &'static str,
}

impl Example {
    /// The size of the answer in examples.
    pub const CANVAS: Size = Size { width: 4, height: 4 };
}

/// How an operation runs.
#[derive(Clone, Copy)]
pub(crate) enum Run {
    /// It is one of `Transform`, with parameters of its own.
    Transform,
    /// It yields the size of the answer.
    Canvas,
    /// It needs only the values of its arguments.
    Plain(fn(&Arguments<'_>) -> Option<Value>),
    /// It runs its arguments as it likes.
    Lazy(fn(&mut Machine<'_>, &[Expression], Scope<'_>) -> Option<Value>),
}

/// A named operation or transform.
#[derive(Clone, Copy)]
pub struct Entry {
    pub name: &'static str,
    pub category: Category,
    /// The parameters' names and types, in order.
    pub takes: &'static [(&'static str, Type)],
    pub gives: Type,
    /// What it means, with each parameter's name in braces where its value belongs: what a
    /// transform does, what an operation yields, or what must hold.
    pub meaning: &'static str,
    /// What a description pays for it: 10 where it is neither common nor rare.
    pub cost: u16,
    pub example: Example,
    /// How often a run looks at each cell of its arguments, about.
    pub(crate) effort: u8,
    pub(crate) run: Run,
}

/// A parameter with its type.
pub(super) type Parameter = (&'static str, Type);

/// An operation that needs only the values of its arguments.
pub(super) const fn op(
    name: &'static str,
    takes: &'static [Parameter],
    gives: Type,
    meaning: &'static str,
    run: fn(&Arguments<'_>) -> Option<Value>,
) -> Entry {
    Entry::new(name, takes, gives, meaning, Run::Plain(run))
}

/// An operation that runs functions.
pub(super) const fn lazy(
    name: &'static str,
    takes: &'static [Parameter],
    gives: Type,
    meaning: &'static str,
    run: fn(&mut Machine<'_>, &[Expression], Scope<'_>) -> Option<Value>,
) -> Entry {
    Entry::new(name, takes, gives, meaning, Run::Lazy(run))
}

impl Entry {
    pub(super) const fn new(
        name: &'static str,
        takes: &'static [Parameter],
        gives: Type,
        meaning: &'static str,
        run: Run,
    ) -> Self {
        let example = Example { expression: "", input: "", output: "" };
        Self { name, category: Category::Grid, takes, gives, meaning, cost: 10, example, effort: 2, run }
    }

    pub(super) const fn shows(
        self,
        expression: &'static str,
        input: &'static str,
        output: &'static str,
    ) -> Self {
        Self { example: Example { expression, input, output }, ..self }
    }

    pub(super) const fn costs(self, cost: u16) -> Self {
        Self { cost, ..self }
    }

    pub(super) const fn effort(self, effort: u8) -> Self {
        Self { effort, ..self }
    }

    /// Whether this is a transform, which pipelines take as well.
    pub fn is_transform(&self) -> bool {
        matches!(self.run, Run::Transform)
    }

    /// For a transform: all texts of it, one for each choice of its parameters.
    pub fn forms(&self) -> Vec<&'static str> {
        if self.is_transform() { Transform::forms(self.name).collect() } else { Vec::new() }
    }

    /// The signature: `recolour(grid: grid, from: colour, to: colour) -> grid`.
    pub fn signature(&self) -> String {
        let takes: Vec<String> = self.takes.iter().map(|(name, t)| format!("{name}: {t}")).collect();
        format!("{}({}) -> {}", self.name, takes.join(", "), self.gives)
    }

    /// The meaning as a sentence, parameters by name.
    pub fn sentence(&self) -> String {
        let plain: String = self.meaning.replace(['{', '}'], "`");
        let mut letters = plain.chars();
        let first = letters.next().map(|c| c.to_ascii_uppercase());
        first.into_iter().chain(letters).chain(['.']).collect()
    }

    /// The meaning with values in place of the parameters' names.
    pub fn words(&self, values: &[String]) -> String {
        let named = self.takes.iter().map(|(name, _)| format!("{{{name}}}"));
        named.zip(values).fold(self.meaning.to_string(), |text, (name, value)| text.replace(&name, value))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Entry {}

impl Hash for Entry {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// The values that an operation is given.
pub(crate) struct Arguments<'v>(pub &'v [Value]);

impl<'v> Arguments<'v> {
    pub fn value(&self, i: usize) -> Option<&'v Value> {
        self.0.get(i)
    }

    pub fn grid(&self, i: usize) -> Option<&'v Grid> {
        self.value(i)?.grid()
    }

    pub fn grids(&self, i: usize) -> Option<&'v [Grid]> {
        match self.value(i)? {
            Value::Many(list) => Some(list),
            _ => None,
        }
    }

    pub fn number(&self, i: usize) -> Option<i32> {
        match self.value(i)? {
            Value::Number(n) => Some(*n),
            _ => None,
        }
    }

    /// A number that is not negative.
    pub fn count(&self, i: usize) -> Option<usize> {
        usize::try_from(self.number(i)?).ok()
    }

    pub fn colour(&self, i: usize) -> Option<u8> {
        match self.value(i)? {
            Value::Colour(c) => Some(*c),
            _ => None,
        }
    }

    pub fn truth(&self, i: usize) -> Option<bool> {
        match self.value(i)? {
            Value::Truth(t) => Some(*t),
            _ => None,
        }
    }

    pub fn position(&self, i: usize) -> Option<Position> {
        match self.value(i)? {
            Value::Position(p) => Some(*p),
            _ => None,
        }
    }

    pub fn size(&self, i: usize) -> Option<Size> {
        match self.value(i)? {
            Value::Size(s) => Some(*s),
            _ => None,
        }
    }

    pub fn items(&self, i: usize) -> Option<Vec<Value>> {
        self.value(i)?.items()
    }

    pub fn positions(&self, i: usize) -> Option<Vec<Position>> {
        let position = |v: Value| if let Value::Position(p) = v { Some(p) } else { None };
        self.items(i)?.into_iter().map(position).collect()
    }

    pub fn colours(&self, i: usize) -> Option<Vec<u8>> {
        let colour = |v: Value| if let Value::Colour(c) = v { Some(c) } else { None };
        self.items(i)?.into_iter().map(colour).collect()
    }

    pub fn numbers(&self, i: usize) -> Option<Vec<i32>> {
        let number = |v: Value| if let Value::Number(n) = v { Some(n) } else { None };
        self.items(i)?.into_iter().map(number).collect()
    }
}
