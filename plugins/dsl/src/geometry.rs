//! Rigid motions, crops, scalings and tilings.

use crate::grid::{Grid, Size};

/// One of the seven symmetries of the square other than staying put.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rigid {
    FlipX,
    FlipY,
    Rotate180,
    Rotate90,
    Rotate270,
    Transpose,
    AntiTranspose,
}

impl Rigid {
    pub const ALL: [Self; 7] = [
        Self::FlipX,
        Self::FlipY,
        Self::Rotate180,
        Self::Rotate90,
        Self::Rotate270,
        Self::Transpose,
        Self::AntiTranspose,
    ];
}

/// Applies a symmetry; the grid keeps its place. `12/34` flipped in x is `21/43`.
pub fn rigid(g: &Grid, motion: Rigid) -> Grid {
    let (w, h) = (g.width(), g.height());
    let turned = Size::new(h, w);
    let out = match motion {
        Rigid::FlipX => Grid::build(g.size(), |x, y| g.at(w - 1 - x, y)),
        Rigid::FlipY => Grid::build(g.size(), |x, y| g.at(x, h - 1 - y)),
        Rigid::Rotate180 => Grid::build(g.size(), |x, y| g.at(w - 1 - x, h - 1 - y)),
        Rigid::Rotate90 => Grid::build(turned, |x, y| g.at(y, h - 1 - x)),
        Rigid::Rotate270 => Grid::build(turned, |x, y| g.at(w - 1 - y, x)),
        Rigid::Transpose => Grid::build(turned, |x, y| g.at(y, x)),
        Rigid::AntiTranspose => Grid::build(turned, |x, y| g.at(w - 1 - y, h - 1 - x)),
    };
    out.map_or_else(|| g.clone(), |o| o.moved_to(g.x, g.y))
}

/// Crops to the box of non-black cells.
pub fn trim(g: &Grid) -> Option<Grid> {
    let (x, y, size) = g.bounds(|c| c != 0)?;
    g.crop(x, y, size)
}

/// Crops to the box of cells that differ from the most frequent colour.
pub fn trim_background(g: &Grid) -> Option<Grid> {
    let background = g.background();
    let (x, y, size) = g.bounds(|c| c != background)?;
    g.crop(x, y, size)
}

/// Removes the outermost ring of cells. `111/121/111` becomes `2`.
pub fn peel(g: &Grid) -> Option<Grid> {
    let size = Size::new(g.width().checked_sub(2)?, g.height().checked_sub(2)?);
    g.crop(1, 1, size)
}

/// One part of a grid cut into halves; the middle line of an odd side is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Half {
    Left,
    Right,
    Top,
    Bottom,
}

impl Half {
    pub const ALL: [Self; 4] = [Self::Left, Self::Right, Self::Top, Self::Bottom];
}

/// Crops to a half. `123` has left half `1`.
pub fn half(g: &Grid, part: Half) -> Option<Grid> {
    let (w, h) = (g.width(), g.height());
    match part {
        Half::Left => g.crop(0, 0, Size::new(w / 2, h)),
        Half::Right => g.crop(w - w / 2, 0, Size::new(w / 2, h)),
        Half::Top => g.crop(0, 0, Size::new(w, h / 2)),
        Half::Bottom => g.crop(0, h - h / 2, Size::new(w, h / 2)),
    }
}

/// Merges equal neighbouring rows and columns. `1122` becomes `12`.
pub fn dedupe_lines(g: &Grid) -> Option<Grid> {
    let columns: Vec<_> =
        (0..g.width()).filter(|&x| x == 0 || (0..g.height()).any(|y| g.at(x, y) != g.at(x - 1, y))).collect();
    let rows: Vec<_> =
        (0..g.height()).filter(|&y| y == 0 || (0..g.width()).any(|x| g.at(x, y) != g.at(x, y - 1))).collect();
    select_lines(g, &columns, &rows)
}

/// Removes the rows and columns that are of one colour throughout.
pub fn drop_plain_lines(g: &Grid) -> Option<Grid> {
    let columns: Vec<_> =
        (0..g.width()).filter(|&x| (1..g.height()).any(|y| g.at(x, y) != g.at(x, 0))).collect();
    let rows: Vec<_> =
        (0..g.height()).filter(|&y| (1..g.width()).any(|x| g.at(x, y) != g.at(0, y))).collect();
    select_lines(g, &columns, &rows)
}

/// Removes the rows and columns that are black throughout.
pub fn drop_black_lines(g: &Grid) -> Option<Grid> {
    let columns: Vec<_> = (0..g.width()).filter(|&x| (0..g.height()).any(|y| g.at(x, y) != 0)).collect();
    let rows: Vec<_> = (0..g.height()).filter(|&y| (0..g.width()).any(|x| g.at(x, y) != 0)).collect();
    select_lines(g, &columns, &rows)
}

fn select_lines(g: &Grid, columns: &[usize], rows: &[usize]) -> Option<Grid> {
    if columns.len() == g.width() && rows.len() == g.height() {
        return None;
    }
    let out = Grid::build(Size::new(columns.len(), rows.len()), |x, y| g.at(columns[x], rows[y]))?;
    Some(out.moved_to(g.x, g.y))
}

/// Draws every cell as a block of `factor` by `factor`.
pub fn scale_up(g: &Grid, factor: usize) -> Option<Grid> {
    let size = Size::new(g.width() * factor, g.height() * factor);
    Grid::build(size, |x, y| g.at(x / factor, y / factor))
}

/// Takes one cell of each block of `factor` by `factor`; every block must be of one colour.
pub fn scale_down(g: &Grid, factor: usize) -> Option<Grid> {
    if factor < 2 || !g.width().is_multiple_of(factor) || !g.height().is_multiple_of(factor) {
        return None;
    }
    let small =
        Grid::build(Size::new(g.width() / factor, g.height() / factor), |x, y| g.at(x * factor, y * factor))?;
    let exact =
        (0..g.height()).all(|y| (0..g.width()).all(|x| g.at(x, y) == small.at(x / factor, y / factor)));
    exact.then_some(small)
}

/// Repeats the grid `across` by `down` times; every other copy is flipped where `mirrored`.
pub fn tile(g: &Grid, across: usize, down: usize, mirrored: bool) -> Option<Grid> {
    let (w, h) = (g.width(), g.height());
    Grid::build(Size::new(w * across, h * down), |x, y| {
        let fold = |i: usize, side: usize| {
            if mirrored && (i / side) % 2 == 1 { side - 1 - i % side } else { i % side }
        };
        g.at(fold(x, w), fold(y, h))
    })
}

/// Draws the grid itself in place of each of its non-black cells.
pub fn fractal(g: &Grid) -> Option<Grid> {
    outer_product(g, g)
}

/// Draws `fine` in place of each non-black cell of `coarse`.
pub fn outer_product(coarse: &Grid, fine: &Grid) -> Option<Grid> {
    let (w, h) = (fine.width(), fine.height());
    let size = Size::new(coarse.width() * w, coarse.height() * h);
    Grid::build(size, |x, y| if coarse.at(x / w, y / h) == 0 { 0 } else { fine.at(x % w, y % h) })
}
