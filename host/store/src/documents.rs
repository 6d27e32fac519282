//! Versioned documents: configurations, prompts, capabilities and settings.
//!
//! A version never changes and has a number; `head` is the newest, `active` the one that is used. Who puts a version
//! changes nothing for others: it becomes active once an admin has approved the change to it, see `changes`.
//!
//! A name means the actor's own document, else the operator's; an admin finds everybody's.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stratagem_domain::{Digest, quote};

use crate::actor::{Actor, Role};
use crate::audit::Entry;
use crate::bodies::{self, DocumentFormat};
use crate::changes;
use crate::error::Failure;
use crate::open::{LOCAL_USER, new_id, now};
use crate::writer::Change;
use crate::{Store, StoreError};

/// Characters of a name.
const NAME_CHARS: usize = 200;
/// Characters of a description or reason.
const WORDS_CHARS: usize = 4_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentKind {
    /// What `solve --setup` takes: strategy, limits, settings and seed.
    StrategyConfig,
    /// A text with `{{variables}}`.
    Prompt,
    Capability,
    Setting,
}

impl DocumentKind {
    pub const ALL: [Self; 4] = [Self::StrategyConfig, Self::Prompt, Self::Capability, Self::Setting];

    /// The name in the database and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StrategyConfig => "strategy_config",
            Self::Prompt => "prompt",
            Self::Capability => "capability",
            Self::Setting => "setting",
        }
    }

    /// Also takes `config`, as people write it.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "config" => Some(Self::StrategyConfig),
            text => Self::ALL.into_iter().find(|kind| kind.as_str() == text),
        }
    }
}

/// A version to be put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    pub kind: DocumentKind,
    pub name: String,
    pub format: DocumentFormat,
    pub body: String,
    /// None leaves what the document has.
    pub category: Option<String>,
    pub description: Option<String>,
    /// Why, for the history.
    pub reason: Option<String>,
}

/// A document without its bodies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Document {
    pub id: String,
    pub kind: DocumentKind,
    pub name: String,
    pub owner: String,
    pub category: String,
    pub description: Option<String>,
    /// The newest version.
    pub head: u32,
    /// The version that is used; 0 is none.
    pub active: u32,
    /// False where it was taken out of use.
    pub is_active: bool,
    /// Of a prompt's newest version.
    pub variables: Vec<String>,
    /// Milliseconds since 1970, UTC.
    pub created_at: u64,
    pub updated_at: u64,
}

/// One version, whole.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DocumentVersion {
    /// What runs point at.
    pub id: String,
    pub document_id: String,
    pub kind: DocumentKind,
    pub name: String,
    pub version: u32,
    pub format: DocumentFormat,
    pub body: String,
    /// The body as JSON; none for text.
    pub parsed: Option<Value>,
    /// BLAKE3 of format and body.
    pub hash: Digest,
    pub generated_by: String,
    /// The version whose body it has again.
    pub rollback_of: Option<u32>,
    pub author: Option<String>,
    pub reason: Option<String>,
    pub is_active: bool,
    /// Of a prompt.
    pub variables: Vec<String>,
    pub created_at: u64,
}

/// What came of putting a version.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Put {
    pub version: DocumentVersion,
    /// False where the document had this body already: nothing was written.
    pub is_new: bool,
}

/// Which version of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The one that is used.
    Active,
    /// The newest.
    Head,
    /// The one that is used, else the newest.
    Current,
    Number(u32),
}

/// Refuses what the operator asked for.
pub(crate) fn invalid(what: impl Into<String>, hint: impl Into<String>) -> StoreError {
    StoreError::Invalid { what: what.into(), hint: Some(hint.into()) }
}

