//! Expressions as text, there and back; types are checked on the way.

use std::fmt;
use std::str::FromStr;

use super::{Bindings, Expression, MAX_DEPTH, MAX_PARTS, Type, TypeScope, step_type};
use crate::catalogue::{self, Entry};
use crate::lines::Direction;
use crate::parse_error::ParseError;
use crate::transform::Transform;

/// The words for steps in a direction.
const DIRECTIONS: [(&str, Direction); 8] = [
    ("left", Direction::Left),
    ("right", Direction::Right),
    ("up", Direction::Up),
    ("down", Direction::Down),
    ("up-left", Direction::UpLeft),
    ("up-right", Direction::UpRight),
    ("down-left", Direction::DownLeft),
    ("down-right", Direction::DownRight),
];

pub(super) fn direction_word(d: Direction) -> &'static str {
    DIRECTIONS.iter().find(|(_, known)| *known == d).map_or("", |(word, _)| word)
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input => f.write_str("input"),
            Self::It => f.write_str("it"),
            Self::Other => f.write_str("other"),
            Self::Number(n) => write!(f, "{n}"),
            Self::Colour(c) => write!(f, "#{c}"),
            Self::Truth(t) => write!(f, "{t}"),
            Self::Direction(d) => f.write_str(direction_word(*d)),
            Self::Step(t, of) => write!(f, "({t} {of})"),
            Self::Call(entry, arguments) => {
                write!(f, "({}", entry.name)?;
                for argument in arguments {
                    write!(f, " {argument}")?;
                }
                f.write_str(")")
            }
        }
    }
}

impl FromStr for Expression {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Parser::new(text).whole().map(|(expression, _)| expression)
    }
}

impl Expression {
    /// Reads an expression that must yield a type.
    pub fn parse(text: &str, wanted: Type) -> Result<Self, ParseError> {
        let (expression, found) = Parser::new(text).whole()?;
        if found == wanted {
            return Ok(expression);
        }
        let start = text.len() - text.trim_start().len();
        let reason = format!("yields a {found}, where a {wanted} is wanted");
        Err(ParseError::new(text.trim()).because(reason).at(start))
    }
}

struct Token<'t> {
    at: usize,
    word: &'t str,
}

struct Parser<'t> {
    text: &'t str,
    tokens: Vec<Token<'t>>,
    next: usize,
    parts: usize,
}

type Read = Result<(Expression, Type), ParseError>;

