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

/// The condition of what nothing points at, whichever tables may point there: the schema says. Content and what points
/// at it are written in one transaction, so what has nothing is no draft of somebody's.
fn orphaned(connection: &Connection) -> Result<String, Failure> {
    let mut select = connection.prepare_cached(
        "SELECT t.name, k.\"from\" FROM sqlite_schema t, pragma_foreign_key_list(t.name) k
         WHERE t.type = 'table' AND k.\"table\" = 'artifacts' ORDER BY t.name",
    )?;
    let mut rows = select.query([])?;
    let mut condition = "true".to_owned();
    while let Some(row) = rows.next()? {
        let (table, column): (String, String) = (row.get(0)?, row.get(1)?);
        condition += &format!(" AND digest NOT IN (SELECT {column} FROM {table} WHERE {column} IS NOT NULL)");
    }
    Ok(condition)
}

/// What [`sweep`] would delete.
pub(crate) fn orphans(connection: &Connection) -> Result<Swept, Failure> {
    let condition = orphaned(connection)?;
    let sql = format!("SELECT count(*), coalesce(sum(bytes), 0) FROM artifacts WHERE {condition}");
    let (rows, bytes): (i64, i64) =
        connection.prepare_cached(&sql)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(Swept { rows: rows.unsigned_abs(), bytes: bytes.unsigned_abs() })
}

/// Deletes `most` at most. The caller notes it.
pub(crate) fn sweep(change: &Change<'_>, most: usize) -> Result<Swept, Failure> {
    let condition = orphaned(change)?;
    let sql = format!(
        "DELETE FROM artifacts WHERE digest IN (SELECT digest FROM artifacts WHERE {condition} LIMIT {most})
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
