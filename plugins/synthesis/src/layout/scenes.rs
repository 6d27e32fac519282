//! The inputs of a task, all taken apart in one way.

use std::collections::BTreeSet;

use stratagem_dsl::grid::mix;
use stratagem_dsl::layout::{Cut, Keep, Measure, Parts};
use stratagem_dsl::objects::Property;

use super::trial::Trial;

/// The parts of every input: demonstrations first, then those to answer.
pub struct Scene {
    pub cut: Cut,
    pub keep: Keep,
    pub cost: f64,
    pub parts: Vec<Parts>,
}

impl Scene {
    /// The number of parts where it is the same everywhere.
    pub fn count(&self) -> Option<usize> {
        let n = self.parts[0].list.len();
        self.parts.iter().all(|p| p.list.len() == n).then_some(n)
    }

    fn fingerprint(&self) -> u64 {
        self.parts.iter().fold(0, |hash, parts| {
            let head = (parts.list.len() << 8 | parts.across) as u64;
            parts.list.iter().fold(mix(hash, head), |hash, g| mix(hash, g.fingerprint()))
        })
    }
}

/// How many kept scenes are searched at most.
const MAX_KEPT: usize = 240;
/// The cost of keeping some parts.
const KEEP_COST: f64 = 1.0;

/// Every cut that applies to all inputs of the task.
pub fn of_task(trial: &mut Trial) -> Vec<Scene> {
    let mut cuts: Vec<(Cut, f64)> = Cut::PLAIN.into_iter().map(|c| (c, 0.5)).collect();
    cuts[0].1 = 0.0;
    cuts.extend(equal_cuts(trial).into_iter().map(|c| (c, 0.5)));
    let mut seen = BTreeSet::new();
    let mut out = Vec::new();
    for (cut, cost) in cuts {
        trial.spend_inputs();
        if trial.exhausted() {
            break;
        }
        let parts: Option<Vec<Parts>> = trial.task().inputs().map(|g| cut.apply(g)).collect();
        let Some(parts) = parts else { continue };
        let scene = Scene { cut, keep: Keep::All, cost, parts };
        if seen.insert(scene.fingerprint()) {
            out.push(scene);
        }
    }
    out
}

/// Cuts into equal parts that the sizes of the task allow.
fn equal_cuts(trial: &Trial) -> Vec<Cut> {
    let task = trial.task();
    let mut cuts = Vec::new();
    let divides = |side: usize, by: usize| by > 0 && side.is_multiple_of(by);
    let shapes = (1..=6u8).flat_map(|d| (1..=6u8).map(move |a| (a, d))).filter(|&(a, d)| a * d > 1);
    let all = |w: usize, h: usize| task.inputs().all(|g| divides(g.width(), w) && divides(g.height(), h));
    cuts.extend(shapes.clone().filter(|&(a, d)| all(a.into(), d.into())).map(|(a, d)| Cut::Equal(a, d)));
    let first = task.train[0].output.size();
    if task.train.iter().all(|p| p.output.size() == first) {
        let (w, h) = (first.width as u8, first.height as u8);
        if w > 6 || h > 6 {
            cuts.push(Cut::Equal(w, h));
        }
        cuts.push(Cut::Blocks(w, h));
        cuts.push(Cut::Corners(w, h));
    }
    let blocks = shapes.filter(|&(w, h)| {
        let scaled = |p: &stratagem_dsl::Pair| {
            p.output.width() * usize::from(w) == p.input.width()
                && p.output.height() * usize::from(h) == p.input.height()
        };
        task.train.iter().all(scaled)
    });
    cuts.extend(blocks.map(|(w, h)| Cut::Blocks(w, h)));
    cuts
}

/// The scenes with some of their parts dropped, where that makes a difference.
pub fn with_some_kept(trial: &mut Trial, cuts: &[Scene]) -> Vec<Scene> {
    const BY: [Measure; 11] = [
        Measure::Of(Property::Ink),
        Measure::Of(Property::Area),
        Measure::Of(Property::ColourCopies),
        Measure::Of(Property::ShapeCopies),
        Measure::Of(Property::Copies),
        Measure::Of(Property::Density),
        Measure::Of(Property::Colours),
        Measure::Of(Property::Holes),
        Measure::Edge,
        Measure::Square,
        Measure::Frequency,
    ];
    let mut seen: BTreeSet<u64> = cuts.iter().map(Scene::fingerprint).collect();
    let mut out = Vec::new();
    for scene in cuts.iter().filter(|s| s.cut != Cut::Whole && s.parts.iter().all(|p| p.list.len() > 1)) {
        let colours = (1..10).filter(|&c| trial.task().inputs().all(|g| g.histogram()[c as usize] > 0));
        let measures = BY.into_iter().chain(colours.map(Measure::Cells).collect::<Vec<_>>());
        for measure in measures {
            trial.spend_parts(scene);
            if trial.exhausted() || out.len() >= MAX_KEPT {
                return out;
            }
            let values = trial.measure(measure, scene);
            let keeps: &[Keep] = match measure {
                Measure::Cells(_) => &[Keep::Is(measure, 0), Keep::IsNot(measure, 0)],
                _ => &[
                    Keep::Most(measure),
                    Keep::Least(measure),
                    Keep::NotMost(measure),
                    Keep::NotLeast(measure),
                ],
            };
            for &keep in keeps {
                let kept = scene.parts.iter().zip(&values).map(|(parts, values)| {
                    let list = keep.among(values)?.into_iter().map(|i| parts.list[i].clone()).collect();
                    Some(Parts { list, across: 0 })
                });
                let Some(parts) = kept.collect::<Option<Vec<_>>>() else { continue };
                let kept = Scene { cut: scene.cut, keep, cost: scene.cost + KEEP_COST, parts };
                if seen.insert(kept.fingerprint()) {
                    out.push(kept);
                }
            }
        }
    }
    out
}
