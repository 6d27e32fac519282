//! What flows between the steps of a program.

use std::fmt;

use crate::grid::{Grid, Size, mix};

/// A cell's place, or a step from one cell to another: `x` to the right, `y` down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    // In reading order: rows first.
    pub y: i16,
    pub x: i16,
}

impl Position {
    /// The farthest that a place may lie from the origin.
    pub const FARTHEST: i32 = 2000;

    /// The place, or nothing where it lies too far off.
    pub fn new(x: i32, y: i32) -> Option<Self> {
        let near = |v: i32| v.saturating_abs() <= Self::FARTHEST;
        (near(x) && near(y)).then_some(Self { x: x as i16, y: y as i16 })
    }

    /// The place moved by a step.
    pub fn plus(self, step: Self) -> Option<Self> {
        Self::new(i32::from(self.x) + i32::from(step.x), i32::from(self.y) + i32::from(step.y))
    }

    /// The step from `from` to this place.
    pub fn minus(self, from: Self) -> Option<Self> {
        Self::new(i32::from(self.x) - i32::from(from.x), i32::from(self.y) - i32::from(from.y))
    }

    /// Column and row on a grid of this size, where the place lies on it.
    pub fn on(self, size: Size) -> Option<(usize, usize)> {
        let (x, y) = (usize::try_from(self.x).ok()?, usize::try_from(self.y).ok()?);
        (x < size.width && y < size.height).then_some((x, y))
    }
}

/// What flows between steps. Transforms know grids and lists of them; expressions know all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    One(Grid),
    Many(Vec<Grid>),
    Number(i32),
    Colour(u8),
    Truth(bool),
    Position(Position),
    Size(Size),
    /// A list of anything but grids and lists; empty lists are `Many`.
    List(Vec<Value>),
}

impl Value {
    /// The most items of a list that holds no grids.
    pub const MAX_ITEMS: usize = 1600;

    /// The single grid, where there is one.
    pub fn grid(&self) -> Option<&Grid> {
        match self {
            Self::One(g) => Some(g),
            _ => None,
        }
    }

    /// All grids.
    pub fn grids(&self) -> &[Grid] {
        match self {
            Self::One(g) => std::slice::from_ref(g),
            Self::Many(list) => list,
            _ => &[],
        }
    }

    /// How many cells all grids have together.
    pub fn area(&self) -> usize {
        self.grids().iter().map(Grid::area).sum()
    }

    /// The items of a list.
    pub fn items(&self) -> Option<Vec<Self>> {
        match self {
            Self::Many(list) => Some(list.iter().cloned().map(Self::One).collect()),
            Self::List(list) => Some(list.clone()),
            _ => None,
        }
    }

    /// The list of such items; none where they are lists themselves, or grids and other things.
    pub fn list(items: Vec<Self>) -> Option<Self> {
        if items.iter().any(|v| matches!(v, Self::Many(_) | Self::List(_))) {
            return None;
        }
        let mut grids = Vec::new();
        let mut others = Vec::new();
        for item in items {
            match item {
                Self::One(g) => grids.push(g),
                other => others.push(other),
            }
        }
        match (grids.is_empty(), others.is_empty()) {
            (_, true) => Some(Self::Many(grids)),
            (true, false) => Some(Self::List(others)),
            (false, false) => None,
        }
    }

    /// A 64-bit hash; the same in every build and run.
    pub fn fingerprint(&self) -> u64 {
        let tagged = |tag: u64, word: u64| mix(mix(0, tag), word);
        match self {
            Self::One(_) | Self::Many(_) => {
                let head = u64::from(matches!(self, Self::Many(_)));
                self.grids().iter().fold(head, |hash, g| mix(hash, g.fingerprint()))
            }
            Self::Number(n) => tagged(2, *n as u64),
            Self::Colour(c) => tagged(3, u64::from(*c)),
            Self::Truth(t) => tagged(4, u64::from(*t)),
            Self::Position(p) => tagged(5, (p.x as u16 as u64) << 16 | p.y as u16 as u64),
            Self::Size(s) => tagged(6, (s.width as u64) << 16 | s.height as u64),
            Self::List(list) => list.iter().fold(mix(0, 7), |hash, v| mix(hash, v.fingerprint())),
        }
    }
}

/// Rows are split by `/`, items of a list by spaces: `12/34`, `1 2`, `#3`, `true`, `2,1`, `3x2`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spaced = |items: Vec<String>| if items.is_empty() { "none".into() } else { items.join(" ") };
        match self {
            Self::One(g) => write!(f, "{g}"),
            Self::Many(list) => f.write_str(&spaced(list.iter().map(ToString::to_string).collect())),
            Self::Number(n) => write!(f, "{n}"),
            Self::Colour(c) => write!(f, "#{c}"),
            Self::Truth(t) => write!(f, "{t}"),
            Self::Position(p) => write!(f, "{},{}", p.x, p.y),
            Self::Size(s) => write!(f, "{}x{}", s.width, s.height),
            Self::List(list) => f.write_str(&spaced(list.iter().map(ToString::to_string).collect())),
        }
    }
}

impl From<Grid> for Value {
    fn from(g: Grid) -> Self {
        Self::One(g)
    }
}

impl From<Vec<Grid>> for Value {
    fn from(list: Vec<Grid>) -> Self {
        Self::Many(list)
    }
}

impl From<i32> for Value {
    fn from(n: i32) -> Self {
        Self::Number(n)
    }
}

impl From<usize> for Value {
    fn from(n: usize) -> Self {
        Self::Number(i32::try_from(n).unwrap_or(i32::MAX))
    }
}

impl From<u8> for Value {
    fn from(colour: u8) -> Self {
        Self::Colour(colour.min(9))
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Truth(truth)
    }
}

impl From<Position> for Value {
    fn from(position: Position) -> Self {
        Self::Position(position)
    }
}

impl From<Size> for Value {
    fn from(size: Size) -> Self {
        Self::Size(size)
    }
}

impl From<Vec<Position>> for Value {
    fn from(list: Vec<Position>) -> Self {
        Self::of_list(list)
    }
}

impl From<Vec<u8>> for Value {
    fn from(list: Vec<u8>) -> Self {
        Self::of_list(list)
    }
}

impl From<Vec<i32>> for Value {
    fn from(list: Vec<i32>) -> Self {
        Self::of_list(list)
    }
}

impl Value {
    fn of_list<T: Into<Self>>(list: Vec<T>) -> Self {
        if list.is_empty() {
            Self::Many(Vec::new())
        } else {
            Self::List(list.into_iter().map(Into::into).collect())
        }
    }
}
