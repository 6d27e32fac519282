//! What can be told of a population on the way.

use std::fmt;

/// How a search stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Generation {
    pub number: u32,
    /// The share of cells that the best program draws as wanted.
    pub best: f64,
    /// Demonstrations that some program fits, at most.
    pub fits: usize,
    pub pairs: usize,
    /// Programs whose outputs differ from all others'.
    pub distinct: usize,
    /// Drawings among them.
    pub drawings: usize,
    pub niches: usize,
    pub elites: usize,
    /// Choices among trees whose rules or masks were learned so far.
    pub learned: usize,
    /// The best program.
    pub program: String,
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, best, fits, pairs, distinct, drawings, niches, elites, learned, program } = self;
        write!(
            f,
            "{number}: best {best:.2} of cells, fits {fits} of {pairs}, {distinct} distinct, {drawings} drawings, \
             {elites} elites of {niches} niches, {learned} learned; {program}"
        )
    }
}
