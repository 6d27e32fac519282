//! Panels and blocks: merged over each other, or summarised to a cell each.

use std::collections::BTreeMap;

use stratagem_dsl::geometry::{Rigid, rigid};
use stratagem_dsl::layout::{Act, FIRST_INK, Finish, Measure, Merge, Reading};
use stratagem_dsl::objects::Property;
use stratagem_dsl::{Grid, Size, Transform};

use super::scenes::Scene;
use super::trial::Trial;

/// Looks for merges and summaries of a scene.
pub fn search(trial: &mut Trial, scene: &Scene) {
    let alike = |list: &[Grid]| list.len() > 1 && list.iter().all(|g| g.size() == list[0].size());
    if scene.parts.iter().all(|p| alike(&p.list)) {
        merges(trial, scene);
    }
    let arranged = |size: Size| size.width > 1 && size.height > 1;
    if scene.parts.iter().all(|p| p.across > 0 || p.places().is_some_and(|(size, _)| arranged(size))) {
        summaries(trial, scene);
    }
}

fn merges(trial: &mut Trial, scene: &Scene) {
    for merge in [Merge::Majority, Merge::Agreement, Merge::Dissent] {
        trial.try_act(scene, &Act::Merge(merge), 1.0, 1.0);
    }
    trial.spend_parts(scene);
    let sized = (0..trial.pairs()).all(|i| trial.wanted(i).size() == scene.parts[i].list[0].size());
    if !sized {
        return;
    }
    if let Some(order) = scene.count().and_then(|n| order(trial, scene, n)) {
        trial.try_act_finished(scene, &Act::Merge(Merge::Order(order)), 1.2, 1.5, false);
    }
    if let Some(rows) = table(trial, scene, |colours| inked(colours).count() as u8) {
        let cost = 1.0 + 0.3 * rows.len() as f64;
        trial.try_act_finished(scene, &Act::Merge(Merge::Count(rows)), cost, 1.5, false);
    }
    if scene.count().is_some_and(|n| n <= 4) {
        let bits = |colours: &[u8]| inked(colours).map(|i| 1u8 << i).sum::<u8>();
        if let Some(rows) = table(trial, scene, bits) {
            let cost = 1.0 + 0.25 * rows.len() as f64;
            trial.try_act_finished(scene, &Act::Merge(Merge::Bits(rows)), cost, 2.0, false);
        }
    }
}

fn inked(colours: &[u8]) -> impl Iterator<Item = usize> {
    colours.iter().enumerate().filter(|(_, c)| **c != 0).map(|(i, _)| i)
}

/// Calls `visit` with the colours that the parts have at each cell, and the colour wanted there.
fn each_cell(trial: &Trial, scene: &Scene, mut visit: impl FnMut(&[u8], u8)) {
    for i in 0..trial.pairs() {
        let list = &scene.parts[i].list;
        let mut colours = vec![0; list.len()];
        for (k, &wanted) in trial.wanted(i).cells().iter().enumerate() {
            for (colour, g) in colours.iter_mut().zip(list) {
                *colour = g.cells()[k];
            }
            visit(&colours, wanted);
        }
    }
}

/// The order of parts that no cell contradicts; none where there is none.
fn order(trial: &Trial, scene: &Scene, n: usize) -> Option<Vec<u8>> {
    if n > 9 {
        return None;
    }
    let mut above = vec![vec![false; n]; n];
    let mut explained = true;
    each_cell(trial, scene, |colours, wanted| {
        let shown: Vec<usize> = inked(colours).filter(|&i| colours[i] == wanted).collect();
        explained &= if wanted == 0 { inked(colours).next().is_none() } else { !shown.is_empty() };
        if let [top] = shown[..] {
            inked(colours).filter(|&i| i != top).for_each(|i| above[top][i] = true);
        }
    });
    let mut order: Vec<u8> = Vec::new();
    while explained && order.len() < n {
        let left: Vec<usize> = (0..n).filter(|&i| !order.contains(&(i as u8))).collect();
        let next = left.iter().find(|&&i| left.iter().all(|&j| !above[j][i]))?;
        order.push(*next as u8);
    }
    explained.then_some(order)
}

/// The colour wanted for each key: always one colour, or always that of the first inked part.
fn table(trial: &Trial, scene: &Scene, key: impl Fn(&[u8]) -> u8) -> Option<Vec<(u8, u8)>> {
    let mut fixed: BTreeMap<u8, Option<u8>> = BTreeMap::new();
    let mut first: BTreeMap<u8, bool> = BTreeMap::new();
    each_cell(trial, scene, |colours, wanted| {
        let key = key(colours);
        let ink = inked(colours).next().map_or(0, |i| colours[i]);
        let known = fixed.entry(key).or_insert(Some(wanted));
        *known = known.filter(|&c| c == wanted);
        *first.entry(key).or_insert(true) &= ink == wanted && ink != 0;
    });
    let row = |(&key, &colour): (&u8, &Option<u8>)| {
        let follows = first.get(&key) == Some(&true);
        Some((key, colour.or(follows.then_some(FIRST_INK))?))
    };
    fixed.iter().map(row).collect()
}

