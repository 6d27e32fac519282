use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::time::Duration;

use crate::harness::{Host, PROBE, Said, interrupt, tables};

const TASKS: usize = 40;
const SOLVE: [&str; 8] = ["solve", "./tasks", "--strategy", PROBE, "--jobs", "2", "--pictures", "never"];

/// Forty tasks of some ten milliseconds each.
fn host() -> Host {
    let host = Host::new();
    host.write_tasks(TASKS);
    host.probe_does("", "act = \"compute\"\ncount = \"8000\"");
    host
}

/// All that is stored, but for ids and times; and what belongs to what.
fn facts(host: &Host) -> BTreeMap<String, Vec<String>> {
    const CLOCKS: [&str; 7] =
        ["id", "seq", "at", "cpu_seconds", "wall_ms", "duration_ms", "processing_time_ms"];
    // Every process writes down that it kept the plugin; generations are times.
    let is_fact = |table: &str, column: &str| {
        !["audit_log", "cache_generations"].contains(&table)
            // Which process began it: an evaluation that was killed is gone on with by another.
            && (table, column) != ("evaluations", "meta")
            && !CLOCKS.contains(&column)
            && !column.ends_with("_id")
            && !column.ends_with("_at")
    };
    let db = host.db();
    let mut facts = tables(&db, is_fact).unwrap();
    facts.remove("audit_log");
    facts.remove("cache_generations");
    let joined = "SELECT t.code || ' ' || r.recipe || ' ' || r.outcome || ' ' || u.fuel_spent || ' ' || o.fuel_spent
                      || ' ' || u.memory_mb || ' ' || a.n || ' ' || a.grid || ' ' || a.confidence || ' ' || a.rationale
                      || ' ' || e.status || ' ' || s.action || ' ' || s.result
                  FROM runs r JOIN run_tasks rt ON rt.run_id = r.id JOIN arc_tasks t ON t.id = rt.task_id
                  JOIN resource_usage u ON u.run_id = r.id JOIN outcomes o ON o.run_id = r.id AND o.id = u.outcome_id
                  JOIN answers a ON a.run_id = r.id AND a.task_id = t.id
                  JOIN episodes e ON e.run_id = r.id JOIN steps s ON s.episode_id = e.id ORDER BY 1";
    let mut select = db.prepare(joined).unwrap();
    let lines = select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    facts.insert("joined".to_owned(), lines);
    facts
}

/// No run is there in part, and nothing is there without its run.
fn assert_whole(host: &Host) {
    for (table, expected) in [
        ("resource_usage", 1),
        ("outcomes", 1),
        ("episodes", 1),
        ("run_tasks", 1),
        ("answers", 2),
        ("task_submissions", 2),
    ] {
        let torn = format!(
            "SELECT count(*) FROM runs WHERE (SELECT count(*) FROM {table} WHERE run_id = runs.id) <> {expected}"
        );
        assert_eq!(host.one::<i64>(&torn), 0, "{table}");
        let orphans = format!("SELECT count(*) FROM {table} WHERE run_id NOT IN (SELECT id FROM runs)");
        assert_eq!(host.one::<i64>(&orphans), 0, "{table}");
    }
    let unlisted = "SELECT count(*) FROM runs r WHERE NOT EXISTS (SELECT 1 FROM evaluation_tasks k
                        WHERE k.evaluation_id = r.evaluation_id AND k.run_id = r.id AND k.status = 'completed')";
    assert_eq!(host.one::<i64>(unlisted), 0, "a run without its place in an evaluation");
    let open = "SELECT count(*) FROM runs WHERE finished_at IS NULL OR status <> 'completed'";
    assert_eq!(host.one::<i64>(open), 0);
    assert_eq!(host.one::<i64>("SELECT count(*) FROM pragma_foreign_key_check"), 0);
    assert_eq!(host.one::<String>("PRAGMA integrity_check"), "ok");
}

#[test]
fn killed_again_and_again_and_resumed_it_stores_what_an_undisturbed_run_stores() {
    let (calm, host) = (host(), host());
    calm.succeeds(&SOLVE);
    let resume = [&SOLVE[..], &["--resume"]].concat();
    // Before the database is there, and after so many more runs and so many milliseconds.
    let mut child = host.start(&SOLVE);
    std::thread::sleep(Duration::from_millis(15));
    child.kill().unwrap();
    child.wait().unwrap();
    let mut kills = 0;
    for (more, pause) in [(1, 0), (3, 1), (2, 3), (4, 7), (3, 5), (3, 11), (1, 2), (2, 4), (1, 0)] {
        let before = host.stored();
        let mut child = host.start(&resume);
        let is_running = host.waits_for_runs(before + more, &mut child);
        std::thread::sleep(Duration::from_millis(pause));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_whole(&host);
        assert!(host.stored() >= before, "what was stored stays");
        kills += i32::from(is_running);
    }
    assert!(kills >= 7, "only {kills} of the kills met a running process");
    let before = host.stored();
    let report = host.json(&[&resume[..], &["--json", "-"]].concat());
    assert_eq!(report["summary"]["tasks"], TASKS);
    assert_eq!(report["summary"]["resumed"], before, "only what was missing is run");
    assert_whole(&host);
    assert_eq!(facts(&host), facts(&calm));
    let statuses =
        "SELECT group_concat(e.status || ' ' || (SELECT count(DISTINCT run_id) FROM evaluation_tasks k
                        WHERE k.evaluation_id = e.id) || ' ' || (SELECT count(*) FROM runs r
                        WHERE r.evaluation_id = e.id), ', ' ORDER BY e.id) FROM evaluations e";
    assert_eq!(host.one::<String>(statuses), "completed 40 40", "one evaluation, taken up after every kill");
    let again = host.succeeds(&resume);
    assert!(again.contains("resumed         40 runs were there already"), "{again}");
    assert_eq!(host.stored(), TASKS as i64);
    let both = "completed 40 40, completed 40 0";
    assert_eq!(host.one::<String>(statuses), both, "the second counts the runs of the first");
}

