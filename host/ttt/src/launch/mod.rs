//! Devices, and what runs on them: the one memory of a session, the tables that say what to do, and launches of kernels.
//!
//! - [`cuda`] is the driver of graphics processors, loaded when it is first asked for.
//! - [`setting`] is where an operator wants training to run.
//! - `emulator` (of the feature of that name) runs the same kernels' text on the processor, for tests.
//!
//! All kernels take the same arguments, so this is small; what they compute is told in [`ops`](crate::ops). Unsafe code of
//! this crate is here and nowhere else.

use std::fmt;

pub mod cuda;
#[cfg(feature = "emulator")]
pub mod emulator;
pub mod setting;

/// Threads of a block, in every launch.
pub const THREADS: u32 = 256;

/// Why there is no device to train on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    #[error("no CUDA driver: libcuda is not installed here")]
    NoDriver,
    #[error("the CUDA driver is of version {}: at least {} is needed", version(*.found), version(*.needed))]
    OldDriver { found: i32, needed: i32 },
    #[error("the CUDA driver sees no device")]
    NoDevice,
    #[error("no device cuda:{asked}: there are {count}, from cuda:0")]
    NoSuchDevice { asked: u32, count: u32 },
    #[error("{name} has compute capability {}.{}: at least 8.0 is needed", .capability.0, .capability.1)]
    OldDevice { name: String, capability: (i32, i32) },
    #[error(transparent)]
    Failed(#[from] Failed),
}

/// Why a device that is there did not do what it was asked: the operator's or the host's fault, never a plugin's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failed {
    #[error("out of device memory: {needs} bytes are needed, {free} are free")]
    OutOfMemory { needs: u64, free: u64 },
    /// Nothing that the device held can be read any more, nor can this process use it again.
    #[error("the device is lost: {0}")]
    Lost(String),
    #[error("the device refused to {what}: {why}")]
    Refused { what: &'static str, why: String },
}

/// The driver's way to write versions.
fn version(number: i32) -> String {
    format!("{}.{}", number / 1000, number % 1000 / 10)
}

/// What there is to know of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    pub name: String,
    /// Major and minor.
    pub compute_capability: (i32, i32),
    /// Of the driver, as in 13000 for 13.0.
    pub driver_version: i32,
    pub memory_bytes: u64,
    pub memory_free_bytes: u64,
}

impl fmt::Display for Description {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            compute_capability: (major, minor),
            driver_version,
            memory_bytes,
            memory_free_bytes,
        } = self;
        let driver = version(*driver_version);
        let (free, all) = (memory_free_bytes >> 20, memory_bytes >> 20);
        write!(to, "{name} ({major}.{minor}, driver {driver}, {free} of {all} MiB free)")
    }
}

/// One launch: all blocks of a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Launch {
    pub kernel: &'static str,
    pub blocks: u32,
    /// Where its rows and its jobs begin among the words.
    pub table: u64,
    pub jobs: u64,
}

/// Launches in order, and the tables that they read. Only a [`Tape`](crate::ops::tape::Tape) makes one: what its rows name lies
/// within the floats that it asks for.
#[derive(Clone, Debug, Default)]
pub struct Script {
    pub(crate) words: Vec<u64>,
    pub(crate) launches: Vec<Launch>,
    pub(crate) floats: u64,
}

impl Script {
    pub fn launches(&self) -> usize {
        self.launches.len()
    }

    /// Bytes of the tables.
    pub fn bytes(&self) -> u64 {
        size_of_val(self.words.as_slice()) as u64
    }

    /// Floats of the memory that it runs in, at least.
    pub fn floats(&self) -> u64 {
        self.floats
    }

    fn check(&self, floats: u64) -> Result<(), Failed> {
        if self.floats <= floats {
            return Ok(());
        }
        let why = format!("they need {} floats of memory, the session has {floats}", self.floats);
        Err(Failed::Refused { what: "run launches", why })
    }
}

/// A script that a session keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recording(usize);

/// Where kernels run.
pub trait Device: Send + Sync {
    /// Takes memory for so many floats; what is in it is not said.
    ///
    /// *Errors*: [`Failed::OutOfMemory`].
    fn open(&self, floats: u64) -> Result<Box<dyn Session>, Failed>;
}

/// Memory of a device, and launches on it, one after another.
pub trait Session: Send {
    /// Copies numbers to the device.
    fn write(&mut self, at: u64, numbers: &[f32]) -> Result<(), Failed>;

    /// Copies numbers from the device, after all that was launched.
    fn read(&mut self, at: u64, numbers: &mut [f32]) -> Result<(), Failed>;

    /// Runs launches once.
    fn run(&mut self, script: &Script) -> Result<(), Failed>;

    /// Keeps launches that will be run often.
    fn record(&mut self, script: &Script) -> Result<Recording, Failed>;

    fn replay(&mut self, recording: Recording) -> Result<(), Failed>;
}

/// Refuses to copy what lies outside of a session's memory.
fn check_copy(what: &'static str, at: u64, length: usize, floats: u64) -> Result<(), Failed> {
    match at.checked_add(length as u64) {
        Some(end) if end <= floats => Ok(()),
        _ => Err(Failed::Refused { what, why: format!("{length} floats from {at} on, of {floats}") }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_say_what_is_there_and_what_is_needed() {
        let says = |missing: Missing| missing.to_string();
        assert_eq!(
            says(Missing::OldDriver { found: 12_040, needed: 13_000 }),
            "the CUDA driver is of version 12.4: at least 13.0 is needed"
        );
        assert_eq!(
            says(Missing::NoSuchDevice { asked: 3, count: 2 }),
            "no device cuda:3: there are 2, from cuda:0"
        );
        assert_eq!(
            says(Missing::OldDevice { name: "Quadro".to_owned(), capability: (7, 5) }),
            "Quadro has compute capability 7.5: at least 8.0 is needed"
        );
        assert_eq!(
            says(Missing::Failed(Failed::OutOfMemory { needs: 9, free: 4 })),
            "out of device memory: 9 bytes are needed, 4 are free"
        );
    }
}
