//! Programs in words: a sentence a step.

use crate::catalogue;
use crate::palette::Palette;
use crate::program::{Body, Extent, Layer, Mode, Pipeline, Program, SizeRule};
use crate::transform::Transform;
use crate::tree::{Head, Take, Tree};

/// The most rows of a table that are told one by one.
const MAX_ROWS_TOLD: usize = 12;

impl Program {
    /// What the program does, in English: a line for each step, in the order they are done.
    pub fn explain(&self) -> String {
        let palette = Palette(self.view);
        let mut lines: Vec<String> = palette.sentence().into_iter().collect();
        lines.extend(self.size.as_ref().map(|rule| size_sentence(rule, palette)));
        match &self.body {
            Body::Single(pipeline) => lines.extend(pipeline_sentences(pipeline, palette)),
            Body::Stack(layers) => lines.extend(stack_sentences(layers, palette)),
            Body::Table { keys, rows } => lines.extend(table_sentences(keys, rows, palette)),
            Body::Product { coarse, fine } => {
                lines.push(
                    "The answer is a drawing in place of each cell of another that is not black.".into(),
                );
                lines.push("The other is found so:".into());
                lines.extend(indented(coarse));
                lines.push("The drawing in its cells is found so:".into());
                lines.extend(indented(fine));
            }
            Body::Chain { first, then } => {
                lines.push("First a drawing is made of the input:".into());
                lines.extend(indented(first));
                lines.push("The answer is made of that drawing:".into());
                lines.extend(indented(then));
            }
            Body::Expression(expression) => lines.extend(expression.sentences(palette)),
            Body::Objects(rule) => lines.push(rule.explain()),
            Body::Cells(rule) => lines.push(rule.explain()),
            Body::Layout(rule) => lines.push(rule.explain()),
            Body::Tree(tree) => lines.extend(tree_sentences(tree, palette)),
        }
        lines.join("\n")
    }
}

/// The lines of a program inside another.
fn indented(program: &Program) -> Vec<String> {
    program.explain().lines().map(|line| format!("  {line}")).collect()
}

impl Transform {
    /// What the step does, in the words of the catalogue: `keep only the cells of green`.
    pub fn explain(self) -> String {
        step_words(self, Palette(crate::view::View::Plain))
    }
}

/// What a step does; colours are named by a palette.
pub(crate) fn step_words(t: Transform, palette: Palette) -> String {
    let Some(entry) = catalogue::of_transform(t) else { return t.to_string() };
    entry.words(&catalogue::parameters_in_words(entry, t, &|c| palette.name(c)))
}

/// The text with a capital and a full stop.
pub(crate) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(letters).chain(['.']).collect()
}

fn pipeline_sentences(pipeline: &Pipeline, palette: Palette) -> Vec<String> {
    match pipeline.0.as_slice() {
        [] => vec!["The answer is the input as it is.".into()],
        steps => steps.iter().map(|t| sentence(&step_words(*t, palette))).collect(),
    }
}

/// A pipeline within a sentence.
fn pipeline_words(pipeline: &Pipeline, palette: Palette) -> String {
    let steps: Vec<String> = pipeline.0.iter().map(|t| step_words(*t, palette)).collect();
    if steps.is_empty() {
        "the input".into()
    } else {
        format!("the input, changed so: {}", steps.join("; then "))
    }
}

fn tree_sentences(tree: &Tree, palette: Palette) -> Vec<String> {
    let within = |tree: &Tree| tree_sentences(tree, palette).into_iter().map(|line| format!("  {line}"));
    let mut lines = Vec::new();
    match &tree.head {
        Head::Input => return pipeline_sentences(&tree.steps, palette),
        Head::Where { mask, then, other } => {
            lines.push("Each cell is of the second where the first has a colour, else of the third.".into());
            lines.push("The first:".into());
            lines.extend(within(mask));
            lines.push("The second:".into());
            lines.extend(within(then));
            lines.push("The third:".into());
            lines.extend(within(other));
        }
        Head::By { key, base, rules } => {
            let take = |take: Take| match take {
                Take::Base => "that of the second".to_string(),
                Take::Colour(colour) => palette.name(colour),
            };
            lines.push(
                "Each cell of the second takes a colour by the number that the first has there.".into(),
            );
            let row =
                |(number, to): &(u8, Take)| format!("Where it is {number}, the colour is {}.", take(*to));
            lines.extend(rules.rows.iter().map(row));
            lines.extend(rules.other.map(|other| format!("Elsewhere the colour is {}.", take(other))));
            lines.push("The first:".into());
            lines.extend(within(key));
            lines.push("The second:".into());
            lines.extend(within(base));
        }
    }
    if !tree.steps.0.is_empty() {
        lines.extend(pipeline_sentences(&tree.steps, palette));
    }
    lines
}

fn size_sentence(rule: &SizeRule, palette: Palette) -> String {
    let width = extent_words(&rule.width, palette);
    let height = extent_words(&rule.height, palette);
    format!("The answer is {width} wide and {height} high.")
}

fn extent_words(extent: &Extent, palette: Palette) -> String {
    let cells = |n: i8| if n == 1 { "1 cell".to_string() } else { format!("{n} cells") };
    let Some(of) = &extent.of else { return cells(extent.plus) };
    let side = if extent.height { "height" } else { "width" };
    let of = if of.0.is_empty() { "the input".into() } else { format!("({})", pipeline_words(of, palette)) };
    let words = match (extent.times, extent.over) {
        (1, 1) => format!("the {side} of {of}"),
        (times, 1) => format!("{times} times the {side} of {of}"),
        (1, over) => format!("the {side} of {of} divided by {over}"),
        (times, over) => format!("{times}/{over} of the {side} of {of}"),
    };
    match extent.plus {
        0 => words,
        n if n < 0 => format!("{words} less {}", cells(n.saturating_neg())),
        n => format!("{words} and {}", cells(n)),
    }
}

fn stack_sentences(layers: &[Layer], palette: Palette) -> Vec<String> {
    let intro = "Settle each cell by the first of these layers that decides it, or leave it black.".into();
    let told = layers.iter().enumerate().map(|(i, layer)| {
        let decides = match layer.mode {
            Mode::Over => "draws what is not black of",
            Mode::Opaque => "draws all of",
            Mode::Cut => "blackens what is not black in",
            Mode::Mask => "blackens what is black in",
        };
        format!("Layer {} {decides} {}.", i + 1, pipeline_words(&layer.pipeline, palette))
    });
    std::iter::once(intro).chain(told).collect()
}

fn table_sentences(keys: &[Pipeline], rows: &[(Vec<u8>, u8)], palette: Palette) -> Vec<String> {
    let mut lines = vec!["Look up each cell by the numbers that these have there.".to_string()];
    let number = |(i, key)| format!("Key {} is {}.", i + 1, pipeline_words(key, palette));
    lines.extend(keys.iter().enumerate().map(number));
    lines.extend(rows.iter().take(MAX_ROWS_TOLD).map(|(key, colour)| {
        let key: Vec<String> = key.iter().map(ToString::to_string).collect();
        format!("Where they are {}, the cell is {}.", key.join(", "), palette.name(*colour))
    }));
    if let Some(more) = rows.len().checked_sub(MAX_ROWS_TOLD).filter(|&more| more > 0) {
        lines.push(format!("There are {more} more such rules."));
    }
    lines
}
