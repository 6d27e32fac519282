//! Cells of the grid by their place around an object.

use super::object::{ABSENT, Object};
use super::parsing::Scene;
use super::relation::{Compass, Heading};
use super::words::words;

words! {
    /// How far a ray goes.
    Reach {
        /// To the edge, under all that is drawn.
        Edge = "to-edge",
        /// Until something drawn is in the way.
        Contact = "to-contact",
        /// To the edge, over all that is drawn.
        Through = "through",
        /// Until something drawn is in the way; not at all where nothing is.
        Bridge = "bridging",
        /// One cell.
        Cell = "one-cell",
        /// As many cells as the object has colours.
        Colours = "by-colours",
        /// As many cells as the object has.
        Size = "by-size",
        /// As many cells as the object is long.
        Long = "by-length",
    }
}

words! {
    /// Where a ray begins.
    Origin {
        /// Every cell of the object.
        Whole = "whole",
        /// The middle of the box.
        Middle = "middle",
        /// The corner of the box that lies in the ray's direction.
        Corner = "corner",
    }
}

words! {
    /// Which lines join like objects.
    Axis {
        Row = "row",
        Column = "column",
        Both = "both",
        Diagonal = "diagonal",
    }
}

impl Axis {
    fn steps(self) -> &'static [(isize, isize)] {
        match self {
            Self::Row => &[(1, 0), (-1, 0)],
            Self::Column => &[(0, 1), (0, -1)],
            Self::Both => &[(1, 0), (-1, 0), (0, 1), (0, -1)],
            Self::Diagonal => &[(1, 1), (-1, -1), (1, -1), (-1, 1)],
        }
    }
}

/// Cells by their place around an object. Cells that are not the object's own count only where nothing is drawn,
/// but for rays that go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Area {
    /// The object's own cells.
    Body,
    /// Those that are not of the main colour.
    Minority,
    /// Those that are.
    Majority,
    /// Those beside cells that are not its own, diagonals included.
    Rim,
    /// The others.
    Core,
    /// Those in the half of the box that lies in a direction, the middle left out.
    Half(Compass),
    /// Cells of the box that are not its own and do not reach the box's rim.
    Holes,
    /// All cells of the box that are not its own.
    Gaps,
    /// The cells around its own, diagonals included.
    Halo,
    /// A frame around the box, one cell wide.
    Frame,
    Ray {
        heading: Heading,
        reach: Reach,
        origin: Origin,
    },
    /// From its own cells to cells of the same colour.
    Link(Axis),
}

type Cell = (usize, usize);

impl Area {
    /// The cells for object `i`.
    pub fn cells(self, scene: &Scene<'_>, i: usize) -> Vec<Cell> {
        let me = &scene.objects[i];
        let own = |keep: &dyn Fn(usize, usize, u8) -> bool| -> Vec<Cell> {
            me.cells().filter(|&(x, y, c)| keep(x - me.x, y - me.y, c)).map(|(x, y, _)| (x, y)).collect()
        };
        let is_rim = |x: usize, y: usize| {
            let (x, y) = (x as isize, y as isize);
            (-1..=1).any(|b| (-1..=1).any(|a| !me.has(x + a, y + b)))
        };
        let mut found = match self {
            Self::Body => return own(&|_, _, _| true),
            Self::Minority => return own(&|_, _, c| c != me.colour),
            Self::Majority => return own(&|_, _, c| c == me.colour),
            Self::Rim => return own(&|x, y, _| is_rim(x, y)),
            Self::Core => return own(&|x, y, _| !is_rim(x, y)),
            Self::Half(side) => return own(&|x, y, _| is_in_half(me, side, x, y)),
            Self::Ray { heading, reach, origin } => return rays(scene, i, heading, reach, origin),
            Self::Link(axis) => return links(scene, me, axis),
            Self::Holes => me.gaps().1.concat().iter().map(|k| place(me, *k)).collect(),
            Self::Gaps => {
                (0..me.tile.len()).filter(|&k| me.tile[k] == ABSENT).map(|k| place(me, k)).collect()
            }
            Self::Halo => around(scene, me, |u, v| {
                !me.has(u, v) && (-1..=1).any(|b| (-1..=1).any(|a| me.has(u + a, v + b)))
            }),
            Self::Frame => {
                around(scene, me, |u, v| u < 0 || v < 0 || u >= me.width as isize || v >= me.height as isize)
            }
        };
        found.retain(|&(x, y)| scene.grid.at(x, y) == scene.background);
        found
    }
}

