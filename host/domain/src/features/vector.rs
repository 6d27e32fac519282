//! Features as a vector, so that near means alike.
//!
//! Four groups, each weighted as a whole: how sizes relate, hints, motifs, and numbers. A number enters as its
//! distance from what is typical, in units of what it usually varies by, both as in the training tasks of ARC-AGI-1;
//! otherwise every pair of tasks would look alike, for all have many cells of background. Directions are counted, not
//! told apart, and colours have no numbers, so a task that is turned or recoloured stays where it was.

use super::{Features, GridFeatures, Hint, Motif, SizeRelation};

/// Numbers of the inputs, of the outputs, and of what changes.
const GRID_NUMBERS: usize = 16;
const CHANGE_NUMBERS: usize = 8;
const NUMBERS: usize = 2 * GRID_NUMBERS + CHANGE_NUMBERS;

/// The length of every vector.
pub const DIMENSION: usize = SizeRelation::ALL.len() + Hint::ALL.len() + Motif::ALL.len() + NUMBERS;

const RELATION_WEIGHT: f64 = 1.0;
const HINT_WEIGHT: f64 = 1.0;
const MOTIF_WEIGHT: f64 = 0.5;
const NUMBER_WEIGHT: f64 = 0.5;
/// Further from the typical says no more.
const FARTHEST: f64 = 3.0;

/// What is typical of each number, and what it usually varies by.
#[rustfmt::skip]
const SCALES: [(f64, f64); NUMBERS] = [
    // The inputs.
    (4.43, 1.15), (-0.17, 0.34), (3.59, 1.73), (0.68, 0.23),
    (0.19, 0.12), (0.06, 0.07), (1.9, 0.94), (1.71, 0.85),
    (1.26, 0.59), (0.39, 0.37), (0.22, 0.29), (0.17, 0.15),
    (0.12, 0.32), (0.1, 0.29), (0.11, 0.39), (0.18, 0.24),
    // The outputs.
    (3.98, 1.33), (-0.16, 0.32), (3.36, 1.35), (0.61, 0.22),
    (0.22, 0.12), (0.08, 0.08), (1.84, 0.92), (1.61, 0.82),
    (1.02, 0.52), (0.29, 0.32), (0.26, 0.31), (0.21, 0.17),
    (0.3, 0.59), (0.23, 0.49), (0.33, 0.7), (0.17, 0.24),
    // What changes.
    (-0.41, 1.23), (0.29, 0.27), (0.2, 0.24), (0.06, 0.13),
    (0.46, 0.79), (0.63, 1.12), (0.04, 0.17), (-0.07, 0.8),
];

pub(super) fn of(features: &Features) -> Vec<f32> {
    let mut vector = Vec::with_capacity(DIMENSION);
    let flag = |holds: bool, weight: f64| if holds { weight } else { 0.0 };
    vector
        .extend(SizeRelation::ALL.map(|relation| flag(relation == features.size_relation, RELATION_WEIGHT)));
    vector.extend(Hint::ALL.iter().map(|hint| flag(features.hints.contains(hint), HINT_WEIGHT)));
    vector.extend(Motif::ALL.map(|motif| flag(features.motifs.contains(&motif), MOTIF_WEIGHT)));
    let scaled = numbers(features).into_iter().zip(SCALES).map(|(number, (typical, spread))| {
        ((number - typical) / spread).clamp(-FARTHEST, FARTHEST) * NUMBER_WEIGHT
    });
    vector.extend(scaled);
    // The relation alone has a length: there is no task whose vector is 0.
    let length = vector.iter().map(|value| value * value).sum::<f64>().sqrt();
    vector.into_iter().map(|value| (value / length) as f32).collect()
}

fn numbers(features: &Features) -> Vec<f64> {
    let inputs: Vec<&GridFeatures> =
        features.pairs.iter().map(|pair| &pair.input).chain(&features.tests).collect();
    let outputs: Vec<&GridFeatures> = features.pairs.iter().map(|pair| &pair.output).collect();
    let mut numbers = Vec::with_capacity(NUMBERS);
    numbers.extend(of_grids(&inputs));
    numbers.extend(of_grids(&outputs));
    numbers.extend(of_changes(features));
    numbers
}

/// The means over grids, and how much their sizes vary.
fn of_grids(grids: &[&GridFeatures]) -> [f64; GRID_NUMBERS] {
    let mut sums = [0.0; GRID_NUMBERS];
    for grid in grids {
        for (sum, number) in sums.iter_mut().zip(of_grid(grid)) {
            *sum += number / grids.len() as f64;
        }
    }
    let varies = grids.iter().map(|grid| (log(grid.cells()) - sums[0]).powi(2)).sum::<f64>();
    sums[GRID_NUMBERS - 1] = (varies / grids.len() as f64).sqrt();
    sums
}

fn of_grid(grid: &GridFeatures) -> [f64; GRID_NUMBERS - 1] {
    let objects = grid.objects;
    let of_eight = |count: usize| count as f64 / objects.eight.max(1) as f64;
    let symmetry = grid.symmetry;
    let each = |flags: &[bool]| flags.iter().filter(|&&flag| flag).count() as f64;
    [
        log(grid.cells()),
        log(grid.width.min(grid.height)) - log(grid.width.max(grid.height)),
        grid.colours.len() as f64,
        grid.background_share,
        grid.shares[1],
        grid.shares[2],
        log(1 + objects.four),
        log(1 + objects.eight),
        log(1 + objects.any_colour),
        of_eight(objects.single_cells),
        of_eight(objects.rectangles),
        objects.largest as f64 / grid.cells() as f64,
        each(&[symmetry.left_right, symmetry.top_bottom]),
        each(&[symmetry.diagonal, symmetry.antidiagonal]),
        each(&[symmetry.half_turn, symmetry.quarter_turn])
            + each(&[grid.period.rows.is_some(), grid.period.columns.is_some()]),
    ]
}

fn of_changes(features: &Features) -> [f64; CHANGE_NUMBERS] {
    let pairs = &features.pairs;
    let mut sums = [0.0; CHANGE_NUMBERS];
    for pair in pairs {
        let change = pair.change.unwrap_or_default();
        let of_pair = [
            log(pair.output.cells()) - log(pair.input.cells()),
            change.all.sqrt(),
            change.drawn.sqrt(),
            change.removed.sqrt(),
            pair.colours_added.len() as f64,
            pair.colours_removed.len() as f64,
            f64::from(pair.colour_map.is_some()),
            log(1 + pair.output.objects.eight) - log(1 + pair.input.objects.eight),
        ];
        for (sum, number) in sums.iter_mut().zip(of_pair) {
            *sum += number / pairs.len() as f64;
        }
    }
    sums
}

fn log(count: usize) -> f64 {
    (count as f64).ln()
}
