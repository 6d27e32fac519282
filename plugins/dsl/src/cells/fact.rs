//! What may be said of a cell: its own colour, what lies next to it, what it sees, what it is part of.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use crate::geometry::Rigid;
use crate::lines::Direction;
use crate::transform::ParseError;
use crate::transform_text::kebab;

/// A colour that plays a part in the whole grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// Black, or the most frequent colour where black is rare.
    Background,
    /// The most frequent colour but the background.
    Most,
    /// The second most frequent colour but the background.
    Second,
    /// The least frequent colour but the background.
    Least,
    /// The colour of the top left cell.
    Corner,
}

/// What makes cells one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    /// Cells of one colour, side by side.
    Patch,
    /// Cells of one colour, side by side or diagonal.
    Web,
    /// Cells of any colour but the background, side by side or diagonal.
    Object,
    /// The panels between straight lines of one colour through the whole grid.
    Panel,
}

/// What is said of a cell's group, or of the cell's place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trait {
    Size,
    Width,
    Height,
    /// Whether it reaches the edge of the grid.
    Edge,
    /// Regions of other cells that it encloses.
    Holes,
    /// How many groups (of no background) are larger.
    Rank,
    /// How many groups (of no background) are smaller.
    RankUp,
    /// Whether it fills its box.
    Full,
    /// Whether its box is square.
    Square,
    /// How many groups have its shape.
    Copies,
    /// Whether it is its own mirror image, left to right or top to bottom.
    MirrorX,
    MirrorY,
    /// Its colours.
    Colours,
    /// Its most frequent colour.
    Most,
    /// Its least frequent colour.
    Least,
    /// The only colour beside it; none where there are several.
    Around,
    /// Cells from the cell to the nearest side of the group's box.
    Depth,
    FromLeft,
    FromRight,
    FromTop,
    FromBottom,
    /// Groups further left, and further up.
    Across,
    Down,
}

/// A line of cells through a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Line {
    Row,
    Column,
    Falling,
    Rising,
}

/// Which of a cell's neighbours count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ring {
    Beside,
    Around,
    Corners,
}

/// One thing that may be said of a cell: a colour, or a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fact {
    /// A colour of the whole grid.
    Role(Part),
    Own,
    /// The colour next to the cell.
    Next(Direction),
    /// The colour two cells away.
    Second(Direction),
    /// Neighbours that are not background.
    Drawn(Ring),
    /// Neighbours of the cell's own colour.
    Alike(Ring),
    /// Whether a neighbour has the colour.
    Touches(Ring, u8),
    /// The first colour but the background in a direction.
    Sees(Direction),
    /// Cells between the cell and what it sees.
    Gap(Direction),
    /// The first colour in a direction that is not the cell's own.
    Beyond(Direction),
    /// Cells but the background in a direction.
    Count(Direction),
    /// The colour of the nearest cell that is not background.
    Nearest,
    /// Steps, diagonal ones too, to the nearest other cell that is not background.
    Distance,
    Group(Group, Trait),
    /// Whether the group has, or for patches and webs touches, a colour.
    With(Group, u8),
    /// The first colour and the last of a line.
    First(Line),
    Last(Line),
    /// The most frequent colour of a line but the background.
    LineMost(Line),
    /// Cells of a line that are not background.
    LineDrawn(Line),
    /// Whether a line is of one colour.
    Plain(Line),
    /// Whether no line of the kind has more drawn cells.
    Fullest(Line),
    /// Whether a line has a colour.
    Has(Line, u8),
    /// Whether the cell lies within the box around all cells of a colour.
    Within(u8),
    /// The colour at the mirrored place.
    Image(Rigid),
    /// Places, modulo two and three.
    X2,
    Y2,
    Sum2,
    X3,
    Y3,
    Sum3,
    Difference3,
    /// Cells between the cell and a side of the grid.
    FromLeft,
    FromRight,
    FromTop,
    FromBottom,
    /// Cells to the nearest side of the grid.
    FromEdge,
}

/// Facts of a kind, which rules tend to keep to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    Colour,
    Near,
    Sight,
    Group,
    Line,
    Place,
}

impl Group {
    pub const ALL: [Self; 4] = [Self::Patch, Self::Web, Self::Object, Self::Panel];
}

impl Line {
    pub const ALL: [Self; 4] = [Self::Row, Self::Column, Self::Falling, Self::Rising];
}

impl Ring {
    pub const ALL: [Self; 3] = [Self::Beside, Self::Around, Self::Corners];
}

