//! Patterns: what a plugin found to work, with how often it was tried and how often it did.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use stratagem_domain::{Call, Digest, Pattern};

use crate::error::Failure;
use crate::memory::{MOST_REPLY_BYTES, Scope};
use crate::open::now;
use crate::writer::Change;
use crate::{Store, StoreError};

/// A pattern with its counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CountedPattern {
    pub id: String,
    pub kind: String,
    pub data: String,
    pub trials: u64,
    pub successes: u64,
}

impl CountedPattern {
    pub fn rate(&self) -> f64 {
        if self.trials == 0 { 0.0 } else { self.successes as f64 / self.trials as f64 }
    }

    /// The lower end of Wilson's interval (95 %) for the rate: one success in one trial ranks behind ninety in a
    /// hundred, which the plain rate would not do. Without a trial there is no rate: that comes last.
    fn bound(&self) -> f64 {
        let (trials, successes) = (self.trials as f64, self.successes as f64);
        if self.trials == 0 {
            return f64::NEG_INFINITY;
        }
        let spread = (successes * (trials - successes) / trials + 0.9604).sqrt();
        (successes + 1.9208 - 1.96 * spread) / (trials + 3.8416)
    }

    fn shown(self) -> Pattern {
        Pattern {
            success_rate: self.rate(),
            usage_count: u32::try_from(self.trials).unwrap_or(u32::MAX),
            id: self.id,
            kind: self.kind,
            data: self.data,
        }
    }
}

impl Store {
    /// Patterns of one kind that the actor keeps in a domain, best first.
    pub fn patterns(
        &self,
        domain: &str,
        kind: &str,
        min_success_rate: f64,
        limit: usize,
    ) -> Result<Vec<CountedPattern>, StoreError> {
        let scope = self.scope(domain);
        self.read(|connection| stored(connection, &scope, (kind, min_success_rate, limit), &[]))
    }
}

/// The best patterns of a kind by what their sample is worth, `own` in the place of what is stored of them.
fn stored(
    connection: &Connection,
    scope: &Scope,
    (kind, min_success_rate, limit): (&str, f64, usize),
    own: &[CountedPattern],
) -> Result<Vec<CountedPattern>, Failure> {
    // The engine has no square root: counts are ranked here, and only what is asked for is read whole.
    let mut select = connection.prepare_cached(
        "SELECT id, trials, successes FROM patterns WHERE owner_id = ?1 AND domain = ?2 AND type = ?3",
    )?;
    let counted = |row: &Row<'_>| {
        Ok(CountedPattern {
            id: row.get(0)?,
            kind: kind.to_owned(),
            data: String::new(),
            trials: row.get::<_, i64>(1)? as u64,
            successes: row.get::<_, i64>(2)? as u64,
        })
    };
    let rows = select.query_map(params![scope.owner, scope.domain, kind], counted)?;
    let mut found = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    found.retain(|pattern| own.iter().all(|own| own.id != pattern.id));
    found.extend(own.iter().filter(|own| own.kind == kind).cloned());
    found.retain(|pattern| pattern.rate() >= min_success_rate);
    found.sort_by(|a, b| {
        let by_bound = b.bound().total_cmp(&a.bound());
        by_bound.then(b.trials.cmp(&a.trials)).then_with(|| a.id.cmp(&b.id))
    });
    found.truncate(limit);
    let mut data = connection.prepare_cached("SELECT data FROM patterns WHERE id = ?1")?;
    for pattern in &mut found {
        if own.iter().all(|own| own.id != pattern.id) {
            pattern.data = data.query_row([&pattern.id], |row| row.get(0))?;
        }
    }
    Ok(found)
}

