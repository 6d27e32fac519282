//! How a version of a document comes into use: proposed, approved by an admin, activated, taken back.
//!
//! A change leads from one version to another. It may be activated as long as the version that it leads from is the
//! active one: of two that were approved side by side, the first to be activated wins, and the other is told.

use rusqlite::{Connection, Row, params};
use serde::Serialize;
use serde_json::{Value, json};

use crate::actor::Role;
use crate::bodies::Difference;
use crate::documents::{
    self, Document, DocumentKind, DocumentVersion, Draft, Put, Which, exists, find, invalid, note,
};
use crate::error::Failure;
use crate::open::{new_id, now};
use crate::writer::Change;
use crate::{Store, StoreError};

/// A change from one version to a later one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DocumentChange {
    pub id: String,
    pub from: u32,
    pub to: u32,
    /// Unified difference of the bodies.
    pub diff: String,
    /// RFC 6902 operations; none where a version is text.
    pub changes: Option<Value>,
    /// `proposed`, `approved` or `rejected`.
    pub status: String,
    pub decided_by: Option<String>,
    pub decided_at: Option<u64>,
    pub reason: Option<String>,
    pub created_at: u64,
}

/// Something that happened to a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HistoryLine {
    /// Milliseconds since 1970, UTC.
    pub at: u64,
    /// `put`, `rolled back`, `proposed`, `approved`, `rejected`, `activated` or `deactivated`.
    pub what: String,
    pub version: u32,
    pub who: Option<String>,
    pub why: Option<String>,
}

impl Store {
    /// The difference of two versions of a document.
    pub fn document_diff(
        &self,
        kind: DocumentKind,
        name: &str,
        from: Which,
        to: Which,
    ) -> Result<(u32, u32, Difference), StoreError> {
        self.read(|connection| {
            let document = find(connection, self.actor(), kind, name)?;
            let from = documents::version(connection, &document.id, from)?;
            let to = documents::version(connection, &document.id, to)?;
            Ok((from.version, to.version, difference(&from, &to)))
        })
    }

    /// Proposes to use a version instead of the active one. The same again returns the change that there is.
    pub fn propose_document(
        &self,
        kind: DocumentKind,
        name: &str,
        which: Which,
        reason: Option<&str>,
    ) -> Result<DocumentChange, StoreError> {
        reason.map_or(Ok(()), documents::check_words)?;
        let (name, reason) = (name.to_owned(), reason.map(str::to_owned));
        self.write("proposing a change", move |change| {
            let document = find(change, change.actor, kind, &name)?;
            let to = documents::version(change, &document.id, which)?;
            if to.version == 1 {
                let what = "version 1 changes nothing: there is none before it";
                return Err(
                    invalid(what, "an admin activates it: `stratagem document activate NAME@1`").into()
                );
            }
            if to.version <= document.active {
                let what = format!("version {} is not newer than the active {}", to.version, document.active);
                return Err(invalid(what, "`stratagem document rollback` goes back to an older one").into());
            }
            let from = if document.active > 0 { document.active } else { to.version - 1 };
            let from = documents::version(change, &document.id, Which::Number(from))?;
            if let Some(known) = of_pair(change, &document.id, from.version, to.version)? {
                return Ok(known);
            }
            let id = insert(change, &from, &to, reason.as_deref(), false)?;
            note(change, "document.propose", "document_changes", &id, json!({ "version": to.version }));
            let made = of_pair(change, &document.id, from.version, to.version)?;
            made.ok_or_else(|| Failure::Row(format!("change {id} is not there")))
        })
    }

