//! The client of language models against a real endpoint on this machine: what is sent, what comes back, and what is
//! written down of each way in which it may end.

mod books;
mod endings;
mod keys;
mod money;
mod server;

use std::sync::Arc;

use serde_json::json;
use stratagem_domain::{ChatMessage, ChatRole, ModelRequest, Purpose};
use stratagem_llm::{Answered, AskError, LlmSettings, Models};

use books::Books;
use server::Server;

const KEY: &str = "sk-test-0123456789";

/// Settings with one provider `near` that lists these models at a dollar and two dollars a million tokens.
fn settings(base: &str, models: &[&str], more: &serde_json::Value) -> LlmSettings {
    let prices = json!({"prompt_micros": 1_000_000, "completion_micros": 2_000_000});
    let mut near = json!({"base_url": base, "models": {}, "deadline_ms": 20_000, "timeout_ms": 10_000});
    for model in models {
        near["models"][model] = prices.clone();
    }
    let mut all = json!({"default": "near", "cache": "off", "providers": {"near": near}});
    merge(&mut all, more);
    serde_json::from_value(all).unwrap()
}

fn merge(into: &mut serde_json::Value, more: &serde_json::Value) {
    match (into.as_object_mut(), more.as_object()) {
        (Some(into), Some(more)) => {
            for (key, value) in more {
                merge(into.entry(key).or_insert(serde_json::Value::Null), value);
            }
        }
        _ => *into = more.clone(),
    }
}

/// Models with a ledger in memory.
struct Bench {
    models: Arc<Models>,
    books: Arc<Books>,
}

impl Bench {
    fn new(settings: LlmSettings) -> Self {
        let books = Arc::new(Books::default());
        let ledger: Arc<dyn stratagem_domain::ModelLedger> = books.clone();
        Self { models: Arc::new(Models::new(settings, ledger).unwrap()), books }
    }

    /// With a provider at this server.
    fn at(server: &Server, models: &[&str]) -> Self {
        Self::new(settings(&server.base(), models, &json!({})))
    }

    fn ask(&self, model: &str) -> Result<Answered, AskError> {
        self.models.ask(&question(model, "hello"), &Purpose::default())
    }
}

fn question(model: &str, text: &str) -> ModelRequest {
    ModelRequest {
        model: model.to_owned(),
        messages: vec![ChatMessage { role: ChatRole::User, content: text.to_owned() }],
        temperature: 0.0,
        max_tokens: 100,
    }
}
