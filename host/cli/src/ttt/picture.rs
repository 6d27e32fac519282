//! Courses of trainings as SVG: a curve of the loss, and under it what was drawn when.

use stratagem_domain::Grid;
use svg::Document;
use svg::node::element::{Group, Polyline, Rectangle, Text};

use super::{Course, Look};
use crate::paint::PALETTE;

/// Pixels.
const WIDTH: f64 = 820.0;
const LEFT: f64 = 70.0;
const PLOT: [f64; 2] = [WIDTH - LEFT - 20.0, 160.0];
const PANEL: f64 = 66.0;
const GAP: f64 = 8.0;
const LINE: f64 = 18.0;
/// Looks at one input that are drawn, at most.
const LOOKS: usize = 9;

/// Draws courses one below the other; what is among `right` is framed as such.
pub fn draw(title: &str, courses: &[Course], right: &[&Grid]) -> String {
    let mut page = Group::new().add(words(20.0, 24.0, title).set("font-weight", "bold"));
    let mut top = 46.0;
    for course in courses {
        let (drawn, height) = one(course, right);
        page = page.add(drawn.set("transform", format!("translate(0 {top})")));
        top += height;
    }
    let paper = Rectangle::new().set("width", WIDTH).set("height", top).set("fill", "#fff");
    Document::new()
        .set("viewBox", (0, 0, WIDTH, top))
        .set("width", WIDTH)
        .set("height", top)
        .set("font-family", "sans-serif")
        .set("font-size", 12)
        .add(paper)
        .add(page)
        .to_string()
}

/// One course, and its height.
fn one(course: &Course, right: &[&Grid]) -> (Group, f64) {
    let Course { base, device, steps, device_ms, .. } = course;
    let seconds = *device_ms as f64 / 1e3;
    let heading = format!("{base}: loss over {steps} steps, {seconds:.1} s on {device}");
    let mut group = Group::new().add(words(20.0, 8.0, &heading)).add(curve(course));
    let mut top = LINE + PLOT[1] + 2.0 * LINE;
    for (at, input) in course.inputs.iter().enumerate() {
        let looks: Vec<&Look> = course.looks.iter().filter(|look| look.input == at).collect();
        group = group.add(panel(20.0, top, &format!("test {}", at + 1), input, false));
        for (place, look) in spread(&looks).into_iter().enumerate() {
            let Some(first) = look.drawn.first() else { continue };
            let left = 20.0 + (PANEL + GAP) * (place as f64 + 1.0);
            let is_right = right.contains(&&first.output);
            group = group.add(panel(left, top, &format!("{} steps", look.steps), &first.output, is_right));
        }
        top += LINE + PANEL + 2.0 * GAP;
    }
    (group, top + LINE)
}

/// The loss, on a logarithmic scale, with its lowest and highest.
fn curve(course: &Course) -> Group {
    let logarithm = |loss: f32| f64::from(loss.max(1e-6)).log10();
    let all = || course.losses.iter().map(|&(_, loss)| logarithm(loss));
    let (low, high) = (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
    let span = (high - low).max(1e-3);
    let across = |steps: f64| LEFT + PLOT[0] * steps / f64::from(course.steps.max(1));
    let down = |logarithm: f64| LINE + PLOT[1] * (high - logarithm) / span;
    let points = course
        .losses
        .iter()
        .map(|&(steps, loss)| format!("{:.1},{:.1}", across(steps), down(logarithm(loss))));
    let frame = Rectangle::new()
        .set("x", LEFT)
        .set("y", LINE)
        .set("width", PLOT[0])
        .set("height", PLOT[1])
        .set("fill", "none")
        .set("stroke", "#ccc");
    let mut group = Group::new().add(frame);
    if course.losses.is_empty() {
        return group;
    }
    for logarithm in [high, low] {
        let loss = 10_f64.powf(logarithm);
        let loss = if loss < 100.0 { format!("{loss:.2}") } else { format!("{loss:.0}") };
        let label = words(LEFT - 6.0, down(logarithm) + 4.0, &loss);
        group = group.add(label.set("text-anchor", "end"));
    }
    let last = words(LEFT + PLOT[0], LINE + PLOT[1] + 14.0, &course.steps.to_string());
    let line = Polyline::new()
        .set("points", points.collect::<Vec<_>>().join(" "))
        .set("fill", "none")
        .set("stroke", "#0074d9")
        .set("stroke-width", 1.5);
    group.add(last.set("text-anchor", "end")).add(line)
}

/// Some of many, evenly, the last among them.
fn spread<'a>(looks: &[&'a Look]) -> Vec<&'a Look> {
    let count = looks.len().min(LOOKS);
    (1..=count).map(|at| looks[at * looks.len() / count - 1]).collect()
}

fn panel(left: f64, top: f64, title: &str, grid: &Grid, is_right: bool) -> Group {
    let cell = PANEL / grid.width().max(grid.height()) as f64;
    let mut group = Group::new().add(words(left, top + 12.0, title));
    for (row, cells) in grid.rows().enumerate() {
        for (column, &colour) in cells.iter().enumerate() {
            let [red, green, blue] = PALETTE[usize::from(colour)];
            let square = Rectangle::new()
                .set("x", format!("{:.2}", left + cell * column as f64))
                .set("y", format!("{:.2}", top + LINE + cell * row as f64))
                .set("width", format!("{cell:.2}"))
                .set("height", format!("{cell:.2}"))
                .set("fill", format!("#{red:02x}{green:02x}{blue:02x}"));
            group = group.add(square);
        }
    }
    if !is_right {
        return group;
    }
    let frame = Rectangle::new()
        .set("x", left - 2.0)
        .set("y", top + LINE - 2.0)
        .set("width", cell * grid.width() as f64 + 4.0)
        .set("height", cell * grid.height() as f64 + 4.0)
        .set("fill", "none")
        .set("stroke", "#2ecc40")
        .set("stroke-width", 2);
    group.add(frame)
}

fn words(left: f64, base: f64, words: &str) -> Text {
    Text::new(words).set("x", left).set("y", base).set("fill", "#333")
}

#[cfg(test)]
mod tests {
    use stratagem_domain::training::Sample;

    use super::*;

    #[test]
    fn a_course_is_a_curve_and_panels_and_its_words_are_escaped() {
        let grid = |colour| Grid::new(2, 1, &[colour; 2]).unwrap();
        let look = |steps, colour| Look {
            steps,
            input: 0,
            drawn: vec![Sample { output: grid(colour), log_likelihood: -0.1, votes: 3 }],
        };
        let course = Course {
            adaptation: 0,
            base: "compression".to_owned(),
            device: "cpu".to_owned(),
            steps: 400,
            device_ms: 1_500,
            losses: vec![(100.0, 900.0), (200.0, 90.0), (400.0, 9.0)],
            accuracy: Some(1.0),
            inputs: vec![grid(1)],
            looks: (1..=20).map(|at| look(at * 20, if at < 20 { 2 } else { 4 })).collect(),
        };
        let drawn = draw("<ttt> on t", &[course], &[&grid(4)]);
        assert!(drawn.contains("&lt;ttt&gt; on t") && !drawn.contains("<ttt>"), "{drawn}");
        assert!(drawn.contains("400 steps") && drawn.matches(" steps\n").count() <= LOOKS + 1);
        assert_eq!(drawn.matches("#2ecc40").count(), 1, "one panel is right");
        // A quarter of the way at the top, half of it in the middle, the end at the bottom.
        assert!(drawn.contains("252.5,18.0 435.0,98.0 800.0,178.0"), "{drawn}");
        assert_eq!(drawn.matches("<polyline").count(), 1);
    }
}
