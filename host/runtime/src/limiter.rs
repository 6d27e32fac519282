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
    /// Growths that were refused.
    pub denials: u64,
    /// The last growths that were allowed: what to take back where the system then has no memory for them.
    last_memory_growth: u64,
    last_table_growth: u64,
}

/// Instances, memories and tables of one run: a component of one language runtime has under ten of each.
pub const MAX_INSTANCES: usize = 32;
pub const MAX_MEMORIES: usize = 8;
pub const MAX_TABLES: usize = 16;

impl RunLimiter {
    pub fn new(memory_limit: u64, table_limit: u64) -> Self {
        Self {
            memory_limit,
            table_limit,
            memory_bytes: 0,
            table_elements: 0,
            memory_peak_bytes: 0,
            denials: 0,
            last_memory_growth: 0,
            last_table_growth: 0,
        }
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
        self.denials += u64::from(!fits);
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
        MAX_INSTANCES
    }

    fn tables(&self) -> usize {
        MAX_TABLES
    }

    fn memories(&self) -> usize {
        MAX_MEMORIES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_are_summed_and_the_peak_is_kept() {
        let mut limiter = RunLimiter::new(100, 10);
        assert!(limiter.memory_growing(0, 60, None).unwrap());
        assert!(!limiter.memory_growing(0, 60, None).unwrap(), "two memories share one limit");
        assert!(limiter.memory_growing(0, 40, None).unwrap());
        assert_eq!(limiter.memory_left(), 0);
        assert_eq!(limiter.memory_peak_bytes, 100);
        assert!(limiter.denials > 0);
    }

    #[test]
    fn a_growth_that_the_system_refuses_is_given_back() {
        let mut limiter = RunLimiter::new(100, 10);
        assert!(limiter.memory_growing(0, 60, None).unwrap());
        assert!(limiter.memory_growing(60, 90, None).unwrap());
        limiter.memory_grow_failed(wasmtime::format_err!("no memory")).unwrap();
        assert_eq!(limiter.memory_left(), 40);
        assert_eq!(limiter.denials, 1);
    }

    #[test]
    fn tables_are_summed_apart_from_memories() {
        let mut limiter = RunLimiter::new(100, 10);
        assert!(limiter.table_growing(0, 10, None).unwrap());
        assert_eq!(limiter.denials, 0);
        assert!(!limiter.table_growing(0, 1, None).unwrap());
        assert!(limiter.denials > 0);
        assert!(!limiter.table_growing(10, 12, Some(11)).unwrap());
    }
}
