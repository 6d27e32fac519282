use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
use stratagem_domain::quote;
use ureq::http::Uri;

use crate::price::Price;

/// `[llm]` of `stratagem.toml`: which models there are, where, and what they cost.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LlmSettings {
    /// What is asked where a question names no model: `PROVIDER` or `PROVIDER/MODEL`.
    pub default: String,
    /// Which replies are kept.
    #[serde(default)]
    pub cache: CacheMode,
    #[serde(default = "LlmSettings::usual_cache_hours")]
    pub cache_hours: u64,
    /// Hands a kept reply to every user, not only to who asked first.
    #[serde(default)]
    pub share_cache: bool,
    pub providers: BTreeMap<String, ProviderSettings>,
}

/// Which replies are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CacheMode {
    /// Those of temperature 0 or with a seed: asked again, they would be the same.
    #[default]
    Deterministic,
    All,
    Off,
}

/// An endpoint that speaks the protocol.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderSettings {
    /// What comes before `/chat/completions`.
    pub base_url: String,
    /// The environment variable that has the key; without it and `key_file` none is sent.
    pub key_env: Option<String>,
    pub key_file: Option<PathBuf>,
    #[serde(default = "ProviderSettings::usual_connect_timeout_ms")]
    pub connect_timeout_ms: u64,
    /// Of one request, from its start to the last byte of its reply.
    #[serde(default = "ProviderSettings::usual_timeout_ms")]
    pub timeout_ms: u64,
    /// Of a question with all its requests and pauses.
    #[serde(default = "ProviderSettings::usual_deadline_ms")]
    pub deadline_ms: u64,
    /// How often a request that surely cost nothing is repeated.
    #[serde(default = "ProviderSettings::usual_max_retries")]
    pub max_retries: u32,
    #[serde(default = "ProviderSettings::usual_max_reply_bytes")]
    pub max_reply_bytes: u64,
    /// Allows `http://` to other machines: key and prompts cross the network for all to read.
    #[serde(default)]
    pub allow_http: bool,
    /// PEM certificates of the authorities that are trusted for this provider, in place of the usual ones.
    pub root_certs: Option<PathBuf>,
    pub credit: Option<CreditSettings>,
    pub models: BTreeMap<String, ModelSettings>,
}

/// What a model costs and what is sent with every question to it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSettings {
    /// Millionths of a dollar per million tokens of the prompt.
    pub prompt_micros: u64,
    /// Millionths of a dollar per million tokens of the completion.
    pub completion_micros: u64,
    /// What the protocol's `max_tokens` is called: some models know `max_completion_tokens` only.
    #[serde(default = "ModelSettings::usual_max_tokens_field")]
    pub max_tokens_field: String,
    /// Sent with every question: `seed`, `tools`, `reasoning_effort` and the like.
    #[serde(default)]
    pub parameters: BTreeMap<String, Value>,
}

/// Where a provider says what is left.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreditSettings {
    /// Behind the base URL.
    pub path: String,
    /// JSON pointers to dollars. What is left is `remaining`, else `total` less `used`.
    pub remaining: Option<String>,
    pub total: Option<String>,
    pub used: Option<String>,
    /// Less than this raises an alert.
    pub low_micros: Option<u64>,
}

/// What is wrong with the settings: the operator's to mend.
#[derive(Debug, thiserror::Error)]
#[error("[llm]: {what}")]
pub struct SettingsError {
    pub what: String,
    pub hint: String,
}

/// Parameters that the request itself sets.
const OWN: [&str; 7] =
    ["model", "messages", "temperature", "stream", "n", "max_tokens", "max_completion_tokens"];
/// 10,000 dollars a million tokens: beyond it a price is a slip, and sums of costs stay far from any overflow.
const MAX_PRICE: u64 = 10_000_000_000;
const MAX_MS: u64 = 24 * 3_600_000;

impl LlmSettings {
    fn usual_cache_hours() -> u64 {
        7 * 24
    }

    /// Paths in the file are relative to it.
    pub fn resolve(&mut self, base: &Path) {
        for provider in self.providers.values_mut() {
            for path in [&mut provider.key_file, &mut provider.root_certs].into_iter().flatten() {
                *path = base.join(&*path);
            }
        }
    }

    /// Holds the settings to what can be worked with.
    pub fn check(&self) -> Result<(), SettingsError> {
        if !(1..=10 * 365 * 24).contains(&self.cache_hours) {
            return refuse("`cache_hours` is out of range", "give 1 to 87,600, or `cache = \"off\"`");
        }
        for (name, provider) in &self.providers {
            let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
            if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
                let what = format!("provider {} cannot be called so", quote(name, 80));
                return refuse(what, "use up to 64 letters, digits, `-`, `_` and `.`");
            }
            provider.check(name)?;
        }
        let (provider, model) = self.default.split_once('/').unwrap_or((&self.default, ""));
        match self.providers.get(provider) {
            None => refuse(
                format!("`default` names provider {}, which is not there", quote(provider, 80)),
                "name one of [llm.providers]",
            ),
            Some(found) if !model.is_empty() && !found.models.contains_key(model) => refuse(
                format!("`default` names model {}, which {provider} does not list", quote(model, 80)),
                "add it with its prices to `models` of the provider",
            ),
            Some(_) => Ok(()),
        }
    }
}

