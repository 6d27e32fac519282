//! All programs of one pipeline that the policy thinks likely, run on all inputs in lockstep, likeliest first.
//!
//! A state is a program so far, seen as the tuple of values it yields, one for each input; its cost is how
//! unlikely the policy finds its steps, in thousandths of a nat. A step is only taken when its turn comes.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use stratagem_dsl::grid::mix;
use stratagem_dsl::objects::Property;
use stratagem_dsl::{Grid, Pipeline, Size, Task, Transform, Value};
use stratagem_kit::Budget;
use stratagem_synthesis::hashing::Prints;
use stratagem_synthesis::priors;

use crate::policy::{Guide, STATE, StateFeatures, allows};
use crate::vocabulary::Vocabulary;

/// Stands for "no value": the program does not apply to this test input.
const NOTHING: u32 = u32::MAX;
/// Stands for "all steps from here" in the frontier.
const EXPAND: u16 = u16::MAX;
/// Programs less likely than this are never tried, in thousandths of a nat.
const COST_MAX: u32 = 20_000;
/// The work of asking the policy about a state.
const ASKING: u64 = 16_000;

struct Node {
    value: Value,
    /// Properties of a list's grids that choices have asked for.
    surveys: Vec<(Property, Vec<i32>)>,
}

/// The values reached from one input.
#[derive(Default)]
struct Arena {
    nodes: Vec<Node>,
    by_print: Prints<u32>,
}

impl Arena {
    fn add(&mut self, value: Value, bytes: &mut usize) -> u32 {
        let next = self.nodes.len() as u32;
        let entry = self.by_print.entry(value.fingerprint());
        *entry.or_insert_with(|| {
            *bytes += value.area() + 64 * value.grids().len() + 72;
            self.nodes.push(Node { value, surveys: Vec::new() });
            next
        })
    }
}

/// One program so far.
#[derive(Clone, Copy, Debug)]
pub struct State {
    parent: u32,
    step: u16,
    depth: u16,
    /// Whether a step took the size of the answer.
    pub sized: bool,
    /// How unlikely the steps are, in thousandths of a nat.
    pub cost: u32,
}

/// The graphs, the states and the frontier.
pub struct Graph<'a> {
    guide: &'a Guide<'a>,
    task: &'a Task,
    arenas: Vec<Arena>,
    /// The order in which inputs are tried: small ones fail fast.
    order: Vec<usize>,
    canvases: Option<Vec<Option<Size>>>,
    states: Vec<State>,
    tuples: Vec<u32>,
    seen: Prints<u32>,
    frontier: BinaryHeap<Reverse<(u32, u32, u16)>>,
    /// States that wait for the canvas to take the steps that need one.
    waiting: Vec<u32>,
    bytes: usize,
    limit_bytes: usize,
}

impl<'a> Graph<'a> {
    /// Starts from the task's inputs.
    pub fn new(task: &'a Task, guide: &'a Guide<'a>, limit_bytes: usize) -> Self {
        let areas: Vec<usize> = task.inputs().map(Grid::area).collect();
        let mut order: Vec<usize> = (0..areas.len()).collect();
        order.sort_by_key(|&i| areas[i]);
        let mut graph = Self {
            guide,
            task,
            arenas: Vec::new(),
            order,
            canvases: None,
            states: Vec::new(),
            tuples: Vec::new(),
            seen: Prints::default(),
            frontier: BinaryHeap::new(),
            waiting: Vec::new(),
            bytes: 0,
            limit_bytes,
        };
        let mut tuple = Vec::new();
        for input in task.inputs() {
            let mut arena = Arena::default();
            tuple.push(arena.add(Value::One(input.clone()), &mut graph.bytes));
            graph.arenas.push(arena);
        }
        graph.admit(&tuple, State { parent: u32::MAX, step: 0, depth: 0, sized: false, cost: 0 });
        graph
    }

    pub fn len(&self) -> usize {
        self.states.len()
    }

    pub fn state(&self, id: usize) -> State {
        self.states[id]
    }

    /// The value of a state on an input, where it has one.
    pub fn value(&self, id: usize, input: usize) -> Option<&Value> {
        let node = self.tuples[id * self.arenas.len() + input];
        (node != NOTHING).then(|| &self.arenas[input].nodes[node as usize].value)
    }

    /// The single grid of a state on an input, where it has one.
    pub fn grid(&self, id: usize, input: usize) -> Option<&Grid> {
        self.value(id, input)?.grid()
    }

