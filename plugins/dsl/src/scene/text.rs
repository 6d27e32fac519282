//! Rules as text, there and back, and in plain words.
//!
//! `around-alike black canvas where size most do paint body fixed 3 ; where not colour is 2 do turn flip-x`

use std::fmt;
use std::str::FromStr;

use super::action::{Action, Dot};
use super::area::Area;
use super::paint::Paint;
use super::parsing::Parsing;
use super::property::Property;
use super::relation::Heading;
use super::rule::{Clause, Form, ObjectRule};
use super::test::{Relation, Test};
use super::words::{Spoken, Words};
use crate::transform::ParseError;

/// The most items that a list in a rule may have.
const ITEMS_MAX: usize = 2_000;

impl Spoken for Property {
    fn say(&self) -> String {
        match self {
            Self::Of(aspect) => aspect.say(),
            Self::CellsOf(c) => format!("cells-of {c}"),
            Self::Beside(c) => format!("beside {c}"),
        }
    }

    fn hear(words: &mut Words<'_>) -> Option<Self> {
        if words.take("cells-of") {
            words.colour().map(Self::CellsOf)
        } else if words.take("beside") {
            words.colour().map(Self::Beside)
        } else {
            Spoken::hear(words).map(Self::Of)
        }
    }
}

impl Spoken for Test {
    fn say(&self) -> String {
        let not = if self.negated { "not " } else { "" };
        let relation = match self.relation {
            Relation::Is(v) => format!("is {v}"),
            Relation::Over(v) => format!("over {v}"),
            Relation::Most => "most".into(),
            Relation::Least => "least".into(),
            Relation::Odd => "odd".into(),
        };
        format!("{not}{} {relation}", self.property.say())
    }

    fn hear(words: &mut Words<'_>) -> Option<Self> {
        let negated = words.take("not");
        let property = Property::hear(words)?;
        let relation = match words.next()? {
            "is" => Relation::Is(words.number()?),
            "over" => Relation::Over(words.number()?),
            "most" => Relation::Most,
            "least" => Relation::Least,
            "odd" => Relation::Odd,
            _ => return None,
        };
        Some(Self { property, relation, negated })
    }
}

impl Spoken for Heading {
    fn say(&self) -> String {
        match self {
            Self::Fixed(compass) => compass.say(),
            Self::Toward(t) => format!("toward {}", t.say()),
            Self::Facing(t) => format!("facing {}", t.say()),
            Self::Away(t) => format!("away-from {}", t.say()),
            Self::Lean => "lean".into(),
            Self::Against => "against".into(),
        }
    }

    fn hear(words: &mut Words<'_>) -> Option<Self> {
        if words.take("toward") {
            Spoken::hear(words).map(Self::Toward)
        } else if words.take("facing") {
            Spoken::hear(words).map(Self::Facing)
        } else if words.take("away-from") {
            Spoken::hear(words).map(Self::Away)
        } else if words.take("lean") {
            Some(Self::Lean)
        } else if words.take("against") {
            Some(Self::Against)
        } else {
            Spoken::hear(words).map(Self::Fixed)
        }
    }
}

impl Spoken for Paint {
    fn say(&self) -> String {
        match self {
            Self::Fixed(c) => c.to_string(),
            Self::Of(part) => part.say(),
            Self::From(target) => format!("colour-of {}", target.say()),
            Self::Map(property, table) => {
                let rows: Vec<String> = table.iter().map(|(v, c)| format!("{v} {c}")).collect();
                format!("map {} {} {}", property.say(), table.len(), rows.join(" "))
            }
        }
    }

    fn hear(words: &mut Words<'_>) -> Option<Self> {
        if words.take("colour-of") {
            return Spoken::hear(words).map(Self::From);
        }
        if words.take("map") {
            let property = Property::hear(words)?;
            let rows = words.number().filter(|&n: &usize| n <= ITEMS_MAX)?;
            let row = |_| Some((words.number()?, words.colour()?));
            return (0..rows).map(row).collect::<Option<_>>().map(|table| Self::Map(property, table));
        }
        match words.peek()?.parse::<u8>() {
            Ok(_) => words.colour().map(Self::Fixed),
            Err(_) => Spoken::hear(words).map(Self::Of),
        }
    }
}

