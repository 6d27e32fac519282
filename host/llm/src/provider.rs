use std::fs;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use stratagem_domain::{Question, RateLimits, escape};
use ureq::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, LOCATION};
use ureq::http::{HeaderMap, HeaderValue, StatusCode};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body, Error, Timeout};

use crate::credit::{CreditReply, read_credit};
use crate::error::ModelError;
use crate::headers::{rate_limits, retry_after};
use crate::secret::Secret;
use crate::settings::{ProviderSettings, check_url};
use crate::wire::{self, Said, Unreadable};

/// The first pause before a request is repeated; each further one is twice as long, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Bytes of an error that are read.
const ERROR_BYTES: u64 = 65_536;
/// Characters of what others say that a message shows.
const SHOWN: usize = 200;

/// An endpoint that speaks `OpenAI`'s protocol.
#[derive(Debug)]
pub struct Provider {
    name: String,
    settings: ProviderSettings,
    agent: Agent,
    /// Without a slash at its end.
    base: String,
    key: Option<Secret>,
    /// Until when the provider wants no request: what one thread is told holds for all.
    not_before: Mutex<Option<Instant>>,
}

/// A reply and how it came.
#[derive(Debug)]
pub(crate) struct Completion {
    pub said: Said,
    pub tries: u32,
    pub limits: RateLimits,
}

/// Why there is no reply.
#[derive(Debug)]
pub(crate) struct Failed {
    pub error: Box<ModelError>,
    pub tries: u32,
    /// True where the provider may have worked, and may want to be paid for it.
    pub may_cost: bool,
    pub limits: RateLimits,
}

/// One request that came to nothing.
struct Attempt {
    error: Box<ModelError>,
    may_cost: bool,
    /// True where a repetition may go better.
    is_passing: bool,
    wait: Option<Duration>,
    limits: RateLimits,
}

impl Attempt {
    fn of(error: ModelError) -> Self {
        let error = Box::new(error);
        Self { error, may_cost: false, is_passing: false, wait: None, limits: RateLimits::default() }
    }
}

impl Provider {
    /// Prepares the client and reads key and certificates; nothing is sent.
    pub fn new(name: &str, settings: &ProviderSettings) -> Result<Self, ModelError> {
        let base = settings.base_url.trim_end_matches('/').to_owned();
        check_url(&base, settings.allow_http).map_err(|(what, hint)| ModelError::Setup {
            provider: name.to_owned(),
            what: format!("`base_url` {what}"),
            hint: hint.to_owned(),
        })?;
        let mut config = Agent::config_builder()
            // Every status is looked at here, and none sends a request elsewhere: the key goes to one host alone.
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            // A proxy of the environment is not who the settings name.
            .proxy(None)
            .user_agent(concat!("stratagem/", env!("CARGO_PKG_VERSION")));
        if let Some(path) = &settings.root_certs {
            let certificates = certificates(path).map_err(|what| ModelError::Setup {
                provider: name.to_owned(),
                what: format!("`root_certs` {}: {what}", path.display()),
                hint: "name a PEM file of certificates".to_owned(),
            })?;
            let roots = RootCerts::new_with_certs(&certificates);
            config = config.tls_config(TlsConfig::builder().root_certs(roots).build());
        }
        Ok(Self {
            name: name.to_owned(),
            agent: config.build().new_agent(),
            key: Secret::read(name, settings)?,
            settings: settings.clone(),
            base,
            not_before: Mutex::default(),
        })
    }

    pub fn base_url(&self) -> &str {
        &self.base
    }

