//! A look at a zip archive's directory before the reader of the `zip` crate takes it whole: that
//! one keeps the last of several members with one name silently, and every entry in memory.

use std::collections::HashSet;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use crate::ReadError;
use crate::error::shown;
use crate::limits::{MAX_FILES, within};

const END_BYTES: usize = 22;
const LOCATOR_BYTES: u64 = 20;
const ENTRY_BYTES: usize = 46;
/// The largest directory; a published archive's has some kilobytes.
const MAX_DIRECTORY_BYTES: u64 = 64 << 20;

/// Where the directory is, and how many members it lists.
struct Directory {
    end: u64,
    bytes: u64,
    members: u64,
}

/// Counts the members of an archive, unless it is cut off, lists too many, or lists a name twice.
pub(crate) fn check<R: Read + Seek>(file: &mut R, place: &str) -> Result<u64, ReadError> {
    let broken = |reason: &str| ReadError::BadArchive { place: place.to_owned(), reason: reason.to_owned() };
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::UnexpectedEof => broken("the list of members ends early"),
        io::ErrorKind::InvalidInput => broken("the list of members lies outside of the archive"),
        _ => ReadError::io(place, error),
    };
    let found = find(file).map_err(failed)?;
    let Directory { end, bytes, members } = found.ok_or_else(|| broken("no list of members at its end"))?;
    within(place, "members", members, MAX_FILES)?;
    within(place, "bytes in the list of members", bytes, MAX_DIRECTORY_BYTES)?;
    let start =
        end.checked_sub(bytes).ok_or_else(|| broken("the list of members is longer than the archive"))?;
    file.seek(SeekFrom::Start(start)).map_err(failed)?;
    let mut file = BufReader::new(file);
    let mut names = HashSet::new();
    for _ in 0..members {
        let mut entry = [0; ENTRY_BYTES];
        file.read_exact(&mut entry).map_err(failed)?;
        if !entry.starts_with(b"PK\x01\x02") {
            return Err(broken("the list of members is not one"));
        }
        let mut name = vec![0; usize::from(short(&entry, 28))];
        file.read_exact(&mut name).map_err(failed)?;
        let rest = i64::from(short(&entry, 30)) + i64::from(short(&entry, 32));
        file.seek_relative(rest).map_err(failed)?;
        if names.contains(&name) {
            let member = shown(&String::from_utf8_lossy(&name));
            return Err(ReadError::BadMember { place: place.to_owned(), member, reason: "is there twice" });
        }
        names.insert(name);
    }
    Ok(members)
}

/// Finds the directory by the record at the very end, and by the larger one of zip64 before it.
fn find<R: Read + Seek>(file: &mut R) -> io::Result<Option<Directory>> {
    let length = file.seek(SeekFrom::End(0))?;
    let tail_start = length.saturating_sub((END_BYTES + usize::from(u16::MAX)) as u64);
    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(tail_start))?;
    file.take(length - tail_start).read_to_end(&mut tail)?;
    let is_end = |at: &usize| {
        let record = &tail[*at..];
        record.starts_with(b"PK\x05\x06") && END_BYTES + usize::from(short(record, 20)) == record.len()
    };
    let Some(at) = (0..(tail.len() + 1).saturating_sub(END_BYTES)).rev().find(is_end) else {
        return Ok(None);
    };
    let (record, end) = (&tail[at..], tail_start + at as u64);
    let (mut end, mut bytes, mut members) = (end, u64::from(word(record, 12)), u64::from(short(record, 10)));
    if members == u64::from(u16::MAX) || bytes == u64::from(u32::MAX) {
        let mut locator = [0; LOCATOR_BYTES as usize];
        file.seek(SeekFrom::Start(end.saturating_sub(LOCATOR_BYTES)))?;
        file.read_exact(&mut locator)?;
        if locator.starts_with(b"PK\x06\x07") {
            let mut large = [0; 56];
            end = long(&locator, 8);
            file.seek(SeekFrom::Start(end))?;
            file.read_exact(&mut large)?;
            if !large.starts_with(b"PK\x06\x06") {
                return Ok(None);
            }
            (members, bytes) = (long(&large, 32), long(&large, 40));
        }
    }
    Ok(Some(Directory { end, bytes, members }))
}

fn short(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from(short(bytes, at)) | u32::from(short(bytes, at + 2)) << 16
}

fn long(bytes: &[u8], at: usize) -> u64 {
    u64::from(word(bytes, at)) | u64::from(word(bytes, at + 4)) << 32
}
