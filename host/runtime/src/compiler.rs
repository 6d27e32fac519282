//! Compiles components, in a process of its own where they are not trusted.
//!
//! wasmtime's security policy leaves out compile-time denial of service: a few kilobytes can ask the
//! compiler for minutes and gigabytes. A child with limits of its own loses nothing but itself.

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};
use stratagem_domain::grouped;
use wasmtime::Engine;

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
const MAX_COMPILED_BYTES: u64 = 1 << 30;
/// The most that a compiler may say about a component that it refuses.
const MAX_REASON_BYTES: u64 = 4 << 10;

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
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().map_err(failed)?;
        let said = converse(child, &package.component, Duration::from_millis(wall_ms)).map_err(failed)?;
        let how = match said {
            Some((status, code, _)) if status.success() && !code.is_empty() => return Ok(code),
            Some((status, _, reason)) if status.code() == Some(1) => {
                return Err(LoadError::Invalid { plugin: package.label(), reason });
            }
            // An allocation that is refused aborts the compiler.
            Some((status, ..)) => format!("the compiler ended with {status}"),
            None => "it was not done in time".to_owned(),
        };
        let limits = format!("limits {} ms, {} MiB", grouped(wall_ms), grouped(memory_mb));
        Err(LoadError::NotCompiled { plugin: package.label(), how, limits })
    }
}

type Said = (std::process::ExitStatus, Vec<u8>, String);

/// Feeds the child and hears it out; none where it took too long. The child is reaped either way.
fn converse(mut child: Child, component: &[u8], limit: Duration) -> io::Result<Option<Said>> {
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(mut stdin), Some(stdout), Some(stderr)) = pipes else {
        return Err(io::Error::other("a pipe is missing"));
    };
    let started = Instant::now();
    std::thread::scope(|scope| {
        // A child that stops reading breaks this pipe; what it says then is what counts.
        scope.spawn(move || drop(stdin.write_all(component)));
        let reason = scope.spawn(move || {
            let mut reason = Vec::new();
            drop(stderr.take(MAX_REASON_BYTES).read_to_end(&mut reason));
            String::from_utf8_lossy(&reason).trim().trim_start_matches("error: ").to_owned()
        });
        let (send, receive) = mpsc::channel();
        scope.spawn(move || {
            let mut code = Vec::new();
            let read = stdout.take(MAX_COMPILED_BYTES).read_to_end(&mut code);
            drop(send.send(read.map(|_| code)));
        });
        let Ok(code) = receive.recv_timeout(limit) else {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        };
        // Its output is all there; a child that lingers behind it is held to the same deadline.
        let status = loop {
            match child.try_wait()? {
                Some(status) => break status,
                None if started.elapsed() < limit => std::thread::sleep(Duration::from_millis(1)),
                None => {
                    child.kill()?;
                    child.wait()?;
                    return Ok(None);
                }
            }
        };
        Ok(Some((status, code?, reason.join().unwrap_or_default())))
    })
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
