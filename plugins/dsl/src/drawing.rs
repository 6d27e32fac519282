//! Drawing by places: lines, rays, floods, paths, and patterns looked for and replaced.

use std::collections::VecDeque;

use crate::grid::{Grid, Size};
use crate::objects::{Linkage, label};
use crate::value::{Position, Value};

const SIDES: [(i32, i32); 4] = [(0, -1), (-1, 0), (1, 0), (0, 1)];
const AROUND: [(i32, i32); 8] = [(-1, -1), (0, -1), (1, -1), (-1, 0), (1, 0), (-1, 1), (0, 1), (1, 1)];

/// The place of column `x` and row `y` of a grid within the limits.
pub fn place(x: usize, y: usize) -> Position {
    Position { x: x as i16, y: y as i16 }
}

/// The places of all cells that `inside` accepts, in reading order.
pub fn places(g: &Grid, inside: impl Fn(u8) -> bool) -> Vec<Position> {
    let w = g.width();
    let cells = g.cells().iter().enumerate();
    cells.filter(|(_, c)| inside(**c)).map(|(i, _)| place(i % w, i / w)).collect()
}

/// The places beside a place, or also those at its corners, that lie on a grid of this size.
pub fn neighbours(size: Size, at: Position, diagonal: bool) -> Vec<Position> {
    let steps = if diagonal { &AROUND[..] } else { &SIDES[..] };
    let moved = steps.iter().filter_map(|&(dx, dy)| at.plus(Position::new(dx, dy)?));
    moved.filter(|p| p.on(size).is_some()).collect()
}

/// Paints the cells at some places; those off the grid are left out.
pub fn paint_cells(g: &Grid, places: &[Position], colour: u8) -> Grid {
    let mut out = g.clone();
    for (x, y) in places.iter().filter_map(|p| p.on(g.size())) {
        out.set(x, y, colour.min(9));
    }
    out
}

/// The places on the straight line from one place to another, both included; none where too many.
pub fn line(from: Position, to: Position) -> Option<Vec<Position>> {
    let (x, y) = (i32::from(from.x), i32::from(from.y));
    let (dx, dy) = (i32::from(to.x) - x, i32::from(to.y) - y);
    let steps = dx.abs().max(dy.abs());
    if steps as usize >= Value::MAX_ITEMS {
        return None;
    }
    // Halves round away from the start, so that lines are the same seen from either side of a cell.
    let part = |d: i32, k: i32| {
        let rounded = (2 * d.abs() * k + steps) / (2 * steps).max(1);
        if d < 0 { -rounded } else { rounded }
    };
    (0..=steps).map(|k| Position::new(x + part(dx, k), y + part(dy, k))).collect()
}

/// The black cells met going by `step` from a place, up to the first drawn cell or the edge.
pub fn ray(g: &Grid, from: Position, step: Position) -> Option<Vec<Position>> {
    let still = step.x == 0 && step.y == 0;
    if still {
        return None;
    }
    let mut met = Vec::new();
    let mut at = from.plus(step)?;
    while let Some((x, y)) = at.on(g.size()) {
        if g.at(x, y) != 0 {
            break;
        }
        met.push(at);
        at = at.plus(step)?;
    }
    Some(met)
}

/// As `ray`, but thrown back by drawn cells and edges. At most four times the sides of the grid.
pub fn bounce(g: &Grid, from: Position, step: Position) -> Option<Vec<Position>> {
    if !(-1..=1).contains(&step.x) || !(-1..=1).contains(&step.y) || (step.x, step.y) == (0, 0) {
        return None;
    }
    let free = |x: i32, y: i32| g.at_or(x as isize, y as isize, 1) == 0;
    let (mut x, mut y) = (i32::from(from.x), i32::from(from.y));
    let (mut dx, mut dy) = (i32::from(step.x), i32::from(step.y));
    let mut met = Vec::new();
    for _ in 0..4 * (g.width() + g.height()) {
        if !free(x + dx, y + dy) {
            let (across, down) = (dx != 0 && !free(x + dx, y), dy != 0 && !free(x, y + dy));
            // A corner met head on throws straight back.
            let head_on = !across && !down;
            dx = if across || head_on { -dx } else { dx };
            dy = if down || head_on { -dy } else { dy };
            if !free(x + dx, y + dy) {
                break;
            }
        }
        (x, y) = (x + dx, y + dy);
        met.push(Position::new(x, y)?);
    }
    Some(met)
}

