use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use stratagem_domain::{Digest, LedgerError, Split, quote};

use crate::actor::Role;
use crate::migrate::APPLICATION_ID;
use crate::open::BUSY_TIMEOUT;

/// Characters of a name that a message shows.
const SHOWN: usize = 80;
/// Faults that a message shows.
const FAULTS: usize = 3;

/// Why the store could not do what was asked: the operator's or the host's fault, never a plugin's.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("folder {} for the database cannot be made", folder.display())]
    Folder { folder: PathBuf, source: io::Error },
    #[error("there is no database at {}", path.display())]
    NoDatabase { path: PathBuf },
    #[error("file {} is not a SQLite database", path.display())]
    NotADatabase { path: PathBuf },
    #[error("file {} cannot be read with this key, or it is no database", path.display())]
    WrongKey { path: PathBuf },
    #[error("database {} is not encrypted, and a key is given", path.display())]
    NotEncrypted { path: PathBuf },
    #[error("database {} seems to be encrypted, and no key is given", path.display())]
    Encrypted { path: PathBuf },
    #[error("a key for database {} is given, and this program was built without encryption", path.display())]
    NoEncryption { path: PathBuf },
    #[error("{place} {what}")]
    BadKey { place: String, what: String },
    #[error("key file {} cannot be read", path.display())]
    KeyFile { path: PathBuf, source: io::Error },
    #[error("key file {} can be read by others: mode {mode:o}", path.display())]
    OpenKeyFile { path: PathBuf, mode: u32 },
    /// A file beside the database: a backup, a draft, what was moved aside.
    #[error("{what} {} failed", path.display())]
    File { what: &'static str, path: PathBuf, source: io::Error },
    #[error("backup {} is not sound: {what}", path.display())]
    BadBackup { path: PathBuf, what: String },
    #[error("database {} is open in another program", path.display())]
    InUse { path: PathBuf },
    #[error(
        "database {} belongs to another program: application id {found:#010x}, expected {APPLICATION_ID:#010x}",
        path.display()
    )]
    Foreign { path: PathBuf, found: i32 },
    #[error("database {} is of schema version {found}, this program knows {known}", path.display())]
    NewerSchema { path: PathBuf, found: u32, known: u32 },
    #[error("database {} is of schema version {found}, this program needs {known}", path.display())]
    OlderSchema { path: PathBuf, found: u32, known: u32 },
    #[error("migration {name} differs from the copy applied to {}", path.display())]
    MigrationDrift { path: PathBuf, name: String },
    #[error("database {} cannot be opened", path.display())]
    CannotOpen { path: PathBuf, source: rusqlite::Error },
    #[error("database {} cannot be written: the file or its folder is read-only", path.display())]
    ReadOnly { path: PathBuf },
    #[error("no space is left for database {}", path.display())]
    Full { path: PathBuf },
    #[error("database {} is locked by another program: waited {} s", path.display(), BUSY_TIMEOUT.as_secs())]
    Busy { path: PathBuf },
    #[error("database {} is damaged", path.display())]
    Damaged { path: PathBuf, source: rusqlite::Error },
    #[error("database {} cannot be read or written on its disk", path.display())]
    Disk { path: PathBuf, source: rusqlite::Error },
    #[error("database {} refused a statement", path.display())]
    Sql { path: PathBuf, source: rusqlite::Error },
    /// `SQLite` read the row well, but what it says is not what this program writes.
    #[error("database {} holds what cannot be read: {what}", path.display())]
    Unreadable { path: PathBuf, what: String },
    #[error("dataset {} has task {code} twice in split {}", quote(dataset, SHOWN), split.as_str())]
    DuplicateTask { dataset: String, split: Split, code: String },
    #[error(
        "version {} of dataset {} fits {found} versions: one is allowed",
        quote(version, SHOWN),
        quote(dataset, SHOWN)
    )]
    AmbiguousDataset { dataset: String, version: String, found: usize },
    #[error("component of plugin {} has digest {found}, announced is {announced}", quote(plugin, SHOWN))]
    WrongComponent { plugin: String, found: Digest, announced: Digest },
    #[error("plugin {} version {} with digest {} is not in database {}",
        quote(plugin, SHOWN), quote(version, SHOWN), digest.short(), path.display())]
    UnknownPlugin { path: PathBuf, plugin: String, version: String, digest: Digest },
    #[error("task {code} with digest {} is in no dataset of database {}", digest.short(), path.display())]
    UnknownTask { path: PathBuf, code: String, digest: Digest },
    #[error("run is of task {} with digest {}, recorded with task {code} with digest {}",
        quote(run_code, SHOWN), run_task.short(), digest.short())]
    OtherTask { run_code: String, run_task: Digest, code: String, digest: Digest },
    #[error("no active user {} in database {}", quote(user, SHOWN), path.display())]
    UnknownUser { path: PathBuf, user: String },
    #[error("user {} is {role}: {what} needs {needed}", quote(user, SHOWN))]
    Forbidden { user: String, role: Role, needed: Role, what: &'static str },
    #[error("job {} is no longer this worker's: it was cancelled, or its lease lapsed", quote(id, SHOWN))]
    StaleLease { id: String },
    #[error("no job, or more than one, has id {} in database {}", quote(id, SHOWN), path.display())]
    UnknownJob { path: PathBuf, id: String },
    #[error("database {} has no row that a new one points at: nothing was stored", path.display())]
    Dangling { path: PathBuf, source: rusqlite::Error },
    #[error("{what}")]
    Invalid { what: String, hint: Option<String> },
    #[error("database {} is not sound {when}: {}", path.display(), shown(faults))]
    Sick { path: PathBuf, when: &'static str, faults: Vec<String> },
    #[error("run id {} is {} characters long: at least {least}", quote(id, SHOWN), id.chars().count())]
    ShortRunId { id: String, least: usize },
    #[error("run {} is not in database {}", quote(id, SHOWN), path.display())]
    UnknownRun { path: PathBuf, id: String },
    #[error("run id {} fits {found} runs of database {}: one is allowed", quote(id, SHOWN), path.display())]
    AmbiguousRun { path: PathBuf, id: String, found: usize },
}

impl StoreError {
    /// What the operator can do about it; none where there is nothing to advise.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Folder { .. } => "choose a path whose folder you may write",
            Self::NoDatabase { .. } => "check the path, or import a dataset first: that makes the database",
            Self::NotADatabase { .. } | Self::Foreign { .. } => {
                "choose another path; the file was left as it was"
            }
            Self::WrongKey { .. } => {
                "give the key that it was written with, in STRATAGEM_DB_KEY or a key file; the file was left as it was"
            }
            Self::NotEncrypted { .. } => {
                "encrypt it with `stratagem db rekey`, or give no key; the file was left as it was"
            }
            Self::Encrypted { .. } => {
                "give its key in STRATAGEM_DB_KEY, or name its file as `key_file` under [encryption]"
            }
            Self::NoEncryption { .. } => {
                "build it with `--features sqlcipher`, or take the key away; the file was left as it was"
            }
            Self::BadKey { .. } => "32 random bytes as 64 digits are best: `openssl rand -hex 32`",
            Self::KeyFile { .. } => "check the path and that you may read the file",
            Self::OpenKeyFile { .. } => "let its owner alone read it: `chmod 600` the file",
            Self::File { .. } => "check that the folder exists, may be written and has space left",
            Self::BadBackup { .. } => "take another copy; nothing was changed",
            Self::InUse { .. } => "end the other programs that use it, then repeat the command",
            Self::NewerSchema { .. } => {
                "use a newer program, the one that wrote it; the file was left as it was"
            }
            Self::OlderSchema { .. } => "bring it up to date with `stratagem db migrate`",
            Self::MigrationDrift { .. } => {
                "use the program that made the database; applied migrations are frozen"
            }
            Self::CannotOpen { .. } => {
                "check that the path is a file, not a folder, and that it and its folder may be written"
            }
            Self::ReadOnly { .. } => "allow writing to the file and its folder, or choose another path",
            Self::Full { .. } => {
                "free space on the disk and repeat the command; what was stored before is safe"
            }
            Self::Busy { .. } => "wait for the other program to end, then repeat the command",
            Self::Damaged { .. } | Self::Unreadable { .. } => {
                "restore the database from a copy with `stratagem db restore`, or see what `stratagem db check` finds"
            }
            Self::Sick { .. } => {
                "mend it first: `stratagem db check` names what is wrong, `stratagem db repair` mends"
            }
            Self::Disk { .. } => "check the disk and its free space",
            Self::DuplicateTask { .. } => "remove one of the two, or give it another id",
            Self::AmbiguousDataset { .. } | Self::AmbiguousRun { .. } | Self::ShortRunId { .. } => {
                "give more characters"
            }
            Self::WrongComponent { .. } => "load the plugin again: its file changed",
            Self::UnknownTask { .. } => "import the dataset first",
            Self::UnknownUser { .. } => {
                "list the users with `stratagem user list`, or let an admin add this one"
            }
            Self::Forbidden { .. } => "ask an admin to do it, or to raise your role",
            Self::Dangling { .. } => "name only what is stored; it may have been removed meanwhile",
            Self::Invalid { hint, .. } => return hint.clone(),
            Self::UnknownRun { .. } => "list the runs to find its id",
            Self::StaleLease { .. } => "nothing changed; what became of it says `stratagem queue show`",
            Self::UnknownJob { .. } => "list the jobs to find its id, and give more characters of it",
            Self::UnknownPlugin { .. } | Self::OtherTask { .. } | Self::Sql { .. } => return None,
        };
        Some(hint.to_owned())
    }

    /// Gives the codes that an operator can act on a variant of their own.
    pub(crate) fn of_sql(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        if is_undecipherable(&source) {
            return Self::Damaged { path, source };
        }
        match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotADatabase { path },
            Some(ErrorCode::ReadOnly) => Self::ReadOnly { path },
            Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => Self::CannotOpen { path, source },
            Some(ErrorCode::DiskFull) => Self::Full { path },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { path },
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged { path, source },
            Some(ErrorCode::SystemIoFailure) => Self::Disk { path, source },
            Some(ErrorCode::ConstraintViolation) if is_dangling(&source) => Self::Dangling { path, source },
            _ => Self::Sql { path, source },
        }
    }
}

