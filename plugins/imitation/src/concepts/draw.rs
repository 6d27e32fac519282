//! What generators draw with.

use stratagem_dsl::{Grid, Size};

use crate::chance::Chance;

/// What stays the same within a task.
pub struct Style {
    /// Colours other than black, no two alike.
    pub ink: [u8; 5],
    /// Two or three.
    pub k: usize,
}

impl Style {
    pub fn draw(c: &mut Chance) -> Self {
        let mut colours = [1, 2, 3, 4, 5, 6, 7, 8, 9];
        c.shuffle(&mut colours);
        let [a, b, d, e, f, ..] = colours;
        Self { ink: [a, b, d, e, f], k: c.between(2, 3) }
    }
}

/// A black grid.
pub fn blank(w: usize, h: usize) -> Grid {
    Grid::build(Size::new(w.clamp(1, 30), h.clamp(1, 30)), |_, _| 0).expect("a task's size")
}

/// A black grid with sides from `low` to `high`.
pub fn canvas(c: &mut Chance, low: usize, high: usize) -> Grid {
    blank(c.between(low, high), c.between(low, high))
}

/// Cells in colours of a palette, so many in a hundred.
pub fn noise(c: &mut Chance, w: usize, h: usize, palette: &[u8], percent: usize) -> Grid {
    blank(w, h).redraw(|_, _| if c.below(100) < percent { palette[c.below(palette.len())] } else { 0 })
}

/// A box of cells.
#[derive(Clone, Copy)]
pub struct Rect {
    pub x: usize,
    pub y: usize,
    pub w: usize,
    pub h: usize,
}

impl Rect {
    pub fn cells(self) -> impl Iterator<Item = (usize, usize)> {
        (self.y..self.y + self.h).flat_map(move |y| (self.x..self.x + self.w).map(move |x| (x, y)))
    }

    /// Whether a cell lies on the rim.
    pub fn rim(self, x: usize, y: usize) -> bool {
        x == self.x || y == self.y || x + 1 == self.x + self.w || y + 1 == self.y + self.h
    }

    fn touches(self, o: Self) -> bool {
        self.x <= o.x + o.w && o.x <= self.x + self.w && self.y <= o.y + o.h && o.y <= self.y + self.h
    }
}

/// Boxes that lie apart, sides from `low` to `high`; none where they find no room.
pub fn rects(c: &mut Chance, g: &Grid, count: usize, low: usize, high: usize) -> Option<Vec<Rect>> {
    let mut found: Vec<Rect> = Vec::new();
    for _ in 0..60 * count {
        let (w, h) = (c.between(low, high), c.between(low, high));
        if w > g.width() || h > g.height() {
            continue;
        }
        let r = Rect { x: c.below(g.width() - w + 1), y: c.below(g.height() - h + 1), w, h };
        if found.iter().all(|o| !o.touches(r)) {
            found.push(r);
        }
        if found.len() == count {
            return Some(found);
        }
    }
    None
}

/// Boxes that lie apart, no two of the same area, the largest first.
pub fn ranked(c: &mut Chance, g: &Grid, count: usize, low: usize, high: usize) -> Option<Vec<Rect>> {
    let mut found = rects(c, g, count, low, high)?;
    found.sort_by_key(|r| std::cmp::Reverse(r.w * r.h));
    found.windows(2).all(|w| w[0].w * w[0].h > w[1].w * w[1].h).then_some(found)
}

/// Fills a box.
pub fn fill(g: &mut Grid, r: Rect, colour: u8) {
    r.cells().for_each(|(x, y)| g.set(x, y, colour));
}

/// Draws the rim of a box.
pub fn frame(g: &mut Grid, r: Rect, colour: u8) {
    r.cells().filter(|&(x, y)| r.rim(x, y)).for_each(|(x, y)| g.set(x, y, colour));
}

/// A connected shape that touches all sides of its box and does not fill it.
pub fn shape(c: &mut Chance, r: Rect) -> Option<Vec<(usize, usize)>> {
    let mut cells = vec![(r.x + c.below(r.w), r.y + c.below(r.h))];
    for _ in 0..r.w * r.h * 4 {
        let (x, y) = cells[c.below(cells.len())];
        let (nx, ny) = match c.below(4) {
            0 => (x + 1, y),
            1 => (x.wrapping_sub(1), y),
            2 => (x, y + 1),
            _ => (x, y.wrapping_sub(1)),
        };
        let inside = (r.x..r.x + r.w).contains(&nx) && (r.y..r.y + r.h).contains(&ny);
        if inside && !cells.contains(&(nx, ny)) && cells.len() + 1 < r.w * r.h {
            cells.push((nx, ny));
        }
        let spans = |side: &dyn Fn(&(usize, usize)) -> usize, from: usize, to: usize| {
            cells.iter().any(|p| side(p) == from) && cells.iter().any(|p| side(p) == to)
        };
        if spans(&|p| p.0, r.x, r.x + r.w - 1) && spans(&|p| p.1, r.y, r.y + r.h - 1) && c.once_in(3) {
            return Some(cells);
        }
    }
    None
}

/// Colours some cells.
pub fn put(g: &mut Grid, cells: &[(usize, usize)], colour: u8) {
    cells.iter().for_each(|&(x, y)| g.set(x, y, colour));
}

/// A list of single cells, no two beside each other.
pub fn dots(c: &mut Chance, g: &Grid, count: usize) -> Option<Vec<(usize, usize)>> {
    rects(c, g, count, 1, 1).map(|list| list.iter().map(|r| (r.x, r.y)).collect())
}

/// The grid turned about its diagonal where `turn` says so: one generator serves rows and columns.
pub fn turned(turn: bool, (input, output): (Grid, Grid)) -> (Grid, Grid) {
    let about = |g: Grid| if turn { transposed(&g) } else { g };
    (about(input), about(output))
}

/// Rows become columns.
pub fn transposed(g: &Grid) -> Grid {
    let mut out = blank(g.height(), g.width());
    for y in 0..g.height() {
        for x in 0..g.width() {
            out.set(y, x, g.at(x, y));
        }
    }
    out
}
