//! How late a deadline comes.

use std::time::{Duration, Instant};

use stratagem_domain::{Ending, Limits, Strategy};
use stratagem_runtime::{Sandbox, SandboxConfig};

use crate::plugins::{package, settings, task};
use crate::table::{Table, us};

/// What a deadline may be late by without anybody minding.
const TICK: Duration = Duration::from_millis(5);
const RUNS: usize = 200;

pub fn measure(table: &mut Table) {
    let sandbox = Sandbox::new(&SandboxConfig::default()).expect("sandbox");
    let probe = sandbox.load(&package()).expect("the probe loads");
    let limits = Limits { wall_ms: 20, ..Limits::default() };
    let (task, settings) = (task(), settings("burn", 0));
    let mut late: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let started = Instant::now();
            let report = probe.run(&task, 0, &limits, &settings);
            assert_eq!(report.ending, Ending::PastDeadline);
            started.elapsed().saturating_sub(Duration::from_millis(limits.wall_ms))
        })
        .collect();
    late.sort_unstable();
    let p99 = late[RUNS * 99 / 100];
    table.figure("deadline, late by: median, p99", format!("{}, {}", us(late[RUNS / 2]), us(p99)));
    table.ratio("deadline, p99 late : a tick", p99.as_secs_f64() / TICK.as_secs_f64(), 2.0);
}
