//! What acts are made of, as text, there and back.

use std::fmt::{self, Display};
use std::str::FromStr;

use super::act::Reading;
use super::line::{Align, Line};
use super::merge::Merge;
use super::redraw::Redraw;
use super::stamp::Stamp;
use super::text::{Parsed, bad, head, named, number, numbers, pair_of, rows, write_rows};
use super::tiling::{Amount, CellTest, TileKind, Tiling};
use crate::transform::ParseError;
use crate::transform_text::kebab;

impl Display for Merge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Order(order) => {
                f.write_str("order")?;
                order.iter().try_for_each(|i| write!(f, " {i}"))
            }
            Self::Count(rows) => {
                f.write_str("count")?;
                write_rows(f, rows, u8::to_string)
            }
            Self::Bits(rows) => {
                f.write_str("bits")?;
                write_rows(f, rows, u8::to_string)
            }
            Self::Majority | Self::Agreement | Self::Dissent => f.write_str(&kebab(self)),
        }
    }
}

impl FromStr for Merge {
    type Err = ParseError;

    fn from_str(text: &str) -> Parsed<Self> {
        match head(text) {
            ("order", rest) => numbers(rest).map(Self::Order),
            ("count", rest) => rows(rest, number, number).map(Self::Count),
            ("bits", rest) => rows(rest, number, number).map(Self::Bits),
            _ => named(&[Self::Majority, Self::Agreement, Self::Dissent], text),
        }
    }
}

impl Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table(measure, rows) => {
                write!(f, "table {measure} :")?;
                write_rows(f, rows, u8::to_string)
            }
            Self::Most | Self::Main | Self::Least => f.write_str(&kebab(self)),
        }
    }
}

impl FromStr for Reading {
    type Err = ParseError;

    fn from_str(text: &str) -> Parsed<Self> {
        match head(text) {
            ("table", rest) => {
                let Some((measure, body)) = rest.split_once(':') else { return bad(rest) };
                Ok(Self::Table(measure.trim().parse()?, rows(body, number, number)?))
            }
            _ => named(&[Self::Most, Self::Main, Self::Least], text),
        }
    }
}

impl Display for Redraw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flood(keep) => write!(f, "flood {keep}"),
            Self::Only(keep) => write!(f, "only {keep}"),
            Self::Read(reading) => write!(f, "read {reading}"),
            Self::Meta(keep) => write!(f, "meta {keep}"),
            Self::Merged(merge) => write!(f, "merged {merge}"),
            Self::Like(keep) => write!(f, "like {keep}"),
        }
    }
}

impl FromStr for Redraw {
    type Err = ParseError;

    fn from_str(text: &str) -> Parsed<Self> {
        match head(text) {
            ("flood", rest) => rest.parse().map(Self::Flood),
            ("only", rest) => rest.parse().map(Self::Only),
            ("read", rest) => rest.parse().map(Self::Read),
            ("meta", rest) => rest.parse().map(Self::Meta),
            ("merged", rest) => rest.parse().map(Self::Merged),
            ("like", rest) => rest.parse().map(Self::Like),
            _ => bad(text),
        }
    }
}

/// The words that stand for a stamp's ways, in the order of its fields.
const STAMP_WORDS: [&str; 4] = ["main-body", "turned", "scaled", "moved"];

impl Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ways = [self.main_is_body, self.turned, self.scaled, self.moved];
        let words = STAMP_WORDS.iter().zip(ways).filter(|(_, on)| *on).map(|(word, _)| *word);
        f.write_str(&words.collect::<Vec<_>>().join(" "))
    }
}

impl FromStr for Stamp {
    type Err = ParseError;

    fn from_str(text: &str) -> Parsed<Self> {
        if let Some(word) = text.split_whitespace().find(|word| !STAMP_WORDS.contains(word)) {
            return bad(word);
        }
        let [main_is_body, turned, scaled, moved] =
            STAMP_WORDS.map(|word| text.split_whitespace().any(|other| other == word));
        Ok(Self { main_is_body, turned, scaled, moved })
    }
}

impl Display for Tiling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Places(across, kinds) => {
                let kinds: Vec<String> = kinds.iter().map(kebab).collect();
                write!(f, "places {across} : {}", kinds.join(" ; "))
            }
            Self::Cells(test, yes, no) => {
                write!(f, "cells {} ; {} ; {}", kebab(test), kebab(yes), kebab(no))
            }
            Self::Blocks(rows) => {
                f.write_str("blocks")?;
                write_rows(f, rows, ToString::to_string)
            }
            Self::Unfold(..) | Self::Copies(..) | Self::Period => f.write_str(&kebab(self)),
        }
    }
}

impl FromStr for Tiling {
    type Err = ParseError;

    fn from_str(text: &str) -> Parsed<Self> {
        let kinds = TileKind::all();
        match head(text) {
            ("places", rest) => {
                let Some((across, body)) = rest.split_once(':') else { return bad(rest) };
                let body = body.split(';').map(|kind| named(&kinds, kind)).collect::<Parsed<_>>()?;
                Ok(Self::Places(number(across)?, body))
            }
            ("cells", rest) => match rest.split(';').collect::<Vec<_>>().as_slice() {
                [test, yes, no] => {
                    Ok(Self::Cells(named(&CellTest::all(), test)?, named(&kinds, yes)?, named(&kinds, no)?))
                }
                _ => bad(rest),
            },
            ("blocks", rest) => rows(rest, number, str::parse).map(Self::Blocks),
            ("unfold", rest) => pair_of(rest).map(|(a, d)| Self::Unfold(a, d)),
            ("copies", rest) => {
                let (side, copies) = head(rest);
                Ok(Self::Copies(named(&Amount::ALL, side)?, named(&Amount::ALL, copies)?))
            }
            ("period", "") => Ok(Self::Period),
            _ => bad(text),
        }
    }
}

impl FromStr for Line {
    type Err = ParseError;

    fn from_str(text: &str) -> Parsed<Self> {
        match text.split_whitespace().collect::<Vec<_>>().as_slice() {
            [side @ ("beside" | "below"), align, gap] => {
                Ok(Self { down: *side == "below", align: named(&Align::ALL, align)?, gap: number(gap)? })
            }
            _ => bad(text),
        }
    }
}
