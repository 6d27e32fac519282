//! `stratagem dsl`: the language of programs, looked up, explained and run.

use clap::Subcommand;
use serde_json::json;
use stratagem_domain::{Grid, quote};
use stratagem_dsl::catalogue::{self, Entry};
use stratagem_dsl::{self as dsl, Program};

use crate::failure::Failure;
use crate::output::{out, outln, print_json, table};
use crate::paint::{self, Panel};
use crate::verify::to_dsl;
use crate::workbench::{Workbench, find_task};

#[derive(Debug, Subcommand)]
pub enum Dsl {
    /// List the operations: names, types, meanings
    List {
        /// Only those of a category, such as grid, object or colour
        #[arg(long, value_name = "NAME")]
        category: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Say in words what a program, or an operation by name, does
    Explain {
        /// A program, as answers' rationales have it, or the name of an operation
        program: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Run a program on every grid of a task
    Run {
        program: String,
        /// A task's id, or DATASET/ID
        task: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

pub fn run(bench: &Workbench, command: &Dsl) -> Result<(), Failure> {
    match command {
        Dsl::List { category, json } => list(category.as_deref(), *json),
        Dsl::Explain { program, json } => explain(program, *json),
        Dsl::Run { program, task, json } => on_task(bench, program, task, *json),
    }
}

fn list(category: Option<&str>, json: bool) -> Result<(), Failure> {
    let is_wanted = |entry: &&Entry| category.is_none_or(|name| entry.category.name() == name);
    let entries: Vec<&Entry> = catalogue::all().iter().filter(is_wanted).collect();
    if entries.is_empty() {
        let mut known: Vec<String> =
            catalogue::all().iter().map(|entry| entry.category.name().to_owned()).collect();
        known.sort();
        known.dedup();
        return Err(Failure::misuse(format!("no category {}", quote(category.unwrap_or_default(), 80)))
            .hint(format!("there are: {}", known.join(", "))));
    }
    if json {
        let entries: Vec<_> = entries.into_iter().map(described).collect();
        return print_json(&entries);
    }
    let row =
        |entry: &&Entry| vec![entry.name.to_string(), entry.category.name().to_owned(), entry.signature()];
    let rows: Vec<Vec<String>> = entries.iter().map(row).collect();
    out!("{}", table(&["operation", "category", "type"], &rows));
    outln!(
        "{}",
        paint::dim(&format!("{} operations; `stratagem dsl explain NAME` says what one does", rows.len()))
    );
    Ok(())
}

fn described(entry: &Entry) -> serde_json::Value {
    json!({
        "name": entry.name, "category": entry.category.name().to_owned(), "type": entry.signature(),
        "meaning": entry.sentence(), "cost": entry.cost,
    })
}

fn explain(text: &str, json: bool) -> Result<(), Failure> {
    if let Some(entry) = catalogue::find(text.trim()) {
        if json {
            return print_json(&described(entry));
        }
        outln!("{}  {}", entry.name, paint::dim(&entry.signature()));
        outln!("{}", entry.sentence());
        return Ok(());
    }
    let program = parsed(text)?;
    if json {
        let digest = format!("{:016x}", program.digest());
        return print_json(
            &json!({"program": program.to_string(), "digest": digest, "words": program.explain()}),
        );
    }
    outln!("{}", program.explain());
    Ok(())
}

/// Reads a program; what an answer's rationale adds in brackets is left out.
fn parsed(text: &str) -> Result<Program, Failure> {
    let text = text.rsplit_once(" (fits").map_or(text, |(program, _)| program);
    text.parse().map_err(|error: dsl::ParseError| {
        Failure::misuse(error.to_string()).hint("`stratagem dsl list` names the operations")
    })
}

fn on_task(bench: &Workbench, text: &str, id: &str, json: bool) -> Result<(), Failure> {
    let program = parsed(text)?;
    let store = bench.existing_store()?;
    let Some((_, task)) = find_task(&store, id)? else {
        return Err(Failure::misuse(format!("no task {}", quote(id, 80))).hint("see `stratagem tasks list`"));
    };
    let demonstrations =
        task.task.train.iter().map(|pair| ("demonstration", &pair.input, Some(&pair.output)));
    let tests = task.task.test.iter().zip(&task.truth).map(|(input, truth)| ("test", input, truth.as_ref()));
    let mut rows = Vec::new();
    for (what, input, wanted) in demonstrations.chain(tests) {
        let found = program.run(&to_dsl(input)).and_then(|grid| from_dsl(&grid));
        let is_right = wanted.map(|wanted| found.as_ref() == Some(wanted));
        if json {
            let cells = found.as_ref().map(|grid| grid.rows().map(<[u8]>::to_vec).collect::<Vec<_>>());
            rows.push(json!({"grid": what, "output": cells, "is_right": is_right}));
            continue;
        }
        let mut panels = vec![Panel { title: what.into(), grid: input }];
        panels.extend(wanted.map(|grid| Panel { title: "expected".into(), grid }));
        let mark = is_right.map_or("", |right| if right { " ✓" } else { " ✗" });
        panels.extend(found.as_ref().map(|grid| Panel { title: format!("program{mark}"), grid }));
        out!("{}", paint::panels(&panels));
        if found.is_none() {
            out!("{}", paint::dim("  the program does not apply to this grid\n"));
        }
    }
    if json { print_json(&rows) } else { Ok(()) }
}

fn from_dsl(grid: &dsl::Grid) -> Option<Grid> {
    Grid::new(grid.width() as u32, grid.height() as u32, grid.cells()).ok()
}
