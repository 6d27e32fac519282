use std::fs;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use crate::failure::Failure;

/// Prints a report as JSON on stdout.
pub fn print_json(report: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(report).map_err(Failure::new)?;
    writeln!(io::stdout().lock(), "{text}").map_err(|error| Failure::new(format!("stdout: {error}")))
}

/// Writes a report as JSON: all of it or, where that fails, nothing; `-` is stdout.
pub fn write_json(path: &Path, report: &impl Serialize) -> Result<(), Failure> {
    if path == Path::new("-") {
        return print_json(report);
    }
    let text = serde_json::to_string_pretty(report).map_err(Failure::new)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let fail = |error: io::Error| Failure::file(path, &error);
    let mut draft = tempfile::NamedTempFile::new_in(folder).map_err(fail)?;
    writeln!(draft, "{text}").map_err(fail)?;
    share(draft.as_file()).map_err(fail)?;
    draft.persist(path).map_err(|error| fail(error.error))?;
    Ok(())
}

/// A draft is made for its owner alone; a report, or a packed plugin, is an ordinary file.
#[cfg(unix)]
pub fn share(file: &fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
pub fn share(_: &fs::File) -> io::Result<()> {
    Ok(())
}

/// Refuses an output file that could not be written, before hours of work and not after.
pub fn check_writable(path: &Path) -> Result<(), Failure> {
    if path == Path::new("-") {
        return Ok(());
    }
    if path.is_dir() {
        return Err(Failure::misuse(format!("{}: this is a folder", path.display())).hint("name a file"));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        let there = format!("{}: there is no folder {}", path.display(), folder.display());
        return Err(Failure::misuse(there).hint("make the folder first, or name another file"));
    }
    tempfile::NamedTempFile::new_in(folder).map(|_| ()).map_err(|error| Failure::file(path, &error))
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
