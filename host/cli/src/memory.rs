//! What people write down for later, and what plugins left: `stratagem memory`.

use clap::Subcommand;
use stratagem_domain::{escape, grouped};
use stratagem_store::{Memory as Kept, MemoryFilter, NewMemory};

use crate::failure::Failure;
use crate::output::{out, outln, print_json, table, utc};
use crate::workbench::Workbench;

/// Characters of a text that a list shows.
const SHOWN: usize = 100;

#[derive(Debug, Subcommand)]
pub enum Memory {
    /// Write something down
    Add {
        content: String,
        /// A word to find it by; may be repeated
        #[arg(long = "tag", value_name = "TAG")]
        tags: Vec<String>,
        /// 1 to 10
        #[arg(long, default_value_t = 5)]
        importance: u8,
        /// What it was about
        #[arg(long, default_value = "")]
        context: String,
        /// A plugin's domain that it belongs to
        #[arg(long, default_value = "")]
        domain: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Find memories by words, "phrases", AND, OR, NOT and beginnings*
    Search {
        words: String,
        #[arg(long, default_value_t = 20)]
        limit: usize,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List memories, the newest first
    List {
        #[arg(long)]
        tag: Option<String>,
        #[arg(long)]
        domain: Option<String>,
        /// Only those at least as important
        #[arg(long, default_value_t = 1)]
        importance: u8,
        #[arg(long, default_value_t = 50)]
        limit: usize,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Forget a memory
    Forget {
        /// Its id, or the start of it
        id: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Find what runs did, by words as in `search`
    Episodes {
        words: String,
        /// Where they are kept [default: everywhere]
        #[arg(long)]
        domain: Option<String>,
        #[arg(long, default_value_t = 20)]
        limit: usize,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List the patterns that plugins keep in a domain, best first
    Patterns {
        domain: String,
        kind: String,
        /// The least share of successes, 0 to 1
        #[arg(long, default_value_t = 0.0)]
        min_rate: f64,
        #[arg(long, default_value_t = 20)]
        limit: usize,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

pub fn run(bench: &Workbench, command: &Memory) -> Result<(), Failure> {
    match command {
        Memory::Add { content, tags, importance, context, domain, json } => {
            let (content, tags, importance) = (content.clone(), tags.clone(), *importance);
            let (context, domain) = (context.clone(), domain.clone());
            let id = bench.store()?.remember(&NewMemory { content, tags, domain, context, importance })?;
            told(&id, "kept as", *json)
        }
        Memory::Search { words, limit, json } => {
            list(&bench.existing_store()?.search_memories(words, *limit)?, *json)
        }
        Memory::List { tag, domain, importance, limit, json } => {
            let (tag, domain) = (tag.clone(), domain.clone());
            let filter = MemoryFilter { tag, domain, least_importance: *importance, limit: *limit };
            list(&bench.existing_store()?.memories(&filter)?, *json)
        }
        Memory::Forget { id, json } => told(&bench.existing_store()?.forget_memory(id)?, "forgot", *json),
        Memory::Episodes { words, domain, limit, json } => {
            episodes(bench, words, domain.as_deref(), *limit, *json)
        }
        Memory::Patterns { domain, kind, min_rate, limit, json } => {
            patterns(bench, (domain, kind), *min_rate, *limit, *json)
        }
    }
}

fn told(id: &str, what: &str, json: bool) -> Result<(), Failure> {
    if json {
        return print_json(&serde_json::json!({ "id": id }));
    }
    outln!("{what} {id}");
    Ok(())
}

fn list(memories: &[Kept], json: bool) -> Result<(), Failure> {
    if json {
        return print_json(&memories);
    }
    let row = |memory: &Kept| {
        vec![
            memory.id.clone(),
            utc(memory.occurred_at),
            memory.importance.to_string(),
            escape(&memory.tags.join(", "), SHOWN),
            escape(&memory.content, SHOWN),
        ]
    };
    let rows: Vec<Vec<String>> = memories.iter().map(row).collect();
    out!("{}", table(&["memory", "written (UTC)", "importance", "tags", "content"], &rows));
    Ok(())
}

fn episodes(
    bench: &Workbench,
    words: &str,
    domain: Option<&str>,
    limit: usize,
    json: bool,
) -> Result<(), Failure> {
    let found = bench.existing_store()?.search_episodes(domain, words, limit)?;
    if json {
        return print_json(&found);
    }
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|episode| {
            let solved = match episode.success_rate {
                Some(rate) if rate > 0.5 => "solved",
                Some(_) => "unsolved",
                None => "unscored",
            };
            let actions = escape(&episode.actions.join(", "), SHOWN);
            vec![
                episode.id.clone(),
                episode.domain.clone(),
                episode.task_id.clone(),
                solved.to_owned(),
                actions,
            ]
        })
        .collect();
    out!("{}", table(&["episode", "domain", "task", "outcome", "actions"], &rows));
    Ok(())
}

fn patterns(
    bench: &Workbench,
    (domain, kind): (&str, &str),
    min_rate: f64,
    limit: usize,
    json: bool,
) -> Result<(), Failure> {
    if !(0.0..=1.0).contains(&min_rate) {
        return Err(Failure::misuse(format!("--min-rate {min_rate}: 0 to 1")).hint("0.5 is half"));
    }
    let found = bench.existing_store()?.patterns(domain, kind, min_rate, limit)?;
    if json {
        return print_json(&found);
    }
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|pattern| {
            let rate = format!("{:.1} %", 100.0 * pattern.rate());
            vec![pattern.id.clone(), rate, grouped(pattern.trials), escape(&pattern.data, SHOWN)]
        })
        .collect();
    out!("{}", table(&["pattern", "successes", "trials", "data"], &rows));
    Ok(())
}
