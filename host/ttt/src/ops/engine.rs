//! Walks through programs on a device, forth and back: one launch an operation, for all tensors of all tasks.
//!
//! Tasks that are trained together go step by step; their networks are of one make, and differ in sizes alone. All launches of
//! an update are written down once and replayed.

use std::mem::discriminant;
use std::sync::{Arc, Mutex, PoisonError};

use crate::launch::{Device, Failed, Recording, Script, Session};
use crate::model::program::{Op, Program, Value};
use crate::ops::adam::Adam;
use crate::ops::draw::Draw;
use crate::ops::linear::{Linear, Sums};
use crate::ops::mix::Mix;
use crate::ops::multi::{Back, Multi, Pass};
use crate::ops::picture::Picture;
use crate::ops::share::Masks;
use crate::ops::tape::{Span, Tape};
use crate::ops::{draw, linear, lines, mix, norm, picture, plain, share, silu, softmax};
use crate::puzzle::Puzzle;
use crate::reference::compression::Loss;

/// How much of the past gradients' and squares' means each update keeps.
const DECAY: [f64; 2] = [0.5, 0.9];

/// A task, its network, the weights that it starts from, and the seed of its noise.
#[derive(Clone)]
pub struct Problem {
    pub puzzle: Arc<Puzzle>,
    pub program: Arc<Program>,
    pub weights: Vec<f32>,
    pub seed: u64,
}

/// Where an engine's numbers lie, and what an update launches.
struct Plan {
    adam: Adam,
    /// Of all tasks.
    settings: Span,
    /// Said and missing, of each task.
    losses: Span,
    /// What the networks say of colours and of sides, one task after another.
    heads: Span,
    /// Of each task, if any.
    masks: Vec<Masks>,
    inside: Vec<Span>,
    update: Script,
    floats: u64,
}

/// Networks of one or more tasks on a device.
pub struct Engine {
    /// Behind a lock, so that weights can be read through a shared reference.
    session: Mutex<Box<dyn Session>>,
    problems: Vec<Problem>,
    plan: Plan,
    recording: Recording,
    updates: usize,
    heads: Vec<f32>,
}

impl Engine {
    /// Bytes of a device's memory that training takes.
    pub fn bytes(problems: &[Problem]) -> u64 {
        let plan = Writer::new(problems).plan();
        plan.floats * size_of::<f32>() as u64 + plan.update.bytes()
    }

    /// Lays networks out on a device.
    ///
    /// *Errors*: [`Failed::OutOfMemory`], for fewer or smaller tasks at a time to be tried.
    pub fn new(device: &dyn Device, problems: Vec<Problem>) -> Result<Self, Failed> {
        let plan = Writer::new(&problems).plan();
        let mut session = device.open(plan.floats)?;
        let weights: Vec<f32> = problems.iter().flat_map(|problem| problem.weights.iter().copied()).collect();
        plan.adam.begin(session.as_mut(), &weights)?;
        for (n, Problem { puzzle, .. }) in problems.iter().enumerate() {
            session.write(plan.inside[n].at, &lines::inside(puzzle))?;
            if let Some(masks) = plan.masks[n].span {
                session.write(masks.at, &Masks::numbers(puzzle))?;
            }
        }
        let recording = session.record(&plan.update)?;
        let heads = vec![0.0; plan.heads.length as usize];
        Ok(Self { session: Mutex::new(session), problems, plan, recording, updates: 0, heads })
    }

    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Launches of an update.
    pub fn launches(&self) -> usize {
        self.plan.update.launches()
    }

    /// One update of all tasks: draws them with noise of its own, and moves their weights. Gives the losses before it.
    pub fn update(&mut self, rate: f64) -> Result<Vec<Loss<f32>>, Failed> {
        let session = self.session.get_mut().unwrap_or_else(PoisonError::into_inner).as_mut();
        session.write(self.plan.settings.at, &picture::settings(self.updates))?;
        self.plan.adam.ready(session, rate, 1.0)?;
        session.replay(self.recording)?;
        let mut losses = vec![0.0; 2 * self.problems.len()];
        session.read(self.plan.losses.at, &mut losses)?;
        session.read(self.plan.heads.at, &mut self.heads)?;
        self.updates += 1;
        let loss = |both: &[f32]| Loss { said: both[0], missing: both[1] };
        Ok(losses.chunks_exact(2).map(loss).collect())
    }

