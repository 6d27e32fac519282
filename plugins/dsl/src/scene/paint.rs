//! Where the colour of what is drawn comes from.

use super::parsing::Scene;
use super::property::{Property, beside};
use super::relation::Target;
use super::words::words;
use crate::lines::Direction;

words! {
    /// A colour by the part that it plays.
    Part {
        /// The object's main colour.
        Own = "own",
        /// The object's second colour.
        Minor = "minor",
        /// The object's most frequent colour but the background.
        Ink = "ink",
        /// The background.
        Background = "background",
        /// The most frequent colour beside the object.
        Around = "around",
        /// The only other colour beside the object but the background.
        Touching = "touching",
        /// The only other colour in the object's box but the background.
        Within = "within",
        /// The most frequent colour of the grid but the background.
        Commonest = "commonest",
        /// The least frequent colour of the grid.
        Rarest = "rarest",
        /// The colour first seen above, beyond the background.
        Above = "above",
        /// The colour first seen below.
        Below = "below",
        /// The colour first seen to the left.
        ToLeft = "to-left",
        /// The colour first seen to the right.
        ToRight = "to-right",
        /// The only other colour seen in any of the four directions.
        Seen = "seen",
    }
}

/// A source of colour.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Paint {
    Fixed(u8),
    Of(Part),
    /// The main colour of another object.
    From(Target),
    /// Looked up by a property.
    Map(Property, Vec<(i32, u8)>),
}

impl Paint {
    /// The colour for object `i`.
    pub fn colour(&self, scene: &Scene<'_>, i: usize) -> Option<u8> {
        match self {
            Self::Fixed(c) => Some(*c),
            Self::Of(part) => part.colour(scene, i),
            Self::From(target) => scene.target(*target, i).map(|j| scene.objects[j].colour),
            Self::Map(property, table) => {
                let value = *property.measure(scene).get(i)?;
                table.iter().find(|(v, _)| *v == value).map(|(_, c)| *c)
            }
        }
    }
}

impl Part {
    /// The colour that plays this part for object `i`, where there is one without a tie.
    pub fn colour(self, scene: &Scene<'_>, i: usize) -> Option<u8> {
        let me = scene.objects.get(i)?;
        let counts = scene.grid.histogram();
        let others = |c: usize| c != scene.background as usize && counts[c] > 0;
        match self {
            Self::Own => Some(me.colour),
            Self::Minor => me.minor(),
            Self::Ink => me.ink(scene.background),
            Self::Background => Some(scene.background),
            Self::Around => {
                let mut around = [0; 10];
                beside(scene, me).iter().for_each(|&(x, y)| around[scene.grid.at(x, y) as usize] += 1);
                single_most(&around)
            }
            Self::Touching => {
                let cells = beside(scene, me);
                let colours = cells.iter().map(|&(x, y)| scene.grid.at(x, y));
                only(colours.filter(|&c| c != scene.background && c != me.colour))
            }
            Self::Within => {
                let box_cells = (me.y..=me.bottom()).flat_map(|y| (me.x..=me.right()).map(move |x| (x, y)));
                let colours = box_cells.map(|(x, y)| scene.grid.at(x, y));
                only(colours.filter(|&c| c != scene.background && c != me.colour))
            }
            Self::Commonest => single_most(&std::array::from_fn(|c| if others(c) { counts[c] } else { 0 })),
            Self::Rarest => {
                single_most(&std::array::from_fn(
                    |c| if others(c) { 10_000 - counts[c].min(9999) } else { 0 },
                ))
            }
            Self::Above => seen(scene, i, Direction::Up),
            Self::Below => seen(scene, i, Direction::Down),
            Self::ToLeft => seen(scene, i, Direction::Left),
            Self::ToRight => seen(scene, i, Direction::Right),
            Self::Seen => {
                let directions = [Direction::Left, Direction::Right, Direction::Up, Direction::Down];
                only(directions.iter().filter_map(|&d| seen(scene, i, d)).filter(|&c| c != me.colour))
            }
        }
    }
}

/// The colour with the highest count, without a tie.
fn single_most(counts: &[usize; 10]) -> Option<u8> {
    let most = *counts.iter().max()?;
    let mut colours = (0..10u8).filter(|&c| counts[c as usize] == most && most > 0);
    let first = colours.next();
    if colours.next().is_none() { first } else { None }
}

/// The only colour of some.
fn only(mut colours: impl Iterator<Item = u8>) -> Option<u8> {
    let first = colours.next()?;
    colours.all(|c| c == first).then_some(first)
}

/// The only colour first seen from the sides of an object's box in a direction.
fn seen(scene: &Scene<'_>, i: usize, d: Direction) -> Option<u8> {
    let me = &scene.objects[i];
    let (dx, dy) = d.step();
    let look = |x: usize, y: usize| {
        let (mut u, mut v) = (x as isize + dx, y as isize + dy);
        while let Some(c) = scene.at(u, v) {
            let own = me.has(u - me.x as isize, v - me.y as isize);
            if c != scene.background && !own {
                return Some(c);
            }
            (u, v) = (u + dx, v + dy);
        }
        None
    };
    let starts: Vec<(usize, usize)> = match d {
        Direction::Left => (me.y..=me.bottom()).map(|y| (me.x, y)).collect(),
        Direction::Right => (me.y..=me.bottom()).map(|y| (me.right(), y)).collect(),
        Direction::Up => (me.x..=me.right()).map(|x| (x, me.y)).collect(),
        _ => (me.x..=me.right()).map(|x| (x, me.bottom())).collect(),
    };
    only(starts.into_iter().filter_map(|(x, y)| look(x, y)))
}