    /// The steps of a state.
    pub fn pipeline(&self, id: usize) -> Pipeline {
        let mut steps = Vec::new();
        let mut at = id;
        while self.states[at].parent != u32::MAX {
            steps.push(Transform::all()[self.states[at].step as usize]);
            at = self.states[at].parent as usize;
        }
        steps.reverse();
        Pipeline(steps)
    }

    /// Takes the likeliest steps, up to a cost, while budget and memory last. True where it got through.
    pub fn grow(&mut self, cost_max: u32, budget: &mut dyn Budget) -> bool {
        while let Some(&Reverse((cost, id, step))) = self.frontier.peek() {
            if budget.left() == 0 || self.bytes > self.limit_bytes {
                return false;
            }
            if cost > cost_max {
                return true;
            }
            self.frontier.pop();
            if step == EXPAND {
                self.expand(id, false, budget);
            } else {
                self.take(id, step, cost, budget);
            }
        }
        true
    }

    /// Makes the sizes of the answers known, and lines up the steps that were waiting for them.
    pub fn set_canvases(&mut self, canvases: Vec<Option<Size>>, budget: &mut dyn Budget) {
        self.canvases = Some(canvases);
        for id in std::mem::take(&mut self.waiting) {
            self.expand(id, true, budget);
        }
    }

    /// Runs a pipeline step by step, its states as cheap as `cost` a step; true where all of it holds.
    pub fn plant(&mut self, pipeline: &Pipeline, cost: u32, budget: &mut dyn Budget) -> bool {
        let mut at = 0;
        for (k, &t) in pipeline.0.iter().enumerate() {
            let Some(step) = Vocabulary::get().number(t) else { return false };
            let price = cost * (k as u32 + 1);
            match self.take(at, step as u16, price, budget) {
                Some(id) => {
                    if self.states[id as usize].cost > price {
                        self.states[id as usize].cost = price;
                        self.frontier.push(Reverse((price, id, EXPAND)));
                    }
                    at = id;
                }
                None => return false,
            }
        }
        true
    }

    fn is_list(&self, id: u32) -> bool {
        matches!(self.value(id as usize, 0), Some(Value::Many(_)))
    }

    fn last_step(&self, id: u32) -> Option<u16> {
        let state = self.states[id as usize];
        (state.parent != u32::MAX).then_some(state.step)
    }

    /// Lines up the steps from a state by their cost.
    fn expand(&mut self, id: u32, only_canvas: bool, budget: &mut dyn Budget) {
        let last = self.last_step(id);
        let last_transform = last.map(|s| Transform::all()[s as usize]);
        if priors::is_leaf(last_transform) {
            return;
        }
        budget.spend(ASKING);
        let list = self.is_list(id);
        let features = self.features(id, list, budget);
        let previous = last.map(|s| Vocabulary::get().word(s as usize).class);
        let costs = self.guide.costs(previous, &features, list);
        let on_canvas = features[3] > 0.999;
        let own = self.states[id as usize].cost;
        for (step, (&t, cost)) in Transform::all().iter().zip(costs).enumerate() {
            let Some(cost) = cost else { continue };
            let waits = t.needs_canvas() || priors::is_leaf(Some(t));
            let known = if only_canvas { waits } else { !waits || self.canvases.is_some() };
            let leads_nowhere = priors::is_leaf(Some(t)) && !on_canvas
                || last_transform.is_some_and(|last| priors::is_redundant(last, t));
            if known && !leads_nowhere && allows(t, list) && own + cost <= COST_MAX {
                self.bytes += size_of::<(u32, u32, u16)>();
                self.frontier.push(Reverse((own + cost, id, step as u16)));
            }
        }
        if self.canvases.is_none() {
            self.waiting.push(id);
        }
    }

    /// Applies one step to every input; the state that comes of it where it holds for all demonstrations and a test.
    fn take(&mut self, id: u32, step: u16, cost: u32, budget: &mut dyn Budget) -> Option<u32> {
        let n = self.arenas.len();
        let train = self.task.train.len();
        let t = Transform::all()[step as usize];
        let mut tuple = vec![NOTHING; n];
        let (mut tests, mut work) = (0, 200);
        for &input in &self.order {
            let node = self.tuples[id as usize * n + input];
            let mut result = None;
            if node != NOTHING {
                let canvas = self.canvases.as_ref().and_then(|c| c[input]);
                let node = &mut self.arenas[input].nodes[node as usize];
                result = apply(t, node, canvas);
                let drawn = result.as_ref().map_or(0, Value::area);
                work += 40 + node.value.area() as u64 * priors::weight(t) + drawn as u64;
            }
            let useful = self.task.train.get(input).map(useful_size);
            match result.filter(|value| useful.is_none_or(|limit| is_within(value, limit))) {
                Some(value) => {
                    tuple[input] = self.arenas[input].add(value, &mut self.bytes);
                    tests += usize::from(input >= train);
                }
                None if input < train => {
                    budget.spend(work);
                    return None;
                }
                None => {}
            }
        }
        budget.spend(work);
        if tests == 0 {
            return None;
        }
        let State { depth, sized, .. } = self.states[id as usize];
        let sized = sized || t.needs_canvas();
        Some(self.admit(&tuple, State { parent: id, step, depth: depth + 1, sized, cost }))
    }

