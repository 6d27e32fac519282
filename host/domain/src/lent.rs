//! What the host lends a run beyond `run`: memory, artifacts and language models, through one port.
//!
//! A [`Call`] is a value, and so is its [`Reply`]: they cross into another process as they are, and the list of both
//! is the run's journal, from which the store takes what the run left behind and from which a replay plays back.

use serde::{Deserialize, Serialize};

use crate::{Digest, HostCall};

/// A pattern as a run sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pattern {
    pub id: String,
    pub kind: String,
    pub data: String,
    /// Successes over trials, 0 to 1.
    pub success_rate: f64,
    /// Trials.
    pub usage_count: u32,
}

/// A finished episode as a run sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Episode {
    pub id: String,
    pub task_id: String,
    pub domain: String,
    pub success_rate: Option<f64>,
    /// The actions of its steps, in order.
    pub actions: Vec<String>,
    /// Cosine for `recall`; for `search`, 1 / (1 + rank) of the hit.
    pub similarity: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChatRole {
    System,
    User,
    Assistant,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatMessage {
    pub role: ChatRole,
    pub content: String,
}

/// What a language model is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelRequest {
    pub model: String,
    pub messages: Vec<ChatMessage>,
    pub temperature: f32,
    pub max_tokens: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelReply {
    pub text: String,
    pub prompt_tokens: u32,
    pub completion_tokens: u32,
    /// True where an earlier reply was taken: it costs nothing.
    pub cached: bool,
    /// Millionths of a dollar.
    pub cost_micros: u64,
}

/// What a run asks of the host, beyond `run`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    Patterns { kind: String, min_success_rate: f64, limit: u32 },
    KeepPattern { kind: String, data: String, success: bool },
    Embed { content: String, vector: Vec<f32>, model: String },
    Recall { vector: Vec<f32>, model: String, limit: u32 },
    Search { query: String, limit: u32 },
    Load { name: String },
    Save { name: String, bytes: Vec<u8> },
    Complete(ModelRequest),
    Prompt { name: String, variables: Vec<(String, String)> },
}

impl Call {
    /// The kind that its limit counts.
    pub fn kind(&self) -> HostCall {
        match self {
            Self::Patterns { .. }
            | Self::KeepPattern { .. }
            | Self::Embed { .. }
            | Self::Recall { .. }
            | Self::Search { .. } => HostCall::Memory,
            Self::Load { .. } | Self::Save { .. } => HostCall::Artifacts,
            Self::Complete(_) | Self::Prompt { .. } => HostCall::Llm,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    Patterns(Vec<Pattern>),
    /// Of the pattern that was kept.
    Kept(String),
    Done,
    Episodes(Vec<Episode>),
    Loaded(Option<Vec<u8>>),
    Completed(ModelReply),
    Prompted {
        text: String,
        /// Of `document_versions`: which text it was.
        version_id: String,
    },
}

/// Why the host did not do what it was asked; the run goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Declined {
    /// The argument is malformed: says which and how.
    Invalid(String),
    /// A limit, quota or budget is spent: says which.
    Exhausted(String),
    /// The backend failed or is absent.
    Unavailable(String),
}

/// One call and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exchange {
    pub call: Call,
    pub reply: Result<Reply, Declined>,
}

/// What answers the calls of one run; it knows whose run it is. Calls come one at a time.
///
/// What a call asks to keep is kept with the run, by the ledger and from the journal: nothing of a run that is not
/// recorded stays. Until then only this backing remembers it.
pub trait Backing: Send + Sync {
    fn answer(&self, call: &Call) -> Result<Reply, Declined>;
}

/// Backs nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoBacking;

impl Backing for NoBacking {
    fn answer(&self, _: &Call) -> Result<Reply, Declined> {
        Err(Declined::Unavailable("this host backs nothing here".to_owned()))
    }
}

/// The id of a pattern: the same owner, domain, kind and data have the same, so that a replay sees the same.
pub fn pattern_id(owner: &str, domain: &str, kind: &str, data: &str) -> String {
    let parts = serde_json::json!([owner, domain, kind, data]);
    let digest = Digest::of(parts.to_string().as_bytes()).to_string();
    format!(
        "{}-{}-8{}-8{}-{}",
        &digest[..8],
        &digest[8..12],
        &digest[12..15],
        &digest[15..18],
        &digest[18..30]
    )
}
