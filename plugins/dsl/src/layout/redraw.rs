//! The input again, with its parts drawn anew in their places.

use super::act::Reading;
use super::cut::Parts;
use super::keep::Keep;
use super::merge::Merge;
use crate::grid::{Grid, Size};

/// How every part is drawn anew.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Redraw {
    /// Those kept in their main colour all over, the others black.
    Flood(Keep),
    /// Those kept as they are, the others black.
    Only(Keep),
    /// All over in the colour that the part is read as.
    Read(Reading),
    /// All over in the colour that the part kept has in the cell that is their place in the lattice.
    Meta(Keep),
    /// As all parts merged.
    Merged(Merge),
    /// As the part kept, in the main colours of the others, or in its own where they have none.
    Like(Keep),
}

impl Redraw {
    /// Draws the input anew; none where parts do not allow it or lie outside the input.
    pub(super) fn draw(&self, parts: &Parts, input: &Grid) -> Option<Grid> {
        let list = &parts.list;
        let chosen = |keep: Keep| match keep.measure() {
            Some(measure) => keep.among(&measure.of(list, input)),
            None => keep.among(&vec![0; list.len()]),
        };
        let flood = |colours: Vec<u8>| -> Option<Vec<Grid>> {
            list.iter().zip(colours).map(|(g, c)| Grid::filled(g.size(), c)).collect()
        };
        let drawn = match self {
            Self::Flood(keep) => {
                let kept = chosen(*keep)?;
                let colour = |i: usize| if kept.contains(&i) { list[i].main_colour() } else { 0 };
                flood((0..list.len()).map(colour).collect())?
            }
            Self::Only(keep) => {
                let kept = chosen(*keep)?;
                let own = |i: usize| {
                    if kept.contains(&i) { Some(list[i].clone()) } else { Grid::filled(list[i].size(), 0) }
                };
                (0..list.len()).map(own).collect::<Option<_>>()?
            }
            Self::Read(reading) => flood(reading.read(list, input)?)?,
            Self::Meta(keep) => {
                let kept = chosen(*keep)?;
                let across = parts.across.checked_sub(1)? + 1;
                let map = &list[*kept.first()?];
                if kept.len() != 1 || map.size() != Size::new(across, list.len() / across) {
                    return None;
                }
                flood(map.cells().to_vec())?
            }
            Self::Merged(merge) => {
                let merged = merge.draw(list)?;
                vec![merged; list.len()]
            }
            Self::Like(keep) => {
                let kept = chosen(*keep)?;
                let &[index] = kept.as_slice() else { return None };
                list.iter().map(|g| like(&list[index], g)).collect::<Option<_>>()?
            }
        };
        let mut out = input.clone();
        for (g, new) in list.iter().zip(&drawn) {
            replace(&mut out, g, new)?;
        }
        Some(out)
    }
}

/// A model in another's main colour.
fn like(model: &Grid, other: &Grid) -> Option<Grid> {
    let colour = other.main_colour();
    let drawn = if colour == 0 { model.clone() } else { crate::colour::paint(model, colour) };
    (model.size() == other.size()).then_some(drawn)
}

/// Puts `new` in the place of `old`, black cells too.
fn replace(out: &mut Grid, old: &Grid, new: &Grid) -> Option<()> {
    let x = usize::try_from(i32::from(old.x) - i32::from(out.x)).ok()?;
    let y = usize::try_from(i32::from(old.y) - i32::from(out.y)).ok()?;
    let fits = x + old.width() <= out.width() && y + old.height() <= out.height();
    if !fits || new.size() != old.size() {
        return None;
    }
    for i in 0..new.area() {
        out.set(x + i % new.width(), y + i / new.width(), new.cells()[i]);
    }
    Some(())
}
