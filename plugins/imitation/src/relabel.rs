//! Programs drawn at random and run on the inputs of lessons: what they answer makes tasks whose solution is known.

use stratagem_dsl::lists::Split;
use stratagem_dsl::{Body, Extent, Grid, Layer, Mode, Pipeline, Program, SizeRule, Transform, Value, View};
use stratagem_kit::Budget;
use stratagem_synthesis::priors;

use crate::chance::Chance;
use crate::lessons::{Example, example};

/// The longest pipeline drawn.
const STEPS_MAX: usize = 4;
/// The most inputs that a drawn program runs on.
const INPUTS_MAX: usize = 3;

/// Draws up to `count` programs over the inputs and keeps those whose tasks are worth learning from.
pub fn draw(inputs: &[&Grid], count: usize, chance: &mut Chance, budget: &mut dyn Budget) -> Vec<Example> {
    let inputs = &inputs[..inputs.len().min(INPUTS_MAX)];
    let mut found = Vec::new();
    for _ in 0..count {
        if budget.left() == 0 {
            break;
        }
        let Some(program) = program(inputs, chance, budget) else { continue };
        if is_worthwhile(&program, inputs) {
            found.extend(example(&program, inputs, budget));
        }
    }
    found
}

fn program(inputs: &[&Grid], chance: &mut Chance, budget: &mut dyn Budget) -> Option<Program> {
    let first = pipeline(inputs, chance, budget)?;
    if !chance.once_in(3) {
        return Some(Program { view: View::Plain, size: None, body: Body::Single(first) });
    }
    let over = if chance.once_in(2) { Pipeline::default() } else { pipeline(inputs, chance, budget)? };
    let mode = if chance.once_in(4) { Mode::Mask } else { Mode::Over };
    let mut layers = vec![Layer { mode, pipeline: first }, Layer { mode: Mode::Over, pipeline: over }];
    if mode == Mode::Over && chance.once_in(2) {
        layers.reverse();
    }
    let side = |height| Extent { of: Some(Pipeline::default()), height, times: 1, over: 1, plus: 0 };
    let size = Some(SizeRule { width: side(false), height: side(true) });
    Some(Program { view: View::Plain, size, body: Body::Stack(layers) })
}

/// A pipeline every step of which changes something, ending in one grid.
fn pipeline(inputs: &[&Grid], chance: &mut Chance, budget: &mut dyn Budget) -> Option<Pipeline> {
    let mut values: Vec<Value> = inputs.iter().map(|g| Value::One((*g).clone())).collect();
    let mut steps: Vec<Transform> = Vec::new();
    let wanted = 1 + chance.below(3);
    for _ in 0..6 * STEPS_MAX {
        let list = matches!(values.first(), Some(Value::Many(_)));
        if (steps.len() >= wanted && !list) || steps.len() > STEPS_MAX {
            break;
        }
        let t = transform(list, chance);
        if t.needs_canvas() || priors::is_leaf(Some(t)) {
            continue;
        }
        if steps.last().is_some_and(|&last| priors::is_redundant(last, t)) {
            continue;
        }
        budget.spend(values.iter().map(|v| 40 + v.area() as u64 * priors::weight(t)).sum());
        let next: Option<Vec<Value>> = values.iter().map(|v| t.apply(v, None)).collect();
        if let Some(next) = next.filter(|next| *next != values) {
            values = next;
            steps.push(t);
        }
    }
    let whole = values.iter().all(|v| v.grid().is_some_and(|g| g.size().fits_task()));
    (whole && !steps.is_empty()).then_some(Pipeline(steps))
}

/// A transform drawn by how common it is by hand.
fn transform(list: bool, chance: &mut Chance) -> Transform {
    let all = Transform::all();
    loop {
        let t = all[chance.below(all.len())];
        let rare = priors::cost(t).saturating_sub(5) as usize;
        let fits = crate::policy::allows(t, list);
        let usual = matches!(t, Transform::Split(Split::Components(_))) && chance.once_in(2);
        if fits && (usual || chance.once_in(1 + rare / 3)) {
            return t;
        }
    }
}

/// Whether what a program answers differs from its inputs, shows something, and differs from pair to pair.
fn is_worthwhile(program: &Program, inputs: &[&Grid]) -> bool {
    let outputs: Vec<Grid> = inputs.iter().filter_map(|g| program.run(g)).collect();
    outputs.len() == inputs.len()
        && outputs.iter().zip(inputs).all(|(out, input)| out != *input)
        && outputs.iter().filter(|g| g.ink() > 0 && (g.ink() < g.area() || g.colours() > 1)).count() * 2
            > inputs.len()
        && outputs.windows(2).all(|w| w[0] != w[1])
}
