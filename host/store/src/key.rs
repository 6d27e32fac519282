//! The key of an encrypted database: where it comes from, and how a connection gets it.
//!
//! A key is 64 hexadecimal digits (32 random bytes, used as they are) or a passphrase, from which `SQLCipher` derives
//! one for every connection that is opened, which takes a tenth of a second or so. It comes from the environment or from
//! a file, never from a command line, which other users of the machine can read. What this program holds of it is
//! overwritten when it is dropped; copies that libraries made meanwhile are not.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Once};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::StoreError;

/// Bytes of a key file that are read; a key is far shorter.
const LONGEST: u64 = 4_096;
/// Digits of a key that is used as it is.
const DIGITS: usize = 64;
/// A passphrase below this is guessed in an afternoon.
const SHORTEST: usize = 12;
/// What a plain `SQLite` file begins with.
const MAGIC: &[u8] = b"SQLite format 3\0";
/// The first page of an encrypted file.
const PAGE: usize = 4_096;

/// A key to a database. Nothing prints it.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(Arc<Secret>);

#[derive(PartialEq, Eq)]
struct Secret(String);

impl Drop for Secret {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

/// Overwrites a text before its memory is given back.
fn wipe(text: &mut String) {
    let mut bytes = std::mem::take(text).into_bytes();
    bytes.fill(0);
    std::hint::black_box(&bytes);
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Key(…)")
    }
}

impl Key {
    /// The environment variable that a key is taken from where no other is given.
    pub const VARIABLE: &str = "STRATAGEM_DB_KEY";

    /// A key as text: 64 hexadecimal digits or a passphrase; the white space around it does not count.
    ///
    /// *Errors*: [`StoreError::BadKey`], the operator's; `place` says where the text is from.
    pub fn parse(text: &str, place: &str) -> Result<Self, StoreError> {
        let bad = |what: String| Err(StoreError::BadKey { place: place.to_owned(), what });
        let text = text.trim();
        let length = text.chars().count();
        let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if text.is_empty() {
            return bad("is empty".to_owned());
        }
        if text.chars().any(char::is_control) {
            return bad("has control characters or more than one line".to_owned());
        }
        if is_hex && length != DIGITS && length >= DIGITS / 2 {
            return bad(format!("has {length} hexadecimal digits: {DIGITS} expected"));
        }
        if length < SHORTEST {
            return bad(format!("is {length} characters long: at least {SHORTEST}"));
        }
        Ok(Self(Arc::new(Secret(text.to_owned()))))
    }

    /// The key in the environment; none where the variable is not set.
    pub fn from_environment() -> Result<Option<Self>, StoreError> {
        Self::from_variable(Self::VARIABLE)
    }

    pub fn from_variable(name: &str) -> Result<Option<Self>, StoreError> {
        let Some(value) = std::env::var_os(name) else { return Ok(None) };
        let place = format!("environment variable {name}");
        let Some(text) = value.to_str() else {
            return Err(StoreError::BadKey { place, what: "is not UTF-8".to_owned() });
        };
        Self::parse(text, &place).map(Some)
    }

    /// The key in a file that its owner alone can read.
    ///
    /// *Errors*: [`StoreError::KeyFile`] where it cannot be read, [`StoreError::OpenKeyFile`] where others can.
    pub fn from_file(path: &Path) -> Result<Self, StoreError> {
        let unread = |source| StoreError::KeyFile { path: path.to_owned(), source };
        let found = fs::metadata(path).map_err(unread)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = found.permissions().mode() & 0o777;
            if mode & 0o077 != 0 {
                return Err(StoreError::OpenKeyFile { path: path.to_owned(), mode });
            }
        }
        let place = format!("key file {}", path.display());
        if found.len() > LONGEST {
            let what = format!("has {} bytes: limit {LONGEST}", found.len());
            return Err(StoreError::BadKey { place, what });
        }
        let mut text = fs::read_to_string(path).map_err(unread)?;
        let key = Self::parse(&text, &place);
        wipe(&mut text);
        key
    }

    /// Gives a connection the key, before anything is read. Whether it fits shows at the first read.
    pub(crate) fn unlock(&self, connection: &Connection) -> rusqlite::Result<()> {
        static READY: Once = Once::new();
        READY.call_once(wait_until_ready);
        // Failures come back as errors; its own log to stderr would say them twice, and to the wrong people.
        connection.query_row("PRAGMA cipher_log_level = NONE", [], |_| Ok(())).or_else(nothing)?;
        let mut sql = format!("PRAGMA key = {}", self.quoted());
        let done = connection.query_row(&sql, [], |_| Ok(())).or_else(nothing);
        wipe(&mut sql);
        done
    }

    /// The key as a literal of SQL.
    pub(crate) fn quoted(&self) -> String {
        let text = &self.0.0;
        if text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return format!("\"x'{text}'\"");
        }
        format!("'{}'", text.replace('\'', "''"))
    }
}

