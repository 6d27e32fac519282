//! Looks at everything in a database that could be wrong, and says what to do about each thing.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use serde::Serialize;
use stratagem_domain::Digest;

use crate::backup::{integrity, is_damage, table_names};
use crate::error::Failure;
use crate::key::Key;
use crate::open::{connect, now};
use crate::{Store, StoreError, StoreOptions, datasets, journal, migrate};

/// Lines that an integrity check may give.
const LINES: usize = 1_000;
/// Examples that a finding names.
const EXAMPLES: usize = 3;
/// How far a clock may be ahead of this one: a day.
const AHEAD_MS: i64 = 86_400_000;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What kind of fault: `page`, `foreign_key`, `search_index`, `json`, ...
    pub name: &'static str,
    /// Where; empty where it is no one table.
    pub table: String,
    /// How many rows, pages or lines.
    pub count: u64,
    /// The first of them, in words.
    pub what: String,
    /// What to do about it.
    pub remedy: &'static str,
}

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// The names of the checks that were made, in order.
    pub checks: Vec<&'static str>,
    pub findings: Vec<Finding>,
}

const REPAIR: &str = "`stratagem db repair`";
const PRUNE: &str = "`stratagem db repair`; what that cannot mend goes with `--prune`";
const SALVAGE: &str = "`stratagem db restore` of a backup, or `stratagem db repair --salvage NEW-FILE`, which takes out what can be read";
const BACKUP: &str = "`stratagem db restore` of a backup: these bytes are not what was stored";
const WRITER: &str = "mend it by hand, or `stratagem db restore` a backup: no program of ours wrote this";
const TAMPERED: &str = "find out who changed the database past this program; a backup shows what was there";

type Check = (&'static str, fn(&mut Look<'_>) -> Result<(), Failure>);

/// Every check but that of the audit log, in order.
const CHECKS: [Check; 11] = [
    ("page", |look| look.pages()),
    ("foreign_key", |look| look.foreign_keys()),
    ("search_index", |look| look.search_indexes()),
    ("json", |look| look.json()),
    ("embedding", |look| look.embeddings()),
    ("artifact", |look| look.artifacts()),
    ("task", |look| look.tasks()),
    ("journal", |look| look.journals()),
    ("link", |look| look.links()),
    ("document", |look| look.documents()),
    ("clock", |look| look.clocks()),
];

/// Checks the database at `path` as it is, without migrating it, and changes nothing. `progress` is told the name of
/// each check before it is made.
///
/// *Errors*: where there is no database, or its key or its schema is not ours. Damage is a finding, not an error.
pub fn check(
    path: &Path,
    options: &StoreOptions,
    progress: &dyn Fn(&'static str),
) -> Result<Checked, StoreError> {
    if !path.exists() {
        return Err(StoreError::NoDatabase { path: path.to_owned() });
    }
    let key = options.key()?;
    let mut checked = Checked::default();
    let mut connection = None;
    for (name, check) in CHECKS {
        progress(name);
        checked.checks.push(name);
        // An encrypted file is read no more by a connection that met a page which it cannot decipher.
        let opened = connection.take().map_or_else(|| open(path, key.as_ref()), Ok);
        let looked = opened.and_then(|opened| {
            let mut look = Look { connection: &opened, findings: Vec::new() };
            check(&mut look)?;
            checked.findings.append(&mut look.findings);
            Ok(opened)
        });
        match looked {
            Ok(opened) => connection = Some(opened),
            Err(Failure::Sql(error)) if is_damage(&error) => checked.findings.push(damage(name, &error)),
            Err(failure) => return Err(failure.in_file(path)),
        }
    }
    progress("audit");
    checked.checks.push("audit");
    checked.findings.extend(audit(path, options)?);
    Ok(checked)
}

fn open(path: &Path, key: Option<&Key>) -> Result<Connection, Failure> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE, key)?;
    if migrate::applied(&connection, path)? == 0 {
        let what = format!("database {} is empty", path.display());
        let hint = Some("import a dataset: that makes the tables".to_owned());
        return Err(StoreError::Invalid { what, hint }.into());
    }
    Ok(connection)
}

fn damage(name: &'static str, error: &rusqlite::Error) -> Finding {
    let what = format!("the file cannot be read: {error}");
    Finding { name, table: String::new(), count: 1, what, remedy: SALVAGE }
}

/// The chain is walked through the store, whose own it is.
fn audit(path: &Path, options: &StoreOptions) -> Result<Option<Finding>, StoreError> {
    let told =
        |what| Finding { name: "audit", table: "audit_log".to_owned(), count: 1, what, remedy: TAMPERED };
    let options = StoreOptions { no_migration: true, ..options.clone() };
    match Store::open_existing_with(path, &options).and_then(|store| store.verify_audit(None)) {
        Ok(report) => Ok(report.broken.map(told)),
        // Of an older schema there is nothing to walk.
        Err(StoreError::OlderSchema { .. }) => Ok(None),
        Err(StoreError::Damaged { source, .. }) => Ok(Some(damage("audit", &source))),
        Err(StoreError::Unreadable { what, .. }) => Ok(Some(told(what))),
        Err(error) => Err(error),
    }
}

