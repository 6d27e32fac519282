use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    Backing, Digest, Ending, Exchange, Grid, LabelledTask, Limits, NoBacking, Outcome, PluginIdentity, Score,
    Task,
};

/// What a strategy is configured with: text by key, as `run.setting` hands it out.
pub type Settings = BTreeMap<String, String>;

/// An answer to one test input, valid by construction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    pub test_index: usize,
    pub grid: Grid,
    /// 0 to 1: the strategy's own estimate.
    pub confidence: f64,
    pub rationale: String,
}

/// One step of a trajectory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub action: String,
    pub detail: String,
    pub success: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    pub level: Level,
    pub message: String,
}

/// The kinds of host functions: each has a limit of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostCall {
    Offer,
    /// `step` and `log`.
    Note,
    /// `budget`, `seed` and `setting`.
    Query,
    Wasi,
    Memory,
    Artifacts,
    Ttt,
    Llm,
}

/// How often a run called host functions, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Calls {
    pub offer: u64,
    pub note: u64,
    pub query: u64,
    pub wasi: u64,
    pub memory: u64,
    pub artifacts: u64,
    pub ttt: u64,
    pub llm: u64,
}

impl Calls {
    pub fn of(&mut self, kind: HostCall) -> &mut u64 {
        match kind {
            HostCall::Offer => &mut self.offer,
            HostCall::Note => &mut self.note,
            HostCall::Query => &mut self.query,
            HostCall::Wasi => &mut self.wasi,
            HostCall::Memory => &mut self.memory,
            HostCall::Artifacts => &mut self.artifacts,
            HostCall::Ttt => &mut self.ttt,
            HostCall::Llm => &mut self.llm,
        }
    }
}

/// What a run used, measured by the host, and which limits it came up against.
///
/// Stored with every run: a field that came later is read as 0.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// The limits that the run came up against, whether they ended it or not, by name.
    pub limits_hit: BTreeSet<String>,
    pub fuel_spent: u64,
    /// CPU time of the thread that ran the plugin, host calls included.
    pub cpu_seconds: f64,
    pub wall_ms: u64,
    /// The highest sum of all linear memories, in bytes.
    pub memory_peak_bytes: u64,
    /// The highest sum of all tables.
    pub table_elements_peak: u64,
    /// Growths of memories and tables that were denied.
    pub growths_denied: u64,
    pub host_calls: u64,
    pub calls: Calls,
    /// Bytes that the plugin handed to the host, in all and in the largest call.
    pub lifted_bytes: u64,
    pub lifted_bytes_call_peak: u64,
    pub answers_offered: u64,
    pub answers_refused: u64,
    /// Cells and rationales of the answers that were kept.
    pub answer_bytes: u64,
    pub rationale_bytes_cut: u64,
    pub steps_dropped: u64,
    pub log_lines_dropped: u64,
    pub log_bytes: u64,
    pub log_bytes_dropped: u64,
    pub artifact_bytes: u64,
    /// What it asked with and got through `memory`, `artifacts`, `ttt` and `llm`.
    pub lent_bytes: u64,
    /// The most that its adaptations held of the device at once.
    pub device_memory_peak_bytes: u64,
    /// Milliseconds of the device's time.
    pub device_ms: u64,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    /// Millionths of a dollar.
    pub cost_micros: u64,
}

/// All that comes of one run of the sandbox.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunReport {
    pub ending: Ending,
    /// In the order in which they were offered.
    pub answers: Vec<Answer>,
    pub steps: Vec<Step>,
    pub log: Vec<LogLine>,
    pub usage: Usage,
    /// What it asked of the host beyond `run`, in order, and what it got.
    pub journal: Vec<Exchange>,
}

/// What a run is made of: the same recipe gives the same answers and spends the same fuel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipe {
    pub plugin: PluginIdentity,
    /// Of the task with its id and known outputs, see [`LabelledTask::digest`].
    pub task: Digest,
    pub seed: u64,
    pub limits: Limits,
    pub settings: Settings,
    /// Of what the plugin was granted and uses beyond `run`, contents of folders included; none where it is
    /// nothing, so that such recipes keep the digest that they had before there were grants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grants: Option<Digest>,
}

impl Recipe {
    /// The key by which a finished run is found again. Name and version are labels of the
    /// digest and do not count; the wall limit does, since it can end a run.
    pub fn digest(&self) -> Digest {
        let parts = (self.plugin.digest, self.task, self.seed, &self.limits, &self.settings);
        let json = match self.grants {
            None => serde_json::to_vec(&parts),
            Some(grants) => serde_json::to_vec(&(parts, grants)),
        };
        Digest::of(&json.unwrap_or_else(|error| unreachable!("a recipe is always JSON: {error}")))
    }
}