impl ProviderSettings {
    fn usual_connect_timeout_ms() -> u64 {
        10_000
    }

    fn usual_timeout_ms() -> u64 {
        120_000
    }

    fn usual_deadline_ms() -> u64 {
        300_000
    }

    fn usual_max_retries() -> u32 {
        4
    }

    fn usual_max_reply_bytes() -> u64 {
        4 << 20
    }

    fn check(&self, name: &str) -> Result<(), SettingsError> {
        if self.key_env.is_some() && self.key_file.is_some() {
            return refuse(format!("provider {name} has `key_env` and `key_file`"), "leave one of them out");
        }
        if let Err((what, hint)) = check_url(self.base_url.trim_end_matches('/'), self.allow_http) {
            return refuse(format!("`base_url` of provider {name} {what}"), hint);
        }
        if self.models.is_empty() {
            return refuse(format!("provider {name} lists no model"), "add one with its prices to `models`");
        }
        for (key, value) in [
            ("connect_timeout_ms", self.connect_timeout_ms),
            ("timeout_ms", self.timeout_ms),
            ("deadline_ms", self.deadline_ms),
        ] {
            if !(1..=MAX_MS).contains(&value) {
                return refuse(format!("`{key}` of provider {name} is {value}"), "give 1 to 86,400,000 ms");
            }
        }
        if self.max_retries > 20 || !(1_024..=1 << 30).contains(&self.max_reply_bytes) {
            return refuse(
                format!("provider {name}: `max_retries` or `max_reply_bytes` is out of range"),
                "give up to 20 retries, and 1,024 to 1,073,741,824 bytes",
            );
        }
        self.models.iter().try_for_each(|(model, settings)| settings.check(name, model))
    }
}

impl ModelSettings {
    fn usual_max_tokens_field() -> String {
        "max_tokens".to_owned()
    }

    pub fn price(&self) -> Price {
        Price { prompt_micros: self.prompt_micros, completion_micros: self.completion_micros }
    }

    fn check(&self, provider: &str, model: &str) -> Result<(), SettingsError> {
        let at = || format!("model {} of provider {provider}", quote(model, 80));
        if self.prompt_micros.max(self.completion_micros) > MAX_PRICE {
            return refuse(
                format!("{}: a price beyond 10,000 USD a million tokens", at()),
                "prices are in millionths of a dollar per million tokens: 2.50 USD is 2_500_000",
            );
        }
        if !["max_tokens", "max_completion_tokens"].contains(&self.max_tokens_field.as_str()) {
            let what = format!("{}: `max_tokens_field` is {}", at(), quote(&self.max_tokens_field, 80));
            return refuse(what, "give `max_tokens` or `max_completion_tokens`");
        }
        match self.parameters.keys().find(|key| OWN.contains(&key.as_str())) {
            Some(key) => refuse(
                format!("{}: parameter `{key}` is the question's own", at()),
                "leave it out: who asks gives it",
            ),
            None => Ok(()),
        }
    }
}

fn refuse(what: impl Into<String>, hint: &str) -> Result<(), SettingsError> {
    Err(SettingsError { what: what.into(), hint: hint.to_owned() })
}

/// Refuses what is no base URL, and one that shows the key to the network: what is wrong, and what to do. The URL
/// itself is not repeated, it may hold a password.
pub(crate) fn check_url(base: &str, allow_http: bool) -> Result<(), (&'static str, &'static str)> {
    let usual = "give it as https://HOST/v1";
    let Ok(url) = base.parse::<Uri>() else { return Err(("is no URL", usual)) };
    let (Some(scheme), Some(authority)) = (url.scheme_str(), url.authority()) else {
        return Err(("has no scheme or no host", usual));
    };
    if authority.as_str().contains('@') {
        return Err(("holds a name or a password", "keys go into `key_env` or `key_file`"));
    }
    if url.query().is_some() {
        return Err(("holds a query", usual));
    }
    match scheme {
        "https" => Ok(()),
        "http" if allow_http || is_loopback(authority.host()) => Ok(()),
        "http" => Err((
            "is plain http to another machine: key and prompts could be read on the way",
            "use https, or set `allow_http = true` where the network is yours alone",
        )),
        _ => Err(("is neither https nor http", usual)),
    }
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_that_shows_the_key_is_refused() {
        let said = |url, allow| check_url(url, allow).err().map(|(what, _)| what);
        for url in
            ["https://one.example/v1", "http://127.0.0.1:8080", "http://[::1]:1", "http://localhost/v1"]
        {
            assert_eq!(said(url, false), None, "{url}");
        }
        for (url, word) in [
            ("http://one.example/v1", "plain http"),
            ("http://127.0.0.1.one.example/", "plain http"),
            ("http://localhost.one.example/", "plain http"),
            ("https://user:password@one.example/", "password"),
            ("http://127.0.0.1@one.example/", "password"),
            ("https://one.example/v1?key=1", "query"),
            ("ftp://one.example", "neither"),
            ("one.example", "no scheme"),
            ("", "no"),
        ] {
            let said = said(url, false).unwrap_or_else(|| panic!("{url} was taken"));
            assert!(said.contains(word), "{url}: {said}");
        }
        assert_eq!(said("http://one.example/v1", true), None);
    }
}
