//! Each number times its logistic function.

use crate::ops::multi::{Back, Pass};
use crate::ops::tape::{NONE, Tape, chunks, row};

row!(Row { from, to, length, slope, from_slope, adds });

fn row(pass: &Pass<'_>) -> Row {
    let pass = pass.alike();
    Row {
        from: pass.from.span.at,
        to: pass.to.span.at,
        length: pass.to.span.length,
        slope: NONE,
        from_slope: NONE,
        adds: 0,
    }
}

pub fn forth(tape: &mut Tape, of: &[Pass<'_>]) {
    let rows: Vec<Row> = of.iter().map(row).collect();
    tape.launch("silu_forth", &rows, |row| chunks(row.length));
}

pub fn back(tape: &mut Tape, of: &[Back<'_>]) {
    let row = |back: &Back<'_>| Row {
        slope: back.slope().span.at,
        from_slope: back.before().span.at,
        adds: u64::from(back.adds),
        ..row(&back.pass)
    };
    let rows: Vec<Row> = of.iter().map(row).collect();
    tape.launch("silu_back", &rows, |row| chunks(row.length));
}
