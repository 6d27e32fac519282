//! Patterns about objects of a kind, learnt from the demonstrations.

use stratagem_dsl::scene::{Action, Dot};
use stratagem_kit::Budget;

use super::bits::Bits;
use super::predicates::Predicates;
use super::study::{Study, UNCHANGED};

/// How far from the box a pattern reaches, in cells.
const REACH: isize = 4;
/// The most cells of a pattern.
const DOTS_MAX: usize = 60;

/// The patterns that are drawn about every object of some set that can be told by one test.
pub fn learn(study: &Study<'_>, predicates: &Predicates, budget: &mut dyn Budget) -> Vec<Action> {
    let mut found = Vec::new();
    for told in &predicates.all[..predicates.singles] {
        if budget.left() == 0 {
            break;
        }
        if let Some(stamp) = pattern(study, &told.set, budget).filter(|s| !found.contains(s)) {
            found.push(stamp);
        }
    }
    found
}

/// The cells about every object of a set that come out alike, and that change about one of them.
fn pattern(study: &Study<'_>, set: &Bits, budget: &mut dyn Budget) -> Option<Action> {
    let members: Vec<(usize, usize)> = set.iter().map(|k| study.objects[k]).collect();
    let object = |&(p, i): &(usize, usize)| &study.scenes[p].objects[i];
    let first = object(members.first()?);
    // One object says nothing of a kind, nor do those of one demonstration where there are others.
    let lone = members.iter().all(|m| m.0 == members[0].0);
    if members.len() < 2 || lone && study.scenes.len() > 1 {
        return None;
    }
    let (width, height) = (first.width as isize, first.height as isize);
    let alike = members.iter().map(object).all(|o| (o.width, o.height) == (first.width, first.height));
    if !alike || width.max(height) > 5 {
        return None;
    }
    let mut dots = Vec::new();
    for y in -REACH..height + REACH {
        for x in -REACH..width + REACH {
            dots.extend(dot(study, &members, x, y));
        }
    }
    budget.spend(((width + 2 * REACH) * (height + 2 * REACH)) as u64 * members.len().min(20) as u64 * 3);
    let dots = attached(study, &members, dots);
    (!dots.is_empty() && dots.len() <= DOTS_MAX).then_some(Action::Stamp(dots))
}

/// The dots that hang together with the box, diagonally too: others are there by chance.
fn attached(study: &Study<'_>, members: &[(usize, usize)], mut dots: Vec<Dot>) -> Vec<Dot> {
    let object = &study.scenes[members[0].0].objects[members[0].1];
    let inside =
        |x: i8, y: i8| (-1..=object.width as i8).contains(&x) && (-1..=object.height as i8).contains(&y);
    let (mut kept, rest) = dots.drain(..).partition::<Vec<Dot>, _>(|d| inside(d.x, d.y));
    let mut loose = rest;
    loop {
        let beside = |d: &Dot| kept.iter().any(|k| (k.x - d.x).abs() <= 1 && (k.y - d.y).abs() <= 1);
        let (joined, left) = loose.into_iter().partition::<Vec<Dot>, _>(beside);
        loose = left;
        if joined.is_empty() {
            break;
        }
        kept.extend(joined);
    }
    kept.sort_unstable();
    kept
}

fn dot(study: &Study<'_>, members: &[(usize, usize)], x: isize, y: isize) -> Option<Dot> {
    let (mut changes, mut same, mut own) = (false, true, true);
    let mut colour = None;
    for &(p, i) in members {
        let scene = &study.scenes[p];
        let object = &scene.objects[i];
        let (u, v) = (object.x as isize + x, object.y as isize + y);
        if scene.at(u, v).is_none() {
            continue;
        }
        let output = &study.task.train[p].output;
        let now = output.at(u as usize, v as usize);
        changes |= study.changes[p][v as usize * output.width() + u as usize] != UNCHANGED;
        same &= *colour.get_or_insert(now) == now;
        own &= object.colour == now;
        if !same && !own {
            return None;
        }
    }
    changes.then_some(Dot { x: x as i8, y: y as i8, colour: if own { None } else { colour } })
}
