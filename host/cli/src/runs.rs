use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::Serialize;
use stratagem_domain::{Digest, Ending, LabelledTask, Limits, StoredRun, Strategy, escape, grouped};
use stratagem_runtime::{LoadedStrategy, Package};
use stratagem_solve::{Verdict, replay};
use stratagem_store::{Papers, RunFilter, Store};

use crate::args::Runs;
use crate::failure::Failure;
use crate::output::{mib, out, outln, print_json, table, utc};
use crate::paint::{self, Panel};
use crate::solve::complaint;
use crate::workbench::Workbench;

pub fn run(bench: &Workbench, command: &Runs) -> Result<(), Failure> {
    match command {
        Runs::List { strategy, task, outcome, limit, json } => {
            let filter = RunFilter {
                strategy: strategy.clone(),
                task: task.clone(),
                outcome: *outcome,
                limit: *limit,
            };
            list(bench, &filter, *json)
        }
        Runs::Show { id, json } => show(bench, id, *json),
        Runs::Failures { limit, json } => failures(bench, *limit, *json),
        Runs::Replay { ids, last, jobs, isolate, json } => {
            replay_runs(bench, ids, *last, *jobs, *isolate, *json)
        }
    }
}

fn list(bench: &Workbench, filter: &RunFilter, json: bool) -> Result<(), Failure> {
    let lines = bench.existing_store()?.runs(filter)?;
    if json {
        return print_json(&lines);
    }
    let rows: Vec<Vec<String>> = lines
        .iter()
        .map(|line| {
            vec![
                line.id.clone(),
                utc(line.started_at),
                format!("{} {}", line.strategy, line.version),
                line.task_id.clone(),
                line.outcome.as_str().to_owned(),
                line.answers.to_string(),
                format!("{:.2}", line.cpu_seconds),
                grouped(line.fuel_spent),
                mib(line.memory_peak_bytes),
            ]
        })
        .collect();
    let head =
        ["run", "started (UTC)", "strategy", "task", "outcome", "answers", "CPU s", "fuel", "peak memory"];
    out!("{}", table(&head, &rows));
    Ok(())
}

