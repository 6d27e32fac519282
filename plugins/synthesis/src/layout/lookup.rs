//! Answers looked up among those that have been seen, by a count or a measure.

use std::collections::BTreeMap;

use stratagem_dsl::Grid;
use stratagem_dsl::layout::{Act, Lookup, Measure};

use super::scenes::Scene;
use super::trial::{LONE_ROW, Trial};

/// The most cells of an answer that is looked up.
const MAX_AREA: usize = 40;

/// Looks for tables of whole answers.
pub fn search(trial: &mut Trial, scene: &Scene) {
    if !answers_recur(trial) {
        return;
    }
    try_table(trial, scene, Lookup::Number);
    if scene.count() == Some(1) {
        for measure in Measure::all() {
            trial.spend_parts(scene);
            try_table(trial, scene, Lookup::By(measure));
        }
    }
}

/// Whether there are few enough different answers, more than one.
fn answers_recur(trial: &Trial) -> bool {
    let mut distinct: Vec<&Grid> = Vec::new();
    for i in 0..trial.pairs() {
        if !distinct.contains(&trial.wanted(i)) {
            distinct.push(trial.wanted(i));
        }
    }
    let small = distinct.iter().all(|g| g.area() <= MAX_AREA);
    small && distinct.len() > 1 && distinct.len() * 3 <= trial.pairs() * 2
}

fn try_table(trial: &mut Trial, scene: &Scene, lookup: Lookup) {
    let inputs = trial.task().inputs();
    let values: Option<Vec<i32>> = scene.parts.iter().zip(inputs).map(|(p, g)| lookup.value(p, g)).collect();
    let Some(values) = values else { return };
    let (shown, asked) = values.split_at(trial.pairs());
    let mut rows: BTreeMap<i32, (usize, usize)> = BTreeMap::new();
    for (i, &value) in shown.iter().enumerate() {
        let row = rows.entry(value).or_insert((i, 0));
        row.1 += 1;
        if trial.wanted(row.0) != trial.wanted(i) {
            return;
        }
    }
    if asked.iter().any(|v| !rows.contains_key(v)) || rows.len() * 3 > trial.pairs() * 2 {
        return;
    }
    let lone = rows.values().filter(|r| r.1 == 1).count();
    let cost = 1.0 + 0.7 * rows.len() as f64 + LONE_ROW * lone as f64;
    let choices = 1.0 + 0.5 * rows.len() as f64;
    let rows = rows.into_iter().map(|(v, (i, _))| (v, trial.wanted(i).clone())).collect();
    trial.try_act_finished(scene, &Act::Table(lookup, rows), cost, choices, false);
}
