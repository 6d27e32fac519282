//! The granted folders, read-only.

use std::sync::Arc;

use stratagem_domain::Digest;
use wasmtime::component::Resource;
use wasmtime_wasi::filesystem::Descriptor;
use wasmtime_wasi::p2::bindings::filesystem::{preopens, types::ErrorCode};
use wasmtime_wasi::p2::bindings::sync::filesystem::types;
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, FsError, FsResult, ReaddirIterator};

use super::own;
use super::streams::{Input, slice};
use crate::folder::{Folder, Lost, Node};
use crate::state::RunState;

/// An opened file or folder.
#[derive(Clone)]
struct Opened {
    folder: Arc<Folder>,
    node: usize,
}

/// A folder's names that are still to be told.
struct Listing {
    opened: Opened,
    next: usize,
}

type Handle = Resource<Descriptor>;

impl Opened {
    fn node(&self) -> &Node {
        self.folder.node(self.node)
    }

    fn find(&self, flags: types::PathFlags, path: &str) -> FsResult<Self> {
        let Node::Dir(_) = self.node() else { return Err(ErrorCode::NotDirectory.into()) };
        let follow = flags.contains(types::PathFlags::SYMLINK_FOLLOW);
        let node = self.folder.find(self.node, path, follow)?;
        Ok(Self { folder: Arc::clone(&self.folder), node })
    }

    /// Times are left out: they would tell one copy of a folder from the next.
    fn stat(&self) -> types::DescriptorStat {
        let size = match self.node() {
            Node::File(bytes) => bytes.len(),
            Node::Link(target) => target.len(),
            Node::Dir(_) | Node::Special => 0,
        };
        types::DescriptorStat {
            type_: kind(self.node()),
            link_count: 1,
            size: size as u64,
            data_access_timestamp: None,
            data_modification_timestamp: None,
            status_change_timestamp: None,
        }
    }

    fn metadata_hash(&self) -> types::MetadataHashValue {
        let digest = Digest::of_parts([self.folder.digest.as_bytes(), &self.node.to_le_bytes()]);
        let half = |at: usize| {
            let bytes = digest.as_bytes()[at..at + 8].try_into();
            u64::from_le_bytes(bytes.unwrap_or_else(|_| unreachable!("a digest has 32 bytes")))
        };
        types::MetadataHashValue { lower: half(0), upper: half(8) }
    }

    fn bytes(&self) -> FsResult<&Arc<[u8]>> {
        match self.node() {
            Node::File(bytes) => Ok(bytes),
            Node::Dir(_) => Err(ErrorCode::IsDirectory.into()),
            Node::Link(_) | Node::Special => Err(ErrorCode::NotPermitted.into()),
        }
    }
}

fn kind(node: &Node) -> types::DescriptorType {
    match node {
        Node::Dir(_) => types::DescriptorType::Directory,
        Node::File(_) => types::DescriptorType::RegularFile,
        Node::Link(_) => types::DescriptorType::SymbolicLink,
        Node::Special => types::DescriptorType::Unknown,
    }
}

impl From<Lost> for FsError {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::NoEntry => ErrorCode::NoEntry,
            Lost::NotDirectory => ErrorCode::NotDirectory,
            Lost::NotPermitted => ErrorCode::NotPermitted,
            Lost::Loop => ErrorCode::Loop,
        }
        .into()
    }
}

impl RunState {
    /// Counts a call on a handle, with the length of a path that came along.
    fn file(&mut self, handle: &Handle, path: &str) -> FsResult<&mut Opened> {
        let wasi = self.wasi(path.len()).map_err(FsError::trap)?;
        Ok(wasi.table.get_mut(&own(handle))?)
    }

    /// What every call that would change something comes to.
    fn read_only<T>(&mut self, handle: &Handle) -> FsResult<T> {
        self.file(handle, "")?;
        Err(ErrorCode::ReadOnly.into())
    }
}

impl preopens::Host for RunState {
    fn get_directories(&mut self) -> wasmtime::Result<Vec<(Handle, String)>> {
        let folders = Arc::clone(&self.wasi(0)?.folders);
        let mut found = Vec::new();
        for (name, folder) in folders.iter() {
            let opened = Opened { folder: Arc::clone(folder), node: 0 };
            found.push((own(&self.wasi(name.len())?.table.push(opened)?), name.clone()));
        }
        Ok(found)
    }
}

