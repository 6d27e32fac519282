use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Host, PROBE, Said};

const SOLVE: [&str; 6] = ["solve", "./tasks", "--strategy", PROBE, "--pictures", "never"];
const PATIENCE: Duration = Duration::from_mins(1);

/// Every stored run without ids and what clocks say, by task.
fn runs(host: &Host) -> Vec<Value> {
    let list = host.json(&["runs", "list", "--limit", "1000", "--json"]);
    let ids = list.as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap().to_owned());
    let mut runs: Vec<Value> = ids.map(|id| host.json(&["runs", "show", &id, "--json"])).collect();
    for run in &mut runs {
        for clock in ["id", "started_at", "finished_at"] {
            run[clock] = Value::Null;
        }
        (run["usage"]["cpu_seconds"], run["usage"]["wall_ms"]) = (Value::Null, Value::Null);
        // Each piece of work is an evaluation of its own.
        run["place"]["evaluation"] = Value::Null;
    }
    runs.sort_by_key(|run| run["task_id"].as_str().unwrap().to_owned());
    runs
}

/// The processes whose parent is this one, and whether each is a zombie.
fn children(parent: u32) -> Vec<(u32, bool)> {
    let child = |path: &Path| {
        let stat = fs::read_to_string(path.join("stat")).ok()?;
        let mut fields = stat.rsplit_once(") ")?.1.split(' ');
        let (state, of) = (fields.next()?, fields.next()?.parse::<u32>().ok()?);
        (of == parent).then_some((path.file_name()?.to_str()?.parse().ok()?, state == "Z"))
    };
    fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| child(&entry.path())).collect()
}

fn send(signal: &str, to: &str) {
    assert!(Command::new("kill").args(["-s", signal, "--", to]).status().unwrap().success());
}

/// Waits for a worker that has used some time: its plugin runs then.
fn worker(child: &mut Child) -> u32 {
    let started = Instant::now();
    loop {
        let busy = |&(pid, _): &(u32, bool)| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let ticks = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(11)?.parse().ok());
            let is_worker =
                fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.ends_with(b"worker\0"));
            is_worker && ticks.unwrap_or(0_u64) > 20
        };
        if let Some((pid, _)) = children(child.id()).into_iter().find(busy) {
            return pid;
        }
        assert!(child.try_wait().unwrap().is_none(), "it ended before any worker was at work");
        assert!(started.elapsed() < PATIENCE, "no worker");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn ends(child: Child) -> Said {
    Said::of(child.wait_with_output().unwrap())
}

#[test]
fn isolated_runs_are_what_runs_in_the_host_are_and_replay_either_way() {
    for (top, act, flags) in [
        ("", "compute", &[][..]),
        ("", "chance", &["--seed", "9"]),
        ("[limits]\nanswers = 5", "answers", &[]),
        ("", "invalid", &[]),
        ("[limits]\nlog_bytes = 300", "log", &[]),
        ("[limits]\nsteps = 20", "steps", &[]),
        ("[limits]\nhost_calls = 500", "calls", &[]),
        ("", "give-up", &[]),
        ("", "panic", &[]),
        ("", "burn", &["--fuel", "20000000"]),
        ("", "grow", &["--memory-mb", "16"]),
    ] {
        let solve = |isolate: &[&str]| {
            let host = Host::new();
            host.write_tasks(3);
            host.probe_does(top, &format!("act = \"{act}\"\ncount = \"500\""));
            host.succeeds(&[&SOLVE[..], flags, isolate].concat());
            host
        };
        let (here, there) = (solve(&[]), solve(&["--isolate"]));
        assert_eq!(runs(&there), runs(&here), "{act}");
        for replay in
            [&["runs", "replay", "--last", "3"][..], &["runs", "replay", "--last", "3", "--isolate"]]
        {
            let text = there.succeeds(replay);
            assert!(text.ends_with("3 of 3 runs gave the same answers for the same fuel\n"), "{act}: {text}");
        }
        here.succeeds(&["runs", "replay", "--last", "3", "--isolate"]);
    }
}

#[test]
fn what_the_clock_or_the_stack_ended_is_told_as_in_the_host() {
    for (act, flags, outcome) in [
        ("burn", &["--fuel", "1000000000000", "--wall-ms", "300"][..], "past_deadline"),
        ("overflow-stack", &[], "trap"),
    ] {
        let host = Host::new();
        host.write_tasks(1);
        host.probe_does("", &format!("act = \"{act}\""));
        let args = [&SOLVE[..], flags, &["--isolate", "--json", "-"]].concat();
        let row = &host.json(&args)["tasks"][0];
        assert_eq!((&row["outcome"], &row["answers"]), (&json!(outcome), &json!(1)), "{act}");
        let said = host.run(&["runs", "replay", "--last", "1", "--isolate"]);
        assert!(said.stdout.contains("not replayable"), "{act}: {said:?}");
    }
}

