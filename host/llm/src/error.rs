use stratagem_domain::{Declined, LedgerError, OverBudget, grouped};

/// Whose fault it is that a question has no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// Who asked: a plugin, or a user.
    Asker,
    Operator,
    Provider,
}

/// Why a provider did not reply. What it said is quoted, cut, and without the key.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error("provider {provider} has no key: {what}")]
    Key { provider: String, what: String, hint: String },
    #[error("provider {provider} cannot be asked: {what}")]
    Setup { provider: String, what: String, hint: String },
    #[error("provider {provider} does not accept its key: status {status}{said}")]
    Auth { provider: String, status: u16, said: String },
    #[error("provider {provider} wants to be paid first: status {status}{said}")]
    Credit { provider: String, status: u16, said: String },
    #[error("provider {provider} refused {tries} requests for their rate{}", again(*again_ms))]
    RateLimit { provider: String, tries: u32, again_ms: Option<u64> },
    #[error("provider {provider} refused the request: status {status}{said}")]
    BadRequest { provider: String, status: u16, said: String },
    #[error("provider {provider} failed {tries} times: status {status}{said}")]
    Server { provider: String, tries: u32, status: u16, said: String },
    #[error("provider {provider} did not {what} within {} ms", grouped(*limit_ms))]
    TimedOut { provider: String, what: &'static str, limit_ms: u64 },
    #[error("provider {provider} cannot be reached: {said}")]
    Unreachable { provider: String, said: String },
    #[error("provider {provider} is not who it should be: {said}")]
    Tls { provider: String, said: String },
    #[error("provider {provider} sends elsewhere: status {status}, to {to}")]
    Redirect { provider: String, status: u16, to: String },
    #[error("reply of provider {provider} is longer than {} bytes", grouped(*limit))]
    TooLarge { provider: String, limit: u64 },
    #[error("provider {provider} does not speak the protocol: {what}")]
    Protocol { provider: String, what: String },
}

fn again(ms: Option<u64>) -> String {
    ms.map_or_else(String::new, |ms| format!(": the next is allowed in {} ms", grouped(ms)))
}

impl ModelError {
    /// The name in `resource_usage.error_type`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Key { .. } | Self::Auth { .. } => "auth",
            Self::Setup { .. } => "setup",
            Self::Credit { .. } => "credit",
            Self::RateLimit { .. } => "rate_limit",
            Self::BadRequest { .. } => "bad_request",
            Self::Server { .. } => "server",
            Self::TimedOut { .. } => "timeout",
            Self::Unreachable { .. } => "unreachable",
            Self::Tls { .. } => "tls",
            Self::Redirect { .. } | Self::TooLarge { .. } | Self::Protocol { .. } => "protocol",
        }
    }

    pub fn blame(&self) -> Blame {
        match self {
            Self::BadRequest { .. } => Blame::Asker,
            Self::Key { .. }
            | Self::Setup { .. }
            | Self::Auth { .. }
            | Self::Credit { .. }
            | Self::Unreachable { .. }
            | Self::Tls { .. }
            | Self::Redirect { .. } => Blame::Operator,
            Self::RateLimit { .. }
            | Self::Server { .. }
            | Self::TimedOut { .. }
            | Self::TooLarge { .. }
            | Self::Protocol { .. } => Blame::Provider,
        }
    }

    /// What can be done about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Key { hint, .. } | Self::Setup { hint, .. } => return hint.clone(),
            Self::Auth { .. } => "check the key that `key_env` or `key_file` of the provider leads to",
            Self::Credit { .. } => "add credit at the provider; `stratagem credits` shows what it says",
            Self::RateLimit { .. } => "ask less often, or allow more time with `deadline_ms`",
            Self::BadRequest { .. } => {
                "check the model's name and parameters against the provider's documents"
            }
            Self::Server { .. } => "try again later, or name another provider as `default`",
            Self::TimedOut { .. } => "allow more with `timeout_ms` or `deadline_ms`, or ask for fewer tokens",
            Self::Unreachable { .. } => "check `base_url` and this machine's network",
            Self::Tls { .. } => "check `base_url`; an authority of your own goes into `root_certs`",
            Self::Redirect { .. } => "set `base_url` to where the endpoint is: no redirection is followed",
            Self::TooLarge { .. } => "raise `max_reply_bytes`, or ask for fewer tokens",
            Self::Protocol { .. } => "check that `base_url` leads to an endpoint of OpenAI's protocol",
        }
        .to_owned()
    }
}

/// Why a question has no reply.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error("{what}")]
    Invalid { what: String, hint: String },
    #[error(transparent)]
    Budget(#[from] OverBudget),
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error("the question could not be kept: {0}")]
    Ledger(LedgerError),
}

impl AskError {
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Invalid { hint, .. } => Some(hint.clone()),
            Self::Budget(_) => {
                Some("raise it with `stratagem budget set`, or wait until it begins anew".to_owned())
            }
            Self::Model(error) => Some(error.hint()),
            Self::Ledger(error) => error.hint.clone(),
        }
    }

    pub fn blame(&self) -> Blame {
        match self {
            Self::Invalid { .. } => Blame::Asker,
            Self::Budget(_) | Self::Ledger(_) => Blame::Operator,
            Self::Model(error) => error.blame(),
        }
    }

    /// As a plugin is told: what it can act on, without what the provider or the operator's files say.
    pub fn declined(&self) -> Declined {
        match self {
            Self::Invalid { what, .. } => Declined::Invalid(what.clone()),
            Self::Budget(over) => Declined::Exhausted(over.to_string()),
            Self::Model(ModelError::BadRequest { status, .. }) => {
                Declined::Invalid(format!("the model's provider refused the request: status {status}"))
            }
            Self::Model(error) => {
                Declined::Unavailable(format!("the model's provider did not reply: {}", error.kind()))
            }
            Self::Ledger(_) => Declined::Unavailable("the host could not keep the question".to_owned()),
        }
    }
}
