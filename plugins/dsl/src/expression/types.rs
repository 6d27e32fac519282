//! Types of expressions, and how an operation's signature meets its arguments.

use std::fmt;

/// What an expression yields, or a place in a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Grid,
    Number,
    Colour,
    Truth,
    /// A cell's place, or a step from one to another.
    Position,
    Size,
    /// A parameter of a transform that is written as words.
    Word,
    /// Any type but a function, the same wherever the signature says so.
    A,
    /// As `A`, another one.
    B,
    /// A list; lists do not hold lists.
    List(&'static Type),
    /// An expression that is run with arguments of its own.
    Function(&'static [Type], &'static Type),
}

impl Type {
    pub const GRIDS: Self = Self::List(&Self::Grid);
    pub const NUMBERS: Self = Self::List(&Self::Number);
    pub const COLOURS: Self = Self::List(&Self::Colour);
    pub const POSITIONS: Self = Self::List(&Self::Position);

    fn list_of(item: Self) -> Option<Self> {
        Some(match item {
            Self::Grid => Self::GRIDS,
            Self::Number => Self::NUMBERS,
            Self::Colour => Self::COLOURS,
            Self::Position => Self::POSITIONS,
            Self::Truth => Self::List(&Self::Truth),
            Self::Size => Self::List(&Self::Size),
            _ => return None,
        })
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Grid => f.write_str("grid"),
            Self::Number => f.write_str("number"),
            Self::Colour => f.write_str("colour"),
            Self::Truth => f.write_str("truth"),
            Self::Position => f.write_str("position"),
            Self::Size => f.write_str("size"),
            Self::Word => f.write_str("word"),
            Self::A => f.write_str("a"),
            Self::B => f.write_str("b"),
            Self::List(item) => write!(f, "list of {item}"),
            Self::Function(takes, gives) => {
                let takes: Vec<String> = takes.iter().map(ToString::to_string).collect();
                write!(f, "({} -> {gives})", takes.join(", "))
            }
        }
    }
}

/// What `it` and `other` are.
#[derive(Clone, Copy, Default)]
pub(crate) struct TypeScope {
    pub it: Option<Type>,
    pub other: Option<Type>,
}

/// What the type variables of one signature stand for, as far as its arguments tell.
#[derive(Default)]
pub(crate) struct Bindings([Option<Type>; 2]);

impl Bindings {
    /// Whether an argument of type `found` may stand where the signature says `wanted`.
    pub fn accept(&mut self, wanted: Type, found: Type) -> bool {
        match (wanted, found) {
            (Type::A | Type::B, _) => *self.variable(wanted).get_or_insert(found) == found,
            (Type::List(wanted), Type::List(found)) => self.accept(*wanted, *found),
            (Type::Function(_, gives), _) => self.accept(*gives, found),
            _ => wanted == found,
        }
    }

    /// The type without variables, where all are known and no list would hold a list.
    pub fn resolve(&self, t: Type) -> Option<Type> {
        match t {
            Type::A => self.0[0],
            Type::B => self.0[1],
            Type::List(item) => Type::list_of(self.resolve(*item)?),
            _ => Some(t),
        }
    }

    /// What `it` and `other` are in an argument that is wanted to be of a type.
    pub fn scope(&self, wanted: Type, outer: TypeScope) -> Option<TypeScope> {
        match wanted {
            Type::Function([one], _) => Some(TypeScope { it: Some(self.resolve(*one)?), other: outer.it }),
            Type::Function([one, two, ..], _) => {
                Some(TypeScope { it: Some(self.resolve(*one)?), other: Some(self.resolve(*two)?) })
            }
            _ => Some(outer),
        }
    }

    fn variable(&mut self, t: Type) -> &mut Option<Type> {
        &mut self.0[usize::from(t == Type::B)]
    }
}
