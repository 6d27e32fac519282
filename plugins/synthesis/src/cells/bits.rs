//! Sets of cells as bits.

/// Cells, 64 to a word.
pub type Bits = Vec<u64>;

pub fn count(a: &[u64]) -> u32 {
    a.iter().map(|w| w.count_ones()).sum()
}

pub fn count_both(a: &[u64], b: &[u64]) -> u32 {
    a.iter().zip(b).map(|(x, y)| (x & y).count_ones()).sum()
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
