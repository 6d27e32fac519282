//! WASI, interface by interface, for plugins that asked for it and were granted it.
//!
//! The types and the linking are wasmtime-wasi's; what answers is here, because a run must be the same when it is
//! run again: clocks count calls, randomness follows from the seed, folders lie in memory. Nothing here waits, so
//! that no plugin can hold up a host call, which no deadline interrupts.
//!
//! *Limits*: a call costs [`CALL_FUEL`], and one unit a byte that crosses or is worked on; it counts against
//! `host_calls`, `wasi_calls` and `lifted_bytes`. The fuel is taken as the call returns.

mod clock;
mod files;
mod streams;

use std::collections::BTreeSet;
use std::sync::Arc;

use stratagem_domain::{Capability, Digest, HostCall, Level};
use wasmtime::component::{HasSelf, Linker, Resource, ResourceTable};
use wasmtime::{CallHook, Store, Trap};
use wasmtime_wasi::p2::bindings::sync::filesystem::types;
use wasmtime_wasi::p2::bindings::sync::io::{error, poll, streams as io_streams};
use wasmtime_wasi::p2::bindings::{cli, clocks, filesystem, random};

use crate::contract::Contract;
use crate::folder::Folder;
use crate::host::{self, CALL_FUEL};
use crate::lent;
use crate::policy::Grants;
use crate::state::RunState;
use crate::{LoadError, Package};

/// The longest line of stdout or stderr that is kept as one; what follows is the next line.
const MAX_LINE_BYTES: usize = 4_096;

/// The capabilities any of which an import of WASI is linked for, the most telling first; none where no plugin is
/// given it. `is_empty`: it is imported for its types alone.
pub fn needs(import: &str, is_empty: bool) -> Option<&'static [Capability]> {
    use Capability::{Clock, Files, Process, Random, Stdio};
    let (interface, version) = import.strip_prefix("wasi:")?.split_once('@')?;
    if !version.starts_with("0.2.") {
        return None;
    }
    Some(match interface {
        "cli/stdin"
        | "cli/stdout"
        | "cli/stderr"
        | "cli/terminal-input"
        | "cli/terminal-output"
        | "cli/terminal-stdin"
        | "cli/terminal-stdout"
        | "cli/terminal-stderr" => &[Stdio],
        // What the others are built of: it gives nothing by itself.
        "io/error" | "io/poll" | "io/streams" => &[Stdio, Clock, Files],
        // The time of a file's change is a wall clock's.
        "clocks/wall-clock" if is_empty => &[Clock, Files],
        "clocks/wall-clock" | "clocks/monotonic-clock" => &[Clock],
        "random/random" | "random/insecure" | "random/insecure-seed" => &[Random],
        "filesystem/types" | "filesystem/preopens" => &[Files],
        "cli/environment" | "cli/exit" => &[Process],
        _ => return None,
    })
}

/// What a plugin is linked with beyond `run`: it imports it, asked for it and was granted it.
#[derive(Clone, Debug, Default)]
pub struct Links {
    pub capabilities: BTreeSet<Capability>,
    /// What it can do without, and has to: every call is refused.
    pub declined: BTreeSet<Capability>,
    /// What the plugin calls a folder, and its content.
    pub folders: Arc<[(String, Arc<Folder>)]>,
}

impl Links {
    /// Takes the granted folders into memory.
    ///
    /// *Errors*: the operator's: a folder that cannot be taken.
    pub fn new(
        package: &Package,
        capabilities: BTreeSet<Capability>,
        declined: BTreeSet<Capability>,
        grants: &Grants,
    ) -> Result<Self, LoadError> {
        let folders = grants.folders.iter().filter(|_| capabilities.contains(&Capability::Files));
        let folders = folders.map(|(name, path)| {
            let read = Folder::read(path);
            let fail = |reason| LoadError::Folder { plugin: package.label(), path: path.clone(), reason };
            Ok((name.clone(), Arc::new(read.map_err(fail)?)))
        });
        let folders = folders.collect::<Result<_, LoadError>>()?;
        Ok(Self { capabilities, declined, folders })
    }

    /// Of everything that is linked, so that a run with other grants is another recipe; none where it is nothing.
    pub fn digest(&self) -> Option<Digest> {
        let names = self.capabilities.iter().map(|capability| capability.as_str().as_bytes());
        let folders =
            self.folders.iter().flat_map(|(name, folder)| [name.as_bytes(), folder.digest.as_bytes()]);
        let is_something = !self.capabilities.is_empty();
        is_something.then(|| Digest::of_parts(names.chain(folders)))
    }

