use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};

use stratagem_domain::Grid;
use stratagem_solve::Reliability;

use crate::args::When;

static COLOUR: AtomicBool = AtomicBool::new(false);

/// The ten colours in which ARC tasks are always shown, as red, green, blue.
pub const PALETTE: [[u8; 3]; 10] = [
    // Not quite black: a grid's edge shows on a black terminal.
    [28, 28, 28],
    [0, 116, 217],
    [255, 65, 54],
    [46, 204, 64],
    [255, 220, 0],
    [150, 150, 150],
    [240, 18, 190],
    [255, 133, 27],
    [127, 219, 255],
    [135, 12, 37],
];

/// Panels beside one another fill at most this many columns where the terminal does not say.
const USUAL_COLUMNS: usize = 100;

/// Settles once whether stdout is coloured: as asked, else on a terminal without `NO_COLOR`.
pub fn choose(when: When) {
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let colour = match when {
        When::Always => true,
        When::Never => false,
        When::Auto => std::io::stdout().is_terminal() && !plain,
    };
    COLOUR.store(colour, Ordering::Relaxed);
}

fn is_coloured() -> bool {
    COLOUR.load(Ordering::Relaxed)
}

/// Text in green, red or grey, where there is colour.
pub fn good(text: &str) -> String {
    style("32", text)
}

pub fn bad(text: &str) -> String {
    style("31", text)
}

pub fn dim(text: &str) -> String {
    style("2", text)
}

fn style(code: &str, text: &str) -> String {
    if is_coloured() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

/// A grid under its title.
pub struct Panel<'a> {
    pub title: String,
    pub grid: &'a Grid,
}

/// Grids beside one another, each under its title; what does not fit goes on below.
pub fn panels(panels: &[Panel<'_>]) -> String {
    let columns = console_columns();
    let mut text = String::new();
    let mut rest = panels;
    while !rest.is_empty() {
        let mut used = 0;
        let fitting = rest.iter().take_while(|panel| {
            used += panel.width() + 3;
            used <= columns
        });
        let (row, below) = rest.split_at(fitting.count().max(1));
        text += &beside(row);
        rest = below;
    }
    text
}

fn console_columns() -> usize {
    let told = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    told.or_else(|| console::Term::stdout().size_checked().map(|(_, columns)| columns.into()))
        .unwrap_or(USUAL_COLUMNS)
}

impl Panel<'_> {
    fn width(&self) -> usize {
        self.cell_columns().max(self.title.chars().count())
    }

    /// One column a cell in colour, where a character holds two rows; two without.
    fn cell_columns(&self) -> usize {
        self.grid.width() * if is_coloured() { 1 } else { 2 }
    }

    fn lines(&self) -> Vec<String> {
        let rows: Vec<&[u8]> = self.grid.rows().collect();
        if is_coloured() {
            rows.chunks(2).map(|pair| half_blocks(pair[0], pair.get(1).copied())).collect()
        } else {
            rows.iter().map(|row| row.iter().map(|&cell| plain(cell)).collect()).collect()
        }
    }
}

fn beside(row: &[Panel<'_>]) -> String {
    let lines: Vec<Vec<String>> = row.iter().map(Panel::lines).collect();
    let height = lines.iter().map(Vec::len).max().unwrap_or(0);
    let mut text = String::from("  ");
    for panel in row {
        let pad = panel.width() - panel.title.chars().count();
        text += &format!("{}{}   ", dim(&panel.title), " ".repeat(pad));
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    for at in 0..height {
        let mut line = String::from("  ");
        for (panel, lines) in row.iter().zip(&lines) {
            let (cells, shown) =
                lines.get(at).map_or((String::new(), 0), |cells| (cells.clone(), panel.cell_columns()));
            line += &cells;
            line += &" ".repeat(panel.width() - shown + 3);
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// A reliability diagram: for each tenth of confidence a bar as long as the share that was right.
pub fn reliability(found: &Reliability) -> String {
    const LENGTH: f64 = 30.0;
    let mut text = format!(
        "confidence   right  answers   expected calibration error {:.3} over {}\n",
        found.expected_calibration_error, found.answers
    );
    for bin in &found.bins {
        let bar = "█".repeat((bin.share_right * LENGTH).round() as usize);
        let (confidence, right) = (bin.confidence, bin.share_right);
        text += &format!("      {confidence:.2}    {right:.2}  {:>7}   {bar}\n", bin.answers);
    }
    text
}

/// Two rows of cells in one line: the upper half in the foreground, the lower in the background.
fn half_blocks(upper: &[u8], lower: Option<&[u8]>) -> String {
    let mut text = String::new();
    for (at, &cell) in upper.iter().enumerate() {
        let [r, g, b] = PALETTE[usize::from(cell)];
        match lower {
            Some(lower) => {
                let [lr, lg, lb] = PALETTE[usize::from(lower[at])];
                text += &format!("\x1b[38;2;{r};{g};{b};48;2;{lr};{lg};{lb}m▀");
            }
            None => text += &format!("\x1b[38;2;{r};{g};{b};49m▀"),
        }
    }
    text + "\x1b[0m"
}

/// Without colour, black is a dot and the other colours are their numbers.
fn plain(cell: u8) -> String {
    if cell == 0 { " ·".to_owned() } else { format!(" {cell}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_rows_share_a_line_and_an_odd_row_stands_alone() {
        let line = half_blocks(&[0, 2], Some(&[1, 3]));
        assert_eq!(line.matches('▀').count(), 2);
        assert!(line.contains("38;2;28;28;28;48;2;0;116;217"));
        assert!(half_blocks(&[4], None).contains("49m"));
    }

    #[test]
    fn panels_stand_beside_one_another_without_colour() {
        let grid = Grid::new(2, 2, &[0, 1, 2, 3]).unwrap();
        let text =
            beside(&[Panel { title: "in".into(), grid: &grid }, Panel { title: "out".into(), grid: &grid }]);
        assert_eq!(text, "  in     out\n   · 1    · 1\n   2 3    2 3\n");
    }
}
