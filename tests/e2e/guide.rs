use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use crate::harness::{Host, Said, builds, told};

const GUIDE: &str = include_str!("../../docs/plugin-guide.md");

/// The guide's blocks with their kinds, in order: text and blocks take turns.
fn blocks() -> Vec<(&'static str, &'static str)> {
    let parts: Vec<&str> = GUIDE.split("```").collect();
    assert!(parts.len() % 2 == 1, "a block is not closed");
    parts.into_iter().skip(1).step_by(2).map(|block| block.split_once('\n').unwrap()).collect()
}

/// Who follows the plugin guide word for word, in an empty folder and a new home, gets what it says.
#[test]
fn the_plugin_guide_leads_from_an_empty_folder_to_a_solved_task() {
    let host = Host::empty();
    let program = Path::new(env!("CARGO_BIN_EXE_stratagem"));
    let mut path = vec![program.parent().unwrap().to_owned()];
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let mut bash = host.at_home("bash");
    builds(&mut bash).env("PATH", std::env::join_paths(path).unwrap()).args(["-euo", "pipefail", "-c"]);
    let script: String =
        blocks().into_iter().filter(|(kind, _)| *kind == "sh").map(|(_, text)| text).collect();
    let started = Instant::now();
    let mut bash =
        bash.arg(script).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("bash is there");
    let errors = bash.stderr.take().unwrap();
    let errors = std::thread::spawn(move || std::io::read_to_string(errors).unwrap());
    let (mut stdout, mut solved) = (String::new(), None);
    for line in BufReader::new(bash.stdout.take().unwrap()).lines().map(Result::unwrap) {
        if line.starts_with("first  solved") {
            solved.get_or_insert_with(|| started.elapsed());
        }
        stdout += &(line + "\n");
    }
    let said = Said { status: bash.wait().unwrap().code(), stdout, stderr: errors.join().unwrap() };
    assert_eq!(said.status, Some(0), "{}{}", said.stdout, said.stderr);
    let mut rest = said.stdout.as_str();
    for line in ["runs it", " 0 failed", "\nfirst  solved", "\nsecond  not solved", "\nsecond  solved"] {
        rest = rest.split_once(line).unwrap_or_else(|| panic!("no {line:?} in turn: {}", said.stdout)).1;
    }
    let seconds = solved.expect("the first task is solved").as_secs_f64();
    told(&format!("plugin guide: {seconds:.0} s from `plugin new` to a solved task"));

    let kept = Said::of(host.bare(&["runs", "list", "--json"]).output().unwrap());
    let runs: serde_json::Value = serde_json::from_str(&kept.stdout).unwrap();
    assert_eq!(runs.as_array().unwrap().len(), 3, "{runs}");
    let read = |file: &str| std::fs::read_to_string(host.path("mirror/src").join(file)).unwrap();
    let sources = [read("lib.rs"), read("rules.rs")];
    for (_, shown) in blocks().into_iter().filter(|(kind, _)| *kind == "rust") {
        assert!(
            sources.iter().any(|source| source.contains(shown)),
            "the guide shows what is not there: {shown}"
        );
    }
}

/// A block of another kind would be a command that nobody has tried.
#[test]
fn every_block_of_the_guide_is_of_a_known_kind() {
    for (kind, text) in blocks() {
        assert!(["sh", "text", "rust"].contains(&kind), "{kind:?}: {text}");
    }
    assert!(blocks().iter().filter(|(kind, _)| *kind == "sh").count() >= 5);
}
