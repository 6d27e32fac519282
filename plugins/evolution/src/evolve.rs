//! One view of a task, bred: steps and splices vary programs, learned rules and masks cross them.

use stratagem_dsl::{Body, Program, Renaming, Size, SizeRule, Task, View};
use stratagem_kit::{Answer, Budget, Merit, Ranking, Share};

use crate::arena::Arena;
use crate::chance::Chance;
use crate::generation::Generation;
use crate::piece::{Pieces, Target};
use crate::population::{Population, is_set};
use crate::vary::Lots;
use crate::weigh;

/// The cost up to which all short programs are tried before chance has its turn.
const SHORT: u16 = 14;
/// Children of one generation.
const BROOD: usize = 40;
/// Generations between two that are told of.
const TOLD_EVERY: u32 = 25;
/// Work for trying all short programs, at most.
const SHORT_WORK: u64 = 120_000_000;
/// Work of a generation beside what its children take.
const UPKEEP: u64 = 2_000;
/// The best programs that a new population starts from.
const HEIRS: usize = 12;

/// A task seen with colours renamed, and the size of its answers.
pub struct Scene {
    pub view: View,
    pub task: Task,
    pub renamings: Vec<Renaming>,
    pub rule: Option<SizeRule>,
    /// The size of every answer, where the rule gives it.
    pub sizes: Vec<Option<Size>>,
    /// Bytes that programs and what they draw may take.
    pub memory_bytes: usize,
}

/// The search of one view.
pub struct Evolution<'a> {
    pub scene: &'a Scene,
    pub arena: Arena,
    pub pieces: Pieces,
    pub target: Target,
    pub population: Population,
    pub chance: Chance,
    /// Cells that recolouring the input does not explain.
    pub hard: Vec<usize>,
    /// Drawings by how many cells are as wanted, best first.
    pub bases: Vec<usize>,
    pub lots: Lots,
    /// Drawings that have not been ranked yet.
    fresh: Vec<usize>,
    pub learned: usize,
    /// Exact programs whose parts are yet to be exchanged.
    pub exact: Vec<u32>,
    fits_best: usize,
    /// Added to every program's complexity: views other than the plain one are less likely.
    pub handicap: f64,
}

/// The most bases that are kept.
const BASES: usize = 60;

impl<'a> Evolution<'a> {
    pub fn new(scene: &'a Scene, chance: Chance, handicap: f64) -> Self {
        let arena = Arena::new(&scene.task, scene.sizes.clone());
        Self {
            scene,
            pieces: Pieces::default(),
            target: Target::new(&scene.task),
            population: Population::default(),
            chance,
            hard: Vec::new(),
            bases: Vec::new(),
            lots: Lots::new(&arena.steps),
            fresh: Vec::new(),
            learned: 0,
            exact: Vec::new(),
            fits_best: 0,
            handicap,
            arena,
        }
    }

    /// Breeds until the budget is spent, the memory is full or the answer is convincing.
    pub fn run(
        &mut self,
        seeds: &[Program],
        budget: &mut dyn Budget,
        ranking: &mut Ranking,
        tell: &mut dyn FnMut(Generation),
        offer: &mut dyn FnMut(Answer),
    ) {
        self.take_in(budget, ranking);
        self.hard = match self.pieces.ground {
            Some(g) => {
                let explains = &self.pieces.all[g].explains;
                (0..self.target.cells.len()).filter(|&i| !is_set(explains, i)).collect()
            }
            None => (0..self.target.cells.len()).collect(),
        };
        self.sow(seeds, budget);
        self.take_in(budget, ranking);
        let part = (budget.left() / 4).min(SHORT_WORK);
        self.try_short(&mut Share::of(budget, part));
        self.take_in(budget, ranking);
        ranking.flush(offer);
        let mut number = 0;
        while budget.left() > 0 && self.arena.bytes() + self.pieces.bytes < self.scene.memory_bytes {
            number += 1;
            budget.spend(UPKEEP);
            for _ in 0..BROOD {
                self.vary(budget);
            }
            self.take_in(budget, ranking);
            self.recolour(budget);
            self.mask(budget);
            self.exchange_parts(budget);
            self.take_in(budget, ranking);
            if number % TOLD_EVERY == 0 {
                ranking.flush(offer);
                tell(self.generation(number));
            }
            if ranking.best_everywhere() > CONVINCING {
                break;
            }
        }
        ranking.flush(offer);
        tell(self.generation(number));
    }

