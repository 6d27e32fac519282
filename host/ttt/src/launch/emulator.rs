//! Runs the kernels' text on the processor, for tests: the same launches, tables and places, without a device.
//!
//! Memory begins as no numbers at all, so that what is read before it is written spreads to whoever looks at the result.

// Reasoned: the kernels are C++ here, and reached through one foreign function.
#![allow(unsafe_code)]

use std::ffi::{CString, c_char, c_int};
use std::sync::{Mutex, PoisonError};

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

/// Held while a kernel runs: there is one shared memory.
static RUNNING: Mutex<()> = Mutex::new(());

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
            let running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
            // SAFETY: a tape made the script: its rows name places among these floats and words only, and the tables of
            // this launch lie within the words. No other kernel runs.
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
            drop(running);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launch::{Launch, THREADS};

    fn run(kernel: &'static str, floats: u64) -> Result<Vec<f32>, Failed> {
        let launches = vec![Launch { kernel, blocks: 2, table: 0, jobs: 1 }];
        let script = Script { words: vec![1, 2], launches, floats: u64::from(THREADS) };
        let mut session = Emulator.open(floats)?;
        session.run(&script)?;
        let mut read = vec![0.0; THREADS as usize];
        session.read(0, &mut read)?;
        Ok(read)
    }

    #[test]
    fn threads_wait_for_one_another_and_what_does_not_wait_shows() {
        let expected: Vec<f32> = (0..THREADS).map(|i| ((i + 1) % THREADS + 3) as f32).collect();
        assert_eq!(run("patient", 256).unwrap(), expected);
        assert_ne!(run("hasty", 256).unwrap(), expected);
        let Err(Failed::Refused { why, .. }) = run("uneven", 256) else { panic!("some wait for ever") };
        assert_eq!(why, "uneven: some threads of a block wait for others that have ended");
        // The threads that waited are gone; others are there.
        assert_eq!(run("patient", 256).unwrap(), expected);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let why = |refused: Result<Vec<f32>, Failed>| match refused {
            Err(Failed::Refused { why, .. }) => why,
            other => panic!("{other:?}"),
        };
        assert_eq!(why(run("none", 256)), "none: there is no such kernel");
        assert_eq!(why(run("patient", 255)), "they need 256 floats of memory, the session has 255");
        let mut session = Emulator.open(10).unwrap();
        assert!(session.write(3, &[0.0; 7]).is_ok() && session.write(4, &[0.0; 7]).is_err());
        assert!(session.read(u64::MAX, &mut [0.0]).is_err());
        // What nobody wrote is no number.
        let mut read = [0.0; 3];
        session.read(0, &mut read).unwrap();
        assert!(read.iter().all(|x| x.is_nan()));
    }
}
