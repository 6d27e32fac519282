use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rusqlite::Connection;

use crate::harness::{Host, Kept, PROBE, identity, is_encrypted, skipped};
use crate::tmpfs::Tmpfs;

const SOLVE: [&str; 4] = ["solve", "before", "--strategy", PROBE];

#[test]
fn a_command_line_that_asks_for_what_there_is_not_is_misuse() {
    let host = Host::with_a_run();
    host.write_tasks(1);
    fs::create_dir(host.path("folder")).unwrap();
    let with = |more: &[&'static str]| [&["solve", "./tasks", "--strategy", PROBE], more].concat();
    let cases: [(&str, Vec<&str>, i32, &[&str]); 15] = [
        ("unknown strategy", vec!["solve", "before", "--strategy", "nobody"], 2, &["no strategy \"nobody\""]),
        ("unknown task", vec!["solve", "nothing", "--strategy", PROBE], 2, &["\"nothing\"", "tasks list"]),
        ("unknown task of a set", vec!["solve", "before/zz", "--strategy", PROBE], 2, &["\"before/zz\""]),
        ("unknown split", vec!["solve", "before/training", "--strategy", PROBE], 2, &["no split training"]),
        ("unknown file", vec!["solve", "./no.json", "--strategy", PROBE], 2, &["\"./no.json\""]),
        ("unknown task shown", vec!["tasks", "show", "nothing"], 2, &["no task \"nothing\""]),
        ("fuel beyond the bound", with(&["--fuel", "1000000000001"]), 2, &["`fuel`", "1,000,000,000,000"]),
        ("memory beyond the bound", with(&["--memory-mb", "4096"]), 2, &["`memory_mb`", "[bounds]"]),
        ("a seed too large", with(&["--seed", "9007199254740992"]), 2, &["seed 9007199254740992"]),
        ("no jobs", with(&["--jobs", "0"]), 2, &["0 jobs"]),
        ("a report into nowhere", with(&["--json", "no/r.json"]), 2, &["no/r.json", "no folder"]),
        ("a submission into nowhere", with(&["--submission", "no/s.json"]), 2, &["no/s.json", "no folder"]),
        ("a report over a folder", with(&["--json", "folder"]), 2, &["folder"]),
        ("an unknown run", vec!["runs", "show", "ffffffff"], 1, &["ffffffff", "stratagem.db"]),
        ("a run's id cut too short", vec!["runs", "replay", "0"], 1, &["\"0\"", "at least 4"]),
    ];
    for (case, args, status, words) in cases {
        host.refuses(case, &args, status, words);
    }
    assert!(fs::read_dir(host.path("folder")).unwrap().next().is_none(), "a check leaves no file behind");
}

#[test]
fn bad_settings_are_refused_by_file_line_and_key() {
    let host = Host::with_a_run();
    let cases: [(&str, &str, &[&str]); 8] = [
        ("unknown key", "seed = 1\ncolour = 2", &["line 2", "colour"]),
        ("unknown limit", "[limits]\nfuell = 2", &["line 2", "fuell"]),
        ("unknown bound", "[bounds]\nwall = 2", &["line 2", "wall"]),
        ("wrong type", "jobs = \"two\"", &["line 1", "string"]),
        ("negative", "[limits]\nfuel = -1", &["line 2", "-1"]),
        ("a setting that is no text", "[settings.probe]\ncount = 7", &["line 2", "string"]),
        ("not TOML", "seed = = 1", &["line 1"]),
        ("not closed", "[limits", &["line 1"]),
    ];
    for (case, text, words) in cases {
        host.write("bad.toml", text);
        let args = [&SOLVE[..], &["--config", "bad.toml"]].concat();
        host.refuses(case, &args, 2, &[&["bad.toml"], words].concat());
    }
    let args = [&SOLVE[..], &["--config", "no.toml"]].concat();
    host.refuses("no file", &args, 2, &["no.toml"]);
    host.write("limits.toml", "[limits]\nfuel = 60\n[bounds]\nfuel = 50");
    let args = [&SOLVE[..], &["--config", "limits.toml"]].concat();
    host.refuses("limit beyond its own bound", &args, 2, &["`fuel` is 60", "bound is 50"]);
}

#[test]
fn a_place_without_database_says_so_and_stays_without() {
    let host = Host::new();
    let cases: [&[&str]; 5] = [
        &["tasks", "list"],
        &["tasks", "show", "a"],
        &["runs", "list"],
        &["runs", "show", "abcd"],
        &["runs", "replay", "--last", "3"],
    ];
    for args in cases {
        host.refuses(&args.join(" "), args, 1, &["no database at data/stratagem.db", "import"]);
    }
    assert!(!host.database().exists());
    host.write_tasks(1);
    host.succeeds(&["tasks", "import", "tasks"]);
    host.refuses("nothing to replay", &["runs", "replay", "--last", "3"], 1, &["no runs to replay"]);
}

#[test]
fn a_file_that_is_not_our_database_is_left_as_it_was() {
    let host = Host::new();
    host.write("before.json", identity(1));
    let path = host.database();
    let commands: [&[&str]; 3] = [
        &["solve", "before.json", "--strategy", PROBE],
        &["tasks", "import", "before.json"],
        &["runs", "list"],
    ];
    let refused = |case: &str, words: &[&str]| {
        for args in commands {
            host.refuses(case, args, 1, &[&["data/stratagem.db"], words].concat());
        }
    };
    host.write("data/stratagem.db", "this is text, long enough to be a header of something else entirely");
    refused("text", &["not a SQLite database", "left as it was"]);
    fs::remove_file(&path).unwrap();
    Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1)")
        .unwrap();
    let says = if is_encrypted() { "is not encrypted" } else { "another program" };
    refused("another program's", &[says, "left as it was"]);
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    for args in commands {
        host.run(args).refused("a folder", 1, &["data/stratagem.db", "not a folder"]);
    }
}

