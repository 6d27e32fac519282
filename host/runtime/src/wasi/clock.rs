//! Time, chance and the process: the same in every run of a recipe.

use wasmtime::component::Resource;
use wasmtime_wasi::p2::DynPollable;
use wasmtime_wasi::p2::bindings::cli::{environment, exit};
use wasmtime_wasi::p2::bindings::clocks::{monotonic_clock, wall_clock};
use wasmtime_wasi::p2::bindings::random::{insecure, insecure_seed, random};

use super::streams::Pollable;
use super::{Exit, Wasi, own};
use crate::host::Breach;
use crate::state::RunState;

/// How far a look at a clock moves it: programs that wait for the time to pass come to an end.
const TICK_NS: u64 = 1_000_000;
/// What the wall clock shows as a run begins: 2020-01-01, UTC.
const BEGINNING_S: u64 = 1_577_836_800;
const NS_A_SECOND: u64 = 1_000_000_000;

impl Wasi {
    fn tick(&mut self) -> u64 {
        self.clock_ns = self.clock_ns.saturating_add(TICK_NS);
        self.clock_ns
    }

    /// Who waits until a time finds it there.
    pub(super) fn skip_to(&mut self, until: u64) {
        self.clock_ns = self.clock_ns.max(until);
    }

    fn timer(&mut self, until: u64) -> wasmtime::Result<Resource<DynPollable>> {
        Ok(own(&self.table.push(Pollable { until })?))
    }

    fn chance<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.random.fill(&mut bytes);
        bytes
    }
}

impl monotonic_clock::Host for RunState {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(self.wasi(0)?.tick())
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        self.wasi(0)?;
        Ok(TICK_NS)
    }

    fn subscribe_instant(&mut self, when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        self.wasi(0)?.timer(when)
    }

    fn subscribe_duration(&mut self, duration: u64) -> wasmtime::Result<Resource<DynPollable>> {
        let wasi = self.wasi(0)?;
        wasi.timer(wasi.clock_ns.saturating_add(duration))
    }
}

impl wall_clock::Host for RunState {
    fn now(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        let now = self.wasi(0)?.tick();
        Ok(wall_clock::Datetime {
            seconds: BEGINNING_S + now / NS_A_SECOND,
            nanoseconds: (now % NS_A_SECOND) as u32,
        })
    }

    fn resolution(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        self.wasi(0)?;
        Ok(wall_clock::Datetime { seconds: 0, nanoseconds: TICK_NS as u32 })
    }
}

impl RunState {
    /// *Errors*: the plugin's fault, for more bytes than one call may hand over.
    fn random_bytes(&mut self, length: u64) -> wasmtime::Result<Vec<u8>> {
        let limit = self.limits.lifted_bytes_call;
        if length > limit {
            self.hit("lifted_bytes_call");
            return Err(Breach::new("too many random bytes in one call", "lifted_bytes_call", limit).into());
        }
        let mut bytes = vec![0; length as usize];
        self.wasi(bytes.len())?.random.fill(&mut bytes);
        Ok(bytes)
    }

    fn random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(u64::from_le_bytes(self.wasi(0)?.chance()))
    }
}

impl random::Host for RunState {
    fn get_random_bytes(&mut self, length: u64) -> wasmtime::Result<Vec<u8>> {
        self.random_bytes(length)
    }

    fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        self.random_u64()
    }
}

impl insecure::Host for RunState {
    fn get_insecure_random_bytes(&mut self, length: u64) -> wasmtime::Result<Vec<u8>> {
        self.random_bytes(length)
    }

    fn get_insecure_random_u64(&mut self) -> wasmtime::Result<u64> {
        self.random_u64()
    }
}

impl insecure_seed::Host for RunState {
    fn insecure_seed(&mut self) -> wasmtime::Result<(u64, u64)> {
        Ok((self.random_u64()?, self.random_u64()?))
    }
}

impl environment::Host for RunState {
    fn get_environment(&mut self) -> wasmtime::Result<Vec<(String, String)>> {
        self.wasi(0)?;
        Ok(Vec::new())
    }

    fn get_arguments(&mut self) -> wasmtime::Result<Vec<String>> {
        self.wasi(0)?;
        Ok(Vec::new())
    }

    fn initial_cwd(&mut self) -> wasmtime::Result<Option<String>> {
        self.wasi(0)?;
        Ok(None)
    }
}

impl exit::Host for RunState {
    fn exit(&mut self, status: Result<(), ()>) -> wasmtime::Result<()> {
        self.exit_with_code(u8::from(status.is_err()))
    }

    fn exit_with_code(&mut self, status: u8) -> wasmtime::Result<()> {
        self.wasi(0)?;
        Err(Exit(status).into())
    }
}
