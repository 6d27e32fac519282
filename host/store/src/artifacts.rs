//! Content by digest that nothing points at any more.

use rusqlite::Connection;

use crate::error::Failure;
use crate::writer::Change;

/// Content and its bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Swept {
    pub rows: u64,
    pub bytes: u64,
}

/// Content and what points at it are written in one transaction, so what has nothing is no draft of somebody's.
const ORPHANED: &str = "digest NOT IN (SELECT wasm_digest FROM plugin_versions)
    AND digest NOT IN (SELECT digest FROM learned_artifacts)
    AND digest NOT IN (SELECT weights_digest FROM ttt_adaptations)
    AND digest NOT IN (SELECT log_digest FROM run_tasks WHERE log_digest IS NOT NULL)";

/// What [`sweep`] would delete.
pub(crate) fn orphans(connection: &Connection) -> Result<Swept, Failure> {
    let sql = format!("SELECT count(*), coalesce(sum(bytes), 0) FROM artifacts WHERE {ORPHANED}");
    let (rows, bytes): (i64, i64) =
        connection.prepare_cached(&sql)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(Swept { rows: rows.unsigned_abs(), bytes: bytes.unsigned_abs() })
}

/// Deletes `most` at most. The caller notes it.
pub(crate) fn sweep(change: &Change<'_>, most: usize) -> Result<Swept, Failure> {
    let sql = format!(
        "DELETE FROM artifacts WHERE digest IN (SELECT digest FROM artifacts WHERE {ORPHANED} LIMIT {most})
         RETURNING bytes"
    );
    let mut swept = Swept::default();
    let mut delete = change.prepare_cached(&sql)?;
    let mut rows = delete.query([])?;
    while let Some(row) = rows.next()? {
        swept.rows += 1;
        swept.bytes += row.get::<_, i64>(0)?.unsigned_abs();
    }
    Ok(swept)
}
