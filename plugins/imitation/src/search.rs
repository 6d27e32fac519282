//! The search of one task in the order of the policy: recalled programs, then likely pipelines, and what can be
//! put together from them.

use std::borrow::Borrow;

use stratagem_dsl::program::settle;
use stratagem_dsl::{Body, Grid, Layer, Pair, Program, Renaming, SizeRule, Task, Transform, View};
use stratagem_kit::{Answer, Budget, EXACT, Merit, Ranking, Share, Target};
use stratagem_synthesis::{priors, views};

use crate::canvas::{Canvas, canvases};
use crate::features::TaskFeatures;
use crate::graph::Graph;
use crate::halfway;
use crate::pieces::Pieces;
use crate::policy::{FORMS, Guide, NAT, Policy};
use crate::recast::{self, Start};
use crate::retrieval::{self, Known};
use crate::stack::{self, Placed};
use crate::table;

/// Bytes that graphs and pieces may take.
const MEMORY: usize = 96 << 20;
/// Answers offered for one test input.
const OFFERS: usize = 12;
/// Lessons that are recalled.
const RECALLED: usize = 12;
/// What a recalled step costs.
const RECALLED_STEP: u32 = 1200;
/// How unlikely pipelines may be before the size of the answer is worked out, in thousandths of a nat.
const FIRST_LOOK: u32 = 6_500;
/// Complexity for as many bits of description as there are cells to explain.
const DOUBT: f64 = 4.0;
/// The work that pipelines and what is put together from them may take; the rest is for rules behind them.
const PIPELINES_WORK: u64 = 300_000_000;
/// Rules behind likely pipelines: the work behind each, the confidence that is enough, and how many hundredths of what
/// is left it may all take. Where nothing explains all demonstrations, fewer are looked behind again, harder each time.
const ROUNDS: [(u64, f64, u64); 3] =
    [(24_000_000, CONVINCING, 40), (72_000_000, LIKELY, 60), (216_000_000, LIKELY, 100)];
/// Rules behind rules that go part of the way: how many hundredths of what is left finding them and going on from them
/// may take, the work behind each, and the confidence that is enough.
const HALFWAY_PART: u64 = 25;
const HALFWAY_ROUNDS: [(u64, f64); 2] = [(24_000_000, CONVINCING), (72_000_000, EXACT)];
/// The confidence beyond which rules behind likely pipelines are not looked for harder: an exact fit that is not long.
const LIKELY: f64 = 0.65;
/// The confidence beyond which no other view and no deeper round is worth its work.
const CONVINCING: f64 = 0.8;

/// Searches a task, and offers what it finds.
///
/// The same task, policy and budget give the same answers and spend the same work.
pub fn solve(task: &Task, policy: &Policy, budget: &mut dyn Budget, offer: &mut dyn FnMut(Answer)) {
    let views = views::worthwhile(task);
    let Some((&first, others)) =
        views.split_first().filter(|_| !task.train.is_empty() && !task.test.is_empty())
    else {
        return;
    };
    let mut ranking = Ranking::new(task.test.len(), OFFERS);
    recall_programs(task, policy, budget, &mut ranking);
    ranking.flush(offer);
    let part = (budget.left() / 2).min(PIPELINES_WORK);
    let mut whole = Share::of(budget, part);
    let seen = Seen::new(task, first, policy, 0.0);
    let guide = seen.guide(policy);
    let mut graph = Graph::new(&seen.task, &guide, MEMORY / 2);
    let part = if others.is_empty() { whole.left() } else { whole.left() / 3 * 2 };
    let size = seen.search(policy, &mut graph, &mut Share::of(&mut whole, part), &mut ranking, offer);
    for (i, &view) in others.iter().enumerate() {
        if ranking.best_everywhere() > CONVINCING {
            break;
        }
        let part = whole.left() / (others.len() - i) as u64;
        let seen = Seen::new(task, view, policy, (i + 1) as f64 * 0.5);
        let guide = seen.guide(policy);
        let mut graph = Graph::new(&seen.task, &guide, MEMORY / 2);
        seen.search(policy, &mut graph, &mut Share::of(&mut whole, part), &mut ranking, offer);
    }
    drop(whole);
    ranking.flush(offer);
    if ranking.best_everywhere() <= CONVINCING {
        seen.recast(&graph, size.as_ref(), budget, &mut ranking, offer);
    }
}

/// Transforms that can be of use: those of colours that the task has.
pub fn usable(task: &Task) -> Vec<bool> {
    let chosen = priors::transforms(task);
    Transform::all().iter().map(|t| chosen.contains(t)).collect()
}

