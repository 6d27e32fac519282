//! WASI as it is granted: the same run on any engine, and nothing of it where nothing was granted.

use std::path::{Path, PathBuf};

use stratagem_domain::{Capability, Digest, Grid, Limits, Pair, Settings, Strategy, Task};
use stratagem_runtime::{Grants, LoadError, LoadedStrategy, Package, Sandbox, SandboxConfig, Tuning};

fn package() -> Package {
    let usual = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/guests");
    let guests = std::env::var_os("STRATAGEM_GUESTS").map_or_else(usual, PathBuf::from);
    Package::read(&guests.join("wasi-probe"))
        .unwrap_or_else(|error| panic!("{error}: run `just guests` first"))
}

fn grants(folder: &Path) -> Grants {
    let folders = [("/data".to_owned(), folder.to_owned())].into();
    Grants { capabilities: Capability::ALL.into(), folders, ..Grants::default() }
}

fn load(tuning: Tuning, grants: &Grants) -> Result<LoadedStrategy, LoadError> {
    let config = SandboxConfig { tuning, ..SandboxConfig::default() };
    Sandbox::new(&config).unwrap().load_granted(&package(), grants)
}

fn task() -> Task {
    let grid = Grid::new(1, 1, &[1]).unwrap();
    let pair = Pair { input: grid.clone(), output: grid.clone() };
    Task { id: "t".into(), train: vec![pair], test: vec![grid] }
}

#[test]
fn the_same_recipe_is_the_same_run_on_any_engine() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "x".repeat(200_000)).unwrap();
    let engines = [Tuning::Tuned, Tuning::OnDemand, Tuning::Tuned];
    let engines = engines.map(|tuning| load(tuning, &grants(folder.path())).unwrap());
    for act in ["print", "process", "clock", "sleep", "random", "folders", "read"] {
        let settings = [("act", act), ("path", "file"), ("count", "3")];
        let settings: Settings = settings.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let [first, second, third] = engines.each_ref().map(|engine| {
            let report = engine.run(&task(), 5, &Limits::default(), &settings);
            let usage = (report.usage.fuel_spent, report.usage.host_calls, report.usage.lifted_bytes);
            (report.ending, report.steps, report.log, usage)
        });
        assert_eq!(first, second, "{act}");
        assert_eq!(first, third, "{act}");
        assert_eq!(first.0, stratagem_domain::Ending::Returned, "{act}");
    }
}

#[test]
fn what_is_linked_has_a_digest_that_the_folders_decide() {
    let folder = tempfile::tempdir().unwrap();
    let digest = |grants: &Grants| load(Tuning::Tuned, grants).unwrap().grants();
    let first: Option<Digest> = digest(&grants(folder.path()));
    assert!(first.is_some());
    assert_eq!(digest(&grants(folder.path())), first);
    std::fs::write(folder.path().join("new"), "").unwrap();
    assert_ne!(digest(&grants(folder.path())), first);
}

#[test]
fn nothing_is_linked_that_was_not_granted() {
    let error = |grants: &Grants| load(Tuning::Tuned, grants).err().unwrap();
    assert!(matches!(error(&Grants::default()), LoadError::NotGranted { .. }));
    let all_but = |left: Capability| {
        let capabilities = Capability::ALL.into_iter().filter(|one| *one != left).collect();
        Grants { capabilities, rule: "[policy]".into(), ..Grants::default() }
    };
    for left in Capability::ALL.into_iter().filter(|capability| capability.is_wasi()) {
        let words = format!("imports `{}`, which [policy] does not grant", left.as_str());
        assert!(error(&all_but(left)).to_string().contains(&words), "{left:?}");
    }
}
