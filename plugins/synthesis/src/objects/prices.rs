//! What the parts of a rule cost, in tenths of a common step: roughly what it takes to tell each from its like.

use stratagem_dsl::scene::{
    Action, Area, Aspect, Compass, Heading, Origin, Paint, Property, Reach, Relation, Shift, Test,
};

/// A clause, before its tests and actions.
pub const CLAUSE: u32 = 6;

pub fn of_test(test: &Test) -> u32 {
    let relation = match test.relation {
        Relation::Is(_) | Relation::Odd => 8,
        Relation::Over(_) => 12,
        Relation::Most | Relation::Least => 5,
    };
    of_property(test.property) + relation + if test.negated { 3 } else { 0 }
}

fn of_property(property: Property) -> u32 {
    match property {
        Property::CellsOf(_) => 7,
        Property::Beside(_) => 6,
        Property::Of(aspect) => match aspect {
            Aspect::Colour | Aspect::Size => 0,
            Aspect::Width
            | Aspect::Height
            | Aspect::Holes
            | Aspect::Edges
            | Aspect::Ink
            | Aspect::Colours => 2,
            Aspect::Left | Aspect::Top | Aspect::Right | Aspect::Bottom | Aspect::Row | Aspect::Column => 8,
            Aspect::Long
            | Aspect::Lying
            | Aspect::Solid
            | Aspect::Square
            | Aspect::Symmetric
            | Aspect::Inside
            | Aspect::Contents
            | Aspect::Touching
            | Aspect::HasElder => 3,
            _ => 5,
        },
    }
}

pub fn of_paint(paint: &Paint) -> u32 {
    match paint {
        Paint::Fixed(_) => 4,
        Paint::Of(_) => 5,
        Paint::From(_) => 8,
        Paint::Map(property, table) => 8 + of_property(*property) + 4 * table.len() as u32,
    }
}

pub fn of_area(area: Area) -> u32 {
    match area {
        Area::Body => 2,
        Area::Ray { heading, reach, origin } => {
            let reach = match reach {
                Reach::Edge | Reach::Contact => 4,
                Reach::Cell | Reach::Through | Reach::Bridge => 7,
                _ => 10,
            };
            of_heading(heading) + reach + if origin == Origin::Whole { 0 } else { 2 }
        }
        Area::Half(_) => 9,
        Area::Holes | Area::Gaps | Area::Halo | Area::Frame | Area::Minority | Area::Majority => 5,
        _ => 7,
    }
}

fn of_heading(heading: Heading) -> u32 {
    match heading {
        Heading::Fixed(Compass::Cross | Compass::Diagonals | Compass::Horizontal | Compass::Vertical) => 4,
        Heading::Fixed(_) => 5,
        _ => 8,
    }
}

/// An action but for the paint of one that paints.
pub fn of_action(action: &Action) -> u32 {
    match action {
        Action::Paint(area, _) => of_area(*area),
        Action::Move { heading, shift, copy } => {
            of_heading(*heading) + of_shift(*shift) + if *copy { 3 } else { 0 }
        }
        Action::Repeat { heading, shift } => 5 + of_heading(*heading) + of_shift(*shift),
        Action::Turn(_) | Action::Symmetrise(_) | Action::Exchange => 8,
        Action::Reflect(heading) => 8 + of_heading(*heading),
        Action::Become(_) | Action::Goto(_) => 10,
        Action::Align(..) => 14,
        Action::Stamp(dots) => 10 + 2 * dots.len() as u32,
    }
}

fn of_shift(shift: Shift) -> u32 {
    match shift {
        Shift::One | Shift::Contact | Shift::Extent | Shift::Meet => 4,
        Shift::Two | Shift::Edge | Shift::Apart | Shift::Overlap | Shift::Into => 7,
        Shift::Three | Shift::Four | Shift::Five => 9,
    }
}