/// Runs the programs of the nearest lessons, in the task's colours.
fn recall_programs(task: &Task, policy: &Policy, budget: &mut dyn Budget, ranking: &mut Ranking) {
    let features = TaskFeatures::of(task);
    for known in retrieval::nearest(&policy.known, &features, 2 * RECALLED) {
        let parts = retrieval::parts(&known.features, &features);
        let program = retrieval::in_colours(&known.program, &parts);
        let mut fits = 0;
        for (done, pair) in task.train.iter().enumerate() {
            budget.spend(50 * (pair.input.area() + pair.output.area()) as u64);
            let right = program.run(&pair.input).as_ref() == Some(&pair.output);
            fits += usize::from(right);
            if fits <= done / 2 {
                break;
            }
        }
        let complexity = 1.0 + 0.5 * retrieval::steps(&program) as f64;
        let merit = Merit { fits, pairs: task.train.len(), complexity };
        for (test, input) in task.test.iter().enumerate() {
            if let (true, Some(grid)) = (fits > 0 && ranking.wants(test, merit), program.run(input)) {
                ranking.consider(test, grid, merit, || program.clone());
            }
        }
    }
}

/// A task with colours renamed.
struct Seen {
    view: View,
    task: Task,
    /// One for each test input.
    renamings: Vec<Renaming>,
    features: TaskFeatures,
    /// How likely each form of program is.
    forms: [f32; FORMS],
    /// Added to every program's complexity: views other than the plain one are less likely.
    handicap: f64,
}

/// A way of laying pieces on a canvas.
struct Layout {
    rule: SizeRule,
    target: Target,
    pieces: Pieces,
}

impl Seen {
    fn new(task: &Task, view: View, policy: &Policy, handicap: f64) -> Self {
        let renamed = |p: &Pair| {
            let renaming = view.renaming(&p.input);
            Pair { input: renaming.apply(&p.input), output: renaming.apply(&p.output) }
        };
        let renamings: Vec<Renaming> = task.test.iter().map(|g| view.renaming(g)).collect();
        let test = task.test.iter().zip(&renamings).map(|(g, r)| r.apply(g)).collect();
        let task = Task { train: task.train.iter().map(renamed).collect(), test };
        let features = TaskFeatures::of(&task);
        let forms = policy.forms(&features.task);
        Self { view, task, renamings, features, forms, handicap }
    }

    fn search(
        &self,
        policy: &Policy,
        graph: &mut Graph,
        budget: &mut dyn Budget,
        ranking: &mut Ranking,
        offer: &mut dyn FnMut(Answer),
    ) -> Option<SizeRule> {
        let mut compared = 0;
        let recalled = retrieval::nearest(&policy.known, &self.features, RECALLED);
        self.plant(&recalled, graph, budget);
        let part = budget.left() / 10;
        graph.grow(FIRST_LOOK, &mut Share::of(budget, part));
        self.compare_singles(graph, &mut compared, None, ranking);
        ranking.flush(offer);
        let found = canvases(&self.task, graph, 2);
        let mut layouts: Vec<Layout> =
            found.into_iter().enumerate().map(|(i, c)| self.layout(c, i == 0)).collect();
        if let Some(layout) = layouts.first() {
            graph.set_canvases(layout.target.canvases.clone(), budget);
            self.plant(&recalled, graph, budget);
        }
        for (round, part) in [3, 5, 6].into_iter().enumerate() {
            let share = budget.left() / 10 * part;
            graph.grow(u32::MAX, &mut Share::of(budget, share));
            let rule = layouts.first().map(|l| l.rule.clone());
            self.compare_singles(graph, &mut compared, rule.as_ref(), ranking);
            ranking.flush(offer);
            let later = layouts.len();
            for (i, layout) in layouts.iter_mut().enumerate() {
                let part = budget.left() / if round == 2 { (later - i) as u64 } else { 3 + i as u64 };
                self.compose(graph, layout, round, &mut Share::of(budget, part), ranking);
            }
            ranking.flush(offer);
            if budget.left() == 0 || ranking.best_everywhere() > if round == 0 { 0.9 } else { CONVINCING } {
                break;
            }
        }
        layouts.into_iter().next().map(|layout| layout.rule)
    }

