use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use stratagem_domain::{
    Ending, LabelledTask, Ledger, LimitsOverlay, Outcome, Place, Split, StoredRun, Strategy, grouped, quote,
};
use stratagem_runtime::{Grants, LoadError, LoadedStrategy, Package, RefusedStrategy, Sandbox};
use stratagem_solve::{Bench, Contender, Report, Summary, TaskResult, submission};
use stratagem_store::Store;

use crate::args::{Solve, When};
use crate::failure::Failure;
use crate::interrupt;
use crate::lender::Lending;
use crate::output::{check_writable, is_stdout, mib, out, outln, write_json};
use crate::paint::{self, Panel};
use crate::trust::Found;
use crate::workbench::{Workbench, find_task, keep_plugin};

/// The strategy that is run where nobody names one.
const USUAL_STRATEGY: &str = "synthesis";
/// Up to so many tasks are shown as pictures unless asked otherwise.
const PICTURED: usize = 25;

pub fn run(bench: &Workbench, solve: &Solve) -> Result<(), Failure> {
    let files = || [&solve.json, &solve.submission].into_iter().flatten();
    if files().filter(|path| is_stdout(path)).count() > 1 {
        return Err(Failure::misuse("--json and --submission both go to stdout").hint("name a file for one"));
    }
    files().try_for_each(|path| check_writable(path))?;
    let jobs = bench.jobs(solve.jobs)?;
    let sandbox = bench.sandbox_for(jobs, solve.isolate)?;
    let entrants = load(bench, solve, &sandbox)?;
    let flags = LimitsOverlay {
        fuel: solve.fuel,
        wall_ms: solve.wall_ms,
        memory_mb: solve.memory_mb,
        ..LimitsOverlay::default()
    };
    let grant = |entrant: &Entrant| -> Result<_, Failure> {
        let settings =
            bench.config.settings.get(&entrant.strategy().plugin().name).cloned().unwrap_or_default();
        Ok((bench.limits(&entrant.limits(), &entrant.granted(), &flags)?, settings))
    };
    let grants = entrants.iter().map(grant).collect::<Result<Vec<_>, Failure>>()?;
    let seed = seed(solve.seed.unwrap_or(bench.config.seed))?;
    // What the operator got wrong is refused above this line: from here on the database is written.
    let Work { mut tasks, dataset, store } = find(bench, solve)?;
    tasks.truncate(solve.limit.unwrap_or(usize::MAX));
    if let Some(store) = &store {
        entrants.iter().try_for_each(|entrant| entrant.keep(store))?;
    }
    let lending = Lending { store: store.as_ref(), models: None };
    let contenders = entrants
        .iter()
        .zip(grants)
        .map(|(entrant, (limits, settings))| Contender {
            strategy: entrant.strategy(),
            limits,
            settings,
            place: Place { domain: entrant.domain(), ..Place::default() },
        })
        .collect();
    let work = Bench {
        contenders,
        tasks: &tasks,
        dataset: dataset.as_deref(),
        seed,
        jobs,
        ledger: store.as_ref().map(|store| store as &dyn Ledger),
        lender: Some(&lending),
        resume: solve.resume,
        cancel: interrupt::flag(),
    };
    let started = Instant::now();
    let results = with_progress(&work)?;
    let report = Report::new(&results, started.elapsed().as_millis() as u64);
    finish(bench, solve, &entrants, &results, &report, tasks.len(), store.as_ref())
}

/// A strategy that was asked for: ready to run, or refused and on record.
enum Entrant {
    Ready(Box<(Package, LoadedStrategy)>),
    Refused(RefusedStrategy),
}

impl Entrant {
    fn strategy(&self) -> &dyn Strategy {
        match self {
            Self::Ready(ready) => &ready.1,
            Self::Refused(refused) => refused,
        }
    }

    fn limits(&self) -> LimitsOverlay {
        match self {
            Self::Ready(ready) => ready.1.limits.clone(),
            Self::Refused(_) => LimitsOverlay::default(),
        }
    }

    fn granted(&self) -> Grants {
        match self {
            Self::Ready(ready) => ready.1.granted.clone(),
            Self::Refused(_) => Grants::default(),
        }
    }

    /// Where what it keeps is found again.
    fn domain(&self) -> Option<String> {
        self.granted().domain(self.strategy().plugin())
    }

    fn keep(&self, store: &Store) -> Result<(), Failure> {
        match self {
            Self::Ready(ready) => keep_plugin(store, &ready.1, &ready.0),
            Self::Refused(refused) => Ok(store.keep_refused(refused.plugin())?),
        }
    }

