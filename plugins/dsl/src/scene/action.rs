//! What happens to an object.

use super::area::Area;
use super::object::{ABSENT, Object, Turn};
use super::paint::Paint;
use super::parsing::Scene;
use super::relation::{Heading, Target};
use super::words::words;

words! {
    /// How far something moves.
    Shift {
        One = "1",
        Two = "2",
        Three = "3",
        Four = "4",
        Five = "5",
        /// Until something drawn, or the edge, is in the way.
        Contact = "to-contact",
        /// One cell further.
        Into = "into",
        /// Until it lies beside the object that it heads for, whatever is between.
        Meet = "to-target",
        /// To the edge, whatever is in between.
        Edge = "to-edge",
        /// Its own extent, so that the places touch.
        Extent = "its-extent",
        /// Its own extent and a cell.
        Apart = "its-extent-and-one",
        /// Its own extent less a cell.
        Overlap = "its-extent-less-one",
    }
}

words! {
    /// A group of turns.
    Symmetry {
        FlipX = "flip-x",
        FlipY = "flip-y",
        Flips = "flips",
        Turns = "turns",
        Full = "full",
    }
}

impl Symmetry {
    fn turns(self) -> &'static [Turn] {
        match self {
            Self::FlipX => &[Turn::FlipX],
            Self::FlipY => &[Turn::FlipY],
            Self::Flips => &[Turn::FlipX, Turn::FlipY, Turn::Half],
            Self::Turns => &[Turn::Right, Turn::Half, Turn::Left],
            Self::Full => Turn::ALL,
        }
    }
}

words! {
    /// What comes to lie on a level.
    Level {
        Tops = "tops",
        Lefts = "lefts",
        Middles = "middles",
        MiddleColumns = "middle-columns",
    }
}

/// A cell of a drawing, from the top left of a box; without a colour it takes the object's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dot {
    pub x: i8,
    pub y: i8,
    pub colour: Option<u8>,
}

/// What happens to an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Paints an area.
    Paint(Area, Paint),
    /// Moves, or draws a copy.
    Move { heading: Heading, shift: Shift, copy: bool },
    /// Draws copies one after the other, up to the edge.
    Repeat { heading: Heading, shift: Shift },
    /// Turns in its place.
    Turn(Turn),
    /// Draws a mirrored copy on the side that it heads for.
    Reflect(Heading),
    /// Completes the box by its images.
    Symmetrise(Symmetry),
    /// Gives way to another object, drawn in the middle of its place.
    Become(Target),
    /// Moves to the middle of another object's place.
    Goto(Target),
    /// Moves up or down, or left or right, to the level of another.
    Align(Level, Target),
    /// Exchanges its two colours.
    Exchange,
    /// Draws a pattern about it.
    Stamp(Vec<Dot>),
}

/// What an action does to the grid.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    /// Whether the object's own cells are cleared first.
    pub erase: bool,
    /// Cells that are drawn.
    pub dots: Vec<(usize, usize, u8)>,
}

impl Action {
    /// The edit for object `i`; none where the action does not apply.
    pub fn edit(&self, scene: &Scene<'_>, i: usize) -> Option<Edit> {
        let me = scene.objects.get(i)?;
        let moved = |dx, dy, erase| Edit { erase, dots: shifted(scene, me, dx, dy) };
        match self {
            Self::Paint(area, paint) => {
                let cells = area.cells(scene, i);
                let colour = if cells.is_empty() { 0 } else { paint.colour(scene, i)? };
                let dots = cells.into_iter().map(|(x, y)| (x, y, colour)).collect();
                Some(Edit { erase: false, dots })
            }
            Self::Move { heading, shift, copy } => {
                let (dx, dy) = heading.step(scene, i)?;
                let n = distance(scene, i, *heading, (dx, dy), *shift)?;
                Some(moved(n * dx, n * dy, !copy))
            }
            Self::Repeat { heading, shift } => {
                let (dx, dy) = heading.step(scene, i)?;
                let n = distance(scene, i, *heading, (dx, dy), *shift).filter(|&n| n > 0)?;
                let times = scene.grid.width().max(scene.grid.height()) as isize / n + 1;
                let dots = (1..=times).flat_map(|k| shifted(scene, me, k * n * dx, k * n * dy)).collect();
                Some(Edit { erase: false, dots })
            }
            Self::Turn(turn) => {
                if turn.swaps_sides() && me.width != me.height {
                    return None;
                }
                Some(Edit { erase: true, dots: turned(me, *turn, me.x, me.y) })
            }
            Self::Reflect(heading) => Some(reflect(scene, me, heading.step(scene, i)?)),
            Self::Symmetrise(symmetry) => {
                let turns = symmetry.turns();
                if me.width != me.height && turns.iter().any(|t| t.swaps_sides()) {
                    return None;
                }
                let mut dots: Vec<_> = turns.iter().flat_map(|&t| turned(me, t, me.x, me.y)).collect();
                dots.retain(|&(x, y, _)| !me.has((x - me.x) as isize, (y - me.y) as isize));
                Some(Edit { erase: false, dots })
            }
            Self::Become(target) => {
                let other = &scene.objects[scene.target(*target, i)?];
                let (dx, dy) = (middle(me).0 - middle(other).0, middle(me).1 - middle(other).1);
                Some(Edit { erase: true, dots: shifted(scene, other, halved(dx), halved(dy)) })
            }
            Self::Goto(target) => {
                let other = &scene.objects[scene.target(*target, i)?];
                let (dx, dy) = (middle(other).0 - middle(me).0, middle(other).1 - middle(me).1);
                Some(moved(halved(dx), halved(dy), true))
            }
            Self::Align(level, target) => {
                let other = &scene.objects[scene.target(*target, i)?];
                let (dx, dy) = (middle(other).0 - middle(me).0, middle(other).1 - middle(me).1);
                let (dx, dy) = match level {
                    Level::Tops => (0, other.y as isize - me.y as isize),
                    Level::Lefts => (other.x as isize - me.x as isize, 0),
                    Level::Middles => (0, halved(dy)),
                    Level::MiddleColumns => (halved(dx), 0),
                };
                Some(moved(dx, dy, true))
            }
            Self::Exchange => {
                let minor = me.minor().filter(|_| me.histogram().iter().filter(|n| **n > 0).count() == 2)?;
                let swap = |c| if c == minor { me.colour } else { minor };
                Some(Edit { erase: false, dots: me.cells().map(|(x, y, c)| (x, y, swap(c))).collect() })
            }
            Self::Stamp(pattern) => {
                let dots = pattern.iter().filter_map(|dot| {
                    let (x, y) = (me.x as isize + dot.x as isize, me.y as isize + dot.y as isize);
                    scene.at(x, y)?;
                    Some((x as usize, y as usize, dot.colour.unwrap_or(me.colour)))
                });
                Some(Edit { erase: false, dots: dots.collect() })
            }
        }
    }
}

