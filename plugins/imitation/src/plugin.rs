//! The strategy as a plugin: what it learned is an artifact, work is counted in the host's fuel.

use stratagem_kit::bridge::{answer_of, grid_of, task_of};
use stratagem_kit::fuel::Fuel;
use stratagem_sdk as sdk;
use stratagem_sdk::{Description, Level, Run, Strategy, artifacts, export, memory};

use crate::features::TaskFeatures;
use crate::lessons::{FITS, Lesson};
use crate::{LEARN_WORK, Policy, WORK_USUAL, artifact, retrieval};

/// The artifact that holds the policy.
const POLICY: &str = "policy";
/// The name under which tasks' features are embedded.
const MODEL: &str = "imitation-task-features-1";
/// How a step that offers an answer starts; its program follows.
const PROPOSE: &str = "propose ";
/// Episodes that are recalled.
const RECALLED: u32 = 8;

struct Imitation;

impl Strategy for Imitation {
    fn describe() -> Description {
        let summary =
            "Learns from solved tasks which transforms to try, and searches for programs in that order";
        Description::new("imitation", env!("CARGO_PKG_VERSION"), "imitation", summary)
    }

    fn solve(task: &sdk::Task, run: &Run) -> Result<(), String> {
        let ours = task_of(task)?;
        let mut policy = load(run);
        let features = TaskFeatures::of(&ours);
        remember(&task.id, &features, &mut policy, run);
        let mut fuel = Fuel::of(run, WORK_USUAL)?;
        let mut refused = None;
        crate::solve(&ours, &policy, &mut fuel, &mut |answer| {
            let found = answer_of(&answer);
            // Episodes are recalled by their actions, so the program is part of the action.
            let program = answer.rationale.split(FITS).next().unwrap_or_default();
            run.step(&format!("{PROPOSE}{program}"), &answer.rationale, answer.confidence > 0.55);
            if let Err(refusal) = run.offer(&found) {
                refused = Some(refusal);
            }
        });
        refused.map_or(Ok(()), |refusal| Err(String::from(refusal)))
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

/// Embeds the task for later runs, and recalls what earlier ones did on tasks like it. No memory is no error.
fn remember(id: &str, features: &TaskFeatures, policy: &mut Policy, run: &Run) {
    let vector = retrieval::vector(features);
    if let Ok(episodes) = memory::recall(&vector, MODEL, RECALLED) {
        let solved = episodes.iter().filter(|e| e.success_rate.is_none_or(|rate| rate > 0.5));
        let actions = solved.flat_map(|e| &e.actions);
        let programs: Vec<_> = actions.filter_map(|a| a.strip_prefix(PROPOSE)?.parse().ok()).collect();
        if !programs.is_empty() {
            run.step("recall", &format!("{} programs of earlier episodes", programs.len()), true);
        }
        // In the colours that they had: an episode does not say which parts those played.
        let known =
            programs.into_iter().map(|program| retrieval::Known { features: features.clone(), program });
        policy.known.extend(known);
    }
    if let Err(refusal) = memory::embed(&format!("task {id}"), &vector, MODEL) {
        run.log(Level::Debug, &format!("task not embedded: {}", String::from(refusal)));
    }
}

export!(Imitation);
