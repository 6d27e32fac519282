//! Groups of cells and what is measured of them.

use crate::geometry::{Rigid, rigid};
use crate::grid::{Grid, Size};
use crate::objects::{Linkage, label};

use super::fact::Trait;
use super::scene::NONE;

/// Where a group lies and what it is.
#[derive(Clone, Debug)]
pub struct Member {
    pub x: usize,
    pub y: usize,
    pub size: Size,
    pub cells: usize,
    /// How many of its cells have each colour.
    pub colours: [usize; 10],
    pub holes: usize,
    pub around: u8,
    /// Colours of the cells around it, as bits.
    pub neighbours: u16,
    pub copies: usize,
    /// Whether it is its own image, left to right and top to bottom.
    pub mirrors: [bool; 2],
    pub edge: bool,
    /// Groups that count in ranks are those that are not background.
    pub counts: bool,
    pub rank: usize,
    pub rank_up: usize,
    pub across: usize,
    pub down: usize,
}

/// All groups of one kind; a cell's label is 0 where it belongs to none.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    pub labels: Vec<u16>,
    pub members: Vec<Member>,
}

impl Groups {
    /// Groups by how cells are linked.
    pub fn linked(g: &Grid, linkage: Linkage, background: u8) -> Self {
        let inside = |c: u8| linkage != Linkage::Around || c != background;
        let (labels, count) = label(g, linkage, inside);
        Self::survey(g, labels, count, background)
    }

    /// The panels between lines of one colour that go through the whole grid.
    pub fn panels(g: &Grid, background: u8) -> Self {
        let (w, h) = (g.width(), g.height());
        let drawn = |c: u8| c != background;
        let rows: Vec<bool> =
            (0..h).map(|y| drawn(g.at(0, y)) && (1..w).all(|x| g.at(x, y) == g.at(0, y))).collect();
        let columns: Vec<bool> =
            (0..w).map(|x| drawn(g.at(x, 0)) && (1..h).all(|y| g.at(x, y) == g.at(x, 0))).collect();
        let separates = |i: usize| rows[i / w] || columns[i % w];
        if !(0..g.area()).any(separates) {
            return Self { labels: vec![0; g.area()], members: Vec::new() };
        }
        let Some(mask) = Grid::build(g.size(), |x, y| u8::from(!separates(y * w + x))) else {
            return Self { labels: vec![0; g.area()], members: Vec::new() };
        };
        let (labels, count) = label(&mask, Linkage::BesideAlike, |c| c != 0);
        Self::survey(g, labels, count, background)
    }

    fn survey(g: &Grid, labels: Vec<u16>, count: usize, background: u8) -> Self {
        let mut members = boxes(g, &labels, count);
        look_around(g, &labels, &mut members);
        let shapes: Vec<Option<Grid>> =
            members.iter().enumerate().map(|(k, m)| shape(g, &labels, k, m)).collect();
        let prints: Vec<u64> = shapes.iter().map(|s| s.as_ref().map_or(0, Grid::fingerprint)).collect();
        for (k, m) in members.iter_mut().enumerate() {
            if let Some(s) = &shapes[k] {
                m.mirrors = [Rigid::FlipX, Rigid::FlipY].map(|flip| rigid(s, flip) == *s);
                m.holes = holes(s);
            }
            m.counts = (0..10).any(|c| c != background as usize && m.colours[c] > 0);
            m.copies = prints.iter().filter(|&&p| p == prints[k]).count();
        }
        rank(&mut members);
        Self { labels, members }
    }

    /// What is said of the group at a cell; none where the cell belongs to none.
    pub fn value(&self, what: Trait, i: usize, width: usize) -> u8 {
        let Some(m) = (self.labels[i] as usize).checked_sub(1).and_then(|k| self.members.get(k)) else {
            return NONE;
        };
        let (x, y) = (i % width - m.x, i / width - m.y);
        let (right, bottom) = (m.size.width - 1 - x, m.size.height - 1 - y);
        let value = match what {
            Trait::Size => m.cells,
            Trait::Width => m.size.width,
            Trait::Height => m.size.height,
            Trait::Edge => usize::from(m.edge),
            Trait::Holes => m.holes,
            Trait::Rank => m.rank,
            Trait::RankUp => m.rank_up,
            Trait::Full => usize::from(m.cells == m.size.area()),
            Trait::Square => usize::from(m.size.width == m.size.height),
            Trait::Copies => m.copies,
            Trait::MirrorX => usize::from(m.mirrors[0]),
            Trait::MirrorY => usize::from(m.mirrors[1]),
            Trait::Colours => m.colours.iter().filter(|&&n| n > 0).count(),
            Trait::Most => extreme(&m.colours, true),
            Trait::Least => extreme(&m.colours, false),
            Trait::Around => m.around as usize,
            Trait::Depth => x.min(y).min(right).min(bottom),
            Trait::FromLeft => x,
            Trait::FromRight => right,
            Trait::FromTop => y,
            Trait::FromBottom => bottom,
            Trait::Across => m.across,
            Trait::Down => m.down,
        };
        value.min(250) as u8
    }
}

