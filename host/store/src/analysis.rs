//! Advice without a model: what a window of outcomes shows, by rules that can be checked by hand.
//!
//! Each look is a session; what it finds are recommendations with the figures that they rest on. A recommendation that
//! is open already is not made again. Deciding one writes down who decided and changes nothing else: what it advises
//! is done with the commands that it names.

use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use serde_json::{Value, json};

use crate::audit::Entry;
use crate::error::Failure;
use crate::open::{new_id, now};
use crate::writer::Change;
use crate::{Store, StoreError};

/// Outcomes below which nothing is advised.
const LEAST: u64 = 5;
/// The share of failures of one kind from which they are worth a word.
const SHARE: f64 = 0.2;
/// How sure it must be that one version is worse than another, or one window than the one before.
const SURE: f64 = 0.95;
/// The normal quantile of 95 %, on both sides.
const Z: f64 = 1.96;
/// The longest window: ten years.
const LONGEST_MS: i64 = 315_360_000_000;

/// One look at a window.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Analysis {
    pub session: String,
    /// Milliseconds since 1970.
    pub window_start: i64,
    pub window_end: i64,
    pub outcomes_seen: u64,
    pub failures_seen: u64,
    /// New ones; what was open already is not made again.
    pub recommendations: Vec<Recommendation>,
}

/// What should be changed, and why.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recommendation {
    pub id: String,
    pub kind: String,
    pub source_type: String,
    pub source_id: String,
    pub description: String,
    /// The figures that it rests on.
    pub evidence: Value,
    /// 0 to 1.
    pub confidence: f64,
    /// `open`, `applied` or `dismissed`.
    pub status: String,
    pub decided_by: Option<String>,
    /// Milliseconds since 1970.
    pub decided_at: Option<i64>,
    /// 1 to 5.
    pub feedback: Option<u8>,
    pub created_at: i64,
}

/// A recommendation before it has a row.
struct Finding {
    kind: &'static str,
    source_type: &'static str,
    source_id: String,
    description: String,
    evidence: Value,
    confidence: f64,
}

/// Scores or durations of a group: enough to compare it with another.
struct Sample {
    count: u64,
    mean: f64,
    /// Of the mean.
    variance: f64,
}

impl Store {
    /// Looks at the outcomes of the last `window_ms` milliseconds and keeps what they advise.
    pub fn analyse(&self, window_ms: i64) -> Result<Analysis, StoreError> {
        if !(1..=LONGEST_MS).contains(&window_ms) {
            let what = format!("a window of {window_ms} ms: 1 to {LONGEST_MS}");
            return Err(StoreError::Invalid { what, hint: Some("a week is 7 days".to_owned()) });
        }
        self.write("analysing outcomes", move |change| {
            let window_end = now();
            let window_start = window_end - window_ms;
            let outcomes_seen = count(change, "outcomes", window_start)?;
            let failures_seen = count(change, "failure_patterns", window_start)?;
            let mut findings = failing(change, window_start)?;
            findings.extend(worse_versions(change, window_start)?);
            findings.extend(slower(change, window_start, window_ms)?);
            let session = new_id();
            change.made("analysis.run", "llm_recommendation_sessions", &session);
            change.execute(
                "INSERT INTO llm_recommendation_sessions (id, user_id, model, temperature, window_start, window_end,
                     outcomes_seen, patterns_identified, status, started_at, finished_at)
                 VALUES (?1, ?2, 'rules', 0, ?3, ?4, ?5, ?6, 'completed', ?4, ?7)",
                params![
                    session,
                    change.actor.id,
                    window_start,
                    window_end,
                    outcomes_seen as i64,
                    failures_seen as i64,
                    now()
                ],
            )?;
            let mut recommendations = Vec::new();
            for finding in findings {
                recommendations.extend(keep(change, &session, finding)?);
            }
            change.execute(
                "UPDATE llm_recommendation_sessions SET recommendations_generated = ?2 WHERE id = ?1",
                params![session, recommendations.len() as i64],
            )?;
            Ok(Analysis { session, window_start, window_end, outcomes_seen, failures_seen, recommendations })
        })
    }

    /// The open recommendations, surest first; decided ones too where `all`.
    pub fn recommendations(&self, all: bool) -> Result<Vec<Recommendation>, StoreError> {
        self.read(|connection| {
            let mut select = connection.prepare(&format!(
                "{SELECT} WHERE ?1 OR status = 'open' ORDER BY status <> 'open', confidence DESC, created_at DESC, id"
            ))?;
            let rows = select.query_map([all], recommendation)?.collect::<rusqlite::Result<_>>()?;
            Ok(rows)
        })
    }

    /// Decides an open recommendation, given by its id or the beginning of it, and says how good it was, 1 to 5.
    pub fn decide(&self, id: &str, apply: bool, feedback: Option<u8>) -> Result<Recommendation, StoreError> {
        if let Some(feedback) = feedback.filter(|feedback| !(1..=5).contains(feedback)) {
            return Err(StoreError::Invalid { what: format!("feedback {feedback}: 1 to 5"), hint: None });
        }
        let id = id.to_owned();
        self.write("deciding a recommendation", move |change| {
            let id = find(change, &id)?;
            let status = if apply { "applied" } else { "dismissed" };
            change.note(Entry {
                action: if apply { "recommendation.apply" } else { "recommendation.dismiss" },
                subject_kind: "recommendations",
                subject_id: id.clone(),
                before: Some(json!({ "status": "open" })),
                after: Some(json!({ "status": status })),
            });
            change.execute(
                "UPDATE recommendations SET status = ?2, decided_by = ?3, decided_at = ?4, feedback = ?5 WHERE id = ?1",
                params![id, status, change.actor.id, now(), feedback],
            )?;
            Ok(change.query_row(&format!("{SELECT} WHERE id = ?1"), [id], recommendation)?)
        })
    }
}