    /// Sends a question, again where that surely cost nothing and may go better, until the deadline.
    pub(crate) fn complete(&self, question: &Question) -> Result<Completion, Failed> {
        let deadline = Instant::now() + Duration::from_millis(self.settings.deadline_ms);
        let body = wire::request(question);
        let mut tries = 0;
        loop {
            if let Err(error) = self.await_turn(tries, deadline) {
                return Err(Failed {
                    error: Box::new(error),
                    tries,
                    may_cost: false,
                    limits: RateLimits::default(),
                });
            }
            tries += 1;
            let attempt = match self.attempt(&body, deadline) {
                Ok((said, limits)) => return Ok(Completion { said, tries, limits }),
                Err(attempt) => attempt,
            };
            let pause = attempt.wait.unwrap_or_default().max(pause(tries));
            let is_over = Instant::now() + pause >= deadline;
            if !attempt.is_passing || is_over || tries > self.settings.max_retries {
                let (may_cost, limits) = (attempt.may_cost, attempt.limits);
                return Err(Failed {
                    error: Box::new(counted(*attempt.error, tries)),
                    tries,
                    may_cost,
                    limits,
                });
            }
            thread::sleep(pause);
        }
    }

    /// Asks what is left; none where the settings do not say where to ask.
    pub fn credit(&self) -> Result<Option<CreditReply>, ModelError> {
        let Some(credit) = &self.settings.credit else { return Ok(None) };
        let url =
            format!("{}{}{}", self.base, if credit.path.starts_with('/') { "" } else { "/" }, credit.path);
        let deadline = Instant::now() + Duration::from_millis(self.settings.timeout_ms);
        let request = self.agent.get(&url).header(ACCEPT, "application/json");
        let request = match self.authorization() {
            Some(key) => request.header(AUTHORIZATION, key),
            None => request,
        };
        let (whole, connect) = self.limits(deadline);
        let request = request.config().timeout_global(Some(whole)).timeout_connect(Some(connect)).build();
        let answer = request.call().map_err(|error| *self.broken(error).error)?;
        let (status, headers, body) = self.take(answer).map_err(|attempt| *attempt.error)?;
        if !status.is_success() {
            return Err(counted(*self.refused(status, &headers, &body).error, 1));
        }
        read_credit(credit, &body).map(Some).map_err(|what| self.protocol(&what))
    }

    /// Waits until the provider wants requests again, unless that is after the deadline.
    fn await_turn(&self, tries: u32, deadline: Instant) -> Result<(), ModelError> {
        let not_before = *self.not_before.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = not_before.map_or(Duration::ZERO, |at| at.saturating_duration_since(Instant::now()));
        if Instant::now() + wait >= deadline {
            let again_ms = Some(wait.as_millis() as u64);
            return Err(ModelError::RateLimit { provider: self.name.clone(), tries, again_ms });
        }
        thread::sleep(wait);
        Ok(())
    }

    fn attempt(&self, body: &[u8], deadline: Instant) -> Result<(Said, RateLimits), Attempt> {
        let (whole, connect) = self.limits(deadline);
        let request = self
            .agent
            .post(format!("{}/chat/completions", self.base))
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json");
        let request = match self.authorization() {
            Some(key) => request.header(AUTHORIZATION, key),
            None => request,
        };
        let request = request.config().timeout_global(Some(whole)).timeout_connect(Some(connect)).build();
        let answer = request.send(body).map_err(|error| self.broken(error))?;
        let (status, headers, body) = self.take(answer)?;
        if !status.is_success() {
            return Err(self.refused(status, &headers, &body));
        }
        let limits = rate_limits(&headers, status);
        if limits.remaining == Some(0) {
            self.pause_all(limits.reset_ms.map(Duration::from_millis));
        }
        match wire::reply(&body) {
            Ok(said) => Ok((said, limits)),
            Err(Unreadable::Error { status, said }) => {
                let status = status.and_then(|status| StatusCode::from_u16(status).ok());
                let status = status.filter(|status| !status.is_success()).unwrap_or(StatusCode::BAD_GATEWAY);
                Err(self.classified(status, self.hide(&said), None, None, limits))
            }
            Err(Unreadable::Other(what)) => {
                Err(Attempt { may_cost: true, limits, ..Attempt::of(self.protocol(&what)) })
            }
        }
    }