    /// The state of a tuple: the one that has it already, or else this one.
    fn admit(&mut self, tuple: &[u32], state: State) -> u32 {
        let print = tuple.iter().fold(0x51_7c, |h, &node| mix(h, u64::from(node)));
        let id = self.states.len() as u32;
        let known = *self.seen.entry(print).or_insert(id);
        if known != id {
            return known;
        }
        self.states.push(state);
        self.tuples.extend_from_slice(tuple);
        self.bytes += 40 + 4 * tuple.len();
        self.frontier.push(Reverse((state.cost, id, EXPAND)));
        id
    }

    fn features(&self, id: u32, list: bool, budget: &mut dyn Budget) -> StateFeatures {
        let train = self.task.train.len();
        let pairs =
            (0..train).filter_map(|i| Some((self.value(id as usize, i)?, &self.task.train[i].output)));
        let areas: usize = self.task.train.iter().map(|p| p.output.area()).sum();
        budget.spend(3 * areas as u64);
        state_features(pairs, list, self.states[id as usize].depth)
    }
}

fn apply(t: Transform, node: &mut Node, canvas: Option<Size>) -> Option<Value> {
    let (Some(choice), Value::Many(list)) = (t.choice(), &node.value) else {
        return t.apply(&node.value, canvas);
    };
    let property = choice.property();
    let at = node.surveys.iter().position(|(p, _)| *p == property).unwrap_or_else(|| {
        node.surveys.push((property, property.measure(list)));
        node.surveys.len() - 1
    });
    t.choose(list, &node.surveys[at].1)
}

/// What a state looks like beside what is wanted, over all demonstrations.
pub fn state_features<'v>(
    pairs: impl Iterator<Item = (&'v Value, &'v Grid)>,
    list: bool,
    depth: u16,
) -> StateFeatures {
    let mut f = [0.0; STATE];
    let (mut n, mut items, mut right, mut cells, mut facts) = (0usize, 0, 0, 0, [0usize; 8]);
    for (value, wanted) in pairs {
        n += 1;
        items += value.grids().len();
        let Some(g) = value.grid() else { continue };
        let same = g.size() == wanted.size();
        let (ours, theirs) = (g.histogram(), wanted.histogram());
        let hold = [
            same,
            g.area() > wanted.area(),
            g.colours() == 1,
            (0..10).all(|c| (ours[c] > 0) == (theirs[c] > 0)),
            g.ink() == wanted.ink(),
            g.area() == 1,
            same && g.cells().iter().zip(wanted.cells()).all(|(&a, &b)| a == 0 || a == b),
            same && g.cells().iter().zip(wanted.cells()).all(|(&a, &b)| b == 0 || a == b),
        ];
        facts.iter_mut().zip(hold).for_each(|(count, holds)| *count += usize::from(holds));
        if same {
            cells += g.area();
            right += g.cells().iter().zip(wanted.cells()).filter(|(a, b)| a == b).count();
        }
    }
    let n = n.max(1);
    f[0] = f32::from(u8::from(list));
    f[1] = (items as f32 / n as f32 / 10.0).min(1.0);
    f[2] = right as f32 / cells.max(1) as f32;
    for (slot, count) in f[3..11].iter_mut().zip(facts) {
        *slot = count as f32 / n as f32;
    }
    f[11 + (depth as usize).min(2)] = 1.0;
    f
}

/// Grids on the way are rarely larger than both the input and the output, turned or not, but for a frame.
fn useful_size(pair: &stratagem_dsl::Pair) -> Size {
    let (a, b) = (pair.input.size(), pair.output.size());
    let side = a.width.max(a.height).max(b.width).max(b.height) + 2;
    Size::new(side, side)
}

fn is_within(value: &Value, limit: Size) -> bool {
    value.grids().iter().all(|g| g.width() <= limit.width && g.height() <= limit.height)
}