const SELECT: &str =
    "SELECT id, kind, source_type, source_id, description, evidence, confidence, status, decided_by,
     decided_at, feedback, created_at FROM recommendations";

fn recommendation(row: &rusqlite::Row<'_>) -> rusqlite::Result<Recommendation> {
    let evidence: Option<String> = row.get(5)?;
    Ok(Recommendation {
        id: row.get(0)?,
        kind: row.get(1)?,
        source_type: row.get(2)?,
        source_id: row.get(3)?,
        description: row.get(4)?,
        evidence: evidence.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or(Value::Null),
        confidence: row.get(6)?,
        status: row.get(7)?,
        decided_by: row.get(8)?,
        decided_at: row.get(9)?,
        feedback: row.get(10)?,
        created_at: row.get(11)?,
    })
}

/// The one open recommendation whose id begins so.
fn find(connection: &Connection, start: &str) -> Result<String, Failure> {
    let mut select = connection
        .prepare("SELECT id, status FROM recommendations WHERE substr(id, 1, length(?1)) = ?1 LIMIT 2")?;
    let found: Vec<(String, String)> =
        select.query_map([start], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
    let shown = stratagem_domain::quote(start, 80);
    let refused =
        |what: String, hint: &str| Err(StoreError::Invalid { what, hint: Some(hint.to_owned()) }.into());
    match found.as_slice() {
        [] => refused(
            format!("there is no recommendation {shown}"),
            "list them with `stratagem advise list --all`",
        ),
        [(id, status)] if status == "open" => Ok(id.clone()),
        [(_, status)] => {
            refused(format!("recommendation {shown} is {status} already"), "a decision is made once")
        }
        _ => refused(format!("{shown} fits more than one recommendation"), "give more characters"),
    }
}

fn count(connection: &Connection, table: &str, since: i64) -> Result<u64, Failure> {
    let sql = format!("SELECT count(*) FROM {table} WHERE executed_at > ?1");
    Ok(connection.query_row(&sql, [since], |row| row.get::<_, i64>(0))?.unsigned_abs())
}

/// Writes a finding down; none where the same is open already.
fn keep(change: &Change<'_>, session: &str, finding: Finding) -> Result<Option<Recommendation>, Failure> {
    let Finding { kind, source_type, source_id, description, evidence, confidence } = finding;
    let open: Option<i64> = change
        .query_row(
            "SELECT 1 FROM recommendations WHERE status = 'open' AND kind = ?1 AND source_type = ?2 AND source_id = ?3
             AND json_extract(evidence, '$.rule') = ?4",
            params![kind, source_type, source_id, evidence["rule"].as_str()],
            |row| row.get(0),
        )
        .optional()?;
    if open.is_some() {
        return Ok(None);
    }
    let id = new_id();
    change.execute(
        "INSERT INTO recommendations (id, session_id, source_type, source_id, kind, description, evidence, confidence,
             created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![id, session, source_type, source_id, kind, description, evidence.to_string(), confidence, now()],
    )?;
    Ok(Some(change.query_row(&format!("{SELECT} WHERE id = ?1"), [id], recommendation)?))
}

/// Strategies of whose runs a good part ended in the same way, before their end.
fn failing(connection: &Connection, since: i64) -> Result<Vec<Finding>, Failure> {
    let mut select = connection.prepare(
        "SELECT v.id, p.name, o.error_category, count(*),
             sum(count(*)) OVER (PARTITION BY v.id), max(json_extract(r.limits, '$.' || CASE o.error_category
                 WHEN 'out_of_fuel' THEN 'fuel' WHEN 'past_deadline' THEN 'wall_ms' ELSE 'memory_mb' END))
         FROM outcomes o JOIN runs r ON r.id = o.run_id
         JOIN plugin_versions v ON v.id = r.plugin_version_id JOIN plugins p ON p.id = v.plugin_id
         WHERE o.executed_at > ?1 GROUP BY v.id, o.error_category ORDER BY v.id, o.error_category",
    )?;
    let mut rows = select.query([since])?;
    let mut findings = Vec::new();
    while let Some(row) = rows.next()? {
        let (version, plugin): (String, String) = (row.get(0)?, row.get(1)?);
        let category: Option<String> = row.get(2)?;
        let (failed, of) = (row.get::<_, i64>(3)?.unsigned_abs(), row.get::<_, i64>(4)?.unsigned_abs());
        let limit: Option<i64> = row.get(5)?;
        let Some((kind, limited, remedy)) = category.as_deref().and_then(remedy) else { continue };
        let share = failed as f64 / of as f64;
        if of < LEAST || share < SHARE {
            continue;
        }
        let name = stratagem_domain::quote(&plugin, 80);
        let bound = limit.filter(|_| limited).map_or_else(String::new, |limit| format!(" of {limit}"));
        let category = category.unwrap_or_default();
        findings.push(Finding {
            kind,
            source_type: "pattern_analysis",
            source_id: version,
            description: format!("{failed} of {of} runs of strategy {name} ended as {category}: {remedy}{bound}"),
            evidence: json!({ "rule": category, "failed": failed, "of": of, "limit": limit, "strategy": plugin }),
            confidence: at_least(failed, of),
        });
    }
    Ok(findings)
}

/// What helps against an ending: the sort of change, whether a limit is at work, and words.
fn remedy(category: &str) -> Option<(&'static str, bool, &'static str)> {
    Some(match category {
        "out_of_fuel" => ("config_change", true, "raise `fuel` above the limit"),
        "past_deadline" => ("performance_tuning", true, "use fewer jobs, or raise `wall_ms` above the limit"),
        "out_of_memory" => ("sandbox_optimization", true, "raise `memory_mb` above the limit"),
        "trap" => ("tool_optimization", false, "hold it to the suite with `stratagem plugin check`"),
        "refused" => ("tool_optimization", false, "see what it asks for with `stratagem plugin inspect`"),
        _ => return None,
    })
}

/// Versions of a configuration that do worse than the one before them.
fn worse_versions(connection: &Connection, since: i64) -> Result<Vec<Finding>, Failure> {
    let mut select = connection.prepare(
        "SELECT d.name, v.id, v.version, v.document_id FROM document_versions v JOIN documents d ON d.id = v.document_id
         WHERE v.version > 1 AND d.active = v.version
           AND EXISTS (SELECT 1 FROM outcomes o WHERE o.config_version_id = v.id AND o.executed_at > ?1)",
    )?;
    let rows = select
        .query_map([since], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
        .collect::<rusqlite::Result<Vec<(String, String, i64, String)>>>()?;
    let mut findings = Vec::new();
    for (name, id, version, document) in rows {
        let of_version =
            "config_version_id = (SELECT id FROM document_versions WHERE document_id = ?1 AND version = ?2)";
        let sample = |version: i64| sample(connection, "score", of_version, params![document, version]);
        let (new, old) = (sample(version)?, sample(version - 1)?);
        let Some(sure) = surely_below(&new, &old) else { continue };
        let shown = stratagem_domain::quote(&name, 80);
        findings.push(Finding {
            kind: "config_change",
            source_type: "config_diff",
            source_id: id,
            description: format!(
                "version {version} of configuration {shown} scores {:.3} over {} runs, version {} scored {:.3} over {}: \
                 go back to that version",
                new.mean,
                new.count,
                version - 1,
                old.mean,
                old.count
            ),
            evidence: json!({
                "rule": "worse_version", "configuration": name, "version": version, "score": new.mean, "runs": new.count,
                "score_before": old.mean, "runs_before": old.count
            }),
            confidence: sure,
        });
    }
    Ok(findings)
}

/// Whether runs take surely longer than in the window before.
fn slower(connection: &Connection, since: i64, window_ms: i64) -> Result<Option<Finding>, Failure> {
    let new = sample(connection, "duration_ms", "executed_at > ?1 AND ?2 > 0", params![since, window_ms])?;
    let of_before = "executed_at <= ?1 AND executed_at > ?1 - ?2";
    let old = sample(connection, "duration_ms", of_before, params![since, window_ms])?;
    let Some(sure) = surely_below(&old, &new).filter(|_| new.mean > 1.5 * old.mean) else { return Ok(None) };
    Ok(Some(Finding {
        kind: "performance_tuning",
        source_type: "time_series_analysis",
        source_id: "outcomes".to_owned(),
        description: format!(
            "runs take {:.0} ms, in the window before they took {:.0} ms: see which with `stratagem runs list`",
            new.mean, old.mean
        ),
        evidence: json!({
            "rule": "slower", "duration_ms": new.mean, "runs": new.count, "duration_ms_before": old.mean,
            "runs_before": old.count
        }),
        confidence: sure,
    }))
}

fn sample(
    connection: &Connection,
    column: &str,
    of: &str,
    params: &[&dyn rusqlite::ToSql],
) -> Result<Sample, Failure> {
    let sql = format!(
        "SELECT count(*), coalesce(avg({column}), 0.0), coalesce(avg(1.0 * {column} * {column}), 0.0) FROM outcomes WHERE {of}"
    );
    Ok(connection.query_row(&sql, params, |row| {
        let (count, mean, square): (i64, f64, f64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let variance = (square - mean * mean).max(0.0) / (count - 1).max(1) as f64;
        Ok(Sample { count: count.unsigned_abs(), mean, variance })
    })?)
}

/// How sure it is that a sample's mean lies below another's; none where that is not sure enough, or the samples are small.
fn surely_below(low: &Sample, high: &Sample) -> Option<f64> {
    let difference = high.mean - low.mean;
    if low.count < LEAST || high.count < LEAST || difference <= 0.0 {
        return None;
    }
    let sure = normal(difference / (low.variance + high.variance).sqrt().max(f64::MIN_POSITIVE));
    (sure >= SURE).then_some(sure)
}

/// The lower end of Wilson's interval of 95 %: what a share is at least, as far as its sample tells.
fn at_least(part: u64, of: u64) -> f64 {
    let (n, p) = (of as f64, part as f64 / of as f64);
    let spread = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    ((p + Z * Z / (2.0 * n) - spread) / (1.0 + Z * Z / n)).clamp(0.0, 1.0)
}

/// The normal distribution below `z`, to 1e-7.
///
/// *Source*: Abramowitz and Stegun, formula 26.2.17.
fn normal(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    let coefficients = [0.319_381_530, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429];
    let series = coefficients.iter().rev().fold(0.0, |sum, coefficient| (sum + coefficient) * t);
    let tail = (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt() * series;
    if z < 0.0 { tail } else { 1.0 - tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_probabilities_are_those_of_the_tables() {
        for (z, below) in
            [(0.0, 0.5), (1.0, 0.841_344_7), (1.96, 0.975_002_1), (-1.0, 0.158_655_3), (9.0, 1.0)]
        {
            assert!((normal(z) - below).abs() < 1e-6, "{z}: {}", normal(z));
        }
        // Wilson's interval of 8 of 10 is 0.490 to 0.943.
        assert!((at_least(8, 10) - 0.490).abs() < 1e-3, "{}", at_least(8, 10));
        assert!(at_least(5, 5) < at_least(50, 50) && at_least(0, 10) < 1e-9);
    }

    #[test]
    fn a_difference_needs_a_sample() {
        let of = |count, mean| Sample { count, mean, variance: 0.001 };
        assert!(surely_below(&of(20, 0.2), &of(20, 0.6)).unwrap() > 0.99);
        assert_eq!(surely_below(&of(4, 0.2), &of(20, 0.6)), None);
        assert_eq!(surely_below(&of(20, 0.6), &of(20, 0.2)), None);
        assert_eq!(surely_below(&of(20, 0.59), &of(20, 0.6)), None);
    }
}
