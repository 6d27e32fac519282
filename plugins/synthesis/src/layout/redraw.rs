//! Answers of the input's size: parts drawn anew in their places, and templates stamped.

use stratagem_dsl::layout::{Act, Cut, Keep, Measure, Merge, Reading, Redraw, Stamp};
use stratagem_dsl::objects::Property;

use super::lattice;
use super::scenes::Scene;
use super::trial::Trial;

/// What chooses the parts that are drawn otherwise.
const BY: [Measure; 14] = [
    Measure::Of(Property::Ink),
    Measure::Of(Property::Area),
    Measure::Of(Property::Colours),
    Measure::Of(Property::Components),
    Measure::Of(Property::Holes),
    Measure::Of(Property::Minority),
    Measure::Of(Property::Symmetry),
    Measure::Of(Property::Copies),
    Measure::Of(Property::ShapeCopies),
    Measure::Of(Property::ColourCopies),
    Measure::MirrorX,
    Measure::MirrorY,
    Measure::Square,
    Measure::Edge,
];

/// Looks for redrawn parts of a scene, and in the whole for templates.
pub fn search(trial: &mut Trial, scene: &Scene) {
    if scene.cut == Cut::Whole {
        for stamp in Stamp::all() {
            (0..8).for_each(|_| trial.spend_parts(scene));
            let ways = [!stamp.main_is_body, stamp.turned, stamp.scaled, stamp.moved];
            let cost = 2.0 + 0.4 * ways.iter().filter(|on| **on).count() as f64;
            trial.try_act_finished(scene, &Act::Stamp(stamp), cost, 1.0, false);
        }
        return;
    }
    if scene.parts.iter().any(|p| p.list.len() < 2) || scene.keep != Keep::All {
        return;
    }
    for redraw in candidates(trial, scene) {
        if trial.exhausted() {
            return;
        }
        trial.spend_parts(scene);
        let cost = match &redraw {
            Redraw::Read(Reading::Table(_, rows)) => 1.5 + 0.3 * rows.len() as f64,
            Redraw::Read(_) => 1.2,
            _ => 2.0,
        };
        trial.try_act_finished(scene, &Act::Redraw(redraw), cost, 2.0, false);
    }
}

fn candidates(trial: &mut Trial, scene: &Scene) -> Vec<Redraw> {
    let colours: Vec<Measure> = (1..10)
        .filter(|&c| trial.task().inputs().all(|g| g.histogram()[c as usize] > 0))
        .map(Measure::Cells)
        .collect();
    let mut keeps = Vec::new();
    for measure in BY.into_iter().chain(colours) {
        keeps.extend([Keep::Most(measure), Keep::Least(measure), Keep::Odd(measure)]);
        if matches!(measure, Measure::Cells(_)) {
            keeps.push(Keep::IsNot(measure, 0));
        }
    }
    let mut out: Vec<Redraw> = keeps.into_iter().flat_map(|k| [Redraw::Flood(k), Redraw::Only(k)]).collect();
    let latticed = scene.parts.iter().all(|p| p.across > 0);
    let alike = scene.parts.iter().all(|p| p.list.iter().all(|g| g.size() == p.list[0].size()));
    let chosen: Vec<Keep> =
        out.iter().filter_map(|r| if let Redraw::Only(k) = r { Some(*k) } else { None }).collect();
    if latticed {
        out.extend(chosen.iter().map(|&k| Redraw::Meta(k)));
    }
    if alike {
        out.extend(chosen.iter().map(|&k| Redraw::Like(k)));
        out.extend([Merge::Majority, Merge::Agreement, Merge::Dissent].map(Redraw::Merged));
        let n = scene.count().filter(|n| *n <= 9);
        out.extend(n.map(|n| Redraw::Merged(Merge::Order((0..n as u8).collect()))));
    }
    out.extend([Reading::Most, Reading::Main, Reading::Least].map(Redraw::Read));
    if let Some(cells) = flooded(trial, scene) {
        out.extend(lattice::tables(trial, scene, &cells).into_iter().map(|(t, _, _)| Redraw::Read(t)));
    }
    out
}

/// The colour that each part is all over in the answer, where every part is of one colour there.
fn flooded(trial: &Trial, scene: &Scene) -> Option<Vec<Vec<u8>>> {
    let mut out = Vec::new();
    for i in 0..trial.pairs() {
        let wanted = trial.wanted(i);
        let colour = |g: &stratagem_dsl::Grid| {
            let (x, y) = (usize::try_from(g.x).ok()?, usize::try_from(g.y).ok()?);
            let part = wanted.crop(x, y, g.size())?;
            let first = part.at(0, 0);
            part.cells().iter().all(|&c| c == first).then_some(first)
        };
        out.push(scene.parts[i].list.iter().map(colour).collect::<Option<Vec<u8>>>()?);
    }
    Some(out)
}
