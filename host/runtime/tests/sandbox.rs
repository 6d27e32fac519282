//! What a run is held to, on a plugin that does what it is told: `just guests` builds it.

mod support;

use std::path::Path;

use stratagem_domain::{Ending, LabelledTask, Limits, Settings, Strategy};
use stratagem_runtime::{Contract, LoadError, Package, Sandbox, SandboxConfig, Tuning};

use crate::support::{package, probe, run, sandbox, settings, task};

type Expected = fn(&Ending) -> bool;

/// Every ending leaves the answer that was offered before it.
#[test]
fn answers_outlive_the_run_however_it_ends() {
    let small = Limits { fuel: 100_000_000, memory_mb: 16, ..Limits::default() };
    let hasty = Limits { wall_ms: 50, ..Limits::default() };
    let cases: [(&str, &Limits, Expected); 7] = [
        ("answer", &small, |ending| *ending == Ending::Returned),
        ("give-up", &small, |ending| *ending == Ending::GaveUp("no idea".into())),
        ("burn", &small, |ending| *ending == Ending::OutOfFuel),
        ("burn", &hasty, |ending| *ending == Ending::PastDeadline),
        ("grow", &small, |ending| *ending == Ending::OutOfMemory),
        ("panic", &small, |ending| matches!(ending, Ending::Trapped { .. })),
        ("overflow-stack", &small, |ending| matches!(ending, Ending::StackExhausted { .. })),
    ];
    let sandbox = sandbox(Tuning::Tuned);
    let probe = probe(&sandbox);
    for (act, limits, expected) in cases {
        let report = probe.run(&task(), 0, limits, &settings(act, 0));
        assert!(expected(&report.ending), "{act}: {:?}", report.ending);
        assert_eq!(report.answers.len(), 1, "{act}");
        assert_eq!(report.answers[0].grid, task().test[0], "{act}");
    }
}

#[test]
fn a_panic_says_why_and_where() {
    let Ending::Trapped { reason, backtrace } = run("panic", 0, &Limits::default()).ending else {
        panic!("no trap")
    };
    assert!(reason.contains("the probe panics: t") && reason.contains("lib.rs"), "{reason}");
    assert!(backtrace.iter().any(|frame| frame.contains("core::panicking::panic_fmt")), "{backtrace:?}");
    assert!(backtrace.iter().any(|frame| frame.contains("#solve")), "{backtrace:?}");
}

#[test]
fn fuel_is_spent_to_the_unit_and_never_beyond() {
    let limits = Limits { fuel: 12_345_678, ..Limits::default() };
    assert_eq!(run("burn", 0, &limits).usage.fuel_spent, 12_345_678);
}

#[test]
fn the_same_recipe_spends_the_same_fuel_on_any_engine() {
    let fuel = |tuning| {
        let report = probe(&sandbox(tuning)).run(&task(), 7, &Limits::default(), &settings("compute", 50));
        (report.usage.fuel_spent, report.answers)
    };
    let expected = fuel(Tuning::Tuned);
    for tuning in [Tuning::Tuned, Tuning::OnDemand, Tuning::Tuned] {
        assert_eq!(fuel(tuning), expected);
    }
}

#[test]
fn the_seed_is_the_only_chance() {
    let sandbox = sandbox(Tuning::Tuned);
    let probe = probe(&sandbox);
    let answers = |seed| probe.run(&task(), seed, &Limits::default(), &settings("chance", 0)).answers;
    assert_eq!(answers(3), answers(3));
    assert_ne!(answers(3), answers(4));
}

/// The processor's own quotient of zeros has another sign than the constant: without canonical bits they differ.
#[test]
fn not_a_number_has_one_bit_pattern() {
    assert_eq!(run("nan", 0, &Limits::default()).steps[1].detail, "0");
}

#[test]
fn memory_is_capped_and_its_peak_is_reported() {
    let limits = Limits { memory_mb: 32, ..Limits::default() };
    let report = run("hold", 8 << 20, &limits);
    assert_eq!(report.ending, Ending::Returned);
    assert!(
        (8 << 20..16 << 20).contains(&report.usage.memory_peak_bytes),
        "{}",
        report.usage.memory_peak_bytes
    );
    let report = run("hold", 64 << 20, &limits);
    assert_eq!(report.ending, Ending::OutOfMemory);
    assert!(report.usage.memory_peak_bytes <= 32 << 20);
}

