use stratagem_domain::Limits;
use wasmtime::ResourceLimiter;

/// Sums what a run holds over all its memories and tables, keeps the peak, remembers a denial.
///
/// wasmtime's own `StoreLimits` caps each memory for itself: two memories would be twice the limit.
#[derive(Debug)]
pub struct RunLimiter {
    memory_limit: u64,
    table_limit: u64,
    memory_bytes: u64,
    table_elements: u64,
    pub memory_peak_bytes: u64,
    pub table_elements_peak: u64,
    /// Growths that were refused.
    pub denials: u64,
    memory_denied: bool,
    table_denied: bool,
    counts: Counts,
    /// The last growths that were allowed: what to take back where the system then has no memory for them.
    last_memory_growth: u64,
    last_table_growth: u64,
}

/// How many of each a run may have.
#[derive(Clone, Copy, Debug)]
struct Counts {
    instances: usize,
    memories: usize,
    tables: usize,
}

impl RunLimiter {
    pub fn new(limits: &Limits) -> Self {
        let count = |limit: u64| usize::try_from(limit).unwrap_or(usize::MAX);
        Self {
            memory_limit: limits.memory_bytes(),
            table_limit: limits.table_elements,
            memory_bytes: 0,
            table_elements: 0,
            memory_peak_bytes: 0,
            table_elements_peak: 0,
            denials: 0,
            memory_denied: false,
            table_denied: false,
            counts: Counts {
                instances: count(limits.instances),
                memories: count(limits.memories),
                tables: count(limits.tables),
            },
            last_memory_growth: 0,
            last_table_growth: 0,
        }
    }

    /// The limits that the run came up against.
    pub fn hits(&self) -> impl Iterator<Item = &'static str> + use<> {
        let hits = [(self.memory_denied, "memory_mb"), (self.table_denied, "table_elements")];
        hits.into_iter().filter_map(|(hit, name)| hit.then_some(name))
    }

    pub fn memory_left(&self) -> u64 {
        self.memory_limit - self.memory_bytes
    }

    /// Takes the growth where the sum stays within the limit and within the memory's own maximum.
    fn grow(sum: &mut u64, limit: u64, current: usize, desired: usize, maximum: Option<usize>) -> bool {
        let grown = *sum - current as u64 + desired as u64;
        let fits = grown <= limit && maximum.is_none_or(|maximum| desired <= maximum);
        if fits {
            *sum = grown;
        }
        fits
    }
}

impl ResourceLimiter for RunLimiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let fits = Self::grow(&mut self.memory_bytes, self.memory_limit, current, desired, maximum);
        self.last_memory_growth = if fits { (desired - current) as u64 } else { 0 };
        self.memory_peak_bytes = self.memory_peak_bytes.max(self.memory_bytes);
        self.denials += u64::from(!fits);
        self.memory_denied |= !fits;
        Ok(fits)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let fits = Self::grow(&mut self.table_elements, self.table_limit, current, desired, maximum);
        self.last_table_growth = if fits { (desired - current) as u64 } else { 0 };
        self.table_elements_peak = self.table_elements_peak.max(self.table_elements);
        self.denials += u64::from(!fits);
        self.table_denied |= !fits;
        Ok(fits)
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.memory_bytes -= std::mem::take(&mut self.last_memory_growth);
        self.denials += 1;
        Ok(())
    }

    fn table_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.table_elements -= std::mem::take(&mut self.last_table_growth);
        self.denials += 1;
        Ok(())
    }

    fn instances(&self) -> usize {
        self.counts.instances
    }

    fn tables(&self) -> usize {
        self.counts.tables
    }

    fn memories(&self) -> usize {
        self.counts.memories
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    fn limiter() -> RunLimiter {
        RunLimiter::new(&Limits { memory_mb: 100, table_elements: 10, ..Limits::default() })
    }

    #[test]
    fn memories_are_summed_and_the_peak_is_kept() {
        let mut limiter = limiter();
        assert!(limiter.memory_growing(0, 60 * MIB, None).unwrap());
        assert!(!limiter.memory_growing(0, 60 * MIB, None).unwrap(), "two memories share one limit");
        assert!(limiter.memory_growing(0, 40 * MIB, None).unwrap());
        assert_eq!(limiter.memory_left(), 0);
        assert_eq!(limiter.memory_peak_bytes, 100 << 20);
        assert_eq!(limiter.hits().collect::<Vec<_>>(), ["memory_mb"]);
    }

    #[test]
    fn a_growth_that_the_system_refuses_is_given_back() {
        let mut limiter = limiter();
        assert!(limiter.memory_growing(0, 60 * MIB, None).unwrap());
        assert!(limiter.memory_growing(60 * MIB, 90 * MIB, None).unwrap());
        limiter.memory_grow_failed(wasmtime::format_err!("no memory")).unwrap();
        assert_eq!(limiter.memory_left(), 40 << 20);
        assert_eq!(limiter.denials, 1);
    }

    #[test]
    fn tables_are_summed_apart_from_memories() {
        let mut limiter = limiter();
        assert!(limiter.table_growing(0, 10, None).unwrap());
        assert_eq!(limiter.denials, 0);
        assert!(!limiter.table_growing(0, 1, None).unwrap());
        assert!(limiter.denials > 0);
        assert!(!limiter.table_growing(10, 12, Some(11)).unwrap());
    }
}