fn summaries(trial: &mut Trial, scene: &Scene) {
    for reading in [Reading::Most, Reading::Main, Reading::Least] {
        trial.spend_parts(scene);
        trial.try_act(scene, &Act::Summary(reading), 1.0, 1.0);
    }
    if scene.parts.iter().any(|p| p.across == 0) {
        return;
    }
    for (turn, cost) in [(None, 0.0), (Some(Rigid::Transpose), 1.0)] {
        let Some((cells, stretch)) = wanted_cells(trial, scene, turn) else { continue };
        let mut finish: Vec<Finish> = turn.map(|m| Finish::Step(Transform::Rigid(m))).into_iter().collect();
        finish.extend(stretch.map(|(w, h)| Finish::Stretch(w, h)));
        let cost = cost + if stretch.is_some() { 1.0 } else { 0.0 };
        looked_up(trial, scene, &cells, &finish, cost);
    }
}

/// How many cells across and down stand for one.
type Factors = (u8, u8);

/// What is wanted of every part of the demonstrations, where the answer is the lattice, turned and stretched.
fn wanted_cells(
    trial: &Trial,
    scene: &Scene,
    turn: Option<Rigid>,
) -> Option<(Vec<Vec<u8>>, Option<Factors>)> {
    let mut factors = None;
    let mut out = Vec::new();
    for i in 0..trial.pairs() {
        let (parts, wanted) = (&scene.parts[i], trial.wanted(i));
        let size = Size::new(parts.across, parts.list.len() / parts.across);
        let turned = if turn.is_some() { Size::new(size.height, size.width) } else { size };
        if !wanted.width().is_multiple_of(turned.width) || !wanted.height().is_multiple_of(turned.height) {
            return None;
        }
        let k = (wanted.width() / turned.width, wanted.height() / turned.height);
        let small = Grid::build(turned, |x, y| wanted.at(x * k.0, y * k.1))?;
        let exact = (0..wanted.area())
            .all(|j| wanted.cells()[j] == small.at(j % wanted.width() / k.0, j / wanted.width() / k.1));
        if !exact || *factors.get_or_insert(k) != k {
            return None;
        }
        out.push(turn.map_or_else(|| small.clone(), |m| rigid(&small, m)).cells().to_vec());
    }
    let stretch = factors.filter(|&k| k != (1, 1)).map(|(x, y)| (x as u8, y as u8));
    Some((out, stretch))
}

/// Tables from a measure of each part to its cell, on trial.
fn looked_up(trial: &mut Trial, scene: &Scene, cells: &[Vec<u8>], finish: &[Finish], cost: f64) {
    for (table, table_cost, choices) in tables(trial, scene, cells) {
        trial.try_finished(scene, &Act::Summary(table), finish, cost + table_cost, choices);
    }
}

/// Tables from a measure of each part to its cell that no part contradicts, with cost and choices.
pub fn tables(trial: &mut Trial, scene: &Scene, cells: &[Vec<u8>]) -> Vec<(Reading, f64, f64)> {
    let mut measures = vec![
        Measure::Of(Property::Ink),
        Measure::Shape,
        Measure::Of(Property::Colour),
        Measure::Of(Property::Colours),
        Measure::Of(Property::Components),
        Measure::Of(Property::Holes),
        Measure::Of(Property::Copies),
        Measure::Of(Property::ShapeCopies),
        Measure::Of(Property::Minority),
        Measure::Of(Property::Symmetry),
        Measure::MirrorX,
        Measure::MirrorY,
    ];
    measures.extend((1..10).map(Measure::Cells));
    let mut out = Vec::new();
    for measure in measures {
        trial.spend_parts(scene);
        let values = trial.measure(measure, scene);
        let mut rows: BTreeMap<i32, (u8, usize)> = BTreeMap::new();
        let mut parts = 0;
        let consistent =
            values.iter().zip(cells).flat_map(|(v, c)| v.iter().zip(c)).all(|(&value, &colour)| {
                let row = rows.entry(value).or_insert((colour, 0));
                row.1 += 1;
                parts += 1;
                row.0 == colour
            });
        let lone = rows.values().filter(|r| r.1 == 1).count();
        let known = values.iter().flatten().all(|v| rows.contains_key(v));
        if !consistent || !known || rows.len() < 2 || rows.len() * 2 > parts {
            continue;
        }
        let cost = 1.0 + 0.25 * rows.len() as f64 + 0.35 * lone as f64;
        let choices = 1.5 + 0.3 * rows.len() as f64;
        let rows = rows.into_iter().map(|(v, (c, _))| (v, c)).collect();
        out.push((Reading::Table(measure, rows), cost, choices));
    }
    out
}
