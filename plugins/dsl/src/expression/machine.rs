//! Running expressions within limits.

use super::{Expression, MAX_DEPTH};
use crate::catalogue::{Arguments, Run};
use crate::grid::{Grid, Size};
use crate::lists::{MAX_ITEMS, MAX_LIST_CELLS};
use crate::transform::Transform;
use crate::value::{Position, Value};

/// The work that one run may do; a unit is about one cell handled once.
const MAX_WORK: u64 = 4_000_000;
/// The work of a part besides its cells.
const PART_WORK: u64 = 8;

/// What `it` and `other` are.
#[derive(Clone, Copy, Default)]
pub(crate) struct Scope<'v> {
    pub it: Option<&'v Value>,
    pub other: Option<&'v Value>,
}

/// One run of an expression.
pub(crate) struct Machine<'g> {
    input: &'g Grid,
    pub canvas: Option<Size>,
    work_left: u64,
    depth: usize,
}

impl<'g> Machine<'g> {
    pub fn new(input: &'g Grid, canvas: Option<Size>) -> Self {
        Self { input, canvas, work_left: MAX_WORK, depth: 0 }
    }

    /// The value of an expression.
    pub fn value(&mut self, expression: &Expression, scope: Scope<'_>) -> Option<Value> {
        if self.depth >= MAX_DEPTH {
            return None;
        }
        self.depth += 1;
        let value = self.compute(expression, scope);
        self.depth -= 1;
        let value = value.filter(is_bounded)?;
        self.spend(PART_WORK + weight(&value))?;
        Some(value)
    }

    /// The value of a function of one argument.
    pub fn apply(&mut self, function: &Expression, item: &Value, scope: Scope<'_>) -> Option<Value> {
        self.value(function, Scope { it: Some(item), other: scope.it })
    }

    /// The value of a function of two arguments.
    pub fn apply_both(&mut self, function: &Expression, one: &Value, two: &Value) -> Option<Value> {
        self.value(function, Scope { it: Some(one), other: Some(two) })
    }

    /// Whether a predicate holds of an item; it does not where it yields nothing.
    pub fn holds(&mut self, predicate: &Expression, item: &Value, scope: Scope<'_>) -> bool {
        matches!(self.apply(predicate, item, scope), Some(Value::Truth(true)))
    }

    /// The items of a list, which an expression yields.
    pub fn items(&mut self, list: &Expression, scope: Scope<'_>) -> Option<Vec<Value>> {
        self.value(list, scope)?.items()
    }

    /// The number that an expression yields.
    pub fn number(&mut self, expression: &Expression, scope: Scope<'_>) -> Option<i32> {
        match self.value(expression, scope)? {
            Value::Number(n) => Some(n),
            _ => None,
        }
    }

    fn compute(&mut self, expression: &Expression, scope: Scope<'_>) -> Option<Value> {
        match expression {
            Expression::Input => Some(Value::One(self.input.clone())),
            Expression::It => scope.it.cloned(),
            Expression::Other => scope.other.cloned(),
            Expression::Number(n) => Some(Value::Number(*n)),
            Expression::Colour(c) => Some(Value::Colour((*c).min(9))),
            Expression::Truth(t) => Some(Value::Truth(*t)),
            Expression::Direction(d) => {
                let (dx, dy) = d.step();
                Position::new(dx as i32, dy as i32).map(Value::Position)
            }
            Expression::Step(t, of) => {
                let of = self.value(of, scope)?;
                self.spend(step_work(*t, &of))?;
                t.apply(&of, self.canvas)
            }
            Expression::Call(entry, arguments) => match entry.run {
                Run::Transform => None,
                Run::Canvas => self.canvas.map(Value::Size),
                Run::Plain(run) => {
                    let mut values = Vec::with_capacity(arguments.len());
                    for argument in arguments {
                        values.push(self.value(argument, scope)?);
                    }
                    self.spend(values.iter().map(weight).sum::<u64>() * u64::from(entry.effort))?;
                    run(&Arguments(&values))
                }
                Run::Lazy(run) => {
                    if arguments.len() != entry.takes.len() {
                        return None;
                    }
                    run(self, arguments, scope)
                }
            },
        }
    }

    fn spend(&mut self, work: u64) -> Option<()> {
        self.work_left = self.work_left.saturating_sub(work);
        (self.work_left > 0).then_some(())
    }
}

fn weight(value: &Value) -> u64 {
    match value {
        Value::List(list) => list.len() as u64,
        _ => value.area() as u64,
    }
}

/// Some transforms look at each cell many times.
fn step_work(t: Transform, value: &Value) -> u64 {
    let each = match t {
        Transform::Patches => 1500,
        Transform::Continue(_) | Transform::Spread(_) | Transform::Symmetrize(_) => 60,
        _ => 8,
    };
    weight(value) * each
}

/// Whether a value keeps the limits of lists, and its grids lie near the origin.
fn is_bounded(value: &Value) -> bool {
    let near = |g: &Grid| Position::new(i32::from(g.x), i32::from(g.y)).is_some();
    let few = match value {
        Value::Many(list) => list.len() <= MAX_ITEMS && value.area() <= MAX_LIST_CELLS,
        Value::List(list) => list.len() <= Value::MAX_ITEMS,
        _ => true,
    };
    few && value.grids().iter().all(near)
}
