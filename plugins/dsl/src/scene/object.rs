//! One object: its box, and which cells of the box are its own.

use super::words::words;

/// A cell of a box that does not belong to the object.
pub const ABSENT: u8 = 10;

words! {
    /// The seven ways to turn or flip a box.
    Turn {
        FlipX = "flip-x",
        FlipY = "flip-y",
        Half = "half-turn",
        Transpose = "transpose",
        AntiTranspose = "anti-transpose",
        Right = "turn-right",
        Left = "turn-left",
    }
}

impl Turn {
    /// Whether width and height trade places.
    pub fn swaps_sides(self) -> bool {
        matches!(self, Self::Transpose | Self::AntiTranspose | Self::Right | Self::Left)
    }

    /// The cell of a `width` by `height` box that comes to `(x, y)` of the turned box.
    pub fn source(self, x: usize, y: usize, width: usize, height: usize) -> (usize, usize) {
        match self {
            Self::FlipX => (width - 1 - x, y),
            Self::FlipY => (x, height - 1 - y),
            Self::Half => (width - 1 - x, height - 1 - y),
            Self::Transpose => (y, x),
            Self::AntiTranspose => (width - 1 - y, height - 1 - x),
            Self::Right => (y, height - 1 - x),
            Self::Left => (width - 1 - y, x),
        }
    }
}

/// An object of a scene.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    pub x: usize,
    pub y: usize,
    pub width: usize,
    pub height: usize,
    /// The box, row-major: colours, or [`ABSENT`].
    pub tile: Vec<u8>,
    /// How many cells are its own.
    pub size: usize,
    /// Its most frequent colour (the lowest on a tie).
    pub colour: u8,
}

impl Object {
    /// The object made of some cells `(x, y, colour)`; none where there are none.
    pub fn of(cells: &[(usize, usize, u8)]) -> Option<Self> {
        let x = cells.iter().map(|c| c.0).min()?;
        let y = cells.iter().map(|c| c.1).min()?;
        let width = cells.iter().map(|c| c.0).max()? + 1 - x;
        let height = cells.iter().map(|c| c.1).max()? + 1 - y;
        let mut tile = vec![ABSENT; width * height];
        let mut counts = [0usize; 10];
        for &(i, j, c) in cells {
            tile[(j - y) * width + i - x] = c;
            counts[c as usize % 10] += 1;
        }
        let colour = (0..10).rev().max_by_key(|&c| counts[c]).unwrap_or(0) as u8;
        Some(Self { x, y, width, height, tile, size: cells.len(), colour })
    }

    /// What the box has at a place of its own, which must lie inside.
    pub fn at(&self, x: usize, y: usize) -> u8 {
        self.tile[y * self.width + x]
    }

    /// Whether the object has a cell at a place of its box, or beyond it.
    pub fn has(&self, x: isize, y: isize) -> bool {
        x >= 0
            && y >= 0
            && x < self.width as isize
            && y < self.height as isize
            && self.at(x as usize, y as usize) != ABSENT
    }

    /// Its cells on the grid: `(x, y, colour)`.
    pub fn cells(&self) -> impl Iterator<Item = (usize, usize, u8)> {
        let (x, y, width) = (self.x, self.y, self.width);
        let own = self.tile.iter().enumerate().filter(|(_, c)| **c != ABSENT);
        own.map(move |(i, &c)| (x + i % width, y + i / width, c))
    }

    pub fn right(&self) -> usize {
        self.x + self.width - 1
    }

    pub fn bottom(&self) -> usize {
        self.y + self.height - 1
    }

    /// How many cells of each colour it has.
    pub fn histogram(&self) -> [usize; 10] {
        let mut counts = [0; 10];
        for &c in self.tile.iter().filter(|c| **c != ABSENT) {
            counts[c as usize] += 1;
        }
        counts
    }

    /// Its second most frequent colour, where it has one.
    pub fn minor(&self) -> Option<u8> {
        let counts = self.histogram();
        let others = (0..10u8).rev().filter(|&c| c != self.colour && counts[c as usize] > 0);
        others.max_by_key(|&c| counts[c as usize])
    }

