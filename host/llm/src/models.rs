use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use stratagem_domain::{
    Backing, Call, Declined, Held, Hold, Keeping, KeptReply, ModelLedger, ModelReply, ModelRequest,
    ModelUsage, Purpose, Question, RateLimits, Reply, quote,
};

use crate::credit::CreditReply;
use crate::error::{AskError, ModelError};
use crate::price::{Price, prompt_bound};
use crate::provider::{Completion, Failed, Provider};
use crate::settings::{CacheMode, LlmSettings, ModelSettings, SettingsError};

/// Bytes of a question's messages.
const MAX_BYTES: u64 = 16 << 20;
/// After its deadline a question's money stays held so long: its process may be slow to write down what it cost.
const GRACE_MS: u64 = 60_000;
/// How often a provider's rate limits are written down where nothing was refused.
const LIMITS_EVERY: Duration = Duration::from_mins(1);

/// The models of the settings behind a ledger: asks, keeps replies, and spends no more than the budgets allow.
pub struct Models {
    settings: LlmSettings,
    ledger: Arc<dyn ModelLedger>,
    /// Made when first asked: one without a key does not keep the others from work.
    providers: Mutex<BTreeMap<String, Arc<Provider>>>,
    limits_kept: Mutex<BTreeMap<String, Instant>>,
}

/// A reply and what people want to know beside it.
#[derive(Debug)]
pub struct Answered {
    pub provider: String,
    pub model: String,
    pub reply: ModelReply,
    /// True where the provider did not count: tokens and cost are the most that it can be.
    pub is_estimate: bool,
    /// Messages of the alerts that this question raised.
    pub alerts: Vec<String>,
}

/// What a question goes to.
struct Target<'a> {
    provider: &'a str,
    model: &'a str,
    settings: &'a ModelSettings,
}

impl Models {
    pub fn new(settings: LlmSettings, ledger: Arc<dyn ModelLedger>) -> Result<Self, SettingsError> {
        settings.check()?;
        Ok(Self { settings, ledger, providers: Mutex::default(), limits_kept: Mutex::default() })
    }

    pub fn settings(&self) -> &LlmSettings {
        &self.settings
    }

    /// Answers a question: from what is kept, else from the provider, if the budgets have room for the most that it
    /// can cost.
    pub fn ask(&self, request: &ModelRequest, purpose: &Purpose) -> Result<Answered, AskError> {
        check(request)?;
        let target = self.target(&request.model)?;
        let provider = self.provider(target.provider)?;
        let question = Question {
            provider: target.provider.to_owned(),
            endpoint: provider.base_url().to_owned(),
            model: target.model.to_owned(),
            params: params(request, target.settings),
            messages: request.messages.clone(),
        };
        let keeping = self.keeping(&question);
        if let Some(keeping) = &keeping
            && let Some(kept) = self.ledger.kept(&question, keeping).map_err(AskError::Ledger)?
        {
            return Ok(Answered::kept(&target, kept));
        }
        self.send(&provider, &target, &question, request.max_tokens, purpose, keeping)
    }

    /// Asks a provider what is left; none where the settings do not say where to ask.
    pub fn credit(&self, provider: &str) -> Result<Option<CreditReply>, ModelError> {
        self.provider(provider)?.credit()
    }

    /// The models as one run is lent them.
    pub fn lend(self: &Arc<Self>, purpose: Purpose) -> LentModels {
        LentModels { models: Arc::clone(self), purpose }
    }

