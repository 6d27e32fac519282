//! Layout rules as text, there and back: `panels > most of ink > take > rigid flip-x`.

use std::fmt::{self, Debug, Display};
use std::str::FromStr;

use super::LayoutRule;
use super::act::{Act, Lookup};
use super::assemble::Puzzle;
use super::cut::Cut;
use super::finish::Finish;
use super::keep::{Keep, Measure};
use super::pair::PairOp;
use super::series::{Draw, Path};
use crate::transform::{ParseError, Transform};
use crate::transform_text::kebab;

pub(super) type Parsed<T> = Result<T, ParseError>;

pub(super) fn bad<T>(text: &str) -> Parsed<T> {
    Err(ParseError::new(text))
}

pub(super) fn number<T: FromStr>(text: &str) -> Parsed<T> {
    text.trim().parse().or_else(|_| bad(text))
}

/// The value among `all` that prints like this.
pub(super) fn named<T: Debug + Clone>(all: &[T], text: &str) -> Parsed<T> {
    all.iter().find(|value| kebab(value) == text.trim()).cloned().map_or_else(|| bad(text), Ok)
}

/// The first word and the rest.
pub(super) fn head(text: &str) -> (&str, &str) {
    let text = text.trim();
    text.split_once(' ').map_or((text, ""), |(first, rest)| (first, rest.trim()))
}

pub(super) fn numbers(text: &str) -> Parsed<Vec<u8>> {
    text.split_whitespace().map(number).collect()
}

pub(super) fn pair_of(text: &str) -> Parsed<(u8, u8)> {
    match numbers(text)?.as_slice() {
        &[a, b] => Ok((a, b)),
        _ => bad(text),
    }
}

/// `1=2 3=4`, with any parser for either side.
pub(super) fn rows<K, V>(
    text: &str,
    key: impl Fn(&str) -> Parsed<K>,
    value: impl Fn(&str) -> Parsed<V>,
) -> Parsed<Vec<(K, V)>> {
    let row = |row: &str| match row.split_once('=') {
        Some((k, v)) => Ok((key(k)?, value(v)?)),
        None => bad(row),
    };
    text.split_whitespace().map(row).collect()
}

pub(super) fn write_rows<K: Display, V>(
    f: &mut fmt::Formatter<'_>,
    rows: &[(K, V)],
    value: impl Fn(&V) -> String,
) -> fmt::Result {
    rows.iter().try_for_each(|(k, v)| write!(f, " {k}={}", value(v)))
}

impl Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&kebab(self))
    }
}

impl FromStr for Cut {
    type Err = ParseError;

    fn from_str(text: &str) -> Parsed<Self> {
        match head(text) {
            ("equal", rest) => pair_of(rest).map(|(a, b)| Self::Equal(a, b)),
            ("blocks", rest) => pair_of(rest).map(|(a, b)| Self::Blocks(a, b)),
            ("corners", rest) => pair_of(rest).map(|(a, b)| Self::Corners(a, b)),
            _ => named(&Self::PLAIN, text),
        }
    }
}

impl FromStr for Measure {
    type Err = ParseError;

    fn from_str(text: &str) -> Parsed<Self> {
        named(&Self::all(), text)
    }
}

impl Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&kebab(self))
    }
}

impl Display for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&kebab(self))
    }
}

impl FromStr for Keep {
    type Err = ParseError;

    fn from_str(text: &str) -> Parsed<Self> {
        let value = |rest: &str| match rest.rsplit_once(' ') {
            Some((measure, value)) => Ok((measure.parse::<Measure>()?, number::<i32>(value)?)),
            None => bad(rest),
        };
        match head(text) {
            ("all", "") => Ok(Self::All),
            ("most", rest) => rest.parse().map(Self::Most),
            ("least", rest) => rest.parse().map(Self::Least),
            ("odd", rest) => rest.parse().map(Self::Odd),
            ("not-most", rest) => rest.parse().map(Self::NotMost),
            ("not-least", rest) => rest.parse().map(Self::NotLeast),
            ("is", rest) => value(rest).map(|(m, v)| Self::Is(m, v)),
            ("is-not", rest) => value(rest).map(|(m, v)| Self::IsNot(m, v)),
            _ => bad(text),
        }
    }
}

impl FromStr for Draw {
    type Err = ParseError;

    fn from_str(text: &str) -> Parsed<Self> {
        match head(text) {
            ("bars", rest) => rest.parse().map(Self::Bars),
            ("fill", rest) => {
                let Some((size, path)) = rest.rsplit_once(' ') else { return bad(rest) };
                let (w, h) = pair_of(size)?;
                Ok(Self::Fill(w, h, named(&Path::ALL, path)?))
            }
            _ => named(&[Self::Row, Self::Column, Self::Along, Self::Square, Self::Diagonal], text),
        }
    }
}

