//! Graphics processors by their driver, which is loaded when it is first asked for: nothing of CUDA is needed to build, and
//! where there is no driver, that is an error like any other.
//!
//! The kernels are handed over as PTX, which the driver compiles for the device at hand.

// Reasoned: a driver is foreign code, and so are the kernels.
#![allow(unsafe_code)]

use std::ffi::{CString, c_int, c_void};
use std::panic::catch_unwind;
use std::sync::Arc;

use cudarc::driver::result::{self, DriverError};
use cudarc::driver::{CudaContext, sys};

use crate::launch::{
    Description, Device, Failed, Launch, Missing, Recording, Script, Session, THREADS, check_copy,
};

/// What `just kernels` made of `host/ttt/kernels`.
const PTX: &str = include_str!("../../kernels/kernels.ptx");
/// Of the driver: what the PTX is of, and what the calls below are of.
const DRIVER: i32 = 13_000;
/// Of the device, major and minor: what the PTX is for.
const CAPABILITY: (i32, i32) = (8, 0);

/// A device of this machine.
#[derive(Clone)]
pub struct Cuda(Arc<Inner>);

struct Inner {
    context: Arc<CudaContext>,
    module: sys::CUmodule,
    driver_version: i32,
}

// SAFETY: modules belong to a context, not to a thread; the driver may be called from any thread that the context is
// current on, and every use binds it first.
unsafe impl Send for Inner {}
// SAFETY: as above; loading functions of a module is safe from several threads at once.
unsafe impl Sync for Inner {}

impl Drop for Inner {
    fn drop(&mut self) {
        if self.context.bind_to_thread().is_ok() {
            // SAFETY: the module was loaded in this context; sessions, which launch its kernels, hold this alive.
            let _ = unsafe { result::module::unload(self.module) };
        }
    }
}

/// Whether what the driver said means that it is of no use to this process any more.
fn is_lost(code: sys::CUresult) -> bool {
    matches!(code as u32, 214 | 220 | 226 | 700 | 702 | 709 | 710 | 714..=719 | 721 | 999)
}

fn failed(what: &'static str) -> impl Fn(DriverError) -> Failed {
    move |error| {
        let text = error.error_string().map(|text| text.to_string_lossy().into_owned());
        let why = text.unwrap_or_else(|_| format!("error {}", error.0 as u32));
        if is_lost(error.0) { Failed::Lost(why) } else { Failed::Refused { what, why } }
    }
}

/// Starts the driver; gives its version and how many devices it sees.
fn start() -> Result<(i32, u32), Missing> {
    // SAFETY: only looks whether a library of the driver's name can be loaded.
    if !unsafe { sys::is_culib_present() } {
        return Err(Missing::NoDriver);
    }
    // A library of that name that lacks a call is no driver; cudarc panics there.
    let started = catch_unwind(|| {
        let mut version: c_int = 0;
        // SAFETY: the driver writes one number, where it is told to.
        unsafe { sys::cuDriverGetVersion(&raw mut version) }.result()?;
        if version < DRIVER {
            return Ok((version, 0));
        }
        result::init()?;
        Ok((version, result::device::get_count()?))
    });
    let Ok(started) = started else { return Err(Missing::NoDriver) };
    let (version, count) = started.map_err(|error: DriverError| match error.0 {
        sys::CUresult::CUDA_ERROR_NO_DEVICE => Missing::NoDevice,
        sys::CUresult::CUDA_ERROR_STUB_LIBRARY => Missing::NoDriver,
        _ => Missing::Failed(failed("start")(error)),
    })?;
    match u32::try_from(count) {
        _ if version < DRIVER => Err(Missing::OldDriver { found: version, needed: DRIVER }),
        Ok(count) if count > 0 => Ok((version, count)),
        _ => Err(Missing::NoDevice),
    }
}

impl Cuda {
    /// How many devices there are.
    pub fn count() -> Result<u32, Missing> {
        start().map(|(_, count)| count)
    }

    /// Readies a device, and compiles the kernels for it.
    pub fn new(ordinal: u32) -> Result<Self, Missing> {
        let (driver_version, count) = start()?;
        if ordinal >= count {
            return Err(Missing::NoSuchDevice { asked: ordinal, count });
        }
        let context = CudaContext::new(ordinal as usize).map_err(failed("begin"))?;
        let capability = context.compute_capability().map_err(failed("tell what it can"))?;
        if capability < CAPABILITY {
            let name = context.name().map_err(failed("tell its name"))?;
            return Err(Missing::OldDevice { name, capability });
        }
        let image = CString::new(PTX).unwrap_or_else(|_| unreachable!("PTX is text"));
        // SAFETY: the image is text that ends with a zero, and lives through the call; the context is current.
        let module = unsafe { result::module::load_data(image.as_ptr().cast()) };
        let module = module.map_err(failed("compile the kernels"))?;
        Ok(Self(Arc::new(Inner { context, module, driver_version })))
    }