    fn refusal(&self) -> Option<Failure> {
        let Self::Refused(refused) = self else { return None };
        let failure = Failure::new(refused.reason());
        Some(match refused.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        })
    }
}

/// Loads every strategy that is asked for before a task is touched.
///
/// *Errors*: the operator's; a plugin's own fault makes it a refused entrant.
fn load(bench: &Workbench, solve: &Solve, sandbox: &Sandbox) -> Result<Vec<Entrant>, Failure> {
    let usual = [USUAL_STRATEGY.to_owned()];
    let choices = [&solve.strategies[..], &bench.config.strategies, &usual];
    let names = choices.into_iter().find(|names| !names.is_empty()).unwrap_or_default();
    let load = |name: &String| {
        let found = bench.find(name)?;
        let loaded = found.package().and_then(|package| {
            let strategy = bench.load(sandbox, &package)?;
            Ok(Entrant::Ready(Box::new((package, strategy))))
        });
        let refused = |error: &LoadError| match &found {
            Found::At(path) => RefusedStrategy::new(path, error),
            Found::Kept(identity, _) => RefusedStrategy::of(identity, error),
        };
        loaded.or_else(|error| match refused(&error) {
            Some(refused) => Ok(Entrant::Refused(refused)),
            None => Err(error.into()),
        })
    };
    names.iter().map(load).collect()
}

/// JavaScript sees integers up to 2^53 whole, so a seed stays below.
fn seed(asked: u64) -> Result<u64, Failure> {
    const END: u64 = 1 << 53;
    let refused = || Failure::misuse(format!("seed {asked}: 0 to {}", END - 1)).hint("choose a smaller one");
    if asked < END { Ok(asked) } else { Err(refused()) }
}

/// What is to be done, and where it is kept.
struct Work {
    tasks: Vec<LabelledTask>,
    /// The database's id of the dataset that all tasks are from.
    dataset: Option<String>,
    /// None where nothing is to be kept.
    store: Option<Store>,
}

/// Finds what WHAT names: a file or folder where there is one, since it may have been edited, else what is stored.
fn find(bench: &Workbench, solve: &Solve) -> Result<Work, Failure> {
    let what = solve.what.as_str();
    let path = Path::new(what);
    if path.exists() {
        return read(bench, solve, path);
    }
    let looks_like_path = what.starts_with(['/', '.']) || path.extension().is_some_and(|end| end == "json");
    if !looks_like_path && bench.places.database.exists() {
        let store = bench.existing_store()?;
        if let Some((tasks, dataset)) = find_stored(&store, what)? {
            return Ok(Work { tasks, dataset: Some(dataset), store: (!solve.no_store).then_some(store) });
        }
    }
    let hint = "name a task id, a dataset such as arc-agi-1/training (see `stratagem tasks list`), a file or a \
                folder; `just data` brings ARC-AGI-1 and 2";
    Err(Failure::misuse(format!("no task, dataset, file or folder {}", quote(what, 200))).hint(hint))
}

/// Reads tasks from a path and, unless nothing is to be kept, imports them.
fn read(bench: &Workbench, solve: &Solve, path: &Path) -> Result<Work, Failure> {
    let sets = stratagem_tasks::read(&[path.to_owned()], None)?;
    let tasks = sets.iter().flat_map(|set| &set.tasks).map(|(_, task)| task.clone()).collect();
    if solve.no_store {
        return Ok(Work { tasks, dataset: None, store: None });
    }
    let store = bench.store()?;
    let imported =
        sets.iter().map(|set| Ok(store.import(set)?.dataset.id)).collect::<Result<Vec<_>, Failure>>()?;
    let dataset = match imported.as_slice() {
        [dataset] => Some(dataset.clone()),
        _ => None,
    };
    Ok(Work { tasks, dataset, store: Some(store) })
}

/// A dataset with or without version and split, else a task, with the dataset's id; none where there is neither.
fn find_stored(store: &Store, what: &str) -> Result<Option<(Vec<LabelledTask>, String)>, Failure> {
    let (dataset, split) =
        what.split_once('/').map_or((what, None), |(dataset, split)| (dataset, Some(split)));
    let known = split.map(Split::parse);
    if known != Some(None) {
        let (name, version) =
            dataset.split_once('@').map_or((dataset, None), |(name, version)| (name, Some(version)));
        if let Some(found) = store.dataset(name, version)? {
            let tasks = store.tasks(&found, known.flatten())?;
            if tasks.is_empty() {
                let splits: Vec<&str> = found.counts.keys().map(|split| split.as_str()).collect();
                return Err(Failure::misuse(format!(
                    "dataset {name} has no split {}",
                    split.unwrap_or_default()
                ))
                .hint(format!("it has: {}", splits.join(", "))));
            }
            return Ok(Some((tasks, found.id)));
        }
    }
    Ok(find_task(store, what)?.map(|(dataset, task)| (vec![task], dataset)))
}

