//! Named blobs that plugins learned, in versions; the bytes lie once, by their digest.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};
use stratagem_domain::Digest;

use crate::error::Failure;
use crate::lessons::{LEARNED_FROM, Lessons};
use crate::memory::Scope;
use crate::open::{new_id, now};
use crate::rows::parse_json;
use crate::writer::Change;

/// Versions of a name that stay; older ones go when a newer one comes.
const KEPT_VERSIONS: i64 = 3;

/// The newest version of a name; none where there is none.
///
/// *Errors*: the bytes do not have their digest.
pub(crate) fn newest(connection: &Connection, scope: &Scope, name: &str) -> Result<Option<Vec<u8>>, Failure> {
    let digest: Option<String> = connection
        .prepare_cached(
            "SELECT digest FROM learned_artifacts WHERE owner_id = ?1 AND domain = ?2 AND name = ?3
             ORDER BY version DESC LIMIT 1",
        )?
        .query_row(params![scope.owner, scope.domain, name], |row| row.get(0))
        .optional()?;
    digest.map_or(Ok(None), |digest| bytes(connection, &digest))
}

/// The bytes of a digest, held to it; none where they are not kept here any more.
pub(crate) fn bytes(connection: &Connection, digest: &str) -> Result<Option<Vec<u8>>, Failure> {
    let body: Option<Option<Vec<u8>>> = connection
        .prepare_cached("SELECT body FROM artifacts WHERE digest = ?1")?
        .query_row([digest], |row| row.get(0))
        .optional()?;
    match body.flatten() {
        Some(bytes) if Digest::of(&bytes).to_string() != digest => {
            Err(Failure::Row(format!("artifact {digest} does not have its digest")))
        }
        body => Ok(body),
    }
}

/// The names of a scope, each with the bytes of its newest version.
pub(crate) fn sizes(connection: &Connection, scope: &Scope) -> Result<BTreeMap<String, u64>, Failure> {
    let mut select = connection.prepare_cached(
        "SELECT l.name, a.bytes, max(l.version) FROM learned_artifacts l JOIN artifacts a ON a.digest = l.digest
         WHERE l.owner_id = ?1 AND l.domain = ?2 GROUP BY l.name",
    )?;
    let rows = select.query_map(params![scope.owner, scope.domain], |row| {
        Ok((row.get(0)?, row.get::<_, i64>(1)? as u64))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Keeps bytes by their digest.
pub(crate) fn put(connection: &Connection, bytes: &[u8]) -> Result<String, Failure> {
    let digest = Digest::of(bytes).to_string();
    connection
        .prepare_cached(
            "INSERT INTO artifacts (digest, bytes, media_type, store, ref, body, created_at)
             VALUES (?1, ?2, 'application/octet-stream', 'sql', 'learned', ?3, ?4)
             ON CONFLICT (digest) DO UPDATE SET bytes = excluded.bytes, store = 'sql', ref = excluded.ref,
                 body = excluded.body WHERE body IS NULL",
        )?
        .execute(params![digest, bytes.len() as i64, bytes, now()])?;
    Ok(digest)
}

/// The tasks that the newest of a scope's artifacts were learned from; none where nothing was learned.
pub(crate) fn lessons(connection: &Connection, scope: &Scope) -> Result<Option<Lessons>, Failure> {
    let text: Option<Option<String>> = connection
        .prepare_cached(
            "SELECT lessons FROM learned_artifacts WHERE owner_id = ?1 AND domain = ?2 AND name = ?3
             ORDER BY version DESC LIMIT 1",
        )?
        .query_row(params![scope.owner, scope.domain, LEARNED_FROM], |row| row.get(0))
        .optional()?;
    text.flatten().map(|text| parse_json(&text, "the lessons of an artifact")).transpose()
}

/// Where learned bytes come from.
pub(crate) enum Source<'a> {
    /// A run on a task, by id.
    Run(&'a str),
    /// Lessons, as JSON: [`crate::lessons`] says what of them is kept.
    Lessons(&'a str),
}

/// Makes bytes the newest version of a name, unless they are it already, and lets old versions go.
pub(crate) fn save(
    change: &Change<'_>,
    scope: &Scope,
    source: &Source<'_>,
    name: &str,
    bytes: &[u8],
) -> Result<(), Failure> {
    let digest = put(change, bytes)?;
    let newest: Option<(i64, String)> = change
        .prepare_cached(
            "SELECT version, digest FROM learned_artifacts WHERE owner_id = ?1 AND domain = ?2 AND name = ?3
             ORDER BY version DESC LIMIT 1",
        )?
        .query_row(params![scope.owner, scope.domain, name], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let version = newest.as_ref().map_or(1, |(version, _)| version + 1);
    if newest.is_some_and(|(_, newest)| newest == digest) {
        return Ok(());
    }
    let id = new_id();
    let (run_id, lessons) = match source {
        Source::Run(id) => (Some(id), None),
        Source::Lessons(lessons) => (None, Some(lessons)),
    };
    change
        .prepare_cached(
            "INSERT INTO learned_artifacts (id, owner_id, domain, name, version, digest, run_id, lessons, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![id, scope.owner, scope.domain, name, version, digest, run_id, lessons, now()])?;
    change.made("artifact.save", "learned_artifacts", &id);
    change
        .prepare_cached(
            "DELETE FROM learned_artifacts
             WHERE owner_id = ?1 AND domain = ?2 AND name = ?3 AND version <= ?4",
        )?
        .execute(params![scope.owner, scope.domain, name, version - KEPT_VERSIONS])?;
    Ok(())
}