    pub fn description(&self) -> Result<Description, Failed> {
        let tell = || failed("tell what it is");
        let context = &self.0.context;
        let (free, total) = context.mem_get_info().map_err(tell())?;
        Ok(Description {
            name: context.name().map_err(tell())?,
            compute_capability: context.compute_capability().map_err(tell())?,
            driver_version: self.0.driver_version,
            memory_bytes: total as u64,
            memory_free_bytes: free as u64,
        })
    }
}

/// Memory of a device that is given back when it is dropped.
struct Memory {
    at: sys::CUdeviceptr,
    device: Arc<Inner>,
}

impl Memory {
    /// The context must be current.
    fn new(device: &Arc<Inner>, bytes: u64) -> Result<Self, Failed> {
        // SAFETY: nothing is read or written by taking memory.
        let taken = unsafe { result::malloc_sync(bytes.max(1) as usize) };
        let at = taken.map_err(|error| match error.0 {
            sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY => {
                let free = result::mem_get_info().map_or(0, |(free, _)| free as u64);
                Failed::OutOfMemory { needs: bytes, free }
            }
            _ => failed("give memory")(error),
        })?;
        Ok(Self { at, device: Arc::clone(device) })
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        if self.device.context.bind_to_thread().is_ok() {
            // SAFETY: it was taken in this context and is given back once; the driver waits for what still uses it.
            let _ = unsafe { result::free_sync(self.at) };
        }
    }
}

/// A script's launches as one graph, and its tables, which they read.
struct Recorded {
    graph: sys::CUgraph,
    ready: sys::CUgraphExec,
    _words: Memory,
}

struct OnDevice {
    // Dropped in this order: graphs read words, and run on the stream.
    recorded: Vec<Recorded>,
    memory: Memory,
    floats: u64,
    stream: sys::CUstream,
    device: Arc<Inner>,
}

// SAFETY: streams and graphs belong to a context, not to a thread; a session is used by one thread at a time, and binds the
// context before every use.
unsafe impl Send for OnDevice {}

impl Drop for OnDevice {
    fn drop(&mut self) {
        if self.device.context.bind_to_thread().is_err() {
            return;
        }
        // SAFETY: all were made by this session, in this context, and are not used after; what runs is waited for first.
        unsafe {
            let _ = result::stream::synchronize(self.stream);
            for recorded in &self.recorded {
                let _ = result::graph::exec_destroy(recorded.ready);
                let _ = result::graph::destroy(recorded.graph);
            }
            let _ = result::stream::destroy(self.stream);
        }
    }
}

impl Device for Cuda {
    fn open(&self, floats: u64) -> Result<Box<dyn Session>, Failed> {
        self.0.context.bind_to_thread().map_err(failed("begin"))?;
        let bytes = floats.saturating_mul(size_of::<f32>() as u64);
        let memory = Memory::new(&self.0, bytes)?;
        let stream = result::stream::create(result::stream::StreamKind::NonBlocking);
        let stream = stream.map_err(failed("begin"))?;
        let device = Arc::clone(&self.0);
        Ok(Box::new(OnDevice { recorded: Vec::new(), memory, floats, stream, device }))
    }
}

impl OnDevice {
    fn bind(&self) -> Result<(), Failed> {
        self.device.context.bind_to_thread().map_err(failed("go on"))
    }

    fn wait(&self) -> Result<(), Failed> {
        // SAFETY: the stream is this session's, and lives.
        unsafe { result::stream::synchronize(self.stream) }.map_err(failed("finish launches"))
    }

    /// Puts a script's tables on the device.
    fn words(&self, script: &Script) -> Result<Memory, Failed> {
        script.check(self.floats)?;
        let words = Memory::new(&self.device, script.bytes())?;
        // SAFETY: as many bytes were taken as are copied; words that are not locked in memory are copied aside before the call
        // returns, and lie on the device before anything that is launched on the stream after it.
        let copied = unsafe { result::memcpy_htod_async(words.at, &script.words, self.stream) };
        copied.map_err(failed("take tables"))?;
        Ok(words)
    }

    /// The kernels of a script's launches, ready on the device: while launches are recorded none can be loaded.
    fn kernels(&self, script: &Script) -> Result<Vec<sys::CUfunction>, Failed> {
        let kernel = |launch: &Launch| {
            let name = CString::new(launch.kernel).unwrap_or_else(|_| unreachable!("names have no zeros"));
            // SAFETY: the module is loaded, in the context that is bound.
            let kernel = unsafe { result::module::get_function(self.device.module, name) };
            let kernel = kernel.map_err(failed("find a kernel"))?;
            // SAFETY: the function is of that module.
            unsafe { sys::cuFuncLoad(kernel) }.result().map_err(failed("load a kernel"))?;
            Ok(kernel)
        };
        script.launches.iter().map(kernel).collect()
    }

