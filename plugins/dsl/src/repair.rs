//! Completing patterns: symmetry, period, and patches copied from elsewhere.

use std::sync::OnceLock;

use crate::geometry::{Rigid, rigid};
use crate::grid::{Grid, MAX_WORKING_AREA, MAX_WORKING_SIDE};

/// Fills black cells from the mirror images about the grid's own centre.
pub fn fill_mirrored(g: &Grid, motion: Rigid) -> Option<Grid> {
    let other = rigid(g, motion);
    (other.size() == g.size()).then(|| {
        let cells = g.cells().iter().zip(other.cells());
        g.with_cells(cells.map(|(&c, &image)| if c == 0 { image } else { c }).collect())
    })
}

/// The axis sum about which most drawn cells agree with their mirror image, left to right or top to bottom.
///
/// Line `i` mirrors to `sum - i`. None where fewer than half of the drawn cells take part or one drawn cell
/// contradicts.
fn best_axis(g: &Grid, across: bool) -> Option<usize> {
    let lines = Lines::of(g, across);
    let (side, ink) = (lines.ink.len(), g.ink());
    let mut best: Option<(u32, usize, usize)> = None;
    for sum in side / 2..side + side.div_ceil(2) {
        let Some(agree) = lines.agreement(sum) else { continue };
        let off = sum.abs_diff(side - 1);
        let better = best.is_none_or(|(most, nearest, _)| agree > most || agree == most && off < nearest);
        if agree as usize * 2 > ink && better {
            best = Some((agree, off, sum));
        }
    }
    best.map(|(_, _, sum)| sum)
}

/// The lines of a grid that lie along an axis of symmetry: a bit for each drawn cell, in all and by colour.
struct Lines {
    ink: Vec<u64>,
    by_colour: Vec<[u64; 10]>,
}

impl Lines {
    fn of(g: &Grid, columns: bool) -> Self {
        let count = if columns { g.width() } else { g.height() };
        let mut by_colour = vec![[0; 10]; count];
        for (y, row) in g.cells().chunks_exact(g.width()).enumerate() {
            for (x, &c) in row.iter().enumerate() {
                let (line, at) = if columns { (x, y) } else { (y, x) };
                by_colour[line][c as usize] |= 1 << at;
            }
        }
        Self {
            ink: by_colour.iter().map(|line| line[1..].iter().fold(0, |ink, c| ink | c)).collect(),
            by_colour,
        }
    }

