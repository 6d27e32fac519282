use stratagem_domain::LabelledTask;

use super::ends::is_well;
use crate::trial::{Bench, told};
use crate::{Case, Seen};

pub fn learns(bench: &Bench<'_>, case: &Case) -> Seen {
    let mut seen = Seen::default();
    let limits = bench.grants.limits(case);
    let lessons: Vec<LabelledTask> = case.tasks.iter().take(case.text.lessons).cloned().collect();
    let ending = bench.learn(&lessons, 0, &limits).ending;
    if !is_well(&ending) {
        seen.fail(format!("`learn` of {} lessons {}", lessons.len(), told(&ending, &limits)));
    }
    seen
}
