//! Evolution for ARC tasks: a plain library ([`evolve`], [`search`]), and a plugin around it on wasm.
//!
//! Programs are bred over the transforms of `stratagem-dsl`. The [arena](arena) holds every program tried, as the
//! tuple of its outputs, each tuple once. The [population](population) is one of elites: by niche, as MAP-Elites
//! keeps it, with parents chosen by lexicase selection whose cases are the [cells](piece) of the demonstrations.
//! Mutation adds, changes and leaves out steps, crossover puts the end of one program on another, and choices among
//! trees take their rules and masks from the [cells](learn) rather than from chance.
//!
//! All chance follows from the seed: the same task, seed, programs and budget give the same answers for the same
//! work.

// The map above links to private modules, for those who read the source.
#![allow(rustdoc::private_intra_doc_links)]

mod arena;
mod chance;
mod cross;
mod evolve;
mod generation;
mod learn;
mod piece;
#[cfg(all(target_arch = "wasm32", feature = "plugin"))]
mod plugin;
mod population;
mod sow;
mod vary;
mod weigh;

pub use generation::Generation;
pub use stratagem_kit::{Answer, Budget, Work};

use chance::Chance;
use evolve::{CONVINCING, Evolution, Scene};
use stratagem_dsl::{Pair, Program, Task, View};
use stratagem_kit::{Ranking, Share, program_in};
use stratagem_synthesis::{Limits, predict_size, views};

/// The work that serves most tasks.
pub const WORK_USUAL: u64 = 1_200_000_000;

/// Answers that may be offered for one test input.
const ANSWERS: usize = 8;

/// Bytes that a population may take before a new one starts from its best programs.
const MEMORY_BYTES: usize = 80 << 20;

/// Searches a little for seeds, and breeds from them and from `patterns`, programs that served before.
pub fn search(
    task: &Task,
    seed: u64,
    patterns: &[Program],
    memory_bytes: usize,
    budget: &mut dyn Budget,
    tell: &mut dyn FnMut(Generation),
    offer: &mut dyn FnMut(Answer),
) {
    let part = budget.left() / 4;
    let limits = Limits { memory_bytes: memory_bytes / 2, answers: 4 };
    let mut seeds: Vec<Program> = patterns.to_vec();
    stratagem_synthesis::search(task, limits, &mut Share::of(budget, part), &mut |answer| {
        seeds.extend(program_in(&answer.rationale));
        offer(answer);
    });
    breed(task, seed, &seeds, memory_bytes.min(MEMORY_BYTES), budget, tell, offer);
}

/// Breeds programs that explain a task's demonstrations, and offers what they answer.
///
/// Answers come as they are found; an answer may be offered again at a higher confidence. `tell` hears of the
/// population now and then.
pub fn evolve(
    task: &Task,
    seed: u64,
    seeds: &[Program],
    budget: &mut dyn Budget,
    tell: &mut dyn FnMut(Generation),
    offer: &mut dyn FnMut(Answer),
) {
    breed(task, seed, seeds, MEMORY_BYTES, budget, tell, offer);
}

fn breed(
    task: &Task,
    seed: u64,
    seeds: &[Program],
    memory_bytes: usize,
    budget: &mut dyn Budget,
    tell: &mut dyn FnMut(Generation),
    offer: &mut dyn FnMut(Answer),
) {
    if task.train.is_empty() || task.test.is_empty() {
        return;
    }
    let mut chance = Chance::new(seed);
    let mut ranking = Ranking::new(task.test.len(), ANSWERS);
    let views = views::worthwhile(task);
    for (i, &view) in views.iter().enumerate() {
        let later = (views.len() - 1 - i) as u64;
        let part = if i == 0 && later > 0 { budget.left() / 3 * 2 } else { budget.left() / (later + 1) };
        let mut share = Share::of(budget, part);
        let scene = set_scene(task, view, memory_bytes, &mut share);
        let mut heirs = Vec::new();
        // A population whose memory is full makes way for a new one that starts from its best programs.
        while share.left() > 0 && ranking.best_everywhere() <= CONVINCING {
            let mut evolution = Evolution::new(&scene, Chance::new(chance.bits()), i as f64 * 0.5);
            let seeds: Vec<Program> = seeds.iter().cloned().chain(heirs).collect();
            evolution.run(&seeds, &mut share, &mut ranking, tell, offer);
            heirs = evolution.heirs();
        }
    }
}

/// The task under a view, and the size of its answers.
fn set_scene(task: &Task, view: View, memory_bytes: usize, budget: &mut dyn Budget) -> Scene {
    let seen = |pair: &Pair| {
        let renaming = view.renaming(&pair.input);
        Pair { input: renaming.apply(&pair.input), output: renaming.apply(&pair.output) }
    };
    let renamings: Vec<_> = task.test.iter().map(|g| view.renaming(g)).collect();
    let test = task.test.iter().zip(&renamings).map(|(g, r)| r.apply(g)).collect();
    let task = Task { train: task.train.iter().map(seen).collect(), test };
    let limits = Limits { memory_bytes: memory_bytes / 4, ..Limits::default() };
    let part = budget.left() / 6;
    let (rule, sizes) = match predict_size(&task, limits, &mut Share::of(budget, part)) {
        Some(prediction) => (Some(prediction.rule), prediction.sizes),
        None => (None, vec![None; task.inputs().count()]),
    };
    Scene { view, task, renamings, rule, sizes, memory_bytes }
}
