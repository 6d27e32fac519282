use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use stratagem_domain::{
    Digest, Ending, LabelledTask, Ledger, Outcome, Place, Split, StoredRun, grouped, quote,
};
use stratagem_solve::{Bench, CategoryRow, Contender, Report, StrategyRow, Summary, TaskResult, submission};
use stratagem_store::{Store, WorkEnd};

use crate::args::{Solve, When};
use crate::entrants::{Asked, Entrant, Setup};
use crate::failure::Failure;
use crate::interrupt;
use crate::learn;
use crate::lender::Lending;
use crate::output::{check_writable, is_stdout, mib, out, outln, table, write_json};
use crate::paint::{self, Panel};
use crate::portfolio;
use crate::workbench::{Workbench, find_task};

/// What is run where nobody names a strategy.
const USUAL_STRATEGY: &str = portfolio::AUTO;
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
    let asked = asked(bench, solve)?;
    let (asked, is_shared) = portfolio::members(bench, asked)?;
    let folds = solve.folds.map_or(Ok(1), learn::folds)?;
    let seed = seed_of(bench, solve, &asked)?;
    let entrants = asked
        .into_iter()
        .map(|asked| Entrant::load(bench, &sandbox, asked))
        .collect::<Result<Vec<_>, Failure>>()?;
    let flags = solve.limits.overlay();
    let grants = entrants
        .iter()
        .map(|entrant| Ok((entrant.limits(bench, &flags)?, entrant.settings(bench))))
        .collect::<Result<Vec<_>, Failure>>()?;
    // What the operator got wrong is refused above this line: from here on the database is written.
    let Work { mut tasks, dataset, store } = find(bench, solve)?;
    tasks.truncate(solve.limit.unwrap_or(usize::MAX));
    if let Some(store) = &store {
        entrants.iter().try_for_each(|entrant| entrant.refuse_leaks(store, &tasks, folds))?;
        entrants.iter().try_for_each(|entrant| entrant.keep(store))?;
    }
    let shared = if is_shared {
        Some(portfolio::shared(bench, store.as_deref(), &entrants, &flags, folds)?)
    } else {
        None
    };
    let digests: Vec<Digest> = tasks.iter().map(LabelledTask::digest).collect();
    let mut kept = Vec::new();
    let mut contenders = Vec::new();
    for (entrant, (limits, settings)) in entrants.iter().zip(grants) {
        let mut place = Place { domain: entrant.domain(), ..Place::default() };
        if let Some(store) = &store {
            let name = format!("{} on {}", entrant.strategy().plugin().name, solve.what);
            let new = entrant.evaluation(name, seed, limits.clone(), settings.clone());
            let id = store.begin_evaluation(&new, &digests, dataset.as_deref(), solve.resume)?;
            kept.push(KeptWork::new(entrant, &id));
            place = entrant.place(id);
        }
        contenders.push(Contender { strategy: entrant.strategy(), limits, settings, place });
    }
    let lending = Lending::new(bench, store.as_ref())?;
    let work = Bench {
        contenders,
        tasks: &tasks,
        dataset: dataset.as_deref(),
        seed,
        jobs,
        ledger: store.as_deref().map(|store| store as &dyn Ledger),
        lender: Some(&lending),
        resume: solve.resume,
        portfolio: shared.as_ref(),
        folds,
        cancel: interrupt::flag(),
    };
    let started = Instant::now();
    let results = with_progress(&work, "", &|| ());
    if let Some(store) = &store {
        let end = match &results {
            Err(failure) => WorkEnd::Failed(failure.to_string()),
            Ok(results) if results.len() < tasks.len() => WorkEnd::Cancelled,
            Ok(_) => WorkEnd::Done,
        };
        // What stopped the work may stop this too, and is the better message.
        let ended: Result<Vec<_>, _> =
            kept.iter().map(|work| store.end_evaluation(&work.evaluation, end.clone())).collect();
        if results.is_ok() {
            ended?;
        }
    }
    let results = results?;
    let report = Report::new(&results, started.elapsed().as_millis() as u64);
    let report = FullReport { report, evaluations: kept };
    finish(bench, solve, &entrants, &results, &report, tasks.len(), store.as_deref())
}

/// The report with where it is kept.
#[derive(Serialize)]
struct FullReport {
    #[serde(flatten)]
    report: Report,
    /// One a strategy; none where nothing was kept.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    evaluations: Vec<KeptWork>,
}

#[derive(Serialize)]
struct KeptWork {
    strategy: String,
    /// NAME@VERSION, and of `document_versions`.
    setup: Option<String>,
    config_version: Option<String>,
    evaluation: String,
}

impl KeptWork {
    fn new(entrant: &Entrant, evaluation: &str) -> Self {
        let setup = entrant.setup.as_ref();
        Self {
            strategy: entrant.strategy().plugin().name.clone(),
            setup: setup.map(Setup::label),
            config_version: setup.map(|setup| setup.version.id.clone()),
            evaluation: evaluation.to_owned(),
        }
    }
}

