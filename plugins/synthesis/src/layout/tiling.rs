//! Copies of one grid: by place, by cell, unfolded, or as blocks for colours.

use std::collections::BTreeMap;

use stratagem_dsl::layout::{Act, Amount, CellTest, TileKind, Tiling};
use stratagem_dsl::{Grid, Size};

use super::scenes::Scene;
use super::trial::{LONE_ROW, Trial};

/// The most places of a tiling.
const MAX_PLACES: usize = 16;

/// Looks for tilings of the only part of a scene.
pub fn search(trial: &mut Trial, scene: &Scene) {
    if scene.parts.iter().any(|p| p.list.len() != 1) {
        return;
    }
    let (tile, wanted) = (scene.parts[0].list[0].size(), trial.wanted(0).size());
    let mut tilings = vec![(Tiling::Period, 1.0)];
    tilings.extend(unfoldings(tile, wanted));
    if wanted.width.is_multiple_of(tile.width) && wanted.height.is_multiple_of(tile.height) {
        let (across, down) = (wanted.width / tile.width, wanted.height / tile.height);
        tilings.extend(places(trial, scene, across, down));
        tilings.extend(cells(trial, scene));
        if across == down && across > 1 {
            let amounts = Amount::ALL.into_iter().flat_map(|a| Amount::ALL.map(|b| (a, b)));
            tilings.extend(amounts.map(|(side, copies)| (Tiling::Copies(side, copies), 1.5)));
        }
    }
    tilings.extend(blocks(trial, scene));
    for (tiling, cost) in tilings {
        trial.spend_parts(scene);
        trial.try_act_finished(scene, &Act::Tiling(tiling), cost, 1.0 + 0.5 * cost, false);
    }
}

fn unfoldings(tile: Size, wanted: Size) -> Option<(Tiling, f64)> {
    let times = |n: usize, m: usize| {
        let k = if n > 1 { (m - 1) / (n - 1) } else { 1 };
        ((n - 1) * k + 1 == m && (1..=9).contains(&k)).then_some(k as u8)
    };
    let (across, down) = (times(tile.width, wanted.width)?, times(tile.height, wanted.height)?);
    (across * down > 1).then_some((Tiling::Unfold(across, down), 1.3))
}

/// The plainest kind for each place that fits every demonstration.
fn places(trial: &mut Trial, scene: &Scene, across: usize, down: usize) -> Option<(Tiling, f64)> {
    let count = across * down;
    if !(2..=MAX_PLACES).contains(&count) {
        return None;
    }
    let mut fitting: Vec<Vec<TileKind>> = vec![TileKind::all(); count];
    for i in 0..trial.pairs() {
        let (g, wanted) = (&scene.parts[i].list[0], trial.wanted(i));
        trial.spend(4 * wanted.area());
        if wanted.width() != g.width() * across || wanted.height() != g.height() * down {
            return None;
        }
        let drawn: Vec<(TileKind, Option<Grid>)> =
            TileKind::all().into_iter().map(|kind| (kind, kind.draw(g))).collect();
        for (k, kinds) in fitting.iter_mut().enumerate() {
            let place = wanted.crop(k % across * g.width(), k / across * g.height(), g.size())?;
            let shows = |kind: &TileKind| {
                let tile = drawn.iter().find(|(other, _)| other == kind).and_then(|(_, tile)| tile.as_ref());
                tile.is_some_and(|tile| tile.cells() == place.cells())
            };
            kinds.retain(shows);
            if kinds.is_empty() {
                return None;
            }
        }
    }
    let kinds: Vec<TileKind> = fitting.into_iter().map(|kinds| kinds[0]).collect();
    let changes = kinds.iter().filter(|&&kind| kind != TileKind::Same).count();
    let cost = 1.0 + 0.3 * changes as f64;
    Some((Tiling::Places(across as u8, kinds), cost))
}

/// Tilings with a copy for each of the grid's own cells.
fn cells(trial: &Trial, scene: &Scene) -> Vec<(Tiling, f64)> {
    let own = |i: usize| {
        let (g, wanted) = (&scene.parts[i].list[0], trial.wanted(i));
        wanted.width() == g.width() * g.width() && wanted.height() == g.height() * g.height()
    };
    let mut out = Vec::new();
    if (0..trial.pairs()).all(own) && scene.parts[0].list[0].area() > 1 {
        for test in CellTest::all() {
            for yes in TileKind::all() {
                for no in [TileKind::Blank, TileKind::Same, TileKind::Negative, TileKind::Flood] {
                    if yes != no {
                        let plain = yes == TileKind::Same && no == TileKind::Blank;
                        out.push((Tiling::Cells(test, yes, no), if plain { 1.2 } else { 1.7 }));
                    }
                }
            }
        }
    }
    out
}

/// A block for each colour, where all answers are that many times larger than the grid.
fn blocks(trial: &Trial, scene: &Scene) -> Option<(Tiling, f64)> {
    let mut rows: BTreeMap<u8, Grid> = BTreeMap::new();
    let mut borne = [0usize; 10];
    let (first, wanted) = (&scene.parts[0].list[0], trial.wanted(0));
    let size = Size::new(wanted.width() / first.width(), wanted.height() / first.height());
    if size.width < 2 && size.height < 2 {
        return None;
    }
    for i in 0..trial.pairs() {
        let (g, wanted) = (&scene.parts[i].list[0], trial.wanted(i));
        if wanted.width() != g.width() * size.width || wanted.height() != g.height() * size.height {
            return None;
        }
        let counts = g.histogram();
        (0..10).filter(|&c| counts[c] > 0).for_each(|c| borne[c] += 1);
        for (k, &c) in g.cells().iter().enumerate() {
            let at = (k % g.width() * size.width, k / g.width() * size.height);
            let block = wanted.crop(at.0, at.1, size)?.moved_to(0, 0);
            if *rows.entry(c).or_insert_with(|| block.clone()) != block {
                return None;
            }
        }
    }
    let known = |c: usize| rows.contains_key(&(c as u8));
    let complete = scene.parts.iter().all(|p| (0..10).all(|c| p.list[0].histogram()[c] == 0 || known(c)));
    // Plain blocks of the cell's own colour are a scaling, which others find.
    let own = rows.iter().all(|(&c, block)| block.cells().iter().all(|&d| d == c));
    let lone = borne.iter().filter(|n| **n == 1).count();
    if lone == rows.len() {
        return None;
    }
    let cost = 1.0 + 0.5 * rows.len() as f64 + LONE_ROW * lone as f64;
    (complete && !own).then(|| (Tiling::Blocks(rows.into_iter().collect()), cost))
}