    /// Its most frequent colour but the background.
    pub fn ink(&self, background: u8) -> Option<u8> {
        let counts = self.histogram();
        let others = (0..10u8).rev().filter(|&c| c != background && counts[c as usize] > 0);
        others.max_by_key(|&c| counts[c as usize])
    }

    /// Whether a turn leaves it as it is, colours included.
    pub fn is_symmetric(&self, turn: Turn) -> bool {
        if turn.swaps_sides() && self.width != self.height {
            return false;
        }
        (0..self.tile.len()).all(|i| {
            let (u, v) = turn.source(i % self.width, i / self.width, self.width, self.height);
            self.tile[i] == self.at(u, v)
        })
    }

    /// A hash of its cells, colours included, wherever it lies.
    pub fn twin_hash(&self) -> u64 {
        self.tile.iter().fold(self.width as u64, |h, &c| crate::grid::mix(h, u64::from(c)))
    }

    /// A hash of its shape, whatever its colours and however it is turned.
    pub fn shape_hash(&self) -> u64 {
        let plain = self.tile.iter().fold(self.width as u64, |h, &c| mask(h, c));
        let turned = Turn::ALL.iter().map(|turn| {
            let (w, h) =
                if turn.swaps_sides() { (self.height, self.width) } else { (self.width, self.height) };
            (0..w * h).fold(w as u64, |hash, i| {
                let (u, v) = turn.source(i % w, i / w, self.width, self.height);
                mask(hash, self.at(u, v))
            })
        });
        turned.fold(plain, u64::min)
    }

    /// Absent cells of the box, as groups of neighbours: those that reach the rim of the box, and those that do not.
    pub fn gaps(&self) -> (Vec<Vec<usize>>, Vec<Vec<usize>>) {
        let (w, h) = (self.width, self.height);
        let mut seen: Vec<bool> = self.tile.iter().map(|&c| c != ABSENT).collect();
        let (mut bays, mut holes) = (Vec::new(), Vec::new());
        for start in 0..w * h {
            if seen[start] {
                continue;
            }
            seen[start] = true;
            let mut group = vec![start];
            let (mut next, mut open) = (0, false);
            while next < group.len() {
                let (x, y) = (group[next] % w, group[next] / w);
                next += 1;
                open |= x == 0 || y == 0 || x == w - 1 || y == h - 1;
                let mut visit = |i: usize| {
                    if !seen[i] {
                        seen[i] = true;
                        group.push(i);
                    }
                };
                if x > 0 {
                    visit(y * w + x - 1);
                }
                if x + 1 < w {
                    visit(y * w + x + 1);
                }
                if y > 0 {
                    visit((y - 1) * w + x);
                }
                if y + 1 < h {
                    visit((y + 1) * w + x);
                }
            }
            if open { bays.push(group) } else { holes.push(group) }
        }
        (bays, holes)
    }

    /// Free cells between the boxes: across and down; 0 where they touch or overlap.
    pub fn gap(&self, other: &Self) -> (usize, usize) {
        let across =
            other.x.saturating_sub(self.x + self.width) + self.x.saturating_sub(other.x + other.width);
        let down =
            other.y.saturating_sub(self.y + self.height) + self.y.saturating_sub(other.y + other.height);
        (across, down)
    }

    /// Whether the boxes share columns, and rows.
    pub fn overlaps(&self, other: &Self) -> (bool, bool) {
        (
            self.x <= other.right() && other.x <= self.right(),
            self.y <= other.bottom() && other.y <= self.bottom(),
        )
    }

    /// Whether the box of `other` lies in this one's, and is not the same.
    pub fn contains(&self, other: &Self) -> bool {
        self.x <= other.x
            && self.y <= other.y
            && self.right() >= other.right()
            && self.bottom() >= other.bottom()
            && (self.width, self.height) != (other.width, other.height)
    }
}

fn mask(hash: u64, cell: u8) -> u64 {
    crate::grid::mix(hash, u64::from(cell != ABSENT))
}
