//! What a task looks like, as numbers: what the policy sees of it, and what lessons are recalled by.

use stratagem_dsl::geometry::{Rigid, rigid};
use stratagem_dsl::objects::{Linkage, components};
use stratagem_dsl::shape;
use stratagem_dsl::{Grid, Pair, Task};

/// How many numbers describe a task.
pub const TASK: usize = 64;
/// How many numbers describe a colour's part in a task.
pub const COLOUR: usize = 12;

/// A task in numbers from 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskFeatures {
    pub task: [f32; TASK],
    /// One row for each colour.
    pub colours: [[f32; COLOUR]; 10],
}

impl TaskFeatures {
    /// Looks at every demonstration; the test inputs say only which colours there are.
    pub fn of(task: &Task) -> Self {
        let mut sum = [0.0; TASK];
        for pair in &task.train {
            let mut one = Numbers { values: [0.0; TASK], next: 0 };
            sizes(pair, &mut one);
            palettes(pair, &mut one);
            relations(pair, &mut one);
            changes(pair, &mut one);
            objects(pair, &mut one);
            for (s, v) in sum.iter_mut().zip(one.values) {
                *s += v / task.train.len().max(1) as f32;
            }
        }
        across_pairs(task, &mut sum);
        Self { task: sum, colours: std::array::from_fn(|c| colour(task, c)) }
    }

    /// How many features two tasks differ in, roughly.
    pub fn distance(&self, other: &[f32; TASK]) -> f32 {
        self.task.iter().zip(other).map(|(a, b)| (a - b) * (a - b)).sum()
    }
}

/// Numbers filled in from the front.
struct Numbers {
    values: [f32; TASK],
    next: usize,
}

impl Numbers {
    fn put(&mut self, value: f32) {
        if let Some(slot) = self.values.get_mut(self.next) {
            *slot = value.clamp(0.0, 1.0);
        }
        self.next += 1;
    }

    fn is(&mut self, holds: bool) {
        self.put(f32::from(u8::from(holds)));
    }
}

fn ratio(a: usize, b: usize) -> f32 {
    a as f32 / b.max(1) as f32
}

fn sizes(pair: &Pair, f: &mut Numbers) {
    let (a, b) = (pair.input.size(), pair.output.size());
    f.is(a == b);
    f.is(b.area() < a.area());
    f.is(b.area() > a.area());
    f.is(b.area() == 1);
    f.is(b.width.min(b.height) == 1);
    f.is(b.width <= 3 && b.height <= 3);
    f.is(a != b && a.width.is_multiple_of(b.width) && a.height.is_multiple_of(b.height));
    f.is(a != b && b.width.is_multiple_of(a.width) && b.height.is_multiple_of(a.height));
    f.is(a.width == a.height);
    f.is((a.width == b.width) != (a.height == b.height));
    f.put(ratio(a.area(), 400));
    f.is(a.width == 2 * b.width || a.width == 2 * b.width + 1);
    f.is(a.height == 2 * b.height || a.height == 2 * b.height + 1);
    f.is(b.width.is_multiple_of(3) && b.width == b.height);
}

fn palettes(pair: &Pair, f: &mut Numbers) {
    let (a, b) = (pair.input.histogram(), pair.output.histogram());
    let new = (1..10).filter(|&c| b[c] > 0 && a[c] == 0).count();
    let gone = (1..10).filter(|&c| a[c] > 0 && b[c] == 0).count();
    f.is(new == 0);
    f.is(new == 1);
    f.is(gone > 0);
    f.is(a == b);
    f.is(pair.input.colours() == 1);
    f.is(pair.input.colours() == 2);
    f.is(pair.input.colours() > 3);
    f.is(pair.output.colours() == 1);
    f.is(b[0] == 0);
    f.is(a[0] == 0);
    f.put(ratio(pair.input.ink(), pair.input.area()));
    f.is(pair.input.background() != 0);
}

fn relations(pair: &Pair, f: &mut Numbers) {
    let (a, b) = (&pair.input, &pair.output);
    f.is(Rigid::ALL.iter().any(|&m| rigid(a, m) == *b));
    let within = holds_part(a, b);
    f.is(within && a.size() != b.size());
    f.is(holds_part(b, a) && a.size() != b.size());
    f.is(is_symmetric(a));
    f.is(is_symmetric(b));
    let bounds = a.bounds(|c| c != 0);
    f.is(bounds.is_some_and(|(_, _, size)| size == b.size() && size != a.size()));
    let (columns, rows) = full_lines(a);
    f.is(columns == 1 || rows == 1);
    f.is(columns > 1 || rows > 1);
    f.is(columns > 0 && rows > 0);
    let (columns, rows) = full_lines(b);
    f.is(columns + rows > 0);
}

