//! Rays, falls, joins and shifts along rows, columns and diagonals.

use crate::grid::Grid;

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
    for &d in rays.directions() {
        sweep(
            g,
            d.step(),
            |out, x, y, ray| {
                if out.at(x, y) == 0 {
                    out.set(x, y, ray);
                }
            },
            &mut out,
        );
    }
    out
}

/// Walks against a direction's lines, telling for each black cell which colour's ray crosses it.
fn sweep(
    g: &Grid,
    (dx, dy): (isize, isize),
    mut hit: impl FnMut(&mut Grid, usize, usize, u8),
    out: &mut Grid,
) {
    let (w, h) = (g.width() as isize, g.height() as isize);
    let mut ray = vec![0u8; g.area()];
    let index = |x: isize, y: isize| (y * w + x) as usize;
    for v in 0..h {
        for u in 0..w {
            let x = if dx > 0 { u } else { w - 1 - u };
            let y = if dy > 0 { v } else { h - 1 - v };
            let c = g.at(x as usize, y as usize);
            let (px, py) = (x - dx, y - dy);
            let before = if px < 0 || py < 0 || px >= w || py >= h { 0 } else { ray[index(px, py)] };
            ray[index(x, y)] = if c == 0 { before } else { c };
            if c == 0 && before != 0 {
                hit(out, x as usize, y as usize, before);
            }
        }
    }
}

/// The colour of the first drawn cell that each cell sees in a direction; black where none.
///
/// Drawn cells look past themselves.
pub fn sight(g: &Grid, d: Direction) -> Grid {
    let (dx, dy) = d.step();
    let (w, h) = (g.width() as isize, g.height() as isize);
    let mut seen = vec![0u8; g.area()];
    for v in 0..h {
        for u in 0..w {
            let x = if dx > 0 { w - 1 - u } else { u };
            let y = if dy > 0 { h - 1 - v } else { v };
            let (nx, ny) = (x + dx, y + dy);
            if nx < 0 || ny < 0 || nx >= w || ny >= h {
                continue;
            }
            let next = g.at(nx as usize, ny as usize);
            seen[(y * w + x) as usize] = if next == 0 { seen[(ny * w + nx) as usize] } else { next };
        }
    }
    g.with_cells(seen)
}

/// Lets every drawn cell fall to the side, keeping the order in each line. `1020` falls left to `1200`.
pub fn gravity(g: &Grid, d: Direction) -> Grid {
    let (w, h) = (g.width(), g.height());
    let mut out = g.map(|_| 0);
    let horizontal = matches!(d, Direction::Left | Direction::Right);
    let reversed = matches!(d, Direction::Right | Direction::Down);
    let (lines, length) = if horizontal { (h, w) } else { (w, h) };
    for line in 0..lines {
        let mut next = 0;
        for step in 0..length {
            let place = |i: usize| {
                let i = if reversed { length - 1 - i } else { i };
                if horizontal { (i, line) } else { (line, i) }
            };
            let (x, y) = place(step);
            let c = g.at(x, y);
            if c != 0 {
                let (u, v) = place(next);
                out.set(u, v, c);
                next += 1;
            }
        }
    }
    out
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
    for &(a, b) in pairs {
        let (one, other) = (sight(g, a), sight(g, b));
        out = out.redraw(|x, y| {
            let c = one.at(x, y);
            if out.at(x, y) == 0 && c != 0 && other.at(x, y) == c { c } else { out.at(x, y) }
        });
    }
    out
}

/// Shifts the cells by one inside the box; what leaves is lost, or comes back where `wrapping`.
pub fn shift(g: &Grid, d: Direction, wrapping: bool) -> Grid {
    let (dx, dy) = d.step();
    let (w, h) = (g.width() as isize, g.height() as isize);
    g.redraw(|x, y| {
        let (i, j) = (x as isize - dx, y as isize - dy);
        if wrapping { g.at(i.rem_euclid(w) as usize, j.rem_euclid(h) as usize) } else { g.at_or(i, j, 0) }
    })
}
