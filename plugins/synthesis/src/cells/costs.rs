//! How long it takes to say a condition, in hundredths of one common step.

use stratagem_dsl::cells::{Fact, Ink, Line, Literal, Ring, Test, Trait};

/// What a clause costs beside its conditions.
pub const CLAUSE: u32 = 50;
/// What a clause costs that is another one turned.
pub const TURNED: u32 = 20;

pub fn fact(fact: Fact) -> u32 {
    match fact {
        Fact::Role(_) => 5,
        Fact::Own => 15,
        Fact::Next(_) => 35,
        Fact::Touches(Ring::Beside | Ring::Around, _) => 40,
        Fact::Sees(_) => 45,
        Fact::Drawn(Ring::Beside | Ring::Around)
        | Fact::Alike(Ring::Beside | Ring::Around)
        | Fact::Has(Line::Row | Line::Column, _)
        | Fact::Image(_)
        | Fact::Plain(_) => 50,
        Fact::Group(_, what) => 50 + of_trait(what),
        Fact::With(..) | Fact::X2 | Fact::Y2 | Fact::Sum2 | Fact::FromEdge => 55,
        Fact::Touches(..)
        | Fact::Drawn(_)
        | Fact::Alike(_)
        | Fact::Second(_)
        | Fact::Nearest
        | Fact::Distance
        | Fact::Within(_)
        | Fact::Fullest(_) => 60,
        Fact::First(_) | Fact::Last(_) | Fact::LineDrawn(_) => 65,
        Fact::Gap(_) | Fact::Beyond(_) | Fact::Count(_) | Fact::LineMost(_) | Fact::Has(..) => 70,
        Fact::FromLeft | Fact::FromRight | Fact::FromTop | Fact::FromBottom => 75,
        Fact::X3 | Fact::Y3 | Fact::Sum3 | Fact::Difference3 => 80,
    }
}

fn of_trait(what: Trait) -> u32 {
    match what {
        Trait::Edge | Trait::Rank | Trait::RankUp | Trait::Around | Trait::Most | Trait::Least => 0,
        Trait::Size | Trait::Holes | Trait::Full | Trait::Square | Trait::Depth => 10,
        Trait::Width | Trait::Height | Trait::Colours | Trait::Copies => 20,
        Trait::MirrorX | Trait::MirrorY => 25,
        Trait::FromLeft | Trait::FromRight | Trait::FromTop | Trait::FromBottom => 30,
        Trait::Across | Trait::Down => 35,
    }
}

pub fn literal(l: &Literal) -> u32 {
    // What is the same for all cells tells demonstrations apart rather than cells.
    if matches!(l.fact, Fact::Role(_)) {
        return 130;
    }
    let test = match l.test {
        Test::Is(_) if l.fact.is_colour() => 25,
        Test::Is(k) => 8 + 6 * u32::from(k.min(8)),
        Test::IsAs(Fact::Own | Fact::Role(_)) => 20,
        Test::IsAs(_) => 40,
        Test::AtMost(k) => 30 + 5 * u32::from(k.min(8)),
        Test::Odd => 35,
    };
    fact(l.fact) + test + 10 * u32::from(l.negated)
}

pub fn ink(ink: Ink) -> u32 {
    match ink {
        Ink::Colour(_) => 25,
        Ink::As(f) => fact(f),
    }
}
