//! Zip archives and wheels, read in memory: no member's name ever becomes a path on disk.

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::Path;

use zip::ZipArchive;
use zip::result::ZipError;

use crate::ReadError;
use crate::error::{show, shown};
use crate::layout::{is_ignored, is_json};
use crate::limits::{MAX_ARCHIVE_BYTES, MAX_TOTAL_BYTES, Spent, within};
use crate::{directory, layout};

/// An archive whose list of members was checked.
pub(crate) struct Archive {
    zip: ZipArchive<BufReader<File>>,
    place: String,
    /// The members that may hold tasks, in order of their names.
    pub members: Vec<Member>,
}

/// A JSON file of an archive.
pub(crate) struct Member {
    index: usize,
    /// The folders that it lies in, and its name.
    pub path: Vec<String>,
    declared_bytes: u64,
}

impl Archive {
    /// Opens an archive and checks every member, also those that hold no tasks.
    pub(crate) fn open(path: &Path) -> Result<Self, ReadError> {
        let place = show(path);
        let failed = |error| ReadError::io(&place, error);
        let mut file = File::open(path).map_err(failed)?;
        within(&place, "bytes", file.metadata().map_err(failed)?.len(), MAX_ARCHIVE_BYTES)?;
        let listed = directory::check(&mut file, &place)?;
        file.rewind().map_err(failed)?;
        let mut zip = ZipArchive::new(BufReader::new(file)).map_err(|error| refused(&place, error))?;
        if zip.len() as u64 != listed {
            // Two lists, or two names in one that only the reader takes for the same.
            return Err(ReadError::BadArchive {
                place,
                reason: "it lists its members in two ways".to_owned(),
            });
        }
        let (mut members, mut declared) = (Vec::new(), 0_u64);
        for index in 0..zip.len() {
            let member = zip.by_index_raw(index).map_err(|error| refused(&place, error))?;
            let bad =
                |reason| ReadError::BadMember { place: place.clone(), member: shown(member.name()), reason };
            let path = split(member.name()).map_err(bad)?;
            if member.is_symlink() {
                return Err(bad("is a symbolic link: only files and folders are read"));
            }
            declared = declared.saturating_add(member.size());
            within(&place, "bytes when unpacked", declared, MAX_TOTAL_BYTES)?;
            let json = path.last().is_some_and(|name| is_json(name));
            if json && !member.is_dir() && !path.iter().any(|part| is_ignored(part)) {
                members.push(Member { index, path, declared_bytes: member.size() });
            }
        }
        members.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { zip, place, members })
    }

    /// The members of a layout, each with the split that its folder says.
    pub(crate) fn choose(&self, folder: &str) -> Result<Vec<layout::Chosen>, ReadError> {
        let paths: Vec<Vec<String>> = self.members.iter().map(|member| member.path.clone()).collect();
        layout::choose(&paths, folder).map_err(|layout::Ambiguity(first, second)| ReadError::Ambiguous {
            place: self.place.clone(),
            first,
            second,
        })
    }

    /// What messages call a member.
    pub(crate) fn place(&self, at: usize) -> String {
        format!("{}: {}", self.place, shown(&self.members[at].path.join("/")))
    }

    /// Unpacks a member, and not a byte more than it declares.
    pub(crate) fn read(&mut self, at: usize, spent: &mut Spent) -> Result<Vec<u8>, ReadError> {
        let (place, Member { index, declared_bytes, .. }) = (self.place(at), &self.members[at]);
        spent.add(&place, *declared_bytes)?;
        let member = self.zip.by_index(*index).map_err(|error| refused(&place, error))?;
        let mut bytes = Vec::new();
        let read = member.take(declared_bytes + 1).read_to_end(&mut bytes);
        read.map_err(|error| ReadError::BadArchive {
            place: place.clone(),
            reason: shown(&error.to_string()),
        })?;
        if bytes.len() as u64 > *declared_bytes {
            return Err(ReadError::Bomb { place, declared: *declared_bytes });
        }
        Ok(bytes)
    }
}

/// The parts of a member's name, if it stays inside of the archive.
fn split(name: &str) -> Result<Vec<String>, &'static str> {
    // Some packers on Windows write its separators.
    let is_separator = |character| matches!(character, '/' | '\\');
    if name.starts_with(is_separator) || name.as_bytes().get(1) == Some(&b':') {
        return Err("has an absolute name: names are relative to the archive");
    }
    if name.split(is_separator).any(|part| part == "..") {
        return Err("leads out of the archive with \"..\": names stay inside");
    }
    if name.contains('\0') {
        return Err("has a zero byte in its name");
    }
    let parts = name.split(is_separator).filter(|part| !part.is_empty() && *part != ".");
    Ok(parts.map(str::to_owned).collect())
}

fn refused(place: &str, error: ZipError) -> ReadError {
    match error {
        ZipError::Io(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => {
            ReadError::io(place, error)
        }
        error => ReadError::BadArchive { place: place.to_owned(), reason: shown(&error.to_string()) },
    }
}
