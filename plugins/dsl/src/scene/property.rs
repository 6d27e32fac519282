//! What can be measured of an object in its scene.

use std::collections::BTreeMap;

use super::object::{ABSENT, Object, Turn};
use super::parsing::Scene;
use super::words::words;

words! {
    /// A property without a parameter.
    Aspect {
        /// The main colour's number.
        Colour = "colour",
        /// How many cells it has.
        Size = "size",
        Width = "width",
        Height = "height",
        /// The longer side.
        Long = "long",
        /// Regions of the box that are not its own and do not reach the box's rim.
        Holes = "holes",
        /// Regions of the box that are not its own and do.
        Bays = "bays",
        /// How many colours it has.
        Colours = "colours",
        /// Cells that are not of the main colour.
        Minority = "minority",
        /// Cells with just one neighbour of their own.
        Ends = "ends",
        /// Whether it fills its box.
        Solid = "solid",
        /// Whether width and height are equal.
        Square = "square",
        /// Wider than high: 1; higher than wide: -1.
        Lying = "lying",
        /// Whether left and right mirror each other.
        MirroredX = "mirrored-x",
        /// Whether top and bottom mirror each other.
        MirroredY = "mirrored-y",
        /// Whether any turn leaves it as it is.
        Symmetric = "symmetric",
        /// Edges of the grid that it touches.
        Edges = "edges",
        Left = "left",
        Top = "top",
        Right = "right",
        Bottom = "bottom",
        /// Objects of its shape, turned or not, itself included.
        ShapeCopies = "shape-copies",
        /// Objects of its colour, itself included.
        ColourCopies = "colour-copies",
        /// Objects that equal it.
        Twins = "twins",
        /// Cells of the grid of its main colour.
        ColourCells = "colour-cells",
        /// Other objects beside it.
        Touching = "touching",
        /// Objects whose box contains it.
        Inside = "inside",
        /// Objects in its box.
        Contents = "contents",
        /// Whether a larger object has its colour.
        HasElder = "has-elder",
        /// Objects of its colour in the same rows or columns.
        Aligned = "aligned",
        /// Whether the number of its cells is odd.
        OddSize = "odd-size",
        /// Whether its width is odd.
        OddWidth = "odd-width",
        /// Its most frequent colour but the background; the background where it has no other.
        Ink = "ink",
        /// How many of its cells are not of the background.
        InkCells = "ink-cells",
        /// How many sizes are above its own.
        SizeRank = "size-rank",
        /// How many left ends lie before its own.
        Column = "column",
        /// How many top ends lie above its own.
        Row = "row",
        /// Whether its shape is that of an object in another's box.
        LikeInner = "like-inner",
    }
}

/// A property of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Property {
    Of(Aspect),
    /// How many of its cells have a colour.
    CellsOf(u8),
    /// How many of the cells beside it have a colour.
    Beside(u8),
}

impl Property {
    /// The property of every object of a scene.
    pub fn measure(self, scene: &Scene<'_>) -> Vec<i32> {
        let all = &scene.objects;
        let tally = |key: &dyn Fn(&Object) -> u64| {
            let keys: Vec<u64> = all.iter().map(key).collect();
            let mut counts = BTreeMap::new();
            for k in &keys {
                *counts.entry(*k).or_insert(0) += 1;
            }
            keys.iter().map(|k| counts[k]).collect()
        };
        match self {
            Self::Of(Aspect::ShapeCopies) => tally(&Object::shape_hash),
            Self::Of(Aspect::ColourCopies) => tally(&|o| u64::from(o.colour)),
            Self::Of(Aspect::Twins) => tally(&Object::twin_hash),
            Self::Of(Aspect::LikeInner) => {
                let inner = |o: &Object| all.iter().any(|other| other.contains(o));
                let shapes: Vec<u64> = all.iter().filter(|o| inner(o)).map(Object::shape_hash).collect();
                all.iter().map(|o| i32::from(shapes.contains(&o.shape_hash()))).collect()
            }
            Self::Of(Aspect::SizeRank) => ranks(all, |o| usize::MAX - o.size),
            Self::Of(Aspect::Column) => ranks(all, |o| o.x),
            Self::Of(Aspect::Row) => ranks(all, |o| o.y),
            Self::Of(Aspect::ColourCells) => {
                let counts = scene.grid.histogram();
                all.iter().map(|o| counts[o.colour as usize] as i32).collect()
            }
            _ => (0..all.len()).map(|i| self.of(scene, i) as i32).collect(),
        }
    }

