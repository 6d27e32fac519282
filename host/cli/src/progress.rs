//! What long work on the database says while it goes on.

use indicatif::{ProgressBar, ProgressStyle};
use stratagem_domain::grouped;

/// A line on a terminal's stderr with what is worked on and how many rows are done; nothing elsewhere.
pub struct Told {
    bar: ProgressBar,
    rows: u64,
}

impl Told {
    pub fn new(what: &'static str) -> Self {
        let bar = ProgressBar::new_spinner().with_prefix(what);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix} {msg}") {
            bar.set_style(style);
        }
        Self { bar, rows: 0 }
    }

    pub fn hear(&mut self, table: &str, rows: u64) {
        self.rows += rows;
        self.bar.set_message(format!("{table}, {} rows so far", grouped(self.rows)));
        self.bar.tick();
    }

    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}