    /// Approves or rejects what was proposed for a version; nothing is active by that alone.
    pub fn decide_document(
        &self,
        kind: DocumentKind,
        name: &str,
        which: Which,
        approve: bool,
        reason: Option<&str>,
    ) -> Result<DocumentChange, StoreError> {
        reason.map_or(Ok(()), documents::check_words)?;
        let (name, reason) = (name.to_owned(), reason.map(str::to_owned));
        self.administer("deciding a change", move |change| {
            let document = find(change, change.actor, kind, &name)?;
            let to = documents::version(change, &document.id, which)?;
            let known = list(change, "c.document_id = ?1 AND c.to_version = ?2", params![document.id, to.version])?;
            let Some(open) = known.iter().rev().find(|known| known.status == "proposed") else {
                let what = match known.last() {
                    Some(last) => format!("the change to version {} is {} already", to.version, last.status),
                    None => format!("nobody proposed version {}", to.version),
                };
                return Err(invalid(what, "see `stratagem document history NAME`").into());
            };
            let status = if approve { "approved" } else { "rejected" };
            change.execute(
                "UPDATE document_changes SET status = ?2, decided_by = ?3, decided_at = ?4, reason = coalesce(?5, reason)
                 WHERE id = ?1",
                params![open.id, status, change.actor.id, now(), reason],
            )?;
            let action = if approve { "document.approve" } else { "document.reject" };
            note(change, action, "document_changes", &open.id, json!({ "version": to.version }));
            let decided = of_pair(change, &document.id, open.from, open.to)?;
            decided.ok_or_else(|| Failure::Row(format!("change {} is not there", open.id)))
        })
    }

    /// Puts a version into use. It needs an approved change to it from the version that is active now; the first
    /// version, which changes nothing, needs an admin. The same again changes nothing.
    pub fn activate_document(
        &self,
        kind: DocumentKind,
        name: &str,
        which: Which,
    ) -> Result<DocumentVersion, StoreError> {
        let name = name.to_owned();
        self.write("activating a document", move |change| {
            let document = find(change, change.actor, kind, &name)?;
            let to = documents::version(change, &document.id, which)?;
            if to.is_active {
                return Ok(to);
            }
            permit(change, &document, &to)?;
            activate(change, &document, to.version)?;
            documents::version(change, &document.id, Which::Number(to.version))
        })
    }

    /// Goes back to an older version: a new one with its body, in use at once.
    pub fn roll_document_back(
        &self,
        kind: DocumentKind,
        name: &str,
        to: u32,
        reason: Option<&str>,
    ) -> Result<Put, StoreError> {
        reason.map_or(Ok(()), documents::check_words)?;
        let (name, reason) = (name.to_owned(), reason.map(str::to_owned));
        self.administer("rolling a document back", move |change| {
            let document = find(change, change.actor, kind, &name)?;
            let old = documents::version(change, &document.id, Which::Number(to))?;
            if to == document.head {
                let what = format!("version {to} is the newest: there is nothing to go back from");
                return Err(invalid(what, "name an older one, or activate this one").into());
            }
            let draft = Draft {
                kind,
                name: name.clone(),
                format: old.format,
                body: old.body,
                category: None,
                description: None,
                reason,
            };
            let put = documents::put(change, Some(&document), &draft, old.parsed.as_ref(), Some(to))?;
            activate_directly(change, &find(change, change.actor, kind, &name)?, &put.version)?;
            let number = Which::Number(put.version.version);
            Ok(Put { version: documents::version(change, &document.id, number)?, is_new: true })
        })
    }

