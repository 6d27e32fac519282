//! `stratagem retention` and `stratagem todo`: how long things stay, and what is still to do.

use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Subcommand, ValueEnum};
use serde_json::json;
use stratagem_domain::{escape, grouped};
use stratagem_store::{RetentionAction, RetentionReport, parse_age};

use crate::failure::Failure;
use crate::output::{mib, out, outln, print_json, table, utc};
use crate::progress::Told;
use crate::workbench::Workbench;

/// Characters of a title in a table.
const SHOWN: usize = 80;
const HOUR_MS: u64 = 3_600_000;

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ActionArg {
    Delete,
    Archive,
    Thin,
}

impl From<ActionArg> for RetentionAction {
    fn from(action: ActionArg) -> Self {
        match action {
            ActionArg::Delete => Self::Delete,
            ActionArg::Archive => Self::Archive,
            ActionArg::Thin => Self::Thin,
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum Retention {
    /// List what may have an age, and for how long it is kept
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Keep something for so long
    Set {
        /// One that `list` names
        subject: String,
        /// A number and h, d, w or y, such as 90d
        #[arg(long, value_name = "AGE", value_parser = age)]
        keep: u64,
        /// What becomes of what is older [default: the first that `list` names]
        #[arg(long, value_enum)]
        action: Option<ActionArg>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Keep something for ever
    Remove {
        subject: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Let go what is older than its policy
    Run {
        /// Only count it
        #[arg(long)]
        dry_run: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum Todos {
    /// Add something to do
    Add {
        title: String,
        #[arg(long)]
        description: Option<String>,
        /// Who is to do it, by name or id
        #[arg(long = "for", value_name = "USER")]
        assignee: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List what is to do, oldest first
    List {
        /// Also what is done or dropped
        #[arg(long)]
        all: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// End one that is done
    Done {
        /// Its id or the beginning of it
        id: String,
        /// It will not be done
        #[arg(long)]
        dropped: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

fn age(text: &str) -> Result<u64, String> {
    parse_age(text).ok_or_else(|| "a number and h, d, w or y, such as 90d".to_owned())
}

pub fn run(bench: &Workbench, command: &Retention) -> Result<(), Failure> {
    match command {
        Retention::List { json } => list(bench, *json),
        Retention::Set { subject, keep, action, json } => {
            let store = bench.existing_store()?;
            store.set_retention(subject, *keep, action.map(RetentionAction::from))?;
            if *json {
                return print_json(&json!({ "subject": subject, "max_age_ms": keep }));
            }
            outln!("{subject}: kept for {}", span(*keep));
            Ok(())
        }
        Retention::Remove { subject, json } => {
            bench.existing_store()?.remove_retention(subject)?;
            if *json {
                return print_json(&json!({ "subject": subject, "max_age_ms": null }));
            }
            outln!("{subject}: kept for ever");
            Ok(())
        }
        Retention::Run { dry_run, json } => {
            let store = bench.existing_store()?;
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
            let mut told = Told::new("letting go");
            let report = store.retain_telling(now, *dry_run, &mut |what, rows| told.hear(what, rows))?;
            told.end();
            if *json {
                return print_json(&report);
            }
            tell(&report);
            Ok(())
        }
    }
}

fn list(bench: &Workbench, json: bool) -> Result<(), Failure> {
    let lines = bench.existing_store()?.retention()?;
    if json {
        return print_json(&lines);
    }
    let mut rows = Vec::new();
    for line in lines {
        for (action, about) in line.choices {
            let is_set = line.action == Some(action);
            let kept = line.max_age_ms.filter(|_| is_set).map_or_else(|| "-".to_owned(), span);
            rows.push(vec![line.subject.to_owned(), kept, action.as_str().to_owned(), about.to_owned()]);
        }
    }
    out!("{}", table(&["subject", "kept for", "then", "what goes"], &rows));
    Ok(())
}

fn tell(report: &RetentionReport) {
    let rows: Vec<Vec<String>> = report
        .policies
        .iter()
        .map(|line| {
            let before = utc(line.cutoff.unsigned_abs());
            vec![line.subject.to_owned(), line.action.as_str().to_owned(), before, grouped(line.rows)]
        })
        .collect();
    out!("{}", table(&["subject", "action", "before (UTC)", "rows"], &rows));
    let verb = if report.dry_run { "would go" } else { "went" };
    outln!(
        "content that nothing points at: {} ({}) {verb}",
        grouped(report.artifacts),
        mib(report.artifact_bytes)
    );
}

/// An age as `--keep` takes it.
fn span(ms: u64) -> String {
    match ms / HOUR_MS {
        hours if ms.is_multiple_of(24 * HOUR_MS) => format!("{}d", hours / 24),
        hours => format!("{hours}h"),
    }
}

pub fn todo(bench: &Workbench, command: &Todos) -> Result<(), Failure> {
    match command {
        Todos::Add { title, description, assignee, json } => {
            let store = bench.store()?;
            let id = store.add_todo(title, description.as_deref(), assignee.as_deref())?;
            if *json {
                return print_json(&json!({ "id": id }));
            }
            outln!("added {id}");
            Ok(())
        }
        Todos::List { all, json } => {
            let todos = bench.existing_store()?.todos(*all)?;
            if *json {
                return print_json(&todos);
            }
            let row = |todo: stratagem_store::Todo| {
                let who = todo.assignee.map_or_else(|| "-".to_owned(), |name| escape(&name, SHOWN));
                vec![todo.id, escape(&todo.title, SHOWN), todo.status, who, utc(todo.created_at)]
            };
            let rows: Vec<_> = todos.into_iter().map(row).collect();
            out!("{}", table(&["todo", "title", "status", "for", "since (UTC)"], &rows));
            Ok(())
        }
        Todos::Done { id, dropped, json } => {
            let id = bench.existing_store()?.end_todo(id, !dropped)?;
            let status = if *dropped { "dropped" } else { "done" };
            if *json {
                return print_json(&json!({ "id": id, "status": status }));
            }
            outln!("{status}: {id}");
            Ok(())
        }
    }
}
