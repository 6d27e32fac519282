use std::fmt;

use serde::de::{self, SeqAccess, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest side of a grid, in cells.
pub const MAX_SIDE: usize = 30;
/// The highest colour; the lowest is 0.
pub const MAX_COLOUR: u8 = 9;

/// A grid of colours, valid by construction.
///
/// *Shape*: `height` rows × `width` columns, row-major; each side 1 to 30, each cell 0 to 9.
/// As JSON it is an array of rows.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Grid {
    width: u8,
    height: u8,
    cells: Box<[u8]>,
}

/// Why something is no grid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GridError {
    #[error("grid is empty: each side has 1 to {MAX_SIDE} cells")]
    Empty,
    #[error("grid has {0} rows: limit {MAX_SIDE}")]
    TooTall(usize),
    #[error("grid has {0} columns: limit {MAX_SIDE}")]
    TooWide(usize),
    #[error("row {row} of the grid has {found} cells, row 0 has {expected}: all rows are equally long")]
    Ragged { row: usize, found: usize, expected: usize },
    #[error("cell {value} in row {row}, column {column} is not a colour: 0 to {MAX_COLOUR}")]
    BadCell { row: usize, column: usize, value: u8 },
    #[error("{width} × {height} cells are announced, {found} are there")]
    WrongLength { width: u32, height: u32, found: usize },
}

impl Grid {
    /// Makes a grid of row-major cells.
    pub fn new(width: u32, height: u32, cells: &[u8]) -> Result<Self, GridError> {
        Self::check_sides(width as usize, height as usize)?;
        if cells.len() != width as usize * height as usize {
            return Err(GridError::WrongLength { width, height, found: cells.len() });
        }
        // The highest cell first: that is a pass of vector instructions, the search for a bad one is not.
        if cells.iter().fold(0, |high, &cell| high.max(cell)) > MAX_COLOUR
            && let Some(at) = cells.iter().position(|&cell| cell > MAX_COLOUR)
        {
            let (row, column) = (at / width as usize, at % width as usize);
            return Err(GridError::BadCell { row, column, value: cells[at] });
        }
        Ok(Self { width: width as u8, height: height as u8, cells: cells.into() })
    }

    /// Makes a grid of rows, the form of every published file.
    pub fn from_rows<R: AsRef<[u8]>>(rows: &[R]) -> Result<Self, GridError> {
        let width = rows.first().map_or(0, |row| row.as_ref().len());
        Self::check_sides(width, rows.len())?;
        for (row, cells) in rows.iter().enumerate() {
            let found = cells.as_ref().len();
            if found != width {
                return Err(GridError::Ragged { row, found, expected: width });
            }
        }
        let cells: Vec<u8> = rows.iter().flat_map(|row| row.as_ref().iter().copied()).collect();
        Self::new(width as u32, rows.len() as u32, &cells)
    }

    fn check_sides(width: usize, height: usize) -> Result<(), GridError> {
        match (width, height) {
            (0, _) | (_, 0) => Err(GridError::Empty),
            (_, rows) if rows > MAX_SIDE => Err(GridError::TooTall(rows)),
            (columns, _) if columns > MAX_SIDE => Err(GridError::TooWide(columns)),
            _ => Ok(()),
        }
    }

    pub fn width(&self) -> usize {
        self.width.into()
    }

    pub fn height(&self) -> usize {
        self.height.into()
    }

    /// All cells, row-major.
    pub fn cells(&self) -> &[u8] {
        &self.cells
    }

    /// The rows from top to bottom; there is at least one.
    pub fn rows(&self) -> std::slice::ChunksExact<'_, u8> {
        self.cells.chunks_exact(self.width())
    }
}

impl fmt::Debug for Grid {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Grid {}×{} ", self.width, self.height)?;
        out.debug_list().entries(self.rows()).finish()
    }
}

impl Serialize for Grid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut rows = serializer.serialize_seq(Some(self.height()))?;
        for row in self.rows() {
            rows.serialize_element(row)?;
        }
        rows.end()
    }
}

impl<'de> Deserialize<'de> for Grid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Rows)
    }
}

/// Reads rows and stops at the 31st, so that a hostile file cannot fill the memory.
struct Rows;