    /// Rules behind starts: other rules that go part of the way, and the graph's states.
    fn recast(
        &self,
        graph: &Graph,
        size: Option<&SizeRule>,
        budget: &mut dyn Budget,
        ranking: &mut Ranking,
        offer: &mut dyn FnMut(Answer),
    ) {
        let part = budget.left() / 100 * HALFWAY_PART;
        let mut share = Share::of(budget, part);
        let halfway = halfway::starts(&self.task, &mut share);
        for (work, enough) in HALFWAY_ROUNDS {
            self.go_on(&mut halfway.iter(), work, enough, &mut share, ranking, offer);
        }
        drop(share);
        let order = recast::order(&self.task, graph);
        let start = |&id: &usize| {
            let drawn = recast::drawings(&self.task, graph, id)?;
            let program = single(graph, id, size, View::Plain);
            Some(Start { program, drawn, complexity: nats(graph.state(id).cost) / 3.5 })
        };
        for (round, (work, enough, part)) in ROUNDS.into_iter().enumerate() {
            if round == 1 && ranking.best_everywhere() <= EXACT {
                let part = budget.left() / 100 * HALFWAY_PART;
                let mut share = Share::of(budget, part);
                let left = share.left() / 2;
                let further = halfway::further(&self.task, &halfway, &mut Share::of(&mut share, left));
                self.go_on(&mut further.iter(), HALFWAY_ROUNDS[0].0, EXACT, &mut share, ranking, offer);
            }
            let part = budget.left() / 100 * part;
            let mut share = Share::of(budget, part);
            let mut likely = order.iter().filter_map(start);
            self.go_on(&mut likely, work, enough, &mut share, ranking, offer);
        }
    }

    /// Rules behind starts, so much work behind each, until an answer is sure enough.
    fn go_on<S: Borrow<Start>>(
        &self,
        starts: &mut dyn Iterator<Item = S>,
        work: u64,
        enough: f64,
        budget: &mut dyn Budget,
        ranking: &mut Ranking,
        offer: &mut dyn FnMut(Answer),
    ) {
        while budget.left() > 0 && ranking.best_everywhere() <= enough {
            let Some(start) = starts.next() else { return };
            let Start { program, complexity, .. } = start.borrow();
            let found = start.borrow().behind(&self.task, work, budget);
            let answered = |test: usize, grid: &Grid| self.renamings[test].undo(grid).moved_to(0, 0);
            found.hand_on(ranking, complexity + self.handicap, answered, |then| {
                let body = Body::Chain { first: Box::new(program.clone()), then: Box::new(then) };
                Program { view: self.view, size: None, body }
            });
            ranking.flush(offer);
        }
    }

    fn guide<'a>(&'a self, policy: &'a Policy) -> Guide<'a> {
        Guide::new(policy, &self.features, usable(&self.task))
    }

    fn layout(&self, canvas: Canvas, sized: bool) -> Layout {
        let target = Target::new(&self.task, canvas.sizes);
        Layout { rule: canvas.rule, target, pieces: Pieces::new(MEMORY / 4, sized) }
    }

    /// Puts the pipelines of recalled lessons among the states, cheap enough to be gone on from soon.
    fn plant(&self, recalled: &[&Known], graph: &mut Graph, budget: &mut dyn Budget) {
        for known in recalled {
            let parts = retrieval::parts(&known.features, &self.features);
            for pipeline in known.program.pipelines() {
                graph.plant(&retrieval::translated(pipeline, &parts), RECALLED_STEP, budget);
            }
        }
    }

    /// Tables and stacks of the pieces that there are.
    fn compose(
        &self,
        graph: &Graph,
        layout: &mut Layout,
        round: usize,
        budget: &mut dyn Budget,
        ranking: &mut Ranking,
    ) {
        let Layout { rule, target, pieces } = layout;
        pieces.gather(graph, target, budget);
        let share = budget.left() / 100 * if self.forms[2] > self.forms[1] { 60 } else { 30 };
        let width = 300 << round;
        table::search(pieces, target, width, &mut Share::of(budget, share), &mut |found| {
            self.weigh_table(&found, graph, pieces, target, rule, ranking);
        });
        let subsets =
            std::iter::once(None).chain((0..target.pairs()).map(Some).filter(|_| target.pairs() > 1));
        for (i, without) in subsets.enumerate() {
            for width in [200, 1500 << (2 * round)] {
                let beam = if i == 0 { 8 } else { 2 };
                stack::search(pieces, target, without, (width, beam), budget, &mut |layers| {
                    self.weigh_stack(layers, graph, pieces, target, rule, ranking);
                });
            }
        }
    }

    fn merit(&self, fits: usize, complexity: f64) -> Merit {
        Merit { fits, pairs: self.task.train.len(), complexity: complexity + self.handicap }
    }

    /// What it adds to a program's complexity that the demonstrations have few cells to bear it out.
    fn doubt(&self, nats: f64) -> f64 {
        let cells: usize = self.task.train.iter().map(|p| p.output.area()).sum();
        DOUBT * (nats * std::f64::consts::LOG2_E / (4.0 + cells as f64)).min(2.0)
    }

