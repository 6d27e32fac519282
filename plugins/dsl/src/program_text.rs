//! Programs as text, there and back.
//!
//! `view ranked 6 | size 3 by h(trim)*2/1+0 | stack over keep 3 > fill ; cut input`

use std::fmt;
use std::str::FromStr;

use crate::expression::{Expression, Type};
use crate::parse_error::ParseError;
use crate::program::{Body, Extent, Layer, Mode, Pipeline, Program, SizeRule};
use crate::view::View;

fn bad<T>(text: &str) -> Result<T, ParseError> {
    Err(ParseError::new(text))
}

/// Reads a part of a text; what is wrong with the part is told by its place in the whole.
fn read<T: FromStr<Err = ParseError>>(whole: &str, part: &str) -> Result<T, ParseError> {
    part.parse().map_err(|e: ParseError| e.inside(whole, part))
}

fn read_all<T: FromStr<Err = ParseError>>(whole: &str, part: &str, by: char) -> Result<Vec<T>, ParseError> {
    part.split(by).map(|item| read(whole, item)).collect()
}

fn number<T: FromStr>(whole: &str, part: &str) -> Result<T, ParseError> {
    let digits = part.trim();
    digits
        .parse()
        .map_err(|_| ParseError::new(digits).because("is no number that fits there").inside(whole, part))
}

impl fmt::Display for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("input");
        }
        for (i, step) in self.0.iter().enumerate() {
            let arrow = if i == 0 { "" } else { " > " };
            write!(f, "{arrow}{step}")?;
        }
        Ok(())
    }
}

impl FromStr for Pipeline {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        if text.trim() == "input" {
            return Ok(Self::default());
        }
        read_all(text, text, '>').map(Self)
    }
}

impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(of) = &self.of else {
            return write!(f, "{}", self.plus);
        };
        let side = if self.height { 'h' } else { 'w' };
        write!(f, "{side}({of})")?;
        if (self.times, self.over, self.plus) != (1, 1, 0) {
            write!(f, "*{}/{}+{}", self.times, self.over, self.plus)?;
        }
        Ok(())
    }
}

impl FromStr for Extent {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let Some((side, rest)) = text.split_once('(') else {
            return Ok(Self { plus: number(text, text)?, ..Self::fixed(0) });
        };
        let Some((of, scale)) = rest.split_once(')') else {
            return bad(text.trim());
        };
        let height = match side.trim() {
            "h" => true,
            "w" => false,
            other => return bad(other),
        };
        let scale = scale.trim();
        let (mut times, mut over, mut plus) = (1, 1, 0);
        if let Some(scale) = scale.strip_prefix('*') {
            let parts = scale.split_once('/').and_then(|(t, r)| Some((t, r.split_once('+')?)));
            let Some((t, (o, p))) = parts else { return bad(scale) };
            (times, over, plus) = (number(text, t)?, number(text, o)?, number(text, p)?);
        } else if !scale.is_empty() {
            return bad(scale);
        }
        Ok(Self { of: Some(read(text, of)?), height, times, over, plus })
    }
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain => f.write_str("plain"),
            Self::Background => f.write_str("background"),
            Self::Ranked(kept) => write!(f, "ranked {kept}"),
            Self::RankedUp(kept) => write!(f, "ranked-up {kept}"),
        }
    }
}

impl FromStr for View {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let views = ["plain", "background", "ranked", "ranked-up"];
        match text.trim().split_once(' ') {
            None if text.trim() == "plain" => Ok(Self::Plain),
            None if text.trim() == "background" => Ok(Self::Background),
            Some(("ranked", kept)) => Ok(Self::Ranked(number(text, kept)?)),
            Some(("ranked-up", kept)) => Ok(Self::RankedUp(number(text, kept)?)),
            _ => Err(ParseError::new(text.trim()).because("is no view").suggesting(views)),
        }
    }
}

impl Mode {
    const NAMES: [(Self, &'static str); 4] =
        [(Self::Over, "over"), (Self::Opaque, "opaque"), (Self::Cut, "cut"), (Self::Mask, "mask")];
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Mode::NAMES.iter().find(|(m, _)| *m == self.mode).map_or("", |(_, n)| n);
        write!(f, "{name} {}", self.pipeline)
    }
}

impl FromStr for Layer {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let trimmed = text.trim();
        let (name, pipeline) = trimmed.split_once(' ').unwrap_or((trimmed, ""));
        let Some(&(mode, _)) = Mode::NAMES.iter().find(|(_, n)| *n == name) else {
            let names = Mode::NAMES.iter().map(|(_, n)| *n);
            return Err(ParseError::new(name).because("is no layer's mode").suggesting(names));
        };
        Ok(Self { mode, pipeline: read(text, pipeline)? })
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.view != View::Plain {
            write!(f, "view {} | ", self.view)?;
        }
        if let Some(rule) = &self.size {
            write!(f, "size {} by {} | ", rule.width, rule.height)?;
        }
        match &self.body {
            Body::Single(pipeline) => write!(f, "{pipeline}"),
            Body::Stack(layers) => {
                let layers: Vec<String> = layers.iter().map(ToString::to_string).collect();
                write!(f, "stack {}", layers.join(" ; "))
            }
            Body::Table { keys, rows } => {
                let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
                write!(f, "table {} :", keys.join(" ; "))?;
                for (key, colour) in rows {
                    let key: String = key.iter().map(|k| char::from(b'0' + k)).collect();
                    write!(f, " {key}={colour}")?;
                }
                Ok(())
            }
            Body::Product { coarse, fine } => write!(f, "product {{ {coarse} }} {{ {fine} }}"),
            Body::Chain { first, then } => write!(f, "chain {{ {first} }} {{ {then} }}"),
            Body::Expression(expression) => write!(f, "expr {expression}"),
            Body::Objects(rule) => write!(f, "objects {rule}"),
            Body::Cells(rule) => write!(f, "cells {rule}"),
            Body::Layout(rule) => write!(f, "layout {rule}"),
            Body::Tree(tree) => write!(f, "tree {tree}"),
        }
    }
}