    /// What a task's network said of colours and sides in the last update.
    pub fn heads(&self, task: usize) -> &[f32] {
        let length = |problem: &Problem| problem.program.values[problem.program.heads].len();
        let before: usize = self.problems[..task].iter().map(length).sum();
        &self.heads[before..][..length(&self.problems[task])]
    }

    /// A task's weights, in one order.
    pub fn weights(&self, task: usize) -> Result<Vec<f32>, Failed> {
        self.numbers(self.plan.adam.weights, task)
    }

    /// The gradient of a task's last loss by its weights.
    pub fn gradient(&self, task: usize) -> Result<Vec<f32>, Failed> {
        self.numbers(self.plan.adam.gradient, task)
    }

    fn numbers(&self, of: Span, task: usize) -> Result<Vec<f32>, Failed> {
        let before: usize = self.problems[..task].iter().map(|problem| problem.weights.len()).sum();
        let mut numbers = vec![0.0; self.problems[task].weights.len()];
        self.session
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .read(of.part(before, numbers.len()).at, &mut numbers)?;
        Ok(numbers)
    }
}

/// Writes an update down.
struct Writer<'a> {
    problems: &'a [Problem],
    tape: Tape,
    adam: Adam,
    settings: Span,
    losses: Span,
    heads: Span,
    masks: Vec<Masks>,
    inside: Vec<Span>,
    /// For each value, of each task, what the program has computed.
    values: Vec<Vec<Span>>,
    /// The slopes by values: each there only between who reads the value last and who wrote it.
    slopes: Vec<Option<Vec<Span>>>,
    /// For each operation, of each task, what it keeps for its way back.
    kept: Vec<Vec<Span>>,
    /// Of all matrices' slopes, which are summed in the end.
    sums: Sums,
}

impl<'a> Writer<'a> {
    fn new(problems: &'a [Problem]) -> Self {
        let [first, others @ ..] = problems else { panic!("no task to train on") };
        let is_alike = |(a, b): (&Op, &Op)| discriminant(a) == discriminant(b);
        for other in others {
            let (a, b) = (&first.program, &other.program);
            let alike = a.ops.len() == b.ops.len() && a.ops.iter().zip(&b.ops).all(is_alike);
            assert!(alike && a.heads == b.heads && a.values.len() == b.values.len(), "networks of one make");
        }
        let mut tape = Tape::default();
        let weights = |problem: &Problem| {
            assert_eq!(
                problem.weights.len(),
                problem.program.weights,
                "as many weights as the program takes"
            );
            problem.weights.len()
        };
        let adam = Adam::new(&mut tape, problems.iter().map(weights).sum(), DECAY);
        let heads = problems.iter().map(|problem| problem.program.values[problem.program.heads].len());
        Self {
            adam,
            settings: tape.take(3),
            losses: tape.take(2 * problems.len()),
            heads: tape.take(heads.sum()),
            masks: problems.iter().map(|problem| Masks::new(&mut tape, &problem.puzzle)).collect(),
            inside: problems
                .iter()
                .map(|Problem { puzzle, .. }| {
                    let [examples, _, height, width, _] = puzzle.extent.0;
                    tape.take(examples * height * width)
                })
                .collect(),
            values: vec![Vec::new(); first.program.values.len()],
            slopes: vec![None; first.program.values.len()],
            kept: vec![Vec::new(); first.program.ops.len()],
            sums: Sums::default(),
            tape,
            problems,
        }
    }

