//! Sets of cells as bits.

/// Cells, 64 to a word.
pub type Bits = Vec<u64>;

pub fn count(a: &[u64]) -> u32 {
    a.iter().map(|w| w.count_ones()).sum()
}

pub fn count_both(a: &[u64], b: &[u64]) -> u32 {
    a.iter().zip(b).map(|(x, y)| (x & y).count_ones()).sum()
}

/// How many cells of a set each of two others has, four words at a time: this is what learning does most.
pub fn count_in_each(set: &[u64], others: [&[u64]; 2]) -> [u32; 2] {
    let count = |[a, b]: [u32; 2], ((&set, &x), &y): ((&u64, &u64), &u64)| {
        [a + (set & x).count_ones(), b + (set & y).count_ones()]
    };
    let (set, set_rest) = set.as_chunks::<4>();
    let [(x, x_rest), (y, y_rest)] = others.map(<[u64]>::as_chunks::<4>);
    let fours = set.iter().zip(x).zip(y);
    let counts = fours.fold([0, 0], |counts, ((set, x), y)| set.iter().zip(x).zip(y).fold(counts, count));
    set_rest.iter().zip(x_rest).zip(y_rest).fold(counts, count)
}

pub fn and(a: &[u64], b: &[u64]) -> Bits {
    a.iter().zip(b).map(|(x, y)| x & y).collect()
}

pub fn minus(a: &[u64], b: &[u64]) -> Bits {
    a.iter().zip(b).map(|(x, y)| x & !y).collect()
}

pub fn is_empty(a: &[u64]) -> bool {
    a.iter().all(|&w| w == 0)
}

/// Sets the bits from `start` for which `holds` says so.
pub fn fill(bits: &mut [u64], start: usize, holds: impl Iterator<Item = bool>) {
    for (i, one) in holds.enumerate() {
        if one {
            bits[(start + i) / 64] |= 1 << ((start + i) % 64);
        }
    }
}
