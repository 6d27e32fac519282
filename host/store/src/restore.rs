//! A backup put in the database's place, and a database written anew under another key.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};
use serde::Serialize;

use crate::actor::{Actor, Role};
use crate::audit::Entry;
use crate::backup::{Progress, Verified, copy_pages, count, difference, verify, verify_backup};
use crate::draft::{Draft, SIDES, beside, seize, settle, sync_folder};
use crate::error::Failure;
use crate::key::{Key, can_encrypt};
use crate::open::connect;
use crate::{Store, StoreError, StoreOptions};

/// What was put in place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// The backup, as it was found.
    pub backup: Verified,
    /// Where what was there before lies now; none where there was nothing.
    pub aside: Option<PathBuf>,
}

/// Puts a backup in the place of the database at `database`, all at once; what was there is kept beside it.
///
/// The backup is verified and copied first, brought up to date where it is older, and the database must be open
/// nowhere. A database that cannot be read any more is no obstacle: that is what backups are for.
///
/// *Errors*: [`StoreError::BadBackup`], [`StoreError::InUse`], [`StoreError::Forbidden`]: nothing was changed.
pub fn restore(
    backup: &Path,
    database: &Path,
    options: &StoreOptions,
    progress: Progress<'_>,
) -> Result<Restored, StoreError> {
    let verified = verify_backup(backup, options)?;
    let key = options.key()?;
    if database.exists() {
        permit(database, key.as_ref(), options)?;
    }
    let draft = Draft::of(database);
    let rows = copy_pages(backup, key.as_ref(), draft.path(), progress)
        .map_err(|failure| failure.in_file(backup))?;
    if rows != verified.rows {
        let what = difference(&verified.rows, &rows);
        return Err(StoreError::BadBackup { path: backup.to_owned(), what });
    }
    write_down(draft.path(), options, key.as_ref(), "database.restore", &verified.digest.to_string())?;
    settle(draft.path(), key.as_ref())?;
    let aside = move_aside(database, key.as_ref())?;
    draft.publish()?;
    Ok(Restored { backup: verified, aside })
}

/// An admin of the database alone may put another in its place; where it cannot be asked, the backup is.
fn permit(database: &Path, key: Option<&Key>, options: &StoreOptions) -> Result<(), StoreError> {
    let ask = || -> Result<Actor, Failure> {
        let connection = connect(database, OpenFlags::SQLITE_OPEN_READ_WRITE, key)?;
        Actor::find(&connection, database, options.user.as_deref(), options.role)
    };
    match ask().map_err(|failure| failure.in_file(database)) {
        Ok(actor) if actor.role < Role::Admin => {
            let (user, role) = (actor.name, actor.role);
            Err(StoreError::Forbidden { user, role, needed: Role::Admin, what: "restoring a backup" })
        }
        Err(error @ (StoreError::UnknownUser { .. } | StoreError::NoEncryption { .. })) => Err(error),
        _ => Ok(()),
    }
}

/// Opens a draft as a database, which brings it up to date, and says in its audit log how it came to be.
fn write_down(
    draft: &Path,
    options: &StoreOptions,
    key: Option<&Key>,
    action: &'static str,
    subject: &str,
) -> Result<(), StoreError> {
    let options = StoreOptions { no_migration: false, ..options.clone() };
    let store = Store::connect_keyed(draft, OpenFlags::SQLITE_OPEN_READ_WRITE, &options, key.cloned())?;
    let subject_id = subject.to_owned();
    store.administer("replacing the database", move |change| {
        let after = Some(serde_json::json!({}));
        change.note(Entry { action, subject_kind: "database", subject_id, before: None, after });
        Ok(())
    })
}

