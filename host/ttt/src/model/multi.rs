//! Tensors over subsets of a puzzle's axes, held as one: what is said of one grid, of one colour, of one colour in one
//! row, …
//!
//! *Source*: the multitensor of "ARC-AGI without pretraining".

use std::ops::Range;

/// An axis, in the order in which numbers are laid out, the outermost first; channels come after the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    Example,
    /// Colours in use but for the first, black.
    Colour,
    Row,
    Column,
    /// Down, then on by an eighth of a turn.
    Direction,
}

pub const AXES: [Axis; 5] = [Axis::Example, Axis::Colour, Axis::Row, Axis::Column, Axis::Direction];
pub const DIRECTIONS: usize = 8;
/// Tensors of a multitensor.
pub const TENSORS: usize = 18;

/// A subset of the axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axes(u8);

impl Axes {
    /// The subsets that say something: of more than examples, and of places in examples alone.
    pub const SENSIBLE: [Self; TENSORS] = {
        let mut all = [Self(0); TENSORS];
        let (mut bits, mut found) = (0u8, 0);
        while bits < 32 {
            let axes = Self(bits);
            let of_places = axes.has(Axis::Row) || axes.has(Axis::Column);
            if bits > 1 && (axes.has(Axis::Example) || !of_places) {
                all[found] = axes;
                found += 1;
            }
            bits += 1;
        }
        all
    };

    pub const fn of(axes: &[Axis]) -> Self {
        let (mut bits, mut i) = (0, 0);
        while i < axes.len() {
            bits |= 1 << axes[i] as u8;
            i += 1;
        }
        Self(bits)
    }

    pub const fn has(self, axis: Axis) -> bool {
        self.0 >> axis as u8 & 1 == 1
    }

    #[must_use]
    pub fn without(self, axis: Axis) -> Self {
        Self(self.0 & !(1 << axis as u8))
    }

    /// Rows for columns, and columns for rows.
    #[must_use]
    pub fn transposed(self) -> Self {
        let [row, column] = [Axis::Row, Axis::Column].map(|axis| u8::from(self.has(axis)));
        let rest = self.without(Axis::Row).without(Axis::Column).0;
        Self(rest | column << Axis::Row as u8 | row << Axis::Column as u8)
    }

    /// Its place among the sensible ones.
    pub fn index(self) -> Option<usize> {
        Self::SENSIBLE.iter().position(|&axes| axes == self)
    }
}

/// How long the axes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent(pub [usize; 5]);

impl Extent {
    pub fn along(&self, axis: Axis) -> usize {
        self.0[axis as usize]
    }

    /// Places of a tensor of these axes.
    pub fn positions(&self, axes: Axes) -> usize {
        AXES.iter().filter(|&&axis| axes.has(axis)).map(|&axis| self.along(axis)).product()
    }

    /// How many places lie outside an axis, along it, and inside it.
    pub fn around(&self, axes: Axes, axis: Axis) -> (usize, usize, usize) {
        let part =
            |range: Range<usize>| range.filter(|&i| axes.has(AXES[i])).map(|i| self.0[i]).product::<usize>();
        (part(0..axis as usize), self.along(axis), part(axis as usize + 1..5))
    }

    /// For each place of a tensor, its place in one of fewer axes.
    pub fn places(&self, of: Axes, within: Axes) -> Vec<u32> {
        let mut places = vec![0u32];
        for axis in AXES.into_iter().filter(|&axis| of.has(axis)) {
            let kept = within.has(axis);
            let len = self.along(axis) as u32;
            let on = |&place: &u32| (0..len).map(move |i| if kept { place * len + i } else { place });
            places = places.iter().flat_map(on).collect();
        }
        places
    }
}

/// How the numbers of a multitensor lie: tensor after tensor, place after place, channel after channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// For each tensor the numbers at a place; 0 where there is no such tensor.
    pub channels: [usize; TENSORS],
    starts: [usize; TENSORS + 1],
}

impl Shape {
    pub fn new(extent: &Extent, channels: impl Fn(Axes) -> usize) -> Self {
        let channels = Axes::SENSIBLE.map(channels);
        let mut starts = [0; TENSORS + 1];
        for (t, axes) in Axes::SENSIBLE.into_iter().enumerate() {
            starts[t + 1] = starts[t] + extent.positions(axes) * channels[t];
        }
        Self { channels, starts }
    }

    pub fn range(&self, tensor: usize) -> Range<usize> {
        self.starts[tensor]..self.starts[tensor + 1]
    }

    /// Numbers in all.
    pub fn len(&self) -> usize {
        self.starts[TENSORS]
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_eighteen_sensible_subsets() {
        let all = Axes::SENSIBLE;
        assert!(all.iter().enumerate().all(|(i, axes)| axes.index() == Some(i)), "each once");
        assert_eq!(Axes::of(&[Axis::Example]).index(), None);
        assert_eq!(Axes::of(&[Axis::Row, Axis::Colour]).index(), None);
        let rows = Axes::of(&[Axis::Example, Axis::Row, Axis::Direction]);
        assert_eq!(rows.transposed(), Axes::of(&[Axis::Example, Axis::Column, Axis::Direction]));
        assert_eq!(rows.transposed().transposed(), rows);
    }

    #[test]
    fn places_are_found_in_smaller_tensors() {
        let extent = Extent([2, 3, 4, 5, 8]);
        let all = Axes::of(&AXES);
        assert_eq!(extent.positions(all), 960);
        assert_eq!(extent.around(all, Axis::Row), (6, 4, 40));
        let within = Axes::of(&[Axis::Example, Axis::Column]);
        let places = extent.places(all, within);
        let at = (((3 + 1) * 4 + 2) * 5 + 4) * 8 + 6;
        assert_eq!((places.len(), places[at]), (960, 5 + 4), "example 1, column 4");
    }
}