    /// Compares what each new state yields, at its own size, with what is wanted.
    fn compare_singles(
        &self,
        graph: &Graph,
        compared: &mut usize,
        rule: Option<&SizeRule>,
        ranking: &mut Ranking,
    ) {
        let train = self.task.train.len();
        for id in *compared..graph.len() {
            let right = |i: &usize| {
                let wanted = &self.task.train[*i].output;
                graph.grid(id, *i).is_some_and(|g| g.size() == wanted.size() && g.cells() == wanted.cells())
            };
            let fits = (0..train).filter(right).count();
            if fits == 0 {
                continue;
            }
            let nats = nats(graph.state(id).cost);
            let merit = self.merit(fits, nats / 3.5 + self.doubt(nats));
            for test in 0..self.task.test.len() {
                let Some(grid) = graph.grid(id, train + test).filter(|_| ranking.wants(test, merit)) else {
                    continue;
                };
                let answer = self.renamings[test].undo(grid).moved_to(0, 0);
                ranking.consider(test, answer, merit, || single(graph, id, rule, self.view));
            }
        }
        *compared = graph.len();
    }

    fn weigh_table(
        &self,
        found: &table::Table,
        graph: &Graph,
        pieces: &Pieces,
        target: &Target,
        rule: &SizeRule,
        ranking: &mut Ranking,
    ) {
        let keys: f64 = found.keys.iter().map(|&k| nats(pieces.all[k].cost)).sum();
        let rows = found.rows.len() as f64;
        let complexity = keys / 2.5
            + found.keys.len() as f64 * 0.7
            + 0.1 * rows
            + 0.35 * found.lone_rows as f64
            + self.doubt(keys + 2.0 * rows);
        let merit = self.merit(target.pairs(), complexity);
        for test in 0..self.task.test.len() {
            if !ranking.wants(test, merit) {
                continue;
            }
            let canvas = target.canvases[target.pairs() + test];
            let cells = canvas.zip(found.answer(pieces, test));
            let Some(grid) = cells.and_then(|(size, cells)| Grid::from_cells(size, cells)) else { continue };
            ranking.consider(test, self.renamings[test].undo(&grid), merit, || {
                let keys = found.keys.iter().map(|&k| graph.pipeline(pieces.all[k].state)).collect();
                let body = Body::Table { keys, rows: found.rows.clone() };
                Program { view: self.view, size: Some(rule.clone()), body }
            });
        }
    }

    fn weigh_stack(
        &self,
        layers: &[Placed],
        graph: &Graph,
        pieces: &Pieces,
        target: &Target,
        rule: &SizeRule,
        ranking: &mut Ranking,
    ) {
        let fits = target.pairs_without(&wrong(layers, pieces, target));
        let costs = layers.iter().map(|l| nats(pieces.all[l.piece].cost));
        let (sum, most) = costs.fold((0.0f64, 0.0f64), |(s, m), c| (s + c, m.max(c)));
        let complexity = 0.22 * most + 0.06 * sum + layers.len() as f64 - 0.5 + self.doubt(sum);
        let merit = self.merit(fits, complexity);
        for test in 0..self.task.test.len() {
            if fits == 0 || !ranking.wants(test, merit) {
                continue;
            }
            let Some(grid) = draw_stack(layers, pieces, target, test) else { continue };
            ranking.consider(test, self.renamings[test].undo(&grid), merit, || {
                let layer =
                    |l: &Placed| Layer { mode: l.mode, pipeline: graph.pipeline(pieces.all[l.piece].state) };
                let body = Body::Stack(layers.iter().map(layer).collect());
                Program { view: self.view, size: Some(rule.clone()), body }
            });
        }
    }
}

/// The program of one state.
fn single(graph: &Graph, id: usize, size: Option<&SizeRule>, view: View) -> Program {
    let pipeline = graph.pipeline(id);
    let sized = pipeline.0.iter().any(|t| t.needs_canvas());
    Program { view, size: size.filter(|_| sized).cloned(), body: Body::Single(pipeline) }
}

fn nats(cost: u32) -> f64 {
    f64::from(cost) / f64::from(NAT)
}

/// The cells that a stack gets wrong.
fn wrong(layers: &[Placed], pieces: &Pieces, target: &Target) -> Vec<u64> {
    let mut wrong = target.ink.to_vec();
    let mut settled = vec![0u64; wrong.len()];
    for placed in layers {
        for (word, (wrong, settled)) in wrong.iter_mut().zip(&mut settled).enumerate() {
            let (settles, errs) = pieces.all[placed.piece].settles(placed.mode, word, target);
            let now = settles & !*settled;
            *wrong = (*wrong & !now) | (errs & now);
            *settled |= settles;
        }
    }
    wrong
}

fn draw_stack(layers: &[Placed], pieces: &Pieces, target: &Target, test: usize) -> Option<Grid> {
    let canvas = target.canvases[target.pairs() + test]?;
    let mut out = Grid::filled(canvas, 0)?;
    let mut settled = vec![false; canvas.area()];
    for placed in layers {
        let cells = pieces.all[placed.piece].tests[test].as_ref()?;
        settle(&mut out, &mut settled, &Grid::from_cells(canvas, cells.to_vec())?, placed.mode);
    }
    Some(out)
}
