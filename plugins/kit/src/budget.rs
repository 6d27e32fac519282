//! How much work a search may still do.

/// Work that is left, in units of about one cell handled once.
///
/// The search asks often and stops within a few thousand units of zero, wherever it is: answers
/// that it has offered by then stand.
pub trait Budget {
    /// Units left; zero ends the search.
    fn left(&self) -> u64;
    /// Takes units off; below zero counts as zero.
    fn spend(&mut self, units: u64);
}

/// A plain counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work(pub u64);

impl Budget for Work {
    fn left(&self) -> u64 {
        self.0
    }

    fn spend(&mut self, units: u64) {
        self.0 = self.0.saturating_sub(units);
    }
}

/// A part of another budget: spends from both.
pub struct Share<'a> {
    whole: &'a mut dyn Budget,
    part: u64,
}

impl<'a> Share<'a> {
    /// At most `units` of what `whole` has left.
    pub fn of(whole: &'a mut dyn Budget, units: u64) -> Self {
        Self { whole, part: units }
    }
}

impl Budget for Share<'_> {
    fn left(&self) -> u64 {
        self.part.min(self.whole.left())
    }

    fn spend(&mut self, units: u64) {
        self.part = self.part.saturating_sub(units);
        self.whole.spend(units);
    }
}