    /// Tries every program up to a cost, cheap ones first.
    fn try_short(&mut self, budget: &mut dyn Budget) {
        for cost in 0..=SHORT {
            let mut id = 0;
            while (id as usize) < self.arena.len() {
                if self.arena.state(id).cost == cost {
                    for step in 0..self.arena.steps.len() as u16 {
                        if budget.left() == 0 {
                            return;
                        }
                        if self.arena.is_open(id, step) {
                            self.arena.take(id, step, budget);
                        }
                    }
                }
                id += 1;
            }
        }
    }

    /// Draws what is new, ranks what fits, and sorts it into the population.
    fn take_in(&mut self, budget: &mut dyn Budget, ranking: &mut Ranking) {
        self.piece(0, budget);
        self.population.gather(&self.arena, &self.pieces);
        for piece in std::mem::take(&mut self.fresh) {
            let rightness = self.pieces.all[piece].rightness;
            let at = self.bases.partition_point(|&b| self.pieces.all[b].rightness >= rightness);
            if at < BASES {
                self.bases.insert(at, piece);
                self.bases.truncate(BASES);
            }
            let fits = self.target.fits(&self.pieces.all[piece]);
            self.fits_best = self.fits_best.max(fits);
            if fits == self.target.pairs() {
                self.exact.push(self.pieces.all[piece].state);
            }
            if fits > 0 {
                self.rank(piece, fits, ranking);
            }
        }
        for piece in std::mem::take(&mut self.pieces.met_again) {
            self.rank(piece, self.target.pairs(), ranking);
        }
    }

    /// What a state draws, the newest too.
    pub fn piece(&mut self, state: u32, budget: &mut dyn Budget) -> Option<usize> {
        let fresh = &mut self.fresh;
        self.pieces.gather(&self.arena, &self.target, budget, &mut |piece| fresh.push(piece));
        self.pieces.of(state)
    }

    fn rank(&self, piece: usize, fits: usize, ranking: &mut Ranking) {
        let drawing = &self.pieces.all[piece];
        let pairs = self.target.pairs();
        // What it is at least, before the whole program is looked at.
        let floor = f64::from(self.arena.state(drawing.state).cost) / 40.0;
        let hope = Merit { fits, pairs, complexity: floor + self.handicap };
        if !(0..drawing.tests.len()).any(|test| ranking.wants(test, hope)) {
            return;
        }
        let complexity = weigh::complexity(&self.arena, drawing.state, self.target.cells.len());
        let merit = Merit { fits, pairs, complexity: complexity + self.handicap };
        for (test, grid) in drawing.tests.iter().enumerate() {
            if let Some(grid) = grid.as_ref().filter(|_| ranking.wants(test, merit)) {
                let answer = self.scene.renamings[test].undo(grid);
                ranking.consider(test, answer, merit, || self.program(drawing.state));
            }
        }
    }

    fn program(&self, state: u32) -> Program {
        let body = Body::Tree(self.arena.tree(state));
        Program { view: self.scene.view, size: self.scene.rule.clone(), body }
    }

    /// The best programs, for a new population.
    pub fn heirs(&self) -> Vec<Program> {
        self.bases.iter().take(HEIRS).map(|&b| self.program(self.pieces.all[b].state)).collect()
    }

    fn generation(&self, number: u32) -> Generation {
        let best = self.bases.first().map(|&b| &self.pieces.all[b]);
        let (niches, elites) = self.population.spread();
        Generation {
            number,
            best: best.map_or(0.0, |b| f64::from(b.rightness) / self.target.cells.len().max(1) as f64),
            fits: self.fits_best,
            pairs: self.target.pairs(),
            distinct: self.arena.len(),
            drawings: self.pieces.all.len(),
            niches,
            elites,
            learned: self.learned,
            program: best.map_or_else(|| "nothing".to_string(), |b| self.program(b.state).to_string()),
        }
    }
}

/// The confidence beyond which more breeding is not worth its work.
pub const CONVINCING: f64 = 0.85;
