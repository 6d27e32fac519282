//! Rules on trial: run on the demonstrations, finished to fit, and given to the ranking.

use stratagem_dsl::geometry::Rigid;
use stratagem_dsl::layout::{Act, Finish, LayoutRule, Measure};
use stratagem_dsl::{Body, Grid, Program, Task, Transform};
use stratagem_kit::{Budget, Merit, Ranking};

use super::scenes::Scene;
use crate::search::Seen;

/// Roughly what it takes to tell one choice from the others, in bits.
const BITS_PER_CHOICE: f64 = 9.0;
/// Complexity for as many bits of choice as there are cells to explain.
const DOUBT: f64 = 4.0;
/// What a row of a table costs more that one demonstration alone bears out.
pub const LONE_ROW: f64 = 1.0;
/// What every layout rule costs.
const BASE: f64 = 1.0;
/// What a first step costs.
const FIRST_STEP: f64 = 1.2;

/// A task under one view, what its search may spend and where its answers go.
pub struct Trial<'a> {
    seen: &'a Seen,
    /// The task with its inputs put through the first step.
    task: &'a Task,
    first: Option<Transform>,
    handicap: f64,
    budget: &'a mut dyn Budget,
    ranking: &'a mut Ranking,
}

impl<'a> Trial<'a> {
    pub fn new(seen: &'a Seen, handicap: f64, budget: &'a mut dyn Budget, ranking: &'a mut Ranking) -> Self {
        Self { seen, task: &seen.task, first: None, handicap, budget, ranking }
    }

    /// A trial of rules that put the inputs through a step first; `task` has them so.
    pub fn after<'b>(&'b mut self, step: Transform, task: &'b Task) -> Trial<'b> {
        Trial {
            seen: self.seen,
            task,
            first: Some(step),
            handicap: self.handicap + FIRST_STEP,
            budget: &mut *self.budget,
            ranking: &mut *self.ranking,
        }
    }

    /// The confidence of the best answer to the test input that is worst off.
    pub fn best_everywhere(&self) -> f64 {
        self.ranking.best_everywhere()
    }

    pub fn first(&self) -> Option<Transform> {
        self.first
    }