fn with_progress(work: &Bench<'_>) -> Result<Vec<TaskResult>, Failure> {
    let bar = ProgressBar::new(work.tasks.len() as u64);
    let style = "{bar:30} {pos}/{len} tasks  {msg}  {elapsed_precise} (still {eta})";
    bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(200));
    let solved = std::sync::atomic::AtomicUsize::new(0);
    let done = |result: &TaskResult| {
        let more = usize::from(result.solved_at(2) == Some(true));
        let solved = solved.fetch_add(more, std::sync::atomic::Ordering::Relaxed) + more;
        bar.set_message(format!("{solved} solved"));
        bar.inc(1);
    };
    let results = work.run(&done);
    bar.finish_and_clear();
    Ok(results?)
}

/// Shows and writes what came of the work, and says what of it failed.
fn finish(
    bench: &Workbench,
    solve: &Solve,
    entrants: &[Entrant],
    results: &[TaskResult],
    report: &Report,
    asked: usize,
    store: Option<&Store>,
) -> Result<(), Failure> {
    let write = |to_stdout: bool| {
        let wanted = |path: &&PathBuf| is_stdout(path) == to_stdout;
        solve.json.iter().filter(wanted).try_for_each(|path| write_json(path, report))?;
        solve.submission.iter().filter(wanted).try_for_each(|path| write_json(path, &submission(results)))
    };
    // Before anything is printed: nobody may be there to read it.
    write(false)?;
    if let Some(store) = store {
        let context = serde_json::json!({"what": solve.what, "summary": report.summary});
        store.event(
            "info",
            "solve",
            "solve.finished",
            &format!("{} of {asked} tasks", results.len()),
            &context,
        )?;
    }
    let refusals: Vec<Failure> = entrants.iter().filter_map(Entrant::refusal).collect();
    let quiet = refusals.len() == entrants.len()
        || [&solve.json, &solve.submission].into_iter().flatten().any(|path| is_stdout(path));
    let pictured = match solve.pictures {
        When::Auto => results.len() <= PICTURED,
        When::Always => true,
        When::Never => false,
    };
    if !quiet {
        if pictured {
            for result in results {
                out!("{}", picture(result));
            }
        }
        out!("{}", closing_table(&report.summary));
    }
    complain(results);
    write(true)?;
    if store.is_some() && !quiet {
        let place = bench.places.database.display();
        outln!("{}", paint::dim(&format!("kept in {place}: see `stratagem runs list`")));
    }
    if results.len() < asked {
        let hint = if store.is_some() {
            "the same command with --resume goes on with the rest"
        } else {
            "nothing was kept"
        };
        return Err(
            Failure::new(format!("interrupted: {} of {asked} tasks are done", results.len())).hint(hint)
        );
    }
    let faults = results
        .iter()
        .flat_map(|result| &result.runs)
        .filter(|run| run.outcome == Outcome::HostFault)
        .count();
    if faults > 0 {
        return Err(
            Failure::new(format!("{faults} runs failed by the host's fault")).hint("see `stratagem doctor`")
        );
    }
    let mut refusals = refusals.into_iter();
    let Some(first) = refusals.next() else { return Ok(()) };
    refusals.for_each(|refusal| refusal.print());
    Err(first)
}

/// A task's test inputs beside what was expected and what was answered.
pub fn picture(result: &TaskResult) -> String {
    let task = &result.task.task;
    let mark = match result.solved_at(2) {
        Some(true) => paint::good("solved"),
        Some(false) => paint::bad("not solved"),
        None => "not scored".to_owned(),
    };
    let seconds: f64 = result.runs.iter().map(|run| run.usage.cpu_seconds).sum();
    let fuel = grouped(result.runs.iter().map(|run| run.usage.fuel_spent).sum());
    let mut text =
        format!("\n{}  {mark}  {}\n", task.id, paint::dim(&format!("{seconds:.2} CPU s, fuel {fuel}")));
    for (test, input) in task.test.iter().enumerate() {
        let mut row = vec![Panel { title: format!("test {}", test + 1), grid: input }];
        let truth = result.task.truth[test].as_ref();
        row.extend(truth.map(|grid| Panel { title: "expected".into(), grid }));
        for (at, answer) in result.attempts(test).take(2).enumerate() {
            let mark = truth.map_or("", |truth| if *truth == answer.grid { " ✓" } else { " ✗" });
            row.push(Panel { title: format!("attempt {}{mark}", at + 1), grid: &answer.grid });
        }
        text += &paint::panels(&row);
        if result.ranking[test].is_empty() {
            text += &paint::dim("  no answer was offered\n");
        }
        if let Some(best) = result.attempts(test).next() {
            let rationale = quote(&best.rationale, 90);
            text += &paint::dim(&format!("  {rationale}  confidence {:.2}\n", best.confidence));
        }
    }
    text
}

