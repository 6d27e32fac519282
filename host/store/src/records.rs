//! What the recorder takes: outcomes, with what failed and which tools they used.

use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use stratagem_domain::Digest;

use crate::StoreError;
use crate::error::Failure;
use crate::open::new_id;
use crate::rows::counter;

/// Characters of a failure's message that are kept.
const MESSAGE_CHARS: usize = 10_000;
/// Characters of the label of a cluster.
const LABEL_CHARS: usize = 200;
/// Characters of an idempotency key, of a tool's name and of a failure's type.
const NAME_CHARS: usize = 200;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutcomeStatus {
    #[default]
    Success,
    Error,
    Timeout,
    Cancelled,
}

impl OutcomeStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Error => "error",
            Self::Timeout => "timeout",
            Self::Cancelled => "cancelled",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureCategory {
    Timeout,
    Fuel,
    Memory,
    Trap,
    ToolError,
    ModelError,
    ValidationError,
    SystemError,
    SandboxError,
    Unknown,
}

impl FailureCategory {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Fuel => "fuel",
            Self::Memory => "memory",
            Self::Trap => "trap",
            Self::ToolError => "tool_error",
            Self::ModelError => "model_error",
            Self::ValidationError => "validation_error",
            Self::SystemError => "system_error",
            Self::SandboxError => "sandbox_error",
            Self::Unknown => "unknown",
        }
    }
}

/// Why an outcome is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureRecord {
    pub category: FailureCategory,
    /// What it is called where it came from, such as `unreachable`.
    pub kind: String,
    pub message: Option<String>,
}

impl FailureRecord {
    /// The message without its numbers: what differs between failures of one cause.
    fn shape(&self) -> String {
        let mut shape = String::new();
        for character in self.message.as_deref().unwrap_or_default().chars().take(MESSAGE_CHARS) {
            match character {
                '0'..='9' if shape.ends_with('#') => {}
                '0'..='9' => shape.push('#'),
                other => shape.push(other),
            }
        }
        shape
    }

    /// Of all failures that are one cluster.
    fn key(&self, shape: &str) -> String {
        let parts = serde_json::json!([self.category.as_str(), self.kind, shape]);
        Digest::of(parts.to_string().as_bytes()).to_string()
    }
}

/// A tool that was used on the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolUse {
    pub name: String,
    pub calls: u64,
    pub wall_ms: u64,
    pub cost_micros: u64,
    pub ok: bool,
}

/// An outcome on its way into `outcomes`. Times are milliseconds since 1970, UTC; money is millionths of a dollar.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OutcomeRecord {
    /// Who records again under the same key changes nothing.
    pub idempotency_key: Option<String>,
    pub executed_at: u64,
    pub run_id: String,
    pub task_id: String,
    pub job_id: Option<String>,
    pub evaluation_id: Option<String>,
    pub config_version_id: Option<String>,
    pub retry: u32,
    pub status: OutcomeStatus,
    /// 0 to 1.
    pub score: f64,
    pub duration_ms: u64,
    pub tokens: u64,
    pub cost_micros: u64,
    pub fuel_spent: u64,
    pub memory_peak_bytes: u64,
    pub error_category: Option<String>,
    pub error_code: Option<String>,
    pub trajectory: Option<Value>,
    pub metrics: Option<Value>,
    pub failure: Option<FailureRecord>,
    pub tools: Vec<ToolUse>,
}

