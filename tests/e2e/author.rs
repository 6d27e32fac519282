use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use crate::harness::{Host, Said, builds, interrupt};

/// What a build may take on a machine where nothing is warm.
const PATIENCE: Duration = Duration::from_mins(15);

fn names(host: &Host, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(host.path(folder)).unwrap().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_cannot_be_started_is_refused_and_leaves_nothing() {
    let host = Host::new();
    host.write("taken/notes.txt", "mine");
    fs::create_dir(host.path("empty")).unwrap();
    std::os::unix::fs::symlink("nowhere", host.path("link")).unwrap();
    let before = names(&host, ".");
    let long = "a".repeat(65);
    for (name, words) in [
        ("Mirror", "name \"Mirror\" is not usable"),
        ("../up", "name \"../up\" is not usable"),
        ("a b", "name \"a b\" is not usable"),
        ("", "name \"\" is not usable"),
        (&long, "is not usable"),
        ("taken", "taken: this exists"),
        ("empty", "empty: this exists"),
        ("link", "link: this exists"),
    ] {
        host.refuses(name, &["plugin", "new", name], 2, &[words]);
    }
    let other = ["plugin", "new", "fresh", "--lang", "go"];
    host.refuses("language", &other, 2, &["language \"go\"", "there is: rust"]);
    host.refuses("out", &["plugin", "new", "fresh", "--out", "gone"], 1, &["gone/fresh: ", "folder exists"]);
    assert_eq!(names(&host, "."), before);
    assert_eq!(names(&host, "taken"), ["notes.txt"]);
}

#[test]
fn a_new_plugin_is_whole_and_as_open_as_any_folder() {
    let host = Host::new();
    fs::create_dir(host.path("mine")).unwrap();
    // A name that cargo would not take for a crate of its own.
    let said = host.succeeds(&["plugin", "new", "9-match", "--lang", "rust", "--out", "mine"]);
    assert!(said.starts_with("mine/9-match: ") && said.contains("--strategy 9-match"), "{said}");
    assert_eq!(names(&host, "mine"), ["9-match"]);
    let there = [
        ".gitignore",
        "Cargo.lock",
        "Cargo.toml",
        "README.md",
        "plugin.toml",
        "src",
        "tasks",
        "vendor",
        "wit",
    ];
    assert_eq!(names(&host, "mine/9-match"), there);
    let mode = |path: &str| fs::metadata(host.path(path)).unwrap().permissions().mode();
    assert_eq!(mode("mine/9-match"), mode("mine"));
    // Cargo finds nothing to mend: the versions are those that the shipped plugins are built with.
    let args = ["plugin", "build", "--locked", "mine/9-match"];
    let said = Said::of(builds(&mut host.command(&args)).output().unwrap()).succeeded(&args);
    assert!(said.starts_with("9-match ") && said.contains("data/plugins/9-match"), "{said}");
    assert!(host.succeeds(&["plugin", "inspect", "9-match"]).contains("runs it"));
}

#[test]
fn a_plugin_is_never_packed_over_its_sources() {
    let host = Host::new();
    let said = host.succeeds(&["plugin", "new", "fresh"]);
    assert!(said.starts_with("fresh: ") && said.contains("cd fresh\n"), "{said}");
    let before = fs::read_to_string(host.path("fresh/plugin.toml")).unwrap();
    let mut build = host.command(&["plugin", "build", "fresh", "--out", "."]);
    let said = Said::of(builds(&mut build).output().unwrap());
    said.refused("over", 2, &["fresh: the plugin would be packed over its sources"]);
    assert_eq!(fs::read_to_string(host.path("fresh/plugin.toml")).unwrap(), before);
    let nowhere = host.run(&["plugin", "watch", "nowhere"]);
    nowhere.refused("nowhere", 1, &["nowhere/plugin.toml: ", "plugin new"]);
}

/// A command at work, and what it says on either stream, line by line.
struct Watching {
    child: Child,
    lines: Receiver<String>,
}

impl Watching {
    fn start(host: &Host, args: &[&str]) -> Self {
        let mut command = host.command(args);
        let mut child = builds(&mut command).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = channel();
        listen(child.stdout.take().unwrap(), sender.clone());
        listen(child.stderr.take().unwrap(), sender);
        Self { child, lines }
    }

    /// Waits until every word was said since the last of these waits, in any order.
    fn hears(&self, words: &[&str]) {
        let mut heard: Vec<String> = Vec::new();
        while !words.iter().all(|word| heard.iter().any(|line| line.contains(word))) {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => heard.push(line),
                Err(error) => panic!("{words:?}: {error}: {}", heard.join("\n")),
            }
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn listen(from: impl Read + Send + 'static, sender: Sender<String>) {
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
}

#[test]
fn every_save_builds_and_solves_again_until_an_interrupt() {
    let host = Host::new();
    host.succeeds(&["plugin", "new", "watched"]);
    let source = "watched/src/rules.rs";
    let good = fs::read_to_string(host.path(source)).unwrap();
    let save = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        host.write(source, good.replace(from, to));
    };
    let mut watching = Watching::start(&host, &["plugin", "watch", "watched"]);
    watching.hears(&["watched 0.", " 0 failed", "first  solved", "expected", "watching watched"]);

    save("pub fn mirrored", "pub fn ()");
    let broken = "error: watched/Cargo.toml: the plugin does not build";
    watching.hears(&["expected identifier", broken, "watching watched"]);

    save("(\"mirrored\", mirrored)", "(\"again\", upside_down)");
    watching.hears(&["first  not solved", "no answer was offered", "watching watched"]);

    // A trap is the plugin's own affair: it is told, and watching goes on.
    save("let mut output", "assert!(grid.width > 90);\n    let mut output");
    let conforms = "error: plugin \"watched\" does not conform";
    let trapped = "strategy \"watched\" on task first trapped";
    watching.hears(&["FAIL  small-fuel: ", conforms, trapped, "watching watched"]);

    // Saved again while the build is on: what counts is the last save.
    save("(\"mirrored\", mirrored)", "(\"once more\", upside_down)");
    watching.hears(&["Compiling plugin-watched"]);
    host.write(source, &good);
    watching.hears(&["first  solved", "watching watched"]);

    interrupt(&watching.child);
    assert_eq!(watching.child.wait().unwrap().code(), Some(0));
    // What was built last is what the name finds.
    let args = ["solve", "watched/tasks/first.json", "--strategy", "watched"];
    assert!(host.succeeds(&args).contains("first  solved"));
}

#[test]
fn one_round_ends_with_its_status() {
    let host = Host::new();
    host.succeeds(&["plugin", "new", "once"]);
    let run = |args: &[&str]| Said::of(builds(&mut host.command(args)).output().unwrap());
    let once = ["plugin", "watch", "once", "--once"];
    let said = run(&once).succeeded(&once);
    assert!(said.contains("first  solved") && said.contains(" 0 failed"), "{said}");
    let unchecked = [&once[..], &["--no-check"]].concat();
    assert!(!run(&unchecked).succeeded(&unchecked).contains(" failed"));
    let said = run(&[&once[..], &["--task", "none.json"]].concat());
    assert_eq!(said.status, Some(2), "{said:?}");
    assert!(said.stderr.contains("no task, dataset, file or folder \"none.json\""), "{said:?}");
    fs::remove_dir_all(host.path("once/tasks")).unwrap();
    assert!(run(&once).succeeded(&once).contains("no task to solve: put one into once/tasks"));
    host.write("once/plugin.toml", "name = \"once\"\n");
    let said = run(&once);
    assert_eq!(said.status, Some(1));
    assert!(said.stderr.contains("once/plugin.toml: ") && said.stderr.contains("missing field"), "{said:?}");
}
