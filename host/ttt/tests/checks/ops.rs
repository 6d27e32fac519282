//! Every operation, forth and back, on random numbers.

use std::ops::Range;

use fastrand::Rng;
use stratagem_ttt::launch::Device;
use stratagem_ttt::model::compression::{SOFTMAX, compression};
use stratagem_ttt::model::multi::{Axes, DIRECTIONS, Shape, TENSORS};
use stratagem_ttt::model::program::{Op, Program};
use stratagem_ttt::noise::Noise;
use stratagem_ttt::ops::adam::Adam as AdamOnDevice;
use stratagem_ttt::ops::draw::Draw;
use stratagem_ttt::ops::linear::{Linear, Sums};
use stratagem_ttt::ops::mix::Mix;
use stratagem_ttt::ops::multi::{Back, Multi, Pass};
use stratagem_ttt::ops::picture::Picture;
use stratagem_ttt::ops::share::Masks;
use stratagem_ttt::ops::tape::{Span, Tape};
use stratagem_ttt::ops::{draw, linear, lines, mix, norm, picture, share, silu, softmax};
use stratagem_ttt::puzzle::Puzzle;
use stratagem_ttt::reference::adam::Adam;
use stratagem_ttt::reference::ops::lines::Lines;
use stratagem_ttt::reference::ops::share::Sharing;
use stratagem_ttt::reference::ops::softmax::Groups;
use stratagem_ttt::reference::ops::{self as reference, draw as said};

use super::{Found, error, puzzles};

const MOST: f64 = 1e-4;

/// One puzzle, its network, random weights, and what was found.
struct Bench<'a> {
    device: &'a dyn Device,
    puzzle: Puzzle,
    program: Program,
    weights: Vec<f32>,
    chance: Rng,
    found: Vec<Found>,
}

/// All operations on all puzzles.
pub fn all(device: &dyn Device) -> Vec<Found> {
    let check = |(n, puzzle): (usize, Puzzle)| {
        let (program, _) = compression(&puzzle, 1);
        let mut chance = Rng::with_seed(n as u64);
        let weights = (0..program.weights).map(|_| chance.f32() - 0.5).collect();
        let mut bench = Bench { device, puzzle, program, weights, chance, found: Vec::new() };
        bench.draws();
        // The first of each, and whatever lies outside of the first layer.
        let ops = bench.program.ops.clone();
        let layer = ops.iter().position(|op| matches!(op, Op::Gather { .. })).unwrap() + 3;
        for op in ops[1..layer].iter().chain(ops.last()) {
            bench.pass(op);
        }
        bench.picture();
        bench.adam();
        bench.found.iter_mut().for_each(|found| found.what = format!("puzzle {n}: {}", found.what));
        bench.found
    };
    puzzles().into_iter().enumerate().flat_map(check).collect()
}

fn tensors(shape: &Shape) -> impl Iterator<Item = Range<usize>> + Clone + '_ {
    (0..TENSORS).map(|t| shape.range(t))
}

fn wide(numbers: &[f32]) -> Vec<f64> {
    numbers.iter().map(|&x| f64::from(x)).collect()
}

fn add(to: &mut [f64], from: &[f64]) {
    to.iter_mut().zip(from).for_each(|(to, x)| *to += x);
}

/// How much one direction tells another.
fn tells(sink: usize, source: usize) -> f64 {
    [1.0, 0.2, 0.4, 0.2, 1.0, 0.2, 0.4, 0.2][(source + DIRECTIONS - sink) % DIRECTIONS]
}

/// Runs what a tape holds on inputs, and reads outputs.
fn run(device: &dyn Device, mut tape: Tape, inputs: &[(Span, &[f32])], outputs: &[Span]) -> Vec<Vec<f32>> {
    let script = tape.script();
    let mut session = device.open(script.floats()).unwrap();
    inputs.iter().for_each(|(span, numbers)| session.write(span.at, numbers).unwrap());
    session.run(&script).unwrap();
    let read = |span: &Span| {
        let mut numbers = vec![0.0; span.length as usize];
        session.read(span.at, &mut numbers).unwrap();
        numbers
    };
    outputs.iter().map(read).collect()
}

/// What an operation needs beside what it reads and writes.
struct Around<'a> {
    onto: Option<Multi<'a>>,
    weights: Span,
    gradient: Span,
    masks: Masks,
    inside: Span,
}

