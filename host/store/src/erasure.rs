//! Erasure of a user: no copy of their text stays in the database, beside it, or in a backup made afterwards.
//!
//! It goes table by table in small transactions, each of which also counts what it took, so that the writer is never
//! held long and an erasure that was interrupted goes on at the next call. Then one transaction sees that nothing is
//! left and takes the name. Deleting is not enough: `secure_delete` overwrites rows where they lie, but a page that was
//! split before still has copies of them in its unused part, so the file is vacuumed and the write-ahead log cut to
//! nothing. What was counted stays on record, without a text.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use serde_json::json;
use stratagem_domain::quote;

use crate::actor::Role;
use crate::artifacts;
use crate::audit::Entry;
use crate::error::Failure;
use crate::open::{LOCAL_USER, new_id, now};
use crate::personal::{EMBEDDINGS, Fate, HOLDINGS, Holding};
use crate::rows::{json, parse_json};
use crate::users::{self, User, invalid};
use crate::writer::Change;
use crate::{Store, StoreError};

/// Rows that go in one transaction.
const BATCH: usize = 500;
/// A user who is still written about by others is looked for so often.
const PASSES: usize = 5;
/// Characters of a name that is looked for in events; a shorter one is part of too many words.
const LEAST_NAME: usize = 3;

/// What an erasure did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ErasureReport {
    /// Of `erasure_requests`.
    pub request: String,
    pub user_id: String,
    /// Rows by table, or by part of one: deleted, or cleared of the user.
    pub counts: BTreeMap<String, u64>,
    /// True where a file of cached copies lay beside the database and is gone.
    pub copies_removed: bool,
    /// Backups that were made before: they still hold the user, and are the operator's to destroy.
    pub older_backups: Vec<String>,
}

struct Request {
    id: String,
    user: User,
    is_sealed: bool,
}

impl Store {
    /// Erases the user of a name or an id, or goes on with an erasure that was interrupted. `told` hears of every
    /// batch. Needs an admin, who cannot be the user.
    ///
    /// *Errors*: [`StoreError::Invalid`] for the local user, oneself, and who is erased already; [`StoreError::Busy`]
    /// where another program reads the file so long that the write-ahead log cannot be cut: call it again.
    pub fn erase_user(
        &self,
        who: &str,
        told: &mut dyn FnMut(&str, u64),
    ) -> Result<ErasureReport, StoreError> {
        let request = self.begin_erasure(who)?;
        let done = self.erase(&request, told);
        if done.is_err() {
            let id = request.id.clone();
            // The failure itself is what the caller must hear of.
            let _ = self.administer("erasing a user", move |change| {
                note(change, "erasure.fail", "erasure_requests", &id, json!({}));
                change.execute(
                    "UPDATE erasure_requests SET status = 'failed', error = 'interrupted: erase again to go on'
                     WHERE id = ?1",
                    [&id],
                )?;
                Ok(())
            });
        }
        done
    }