#[test]
fn a_worker_that_is_killed_costs_its_own_run_and_is_run_again_on_resume() {
    for (signal, outcome, status) in [("KILL", "host_fault", 1), ("ABRT", "trap", 0)] {
        let host = Host::new();
        host.write_tasks(4);
        host.probe_does("", "act = \"burn\"");
        let solve = [&SOLVE[..], &["--jobs", "2", "--fuel", "12000000000", "--isolate"]].concat();
        let mut child = host.start(&solve);
        let pid = worker(&mut child);
        send(signal, &pid.to_string());
        let said = ends(child);
        assert_eq!(said.status, Some(status), "{said:?}");
        assert!(said.stderr.contains(&format!("SIG{signal}")), "{}", said.stderr);
        let count = |outcome: &str| {
            host.one::<i64>(&format!("SELECT count(*) FROM runs WHERE outcome = '{outcome}'"))
        };
        assert_eq!((count(outcome), count("out_of_fuel")), (1, 3), "{signal}");
        let lost: String = host.one(&format!("SELECT id FROM runs WHERE outcome = '{outcome}'"));
        assert!(host.succeeds(&["runs", "show", &lost]).contains(&format!("SIG{signal}")));
        assert!(host.run(&["runs", "replay", &lost]).stdout.contains("not replayable"));
        // What somebody outside ended is not finished; what crashed is.
        host.succeeds(&[&solve[..], &["--resume"]].concat());
        let again = i64::from(signal == "KILL");
        assert_eq!((host.stored(), count("out_of_fuel")), (4 + again, 3 + again), "{signal}");
    }
}

#[test]
fn workers_leave_nothing_behind() {
    let host = Host::new();
    host.write_tasks(40);
    host.probe_does("", "act = \"compute\"\ncount = \"2000\"");
    let mut child = host.start(&[&SOLVE[..], &["--jobs", "2", "--isolate"]].concat());
    let open = |pid: u32| fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count);
    assert!(host.waits_for_runs(3, &mut child), "it was done too soon to be looked at");
    let few = open(child.id());
    let mut most = (0, 0);
    while child.try_wait().unwrap().is_none() {
        most = (most.0.max(children(child.id()).len()), most.1.max(open(child.id())));
        std::thread::sleep(Duration::from_millis(3));
    }
    // One a job, its three pipes, and those that its start takes for a moment.
    assert!(most.0 <= 2 && most.1 <= few + 2 * 9, "{most:?} processes and files, {few} files before");
    assert_eq!(ends(child).status, Some(0));
    assert_eq!(host.stored(), 40);
}

#[test]
fn workers_end_with_their_host_however_it_ends() {
    let host = Host::new();
    host.write_tasks(2);
    host.probe_does("", "act = \"burn\"");
    let mut child = host.start(&[&SOLVE[..], &["--fuel", "1000000000000", "--isolate"]].concat());
    let pid = worker(&mut child);
    child.kill().unwrap();
    child.wait().unwrap();
    let started = Instant::now();
    let is_there =
        || fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "));
    while is_there() {
        assert!(started.elapsed() < PATIENCE, "worker {pid} outlives its host");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A terminal sends Ctrl-C to all processes of the command.
#[test]
fn ctrl_c_lets_isolated_runs_finish() {
    let host = Host::new();
    host.write_tasks(4);
    host.probe_does("", "act = \"burn\"");
    let args =
        [&SOLVE[..], &["--jobs", "1", "--fuel", "12000000000", "--isolate", "--data-dir", "data"]].concat();
    let mut command: Command = host.bare(&args);
    let mut child = command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    worker(&mut child);
    send("INT", &format!("-{}", child.id()));
    let said = ends(child);
    assert_eq!(said.status, Some(1), "{said:?}");
    assert!(said.stderr.contains("interrupted: "), "{}", said.stderr);
    assert_eq!(host.one::<i64>("SELECT count(*) FROM runs WHERE outcome <> 'out_of_fuel'"), 0);
    assert!(host.stored() >= 1);
}

#[test]
fn isolation_is_asked_for_by_flag_or_file_and_the_doctor_knows_it() {
    let host = Host::new();
    host.write_tasks(2);
    let checks = host.json(&["doctor", "--json"]);
    let found = checks.as_array().unwrap().iter().find(|check| check["name"] == "isolation").unwrap();
    let words = found["found"].as_str().unwrap();
    assert!(words.starts_with("rlimits, ") && words.contains("seccomp"), "{words}");
    assert_eq!(found["state"] == "ok", words.contains("Landlock ABI"), "{words}");
    host.probe_does("isolate = true", "act = \"burn\"");
    let mut child = host.start(&[&SOLVE[..], &["--fuel", "12000000000"]].concat());
    worker(&mut child);
    assert_eq!(ends(child).status, Some(0));
    // Whatever runs a plugin's code does it in a worker then.
    host.succeeds(&["plugin", "inspect", PROBE]);
    host.succeeds(&["doctor"]);
}

#[test]
fn a_plugin_that_cannot_introduce_itself_is_refused_from_a_worker_in_the_same_words() {
    let host = Host::with_a_run();
    host.write_tasks(1);
    let calm = include_str!("calm.wat");
    let mute = calm.replace("(result i32) (i32.const 64)", "(result i32) unreachable");
    let other = calm.replace("(result (result (error string)))", "(result (result (error u32)))");
    for (name, text, words) in [("mute.wasm", mute, "`describe` failed"), ("other.wasm", other, "`solve`")] {
        host.write(name, crate::harness::component(&text));
        let plugin = format!("./{name}");
        let args = ["solve", "./tasks", "--strategy", &plugin, "--no-store"];
        let (here, there) = (host.run(&args), host.run(&[&args[..], &["--isolate"]].concat()));
        assert_eq!(there.status, Some(1), "{name}: {there:?}");
        assert!(there.stderr.contains(words) && there.stderr.contains("hint: "), "{name}: {}", there.stderr);
        assert_eq!(there.stderr, here.stderr, "{name}");
    }
}
