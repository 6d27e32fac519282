//! Conditions turned by a quarter, clockwise: what holds of the left comes to hold of the top.

use crate::geometry::Rigid;
use crate::lines::Direction;

use super::{Fact, Ink, Line, Literal, Test, Trait};

fn direction(d: Direction) -> Direction {
    use Direction::{Down, DownLeft, DownRight, Left, Right, Up, UpLeft, UpRight};
    match d {
        Left => Up,
        Up => Right,
        Right => Down,
        Down => Left,
        UpLeft => UpRight,
        UpRight => DownRight,
        DownRight => DownLeft,
        DownLeft => UpLeft,
    }
}

fn line(line: Line) -> Line {
    match line {
        Line::Row => Line::Column,
        Line::Column => Line::Row,
        Line::Falling => Line::Rising,
        Line::Rising => Line::Falling,
    }
}

/// Whether the first cell of such a line is the first of the line that it turns into.
fn keeps_ends(line: Line) -> bool {
    matches!(line, Line::Row | Line::Falling)
}

fn of_group(what: Trait) -> Trait {
    match what {
        Trait::Width => Trait::Height,
        Trait::Height => Trait::Width,
        Trait::MirrorX => Trait::MirrorY,
        Trait::MirrorY => Trait::MirrorX,
        Trait::FromLeft => Trait::FromTop,
        Trait::FromTop => Trait::FromRight,
        Trait::FromRight => Trait::FromBottom,
        Trait::FromBottom => Trait::FromLeft,
        other => other,
    }
}

impl Fact {
    /// The same of the grid turned.
    pub fn turned(self) -> Self {
        match self {
            Self::Next(d) => Self::Next(direction(d)),
            Self::Second(d) => Self::Second(direction(d)),
            Self::Sees(d) => Self::Sees(direction(d)),
            Self::Gap(d) => Self::Gap(direction(d)),
            Self::Beyond(d) => Self::Beyond(direction(d)),
            Self::Count(d) => Self::Count(direction(d)),
            Self::Group(group, what) => Self::Group(group, of_group(what)),
            Self::First(l) if keeps_ends(l) => Self::First(line(l)),
            Self::First(l) => Self::Last(line(l)),
            Self::Last(l) if keeps_ends(l) => Self::Last(line(l)),
            Self::Last(l) => Self::First(line(l)),
            Self::LineMost(l) => Self::LineMost(line(l)),
            Self::LineDrawn(l) => Self::LineDrawn(line(l)),
            Self::Plain(l) => Self::Plain(line(l)),
            Self::Fullest(l) => Self::Fullest(line(l)),
            Self::Has(l, c) => Self::Has(line(l), c),
            Self::Image(Rigid::FlipX) => Self::Image(Rigid::FlipY),
            Self::Image(Rigid::FlipY) => Self::Image(Rigid::FlipX),
            Self::Image(Rigid::Transpose) => Self::Image(Rigid::AntiTranspose),
            Self::Image(Rigid::AntiTranspose) => Self::Image(Rigid::Transpose),
            Self::X2 => Self::Y2,
            Self::Y2 => Self::X2,
            Self::X3 => Self::Y3,
            Self::Y3 => Self::X3,
            Self::FromLeft => Self::FromTop,
            Self::FromTop => Self::FromRight,
            Self::FromRight => Self::FromBottom,
            Self::FromBottom => Self::FromLeft,
            other => other,
        }
    }
}

impl Literal {
    /// The same of the grid turned.
    pub fn turned(self) -> Self {
        let test = match self.test {
            Test::IsAs(other) => Test::IsAs(other.turned()),
            test => test,
        };
        Self { fact: self.fact.turned(), test, ..self }
    }
}

impl Ink {
    /// The same of the grid turned.
    pub fn turned(self) -> Self {
        match self {
            Self::As(fact) => Self::As(fact.turned()),
            colour @ Self::Colour(_) => colour,
        }
    }
}
