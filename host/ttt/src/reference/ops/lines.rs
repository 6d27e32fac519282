//! What runs along the lines of a grid in all eight directions.
//!
//! Channels come in two halves: those of even number run along their direction, those of odd number against it; what comes of
//! the former is written first.

use ndarray::NdFloat;

use crate::model::multi::DIRECTIONS;
use crate::model::real;
use crate::puzzle::Puzzle;

/// Rows and columns that a step goes: down, then on by an eighth of a turn.
const STEPS: [[isize; 2]; DIRECTIONS] =
    [[1, 0], [1, 1], [0, 1], [-1, 1], [-1, 0], [-1, -1], [0, -1], [1, -1]];
/// Taken from what lies outside, so that it is never the highest.
const OUTSIDE: f64 = 1e3;

/// The lines of a puzzle's canvas.
#[derive(Clone, Debug)]
pub struct Lines<F> {
    /// For each direction the places of the canvas, line by line along it; and how long each line is.
    runs: Vec<Vec<Vec<u32>>>,
    /// 1 inside of an example's grids, 0 outside; examples × places.
    inside: Vec<F>,
    places: usize,
    width: usize,
    height: usize,
}

/// What [`Lines`] is asked to do on one line.
trait Along<F> {
    /// `line` holds what is inside, 0 for what is not; `to` is written.
    fn forth(line: &[F], inside: &[F], is_diagonal: bool, to: &mut [F]);
    /// Adds to `line_slope`.
    fn back(line: &[F], inside: &[F], is_diagonal: bool, slope: &[F], line_slope: &mut [F]);
}

impl<F: NdFloat> Lines<F> {
    pub fn new(puzzle: &Puzzle) -> Self {
        let [examples, _, height, width, _] = puzzle.extent.0;
        let places =
            || (0..height as isize).flat_map(|row| (0..width as isize).map(move |column| [row, column]));
        let is_within = |[row, column]: [isize; 2]| {
            (0..height as isize).contains(&row) && (0..width as isize).contains(&column)
        };
        let runs = STEPS.map(|[down, right]| {
            let starts = places().filter(|[row, column]| !is_within([row - down, column - right]));
            let run = |start: [isize; 2]| {
                let on = |&[row, column]: &[isize; 2]| {
                    Some([row + down, column + right]).filter(|&next| is_within(next))
                };
                let line = std::iter::successors(Some(start), on);
                line.map(|[row, column]| (row * width as isize + column) as u32).collect()
            };
            starts.map(run).collect()
        });
        let inside = (0..examples).flat_map(|example| {
            places().map(move |[row, column]| puzzle.is_inside(example, row as usize, column as usize))
        });
        Self {
            runs: runs.into(),
            inside: inside.map(|inside| real(f64::from(u8::from(inside)))).collect(),
            places: height * width,
            width,
            height,
        }
    }

    pub fn cummax(&self, from: &[F], channels: usize, to: &mut [F]) {
        self.forth::<Cummax>(from, channels, to);
    }

    pub fn cummax_back(&self, from: &[F], channels: usize, slope: &[F], from_slope: &mut [F]) {
        self.back::<Cummax>(from, channels, slope, from_slope);
    }

    pub fn shift(&self, from: &[F], channels: usize, to: &mut [F]) {
        self.forth::<Shift>(from, channels, to);
    }

    pub fn shift_back(&self, from: &[F], channels: usize, slope: &[F], from_slope: &mut [F]) {
        self.back::<Shift>(from, channels, slope, from_slope);
    }

    /// Calls with every line: where its numbers are, where those that come of it are, and what of it is inside.
    fn each(&self, numbers: usize, channels: usize, mut of: impl FnMut(&Run<'_, F>)) {
        let stride = DIRECTIONS * channels;
        let canvas = self.places * stride;
        let canvases = numbers / canvas;
        let colours = canvases / (self.inside.len() / self.places);
        let longest = self.width.max(self.height);
        let mut inside = Vec::with_capacity(longest);
        for which in 0..canvases {
            let mask = &self.inside[which / colours * self.places..][..self.places];
            for direction in 0..DIRECTIONS {
                for channel in 0..channels {
                    let is_against = channel % 2 == 1;
                    let way = if is_against { (direction + DIRECTIONS / 2) % DIRECTIONS } else { direction };
                    let written = channel / 2 + if is_against { channels / 2 } else { 0 };
                    for places in &self.runs[way] {
                        inside.clear();
                        inside.extend(places.iter().map(|&place| mask[place as usize]));
                        let start = which * canvas + direction * channels;
                        of(&Run {
                            places,
                            stride,
                            from: start + channel,
                            to: start + written,
                            inside: &inside,
                            is_diagonal: way % 2 == 1,
                        });
                    }
                }
            }
        }
    }

    fn forth<A: Along<F>>(&self, from: &[F], channels: usize, to: &mut [F]) {
        let (mut line, mut out) = (Vec::new(), Vec::new());
        self.each(from.len(), channels, |run| {
            run.read(from, &mut line);
            out.resize(line.len(), F::zero());
            A::forth(&line, run.inside, run.is_diagonal, &mut out);
            run.places.iter().zip(&out).for_each(|(&place, &x)| to[run.to + place as usize * run.stride] = x);
        });
    }

    fn back<A: Along<F>>(&self, from: &[F], channels: usize, slope: &[F], from_slope: &mut [F]) {
        let (mut line, mut out, mut line_slope) = (Vec::new(), Vec::new(), Vec::new());
        self.each(from.len(), channels, |run| {
            run.read(from, &mut line);
            out.clear();
            out.extend(run.places.iter().map(|&place| slope[run.to + place as usize * run.stride]));
            line_slope.clear();
            line_slope.resize(line.len(), F::zero());
            A::back(&line, run.inside, run.is_diagonal, &out, &mut line_slope);
            for ((&place, &s), &inside) in run.places.iter().zip(&line_slope).zip(run.inside) {
                from_slope[run.from + place as usize * run.stride] += s * inside;
            }
        });
    }
}

/// One line of one channel.
struct Run<'a, F> {
    places: &'a [u32],
    stride: usize,
    from: usize,
    to: usize,
    inside: &'a [F],
    is_diagonal: bool,
}

