//! What people and programs said, in order: the one table of conversations.

use rusqlite::{OptionalExtension, params};
use serde::Serialize;
use serde_json::Value;

use crate::open::{new_id, now};
use crate::rows::parse_json;
use crate::users::invalid;
use crate::{Store, StoreError};

/// Bytes of a message.
pub const LONGEST_MESSAGE: usize = 1_048_576;

/// A message to keep.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewMessage {
    /// Who said it, by id; none where a program did.
    pub user: Option<String>,
    pub channel: Option<String>,
    pub guild: Option<String>,
    /// `text`, `email`, `reply`, ...
    pub kind: String,
    pub body: String,
    /// The message that it answers.
    pub reply_to: Option<String>,
    pub meta: Option<Value>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Message {
    pub id: String,
    pub user: Option<String>,
    pub channel: Option<String>,
    pub guild: Option<String>,
    pub kind: String,
    pub body: String,
    pub reply_to: Option<String>,
    pub meta: Option<Value>,
    /// Milliseconds since 1970, UTC.
    pub created_at: u64,
}

/// Which messages to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageFilter {
    pub user: Option<String>,
    pub channel: Option<String>,
    pub limit: usize,
}

impl Default for MessageFilter {
    fn default() -> Self {
        Self { user: None, channel: None, limit: 50 }
    }
}

impl Store {
    /// Keeps a message and returns its id.
    ///
    /// *Errors*: [`StoreError::Invalid`] where it is empty or longer than [`LONGEST_MESSAGE`], or names a user or
    /// message that is not there.
    pub fn add_message(&self, message: NewMessage) -> Result<String, StoreError> {
        if message.body.is_empty() || message.body.len() > LONGEST_MESSAGE || message.kind.is_empty() {
            let what = format!("message of {} bytes and kind {:?}", message.body.len(), message.kind);
            let hint = Some(format!("1 to {LONGEST_MESSAGE} bytes, and a kind such as `text`"));
            return Err(StoreError::Invalid { what, hint });
        }
        self.write("keeping a message", move |change| {
            let NewMessage { user, channel, guild, kind, body, reply_to, meta } = message;
            let is_there = |sql: &str, id: &Option<String>| -> rusqlite::Result<bool> {
                let Some(id) = id else { return Ok(true) };
                Ok(change.prepare_cached(sql)?.query_row([id], |_| Ok(())).optional()?.is_some())
            };
            if !is_there("SELECT 1 FROM user_identities WHERE id = ?1 AND status = 'active'", &user)?
                || !is_there("SELECT 1 FROM messages WHERE id = ?1", &reply_to)?
            {
                return invalid(
                    "a message names a user or a message that is not there",
                    "name an active user and a message that is kept, by id",
                );
            }
            let id = new_id();
            change
                .prepare_cached(
                    "INSERT INTO messages (id, user_id, channel, guild_id, kind, body, reply_to, meta, created_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                )?
                .execute(params![
                    id,
                    user,
                    channel,
                    guild,
                    kind,
                    body,
                    reply_to,
                    meta.map(|meta| meta.to_string()),
                    now()
                ])?;
            change.made("message.add", "messages", &id);
            Ok(id)
        })
    }

    /// Messages that a filter lets through, newest first.
    pub fn messages(&self, filter: &MessageFilter) -> Result<Vec<Message>, StoreError> {
        let limit = i64::try_from(filter.limit).unwrap_or(i64::MAX);
        self.read(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT id, user_id, channel, guild_id, kind, body, reply_to, meta, created_at FROM messages
                 WHERE (?1 IS NULL OR user_id = ?1) AND (?2 IS NULL OR channel = ?2)
                 ORDER BY created_at DESC, id DESC LIMIT ?3",
            )?;
            let mut rows = select.query(params![filter.user, filter.channel, limit])?;
            let mut messages = Vec::new();
            while let Some(row) = rows.next()? {
                let meta: Option<String> = row.get(7)?;
                messages.push(Message {
                    id: row.get(0)?,
                    user: row.get(1)?,
                    channel: row.get(2)?,
                    guild: row.get(3)?,
                    kind: row.get(4)?,
                    body: row.get(5)?,
                    reply_to: row.get(6)?,
                    meta: meta.map(|text| parse_json(&text, "the meta of a message")).transpose()?,
                    created_at: row.get::<_, i64>(8)?.unsigned_abs(),
                });
            }
            Ok(messages)
        })
    }
}
