//! Trees as text, there and back.
//!
//! `where (halo true) (paint 3) (by (feature size) over (input) : 0=base 6=2 else=1) > trim`

use std::fmt;
use std::str::FromStr;

use crate::program::Pipeline;
use crate::transform::ParseError;
use crate::tree::{Head, MAX_DEPTH, Rules, Take, Tree};

fn bad<T>(text: &str) -> Result<T, ParseError> {
    Err(ParseError::new(text))
}

impl fmt::Display for Take {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Base => f.write_str("base"),
            Self::Colour(c) => write!(f, "{c}"),
        }
    }
}

impl FromStr for Take {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        if text == "base" { Ok(Self::Base) } else { digit(text).map(Self::Colour) }
    }
}

fn digit(text: &str) -> Result<u8, ParseError> {
    match text.as_bytes() {
        [c] if c.is_ascii_digit() => Ok(c - b'0'),
        _ => bad(text),
    }
}

impl fmt::Display for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.rows.iter().map(|(key, take)| format!("{key}={take}"));
        let rows: Vec<String> = rows.chain(self.other.map(|take| format!("else={take}"))).collect();
        f.write_str(&rows.join(" "))
    }
}

impl FromStr for Rules {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let mut rules = Self::default();
        for row in text.split_whitespace() {
            match row.split_once('=') {
                Some(("else", take)) => rules.other = Some(take.parse()?),
                Some((key, take)) => rules.rows.push((digit(key)?, take.parse()?)),
                None => return bad(row),
            }
        }
        Ok(rules)
    }
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.head {
            Head::Input => return write!(f, "{}", self.steps),
            Head::Where { mask, then, other } => write!(f, "where ({mask}) ({then}) ({other})")?,
            Head::By { key, base, rules } => write!(f, "by ({key}) over ({base}) : {rules}")?,
        }
        if self.steps.0.is_empty() { Ok(()) } else { write!(f, " > {}", self.steps) }
    }
}

impl FromStr for Tree {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        parse(text, MAX_DEPTH)
    }
}

fn parse(text: &str, depth: usize) -> Result<Tree, ParseError> {
    let text = text.trim();
    if depth == 0 {
        return bad(text);
    }
    if let Some(rest) = text.strip_prefix("where ") {
        let (mask, rest) = group(rest, depth)?;
        let (then, rest) = group(rest, depth)?;
        let (other, rest) = group(rest, depth)?;
        let rest = rest.trim();
        let steps = if rest.is_empty() { Pipeline::default() } else { steps_after(rest)? };
        return Ok(Tree { head: Head::Where { mask, then, other }, steps });
    }
    if let Some(rest) = text.strip_prefix("by ") {
        let (key, rest) = group(rest, depth)?;
        let Some(rest) = rest.trim_start().strip_prefix("over ") else { return bad(rest) };
        let (base, rest) = group(rest, depth)?;
        let Some(rest) = rest.trim_start().strip_prefix(':') else { return bad(rest) };
        let (rules, steps) = match rest.find('>') {
            Some(at) => (&rest[..at], steps_after(&rest[at..])?),
            None => (rest, Pipeline::default()),
        };
        return Ok(Tree { head: Head::By { key, base, rules: rules.parse()? }, steps });
    }
    Ok(Tree { head: Head::Input, steps: text.parse()? })
}

fn steps_after(text: &str) -> Result<Pipeline, ParseError> {
    text.strip_prefix('>').map_or_else(|| bad(text), str::parse)
}

/// Reads `( … )` with its parentheses balanced: the tree inside, and what follows.
fn group(text: &str, depth: usize) -> Result<(Box<Tree>, &str), ParseError> {
    let text = text.trim_start();
    let mut open = 0usize;
    for (i, c) in text.bytes().enumerate() {
        match c {
            b'(' => open += 1,
            b')' if open > 0 => open -= 1,
            _ => {}
        }
        if open == 0 {
            if i == 0 {
                return bad(text);
            }
            return Ok((Box::new(parse(&text[1..i], depth - 1)?), &text[i + 1..]));
        }
    }
    bad(text)
}

#[cfg(test)]
mod tests {
    use crate::{Grid, Program};

    fn run(text: &str, rows: &[&[u8]]) -> Option<Grid> {
        let program: Program = text.parse().expect("a program");
        assert_eq!(program.to_string(), text);
        program.run(&Grid::from_rows(rows).expect("a grid"))
    }

    #[test]
    fn trees_print_and_parse_and_run() {
        let by = "size w(input) by h(input) | tree by (feature size) over (input) : 2=base else=7";
        assert_eq!(run(by, &[&[3, 3, 0, 4]]), Grid::from_rows(&[[3, 3, 7, 7]]));
        let nested = "tree where (keep 3) (rigid flip-x) (by (input) over (input) : 0=1 else=base) > trim";
        assert_eq!(run(nested, &[&[3, 0, 4]]), Grid::from_rows(&[[4, 1, 4]]));
        let unknown = "tree by (input) over (input) : 0=base";
        assert_eq!(run(unknown, &[&[3, 0, 4]]), None);
    }

    #[test]
    fn what_is_no_tree_is_refused() {
        let deep = format!("tree {}input{}", "where (".repeat(40), ") (input) (input)".repeat(40));
        for text in
            ["tree where (input) (input)", "tree by input over input", "tree by (input) over (input)", &deep]
        {
            assert!(text.parse::<Program>().is_err(), "{text}");
        }
        assert!("tree where ((input) (input) (input)".parse::<Program>().is_err());
    }
}
