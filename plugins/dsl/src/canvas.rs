//! Transforms that need the size of the answer.

use crate::grid::{Grid, Size};

/// How a grid is brought to the size of the canvas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fit {
    /// Drawn at its own place.
    Embed,
    /// Read cell by cell and written row by row.
    Wrap,
    /// Stretched, each cell to a block.
    Stretch,
    /// Repeated from the top left, so many black lines between copies.
    Repeat(u8),
    /// Repeated, every other copy flipped, so many black lines between copies.
    Mirror(u8),
    /// Repeated as the place of the grid says: its own cells stay where they are.
    RepeatInPlace,
    /// Moved to the middle.
    Centre,
}

impl Fit {
    pub const ALL: [Self; 9] = [
        Self::Embed,
        Self::Wrap,
        Self::Stretch,
        Self::Repeat(0),
        Self::Repeat(1),
        Self::Mirror(0),
        Self::Mirror(1),
        Self::RepeatInPlace,
        Self::Centre,
    ];
}

/// Brings a grid to the canvas; the result lies at the origin.
pub fn fit(g: &Grid, how: Fit, canvas: Size) -> Option<Grid> {
    let (w, h) = (g.width(), g.height());
    match how {
        Fit::Embed => g.embed(canvas),
        Fit::Wrap => (canvas.width != w)
            .then(|| Grid::build(canvas, |x, y| g.cells().get(y * canvas.width + x).copied().unwrap_or(0)))?,
        Fit::Stretch => {
            if !canvas.width.is_multiple_of(w) || !canvas.height.is_multiple_of(h) {
                return None;
            }
            let (kx, ky) = (canvas.width / w, canvas.height / h);
            Grid::build(canvas, |x, y| g.at(x / kx, y / ky))
        }
        Fit::Repeat(gap) => repeat(g, canvas, gap as usize, false),
        Fit::Mirror(gap) => repeat(g, canvas, gap as usize, true),
        Fit::RepeatInPlace => Grid::build(canvas, |x, y| {
            let i = (x as isize - g.x as isize).rem_euclid(w as isize);
            let j = (y as isize - g.y as isize).rem_euclid(h as isize);
            g.at(i as usize, j as usize)
        }),
        Fit::Centre => {
            if w > canvas.width || h > canvas.height {
                return None;
            }
            let (x, y) = ((canvas.width - w) / 2, (canvas.height - h) / 2);
            g.clone().moved_to(x as i16, y as i16).embed(canvas)
        }
    }
}

fn repeat(g: &Grid, canvas: Size, gap: usize, mirrored: bool) -> Option<Grid> {
    let fold = |i: usize, side: usize| {
        let (copy, at) = (i / (side + gap), i % (side + gap));
        if at >= side {
            return None;
        }
        Some(if mirrored && copy % 2 == 1 { side - 1 - at } else { at })
    };
    Grid::build(canvas, |x, y| match (fold(x, g.width()), fold(y, g.height())) {
        (Some(i), Some(j)) => g.at(i, j),
        _ => 0,
    })
}
