//! Trains a small model on the task alone, by the host's training engine, and offers what it draws as training goes on.
//!
//! - [`plan`] says which model is trained, and for how long.
//! - [`course`] follows a training: when its answers have settled, and what they are worth.

pub mod course;
pub mod plan;

use stratagem_sdk::ttt::{Adaptation, Metrics, Sample, Schedule};
use stratagem_sdk::{Answer, Description, Run, Strategy, Task, export};

use crate::course::{Course, Drawn};
use crate::plan::{Model, Plan};

/// Grids that are looked at for each test input.
const LOOKED_AT: u32 = 2;
/// Steps that tell how long one takes.
const TRIED: u32 = 10;

struct Ttt;

impl Strategy for Ttt {
    fn describe() -> Description {
        let summary = "Trains a small model on the task alone, and offers what it draws as training goes on";
        Description::new("ttt", env!("CARGO_PKG_VERSION"), "ttt", summary)
    }

    fn solve(task: &Task, run: &Run) -> Result<(), String> {
        let plan = Plan::read(|key| run.setting(key))?;
        let keeps_sizes = |task: &Task| {
            let mut pairs = task.train.iter();
            pairs.all(|p| (p.input.width, p.input.height) == (p.output.width, p.output.height))
        };
        match plan.model {
            Model::Compression => train(task, run, &plan, 0, 1),
            Model::Automaton if !keeps_sizes(task) => {
                Err("an automaton keeps sizes, and this task does not: set base to compression".to_owned())
            }
            // A rule without directions is learned from fewer demonstrations where they are turned; any other only where
            // they are not.
            Model::Automaton => [8, 1]
                .into_iter()
                .zip([2, 1])
                .take_while(|_| !is_spent(run))
                .try_for_each(|(views, parts)| train(task, run, &plan, views, parts)),
        }
    }
}

/// Trains one model for `1 / parts` of what is left of the device's time, and offers its answers.
fn train(task: &Task, run: &Run, plan: &Plan, views: u32, parts: u64) -> Result<(), String> {
    let left = run.budget().device_ms / parts;
    let base = Some(plan.model.name());
    let adaptation = Adaptation::start(base, &task.train, &task.test, run.seed())?;
    let mut course = Course::new(task.test.len(), plan.model);
    let steps = if plan.model == Model::Automaton {
        // Its rate falls to 0 over the training, whose length therefore has to be known.
        let tried = round(run, &adaptation, &mut course, (TRIED, plan.rate(0.0), views))?;
        if is_spent(run) {
            return finish(task, run, plan, &adaptation, &tried, &course);
        }
        plan.steps_within(
            left.saturating_sub(tried.device_ms),
            f64::from(TRIED) / tried.device_ms.max(1) as f64,
        )
    } else {
        plan.steps
    };
    loop {
        let share = f64::from(course.steps) / f64::from(steps);
        // Once at least: whatever was trained is looked at.
        let wanted = plan.round(steps).min(steps.saturating_sub(course.steps)).max(1);
        let metrics = round(run, &adaptation, &mut course, (wanted, plan.rate(share.min(1.0)), views))?;
        let drawn = look(task, &adaptation)?;
        for (test_index, drawn) in course.see(drawn, metrics.train_accuracy) {
            offer(run, test_index, &drawn, course.early(&drawn), &metrics, &course)?;
        }
        let is_out_of_time = metrics.steps < wanted || is_spent(run);
        if is_out_of_time || course.is_settled() || course.steps >= steps {
            return finish(task, run, plan, &adaptation, &metrics, &course);
        }
    }
}

/// Whether the device trains no more for this run: what is trained can still be looked at.
fn is_spent(run: &Run) -> bool {
    run.budget().device_ms == 0
}

/// Some updates, told as a step of the trajectory.
fn round(
    run: &Run,
    adaptation: &Adaptation,
    course: &mut Course,
    (steps, learning_rate, views): (u32, f32, u32),
) -> Result<Metrics, String> {
    let metrics = adaptation.train(Schedule { steps, learning_rate, views })?;
    course.steps += metrics.steps;
    let right = metrics.train_accuracy;
    let told =
        format!("{} steps: loss {:.3}, {:.0} % drawn right", course.steps, metrics.last_loss, 100.0 * right);
    run.step("train", &told, right >= 1.0);
    Ok(metrics)
}

/// What the model draws now for each test input, the likeliest first.
fn look(task: &Task, adaptation: &Adaptation) -> Result<Vec<Vec<Drawn>>, String> {
    let drawn =
        |Sample { output, log_likelihood, .. }: Sample| Drawn { grid: output, share: log_likelihood.exp() };
    let look = |input| -> Result<Vec<Drawn>, String> {
        Ok(adaptation.predict(input, LOOKED_AT)?.into_iter().map(drawn).collect())
    };
    task.test.iter().map(look).collect()
}

/// Offers the last word on every test input, and keeps the weights where that is wanted.
fn finish(
    task: &Task,
    run: &Run,
    plan: &Plan,
    adaptation: &Adaptation,
    metrics: &Metrics,
    course: &Course,
) -> Result<(), String> {
    for (test_index, drawn) in look(task, adaptation)?.iter().enumerate() {
        for (rank, drawn) in drawn.iter().enumerate() {
            let confidence = course.last(rank, drawn, metrics.train_accuracy);
            offer(run, test_index, drawn, confidence, metrics, course)?;
        }
    }
    if plan.keeps {
        run.step("keep", &adaptation.save()?, true);
    }
    Ok(())
}

fn offer(
    run: &Run,
    test_index: usize,
    drawn: &Drawn,
    confidence: f64,
    metrics: &Metrics,
    course: &Course,
) -> Result<(), String> {
    let rationale = format!(
        "{} after {} steps: loss {:.3}, {:.0} % of demonstrations right, {:.0} % of what it draws",
        course.model.name(),
        course.steps,
        metrics.last_loss,
        100.0 * metrics.train_accuracy,
        100.0 * drawn.share
    );
    Ok(run.offer(&Answer::new(test_index, drawn.grid.clone(), confidence, rationale))?)
}

export!(Ttt);