    /// Adds what is granted to what every plugin is linked with.
    pub fn linker(&self, base: &Linker<RunState>, contract: Contract) -> wasmtime::Result<Linker<RunState>> {
        let mut linker = base.clone();
        self.link(&mut linker, contract)?;
        Ok(linker)
    }

    fn link(&self, l: &mut Linker<RunState>, contract: Contract) -> wasmtime::Result<()> {
        type Own = HasSelf<RunState>;
        for capability in self.capabilities.iter().chain(&self.declined) {
            match capability {
                Capability::Stdio => {
                    cli::stdin::add_to_linker::<_, Own>(l, |run| run)?;
                    cli::stdout::add_to_linker::<_, Own>(l, |run| run)?;
                    cli::stderr::add_to_linker::<_, Own>(l, |run| run)?;
                    cli::terminal_input::add_to_linker::<_, Own>(l, |run| run)?;
                    cli::terminal_output::add_to_linker::<_, Own>(l, |run| run)?;
                    cli::terminal_stdin::add_to_linker::<_, Own>(l, |run| run)?;
                    cli::terminal_stdout::add_to_linker::<_, Own>(l, |run| run)?;
                    cli::terminal_stderr::add_to_linker::<_, Own>(l, |run| run)?;
                }
                Capability::Clock => {
                    clocks::monotonic_clock::add_to_linker::<_, Own>(l, |run| run)?;
                    clocks::wall_clock::add_to_linker::<_, Own>(l, |run| run)?;
                }
                Capability::Random => {
                    random::random::add_to_linker::<_, Own>(l, |run| run)?;
                    random::insecure::add_to_linker::<_, Own>(l, |run| run)?;
                    random::insecure_seed::add_to_linker::<_, Own>(l, |run| run)?;
                }
                Capability::Files => {
                    types::add_to_linker::<_, Own>(l, |run| run)?;
                    filesystem::preopens::add_to_linker::<_, Own>(l, |run| run)?;
                }
                Capability::Process => {
                    cli::environment::add_to_linker::<_, Own>(l, |run| run)?;
                    cli::exit::add_to_linker::<_, Own>(l, |run| run)?;
                }
                Capability::Memory | Capability::Artifacts | Capability::Ttt | Capability::Llm => {
                    lent::link(l, contract, *capability)?;
                }
            }
        }
        let built_of_io = [Capability::Stdio, Capability::Clock, Capability::Files];
        if built_of_io.iter().any(|capability| self.capabilities.contains(capability)) {
            error::add_to_linker::<_, Own>(l, |run| run)?;
            poll::add_to_linker::<_, Own>(l, |run| run)?;
            io_streams::add_to_linker::<_, Own>(l, |run| run)?;
        }
        Ok(())
    }

    /// True where a run may ask its backing for something.
    pub fn lends(&self) -> bool {
        self.capabilities.iter().any(|capability| !capability.is_wasi())
    }

    /// Gives a run its own state of what is linked of WASI, and tells it what is declined.
    pub fn equip(&self, store: &mut Store<RunState>) {
        store.data_mut().declined.clone_from(&self.declined);
        if !self.capabilities.iter().any(|capability| capability.is_wasi()) {
            return;
        }
        let run = store.data_mut();
        let handles = usize::try_from(run.limits.handles).unwrap_or(usize::MAX);
        run.wasi = Some(Box::new(Wasi::new(run.seed, handles, Arc::clone(&self.folders))));
        store.call_hook(|mut store, hook| {
            let debt = match (hook, &mut store.data_mut().wasi) {
                (CallHook::ReturningFromHost, Some(wasi)) => std::mem::take(&mut wasi.debt),
                _ => 0,
            };
            if debt == 0 || !store.data().metered {
                return Ok(());
            }
            let left = store.get_fuel()?.checked_sub(debt);
            store.set_fuel(left.unwrap_or(0))?;
            left.map(|_| ()).ok_or_else(|| Trap::OutOfFuel.into())
        });
    }
}

/// What one run holds of WASI.
pub struct Wasi {
    table: ResourceTable,
    folders: Arc<[(String, Arc<Folder>)]>,
    clock_ns: u64,
    random: blake3::OutputReader,
    /// The lines of stdout and stderr that have no end yet.
    open_lines: [Vec<u8>; 2],
    /// Fuel of the call that is under way.
    debt: u64,
}

