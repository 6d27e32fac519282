use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::failure::Failure;

/// Prints to stdout; `out!` and `outln!` are how every command does.
///
/// A reader that has seen enough (`| head`) is no failure: the rest is not printed, and the command ends as it
/// would have. Any other failure is told, with status 1.
pub fn print(text: std::fmt::Arguments<'_>) {
    let mut stdout = io::stdout().lock();
    match stdout.write_fmt(text).and_then(|()| stdout.flush()) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        Err(error) => {
            eprintln!(
                "error: stdout: {error}\n  hint: what was kept is in the database: `stratagem runs list`"
            );
            std::process::exit(1);
        }
    }
}

macro_rules! out {
    ($($text:tt)*) => { $crate::output::print(format_args!($($text)*)) };
}

macro_rules! outln {
    ($($text:tt)*) => { $crate::output::print(format_args!("{}\n", format_args!($($text)*))) };
}

pub(crate) use {out, outln};

/// Prints a report as JSON on stdout.
pub fn print_json(report: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(report).map_err(Failure::new)?;
    outln!("{text}");
    Ok(())
}

/// Writes a report as JSON, as [`write_text`] does.
pub fn write_json(path: &Path, report: &impl Serialize) -> Result<(), Failure> {
    write_text(path, &(serde_json::to_string_pretty(report).map_err(Failure::new)? + "\n"))
}

/// Writes a text: all of it or, where that fails, nothing; `-` is stdout.
pub fn write_text(path: &Path, text: &str) -> Result<(), Failure> {
    if is_stdout(path) {
        out!("{text}");
        return Ok(());
    }
    let write = || match Target::of(path)? {
        Target::Stream => fs::OpenOptions::new().write(true).open(path)?.write_all(text.as_bytes()),
        Target::File(file) => replace(&file, text.as_bytes()),
    };
    write().map_err(|error| Failure::file(path, &error))
}

/// Puts a file in place all at once, as readable as the umask lets it be.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut draft = draft_in(folder_of(path))?;
    draft.write_all(bytes)?;
    draft.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// A file beside `path` that is put in its place with `persist`, and vanishes else.
pub fn draft(path: &Path) -> Result<tempfile::NamedTempFile, Failure> {
    draft_in(folder_of(path)).map_err(|error| Failure::file(path, &error))
}

/// What stands, or will stand, at the path of an output.
enum Target {
    /// A pipe or a device: written to as it is, never replaced.
    Stream,
    /// A regular file, behind all links to it.
    File(PathBuf),
}

impl Target {
    fn of(path: &Path) -> io::Result<Self> {
        match fs::metadata(path) {
            Ok(found) if found.is_file() => Ok(Self::File(path.canonicalize()?)),
            Ok(_) => Ok(Self::Stream),
            // A link to a file that is still to be made has no loop: that is another error.
            Err(error) if error.kind() == io::ErrorKind::NotFound => match fs::read_link(path) {
                Ok(link) => Self::of(&folder_of(path).join(link)),
                Err(_) => Ok(Self::File(path.to_owned())),
            },
            Err(error) => Err(error),
        }
    }
}

/// Whether a path is `-` or leads to where stdout goes: a file replaced there would lose what is printed.
#[cfg(unix)]
pub fn is_stdout(path: &Path) -> bool {
    use std::os::{fd::AsFd, unix::fs::MetadataExt};
    let stdout = || fs::File::from(io::stdout().as_fd().try_clone_to_owned()?).metadata();
    let is_same =
        |(one, other): (fs::Metadata, fs::Metadata)| one.dev() == other.dev() && one.ino() == other.ino();
    path == Path::new("-") || fs::metadata(path).and_then(|found| Ok((found, stdout()?))).is_ok_and(is_same)
}

#[cfg(not(unix))]
pub fn is_stdout(path: &Path) -> bool {
    path == Path::new("-")
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A file that vanishes unless it is put in place.
fn draft_in(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut draft = tempfile::Builder::new();
    // Without this a draft is its owner's alone; the umask still takes its part.
    #[cfg(unix)]
    draft.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    draft.tempfile_in(folder)
}

/// Refuses an output file that could not be written, before hours of work and not after.
pub fn check_writable(path: &Path) -> Result<(), Failure> {
    let fail = |error: io::Error| Failure::file(path, &error);
    if is_stdout(path) {
        return Ok(());
    }
    if path.is_dir() {
        return Err(Failure::misuse(format!("{}: this is a folder", path.display())).hint("name a file"));
    }
    let Target::File(file) = Target::of(path).map_err(fail)? else {
        return check_stream(path).map_err(fail);
    };
    let folder = folder_of(&file);
    if !folder.is_dir() {
        let there = format!("{}: there is no folder {}", path.display(), folder.display());
        return Err(Failure::misuse(there).hint("make the folder first, or name another file"));
    }
    draft_in(folder).map(|_| ()).map_err(fail)
}

/// A pipe is not opened to try it: that waits for its reader, who would then see it end.
fn check_stream(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    if std::os::unix::fs::FileTypeExt::is_fifo(&fs::metadata(path)?.file_type()) {
        return Ok(());
    }
    fs::OpenOptions::new().write(true).open(path).map(|_| ())
}

/// A table of columns as wide as their widest cell; the first is left-aligned, the others right.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([head[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let cells: Vec<String> = cells
            .zip(&widths)
            .enumerate()
            .map(
                |(column, (cell, &width))| {
                    if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
                },
            )
            .collect();
        cells.join("  ").trim_end().to_owned() + "\n"
    };
    let mut text = line(&mut head.iter().copied());
    for row in rows {
        text += &line(&mut row.iter().map(String::as_str));
    }
    text
}

/// Bytes in MiB.
pub fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

/// A time in UTC, to the second.
pub fn utc(ms: u64) -> String {
    let (days, second) = ((ms / 86_400_000) as i64, ms / 1000 % 86_400);
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
}

/// The date of a day since 1970, proleptic Gregorian.
///
/// *Source*: Howard Hinnant, "chrono-compatible low-level date algorithms", `civil_from_days`.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_dates_and_tables_read_well() {
        assert_eq!(utc(0), "1970-01-01 00:00:00");
        assert_eq!(utc(951_782_400_000), "2000-02-29 00:00:00");
        let text = table(&["name", "n"], &[vec!["a".into(), "10".into()], vec!["longer".into(), "2".into()]]);
        assert_eq!(text, "name     n\na       10\nlonger   2\n");
    }
}
