//! Parts fitted together, pairs of parts with roles, and what a patch hides.

use stratagem_dsl::layout::{Act, Cut, Measure, PairOp, Puzzle};
use stratagem_dsl::objects::Property;

use super::scenes::Scene;
use super::trial::Trial;

/// What tells the first of two parts from the second.
const ROLES: [Measure; 6] = [
    Measure::Of(Property::Area),
    Measure::Of(Property::Ink),
    Measure::Of(Property::Colours),
    Measure::Of(Property::Density),
    Measure::Of(Property::Right),
    Measure::Of(Property::Down),
];

/// Looks for puzzles, pairs and patches in a scene.
pub fn search(trial: &mut Trial, scene: &Scene) {
    if scene.parts.iter().all(|p| p.list.len() > 1) {
        puzzles(trial, scene);
        pairs(trial, scene);
    }
    if scene.cut == Cut::Whole {
        hidden(trial, scene);
    }
}

fn puzzles(trial: &mut Trial, scene: &Scene) {
    for puzzle in Puzzle::all() {
        if let Puzzle::Marker(c) = puzzle
            && trial.task().inputs().any(|g| g.histogram()[usize::from(c)] < 2)
        {
            continue;
        }
        trial.spend_parts(scene);
        trial.try_act_finished(scene, &Act::Puzzle(puzzle), 1.2, 1.0, false);
    }
}

fn pairs(trial: &mut Trial, scene: &Scene) {
    let few = |n: usize, across: usize| n == 2 || (across > 0 && n <= 25);
    if scene.parts.iter().any(|p| !few(p.list.len(), p.across)) {
        return;
    }
    for role in ROLES {
        for op in PairOp::ALL {
            trial.spend_parts(scene);
            trial.try_act_finished(scene, &Act::Pair(role, op), 1.5, 1.5, false);
        }
    }
}

fn hidden(trial: &mut Trial, scene: &Scene) {
    for c in 0..10u8 {
        let boxed = trial.task().train.iter().all(|p| {
            let found = p.input.bounds(|d| d == c);
            found.is_some_and(|(_, _, size)| size == p.output.size() && size != p.input.size())
        });
        if boxed {
            (0..4).for_each(|_| trial.spend_parts(scene));
            trial.try_act_finished(scene, &Act::Hidden(c), 1.2, 1.0, false);
        }
    }
}
