//! The rules of the repository, held as tests: who imports whom, how long a file may be, what stays in pairs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const LONGEST_FILE: usize = 900;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Every file of the project's own below a folder, build outputs left out.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        if name.to_string_lossy().starts_with('.') || name == "target" {
            continue;
        }
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// The crates of the project that a manifest's `[dependencies]` name.
fn imports(manifest: &Path) -> Vec<String> {
    let text = fs::read_to_string(manifest).unwrap();
    let mut section = "";
    let mut found = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
        } else if section == "dependencies"
            && let Some(rest) = line.strip_prefix("stratagem-")
        {
            found.push(rest.split(['.', ' ', '=']).next().unwrap().to_owned());
        }
    }
    found
}

#[test]
fn crates_import_only_what_the_architecture_allows() {
    let allowed = BTreeMap::from([
        ("host/domain", vec![]),
        ("host/tasks", vec!["domain"]),
        ("host/runtime", vec!["domain"]),
        ("host/store", vec!["domain"]),
        ("host/solve", vec!["domain"]),
        ("host/conformance", vec!["domain", "runtime"]),
        ("host/llm", vec!["domain"]),
        ("host/ttt", vec!["domain"]),
        (
            "host/cli",
            vec!["domain", "tasks", "runtime", "store", "solve", "conformance", "llm", "ttt", "dsl"],
        ),
        ("fuzz", vec!["domain", "tasks", "runtime"]),
        ("host/cli/templates/rust", vec!["sdk"]),
        ("plugins/sdk", vec![]),
        ("plugins/dsl", vec![]),
        ("plugins/kit", vec!["sdk", "dsl"]),
        ("plugins/synthesis", vec!["sdk", "dsl", "kit"]),
        ("plugins/evolution", vec!["sdk", "dsl", "kit", "synthesis"]),
        ("plugins/imitation", vec!["sdk", "dsl", "kit", "synthesis"]),
        ("plugins/ttt", vec!["sdk"]),
        ("plugins/tune", vec!["dsl", "kit", "synthesis", "evolution", "imitation"]),
    ]);
    let manifests = files(&root()).into_iter().filter(|path| path.file_name().unwrap() == "Cargo.toml");
    for manifest in manifests {
        let folder = manifest.parent().unwrap().strip_prefix(root()).unwrap().to_string_lossy().into_owned();
        if folder.starts_with("tests/guests") || folder.is_empty() || folder == "plugins" {
            continue;
        }
        // Anybody's plugin may stand beside the smallest one.
        let example = vec!["sdk", "dsl"];
        let known = if folder.starts_with("plugins/examples/") {
            Some(&example)
        } else {
            allowed.get(folder.as_str())
        };
        let allowed = known.unwrap_or_else(|| panic!("{folder}: a crate with no place in this rule"));
        for import in imports(&manifest) {
            assert!(allowed.contains(&import.as_str()), "{folder} imports {import}: see ARCHITECTURE.md");
        }
    }
}

#[test]
fn only_the_runtime_knows_wasmtime_and_only_the_store_knows_sqlite() {
    let owners = [
        ("wasmtime", "host/runtime"),
        ("rusqlite", "host/store"),
        ("redb", "host/store"),
        ("ureq", "host/llm"),
        ("ndarray", "host/ttt"),
        ("cudarc", "host/ttt"),
    ];
    for manifest in files(&root()).into_iter().filter(|path| path.file_name().unwrap() == "Cargo.toml") {
        let text = fs::read_to_string(&manifest).unwrap();
        let uses = text.split("[dev-dependencies]").next().unwrap();
        let folder = manifest.parent().unwrap().strip_prefix(root()).unwrap().to_string_lossy().into_owned();
        for (library, owner) in owners {
            let named = uses.lines().any(|line| {
                line.starts_with(&format!("{library}.")) || line.starts_with(&format!("{library} "))
            });
            assert!(
                !named || folder == owner || folder.is_empty(),
                "{folder} uses {library}, which is {owner}'s"
            );
        }
    }
}

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    let kinds = ["rs", "py", "sh", "wit", "sql"];
    for path in files(&root()) {
        if path.extension().is_some_and(|end| kinds.iter().any(|kind| end == *kind)) {
            let lines = fs::read_to_string(&path).unwrap().lines().count();
            assert!(lines <= LONGEST_FILE, "{}: {lines} lines, limit {LONGEST_FILE}", path.display());
        }
    }
}

