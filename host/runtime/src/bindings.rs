//! The contract's records as wasmtime lowers and lifts them.
//!
//! Written by hand rather than by `bindgen!`, so that what a plugin hands over is read in place:
//! a grid is checked for its size before a byte of it is copied, and a log line is cut first.
// The derives write `unsafe impl`s: these are the generated bindings that may.
#![allow(unsafe_code)]

use stratagem_domain::training::{Metrics, Said, Sample, Trained};
use stratagem_domain::{Episode, Grid, ModelReply, Pattern};
use wasmtime::component::{ComponentType, Lift, Lower, WasmList, WasmStr};

#[derive(ComponentType, Lower, Clone, Copy)]
#[component(record)]
pub struct GridParam<'a> {
    pub width: u32,
    pub height: u32,
    pub cells: &'a [u8],
}

#[derive(ComponentType, Lower)]
#[component(record)]
pub struct PairParam<'a> {
    pub input: GridParam<'a>,
    pub output: GridParam<'a>,
}

#[derive(ComponentType, Lower)]
#[component(record)]
pub struct TaskParam<'a> {
    pub id: &'a str,
    pub train: &'a [PairParam<'a>],
    pub test: &'a [GridParam<'a>],
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub struct GridView {
    pub width: u32,
    pub height: u32,
    pub cells: WasmList<u8>,
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub struct AnswerView {
    #[component(name = "test-index")]
    pub test_index: u32,
    pub output: GridView,
    pub confidence: f64,
    pub rationale: WasmStr,
}

#[derive(ComponentType, Lower, Clone, Debug)]
#[component(variant)]
pub enum Refusal {
    #[component(name = "invalid")]
    Invalid(String),
    #[component(name = "exhausted")]
    Exhausted(String),
    #[component(name = "unavailable")]
    Unavailable(String),
}

#[derive(ComponentType, Lift, Clone, Copy)]
#[component(enum)]
#[repr(u8)]
pub enum LogLevel {
    #[component(name = "debug")]
    Debug,
    #[component(name = "info")]
    Info,
    #[component(name = "warn")]
    Warn,
    #[component(name = "error")]
    Error,
}

/// `allowance` of 0.1.0.
#[derive(ComponentType, Lower)]
#[component(record)]
pub struct Allowance01 {
    pub fuel: u64,
    #[component(name = "memory-bytes")]
    pub memory_bytes: u64,
    pub answers: u32,
}

#[derive(ComponentType, Lower)]
#[component(record)]
pub struct Allowance {
    pub fuel: u64,
    #[component(name = "memory-bytes")]
    pub memory_bytes: u64,
    pub answers: u32,
    pub steps: u64,
    #[component(name = "log-bytes")]
    pub log_bytes: u64,
    #[component(name = "host-calls")]
    pub host_calls: u64,
    #[component(name = "handed-bytes")]
    pub handed_bytes: u64,
    #[component(name = "device-ms")]
    pub device_ms: u64,
}

#[derive(ComponentType, Lower)]
#[component(record)]
pub struct LessonParam<'a> {
    pub task: TaskParam<'a>,
    pub outputs: &'a [GridParam<'a>],
    pub rationale: &'a str,
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub struct DescriptionView {
    pub name: String,
    pub version: String,
    pub kind: String,
    pub summary: String,
}

/// `pattern` of `memory`.
#[derive(ComponentType, Lower)]
#[component(record)]
pub struct PatternRecord {
    pub id: String,
    pub kind: String,
    pub data: String,
    #[component(name = "success-rate")]
    pub success_rate: f64,
    #[component(name = "usage-count")]
    pub usage_count: u32,
}

/// `episode` of `memory`.
#[derive(ComponentType, Lower)]
#[component(record)]
pub struct EpisodeRecord {
    pub id: String,
    #[component(name = "task-id")]
    pub task_id: String,
    pub domain: String,
    #[component(name = "success-rate")]
    pub success_rate: Option<f64>,
    pub actions: Vec<String>,
    pub similarity: f64,
}

