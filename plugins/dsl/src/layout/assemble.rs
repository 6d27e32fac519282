//! Parts fitted together.

use crate::grid::{Grid, Size};
use crate::lists::{self, Join};

/// How parts find their places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Puzzle {
    /// The only cell of one colour that each has lies on one spot.
    Marker(u8),
    /// Their middles lie on one spot, the largest below.
    Concentric,
    /// Their drawings fill a rectangle, as near to a square as there is, without overlap.
    Jigsaw,
    /// Each goes to the side or corner to which its drawing leans.
    Compass,
}

impl Puzzle {
    /// Every puzzle.
    pub fn all() -> Vec<Self> {
        let mut all = vec![Self::Concentric, Self::Jigsaw, Self::Compass];
        all.extend((1..10).map(Self::Marker));
        all
    }

    /// Fits the parts together; none where they do not fit.
    pub(super) fn draw(self, list: &[Grid]) -> Option<Grid> {
        if !(2..=16).contains(&list.len()) {
            return None;
        }
        match self {
            Self::Marker(colour) => at_marker(list, colour),
            Self::Concentric => concentric(list),
            Self::Jigsaw => jigsaw(list),
            Self::Compass => compass(list),
        }
    }
}

fn at_marker(list: &[Grid], colour: u8) -> Option<Grid> {
    let moved = list.iter().map(|g| {
        let (x, y, size) = g.bounds(|c| c == colour)?;
        (size.area() == 1).then(|| g.clone().moved_to(-(x as i16), -(y as i16)))
    });
    lists::join(&moved.collect::<Option<Vec<_>>>()?, Join::Compose)
}

fn concentric(list: &[Grid]) -> Option<Grid> {
    let width = list.iter().map(Grid::width).max()?;
    let height = list.iter().map(Grid::height).max()?;
    let mut order: Vec<&Grid> = list.iter().collect();
    order.sort_by_key(|g| std::cmp::Reverse(g.area()));
    let mut out = Grid::filled(Size::new(width, height), 0)?;
    for g in order {
        let (dx, dy) = (width - g.width(), height - g.height());
        if dx % 2 == 1 || dy % 2 == 1 {
            return None;
        }
        out.draw(&g.clone().moved_to((dx / 2) as i16, (dy / 2) as i16));
    }
    Some(out)
}

/// The most cells of a jigsaw.
const MAX_JIGSAW: usize = 64;
/// The most places that are tried.
const MAX_TRIES: usize = 4000;

fn jigsaw(list: &[Grid]) -> Option<Grid> {
    let total: usize = list.iter().map(Grid::ink).sum();
    if total > MAX_JIGSAW || list.len() > 8 {
        return None;
    }
    let (wide, high) = (list.iter().map(Grid::width).max()?, list.iter().map(Grid::height).max()?);
    let mut order: Vec<&Grid> = list.iter().collect();
    order.sort_by_key(|g| std::cmp::Reverse(g.ink()));
    let mut sizes: Vec<Size> =
        (wide..=total).filter(|w| total.is_multiple_of(*w)).map(|w| Size::new(w, total / w)).collect();
    sizes.retain(|s| s.height >= high);
    sizes.sort_by_key(|s| (s.width.abs_diff(s.height), s.width));
    let mut tries = 0;
    sizes.into_iter().find_map(|size| place(&order, Grid::filled(size, 0)?, &mut tries))
}

/// Places the first piece wherever it fits, then the rest.
fn place(pieces: &[&Grid], board: Grid, tries: &mut usize) -> Option<Grid> {
    let Some((piece, rest)) = pieces.split_first() else { return Some(board) };
    for y in 0..=board.height().checked_sub(piece.height())? {
        for x in 0..=board.width().checked_sub(piece.width())? {
            *tries += 1;
            if *tries > MAX_TRIES {
                return None;
            }
            let clear = (0..piece.area()).all(|i| {
                let (px, py) = (i % piece.width(), i / piece.width());
                piece.at(px, py) == 0 || board.at(x + px, y + py) == 0
            });
            if clear {
                let mut next = board.clone();
                next.draw(&(*piece).clone().moved_to(x as i16, y as i16));
                if let Some(done) = place(rest, next, tries) {
                    return Some(done);
                }
            }
        }
    }
    None
}

/// Puts parts of one size where their drawings lean: two or three a side.
fn compass(list: &[Grid]) -> Option<Grid> {
    let size = list.first()?.size();
    if list.iter().any(|g| g.size() != size) {
        return None;
    }
    // Where the parts have no black, the colour that most of their cells share stands for it.
    let mut counts = [0; 10];
    for g in list {
        for (sum, n) in counts.iter_mut().zip(g.histogram()) {
            *sum += n;
        }
    }
    let ground = (0..10).rev().filter(|&c| c == 0 || counts[0] == 0).max_by_key(|&c| counts[c])? as u8;
    let leans: Vec<(isize, isize)> = list.iter().map(|g| lean(g, ground)).collect();
    let corners = leans.iter().all(|l| l.0 != 0 && l.1 != 0);
    let side = if corners { 2 } else { 3 };
    let slot = |d: isize| if corners { usize::from(d > 0) } else { (d + 1) as usize };
    let mut taken = vec![false; side * side];
    let mut out = Grid::filled(Size::new(size.width * side, size.height * side), ground)?;
    for (g, &(dx, dy)) in list.iter().zip(&leans) {
        let (x, y) = (slot(dx), slot(dy));
        if std::mem::replace(&mut taken[y * side + x], true) {
            return None;
        }
        for i in 0..g.area() {
            let (px, py) = (i % size.width, i / size.width);
            out.set(x * size.width + px, y * size.height + py, g.at(px, py));
        }
    }
    Some(out)
}

/// The direction from the middle of the box to the middle of the drawing.
fn lean(g: &Grid, ground: u8) -> (isize, isize) {
    let (w, h) = (g.width() as isize, g.height() as isize);
    let (mut dx, mut dy) = (0, 0);
    for (i, &c) in g.cells().iter().enumerate() {
        if c != ground {
            dx += 2 * (i as isize % w) + 1 - w;
            dy += 2 * (i as isize / w) + 1 - h;
        }
    }
    (dx.signum(), dy.signum())
}
