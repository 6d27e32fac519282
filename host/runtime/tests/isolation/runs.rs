//! Runs in workers: the same as in the host, and what becomes of a worker that is ended or lies.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use stratagem_domain::{
    Capability, Ending, Grid, LabelledTask, Limits, Pair, RunReport, Settings, Strategy, Task, Usage,
};
use stratagem_runtime::{Grants, LoadError, LoadedStrategy, Package, Sandbox, SandboxConfig, WorkerProcess};

pub type Test = (&'static str, fn());

pub const TESTS: &[Test] = &[
    ("a worker does what the host does", a_worker_does_what_the_host_does),
    ("a worker has what was granted", a_worker_has_what_was_granted),
    ("a worker that is ended costs its own run", a_worker_that_is_ended_costs_its_own_run),
    ("what is no worker is found out", what_is_no_worker_is_found_out),
];

fn guests() -> PathBuf {
    let usual = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/guests");
    std::env::var_os("STRATAGEM_GUESTS").map_or_else(usual, PathBuf::from)
}

pub fn worker() -> WorkerProcess {
    WorkerProcess { program: std::env::current_exe().unwrap(), args: vec!["worker".into()] }
}

pub fn sandbox(worker: Option<WorkerProcess>) -> Result<Sandbox, LoadError> {
    Sandbox::new(&SandboxConfig { worker, slots: 4, ..SandboxConfig::default() })
}

fn probe(sandbox: &Sandbox) -> LoadedStrategy {
    plugin(sandbox, "probe")
}

fn plugin(sandbox: &Sandbox, name: &str) -> LoadedStrategy {
    sandbox.load(&package(name)).unwrap()
}

pub fn package(name: &str) -> Package {
    let package = Package::read(&guests().join(name));
    package.unwrap_or_else(|error| panic!("{error}: run `just guests` first"))
}

pub fn task() -> Task {
    let grid = Grid::new(3, 2, &[1, 2, 3, 4, 5, 6]).unwrap();
    let pair = Pair { input: grid.clone(), output: grid.clone() };
    Task { id: "t".into(), train: vec![pair], test: vec![grid.clone(), grid] }
}

fn settings(act: &str, count: u64) -> Settings {
    Settings::from([("act".to_owned(), act.to_owned()), ("count".to_owned(), count.to_string())])
}

/// A report without what two clocks say.
pub fn timeless(report: RunReport) -> RunReport {
    let usage = Usage { cpu_seconds: 0.0, wall_ms: 0, ..report.usage };
    RunReport { usage, ..report }
}

fn a_worker_does_what_the_host_does() {
    let small = Limits {
        fuel: 100_000_000,
        memory_mb: 16,
        answers: 5,
        steps: 20,
        log_bytes: 300,
        ..Limits::default()
    };
    let deep = Limits { stack_kb: Limits::MAX_STACK_KB, ..Limits::default() };
    let few = Limits { host_calls: 100, ..Limits::default() };
    let hasty = Limits { wall_ms: 200, ..Limits::default() };
    let acts = [
        ("answer", 0, &small),
        ("nothing", 0, &small),
        ("give-up", 0, &small),
        ("burn", 0, &small),
        ("burn", 0, &hasty),
        ("grow", 0, &small),
        ("hold", 8 << 20, &small),
        ("panic", 0, &small),
        ("overflow-stack", 0, &small),
        ("overflow-stack", 0, &deep),
        ("answers", 0, &small),
        ("invalid", 0, &small),
        ("log", 1_000, &small),
        ("long-log", 2 << 20, &Limits::default()),
        ("steps", 1_000, &small),
        ("calls", 0, &few),
        ("chance", 0, &small),
        ("nan", 0, &small),
        ("budget", 0, &small),
        ("compute", 200, &Limits::default()),
    ];
    let (host, cell) = (sandbox(None).unwrap(), sandbox(Some(worker())).unwrap());
    // Every contract that this host runs, and what a plugin learns.
    for name in ["probe", "since-0-1-0"] {
        let (host, cell) = (plugin(&host, name), plugin(&cell, name));
        let describe = |strategy: &LoadedStrategy| {
            let (said, report) = strategy.describe(7, &deep, &Settings::new());
            (said, timeless(report))
        };
        assert_eq!(describe(&cell), describe(&host), "{name}");
        let Task { id, train, test } = task();
        let known = test.iter().map(|grid| (grid.clone(), Some(grid.clone()))).collect();
        let lesson = LabelledTask::new(&id, train.clone(), known).unwrap();
        let half = LabelledTask { truth: vec![None, Some(test[0].clone())], ..lesson.clone() };
        let learn = |strategy: &LoadedStrategy| {
            strategy.learn(&[lesson.clone(), half.clone()], 7, &Limits::default(), &Settings::new())
        };
        let learned = timeless(learn(&cell));
        assert_eq!(learned, timeless(learn(&host)), "{name}");
        assert!(learned.log[0].message.starts_with("1 lessons"), "{name}: {learned:?}");
        let run = |strategy: &LoadedStrategy| timeless(strategy.run(&task(), 7, &small, &Settings::new()));
        assert_eq!(run(&cell), run(&host), "{name}");
    }
    let (host, cell) = (probe(&host), probe(&cell));
    assert_eq!(host.description, cell.description);
    for (act, count, limits) in acts {
        let run = |probe: &LoadedStrategy| probe.run(&task(), 7, limits, &settings(act, count));
        let (here, there) = (run(&host), run(&cell));
        let clocks = there.usage.clone();
        let (mut here, mut there) = (timeless(here), timeless(there));
        if here.ending == Ending::PastDeadline {
            // What the clock ends is as long as it is.
            (here.usage.fuel_spent, there.usage.fuel_spent) = (0, 0);
        }
        assert_eq!(there, here, "{act}");
        let is_sane = clocks.cpu_seconds > 0.0 && clocks.cpu_seconds * 1e3 <= clocks.wall_ms as f64 + 1.0;
        assert!(is_sane, "{act}: {clocks:?}");
    }
    // Whole tasks, and what is at the edge of what is allowed.
    let wide = Task { test: vec![Grid::new(30, 30, &[9; 900]).unwrap(); 16], ..task() };
    let run = |probe: &LoadedStrategy| {
        timeless(probe.run(&wide, u64::MAX, &Limits::default(), &settings("compute", 3)))
    };
    assert_eq!(run(&cell), run(&host));
}

/// The folder goes along: nothing of it is on the disk of a worker.
fn a_worker_has_what_was_granted() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("inner")).unwrap();
    fs::write(folder.path().join("inner/file"), "x".repeat(200_000)).unwrap();
    fs::write(folder.path().join("empty"), "").unwrap();
    std::os::unix::fs::symlink("inner", folder.path().join("link")).unwrap();
    let folders = [("/data".to_owned(), folder.path().to_owned())].into();
    let grants = Grants { capabilities: Capability::ALL.into(), folders, ..Grants::default() };
    let load = |worker| sandbox(worker).unwrap().load_granted(&package("wasi-probe"), &grants).unwrap();
    let (host, cell) = (load(None), load(Some(worker())));
    assert_eq!(cell.grants(), host.grants());
    drop(folder);
    let acts =
        ["print", "process", "exit", "clock", "sleep", "random", "folders", "read", "write", "open-many"];
    for act in acts {
        let settings = [("act", act), ("path", "link/file"), ("count", "3")];
        let settings: Settings = settings.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let run =
            |strategy: &LoadedStrategy| timeless(strategy.run(&task(), 5, &Limits::default(), &settings));
        assert_eq!(run(&cell), run(&host), "{act}");
    }
    let random = [("act".to_owned(), "random-bytes".to_owned()), ("count".to_owned(), "300000".to_owned())];
    for lifted_bytes in [1_000, 280_000] {
        let limits = Limits { lifted_bytes, lifted_bytes_call: 300_000, ..Limits::default() };
        let run =
            |strategy: &LoadedStrategy| timeless(strategy.run(&task(), 5, &limits, &random.clone().into()));
        assert_eq!(run(&cell), run(&host), "{lifted_bytes}");
    }
}

