//! Programs as text, there and back.
//!
//! `view ranked 6 | size 3 by h(trim)*2/1+0 | stack over keep 3 > fill ; cut input`

use std::fmt;
use std::str::FromStr;

use crate::program::{Body, Extent, Layer, Mode, Pipeline, Program, SizeRule};
use crate::transform::ParseError;
use crate::view::View;

fn bad<T>(text: &str) -> Result<T, ParseError> {
    Err(ParseError(text.to_string()))
}

fn number<T: FromStr>(text: &str) -> Result<T, ParseError> {
    text.trim().parse().or_else(|_| bad(text))
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
        text.split('>').map(str::parse).collect::<Result<_, _>>().map(Self)
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
        let text = text.trim();
        let Some((side, rest)) = text.split_once('(') else {
            return Ok(Self { plus: number(text)?, ..Self::fixed(0) });
        };
        let Some((of, scale)) = rest.split_once(')') else {
            return bad(text);
        };
        let height = match side {
            "h" => true,
            "w" => false,
            _ => return bad(side),
        };
        let (mut times, mut over, mut plus) = (1, 1, 0);
        if let Some(scale) = scale.strip_prefix('*') {
            let parts = scale.split_once('/').and_then(|(t, r)| Some((t, r.split_once('+')?)));
            let Some((t, (o, p))) = parts else { return bad(scale) };
            (times, over, plus) = (number(t)?, number(o)?, number(p)?);
        } else if !scale.is_empty() {
            return bad(scale);
        }
        Ok(Self { of: Some(of.parse()?), height, times, over, plus })
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
        match text.trim().split_once(' ') {
            None if text.trim() == "plain" => Ok(Self::Plain),
            None if text.trim() == "background" => Ok(Self::Background),
            Some(("ranked", kept)) => Ok(Self::Ranked(number(kept)?)),
            Some(("ranked-up", kept)) => Ok(Self::RankedUp(number(kept)?)),
            _ => bad(text),
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
        let Some((name, pipeline)) = text.trim().split_once(' ') else {
            return bad(text);
        };
        let Some(&(mode, _)) = Mode::NAMES.iter().find(|(_, n)| *n == name) else {
            return bad(name);
        };
        Ok(Self { mode, pipeline: pipeline.parse()? })
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
            view = head.parse()?;
            rest = tail.trim();
        }
        if let Some((head, tail)) = rest.strip_prefix("size ").and_then(|r| r.split_once(" | ")) {
            let Some((width, height)) = head.split_once(" by ") else {
                return bad(head);
            };
            size = Some(SizeRule { width: width.parse()?, height: height.parse()? });
            rest = tail.trim();
        }
        let body = if let Some(layers) = rest.strip_prefix("stack ") {
            Body::Stack(layers.split(';').map(str::parse).collect::<Result<_, _>>()?)
        } else if let Some(table) = rest.strip_prefix("table ") {
            parse_table(table)?
        } else if let Some(parts) = rest.strip_prefix("product ") {
            parse_product(parts)?
        } else {
            Body::Single(rest.parse()?)
        };
        Ok(Self { view, size, body })
    }
}

fn parse_table(text: &str) -> Result<Body, ParseError> {
    let Some((keys, rows)) = text.split_once(':') else {
        return bad(text);
    };
    let digit = |c: u8| if c.is_ascii_digit() { Ok(c - b'0') } else { bad(text) };
    let row = |text: &str| -> Result<(Vec<u8>, u8), ParseError> {
        match text.split_once('=') {
            Some((key, colour)) if colour.len() == 1 => {
                let key = key.bytes().map(digit).collect::<Result<_, _>>()?;
                Ok((key, digit(colour.as_bytes()[0])?))
            }
            _ => bad(text),
        }
    };
    Ok(Body::Table {
        keys: keys.split(';').map(str::parse).collect::<Result<_, _>>()?,
        rows: rows.split_whitespace().map(row).collect::<Result<_, _>>()?,
    })
}

/// Splits `{ … } { … }` where the braces of the first part balance.
fn parse_product(text: &str) -> Result<Body, ParseError> {
    let mut depth = 0;
    for (i, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            let inner = |part: &str| -> Result<Box<Program>, ParseError> {
                let part = part.trim();
                match part.strip_prefix('{').and_then(|p| p.strip_suffix('}')) {
                    Some(program) => program.parse().map(Box::new),
                    None => bad(part),
                }
            };
            return Ok(Body::Product { coarse: inner(&text[..=i])?, fine: inner(&text[i + 1..])? });
        }
    }
    bad(text)
}
