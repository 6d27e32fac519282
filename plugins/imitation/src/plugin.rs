//! The strategy as a plugin: what it learned is an artifact, work is counted in the host's fuel.

use stratagem_kit::bridge::{grid_of, task_of};
use stratagem_kit::fuel::Fuel;
use stratagem_kit::offers::Offers;
use stratagem_sdk as sdk;
use stratagem_sdk::{Description, Level, Run, Strategy, artifacts, export};

use crate::lessons::Lesson;
use crate::{LEARN_WORK, Policy, WORK_USUAL, artifact};

/// The artifact that holds the policy.
const POLICY: &str = "policy";

struct Imitation;

impl Strategy for Imitation {
    fn describe() -> Description {
        let summary =
            "Learns from solved tasks which transforms to try, and searches for programs in that order";
        Description::new("imitation", env!("CARGO_PKG_VERSION"), "imitation", summary)
    }

    fn solve(task: &sdk::Task, run: &Run) -> Result<(), String> {
        let mut offers = Offers::new(run, task);
        let ours = task_of(task)?;
        let policy = load(run);
        let mut fuel = Fuel::of(run, WORK_USUAL)?;
        crate::solve(&ours, &policy, &mut fuel, &mut |answer| offers.offer(&answer));
        offers.finish()
    }

    fn learn(lessons: &[sdk::Lesson], run: &Run) -> Result<(), String> {
        let lessons = lessons.iter().map(lesson_of).collect::<Result<Vec<_>, _>>()?;
        let mut fuel = Fuel::of(run, LEARN_WORK)?;
        let policy = crate::learn(&lessons, run.seed(), &mut fuel, &mut |note| run.step("learn", note, true));
        let bytes = artifact::encode(&policy);
        run.log(Level::Info, &format!("artifact `{POLICY}`: {} bytes", bytes.len()));
        artifacts::save(POLICY, &bytes).map_err(String::from)
    }
}

fn lesson_of(lesson: &sdk::Lesson) -> Result<Lesson, String> {
    let outputs = lesson.outputs.iter().map(grid_of).collect::<Result<_, _>>()?;
    Ok(Lesson::from_rationale(task_of(&lesson.task)?, outputs, &lesson.rationale))
}

/// The policy that was learned; the untrained one where there is none or it is not ours, and a step says so.
fn load(run: &Run) -> Policy {
    let found = match artifacts::load(POLICY) {
        Ok(Some(bytes)) => artifact::decode(&bytes).map_err(|why| {
            run.log(Level::Warn, &format!("artifact `{POLICY}`: not ours ({why})"));
        }),
        Ok(None) => Err(()),
        Err(refusal) => {
            run.log(Level::Info, &format!("artifact `{POLICY}`: {}", String::from(refusal)));
            Err(())
        }
    };
    match found {
        Ok(policy) => {
            let lessons = policy.trained_on.len();
            run.step(
                "load",
                &format!("a policy trained on {lessons} lessons, {} steps", policy.examples),
                true,
            );
            policy
        }
        Err(()) => {
            run.step("load", "no policy learned yet: the search goes by how common steps are", false);
            Policy::untrained(run.seed())
        }
    }
}

export!(Imitation);
