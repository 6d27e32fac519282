//! Taking a grid apart into a list, choosing from lists, and putting lists together.

use crate::grid::{Grid, Size};
use crate::objects::{self, Linkage, Property};

/// The longest list.
pub const MAX_ITEMS: usize = 64;
/// The most cells of a list, all grids together.
pub const MAX_LIST_CELLS: usize = 8000;

/// How a grid is taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Split {
    /// Into connected components.
    Components(Linkage),
    /// Into one grid for each colour, the most frequent first.
    Colours,
    /// Into the panels between full lines of one colour.
    Panels,
    Rows,
    Columns,
    /// Into squares along the longer side, or quarters where the grid is square.
    Tiles,
    /// Into enclosed black regions.
    Holes,
    /// Into the boxes of the components, with everything the grid has there.
    Boxes,
    /// Into components, as if the most frequent colour were black.
    Figures,
}

impl Split {
    pub const ALL: [Self; 12] = [
        Self::Components(Linkage::Around),
        Self::Components(Linkage::AroundAlike),
        Self::Components(Linkage::BesideAlike),
        Self::Components(Linkage::Beside),
        Self::Colours,
        Self::Panels,
        Self::Rows,
        Self::Columns,
        Self::Tiles,
        Self::Holes,
        Self::Boxes,
        Self::Figures,
    ];
}

/// Takes a grid apart; none where fewer than one or too many parts come of it.
pub fn split(g: &Grid, how: Split) -> Option<Vec<Grid>> {
    let list = match how {
        Split::Components(linkage) => components(g, linkage)?,
        Split::Colours => by_colour(g),
        Split::Panels => panels(g).map(|(list, _)| list)?,
        Split::Rows => (0..g.height()).filter_map(|y| g.crop(0, y, Size::new(g.width(), 1))).collect(),
        Split::Columns => (0..g.width()).filter_map(|x| g.crop(x, 0, Size::new(1, g.height()))).collect(),
        Split::Tiles => tiles(g)?,
        Split::Holes => objects::holes(g),
        Split::Boxes => objects::components(g, Linkage::AroundAlike)
            .iter()
            .filter(|c| c.area() > 1)
            .filter_map(|part| box_of(g, part))
            .collect(),
        Split::Figures => {
            let background = g.background();
            if background == 0 {
                return None;
            }
            let (labels, count) = objects::label(g, Linkage::Around, |c| c != background);
            if count > MAX_ITEMS {
                return None;
            }
            objects::parts(g, &labels, count).iter().filter_map(|part| box_of(g, part)).collect()
        }
    };
    bounded(list)
}

fn components(g: &Grid, linkage: Linkage) -> Option<Vec<Grid>> {
    let (labels, count) = objects::label(g, linkage, |c| c != 0);
    (count <= MAX_ITEMS).then(|| objects::parts(g, &labels, count))
}

/// All that the grid has where a part of it lies.
fn box_of(g: &Grid, part: &Grid) -> Option<Grid> {
    g.crop((part.x - g.x) as usize, (part.y - g.y) as usize, part.size())
}

/// The list, unless it is empty or above the limits.
pub fn bounded(list: Vec<Grid>) -> Option<Vec<Grid>> {
    let cells: usize = list.iter().map(Grid::area).sum();
    (!list.is_empty() && list.len() <= MAX_ITEMS && cells <= MAX_LIST_CELLS).then_some(list)
}

fn by_colour(g: &Grid) -> Vec<Grid> {
    let counts = g.histogram();
    let mut colours: Vec<usize> = (1..10).filter(|&c| counts[c] > 0).collect();
    colours.sort_by_key(|&c| (std::cmp::Reverse(counts[c]), c));
    colours
        .into_iter()
        .filter_map(|c| {
            let only = g.map(|d| if d as usize == c { d } else { 0 });
            let (x, y, size) = only.bounds(|d| d != 0)?;
            only.crop(x, y, size)
        })
        .collect()
}

