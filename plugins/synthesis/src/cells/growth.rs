//! Spreads whose fixed point is the output.

use stratagem_dsl::Task;
use stratagem_dsl::cells::growth::grow;
use stratagem_dsl::cells::list::all_hold;
use stratagem_dsl::cells::{Family, Growth, NONE, Pass, Reach, Ring, Scene, Spread};
use stratagem_dsl::lines::Direction;
use stratagem_kit::Budget;

use super::bits::{self, Bits};
use super::conjoin::{conjoin, literals};
use super::sheet::Sheet;
use super::{Found, costs};

/// The most spreads of a growth.
const SPREADS: usize = 4;
/// How many conditions are tried for a way of spreading.
const CONDITIONS: usize = 3;

/// A spread that never errs where the outputs are what has grown, and what grows of it alone.
struct Candidate {
    spread: Spread,
    cost: u32,
    open: Vec<Vec<bool>>,
}

/// Searches growths; every spread is pure on the outputs, so that no order matters.
pub fn search(task: &Task, sheet: &Sheet, budget: &mut dyn Budget, found: &mut dyn FnMut(Found)) {
    let scenes: Vec<Scene> = task.train.iter().map(|p| Scene::new(&p.input)).collect();
    let candidates = candidates(task, sheet, &scenes, budget);
    let mut singles: Vec<(usize, usize)> = Vec::new();
    for (k, c) in candidates.iter().enumerate() {
        if let Some(gain) = reached(task, &scenes, &[c], budget) {
            singles.push((gain, k));
        }
    }
    singles.sort_by_key(|&(gain, k)| (usize::MAX - gain, candidates[k].cost));
    let wanted: usize = task.train.iter().map(changed).sum();
    for &(gain, first) in singles.iter().take(6) {
        let mut chosen = vec![&candidates[first]];
        let mut best = gain;
        while best < wanted && chosen.len() < SPREADS {
            let mut step: Option<(usize, &Candidate)> = None;
            for (k, c) in candidates.iter().enumerate() {
                if k == first || budget.left() == 0 {
                    continue;
                }
                chosen.push(c);
                let gain = reached(task, &scenes, &chosen, budget).unwrap_or(0);
                chosen.pop();
                let better = step.is_none_or(|(g, s)| gain > g || gain == g && c.cost < s.cost);
                if gain > best && better {
                    step = Some((gain, c));
                }
            }
            let Some((gain, c)) = step else { break };
            best = gain;
            chosen.push(c);
        }
        let cost: u32 = chosen.iter().map(|c| c.cost).sum();
        let growth = Growth(chosen.iter().map(|c| c.spread.clone()).collect());
        let more = chosen.len() as f64 - 1.0;
        let complexity = 1.2 * f64::from(cost) / 100.0 + 1.2 * more;
        found(Found { passes: vec![Pass::Growth(growth)], complexity, whole: best == wanted });
    }
}

fn changed(pair: &stratagem_dsl::Pair) -> usize {
    pair.input.cells().iter().zip(pair.output.cells()).filter(|(a, b)| a != b).count()
}

/// How many cells that change come out right; none where another comes out wrong.
fn reached(task: &Task, scenes: &[Scene], chosen: &[&Candidate], budget: &mut dyn Budget) -> Option<usize> {
    let mut right = 0;
    let spreads: Vec<Spread> = chosen.iter().map(|c| c.spread.clone()).collect();
    for (i, pair) in task.train.iter().enumerate() {
        budget.spend(4 * pair.input.area() as u64 * chosen.len() as u64);
        let open: Vec<&[bool]> = chosen.iter().map(|c| c.open[i].as_slice()).collect();
        let grown = grow(&scenes[i], &spreads, &open);
        for ((&out, &before), &want) in grown.cells().iter().zip(pair.input.cells()).zip(pair.output.cells())
        {
            if out != before && out != want {
                return None;
            }
            right += usize::from(out == want && before != want);
        }
    }
    Some(right)
}

/// Pure spreads in all ways of reaching, with the best conditions for each.
fn candidates(task: &Task, sheet: &Sheet, scenes: &[Scene], budget: &mut dyn Budget) -> Vec<Candidate> {
    let families = [Family::Colour, Family::Near, Family::Group];
    let allowed: Vec<usize> =
        (0..sheet.literals.len()).filter(|&l| families.contains(&sheet.families[l])).collect();
    let mut inks: Vec<Option<u8>> = vec![None];
    let mut froms: Vec<Option<u8>> = vec![None];
    for c in 0..10 {
        let turns = |p: &stratagem_dsl::Pair| {
            p.input.cells().iter().zip(p.output.cells()).any(|(&a, &b)| b == c && a != c)
        };
        if task.train.iter().any(turns) {
            inks.push(Some(c));
        }
        if task.train.iter().any(|p| p.output.cells().contains(&c)) {
            froms.push(Some(c));
        }
    }
    let reaches = Direction::ALL.map(Reach::Next).into_iter().chain(Ring::ALL.map(Reach::Ring));
    let mut all = Vec::new();
    for reach in reaches {
        for &from in &froms {
            for &ink in &inks {
                let same = from.is_some() && ink == from;
                if same || budget.left() == 0 || (from.is_some() && ink.is_none() && froms.len() > 6) {
                    continue;
                }
                let (wanted, unwanted) = outcomes(task, sheet, scenes, (reach, from, ink));
                budget.spend(8 * sheet.starts[sheet.pairs()] as u64);
                let found = conjoin(sheet, &wanted, &unwanted, &allowed, budget);
                for c in found.into_iter().take(CONDITIONS) {
                    let when = literals(sheet, &c);
                    let open = scenes.iter().map(|s| all_hold(&when, s)).collect();
                    let cost = 70 + c.cost + 25 * u32::from(from.is_some()) + 25 * u32::from(ink.is_some());
                    let cost = cost + costs::fact(stratagem_dsl::cells::Fact::Own);
                    all.push(Candidate { spread: Spread { when, reach, from, ink }, cost, open });
                }
            }
        }
    }
    all
}

/// Where a way of spreading would paint a changed cell right, and where any cell wrong, on the outputs.
fn outcomes(
    task: &Task,
    sheet: &Sheet,
    scenes: &[Scene],
    (reach, from, ink): (Reach, Option<u8>, Option<u8>),
) -> (Bits, Bits) {
    let mut wanted = vec![0; sheet.words];
    let mut unwanted = vec![0; sheet.words];
    for (p, pair) in task.train.iter().enumerate() {
        let w = pair.output.width();
        for i in 0..pair.output.area() {
            let (before, want) = (pair.input.cells()[i], pair.output.cells()[i]);
            for d in reach.directions() {
                let (x, y) = ((i % w) as isize + d.step().0, (i / w) as isize + d.step().1);
                let c = pair.output.at_or(x, y, NONE);
                if c == NONE || from.map_or(c == scenes[p].background, |from| c != from) {
                    continue;
                }
                let painted = ink.unwrap_or(c);
                let set = if painted != want {
                    &mut unwanted
                } else if before != want {
                    &mut wanted
                } else {
                    continue;
                };
                bits::fill(set, sheet.starts[p] + i, std::iter::once(true));
            }
        }
    }
    let wanted = bits::minus(&wanted, &unwanted);
    (wanted, unwanted)
}