#[test]
fn an_interrupt_finishes_what_runs_and_says_how_to_go_on() {
    let host = host();
    let mut child = host.start(&SOLVE);
    assert!(host.waits_for_runs(2, &mut child), "the work ended before it could be interrupted");
    interrupt(&child);
    let said = Said::of(child.wait_with_output().unwrap());
    assert_eq!(said.status, Some(1), "{said:?}");
    let count = host.stored();
    assert!(count < TASKS as i64, "{count} runs");
    for words in [&format!("interrupted: {count} of 40 tasks are done"), "hint: ", "--resume", "Ctrl-C"] {
        assert!(said.stderr.contains(words), "{words}: {}", said.stderr);
    }
    assert!(said.stdout.contains(&format!("tasks           {count}\n")), "{}", said.stdout);
    assert_whole(&host);
    assert_eq!(host.one::<String>("SELECT status FROM evaluations"), "cancelled");
    let resumed = host.json(&[&SOLVE[..], &["--resume", "--json", "-"]].concat());
    assert_eq!(resumed["summary"]["resumed"], count);
    assert_eq!(host.stored(), TASKS as i64);
    let statuses = "SELECT group_concat(status, ' ' ORDER BY id) FROM evaluations";
    assert_eq!(host.one::<String>(statuses), "cancelled completed", "what was cancelled stays so");
    let evaluation = resumed["evaluations"][0]["evaluation"].as_str().unwrap();
    let linked = format!("SELECT count(run_id) FROM evaluation_tasks WHERE evaluation_id = '{evaluation}'");
    assert_eq!(host.one::<i64>(&linked), TASKS as i64);
}

#[test]
fn a_second_interrupt_ends_at_once_and_stores_no_half_run() {
    let host = Host::new();
    host.write_tasks(2);
    host.succeeds(&["tasks", "import", "./tasks"]);
    host.probe_does("", "act = \"burn\"");
    let mut child = host.start(&[&SOLVE[..], &["--fuel", "1000000000000"]].concat());
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    // The plugin is kept just before the work begins.
    host.waits_until("SELECT count(*) FROM plugin_versions", 1, &mut child);
    std::thread::sleep(Duration::from_millis(30));
    interrupt(&child);
    let mut line = String::new();
    while !line.contains("Ctrl-C again") {
        assert!(stderr.read_line(&mut line).unwrap() > 0, "{line}");
    }
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(host.stored(), 0);
    assert_whole(&host);
    let found = host.json(&["experiment", "evaluations", "--json"]);
    assert_eq!((&found[0]["status"], &found[0]["is_stale"]), (&"running".into(), &true.into()), "{found}");
}

#[test]
fn two_processes_share_a_database() {
    let host = Host::new();
    host.write_tasks(20);
    let args = |seed| ["solve", "./tasks", "--strategy", PROBE, "--jobs", "2", "--seed", seed];
    let children = [host.start(&args("1")), host.start(&args("2"))];
    for child in children {
        Said::of(child.wait_with_output().unwrap()).succeeded(&["two at once"]);
    }
    assert_eq!(host.stored(), 40);
    assert_eq!(host.one::<i64>("SELECT count(DISTINCT recipe) FROM runs"), 40);
    assert_eq!(host.one::<i64>("SELECT count(*) FROM resource_usage"), 40);
    assert_eq!(host.one::<i64>("SELECT count(*) FROM arc_tasks"), 20);
}

#[test]
fn what_differs_in_seed_limit_or_setting_is_not_resumed() {
    let host = Host::new();
    host.write_tasks(2);
    let resumed = |flags: &[&str]| {
        let args = [&["solve", "./tasks", "--strategy", PROBE, "--resume", "--json", "-"], flags].concat();
        host.json(&args)["summary"]["resumed"].as_i64().unwrap()
    };
    for (round, expected) in [0, 2].into_iter().enumerate() {
        host.probe_does("", "");
        assert_eq!(resumed(&[]), expected, "round {round}");
        assert_eq!(resumed(&["--seed", "1"]), expected, "round {round}");
        assert_eq!(resumed(&["--fuel", "1000000"]), expected, "round {round}");
        host.probe_does("", "act = \"answer\"");
        assert_eq!(resumed(&[]), expected, "round {round}");
    }
    assert_eq!(host.stored(), 8);
}
