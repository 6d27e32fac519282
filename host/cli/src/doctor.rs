use serde::Serialize;
use stratagem_runtime::{Contract, Package};
use stratagem_ttt::launch::Missing;

use crate::args::Doctor;
use crate::config::Training;
use crate::failure::Failure;
use crate::guest::Toolchain;
use crate::output::{outln, print_json};
use crate::paint;
use crate::workbench::Workbench;

/// One thing that was looked at.
#[derive(Serialize)]
struct Check {
    name: &'static str,
    /// `ok`, `missing` (something is to be done before it can be used) or `broken`.
    state: &'static str,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

impl Check {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, state: "ok", found: found.into(), hint: None }
    }

    fn missing(name: &'static str, found: impl Into<String>, hint: &str) -> Self {
        Self { name, state: "missing", found: found.into(), hint: Some(hint.to_owned()) }
    }

    fn broken(name: &'static str, found: impl Into<String>, hint: Option<String>) -> Self {
        Self { name, state: "broken", found: found.into(), hint }
    }
}

pub fn run(bench: &Workbench, doctor: &Doctor) -> Result<(), Failure> {
    let mut checks = vec![
        Check::ok(
            "program",
            format!("stratagem {} for contracts {}", env!("CARGO_PKG_VERSION"), Contract::versions()),
        ),
        settings(bench),
        policy(bench),
    ];
    checks.push(folder(bench));
    checks.extend(database(bench));
    checks.push(sandbox(bench));
    checks.push(isolation(bench));
    checks.push(training(bench));
    checks.extend(plugins(bench));
    checks.push(match Toolchain::find() {
        Ok(toolchain) => Check::ok("plugin builds", toolchain.describe()),
        Err(_) => {
            Check::missing("plugin builds", "no Rust that builds for wasm32-unknown-unknown", "`just setup`")
        }
    });
    if doctor.json {
        print_json(&checks)?;
    } else {
        for check in &checks {
            let mark = match check.state {
                "ok" => paint::good("ok"),
                state => paint::bad(state),
            };
            outln!("{:<14} {mark}  {}", check.name, check.found);
            check.hint.iter().for_each(|hint| outln!("{:<14} hint: {hint}", ""));
        }
    }
    match checks.iter().filter(|check| check.state == "broken").count() {
        0 => Ok(()),
        broken => Err(Failure::new(format!("{broken} of {} checks found something broken", checks.len()))),
    }
}

fn settings(bench: &Workbench) -> Check {
    let file = bench.config.file.as_ref().map(|file| file.display().to_string());
    Check::ok("settings", file.unwrap_or_else(|| "no stratagem.toml: the defaults hold".to_owned()))
}

fn policy(bench: &Workbench) -> Check {
    let policy = &bench.config.policy;
    let demanded = if policy.require_signature { "required" } else { "not required" };
    let found = format!(
        "{} signers, {} plugins; signatures are {demanded}",
        policy.signers.len(),
        policy.plugins.len()
    );
    match policy.granted_by_name_alone().as_slice() {
        [] => Check::ok("policy", found),
        names => Check::missing(
            "policy",
            format!("{found}; whoever calls itself so is granted: {}", names.join(", ")),
            "pin them with `blake3` or demand a `signer` under [policy.plugins.NAME]",
        ),
    }
}

fn folder(bench: &Workbench) -> Check {
    let folder = &bench.places.data;
    if !folder.exists() {
        return Check::missing(
            "data folder",
            folder.display().to_string(),
            "it is made with the first import",
        );
    }
    match tempfile::NamedTempFile::new_in(folder) {
        Ok(_) => Check::ok("data folder", folder.display().to_string()),
        Err(error) => Check::broken(
            "data folder",
            format!("{}: {error}", folder.display()),
            Some("make it writable, or name another with --data-dir".into()),
        ),
    }
}

fn database(bench: &Workbench) -> Vec<Check> {
    let path = bench.places.database.display();
    if !bench.places.database.exists() {
        return vec![Check::missing(
            "database",
            path.to_string(),
            "`just data`, or `stratagem tasks import`",
        )];
    }
    let looked = || -> Result<_, Failure> {
        let store = bench.existing_store()?;
        Ok((store.version(), store.health()?, store.datasets()?))
    };
    match looked() {
        Ok((version, faults, datasets)) if faults.is_empty() => {
            let names: Vec<String> =
                datasets.iter().map(|set| format!("{}@{}", set.name, set.version)).collect();
            let tasks = if names.is_empty() {
                Check::missing("tasks", "no dataset", "`just data`, or `stratagem tasks import`")
            } else {
                Check::ok("tasks", names.join(", "))
            };
            vec![Check::ok("database", format!("{path} (schema {version})")), tasks]
        }
        Ok((_, faults, _)) => vec![Check::broken(
            "database",
            format!("{path}: {}", faults.join("; ")),
            Some("restore the database from a copy".into()),
        )],
        Err(failure) => vec![Check::broken("database", failure.to_string(), failure.remedy())],
    }
}

fn sandbox(bench: &Workbench) -> Check {
    match bench.sandbox(1) {
        Ok(_) => Check::ok("sandbox", format!("compiled code in {}", bench.places.cache.display())),
        Err(failure) => Check::broken("sandbox", failure.to_string(), failure.remedy()),
    }
}

/// Has a worker confine itself as for a run: what it says is what holds.
fn isolation(bench: &Workbench) -> Check {
    const NAME: &str = "isolation";
    match bench.sandbox_for(1, true).map(|sandbox| sandbox.confinement.clone()) {
        Ok(Some(found)) if found.landlock.is_none() => Check::missing(
            NAME,
            found.to_string(),
            "a kernel of 5.13 or later with Landlock turned on: `lsm=landlock,...` at boot",
        ),
        Ok(found) => Check::ok(NAME, found.map(|found| found.to_string()).unwrap_or_default()),
        // Whoever wants it cannot do without.
        Err(failure) if bench.config.isolate => Check::broken(NAME, failure.to_string(), failure.remedy()),
        Err(failure) => Check::missing(NAME, failure.to_string(), "run on Linux with seccomp"),
    }
}

/// What trains at test time.
fn training(bench: &Workbench) -> Check {
    const NAME: &str = "training";
    match bench.config.ttt.training() {
        Ok(Training { on, instead: None, .. }) => Check::ok(NAME, on),
        // Whoever has no device needs none.
        Ok(Training { on, instead: Some(Missing::NoDriver | Missing::NoDevice), .. }) => {
            Check::ok(NAME, format!("{on}; there is no device"))
        }
        Ok(Training { on, instead: Some(missing), .. }) => Check::missing(
            NAME,
            format!("{on}: {missing}"),
            "mend the device, or set `[ttt] device = \"cpu\"` to do without",
        ),
        Err(missing) => Check::broken(
            NAME,
            format!("[ttt] device is {}: {missing}", bench.config.ttt.device),
            Some("name a device that is there, or `auto`, or `cpu`".to_owned()),
        ),
    }
}

fn plugins(bench: &Workbench) -> Vec<Check> {
    let folders = bench.plugin_folders();
    if folders.is_empty() {
        return vec![Check::missing("plugins", "none", "`just plugins`")];
    }
    let Ok(sandbox) = bench.sandbox(1) else { return Vec::new() };
    let check = |folder: &std::path::PathBuf| {
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        match Package::read(folder).and_then(|package| bench.load(&sandbox, &package)) {
            Ok(strategy) => Check::ok("plugin", format!("{name} {}", strategy.description.version)),
            Err(error) => Check::broken("plugin", error.to_string(), error.hint()),
        }
    };
    folders.iter().map(check).collect()
}
