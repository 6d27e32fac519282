//! Parts in order, drawn as a line, a filled box or bars.

use stratagem_dsl::Grid;
use stratagem_dsl::layout::{Act, Align, Draw, Line, Measure, Path};
use stratagem_dsl::objects::Property;

use super::scenes::Scene;
use super::trial::Trial;

/// The measures that parts are put in order by.
const ORDERS: [Measure; 10] = [
    Measure::Of(Property::Right),
    Measure::Of(Property::Down),
    Measure::Of(Property::Ink),
    Measure::Of(Property::Area),
    Measure::Of(Property::Height),
    Measure::Of(Property::Width),
    Measure::Of(Property::ColourCopies),
    Measure::Of(Property::Holes),
    Measure::Of(Property::Density),
    Measure::Frequency,
];

/// The measures that bars are as long as.
const LENGTHS: [Measure; 5] = [
    Measure::Of(Property::Ink),
    Measure::Of(Property::Width),
    Measure::Of(Property::Height),
    Measure::Of(Property::ColourCopies),
    Measure::Of(Property::Components),
];

/// Looks for series of a scene.
pub fn search(trial: &mut Trial, scene: &Scene) {
    let counts: Vec<usize> = (0..trial.pairs()).map(|i| scene.parts[i].list.len()).collect();
    if counts.iter().any(|&n| n > 30) {
        return;
    }
    lines(trial, scene, &counts);
    let draws = draws(trial, &counts);
    let ordered = counts.iter().any(|&n| n > 1);
    for (draw, cost) in draws {
        let colourless = draw == Draw::Square || !ordered;
        let orders = if colourless || draw == Draw::Along { &ORDERS[..1] } else { &ORDERS[..] };
        for &order in orders {
            for falling in [false, true] {
                if trial.exhausted() {
                    return;
                }
                trial.spend_parts(scene);
                let act = Act::Series(order, falling, draw);
                let bars = matches!(draw, Draw::Bars(_));
                let length = matches!(draw, Draw::Row | Draw::Column | Draw::Square | Draw::Diagonal);
                trial.try_act_finished(scene, &act, 1.0 + cost, 1.5, bars || length);
                if colourless {
                    break;
                }
            }
        }
    }
}

/// Parts beside or below each other, where the sizes add up in the first demonstration.
fn lines(trial: &mut Trial, scene: &Scene, counts: &[usize]) {
    if counts.iter().any(|&n| !(2..=12).contains(&n)) {
        return;
    }
    let (list, wanted) = (&scene.parts[0].list, trial.wanted(0));
    for line in Line::all() {
        let side = |down: bool, g: &Grid| if down { g.height() } else { g.width() };
        let length: usize = list.iter().map(|g| side(line.down, g)).sum();
        let breadth = list.iter().map(|g| side(!line.down, g)).max();
        let gaps = (list.len() - 1) * usize::from(line.gap);
        let even = list.iter().all(|g| Some(side(!line.down, g)) == breadth);
        if length + gaps != side(line.down, wanted)
            || breadth != Some(side(!line.down, wanted))
            || (even && line.align != Align::Start)
        {
            continue;
        }
        for order in ORDERS {
            for falling in [false, true] {
                trial.spend_parts(scene);
                let cost = 1.2 + 0.3 * f64::from(line.gap);
                trial.try_act_finished(scene, &Act::Line(order, falling, line), cost, 1.5, false);
            }
        }
    }
}

/// The ways of drawing that the sizes of the answers allow.
fn draws(trial: &Trial, counts: &[usize]) -> Vec<(Draw, f64)> {
    let sizes: Vec<_> = (0..trial.pairs()).map(|i| trial.wanted(i).size()).collect();
    // One demonstration may be missed, but not the first.
    let (n, first) = (counts[0], sizes[0]);
    let mut out = Vec::new();
    if first.width.is_multiple_of(n) {
        out.push((Draw::Row, 0.0));
    }
    if first.height.is_multiple_of(n) {
        out.push((Draw::Column, 0.0));
    }
    if first.area() == n && first.width.min(first.height) == 1 && n > 1 {
        out.push((Draw::Along, 0.2));
    }
    if first.width == n && first.height == n {
        out.extend([(Draw::Square, 0.3), (Draw::Diagonal, 0.3)]);
    }
    if first.width == n || first.height == n {
        out.extend(LENGTHS.map(|m| (Draw::Bars(m), 0.5)));
    }
    if n <= first.area() && sizes.iter().all(|s| *s == first) && first.area() > 1 {
        let (w, h) = (first.width as u8, first.height as u8);
        let paths = if first.width.min(first.height) == 1 { &Path::ALL[..1] } else { &Path::ALL[..] };
        out.extend(paths.iter().map(|&path| (Draw::Fill(w, h, path), 0.7)));
    }
    out
}
