//! The compression model: what is said of a puzzle's parts, and how all its grids are drawn from that.
//!
//! It is trained to draw the grids that are shown while as little as possible is said; then it draws those that are asked
//! for.
//!
//! *Source*: "ARC-AGI without pretraining". Where its code and its comments differ, this does what the code does: there is no
//! norm before softmax and `SiLU`.

use crate::model::multi::{AXES, Axes, Axis, DIRECTIONS, Shape};
use crate::model::program::{Blocks, Latent, Op, Part, Parts, Program, Value};
use crate::noise::Noise;
use crate::puzzle::Puzzle;

const LAYERS: usize = 4;
/// Channels of what is said.
const SAID: usize = 4;
const SPREAD: usize = 16;
const GATHERED: usize = 8;
/// Channels that softmax is taken of.
pub const SOFTMAX: usize = 2;
const DIRECTED: usize = 4;
const NONLINEAR: usize = 16;
/// What the row is multiplied with that is added to colours: it is to be learned quickly.
const HASTE: f64 = 100.0;
/// How far what is said lies from 0 at the start.
const HUSH: f64 = 0.01;

const EXAMPLES_AND_PLACES: Axes = Axes::of(&[Axis::Example, Axis::Row, Axis::Column, Axis::Direction]);
const ALL: Axes = Axes::of(&AXES);
/// What is said of colours: two numbers, one for inputs, one for outputs.
pub const COLOURS_HEAD: Axes = Axes::of(&[Axis::Example, Axis::Colour, Axis::Row, Axis::Column]);
/// What is said of sides.
pub const ROWS_HEAD: Axes = Axes::of(&[Axis::Example, Axis::Row]);
pub const COLUMNS_HEAD: Axes = Axes::of(&[Axis::Example, Axis::Column]);

/// Channels of the stream that layers add to.
fn stream(axes: Axes) -> usize {
    if axes.has(Axis::Direction) { 8 } else { 16 }
}

/// The subsets of a tensor's axes but examples, small ones first; colours count as before directions, those before
/// rows and columns.
pub fn subsets(axes: Axes) -> Vec<Axes> {
    let order = [Axis::Colour, Axis::Direction, Axis::Row, Axis::Column];
    let present: Vec<Axis> = order.into_iter().filter(|&axis| axes.has(axis)).collect();
    let mut all: Vec<Vec<usize>> = (1usize..1 << present.len())
        .map(|bits| (0..present.len()).filter(|i| bits >> i & 1 == 1).collect())
        .collect();
    all.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
    all.iter().map(|subset| Axes::of(&subset.iter().map(|&i| present[i]).collect::<Vec<_>>())).collect()
}

fn softmaxes(axes: Axes) -> usize {
    SOFTMAX * subsets(axes).len()
}

/// Whether things run along lines in a tensor.
fn is_directed(axes: Axes) -> bool {
    axes == ALL || axes == EXAMPLES_AND_PLACES
}

/// The two directions whose weights are those from `source` to `sink`, and the tensor's axes that they belong to: the
/// weights do not change where rows and columns are exchanged, or a grid is turned or mirrored.
fn representative(axes: Axes, sink: usize, source: usize) -> (Axes, usize, usize) {
    let (mut a, mut b) = (sink, source);
    let turned = |by: usize, direction: usize| (by + DIRECTIONS - direction) % DIRECTIONS;
    let (rows, columns) = (axes.has(Axis::Row), axes.has(Axis::Column));
    if rows == columns {
        let quarter = a / 2 * 2;
        (a, b) = (a - quarter, (b + DIRECTIONS - quarter) % DIRECTIONS);
        if (b + DIRECTIONS - a) % DIRECTIONS > 4 {
            b = turned(2 * a, b);
        }
        return (axes, a, b);
    }
    if columns {
        (a, b) = ((a + 2) % DIRECTIONS, (b + 2) % DIRECTIONS);
    }
    if a > 4 || ([0, 4].contains(&a) && b > 4) {
        (a, b) = (turned(0, a), turned(0, b));
    }
    if (3..6).contains(&a) || ([2, 6].contains(&a) && (3..6).contains(&b)) {
        (a, b) = (turned(4, a), turned(4, b));
    }
    (if columns { axes.transposed() } else { axes }, a, b)
}

