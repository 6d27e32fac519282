//! Rebuilds what follows from the rest: search indexes, cached copies, and links between rows that survived.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;

use crate::actor::Role;
use crate::audit::Entry;
use crate::check::search_indexes;
use crate::draft::beside;
use crate::error::Failure;
use crate::{Store, StoreError};

/// What is to be rebuilt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repair {
    /// Full-text and other indexes.
    pub indexes: bool,
    /// Copies outside the database.
    pub caches: bool,
    /// Rows that say what belongs to what.
    pub links: bool,
    /// Takes out rows that still point at nothing afterwards.
    pub prune: bool,
}

impl Default for Repair {
    fn default() -> Self {
        Self { indexes: true, caches: true, links: true, prune: false }
    }
}

/// Rows of one table that were made or taken away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mended {
    pub table: String,
    pub rows: u64,
    /// What was done, in words.
    pub what: &'static str,
}

/// What a repair did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Repaired {
    pub indexes: Vec<String>,
    /// Files of copies that were removed.
    pub caches: Vec<PathBuf>,
    pub links: Vec<Mended>,
    /// Rows that were taken out.
    pub pruned: Vec<Mended>,
    /// Rows that point at nothing still.
    pub dangling: u64,
}

impl Store {
    /// Rebuilds what `what` names, all of the database's part in one transaction.
    ///
    /// *Errors*: [`StoreError::Damaged`] where pages cannot be read: then a salvage is what helps.
    pub fn repair(&self, what: Repair) -> Result<Repaired, StoreError> {
        self.permit(Role::Admin, "repairing the database")?;
        let caches = if what.caches { drop_caches(self.path())? } else { Vec::new() };
        let done = self.administer("repairing the database", move |change| {
            // Rows are made in an order that their keys do not have.
            change.pragma_update(None, "defer_foreign_keys", true)?;
            let links = if what.links { mend_links(change)? } else { Vec::new() };
            let pruned = if what.prune { prune(change)? } else { Vec::new() };
            let indexes = if what.indexes { rebuild_indexes(change)? } else { Vec::new() };
            let dangling = dangling(change)?;
            let rows = |mended: &[Mended]| mended.iter().map(|one| one.rows).sum::<u64>();
            change.note(Entry {
                action: "database.repair",
                subject_kind: "database",
                subject_id: "main".to_owned(),
                before: None,
                after: Some(serde_json::json!({
                    "indexes": indexes.len(), "links": rows(&links), "pruned": rows(&pruned),
                })),
            });
            Ok(Repaired { indexes, caches: Vec::new(), links, pruned, dangling })
        })?;
        Ok(Repaired { caches, ..done })
    }
}

/// Removes the files of cached copies: `NAME.cache.redb` beside the database. They are made again when they are needed.
fn drop_caches(database: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let mut gone = Vec::new();
    for file in [beside(database, ".cache.redb"), database.with_extension("cache.redb")] {
        match fs::remove_file(&file) {
            Ok(()) => gone.push(file),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(source) => return Err(StoreError::File { what: "removing the cache", path: file, source }),
        }
    }
    Ok(gone)
}

fn rebuild_indexes(connection: &Connection) -> Result<Vec<String>, Failure> {
    let mut names = search_indexes(connection)?;
    for name in &names {
        connection.execute(&format!("INSERT INTO {name} ({name}) VALUES ('rebuild')"), [])?;
    }
    connection.execute_batch("REINDEX")?;
    names.push("every index".to_owned());
    Ok(names)
}