/// The best patterns of a kind as a run sees them: with what it kept itself counted in, and no more of them than one
/// answer holds.
pub(crate) fn best(
    connection: &Connection,
    scope: &Scope,
    asked: (&str, f64, usize),
    own: &[CountedPattern],
) -> Result<Vec<Pattern>, Failure> {
    let mut bytes = 0;
    let shown = stored(connection, scope, asked, own)?.into_iter().map(CountedPattern::shown);
    let fitting = shown.take_while(|pattern| {
        bytes += pattern.bytes();
        bytes <= MOST_REPLY_BYTES
    });
    Ok(fitting.collect())
}

/// The counts of a stored pattern; none where it is new.
pub(crate) fn counts(connection: &Connection, id: &str) -> Result<Option<(u64, u64)>, Failure> {
    let found = connection
        .prepare_cached("SELECT trials, successes FROM patterns WHERE id = ?1")?
        .query_row([id], |row| Ok((row.get::<_, i64>(0)? as u64, row.get::<_, i64>(1)? as u64)))
        .optional()?;
    Ok(found)
}

pub(crate) fn count(connection: &Connection, scope: &Scope) -> Result<u64, Failure> {
    let count: i64 = connection
        .prepare_cached("SELECT count(*) FROM patterns WHERE owner_id = ?1 AND domain = ?2")?
        .query_row(params![scope.owner, scope.domain], |row| row.get(0))?;
    Ok(count as u64)
}

/// Counts one use of a pattern that a run kept, and links its episode to it. A new one beyond `room` is passed over:
/// other runs took the last places since this one asked.
pub(crate) fn keep(
    change: &Change<'_>,
    scope: &Scope,
    episode: Option<&str>,
    (id, call): (&str, &Call),
    room: &mut u64,
) -> Result<(), Failure> {
    let Call::KeepPattern { kind, data, success } = call else { return Ok(()) };
    let is_new = counts(change, id)?.is_none();
    if is_new && *room == 0 {
        return Ok(());
    }
    *room -= u64::from(is_new);
    let id: String = change
        .prepare_cached(
            "INSERT INTO patterns (id, owner_id, domain, type, hash, data, trials, successes, last_used_at, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7, ?8, ?8)
             ON CONFLICT (owner_id, domain, type, hash) DO UPDATE SET
                 trials = trials + 1, successes = successes + excluded.successes,
                 last_used_at = max(coalesce(last_used_at, 0), excluded.last_used_at)
             RETURNING id",
        )?
        .query_row(
            params![
                id,
                scope.owner,
                scope.domain,
                kind,
                Digest::of(data.as_bytes()).to_string(),
                data,
                success,
                now()
            ],
            |row| row.get(0),
        )?;
    // What a run found and then used itself, it extracted.
    change
        .prepare_cached(
            "INSERT INTO episode_patterns (episode_id, pattern_id, role)
             SELECT ?1, ?2, ?3 WHERE ?1 IS NOT NULL AND NOT EXISTS
                 (SELECT 1 FROM episode_patterns WHERE episode_id = ?1 AND pattern_id = ?2)",
        )?
        .execute(params![episode, id, if is_new { "extracted" } else { "used" }])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(successes: u64, trials: u64) -> CountedPattern {
        CountedPattern { id: String::new(), kind: String::new(), data: String::new(), trials, successes }
    }

    #[test]
    fn a_rate_is_trusted_as_far_as_its_sample_goes() {
        let ranked = [(90, 100), (45, 60), (9, 10), (5, 10), (1, 1), (0, 1), (0, 9), (0, 0)];
        let bounds: Vec<f64> =
            ranked.iter().map(|&(successes, trials)| pattern(successes, trials).bound()).collect();
        // Of no success at all, no sample makes more: those are equal but for rounding.
        let (some, none) = bounds.split_at(5);
        assert!(some.is_sorted_by(|a, b| a > b), "{bounds:?}");
        assert!(none[..2].iter().all(|bound| bound.abs() < 1e-12) && none[2] < -1.0, "{bounds:?}");
        // Figures of the interval for 9 of 10, from a table.
        assert!((pattern(9, 10).bound() - 0.596).abs() < 1e-3);
    }
}
