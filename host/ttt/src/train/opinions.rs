//! What comes of all that a network draws while it is trained: the grids that speak for themselves, and how strongly.

use std::collections::HashMap;

use stratagem_domain::Grid;

use crate::puzzle::Puzzle;
use crate::reference::ops::picture::{Drawing, Heads, Which, runs};

/// How much of what was drawn before the running mean keeps.
const INERTIA: f32 = 0.97;
/// Updates whose drawings hardly count.
const EARLY: usize = 150;
/// What counts less by these many nats: early drawings, and those of the running mean.
const DISCOUNTS: [f64; 2] = [10.0, 4.0];
/// How much a nat of doubt a cell counts.
const DOUBT: f64 = 10.0;

/// What a network has drawn for each grid that is asked for.
pub(crate) struct Opinions(Vec<Opinion>);

/// What the network has drawn for one grid.
struct Opinion {
    /// The running mean.
    mean: Drawing<f32>,
    /// For each grid the logarithm of what speaks for it, and how often it was drawn.
    grids: HashMap<Grid, (f64, u32)>,
}

impl Opinions {
    pub(crate) fn new(puzzle: &Puzzle, asked: usize) -> Self {
        let [_, colours, height, width, _] = puzzle.extent.0;
        let blank = Drawing {
            strengths: vec![0.0; height * width * (colours + 1)],
            sides: [vec![0.0; height], vec![0.0; width]],
        };
        let opinion = |_| Opinion { mean: blank.clone(), grids: HashMap::new() };
        Self((0..asked).map(opinion).collect())
    }

    /// Takes in what was drawn after so many updates.
    pub(crate) fn weigh(&mut self, puzzle: &Puzzle, heads: &Heads<'_, f32>, updates: usize) {
        for (i, opinion) in self.0.iter_mut().enumerate() {
            let which = Which { example: puzzle.shown + i, role: 1 };
            opinion.weigh(puzzle, &heads.drawing(puzzle, which), which, updates);
        }
    }

    /// The logarithm of how likely a grid is for what is asked for, by the running mean of what was drawn.
    ///
    /// None where the network cannot draw it: too large, of sides that are known to be others, in colours that the task
    /// does not have.
    pub(crate) fn score(&self, puzzle: &Puzzle, asked: usize, grid: &Grid) -> Option<f64> {
        let [_, _, height, width, _] = puzzle.extent.0;
        let (lengths, is_known) = ([grid.height(), grid.width()], puzzle.sides_known[1]);
        let fits = grid.height() <= height && grid.width() <= width;
        if !fits || (is_known && lengths != puzzle.sides[puzzle.shown + asked][1]) {
            return None;
        }
        let place = |colour: &u8| puzzle.palette.iter().position(|c| c == colour).map(|at| at as u8);
        let cells: Vec<u8> = grid.cells().iter().map(place).collect::<Option<_>>()?;
        Some(f64::from(self.0[asked].mean.likelihood(&cells, lengths, is_known)))
    }

    /// The grids drawn for what is asked for, the likeliest first, the share of all that speaks for each, and how often
    /// each was drawn.
    pub(crate) fn answers(&self, asked: usize) -> Vec<(Grid, f64, u32)> {
        let mut grids: Vec<(&Grid, f64, u32)> =
            self.0[asked].grids.iter().map(|(g, &(x, times))| (g, x, times)).collect();
        // Grids as well as scores, so that the order is always the same.
        grids.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cells().cmp(b.0.cells())));
        let most = grids.first().map_or(0.0, |first| first.1);
        let share = |x: f64| (x - most).exp();
        let all: f64 = grids.iter().map(|&(_, x, _)| share(x)).sum();
        grids.into_iter().map(|(grid, x, times)| (grid.clone(), share(x) / all, times)).collect()
    }
}

/// The share of demonstrations whose outputs are drawn without a wrong cell.
pub(crate) fn accuracy(puzzle: &Puzzle, heads: &Heads<'_, f32>) -> f64 {
    let is_right = |example: &usize| {
        let which = Which { example: *example, role: 1 };
        let (grid, _) = drawn(puzzle, which, &heads.drawing(puzzle, which));
        let wanted = puzzle.cells[*example][1].as_ref();
        let [height, width] = puzzle.sides[*example][1];
        let cells = wanted.map(|cells| cells.iter().map(|&at| puzzle.palette[usize::from(at)]));
        (grid.height(), grid.width()) == (height, width)
            && cells.is_some_and(|cells| cells.eq(grid.cells().iter().copied()))
    };
    (0..puzzle.shown).filter(is_right).count() as f64 / puzzle.shown as f64
}

impl Opinion {
    fn weigh(&mut self, puzzle: &Puzzle, now: &Drawing<f32>, which: Which, updates: usize) {
        let towards = |mean: &mut [f32], now: &[f32]| {
            mean.iter_mut().zip(now).for_each(|(mean, &x)| *mean = INERTIA * *mean + (1.0 - INERTIA) * x);
        };
        towards(&mut self.mean.strengths, &now.strengths);
        self.mean.sides.iter_mut().zip(&now.sides).for_each(|(mean, now)| towards(mean, now));
        let early = if updates < EARLY { DISCOUNTS[0] } else { 0.0 };
        for (drawing, discount) in [(now, 0.0), (&self.mean, DISCOUNTS[1])] {
            let (grid, doubt) = drawn(puzzle, which, drawing);
            let speaks = -DOUBT * doubt - early - discount;
            let (all, times) = self.grids.entry(grid).or_insert((f64::NEG_INFINITY, 0));
            *times += 1;
            let most = all.max(speaks);
            *all = most + ((*all - most).exp() + (speaks - most).exp()).ln();
        }
    }
}

/// The grid that is drawn, and the nats of doubt a cell that there are about its colours.
fn drawn(puzzle: &Puzzle, which: Which, drawing: &Drawing<f32>) -> (Grid, f64) {
    let [_, colours, _, width, _] = puzzle.extent.0;
    let [rows, columns] = [0, 1].map(|side| {
        let lengths = if puzzle.sides_known[which.role] {
            let length = puzzle.sides[which.example][which.role][side];
            length..=length
        } else {
            1..=drawing.sides[side].len()
        };
        let mut best = (f32::NEG_INFINITY, 0..0);
        for length in lengths {
            for (begin, likely) in runs(&drawing.sides[side], length).into_iter().enumerate() {
                if likely > best.0 {
                    best = (likely, begin..begin + length);
                }
            }
        }
        best.1
    });
    let mut cells = Vec::with_capacity(rows.len() * columns.len());
    let mut doubt = 0.0;
    for row in rows.clone() {
        for column in columns.clone() {
            let strengths = &drawing.strengths[(row * width + column) * (colours + 1)..][..=colours];
            let best = (1..=colours).fold(0, |best, c| if strengths[c] > strengths[best] { c } else { best });
            doubt += f64::from(strengths.iter().map(|x| (x - strengths[best]).exp()).sum::<f32>().ln());
            cells.push(puzzle.palette[best]);
        }
    }
    let grid = Grid::new(columns.len() as u32, rows.len() as u32, &cells)
        .unwrap_or_else(|error| unreachable!("a part of a canvas as large as a grid: {error}"));
    (grid, doubt / cells.len() as f64)
}
