//! When a task is another one drawn differently: mirrored, turned, in other colours, its pairs in another order.

use std::collections::BTreeSet;

use crate::{Digest, Grid, LabelledTask};

/// Digits of a digest that tell pairs apart.
const DIGITS: usize = 16;

/// What is left of a task's pairs once symmetries and colours are taken away: one word a pair whose output is known.
///
/// Two pairs have the same word where one of the 8 symmetries and a permutation of colours make one of the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Likeness(BTreeSet<String>);

impl Likeness {
    pub fn of(task: &LabelledTask) -> Self {
        let demonstrations = task.task.train.iter().map(|pair| (&pair.input, &pair.output));
        let tests = task.task.test.iter().zip(&task.truth);
        let known = tests.filter_map(|(input, truth)| Some((input, truth.as_ref()?)));
        Self(demonstrations.chain(known).map(|(input, output)| word(input, output)).collect())
    }

    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether half of the pairs, or more, are among the words: the task is one of those that the words are of.
    pub fn is_among(&self, words: &BTreeSet<String>) -> bool {
        let known = self.0.intersection(words).count();
        known > 0 && known * 2 >= self.0.len()
    }
}

/// The least of the digests of a pair seen in each of the 8 ways, colours numbered as they first appear.
fn word(input: &Grid, output: &Grid) -> String {
    let seen = (0..8).map(|way| {
        let mut numbers = Numbers::default();
        let (first, second) = (numbers.grid(input, way), numbers.grid(output, way));
        Digest::of_parts([&first[..], &second]).to_string()
    });
    let mut least = seen.min().unwrap_or_default();
    least.truncate(DIGITS);
    least
}

/// Colours in the order of their first appearance.
#[derive(Default)]
struct Numbers([Option<u8>; 10], u8);

impl Numbers {
    /// Sides and numbered cells of a grid seen in one of the 8 ways.
    fn grid(&mut self, grid: &Grid, way: u8) -> Vec<u8> {
        let (width, height) = (grid.width(), grid.height());
        let rows: Vec<&[u8]> = grid.rows().collect();
        let (is_turned, is_mirrored, is_upside_down) = (way & 1 > 0, way & 2 > 0, way & 4 > 0);
        let (across, down) = if is_turned { (height, width) } else { (width, height) };
        let mut cells = vec![across as u8, down as u8];
        for y in 0..down {
            for x in 0..across {
                let (x, y) = if is_turned { (y, x) } else { (x, y) };
                let x = if is_mirrored { width - 1 - x } else { x };
                let y = if is_upside_down { height - 1 - y } else { y };
                cells.push(self.number(rows[y][x]));
            }
        }
        cells
    }

    fn number(&mut self, colour: u8) -> u8 {
        let Self(numbers, next) = self;
        *numbers[colour as usize].get_or_insert_with(|| {
            *next += 1;
            *next - 1
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Pair;

    fn grid(rows: &[&[u8]]) -> Grid {
        Grid::new(rows[0].len() as u32, rows.len() as u32, &rows.concat()).unwrap()
    }

    fn task(pairs: Vec<Pair>, truth: Option<Grid>) -> LabelledTask {
        LabelledTask::new("t", pairs, vec![(grid(&[&[1, 2, 3]]), truth)]).unwrap()
    }

    fn pair(input: Grid, output: Grid) -> Pair {
        Pair { input, output }
    }

    fn first() -> Pair {
        pair(grid(&[&[0, 1, 2], &[0, 0, 3]]), grid(&[&[1, 1], &[2, 3]]))
    }

    #[test]
    fn turned_mirrored_and_recoloured_pairs_are_the_same() {
        // Turned by a quarter, and 0 → 5, 1 → 0, 2 → 7, 3 → 1.
        let other = pair(grid(&[&[5, 5], &[5, 0], &[1, 7]]), grid(&[&[7, 0], &[1, 0]]));
        let mirrored = pair(grid(&[&[2, 1, 0], &[3, 0, 0]]), grid(&[&[1, 1], &[3, 2]]));
        let of = |pair: Pair| Likeness::of(&task(vec![pair], None));
        assert_eq!(of(first()), of(mirrored));
        let turned = pair(grid(&[&[0, 0], &[0, 1], &[3, 2]]), grid(&[&[2, 1], &[3, 1]]));
        assert_eq!(of(first()), of(turned));
        assert_eq!(of(first()), of(other));
    }

    #[test]
    fn another_cell_or_another_colour_that_joins_two_is_another_pair() {
        let of = |pair: Pair| Likeness::of(&task(vec![pair], None));
        let cell = pair(grid(&[&[0, 1, 2], &[0, 0, 3]]), grid(&[&[1, 1], &[2, 2]]));
        let joined = pair(grid(&[&[0, 1, 2], &[0, 0, 2]]), grid(&[&[1, 1], &[2, 2]]));
        assert_ne!(of(first()), of(cell.clone()));
        assert_ne!(of(cell), of(joined));
    }

    #[test]
    fn a_task_is_among_others_by_half_of_its_pairs_and_test_outputs_count() {
        let second = pair(grid(&[&[4, 4]]), grid(&[&[4], &[5]]));
        let both = Likeness::of(&task(vec![first(), second.clone()], None));
        let words = |of: &LabelledTask| Likeness::of(of).words().map(ToOwned::to_owned).collect();
        assert!(both.is_among(&words(&task(vec![first()], None))));
        let third = pair(grid(&[&[7, 8, 8]]), grid(&[&[9]]));
        let three = Likeness::of(&task(vec![first(), second, third], None));
        assert!(!three.is_among(&words(&task(vec![first()], None))));
        let known = task(vec![first()], Some(grid(&[&[3, 2, 1]])));
        assert_eq!(Likeness::of(&known).words().count(), 2);
        assert!(!Likeness::default().is_among(&words(&known)));
    }
}