/// Processes whose parent this is, and how many files it has open.
fn held() -> (Vec<u32>, usize) {
    let own = std::process::id();
    let stat = |path: &Path| fs::read_to_string(path.join("stat")).ok();
    let parent = |stat: &str| stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse::<u32>().ok();
    let children = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        (parent(&stat(&entry.path())?)? == own).then_some(pid)
    });
    (children.collect(), fs::read_dir("/proc/self/fd").unwrap().count())
}

fn a_worker_that_is_ended_costs_its_own_run() {
    let sandbox = sandbox(Some(worker())).unwrap();
    let probe = probe(&sandbox);
    let endless = Limits { fuel: 1_000_000_000_000, wall_ms: 60_000, ..Limits::default() };
    let well = || probe.run(&task(), 7, &Limits::default(), &settings("answer", 0));
    let before = (held(), timeless(well()));
    assert_eq!(before.0.0, Vec::<u32>::new());
    for (signal, expected) in
        [("KILL", "host_fault"), ("ABRT", "crashed"), ("SYS", "crashed"), ("XCPU", "past_deadline")]
    {
        let report = std::thread::scope(|scope| {
            let run = scope.spawn(|| probe.run(&task(), 7, &endless, &settings("burn", 0)));
            // It is in the plugin as soon as it has used some time.
            let pid = loop {
                let (children, _) = held();
                let ticks = |pid: &&u32| {
                    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
                    let field =
                        stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(11)?.parse().ok());
                    field.unwrap_or(0_u64) > 20
                };
                if let Some(pid) = children.iter().find(ticks) {
                    break *pid;
                }
                std::thread::sleep(Duration::from_millis(5));
            };
            let kill = std::process::Command::new("kill").args(["-s", signal, &pid.to_string()]).status();
            assert!(kill.unwrap().success());
            run.join().unwrap()
        });
        let ending = match &report.ending {
            Ending::HostFault(reason) if reason.contains("SIGKILL") => "host_fault",
            Ending::Crashed(reason) if reason.contains(&format!("SIG{signal}")) => "crashed",
            Ending::PastDeadline => "past_deadline",
            other => panic!("{signal}: {other:?}"),
        };
        assert_eq!(ending, expected, "{signal}");
        assert!(!report.ending.is_replayable() && report.answers.is_empty(), "{signal}");
        assert_eq!((held(), timeless(well())), before, "after {signal}");
    }
}