fn place(me: &Object, k: usize) -> Cell {
    (me.x + k % me.width, me.y + k / me.width)
}

fn is_in_half(me: &Object, side: Compass, x: usize, y: usize) -> bool {
    match side {
        Compass::Left => 2 * x + 1 < me.width,
        Compass::Right => 2 * x + 1 > me.width,
        Compass::Up => 2 * y + 1 < me.height,
        Compass::Down => 2 * y + 1 > me.height,
        _ => false,
    }
}

/// The cells of the box grown by one that qualify by their place in the box.
fn around(scene: &Scene<'_>, me: &Object, qualifies: impl Fn(isize, isize) -> bool) -> Vec<Cell> {
    let mut found = Vec::new();
    for y in me.y.saturating_sub(1)..(me.bottom() + 2).min(scene.grid.height()) {
        for x in me.x.saturating_sub(1)..(me.right() + 2).min(scene.grid.width()) {
            if qualifies(x as isize - me.x as isize, y as isize - me.y as isize) {
                found.push((x, y));
            }
        }
    }
    found
}

fn rays(scene: &Scene<'_>, i: usize, heading: Heading, reach: Reach, origin: Origin) -> Vec<Cell> {
    let me = &scene.objects[i];
    let mut found = Vec::new();
    for step in heading.steps(scene, i) {
        match origin {
            Origin::Whole => {
                for (x, y, _) in me.cells() {
                    ray(scene, me, (x, y), step, reach, &mut found);
                }
            }
            Origin::Middle => {
                let (x, y) = (me.x + me.width / 2, me.y + me.height / 2);
                let centred = (step.0 != 0 || me.width % 2 == 1) && (step.1 != 0 || me.height % 2 == 1);
                if centred {
                    ray(scene, me, (x, y), step, reach, &mut found);
                }
            }
            Origin::Corner => {
                let x = if step.0 < 0 { me.x } else { me.right() };
                let y = if step.1 < 0 { me.y } else { me.bottom() };
                ray(scene, me, (x, y), step, reach, &mut found);
            }
        }
    }
    found
}

fn ray(
    scene: &Scene<'_>,
    me: &Object,
    from: Cell,
    (dx, dy): (isize, isize),
    reach: Reach,
    found: &mut Vec<Cell>,
) {
    let most = match reach {
        Reach::Cell => 1,
        Reach::Colours => me.histogram().iter().filter(|n| **n > 0).count(),
        Reach::Size => me.size,
        Reach::Long => me.width.max(me.height),
        _ => usize::MAX,
    };
    let grid = scene.grid;
    // How many cells there are up to the edge.
    let room = |at: usize, step: isize, side: usize| match step {
        0 => usize::MAX,
        1.. => side - 1 - at,
        _ => at,
    };
    let way = room(from.0, dx, grid.width()).min(room(from.1, dy, grid.height()));
    let before = found.len();
    found.reserve(way.min(most));
    let (mut x, mut y) = from;
    let mut blocked = false;
    for _ in 0..way {
        if found.len() - before == most {
            break;
        }
        (x, y) = (x.wrapping_add_signed(dx), y.wrapping_add_signed(dy));
        let free = grid.at(x, y) == scene.background;
        if !free && reach == Reach::Edge {
            continue;
        }
        let own = me.has(x as isize - me.x as isize, y as isize - me.y as isize);
        if !own && !free && matches!(reach, Reach::Contact | Reach::Bridge) {
            blocked = true;
            break;
        }
        if !own && (free || reach == Reach::Through) {
            found.push((x, y));
        }
    }
    if reach == Reach::Bridge && !blocked {
        found.truncate(before);
    }
}

fn links(scene: &Scene<'_>, me: &Object, axis: Axis) -> Vec<Cell> {
    let mut found = Vec::new();
    for (x, y, _) in me.cells() {
        for &(dx, dy) in axis.steps() {
            let before = found.len();
            let (mut u, mut v) = (x as isize + dx, y as isize + dy);
            let mut met = false;
            while let Some(c) = scene.at(u, v) {
                if c == me.colour {
                    met = !me.has(u - me.x as isize, v - me.y as isize);
                    break;
                }
                if c == scene.background {
                    found.push((u as usize, v as usize));
                }
                (u, v) = (u + dx, v + dy);
            }
            if !met {
                found.truncate(before);
            }
        }
    }
    found
}
