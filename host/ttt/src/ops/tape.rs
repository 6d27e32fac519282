//! Writes down what a device is to do: lays memory out, fills tables, lists launches. Nothing runs while it is written.

use std::collections::BTreeMap;

use crate::launch::{Launch, Script};

/// In a table, in place of a place: there is none.
pub const NONE: u64 = u64::MAX;
/// Numbers that a block of a plain launch works on.
const CHUNK: u64 = 1024;
/// Parts that a sum over places is divided into, at most, and the places of a part, at least: more parts fill a device, and
/// each costs whoever puts them together.
const PARTS: u64 = 64;
const PART: u64 = 64;
/// What is taken begins at multiples of this many floats, so that neighbouring threads read whole lines of memory.
const LINE: u64 = 32;

/// Floats of a device's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub at: u64,
    pub length: u64,
}

impl Span {
    /// A part of it.
    #[must_use]
    pub fn part(self, begin: usize, length: usize) -> Self {
        assert!((begin + length) as u64 <= self.length, "{length} from {begin} on, of {self:?}");
        Self { at: self.at + begin as u64, length: length as u64 }
    }
}

/// Which floats are free. What is given back is taken again by what is launched later: launches run one after another.
#[derive(Clone, Debug, Default)]
struct Room {
    /// Begin and length; none touches the next.
    free: BTreeMap<u64, u64>,
    end: u64,
}

impl Room {
    fn take(&mut self, length: u64) -> u64 {
        let fits = self.free.iter().filter(|(_, free)| **free >= length).min_by_key(|(_, free)| **free);
        let (at, free) = match (fits, self.free.last_key_value()) {
            (Some((&at, &free)), _) => (at, free),
            // The last grows.
            (None, Some((&at, &free))) if at + free == self.end => (at, length),
            _ => (self.end, length),
        };
        self.free.remove(&at);
        self.end = self.end.max(at + length);
        if free > length {
            self.free.insert(at + length, free - length);
        }
        at
    }

    fn give_back(&mut self, at: u64, length: u64) {
        let (mut at, mut length) = (at, length);
        if let Some((&before, &free)) = self.free.range(..at).next_back()
            && before + free == at
        {
            (at, length) = (before, free + length);
        }
        if let Some(free) = self.free.remove(&(at + length)) {
            length += free;
        }
        self.free.insert(at, length);
    }
}

/// A row of a table, as the kernels' text declares it: all fields 64-bit words, in that order.
pub(crate) trait Row {
    fn put(&self, words: &mut Vec<u64>);
}

/// Declares a row as its kernel does.
macro_rules! row {
    ($(#[$doc:meta])* $name:ident { $($field:ident),* $(,)? }) => {
        $(#[$doc])*
        // Fields are named as their kernel's are.
        #[allow(clippy::struct_field_names)]
        #[derive(Clone, Copy)]
        struct $name { $($field: u64),* }
        impl crate::ops::tape::Row for $name {
            fn put(&self, words: &mut Vec<u64>) {
                words.extend([$(self.$field),*]);
            }
        }
    };
}
pub(crate) use row;

#[derive(Clone, Debug, Default)]
pub struct Tape {
    room: Room,
    words: Vec<u64>,
    launches: Vec<Launch>,
}

impl Tape {
    /// Memory until it is given back.
    pub fn take(&mut self, length: usize) -> Span {
        let length = length as u64;
        Span { at: self.room.take(length.next_multiple_of(LINE)), length }
    }

    /// Leaves memory to whatever is launched from now on.
    pub fn give_back(&mut self, span: Span) {
        self.room.give_back(span.at, span.length.next_multiple_of(LINE));
    }

    /// Puts words where rows can name them.
    pub(crate) fn list(&mut self, words: impl IntoIterator<Item = u64>) -> u64 {
        let at = self.words.len() as u64;
        self.words.extend(words);
        at
    }

    /// Puts rows where rows of another table can name them.
    pub(crate) fn rows<R: Row>(&mut self, rows: &[R]) -> u64 {
        let at = self.words.len() as u64;
        rows.iter().for_each(|row| row.put(&mut self.words));
        at
    }

    /// Launches a kernel with so many blocks for each row.
    pub(crate) fn launch<R: Row>(&mut self, kernel: &'static str, rows: &[R], blocks: impl Fn(&R) -> u64) {
        let table = self.rows(rows);
        let jobs = self.words.len() as u64;
        for (at, row) in rows.iter().enumerate() {
            self.words.extend((0..blocks(row)).map(|part| (at as u64) << 32 | part));
        }
        let blocks = self.words.len() as u64 - jobs;
        if blocks > 0 {
            let blocks = u32::try_from(blocks).unwrap_or_else(|_| unreachable!("memory ends before that"));
            self.launches.push(Launch { kernel, blocks, table, jobs });
        }
    }

    /// What was launched since the last script; memory stays as it is laid out.
    pub fn script(&mut self) -> Script {
        Script {
            words: std::mem::take(&mut self.words),
            launches: std::mem::take(&mut self.launches),
            floats: self.room.end,
        }
    }

    /// Floats that have been taken at the same time, at most.
    pub fn floats(&self) -> u64 {
        self.room.end
    }
}

/// Blocks for numbers that have nothing to do with one another.
pub(crate) fn chunks(numbers: u64) -> u64 {
    numbers.div_ceil(CHUNK)
}

/// Parts for a sum over places, none of them empty.
pub(crate) fn parts(places: u64) -> u64 {
    let most = places.div_ceil(PART).min(PARTS);
    places.div_ceil(places.div_ceil(most.max(1)).max(1))
}

/// A float as a field of a row.
pub(crate) fn bits(number: f32) -> u64 {
    u64::from(number.to_bits())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_given_back_is_taken_again_and_nothing_overlaps() {
        let mut chance = fastrand::Rng::with_seed(1);
        let mut tape = Tape::default();
        let mut taken: Vec<Span> = Vec::new();
        let (mut all, mut most) = (0, 0);
        for _ in 0..2_000 {
            if taken.len() > 20 || (chance.bool() && !taken.is_empty()) {
                let span = taken.swap_remove(chance.usize(..taken.len()));
                all -= span.length.next_multiple_of(LINE);
                tape.give_back(span);
            } else {
                let span = tape.take(chance.usize(1..500));
                let overlaps =
                    |other: &Span| span.at < other.at + other.length && other.at < span.at + span.length;
                assert!(!taken.iter().any(overlaps) && span.at % LINE == 0);
                all += span.length.next_multiple_of(LINE);
                taken.push(span);
            }
            most = most.max(all);
        }
        assert!(tape.floats() < 2 * most, "{} for {most}", tape.floats());
        taken.into_iter().for_each(|span| tape.give_back(span));
        assert_eq!(tape.room.free.len(), 1, "all is one again");
    }

    #[test]
    fn no_part_is_empty() {
        for places in 1..20_000 {
            let parts = parts(places);
            let each = places.div_ceil(parts);
            assert!((parts - 1) * each < places && parts * each >= places && parts <= PARTS, "{places}");
        }
    }
}