fn show(bench: &Workbench, id: &str, json: bool) -> Result<(), Failure> {
    let store = bench.existing_store()?;
    let run = store.run(id)?;
    if json {
        return print_json(&run);
    }
    let LabelledTask { task, truth } = store.task_of(&run.id)?;
    let StoredRun { recipe, usage, .. } = &run;
    outln!("run {}", run.id);
    let field = |name: &str, value: String| outln!("  {name:<12}{value}");
    field(
        "strategy",
        format!("{} {} ({})", recipe.plugin.name, recipe.plugin.version, recipe.plugin.digest.short()),
    );
    if let Some(version) = &run.place.config_version {
        let setup = store.document_version(version)?;
        field("setup", format!("{}@{} ({})", setup.name, setup.version, setup.hash.short()));
    }
    field("task", run.task_id.clone());
    field("started", format!("{} UTC", utc(run.started_at)));
    field("outcome", format!("{} (at fault: {})", run.outcome.as_str(), run.ending.fault().as_str()));
    field("seed", recipe.seed.to_string());
    field("fuel", format!("{} of {}", grouped(usage.fuel_spent), grouped(recipe.limits.fuel)));
    field(
        "time",
        format!(
            "{:.3} CPU s, {} ms of {} ms",
            usage.cpu_seconds,
            usage.wall_ms,
            grouped(recipe.limits.wall_ms)
        ),
    );
    field("memory", format!("{} of {} MiB", mib(usage.memory_peak_bytes), recipe.limits.memory_mb));
    field(
        "host calls",
        format!("{}, {} bytes handed over", grouped(usage.host_calls), grouped(usage.lifted_bytes)),
    );
    if !run.journal.is_empty() {
        let calls = grouped(run.journal.len() as u64);
        let (tokens, cost) = (usage.prompt_tokens + usage.completion_tokens, usage.cost_micros as f64 / 1e6);
        let bytes = grouped(usage.lent_bytes);
        field("lent", format!("{calls} calls, {bytes} bytes, {} tokens, ${cost:.6}", grouped(tokens)));
    }
    field("answers", format!("{} kept, {} refused", usage.answers_offered, usage.answers_refused));
    for (test, input) in task.test.iter().enumerate() {
        let mut row = vec![Panel { title: format!("test {}", test + 1), grid: input }];
        row.extend(truth[test].iter().map(|grid| Panel { title: "expected".into(), grid }));
        let mut ranked: Vec<_> = run
            .answers
            .iter()
            .filter(|stored| stored.answer.test_index == test && stored.rank.is_some())
            .collect();
        ranked.sort_by_key(|stored| stored.rank);
        for stored in ranked {
            let mark = stored.is_correct.map_or("", |correct| if correct { " ✓" } else { " ✗" });
            row.push(Panel {
                title: format!("#{}{mark}", stored.rank.unwrap_or_default()),
                grid: &stored.answer.grid,
            });
        }
        out!("{}", paint::panels(&row));
    }
    for (at, step) in run.steps.iter().enumerate() {
        let mark = if step.success { paint::good("✓") } else { paint::bad("✗") };
        outln!(
            "  {:>4} {mark} {}  {}",
            at + 1,
            step.action.escape_debug(),
            paint::dim(&step.detail.escape_debug().to_string())
        );
    }
    for line in &run.log {
        outln!("  log {:?}: {}", line.level, line.message.escape_debug());
    }
    if let Ending::Trapped { backtrace, .. } | Ending::StackExhausted { backtrace } = &run.ending {
        for frame in backtrace {
            outln!("    at {}", frame.escape_debug());
        }
    }
    if run.ending.reason().is_some() {
        out!("{}", complaint(&run));
    }
    Ok(())
}

fn failures(bench: &Workbench, limit: usize, json: bool) -> Result<(), Failure> {
    let clusters = bench.existing_store()?.failure_clusters(limit)?;
    if json {
        return print_json(&clusters);
    }
    let rows: Vec<Vec<String>> = clusters
        .iter()
        .map(|cluster| {
            vec![
                cluster.kind.clone(),
                cluster.category.clone(),
                cluster.count.to_string(),
                utc(cluster.last_at),
                cluster.run_id.clone().unwrap_or_else(|| "-".to_owned()),
                escape(&cluster.label, 80),
            ]
        })
        .collect();
    out!("{}", table(&["failure", "category", "runs", "last (UTC)", "last run", "message"], &rows));
    Ok(())
}

/// One replayed run of the report.
#[derive(Serialize)]
struct Replayed {
    run: String,
    task: String,
    strategy: String,
    fuel_spent: u64,
    answers: usize,
    #[serde(flatten)]
    verdict: Verdict,
}