/// Whether `part` occurs in `whole`; large searches are cut short.
fn holds_part(whole: &Grid, part: &Grid) -> bool {
    if part.width() > whole.width() || part.height() > whole.height() {
        return false;
    }
    (0..=whole.height() - part.height()).any(|y| {
        (0..=whole.width() - part.width()).any(|x| {
            (0..part.height()).all(|j| (0..part.width()).all(|i| whole.at(x + i, y + j) == part.at(i, j)))
        })
    })
}

fn is_symmetric(g: &Grid) -> bool {
    rigid(g, Rigid::FlipX) == *g || rigid(g, Rigid::FlipY) == *g
}

/// Columns and rows of one colour other than black.
fn full_lines(g: &Grid) -> (usize, usize) {
    let (w, h) = (g.width(), g.height());
    let columns = (0..w).filter(|&x| g.at(x, 0) != 0 && (1..h).all(|y| g.at(x, y) == g.at(x, 0))).count();
    let rows = (0..h).filter(|&y| g.at(0, y) != 0 && (1..w).all(|x| g.at(x, y) == g.at(0, y))).count();
    (columns, rows)
}

/// What changes where the sizes agree; all 0 where they do not.
fn changes(pair: &Pair, f: &mut Numbers) {
    let (a, b) = (&pair.input, &pair.output);
    if a.size() != b.size() {
        f.next += 13;
        return;
    }
    let changed: Vec<usize> = (0..a.area()).filter(|&i| a.cells()[i] != b.cells()[i]).collect();
    let n = changed.len();
    let share = |count: usize| ratio(count, n);
    f.put(ratio(n, a.area()));
    f.is(n * 10 < a.area());
    f.put(share(changed.iter().filter(|&&i| a.cells()[i] == 0).count()));
    f.put(share(changed.iter().filter(|&&i| b.cells()[i] == 0).count()));
    let colours = |g: &Grid| {
        let mut seen = [false; 10];
        changed.iter().for_each(|&i| seen[g.cells()[i] as usize] = true);
        seen.iter().filter(|s| **s).count()
    };
    f.is(colours(b) == 1);
    f.is(colours(a) == 1);
    let enclosed = shape::enclosed(a);
    f.put(share(changed.iter().filter(|&&i| enclosed[i]).count()));
    let (w, h) = (a.width(), a.height());
    let flips =
        [|i: usize, w: usize, h: usize| (w - 1 - i % w, i / w, h), |i, w, h| (i % w, h - 1 - i / w, h)];
    for flip in flips {
        let mirrored = changed.iter().filter(|&&i| {
            let (x, y, _) = flip(i, w, h);
            a.at(x, y) == b.cells()[i] && b.cells()[i] != 0
        });
        f.put(share(mirrored.count()));
    }
    let sees = |i: usize, steps: &[(isize, isize)]| {
        let (x, y) = ((i % w) as isize, (i / w) as isize);
        steps.iter().any(|&(dx, dy)| {
            (1..30).map(|k| a.at_or(x + k * dx, y + k * dy, 0)).find(|&c| c != 0) == Some(b.cells()[i])
        })
    };
    f.put(share(changed.iter().filter(|&&i| sees(i, &[(1, 0), (-1, 0)])).count()));
    f.put(share(changed.iter().filter(|&&i| sees(i, &[(0, 1), (0, -1)])).count()));
    f.put(share(changed.iter().filter(|&&i| sees(i, &[(1, 1), (-1, -1), (1, -1), (-1, 1)])).count()));
    let beside = |i: usize| {
        let (x, y) = ((i % w) as isize, (i / w) as isize);
        (-1..=1).any(|dy| (-1..=1).any(|dx| a.at_or(x + dx, y + dy, 0) != 0))
    };
    f.put(share(changed.iter().filter(|&&i| beside(i)).count()));
}

fn objects(pair: &Pair, f: &mut Numbers) {
    let before = components(&pair.input, Linkage::AroundAlike);
    let after = components(&pair.output, Linkage::AroundAlike);
    f.put(ratio(before.len(), 12));
    f.is(before.len() == 1);
    f.is(before.len() == after.len());
    f.is(after.len() == 1);
    f.is(after.len() < before.len());
    let content = |g: &Grid| (g.size(), g.cells().to_vec());
    let kept = after.iter().filter(|o| before.iter().any(|i| content(i) == content(o))).count();
    f.put(ratio(kept, after.len()));
    let still = after.iter().filter(|o| before.contains(o)).count();
    f.put(ratio(still, after.len()));
    f.put(ratio(before.iter().filter(|g| g.area() == 1).count(), before.len()));
    f.put(ratio(before.iter().filter(|g| g.ink() == g.area()).count(), before.len()));
    let whole = components(&pair.input, Linkage::Around);
    f.is(whole.iter().any(|g| g.size() == pair.output.size()));
}

