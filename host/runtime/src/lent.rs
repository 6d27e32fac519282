//! The interfaces `memory`, `artifacts`, `ttt` and `llm`: what the host lends a run, through the run's [`Backing`].
//!
//! *Limits*: a call costs what every host call does (see `host`), and one unit a byte that it gets, before it is
//! handed over; `lent_bytes` bounds what is asked and got, and so the journal. Fuel follows from the journal alone:
//! a replay that is told the same spends the same.
//!
//! A call waits for its backing, and no deadline interrupts the host: a backing bounds its own time.

use std::sync::Arc;

use stratagem_domain::training::{Said, Trained, Training};
use stratagem_domain::{
    Backing, Call, Capability, ChatMessage, ChatRole, Declined, Exchange, Limits, ModelRequest, NoBacking,
    Reply, Usage, grouped,
};
use wasmtime::component::Linker;
use wasmtime::{StoreContextMut, Trap};

use crate::bindings::{EpisodeRecord, PatternRecord, Refusal, ReplyRecord, RequestView, RoleView};
use crate::contract::Contract;
use crate::host::charge;
use crate::state::RunState;

type Context<'a> = StoreContextMut<'a, RunState>;

/// Bytes of a prompt that are taken for a token, before a model has counted them.
const TOKEN_BYTES: u64 = 4;

/// What answers a run, and what it was asked and said.
pub struct Lent {
    backing: Arc<dyn Backing>,
    pub journal: Vec<Exchange>,
    /// False in a worker: its host keeps the journal.
    keeps: bool,
    /// A completion did not fit: what it cost is not in the journal, so that nothing may depend on it any more.
    spent: bool,
}

impl Default for Lent {
    fn default() -> Self {
        Self::of(Arc::new(NoBacking))
    }
}

impl Lent {
    pub fn of(backing: Arc<dyn Backing>) -> Self {
        Self { backing, journal: Vec::new(), keeps: true, spent: false }
    }

    /// What answers in a worker.
    pub fn elsewhere(backing: Arc<dyn Backing>) -> Self {
        Self { keeps: false, ..Self::of(backing) }
    }

    /// Holds a call to the limits and has it answered. Only what reached the backing is in the journal: what is
    /// refused here follows from the recipe.
    pub fn ask(&mut self, call: Call, limits: &Limits, usage: &mut Usage) -> Result<Reply, Declined> {
        call.check()?;
        let asked = call.bytes();
        let wanted = if self.spent { u64::MAX } else { usage.lent_bytes.saturating_add(asked) };
        let room = fits("lent_bytes", wanted, limits.lent_bytes).and_then(|()| room(&call, limits, usage));
        if let Err((name, declined)) = room {
            usage.limits_hit.insert(name.to_owned());
            return Err(declined);
        }
        usage.lent_bytes += asked;
        let mut reply = self.backing.answer(&call).map_err(Declined::cut);
        if reply.as_ref().is_ok_and(|reply| !reply.answers(&call)) {
            reply = Err(Declined::Unavailable(format!("{}: another call was answered", call.name())));
        }
        if let Ok(Reply::Completed(completed)) = &reply {
            usage.prompt_tokens += counted(completed.cached, u64::from(completed.prompt_tokens));
            usage.completion_tokens += counted(completed.cached, u64::from(completed.completion_tokens));
            usage.cost_micros += counted(completed.cached, completed.cost_micros);
        }
        if let Ok(Reply::Trained(trained)) = &reply {
            usage.device_ms = usage.device_ms.saturating_add(trained.device_ms).min(limits.device_ms);
            let held = trained.device_bytes.min(limits.device_bytes());
            usage.device_memory_peak_bytes = usage.device_memory_peak_bytes.max(held);
            if usage.device_ms == limits.device_ms {
                usage.limits_hit.insert("device_ms".to_owned());
            }
        }
        if let (Call::Training(_), Err(Declined::Exhausted(_))) = (&call, &reply) {
            usage.limits_hit.insert("device_memory_mb".to_owned());
        }
        let got = reply.as_ref().map_or_else(Declined::bytes, Reply::bytes);
        let all = usage.lent_bytes.saturating_add(got);
        match fits("lent_bytes", all, limits.lent_bytes) {
            Ok(()) => usage.lent_bytes = all,
            Err((name, declined)) => {
                usage.limits_hit.insert(name.to_owned());
                reply = Err(declined);
            }
        }
        self.spent |=
            matches!(call, Call::Complete(_)) && reply == Err(over("lent_bytes", limits.lent_bytes));
        let saved = match (&call, &reply) {
            (Call::Save { bytes, .. }, Ok(_)) => bytes.len(),
            (_, Ok(Reply::Trained(Trained { said: Said::Saved { weights, .. }, .. }))) => weights.len(),
            _ => 0,
        };
        let saved = usage.artifact_bytes.saturating_add(saved as u64);
        match fits("artifact_bytes", saved, limits.artifact_bytes) {
            Ok(()) => usage.artifact_bytes = saved,
            Err((name, declined)) => {
                usage.limits_hit.insert(name.to_owned());
                reply = Err(declined);
            }
        }
        if self.keeps {
            self.journal.push(Exchange { call, reply: reply.clone() });
        }
        reply
    }
}

