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

/// How many units a share spends before it tells the whole: searches ask and spend in their inner loops.
const UNITS_BETWEEN_REPORTS: u64 = 1 << 14;

/// A part of another budget: spends from both.
pub struct Share<'a> {
    whole: &'a mut dyn Budget,
    /// Units left of the part.
    part: u64,
    /// Units left of part and whole, whichever is less.
    left: u64,
    /// Units spent that the whole does not know of yet.
    untold: u64,
}

impl<'a> Share<'a> {
    /// At most `units` of what `whole` has left.
    pub fn of(whole: &'a mut dyn Budget, units: u64) -> Self {
        let left = units.min(whole.left());
        Self { whole, part: units, left, untold: 0 }
    }

    fn tell(&mut self) {
        self.whole.spend(self.untold);
        self.part = self.part.saturating_sub(self.untold);
        self.untold = 0;
        self.left = self.part.min(self.whole.left());
    }
}

impl Budget for Share<'_> {
    fn left(&self) -> u64 {
        self.left
    }

    fn spend(&mut self, units: u64) {
        self.left = self.left.saturating_sub(units);
        self.untold += units;
        if self.untold >= UNITS_BETWEEN_REPORTS {
            self.tell();
        }
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.tell();
    }
}
