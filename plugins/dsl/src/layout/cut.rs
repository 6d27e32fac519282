//! Taking an input apart.

use super::frames;
use crate::grid::{Grid, Size};
use crate::lists::{self, Split};
use crate::objects::{self, Linkage};

/// The parts of an input in reading order, and how many there are in a row where they form a lattice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    pub list: Vec<Grid>,
    /// Zero where the parts form no lattice.
    pub across: usize,
}

impl Parts {
    /// The size of the lattice and each part's place in it.
    ///
    /// Parts that form no lattice are arranged in bands: what overlaps across shares a column, what
    /// overlaps down a row. None where two share a place.
    pub fn places(&self) -> Option<(Size, Vec<(usize, usize)>)> {
        let n = self.list.len();
        if self.across > 0 {
            let size = Size::new(self.across, n / self.across);
            return Some((size, (0..n).map(|i| (i % self.across, i / self.across)).collect()));
        }
        let columns =
            bands(&self.list.iter().map(|g| (i32::from(g.x), g.width() as i32)).collect::<Vec<_>>());
        let rows = bands(&self.list.iter().map(|g| (i32::from(g.y), g.height() as i32)).collect::<Vec<_>>());
        let size = Size::new(*columns.iter().max()? + 1, *rows.iter().max()? + 1);
        let places: Vec<(usize, usize)> = columns.into_iter().zip(rows).collect();
        let mut distinct = places.clone();
        distinct.sort_unstable();
        distinct.dedup();
        (distinct.len() == n && n > 1 && size.fits_task()).then_some((size, places))
    }
}

/// The band of each span, `(start, length)`: spans that overlap share one.
fn bands(spans: &[(i32, i32)]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..spans.len()).collect();
    order.sort_by_key(|&i| spans[i]);
    let mut out = vec![0; spans.len()];
    let mut band = 0;
    let mut end = None;
    for i in order {
        let (start, length) = spans[i];
        if end.is_some_and(|e| start >= e) {
            band += 1;
        }
        end = Some(end.map_or(start + length, |e: i32| e.max(start + length)));
        out[i] = band;
    }
    out
}

/// How an input is taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cut {
    /// Not at all.
    Whole,
    /// Into connected components.
    Components(Linkage),
    /// Into the boxes of components, with everything the input has there.
    Boxes(Linkage),
    /// Into the cells of each colour.
    Colours,
    /// Into the box of each colour, with everything the input has there.
    ColourBoxes,
    /// Into the panels between full lines of one colour.
    Panels,
    /// Into so many equal parts across and down.
    Equal(u8, u8),
    /// Into parts of so many cells across and down.
    Blocks(u8, u8),
    /// Into the four corners of a width and height, which may overlap.
    Corners(u8, u8),
    /// Into squares along the longer side.
    Squares,
    /// Into the rectangles that are outlined in one colour.
    Frames,
    /// Into the insides of such rectangles.
    Insides,
    /// Into rectangles with alike corners and two opposite sides drawn.
    Brackets,
    Rows,
    Columns,
    /// Into the cells that are not black.
    Cells,
}

impl Cut {
    /// Every cut that has no number.
    pub const PLAIN: [Self; 18] = [
        Self::Whole,
        Self::Components(Linkage::Around),
        Self::Components(Linkage::AroundAlike),
        Self::Components(Linkage::BesideAlike),
        Self::Components(Linkage::Beside),
        Self::Boxes(Linkage::Around),
        Self::Boxes(Linkage::AroundAlike),
        Self::Boxes(Linkage::BesideAlike),
        Self::Colours,
        Self::ColourBoxes,
        Self::Panels,
        Self::Squares,
        Self::Frames,
        Self::Insides,
        Self::Brackets,
        Self::Rows,
        Self::Columns,
        Self::Cells,
    ];

