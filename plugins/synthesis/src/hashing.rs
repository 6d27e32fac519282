//! Hash tables for keys that are hashes already: no random state, so every run is the same.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

/// Passes a 64-bit key through.
#[derive(Clone, Copy, Default)]
pub struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &b in bytes {
            self.0 = stratagem_dsl::grid::mix(self.0, u64::from(b));
        }
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

/// A map from 64-bit fingerprints. Never iterated over, since its order means nothing.
pub type Prints<V> = HashMap<u64, V, BuildHasherDefault<Identity>>;
/// A set of 64-bit fingerprints.
pub type PrintSet = HashSet<u64, BuildHasherDefault<Identity>>;
