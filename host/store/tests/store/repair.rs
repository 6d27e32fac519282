use std::fs;
use std::path::Path;

use stratagem_domain::{LabelledTask, Ledger, StoredRun};
use stratagem_store::{
    Checked, Repair, RunFilter, SCHEMA_VERSION, Store, StoreError, StoreOptions, check, salvage,
};

use crate::Bench;
use crate::fixtures::{plugin, raw, solved, task};

fn look(path: &Path) -> Checked {
    check(path, &StoreOptions::default(), &|_| {}).unwrap()
}

/// The names and tables of what was found.
fn found(path: &Path) -> Vec<(&'static str, String)> {
    look(path).findings.into_iter().map(|finding| (finding.name, finding.table)).collect()
}

fn bench(runs: u64) -> (Bench, LabelledTask) {
    let task = task("3c9b0459", 4);
    let bench = Bench::with(std::slice::from_ref(&task));
    let run = solved(plugin("mirror"), &task);
    for n in 0..runs {
        bench.store.record(&StoredRun { started_at: n, ..run.clone() }, &task, None).unwrap();
    }
    (bench, task)
}

#[test]
fn every_kind_of_planted_fault_is_found_by_name_and_place() {
    let cases: [(&str, &str, &str); 13] = [
        ("foreign_key", "plugin_versions", "PRAGMA foreign_keys = OFF; DELETE FROM plugins"),
        (
            "foreign_key",
            "task_submissions",
            "PRAGMA foreign_keys = OFF; UPDATE task_submissions SET run_id = 'gone' || id WHERE attempt = 1",
        ),
        (
            "search_index",
            "episodes_fts",
            "INSERT INTO episodes_fts (episodes_fts, rowid, task_type, domain, context, summary)
             SELECT 'delete', seq, task_type, domain, context, summary FROM episodes LIMIT 1",
        ),
        (
            "search_index",
            "system_events_fts",
            "DROP TRIGGER system_events_fts_insert;
             INSERT INTO system_events (id, at, level, source, kind, message)
             VALUES ('x', 0, 'info', 'test', 'test', 'unheard')",
        ),
        ("json", "runs", "PRAGMA ignore_check_constraints = ON; UPDATE runs SET limits = '{\"fuel\":'"),
        (
            "embedding",
            "embeddings",
            "PRAGMA ignore_check_constraints = ON;
             INSERT INTO embeddings (subject_kind, subject_id, model, dim, vec, content_hash, created_at)
             VALUES ('task', 'x', 'm', 3, zeroblob(8), printf('%064d', 0), 0)",
        ),
        (
            "embedding",
            "embeddings",
            "INSERT INTO embeddings (subject_kind, subject_id, model, dim, vec, content_hash, created_at)
             VALUES ('task', 'x', 'm', 1, x'0000c07f', printf('%064d', 0), 0)",
        ),
        (
            "artifact",
            "artifacts",
            "UPDATE artifacts SET body = CAST(body || 'x' AS BLOB) WHERE body IS NOT NULL",
        ),
        ("task", "arc_tasks", "UPDATE task_pairs SET output = '[[0]]' WHERE part = 'test' AND ord = 0"),
        ("journal", "run_journals", "UPDATE run_journals SET body = x'ff00ff00ff'"),
        ("link", "run_tasks", "DELETE FROM run_tasks"),
        (
            "document",
            "documents",
            "INSERT INTO documents (id, kind, name, owner_id, head, active, created_at, updated_at)
             SELECT 'd', 'prompt', 'p', id, 2, 1, 0, 0 FROM user_identities LIMIT 1",
        ),
        ("clock", "runs", "UPDATE runs SET finished_at = 4000000000000"),
    ];
    for (name, table, sql) in cases {
        let (bench, _) = bench(2);
        assert_eq!(look(&bench.path).findings, [], "{name}");
        raw(&bench.path).execute_batch(sql).unwrap();
        let checked = look(&bench.path);
        let hit =
            checked.findings.iter().find(|finding| (finding.name, finding.table.as_str()) == (name, table));
        let hit = hit.unwrap_or_else(|| panic!("{name} of {table}: {:?}", checked.findings));
        assert!(hit.count > 0 && !hit.what.is_empty() && !hit.remedy.is_empty(), "{hit:?}");
    }
}

#[test]
fn a_changed_a_lost_and_a_future_row_of_the_audit_log_are_found() {
    for sql in [
        "DROP TRIGGER audit_log_frozen; UPDATE audit_log SET action = 'nothing' WHERE seq = 2",
        "DROP TRIGGER audit_log_kept; DELETE FROM audit_log WHERE seq = 2",
    ] {
        let (bench, _) = bench(2);
        raw(&bench.path).execute_batch(sql).unwrap();
        assert_eq!(found(&bench.path), [("audit", "audit_log".to_owned())], "{sql}");
    }
}

