//! What the sandbox costs, as ratios of one process on one machine: `just bench`.
//!
//! Figures are medians of the thread's CPU time, taken in turns, so that a busy neighbour weighs on all of them
//! alike. Each ratio has the bound that this design is held to; `-- --json` prints them for a program.

mod calls;
mod clock;
mod plugins;
mod table;

use crate::table::Table;

fn main() {
    let mut table = Table::default();
    plugins::measure(&mut table);
    calls::measure(&mut table);
    clock::measure(&mut table);
    if std::env::args().any(|arg| arg == "--json") {
        table.print_json();
    } else {
        table.print();
    }
}
