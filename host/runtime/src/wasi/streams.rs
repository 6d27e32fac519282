//! Streams that are always ready: an empty stdin, files in memory, and two outputs that are the run's log.

use std::sync::Arc;

use wasmtime::component::Resource;
use wasmtime_wasi::p2::bindings::cli::{
    stderr, stdin, stdout, terminal_input, terminal_output, terminal_stderr, terminal_stdin, terminal_stdout,
};
use wasmtime_wasi::p2::bindings::sync::io::{error, poll, streams};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, DynPollable, StreamError, StreamResult};

use super::{Output, own};
use crate::state::RunState;

/// The most that one call reads, and that a plugin is told it may write.
const CHUNK_BYTES: usize = 65_536;

/// What a stream reads from.
pub(super) enum Input {
    Empty,
    File { bytes: Arc<[u8]>, at: u64 },
}

/// Something that can be waited for, and is there already; a timer moves the clock.
pub(super) struct Pollable {
    pub until: u64,
}

impl RunState {
    fn read_chunk(&mut self, stream: &Resource<DynInputStream>, length: u64) -> StreamResult<Vec<u8>> {
        let wasi = self.wasi(0).map_err(StreamError::Trap)?;
        let chunk = match wasi.table.get_mut(&own::<_, Input>(stream))? {
            Input::Empty => return Err(StreamError::Closed),
            Input::File { bytes, at } => {
                let chunk = slice(bytes, *at, length);
                if chunk.is_empty() && length > 0 {
                    return Err(StreamError::Closed);
                }
                *at += chunk.len() as u64;
                chunk.to_vec()
            }
        };
        self.worked(chunk.len()).map_err(StreamError::Trap)?;
        Ok(chunk)
    }

    fn write_chunk(&mut self, stream: &Resource<DynOutputStream>, chunk: &[u8]) -> StreamResult<()> {
        let wasi = self.wasi(chunk.len()).map_err(StreamError::Trap)?;
        let output = *wasi.table.get(&own::<_, Output>(stream))?;
        self.written(output, chunk);
        Ok(())
    }

    fn write_nothing(&mut self, stream: &Resource<DynOutputStream>) -> StreamResult<()> {
        self.write_chunk(stream, &[])
    }

    fn write_zeros(&mut self, stream: &Resource<DynOutputStream>, length: u64) -> StreamResult<()> {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > CHUNK_BYTES {
            return Err(StreamError::trap("more zeroes were written than `check-write` allows"));
        }
        self.write_chunk(stream, &vec![0; length])
    }

    fn copy_chunk(
        &mut self,
        from: &Resource<DynInputStream>,
        to: &Resource<DynOutputStream>,
        length: u64,
    ) -> StreamResult<u64> {
        let chunk = self.read_chunk(from, length)?;
        self.write_chunk(to, &chunk)?;
        Ok(chunk.len() as u64)
    }

    /// Anything but a timer: it was there from the beginning.
    fn ready(&mut self) -> wasmtime::Result<Resource<DynPollable>> {
        Ok(own(&self.wasi(0)?.table.push(Pollable { until: 0 })?))
    }

    fn wait(&mut self, pollable: &Resource<DynPollable>) -> wasmtime::Result<()> {
        let wasi = self.wasi(0)?;
        let until = wasi.table.get(&own::<_, Pollable>(pollable))?.until;
        wasi.skip_to(until);
        Ok(())
    }

    fn open_output(&mut self, output: Output) -> wasmtime::Result<Resource<DynOutputStream>> {
        Ok(own(&self.wasi(0)?.table.push(output)?))
    }

    /// Lets go of a handle; `T` is what the table holds.
    pub(super) fn close<T: 'static>(&mut self, rep: u32) -> wasmtime::Result<()> {
        self.wasi(0)?.table.delete(Resource::<T>::new_own(rep))?;
        Ok(())
    }
}

/// At most a chunk of `bytes` from `at` on; empty at the end and beyond.
pub(super) fn slice(bytes: &[u8], at: u64, length: u64) -> &[u8] {
    let start = usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
    let length = usize::try_from(length).unwrap_or(usize::MAX).min(CHUNK_BYTES);
    &bytes[start..bytes.len().min(start + length)]
}

impl streams::Host for RunState {
    fn convert_stream_error(&mut self, error: StreamError) -> wasmtime::Result<streams::StreamError> {
        match error {
            StreamError::Closed => Ok(streams::StreamError::Closed),
            StreamError::Trap(error) | StreamError::LastOperationFailed(error) => Err(error),
        }
    }
}

impl streams::HostInputStream for RunState {
    fn read(&mut self, stream: Resource<DynInputStream>, length: u64) -> StreamResult<Vec<u8>> {
        self.read_chunk(&stream, length)
    }

    fn blocking_read(&mut self, stream: Resource<DynInputStream>, length: u64) -> StreamResult<Vec<u8>> {
        self.read_chunk(&stream, length)
    }

    fn skip(&mut self, stream: Resource<DynInputStream>, length: u64) -> StreamResult<u64> {
        Ok(self.read_chunk(&stream, length)?.len() as u64)
    }

    fn blocking_skip(&mut self, stream: Resource<DynInputStream>, length: u64) -> StreamResult<u64> {
        Ok(self.read_chunk(&stream, length)?.len() as u64)
    }

    fn subscribe(&mut self, _: Resource<DynInputStream>) -> wasmtime::Result<Resource<DynPollable>> {
        self.ready()
    }

    fn drop(&mut self, stream: Resource<DynInputStream>) -> wasmtime::Result<()> {
        self.close::<Input>(stream.rep())
    }
}