    /// How long a request and its connection may take.
    fn limits(&self, deadline: Instant) -> (Duration, Duration) {
        let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        let whole = Duration::from_millis(self.settings.timeout_ms).min(left);
        (whole, Duration::from_millis(self.settings.connect_timeout_ms).min(whole))
    }

    fn authorization(&self) -> Option<HeaderValue> {
        let value = format!("Bearer {}", self.key.as_ref()?.expose());
        let mut value = HeaderValue::from_str(&value).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// Reads an answer to its end, or to as much of it as is allowed.
    fn take(&self, answer: ureq::http::Response<Body>) -> Result<(StatusCode, HeaderMap, Vec<u8>), Attempt> {
        let (parts, mut body) = answer.into_parts();
        let is_reply = parts.status.is_success();
        let limit = if is_reply { self.settings.max_reply_bytes } else { ERROR_BYTES };
        match body.with_config().limit(limit).read_to_vec() {
            Ok(body) => Ok((parts.status, parts.headers, body)),
            // What it says beside the status is not needed.
            Err(_) if !is_reply => Ok((parts.status, parts.headers, Vec::new())),
            Err(Error::BodyExceedsLimit(limit)) => {
                let error = ModelError::TooLarge { provider: self.name.clone(), limit };
                Err(Attempt { may_cost: true, ..Attempt::of(error) })
            }
            Err(error) => Err(Attempt { may_cost: true, ..self.broken(error) }),
        }
    }

    /// A status that is no reply. None of them is charged for.
    fn refused(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Attempt {
        let limits = rate_limits(headers, status);
        if status.is_redirection() {
            let to = headers.get(LOCATION).and_then(|to| to.to_str().ok()).unwrap_or("nowhere");
            let (provider, to) = (self.name.clone(), format!("\"{}\"", escape(&self.hide(to), SHOWN)));
            return Attempt::of(ModelError::Redirect { provider, status: status.as_u16(), to });
        }
        let (said, code) = wire::refusal(body);
        let wait = retry_after(headers);
        if status == StatusCode::TOO_MANY_REQUESTS && code.as_deref() != Some("insufficient_quota") {
            self.pause_all(wait);
        }
        self.classified(status, self.hide(&said), code.as_deref(), wait, limits)
    }

    fn classified(
        &self,
        status: StatusCode,
        said: String,
        code: Option<&str>,
        wait: Option<Duration>,
        limits: RateLimits,
    ) -> Attempt {
        let (provider, number) = (self.name.clone(), status.as_u16());
        let again_ms = wait.map(|wait| wait.as_millis() as u64);
        let (error, is_passing) = match number {
            401 | 403 => (ModelError::Auth { provider, status: number, said }, false),
            402 => (ModelError::Credit { provider, status: number, said }, false),
            429 if code == Some("insufficient_quota") => {
                (ModelError::Credit { provider, status: number, said }, false)
            }
            429 => (ModelError::RateLimit { provider, tries: 0, again_ms }, true),
            408 | 409 | 425 | 500.. => {
                (ModelError::Server { provider, tries: 0, status: number, said }, true)
            }
            400.. => (ModelError::BadRequest { provider, status: number, said }, false),
            _ => (self.protocol(&format!("status {number}")), false),
        };
        Attempt { is_passing, wait, limits, ..Attempt::of(error) }
    }

    /// A request that got no answer, or not all of it.
    fn broken(&self, error: Error) -> Attempt {
        let provider = self.name.clone();
        let said = escape(&self.hide(&error.to_string()), SHOWN);
        let passing = |error| Attempt { is_passing: true, ..Attempt::of(error) };
        let charged = |error| Attempt { may_cost: true, ..Attempt::of(error) };
        match error {
            Error::Timeout(Timeout::Resolve | Timeout::Connect) => {
                let (what, limit_ms) = ("answer the call", self.settings.connect_timeout_ms);
                passing(ModelError::TimedOut { provider, what, limit_ms })
            }
            Error::Timeout(_) => {
                let (what, limit_ms) = ("reply", self.settings.timeout_ms.min(self.settings.deadline_ms));
                charged(ModelError::TimedOut { provider, what, limit_ms })
            }
            Error::HostNotFound | Error::ConnectionFailed => {
                passing(ModelError::Unreachable { provider, said })
            }
            Error::Io(cause) if is_before_sending(&cause) => {
                passing(ModelError::Unreachable { provider, said })
            }
            Error::Tls(_) | Error::Rustls(_) | Error::TlsRequired => {
                Attempt::of(ModelError::Tls { provider, said })
            }
            Error::Io(_) if said.contains("certificate") => Attempt::of(ModelError::Tls { provider, said }),
            Error::LargeResponseHeader(..) | Error::Protocol(_) | Error::Http(_) => {
                charged(self.protocol(&said))
            }
            _ => charged(self.protocol(&format!("its answer broke off: {said}"))),
        }
    }

    fn protocol(&self, what: &str) -> ModelError {
        ModelError::Protocol { provider: self.name.clone(), what: self.hide(what) }
    }

    fn hide(&self, text: &str) -> String {
        self.key.as_ref().map_or_else(|| text.to_owned(), |key| key.hide(text))
    }

    fn pause_all(&self, wait: Option<Duration>) {
        let Some(until) = wait.and_then(|wait| Instant::now().checked_add(wait)) else { return };
        let mut not_before = self.not_before.lock().unwrap_or_else(PoisonError::into_inner);
        *not_before = Some(not_before.map_or(until, |at| at.max(until)));
    }
}

/// A connection that did not come about carried no question. The system's resolver has no kind of its own.
fn is_before_sending(cause: &io::Error) -> bool {
    use io::ErrorKind::{
        AddrNotAvailable, ConnectionRefused, HostUnreachable, NetworkDown, NetworkUnreachable,
    };
    matches!(
        cause.kind(),
        AddrNotAvailable | ConnectionRefused | HostUnreachable | NetworkDown | NetworkUnreachable
    ) || cause.to_string().contains("failed to lookup address")
}

/// How long to wait after so many tries: twice as long each time, and somewhere between nothing much and all of it,
/// so that those who failed together do not come back together.
fn pause(tries: u32) -> Duration {
    let whole = FIRST_PAUSE.saturating_mul(1 << (tries - 1).min(10)).min(LONGEST_PAUSE);
    whole.mul_f64(0.5 + fastrand::f64() / 2.0)
}

fn counted(error: ModelError, count: u32) -> ModelError {
    match error {
        ModelError::RateLimit { provider, again_ms, .. } => {
            ModelError::RateLimit { provider, tries: count, again_ms }
        }
        ModelError::Server { provider, status, said, .. } => {
            ModelError::Server { provider, tries: count, status, said }
        }
        other => other,
    }
}

fn certificates(path: &std::path::Path) -> Result<Vec<Certificate<'static>>, String> {
    let pem = fs::read(path).map_err(|error| error.to_string())?;
    let mut found = Vec::new();
    for item in parse_pem(&pem) {
        match item {
            Ok(PemItem::Certificate(certificate)) => found.push(certificate),
            Ok(_) => {}
            Err(error) => return Err(error.to_string()),
        }
    }
    if found.is_empty() { Err("there is no certificate in it".to_owned()) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_differ() {
        let drawn: Vec<Duration> = (0..100).map(|_| pause(1)).collect();
        assert!(drawn.iter().all(|pause| (FIRST_PAUSE / 2..=FIRST_PAUSE).contains(pause)));
        assert!(drawn.iter().any(|pause| *pause != drawn[0]));
        assert!(pause(4) >= FIRST_PAUSE * 4 && pause(u32::MAX) <= LONGEST_PAUSE);
    }
}