#[test]
fn a_database_of_a_newer_or_another_program_is_left_as_it_was() {
    let host = Host::with_a_run();
    let change = |sql: &str| host.db().execute_batch(sql).unwrap();
    change(
        "INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES (99, 'later', 'x', 0)",
    );
    let commands: [&[&str]; 4] =
        [&SOLVE, &["tasks", "import", "before.json"], &["runs", "list"], &["runs", "replay", "--last", "1"]];
    for args in commands {
        host.refuses("newer", args, 1, &["data/stratagem.db", "schema version 99", "newer program"]);
    }
    change("DELETE FROM schema_migrations WHERE version = 99; UPDATE schema_migrations SET checksum = 'y'");
    for args in commands {
        host.refuses("drifted", args, 1, &["0001_core differs", "data/stratagem.db"]);
    }
}

#[test]
fn a_damaged_database_is_told_from_one_that_is_none() {
    let host = Host::with_a_run();
    let whole = fs::read(host.database()).unwrap();
    let mut torn = whole.clone();
    torn[4096..].fill(0xff);
    for (case, bytes) in [("overwritten", &torn[..]), ("cut", &whole[..8192])] {
        fs::write(host.database(), bytes).unwrap();
        for args in [&SOLVE[..], &["runs", "list"]] {
            host.refuses(case, args, 1, &["data/stratagem.db is damaged", "restore"]);
        }
    }
}

