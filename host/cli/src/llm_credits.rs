use std::sync::Arc;

use clap::{Args as Group, Subcommand};
use stratagem_domain::{grouped, usd};
use stratagem_store::{Credit, CreditLine};

use crate::failure::Failure;
use crate::models::{models, settings};
use crate::output::{out, print_json, table, utc};
use crate::workbench::Workbench;

#[derive(Debug, Group)]
pub struct Credits {
    #[command(subcommand)]
    command: Option<Refresh>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Refresh {
    /// Ask the providers what is left, then show it
    Refresh,
}

pub fn run(bench: &Workbench, credits: &Credits) -> Result<(), Failure> {
    let lines = match &credits.command {
        None => bench.existing_store()?.credits()?,
        Some(Refresh::Refresh) => refresh(bench)?,
    };
    if credits.json {
        return print_json(&lines);
    }
    let rows: Vec<Vec<String>> = lines.iter().map(row).collect();
    let head = ["provider", "left (USD)", "used (USD)", "said (UTC)", "today", "this month", "requests left"];
    out!("{}", table(&head, &rows));
    Ok(())
}

/// Asks every provider that says what is left. One that fails does not keep the others from being asked.
fn refresh(bench: &Workbench) -> Result<Vec<CreditLine>, Failure> {
    let settings = settings(bench)?;
    let asked: Vec<_> = settings
        .providers
        .iter()
        .filter_map(|(name, provider)| Some((name, provider.credit.as_ref()?.low_micros)))
        .collect();
    if asked.is_empty() {
        return Err(Failure::misuse("no provider says where to ask what is left")
            .hint("add `credit` to a provider under [llm.providers]; docs/models.md shows how"));
    }
    let store = Arc::new(bench.store()?);
    let Some(models) = models(bench, &store)? else { unreachable!("the settings were there above") };
    let mut failed = None;
    for (name, low) in asked {
        match models.credit(name) {
            Ok(Some(reply)) => {
                let credit = Credit {
                    remaining_micros: reply.remaining_micros,
                    used_micros: reply.used_micros,
                    raw: Some(reply.raw),
                };
                for alert in store.keep_credit(name, &credit, low)? {
                    eprintln!("warning: {alert}");
                }
            }
            Ok(None) => {}
            Err(error) => failed = Some(Failure::new(&error).hint(error.hint())),
        }
    }
    failed.map_or_else(|| Ok(store.credits()?), Err)
}

fn row(line: &CreditLine) -> Vec<String> {
    let none = || "-".to_owned();
    let money = |micros: Option<i64>| {
        micros.map_or_else(none, |micros| {
            format!("{}{}", if micros < 0 { "-" } else { "" }, usd(micros.unsigned_abs()))
        })
    };
    vec![
        line.provider.clone(),
        money(line.remaining_micros),
        money(line.used_micros),
        line.asked_at.map_or_else(none, |at| utc(at.unsigned_abs())),
        usd(line.daily_micros),
        usd(line.monthly_micros),
        line.rate_remaining.map_or_else(none, |left| grouped(left.unsigned_abs())),
    ]
}
