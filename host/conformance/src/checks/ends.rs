use stratagem_domain::{Ending, grouped};

use crate::trial::{Bench, told};
use crate::{Case, Seen};

/// Every run comes to an end of its own, or to that of its fuel.
pub fn well(bench: &Bench<'_>, case: &Case) -> Seen {
    let mut seen = Seen::default();
    for trial in bench.trials(case) {
        let run = bench.solve(&trial);
        let excused = match run.ending {
            Ending::OutOfMemory => case.text.out_of_memory,
            Ending::Trapped { .. } => {
                case.text.ended_by.iter().any(|limit| run.usage.limits_hit.contains(limit))
            }
            _ => false,
        };
        if !is_well(&run.ending) && !excused {
            seen.fail(format!("{}: {}", trial.name, told(&run.ending, &trial.limits)));
        }
    }
    seen
}

pub fn is_well(ending: &Ending) -> bool {
    matches!(ending, Ending::Returned | Ending::GaveUp(_) | Ending::OutOfFuel)
}

pub fn text_fits(bench: &Bench<'_>, case: &Case) -> Seen {
    let mut seen = Seen::default();
    for trial in bench.trials(case) {
        let usage = bench.solve(&trial).usage;
        let dropped = [
            ("steps", usage.steps_dropped, "steps", trial.limits.steps),
            ("lines of log", usage.log_lines_dropped, "log_lines", trial.limits.log_lines),
            ("bytes of step and log text", usage.log_bytes_dropped, "log_bytes", trial.limits.log_bytes),
        ];
        for (what, count, limit, allowed) in dropped.into_iter().filter(|(_, count, ..)| *count > 0) {
            let (name, count, allowed) = (&trial.name, grouped(count), grouped(allowed));
            seen.warn(format!("{name}: {count} {what} were dropped: limit `{limit}` is {allowed}"));
        }
    }
    seen
}
