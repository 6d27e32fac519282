//! Connected components, enclosed regions and what can be measured of them.

use crate::grid::Grid;

/// What makes neighbouring cells one component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Linkage {
    /// Side by side or diagonal, of any colour.
    Around,
    /// Side by side or diagonal, of one colour.
    AroundAlike,
    /// Side by side, of one colour.
    BesideAlike,
    /// Side by side, of any colour.
    Beside,
}

impl Linkage {
    pub const ALL: [Self; 4] = [Self::Around, Self::AroundAlike, Self::BesideAlike, Self::Beside];

    fn diagonal(self) -> bool {
        matches!(self, Self::Around | Self::AroundAlike)
    }

    fn same_colour(self) -> bool {
        matches!(self, Self::AroundAlike | Self::BesideAlike)
    }
}

const STEPS: [(isize, isize); 8] = [(1, 0), (0, 1), (-1, 0), (0, -1), (1, 1), (-1, 1), (-1, -1), (1, -1)];

/// Components by cell: a label for each cell (0 where `inside` refuses), and how many there are.
pub fn label(g: &Grid, linkage: Linkage, inside: impl Fn(u8) -> bool) -> (Vec<u16>, usize) {
    let (w, h) = (g.width(), g.height());
    let mut labels = vec![0u16; g.area()];
    let mut count = 0;
    let mut stack = Vec::new();
    let steps = if linkage.diagonal() { &STEPS[..] } else { &STEPS[..4] };
    for start in 0..g.area() {
        if labels[start] != 0 || !inside(g.cells()[start]) {
            continue;
        }
        count += 1;
        labels[start] = count as u16;
        stack.push(start);
        while let Some(i) = stack.pop() {
            let (x, y) = ((i % w) as isize, (i / w) as isize);
            for &(dx, dy) in steps {
                let (nx, ny) = (x + dx, y + dy);
                if nx < 0 || ny < 0 || nx >= w as isize || ny >= h as isize {
                    continue;
                }
                let j = ny as usize * w + nx as usize;
                let linked = !linkage.same_colour() || g.cells()[j] == g.cells()[i];
                if labels[j] == 0 && linked && inside(g.cells()[j]) {
                    labels[j] = count as u16;
                    stack.push(j);
                }
            }
        }
    }
    (labels, count)
}

/// The components of the non-black cells as grids of their own, in reading order.
pub fn components(g: &Grid, linkage: Linkage) -> Vec<Grid> {
    let (labels, count) = label(g, linkage, |c| c != 0);
    parts(g, &labels, count, |c| c)
}

/// The regions of black cells that do not reach the edge, painted 1, in reading order.
pub fn holes(g: &Grid) -> Vec<Grid> {
    let outside = outside(g);
    let black = g.redraw(|x, y| u8::from(g.at(x, y) == 0 && !outside[y * g.width() + x]));
    let (labels, count) = label(&black, Linkage::BesideAlike, |c| c != 0);
    parts(&black, &labels, count, |c| c)
}

fn parts(g: &Grid, labels: &[u16], count: usize, colour: impl Fn(u8) -> u8) -> Vec<Grid> {
    let w = g.width();
    let mut boxes = vec![(usize::MAX, usize::MAX, 0, 0); count];
    for (i, &l) in labels.iter().enumerate() {
        if l != 0 {
            let (x, y) = (i % w, i / w);
            let b = &mut boxes[l as usize - 1];
            *b = (b.0.min(x), b.1.min(y), b.2.max(x), b.3.max(y));
        }
    }
    boxes
        .iter()
        .enumerate()
        .filter_map(|(k, &(x0, y0, x1, y1))| {
            let size = crate::grid::Size::new(x1 + 1 - x0, y1 + 1 - y0);
            let part = Grid::build(size, |x, y| {
                let i = (y0 + y) * w + x0 + x;
                if labels[i] as usize == k + 1 { colour(g.cells()[i]) } else { 0 }
            })?;
            Some(part.moved_to(g.x.saturating_add(x0 as i16), g.y.saturating_add(y0 as i16)))
        })
        .collect()
}

