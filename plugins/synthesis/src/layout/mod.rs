//! The search for [layout rules](stratagem_dsl::layout): each family learns its parameters from the
//! demonstrations and is checked on all of them.

mod lattice;
mod lookup;
mod pick;
mod puzzle;
mod redraw;
mod scenes;
mod series;
mod tiling;
mod trial;

use stratagem_dsl::colour::Role;
use stratagem_dsl::layout::prepare;
use stratagem_dsl::{Pair, Task, Transform, View};
use stratagem_kit::{Budget, Ranking, Share};

use crate::search::Seen;
use crate::views;
use scenes::Scene;
use trial::Trial;

/// What a renaming of colours adds to a rule's complexity.
const VIEW_HANDICAP: f64 = 0.7;
/// The confidence beyond which first steps are not worth their work.
const CONVINCING: f64 = 0.7;

/// Searches for layout rules that explain the demonstrations, and gives the ranking what they answer.
///
/// *Limits:* stops soon after the budget reaches zero.
pub fn search(task: &Task, budget: &mut dyn Budget, ranking: &mut Ranking) {
    if task.train.is_empty() || task.test.is_empty() {
        return;
    }
    let wanted = |view: &View| matches!(view, View::Plain | View::Background);
    let views: Vec<View> = views::worthwhile(task).into_iter().filter(wanted).collect();
    for (i, &view) in views.iter().enumerate() {
        let part = budget.left() / (views.len() - i) as u64;
        let seen = Seen::new(task, view);
        let handicap = if i == 0 { 0.0 } else { VIEW_HANDICAP };
        let mut share = Share::of(budget, part);
        let mut trial = Trial::new(&seen, handicap, &mut share, ranking);
        let cuts = scenes::of_task(&mut trial);
        search_cuts(&mut trial, &cuts);
        let kept = scenes::with_some_kept(&mut trial, &cuts);
        search_scenes(&mut trial, &kept);
        search_prepared(&mut trial, &seen.task);
    }
}

fn search_cuts(trial: &mut Trial, cuts: &[Scene]) {
    for scene in cuts {
        pick::search(trial, scene);
    }
    search_scenes(trial, cuts);
}

fn search_scenes(trial: &mut Trial, scenes: &[Scene]) {
    let same_size = trial.task().train.iter().all(|p| p.input.size() == p.output.size());
    for scene in scenes {
        if trial.exhausted() {
            return;
        }
        lattice::search(trial, scene);
        puzzle::search(trial, scene);
        tiling::search(trial, scene);
        // Series and lookups draw small answers: where the size stays they would explain by chance.
        if same_size {
            redraw::search(trial, scene);
        } else {
            series::search(trial, scene);
            lookup::search(trial, scene);
        }
    }
}

/// Searches again with every input put through a step first, unless a good answer is known.
fn search_prepared(trial: &mut Trial, task: &Task) {
    let everywhere = |c: &u8| task.inputs().all(|g| g.histogram()[*c as usize] > 0);
    let mut steps: Vec<Transform> = (1..10).filter(everywhere).map(Transform::Erase).collect();
    steps.truncate(4);
    steps.extend([Transform::EraseRole(Role::Least), Transform::EraseRole(Role::Most)]);
    steps.extend([Transform::Trim, Transform::DropBlackLines, Transform::DedupeLines]);
    let mut tried = vec![task.clone()];
    for step in steps {
        if trial.exhausted() || trial.best_everywhere() > CONVINCING {
            return;
        }
        trial.spend_inputs();
        let Some(prepared) = prepared(task, step).filter(|task| !tried.contains(task)) else { continue };
        let mut trial = trial.after(step, &prepared);
        let cuts = scenes::of_task(&mut trial);
        search_cuts(&mut trial, &cuts);
        tried.push(prepared);
    }
}

/// The task with every input put through a step; none where it does not apply to one.
fn prepared(task: &Task, step: Transform) -> Option<Task> {
    let pair = |p: &Pair| Some(Pair { input: prepare(step, &p.input)?, output: p.output.clone() });
    Some(Task {
        train: task.train.iter().map(pair).collect::<Option<_>>()?,
        test: task.test.iter().map(|g| prepare(step, g)).collect::<Option<_>>()?,
    })
}