fn replay_runs(
    bench: &Workbench,
    ids: &[String],
    last: Option<usize>,
    jobs: Option<usize>,
    isolate: bool,
    json: bool,
) -> Result<(), Failure> {
    let store = bench.existing_store()?;
    let ids = match last {
        Some(limit) => store
            .runs(&RunFilter { limit, ..RunFilter::default() })?
            .into_iter()
            .map(|line| line.id)
            .collect(),
        None => ids.to_vec(),
    };
    if ids.is_empty() {
        return Err(
            Failure::new("there are no runs to replay").hint("run something first: `stratagem solve`")
        );
    }
    let runs = ids.iter().map(|id| Ok(store.run(id)?)).collect::<Result<Vec<_>, Failure>>()?;
    let tasks = runs.iter().map(|run| Ok(store.task_of(&run.id)?)).collect::<Result<Vec<_>, Failure>>()?;
    let jobs = bench.jobs(jobs)?;
    let sandbox = bench.sandbox_for(jobs, isolate)?;
    let mut strategies: BTreeMap<Digest, LoadedStrategy> = BTreeMap::new();
    for run in runs.iter().filter(|run| run.ending.is_replayable()) {
        let digest = run.recipe.plugin.digest;
        if let Entry::Vacant(place) = strategies.entry(digest) {
            place.insert(stored_strategy(bench, &store, &sandbox, run)?);
        }
    }
    let next = AtomicUsize::new(0);
    let verdicts: Mutex<Vec<Option<Verdict>>> = Mutex::new(vec![None; runs.len()]);
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(run) = runs.get(at) else { break };
            let strategy =
                strategies.get(&run.recipe.plugin.digest).map(|strategy| strategy as &dyn Strategy);
            let verdict = replay(run, strategy, &tasks[at].task);
            verdicts.lock().unwrap_or_else(std::sync::PoisonError::into_inner)[at] = Some(verdict);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            let worker = std::thread::Builder::new().stack_size(Limits::THREAD_STACK_BYTES);
            worker.spawn_scoped(scope, work).map_err(|error| {
                Failure::new(format!("no thread to work on: {error}")).hint("use fewer --jobs")
            })?;
        }
        Ok::<_, Failure>(())
    })?;
    let verdicts = verdicts.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let rows = runs.iter().zip(verdicts).filter_map(|(run, verdict)| {
        Some(Replayed {
            run: run.id.clone(),
            task: run.task_id.clone(),
            strategy: run.recipe.plugin.name.clone(),
            fuel_spent: run.usage.fuel_spent,
            answers: run.answers.len(),
            verdict: verdict?,
        })
    });
    report(&rows.collect::<Vec<_>>(), json)
}

/// Loads the very bytes that a run used. The policy grants anew: what it grants no more is not run again.
fn stored_strategy(
    bench: &Workbench,
    store: &Store,
    sandbox: &stratagem_runtime::Sandbox,
    run: &StoredRun,
) -> Result<LoadedStrategy, Failure> {
    let plugin = &run.recipe.plugin;
    let component = store.component(&plugin.digest)?.ok_or_else(|| {
        Failure::new(format!(
            "the component {} of run {} is not in the database",
            plugin.digest.short(),
            run.id
        ))
    })?;
    let path = std::path::PathBuf::from(format!("{}@{}", plugin.name, plugin.digest.short()));
    let Papers { manifest, signature } = store.papers(plugin)?;
    Ok(bench.load(sandbox, &Package::stored(manifest, signature, component, &path)?)?)
}

fn report(rows: &[Replayed], json: bool) -> Result<(), Failure> {
    let count = |wanted: fn(&Verdict) -> bool| rows.iter().filter(|row| wanted(&row.verdict)).count();
    let (same, differ) = (count(|v| *v == Verdict::Same), count(|v| matches!(v, Verdict::Differs(_))));
    if json {
        print_json(&rows)?;
    } else {
        for row in rows {
            let verdict = match &row.verdict {
                Verdict::Same => paint::good("same"),
                Verdict::Differs(why) => format!("{}  {why}", paint::bad("differs")),
                Verdict::NotReplayable(why) => format!("not replayable: {why}"),
            };
            outln!(
                "{}  {}  {}  {} answers, fuel {}  {verdict}",
                row.run,
                row.task,
                row.strategy,
                row.answers,
                grouped(row.fuel_spent)
            );
        }
        outln!("{same} of {} runs gave the same answers for the same fuel", rows.len());
    }
    match (differ, same) {
        (0, 1..) => Ok(()),
        (0, 0) => {
            Err(Failure::new("no run was replayed").hint("a run that the clock or the host ended cannot be"))
        }
        _ => Err(Failure::new(format!("{differ} of {} runs differ", rows.len()))
            .hint("the plugin, the host or the machine is not deterministic: please report it")),
    }
}