/// Which black cells reach the edge through black cells, side by side.
pub fn outside(g: &Grid) -> Vec<bool> {
    let (w, h) = (g.width(), g.height());
    let mut seen = vec![false; g.area()];
    let mut stack: Vec<usize> = (0..g.area())
        .filter(|i| {
            let (x, y) = (i % w, i / w);
            x == 0 || y == 0 || x == w - 1 || y == h - 1
        })
        .filter(|&i| g.cells()[i] == 0)
        .collect();
    for &i in &stack {
        seen[i] = true;
    }
    while let Some(i) = stack.pop() {
        let (x, y) = ((i % w) as isize, (i / w) as isize);
        for &(dx, dy) in &STEPS[..4] {
            let (nx, ny) = (x + dx, y + dy);
            if nx < 0 || ny < 0 || nx >= w as isize || ny >= h as isize {
                continue;
            }
            let j = ny as usize * w + nx as usize;
            if !seen[j] && g.cells()[j] == 0 {
                seen[j] = true;
                stack.push(j);
            }
        }
    }
    seen
}

/// What tells one grid of a list from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Property {
    /// Cells that are not black.
    Ink,
    /// Cells of the box.
    Area,
    Width,
    Height,
    /// Ink over area.
    Density,
    /// Colours but black.
    Colours,
    /// Cells that are not of the main colour, nor black.
    Minority,
    /// Components, side by side or diagonal, of any colour.
    Components,
    /// Black regions that do not reach the edge.
    Holes,
    /// How far to the right.
    Right,
    /// How far down.
    Down,
    /// Symmetries that hold, of flips and transposes.
    Symmetry,
    /// How many grids of the list equal it, wherever they are.
    Copies,
    /// How many grids of the list have its shape, whatever their colours.
    ShapeCopies,
    /// How many grids of the list share its main colour.
    ColourCopies,
    /// The main colour's number.
    Colour,
}

impl Property {
    pub const ALL: [Self; 16] = [
        Self::Ink,
        Self::Area,
        Self::Width,
        Self::Height,
        Self::Density,
        Self::Colours,
        Self::Minority,
        Self::Components,
        Self::Holes,
        Self::Right,
        Self::Down,
        Self::Symmetry,
        Self::Copies,
        Self::ShapeCopies,
        Self::ColourCopies,
        Self::Colour,
    ];

    /// The property of every grid of a list.
    pub fn measure(self, list: &[Grid]) -> Vec<i32> {
        let tally = |keys: Vec<u64>| {
            keys.iter().map(|k| keys.iter().filter(|other| *other == k).count() as i32).collect()
        };
        match self {
            Self::Copies => tally(list.iter().map(content_hash).collect()),
            Self::ShapeCopies => {
                tally(list.iter().map(|g| content_hash(&g.map(|c| u8::from(c != 0)))).collect())
            }
            Self::ColourCopies => tally(list.iter().map(|g| u64::from(g.main_colour())).collect()),
            _ => list.iter().map(|g| self.of(g)).collect(),
        }
    }

    fn of(self, g: &Grid) -> i32 {
        let measured = match self {
            Self::Ink => g.ink(),
            Self::Area => g.area(),
            Self::Width => g.width(),
            Self::Height => g.height(),
            Self::Density => g.ink() * 10_000 / g.area(),
            Self::Colours => g.colours(),
            Self::Minority => g.ink() - g.histogram()[g.main_colour().max(1) as usize],
            Self::Components => label(g, Linkage::Around, |c| c != 0).1,
            Self::Holes => holes(g).len(),
            Self::Right => return 2 * i32::from(g.x) + g.width() as i32,
            Self::Down => return 2 * i32::from(g.y) + g.height() as i32,
            Self::Symmetry => {
                crate::geometry::Rigid::ALL.iter().filter(|&&m| crate::geometry::rigid(g, m) == *g).count()
            }
            Self::Colour => g.main_colour() as usize,
            Self::Copies | Self::ShapeCopies | Self::ColourCopies => 1,
        };
        measured as i32
    }
}

fn content_hash(g: &Grid) -> u64 {
    g.clone().moved_to(0, 0).fingerprint()
}