#[test]
fn what_is_invalid_is_refused_with_a_reason_and_counted() {
    let report = run("invalid", 0, &Limits::default());
    let reasons: Vec<&str> = report.steps.iter().skip(1).map(|step| step.detail.as_str()).collect();
    let expected = [
        "test-index 99",
        "confidence 1.5",
        "confidence NaN",
        "2 × 2 cells",
        "cell 10",
        "31 columns",
        "empty",
        "rows",
    ];
    assert_eq!(reasons.len(), expected.len());
    for (reason, expected) in reasons.iter().zip(expected) {
        assert!(reason.starts_with("invalid: ") && reason.contains(expected), "{reason} lacks {expected}");
    }
    assert_eq!((report.usage.answers_offered, report.usage.answers_refused), (1, 8));
}

#[test]
fn a_run_leaves_nothing_to_the_next() {
    let sandbox = sandbox(Tuning::Tuned);
    let probe = probe(&sandbox);
    let clean = probe.run(&task(), 0, &Limits::default(), &settings("answer", 0)).usage.fuel_spent;
    for act in ["panic", "grow", "burn", "overflow-stack"] {
        let limits = Limits { fuel: 50_000_000, memory_mb: 16, ..Limits::default() };
        probe.run(&task(), 0, &limits, &settings(act, 0));
        let report = probe.run(&task(), 0, &Limits::default(), &settings("answer", 0));
        assert_eq!((report.usage.fuel_spent, &report.ending), (clean, &Ending::Returned), "after {act}");
    }
}

#[test]
fn compiled_code_is_cached_and_a_damaged_file_is_compiled_again() {
    let folder = tempfile::tempdir().unwrap();
    let config = SandboxConfig { cache: Some(folder.path().join("compiled")), ..SandboxConfig::default() };
    let load = || Sandbox::new(&config).unwrap().load(&package("probe")).unwrap().description;
    let first = load();
    let file = std::fs::read_dir(folder.path().join("compiled")).unwrap().next().unwrap().unwrap().path();
    assert_eq!(load(), first);
    let whole = std::fs::read(&file).unwrap();
    for place in [0, whole.len() / 3, whole.len() / 2, whole.len() - 1] {
        let mut damaged = whole.clone();
        damaged[place..].iter_mut().take(64).for_each(|byte| *byte = !*byte);
        std::fs::write(&file, damaged).unwrap();
        assert_eq!(load(), first);
        assert_eq!(std::fs::read(&file).unwrap().len(), whole.len(), "it was compiled again");
    }
    std::fs::write(&file, b"cut").unwrap();
    assert_eq!(load(), first);
}

#[test]
fn what_is_no_plugin_of_this_world_is_refused_before_it_runs() {
    let sandbox = sandbox(Tuning::Tuned);
    let load = |bytes: Vec<u8>| {
        let package = Package::from_bytes(None, bytes, Path::new("x.wasm")).unwrap();
        sandbox.load(&package).err().unwrap()
    };
    assert!(matches!(load(wat::parse_str("(module)").unwrap()), LoadError::CoreModule { .. }));
    assert!(matches!(load(b"\0asm\x0d\0\x01\0garbage".to_vec()), LoadError::Invalid { .. }));
    assert!(matches!(load(b"hello".to_vec()), LoadError::NotWasm { .. }));
    assert!(matches!(load(Vec::new()), LoadError::NotWasm { .. }));
    assert!(matches!(load(wat::parse_str("(component)").unwrap()), LoadError::WrongWorld { .. }));
    let drifted = "(component (instance $i) (export \"stratagem:strategy/strategy@0.1.0\" (instance $i)))";
    let error = load(wat::parse_str(drifted).unwrap()).to_string();
    assert!(error.contains("has no function `describe`"), "{error}");
    let error = sandbox.load(&package("greedy")).err().unwrap().to_string();
    assert_eq!(error, "plugin \"greedy\" imports `artifacts`, which plugin.toml does not ask for");
}

/// Every version of the contract that was released goes on running.
#[test]
fn every_released_contract_runs_through_the_same_host_functions() {
    let sandbox = sandbox(Tuning::Tuned);
    let older = sandbox.load(&package("since-0-1-0")).unwrap();
    assert_eq!((older.contract, probe(&sandbox).contract), (Contract::V0_1, Contract::V0_2));
    let report = older.run(&task(), 7, &Limits::default(), &settings("look", 0));
    assert_eq!((&report.ending, report.answers.len()), (&Ending::Returned, 1));
    let left: Vec<u64> = report.steps[0].detail.split(' ').map(|part| part.parse().unwrap()).collect();
    assert!(left[0] < Limits::default().fuel && left[1] < 256 << 20, "{left:?}");
    assert_eq!((left[2], &*report.log[0].message), (256, "seed 7 setting Some(\"look\")"));
}