impl Area {
    const NAMED: [(Self, &'static str); 9] = [
        (Self::Body, "body"),
        (Self::Minority, "minority"),
        (Self::Majority, "majority"),
        (Self::Rim, "rim"),
        (Self::Core, "core"),
        (Self::Holes, "holes"),
        (Self::Gaps, "gaps"),
        (Self::Halo, "halo"),
        (Self::Frame, "frame"),
    ];
}

impl Spoken for Area {
    fn say(&self) -> String {
        match self {
            Self::Half(side) => format!("half {}", side.say()),
            Self::Ray { heading, reach, origin } => {
                format!("ray {} {} {}", origin.say(), heading.say(), reach.say())
            }
            Self::Link(axis) => format!("link {}", axis.say()),
            plain => Self::NAMED.iter().find(|(a, _)| a == plain).map_or("", |(_, n)| n).to_string(),
        }
    }

    fn hear(words: &mut Words<'_>) -> Option<Self> {
        match words.next()? {
            "half" => Spoken::hear(words).map(Self::Half),
            "link" => Spoken::hear(words).map(Self::Link),
            "ray" => {
                let origin = Spoken::hear(words)?;
                let heading = Spoken::hear(words)?;
                Some(Self::Ray { heading, reach: Spoken::hear(words)?, origin })
            }
            name => Self::NAMED.iter().find(|(_, n)| *n == name).map(|(a, _)| *a),
        }
    }
}

impl Spoken for Dot {
    fn say(&self) -> String {
        let colour = self.colour.map_or("own".to_string(), |c| c.to_string());
        format!("{} {} {colour}", self.x, self.y)
    }

    fn hear(words: &mut Words<'_>) -> Option<Self> {
        let (x, y) = (words.number()?, words.number()?);
        let colour = if words.take("own") { None } else { Some(words.colour()?) };
        Some(Self { x, y, colour })
    }
}

impl Spoken for Action {
    fn say(&self) -> String {
        match self {
            Self::Paint(area, paint) => format!("paint {} {}", area.say(), paint.say()),
            Self::Move { heading, shift, copy } => {
                format!("{} {} {}", if *copy { "copy" } else { "move" }, heading.say(), shift.say())
            }
            Self::Repeat { heading, shift } => format!("repeat {} {}", heading.say(), shift.say()),
            Self::Turn(turn) => format!("turn {}", turn.say()),
            Self::Reflect(heading) => format!("reflect {}", heading.say()),
            Self::Symmetrise(symmetry) => format!("symmetrise {}", symmetry.say()),
            Self::Become(target) => format!("become {}", target.say()),
            Self::Goto(target) => format!("go-to {}", target.say()),
            Self::Align(level, target) => format!("align {} {}", level.say(), target.say()),
            Self::Exchange => "exchange".into(),
            Self::Stamp(dots) => {
                let cells: Vec<String> = dots.iter().map(Spoken::say).collect();
                format!("stamp {} {}", dots.len(), cells.join(" "))
            }
        }
    }

