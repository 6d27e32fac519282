//! The arena: every program tried so far, as the tuple of values that it yields on all inputs.
//!
//! Two programs that yield the same tuple are one state, and the cheaper one stands for both; no step is ever
//! taken twice from one state. So the population never holds a tuple of outputs more than once, and what a
//! mutation shares with its parent costs nothing.

use stratagem_dsl::grid::mix;
use stratagem_dsl::lists::Choice;
use stratagem_dsl::{Grid, Head, Kind, Pipeline, Rules, Size, Task, Transform, Tree, Value};
use stratagem_kit::Budget;
use stratagem_synthesis::hashing::Prints;
use stratagem_synthesis::priors;

/// Stands for "no value" and "no state".
pub const NOTHING: u32 = u32::MAX;
/// The dearest program that is kept.
const COST_MAX: u16 = 160;
/// The most choices among trees that one program nests.
const HEADS_MAX: u8 = 8;

/// How a state came about.
#[derive(Clone, Debug)]
pub enum Origin {
    Input,
    Step { from: u32, step: u16 },
    Where { mask: u32, then: u32, other: u32 },
    By { key: u32, base: u32, rules: Rules, lone_rows: u8 },
}

/// One program so far.
#[derive(Clone, Debug)]
pub struct State {
    pub origin: Origin,
    /// What the steps cost, and what choices among trees do.
    pub cost: u16,
    /// Choices among trees in it.
    pub heads: u8,
    pub is_list: bool,
}

struct Graph {
    values: Vec<Value>,
    by_print: Prints<u32>,
}

impl Graph {
    fn add(&mut self, value: Value, bytes: &mut usize) -> u32 {
        let next = self.values.len() as u32;
        *self.by_print.entry(value.fingerprint()).or_insert_with(|| {
            *bytes += value.area() + 48 * value.grids().len() + 48;
            self.values.push(value);
            next
        })
    }
}

/// All states and what they yield.
pub struct Arena {
    pub steps: Vec<Transform>,
    pub canvases: Vec<Option<Size>>,
    graphs: Vec<Graph>,
    train: usize,
    /// The order in which inputs are tried: small ones fail fast.
    order: Vec<usize>,
    useful: Vec<Size>,
    states: Vec<State>,
    tuples: Vec<u32>,
    by_print: Prints<u32>,
    /// What each step from each state led to.
    taken: Prints<u32>,
    survey: Survey,
    bytes: usize,
}

/// The last list property that was measured: choices by one property come in a row.
struct Survey {
    key: (u32, Option<Choice>),
    values: Vec<Vec<i32>>,
}

impl Arena {
    /// Starts from the task's inputs; `canvases` holds the size of each answer where a rule gives it.
    pub fn new(task: &Task, canvases: Vec<Option<Size>>) -> Self {
        let areas: Vec<usize> = task.inputs().map(Grid::area).collect();
        let mut order: Vec<usize> = (0..areas.len()).collect();
        order.sort_by_key(|&i| areas[i]);
        let sized = canvases.iter().take(task.train.len()).all(Option::is_some);
        let mut steps = priors::transforms(task);
        steps.retain(|t| sized || !t.needs_canvas());
        let mut arena = Self {
            steps,
            canvases,
            graphs: Vec::new(),
            train: task.train.len(),
            order,
            useful: task.train.iter().map(|p| useful_size(p.input.size(), p.output.size())).collect(),
            states: Vec::new(),
            tuples: Vec::new(),
            by_print: Prints::default(),
            taken: Prints::default(),
            survey: Survey { key: (NOTHING, None), values: Vec::new() },
            bytes: 0,
        };
        let mut tuple = Vec::new();
        for input in task.inputs() {
            let mut graph = Graph { values: Vec::new(), by_print: Prints::default() };
            tuple.push(graph.add(Value::One(input.clone()), &mut arena.bytes));
            arena.graphs.push(graph);
        }
        arena.admit(&tuple, State { origin: Origin::Input, cost: 0, heads: 0, is_list: false });
        arena
    }