    /// What happened to a document, the oldest first.
    pub fn document_history(&self, kind: DocumentKind, name: &str) -> Result<Vec<HistoryLine>, StoreError> {
        self.read(|connection| {
            let document = find(connection, self.actor(), kind, name)?;
            let mut select = connection.prepare(
                "SELECT v.created_at, CASE WHEN v.rollback_of IS NULL THEN 'put' ELSE 'rolled back' END, v.version,
                     u.display_name, v.reason, 0
                 FROM document_versions v LEFT JOIN user_identities u ON u.id = v.author_id WHERE v.document_id = ?1
                 UNION ALL
                 SELECT c.created_at, 'proposed', c.to_version,
                     (SELECT u.display_name FROM audit_log a JOIN user_identities u ON u.id = a.actor_id
                      WHERE a.subject_kind = 'document_changes' AND a.subject_id = c.id
                          AND a.action = 'document.propose'), NULL, 1
                 FROM document_changes c WHERE c.document_id = ?1
                   -- What an admin put into use directly was proposed by nobody.
                   AND (c.decided_at IS NULL OR c.decided_at > c.created_at OR EXISTS
                        (SELECT 1 FROM audit_log a WHERE a.subject_kind = 'document_changes' AND a.subject_id = c.id
                          AND a.action = 'document.propose'))
                 UNION ALL
                 SELECT c.decided_at, c.status, c.to_version, u.display_name, c.reason, 2
                 FROM document_changes c LEFT JOIN user_identities u ON u.id = c.decided_by
                 WHERE c.document_id = ?1 AND c.status <> 'proposed'
                 UNION ALL
                 SELECT a.at, CASE a.action WHEN 'document.activate' THEN 'activated' ELSE 'deactivated' END,
                     json_extract(a.after, '$.version'), u.display_name, NULL, 3
                 FROM audit_log a LEFT JOIN user_identities u ON u.id = a.actor_id
                 WHERE a.subject_kind = 'documents' AND a.subject_id = ?1
                   AND a.action IN ('document.activate', 'document.deactivate')
                 ORDER BY 1, 6, 3",
            )?;
            let lines = select.query_map([&document.id], |row| {
                Ok(HistoryLine {
                    at: row.get::<_, i64>(0)? as u64,
                    what: row.get(1)?,
                    version: row.get(2)?,
                    who: row.get(3)?,
                    why: row.get(4)?,
                })
            })?;
            Ok(lines.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// The changes of a document, by the version that they lead to.
    pub fn document_changes(
        &self,
        kind: DocumentKind,
        name: &str,
    ) -> Result<Vec<DocumentChange>, StoreError> {
        self.read(|connection| {
            let document = find(connection, self.actor(), kind, name)?;
            list(connection, "c.document_id = ?1", [&document.id])
        })
    }
}

fn difference(from: &DocumentVersion, to: &DocumentVersion) -> Difference {
    let label = |version: &DocumentVersion| format!("{}@{}", version.name, version.version);
    Difference::of(
        (&label(from), &from.body, from.parsed.as_ref()),
        (&label(to), &to.body, to.parsed.as_ref()),
    )
}

fn insert(
    change: &Change<'_>,
    from: &DocumentVersion,
    to: &DocumentVersion,
    reason: Option<&str>,
    is_approved: bool,
) -> Result<String, Failure> {
    let (id, at, found) = (new_id(), now(), difference(from, to));
    change.execute(
        "INSERT INTO document_changes (id, document_id, from_version, to_version, diff, summary, status, decided_by,
             decided_at, reason, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            id,
            to.document_id,
            from.version,
            to.version,
            found.text,
            found.changes.as_ref().map(Value::to_string),
            if is_approved { "approved" } else { "proposed" },
            is_approved.then_some(&change.actor.id),
            is_approved.then_some(at),
            reason,
            at,
        ],
    )?;
    Ok(id)
}

/// Puts an admin's own version into use, and approves the change to it where there is one.
pub(crate) fn activate_directly(
    change: &Change<'_>,
    document: &Document,
    version: &DocumentVersion,
) -> Result<(), Failure> {
    if version.is_active {
        return Ok(());
    }
    if (1..version.version).contains(&document.active) {
        match of_pair(change, &document.id, document.active, version.version)? {
            None => {
                let from = documents::version(change, &document.id, Which::Number(document.active))?;
                let id = insert(change, &from, version, version.reason.as_deref(), true)?;
                let after = json!({ "version": version.version });
                note(change, "document.approve", "document_changes", &id, after);
            }
            Some(known) if known.status == "proposed" => {
                change.execute(
                    "UPDATE document_changes SET status = 'approved', decided_by = ?2, decided_at = ?3 WHERE id = ?1",
                    params![known.id, change.actor.id, now()],
                )?;
            }
            Some(known) if known.status == "rejected" => {
                let what = format!("the change to version {} was rejected", version.version);
                return Err(invalid(what, "put another version").into());
            }
            Some(_) => {}
        }
    }
    activate(change, document, version.version)
}

fn activate(change: &Change<'_>, document: &Document, number: u32) -> Result<(), Failure> {
    change.execute(
        "UPDATE documents SET active = ?2, is_active = 1, updated_at = ?3 WHERE id = ?1",
        params![document.id, number, now()],
    )?;
    let after = json!({ "version": number, "before": document.active });
    note(change, "document.activate", "documents", &document.id, after);
    Ok(())
}

/// Refuses a version that nobody approved, or that was approved in place of another than the active one.
fn permit(change: &Change<'_>, document: &Document, to: &DocumentVersion) -> Result<(), Failure> {
    let is_admin = change.actor.role >= Role::Admin;
    // Nothing was in use, or the same was: there is no change that could be approved.
    let changes_nothing = to.version == 1 && document.active == 0 || to.version == document.active;
    if changes_nothing {
        let (user, role) = (change.actor.name.clone(), change.actor.role);
        let what = "putting a document into use without an approved change";
        let forbidden = || StoreError::Forbidden { user, role, needed: Role::Admin, what }.into();
        return if is_admin { Ok(()) } else { Err(forbidden()) };
    }
    let from =
        "SELECT 1 FROM document_changes WHERE document_id = ?1 AND to_version = ?2 AND status = 'approved'";
    let fits = format!("{from} AND (from_version = ?3 OR ?3 = 0)");
    if exists(change, &fits, params![document.id, to.version, document.active])? {
        return Ok(());
    }
    let refused = if exists(change, from, params![document.id, to.version])? {
        let before: u32 = change.query_row(
            "SELECT max(from_version) FROM document_changes
             WHERE document_id = ?1 AND to_version = ?2 AND status = 'approved'",
            params![document.id, to.version],
            |row| row.get(0),
        )?;
        let what = format!(
            "version {} was approved in place of version {before}, but version {} is active now",
            to.version, document.active
        );
        invalid(what, "see what was activated meanwhile, and propose the change again")
    } else if to.version < document.active {
        let what = format!("version {} is older than the active {}", to.version, document.active);
        invalid(what, "`stratagem document rollback` goes back to an older one")
    } else {
        let what = format!("nobody approved version {}", to.version);
        invalid(what, "propose it, and let an admin approve it; an admin may also `put --activate`")
    };
    Err(refused.into())
}

fn of_pair(
    connection: &Connection,
    document: &str,
    from: u32,
    to: u32,
) -> Result<Option<DocumentChange>, Failure> {
    let pair = "c.document_id = ?1 AND c.from_version = ?2 AND c.to_version = ?3";
    Ok(list(connection, pair, params![document, from, to])?.pop())
}

fn list(
    connection: &Connection,
    condition: &str,
    params: impl rusqlite::Params,
) -> Result<Vec<DocumentChange>, Failure> {
    let mut select = connection.prepare(&format!(
        "SELECT c.id, c.from_version, c.to_version, c.diff, c.summary, c.status, u.display_name, c.decided_at, c.reason,
             c.created_at
         FROM document_changes c LEFT JOIN user_identities u ON u.id = c.decided_by
         WHERE {condition} ORDER BY c.to_version, c.from_version"
    ))?;
    let mut rows = select.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(change_of(row)?);
    }
    Ok(found)
}

fn change_of(row: &Row<'_>) -> Result<DocumentChange, Failure> {
    let changes: Option<String> = row.get(4)?;
    Ok(DocumentChange {
        id: row.get(0)?,
        from: row.get(1)?,
        to: row.get(2)?,
        diff: row.get(3)?,
        changes: changes
            .map(|text| crate::rows::parse_json(&text, "the changes of a document"))
            .transpose()?,
        status: row.get(5)?,
        decided_by: row.get(6)?,
        decided_at: row.get::<_, Option<i64>>(7)?.map(|at| at as u64),
        reason: row.get(8)?,
        created_at: row.get::<_, i64>(9)? as u64,
    })
}
