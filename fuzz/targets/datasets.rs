//! Task files as they were downloaded, from any hand: refused in plain words, or the same after they were written.
//!
//! The first byte says how they are handed over: `z` the rest is an archive; else names and contents follow by turns,
//! each but the last ended by a zero byte: `f` in a folder, `e` each by its own path, `p` packed in an archive.
#![no_main]

use std::collections::BTreeSet;
use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use libfuzzer_sys::{Corpus, fuzz_target};
use serde_json::{Map, Value, json};
use stratagem_domain::{LabelledTask, TaskSet};
use stratagem_fuzz::{assert_plain, assert_valid, within};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// Far below what the readers' own limits allow: an input is some kilobytes and may not grow to more than this.
const HEAP_BYTES: usize = 64 << 20;
const MAX_FILES: usize = 16;

fuzz_target!(|data: &[u8]| -> Corpus {
    let Some((form, rest)) = data.split_first() else { return Corpus::Reject };
    let folder = tempfile::tempdir().expect("a folder to read from");
    let root = folder.path().join("tasks");
    let archive = folder.path().join("tasks.zip");
    let paths = match form {
        b'z' => write(&archive, rest).map(|()| vec![archive]),
        b'p' => pack(&files(rest)).and_then(|bytes| write(&archive, &bytes)).map(|()| vec![archive]),
        b'f' => unpack(&root, &files(rest)).map(|_| vec![root]),
        b'e' => unpack(&root, &files(rest)),
        _ => None,
    };
    let Some(paths) = paths else { return Corpus::Reject };
    match within(HEAP_BYTES, || stratagem_tasks::read(&paths, None)) {
        Ok(sets) => sets.iter().for_each(|set| check(set, &folder.path().join("again").join(&set.name))),
        Err(error) => {
            let causes =
                std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
            causes.for_each(assert_plain);
            error.hint().iter().for_each(assert_plain);
        }
    }
    Corpus::Keep
});

/// Holds a dataset to what the rest of the host relies on, and reads it again from one file a task.
fn check(set: &TaskSet, folder: &Path) {
    assert!(!set.tasks.is_empty());
    assert_plain(&set.name);
    let (mut ids, mut paths) = (BTreeSet::new(), Vec::new());
    for (split, labelled) in &set.tasks {
        let LabelledTask { task, truth } = labelled;
        assert!(ids.insert(&task.id), "{} is there twice", task.id);
        assert!(!task.train.is_empty() && !task.test.is_empty() && truth.len() == task.test.len());
        let demonstrations = task.train.iter().flat_map(|pair| [&pair.input, &pair.output]);
        demonstrations.chain(&task.test).chain(truth.iter().flatten()).for_each(assert_valid);
        let path = folder.join(split.as_str()).join(format!("{}.json", task.id));
        write(&path, &as_json(labelled)).unwrap_or_else(|| panic!("{}: not a file's name", path.display()));
        paths.push(path);
    }
    let again = stratagem_tasks::read(&paths, Some(&set.name)).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(again, std::slice::from_ref(set));
    assert_eq!(again[0].digest(), set.digest());
}

fn as_json(LabelledTask { task, truth }: &LabelledTask) -> Vec<u8> {
    let test = task.test.iter().zip(truth).map(|(input, output)| {
        let mut pair = Map::from_iter([("input".to_owned(), json!(input))]);
        pair.extend(output.iter().map(|output| ("output".to_owned(), json!(output))));
        Value::Object(pair)
    });
    let value = json!({ "train": task.train, "test": test.collect::<Vec<_>>() });
    value.to_string().into_bytes()
}

/// Names and contents by turns.
fn files(text: &[u8]) -> Vec<(&str, &[u8])> {
    let parts: Vec<&[u8]> = text.split(|&byte| byte == 0).take(2 * MAX_FILES).collect();
    let (pairs, _) = parts.as_chunks::<2>();
    pairs.iter().filter_map(|[name, bytes]| Some((std::str::from_utf8(name).ok()?, *bytes))).collect()
}

/// Writes each file below a folder, those whose names lead elsewhere left out.
fn unpack(root: &Path, files: &[(&str, &[u8])]) -> Option<Vec<PathBuf>> {
    let stays = |name: &str| name.split('/').all(|part| !matches!(part, "" | "." | ".."));
    let below = files.iter().filter(|(name, _)| stays(name));
    let paths = below.map(|(name, bytes)| {
        let path = root.join(name);
        write(&path, bytes).map(|()| path)
    });
    paths.collect::<Option<Vec<_>>>().filter(|paths| !paths.is_empty())
}

fn pack(files: &[(&str, &[u8])]) -> Option<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(*name, SimpleFileOptions::default()).ok()?;
        zip.write_all(bytes).ok()?;
    }
    Some(zip.finish().ok()?.into_inner())
}

/// None where the name is no file's: too long, or a folder's already.
fn write(path: &Path, bytes: &[u8]) -> Option<()> {
    fs::create_dir_all(path.parent()?).ok()?;
    fs::write(path, bytes).ok()
}
