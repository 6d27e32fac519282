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
    let mut cells = Vec::with_capacity(g.area());
    let turned = Size::new(h, w);
    let size = match motion {
        Rigid::FlipX | Rigid::FlipY | Rigid::Rotate180 => g.size(),
        _ => turned,
    };
    let column = |x: usize| g.cells()[x..].iter().step_by(w).copied();
    match motion {
        Rigid::FlipX => g.cells().chunks_exact(w).for_each(|row| cells.extend(row.iter().rev())),
        Rigid::FlipY => g.cells().chunks_exact(w).rev().for_each(|row| cells.extend_from_slice(row)),
        Rigid::Rotate180 => cells.extend(g.cells().iter().rev()),
        Rigid::Rotate90 => (0..w).for_each(|x| cells.extend(column(x).rev())),
        Rigid::Rotate270 => (0..w).rev().for_each(|x| cells.extend(column(x))),
        Rigid::Transpose => (0..w).for_each(|x| cells.extend(column(x))),
        Rigid::AntiTranspose => (0..w).rev().for_each(|x| cells.extend(column(x).rev())),
    }
    g.with_size(size, cells)
}

/// Whether a symmetry leaves the grid as it is.
pub fn is_symmetric(g: &Grid, motion: Rigid) -> bool {
    let (w, h) = (g.width(), g.height());
    let square = w == h;
    let alike = |f: &dyn Fn(usize, usize) -> u8| (0..h).all(|y| (0..w).all(|x| g.at(x, y) == f(x, y)));
    match motion {
        Rigid::FlipX => g.cells().chunks_exact(w).all(|row| row.iter().eq(row.iter().rev())),
        Rigid::FlipY => g.cells().chunks_exact(w).eq(g.cells().chunks_exact(w).rev()),
        Rigid::Rotate180 => g.cells().iter().eq(g.cells().iter().rev()),
        Rigid::Rotate90 => square && alike(&|x, y| g.at(y, h - 1 - x)),
        Rigid::Rotate270 => square && alike(&|x, y| g.at(w - 1 - y, x)),
        Rigid::Transpose => square && alike(&|x, y| g.at(y, x)),
        Rigid::AntiTranspose => square && alike(&|x, y| g.at(w - 1 - y, h - 1 - x)),
    }
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
    let mut row = Vec::new();
    Grid::from_lines(size, |y, cells| {
        if y % factor == 0 {
            row.clear();
            g.row(y / factor).iter().for_each(|&c| row.extend(std::iter::repeat_n(c, factor)));
        }
        cells.extend_from_slice(&row);
    })
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
    let h = g.height();
    Grid::from_lines(Size::new(g.width() * across, h * down), |y, cells| {
        let flipped = mirrored && (y / h) % 2 == 1;
        let row = g.row(if flipped { h - 1 - y % h } else { y % h });
        for copy in 0..across {
            if mirrored && copy % 2 == 1 {
                cells.extend(row.iter().rev());
            } else {
                cells.extend_from_slice(row);
            }
        }
    })
}

/// Draws the grid itself in place of each of its non-black cells.
pub fn fractal(g: &Grid) -> Option<Grid> {
    outer_product(g, g)
}

/// Draws `fine` in place of each non-black cell of `coarse`.
pub fn outer_product(coarse: &Grid, fine: &Grid) -> Option<Grid> {
    let h = fine.height();
    let size = Size::new(coarse.width() * fine.width(), coarse.height() * h);
    Grid::from_lines(size, |y, cells| {
        let row = fine.row(y % h);
        for &c in coarse.row(y / h) {
            if c == 0 {
                cells.resize(cells.len() + row.len(), 0);
            } else {
                cells.extend_from_slice(row);
            }
        }
    })
}