impl types::Host for RunState {
    fn convert_error_code(&mut self, error: FsError) -> wasmtime::Result<types::ErrorCode> {
        Ok(error.downcast()?.into())
    }

    fn filesystem_error_code(
        &mut self,
        _: Resource<wasmtime::Error>,
    ) -> wasmtime::Result<Option<types::ErrorCode>> {
        self.wasi(0)?;
        Ok(None)
    }
}

impl types::HostDescriptor for RunState {
    fn open_at(
        &mut self,
        at: Handle,
        path_flags: types::PathFlags,
        path: String,
        open: types::OpenFlags,
        flags: types::DescriptorFlags,
    ) -> FsResult<Handle> {
        let found = self.file(&at, &path)?.find(path_flags, &path);
        let makes = types::OpenFlags::CREATE | types::OpenFlags::EXCLUSIVE | types::OpenFlags::TRUNCATE;
        if open.intersects(makes) || flags.contains(types::DescriptorFlags::WRITE) {
            return Err(ErrorCode::ReadOnly.into());
        }
        let found = found?;
        match found.node() {
            Node::Link(_) => return Err(ErrorCode::Loop.into()),
            Node::Special => return Err(ErrorCode::NotPermitted.into()),
            Node::File(_) if open.contains(types::OpenFlags::DIRECTORY) => {
                return Err(ErrorCode::NotDirectory.into());
            }
            Node::Dir(_) | Node::File(_) => {}
        }
        let wasi = self.wasi(0).map_err(FsError::trap)?;
        Ok(own(&wasi.table.push(found)?))
    }

    fn read(&mut self, file: Handle, length: u64, offset: u64) -> FsResult<(Vec<u8>, bool)> {
        let opened = self.file(&file, "")?;
        let bytes = opened.bytes()?;
        let chunk = slice(bytes, offset, length).to_vec();
        let is_end = offset.saturating_add(chunk.len() as u64) >= bytes.len() as u64;
        self.worked(chunk.len()).map_err(FsError::trap)?;
        Ok((chunk, is_end))
    }

    fn read_via_stream(&mut self, file: Handle, offset: u64) -> FsResult<Resource<DynInputStream>> {
        let bytes = Arc::clone(self.file(&file, "")?.bytes()?);
        let wasi = self.wasi(0).map_err(FsError::trap)?;
        Ok(own(&wasi.table.push(Input::File { bytes, at: offset })?))
    }

    fn read_directory(&mut self, folder: Handle) -> FsResult<Resource<ReaddirIterator>> {
        let opened = self.file(&folder, "")?.clone();
        let Node::Dir(_) = opened.node() else { return Err(ErrorCode::NotDirectory.into()) };
        let wasi = self.wasi(0).map_err(FsError::trap)?;
        Ok(own(&wasi.table.push(Listing { opened, next: 0 })?))
    }

    fn readlink_at(&mut self, at: Handle, path: String) -> FsResult<String> {
        let found = self.file(&at, &path)?.find(types::PathFlags::empty(), &path)?;
        let Node::Link(target) = found.node() else { return Err(ErrorCode::Invalid.into()) };
        self.worked(target.len()).map_err(FsError::trap)?;
        Ok(target.clone())
    }

    fn stat(&mut self, handle: Handle) -> FsResult<types::DescriptorStat> {
        Ok(self.file(&handle, "")?.stat())
    }

    fn stat_at(
        &mut self,
        at: Handle,
        flags: types::PathFlags,
        path: String,
    ) -> FsResult<types::DescriptorStat> {
        Ok(self.file(&at, &path)?.find(flags, &path)?.stat())
    }

    fn metadata_hash(&mut self, handle: Handle) -> FsResult<types::MetadataHashValue> {
        Ok(self.file(&handle, "")?.metadata_hash())
    }

    fn metadata_hash_at(
        &mut self,
        at: Handle,
        flags: types::PathFlags,
        path: String,
    ) -> FsResult<types::MetadataHashValue> {
        Ok(self.file(&at, &path)?.find(flags, &path)?.metadata_hash())
    }