/// What can be made again, in the order of making: a table, what it is, and how.
const LINKS: [(&str, &str, &str); 10] = [
    (
        "user_identities",
        "users that rows name, disabled",
        "INSERT OR IGNORE INTO user_identities (id, display_name, status, role, created_at, updated_at)
         SELECT id, 'recovered ' || id, 'disabled', 'reader', at, at FROM (
             SELECT owner_id AS id, min(created_at) AS at FROM plugins GROUP BY 1
             UNION ALL SELECT owner_id, min(created_at) FROM runs GROUP BY 1
             UNION ALL SELECT user_id, min(created_at) FROM episodes WHERE user_id IS NOT NULL GROUP BY 1
             UNION ALL SELECT user_id, min(created_at) FROM memories GROUP BY 1
             UNION ALL SELECT owner_id, min(created_at) FROM patterns GROUP BY 1
             UNION ALL SELECT owner_id, min(created_at) FROM documents GROUP BY 1
             UNION ALL SELECT owner_id, min(created_at) FROM experiments GROUP BY 1
             UNION ALL SELECT owner_id, min(created_at) FROM evaluations GROUP BY 1
         ) WHERE id NOT IN (SELECT id FROM user_identities)",
    ),
    (
        "artifacts",
        "digests that rows name, without their bytes",
        "INSERT OR IGNORE INTO artifacts (digest, bytes, media_type, store, ref, created_at)
         SELECT digest, 0, 'application/octet-stream', 'file', 'lost', at FROM (
             SELECT wasm_digest AS digest, min(created_at) AS at FROM plugin_versions GROUP BY 1
             UNION ALL SELECT digest, min(created_at) FROM learned_artifacts GROUP BY 1
             UNION ALL SELECT weights_digest, min(created_at) FROM ttt_adaptations GROUP BY 1
         ) WHERE digest NOT IN (SELECT digest FROM artifacts)",
    ),
    (
        "plugins",
        "plugins whose versions survived, named by their ids",
        "INSERT OR IGNORE INTO plugins (id, name, family, owner_id, created_at)
         SELECT plugin_id, 'recovered-' || plugin_id, 'other', '00000000-0000-7000-8000-000000000001', min(created_at)
         FROM plugin_versions WHERE plugin_id NOT IN (SELECT id FROM plugins) GROUP BY plugin_id",
    ),
    (
        "datasets",
        "datasets whose tasks survived, named by their ids",
        "INSERT OR IGNORE INTO datasets (id, name, version, digest, created_at)
         SELECT dataset_id, 'recovered-' || dataset_id, 'recovered', printf('%064d', 0), min(created_at)
         FROM arc_tasks WHERE dataset_id NOT IN (SELECT id FROM datasets) GROUP BY dataset_id",
    ),
    (
        "run_tasks",
        "the tasks of runs, by what else names them, else by their digest",
        "INSERT OR IGNORE INTO run_tasks (run_id, task_id, ord, status, tries, started_at, finished_at)
         SELECT id, task_id, 0, CASE status WHEN 'completed' THEN 'completed' ELSE 'failed' END, 1, started_at,
             finished_at
         FROM (SELECT r.id, r.status, r.started_at, r.finished_at, coalesce(
                 (SELECT o.task_id FROM outcomes o WHERE o.run_id = r.id LIMIT 1),
                 (SELECT s.task_id FROM task_submissions s WHERE s.run_id = r.id LIMIT 1),
                 (SELECT a.task_id FROM answers a WHERE a.run_id = r.id LIMIT 1),
                 (SELECT t.id FROM arc_tasks t WHERE t.digest = r.task_digest ORDER BY t.id DESC LIMIT 1)) AS task_id
             FROM runs r
             WHERE r.finished_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM run_tasks k WHERE k.run_id = r.id))
         WHERE task_id IN (SELECT id FROM arc_tasks)",
    ),
    (
        "episodes",
        "episodes whose steps survived",
        "INSERT OR IGNORE INTO episodes (id, task_type, domain, status, created_at, completed_at, owner_id)
         SELECT episode_id, 'unknown', 'recovered', 'archived', min(at), max(at),
             '00000000-0000-7000-8000-000000000001'
         FROM steps WHERE episode_id NOT IN (SELECT id FROM episodes) GROUP BY episode_id",
    ),
    (
        "episodes",
        "episodes of runs, without their steps",
        "INSERT OR IGNORE INTO episodes (id, run_id, user_id, owner_id, plugin_id, task_type, domain, context, status,
             success_rate, created_at, completed_at)
         SELECT substr(r.id, 1, 24) || substr(lower(hex(randomblob(6))), 1, 12), r.id, r.owner_id, r.owner_id, p.id,
             p.family, p.name, t.code, CASE r.status WHEN 'completed' THEN 'completed' ELSE 'failed' END, r.score,
             coalesce(r.started_at, r.created_at), r.finished_at
         FROM runs r JOIN plugin_versions v ON v.id = r.plugin_version_id JOIN plugins p ON p.id = v.plugin_id
         JOIN user_identities u ON u.id = r.owner_id AND u.status = 'active'
         LEFT JOIN run_tasks k ON k.run_id = r.id AND k.ord = 0 LEFT JOIN arc_tasks t ON t.id = k.task_id
         WHERE r.finished_at >= (SELECT min(created_at) FROM episodes)
           AND NOT EXISTS (SELECT 1 FROM episodes e WHERE e.run_id = r.id)",
    ),
    (
        "evaluation_tasks",
        "the runs of evaluations",
        "UPDATE evaluation_tasks SET run_id = (
             SELECT r.id FROM runs r JOIN run_tasks k ON k.run_id = r.id
             WHERE r.evaluation_id = evaluation_tasks.evaluation_id AND k.task_id = evaluation_tasks.task_id
             ORDER BY r.finished_at DESC LIMIT 1)
         WHERE run_id IS NULL AND status IN ('completed', 'failed') AND EXISTS (
             SELECT 1 FROM runs r JOIN run_tasks k ON k.run_id = r.id
             WHERE r.evaluation_id = evaluation_tasks.evaluation_id AND k.task_id = evaluation_tasks.task_id)",
    ),
    (
        "failure_clusters",
        "clusters that failures name",
        "INSERT OR IGNORE INTO failure_clusters (id, key, label, similar_count, created_at)
         SELECT cluster_id, lower(hex(zeroblob(16)) || substr(hex(cluster_id) || hex(zeroblob(16)), 1, 32)),
             'recovered', count(*), min(created_at)
         FROM failure_patterns WHERE cluster_id NOT IN (SELECT id FROM failure_clusters) GROUP BY cluster_id",
    ),
    (
        "documents",
        "documents whose versions survived, named by their ids",
        "INSERT OR IGNORE INTO documents (id, kind, name, owner_id, head, active, is_active, created_at, updated_at)
         SELECT document_id, 'setting', 'recovered-' || document_id, '00000000-0000-7000-8000-000000000001',
             max(version), 0, 0, min(created_at), max(created_at)
         FROM document_versions WHERE document_id NOT IN (SELECT id FROM documents) GROUP BY document_id",
    ),
];