    fn of(self, scene: &Scene<'_>, i: usize) -> isize {
        let me = &scene.objects[i];
        let others = || scene.objects.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, o)| o);
        let count = match self {
            Self::CellsOf(c) => me.histogram()[c as usize % 10],
            Self::Beside(c) => {
                beside(scene, me).into_iter().filter(|&(x, y)| scene.grid.at(x, y) == c).count()
            }
            Self::Of(aspect) => match aspect {
                Aspect::Lying => return (me.width as isize - me.height as isize).signum(),
                Aspect::Inside => others().filter(|o| o.contains(me)).count(),
                Aspect::Contents => others().filter(|o| me.contains(o)).count(),
                Aspect::HasElder => usize::from(others().any(|o| o.colour == me.colour && o.size > me.size)),
                Aspect::Aligned => others().filter(|o| o.colour == me.colour && is_aligned(me, o)).count(),
                Aspect::Touching => others().filter(|o| me.gap(o) == (0, 0) && is_beside(me, o)).count(),
                Aspect::Edges => {
                    let (w, h) = (scene.grid.width(), scene.grid.height());
                    [me.x == 0, me.y == 0, me.right() + 1 == w, me.bottom() + 1 == h]
                        .iter()
                        .filter(|e| **e)
                        .count()
                }
                Aspect::Ink => me.ink(scene.background).unwrap_or(scene.background) as usize,
                Aspect::InkCells => me.size - me.histogram()[scene.background as usize],
                _ => of_itself(me, aspect),
            },
        };
        count as isize
    }
}

/// For each object how many different keys are below its own.
fn ranks(all: &[Object], key: impl Fn(&Object) -> usize) -> Vec<i32> {
    let mut keys: Vec<usize> = all.iter().map(&key).collect();
    keys.sort_unstable();
    keys.dedup();
    all.iter().map(|o| keys.partition_point(|&k| k < key(o)) as i32).collect()
}

/// What can be told without looking at the scene.
fn of_itself(me: &Object, aspect: Aspect) -> usize {
    match aspect {
        Aspect::Colour => me.colour as usize,
        Aspect::Size => me.size,
        Aspect::Width => me.width,
        Aspect::Height => me.height,
        Aspect::Long => me.width.max(me.height),
        Aspect::Holes => me.gaps().1.len(),
        Aspect::Bays => me.gaps().0.len(),
        Aspect::Colours => me.histogram().iter().filter(|n| **n > 0).count(),
        Aspect::Minority => me.size - me.histogram()[me.colour as usize],
        Aspect::Ends => ends(me),
        Aspect::Solid => usize::from(me.size == me.tile.len()),
        Aspect::Square => usize::from(me.width == me.height),
        Aspect::MirroredX => usize::from(me.is_symmetric(Turn::FlipX)),
        Aspect::MirroredY => usize::from(me.is_symmetric(Turn::FlipY)),
        Aspect::Symmetric => usize::from(Turn::ALL.iter().any(|&t| me.is_symmetric(t))),
        Aspect::Left => me.x,
        Aspect::Top => me.y,
        Aspect::Right => me.right(),
        Aspect::Bottom => me.bottom(),
        Aspect::OddSize => me.size % 2,
        Aspect::OddWidth => me.width % 2,
        _ => 0,
    }
}

fn ends(me: &Object) -> usize {
    let own = (0..me.tile.len()).filter(|&k| me.tile[k] != ABSENT);
    own.filter(|&k| {
        let (x, y) = ((k % me.width) as isize, (k / me.width) as isize);
        [(x - 1, y), (x + 1, y), (x, y - 1), (x, y + 1)].iter().filter(|(u, v)| me.has(*u, *v)).count() == 1
    })
    .count()
}

/// The cells side by side with an object's own, each once, in reading order.
pub fn beside(scene: &Scene<'_>, me: &Object) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for y in me.y.saturating_sub(1)..(me.bottom() + 2).min(scene.grid.height()) {
        for x in me.x.saturating_sub(1)..(me.right() + 2).min(scene.grid.width()) {
            let (u, v) = (x as isize - me.x as isize, y as isize - me.y as isize);
            let near = [(u - 1, v), (u + 1, v), (u, v - 1), (u, v + 1)];
            if !me.has(u, v) && near.iter().any(|&(a, b)| me.has(a, b)) {
                found.push((x, y));
            }
        }
    }
    found
}

fn is_aligned(me: &Object, other: &Object) -> bool {
    let (columns, rows) = me.overlaps(other);
    columns || rows
}

/// Whether a cell of one lies beside a cell of the other, diagonally too.
fn is_beside(me: &Object, other: &Object) -> bool {
    let (dx, dy) = (me.x as isize - other.x as isize, me.y as isize - other.y as isize);
    me.cells().any(|(x, y, _)| {
        let (u, v) = ((x - me.x) as isize + dx, (y - me.y) as isize + dy);
        (-1..=1).any(|b| (-1..=1).any(|a| other.has(u + a, v + b)))
    })
}
