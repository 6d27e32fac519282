//! Tables that look each cell up by what a few pieces show there; keys are added one by one, those first that
//! leave least unexplained.

use stratagem_kit::{Budget, Target};

use crate::pieces::Pieces;

/// The most keys of a table.
const KEYS_MAX: usize = 4;
/// How many sets of keys go on from each length to the next.
const BEAM: usize = 20;
/// The most classes of cells that a table tells apart.
const CLASSES_MAX: usize = 60;
/// The most cells that sets of keys are compared on.
const SAMPLE: usize = 700;

/// A table that explains every cell of every demonstration.
pub struct Table {
    /// Pieces that give the key, in order.
    pub keys: Vec<usize>,
    /// Key to colour, in order of key.
    pub rows: Vec<(Vec<u8>, u8)>,
    /// Rows that only one demonstration speaks for.
    pub lone_rows: usize,
}

/// A set of keys under way.
struct Partial {
    keys: Vec<usize>,
    /// The class of each cell of the sample.
    classes: Vec<u16>,
    count: usize,
    score: u64,
}

/// Searches tables among the `width` likeliest pieces; `found` gets each that holds without exception.
pub fn search(
    pieces: &Pieces,
    target: &Target,
    width: usize,
    budget: &mut dyn Budget,
    found: &mut dyn FnMut(Table),
) {
    let sample = sample(target.cells.len());
    let wanted: Vec<u8> = sample.iter().map(|&i| target.cells[i]).collect();
    let count = pieces.all.len().min(width);
    let mut level = vec![Partial { keys: Vec::new(), classes: vec![0; sample.len()], count: 1, score: 0 }];
    for _ in 0..KEYS_MAX {
        let mut next: Vec<(u64, usize, usize)> = Vec::new();
        for (at, partial) in level.iter().enumerate() {
            let last = partial.keys.last().copied();
            for piece in 0..count {
                if budget.left() == 0 {
                    return;
                }
                if partial.keys.contains(&piece)
                    || last.is_some_and(|l| partial.keys.len() > 1 && piece < l && l < 8)
                {
                    continue;
                }
                let shown = sample.iter().map(|&i| pieces.all[piece].cells[i]);
                let errors = unexplained(partial, shown, &wanted);
                budget.spend(2 * sample.len() as u64 + partial.count as u64 * 60);
                let mut keys = partial.keys.clone();
                keys.push(piece);
                if errors == 0 {
                    found_whole(&keys, pieces, target, budget, found);
                } else {
                    let score =
                        errors as u64 * 3000 / wanted.len() as u64 + u64::from(pieces.all[piece].cost) / 100;
                    next.push((score + partial.score % 1000, at, piece));
                }
            }
        }
        next.sort_unstable();
        level = extend(&level, &next, pieces, &sample);
        if level.is_empty() {
            return;
        }
    }
}

/// The sets of keys that go on.
fn extend(
    level: &[Partial],
    next: &[(u64, usize, usize)],
    pieces: &Pieces,
    sample: &[usize],
) -> Vec<Partial> {
    let mut beam: Vec<Partial> = Vec::new();
    for &(score, at, piece) in next.iter().take(4 * BEAM) {
        let from = &level[at];
        let mut names: Vec<u16> = Vec::new();
        let mut classes = Vec::with_capacity(sample.len());
        for (&class, &i) in from.classes.iter().zip(sample) {
            let name = class * 10 + u16::from(pieces.all[piece].cells[i]);
            let known = names.iter().position(|n| *n == name).unwrap_or_else(|| {
                names.push(name);
                names.len() - 1
            });
            classes.push(known as u16);
        }
        let count = names.len();
        let new = beam.iter().all(|p| p.classes != classes) && level.iter().all(|p| p.classes != classes);
        if count <= CLASSES_MAX && new {
            let keys = from.keys.iter().copied().chain([piece]).collect();
            beam.push(Partial { keys, classes, count, score });
        }
        if beam.len() == BEAM {
            break;
        }
    }
    beam
}

/// Cells that differ from the most frequent answer of their class, were the classes told apart by one more piece.
fn unexplained(partial: &Partial, shown: impl Iterator<Item = u8>, wanted: &[u8]) -> usize {
    let mut counts = vec![0u16; partial.count * 100];
    for ((&class, shown), &want) in partial.classes.iter().zip(shown).zip(wanted) {
        counts[(class as usize * 10 + shown as usize) * 10 + want as usize] += 1;
    }
    counts
        .chunks_exact(10)
        .map(|answers| {
            let (sum, most) = answers.iter().fold((0, 0), |(s, m), &n| (s + n as usize, n.max(m)));
            sum - most as usize
        })
        .sum()
}

/// A fixed choice of cells that jumps about.
fn sample(n: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    if n > SAMPLE {
        order.sort_by_key(|&i| (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        order.truncate(SAMPLE);
    }
    order
}

fn found_whole(
    keys: &[usize],
    pieces: &Pieces,
    target: &Target,
    budget: &mut dyn Budget,
    found: &mut dyn FnMut(Table),
) {
    budget.spend(4 * target.cells.len() as u64);
    // Rows in order of key, with the demonstrations that speak for them.
    let mut rows: std::collections::BTreeMap<Vec<u8>, (u8, u32)> = std::collections::BTreeMap::new();
    for pair in 0..target.pairs() {
        for i in target.starts[pair]..target.starts[pair + 1] {
            let key = keys.iter().map(|&k| pieces.all[k].cells[i]).collect();
            let row = rows.entry(key).or_insert((target.cells[i], 0));
            if row.0 != target.cells[i] {
                return;
            }
            row.1 |= 1 << pair.min(31);
        }
    }
    let lone_rows = rows.values().filter(|(_, pairs)| pairs.is_power_of_two()).count();
    let rows = rows.into_iter().map(|(key, (colour, _))| (key, colour)).collect();
    found(Table { keys: keys.to_vec(), rows, lone_rows });
}

impl Table {
    /// The answer on one test canvas; none where a key was never seen or a piece does not apply.
    pub fn answer(&self, pieces: &Pieces, test: usize) -> Option<Vec<u8>> {
        let layers: Vec<&[u8]> =
            self.keys.iter().map(|&k| pieces.all[k].tests[test].as_deref()).collect::<Option<_>>()?;
        let colour = |i: usize| {
            let row = self.rows.iter().find(|(key, _)| key.iter().zip(&layers).all(|(k, l)| *k == l[i]));
            row.map(|(_, colour)| *colour)
        };
        (0..layers.first()?.len()).map(colour).collect()
    }
}