/// Makes again what rows that survived say of rows that did not.
pub(crate) fn mend_links(connection: &Connection) -> Result<Vec<Mended>, Failure> {
    let mut mended = Vec::new();
    for (table, what, sql) in LINKS {
        let rows = connection.execute(sql, [])? as u64;
        if rows > 0 {
            mended.push(Mended { table: table.to_owned(), rows, what });
        }
    }
    Ok(mended)
}

pub(crate) fn dangling(connection: &Connection) -> rusqlite::Result<u64> {
    let rows: i64 =
        connection.query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0))?;
    Ok(rows.unsigned_abs())
}

/// Takes out rows that point at nothing, until none does; a key that may be empty is emptied instead.
pub(crate) fn prune(connection: &Connection) -> Result<Vec<Mended>, Failure> {
    let mut pruned: Vec<Mended> = Vec::new();
    loop {
        // What is taken out may leave others that point at it, so it is asked again.
        let found = all_dangling(connection)?;
        if found.is_empty() {
            return Ok(pruned);
        }
        for (table, row, key) in found {
            let what = if empty_key(connection, &table, row, key)? {
                "keys emptied"
            } else {
                connection.execute(&format!("DELETE FROM {table} WHERE rowid = ?1"), [row])?;
                "rows taken out"
            };
            match pruned.iter_mut().find(|one| one.table == table && one.what == what) {
                Some(one) => one.rows += 1,
                None => pruned.push(Mended { table, rows: 1, what }),
            }
        }
    }
}

/// Empties a key that points at nothing; false where the table does not allow it.
fn empty_key(connection: &Connection, table: &str, row: i64, key: i64) -> Result<bool, Failure> {
    let column: Option<String> = connection
        .prepare_cached(
            "SELECT k.\"from\" FROM pragma_foreign_key_list(?1) k JOIN pragma_table_info(?1) t ON t.name = k.\"from\"
             WHERE k.id = ?2 AND t.\"notnull\" = 0 AND t.pk = 0 LIMIT 1",
        )?
        .query_row((table, key), |row| row.get(0))
        .optional()?;
    let Some(column) = column else { return Ok(false) };
    Ok(connection.execute(&format!("UPDATE {table} SET {column} = NULL WHERE rowid = ?1"), [row]).is_ok())
}

/// Every row that points at nothing, and by which of its keys.
fn all_dangling(connection: &Connection) -> rusqlite::Result<Vec<(String, i64, i64)>> {
    connection
        .prepare_cached(
            "SELECT DISTINCT \"table\", rowid, fkid FROM pragma_foreign_key_check WHERE rowid IS NOT NULL",
        )?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect()
}