impl Store {
    /// Puts a version: the first makes the document. A body that the document has already makes none, and the version
    /// that has it is returned. With `activate`, an admin's alone, the version is used from now on.
    pub fn put_document(&self, draft: &Draft, activate: bool) -> Result<Put, StoreError> {
        check_name(&draft.name)?;
        for words in [&draft.category, &draft.description, &draft.reason].into_iter().flatten() {
            check_words(words)?;
        }
        let parsed = draft.format.read(&draft.body)?;
        check_kind(draft.kind, parsed.as_ref())?;
        let draft = draft.clone();
        let work = move |change: &Change<'_>| {
            // An admin finds the documents of others too, but puts into none of them by mistake.
            let plain = Actor { role: Role::Runner, ..change.actor.clone() };
            let known = find_optional(change, &plain, draft.kind, &draft.name)?;
            let put = put(change, known.as_ref(), &draft, parsed.as_ref(), None)?;
            if activate {
                let document = find(change, &plain, draft.kind, &draft.name)?;
                changes::activate_directly(change, &document, &put.version)?;
            }
            let version = version(change, &put.version.document_id, Which::Number(put.version.version))?;
            Ok(Put { version, ..put })
        };
        if activate {
            self.administer("activating a document", work)
        } else {
            self.write("putting a document", work)
        }
    }

    /// A document's version by kind and name.
    pub fn document(
        &self,
        kind: DocumentKind,
        name: &str,
        which: Which,
    ) -> Result<DocumentVersion, StoreError> {
        self.read(|connection| {
            let document = find(connection, self.actor(), kind, name)?;
            if which == Which::Active && !document.is_active {
                let what = format!("document {} is out of use", quote(name, 80));
                return Err(invalid(what, "activate a version, or name one: NAME@VERSION").into());
            }
            version(connection, &document.id, which)
        })
    }

    /// A version by its id, as a run names it.
    pub fn document_version(&self, id: &str) -> Result<DocumentVersion, StoreError> {
        self.read(|connection| {
            let mut found = versions(connection, "v.id = ?1", [id])?;
            found.pop().ok_or_else(|| Failure::Row(format!("document version {id} is not there")))
        })
    }

    /// Every document that the actor finds, of one kind or of all, by kind and name.
    pub fn documents(&self, kind: Option<DocumentKind>) -> Result<Vec<Document>, StoreError> {
        self.read(|connection| {
            let is_admin = self.actor().role >= Role::Admin;
            let mut select = connection.prepare(&format!(
                "{DOCUMENTS} WHERE (?1 IS NULL OR d.kind = ?1) AND (?2 OR d.owner_id IN (?3, ?4))
                 ORDER BY d.kind, d.name, d.created_at, d.id"
            ))?;
            let kind = kind.map(DocumentKind::as_str);
            let mut rows = select.query(params![kind, is_admin, self.actor().id, LOCAL_USER])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(document(row)?);
            }
            Ok(found)
        })
    }

    /// Takes a document out of use: its name finds no version any more until one is activated.
    pub fn deactivate_document(&self, kind: DocumentKind, name: &str) -> Result<Document, StoreError> {
        let name = name.to_owned();
        self.administer("taking a document out of use", move |change| {
            let found = find(change, change.actor, kind, &name)?;
            if found.is_active {
                change.execute(
                    "UPDATE documents SET is_active = 0, updated_at = ?2 WHERE id = ?1",
                    params![found.id, now()],
                )?;
                note(
                    change,
                    "document.deactivate",
                    "documents",
                    &found.id,
                    json!({ "version": found.active }),
                );
            }
            find(change, change.actor, kind, &name)
        })
    }
}

/// Writes a version unless the document has its body; the transaction is the caller's.
pub(crate) fn put(
    change: &Change<'_>,
    known: Option<&Document>,
    draft: &Draft,
    parsed: Option<&Value>,
    rollback_of: Option<u32>,
) -> Result<Put, Failure> {
    let at = now();
    let hash = Digest::of_parts([draft.format.as_str().as_bytes(), draft.body.as_bytes()]);
    if let Some(document) = known
        && rollback_of.is_none()
    {
        let twin: Option<u32> = change.query_row(
            "SELECT max(version) FROM document_versions WHERE document_id = ?1 AND hash = ?2",
            params![document.id, hash.to_string()],
            |row| row.get(0),
        )?;
        if let Some(number) = twin {
            return Ok(Put { version: version(change, &document.id, Which::Number(number))?, is_new: false });
        }
    }
    let (document_id, number) = match known {
        Some(document) => (document.id.clone(), document.head + 1),
        None => (new_document(change, draft, at)?, 1),
    };
    let version_id = new_id();
    change.execute(
        "INSERT INTO document_versions (id, document_id, version, format, body, parsed, hash, generated_by,
             rollback_of, author_id, reason, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        params![
            version_id,
            document_id,
            number,
            draft.format.as_str(),
            draft.body,
            parsed.map(Value::to_string),
            hash.to_string(),
            if rollback_of.is_some() { "rollback" } else { "manual" },
            rollback_of,
            change.actor.id,
            draft.reason,
            at,
        ],
    )?;
    let variables = match draft.kind {
        DocumentKind::Prompt => Some(json!({ "variables": bodies::variables(&draft.body) }).to_string()),
        _ => None,
    };
    change.execute(
        "UPDATE documents SET head = ?2, updated_at = ?3, category = coalesce(?4, category),
             description = coalesce(?5, description),
             meta = CASE WHEN ?6 IS NULL THEN meta ELSE json_patch(coalesce(meta, '{}'), ?6) END
         WHERE id = ?1",
        params![document_id, number, at, draft.category, draft.description, variables],
    )?;
    let after = json!({ "document": document_id, "version": number, "hash": hash.to_string() });
    note(change, "document.put", "document_versions", &version_id, after);
    Ok(Put { version: version(change, &document_id, Which::Number(number))?, is_new: true })
}

