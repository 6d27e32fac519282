//! Expressions in words: grids and lists on the way get letters, a sentence each.

use super::text::direction_word;
use super::{Expression, Type};
use crate::explain::{sentence, step_words};
use crate::palette::Palette;

impl Expression {
    /// A sentence for each grid and each list on the way, then one for the result.
    pub(crate) fn sentences(&self, palette: Palette) -> Vec<String> {
        let mut told = Told { palette, lines: Vec::new() };
        let answer = told.phrase(self, true);
        told.lines.push(sentence(&format!("the answer is {answer}")));
        told.lines
    }
}

struct Told {
    palette: Palette,
    lines: Vec<String>,
}

impl Told {
    /// Words for an expression; its arguments get sentences of their own where `apart` and where
    /// they are more than a value.
    fn phrase(&mut self, expression: &Expression, apart: bool) -> String {
        match expression {
            Expression::Input => "the input".into(),
            Expression::It => "the item".into(),
            Expression::Other => "the other".into(),
            Expression::Number(n) => n.to_string(),
            Expression::Colour(c) => self.palette.name(*c),
            Expression::Truth(t) => (if *t { "it is so" } else { "it is not so" }).into(),
            Expression::Direction(d) => format!("one step {}", direction_word(*d)),
            Expression::Step(..) => self.steps(expression, apart),
            Expression::Call(entry, arguments) => {
                let mut words = Vec::with_capacity(arguments.len());
                for ((_, wanted), argument) in entry.takes.iter().zip(arguments) {
                    let within = matches!(wanted, Type::Function(..));
                    words.push(self.argument(argument, apart && !within));
                }
                entry.words(&words)
            }
        }
    }

    /// Transforms of transforms are told in a row, from the first.
    fn steps(&mut self, expression: &Expression, apart: bool) -> String {
        let mut steps = Vec::new();
        let mut of = expression;
        while let Expression::Step(t, inner) = of {
            steps.push(step_words(*t, self.palette));
            of = inner;
        }
        steps.reverse();
        let start = self.argument(of, apart);
        format!("{start}, changed so: {}", steps.join("; then "))
    }

    /// An argument: a name where a sentence of its own tells of it, otherwise words.
    fn argument(&mut self, argument: &Expression, apart: bool) -> String {
        let large = match argument {
            Expression::Step(..) => true,
            Expression::Call(entry, _) => matches!(entry.gives, Type::Grid | Type::List(_) | Type::A),
            _ => false,
        };
        let words = self.phrase(argument, apart);
        match (large, apart) {
            (true, true) => {
                let name = name(self.lines.len());
                self.lines.push(format!("Let {name} be {words}."));
                name
            }
            (true, false) => format!("({words})"),
            (false, _) => words,
        }
    }
}

/// A, B, … Z, A1, B1, …
fn name(n: usize) -> String {
    let letter = char::from(b'A' + (n % 26) as u8);
    if n < 26 { letter.to_string() } else { format!("{letter}{}", n / 26) }
}