impl<F: NdFloat> Run<'_, F> {
    fn read(&self, numbers: &[F], line: &mut Vec<F>) {
        line.clear();
        let read = |&place: &u32| numbers[self.from + place as usize * self.stride];
        line.extend(self.places.iter().zip(self.inside).map(|(place, &inside)| read(place) * inside));
    }
}

/// The highest number so far, between -1 for the line's lowest and 1 for its highest.
struct Cummax;

impl Cummax {
    /// What lies between lowest and highest where they are the same, and how far both are moved apart: along rows and
    /// columns, along diagonals.
    const fn least(is_diagonal: bool) -> [f64; 2] {
        if is_diagonal { [1e-5, 0.0] } else { [0.0, 1e-3] }
    }

    /// Where the highest and the lowest number inside are.
    fn ends<F: NdFloat>(line: &[F], inside: &[F]) -> [usize; 2] {
        let (mut high, mut low) = (0, 0);
        let below = |i: usize| line[i] - Self::outside(inside[i]);
        let above = |i: usize| line[i] + Self::outside(inside[i]);
        for i in 1..line.len() {
            if below(i) > below(high) {
                high = i;
            }
            if above(i) < above(low) {
                low = i;
            }
        }
        [high, low]
    }

    fn outside<F: NdFloat>(inside: F) -> F {
        real::<F>(OUTSIDE) * (F::one() - inside)
    }
}

impl<F: NdFloat> Along<F> for Cummax {
    fn forth(line: &[F], inside: &[F], is_diagonal: bool, to: &mut [F]) {
        let [apart, margin] = Self::least(is_diagonal).map(real::<F>);
        let [high, low] = Self::ends(line, inside);
        let highest = line[high] - Self::outside(inside[high]) + margin;
        let lowest = line[low] + Self::outside(inside[low]) - margin;
        let mut most = F::neg_infinity();
        let two = real::<F>(2.0);
        for (i, to) in to.iter_mut().enumerate() {
            let outside = Self::outside(inside[i]);
            most = most.max(line[i] - outside);
            let (most, highest, lowest) = (most + outside, highest + outside, lowest - outside);
            let share = (most - lowest) / (highest - lowest + apart) * two - F::one();
            *to = if is_diagonal { share * inside[i] } else { share };
        }
    }

    fn back(line: &[F], inside: &[F], is_diagonal: bool, slope: &[F], line_slope: &mut [F]) {
        let [apart, margin] = Self::least(is_diagonal).map(real::<F>);
        let [high, low] = Self::ends(line, inside);
        let highest = line[high] - Self::outside(inside[high]) + margin;
        let lowest = line[low] + Self::outside(inside[low]) - margin;
        let two = real::<F>(2.0);
        let mut at = 0;
        for (i, &slope) in slope.iter().enumerate() {
            let outside = Self::outside(inside[i]);
            if line[i] - outside > line[at] - Self::outside(inside[at]) {
                at = i;
            }
            let most = line[at] - Self::outside(inside[at]) + outside;
            let (highest, lowest) = (highest + outside, lowest - outside);
            let slope = if is_diagonal { slope * inside[i] } else { slope };
            let width = highest - lowest + apart;
            let share = (most - lowest) / width;
            line_slope[at] += slope * two / width;
            line_slope[high] -= slope * two * share / width;
            line_slope[low] += slope * two * (share - F::one()) / width;
        }
    }
}

/// The number before.
struct Shift;

impl<F: NdFloat> Along<F> for Shift {
    fn forth(line: &[F], _: &[F], _: bool, to: &mut [F]) {
        to[0] = F::zero();
        to[1..].copy_from_slice(&line[..line.len() - 1]);
    }

    fn back(_: &[F], _: &[F], _: bool, slope: &[F], line_slope: &mut [F]) {
        line_slope[..slope.len() - 1].iter_mut().zip(&slope[1..]).for_each(|(to, &s)| *to += s);
    }
}
