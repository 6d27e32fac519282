use clap::Subcommand;
use stratagem_domain::grouped;
use stratagem_store::{Catalogue, RolledBack, Schema};

use crate::failure::Failure;
use crate::meanings::{Meanings, Meant};
use crate::output::{out, outln, print_json, table, utc};
use crate::paint;
use crate::workbench::Workbench;

#[derive(Debug, Subcommand)]
pub enum SchemaCommand {
    /// List the migrations of the database: which are applied, which are pending
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Apply what is pending; opening the database does so too, this only says what it did
    Migrate {
        /// Up to this version [default: the newest]
        #[arg(long, value_name = "VERSION")]
        to: Option<u32>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Go back to an older schema, for an older program; what the newer one added is lost
    Rollback {
        /// The version to go back to
        #[arg(long, value_name = "VERSION")]
        to: u32,
        /// Do it; without this, only say what would be lost
        #[arg(long)]
        yes: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Describe every table, view and column that this program makes, with its meaning and unit
    Schema {
        /// Only this table or view
        name: Option<String>,
        /// Print docs/schema.md
        #[arg(long, conflicts_with_all = ["name", "json"])]
        markdown: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

pub fn run(bench: &Workbench, command: &SchemaCommand) -> Result<(), Failure> {
    match command {
        SchemaCommand::Status { json } => status(bench, *json),
        SchemaCommand::Migrate { to, json } => migrate(bench, *to, *json),
        SchemaCommand::Rollback { to, yes, json } => rollback(bench, *to, *yes, *json),
        SchemaCommand::Schema { markdown: true, .. } => {
            out!("{}", Meanings::of_this_program(&Catalogue::read()?)?.markdown());
            Ok(())
        }
        SchemaCommand::Schema { name, json, .. } => describe(name.as_deref(), *json),
    }
}

fn open(bench: &Workbench) -> Result<Schema, Failure> {
    Ok(Schema::open(&bench.places.database, &bench.options()?)?)
}

fn status(bench: &Workbench, json: bool) -> Result<(), Failure> {
    let status = open(bench)?.status()?;
    if json {
        return print_json(&status);
    }
    let state = |at: Option<i64>| at.map_or_else(|| "pending".to_owned(), |at| utc(at.unsigned_abs()));
    let rows: Vec<Vec<String>> = status
        .iter()
        .map(|it| vec![it.name.clone(), state(it.applied_at), it.checksum.chars().take(12).collect()])
        .collect();
    out!("{}", table(&["migration", "applied (UTC)", "checksum"], &rows));
    Ok(())
}

fn migrate(bench: &Workbench, to: Option<u32>, json: bool) -> Result<(), Failure> {
    let done = open(bench)?.migrate(to)?;
    if json {
        return print_json(&done);
    }
    for name in &done.applied {
        outln!("applied {name}");
    }
    match done.applied.len() {
        0 => outln!("nothing is pending: the schema is of version {}", done.to),
        _ => outln!("{} from version {} to {}", paint::good("migrated"), done.from, done.to),
    }
    Ok(())
}

fn rollback(bench: &Workbench, to: u32, yes: bool, json: bool) -> Result<(), Failure> {
    let gone = open(bench)?.rollback(to, yes)?;
    if json {
        print_json(&gone)?;
    } else {
        show_loss(&gone);
    }
    if gone.is_done {
        return Ok(());
    }
    let rows: u64 = gone.tables.values().sum();
    let words = format!("going back to version {to} loses {} rows: nothing was changed", grouped(rows));
    Err(Failure::misuse(words).hint("make a backup, then say `--yes`"))
}

fn show_loss(gone: &RolledBack) {
    for name in &gone.taken_back {
        outln!("{} {name}", if gone.is_done { "took back" } else { "would take back" });
    }
    let places = gone.tables.iter().chain(gone.columns.iter().filter(|&(_, &rows)| rows > 0));
    let rows: Vec<Vec<String>> = places.map(|(place, &rows)| vec![place.clone(), grouped(rows)]).collect();
    out!("{}", table(&[if gone.is_done { "lost" } else { "would be lost" }, "rows"], &rows));
}

fn describe(name: Option<&str>, json: bool) -> Result<(), Failure> {
    let meanings = Meanings::of_this_program(&Catalogue::read()?)?;
    let found = meanings.relations(name);
    if let Some(name) = name.filter(|_| found.is_empty()) {
        return Err(Failure::misuse(format!("there is no table or view {name:?}"))
            .hint("list them with `stratagem db schema`"));
    }
    if json {
        return print_json(&found);
    }
    if name.is_none() {
        for it in found {
            outln!("{:<36}{:>3} columns  {}", it.name, it.columns.len(), it.about);
        }
        return Ok(());
    }
    for it in found {
        outln!("{}: {}\n", it.name, it.about);
        for Meant { name, r#type, unit, meaning, .. } in &it.columns {
            let unit = if unit.is_empty() { String::new() } else { format!(" [{unit}]") };
            outln!("  {name:<26}{type:<9}{meaning}{unit}");
        }
    }
    Ok(())
}
