//! One view of a task, searched: walk, size, pieces, stacks and tables, deeper and deeper.

use stratagem_dsl::program::settle;
use stratagem_dsl::{Body, Grid, Layer, Mode, Program, Renaming, SizeRule, Task, View, geometry};

use stratagem_kit::{Answer, Budget, Merit, Ranking, Share, Target};

use crate::limits::Limits;
use crate::pieces::Pieces;
use crate::product::{self, Product};
use crate::sizes;
use crate::stack::{Placed, Stacks};
use crate::table;
use crate::walk::Walk;

/// The costs up to which the walk goes before pieces are gathered and put together.
const TIERS: [u16; 4] = [16, 20, 24, 28];
/// The cost up to which the walk goes before anything is said: most programs of one step.
const FIRST: u16 = 12;
/// How many of the cheapest pieces tables are made of.
const TABLE_WIDTH: usize = 300;

/// What an answer is worth before others have been looked for: no more than any of the same merit later.
const FIRST_THOUGHT: f64 = 0.99;

/// Roughly what it takes to tell one piece from the others.
const BITS_PER_CHOICE: f64 = 9.0;
/// Complexity for as many bits of choice as there are cells to explain.
const DOUBT: f64 = 4.0;

/// A task seen with colours renamed.
pub struct Seen {
    pub view: View,
    pub task: Task,
    /// One for each test input.
    renamings: Vec<Renaming>,
}

impl Seen {
    pub fn new(task: &Task, view: View) -> Self {
        let train = task
            .train
            .iter()
            .map(|p| {
                let renaming = view.renaming(&p.input);
                stratagem_dsl::Pair { input: renaming.apply(&p.input), output: renaming.apply(&p.output) }
            })
            .collect();
        let renamings: Vec<Renaming> = task.test.iter().map(|g| view.renaming(g)).collect();
        let test = task.test.iter().zip(&renamings).map(|(g, r)| r.apply(g)).collect();
        Self { view, task: Task { train, test }, renamings }
    }

    /// An answer to a test input with its colours as the task has them.
    pub fn undo(&self, test: usize, answer: &Grid) -> Grid {
        self.renamings[test].undo(answer)
    }
}

/// The search of one view.
pub struct ViewSearch<'a> {
    seen: &'a Seen,
    walk: Walk,
    /// States whose own outputs have been compared.
    compared: usize,
    /// Added to every program's complexity: views other than the plain one are less likely.
    handicap: f64,
}

impl<'a> ViewSearch<'a> {
    pub fn new(seen: &'a Seen, limits: Limits, handicap: f64) -> Self {
        let walk = Walk::new(&seen.task, limits.memory_bytes / 2);
        Self { seen, walk, compared: 0, handicap }
    }

    /// Searches until done or out of budget, offering what it finds on the way.
    pub fn run(
        &mut self,
        limits: Limits,
        budget: &mut dyn Budget,
        ranking: &mut Ranking,
        offer: &mut dyn FnMut(Answer),
    ) {
        self.walk.expand_to(TIERS[0], budget);
        self.products(budget, ranking);
        let predictions = sizes::predict(&self.seen.task, &self.walk, 1);
        let Some(prediction) = predictions.into_iter().next() else {
            self.compare_singles(None, ranking);
            ranking.flush(offer);
            for tier in &TIERS[1..] {
                self.walk.expand_to(*tier, budget);
                self.compare_singles(None, ranking);
                ranking.flush(offer);
            }
            return;
        };
        self.walk.set_canvases(prediction.sizes.clone(), budget);
        let target = Target::new(&self.seen.task, prediction.sizes);
        let rule = prediction.rule;
        let mut pieces = Pieces::new(limits.memory_bytes / 2);
        for (round, &tier) in TIERS.iter().enumerate() {
            let left = budget.left();
            let share = if round == 0 { left } else { left / 2 };
            let through = self.walk.expand_to(tier, &mut Share::of(budget, share));
            self.compare_singles(Some(&rule), ranking);
            ranking.flush(offer);
            pieces.gather(&self.walk, &target, budget);
            self.tables(&pieces, &target, &rule, round, budget, ranking);
            self.stacks(&pieces, &target, &rule, tier, budget, ranking);
            ranking.flush(offer);
            if !through || budget.left() == 0 || ranking.best_everywhere() > good_enough(round) {
                break;
            }
        }
    }