fn new_document(change: &Change<'_>, draft: &Draft, at: i64) -> Result<String, Failure> {
    let id = new_id();
    change.execute(
        "INSERT INTO documents (id, kind, name, owner_id, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
        params![id, draft.kind.as_str(), draft.name, change.actor.id, at],
    )?;
    change.made("document.new", "documents", &id);
    Ok(id)
}

pub(crate) fn note(change: &Change<'_>, action: &'static str, kind: &'static str, id: &str, after: Value) {
    change.note(Entry {
        action,
        subject_kind: kind,
        subject_id: id.to_owned(),
        before: None,
        after: Some(after),
    });
}

/// A document by name.
///
/// *Errors*: where there is none, and where an admin finds several and none of their own.
pub(crate) fn find(
    connection: &Connection,
    actor: &Actor,
    kind: DocumentKind,
    name: &str,
) -> Result<Document, Failure> {
    find_optional(connection, actor, kind, name)?.ok_or_else(|| {
        let what = format!("no {} named {}", kind.as_str(), quote(name, 80));
        invalid(what, "list them with `stratagem document list`").into()
    })
}

fn find_optional(
    connection: &Connection,
    actor: &Actor,
    kind: DocumentKind,
    name: &str,
) -> Result<Option<Document>, Failure> {
    let mut select = connection.prepare_cached(&format!(
        "{DOCUMENTS} WHERE d.kind = ?1 AND d.name = ?2 AND (?3 OR d.owner_id IN (?4, ?5))
         ORDER BY d.owner_id = ?4 DESC, d.owner_id = ?5 DESC LIMIT 2"
    ))?;
    let is_admin = actor.role >= Role::Admin;
    let mut rows = select.query(params![kind.as_str(), name, is_admin, actor.id, LOCAL_USER])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push((row.get::<_, String>("owner_id")?, document(row)?));
    }
    let is_plain = |owner: &str| owner == actor.id || owner == LOCAL_USER;
    match found.as_slice() {
        [(owner, _), _] if !is_plain(owner) => {
            let what = format!("several users have a {} named {}", kind.as_str(), quote(name, 80));
            Err(invalid(what, "let its owner do it").into())
        }
        _ => Ok(found.into_iter().next().map(|(_, document)| document)),
    }
}

const DOCUMENTS: &str =
    "SELECT d.*, u.display_name FROM documents d JOIN user_identities u ON u.id = d.owner_id";

fn document(row: &Row<'_>) -> Result<Document, Failure> {
    let (kind, meta): (String, Option<String>) = (row.get("kind")?, row.get("meta")?);
    let meta: Value = meta.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let names = meta["variables"].as_array().into_iter().flatten();
    Ok(Document {
        id: row.get("id")?,
        kind: DocumentKind::parse(&kind).ok_or_else(|| Failure::Row(format!("document kind {kind:?}")))?,
        name: row.get("name")?,
        owner: row.get("display_name")?,
        category: row.get("category")?,
        description: row.get("description")?,
        head: row.get("head")?,
        active: row.get("active")?,
        is_active: row.get("is_active")?,
        variables: names.filter_map(|name| Some(name.as_str()?.to_owned())).collect(),
        created_at: row.get::<_, i64>("created_at")? as u64,
        updated_at: row.get::<_, i64>("updated_at")? as u64,
    })
}

