//! What the host lends a run beyond `run`: memory, artifacts, training and language models, through one port.
//!
//! A [`Call`] is a value, and so is its [`Reply`]: they cross into another process as they are, and the list of both
//! is the run's journal, from which the store takes what the run left behind and from which a replay plays back.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::training::{Trained, Training};
use crate::{Capability, Digest, HostCall, Place, Recipe, quote};

/// The longest name of a kind, a model, a blob or a prompt, in characters.
const MAX_NAME_CHARS: usize = 200;
/// The longest kind of a pattern, in characters.
const MAX_KIND_CHARS: usize = 100;
/// The most numbers of a vector.
const MAX_DIMENSIONS: usize = 8_192;
/// The longest search, in bytes.
const MAX_QUERY_BYTES: usize = 4_096;
/// What a record takes beside its texts, wherever it is kept.
pub(crate) const RECORD_BYTES: u64 = 32;
/// Bytes of a refusal's words that are kept and handed over.
const MAX_WORDS_BYTES: usize = 1_000;

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
    Training(Training),
    Complete(ModelRequest),
    Prompt { name: String, variables: Vec<(String, String)> },
}

impl Call {
    /// The most rows that a call is answered with, whatever it asks for.
    pub const MAX_ROWS: u32 = 1_000;

    /// The kind that its limit counts.
    pub fn kind(&self) -> HostCall {
        match self {
            Self::Patterns { .. }
            | Self::KeepPattern { .. }
            | Self::Embed { .. }
            | Self::Recall { .. }
            | Self::Search { .. } => HostCall::Memory,
            Self::Load { .. } | Self::Save { .. } => HostCall::Artifacts,
            Self::Training(_) => HostCall::Ttt,
            Self::Complete(_) | Self::Prompt { .. } => HostCall::Llm,
        }
    }

    /// What a plugin must be granted for it.
    pub fn capability(&self) -> Capability {
        match self.kind() {
            HostCall::Artifacts => Capability::Artifacts,
            HostCall::Ttt => Capability::Ttt,
            HostCall::Llm => Capability::Llm,
            _ => Capability::Memory,
        }
    }

    /// The function, as the contract names it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Patterns { .. } => "memory.patterns",
            Self::KeepPattern { .. } => "memory.keep-pattern",
            Self::Embed { .. } => "memory.embed",
            Self::Recall { .. } => "memory.recall",
            Self::Search { .. } => "memory.search",
            Self::Load { .. } => "artifacts.load",
            Self::Save { .. } => "artifacts.save",
            Self::Training(asked) => asked.name(),
            Self::Complete(_) => "llm.complete",
            Self::Prompt { .. } => "llm.prompt",
        }
    }

    /// What it takes where it is kept.
    pub fn bytes(&self) -> u64 {
        RECORD_BYTES
            + match self {
                Self::Patterns { kind, .. } => size(kind),
                Self::KeepPattern { kind, data, .. } => size(kind) + size(data),
                Self::Embed { content, vector, model } => size(content) + numbers(vector) + size(model),
                Self::Recall { vector, model, .. } => numbers(vector) + size(model),
                Self::Search { query, .. } => size(query),
                Self::Load { name } => size(name),
                Self::Save { name, bytes } => size(name) + bytes.len() as u64,
                Self::Training(asked) => asked.bytes(),
                Self::Complete(request) => size(&request.model) + request.text_bytes(),
                Self::Prompt { name, variables } => {
                    let pairs = variables.iter().map(|(name, value)| RECORD_BYTES + size(name) + size(value));
                    size(name) + pairs.sum::<u64>()
                }
            }
    }

    /// Holds the arguments to what any backing may be asked: a name fits its column, a vector has a direction.
    ///
    /// *Errors*: [`Declined::Invalid`], with the argument's name.
    pub fn check(&self) -> Result<(), Declined> {
        match self {
            Self::Patterns { kind, min_success_rate, .. } => {
                named("kind", kind, MAX_KIND_CHARS)?;
                within("min-success-rate", *min_success_rate, 1.0)
            }
            Self::KeepPattern { kind, .. } => named("kind", kind, MAX_KIND_CHARS),
            Self::Embed { vector, model, .. } | Self::Recall { vector, model, .. } => {
                named("model", model, MAX_NAME_CHARS)?;
                directed(vector)
            }
            Self::Search { query, .. } if query.len() > MAX_QUERY_BYTES => {
                invalid(format!("query of {} bytes: limit {MAX_QUERY_BYTES}", query.len()))
            }
            Self::Search { .. } => Ok(()),
            Self::Load { name } | Self::Save { name, .. } | Self::Prompt { name, .. } => {
                named("name", name, MAX_NAME_CHARS)
            }
            Self::Training(asked) => asked.check(),
            Self::Complete(request) => {
                named("model", &request.model, MAX_NAME_CHARS)?;
                within("temperature", f64::from(request.temperature), 2.0)?;
                match request {
                    ModelRequest { max_tokens: 0, .. } => invalid("max-tokens 0: at least 1".to_owned()),
                    ModelRequest { messages, .. } if messages.is_empty() => {
                        invalid("no messages: at least 1".to_owned())
                    }
                    _ => Ok(()),
                }
            }
        }
    }
}

