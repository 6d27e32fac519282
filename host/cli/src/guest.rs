//! Builds plugins of Rust sources: a core module by cargo, a component of it in this process.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use stratagem_domain::Digest;
use stratagem_runtime::{Manifest, componentize};

use crate::failure::Failure;
use crate::output::{mib, replace};

const TARGET: &str = "wasm32-unknown-unknown";

/// A Rust that can build for [`TARGET`].
pub enum Toolchain {
    /// The one in use, with rustup's standard library for the target.
    Rustup,
    /// The distribution's: its compiler, and the standard library built from its sources.
    Distribution,
}

impl Toolchain {
    const RUSTC: &'static str = "/usr/bin/rustc";
    const CARGO: &'static str = "/usr/bin/cargo";
    const LINKER: &'static str = "wasm-ld";
    const SOURCES: &'static str = "/usr/lib/rustlib/src/rust/library/std";

    /// The first of the two that is installed.
    ///
    /// *Errors*: the operator's; nothing is installed from here.
    pub fn find() -> Result<Self, Failure> {
        let mut print = Command::new("rustc");
        print.args(["--print", "target-libdir", "--target", TARGET]).stderr(Stdio::null());
        let has_target = print.output().is_ok_and(|output| {
            let folder = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            output.status.success() && fs::read_dir(folder).is_ok_and(|mut files| files.next().is_some())
        });
        if has_target {
            return Ok(Self::Rustup);
        }
        let folders = std::env::var_os("PATH").unwrap_or_default();
        let has_linker = std::env::split_paths(&folders).any(|folder| folder.join(Self::LINKER).is_file());
        if has_linker && [Self::RUSTC, Self::CARGO, Self::SOURCES].iter().all(|path| Path::new(path).exists())
        {
            return Ok(Self::Distribution);
        }
        Err(Failure::new(format!("no Rust that builds for {TARGET}"))
            .hint(format!("`rustup target add {TARGET}`, or `just setup`, which installs what is missing")))
    }

    pub fn describe(&self) -> &'static str {
        match self {
            Self::Rustup => "rustup's wasm32-unknown-unknown",
            Self::Distribution => "the distribution's Rust with its standard library built from source",
        }
    }

    fn cargo(&self) -> Command {
        let mut cargo = match self {
            Self::Rustup => Command::new("cargo"),
            Self::Distribution => {
                let mut cargo = Command::new(Self::CARGO);
                // -Zbuild-std is all that is unstable here; the compiler allows it by this name.
                cargo.env("RUSTC_BOOTSTRAP", "1").env("RUSTC", Self::RUSTC);
                cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", Self::LINKER);
                cargo
                    .env_remove("RUSTUP_TOOLCHAIN")
                    .env_remove("RUSTC_WRAPPER")
                    .env_remove("RUSTC_WORKSPACE_WRAPPER");
                cargo
            }
        };
        // Every engine that runs components has vectors; on grids of bytes they save a good part of the work.
        cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", "-Ctarget-feature=+simd128");
        cargo
    }

    fn build_flags(&self) -> &'static [&'static str] {
        match self {
            Self::Rustup => &[],
            Self::Distribution => &["-Zbuild-std=std,panic_abort"],
        }
    }
}

/// A plugin that was built and packed.
pub struct Built {
    pub name: String,
    pub folder: PathBuf,
    pub bytes: u64,
    pub digest: Digest,
}

impl Built {
    /// What was built and where it lies, for people.
    pub fn line(&self) -> String {
        let Self { name, folder, bytes, digest } = self;
        format!("{name} {} blake3 {} -> {}", mib(*bytes), digest.short(), folder.display())
    }
}

/// Whether cargo may bring Cargo.lock up to date, as it must after an edit of Cargo.toml.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    Kept,
    Renewed,
}

