//! Multitensors on a device, and what an operation makes of one.

use crate::model::multi::{Axes, Extent, Shape, TENSORS};
use crate::ops::tape::Span;

/// A multitensor of one task: how its numbers lie, and where.
#[derive(Clone, Copy, Debug)]
pub struct Multi<'a> {
    pub shape: &'a Shape,
    pub span: Span,
}

impl<'a> Multi<'a> {
    pub fn new(shape: &'a Shape, span: Span) -> Self {
        assert_eq!(shape.len() as u64, span.length, "as many numbers as places");
        Self { shape, span }
    }

    /// Where a tensor lies.
    pub fn tensor(&self, tensor: usize) -> Span {
        let range = self.shape.range(tensor);
        self.span.part(range.start, range.len())
    }

    pub fn channels(&self, tensor: usize) -> u64 {
        self.shape.channels[tensor] as u64
    }

    /// The same numbers' slopes.
    #[must_use]
    pub fn at(&self, span: Span) -> Self {
        Self::new(self.shape, span)
    }
}

/// What an operation reads and writes, of one task.
#[derive(Clone, Copy, Debug)]
pub struct Pass<'a> {
    pub extent: Extent,
    pub from: Multi<'a>,
    pub to: Multi<'a>,
}

impl<'a> Pass<'a> {
    /// One that keeps shapes.
    #[must_use]
    pub fn alike(self) -> Self {
        assert_eq!(self.from.shape, self.to.shape, "what is written is of the shape that is read");
        self
    }

    /// The tensors that are written and have places: which, its axes, its places.
    pub fn tensors(self) -> impl Iterator<Item = (usize, Axes, u64)> + 'a {
        let there = (0..TENSORS).filter(move |&t| !self.to.shape.range(t).is_empty());
        there.map(move |t| (t, Axes::SENSIBLE[t], self.extent.positions(Axes::SENSIBLE[t]) as u64))
    }
}

/// A pass, and the slopes by what it wrote and by what it read.
#[derive(Clone, Copy, Debug)]
pub struct Back<'a> {
    pub pass: Pass<'a>,
    pub slope: Span,
    pub before: Span,
    /// Whether something is there already that the slopes by what was read are added to.
    pub adds: bool,
}

impl<'a> Back<'a> {
    pub fn slope(&self) -> Multi<'a> {
        self.pass.to.at(self.slope)
    }

    pub fn before(&self) -> Multi<'a> {
        self.pass.from.at(self.before)
    }
}
