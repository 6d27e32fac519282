//! Training at test time, by the shipped plugin: what it answers, what is kept of it, and how it is shown.

use serde_json::{Value, json};

use crate::harness::{Host, task};

/// What is 3 becomes 2.
fn recolour(rows: [[u8; 3]; 2]) -> (Value, Value) {
    let out = rows.map(|row| row.map(|cell| if cell == 3 { 2 } else { cell }));
    (json!(rows), json!(out))
}

fn host(settings: &str) -> Host {
    let host = Host::empty();
    let shown = [[[0, 3, 0], [3, 0, 0]], [[3, 3, 0], [0, 0, 3]], [[0, 0, 3], [3, 3, 0]]].map(recolour);
    let asked = recolour([[3, 0, 3], [0, 3, 0]]);
    host.write("recolour.json", task(&json!(shown), &json!([asked])));
    host.write("stratagem.toml", format!("[settings.ttt]\n{settings}\n"));
    host
}

const NEWEST: &str = "SELECT id FROM runs ORDER BY id DESC LIMIT 1";

fn solve(host: &Host, flags: &[&str]) -> Value {
    host.json(&[&["solve", "recolour.json", "--strategy", "ttt", "--json", "-"], flags].concat());
    host.json(&["runs", "show", &host.one::<String>(NEWEST), "--json"])
}

#[test]
fn a_model_is_trained_on_a_task_answers_it_is_kept_replayed_and_shown() {
    let host = host("keep = \"true\"\nsteps = \"300\"");
    let run = solve(&host, &[]);
    assert_eq!(
        (run["outcome"].as_str(), run["recipe"]["plugin"]["kind"].as_str()),
        (Some("solved"), Some("ttt"))
    );
    let usage = &run["usage"];
    let number = |name: &str| usage[name].as_u64().unwrap();
    assert!(number("device_ms") > 0 && number("device_memory_peak_bytes") > 100_000, "{usage}");
    // What the processor did for the plugin counts.
    assert!(usage["cpu_seconds"].as_f64().unwrap() * 1e3 >= 0.9 * number("device_ms") as f64, "{usage}");
    let kept = host.one::<String>(
        "SELECT base_checkpoint || ' ' || use_count || ' ' || (metrics ->> 'device') FROM ttt_adaptations",
    );
    assert_eq!(kept, "compression 0 cpu");
    let weights = "SELECT count(*) FROM ttt_adaptations t JOIN artifacts a ON a.digest = t.weights_digest
        WHERE length(a.body) = a.bytes AND a.bytes > 1000";
    assert_eq!(host.one::<i64>(weights), 1);
    assert!(host.one::<f64>("SELECT max(gpu_memory_mb) FROM resource_usage") > 0.1);
    let replayed = host.succeeds(&["runs", "replay", "--last", "1"]);
    assert!(replayed.contains("1 of 1 runs gave the same answers"), "{replayed}");
    let id = run["id"].as_str().unwrap();
    let shown = host.succeeds(&["ttt", "show", id, "--out", "course.svg"]);
    assert!(shown.contains("compression") && shown.contains("drawn in course.svg"), "{shown}");
    let drawn = std::fs::read_to_string(host.path("course.svg")).unwrap();
    assert!(drawn.starts_with("<svg") && drawn.contains("<polyline") && drawn.contains("#2ecc40"), "{drawn}");
    let courses = host.json(&["ttt", "show", id, "--json"]);
    assert_eq!((courses.as_array().unwrap().len(), courses[0]["device"].as_str()), (1, Some("cpu")));
    let losses = courses[0]["losses"].as_array().unwrap();
    assert!(losses[0][1].as_f64() > losses[losses.len() - 1][1].as_f64());
}

/// The same in a process of its own, but for what the clock says.
#[test]
fn a_worker_trains_as_the_host_does() {
    let host = host("steps = \"100\"");
    let [here, there] = [&[][..], &["--isolate"]].map(|flags| solve(&host, flags));
    assert_eq!(here["answers"], there["answers"]);
    assert_eq!(here["usage"]["fuel_spent"], there["usage"]["fuel_spent"]);
    assert!(there["usage"]["device_ms"].as_u64() > Some(0));
}

