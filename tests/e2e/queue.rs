use std::time::Duration;

use serde_json::json;

use crate::harness::{Host, Said, interrupt};

fn host() -> Host {
    let host = Host::empty();
    host.write("one.json", crate::harness::identity(1));
    host.succeeds(&["tasks", "import", "one.json"]);
    host
}

fn add(host: &Host, args: &[&str]) -> String {
    let added = host.json(&[&["queue", "add", "--json"], args].concat());
    added["id"].as_str().unwrap().to_owned()
}

#[test]
fn jobs_are_added_listed_shown_cancelled_and_retried() {
    let host = host();
    let low = add(&host, &["report", "--priority", "2", "--payload", r#"{"of": "today"}"#]);
    let high = add(&host, &["report", "--priority", "9", "--dedupe", "k"]);
    assert_eq!(add(&host, &["other", "--dedupe", "k"]), high, "a key is made once");
    let said = host.succeeds(&["queue", "add", "report", "--dedupe", "k"]);
    assert_eq!(said, format!("already there: job {high}\n"));
    let list = host.json(&["queue", "list", "--json"]);
    let ids: Vec<&str> =
        list["jobs"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [high.as_str(), low.as_str()]);
    assert_eq!(list["depth"]["by_status"], json!({ "pending": 2 }));
    assert_eq!(list["depth"]["due"], 2);
    let text = host.succeeds(&["queue", "list", "--kind", "report", "--limit", "1"]);
    assert!(text.contains(&high) && !text.contains(&low), "{text}");
    assert!(text.lines().last().unwrap().starts_with("2 pending; 2 due, the oldest for "), "{text}");
    let shown = host.json(&["queue", "show", "--json", &low]);
    assert_eq!((&shown["payload"], &shown["status"]), (&json!({ "of": "today" }), &json!("pending")));
    assert!(host.succeeds(&["queue", "show", &low]).contains("payload     {\"of\":\"today\"}"));

    assert_eq!(host.succeeds(&["queue", "cancel", &low]), format!("job {low} is cancelled\n"));
    let cancelled = host.json(&["queue", "list", "--status", "cancelled", "--json"]);
    assert_eq!(cancelled["jobs"][0]["id"], low.as_str());
    assert_eq!(host.json(&["queue", "retry", "--json", &low])[0]["status"], "pending");
    let noted = "SELECT group_concat(action ORDER BY seq) FROM audit_log WHERE subject_kind = 'queue' AND subject_id = '";
    assert_eq!(host.one::<String>(&format!("{noted}{low}'")), "queue.add,queue.cancel,queue.retry");
}

#[test]
fn a_worker_sweeps_and_optimizes_and_leaves_what_it_does_not_know() {
    let host = host();
    let rows = "INSERT INTO llm_cache (key, provider, model, prompt_hash, params, response, prompt_tokens,
        completion_tokens, created_at, last_hit_at, expires_at)
        SELECT printf('%064d', value), 'p', 'm', printf('%064d', 1), '{}', 'r', 1, 1, 1, 1,
            CASE WHEN value > 3 THEN 4000000000000 ELSE 5 END
        FROM json_each('[1, 2, 3, 4, 5]')";
    host.db().execute(rows, []).unwrap();
    let sweep = add(&host, &["cache-sweep"]);
    let optimize = add(&host, &["optimize"]);
    let unknown = add(&host, &["brew-coffee", "--priority", "10"]);
    let report = host.json(&["queue", "work", "--once", "--json", "--jobs", "2"]);
    assert_eq!(report, json!({ "completed": 2, "to_retry": 0, "failed": 0, "lost": 0 }));
    let state = |id: &str| host.json(&["queue", "show", "--json", id]);
    assert_eq!(state(&sweep)["result"]["replies"], 3);
    assert_eq!(host.one::<i64>("SELECT count(*) FROM llm_cache"), 2);
    assert_eq!(state(&optimize)["status"], "completed");
    assert!(host.one::<i64>("SELECT count(*) FROM sqlite_stat1") > 0);
    assert_eq!((&state(&unknown)["status"], &state(&unknown)["tries"]), (&json!("pending"), &json!(0)));
    assert_eq!(host.one::<i64>("SELECT count(*) FROM workers"), 0);
}

#[test]
fn a_worker_waits_for_jobs_and_ends_at_ctrl_c() {
    let host = host();
    let mut worker = host.start(&["queue", "work", "--jobs", "1"]);
    assert!(host.waits_until("SELECT count(*) FROM workers", 1, &mut worker));
    add(&host, &["optimize"]);
    assert!(host.waits_until("SELECT count(*) FROM queue WHERE status = 'completed'", 1, &mut worker));
    interrupt(&worker);
    let said = Said::of(worker.wait_with_output().unwrap());
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    assert_eq!(said.stdout, "1 jobs done, 0 to try again, 0 ended badly, 0 lost\n");
    assert!(
        said.stderr.contains("working on cache-sweep, optimize, retention, 1 at a time"),
        "{}",
        said.stderr
    );
}

#[test]
fn a_killed_workers_job_is_taken_over() {
    let host = host();
    let job = add(&host, &["optimize", "--timeout", "1"]);
    // As a worker leaves it that is killed in the middle.
    host.db()
        .execute(
            "UPDATE queue SET status = 'in_progress', tries = 1, lease_token = 'x', worker = 'gone',
                 lease_until = CAST(unixepoch('subsec') * 1000 AS INTEGER) + 700",
            [],
        )
        .unwrap();
    host.succeeds(&["queue", "work", "--once"]);
    assert_eq!(host.json(&["queue", "show", "--json", &job])["status"], "in_progress", "its lease holds");
    std::thread::sleep(Duration::from_millis(900));
    host.succeeds(&["queue", "work", "--once"]);
    let done = host.json(&["queue", "show", "--json", &job]);
    assert_eq!((&done["status"], &done["tries"]), (&json!("completed"), &json!(2)));
}

#[test]
fn what_cannot_be_is_refused_in_words() {
    let host = host();
    let job = add(&host, &["report"]);
    host.succeeds(&["queue", "cancel", &job]);
    let cases: [(&str, &[&str], i32, &[&str]); 8] = [
        ("no job", &["queue", "show", "ffffffff"], 1, &["no job, or more than one, has id \"ffffffff\""]),
        ("cancelled twice", &["queue", "cancel", &job], 1, &["is cancelled already"]),
        ("no JSON", &["queue", "add", "report", "--payload", "{of: 1}"], 2, &["the payload is no JSON"]),
        ("no file", &["queue", "add", "report", "--payload-file", "none.json"], 1, &["none.json"]),
        ("priority", &["queue", "add", "report", "--priority", "11"], 1, &["priority 11: 1 to 10"]),
        ("no tries", &["queue", "add", "report", "--max-tries", "0"], 1, &["at least one try"]),
        ("no kind", &["queue", "add", ""], 1, &["1 to 100 characters"]),
        ("no jobs", &["queue", "work", "--jobs", "0"], 2, &["0 jobs: 1 to 256"]),
    ];
    for (case, args, status, words) in cases {
        host.refuses(case, args, status, words);
    }
    host.write("large.json", format!("\"{}\"", "x".repeat(100_000_000)));
    host.refuses(
        "too large",
        &["queue", "add", "report", "--payload-file", "large.json"],
        1,
        &["limit 1048576"],
    );
    let empty = Host::empty();
    empty.refuses("no database", &["queue", "list"], 1, &["there is no database"]);
}
