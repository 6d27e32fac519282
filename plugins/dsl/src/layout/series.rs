//! Parts in order, one cell or bar each.

use super::keep::Measure;
use crate::grid::{Grid, Size};
use crate::objects::Property;

/// The way in which cells are filled one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Path {
    /// Row by row.
    Rows,
    /// Row by row, every other one from the right.
    Snake,
    /// Column by column.
    Columns,
}

impl Path {
    pub const ALL: [Self; 3] = [Self::Rows, Self::Snake, Self::Columns];

    /// The cell that comes at a place of the sequence.
    fn cell(self, i: usize, size: Size) -> (usize, usize) {
        let (w, h) = (size.width, size.height);
        match self {
            Self::Snake if i / w % 2 == 1 => (w - 1 - i % w, i / w),
            Self::Rows | Self::Snake => (i % w, i / w),
            Self::Columns => (i / h, i % h),
        }
    }
}

/// What a series is drawn as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Draw {
    Row,
    Column,
    /// A row or a column, whichever way the parts are spread more.
    Along,
    /// A square with the first part's colour, as many cells a side as there are parts.
    Square,
    /// The diagonal of such a square, in the parts' colours.
    Diagonal,
    /// Bars that hang down from the top, as long as a measure says.
    Bars(Measure),
    /// Cells of a fixed width and height, the rest black.
    Fill(u8, u8, Path),
}

/// Draws the parts in the order of a measure; the order of parts that tie is that of the list.
pub(super) fn draw(list: &[Grid], by: Measure, falling: bool, draw: Draw, input: &Grid) -> Option<Grid> {
    let along = matches!(draw, Draw::Along).then(|| spread_across(list));
    let by = match along {
        Some(true) => Measure::Of(Property::Right),
        Some(false) => Measure::Of(Property::Down),
        None => by,
    };
    let order = order(list, by, falling, input);
    let colours: Vec<u8> = order.iter().map(|&i| list[i].main_colour()).collect();
    let n = colours.len();
    match draw {
        Draw::Row => Grid::from_cells(Size::new(n, 1), colours),
        Draw::Column => Grid::from_cells(Size::new(1, n), colours),
        Draw::Along => {
            let size = if along? { Size::new(n, 1) } else { Size::new(1, n) };
            Grid::from_cells(size, colours)
        }
        Draw::Square => Grid::filled(Size::new(n, n), *colours.first()?),
        Draw::Diagonal => Grid::build(Size::new(n, n), |x, y| if x == y { colours[x] } else { 0 }),
        Draw::Bars(measure) => {
            let lengths = measure.of(list, input);
            let longest = usize::try_from(*lengths.iter().max()?).ok()?;
            Grid::build(
                Size::new(n, longest),
                |x, y| {
                    if (y as i32) < lengths[order[x]] { colours[x] } else { 0 }
                },
            )
        }
        Draw::Fill(w, h, path) => {
            let size = Size::new(w as usize, h as usize);
            let mut out = Grid::filled(size, 0).filter(|_| n <= size.area())?;
            for (i, &c) in colours.iter().enumerate() {
                let (x, y) = path.cell(i, size);
                out.set(x, y, c);
            }
            Some(out)
        }
    }
}

/// The indices of the parts in the order of a measure; those that tie stay in the order of the list.
pub(super) fn order(list: &[Grid], by: Measure, falling: bool, input: &Grid) -> Vec<usize> {
    let values = by.of(list, input);
    let mut order: Vec<usize> = (0..list.len()).collect();
    order.sort_by_key(|&i| if falling { -i64::from(values[i]) } else { i64::from(values[i]) });
    order
}

/// Whether the parts' places differ more across than down.
fn spread_across(list: &[Grid]) -> bool {
    let spread = |at: &dyn Fn(&Grid) -> i32| {
        let (low, high) = (list.iter().map(at).min(), list.iter().map(at).max());
        high.unwrap_or(0) - low.unwrap_or(0)
    };
    let across = spread(&|g| 2 * i32::from(g.x) + g.width() as i32);
    across >= spread(&|g| 2 * i32::from(g.y) + g.height() as i32)
}