/// Twice the middle of the box.
fn middle(o: &Object) -> (isize, isize) {
    ((2 * o.x + o.width) as isize, (2 * o.y + o.height) as isize)
}

fn halved(d: isize) -> isize {
    d.div_euclid(2)
}

/// The cells of an object moved, those that leave the grid left out.
fn shifted(scene: &Scene<'_>, o: &Object, dx: isize, dy: isize) -> Vec<(usize, usize, u8)> {
    let place = |(x, y, c): (usize, usize, u8)| {
        let (u, v) = (x as isize + dx, y as isize + dy);
        scene.at(u, v).map(|_| (u as usize, v as usize, c))
    };
    o.cells().filter_map(place).collect()
}

/// The cells of an object turned, its box at `(x, y)`.
fn turned(o: &Object, turn: Turn, x: usize, y: usize) -> Vec<(usize, usize, u8)> {
    let (w, h) = if turn.swaps_sides() { (o.height, o.width) } else { (o.width, o.height) };
    let cells = (0..w * h).map(|k| {
        let (u, v) = turn.source(k % w, k / w, o.width, o.height);
        (x + k % w, y + k / w, o.at(u, v))
    });
    cells.filter(|&(_, _, c)| c != ABSENT).collect()
}

fn reflect(scene: &Scene<'_>, me: &Object, step: (isize, isize)) -> Edit {
    let turn = match step {
        (_, 0) => Turn::FlipX,
        (0, _) => Turn::FlipY,
        _ => Turn::Half,
    };
    let (dx, dy) = (step.0 * me.width as isize, step.1 * me.height as isize);
    let place = |(x, y, c): (usize, usize, u8)| {
        let (u, v) = (x as isize + dx, y as isize + dy);
        scene.at(u, v).map(|_| (u as usize, v as usize, c))
    };
    Edit { erase: false, dots: turned(me, turn, me.x, me.y).into_iter().filter_map(place).collect() }
}

/// How many steps an object goes.
fn distance(
    scene: &Scene<'_>,
    i: usize,
    heading: Heading,
    step: (isize, isize),
    shift: Shift,
) -> Option<isize> {
    let me = &scene.objects[i];
    let extent = if step.0 != 0 { me.width } else { me.height } as isize;
    let edge = || {
        let along = |d: isize, at: usize, side: usize, whole: usize| match d {
            0 => isize::MAX,
            1.. => whole as isize - (at + side) as isize,
            _ => at as isize,
        };
        let across = along(step.0, me.x, me.width, scene.grid.width());
        across.min(along(step.1, me.y, me.height, scene.grid.height()))
    };
    let until = |stops: &dyn Fn(usize, usize) -> bool| {
        (0..edge()).find(|n| {
            me.cells().any(|(x, y, _)| {
                let (u, v) = (x as isize + (n + 1) * step.0, y as isize + (n + 1) * step.1);
                !me.has(u - me.x as isize, v - me.y as isize) && stops(u as usize, v as usize)
            })
        })
    };
    let drawn = |x: usize, y: usize| scene.grid.at(x, y) != scene.background;
    match shift {
        Shift::One => Some(1),
        Shift::Two => Some(2),
        Shift::Three => Some(3),
        Shift::Four => Some(4),
        Shift::Five => Some(5),
        Shift::Contact => Some(until(&drawn).unwrap_or_else(edge)),
        Shift::Into => until(&drawn).map(|n| n + 1),
        Shift::Meet => {
            let other = &scene.objects[scene.target(heading.target()?, i)?];
            until(&|x, y| other.has(x as isize - other.x as isize, y as isize - other.y as isize))
        }
        Shift::Edge => Some(edge()),
        Shift::Extent => Some(extent),
        Shift::Apart => Some(extent + 1),
        Shift::Overlap => Some(extent - 1),
    }
}