/// Panels between full lines of one colour: of several colours, the one with most lines, black last; with how many
/// there are in a row. None where there is one or more than the limit.
pub fn panels(g: &Grid) -> Option<(Vec<Grid>, usize)> {
    let (w, h) = (g.width(), g.height());
    let mut best: Option<(usize, Vec<usize>, Vec<usize>)> = None;
    for c in 0..10u8 {
        let columns: Vec<usize> = (0..w).filter(|&x| (0..h).all(|y| g.at(x, y) == c)).collect();
        let rows: Vec<usize> = (0..h).filter(|&y| (0..w).all(|x| g.at(x, y) == c)).collect();
        let lines = columns.len() + rows.len();
        let weight = if c == 0 { lines } else { lines + 100 };
        if lines > 0 && best.as_ref().is_none_or(|b| weight > b.0) {
            best = Some((weight, columns, rows));
        }
    }
    let (_, columns, rows) = best?;
    let (across, down) = (spans(&columns, w), spans(&rows, h));
    let count = across.len() * down.len();
    if !(2..=MAX_ITEMS).contains(&count) {
        return None;
    }
    let all =
        down.iter().flat_map(|&(y, height)| across.iter().map(move |&(x, width)| (x, y, width, height)));
    let list = all.map(|(x, y, width, height)| g.crop(x, y, Size::new(width, height)));
    Some((list.collect::<Option<_>>()?, across.len()))
}

/// Spans of at least one cell between the lines.
fn spans(lines: &[usize], side: usize) -> Vec<(usize, usize)> {
    let mut out = Vec::new();
    let mut start = 0;
    for &line in lines.iter().chain([&side]) {
        if line > start {
            out.push((start, line - start));
        }
        start = line + 1;
    }
    out
}

fn tiles(g: &Grid) -> Option<Vec<Grid>> {
    let (w, h) = (g.width(), g.height());
    let (tw, th) = match (w, h) {
        _ if w == h && w % 2 == 0 => (w / 2, h / 2),
        _ if w > h && w % h == 0 => (h, h),
        _ if h > w && h % w == 0 => (w, w),
        _ => return None,
    };
    let mut list = Vec::new();
    for y in (0..h).step_by(th) {
        for x in (0..w).step_by(tw) {
            list.extend(g.crop(x, y, Size::new(tw, th)));
        }
    }
    Some(list)
}

/// Which grids of a list are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Choice {
    Most(Property),
    Least(Property),
    /// The only one whose property differs from the rest, which all share theirs.
    Odd(Property),
}

impl Choice {
    /// The property that the choice goes by.
    pub fn property(self) -> Property {
        match self {
            Self::Most(p) | Self::Least(p) | Self::Odd(p) => p,
        }
    }

    /// The indices that the choice means, given the property of each grid; never all of them.
    pub fn among(self, values: &[i32]) -> Option<Vec<usize>> {
        if values.len() < 2 {
            return None;
        }
        let indices = |v: i32| (0..values.len()).filter(|&i| values[i] == v).collect::<Vec<_>>();
        let found = match self {
            Self::Most(_) => indices(*values.iter().max()?),
            Self::Least(_) => indices(*values.iter().min()?),
            Self::Odd(_) => {
                let (low, high) = (*values.iter().min()?, *values.iter().max()?);
                let (one, other) = (indices(low), indices(high));
                if values.len() < 3 || one.len() + other.len() != values.len() {
                    return None;
                }
                [one, other].into_iter().find(|found| found.len() == 1)?
            }
        };
        (found.len() < values.len()).then_some(found)
    }
}

/// How the grids that a choice means are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Use {
    /// The one grid meant; none on a tie, unless the tied grids are alike.
    One,
    /// All that are meant.
    All,
    /// All that are not.
    Others,
}

/// Chooses from a list whose property has been measured already.
pub fn choose(list: &[Grid], values: &[i32], choice: Choice, how: Use) -> Option<Vec<Grid>> {
    let found = choice.among(values)?;
    match how {
        Use::One => {
            let first = &list[*found.first()?];
            let alike =
                found.iter().all(|&i| list[i].size() == first.size() && list[i].cells() == first.cells());
            alike.then(|| vec![first.clone()])
        }
        Use::All => Some(found.into_iter().map(|i| list[i].clone()).collect()),
        Use::Others => {
            let others = (0..list.len()).filter(|i| !found.contains(i));
            Some(others.map(|i| list[i].clone()).collect())
        }
    }
}