impl Part {
    pub const ALL: [Self; 5] = [Self::Background, Self::Most, Self::Second, Self::Least, Self::Corner];
}

impl Trait {
    pub const ALL: [Self; 23] = [
        Self::Size,
        Self::Width,
        Self::Height,
        Self::Edge,
        Self::Holes,
        Self::Rank,
        Self::RankUp,
        Self::Full,
        Self::Square,
        Self::Copies,
        Self::MirrorX,
        Self::MirrorY,
        Self::Colours,
        Self::Most,
        Self::Least,
        Self::Around,
        Self::Depth,
        Self::FromLeft,
        Self::FromRight,
        Self::FromTop,
        Self::FromBottom,
        Self::Across,
        Self::Down,
    ];

    fn is_colour(self) -> bool {
        matches!(self, Self::Most | Self::Least | Self::Around)
    }
}

/// The four directions along rows and columns.
pub const STRAIGHT: [Direction; 4] = [Direction::Left, Direction::Right, Direction::Up, Direction::Down];

impl Fact {
    /// Every fact, in a fixed order.
    pub fn all() -> &'static [Self] {
        static ALL: OnceLock<Vec<Fact>> = OnceLock::new();
        ALL.get_or_init(list_all)
    }

    /// Whether it is a colour rather than a number.
    pub fn is_colour(self) -> bool {
        match self {
            Self::Role(_)
            | Self::Own
            | Self::Next(_)
            | Self::Second(_)
            | Self::Sees(_)
            | Self::Beyond(_)
            | Self::Nearest
            | Self::First(_)
            | Self::Last(_)
            | Self::LineMost(_)
            | Self::Image(_) => true,
            Self::Group(_, what) => what.is_colour(),
            _ => false,
        }
    }

    pub fn family(self) -> Family {
        match self {
            Self::Role(_) | Self::Own => Family::Colour,
            Self::Next(_) | Self::Second(_) | Self::Drawn(_) | Self::Alike(_) | Self::Touches(..) => {
                Family::Near
            }
            Self::Sees(_)
            | Self::Gap(_)
            | Self::Beyond(_)
            | Self::Count(_)
            | Self::Nearest
            | Self::Distance => Family::Sight,
            Self::Group(..) | Self::With(..) => Family::Group,
            Self::First(_)
            | Self::Last(_)
            | Self::LineMost(_)
            | Self::LineDrawn(_)
            | Self::Plain(_)
            | Self::Fullest(_)
            | Self::Has(..)
            | Self::Within(_) => Family::Line,
            _ => Family::Place,
        }
    }
}

fn list_all() -> Vec<Fact> {
    let mut all = vec![Fact::Own, Fact::Nearest, Fact::Distance];
    all.extend(Part::ALL.map(Fact::Role));
    for d in Direction::ALL {
        all.extend([Fact::Next(d), Fact::Second(d), Fact::Sees(d)]);
    }
    for d in STRAIGHT {
        all.extend([Fact::Gap(d), Fact::Beyond(d), Fact::Count(d)]);
    }
    for r in Ring::ALL {
        all.extend([Fact::Drawn(r), Fact::Alike(r)]);
        all.extend((0..10).map(|c| Fact::Touches(r, c)));
    }
    for group in Group::ALL {
        all.extend(Trait::ALL.map(|what| Fact::Group(group, what)));
        all.extend((0..10).map(|c| Fact::With(group, c)));
    }
    for line in Line::ALL {
        all.extend([Fact::First(line), Fact::Last(line), Fact::LineMost(line), Fact::LineDrawn(line)]);
        all.extend([Fact::Plain(line), Fact::Fullest(line)]);
        all.extend((0..10).map(|c| Fact::Has(line, c)));
    }
    all.extend((0..10).map(Fact::Within));
    all.extend(Rigid::ALL.map(Fact::Image));
    all.extend([Fact::X2, Fact::Y2, Fact::Sum2, Fact::X3, Fact::Y3, Fact::Sum3, Fact::Difference3]);
    all.extend([Fact::FromLeft, Fact::FromRight, Fact::FromTop, Fact::FromBottom, Fact::FromEdge]);
    all
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&kebab(self))
    }
}

impl FromStr for Fact {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        static NAMES: OnceLock<Vec<String>> = OnceLock::new();
        let names = NAMES.get_or_init(|| Self::all().iter().map(ToString::to_string).collect());
        let found = names.iter().position(|name| name == text.trim());
        found.map(|i| Self::all()[i]).ok_or_else(|| ParseError::new(text.trim()))
    }
}
