use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde_json::json;

/// What was measured, and the bound of each ratio.
#[derive(Default)]
pub struct Table {
    figures: Vec<(&'static str, String)>,
    ratios: Vec<Ratio>,
}

struct Ratio {
    what: &'static str,
    found: f64,
    bound: f64,
}

impl Table {
    /// A figure that ratios are made of; it depends on the machine.
    pub fn figure(&mut self, what: &'static str, found: String) {
        self.figures.push((what, found));
    }

    /// A ratio that is at most `bound`.
    pub fn ratio(&mut self, what: &'static str, found: f64, bound: f64) {
        self.ratios.push(Ratio { what, found, bound });
    }

    pub fn print(&self) {
        self.figures.iter().for_each(|(what, found)| println!("{what:<58}{found}"));
        println!();
        for Ratio { what, found, bound } in &self.ratios {
            let verdict = if found <= bound { "" } else { "   BEYOND" };
            println!("{what:<58}{found:>9.4}   at most {bound}{verdict}");
        }
        if self.ratios.iter().any(|ratio| ratio.found > ratio.bound) {
            println!("\na bound was missed: run it again on a quiet machine before believing it");
        }
    }

    pub fn print_json(&self) {
        let figures: serde_json::Map<_, _> =
            self.figures.iter().map(|(what, found)| ((*what).to_owned(), json!(found))).collect();
        let ratio =
            |ratio: &Ratio| (ratio.what.to_owned(), json!({"found": ratio.found, "at_most": ratio.bound}));
        let ratios: serde_json::Map<_, _> = self.ratios.iter().map(ratio).collect();
        println!("{:#}", json!({"figures": figures, "ratios": ratios}));
    }
}

/// CPU time that the calling thread takes for some work.
pub fn cpu(work: impl FnOnce()) -> Duration {
    clocked(ClockId::ThreadCPUTime, work)
}

/// CPU time that the whole process takes meanwhile.
pub fn process_cpu(work: impl FnOnce()) -> Duration {
    clocked(ClockId::ProcessCPUTime, work)
}

fn clocked(clock: ClockId, work: impl FnOnce()) -> Duration {
    let now = || {
        let time = clock_gettime(clock);
        Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
    };
    let started = now();
    work();
    now().saturating_sub(started)
}

/// Figures that were taken in turn, again and again.
pub struct Turns<const N: usize>(Vec<[Duration; N]>);

impl<const N: usize> Turns<N> {
    pub fn take(turns: usize, mut figures: impl FnMut() -> [Duration; N]) -> Self {
        Self((0..turns).map(|_| figures()).collect())
    }

    pub fn medians(&self) -> [Duration; N] {
        std::array::from_fn(|at| middle(self.0.iter().map(|turn| turn[at]).collect(), Duration::cmp))
    }

    /// The median of the ratios of each turn: what slows a whole turn is in neither figure.
    pub fn ratio(&self, over: usize, under: usize) -> f64 {
        let ratio = |turn: &[Duration; N]| turn[over].as_secs_f64() / turn[under].as_secs_f64();
        middle(self.0.iter().map(ratio).collect(), f64::total_cmp)
    }
}

fn middle<T: Copy>(mut values: Vec<T>, order: impl Fn(&T, &T) -> std::cmp::Ordering) -> T {
    values.sort_unstable_by(order);
    values[values.len() / 2]
}

pub fn us(time: Duration) -> String {
    format!("{:.1} µs", time.as_secs_f64() * 1e6)
}