/// The most or least frequent colour, the lowest on a tie.
fn extreme(colours: &[usize; 10], most: bool) -> usize {
    let present = (0..10).filter(|&c| colours[c] > 0);
    let key = |&c: &usize| if most { usize::MAX - colours[c] } else { colours[c] };
    present.min_by_key(key).unwrap_or(NONE as usize)
}

fn boxes(g: &Grid, labels: &[u16], count: usize) -> Vec<Member> {
    let blank = Member {
        x: usize::MAX,
        y: usize::MAX,
        size: Size::new(0, 0),
        cells: 0,
        colours: [0; 10],
        holes: 0,
        around: NONE,
        neighbours: 0,
        copies: 1,
        mirrors: [false; 2],
        edge: false,
        counts: true,
        rank: 0,
        rank_up: 0,
        across: 0,
        down: 0,
    };
    let mut members = vec![blank; count];
    for (i, &l) in labels.iter().enumerate() {
        let Some(m) = (l as usize).checked_sub(1).and_then(|k| members.get_mut(k)) else { continue };
        let (x, y) = (i % g.width(), i / g.width());
        // Until the survey is done, the size holds the last column and row.
        m.x = m.x.min(x);
        m.y = m.y.min(y);
        m.size = Size::new(m.size.width.max(x), m.size.height.max(y));
        m.cells += 1;
        m.colours[g.cells()[i] as usize] += 1;
        m.edge |= x == 0 || y == 0 || x + 1 == g.width() || y + 1 == g.height();
    }
    for m in &mut members {
        m.size =
            Size::new(m.size.width + 1 - m.x.min(m.size.width), m.size.height + 1 - m.y.min(m.size.height));
    }
    members
}

fn look_around(g: &Grid, labels: &[u16], members: &mut [Member]) {
    let (w, h) = (g.width() as isize, g.height() as isize);
    let mut beside = vec![0u16; members.len()];
    for (i, &l) in labels.iter().enumerate() {
        let Some(k) = (l as usize).checked_sub(1) else { continue };
        let (x, y) = (i as isize % w, i as isize / w);
        for dy in -1..=1 {
            for dx in -1..=1isize {
                let (nx, ny) = (x + dx, y + dy);
                if nx < 0 || ny < 0 || nx >= w || ny >= h {
                    continue;
                }
                let j = (ny * w + nx) as usize;
                if labels[j] != l {
                    let bit = 1 << g.cells()[j];
                    members[k].neighbours |= bit;
                    if dx == 0 || dy == 0 {
                        beside[k] |= bit;
                    }
                }
            }
        }
    }
    for (m, bits) in members.iter_mut().zip(beside) {
        if bits.is_power_of_two() {
            m.around = bits.trailing_zeros() as u8;
        }
    }
}

fn shape(g: &Grid, labels: &[u16], k: usize, m: &Member) -> Option<Grid> {
    Grid::build(m.size, |x, y| u8::from(labels[(m.y + y) * g.width() + m.x + x] as usize == k + 1))
}

/// Regions within the box that do not reach its edge.
fn holes(shape: &Grid) -> usize {
    if shape.width() < 3 || shape.height() < 3 {
        return 0;
    }
    let (labels, count) = label(shape, Linkage::BesideAlike, |c| c == 0);
    let (w, h) = (shape.width(), shape.height());
    let mut open = vec![false; count + 1];
    for (i, &l) in labels.iter().enumerate() {
        let (x, y) = (i % w, i / w);
        if x == 0 || y == 0 || x + 1 == w || y + 1 == h {
            open[l as usize] = true;
        }
    }
    open.iter().skip(1).filter(|&&o| !o).count()
}

fn rank(members: &mut [Member]) {
    let mut sizes: Vec<usize> = members.iter().filter(|m| m.counts).map(|m| m.cells).collect();
    let mut lefts: Vec<usize> = members.iter().filter(|m| m.counts).map(|m| m.x).collect();
    let mut tops: Vec<usize> = members.iter().filter(|m| m.counts).map(|m| m.y).collect();
    for list in [&mut sizes, &mut lefts, &mut tops] {
        list.sort_unstable();
        list.dedup();
    }
    let before = |list: &[usize], value: usize| list.iter().filter(|&&v| v < value).count();
    for m in members {
        m.rank_up = before(&sizes, m.cells);
        m.rank = sizes.iter().filter(|&&v| v > m.cells).count();
        m.across = before(&lefts, m.x);
        m.down = before(&tops, m.y);
    }
}
