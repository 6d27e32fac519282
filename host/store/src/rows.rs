//! How values of the domain stand in columns.

use serde::Serialize;
use serde::de::DeserializeOwned;
use stratagem_domain::{Digest, Level, Outcome, Split};

use crate::error::Failure;

/// The JSON of plain data, which always has one.
pub(crate) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|error| unreachable!("plain data is always JSON: {error}"))
}

pub(crate) fn parse_json<T: DeserializeOwned>(text: &str, what: &str) -> Result<T, Failure> {
    serde_json::from_str(text).map_err(|error| Failure::Row(format!("{what}: {error}")))
}

pub(crate) fn parse_digest(text: &str) -> Result<Digest, Failure> {
    text.parse().map_err(Failure::Row)
}

pub(crate) fn parse_split(text: &str) -> Result<Split, Failure> {
    Split::parse(text).ok_or_else(|| Failure::Row(format!("split {text:?}")))
}

pub(crate) fn parse_outcome(text: &str) -> Result<Outcome, Failure> {
    Outcome::parse(text).ok_or_else(|| Failure::Row(format!("outcome {text:?}")))
}

pub(crate) fn level_name(level: Level) -> &'static str {
    match level {
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    }
}

pub(crate) fn parse_level(text: &str) -> Result<Level, Failure> {
    let levels = [Level::Debug, Level::Info, Level::Warn, Level::Error];
    let level = levels.into_iter().find(|&level| level_name(level) == text);
    level.ok_or_else(|| Failure::Row(format!("level {text:?}")))
}

/// A counter as a column holds it: saturates at 2^63 - 1, which no limit comes near.
pub(crate) fn counter(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Bytes as MiB: exact below 2^53, since the divisor is a power of two.
pub(crate) fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / 1_048_576.0
}

pub(crate) fn bytes(mebibytes: f64) -> u64 {
    (mebibytes * 1_048_576.0) as u64
}
