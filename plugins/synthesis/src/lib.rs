//! Program synthesis for ARC tasks: a plain library ([`search`]), and a plugin around it on wasm.
//!
//! A task is searched under one or more [views](views) of its colours. In each, a [walk](walk) applies
//! the transforms of `stratagem-dsl` to all inputs in lockstep, likely programs first, as a
//! [policy](policy) learned from solved tasks has it; the size of the answer is [predicted](sizes) from
//! what the walk finds; what has that size becomes a [piece](pieces); and answers are single states,
//! [products](product) of two, greedy [stacks](stack) of pieces, or [tables](table) that look a cell up
//! by what pieces show there.
//! The [ranking](Ranking) orders them by how many demonstrations they fit, then by brevity.
//!
//! Nothing here knows a clock, a thread or chance: the same task, limits and budget give the same
//! answers for the same work.
//!
//! *Source:* the idea of the lockstep graph and the greedy stack is that of the winner of the 2020
//! Kaggle contest (Icecuber); the code and the rest of the search are our own.

// The map above links to private modules, for those who read the source.
#![allow(rustdoc::private_intra_doc_links)]

pub mod cells;
pub mod hashing;
pub mod layout;
mod limits;
pub mod objects;
mod pieces;
#[cfg(all(target_arch = "wasm32", feature = "plugin"))]
mod plugin;
mod policy;
pub mod priors;
mod product;
mod search;
mod sizes;
mod stack;
mod steps;
mod table;
pub mod views;
mod walk;

pub use limits::Limits;
pub use sizes::Prediction;
pub use stratagem_kit::{Answer, Budget, Work};

use search::{Seen, ViewSearch};
use stratagem_dsl::{Program, Task};
use stratagem_kit::{Ranking, Share};
use walk::Walk;

/// The work that serves most tasks: more solves a few more, at the time that it takes.
pub const WORK_USUAL: u64 = 100_000_000;

/// Rules of each sort may take one part in so many of what is left of the work.
const RULES_PART: u64 = 5;

/// The confidence beyond which another view is not worth its work.
const CONVINCING: f64 = 0.8;

/// Searches for programs that explain a task's demonstrations, and offers what they answer.
///
/// Answers come as they are found, cheap ones first; an answer may be offered again at a higher
/// confidence. The same task, limits and budget give the same answers and spend the same work.
///
/// *Limits:* stops soon after the budget reaches zero; graphs and pieces stay within
/// `limits.memory_bytes`, roughly.
pub fn search(task: &Task, limits: Limits, budget: &mut dyn Budget, offer: &mut dyn FnMut(Answer)) {
    if task.train.is_empty() || task.test.is_empty() {
        return;
    }
    let mut ranking = Ranking::new(task.test.len(), limits.answers);
    let views = views::worthwhile(task);
    if let Some(&view) = views.first() {
        ViewSearch::new(&Seen::new(task, view), limits, 0.0).tell_single_steps(budget, offer);
    }
    rules(task, budget, &mut ranking, offer);
    for (i, &view) in views.iter().enumerate() {
        if i > 0 && ranking.best_everywhere() > CONVINCING {
            break;
        }
        let seen = Seen::new(task, view);
        let later = (views.len() - 1 - i) as u64;
        let part = if i == 0 && later > 0 { budget.left() / 3 * 2 } else { budget.left() / (later + 1) };
        let mut share = Share::of(budget, part);
        ViewSearch::new(&seen, limits, i as f64 * 0.5).run(limits, &mut share, &mut ranking, offer);
    }
    ranking.flush(offer);
}

/// Looks for rules about objects, cells and layouts before the walk: they are cheap, and what the walk does not find.
pub fn rules(task: &Task, budget: &mut dyn Budget, ranking: &mut Ranking, offer: &mut dyn FnMut(Answer)) {
    for search in [objects::search, layout::search, cells::search] {
        let part = budget.left() / RULES_PART;
        search(task, &mut Share::of(budget, part), ranking);
        ranking.flush(offer);
    }
}

/// Tells rules that explain a part of what changes, and how complex they are, for searches that go on from there.
pub fn partial_rules(task: &Task, budget: &mut dyn Budget, tell: &mut dyn FnMut(Program, f64)) {
    for search in [objects::partial, cells::partial] {
        let part = budget.left() / 2;
        search(task, &mut Share::of(budget, part), tell);
    }
}

/// The cost up to which states are measured for the size of the answer.
const MEASURED: u16 = 14;

/// The cheapest rule for the size of the answer that holds for every demonstration, for other searches.
pub fn predict_size(task: &Task, limits: Limits, budget: &mut dyn Budget) -> Option<Prediction> {
    let mut walk = Walk::new(task, limits.memory_bytes);
    walk.expand_to(0, budget);
    let near = sizes::predict(task, &walk, 1).pop().filter(|p| p.rule.width.of.is_some());
    near.or_else(|| {
        walk.expand_to(MEASURED, budget);
        sizes::predict(task, &walk, 1).pop()
    })
}