    /// The drawn cells that agree with their mirror image; none where one contradicts.
    fn agreement(&self, sum: usize) -> Option<u32> {
        let mut agree = 0;
        for i in 0..self.ink.len() {
            let Some(j) = sum.checked_sub(i).filter(|&j| j >= i) else { break };
            let Some(other) = self.ink.get(j) else { continue };
            let overlap = (self.ink[i] & other).count_ones();
            if overlap == 0 || i == j {
                agree += overlap;
                continue;
            }
            let (a, b) = (&self.by_colour[i], &self.by_colour[j]);
            let alike: u32 = a[1..].iter().zip(&b[1..]).map(|(a, b)| (a & b).count_ones()).sum();
            if alike != overlap {
                return None;
            }
            agree += 2 * alike;
        }
        Some(agree)
    }
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
    let once = |g: &Grid, across: bool| {
        let sum = best_axis(g, across)?;
        let mut out = g.clone();
        let w = g.width();
        for (y, row) in out.cells_mut().chunks_exact_mut(w).enumerate() {
            let j = if across { Some(y) } else { sum.checked_sub(y).filter(|&j| j < g.height()) };
            let Some(mirror) = j.map(|j| g.row(j)) else { continue };
            for (x, cell) in row.iter_mut().enumerate().filter(|(_, c)| **c == 0) {
                let i = if across { sum.wrapping_sub(x) } else { x };
                *cell = mirror.get(i).copied().unwrap_or(0);
            }
        }
        Some(out)
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
            periods().iter().filter(fits).find_map(|&(px, py)| by_tile(g, px, py))?
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

/// Fills from a tile that repeats; none where two drawn cells contradict.
fn by_tile(g: &Grid, px: usize, py: usize) -> Option<Grid> {
    let mut tile = vec![0u8; px * py];
    for (y, row) in g.cells().chunks_exact(g.width()).enumerate() {
        let line = &mut tile[y % py * px..][..px];
        for part in row.chunks(px) {
            merge(line, part)?;
        }
    }
    Grid::from_lines(g.size(), |y, cells| {
        let line = &tile[y % py * px..][..px];
        cells.extend(line.iter().cycle().take(g.width()));
    })
    .map(|out| out.moved_to(g.x, g.y))
}

/// Takes the drawn cells of a part over; none where one is drawn otherwise already.
fn merge(line: &mut [u8], part: &[u8]) -> Option<()> {
    for (known, &c) in line.iter_mut().zip(part) {
        if *known != c && *known != 0 && c != 0 {
            return None;
        }
        *known |= c;
    }
    Some(())
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
    let mut window = Windows::of(g);
    let mut patches: Vec<u64> = window.packed.iter().copied().filter(|&p| known(p) == FULL).collect();
    patches.sort_unstable();
    patches.dedup();
    let mut out = g.clone();
    while let Some((at, patch)) = window.best(&patches) {
        let (x, y) = (at % window.across, at / window.across);
        for k in 0..9 {
            out.set(x + k % 3, y + k / 3, (patch >> (32 - 4 * k) & 15) as u8);
        }
        window.update(&out, x, y);
    }
    (out != *g).then_some(out)
}

/// The drawn cells of a packed patch: all nine, as `known` tells.
const FULL: u64 = 0xf_ffff_ffff;

/// A mask of the nibbles of a packed patch that are not black.
fn known(packed: u64) -> u64 {
    let bits = (packed | packed >> 1 | packed >> 2 | packed >> 3) & 0x1_1111_1111;
    bits * 15
}

/// All 3 by 3 windows of a grid, packed four bits a cell, and whether a patch agrees with each.
struct Windows {
    across: usize,
    packed: Vec<u64>,
    /// The first patch that agrees; none where none does or not asked yet.
    agreeing: Vec<Agreeing>,
}

#[derive(Clone, Copy)]
enum Agreeing {
    Unknown,
    Nothing,
    Patch(u64),
}

impl Windows {
    fn of(g: &Grid) -> Self {
        let (across, down) = (g.width() - 2, g.height() - 2);
        let packed: Vec<u64> = (0..across * down).map(|i| pack(g, i % across, i / across)).collect();
        Self { across, agreeing: vec![Agreeing::Unknown; packed.len()], packed }
    }

    /// The first window in reading order that has most cells drawn, though not all, and a patch that agrees.
    fn best(&mut self, patches: &[u64]) -> Option<(usize, u64)> {
        let mut best: Option<(u32, usize, u64)> = None;
        for (at, &here) in self.packed.iter().enumerate() {
            let mask = known(here);
            let drawn = mask.count_ones() / 4;
            if drawn == 9 || drawn < 3 || best.is_some_and(|(most, ..)| most >= drawn) {
                continue;
            }
            if let Agreeing::Unknown = self.agreeing[at] {
                let found = patches.iter().find(|&p| p & mask == here);
                self.agreeing[at] = found.map_or(Agreeing::Nothing, |&p| Agreeing::Patch(p));
            }
            if let Agreeing::Patch(patch) = self.agreeing[at] {
                best = Some((drawn, at, patch));
            }
        }
        best.map(|(_, at, patch)| (at, patch))
    }

    /// Looks again at the windows that the one at `(x, y)` overlaps.
    fn update(&mut self, g: &Grid, x: usize, y: usize) {
        for j in y.saturating_sub(2)..(y + 3).min(g.height() - 2) {
            for i in x.saturating_sub(2)..(x + 3).min(self.across) {
                let at = j * self.across + i;
                self.packed[at] = pack(g, i, j);
                self.agreeing[at] = Agreeing::Unknown;
            }
        }
    }
}

/// A 3 by 3 window, its first cell in the highest bits.
fn pack(g: &Grid, x: usize, y: usize) -> u64 {
    (0..3).flat_map(|j| &g.row(y + j)[x..x + 3]).fold(0, |packed, &c| packed << 4 | u64::from(c))
}