/// One version of a document.
pub(crate) fn version(
    connection: &Connection,
    document: &str,
    which: Which,
) -> Result<DocumentVersion, Failure> {
    let (head, active, name): (u32, u32, String) = connection.query_row(
        "SELECT head, active, name FROM documents WHERE id = ?1",
        [document],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let number = match which {
        Which::Number(number) => number,
        Which::Active | Which::Current if active > 0 => active,
        Which::Head | Which::Current => head,
        Which::Active => {
            let what = format!("document {} has no active version", quote(&name, 80));
            return Err(invalid(what, "activate one, or name it: NAME@VERSION").into());
        }
    };
    let found =
        versions(connection, "v.document_id = ?1 AND v.version = ?2", params![document, number])?.pop();
    found.ok_or_else(|| {
        let what = format!("document {} has no version {number}", quote(&name, 80));
        invalid(what, format!("it has versions 1 to {head}")).into()
    })
}

/// Versions in their order. `condition` is a constant of this crate.
pub(crate) fn versions(
    connection: &Connection,
    condition: &str,
    params: impl rusqlite::Params,
) -> Result<Vec<DocumentVersion>, Failure> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT v.id, v.document_id, d.kind, d.name, v.version, v.format, v.body, v.parsed, v.hash, v.generated_by,
             v.rollback_of, u.display_name, v.reason, d.active = v.version AND d.is_active, v.created_at
         FROM document_versions v JOIN documents d ON d.id = v.document_id
         LEFT JOIN user_identities u ON u.id = v.author_id
         WHERE {condition} ORDER BY v.version"
    ))?;
    let mut rows = select.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (kind, format, body): (String, String, String) = (row.get(2)?, row.get(5)?, row.get(6)?);
        let kind =
            DocumentKind::parse(&kind).ok_or_else(|| Failure::Row(format!("document kind {kind:?}")))?;
        let parsed: Option<String> = row.get(7)?;
        found.push(DocumentVersion {
            id: row.get(0)?,
            document_id: row.get(1)?,
            kind,
            name: row.get(3)?,
            version: row.get(4)?,
            format: DocumentFormat::parse(&format)
                .ok_or_else(|| Failure::Row(format!("document format {format:?}")))?,
            parsed: parsed.map(|text| crate::rows::parse_json(&text, "a parsed document")).transpose()?,
            hash: crate::rows::parse_digest(&row.get::<_, String>(8)?)?,
            generated_by: row.get(9)?,
            rollback_of: row.get(10)?,
            author: row.get(11)?,
            reason: row.get(12)?,
            is_active: row.get(13)?,
            variables: if kind == DocumentKind::Prompt { bodies::variables(&body) } else { Vec::new() },
            body,
            created_at: row.get::<_, i64>(14)? as u64,
        });
    }
    Ok(found)
}

/// Letters, digits, `.`, `_`, `-` and `/`: a name is part of command lines, paths and `NAME@VERSION`.
fn check_name(name: &str) -> Result<(), StoreError> {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
    if (1..=NAME_CHARS).contains(&name.chars().count()) && name.chars().all(is_plain) {
        return Ok(());
    }
    let what = format!("{} is no name of a document", quote(name, 80));
    Err(invalid(what, format!("1 to {NAME_CHARS} letters, digits, '.', '_', '-' and '/'")))
}

pub(crate) fn check_words(words: &str) -> Result<(), StoreError> {
    let found = words.chars().count();
    if found <= WORDS_CHARS && !words.contains('\0') {
        return Ok(());
    }
    let what =
        format!("a description or reason of {found} characters: limit {WORDS_CHARS}, and none of them NUL");
    Err(invalid(what, "say it shorter"))
}

/// What `solve --setup` reads must be fields with values.
fn check_kind(kind: DocumentKind, parsed: Option<&Value>) -> Result<(), StoreError> {
    if kind != DocumentKind::StrategyConfig || parsed.is_some_and(Value::is_object) {
        return Ok(());
    }
    let hint = "such as `strategy: synthesis` and `limits: {fuel: 1000000}`, in yaml, json or toml";
    Err(invalid("a configuration is fields with values, this is none", hint))
}

/// True where there is a row.
pub(crate) fn exists(
    connection: &Connection,
    sql: &str,
    params: impl rusqlite::Params,
) -> Result<bool, Failure> {
    Ok(connection.query_row(sql, params, |_| Ok(())).optional()?.is_some())
}
