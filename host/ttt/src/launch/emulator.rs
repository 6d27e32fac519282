//! Runs the kernels' text on the processor, for tests: the same launches, tables and places, without a device.
//!
//! Memory begins as no numbers at all, so that what is read before it is written spreads to whoever looks at the result.

// Reasoned: the kernels are C++ here, and reached through one foreign function.
#![allow(unsafe_code)]

use std::ffi::{CString, c_char, c_int};

use crate::launch::{Device, Failed, Recording, Script, Session, check_copy};

unsafe extern "C" {
    fn emulate(
        name: *const c_char,
        blocks: u32,
        floats: *mut f32,
        words: *const u64,
        table: u64,
        jobs: u64,
    ) -> c_int;
}

/// A device made of fibers; see `host/ttt/kernels/emulator.hpp`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Emulator;

struct Emulated {
    floats: Vec<f32>,
    recorded: Vec<Script>,
}

impl Device for Emulator {
    fn open(&self, floats: u64) -> Result<Box<dyn Session>, Failed> {
        Ok(Box::new(Emulated { floats: vec![f32::NAN; floats as usize], recorded: Vec::new() }))
    }
}

impl Emulated {
    fn launch(floats: &mut [f32], script: &Script) -> Result<(), Failed> {
        script.check(floats.len() as u64)?;
        for launch in &script.launches {
            let refused = |why: &str| Failed::Refused {
                what: "run a kernel",
                why: format!("{}: {why}", launch.kernel),
            };
            let name = CString::new(launch.kernel).map_err(|_| refused("is no name"))?;
            // SAFETY: a tape made the script: its rows name places among these floats and words only, and the tables of
            // this launch lie within the words.
            let ended = unsafe {
                emulate(
                    name.as_ptr(),
                    launch.blocks,
                    floats.as_mut_ptr(),
                    script.words.as_ptr(),
                    launch.table,
                    launch.jobs,
                )
            };
            match ended {
                0 => {}
                1 => return Err(refused("there is no such kernel")),
                _ => return Err(refused("some threads of a block wait for others that have ended")),
            }
        }
        Ok(())
    }
}

impl Session for Emulated {
    fn write(&mut self, at: u64, numbers: &[f32]) -> Result<(), Failed> {
        check_copy("take numbers", at, numbers.len(), self.floats.len() as u64)?;
        self.floats[at as usize..][..numbers.len()].copy_from_slice(numbers);
        Ok(())
    }

    fn read(&mut self, at: u64, numbers: &mut [f32]) -> Result<(), Failed> {
        check_copy("give numbers", at, numbers.len(), self.floats.len() as u64)?;
        numbers.copy_from_slice(&self.floats[at as usize..][..numbers.len()]);
        Ok(())
    }

    fn run(&mut self, script: &Script) -> Result<(), Failed> {
        Self::launch(&mut self.floats, script)
    }

    fn record(&mut self, script: &Script) -> Result<Recording, Failed> {
        script.check(self.floats.len() as u64)?;
        self.recorded.push(script.clone());
        Ok(Recording(self.recorded.len() - 1))
    }

    fn replay(&mut self, recording: Recording) -> Result<(), Failed> {
        Self::launch(&mut self.floats, &self.recorded[recording.0])
    }
}