#[test]
fn flipped_bytes_are_found_wherever_they_are() {
    let (bench, _) = bench(25);
    let Bench { store, path, _folder } = bench;
    drop(store);
    let whole = fs::read(&path).unwrap();
    let pages = whole.len() / 4096;
    let (mut missed, mut tried) = (Vec::new(), 0);
    // The header of every page, where its cells are told: damage there is never a value that could be right.
    for page in 1..pages {
        let mut bytes = whole.clone();
        bytes[page * 4096..page * 4096 + 12].fill(0x7E);
        fs::write(&path, &bytes).unwrap();
        tried += 1;
        match check(&path, &StoreOptions::default(), &|_| {}) {
            Ok(checked) if checked.findings.is_empty() => missed.push(page + 1),
            _ => {}
        }
    }
    assert!(tried > 50, "{tried}");
    assert!(missed.is_empty(), "of {tried} pages, damage to these was not found: {missed:?}");
}

#[test]
fn a_repair_rebuilds_indexes_links_and_drops_copies() {
    let (bench, _) = bench(3);
    let cache = bench.path.with_file_name("runs.db.cache.redb");
    fs::write(&cache, b"stale").unwrap();
    raw(&bench.path)
        .execute_batch(
            "PRAGMA foreign_keys = OFF;
             DELETE FROM run_tasks; DELETE FROM plugins; DELETE FROM datasets;
             DELETE FROM episodes WHERE seq = 2;
             INSERT INTO episodes_fts (episodes_fts) VALUES ('delete-all')",
        )
        .unwrap();
    let names: Vec<&str> = look(&bench.path).findings.iter().map(|finding| finding.name).collect();
    assert!(["foreign_key", "search_index", "link"].iter().all(|name| names.contains(name)), "{names:?}");
    let repaired = bench.store.repair(Repair::default()).unwrap();
    assert_eq!(repaired.dangling, 0, "{repaired:?}");
    assert_eq!(repaired.caches, std::slice::from_ref(&cache));
    assert!(!cache.exists());
    let mended: Vec<&str> = repaired.links.iter().map(|one| one.table.as_str()).collect();
    assert_eq!(mended, ["plugins", "datasets", "run_tasks", "episodes", "episodes"]);
    assert_eq!(look(&bench.path).findings, []);
    let hits = "episodes_fts WHERE episodes_fts MATCH 'search'";
    assert_eq!(bench.count(hits), 2, "the episode without its summary is found no more");
    // Runs are read again: their tasks are linked as they were.
    for line in bench.store.runs(&RunFilter::default()).unwrap() {
        assert_eq!(bench.store.task_of(&line.id).unwrap().task.id, "3c9b0459");
    }
    let again = bench.store.repair(Repair::default()).unwrap();
    assert_eq!((again.links, again.caches), (Vec::new(), Vec::new()), "a second one finds nothing to do");
}

#[test]
fn what_cannot_be_mended_goes_only_when_it_is_asked_for() {
    let (bench, _) = bench(3);
    raw(&bench.path)
        .execute_batch("PRAGMA foreign_keys = OFF; DELETE FROM runs WHERE started_at = 1")
        .unwrap();
    let repaired = bench.store.repair(Repair::default()).unwrap();
    assert!(repaired.dangling > 0 && repaired.pruned.is_empty());
    let repaired = bench.store.repair(Repair { prune: true, ..Repair::default() }).unwrap();
    assert_eq!(repaired.dangling, 0);
    let tables: Vec<&str> = repaired.pruned.iter().map(|one| one.table.as_str()).collect();
    assert!(
        ["answers", "run_logs", "run_tasks", "task_submissions"].iter().all(|one| tables.contains(one)),
        "{tables:?}"
    );
    assert_eq!(look(&bench.path).findings, []);
    assert_eq!(bench.count("runs"), 2);
}

#[test]
fn what_can_be_read_of_a_damaged_file_is_taken_out() {
    let (bench, _) = bench(80);
    let ids: Vec<String> = bench
        .store
        .runs(&RunFilter { limit: 999, ..RunFilter::default() })
        .unwrap()
        .into_iter()
        .map(|line| line.id)
        .collect();
    // A leaf in the middle of `answers`, and one of an index.
    let page = |name: &str| -> usize {
        let sql =
            "SELECT pageno FROM dbstat WHERE name = ?1 AND pagetype = 'leaf' ORDER BY path LIMIT 1 OFFSET 2";
        let known: rusqlite::Result<i64> = raw(&bench.path).query_row(sql, [name], |row| row.get(0));
        known.map_or(0, |page| page as usize)
    };
    let pages = [page("answers"), page("run_logs")];
    let Bench { store, path, _folder } = bench;
    drop(store);
    let mut bytes = fs::read(&path).unwrap();
    let at = |page: usize| (page - 1) * 4096;
    let pages = if pages[0] > 0 { pages } else { guessed(&bytes) };
    for page in pages {
        bytes[at(page)..at(page) + 2_000].fill(0xEE);
    }
    fs::write(&path, &bytes).unwrap();
    assert!(!look(&path).findings.is_empty());
    let to = path.with_file_name("rescued.db");
    let salvaged = salvage(&path, &to, &StoreOptions::default(), &|_| {}).unwrap();
    assert_eq!(salvaged.found, SCHEMA_VERSION);
    assert!(!salvaged.is_whole());
    let hurt: Vec<_> = salvaged.tables.iter().filter(|(_, table)| table.fault.is_some()).collect();
    assert!(!hurt.is_empty(), "{salvaged:?}");
    let lost: u64 = hurt.iter().filter_map(|(_, table)| table.lost).sum();
    assert!((1..200).contains(&lost), "two pages hold some dozens of rows: {hurt:?}");
    let store = Store::open_existing(&to).unwrap();
    assert!(store.health().unwrap().is_empty());
    let readable = ids.iter().filter(|id| store.run(id).is_ok()).count();
    assert!(readable >= 60, "{readable} of 80 runs");
    assert_eq!(
        look(&to).findings.iter().filter(|one| one.name != "audit").count(),
        0,
        "{:?}",
        look(&to).findings
    );
    let error = salvage(&path, &to, &StoreOptions::default(), &|_| {}).unwrap_err();
    assert!(error.to_string().ends_with("is there already"), "{error}");
}

