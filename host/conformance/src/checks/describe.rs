use stratagem_domain::{Ending, RunReport, grouped, quote};
use stratagem_runtime::Description;

use crate::trial::{Bench, told};
use crate::{Case, Seen};

/// Under other seeds, limits and sandboxes; where there is too little memory or fuel, nothing is said, and nothing
/// is to be compared.
pub fn stable(bench: &Bench<'_>, case: &Case) -> Seen {
    let mut seen = Seen::default();
    let usual = bench.grants.limits(case);
    let Some(first) = bench.describe(0, &usual).0 else {
        seen.fail("`describe` did not return at the usual limits");
        return seen;
    };
    for &seed in &case.text.seeds {
        for (limits, rung) in bench.grants.rungs(case) {
            let place = format!("seed {seed}, {rung}");
            compare(&mut seen, &place, &first, bench.describe(seed, &limits));
        }
    }
    bench.count();
    compare(&mut seen, "another sandbox", &first, bench.elsewhere.describe(0, &usual));
    seen
}

fn compare(
    seen: &mut Seen,
    place: &str,
    first: &Description,
    (said, report): (Option<Description>, RunReport),
) {
    let Some(said) = said else {
        if !matches!(report.ending, Ending::OutOfMemory | Ending::OutOfFuel) {
            seen.fail(format!(
                "{place}: `describe` ended otherwise: {}",
                report.ending.reason().unwrap_or_default()
            ));
        }
        return;
    };
    let fields = [
        ("name", &first.name, &said.name),
        ("version", &first.version, &said.version),
        ("kind", &first.kind, &said.kind),
        ("summary", &first.summary, &said.summary),
    ];
    for (field, usually, here) in fields.into_iter().filter(|(_, usually, here)| usually != here) {
        seen.fail(format!("{place}: {field} is {}, usually it is {}", quote(here, 200), quote(usually, 200)));
    }
}

pub fn cheap(bench: &Bench<'_>, case: &Case) -> Seen {
    let mut seen = Seen::default();
    let limits = bench.grants.limits(case);
    let (said, report) = bench.describe(0, &limits);
    if said.is_none() {
        let fuel = grouped(report.usage.fuel_spent);
        seen.fail(format!("after {fuel} units of fuel `describe` {}", told(&report.ending, &limits)));
    }
    seen
}

pub fn alone(bench: &Bench<'_>, case: &Case) -> Seen {
    let mut seen = Seen::default();
    let (_, report) = bench.describe(0, &bench.grants.limits(case));
    let calls = report.usage.host_calls;
    if calls > 0 {
        seen.fail(format!("`describe` calls the host {} times: none is allowed", grouped(calls)));
    }
    seen
}
