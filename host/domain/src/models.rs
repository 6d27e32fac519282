//! What is kept about questions to language models: replies, what they cost, what they may cost.
//!
//! The port [`ModelLedger`] is what `llm` asks before it sends anything, and tells what came of it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{ChatMessage, Digest, LedgerError, Place, Recipe};

/// What a question is asked for: the budgets that it counts against, beside those of everybody, of the user and of
/// the provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purpose {
    /// Of `experiments`.
    pub experiment: Option<String>,
    /// A name of the run while it lasts: the ledger gives it its id when it is recorded.
    pub run: Option<String>,
    /// The task's digest: the same content is one task, in whichever dataset.
    pub task: Option<String>,
}

impl Purpose {
    /// What a run is called while it lasts.
    pub fn name_of(recipe: &Recipe, place: &Place) -> String {
        format!("{}/{}", place.evaluation.as_deref().unwrap_or(""), recipe.digest())
    }
}

/// A question with all that changes its reply.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Question {
    pub provider: String,
    /// Where the provider is: another place under the same name is another provider.
    pub endpoint: String,
    pub model: String,
    /// Temperature, tokens and whatever else is sent beside the messages, tools among them.
    pub params: Value,
    pub messages: Vec<ChatMessage>,
}

impl Question {
    /// The key of its kept reply. `owner` is whose reply it is; none where users share theirs.
    pub fn key(&self, owner: Option<&str>) -> Digest {
        Digest::of(json!([owner, self]).to_string().as_bytes())
    }

    /// Of the messages alone: equal for the same prompt on another model.
    pub fn prompt_hash(&self) -> Digest {
        Digest::of(json!(self.messages).to_string().as_bytes())
    }

    /// Bytes of the messages' text.
    pub fn bytes(&self) -> u64 {
        self.messages.iter().map(|message| message.content.len() as u64).sum()
    }
}

/// A reply that was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptReply {
    pub text: String,
    pub prompt_tokens: u32,
    pub completion_tokens: u32,
}

/// Whether and how long a reply is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keeping {
    /// True where every user is handed it, not only who asked first.
    pub is_shared: bool,
    pub lasts_ms: u64,
}

/// What may be spent on a question, asked for before it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    pub provider: String,
    pub purpose: Purpose,
    /// The most that it may cost, in millionths of a dollar.
    pub micros: u64,
    /// After this long nobody waits for a reply any more, and the money is free again.
    pub lasts_ms: u64,
}

/// The answer to a [`Hold`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// The money is set aside under this id.
    Granted(String),
    Refused(OverBudget),
}

/// The budget that a question would pass. Amounts in millionths of a dollar.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "budget of {budget} is {} USD: {} spent, {} held by questions under way, up to {} asked for",
    usd(*limit), usd(*spent), usd(*held), usd(*asked)
)]
pub struct OverBudget {
    /// Its scope and period, for people.
    pub budget: String,
    pub limit: u64,
    pub spent: u64,
    pub held: u64,
    pub asked: u64,
}

/// What came of a question that was sent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelUsage {
    pub model: String,
    /// Requests that were sent, repetitions included.
    pub tries: u32,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    /// Millionths of a dollar.
    pub cost_micros: u64,
    /// True where the provider did not say what it counted: tokens and cost are the most that it can be.
    pub is_estimate: bool,
    pub wall_ms: u64,
    pub prompt_bytes: u64,
    pub reply_bytes: u64,
    /// The kind of error it ended with; none where there is a reply.
    pub error: Option<String>,
}

/// How much a provider lets one ask, as its last answer said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RateLimits {
    /// Requests that are left in the provider's window.
    pub remaining: Option<u64>,
    /// Milliseconds until the window begins anew.
    pub reset_ms: Option<u64>,
    /// True where the provider refused a request for its rate.
    pub is_refused: bool,
}

/// Where replies, usage and budgets are kept: the port that `store` implements. It knows who asks.
pub trait ModelLedger: Send + Sync {
    /// A reply that was kept and has not expired; counts the hit.
    fn kept(&self, question: &Question, keeping: &Keeping) -> Result<Option<KeptReply>, LedgerError>;

    /// Sets money aside, unless a budget with a hard stop would be passed; over all processes at once.
    fn hold(&self, hold: &Hold) -> Result<Held, LedgerError>;

    /// Keeps what a question used and cost, and gives back what was set aside for it; keeps the reply where one is
    /// given. Returns the messages of alerts that this raised.
    fn settle(
        &self,
        hold_id: &str,
        hold: &Hold,
        usage: &ModelUsage,
        reply: Option<(&Question, &KeptReply, &Keeping)>,
    ) -> Result<Vec<String>, LedgerError>;

    /// Keeps how much a provider lets one ask.
    fn limited(&self, provider: &str, limits: &RateLimits) -> Result<(), LedgerError>;
}

/// Millionths of a dollar as dollars: to the cent, and further where there is more.
pub fn usd(micros: u64) -> String {
    let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    let cents = text.len() - 4;
    let end = text.trim_end_matches('0').len().max(cents);
    text[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ChatRole;

    fn question() -> Question {
        Question {
            provider: "one".into(),
            endpoint: "https://one.example/v1".into(),
            model: "small".into(),
            params: json!({"temperature": 0.0, "max_tokens": 10}),
            messages: vec![ChatMessage { role: ChatRole::User, content: "which colour?".into() }],
        }
    }

    /// Everything that changes a reply changes its key, and what is not said twice has one key.
    #[test]
    fn a_key_is_of_all_that_changes_the_reply() {
        let asked = question();
        let other = |change: fn(&mut Question)| {
            let mut other = question();
            change(&mut other);
            other.key(None)
        };
        let keys = [
            asked.key(None),
            asked.key(Some("alice")),
            asked.key(Some("bob")),
            other(|q| q.provider = "two".into()),
            other(|q| q.endpoint = "https://two.example/v1".into()),
            other(|q| q.model = "large".into()),
            other(|q| q.params["temperature"] = json!(0.5)),
            other(|q| q.params["max_tokens"] = json!(11)),
            other(|q| q.params["tools"] = json!([{"type": "function"}])),
            other(|q| q.messages[0].content.push(' ')),
            other(|q| q.messages[0].role = ChatRole::System),
            other(|q| q.messages.push(q.messages[0].clone())),
        ];
        let apart: std::collections::BTreeSet<_> = keys.iter().collect();
        assert_eq!(apart.len(), keys.len());
        assert_eq!(asked.key(None), question().key(None));
        let mut larger = question();
        larger.model = "large".into();
        assert_eq!(asked.prompt_hash(), larger.prompt_hash());
    }

    #[test]
    fn money_is_shown_to_the_cent_and_no_part_of_it_is_lost() {
        for (micros, text) in [(0, "0.00"), (200_000, "0.20"), (2_100, "0.0021"), (1_500_001, "1.500001")] {
            assert_eq!(usd(micros), text);
        }
        assert_eq!(usd(2_100 * 1_000_000), "2100.00");
    }
}
