//! A folder of small files to read from, and what is asked of the answers.
#![allow(dead_code)]

use std::fs;
use std::io::{Cursor, Write};
use std::path::PathBuf;

use stratagem_tasks::{ReadError, TaskSet, read};
use tempfile::TempDir;
use zip::write::SimpleFileOptions;

/// A task with one pair and one test input, its output known.
pub const TASK: &str =
    r#"{"train":[{"input":[[1,2],[3,4]],"output":[[5]]}],"test":[{"input":[[6]],"output":[[7]]}]}"#;
/// The same task without the output, as Kaggle's challenges have it.
pub const CHALLENGE: &str = r#"{"train":[{"input":[[1,2],[3,4]],"output":[[5]]}],"test":[{"input":[[6]]}]}"#;

/// An object of the same text under each id.
pub fn by_id(ids: &[&str], text: &str) -> String {
    let entries: Vec<String> = ids.iter().map(|id| format!(r#""{id}":{text}"#)).collect();
    format!("{{{}}}", entries.join(","))
}

pub struct Folder(TempDir);

impl Folder {
    pub fn new(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            folder.write(name, text.as_bytes());
        }
        folder
    }

    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn read(&self, names: &[&str], name: Option<&str>) -> Result<Vec<TaskSet>, ReadError> {
        let paths: Vec<PathBuf> = names.iter().map(|name| self.path(name)).collect();
        read(&paths, name)
    }

    /// The message of a refusal, with the folder's own path left out.
    pub fn refusal(&self, names: &[&str]) -> String {
        let error = self.read(names, None).expect_err("refused");
        error.to_string().replace(&format!("{}/", self.0.path().display()), "")
    }
}

/// One line a task: split, id, and whether its outputs are known.
pub fn lines(set: &TaskSet) -> Vec<String> {
    let line = |(split, task): &(stratagem_domain::Split, stratagem_domain::LabelledTask)| {
        let known = if task.is_scorable() { "known" } else { "open" };
        format!("{} {} {known}", split.as_str(), task.task.id)
    };
    set.tasks.iter().map(line).collect()
}

pub fn zip_of(members: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in members {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Replaces each occurrence of some bytes by as many others.
pub fn patch(bytes: &mut [u8], from: &[u8], to: &[u8]) {
    assert_eq!(from.len(), to.len());
    let places: Vec<usize> =
        (0..=bytes.len() - from.len()).filter(|&at| bytes[at..].starts_with(from)).collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
}