fn closing_table(summary: &Summary) -> String {
    let share = |solved: usize| {
        format!(
            "{solved} of {} ({:.1} %)",
            summary.scored,
            100.0 * solved as f64 / summary.scored.max(1) as f64
        )
    };
    let rows = [
        ("tasks", summary.tasks.to_string()),
        ("solved @1", share(summary.solved_at_1)),
        ("solved @2", share(summary.solved_at_2)),
        ("solved @3", share(summary.solved_at_3)),
        ("partial credit", format!("{:.3}", summary.partial_credit)),
        (
            "CPU seconds",
            format!("{:.2} ({:.2} a task, median)", summary.cpu_seconds, summary.cpu_seconds_median),
        ),
        ("fuel", grouped(summary.fuel_spent)),
        ("peak memory", format!("{} (largest run)", mib(summary.memory_peak_bytes))),
        ("wall", format!("{:.1} s", summary.wall_ms as f64 / 1000.0)),
    ];
    let scored =
        |name: &str| summary.scored > 0 || !(name.starts_with("solved") || name.starts_with("partial"));
    let lines =
        rows.iter().filter(|(name, _)| scored(name)).map(|(name, value)| format!("  {name:<16}{value}\n"));
    let resumed = if summary.resumed > 0 {
        format!("  {:<16}{} runs were there already\n", "resumed", summary.resumed)
    } else {
        String::new()
    };
    format!("\n{}{resumed}", lines.collect::<String>())
}

/// Says which runs did not come to their end, why, and what to do; the first few of many.
fn complain(results: &[TaskResult]) {
    const TOLD: usize = 5;
    // A refused plugin is told of once, at the end.
    let is_told = |run: &&StoredRun| !matches!(run.ending, Ending::Returned | Ending::Refused { .. });
    let odd: Vec<&StoredRun> = results.iter().flat_map(|result| &result.runs).filter(is_told).collect();
    for run in odd.iter().take(TOLD) {
        eprint!("{}", complaint(run));
    }
    if odd.len() > TOLD {
        eprintln!(
            "and {} more: `stratagem runs list --outcome {}`",
            odd.len() - TOLD,
            odd[TOLD].outcome.as_str()
        );
    }
}

/// One run's ending in two lines: what happened, what to do.
pub fn complaint(run: &StoredRun) -> String {
    let limits = &run.recipe.limits;
    let reason = run.ending.reason().unwrap_or_default();
    let (what, hint) = match run.outcome {
        Outcome::OutOfFuel => (
            format!("ran out of fuel: limit {}", grouped(limits.fuel)),
            "raise `fuel` in plugin.toml or --fuel, or offer answers earlier",
        ),
        Outcome::PastDeadline => (
            format!("ran past its deadline: limit {} ms", grouped(limits.wall_ms)),
            "raise --wall-ms, or lower --fuel: a run that fuel ends can be replayed",
        ),
        Outcome::OutOfMemory => (
            format!("ran out of memory: limit {} MiB", limits.memory_mb),
            "raise `memory_mb` in plugin.toml or --memory-mb",
        ),
        Outcome::Trap => (
            format!("trapped: {}", quote(&reason, 300)),
            "a fault of the plugin; `stratagem runs show` has its log and backtrace",
        ),
        Outcome::HostFault => {
            (format!("failed by the host's fault: {}", quote(&reason, 300)), "see `stratagem doctor`")
        }
        Outcome::Refused => {
            (format!("was refused: {}", quote(&reason, 300)), "`stratagem plugin inspect` says what it lacks")
        }
        _ => (
            format!("gave up: {}", quote(&reason, 300)),
            "the plugin's own words; what it had offered counts",
        ),
    };
    format!("strategy \"{}\" on task {} {what}\n  hint: {hint}\n", run.recipe.plugin.name, run.task_id)
}
