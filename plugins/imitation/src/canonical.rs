//! A name for a task that stays the same when it is turned, flipped or drawn in other colours.

use stratagem_dsl::geometry::{Rigid, rigid};
use stratagem_dsl::grid::mix;
use stratagem_dsl::{Grid, Task};

/// A 64-bit hash of demonstrations and test inputs, the same for the 8 symmetries of the square and for every
/// permutation of the ten colours.
pub fn hash(task: &Task) -> u64 {
    let turned = Rigid::ALL.iter().map(|&motion| in_one_order(task, &|g| rigid(g, motion)));
    turned.fold(in_one_order(task, &Grid::clone), u64::min)
}

/// The hash with colours named in the order in which they first appear.
fn in_one_order(task: &Task, turn: &dyn Fn(&Grid) -> Grid) -> u64 {
    let mut names = [u8::MAX; 10];
    let mut next = 0;
    let mut renamed = |g: &Grid| {
        turn(g).map(|c| {
            let name = &mut names[c as usize];
            if *name == u8::MAX {
                *name = next;
                next += 1;
            }
            *name
        })
    };
    let grids = task.train.iter().flat_map(|p| [&p.input, &p.output]).chain(&task.test);
    let head = mix(task.train.len() as u64, task.test.len() as u64);
    grids.fold(head, |hash, g| mix(hash, renamed(g).moved_to(0, 0).fingerprint()))
}

#[cfg(test)]
mod tests {
    use super::hash;
    use stratagem_dsl::geometry::{Rigid, rigid};
    use stratagem_dsl::{Grid, Pair, Task};

    fn task(see: impl Fn(&Grid) -> Grid) -> Task {
        let input = Grid::from_rows(&[[1u8, 2, 0], [0, 4, 3]]).unwrap();
        let output = Grid::from_rows(&[[1u8, 1], [0, 7]]).unwrap();
        Task { train: vec![Pair { input: see(&input), output: see(&output) }], test: vec![see(&output)] }
    }

    #[test]
    fn sees_through_symmetries_and_colours() {
        let plain = hash(&task(Grid::clone));
        for motion in Rigid::ALL {
            assert_eq!(plain, hash(&task(|g| rigid(g, motion))));
        }
        assert_eq!(plain, hash(&task(|g| g.map(|c| (c + 3) % 10))));
        assert_ne!(plain, hash(&task(|g| g.map(|c| if c == 7 { 1 } else { c }))));
    }
}