/// A strategy that can be run: the port that `runtime` implements.
pub trait Strategy: Sync {
    fn plugin(&self) -> &PluginIdentity;

    /// Of what it was granted beyond `run`, see [`Recipe::grants`].
    fn grants(&self) -> Option<Digest> {
        None
    }

    /// Runs the strategy on a task. It always returns: whatever the plugin does is in the report.
    ///
    /// What it asks of the host beyond `run`, `backing` answers, one call at a time.
    fn run_with(
        &self,
        task: &Task,
        seed: u64,
        limits: &Limits,
        settings: &Settings,
        backing: Arc<dyn Backing>,
    ) -> RunReport;

    /// As [`Self::run_with`], where nothing is backed.
    fn run(&self, task: &Task, seed: u64, limits: &Limits, settings: &Settings) -> RunReport {
        self.run_with(task, seed, limits, settings, Arc::new(NoBacking))
    }
}

/// An answer as it is stored: with its rank and whether it was right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredAnswer {
    pub answer: Answer,
    /// 1-based among the attempts at its test input; none where it was not among the best.
    pub rank: Option<usize>,
    /// None where the output is not known.
    pub is_correct: Option<bool>,
}

/// Where a run belongs among what else is stored. It does not decide what the run does, so it is no part of the recipe.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Of `evaluations`: the list of tasks that it is one of.
    pub evaluation: Option<String>,
    /// Of `document_versions`: where its settings come from.
    pub config_version: Option<String>,
    /// Where its episode and what it keeps are found again; the plugin's name where none is given.
    pub domain: Option<String>,
}

/// A finished run with all that is kept of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredRun {
    /// Set by the ledger: a UUIDv7, empty before the run is recorded.
    pub id: String,
    pub recipe: Recipe,
    pub task_id: String,
    pub outcome: Outcome,
    pub ending: Ending,
    pub score: Option<Score>,
    pub answers: Vec<StoredAnswer>,
    pub steps: Vec<Step>,
    pub log: Vec<LogLine>,
    pub usage: Usage,
    pub journal: Vec<Exchange>,
    pub place: Place,
    /// Milliseconds since 1970, UTC.
    pub started_at: u64,
    pub finished_at: u64,
}

/// Why the ledger could not keep or find a run: the host's or the operator's fault, never a plugin's.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct LedgerError {
    pub message: String,
    /// What the operator can do about it.
    pub hint: Option<String>,
}

/// Where finished runs are kept: the port that `store` implements.
pub trait Ledger: Sync {
    /// Keeps a finished run, whole or not at all, and returns its id.
    ///
    /// Datasets share tasks: `dataset` says which one's task was run; none takes the latest import that has it.
    fn record(
        &self,
        run: &StoredRun,
        task: &LabelledTask,
        dataset: Option<&str>,
    ) -> Result<String, LedgerError>;

    /// Finds the latest finished run of a recipe on a dataset's task, so that interrupted work can go on.
    /// A run that the clock or the host ended is not finished.
    fn finished(&self, recipe: &Recipe, dataset: Option<&str>) -> Result<Option<StoredRun>, LedgerError>;

    /// Lets a run that [`Self::finished`] found count for another place than the one it was recorded at.
    fn count(&self, _run: &StoredRun, _place: &Place) -> Result<(), LedgerError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nothing_was_granted_for_keeps_its_digest_and_every_grant_is_another_recipe() {
        let plugin = PluginIdentity {
            name: "a".into(),
            version: "1.0.0".into(),
            kind: "search".into(),
            digest: Digest::of(b"component"),
        };
        let (task, limits, settings) = (Digest::of(b"task"), Limits::default(), Settings::new());
        let before = serde_json::to_vec(&(plugin.digest, task, 7, &limits, &settings)).unwrap();
        let recipe = Recipe { plugin, task, seed: 7, limits, settings, grants: None };
        assert_eq!(recipe.digest(), Digest::of(&before));
        assert!(!serde_json::to_string(&recipe).unwrap().contains("grants"));
        let granted = |what: &[u8]| Recipe { grants: Some(Digest::of(what)), ..recipe.clone() }.digest();
        assert_ne!(granted(b"clock"), recipe.digest());
        assert_ne!(granted(b"clock"), granted(b"files"));
    }
}
