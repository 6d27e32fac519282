//! A plugin of the released contract 0.1.0 that trains, built from its frozen WIT without the SDK.

// The bindings of `wit/0.1.0` are generated code.
#[allow(clippy::all)]
mod bindings {
    wit_bindgen::generate!({ path: "../../../wit/0.1.0", world: "plugin", generate_all });
}

use bindings::exports::stratagem::strategy::strategy::{Description, Guest, Lesson, Task};
use bindings::stratagem::strategy::run;
use bindings::stratagem::strategy::ttt::{Adaptation, Schedule};

struct Since;

impl Guest for Since {
    fn describe() -> Description {
        Description {
            name: "ttt-since-0-1-0".into(),
            version: "0.1.0".into(),
            kind: "fixture".into(),
            summary: "built from the frozen contract".into(),
        }
    }

    /// Uses every function of `ttt`, and says what it was told.
    fn solve(task: Task) -> Result<(), String> {
        let refused = |refusal| format!("{refusal:?}");
        let adaptation = Adaptation::start(None, &task.train, run::seed()).map_err(refused)?;
        let schedule = Schedule { steps: 3, learning_rate: 0.5, views: 8 };
        let told = adaptation.train(schedule).map_err(refused)?;
        let told = [
            format!("{} {} {} {} ms", told.steps, told.last_loss, told.device, told.wall_ms),
            format!("{:?}", adaptation.predict(&task.test[0], 2).map_err(refused)?.len()),
            format!("{:?}", adaptation.score(&task.test[0], &task.test[0]).map_err(refused)?),
            adaptation.save().map_err(refused)?,
        ];
        told.iter().for_each(|told| run::step("told", told, true));
        Ok(())
    }

    fn learn(_: Vec<Lesson>) -> Result<(), String> {
        Ok(())
    }
}

bindings::export!(Since with_types_in bindings);