impl OutcomeRecord {
    /// Refuses what the tables would refuse, before it is in a batch with others.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        let refuse = |what: String| Err(StoreError::Invalid { what, hint: None });
        if !(0.0..=1.0).contains(&self.score) {
            return refuse(format!("score {}: 0 to 1", self.score));
        }
        if self.run_id.is_empty() || self.task_id.is_empty() {
            return refuse("an outcome needs a run and a task".to_owned());
        }
        let names = self.tools.iter().map(|tool| &tool.name).chain(&self.idempotency_key);
        let names = names.chain(self.failure.iter().map(|failure| &failure.kind));
        for name in names {
            let most = if self.failure.as_ref().is_some_and(|failure| &failure.kind == name) {
                100
            } else {
                NAME_CHARS
            };
            if !(1..=most).contains(&name.chars().count()) {
                return refuse(format!(
                    "a key, kind or tool has {} characters: 1 to {most}",
                    name.chars().count()
                ));
            }
        }
        Ok(())
    }

    /// Writes it with all that comes with it; none where its key is there already, with the id it has.
    pub(crate) fn write(
        &self,
        connection: &Connection,
        id: &str,
        actor: &str,
    ) -> Result<Option<String>, Failure> {
        let at = counter(self.executed_at);
        let json = |value: &Option<Value>| value.as_ref().map(Value::to_string);
        let mut insert = connection.prepare_cached(INSERT)?;
        let rows = insert.execute(params![
            id,
            at,
            self.run_id,
            self.task_id,
            self.job_id,
            self.retry,
            self.status.as_str(),
            self.score,
            counter(self.duration_ms),
            counter(self.tokens),
            counter(self.cost_micros),
            counter(self.fuel_spent),
            counter(self.memory_peak_bytes),
            self.error_category,
            self.error_code,
            json(&self.trajectory),
            json(&self.metrics),
            self.evaluation_id,
            self.config_version_id,
            self.idempotency_key,
        ])?;
        if rows == 0 {
            let mut select =
                connection.prepare_cached("SELECT id FROM outcomes WHERE idempotency_key = ?1")?;
            return Ok(Some(select.query_row([&self.idempotency_key], |row| row.get(0))?));
        }
        if let Some(failure) = &self.failure {
            self.write_failure(connection, id, failure)?;
        }
        for tool in &self.tools {
            self.write_tool(connection, id, actor, tool)?;
        }
        Ok(None)
    }

    fn write_failure(
        &self,
        connection: &Connection,
        outcome: &str,
        failure: &FailureRecord,
    ) -> Result<(), Failure> {
        let at = counter(self.executed_at);
        let shape = failure.shape();
        let label: String = shape.chars().take(LABEL_CHARS).collect();
        let label = if label.is_empty() { failure.kind.clone() } else { label };
        let cluster: String = connection
            .prepare_cached(
                "INSERT INTO failure_clusters (id, key, label, similar_count, created_at) VALUES (?1, ?2, ?3, 1, ?4)
                 ON CONFLICT (key) DO UPDATE SET similar_count = similar_count + 1 RETURNING id",
            )?
            .query_row(params![new_id(), failure.key(&shape), label, at], |row| row.get(0))?;
        let message: Option<String> =
            failure.message.as_ref().map(|message| message.chars().take(MESSAGE_CHARS).collect());
        connection
            .prepare_cached(
                "INSERT INTO failure_patterns (id, outcome_id, executed_at, category, type, message, cluster_id,
                     cluster_confidence, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1, ?3)",
            )?
            .execute(params![
                new_id(),
                outcome,
                at,
                failure.category.as_str(),
                failure.kind,
                message,
                cluster
            ])?;
        Ok(())
    }

    fn write_tool(
        &self,
        connection: &Connection,
        outcome: &str,
        actor: &str,
        tool: &ToolUse,
    ) -> Result<(), Failure> {
        connection
            .prepare_cached(
                "INSERT INTO resource_usage (id, at, kind, name, user_id, run_id, outcome_id, calls, wall_ms, cost_micros, ok,
                     task_id)
                 VALUES (?1, ?2, 'tool', ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?
            .execute(params![
                new_id(),
                counter(self.executed_at),
                tool.name,
                actor,
                self.run_id,
                outcome,
                counter(tool.calls),
                counter(tool.wall_ms),
                counter(tool.cost_micros),
                tool.ok,
                self.task_id,
            ])?;
        Ok(())
    }
}

const INSERT: &str =
    "INSERT INTO outcomes (id, executed_at, run_id, task_id, job_id, try, status, score, duration_ms,
        tokens, cost_micros, fuel_spent, memory_peak_bytes, error_category, error_code, trajectory, metrics,
        evaluation_id, config_version_id, idempotency_key)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)
    ON CONFLICT (idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_that_differ_in_numbers_alone_are_one_cluster() {
        let failure = |kind: &str, message: &str| FailureRecord {
            category: FailureCategory::Trap,
            kind: kind.to_owned(),
            message: Some(message.to_owned()),
        };
        let key = |failure: &FailureRecord| failure.key(&failure.shape());
        let first = failure("bounds", "index 7 of 12 in row 3");
        assert_eq!(first.shape(), "index # of # in row #");
        assert_eq!(key(&first), key(&failure("bounds", "index 128 of 9 in row 44")));
        assert_ne!(key(&first), key(&failure("bounds", "index 7 of 12 in column 3")));
        assert_ne!(key(&first), key(&failure("range", "index 7 of 12 in row 3")));
    }
}