impl Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Merge(merge) => write!(f, "merge {merge}"),
            Self::Summary(reading) => write!(f, "summary {reading}"),
            Self::Series(measure, falling, draw) => {
                let way = if *falling { "falling" } else { "rising" };
                write!(f, "series {measure} ; {way} ; {}", kebab(draw))
            }
            Self::Line(measure, falling, line) => {
                let way = if *falling { "falling" } else { "rising" };
                let side = if line.down { "below" } else { "beside" };
                write!(f, "line {measure} ; {way} ; {side} {} {}", kebab(line.align), line.gap)
            }
            Self::Table(lookup, rows) => {
                write!(f, "table {} :", kebab(lookup))?;
                write_rows(f, rows, ToString::to_string)
            }
            Self::Pair(measure, op) => write!(f, "pair {measure} ; {}", kebab(op)),
            Self::Tiling(tiling) => write!(f, "tiling {tiling}"),
            Self::Redraw(redraw) => write!(f, "redraw {redraw}"),
            Self::Stamp(stamp) => write!(f, "stamp {stamp}"),
            Self::Take | Self::Puzzle(_) | Self::Hidden(_) => f.write_str(&kebab(self)),
        }
    }
}

impl FromStr for Act {
    type Err = ParseError;

    fn from_str(text: &str) -> Parsed<Self> {
        match head(text) {
            ("take", "") => Ok(Self::Take),
            ("merge", rest) => rest.parse().map(Self::Merge),
            ("summary", rest) => rest.parse().map(Self::Summary),
            ("series", rest) => match rest.split(';').map(str::trim).collect::<Vec<_>>().as_slice() {
                [by, way @ ("rising" | "falling"), draw] => {
                    Ok(Self::Series(by.parse()?, *way == "falling", draw.parse()?))
                }
                _ => bad(rest),
            },
            ("line", rest) => match rest.split(';').map(str::trim).collect::<Vec<_>>().as_slice() {
                [by, way @ ("rising" | "falling"), line] => {
                    Ok(Self::Line(by.parse()?, *way == "falling", line.parse()?))
                }
                _ => bad(rest),
            },
            ("table", rest) => {
                let Some((lookup, body)) = rest.split_once(':') else { return bad(rest) };
                let lookup = match head(lookup) {
                    ("number", "") => Lookup::Number,
                    ("by", measure) => Lookup::By(measure.parse()?),
                    _ => return bad(lookup),
                };
                rows(body, number, str::parse).map(|rows| Self::Table(lookup, rows))
            }
            ("puzzle", rest) => named(&Puzzle::all(), rest).map(Self::Puzzle),
            ("pair", rest) => {
                let Some((by, op)) = rest.split_once(';') else { return bad(rest) };
                Ok(Self::Pair(by.trim().parse()?, named(&PairOp::ALL, op)?))
            }
            ("hidden", rest) => number(rest).map(Self::Hidden),
            ("tiling", rest) => rest.parse().map(Self::Tiling),
            ("redraw", rest) => rest.parse().map(Self::Redraw),
            ("stamp", rest) => rest.parse().map(Self::Stamp),
            _ => bad(text),
        }
    }
}

impl Display for Finish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Step(step) => write!(f, "{step}"),
            Self::Recolour(rows) => {
                f.write_str("recolour")?;
                write_rows(f, rows, u8::to_string)
            }
            Self::Shrink | Self::Stretch(..) | Self::PaintOther => f.write_str(&kebab(self)),
        }
    }
}

impl FromStr for Finish {
    type Err = ParseError;

    fn from_str(text: &str) -> Parsed<Self> {
        match head(text) {
            ("shrink", "") => Ok(Self::Shrink),
            ("paint-other", "") => Ok(Self::PaintOther),
            ("stretch", rest) => pair_of(rest).map(|(w, h)| Self::Stretch(w, h)),
            ("recolour", rest) => rows(rest, number, number).map(Self::Recolour),
            _ => text.parse().map(Self::Step),
        }
    }
}

impl Display for LayoutRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(step) = self.first {
            write!(f, "{step} > ")?;
        }
        write!(f, "{} > {} > {}", self.cut, self.keep, self.act)?;
        self.finish.iter().try_for_each(|step| write!(f, " > {step}"))
    }
}

impl FromStr for LayoutRule {
    type Err = ParseError;

    fn from_str(text: &str) -> Parsed<Self> {
        let stages: Vec<&str> = text.split('>').map(str::trim).collect();
        let first = stages.first().and_then(|stage| stage.parse::<Transform>().ok());
        match &stages[usize::from(first.is_some())..] {
            [cut, keep, act, finish @ ..] => Ok(Self {
                first,
                cut: cut.parse()?,
                keep: keep.parse()?,
                act: act.parse()?,
                finish: finish.iter().map(|step| step.parse()).collect::<Parsed<_>>()?,
            }),
            _ => bad(text),
        }
    }
}
