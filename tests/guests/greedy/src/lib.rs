//! Imports an interface that its `plugin.toml` does not ask for.

use stratagem_sdk::{Description, Run, Strategy, Task, artifacts, export};

struct Greedy;

impl Strategy for Greedy {
    fn describe() -> Description {
        Description::new("greedy", "0.1.0", "fixture", "uses `artifacts` without asking for it")
    }

    fn solve(_: &Task, _: &Run) -> Result<(), String> {
        artifacts::load("policy").map(|_| ()).map_err(String::from)
    }
}

export!(Greedy);