impl ModelRequest {
    /// Bytes of its messages.
    pub fn text_bytes(&self) -> u64 {
        self.messages.iter().map(|message| RECORD_BYTES + size(&message.content)).sum()
    }
}

pub(crate) fn size(text: &str) -> u64 {
    text.len() as u64
}

fn numbers(vector: &[f32]) -> u64 {
    4 * vector.len() as u64
}

pub(crate) fn invalid(what: String) -> Result<(), Declined> {
    Err(Declined::Invalid(what))
}

/// A control character would cut a name short where it is compared, or steer a terminal.
pub(crate) fn named(what: &str, name: &str, most: usize) -> Result<(), Declined> {
    let chars = name.chars().count();
    if chars == 0 || chars > most {
        return invalid(format!("{what} of {chars} characters: 1 to {most}"));
    }
    if name.chars().any(char::is_control) {
        return invalid(format!("{what} {} has a control character", quote(name, 80)));
    }
    Ok(())
}

fn within(what: &str, value: f64, most: f64) -> Result<(), Declined> {
    if (0.0..=most).contains(&value) { Ok(()) } else { invalid(format!("{what} {value}: 0 to {most}")) }
}

fn directed(vector: &[f32]) -> Result<(), Declined> {
    if !(1..=MAX_DIMENSIONS).contains(&vector.len()) {
        return invalid(format!("vector of {} numbers: 1 to {MAX_DIMENSIONS}", vector.len()));
    }
    let square: f64 = vector.iter().map(|&number| f64::from(number) * f64::from(number)).sum();
    if square.is_finite() && square > 0.0 {
        return Ok(());
    }
    invalid("vector without a direction: all 0, or a number that is not finite".to_owned())
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
    Trained(Trained),
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

impl Reply {
    /// What it takes where it is kept.
    pub fn bytes(&self) -> u64 {
        RECORD_BYTES
            + match self {
                Self::Patterns(patterns) => patterns.iter().map(Pattern::bytes).sum(),
                Self::Kept(id) => size(id),
                Self::Done => 0,
                Self::Episodes(episodes) => episodes.iter().map(Episode::bytes).sum(),
                Self::Loaded(bytes) => bytes.as_ref().map_or(0, |bytes| bytes.len() as u64),
                Self::Trained(trained) => trained.bytes(),
                Self::Completed(reply) => size(&reply.text),
                Self::Prompted { text, version_id } => size(text) + size(version_id),
            }
    }

    /// True where this answers such a call.
    pub fn answers(&self, call: &Call) -> bool {
        if let (Call::Training(asked), Self::Trained(trained)) = (call, self) {
            return trained.answers(asked);
        }
        matches!(
            (call, self),
            (Call::Patterns { .. }, Self::Patterns(_))
                | (Call::KeepPattern { .. }, Self::Kept(_))
                | (Call::Embed { .. } | Call::Save { .. }, Self::Done)
                | (Call::Recall { .. } | Call::Search { .. }, Self::Episodes(_))
                | (Call::Load { .. }, Self::Loaded(_))
                | (Call::Complete(_), Self::Completed(_))
                | (Call::Prompt { .. }, Self::Prompted { .. })
        )
    }
}

impl Pattern {
    pub fn bytes(&self) -> u64 {
        RECORD_BYTES + size(&self.id) + size(&self.kind) + size(&self.data)
    }
}

impl Episode {
    pub fn bytes(&self) -> u64 {
        let actions = self.actions.iter().map(|action| RECORD_BYTES + size(action)).sum::<u64>();
        RECORD_BYTES + size(&self.id) + size(&self.task_id) + size(&self.domain) + actions
    }
}

impl Declined {
    pub fn words(&self) -> &str {
        let (Self::Invalid(words) | Self::Exhausted(words) | Self::Unavailable(words)) = self;
        words
    }

    /// What it takes where it is kept.
    pub fn bytes(&self) -> u64 {
        RECORD_BYTES + size(self.words())
    }

    /// Cuts its words to what is kept of any.
    #[must_use]
    pub fn cut(mut self) -> Self {
        let (Self::Invalid(words) | Self::Exhausted(words) | Self::Unavailable(words)) = &mut self;
        words.truncate(words.floor_char_boundary(MAX_WORDS_BYTES));
        self
    }
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

/// Where a run's backing comes from: the port that the binary implements, which alone knows what there is.
pub trait Lender: Sync {
    /// What answers one run of this recipe. It is dropped with the run.
    fn lend(&self, recipe: &Recipe, place: &Place) -> Arc<dyn Backing>;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn request(temperature: f32, max_tokens: u32, messages: &[&str]) -> Call {
        let message = |text: &&str| ChatMessage { role: ChatRole::User, content: (*text).to_owned() };
        let messages = messages.iter().map(message).collect();
        Call::Complete(ModelRequest { model: "m".into(), messages, temperature, max_tokens })
    }

    #[test]
    fn arguments_that_no_backing_could_keep_are_refused_by_name() {
        let embed = |vector: Vec<f32>| Call::Embed { content: String::new(), vector, model: "m".into() };
        let patterns = |kind: &str, rate| Call::Patterns {
            kind: kind.to_owned(),
            min_success_rate: rate,
            limit: u32::MAX,
        };
        let load = |name: String| Call::Load { name };
        let cases = [
            (patterns("", 0.5), "kind of 0 characters: 1 to 100"),
            (patterns(&"k".repeat(101), 0.5), "kind of 101 characters"),
            (patterns("a\0b", 0.5), "kind \"a\\0b\" has a control character"),
            (patterns("k", f64::NAN), "min-success-rate NaN: 0 to 1"),
            (patterns("k", 1.5), "min-success-rate 1.5"),
            (embed(vec![]), "vector of 0 numbers: 1 to 8192"),
            (embed(vec![1.0; 8_193]), "vector of 8193 numbers"),
            (embed(vec![0.0; 3]), "vector without a direction"),
            (embed(vec![1.0, f32::INFINITY]), "vector without a direction"),
            (embed(vec![f32::NAN]), "vector without a direction"),
            (Call::Search { query: "q".repeat(4_097), limit: 1 }, "query of 4097 bytes: limit 4096"),
            (load(String::new()), "name of 0 characters: 1 to 200"),
            (load("../\n".into()), "control character"),
            (request(f32::NAN, 1, &["a"]), "temperature NaN: 0 to 2"),
            (request(0.0, 0, &["a"]), "max-tokens 0"),
            (request(0.0, 1, &[]), "no messages"),
        ];
        for (call, words) in cases {
            let Err(Declined::Invalid(said)) = call.check() else { panic!("{words}: {call:?}") };
            assert!(said.contains(words), "{said} lacks {words}");
        }
        for good in
            [patterns("k", 1.0), embed(vec![-0.5; 8_192]), load("å/../b".into()), request(2.0, 1, &[""])]
        {
            assert_eq!(good.check(), Ok(()), "{good:?}");
        }
    }

    #[test]
    fn words_of_a_refusal_are_cut_and_no_character_with_them() {
        let long = Declined::Unavailable("ü".repeat(900)).cut();
        assert_eq!((long.words().len(), long.words().chars().count()), (1_000, 500));
    }

    #[test]
    fn a_pattern_is_known_by_whose_it_is_and_by_what_it_says() {
        let id = |owner, domain, kind, data| pattern_id(owner, domain, kind, data);
        let one = id("o", "d", "k", "x");
        assert_eq!((one.len(), &one), (36, &id("o", "d", "k", "x")));
        for other in
            [id("p", "d", "k", "x"), id("o", "e", "k", "x"), id("o", "d", "kx", ""), id("o", "d", "k", "y")]
        {
            assert_ne!(one, other);
        }
    }
}
