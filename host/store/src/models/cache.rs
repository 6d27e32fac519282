use rusqlite::{OptionalExtension, params};
use serde::Serialize;
use stratagem_domain::{Keeping, KeptReply, ModelUsage, Question};

use crate::actor::Actor;
use crate::audit::Entry;
use crate::error::Failure;
use crate::open::now;
use crate::rows::counter;
use crate::writer::Change;
use crate::{Store, StoreError};

/// Rows that the sweeper deletes in one transaction: nobody waits long for it.
const SWEPT: u64 = 500;

/// What is kept of replies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReplyCounts {
    pub replies: u64,
    pub expired: u64,
    pub bytes: u64,
    pub hits: u64,
    /// What the hits would have cost.
    pub saved_micros: u64,
}

/// A reply on its way into the table.
pub(super) struct Row {
    key: String,
    provider: String,
    model: String,
    prompt_hash: String,
    params: String,
    reply: KeptReply,
    lasts_ms: u64,
}

impl Row {
    pub(super) fn new(actor: &Actor, question: &Question, reply: &KeptReply, keeping: &Keeping) -> Self {
        Self {
            key: key(actor, question, keeping),
            provider: question.provider.clone(),
            model: question.model.clone(),
            prompt_hash: question.prompt_hash().to_string(),
            params: question.params.to_string(),
            reply: reply.clone(),
            lasts_ms: keeping.lasts_ms,
        }
    }

    /// Keeps the reply, in place of one that has expired or that another asked for meanwhile.
    pub(super) fn keep(&self, change: &Change<'_>, usage: &ModelUsage) -> Result<(), Failure> {
        let at = now();
        change
            .prepare_cached(
                "INSERT INTO llm_cache (key, provider, model, prompt_hash, params, response, user_id, prompt_tokens,
                     completion_tokens, cost_micros, created_at, last_hit_at, expires_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11, ?12)
                 ON CONFLICT (key) DO UPDATE SET
                     response = excluded.response, user_id = excluded.user_id, prompt_tokens = excluded.prompt_tokens,
                     completion_tokens = excluded.completion_tokens, cost_micros = excluded.cost_micros,
                     created_at = excluded.created_at, expires_at = excluded.expires_at",
            )?
            .execute(params![
                self.key,
                self.provider,
                self.model,
                self.prompt_hash,
                self.params,
                self.reply.text,
                change.actor.id,
                self.reply.prompt_tokens,
                self.reply.completion_tokens,
                counter(usage.cost_micros),
                at,
                at.saturating_add(counter(self.lasts_ms)),
            ])?;
        change.made("reply.keep", "llm_cache", &self.key);
        Ok(())
    }
}

fn key(actor: &Actor, question: &Question, keeping: &Keeping) -> String {
    question.key((!keeping.is_shared).then_some(&actor.id)).to_string()
}

impl Store {
    /// The reply to a question where one is kept. One whose time is over is not there; nor is one from after now,
    /// whose age the clock cannot tell.
    pub(super) fn kept_reply(
        &self,
        question: &Question,
        keeping: &Keeping,
    ) -> Result<Option<KeptReply>, StoreError> {
        let key = key(self.actor(), question, keeping);
        let found = self.read(|connection| {
            Ok(connection
                .prepare_cached(
                    "SELECT response, prompt_tokens, completion_tokens FROM llm_cache
                     WHERE key = ?1 AND expires_at > ?2 AND created_at <= ?2",
                )?
                .query_row(params![key, now()], |row| {
                    Ok(KeptReply {
                        text: row.get(0)?,
                        prompt_tokens: row.get(1)?,
                        completion_tokens: row.get(2)?,
                    })
                })
                .optional()?)
        })?;
        if found.is_some() {
            self.write("asking a language model", move |change| {
                let rows = change
                    .prepare_cached("UPDATE llm_cache SET hits = hits + 1, last_hit_at = ?2 WHERE key = ?1")?
                    .execute(params![key, now()])?;
                if rows > 0 {
                    let seen = || Some(serde_json::json!({}));
                    change.note(Entry {
                        action: "reply.hit",
                        subject_kind: "llm_cache",
                        subject_id: key,
                        before: seen(),
                        after: seen(),
                    });
                }
                Ok(())
            })?;
        }
        Ok(found)
    }

    /// Deletes the replies whose time is over and returns how many they were.
    pub fn sweep_llm_cache(&self) -> Result<u64, StoreError> {
        let mut swept = 0;
        loop {
            let rows = self.write("sweeping kept replies", |change| {
                let rows = change
                    .prepare_cached(
                        "DELETE FROM llm_cache WHERE key IN
                             (SELECT key FROM llm_cache WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
                    )?
                    .execute(params![now(), counter(SWEPT)])?;
                if rows > 0 {
                    change.note(Entry {
                        action: "reply.sweep",
                        subject_kind: "llm_cache",
                        subject_id: String::new(),
                        before: Some(serde_json::json!({"rows": rows})),
                        after: None,
                    });
                }
                Ok(rows as u64)
            })?;
            swept += rows;
            if rows < SWEPT {
                return Ok(swept);
            }
        }
    }

    pub fn reply_counts(&self) -> Result<ReplyCounts, StoreError> {
        self.read(|connection| {
            Ok(connection.query_row(
                "SELECT count(*), coalesce(sum(expires_at <= ?1), 0), coalesce(sum(octet_length(response)), 0),
                     coalesce(sum(hits), 0), coalesce(sum(hits * cost_micros), 0)
                 FROM llm_cache",
                [now()],
                |row| {
                    let number = |column| row.get::<_, i64>(column).map(i64::unsigned_abs);
                    Ok(ReplyCounts {
                        replies: number(0)?,
                        expired: number(1)?,
                        bytes: number(2)?,
                        hits: number(3)?,
                        saved_micros: number(4)?,
                    })
                },
            )?)
        })
    }
}
