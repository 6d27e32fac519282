//! Every transform, in the order that a search tries them.

use crate::canvas::Fit;
use crate::colour::Role;
use crate::feature::Feature;
use crate::geometry::{Half, Rigid};
use crate::lines::{Axis, Direction, Rays};
use crate::lists::{Choice, Join, Split};
use crate::measure::{Form, Quantity};
use crate::objects::Property;
use crate::repair::{Lattice, Mirror};
use crate::transform::Transform;

/// Every transform with every parameter, in a fixed order that stored searches rely on.
pub(crate) fn enumerate() -> Vec<Transform> {
    use Transform as T;
    let mut all = vec![
        T::Trim,
        T::TrimBackground,
        T::ToOrigin,
        T::Flood,
        T::Exchange,
        T::Negative,
        T::MainCell,
        T::Peel,
        T::DedupeLines,
        T::DropPlainLines,
        T::DropBlackLines,
        T::Fractal,
        T::Fill,
        T::Interior,
        T::FloodHoles,
        T::Outline,
        T::Core,
        T::Halo(false),
        T::Halo(true),
        T::Frame,
        T::Spread(false),
        T::Spread(true),
        T::Patches,
    ];
    all.extend((0..10).map(T::Keep));
    all.extend((1..10).map(T::Erase));
    all.extend((1..10).map(T::Paint));
    for role in Role::ALL {
        all.extend([T::KeepRole(role), T::EraseRole(role), T::PaintRole(role)]);
    }
    all.extend(Half::ALL.map(T::Half));
    all.extend((2..=4).flat_map(|k| [T::ScaleUp(k), T::ScaleDown(k)]));
    for (a, d) in [(2, 1), (1, 2), (2, 2), (3, 1), (1, 3), (3, 3)] {
        all.extend([T::Tile(a, d), T::MirrorTile(a, d)]);
    }
    all.extend(Rigid::ALL.map(T::Rigid));
    all.extend(Rays::ALL.map(T::Smear));
    all.extend(Direction::ALL[..4].iter().copied().map(T::Gravity));
    all.extend(Axis::ALL.map(T::Connect));
    all.extend(Direction::ALL.map(T::Shift));
    all.extend(Direction::ALL[..4].iter().copied().map(T::Roll));
    all.extend(Direction::ALL.map(T::Sight));
    all.extend(Rigid::ALL.map(T::FillMirrored));
    all.extend(Mirror::ALL.map(T::Symmetrize));
    all.extend(Lattice::ALL.map(T::Continue));
    all.extend(Split::ALL.map(T::Split));
    for property in Property::ALL {
        for choice in [Choice::Most(property), Choice::Least(property), Choice::Odd(property)] {
            all.extend([T::Pick(choice), T::PickAll(choice), T::DropAll(choice)]);
        }
    }
    all.extend(Join::ALL.map(T::Join));
    for quantity in Quantity::ALL {
        all.extend(Form::ALL.map(|form| T::Count(quantity, form)));
    }
    all.extend(Feature::ALL.map(T::Feature));
    all.extend(Fit::ALL.map(T::Fit));
    all
}
