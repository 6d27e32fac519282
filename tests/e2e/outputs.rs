use std::fs::{self, File};
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::harness::{Host, PROBE, Said};

const SOLVE: [&str; 4] = ["solve", "./tasks", "--strategy", PROBE];

fn host() -> Host {
    let host = Host::new();
    host.write_tasks(2);
    host
}

fn with(more: &[&'static str]) -> Vec<&'static str> {
    [&SOLVE, more].concat()
}

/// Holds a file to a whole report on the two tasks.
fn assert_report(bytes: &[u8]) {
    let report: Value = serde_json::from_slice(bytes).unwrap_or_else(|error| panic!("{error}: {bytes:?}"));
    assert_eq!(report["summary"]["solved_at_1"], 2);
    assert!(bytes.ends_with(b"}\n"));
}

/// The names in the working folder.
fn names(host: &Host) -> Vec<String> {
    let files = fs::read_dir(host.path("")).unwrap();
    files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_reader_that_went_away_ends_a_command_quietly() {
    let host = host();
    let commands: [&[&str]; 4] = [
        &with(&["--json", "r.json", "--submission", "s.json"]),
        &with(&["--json", "-", "--submission", "other.json"]),
        &["runs", "list"],
        &["tasks", "show", "t00"],
    ];
    for args in commands {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let said = host.run_into(args, writer);
        assert_eq!((said.status, said.stderr.as_str()), (Some(0), ""), "{args:?}");
    }
    assert_report(&fs::read(host.path("r.json")).unwrap());
    for name in ["s.json", "other.json"] {
        let submission: Value = serde_json::from_slice(&fs::read(host.path(name)).unwrap()).unwrap();
        assert_eq!(submission.as_object().unwrap().len(), 2, "{name}");
    }
    assert_eq!(host.one::<i64>("SELECT count(*) FROM system_events WHERE kind = 'solve.finished'"), 2);
}

#[test]
fn a_full_stdout_is_told_and_costs_no_report() {
    let host = host();
    let full = || File::options().write(true).open("/dev/full").unwrap();
    let commands: [&[&str]; 4] = [
        &with(&["--json", "r.json"]),
        &with(&["--json", "-"]),
        &["runs", "list"],
        &["tasks", "list", "--json"],
    ];
    for args in commands {
        host.run_into(args, full()).refused(&args.join(" "), 1, &["stdout", "space"]);
    }
    assert_report(&fs::read(host.path("r.json")).unwrap());
}

#[test]
fn two_reports_for_one_stdout_are_refused() {
    let host = Host::with_a_run();
    host.write_tasks(2);
    let words = ["--json", "--submission", "stdout"];
    host.refuses("both", &with(&["--json", "-", "--submission", "-"]), 2, &words);
    host.refuses("by name", &with(&["--json", "-", "--submission", "/dev/stdout"]), 2, &words);
}

#[test]
fn a_pipe_with_a_name_is_written_to_and_stays_one() {
    let host = host();
    let pipe = host.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // A pipe that nobody writes to would hold its reader for ever.
    let mut reader = Command::new("timeout");
    let reader = reader.args(["60", "cat"]).arg(&pipe).stdout(Stdio::piped()).spawn().unwrap();
    host.succeeds(&with(&["--json", "pipe"]));
    assert_report(&reader.wait_with_output().unwrap().stdout);
    assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
}

#[test]
fn a_link_is_followed_and_stays_one() {
    let host = host();
    host.write("kept/there.json", "old");
    for (link, to) in [("link.json", "kept/there.json"), ("fresh.json", "kept/fresh.json")] {
        symlink(to, host.path(link)).unwrap();
        host.succeeds(&with(&["--json", link]));
        assert!(fs::symlink_metadata(host.path(link)).unwrap().is_symlink(), "{link}");
        assert!(fs::symlink_metadata(host.path(to)).unwrap().is_file(), "{to}");
        assert_report(&fs::read(host.path(to)).unwrap());
    }
    symlink("no/r.json", host.path("astray.json")).unwrap();
    symlink("round.json", host.path("round.json")).unwrap();
    host.refuses("into nowhere", &with(&["--json", "astray.json"]), 2, &["astray.json", "no folder ./no"]);
    host.refuses("a loop", &with(&["--json", "round.json"]), 1, &["round.json"]);
}

#[test]
fn stdout_by_another_name_is_stdout() {
    let host = host();
    assert_report(host.succeeds(&with(&["--json", "/dev/stdout"])).as_bytes());
    let said = host.run_into(&with(&["--json", "out.txt"]), File::create(host.path("out.txt")).unwrap());
    assert_eq!(said.status, Some(0), "{said:?}");
    assert_report(&fs::read(host.path("out.txt")).unwrap());
}

#[test]
fn a_report_is_as_readable_as_the_umask_says_and_leaves_no_draft() {
    let host = host();
    for (umask, mode) in [("022", 0o644), ("077", 0o600), ("002", 0o664)] {
        let line = format!("umask {umask}; exec \"$0\" \"$@\"");
        let mut shell = Command::new("sh");
        shell.args(["-c", &line, env!("CARGO_BIN_EXE_stratagem")]).current_dir(host.path(""));
        let output = shell.args(with(&["--no-store", "--data-dir", "data", "--json", "r.json"])).output();
        let args = [umask];
        Said::of(output.unwrap()).succeeded(&args);
        let found = fs::metadata(host.path("r.json")).unwrap().permissions().mode();
        assert_eq!(found & 0o777, mode, "umask {umask}");
    }
    assert!(names(&host).iter().all(|name| !name.contains(".tmp")), "{:?}", names(&host));
}
