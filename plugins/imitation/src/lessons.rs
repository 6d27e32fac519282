//! Lessons, and the steps that the policy is trained on.
//!
//! A program is a right solution of the task that it does solve: whatever a program of a lesson answers is taken as
//! what was wanted, and programs drawn at random give lessons of their own.

use stratagem_dsl::{Body, Grid, Pair, Pipeline, Program, Task, Value};
use stratagem_kit::{Budget, program_in};

use crate::features::TaskFeatures;
use crate::graph::state_features;
use crate::policy::StateFeatures;
use crate::vocabulary::Vocabulary;

/// A solved task.
#[derive(Clone, Debug)]
pub struct Lesson {
    pub task: Task,
    /// One for each test input.
    pub outputs: Vec<Grid>,
    /// The program that solves it, where one is known.
    pub program: Option<Program>,
}

impl Lesson {
    /// A lesson whose program stands in its rationale, up to what the ranking adds.
    pub fn from_rationale(task: Task, outputs: Vec<Grid>, rationale: &str) -> Self {
        let program = program_in(rationale).filter(|p| p.solves(&task, &outputs));
        Self { task, outputs, program }
    }
}

/// One decision: what the state looked like, and the step that was taken.
#[derive(Clone, Debug)]
pub struct Step {
    /// The class of the step before.
    pub previous: Option<usize>,
    pub state: StateFeatures,
    pub list: bool,
    /// The number of the transform.
    pub taken: usize,
}

/// The decisions of one program on one task.
#[derive(Clone, Debug)]
pub struct Example {
    pub features: TaskFeatures,
    pub form: usize,
    pub steps: Vec<Step>,
    pub program: Program,
}

/// The form of a program: one pipeline, a stack, a table or a product.
pub fn form(program: &Program) -> usize {
    match program.body {
        Body::Single(_) => 0,
        Body::Stack(_) => 1,
        Body::Table { .. } => 2,
        // What no search of pipelines finds has the form of the nearest.
        _ => 3,
    }
}

/// Takes a program apart into decisions, on the task that it solves for these inputs.
///
/// None where it does not answer some input.
pub fn example(program: &Program, inputs: &[&Grid], budget: &mut dyn Budget) -> Option<Example> {
    let answer = |g: &&Grid| Some(Pair { input: (*g).clone(), output: program.run(g)? });
    let train: Vec<Pair> = inputs.iter().map(answer).collect::<Option<_>>()?;
    let cells: usize = train.iter().map(|p| p.input.area() + p.output.area()).sum();
    budget.spend(400 * cells as u64);
    // The policy sees a task with its colours renamed, as the search does.
    let renamed = |p: &Pair| {
        let renaming = program.view.renaming(&p.input);
        Pair { input: renaming.apply(&p.input), output: renaming.apply(&p.output) }
    };
    let train: Vec<Pair> = train.iter().map(renamed).collect();
    let test = train.last().map(|p| p.input.clone()).into_iter().collect();
    let task = Task { train, test };
    let mut steps = Vec::new();
    for pipeline in program.pipelines() {
        decisions(pipeline, program, &task, &mut steps);
    }
    let features = TaskFeatures::of(&task);
    (!steps.is_empty()).then(|| Example { features, form: form(program), steps, program: program.clone() })
}

/// The decisions of one pipeline; it ends where the pipeline does.
fn decisions(pipeline: &Pipeline, program: &Program, task: &Task, steps: &mut Vec<Step>) {
    let mut values: Vec<Value> = task.train.iter().map(|p| Value::One(p.input.clone())).collect();
    let canvas = |p: &Pair| program.size.as_ref().and_then(|rule| rule.run(&p.input));
    let canvases: Vec<_> = task.train.iter().map(canvas).collect();
    let mut previous = None;
    for (depth, &t) in pipeline.0.iter().enumerate() {
        let Some(taken) = Vocabulary::get().number(t) else { return };
        let list = matches!(values.first(), Some(Value::Many(_)));
        let pairs = values.iter().zip(task.train.iter().map(|p| &p.output));
        let state = state_features(pairs, list, depth as u16);
        steps.push(Step { previous, state, list, taken });
        let next = values.iter().zip(&canvases).map(|(v, c)| t.apply(v, *c)).collect::<Option<_>>();
        let Some(next) = next else { return };
        values = next;
        previous = Some(Vocabulary::get().word(taken).class);
    }
}
