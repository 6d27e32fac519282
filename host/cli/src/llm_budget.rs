use clap::{Args as Group, Subcommand};
use serde_json::json;
use stratagem_domain::usd;
use stratagem_store::{Budget, BudgetLine, BudgetScope, Period};

use crate::failure::Failure;
use crate::output::{out, outln, print_json, table};
use crate::workbench::Workbench;

#[derive(Debug, Subcommand)]
pub enum Budgets {
    /// Set what may be spent on language models, in place of a budget of the same scope and period
    Set(Set),
    /// List the budgets and how they stand
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Take a budget away
    Remove {
        /// Its id, as `budget list` shows it
        id: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Group)]
pub struct Set {
    /// Whose spending: global, user, experiment, run, task or provider
    #[arg(value_parser = parse_scope)]
    scope: BudgetScope,
    /// Which one, by id or name; `*` gives each a budget of its own; none for global
    #[arg(default_value = "", hide_default_value = true)]
    which: String,
    /// What may be spent, in dollars
    #[arg(long, value_name = "AMOUNT", value_parser = parse_usd)]
    usd: u64,
    /// When it begins anew, by UTC: once (never), day or month
    #[arg(long, default_value = "month", value_parser = parse_period)]
    every: Period,
    /// The share in percent at which a warning is raised
    #[arg(long, default_value = "70", value_name = "PERCENT", value_parser = parse_permille)]
    warn: u16,
    /// Only warn: let through what passes it
    #[arg(long)]
    soft: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn run(bench: &Workbench, command: &Budgets) -> Result<(), Failure> {
    match command {
        Budgets::Set(set) => {
            let budget = Budget {
                scope: set.scope,
                scope_id: set.which.clone(),
                period: set.every,
                limit_micros: set.usd,
                warn_permille: set.warn,
                hard_stop: !set.soft,
            };
            let store = bench.store()?;
            let id = store.set_budget(&budget)?;
            let line = store.budgets()?.into_iter().find(|line| line.id == id);
            if set.json {
                return print_json(&line);
            }
            outln!("set budget {id}: {}", line.as_ref().map(text).unwrap_or_default());
            Ok(())
        }
        Budgets::List { json } => list(bench, *json),
        Budgets::Remove { id, json } => {
            bench.existing_store()?.remove_budget(id)?;
            if *json {
                return print_json(&json!({"removed": id}));
            }
            outln!("removed budget {id}");
            Ok(())
        }
    }
}

fn list(bench: &Workbench, json: bool) -> Result<(), Failure> {
    let lines = bench.existing_store()?.budgets()?;
    if json {
        return print_json(&lines);
    }
    let rows: Vec<Vec<String>> = lines
        .iter()
        .map(|line| {
            let share = line.spent_micros as f64 * 100.0 / line.budget.limit_micros as f64;
            vec![
                line.id.clone(),
                whose(line),
                line.window.clone(),
                usd(line.budget.limit_micros),
                usd(line.spent_micros),
                usd(line.held_micros),
                format!("{share:.1} %"),
                if line.budget.hard_stop { "stops" } else { "warns" }.to_owned(),
            ]
        })
        .collect();
    out!("{}", table(&["budget", "of", "window", "USD", "spent", "held", "share", "then"], &rows));
    Ok(())
}

fn whose(line: &BudgetLine) -> String {
    let scope = line.budget.scope.as_str();
    match (line.budget.scope_id.as_str(), &line.most) {
        ("", _) => scope.to_owned(),
        ("*", Some(most)) => format!("each {scope} (most: {most})"),
        ("*", None) => format!("each {scope}"),
        (id, _) => format!("{scope} {id}"),
    }
}

fn text(line: &BudgetLine) -> String {
    let Budget { period, limit_micros, warn_permille, hard_stop, .. } = line.budget;
    let period = match period {
        Period::Once => "in all",
        Period::Day => "a day",
        Period::Month => "a month",
    };
    let then = if hard_stop { "stops" } else { "lets through" };
    format!(
        "{}, {} USD {period}, warns at {} %, then {then}",
        whose(line),
        usd(limit_micros),
        f64::from(warn_permille) / 10.0
    )
}

fn parse_scope(text: &str) -> Result<BudgetScope, String> {
    BudgetScope::parse(text)
        .ok_or_else(|| format!("one of {}", BudgetScope::ALL.map(BudgetScope::as_str).join(", ")))
}

fn parse_period(text: &str) -> Result<Period, String> {
    Period::parse(text).ok_or_else(|| format!("one of {}", Period::ALL.map(Period::as_str).join(", ")))
}

/// Dollars as millionths, digit by digit: no amount is rounded on its way.
fn parse_usd(text: &str) -> Result<u64, String> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && part.is_empty()) || !is_number(whole) || !is_number(part) || part.len() > 6 {
        return Err("an amount in dollars, such as 12.50, with at most six decimals".to_owned());
    }
    format!("{whole}{part:0<6}").parse().map_err(|_| "less than 18 trillion dollars".to_owned())
}

/// A percentage as thousandths.
fn parse_permille(text: &str) -> Result<u16, String> {
    let percent: f64 = text.parse().map_err(|_| "a percentage, such as 70".to_owned())?;
    let permille = (percent * 10.0).round();
    if (1.0..=1_000.0).contains(&permille) { Ok(permille as u16) } else { Err("0.1 to 100".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_to_the_millionth_or_refused() {
        for (text, micros) in [
            ("0.50", 500_000),
            ("12", 12_000_000),
            (".000001", 1),
            ("3.", 3_000_000),
            ("123456.789012", 123_456_789_012),
        ] {
            assert_eq!(parse_usd(text), Ok(micros), "{text}");
        }
        for text in ["", ".", "-1", "1e3", "1.2.3", "0.0000001", "1,000", "99999999999999999999", "٣"] {
            assert!(parse_usd(text).is_err(), "{text}");
        }
        assert_eq!(parse_permille("12.5"), Ok(125));
        for text in ["0", "100.1", "NaN", "most"] {
            assert!(parse_permille(text).is_err(), "{text}");
        }
    }
}
