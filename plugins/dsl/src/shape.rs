//! Filling, outlining and growing what is drawn.

use crate::grid::{Grid, Size};
use crate::objects::outside;

/// Fills enclosed black cells with the main colour.
pub fn fill(g: &Grid) -> Grid {
    let out = outside(g);
    let colour = g.main_colour();
    g.redraw(|x, y| match g.at(x, y) {
        0 if !out[y * g.width() + x] => colour,
        c => c,
    })
}

/// Keeps only the enclosed black cells, painted in the main colour.
pub fn interior(g: &Grid) -> Option<Grid> {
    let out = outside(g);
    let colour = g.main_colour();
    let inner = g.redraw(|x, y| if g.at(x, y) == 0 && !out[y * g.width() + x] { colour } else { 0 });
    (inner.ink() > 0).then_some(inner)
}

/// Keeps the drawn cells that touch black or the edge, diagonals included.
pub fn outline(g: &Grid) -> Grid {
    g.redraw(|x, y| {
        let c = g.at(x, y);
        let exposed = neighbours(x, y).any(|(i, j)| g.at_or(i, j, 0) == 0);
        if exposed { c } else { 0 }
    })
}

/// Keeps the drawn cells that `outline` drops.
pub fn core(g: &Grid) -> Grid {
    g.redraw(|x, y| {
        let exposed = neighbours(x, y).any(|(i, j)| g.at_or(i, j, 0) == 0);
        if exposed { 0 } else { g.at(x, y) }
    })
}

fn neighbours(x: usize, y: usize) -> impl Iterator<Item = (isize, isize)> {
    (-1..=1).flat_map(move |dy| {
        (-1..=1).filter_map(move |dx| ((dx, dy) != (0, 0)).then_some((x as isize + dx, y as isize + dy)))
    })
}

/// Paints 1 the black cells beside drawn ones; the grid grows by one cell on each side.
pub fn halo(g: &Grid, diagonal: bool) -> Option<Grid> {
    let size = Size::new(g.width() + 2, g.height() + 2);
    let out = Grid::build(size, |x, y| {
        let (i, j) = (x as isize - 1, y as isize - 1);
        if g.at_or(i, j, 0) != 0 {
            return 0;
        }
        let beside = (-1isize..=1).any(|dy| {
            (-1isize..=1).any(|dx| (diagonal || dx == 0 || dy == 0) && g.at_or(i + dx, j + dy, 0) != 0)
        });
        u8::from(beside)
    })?;
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

/// Grows the colours into black side by side (or diagonally too) until they meet.
pub fn spread(g: &Grid, diagonal: bool) -> Option<Grid> {
    if g.ink() == 0 || g.ink() == g.area() {
        return None;
    }
    let mut now = g.clone();
    let mut front: Vec<(usize, usize)> =
        (0..g.area()).filter(|&i| g.cells()[i] == 0).map(|i| (i % g.width(), i / g.width())).collect();
    // Each round colours the cells beside those coloured before it, the highest colour on a tie.
    while !front.is_empty() {
        let coloured: Vec<(usize, usize, u8)> = front
            .iter()
            .filter_map(|&(x, y)| {
                let best = neighbours(x, y)
                    .filter(|&(i, j)| diagonal || i == x as isize || j == y as isize)
                    .map(|(i, j)| now.at_or(i, j, 0))
                    .max()?;
                (best != 0).then_some((x, y, best))
            })
            .collect();
        for &(x, y, c) in &coloured {
            now.set(x, y, c);
        }
        front.retain(|&(x, y)| now.at(x, y) == 0);
    }
    Some(now)
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
