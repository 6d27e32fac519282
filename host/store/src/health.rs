use crate::{Store, StoreError};

impl Store {
    /// Checks the pages, the constraints and the foreign keys; one line a fault, none where all is well.
    pub fn health(&self) -> Result<Vec<String>, StoreError> {
        self.read(|connection| {
            let mut faults = Vec::new();
            let mut check = connection.prepare("PRAGMA quick_check")?;
            for line in check.query_map([], |row| row.get::<_, String>(0))? {
                faults.extend(Some(line?).filter(|line| line != "ok"));
            }
            let mut check = connection.prepare("PRAGMA foreign_key_check")?;
            let mut rows = check.query([])?;
            while let Some(row) = rows.next()? {
                let (table, id, parent): (String, Option<i64>, String) =
                    (row.get(0)?, row.get(1)?, row.get(2)?);
                let id = id.map_or_else(|| "without number".to_owned(), |id| id.to_string());
                faults.push(format!("row {id} of {table} points at a row of {parent} that is not there"));
            }
            Ok(faults)
        })
    }
}
