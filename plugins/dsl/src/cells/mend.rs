//! Uncovering what a mask hides, from the motions that map the rest of the grid onto itself.

use crate::grid::{Grid, Size};

/// A motion of the plane: `(x, y)` goes to `(a x + b y + u, c x + d y + v)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Motion {
    matrix: [isize; 4],
    shift: (isize, isize),
}

/// Which motions are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Symmetry {
    /// Mirror images and half and quarter turns.
    Mirrors,
    /// Shifts, straight or slanting.
    Shifts,
    /// All of them.
    Any,
}

/// Replaces the cells of one colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mend {
    pub mask: u8,
    pub by: Symmetry,
    /// Whether the answer is only the box that was hidden.
    pub patch: bool,
}

impl Symmetry {
    pub const ALL: [Self; 3] = [Self::Mirrors, Self::Shifts, Self::Any];

    fn matrices(self) -> &'static [[isize; 4]] {
        const ALL: [[isize; 4]; 8] = [
            [1, 0, 0, 1],
            [-1, 0, 0, 1],
            [1, 0, 0, -1],
            [-1, 0, 0, -1],
            [0, 1, 1, 0],
            [0, -1, -1, 0],
            [0, -1, 1, 0],
            [0, 1, -1, 0],
        ];
        match self {
            Self::Mirrors => &ALL[1..],
            Self::Shifts => &ALL[..1],
            Self::Any => &ALL,
        }
    }
}

impl Motion {
    fn image(&self, x: usize, y: usize) -> (isize, isize) {
        let (x, y) = (x as isize, y as isize);
        let [a, b, c, d] = self.matrix;
        (a * x + b * y + self.shift.0, c * x + d * y + self.shift.1)
    }

    /// How many cells of the grid agree with their image; none where one does not.
    fn agreement(&self, g: &Grid, mask: u8) -> Option<usize> {
        let (w, h) = (g.width() as isize, g.height() as isize);
        let [a, b, c, d] = self.matrix;
        // From one cell of a row to the next, the image takes this step; it is on the grid for one stretch of the row.
        let stride = a + c * w;
        let stretch = |from: isize, step: isize, side: isize| match step {
            0 if (0..side).contains(&from) => (0, w),
            0 => (0, 0),
            1 => (-from, side - from),
            _ => (from + 1 - side, from + 1),
        };
        let mut agree = 0;
        for y in 0..h {
            let (u, v) = (b * y + self.shift.0, d * y + self.shift.1);
            let ((x0, x1), (x2, x3)) = (stretch(u, a, w), stretch(v, c, h));
            let (from, to) = (x0.max(x2).clamp(0, w), x1.min(x3).clamp(0, w));
            let mut image = u + v * w + from * stride;
            for at in y * w + from..y * w + to.max(from) {
                let (c, other) = (g.cells()[at as usize], g.cells()[image as usize]);
                if c != mask && other != mask {
                    if c != other {
                        return None;
                    }
                    agree += usize::from(image != at);
                }
                image += stride;
            }
        }
        Some(agree)
    }
}

impl Mend {
    /// Uncovers the mask; none where it hides nothing or something stays hidden.
    pub fn run(&self, g: &Grid) -> Option<Grid> {
        let (x, y, size) = g.bounds(|c| c == self.mask)?;
        let motions = self.motions(g);
        let mut out = g.clone();
        let mut hidden: Vec<usize> = (0..g.area()).filter(|&i| g.cells()[i] == self.mask).collect();
        while !hidden.is_empty() {
            let before = hidden.len();
            let known = out.clone();
            hidden.retain(|&i| {
                let seen = |m: &Motion| {
                    let (u, v) = m.image(i % g.width(), i / g.width());
                    Some(known.at_or(u, v, self.mask)).filter(|&c| c != self.mask)
                };
                let found = motions.iter().find_map(seen);
                if let Some(c) = found {
                    out.set(i % g.width(), i / g.width(), c);
                }
                found.is_none()
            });
            if hidden.len() == before {
                return None;
            }
        }
        if self.patch { out.crop(x, y, size).map(|p| p.moved_to(0, 0)) } else { Some(out) }
    }

    /// The motions that nothing contradicts, those with the most agreement first.
    fn motions(&self, g: &Grid) -> Vec<Motion> {
        let Size { width, height } = g.size();
        let (w, h) = (width as isize, height as isize);
        let known = g.cells().iter().filter(|&&c| c != self.mask).count();
        let mut found: Vec<(usize, Motion)> = Vec::new();
        for &matrix in self.by.matrices() {
            let [a, b, c, d] = matrix;
            // A motion is of use where at least half of the grid has its image on the grid.
            let span = |p: isize, q: isize, side: isize| {
                let least = (p * (w - 1)).min(0) + (q * (h - 1)).min(0);
                let most = (p * (w - 1)).max(0) + (q * (h - 1)).max(0);
                (-side / 2 - least, side + side / 2 - 1 - most)
            };
            let (u0, u1) = span(a, b, w);
            let (v0, v1) = span(c, d, h);
            for v in v0..=v1 {
                for u in u0..=u1 {
                    // Mirrors along an axis may slide along it only when shifts count too.
                    let slides = (a * d == -1) && ((a == 1 && u != 0) || (d == 1 && v != 0));
                    let motion = Motion { matrix, shift: (u, v) };
                    let still = matrix == [1, 0, 0, 1] && (u, v) == (0, 0);
                    if still || (slides && self.by != Symmetry::Any) {
                        continue;
                    }
                    if let Some(agree) = motion.agreement(g, self.mask).filter(|n| n * 3 >= known) {
                        found.push((agree, motion));
                    }
                }
            }
        }
        found.sort_by_key(|(agree, m)| (usize::MAX - agree, m.shift.0.abs() + m.shift.1.abs()));
        found.into_iter().map(|(_, m)| m).take(64).collect()
    }
}
