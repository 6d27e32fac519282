//! The schema of a database, looked at and changed without opening a store on it.
//!
//! [`Store::open`](crate::Store::open) brings a file up to date by itself. This is for operators who want to see
//! first what is pending, or to go back for an older program: every migration has a way back, and what goes with it
//! is counted before anybody agrees.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use serde::Serialize;

use crate::actor::{Actor, Role};
use crate::audit::{self, Entry};
use crate::error::Failure;
use crate::migrate::{self, SCHEMA_VERSION};
use crate::open::{LOCAL_USER, connect};
use crate::{StoreError, StoreOptions};

/// The version since which users have roles.
const ROLES_SINCE: u32 = 3;
/// The version since which changes are written down.
const AUDIT_SINCE: u32 = 9;

/// A database whose schema may be of any version that this program knows.
#[derive(Debug)]
pub struct Schema {
    connection: Connection,
    path: PathBuf,
    actor: Actor,
}

/// One migration, applied or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MigrationStatus {
    pub version: u32,
    pub name: String,
    /// BLAKE3 of what it runs.
    pub checksum: String,
    /// Milliseconds since 1970; none where it is pending.
    pub applied_at: Option<i64>,
}

/// What a way up did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Migrated {
    pub from: u32,
    pub to: u32,
    /// In the order in which they ran.
    pub applied: Vec<String>,
}

/// What a way back took, or would take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RolledBack {
    pub from: u32,
    pub to: u32,
    /// In the order in which they were taken back.
    pub taken_back: Vec<String>,
    /// Tables that go, with their rows.
    pub tables: BTreeMap<String, u64>,
    /// Columns that go from tables that stay, as `table.column`, with the rows that hold something there.
    pub columns: BTreeMap<String, u64>,
    /// False where nothing was changed.
    pub is_done: bool,
}

impl Schema {
    /// Opens the database at `path` as it is; refuses where there is none, or where it is not ours.
    pub fn open(path: &Path, options: &StoreOptions) -> Result<Self, StoreError> {
        if !path.exists() {
            return Err(StoreError::NoDatabase { path: path.to_owned() });
        }
        let key = options.key()?;
        let ready = || {
            let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE, key.as_ref())?;
            let version = migrate::applied(&connection, path)?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            // What goes is overwritten, as everywhere.
            connection.pragma_update(None, "secure_delete", true)?;
            let actor = actor(&connection, path, version, options)?;
            Ok(Self { connection, path: path.to_owned(), actor })
        };
        ready().map_err(|failure: Failure| failure.in_file(path))
    }

    /// The version that the file has; 0 where it is empty.
    pub fn version(&self) -> Result<u32, StoreError> {
        self.told(migrate::applied(&self.connection, &self.path))
    }

    /// Every migration that this program knows, in order.
    pub fn status(&self) -> Result<Vec<MigrationStatus>, StoreError> {
        let version = self.version()?;
        let read = || {
            let mut at: BTreeMap<u32, i64> = BTreeMap::new();
            if version > 0 {
                let mut select =
                    self.connection.prepare("SELECT version, applied_at FROM schema_migrations")?;
                for row in select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))? {
                    let (version, applied_at): (u32, i64) = row?;
                    at.insert(version, applied_at);
                }
            }
            let of = |(version, (name, checksum)): (u32, (&str, String))| MigrationStatus {
                version,
                name: name.to_owned(),
                checksum,
                applied_at: at.get(&version).copied(),
            };
            Ok((1..).zip(migrate::known()).map(of).collect())
        };
        self.told(read())
    }

    /// Applies what is pending up to version `to`, else all. Needs an admin. What is applied already stays: going
    /// back is [`Self::rollback`].
    pub fn migrate(&mut self, to: Option<u32>) -> Result<Migrated, StoreError> {
        self.permit()?;
        let to = to.unwrap_or(SCHEMA_VERSION);
        self.known(to)?;
        let from = self.version()?;
        if to < from {
            let what = format!("the database is of schema version {from} already, {to} was asked for");
            let hint = Some(format!("go back with `stratagem db rollback --to {to}`"));
            return Err(StoreError::Invalid { what, hint });
        }
        let mut applied = Vec::new();
        let Self { connection, path, actor } = self;
        let done = migrate::migrate_to(connection, path, to, &mut |connection, names| {
            applied = names.iter().map(ToString::to_string).collect();
            note(connection, actor, "schema.migrate", from, to)
        });
        self.told(done)?;
        Ok(Migrated { from, to: self.version()?, applied })
    }

    /// Goes back to version `to` in one transaction and says what went with it. Without `consent` nothing is changed:
    /// the way back is gone, counted, and undone. Needs an admin.
    pub fn rollback(&mut self, to: u32, consent: bool) -> Result<RolledBack, StoreError> {
        self.permit()?;
        let from = self.version()?;
        if to < 1 || to >= from {
            let what = format!("schema version {to} to go back to: 1 to {}", from.saturating_sub(1));
            let hint = Some("see what is applied with `stratagem db status`".to_owned());
            return Err(StoreError::Invalid { what, hint });
        }
        let Self { connection, path, actor } = self;
        let mut work = || {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let from = migrate::applied(&transaction, path)?;
            migrate::hold_healthy(&transaction, path, "before going back")?;
            let before = tables(&transaction)?;
            let counts = counted(&transaction, &before)?;
            let names = migrate::take_back(&transaction, from, to)?;
            let (tables, columns) = gone(&before, &tables(&transaction)?, &counts);
            migrate::hold_healthy(&transaction, path, "after going back, which was undone")?;
            note(&transaction, actor, "schema.rollback", from, to)?;
            if consent {
                transaction.commit()?;
            } else {
                transaction.rollback()?;
            }
            let taken_back = names.into_iter().map(str::to_owned).collect();
            Ok(RolledBack { from, to, taken_back, tables, columns, is_done: consent })
        };
        let done = work();
        self.told(done)
    }

    fn permit(&self) -> Result<(), StoreError> {
        if self.actor.role == Role::Admin {
            return Ok(());
        }
        let (user, role) = (self.actor.name.clone(), self.actor.role);
        Err(StoreError::Forbidden { user, role, needed: Role::Admin, what: "changing the schema" })
    }

    fn known(&self, version: u32) -> Result<(), StoreError> {
        if (1..=SCHEMA_VERSION).contains(&version) {
            return Ok(());
        }
        let what = format!("schema version {version} is not known: 1 to {SCHEMA_VERSION}");
        let hint = Some(format!("see {} with `stratagem db status`", self.path.display()));
        Err(StoreError::Invalid { what, hint })
    }

    fn told<T>(&self, done: Result<T, Failure>) -> Result<T, StoreError> {
        done.map_err(|failure| failure.in_file(&self.path))
    }
}

