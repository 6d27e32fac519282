//! Draws what is said of a task: numbers sent through a noisy channel, and the nats that they cost.

use ndarray::NdFloat;

use crate::model::real;
use crate::reference::ops::norm;

/// Nats of a tensor at the start, and how many it keeps at least.
const NATS: f64 = 1e4;
const LEAST: f64 = 0.5;
/// A target moves ten times as fast as other weights.
const HASTE: f64 = 10.0;

/// What is said of one tensor, and the noise that it is sent through: places × channels; `target` channels.
#[derive(Clone, Copy)]
pub struct Said<'a, F> {
    pub mean: &'a [F],
    pub capacity: &'a [F],
    pub target: &'a [F],
    pub noise: &'a [F],
}

/// The slopes by what is said.
pub struct SaidSlopes<'a, F> {
    pub mean: &'a mut [F],
    pub capacity: &'a mut [F],
    pub target: &'a mut [F],
}

/// What both ways compute first.
struct Channel<F> {
    /// Means, normed, and what norming scaled them by.
    mean: Vec<F>,
    scale: Vec<F>,
    /// For each channel what is sent is scaled by, and the slope of that by the target's logarithm.
    gain: Vec<[F; 2]>,
}

/// Of one number: the nats that are spent on it, and what they make of signal and noise.
struct Sent<F> {
    nats: F,
    /// The slope of `nats` by the logarithm of the capacity.
    nats_slope: F,
    signal: F,
    noise: F,
    noise_variance: F,
}

impl<F: NdFloat> Said<'_, F> {
    fn channel(&self) -> Channel<F> {
        let channels = self.target.len();
        let numbers = real::<F>(self.mean.len() as f64);
        let mut mean = vec![F::zero(); self.mean.len()];
        let scale = norm::forth(self.mean, channels, &mut mean);
        let gain = self.target.iter().map(|&target| {
            let grown = (real::<F>(HASTE) * target).exp() * real(NATS);
            let decay = real::<F>(-2.0) / numbers;
            let lost = decay * (grown + real(LEAST));
            [-lost.exp_m1(), -decay * lost.exp() * grown]
        });
        Channel { mean, scale, gain: gain.collect() }
    }

    /// What the capacity of each number is, as a logarithm, beside the start's.
    fn capacities(&self) -> impl Iterator<Item = F> + '_ {
        let channels = self.target.len();
        let share = F::one() / real((self.capacity.len() / channels) as f64);
        let mut mean = vec![F::zero(); channels];
        for place in self.capacity.chunks_exact(channels) {
            mean.iter_mut().zip(place).for_each(|(mean, &c)| *mean += c * share);
        }
        let level: Vec<F> =
            self.target.iter().zip(&mean).map(|(&target, &mean)| real::<F>(HASTE) * target - mean).collect();
        self.capacity.iter().enumerate().map(move |(i, &c)| c + level[i % channels])
    }

    fn sent(&self, capacity: F) -> Sent<F> {
        let numbers = real::<F>(self.mean.len() as f64);
        let grown = capacity.exp() * real(NATS);
        let nats = (grown + real(LEAST)) / numbers;
        let noise = (-nats).exp();
        let noise_variance = noise * noise;
        let signal = (-(real::<F>(-2.0) * nats).exp_m1()).sqrt();
        Sent { nats, nats_slope: grown / numbers, signal, noise, noise_variance }
    }
}

/// Writes what arrives; gives the nats that were spent.
pub fn forth<F: NdFloat>(said: &Said<'_, F>, to: &mut [F]) -> F {
    let channel = said.channel();
    let channels = said.target.len();
    let half = real::<F>(0.5);
    let mut spent = F::zero();
    for (i, capacity) in said.capacities().enumerate() {
        let sent = said.sent(capacity);
        let mean = channel.mean[i];
        to[i] = channel.gain[i % channels][0] * (sent.signal * mean + sent.noise * said.noise[i]);
        let wide = sent.noise_variance + (F::one() - sent.noise_variance) * mean * mean - F::one();
        spent += half * wide + sent.nats;
    }
    spent
}

/// The slopes by what is said, of `slope` by what arrives and of the nats, which count as they are.
pub fn back<F: NdFloat>(said: &Said<'_, F>, slope: &[F], slopes: &mut SaidSlopes<'_, F>) {
    let channel = said.channel();
    let channels = said.target.len();
    let one = F::one();
    let mut mean_slope = vec![F::zero(); said.mean.len()];
    let mut capacity_slope = vec![F::zero(); said.mean.len()];
    let mut gain_slope = vec![F::zero(); channels];
    for (i, capacity) in said.capacities().enumerate() {
        let Sent { nats_slope, signal, noise, noise_variance, .. } = said.sent(capacity);
        let (mean, drawn, slope) = (channel.mean[i], said.noise[i], slope[i]);
        let gain = channel.gain[i % channels][0];
        gain_slope[i % channels] += slope * (signal * mean + noise * drawn);
        mean_slope[i] = gain * signal * slope + (one - noise_variance) * mean;
        let by_nats = slope * gain * (noise_variance / signal * mean - noise * drawn)
            + noise_variance * (mean * mean - one)
            + one;
        capacity_slope[i] = by_nats * nats_slope;
    }
    norm::back(&channel.mean, &channel.scale, &mean_slope, slopes.mean);
    let share = one / real((said.mean.len() / channels) as f64);
    let mut sums = vec![F::zero(); channels];
    for place in capacity_slope.chunks_exact(channels) {
        sums.iter_mut().zip(place).for_each(|(sum, &s)| *sum += s);
    }
    for (i, (to, &s)) in slopes.capacity.iter_mut().zip(&capacity_slope).enumerate() {
        *to += s - sums[i % channels] * share;
    }
    for (c, to) in slopes.target.iter_mut().enumerate() {
        *to += real::<F>(HASTE) * (sums[c] + gain_slope[c] * channel.gain[c][1]);
    }
}
