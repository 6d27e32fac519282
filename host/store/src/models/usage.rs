use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use stratagem_domain::{Hold, ModelUsage};

use super::budgets::BudgetScope;
use crate::error::Failure;
use crate::open::now;
use crate::rows::counter;
use crate::writer::Change;
use crate::{Store, StoreError};

pub(super) const DAY_MS: i64 = 86_400_000;

/// What a model was asked and cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ModelSpending {
    pub provider: String,
    pub model: String,
    /// Questions that were sent; those that a kept reply answered are not among them.
    pub questions: u64,
    pub errors: u64,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    pub cost_micros: u64,
}

/// Now; where the clock went back, the time of the last spending: a window that is spent does not open again.
pub(super) fn spending_time(connection: &Connection) -> Result<i64, Failure> {
    let last: Option<i64> = connection
        .prepare_cached(
            "SELECT last_at FROM spending WHERE scope = 'global' AND scope_id = '' ORDER BY day DESC LIMIT 1",
        )?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(now().max(last.unwrap_or(0)))
}

/// Keeps the row of a question that was sent and adds it to the sums of its scopes; false where its row is there
/// already.
pub(super) fn record(
    change: &Change<'_>,
    id: &str,
    at: i64,
    hold: &Hold,
    usage: &ModelUsage,
    scopes: &[(BudgetScope, &str)],
) -> Result<bool, Failure> {
    let there: bool = change
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM resource_usage WHERE id = ?1)")?
        .query_row([id], |row| row.get(0))?;
    if there {
        return Ok(false);
    }
    let detail = serde_json::json!({
        "input_length": usage.prompt_bytes, "output_length": usage.reply_bytes, "is_estimate": usage.is_estimate,
    });
    change
        .prepare_cached(
            "INSERT INTO resource_usage (id, at, kind, name, user_id, run_id, calls, wall_ms, prompt_tokens,
                 completion_tokens, cost_micros, ok, error_type, detail, task_id, experiment_id, provider)
             VALUES (?1, ?2, 'llm', ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
        )?
        .execute(params![
            id,
            at,
            usage.model,
            change.actor.id,
            hold.purpose.run,
            usage.tries,
            counter(usage.wall_ms),
            counter(usage.prompt_tokens),
            counter(usage.completion_tokens),
            counter(usage.cost_micros),
            usage.error.is_none(),
            usage.error,
            detail.to_string(),
            hold.purpose.task,
            hold.purpose.experiment,
            hold.provider,
        ])?;
    let mut add = change.prepare_cached(
        "INSERT INTO spending (scope, scope_id, day, requests, micros, last_at) VALUES (?1, ?2, ?3, 1, ?4, ?5)
         ON CONFLICT (scope, scope_id, day) DO UPDATE SET
             requests = requests + 1, micros = micros + excluded.micros, last_at = max(last_at, excluded.last_at)",
    )?;
    for (scope, scope_id) in scopes {
        add.execute(params![scope.as_str(), scope_id, at / DAY_MS, counter(usage.cost_micros), at])?;
    }
    change.made("usage.record", "resource_usage", id);
    Ok(true)
}

/// What a scope spent from a day on.
pub(super) fn spent(
    connection: &Connection,
    scope: BudgetScope,
    scope_id: &str,
    from_day: i64,
) -> Result<i64, Failure> {
    Ok(connection
        .prepare_cached(
            "SELECT coalesce(sum(micros), 0) FROM spending WHERE scope = ?1 AND scope_id = ?2 AND day >= ?3",
        )?
        .query_row(params![scope.as_str(), scope_id, from_day], |row| row.get(0))?)
}

impl Store {
    /// What models were asked and cost since a time, the dearest first.
    pub fn model_spending(&self, since: i64) -> Result<Vec<ModelSpending>, StoreError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT coalesce(provider, ''), name, count(*), sum(NOT ok), sum(coalesce(prompt_tokens, 0)),
                     sum(coalesce(completion_tokens, 0)), sum(cost_micros)
                 FROM resource_usage WHERE kind = 'llm' AND at >= ?1 GROUP BY 1, 2 ORDER BY 7 DESC, 1, 2",
            )?;
            let lines = select.query_map([since], |row| {
                let number = |column| row.get::<_, i64>(column).map(i64::unsigned_abs);
                Ok(ModelSpending {
                    provider: row.get(0)?,
                    model: row.get(1)?,
                    questions: number(2)?,
                    errors: number(3)?,
                    prompt_tokens: number(4)?,
                    completion_tokens: number(5)?,
                    cost_micros: number(6)?,
                })
            })?;
            Ok(lines.collect::<rusqlite::Result<_>>()?)
        })
    }
}

/// Gives what a run asked while it lasted the id that it is recorded under; the transaction is the run's.
/// `name` is what [`Purpose::run`](stratagem_domain::Purpose::run) said.
pub(crate) fn adopt(connection: &Connection, name: &str, run_id: &str, task_id: &str) -> Result<(), Failure> {
    connection
        .prepare_cached(
            "UPDATE resource_usage SET run_id = ?2, task_id = ?3 WHERE run_id = ?1 AND kind = 'llm'",
        )?
        .execute(params![name, run_id, task_id])?;
    connection
        .prepare_cached("UPDATE spending SET scope_id = ?2 WHERE scope = 'run' AND scope_id = ?1")?
        .execute(params![name, run_id])?;
    Ok(())
}