impl<'t> Parser<'t> {
    fn new(text: &'t str) -> Self {
        let mut tokens = Vec::new();
        let mut start = None;
        for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
            let ends = c.is_whitespace() || c == '(' || c == ')';
            if ends && let Some(at_word) = start.take() {
                tokens.push(Token { at: at_word, word: &text[at_word..at] });
            }
            if c == '(' || c == ')' {
                tokens.push(Token { at, word: &text[at..=at] });
            } else if !ends && start.is_none() {
                start = Some(at);
            }
        }
        Self { text, tokens, next: 0, parts: 0 }
    }

    fn whole(mut self) -> Read {
        let read = self.expression(TypeScope::default(), 1)?;
        match self.tokens.get(self.next) {
            None => Ok(read),
            Some(token) => Err(error(token, "comes after the end of the expression")),
        }
    }

    fn peek(&self) -> &'t str {
        self.tokens.get(self.next).map_or("", |token| token.word)
    }

    fn position(&self) -> usize {
        self.tokens.get(self.next).map_or(self.text.len(), |token| token.at)
    }

    fn take(&mut self) -> Result<Token<'t>, ParseError> {
        let (at, word) = (self.position(), self.peek());
        if word.is_empty() {
            return Err(ParseError::new(self.text.trim()).because("ends too early").at(at));
        }
        self.next += 1;
        Ok(Token { at, word })
    }

    fn expression(&mut self, scope: TypeScope, depth: usize) -> Read {
        let token = self.take()?;
        self.parts += 1;
        if depth > MAX_DEPTH || self.parts > MAX_PARTS {
            return Err(error(&token, "makes the expression too large"));
        }
        if token.word == "(" { self.call(scope, depth) } else { atom(&token, scope) }
    }

    fn call(&mut self, scope: TypeScope, depth: usize) -> Read {
        let head = self.take()?;
        let Some(entry) = catalogue::find(head.word) else {
            let names = catalogue::all().iter().map(|e| e.name);
            return Err(error(&head, "is no operation").suggesting(names));
        };
        let read = if entry.is_transform() {
            self.step(&head, scope, depth)?
        } else {
            self.operation(&head, entry, scope, depth)?
        };
        match self.take()? {
            Token { word: ")", .. } => Ok(read),
            extra => Err(error(&extra, &format!("is too much: it is {}", entry.signature()))),
        }
    }

    fn operation(&mut self, head: &Token, entry: &'static Entry, scope: TypeScope, depth: usize) -> Read {
        let mut bindings = Bindings::default();
        let mut arguments = Vec::with_capacity(entry.takes.len());
        for (name, wanted) in entry.takes {
            if self.peek() == ")" {
                return Err(error(head, &format!("lacks its {name}: it is {}", entry.signature())));
            }
            let start = Token { at: self.position(), word: self.peek() };
            let ill = |found: String| {
                error(&start, &format!("is a {found}, where \"{}\" takes {name}: {wanted}", entry.name))
            };
            let inner =
                bindings.scope(*wanted, scope).ok_or_else(|| ill("function of nothing known".into()))?;
            let (argument, found) = self.expression(inner, depth + 1)?;
            if !bindings.accept(*wanted, found) {
                return Err(ill(found.to_string()));
            }
            arguments.push(argument);
        }
        let gives = bindings.resolve(entry.gives);
        let gives = gives.ok_or_else(|| error(head, "would yield a list of lists"))?;
        Ok((Expression::Call(entry, arguments), gives))
    }

    /// A transform: its parameters are all words before the last argument.
    fn step(&mut self, head: &Token, scope: TypeScope, depth: usize) -> Read {
        let mut end = head.at + head.word.len();
        let is_last = |p: &Self| p.tokens.get(p.next + 1).is_none_or(|token| token.word == ")");
        while !matches!(self.peek(), "(" | ")" | "") && !is_last(self) {
            let word = self.take()?;
            end = word.at + word.word.len();
        }
        let text = &self.text[head.at..end];
        let spaced = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let t: Transform = spaced.parse().map_err(|e: ParseError| {
            let at = text.find(&e.word).unwrap_or(0) + head.at;
            e.at(at)
        })?;
        let start = Token { at: self.position(), word: self.peek() };
        let (of, found) = self.expression(scope, depth + 1)?;
        let Some(gives) = step_type(t, found) else {
            return Err(error(&start, &format!("is a {found}, which \"{t}\" does not take")));
        };
        Ok((Expression::Step(t, Box::new(of)), gives))
    }
}

fn error(token: &Token, reason: &str) -> ParseError {
    ParseError::new(token.word).because(reason).at(token.at)
}

fn atom(token: &Token, scope: TypeScope) -> Read {
    let unbound = || error(token, "stands outside of any function that gives it a meaning");
    let read = match token.word {
        "input" => (Expression::Input, Type::Grid),
        "it" => (Expression::It, scope.it.ok_or_else(unbound)?),
        "other" => (Expression::Other, scope.other.ok_or_else(unbound)?),
        "true" => (Expression::Truth(true), Type::Truth),
        "false" => (Expression::Truth(false), Type::Truth),
        word => {
            let direction = DIRECTIONS.iter().find(|(known, _)| *known == word);
            let colour = word.strip_prefix('#').and_then(|c| c.parse().ok()).filter(|c: &u8| *c < 10);
            match (direction, colour, word.parse::<i32>()) {
                (Some((_, d)), _, _) => (Expression::Direction(*d), Type::Position),
                (_, Some(c), _) => (Expression::Colour(c), Type::Colour),
                (_, _, Ok(n)) => (Expression::Number(n), Type::Number),
                _ => {
                    let words = DIRECTIONS.iter().map(|(known, _)| *known);
                    let names = words.chain(["input", "it", "other", "true", "false"]);
                    return Err(error(token, "is no value").suggesting(names));
                }
            }
        }
    };
    Ok(read)
}
