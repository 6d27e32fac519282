//! One part, picked by what sets it apart, and changed.

use stratagem_dsl::geometry::Rigid;
use stratagem_dsl::layout::{Act, Cut, Finish, Keep, LayoutRule, Measure};
use stratagem_dsl::repair::Mirror;
use stratagem_dsl::{Grid, Transform};

use super::scenes::Scene;
use super::trial::Trial;

/// What a keep by a measure costs: by rank, and by a value.
const BY_RANK: f64 = 1.0;
const BY_VALUE: f64 = 1.4;

/// Looks for the part that is the answer, as it is or after last steps.
pub fn search(trial: &mut Trial, scene: &Scene) {
    if scene.parts.iter().any(|p| p.list.len() < 2) {
        // The only part needs no choice; other families build on it too.
        trial.try_act(scene, &Act::Take, 0.5, 1.0);
    }
    let keeps = candidates(trial, scene);
    for (steps, cost) in endings(trial) {
        if trial.exhausted() {
            return;
        }
        let Some(matches) = matches(trial, scene, &steps) else { continue };
        for (keep, chosen) in &keeps {
            let fits = chosen.iter().zip(&matches).filter(|(i, found)| found[**i]).count();
            if trial.is_worth_it(fits) {
                let keep_cost = if matches!(keep, Keep::Is(..)) { BY_VALUE } else { BY_RANK };
                let rule = rule(trial, scene, *keep, steps.clone());
                trial.offer(&rule, fits, scene.cost + keep_cost + cost, 2.0 + 0.5 * steps.len() as f64);
            }
        }
    }
    recoloured(trial, scene, &keeps);
}

/// Which parts of each demonstration become the answer; none where in too many no part does.
fn matches(trial: &mut Trial, scene: &Scene, steps: &[Finish]) -> Option<Vec<Vec<bool>>> {
    let mut missed = 0;
    let mut out = Vec::new();
    for (i, pair) in trial.task().train.iter().enumerate() {
        let list = &scene.parts[i].list;
        trial.spend(if steps.is_empty() { list.len() } else { list.iter().map(Grid::area).sum() });
        let becomes = |g: &Grid| {
            let start = g.clone().moved_to(0, 0);
            let end = steps.iter().try_fold(start, |g, step| step.apply(&g, &pair.input));
            end.is_some_and(|g| g == pair.output)
        };
        let found: Vec<bool> = list.iter().map(becomes).collect();
        missed += usize::from(!found.contains(&true));
        if !trial.is_worth_it(trial.pairs() - missed) {
            return None;
        }
        out.push(found);
    }
    Some(out)
}

/// Keeps that leave one part, or parts that are alike, of every input; with the first part kept of each
/// demonstration.
fn candidates(trial: &mut Trial, scene: &Scene) -> Vec<(Keep, Vec<usize>)> {
    let mut out = Vec::new();
    if scene.cut == Cut::Whole || scene.parts.iter().any(|p| p.list.len() < 2) {
        return out;
    }
    for measure in Measure::all() {
        trial.spend_parts(scene);
        let values = trial.measure(measure, scene);
        let mut keeps = vec![Keep::Odd(measure)];
        // A shape is no number: none is more than another.
        if measure != Measure::Shape {
            keeps.extend([Keep::Most(measure), Keep::Least(measure)]);
        }
        let mut shared: Vec<i32> = values[0].clone();
        shared.retain(|v| values.iter().all(|other| other.contains(v)));
        shared.sort_unstable();
        shared.dedup();
        keeps.extend(shared.into_iter().take(8).map(|v| Keep::Is(measure, v)));
        for keep in keeps {
            let chosen = values.iter().zip(&scene.parts).map(|(values, parts)| {
                let found = keep.among(values)?;
                let &first = found.first()?;
                let alike = found.iter().all(|&i| {
                    parts.list[i].size() == parts.list[first].size()
                        && parts.list[i].cells() == parts.list[first].cells()
                });
                alike.then_some(first)
            });
            if let Some(mut chosen) = chosen.collect::<Option<Vec<_>>>() {
                chosen.truncate(trial.pairs());
                out.push((keep, chosen));
            }
        }
    }
    out
}

/// Last steps worth trying on a part.
fn endings(trial: &Trial) -> Vec<(Vec<Finish>, f64)> {
    let step = Finish::Step;
    let mut out: Vec<(Vec<Finish>, f64)> = vec![(Vec::new(), 0.0)];
    let mut singles: Vec<Finish> = Rigid::ALL.map(|m| step(Transform::Rigid(m))).to_vec();
    singles.extend(Mirror::ALL.map(|m| step(Transform::Symmetrize(m))));
    singles.extend([
        Finish::Shrink,
        Finish::PaintOther,
        step(Transform::Trim),
        step(Transform::Peel),
        step(Transform::Fill),
        step(Transform::Flood),
        step(Transform::Negative),
        step(Transform::Exchange),
        step(Transform::DedupeLines),
        step(Transform::DropBlackLines),
        step(Transform::Interior),
        step(Transform::Frame),
        step(Transform::Patches),
        step(Transform::MainCell),
        step(Transform::Tile(2, 1)),
        step(Transform::Tile(1, 2)),
        step(Transform::Tile(2, 2)),
        step(Transform::MirrorTile(2, 1)),
        step(Transform::MirrorTile(1, 2)),
        step(Transform::MirrorTile(2, 2)),
        step(Transform::Fractal),
    ]);
    singles.extend((2..=4).map(|k| step(Transform::ScaleUp(k))));
    let present = |c: usize| trial.task().train.iter().any(|p| p.input.histogram()[c] > 0);
    singles.extend((1..10).filter(|&c| present(c as usize)).map(|c| step(Transform::Erase(c))));
    out.extend(singles.into_iter().map(|f| (vec![f], 1.0)));
    out.push((vec![Finish::Shrink, Finish::PaintOther], 2.0));
    out
}

/// The part that a keep leaves, with its colours renamed the same way everywhere.
fn recoloured(trial: &mut Trial, scene: &Scene, keeps: &[(Keep, Vec<usize>)]) {
    for (keep, chosen) in keeps {
        let drawn: Vec<Option<Grid>> =
            chosen.iter().zip(&scene.parts).map(|(&i, parts)| Some(parts.list[i].clone())).collect();
        if let Some((rows, cost)) = trial.recolouring(&drawn) {
            let choices = 2.0 + 0.4 * rows.len() as f64;
            let finish = vec![Finish::Recolour(rows)];
            let rule = rule(trial, scene, *keep, finish);
            trial.offer(&rule, trial.pairs(), scene.cost + BY_RANK + cost, choices);
        }
    }
}

fn rule(trial: &Trial, scene: &Scene, keep: Keep, finish: Vec<Finish>) -> LayoutRule {
    LayoutRule { first: trial.first(), cut: scene.cut, keep, act: Act::Take, finish }
}
