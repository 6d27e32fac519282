//! Makes the source folder of a new plugin: a strategy that works, and the SDK that it is built with.
//!
//! The SDK is on no registry, so the program carries its sources and the contract's. In the new folder they lie
//! at the same distance from one another as in the repository, and are copied as they are but for the SDK's
//! manifest, which inherits there and cannot here.

use std::fs;
use std::path::{Path, PathBuf};

use include_dir::{Dir, DirEntry, include_dir};
use stratagem_domain::quote;
use stratagem_runtime::{Contract, is_plain};
use toml::{Table, Value};

use crate::failure::Failure;
use crate::output::outln;

static RUST: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates/rust");
static SDK: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../plugins/sdk/src");
static CONTRACT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../wit/next");
const SDK_MANIFEST: &str = include_str!("../../../plugins/sdk/Cargo.toml");
/// What the SDK's manifest inherits from.
const WORKSPACE: &str = include_str!("../../../plugins/Cargo.toml");
const LOCK: &str = include_str!("../../../plugins/Cargo.lock");

/// The languages that a template is there for.
const LANGUAGES: [&str; 1] = ["rust"];
/// What a template says where the plugin's name belongs.
const NAME: &str = "{{name}}";

/// Makes PARENT/NAME, whole or not at all.
pub fn new(name: &str, language: &str, parent: &Path) -> Result<(), Failure> {
    if !LANGUAGES.contains(&language) {
        let there =
            format!("there is: {}; a plugin in another language needs no template", LANGUAGES.join(", "));
        return Err(Failure::misuse(format!("no template for language {}", quote(language, 80))).hint(there));
    }
    if !is_plain(name, b'-') {
        return Err(Failure::misuse(format!("name {} is not usable", quote(name, 80)))
            .hint("a name has 1 to 64 lower-case letters, digits and '-'"));
    }
    let joined = parent.join(name);
    let folder = joined.strip_prefix(".").unwrap_or(&joined);
    let taken = || {
        Failure::misuse(format!("{}: this exists", folder.display())).hint("choose another name, or --out")
    };
    // Also of a link that leads nowhere: renaming would replace it.
    if folder.symlink_metadata().is_ok() {
        return Err(taken());
    }
    let failed = |error: std::io::Error| Failure::file(folder, &error);
    let mut draft = tempfile::Builder::new();
    #[cfg(unix)]
    draft.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
    let draft = draft.tempdir_in(parent).map_err(failed)?;
    for (path, text) in files(name) {
        let path = draft.path().join(path);
        fs::create_dir_all(path.parent().unwrap_or(draft.path())).map_err(failed)?;
        fs::write(path, text).map_err(failed)?;
    }
    fs::rename(draft.path(), folder).map_err(failed)?;
    outln!("{}: a strategy that works, with a test and a task to try", folder.display());
    outln!("  cd {}", folder.display());
    outln!("  cargo test --release");
    outln!("  stratagem plugin build");
    outln!("  stratagem solve tasks/first.json --strategy {name}");
    Ok(())
}

/// Every file of a new plugin, by its path in the folder.
fn files(name: &str) -> Vec<(PathBuf, String)> {
    let mut files: Vec<(PathBuf, String)> =
        texts(&RUST).into_iter().map(|(path, text)| (path.to_owned(), text.replace(NAME, name))).collect();
    let sdk = Path::new("vendor/stratagem-sdk");
    files.extend(texts(&SDK).into_iter().map(|(path, text)| (sdk.join("src").join(path), text.to_owned())));
    let contract = Path::new("wit/next");
    files.extend(texts(&CONTRACT).into_iter().map(|(path, text)| (contract.join(path), text.to_owned())));
    files.push((sdk.join("Cargo.toml"), sdk_manifest()));
    files.push(("Cargo.lock".into(), lock(&format!("plugin-{name}"))));
    files
}

fn texts<'a>(folder: &'a Dir<'a>) -> Vec<(&'a Path, &'a str)> {
    let within = |entry: &'a DirEntry<'a>| match entry {
        DirEntry::Dir(folder) => texts(folder),
        DirEntry::File(file) => vec![(file.path(), file.contents_utf8().unwrap_or_default())],
    };
    folder.entries().iter().flat_map(within).collect()
}

fn table(text: &str) -> Table {
    text.parse().unwrap_or_else(|error| unreachable!("the program carries TOML: {error}"))
}

/// The SDK's manifest with what it inherits written out; lints are the repository's own matter.
fn sdk_manifest() -> String {
    let (mut manifest, workspace) = (table(SDK_MANIFEST), table(WORKSPACE));
    manifest.remove("lints");
    for (key, value) in manifest["package"].as_table_mut().into_iter().flatten() {
        if value.get("workspace").is_some() {
            *value = workspace["workspace"]["package"][key].clone();
        }
    }
    format!(
        "# Of stratagem {}, for the contract {} (wit/next of this plugin).\n{manifest}",
        env!("CARGO_PKG_VERSION"),
        Contract::LATEST.world()
    )
}