    fn hear(words: &mut Words<'_>) -> Option<Self> {
        Some(match words.next()? {
            "paint" => Self::Paint(Spoken::hear(words)?, Spoken::hear(words)?),
            word @ ("move" | "copy") => {
                let heading = Spoken::hear(words)?;
                Self::Move { heading, shift: Spoken::hear(words)?, copy: word == "copy" }
            }
            "repeat" => Self::Repeat { heading: Spoken::hear(words)?, shift: Spoken::hear(words)? },
            "turn" => Self::Turn(Spoken::hear(words)?),
            "reflect" => Self::Reflect(Spoken::hear(words)?),
            "symmetrise" => Self::Symmetrise(Spoken::hear(words)?),
            "become" => Self::Become(Spoken::hear(words)?),
            "go-to" => Self::Goto(Spoken::hear(words)?),
            "align" => Self::Align(Spoken::hear(words)?, Spoken::hear(words)?),
            "exchange" => Self::Exchange,
            "stamp" => {
                let dots = words.number().filter(|&n: &usize| n <= ITEMS_MAX)?;
                Self::Stamp((0..dots).map(|_| Spoken::hear(words)).collect::<Option<_>>()?)
            }
            _ => return None,
        })
    }
}

impl Spoken for Clause {
    fn say(&self) -> String {
        let tests: Vec<String> = self.tests.iter().map(Spoken::say).collect();
        let actions: Vec<String> = self.actions.iter().map(Spoken::say).collect();
        let tests =
            if tests.is_empty() { "all".to_string() } else { format!("where {}", tests.join(" and ")) };
        if actions.is_empty() { tests } else { format!("{tests} do {}", actions.join(" then ")) }
    }

    fn hear(words: &mut Words<'_>) -> Option<Self> {
        let mut tests = Vec::new();
        if !words.take("all") {
            if !words.take("where") {
                return None;
            }
            tests.push(Test::hear(words)?);
            while words.take("and") {
                tests.push(Test::hear(words)?);
            }
        }
        let mut actions = Vec::new();
        if words.take("do") {
            actions.push(Action::hear(words)?);
            while words.take("then") {
                actions.push(Action::hear(words)?);
            }
        }
        Some(Self { tests, actions })
    }
}

impl Spoken for Form {
    fn say(&self) -> String {
        match self {
            Self::Canvas => "canvas".into(),
            Self::Crop(crop) => format!("crop {}", crop.say()),
            Self::Lattice => "lattice".into(),
        }
    }

    fn hear(words: &mut Words<'_>) -> Option<Self> {
        match words.next()? {
            "canvas" => Some(Self::Canvas),
            "crop" => Spoken::hear(words).map(Self::Crop),
            "lattice" => Some(Self::Lattice),
            _ => None,
        }
    }
}

impl fmt::Display for ObjectRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Parsing { grouping, backdrop } = self.parsing;
        let clauses: Vec<String> = self.clauses.iter().map(Spoken::say).collect();
        write!(f, "{} {} {} {}", grouping.say(), backdrop.say(), self.form.say(), clauses.join(" ; "))
    }
}

impl FromStr for ObjectRule {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let hear = || {
            let mut words = Words::of(text);
            let parsing =
                Parsing { grouping: Spoken::hear(&mut words)?, backdrop: Spoken::hear(&mut words)? };
            let form = Form::hear(&mut words)?;
            let mut clauses = vec![Clause::hear(&mut words)?];
            while words.take(";") {
                clauses.push(Clause::hear(&mut words)?);
            }
            words.next().is_none().then_some(Self { parsing, form, clauses })
        };
        hear().ok_or_else(|| ParseError::new(text))
    }
}

impl ObjectRule {
    /// The rule in plain words, a line a clause.
    pub fn explain(&self) -> String {
        let Parsing { grouping, backdrop } = self.parsing;
        let seen = format!("Objects are {}, the {} colour being nothing.", grouping.say(), backdrop.say());
        let form = match self.form {
            Form::Canvas => "Those that no line names stay as they are.".to_string(),
            Form::Crop(crop) => format!("The answer is the {} of the one that is named.", crop.say()),
            Form::Lattice => "The answer has a cell for each.".to_string(),
        };
        let lines = self.clauses.iter().map(|clause| {
            let tests: Vec<String> = clause.tests.iter().map(Spoken::say).collect();
            let actions: Vec<String> = clause.actions.iter().map(Spoken::say).collect();
            let who = if tests.is_empty() { "All".into() } else { format!("Where {}", tests.join(" and ")) };
            if actions.is_empty() {
                format!("{who}.")
            } else {
                format!("{who}: {}.", actions.join(", then "))
            }
        });
        [vec![seen], lines.collect(), vec![form]].concat().join("\n")
    }
}
