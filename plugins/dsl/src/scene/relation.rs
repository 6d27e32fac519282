//! Which other object one is set in relation to, and in which directions things go.

use super::object::Object;
use super::parsing::Scene;
use super::words::words;
use crate::lines::Direction;

words! {
    /// Another object, by its relation to one.
    Target {
        /// The nearest of all.
        Nearest = "nearest",
        /// The nearest of the same colour.
        Kin = "kin",
        /// The nearest of another colour.
        Stranger = "stranger",
        /// The nearest of the same shape.
        Lookalike = "lookalike",
        /// The largest of the same colour, where larger than the object itself.
        Elder = "elder",
        /// The largest of all.
        Largest = "largest",
        /// The smallest of all.
        Smallest = "smallest",
        /// The one with most colours, more than one.
        Motley = "motley",
        /// The smallest whose box contains the object.
        Container = "container",
        /// The only one in the object's box.
        Content = "content",
    }
}

impl Target {
    /// The object of the scene that stands in this relation to object `i`, without a tie.
    pub(super) fn find(self, scene: &Scene<'_>, i: usize) -> Option<usize> {
        let me = scene.objects.get(i)?;
        let shape = if self == Self::Lookalike { me.shape_hash() } else { 0 };
        let measure = |o: &Object| -> Option<i64> {
            let near = || {
                let (across, down) = me.gap(o);
                -((across + down) as i64 * 64 + across.max(down) as i64)
            };
            let size = o.size as i64;
            match self {
                Self::Nearest => Some(near()),
                Self::Kin => (o.colour == me.colour).then(near),
                Self::Stranger => (o.colour != me.colour).then(near),
                Self::Lookalike => (o.size == me.size && o.shape_hash() == shape).then(near),
                Self::Elder => (o.colour == me.colour && o.size > me.size).then_some(size),
                Self::Largest => Some(size),
                Self::Smallest => Some(-size),
                Self::Motley => {
                    Some(o.histogram().iter().filter(|n| **n > 0).count() as i64).filter(|&n| n > 1)
                }
                Self::Container => o.contains(me).then_some(-size),
                Self::Content => me.contains(o).then_some(0),
            }
        };
        let mut best: Option<(i64, usize)> = None;
        let mut tied = false;
        for (j, other) in scene.objects.iter().enumerate() {
            if let Some(value) = (j != i).then(|| measure(other)).flatten() {
                if best.is_none_or(|(b, _)| value > b) {
                    best = Some((value, j));
                    tied = false;
                } else {
                    tied |= best.is_some_and(|(b, _)| value == b);
                }
            }
        }
        best.filter(|_| !tied).map(|(_, j)| j)
    }
}

/// Where something goes: one direction, or several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Heading {
    Fixed(Compass),
    Toward(Target),
    /// As `Toward`, only where both share rows or columns.
    Facing(Target),
    Away(Target),
    /// Where the cells of the box crowd.
    Lean,
    /// The other way.
    Against,
}

words! {
    /// A direction, or a set of them.
    Compass {
        Left = "left",
        Right = "right",
        Up = "up",
        Down = "down",
        UpLeft = "up-left",
        UpRight = "up-right",
        DownLeft = "down-left",
        DownRight = "down-right",
        Horizontal = "horizontal",
        Vertical = "vertical",
        Cross = "cross",
        Diagonals = "diagonals",
    }
}

impl Compass {
    /// The directions.
    pub fn directions(self) -> &'static [Direction] {
        use Direction::{Down, DownLeft, DownRight, Left, Right, Up, UpLeft, UpRight};
        match self {
            Self::Left => &[Left],
            Self::Right => &[Right],
            Self::Up => &[Up],
            Self::Down => &[Down],
            Self::UpLeft => &[UpLeft],
            Self::UpRight => &[UpRight],
            Self::DownLeft => &[DownLeft],
            Self::DownRight => &[DownRight],
            Self::Horizontal => &[Left, Right],
            Self::Vertical => &[Up, Down],
            Self::Cross => &[Left, Right, Up, Down],
            Self::Diagonals => &[UpLeft, UpRight, DownLeft, DownRight],
        }
    }
}

impl Heading {
    /// The steps in x and y; none where there is no such direction.
    pub fn steps(self, scene: &Scene<'_>, i: usize) -> Vec<(isize, isize)> {
        let me = &scene.objects[i];
        let one = |(dx, dy): (isize, isize)| if (dx, dy) == (0, 0) { vec![] } else { vec![(dx, dy)] };
        match self {
            Self::Fixed(compass) => compass.directions().iter().map(|d| d.step()).collect(),
            Self::Toward(t) => scene.target(t, i).map_or(vec![], |j| one(toward(me, &scene.objects[j]))),
            Self::Facing(t) => {
                let steps = Self::Toward(t).steps(scene, i);
                steps.into_iter().filter(|&(dx, dy)| dx == 0 || dy == 0).collect()
            }
            Self::Away(t) => scene.target(t, i).map_or(vec![], |j| one(toward(&scene.objects[j], me))),
            Self::Lean => one(lean(me)),
            Self::Against => one((-lean(me).0, -lean(me).1)),
        }
    }

    /// The object that it refers to.
    pub fn target(self) -> Option<Target> {
        match self {
            Self::Toward(t) | Self::Facing(t) | Self::Away(t) => Some(t),
            _ => None,
        }
    }

    /// Whether it may be a diagonal.
    pub fn may_slant(self) -> bool {
        match self {
            Self::Fixed(compass) => compass.directions().iter().any(|d| d.step().0 != 0 && d.step().1 != 0),
            Self::Facing(_) => false,
            _ => true,
        }
    }

    /// The step, where there is just one direction.
    pub fn step(self, scene: &Scene<'_>, i: usize) -> Option<(isize, isize)> {
        match self.steps(scene, i)[..] {
            [step] => Some(step),
            _ => None,
        }
    }
}

/// The step from one box to another: straight where they share rows or columns.
fn toward(me: &Object, other: &Object) -> (isize, isize) {
    let sign = |a: usize, a_side: usize, b: usize, b_side: usize| {
        ((2 * b + b_side) as isize - (2 * a + a_side) as isize).signum()
    };
    let dx = sign(me.x, me.width, other.x, other.width);
    let dy = sign(me.y, me.height, other.y, other.height);
    match me.overlaps(other) {
        (true, true) => (0, 0),
        (true, false) => (0, dy),
        (false, true) => (dx, 0),
        (false, false) => (dx, dy),
    }
}

/// The step from the middle of the box to the middle of its cells.
fn lean(me: &Object) -> (isize, isize) {
    let (mut sx, mut sy) = (0, 0);
    for (x, y, _) in me.cells() {
        sx += 2 * (x - me.x) as isize - (me.width as isize - 1);
        sy += 2 * (y - me.y) as isize - (me.height as isize - 1);
    }
    (sx.signum(), sy.signum())
}
