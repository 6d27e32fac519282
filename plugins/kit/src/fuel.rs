//! A run's fuel as a budget of work.

use stratagem_sdk::Run;

use crate::Budget;

/// Fuel for a unit of work until the run has shown its own rate.
const FUEL_PER_UNIT: u64 = 12;
/// How much work goes by between two looks at the fuel.
const UNITS_BETWEEN_LOOKS: u64 = 1 << 20;
/// The setting that raises or lowers how much work a task may take, in units.
const WORK_SETTING: &str = "work";

/// The run's fuel as work, at the rate at which the run has spent it so far.
pub struct Fuel<'a> {
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
    /// All of the run's fuel but a tenth, at most `work_usual` units unless the setting `work` says otherwise.
    ///
    /// *Errors*: the setting is no number.
    pub fn of(run: &'a Run, work_usual: u64) -> Result<Self, String> {
        let at_start = run.budget().fuel;
        let reserve = at_start / 10;
        let work_max = match run.setting(WORK_SETTING) {
            Some(work) => work
                .parse()
                .map_err(|_| format!("setting `{WORK_SETTING}` is {work:?}: a whole number of units"))?,
            None => work_usual,
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
