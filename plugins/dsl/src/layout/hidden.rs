//! What a patch hides, by symmetry.

use crate::grid::Grid;
use crate::repair::{self, Lattice};

/// How far from the middle an axis may lie, in half cells.
const OFF_CENTRE: isize = 4;

/// Where a cell's colour may be seen again: an index into the grid, or nothing outside it.
type Image = Box<dyn Fn(usize, usize) -> Option<usize>>;

/// The box of one colour, filled with what the grid's symmetry or period says of it.
pub(super) fn uncover(g: &Grid, colour: u8) -> Option<Grid> {
    let (x, y, size) = g.bounds(|c| c == colour)?;
    let known = |i: usize| Some(g.cells()[i]).filter(|&c| c != colour);
    let images = images(g, &known);
    let mut cells = g.cells().to_vec();
    // A cell may be hidden in one image and seen in the image of that.
    for _ in 0..2 {
        let before = cells.clone();
        for i in 0..cells.len() {
            if before[i] == colour {
                let seen = images.iter().filter_map(|f| f(i % g.width(), i / g.width()));
                if let Some(c) = seen.map(|j| before[j]).find(|&c| c != colour) {
                    cells[i] = c;
                }
            }
        }
    }
    let filled = Grid::from_cells(g.size(), cells)?.crop(x, y, size)?;
    if filled.histogram()[colour as usize] == 0 {
        return Some(filled);
    }
    let repeated = repair::continue_pattern(&g.map(|c| if c == colour { 0 } else { c }), Lattice::Rectangle)?;
    repeated.crop(x, y, size).filter(|r| r.ink() == r.area())
}

/// The symmetries that no two cells contradict.
fn images(g: &Grid, known: &dyn Fn(usize) -> Option<u8>) -> Vec<Image> {
    let (w, h) = (g.width() as isize, g.height() as isize);
    let inside = move |x: isize, y: isize| (x >= 0 && y >= 0 && x < w && y < h).then(|| (y * w + x) as usize);
    let mut out: Vec<Image> = Vec::new();
    for flip_x in [true, false] {
        let side = if flip_x { w } else { h };
        let mut sums: Vec<isize> = (side - 1 - OFF_CENTRE..=side - 1 + OFF_CENTRE).collect();
        sums.sort_by_key(|s| (s - (side - 1)).abs());
        let image = |sum: isize| -> Image {
            Box::new(move |x, y| {
                let (x, y) = (x as isize, y as isize);
                if flip_x { inside(sum - x, y) } else { inside(x, sum - y) }
            })
        };
        out.extend(sums.into_iter().map(image).find(|f| holds(g, known, f)));
    }
    if w == h {
        let turns: [Image; 3] = [
            Box::new(move |x, y| inside(y as isize, x as isize)),
            Box::new(move |x, y| inside(w - 1 - y as isize, h - 1 - x as isize)),
            Box::new(move |x, y| inside(w - 1 - x as isize, h - 1 - y as isize)),
        ];
        out.extend(turns.into_iter().filter(|f| holds(g, known, f)));
    }
    out
}

fn holds(g: &Grid, known: &dyn Fn(usize) -> Option<u8>, image: &Image) -> bool {
    let mut met = 0;
    for i in 0..g.area() {
        let other = image(i % g.width(), i / g.width()).and_then(known);
        if let (Some(a), Some(b)) = (known(i), other) {
            if a != b {
                return false;
            }
            met += 1;
        }
    }
    met * 2 > g.area()
}