struct Look<'a> {
    connection: &'a Connection,
    findings: Vec<Finding>,
}

impl Look<'_> {
    fn tell(&mut self, name: &'static str, table: &str, found: &[String], remedy: &'static str) {
        if found.is_empty() {
            return;
        }
        let mut what = found[..found.len().min(EXAMPLES)].join("; ");
        if found.len() > EXAMPLES {
            what.push_str("; …");
        }
        let count = found.len() as u64;
        self.findings.push(Finding { name, table: table.to_owned(), count, what, remedy });
    }

    /// The texts that a query gives, one a row that is wrong.
    fn told_by(
        &mut self,
        name: &'static str,
        table: &str,
        sql: &str,
        remedy: &'static str,
    ) -> Result<(), Failure> {
        let mut select = self.connection.prepare(sql)?;
        let found = select.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()?;
        self.tell(name, table, &found, remedy);
        Ok(())
    }

    fn has(&self, table: &str, column: &str) -> Result<bool, Failure> {
        let mut select =
            self.connection.prepare_cached("SELECT 1 FROM pragma_table_info(?1) WHERE name = ?2")?;
        Ok(select.exists([table, column])?)
    }

    /// Pages, indexes, types and constraints, as the engine sees them.
    fn pages(&mut self) -> Result<(), Failure> {
        let lines = integrity(self.connection, LINES)?;
        let is_index =
            |line: &String| line.contains("missing from index") || line.contains("wrong # of entries");
        let is_rule = |line: &String| {
            line.contains("constraint failed") || line.starts_with("NULL value") || line.contains("value in ")
        };
        let (indexes, rest): (Vec<_>, Vec<_>) = lines.into_iter().partition(is_index);
        let (rules, pages): (Vec<_>, Vec<_>) = rest.into_iter().partition(is_rule);
        self.tell("page", "", &pages, SALVAGE);
        self.tell("index", "", &indexes, REPAIR);
        self.tell("constraint", "", &rules, WRITER);
        Ok(())
    }

    fn foreign_keys(&mut self) -> Result<(), Failure> {
        let mut check =
            self.connection.prepare("SELECT \"table\", rowid, parent FROM pragma_foreign_key_check")?;
        let mut rows = check.query([])?;
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let (table, id, parent): (String, Option<i64>, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let id = id.map_or_else(|| "without number".to_owned(), |id| id.to_string());
            let what = format!("row {id} points at a row of {parent} that is not there");
            found.entry(table).or_default().push(what);
        }
        drop(rows);
        for (table, found) in found {
            self.tell("foreign_key", &table, &found, PRUNE);
        }
        Ok(())
    }

    /// The engine's own check writes nothing and yet counts as a write: it is taken back.
    fn search_indexes(&mut self) -> Result<(), Failure> {
        for index in search_indexes(self.connection)? {
            self.connection.execute_batch("BEGIN IMMEDIATE")?;
            let done = self
                .connection
                .execute(&format!("INSERT INTO {index} ({index}, rank) VALUES ('integrity-check', 1)"), []);
            self.connection.execute_batch("ROLLBACK")?;
            if done.is_err() {
                let what = "the index does not say what its table says".to_owned();
                self.tell("search_index", &index, &[what], REPAIR);
            }
        }
        Ok(())
    }

    /// Every column that its table holds to JSON.
    fn json(&mut self) -> Result<(), Failure> {
        for table in table_names(self.connection)? {
            let sql: String = self.connection.query_row(
                "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?1",
                [&table],
                |row| row.get(0),
            )?;
            for column in json_columns(&sql) {
                let sql = format!(
                    "SELECT 'row ' || rowid || ' of {column}' FROM {table}
                     WHERE {column} IS NOT NULL AND NOT json_valid({column})"
                );
                self.told_by("json", &table, &sql, WRITER)?;
            }
        }
        Ok(())
    }

    fn embeddings(&mut self) -> Result<(), Failure> {
        if !self.has("embeddings", "vec")? {
            return Ok(());
        }
        let mut select = self.connection.prepare("SELECT seq, dim, vec FROM embeddings")?;
        let mut rows = select.query([])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let (seq, dim): (i64, i64) = (row.get(0)?, row.get(1)?);
            let bytes = row.get_ref(2)?.as_bytes_or_null().ok().flatten().unwrap_or_default();
            if bytes.len() as i64 != dim * 4 {
                found.push(format!("row {seq} has {} bytes: {} expected", bytes.len(), dim * 4));
            } else if bytes
                .chunks_exact(4)
                .any(|one| !f32::from_le_bytes([one[0], one[1], one[2], one[3]]).is_finite())
            {
                found.push(format!("row {seq} has a value that is no number"));
            }
        }
        drop(rows);
        self.tell("embedding", "embeddings", &found, BACKUP);
        Ok(())
    }

    fn artifacts(&mut self) -> Result<(), Failure> {
        let mut select =
            self.connection.prepare("SELECT digest, bytes, body FROM artifacts WHERE body IS NOT NULL")?;
        let mut rows = select.query([])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let (digest, bytes): (String, i64) = (row.get(0)?, row.get(1)?);
            let body = row.get_ref(2)?.as_bytes_or_null().ok().flatten().unwrap_or_default();
            if Digest::of(body).to_string() != digest {
                found.push(format!("the bytes of {} do not have its digest", cut(&digest)));
            } else if body.len() as i64 != bytes {
                found.push(format!("{} has {} bytes: {bytes} expected", cut(&digest), body.len()));
            }
        }
        drop(rows);
        self.tell("artifact", "artifacts", &found, BACKUP);
        Ok(())
    }

    fn tasks(&mut self) -> Result<(), Failure> {
        let mut select = self.connection.prepare("SELECT id, code FROM arc_tasks ORDER BY id")?;
        let tasks = select
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<Vec<(String, String)>>>()?;
        let mut found = Vec::new();
        for (id, code) in tasks {
            match datasets::load(self.connection, "t.id = ?1", [&id]) {
                Ok(_) => {}
                Err(Failure::Row(what)) => found.push(format!("{code}: {what}")),
                Err(failure) => return Err(failure),
            }
        }
        self.tell("task", "arc_tasks", &found, BACKUP);
        Ok(())
    }

    fn journals(&mut self) -> Result<(), Failure> {
        if !self.has("run_journals", "body")? {
            return Ok(());
        }
        let mut select = self.connection.prepare("SELECT run_id FROM run_journals")?;
        let runs = select.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()?;
        let mut found = Vec::new();
        for run in runs {
            match journal::load(self.connection, &run) {
                Ok(_) => {}
                Err(Failure::Row(what)) => found.push(what),
                Err(failure) => return Err(failure),
            }
        }
        self.tell("journal", "run_journals", &found, BACKUP);
        Ok(())
    }

    /// What belongs together without a foreign key that says so.
    fn links(&mut self) -> Result<(), Failure> {
        for (table, column, sql) in LINKS {
            if self.has(table, column)? {
                self.told_by("link", table, sql, REPAIR)?;
            }
        }
        Ok(())
    }

    fn documents(&mut self) -> Result<(), Failure> {
        if !self.has("documents", "head")? {
            return Ok(());
        }
        let sql = "SELECT d.kind || ' ' || d.name || ' has no version ' || n.version
             FROM documents d JOIN (SELECT id, head AS version FROM documents UNION SELECT id, active FROM documents) n
                 ON n.id = d.id AND n.version > 0
             WHERE NOT EXISTS (SELECT 1 FROM document_versions v
                               WHERE v.document_id = d.id AND v.version = n.version)";
        self.told_by("document", "documents", sql, BACKUP)
    }

    /// Times that no right clock gave: what is kept by age would be kept too long.
    fn clocks(&mut self) -> Result<(), Failure> {
        let latest = now() + AHEAD_MS;
        for (table, column) in
            [("runs", "finished_at"), ("audit_log", "at"), ("backups", "created_at"), ("queue", "created_at")]
        {
            if self.has(table, column)? {
                let sql = format!(
                    "SELECT 'row ' || rowid || ' is of a time to come' FROM {table} WHERE {column} > {latest}"
                );
                let remedy =
                    "set the clock of this machine right; what was written then will seem new for long";
                self.told_by("clock", table, &sql, remedy)?;
            }
        }
        let sql = "SELECT 'run ' || id || ' ended before it began' FROM runs WHERE finished_at < started_at";
        self.told_by("clock", "runs", sql, "nothing: the clock went back while it ran; its fuel is right")?;
        Ok(())
    }
}

