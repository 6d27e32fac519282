//! Memories: what people write down for later, with tags and an importance, and find again.

use rusqlite::{Row, params};
use serde::Serialize;

use crate::audit::Entry;
use crate::error::Failure;
use crate::open::{new_id, now};
use crate::search::expression;
use crate::{Store, StoreError};

/// The longest content, in bytes.
const MAX_CONTENT_BYTES: usize = 1 << 20;
const MAX_TAGS: usize = 50;
const MAX_TAG_CHARS: usize = 100;
/// Memories that an id's beginning may fit before it is said to be too short.
const FITTING: usize = 2;

/// A memory to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMemory {
    pub content: String,
    pub tags: Vec<String>,
    /// Where it belongs: a plugin's domain, or nothing.
    pub domain: String,
    /// What it was about, for search.
    pub context: String,
    /// 1 to 10.
    pub importance: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Memory {
    pub id: String,
    pub content: String,
    pub tags: Vec<String>,
    pub domain: String,
    pub context: String,
    pub importance: u8,
    /// Milliseconds since 1970, UTC.
    pub occurred_at: u64,
}

/// Which memories to list, the newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryFilter {
    pub tag: Option<String>,
    pub domain: Option<String>,
    pub least_importance: u8,
    pub limit: usize,
}

const COLUMNS: &str = "m.id, m.content, m.tags, m.domain, m.context, m.importance, m.occurred_at";

impl NewMemory {
    fn check(&self) -> Result<(), StoreError> {
        let wrong = |what: String, hint: &str| Err(StoreError::Invalid { what, hint: Some(hint.to_owned()) });
        if self.content.trim().is_empty() {
            return wrong("a memory without content".to_owned(), "say what is to be remembered");
        }
        if self.content.len() > MAX_CONTENT_BYTES {
            let what = format!("a memory of {} bytes: limit {MAX_CONTENT_BYTES}", self.content.len());
            return wrong(what, "keep the long text elsewhere and remember where");
        }
        if !(1..=10).contains(&self.importance) {
            return wrong(format!("importance {}: 1 to 10", self.importance), "5 is usual");
        }
        let is_plain = |tag: &String| (1..=MAX_TAG_CHARS).contains(&tag.chars().count());
        if self.tags.len() > MAX_TAGS || !self.tags.iter().all(is_plain) {
            let what =
                format!("{} tags: up to {MAX_TAGS} of 1 to {MAX_TAG_CHARS} characters", self.tags.len());
            return wrong(what, "use fewer or shorter ones");
        }
        Ok(())
    }
}

impl Store {
    /// Keeps a memory of the actor and returns its id.
    pub fn remember(&self, memory: &NewMemory) -> Result<String, StoreError> {
        memory.check()?;
        let mut memory = memory.clone();
        memory.tags.sort();
        memory.tags.dedup();
        self.write("keeping a memory", move |change| {
            let id = new_id();
            change
                .prepare_cached(
                    "INSERT INTO memories (id, user_id, domain, content, tags, context, importance, occurred_at,
                         created_at, updated_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?8)",
                )?
                .execute(params![
                    id,
                    change.actor.id,
                    memory.domain,
                    memory.content,
                    crate::rows::json(&memory.tags),
                    memory.context,
                    memory.importance,
                    now()
                ])?;
            change.made("memory.add", "memories", &id);
            Ok(id)
        })
    }

    /// The actor's memories that a filter lets through, newest first.
    pub fn memories(&self, filter: &MemoryFilter) -> Result<Vec<Memory>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM memories m
             WHERE m.user_id = ?1 AND m.importance >= ?2 AND (?3 IS NULL OR m.domain = ?3)
                 AND (?4 IS NULL OR EXISTS (SELECT 1 FROM json_each(m.tags) t WHERE t.value = ?4))
             ORDER BY m.occurred_at DESC, m.seq DESC LIMIT ?5"
        );
        let limit = i64::try_from(filter.limit).unwrap_or(i64::MAX);
        self.read(|connection| {
            let mut select = connection.prepare_cached(&sql)?;
            let mut rows = select.query(params![
                self.actor().id,
                filter.least_importance,
                filter.domain,
                filter.tag,
                limit
            ])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(memory(row)?);
            }
            Ok(found)
        })
    }

    /// The actor's memories that fit what was typed, best first; the more important of equals first.
    pub fn search_memories(&self, typed: &str, limit: usize) -> Result<Vec<Memory>, StoreError> {
        let Some(expression) = expression(typed) else { return Ok(Vec::new()) };
        let sql = format!(
            "SELECT {COLUMNS} FROM memories_fts CROSS JOIN memories m ON m.seq = memories_fts.rowid
             WHERE memories_fts MATCH ?1 AND m.user_id = ?2
             ORDER BY bm25(memories_fts), m.importance DESC, m.seq DESC LIMIT ?3"
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read(|connection| {
            let mut select = connection.prepare_cached(&sql)?;
            let mut rows = select.query(params![expression, self.actor().id, limit])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(memory(row)?);
            }
            Ok(found)
        })
    }

    /// Forgets a memory of the actor, by its id or the start of it, and returns the whole id.
    pub fn forget_memory(&self, id_or_prefix: &str) -> Result<String, StoreError> {
        let given = id_or_prefix.to_ascii_lowercase();
        self.write("forgetting a memory", move |change| {
            let mut select = change.prepare_cached(
                "SELECT id FROM memories WHERE user_id = ?1 AND substr(id, 1, length(?2)) = ?2 LIMIT ?3",
            )?;
            let fitting = select
                .query_map(params![change.actor.id, given, FITTING as i64], |row| row.get(0))?
                .collect::<rusqlite::Result<Vec<String>>>()?;
            let told = |what: String, hint: &str| {
                let hint = Some(hint.to_owned());
                Failure::from(StoreError::Invalid { what, hint })
            };
            let shown = stratagem_domain::quote(&given, 80);
            let id = match fitting.as_slice() {
                [id] if !given.is_empty() => id.clone(),
                [] => {
                    return Err(told(format!("no memory {shown}"), "`stratagem memory list` shows the ids"));
                }
                _ => return Err(told(format!("memory id {shown} fits several"), "give more characters")),
            };
            change.execute("DELETE FROM memories WHERE id = ?1", [&id])?;
            let before = Some(serde_json::json!({}));
            change.note(Entry {
                action: "memory.forget",
                subject_kind: "memories",
                subject_id: id.clone(),
                before,
                after: None,
            });
            Ok(id)
        })
    }
}

fn memory(row: &Row<'_>) -> Result<Memory, Failure> {
    Ok(Memory {
        id: row.get(0)?,
        content: row.get(1)?,
        tags: crate::rows::parse_json(&row.get::<_, String>(2)?, "the tags of a memory")?,
        domain: row.get(3)?,
        context: row.get(4)?,
        importance: row.get(5)?,
        occurred_at: row.get::<_, i64>(6)? as u64,
    })
}