#[test]
fn unsafe_code_stays_where_the_architecture_allows_it() {
    let allowed = [
        "host/runtime/src/cache.rs",
        "host/runtime/src/bindings.rs",
        "host/runtime/benches/sandbox/calls.rs",
        // A driver is foreign code, and so are kernels.
        "host/ttt/src/launch/cuda.rs",
        "host/ttt/src/launch/emulator.rs",
        // Makes the system calls that a worker may not.
        "host/runtime/tests/isolation/cell.rs",
        "plugins/sdk/src/lib.rs",
        // An allocator is what hands out raw memory.
        "plugins/kit/src/alloc.rs",
    ];
    let lifts = concat!("allow(", "unsafe_code");
    for path in files(&root()).into_iter().filter(|path| path.extension().is_some_and(|end| end == "rs")) {
        let name = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
        let lifted = fs::read_to_string(&path).unwrap().contains(lifts);
        assert!(!lifted || allowed.contains(&name.as_str()), "{name} lifts the ban on unsafe code");
    }
}

/// A released contract is what plugins out there were built from: it never changes again.
#[test]
fn released_contracts_are_frozen() {
    let frozen = [("0.1.0", "ac5985cd80098805da472d9bf58eee9e2d9e4d07d2134237fcdfebf52d19a627")];
    let mut released = Vec::new();
    for entry in fs::read_dir(root().join("wit")).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name == "next" {
            continue;
        }
        let mut files = files(&entry.path());
        files.sort();
        let bytes: Vec<Vec<u8>> = files.iter().map(|file| fs::read(file).unwrap()).collect();
        let digest = stratagem_domain::Digest::of_parts(bytes.iter().map(Vec::as_slice)).to_string();
        released.push((name, digest));
    }
    released.sort();
    let released: Vec<_> = released.iter().map(|(name, digest)| (name.as_str(), digest.as_str())).collect();
    assert_eq!(released, frozen, "a released contract changed, or a new one lacks its line here");
}

/// The threat model points at what holds each of its lines: folders of the hostile corpus, and tests.
#[test]
fn the_threat_model_names_only_what_there_is() {
    let text = fs::read_to_string(root().join("docs/threat-model.md")).unwrap();
    let held = text.split("| threat | mechanism | held by |").nth(1).unwrap();
    let rows = held.lines().skip(2).take_while(|line| line.starts_with('|'));
    let mut count = 0;
    for row in rows {
        let holders = row.trim_end_matches([' ', '|']).rsplit('|').next().unwrap();
        let names: Vec<&str> = holders.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "nothing holds {row}");
        for name in names {
            let place = if name.contains('/') { root() } else { root().join("tests/guests/hostile") };
            assert!(place.join(name).exists(), "docs/threat-model.md names {name}, which is not there");
            count += 1;
        }
    }
    assert!(count > 40, "{count}");
}

#[test]
fn every_migration_has_a_number_and_a_way_back() {
    let mut names: Vec<String> = files(&root().join("migrations/sqlite"))
        .iter()
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    names.sort();
    for (at, pair) in names.chunks(2).enumerate() {
        let [down, up] = pair else { panic!("{pair:?}: a migration without its way back") };
        assert!(up.starts_with(&format!("{:04}_", at + 1)), "{up}: numbers go up by one");
        assert_eq!(up.replace(".up.sql", ""), down.replace(".down.sql", ""));
    }
}