/// Who is at the door of a database that may be older than roles: then it is its owner, and may do everything.
fn actor(
    connection: &Connection,
    path: &Path,
    version: u32,
    options: &StoreOptions,
) -> Result<Actor, Failure> {
    if version >= ROLES_SINCE {
        return Actor::find(connection, path, options.user.as_deref(), options.role);
    }
    let role = options.role.unwrap_or(Role::Admin);
    match options.user.as_deref() {
        None | Some("local" | LOCAL_USER) => {
            Ok(Actor { id: LOCAL_USER.to_owned(), name: "local".to_owned(), role })
        }
        Some(user) => Err(StoreError::UnknownUser { path: path.to_owned(), user: user.to_owned() }.into()),
    }
}

/// Writes the change down, where the version that it leads to has a log.
fn note(
    connection: &Connection,
    actor: &Actor,
    action: &'static str,
    from: u32,
    to: u32,
) -> Result<(), Failure> {
    if to < AUDIT_SINCE {
        return Ok(());
    }
    let version = |version: u32| Some(serde_json::json!({ "version": version }));
    let subject_id = to.to_string();
    let entry =
        Entry { action, subject_kind: "schema", subject_id, before: version(from), after: version(to) };
    audit::append(connection, actor, &[entry])
}

/// Columns by table.
type Columns = BTreeMap<String, Vec<String>>;
/// Rows by `table`, and by `table.column`.
type Counts = BTreeMap<String, u64>;

/// The columns of every table of ours that hold something themselves.
fn tables(connection: &Connection) -> Result<Columns, Failure> {
    let mut select = connection.prepare(
        "SELECT t.name, c.name FROM pragma_table_list t, pragma_table_xinfo(t.name) c
         WHERE t.schema = 'main' AND t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND c.hidden = 0",
    )?;
    let mut tables = Columns::new();
    for row in select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))? {
        let (table, column): (String, String) = row?;
        tables.entry(table).or_default().push(column);
    }
    Ok(tables)
}

/// Rows by `table`, and rows that hold something by `table.column`.
fn counted(connection: &Connection, tables: &Columns) -> Result<Counts, Failure> {
    let mut counts = Counts::new();
    for (table, columns) in tables {
        let mut sums = String::new();
        for column in columns {
            sums.extend([", count(\"", column, "\")"]);
        }
        connection.query_row(&format!("SELECT count(*){sums} FROM \"{table}\""), [], |row| {
            counts.insert(table.clone(), row.get::<_, i64>(0)?.unsigned_abs());
            for (at, column) in (1..).zip(columns) {
                counts.insert(format!("{table}.{column}"), row.get::<_, i64>(at)?.unsigned_abs());
            }
            Ok(())
        })?;
    }
    Ok(counts)
}

/// The tables that went, and the columns that went from those that stay, each with its count.
fn gone(before: &Columns, after: &Columns, counts: &Counts) -> (Counts, Counts) {
    let count = |place: String| {
        let rows = counts.get(&place).copied().unwrap_or(0);
        (place, rows)
    };
    let tables = before.keys().filter(|table| !after.contains_key(*table)).cloned().map(count).collect();
    let mut columns = Counts::new();
    for (table, stay) in after {
        let had = before.get(table).into_iter().flatten();
        columns.extend(
            had.filter(|column| !stay.contains(column)).map(|column| count(format!("{table}.{column}"))),
        );
    }
    (tables, columns)
}
