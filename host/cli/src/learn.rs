//! `stratagem learn`: strategies that learn from solved tasks.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use stratagem_domain::{
    Backing, Call, Declined, LabelledTask, Lesson, Level, Likeness, Limits, LimitsOverlay, Reply, RunReport,
    Usage, grouped,
};
use stratagem_solve::{domain_of_fold, fold_of};
use stratagem_store::{LearnedArtifact, Lessons, RunMemory, Store};

use crate::args::LimitFlags;
use crate::entrants::{Asked, Entrant};
use crate::failure::Failure;
use crate::output::{mib, outln, print_json};
use crate::paint;
use crate::solve::{seed, stored_tasks};
use crate::workbench::Workbench;

/// The most parts that tasks are taken apart into.
const MOST_FOLDS: usize = 20;

#[derive(Debug, Args)]
pub struct Learn {
    /// A plugin by name or NAME@BLAKE3, or the path of one
    #[arg(long, value_name = "NAME")]
    pub strategy: String,
    /// The solved tasks: a dataset, or one split of it, such as arc-agi-1/training
    #[arg(long = "from", value_name = "WHAT")]
    pub from: String,
    /// Leave out tasks that share a pair with a dataset or split, however drawn, so that the strategy may be scored there
    #[arg(long = "apart-from", value_name = "WHAT")]
    pub apart_from: Vec<String>,
    /// Learn K times, each time without one part of the tasks, so that `solve --folds K` scores no task that was seen
    #[arg(long, value_name = "K", default_value_t = 1)]
    pub folds: usize,
    /// The only source of chance
    #[arg(long)]
    pub seed: Option<u64>,
    #[command(flatten)]
    pub limits: LimitFlags,
    /// Learn so many parts at the same time [default: one a processor]
    #[arg(long)]
    pub jobs: Option<usize>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// What one time of learning came to.
#[derive(Debug, Serialize)]
struct Learned {
    strategy: String,
    /// Where it is found again.
    domain: String,
    lessons: usize,
    /// Tasks that were left out for `--apart-from`.
    left_out: usize,
    /// Of the lessons, those that come with how they were solved.
    told: usize,
    artifacts: Vec<LearnedArtifact>,
    usage: Usage,
    /// What the strategy said on the way.
    log: Vec<String>,
}

/// As many folds as there may be.
pub fn folds(asked: usize) -> Result<usize, Failure> {
    let refused = || Failure::misuse(format!("{asked} folds: 1 to {MOST_FOLDS}")).hint("4 is usual");
    if (1..=MOST_FOLDS).contains(&asked) { Ok(asked) } else { Err(refused()) }
}

pub fn run(bench: &Workbench, learn: &Learn) -> Result<(), Failure> {
    folds(learn.folds)?;
    let jobs = bench.jobs(learn.jobs)?.min(learn.folds);
    let sandbox = bench.sandbox(jobs)?;
    let entrant = Entrant::load(bench, &sandbox, Asked::Strategy(learn.strategy.clone()))?;
    if let Some(refusal) = entrant.refusal() {
        return Err(refusal);
    }
    // Learning is as long as many runs: what is not named is the operator's bound.
    let (named, bounds) = (learn.limits.overlay(), bench.config.bounds());
    let flags = LimitsOverlay {
        fuel: named.fuel.or(Some(bounds.fuel)),
        wall_ms: named.wall_ms.or(Some(bounds.wall_ms)),
        memory_mb: named.memory_mb.or(Some(bounds.memory_mb)),
        ..named
    };
    let limits = entrant.limits(bench, &flags)?;
    let seed = seed(learn.seed.unwrap_or(bench.config.seed))?;
    let store = bench.existing_store()?;
    let tasks = stored_tasks(&store, &learn.from)?;
    let (tasks, left_out) = apart(&store, tasks, &learn.apart_from)?;
    if tasks.is_empty() {
        let others = learn.apart_from.join(", ");
        return Err(Failure::misuse(format!("no task of {} is left apart from {others}", learn.from))
            .hint("learn from a larger set, or score the strategy elsewhere"));
    }
    let lessons = lessons(&store, tasks)?;
    let times: Vec<Time> = (0..learn.folds)
        .map(|fold| Time::new(&entrant, (&lessons, left_out), fold, learn.folds))
        .collect::<Result<_, _>>()?;
    let done = all(&times, jobs, |time| time.learn(&store, &entrant, bench, seed, &limits))?;
    entrant.keep(&store)?;
    if learn.json {
        return print_json(&done);
    }
    done.iter().for_each(Learned::tell);
    Ok(())
}

/// The tasks that share no pair with any of `others`, in the mirror and in other colours too; and how many do.
fn apart(
    store: &Store,
    mut tasks: Vec<LabelledTask>,
    others: &[String],
) -> Result<(Vec<LabelledTask>, usize), Failure> {
    let found = tasks.len();
    let mut words = BTreeSet::new();
    for other in others {
        for task in stored_tasks(store, other)? {
            words.extend(Likeness::of(&task).words().map(ToOwned::to_owned));
        }
    }
    if !words.is_empty() {
        tasks.retain(|task| !Likeness::of(task).words().any(|word| words.contains(word)));
    }
    let left_out = found - tasks.len();
    Ok((tasks, left_out))
}

/// Tasks whose outputs are all known, with how stored runs solved them.
fn lessons(store: &Store, tasks: Vec<LabelledTask>) -> Result<Vec<Lesson>, Failure> {
    let rationales = store.rationales()?;
    let known = tasks.into_iter().filter(|task| task.truth.iter().all(Option::is_some));
    let lessons: Vec<Lesson> = known
        .map(|task| {
            let rationale = rationales.get(&task.digest()).cloned().unwrap_or_default();
            Lesson { task, rationale }
        })
        .collect();
    if lessons.is_empty() {
        let hint = "name a dataset or split with solutions: `stratagem tasks list`";
        return Err(Failure::misuse("no task whose outputs are known").hint(hint));
    }
    Ok(lessons)
}

/// One time of learning: from all lessons, or from those of all folds but one.
struct Time {
    domain: String,
    lessons: Vec<Lesson>,
    /// Tasks that were left out before the lessons were divided.
    left_out: usize,
}

impl Time {
    fn new(
        entrant: &Entrant,
        (lessons, left_out): (&[Lesson], usize),
        fold: usize,
        folds: usize,
    ) -> Result<Self, Failure> {
        let own = entrant.domain().unwrap_or_else(|| entrant.strategy().plugin().name.clone());
        let is_in = |lesson: &&Lesson| folds == 1 || fold_of(&lesson.task.digest(), folds) != fold;
        let lessons: Vec<Lesson> = lessons.iter().filter(is_in).cloned().collect();
        if lessons.is_empty() {
            return Err(
                Failure::misuse(format!("{folds} folds leave nothing to learn from")).hint("take fewer")
            );
        }
        let domain = if folds == 1 { own } else { domain_of_fold(&own, fold, folds) };
        Ok(Self { domain, lessons, left_out })
    }

