//! The contract's records as wasmtime lowers and lifts them.
//!
//! Written by hand rather than by `bindgen!`, so that what a plugin hands over is read in place:
//! a grid is checked for its size before a byte of it is copied, and a log line is cut first.
// The derives write `unsafe impl`s: these are the generated bindings that may.
#![allow(unsafe_code)]

use stratagem_domain::{Episode, ModelReply, Pattern};
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

impl From<ModelReply> for ReplyRecord {
    fn from(reply: ModelReply) -> Self {
        let ModelReply { text, prompt_tokens, completion_tokens, cached, cost_micros } = reply;
        Self { text, prompt_tokens, completion_tokens, cached, cost_usd: cost_micros as f64 / 1e6 }
    }
}
