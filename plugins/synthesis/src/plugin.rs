//! The search as a plugin: tasks in, answers out, work counted in the host's fuel.

use stratagem_dsl::{Grid, Pair, Size, Task};
use stratagem_sdk as sdk;
use stratagem_sdk::{Description, Run, Strategy, export};

use crate::{Answer, Budget, Limits, search};

/// Fuel for a unit of work until the run has shown its own rate.
const FUEL_PER_UNIT: u64 = 12;
/// How much work goes by between two looks at the fuel.
const UNITS_BETWEEN_LOOKS: u64 = 1 << 20;
/// The setting that raises or lowers how much work a task may take, in units.
const WORK_SETTING: &str = "work";
/// The share of the memory limit that the search plans with; the rest is for what it cannot count.
const MEMORY_SHARE: u64 = 3;

struct Synthesis;

/// The run's fuel as work, at the rate at which the run has spent it so far.
struct Fuel<'a> {
    run: &'a Run,
    /// Fuel kept back, so that the search ends before the host ends it.
    reserve: u64,
    at_start: u64,
    work_max: u64,
    spent: u64,
    left: u64,
    next_look: u64,
}

impl<'a> Fuel<'a> {
    fn of(run: &'a Run) -> Result<Self, String> {
        let at_start = run.budget().fuel;
        let reserve = at_start / 10;
        let work_max = match run.setting(WORK_SETTING) {
            Some(work) => work
                .parse()
                .map_err(|_| format!("setting `{WORK_SETTING}` is {work:?}: a whole number of units"))?,
            None => crate::WORK_USUAL,
        };
        let left = ((at_start - reserve) / FUEL_PER_UNIT).min(work_max);
        Ok(Self { run, reserve, at_start, work_max, spent: 0, left, next_look: UNITS_BETWEEN_LOOKS })
    }

    /// Works out from the fuel that is gone how much work the rest allows.
    fn look(&mut self) {
        let fuel = self.run.budget().fuel;
        let gone = self.at_start.saturating_sub(fuel);
        let rate = (gone / self.spent.max(1)).max(1) + 1;
        let rest = fuel.saturating_sub(self.reserve) / rate;
        self.left = rest.min(self.work_max.saturating_sub(self.spent));
        self.next_look = self.spent + UNITS_BETWEEN_LOOKS;
    }
}

impl Budget for Fuel<'_> {
    fn left(&self) -> u64 {
        self.left
    }

    fn spend(&mut self, units: u64) {
        self.spent += units;
        self.left = self.left.saturating_sub(units);
        if self.spent >= self.next_look {
            self.look();
        }
    }
}

impl Strategy for Synthesis {
    fn describe() -> Description {
        let summary = "Searches for short programs of grid transforms that explain every demonstration";
        Description::new("synthesis", env!("CARGO_PKG_VERSION"), "program_synthesis", summary)
    }

    fn solve(task: &sdk::Task, run: &Run) -> Result<(), String> {
        let task = task_of(task)?;
        let memory_bytes = (run.budget().memory_bytes / MEMORY_SHARE) as usize;
        let limits =
            Limits { memory_bytes: memory_bytes.min(Limits::default().memory_bytes), ..Limits::default() };
        let mut fuel = Fuel::of(run)?;
        let mut refused = None;
        search(&task, limits, &mut fuel, &mut |answer| {
            let found = answer_of(&answer);
            run.step("propose", &answer.rationale, answer.confidence > 0.55);
            if let Err(refusal) = run.offer(&found) {
                refused = Some(refusal);
            }
        });
        refused.map_or(Ok(()), |refusal| Err(String::from(refusal)))
    }
}

fn task_of(task: &sdk::Task) -> Result<Task, String> {
    let pair = |p: &sdk::Pair| Ok(Pair { input: grid_of(&p.input)?, output: grid_of(&p.output)? });
    Ok(Task {
        train: task.train.iter().map(pair).collect::<Result<_, String>>()?,
        test: task.test.iter().map(grid_of).collect::<Result<_, _>>()?,
    })
}

fn grid_of(g: &sdk::Grid) -> Result<Grid, String> {
    let size = Size::new(g.width as usize, g.height as usize);
    let valid = Grid::from_cells(size, g.cells.clone()).filter(|_| size.fits_task());
    valid.ok_or_else(|| {
        format!("grid of {} x {} with {} cells is no task grid", g.width, g.height, g.cells.len())
    })
}

fn answer_of(answer: &Answer) -> sdk::Answer {
    let g = &answer.grid;
    let output = sdk::Grid { width: g.width() as u32, height: g.height() as u32, cells: g.cells().to_vec() };
    sdk::Answer::new(answer.test_index, output, answer.confidence, answer.rationale.clone())
}

export!(Synthesis);