/// The places that hang together with a place, side by side and of its colour.
pub fn region(g: &Grid, at: Position) -> Option<Vec<Position>> {
    let (x, y) = at.on(g.size())?;
    let (labels, _) = label(g, Linkage::BesideAlike, |_| true);
    let here = labels[y * g.width() + x];
    let w = g.width();
    Some((0..g.area()).filter(|&i| labels[i] == here).map(|i| place(i % w, i / w)).collect())
}

/// A shortest way between two places, side by side over black cells, both ends included.
pub fn path(g: &Grid, from: Position, to: Position) -> Option<Vec<Position>> {
    let w = g.width();
    let (start, goal) = (from.on(g.size())?, to.on(g.size())?);
    let index = |(x, y): (usize, usize)| y * w + x;
    // Searched from the goal, so that the way reads off from the start.
    let mut next = vec![usize::MAX; g.area()];
    next[index(goal)] = index(goal);
    let mut queue = VecDeque::from([to]);
    while let Some(at) = queue.pop_front() {
        let here = at.on(g.size()).map_or(0, index);
        if here == index(start) {
            break;
        }
        for p in neighbours(g.size(), at, false) {
            let Some(cell) = p.on(g.size()) else { continue };
            let open = g.at(cell.0, cell.1) == 0 || cell == start;
            if open && next[index(cell)] == usize::MAX {
                next[index(cell)] = here;
                queue.push_back(p);
            }
        }
    }
    let mut at = index(start);
    let mut way = vec![from];
    while at != index(goal) {
        at = *next.get(at).filter(|&&n| n != usize::MAX)?;
        way.push(place(at % w, at / w));
    }
    Some(way)
}

fn occurs_at(g: &Grid, pattern: &Grid, x: usize, y: usize) -> bool {
    (0..pattern.height()).all(|j| (0..pattern.width()).all(|i| g.at(x + i, y + j) == pattern.at(i, j)))
}

/// The top left cells of all places where a pattern occurs, black cells and all.
pub fn occurrences(g: &Grid, pattern: &Grid) -> Vec<Position> {
    let (Some(w), Some(h)) =
        (g.width().checked_sub(pattern.width()), g.height().checked_sub(pattern.height()))
    else {
        return Vec::new();
    };
    let cells = (0..=h).flat_map(|y| (0..=w).map(move |x| (x, y)));
    cells.filter(|&(x, y)| occurs_at(g, pattern, x, y)).map(|(x, y)| place(x, y)).collect()
}

/// Replaces a pattern by another of its size wherever it occurs, in reading order.
pub fn replace(g: &Grid, pattern: &Grid, by: &Grid) -> Option<Grid> {
    if pattern.size() != by.size() {
        return None;
    }
    let mut out = g.clone();
    for (x, y) in occurrences(g, pattern).iter().filter_map(|p| p.on(g.size())) {
        if !occurs_at(&out, pattern, x, y) {
            continue;
        }
        for j in 0..by.height() {
            for i in 0..by.width() {
                out.set(x + i, y + j, by.at(i, j));
            }
        }
    }
    Some(out)
}

/// Draws a grid's cells, black ones left out, with its top left cell at a place of another.
pub fn stamp(g: &Grid, at: Position, stamp: &Grid) -> Grid {
    let mut out = g.clone().moved_to(0, 0);
    out.draw(&stamp.clone().moved_to(at.x, at.y));
    out.moved_to(g.x, g.y)
}

/// Combines two grids of one size cell by cell; the result lies where the first does.
pub fn cell_by_cell(a: &Grid, b: &Grid, f: impl Fn(u8, u8) -> u8) -> Option<Grid> {
    (a.size() == b.size()).then(|| a.redraw(|x, y| f(a.at(x, y), b.at(x, y))))
}

/// The smallest shift by which a grid repeats along an axis; its side where it does not.
pub fn period(g: &Grid, across: bool) -> usize {
    let side = if across { g.width() } else { g.height() };
    let repeats = |p: usize| {
        (0..g.height()).all(|y| {
            (0..g.width()).all(|x| {
                let (i, j) = if across { (x.checked_sub(p), Some(y)) } else { (Some(x), y.checked_sub(p)) };
                i.zip(j).is_none_or(|(i, j)| g.at(i, j) == g.at(x, y))
            })
        })
    };
    (1..side).find(|&p| repeats(p)).unwrap_or(side)
}
