use std::path::PathBuf;

use serde::Serialize;
use stratagem_domain::{Capability, Digest, LimitsOverlay, escape, grouped, quote};
use stratagem_runtime::{LoadError, Package, Surface};

use crate::args::Plugin;
use crate::check;
use crate::config::beside_program;
use crate::failure::Failure;
use crate::guest;
use crate::output::{mib, out, outln, print_json, table};
use crate::paint;
use crate::workbench::Workbench;

pub fn run(bench: &Workbench, command: &Plugin) -> Result<(), Failure> {
    match command {
        Plugin::List { json } => list(bench, *json),
        Plugin::Inspect { file, json } => inspect(bench, file, *json),
        Plugin::Build { folders, out } => build(folders, out.clone()),
        Plugin::Check(args) => check::run(bench, args),
    }
}

/// A line of `plugin list`; `error` says why a folder is no usable plugin.
#[derive(Serialize)]
struct Line {
    name: String,
    version: String,
    kind: String,
    summary: String,
    digest: Option<Digest>,
    folder: PathBuf,
    error: Option<String>,
}

fn list(bench: &Workbench, json: bool) -> Result<(), Failure> {
    let line = |folder: PathBuf| {
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let blank = Line {
            name,
            version: String::new(),
            kind: String::new(),
            summary: String::new(),
            digest: None,
            folder,
            error: None,
        };
        match Package::read(&blank.folder) {
            Ok(Package { manifest: Some(manifest), digest, .. }) => Line {
                name: manifest.name,
                version: manifest.version.to_string(),
                kind: manifest.kind,
                summary: manifest.summary,
                digest: Some(digest),
                ..blank
            },
            Ok(_) => blank,
            Err(error) => Line { error: Some(error.to_string()), ..blank },
        }
    };
    let lines: Vec<Line> = bench.plugin_folders().into_iter().map(line).collect();
    if json {
        return print_json(&lines);
    }
    if lines.is_empty() {
        outln!("no plugins: build the shipped ones with `just plugins`");
        return Ok(());
    }
    let rows: Vec<Vec<String>> = lines
        .iter()
        .map(|line| {
            let digest = line.digest.map_or_else(|| "-".to_owned(), |digest| digest.short());
            vec![line.name.clone(), line.version.clone(), line.kind.clone(), digest]
        })
        .collect();
    out!("{}", table(&["plugin", "version", "kind", "blake3"], &rows));
    for line in lines.iter().filter(|line| line.error.is_some()) {
        eprintln!("{}", line.error.as_deref().unwrap_or_default());
    }
    Ok(())
}

/// What `plugin inspect` finds out, whether or not the plugin would run.
#[derive(Serialize)]
struct Inspection {
    name: String,
    version: String,
    kind: String,
    summary: String,
    component: PathBuf,
    bytes: usize,
    digest: Digest,
    surface: Surface,
    asked: Vec<Capability>,
    limits: LimitsOverlay,
    /// None where this host runs the plugin.
    refused: Option<String>,
    #[serde(skip)]
    hint: Option<String>,
}

fn inspect(bench: &Workbench, file: &str, json: bool) -> Result<(), Failure> {
    let package = bench.package(file).or_else(|failure| {
        let path = std::path::Path::new(file);
        if path.exists() { Ok(Package::read(path)?) } else { Err(failure) }
    })?;
    let sandbox = bench.sandbox(1)?;
    let surface = sandbox.inspect(&package)?;
    let loaded = sandbox.load(&package);
    let inspection = Inspection::new(&package, surface, loaded);
    if json {
        print_json(&inspection)?;
    } else {
        inspection.print();
    }
    match inspection.refused {
        None => Ok(()),
        Some(reason) => {
            let failure = Failure::new(reason);
            Err(match inspection.hint {
                Some(hint) => failure.hint(hint),
                None => failure,
            })
        }
    }
}

impl Inspection {
    fn new(
        package: &Package,
        surface: Surface,
        loaded: Result<stratagem_runtime::LoadedStrategy, LoadError>,
    ) -> Self {
        let manifest = package.manifest.clone();
        let said = loaded.as_ref().ok().map(|strategy| strategy.description.clone()).unwrap_or_default();
        let (refused, hint) =
            loaded.err().map_or((None, None), |error| (Some(error.to_string()), error.hint()));
        let (name, version, kind, summary, asked, limits) = match manifest {
            Some(m) => (m.name, m.version.to_string(), m.kind, m.summary, m.capabilities, m.limits),
            None => (said.name, said.version, said.kind, said.summary, Vec::new(), LimitsOverlay::default()),
        };
        let component = package.path.clone();
        let (bytes, digest) = (package.component.len(), package.digest);
        Self { name, version, kind, summary, component, bytes, digest, surface, asked, limits, refused, hint }
    }

    fn print(&self) {
        let field = |name: &str, value: &str| outln!("  {name:<12}{value}");
        outln!("{} {}", self.name, self.version);
        field("kind", &self.kind);
        field("summary", &escape(&self.summary, 400));
        field("component", &format!("{} ({})", self.component.display(), mib(self.bytes as u64)));
        field("blake3", &self.digest.to_string());
        let names: Vec<&str> = self.asked.iter().map(|capability| capability.as_str()).collect();
        field(
            "asks for",
            if names.is_empty() { "nothing beyond `run`".to_owned() } else { names.join(", ") }.as_str(),
        );
        for (word, interfaces) in [("imports", &self.surface.imports), ("exports", &self.surface.exports)] {
            for interface in interfaces {
                field(
                    word,
                    &format!(
                        "{} {}",
                        quote(&interface.name, 120),
                        paint::dim(&interface.functions.join(" "))
                    ),
                );
            }
        }
        let limits = serde_json::to_value(&self.limits).unwrap_or_default();
        for (name, value) in limits.as_object().into_iter().flatten() {
            field("limit", &format!("{name} {}", grouped(value.as_u64().unwrap_or_default())));
        }
        field("this host", if self.refused.is_none() { "runs it" } else { "refuses it" });
    }
}

fn build(folders: &[PathBuf], out: Option<PathBuf>) -> Result<(), Failure> {
    let out = out
        .or_else(beside_program)
        .ok_or_else(|| Failure::new("no folder for plugins").hint("name one with --out"))?;
    let toolchain = guest::Toolchain::find()?;
    for folder in folders {
        let built = guest::build(folder, &toolchain, &out)?;
        outln!(
            "{} {} blake3 {} -> {}",
            built.name,
            mib(built.bytes),
            built.digest.short(),
            built.folder.display()
        );
    }
    Ok(())
}
