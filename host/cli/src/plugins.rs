use std::path::{Path, PathBuf};

use serde::Serialize;
use stratagem_domain::{Capability, Digest, LimitsOverlay, PluginIdentity, Trust, escape, grouped, quote};
use stratagem_runtime::{LoadError, Package, Surface};

use crate::args::Plugin;
use crate::failure::Failure;
use crate::guest::{self, Lock};
use crate::output::{mib, out, outln, print_json, table};
use crate::workbench::Workbench;
use crate::{check, grants, keys, paint, scaffold, watch};

pub fn run(bench: &Workbench, command: &Plugin) -> Result<(), Failure> {
    match command {
        Plugin::List { json } => list(bench, *json),
        Plugin::Inspect { file, json } => inspect(bench, file, *json),
        Plugin::Add { path, json } => keys::add(bench, path, *json),
        Plugin::Keygen { out, no_password } => keys::keygen(out, *no_password),
        Plugin::Sign { path, key } => keys::sign(path, key),
        Plugin::Verify { path, key, json } => keys::verify(bench, path, key.as_deref(), *json),
        Plugin::New { name, lang, out } => scaffold::new(name, lang, out),
        Plugin::Build { folders, out, locked } => {
            let lock = if *locked { Lock::Kept } else { Lock::Renewed };
            build(folders, out.as_ref().unwrap_or(&bench.places.built()), lock)
        }
        Plugin::Watch(args) => watch::run(bench, args),
        Plugin::Check(args) => check::run(bench, args),
    }
}

/// A line of `plugin list`; `error` says why a folder is no usable plugin.
#[derive(Default, Serialize)]
struct Line {
    name: String,
    version: String,
    kind: String,
    summary: String,
    digest: Option<Digest>,
    trust: Option<Trust>,
    signer: Option<String>,
    /// None where it was added and lies in the database.
    folder: Option<PathBuf>,
    error: Option<String>,
}

fn list(bench: &Workbench, json: bool) -> Result<(), Failure> {
    let in_folder = |folder: PathBuf| {
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let package = Package::read(&folder).map_err(Failure::from);
        Line { folder: Some(folder), ..Line::new(bench, name, package) }
    };
    let mut lines: Vec<Line> = bench.plugin_folders().into_iter().map(in_folder).collect();
    for plugin in bench.added()? {
        let PluginIdentity { name, version, kind, digest } = plugin.identity.clone();
        let line = Line::new(bench, name, bench.find_added(&plugin).and_then(|found| Ok(found.package()?)));
        lines.push(Line { version, kind, digest: Some(digest), ..line });
    }
    lines.sort_by(|a, b| a.name.cmp(&b.name));
    if json {
        return print_json(&lines);
    }
    if lines.is_empty() {
        outln!(
            "no plugins: start one with `stratagem plugin new`, or build the shipped ones with `just plugins`"
        );
        return Ok(());
    }
    let rows: Vec<Vec<String>> = lines
        .iter()
        .map(|line| {
            let digest = line.digest.map_or_else(|| "-".to_owned(), |digest| digest.short());
            let trust = line.trust.map_or("refused", Trust::as_str).to_owned();
            let signer = line.signer.clone().unwrap_or_else(|| "-".to_owned());
            let place = if line.folder.is_some() { "folder" } else { "added" }.to_owned();
            vec![line.name.clone(), line.version.clone(), line.kind.clone(), digest, trust, signer, place]
        })
        .collect();
    out!("{}", table(&["plugin", "version", "kind", "blake3", "trust", "signer", "from"], &rows));
    for line in lines.iter().filter(|line| line.error.is_some()) {
        eprintln!("{}", line.error.as_deref().unwrap_or_default());
    }
    Ok(())
}

impl Line {
    fn new(bench: &Workbench, name: String, package: Result<Package, Failure>) -> Self {
        let mut line = Self { name, ..Self::default() };
        let package = match package {
            Ok(package) => package,
            Err(failure) => return Self { error: Some(failure.to_string()), ..line },
        };
        line.digest = Some(package.digest);
        match bench.grants(&package) {
            Ok(grants) => (line.trust, line.signer) = (Some(grants.trust), grants.signer),
            Err(error) => line.error = Some(error.to_string()),
        }
        if let Some(manifest) = package.manifest {
            (line.name, line.kind, line.summary) = (manifest.name, manifest.kind, manifest.summary);
            line.version = manifest.version.to_string();
        }
        line
    }
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
    /// What it uses where it is granted, and else does without.
    optional: Vec<Capability>,
    limits: LimitsOverlay,
    /// None where the policy refuses the plugin before it is looked at.
    grants: Option<grants::Report>,
    /// None where this host runs the plugin.
    refused: Option<String>,
    #[serde(skip)]
    hint: Option<String>,
}

fn inspect(bench: &Workbench, file: &str, json: bool) -> Result<(), Failure> {
    let package = bench.package(file).or_else(|failure| {
        let path = Path::new(file);
        if path.exists() { Ok(Package::read(path)?) } else { Err(failure) }
    })?;
    let sandbox = bench.sandbox(1)?;
    let surface = sandbox.inspect(&package)?;
    let report = grants::Report::new(bench, &package, &surface).ok();
    let loaded = bench.load(&sandbox, &package);
    let inspection = Inspection { grants: report, ..Inspection::new(&package, surface, loaded) };
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
        let optional = manifest.as_ref().map(|m| m.optional.clone()).unwrap_or_default();
        let (name, version, kind, summary, asked, limits) = match manifest {
            Some(m) => (m.name, m.version.to_string(), m.kind, m.summary, m.capabilities, m.limits),
            None => (said.name, said.version, said.kind, said.summary, Vec::new(), LimitsOverlay::default()),
        };
        let component = package.path.clone();
        let (bytes, digest) = (package.component.len(), package.digest);
        let grants = None;
        Self {
            name,
            version,
            kind,
            summary,
            component,
            bytes,
            digest,
            surface,
            asked,
            optional,
            limits,
            grants,
            refused,
            hint,
        }
    }

    fn print(&self) {
        let field = |name: &str, value: &str| outln!("  {name:<12}{value}");
        outln!("{} {}", self.name, self.version);
        field("kind", &self.kind);
        field("summary", &escape(&self.summary, 400));
        field("component", &format!("{} ({})", self.component.display(), mib(self.bytes as u64)));
        field("blake3", &self.digest.to_string());
        let names = |list: &[Capability]| {
            list.iter().map(|capability| capability.as_str()).collect::<Vec<_>>().join(", ")
        };
        let asked =
            if self.asked.is_empty() { "nothing beyond `run`".to_owned() } else { names(&self.asked) };
        field("asks for", &asked);
        if !self.optional.is_empty() {
            field("may use", &names(&self.optional));
        }
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
        self.grants.iter().for_each(|report| report.print(&self.name));
        field("this host", if self.refused.is_none() { "runs it" } else { "refuses it" });
    }
}

fn build(folders: &[PathBuf], out: &Path, lock: Lock) -> Result<(), Failure> {
    let toolchain = guest::Toolchain::find()?;
    for folder in folders {
        outln!("{}", guest::build(folder, &toolchain, out, lock)?.line());
    }
    Ok(())
}
