use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args as Group, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use stratagem_domain::{ChatMessage, ChatRole, ModelRequest, Purpose, grouped, usd};
use stratagem_llm::{Answered, AskError, Blame, LlmSettings, ModelError, Provider};
use stratagem_store::{ModelSpending, ReplyCounts, Store};

use crate::failure::Failure;
use crate::models::{models, settings};
use crate::output::{out, outln, print_json, table};
use crate::workbench::Workbench;

/// Bytes of a question on stdin.
const MAX_BYTES: u64 = 16 << 20;
const DAY_MS: i64 = 86_400_000;

#[derive(Debug, Subcommand)]
pub enum Llm {
    /// Ask one question, through kept replies and budgets
    Ask(Ask),
    /// Show the models, whether they can be asked, and what they were asked and cost
    Status {
        /// Count the last N days
        #[arg(long, default_value_t = 30, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=36_500))]
        days: u32,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Look after the replies that are kept
    #[command(subcommand)]
    Cache(Cache),
}

#[derive(Debug, Group)]
pub struct Ask {
    /// What to ask; `-` is stdin
    question: String,
    /// A model, PROVIDER/MODEL [default: the settings' own]
    #[arg(long, default_value = "", hide_default_value = true)]
    model: String,
    /// What the model is told before the question
    #[arg(long, value_name = "TEXT")]
    system: Option<String>,
    /// 0 to 2; at 0 the reply is kept
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    temperature: f32,
    /// The most tokens of the reply
    #[arg(long, default_value_t = 1_024, value_name = "N")]
    max_tokens: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
pub enum Cache {
    /// Delete the replies whose time is over
    Sweep {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

pub fn run(bench: &Workbench, command: &Llm) -> Result<(), Failure> {
    match command {
        Llm::Ask(ask) => run_ask(bench, ask),
        &Llm::Status { days, json } => status(bench, days, json),
        Llm::Cache(Cache::Sweep { json }) => {
            let swept = bench.existing_store()?.sweep_llm_cache()?;
            if *json {
                return print_json(&json!({"swept": swept}));
            }
            outln!("deleted {} kept replies whose time was over", grouped(swept));
            Ok(())
        }
    }
}

fn run_ask(bench: &Workbench, ask: &Ask) -> Result<(), Failure> {
    settings(bench)?;
    let question = if ask.question == "-" { stdin()? } else { ask.question.clone() };
    let store = Arc::new(bench.store()?);
    let Some(models) = models(bench, &store)? else { unreachable!("the settings were there above") };
    let message = |role, content: &str| ChatMessage { role, content: content.to_owned() };
    let system = ask.system.as_deref().map(|text| message(ChatRole::System, text));
    let request = ModelRequest {
        model: ask.model.clone(),
        messages: system.into_iter().chain([message(ChatRole::User, &question)]).collect(),
        temperature: ask.temperature,
        max_tokens: ask.max_tokens,
    };
    let waiting = ProgressBar::new_spinner().with_style(
        ProgressStyle::with_template("{spinner} waiting for the model, {elapsed}").map_err(Failure::new)?,
    );
    waiting.enable_steady_tick(Duration::from_millis(200));
    let answered = models.ask(&request, &Purpose::default());
    waiting.finish_and_clear();
    print_answer(&answered.map_err(|error| failure(&error))?, ask.json)
}

fn print_answer(answered: &Answered, json: bool) -> Result<(), Failure> {
    let Answered { provider, model, reply, is_estimate, alerts } = answered;
    for alert in alerts {
        eprintln!("warning: {alert}");
    }
    if json {
        return print_json(&json!({
            "provider": provider, "model": model, "text": reply.text, "prompt_tokens": reply.prompt_tokens,
            "completion_tokens": reply.completion_tokens, "cost_micros": reply.cost_micros,
            "cached": reply.cached, "is_estimate": is_estimate, "alerts": alerts,
        }));
    }
    outln!("{}", reply.text);
    let cost = match (reply.cached, is_estimate) {
        (true, _) => "kept, nothing".to_owned(),
        (false, true) => format!("at most {} USD", usd(reply.cost_micros)),
        (false, false) => format!("{} USD", usd(reply.cost_micros)),
    };
    eprintln!(
        "{provider}/{model}: {} + {} tokens, {cost}",
        grouped(reply.prompt_tokens.into()),
        grouped(reply.completion_tokens.into())
    );
    Ok(())
}

fn failure(error: &AskError) -> Failure {
    let failure = if error.blame() == Blame::Asker { Failure::misuse(error) } else { Failure::new(error) };
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

fn stdin() -> Result<String, Failure> {
    let mut text = String::new();
    let read = std::io::stdin().lock().take(MAX_BYTES + 1).read_to_string(&mut text);
    read.map_err(|error| {
        Failure::misuse(format!("stdin: {error}")).hint("give the question as text in UTF-8")
    })?;
    if text.len() as u64 > MAX_BYTES {
        return Err(Failure::misuse("stdin: more than 16 MiB").hint("ask for less at once"));
    }
    Ok(text)
}

fn status(bench: &Workbench, days: u32, json: bool) -> Result<(), Failure> {
    let settings = settings(bench)?;
    // Settings are looked at before there is a database.
    let store = if bench.places.database.exists() { Some(bench.existing_store()?) } else { None };
    let (replies, spending) = match &store {
        Some(store) => (store.reply_counts()?, spending(store, days)?),
        None => (ReplyCounts::default(), Vec::new()),
    };
    if json {
        return print_json(&json!({
            "default": settings.default, "cache": format!("{:?}", settings.cache).to_lowercase(),
            "cache_hours": settings.cache_hours, "share_cache": settings.share_cache,
            "providers": providers(settings), "replies": replies, "days": days, "spending": spending,
        }));
    }
    for (name, provider) in &settings.providers {
        let is_default = settings.default.split('/').next() == Some(name);
        outln!("{name}{}  {}", if is_default { " (default)" } else { "" }, provider.base_url);
        match Provider::new(name, provider) {
            Ok(_) => outln!("  can be asked: {}", list(provider.models.keys())),
            Err(error) => outln!("  cannot be asked: {error}\n    hint: {}", error.hint()),
        }
    }
    outln!(
        "kept replies: {} ({} expired), {} hits, {} USD saved",
        grouped(replies.replies),
        grouped(replies.expired),
        grouped(replies.hits),
        usd(replies.saved_micros)
    );
    let rows: Vec<Vec<String>> = spending.iter().map(row).collect();
    outln!("asked in the last {days} days:");
    out!("{}", table(&["model", "questions", "errors", "prompt tokens", "completion tokens", "USD"], &rows));
    Ok(())
}

fn spending(store: &Store, days: u32) -> Result<Vec<ModelSpending>, Failure> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Ok(store.model_spending(now.as_millis() as i64 - i64::from(days) * DAY_MS)?)
}

fn row(line: &ModelSpending) -> Vec<String> {
    vec![
        format!("{}/{}", line.provider, line.model),
        grouped(line.questions),
        grouped(line.errors),
        grouped(line.prompt_tokens),
        grouped(line.completion_tokens),
        usd(line.cost_micros),
    ]
}

fn providers(settings: &LlmSettings) -> Vec<Value> {
    let providers = settings.providers.iter().map(|(name, provider)| {
        let obstacle = Provider::new(name, provider).err();
        let models = provider.models.iter().map(|(model, prices)| {
            json!({
                "name": model, "prompt_micros": prices.prompt_micros,
                "completion_micros": prices.completion_micros,
            })
        });
        json!({
            "name": name, "base_url": provider.base_url, "models": models.collect::<Vec<_>>(),
            "obstacle": obstacle.as_ref().map(ToString::to_string),
            "hint": obstacle.as_ref().map(ModelError::hint),
        })
    });
    providers.collect()
}

fn list<'a>(names: impl Iterator<Item = &'a String>) -> String {
    names.map(String::as_str).collect::<Vec<_>>().join(", ")
}