/// Two leaves of tables, where the engine was built without the table that tells pages: found by their first byte.
fn guessed(bytes: &[u8]) -> [usize; 2] {
    let leaves: Vec<usize> =
        (1..bytes.len() / 4096).filter(|page| bytes[page * 4096] == 13).map(|page| page + 1).collect();
    // Nothing tells the pages of an encrypted file: some two of them.
    if leaves.len() < 3 {
        return [bytes.len() / 4096 / 2, bytes.len() / 4096 / 3];
    }
    [leaves[leaves.len() / 3], leaves[leaves.len() / 2]]
}

#[test]
fn a_whole_file_comes_out_whole() {
    let (bench, _) = bench(5);
    let to = bench.path.with_file_name("copy.db");
    let salvaged = salvage(&bench.path, &to, &StoreOptions::default(), &|_| {}).unwrap();
    assert!(salvaged.is_whole() && salvaged.links.is_empty(), "{salvaged:?}");
    for table in ["runs", "answers", "episodes", "steps", "audit_log", "task_pairs", "artifacts"] {
        assert_eq!(salvaged.file.rows[table], bench.count(table) as u64, "{table}");
    }
    assert_eq!(found(&to), []);
    let copy = Store::open_existing(&to).unwrap();
    for line in bench.store.runs(&RunFilter::default()).unwrap() {
        assert_eq!(copy.run(&line.id).unwrap(), bench.store.run(&line.id).unwrap());
    }
    assert_eq!(copy.verify_audit(None).unwrap(), bench.store.verify_audit(None).unwrap());
}

#[test]
fn what_is_no_database_of_ours_is_told_by_check_and_salvage() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs.db");
    let options = StoreOptions::default();
    let to = folder.path().join("new.db");
    let both = |says: fn(&StoreError) -> bool| {
        let error = check(&path, &options, &|_| {}).unwrap_err();
        assert!(says(&error), "{error}");
        let error = salvage(&path, &to, &options, &|_| {}).unwrap_err();
        assert!(says(&error) && !to.exists(), "{error}");
    };
    both(|error| matches!(error, StoreError::NoDatabase { .. }));
    fs::write(&path, "a text that is no database at all").unwrap();
    both(|error| matches!(error, StoreError::NotADatabase { .. }));
    fs::remove_file(&path).unwrap();
    raw(&path).execute_batch("CREATE TABLE theirs (a)").unwrap();
    both(|error| matches!(error, StoreError::Foreign { .. }));
}

#[test]
fn a_truncated_log_loses_its_last_commits_and_nothing_before() {
    let (bench, _) = bench(1);
    let raw = raw(&bench.path);
    raw.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let task = task("3c9b0459", 4);
    let run = solved(plugin("mirror"), &task);
    (0..6).for_each(|_| drop(bench.store.record(&run, &task, None).unwrap()));
    // As a power cut leaves it: the files as they are, the log cut anywhere.
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("runs.db");
    let wal = fs::read(format!("{}-wal", bench.path.display())).unwrap();
    let mut seen = Vec::new();
    for cut in [0, 31, 4_000, wal.len() / 3, wal.len() / 2 + 7, wal.len() - 1, wal.len()] {
        let _ = fs::remove_file(format!("{}-shm", copy.display()));
        fs::copy(&bench.path, &copy).unwrap();
        fs::write(format!("{}-wal", copy.display()), &wal[..cut]).unwrap();
        let store = Store::open_existing(&copy).unwrap();
        assert!(store.health().unwrap().is_empty(), "cut at {cut}");
        let runs = store.runs(&RunFilter::default()).unwrap();
        runs.iter().for_each(|line| assert_eq!(store.run(&line.id).unwrap().steps, run.steps));
        assert_eq!(store.verify_audit(None).unwrap().broken, None);
        seen.push(runs.len());
        drop(store);
    }
    assert!(seen.is_sorted() && seen[0] == 1 && *seen.last().unwrap() == 7, "{seen:?}");
}
