//! A grid of colours with the place it came from.

use std::fmt;

/// The longest side of a task's grid, in cells.
pub const MAX_SIDE: usize = 30;
/// The longest side of an intermediate grid, in cells.
pub const MAX_WORKING_SIDE: usize = 60;
/// The largest intermediate grid, in cells.
pub const MAX_WORKING_AREA: usize = 1600;

/// Width and height, in cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size {
    pub width: usize,
    pub height: usize,
}

impl Size {
    pub fn new(width: usize, height: usize) -> Self {
        Self { width, height }
    }

    pub fn area(self) -> usize {
        self.width * self.height
    }

    /// Whether a task's grid may have this size.
    pub fn fits_task(self) -> bool {
        (1..=MAX_SIDE).contains(&self.width) && (1..=MAX_SIDE).contains(&self.height)
    }

    /// Whether an intermediate grid may have this size.
    pub fn fits_working(self) -> bool {
        (1..=MAX_WORKING_SIDE).contains(&self.width)
            && (1..=MAX_WORKING_SIDE).contains(&self.height)
            && self.area() <= MAX_WORKING_AREA
    }
}

/// A grid of colours, and where its top left cell lies on the grid it was taken from.
///
/// *Shape:* row-major; colour 0 (black) doubles as "nothing here" when grids are stacked.
/// *Limits:* `Size::fits_working`, which every constructor keeps.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Grid {
    pub x: i16,
    pub y: i16,
    width: u8,
    height: u8,
    cells: Vec<u8>,
}

impl Grid {
    /// Builds a grid at the origin, or nothing where size, count or a colour is out of range.
    pub fn from_cells(size: Size, cells: Vec<u8>) -> Option<Self> {
        let valid = size.fits_working() && cells.len() == size.area() && cells.iter().all(|&c| c < 10);
        valid.then_some(Self { x: 0, y: 0, width: size.width as u8, height: size.height as u8, cells })
    }

    /// Builds a grid from rows of equal length.
    pub fn from_rows<R: AsRef<[u8]>>(rows: &[R]) -> Option<Self> {
        let width = rows.first()?.as_ref().len();
        if rows.iter().any(|r| r.as_ref().len() != width) {
            return None;
        }
        let cells = rows.iter().flat_map(|r| r.as_ref().to_vec()).collect();
        Self::from_cells(Size::new(width, rows.len()), cells)
    }

    /// A grid of one colour, or nothing where the size is out of range.
    pub fn filled(size: Size, colour: u8) -> Option<Self> {
        size.fits_working().then(|| Self {
            x: 0,
            y: 0,
            width: size.width as u8,
            height: size.height as u8,
            cells: vec![colour.min(9); size.area()],
        })
    }

    /// Builds a grid cell by cell from `(x, y)`, or nothing where the size is out of range.
    pub fn build(size: Size, mut colour: impl FnMut(usize, usize) -> u8) -> Option<Self> {
        if !size.fits_working() {
            return None;
        }
        let mut cells = vec![0; size.area()];
        for (y, row) in cells.chunks_exact_mut(size.width).enumerate() {
            for (x, cell) in row.iter_mut().enumerate() {
                *cell = colour(x, y).min(9);
            }
        }
        Some(Self { x: 0, y: 0, width: size.width as u8, height: size.height as u8, cells })
    }

    pub fn width(&self) -> usize {
        self.width as usize
    }

    pub fn height(&self) -> usize {
        self.height as usize
    }

    pub fn size(&self) -> Size {
        Size::new(self.width(), self.height())
    }

    pub fn area(&self) -> usize {
        self.cells.len()
    }

    pub fn cells(&self) -> &[u8] {
        &self.cells
    }

    /// The cells of a row, which must lie inside.
    #[inline]
    pub fn row(&self, y: usize) -> &[u8] {
        let width = self.width as usize;
        &self.cells[y * width..(y + 1) * width]
    }

    pub(crate) fn cells_mut(&mut self) -> &mut [u8] {
        &mut self.cells
    }