    /// Offers the best program of one step before anything else is looked for, so that a run that is cut short has
    /// said something. The ranking does not know of it: the answer is offered again when its turn comes.
    pub fn tell_single_steps(&mut self, budget: &mut dyn Budget, offer: &mut dyn FnMut(Answer)) {
        self.walk.expand_to(FIRST, budget);
        let mut first = Ranking::new(self.seen.task.test.len(), 1);
        self.compare_singles(None, &mut first);
        self.compared = 0;
        first.flush(&mut |answer| {
            offer(Answer { confidence: FIRST_THOUGHT * answer.confidence, ..answer });
        });
    }

    fn merit(&self, fits: usize, complexity: f64) -> Merit {
        let pairs = self.seen.task.train.len();
        Merit { fits, pairs, complexity: complexity + self.handicap }
    }

    /// What it adds to a program's complexity that the demonstrations have few cells to bear it out:
    /// choosing among a thousand pieces can explain a handful of cells by chance.
    fn doubt(&self, choices: f64) -> f64 {
        let cells: usize = self.seen.task.train.iter().map(|p| p.output.area()).sum();
        let evidence = 4.0 + cells as f64;
        DOUBT * (choices * BITS_PER_CHOICE / evidence).min(2.0)
    }

    /// Compares what each new state yields, at its own size, with what is wanted.
    fn compare_singles(&mut self, rule: Option<&SizeRule>, ranking: &mut Ranking) {
        let task = &self.seen.task;
        let train = task.train.len();
        for id in self.compared..self.walk.len() {
            let fits = (0..train)
                .filter(|&i| {
                    let wanted = &task.train[i].output;
                    self.walk
                        .grid(id, i)
                        .is_some_and(|g| g.size() == wanted.size() && g.cells() == wanted.cells())
                })
                .count();
            if fits == 0 {
                continue;
            }
            let complexity = f64::from(self.walk.state(id).cost) / 10.0 + self.doubt(1.0);
            let merit = self.merit(fits, complexity);
            for test in 0..task.test.len() {
                if let (true, Some(grid)) = (ranking.wants(test, merit), self.walk.grid(id, train + test)) {
                    let answer = self.seen.renamings[test].undo(grid).moved_to(0, 0);
                    ranking.consider(test, answer, merit, || {
                        let pipeline = self.walk.pipeline(id);
                        let sized = pipeline.0.iter().any(|t| t.needs_canvas());
                        let size = rule.filter(|_| sized).cloned();
                        Program { view: self.seen.view, size, body: Body::Single(pipeline) }
                    });
                }
            }
        }
        self.compared = self.walk.len();
    }

    fn products(&self, budget: &mut dyn Budget, ranking: &mut Ranking) {
        let task = &self.seen.task;
        let train = task.train.len();
        product::search(&self.walk, task, budget, &mut |Product { coarse, fine }| {
            let cost = self.walk.state(coarse).cost + self.walk.state(fine).cost;
            let merit = self.merit(train, 1.0 + f64::from(cost) / 10.0 + self.doubt(2.0));
            for test in 0..task.test.len() {
                let factors = self.walk.grid(coarse, train + test).zip(self.walk.grid(fine, train + test));
                let Some(grid) = factors.and_then(|(c, f)| geometry::outer_product(c, f)) else { continue };
                let factor = |state| {
                    let body = Body::Single(self.walk.pipeline(state));
                    Box::new(Program { view: View::Plain, size: None, body })
                };
                ranking.consider(test, self.seen.renamings[test].undo(&grid), merit, || {
                    let body = Body::Product { coarse: factor(coarse), fine: factor(fine) };
                    Program { view: self.seen.view, size: None, body }
                });
            }
        });
    }

    fn tables(
        &self,
        pieces: &Pieces,
        target: &Target,
        rule: &SizeRule,
        round: usize,
        budget: &mut dyn Budget,
        ranking: &mut Ranking,
    ) {
        if round > 1 {
            return;
        }
        let share = budget.left() / 3;
        let width = TABLE_WIDTH * (round + 1);
        table::search(pieces, target, width, &mut Share::of(budget, share), &mut |found| {
            let cost: f64 = found.keys.iter().map(|&k| f64::from(pieces.all[k].cost)).sum();
            let complexity = 1.5 * cost / 10.0
                + 0.1 * found.rows.len() as f64
                + 0.35 * found.lone_rows as f64
                + found.keys.len() as f64
                + self.doubt(found.keys.len() as f64 + 0.3 * found.rows.len() as f64);
            let merit = self.merit(target.pairs(), complexity);
            for test in 0..self.seen.task.test.len() {
                if !ranking.wants(test, merit) {
                    continue;
                }
                let canvas = target.canvases[target.pairs() + test];
                let grid = canvas
                    .zip(found.answer(pieces, test))
                    .and_then(|(size, cells)| Grid::from_cells(size, cells));
                let Some(grid) = grid else { continue };
                ranking.consider(test, self.seen.renamings[test].undo(&grid), merit, || {
                    let keys = found.keys.iter().map(|&k| self.walk.pipeline(pieces.all[k].state));
                    let body = Body::Table { keys: keys.collect(), rows: found.rows.clone() };
                    Program { view: self.seen.view, size: Some(rule.clone()), body }
                });
            }
        });
    }

