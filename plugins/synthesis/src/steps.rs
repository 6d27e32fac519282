//! Which steps a state may take, and in what order.

use std::cell::RefCell;
use std::rc::Rc;

use stratagem_dsl::{Kind, Task, Transform};

use crate::policy::{Place, Policy, cost};
use crate::priors;

/// Steps with their costs, cheapest first, by their place among the task's transforms.
type Order = Rc<[(u16, u16)]>;

/// The transforms of a task, and the order in which they are tried after one another.
pub struct Steps {
    pub transforms: Vec<Transform>,
    /// For each transform: its step, the first word of its name, and how often it was the way of it.
    ways: Vec<(usize, f64)>,
    /// The steps by name.
    names: Vec<String>,
    /// For each place the orders after nothing and after each step, as far as they have been asked for.
    orders: RefCell<[Vec<Option<Order>>; 3]>,
}

impl Steps {
    pub fn new(task: &Task) -> Self {
        let transforms = priors::transforms(task);
        let mut names: Vec<String> = Vec::new();
        let mut way_of = |t: &Transform| {
            let name = t.to_string();
            let (step, way) = name.split_once(' ').unwrap_or((&name, ""));
            let known = names.iter().position(|n| n == step).unwrap_or_else(|| {
                names.push(step.to_string());
                names.len() - 1
            });
            (known, Policy::learned().way(step, way))
        };
        let ways = transforms.iter().map(&mut way_of).collect();
        let orders = [Place::Start, Place::Grid, Place::List].map(|_| vec![None; names.len() + 1]);
        Self { transforms, ways, names, orders: RefCell::new(orders) }
    }

    /// What may follow a transform, or start, where there is a grid or a list.
    pub fn after(&self, last: Option<u16>, is_list: bool) -> Order {
        let last = last.map(|last| self.ways[last as usize].0);
        let place = match last {
            _ if is_list => Place::List,
            None => Place::Start,
            Some(_) => Place::Grid,
        };
        let known = &mut self.orders.borrow_mut()[place as usize][last.map_or(0, |last| last + 1)];
        known.get_or_insert_with(|| self.order(place, last)).clone()
    }

    fn order(&self, place: Place, last: Option<usize>) -> Order {
        let is_list = place == Place::List;
        let fits = |t: Transform| match t.kind() {
            Kind::Each => true,
            Kind::Split => !is_list,
            Kind::Join | Kind::Filter => is_list,
        };
        let all: Vec<usize> = (0..self.ways.len()).filter(|&i| fits(self.transforms[i])).collect();
        // For each step, its ways in this place: how many, and how often all together.
        let mut steps: Vec<(String, usize)> = self.names.iter().map(|n| (n.clone(), 0)).collect();
        let mut together = vec![0.0; steps.len()];
        for &i in &all {
            let (step, seen) = self.ways[i];
            steps[step].1 += 1;
            together[step] += seen;
        }
        let likely = Policy::learned().steps(place, last.map_or("", |l| &self.names[l]), &steps);
        let cost_of = |i: usize| {
            let (step, seen) = self.ways[i];
            (cost(likely[step] * seen / together[step]), i as u16)
        };
        let mut order: Vec<(u16, u16)> = all.into_iter().map(cost_of).collect();
        order.sort_unstable();
        order.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stratagem_dsl::{Grid, Pair};

    #[test]
    fn likely_steps_come_first_and_only_those_that_fit() {
        let g = Grid::from_rows(&[[1, 2], [0, 3]]).expect("a grid");
        let task = Task { train: vec![Pair { input: g.clone(), output: g.clone() }], test: vec![g] };
        let steps = Steps::new(&task);
        let place = |t: Transform| steps.transforms.iter().position(|&other| other == t).map(|i| i as u16);
        let split: Transform = "split panels".parse().expect("a transform");
        let order = steps.after(place(split), true);
        assert!(order.is_sorted_by_key(|(cost, _)| *cost));
        let kinds: Vec<Kind> = order.iter().map(|(_, i)| steps.transforms[*i as usize].kind()).collect();
        assert!(!kinds.contains(&Kind::Split) && kinds[0] == Kind::Join);
        let start = steps.after(None, false);
        let cost = |name: &str| {
            let i = place(name.parse().expect("a transform"));
            start.iter().find(|(_, other)| Some(*other) == i).map(|(cost, _)| *cost)
        };
        assert!(cost("trim") < cost("roll up"));
    }
}