/// Builds a program and the weights that it starts from.
struct Builder<'a> {
    puzzle: &'a Puzzle,
    noise: &'a mut dyn FnMut() -> f32,
    weights: Vec<f32>,
    values: Vec<Shape>,
    ops: Vec<Op>,
}

impl Builder<'_> {
    fn value(&mut self, channels: impl Fn(Axes) -> usize) -> Value {
        self.values.push(Shape::new(&self.puzzle.extent, channels));
        self.values.len() - 1
    }

    fn part(&mut self, rows: usize, columns: usize, deviation: f64) -> Part {
        let part = Part { start: self.weights.len(), rows, columns };
        let fresh =
            part.range().map(|_| if deviation > 0.0 { (self.noise)() * deviation as f32 } else { 0.0 });
        self.weights.extend(fresh);
        part
    }

    fn matrix(&mut self, rows: usize, columns: usize) -> Part {
        self.part(rows, columns, 1.0 / (rows as f64).sqrt())
    }

    /// A matrix for each tensor that `sizes` names one for; those that lie along columns have that of rows.
    fn matrices(&mut self, sizes: impl Fn(Axes) -> Option<(usize, usize)>) -> Parts {
        self.tied(|builder, axes| {
            let (rows, columns) = sizes(axes)?;
            Some(builder.matrix(rows, columns))
        })
    }

    fn tied(&mut self, mut fresh: impl FnMut(&mut Self, Axes) -> Option<Part>) -> Parts {
        let mut parts = Parts::new();
        for axes in Axes::SENSIBLE {
            let twin = axes.transposed().index().filter(|&twin| twin < parts.len());
            let part = twin.map_or_else(|| fresh(self, axes), |twin| parts[twin]);
            parts.push(part);
        }
        parts
    }

    fn latents(&mut self) -> Value {
        let said = self.value(|_| SAID);
        let extent = self.puzzle.extent;
        let latents = Axes::SENSIBLE.into_iter().map(|axes| {
            let places = extent.positions(axes);
            Latent {
                mean: self.part(places, SAID, HUSH),
                capacity: self.part(places, SAID, 0.0),
                target: self.part(1, SAID, 0.0),
            }
        });
        let latents = latents.collect();
        self.ops.push(Op::Draw { latents, to: said });
        let weights = self.matrices(|axes| Some((SAID, stream(axes))));
        let deviation = 1.0 / (SAID as f64).sqrt();
        let bias = self.tied(|builder, axes| Some(builder.part(1, stream(axes), deviation)));
        let to = self.value(stream);
        let bias = Some(bias.into_iter().map(|part| Some((part?, 1.0))).collect());
        self.ops.push(Op::Linear { from: said, weights, bias, to });
        to
    }

    /// Takes the stream to fewer channels, has something done there, and adds what comes of it to the stream.
    fn around(
        &mut self,
        stream_value: Value,
        takes: impl Fn(Axes) -> bool,
        [inner, outer]: [&dyn Fn(Axes) -> usize; 2],
        middle: impl FnOnce(&mut Self, Value) -> Value,
    ) -> Value {
        let down = self.matrices(|axes| takes(axes).then(|| (stream(axes), inner(axes))));
        let up = self.matrices(|axes| takes(axes).then(|| (outer(axes), stream(axes))));
        let from = self.value(|axes| if takes(axes) { inner(axes) } else { 0 });
        self.ops.push(Op::Linear { from: stream_value, weights: down, bias: None, to: from });
        let from = middle(self, from);
        let to = self.value(stream);
        self.ops.push(Op::Residual { onto: stream_value, from, weights: up, to });
        to
    }

    fn then(&mut self, channels: impl Fn(Axes) -> usize, op: impl FnOnce(Value) -> Op) -> Value {
        let to = self.value(channels);
        self.ops.push(op(to));
        to
    }

    fn layer(&mut self, at: Value) -> Value {
        let all = |_: Axes| true;
        let at = self.around(at, all, [&|_| SPREAD; 2], |builder, from| {
            let from = builder.then(|_| SPREAD, |to| Op::Spread { from, to });
            builder.then(|_| SPREAD, |to| Op::Norm { from, to })
        });
        let at = self.around(at, all, [&|_| SOFTMAX, &softmaxes], |builder, from| {
            builder.then(softmaxes, |to| Op::Softmax { from, to })
        });
        let directed = |axes: Axes| if is_directed(axes) { DIRECTED } else { 0 };
        let at = self.around(at, is_directed, [&|_| DIRECTED; 2], |builder, from| {
            let from = builder.then(directed, |to| Op::Cummax { from, to });
            builder.then(directed, |to| Op::Norm { from, to })
        });
        let at = self.around(at, is_directed, [&|_| DIRECTED; 2], |builder, from| {
            let from = builder.then(directed, |to| Op::Shift { from, to });
            builder.then(directed, |to| Op::Norm { from, to })
        });
        let at = self.mix(at);
        let at = self.around(at, all, [&|_| NONLINEAR; 2], |builder, from| {
            builder.then(|_| NONLINEAR, |to| Op::Silu { from, to })
        });
        let at = self.around(at, all, [&|_| GATHERED; 2], |builder, from| {
            let from = builder.then(|_| GATHERED, |to| Op::Gather { from, to });
            builder.then(|_| GATHERED, |to| Op::Norm { from, to })
        });
        self.then(stream, |to| Op::Norm { from: at, to })
    }

    fn mix(&mut self, onto: Value) -> Value {
        let turns = |axes: Axes| axes.has(Axis::Direction);
        let from =
            self.then(|axes| if turns(axes) { stream(axes) } else { 0 }, |to| Op::Norm { from: onto, to });
        let mut blocks = Blocks::new();
        for axes in Axes::SENSIBLE {
            if !turns(axes) {
                blocks.push(None);
                continue;
            }
            let twin = axes.transposed().index().and_then(|twin| *blocks.get(twin)?);
            let directions = || (0..DIRECTIONS).flat_map(|a| (0..DIRECTIONS).map(move |b| (a, b)));
            let mut block = [[Part { start: 0, rows: 0, columns: 0 }; DIRECTIONS]; DIRECTIONS];
            for (a, b) in directions().filter(|&(a, b)| representative(axes, a, b) == (axes, a, b)) {
                block[a][b] = self.matrix(stream(axes), stream(axes));
            }
            for (sink, source) in directions() {
                let (of, a, b) = representative(axes, sink, source);
                block[sink][source] = twin.filter(|_| of != axes).map_or(block[a][b], |twin| twin[a][b]);
            }
            blocks.push(Some(block));
        }
        self.then(stream, |to| Op::Mix { onto, from, blocks, to })
    }

    fn heads(&mut self, from: Value) -> Value {
        let is_head = |axes| [COLOURS_HEAD, ROWS_HEAD, COLUMNS_HEAD].contains(&axes);
        let weights = self.matrices(|axes| is_head(axes).then(|| (stream(axes), 2)));
        let deviation = 1.0 / (stream(COLOURS_HEAD) as f64).sqrt();
        let bias = self.tied(|builder, axes| is_head(axes).then(|| builder.part(1, 2, deviation)));
        if let Some(colours) = COLOURS_HEAD.index().and_then(|t| weights[t]) {
            // At the start, what is said of a colour in inputs and in outputs is the same.
            colours.of_mut(&mut self.weights).chunks_exact_mut(2).for_each(|both| both[1] = both[0]);
        }
        let scale = |axes: Axes| if axes == COLOURS_HEAD { HASTE } else { 1.0 };
        let scaled = |(part, axes): (Option<Part>, Axes)| Some((part?, scale(axes)));
        let bias = bias.into_iter().zip(Axes::SENSIBLE).map(scaled).collect();
        self.then(
            |axes| if is_head(axes) { 2 } else { 0 },
            |to| Op::Linear { from, weights, bias: Some(bias), to },
        )
    }
}

/// The network for a puzzle, and its weights to start from.
pub fn compression(puzzle: &Puzzle, seed: u64) -> (Program, Vec<f32>) {
    let mut noise = Noise::new(seed, 0);
    let mut builder = Builder {
        puzzle,
        noise: &mut || noise.normal(),
        weights: Vec::new(),
        values: Vec::new(),
        ops: Vec::new(),
    };
    let mut at = builder.latents();
    for _ in 0..LAYERS {
        at = builder.layer(at);
    }
    let heads = builder.heads(at);
    let Builder { weights, values, ops, .. } = builder;
    (Program { values, ops, heads, weights: weights.len() }, weights)
}
