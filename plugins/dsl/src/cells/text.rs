//! Cell rules as text, there and back.
//!
//! `list own is 0 & sees left is as sees right : sees left , else own then grow next up 3 : same if own is 0`

use std::fmt;
use std::str::FromStr;

use crate::lines::Direction;
use crate::transform::ParseError;
use crate::transform_text::kebab;

use super::{
    CellRule, Clause, Fact, Growth, Heading, Ink, List, Literal, Meet, Mend, NONE, Pass, Reach, Ring, Shoot,
    Spread, Symmetry, Test,
};

fn bad<T>(text: &str) -> Result<T, ParseError> {
    Err(ParseError::new(text))
}

fn number(text: &str) -> Result<u8, ParseError> {
    text.trim().parse().or_else(|_| bad(text))
}

fn colour(text: &str) -> Result<u8, ParseError> {
    number(text).and_then(|c| if c < 10 { Ok(c) } else { bad(text) })
}

fn split<'a>(text: &'a str, at: &str) -> Result<(&'a str, &'a str), ParseError> {
    text.split_once(at).map_or_else(|| bad(text), Ok)
}

/// Finds the value whose name the text is.
fn named<T: Copy + fmt::Debug>(all: &[T], text: &str) -> Result<T, ParseError> {
    all.iter().copied().find(|v| kebab(v) == text.trim()).map_or_else(|| bad(text), Ok)
}

const MEETS: [Meet; 7] =
    [Meet::Stop, Meet::Through, Meet::Over, Meet::Left, Meet::Right, Meet::Bounce, Meet::Dye];

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fact, test, negated } = self;
        let not = if *negated { "not " } else { "" };
        match test {
            Test::Is(NONE) if fact.is_colour() => write!(f, "{not}{fact} is none"),
            Test::Is(k) => write!(f, "{not}{fact} is {k}"),
            Test::IsAs(other) => write!(f, "{not}{fact} is as {other}"),
            Test::AtMost(k) => write!(f, "{not}{fact} is up-to {k}"),
            Test::Odd => write!(f, "{not}{fact} is odd"),
        }
    }
}

impl FromStr for Literal {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let text = text.trim();
        let (negated, text) = text.strip_prefix("not ").map_or((false, text), |rest| (true, rest));
        let (fact, test) = split(text, " is ")?;
        let test = match test.trim() {
            "none" => Test::Is(NONE),
            "odd" => Test::Odd,
            test => match test.split_once(' ') {
                Some(("as", other)) => Test::IsAs(other.parse()?),
                Some(("up-to", k)) => Test::AtMost(number(k)?),
                _ => Test::Is(number(test)?),
            },
        };
        Ok(Self { fact: fact.parse()?, test, negated })
    }
}

fn write_when(f: &mut fmt::Formatter<'_>, when: &[Literal]) -> fmt::Result {
    if when.is_empty() {
        return f.write_str("always");
    }
    let texts: Vec<String> = when.iter().map(ToString::to_string).collect();
    f.write_str(&texts.join(" & "))
}

fn parse_when(text: &str) -> Result<Vec<Literal>, ParseError> {
    if text.trim() == "always" {
        return Ok(Vec::new());
    }
    text.split('&').map(str::parse).collect()
}

impl fmt::Display for Ink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Colour(c) => write!(f, "{c}"),
            Self::As(fact) => write!(f, "{fact}"),
        }
    }
}

impl FromStr for Ink {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        match text.trim().parse::<u8>() {
            Ok(_) => colour(text).map(Self::Colour),
            Err(_) => text.parse().map(Self::As),
        }
    }
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("list ")?;
        for clause in &self.clauses {
            write_when(f, &clause.when)?;
            write!(f, " : {} , ", clause.ink)?;
        }
        write!(f, "else {}", self.otherwise)
    }
}

impl FromStr for List {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let mut parts: Vec<&str> = text.split(',').collect();
        let last = parts.pop().unwrap_or("").trim();
        let Some(otherwise) = last.strip_prefix("else ") else {
            return bad(last);
        };
        let clause = |text: &str| -> Result<Clause, ParseError> {
            let (when, ink) = split(text, ":")?;
            Ok(Clause { when: parse_when(when)?, ink: ink.parse()? })
        };
        let clauses = parts.into_iter().map(clause).collect::<Result<_, _>>()?;
        Ok(Self { clauses, otherwise: otherwise.parse()? })
    }
}

fn word(colour: Option<u8>, none: &str) -> String {
    colour.map_or_else(|| none.to_string(), |c| c.to_string())
}

fn parse_word(text: &str, none: &str) -> Result<Option<u8>, ParseError> {
    if text.trim() == none { Ok(None) } else { colour(text).map(Some) }
}

impl fmt::Display for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("grow ")?;
        for (i, s) in self.0.iter().enumerate() {
            let comma = if i == 0 { "" } else { " , " };
            let (from, ink) = (word(s.from, "any"), word(s.ink, "same"));
            write!(f, "{comma}{} = {from} : {ink} if ", kebab(s.reach))?;
            write_when(f, &s.when)?;
        }
        Ok(())
    }
}