    fn stacks(
        &self,
        pieces: &Pieces,
        target: &Target,
        rule: &SizeRule,
        tier: u16,
        budget: &mut dyn Budget,
        ranking: &mut Ranking,
    ) {
        let everything: Vec<usize> = (0..target.pairs()).collect();
        let mut subsets = vec![everything.clone()];
        if target.pairs() > 1 {
            for leave in 0..target.pairs() {
                subsets.push(everything.iter().copied().filter(|&p| p != leave).collect());
            }
        }
        let share = budget.left() / 2;
        let mut share = Share::of(budget, share);
        let mut stacks = Stacks::new(pieces, target);
        for (i, subset) in subsets.iter().enumerate() {
            let tiers: &[u16] = if i == 0 { &[10, tier] } else { &[tier] };
            for &cost_max in tiers {
                stacks.search(subset, cost_max, &mut share, &mut |layers| {
                    self.weigh_stack(layers, pieces, target, rule, ranking);
                });
            }
        }
    }

    fn weigh_stack(
        &self,
        layers: &[Placed],
        pieces: &Pieces,
        target: &Target,
        rule: &SizeRule,
        ranking: &mut Ranking,
    ) {
        let mut wrong = target.ink.clone();
        let mut settled = vec![0u64; target.words()];
        for placed in layers {
            let p = &pieces.all[placed.piece];
            for i in 0..settled.len() {
                let (settles, errs) = match placed.mode {
                    Mode::Over => (p.ink[i], !p.right[i]),
                    Mode::Opaque => (!0, !p.right[i]),
                    Mode::Cut => (p.ink[i], target.ink[i]),
                    Mode::Mask => (!p.ink[i], target.ink[i]),
                };
                let now = settles & !settled[i];
                wrong[i] = (wrong[i] & !now) | (errs & now);
                settled[i] |= settles;
            }
        }
        let fits = (0..target.pairs())
            .filter(|&p| (target.starts[p]..target.starts[p + 1]).all(|c| wrong[c / 64] >> (c % 64) & 1 == 0))
            .count();
        if fits == 0 {
            return;
        }
        let cost: u16 = layers.iter().map(|l| pieces.all[l.piece].cost).max().unwrap_or(0);
        let sum: u16 = layers.iter().map(|l| pieces.all[l.piece].cost).sum();
        let complexity = 0.08 * f64::from(cost) + 0.02 * f64::from(sum) + layers.len() as f64 - 0.5
            + self.doubt(layers.len() as f64);
        let merit = self.merit(fits, complexity);
        for test in 0..self.seen.task.test.len() {
            if !ranking.wants(test, merit) {
                continue;
            }
            let Some(grid) = draw_stack(layers, pieces, target, test) else { continue };
            ranking.consider(test, self.seen.renamings[test].undo(&grid), merit, || {
                let layers = layers
                    .iter()
                    .map(|l| Layer { mode: l.mode, pipeline: self.walk.pipeline(pieces.all[l.piece].state) });
                let body = Body::Stack(layers.collect());
                Program { view: self.seen.view, size: Some(rule.clone()), body }
            });
        }
    }
}

/// The confidence at which deeper tiers are not worth their work.
fn good_enough(round: usize) -> f64 {
    if round == 0 { 0.9 } else { 0.8 }
}

fn draw_stack(layers: &[Placed], pieces: &Pieces, target: &Target, test: usize) -> Option<Grid> {
    let canvas = target.canvases[target.pairs() + test]?;
    let mut out = Grid::filled(canvas, 0)?;
    let mut settled = vec![false; canvas.area()];
    for placed in layers {
        let cells = pieces.all[placed.piece].tests[test].as_ref()?;
        let top = Grid::from_cells(canvas, cells.to_vec())?;
        settle(&mut out, &mut settled, &top, placed.mode);
    }
    Some(out)
}