    /// Ids of users whose erasure has begun and not ended.
    pub fn unfinished_erasures(&self) -> Result<Vec<String>, StoreError> {
        self.read(|connection| {
            let ids = connection
                .prepare("SELECT DISTINCT user_id FROM erasure_requests WHERE status <> 'completed'")?
                .query_map([], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            Ok(ids)
        })
    }

    /// Forgets the vectors of what a user wrote and did, and leaves the things themselves; returns how many. Oneself,
    /// or an admin.
    pub fn forget_embeddings(&self, who: &str) -> Result<u64, StoreError> {
        let id = self.read(|connection| self.known(connection, who))?;
        if id != self.actor().id {
            self.permit(Role::Admin, "forgetting another user's embeddings")?;
        }
        let mut total = 0;
        loop {
            let id = id.clone();
            let rows = self.write("forgetting embeddings", move |change| {
                let rows = batch(change, &EMBEDDINGS, &id)?;
                note(change, "embeddings.forget", "embeddings", &id, json!({ "rows": rows }));
                Ok(rows)
            })?;
            total += rows;
            if rows == 0 {
                return Ok(total);
            }
        }
    }

    fn begin_erasure(&self, who: &str) -> Result<Request, StoreError> {
        let id = self.read(|connection| self.known(connection, who))?;
        self.administer("erasing a user", move |change| {
            let user = users::load(change, &id)?;
            if id == LOCAL_USER {
                return invalid("the local user cannot be erased", "it owns the file: delete the file");
            }
            if id == change.actor.id {
                return invalid("nobody can erase themselves", "let another admin do it");
            }
            let unfinished: Option<String> = change
                .query_row(
                    "SELECT id FROM erasure_requests WHERE user_id = ?1 AND status <> 'completed'
                     ORDER BY requested_at LIMIT 1",
                    [&id],
                    |row| row.get(0),
                )
                .optional()?;
            let is_sealed = user.status == "erased";
            let request = match unfinished {
                Some(request) => request,
                None if is_sealed => {
                    return invalid(&format!("user {} is erased already", quote(&id, 80)), "nothing is left to do");
                }
                None => {
                    let request = new_id();
                    change.execute(
                        "INSERT INTO erasure_requests (id, user_id, status, counts, requested_by, requested_at)
                         VALUES (?1, ?2, 'requested', '{}', ?3, ?4)",
                        params![request, id, change.actor.id, now()],
                    )?;
                    request
                }
            };
            change.execute(
                "UPDATE erasure_requests SET status = 'running', error = NULL WHERE id = ?1",
                [&request],
            )?;
            // From here on they write no more, whatever they have open.
            change.execute(
                "UPDATE user_identities SET status = 'disabled', updated_at = ?2 WHERE id = ?1 AND status = 'active'",
                params![id, now()],
            )?;
            note(change, "erasure.begin", "user_identities", &id, json!({ "request": request }));
            Ok(Request { id: request, user, is_sealed })
        })
    }

    fn erase(&self, request: &Request, told: &mut dyn FnMut(&str, u64)) -> Result<ErasureReport, StoreError> {
        let mut is_sealed = request.is_sealed;
        for _ in 0..PASSES {
            if is_sealed {
                break;
            }
            // First, while the handles by which they are found are there.
            self.erase_mentions(request, told)?;
            for holding in HOLDINGS.iter().filter(|holding| holding.is_erased()) {
                self.erase_holding(request, holding, told)?;
            }
            self.erase_artifacts(request, told)?;
            is_sealed = self.seal(request)?;
        }
        if !is_sealed {
            let what = "the user is still written about while being erased".to_owned();
            let hint = Some("end the programs that work for them, then erase again".to_owned());
            return Err(StoreError::Invalid { what, hint });
        }
        told("the file", 0);
        self.scrub()?;
        let copies_removed = copies_beside(self.path()).exists();
        self.drop_copies()?;
        self.forget_vectors();
        self.finish_erasure(request, copies_removed)
    }

    fn erase_holding(
        &self,
        request: &Request,
        holding: &'static Holding,
        told: &mut dyn FnMut(&str, u64),
    ) -> Result<(), StoreError> {
        // Most tables hold nothing of most users: that is seen without writing.
        while self.read(|connection| remains(connection, holding, &request.user.id))? {
            let (id, user) = (request.id.clone(), request.user.id.clone());
            let rows = self.administer("erasing a user", move |change| {
                let rows = batch(change, holding, &user)?;
                counted(change, &id, &user, holding.table, &holding.name(), rows)?;
                Ok(rows)
            })?;
            told(&holding.name(), rows);
            if rows == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Events that name the user: by id, by name or by a handle.
    fn erase_mentions(&self, request: &Request, told: &mut dyn FnMut(&str, u64)) -> Result<(), StoreError> {
        let found = self.read(|connection| mentions(connection, &request.user))?;
        for seqs in found.chunks(BATCH) {
            let (id, user, seqs) = (request.id.clone(), request.user.id.clone(), seqs.to_vec());
            let rows = seqs.len() as u64;
            self.administer("erasing a user", move |change| {
                for seq in &seqs {
                    change.prepare_cached("DELETE FROM system_events WHERE seq = ?1")?.execute([seq])?;
                }
                counted(change, &id, &user, "system_events", "system_events.mentions", rows)
            })?;
            told("system_events.mentions", rows);
        }
        Ok(())
    }

    fn erase_artifacts(&self, request: &Request, told: &mut dyn FnMut(&str, u64)) -> Result<(), StoreError> {
        while self.read(|connection| Ok(artifacts::orphans(connection)?.rows > 0))? {
            let (id, user) = (request.id.clone(), request.user.id.clone());
            let rows = self.administer("erasing a user", move |change| {
                let rows = artifacts::sweep(change, BATCH)?.rows;
                counted(change, &id, &user, "artifacts", "artifacts", rows)?;
                Ok(rows)
            })?;
            told("artifacts", rows);
        }
        Ok(())
    }

    /// Takes the name where nothing else is left; false where something is.
    fn seal(&self, request: &Request) -> Result<bool, StoreError> {
        let (id, user) = (request.id.clone(), request.user.clone());
        self.administer("erasing a user", move |change| {
            for holding in HOLDINGS.iter().filter(|holding| holding.is_erased()) {
                if remains(change, holding, &user.id)? {
                    note(change, "erasure.repeat", "user_identities", &user.id, json!({}));
                    return Ok(false);
                }
            }
            let identity = HOLDINGS.iter().filter(|holding| holding.table == "user_identities");
            for holding in identity {
                let rows = batch(change, holding, &user.id)?;
                counted(change, &id, &user.id, holding.table, &holding.name(), rows)?;
            }
            // Samples of indexed columns, which the planner takes anew when it is asked to.
            let sampled: bool = change.query_row(
                "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_stat4')",
                [],
                |row| row.get(0),
            )?;
            if sampled {
                change.execute("DELETE FROM sqlite_stat4", [])?;
            }
            Ok(true)
        })
    }

    /// Leaves nothing of what was deleted in the file or its write-ahead log.
    fn scrub(&self) -> Result<(), StoreError> {
        let path = self.path().to_owned();
        self.alone(Role::Admin, "erasing a user", move |connection| {
            connection.execute_batch("VACUUM")?;
            let is_busy: bool =
                connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
            if is_busy {
                return Err(StoreError::Busy { path }.into());
            }
            Ok(())
        })
    }

    fn finish_erasure(&self, request: &Request, copies_removed: bool) -> Result<ErasureReport, StoreError> {
        let (id, user_id) = (request.id.clone(), request.user.id.clone());
        self.administer("erasing a user", move |change| {
            change.execute(
                "UPDATE erasure_requests SET status = 'completed', completed_at = ?2 WHERE id = ?1",
                params![id, now()],
            )?;
            let counts = counts(change, &id)?;
            note(change, "erasure.complete", "user_identities", &user_id, json!({ "request": id }));
            let older_backups = change
                .prepare("SELECT path FROM backups ORDER BY created_at")?
                .query_map([], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            Ok(ErasureReport { request: id, user_id, counts, copies_removed, older_backups })
        })
    }
}

impl Holding {
    /// The identity goes last and apart.
    fn is_erased(&self) -> bool {
        self.fate != Fate::Kept && self.table != "user_identities"
    }
}

fn note(change: &Change<'_>, action: &'static str, table: &'static str, id: &str, what: serde_json::Value) {
    let (before, after) = (Some(json!({})), Some(what));
    change.note(Entry { action, subject_kind: table, subject_id: id.to_owned(), before, after });
}

fn remains(connection: &Connection, holding: &Holding, user: &str) -> Result<bool, Failure> {
    let sql = format!("SELECT EXISTS (SELECT 1 FROM {} WHERE {})", holding.table, holding.remaining());
    Ok(connection.prepare_cached(&sql)?.query_row([user], |row| row.get(0))?)
}

/// Deletes or clears the next rows; returns how many.
fn batch(change: &Change<'_>, holding: &Holding, user: &str) -> Result<u64, Failure> {
    let Holding { table, fate, .. } = holding;
    let rows = format!("rowid IN (SELECT rowid FROM {table} WHERE {} LIMIT {BATCH})", holding.remaining());
    let sql = match fate {
        Fate::Deleted => format!("DELETE FROM {table} WHERE {rows}"),
        Fate::Cleared(set) => format!("UPDATE {table} SET {set} WHERE {rows}"),
        Fate::Kept => return Ok(0),
    };
    Ok(change.prepare_cached(&sql)?.execute([user])? as u64)
}

/// Adds to what the record of an erasure counts, and tells the audit log.
fn counted(
    change: &Change<'_>,
    request: &str,
    user: &str,
    table: &'static str,
    name: &str,
    rows: u64,
) -> Result<(), Failure> {
    let mut counts = counts(change, request)?;
    *counts.entry(name.to_owned()).or_default() += rows;
    change
        .execute("UPDATE erasure_requests SET counts = ?2 WHERE id = ?1", params![request, json(&counts)])?;
    note(change, "erasure.rows", table, user, json!({ "request": request, "rows": rows }));
    Ok(())
}

fn counts(connection: &Connection, request: &str) -> Result<BTreeMap<String, u64>, Failure> {
    let text: Option<String> =
        connection
            .query_row("SELECT counts FROM erasure_requests WHERE id = ?1", [request], |row| row.get(0))?;
    parse_json(text.as_deref().unwrap_or("{}"), "the counts of an erasure")
}

/// Events in which a word of the user's stands by itself, whatever its case.
pub(crate) fn mentions(connection: &Connection, user: &User) -> Result<Vec<i64>, Failure> {
    let handles = user.handles.iter().map(|handle| handle.handle.as_str());
    let name = Some(user.name.as_str()).filter(|name| name.chars().count() >= LEAST_NAME);
    let words = handles.chain(name).chain([user.id.as_str()]);
    let mut select = connection.prepare(
        "SELECT seq, text FROM (
             SELECT seq, message || char(10) || coalesce(context, '') || char(10) || coalesce(stack, '')
                 || char(10) || source || char(10) || kind AS text FROM system_events)
         WHERE instr(lower(text), lower(?1)) > 0",
    )?;
    let mut found = BTreeSet::new();
    for word in words {
        let mut rows = select.query([word])?;
        while let Some(row) = rows.next()? {
            if stands_in(&row.get::<_, String>(1)?, word) {
                found.insert(row.get(0)?);
            }
        }
    }
    Ok(found.into_iter().collect())
}

/// Whether a word stands in a text and is no part of a longer one.
fn stands_in(text: &str, word: &str) -> bool {
    let (text, word) = (text.to_ascii_lowercase(), word.to_ascii_lowercase());
    text.match_indices(&word).any(|(at, _)| {
        let is_apart = |letter: Option<char>| letter.is_none_or(|letter| !letter.is_alphanumeric());
        is_apart(text[..at].chars().next_back()) && is_apart(text[at + word.len()..].chars().next())
    })
}

/// The file of cached copies beside a database: `runs.db` has `runs.cache.redb`.
fn copies_beside(database: &Path) -> PathBuf {
    database.with_extension("cache.redb")
}