impl<'de> Visitor<'de> for Rows {
    type Value = Grid;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a grid: an array of rows of colours 0 to 9")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Grid, A::Error> {
        let mut rows: Vec<Row> = Vec::new();
        while let Some(row) = seq.next_element::<Row>()? {
            if rows.len() <= MAX_SIDE {
                rows.push(row);
            } else {
                return Err(de::Error::custom(format_args!(
                    "grid has over {} rows: limit {MAX_SIDE}",
                    rows.len()
                )));
            }
        }
        Grid::from_rows(&rows).map_err(de::Error::custom)
    }
}

struct Row(Vec<u8>);

impl AsRef<[u8]> for Row {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Cells)
    }
}

struct Cells;

impl<'de> Visitor<'de> for Cells {
    type Value = Row;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a row: an array of colours 0 to 9")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Row, A::Error> {
        let mut cells = Vec::new();
        while let Some(Cell(cell)) = seq.next_element()? {
            cells.push(cell);
            if cells.len() > MAX_SIDE + 1 {
                return Err(de::Error::custom(format_args!(
                    "grid has over {} columns: limit {MAX_SIDE}",
                    MAX_SIDE + 1
                )));
            }
        }
        Ok(Row(cells))
    }
}

struct Cell(u8);

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Any number, where text says which it is: the message is then about colours.
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(Colour)
        } else {
            deserializer.deserialize_u8(Colour)
        }
    }
}

struct Colour;

impl Visitor<'_> for Colour {
    type Value = Cell;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "a colour 0 to {MAX_COLOUR}")
    }

    fn visit_u64<E: de::Error>(self, cell: u64) -> Result<Cell, E> {
        match u8::try_from(cell) {
            Ok(colour) if colour <= MAX_COLOUR => Ok(Cell(colour)),
            _ => Err(E::custom(format_args!("cell {cell} is not a colour: 0 to {MAX_COLOUR}"))),
        }
    }

    fn visit_i64<E: de::Error>(self, cell: i64) -> Result<Cell, E> {
        Err(E::custom(format_args!("cell {cell} is not a colour: 0 to {MAX_COLOUR}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_crosses_json_unchanged() {
        let grid = Grid::new(3, 2, &[1, 2, 3, 4, 5, 6]).unwrap();
        let text = serde_json::to_string(&grid).unwrap();
        assert_eq!(text, "[[1,2,3],[4,5,6]]");
        assert_eq!(serde_json::from_str::<Grid>(&text).unwrap(), grid);
    }

    #[test]
    fn what_is_no_grid_is_refused_by_name() {
        let cases: [(&str, &str); 8] = [
            ("[]", "grid is empty"),
            ("[[]]", "grid is empty"),
            ("[[1,2],[3]]", "row 1 of the grid has 1 cells, row 0 has 2"),
            ("[[1,10]]", "cell 10 is not a colour"),
            ("[[-1]]", "cell -1 is not a colour"),
            ("[[1.5]]", "expected a colour 0 to 9"),
            ("[1]", "expected a row"),
            ("{}", "expected a grid"),
        ];
        for (text, reason) in cases {
            let error = serde_json::from_str::<Grid>(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
        let tall = serde_json::to_string(&vec![vec![0; 3]; 31]).unwrap();
        assert!(serde_json::from_str::<Grid>(&tall).unwrap_err().to_string().contains("31 rows: limit 30"));
        let wide = serde_json::to_string(&vec![vec![0; 31]; 3]).unwrap();
        assert!(serde_json::from_str::<Grid>(&wide).unwrap_err().to_string().contains("limit 30"));
    }

    #[test]
    fn flat_cells_are_held_to_the_announced_shape() {
        assert_eq!(Grid::new(2, 2, &[0; 3]), Err(GridError::WrongLength { width: 2, height: 2, found: 3 }));
        assert_eq!(Grid::new(0, 5, &[]), Err(GridError::Empty));
        assert_eq!(Grid::new(31, 1, &[0; 31]), Err(GridError::TooWide(31)));
        assert_eq!(Grid::new(u32::MAX, u32::MAX, &[]), Err(GridError::TooTall(u32::MAX as usize)));
        assert_eq!(Grid::new(2, 1, &[0, 11]), Err(GridError::BadCell { row: 0, column: 1, value: 11 }));
    }
}
