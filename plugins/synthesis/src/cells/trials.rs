//! Rules of few parameters, tried out one after the other.

use stratagem_dsl::cells::list::all_hold;
use stratagem_dsl::cells::{
    Fact, Group, Heading, Literal, Meet, Mend, Part, Pass, Scene, Shoot, Symmetry, Test, Trait,
};
use stratagem_dsl::{Grid, Task};
use stratagem_kit::Budget;

use super::Found;

/// Tries to uncover what each colour may hide.
pub fn mend(task: &Task, budget: &mut dyn Budget, found: &mut dyn FnMut(Found)) {
    let fits = |mend: Mend, budget: &mut dyn Budget| {
        task.train.iter().all(|p| {
            budget.spend(200 * p.input.area() as u64);
            mend.run(&p.input).is_some_and(|g| g == p.output)
        })
    };
    for mask in 0..10 {
        let plausible = |g: &Grid| {
            let hidden = g.histogram()[mask as usize];
            hidden > 0 && hidden * 5 < g.area() * 4
        };
        if !task.inputs().all(plausible) {
            continue;
        }
        for by in Symmetry::ALL {
            for patch in [false, true] {
                let mend = Mend { mask, by, patch };
                if budget.left() > 0 && fits(mend, budget) {
                    let complexity = 1.5 + if by == Symmetry::Any { 0.4 } else { 0.0 };
                    found(Found { passes: vec![Pass::Mend(mend)], complexity, whole: true });
                }
            }
        }
    }
}

/// The most rays that are kept to be put together.
const PARTS: usize = 100;

/// What rays start from.
fn sources(task: &Task) -> Vec<(Vec<Literal>, f64)> {
    let is = |fact, test| Literal { fact, test, negated: false };
    let mut all: Vec<(Vec<Literal>, f64)> = vec![(
        vec![Literal { fact: Fact::Own, test: Test::IsAs(Fact::Role(Part::Background)), negated: true }],
        0.2,
    )];
    for c in 0..10 {
        if task.inputs().any(|g| g.cells().contains(&c)) {
            all.push((vec![is(Fact::Own, Test::Is(c))], 0.4));
        }
    }
    for part in [Part::Most, Part::Least] {
        all.push((vec![is(Fact::Own, Test::IsAs(Fact::Role(part)))], 0.5));
    }
    let drawn = Literal { fact: Fact::Own, test: Test::IsAs(Fact::Role(Part::Background)), negated: true };
    all.push((vec![drawn, is(Fact::Group(Group::Patch, Trait::Size), Test::Is(1))], 0.8));
    all
}

/// Tries rays of all kinds, alone and together.
pub fn shoot(task: &Task, budget: &mut dyn Budget, found: &mut dyn FnMut(Found)) {
    let scenes: Vec<Scene> = task.train.iter().map(|p| Scene::new(&p.input)).collect();
    let mut inks: Vec<Option<u8>> = vec![None];
    inks.extend((0..10).filter(|&c| task.train.iter().all(|p| gains(&p.input, &p.output, c))).map(Some));
    let mut partial: Vec<(Shoot, f64, Vec<Grid>)> = Vec::new();
    'all: for (when, cost) in sources(task) {
        let from: Vec<Vec<bool>> = scenes.iter().map(|s| all_hold(&when, s)).collect();
        // Rays from everywhere are no rays.
        let crowded =
            |(from, s): (&Vec<bool>, &Scene)| from.iter().filter(|&&f| f).count() * 3 > s.grid.area();
        if from.iter().zip(&scenes).any(crowded) {
            continue;
        }
        for heading in Heading::ALL {
            for &ink in &inks {
                for (meet, but, edges, step) in manners(task) {
                    if budget.left() == 0 {
                        break 'all;
                    }
                    let shoot = Shoot { when: when.clone(), heading, ink, meet, but, edges, step };
                    let Some((drawn, exact)) = draw(task, &scenes, &from, &shoot, budget) else { continue };
                    let odd = f64::from(u8::from(but.is_some())) * 0.6 + f64::from(step - 1) * 0.5;
                    let complexity = 1.2 + cost + 0.25 * f64::from(u8::from(ink.is_some())) + odd;
                    found(Found { passes: vec![Pass::Shoot(shoot.clone())], complexity, whole: exact });
                    if !exact {
                        partial.push((shoot, complexity, drawn));
                        if partial.len() > PARTS {
                            break 'all;
                        }
                    }
                }
            }
        }
    }
    together(task, &partial, budget, found);
}