    fn learn(
        &self,
        store: &Store,
        entrant: &Entrant,
        bench: &Workbench,
        seed: u64,
        limits: &Limits,
    ) -> Result<Learned, Failure> {
        let memory: Arc<dyn Backing> = Arc::new(Study(store.memory_for(&self.domain)));
        let report = entrant.learn(&self.lessons, seed, limits, &entrant.settings(bench), memory)?;
        let artifacts = store.keep_learned(&self.domain, &report, &Lessons::of(&self.lessons))?;
        let RunReport { usage, log, .. } = report;
        Ok(Learned {
            strategy: entrant.strategy().plugin().name.clone(),
            domain: self.domain.clone(),
            lessons: self.lessons.len(),
            left_out: self.left_out,
            told: self.lessons.iter().filter(|lesson| !lesson.rationale.is_empty()).count(),
            artifacts,
            usage,
            log: log
                .into_iter()
                .filter(|line| !matches!(line.level, Level::Debug))
                .map(|line| line.message)
                .collect(),
        })
    }
}

/// The memory of a domain while it is learned for: there is no episode that a vector could belong to.
struct Study(RunMemory);

impl Backing for Study {
    fn answer(&self, call: &Call) -> Result<Reply, Declined> {
        match call {
            Call::Embed { .. } => {
                Err(Declined::Unavailable("learning has no episode to embed: save an artifact".to_owned()))
            }
            Call::Training(_) => Err(Declined::Unavailable(
                "models are trained on a task that is solved, not in `learn`".to_owned(),
            )),
            call => self.0.answer(call),
        }
    }
}

/// Does all, some at the same time; the results in their order.
fn all(
    times: &[Time],
    jobs: usize,
    work: impl Fn(&Time) -> Result<Learned, Failure> + Sync,
) -> Result<Vec<Learned>, Failure> {
    let bar = ProgressBar::new(times.len() as u64);
    let style = "learning {bar:30} {pos}/{len}  {elapsed_precise}";
    bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(200));
    let (next, results) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let worker = || {
        while let Some(time) = times.get(next.fetch_add(1, Ordering::Relaxed)) {
            let result = work(time);
            bar.inc(1);
            results.lock().unwrap_or_else(PoisonError::into_inner).push((time.domain.clone(), result));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            let thread =
                std::thread::Builder::new().name("learn".into()).stack_size(Limits::THREAD_STACK_BYTES);
            thread.spawn_scoped(scope, worker).map_err(Failure::new)?;
        }
        Ok::<_, Failure>(())
    })?;
    bar.finish_and_clear();
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by(|a, b| a.0.cmp(&b.0));
    results.into_iter().map(|(_, result)| result).collect()
}

impl Learned {
    fn tell(&self) {
        outln!(
            "{} learned from {} tasks ({} with how they were solved{}) in {:.1} CPU s, fuel {}",
            self.domain,
            self.lessons,
            self.told,
            if self.left_out > 0 { format!("; {} left out", self.left_out) } else { String::new() },
            self.usage.cpu_seconds,
            grouped(self.usage.fuel_spent)
        );
        for artifact in &self.artifacts {
            let digest = &artifact.digest[..12];
            outln!(
                "  {:<16}version {}  {}  blake3 {digest}",
                artifact.name,
                artifact.version,
                mib(artifact.bytes)
            );
        }
        for line in &self.log {
            outln!("{}", paint::dim(&format!("  {line}")));
        }
    }
}
