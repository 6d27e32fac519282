//! Rays, falls, joins and shifts along rows, columns and diagonals.

use crate::grid::{Grid, MAX_WORKING_SIDE};

/// One of the eight directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    Left,
    Right,
    Up,
    Down,
    UpLeft,
    UpRight,
    DownLeft,
    DownRight,
}

impl Direction {
    pub const ALL: [Self; 8] = [
        Self::Left,
        Self::Right,
        Self::Up,
        Self::Down,
        Self::UpLeft,
        Self::UpRight,
        Self::DownLeft,
        Self::DownRight,
    ];

    /// The direction as a list of one.
    pub(crate) fn alone(self) -> &'static [Self] {
        &Self::ALL[self as usize..=self as usize]
    }

    /// The step in x and y.
    pub fn step(self) -> (isize, isize) {
        match self {
            Self::Left => (-1, 0),
            Self::Right => (1, 0),
            Self::Up => (0, -1),
            Self::Down => (0, 1),
            Self::UpLeft => (-1, -1),
            Self::UpRight => (1, -1),
            Self::DownLeft => (-1, 1),
            Self::DownRight => (1, 1),
        }
    }
}

/// A set of directions that rays go in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rays {
    One(Direction),
    Horizontal,
    Vertical,
    /// Left, right, up and down; horizontals lie on top.
    Cross,
    /// Left, right, up and down; verticals lie on top.
    CrossVertical,
    Falling,
    Rising,
    Diagonal,
    All,
}

impl Rays {
    pub const ALL: [Self; 16] = [
        Self::One(Direction::Left),
        Self::One(Direction::Right),
        Self::One(Direction::Up),
        Self::One(Direction::Down),
        Self::One(Direction::UpLeft),
        Self::One(Direction::UpRight),
        Self::One(Direction::DownLeft),
        Self::One(Direction::DownRight),
        Self::Horizontal,
        Self::Vertical,
        Self::Cross,
        Self::CrossVertical,
        Self::Falling,
        Self::Rising,
        Self::Diagonal,
        Self::All,
    ];

    /// The directions; those named first win where rays cross.
    pub fn directions(self) -> &'static [Direction] {
        use Direction::{Down, DownLeft, DownRight, Left, Right, Up, UpLeft, UpRight};
        match self {
            Self::One(Left) => &[Left],
            Self::One(Right) => &[Right],
            Self::One(Up) => &[Up],
            Self::One(Down) => &[Down],
            Self::One(UpLeft) => &[UpLeft],
            Self::One(UpRight) => &[UpRight],
            Self::One(DownLeft) => &[DownLeft],
            Self::One(DownRight) => &[DownRight],
            Self::Horizontal => &[Left, Right],
            Self::Vertical => &[Up, Down],
            Self::Cross => &[Left, Right, Up, Down],
            Self::CrossVertical => &[Up, Down, Left, Right],
            Self::Falling => &[UpLeft, DownRight],
            Self::Rising => &[UpRight, DownLeft],
            Self::Diagonal => &[UpLeft, UpRight, DownLeft, DownRight],
            Self::All => &[Left, Right, Up, Down, UpLeft, UpRight, DownLeft, DownRight],
        }
    }
}

/// Shoots rays from every drawn cell over black cells until they hit something drawn.
pub fn smear(g: &Grid, rays: Rays) -> Grid {
    let mut out = g.clone();
    let mut crossing = vec![0; g.area()];
    for &d in rays.directions() {
        let (dx, dy) = d.step();
        look(g, (-dx, -dy), &mut crossing);
        for (cell, &ray) in out.cells_mut().iter_mut().zip(&crossing) {
            *cell = if *cell == 0 { ray } else { *cell };
        }
    }
    out
}

/// The colour of the first drawn cell that each cell sees in a direction; black where none.
///
/// Drawn cells look past themselves.
pub fn sight(g: &Grid, d: Direction) -> Grid {
    let mut seen = vec![0; g.area()];
    look(g, d.step(), &mut seen);
    g.with_cells(seen)
}

