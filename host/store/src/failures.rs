//! Runs that did not come to their end, by what they have in common.
//!
//! A failure belongs to the cluster of its category, type and message without numbers: two traps at other addresses
//! are one fault. It is written in the transaction of its run.

use rusqlite::params;
use serde::Serialize;
use stratagem_domain::{Digest, Ending, Fault, Refusal};

use crate::error::Failure;
use crate::open::{new_id, now};
use crate::writer::Change;
use crate::{Store, StoreError};

/// Characters of a message that are kept.
const MESSAGE_CHARS: usize = 10_000;
/// Characters of a message that tell clusters apart and name them.
const LABEL_CHARS: usize = 300;
/// Fewer hexadecimal digits in a row may be a word.
const HEX_DIGITS: usize = 8;

/// Failures that have the same cause, as far as their words say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailureCluster {
    pub id: String,
    pub category: String,
    pub kind: String,
    /// The message that its failures have in common, numbers replaced by `#`.
    pub label: String,
    pub count: u64,
    /// Milliseconds since 1970, UTC.
    pub last_at: u64,
    /// A run that shows it: the latest.
    pub run_id: Option<String>,
}

/// What a failure is filed under.
struct Kind {
    category: &'static str,
    name: &'static str,
}

impl Kind {
    /// None for a run that came to its end.
    fn of(ending: &Ending) -> Option<Self> {
        if ending.fault() == Fault::Nobody {
            return None;
        }
        let (category, name) = match ending {
            Ending::OutOfFuel => ("fuel", "out_of_fuel"),
            Ending::PastDeadline => ("timeout", "past_deadline"),
            Ending::OutOfMemory => ("memory", "out_of_memory"),
            Ending::Trapped { .. } => ("trap", "trapped"),
            Ending::StackExhausted { .. } => ("trap", "stack_exhausted"),
            Ending::Crashed(_) => ("sandbox_error", "crashed"),
            Ending::Refused { cause, .. } => ("validation_error", refusal_name(*cause)),
            Ending::HostFault(_) => ("system_error", "host_fault"),
            Ending::Returned | Ending::GaveUp(_) => ("unknown", "unknown"),
        };
        Some(Self { category, name })
    }
}

fn refusal_name(cause: Refusal) -> &'static str {
    match cause {
        Refusal::Manifest => "refused_manifest",
        Refusal::Hash => "refused_hash",
        Refusal::Size => "refused_size",
        Refusal::Signature => "refused_signature",
        Refusal::Invalid => "refused_invalid",
        Refusal::Compile => "refused_compile",
        Refusal::Interface => "refused_interface",
        Refusal::NotAsked => "refused_not_asked",
        Refusal::NotGranted => "refused_not_granted",
        Refusal::Describe => "refused_describe",
    }
}

/// Files a failed run; nothing for one that came to its end. The transaction is the caller's, and so is the note.
pub(crate) fn keep(
    change: &Change<'_>,
    ending: &Ending,
    outcome_id: &str,
    executed_at: i64,
) -> Result<(), Failure> {
    let Some(kind) = Kind::of(ending) else { return Ok(()) };
    let message = ending.reason();
    let label = common(message.as_deref().unwrap_or_default());
    let parts = [kind.category, kind.name, &label].map(str::as_bytes);
    let cluster: String = change
        .prepare_cached(
            "INSERT INTO failure_clusters (id, key, label, similar_count, created_at) VALUES (?1, ?2, ?3, 1, ?4)
             ON CONFLICT (key) DO UPDATE SET similar_count = similar_count + 1 RETURNING id",
        )?
        .query_row(params![new_id(), Digest::of_parts(parts).to_string(), label, now()], |row| row.get(0))?;
    let message: Option<String> = message.map(|text| text.chars().take(MESSAGE_CHARS).collect());
    change
        .prepare_cached(
            "INSERT INTO failure_patterns (id, outcome_id, executed_at, category, type, message, cluster_id,
                 cluster_confidence, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1.0, ?8)",
        )?
        .execute(params![
            new_id(),
            outcome_id,
            executed_at,
            kind.category,
            kind.name,
            message,
            cluster,
            now()
        ])?;
    Ok(())
}

/// A message without what differs from run to run: numbers, addresses, digests and the width of gaps.
fn common(message: &str) -> String {
    let mut label = String::new();
    let mut rest = message;
    while let Some(first) = rest.chars().next().filter(|_| label.len() < LABEL_CHARS) {
        let end = |rest: &str| rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let word = &rest[..if first.is_ascii_alphanumeric() { end(rest) } else { first.len_utf8() }];
        rest = &rest[word.len()..];
        if first.is_whitespace() {
            rest = rest.trim_start();
            label.push(' ');
        } else if is_number(word) {
            label.push('#');
        } else {
            // Digits within a word become one mark: `x1` and `x22` are the same variable.
            for letter in word.chars() {
                if !letter.is_ascii_digit() {
                    label.push(letter);
                } else if !label.ends_with('#') {
                    label.push('#');
                }
            }
        }
    }
    label.trim().chars().take(LABEL_CHARS).collect()
}

fn is_number(word: &str) -> bool {
    let digits = word.strip_prefix("0x").unwrap_or(word);
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let has_digit = digits.bytes().any(|byte| byte.is_ascii_digit());
    let is_prefixed = digits.len() < word.len();
    word.bytes().all(|byte| byte.is_ascii_digit())
        || (is_hex && (is_prefixed || (digits.len() >= HEX_DIGITS && has_digit)))
}

impl Store {
    /// The clusters of failures, the largest first.
    pub fn failure_clusters(&self, limit: usize) -> Result<Vec<FailureCluster>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT c.id, max(f.category), max(f.type), c.label, c.similar_count, max(f.executed_at),
                     (SELECT o.run_id FROM failure_patterns l
                      JOIN outcomes o ON o.id = l.outcome_id AND o.executed_at = l.executed_at
                      WHERE l.cluster_id = c.id ORDER BY l.executed_at DESC, l.id DESC LIMIT 1)
                 FROM failure_clusters c JOIN failure_patterns f ON f.cluster_id = c.id
                 GROUP BY c.id ORDER BY c.similar_count DESC, c.id LIMIT ?1",
            )?;
            let rows = select.query_map([limit], |row| {
                Ok(FailureCluster {
                    id: row.get(0)?,
                    category: row.get(1)?,
                    kind: row.get(2)?,
                    label: row.get(3)?,
                    count: row.get::<_, i64>(4)? as u64,
                    last_at: row.get::<_, i64>(5)? as u64,
                    run_id: row.get(6)?,
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_from_run_to_run_does_not_tell_failures_apart() {
        for (one, other) in [
            (
                "index out of bounds: the len is 3 but the index is 7",
                "index out of bounds: the len is 12 but the index is 12",
            ),
            ("read at 0x7fff12ab", "read at  0x10"),
            ("task 007bbfb7 is odd", "task 3c9b0459\tis odd"),
            ("x1 = 5", "x22 = 6"),
        ] {
            assert_eq!(common(one), common(other));
        }
        assert_eq!(common("  grid of 3 rows "), "grid of # rows");
        assert_ne!(common("unreachable"), common("divide by zero"));
        assert_eq!(common("deadbeef and facade"), "deadbeef and facade", "words without a digit are words");
        assert_eq!(common(""), "");
        assert!(common(&"日本 9".repeat(1_000)).chars().count() <= LABEL_CHARS);
    }
}