impl streams::HostOutputStream for RunState {
    fn check_write(&mut self, stream: Resource<DynOutputStream>) -> StreamResult<u64> {
        self.write_nothing(&stream)?;
        Ok(CHUNK_BYTES as u64)
    }

    fn write(&mut self, stream: Resource<DynOutputStream>, chunk: Vec<u8>) -> StreamResult<()> {
        self.write_chunk(&stream, &chunk)
    }

    fn blocking_write_and_flush(
        &mut self,
        stream: Resource<DynOutputStream>,
        chunk: Vec<u8>,
    ) -> StreamResult<()> {
        self.write_chunk(&stream, &chunk)
    }

    fn flush(&mut self, stream: Resource<DynOutputStream>) -> StreamResult<()> {
        self.write_nothing(&stream)
    }

    fn blocking_flush(&mut self, stream: Resource<DynOutputStream>) -> StreamResult<()> {
        self.write_nothing(&stream)
    }

    fn subscribe(&mut self, _: Resource<DynOutputStream>) -> wasmtime::Result<Resource<DynPollable>> {
        self.ready()
    }

    fn write_zeroes(&mut self, stream: Resource<DynOutputStream>, length: u64) -> StreamResult<()> {
        self.write_zeros(&stream, length)
    }

    fn blocking_write_zeroes_and_flush(
        &mut self,
        stream: Resource<DynOutputStream>,
        length: u64,
    ) -> StreamResult<()> {
        self.write_zeros(&stream, length)
    }

    fn splice(
        &mut self,
        to: Resource<DynOutputStream>,
        from: Resource<DynInputStream>,
        length: u64,
    ) -> StreamResult<u64> {
        self.copy_chunk(&from, &to, length)
    }

    fn blocking_splice(
        &mut self,
        to: Resource<DynOutputStream>,
        from: Resource<DynInputStream>,
        length: u64,
    ) -> StreamResult<u64> {
        self.copy_chunk(&from, &to, length)
    }

    fn drop(&mut self, stream: Resource<DynOutputStream>) -> wasmtime::Result<()> {
        self.close::<Output>(stream.rep())
    }
}

impl poll::Host for RunState {
    fn poll(&mut self, list: Vec<Resource<DynPollable>>) -> wasmtime::Result<Vec<u32>> {
        if list.is_empty() {
            return Err(wasmtime::format_err!("`poll` of nothing never returns"));
        }
        self.worked(4 * list.len())?;
        list.iter().try_for_each(|pollable| self.wait(pollable))?;
        Ok((0..list.len() as u32).collect())
    }
}

impl poll::HostPollable for RunState {
    fn ready(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<bool> {
        self.wait(&pollable)?;
        Ok(true)
    }

    fn block(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        self.wait(&pollable)
    }

    fn drop(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        self.close::<Pollable>(pollable.rep())
    }
}

/// No stream here fails but by its end, so that no error is ever handed out.
impl error::Host for RunState {}

impl error::HostError for RunState {
    fn to_debug_string(&mut self, _: Resource<error::Error>) -> wasmtime::Result<String> {
        Err(wasmtime::format_err!("there is no such error"))
    }

    fn drop(&mut self, _: Resource<error::Error>) -> wasmtime::Result<()> {
        Err(wasmtime::format_err!("there is no such error"))
    }
}

impl stdin::Host for RunState {
    fn get_stdin(&mut self) -> wasmtime::Result<Resource<DynInputStream>> {
        Ok(own(&self.wasi(0)?.table.push(Input::Empty)?))
    }
}

impl stdout::Host for RunState {
    fn get_stdout(&mut self) -> wasmtime::Result<Resource<DynOutputStream>> {
        self.open_output(Output::Out)
    }
}

impl stderr::Host for RunState {
    fn get_stderr(&mut self) -> wasmtime::Result<Resource<DynOutputStream>> {
        self.open_output(Output::Err)
    }
}

type TerminalInput = Resource<terminal_input::TerminalInput>;
type TerminalOutput = Resource<terminal_output::TerminalOutput>;

/// Nothing of a run is a terminal.
impl terminal_input::Host for RunState {}

impl terminal_input::HostTerminalInput for RunState {
    fn drop(&mut self, _: TerminalInput) -> wasmtime::Result<()> {
        Err(wasmtime::format_err!("there is no terminal"))
    }
}

impl terminal_output::Host for RunState {}

impl terminal_output::HostTerminalOutput for RunState {
    fn drop(&mut self, _: TerminalOutput) -> wasmtime::Result<()> {
        Err(wasmtime::format_err!("there is no terminal"))
    }
}

impl terminal_stdin::Host for RunState {
    fn get_terminal_stdin(&mut self) -> wasmtime::Result<Option<TerminalInput>> {
        self.wasi(0)?;
        Ok(None)
    }
}

impl terminal_stdout::Host for RunState {
    fn get_terminal_stdout(&mut self) -> wasmtime::Result<Option<TerminalOutput>> {
        self.wasi(0)?;
        Ok(None)
    }
}

impl terminal_stderr::Host for RunState {
    fn get_terminal_stderr(&mut self) -> wasmtime::Result<Option<TerminalOutput>> {
        self.wasi(0)?;
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_ends_where_the_file_does() {
        let bytes = vec![7; CHUNK_BYTES + 10];
        assert_eq!(slice(&bytes, 0, u64::MAX).len(), CHUNK_BYTES);
        assert_eq!(slice(&bytes, 65_540, 100).len(), 6);
        assert_eq!(slice(&bytes, u64::MAX, u64::MAX).len(), 0);
        assert_eq!(slice(&bytes, 3, 0).len(), 0);
    }
}
