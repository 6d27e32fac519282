use stratagem_domain::Ledger;
use stratagem_store::{CacheVitals, Method, Role, Store, StoreOptions, THRESHOLDS, Verdict, Vitals};

use crate::Bench;
use crate::fixtures::{plugin, solved, task};

fn vitals(bench: &Bench) -> Vitals {
    bench.store.vitals(Vec::new()).unwrap()
}

/// The reasons but for those of this machine's disk and load.
fn reasons(vitals: &Vitals) -> Vec<(&'static str, Verdict)> {
    let of_machine = ["disk_used", "write_ms"];
    let reasons = vitals.reasons.iter().filter(|reason| !of_machine.contains(&reason.name));
    reasons.map(|reason| (reason.name, reason.verdict)).collect()
}

#[test]
fn a_new_database_is_healthy_and_one_with_runs_wants_a_backup() {
    let task = task("3c9b0459", 4);
    let bench = Bench::with(std::slice::from_ref(&task));
    assert_eq!(reasons(&vitals(&bench)), []);
    bench.store.record(&solved(plugin("mirror"), &task), &task, None).unwrap();
    let found = vitals(&bench);
    assert_eq!(reasons(&found), [("backup_age_ms", Verdict::Degraded)]);
    assert_eq!((found.last_backup_at, found.backup_age_ms), (None, None));
    bench.store.backup(&bench.path.with_file_name("b.db"), Method::Online, &|_, _| {}).unwrap();
    let found = vitals(&bench);
    assert_eq!(reasons(&found), []);
    assert!(found.backup_age_ms.unwrap() < 60_000);
}

#[test]
fn the_figures_are_those_of_the_file_and_the_writer() {
    let task = task("3c9b0459", 4);
    let bench = Bench::with(std::slice::from_ref(&task));
    let before = bench.count("system_events");
    let cache = CacheVitals { name: "rows".into(), entries: 3, bytes: 99, hits: 7, misses: 1, off: None };
    let found = bench.store.vitals(vec![cache.clone()]).unwrap();
    assert_eq!(found.caches, [cache]);
    assert_eq!(found.schema, bench.store.version());
    assert_eq!(found.file_bytes, std::fs::metadata(&bench.path).unwrap().len());
    assert!(found.wal_bytes > 0 && found.pages > 10);
    assert_eq!(
        (found.writer.waiting, found.writer.groups, found.writer.jobs),
        (0, 2, 2),
        "plugin and dataset"
    );
    assert!(found.writer.last_commit_at.unwrap() >= found.last_change_at.unwrap());
    let (median, highest) = (found.write_us_median.unwrap(), found.write_us_highest.unwrap());
    assert!(median > 0 && median <= highest, "{median} {highest}");
    assert_eq!(bench.count("system_events"), before, "the probe leaves nothing");
    if let (Some(free), Some(all)) = (found.disk_free_bytes, found.disk_bytes) {
        assert!(free <= all && all > found.file_bytes);
    } else {
        eprintln!("skipped: this machine has no `df`");
    }
    let json = serde_json::to_value(&found).unwrap();
    assert_eq!((&json["verdict"], &json["caches"][0]["hits"]), (&"healthy".into(), &7.into()));
}

#[test]
fn every_kind_of_trouble_has_its_reason() {
    const DAY: &str = "(unixepoch() * 1000 - 90000000)";
    let job = |status: &str, more: &str| {
        format!(
            "INSERT INTO queue (id, kind, payload, status, run_at, created_at, updated_at, lease_until, lease_token,
                 finished_at) VALUES (hex(randomblob(8)), 'k', '{{}}', '{status}', {DAY}, 0, 0, {more})"
        )
    };
    let alert = "INSERT INTO alerts (id, rule, scope, window_key, severity, message, created_at)
                 VALUES ('a', 'budget', 'global', 'w', 'critical', 'spent', 0)";
    let cases = [
        ("oldest_job_ms", Verdict::Failing, job("pending", "NULL, NULL, NULL")),
        ("lapsed_leases", Verdict::Degraded, job("in_progress", &format!("{DAY}, 't', NULL"))),
        ("dead_jobs", Verdict::Degraded, job("dead", "NULL, NULL, 1")),
        ("critical_alerts", Verdict::Degraded, alert.to_owned()),
        ("audit_gap", Verdict::Degraded, "DROP TRIGGER audit_log_kept; DELETE FROM audit_log WHERE seq = 1".to_owned()),
        (
            "clock_behind_ms",
            Verdict::Degraded,
            "INSERT INTO audit_log (seq, at, actor_id, role, action, subject_kind, subject_id, prev_hash, hash)
             SELECT max(seq) + 1, 4000000000000, 'x', 'admin', 'x', 'x', 'x', printf('%064d', 0), printf('%064d', 0)
             FROM audit_log"
                .to_owned(),
        ),
    ];
    for (name, verdict, sql) in cases {
        let bench = Bench::with(&[task("a", 4), task("b", 4)]);
        bench.raw().execute_batch(&sql).unwrap();
        let found = vitals(&bench);
        assert_eq!(reasons(&found), [(name, verdict)], "{:?}", found.reasons);
        assert!(found.verdict >= verdict);
        let reason = found.reasons.iter().find(|reason| reason.name == name).unwrap();
        assert!(reason.measured >= reason.mark && !reason.remedy.is_empty());
    }
    let names: std::collections::BTreeSet<_> = THRESHOLDS.iter().map(|one| one.name).collect();
    assert_eq!(names.len(), THRESHOLDS.len());
}

#[test]
fn a_reader_may_ask_and_a_lock_is_a_reason_not_an_error() {
    let bench = Bench::new();
    let reader = StoreOptions { role: Some(Role::Reader), ..StoreOptions::default() };
    let store = Store::open_existing_with(&bench.path, &reader).unwrap();
    assert!(store.vitals(Vec::new()).unwrap().write_us_median.is_some());
}
