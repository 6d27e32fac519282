//! Keeping some of the parts.

use super::cut::Parts;
use crate::geometry::{Rigid, rigid};
use crate::grid::Grid;
use crate::lists::Choice;
use crate::objects::{self, Property};

/// What is measured of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Measure {
    /// A property within the list.
    Of(Property),
    /// How many cells have one colour.
    Cells(u8),
    /// Whether it reaches the input's edge.
    Edge,
    /// Whether it is as wide as high.
    Square,
    /// Whether it equals its left-right image.
    MirrorX,
    /// Whether it equals its top-bottom image.
    MirrorY,
    /// How many cells of the input have its main colour.
    Frequency,
    /// What its drawing looks like, whatever its colours.
    Shape,
    /// How many parts have its shape, turned and flipped ones too.
    Turned,
    /// How many black cells its drawing encloses.
    Hollow,
    /// How many cells of the input around its box have one colour.
    Near(u8),
}

impl Measure {
    /// Every measure, the plainest first.
    pub fn all() -> Vec<Self> {
        let mut all: Vec<Self> = Property::ALL.into_iter().map(Self::Of).collect();
        all.extend((0..10).map(Self::Cells));
        all.extend([Self::Edge, Self::Square, Self::MirrorX, Self::MirrorY, Self::Frequency, Self::Shape]);
        all.extend([Self::Turned, Self::Hollow]);
        all.extend((1..10).map(Self::Near));
        all
    }

    /// The measure of every part.
    pub fn of(self, list: &[Grid], input: &Grid) -> Vec<i32> {
        match self {
            Self::Of(property) => property.measure(list),
            Self::Turned => {
                let keys: Vec<u64> = list.iter().map(turned_hash).collect();
                keys.iter().map(|k| keys.iter().filter(|other| *other == k).count() as i32).collect()
            }
            _ => list.iter().map(|g| self.single(g, input)).collect(),
        }
    }

    fn single(self, g: &Grid, input: &Grid) -> i32 {
        let (w, h) = (g.width(), g.height());
        let mirrored = |same: &dyn Fn(usize, usize) -> u8| {
            i32::from((0..h).all(|y| (0..w).all(|x| g.at(x, y) == same(x, y))))
        };
        match self {
            Self::Of(_) | Self::Turned => 0,
            Self::Hollow => objects::holes(g).iter().map(|hole| hole.ink() as i32).sum(),
            Self::Near(c) => around(g, input).filter(|&d| d == c).count() as i32,
            Self::Cells(c) => g.histogram()[usize::from(c.min(9))] as i32,
            Self::Edge => {
                let (x, y) = (i32::from(g.x) - i32::from(input.x), i32::from(g.y) - i32::from(input.y));
                let far = x + w as i32 >= input.width() as i32 || y + h as i32 >= input.height() as i32;
                i32::from(x <= 0 || y <= 0 || far)
            }
            Self::Square => i32::from(w == h),
            Self::MirrorX => mirrored(&|x, y| g.at(w - 1 - x, y)),
            Self::MirrorY => mirrored(&|x, y| g.at(x, h - 1 - y)),
            Self::Frequency => input.histogram()[g.main_colour() as usize] as i32,
            Self::Shape => {
                let hash = g.map(|c| u8::from(c != 0)).moved_to(0, 0).fingerprint();
                (hash >> 40) as i32
            }
        }
    }
}

/// A hash of the shape that turning and flipping do not change.
fn turned_hash(g: &Grid) -> u64 {
    let shape = g.map(|c| u8::from(c != 0)).moved_to(0, 0);
    let turned = Rigid::ALL.map(|motion| rigid(&shape, motion).fingerprint());
    turned.into_iter().fold(shape.fingerprint(), u64::min)
}

/// The cells of the input in the ring around a part's box.
fn around<'a>(g: &Grid, input: &'a Grid) -> impl Iterator<Item = u8> + 'a {
    let (x, y) = ((g.x - input.x) as isize, (g.y - input.y) as isize);
    let (w, h) = (g.width() as isize, g.height() as isize);
    let lines = (x - 1..=x + w).flat_map(move |i| [(i, y - 1), (i, y + h)]);
    let sides = (y..y + h).flat_map(move |j| [(x - 1, j), (x + w, j)]);
    lines.chain(sides).map(|(i, j)| input.at_or(i, j, 0))
}

/// Which parts are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Keep {
    All,
    Most(Measure),
    Least(Measure),
    /// The only one that differs from the rest.
    Odd(Measure),
    NotMost(Measure),
    NotLeast(Measure),
    /// Those of which the measure has a value.
    Is(Measure, i32),
    IsNot(Measure, i32),
}

impl Keep {
    /// What the choice goes by.
    pub fn measure(self) -> Option<Measure> {
        match self {
            Self::All => None,
            Self::Most(m)
            | Self::Least(m)
            | Self::Odd(m)
            | Self::NotMost(m)
            | Self::NotLeast(m)
            | Self::Is(m, _)
            | Self::IsNot(m, _) => Some(m),
        }
    }

    /// The indices kept, given the measure of each part; none where nothing is kept, or nothing dropped
    /// but for ties.
    pub fn among(self, values: &[i32]) -> Option<Vec<usize>> {
        let at = |v: i32| (0..values.len()).filter(|&i| values[i] == v).collect::<Vec<_>>();
        let such = |test: &dyn Fn(i32) -> bool| {
            let found: Vec<usize> = (0..values.len()).filter(|&i| test(values[i])).collect();
            (!found.is_empty() && found.len() < values.len()).then_some(found)
        };
        match self {
            Self::All => Some((0..values.len()).collect()),
            Self::Most(_) => Some(at(*values.iter().max()?)),
            Self::Least(_) => Some(at(*values.iter().min()?)),
            // The property only fills the type: the choice looks at the values alone.
            Self::Odd(_) => Choice::Odd(Property::Ink).among(values),
            Self::NotMost(_) => such(&|value| Some(&value) != values.iter().max()),
            Self::NotLeast(_) => such(&|value| Some(&value) != values.iter().min()),
            Self::Is(_, v) => such(&|value| value == v),
            Self::IsNot(_, v) => such(&|value| value != v),
        }
    }

    /// The parts kept; the lattice is lost where some are dropped.
    pub fn apply(self, parts: Parts, input: &Grid) -> Option<Parts> {
        let Some(measure) = self.measure() else { return Some(parts) };
        let found = self.among(&measure.of(&parts.list, input))?;
        let list = found.into_iter().map(|i| parts.list[i].clone()).collect();
        Some(Parts { list, across: 0 })
    }
}
