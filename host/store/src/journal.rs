//! What a run asked of the host and what it got, kept so that a replay can play it back.
//!
//! The bytes of artifacts are not in it: they lie once, by their digest, and `journal_artifacts` says which they are.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use stratagem_domain::training::{Said, Trained};
use stratagem_domain::{Call, Declined, Digest, Exchange, Reply};

use crate::error::Failure;
use crate::learned;
use crate::rows::{json, parse_json};

/// An exchange without the bytes of an artifact, whose digest stands for them.
#[derive(Serialize, Deserialize)]
struct Line {
    #[serde(flatten)]
    exchange: Exchange,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    artifact: Option<Digest>,
}

/// The bytes of an artifact that an exchange carries.
fn artifact(exchange: &mut Exchange) -> Option<&mut Vec<u8>> {
    match exchange {
        Exchange { call: Call::Save { bytes, .. }, .. }
        | Exchange { reply: Ok(Reply::Loaded(Some(bytes))), .. }
        | Exchange {
            reply: Ok(Reply::Trained(Trained { said: Said::Saved { weights: bytes, .. }, .. })),
            ..
        } => Some(bytes),
        _ => None,
    }
}

/// Keeps a journal, compressed; nothing where a run asked for nothing.
pub(crate) fn keep(connection: &Connection, run_id: &str, journal: &[Exchange]) -> Result<(), Failure> {
    if journal.is_empty() {
        return Ok(());
    }
    let (mut lines, mut digests) = (Vec::with_capacity(journal.len()), BTreeSet::new());
    for exchange in journal {
        let mut exchange = exchange.clone();
        let artifact = artifact(&mut exchange).map(std::mem::take);
        let artifact = artifact.map(|bytes| learned::put(connection, &bytes)).transpose()?;
        digests.extend(artifact.clone());
        let artifact = artifact.map(|digest| digest.parse().map_err(Failure::Row)).transpose()?;
        lines.push(Line { exchange, artifact });
    }
    let text = json(&lines);
    connection
        .prepare_cached("INSERT INTO run_journals (run_id, exchanges, bytes, body) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![
            run_id,
            journal.len() as i64,
            text.len() as i64,
            lz4_flex::compress_prepend_size(text.as_bytes())
        ])?;
    let mut insert =
        connection.prepare_cached("INSERT INTO journal_artifacts (run_id, digest) VALUES (?1, ?2)")?;
    for digest in digests {
        insert.execute(params![run_id, digest])?;
    }
    Ok(())
}

/// The journal of a run. Where the bytes of an artifact are gone, what was loaded is said to be unavailable: a replay
/// then differs, and says where.
pub(crate) fn load(connection: &Connection, run_id: &str) -> Result<Vec<Exchange>, Failure> {
    let body: Option<Vec<u8>> = connection
        .prepare_cached("SELECT body FROM run_journals WHERE run_id = ?1")?
        .query_row([run_id], |row| row.get(0))
        .optional()?;
    let Some(body) = body else { return Ok(Vec::new()) };
    let broken = |what: &str| Failure::Row(format!("the journal of run {run_id}: {what}"));
    let text = lz4_flex::decompress_size_prepended(&body).map_err(|error| broken(&error.to_string()))?;
    let text = String::from_utf8(text).map_err(|_| broken("not UTF-8"))?;
    let lines: Vec<Line> = parse_json(&text, "the journal of a run")?;
    let whole = |line: Line| {
        let Line { mut exchange, artifact: digest } = line;
        let Some(digest) = digest else { return Ok(exchange) };
        let kept = learned::bytes(connection, &digest.to_string())?;
        match (kept, artifact(&mut exchange)) {
            (Some(kept), Some(bytes)) => *bytes = kept,
            _ => {
                exchange.reply =
                    Err(Declined::Unavailable(format!("artifact {digest} is not kept any more")));
            }
        }
        Ok(exchange)
    };
    lines.into_iter().map(whole).collect()
}
