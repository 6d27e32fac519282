use crate::{Store, StoreError, migrate};

impl Store {
    /// Checks the pages, the constraints and the foreign keys; one line a fault, none where all is well.
    pub fn health(&self) -> Result<Vec<String>, StoreError> {
        self.read(migrate::faults)
    }
}
