//! Lessons that look like the task at hand: their programs, in the task's colours.

use stratagem_dsl::{Body, Layer, Pipeline, Program, View};

use crate::features::{COLOUR, TaskFeatures};
use crate::vocabulary::recoloured;

/// A solved lesson.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    pub features: TaskFeatures,
    pub program: Program,
}

/// The known lessons nearest to a task, nearest first.
pub fn nearest<'a>(known: &'a [Known], features: &TaskFeatures, count: usize) -> Vec<&'a Known> {
    let mut order: Vec<(f32, usize)> =
        known.iter().enumerate().map(|(i, k)| (features.distance(&k.features.task), i)).collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    order.iter().take(count).map(|&(_, i)| &known[i]).collect()
}

/// For each colour of a lesson, the colour that plays its part in the task.
pub fn parts(from: &TaskFeatures, to: &TaskFeatures) -> [u8; 10] {
    let distance = |a: &[f32; COLOUR], b: &[f32; COLOUR]| -> f32 {
        a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum()
    };
    std::array::from_fn(|c| {
        if c == 0 {
            return 0;
        }
        let gap = |d: usize| distance(&from.colours[c], &to.colours[d]) + if c == d { 0.0 } else { 0.01 };
        (1..10).min_by(|&a, &b| gap(a).total_cmp(&gap(b))).unwrap_or(c) as u8
    })
}

/// A pipeline in other colours.
pub fn translated(pipeline: &Pipeline, parts: &[u8; 10]) -> Pipeline {
    Pipeline(pipeline.0.iter().map(|&t| recoloured(t, |c| parts[c as usize])).collect())
}

/// A program in other colours; one that renames colours itself stays as it is.
pub fn in_colours(program: &Program, parts: &[u8; 10]) -> Program {
    if program.view != View::Plain {
        return program.clone();
    }
    let row = |(key, colour): &(Vec<u8>, u8)| {
        (key.iter().map(|&k| parts[k as usize]).collect(), parts[*colour as usize])
    };
    let boxed = |p: &Program| Box::new(in_colours(p, parts));
    let body = match &program.body {
        Body::Single(p) => Body::Single(translated(p, parts)),
        Body::Stack(layers) => Body::Stack(
            layers.iter().map(|l| Layer { mode: l.mode, pipeline: translated(&l.pipeline, parts) }).collect(),
        ),
        Body::Table { keys, rows } => Body::Table {
            keys: keys.iter().map(|k| translated(k, parts)).collect(),
            rows: rows.iter().map(row).collect(),
        },
        Body::Product { coarse, fine } => Body::Product { coarse: boxed(coarse), fine: boxed(fine) },
        other => other.clone(),
    };
    Program { view: program.view, size: program.size.clone(), body }
}

/// How many steps all pipelines of a program have together, each counted as one more than its transforms.
pub fn steps(program: &Program) -> usize {
    program.pipelines().iter().map(|p| 1 + p.0.len()).sum()
}
