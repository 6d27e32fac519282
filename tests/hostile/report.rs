//! What came of the corpus, for people and as JSON.

use std::path::Path;

use serde::Serialize;
use stratagem_domain::grouped;

use crate::Options;
use crate::stage::Played;
use crate::watch::{self, Holdings};

#[derive(Serialize)]
pub struct Report {
    pub cases: usize,
    pub jobs: usize,
    pub seed: u64,
    pub alone: Vec<Played>,
    pub rounds: Vec<Round>,
    /// Stored runs, the neighbour's too.
    pub runs: u64,
    /// The host's memory before the first case.
    pub base_bytes: u64,
    /// The most that the host's memory may be: see [`crate::bound`].
    pub bound_bytes: u64,
    pub peak_bytes: u64,
    /// True where the kernel does not let the peak be forgotten.
    pub peak_since_start: bool,
    pub seconds: f64,
    pub faults: Vec<String>,
    #[serde(skip)]
    quiet: bool,
}

/// A round of all cases in random order.
#[derive(Serialize)]
pub struct Round {
    pub number: usize,
    pub faults: Vec<String>,
    pub seconds: f64,
    /// The host's memory after it.
    pub resident_bytes: u64,
}

impl Report {
    pub fn new(options: &Options, cases: usize) -> Self {
        let quiet = options.json;
        if !quiet {
            println!(
                "{:<44} {:<14} {:<14} {:>15} {:>7} {:>7} {:>6}",
                "case", "stated", "got", "fuel", "MiB", "host", "ms"
            );
        }
        Self {
            cases,
            jobs: options.jobs,
            seed: options.seed,
            alone: Vec::new(),
            rounds: Vec::new(),
            runs: 0,
            base_bytes: 0,
            bound_bytes: 0,
            peak_bytes: 0,
            peak_since_start: false,
            seconds: 0.0,
            faults: Vec::new(),
            quiet,
        }
    }

    /// Takes what came of a case that was played alone.
    pub fn played(&mut self, played: Played) {
        if !self.quiet {
            let rise =
                played.host_rise_bytes.map_or_else(|| "-".to_owned(), |bytes| format!("+{}", mib(bytes)));
            println!(
                "{:<44} {:<14} {:<14} {:>15} {:>7} {rise:>7} {:>6}",
                played.case,
                played.stated,
                played.got,
                grouped(played.fuel_spent),
                mib(played.memory_peak_bytes),
                played.wall_ms,
            );
        }
        let faults: Vec<String> =
            played.faults.iter().map(|fault| format!("{}: {fault}", played.case)).collect();
        self.blame(faults);
        self.alone.push(played);
    }

    pub fn after_round(&mut self, round: Round, settled: &Holdings, temporary: &Path) {
        if !self.quiet {
            println!(
                "round {:>3}: {} of {} as stated, {:.1} s, host {} MiB",
                round.number,
                self.cases - round.faults.len().min(self.cases),
                self.cases,
                round.seconds,
                mib(round.resident_bytes)
            );
        }
        let left = [Holdings::check(settled), watch::check_children(), watch::check_empty(temporary)];
        let named = |fault: &String| format!("round {}: {fault}", round.number);
        let left: Vec<String> = left.into_iter().filter_map(Result::err).collect();
        let faults = round.faults.iter().chain(&left).map(named).collect();
        self.blame(faults);
        self.rounds.push(round);
    }

    /// Holds memory after the last round to memory after the round in which it had settled.
    pub fn check_growth(&mut self, settled: usize, most: u64) {
        let resident = |round: &Round| round.resident_bytes;
        let (Some(then), Some(now)) =
            (self.rounds.get(settled - 1).map(resident), self.rounds.last().map(resident))
        else {
            return;
        };
        if now > then + then * most / 100 {
            let rounds = self.rounds.len();
            self.blame(vec![format!(
                "memory is {} MiB after round {rounds}, it was {} MiB after round {settled}: limit {most} % more",
                mib(now),
                mib(then)
            )]);
        }
    }

    /// Holds what the process is after all to what it was before.
    pub fn check_end(&mut self, empty: &Holdings, temporary: &Path) {
        let left = [Holdings::check(empty), watch::check_children(), watch::check_empty(temporary)];
        let mut faults: Vec<String> = left.into_iter().filter_map(Result::err).collect();
        if self.peak_bytes > self.bound_bytes {
            faults.push(format!(
                "the host's memory reached {} MiB: the configured sum is {} MiB",
                mib(self.peak_bytes),
                mib(self.bound_bytes)
            ));
        }
        self.blame(faults);
    }

    fn blame(&mut self, faults: Vec<String>) {
        for fault in &faults {
            eprintln!("error: {fault}");
        }
        self.faults.extend(faults);
    }

    pub fn print(&self, json: bool) {
        if json {
            match serde_json::to_string_pretty(self) {
                Ok(text) => println!("{text}"),
                Err(error) => eprintln!("error: {error}"),
            }
            return;
        }
        println!(
            "{} cases alone, {} rounds of {} at once, {} stored runs, {:.1} s",
            self.cases,
            self.rounds.len(),
            self.jobs,
            self.runs,
            self.seconds
        );
        println!(
            "host memory: {} MiB at its peak{}; configured sum {} MiB = {} MiB at the start + {} jobs × {} MiB",
            mib(self.peak_bytes),
            if self.peak_since_start { " since the process began" } else { "" },
            mib(self.bound_bytes),
            mib(self.base_bytes),
            self.jobs,
            mib((self.bound_bytes - self.base_bytes) / self.jobs.max(1) as u64)
        );
        match self.faults.len() {
            0 => println!("all as stated; nothing is left: no file, no process, no descriptor, no thread"),
            count => println!("{count} faults"),
        }
    }
}

fn mib(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / f64::from(1 << 20))
}