    fn launch(&self, script: &Script, kernels: &[sys::CUfunction], words: &Memory) -> Result<(), Failed> {
        for (launch, &kernel) in script.launches.iter().zip(kernels) {
            let (mut floats, mut words, mut table, mut jobs) =
                (self.memory.at, words.at, launch.table, launch.jobs);
            let mut arguments: [*mut c_void; 4] = [
                (&raw mut floats).cast(),
                (&raw mut words).cast(),
                (&raw mut table).cast(),
                (&raw mut jobs).cast(),
            ];
            let (blocks, threads) = ((launch.blocks, 1, 1), (THREADS, 1, 1));
            // SAFETY: every kernel takes these four arguments, which are copied by the call. A tape made the script: its
            // rows name places among as many floats as were checked to be here, and among these words.
            let launched =
                unsafe { result::launch_kernel(kernel, blocks, threads, 0, self.stream, &mut arguments) };
            launched.map_err(failed("launch a kernel"))?;
        }
        Ok(())
    }
}

impl Session for OnDevice {
    fn write(&mut self, at: u64, numbers: &[f32]) -> Result<(), Failed> {
        check_copy("take numbers", at, numbers.len(), self.floats)?;
        self.bind()?;
        let to = self.memory.at + at * size_of::<f32>() as u64;
        // SAFETY: what is written lies within the memory; numbers that are not locked in memory are copied aside before
        // the call returns.
        unsafe { result::memcpy_htod_async(to, numbers, self.stream) }.map_err(failed("take numbers"))
    }

    fn read(&mut self, at: u64, numbers: &mut [f32]) -> Result<(), Failed> {
        check_copy("give numbers", at, numbers.len(), self.floats)?;
        self.bind()?;
        let from = self.memory.at + at * size_of::<f32>() as u64;
        // SAFETY: what is read lies within the memory; the copy is waited for before its target can go.
        let copied = unsafe { result::memcpy_dtoh_async(numbers, from, self.stream) };
        self.wait()?;
        copied.map_err(failed("give numbers"))
    }

    fn run(&mut self, script: &Script) -> Result<(), Failed> {
        self.bind()?;
        let (kernels, words) = (self.kernels(script)?, self.words(script)?);
        let launched = self.launch(script, &kernels, &words);
        // The tables go when this returns.
        self.wait()?;
        launched
    }

    fn record(&mut self, script: &Script) -> Result<Recording, Failed> {
        self.bind()?;
        let (kernels, words) = (self.kernels(script)?, self.words(script)?);
        let mode = sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
        // SAFETY: the stream is this session's, and nothing else is launched on it until the capture ends.
        unsafe { result::stream::begin_capture(self.stream, mode) }.map_err(failed("record launches"))?;
        let launched = self.launch(script, &kernels, &words);
        // SAFETY: the capture was begun above, and ends whatever came of the launches.
        let graph = unsafe { result::stream::end_capture(self.stream) };
        let graph = launched.and(graph.map_err(failed("record launches")))?;
        // SAFETY: the graph was made above.
        let ready = unsafe { result::graph::instantiate(graph, sys::CUgraphInstantiate_flags(0)) };
        let ready = ready.map_err(|error| {
            // SAFETY: nobody else has the graph.
            let _ = unsafe { result::graph::destroy(graph) };
            failed("ready launches")(error)
        })?;
        self.recorded.push(Recorded { graph, ready, _words: words });
        Ok(Recording(self.recorded.len() - 1))
    }

    fn replay(&mut self, recording: Recording) -> Result<(), Failed> {
        self.bind()?;
        // SAFETY: graph, stream, and the memory that the graph's launches name are this session's, and live.
        unsafe { result::graph::launch(self.recorded[recording.0].ready, self.stream) }
            .map_err(failed("replay launches"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_said_and_nothing_panics() {
        // Whatever this machine has, an ordinal beyond all is none.
        match (Cuda::count(), Cuda::new(9_999).map(drop)) {
            (Ok(count), Err(Missing::NoSuchDevice { asked: 9_999, count: told })) => assert_eq!(count, told),
            (Err(none), Err(same)) => {
                assert_eq!(none, same);
                println!("skipped: no device ({none})");
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_the_driver_says_is_told_apart() {
        let told = |code| failed("run")(DriverError(code));
        for lost in [sys::CUresult::CUDA_ERROR_ILLEGAL_ADDRESS, sys::CUresult::CUDA_ERROR_ECC_UNCORRECTABLE] {
            assert!(is_lost(lost));
        }
        assert!(!is_lost(sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY));
        if Cuda::count().is_ok() {
            assert!(matches!(told(sys::CUresult::CUDA_ERROR_LAUNCH_FAILED), Failed::Lost(_)));
            assert!(matches!(
                told(sys::CUresult::CUDA_ERROR_INVALID_PTX),
                Failed::Refused { what: "run", .. }
            ));
        }
    }
}
