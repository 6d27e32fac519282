//! `stratagem document`: configurations, prompts, capabilities and settings, and how they come into use.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;
use stratagem_domain::quote;
use stratagem_store::{
    DocumentChange, DocumentFormat, DocumentKind, DocumentVersion, Draft, MAX_BODY_BYTES, Which,
};

use crate::failure::Failure;
use crate::output::{out, outln, print_json, table, utc};
use crate::paint;
use crate::workbench::Workbench;

#[derive(Debug, Subcommand)]
pub enum Document {
    /// Keep a version; the same content twice is kept once
    Put {
        #[command(flatten)]
        address: Address,
        /// A file; `-` is stdin
        #[arg(default_value = "-")]
        file: PathBuf,
        /// yaml, json, toml or text [default: by the file's name, else text for prompts and yaml]
        #[arg(long, value_parser = parse_format)]
        format: Option<DocumentFormat>,
        #[arg(long)]
        category: Option<String>,
        #[arg(long)]
        description: Option<String>,
        /// Why, for the history
        #[arg(long)]
        reason: Option<String>,
        /// Use it from now on, without a proposal; admins only
        #[arg(long)]
        activate: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show a version: of NAME the active one, else the newest
    Show {
        #[command(flatten)]
        address: Address,
        /// The body alone, as it was put
        #[arg(long, conflicts_with = "json")]
        body: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List documents
    List {
        /// config, prompt, capability or setting
        #[arg(long, value_parser = parse_kind)]
        kind: Option<DocumentKind>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Say what happened to a document, when, by whom and why
    History(Plain),
    /// Compare two versions, as text and as operations
    Diff {
        #[command(flatten)]
        address: Address,
        /// A number, `active` or `head`
        #[arg(default_value = "active", value_parser = parse_which)]
        from: Which,
        /// A number, `active` or `head`
        #[arg(default_value = "head", value_parser = parse_which)]
        to: Which,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Ask for a version to be used instead of the active one [default: the newest]
    Propose(Decision),
    /// Approve what was proposed; admins only
    Approve(Decision),
    /// Reject what was proposed; admins only
    Reject(Decision),
    /// Use a version that was approved [default: the newest]
    Activate(Plain),
    /// Take a document out of use; admins only
    Deactivate(Plain),
    /// Go back to an older version: a new one with its body, used at once; admins only
    Rollback(Decision),
}

#[derive(Debug, Args)]
pub struct Address {
    /// config/NAME, prompt/NAME, capability/NAME or setting/NAME, with @VERSION where one is meant
    pub name: String,
    /// Take the whole of NAME as a name of this kind
    #[arg(long, value_parser = parse_kind)]
    pub kind: Option<DocumentKind>,
}

#[derive(Debug, Args)]
pub struct Plain {
    #[command(flatten)]
    pub address: Address,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Decision {
    #[command(flatten)]
    pub address: Address,
    /// Why, for the history
    #[arg(long)]
    pub reason: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

impl Address {
    /// The kind, the name, and the version where one is named.
    fn parts(&self) -> Result<(DocumentKind, &str, Option<Which>), Failure> {
        let (kind, rest) = match self.kind {
            Some(kind) => (Some(kind), self.name.as_str()),
            None => match self.name.split_once('/') {
                Some((kind, rest)) => (DocumentKind::parse(kind), rest),
                None => (None, ""),
            },
        };
        let kind = kind.ok_or_else(|| {
            Failure::misuse(format!("{} does not say what kind of document it is", quote(&self.name, 80)))
                .hint("write config/NAME, prompt/NAME, capability/NAME or setting/NAME")
        })?;
        let (name, which) = split_version(rest)?;
        Ok((kind, name, which))
    }

    /// As [`Self::parts`], where a version would say nothing.
    fn unversioned(&self) -> Result<(DocumentKind, &str), Failure> {
        match self.parts()? {
            (kind, name, None) => Ok((kind, name)),
            (_, name, Some(_)) => {
                Err(Failure::misuse(format!("{name}: a version is not named here"))
                    .hint("leave out @VERSION"))
            }
        }
    }
}

/// Splits NAME@VERSION.
pub fn split_version(text: &str) -> Result<(&str, Option<Which>), Failure> {
    let Some((name, version)) = text.split_once('@') else { return Ok((text, None)) };
    let which = parse_which(version).map_err(|why| {
        let message = format!("{} is no version of a document", quote(version, 40));
        Failure::misuse(message).hint(why)
    })?;
    Ok((name, Some(which)))
}

fn parse_which(text: &str) -> Result<Which, String> {
    match text {
        "active" => Ok(Which::Active),
        "head" => Ok(Which::Head),
        text => text.parse().map(Which::Number).map_err(|_| "a number, `active` or `head`".to_owned()),
    }
}

/// As a name on the command line begins.
fn short(kind: DocumentKind) -> &'static str {
    match kind {
        DocumentKind::StrategyConfig => "config",
        kind => kind.as_str(),
    }
}

fn parse_kind(text: &str) -> Result<DocumentKind, String> {
    DocumentKind::parse(text).ok_or_else(|| "config, prompt, capability or setting".to_owned())
}

fn parse_format(text: &str) -> Result<DocumentFormat, String> {
    DocumentFormat::parse(text).ok_or_else(|| "yaml, json, toml or text".to_owned())
}

pub fn run(bench: &Workbench, command: &Document) -> Result<(), Failure> {
    match command {
        Document::Put { .. } => put(bench, command),
        Document::Show { address, body, json } => show(bench, address, *body, *json),
        Document::List { kind, json } => list(bench, *kind, *json),
        Document::History(Plain { address, json }) => history(bench, address, *json),
        Document::Diff { address, from, to, json } => diff(bench, address, *from, *to, *json),
        Document::Propose(decision) => {
            let (kind, name, which) = decision.address.parts()?;
            let which = which.unwrap_or(Which::Head);
            let reason = decision.reason.as_deref();
            told(&bench.existing_store()?.propose_document(kind, name, which, reason)?, name, decision.json)
        }
        Document::Approve(decision) => decide(bench, decision, true),
        Document::Reject(decision) => decide(bench, decision, false),
        Document::Activate(Plain { address, json }) => {
            let (kind, name, which) = address.parts()?;
            let active =
                bench.existing_store()?.activate_document(kind, name, which.unwrap_or(Which::Head))?;
            in_use(&active, *json)
        }
        Document::Deactivate(Plain { address, json }) => {
            let (kind, name) = address.unversioned()?;
            let document = bench.existing_store()?.deactivate_document(kind, name)?;
            if *json {
                return print_json(&document);
            }
            outln!("{name} is out of use");
            Ok(())
        }
        Document::Rollback(Decision { address, reason, json }) => {
            let (kind, name, which) = address.parts()?;
            let Some(Which::Number(number)) = which else {
                return Err(Failure::misuse("rollback needs the version to go back to").hint("NAME@VERSION"));
            };
            let put = bench.existing_store()?.roll_document_back(kind, name, number, reason.as_deref())?;
            in_use(&put.version, *json)
        }
    }
}

fn put(bench: &Workbench, command: &Document) -> Result<(), Failure> {
    let Document::Put { address, file, format, category, description, reason, activate, json } = command
    else {
        unreachable!("only `put` is handed here")
    };
    let (kind, name) = address.unversioned()?;
    let format = format.unwrap_or_else(|| usual_format(kind, file));
    let draft = Draft {
        kind,
        name: name.to_owned(),
        format,
        body: read_body(file)?,
        category: category.clone(),
        description: description.clone(),
        reason: reason.clone(),
    };
    let put = bench.store()?.put_document(&draft, *activate)?;
    if *json {
        return print_json(&put);
    }
    let version = &put.version;
    let verb = if put.is_new { "kept" } else { "already there:" };
    let state = if version.is_active { paint::good("active") } else { "not active".to_owned() };
    outln!("{verb} {} version {} ({}), {state}", version.name, version.version, version.hash.short());
    Ok(())
}

fn usual_format(kind: DocumentKind, file: &Path) -> DocumentFormat {
    match file.extension().and_then(|end| end.to_str()) {
        Some("yaml" | "yml") => DocumentFormat::Yaml,
        Some("json") => DocumentFormat::Json,
        Some("toml") => DocumentFormat::Toml,
        Some("txt" | "md") => DocumentFormat::Text,
        _ if kind == DocumentKind::Prompt => DocumentFormat::Text,
        _ => DocumentFormat::Yaml,
    }
}

/// Reads no more than a body may have, and one byte to see that there is more.
fn read_body(file: &Path) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let most = MAX_BODY_BYTES as u64 + 1;
    let read = if file == Path::new("-") {
        std::io::stdin().lock().take(most).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(most).read_to_end(&mut bytes))
    };
    read.map_err(|error| {
        Failure::misuse(format!("{}: {error}", file.display())).hint("name a file, or `-`")
    })?;
    if bytes.len() > MAX_BODY_BYTES {
        let message = format!("{}: a body of more than {MAX_BODY_BYTES} bytes", file.display());
        return Err(
            Failure::misuse(message).hint("keep what is large in a file, and its path in the document")
        );
    }
    String::from_utf8(bytes).map_err(|error| {
        Failure::misuse(format!("{}: byte {} is no UTF-8", file.display(), error.utf8_error().valid_up_to()))
            .hint("a document is text in UTF-8")
    })
}

fn show(bench: &Workbench, address: &Address, body: bool, json: bool) -> Result<(), Failure> {
    let (kind, name, which) = address.parts()?;
    let version = bench.existing_store()?.document(kind, name, which.unwrap_or(Which::Current))?;
    if json {
        return print_json(&version);
    }
    if body {
        out!("{}", version.body);
        return Ok(());
    }
    let state = if version.is_active { paint::good("active") } else { "not active".to_owned() };
    outln!("{}/{} version {}, {state}", short(kind), version.name, version.version);
    let field = |name: &str, value: &str| outln!("  {name:<10}{value}");
    field("put", &format!("{} UTC by {}", utc(version.created_at), version.author.as_deref().unwrap_or("-")));
    field("blake3", &version.hash.to_string());
    if let Some(number) = version.rollback_of {
        field("as", &format!("version {number}"));
    }
    if let Some(reason) = &version.reason {
        field("reason", &shown(reason));
    }
    if !version.variables.is_empty() {
        field("variables", &version.variables.join(", "));
    }
    for line in version.body.lines() {
        outln!("    {}", shown(line));
    }
    Ok(())
}

/// A line of somebody's text that cannot move the cursor.
fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
}

fn list(bench: &Workbench, kind: Option<DocumentKind>, json: bool) -> Result<(), Failure> {
    let documents = bench.existing_store()?.documents(kind)?;
    if json {
        return print_json(&documents);
    }
    let rows: Vec<Vec<String>> = documents
        .iter()
        .map(|document| {
            let active = match (document.is_active, document.active) {
                (true, number @ 1..) => number.to_string(),
                _ => "-".to_owned(),
            };
            vec![
                format!("{}/{}", short(document.kind), document.name),
                active,
                document.head.to_string(),
                document.owner.clone(),
                shown(&document.category),
                utc(document.updated_at),
            ]
        })
        .collect();
    out!("{}", table(&["document", "active", "newest", "owner", "category", "changed (UTC)"], &rows));
    Ok(())
}

fn history(bench: &Workbench, address: &Address, json: bool) -> Result<(), Failure> {
    let (kind, name) = address.unversioned()?;
    let lines = bench.existing_store()?.document_history(kind, name)?;
    if json {
        return print_json(&lines);
    }
    for line in lines {
        let who = line.who.as_deref().unwrap_or("-");
        let why = line.why.map(|why| format!("  {}", shown(&why))).unwrap_or_default();
        outln!("{}  {:<12} version {}  {who}{}", utc(line.at), line.what, line.version, paint::dim(&why));
    }
    Ok(())
}

fn diff(bench: &Workbench, address: &Address, from: Which, to: Which, json: bool) -> Result<(), Failure> {
    let (kind, name) = address.unversioned()?;
    let store = bench.existing_store()?;
    let (from, to, found) = store.document_diff(kind, name, from, to)?;
    if json {
        return print_json(&json!({ "from": from, "to": to, "text": found.text, "changes": found.changes }));
    }
    if found.text.is_empty() {
        outln!("versions {from} and {to} are equal");
    }
    print_diff(&found.text);
    Ok(())
}

fn print_diff(text: &str) {
    for line in text.lines() {
        let line = shown(line);
        match line.as_bytes().first() {
            Some(b'+') => outln!("{}", paint::good(&line)),
            Some(b'-') => outln!("{}", paint::bad(&line)),
            _ => outln!("{line}"),
        }
    }
}

fn decide(bench: &Workbench, decision: &Decision, approve: bool) -> Result<(), Failure> {
    let (kind, name, which) = decision.address.parts()?;
    let which = which.unwrap_or(Which::Head);
    let store = bench.existing_store()?;
    told(&store.decide_document(kind, name, which, approve, decision.reason.as_deref())?, name, decision.json)
}

fn told(change: &DocumentChange, name: &str, json: bool) -> Result<(), Failure> {
    if json {
        return print_json(change);
    }
    outln!("{name}: version {} instead of {} is {}", change.to, change.from, change.status);
    print_diff(&change.diff);
    Ok(())
}

fn in_use(version: &DocumentVersion, json: bool) -> Result<(), Failure> {
    if json {
        return print_json(version);
    }
    outln!("{} version {} is {}", version.name, version.version, paint::good("active"));
    Ok(())
}