/// What only shows when demonstrations are compared: the last numbers.
fn across_pairs(task: &Task, f: &mut [f32; TASK]) {
    let same = |key: &dyn Fn(&Pair) -> u64| {
        task.train.windows(2).all(|w| key(&w[0]) == key(&w[1])) && !task.train.is_empty()
    };
    let size = |g: &Grid| (g.width() * 64 + g.height()) as u64;
    let palette =
        |g: &Grid| g.histogram().iter().enumerate().fold(0u64, |set, (c, &n)| set | u64::from(n > 0) << c);
    let facts = [
        same(&|p| size(&p.output)),
        same(&|p| size(&p.input)),
        same(&|p| palette(&p.output)),
        same(&|p| palette(&p.input)),
        is_cellwise(task),
    ];
    for (slot, fact) in f[TASK - facts.len()..].iter_mut().zip(facts) {
        *slot = f32::from(u8::from(fact));
    }
}

/// Whether a table of colours leads from every input to its output.
fn is_cellwise(task: &Task) -> bool {
    let mut table = [None; 10];
    task.train.iter().all(|p| {
        p.input.size() == p.output.size()
            && p.input.cells().iter().zip(p.output.cells()).all(|(&a, &b)| {
                let known = table[a as usize].get_or_insert(b);
                *known == b
            })
    })
}

fn colour(task: &Task, c: usize) -> [f32; COLOUR] {
    let train = &task.train;
    let n = train.len();
    let share = |holds: &dyn Fn(&Pair) -> bool| ratio(train.iter().filter(|p| holds(p)).count(), n);
    let count = |g: &Grid| g.histogram()[c];
    let changes = |p: &Pair, into: bool| {
        p.input.size() == p.output.size()
            && p.input
                .cells()
                .iter()
                .zip(p.output.cells())
                .any(|(&a, &b)| a != b && c == usize::from(if into { b } else { a }))
    };
    let rank = |g: &Grid, most: bool| {
        let own = count(g);
        own > 0
            && (1..10)
                .map(|d| g.histogram()[d])
                .filter(|&k| k > 0)
                .all(|k| if most { k <= own } else { k >= own })
    };
    [
        1.0,
        share(&|p| count(&p.input) > 0),
        share(&|p| count(&p.output) > 0),
        share(&|p| count(&p.output) > 0 && count(&p.input) == 0),
        share(&|p| count(&p.input) > 0 && count(&p.output) == 0),
        share(&|p| count(&p.input) == count(&p.output) && count(&p.input) > 0),
        share(&|p| changes(p, true)),
        share(&|p| changes(p, false)),
        share(&|p| rank(&p.input, true)),
        share(&|p| rank(&p.input, false)),
        ratio(task.test.iter().filter(|g| count(g) > 0).count(), task.test.len()),
        share(&|p| count(&p.input) == 1),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use stratagem_dsl::Size;

    #[test]
    fn tells_a_flip_from_a_recolouring() {
        let input = Grid::from_rows(&[[1u8, 2, 0], [0, 0, 3]]).unwrap();
        let task = |output: Grid| Task {
            train: vec![Pair { input: input.clone(), output }],
            test: vec![input.clone()],
        };
        let flipped = TaskFeatures::of(&task(rigid(&input, Rigid::FlipX)));
        let recoloured = TaskFeatures::of(&task(input.map(|c| if c == 1 { 5 } else { c })));
        assert!(flipped.distance(&recoloured.task) > 3.0);
        assert!(recoloured.colours[5][3] > 0.9);
        assert!(flipped.colours[5][3] < 0.1);
    }

    #[test]
    fn uses_its_numbers_and_no_more() {
        let blank = Grid::filled(Size::new(3, 3), 0).unwrap();
        let pair = Pair { input: blank.clone(), output: blank.clone() };
        let mut f = Numbers { values: [0.0; TASK], next: 0 };
        sizes(&pair, &mut f);
        palettes(&pair, &mut f);
        relations(&pair, &mut f);
        changes(&pair, &mut f);
        objects(&pair, &mut f);
        assert_eq!(f.next + 5, TASK);
    }
}