impl FromStr for Program {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let mut rest = text.trim();
        let mut view = View::Plain;
        let mut size = None;
        if let Some((head, tail)) = rest.strip_prefix("view ").and_then(|r| r.split_once(" | ")) {
            view = read(text, head)?;
            rest = tail.trim();
        }
        if let Some((head, tail)) = rest.strip_prefix("size ").and_then(|r| r.split_once(" | ")) {
            let Some((width, height)) = head.split_once(" by ") else {
                return Err(ParseError::new(head).because("lacks \" by \"").inside(text, head));
            };
            size = Some(SizeRule { width: read(text, width)?, height: read(text, height)? });
            rest = tail.trim();
        }
        let body = parse_body(rest).map_err(|e| e.inside(text, rest))?;
        Ok(Self { view, size, body })
    }
}

fn parse_body(text: &str) -> Result<Body, ParseError> {
    if let Some(layers) = text.strip_prefix("stack ") {
        read_all(text, layers, ';').map(Body::Stack)
    } else if let Some(table) = text.strip_prefix("table ") {
        parse_table(table).map_err(|e| e.inside(text, table))
    } else if let Some(parts) = text.strip_prefix("product ") {
        let (coarse, fine) = parse_two(parts).map_err(|e| e.inside(text, parts))?;
        Ok(Body::Product { coarse, fine })
    } else if let Some(parts) = text.strip_prefix("chain ") {
        let (first, then) = parse_two(parts).map_err(|e| e.inside(text, parts))?;
        Ok(Body::Chain { first, then })
    } else if let Some(expression) = text.strip_prefix("expr ") {
        let parsed = Expression::parse(expression, Type::Grid).map_err(|e| e.inside(text, expression))?;
        Ok(Body::Expression(Box::new(parsed)))
    } else if let Some(rule) = text.strip_prefix("objects ") {
        Ok(Body::Objects(Box::new(read(text, rule)?)))
    } else if let Some(rule) = text.strip_prefix("cells ") {
        Ok(Body::Cells(Box::new(read(text, rule)?)))
    } else if let Some(rule) = text.strip_prefix("layout ") {
        Ok(Body::Layout(Box::new(read(text, rule)?)))
    } else if let Some(tree) = text.strip_prefix("tree ") {
        read(text, tree).map(Body::Tree)
    } else {
        read(text, text).map(Body::Single)
    }
}

fn parse_table(text: &str) -> Result<Body, ParseError> {
    let Some((keys, rows)) = text.split_once(':') else {
        return Err(ParseError::new(text).because("lacks the table's rows, which follow \":\""));
    };
    let row = |row: &str| -> Result<(Vec<u8>, u8), ParseError> {
        let digit = |c: u8| if c.is_ascii_digit() { Ok(c - b'0') } else { bad(row) };
        match row.split_once('=') {
            Some((key, colour)) if colour.len() == 1 => {
                let key = key.bytes().map(digit).collect::<Result<_, _>>()?;
                Ok((key, digit(colour.as_bytes()[0])?))
            }
            _ => bad(row),
        }
    };
    let read_row = |part| row(part).map_err(|e| e.inside(text, part));
    Ok(Body::Table {
        keys: read_all(text, keys, ';')?,
        rows: rows.split_whitespace().map(read_row).collect::<Result<_, _>>()?,
    })
}

/// The most programs inside one another that a text may hold.
const MAX_NESTING: usize = 16;

/// Splits `{ … } { … }` where the braces of the first part balance, and reads both programs.
fn parse_two(text: &str) -> Result<(Box<Program>, Box<Program>), ParseError> {
    let mut depth = 0usize;
    for (i, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_NESTING {
            return Err(ParseError::new("{").because("opens one program too many").at(i));
        }
        if depth == 0 {
            let (first, second) = text.split_at(i + c.len_utf8());
            return Ok((parse_braced(text, first)?, parse_braced(text, second)?));
        }
    }
    Err(ParseError::new(text).because("lacks a closing \"}\""))
}

fn parse_braced(whole: &str, part: &str) -> Result<Box<Program>, ParseError> {
    match part.trim().strip_prefix('{').and_then(|p| p.strip_suffix('}')) {
        Some(program) => read(whole, program).map(Box::new),
        None => Err(ParseError::new(part.trim()).because("is not set in braces").inside(whole, part)),
    }
}
