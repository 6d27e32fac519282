//! Completing patterns: symmetry, period, and patches copied from elsewhere.

use std::sync::OnceLock;

use crate::geometry::{Rigid, rigid};
use crate::grid::{Grid, MAX_WORKING_AREA, MAX_WORKING_SIDE};

/// Fills black cells from the mirror images about the grid's own centre.
pub fn fill_mirrored(g: &Grid, motion: Rigid) -> Option<Grid> {
    let other = rigid(g, motion);
    (other.size() == g.size()).then(|| {
        g.redraw(|x, y| match g.at(x, y) {
            0 => other.at(x, y),
            c => c,
        })
    })
}

/// The axis sums `(sx, sy)` about which most drawn cells agree with their mirror image.
///
/// A cell `x` mirrors to `sx - x`. None where fewer than half of the drawn cells take part or
/// one drawn cell contradicts.
fn best_axis(g: &Grid, flip_x: bool, flip_y: bool) -> Option<(isize, isize)> {
    let (w, h) = (g.width() as isize, g.height() as isize);
    let centred = |side: isize, flips: bool| {
        if flips { (side / 2)..(side + side / 2 + side % 2) } else { 0..1 }
    };
    let mut best = None;
    for sy in centred(h, flip_y) {
        for sx in centred(w, flip_x) {
            let Some(agree) = agreement(g, flip_x.then_some(sx), flip_y.then_some(sy)) else {
                continue;
            };
            let off = (sx - (w - 1)).abs() + (sy - (h - 1)).abs();
            let key = (agree, -off);
            if agree * 2 > g.ink() as isize && best.is_none_or(|(k, _, _)| key > k) {
                best = Some((key, sx, sy));
            }
        }
    }
    best.map(|(_, sx, sy)| (sx, sy))
}

fn agreement(g: &Grid, sx: Option<isize>, sy: Option<isize>) -> Option<isize> {
    let mut agree = 0;
    for y in 0..g.height() {
        for x in 0..g.width() {
            let c = g.at(x, y);
            if c == 0 {
                continue;
            }
            let i = sx.map_or(x as isize, |s| s - x as isize);
            let j = sy.map_or(y as isize, |s| s - y as isize);
            match g.at_or(i, j, 0) {
                0 => {}
                other if other == c => agree += 1,
                _ => return None,
            }
        }
    }
    Some(agree)
}

/// Which mirror axes `symmetrize` looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mirror {
    X,
    Y,
    Both,
}

impl Mirror {
    pub const ALL: [Self; 3] = [Self::X, Self::Y, Self::Both];
}

/// Finds the mirror axis that explains the drawing best, and fills black cells from the image.
pub fn symmetrize(g: &Grid, mirror: Mirror) -> Option<Grid> {
    if g.ink() == 0 {
        return None;
    }
    let once = |g: &Grid, flip_x: bool| {
        let (sx, sy) = best_axis(g, flip_x, !flip_x)?;
        Some(g.redraw(|x, y| match g.at(x, y) {
            0 => {
                let i = if flip_x { sx - x as isize } else { x as isize };
                let j = if flip_x { y as isize } else { sy - y as isize };
                g.at_or(i, j, 0)
            }
            c => c,
        }))
    };
    match mirror {
        Mirror::X => once(g, true),
        Mirror::Y => once(g, false),
        Mirror::Both => once(&once(g, true)?, false),
    }
}

/// How a pattern repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lattice {
    /// The smallest period across and the smallest period down.
    Rectangle,
    /// Each row by its own smallest period.
    Rows,
    /// Each column by its own smallest period.
    Columns,
    /// Cells on one diagonal are alike, modulo the smallest period.
    Diagonal,
}

impl Lattice {
    pub const ALL: [Self; 4] = [Self::Rectangle, Self::Rows, Self::Columns, Self::Diagonal];
}

/// Finds the smallest lattice that no two drawn cells contradict, and fills black cells from it.
pub fn continue_pattern(g: &Grid, lattice: Lattice) -> Option<Grid> {
    let (w, h) = (g.width(), g.height());
    if g.ink() == 0 {
        return None;
    }
    let out = match lattice {
        Lattice::Rectangle => {
            let fits = |&&(px, py): &&(usize, usize)| px <= w && py <= h && px * py * 2 <= w * h;
            periods()
                .iter()
                .filter(fits)
                .find_map(|&(px, py)| by_class(g, px * py, |x, y| (y % py) * px + x % px))?
        }
        Lattice::Rows => by_line(g, true)?,
        Lattice::Columns => by_line(g, false)?,
        Lattice::Diagonal => (2..=w.max(h) / 2).find_map(|p| {
            by_class(g, p, |x, y| (x + y) % p).or_else(|| by_class(g, p, |x, y| (x + (p - 1) * y) % p))
        })?,
    };
    (out != *g).then_some(out)
}