    /// How many states there are; state 0 is the input itself.
    pub fn len(&self) -> usize {
        self.states.len()
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn state(&self, id: u32) -> &State {
        &self.states[id as usize]
    }

    /// The value of a state on an input, where it has one.
    pub fn value(&self, id: u32, input: usize) -> Option<&Value> {
        let node = self.tuples[id as usize * self.graphs.len() + input];
        (node != NOTHING).then(|| &self.graphs[input].values[node as usize])
    }

    /// The step that a state ends with.
    pub fn last_step(&self, id: u32) -> Option<Transform> {
        match self.state(id).origin {
            Origin::Step { step, .. } => Some(self.steps[step as usize]),
            _ => None,
        }
    }

    /// The state before the last step.
    pub fn parent(&self, id: u32) -> Option<u32> {
        match self.state(id).origin {
            Origin::Step { from, .. } => Some(from),
            _ => None,
        }
    }

    /// The steps since the last choice among trees, and the state that they start from.
    pub fn tail(&self, id: u32) -> (u32, Vec<u16>) {
        let mut steps = Vec::new();
        let mut at = id;
        while let Origin::Step { from, step } = self.state(at).origin {
            steps.push(step);
            at = from;
        }
        steps.reverse();
        (at, steps)
    }

    /// The program of a state.
    pub fn tree(&self, id: u32) -> Tree {
        let (start, steps) = self.tail(id);
        let steps = Pipeline(steps.into_iter().map(|s| self.steps[s as usize]).collect());
        let part = |id: u32| Box::new(self.tree(id));
        let head = match &self.state(start).origin {
            Origin::Where { mask, then, other } => {
                Head::Where { mask: part(*mask), then: part(*then), other: part(*other) }
            }
            Origin::By { key, base, rules, .. } => {
                Head::By { key: part(*key), base: part(*base), rules: rules.clone() }
            }
            Origin::Input | Origin::Step { .. } => Head::Input,
        };
        Tree { head, steps }
    }

    /// Whether a step makes sense after a state and has not been taken yet.
    pub fn is_open(&self, id: u32, step: u16) -> bool {
        let t = self.steps[step as usize];
        let is_list = self.state(id).is_list;
        let fits = match t.kind() {
            Kind::Each => true,
            Kind::Split => !is_list,
            Kind::Join | Kind::Filter => is_list,
        };
        let last = self.last_step(id);
        fits && !last
            .is_some_and(|last| priors::is_redundant(last, t) || priors::is_leaf(Some(last)) && !is_list)
            && !self.taken.contains_key(&taken_key(id, step))
    }

    /// Takes a step from a state, or looks up where it led. None where it does not apply to every demonstration and
    /// a test input.
    pub fn take(&mut self, id: u32, step: u16, budget: &mut dyn Budget) -> Option<u32> {
        let key = taken_key(id, step);
        if let Some(&known) = self.taken.get(&key) {
            return (known != NOTHING).then_some(known);
        }
        budget.spend(100);
        let t = self.steps[step as usize];
        let cost = self.state(id).cost.saturating_add(priors::cost(t));
        let found = if cost > COST_MAX { None } else { self.apply(id, t, budget) };
        let child = found.map(|tuple| {
            let is_list = tuple.iter().zip(&self.graphs).any(|(&node, graph)| {
                node != NOTHING && matches!(graph.values[node as usize], Value::Many(_))
            });
            let heads = self.state(id).heads;
            self.admit(&tuple, State { origin: Origin::Step { from: id, step }, cost, heads, is_list })
        });
        self.taken.insert(key, child.unwrap_or(NOTHING));
        child
    }

    /// Takes in a choice among trees, with the grids it yields. None where it is too dear.
    pub fn choose(&mut self, origin: Origin, grids: Vec<Option<Grid>>) -> Option<u32> {
        let (parts, extra) = match &origin {
            Origin::Where { mask, then, other } => (vec![*mask, *then, *other], 6),
            Origin::By { key, base, rules, .. } => (vec![*key, *base], 5 + 2 * rules.rows.len() as u16),
            Origin::Input | Origin::Step { .. } => return None,
        };
        let mut distinct = parts;
        distinct.sort_unstable();
        distinct.dedup();
        let cost = distinct.iter().map(|&p| self.state(p).cost).fold(extra, u16::saturating_add);
        let heads = distinct.iter().map(|&p| self.state(p).heads).fold(1u8, u8::saturating_add);
        if cost > COST_MAX || heads > HEADS_MAX {
            return None;
        }
        let tuple: Vec<u32> = grids
            .into_iter()
            .enumerate()
            .map(|(i, g)| g.map_or(NOTHING, |g| self.graphs[i].add(Value::One(g), &mut self.bytes)))
            .collect();
        Some(self.admit(&tuple, State { origin, cost, heads, is_list: false }))
    }

    fn apply(&mut self, id: u32, t: Transform, budget: &mut dyn Budget) -> Option<Vec<u32>> {
        let n = self.graphs.len();
        let mut tuple = vec![NOTHING; n];
        let mut tests = 0;
        for at in 0..n {
            let input = self.order[at];
            let node = self.tuples[id as usize * n + input];
            let mut result = None;
            if node != NOTHING {
                let value = &self.graphs[input].values[node as usize];
                result = match (t.choice(), value) {
                    (Some(choice), Value::Many(list)) => {
                        t.choose(list, self.survey.measure(id, choice, input, n, list))
                    }
                    _ => t.apply(value, self.canvases[input]),
                };
                let drawn = result.as_ref().map_or(0, Value::area);
                budget.spend(80 + value.area() as u64 * priors::weight(t) + drawn as u64);
            }
            let limit = self.useful.get(input).copied();
            match result.filter(|value| limit.is_none_or(|limit| is_within(value, limit))) {
                Some(value) => {
                    tuple[input] = self.graphs[input].add(value, &mut self.bytes);
                    tests += usize::from(input >= self.train);
                }
                None if input < self.train => return None,
                None => {}
            }
        }
        (tests > 0).then_some(tuple)
    }

    /// The state of a tuple: a new one, or the known one with the cheaper of the two programs.
    fn admit(&mut self, tuple: &[u32], state: State) -> u32 {
        let print = tuple.iter().fold(0x51_7c, |h, &node| mix(h, u64::from(node)));
        let next = self.states.len() as u32;
        let id = *self.by_print.entry(print).or_insert(next);
        if id == next {
            self.bytes += 64 + 4 * tuple.len();
            self.tuples.extend_from_slice(tuple);
            self.states.push(state);
        } else if state.cost < self.states[id as usize].cost {
            // No program comes to contain itself so: a state costs more than those it is made of, and never rises.
            self.states[id as usize] = state;
        }
        id
    }
}

impl Survey {
    fn measure(&mut self, id: u32, choice: Choice, input: usize, inputs: usize, list: &[Grid]) -> &[i32] {
        let property = choice.property();
        let same = self.key.0 == id && self.key.1.is_some_and(|c| c.property() == property);
        if !same {
            self.key = (id, Some(choice));
            self.values = vec![Vec::new(); inputs];
        }
        if self.values[input].is_empty() {
            self.values[input] = property.measure(list);
        }
        &self.values[input]
    }
}

fn taken_key(id: u32, step: u16) -> u64 {
    mix(u64::from(id), u64::from(step))
}

/// Grids on the way are rarely larger than both the input and the output, turned or not, but for a frame.
fn useful_size(input: Size, output: Size) -> Size {
    let side = input.width.max(input.height).max(output.width).max(output.height) + 2;
    Size::new(side, side)
}

fn is_within(value: &Value, limit: Size) -> bool {
    value.grids().iter().all(|g| g.width() <= limit.width && g.height() <= limit.height)
}
