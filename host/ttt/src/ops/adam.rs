//! Adam on a device.

use crate::launch::{Failed, Session};
use crate::ops::tape::{NONE, Span, Tape, bits, chunks, row};

row!(Row { weights, gradient, mean, square, length, settings, shortened, first, second });
row!(Shorten { gradient, length, to, longest });

/// What keeps a step finite where gradients are 0.
const LEAST: f64 = 1e-8;

/// Weights of one or more tasks, their gradient, and the optimiser's memory.
#[derive(Clone, Copy, Debug)]
pub struct Adam {
    pub weights: Span,
    pub gradient: Span,
    mean: Span,
    square: Span,
    settings: Span,
    /// Where a gradient's length is bounded, what it is multiplied with.
    shortened: Option<Span>,
    decay: [f64; 2],
    steps: i32,
}

impl Adam {
    pub fn new(tape: &mut Tape, weights: usize, decay: [f64; 2]) -> Self {
        let [weights, gradient, mean, square] = [(); 4].map(|()| tape.take(weights));
        Self { weights, gradient, mean, square, settings: tape.take(3), shortened: None, decay, steps: 0 }
    }

    /// Shortens the gradient to a length, from now on.
    pub fn shorten(&mut self, tape: &mut Tape, longest: f32) {
        let to = self.shortened.unwrap_or_else(|| tape.take(1));
        self.shortened = Some(to);
        let row = Shorten {
            gradient: self.gradient.at,
            length: self.gradient.length,
            to: to.at,
            longest: bits(longest),
        };
        tape.launch("shorten", &[row], |_| 1);
    }

    /// Moves weights against their gradient.
    pub fn step(&self, tape: &mut Tape) {
        let row = Row {
            weights: self.weights.at,
            gradient: self.gradient.at,
            mean: self.mean.at,
            square: self.square.at,
            length: self.weights.length,
            settings: self.settings.at,
            shortened: self.shortened.map_or(NONE, |span| span.at),
            first: bits(self.decay[0] as f32),
            second: bits(self.decay[1] as f32),
        };
        tape.launch("adam", &[row], |row| chunks(row.length));
    }

    /// Puts the weights to start from on the device.
    pub fn begin(&self, session: &mut dyn Session, weights: &[f32]) -> Result<(), Failed> {
        assert_eq!(weights.len() as u64, self.weights.length, "as many weights as places");
        session.write(self.weights.at, weights)?;
        let nothing = vec![0.0; weights.len()];
        session.write(self.mean.at, &nothing)?;
        session.write(self.square.at, &nothing)
    }

    /// Readies the next step: its rate, and the share of themselves that weights keep.
    pub fn ready(&mut self, session: &mut dyn Session, rate: f64, kept: f32) -> Result<(), Failed> {
        self.steps += 1;
        let [first, second] = self.decay.map(|decay| 1.0 - decay.powi(self.steps));
        let rate = (rate * second.sqrt() / first) as f32;
        session.write(self.settings.at, &[rate, (LEAST * second.sqrt()) as f32, kept])
    }

    pub fn read(&self, session: &mut dyn Session) -> Result<Vec<f32>, Failed> {
        let mut weights = vec![0.0; self.weights.length as usize];
        session.read(self.weights.at, &mut weights)?;
        Ok(weights)
    }
}
