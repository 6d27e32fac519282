//! Random grids, and random expressions that are well typed by construction.

use std::sync::OnceLock;

use proptest::prelude::*;
use stratagem_dsl::catalogue::{self, Entry};
use stratagem_dsl::expression::{Expression, Type};
use stratagem_dsl::lines::Direction;
use stratagem_dsl::{Grid, Size, Transform};

/// Grids of up to 30 by 30 cells in 2 to 10 colours.
pub fn grids() -> impl Strategy<Value = Grid> {
    (1usize..=30, 1usize..=30, 2u8..=10).prop_flat_map(|(w, h, colours)| {
        prop::collection::vec(0..colours, w * h)
            .prop_map(move |cells| Grid::from_cells(Size::new(w, h), cells).expect("a valid grid"))
    })
}

/// Grid-valued expressions.
#[allow(dead_code, reason = "not every test binary uses it")]
pub fn expressions() -> impl Strategy<Value = Expression> {
    prop::collection::vec(any::<u16>(), 0..120)
        .prop_map(|choices| Builder::new(&choices).expression(Type::Grid, 5))
}

/// Makes expressions by reading choices; none left means the simplest.
pub struct Builder<'c> {
    choices: std::slice::Iter<'c, u16>,
    it: Option<Type>,
    other: Option<Type>,
}

/// What the type variables stand for.
const VARIABLES: [Type; 4] = [Type::Grid, Type::Number, Type::Colour, Type::Position];

fn list_of(item: Type) -> Option<Type> {
    [Type::GRIDS, Type::NUMBERS, Type::COLOURS, Type::POSITIONS]
        .into_iter()
        .find(|list| matches!(list, Type::List(of) if **of == item))
}

fn substitute(t: Type, a: Type, b: Type) -> Option<Type> {
    match t {
        Type::A => Some(a),
        Type::B => Some(b),
        Type::List(item) => list_of(substitute(*item, a, b)?),
        other => Some(other),
    }
}

/// Entries with what their variables stand for.
type Fitting = Vec<(&'static Entry, Type, Type)>;

/// What yields a type, worked out once.
fn yielding(wanted: Type) -> &'static [(&'static Entry, Type, Type)] {
    static BY_TYPE: OnceLock<Vec<(Type, Fitting)>> = OnceLock::new();
    let by_type = BY_TYPE.get_or_init(|| {
        let mut by_type: Vec<(Type, Fitting)> = Vec::new();
        let pairs = VARIABLES.iter().flat_map(|&a| VARIABLES.iter().map(move |&b| (a, b)));
        for (entry, (a, b)) in catalogue::all().iter().flat_map(|e| pairs.clone().map(move |p| (e, p))) {
            let Some(gives) = substitute(entry.gives, a, b) else { continue };
            match by_type.iter_mut().find(|(t, _)| *t == gives) {
                Some((_, fitting)) => fitting.push((entry, a, b)),
                None => by_type.push((gives, vec![(entry, a, b)])),
            }
        }
        by_type
    });
    by_type.iter().find(|(t, _)| *t == wanted).map_or(&[], |(_, fitting)| fitting)
}

impl<'c> Builder<'c> {
    pub fn new(choices: &'c [u16]) -> Self {
        Self { choices: choices.iter(), it: None, other: None }
    }

    fn choose(&mut self, n: usize) -> usize {
        self.choices.next().map_or(0, |&c| c as usize % n.max(1))
    }

    /// An expression of a type without variables.
    pub fn expression(&mut self, wanted: Type, depth: usize) -> Expression {
        let atoms = self.atoms(wanted);
        if depth > 0 && (atoms.is_empty() || self.choose(4) > 0) {
            let fitting = yielding(wanted);
            let (entry, a, b) = fitting[self.choose(fitting.len())];
            return self.call(entry, a, b, depth - 1);
        }
        let chosen = self.choose(atoms.len());
        atoms.into_iter().nth(chosen).unwrap_or_else(|| Self::smallest(wanted))
    }

    /// A call of an entry with arguments of the types that its variables stand for.
    pub fn call(&mut self, entry: &'static Entry, a: Type, b: Type, depth: usize) -> Expression {
        if entry.is_transform() {
            let forms: Vec<&str> = Transform::forms(entry.name).collect();
            let t = forms[self.choose(forms.len())].parse().expect("a transform");
            let of = entry.takes.last().expect("an argument").1;
            return Expression::Step(t, Box::new(self.expression(of, depth)));
        }
        let arguments = entry.takes.iter().map(|(_, wanted)| match wanted {
            Type::Function(takes, gives) => {
                let given = |i: usize| takes.get(i).and_then(|t| substitute(*t, a, b));
                let outer = (self.it, self.other);
                self.other = if takes.len() > 1 { given(1) } else { self.it };
                self.it = given(0);
                let body = self.expression(substitute(**gives, a, b).expect("no list of lists"), depth);
                (self.it, self.other) = outer;
                body
            }
            plain => self.expression(substitute(*plain, a, b).expect("no list of lists"), depth),
        });
        Expression::Call(entry, arguments.collect())
    }

    fn atoms(&mut self, wanted: Type) -> Vec<Expression> {
        let mut atoms = Vec::new();
        match wanted {
            Type::Grid => atoms.push(Expression::Input),
            Type::Number => atoms.push(Expression::Number(self.choose(12) as i32 - 3)),
            Type::Colour => atoms.push(Expression::Colour(self.choose(10) as u8)),
            Type::Truth => atoms.push(Expression::Truth(self.choose(2) == 1)),
            Type::Position => atoms.push(Expression::Direction(Direction::ALL[self.choose(8)])),
            _ => {}
        }
        let bound = [(self.it, Expression::It), (self.other, Expression::Other)];
        atoms.extend(bound.into_iter().filter(|(t, _)| *t == Some(wanted)).map(|(_, atom)| atom));
        atoms
    }

    /// What stands for types that no atom has.
    fn smallest(wanted: Type) -> Expression {
        let text = match wanted {
            Type::Size => "(size-of input)",
            Type::GRIDS => "(single input)",
            Type::NUMBERS => "(range 3)",
            Type::COLOURS => "(colours-of input)",
            Type::POSITIONS => "(drawn-positions input)",
            other => panic!("no expression of type {other}"),
        };
        text.parse().expect(text)
    }
}