impl Wasi {
    fn new(seed: u64, handles: usize, folders: Arc<[(String, Arc<Folder>)]>) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(handles);
        let mut random = blake3::Hasher::new_derive_key("stratagem 2026 wasi random of a run");
        random.update(&seed.to_le_bytes());
        let open_lines = [Vec::new(), Vec::new()];
        Self { table, folders, clock_ns: 0, random: random.finalize_xof(), open_lines, debt: 0 }
    }
}

/// `exit` of WASI: ends the run from within a call.
#[derive(Debug, thiserror::Error)]
#[error("exited with status {0}")]
pub struct Exit(pub u8);

/// The two streams that a plugin may write to.
#[derive(Clone, Copy)]
enum Output {
    Out,
    Err,
}

impl RunState {
    /// Counts a call of WASI that works on so many bytes, and owes its fuel.
    ///
    /// *Errors*: the plugin's fault; they end the run.
    fn wasi(&mut self, bytes: usize) -> wasmtime::Result<&mut Wasi> {
        host::count(self, HostCall::Wasi, bytes)?;
        let wasi = self.wasi.as_mut().ok_or_else(|| wasmtime::format_err!("this run has no WASI"))?;
        wasi.debt += CALL_FUEL + bytes as u64;
        Ok(wasi)
    }

    /// Adds work to the call that is under way, once it is known how much it was.
    fn worked(&mut self, bytes: usize) -> wasmtime::Result<()> {
        host::count_bytes(self, bytes)?;
        if let Some(wasi) = &mut self.wasi {
            wasi.debt += bytes as u64;
        }
        Ok(())
    }

    /// Takes what was written: whole lines go into the log.
    fn written(&mut self, output: Output, bytes: &[u8]) {
        let mut open = self.open_line(output);
        for &byte in bytes {
            if byte != b'\n' {
                open.push(byte);
            }
            if byte == b'\n' || open.len() == MAX_LINE_BYTES {
                self.log_line(output, &open);
                open.clear();
            }
        }
        if let Some(wasi) = &mut self.wasi {
            wasi.open_lines[output as usize] = open;
        }
    }

    fn open_line(&mut self, output: Output) -> Vec<u8> {
        let open = self.wasi.as_mut().map(|wasi| std::mem::take(&mut wasi.open_lines[output as usize]));
        open.unwrap_or_default()
    }

    /// Logs the lines that had no end when the run ended.
    pub fn close_lines(&mut self) {
        for output in [Output::Out, Output::Err] {
            let line = self.open_line(output);
            if !line.is_empty() {
                self.log_line(output, &line);
            }
        }
    }

    fn log_line(&mut self, output: Output, line: &[u8]) {
        let level = match output {
            Output::Out => Level::Info,
            Output::Err => Level::Warn,
        };
        let text = String::from_utf8_lossy(line);
        self.log(level, text.strip_suffix('\r').unwrap_or(&text));
    }
}

/// A handle as the table knows it: the bindings name types of wasmtime-wasi, the entries are of this module.
fn own<T: 'static, U: 'static>(handle: &Resource<T>) -> Resource<U> {
    Resource::new_own(handle.rep())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_import_is_somebodys_or_nobodys() {
        let first = |import: &str, is_empty| needs(import, is_empty).map(|list| list[0]);
        assert_eq!(first("wasi:cli/stdout@0.2.0", false), Some(Capability::Stdio));
        assert_eq!(first("wasi:io/streams@0.2.6", false), Some(Capability::Stdio));
        assert_eq!(
            needs("wasi:clocks/wall-clock@0.2.0", true),
            Some(&[Capability::Clock, Capability::Files][..])
        );
        assert_eq!(needs("wasi:clocks/wall-clock@0.2.0", false), Some(&[Capability::Clock][..]));
        for nobodys in [
            "wasi:sockets/tcp@0.2.0",
            "wasi:http/outgoing-handler@0.2.0",
            "wasi:cli/stdout@0.3.0",
            "wasi:cli/stdout",
            "wasi:clocks/timezone@0.2.0",
            "stratagem:strategy/run@0.1.0",
        ] {
            assert_eq!(needs(nobodys, false), None, "{nobodys}");
        }
    }
}