    fn send(
        &self,
        provider: &Provider,
        target: &Target<'_>,
        question: &Question,
        max_tokens: u32,
        purpose: &Purpose,
        keeping: Option<Keeping>,
    ) -> Result<Answered, AskError> {
        let price = target.settings.price();
        let deadline_ms = self.settings.providers[target.provider].deadline_ms;
        let hold = Hold {
            provider: target.provider.to_owned(),
            purpose: purpose.clone(),
            micros: price.bound(question, max_tokens),
            lasts_ms: deadline_ms.saturating_add(GRACE_MS),
        };
        let id = match self.ledger.hold(&hold).map_err(AskError::Ledger)? {
            Held::Granted(id) => id,
            Held::Refused(over) => return Err(AskError::Budget(over)),
        };
        let started = Instant::now();
        let outcome = provider.complete(question);
        let usage = usage(&outcome, &price, question, max_tokens, started.elapsed());
        let kept = outcome.as_ref().ok().map(|completion| KeptReply {
            text: completion.said.text.clone(),
            prompt_tokens: clamp(usage.prompt_tokens),
            completion_tokens: clamp(usage.completion_tokens),
        });
        let keep = kept.as_ref().zip(keeping.as_ref()).map(|(kept, keeping)| (question, kept, keeping));
        let alerts = self.ledger.settle(&id, &hold, &usage, keep).map_err(AskError::Ledger)?;
        self.note_limits(
            target.provider,
            match &outcome {
                Ok(completion) => &completion.limits,
                Err(failed) => &failed.limits,
            },
        )?;
        match (outcome, kept) {
            (Err(failed), _) => Err(AskError::Model(*failed.error)),
            (Ok(_), None) => unreachable!("a completion has a reply"),
            (Ok(_), Some(kept)) => Ok(Answered::sent(target, kept, &usage, alerts)),
        }
    }

    /// Which provider and model a name means: `PROVIDER/MODEL`, a model of the default provider, one of another; an
    /// empty name the default.
    fn target(&self, name: &str) -> Result<Target<'_>, AskError> {
        let (provider, model) = match self.settings.default.split_once('/') {
            Some((provider, model)) => (provider, Some(model)),
            None => (self.settings.default.as_str(), None),
        };
        let models = |provider: &str| self.settings.providers.get_key_value(provider);
        let find = |provider: &str, model: &str| {
            let (provider, settings) = models(provider)?;
            let (model, settings) = settings.models.get_key_value(model)?;
            Some(Target { provider, model, settings })
        };
        let found = if name.is_empty() {
            let only = || Some(models(provider)?.1.models.keys().next()?.as_str());
            model.or_else(only).and_then(|model| find(provider, model))
        } else {
            let exact = || name.split_once('/').and_then(|(provider, model)| find(provider, model));
            let elsewhere = || self.settings.providers.keys().find_map(|provider| find(provider, name));
            exact().or_else(|| find(provider, name)).or_else(elsewhere)
        };
        found.ok_or_else(|| AskError::Invalid {
            what: format!("no model {}", quote(name, 80)),
            hint: format!("there are: {}", self.names().join(", ")),
        })
    }

    /// Every model as `PROVIDER/MODEL`.
    fn names(&self) -> Vec<String> {
        let all = self.settings.providers.iter();
        all.flat_map(|(provider, settings)| {
            settings.models.keys().map(move |model| format!("{provider}/{model}"))
        })
        .collect()
    }

    fn provider(&self, name: &str) -> Result<Arc<Provider>, ModelError> {
        let mut providers = self.providers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(provider) = providers.get(name) {
            return Ok(Arc::clone(provider));
        }
        let settings = self.settings.providers.get(name).ok_or_else(|| ModelError::Setup {
            provider: quote(name, 80),
            what: "the settings do not have it".to_owned(),
            hint: "name one of [llm.providers]".to_owned(),
        })?;
        let provider = Arc::new(Provider::new(name, settings)?);
        providers.insert(name.to_owned(), Arc::clone(&provider));
        Ok(provider)
    }

    fn keeping(&self, question: &Question) -> Option<Keeping> {
        let is_deterministic = question.params["temperature"].as_f64() == Some(0.0)
            || question.params.get("seed").is_some_and(Value::is_number);
        let is_kept = match self.settings.cache {
            CacheMode::Deterministic => is_deterministic,
            CacheMode::All => true,
            CacheMode::Off => false,
        };
        let lasts_ms = self.settings.cache_hours.saturating_mul(3_600_000);
        is_kept.then_some(Keeping { is_shared: self.settings.share_cache, lasts_ms })
    }

    /// Writes a provider's rate limits down: each refusal, and else now and then.
    fn note_limits(&self, provider: &str, limits: &RateLimits) -> Result<(), AskError> {
        if *limits == RateLimits::default() {
            return Ok(());
        }
        let mut kept = self.limits_kept.lock().unwrap_or_else(PoisonError::into_inner);
        if !limits.is_refused && kept.get(provider).is_some_and(|at| at.elapsed() < LIMITS_EVERY) {
            return Ok(());
        }
        kept.insert(provider.to_owned(), Instant::now());
        drop(kept);
        self.ledger.limited(provider, limits).map_err(AskError::Ledger)
    }
}

