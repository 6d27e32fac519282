//! A plugin of the released contract 0.1.0, built from its frozen WIT without the SDK: it must run for ever.

// The bindings of `wit/0.1.0` are generated code.
#[allow(clippy::all)]
mod bindings {
    wit_bindgen::generate!({ path: "../../../wit/0.1.0", world: "plugin", generate_all });
}

use bindings::exports::stratagem::strategy::strategy::{Description, Guest, Lesson, Task};
use bindings::stratagem::strategy::run::{self, Level};
use bindings::stratagem::strategy::types::Answer;

struct Since;

impl Guest for Since {
    fn describe() -> Description {
        Description {
            name: "since-0-1-0".into(),
            version: "0.1.0".into(),
            kind: "fixture".into(),
            summary: "built from the frozen contract".into(),
        }
    }

    /// Uses every function of `run`, and says what `budget` told it.
    fn solve(task: Task) -> Result<(), String> {
        let left = run::budget();
        run::step("budget", &format!("{} {} {}", left.fuel, left.memory_bytes, left.answers), true);
        run::log(Level::Info, &format!("seed {} setting {:?}", run::seed(), run::setting("act")));
        for (test_index, input) in (0..).zip(task.test) {
            let rationale = "the input itself".into();
            run::offer(&Answer { test_index, output: input, confidence: 0.5, rationale })
                .map_err(|refusal| format!("{refusal:?}"))?;
        }
        Ok(())
    }

    fn learn(lessons: Vec<Lesson>) -> Result<(), String> {
        run::log(Level::Info, &format!("{} lessons", lessons.len()));
        Ok(())
    }
}

bindings::export!(Since with_types_in bindings);