#[derive(ComponentType, Lift, Clone, Copy)]
#[component(enum)]
#[repr(u8)]
pub enum RoleView {
    #[component(name = "system")]
    System,
    #[component(name = "user")]
    User,
    #[component(name = "assistant")]
    Assistant,
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub struct MessageView {
    pub role: RoleView,
    pub content: String,
}

/// `request` of `llm`.
#[derive(ComponentType, Lift)]
#[component(record)]
pub struct RequestView {
    pub model: String,
    pub messages: Vec<MessageView>,
    pub temperature: f32,
    #[component(name = "max-tokens")]
    pub max_tokens: u32,
}

/// `adaptation` of `ttt`, by its number among the run's.
pub struct AdaptationHandle;

#[derive(ComponentType, Lift)]
#[component(record)]
pub struct PairView {
    pub input: GridView,
    pub output: GridView,
}

#[derive(ComponentType, Lower)]
#[component(record)]
pub struct GridRecord {
    pub width: u32,
    pub height: u32,
    pub cells: Vec<u8>,
}

/// `schedule` of `ttt`.
#[derive(ComponentType, Lift)]
#[component(record)]
pub struct ScheduleView {
    pub steps: u32,
    #[component(name = "learning-rate")]
    pub learning_rate: f32,
    pub views: u32,
}

/// `metrics` of `ttt` in 0.1.0.
#[derive(ComponentType, Lower)]
#[component(record)]
pub struct MetricsRecord01 {
    pub steps: u32,
    #[component(name = "first-loss")]
    pub first_loss: f32,
    #[component(name = "last-loss")]
    pub last_loss: f32,
    #[component(name = "train-accuracy")]
    pub train_accuracy: f32,
    pub device: String,
    #[component(name = "device-memory-bytes")]
    pub device_memory_bytes: u64,
    #[component(name = "wall-ms")]
    pub wall_ms: u64,
}

/// `metrics` of `ttt`.
#[derive(ComponentType, Lower)]
#[component(record)]
pub struct MetricsRecord {
    pub steps: u32,
    #[component(name = "first-loss")]
    pub first_loss: f32,
    #[component(name = "last-loss")]
    pub last_loss: f32,
    #[component(name = "train-accuracy")]
    pub train_accuracy: f32,
    pub device: String,
    #[component(name = "device-memory-bytes")]
    pub device_memory_bytes: u64,
    #[component(name = "device-ms")]
    pub device_ms: u64,
}

/// `sample` of `ttt`.
#[derive(ComponentType, Lower)]
#[component(record)]
pub struct SampleRecord {
    pub output: GridRecord,
    #[component(name = "log-likelihood")]
    pub log_likelihood: f64,
    pub votes: u32,
}

/// `reply` of `llm`.
#[derive(ComponentType, Lower)]
#[component(record)]
pub struct ReplyRecord {
    pub text: String,
    #[component(name = "prompt-tokens")]
    pub prompt_tokens: u32,
    #[component(name = "completion-tokens")]
    pub completion_tokens: u32,
    pub cached: bool,
    #[component(name = "cost-usd")]
    pub cost_usd: f64,
}

impl From<Pattern> for PatternRecord {
    fn from(pattern: Pattern) -> Self {
        let Pattern { id, kind, data, success_rate, usage_count } = pattern;
        Self { id, kind, data, success_rate, usage_count }
    }
}

impl From<Episode> for EpisodeRecord {
    fn from(episode: Episode) -> Self {
        let Episode { id, task_id, domain, success_rate, actions, similarity } = episode;
        Self { id, task_id, domain, success_rate, actions, similarity }
    }
}

impl From<Grid> for GridRecord {
    fn from(grid: Grid) -> Self {
        Self { width: grid.width() as u32, height: grid.height() as u32, cells: grid.cells().to_vec() }
    }
}

impl From<Sample> for SampleRecord {
    fn from(sample: Sample) -> Self {
        let Sample { output, log_likelihood, votes } = sample;
        Self { output: output.into(), log_likelihood, votes }
    }
}

impl From<Trained> for MetricsRecord {
    /// Of what answers a training.
    fn from(trained: Trained) -> Self {
        let Trained { said, device_ms, device_bytes } = trained;
        let Said::Metrics(Metrics { steps, losses, accuracy, device }) = said else {
            unreachable!("answers are held to their questions")
        };
        let loss = |loss: Option<&f32>| loss.copied().unwrap_or_default();
        Self {
            steps,
            first_loss: loss(losses.first()),
            last_loss: loss(losses.last()),
            train_accuracy: accuracy,
            device,
            device_memory_bytes: device_bytes,
            device_ms,
        }
    }
}

impl From<MetricsRecord> for MetricsRecord01 {
    fn from(metrics: MetricsRecord) -> Self {
        let MetricsRecord {
            steps,
            first_loss,
            last_loss,
            train_accuracy,
            device,
            device_memory_bytes,
            device_ms,
        } = metrics;
        Self { steps, first_loss, last_loss, train_accuracy, device, device_memory_bytes, wall_ms: device_ms }
    }
}

impl From<ModelReply> for ReplyRecord {
    fn from(reply: ModelReply) -> Self {
        let ModelReply { text, prompt_tokens, completion_tokens, cached, cost_micros } = reply;
        Self { text, prompt_tokens, completion_tokens, cached, cost_usd: cost_micros as f64 / 1e6 }
    }
}