    /// Takes the input apart; none where the cut does not apply or there are too many parts.
    pub fn apply(self, g: &Grid) -> Option<Parts> {
        let lattice = |parts: Option<(Vec<Grid>, usize)>| {
            let (list, across) = parts?;
            Some(Parts { list: lists::bounded(list)?, across })
        };
        let list = match self {
            Self::Whole => vec![g.clone()],
            Self::Components(linkage) => components(g, linkage)?,
            Self::Boxes(linkage) => {
                let list = components(g, linkage)?;
                list.iter().filter(|c| c.area() > 1).filter_map(|c| behind(g, c)).collect()
            }
            Self::Colours => lists::split(g, Split::Colours)?,
            Self::ColourBoxes => {
                let list = lists::split(g, Split::Colours)?;
                list.iter().filter_map(|c| behind(g, c)).collect()
            }
            Self::Panels => return lattice(lists::panels(g)),
            Self::Equal(across, down) => {
                let (a, d) = (across as usize, down as usize);
                if a == 0 || d == 0 || !g.width().is_multiple_of(a) || !g.height().is_multiple_of(d) {
                    return None;
                }
                return lattice(blocks(g, Size::new(g.width() / a, g.height() / d)));
            }
            Self::Blocks(w, h) => return lattice(blocks(g, Size::new(w as usize, h as usize))),
            Self::Corners(w, h) => return lattice(corners(g, Size::new(w as usize, h as usize))),
            Self::Squares => {
                let (w, h) = (g.width(), g.height());
                let side = w.min(h);
                if w == h || !w.max(h).is_multiple_of(side) {
                    return None;
                }
                return lattice(blocks(g, Size::new(side, side)));
            }
            Self::Frames => frames::frames(g)?,
            Self::Insides => frames::frames(g)?.iter().filter_map(crate::geometry::peel).collect(),
            Self::Brackets => frames::brackets(g)?,
            Self::Rows => return lattice(blocks(g, Size::new(g.width(), 1))),
            Self::Columns => return lattice(blocks(g, Size::new(1, g.height()))),
            Self::Cells => cells(g)?,
        };
        Some(Parts { list: lists::bounded(list)?, across: 0 })
    }
}

/// Components, unless there are more than a list may hold.
fn components(g: &Grid, linkage: Linkage) -> Option<Vec<Grid>> {
    let (_, count) = objects::label(g, linkage, |c| c != 0);
    (count <= lists::MAX_ITEMS).then(|| objects::components(g, linkage))
}

/// What the whole has in the box of a part.
pub(super) fn behind(g: &Grid, part: &Grid) -> Option<Grid> {
    let x = usize::try_from(i32::from(part.x) - i32::from(g.x)).ok()?;
    let y = usize::try_from(i32::from(part.y) - i32::from(g.y)).ok()?;
    g.crop(x, y, part.size())
}

fn cells(g: &Grid) -> Option<Vec<Grid>> {
    if g.ink() > lists::MAX_ITEMS {
        return None;
    }
    let drawn = (0..g.area()).filter(|&i| g.cells()[i] != 0);
    drawn.map(|i| g.crop(i % g.width(), i / g.width(), Size::new(1, 1))).collect()
}

fn blocks(g: &Grid, size: Size) -> Option<(Vec<Grid>, usize)> {
    if size.area() == 0 || !g.width().is_multiple_of(size.width) || !g.height().is_multiple_of(size.height) {
        return None;
    }
    let (across, down) = (g.width() / size.width, g.height() / size.height);
    if across * down < 2 || across * down > lists::MAX_ITEMS {
        return None;
    }
    let all = (0..across * down).map(|i| (i % across * size.width, i / across * size.height));
    let list = all.map(|(x, y)| g.crop(x, y, size)).collect::<Option<_>>()?;
    Some((list, across))
}

fn corners(g: &Grid, size: Size) -> Option<(Vec<Grid>, usize)> {
    let right = g.width().checked_sub(size.width)?;
    let down = g.height().checked_sub(size.height)?;
    let places = [(0, 0), (right, 0), (0, down), (right, down)];
    let list = places.iter().map(|&(x, y)| g.crop(x, y, size)).collect::<Option<_>>()?;
    Some((list, 2))
}
