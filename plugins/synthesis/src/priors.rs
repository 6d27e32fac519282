//! Which transforms a task's search tries, which never follow one another, and how long each takes.

use stratagem_dsl::lists::{Choice, Join, Split};
use stratagem_dsl::objects::{Linkage, Property};
use stratagem_dsl::{Task, Transform, canvas::Fit};

/// The cost of a step that is neither common nor rare.
pub const STEP: u16 = 10;

/// What a step costs where nothing is learned: set by hand from what is common in tasks.
pub fn cost(t: Transform) -> u16 {
    use Transform as T;
    match t {
        T::Trim | T::ToOrigin | T::Join(Join::Compose) | T::Fit(Fit::Embed) => 5,
        T::Split(Split::Components(Linkage::Beside)) => STEP,
        T::Split(Split::Components(_) | Split::Panels)
        | T::Pick(
            Choice::Most(Property::Ink | Property::Area) | Choice::Least(Property::Ink | Property::Area),
        ) => 6,
        T::Pick(Choice::Most(p) | Choice::Least(p)) if is_rarely_chosen_by(p) => 9,
        T::Split(_) | T::Pick(_) | T::Join(_) | T::Keep(_) => 8,
        T::PickAll(_) => 9,
        T::Shift(_) | T::Count(..) => 11,
        T::Sight(_) | T::Roll(_) | T::MirrorTile(..) | T::FillMirrored(_) | T::DropAll(_) => 12,
        T::Feature(_) => 14,
        _ => STEP,
    }
}

fn is_rarely_chosen_by(p: Property) -> bool {
    matches!(p, Property::Colour | Property::Width | Property::Height | Property::ColourCopies)
}

/// Whether a step ends a pipeline: what it yields is a key for tables, and only on the canvas.
pub fn is_leaf(step: Option<Transform>) -> bool {
    matches!(step, Some(Transform::Feature(_) | Transform::Sight(_)))
}

/// Whether a step after another yields nothing that a cheaper or an equal program does not.
///
/// Steps that change colours cell by cell commute with those that only move cells, so they come
/// first; motions of the square are a group; nothing is left to tell apart after painting.
pub fn is_redundant(last: Transform, next: Transform) -> bool {
    use Transform as T;
    let cellwise =
        matches!(next, T::Keep(1..) | T::Erase(_) | T::Paint(_) | T::KeepRole(_) | T::EraseRole(_));
    match last {
        T::Rigid(_) => cellwise || matches!(next, T::Rigid(_)),
        T::ScaleUp(_) | T::Tile(..) | T::MirrorTile(..) | T::Fractal => {
            cellwise || matches!(next, T::Rigid(_) | T::ScaleDown(_))
        }
        T::ToOrigin | T::Gravity(_) | T::Shift(_) | T::Roll(_) => cellwise,
        T::Paint(_) | T::PaintRole(_) | T::Keep(_) | T::KeepRole(_) => match next {
            T::Paint(_) => matches!(last, T::Paint(_) | T::PaintRole(_)),
            T::PaintRole(_) | T::Exchange | T::Split(Split::Colours) => true,
            _ => cellwise,
        },
        T::Erase(a) => matches!(next, T::Keep(1..)) || matches!(next, T::Erase(b) if b < a),
        T::Trim => matches!(next, T::Trim | T::TrimBackground),
        T::MainCell | T::Flood => cellwise && !matches!(next, T::Paint(_)),
        _ => false,
    }
}

/// The work of a step for each cell of its grid, in units of about a nanosecond on a desktop core.
pub fn weight(t: Transform) -> u64 {
    use Transform as T;
    match t {
        T::Continue(_) => 25,
        T::Spread(_) => 18,
        T::Feature(_) | T::Patches => 12,
        T::Symmetrize(_) | T::Split(_) | T::Count(..) => 8,
        T::Smear(_) | T::Connect(_) | T::FloodHoles | T::Fit(_) => 5,
        _ => 3,
    }
}

/// The transforms worth trying: those of colours that the task has.
pub fn transforms(task: &Task) -> Vec<Transform> {
    let mut seen = [0usize; 10];
    let mut painted = [false; 10];
    for input in task.inputs() {
        for (c, n) in input.histogram().into_iter().enumerate() {
            seen[c] += usize::from(n > 0);
        }
    }
    for pair in &task.train {
        for (c, n) in pair.output.histogram().into_iter().enumerate() {
            painted[c] |= n > 0;
        }
    }
    let everywhere = task.train.len();
    Transform::all()
        .iter()
        .copied()
        .filter(|&t| match t {
            Transform::Keep(0) => true,
            Transform::Keep(c) | Transform::Erase(c) => seen[c as usize] >= everywhere.min(2),
            Transform::Paint(c) => painted[c as usize],
            _ => true,
        })
        .collect()
}
