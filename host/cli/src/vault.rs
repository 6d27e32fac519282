//! `db health`, `check`, `repair`, `backup`, `verify`, `restore` and `rekey`: keeping a database whole, and its own.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use stratagem_domain::grouped;
use stratagem_store::{
    CacheVitals, Checked, HotStats, Key, Mended, Method, Repair, Repaired, Salvaged, Store, Verdict,
    Verified, Vitals, check, rekey, restore, salvage, verify_backup,
};

use crate::failure::Failure;
use crate::output::{mib, outln, print_json, table, utc};
use crate::paint;
use crate::workbench::Workbench;

/// Where `rekey` takes the new key from when no file is named.
const NEW_KEY: &str = "STRATAGEM_DB_NEW_KEY";

#[derive(Debug, Subcommand)]
pub enum Vault {
    /// Say how the database is: sizes, latencies, ages; status 0 healthy, 1 degraded, 2 failing
    Health {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Look for damage: pages, keys, indexes, JSON, digests, the audit log; status 1 where there is any
    Check {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Rebuild indexes, cached copies and links from what survived; or take out what can still be read
    Repair {
        /// Only this part; may be given again [default: all]
        #[arg(long, value_enum, value_name = "PART", conflicts_with = "salvage")]
        only: Vec<Part>,
        /// Take out rows that point at nothing and cannot be mended
        #[arg(long, conflicts_with = "salvage")]
        prune: bool,
        /// Leave the database as it is, and write what can be read of it into a new file
        #[arg(long, value_name = "FILE")]
        salvage: Option<PathBuf>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Copy the database while it is in use, verify the copy, and write it down
    Backup {
        /// The new file [default: backups/NAME-TIME.db in the data folder]
        file: Option<PathBuf>,
        /// Page by page as it is, or row by row without what is free
        #[arg(long, value_enum, default_value_t = How::Online)]
        method: How,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Open a backup, check every page and count every row; the file is not changed
    Verify {
        file: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Put a backup in the database's place; what was there is kept beside it
    Restore {
        file: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Write the database anew under another key: from `STRATAGEM_DB_NEW_KEY`, or from a file
    Rekey {
        /// The file of the new key, which its owner alone may read
        #[arg(long, value_name = "FILE")]
        key_file: Option<PathBuf>,
        /// Without a key: everybody who can read the file can read it all
        #[arg(long, conflicts_with = "key_file")]
        plain: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    Indexes,
    Caches,
    Links,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum How {
    Online,
    VacuumInto,
}

pub fn run(bench: &Workbench, command: &Vault) -> Result<(), Failure> {
    let database = bench.places.database.as_path();
    match command {
        Vault::Health { json } => health(bench, *json),
        Vault::Check { json } => look(bench, *json),
        Vault::Repair { salvage: Some(to), json, .. } => rescue(bench, to, *json),
        Vault::Repair { only, prune, json, .. } => mend(bench, only, *prune, *json),
        Vault::Backup { file, method, json } => back_up(bench, file.as_deref(), *method, *json),
        Vault::Verify { file, json } => {
            let _working = spinner("verifying");
            let verified = verify_backup(file, &bench.options()?)?;
            if *json {
                return print_json(&verified);
            }
            tell(&verified, "sound");
            Ok(())
        }
        Vault::Restore { file, json } => {
            let bar = pages("restoring");
            let restored = restore(file, database, &bench.options()?, &|done, all| advance(&bar, done, all))?;
            bar.finish_and_clear();
            if *json {
                return print_json(&restored);
            }
            tell(&restored.backup, "restored");
            if let Some(aside) = &restored.aside {
                outln!("what was there before is {}", aside.display());
            }
            Ok(())
        }
        Vault::Rekey { key_file, plain, json } => {
            let new = if *plain { None } else { Some(new_key(key_file.as_deref())?) };
            let working = spinner("writing anew");
            let done = rekey(database, &bench.options()?, new.as_ref())?;
            working.finish_and_clear();
            if *json {
                return print_json(&done);
            }
            let now = if done.is_encrypted { "encrypted with the new key" } else { "not encrypted" };
            outln!("{} is {now}: {} rows, {}", database.display(), grouped(done.rows), mib(done.bytes));
            outln!("backups that were made before are as they were");
            Ok(())
        }
    }
}

/// Never from the command line, which every user of the machine can read.
fn new_key(file: Option<&Path>) -> Result<Key, Failure> {
    match file {
        Some(file) => Ok(Key::from_file(file)?),
        None => Key::from_variable(NEW_KEY)?.ok_or_else(|| {
            Failure::misuse("no new key is given").hint(format!(
                "put it into {NEW_KEY}, name its file with --key-file, or take encryption away with --plain"
            ))
        }),
    }
}

fn health(bench: &Workbench, json: bool) -> Result<(), Failure> {
    let store = bench.existing_store()?;
    let vitals = store.vitals(caches(&store))?;
    if json {
        print_json(&vitals)?;
    } else {
        tell_vitals(&vitals);
    }
    let status = match vitals.verdict {
        Verdict::Healthy => return Ok(()),
        Verdict::Degraded => 1,
        Verdict::Failing => 2,
    };
    let names: Vec<&str> = vitals.reasons.iter().map(|reason| reason.name).collect();
    let verdict = if status == 2 { "failing" } else { "degraded" };
    let mut failure = Failure::new(format!("the database is {verdict}: {}", names.join(", ")))
        .hint("each reason says what to do; docs/backup.md has every mark");
    failure.status = status;
    Err(failure)
}

/// The caches of this process, which has just begun, and the copies beside the database, which outlive it.
fn caches(store: &Store) -> Vec<CacheVitals> {
    let stats = store.cache_stats();
    let hot = |(name, hot): (&str, HotStats)| CacheVitals {
        name: name.to_owned(),
        entries: hot.entries,
        bytes: hot.bytes,
        hits: hot.hits,
        misses: hot.misses,
        off: None,
    };
    let copies = CacheVitals {
        name: "copies".to_owned(),
        entries: stats.copies.entries.values().sum(),
        bytes: stats.copies.file_bytes,
        hits: stats.copies.hits,
        misses: stats.copies.misses,
        off: stats.copies.state.why_off(),
    };
    let named = [("runs", stats.runs), ("tasks", stats.tasks), ("queries", stats.queries)];
    named.into_iter().map(hot).chain([copies]).collect()
}

fn tell_vitals(vitals: &Vitals) {
    let field = |name: &str, value: String| outln!("{name:<14} {value}");
    let time = |at: Option<u64>| at.map_or_else(|| "never".to_owned(), |at| format!("{} UTC", utc(at)));
    let verdict = match vitals.verdict {
        Verdict::Healthy => paint::good("healthy"),
        Verdict::Degraded => paint::bad("degraded"),
        Verdict::Failing => paint::bad("failing"),
    };
    field("verdict", verdict);
    for reason in &vitals.reasons {
        let number = |value: f64| match value {
            value if value >= f64::MAX => "never".to_owned(),
            value if value.fract() == 0.0 => grouped(value as u64),
            value => format!("{value:.2}"),
        };
        let (measured, mark) = (number(reason.measured), number(reason.mark));
        field("", format!("{}: {measured} {} (mark {mark})", reason.name, reason.unit));
        field("", format!("hint: {}", reason.remedy));
    }
    let how = if vitals.encrypted { ", encrypted" } else { "" };
    field("database", format!("{} (schema {}{how})", vitals.path.display(), vitals.schema));
    let free = grouped(vitals.free_pages);
    let size = format!("{}, {} pages, {free} free", mib(vitals.file_bytes), grouped(vitals.pages));
    field("file", format!("{size}; log {}", mib(vitals.wal_bytes)));
    if let (Some(free), Some(all)) = (vitals.disk_free_bytes, vitals.disk_bytes) {
        field("disk", format!("{} free of {}", mib(free), mib(all)));
    }
    field(
        "a write",
        match (vitals.write_us_median, vitals.write_us_highest) {
            (Some(median), Some(highest)) => {
                format!("{} µs, at most {} µs", grouped(median), grouped(highest))
            }
            _ => vitals.write_error.clone().unwrap_or_default(),
        },
    );
    let writer = &vitals.writer;
    field(
        "writer",
        format!(
            "{} of {} waiting, {} writes in {} commits",
            writer.waiting, writer.capacity, writer.jobs, writer.groups
        ),
    );
    field("last change", time(vitals.last_change_at));
    field("last backup", time(vitals.last_backup_at));
    let counts = |of: &std::collections::BTreeMap<String, u64>| {
        let parts: Vec<String> =
            of.iter().map(|(name, count)| format!("{} {name}", grouped(*count))).collect();
        if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
    };
    field(
        "queue",
        format!("{}; lapsed leases {}", counts(&vitals.queue.by_status), vitals.queue.lapsed_leases),
    );
    field("alerts open", counts(&vitals.alerts_open));
    for cache in &vitals.caches {
        let asked = cache.hits + cache.misses;
        let rate = if asked == 0 { 0.0 } else { 100.0 * cache.hits as f64 / asked as f64 };
        let off = cache.off.as_ref().map(|why| format!("; not in use: {why}")).unwrap_or_default();
        let found = format!(
            "{} entries, {}, {rate:.1} % of {} found",
            grouped(cache.entries),
            mib(cache.bytes),
            grouped(asked)
        );
        field("cache", format!("{}: {found}{off}", cache.name));
    }
}

fn look(bench: &Workbench, json: bool) -> Result<(), Failure> {
    let working = spinner("checking");
    let Checked { checks, findings } = check(&bench.places.database, &bench.options()?, &|name| {
        working.set_message(format!("checking: {name}"));
    })?;
    working.finish_and_clear();
    if json {
        print_json(&Checked { checks: checks.clone(), findings: findings.clone() })?;
    } else {
        for finding in &findings {
            let place =
                if finding.table.is_empty() { String::new() } else { format!(" of {}", finding.table) };
            outln!("{}{place}: {} ({})", paint::bad(finding.name), finding.what, grouped(finding.count));
            outln!("  hint: {}", finding.remedy);
        }
        outln!("{} checks: {}", checks.len(), checks.join(", "));
    }
    match findings.len() {
        0 => Ok(()),
        found => Err(Failure::new(format!("{found} of {} checks found something", checks.len().max(found)))
            .hint("each finding says what to do about it")),
    }
}

fn mend(bench: &Workbench, only: &[Part], prune: bool, json: bool) -> Result<(), Failure> {
    let wants = |part| only.is_empty() || only.contains(&part);
    let what = Repair {
        indexes: wants(Part::Indexes),
        caches: wants(Part::Caches),
        links: wants(Part::Links),
        prune,
    };
    let working = spinner("repairing");
    let done = bench.existing_store()?.repair(what)?;
    working.finish_and_clear();
    if json {
        return print_json(&done);
    }
    let Repaired { indexes, caches, links, pruned, dangling } = done;
    outln!("rebuilt: {}", if indexes.is_empty() { "nothing".to_owned() } else { indexes.join(", ") });
    caches.iter().for_each(|file| outln!("dropped {}", file.display()));
    tell_mended("mended", &links);
    tell_mended("pruned", &pruned);
    if dangling > 0 {
        outln!("{} rows point at nothing still", grouped(dangling));
        outln!("  hint: restore a backup, or take them out with `stratagem db repair --prune`");
    }
    Ok(())
}

fn tell_mended(how: &str, mended: &[Mended]) {
    for one in mended {
        outln!("{how} {}: {} rows, {}", one.table, grouped(one.rows), one.what);
    }
}

fn rescue(bench: &Workbench, to: &Path, json: bool) -> Result<(), Failure> {
    let working = spinner("reading");
    let salvaged = salvage(&bench.places.database, to, &bench.options()?, &|table| {
        working.set_message(format!("reading: {table}"));
    })?;
    working.finish_and_clear();
    if json {
        return print_json(&salvaged);
    }
    let Salvaged { file, tables, links, pruned, .. } = &salvaged;
    let hurt: Vec<Vec<String>> = tables
        .iter()
        .filter(|(_, table)| table.fault.is_some() || table.refused > 0)
        .map(|(name, table)| {
            let lost = table.lost.map_or_else(|| "unknown".to_owned(), grouped);
            vec![name.clone(), grouped(table.rows), lost, grouped(table.refused)]
        })
        .collect();
    if !hurt.is_empty() {
        crate::output::out!("{}", table(&["damaged table", "rows read", "lost", "refused"], &hurt));
    }
    tell_mended("mended", links);
    tell_mended("pruned", pruned);
    tell(file, "salvaged");
    let whole = if salvaged.is_whole() { "everything was read" } else { "the rest is lost" };
    outln!("{whole}; put it in place with `stratagem db restore {}`", to.display());
    Ok(())
}

fn back_up(bench: &Workbench, file: Option<&Path>, how: How, json: bool) -> Result<(), Failure> {
    let store = bench.existing_store()?;
    let file = match file {
        Some(file) => file.to_owned(),
        None => usual_place(bench)?,
    };
    let method = match how {
        How::Online => Method::Online,
        How::VacuumInto => Method::VacuumInto,
    };
    let bar = pages("copying");
    let made = store.backup(&file, method, &|done, all| advance(&bar, done, all))?;
    bar.finish_and_clear();
    if json {
        return print_json(&made);
    }
    tell(&made, "copied and verified");
    Ok(())
}

/// `backups/NAME-TIME.db` in the data folder, which is made.
fn usual_place(bench: &Workbench) -> Result<PathBuf, Failure> {
    let folder = bench.places.data.join("backups");
    std::fs::create_dir_all(&folder).map_err(|error| Failure::file(&folder, &error))?;
    let name = bench.places.database.file_stem().unwrap_or_default().to_string_lossy();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let time = utc(now.as_millis() as u64).replace([':', '-'], "").replace(' ', "T");
    Ok(folder.join(format!("{name}-{time}.db")))
}

fn tell(verified: &Verified, how: &str) {
    let rows: u64 = verified.rows.values().sum();
    outln!("{} {how}", verified.path.display());
    let encrypted = if verified.encrypted { ", encrypted" } else { "" };
    outln!(
        "  {} rows in {} tables, {}, schema {}{encrypted}",
        grouped(rows),
        verified.rows.len(),
        mib(verified.bytes),
        verified.schema
    );
    outln!("  blake3 {}", verified.digest);
    if verified.dangling > 0 {
        outln!("  {} rows point at nothing, as in the database it was made of", grouped(verified.dangling));
        outln!("  hint: `stratagem db check` names them");
    }
}

/// A bar of pages; nothing where stderr is no terminal.
fn pages(what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {wide_bar} {percent} %");
    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())).with_message(what)
}

fn advance(bar: &ProgressBar, done: u64, all: u64) {
    bar.set_length(all);
    bar.set_position(done);
}

fn spinner(what: &'static str) -> ProgressBar {
    let working = ProgressBar::new_spinner().with_message(what);
    working.enable_steady_tick(Duration::from_millis(100));
    working
}