impl Around<'_> {
    /// Puts an operation and its way back on a tape.
    fn write_down(&self, tape: &mut Tape, op: &Op, back: Back<'_>) {
        let pass = back.pass;
        match op {
            Op::Linear { weights: parts, bias, .. } => {
                let linear = Linear { parts, bias: bias.as_ref(), onto: None, weights: self.weights };
                linear::forth(tape, &[(pass, linear)]);
                let mut sums = Sums::default();
                linear::back(tape, &[(back, linear, self.gradient)], &mut sums);
                sums.sum(tape);
            }
            Op::Residual { weights: parts, .. } => {
                let linear = Linear { parts, bias: None, onto: self.onto, weights: self.weights };
                linear::forth(tape, &[(pass, linear)]);
                let mut sums = Sums::default();
                linear::back(tape, &[(back, linear, self.gradient)], &mut sums);
                sums.sum(tape);
            }
            // In place: what is read is written.
            Op::Spread { .. } => {
                share::spread(tape, &[(pass.extent, pass.to.at(pass.from.span))]);
                share::spread_back(tape, &[(pass.extent, back.slope())]);
            }
            Op::Gather { .. } => {
                share::gather(tape, &[(pass.extent, pass.to.at(pass.from.span), self.masks)]);
                share::gather_back(tape, &[(pass.extent, back.slope(), self.masks)]);
            }
            Op::Norm { .. } => {
                let scales = tape.take(norm::scales(&pass));
                norm::forth(tape, &[(pass, scales)]);
                norm::back(tape, &[(back, scales)]);
            }
            Op::Softmax { .. } => {
                softmax::forth(tape, &[pass]);
                softmax::back(tape, &[back]);
            }
            Op::Cummax { .. } => {
                lines::cummax(tape, &[(pass, self.inside)]);
                lines::cummax_back(tape, &[(back, self.inside)]);
            }
            Op::Shift { .. } => {
                lines::shift(tape, &[(pass, self.inside)]);
                lines::shift_back(tape, &[(back, self.inside)]);
            }
            Op::Silu { .. } => {
                silu::forth(tape, &[pass]);
                silu::back(tape, &[back]);
            }
            Op::Mix { blocks, .. } => {
                let matrices = tape.take(mix::matrices(blocks));
                let Some(onto) = self.onto else { unreachable!("mixing adds to something") };
                let mix = Mix { onto, blocks, weights: self.weights, matrices };
                mix::forth(tape, &[(pass, mix)]);
                mix::back(tape, &[(back, mix, self.gradient)]);
            }
            Op::Draw { .. } => unreachable!("drawn apart"),
        }
    }
}