/// A reply from the cache costs nothing.
fn counted(cached: bool, number: u64) -> u64 {
    if cached { 0 } else { number }
}

type Spent = (&'static str, Declined);

/// What a call may take of its own limits.
fn room(call: &Call, limits: &Limits, usage: &Usage) -> Result<(), Spent> {
    match call {
        Call::Save { bytes, .. } => {
            let saved = usage.artifact_bytes.saturating_add(bytes.len() as u64);
            fits("artifact_bytes", saved, limits.artifact_bytes)
        }
        Call::Complete(request) => {
            let spent = usage.prompt_tokens.saturating_add(usage.completion_tokens);
            let wanted = u64::from(request.max_tokens).saturating_add(request.text_bytes() / TOKEN_BYTES);
            fits("tokens", spent.saturating_add(wanted), limits.tokens)?;
            // What a reply costs is known afterwards: the one that passes the limit is the last.
            let over = u64::from(usage.cost_micros >= limits.cost_micros);
            fits("cost_micros", usage.cost_micros.saturating_add(over), limits.cost_micros)
        }
        Call::Training(Training::Train { .. }) => {
            // What a training takes is known afterwards: the one that comes to the limit is the last.
            let over = u64::from(usage.device_ms >= limits.device_ms);
            fits("device_ms", usage.device_ms + over, limits.device_ms)
        }
        _ => Ok(()),
    }
}

fn fits(name: &'static str, wanted: u64, limit: u64) -> Result<(), Spent> {
    if wanted <= limit {
        return Ok(());
    }
    Err((name, over(name, limit)))
}

fn over(name: &str, limit: u64) -> Declined {
    Declined::Exhausted(format!("{name}: limit {}", grouped(limit)))
}

/// Has a call answered, and takes its fuel both ways.
///
/// *Errors*: the plugin's fault; they end the run.
pub fn ask(store: &mut Context<'_>, call: Call) -> wasmtime::Result<Result<Reply, Refusal>> {
    charge(store, call.kind(), call.bytes() as usize)?;
    let state = store.data_mut();
    let capability = call.capability();
    if state.declined.contains(&capability) {
        let words = format!("`{}` is not granted here", capability.as_str());
        return Ok(Err(Refusal::Unavailable(words)));
    }
    let reply = state.lent.ask(call, &state.limits, &mut state.usage);
    let got = reply.as_ref().map_or_else(Declined::bytes, Reply::bytes);
    if store.data().metered {
        let left = store.get_fuel()?.checked_sub(got);
        store.set_fuel(left.unwrap_or(0))?;
        left.ok_or(Trap::OutOfFuel)?;
    }
    Ok(reply.map_err(Refusal::from))
}

/// Links an interface of the contract that a plugin was granted; nothing where it is not one of these.
pub fn link(
    linker: &mut Linker<RunState>,
    contract: Contract,
    capability: Capability,
) -> wasmtime::Result<()> {
    match capability {
        Capability::Memory => link_memory(linker, contract),
        Capability::Artifacts => link_artifacts(linker, contract),
        Capability::Ttt => crate::ttt::link(linker, contract),
        Capability::Llm => link_llm(linker, contract),
        _ => Ok(()),
    }
}

fn link_memory(linker: &mut Linker<RunState>, contract: Contract) -> wasmtime::Result<()> {
    let mut memory = linker.instance(&contract.interface("memory"))?;
    memory.func_wrap(
        "patterns",
        |mut store: Context<'_>, (kind, min_success_rate, limit): (String, f64, u32)| {
            let reply = ask(&mut store, Call::Patterns { kind, min_success_rate, limit })?;
            Ok((reply.map(|reply| match reply {
                Reply::Patterns(patterns) => patterns.into_iter().map(PatternRecord::from).collect(),
                _ => Vec::new(),
            }),))
        },
    )?;
    memory.func_wrap(
        "keep-pattern",
        |mut store: Context<'_>, (kind, data, success): (String, String, bool)| {
            let reply = ask(&mut store, Call::KeepPattern { kind, data, success })?;
            Ok((reply.map(|reply| match reply {
                Reply::Kept(id) => id,
                _ => String::new(),
            }),))
        },
    )?;
    memory.func_wrap(
        "embed",
        |mut store: Context<'_>, (content, vector, model): (String, Vec<f32>, String)| {
            Ok((ask(&mut store, Call::Embed { content, vector, model })?.map(drop),))
        },
    )?;
    memory.func_wrap(
        "recall",
        |mut store: Context<'_>, (vector, model, limit): (Vec<f32>, String, u32)| {
            Ok((ask(&mut store, Call::Recall { vector, model, limit })?.map(episodes),))
        },
    )?;
    memory.func_wrap("search", |mut store: Context<'_>, (query, limit): (String, u32)| {
        Ok((ask(&mut store, Call::Search { query, limit })?.map(episodes),))
    })?;
    Ok(())
}