/// Periods across and down, those with the smallest tile first.
fn periods() -> &'static [(usize, usize)] {
    static PERIODS: OnceLock<Vec<(usize, usize)>> = OnceLock::new();
    PERIODS.get_or_init(|| {
        let mut all: Vec<(usize, usize)> = (1..=MAX_WORKING_SIDE)
            .flat_map(|py| (1..=MAX_WORKING_SIDE).map(move |px| (px, py)))
            .filter(|(px, py)| px * py * 2 <= MAX_WORKING_AREA)
            .collect();
        all.sort_by_key(|&(px, py)| (px * py, px + py, px));
        all
    })
}

fn by_class(g: &Grid, classes: usize, class: impl Fn(usize, usize) -> usize) -> Option<Grid> {
    let mut colour = vec![0u8; classes];
    for y in 0..g.height() {
        for x in 0..g.width() {
            let c = g.at(x, y);
            if c != 0 {
                let known = &mut colour[class(x, y)];
                if *known != 0 && *known != c {
                    return None;
                }
                *known = c;
            }
        }
    }
    Some(g.redraw(|x, y| colour[class(x, y)]))
}

fn by_line(g: &Grid, rows: bool) -> Option<Grid> {
    let turned = if rows { g.clone() } else { rigid(g, Rigid::Transpose) };
    let mut out = turned.clone();
    for y in 0..turned.height() {
        let line: Vec<u8> = (0..turned.width()).map(|x| turned.at(x, y)).collect();
        let drawn = line.iter().rposition(|&c| c != 0);
        let Some(last) = drawn else { continue };
        let period = (1..=line.len())
            .find(|&p| (0..=last).all(|i| i < p || line[i] == line[i - p]) && p <= last + 1)?;
        for x in 0..line.len() {
            out.set(x, y, line[x % period]);
        }
    }
    Some(if rows { out } else { rigid(&out, Rigid::Transpose) })
}

/// Fills black cells from 3 by 3 patches found elsewhere whose other cells agree best.
///
/// *Limits:* grids of up to 900 cells; cells without an unambiguous best patch stay black.
pub fn fill_from_patches(g: &Grid) -> Option<Grid> {
    let (w, h) = (g.width(), g.height());
    if w < 3 || h < 3 || g.area() > 900 || g.ink() * 4 < g.area() * 2 || g.ink() == g.area() {
        return None;
    }
    let mut patches: Vec<[u8; 9]> = Vec::new();
    for y in 0..=h - 3 {
        for x in 0..=w - 3 {
            let mut p = [0; 9];
            for (k, cell) in p.iter_mut().enumerate() {
                *cell = g.at(x + k % 3, y + k / 3);
            }
            if !p.contains(&0) {
                patches.push(p);
            }
        }
    }
    patches.sort_unstable();
    patches.dedup();
    let mut out = g.clone();
    for _ in 0..g.area() {
        let Some((x, y, patch)) = best_patch(&out, &patches) else { break };
        for (k, &c) in patch.iter().enumerate() {
            out.set(x + k % 3, y + k / 3, c);
        }
        if out.ink() == out.area() {
            break;
        }
    }
    (out != *g).then_some(out)
}

fn best_patch(g: &Grid, patches: &[[u8; 9]]) -> Option<(usize, usize, [u8; 9])> {
    let mut best: Option<(usize, usize, usize, [u8; 9])> = None;
    for y in 0..=g.height() - 3 {
        for x in 0..=g.width() - 3 {
            let here: [u8; 9] = std::array::from_fn(|k| g.at(x + k % 3, y + k / 3));
            let known = here.iter().filter(|&&c| c != 0).count();
            if known == 9 || known < 3 || best.as_ref().is_some_and(|b| b.0 >= known) {
                continue;
            }
            let found = patches.iter().find(|p| p.iter().zip(&here).all(|(&a, &b)| b == 0 || a == b));
            if let Some(&p) = found {
                best = Some((known, x, y, p));
            }
        }
    }
    best.map(|(_, x, y, p)| (x, y, p))
}