    fn get_flags(&mut self, handle: Handle) -> FsResult<types::DescriptorFlags> {
        self.file(&handle, "")?;
        Ok(types::DescriptorFlags::READ)
    }

    fn get_type(&mut self, handle: Handle) -> FsResult<types::DescriptorType> {
        Ok(kind(self.file(&handle, "")?.node()))
    }

    fn is_same_object(&mut self, a: Handle, b: Handle) -> wasmtime::Result<bool> {
        let wasi = self.wasi(0)?;
        let (a, b): (&Opened, &Opened) = (wasi.table.get(&own(&a))?, wasi.table.get(&own(&b))?);
        Ok(Arc::ptr_eq(&a.folder, &b.folder) && a.node == b.node)
    }

    fn advise(&mut self, handle: Handle, _: u64, _: u64, _: types::Advice) -> FsResult<()> {
        self.file(&handle, "")?;
        Ok(())
    }

    fn sync(&mut self, handle: Handle) -> FsResult<()> {
        self.file(&handle, "")?;
        Ok(())
    }

    fn sync_data(&mut self, handle: Handle) -> FsResult<()> {
        self.file(&handle, "")?;
        Ok(())
    }

    fn drop(&mut self, handle: Handle) -> wasmtime::Result<()> {
        self.close::<Opened>(handle.rep())
    }

    fn write(&mut self, handle: Handle, _: Vec<u8>, _: u64) -> FsResult<u64> {
        self.read_only(&handle)
    }

    fn write_via_stream(&mut self, handle: Handle, _: u64) -> FsResult<Resource<DynOutputStream>> {
        self.read_only(&handle)
    }

    fn append_via_stream(&mut self, handle: Handle) -> FsResult<Resource<DynOutputStream>> {
        self.read_only(&handle)
    }

    fn set_size(&mut self, handle: Handle, _: u64) -> FsResult<()> {
        self.read_only(&handle)
    }

    fn set_times(&mut self, handle: Handle, _: types::NewTimestamp, _: types::NewTimestamp) -> FsResult<()> {
        self.read_only(&handle)
    }

    fn set_times_at(
        &mut self,
        at: Handle,
        _: types::PathFlags,
        _: String,
        _: types::NewTimestamp,
        _: types::NewTimestamp,
    ) -> FsResult<()> {
        self.read_only(&at)
    }

    fn create_directory_at(&mut self, at: Handle, _: String) -> FsResult<()> {
        self.read_only(&at)
    }

    fn link_at(&mut self, at: Handle, _: types::PathFlags, _: String, _: Handle, _: String) -> FsResult<()> {
        self.read_only(&at)
    }

    fn rename_at(&mut self, at: Handle, _: String, _: Handle, _: String) -> FsResult<()> {
        self.read_only(&at)
    }

    fn symlink_at(&mut self, at: Handle, _: String, _: String) -> FsResult<()> {
        self.read_only(&at)
    }

    fn remove_directory_at(&mut self, at: Handle, _: String) -> FsResult<()> {
        self.read_only(&at)
    }

    fn unlink_file_at(&mut self, at: Handle, _: String) -> FsResult<()> {
        self.read_only(&at)
    }
}

impl types::HostDirectoryEntryStream for RunState {
    fn read_directory_entry(
        &mut self,
        listing: Resource<ReaddirIterator>,
    ) -> FsResult<Option<types::DirectoryEntry>> {
        let wasi = self.wasi(0).map_err(FsError::trap)?;
        let listing: &mut Listing = wasi.table.get_mut(&own(&listing))?;
        let Node::Dir(names) = listing.opened.node() else { return Ok(None) };
        let Some((name, node)) = names.get(listing.next) else { return Ok(None) };
        let type_ = kind(listing.opened.folder.node(*node));
        let entry = types::DirectoryEntry { type_, name: name.clone() };
        listing.next += 1;
        self.worked(entry.name.len()).map_err(FsError::trap)?;
        Ok(Some(entry))
    }

    fn drop(&mut self, listing: Resource<ReaddirIterator>) -> wasmtime::Result<()> {
        self.close::<Listing>(listing.rep())
    }
}