#[test]
fn a_full_disk_loses_nothing_that_was_stored() {
    let mut host = Host::new();
    let Some(disk) = Tmpfs::mount(&host.path("disk"), 16_384) else {
        skipped("mounting a tmpfs, to be filled, is not permitted here");
        return;
    };
    host.keep_in("disk/data");
    host.write("before.json", identity(7));
    (0..400).for_each(|at| host.write(&format!("many/m{at:03}.json"), identity(at)));
    host.succeeds(&["solve", "before.json", "--strategy", PROBE]);
    let before = host.kept();
    // With nothing left not even SQLite's own files can be made; with a little, a write fails midway.
    for left in [0, 120] {
        disk.fill(left);
        let said = host.run(&["tasks", "import", "./many"]);
        disk.clear();
        said.refused("import", 1, &["disk/data/stratagem.db", "space"]);
        assert!(before == host.kept(), "{left} KiB were left");
    }
    host.write_tasks(40);
    host.succeeds(&["tasks", "import", "tasks"]);
    let runs: i64 = host.one("SELECT count(*) FROM runs");
    let lines = |host: &Host| match host.kept() {
        Kept::Tables(tables) => tables.into_values().flatten().collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    let before = lines(&host);
    disk.fill(160);
    let said = host.run(&["solve", "tasks", "--strategy", PROBE]);
    disk.clear();
    said.refused("solve", 1, &["task t", "could not be stored", "disk/data/stratagem.db", "space"]);
    let after = lines(&host);
    assert!(before.iter().all(|line| after.contains(line)), "what was stored is still there");
    let whole = "SELECT count(*) FROM runs JOIN resource_usage u ON u.run_id = runs.id JOIN episodes e ON e.run_id = runs.id";
    assert_eq!(host.one::<i64>(whole), host.one::<i64>("SELECT count(*) FROM runs"));
    assert_eq!(host.one::<String>("PRAGMA integrity_check"), "ok");
    let report = host.json(&["solve", "tasks", "--strategy", PROBE, "--resume", "--json", "-"]);
    assert_eq!(report["summary"]["solved_at_1"], 40);
    assert_eq!(host.one::<i64>("SELECT count(*) FROM runs"), runs + 40);
}

#[test]
fn a_disk_that_may_not_be_written_is_named() {
    let mut host = Host::new();
    let disk = Tmpfs::mount(&host.path("disk"), 8192);
    host.keep_in("disk/data");
    host.write("before.json", identity(7));
    host.write("other.json", identity(8));
    host.succeeds(&["solve", "before.json", "--strategy", PROBE]);
    let before = host.kept();
    let make_read_only = |is_read_only: bool| match &disk {
        Some(disk) => disk.make_read_only(is_read_only),
        None => forbid_writing(&host.path("disk"), is_read_only),
    };
    make_read_only(true);
    if fs::write(host.path("disk/tried"), "").is_ok() {
        skipped("this user may write what is read-only");
        return;
    }
    let commands: [&[&str]; 3] =
        [&SOLVE, &["tasks", "import", "other.json"], &["solve", "other.json", "--strategy", PROBE]];
    let said: Vec<_> = commands.iter().map(|args| host.run(args)).collect();
    let fresh =
        host.run(&["solve", "other.json", "--strategy", PROBE, "--no-store", "--json", "disk/r.json"]);
    make_read_only(false);
    for (args, said) in commands.iter().zip(said) {
        said.refused(&args.join(" "), 1, &["disk/data/stratagem.db", "writ"]);
    }
    fresh.refused("a report", 1, &["disk/r.json", "written"]);
    assert!(before == host.kept());
}

#[test]
fn a_data_folder_that_is_a_file_is_named() {
    let mut host = Host::new();
    host.write("before.json", identity(7));
    host.write("occupied", "a file");
    host.keep_in("occupied");
    host.run(&["tasks", "import", "before.json"]).refused("import", 1, &["occupied"]);
    host.run(&["solve", "before.json", "--strategy", PROBE]).refused("solve", 1, &["occupied"]);
    assert_eq!(fs::read_to_string(host.path("occupied")).unwrap(), "a file");
}

/// Takes the right to write from every folder and file below one, or gives it back.
fn forbid_writing(folder: &Path, is_forbidden: bool) {
    let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let (folders, files) = if is_forbidden { (0o555, 0o444) } else { (0o755, 0o644) };
    set(folder, 0o755);
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { forbid_writing(&path, is_forbidden) } else { set(&path, files) }
    }
    set(folder, folders);
}