/// How a list becomes one grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Join {
    /// Each at its own place, the smallest on top.
    Compose,
    /// All at one place, the first on top.
    Overlay,
    /// All at one place, the one with least ink on top.
    OverlayByInk,
    /// Side by side in the list's order.
    Beside,
    /// One below the other in the list's order.
    Below,
    /// Side by side, most ink first.
    BesideByInk,
    /// One below the other, most ink first.
    BelowByInk,
    /// The cells where all agree; black elsewhere.
    Agreement,
    First,
    Last,
}

impl Join {
    pub const ALL: [Self; 10] = [
        Self::Compose,
        Self::Overlay,
        Self::OverlayByInk,
        Self::Beside,
        Self::Below,
        Self::BesideByInk,
        Self::BelowByInk,
        Self::Agreement,
        Self::First,
        Self::Last,
    ];
}

/// Puts a list together.
pub fn join(list: &[Grid], how: Join) -> Option<Grid> {
    let by_ink = || {
        let mut order: Vec<&Grid> = list.iter().collect();
        order.sort_by_key(|g| std::cmp::Reverse(g.ink()));
        order
    };
    match how {
        Join::Compose => compose(&by_ink()),
        Join::Overlay => overlay(&list.iter().rev().collect::<Vec<_>>()),
        Join::OverlayByInk => overlay(&by_ink()),
        Join::Beside => line(&list.iter().collect::<Vec<_>>(), true),
        Join::Below => line(&list.iter().collect::<Vec<_>>(), false),
        Join::BesideByInk => line(&by_ink(), true),
        Join::BelowByInk => line(&by_ink(), false),
        Join::Agreement => agreement(list),
        Join::First => list.first().cloned(),
        Join::Last => list.last().cloned(),
    }
}

/// Draws the grids at their places, bottom first.
fn compose(order: &[&Grid]) -> Option<Grid> {
    let x0 = order.iter().map(|g| i32::from(g.x)).min()?;
    let y0 = order.iter().map(|g| i32::from(g.y)).min()?;
    let x1 = order.iter().map(|g| i32::from(g.x) + g.width() as i32).max()?;
    let y1 = order.iter().map(|g| i32::from(g.y) + g.height() as i32).max()?;
    let size = Size::new((x1 - x0) as usize, (y1 - y0) as usize);
    let mut out = Grid::filled(size, 0)?.moved_to(x0 as i16, y0 as i16);
    for g in order {
        out.draw(g);
    }
    Some(out)
}

fn overlay(order: &[&Grid]) -> Option<Grid> {
    let size = order.first()?.size();
    if order.len() < 2 || order.iter().any(|g| g.size() != size) {
        return None;
    }
    let mut out = Grid::filled(size, 0)?;
    for g in order {
        out.draw(&(*g).clone().moved_to(0, 0));
    }
    Some(out)
}

fn line(order: &[&Grid], across: bool) -> Option<Grid> {
    let first = order.first()?;
    let aligned =
        order.iter().all(|g| if across { g.height() == first.height() } else { g.width() == first.width() });
    if order.len() < 2 || !aligned {
        return None;
    }
    let width: usize = order.iter().map(|g| g.width()).sum();
    let height: usize = order.iter().map(|g| g.height()).sum();
    let size = if across { Size::new(width, first.height()) } else { Size::new(first.width(), height) };
    let mut out = Grid::filled(size, 0)?;
    let mut at = 0;
    for g in order {
        let (x, y) = if across { (at, 0) } else { (0, at) };
        out.draw(&(*g).clone().moved_to(x as i16, y as i16));
        at += if across { g.width() } else { g.height() };
    }
    Some(out)
}

fn agreement(list: &[Grid]) -> Option<Grid> {
    let (first, rest) = list.split_first()?;
    if rest.is_empty() || rest.iter().any(|g| g.size() != first.size()) {
        return None;
    }
    let out = first.redraw(|x, y| {
        let c = first.at(x, y);
        if rest.iter().all(|g| g.at(x, y) == c) { c } else { 0 }
    });
    Some(out.moved_to(0, 0))
}
