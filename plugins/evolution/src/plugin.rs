//! The search as a plugin: tasks in, answers out, work counted in the host's fuel, programs kept in the memory.

use stratagem_dsl::Program;
use stratagem_kit::Answer;
use stratagem_kit::bridge::{answer_of, task_of};
use stratagem_kit::fuel::Fuel;
use stratagem_sdk as sdk;
use stratagem_sdk::{Description, Level, Run, Strategy, export, memory};

use crate::{WORK_USUAL, search};

/// The kind under which strategies share their programs.
const KIND: &str = "program";
/// Programs that are taken from the memory, at most.
const PATTERNS_MAX: u32 = 40;
/// The share of the memory limit that the search plans with; the rest is for what it cannot count.
const MEMORY_SHARE: u64 = 3;
/// The confidence above which a program explains every demonstration.
const EXACT: f64 = 0.55;

struct Evolution;

impl Strategy for Evolution {
    fn describe() -> Description {
        let summary =
            "Breeds programs of grid transforms by what they explain of the demonstrations, cell by cell";
        Description::new("evolution", env!("CARGO_PKG_VERSION"), "evolution", summary)
    }

    fn solve(task: &sdk::Task, run: &Run) -> Result<(), String> {
        let task = task_of(task)?;
        let patterns = remembered(run);
        let memory_bytes = (run.budget().memory_bytes / MEMORY_SHARE) as usize;
        let mut fuel = Fuel::of(run, WORK_USUAL)?;
        let mut refused = None;
        let mut best: Option<Answer> = None;
        let mut offer = |answer: Answer| {
            run.step("propose", &answer.rationale, answer.confidence > EXACT);
            if let Err(refusal) = run.offer(&answer_of(&answer)) {
                refused = Some(refusal);
            }
            if best.as_ref().is_none_or(|b| answer.confidence > b.confidence) {
                best = Some(answer);
            }
        };
        let mut tell = |generation: crate::Generation| {
            run.step("generation", &generation.to_string(), generation.fits == generation.pairs);
        };
        search(&task, run.seed(), &patterns, memory_bytes, &mut fuel, &mut tell, &mut offer);
        if let Some(best) = best.filter(|b| b.confidence > EXACT) {
            remember(run, &best);
        }
        refused.map_or(Ok(()), |refusal| Err(String::from(refusal)))
    }
}

/// Programs that served before; none where there is no memory.
fn remembered(run: &Run) -> Vec<Program> {
    let patterns = match memory::patterns(KIND, 0.0, PATTERNS_MAX) {
        Ok(patterns) => patterns,
        Err(refusal) => {
            run.log(Level::Info, &format!("no patterns: {}", String::from(refusal)));
            return Vec::new();
        }
    };
    let programs: Vec<Program> = patterns.iter().filter_map(|p| p.data.parse().ok()).collect();
    let strange = patterns.len() - programs.len();
    run.step("remember", &format!("{} programs, {strange} that do not parse", programs.len()), strange == 0);
    programs
}

fn remember(run: &Run, best: &Answer) {
    let Some((program, _)) = best.rationale.rsplit_once(" (fits") else { return };
    if let Err(refusal) = memory::keep_pattern(KIND, program, true) {
        run.log(Level::Info, &format!("the program is not kept: {}", String::from(refusal)));
    }
}

export!(Evolution);