/// What is asked for: strategies and setups, else what the settings name, else the usual one.
fn asked(bench: &Workbench, solve: &Solve) -> Result<Vec<Asked>, Failure> {
    let setups = match solve.setups.as_slice() {
        [] => Vec::new(),
        names => {
            let store = bench.existing_store()?;
            names.iter().map(|name| Setup::find(&store, name)).collect::<Result<Vec<_>, Failure>>()?
        }
    };
    let usual = [USUAL_STRATEGY.to_owned()];
    let choices = [&solve.strategies[..], &bench.config.strategies, &usual];
    let names = choices.into_iter().find(|names| !names.is_empty() || !setups.is_empty()).unwrap_or_default();
    let names = names.iter().cloned().map(Asked::Strategy);
    Ok(names.chain(setups.into_iter().map(|setup| Asked::Setup(Box::new(setup)))).collect())
}

/// The seed of the flag, else of the setups, else of the settings; several strategies share one.
fn seed_of(bench: &Workbench, solve: &Solve, asked: &[Asked]) -> Result<u64, Failure> {
    let mut named = asked.iter().filter_map(|asked| match asked {
        Asked::Setup(setup) => setup.body.seed,
        Asked::Strategy(_) => None,
    });
    let first = named.next();
    if solve.seed.is_none() && named.any(|seed| Some(seed) != first) {
        return Err(Failure::misuse("the setups name different seeds").hint("choose one with --seed"));
    }
    seed(solve.seed.or(first).unwrap_or(bench.config.seed))
}

/// JavaScript sees integers up to 2^53 whole, so a seed stays below.
pub fn seed(asked: u64) -> Result<u64, Failure> {
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
    store: Option<Arc<Store>>,
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
            return Ok(Work {
                tasks,
                dataset: Some(dataset),
                store: (!solve.no_store).then_some(Arc::new(store)),
            });
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
    Ok(Work { tasks, dataset, store: Some(Arc::new(store)) })
}

/// The tasks of a dataset or one of its splits.
pub fn stored_tasks(store: &Store, what: &str) -> Result<Vec<LabelledTask>, Failure> {
    let found = find_stored(store, what)?.map(|(tasks, _)| tasks);
    let refused = || Failure::misuse(format!("no task or dataset {}", quote(what, 200)));
    found.ok_or_else(|| refused().hint("name one that is there: `stratagem tasks list`"))
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

/// Works with a bar on stderr; `watch` is called after every task.
pub fn with_progress(
    work: &Bench<'_>,
    title: &str,
    watch: &(dyn Fn() + Sync),
) -> Result<Vec<TaskResult>, Failure> {
    let bar = ProgressBar::new(work.tasks.len() as u64);
    let style = "{prefix}{bar:30} {pos}/{len} tasks  {msg}  {elapsed_precise} (still {eta})";
    bar.set_prefix(title.to_owned());
    bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(200));
    let solved = std::sync::atomic::AtomicUsize::new(0);
    let done = |result: &TaskResult| {
        let more = usize::from(result.solved_at(2) == Some(true));
        let solved = solved.fetch_add(more, std::sync::atomic::Ordering::Relaxed) + more;
        bar.set_message(format!("{solved} solved"));
        bar.inc(1);
        watch();
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
    report: &FullReport,
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
        let context = serde_json::json!({"what": solve.what, "summary": report.report.summary});
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
        out!("{}", closing_table(&report.report.summary));
        out!("{}", more_tables(&report.report));
        for setup in report.evaluations.iter().filter_map(|work| work.setup.as_ref()) {
            outln!("  {:<16}{setup}", "setup");
        }
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
        for choice in result.choices.iter().filter(|choice| choice.test_index == test).take(2) {
            text += &paint::dim(&format!("  attempt {}: {}\n", choice.attempt, choice.explain()));
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

/// Who alone solved what, what kinds of tasks were solved, and how far confidences can be believed; of many tasks only.
fn more_tables(report: &Report) -> String {
    if report.summary.scored < PICTURED {
        return String::new();
    }
    let mut text = String::new();
    if report.strategies.len() > 1 {
        let row = |row: &StrategyRow| {
            let (solved, seconds) = (row.solved_at_2.to_string(), format!("{:.2}", row.cpu_seconds));
            vec![row.strategy.clone(), row.tasks.to_string(), solved, row.alone.to_string(), seconds]
        };
        let rows: Vec<_> = report.strategies.iter().map(row).collect();
        text += &format!("\n{}", table(&["strategy", "tasks", "solved @2", "alone", "CPU s"], &rows));
    }
    let row =
        |row: &CategoryRow| vec![row.category.to_owned(), row.tasks.to_string(), row.solved_at_2.to_string()];
    let rows: Vec<_> = report.categories.iter().map(row).collect();
    text += &format!("\n{}", table(&["category", "tasks", "solved @2"], &rows));
    if let Some(reliability) = &report.reliability {
        text += &format!("\n{}", paint::reliability(reliability));
    }
    text
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