fn episodes(reply: Reply) -> Vec<EpisodeRecord> {
    match reply {
        Reply::Episodes(episodes) => episodes.into_iter().map(EpisodeRecord::from).collect(),
        _ => Vec::new(),
    }
}

fn link_artifacts(linker: &mut Linker<RunState>, contract: Contract) -> wasmtime::Result<()> {
    let mut artifacts = linker.instance(&contract.interface("artifacts"))?;
    artifacts.func_wrap("load", |mut store: Context<'_>, (name,): (String,)| {
        let reply = ask(&mut store, Call::Load { name })?;
        Ok((reply.map(|reply| match reply {
            Reply::Loaded(bytes) => bytes,
            _ => None,
        }),))
    })?;
    artifacts.func_wrap("save", |mut store: Context<'_>, (name, bytes): (String, Vec<u8>)| {
        Ok((ask(&mut store, Call::Save { name, bytes })?.map(drop),))
    })?;
    Ok(())
}

fn link_llm(linker: &mut Linker<RunState>, contract: Contract) -> wasmtime::Result<()> {
    let mut llm = linker.instance(&contract.interface("llm"))?;
    llm.func_wrap("complete", |mut store: Context<'_>, (request,): (RequestView,)| {
        let reply = ask(&mut store, Call::Complete(request.into()))?;
        let unanswered = || Refusal::Unavailable("no completion".to_owned());
        Ok((reply.and_then(|reply| match reply {
            Reply::Completed(reply) => Ok(ReplyRecord::from(reply)),
            _ => Err(unanswered()),
        }),))
    })?;
    llm.func_wrap("prompt", |mut store: Context<'_>, (name, variables): (String, Vec<(String, String)>)| {
        let reply = ask(&mut store, Call::Prompt { name, variables })?;
        Ok((reply.map(|reply| match reply {
            Reply::Prompted { text, .. } => text,
            _ => String::new(),
        }),))
    })?;
    Ok(())
}

impl From<Declined> for Refusal {
    fn from(declined: Declined) -> Self {
        match declined {
            Declined::Invalid(words) => Self::Invalid(words),
            Declined::Exhausted(words) => Self::Exhausted(words),
            Declined::Unavailable(words) => Self::Unavailable(words),
        }
    }
}

impl From<RequestView> for ModelRequest {
    fn from(view: RequestView) -> Self {
        let role = |role| match role {
            RoleView::System => ChatRole::System,
            RoleView::User => ChatRole::User,
            RoleView::Assistant => ChatRole::Assistant,
        };
        let messages = view.messages.into_iter();
        let messages = messages.map(|said| ChatMessage { role: role(said.role), content: said.content });
        Self {
            model: view.model,
            messages: messages.collect(),
            temperature: view.temperature,
            max_tokens: view.max_tokens,
        }
    }
}
