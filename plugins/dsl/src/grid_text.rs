//! Grids as text, there and back: rows of digits, split by `/`. Where a grid lies is not written.

use std::fmt;
use std::str::FromStr;

use crate::grid::Grid;
use crate::parse_error::ParseError;

impl fmt::Display for Grid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |row: &[u8]| row.iter().map(|c| char::from(b'0' + c)).collect::<String>();
        f.write_str(&self.cells().chunks(self.width()).map(row).collect::<Vec<_>>().join("/"))
    }
}

impl FromStr for Grid {
    type Err = ParseError;

    /// *Errors*: rows of several lengths, a size out of range, what is no digit.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let row = |row: &str| row.bytes().map(|b| b.wrapping_sub(b'0')).collect::<Vec<u8>>();
        let rows: Vec<Vec<u8>> = text.split('/').map(row).collect();
        Self::from_rows(&rows).ok_or_else(|| ParseError::new(text))
    }
}
