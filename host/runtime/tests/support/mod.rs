//! A small task, and the fixture plugins of `tests/guests`: `just guests` builds them.
#![allow(dead_code, reason = "three test programs share these, and not each uses all")]

use std::path::{Path, PathBuf};

use stratagem_domain::{Grid, Limits, Pair, RunReport, Settings, Strategy, Task};
use stratagem_runtime::{LoadedStrategy, Package, Sandbox, SandboxConfig, Tuning};

fn guests() -> PathBuf {
    let usual = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/guests");
    std::env::var_os("STRATAGEM_GUESTS").map_or_else(usual, PathBuf::from)
}

pub fn package(name: &str) -> Package {
    Package::read(&guests().join(name)).unwrap_or_else(|error| panic!("{error}: run `just guests` first"))
}

pub fn sandbox(tuning: Tuning) -> Sandbox {
    Sandbox::new(&SandboxConfig { tuning, slots: 4, ..SandboxConfig::default() }).unwrap()
}

pub fn probe(sandbox: &Sandbox) -> LoadedStrategy {
    sandbox.load(&package("probe")).unwrap()
}

pub fn task() -> Task {
    let grid = Grid::new(3, 2, &[1, 2, 3, 4, 5, 6]).unwrap();
    let pair = Pair { input: grid.clone(), output: grid.clone() };
    Task { id: "t".into(), train: vec![pair], test: vec![grid] }
}

pub fn settings(act: &str, count: u64) -> Settings {
    Settings::from([("act".to_owned(), act.to_owned()), ("count".to_owned(), count.to_string())])
}

pub fn run(act: &str, count: u64, limits: &Limits) -> RunReport {
    probe(&sandbox(Tuning::Tuned)).run(&task(), 7, limits, &settings(act, count))
}
