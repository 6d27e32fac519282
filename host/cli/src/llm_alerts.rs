use clap::Subcommand;
use serde_json::json;
use stratagem_domain::escape;

use crate::failure::Failure;
use crate::output::{out, outln, print_json, table, utc};
use crate::workbench::Workbench;

/// Characters of a message that the list shows.
const SHOWN: usize = 300;

#[derive(Debug, Subcommand)]
pub enum Alerts {
    /// List the alerts that nobody has acknowledged, newest first
    List {
        /// Those that were acknowledged too
        #[arg(long)]
        all: bool,
        /// How many
        #[arg(long, default_value_t = 50, value_name = "N")]
        limit: usize,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Note that alerts were seen
    Ack {
        /// Their ids, as `alerts list` shows them
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        ids: Vec<String>,
        /// Every alert that nobody has acknowledged
        #[arg(long)]
        all: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

pub fn run(bench: &Workbench, command: &Alerts) -> Result<(), Failure> {
    match command {
        &Alerts::List { all, limit, json } => list(bench, all, limit, json),
        Alerts::Ack { ids, all, json } => acknowledge(bench, ids, *all, *json),
    }
}

fn list(bench: &Workbench, all: bool, limit: usize, json: bool) -> Result<(), Failure> {
    let alerts = bench.existing_store()?.alerts(!all, limit)?;
    if json {
        return print_json(&alerts);
    }
    let rows: Vec<Vec<String>> = alerts
        .into_iter()
        .map(|alert| {
            let seen = alert.acknowledged_at.map_or_else(|| "-".to_owned(), |at| utc(at.unsigned_abs()));
            vec![
                alert.id,
                utc(alert.created_at.unsigned_abs()),
                alert.severity,
                seen,
                escape(&alert.message, SHOWN),
            ]
        })
        .collect();
    out!("{}", table(&["alert", "raised (UTC)", "severity", "seen (UTC)", "message"], &rows));
    Ok(())
}

fn acknowledge(bench: &Workbench, ids: &[String], all: bool, json: bool) -> Result<(), Failure> {
    let store = bench.existing_store()?;
    let open: Vec<String> = if all {
        store.alerts(true, usize::MAX)?.into_iter().map(|alert| alert.id).collect()
    } else {
        ids.to_vec()
    };
    let mut acknowledged = Vec::new();
    for id in open {
        if store.acknowledge(&id)? {
            acknowledged.push(id);
        }
    }
    if json {
        return print_json(&json!({"acknowledged": acknowledged}));
    }
    outln!("acknowledged {} alerts", acknowledged.len());
    Ok(())
}