impl Answered {
    fn kept(target: &Target<'_>, kept: KeptReply) -> Self {
        let reply = ModelReply {
            text: kept.text,
            prompt_tokens: kept.prompt_tokens,
            completion_tokens: kept.completion_tokens,
            cached: true,
            cost_micros: 0,
        };
        Self::new(target, reply, false, Vec::new())
    }

    fn sent(target: &Target<'_>, kept: KeptReply, usage: &ModelUsage, alerts: Vec<String>) -> Self {
        let reply = ModelReply {
            text: kept.text,
            prompt_tokens: kept.prompt_tokens,
            completion_tokens: kept.completion_tokens,
            cached: false,
            cost_micros: usage.cost_micros,
        };
        Self::new(target, reply, usage.is_estimate, alerts)
    }

    fn new(target: &Target<'_>, reply: ModelReply, is_estimate: bool, alerts: Vec<String>) -> Self {
        let (provider, model) = (target.provider.to_owned(), target.model.to_owned());
        Self { provider, model, reply, is_estimate, alerts }
    }
}

/// The models as one run is lent them: it answers [`Call::Complete`] alone.
pub struct LentModels {
    models: Arc<Models>,
    purpose: Purpose,
}

impl Backing for LentModels {
    fn answer(&self, call: &Call) -> Result<Reply, Declined> {
        let Call::Complete(request) = call else {
            return Err(Declined::Unavailable("no model answers this".to_owned()));
        };
        let answered = self.models.ask(request, &self.purpose).map_err(|error| error.declined())?;
        Ok(Reply::Completed(answered.reply))
    }
}

/// Refuses what no provider would take, before any money is held for it.
fn check(request: &ModelRequest) -> Result<(), AskError> {
    let bytes: u64 = request.messages.iter().map(|message| message.content.len() as u64).sum();
    let (what, hint) = match request {
        ModelRequest { messages, .. } if messages.is_empty() => ("no message", "give at least one"),
        ModelRequest { max_tokens: 0, .. } => ("no tokens for a reply", "allow at least one"),
        ModelRequest { temperature, .. } if !(0.0..=2.0).contains(temperature) => {
            ("a temperature out of range", "give 0 to 2")
        }
        _ if bytes > MAX_BYTES => ("messages of more than 16 MiB", "ask for less at once"),
        _ => return Ok(()),
    };
    Err(AskError::Invalid { what: format!("the question has {what}"), hint: hint.to_owned() })
}

fn params(request: &ModelRequest, settings: &ModelSettings) -> Value {
    let mut params = json!(settings.parameters);
    // As it is written: 0.1 as 0.1 and not as the nearest double to the nearest float.
    params["temperature"] = json!(request.temperature.to_string().parse::<f64>().unwrap_or(0.0));
    params[&settings.max_tokens_field] = request.max_tokens.into();
    params
}

/// What a question used. Where the provider may have worked and does not say how much, it is the most that it can be:
/// a budget holds even against one that does not count.
fn usage(
    outcome: &Result<Completion, Failed>,
    price: &Price,
    question: &Question,
    max_tokens: u32,
    wall: Duration,
) -> ModelUsage {
    let bound = (prompt_bound(question), u64::from(max_tokens));
    let (tries, reply_bytes, error, tokens) = match outcome {
        Ok(Completion { said, tries, .. }) => {
            let tokens = said.tokens.map(|(prompt, completion)| (prompt.into(), completion.into()));
            (*tries, said.text.len() as u64, None, tokens)
        }
        Err(Failed { error, tries, may_cost, .. }) => {
            (*tries, 0, Some(error.kind().to_owned()), (!may_cost).then_some((0, 0)))
        }
    };
    let (prompt_tokens, completion_tokens) = tokens.unwrap_or(bound);
    ModelUsage {
        model: question.model.clone(),
        tries,
        prompt_tokens,
        completion_tokens,
        cost_micros: price.cost(prompt_tokens, completion_tokens),
        is_estimate: tokens.is_none(),
        wall_ms: wall.as_millis() as u64,
        prompt_bytes: question.bytes(),
        reply_bytes,
        error,
    }
}

fn clamp(tokens: u64) -> u32 {
    u32::try_from(tokens).unwrap_or(u32::MAX)
}
