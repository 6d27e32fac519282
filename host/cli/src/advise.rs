use clap::Subcommand;
use stratagem_domain::grouped;
use stratagem_store::Recommendation;

use crate::failure::Failure;
use crate::output::{outln, print_json};
use crate::paint;
use crate::workbench::Workbench;

const DAY_MS: i64 = 86_400_000;

#[derive(Debug, Subcommand)]
pub enum Advise {
    /// Look at the outcomes of the last days and keep what they advise
    Run {
        /// How far to look back
        #[arg(long, default_value_t = 7, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=3650))]
        days: u32,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List what is advised and not decided, surest first
    List {
        /// What was decided too
        #[arg(long)]
        all: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Write down that advice was followed; following it is done with the commands that it names
    Apply(Decision),
    /// Write down that advice is not followed
    Dismiss(Decision),
}

#[derive(Debug, clap::Args)]
pub struct Decision {
    /// A recommendation's id or its beginning
    id: String,
    /// How good it was, 1 to 5
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=5))]
    feedback: Option<u8>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn run(bench: &Workbench, command: &Advise) -> Result<(), Failure> {
    match command {
        Advise::Run { days, json } => look(bench, *days, *json),
        Advise::List { all, json } => {
            let advice = bench.existing_store()?.recommendations(*all)?;
            if *json {
                return print_json(&advice);
            }
            advice.iter().for_each(show);
            if advice.is_empty() {
                outln!("nothing is advised: `stratagem advise run` looks");
            }
            Ok(())
        }
        Advise::Apply(decision) => decide(bench, decision, true),
        Advise::Dismiss(decision) => decide(bench, decision, false),
    }
}

fn look(bench: &Workbench, days: u32, json: bool) -> Result<(), Failure> {
    let analysis = bench.existing_store()?.analyse(i64::from(days) * DAY_MS)?;
    if json {
        return print_json(&analysis);
    }
    analysis.recommendations.iter().for_each(show);
    let (seen, made) = (grouped(analysis.outcomes_seen), analysis.recommendations.len());
    outln!("{seen} outcomes of the last {days} days: {made} new recommendations");
    Ok(())
}

fn decide(bench: &Workbench, Decision { id, feedback, json }: &Decision, apply: bool) -> Result<(), Failure> {
    let decided = bench.existing_store()?.decide(id, apply, *feedback)?;
    if *json {
        return print_json(&decided);
    }
    show(&decided);
    Ok(())
}

fn show(Recommendation { id, description, confidence, status, .. }: &Recommendation) {
    let mark = if status == "open" { format!("{:.0} % sure", confidence * 100.0) } else { status.clone() };
    outln!("{id}  {}  {description}", paint::dim(&mark));
}
