//! How much a search may hold and say.

/// What a search may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes that graphs and pieces may take, all together and roughly.
    pub memory_bytes: usize,
    /// Answers that may be offered for one test input.
    pub answers: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory_bytes: 96 << 20, answers: 12 }
    }
}