impl Bench<'_> {
    fn random(&mut self, length: usize) -> Vec<f32> {
        (0..length).map(|_| self.chance.f32() * 2.0 - 1.0).collect()
    }

    fn note(&mut self, what: &str, error: f64) {
        self.found.push(Found { what: what.to_owned(), error, most: MOST });
    }

    /// Compares tensor by tensor, or part by part.
    fn compare(
        &mut self,
        what: &str,
        ranges: impl Iterator<Item = Range<usize>> + Clone,
        found: &[f32],
        expected: &[f64],
    ) {
        // Some tensors' slopes cancel out, a norm's over two places among others: what is left is held to the others' size.
        let all = ranges.clone().flat_map(|range| &expected[range]);
        let least = all.fold(1e-6f64, |most, x| most.max(x.abs())) / 10.0;
        let worst =
            ranges.map(|range| error(&found[range.clone()], &expected[range], least)).fold(0.0, f64::max);
        self.note(what, worst);
    }

    /// An operation between two values, forth and back, both where slopes are written and where they are added.
    fn pass(&mut self, op: &Op) {
        let (from, to, onto, name) = match *op {
            Op::Draw { .. } => return,
            Op::Linear { from, to, .. } => (from, to, None, "linear"),
            Op::Residual { onto, from, to, .. } => (from, to, Some(onto), "residual"),
            Op::Spread { from, to } => (from, to, None, "spread"),
            Op::Gather { from, to } => (from, to, None, "gather"),
            Op::Norm { from, to } => (from, to, None, "norm"),
            Op::Softmax { from, to } => (from, to, None, "softmax"),
            Op::Cummax { from, to } => (from, to, None, "cummax"),
            Op::Shift { from, to } => (from, to, None, "shift"),
            Op::Silu { from, to } => (from, to, None, "silu"),
            Op::Mix { onto, from, to, .. } => (from, to, Some(onto), "mix"),
        };
        let shapes = self.program.values.clone();
        let (from, to) = (&shapes[from], &shapes[to]);
        let x = self.random(from.len());
        let slope = self.random(to.len());
        let there = self.random(from.len());
        let added = onto.map(|onto| self.random(shapes[onto].len()));
        let onto = onto.map(|onto| &shapes[onto]);
        let (y, by_x, by_weights) = self.expected(op, from, to, &wide(&x), added.as_deref(), &wide(&slope));
        for adds in [false, true] {
            let mut tape = Tape::default();
            let [from_at, to_at, slope_at, before] =
                [from.len(), to.len(), to.len(), from.len()].map(|length| tape.take(length));
            let onto_at = onto.map(|onto| Multi::new(onto, tape.take(onto.len())));
            let [weights, gradient] = [(); 2].map(|()| tape.take(self.weights.len()));
            let masks = Masks::new(&mut tape, &self.puzzle);
            let inside = lines::inside(&self.puzzle);
            let inside_at = tape.take(inside.len());
            let pass = Pass {
                extent: self.puzzle.extent,
                from: Multi::new(from, from_at),
                to: Multi::new(to, to_at),
            };
            let back = Back { pass, slope: slope_at, before, adds };
            let around = Around { onto: onto_at, weights, gradient, masks, inside: inside_at };
            around.write_down(&mut tape, op, back);
            let mask = Masks::numbers(&self.puzzle);
            let mut inputs = vec![
                (from_at, x.as_slice()),
                (slope_at, slope.as_slice()),
                (inside_at, &inside),
                (weights, &self.weights),
            ];
            inputs.extend(masks.span.map(|span| (span, mask.as_slice())));
            inputs.extend(adds.then_some((before, there.as_slice())));
            inputs.extend(onto_at.zip(added.as_deref()).map(|(onto, added)| (onto.span, added)));
            let in_place = matches!(op, Op::Spread { .. } | Op::Gather { .. });
            let places = if in_place { [from_at, slope_at] } else { [to_at, before] };
            let read = run(self.device, tape, &inputs, &[places[0], places[1], gradient]);
            let mut by_x = by_x.clone();
            if adds && !in_place {
                add(&mut by_x, &wide(&there));
            }
            self.compare(&format!("{name} forth"), tensors(to), &read[0], &y);
            self.compare(&format!("{name} back"), tensors(from), &read[1], &by_x);
            if !by_weights.is_empty() {
                let (found, expected): (Vec<f32>, Vec<f64>) =
                    by_weights.iter().map(|&(at, x)| (read[2][at], x)).unzip();
                self.note(&format!("{name} weights"), error(&found, &expected, 0.0));
            }
        }
    }

    /// What the reference makes of an operation: what is written, the slopes by what was read, and those by weights, each
    /// with its place.
    fn expected(
        &self,
        op: &Op,
        from: &Shape,
        to: &Shape,
        x: &[f64],
        added: Option<&[f32]>,
        slope: &[f64],
    ) -> (Vec<f64>, Vec<f64>, Vec<(usize, f64)>) {
        let weights = wide(&self.weights);
        let mut gradient = vec![f64::NAN; weights.len()];
        let mut y = added.map_or(vec![0.0; to.len()], wide);
        let mut by_x = vec![0.0; x.len()];
        let zero = |gradient: &mut Vec<f64>, range: Range<usize>| {
            gradient[range].iter_mut().filter(|g| g.is_nan()).for_each(|g| *g = 0.0);
        };
        for t in 0..TENSORS {
            let (read, written) = (from.range(t), to.range(t));
            let (x, s) = (&x[read.clone()], &slope[written.clone()]);
            let (y, by_x) = (&mut y[written], &mut by_x[read]);
            let channels = to.channels[t];
            match op {
                Op::Linear { weights: parts, .. } | Op::Residual { weights: parts, .. } => {
                    let Some(part) = parts[t] else { continue };
                    reference::linear::forth(x, part.of(&weights), part.rows, y);
                    zero(&mut gradient, part.range());
                    reference::linear::back(
                        x,
                        part.of(&weights),
                        part.rows,
                        s,
                        by_x,
                        part.of_mut(&mut gradient),
                    );
                    let bias = if let Op::Linear { bias, .. } = op {
                        bias.as_ref().and_then(|b| b[t])
                    } else {
                        None
                    };
                    if let Some((row, scale)) = bias {
                        reference::linear::add_row(row.of(&weights), scale, y);
                        zero(&mut gradient, row.range());
                        reference::linear::add_row_back(s, scale, row.of_mut(&mut gradient));
                    }
                }
                Op::Norm { .. } if channels > 0 => {
                    let scale = reference::norm::forth(x, channels, y);
                    reference::norm::back(y, &scale, s, by_x);
                }
                Op::Softmax { .. } => {
                    let groups = Groups::new(&self.puzzle.extent, Axes::SENSIBLE[t]);
                    groups.forth::<f64, SOFTMAX>(x, y);
                    groups.back::<f64, SOFTMAX>(y, s, by_x);
                }
                Op::Cummax { .. } if channels > 0 => {
                    let lines = Lines::new(&self.puzzle);
                    lines.cummax(x, channels, y);
                    lines.cummax_back(x, channels, s, by_x);
                }
                Op::Shift { .. } if channels > 0 => {
                    let lines = Lines::new(&self.puzzle);
                    lines.shift(x, channels, y);
                    lines.shift_back(x, channels, s, by_x);
                }
                Op::Silu { .. } => {
                    reference::silu::forth(x, y);
                    reference::silu::back(x, s, by_x);
                }
                Op::Mix { blocks, .. } => {
                    let Some(blocks) = &blocks[t] else { continue };
                    let each = DIRECTIONS * DIRECTIONS;
                    for (sink, source) in (0..each).map(|i| (i / DIRECTIONS, i % DIRECTIONS)) {
                        let part = blocks[sink][source];
                        zero(&mut gradient, part.range());
                        let (size, share) = (part.rows, tells(sink, source));
                        for place in (0..x.len()).step_by(DIRECTIONS * size) {
                            for (k, m) in (0..size * size).map(|i| (i / size, i % size)) {
                                let (read, written) = (place + source * size + k, place + sink * size + m);
                                let at = part.start + k * size + m;
                                y[written] += share * x[read] * weights[at];
                                by_x[read] += share * s[written] * weights[at];
                                gradient[at] += share * x[read] * s[written];
                            }
                        }
                    }
                }
                _ => {}
            }
        }
        let sharing = Sharing::new(&self.puzzle);
        match op {
            Op::Spread { .. } => {
                (y, by_x) = (x.to_vec(), slope.to_vec());
                sharing.spread(to, &mut y);
                sharing.spread_back(to, &mut by_x);
            }
            Op::Gather { .. } => {
                (y, by_x) = (x.to_vec(), slope.to_vec());
                sharing.gather(to, &mut y);
                sharing.gather_back(to, &mut by_x);
            }
            _ => {}
        }
        (y, by_x, gradient.into_iter().enumerate().filter(|(_, g)| !g.is_nan()).collect())
    }

    /// What is said, with noise of the seed, before the fortieth update.
    fn draws(&mut self) {
        let Some(Op::Draw { latents, to }) = self.program.ops.first().cloned() else {
            panic!("first is drawn")
        };
        // Capacities low enough that noise is felt.
        for latent in &latents {
            latent.target.of_mut(&mut self.weights).iter_mut().for_each(|t| *t -= 0.6);
        }
        let shape = self.program.values[to].clone();
        let slope = self.random(shape.len());
        let (weights, wide_slope) = (wide(&self.weights), wide(&slope));
        let (mut y, mut nats, mut expected) = (vec![0.0; shape.len()], 0.0, vec![0.0; weights.len()]);
        let mut noise = Noise::new(9, 41);
        let noise: Vec<f64> = (0..shape.len()).map(|_| f64::from(noise.normal())).collect();
        for (t, latent) in latents.iter().enumerate() {
            let range = shape.range(t);
            let what = said::Said {
                mean: latent.mean.of(&weights),
                capacity: latent.capacity.of(&weights),
                target: latent.target.of(&weights),
                noise: &noise[range.clone()],
            };
            nats += said::forth(&what, &mut y[range.clone()]);
            let parts = [latent.mean, latent.capacity, latent.target].map(|part| part.range());
            let Ok([mean, capacity, target]) = expected.get_disjoint_mut(parts) else {
                panic!("parts of their own")
            };
            said::back(&what, &wide_slope[range], &mut said::SaidSlopes { mean, capacity, target });
        }
        let mut tape = Tape::default();
        let [weights, gradient] = [(); 2].map(|()| tape.take(self.weights.len()));
        let [to, slope_at] = [(); 2].map(|()| tape.take(shape.len()));
        let (settings, nats_at) = (tape.take(3), tape.take(1));
        let stats = tape.take(draw::stats(&latents));
        let to = Multi::new(&shape, to);
        let draw = Draw { latents: &latents, to, weights, stats, seed: 9, settings, nats: nats_at };
        draw::forth(&mut tape, &[draw]);
        draw::back(&mut tape, &[(draw, slope_at, gradient)]);
        let inputs =
            [(weights, self.weights.as_slice()), (slope_at, &slope), (settings, &picture::settings(40))];
        let read = run(self.device, tape, &inputs, &[to.span, nats_at, gradient]);
        self.compare("draw forth", tensors(&shape), &read[0], &y);
        self.note("draw nats", error(&read[1], &[nats], 0.0));
        for (name, part) in [("mean", 0), ("capacity", 1), ("target", 2)] {
            let ranges =
                latents.iter().map(|latent| [latent.mean, latent.capacity, latent.target][part].range());
            self.compare(&format!("draw back by {name}"), ranges, &read[2], &expected);
        }
    }

    /// The loss of drawing, early on and late.
    fn picture(&mut self) {
        let shape = self.program.values[self.program.heads].clone();
        let heads = self.random(shape.len());
        for update in [0, 20, 500] {
            let mut slopes = vec![0.0; shape.len()];
            let missing = reference::picture::loss(&self.puzzle, update, &shape, &wide(&heads), &mut slopes);
            let mut tape = Tape::default();
            let [at, slopes_at] = [(); 2].map(|()| tape.take(shape.len()));
            let (settings, missing_at) = (tape.take(3), tape.take(1));
            let picture = Picture {
                puzzle: &self.puzzle,
                heads: Multi::new(&shape, at),
                slopes: slopes_at,
                settings,
                missing: missing_at,
            };
            picture::loss(&mut tape, &[picture]);
            let inputs = [(at, heads.as_slice()), (settings, &picture::settings(update))];
            let read = run(self.device, tape, &inputs, &[missing_at, slopes_at]);
            self.note(&format!("picture, update {update}"), error(&read[0], &[missing], 0.0));
            self.compare(&format!("picture back, update {update}"), tensors(&shape), &read[1], &slopes);
        }
    }

    /// Two steps, the second with another gradient, a gradient that is too long, and weights that fade.
    fn adam(&mut self) {
        const LENGTH: usize = 3_000;
        let gradients = [self.random(LENGTH), self.random(LENGTH)];
        let begin = self.random(LENGTH);
        let mut expected = wide(&begin);
        let mut adam = Adam::<f64>::new(0.01, [0.5, 0.9], LENGTH);
        for gradient in &gradients {
            let mut gradient = wide(gradient);
            let length = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
            gradient.iter_mut().for_each(|g| *g *= 2.0 / length);
            expected.iter_mut().for_each(|w| *w *= f64::from(0.999f32));
            adam.step([(expected.as_mut_slice(), gradient.as_slice())]);
        }
        let mut tape = Tape::default();
        let mut on_device = AdamOnDevice::new(&mut tape, LENGTH, [0.5, 0.9]);
        on_device.shorten(&mut tape, 2.0);
        on_device.step(&mut tape);
        let script = tape.script();
        let mut session = self.device.open(script.floats()).unwrap();
        on_device.begin(session.as_mut(), &begin).unwrap();
        for gradient in &gradients {
            session.write(on_device.gradient.at, gradient).unwrap();
            on_device.ready(session.as_mut(), 0.01, 0.999).unwrap();
            session.run(&script).unwrap();
        }
        let found = on_device.read(session.as_mut()).unwrap();
        self.note("adam", error(&found, &expected, 0.0));
    }
}