/// Writes what each cell sees in a direction, row by row from the far end.
fn look(g: &Grid, (dx, dy): (isize, isize), seen: &mut [u8]) {
    let w = g.width();
    if dy == 0 {
        for (row, seen) in g.cells().chunks_exact(w).zip(seen.chunks_exact_mut(w)) {
            let pass = |ray: &mut u8, (&c, seen): (&u8, &mut u8)| {
                *seen = *ray;
                *ray = if c == 0 { *ray } else { c };
            };
            let mut ray = 0;
            let cells = row.iter().zip(seen);
            if dx < 0 {
                cells.for_each(|cell| pass(&mut ray, cell));
            } else {
                cells.rev().for_each(|cell| pass(&mut ray, cell));
            }
        }
        return;
    }
    // The rays that leave the row gone through last, with a black cell beyond each end.
    let mut leaving = [0u8; MAX_WORKING_SIDE + 2];
    let from = (1 + dx) as usize;
    let mut pass = |row: &[u8], seen: &mut [u8]| {
        seen.copy_from_slice(&leaving[from..from + w]);
        for ((ray, &c), &seen) in leaving[1..=w].iter_mut().zip(row).zip(&*seen) {
            *ray = if c == 0 { seen } else { c };
        }
    };
    let rows = g.cells().chunks_exact(w).zip(seen.chunks_exact_mut(w));
    if dy < 0 {
        rows.for_each(|(row, seen)| pass(row, seen));
    } else {
        rows.rev().for_each(|(row, seen)| pass(row, seen));
    }
}

/// Lets every drawn cell fall to the side, keeping the order in each line. `1020` falls left to `1200`.
pub fn gravity(g: &Grid, d: Direction) -> Grid {
    let (w, h) = (g.width(), g.height());
    let mut cells = vec![0; g.area()];
    match d {
        Direction::Left | Direction::Right => {
            for (row, out) in g.cells().chunks_exact(w).zip(cells.chunks_exact_mut(w)) {
                let drawn = row.iter().filter(|&&c| c != 0);
                if d == Direction::Left {
                    out.iter_mut().zip(drawn).for_each(|(o, &c)| *o = c);
                } else {
                    out.iter_mut().rev().zip(drawn.rev()).for_each(|(o, &c)| *o = c);
                }
            }
        }
        _ => {
            let down = matches!(d, Direction::Down);
            let mut fallen = [0usize; MAX_WORKING_SIDE];
            for step in 0..h {
                let y = if down { h - 1 - step } else { step };
                for (x, (&c, fallen)) in g.row(y).iter().zip(&mut fallen).enumerate() {
                    if c != 0 {
                        let at = if down { h - 1 - *fallen } else { *fallen };
                        cells[at * w + x] = c;
                        *fallen += 1;
                    }
                }
            }
        }
    }
    g.with_cells(cells)
}

/// Which lines `connect` joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Axis {
    Row,
    Column,
    Both,
    Diagonals,
}

impl Axis {
    pub const ALL: [Self; 4] = [Self::Row, Self::Column, Self::Both, Self::Diagonals];
}

/// Fills the black cells between two drawn cells of the same colour, whatever is nearest.
/// `1001` becomes `1111`.
pub fn connect(g: &Grid, axis: Axis) -> Grid {
    use Direction::{Down, DownLeft, DownRight, Left, Right, Up, UpLeft, UpRight};
    let pairs: &[(Direction, Direction)] = match axis {
        Axis::Row => &[(Left, Right)],
        Axis::Column => &[(Up, Down)],
        Axis::Both => &[(Left, Right), (Up, Down)],
        Axis::Diagonals => &[(UpLeft, DownRight), (UpRight, DownLeft)],
    };
    let mut out = g.clone();
    let (mut one, mut other) = (vec![0; g.area()], vec![0; g.area()]);
    for &(a, b) in pairs {
        look(g, a.step(), &mut one);
        look(g, b.step(), &mut other);
        for ((cell, &a), &b) in out.cells_mut().iter_mut().zip(&one).zip(&other) {
            *cell = if *cell == 0 && a == b { a } else { *cell };
        }
    }
    out
}

/// Shifts the cells by one inside the box; what leaves is lost, or comes back where `wrapping`.
pub fn shift(g: &Grid, d: Direction, wrapping: bool) -> Grid {
    let (dx, dy) = d.step();
    let (w, h) = (g.width(), g.height());
    let mut cells = vec![0; g.area()];
    for (y, row) in g.cells().chunks_exact(w).enumerate() {
        let to = y as isize + dy;
        let inside = to >= 0 && to < h as isize;
        if !inside && !wrapping {
            continue;
        }
        let to = to.rem_euclid(h as isize) as usize;
        let out = &mut cells[to * w..(to + 1) * w];
        let (from, at) = ((-dx).max(0) as usize, dx.max(0) as usize);
        out[at..w - from].copy_from_slice(&row[from..w - at]);
        if wrapping && dx != 0 {
            out[if dx > 0 { 0 } else { w - 1 }] = row[if dx > 0 { w - 1 } else { 0 }];
        }
    }
    g.with_cells(cells)
}
