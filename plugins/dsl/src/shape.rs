//! Filling, outlining and growing what is drawn.

use crate::grid::{Grid, Size};
use crate::mask::Mask;

/// Fills enclosed black cells with the main colour.
pub fn fill(g: &Grid) -> Grid {
    let inner = Mask::enclosed(g);
    if inner.is_empty() { g.clone() } else { overlaid(g, &inner, g.main_colour()) }
}

/// Which black cells are walled in, side by side; row by row.
pub fn enclosed(g: &Grid) -> Vec<bool> {
    Mask::enclosed(g).flags(g.width()).collect()
}

/// The grid with the cells of a mask in one colour.
fn overlaid(g: &Grid, mask: &Mask, colour: u8) -> Grid {
    let cells = g.cells().iter().zip(mask.flags(g.width()));
    g.with_cells(cells.map(|(&c, inside)| if inside { colour } else { c }).collect())
}

/// Keeps only the enclosed black cells, painted in the main colour.
pub fn interior(g: &Grid) -> Option<Grid> {
    let inner = Mask::enclosed(g);
    if inner.is_empty() {
        return None;
    }
    let colour = g.main_colour();
    Some(g.with_cells(inner.flags(g.width()).map(|inside| if inside { colour } else { 0 }).collect()))
}

/// Keeps the drawn cells that touch black or the edge, diagonals included.
pub fn outline(g: &Grid) -> Grid {
    let core = Mask::core(g);
    if core.is_empty() { g.clone() } else { overlaid(g, &core, 0) }
}

/// Keeps the drawn cells that `outline` drops; none where there are none.
pub fn core(g: &Grid) -> Option<Grid> {
    let core = Mask::core(g);
    let cells = g.cells().iter().zip(core.flags(g.width()));
    let kept = |(&c, inside): (&u8, bool)| if inside { c } else { 0 };
    (!core.is_empty()).then(|| g.with_cells(cells.map(kept).collect()))
}

/// Paints 1 the black cells beside drawn ones; the grid grows by one cell on each side.
pub fn halo(g: &Grid, diagonal: bool) -> Option<Grid> {
    let size = Size::new(g.width() + 2, g.height() + 2);
    if !size.fits_working() {
        return None;
    }
    let ink = Mask::ink(g).rows;
    // Rows of the larger grid: the drawing lies a column to the right and a row down.
    let row = |y: usize| y.checked_sub(1).and_then(|y| ink.get(y)).map_or(0, |row| row << 1);
    let wide = |y: usize| row(y) | row(y) << 1 | row(y) >> 1;
    let near = |y: usize| if diagonal { wide(y) } else { row(y) };
    let rim = |y: usize| (wide(y) | near(y + 1) | y.checked_sub(1).map_or(0, near)) & !row(y);
    let mask = Mask { rows: (0..size.height).map(rim).collect() };
    let out = Grid::from_cells(size, mask.flags(size.width).map(u8::from).collect())?;
    Some(out.moved_to(g.x - 1, g.y - 1))
}

/// Draws a frame of the main colour around the grid, one cell wide.
pub fn frame(g: &Grid) -> Option<Grid> {
    let colour = g.main_colour();
    let size = Size::new(g.width() + 2, g.height() + 2);
    let out = Grid::build(size, |x, y| {
        let inside = x > 0 && y > 0 && x <= g.width() && y <= g.height();
        if inside { g.at(x - 1, y - 1) } else { colour }
    })?;
    Some(out.moved_to(g.x - 1, g.y - 1))
}

/// Stands for a cell beyond the edge.
const EDGE: u8 = 10;

/// Grows the colours into black side by side (or diagonally too) until they meet.
pub fn spread(g: &Grid, diagonal: bool) -> Option<Grid> {
    if g.ink() == 0 || g.ink() == g.area() {
        return None;
    }
    // A rim that counts as drawn, and gives no colour, saves asking where the edge is.
    let (w, stride) = (g.width(), g.width() + 2);
    let mut now = vec![EDGE; stride * (g.height() + 2)];
    for (row, out) in g.cells().chunks_exact(w).zip(now[stride..].chunks_exact_mut(stride)) {
        out[1..=w].copy_from_slice(row);
    }
    let down = stride as isize;
    let steps = [1, -1, down, -down, down + 1, down - 1, -down - 1, -down + 1];
    let around = if diagonal { &steps[..] } else { &steps[..4] };
    // Each round colours the cells beside those coloured before it, the highest colour on a tie.
    let mut wave: Vec<usize> = (0..now.len()).filter(|&i| (1..EDGE).contains(&now[i])).collect();
    let mut coming = vec![0; now.len()];
    while !wave.is_empty() {
        let mut next = Vec::new();
        for &i in &wave {
            for &step in around {
                let j = i.wrapping_add_signed(step);
                if now[j] == 0 {
                    if coming[j] == 0 {
                        next.push(j);
                    }
                    coming[j] = coming[j].max(now[i]);
                }
            }
        }
        next.iter().for_each(|&j| now[j] = coming[j]);
        wave = next;
    }
    let rows = now[stride..].chunks_exact(stride).take(g.height());
    Some(g.with_cells(rows.flat_map(|row| &row[1..=w]).copied().collect()))
}

/// Floods each enclosed black region, and nothing else, with the colour of what encloses it;
/// regions that more than one colour touches stay black.
pub fn flood_holes(g: &Grid) -> Option<Grid> {
    let mut out = g.clone();
    for hole in crate::objects::holes(g) {
        let mut touching = [false; 10];
        let (ox, oy) = ((hole.x - g.x) as isize, (hole.y - g.y) as isize);
        for y in 0..hole.height() {
            for x in 0..hole.width() {
                if hole.at(x, y) != 0 {
                    for (dx, dy) in [(1, 0), (-1, 0), (0, 1), (0, -1)] {
                        let c = g.at_or(ox + x as isize + dx, oy + y as isize + dy, 0);
                        touching[c as usize] = true;
                    }
                }
            }
        }
        touching[0] = false;
        if let (1, Some(c)) = (touching.iter().filter(|&&t| t).count(), touching.iter().position(|&t| t)) {
            let mut painted = hole.map(|p| if p == 0 { 0 } else { c as u8 });
            painted = painted.moved_to(hole.x, hole.y);
            out.draw(&painted);
        }
    }
    (out != *g).then_some(out)
}