fn gains(before: &Grid, after: &Grid, c: u8) -> bool {
    before.cells().iter().zip(after.cells()).any(|(&a, &b)| a != c && b == c)
}

/// What a ray does at what it meets, at one colour above all, whether dotted, and its step.
type Manner = (Meet, Option<(u8, Meet)>, bool, u8);

/// What rays do on their way.
fn manners(task: &Task) -> Vec<Manner> {
    let mut all: Vec<Manner> = vec![
        (Meet::Stop, None, false, 1),
        (Meet::Through, None, false, 1),
        (Meet::Over, None, false, 1),
        (Meet::Stop, None, false, 2),
        (Meet::Bounce, None, true, 1),
        (Meet::Bounce, None, false, 1),
        (Meet::Left, None, false, 1),
        (Meet::Right, None, false, 1),
        (Meet::Dye, None, false, 1),
    ];
    let common = (1..10).filter(|&c| task.train.iter().all(|p| p.input.cells().contains(&c)));
    for c in common {
        all.extend([
            (Meet::Right, Some((c, Meet::Left)), false, 1),
            (Meet::Left, Some((c, Meet::Right)), false, 1),
            (Meet::Stop, Some((c, Meet::Over)), false, 1),
            (Meet::Over, Some((c, Meet::Stop)), false, 1),
        ]);
    }
    all
}

/// The outputs where no cell that changes comes out wrong and some comes out right, and whether all do.
fn draw(
    task: &Task,
    scenes: &[Scene],
    from: &[Vec<bool>],
    shoot: &Shoot,
    budget: &mut dyn Budget,
) -> Option<(Vec<Grid>, bool)> {
    let mut drawn = Vec::new();
    let (mut some, mut exact) = (false, true);
    for ((pair, scene), from) in task.train.iter().zip(scenes).zip(from) {
        let rays = from.iter().filter(|&&f| f).count() * 2 * (pair.input.width() + pair.input.height());
        budget.spend(200 + 2 * pair.input.area() as u64 + rays as u64);
        let out = shoot.run_from(scene, from);
        for ((&a, &b), &o) in pair.input.cells().iter().zip(pair.output.cells()).zip(out.cells()) {
            if o != a && o != b {
                return None;
            }
            some |= o != a;
            exact &= o == b;
        }
        drawn.push(out);
    }
    some.then_some((drawn, exact))
}

/// Puts rays together that are right as far as they go.
fn together(
    task: &Task,
    partial: &[(Shoot, f64, Vec<Grid>)],
    budget: &mut dyn Budget,
    found: &mut dyn FnMut(Found),
) {
    let cells: usize = task.train.iter().map(|p| p.input.area()).sum();
    let mut now: Vec<Grid> = task.train.iter().map(|p| p.input.clone()).collect();
    let wrong = |grids: &[Grid]| -> usize {
        let pairs = grids.iter().zip(&task.train);
        pairs.map(|(g, p)| g.cells().iter().zip(p.output.cells()).filter(|(a, b)| a != b).count()).sum()
    };
    let mut chosen: Vec<usize> = Vec::new();
    let mut complexity = 0.0;
    while chosen.len() < 5 {
        let over = |k: usize| -> Vec<Grid> {
            let (_, _, drawn) = &partial[k];
            let layers = now.iter().zip(drawn).zip(&task.train);
            let draw = |((g, top), p): ((&Grid, &Grid), &stratagem_dsl::Pair)| {
                g.redraw(|x, y| if top.at(x, y) == p.input.at(x, y) { g.at(x, y) } else { top.at(x, y) })
            };
            layers.map(draw).collect()
        };
        budget.spend(4 * (cells * partial.len()) as u64);
        let rest: Vec<usize> = (0..partial.len()).map(|k| wrong(&over(k))).collect();
        let key = |&k: &usize| (rest[k], (partial[k].1 * 100.0) as u64);
        let best = (0..partial.len()).min_by_key(key);
        let Some(best) = best.filter(|&k| rest[k] < wrong(&now)) else { return };
        now = over(best);
        chosen.push(best);
        complexity += partial[best].1;
        let passes: Vec<Pass> = chosen.iter().map(|&k| Pass::Shoot(partial[k].0.clone())).collect();
        if wrong(&now) > 0 {
            found(Found { passes, complexity, whole: false });
            continue;
        }
        let rule = stratagem_dsl::cells::CellRule(passes.clone());
        // Each pass sees what the ones before drew, which may matter.
        if task.train.iter().all(|p| rule.run(&p.input).as_ref() == Some(&p.output)) {
            found(Found { passes, complexity, whole: true });
        }
        return;
    }
}
