use crate::ReadError;

/// The largest JSON file, on disk or unpacked from an archive.
pub const MAX_FILE_BYTES: u64 = 64 << 20;
/// The largest archive, packed.
pub const MAX_ARCHIVE_BYTES: u64 = 256 << 20;
/// The most that one call reads, unpacked; also the most that an archive may declare.
pub const MAX_TOTAL_BYTES: u64 = 512 << 20;
/// The most JSON files of a folder, and the most members of an archive.
pub const MAX_FILES: u64 = 100_000;

/// Refuses a count over its limit.
pub(crate) fn within(place: &str, what: &'static str, found: u64, limit: u64) -> Result<(), ReadError> {
    if found > limit {
        return Err(ReadError::OverLimit { place: place.to_owned(), what, found, limit });
    }
    Ok(())
}

/// What one call has read so far: many small files cost as much as one large.
#[derive(Default)]
pub(crate) struct Spent {
    bytes: u64,
}

impl Spent {
    /// Books a file before it is read.
    pub(crate) fn add(&mut self, place: &str, bytes: u64) -> Result<(), ReadError> {
        within(place, "bytes", bytes, MAX_FILE_BYTES)?;
        self.bytes += bytes;
        within(place, "bytes read up to here", self.bytes, MAX_TOTAL_BYTES)
    }
}