/// Builds the crate in `source` and packs it as `OUT/NAME/{plugin.toml, component.wasm}`.
pub fn build(source: &Path, toolchain: &Toolchain, out: &Path, lock: Lock) -> Result<Built, Failure> {
    let mut manifest = manifest_of(source)?;
    let folder = out.join(&manifest.name);
    if folder.canonicalize().is_ok_and(|folder| source.canonicalize().is_ok_and(|source| source == folder)) {
        return Err(Failure::misuse(format!(
            "{}: the plugin would be packed over its sources",
            folder.display()
        ))
        .hint("name another folder with --out"));
    }
    let module = compile(source, toolchain, lock)?;
    let core = fs::read(&module).map_err(|error| Failure::file(&module, &error))?;
    let component = componentize(&core).map_err(|reason| {
        Failure::new(format!("{}: no component can be made of it: {reason}", module.display()))
            .hint("export the strategy with `stratagem_sdk::export!`, once, from a cdylib")
    })?;
    let digest = Digest::of(&component);
    manifest.blake3 = Some(digest);
    Manifest::COMPONENT.clone_into(&mut manifest.component);
    pack(&folder, &manifest, &component).map_err(|error| Failure::file(&folder, &error))?;
    Ok(Built { name: manifest.name, folder, bytes: component.len() as u64, digest })
}

/// Reads the manifest in a plugin's source folder.
pub fn manifest_of(source: &Path) -> Result<Manifest, Failure> {
    let file = source.join(Manifest::FILE);
    let text = fs::read_to_string(&file).map_err(|error| {
        Failure::new(format!("{}: {error}", file.display()))
            .hint("a plugin's source folder has plugin.toml and Cargo.toml; `stratagem plugin new` makes one")
    })?;
    Ok(Manifest::parse(&text, &file)?)
}

/// The component first: between the two files the old manifest does not fit it and refuses it.
fn pack(folder: &Path, manifest: &Manifest, component: &[u8]) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    for (name, bytes) in [(Manifest::COMPONENT, component), (Manifest::FILE, manifest.to_toml().as_bytes())] {
        replace(&folder.join(name), bytes)?;
    }
    Ok(())
}

/// Runs cargo and says where it left the module.
fn compile(source: &Path, toolchain: &Toolchain, lock: Lock) -> Result<PathBuf, Failure> {
    let manifest = source.join("Cargo.toml");
    let mut cargo = toolchain.cargo();
    cargo.arg("build").args(toolchain.build_flags()).args(["--release", "--lib", "--target", TARGET]);
    cargo.args(["--message-format", "json-render-diagnostics", "--manifest-path"]).arg(&manifest);
    if lock == Lock::Kept {
        cargo.arg("--locked");
    }
    let failed = |reason: String| Failure::new(format!("{}: {reason}", manifest.display()));
    let output = cargo.stderr(Stdio::inherit()).output().map_err(|error| {
        failed(format!("cargo does not start: {error}")).hint("install Rust, or `just setup`")
    })?;
    if !output.status.success() {
        return Err(failed("the plugin does not build".into()).hint("cargo's messages above say why"));
    }
    module_of(&output.stdout, &manifest).ok_or_else(|| {
        failed("no cdylib came of it".into()).hint("set `crate-type = [\"cdylib\"]` under [lib]")
    })
}

/// Finds the `cdylib` of the package at `manifest` among cargo's messages, one JSON object a line.
fn module_of(messages: &[u8], manifest: &Path) -> Option<PathBuf> {
    let wanted = manifest.canonicalize().ok()?;
    let messages = String::from_utf8_lossy(messages);
    let artifact = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .find(|message| {
        let is_module = message["target"]["crate_types"]
            .as_array()
            .is_some_and(|types| types.iter().any(|one| one == "cdylib"));
        let here = message["manifest_path"].as_str().is_some_and(|path| Path::new(path) == wanted);
        message["reason"] == "compiler-artifact" && is_module && here
    })?;
    let files = artifact["filenames"].as_array()?;
    let mut files = files.iter().filter_map(|file| file.as_str()).map(PathBuf::from);
    files.find(|file| file.extension().is_some_and(|end| end == "wasm"))
}
