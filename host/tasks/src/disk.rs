//! Files and folders: listed and read under caps, links to folders left alone.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::ReadError;
use crate::error::show;
use crate::layout::{is_ignored, is_json, known_split};
use crate::limits::{MAX_FILE_BYTES, MAX_FILES, Spent, within};

/// What a path leads to.
pub(crate) enum Kind {
    Folder,
    Archive,
    Json,
}

/// Looks at a path without reading it: the ending and the first bytes tell an archive.
pub(crate) fn kind(path: &Path) -> Result<Kind, ReadError> {
    let place = show(path);
    let about = fs::metadata(path).map_err(|error| ReadError::io(&place, error))?;
    if about.is_dir() {
        return Ok(Kind::Folder);
    }
    if !about.is_file() {
        return Err(ReadError::NotAFile { place });
    }
    let ending = path.extension().map(OsStr::to_ascii_lowercase);
    if ending.is_some_and(|ending| ending == "zip" || ending == "whl") {
        return Ok(Kind::Archive);
    }
    let mut magic = Vec::new();
    let opened = File::open(path).and_then(|file| file.take(4).read_to_end(&mut magic));
    opened.map_err(|error| ReadError::io(&place, error))?;
    Ok(if magic == b"PK\x03\x04" || magic == b"PK\x05\x06" { Kind::Archive } else { Kind::Json })
}

/// Reads a JSON file that is not over the cap, even where it grows meanwhile.
pub(crate) fn read(path: &Path, spent: &mut Spent) -> Result<Vec<u8>, ReadError> {
    let place = show(path);
    let about = fs::metadata(path).map_err(|error| ReadError::io(&place, error))?;
    if !about.is_file() {
        // Opening a pipe would wait for its writer.
        return Err(ReadError::NotAFile { place });
    }
    spent.add(&place, about.len())?;
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes));
    read.map_err(|error| ReadError::io(&place, error))?;
    within(&place, "bytes", bytes.len() as u64, MAX_FILE_BYTES)?;
    Ok(bytes)
}

/// The JSON files of a folder, of its splits, of its `data` and of the splits of that, in order of
/// their names; no other folder is entered.
pub(crate) fn list(root: &Path) -> Result<Vec<(PathBuf, Vec<String>)>, ReadError> {
    let mut found = Vec::new();
    list_into(root, &mut Vec::new(), &mut found)?;
    found.sort_unstable_by(|(_, a), (_, b)| a.cmp(b));
    Ok(found)
}

fn list_into(
    folder: &Path,
    below: &mut Vec<String>,
    found: &mut Vec<(PathBuf, Vec<String>)>,
) -> Result<(), ReadError> {
    let unreadable = |error| ReadError::io(&show(folder), error);
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if is_ignored(&name) {
            continue;
        }
        let kind = entry.file_type().map_err(|error| ReadError::io(&show(&path), error))?;
        let enters = known_split(&name).is_some_and(|_| below.last().is_none_or(|last| last == "data"))
            || (name == "data" && below.is_empty());
        // A split that is a link would be half a dataset, dropped silently.
        if enters && kind.is_symlink() && path.is_dir() {
            return Err(ReadError::Link { place: show(&path) });
        }
        if enters && kind.is_dir() {
            below.push(name);
            list_into(&path, below, found)?;
            below.pop();
        } else if is_json(&name) && !path.is_dir() {
            within(&show(folder), "or more JSON files", found.len() as u64 + 1, MAX_FILES)?;
            found.push((path, below.iter().cloned().chain([name]).collect()));
        }
    }
    Ok(())
}
