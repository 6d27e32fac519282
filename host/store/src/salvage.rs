//! Takes out of a damaged file what can still be read, table by table and, where a page is bad, row by row.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, params_from_iter};
use serde::Serialize;

use crate::backup::{Verified, is_damage, table_names, verify};
use crate::draft::{Draft, settle};
use crate::error::Failure;
use crate::key::Key;
use crate::open::{LOCAL_USER, connect};
use crate::repair::{Mended, mend_links, prune};
use crate::{Store, StoreError, StoreOptions, migrate};

/// Numbers without a row in a row after which no more are tried, where no index says how far they go.
const MOST_MISSED: u32 = 100_000;

/// What became of one table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Rescued {
    pub rows: u64,
    /// Rows that were read and that the new file refused: not what a program of ours writes.
    pub refused: u64,
    /// Rows that the table's indexes name and that could not be read; none where those cannot be read either.
    pub lost: Option<u64>,
    /// What the file said where it could not be read.
    pub fault: Option<String>,
}

/// What came out of a damaged file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Salvaged {
    pub file: Verified,
    /// The version of the schema that the damaged file had.
    pub found: u32,
    pub tables: BTreeMap<String, Rescued>,
    pub links: Vec<Mended>,
    /// Rows that were taken out again, since what they point at was lost.
    pub pruned: Vec<Mended>,
}

impl Salvaged {
    /// True where every table was read to its end and every row found its place.
    pub fn is_whole(&self) -> bool {
        self.pruned.is_empty()
            && self.tables.values().all(|table| table.fault.is_none() && table.refused == 0)
    }
}

/// Writes what can be read of the database at `from` into a new file `to`, which has its name only when it is done.
///
/// *Errors*: [`StoreError::Damaged`] where the list of tables itself cannot be read: then no row can.
pub fn salvage(
    from: &Path,
    to: &Path,
    options: &StoreOptions,
    progress: &dyn Fn(&str),
) -> Result<Salvaged, StoreError> {
    if !from.exists() {
        return Err(StoreError::NoDatabase { path: from.to_owned() });
    }
    if to.exists() {
        let what = format!("{} is there already", to.display());
        let hint = Some("name a file that is not there".to_owned());
        return Err(StoreError::Invalid { what, hint });
    }
    let key = options.key()?;
    let draft = Draft::of(to);
    let mut out = Store::open_with(draft.path(), &StoreOptions { user: None, role: None, ..options.clone() })
        .map(drop)
        .and_then(|()| {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
            connect(draft.path(), flags, key.as_ref()).map_err(|failure| failure.in_file(to))
        })?;
    let mut rescue = || -> Result<_, Failure> {
        let mut source = Source::open(from, key.as_ref())?;
        let found = migrate::applied(&source.connection, from)?;
        out.pragma_update(None, "foreign_keys", false)?;
        let transaction = out.transaction()?;
        transaction.execute_batch(
            "DELETE FROM user_identities; DELETE FROM audit_anchor; DELETE FROM retention_policies;
             DELETE FROM cache_generations",
        )?;
        let mut tables = BTreeMap::new();
        let known = table_names(&transaction)?;
        for table in table_names(&source.connection)?.into_iter().filter(|table| known.contains(table)) {
            if table == "schema_migrations" {
                continue;
            }
            progress(&table);
            let rescued = Table::of(&mut source, &transaction, &table)?.copy()?;
            tables.insert(table, rescued);
        }
        stand_in(&transaction)?;
        let links = mend_links(&transaction)?;
        let pruned = prune(&transaction)?;
        transaction.commit()?;
        Ok((found, tables, links, pruned))
    };
    let (found, tables, links, pruned) = rescue().map_err(|failure| failure.in_file(from))?;
    out.close().map_err(|(_, error)| StoreError::of_sql(to, error))?;
    settle(draft.path(), key.as_ref())?;
    let file = verify(draft.path(), to, key.as_ref())?;
    draft.publish()?;
    Ok(Salvaged { file, found, tables, links, pruned })
}

/// What every database has, where it was lost: its owner, and where the audit log begins.
fn stand_in(connection: &Connection) -> Result<(), Failure> {
    connection.execute(
        "INSERT INTO user_identities (id, display_name, role, created_at, updated_at)
         VALUES (?1, 'local', 'admin', 0, 0)
         ON CONFLICT (id) DO UPDATE SET role = 'admin', status = 'active'",
        [LOCAL_USER],
    )?;
    connection.execute_batch(
        "INSERT OR IGNORE INTO audit_anchor (one, seq, hash)
         VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');
         UPDATE episodes SET owner_id = user_id WHERE owner_id IS NULL",
    )?;
    Ok(())
}

/// The damaged file.
struct Source<'f> {
    path: &'f Path,
    key: Option<&'f Key>,
    connection: Connection,
}