/// Programs that are no workers, or that speak after they were taken over.
fn what_is_no_worker_is_found_out() {
    let shell =
        |script: &str| WorkerProcess { program: "/bin/sh".into(), args: vec!["-c".into(), script.into()] };
    let refused = |worker: WorkerProcess, words: &str| {
        let started = Instant::now();
        let Err(error) = sandbox(Some(worker)) else { panic!("{words}: it is taken for a worker") };
        assert!(matches!(error, LoadError::NoIsolation(_)) && error.hint().is_some(), "{error:?}");
        assert!(error.to_string().contains(words), "{words}: {error}");
        assert!(started.elapsed() < Duration::from_secs(40), "{words}");
    };
    let missing = WorkerProcess { program: "/no/such/program".into(), args: vec![] };
    refused(missing, "no worker process");
    refused(shell("echo 'error: seccomp: not here' >&2; exit 1"), "seccomp: not here");
    refused(shell("cat > /dev/null"), "exit status: 0 before the plugin began");
    refused(shell("kill -11 $$"), "SIGSEGV");
    refused(shell("printf '\\033[2J' >&2; exit 3"), "\\u{1b}[2J");
    refused(shell("yes"), "before the plugin began");
    // One byte of confinement, then no reply, or one that never ends.
    let frame = "printf '\\001\\000\\000\\000\\000\\000\\000\\000\\000'";
    refused(shell(&format!("{frame}; exit 0")), "the worker ended");
    refused(shell(&format!("{frame}; exec cat /dev/zero")), "the worker said over");
    refused(shell("exec sleep 100"), "past the deadline");
    assert_eq!(held().0, Vec::<u32>::new());
}
