//! Ways to take a grid apart into objects.

use std::cell::OnceCell;

use super::object::Object;
use super::relation::Target;
use super::words::words;
use crate::grid::Grid;
use crate::objects::{Linkage, label};

/// The most objects that a scene may have.
pub const OBJECTS_MAX: usize = 120;

words! {
    /// What makes cells one object.
    Grouping {
        /// Side by side, of one colour.
        BesideAlike = "beside-alike",
        /// Side by side or diagonal, of one colour.
        AroundAlike = "around-alike",
        /// Side by side, of any colour.
        Beside = "beside",
        /// Side by side or diagonal, of any colour.
        Around = "around",
        /// All cells of a colour.
        Colours = "colours",
        /// Each cell by itself.
        Cells = "cells",
        /// Side by side, of one colour, the background's too.
        Areas = "areas",
        /// The parts between lines that run from edge to edge.
        Panels = "panels",
    }
}

words! {
    /// Which colour stands for "nothing here".
    Backdrop {
        Black = "black",
        Commonest = "commonest",
    }
}

/// A way to take a grid apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Parsing {
    pub grouping: Grouping,
    pub backdrop: Backdrop,
}

/// A grid and its objects, in reading order.
#[derive(Clone, Debug)]
pub struct Scene<'a> {
    pub grid: &'a Grid,
    pub background: u8,
    pub objects: Vec<Object>,
    /// How many panels there are across and down, where it is made of panels.
    pub lattice: Option<(usize, usize)>,
    /// For each relation the object that every object stands in it to, once asked for.
    targets: [OnceCell<Vec<Option<usize>>>; Target::ALL.len()],
}

impl<'a> Scene<'a> {
    /// Takes a grid apart; none where that gives no objects, or too many.
    pub fn parse(grid: &'a Grid, parsing: Parsing) -> Option<Self> {
        let background = match parsing.backdrop {
            Backdrop::Black => 0,
            Backdrop::Commonest => grid.background(),
        };
        let ink = |c: u8| c != background;
        let mut lattice = None;
        let (labels, count) = match parsing.grouping {
            Grouping::BesideAlike => label(grid, Linkage::BesideAlike, ink),
            Grouping::AroundAlike => label(grid, Linkage::AroundAlike, ink),
            Grouping::Beside => label(grid, Linkage::Beside, ink),
            Grouping::Around => label(grid, Linkage::Around, ink),
            Grouping::Areas => label(grid, Linkage::BesideAlike, |_| true),
            Grouping::Colours => {
                let of = |&c: &u8| if ink(c) { u16::from(c) + 1 } else { 0 };
                (grid.cells().iter().map(of).collect(), 10)
            }
            Grouping::Cells => number_cells(grid, ink),
            Grouping::Panels => {
                let (labels, across, down) = panels(grid)?;
                lattice = Some((across, down));
                (labels, across * down)
            }
        };
        if count > OBJECTS_MAX {
            return None;
        }
        let mut members = vec![Vec::new(); count];
        for (i, &l) in labels.iter().enumerate() {
            if let Some(cells) = (l as usize).checked_sub(1).and_then(|k| members.get_mut(k)) {
                cells.push((i % grid.width(), i / grid.width(), grid.cells()[i]));
            }
        }
        let objects: Vec<Object> = members.iter().filter_map(|cells| Object::of(cells)).collect();
        (!objects.is_empty()).then_some(Self {
            grid,
            background,
            objects,
            lattice,
            targets: std::array::from_fn(|_| OnceCell::new()),
        })
    }

    /// The object that stands in a relation to object `i`.
    pub fn target(&self, target: Target, i: usize) -> Option<usize> {
        let found = self.targets[target as usize]
            .get_or_init(|| (0..self.objects.len()).map(|i| target.find(self, i)).collect());
        found.get(i).copied().flatten()
    }

    /// The colour at a place, or nothing beyond the edge.
    pub fn at(&self, x: isize, y: isize) -> Option<u8> {
        let inside =
            x >= 0 && y >= 0 && (x as usize) < self.grid.width() && (y as usize) < self.grid.height();
        inside.then(|| self.grid.at(x as usize, y as usize))
    }
}

fn number_cells(grid: &Grid, ink: impl Fn(u8) -> bool) -> (Vec<u16>, usize) {
    let mut count = 0;
    let number = |&c: &u8| {
        if !ink(c) {
            return 0;
        }
        count += 1;
        count as u16
    };
    let labels = grid.cells().iter().map(number).collect();
    (labels, count)
}

/// The panels between full lines of one colour: a label for each cell, and how many across and down.
fn panels(grid: &Grid) -> Option<(Vec<u16>, usize, usize)> {
    let (w, h) = (grid.width(), grid.height());
    let of_row = |y: usize| (0..w).all(|x| grid.at(x, y) == grid.at(0, y)).then(|| grid.at(0, y));
    let of_column = |x: usize| (0..h).all(|y| grid.at(x, y) == grid.at(x, 0)).then(|| grid.at(x, 0));
    let rows: Vec<Option<u8>> = (0..h).map(of_row).collect();
    let columns: Vec<Option<u8>> = (0..w).map(of_column).collect();
    let counts = |c: u8| {
        let lines = rows.iter().chain(&columns).filter(|l| **l == Some(c)).count();
        let bands = bands(&rows, c).1 * bands(&columns, c).1;
        (lines, bands)
    };
    // The separators' colour is the one with most full lines that part the grid.
    let colour = (1..10).filter(|&c| counts(c).1 > 1).max_by_key(|&c| (counts(c).0, 10 - c))?;
    let (down, downs) = bands(&rows, colour);
    let (across, acrosses) = bands(&columns, colour);
    let mut labels = vec![0; w * h];
    for y in 0..h {
        for x in 0..w {
            if let (Some(i), Some(j)) = (across[x], down[y]) {
                labels[y * w + x] = (j * acrosses + i + 1) as u16;
            }
        }
    }
    Some((labels, acrosses, downs))
}

/// For each line the band between separators that it belongs to, and how many bands there are.
fn bands(lines: &[Option<u8>], colour: u8) -> (Vec<Option<usize>>, usize) {
    let mut count = 0;
    let mut inside = false;
    let mut of = Vec::with_capacity(lines.len());
    for line in lines {
        if *line == Some(colour) {
            inside = false;
            of.push(None);
        } else {
            count += usize::from(!inside);
            inside = true;
            of.push(Some(count - 1));
        }
    }
    (of, count)
}