#[test]
fn an_automaton_answers_what_keeps_its_size_and_a_run_keeps_to_the_devices_time() {
    let host = host("base = \"automaton\"\nsteps = \"200\"");
    assert_eq!(solve(&host, &[])["outcome"], "solved");
    // Fewer steps than it takes to tell how long one is.
    host.write("stratagem.toml", "[settings.ttt]\nbase = \"automaton\"\nsteps = \"2\"\n");
    assert!(!solve(&host, &[])["answers"].as_array().unwrap().is_empty());
    host.write("stratagem.toml", "[limits]\ndevice_ms = 300\n");
    let run = solve(&host, &[]);
    assert_eq!(run["usage"]["device_ms"], 300);
    assert_eq!(run["usage"]["limits_hit"], json!(["device_ms"]));
    assert!(!run["answers"].as_array().unwrap().is_empty(), "what was drawn until then counts");
    // Wherever in its two trainings an automaton is stopped, it has the last word.
    for device_ms in [100, 200, 400] {
        let limits = format!("[limits]\ndevice_ms = {device_ms}\n[settings.ttt]\nbase = \"automaton\"\n");
        host.write("stratagem.toml", &limits);
        let run = solve(&host, &[]);
        assert_eq!(run["ending"], "returned", "{device_ms}");
        assert!(!run["answers"].as_array().unwrap().is_empty(), "{device_ms}");
    }
}

#[test]
fn what_cannot_be_trained_or_shown_is_said_in_words() {
    let host = host("base = \"oracle\"");
    let gave_up = |host: &Host| solve(host, &[])["ending"]["gave_up"].as_str().unwrap_or_default().to_owned();
    assert_eq!(gave_up(&host), "setting base \"oracle\": compression or automaton");
    let id = host.one::<String>(NEWEST);
    host.refuses("nothing trained", &["ttt", "show", &id], 2, &["trained nothing", "hint: name a run"]);
    host.write("stratagem.toml", "[limits]\ndevice_memory_mb = 0\n");
    assert!(
        gave_up(&host).starts_with("exhausted: device_memory_mb: the adaptation needs"),
        "{}",
        gave_up(&host)
    );
    host.write("stratagem.toml", "[ttt]\nmemory_mb = 0\n");
    assert!(
        gave_up(&host).starts_with("unavailable: the device is full: 0 bytes are left"),
        "{}",
        gave_up(&host)
    );
    host.write("stratagem.toml", "[ttt]\nmemory = 0\n");
    host.refuses("unknown key", &["doctor"], 2, &["stratagem.toml: line 2", "memory"]);
    host.write("stratagem.toml", "");
    assert!(host.succeeds(&["doctor"]).contains("training       ok  on "));
    host.write("stratagem.toml", "[ttt]\ndevice = \"gpu\"\n");
    host.refuses("no such device", &["doctor"], 2, &["stratagem.toml: line 2", "auto, cuda:N or cpu"]);
    host.write("stratagem.toml", "[ttt]\ndevice = \"cpu\"\n");
    assert!(host.succeeds(&["doctor"]).contains("training       ok  on the processor"));
    host.write("stratagem.toml", "[ttt]\ndevice = \"cuda:999\"\n");
    let said = host.run(&["doctor"]);
    assert!(
        said.stdout.contains("broken  [ttt] device is cuda:999: ")
            && said.stdout.contains("hint: name a device")
    );
    assert!(gave_up(&host).starts_with("unavailable: [ttt] device is cuda:999: "), "{}", gave_up(&host));
}

/// The shipped searches ask a model where a setting says so, and go without where none is granted.
#[test]
fn a_model_ranks_what_a_search_found_where_it_is_granted() {
    let score = "[settings.synthesis]\nscore = \"40\"\n";
    let denied = format!("{score}[policy.trust.builtin]\ncapabilities = []\n");
    let host = host("");
    let ranked = |settings: &str| {
        host.write("stratagem.toml", settings);
        host.json(&["solve", "recolour.json", "--strategy", "synthesis", "--json", "-"]);
        let run = host.json(&["runs", "show", &host.one::<String>(NEWEST), "--json"]);
        assert_eq!(run["outcome"], "solved");
        let steps = run["steps"].as_array().unwrap().iter();
        let step = steps.filter(|step| step["action"] == "rank").map(|step| step["detail"].as_str().unwrap());
        (step.map(str::to_owned).collect::<Vec<_>>(), run["usage"]["device_ms"].as_u64().unwrap())
    };
    assert_eq!(ranked(""), (vec![], 0));
    let (told, device_ms) = ranked(score);
    assert!(told[0].ends_with("by a model of 40 steps on cpu") && device_ms > 0, "{told:?}");
    assert_eq!(host.succeeds(&["runs", "replay", "--last", "1"]).matches("same answers").count(), 1);
    assert_eq!(ranked(&denied), (vec!["unavailable: `ttt` is not granted here".to_owned()], 0));
}
