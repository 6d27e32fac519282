//! The walk: one graph of values for each input, all walked in lockstep.
//!
//! A state is one program so far, seen as the tuple of values it yields, one for each input. Two
//! programs that yield the same tuple are one state, and the cheaper one stands for both. The
//! walk expands states in order of cost.

use stratagem_dsl::grid::mix;
use stratagem_dsl::{Grid, Pair, Pipeline, Size, Task, Transform, Value};

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::hashing::{PrintSet, Prints};
use crate::priors;
use crate::steps::Steps;
use stratagem_kit::Budget;

/// Stands for "no value": the program does not apply to this test input.
const NOTHING: u32 = u32::MAX;

type Measured = BTreeMap<u64, Vec<i32>>;

/// The values reached from one input.
struct Graph {
    values: Vec<Value>,
    by_print: Prints<u32>,
    /// Properties of lists, by node and property.
    measured: Measured,
}

impl Graph {
    fn add(&mut self, value: Value, bytes: &mut usize) -> u32 {
        let next = self.values.len() as u32;
        let entry = self.by_print.entry(value.fingerprint());
        *entry.or_insert_with(|| {
            *bytes += value.area() + 48 * value.grids().len() + 48;
            self.values.push(value);
            next
        })
    }
}

/// One program so far.
#[derive(Clone, Copy, Debug)]
pub struct State {
    parent: u32,
    step: u16,
    /// The sum of the steps' costs.
    pub cost: u16,
    /// Whether it yields lists.
    is_list: bool,
}

/// Steps that a state waits to take: those of one cost, from a place in the order of its steps on.
#[derive(Clone, Copy, Debug)]
struct Untried {
    state: u32,
    place: u16,
}

/// The graphs, the states and the frontier.
pub struct Walk {
    steps: Steps,
    graphs: Vec<Graph>,
    /// How many of the inputs are demonstrations.
    train: usize,
    /// The order in which inputs are tried: small ones fail fast.
    order: Vec<usize>,
    /// The largest size that is of use for each demonstration.
    useful: Vec<Size>,
    canvases: Option<Vec<Option<Size>>>,
    states: Vec<State>,
    tuples: Vec<u32>,
    seen: PrintSet,
    /// What to try next, by the cost of what would come of it.
    frontier: Vec<Vec<Untried>>,
    /// What was tried before the canvases were known.
    tried: Vec<Untried>,
    bytes: usize,
    limit_bytes: usize,
}

impl Walk {
    /// Starts from the task's inputs.
    pub fn new(task: &Task, limit_bytes: usize) -> Self {
        let mut order: Vec<usize> = (0..task.train.len() + task.test.len()).collect();
        let areas: Vec<usize> = task.inputs().map(Grid::area).collect();
        order.sort_by_key(|&i| areas[i]);
        let mut walk = Self {
            steps: Steps::new(task),
            graphs: Vec::new(),
            train: task.train.len(),
            order,
            useful: task.train.iter().map(useful_size).collect(),
            canvases: None,
            states: Vec::new(),
            tuples: Vec::new(),
            seen: PrintSet::default(),
            frontier: Vec::new(),
            tried: Vec::new(),
            bytes: 0,
            limit_bytes,
        };
        let mut tuple = Vec::new();
        for input in task.inputs() {
            let mut graph =
                Graph { values: Vec::new(), by_print: Prints::default(), measured: Measured::default() };
            tuple.push(graph.add(Value::One(input.clone()), &mut walk.bytes));
            walk.graphs.push(graph);
        }
        walk.admit(&tuple, (u32::MAX, 0), 0);
        walk
    }

    /// How many states there are.
    pub fn len(&self) -> usize {
        self.states.len()
    }

    /// A state by number; numbers rise in order of discovery.
    pub fn state(&self, id: usize) -> State {
        self.states[id]
    }

