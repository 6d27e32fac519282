//! Language models behind any endpoint that speaks `OpenAI`'s protocol.
//!
//! - [`LlmSettings`] is `[llm]` of `stratagem.toml`: providers, their models and prices. Without it there is no model.
//! - [`Provider`] is the client: one host, no redirection, bounded time and bytes, the key in no message. What surely
//!   cost nothing is sent again, as the provider's headers allow; what may have cost something is not.
//! - [`Models`] puts replies that are kept and budgets before it, through the port
//!   [`ModelLedger`](stratagem_domain::ModelLedger): money for the most that a question can cost is set aside before it
//!   is sent, and what it cost is written down after, also where nobody says how much that was.
//! - [`LentModels`] is what a run of a plugin sees of it.
//!
//! What must never be here: what a run may ask in all. Those limits are the sandbox's.

mod credit;
mod error;
mod headers;
mod models;
mod price;
mod provider;
mod secret;
mod settings;
mod wire;

pub use credit::CreditReply;
pub use error::{AskError, Blame, ModelError};
pub use models::{Answered, LentModels, Models};
pub use price::Price;
pub use provider::Provider;
pub use settings::{CacheMode, CreditSettings, LlmSettings, ModelSettings, ProviderSettings, SettingsError};