    fn plan(mut self) -> Plan {
        let ops = self.problems[0].program.ops.len();
        (0..ops).for_each(|i| self.forth(i));
        self.loss();
        (0..ops).rev().for_each(|i| self.back(i));
        std::mem::take(&mut self.sums).sum(&mut self.tape);
        self.adam.step(&mut self.tape);
        let Self { mut tape, adam, settings, losses, heads, masks, inside, .. } = self;
        let update = tape.script();
        Plan { adam, settings, losses, heads, masks, inside, floats: tape.floats(), update }
    }

    /// Something of each task.
    fn each<T>(&mut self, mut of: impl FnMut(&mut Self, usize, &'a Problem) -> T) -> Vec<T> {
        let problems = self.problems;
        problems.iter().enumerate().map(|(n, problem)| of(self, n, problem)).collect()
    }

    fn multi(&self, value: Value, n: usize) -> Multi<'a> {
        Multi::new(&self.problems[n].program.values[value], self.values[value][n])
    }

    fn pass(&self, from: Value, to: Value, n: usize) -> Pass<'a> {
        let extent = self.problems[n].puzzle.extent;
        Pass { extent, from: self.multi(from, n), to: self.multi(to, n) }
    }

    fn passes(&mut self, from: Value, to: Value) -> Vec<Pass<'a>> {
        self.each(|writer, n, _| writer.pass(from, to, n))
    }

    /// The part of what is laid out for all tasks' weights that is one task's.
    fn share(&self, of: Span, n: usize) -> Span {
        let before = self.problems[..n].iter().map(|problem| problem.weights.len()).sum();
        of.part(before, self.problems[n].weights.len())
    }

    /// Takes memory for a value.
    fn write(&mut self, value: Value) {
        let mut before = 0;
        self.values[value] = self.each(|writer, _, problem| {
            let length = problem.program.values[value].len();
            if value == problem.program.heads {
                before += length;
                return writer.heads.part(before - length, length);
            }
            writer.tape.take(length)
        });
    }

    fn draws(&mut self, i: usize, to: Value) -> Vec<Draw<'a>> {
        self.each(|writer, n, problem| {
            let Op::Draw { latents, .. } = &problem.program.ops[i] else {
                unreachable!("networks of one make")
            };
            Draw {
                latents,
                to: writer.multi(to, n),
                weights: writer.share(writer.adam.weights, n),
                stats: writer.kept[i][n],
                seed: problem.seed,
                settings: writer.settings,
                nats: writer.losses.part(2 * n, 1),
            }
        })
    }

    fn linears(&mut self, i: usize) -> Vec<Linear<'a>> {
        self.each(|writer, n, problem| {
            let weights = writer.share(writer.adam.weights, n);
            match &problem.program.ops[i] {
                Op::Linear { weights: parts, bias, .. } => {
                    Linear { parts, bias: bias.as_ref(), onto: None, weights }
                }
                Op::Residual { onto, weights: parts, .. } => {
                    Linear { parts, bias: None, onto: Some(writer.multi(*onto, n)), weights }
                }
                _ => unreachable!("networks of one make"),
            }
        })
    }

    fn mixes(&mut self, i: usize) -> Vec<Mix<'a>> {
        self.each(|writer, n, problem| {
            let Op::Mix { onto, blocks, .. } = &problem.program.ops[i] else {
                unreachable!("networks of one make")
            };
            let (onto, weights) = (writer.multi(*onto, n), writer.share(writer.adam.weights, n));
            Mix { onto, blocks, weights, matrices: writer.kept[i][n] }
        })
    }

    /// Lays out what an operation keeps for its way back.
    fn keep(&mut self, i: usize, length: impl Fn(&Self, usize, &'a Op) -> usize) {
        self.kept[i] = self.each(|writer, n, problem| {
            let length = length(writer, n, &problem.program.ops[i]);
            writer.tape.take(length)
        });
    }

    fn forth(&mut self, i: usize) {
        match &self.problems[0].program.ops[i] {
            &Op::Draw { to, .. } => {
                self.write(to);
                self.keep(
                    i,
                    |_, _, op| if let Op::Draw { latents, .. } = op { draw::stats(latents) } else { 0 },
                );
                let draws = self.draws(i, to);
                draw::forth(&mut self.tape, &draws);
            }
            &Op::Linear { from, to, .. } | &Op::Residual { from, to, .. } => {
                self.write(to);
                let all: Vec<_> = self.passes(from, to).into_iter().zip(self.linears(i)).collect();
                linear::forth(&mut self.tape, &all);
            }
            op @ (&Op::Spread { from, to } | &Op::Gather { from, to }) => {
                self.write(to);
                let passes = self.passes(from, to);
                let copies: Vec<_> = passes.iter().map(|pass| (pass.from.span, pass.to.span)).collect();
                plain::copy(&mut self.tape, copies);
                if matches!(op, Op::Spread { .. }) {
                    let all: Vec<_> = passes.iter().map(|pass| (pass.extent, pass.to)).collect();
                    share::spread(&mut self.tape, &all);
                } else {
                    let masked = passes.iter().zip(&self.masks);
                    let all: Vec<_> = masked.map(|(pass, &masks)| (pass.extent, pass.to, masks)).collect();
                    share::gather(&mut self.tape, &all);
                }
            }
            &Op::Norm { from, to } => {
                self.write(to);
                self.keep(i, |writer, n, _| norm::scales(&writer.pass(from, to, n)));
                let all: Vec<_> = self.passes(from, to).into_iter().zip(self.kept[i].clone()).collect();
                norm::forth(&mut self.tape, &all);
            }
            &Op::Softmax { from, to } => {
                self.write(to);
                let passes = self.passes(from, to);
                softmax::forth(&mut self.tape, &passes);
            }
            op @ (&Op::Cummax { from, to } | &Op::Shift { from, to }) => {
                self.write(to);
                let all: Vec<_> = self.passes(from, to).into_iter().zip(self.inside.clone()).collect();
                let run = if matches!(op, Op::Cummax { .. }) { lines::cummax } else { lines::shift };
                run(&mut self.tape, &all);
            }
            &Op::Silu { from, to } => {
                self.write(to);
                let passes = self.passes(from, to);
                silu::forth(&mut self.tape, &passes);
            }
            &Op::Mix { from, to, .. } => {
                self.write(to);
                self.keep(
                    i,
                    |_, _, op| if let Op::Mix { blocks, .. } = op { mix::matrices(blocks) } else { 0 },
                );
                let all: Vec<_> = self.passes(from, to).into_iter().zip(self.mixes(i)).collect();
                mix::forth(&mut self.tape, &all);
            }
        }
    }

    fn loss(&mut self) {
        let heads = self.problems[0].program.heads;
        let (slopes, _) = self.slopes_of(heads);
        let all = self.each(|writer, n, problem| Picture {
            puzzle: &problem.puzzle,
            heads: writer.multi(heads, n),
            slopes: slopes[n],
            settings: writer.settings,
            missing: writer.losses.part(2 * n + 1, 1),
        });
        picture::loss(&mut self.tape, &all);
    }

    /// The slopes by a value, and whether something is there to be added to.
    fn slopes_of(&mut self, value: Value) -> (Vec<Span>, bool) {
        if let Some(there) = &self.slopes[value] {
            return (there.clone(), true);
        }
        let taken = self.each(|writer, _, problem| writer.tape.take(problem.program.values[value].len()));
        self.slopes[value] = Some(taken.clone());
        (taken, false)
    }

    fn take(&mut self, value: Value) -> Vec<Span> {
        self.slopes[value].take().unwrap_or_else(|| unreachable!("what is computed is read"))
    }

    fn give_back(&mut self, spans: Vec<Span>) {
        spans.into_iter().for_each(|span| self.tape.give_back(span));
    }

    /// Makes slopes such by another value of the same shapes.
    fn hand_on(&mut self, slopes: Vec<Span>, value: Value) {
        if let Some(there) = self.slopes[value].clone() {
            plain::add(&mut self.tape, slopes.iter().copied().zip(there));
            self.give_back(slopes);
        } else {
            self.slopes[value] = Some(slopes);
        }
    }

    /// A pass with its slopes, and those by what it wrote, which nobody needs after it.
    fn backs(&mut self, from: Value, to: Value) -> (Vec<Back<'a>>, Vec<Span>) {
        let slopes = self.take(to);
        let (before, adds) = self.slopes_of(from);
        let backs = self.each(|writer, n, _| Back {
            pass: writer.pass(from, to, n),
            slope: slopes[n],
            before: before[n],
            adds,
        });
        (backs, slopes)
    }

    fn back(&mut self, i: usize) {
        let op = &self.problems[0].program.ops[i];
        let gradients = self.each(|writer, n, _| writer.share(writer.adam.gradient, n));
        let to = match op {
            &Op::Draw { to, .. } => {
                let slopes = self.take(to);
                let draws = self.draws(i, to).into_iter().zip(&slopes).zip(gradients);
                let all: Vec<_> = draws.map(|((draw, &slope), gradient)| (draw, slope, gradient)).collect();
                draw::back(&mut self.tape, &all);
                self.give_back(slopes);
                to
            }
            &Op::Linear { from, to, .. } | &Op::Residual { from, to, .. } => {
                let (backs, slopes) = self.backs(from, to);
                let all = backs.into_iter().zip(self.linears(i)).zip(gradients);
                let all: Vec<_> = all.map(|((back, linear), gradient)| (back, linear, gradient)).collect();
                linear::back(&mut self.tape, &all, &mut self.sums);
                match *op {
                    Op::Residual { onto, .. } => self.hand_on(slopes, onto),
                    _ => self.give_back(slopes),
                }
                to
            }
            &Op::Spread { from, to } | &Op::Gather { from, to } => {
                let slopes = self.take(to);
                let passes = self.passes(from, to);
                let multis =
                    passes.iter().zip(&slopes).map(|(pass, &slope)| (pass.extent, pass.to.at(slope)));
                if matches!(op, Op::Spread { .. }) {
                    let all: Vec<_> = multis.collect();
                    share::spread_back(&mut self.tape, &all);
                } else {
                    let masked = multis.zip(&self.masks);
                    let all: Vec<_> =
                        masked.map(|((extent, slope), &masks)| (extent, slope, masks)).collect();
                    share::gather_back(&mut self.tape, &all);
                }
                self.hand_on(slopes, from);
                to
            }
            &Op::Norm { from, to } => {
                let (backs, slopes) = self.backs(from, to);
                let all: Vec<_> = backs.into_iter().zip(self.kept[i].clone()).collect();
                norm::back(&mut self.tape, &all);
                self.give_back(slopes);
                to
            }
            &Op::Softmax { from, to } => {
                let (backs, slopes) = self.backs(from, to);
                softmax::back(&mut self.tape, &backs);
                self.give_back(slopes);
                to
            }
            &Op::Cummax { from, to } | &Op::Shift { from, to } => {
                let (backs, slopes) = self.backs(from, to);
                let all: Vec<_> = backs.into_iter().zip(self.inside.clone()).collect();
                let run =
                    if matches!(op, Op::Cummax { .. }) { lines::cummax_back } else { lines::shift_back };
                run(&mut self.tape, &all);
                self.give_back(slopes);
                to
            }
            &Op::Silu { from, to } => {
                let (backs, slopes) = self.backs(from, to);
                silu::back(&mut self.tape, &backs);
                self.give_back(slopes);
                to
            }
            &Op::Mix { onto, from, to, .. } => {
                let (backs, slopes) = self.backs(from, to);
                let all = backs.into_iter().zip(self.mixes(i)).zip(gradients);
                let all: Vec<_> = all.map(|((back, mix), gradient)| (back, mix, gradient)).collect();
                mix::back(&mut self.tape, &all);
                self.hand_on(slopes, onto);
                to
            }
        };
        // Whoever read the value has had its way back, and so has now who wrote it.
        let kept = std::mem::take(&mut self.kept[i]);
        self.give_back(kept);
        if to != self.problems[0].program.heads {
            let values = std::mem::take(&mut self.values[to]);
            self.give_back(values);
        }
    }
}