#[test]
fn lessons_reach_the_plugin_with_their_outputs() {
    let sandbox = sandbox(Tuning::Tuned);
    let pair = task().train[0].clone();
    let test = |truth: bool| (pair.input.clone(), truth.then(|| pair.output.clone()));
    let lesson = |truth| LabelledTask::new("l", vec![pair.clone()], vec![test(true), test(truth)]).unwrap();
    let lessons = [lesson(true), lesson(false), lesson(true)];
    for strategy in [probe(&sandbox), sandbox.load(&package("since-0-1-0")).unwrap()] {
        let learn = |lessons| strategy.learn(lessons, 0, &Limits::default(), &Settings::new());
        let report = learn(&lessons);
        assert_eq!(report.ending, Ending::Returned);
        assert!(report.log[0].message.starts_with("2 lessons"), "one output is not known: {:?}", report.log);
        assert!(learn(&[]).log[0].message.starts_with("0 lessons"));
    }
}

/// A compiler that hangs, crashes or refuses costs one plugin its load, and is gone afterwards.
#[cfg(unix)]
#[test]
fn a_compiler_process_that_misbehaves_is_ended_and_named() {
    use stratagem_runtime::{CompileLimits, CompilerProcess};
    let load = |script: &str| {
        let limits = CompileLimits { wall_ms: 300, memory_mb: 512 };
        let args = vec!["-c".to_owned(), script.to_owned()];
        let compiler = Some(CompilerProcess { program: "/bin/sh".into(), args, limits });
        let sandbox = Sandbox::new(&SandboxConfig { compiler, ..SandboxConfig::default() }).unwrap();
        sandbox.load(&package("probe")).err().unwrap().to_string()
    };
    let slow = load("exec /bin/sleep 60");
    assert!(slow.contains("was not done in time (limits 300 ms, 512 MiB)"), "{slow}");
    let crashed = load("kill -ABRT $$");
    assert!(crashed.contains("signal: 6"), "{crashed}");
    let refused = load("echo 'error: too deep' >&2; exit 1");
    assert!(refused.ends_with("component is not valid: too deep"), "{refused}");
    let silent = load("cat >/dev/null");
    assert!(silent.contains("does not compile"), "{silent}");
    let lingering = load("cat >/dev/null; echo said; exec >&- 2>&-; exec /bin/sleep 60");
    assert!(lingering.contains("was not done in time"), "{lingering}");
    let forged = load("cat >/dev/null; echo no code of ours");
    assert!(forged.contains("is not valid"), "{forged}");
}

/// What lies in the cache is run: a folder that others may write is closed to them, and emptied first.
#[cfg(unix)]
#[test]
fn a_cache_that_others_may_write_is_closed_and_emptied() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let planted = folder.path().join("planted.cwasm");
    std::fs::write(&planted, "anything").unwrap();
    let config = SandboxConfig { cache: Some(folder.path().to_owned()), ..SandboxConfig::default() };
    Sandbox::new(&config).unwrap().load(&package("probe")).unwrap();
    assert!(!planted.exists());
    assert_eq!(std::fs::metadata(folder.path()).unwrap().permissions().mode() & 0o777, 0o700);
}

/// What an author packs badly is a refusal with a record; a link or a pipe is never read.
#[cfg(unix)]
#[test]
fn a_folder_that_holds_no_plain_files_is_its_authors_fault() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = folder.path().join("plugin.toml");
    let component = folder.path().join("component.wasm");
    let read = |told: &str| {
        let error = Package::read(folder.path()).unwrap_err();
        assert!(error.to_string().contains(told), "{error}");
        stratagem_runtime::RefusedStrategy::new(folder.path(), &error).map(|refused| refused.plugin().clone())
    };
    std::fs::write(&manifest, b"name = \"\xff\"").unwrap();
    assert_eq!(read("manifest is not UTF-8").unwrap().name, "unnamed");
    std::fs::write(&manifest, "#".repeat(70_000)).unwrap();
    assert_eq!(read("manifest is 70000 bytes long").unwrap().name, "unnamed");
    std::fs::write(&manifest, "name = \"endless\"\nversion = \"1.0.0\"\nkind = \"x\"\n").unwrap();
    std::os::unix::fs::symlink("/dev/zero", &component).unwrap();
    assert_eq!(read("component is not a file").unwrap().name, "endless");
    // A file may claim to be of any length: it is known by its beginning.
    std::fs::remove_file(&component).unwrap();
    std::fs::File::create(&component).unwrap().set_len(1 << 40).unwrap();
    assert_eq!(read("component is 1099511627776 bytes long").unwrap().name, "endless");
}