/// Gives the database's file a second name, `NAME.before-restore-TIME`, under which it stays; its journal goes along.
fn move_aside(database: &Path, key: Option<&Key>) -> Result<Option<PathBuf>, StoreError> {
    if !database.exists() {
        return Ok(None);
    }
    let failed = |what| move |source| StoreError::File { what, path: database.to_owned(), source };
    let held = match seize(database, key) {
        Ok(connection) => Some(connection),
        Err(
            error
            @ (StoreError::InUse { .. } | StoreError::ReadOnly { .. } | StoreError::NoEncryption { .. }),
        ) => {
            return Err(error);
        }
        // Nobody can work with it, so nobody does.
        Err(_) => None,
    };
    let aside = beside(database, &format!(".before-restore-{}", timestamp(database)?));
    match fs::hard_link(database, &aside) {
        Ok(()) => {}
        Err(error)
            if error.kind() == ErrorKind::Unsupported || error.kind() == ErrorKind::PermissionDenied =>
        {
            fs::rename(database, &aside).map_err(failed("moving aside"))?;
        }
        Err(error) => return Err(failed("moving aside")(error)),
    }
    // The journal of one database must never lie beside another.
    for side in SIDES {
        match fs::rename(beside(database, side), beside(&aside, side)) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(failed("moving aside the journal of")(error));
            }
            _ => {}
        }
    }
    sync_folder(database).map_err(failed("writing the folder of"))?;
    drop(held);
    Ok(Some(aside))
}

/// The time as a part of a file's name, to the millisecond.
fn timestamp(database: &Path) -> Result<String, StoreError> {
    Connection::open_in_memory()
        .and_then(|clock| clock.query_row("SELECT strftime('%Y%m%dT%H%M%f', 'now')", [], |row| row.get(0)))
        .map_err(|source| StoreError::of_sql(database, source))
}

/// What was written under another key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rekeyed {
    pub was_encrypted: bool,
    pub is_encrypted: bool,
    pub bytes: u64,
    /// In all tables.
    pub rows: u64,
}

/// Writes a database anew under another key, or under none, and puts it in the old one's place.
///
/// *Limits*: what the file system keeps of the old file, and older backups, can still be read with the old key or
/// with none.
pub fn rekey(database: &Path, options: &StoreOptions, new: Option<&Key>) -> Result<Rekeyed, StoreError> {
    let old = options.key()?;
    if !can_encrypt() {
        return Err(StoreError::NoEncryption { path: database.to_owned() });
    }
    let store = Store::open_existing_with(database, options)?;
    store.permit(Role::Admin, "changing the key")?;
    drop(store);
    let held = seize(database, old.as_ref())?;
    let draft = Draft::of(database);
    // A connection that makes no files attaches only one that is there.
    fs::write(draft.path(), []).map_err(|source| StoreError::File {
        what: "writing anew",
        path: database.to_owned(),
        source,
    })?;
    let export = || -> Result<_, Failure> {
        held.pragma_update(None, "foreign_keys", false)?;
        let mut sql = new.map_or_else(|| "''".to_owned(), Key::quoted);
        sql.insert_str(0, "ATTACH DATABASE ?1 AS fresh KEY ");
        held.execute(&sql, [draft.path().to_string_lossy()])?;
        held.query_row("SELECT sqlcipher_export('fresh')", [], |_| Ok(()))?;
        let id: i64 = held.query_row("PRAGMA main.application_id", [], |row| row.get(0))?;
        held.pragma_update(Some("fresh"), "application_id", id)?;
        held.execute_batch("DETACH DATABASE fresh")?;
        Ok(count(&held)?)
    };
    let expected = export().map_err(|failure| failure.in_file(database))?;
    let verified = verify(draft.path(), database, new)?;
    if verified.rows != expected {
        let what = difference(&expected, &verified.rows);
        return Err(StoreError::BadBackup { path: database.to_owned(), what });
    }
    let subject = if new.is_some() { "encrypted" } else { "plain" };
    write_down(draft.path(), options, new, "database.rekey", subject)?;
    settle(draft.path(), new)?;
    draft.publish()?;
    drop(held);
    let rows = expected.values().sum();
    Ok(Rekeyed { was_encrypted: old.is_some(), is_encrypted: new.is_some(), bytes: verified.bytes, rows })
}