impl<'f> Source<'f> {
    fn open(path: &'f Path, key: Option<&'f Key>) -> Result<Self, Failure> {
        let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE, key)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(Self { path, key, connection })
    }

    /// Begins anew where a connection reads no more: one that met a page which it cannot decipher.
    fn recover(&mut self) -> Result<(), Failure> {
        if self.key.is_some() {
            *self = Self::open(self.path, self.key)?;
        }
        Ok(())
    }
}

/// A table on its way out.
struct Table<'a, 'f> {
    from: &'a mut Source<'f>,
    to: &'a Connection,
    name: &'a str,
    /// Of both, without those that are generated.
    columns: String,
    insert: String,
    rescued: Rescued,
}

impl<'a, 'f> Table<'a, 'f> {
    fn of(from: &'a mut Source<'f>, to: &'a Connection, name: &'a str) -> Result<Self, Failure> {
        let stored = |connection: &Connection| -> rusqlite::Result<Vec<String>> {
            connection
                .prepare("SELECT name FROM pragma_table_xinfo(?1) WHERE hidden = 0")?
                .query_map([name], |row| row.get(0))?
                .collect()
        };
        let known = stored(to)?;
        let columns: Vec<String> =
            stored(&from.connection)?.into_iter().filter(|column| known.contains(column)).collect();
        let marks = vec!["?"; columns.len()].join(", ");
        let columns = columns.join(", ");
        let insert = format!("INSERT INTO {name} ({columns}) VALUES ({marks})");
        Ok(Self { from, to, name, columns, insert, rescued: Rescued::default() })
    }

    /// From below until a row cannot be read, from above until one cannot, then each number between.
    fn copy(mut self) -> Result<Rescued, Failure> {
        let Some(low) = self.scan("ASC", -1, i64::MAX)? else { return Ok(self.rescued) };
        let high = self.scan("DESC", low, i64::MAX)?.unwrap_or(low);
        let highest =
            self.by_an_index("max(rowid)").map_or(high, |highest| high.min(highest.saturating_add(1)));
        let mut missed = 0;
        for row in low.saturating_add(1)..highest {
            let before = self.read();
            self.scan("ASC", row - 1, row + 1)?;
            missed = if self.read() == before { missed + 1 } else { 0 };
            if missed == MOST_MISSED {
                break;
            }
        }
        let named = self.by_an_index("count(*)").map(i64::unsigned_abs);
        self.rescued.lost = named.map(|named| named.saturating_sub(self.read()));
        Ok(self.rescued)
    }

    fn read(&self) -> u64 {
        self.rescued.rows + self.rescued.refused
    }

    /// Copies rows whose numbers lie between two; the number of the last that was read, where a fault ended it.
    fn scan(&mut self, order: &str, above: i64, below: i64) -> Result<Option<i64>, Failure> {
        let mut last = if order == "ASC" { above } else { below };
        let sql = format!(
            "SELECT rowid, {} FROM {} NOT INDEXED WHERE rowid > ?1 AND rowid < ?2 ORDER BY rowid {order}",
            self.columns, self.name
        );
        let fault = {
            let mut scan = || -> Result<(), rusqlite::Error> {
                let mut select = self.from.connection.prepare_cached(&sql)?;
                let columns = select.column_count();
                let mut rows = select.query([above, below])?;
                while let Some(row) = rows.next()? {
                    let values =
                        (1..columns).map(|column| row.get(column)).collect::<Result<Vec<Value>, _>>();
                    last = row.get(0)?;
                    match values.map(|values| self.put(values)) {
                        Ok(true) => self.rescued.rows += 1,
                        _ => self.rescued.refused += 1,
                    }
                }
                Ok(())
            };
            scan()
        };
        match fault {
            Ok(()) => Ok(None),
            Err(error) if is_damage(&error) => {
                self.rescued.fault.get_or_insert_with(|| error.to_string());
                self.from.recover()?;
                Ok(Some(last))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// False where the new file refuses a row.
    fn put(&self, values: Vec<Value>) -> bool {
        let insert = || self.to.prepare_cached(&self.insert)?.execute(params_from_iter(values));
        insert().is_ok()
    }

    /// What the first index that is whole says of the table: it may survive what its table did not.
    fn by_an_index(&mut self, what: &str) -> Option<i64> {
        let indexes: Vec<String> = self
            .from
            .connection
            .prepare("SELECT name FROM pragma_index_list(?1) WHERE partial = 0")
            .ok()?
            .query_map([self.name], |row| row.get(0))
            .ok()?
            .collect::<rusqlite::Result<_>>()
            .ok()?;
        for index in indexes {
            let sql = format!("SELECT {what} FROM {} INDEXED BY \"{index}\"", self.name);
            match self.from.connection.query_row(&sql, [], |row| row.get(0)) {
                Ok(found) => return Some(found),
                Err(_) => self.from.recover().ok()?,
            }
        }
        None
    }
}