/// The first faults of a list, and how many more there are.
fn shown(faults: &[String]) -> String {
    let mut text = faults.iter().take(FAULTS).cloned().collect::<Vec<_>>().join("; ");
    if faults.len() > FAULTS {
        text += &format!("; and {} more", faults.len() - FAULTS);
    }
    text
}

/// A page of an encrypted file that is not what was written has no error code of its own: it is told as memory that
/// ran out, or as an error of a statement that says nothing of the statement.
pub(crate) fn is_undecipherable(error: &rusqlite::Error) -> bool {
    let rusqlite::Error::SqliteFailure(code, message) = error else { return false };
    let says_nothing = || message.as_deref().is_none_or(|text| text == "SQL logic error");
    cfg!(feature = "sqlcipher")
        && (code.extended_code == rusqlite::ffi::SQLITE_NOMEM
            || code.extended_code == rusqlite::ffi::SQLITE_ERROR && says_nothing())
}

impl From<StoreError> for LedgerError {
    /// Joins the message with its causes, since a [`LedgerError`] is the end of the chain.
    fn from(error: StoreError) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(source) = cause {
            message.push_str(": ");
            message.push_str(&source.to_string());
            cause = source.source();
        }
        Self { message, hint: error.hint() }
    }
}

fn is_dangling(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map(|error| error.extended_code);
    code == Some(rusqlite::ffi::SQLITE_CONSTRAINT_FOREIGNKEY)
}

/// The same error once more, for everybody whose work was in one transaction.
pub(crate) fn repeat(error: &rusqlite::Error) -> rusqlite::Error {
    let code = error.sqlite_error().copied();
    let code = code.unwrap_or_else(|| rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_ERROR));
    rusqlite::Error::SqliteFailure(code, Some(error.to_string()))
}

/// A failure inside a transaction, before the store adds which file it was.
pub(crate) enum Failure {
    Sql(rusqlite::Error),
    /// A row that says what this program never writes.
    Row(String),
    Told(StoreError),
}

impl Failure {
    pub(crate) fn in_file(self, path: &Path) -> StoreError {
        match self {
            Self::Sql(source) => StoreError::of_sql(path, source),
            Self::Row(what) => StoreError::Unreadable { path: path.to_owned(), what },
            Self::Told(error) => error,
        }
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Told(error)
    }
}
