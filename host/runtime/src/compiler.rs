//! Compiles components, in a process of its own where they are not trusted.
//!
//! wasmtime's security policy leaves out compile-time denial of service: a few kilobytes can ask the
//! compiler for minutes and gigabytes. A child with limits of its own loses nothing but itself.

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};
use stratagem_domain::grouped;
use wasmtime::Engine;

use crate::child::{Said, converse};
use crate::engine::compile_config;
use crate::{LoadError, Package};

/// The program that compiles, and what it may take. The program calls [`compile_child`] and nothing else.
#[derive(Clone, Debug)]
pub struct CompilerProcess {
    pub program: PathBuf,
    pub args: Vec<String>,
    pub limits: CompileLimits,
}

/// What one compilation may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CompileLimits {
    /// Milliseconds of real time, and of time of each processor.
    pub wall_ms: u64,
    /// MiB of address space.
    pub memory_mb: u64,
}

impl Default for CompileLimits {
    fn default() -> Self {
        Self { wall_ms: 60_000, memory_mb: 2_048 }
    }
}

/// The most compiled code that is taken back, in bytes.
const MAX_COMPILED_BYTES: usize = 1 << 30;

/// Compiles in this process: for components of one's own.
pub fn compile_here(engine: &Engine, package: &Package) -> Result<Vec<u8>, LoadError> {
    let invalid =
        |error: wasmtime::Error| LoadError::Invalid { plugin: package.label(), reason: format!("{error:#}") };
    engine.precompile_component(&package.component).map_err(invalid)
}

impl CompilerProcess {
    /// Compiles in a child that is gone when this returns, whatever became of it.
    ///
    /// *Errors*: the plugin's fault where the child refused it, ran over its limits or crashed.
    pub fn compile(&self, package: &Package) -> Result<Vec<u8>, LoadError> {
        let failed = |error: io::Error| LoadError::Engine(format!("no process to compile in: {error}"));
        let CompileLimits { wall_ms, memory_mb } = self.limits;
        let mut command = Command::new(&self.program);
        command.args(&self.args).args([wall_ms.to_string(), memory_mb.to_string()]).env_clear();
        let (input, limit) = ([package.component.as_slice()], Duration::from_millis(wall_ms));
        let said = converse(&mut command, &input, limit, MAX_COMPILED_BYTES, None).map_err(failed)?;
        let how = match said {
            Some(Said { output, .. }) if output.len() > MAX_COMPILED_BYTES => {
                format!("it becomes more than {} bytes", grouped(MAX_COMPILED_BYTES as u64))
            }
            Some(Said { status, output, .. }) if status.success() && !output.is_empty() => return Ok(output),
            Some(Said { status, words, .. }) if status.code() == Some(1) => {
                let reason = words.trim_start_matches("error: ").to_owned();
                return Err(LoadError::Invalid { plugin: package.label(), reason });
            }
            // An allocation that is refused aborts the compiler.
            Some(Said { status, .. }) => format!("the compiler ended with {status}"),
            None => "it was not done in time".to_owned(),
        };
        let limits = format!("limits {} ms, {} MiB", grouped(wall_ms), grouped(memory_mb));
        Err(LoadError::NotCompiled { plugin: package.label(), how, limits })
    }
}

/// The child's side: limits itself, takes a component from stdin, gives compiled code on stdout.
///
/// *Errors*: why the component is refused, for stderr; the process then ends with status 1.
pub fn compile_child(limits: CompileLimits) -> Result<(), String> {
    let cap = |resource, most: u64| {
        // An operator's own limit may be tighter.
        let most = getrlimit(resource).maximum.map_or(most, |hard| hard.min(most));
        let limit = Rlimit { current: Some(most), maximum: Some(most) };
        setrlimit(resource, limit).map_err(|error| format!("limits cannot be set: {error}"))
    };
    cap(Resource::As, limits.memory_mb.saturating_mul(1 << 20))?;
    // Several processors may compile at once; this is for a parent that dies and cannot end its child.
    let cores = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    cap(Resource::Cpu, limits.wall_ms.div_ceil(1000).max(1).saturating_mul(cores))?;
    cap(Resource::Core, 0)?;
    let mut component = Vec::new();
    let stdin = io::stdin().lock();
    let read = stdin.take(Package::MAX_COMPONENT_BYTES).read_to_end(&mut component);
    read.map_err(|error| error.to_string())?;
    let engine = Engine::new(&compile_config()).map_err(|error| format!("{error:#}"))?;
    let code = engine.precompile_component(&component).map_err(|error| format!("{error:#}"))?;
    let mut stdout = io::stdout().lock();
    stdout.write_all(&code).and_then(|()| stdout.flush()).map_err(|error| error.to_string())
}