/// A column that must be there, and what says that a link is missing.
const LINKS: [(&str, &str, &str); 3] = [
    (
        "run_tasks",
        "run_id",
        "SELECT 'run ' || id || ' has no task' FROM runs r
         WHERE NOT EXISTS (SELECT 1 FROM run_tasks t WHERE t.run_id = r.id)",
    ),
    (
        "episodes",
        "run_id",
        "SELECT 'run ' || r.id || ' has no episode' FROM runs r
         JOIN user_identities u ON u.id = r.owner_id AND u.status = 'active'
         WHERE r.finished_at >= (SELECT min(created_at) FROM episodes)
           AND NOT EXISTS (SELECT 1 FROM episodes e WHERE e.run_id = r.id)",
    ),
    (
        "evaluation_tasks",
        "run_id",
        "SELECT 'task ' || ord || ' of evaluation ' || evaluation_id || ' has lost its run' FROM evaluation_tasks
         WHERE status = 'completed' AND run_id IS NULL",
    ),
];

fn cut(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

/// The names of the tables that are full-text indexes.
pub(crate) fn search_indexes(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL TABLE%fts5%' ORDER BY 1")?
        .query_map([], |row| row.get(0))?
        .collect()
}

/// The columns that a table's own text holds to `json_valid`.
fn json_columns(sql: &str) -> Vec<&str> {
    let mut columns: Vec<&str> =
        sql.split("json_valid(").skip(1).filter_map(|rest| rest.split(')').next()).map(str::trim).collect();
    columns.sort_unstable();
    columns.dedup();
    columns
}
