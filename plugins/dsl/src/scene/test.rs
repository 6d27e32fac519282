//! Tests that tell the objects of a scene apart.

use super::property::Property;

/// What is asked of a value among the values of all objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relation {
    Is(i32),
    Over(i32),
    /// No object has more, and one has less.
    Most,
    /// No object has less, and one has more.
    Least,
    /// No other object has this value, and at least two share another.
    Odd,
}

/// A question about an object that has an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Test {
    pub property: Property,
    pub relation: Relation,
    pub negated: bool,
}

impl Test {
    /// Which objects of a scene pass, given the values of all of them.
    pub fn pass(&self, values: &[i32]) -> Vec<bool> {
        let most = values.iter().max().copied().unwrap_or(0);
        let least = values.iter().min().copied().unwrap_or(0);
        let copies = |v: i32| values.iter().filter(|&&other| other == v).count();
        let is_odd = |v: i32| copies(v) == 1 && values.iter().any(|&other| copies(other) > 1);
        let holds = |v: i32| match self.relation {
            Relation::Is(wanted) => v == wanted,
            Relation::Over(limit) => v > limit,
            Relation::Most => v == most && most > least,
            Relation::Least => v == least && most > least,
            Relation::Odd => is_odd(v),
        };
        values.iter().map(|&v| holds(v) != self.negated).collect()
    }
}
