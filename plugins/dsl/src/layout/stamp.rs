//! Templates: an object whose marks are found elsewhere is drawn there too.

use crate::geometry::{self, Rigid};
use crate::grid::Grid;
use crate::objects::{self, Linkage};

/// How templates are read and drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stamp {
    /// The marks are the cells of the template that are not of its main colour; where false, those
    /// that are not of its least frequent colour.
    pub main_is_body: bool,
    /// Also turned and flipped.
    pub turned: bool,
    /// Also enlarged, up to four times.
    pub scaled: bool,
    /// The template itself goes.
    pub moved: bool,
}

impl Stamp {
    /// Every way, the plainest first.
    pub fn all() -> Vec<Self> {
        let bits = |i: usize, k: usize| i >> k & 1 == 1;
        let of =
            |i| Self { moved: bits(i, 2), scaled: bits(i, 1), turned: bits(i, 0), main_is_body: !bits(i, 3) };
        (0..16).map(of).collect()
    }

    /// Draws every template wherever its marks are; none where nothing is drawn.
    pub(super) fn draw(self, input: &Grid) -> Option<Grid> {
        let (labels, count) = objects::label(input, Linkage::Around, |c| c != 0);
        if !(2..=40).contains(&count) {
            return None;
        }
        let list = objects::components(input, Linkage::Around);
        let mut out = input.clone();
        let mut drawn = false;
        // Cells whose mark has been answered already, and those of the templates themselves.
        let mut used = vec![false; input.area()];
        let mut models: Vec<(usize, &Grid)> = Vec::new();
        for (k, g) in list.iter().enumerate() {
            if g.colours() > 1 && g.ink() > 2 {
                models.push((k + 1, g));
            }
        }
        models.sort_by_key(|(k, g)| (std::cmp::Reverse(g.ink()), *k));
        for &(label, model) in &models {
            let own = |i: usize| labels[i] as usize == label;
            if (0..input.area()).any(|i| own(i) && used[i]) {
                continue;
            }
            let copies = self.copies(model, input, &own, &mut used);
            if self.moved && !copies.is_empty() {
                (0..input.area())
                    .filter(|&i| own(i))
                    .for_each(|i| out.set(i % input.width(), i / input.width(), 0));
            }
            for copy in &copies {
                out.draw(copy);
            }
            drawn |= !copies.is_empty();
        }
        drawn.then_some(out)
    }

    /// The copies of a template that the marks outside it call for.
    fn copies(self, model: &Grid, input: &Grid, own: &dyn Fn(usize) -> bool, used: &mut [bool]) -> Vec<Grid> {
        let body = self.body(model);
        let marks = model.ink() - model.histogram()[body as usize];
        let mut out = Vec::new();
        let scales = if self.scaled { 4 } else { 1 };
        let turns = if self.turned && marks > 1 { 8 } else { 1 };
        for scale in (1..=scales).rev() {
            for turn in 0..turns {
                let shape =
                    if turn == 0 { model.clone() } else { geometry::rigid(model, Rigid::ALL[turn - 1]) };
                let Some(shape) = geometry::scale_up(&shape, scale) else { continue };
                out.extend(places(&shape, body, input, own, used));
            }
        }
        out
    }

    fn body(self, model: &Grid) -> u8 {
        let counts = model.histogram();
        let present = || (1..10).filter(|&c| counts[c] > 0);
        let found = if self.main_is_body {
            present().rev().max_by_key(|&c| counts[c])
        } else {
            present().min_by_key(|&c| counts[c])
        };
        found.unwrap_or(0) as u8
    }
}

/// The places where all marks of a shape lie on alike cells outside the template, and at least one is new.
fn places(shape: &Grid, body: u8, input: &Grid, own: &dyn Fn(usize) -> bool, used: &mut [bool]) -> Vec<Grid> {
    let (w, h) = (input.width() as isize, input.height() as isize);
    let width = shape.width();
    let marks: Vec<(isize, isize, u8)> = (0..shape.area())
        .map(|i| ((i % width) as isize, (i / width) as isize, shape.cells()[i]))
        .filter(|m| m.2 != 0 && m.2 != body)
        .collect();
    let mut out = Vec::new();
    let Some(&(fx, fy, colour)) = marks.first() else { return out };
    for i in 0..input.area() {
        if input.cells()[i] != colour {
            continue;
        }
        let (x, y) = (i as isize % w - fx, i as isize / w - fy);
        let cell = |m: &(isize, isize, u8)| {
            let (cx, cy) = (x + m.0, y + m.1);
            (cx >= 0 && cy >= 0 && cx < w && cy < h).then(|| (cy * w + cx) as usize)
        };
        let free =
            |m: &(isize, isize, u8)| cell(m).is_some_and(|j| input.cells()[j] == m.2 && !own(j) && !used[j]);
        if marks.iter().all(free) {
            marks.iter().filter_map(cell).for_each(|j| used[j] = true);
            out.push(shape.clone().moved_to(x as i16, y as i16));
        }
    }
    out
}
