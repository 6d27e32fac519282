//! Rectangles that a grid outlines.

use crate::grid::{Grid, Size};

/// The most rectangles that are looked at.
const MAX_FRAMES: usize = 40;

/// How far each cell's colour runs on, along a row or down a column, itself included.
fn runs(g: &Grid, down: bool) -> Vec<usize> {
    let (w, h) = (g.width(), g.height());
    let mut run = vec![1; g.area()];
    for y in (0..h).rev() {
        for x in (0..w).rev() {
            let next = if down { (x, y + 1) } else { (x + 1, y) };
            if next.0 < w && next.1 < h && g.at(x, y) == g.at(next.0, next.1) {
                run[y * w + x] += run[next.1 * w + next.0];
            }
        }
    }
    run
}

/// Rectangles of at least 3 by 3 whose outline is of one colour other than black and whose inside is
/// not all of that colour; of frames that share a corner only the largest inside counts.
pub(super) fn frames(g: &Grid) -> Option<Vec<Grid>> {
    let (w, h) = (g.width(), g.height());
    let (right, down) = (runs(g, false), runs(g, true));
    let mut found = Vec::new();
    for y in 0..h.saturating_sub(2) {
        for x in 0..w.saturating_sub(2) {
            let i = y * w + x;
            let colour = g.at(x, y);
            if colour == 0 || right[i] < 3 || down[i] < 3 {
                continue;
            }
            let mut largest: Option<Size> = None;
            for width in 3..=right[i] {
                for height in 3..=down[i].min(down[i + width - 1]) {
                    let closed = right[i + (height - 1) * w] >= width;
                    if closed && largest.is_none_or(|s| width * height > s.area()) {
                        largest = Some(Size::new(width, height));
                    }
                }
            }
            let Some(part) = largest.and_then(|size| g.crop(x, y, size)) else { continue };
            if part.histogram()[colour as usize] < part.area() {
                found.push(part);
            }
            if found.len() > MAX_FRAMES {
                return None;
            }
        }
    }
    Some(found)
}

/// Rectangles of at least 3 by 3 with four corners of one colour, and two opposite sides each of one
/// colour other than the corners'.
pub(super) fn brackets(g: &Grid) -> Option<Vec<Grid>> {
    let (w, h) = (g.width(), g.height());
    let turned = crate::geometry::rigid(g, crate::geometry::Rigid::Transpose);
    let mut places = upright(g);
    places.extend(upright(&turned).into_iter().map(|(x, y, s)| (y, x, Size::new(s.height, s.width))));
    places.sort_unstable();
    places.dedup();
    if places.len() > MAX_FRAMES {
        return None;
    }
    debug_assert!(places.iter().all(|p| p.0 + p.2.width <= w && p.1 + p.2.height <= h));
    places.into_iter().map(|(x, y, size)| g.crop(x, y, size)).collect()
}

/// Brackets whose left and right sides are drawn.
fn upright(g: &Grid) -> Vec<(usize, usize, Size)> {
    let (w, h) = (g.width(), g.height());
    let down = runs(g, true);
    let mut found = Vec::new();
    // A side is a corner, a run of another colour, and a corner again.
    let side = |x: usize, y: usize| {
        let corner = g.at(x, y);
        let start = (y + 1 < h).then(|| (y + 1) * w + x)?;
        let end = y + 1 + down[start];
        let closed = corner != 0 && g.cells()[start] != 0 && end < h && g.at(x, end) == corner;
        (closed && g.cells()[start] != corner).then_some((corner, down[start] + 2))
    };
    for y in 0..h {
        let sides: Vec<(usize, (u8, usize))> = (0..w).filter_map(|x| Some((x, side(x, y)?))).collect();
        for pair in sides.windows(2) {
            let ((x0, left), (x1, right)) = (pair[0], pair[1]);
            if left == right && x1 >= x0 + 2 {
                found.push((x0, y, Size::new(x1 + 1 - x0, left.1)));
            }
        }
    }
    found
}
