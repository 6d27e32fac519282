//! What a run asked of the host and what it got, kept so that a replay can play it back.

use rusqlite::{Connection, OptionalExtension, params};
use stratagem_domain::Exchange;

use crate::error::Failure;
use crate::rows::{json, parse_json};

/// Keeps a journal, compressed; nothing where a run asked for nothing.
pub(crate) fn keep(connection: &Connection, run_id: &str, journal: &[Exchange]) -> Result<(), Failure> {
    if journal.is_empty() {
        return Ok(());
    }
    let text = json(&journal);
    connection
        .prepare_cached("INSERT INTO run_journals (run_id, exchanges, bytes, body) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![
            run_id,
            journal.len() as i64,
            text.len() as i64,
            lz4_flex::compress_prepend_size(text.as_bytes())
        ])?;
    Ok(())
}

pub(crate) fn load(connection: &Connection, run_id: &str) -> Result<Vec<Exchange>, Failure> {
    let body: Option<Vec<u8>> = connection
        .prepare_cached("SELECT body FROM run_journals WHERE run_id = ?1")?
        .query_row([run_id], |row| row.get(0))
        .optional()?;
    let Some(body) = body else { return Ok(Vec::new()) };
    let broken = |what: &str| Failure::Row(format!("the journal of run {run_id}: {what}"));
    let text = lz4_flex::decompress_size_prepended(&body).map_err(|error| broken(&error.to_string()))?;
    let text = String::from_utf8(text).map_err(|_| broken("not UTF-8"))?;
    parse_json(&text, "the journal of a run")
}