    /// The colour at `(x, y)`, which must lie inside.
    #[inline]
    pub fn at(&self, x: usize, y: usize) -> u8 {
        self.cells[y * self.width as usize + x]
    }

    /// The colour at `(x, y)`, or `outside` beyond the edge.
    #[inline]
    pub fn at_or(&self, x: isize, y: isize, outside: u8) -> u8 {
        if x < 0 || y < 0 || x >= self.width as isize || y >= self.height as isize {
            outside
        } else {
            self.cells[y as usize * self.width as usize + x as usize]
        }
    }

    #[inline]
    pub fn set(&mut self, x: usize, y: usize, colour: u8) {
        let width = self.width as usize;
        self.cells[y * width + x] = colour;
    }

    /// The same size and place with every cell put through `f`.
    pub fn map(&self, mut f: impl FnMut(u8) -> u8) -> Self {
        self.with_cells(self.cells.iter().map(|&c| f(c).min(9)).collect())
    }

    /// The same size and place with each cell computed from `(x, y)`.
    pub fn redraw(&self, mut f: impl FnMut(usize, usize) -> u8) -> Self {
        let mut cells = vec![0; self.area()];
        for (y, row) in cells.chunks_exact_mut(self.width()).enumerate() {
            for (x, cell) in row.iter_mut().enumerate() {
                *cell = f(x, y).min(9);
            }
        }
        self.with_cells(cells)
    }

    pub(crate) fn with_cells(&self, cells: Vec<u8>) -> Self {
        debug_assert_eq!(cells.len(), self.area());
        Self { cells, ..*self }
    }

    /// The same place with cells of another size, which must have as many cells as there are.
    pub(crate) fn with_size(&self, size: Size, cells: Vec<u8>) -> Self {
        debug_assert_eq!(cells.len(), size.area());
        Self { width: size.width as u8, height: size.height as u8, cells, ..*self }
    }

    /// Builds a grid row by row: `line` appends the cells of the row that it is given.
    pub(crate) fn from_lines(size: Size, mut line: impl FnMut(usize, &mut Vec<u8>)) -> Option<Self> {
        if !size.fits_working() {
            return None;
        }
        let mut cells = Vec::with_capacity(size.area());
        (0..size.height).for_each(|y| line(y, &mut cells));
        debug_assert_eq!(cells.len(), size.area());
        Some(Self { x: 0, y: 0, width: size.width as u8, height: size.height as u8, cells })
    }

    /// The same cells at another place.
    pub fn moved_to(mut self, x: i16, y: i16) -> Self {
        self.x = x;
        self.y = y;
        self
    }

    /// The part of `size` at `(x, y)`, with its place; the part must lie inside.
    pub fn crop(&self, x: usize, y: usize, size: Size) -> Option<Self> {
        if x + size.width > self.width() || y + size.height > self.height() || !size.fits_working() {
            return None;
        }
        let rows = self.cells.chunks_exact(self.width()).skip(y).take(size.height);
        let mut cells = Vec::with_capacity(size.area());
        rows.for_each(|row| cells.extend_from_slice(&row[x..x + size.width]));
        let part = Self { x: 0, y: 0, width: size.width as u8, height: size.height as u8, cells };
        Some(part.moved_to(self.x.saturating_add(x as i16), self.y.saturating_add(y as i16)))
    }

    /// How many cells have each colour.
    pub fn histogram(&self) -> [usize; 10] {
        let mut counts = [0; 10];
        // Ten counters of six bits in a word, emptied before one can run over.
        for part in self.cells.chunks(63) {
            let packed = part.iter().fold(0u64, |sum, &c| sum + (1 << ((6 * u32::from(c)) & 63)));
            for (c, count) in counts.iter_mut().enumerate() {
                *count += (packed >> (6 * c) & 63) as usize;
            }
        }
        counts
    }

    /// How many cells are not black.
    pub fn ink(&self) -> usize {
        self.cells.iter().filter(|&&c| c != 0).count()
    }

