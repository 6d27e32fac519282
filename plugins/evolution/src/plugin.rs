//! The search as a plugin: tasks in, answers out, work counted in the host's fuel, what lessons' programs are made of
//! kept in the memory.

use stratagem_dsl::{Grid, Program};
use stratagem_kit::bridge::{grid_of, task_of};
use stratagem_kit::fuel::Fuel;
use stratagem_kit::offers::Offers;
use stratagem_kit::program_in;
use stratagem_sdk as sdk;
use stratagem_sdk::{Description, Level, Run, Strategy, export, memory};

use crate::{WORK_USUAL, search};

/// The kind under which pieces of programs are kept.
const KIND: &str = "program";
/// Programs that are taken from the memory, at most.
const PATTERNS_MAX: u32 = 40;
/// The share of the memory limit that the search plans with; the rest is for what it cannot count.
const MEMORY_SHARE: u64 = 3;

struct Evolution;

impl Strategy for Evolution {
    fn describe() -> Description {
        let summary =
            "Breeds programs of grid transforms by what they explain of the demonstrations, cell by cell";
        Description::new("evolution", env!("CARGO_PKG_VERSION"), "evolution", summary)
    }

    fn solve(task: &sdk::Task, run: &Run) -> Result<(), String> {
        let mut offers = Offers::new(run, task);
        let task = task_of(task)?;
        let patterns = remembered(run);
        let memory_bytes = (run.budget().memory_bytes / MEMORY_SHARE) as usize;
        let mut fuel = Fuel::of(run, WORK_USUAL)?;
        let mut tell = |generation: crate::Generation| {
            run.step("generation", &generation.to_string(), generation.fits == generation.pairs);
        };
        search(&task, run.seed(), &patterns, memory_bytes, &mut fuel, &mut tell, &mut |answer| {
            offers.offer(&answer)
        });
        offers.finish()
    }

    /// Keeps what the lessons' programs are made of. Only learning writes to the memory: the same task and seed give
    /// the same answers, whatever else was solved in between.
    fn learn(lessons: &[sdk::Lesson], run: &Run) -> Result<(), String> {
        let mut told = 0;
        for lesson in lessons {
            let Some(program) = program_of(lesson)? else { continue };
            told += 1;
            // Single steps are tried anyhow.
            for pipeline in program.pipelines().into_iter().filter(|p| p.0.len() > 1) {
                memory::keep_pattern(KIND, &pipeline.to_string(), true).map_err(String::from)?;
            }
        }
        run.step("learn", &format!("pieces of {told} programs, of {} lessons", lessons.len()), told > 0);
        Ok(())
    }
}

/// The program that the lesson's rationale names, where it does solve the lesson.
fn program_of(lesson: &sdk::Lesson) -> Result<Option<Program>, String> {
    let task = task_of(&lesson.task)?;
    let outputs: Vec<Grid> = lesson.outputs.iter().map(grid_of).collect::<Result<_, _>>()?;
    Ok(program_in(&lesson.rationale).filter(|program| program.solves(&task, &outputs)))
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

export!(Evolution);