/// The lock of the shipped plugins, cut down to the SDK and what it needs: a new plugin starts with versions that
/// are known to work.
fn lock(package: &str) -> String {
    let lock = table(LOCK);
    let packages = lock["package"].as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |package: &Value, key: &str| package[key].as_str().unwrap_or_default().to_owned();
    let needs = |package: &Value| -> Vec<String> {
        let names = package.get("dependencies").and_then(Value::as_array).into_iter().flatten();
        names.filter_map(|name| Some(name.as_str()?.to_owned())).collect()
    };
    let mut own = Table::new();
    own.insert("name".into(), package.into());
    own.insert("version".into(), "0.1.0".into());
    own.insert("dependencies".into(), vec!["stratagem-sdk"].into());
    let mut kept = vec![Value::from(own)];
    let mut at = 0;
    while at < kept.len() {
        for need in needs(&kept[at]) {
            // NAME, or NAME VERSION where there are several of the name.
            let is_it = |one: &&Value| {
                let name = text(one, "name");
                need == name || need == format!("{name} {}", text(one, "version"))
            };
            let found = packages.iter().find(is_it).filter(|found| !kept.contains(found));
            kept.extend(found.cloned());
        }
        at += 1;
    }
    let mut lock = lock.clone();
    lock.insert("package".into(), kept.into());
    lock.to_string()
}

#[cfg(test)]
mod tests {
    use stratagem_runtime::Manifest;

    use super::*;

    /// Every file below a folder of the repository, as the program would carry it.
    fn on_disk(folder: &Path) -> Vec<(PathBuf, String)> {
        let mut found = Vec::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(next) = folders.pop() {
            for entry in fs::read_dir(next).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let text = fs::read_to_string(&path).unwrap();
                    found.push((path.strip_prefix(folder).unwrap().to_owned(), text));
                }
            }
        }
        found.sort();
        found
    }

    #[test]
    fn the_program_carries_the_sdk_the_contract_and_the_template_of_the_repository() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for (carried, folder) in
            [(&SDK, "plugins/sdk/src"), (&CONTRACT, "wit/next"), (&RUST, "host/cli/templates/rust")]
        {
            let owned = |(path, text): (&Path, &str)| (path.to_owned(), text.to_owned());
            let mut carried: Vec<(PathBuf, String)> = texts(carried).into_iter().map(owned).collect();
            carried.sort();
            assert!(!carried.is_empty(), "{folder}");
            assert_eq!(carried, on_disk(&root.join(folder)), "{folder}");
        }
        let files = files("fresh");
        let written = |path: &str| &files.iter().find(|(file, _)| file == Path::new(path)).unwrap().1;
        let repository = |path: &str| fs::read_to_string(root.join(path)).unwrap();
        assert_eq!(*written("vendor/stratagem-sdk/src/lib.rs"), repository("plugins/sdk/src/lib.rs"));
        assert_eq!(*written("wit/next/strategy.wit"), repository("wit/next/strategy.wit"));
        assert!(files.iter().all(|(_, text)| !text.contains("{{")), "a placeholder is left");
    }

    #[test]
    fn the_sdks_manifest_stands_alone() {
        let manifest = table(&sdk_manifest());
        let (package, repository) = (&manifest["package"], table(SDK_MANIFEST));
        assert_eq!(package["edition"].as_str(), Some("2024"));
        assert_eq!(package["version"], table(WORKSPACE)["workspace"]["package"]["version"]);
        assert_eq!(manifest["dependencies"], repository["dependencies"]);
        assert!(!sdk_manifest().contains("workspace"), "{}", sdk_manifest());
    }

    #[test]
    fn the_lock_has_the_sdks_needs_and_no_more() {
        let (lock, shipped) = (table(&lock("plugin-fresh")), table(LOCK));
        let names: Vec<&str> =
            lock["package"].as_array().unwrap().iter().filter_map(|one| one["name"].as_str()).collect();
        assert!(names.starts_with(&["plugin-fresh", "stratagem-sdk", "wit-bindgen"]), "{names:?}");
        assert!(names.contains(&"wit-parser") && !names.contains(&"proptest"), "{names:?}");
        for one in &lock["package"].as_array().unwrap()[1..] {
            assert!(shipped["package"].as_array().unwrap().contains(one), "{one}");
        }
    }

    /// A plugin's own manifest is read as the host will read it.
    #[test]
    fn the_templates_manifest_is_one() {
        let files = files("fresh");
        let (path, text) = files.iter().find(|(path, _)| path == Path::new(Manifest::FILE)).unwrap();
        let manifest = Manifest::parse(text, path).unwrap();
        assert_eq!((manifest.name.as_str(), manifest.capabilities.len()), ("fresh", 0));
    }
}