impl FromStr for Growth {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let reaches: Vec<Reach> =
            Direction::ALL.map(Reach::Next).into_iter().chain(Ring::ALL.map(Reach::Ring)).collect();
        let spread = |text: &str| -> Result<Spread, ParseError> {
            let (head, when) = split(text, " if ")?;
            let (head, ink) = split(head, ":")?;
            let (reach, from) = split(head, "=")?;
            Ok(Spread {
                when: parse_when(when)?,
                reach: named(&reaches, reach)?,
                from: parse_word(from, "any")?,
                ink: parse_word(ink, "same")?,
            })
        };
        text.split(',').map(spread).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for Shoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ink = word(self.ink, "same");
        write!(f, "shoot {} , {ink} , {} , ", kebab(self.heading), kebab(self.meet))?;
        match self.but {
            None => f.write_str("no other")?,
            Some((c, meet)) => write!(f, "{c} {}", kebab(meet))?,
        }
        let edges = if self.edges { "walled" } else { "open" };
        write!(f, " , {edges} , {} , if ", self.step)?;
        write_when(f, &self.when)
    }
}

impl FromStr for Shoot {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let parts: Vec<&str> = text.split(',').map(str::trim).collect();
        let &[heading, ink, meet, but, edges, step, when] = parts.as_slice() else {
            return bad(text);
        };
        let but = match but {
            "no other" => None,
            but => {
                let (c, meet) = split(but, " ")?;
                Some((colour(c)?, named(&MEETS, meet)?))
            }
        };
        let Some(when) = when.strip_prefix("if ") else { return bad(when) };
        Ok(Self {
            when: parse_when(when)?,
            heading: named(&Heading::ALL, heading)?,
            ink: parse_word(ink, "same")?,
            meet: named(&MEETS, meet)?,
            but,
            edges: edges == "walled",
            step: number(step)?,
        })
    }
}

impl fmt::Display for Mend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let patch = if self.patch { "patch" } else { "whole" };
        write!(f, "mend {} {} {patch}", self.mask, kebab(self.by))
    }
}

impl FromStr for Mend {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words.as_slice() {
            [mask, by, "patch" | "whole"] => {
                Ok(Self { mask: colour(mask)?, by: named(&Symmetry::ALL, by)?, patch: words[2] == "patch" })
            }
            _ => bad(text),
        }
    }
}

impl fmt::Display for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(list) => write!(f, "{list}"),
            Self::Growth(growth) => write!(f, "{growth}"),
            Self::Shoot(shoot) => write!(f, "{shoot}"),
            Self::Mend(mend) => write!(f, "{mend}"),
        }
    }
}

impl FromStr for Pass {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        match text.trim().split_once(' ') {
            Some(("list", rest)) => rest.parse().map(Self::List),
            Some(("grow", rest)) => rest.parse().map(Self::Growth),
            Some(("shoot", rest)) => rest.parse().map(Self::Shoot),
            Some(("mend", rest)) => rest.parse().map(Self::Mend),
            _ => bad(text),
        }
    }
}

impl fmt::Display for CellRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let passes: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&passes.join(" then "))
    }
}

impl FromStr for CellRule {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        text.split(" then ").map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

impl CellRule {
    /// The rule in words.
    pub fn explain(&self) -> String {
        let passes: Vec<String> = self.0.iter().map(explain_pass).collect();
        format!("{}.", passes.join("; then "))
    }
}

fn explain_when(when: &[Literal]) -> String {
    let texts: Vec<String> = when.iter().map(ToString::to_string).collect();
    if texts.is_empty() { "any".to_string() } else { format!("where {}", texts.join(" and ")) }
}

fn explain_pass(pass: &Pass) -> String {
    match pass {
        Pass::List(list) => {
            let clause =
                |c: &Clause| format!("a cell {} becomes {}", explain_when(&c.when), explain_ink(c.ink));
            let mut texts: Vec<String> = list.clauses.iter().map(clause).collect();
            texts.push(format!("every other cell becomes {}", explain_ink(list.otherwise)));
            texts.join(", else ")
        }
        Pass::Growth(Growth(spreads)) => {
            let spread = |s: &Spread| {
                let (from, ink) = (word(s.from, "drawn"), word(s.ink, "that colour"));
                let cell = explain_when(&s.when);
                format!("a cell {cell} becomes {ink} once its {} is {from}", kebab(s.reach))
            };
            let texts: Vec<String> = spreads.iter().map(spread).collect();
            format!("until nothing changes, {}", texts.join(", else "))
        }
        Pass::Shoot(s) => {
            let (ink, heading, meet) = (word(s.ink, "its colour"), kebab(s.heading), kebab(s.meet));
            let cells = explain_when(&s.when);
            format!("each cell {cells} shoots a ray of {ink} ({heading}; at obstacles: {meet})")
        }
        Pass::Mend(m) => {
            let what = if m.patch { "the answer is" } else { "put back" };
            format!("{what} what colour {} hides, by {}", m.mask, kebab(m.by))
        }
    }
}

fn explain_ink(ink: Ink) -> String {
    match ink {
        Ink::Colour(c) => format!("colour {c}"),
        Ink::As(Fact::Own) => "what it was".to_string(),
        Ink::As(fact) => format!("the colour of {fact}"),
    }
}