/// `SQLite` lets a second thread begin while the first still starts `SQLCipher`: its key would be refused.
fn wait_until_ready() {
    let is_ready = || {
        let connection = Connection::open_in_memory()?;
        connection.query_row("PRAGMA key = 'ready'", [], |_| Ok(())).or_else(nothing)
    };
    for _ in 0..100 {
        if is_ready().is_ok() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Not every pragma has a row to return.
fn nothing(error: rusqlite::Error) -> rusqlite::Result<()> {
    if error == rusqlite::Error::QueryReturnedNoRows { Ok(()) } else { Err(error) }
}

/// True where this program can read and write encrypted databases.
pub const fn can_encrypt() -> bool {
    cfg!(feature = "sqlcipher")
}

/// Says why `SQLite` took a file for no database: what it is as seen from outside, and whether there was a key.
pub(crate) fn not_readable(path: &Path, key: Option<&Key>) -> StoreError {
    let path: PathBuf = path.to_owned();
    match key {
        Some(_) if is_plain(&path) => StoreError::NotEncrypted { path },
        Some(_) if looks_encrypted(&path) => StoreError::WrongKey { path },
        None if looks_encrypted(&path) => StoreError::Encrypted { path },
        _ => StoreError::NotADatabase { path },
    }
}

/// True where `SQLite` reads the file without a key. It is asked through `SQLite`, since a file that this process
/// closes itself loses the locks that other connections of the process hold on it.
pub(crate) fn is_plain(path: &Path) -> bool {
    let read = || -> rusqlite::Result<i64> {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
    };
    read().is_ok()
}

/// Guesses from the first page: whole pages, and bytes as even as chance has them.
fn looks_encrypted(path: &Path) -> bool {
    let Ok(bytes) = read_page(path) else { return false };
    if bytes.len() < PAGE || bytes.starts_with(MAGIC) {
        return false;
    }
    let mut seen = [false; 256];
    bytes.iter().for_each(|byte| seen[usize::from(*byte)] = true);
    seen.iter().filter(|seen| **seen).count() > 240
}

fn read_page(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read;
    let mut bytes = Vec::with_capacity(PAGE);
    fs::File::open(path)?.take(PAGE as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_digits_or_a_passphrase_and_is_never_shown() {
        let hex = "0123456789abcdef".repeat(4);
        assert_eq!(Key::parse(&hex, "here").unwrap().quoted(), format!("\"x'{hex}'\""));
        let key = Key::parse(" it's a long passphrase\n", "here").unwrap();
        assert_eq!(key.quoted(), "'it''s a long passphrase'");
        assert_eq!(format!("{key:?}"), "Key(…)");
        for (text, says) in [
            ("", "is empty"),
            (" \n", "is empty"),
            ("short", "is 5 characters long: at least 12"),
            (&hex[1..], "has 63 hexadecimal digits: 64 expected"),
            ("one line\nand another", "more than one line"),
        ] {
            let error = Key::parse(text, "key file k").unwrap_err();
            assert!(
                error.to_string().starts_with("key file k ") && error.to_string().contains(says),
                "{error}"
            );
            assert!(error.hint().is_some());
        }
    }

    #[test]
    fn a_key_file_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db.key");
        assert!(matches!(Key::from_file(&path), Err(StoreError::KeyFile { .. })));
        let hex = "ab".repeat(32);
        fs::write(&path, format!("{hex}\n")).unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
        let error = Key::from_file(&path).unwrap_err();
        assert!(error.to_string().ends_with("can be read by others: mode 640"), "{error}");
        assert!(error.hint().unwrap().contains("chmod 600"));
        fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        assert_eq!(Key::from_file(&path).unwrap(), Key::parse(&hex, "here").unwrap());
        fs::write(&path, "x".repeat(5_000)).unwrap();
        assert!(matches!(Key::from_file(&path), Err(StoreError::BadKey { .. })));
    }
}