    /// The value of a state on an input, where it has one.
    pub fn value(&self, id: usize, input: usize) -> Option<&Value> {
        let node = self.tuples[id * self.graphs.len() + input];
        (node != NOTHING).then(|| &self.graphs[input].values[node as usize])
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
            steps.push(self.steps.transforms[self.states[at].step as usize]);
            at = self.states[at].parent as usize;
        }
        steps.reverse();
        Pipeline(steps)
    }

    /// Takes steps in order of the cost of what comes of them, up to `cost_max`, while budget and memory last.
    ///
    /// Returns whether it got through.
    pub fn expand_to(&mut self, cost_max: u16, budget: &mut dyn Budget) -> bool {
        let mut cost = 0;
        while cost < self.frontier.len() && cost <= cost_max as usize {
            let mut at = 0;
            while at < self.frontier[cost].len() {
                if budget.left() == 0 || self.bytes > self.limit_bytes {
                    self.frontier[cost].drain(..at);
                    return false;
                }
                let untried = self.frontier[cost][at];
                at += 1;
                self.take(untried, false, budget);
                if self.canvases.is_none() {
                    self.tried.push(untried);
                }
            }
            self.frontier[cost].clear();
            cost += 1;
        }
        true
    }

    /// Makes the sizes of the answers known, and takes the steps that were waiting for them.
    pub fn set_canvases(&mut self, canvases: Vec<Option<Size>>, budget: &mut dyn Budget) {
        self.canvases = Some(canvases);
        for untried in std::mem::take(&mut self.tried) {
            if budget.left() == 0 || self.bytes > self.limit_bytes {
                return;
            }
            self.take(untried, true, budget);
        }
    }

    /// Takes the steps of one cost, and leaves the dearer ones for later.
    fn take(&mut self, Untried { state: id, place }: Untried, only_canvas: bool, budget: &mut dyn Budget) {
        let (last, order) = (self.last_step(id), self.order_of(id));
        let Some(&(cost, _)) = order.get(place as usize) else { return };
        let alike = order[place as usize..].iter().take_while(|(c, _)| *c == cost).count();
        let base = self.states[id as usize].cost;
        let on_canvas = self.is_on_canvas(id);
        let mut tuple = vec![NOTHING; self.graphs.len()];
        let mut work = 0;
        for &(_, step) in &order[place as usize..][..alike] {
            let t = self.steps.transforms[step as usize];
            let waits = t.needs_canvas() || priors::is_leaf(Some(t));
            let known = if only_canvas { waits } else { !waits || self.canvases.is_some() };
            let leads_nowhere = priors::is_leaf(Some(t)) && !on_canvas
                || last.is_some_and(|last| priors::is_redundant(last, t));
            if known && !leads_nowhere && self.apply(id, t, &mut tuple, &mut work) {
                self.admit(&tuple, (id, step), base + cost);
            }
        }
        let next = place as usize + alike;
        if let (false, Some((cost, _))) = (only_canvas, order.get(next)) {
            self.wait(base + cost, Untried { state: id, place: next as u16 });
        }
        budget.spend(work + 50);
    }

    /// The steps that a state may take, with their costs.
    fn order_of(&self, id: u32) -> Rc<[(u16, u16)]> {
        let state = self.states[id as usize];
        self.steps.after((state.parent != u32::MAX).then_some(state.step), state.is_list)
    }

    fn wait(&mut self, cost: u16, untried: Untried) {
        let cost = cost as usize;
        if self.frontier.len() <= cost {
            self.frontier.resize_with(cost + 1, Vec::new);
        }
        self.frontier[cost].push(untried);
    }

    fn last_step(&self, id: u32) -> Option<Transform> {
        let state = self.states[id as usize];
        (state.parent != u32::MAX).then(|| self.steps.transforms[state.step as usize])
    }

    /// Whether a state has the size of the answer on every demonstration.
    fn is_on_canvas(&self, id: u32) -> bool {
        self.canvases.as_ref().is_some_and(|canvases| {
            (0..self.train).all(|i| self.grid(id as usize, i).is_some_and(|g| Some(g.size()) == canvases[i]))
        })
    }

    /// Applies one step to every input; true where it holds for all demonstrations and a test.
    fn apply(&mut self, id: u32, t: Transform, tuple: &mut [u32], work: &mut u64) -> bool {
        let n = self.graphs.len();
        let mut tests = 0;
        for &input in &self.order {
            let node = self.tuples[id as usize * n + input];
            tuple[input] = NOTHING;
            let mut result = None;
            if node != NOTHING {
                let Graph { values, measured, .. } = &mut self.graphs[input];
                let value = &values[node as usize];
                let canvas = self.canvases.as_ref().and_then(|c| c[input]);
                result = match (t.choice(), value) {
                    (Some(choice), Value::Many(list)) => {
                        let property = choice.property();
                        let known = measured.entry(u64::from(node) << 8 | property as u64);
                        let bytes = &mut self.bytes;
                        t.choose(
                            list,
                            known.or_insert_with(|| {
                                *bytes += 4 * list.len() + 64;
                                property.measure(list)
                            }),
                        )
                    }
                    _ => t.apply(value, canvas),
                };
                let drawn = result.as_ref().map_or(0, Value::area);
                *work += 60 + value.area() as u64 * priors::weight(t) + drawn as u64;
            }
            let useful = self.useful.get(input).copied();
            match result.filter(|value| useful.is_none_or(|limit| is_within(value, limit))) {
                Some(value) => {
                    tuple[input] = self.graphs[input].add(value, &mut self.bytes);
                    tests += usize::from(input >= self.train);
                }
                None if input < self.train => return false,
                None => {}
            }
        }
        tests > 0
    }

    /// Takes in what a step from a parent yields, if it is new.
    fn admit(&mut self, tuple: &[u32], (parent, step): (u32, u16), cost: u16) {
        let print = tuple.iter().fold(0x51_7c, |h, &node| mix(h, u64::from(node)));
        if !self.seen.insert(print) {
            return;
        }
        let id = self.states.len() as u32;
        let mut values = tuple.iter().zip(&self.graphs).filter_map(|(&n, g)| g.values.get(n as usize));
        let is_list = values.any(|value| matches!(value, Value::Many(_)));
        self.states.push(State { parent, step, cost, is_list });
        self.tuples.extend_from_slice(tuple);
        self.bytes += 8 + 4 * tuple.len() + 24;
        if !priors::is_leaf(self.last_step(id)) {
            let first = self.order_of(id).first().copied();
            if let Some((more, _)) = first {
                self.wait(cost + more, Untried { state: id, place: 0 });
            }
        }
    }
}

/// Grids on the way are rarely larger than both the input and the output, turned or not, but for
/// a frame.
fn useful_size(pair: &Pair) -> Size {
    let (a, b) = (pair.input.size(), pair.output.size());
    let side = a.width.max(a.height).max(b.width).max(b.height) + 2;
    Size::new(side, side)
}

fn is_within(value: &Value, limit: Size) -> bool {
    value.grids().iter().all(|g| g.width() <= limit.width && g.height() <= limit.height)
}