    /// The most frequent colour but black (the lowest on a tie); black where there is no other.
    pub fn main_colour(&self) -> u8 {
        let counts = self.histogram();
        let mut best = 0;
        for c in 1..10 {
            if counts[c] > 0 && (best == 0 || counts[c] > counts[best]) {
                best = c;
            }
        }
        best as u8
    }

    /// The most frequent colour of all, black included.
    pub fn background(&self) -> u8 {
        let counts = self.histogram();
        (0..10).rev().max_by_key(|&c| counts[c]).unwrap_or(0) as u8
    }

    /// How many colours other than black occur.
    pub fn colours(&self) -> usize {
        self.histogram()[1..].iter().filter(|&&n| n > 0).count()
    }

    /// The box of cells that `inside` accepts: `(x, y, size)`.
    pub fn bounds(&self, inside: impl Fn(u8) -> bool) -> Option<(usize, usize, Size)> {
        let (mut x0, mut y0, mut x1, mut y1) = (usize::MAX, usize::MAX, 0, 0);
        for (y, row) in self.cells.chunks_exact(self.width()).enumerate() {
            let Some(left) = row.iter().position(|&c| inside(c)) else { continue };
            let right = row.iter().rposition(|&c| inside(c)).unwrap_or(left);
            x0 = x0.min(left);
            x1 = x1.max(right);
            y0 = y0.min(y);
            y1 = y;
        }
        (x0 != usize::MAX).then(|| (x0, y0, Size::new(x1 + 1 - x0, y1 + 1 - y0)))
    }

    /// Draws the grid at its place on a black canvas, clipped to it.
    pub fn embed(&self, canvas: Size) -> Option<Self> {
        if self.x == 0 && self.y == 0 && self.size() == canvas {
            return Some(self.clone());
        }
        let mut out = Self::filled(canvas, 0)?;
        out.draw(self);
        Some(out)
    }

    /// Draws the non-black cells of `top` over this grid, by their places.
    pub fn draw(&mut self, top: &Self) {
        let (dx, dy) = (isize::from(top.x) - isize::from(self.x), isize::from(top.y) - isize::from(self.y));
        let (width, height) = (self.width(), self.height());
        // The columns of `top` that lie on this grid.
        let from = (-dx).clamp(0, top.width() as isize);
        let to = (width as isize - dx).clamp(from, top.width() as isize);
        for (y, row) in top.cells.chunks_exact(top.width()).enumerate() {
            let j = y as isize + dy;
            if j < 0 || j >= height as isize || from == to {
                continue;
            }
            let start = j as usize * width + (from + dx) as usize;
            let under = &mut self.cells[start..start + (to - from) as usize];
            for (below, &c) in under.iter_mut().zip(&row[from as usize..to as usize]) {
                *below = if c == 0 { *below } else { c };
            }
        }
    }

    /// A 64-bit hash of place, size and cells; the same in every build and run.
    pub fn fingerprint(&self) -> u64 {
        let head = u64::from(self.x as u16) << 32
            | u64::from(self.y as u16) << 16
            | u64::from(self.width) << 8
            | u64::from(self.height);
        let mut hash = mix(0x9e37_79b9_7f4a_7c15, head);
        let (words, rest) = self.cells.as_chunks::<8>();
        for word in words {
            hash = mix(hash, u64::from_le_bytes(*word));
        }
        let packed = rest.iter().fold(0u64, |word, &c| word << 8 | u64::from(c));
        mix(hash, packed)
    }
}

/// Folds a word into a hash.
#[inline]
pub fn mix(hash: u64, word: u64) -> u64 {
    let x = (hash.rotate_left(23) ^ word).wrapping_mul(0xff51_afd7_ed55_8ccd);
    x ^ (x >> 32)
}

impl fmt::Debug for Grid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}x{} at {},{}", self.width, self.height, self.x, self.y)?;
        for row in self.cells.chunks(self.width()) {
            let line: String = row.iter().map(|c| char::from(b'0' + c)).collect();
            writeln!(f, "{line}")?;
        }
        Ok(())
    }
}
