//! The search as a plugin: tasks in, answers out, work counted in the host's fuel.

use stratagem_kit::bridge::task_of;
use stratagem_kit::fuel::Fuel;
use stratagem_kit::offers::Offers;
use stratagem_sdk as sdk;
use stratagem_sdk::{Description, Run, Strategy, export};

use crate::{Limits, WORK_USUAL, search};

/// The share of the memory limit that the search plans with; the rest is for what it cannot count.
const MEMORY_SHARE: u64 = 3;

struct Synthesis;

impl Strategy for Synthesis {
    fn describe() -> Description {
        let summary = "Searches for short programs of grid transforms that explain every demonstration";
        Description::new("synthesis", env!("CARGO_PKG_VERSION"), "program_synthesis", summary)
    }

    fn solve(task: &sdk::Task, run: &Run) -> Result<(), String> {
        let mut offers = Offers::new(run, task);
        let task = task_of(task)?;
        let memory_bytes = (run.budget().memory_bytes / MEMORY_SHARE) as usize;
        let limits =
            Limits { memory_bytes: memory_bytes.min(Limits::default().memory_bytes), ..Limits::default() };
        let mut fuel = Fuel::of(run, WORK_USUAL)?;
        search(&task, limits, &mut fuel, &mut |answer| offers.offer(&answer));
        offers.finish()
    }
}

export!(Synthesis);