    pub fn task(&self) -> &'a Task {
        self.task
    }

    pub fn pairs(&self) -> usize {
        self.task.train.len()
    }

    /// The answer wanted of a demonstration.
    pub fn wanted(&self, pair: usize) -> &'a Grid {
        &self.task.train[pair].output
    }

    pub fn exhausted(&self) -> bool {
        self.budget.left() == 0
    }

    pub fn spend(&mut self, cells: usize) {
        self.budget.spend(4 * cells as u64 + 200);
    }

    pub fn spend_inputs(&mut self) {
        self.spend(4 * self.task().inputs().map(Grid::area).sum::<usize>());
    }

    pub fn spend_parts(&mut self, scene: &Scene) {
        self.spend(scene.parts.iter().flat_map(|p| &p.list).map(Grid::area).sum());
    }

    /// A measure of all parts of a scene.
    pub fn measure(&self, measure: Measure, scene: &Scene) -> Vec<Vec<i32>> {
        scene.parts.iter().zip(self.task().inputs()).map(|(p, g)| measure.of(&p.list, g)).collect()
    }

    /// Tries an act on a scene, with every last step that makes the first demonstrations fit.
    ///
    /// `cost` is the act's own; `choices` is how many free choices it took to find it.
    pub fn try_act(&mut self, scene: &Scene, act: &Act, cost: f64, choices: f64) {
        self.try_act_finished(scene, act, cost, choices, true);
    }

    /// As `try_act`, as it is or with last steps.
    pub fn try_act_finished(&mut self, scene: &Scene, act: &Act, cost: f64, choices: f64, finishes: bool) {
        let mut drawn: Vec<Option<Grid>> = Vec::new();
        for (i, pair) in self.task().train.iter().enumerate() {
            self.spend(pair.output.area());
            let grid = act.draw(&scene.parts[i], &pair.input);
            if grid.is_none() && (i == 0 || self.pairs() < 3) {
                return;
            }
            if i == 0 && !finishes && grid.as_ref() != Some(&pair.output) && self.pairs() < 3 {
                return;
            }
            drawn.push(grid);
        }
        let fits =
            drawn.iter().zip(&self.task().train).filter(|(g, p)| g.as_ref() == Some(&p.output)).count();
        if self.is_worth_it(fits) {
            self.offer_rule(scene, act, Vec::new(), fits, cost, choices);
        }
        if !finishes || fits > 0 {
            return;
        }
        for (steps, step_cost) in self.endings(&drawn) {
            let fits = (0..drawn.len()).filter(|&i| self.ends_well(drawn[i].as_ref(), &steps, i)).count();
            if self.is_worth_it(fits) {
                self.offer_rule(scene, act, steps, fits, cost + step_cost, choices + 0.5);
                return;
            }
        }
    }

    /// Tries an act with the last steps given.
    pub fn try_finished(&mut self, scene: &Scene, act: &Act, finish: &[Finish], cost: f64, choices: f64) {
        let train = &self.task().train;
        let drawn: Vec<Option<Grid>> =
            train.iter().zip(&scene.parts).map(|(p, parts)| act.draw(parts, &p.input)).collect();
        self.spend_parts(scene);
        let fits = (0..drawn.len()).filter(|&i| self.ends_well(drawn[i].as_ref(), finish, i)).count();
        if self.is_worth_it(fits) {
            self.offer_rule(scene, act, finish.to_vec(), fits, cost, choices);
        }
    }

    fn ends_well(&self, drawn: Option<&Grid>, steps: &[Finish], pair: usize) -> bool {
        let input = &self.task().train[pair].input;
        let start = drawn.map(|g| g.clone().moved_to(0, 0));
        let end = start.and_then(|g| steps.iter().try_fold(g, |g, step| step.apply(&g, input)));
        end.as_ref() == Some(self.wanted(pair))
    }

    /// Whether so many fits are worth an answer: all, or all but one of at least three.
    pub fn is_worth_it(&self, fits: usize) -> bool {
        fits == self.pairs() || (fits >= 2 && fits + 1 == self.pairs())
    }

    /// Last steps that turn what was drawn for the first demonstration into its answer.
    fn endings(&mut self, drawn: &[Option<Grid>]) -> Vec<(Vec<Finish>, f64)> {
        let mut out = Vec::new();
        let Some(first) = &drawn[0] else { return out };
        let wanted = self.wanted(0);
        self.spend(2 * wanted.area());
        let (area, goal) = (first.area(), wanted.area());
        if !goal.is_multiple_of(area) {
            return out;
        }
        let turns: [Option<Rigid>; 8] = std::array::from_fn(|i| i.checked_sub(1).map(|i| Rigid::ALL[i]));
        for turn in turns {
            let turned = turn.map_or_else(|| first.clone(), |m| stratagem_dsl::geometry::rigid(first, m));
            let fits_across = wanted.width().is_multiple_of(turned.width());
            if !fits_across || !wanted.height().is_multiple_of(turned.height()) {
                continue;
            }
            let (kx, ky) = (wanted.width() / turned.width(), wanted.height() / turned.height());
            let (mut steps, mut cost) = (Vec::new(), 0.0);
            if let Some(motion) = turn {
                steps.push(Finish::Step(Transform::Rigid(motion)));
                cost += 1.0;
            }
            if (kx, ky) != (1, 1) {
                steps.push(Finish::Stretch(kx as u8, ky as u8));
                cost += 1.0;
            }
            if !steps.is_empty() && self.ends_well(Some(first), &steps, 0) {
                out.push((steps, cost));
            } else if (kx, ky) == (1, 1) && turn.is_none() {
                out.extend(self.recolouring(drawn).map(|(rows, cost)| (vec![Finish::Recolour(rows)], cost)));
            }
        }
        out
    }

    /// The renaming of colours that turns what was drawn into the answers, where one does.
    pub fn recolouring(&self, drawn: &[Option<Grid>]) -> Option<(Vec<(u8, u8)>, f64)> {
        let mut to: [Option<u8>; 10] = [None; 10];
        // How many demonstrations bear a colour's new name out.
        let mut borne = [0usize; 10];
        for (i, grid) in drawn.iter().enumerate() {
            let (grid, wanted) = (grid.as_ref()?, self.wanted(i));
            if grid.size() != wanted.size() {
                return None;
            }
            let counts = grid.histogram();
            (0..10).filter(|&c| counts[c] > 0).for_each(|c| borne[c] += 1);
            for (&a, &b) in grid.cells().iter().zip(wanted.cells()) {
                if *to[a as usize].get_or_insert(b) != b {
                    return None;
                }
            }
        }
        let rows: Vec<(u8, u8)> =
            (0..10u8).filter_map(|c| Some((c, to[c as usize]?))).filter(|(a, b)| a != b).collect();
        let lone = rows.iter().filter(|(c, _)| borne[*c as usize] == 1).count();
        let cost = 0.5 + 0.4 * rows.len() as f64 + LONE_ROW * lone as f64;
        // Where no row is seen twice there is nothing that the next input would share.
        (lone < rows.len()).then_some((rows, cost))
    }

    fn offer_rule(
        &mut self,
        scene: &Scene,
        act: &Act,
        finish: Vec<Finish>,
        fits: usize,
        cost: f64,
        choices: f64,
    ) {
        let rule =
            LayoutRule { first: self.first, cut: scene.cut, keep: scene.keep, act: act.clone(), finish };
        self.offer(&rule, fits, cost + scene.cost, choices + scene.cost);
    }

    /// Gives the answers of a rule to the ranking.
    pub fn offer(&mut self, rule: &LayoutRule, fits: usize, cost: f64, choices: f64) {
        let cells: usize = self.task().train.iter().map(|p| p.output.area()).sum();
        let evidence = 4.0 + cells as f64;
        let doubt = DOUBT * (choices * BITS_PER_CHOICE / evidence).min(2.0);
        let complexity = BASE + cost + doubt + self.handicap;
        let merit = Merit { fits, pairs: self.pairs(), complexity };
        for (test, input) in self.seen.task.test.iter().enumerate() {
            if !self.ranking.wants(test, merit) {
                continue;
            }
            self.budget.spend(20 * input.area() as u64);
            let Some(grid) = rule.run(input) else { continue };
            self.ranking.consider(test, self.seen.undo(test, &grid), merit, || {
                let body = Body::Layout(Box::new(rule.clone()));
                Program { view: self.seen.view, size: None, body }
            });
        }
    }
}
